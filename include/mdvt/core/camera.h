// SPDX-License-Identifier: Apache-2.0
//
// The pinhole camera and how a field of view becomes one; core/pose.h has what needs vectors.
#pragma once

#include <optional>

namespace mdvt {

// Intrinsics in edge coordinates: the image spans [0, width] x [0, height], the centre of pixel
// (i, j) lies at (i + 0.5, j + 0.5). No distortion. OpenCV axes: x right, y down, z forward.
struct Camera {
  int width = 0;
  int height = 0;
  double fx = 0;  // pixels
  double fy = 0;
  double cx = 0;
  double cy = 0;

  // The centred camera of these fields of view in degrees, each in (0, 180). If only one is given
  // the pixels are square. Throws Error(kInvalidArgument) if none is given or one is out of range.
  //   fx = width / (2 tan(xfov / 2)), fy likewise
  static Camera FromFov(int width, int height, std::optional<double> xfov_deg,
                        std::optional<double> yfov_deg);

  double xfov_deg() const;  // 2 atan2(width / 2, fx)
  double yfov_deg() const;

  // The same camera with another number of pixels: all intrinsics are multiplied by the ratios.
  Camera Scaled(int new_width, int new_height) const;

  // Throws Error(kInvalidArgument) unless the size is positive and the focal lengths are finite
  // and positive.
  void Check() const;
};

}  // namespace mdvt
