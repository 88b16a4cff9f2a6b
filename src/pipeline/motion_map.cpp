// SPDX-License-Identifier: Apache-2.0
#include "pipeline/motion_map.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mdvt {
namespace {

constexpr int kStep = 8;
constexpr float kPrior = 0.02F;  // weight of "at rest" where no point is near

// Value of a coarse map between the centres of its cells.
float Between(const std::vector<float>& cells, int columns, int rows, float x, float y) {
  const float u = std::clamp(x / kStep - 0.5F, 0.0F, static_cast<float>(columns - 1));
  const float v = std::clamp(y / kStep - 0.5F, 0.0F, static_cast<float>(rows - 1));
  const int u0 = static_cast<int>(u), v0 = static_cast<int>(v);
  const int u1 = std::min(u0 + 1, columns - 1), v1 = std::min(v0 + 1, rows - 1);
  const float a = u - static_cast<float>(u0), b = v - static_cast<float>(v0);
  const auto at = [&](int column, int row) {
    return cells[static_cast<size_t>(row) * static_cast<size_t>(columns) +
                 static_cast<size_t>(column)];
  };
  return (1 - b) * ((1 - a) * at(u0, v0) + a * at(u1, v0)) +
         b * ((1 - a) * at(u0, v1) + a * at(u1, v1));
}

}  // namespace

Image MotionMap(const TrackSightings& points, const std::vector<float>& at_rest, const Image& mask,
                int width, int height, ThreadPool* pool) {
  const int columns = (width + kStep - 1) / kStep, rows = (height + kStep - 1) / kStep;
  const float sigma = std::max(8.0F, static_cast<float>(width) / 30);
  std::vector<float> cells(static_cast<size_t>(columns) * static_cast<size_t>(rows));
  pool->ParallelFor(rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row)
      for (int column = 0; column < columns; ++column) {
        const float x = (static_cast<float>(column) + 0.5F) * kStep;
        const float y = (static_cast<float>(row) + 0.5F) * kStep;
        float sum = kPrior, weights = kPrior;
        for (const TrackSighting& point : points) {
          const float value = at_rest[static_cast<size_t>(point.track)];
          const float dx = point.x - x, dy = point.y - y;
          const float square = (dx * dx + dy * dy) / (2 * sigma * sigma);
          if (value < 0 || square > 8) continue;
          const float weight = std::exp(-square);
          sum += weight * value;
          weights += weight;
        }
        cells[static_cast<size_t>(row) * static_cast<size_t>(columns) +
              static_cast<size_t>(column)] = sum / weights;
      }
  });
  Image map(PixelFormat::Gray(8), width, height);
  pool->ParallelFor(height, 64, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y)
      for (int x = 0; x < width; ++x) {
        float value = Between(cells, columns, rows, static_cast<float>(x) + 0.5F,
                              static_cast<float>(y) + 0.5F);
        if (!mask.empty()) value *= 1 - static_cast<float>(mask.Plane<uint8_t>().At(x, y)) / 255;
        map.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(std::lround(255 * value));
      }
  });
  return map;
}

}  // namespace mdvt
