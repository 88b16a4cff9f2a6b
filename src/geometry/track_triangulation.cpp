// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/track_triangulation.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "mdvt/core/error.h"
#include "samples.h"

namespace mdvt {
namespace {

constexpr size_t kMostAngleViews = 64;
constexpr int kMostSamples = 50;
constexpr double kPlenty = 0.8;      // share of the views that need not be beaten
constexpr double kLeastNoise = 0.3;  // pixels: no tracker is better than that

// The views with what is needed of them again and again.
class Bundle {
 public:
  Bundle(const std::vector<PointView>& views, const TrackTriangulationOptions& options)
      : views_(views), options_(options) {
    for (const PointView& view : views) {
      const Pose world_from_cam = view.cam_from_world.inverse();
      centers_.push_back(world_from_cam.translation());
      rays_.push_back((world_from_cam.linear() * view.xy.homogeneous()).normalized());
    }
  }

  size_t size() const { return views_.size(); }

  // The point nearest to the rays of these views; false if they are parallel.
  bool Nearest(const std::vector<size_t>& chosen, Eigen::Vector3d* point) const {
    Eigen::Matrix3d a = Eigen::Matrix3d::Zero();
    Eigen::Vector3d b = Eigen::Vector3d::Zero();
    for (const size_t i : chosen) {
      const Eigen::Matrix3d across = Eigen::Matrix3d::Identity() - rays_[i] * rays_[i].transpose();
      a += across;
      b += across * centers_[i];
    }
    *point = a.ldlt().solve(b);
    return point->allFinite();
  }

  // Squared, in pixels; infinite where the point is not before the camera.
  double Error(size_t i, const Eigen::Vector3d& point) const {
    const Eigen::Vector3d p = views_[i].cam_from_world * point;
    if (!(p.z() > options_.min_depth)) return std::numeric_limits<double>::infinity();
    return (p.hnormalized() - views_[i].xy).squaredNorm() * options_.focal * options_.focal;
  }

  std::vector<size_t> Fitting(const Eigen::Vector3d& point) const {
    std::vector<size_t> fitting;
    for (size_t i = 0; i < size(); ++i)
      if (Error(i, point) <= options_.max_error * options_.max_error) fitting.push_back(i);
    return fitting;
  }

  double WidestAngle(const std::vector<size_t>& chosen) const {
    const size_t step = (chosen.size() + kMostAngleViews - 1) / kMostAngleViews;
    double largest = 0;
    for (size_t i = 0; i < chosen.size(); i += step)
      for (size_t j = i + step; j < chosen.size(); j += step)
        largest = std::max(largest, rays_[chosen[i]].cross(rays_[chosen[j]]).norm());
    return std::asin(std::min(1.0, largest));
  }

  // The point that most views agree on, and which they are.
  std::vector<size_t> Agree(Eigen::Vector3d* best_point) const {
    std::vector<size_t> best;
    double best_error = std::numeric_limits<double>::infinity();
    const auto consider = [&](const Eigen::Vector3d& point) {
      std::vector<size_t> fitting = Fitting(point);
      double error = 0;
      for (const size_t i : fitting) error += Error(i, point);
      if (fitting.size() < best.size() || (fitting.size() == best.size() && error >= best_error))
        return;
      best = std::move(fitting);
      best_error = error;
      *best_point = point;
    };
    Eigen::Vector3d point;
    std::vector<size_t> all(size());
    for (size_t i = 0; i < size(); ++i) all[i] = i;
    if (Nearest(all, &point)) consider(point);
    // Pairs that lie far apart in time first: they tell most, and outliers come one by one.
    for (size_t apart = size() - 1; apart >= std::max<size_t>(1, size() / 4);
         apart -= std::max<size_t>(1, size() / 16)) {
      for (const size_t first : {size_t{0}, size() - 1 - apart}) {
        if (rays_[first].cross(rays_[first + apart]).norm() < 1e-4) continue;
        if (Nearest({first, first + apart}, &point)) consider(point);
      }
      if (apart <= std::max<size_t>(1, size() / 16)) break;
    }
    Samples<2> samples(size());
    for (int i = 0; i < kMostSamples &&
                    static_cast<double>(best.size()) < kPlenty * static_cast<double>(size());
         ++i) {
      const auto pair = samples.Next();
      if (rays_[pair[0]].cross(rays_[pair[1]]).norm() < 1e-4) continue;
      if (Nearest({pair[0], pair[1]}, &point)) consider(point);
    }
    return best;
  }

  // Gauss-Newton; `information` is that of the last step, in pixels.
  bool Refine(const std::vector<size_t>& chosen, Eigen::Vector3d* point,
              Eigen::Matrix3d* information) const {
    double current = Cost(chosen, *point);
    for (int iteration = 0; iteration < 10 && std::isfinite(current); ++iteration) {
      Eigen::Vector3d gradient = Eigen::Vector3d::Zero();
      information->setZero();
      for (const size_t i : chosen) {
        const Eigen::Vector3d p = views_[i].cam_from_world * *point;
        const double iz = options_.focal / p.z();
        Eigen::Matrix<double, 2, 3> projection;
        projection << iz, 0, -p.x() / p.z() * iz, 0, iz, -p.y() / p.z() * iz;
        const Eigen::Matrix<double, 2, 3> jacobian = projection * views_[i].cam_from_world.linear();
        const Eigen::Vector2d residual = (p.hnormalized() - views_[i].xy) * options_.focal;
        const double weight = 1 / (1 + residual.squaredNorm());
        *information += weight * jacobian.transpose() * jacobian;
        gradient += weight * jacobian.transpose() * residual;
      }
      Eigen::Matrix3d damped = *information;
      damped.diagonal() *= 1 + 1e-9;
      const Eigen::Vector3d next = *point - damped.ldlt().solve(gradient);
      const double after = next.allFinite() ? Cost(chosen, next) : current;
      if (!(after < current)) break;
      const bool settled = current - after < 1e-10 * current;
      *point = next;
      current = after;
      if (settled) break;
    }
    return std::isfinite(current);
  }

  double DistanceSigma(const Eigen::Vector3d& point, const Eigen::Matrix3d& information,
                       double rms) const {
    Eigen::Vector3d nearest = centers_.front();
    for (const Eigen::Vector3d& center : centers_)
      if ((center - point).norm() < (nearest - point).norm()) nearest = center;
    const Eigen::LDLT<Eigen::Matrix3d> solver(information);
    const Eigen::Vector3d direction = (point - nearest).normalized();
    const double variance = direction.dot(solver.solve(direction));
    // Rank: what is not known at all has no finite variance, or one below 0 by rounding.
    if (!solver.isPositive() || !(variance >= 0)) return std::numeric_limits<double>::infinity();
    const double noise = std::max(rms / std::sqrt(2.0), kLeastNoise);  // of one coordinate
    return noise * std::sqrt(variance) / (point - nearest).norm();
  }

  // How far the errors of the second half lie from those of the first, in pixels and in standard
  // deviations.
  void Drift(const std::vector<size_t>& chosen, const Eigen::Vector3d& point, double rms,
             double* pixels, double* sigmas) const {
    Eigen::Vector2d sums[2] = {Eigen::Vector2d::Zero(), Eigen::Vector2d::Zero()};
    const size_t half = chosen.size() / 2;
    for (size_t k = 0; k < chosen.size(); ++k) {
      const Eigen::Vector3d p = views_[chosen[k]].cam_from_world * point;
      sums[k < half ? 0 : 1] += (p.hnormalized() - views_[chosen[k]].xy) * options_.focal;
    }
    const auto first = static_cast<double>(half),
               second = static_cast<double>(chosen.size() - half);
    *pixels = (sums[0] / first - sums[1] / second).norm();
    *sigmas = *pixels / (std::max(rms, kLeastNoise) * std::sqrt(1 / first + 1 / second));
  }

 private:
  // What Cauchy weights of scale 1 minimise.
  double Cost(const std::vector<size_t>& chosen, const Eigen::Vector3d& point) const {
    double sum = 0;
    for (const size_t i : chosen) sum += std::log1p(Error(i, point));
    return sum;
  }

  const std::vector<PointView>& views_;
  const TrackTriangulationOptions& options_;
  std::vector<Eigen::Vector3d> centers_;
  std::vector<Eigen::Vector3d> rays_;
};

}  // namespace

void TrackTriangulationOptions::Check() const {
  const auto positive = [](const char* name, double value) {
    Require(value > 0 && std::isfinite(value), Code::kInvalidArgument,
            std::string("TrackTriangulationOptions.") + name + " must be above 0");
  };
  positive("focal", focal);
  positive("max_error", max_error);
  positive("max_rms", max_rms);
  positive("max_sigma", max_sigma);
  positive("max_drift", max_drift);
  positive("max_drift_sigmas", max_drift_sigmas);
  Require(min_views >= 2, Code::kInvalidArgument,
          "TrackTriangulationOptions.min_views must be 2 or more");
  Require(min_inliers >= 0 && min_inliers <= 1, Code::kInvalidArgument,
          "TrackTriangulationOptions.min_inliers must be in [0, 1]");
  Require(min_depth >= 0 && min_angle >= 0 && std::isfinite(min_depth) && std::isfinite(min_angle),
          Code::kInvalidArgument,
          "TrackTriangulationOptions.min_depth and min_angle must be 0 or more");
}

TriangulatedTrack TriangulateTrack(const std::vector<PointView>& views,
                                   const TrackTriangulationOptions& options) {
  options.Check();
  TriangulatedTrack result;
  if (static_cast<int>(views.size()) < std::max(2, options.min_views)) return result;
  const auto ends = [&result](TrackStatus status) {
    result.status = status;
    return result;
  };
  const Bundle bundle(views, options);
  std::vector<size_t> all(views.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  result.angle = bundle.WidestAngle(all);
  if (!(result.angle >= options.min_angle) || !(result.angle > 1e-9))
    return ends(TrackStatus::kNoParallax);

  std::vector<size_t> fitting = bundle.Agree(&result.point);
  if (fitting.empty()) {
    // Nothing before the cameras: the rays meet behind them, or not at all.
    Eigen::Vector3d point;
    const bool meets = bundle.Nearest(all, &point);
    const bool behind = meets && std::all_of(views.begin(), views.end(), [&](const PointView& v) {
                          return (v.cam_from_world * point).z() <= options.min_depth;
                        });
    return ends(behind ? TrackStatus::kBehind : TrackStatus::kInconsistent);
  }
  Eigen::Matrix3d information = Eigen::Matrix3d::Zero();
  for (int round = 0; round < 2 && fitting.size() >= 2; ++round) {
    if (!bundle.Refine(fitting, &result.point, &information))
      return ends(TrackStatus::kInconsistent);
    fitting = bundle.Fitting(result.point);
  }
  result.inliers = static_cast<int>(fitting.size());
  const double needed = std::max(3.0, options.min_inliers * static_cast<double>(views.size()));
  if (static_cast<double>(fitting.size()) < std::min(needed, static_cast<double>(views.size())) ||
      fitting.size() < 2)
    return ends(TrackStatus::kInconsistent);
  double sum = 0;
  for (const size_t i : fitting) sum += bundle.Error(i, result.point);
  result.rms = std::sqrt(sum / static_cast<double>(fitting.size()));
  result.angle = bundle.WidestAngle(fitting);
  result.sigma = bundle.DistanceSigma(result.point, information, result.rms);
  if (!(result.rms <= options.max_rms)) return ends(TrackStatus::kInconsistent);
  if (!(result.angle >= options.min_angle)) return ends(TrackStatus::kNoParallax);
  if (!(result.sigma <= options.max_sigma)) return ends(TrackStatus::kUncertain);
  double drift = 0, sigmas = 0;
  bundle.Drift(fitting, result.point, result.rms, &drift, &sigmas);
  if (drift > options.max_drift && sigmas > options.max_drift_sigmas)
    return ends(TrackStatus::kMoving);
  return ends(TrackStatus::kOk);
}

}  // namespace mdvt
