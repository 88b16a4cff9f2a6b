// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/focal_calibration.h"

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "mdvt/core/error.h"
#include "se3.h"

namespace mdvt {

const char* FocalStatusName(FocalStatus status) {
  switch (status) {
    case FocalStatus::kObservable:
      return "observable";
    case FocalStatus::kWeak:
      return "weak";
    case FocalStatus::kNotObservable:
      return "not_observable";
    case FocalStatus::kZoom:
      break;
  }
  return "zoom";
}

void FocalCalibrationOptions::Check() const {
  Require(low > 0 && low < 1 && high > 1 && high <= 100, Code::kInvalidArgument,
          "FocalCalibrationOptions: 0 < low < 1 < high <= 100 must hold");
  Require(profile_steps >= 4 && profile_steps <= 100, Code::kInvalidArgument,
          "FocalCalibrationOptions.profile_steps must be in [4, 100]");
  Require(sigma_factor >= 1 && sigma_factor <= 100, Code::kInvalidArgument,
          "FocalCalibrationOptions.sigma_factor must be in [1, 100]");
  Require(min_axis_angle >= 0 && min_axis_angle < 3, Code::kInvalidArgument,
          "FocalCalibrationOptions.min_axis_angle must be in [0, 3)");
  Require(max_half_width > 0 && weak_half_width >= max_half_width, Code::kInvalidArgument,
          "FocalCalibrationOptions: 0 < max_half_width <= weak_half_width must hold");
}

namespace {

constexpr double kDistortionSigma = 0.05;
constexpr double kLimit95 = 3.84;  // of chi squared with one degree of freedom

size_t At(int index) { return static_cast<size_t>(index); }

// Largest angle between the axes of two cameras that share so many points.
double LargestAxisAngle(const BundleProblem& problem, int min_shared) {
  const size_t n = problem.cameras.size();
  std::vector<std::vector<size_t>> seen(problem.points.size());
  for (const BundleSight& sight : problem.sights) seen[At(sight.point)].push_back(At(sight.camera));
  std::vector<int> shared(n * n, 0);
  for (const auto& cameras : seen)
    for (const size_t a : cameras)
      for (const size_t b : cameras) ++shared[a * n + b];
  double largest = 0;
  for (size_t a = 0; a < n; ++a)
    for (size_t b = a + 1; b < n; ++b) {
      if (shared[a * n + b] < min_shared) continue;
      const Eigen::Vector3d axis_a =
          problem.poses[At(problem.cameras[a].pose)].pose.linear().col(2);
      const Eigen::Vector3d axis_b =
          problem.poses[At(problem.cameras[b].pose)].pose.linear().col(2);
      largest = std::max(largest, std::atan2(axis_a.cross(axis_b).norm(), axis_a.dot(axis_b)));
    }
  return largest;
}

// The equations of one sight: derivatives of the weighted residual by point, pose, log focal and
// radial distortion.
struct SightEquation {
  Eigen::Matrix<double, 2, 3> by_point;
  Matrix26d by_pose;
  Eigen::Matrix2d by_lens;
  double weighted_square = 0;  // of the residual
  double weight = 0;
  bool ok = false;
};

SightEquation Linearise(const BundleProblem& problem, const BundleSight& sight) {
  SightEquation e;
  const BundlePose& pose = problem.poses[At(problem.cameras[At(sight.camera)].pose)];
  const Camera& lens = problem.lenses[0].camera;
  const Eigen::Matrix3d cam_from_world = pose.pose.linear().transpose();
  const Eigen::Vector3d p =
      cam_from_world * (problem.points[At(sight.point)].in_world - pose.pose.translation());
  if (!(p.z() > 1e-3 * p.norm())) return e;
  const Eigen::Vector2d focal(lens.fx, lens.fy), q = p.hnormalized();
  const Eigen::Vector2d residual =
      (focal.cwiseProduct(q) + Eigen::Vector2d(lens.cx, lens.cy) - sight.xy) / sight.sigma;
  const double c2 = problem.sight_loss.scale * problem.sight_loss.scale;
  e.weight = problem.sight_loss.kind == BundleLoss::Kind::kSquared
                 ? 1
                 : 1 / (1 + residual.squaredNorm() / c2);
  const double root = std::sqrt(e.weight);
  const Eigen::Matrix<double, 2, 3> by_camera =
      root / sight.sigma * focal.asDiagonal() * ProjectionJacobian(p);
  e.by_point = by_camera * cam_from_world;
  e.by_pose.leftCols<3>() = by_camera * Skew(p);
  e.by_pose.rightCols<3>() = -e.by_point;
  if (pose.rotation_held) e.by_pose.leftCols<3>().setZero();
  if (pose.position_held) e.by_pose.rightCols<3>().setZero();
  const Eigen::Vector2d by_focal = root / sight.sigma * focal.cwiseProduct(q);
  e.by_lens.col(0) = by_focal;
  e.by_lens.col(1) = by_focal * q.squaredNorm();
  e.weighted_square = e.weight * residual.squaredNorm();
  e.ok = true;
  return e;
}

struct FocalInformation {
  double sigma_log = std::numeric_limits<double>::infinity();  // for independent errors
  double correlation = 0;                                      // with the distortion
  double chi2 = 1;  // reduced: the squared sigma of the residuals
};

FocalInformation InformationOf(const BundleProblem& problem) {
  const auto poses = static_cast<Eigen::Index>(problem.poses.size());
  const Eigen::Index lens = 6 * poses, size = lens + 2;
  Eigen::MatrixXd s = Eigen::MatrixXd::Zero(size, size);
  std::vector<std::vector<const BundleSight*>> seen(problem.points.size());
  for (const BundleSight& sight : problem.sights) seen[At(sight.point)].push_back(&sight);
  double squares = 0, weights = 0, unknowns = 0;
  for (const auto& sights : seen) {
    Eigen::Matrix3d points = Eigen::Matrix3d::Zero();
    std::vector<std::pair<Eigen::Index, Eigen::Matrix<double, 3, 6>>> by_pose;
    Eigen::Matrix<double, 3, 2> by_lens = Eigen::Matrix<double, 3, 2>::Zero();
    for (const BundleSight* sight : sights) {
      const SightEquation e = Linearise(problem, *sight);
      if (!e.ok) continue;
      const Eigen::Index at = 6 * problem.cameras[At(sight->camera)].pose;
      points.noalias() += e.by_point.transpose() * e.by_point;
      by_pose.emplace_back(at, e.by_point.transpose() * e.by_pose);
      by_lens.noalias() += e.by_point.transpose() * e.by_lens;
      s.block<6, 6>(at, at).noalias() += e.by_pose.transpose() * e.by_pose;
      s.block<6, 2>(at, lens).noalias() += e.by_pose.transpose() * e.by_lens;
      s.block<2, 2>(lens, lens).noalias() += e.by_lens.transpose() * e.by_lens;
      squares += e.weighted_square;
      weights += 2 * e.weight;
    }
    if (by_pose.empty()) continue;
    points += (1e-8 * points.trace() + 1e-300) * Eigen::Matrix3d::Identity();
    const Eigen::Matrix3d inverse = points.inverse();
    unknowns += 3;
    for (const auto& [a, of_a] : by_pose) {
      const Eigen::Matrix<double, 6, 3> left = of_a.transpose() * inverse;
      for (const auto& [b, of_b] : by_pose) s.block<6, 6>(a, b).noalias() -= left * of_b;
      s.block<6, 2>(a, lens).noalias() -= left * by_lens;
    }
    s.block<2, 2>(lens, lens).noalias() -= by_lens.transpose() * inverse * by_lens;
  }
  FocalInformation info;
  info.chi2 = squares / std::max(1.0, weights - unknowns - 6.0 * static_cast<double>(poses));
  // Directions that are held or that nothing ties (the size of the world) have no information and,
  // as no picture changes with them, no link to the focal length either.
  Eigen::MatrixXd cameras = s.topLeftCorner(lens, lens);
  const double scale = std::max(cameras.diagonal().maxCoeff(), 1e-300);
  for (Eigen::Index i = 0; i < lens; ++i)
    cameras(i, i) += cameras(i, i) > 1e-12 * scale ? 1e-8 * cameras(i, i) : scale;
  const Eigen::MatrixXd links = s.topRightCorner(lens, 2);
  Eigen::Matrix2d marginal = s.bottomRightCorner<2, 2>();
  marginal -= links.transpose() * cameras.ldlt().solve(links);
  marginal(1, 1) += 1 / (kDistortionSigma * kDistortionSigma);
  const double det = marginal.determinant();
  if (!(marginal(0, 0) > 0) || !(det > 0)) return info;
  info.sigma_log = std::sqrt(marginal(1, 1) / det);
  info.correlation = -marginal(0, 1) / std::sqrt(marginal(0, 0) * marginal(1, 1));
  return info;
}

class Calibrator {
 public:
  Calibrator(BundleProblem* problem, const FocalCalibrationOptions& options,
             const RunControl& control)
      : p_(*problem), o_(options) {
    inner_.cancelled = control.cancelled;
  }

  FocalCalibration Run() {
    result_.start_fx = result_.fx = p_.lenses[0].camera.fx;
    result_.low_fx = 0;
    result_.high_fx = std::numeric_limits<double>::infinity();
    result_.axis_angle = LargestAxisAngle(p_, o_.min_shared_points);
    const bool turns = result_.axis_angle >= o_.min_axis_angle;
    start_ = p_;
    if (turns) {
      Solve(&p_, true, 50);
      result_.axis_angle = LargestAxisAngle(p_, o_.min_shared_points);
      info_ = InformationOf(p_);
      result_.sigma_log = o_.sigma_factor * std::sqrt(std::max(1.0, info_.chi2)) * info_.sigma_log;
      result_.distortion_correlation = info_.correlation;
    } else {
      result_.sigma_log = std::numeric_limits<double>::infinity();
    }
    if (Zooms(turns)) return Say(FocalStatus::kZoom, "focal_changes");
    if (!turns) return Say(FocalStatus::kNotObservable, "no_pan_tilt");
    result_.fx = p_.lenses[0].camera.fx;
    const double xfov = p_.lenses[0].camera.xfov_deg();
    if (!(result_.sigma_log < 1)) return Say(FocalStatus::kNotObservable, "no_information");
    if (!(xfov >= 5 && xfov <= 150)) return Say(FocalStatus::kNotObservable, "implausible_fov");
    if (!Profile()) return Say(FocalStatus::kNotObservable, "interval_open");
    CompareHalves();
    if (std::fabs(result_.halves_log) > 3 * std::sqrt(2.0) * std::max(result_.sigma_log, 1e-3))
      return Say(FocalStatus::kNotObservable, "halves_disagree");
    if (std::fabs(result_.distortion_correlation) >= 0.98)
      return Say(FocalStatus::kNotObservable, "distortion_explains_it");
    const double half = 0.5 * std::log(result_.high_fx / result_.low_fx);
    if (half <= o_.max_half_width) return Say(FocalStatus::kObservable, "");
    if (half <= o_.weak_half_width) return Say(FocalStatus::kWeak, "interval_wide");
    return Say(FocalStatus::kNotObservable, "interval_wide");
  }

 private:
  FocalCalibration Say(FocalStatus status, const char* reason) {
    result_.status = status;
    result_.reason = reason;
    return std::move(result_);
  }

  double Solve(BundleProblem* problem, bool focal_free, int iterations) const {
    for (BundleLens& lens : problem->lenses) lens.focal_held = !focal_free;
    BundleOptions options;
    options.max_iterations = iterations;
    options.tolerance = 1e-7;
    return SolveBundle(problem, options, inner_).final_cost;
  }

  static void SetFocal(BundleProblem* problem, double fx) {
    Camera& camera = problem->lenses[0].camera;
    camera.fy *= fx / camera.fx;
    camera.fx = fx;
  }

  // A focal length for each third of the clip, those of neighbours loosely tied: does that explain
  // much more?
  bool Zooms(bool first_free) {
    constexpr int kParts = 3;
    const size_t n = p_.cameras.size();
    if (n < 2 * kParts) return false;
    BundleProblem one = p_;
    const double before = Solve(&one, first_free, 30);
    // From the start: one focal length for a clip that zooms leads anywhere.
    BundleProblem parts = start_;
    parts.lenses.assign(kParts, start_.lenses[0]);
    for (size_t i = 0; i < n; ++i) parts.cameras[i].lens = static_cast<int>(i * kParts / n);
    for (int k = 0; k + 1 < kParts; ++k) parts.focal_changes.push_back({k, k + 1, 0.05});
    for (BundleLens& lens : parts.lenses) lens.focal_held = false;
    parts.lenses[0].focal_held = !first_free;
    BundleOptions options;
    options.max_iterations = 30;
    const double after = SolveBundle(&parts, options, inner_).final_cost;
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const BundleLens& lens : parts.lenses) {
      low = std::min(low, std::log(lens.camera.fx));
      high = std::max(high, std::log(lens.camera.fx));
    }
    result_.zoom_log = high - low;
    const double gain = 2 * (before - after) / Inflation();
    const double noise = first_free ? 3 * result_.sigma_log : 0;
    return result_.zoom_log > std::max(0.03, std::min(noise, 0.1)) && gain > 25;
  }

  double Inflation() const { return o_.sigma_factor * o_.sigma_factor * std::max(1.0, info_.chi2); }

  // Costs at held focal lengths, outwards from the best one, each from the solution before.
  // False if the 95 % interval has no end within the range.
  bool Profile() {
    std::vector<double> wanted;
    for (int i = 0; i < o_.profile_steps; ++i)
      wanted.push_back(result_.start_fx * o_.low *
                       std::pow(o_.high / o_.low, i / (o_.profile_steps - 1.0)));
    const double near = std::clamp(result_.sigma_log, 1e-4, 0.1);
    for (const double k : {-4.0, -2.0, -1.0, 1.0, 2.0, 4.0})
      wanted.push_back(result_.fx * std::exp(k * near));
    std::sort(wanted.begin(), wanted.end());
    BundleProblem best = p_;
    const double least = Solve(&best, false, 30);
    std::vector<FocalCalibration::Trial> above, below;
    const auto walk = [&](bool up) {
      BundleProblem at = best;
      std::vector<double> steps;
      for (const double fx : wanted)
        if (up ? fx > result_.fx : fx < result_.fx) steps.push_back(fx);
      if (!up) std::reverse(steps.begin(), steps.end());
      for (const double fx : steps) {
        SetFocal(&at, fx);
        (up ? above : below).push_back({fx, Solve(&at, false, 15) - least});
        // Far beyond the interval nothing more is to be learnt.
        if ((up ? above : below).back().cost > 20 * kLimit95 * Inflation()) break;
      }
    };
    walk(true);
    walk(false);
    // A minimum elsewhere: what was found is none.
    for (const auto* side : {&above, &below})
      for (const auto& trial : *side)
        if (trial.cost < -0.5 * kLimit95 * Inflation()) return false;
    const double low = Crossing(below), high = Crossing(above);
    for (auto i = below.rbegin(); i != below.rend(); ++i) result_.profile.push_back(*i);
    result_.profile.push_back({result_.fx, 0});
    result_.profile.insert(result_.profile.end(), above.begin(), above.end());
    if (low > 0) result_.low_fx = std::min(low, result_.fx * std::exp(-1.96 * result_.sigma_log));
    if (high > 0) result_.high_fx = std::max(high, result_.fx * std::exp(1.96 * result_.sigma_log));
    return low > 0 && high > 0;
  }

  // Where the cost has risen by the 95 % quantile; 0 if it never does.
  double Crossing(const std::vector<FocalCalibration::Trial>& trials) const {
    double last_log = std::log(result_.fx), last_root = 0;
    const double limit = std::sqrt(kLimit95);
    for (const FocalCalibration::Trial& trial : trials) {
      const double root = std::sqrt(std::max(0.0, 2 * trial.cost / Inflation()));
      const double log = std::log(trial.fx);
      if (root > limit)
        return std::exp(last_log + (log - last_log) * (limit - last_root) / (root - last_root));
      last_log = log;
      last_root = std::min(root, limit);
    }
    return 0;
  }

  void CompareHalves() {
    double found[2];
    for (int half = 0; half < 2; ++half) {
      BundleProblem part = p_;
      part.sights.clear();
      part.depths.clear();
      for (const BundleSight& sight : p_.sights)
        if (sight.point % 2 == half) part.sights.push_back(sight);
      for (const BundleDepth& depth : p_.depths)
        if (depth.point % 2 == half) part.depths.push_back(depth);
      Solve(&part, true, 30);
      found[half] = std::log(part.lenses[0].camera.fx);
    }
    result_.halves_log = found[0] - found[1];
  }

  BundleProblem& p_;
  BundleProblem start_;
  const FocalCalibrationOptions& o_;
  RunControl inner_;
  FocalInformation info_;
  FocalCalibration result_;
};

}  // namespace

FocalCalibration CalibrateFocal(BundleProblem* problem, const FocalCalibrationOptions& options,
                                const RunControl& control) {
  options.Check();
  Require(problem->lenses.size() == 1 && problem->mounts.empty(), Code::kInvalidArgument,
          "CalibrateFocal: the problem must have one lens and no mounts");
  Require(!problem->sights.empty(), Code::kInvalidArgument, "CalibrateFocal: no point was seen");
  return Calibrator(problem, options, control).Run();
}

}  // namespace mdvt
