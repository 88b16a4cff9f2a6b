// SPDX-License-Identifier: Apache-2.0
#include "infill/hole_pixels.h"

#include <algorithm>
#include <cmath>

#include "core/median.h"

namespace mdvt {
namespace {

// Weights of the four samples around a position `f` behind the second one.
std::array<float, 4> CatmullRom(float f) {
  const float f2 = f * f, f3 = f2 * f;
  return {0.5f * (-f + 2 * f2 - f3), 0.5f * (2 - 5 * f2 + 3 * f3), 0.5f * (f + 4 * f2 - 3 * f3),
          0.5f * (f3 - f2)};
}

// The 4 x 4 samples around a position, and their weights.
struct Taps {
  int x, y;  // of the first one
  std::array<float, 4> across, down;

  Taps(double at_x, double at_y) {
    const double px = at_x - 0.5, py = at_y - 0.5;
    const int x0 = static_cast<int>(std::floor(px)), y0 = static_cast<int>(std::floor(py));
    x = x0 - 1;
    y = y0 - 1;
    across = CatmullRom(static_cast<float>(px - x0));
    down = CatmullRom(static_cast<float>(py - y0));
  }
};

// rows  four rows of four samples, `stride` samples apart
template <typename T>
float Weigh(const Taps& taps, const T* rows, ptrdiff_t stride, float most) {
  std::array<float, 4> columns{};  // in a form that vectors are used for
  for (size_t j = 0; j < 4; ++j, rows += stride)
    for (size_t i = 0; i < 4; ++i) columns[i] += taps.down[j] * static_cast<float>(rows[i]);
  for (size_t i = 0; i < 4; ++i) columns[i] *= taps.across[i];
  return std::clamp((columns[0] + columns[1]) + (columns[2] + columns[3]), 0.0f, most);
}

template <typename T>
float SamplePlane(const PlaneView<const T>& plane, const Taps& taps, float most) {
  if (taps.x >= 0 && taps.y >= 0 && taps.x + 3 < plane.width && taps.y + 3 < plane.height)
    return Weigh(taps, plane.Row(taps.y) + taps.x, plane.stride / static_cast<ptrdiff_t>(sizeof(T)),
                 most);
  std::array<T, 16> samples;
  for (int j = 0; j < 4; ++j) {
    const T* row = plane.Row(std::clamp(taps.y + j, 0, plane.height - 1));
    for (int i = 0; i < 4; ++i)
      samples[static_cast<size_t>(4 * j + i)] = row[std::clamp(taps.x + i, 0, plane.width - 1)];
  }
  return Weigh(taps, samples.data(), 4, most);
}

template <typename T>
Color SamplePlanes(const ImageView& image, double x, double y) {
  Color color{};
  const float most = static_cast<float>(image.format.max_value());
  const int planes = image.format.num_planes();
  const Taps taps(x, y);
  color[0] = SamplePlane(image.Plane<T>(0), taps, most);
  const bool smaller = image.format.model == ColorModel::kYuv &&
                       image.format.chroma_shift_x + image.format.chroma_shift_y > 0;
  const Taps others = planes > 1 && smaller ? Taps(x / (1 << image.format.chroma_shift_x),
                                                   y / (1 << image.format.chroma_shift_y))
                                            : taps;
  for (int plane = 1; plane < planes; ++plane)
    color[static_cast<size_t>(plane)] = SamplePlane(image.Plane<T>(plane), others, most);
  return color;
}

}  // namespace

void HolePixels::Reset(const HoleMap& holes) {
  width_ = holes.width;
  height_ = holes.height;
  pixels_.clear();
  spans_.clear();
  index_.assign(static_cast<size_t>(width_) * static_cast<size_t>(height_), -1);
  for (int y = 0; y < height_; ++y) {
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)]) {
      for (int x = span.begin; x < span.end; ++x) {
        index_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)] =
            static_cast<int32_t>(pixels_.size());
        pixels_.push_back({x, y, static_cast<int32_t>(spans_.size())});
      }
      spans_.push_back({y, span});
    }
  }
  colors.assign(pixels_.size(), Color{});
  known.assign(pixels_.size(), 0);
}

template <typename T>
void HolePixels::StorePlane(const MutableImageView& image, int plane) const {
  const bool chroma = image.format.model == ColorModel::kYuv && plane > 0;
  const int shift_x = chroma ? image.format.chroma_shift_x : 0;
  const int shift_y = chroma ? image.format.chroma_shift_y : 0;
  const PlaneView<T> to = image.Plane<T>(plane);
  const auto store = [&](int x, int y, float value) {
    to.At(x, y) = static_cast<T>(std::lround(value));
  };
  const auto c = static_cast<size_t>(plane);
  for (size_t i = 0; i < pixels_.size(); ++i) {
    if (!known[i]) continue;
    const HolePixel& pixel = pixels_[i];
    if (shift_x + shift_y == 0) {
      store(pixel.x, pixel.y, colors[i][c]);
      continue;
    }
    const int cx = pixel.x >> shift_x, cy = pixel.y >> shift_y;
    float sum = 0;
    int count = 0, first = -1;
    bool all = true;
    for (int y = cy << shift_y; y < std::min((cy + 1) << shift_y, height_); ++y) {
      for (int x = cx << shift_x; x < std::min((cx + 1) << shift_x, width_); ++x) {
        const int32_t k = IndexAt(x, y);
        all = all && k >= 0;
        if (k < 0 || !known[static_cast<size_t>(k)]) continue;
        if (first < 0) first = k;
        sum += colors[static_cast<size_t>(k)][c];
        ++count;
      }
    }
    // Once for each sample, at the first of its pixels.
    if (all && first == static_cast<int>(i)) store(cx, cy, sum / static_cast<float>(count));
  }
}

void HolePixels::Store(const MutableImageView& image) const {
  for (int plane = 0; plane < image.format.num_planes(); ++plane) {
    if (image.format.type == SampleType::kU8) {
      StorePlane<uint8_t>(image, plane);
    } else {
      StorePlane<uint16_t>(image, plane);
    }
  }
}

void HolePixels::Remaining(const HoleMap& holes, HoleMap* rest) const {
  rest->Reset(holes.width, holes.height);
  for (int y = 0; y < holes.height; ++y) {
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)]) {
      for (int x = span.begin; x < span.end;) {
        if (known[static_cast<size_t>(IndexAt(x, y))]) {
          ++x;
          continue;
        }
        HoleSpan part = span;
        part.begin = x;
        while (x < span.end && !known[static_cast<size_t>(IndexAt(x, y))]) ++x;
        part.end = x;
        part.at_border = part.begin == 0 || part.end == holes.width;
        rest->rows[static_cast<size_t>(y)].push_back(part);
      }
    }
  }
}

Color SampleColor(const ImageView& image, double x, double y) {
  return image.format.type == SampleType::kU8 ? SamplePlanes<uint8_t>(image, x, y)
                                              : SamplePlanes<uint16_t>(image, x, y);
}

Color Agree(const std::vector<Observation>& seen, float tolerance) {
  if (seen.size() == 1) return seen[0].color;
  // The first one, the nearest in time, decides between two.
  double middle = seen[0].color[0], spread = 0;
  if (seen.size() > 2) {
    thread_local std::vector<double> values;
    values.clear();
    for (const Observation& one : seen) values.push_back(one.color[0]);
    middle = Median(&values);
    for (double& value : values) value = std::fabs(value - middle);
    spread = Median(&values);
  }
  const double reach = std::max<double>(tolerance, 3 * 1.4826 * spread);
  std::array<double, 3> sum{};
  double weight = 0;
  for (const Observation& one : seen) {
    if (!(std::fabs(one.color[0] - middle) <= reach)) continue;
    for (size_t c = 0; c < 3; ++c) sum[c] += static_cast<double>(one.weight * one.color[c]);
    weight += static_cast<double>(one.weight);
  }
  Color color{};
  for (size_t c = 0; c < 3; ++c) color[c] = static_cast<float>(sum[c] / weight);
  return color;
}

}  // namespace mdvt
