// SPDX-License-Identifier: Apache-2.0
//
// How the two cameras of a stereo rig are turned, from what both of them see: no file and no chart.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace mdvt {

// A thing that both eyes see: its directions, of length 1, each in the axes of its own eye's
// picture (x right, y down, z forward).
struct RayPair {
  Eigen::Vector3d left, right;
  // Pairs of a group may be wrong together, as those of one place of the picture are.
  int32_t group = 0;
};

struct RigCalibrationOptions {
  // Beyond these standard deviations a part is not known. Degrees. Valid: > 0
  double max_turn_sigma_deg = 0.05;  // of each axis of the turn between the eyes
  double max_axis_sigma_deg = 0.5;   // of the direction from one eye to the other
  double max_scale_sigma = 0.01;     // of the scale of angles, of 1
  bool find_scale = false;           // look for the scale of angles too
  // Least standard deviation of a direction that is believed, and what all of them may be wrong by
  // together, as interpolation makes it. Radians. Valid: > 0
  double least_noise = 2e-4;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct RigCalibration {
  // What could be told.
  bool turn_known = false;   // else all of this is as it was held: no turn at all
  bool axis_known = false;   // else the eyes are held to stand along x of the left eye's picture
  bool scale_known = false;  // else 1 is held
  // Directions in the rectified axes, which both eyes share with x along the baseline, to those of
  // each eye's picture. The common turn about x, which nothing tells, is the least possible.
  std::array<Eigen::Matrix3d, 2> rig_from_rectified = {Eigen::Matrix3d::Identity(),
                                                       Eigen::Matrix3d::Identity()};
  // Of the right eye against the left one about x, y and z, degrees, and its standard deviation.
  Eigen::Vector3d turn_deg = Eigen::Vector3d::Zero();
  Eigen::Vector3d turn_sigma_deg = Eigen::Vector3d::Zero();
  // Of the baseline against x of the pictures, about y and z.
  Eigen::Vector2d axis_deg = Eigen::Vector2d::Zero();
  Eigen::Vector2d axis_sigma_deg = Eigen::Vector2d::Zero();
  // True angles are this many times those that the directions were made with.
  double scale = 1;
  double scale_sigma = 0;
  // By which the planes of sight of a pair miss each other, median, radians: before and after.
  double miss_before = 0, miss_after = 0;
  int64_t pairs = 0;
};

// Minimises the angles by which pairs miss the epipolar constraint of a baseline along x,
//
//   x . (u_l x u_r) / sqrt(|(u_l)_yz|^2 + |(u_r)_yz|^2),   u_e = S_e^T v_e,
//
// under Tukey's loss over the turn between the eyes (3), the direction of the baseline (2) and,
// where asked for, the scale of longitudes and latitudes (1). Distant things tell the turn, near
// ones the direction too; with none of either those are held and said not to be known. Covariances
// are those of sums over groups (a sandwich estimate), so that errors shared by neighbours are
// counted once; what wrong pairs pull at them is not in it. The distance of the eyes cannot be
// known from directions. pairs  any number, also wrong ones among them, less than half. Throws
// Error(kInvalidArgument). Source: the epipolar constraint, Hartley & Zisserman, section 9.
RigCalibration CalibrateRig(const std::vector<RayPair>& pairs,
                            const RigCalibrationOptions& options = {});

}  // namespace mdvt
