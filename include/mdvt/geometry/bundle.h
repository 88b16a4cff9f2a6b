// SPDX-License-Identifier: Apache-2.0
//
// Poses, lenses, points and depth maps that together explain best what was seen (bundle
// adjustment): a least-squares problem as plain data. Fill the lists, then SolveBundle() improves
// the start values in place.
//
//   BundleProblem problem;
//   problem.poses = ...;                                // one per frame
//   problem.lenses = {{camera}};                        // one for all frames, or one per frame
//   problem.points = ...;
//   problem.cameras = {{0, 0}, {1, 0}, ...};            // picture k: pose k, lens 0
//   problem.sights = {{picture, point, {x, y}}, ...};   // pixels
//   const BundleResult result = SolveBundle(&problem);
//
// What is held keeps its bits. Every sigma is the standard deviation of its residual, in the unit
// named: residual / sigma is squared and summed, so pixels, depths and priors weigh against each
// other as they are known. A sigma that "may be infinite" leaves its part out.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/core/run.h"

namespace mdvt {

// --- Parameters ---

// Where a camera or a rig of cameras is (world_from_rig), or how a camera is mounted in its rig
// (rig_from_cam). Turning alone is solved with held positions.
struct BundlePose {
  Pose pose = Pose::Identity();
  bool rotation_held = false;
  bool position_held = false;
};

// Intrinsics. A free focal length multiplies fx and fy by the same factor; cx and cy are held.
struct BundleLens {
  Camera camera;
  bool focal_held = true;
};

struct BundlePoint {
  Eigen::Vector3d in_world = Eigen::Vector3d::Zero();
  bool held = false;
};

// How a depth map relates to the scene: 1 / z = scale / depth + shift. A map in metres has scale 1
// and shift 0; a free shift (1 / metres) suits maps that are known up to an affine change of their
// inverse. The scale stays above 0.
struct BundleDepthMap {
  double scale = 1;
  double shift = 0;
  bool scale_held = false;
  bool shift_held = true;
};

// One picture: which pose, lens and, in a rig, mount made it. A mount that many pictures share is
// one parameter: held, it keeps the rig rigid; free, the rig is calibrated.
// world_from_cam = poses[pose] * mounts[mount]. Indices into BundleProblem; -1 is no mount.
struct BundleCamera {
  int pose = 0;
  int lens = 0;
  int mount = -1;
};

// --- Residuals ---

// What large residuals count, r in sigmas: r^2 / 2, the same up to `scale` and linear beyond
// (Huber), scale^2 / 2 log(1 + (r / scale)^2) (Cauchy).
struct BundleLoss {
  enum class Kind { kSquared, kHuber, kCauchy };
  Kind kind = Kind::kSquared;
  double scale = 1;  // sigmas. Valid: finite, above 0.
};

// A point seen at a pixel position, in edge coordinates as Project().
struct BundleSight {
  int camera = 0;
  int point = 0;
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();
  double sigma = 1;  // pixels
};

// The depth that a map gives for a point. The residual is log(z (scale / depth + shift)), z the
// distance of the point along the camera's axis.
struct BundleDepth {
  int camera = 0;
  int point = 0;
  int map = 0;
  double depth = 0;     // in the unit of the map, above 0
  double sigma = 0.15;  // of the logarithm: a share of the depth
};

// Two poses whose difference is known: a_from_b, as measured between frames or built into a rig.
struct BundleRelation {
  int a = 0;
  int b = 0;
  Pose a_from_b = Pose::Identity();
  double sigma_rotation = 0.01;  // radians, may be infinite
  double sigma_position = 0.01;  // metres, may be infinite
};

// Steady motion: pose `at` lies on the straight way from `before` to `after`, turning evenly, at
// `fraction` = (time at - time before) / (time after - time before). Valid: (0, 1).
struct BundleSteady {
  int before = 0;
  int at = 0;
  int after = 0;
  double fraction = 0.5;
  double sigma_rotation = 0.01;  // radians, may be infinite
  double sigma_position = 0.01;  // metres, may be infinite
};

struct BundlePosePrior {
  int pose = 0;
  Pose value = Pose::Identity();
  double sigma_rotation = 0.01;  // radians, may be infinite
  double sigma_position = 0.01;  // metres, may be infinite
};

struct BundlePointPrior {
  int point = 0;
  Eigen::Vector3d in_world = Eigen::Vector3d::Zero();
  double sigma = 0.01;  // metres
};

struct BundleFocalPrior {
  int lens = 0;
  double fx = 0;       // pixels
  double sigma = 0.3;  // of log fx
};

// Zooms are slow: the difference of log fx of two lenses.
struct BundleFocalChange {
  int a = 0;
  int b = 0;
  double sigma = 0.01;
};

struct BundleDepthMapPrior {
  int map = 0;
  double scale = 1;
  double shift = 0;
  double sigma_scale = 0.1;                                      // of log scale, may be infinite
  double sigma_shift = std::numeric_limits<double>::infinity();  // 1 / metres, may be infinite
};

// Depth maps of neighbouring frames differ little: log scale and shift of two maps.
struct BundleDepthMapChange {
  int a = 0;
  int b = 0;
  double sigma_scale = 0.03;                                     // of log scale, may be infinite
  double sigma_shift = std::numeric_limits<double>::infinity();  // 1 / metres, may be infinite
};

struct BundleProblem {
  std::vector<BundlePose> poses;
  std::vector<BundlePose> mounts;
  std::vector<BundleLens> lenses;
  std::vector<BundleCamera> cameras;
  std::vector<BundlePoint> points;
  std::vector<BundleDepthMap> depth_maps;

  std::vector<BundleSight> sights;
  std::vector<BundleDepth> depths;
  std::vector<BundleRelation> relations;
  std::vector<BundleSteady> steady;
  std::vector<BundlePosePrior> pose_priors;
  std::vector<BundlePosePrior> mount_priors;  // `pose` is an index into mounts
  std::vector<BundlePointPrior> point_priors;
  std::vector<BundleFocalPrior> focal_priors;
  std::vector<BundleFocalChange> focal_changes;
  std::vector<BundleDepthMapPrior> depth_map_priors;
  std::vector<BundleDepthMapChange> depth_map_changes;

  BundleLoss sight_loss;
  BundleLoss depth_loss;
  BundleLoss relation_loss;
};

// --- Solving ---

// How the equations of a step are solved; all give the same answer within rounding.
enum class BundleSolver {
  kAuto,       // by the number of poses, and how many of them see the same points
  kDense,      // some dozens of poses
  kSparse,     // long paths: poses share points with their neighbours only
  kIterative,  // thousands of poses that share points all over
};

struct BundleOptions {
  int max_iterations = 50;  // Valid: [0, 10000]; 0 only tells the cost and the residuals.
  // Ends when an iteration lowers the cost by less than this share. Valid: [0, 1).
  double tolerance = 1e-6;
  BundleSolver solver = BundleSolver::kAuto;
  bool want_residuals = false;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

enum class BundleEnd {
  kSettled,       // the cost hardly falls any more, the gradient or the step has vanished
  kNothingFree,   // all parameters are held
  kTooManySteps,  // max_iterations are spent
  kFailed,        // the equations could not be solved, or a residual overflowed
};

struct BundleResult {
  BundleEnd end = BundleEnd::kFailed;
  std::string reason;  // one sentence for people
  bool converged() const { return end == BundleEnd::kSettled || end == BundleEnd::kNothingFree; }

  int iterations = 0;
  double initial_cost = 0;  // half the sum of the losses, in squared sigmas
  double final_cost = 0;
  // Root mean square distance between where points were seen and where they project to, in pixels,
  // over the sights that are used. 0 if there is none.
  double initial_rms = 0;
  double final_rms = 0;

  // Sights and depths of points that are not in front of their camera at the start are left out.
  int64_t sights_used = 0;
  int64_t sights_left_out = 0;
  int64_t depths_left_out = 0;

  // Nothing in the problem says where the world is: these poses (the first of each connected part)
  // were held for this solve.
  std::vector<int> anchors;
  // Nothing says how large the world is: the size of the result is near that of the start.
  bool scale_is_free = false;

  // If wanted, one entry per sight (pixels, projected minus seen) and per depth (log), after the
  // solve; NaN for those left out.
  std::vector<Eigen::Vector2d> sight_residuals;
  std::vector<double> depth_residuals;
};

// Levenberg-Marquardt by Ceres, points eliminated first (Schur complement). One thread and a fixed
// order of sums: the same problem gives the same bits. About 0.7 kB of memory per sight. `control`
// is asked once per iteration, with iterations as frames. An estimate that did not settle is a
// result with its reason: the parameters are then the best that were found, or as before if it
// failed. Error(kInvalidArgument) and Error(kCancelled) leave the problem as it was. Throws
// Error(kInvalidArgument) that names the entry, if an index is out of range, a value is not
//   finite or a sigma not above 0, a pose is no rigid motion, a residual joins a parameter with
//   itself, or there is no residual at all;
// Error(kRefused) if no sight, depth or other residual is left because all points lie behind their
//   cameras, or nothing says how large the world is while residuals pull towards a smaller one
//   (`steady`, shifts of depth maps): hold or measure one more pose, mount, point or map;
// Error(kCancelled).
// Source: Triggs et al., Bundle adjustment: a modern synthesis, 2000; Agarwal et al., Ceres Solver.
BundleResult SolveBundle(BundleProblem* problem, const BundleOptions& options = {},
                         const RunControl& control = {});

}  // namespace mdvt
