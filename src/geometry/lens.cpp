// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/lens.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kFarthest = 50;  // from the axis, of what a fold is looked for in
constexpr int kProbes = 5000;

// How far from the axis a point at distance r from it is shown, without the tangential part.
double Radial(const Lens& lens, double r) {
  const std::array<double, 8>& k = lens.k;
  if (lens.model == LensModel::kFisheye) {
    const double a = std::atan(r), a2 = a * a;
    return a * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))));
  }
  const double r2 = r * r;
  return r * (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) /
         (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])));
}

}  // namespace

double Lens::FoldRadius() const {
  double before = 0;
  for (int i = 1; i <= kProbes; ++i) {
    const double r = kFarthest * i / kProbes;
    const double now = Radial(*this, r);
    if (!(now > before)) return kFarthest * (i - 1) / kProbes;
    before = now;
  }
  return std::numeric_limits<double>::infinity();
}

Eigen::Vector2d Lens::Project(double x, double y) const {
  const double r2 = x * x + y * y, r = std::sqrt(r2);
  const double scale = r > 0 ? Radial(*this, r) / r : 1;
  Eigen::Vector2d bent(x * scale, y * scale);
  if (model == LensModel::kBrown) {
    bent.x() += 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x);
    bent.y() += k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y;
  }
  return {camera.fx * bent.x() + camera.cx, camera.fy * bent.y() + camera.cy};
}

void Lens::Check() const {
  camera.Check();
  Require(std::isfinite(camera.cx) && std::isfinite(camera.cy) &&
              std::all_of(k.begin(), k.end(), [](double v) { return std::isfinite(v); }),
          Code::kInvalidArgument, "the numbers of a lens must be finite");
  constexpr double kLeastRadius = 0.05;  // 3 degrees: no lens is measured for less
  Require(FoldRadius() >= kLeastRadius, Code::kInvalidArgument,
          "the distortion of the lens folds the picture back on itself " +
              FormatFixed(std::atan(FoldRadius()) * 180 / M_PI, 1) + " degrees from its axis");
}

bool Lens::operator==(const Lens& o) const {
  const Camera &a = camera, &b = o.camera;
  return model == o.model && k == o.k && a.width == b.width && a.height == b.height &&
         a.fx == b.fx && a.fy == b.fy && a.cx == b.cx && a.cy == b.cy;
}

PositionMap StraightenMap(const Lens& lens, const Camera& camera) {
  lens.Check();
  Lens{LensModel::kBrown, camera, {}}.Check();
  const double fold = lens.FoldRadius();
  return [lens, camera, fold](const Eigen::Vector2d& pixel) -> std::optional<Eigen::Vector2d> {
    const double x = (pixel.x() - camera.cx) / camera.fx;
    const double y = (pixel.y() - camera.cy) / camera.fy;
    if (!(x * x + y * y < fold * fold)) return std::nullopt;
    const Eigen::Vector2d at = lens.Project(x, y);
    // Straight ahead a position at the border may be off it by rounding.
    constexpr double kRounding = 1e-9;
    if (!(at.x() >= -kRounding && at.y() >= -kRounding && at.x() <= lens.camera.width + kRounding &&
          at.y() <= lens.camera.height + kRounding))
      return std::nullopt;
    return at;
  };
}

}  // namespace mdvt
