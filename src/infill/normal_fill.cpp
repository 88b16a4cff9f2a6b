// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/normal_fill.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 16;
constexpr int kRimReach = 6;  // pixels around the last hole pixels that are blended
constexpr int kBlurReach = 3;
constexpr float kNoDirection = 1e-6f;

// exp(-d^2 / (2 sigma^2)) for sigma = 1.25.
float Gaussian(int distance) {
  return std::exp(-static_cast<float>(distance * distance) / (2 * 1.25f * 1.25f));
}

// One plane of the picture with the holes and directions at its own size.
template <typename T>
class PlaneFill {
 public:
  PlaneFill(PlaneView<const uint8_t> holes, PlaneView<const Eigen::Vector2f> directions,
            int shift_x, int shift_y, PlaneView<T> plane, ThreadPool* pool)
      : holes_(holes),
        directions_(directions),
        shift_x_(shift_x),
        shift_y_(shift_y),
        plane_(plane),
        pool_(pool),
        size_(static_cast<size_t>(plane.width) * static_cast<size_t>(plane.height)),
        hole_(size_),
        filled_(size_),
        rim_(size_),
        values_(size_) {}

  void Run(const NormalFillOptions& options) {
    const int steps = std::max(1, options.max_steps >> shift_x_);
    ForRows([&](int y) { FindHoles(y); });
    ForRows([&](int y) { MarchRow(y, steps); });
    ForRows([&](int y) { RepeatAlong(y); });
    // Smoothed from values_ into the plane, which the blur has read from until now.
    ForRows([&](int y) { SmoothRow(y); });
    if (options.blend_rim) BlendRim();
  }

 private:
  template <typename Body>
  void ForRows(const Body& body) const {
    const auto range = [&](int64_t begin, int64_t end) {
      for (int64_t y = begin; y < end; ++y) body(static_cast<int>(y));
    };
    if (pool_ != nullptr) {
      pool_->ParallelFor(plane_.height, kRowsPerBlock, range);
    } else {
      range(0, plane_.height);
    }
  }

  size_t At(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(plane_.width) + static_cast<size_t>(x);
  }
  bool Inside(int x, int y) const {
    return x >= 0 && y >= 0 && x < plane_.width && y < plane_.height;
  }

  void FindHoles(int y) {
    for (int x = 0; x < plane_.width; ++x) {
      bool all = true;
      for (int row = y << shift_y_; row < std::min((y + 1) << shift_y_, holes_.height); ++row)
        for (int column = x << shift_x_; column < std::min((x + 1) << shift_x_, holes_.width);
             ++column)
          all = all && holes_.At(column, row) != 0;
      hole_[At(x, y)] = all;
      filled_[At(x, y)] = 0;
      rim_[At(x, y)] = 0;
    }
  }

  // The picture at a pixel that is no hole, blurred over those around it.
  float Blurred(int x, int y) const {
    float sum = 0, weight = 0;
    for (int dy = -kBlurReach; dy <= kBlurReach; ++dy) {
      for (int dx = -kBlurReach; dx <= kBlurReach; ++dx) {
        if (!Inside(x + dx, y + dy) || hole_[At(x + dx, y + dy)]) continue;
        const float w = Gaussian(dx) * Gaussian(dy);
        sum += w * static_cast<float>(plane_.At(x + dx, y + dy));
        weight += w;
      }
    }
    return sum / weight;
  }

  // A way through a hole, in whole steps of one pixel.
  struct Way {
    float x, y;    // centre of the pixel where it begins
    float dx, dy;  // unit vector
    int X(int t) const { return static_cast<int>(std::floor(x + static_cast<float>(t) * dx)); }
    int Y(int t) const { return static_cast<int>(std::floor(y + static_cast<float>(t) * dy)); }
  };

  // The step at which the way leaves the hole; 0 if it does not within `steps`.
  int Leave(const Way& way, int steps) const {
    for (int t = 1; t <= steps; ++t) {
      const int x = way.X(t), y = way.Y(t);
      if (!Inside(x, y)) return 0;
      if (!hole_[At(x, y)]) return t;
    }
    return 0;
  }

  void MarchRow(int y, int steps) {
    // Along a row all ways of a hole end at the same pixel: its colour is found once, and how far
    // it is follows from the step before.
    int last_x = -1, last_y = -1;
    float last_value = 0;
    for (int x = 0; x < plane_.width; ++x) {
      if (!hole_[At(x, y)]) continue;
      const Eigen::Vector2f given = directions_.At(x << shift_x_, y << shift_y_);
      Way way{static_cast<float>(x) + 0.5f, static_cast<float>(y) + 0.5f, 0, 0};
      int t = 0;
      if (given.norm() > kNoDirection) {
        way.dx = given.x() / given.norm();
        way.dy = given.y() / given.norm();
        t = Leave(way, steps);
      } else {
        Way back = way;
        way.dx = 1;
        back.dx = -1;
        t = Leave(way, steps);
        const int left = Leave(back, steps);
        if (left > 0 && (t == 0 || left <= t)) way = back, t = left;
      }
      if (t == 0) continue;
      int from = t;
      for (int k = t + 2; k > t; --k) {
        if (!Inside(way.X(k), way.Y(k)) || hole_[At(way.X(k), way.Y(k))]) continue;
        from = k;
        break;
      }
      const int source_x = way.X(from), source_y = way.Y(from);
      if (source_x != last_x || source_y != last_y) last_value = Blurred(source_x, source_y);
      last_x = source_x;
      last_y = source_y;
      values_[At(x, y)] = last_value;
      filled_[At(x, y)] = 1;
      if (t == 1) rim_[At(x, y)] = 1;  // every way within reach passes through such a pixel
    }
  }

  // Pixels that reach no picture take the nearest filled one of their hole's row.
  void RepeatAlong(int y) {
    for (int x = 0; x < plane_.width;) {
      if (!hole_[At(x, y)]) {
        ++x;
        continue;
      }
      int end = x;
      while (end < plane_.width && hole_[At(end, y)]) ++end;
      int last = -1;
      for (int k = x; k <= end; ++k) {
        if (k < end && filled_[At(k, y)] != 1) continue;
        if (k == end && last < 0) break;  // nothing at all
        for (int gap = last < 0 ? x : last + 1; gap < k; ++gap) {
          const bool left = last >= 0 && (k == end || gap - last <= k - gap);
          values_[At(gap, y)] = values_[At(left ? last : k, y)];
          filled_[At(gap, y)] = 2;
        }
        last = k;
      }
      x = end;
    }
  }

  void SmoothRow(int y) {
    for (int x = 0; x < plane_.width; ++x) {
      if (filled_[At(x, y)] == 0) continue;
      float sum = 0;
      int count = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) {
          if (!Inside(x + dx, y + dy) || filled_[At(x + dx, y + dy)] == 0) continue;
          sum += values_[At(x + dx, y + dy)];
          ++count;
        }
      }
      plane_.At(x, y) = static_cast<T>(std::lround(sum / static_cast<float>(count)));
    }
  }

  void BlendRim() {
    // Distance to the rim in steps to the four sides, to the reach and one more.
    const int reach = std::max(1, kRimReach >> shift_x_);
    std::vector<uint8_t> distance(size_, static_cast<uint8_t>(reach + 1));
    const auto lower = [&](size_t at, size_t other) {
      distance[at] = std::min<uint8_t>(distance[at], static_cast<uint8_t>(distance[other] + 1));
    };
    for (int y = 0; y < plane_.height; ++y) {
      for (int x = 0; x < plane_.width; ++x) {
        if (rim_[At(x, y)]) distance[At(x, y)] = 0;
        if (x > 0) lower(At(x, y), At(x - 1, y));
        if (y > 0) lower(At(x, y), At(x, y - 1));
      }
    }
    for (int y = plane_.height - 1; y >= 0; --y) {
      for (int x = plane_.width - 1; x >= 0; --x) {
        if (x + 1 < plane_.width) lower(At(x, y), At(x + 1, y));
        if (y + 1 < plane_.height) lower(At(x, y), At(x, y + 1));
      }
    }
    const auto in_band = [&](int x, int y) { return distance[At(x, y)] <= reach; };
    ForRows([&](int y) {
      for (int x = 0; x < plane_.width; ++x)
        if (in_band(x, y)) values_[At(x, y)] = static_cast<float>(plane_.At(x, y));
    });
    ForRows([&](int y) {
      for (int x = 0; x < plane_.width; ++x) {
        if (!in_band(x, y)) continue;
        float sum = 0, weight = 0;
        for (int dy = -kBlurReach; dy <= kBlurReach; ++dy) {
          for (int dx = -kBlurReach; dx <= kBlurReach; ++dx) {
            if (!Inside(x + dx, y + dy) || !in_band(x + dx, y + dy)) continue;
            const float w = Gaussian(dx) * Gaussian(dy);
            sum += w * values_[At(x + dx, y + dy)];
            weight += w;
          }
        }
        plane_.At(x, y) = static_cast<T>(std::lround(sum / weight));
      }
    });
  }

  PlaneView<const uint8_t> holes_;
  PlaneView<const Eigen::Vector2f> directions_;
  int shift_x_, shift_y_;
  PlaneView<T> plane_;
  ThreadPool* pool_;
  size_t size_;
  std::vector<uint8_t> hole_;
  std::vector<uint8_t> filled_;  // 1 along its direction, 2 repeated
  std::vector<uint8_t> rim_;     // the last hole pixel before the background
  std::vector<float> values_;
};

}  // namespace

void NormalFillOptions::Check() const {
  Require(max_steps >= 1 && max_steps <= 4096, Code::kInvalidArgument,
          "NormalFillOptions.max_steps = " + std::to_string(max_steps) + ", must be in [1, 4096]");
}

void FillAlongNormals(PlaneView<const uint8_t> holes, PlaneView<const Eigen::Vector2f> directions,
                      const NormalFillOptions& options, const MutableImageView& image,
                      ThreadPool* pool) {
  options.Check();
  Require(holes.width == image.width && holes.height == image.height &&
              directions.width == image.width && directions.height == image.height,
          Code::kInvalidArgument,
          "FillAlongNormals: holes are " + FormatSize(holes.width, holes.height) + ", directions " +
              FormatSize(directions.width, directions.height) + ", the image " +
              FormatSize(image.width, image.height));
  Require(image.format.type != SampleType::kF32 && image.format.chroma_shift_x <= 1 &&
              image.format.chroma_shift_y <= 1,
          Code::kInvalidArgument,
          "FillAlongNormals: the image must have 8 to 16 bits and chroma halved at most, not " +
              image.format.ToString());
  for (int plane = 0; plane < image.format.num_planes(); ++plane) {
    const bool chroma = image.format.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? image.format.chroma_shift_x : 0;
    const int shift_y = chroma ? image.format.chroma_shift_y : 0;
    if (image.format.type == SampleType::kU8) {
      PlaneFill<uint8_t>(holes, directions, shift_x, shift_y, image.Plane<uint8_t>(plane), pool)
          .Run(options);
    } else {
      PlaneFill<uint16_t>(holes, directions, shift_x, shift_y, image.Plane<uint16_t>(plane), pool)
          .Run(options);
    }
  }
}

}  // namespace mdvt
