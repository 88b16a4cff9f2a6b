// SPDX-License-Identifier: Apache-2.0
#include "motion_dense.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mdvt {
namespace {

// Parallax in pixels that half of the points have in the farthest neighbour of each side, and
// shares of it that the others of that side have; more of them where one side has few.
constexpr double kFarParallax = 36;
constexpr std::array<double, 3> kShares = {1, 0.67, 0.33};
constexpr std::array<double, 5> kSharesAlone = {1, 0.8, 0.6, 0.4, 0.2};
constexpr double kLeastParallax = 0.8;
constexpr double kLeastOverlap = 0.6;  // of the known points that both frames see

constexpr float kGrowth = 0.005f;        // of the relative sigma per frame that depth is carried
constexpr float kLeastCertainty = 0.2f;  // of a measured pixel
constexpr float kKept = 0.95f;           // of the certainty per frame that depth is carried
// Costs and margins (see SweepResult) at which a pixel counts half.
constexpr float kUsualCost = 70, kUsualMargin = 100;
constexpr double kLeastPatch = 0.0015;  // of the picture, and more, is one surface
constexpr uint32_t kMovingCost = 140;   // mean over a region that no plane explains
constexpr double kLeastMoving = 0.002;  // of the picture, is such a region
constexpr float kMemory = 0.25f;        // least variance of carried depth, in that of a measurement
constexpr float kFillLambda = 2500, kFillEdge = 4;
constexpr float kCarriedWeight = 0.02f;
constexpr float kSmoothLambda = 30, kSmoothEdge = 4;

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at =
      values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Takes the certainty of patches of fewer than `least` pixels that a step of more than `gap` of
// inverse depth cuts off on all sides: what moves by itself, or has no texture, falls to such.
void DropPatches(const InverseDepthMap& map, float gap, int least, std::vector<int>* queue,
                 std::vector<uint8_t>* seen, std::vector<float>* certainty) {
  const int w = map.width, h = map.height;
  seen->assign(map.value.size(), 0);
  queue->resize(map.value.size());
  for (int start = 0; start < w * h; ++start) {
    if ((*seen)[static_cast<size_t>(start)]) continue;
    int count = 0;
    (*queue)[0] = start;
    (*seen)[static_cast<size_t>(start)] = 1;
    int end = 1;
    while (count < end) {
      const int at = (*queue)[static_cast<size_t>(count++)];
      const int x = at % w, y = at / w;
      const float value = map.value[static_cast<size_t>(at)];
      const auto visit = [&](int to) {
        if ((*seen)[static_cast<size_t>(to)] ||
            std::abs(map.value[static_cast<size_t>(to)] - value) > gap)
          return;
        (*seen)[static_cast<size_t>(to)] = 1;
        (*queue)[static_cast<size_t>(end++)] = to;
      };
      if (x > 0) visit(at - 1);
      if (x + 1 < w) visit(at + 1);
      if (y > 0) visit(at - w);
      if (y + 1 < h) visit(at + w);
    }
    if (count >= least) continue;
    for (int i = 0; i < count; ++i)
      (*certainty)[static_cast<size_t>((*queue)[static_cast<size_t>(i)])] = 0;
  }
}

}  // namespace

void MotionDense::StartScene() {
  metres_per_unit_ = 0;
  has_before_ = false;
}

std::vector<MotionDense::Neighbour> MotionDense::ChooseNeighbours(
    const std::deque<MotionPicture>& pictures, size_t first, const CameraPath& path,
    const PathFrame& now, const std::vector<Eigen::Vector3d>& points, bool alone) const {
  std::vector<Neighbour> candidates;
  std::vector<double> shifts;
  for (size_t k = first; k < pictures.size(); ++k) {
    const std::optional<PathFrame> other = path.Get(pictures[k].number);
    if (!other || other->state != PathState::kTranslating) break;
    const Camera& camera = pictures[k].camera;
    const Pose view_from_now = other->world_from_cam.inverse() * now.world_from_cam;
    shifts.clear();
    size_t inside = 0;
    for (const Eigen::Vector3d& p : points) {
      const Eigen::Vector3d q = view_from_now * p;
      const Eigen::Vector3d turned = view_from_now.linear() * p;
      if (!(q.z() > 0) || !(turned.z() > 0)) continue;
      const Eigen::Vector2d at = Project(camera, q);
      inside += at.x() > 0 && at.y() > 0 && at.x() < camera.width && at.y() < camera.height;
      shifts.push_back((at - Project(camera, turned)).norm());
    }
    if (shifts.size() < 8 ||
        static_cast<double>(inside) < kLeastOverlap * static_cast<double>(points.size()))
      break;
    candidates.push_back(
        {&pictures[k], view_from_now, Quantile(shifts, 0.5), Quantile(shifts, 0.9)});
    if (candidates.back().parallax >= kFarParallax) break;
  }
  // Of each side the one of most parallax, which measures best, and some of less, which are alike.
  std::vector<Neighbour> chosen;
  if (candidates.empty()) return chosen;
  const double most = std::max_element(candidates.begin(), candidates.end(),
                                       [](const Neighbour& a, const Neighbour& b) {
                                         return a.parallax < b.parallax;
                                       })
                          ->parallax;
  const std::vector<double> shares =
      alone ? std::vector<double>(kSharesAlone.begin(), kSharesAlone.end())
            : std::vector<double>(kShares.begin(), kShares.end());
  for (const double share : shares) {
    const auto distance = [&](const Neighbour& n) { return std::abs(n.parallax - share * most); };
    const auto best = std::min_element(
        candidates.begin(), candidates.end(),
        [&](const Neighbour& a, const Neighbour& b) { return distance(a) < distance(b); });
    if (best == candidates.end()) break;
    if (best->largest >= kLeastParallax) chosen.push_back(*best);
    candidates.erase(best);
  }
  return chosen;
}

bool MotionDense::Measure(const MotionPicture& picture, const std::vector<Neighbour>& neighbours,
                          const std::vector<Eigen::Vector3d>& points) {
  if (neighbours.empty()) return false;
  std::vector<double> depths;
  for (const Eigen::Vector3d& p : points)
    if (p.z() > 0) depths.push_back(1 / p.z());
  if (depths.size() < 8) return false;
  PlaneSweepOptions options;
  const double nearest = 1.3 * Quantile(depths, 0.98), farthest = 0.5 * Quantile(depths, 0.02);
  options.nearest = static_cast<float>(nearest);
  options.farthest = farthest < 0.05 * nearest ? 0.f : static_cast<float>(farthest);
  std::vector<SweepView> views;
  for (const Neighbour& n : neighbours)
    views.push_back({&n.picture->sweep, n.picture->camera, n.view_from_now});
  sweep_.Compute(picture.sweep, picture.camera, views, options, pool_, &swept_);
  const size_t n = swept_.value.size();
  measured_.Reset(swept_.width, swept_.height);
  certainty_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    measured_.value[i] = std::max(swept_.value[i], 1e-4f * options.nearest);
    const float difference = static_cast<float>(swept_.cost[i]) / kUsualCost;
    const float margin = static_cast<float>(swept_.margin[i]) / kUsualMargin;
    const float square = difference * difference;
    certainty_[i] = margin * margin / ((1 + margin * margin) * (1 + square * square));
  }
  const float step = (options.nearest - options.farthest) / static_cast<float>(options.planes - 1);
  DropPatches(measured_, 1.5f * step, static_cast<int>(static_cast<double>(n) * kLeastPatch),
              &fill_scratch_.queue, &fill_scratch_.seen, &certainty_);
  FindMoving();
  JoinWithCarried(0.5f * step);
  return true;
}

// What no plane explains in a whole region moves by itself, or changes: nothing there is measured.
void MotionDense::FindMoving() {
  const int w = swept_.width, h = swept_.height;
  const int reach = std::max(1, w / 128);
  std::vector<uint32_t>& sums = fill_scratch_.sums;
  const size_t columns = static_cast<size_t>(w) + 1;
  sums.assign(columns * static_cast<size_t>(h + 1), 0);
  for (int y = 0; y < h; ++y) {
    uint32_t row = 0;
    for (int x = 0; x < w; ++x) {
      const size_t at = static_cast<size_t>(y + 1) * columns + static_cast<size_t>(x) + 1;
      row += swept_.cost[static_cast<size_t>(y) * static_cast<size_t>(w) + static_cast<size_t>(x)];
      sums[at] = sums[at - columns] + row;
    }
  }
  const uint32_t limit = kMovingCost;
  moving_.assign(swept_.cost.size(), 0);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      const size_t x0 = static_cast<size_t>(std::max(0, x - reach));
      const size_t x1 = static_cast<size_t>(std::min(w, x + reach + 1));
      const size_t y0 = static_cast<size_t>(std::max(0, y - reach));
      const size_t y1 = static_cast<size_t>(std::min(h, y + reach + 1));
      const uint32_t sum = sums[y1 * columns + x1] - sums[y1 * columns + x0] -
                           sums[y0 * columns + x1] + sums[y0 * columns + x0];
      if (sum < limit * static_cast<uint32_t>((x1 - x0) * (y1 - y0))) continue;
      const size_t at = static_cast<size_t>(y) * static_cast<size_t>(w) + static_cast<size_t>(x);
      moving_[at] = 1;
      certainty_[at] = 0;
    }
}

// Averages with the frame before where both agree, keeps what it knew where this one does not tell.
// spread  standard deviation of a sure measurement
void MotionDense::JoinWithCarried(float spread) {
  const float usual = spread * spread;
  for (size_t i = 0; i < certainty_.size(); ++i) {
    float& value = measured_.value[i];
    float& sigma = measured_.sigma[i];
    float& certainty = certainty_[i];
    sigma = spread / std::sqrt(std::max(certainty, 1e-4f));
    if (carried_.value.empty() || !(carried_.value[i] > 0)) continue;
    const float before = carried_.value[i];
    const float variance = std::max(carried_.sigma[i] * carried_.sigma[i], kMemory * usual);
    const float known = std::min(1.f, usual / variance);
    const float difference = std::abs(before - value);
    if (moving_[i] && difference > 2 * spread) continue;
    if (difference <= 3 * spread) {
      const float a = 1 / (sigma * sigma), b = 1 / variance;
      value = (a * value + b * before) / (a + b);
      sigma = 1 / std::sqrt(a + b);
      certainty = std::max(certainty, std::min(1.f, certainty + 0.5f * known));
    } else if (certainty < 0.5f * known) {
      value = before;
      certainty = kKept * known;
      sigma = spread / std::sqrt(certainty);
    } else {
      certainty *= 0.5f;
    }
  }
}

// Things that move stand on what is below them or hide what is beside them: they get the depth that
// the lower part of their outline has.
void MotionDense::PlaceMoving() {
  const int w = measured_.width, h = measured_.height;
  auto& [smoother, values, weights, around, reached, seen, queue, sums] = fill_scratch_;
  seen.assign(moving_.size(), 0);
  queue.resize(moving_.size());
  const int least = static_cast<int>(static_cast<double>(moving_.size()) * kLeastMoving);
  std::vector<float> border;
  for (int start = 0; start < w * h; ++start) {
    if (!moving_[static_cast<size_t>(start)] || seen[static_cast<size_t>(start)]) continue;
    int count = 0, end = 1, bottom = 0, top = h;
    queue[0] = start;
    seen[static_cast<size_t>(start)] = 1;
    while (count < end) {
      const int at = queue[static_cast<size_t>(count++)];
      const int x = at % w, y = at / w;
      bottom = std::max(bottom, y);
      top = std::min(top, y);
      const auto visit = [&](int to) {
        if (seen[static_cast<size_t>(to)] || !moving_[static_cast<size_t>(to)]) return;
        seen[static_cast<size_t>(to)] = 1;
        queue[static_cast<size_t>(end++)] = to;
      };
      if (x > 0) visit(at - 1);
      if (x + 1 < w) visit(at + 1);
      if (y > 0) visit(at - w);
      if (y + 1 < h) visit(at + w);
    }
    if (count < least) continue;
    border.clear();
    const int reach = std::max(2, w / 100);
    for (int i = 0; i < count; ++i) {
      const int at = queue[static_cast<size_t>(i)];
      const int x = at % w, y = at / w;
      const auto look = [&](int x2, int y2) {
        if (x2 < 0 || y2 < 0 || x2 >= w || y2 >= h) return;
        const size_t to =
            static_cast<size_t>(y2) * static_cast<size_t>(w) + static_cast<size_t>(x2);
        if (!moving_[to]) border.push_back(around[to]);
      };
      look(x, y + reach);
      if (y > (top + bottom) / 2) {
        look(x - reach, y);
        look(x + reach, y);
      }
    }
    if (border.size() < 8) continue;
    const auto at =
        border.begin() + static_cast<ptrdiff_t>(static_cast<double>(border.size() - 1) * 0.7);
    std::nth_element(border.begin(), at, border.end());
    for (int i = 0; i < count; ++i) {
      const size_t k = static_cast<size_t>(queue[static_cast<size_t>(i)]);
      around[k] = std::max(around[k], *at);
    }
  }
}

// A mild slope: the lower part of a picture is nearer more often than not.
void MotionDense::Guess(int width, int height) {
  filled_.Reset(width, height);
  const double unit = metres_per_unit_ > 0 ? metres_per_unit_ : 1;
  const double middle = unit / scene_scale_;
  for (int y = 0; y < height; ++y) {
    const double v = (y + 0.5) / height;
    const float rho = static_cast<float>(middle * (0.55 + 0.9 * v));
    std::fill_n(&filled_.value[static_cast<size_t>(y) * static_cast<size_t>(width)], width, rho);
  }
}

// Gives every pixel a value: what is not measured comes from around, along the picture's edges.
void MotionDense::Fill(const MotionPicture& picture) {
  auto& [smoother, values, weights, around, reached, seen, queue, sums] = fill_scratch_;
  const size_t n = measured_.value.size();
  filled_.Reset(measured_.width, measured_.height);
  values = measured_.value;
  weights = certainty_;
  around = values;
  reached = weights;
  // Where nothing is measured, a little of what was there in the frame before keeps it steady.
  if (!carried_filled_.empty())
    for (size_t i = 0; i < n; ++i)
      if (reached[i] < kCarriedWeight && carried_filled_.value[i] > 0) {
        around[i] = carried_filled_.value[i];
        reached[i] = kCarriedWeight;
      }
  smoother.SetColorGuide(picture.sweep, kFillEdge, pool_);
  smoother.Smooth(kFillLambda, 3, pool_, &around, &reached);
  PlaceMoving();
  // Then gently over everything, the measured pixels holding their place.
  for (size_t i = 0; i < n; ++i) {
    const float w = weights[i];
    values[i] = w * values[i] + (1 - w) * around[i];
    weights[i] = 0.1f + w;
  }
  smoother.SetColorGuide(picture.sweep, kSmoothEdge, pool_);
  smoother.Smooth(kSmoothLambda, 2, pool_, &values, &weights);
  filled_.value = values;
}

DepthEstimate MotionDense::Output(const MotionPicture& picture, const Image& luma, int width,
                                  int height, bool guess) {
  DepthEstimate estimate;
  estimate.depth = Image(PixelFormat::GrayF32(), width, height);
  const PlaneView<const uint8_t> small = luma.Plane<uint8_t>();
  const PlaneView<const uint8_t> guide = picture.guide.Plane<uint8_t>();
  const PlaneView<float> depth = estimate.depth.MutablePlane<float>();
  if (guide.width == width && guide.height == height) {
    UpsampleAlongEdges(filled_.value, small, guide, 8, pool_, depth);
  } else {
    Image enlarged(PixelFormat::GrayF32(), guide.width, guide.height);
    UpsampleAlongEdges(filled_.value, small, guide, 8, pool_, enlarged.MutablePlane<float>());
    ResizeBilinear(enlarged.Plane<float>(), pool_, depth);
  }
  const double unit = metres_per_unit_ > 0 ? metres_per_unit_ : 1;
  const float nearest = static_cast<float>(unit / 1e5);  // 100 km
  for (int y = 0; y < height; ++y) {
    float* row = depth.Row(y);
    for (int x = 0; x < width; ++x) row[x] = static_cast<float>(unit) / std::max(row[x], nearest);
  }
  if (!wants_confidence_) return estimate;
  estimate.confidence = Image(PixelFormat::Gray(8), width, height);
  const PlaneView<uint8_t> confidence = estimate.confidence.MutablePlane<uint8_t>();
  for (int y = 0; y < height; ++y) {
    uint8_t* row = confidence.Row(y);
    const int sy = static_cast<int>(static_cast<int64_t>(y) * small.height / height);
    for (int x = 0; x < width; ++x) {
      const int sx = static_cast<int>(static_cast<int64_t>(x) * small.width / width);
      const size_t i = static_cast<size_t>(sy) * static_cast<size_t>(small.width) + sx;
      row[x] = guess ? 0 : static_cast<uint8_t>(std::lround(255 * certainty_[i]));
    }
  }
  return estimate;
}

DepthEstimate MotionDense::Compute(const std::deque<MotionPicture>& waiting,
                                   const std::deque<MotionPicture>& past, const CameraPath& path,
                                   int width, int height, MotionFrameReport* report) {
  const MotionPicture& picture = waiting.front();
  const int w = picture.camera.width, h = picture.camera.height;
  const Image small = SmallLuma(picture, pool_);
  PathFrame now;
  now.index = picture.number;
  if (const auto known = path.Get(picture.number)) now = *known;

  const bool has_carried = has_before_ && now.state != PathState::kLost;
  carried_.value.clear();
  carried_filled_.value.clear();
  if (has_carried) {
    const Pose now_from_before = now.world_from_cam.inverse() * before_.world_from_cam;
    ReprojectInverseDepth(measured_, camera_before_, picture.camera, now_from_before, kGrowth,
                          &carried_);
    ReprojectInverseDepth(filled_, camera_before_, picture.camera, now_from_before, kGrowth,
                          &carried_filled_);
    carried_filled_.sigma = {};  // only its values are asked for
  }
  bool compared = false;
  if (now.state == PathState::kTranslating) {
    std::vector<Eigen::Vector3d> points;
    const Pose now_from_world = now.world_from_cam.inverse();
    for (const PathPoint& point : path.PointsIn(now.index))
      points.push_back(now_from_world * point.in_world);
    const bool alone = waiting.size() < 4 || past.size() < 3;
    std::vector<Neighbour> neighbours = ChooseNeighbours(waiting, 1, path, now, points, alone);
    for (Neighbour& n : ChooseNeighbours(past, 0, path, now, points, alone))
      neighbours.push_back(std::move(n));
    compared = Measure(picture, neighbours, points);
  }
  if (!compared && has_carried) {
    measured_ = carried_;
    certainty_.assign(measured_.value.size(), 0.f);
    moving_.assign(measured_.value.size(), 0);
    for (size_t i = 0; i < certainty_.size(); ++i)
      if (measured_.value[i] > 0)
        certainty_[i] = std::min(1.f, 0.01f * measured_.value[i] / measured_.sigma[i]);
  }

  bool guess = true;
  if (compared || has_carried) {
    std::vector<float>& values = fill_scratch_.values;
    values.clear();
    for (size_t i = 0; i < measured_.value.size(); ++i)
      if (certainty_[i] >= kLeastCertainty) values.push_back(measured_.value[i]);
    report->measured_share =
        static_cast<double>(values.size()) / static_cast<double>(measured_.value.size());
    if (report->measured_share > 0.05) {
      guess = false;
      if (metres_per_unit_ == 0) {
        const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        metres_per_unit_ = scene_scale_ * static_cast<double>(*middle);
      }
      Fill(picture);
      report->status = compared ? MotionStatus::kMeasured : MotionStatus::kCarried;
      has_before_ = true;
      before_ = now;
      camera_before_ = picture.camera;
    }
  }
  if (guess) {
    Guess(w, h);
    certainty_.assign(filled_.value.size(), 0.f);
    report->status =
        now.state == PathState::kLost ? MotionStatus::kLost : MotionStatus::kNoTranslation;
    has_before_ = false;
  }
  fill_scratch_ = {};
  report->world_from_cam = now.world_from_cam;
  report->world_from_cam.translation() *= metres_per_unit_;
  return Output(picture, small, width, height, guess);
}

}  // namespace mdvt
