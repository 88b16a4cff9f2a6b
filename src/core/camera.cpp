// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/camera.h"

#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kPi = 3.14159265358979323846;

double FocalLength(int size, double fov_deg, const char* name) {
  Require(fov_deg > 0 && fov_deg < 180, Code::kInvalidArgument,
          std::string(name) + " = " + FormatDouble(fov_deg) + " degrees, must be in (0, 180)");
  return size / (2 * std::tan(fov_deg * kPi / 360));
}

}  // namespace

Camera Camera::FromFov(int width, int height, std::optional<double> xfov_deg,
                       std::optional<double> yfov_deg) {
  Require(xfov_deg || yfov_deg, Code::kInvalidArgument,
          "the field of view is not known: give xfov or yfov in degrees");
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.cx = width / 2.0;
  camera.cy = height / 2.0;
  if (xfov_deg) camera.fx = FocalLength(width, *xfov_deg, "xfov");
  if (yfov_deg) camera.fy = FocalLength(height, *yfov_deg, "yfov");
  if (!xfov_deg) camera.fx = camera.fy;
  if (!yfov_deg) camera.fy = camera.fx;
  camera.Check();
  return camera;
}

double Camera::xfov_deg() const { return 2 * std::atan2(width / 2.0, fx) * 180 / kPi; }
double Camera::yfov_deg() const { return 2 * std::atan2(height / 2.0, fy) * 180 / kPi; }

Camera Camera::Scaled(int new_width, int new_height) const {
  const double sx = static_cast<double>(new_width) / width;
  const double sy = static_cast<double>(new_height) / height;
  return {new_width, new_height, fx * sx, fy * sy, cx * sx, cy * sy};
}

void Camera::Check() const {
  Require(width > 0 && height > 0, Code::kInvalidArgument,
          "Camera size " + FormatSize(width, height) + ", must be positive");
  Require(fx > 0 && fy > 0 && std::isfinite(fx) && std::isfinite(fy) && std::isfinite(cx) &&
              std::isfinite(cy),
          Code::kInvalidArgument,
          "Camera fx = " + FormatDouble(fx) + ", fy = " + FormatDouble(fy) +
              ", cx = " + FormatDouble(cx) + ", cy = " + FormatDouble(cy) +
              ": focal lengths must be positive and all finite");
}

}  // namespace mdvt
