// SPDX-License-Identifier: Apache-2.0
#include "pipeline/panel_text.h"

#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>

#include "core/rows.h"

namespace mdvt {
namespace {

// Degrees across, and down at most. What is read in one look; and where the picture is narrower,
// letters of a tenth of its height could not be read.
constexpr double kLeastDeg = 40, kMostDeg = 60, kMostDownDeg = 40;
constexpr double kShareOfPanel = 0.9;
constexpr int kSub = 16;
constexpr int kRowsPerBlock = 16;
constexpr int32_t kNowhere = INT32_MIN;

double TanOfHalf(double degrees) { return std::tan(degrees * M_PI / 360); }

// The inverse of PanelRay(), for any length.
Eigen::Vector2d PanelPosition(const PanelOptions& panel, const Eigen::Vector3d& ray) {
  const double middle = panel.size / 2.0, scale = panel.pixels_per_radian();
  if (panel.projection == PanelProjection::kEquirectangular)
    return {middle + scale * std::atan2(ray.x(), ray.z()),
            middle + scale * std::atan2(ray.y(), std::hypot(ray.x(), ray.z()))};
  const double across = std::hypot(ray.x(), ray.y());
  const double radius = scale * std::atan2(across, ray.z());
  if (!(across > 0)) return {middle, middle};
  return {middle + radius * ray.x() / across, middle + radius * ray.y() / across};
}

}  // namespace

PanelText::PanelText(const PanelOptions& panel, const Camera& camera, ThreadPool* pool)
    : panel_(panel), pool_(pool) {
  const double most_deg = kShareOfPanel * panel.fov_deg;
  const double most_across = TanOfHalf(std::min(kMostDeg, most_deg));
  const double most_down = TanOfHalf(std::min(kMostDownDeg, most_deg));
  const double across = camera.width / camera.fx / 2,
               shape = camera.height / camera.fy / 2 / across;
  const double half =
      std::min({std::max(across, TanOfHalf(kLeastDeg)), most_across, most_down / shape});
  width_ = std::max(2, static_cast<int>(std::lround(2 * half * focal())));
  height_ = std::max(2, static_cast<int>(std::lround(2 * half * shape * focal())));
}

Eigen::Vector3d PanelText::RayOf(double x, double y) const {
  return {(x - width_ / 2.0) / focal(), (y - height_ / 2.0) / focal(), 1};
}

Eigen::Vector3d PanelText::Seen(int column, int row) const {
  const Eigen::Vector3d ray = PanelRay(panel_, x_ + column + 0.5, y_ + row + 0.5);
  return Eigen::AngleAxisd(-yaw_, Eigen::Vector3d::UnitY()) * ray;
}

double PanelText::Stretch(int column, int row) const {
  const Eigen::Vector3d seen = Seen(column, row);
  return seen.norm() / seen.z();
}

void PanelText::Look(const SubtitlePicture& picture, double yaw) {
  yaw_ = yaw;
  // Borders of the rectangle are farthest from the panel's axes at its corners, or where they cross
  // those axes.
  const auto three = [](double begin, double end, double axis) {
    return std::array<double, 3>{begin, end, std::clamp(axis, begin, end)};
  };
  const Eigen::AngleAxisd turn(yaw, Eigen::Vector3d::UnitY());
  Eigen::Vector2d first(panel_.size, panel_.size), last(0, 0);
  for (const double x :
       three(picture.x, picture.x + picture.width, width_ / 2.0 - focal() * std::tan(yaw)))
    for (const double y : three(picture.y, picture.y + picture.height, height_ / 2.0)) {
      const Eigen::Vector2d at = PanelPosition(panel_, turn * RayOf(x, y));
      first = first.cwiseMin(at);
      last = last.cwiseMax(at);
    }
  constexpr int kMargin = 1;  // letters reach half a pixel beyond their pixels
  const auto within = [this](double position) {
    return static_cast<int>(std::clamp(position, 0.0, static_cast<double>(panel_.size)));
  };
  x_ = within(std::floor(first.x()) - kMargin);
  y_ = within(std::floor(first.y()) - kMargin);
  columns_ = std::max(0, within(std::ceil(last.x()) + kMargin) - x_);
  rows_ = std::max(0, within(std::ceil(last.y()) + kMargin) - y_);
  places_.resize(static_cast<size_t>(columns_) * static_cast<size_t>(rows_));
  const double far = 4.0 * std::max(width_, height_);  // that far out there is nothing
  ForRows(pool_, rows_, kRowsPerBlock, [&](int begin, int end) {
    for (int row = begin; row < end; ++row)
      for (int column = 0; column < columns_; ++column) {
        const Eigen::Vector3d seen = Seen(column, row);
        Place place = {kNowhere, kNowhere};
        if (seen.z() > 0) {
          const double x = focal() * seen.x() / seen.z(), y = focal() * seen.y() / seen.z();
          if (std::abs(x) < far && std::abs(y) < far) {
            place.x = static_cast<int32_t>(std::lround(kSub * (x + width_ / 2.0 - 0.5)));
            place.y = static_cast<int32_t>(std::lround(kSub * (y + height_ / 2.0 - 0.5)));
          }
        }
        places_[static_cast<size_t>(row) * static_cast<size_t>(columns_) +
                static_cast<size_t>(column)] = place;
      }
  });
}

Image PanelText::Coverage(const SubtitleBitmap& bitmap) const {
  const PlaneView<const uint8_t> from = bitmap.coverage.Plane<uint8_t>();
  Image coverage(PixelFormat::Gray(8), std::max(1, columns_), std::max(1, rows_));
  const PlaneView<uint8_t> to = coverage.MutablePlane<uint8_t>();
  if (columns_ == 0 || rows_ == 0) to.At(0, 0) = 0;
  const auto sample = [&from](int x, int y) -> int {
    const bool inside = x >= 0 && y >= 0 && x < from.width && y < from.height;
    return inside ? from.At(x, y) : 0;
  };
  ForRows(pool_, rows_, kRowsPerBlock, [&](int begin, int end) {
    for (int row = begin; row < end; ++row) {
      const Place* places =
          places_.data() + static_cast<size_t>(row) * static_cast<size_t>(columns_);
      for (int column = 0; column < columns_; ++column) {
        uint8_t& result = to.Row(row)[column];
        result = 0;
        if (places[column].x == kNowhere) continue;
        const int x = (places[column].x >> 4) - bitmap.x, y = (places[column].y >> 4) - bitmap.y;
        if (x < -1 || y < -1 || x >= from.width || y >= from.height) continue;
        const int right = places[column].x & (kSub - 1), below = places[column].y & (kSub - 1);
        const int above_mean = (kSub - right) * sample(x, y) + right * sample(x + 1, y);
        const int below_mean = (kSub - right) * sample(x, y + 1) + right * sample(x + 1, y + 1);
        result = static_cast<uint8_t>(
            ((kSub - below) * above_mean + below * below_mean + kSub * kSub / 2) / (kSub * kSub));
      }
    }
  });
  return coverage;
}

}  // namespace mdvt
