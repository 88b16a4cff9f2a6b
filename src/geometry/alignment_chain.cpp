// SPDX-License-Identifier: Apache-2.0
//
// Poses from one frame to the next, without a look back: what kPairwise and kLegacy do.
#include <algorithm>
#include <cmath>
#include <vector>

#include "alignment_scene.h"
#include "best_turn.h"
#include "mdvt/geometry/two_view.h"

namespace mdvt {
namespace {

size_t U(int index) { return static_cast<size_t>(index); }

using Points3 = std::vector<Eigen::Vector3d>;

// The turn about the origin that takes `from` to `to` best, points farther away counting more.
Eigen::Matrix3d TurnBetween(const Points3& from, const Points3& to) {
  Eigen::Matrix3d covariance = Eigen::Matrix3d::Zero();
  for (size_t i = 0; i < from.size(); ++i) covariance += to[i] * from[i].transpose();
  if (!(covariance.norm() > 0)) return Eigen::Matrix3d::Identity();
  return BestTurn(covariance);
}

Eigen::Vector3d Mean(const Points3& points) {
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  for (const Eigen::Vector3d& p : points) sum += p;
  return points.empty() ? sum : Eigen::Vector3d(sum / static_cast<double>(points.size()));
}

// Distance in pixels of the mean projected point from the middle of the picture.
double MeanOffset(const Points3& points, double forward, double focal) {
  Eigen::Vector2d sum = Eigen::Vector2d::Zero();
  for (const Eigen::Vector3d& p : points) {
    const double z = std::max(1e-6, p.z() + forward);
    sum += focal * p.head<2>() / z;
  }
  return points.empty() ? 0 : sum.norm() / static_cast<double>(points.size());
}

// How far to step along the axis so that both mean offsets agree: 20 small steps at most.
double ForwardStep(const Points3& from, const Points3& to, double focal) {
  const double wanted = MeanOffset(to, 0, focal);
  double step = 0.002, at = 0, error = std::fabs(MeanOffset(from, 0, focal) - wanted);
  double direction = 1;
  int reversals = 0;
  for (int k = 0; k < 20 && error > 1e-5; ++k) {
    const double next = at + direction * step;
    const double off = std::fabs(MeanOffset(from, next, focal) - wanted);
    if (off < error) {
      at = next;
      error = off;
      continue;
    }
    direction = -direction;
    if (++reversals == 2) step = 0.0001;
  }
  return at;
}

// The motion between two frames as the original toolbox finds it: turns by the far points, sideways
// by the near ones, forward by the mean picture. Increments are joined in the right order.
Pose LegacyMotion(const Points3& from, const Points3& to, bool turning, double focal) {
  double mean_depth = 0;
  for (const Eigen::Vector3d& p : from) mean_depth += p.z() / static_cast<double>(from.size());
  Points3 moved = from;
  const auto part = [&](const Points3& points, bool far) {
    Points3 chosen;
    for (size_t i = 0; i < from.size(); ++i)
      if ((from[i].z() > mean_depth) == far) chosen.push_back(points[i]);
    return chosen;
  };
  Pose motion = Pose::Identity();
  const auto apply = [&](const Pose& step) {
    for (Eigen::Vector3d& p : moved) p = step * p;
    motion = step * motion;
  };
  const auto turn_far = [&] {
    Pose step = Pose::Identity();
    step.linear() = TurnBetween(part(moved, true), part(to, true));
    apply(step);
  };
  if (turning) {
    turn_far();
    return motion;
  }
  for (int round = 0; round < 3; ++round) {
    turn_far();
    const Points3 near = part(moved, false), near_to = part(to, false);
    const Eigen::Vector3d centre = Mean(near);
    Pose step = Pose::Identity();
    step.translation().head<2>() = (TurnBetween(near, near_to) * centre - centre).head<2>();
    apply(step);
  }
  turn_far();
  Pose step = Pose::Identity();
  step.translation().z() = ForwardStep(moved, to, focal);
  apply(step);
  return motion;
}

// previous_from_this, if the two frames tell.
std::optional<Pose> Legacy(const AlignmentScene& scene, const std::vector<DepthMatch>& matches,
                           bool turning) {
  Points3 from, to;
  for (const DepthMatch& match : matches) {
    if (!(match.depth1 > 0 && match.depth2 > 0)) continue;
    from.push_back(match.depth1 * match.xy1.homogeneous());
    to.push_back(match.depth2 * match.xy2.homogeneous());
  }
  if (from.size() < 3) return std::nullopt;
  return LegacyMotion(from, to, turning, scene.camera.fx);
}

}  // namespace

void AlignByChain(AlignmentScene* scene) {
  const AlignmentOptions& o = scene->options;
  const int n = scene->num_frames();
  std::vector<std::optional<Pose>> motions(U(n));
  const auto estimate = [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f) {
      const int k = static_cast<int>(f);
      if (k == 0) continue;
      const std::vector<DepthMatch> matches = scene->Matches(k, k - 1, nullptr);
      const bool turning = o.motion == CameraMotion::kRotation;
      if (o.method == AlignmentMethod::kLegacy) {
        motions[U(k)] = Legacy(*scene, matches, turning);
        continue;
      }
      DepthPoseOptions pair;
      pair.reprojection_threshold = std::min(0.9, 8 / scene->camera.fx);
      pair.epipolar_threshold = std::min(0.9, 2 / scene->camera.fx);
      pair.noise = std::min(0.9, o.noise_px / scene->camera.fx);
      pair.with_shift = o.free_shift;
      pair.seed = o.seed;
      const DepthPose found = EstimateDepthPose(matches, pair);
      if (turning && found.status != DepthPoseStatus::kTooFewMatches) {
        motions[U(k)].emplace(Pose::Identity());
        motions[U(k)]->linear() = found.turn;
      } else if (found.ok()) {
        motions[U(k)] = found.cam2_from_cam1;
      }
    }
  };
  if (o.pool != nullptr)
    o.pool->ParallelFor(n, 4, estimate);
  else
    estimate(0, n);
  for (SceneShot& shot : scene->shots) {
    if (shot.motion == CameraMotion::kAuto) shot.motion = CameraMotion::kFree;
    Pose pose = Pose::Identity();
    for (int f = shot.first; f < shot.end; ++f) {
      AlignedFrame& frame = scene->frames[U(f)];
      if (f > shot.first && shot.motion != CameraMotion::kStatic) {
        if (motions[U(f)])
          pose = pose * *motions[U(f)];
        else
          frame.interpolated = true;
        const Eigen::Quaterniond turn(pose.linear());
        pose.linear() = turn.normalized().toRotationMatrix();
      }
      frame.world_from_cam = pose;
    }
  }
}

}  // namespace mdvt
