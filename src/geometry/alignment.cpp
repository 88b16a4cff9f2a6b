// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/alignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "alignment_scene.h"
#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/absolute_pose.h"
#include "mdvt/geometry/two_view.h"

namespace mdvt {

const char* CameraMotionName(CameraMotion motion) {
  switch (motion) {
    case CameraMotion::kAuto:
      return "auto";
    case CameraMotion::kFree:
      return "free";
    case CameraMotion::kRotation:
      return "rotation";
    case CameraMotion::kStatic:
      break;
  }
  return "static";
}

void AlignmentOptions::Check() const {
  camera.Check();
  Require(noise_px > 0 && noise_px <= 20, Code::kInvalidArgument,
          "AlignmentOptions.noise_px must be in (0, 20]");
  Require(depth_sigma > 0 && depth_sigma <= 2, Code::kInvalidArgument,
          "AlignmentOptions.depth_sigma must be in (0, 2]");
  Require(scale_change > 0 && scale_change <= 1, Code::kInvalidArgument,
          "AlignmentOptions.scale_change must be in (0, 1]");
  Require(max_tracks >= 50 && max_tracks <= 100000, Code::kInvalidArgument,
          "AlignmentOptions.max_tracks must be in [50, 100000]");
  Require(!optimize_focal || method == AlignmentMethod::kBundle, Code::kInvalidArgument,
          "AlignmentOptions.optimize_focal goes with kBundle");
}

namespace {

constexpr int kWindow = 12;       // key frames that are adjusted together
constexpr int kHeldBefore = 4;    // and so many older ones that hold them in place
constexpr int kGlobalEvery = 40;  // key frames
constexpr int kFullPass = 300;    // frames of a shot that are adjusted all together
constexpr int kMinMatches = 40;   // of a pair that tells how the camera moves
constexpr int kMinPoints = 12;    // of a frame that has a pose
constexpr int kMostFocalKeys = 80;

size_t U(int index) { return static_cast<size_t>(index); }

class Aligner {
 public:
  Aligner(AlignmentScene* scene, const RunControl& control) : s_(*scene), meter_(control) {
    inner_.cancelled = control.cancelled;
  }

  void Run() {
    meter_.BeginPhase("alignment");
    if (s_.options.method != AlignmentMethod::kBundle) {
      AlignByChain(&s_);
      PlaceForReport();
    } else {
      for (SceneShot& shot : s_.shots) {
        s_.depth_sigma = s_.options.depth_sigma;
        s_.scale_change = s_.options.scale_change;
        Solve(&shot);
        done_ += shot.end - shot.first;
        Tick(0);
      }
    }
    Judge();
    meter_.Finish(s_.num_frames());
  }

  // Focal length from the key frames of all shots; the scene is aligned already.
  FocalCalibration Calibrate(const RunControl& control) {
    ScenePart part;
    part.free_scales = true;
    std::vector<int> keys;
    for (const SceneShot& shot : s_.shots)
      if (shot.motion != CameraMotion::kStatic && shot.keys.size() >= 2)
        keys.insert(keys.end(), shot.keys.begin(), shot.keys.end());
    const size_t step = (keys.size() + kMostFocalKeys - 1) / kMostFocalKeys;
    for (size_t i = 0; i < keys.size(); i += std::max<size_t>(1, step))
      part.frames.push_back(keys[i]);
    HoldFirst(&part);
    // Depth that was made for another field of view may agree with it well.
    s_.depth_sigma = s_.options.depth_sigma;
    std::vector<int> point_tracks;
    BundleProblem problem;
    if (part.frames.size() >= 2) problem = s_.Problem(part, &point_tracks);
    FocalCalibration calibration;
    calibration.fx = calibration.start_fx = s_.camera.fx;
    calibration.high_fx = std::numeric_limits<double>::infinity();
    calibration.sigma_log = std::numeric_limits<double>::infinity();
    calibration.reason = "no_motion";
    if (problem.sights.size() < 100) return calibration;
    RunControl inner;
    inner.cancelled = control.cancelled;
    return CalibrateFocal(&problem, {}, inner);
  }

 private:
  void Tick(int64_t within_shot) { meter_.Update(done_ + within_shot, s_.num_frames()); }

  int PointsSeen(int frame) const {
    int count = 0;
    for (int i = s_.starts[U(frame)]; i < s_.starts[U(frame) + 1]; ++i)
      count += s_.Usable(s_.sights[U(i)]);
    return count;
  }

  // ---- Key frames.

  void ChooseKeys(SceneShot* shot) {
    const double far = 0.02 * std::hypot(s_.camera.width, s_.camera.height);
    shot->keys.clear();
    int last = -1, seen_by_last = 0;
    for (int f = shot->first; f < shot->end; ++f) {
      const int seen = PointsSeen(f);
      if (f != shot->first && seen < kMinPoints) continue;
      bool take = f == shot->first;
      if (!take) {
        std::vector<double> moved;
        for (const DepthMatch& match : s_.Matches(last, f, nullptr))
          moved.push_back((match.xy1 - match.xy2).norm() * s_.camera.fx);
        const auto common = static_cast<double>(moved.size());
        take = f - last >= 20 || common < 0.6 * seen_by_last || Median(&moved) > far;
      }
      if (!take) continue;
      shot->keys.push_back(f);
      last = f;
      seen_by_last = seen;
    }
    int end = shot->end - 1;
    while (end > last && PointsSeen(end) < kMinPoints) --end;
    if (end > last) shot->keys.push_back(end);
  }

  // ---- Pairs.

  DepthPoseOptions PairOptions() const {
    DepthPoseOptions pair;
    pair.reprojection_threshold = std::min(0.9, 8 / s_.camera.fx);
    pair.epipolar_threshold = std::min(0.9, 2 / s_.camera.fx);
    pair.noise = std::min(0.9, s_.options.noise_px / s_.camera.fx);
    pair.with_shift = s_.options.free_shift;
    pair.seed = s_.options.seed;
    return pair;
  }

  struct Pair {
    int first = 0, second = 0;  // key numbers
    int matches = 0;
    double moved = 0;  // median, pixels
    DepthPose pose;
  };

  // Neighbouring key frames, and where it is to be told how the camera moves, others further apart.
  std::vector<Pair> EstimatePairs(const SceneShot& shot) const {
    std::vector<Pair> pairs;
    const auto keys = static_cast<int>(shot.keys.size());
    const bool ask = shot.motion == CameraMotion::kAuto;
    for (int gap = 1; gap <= (ask ? 32 : 1); gap *= 2)
      for (int k = 0; k + gap < keys; k += std::max(1, gap / 2)) {
        Pair pair;
        pair.first = k;
        pair.second = k + gap;
        pairs.push_back(pair);
      }
    const auto work = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Pair& pair = pairs[static_cast<size_t>(i)];
        const std::vector<DepthMatch> matches =
            s_.Matches(shot.keys[U(pair.first)], shot.keys[U(pair.second)], nullptr);
        std::vector<double> moved;
        for (const DepthMatch& match : matches)
          moved.push_back((match.xy1 - match.xy2).norm() * s_.camera.fx);
        pair.matches = static_cast<int>(matches.size());
        pair.moved = Median(&moved);
        pair.pose = EstimateDepthPose(matches, PairOptions());
      }
    };
    const auto count = static_cast<int64_t>(pairs.size());
    if (s_.options.pool != nullptr)
      s_.options.pool->ParallelFor(count, 1, work);
    else
      work(0, count);
    return pairs;
  }

  // Turns and standing still have to explain nearly all pairs.
  CameraMotion Decide(const std::vector<Pair>& pairs) const {
    int asked = 0, turns = 0, still = 0;
    for (const Pair& pair : pairs) {
      if (pair.matches < kMinMatches) continue;
      ++asked;
      turns += pair.pose.turn_only;
      still += pair.moved < 0.5 * s_.options.noise_px;
    }
    if (asked == 0) return CameraMotion::kFree;
    if (still >= 0.95 * asked && turns >= 0.9 * asked) return CameraMotion::kStatic;
    return turns >= 0.9 * asked ? CameraMotion::kRotation : CameraMotion::kFree;
  }

  // ---- A shot.

  void Solve(SceneShot* shot) {
    ChooseKeys(shot);
    if (shot->motion == CameraMotion::kStatic) return StandStill(shot);
    if (!s_.options.start.empty()) {
      Rejoin(shot);
    } else {
      const std::vector<Pair> pairs = EstimatePairs(*shot);
      if (shot->motion == CameraMotion::kAuto) shot->motion = Decide(pairs);
      if (shot->motion == CameraMotion::kStatic) return StandStill(shot);
      Chain(shot, pairs);
    }
    Settle(shot);
    PlaceOthers(*shot);
    if (shot->end - shot->first <= kFullPass) AdjustAll(*shot);
    Interpolate(*shot);
    FindScales(*shot);
    Rescale(*shot);
  }

  void StandStill(SceneShot* shot) {
    for (int f = shot->first; f < shot->end; ++f) {
      s_.frames[U(f)].world_from_cam = Pose::Identity();
      s_.frames[U(f)].interpolated = PointsSeen(f) < 1 && f > shot->first;
      s_.PlaceByDepth(f, true);
    }
    FindScales(*shot);
  }

  // Poses are known roughly: points from their rays.
  void Rejoin(SceneShot* shot) {
    if (shot->motion == CameraMotion::kAuto) shot->motion = CameraMotion::kFree;
    const Pose first_from_world = s_.frames[U(shot->first)].world_from_cam.inverse();
    const bool turning = shot->motion == CameraMotion::kRotation;
    for (int f = shot->first; f < shot->end; ++f) {
      Pose& pose = s_.frames[U(f)].world_from_cam;
      pose = first_from_world * pose;
      if (turning) pose.translation().setZero();
    }
    for (const int key : shot->keys) s_.frames[U(key)].key = true;
    s_.PlaceByRays(shot->keys, turning);
  }

  void Chain(SceneShot* shot, const std::vector<Pair>& pairs) {
    const bool turning = shot->motion == CameraMotion::kRotation;
    std::vector<int> placed;
    for (size_t k = 0; k < shot->keys.size(); ++k) {
      const int f = shot->keys[k];
      AlignedFrame& frame = s_.frames[U(f)];
      if (k > 0 && !StartKey(*shot, pairs, static_cast<int>(k), placed.back(), turning)) continue;
      frame.key = true;
      placed.push_back(f);
      s_.PlaceByDepth(f, turning);
      if (k > 0) AdjustWindow(placed);
      if (placed.size() % kGlobalEvery == 0) {
        AdjustKeys(placed, 20);
        s_.Reject(placed);
      }
      Tick(f - shot->first);
    }
    shot->keys = placed;
    s_.PlaceByRays(placed, turning);
  }

  bool StartKey(const SceneShot& shot, const std::vector<Pair>& pairs, int k, int last_placed,
                bool turning) {
    const int f = shot.keys[U(k)];
    AlignedFrame& frame = s_.frames[U(f)];
    for (const Pair& pair : pairs) {
      if (pair.second != k || pair.first != k - 1 || shot.keys[U(k - 1)] != last_placed) continue;
      const AlignedFrame& before = s_.frames[U(last_placed)];
      frame.depth_scale = before.depth_scale;
      if (turning && pair.pose.status != DepthPoseStatus::kTooFewMatches) {
        frame.world_from_cam = before.world_from_cam;
        frame.world_from_cam.linear() = before.world_from_cam.linear() * pair.pose.turn.transpose();
        return true;
      }
      if (!turning && pair.pose.ok()) {
        Pose this_from_before = pair.pose.cam2_from_cam1;
        this_from_before.translation() /= before.depth_scale;
        frame.world_from_cam = before.world_from_cam * this_from_before.inverse();
        return true;
      }
    }
    return PlaceFrame(f, s_.frames[U(last_placed)].world_from_cam, turning, true);
  }

  // By the points that have a place.
  bool PlaceFrame(int f, const Pose& start, bool turning, bool search) {
    std::vector<Eigen::Vector3d> points;
    Points2 seen;
    for (int i = s_.starts[U(f)]; i < s_.starts[U(f) + 1]; ++i) {
      const SceneSight& sight = s_.sights[U(i)];
      if (sight.held_out) continue;
      const SceneTrack& track = s_.tracks[U(sight.track)];
      if (!track.placed || track.moving || track.sights.empty()) continue;
      points.push_back(track.point);
      seen.push_back(s_.Normalised(sight.xy));
    }
    if (static_cast<int>(points.size()) < kMinPoints) return false;
    AbsolutePoseOptions options;
    options.loss_scale = std::min(0.9, 2 * s_.options.noise_px / s_.camera.fx);
    options.threshold = std::min(0.9, 4 / s_.camera.fx);
    options.rotation_only = turning;
    AbsolutePose pose = RefineAbsolutePose(points, seen, start.inverse(), options);
    const auto enough = [&] {
      return pose.num_inliers >= kMinPoints &&
             pose.num_inliers * 4 >= static_cast<int>(points.size());
    };
    if (!enough() && search && !turning) pose = EstimateAbsolutePose(points, seen, options);
    if (!enough()) return false;
    s_.frames[U(f)].world_from_cam = pose.cam_from_world.inverse();
    return true;
  }

  void HoldFirst(ScenePart* part) const {
    part->held.assign(part->frames.size(), 0);
    for (const SceneShot& shot : s_.shots)
      for (size_t i = 0; i < part->frames.size(); ++i)
        if (part->frames[i] >= shot.first && part->frames[i] < shot.end) {
          part->held[i] = 1;
          break;
        }
  }

  void AdjustWindow(const std::vector<int>& placed) {
    const size_t size = std::min<size_t>(placed.size(), kWindow + kHeldBefore);
    ScenePart part;
    part.frames.assign(placed.end() - static_cast<std::ptrdiff_t>(size), placed.end());
    part.held.assign(size, 0);
    part.held[0] = 1;
    for (size_t i = 0; i + kWindow < size; ++i) part.held[i] = 1;
    s_.Adjust(part, 6, 1e-4, inner_);
  }

  void AdjustKeys(const std::vector<int>& keys, int iterations) {
    ScenePart part;
    part.frames = keys;
    HoldFirst(&part);
    s_.Adjust(part, iterations, 1e-6, inner_);
  }

  // All key frames until hardly a sighting changes sides.
  void Settle(SceneShot* shot) {
    if (shot->keys.size() < 2) return;
    const bool turning = shot->motion == CameraMotion::kRotation;
    int64_t seen = 0;
    for (const int f : shot->keys) seen += s_.starts[U(f) + 1] - s_.starts[U(f)];
    for (int round = 0; round < 4; ++round) {
      AdjustKeys(shot->keys, 30);
      Tick(0);
      TrustTracks(shot);
      const int64_t changed = s_.Reject(shot->keys);
      s_.PlaceByRays(shot->keys, turning);
      TrustDepth(*shot);
      if (round == 0) continue;
      if (changed * 1000 < seen) break;
    }
  }

  // Those between the key frames.
  void PlaceOthers(const SceneShot& shot) {
    const bool turning = shot.motion == CameraMotion::kRotation;
    if (shot.keys.empty()) return;
    const auto work = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int f = shot.first + static_cast<int>(i);
        AlignedFrame& frame = s_.frames[U(f)];
        if (frame.key || f == shot.first) continue;
        frame.interpolated = !PlaceFrame(f, Between(shot, f), turning, true);
      }
    };
    const int64_t count = shot.end - shot.first;
    if (s_.options.pool != nullptr)
      s_.options.pool->ParallelFor(count, 4, work);
    else
      work(0, count);
    for (int f = shot.first; f < shot.end; ++f) s_.PlaceByDepth(f, turning);
  }

  // On the way between the key frames around it.
  Pose Between(const SceneShot& shot, int f) const {
    const auto after = std::upper_bound(shot.keys.begin(), shot.keys.end(), f);
    if (after == shot.keys.begin()) return s_.frames[U(shot.keys.front())].world_from_cam;
    if (after == shot.keys.end()) return s_.frames[U(shot.keys.back())].world_from_cam;
    return Mixed(*(after - 1), *after, f);
  }

  Pose Mixed(int before, int after, int f) const {
    const Pose& a = s_.frames[U(before)].world_from_cam;
    const Pose& b = s_.frames[U(after)].world_from_cam;
    const double share = static_cast<double>(f - before) / (after - before);
    Pose pose = Pose::Identity();
    pose.linear() = Eigen::Quaterniond(a.linear())
                        .slerp(share, Eigen::Quaterniond(b.linear()))
                        .normalized()
                        .toRotationMatrix();
    pose.translation() = (1 - share) * a.translation() + share * b.translation();
    return pose;
  }

  void AdjustAll(const SceneShot& shot) {
    ScenePart part;
    for (int f = shot.first; f < shot.end; ++f)
      if (!s_.frames[U(f)].interpolated) part.frames.push_back(f);
    if (part.frames.size() < 2) return;
    HoldFirst(&part);
    for (int round = 0; round < 2; ++round) {
      s_.Reject(part.frames);
      s_.Adjust(part, 30, 1e-6, inner_);
      Tick(0);
    }
    s_.Reject(part.frames);
  }

  void Interpolate(const SceneShot& shot) {
    std::vector<int> known;
    for (int f = shot.first; f < shot.end; ++f)
      if (!s_.frames[U(f)].interpolated) known.push_back(f);
    for (int f = shot.first; f < shot.end; ++f) {
      AlignedFrame& frame = s_.frames[U(f)];
      if (!frame.interpolated || known.empty()) continue;
      const auto after = std::upper_bound(known.begin(), known.end(), f);
      if (after == known.begin() || after == known.end()) {
        const int nearest = after == known.begin() ? known.front() : known.back();
        frame.world_from_cam = s_.frames[U(nearest)].world_from_cam;
        frame.depth_scale = s_.frames[U(nearest)].depth_scale;
      } else {
        frame.world_from_cam = Mixed(*(after - 1), *after, f);
        frame.depth_scale =
            std::sqrt(s_.frames[U(*(after - 1))].depth_scale * s_.frames[U(*after)].depth_scale);
      }
    }
  }

  // ---- Depth maps.

  // The scales of maps that no adjustment has found: as the placed points say, or, where places are
  // not known, as the depths of each track compare with those in other frames.
  void FindScales(const SceneShot& shot) {
    const bool still = shot.motion != CameraMotion::kFree;
    std::vector<double> usual(still ? s_.tracks.size() : 0, 0);
    if (still)
      for (size_t t = 0; t < s_.tracks.size(); ++t) {
        std::vector<double> depths;
        for (const int i : s_.tracks[t].sights) {
          const SceneSight& sight = s_.sights[U(i)];
          if (sight.frame >= shot.first && sight.frame < shot.end && sight.depth > 0)
            depths.push_back(AlongRay(sight) * sight.depth);
        }
        usual[t] = Median(&depths);
      }
    else if (shot.end - shot.first <= kFullPass)
      return;  // the adjustment has
    for (int f = shot.first; f < shot.end; ++f) {
      AlignedFrame& frame = s_.frames[U(f)];
      if (!still && frame.key) continue;
      std::vector<double> ratios;
      for (int i = s_.starts[U(f)]; i < s_.starts[U(f) + 1]; ++i) {
        const SceneSight& sight = s_.sights[U(i)];
        const SceneTrack& track = s_.tracks[U(sight.track)];
        if (!(sight.depth > 0) || !s_.Usable(sight)) continue;
        const double z = still          ? usual[U(sight.track)] / AlongRay(sight)
                         : track.placed ? (frame.world_from_cam.inverse() * track.point).z()
                                        : 0;
        if (z > 0) ratios.push_back(sight.depth / z);
      }
      if (ratios.size() >= kMinPoints) frame.depth_scale = Median(&ratios);
    }
  }

  // Distance along the ray per depth along the axis: what a turn does not change.
  double AlongRay(const SceneSight& sight) const {
    return s_.Normalised(sight.xy).homogeneous().norm();
  }

  // The adjustment takes a mean over depths. Where points lie at the edge of things some of those
  // are of what is behind: the median is that of the others. Points without parallax have the place
  // that the depth says and tell nothing.
  void CentreScales(const SceneShot& shot) {
    if (shot.motion != CameraMotion::kFree || s_.options.free_shift) return;
    std::vector<DepthRatio> ratios = DepthRatios(shot);
    if (ratios.size() < 10 * kMinPoints) return;
    const double ratio = WeightedMedian(&ratios);
    for (int f = shot.first; f < shot.end; ++f) s_.frames[U(f)].depth_scale *= ratio;
  }

  struct DepthRatio {
    double ratio = 1;
    double weight = 0;  // what it knows of the length of the path
  };

  static double WeightedMedian(std::vector<DepthRatio>* values) {
    std::sort(values->begin(), values->end(), [](const DepthRatio& a, const DepthRatio& b) {
      return a.ratio < b.ratio || (a.ratio == b.ratio && a.weight < b.weight);
    });
    double all = 0, below = 0;
    for (const DepthRatio& value : *values) all += value.weight;
    for (const DepthRatio& value : *values)
      if ((below += value.weight) * 2 >= all) return value.ratio;
    return 1;
  }

  // What the depth maps say over where points with parallax lie. Points that are near, which move
  // most, tell how long the path is: a wrong length changes little of what far ones do.
  std::vector<DepthRatio> DepthRatios(const SceneShot& shot) const {
    constexpr double kLeastParallax = 0.02;  // radians
    std::vector<DepthRatio> ratios;
    for (const SceneTrack& track : s_.tracks) {
      if (!track.placed || track.moving || track.sights.empty()) continue;
      const int first = s_.sights[U(track.sights.front())].frame;
      const int last = s_.sights[U(track.sights.back())].frame;
      if (first < shot.first || last >= shot.end) continue;
      const Eigen::Vector3d a = track.point - s_.frames[U(first)].world_from_cam.translation();
      const Eigen::Vector3d b = track.point - s_.frames[U(last)].world_from_cam.translation();
      const double parallax = std::atan2(a.cross(b).norm(), a.dot(b));
      if (parallax < kLeastParallax) continue;
      for (const int i : track.sights) {
        const SceneSight& sight = s_.sights[U(i)];
        const AlignedFrame& frame = s_.frames[U(sight.frame)];
        if (!(sight.depth > 0) || !s_.Usable(sight) || frame.interpolated) continue;
        const double z = (frame.world_from_cam.inverse() * track.point).z();
        if (z > 0) ratios.push_back({sight.depth / (z * frame.depth_scale), parallax * parallax});
      }
    }
    return ratios;
  }

  // Tracks that fit better than was assumed: those that drift, a minority, are told from the others
  // then, and pull less.
  void TrustTracks(SceneShot* shot) {
    constexpr double kLeastNoise = 0.15;     // pixels
    constexpr double kMedianOfTwo = 1.1774;  // of the length of two normal numbers, in sigmas
    constexpr double kMostDrifting = 0.3;    // of the tracks
    std::vector<char> wanted(U(s_.num_frames()), 0);
    for (const int f : shot->keys) wanted[U(f)] = 1;
    std::vector<double> all, of_tracks, off;
    for (const SceneTrack& track : s_.tracks) {
      if (!track.placed || track.misfit > kMostMisfit) continue;
      off.clear();
      for (const int i : track.sights) {
        const SceneSight& sight = s_.sights[U(i)];
        if (wanted[U(sight.frame)] && !sight.held_out && !sight.outlier)
          off.push_back(s_.ResidualOf(sight));
      }
      if (off.size() < 4) continue;
      // Its three coordinates were fitted to them.
      const auto n = static_cast<double>(2 * off.size());
      for (double& one : off) one *= std::sqrt(n / (n - 3));
      all.insert(all.end(), off.begin(), off.end());
      of_tracks.push_back(Median(&off));
    }
    if (of_tracks.size() < 3 * kMinMatches) return;
    std::sort(of_tracks.begin(), of_tracks.end());
    const double most =
        of_tracks[static_cast<size_t>((1 - kMostDrifting) * static_cast<double>(of_tracks.size()))];
    const double noise = std::max({Median(&all) / kMedianOfTwo, most / kMostMisfit, kLeastNoise});
    shot->noise_px = std::min(s_.options.noise_px, noise);
  }

  // Depth that agrees with the parallax better than was assumed counts for more.
  void TrustDepth(const SceneShot& shot) {
    constexpr double kLeastSigma = 0.02;
    if (shot.motion != CameraMotion::kFree || s_.options.free_shift) return;
    std::vector<double> off;
    for (const DepthRatio& one : DepthRatios(shot)) off.push_back(std::fabs(std::log(one.ratio)));
    if (off.size() < 10 * kMinPoints) return;
    const double sigma = 1.5 * 1.4826 * Median(&off);
    const double share = std::clamp(sigma / s_.options.depth_sigma,
                                    std::min(1.0, kLeastSigma / s_.options.depth_sigma), 1.0);
    s_.depth_sigma = share * s_.options.depth_sigma;
    s_.scale_change = share * s_.options.scale_change;
  }

  // The median map of the shot is right.
  void Rescale(const SceneShot& shot) {
    if (!s_.options.start.empty() && shot.motion == CameraMotion::kFree) return;
    CentreScales(shot);
    std::vector<double> scales;
    for (int f = shot.first; f < shot.end; ++f)
      if (!s_.frames[U(f)].interpolated) scales.push_back(s_.frames[U(f)].depth_scale);
    const double scale = Median(&scales);
    if (!(scale > 0)) return;
    for (int f = shot.first; f < shot.end; ++f) {
      AlignedFrame& frame = s_.frames[U(f)];
      frame.world_from_cam.translation() *= scale;
      frame.depth_scale /= scale;
      frame.depth_shift /= scale;
    }
    if (shot.motion != CameraMotion::kFree) return;
    for (SceneTrack& track : s_.tracks)
      if (track.placed && !track.sights.empty()) {
        const int f = s_.sights[U(track.sights.front())].frame;
        if (f >= shot.first && f < shot.end) track.point *= scale;
      }
  }

  // ---- What is told of it.

  // Points for the figures of methods that have none.
  void PlaceForReport() {
    for (const SceneShot& shot : s_.shots) {
      const bool turning = shot.motion != CameraMotion::kFree;
      std::vector<int> all;
      for (int f = shot.first; f < shot.end; ++f) all.push_back(f);
      if (turning)
        for (const int f : all) s_.PlaceByDepth(f, true);
      else
        s_.PlaceByRays(all, false);
      s_.Reject(all);
    }
  }

  void Judge() {
    for (int f = 0; f < s_.num_frames(); ++f) {
      double square = 0;
      int count = 0;
      for (int i = s_.starts[U(f)]; i < s_.starts[U(f) + 1]; ++i) {
        const SceneSight& sight = s_.sights[U(i)];
        if (!s_.tracks[U(sight.track)].placed || !s_.Usable(sight)) continue;
        const double off = s_.ResidualOf(sight);
        if (!(off <= 4)) continue;
        square += off * off;
        ++count;
      }
      s_.frames[U(f)].inliers = count;
      s_.frames[U(f)].rms_px = count > 0 ? std::sqrt(square / count) : 0;
    }
  }

  AlignmentScene& s_;
  ProgressMeter meter_;
  RunControl inner_;
  int64_t done_ = 0;
};

}  // namespace

namespace {

AlignedShot ReportOf(const AlignmentScene& scene, const SceneShot& shot) {
  AlignedShot report;
  report.first = shot.first;
  report.count = shot.end - shot.first;
  report.motion = shot.motion == CameraMotion::kAuto ? CameraMotion::kFree : shot.motion;
  int interpolated = 0;
  for (int f = shot.first; f < shot.end; ++f) {
    const AlignedFrame& frame = scene.frames[U(f)];
    interpolated += frame.interpolated;
    report.turn = std::max(report.turn, Eigen::AngleAxisd(frame.world_from_cam.linear()).angle());
    if (f > shot.first)
      report.path_length +=
          (frame.world_from_cam.translation() - scene.frames[U(f - 1)].world_from_cam.translation())
              .norm();
  }
  std::vector<double> angles, depths;
  std::vector<std::pair<double, double>> residuals;  // depth, pixels
  for (const SceneTrack& track : scene.tracks) {
    // Where a turn was asked for, what moves against it is to be told.
    const bool forced = scene.options.motion == CameraMotion::kRotation;
    if (!track.placed || track.sights.empty() || (track.moving && !forced)) continue;
    const SceneSight& one = scene.sights[U(track.sights.front())];
    const SceneSight& two = scene.sights[U(track.sights.back())];
    if (one.frame < shot.first || one.frame >= shot.end || two.frame >= shot.end) continue;
    const Eigen::Vector3d a = track.point - scene.frames[U(one.frame)].world_from_cam.translation();
    const Eigen::Vector3d b = track.point - scene.frames[U(two.frame)].world_from_cam.translation();
    angles.push_back(std::atan2(a.cross(b).norm(), a.dot(b)));
    if (!(one.depth > 0)) continue;
    std::vector<double> off;
    for (const int i : track.sights)
      if (forced || scene.Usable(scene.sights[U(i)]))
        off.push_back(scene.ResidualOf(scene.sights[U(i)]));
    depths.push_back(one.depth);
    residuals.emplace_back(one.depth, Median(&off));
  }
  std::sort(angles.begin(), angles.end());
  if (!angles.empty()) {
    const auto last = static_cast<double>(angles.size() - 1);
    size_t k = 0;
    for (const double share : {0.1, 0.5, 0.9})
      report.parallax[k++] = angles[static_cast<size_t>(std::lround(share * last))];
  }
  const double middle = Median(&depths);
  std::vector<double> near, far;
  for (const auto& [depth, off] : residuals) (depth < middle ? near : far).push_back(off);
  report.near_px = Median(&near);
  report.far_px = Median(&far);
  if (report.count > 1 && interpolated >= report.count - 1)
    report.reliability = "none";
  else if (report.motion != CameraMotion::kFree)
    report.reliability = "rotation_only";
  else
    report.reliability =
        interpolated * 10 > report.count || report.parallax[1] < 0.0087 ? "weak" : "good";
  return report;
}

CameraAlignment ResultOf(const AlignmentScene& scene) {
  CameraAlignment result;
  result.camera = scene.camera;
  result.frames = scene.frames;
  for (const SceneShot& shot : scene.shots) result.shots.push_back(ReportOf(scene, shot));
  int at_rest = 0;
  for (size_t t = 0; t < scene.tracks.size(); ++t) {
    const SceneTrack& track = scene.tracks[t];
    if (!track.placed || track.sights.empty()) continue;
    AlignedTrack aligned;
    aligned.track = static_cast<int32_t>(t);
    aligned.in_world = track.point;
    aligned.static_probability = std::exp2(-track.misfit * track.misfit / 9);
    aligned.used = !track.moving;
    at_rest += aligned.static_probability >= 0.5;
    result.tracks.push_back(aligned);
  }
  if (!result.tracks.empty())
    result.static_share = static_cast<double>(at_rest) / static_cast<double>(result.tracks.size());
  double square = 0, square_out = 0;
  int64_t count = 0, count_out = 0;
  for (const SceneSight& sight : scene.sights) {
    const SceneTrack& track = scene.tracks[U(sight.track)];
    if (!track.placed || track.moving || track.sights.empty()) continue;
    const double off = scene.ResidualOf(sight);
    if (sight.held_out && off <= 8) {
      square_out += off * off;
      ++count_out;
    } else if (!sight.held_out && !sight.outlier && off <= 4) {
      square += off * off;
      ++count;
    }
  }
  if (count > 0) result.rms_px = std::sqrt(square / static_cast<double>(count));
  if (count_out > 0)
    result.held_out_rms_px = std::sqrt(square_out / static_cast<double>(count_out));
  return result;
}

void CheckInput(const TrackTable& tracks, const std::vector<float>& depths,
                const AlignmentOptions& options) {
  Require(depths.size() == tracks.num_sightings(), Code::kInvalidArgument,
          "AlignCameras: there must be one depth per sighting");
  for (const float depth : depths)
    Require(depth >= 0 && std::isfinite(depth), Code::kInvalidArgument,
            "AlignCameras: depths must be finite and not negative");
  Require(
      options.start.empty() || static_cast<int64_t>(options.start.size()) == tracks.num_frames(),
      Code::kInvalidArgument, "AlignCameras: there must be one start pose per frame");
  Require(tracks.num_frames() > 0, Code::kInvalidArgument, "AlignCameras: there is no frame");
}

}  // namespace

CameraAlignment AlignCameras(const TrackTable& tracks, const std::vector<float>& depths,
                             const AlignmentOptions& options, const RunControl& control) {
  options.Check();
  CheckInput(tracks, depths, options);
  AlignmentScene scene(tracks, depths, options);
  Aligner aligner(&scene, control);
  aligner.Run();
  if (scene.num_frames() > 1) {
    bool any = false;
    for (const SceneShot& shot : scene.shots)
      for (int f = shot.first + 1; f < shot.end; ++f) any |= !scene.frames[U(f)].interpolated;
    Require(any, Code::kRefused,
            "no camera could be placed: the frames have too few points in common");
  }
  std::optional<FocalCalibration> focal;
  if (options.optimize_focal) {
    focal = aligner.Calibrate(control);
    if (focal->accepted(options.accept_weak_focal)) {
      AlignmentOptions again = options;
      again.camera.fy *= focal->fx / again.camera.fx;
      again.camera.fx = focal->fx;
      AlignmentScene better(tracks, depths, again);
      Aligner(&better, control).Run();
      CameraAlignment result = ResultOf(better);
      result.focal = std::move(focal);
      return result;
    }
  }
  CameraAlignment result = ResultOf(scene);
  result.focal = std::move(focal);
  return result;
}

}  // namespace mdvt
