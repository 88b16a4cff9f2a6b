// SPDX-License-Identifier: Apache-2.0
#include "motion_picture.h"

#include <algorithm>
#include <cmath>

namespace mdvt {
namespace {

// Which source pixels a target pixel covers, and by how much (12-bit weights that add up to 4096).
struct Span {
  int begin = 0;
  std::vector<int> weights;
};

std::vector<Span> Spans(int from, int to) {
  std::vector<Span> spans(static_cast<size_t>(to));
  const double ratio = static_cast<double>(from) / to;
  for (int i = 0; i < to; ++i) {
    const double a = i * ratio, b = std::min((i + 1) * ratio, static_cast<double>(from));
    Span& span = spans[static_cast<size_t>(i)];
    span.begin = std::min(static_cast<int>(a), from - 1);
    int left = 4096;
    for (int k = span.begin; k < from && k < b - 1e-9; ++k) {
      const double part = std::min(b, k + 1.0) - std::max(a, static_cast<double>(k));
      const int weight = std::min(left, static_cast<int>(std::lround(4096 * part / (b - a))));
      span.weights.push_back(weight);
      left -= weight;
    }
    span.weights.back() += left;
  }
  return spans;
}

// The spans of a row, tap by tap over all of its pixels; those that have fewer taps get zeros.
struct Columns {
  struct Tap {
    std::vector<uint32_t> from, weight;
  };

  Columns(int source, int target) {
    const std::vector<Span> spans = Spans(source, target);
    for (size_t x = 0; x < spans.size(); ++x) {
      const Span& span = spans[x];
      while (taps.size() < span.weights.size())
        taps.push_back(
            {std::vector<uint32_t>(spans.size(), 0), std::vector<uint32_t>(spans.size(), 0)});
      for (size_t k = 0; k < span.weights.size(); ++k) {
        taps[k].from[x] = static_cast<uint32_t>(span.begin) + static_cast<uint32_t>(k);
        taps[k].weight[x] = static_cast<uint32_t>(span.weights[k]);
      }
    }
  }

  std::vector<Tap> taps;
};

}  // namespace

Image LumaOf(const Image& rgb, ThreadPool* pool) {
  Image result(PixelFormat::Gray(8), rgb.width(), rgb.height());
  const PlaneView<uint8_t> out = result.MutablePlane<uint8_t>();
  const auto body = [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      const uint8_t* r = rgb.Plane<uint8_t>(0).Row(y);
      const uint8_t* g = rgb.Plane<uint8_t>(1).Row(y);
      const uint8_t* b = rgb.Plane<uint8_t>(2).Row(y);
      uint8_t* to = out.Row(y);
      // ITU-R BT.709
      for (int x = 0; x < out.width; ++x)
        to[x] = static_cast<uint8_t>((13933 * r[x] + 46871 * g[x] + 4732 * b[x] + 32768) >> 16);
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(out.height, 16, body);
  else
    body(0, out.height);
  return result;
}

Image ReduceLuma(const Image& image, int width, int height, ThreadPool* pool, Image spare) {
  if (image.width() == width && image.height() == height) return image;
  Image result = spare.empty() ? Image(PixelFormat::Gray(8), width, height) : std::move(spare);
  const Columns columns(image.width(), width);
  const std::vector<Span> rows = Spans(image.height(), height);
  const PlaneView<const uint8_t> in = image.Plane<uint8_t>();
  const PlaneView<uint8_t> out = result.MutablePlane<uint8_t>();
  const auto body = [&](int64_t begin, int64_t end) {
    std::vector<uint32_t> sums(static_cast<size_t>(in.width)), totals(static_cast<size_t>(width));
    for (int64_t y = begin; y < end; ++y) {
      const Span& span = rows[static_cast<size_t>(y)];
      std::fill(sums.begin(), sums.end(), 0u);
      for (size_t k = 0; k < span.weights.size(); ++k) {
        const uint8_t* row = in.Row(span.begin + static_cast<int>(k));
        const uint32_t weight = static_cast<uint32_t>(span.weights[k]);
        for (size_t x = 0; x < sums.size(); ++x) sums[x] += weight * row[x];
      }
      // At most 4096 * 4096 * 255 + 2^23: 32 bits hold it.
      std::fill(totals.begin(), totals.end(), 1u << 23);
      for (const Columns::Tap& tap : columns.taps)
        for (size_t x = 0; x < totals.size(); ++x) totals[x] += sums[tap.from[x]] * tap.weight[x];
      uint8_t* to = out.Row(static_cast<int>(y));
      for (size_t x = 0; x < totals.size(); ++x) to[x] = static_cast<uint8_t>(totals[x] >> 24);
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(height, 8, body);
  else
    body(0, height);
  return result;
}

}  // namespace mdvt
