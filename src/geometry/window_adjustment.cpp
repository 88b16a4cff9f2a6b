// SPDX-License-Identifier: Apache-2.0
#include "window_adjustment.h"

#include <Eigen/Cholesky>
#include <cmath>

#include "mdvt/core/error.h"
#include "se3.h"

namespace mdvt {
namespace {

using Matrix63d = Eigen::Matrix<double, 6, 3>;

struct PointBlock {
  std::vector<size_t> observations;
  Eigen::Matrix3d h;
  Eigen::Vector3d g;
  std::vector<Matrix63d> coupling;  // one per observation
};

double Cost(const WindowProblem& problem, const std::vector<Pose>& cameras,
            const std::vector<Eigen::Vector3d>& points, double c2) {
  double sum = 0;
  for (const WindowObservation& o : problem.observations) {
    const Eigen::Vector3d p =
        cameras[static_cast<size_t>(o.camera)] * points[static_cast<size_t>(o.point)];
    const double r2 = p.z() > 1e-9 ? (p.hnormalized() - o.xy).squaredNorm() : 1.0;
    sum += 0.5 * c2 * std::log1p(r2 / c2);
  }
  return sum;
}

// One Levenberg-Marquardt run.
class WindowSolver {
 public:
  // Throws Error(kInvalidArgument) if the problem contradicts itself.
  WindowSolver(WindowProblem* problem, const WindowOptions& options);

  WindowResult Run();

 private:
  // The number of an observation's camera among the free ones, -1 if it is fixed.
  int SlotOf(const PointBlock& block, size_t k) const {
    return slot_[static_cast<size_t>(problem_->observations[block.observations[k]].camera)];
  }
  void Linearise();
  // Adds what one observation says, the k-th of its point.
  void Add(size_t k, PointBlock* block);
  // The step of the free cameras; also fills inverse_.
  Eigen::VectorXd Solve(double damping);
  // The problem after a step in cameras_ and points_; false if it is not finite.
  bool Take(const Eigen::VectorXd& step);
  // Lowers the cost by a step with as little damping as it takes; false if none does.
  bool Improve();

  WindowProblem* problem_;
  const WindowOptions options_;
  const double c2_;
  std::vector<int> slot_;  // of each camera
  int free_cameras_ = 0;
  std::vector<PointBlock> blocks_;
  Eigen::MatrixXd h_;
  Eigen::VectorXd g_;
  std::vector<Eigen::Matrix3d> inverse_;  // of the damped h of each point
  std::vector<Pose> cameras_;
  std::vector<Eigen::Vector3d> points_;
  double cost_ = 0;
  double damping_ = 1e-5;
};

WindowSolver::WindowSolver(WindowProblem* problem, const WindowOptions& options)
    : problem_(problem), options_(options), c2_(options.loss_scale * options.loss_scale) {
  const size_t num_cameras = problem->cam_from_world.size();
  Require(problem->camera_fixed.size() == num_cameras, Code::kInvalidArgument,
          "AdjustWindow: camera_fixed needs one entry per camera");
  slot_.assign(num_cameras, -1);
  for (size_t i = 0; i < num_cameras; ++i)
    if (!problem->camera_fixed[i]) slot_[i] = free_cameras_++;
  Require(num_cameras == 0 || free_cameras_ < static_cast<int>(num_cameras), Code::kInvalidArgument,
          "AdjustWindow: at least one camera must be fixed");

  blocks_.resize(problem->points.size());
  for (size_t i = 0; i < problem->observations.size(); ++i) {
    const WindowObservation& o = problem->observations[i];
    Require(o.camera >= 0 && static_cast<size_t>(o.camera) < num_cameras && o.point >= 0 &&
                static_cast<size_t>(o.point) < blocks_.size(),
            Code::kInvalidArgument,
            "AdjustWindow: observation " + std::to_string(i) + " names no camera or point");
    blocks_[static_cast<size_t>(o.point)].observations.push_back(i);
  }
  for (PointBlock& block : blocks_) block.coupling.resize(block.observations.size());
  const int size = 6 * free_cameras_;
  h_.resize(size, size);
  g_.resize(size);
}

WindowResult WindowSolver::Run() {
  WindowResult result;
  result.initial_cost = Cost(*problem_, problem_->cam_from_world, problem_->points, c2_);
  cost_ = result.initial_cost;
  while (result.iterations < options_.max_iterations) {
    ++result.iterations;
    Linearise();
    const double before = cost_;
    if (!Improve() || before - cost_ <= options_.tolerance * before) break;
  }
  // Products of many small rotations drift off the group by rounding.
  for (size_t i = 0; i < slot_.size(); ++i)
    if (slot_[i] >= 0)
      problem_->cam_from_world[i].linear() =
          Eigen::Quaterniond(problem_->cam_from_world[i].linear()).normalized().toRotationMatrix();
  result.final_cost = cost_;
  return result;
}

void WindowSolver::Linearise() {
  h_.setZero();
  g_.setZero();
  for (PointBlock& block : blocks_) {
    block.h.setZero();
    block.g.setZero();
    for (size_t k = 0; k < block.observations.size(); ++k) Add(k, &block);
  }
}

void WindowSolver::Add(size_t k, PointBlock* block) {
  const WindowObservation& o = problem_->observations[block->observations[k]];
  const Pose& camera = problem_->cam_from_world[static_cast<size_t>(o.camera)];
  const Eigen::Vector3d p = camera * problem_->points[static_cast<size_t>(o.point)];
  block->coupling[k].setZero();
  if (!(p.z() > 1e-9)) return;
  const Eigen::Vector2d r = p.hnormalized() - o.xy;
  const double weight = 1 / (1 + r.squaredNorm() / c2_);
  const Eigen::Matrix<double, 2, 3> jp = ProjectionJacobian(p) * camera.linear();
  block->h.noalias() += weight * jp.transpose() * jp;
  block->g.noalias() += weight * jp.transpose() * r;
  const int s = slot_[static_cast<size_t>(o.camera)];
  if (s < 0) return;
  const Matrix26d jc = PoseJacobian(p);
  h_.block<6, 6>(6 * s, 6 * s).noalias() += weight * jc.transpose() * jc;
  g_.segment<6>(6 * s).noalias() += weight * jc.transpose() * r;
  block->coupling[k].noalias() = weight * jc.transpose() * jp;
}

Eigen::VectorXd WindowSolver::Solve(double damping) {
  Eigen::MatrixXd reduced = h_;
  reduced.diagonal() *= 1 + damping;
  reduced.diagonal().array() += 1e-12;
  Eigen::VectorXd rhs = -g_;
  inverse_.resize(blocks_.size());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const PointBlock& block = blocks_[i];
    Eigen::Matrix3d hp = block.h;
    hp.diagonal() *= 1 + damping;
    hp.diagonal().array() += 1e-12;
    inverse_[i] = hp.inverse();
    for (size_t a = 0; a < block.observations.size(); ++a) {
      const int sa = SlotOf(block, a);
      if (sa < 0) continue;
      const Matrix63d left = block.coupling[a] * inverse_[i];
      rhs.segment<6>(6 * sa).noalias() += left * block.g;
      for (size_t b = 0; b < block.observations.size(); ++b) {
        const int sb = SlotOf(block, b);
        if (sb < 0) continue;
        reduced.block<6, 6>(6 * sa, 6 * sb).noalias() -= left * block.coupling[b].transpose();
      }
    }
  }
  return rhs.size() > 0 ? Eigen::VectorXd(reduced.ldlt().solve(rhs)) : Eigen::VectorXd();
}

bool WindowSolver::Take(const Eigen::VectorXd& step) {
  cameras_ = problem_->cam_from_world;
  points_ = problem_->points;
  if (!step.allFinite()) return false;
  for (size_t i = 0; i < slot_.size(); ++i)
    if (slot_[i] >= 0) cameras_[i] = Exp(step.segment<6>(6 * slot_[i])) * cameras_[i];
  for (size_t i = 0; i < blocks_.size(); ++i) {
    Eigen::Vector3d rest = -blocks_[i].g;
    for (size_t a = 0; a < blocks_[i].observations.size(); ++a) {
      const int sa = SlotOf(blocks_[i], a);
      if (sa >= 0) rest -= blocks_[i].coupling[a].transpose() * step.segment<6>(6 * sa);
    }
    points_[i] += inverse_[i] * rest;
    if (!points_[i].allFinite()) return false;
  }
  return true;
}

bool WindowSolver::Improve() {
  for (; damping_ < 1e6; damping_ *= 10) {
    if (!Take(Solve(damping_))) continue;
    const double after = Cost(*problem_, cameras_, points_, c2_);
    if (!(after < cost_)) continue;
    problem_->cam_from_world = cameras_;
    problem_->points = points_;
    cost_ = after;
    damping_ = std::max(damping_ / 10, 1e-9);
    return true;
  }
  return false;
}

}  // namespace

void WindowOptions::Check() const {
  Require(max_iterations >= 0 && max_iterations <= 10000, Code::kInvalidArgument,
          "WindowOptions.max_iterations must be in [0, 10000]");
  Require(loss_scale > 0 && loss_scale < 1, Code::kInvalidArgument,
          "WindowOptions.loss_scale must be in (0, 1)");
  Require(tolerance >= 0 && tolerance < 1, Code::kInvalidArgument,
          "WindowOptions.tolerance must be in [0, 1)");
}

WindowResult AdjustWindow(WindowProblem* problem, const WindowOptions& options) {
  options.Check();
  return WindowSolver(problem, options).Run();
}

}  // namespace mdvt
