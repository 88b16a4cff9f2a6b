// SPDX-License-Identifier: Apache-2.0
#include "seen_path.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "core/median.h"

namespace mdvt {
namespace {

constexpr double kDamping = 1e-8;  // of what nothing holds, relative

using Matrix6 = Eigen::Matrix<double, 6, 6>;
using Matrix63 = Eigen::Matrix<double, 6, 3>;

Eigen::Matrix3d Cross(const Eigen::Vector3d& v) {
  Eigen::Matrix3d m;
  m << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return m;
}

// A sight as its camera sees the point.
struct Projected {
  Eigen::Vector3d way;  // from the camera to the point, in world axes
  Eigen::Vector3d p;    // the same in the camera's
  Eigen::Vector2d off;  // projected minus seen
};

// Empty if the point is behind the camera.
std::optional<Projected> See(const SeenPath& path, const SeenPath::Sight& seen) {
  const Pose& pose = path.world_from_cam[static_cast<size_t>(seen.frame)];
  Projected result;
  result.way = path.points[static_cast<size_t>(seen.point)] - pose.translation();
  result.p = pose.linear().transpose() * result.way;
  if (!(result.p.z() > 1e-6)) return std::nullopt;
  result.off = Project(path.camera, result.p) - seen.xy;
  return result;
}

// A point's part of the normal equations.
struct PointBlock {
  Eigen::Matrix3d own = Eigen::Matrix3d::Zero();
  std::vector<std::pair<int, Matrix63>> mixed;  // frame, poses by point
  std::vector<std::pair<int, Matrix6>> poses;
};

class Normal {
 public:
  Normal(const SeenPath& path, const SightNoise& noise) : path_(path), noise_(noise) {
    information_.setZero(6 * Size(), 6 * Size());
    std::vector<PointBlock> blocks(path.points.size());
    for (const SeenPath::Sight& seen : path.sights)
      AddSight(seen, &blocks[static_cast<size_t>(seen.point)]);
    for (PointBlock& block : blocks)
      if (block.poses.size() >= 2) Eliminate(block);
  }

  int Size() const { return static_cast<int>(path_.world_from_cam.size()); }

  Eigen::Vector3d Center(int k) const {
    return path_.world_from_cam[static_cast<size_t>(k)].translation();
  }

  // Covariance of the centres, three rows for each frame, for a first camera that stays and a path
  // of a given size. Empty if something is not held.
  Eigen::MatrixXd OfCenters() const {
    if (Size() < 2) return {};
    const int n = 6 * (Size() - 1);
    Eigen::MatrixXd held = information_.bottomRightCorner(n, n);
    Eigen::VectorXd size(n);
    size.setZero();
    for (int k = 1; k < Size(); ++k) size.segment<3>(6 * (k - 1)) = Center(k) - Center(0);
    if (!(size.norm() > 0) || !(held.diagonal().minCoeff() > 0)) return {};
    size.normalize();
    held += size * size.transpose() * held.diagonal().maxCoeff();
    const Eigen::VectorXd scale = held.diagonal().cwiseMax(1e-300).cwiseSqrt().cwiseInverse();
    held = scale.asDiagonal() * held * scale.asDiagonal();
    held.diagonal().array() += kDamping;
    const Eigen::LLT<Eigen::MatrixXd> factor(held);
    if (factor.info() != Eigen::Success) return {};
    Eigen::MatrixXd inverse = factor.solve(Eigen::MatrixXd::Identity(n, n));
    inverse = scale.asDiagonal() * inverse * scale.asDiagonal();
    Eigen::MatrixXd centers = Eigen::MatrixXd::Zero(3 * Size(), 3 * Size());
    for (int a = 1; a < Size(); ++a)
      for (int b = 1; b < Size(); ++b)
        centers.block<3, 3>(3 * a, 3 * b) = inverse.block<3, 3>(6 * (a - 1), 6 * (b - 1));
    return centers;
  }

 private:
  void AddSight(const SeenPath::Sight& seen, PointBlock* block) const {
    const std::optional<Projected> at = See(path_, seen);
    if (!at || !(at->off.norm() <= noise_.most)) return;
    const Camera& camera = path_.camera;
    const Eigen::Vector3d& p = at->p;
    const Eigen::Matrix3d cam_from_world =
        path_.world_from_cam[static_cast<size_t>(seen.frame)].linear().transpose();
    Eigen::Matrix<double, 2, 3> lens;
    lens << camera.fx / p.z(), 0, -camera.fx * p.x() / (p.z() * p.z()), 0, camera.fy / p.z(),
        -camera.fy * p.y() / (p.z() * p.z());
    const Eigen::Matrix<double, 2, 3> by_point = lens * cam_from_world / noise_.sigma;
    // Of a pose: the centre, then the turn about it.
    Eigen::Matrix<double, 2, 6> by_pose;
    by_pose << -by_point, by_point * Cross(at->way);
    Matrix6 pose = by_pose.transpose() * by_pose;
    Matrix63 mixed = by_pose.transpose() * by_point;
    block->own += by_point.transpose() * by_point;
    if (noise_.depth_sigma > 0 && block->poses.empty()) {
      const Eigen::Vector3d axis = cam_from_world.row(2).transpose() / (p.z() * noise_.depth_sigma);
      const Eigen::Matrix3d known = axis * axis.transpose();
      block->own += known;
      mixed.topRows<3>() -= known;
      pose.topLeftCorner<3, 3>() += known;
    }
    block->poses.emplace_back(seen.frame, pose);
    block->mixed.emplace_back(seen.frame, mixed);
  }

  void Eliminate(PointBlock& block) {
    block.own.diagonal().array() += kDamping * block.own.trace();
    const Eigen::Matrix3d inverse = block.own.inverse();
    for (const auto& [k, pose] : block.poses) information_.block<6, 6>(6 * k, 6 * k) += pose;
    for (const auto& [a, left] : block.mixed)
      for (const auto& [b, right] : block.mixed)
        information_.block<6, 6>(6 * a, 6 * b) -= left * inverse * right.transpose();
  }

  const SeenPath& path_;
  const SightNoise& noise_;
  Eigen::MatrixXd information_;  // of the poses
};

// How far the median point is, at most, from where it would be seen if the camera had only turned
// since it was first seen; of points that are seen again.
double MedianParallax(const SeenPath& path) {
  std::vector<int> first(path.points.size(), -1);
  std::vector<double> parallax(path.points.size(), -1);
  for (const SeenPath::Sight& seen : path.sights) {
    const size_t point = static_cast<size_t>(seen.point);
    if (first[point] < 0) {
      first[point] = seen.frame;
      continue;
    }
    const std::optional<Projected> at = See(path, seen);
    const Pose& pose = path.world_from_cam[static_cast<size_t>(seen.frame)];
    const Eigen::Vector3d there =
        pose.linear().transpose() *
        (path.points[point] - path.world_from_cam[static_cast<size_t>(first[point])].translation());
    if (!at || !(there.z() > 1e-6)) continue;
    parallax[point] = std::max(parallax[point],
                               (Project(path.camera, at->p) - Project(path.camera, there)).norm());
  }
  parallax.erase(std::remove_if(parallax.begin(), parallax.end(), [](double p) { return p < 0; }),
                 parallax.end());
  return Median(&parallax);
}

}  // namespace

std::vector<size_t> EvenlyOver(size_t size, size_t most) {
  const size_t count = std::min(size, most);
  std::vector<size_t> chosen;
  for (size_t i = 0; i < count; ++i) chosen.push_back(count < 2 ? 0 : i * (size - 1) / (count - 1));
  return chosen;
}

double RmsOf(const SeenPath& path, double most) {
  double square = 0;
  int64_t count = 0;
  for (const SeenPath::Sight& seen : path.sights) {
    const std::optional<Projected> at = See(path, seen);
    if (!at || !(at->off.norm() <= most)) continue;
    square += at->off.squaredNorm();
    ++count;
  }
  return count > 0 ? std::sqrt(square / static_cast<double>(count)) : 0;
}

double UncertaintyOf(const SeenPath& path, const SightNoise& noise) {
  if (!(path.length > 0) || MedianParallax(path) < noise.least)
    return std::numeric_limits<double>::infinity();
  const Normal normal(path, noise);
  const Eigen::MatrixXd covariance = normal.OfCenters();
  if (covariance.size() == 0) return std::numeric_limits<double>::infinity();

  // What shifts, turns and scales of the whole path do to the centres.
  const int n = normal.Size();
  Eigen::Vector3d middle = Eigen::Vector3d::Zero();
  for (int k = 0; k < n; ++k) middle += normal.Center(k) / n;
  Eigen::MatrixXd similar(3 * n, 7);
  for (int k = 0; k < n; ++k) {
    const Eigen::Vector3d at = normal.Center(k) - middle;
    similar.middleRows<3>(3 * k) << Eigen::Matrix3d::Identity() * path.length, Cross(at), at;
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> factor(similar);
  factor.setThreshold(1e-6);
  const Eigen::MatrixXd q = Eigen::MatrixXd(factor.householderQ()).leftCols(factor.rank());
  const double variance = covariance.trace() - (q.transpose() * covariance * q).trace();
  return std::sqrt(std::max(0.0, variance) / n) / path.length;
}

}  // namespace mdvt
