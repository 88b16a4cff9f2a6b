// SPDX-License-Identifier: Apache-2.0
//
// What two pictures of a rigid scene tell about the camera: how it turned and, if the points show
// parallax, in which direction it moved. The distance moved cannot be known from pictures.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"

namespace mdvt {

// Points are normalised image coordinates everywhere in this layer: (x / z, y / z) in the camera's
// frame, that is ((u - cx) / fx, (v - cy) / fy).
using Points2 = std::vector<Eigen::Vector2d>;

struct RotationFit {
  Eigen::Matrix3d cam2_from_cam1 = Eigen::Matrix3d::Identity();
  // Distance per pair, in normalised units, between point 2 and the turned point 1.
  std::vector<double> residuals;
  double median_residual = 0;
};

// The pure rotation that explains most pairs. What it leaves over is parallax, motion and noise:
// a median well above the tracking noise means that the camera moved.
//
// points1, points2  the same points in both pictures, in one order.
// Robust: the best of 128 two-point samples by median residual, then ten rounds of reweighted
// least squares (Kabsch). The samples are always the same ones. Empty input gives the identity.
// Throws Error(kInvalidArgument) if the sizes differ.
RotationFit FitRotation(const Points2& points1, const Points2& points2);

// Median distance left over, in normalised units of picture 1, by the best turn and zoom of a
// camera whose focal length may be anything from half to four times the assumed one. A camera that
// only turns leaves more under a wrong field of view than under the right one, and a translation
// along a flat world could be invented to explain it; what this function leaves over is no such
// artefact. Throws Error(kInvalidArgument) if the sizes differ.
double TurnAndZoomResidual(const Points2& points1, const Points2& points2);

struct RelativePoseOptions {
  // Largest distance of an inlier from its epipolar line, in normalised units (pixels / focal
  // length). Valid: (0, 1).
  double threshold = 1.0 / 500;
  // Fewest inliers of a result. Valid: at least 5.
  int min_inliers = 16;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

struct RelativePose {
  bool ok = false;
  const char* reason = "";  // why not ok
  // point_in_cam2 = cam2_from_cam1 * point_in_cam1; the translation has length 1.
  Pose cam2_from_cam1 = Pose::Identity();
  std::vector<uint8_t> inliers;         // per pair: fits the geometry and lies before both cameras
  std::vector<Eigen::Vector3d> points;  // per pair, in camera 1; (0, 0, 0) unless an inlier
  int num_inliers = 0;
  double median_angle = 0;  // radians between the two rays of an inlier
};

// Relative pose by the five-point method in RANSAC (fixed seed), the one of its four decompositions
// that puts most points before both cameras, refined together with the points by minimising the
// robust reprojection error.
//
// Too few or too scattered pairs, and pairs without parallax, are a result with a reason.
// Throws Error(kInvalidArgument) if the sizes differ or an option is out of range.
// Source: D. Nister, An efficient solution to the five-point relative pose problem, 2004.
RelativePose EstimateRelativePose(const Points2& points1, const Points2& points2,
                                  const RelativePoseOptions& options = {});

}  // namespace mdvt
