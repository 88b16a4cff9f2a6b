// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/trajectory_error.h"

#include <Eigen/SVD>
#include <algorithm>
#include <cmath>

#include "best_turn.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kDegrees = 180 / M_PI;
constexpr size_t kMostForPairs = 600;  // frames of which all pairs are compared

using Points3 = std::vector<Eigen::Vector3d>;

// Exact for small angles too, where the trace is not.
double AngleOf(const Eigen::Matrix3d& rotation) {
  return Eigen::AngleAxisd(rotation).angle() * kDegrees;
}

Points3 CentresOf(const std::vector<Pose>& poses) {
  Points3 centres;
  for (const Pose& pose : poses) centres.push_back(pose.translation());
  return centres;
}

// The rotation that takes the estimate's rotations to the reference's best.
Eigen::Matrix3d TurnByRotations(const std::vector<Pose>& estimate,
                                const std::vector<Pose>& reference) {
  Eigen::Matrix3d sum = Eigen::Matrix3d::Zero();
  for (size_t i = 0; i < estimate.size(); ++i)
    sum += reference[i].linear() * estimate[i].linear().transpose();
  return BestTurn(sum);
}

// Whether the centres span two directions well enough to tell a rotation.
bool SpansAPlane(const Points3& points) {
  Eigen::Vector3d mean = Eigen::Vector3d::Zero();
  for (const Eigen::Vector3d& p : points) mean += p / static_cast<double>(points.size());
  Eigen::Matrix3d spread = Eigen::Matrix3d::Zero();
  for (const Eigen::Vector3d& p : points) spread += (p - mean) * (p - mean).transpose();
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(spread);
  const Eigen::Vector3d d = svd.singularValues();
  return points.size() >= 3 && d[0] > 0 && d[1] > 1e-6 * d[0];
}

// Scale and translation at a rotation that is known.
Similarity AlignTurned(const Points3& from, const Points3& to, const Eigen::Matrix3d& rotation,
                       bool with_scale) {
  Similarity found;
  found.rotation = rotation;
  const auto n = static_cast<double>(from.size());
  Eigen::Vector3d mean_from = Eigen::Vector3d::Zero(), mean_to = Eigen::Vector3d::Zero();
  for (size_t i = 0; i < from.size(); ++i) {
    mean_from += from[i] / n;
    mean_to += to[i] / n;
  }
  double above = 0, below = 0;
  for (size_t i = 0; i < from.size(); ++i) {
    const Eigen::Vector3d turned = rotation * (from[i] - mean_from);
    above += turned.dot(to[i] - mean_to);
    below += turned.squaredNorm();
  }
  if (with_scale && above > 0 && below > 0) found.scale = above / below;
  found.translation = mean_to - found.scale * (rotation * mean_from);
  double sum = 0;
  for (size_t i = 0; i < from.size(); ++i) sum += (to[i] - found * from[i]).squaredNorm();
  found.rms = std::sqrt(sum / n);
  return found;
}

RelativePoseError Relative(const std::vector<Pose>& estimate, const std::vector<Pose>& reference,
                           double scale, int64_t gap) {
  RelativePoseError error;
  error.gap = gap;
  double moved = 0, turned = 0;
  for (size_t i = 0; i + static_cast<size_t>(gap) < estimate.size(); ++i) {
    const size_t j = i + static_cast<size_t>(gap);
    Pose motion = estimate[i].inverse() * estimate[j];
    motion.translation() *= scale;
    const Pose off = (reference[i].inverse() * reference[j]).inverse() * motion;
    moved += off.translation().squaredNorm();
    const double angle = AngleOf(off.linear());
    turned += angle * angle;
    ++error.pairs;
  }
  error.translation_rmse = std::sqrt(moved / static_cast<double>(error.pairs));
  error.rotation_rmse_deg = std::sqrt(turned / static_cast<double>(error.pairs));
  return error;
}

// Error of a pair of frames in degrees.
double PairError(const Pose& estimate, const Pose& reference, double least_move) {
  const double turn = AngleOf(reference.linear().transpose() * estimate.linear());
  const Eigen::Vector3d a = estimate.translation(), b = reference.translation();
  if (!(b.norm() > least_move)) return turn;
  if (!(a.norm() > 0)) return std::max(turn, 90.0);
  const double angle = std::atan2(a.cross(b).norm(), a.dot(b)) * kDegrees;
  return std::max(turn, std::min(angle, 180 - angle));
}

std::array<double, 3> PairAuc(const std::vector<Pose>& estimate, const std::vector<Pose>& reference,
                              double path_length) {
  constexpr std::array<double, 3> kThresholds = {5, 10, 20};
  const size_t step = (estimate.size() + kMostForPairs - 1) / kMostForPairs;
  std::array<double, 3> sums{};
  double pairs = 0;
  for (size_t i = 0; i < estimate.size(); i += step)
    for (size_t j = i + step; j < estimate.size(); j += step) {
      const double error = PairError(estimate[i].inverse() * estimate[j],
                                     reference[i].inverse() * reference[j], 1e-4 * path_length);
      // Each pair adds the part of [0, threshold] that lies above its error.
      for (size_t k = 0; k < 3; ++k) sums[k] += std::max(0.0, 1 - error / kThresholds[k]);
      ++pairs;
    }
  for (double& sum : sums) sum = pairs > 0 ? sum / pairs : 1;
  return sums;
}

}  // namespace

TrajectoryError CompareTrajectories(const std::vector<Pose>& estimate,
                                    const std::vector<Pose>& reference,
                                    const std::vector<int64_t>& gaps) {
  Require(estimate.size() == reference.size() && !estimate.empty(), Code::kInvalidArgument,
          "CompareTrajectories: " + std::to_string(estimate.size()) + " and " +
              std::to_string(reference.size()) + " poses; there must be as many, and one at least");
  TrajectoryError error;
  error.frames = static_cast<int64_t>(estimate.size());
  const Points3 from = CentresOf(estimate), to = CentresOf(reference);
  for (size_t i = 1; i < to.size(); ++i) error.path_length += (to[i] - to[i - 1]).norm();
  error.degenerate = !SpansAPlane(from) || !SpansAPlane(to);
  if (!error.degenerate) {
    error.similarity = AlignPoints(from, to, true);
    error.rigid = AlignPoints(from, to, false);
    error.degenerate = !error.similarity.ok || !error.rigid.ok;
  }
  if (error.degenerate) {
    const Eigen::Matrix3d turn = TurnByRotations(estimate, reference);
    error.similarity = AlignTurned(from, to, turn, true);
    error.rigid = AlignTurned(from, to, turn, false);
  }
  error.ate = error.similarity.rms;
  error.ate_rigid = error.rigid.rms;
  for (size_t i = 0; i < estimate.size(); ++i) {
    error.distance.push_back((to[i] - error.similarity * from[i]).norm());
    error.angle_deg.push_back(AngleOf(reference[i].linear().transpose() *
                                      error.similarity.rotation * estimate[i].linear()));
    error.largest = std::max(error.largest, error.distance.back());
    error.largest_rotation_deg = std::max(error.largest_rotation_deg, error.angle_deg.back());
    error.rotation_deg += error.angle_deg.back() / static_cast<double>(estimate.size());
  }
  for (const int64_t gap : gaps)
    if (gap >= 1 && gap < error.frames)
      error.relative.push_back(Relative(estimate, reference, error.similarity.scale, gap));
  error.auc = PairAuc(estimate, reference, error.path_length);
  return error;
}

}  // namespace mdvt
