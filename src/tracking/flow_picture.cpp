// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/flow_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr float kPi = 3.14159265f;

using Rgb = std::array<float, 3>;

// Six stretches between red, yellow, green, cyan, blue and magenta, as long as the eye tells hues
// apart in them.
std::vector<Rgb> ColorWheel() {
  struct Stretch {
    int steps;
    Rgb from, to;
  };
  const std::array<Stretch, 6> stretches = {{{15, {1, 0, 0}, {1, 1, 0}},
                                             {6, {1, 1, 0}, {0, 1, 0}},
                                             {4, {0, 1, 0}, {0, 1, 1}},
                                             {11, {0, 1, 1}, {0, 0, 1}},
                                             {13, {0, 0, 1}, {1, 0, 1}},
                                             {6, {1, 0, 1}, {1, 0, 0}}}};
  std::vector<Rgb> wheel;
  for (const Stretch& stretch : stretches) {
    for (int i = 0; i < stretch.steps; ++i) {
      const float share = static_cast<float>(i) / static_cast<float>(stretch.steps);
      Rgb color{};
      for (size_t c = 0; c < 3; ++c)
        color[c] = stretch.from[c] + share * (stretch.to[c] - stretch.from[c]);
      wheel.push_back(color);
    }
  }
  return wheel;
}

void CheckPicture(const FlowField& flow, const MutableImageView& picture, const PixelFormat& format,
                  const char* what) {
  Require(picture.format == format && picture.width == flow.width && picture.height == flow.height,
          Code::kInvalidArgument,
          std::string(what) + ": the picture must be " + format.ToString() +
              " of the size of the flow");
}

}  // namespace

void DrawFlow(const FlowField& flow, double full, const MutableImageView& picture) {
  CheckPicture(flow, picture, PixelFormat::Rgb(8), "DrawFlow");
  Require(full > 0 && std::isfinite(full), Code::kInvalidArgument,
          "DrawFlow: full must be above 0");
  static const std::vector<Rgb> wheel = ColorWheel();
  const auto count = static_cast<float>(wheel.size());
  const float scale = static_cast<float>(1 / full);
  const std::array<PlaneView<uint8_t>, 3> planes = {
      picture.Plane<uint8_t>(0), picture.Plane<uint8_t>(1), picture.Plane<uint8_t>(2)};
  for (int y = 0; y < flow.height; ++y) {
    const Eigen::Vector2f* const row = flow.view().Row(y);
    for (int x = 0; x < flow.width; ++x) {
      const float length = row[x].norm() * scale;
      float turn = std::atan2(row[x].y(), row[x].x()) / (2 * kPi);  // down is yellow
      if (turn < 0) turn += 1;
      const float place = std::min(turn * count, count - 1e-3f);
      const auto before = static_cast<size_t>(place);
      const float share = place - static_cast<float>(before);
      const Rgb& a = wheel[before];
      const Rgb& b = wheel[(before + 1) % wheel.size()];
      for (size_t c = 0; c < 3; ++c) {
        const float hue = a[c] + share * (b[c] - a[c]);
        const float color = length <= 1 ? 1 - length * (1 - hue) : 0.75f * hue;
        planes[c].At(x, y) = static_cast<uint8_t>(255 * color + 0.5f);
      }
    }
  }
}

void EncodeFlow(const FlowField& flow, PlaneView<const float> error, float most,
                const MutableImageView& picture) {
  CheckPicture(flow, picture, PixelFormat::Rgb(16), "EncodeFlow");
  Require(error.data == nullptr || (error.width == flow.width && error.height == flow.height),
          Code::kInvalidArgument, "EncodeFlow: the error has another size than the flow");
  const std::array<PlaneView<uint16_t>, 3> planes = {
      picture.Plane<uint16_t>(0), picture.Plane<uint16_t>(1), picture.Plane<uint16_t>(2)};
  for (int y = 0; y < flow.height; ++y) {
    const Eigen::Vector2f* const row = flow.view().Row(y);
    for (int x = 0; x < flow.width; ++x) {
      const float u = std::nearbyint(64 * row[x].x()) + 32768;
      const float v = std::nearbyint(64 * row[x].y()) + 32768;
      const bool fits = u >= 0 && v >= 0 && u <= 65535 && v <= 65535;
      const bool valid = fits && (error.data == nullptr || error.At(x, y) < most);
      planes[0].At(x, y) = valid ? static_cast<uint16_t>(u) : 0;
      planes[1].At(x, y) = valid ? static_cast<uint16_t>(v) : 0;
      planes[2].At(x, y) = valid ? 1 : 0;
    }
  }
}

}  // namespace mdvt
