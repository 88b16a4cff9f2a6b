// SPDX-License-Identifier: Apache-2.0
//
// Speed of the bundle adjustment, one thread.
//
//   bundle_benchmark [--large]
//
// medium: SolveBundle() against plain Ceres (derivatives by itself, its default solver: sparse
// normal equations, points not eliminated) on the same problem from the same start, time per
// iteration. window: the windows of the camera path, SolveBundle() against the small solver they
// use.
// --large: 1000 poses, 200,000 points, 1,000,000 sights; the aim is 60 s. Memory is its peak.
// Prints one JSON object; times are processor time.
#include <ceres/autodiff_cost_function.h>
#include <ceres/loss_function.h>
#include <ceres/problem.h>
#include <ceres/rotation.h>
#include <ceres/solver.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <random>
#include <vector>

#include "geometry/window_adjustment.h"
#include "mdvt/geometry/bundle.h"

namespace mdvt {
namespace {

constexpr double kFocal = 1000;

double Uniform(std::mt19937_64& rng, double low, double high) {
  return low + (high - low) * (static_cast<double>(rng() >> 11) * 0x1p-53);
}
double Noise(std::mt19937_64& rng) {
  double sum = 0;
  for (int i = 0; i < 12; ++i) sum += Uniform(rng, -0.5, 0.5);
  return sum;
}

// A camera that walks sideways past points, each seen by `length` frames in a row; half a pixel of
// noise, a start that is off.
BundleProblem Walk(int frames, int points, int length) {
  std::mt19937_64 rng(1);
  BundleProblem p;
  Camera camera = Camera::FromFov(1920, 1080, 88, std::nullopt);
  p.lenses.push_back({camera, true});
  const double step = 0.2;
  for (int f = 0; f < frames; ++f) {
    BundlePose pose;
    pose.pose.linear() =
        Eigen::AngleAxisd(0.05 * std::sin(0.05 * f), Eigen::Vector3d::UnitY()).toRotationMatrix();
    pose.pose.translation() =
        Eigen::Vector3d(step * f, 0.1 * std::sin(0.1 * f), 0.2 * std::cos(0.07 * f));
    p.poses.push_back(pose);
    p.cameras.push_back({f, 0, -1});
  }
  p.poses[0].rotation_held = p.poses[0].position_held = true;
  p.poses[1].position_held = true;
  for (int i = 0; i < points; ++i) {
    const int first = static_cast<int>(static_cast<int64_t>(i) * (frames - length + 1) / points);
    const double z = Uniform(rng, 4, 12);
    const Eigen::Vector3d x(step * (first + 0.5 * length) + Uniform(rng, -0.4, 0.4) * z,
                            Uniform(rng, -0.4, 0.4) * z, z);
    for (int k = 0; k < length; ++k)
      p.sights.push_back({first + k, i,
                          Project(camera, p.poses[first + k].pose.inverse() * x) +
                              0.5 * Eigen::Vector2d(Noise(rng), Noise(rng)),
                          0.5});
    p.points.push_back({x + 0.05 * Eigen::Vector3d(Noise(rng), Noise(rng), Noise(rng)), false});
  }
  for (BundlePose& pose : p.poses) {
    if (pose.position_held) continue;
    pose.pose.translation() += 0.02 * Eigen::Vector3d(Noise(rng), Noise(rng), Noise(rng));
    pose.pose.linear() = pose.pose.linear() *
                         Eigen::AngleAxisd(0.003 * Noise(rng), Eigen::Vector3d::UnitX()).matrix();
  }
  p.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  return p;
}

// Processor time, so that what else the machine does matters little.
double Now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

struct PlainSight {
  Eigen::Vector2d xy;
  double weight;
  Camera lens;
  template <typename T>
  bool operator()(const T* pose, const T* point, T* out) const {
    T x[3];
    ceres::AngleAxisRotatePoint(pose, point, x);
    for (int i = 0; i < 3; ++i) x[i] += pose[3 + i];
    out[0] = weight * (lens.fx * x[0] / x[2] + lens.cx - xy.x());
    out[1] = weight * (lens.fy * x[1] / x[2] + lens.cy - xy.y());
    return true;
  }
};

struct Timing {
  double seconds = 0;
  int iterations = 0;
  double cost = 0;
  double PerIteration() const { return seconds / std::max(1, iterations); }
};

Timing RunPlain(const BundleProblem& p, int max_iterations) {
  const double start = Now();
  std::vector<std::array<double, 6>> poses(p.poses.size());
  std::vector<Eigen::Vector3d> points;
  for (size_t i = 0; i < p.poses.size(); ++i) {
    const Pose cam_from_world = p.poses[i].pose.inverse();
    const Eigen::AngleAxisd turn(cam_from_world.linear());
    Eigen::Map<Eigen::Vector3d>(poses[i].data()) = turn.angle() * turn.axis();
    Eigen::Map<Eigen::Vector3d>(poses[i].data() + 3) = cam_from_world.translation();
  }
  for (const BundlePoint& point : p.points) points.push_back(point.in_world);
  ceres::Problem problem;
  for (const BundleSight& s : p.sights) {
    problem.AddResidualBlock(new ceres::AutoDiffCostFunction<PlainSight, 2, 6, 3>(
                                 new PlainSight{s.xy, 1 / s.sigma, p.lenses[0].camera}),
                             new ceres::CauchyLoss(p.sight_loss.scale),
                             poses[static_cast<size_t>(s.camera)].data(),
                             points[static_cast<size_t>(s.point)].data());
  }
  problem.SetParameterBlockConstant(poses[0].data());
  ceres::Solver::Options options;
  options.linear_solver_type = ceres::SPARSE_NORMAL_CHOLESKY;
  options.logging_type = ceres::SILENT;
  options.max_num_iterations = max_iterations;
  ceres::Solver::Summary summary;
  ceres::Solve(options, &problem, &summary);
  return {Now() - start, static_cast<int>(summary.iterations.size()) - 1, summary.final_cost};
}

Timing RunBundle(BundleProblem p, int max_iterations, BundleResult* result = nullptr) {
  BundleOptions options;
  options.max_iterations = max_iterations;
  const double start = Now();
  const BundleResult solved = SolveBundle(&p, options);
  const Timing timing{Now() - start, solved.iterations, solved.final_cost};
  if (result != nullptr) *result = solved;
  return timing;
}

Timing RunWindow(const BundleProblem& p, int max_iterations) {
  WindowProblem window;
  const Camera& camera = p.lenses[0].camera;
  for (const BundlePose& pose : p.poses) {
    window.cam_from_world.push_back(pose.pose.inverse());
    window.camera_fixed.push_back(pose.position_held);
  }
  for (const BundlePoint& point : p.points) window.points.push_back(point.in_world);
  for (const BundleSight& s : p.sights)
    window.observations.push_back({s.camera, s.point, Unproject(camera, s.xy, 1).head<2>()});
  WindowOptions options;
  options.max_iterations = max_iterations;
  options.loss_scale = 1 / kFocal;
  options.tolerance = 1e-6;
  const double start = Now();
  const WindowResult solved = AdjustWindow(&window, options);
  return {Now() - start, solved.iterations, solved.final_cost};
}

template <typename Run>
Timing Best(int times, const Run& run) {
  Timing best = run();
  for (int i = 1; i < times; ++i) {
    const Timing next = run();
    if (next.seconds < best.seconds) best = next;
  }
  return best;
}

void Print(const char* name, const Timing& t) {
  std::printf("\"%s\":{\"ms\":%.2f,\"iterations\":%d,\"cost\":%.6g}", name, 1e3 * t.seconds,
              t.iterations, t.cost);
}

void Medium() {
  const BundleProblem p = Walk(200, 8000, 10);
  const Timing plain = Best(2, [&] { return RunPlain(p, 10); });
  const Timing ours = Best(2, [&] { return RunBundle(p, 10); });
  std::printf("\"medium\":{\"poses\":200,\"points\":8000,\"sights\":80000,");
  Print("plain_ceres", plain);
  std::printf(",");
  Print("solve_bundle", ours);
  std::printf(",\"per_plain_ceres\":%.3f}", ours.PerIteration() / plain.PerIteration());
}

void Window() {
  BundleProblem p = Walk(12, 300, 10);
  p.poses[1].rotation_held = true;
  const int iterations = 4;  // what the path takes for each frame
  const Timing window = Best(20, [&] { return RunWindow(p, iterations); });
  const Timing ours = Best(20, [&] { return RunBundle(p, iterations); });
  std::printf(",\"window\":{\"poses\":12,\"points\":300,\"sights\":3000,");
  Print("adjust_window", window);
  std::printf(",");
  Print("solve_bundle", ours);
  std::printf(",\"per_adjust_window\":%.2f}", ours.seconds / window.seconds);
}

void Large() {
  const BundleProblem p = Walk(1000, 200000, 5);
  BundleResult result;
  const Timing ours = RunBundle(p, 50, &result);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  std::printf(",\"large\":{\"poses\":1000,\"points\":200000,\"sights\":1000000,");
  Print("solve_bundle", ours);
  std::printf(
      ",\"seconds\":%.1f,\"converged\":%s,\"rms\":[%.3f,%.3f],"
      "\"peak_mb\":%ld}",
      ours.seconds, result.converged() ? "true" : "false", result.initial_rms, result.final_rms,
      usage.ru_maxrss / 1024);
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  const bool large = argc == 2 && std::strcmp(argv[1], "--large") == 0;
  if (argc > 1 && !large) {
    std::fprintf(stderr, "usage: bundle_benchmark [--large]\n");
    return 2;
  }
  try {
    std::printf("{\"benchmark\":\"bundle\",");
    mdvt::Medium();
    mdvt::Window();
    if (large) mdvt::Large();
    std::printf("}\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bundle_benchmark: %s\n", e.what());
    return 1;
  }
  return 0;
}
