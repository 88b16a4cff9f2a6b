// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/bundle.h"

#include <ceres/cost_function.h>
#include <ceres/iteration_callback.h>
#include <ceres/jet.h>
#include <ceres/loss_function.h>
#include <ceres/manifold.h>
#include <ceres/ordered_groups.h>
#include <ceres/problem.h>
#include <ceres/solver.h>
#include <glog/logging.h>

#include <deque>
#include <exception>
#include <memory>
#include <mutex>

#include "bundle_check.h"
#include "bundle_residuals.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// Steps of rotation and position, of rotation alone or of position alone. Derivatives by a pose are
// by its step already (bundle_residuals.h): they are passed on.
class PoseManifold final : public ceres::Manifold {
 public:
  PoseManifold(bool rotation, bool position) : rotation_(rotation), position_(position) {}
  int AmbientSize() const override { return kPoseSize; }
  int TangentSize() const override { return 3 * rotation_ + 3 * position_; }
  bool Plus(const double* x, const double* step, double* out) const override {
    Eigen::Quaterniond q = Eigen::Map<const Eigen::Quaterniond>(x);
    Eigen::Vector3d position = Eigen::Map<const Eigen::Vector3d>(x + 4);
    if (rotation_) {
      const Eigen::Vector3d w = Eigen::Map<const Eigen::Vector3d>(step);
      q = (q * ExpRotation<double>(w)).normalized();
    }
    if (position_) position += Eigen::Map<const Eigen::Vector3d>(step + (rotation_ ? 3 : 0));
    Eigen::Map<Eigen::Quaterniond>{out} = q;
    Eigen::Map<Eigen::Vector3d>{out + 4} = position;
    return true;
  }
  bool PlusJacobian(const double*, double* jacobian) const override {
    Eigen::Map<Eigen::Matrix<double, kPoseSize, Eigen::Dynamic, Eigen::RowMajor>> j(
        jacobian, kPoseSize, TangentSize());
    j.setZero();
    if (rotation_) j.topLeftCorner<3, 3>().setIdentity();
    if (position_) j.block<3, 3>(3, rotation_ ? 3 : 0).setIdentity();
    return true;
  }
  bool Minus(const double* y, const double* x, double* step) const override {
    if (rotation_)
      Eigen::Map<Eigen::Vector3d>{step} =
          LogRotation<double>(Eigen::Map<const Eigen::Quaterniond>(x).conjugate() *
                              Eigen::Map<const Eigen::Quaterniond>(y));
    if (position_)
      Eigen::Map<Eigen::Vector3d>{step + (rotation_ ? 3 : 0)} =
          Eigen::Map<const Eigen::Vector3d>(y + 4) - Eigen::Map<const Eigen::Vector3d>(x + 4);
    return true;
  }
  bool MinusJacobian(const double*, double* jacobian) const override {
    Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, kPoseSize, Eigen::RowMajor>> j(
        jacobian, TangentSize(), kPoseSize);
    j.setZero();
    if (rotation_) j.topLeftCorner<3, 3>().setIdentity();
    if (position_) j.block<3, 3>(rotation_ ? 3 : 0, 3).setIdentity();
    return true;
  }

 private:
  bool rotation_, position_;
};

// Parameters: point, pose, log of the focal length over its start, mount if there is one.
class SightCost final : public ceres::CostFunction {
 public:
  SightCost(const BundleSight& sight, const Camera& lens, bool mounted)
      : xy_(sight.xy), weight_(1 / sight.sigma), lens_(&lens) {
    set_num_residuals(2);
    *mutable_parameter_block_sizes() = {3, kPoseSize, 1};
    if (mounted) mutable_parameter_block_sizes()->push_back(kPoseSize);
  }
  bool Evaluate(double const* const* parameters, double* residuals,
                double** jacobians) const override {
    const bool mounted = parameter_block_sizes().size() > 3;
    const PointInCamera p(parameters[0], parameters[1], mounted ? parameters[3] : nullptr);
    const double zoom = std::exp(parameters[2][0]);
    const double fx = weight_ * zoom * lens_->fx, fy = weight_ * zoom * lens_->fy;
    double x, y;
    const bool in_front = p.InFront();
    if (in_front) {
      x = p.in_camera.x() / p.in_camera.z();
      y = p.in_camera.y() / p.in_camera.z();
    } else {
      const double side = std::max(std::hypot(p.in_camera.x(), p.in_camera.y()), 1e-300);
      x = p.in_camera.x() / side / kLeastForward;
      y = p.in_camera.y() / side / kLeastForward;
    }
    residuals[0] = fx * x - weight_ * (xy_.x() - lens_->cx);
    residuals[1] = fy * y - weight_ * (xy_.y() - lens_->cy);
    if (jacobians == nullptr) return true;
    Eigen::Matrix<double, 2, 3> by_camera = Eigen::Matrix<double, 2, 3>::Zero();
    if (in_front) {
      const double iz = 1 / p.in_camera.z();
      by_camera << fx * iz, 0, -fx * x * iz, 0, fy * iz, -fy * y * iz;
    }
    p.Chain<2>(by_camera, jacobians[0], jacobians[1], mounted ? jacobians[3] : nullptr);
    if (jacobians[2] != nullptr) {
      jacobians[2][0] = in_front ? fx * x : 0;
      jacobians[2][1] = in_front ? fy * y : 0;
    }
    return true;
  }

 private:
  Eigen::Vector2d xy_;
  double weight_;
  const Camera* lens_;
};

// Parameters: point, pose, log of the map's scale, shift, mount if there is one.
class DepthCost final : public ceres::CostFunction {
 public:
  DepthCost(const BundleDepth& depth, bool mounted)
      : inverse_depth_(1 / depth.depth), weight_(1 / depth.sigma) {
    set_num_residuals(1);
    *mutable_parameter_block_sizes() = {3, kPoseSize, 1, 1};
    if (mounted) mutable_parameter_block_sizes()->push_back(kPoseSize);
  }
  bool Evaluate(double const* const* parameters, double* residuals,
                double** jacobians) const override {
    const bool mounted = parameter_block_sizes().size() > 4;
    const PointInCamera p(parameters[0], parameters[1], mounted ? parameters[4] : nullptr);
    const bool in_front = p.InFront();
    const double z =
        in_front ? p.in_camera.z() : std::max(kLeastForward * p.in_camera.norm(), 1e-300);
    const double scaled = std::exp(parameters[2][0]) * inverse_depth_;
    const double least = 1e-3 * scaled;
    const bool finite = scaled + parameters[3][0] > least;
    const double inverse_z = finite ? scaled + parameters[3][0] : least;
    residuals[0] = weight_ * std::log(z * inverse_z);
    if (jacobians == nullptr) return true;
    const Eigen::Matrix<double, 1, 3> by_camera(0, 0, in_front ? weight_ / z : 0);
    p.Chain<1>(by_camera, jacobians[0], jacobians[1], mounted ? jacobians[4] : nullptr);
    if (jacobians[2] != nullptr) jacobians[2][0] = finite ? weight_ * scaled / inverse_z : weight_;
    if (jacobians[3] != nullptr) jacobians[3][0] = finite ? weight_ / inverse_z : 0;
    return true;
  }

 private:
  double inverse_depth_, weight_;
};

// Residuals that are functions of kPoses poses: Functor(const PoseOf<T>[kPoses], T residuals[6]).
template <typename Functor, int kPoses>
class PoseCost final : public ceres::CostFunction {
 public:
  explicit PoseCost(const Functor& functor) : functor_(functor) {
    set_num_residuals(6);
    mutable_parameter_block_sizes()->assign(kPoses, kPoseSize);
  }
  bool Evaluate(double const* const* parameters, double* residuals,
                double** jacobians) const override {
    using Jet = ceres::Jet<double, 6 * kPoses>;
    if (jacobians == nullptr) {
      PoseOf<double> poses[kPoses];
      for (int i = 0; i < kPoses; ++i) {
        poses[i].rotation = Eigen::Map<const Eigen::Quaterniond>(parameters[i]);
        poses[i].position = Eigen::Map<const Eigen::Vector3d>(parameters[i] + 4);
      }
      functor_(poses, residuals);
      return true;
    }
    PoseOf<Jet> poses[kPoses];
    for (int i = 0; i < kPoses; ++i) {
      Eigen::Matrix<Jet, 3, 1> half;
      for (int k = 0; k < 3; ++k) {
        half[k] = Jet(0);
        half[k].v[6 * i + k] = 0.5;
        poses[i].position[k] = Jet(parameters[i][4 + k], 6 * i + 3 + k);
      }
      const Eigen::Quaternion<Jet> start(Jet(parameters[i][3]), Jet(parameters[i][0]),
                                         Jet(parameters[i][1]), Jet(parameters[i][2]));
      poses[i].rotation = start * Eigen::Quaternion<Jet>(Jet(1), half[0], half[1], half[2]);
    }
    Jet out[6];
    functor_(poses, out);
    for (int r = 0; r < 6; ++r) {
      residuals[r] = out[r].a;
      for (int i = 0; i < kPoses; ++i) {
        if (jacobians[i] == nullptr) continue;
        for (int k = 0; k < 6; ++k) jacobians[i][kPoseSize * r + k] = out[r].v[6 * i + k];
        jacobians[i][kPoseSize * r + 6] = 0;
      }
    }
    return true;
  }

 private:
  Functor functor_;
};

// (a - b - difference) / sigma; without b, (a - value) / sigma.
class DifferenceCost final : public ceres::CostFunction {
 public:
  DifferenceCost(double difference, double sigma, int parameters)
      : difference_(difference), weight_(1 / sigma) {
    set_num_residuals(1);
    mutable_parameter_block_sizes()->assign(static_cast<size_t>(parameters), 1);
  }
  bool Evaluate(double const* const* parameters, double* residuals,
                double** jacobians) const override {
    const bool two = parameter_block_sizes().size() > 1;
    residuals[0] = weight_ * (parameters[0][0] - (two ? parameters[1][0] : 0) - difference_);
    if (jacobians == nullptr) return true;
    if (jacobians[0] != nullptr) jacobians[0][0] = weight_;
    if (two && jacobians[1] != nullptr) jacobians[1][0] = -weight_;
    return true;
  }

 private:
  double difference_, weight_;
};

class PointPriorCost final : public ceres::CostFunction {
 public:
  explicit PointPriorCost(const BundlePointPrior& prior)
      : in_world_(prior.in_world), weight_(1 / prior.sigma) {
    set_num_residuals(3);
    *mutable_parameter_block_sizes() = {3};
  }
  bool Evaluate(double const* const* parameters, double* residuals,
                double** jacobians) const override {
    Eigen::Map<Eigen::Vector3d>{residuals} =
        weight_ * (Eigen::Map<const Eigen::Vector3d>(parameters[0]) - in_world_);
    if (jacobians != nullptr && jacobians[0] != nullptr)
      Eigen::Map<RowMajor<3, 3>>{jacobians[0]} = weight_ * Eigen::Matrix3d::Identity();
    return true;
  }

 private:
  Eigen::Vector3d in_world_;
  double weight_;
};

// Ceres warns through glog, which prints to stderr and knows a process-wide level only: it is
// raised while any solve runs, to what aborts. A library does not print.
class QuietGlog {
 public:
  QuietGlog() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (running_++ > 0) return;
    level_ = FLAGS_minloglevel;
    if (level_ < google::GLOG_FATAL) FLAGS_minloglevel = google::GLOG_FATAL;
  }
  ~QuietGlog() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--running_ == 0) FLAGS_minloglevel = level_;
  }
  QuietGlog(const QuietGlog&) = delete;
  QuietGlog& operator=(const QuietGlog&) = delete;

 private:
  static inline std::mutex mutex_;
  static inline int running_ = 0;
  static inline int level_ = 0;
};

// Asks RunControl once per iteration. What it throws waits until Ceres has returned.
class Watch final : public ceres::IterationCallback {
 public:
  Watch(const RunControl& control, int max_iterations)
      : meter_(control), max_iterations_(max_iterations) {}
  ceres::CallbackReturnType operator()(const ceres::IterationSummary& summary) override {
    try {
      meter_.Update(summary.iteration, max_iterations_);
    } catch (...) {
      error_ = std::current_exception();
      return ceres::SOLVER_ABORT;
    }
    return ceres::SOLVER_CONTINUE;
  }
  void Rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }
  void Finish(int iterations) { meter_.Finish(iterations); }

 private:
  ProgressMeter meter_;
  int max_iterations_;
  std::exception_ptr error_;
};

std::unique_ptr<ceres::LossFunction> MakeLoss(const BundleLoss& loss) {
  switch (loss.kind) {
    case BundleLoss::Kind::kHuber:
      return std::make_unique<ceres::HuberLoss>(loss.scale);
    case BundleLoss::Kind::kCauchy:
      return std::make_unique<ceres::CauchyLoss>(loss.scale);
    case BundleLoss::Kind::kSquared:
      break;
  }
  return nullptr;
}

ceres::Problem::Options PlainProblem() {
  ceres::Problem::Options options;
  options.cost_function_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
  options.loss_function_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
  options.manifold_ownership = ceres::DO_NOT_TAKE_OWNERSHIP;
  options.disable_all_safety_checks = true;  // CheckBundle() has looked
  return options;
}

// A bundle problem as Ceres sees it: its numbers, its residuals, and the way back.
class CeresBundle {
 public:
  CeresBundle(const BundleProblem& problem, const BundleUse& use, const BundleGauge& gauge)
      : p_(problem),
        use_(use),
        sight_loss_(MakeLoss(p_.sight_loss)),
        depth_loss_(MakeLoss(p_.depth_loss)),
        relation_loss_(MakeLoss(p_.relation_loss)),
        ceres_(PlainProblem()) {
    for (const BundlePoint& point : p_.points) Append(point.in_world);
    for (const BundlePose& pose : p_.poses) Append(ToValues(pose.pose));
    for (const BundlePose& mount : p_.mounts) Append(ToValues(mount.pose));
    values_.insert(values_.end(), p_.lenses.size(), 0);
    for (const BundleDepthMap& map : p_.depth_maps) {
      values_.push_back(std::log(map.scale));
      values_.push_back(map.shift);
    }
    anchored_.assign(p_.poses.size(), 0);
    for (const int anchor : gauge.anchors) anchored_[static_cast<size_t>(anchor)] = 1;
    AddSeen();
    AddPoseResiduals();
    AddScalarResiduals();
    Hold();
  }

  ceres::Solver::Summary Solve(const BundleOptions& options, Watch* watch) {
    ceres::Solver::Options solver;
    solver.logging_type = ceres::SILENT;
    solver.num_threads = 1;  // partial sums of several threads would be joined as they come
    solver.max_num_iterations = options.max_iterations;
    solver.function_tolerance = options.tolerance;
    solver.gradient_tolerance = 1e-12;
    solver.parameter_tolerance = 1e-12;
    solver.max_trust_region_radius = 1e12;  // keeps directions that nothing ties in place
    solver.callbacks.push_back(watch);
    ChooseSolver(options.solver, &solver);
    std::string error;
    Require(solver.IsValid(&error), Code::kInternal, "SolveBundle: " + error);
    ceres::Solver::Summary summary;
    ceres::Solve(solver, &ceres_, &summary);
    return summary;
  }

  // Only what was free, so that the rest keeps its bits.
  void WriteBack(BundleProblem* problem) const {
    for (size_t i = 0; i < p_.poses.size(); ++i)
      if (!anchored_[i]) WritePose(PoseAt(i), &problem->poses[i]);
    for (size_t i = 0; i < p_.mounts.size(); ++i) WritePose(MountAt(i), &problem->mounts[i]);
    for (size_t i = 0; i < p_.points.size(); ++i)
      if (!p_.points[i].held) problem->points[i].in_world = Eigen::Map<Eigen::Vector3d>(PointAt(i));
    for (size_t i = 0; i < p_.lenses.size(); ++i) {
      if (p_.lenses[i].focal_held || *ZoomAt(i) == 0) continue;
      problem->lenses[i].camera.fx *= std::exp(*ZoomAt(i));
      problem->lenses[i].camera.fy *= std::exp(*ZoomAt(i));
    }
    for (size_t i = 0; i < p_.depth_maps.size(); ++i) {
      BundleDepthMap& map = problem->depth_maps[i];
      if (!map.scale_held && ceres_.HasParameterBlock(LogScaleAt(i)))
        map.scale = std::exp(*LogScaleAt(i));
      if (!map.shift_held) map.shift = *ShiftAt(i);
    }
  }

  // Root mean square in pixels.
  double Rms() const {
    double sum = 0;
    size_t i = 0;
    for (size_t k = 0; k < p_.sights.size(); ++k)
      if (use_.sights[k]) sum += SightResidual(k, i++).squaredNorm();
    return i > 0 ? std::sqrt(sum / static_cast<double>(i)) : 0;
  }

  void Residuals(BundleResult* result) const {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    size_t used = 0;
    for (size_t k = 0; k < p_.sights.size(); ++k)
      result->sight_residuals.push_back(use_.sights[k] ? SightResidual(k, used++)
                                                       : Eigen::Vector2d(nan, nan));
    used = 0;
    for (size_t k = 0; k < p_.depths.size(); ++k) {
      double residual = nan;
      if (use_.depths[k]) {
        const DepthBlocks blocks(*this, p_.depths[k]);
        depth_costs_[used++].Evaluate(blocks.all, &residual, nullptr);
        residual *= p_.depths[k].sigma;
      }
      result->depth_residuals.push_back(residual);
    }
  }

 private:
  // The parameters of a residual, in the order of its cost.
  struct SightBlocks {
    SightBlocks(const CeresBundle& b, const BundleSight& s) {
      const BundleCamera& camera = b.p_.cameras[static_cast<size_t>(s.camera)];
      all[0] = b.PointAt(s.point);
      all[1] = b.PoseAt(camera.pose);
      all[2] = b.ZoomAt(camera.lens);
      if (camera.mount >= 0) all[count++] = b.MountAt(camera.mount);
    }
    double* all[4];
    int count = 3;
  };
  struct DepthBlocks {
    DepthBlocks(const CeresBundle& b, const BundleDepth& d) {
      const BundleCamera& camera = b.p_.cameras[static_cast<size_t>(d.camera)];
      all[0] = b.PointAt(d.point);
      all[1] = b.PoseAt(camera.pose);
      all[2] = b.LogScaleAt(d.map);
      all[3] = b.ShiftAt(d.map);
      if (camera.mount >= 0) all[count++] = b.MountAt(camera.mount);
    }
    double* all[5];
    int count = 4;
  };
  // All numbers lie in one array, in this order: Ceres sorts parameters by their addresses, and the
  // order of its sums must not depend on where the heap put things. Ceres takes pointers to change
  // numbers later, wherever it only reads now.
  double* At(size_t offset) const { return const_cast<double*>(values_.data()) + offset; }
  template <typename Index>
  double* PointAt(Index i) const {
    return At(3 * static_cast<size_t>(i));
  }
  template <typename Index>
  double* PoseAt(Index i) const {
    return At(3 * p_.points.size() + kPoseSize * static_cast<size_t>(i));
  }
  template <typename Index>
  double* MountAt(Index i) const {
    return PoseAt(p_.poses.size() + static_cast<size_t>(i));
  }
  template <typename Index>
  double* ZoomAt(Index i) const {
    return PoseAt(p_.poses.size() + p_.mounts.size()) + i;
  }
  template <typename Index>
  double* LogScaleAt(Index i) const {
    return ZoomAt(p_.lenses.size()) + 2 * i;
  }
  template <typename Index>
  double* ShiftAt(Index i) const {
    return LogScaleAt(i) + 1;
  }
  template <typename Numbers>
  void Append(const Numbers& numbers) {
    values_.insert(values_.end(), numbers.data(), numbers.data() + numbers.size());
  }

  void AddSeen() {
    for (size_t k = 0; k < p_.sights.size(); ++k) {
      if (!use_.sights[k]) continue;
      const BundleSight& sight = p_.sights[k];
      const BundleCamera& camera = p_.cameras[static_cast<size_t>(sight.camera)];
      const SightBlocks blocks(*this, sight);
      sight_costs_.emplace_back(sight, p_.lenses[static_cast<size_t>(camera.lens)].camera,
                                camera.mount >= 0);
      ceres_.AddResidualBlock(&sight_costs_.back(), sight_loss_.get(), blocks.all, blocks.count);
    }
    for (size_t k = 0; k < p_.depths.size(); ++k) {
      if (!use_.depths[k]) continue;
      const DepthBlocks blocks(*this, p_.depths[k]);
      depth_costs_.emplace_back(p_.depths[k], blocks.count > 4);
      ceres_.AddResidualBlock(&depth_costs_.back(), depth_loss_.get(), blocks.all, blocks.count);
    }
  }

  void Add(std::unique_ptr<ceres::CostFunction> cost, ceres::LossFunction* loss,
           const std::vector<double*>& blocks) {
    ceres_.AddResidualBlock(cost.get(), loss, blocks);
    other_costs_.push_back(std::move(cost));
  }
  template <int kPoses, typename Functor>
  static std::unique_ptr<ceres::CostFunction> OfPoses(const Functor& functor) {
    return std::make_unique<PoseCost<Functor, kPoses>>(functor);
  }

  void AddPoseResiduals() {
    for (const BundleRelation& r : p_.relations)
      Add(OfPoses<2>(RelationResidual{{r.a_from_b, r.sigma_rotation, r.sigma_position}}),
          relation_loss_.get(), {PoseAt(r.a), PoseAt(r.b)});
    for (const BundleSteady& s : p_.steady)
      Add(OfPoses<3>(
              SteadyResidual{s.fraction, Weight(s.sigma_rotation), Weight(s.sigma_position)}),
          nullptr, {PoseAt(s.before), PoseAt(s.at), PoseAt(s.after)});
    for (const BundlePosePrior& prior : p_.pose_priors)
      Add(OfPoses<1>(PosePriorResidual{{prior.value, prior.sigma_rotation, prior.sigma_position}}),
          nullptr, {PoseAt(prior.pose)});
    for (const BundlePosePrior& prior : p_.mount_priors)
      Add(OfPoses<1>(PosePriorResidual{{prior.value, prior.sigma_rotation, prior.sigma_position}}),
          nullptr, {MountAt(prior.pose)});
  }

  void AddDifference(double difference, double sigma, const std::vector<double*>& blocks) {
    if (std::isfinite(sigma))
      Add(std::make_unique<DifferenceCost>(difference, sigma, static_cast<int>(blocks.size())),
          nullptr, blocks);
  }

  void AddScalarResiduals() {
    for (const BundlePointPrior& prior : p_.point_priors)
      Add(std::make_unique<PointPriorCost>(prior), nullptr, {PointAt(prior.point)});
    const auto start = [this](int lens) {
      return std::log(p_.lenses[static_cast<size_t>(lens)].camera.fx);
    };
    for (const BundleFocalPrior& prior : p_.focal_priors)
      AddDifference(std::log(prior.fx) - start(prior.lens), prior.sigma, {ZoomAt(prior.lens)});
    for (const BundleFocalChange& change : p_.focal_changes)
      AddDifference(start(change.b) - start(change.a), change.sigma,
                    {ZoomAt(change.a), ZoomAt(change.b)});
    for (const BundleDepthMapPrior& prior : p_.depth_map_priors) {
      AddDifference(std::log(prior.scale), prior.sigma_scale, {LogScaleAt(prior.map)});
      AddDifference(prior.shift, prior.sigma_shift, {ShiftAt(prior.map)});
    }
    for (const BundleDepthMapChange& change : p_.depth_map_changes) {
      AddDifference(0, change.sigma_scale, {LogScaleAt(change.a), LogScaleAt(change.b)});
      AddDifference(0, change.sigma_shift, {ShiftAt(change.a), ShiftAt(change.b)});
    }
  }

  void HoldPose(double* values, const BundlePose& pose, bool anchored) {
    if (!ceres_.HasParameterBlock(values)) return;
    const bool turns = !pose.rotation_held && !anchored, moves = !pose.position_held && !anchored;
    if (!turns && !moves)
      ceres_.SetParameterBlockConstant(values);
    else
      ceres_.SetManifold(values, turns && moves ? &turn_and_move_ : turns ? &turn_ : &move_);
  }
  void HoldValue(double* value, bool held) {
    if (held && ceres_.HasParameterBlock(value)) ceres_.SetParameterBlockConstant(value);
  }
  void Hold() {
    for (size_t i = 0; i < p_.points.size(); ++i) HoldValue(PointAt(i), p_.points[i].held);
    for (size_t i = 0; i < p_.poses.size(); ++i)
      HoldPose(PoseAt(i), p_.poses[i], anchored_[i] != 0);
    for (size_t i = 0; i < p_.mounts.size(); ++i) HoldPose(MountAt(i), p_.mounts[i], false);
    for (size_t i = 0; i < p_.lenses.size(); ++i) HoldValue(ZoomAt(i), p_.lenses[i].focal_held);
    for (size_t i = 0; i < p_.depth_maps.size(); ++i) {
      HoldValue(LogScaleAt(i), p_.depth_maps[i].scale_held);
      HoldValue(ShiftAt(i), p_.depth_maps[i].shift_held);
    }
  }

  void ChooseSolver(BundleSolver wanted, ceres::Solver::Options* options) const {
    if (wanted == BundleSolver::kAuto) wanted = ChooseBundleSolver(p_, use_);
    // Eigen's solvers, not those of BLAS and SuiteSparse: these run threads of their own, and how
    // many changes the last bits.
    options->dense_linear_algebra_library_type = ceres::EIGEN;
    options->sparse_linear_algebra_library_type = ceres::EIGEN_SPARSE;
    options->linear_solver_type = wanted == BundleSolver::kDense    ? ceres::DENSE_SCHUR
                                  : wanted == BundleSolver::kSparse ? ceres::SPARSE_SCHUR
                                                                    : ceres::ITERATIVE_SCHUR;
    options->preconditioner_type = ceres::SCHUR_JACOBI;
    auto order = std::make_shared<ceres::ParameterBlockOrdering>();
    std::vector<double*> used;
    ceres_.GetParameterBlocks(&used);
    for (double* values : used) {
      const auto offset = static_cast<size_t>(values - values_.data());
      const bool point = offset < 3 * p_.points.size() && !p_.points[offset / 3].held;
      order->AddElementToGroup(values, point ? 0 : 1);
    }
    options->linear_solver_ordering = std::move(order);
  }

  void WritePose(const double* values, BundlePose* pose) const {
    if (!ceres_.HasParameterBlock(values)) return;
    if (!pose->rotation_held)
      pose->pose.linear() = Eigen::Map<const Eigen::Quaterniond>(values).toRotationMatrix();
    if (!pose->position_held)
      pose->pose.translation() = Eigen::Map<const Eigen::Vector3d>(values + 4);
  }

  // Sight k, the used-th of those in use: projected minus seen, in pixels.
  Eigen::Vector2d SightResidual(size_t k, size_t used) const {
    const SightBlocks blocks(*this, p_.sights[k]);
    Eigen::Vector2d residual;
    sight_costs_[used].Evaluate(blocks.all, residual.data(), nullptr);
    return residual * p_.sights[k].sigma;
  }

  const BundleProblem& p_;
  const BundleUse& use_;
  std::vector<double> values_;  // points, poses, mounts, log zooms, log scales and shifts of maps
  std::vector<uint8_t> anchored_;
  PoseManifold turn_and_move_{true, true}, turn_{true, false}, move_{false, true};
  std::unique_ptr<ceres::LossFunction> sight_loss_, depth_loss_, relation_loss_;
  std::deque<SightCost> sight_costs_;  // of the sights in use
  std::deque<DepthCost> depth_costs_;
  std::vector<std::unique_ptr<ceres::CostFunction>> other_costs_;
  ceres::Problem ceres_;  // last: refers to all above
};

void TellEnd(const ceres::Solver::Summary& summary, BundleResult* result) {
  result->reason = summary.message;
  switch (summary.termination_type) {
    case ceres::CONVERGENCE:
    case ceres::USER_SUCCESS:
      result->end = BundleEnd::kSettled;
      break;
    case ceres::NO_CONVERGENCE:
      result->end = BundleEnd::kTooManySteps;
      result->reason = "not settled after " + CountOf(result->iterations, "iteration");
      break;
    case ceres::FAILURE:
    case ceres::USER_FAILURE:
      result->end = BundleEnd::kFailed;
      break;
  }
  // Ceres looks at single residuals, not at their sum.
  if (!std::isfinite(summary.initial_cost) || !std::isfinite(summary.final_cost)) {
    result->end = BundleEnd::kFailed;
    result->reason = "the cost overflows: some residual is too many sigmas large";
    return;
  }
  if (summary.num_effective_parameters_reduced == 0) {
    result->end = BundleEnd::kNothingFree;
    result->reason = "all parameters are held";
  }
}

}  // namespace

void BundleOptions::Check() const {
  Require(max_iterations >= 0 && max_iterations <= 10000, Code::kInvalidArgument,
          "BundleOptions.max_iterations = " + std::to_string(max_iterations) +
              ", must be in [0, 10000]");
  Require(tolerance >= 0 && tolerance < 1, Code::kInvalidArgument,
          "BundleOptions.tolerance = " + std::to_string(tolerance) + ", must be in [0, 1)");
  Require(solver == BundleSolver::kAuto || solver == BundleSolver::kDense ||
              solver == BundleSolver::kSparse || solver == BundleSolver::kIterative,
          Code::kInvalidArgument, "BundleOptions.solver is no solver");
}

BundleResult SolveBundle(BundleProblem* problem, const BundleOptions& options,
                         const RunControl& control) {
  options.Check();
  CheckBundle(*problem);
  const BundleUse use = FindBundleUse(*problem);
  BundleGauge gauge = FindBundleGauge(*problem, use);
  const QuietGlog quiet;
  CeresBundle bundle(*problem, use, gauge);
  BundleResult result;
  result.initial_rms = bundle.Rms();
  Watch watch(control, options.max_iterations);
  const ceres::Solver::Summary summary = bundle.Solve(options, &watch);
  watch.Rethrow();
  result.iterations = std::max(0, static_cast<int>(summary.iterations.size()) - 1);
  TellEnd(summary, &result);
  watch.Finish(result.iterations);
  result.initial_cost = summary.initial_cost;
  result.final_cost = summary.final_cost;
  result.final_rms = bundle.Rms();
  for (const uint8_t used : use.sights) result.sights_used += used;
  result.sights_left_out = static_cast<int64_t>(use.sights.size()) - result.sights_used;
  for (const uint8_t used : use.depths) result.depths_left_out += !used;
  result.anchors = std::move(gauge.anchors);
  result.scale_is_free = gauge.scale_is_free;
  if (options.want_residuals) bundle.Residuals(&result);
  if (result.end != BundleEnd::kFailed && result.iterations > 0) bundle.WriteBack(problem);
  return result;
}

}  // namespace mdvt
