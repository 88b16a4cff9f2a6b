// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/path_uncertainty.h"

#include <Eigen/Cholesky>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kMostPixels = 4;  // a sighting that is farther off is an outlier
constexpr double kDamping = 1e-8;  // of what nothing holds, relative

using Matrix6 = Eigen::Matrix<double, 6, 6>;
using Matrix63 = Eigen::Matrix<double, 6, 3>;

Eigen::Matrix3d Cross(const Eigen::Vector3d& v) {
  Eigen::Matrix3d m;
  m << 0, -v.z(), v.y(), v.z(), 0, -v.x(), -v.y(), v.x(), 0;
  return m;
}

// A point's part of the normal equations.
struct PointBlock {
  Eigen::Matrix3d own = Eigen::Matrix3d::Zero();
  std::vector<std::pair<int, Matrix63>> mixed;  // frame, poses by point
  std::vector<std::pair<int, Matrix6>> poses;
};

class Normal {
 public:
  Normal(const CameraAlignment& found, const AlignedShot& shot,
         const PathUncertaintyOptions& options)
      : found_(found), options_(options) {
    std::vector<int64_t> placed;
    for (int64_t f = shot.first; f < shot.first + shot.count; ++f)
      if (!found.frames[static_cast<size_t>(f)].interpolated) placed.push_back(f);
    const size_t most = static_cast<size_t>(options.most_frames);
    const size_t count = std::min(placed.size(), most);
    for (size_t i = 0; i < count; ++i)
      frames_.push_back(placed[count < 2 ? 0 : i * (placed.size() - 1) / (count - 1)]);
    information_.setZero(6 * Size(), 6 * Size());
  }

  int Size() const { return static_cast<int>(frames_.size()); }
  const std::vector<int64_t>& frames() const { return frames_; }

  void Add(const TrackTable& tracks) {
    std::vector<const AlignedTrack*> placed(tracks.num_tracks(), nullptr);
    for (const AlignedTrack& track : found_.tracks)
      if (track.used) placed[static_cast<size_t>(track.track)] = &track;
    std::vector<PointBlock> blocks(tracks.num_tracks());
    for (int k = 0; k < Size(); ++k)
      for (const TrackSighting& seen : tracks.Frame(frames_[static_cast<size_t>(k)]))
        if (const AlignedTrack* track = placed[static_cast<size_t>(seen.track)])
          AddSighting(seen, track->in_world, k, &blocks[static_cast<size_t>(seen.track)]);
    for (PointBlock& block : blocks)
      if (block.poses.size() >= 2) Eliminate(block);
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

  Eigen::Vector3d Center(int k) const {
    return found_.frames[static_cast<size_t>(frames_[static_cast<size_t>(k)])]
        .world_from_cam.translation();
  }

 private:
  void AddSighting(const TrackSighting& seen, const Eigen::Vector3d& point, int k,
                   PointBlock* block) const {
    const AlignedFrame& frame = found_.frames[static_cast<size_t>(frames_[static_cast<size_t>(k)])];
    const Camera& camera = found_.camera;
    const Eigen::Vector3d way = point - frame.world_from_cam.translation();
    const Eigen::Matrix3d cam_from_world = frame.world_from_cam.linear().transpose();
    const Eigen::Vector3d p = cam_from_world * way;
    if (!(p.z() > 1e-6)) return;
    const Eigen::Vector2d at(camera.fx * p.x() / p.z() + camera.cx,
                             camera.fy * p.y() / p.z() + camera.cy);
    if (!((at - Eigen::Vector2d(seen.x, seen.y)).norm() <= kMostPixels)) return;
    Eigen::Matrix<double, 2, 3> lens;
    lens << camera.fx / p.z(), 0, -camera.fx * p.x() / (p.z() * p.z()), 0, camera.fy / p.z(),
        -camera.fy * p.y() / (p.z() * p.z());
    const Eigen::Matrix<double, 2, 3> by_point = lens * cam_from_world / options_.noise_px;
    Eigen::Matrix<double, 2, 6> by_pose;
    by_pose << -by_point, by_point * Cross(way);
    // Of a pose: the centre, then the turn about it.
    block->own += by_point.transpose() * by_point;
    if (options_.depth_sigma > 0 && block->poses.empty()) {
      const Eigen::Vector3d axis =
          cam_from_world.row(2).transpose() / (p.z() * options_.depth_sigma);
      block->own += axis * axis.transpose();
      Matrix63 mixed = Matrix63::Zero();
      mixed.topRows<3>() = -axis * axis.transpose();
      Matrix6 pose = Matrix6::Zero();
      pose.topLeftCorner<3, 3>() = axis * axis.transpose();
      block->poses.emplace_back(k, pose + by_pose.transpose() * by_pose);
      block->mixed.emplace_back(k, mixed + by_pose.transpose() * by_point);
      return;
    }
    block->poses.emplace_back(k, by_pose.transpose() * by_pose);
    block->mixed.emplace_back(k, by_pose.transpose() * by_point);
  }

  void Eliminate(PointBlock& block) {
    block.own.diagonal().array() += kDamping * block.own.trace();
    const Eigen::Matrix3d inverse = block.own.inverse();
    for (const auto& [k, pose] : block.poses) information_.block<6, 6>(6 * k, 6 * k) += pose;
    for (const auto& [a, left] : block.mixed)
      for (const auto& [b, right] : block.mixed)
        information_.block<6, 6>(6 * a, 6 * b) -= left * inverse * right.transpose();
  }

  const CameraAlignment& found_;
  const PathUncertaintyOptions& options_;
  std::vector<int64_t> frames_;
  Eigen::MatrixXd information_;  // of the poses
};

}  // namespace

double PathUncertainty(const TrackTable& tracks, const CameraAlignment& found, size_t shot,
                       const PathUncertaintyOptions& options) {
  Require(shot < found.shots.size(), Code::kInvalidArgument, "PathUncertainty: no such shot");
  Require(options.noise_px > 0 && options.noise_px <= 100, Code::kInvalidArgument,
          "PathUncertaintyOptions.noise_px must be in (0, 100]");
  Require(options.depth_sigma >= 0 && options.depth_sigma <= 10, Code::kInvalidArgument,
          "PathUncertaintyOptions.depth_sigma must be in [0, 10]");
  Require(options.most_frames >= 2 && options.most_frames <= 64, Code::kInvalidArgument,
          "PathUncertaintyOptions.most_frames must be in [2, 64]");
  const AlignedShot& one = found.shots[shot];
  if (one.motion != CameraMotion::kFree || one.count < 3) return 0;
  Normal normal(found, one, options);
  normal.Add(tracks);
  const Eigen::MatrixXd covariance = normal.OfCenters();
  if (covariance.size() == 0 || !(one.path_length > 0))
    return std::numeric_limits<double>::infinity();

  // What shifts, turns and scales of the whole path do to the centres.
  const int n = normal.Size();
  Eigen::Vector3d middle = Eigen::Vector3d::Zero();
  for (int k = 0; k < n; ++k) middle += normal.Center(k) / n;
  Eigen::MatrixXd similar(3 * n, 7);
  for (int k = 0; k < n; ++k) {
    const Eigen::Vector3d at = normal.Center(k) - middle;
    similar.middleRows<3>(3 * k) << Eigen::Matrix3d::Identity() * one.path_length, Cross(at), at;
  }
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> factor(similar);
  factor.setThreshold(1e-6);
  const Eigen::MatrixXd q = Eigen::MatrixXd(factor.householderQ()).leftCols(factor.rank());
  const double variance = covariance.trace() - (q.transpose() * covariance * q).trace();
  return std::sqrt(std::max(0.0, variance) / n) / one.path_length;
}

}  // namespace mdvt
