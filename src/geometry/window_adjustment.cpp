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
  const size_t num_cameras = problem->cam_from_world.size();
  Require(problem->camera_fixed.size() == num_cameras, Code::kInvalidArgument,
          "AdjustWindow: camera_fixed needs one entry per camera");
  std::vector<int> slot(num_cameras, -1);
  int free_cameras = 0;
  for (size_t i = 0; i < num_cameras; ++i)
    if (!problem->camera_fixed[i]) slot[i] = free_cameras++;
  Require(num_cameras == 0 || free_cameras < static_cast<int>(num_cameras), Code::kInvalidArgument,
          "AdjustWindow: at least one camera must be fixed");

  std::vector<PointBlock> blocks(problem->points.size());
  for (size_t i = 0; i < problem->observations.size(); ++i) {
    const WindowObservation& o = problem->observations[i];
    Require(o.camera >= 0 && static_cast<size_t>(o.camera) < num_cameras && o.point >= 0 &&
                static_cast<size_t>(o.point) < blocks.size(),
            Code::kInvalidArgument,
            "AdjustWindow: observation " + std::to_string(i) + " names no camera or point");
    blocks[static_cast<size_t>(o.point)].observations.push_back(i);
  }
  for (PointBlock& block : blocks) block.coupling.resize(block.observations.size());

  const double c2 = options.loss_scale * options.loss_scale;
  WindowResult result;
  result.initial_cost = Cost(*problem, problem->cam_from_world, problem->points, c2);
  double current = result.initial_cost, damping = 1e-5;
  const int size = 6 * free_cameras;
  Eigen::MatrixXd h(size, size);
  Eigen::VectorXd g(size);
  std::vector<Pose> cameras;
  std::vector<Eigen::Vector3d> points;

  while (result.iterations < options.max_iterations) {
    ++result.iterations;
    h.setZero();
    g.setZero();
    for (PointBlock& block : blocks) {
      block.h.setZero();
      block.g.setZero();
      for (size_t k = 0; k < block.observations.size(); ++k) {
        const WindowObservation& o = problem->observations[block.observations[k]];
        const Pose& camera = problem->cam_from_world[static_cast<size_t>(o.camera)];
        const Eigen::Vector3d p = camera * problem->points[static_cast<size_t>(o.point)];
        block.coupling[k].setZero();
        if (!(p.z() > 1e-9)) continue;
        const Eigen::Vector2d r = p.hnormalized() - o.xy;
        const double weight = 1 / (1 + r.squaredNorm() / c2);
        const Eigen::Matrix<double, 2, 3> jp = ProjectionJacobian(p) * camera.linear();
        block.h.noalias() += weight * jp.transpose() * jp;
        block.g.noalias() += weight * jp.transpose() * r;
        const int s = slot[static_cast<size_t>(o.camera)];
        if (s < 0) continue;
        const Matrix26d jc = PoseJacobian(p);
        h.block<6, 6>(6 * s, 6 * s).noalias() += weight * jc.transpose() * jc;
        g.segment<6>(6 * s).noalias() += weight * jc.transpose() * r;
        block.coupling[k].noalias() = weight * jc.transpose() * jp;
      }
    }
    bool improved = false, settled = false;
    while (damping < 1e6) {
      Eigen::MatrixXd reduced = h;
      reduced.diagonal() *= 1 + damping;
      reduced.diagonal().array() += 1e-12;
      Eigen::VectorXd rhs = -g;
      std::vector<Eigen::Matrix3d> inverse(blocks.size());
      for (size_t i = 0; i < blocks.size(); ++i) {
        PointBlock& block = blocks[i];
        Eigen::Matrix3d hp = block.h;
        hp.diagonal() *= 1 + damping;
        hp.diagonal().array() += 1e-12;
        inverse[i] = hp.inverse();
        for (size_t a = 0; a < block.observations.size(); ++a) {
          const int sa =
              slot[static_cast<size_t>(problem->observations[block.observations[a]].camera)];
          if (sa < 0) continue;
          const Matrix63d left = block.coupling[a] * inverse[i];
          rhs.segment<6>(6 * sa).noalias() += left * block.g;
          for (size_t b = 0; b < block.observations.size(); ++b) {
            const int sb =
                slot[static_cast<size_t>(problem->observations[block.observations[b]].camera)];
            if (sb < 0) continue;
            reduced.block<6, 6>(6 * sa, 6 * sb).noalias() -= left * block.coupling[b].transpose();
          }
        }
      }
      const Eigen::VectorXd step =
          size > 0 ? Eigen::VectorXd(reduced.ldlt().solve(rhs)) : Eigen::VectorXd();
      cameras = problem->cam_from_world;
      points = problem->points;
      bool finite = step.allFinite();
      for (size_t i = 0; i < num_cameras && finite; ++i)
        if (slot[i] >= 0) cameras[i] = Exp(step.segment<6>(6 * slot[i])) * cameras[i];
      for (size_t i = 0; i < blocks.size() && finite; ++i) {
        Eigen::Vector3d rest = -blocks[i].g;
        for (size_t a = 0; a < blocks[i].observations.size(); ++a) {
          const int sa =
              slot[static_cast<size_t>(problem->observations[blocks[i].observations[a]].camera)];
          if (sa >= 0) rest -= blocks[i].coupling[a].transpose() * step.segment<6>(6 * sa);
        }
        points[i] += inverse[i] * rest;
        finite = points[i].allFinite();
      }
      const double after = finite ? Cost(*problem, cameras, points, c2) : current;
      if (finite && after < current) {
        settled = current - after <= options.tolerance * current;
        problem->cam_from_world = cameras;
        problem->points = points;
        current = after;
        damping = std::max(damping / 10, 1e-9);
        improved = true;
        break;
      }
      damping *= 10;
    }
    if (!improved || settled) break;
  }
  // Products of many small rotations drift off the group by rounding.
  for (size_t i = 0; i < num_cameras; ++i)
    if (slot[i] >= 0)
      problem->cam_from_world[i].linear() =
          Eigen::Quaterniond(problem->cam_from_world[i].linear()).normalized().toRotationMatrix();
  result.final_cost = current;
  return result;
}

}  // namespace mdvt
