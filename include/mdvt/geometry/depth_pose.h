// SPDX-License-Identifier: Apache-2.0
//
// What two pictures and their rough depth tell about the camera: how it turned and how far it
// moved, in the unit of the depth.
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// A point seen in both pictures, in normalised coordinates ((u - cx) / fx, (v - cy) / fy), with its
// depth along the axis of either camera; 0 is not known.
struct DepthMatch {
  Eigen::Vector2d xy1 = Eigen::Vector2d::Zero();
  Eigen::Vector2d xy2 = Eigen::Vector2d::Zero();
  double depth1 = 0;
  double depth2 = 0;
};

struct DepthPoseOptions {
  // Largest error of an inlier, in normalised units (pixels / focal length): of a point that is
  // carried to the other picture by its depth, and of the distance from its epipolar line.
  // Valid: (0, 1).
  double reprojection_threshold = 8.0 / 1000;
  double epipolar_threshold = 2.0 / 1000;
  // Tracking noise, normalised: decides whether a turn alone explains the pictures. Valid: (0, 1).
  double noise = 0.6 / 1000;
  // Depth is known up to a scale and a shift only (of the depth itself); else up to a scale.
  bool with_shift = false;
  // Samples drawn. Valid: 1 <= min_samples <= max_samples <= 100000.
  int min_samples = 100;
  int max_samples = 1000;
  // With which a sample without outliers has been drawn. Valid: (0, 1).
  double confidence = 0.9999;
  // Rounds of local optimisation of each good model. Valid: [0, 100].
  int local_rounds = 4;
  // A result has so many inliers, in number and as a share. Valid: at least 6; [0, 1].
  int min_inliers = 30;
  double min_share = 0.25;
  // Both depths are metric: a scale that differs from 1 by more than this (its logarithm) is no
  // result. Without meaning with_shift. Valid: above 0, may be infinite.
  double max_log_scale = 0.4;
  // Another seed draws other samples.
  uint32_t seed = 0;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

enum class DepthPoseStatus {
  kOk,
  kTooFewMatches,  // fewer than min_inliers
  kNoModel,        // no sample fitted anything
  kFewInliers,     // fewer than min_inliers or min_share
  kScaleOff,       // see max_log_scale
};

struct DepthPose {
  DepthPoseStatus status = DepthPoseStatus::kNoModel;
  bool ok() const { return status == DepthPoseStatus::kOk; }

  // point_in_cam2 = cam2_from_cam1 * point_in_cam1, in the unit of depth1 as corrected. The
  // identity unless ok.
  Pose cam2_from_cam1 = Pose::Identity();
  // True depth: depth1 + shift1, scale * (depth2 + shift2).
  double scale = 1;
  double shift1 = 0;
  double shift2 = 0;

  // Per match, whether it fits: carried from 1 to 2, from 2 to 1, and its epipolar line.
  std::array<std::vector<uint8_t>, 3> inliers;
  std::array<double, 3> shares{};  // of the matches
  int num_inliers = 0;             // matches that fit the epipolar line or a depth
  double rms = 0;                  // of the epipolar distances of inliers, normalised

  // The turn that alone explains most, and whether it explains the pictures as well as a turn with
  // a translation does: then nothing is known of the translation.
  Eigen::Matrix3d turn = Eigen::Matrix3d::Identity();
  bool turn_only = false;
  double turn_rms = 0;  // of the inliers of the turn, normalised
};

// The best of many samples by the sum of squared errors, each cut at its threshold so that both
// kinds weigh the same in the end. Samples are solved by three points with both depths, by P3P, by
// three points with unknown scale and shift (with_shift), or by five points without depth whose
// scale the depth then gives; which one is drawn follows from how many inliers each kind has. Good
// models are refined on random subsets and on all inliers. The choice between a turn and a turn
// with translation is Torr's GRIC.
//
// Never a pose that is no rigid motion: failure is a status. The same matches give the same result.
// Throws Error(kInvalidArgument) for options out of range and values that are not finite.
// Sources: Z. Yu et al., Relative pose estimation through affine corrections of monocular depth
// priors, CVPR 2025; P. Torr, Bayesian model estimation and selection for epipolar geometry and
// generic manifold fitting, IJCV 50, 2002.
DepthPose EstimateDepthPose(const std::vector<DepthMatch>& matches,
                            const DepthPoseOptions& options = {});

}  // namespace mdvt
