// SPDX-License-Identifier: Apache-2.0
#include "motion_dense.h"

#include <algorithm>
#include <cmath>

namespace mdvt {
namespace {

// Parallax in pixels at working size. Of the near frame, nine tenths of the points have about the
// first: easy to match, also close up. Of the far frame, half have the second: measures well.
constexpr double kNearParallax = 14;
constexpr double kFarParallax = 30;
constexpr double kLeastParallax = 0.8;
constexpr double kLeastOverlap = 0.6;  // of the known points that both frames see

constexpr size_t kMaxFromEarlier = 3;    // the latest ones are kept
constexpr float kGrowth = 0.02f;         // of the relative sigma per frame that depth is carried
constexpr float kMeasuredSigma = 0.10f;  // largest relative sigma of a measured pixel
constexpr float kFillLambda = 2500, kFillEdge = 4;
constexpr float kStartLambda = 100;
constexpr float kCarriedWeight = 0.02f;
constexpr float kSmoothLambda = 30, kSmoothEdge = 4;
constexpr int kDenseRadius = 10;  // pixels around a measured one that must be measured too
constexpr float kDenseShare = 0.2f;

double Quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at =
      values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Takes the weight of measured pixels that stand alone: in something that moves by itself a few
// always look right by chance, and inside its outline nothing would contradict them.
void DropLonely(int width, int height, std::vector<double>* scratch, std::vector<float>* weights) {
  const size_t w = static_cast<size_t>(width);
  std::vector<double>& sums = *scratch;
  sums.assign((w + 1) * static_cast<size_t>(height + 1), 0.0);
  for (int y = 0; y < height; ++y) {
    double row = 0;
    for (size_t x = 0; x < w; ++x) {
      row += static_cast<double>((*weights)[static_cast<size_t>(y) * w + x]);
      sums[static_cast<size_t>(y + 1) * (w + 1) + x + 1] =
          sums[static_cast<size_t>(y) * (w + 1) + x + 1] + row;
    }
  }
  for (int y = 0; y < height; ++y) {
    const size_t y0 = static_cast<size_t>(std::max(0, y - kDenseRadius)) * (w + 1);
    const size_t y1 = static_cast<size_t>(std::min(height, y + kDenseRadius + 1)) * (w + 1);
    for (int x = 0; x < width; ++x) {
      const size_t x0 = static_cast<size_t>(std::max(0, x - kDenseRadius));
      const size_t x1 = static_cast<size_t>(std::min(width, x + kDenseRadius + 1));
      const double sum = sums[y1 + x1] - sums[y1 + x0] - sums[y0 + x1] + sums[y0 + x0];
      const double area = static_cast<double>((x1 - x0) * ((y1 - y0) / (w + 1)));
      if (sum < static_cast<double>(kDenseShare) * area)
        (*weights)[static_cast<size_t>(y) * w + static_cast<size_t>(x)] = 0;
    }
  }
}

}  // namespace

void MotionDense::StartScene() {
  metres_per_unit_ = 0;
  has_before_ = false;
}

std::vector<MotionDense::Pair> MotionDense::ChoosePairs(const std::deque<MotionPicture>& pictures,
                                                        const CameraPath& path,
                                                        const PathFrame& now) const {
  std::vector<Pair> candidates;
  const std::vector<PathPoint> points = path.PointsIn(now.index);
  std::vector<double> shifts;
  for (size_t k = 1; k < pictures.size(); ++k) {
    const std::optional<PathFrame> other = path.Get(pictures[k].number);
    if (!other || other->state != PathState::kTranslating) break;
    const Camera& camera = pictures[k].camera;
    const Pose other_from_now = other->world_from_cam.inverse() * now.world_from_cam;
    const Pose now_from_world = now.world_from_cam.inverse();
    shifts.clear();
    size_t inside = 0;
    for (const PathPoint& point : points) {
      const Eigen::Vector3d p = now_from_world * point.in_world;
      const Eigen::Vector3d q = other_from_now * p;
      const Eigen::Vector3d turned = other_from_now.linear() * p;
      if (!(q.z() > 0) || !(turned.z() > 0)) continue;
      const Eigen::Vector2d at = Project(camera, q);
      inside += at.x() > 0 && at.y() > 0 && at.x() < camera.width && at.y() < camera.height;
      shifts.push_back((at - Project(camera, turned)).norm());
    }
    if (shifts.size() < 8 ||
        static_cast<double>(inside) < kLeastOverlap * static_cast<double>(points.size()))
      break;
    candidates.push_back({k, Quantile(shifts, 0.5), Quantile(shifts, 0.9)});
    if (candidates.back().parallax >= kFarParallax) break;
  }
  std::vector<Pair> pairs;
  for (const Pair& candidate : candidates) {
    if (candidate.largest < kNearParallax) continue;
    pairs.push_back(candidate);
    break;
  }
  if (!candidates.empty()) {
    const Pair far =
        *std::max_element(candidates.begin(), candidates.end(),
                          [](const Pair& a, const Pair& b) { return a.parallax < b.parallax; });
    if (far.parallax >= kLeastParallax && (pairs.empty() || pairs[0].offset != far.offset))
      pairs.push_back(far);
  }
  return pairs;
}

void MotionDense::ComparePair(std::deque<MotionPicture>* pictures, const CameraPath& path,
                              const PathFrame& now, const Pair& pair, const Image& small,
                              InverseDepthMap* here) {
  auto& [forth, back, there, start, trip] = flow_scratch_;
  const MotionPicture& a = pictures->front();
  MotionPicture& b = (*pictures)[pair.offset];
  const PathFrame other = *path.Get(b.number);
  const Pose b_from_a = other.world_from_cam.inverse() * now.world_from_cam;
  forth.vectors.clear();
  if (!start.empty()) {
    forth.Resize(a.camera.width, a.camera.height);
    RigidFlow(start, a.camera, b.camera, b_from_a, pool_, forth.mutable_view());
  }
  const Image b_small = WorkingLuma(b, pool_);
  flow_.Compute(small.Plane<uint8_t>(), b_small.Plane<uint8_t>(), &forth);
  InvertFlow(forth, &back);
  flow_.Compute(b_small.Plane<uint8_t>(), small.Plane<uint8_t>(), &back);

  trip.resize(forth.vectors.size());
  const PlaneView<float> trip_view{trip.data(), static_cast<ptrdiff_t>(sizeof(float)) * forth.width,
                                   forth.width, forth.height};
  const FlowDepthOptions options;
  RoundTripError(forth, back, trip_view);
  DepthFromFlow(a.camera, b.camera, b_from_a, forth.view(), trip_view, options, pool_, here);
  RoundTripError(back, forth, trip_view);
  DepthFromFlow(b.camera, a.camera, b_from_a.inverse(), back.view(), trip_view, options, pool_,
                &there);
  if (b.from_earlier.size() >= kMaxFromEarlier) {
    spare_.push_back(std::move(b.from_earlier.front()));
    b.from_earlier.erase(b.from_earlier.begin());
  }
  b.from_earlier.emplace_back();
  if (!spare_.empty()) {
    b.from_earlier.back() = std::move(spare_.back());
    spare_.pop_back();
  }
  PackInverseDepth(there, &b.from_earlier.back());
}

// The map with its gaps closed, as a start for the search of flow.
void MotionDense::FillStart(const Image& small, const InverseDepthMap& map) {
  flow_scratch_.start = {map.width, map.height, map.value, {}};
  std::vector<float>& weights = fill_scratch_.weights;
  weights.resize(map.value.size());
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = map.value[i] > 0 ? 1.f : 0.f;
  fill_scratch_.smoother.SetGuide(small.Plane<uint8_t>(), kFillEdge, pool_);
  fill_scratch_.smoother.Smooth(kStartLambda, 2, pool_, &flow_scratch_.start.value, &weights);
  fill_scratch_ = {};
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
void MotionDense::Fill(const Image& small) {
  auto& [smoother, values, weights, around, reached, sums] = fill_scratch_;
  const size_t n = measured_.value.size();
  filled_.Reset(measured_.width, measured_.height);
  certainty_.assign(n, 0.f);
  values.assign(n, 0.f);
  weights.assign(n, 0.f);
  reached.clear();
  for (size_t i = 0; i < n; i += 7)
    if (measured_.value[i] > 0) reached.push_back(measured_.sigma[i]);
  float usual = 1;
  if (!reached.empty()) {
    const auto middle = reached.begin() + static_cast<ptrdiff_t>(reached.size() / 2);
    std::nth_element(reached.begin(), middle, reached.end());
    usual = *middle;
  }
  for (size_t i = 0; i < n; ++i) {
    if (!(measured_.value[i] > 0)) continue;
    const float relative = measured_.sigma[i] / measured_.value[i];
    const float alone = support_[i] >= 2 ? 1.f : 0.2f;
    certainty_[i] = alone / (1 + relative * relative / (0.05f * 0.05f));
    values[i] = measured_.value[i];
    // By the error of the inverse depth itself: by its share, what is near would always outweigh
    // what is far and spill over it.
    const float q = measured_.sigma[i] / (2 * usual);
    weights[i] = q > 3 ? 0 : alone / (1 + q * q);
  }
  DropLonely(measured_.width, measured_.height, &sums, &weights);
  around = values;
  reached = weights;
  // Where nothing is measured, a little of what was there in the frame before keeps it steady.
  if (!carried_filled_.empty())
    for (size_t i = 0; i < n; ++i)
      if (!(reached[i] > 0) && carried_filled_.value[i] > 0) {
        around[i] = carried_filled_.value[i];
        reached[i] = kCarriedWeight;
      }
  smoother.SetGuide(small.Plane<uint8_t>(), kFillEdge, pool_);
  smoother.Smooth(kFillLambda, 3, pool_, &around, &reached);
  // Then gently over everything, the measured pixels holding their place.
  for (size_t i = 0; i < n; ++i) {
    const float w = weights[i];
    values[i] = w * values[i] + (1 - w) * around[i];
    weights[i] = 0.1f + w;
  }
  smoother.SetGuide(small.Plane<uint8_t>(), kSmoothEdge, pool_);
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

DepthEstimate MotionDense::Compute(std::deque<MotionPicture>* pictures, const CameraPath& path,
                                   int width, int height, MotionFrameReport* report) {
  MotionPicture& picture = pictures->front();
  const int w = picture.camera.width, h = picture.camera.height;
  const Image small = WorkingLuma(picture, pool_);
  PathFrame now;
  now.index = picture.number;
  if (const auto known = path.Get(picture.number)) now = *known;

  const bool has_carried = has_before_ && now.state != PathState::kLost;
  carried_filled_.value.clear();
  if (has_carried) {
    const Pose now_from_before = now.world_from_cam.inverse() * before_.world_from_cam;
    ReprojectInverseDepth(measured_, camera_before_, picture.camera, now_from_before, kGrowth,
                          &carried_);
    ReprojectInverseDepth(filled_, camera_before_, picture.camera, now_from_before, kGrowth,
                          &carried_filled_);
    carried_filled_.sigma = {};  // only its values are asked for
  }
  measured_ = {};
  filled_ = {};
  std::vector<const InverseDepthMap*> maps;
  if (now.state == PathState::kTranslating) {
    const std::vector<Pair> pairs = ChoosePairs(*pictures, path, now);
    views_.resize(std::max(views_.size(), pairs.size() + picture.from_earlier.size()));
    size_t used = 0;
    flow_scratch_.start.value.clear();
    if (has_carried) FillStart(small, carried_);
    for (size_t i = 0; i < pairs.size(); ++i) {
      ComparePair(pictures, path, now, pairs[i], small, &views_[used]);
      if (i + 1 < pairs.size()) FillStart(small, views_[used]);
      maps.push_back(&views_[used++]);
    }
    ReleaseFlow();
    for (const PackedInverseDepth& map : picture.from_earlier) {
      UnpackInverseDepth(map, &views_[used]);
      maps.push_back(&views_[used++]);
    }
    for (PackedInverseDepth& map : picture.from_earlier) spare_.push_back(std::move(map));
    picture.from_earlier.clear();
  }
  const bool compared = !maps.empty();
  if (has_carried) maps.push_back(&carried_);

  bool guess = true;
  if (!maps.empty()) {
    FuseInverseDepth(maps, pool_, &measured_, &support_);
    views_.clear();
    views_.shrink_to_fit();
    std::vector<float>& values = fill_scratch_.values;
    values.clear();
    for (size_t i = 0; i < measured_.value.size(); ++i)
      if (measured_.value[i] > 0 && measured_.sigma[i] <= kMeasuredSigma * measured_.value[i])
        values.push_back(measured_.value[i]);
    report->measured_share =
        static_cast<double>(values.size()) / static_cast<double>(measured_.value.size());
    if (report->measured_share > 0.05) {
      guess = false;
      if (metres_per_unit_ == 0) {
        const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        metres_per_unit_ = scene_scale_ * static_cast<double>(*middle);
      }
      Fill(small);
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
