// SPDX-License-Identifier: Apache-2.0
#include "motion_dense.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace mdvt {
namespace {

double Env(const char* name, double value) {
  return getenv(name) ? atof(getenv(name)) : value;
}
// Parallax in pixels that half of the points have in the farthest neighbour, and shares of it that
// the others should have.
const double kFarParallax = Env("A_PAR", 24);
const std::vector<double> kParallaxShares = Env("A_N",3)==2 ? std::vector<double>{1, 0.5} : Env("A_N",3)==4?std::vector<double>{1, 0.75,0.5,0.25}:std::vector<double>{1, 0.67, 0.33};
constexpr double kLeastParallax = 0.8;
constexpr double kLeastOverlap = 0.6;  // of the known points that both frames see

constexpr float kGrowth = 0.02f;         // of the relative sigma per frame that depth is carried
constexpr float kLeastCertainty = 0.2f;  // of a measured pixel
constexpr float kKept = 0.95f;           // of the certainty per frame that depth is carried
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
    const PathFrame& now, const std::vector<Eigen::Vector3d>& points) const {
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
  for (const double share : kParallaxShares) {
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
  const double nearest = Quantile(depths, 0.98) * Env("A_NEAR", 1.3);
  const double farthest = Quantile(depths, 0.02) * Env("A_FAR", 0.5);
  options.farthest = farthest < 0.05 * nearest ? 0.f : static_cast<float>(farthest);
  options.nearest = static_cast<float>(nearest);
  options.planes = static_cast<int>(Env("A_PLANES", 64));
  options.most_difference = static_cast<int>(Env("A_T", 40));
  options.step_cost = static_cast<int>(Env("A_P1", 24));
  options.jump_cost = static_cast<int>(Env("A_P2", 300));
  std::vector<SweepView> views;
  for (const Neighbour& n : neighbours)
    views.push_back({&n.picture->sweep, n.picture->camera, n.view_from_now});
  sweep_.Compute(picture.sweep, picture.camera, views, options, pool_, &swept_);
  if (getenv("A_DUMP")) {
    FILE* f = fopen((std::string(getenv("A_DUMP")) + "/cost.u8").c_str(), "ab");
    fwrite(swept_.cost.data(), 1, swept_.cost.size(), f); fclose(f);
    f = fopen((std::string(getenv("A_DUMP")) + "/margin.u16").c_str(), "ab");
    fwrite(swept_.margin.data(), 2, swept_.cost.size(), f); fclose(f);
  }
  const size_t n = swept_.value.size();
  measured_.Reset(swept_.width, swept_.height);
  certainty_.resize(n);
  const float mc = (float)Env("A_QC", 70), mm = (float)Env("A_QM", 100);
  for (size_t i = 0; i < n; ++i) {
    measured_.value[i] = std::max(swept_.value[i], 1e-4f * options.nearest);
    const float difference = static_cast<float>(swept_.cost[i]) / mc;
    const float margin = static_cast<float>(swept_.margin[i]) / mm;
    const float square = difference * difference;
    certainty_[i] = margin * margin / ((1 + margin * margin) * (1 + square * square));
  }
  const float step = (options.nearest - options.farthest) / static_cast<float>(options.planes - 1);
  DropPatches(measured_, (float)Env("A_GAP", 1.5) * step,
              static_cast<int>(static_cast<double>(n) * Env("A_PATCH", 0.0015)),
              &fill_scratch_.queue, &fill_scratch_.seen, &certainty_);
  if (!carried_.value.empty()) {
    // Two frames that agree bear each other out.
    const float lone = (float)Env("A_LONE", 0.5), slack = (float)Env("A_SLACK", 1) * step;
    for (size_t i = 0; i < n; ++i)
      if (carried_.value[i] > 0 && std::abs(carried_.value[i] - measured_.value[i]) > slack)
        certainty_[i] *= lone;
  }
  for (size_t i = 0; i < n; ++i) measured_.sigma[i] = certainty_[i];
  return true;
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
  if (Env("A_RAW", 0) > 0) {
    filled_ = measured_;
    return;
  }
  auto& [smoother, values, weights, around, reached, seen, queue] = fill_scratch_;
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
  smoother.SetGuide(picture.sweep, (float)Env("A_FE",kFillEdge), pool_);
  smoother.Smooth((float)Env("A_FL",kFillLambda), 3, pool_, &around, &reached);
  // Then gently over everything, the measured pixels holding their place.
  for (size_t i = 0; i < n; ++i) {
    const float w = weights[i];
    values[i] = w * values[i] + (1 - w) * around[i];
    weights[i] = 0.1f + w;
  }
  smoother.SetGuide(picture.sweep, (float)Env("A_SE",kSmoothEdge), pool_);
  smoother.Smooth((float)Env("A_SL",kSmoothLambda), 2, pool_, &values, &weights);
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
    std::vector<Neighbour> neighbours = ChooseNeighbours(waiting, 1, path, now, points);
    for (Neighbour& n : ChooseNeighbours(past, 0, path, now, points))
      neighbours.push_back(std::move(n));
    compared = Measure(picture, neighbours, points);
  }
  if (!compared && has_carried) {
    measured_ = carried_;
    certainty_.assign(measured_.value.size(), 0.f);
    for (size_t i = 0; i < certainty_.size(); ++i)
      if (measured_.value[i] > 0) certainty_[i] = kKept * measured_.sigma[i];
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
