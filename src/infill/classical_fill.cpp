// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/classical_fill.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/infill/mask_steadier.h"

namespace mdvt {
namespace {

constexpr int64_t kPixelsPerBlock = 256;
constexpr float kMostSlope = 0.5f;  // of the gradients' part: they continue edges, not noise

struct Point {
  int x, y;
};

// One plane: values, and since when each is known (0 from the beginning, then by layers).
template <typename T>
class LayerFill {
 public:
  LayerFill(const PlaneView<T>& plane, std::vector<uint8_t> unknown, int radius, ThreadPool* pool)
      : plane_(plane), unknown_(std::move(unknown)), radius_(radius), pool_(pool) {}

  void Run(float most) {
    std::vector<Point> left;
    for (int y = 0; y < plane_.height; ++y)
      for (int x = 0; x < plane_.width; ++x)
        if (unknown_[At(x, y)]) left.push_back({x, y});
    std::vector<Point> layer;
    std::vector<float> values;
    while (!left.empty()) {
      layer.clear();
      size_t kept = 0;
      for (const Point& point : left) {
        if (Touches(point))
          layer.push_back(point);
        else
          left[kept++] = point;
      }
      if (layer.empty()) return;  // nothing is known at all
      left.resize(kept);
      values.resize(layer.size());
      const auto body = [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          values[static_cast<size_t>(i)] = Value(layer[static_cast<size_t>(i)], most);
      };
      if (pool_ != nullptr) {
        pool_->ParallelFor(static_cast<int64_t>(layer.size()), kPixelsPerBlock, body);
      } else {
        body(0, static_cast<int64_t>(layer.size()));
      }
      for (size_t i = 0; i < layer.size(); ++i) {
        plane_.At(layer[i].x, layer[i].y) = static_cast<T>(std::lround(values[i]));
        unknown_[At(layer[i].x, layer[i].y)] = 0;
      }
    }
  }

 private:
  size_t At(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(plane_.width) + static_cast<size_t>(x);
  }
  bool Known(int x, int y) const {
    return x >= 0 && y >= 0 && x < plane_.width && y < plane_.height && !unknown_[At(x, y)];
  }
  bool Touches(const Point& p) const {
    return Known(p.x - 1, p.y) || Known(p.x + 1, p.y) || Known(p.x, p.y - 1) || Known(p.x, p.y + 1);
  }

  float Gradient(int x, int y, int dx, int dy) const {
    const bool before = Known(x - dx, y - dy), after = Known(x + dx, y + dy);
    const auto value = [&](int s) { return static_cast<float>(plane_.At(x + s * dx, y + s * dy)); };
    if (before && after) return (value(1) - value(-1)) / 2;
    if (after) return value(1) - value(0);
    if (before) return value(0) - value(-1);
    return 0;
  }

  float Value(const Point& p, float most) const {
    float sum = 0, slope = 0, weights = 0;
    for (int dy = -radius_; dy <= radius_; ++dy) {
      for (int dx = -radius_; dx <= radius_; ++dx) {
        const int distance = dx * dx + dy * dy;
        if (distance == 0 || distance > radius_ * radius_ || !Known(p.x + dx, p.y + dy)) continue;
        const float w = 1 / static_cast<float>(distance);
        sum += w * static_cast<float>(plane_.At(p.x + dx, p.y + dy));
        slope -= w * (Gradient(p.x + dx, p.y + dy, 1, 0) * static_cast<float>(dx) +
                      Gradient(p.x + dx, p.y + dy, 0, 1) * static_cast<float>(dy));
        weights += w;
      }
    }
    return std::clamp((sum + kMostSlope * slope) / weights, 0.0f, most);
  }

  PlaneView<T> plane_;
  std::vector<uint8_t> unknown_;
  int radius_;
  ThreadPool* pool_;
};

}  // namespace

void InpaintClassical(PlaneView<const uint8_t> mask, int radius, const MutableImageView& image,
                      ThreadPool* pool) {
  Require(radius >= 1 && radius <= 16, Code::kInvalidArgument,
          "InpaintClassical: radius = " + std::to_string(radius) + ", must be in [1, 16]");
  Require(mask.width == image.width && mask.height == image.height, Code::kInvalidArgument,
          "InpaintClassical: the mask is " + FormatSize(mask.width, mask.height) + ", the image " +
              FormatSize(image.width, image.height));
  Require(image.format.type != SampleType::kF32, Code::kInvalidArgument,
          "InpaintClassical: the image must have 8 to 16 bits, not " + image.format.ToString());
  for (int plane = 0; plane < image.format.num_planes(); ++plane) {
    const bool chroma = image.format.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? image.format.chroma_shift_x : 0;
    const int shift_y = chroma ? image.format.chroma_shift_y : 0;
    const int width = image.format.PlaneWidth(plane, image.width);
    std::vector<uint8_t> unknown(
        static_cast<size_t>(width) *
            static_cast<size_t>(image.format.PlaneHeight(plane, image.height)),
        0);
    for (int y = 0; y < image.height; ++y)
      for (int x = 0; x < image.width; ++x)
        if (mask.At(x, y) > 127)
          unknown[static_cast<size_t>(y >> shift_y) * static_cast<size_t>(width) +
                  static_cast<size_t>(x >> shift_x)] = 1;
    const int reach = std::max(1, radius >> shift_x);
    const auto most = static_cast<float>(image.format.max_value());
    if (image.format.type == SampleType::kU8) {
      LayerFill<uint8_t>(image.Plane<uint8_t>(plane), std::move(unknown), reach, pool).Run(most);
    } else {
      LayerFill<uint16_t>(image.Plane<uint16_t>(plane), std::move(unknown), reach, pool).Run(most);
    }
  }
}

void InterpolateFlow(PlaneView<const uint8_t> mask, int margin, PlaneView<Eigen::Vector2f> flow) {
  Require(mask.width == flow.width && mask.height == flow.height, Code::kInvalidArgument,
          "InterpolateFlow: the mask is " + FormatSize(mask.width, mask.height) + ", the flow " +
              FormatSize(flow.width, flow.height));
  Image wide(PixelFormat::Gray(8), std::max(1, mask.width), std::max(1, mask.height));
  const PlaneView<uint8_t> hole = wide.MutablePlane<uint8_t>();
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x) hole.At(x, y) = mask.At(x, y) > 127 ? 255 : 0;
  DilateMask(margin, hole);
  const size_t size = static_cast<size_t>(flow.width) * static_cast<size_t>(flow.height);
  std::vector<Eigen::Vector2f> sum(size, Eigen::Vector2f::Zero());
  std::vector<float> weights(size, 0);
  // Along a line of pixels, in one direction.
  const auto sweep = [&](int x, int y, int dx, int dy, int count) {
    int since = -1;  // the last pixel with a motion of its own is so many steps away
    Eigen::Vector2f last(0, 0);
    for (int i = 0; i < count; ++i, x += dx, y += dy) {
      if (hole.At(x, y) == 0) {
        last = flow.At(x, y);
        since = 0;
      } else if (since >= 0) {
        const float w = 1 / static_cast<float>(++since);
        const size_t at =
            static_cast<size_t>(y) * static_cast<size_t>(flow.width) + static_cast<size_t>(x);
        sum[at] += w * last;
        weights[at] += w;
      }
    }
  };
  for (int y = 0; y < flow.height; ++y) {
    sweep(0, y, 1, 0, flow.width);
    sweep(flow.width - 1, y, -1, 0, flow.width);
  }
  for (int x = 0; x < flow.width; ++x) {
    sweep(x, 0, 0, 1, flow.height);
    sweep(x, flow.height - 1, 0, -1, flow.height);
  }
  for (int y = 0; y < flow.height; ++y) {
    for (int x = 0; x < flow.width; ++x) {
      if (hole.At(x, y) == 0) continue;
      const size_t at =
          static_cast<size_t>(y) * static_cast<size_t>(flow.width) + static_cast<size_t>(x);
      flow.At(x, y) =
          weights[at] > 0 ? Eigen::Vector2f(sum[at] / weights[at]) : Eigen::Vector2f(0, 0);
    }
  }
}

}  // namespace mdvt
