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

constexpr size_t kMaxFromEarlier = 4;    // the latest ones are kept
constexpr float kGrowth = 0.02f;         // of the relative sigma per frame that depth is carried
constexpr float kMeasuredSigma = 0.10f;  // largest relative sigma of a measured pixel
constexpr float kFillLambda = 2500, kFillEdge = 4;
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
void DropLonely(int width, int height, std::vector<float>* weights) {
  const size_t w = static_cast<size_t>(width);
  std::vector<double> sums((w + 1) * static_cast<size_t>(height + 1), 0.0);
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
      const Eigen::Vector2d at = camera.Project(q);
      inside += at.x() > 0 && at.y() > 0 && at.x() < camera.width && at.y() < camera.height;
      shifts.push_back((at - camera.Project(turned)).norm());
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
                              const PathFrame& now, const Pair& pair, const InverseDepthMap& start,
                              InverseDepthMap* here) {
  const MotionPicture& a = pictures->front();
  MotionPicture& b = (*pictures)[pair.offset];
  const PathFrame other = *path.Get(b.number);
  const Pose b_from_a = other.world_from_cam.inverse() * now.world_from_cam;
  FlowField forth;
  if (!start.empty()) {
    forth.Resize(a.camera.width, a.camera.height);
    RigidFlow(start, a.camera, b.camera, b_from_a, pool_, forth.mutable_view());
  }
  flow_.Compute(a.small.Plane<uint8_t>(), b.small.Plane<uint8_t>(), &forth);
  FlowField back = InvertFlow(forth);
  flow_.Compute(b.small.Plane<uint8_t>(), a.small.Plane<uint8_t>(), &back);

  std::vector<float> trip(forth.vectors.size());
  const PlaneView<float> trip_view{trip.data(), static_cast<ptrdiff_t>(sizeof(float)) * forth.width,
                                   forth.width, forth.height};
  const FlowDepthOptions options;
  RoundTripError(forth, back, trip_view);
  DepthFromFlow(a.camera, b.camera, b_from_a, forth.view(), trip_view, options, pool_, here);
  RoundTripError(back, forth, trip_view);
  if (b.from_earlier.size() >= kMaxFromEarlier) b.from_earlier.erase(b.from_earlier.begin());
  InverseDepthMap there;
  DepthFromFlow(b.camera, a.camera, b_from_a.inverse(), back.view(), trip_view, options, pool_,
                &there);
  b.from_earlier.push_back(PackInverseDepth(there));
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
void MotionDense::Fill(const MotionPicture& picture, const std::vector<uint8_t>& support) {
  const size_t n = measured_.value.size();
  filled_.Reset(measured_.width, measured_.height);
  certainty_.assign(n, 0.f);
  std::vector<float> values(n), weights(n), sigmas;
  for (size_t i = 0; i < n; i += 7)
    if (measured_.value[i] > 0) sigmas.push_back(measured_.sigma[i]);
  const auto middle = sigmas.begin() + static_cast<ptrdiff_t>(sigmas.size() / 2);
  std::nth_element(sigmas.begin(), middle, sigmas.end());
  const float usual = sigmas.empty() ? 1.f : *middle;
  for (size_t i = 0; i < n; ++i) {
    if (!(measured_.value[i] > 0)) continue;
    const float relative = measured_.sigma[i] / measured_.value[i];
    const float alone = support[i] >= 2 ? 1.f : 0.2f;
    certainty_[i] = alone / (1 + relative * relative / (0.05f * 0.05f));
    values[i] = measured_.value[i];
    const float q = measured_.sigma[i] / (2 * usual);
    weights[i] = alone / (1 + q * q);
    if (q > 3) weights[i] = 0;
  }
  DropLonely(measured_.width, measured_.height, &weights);
  smoother_.SetGuide(picture.small.Plane<uint8_t>(), kFillEdge, pool_);
  std::vector<float> around = values, reached = weights;
  smoother_.Smooth(kFillLambda, 3, pool_, &around, &reached);
  // Then gently over everything, the measured pixels holding their place.
  for (size_t i = 0; i < n; ++i) {
    const float w = weights[i];
    values[i] = w * values[i] + (1 - w) * around[i];
    weights[i] = 0.1f + w;
  }
  smoother_.SetGuide(picture.small.Plane<uint8_t>(), kSmoothEdge, pool_);
  smoother_.Smooth(kSmoothLambda, 2, pool_, &values, &weights);
  filled_.value = values;
}

DepthEstimate MotionDense::Output(const MotionPicture& picture, int width, int height, bool guess) {
  DepthEstimate estimate;
  estimate.depth = Image(PixelFormat::GrayF32(), width, height);
  estimate.confidence = Image(PixelFormat::Gray(8), width, height);
  const PlaneView<const uint8_t> small = picture.small.Plane<uint8_t>();
  const PlaneView<const uint8_t> guide = picture.guide.Plane<uint8_t>();
  const PlaneView<float> depth = estimate.depth.MutablePlane<float>();
  if (guide.width == width && guide.height == height) {
    UpsampleAlongEdges(filled_.value, small, guide, 8, pool_, depth);
  } else {
    Image middle(PixelFormat::GrayF32(), guide.width, guide.height);
    const PlaneView<float> plane = middle.MutablePlane<float>();
    UpsampleAlongEdges(filled_.value, small, guide, 8, pool_, plane);
    std::vector<float> values;
    for (int y = 0; y < guide.height; ++y)
      values.insert(values.end(), plane.Row(y), plane.Row(y) + guide.width);
    // A flat guide makes it bilinear.
    Image flat(PixelFormat::Gray(8), width, height);
    Image flat_small(PixelFormat::Gray(8), guide.width, guide.height);
    for (int y = 0; y < height; ++y) std::fill_n(flat.MutablePlane<uint8_t>().Row(y), width, 0);
    for (int y = 0; y < guide.height; ++y)
      std::fill_n(flat_small.MutablePlane<uint8_t>().Row(y), guide.width, 0);
    UpsampleAlongEdges(values, flat_small.Plane<uint8_t>(), flat.Plane<uint8_t>(), 8, pool_, depth);
  }
  const double unit = metres_per_unit_ > 0 ? metres_per_unit_ : 1;
  const float nearest = static_cast<float>(unit / 1e5);  // 100 km
  for (int y = 0; y < height; ++y) {
    float* row = depth.Row(y);
    for (int x = 0; x < width; ++x) row[x] = static_cast<float>(unit) / std::max(row[x], nearest);
  }
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
  PathFrame now;
  now.index = picture.number;
  if (const auto known = path.Get(picture.number)) now = *known;

  InverseDepthMap carried;
  if (has_before_ && now.state != PathState::kLost) {
    const Pose now_from_before = now.world_from_cam.inverse() * before_.world_from_cam;
    ReprojectInverseDepth(measured_before_, camera_before_, picture.camera, now_from_before,
                          kGrowth, &carried);
  }
  std::vector<const InverseDepthMap*> maps;
  std::vector<InverseDepthMap> here, earlier;
  if (now.state == PathState::kTranslating) {
    const std::vector<Pair> pairs = ChoosePairs(*pictures, path, now);
    here.resize(pairs.size());
    InverseDepthMap start;
    if (!carried.empty()) {
      std::vector<float> values = carried.value, weights(values.size());
      for (size_t i = 0; i < values.size(); ++i) weights[i] = values[i] > 0 ? 1.f : 0.f;
      smoother_.SetGuide(picture.small.Plane<uint8_t>(), kFillEdge, pool_);
      smoother_.Smooth(100, 2, pool_, &values, &weights);
      start = carried;
      for (size_t i = 0; i < values.size(); ++i)
        if (!(start.value[i] > 0)) start.value[i] = values[i];
    }
    for (size_t i = 0; i < pairs.size(); ++i) {
      ComparePair(pictures, path, now, pairs[i], start, &here[i]);
      if (i + 1 < pairs.size()) {
        std::vector<float> values = here[i].value, weights(values.size());
        for (size_t k = 0; k < values.size(); ++k) weights[k] = values[k] > 0 ? 1.f : 0.f;
        smoother_.SetGuide(picture.small.Plane<uint8_t>(), kFillEdge, pool_);
        smoother_.Smooth(100, 2, pool_, &values, &weights);
        if (start.empty()) start.Reset(w, h);
        start.value = values;
      }
    }
    for (const InverseDepthMap& map : here) maps.push_back(&map);
    for (const PackedInverseDepth& map : picture.from_earlier)
      earlier.push_back(UnpackInverseDepth(map));
    for (const InverseDepthMap& map : earlier) maps.push_back(&map);
  }
  const bool compared = !maps.empty();
  if (!carried.empty()) maps.push_back(&carried);

  bool guess = true;
  if (!maps.empty()) {
    std::vector<uint8_t> support;
    FuseInverseDepth(maps, pool_, &measured_, &support);
    std::vector<float> values;
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
      Fill(picture, support);
      report->status = compared ? MotionStatus::kMeasured : MotionStatus::kCarried;
      has_before_ = true;
      before_ = now;
      camera_before_ = picture.camera;
      measured_before_ = measured_;
      filled_before_ = filled_;
    }
  }
  if (guess) {
    Guess(w, h);
    certainty_.assign(filled_.value.size(), 0.f);
    report->status =
        now.state == PathState::kLost ? MotionStatus::kLost : MotionStatus::kNoTranslation;
    has_before_ = false;
  }
  report->world_from_cam = now.world_from_cam;
  report->world_from_cam.translation() *= metres_per_unit_;
  return Output(picture, width, height, guess);
}

}  // namespace mdvt
