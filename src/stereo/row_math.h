// SPDX-License-Identifier: Apache-2.0
//
// The definition of the view synthesis for one sample: what every kernel computes, in this order of
// operations.
#pragma once

#include <algorithm>
#include <cmath>

#include "mdvt/stereo/tear_rule.h"
#include "stereo/row_kernels.h"

namespace mdvt::stereo {

// Inverse depth below this counts as this: as far as it matters, infinitely far.
constexpr float kLeastInverse = 1e-6f;
// The order of the arguments keeps NaN.
inline float AtLeast(float inverse) { return std::max(inverse, kLeastInverse); }

// Shift of one sample; NaN without data.
inline float ShiftOf(float value, const ShiftParams& p) {
  if (!p.inverse && !(value > 0)) return NAN;
  const float shift = (p.inverse ? p.k * AtLeast(value) : p.k / value) - p.offset;
  return std::min(std::max(shift, -p.limit), p.limit);
}

// The tear rule between neighbours that both have data.
inline bool Torn(float value0, float shift0, float value1, float shift1, const ShiftParams& p) {
  if (!p.tear) return false;
  const float v0 = p.inverse ? AtLeast(value0) : value0;
  const float v1 = p.inverse ? AtLeast(value1) : value1;
  return TearRule::Parts(std::fabs(shift1 - shift0), v0, v1, p.tear_shift, p.tear_depth);
}

// Where a cut at 0.5 parts the two sides. Each eye is the mirror image of the other, and so are
// their ties.
inline float SplitOf(Eye eye) { return eye == Eye::kLeft ? 0.50000006f : 0.5f; }

// Catmull-Rom between p0 and p1; exact at f = 0.
inline float Cubic(float pm, float p0, float p1, float p2, float f) {
  // Of whole numbers the differences are exact.
  const float d0 = p0 - pm, d1 = p1 - p0, d2 = p2 - p1;
  const float bend = d1 - d0;
  const float c = (d2 - d1) - bend;
  return p0 + (0.5f * f) * ((d0 + d1) + f * ((bend - c) + f * c));
}

inline float ClampSample(float value, float max_value) {
  return std::min(std::max(value, 0.0f), max_value);
}

// The source at position `t + origin`, in floating point and before rounding.
inline float SampleAt(const float* row, const CutBits& cuts, int t, float origin,
                      const SampleParams& p) {
  const float whole = std::floor(origin);
  const int i = t + static_cast<int>(whole);
  const float f = origin - whole;
  if (cuts.Test(i)) {
    const float split = p.split != nullptr ? p.split[i] : SplitOf(p.eye);
    return f < split ? row[i] : row[i + 1];
  }
  // Past a cut the row is continued as a straight line.
  const float pm = cuts.Test(i - 1) ? (row[i] + row[i]) - row[i + 1] : row[i - 1];
  const float p2 = cuts.Test(i + 1) ? (row[i + 1] + row[i + 1]) - row[i] : row[i + 2];
  return ClampSample(Cubic(pm, row[i], row[i + 1], p2, f), p.max_value);
}

// Draws one segment: in the right eye from sample i to i + 1, in the left eye from i to i - 1,
// each the mirror image of the other. `torn` also stands for a missing neighbour.
template <bool kLeft>
inline void DrawSegment(int i, const float* shift, bool torn, int width, float* origin) {
  constexpr int kNext = kLeft ? -1 : 1;
  const int j = i + kNext;
  const auto put = [&](int t, float forward) {
    if (t >= 0 && t < width) origin[t] = kLeft ? -forward : forward;
  };
  if (torn) {
    // Each side goes on for half a sample at constant depth.
    if (i >= 0 && i < width && !std::isnan(shift[i])) {
      const float whole = std::floor(shift[i]);
      if (shift[i] - whole < 0.5f) put(i - kNext * static_cast<int>(whole), shift[i]);
    }
    if (j >= 0 && j < width && !std::isnan(shift[j])) {
      const float whole = std::floor(shift[j]);
      if (shift[j] - whole >= 0.5f) put(j - kNext * (static_cast<int>(whole) + 1), shift[j]);
    }
    return;
  }
  const float whole = std::floor(shift[i]);
  const int count = 1 + static_cast<int>(whole) - static_cast<int>(std::floor(shift[j]));
  const float length = std::max(1.0f + (shift[i] - shift[j]), 1e-6f);
  const float rest = shift[i] - whole;
  const int first = i - kNext * static_cast<int>(whole);
  for (int m = 0; m < count; ++m) {
    const float f = std::min((rest + static_cast<float>(m)) / length, 1.0f);
    put(first + kNext * m, (f + whole) - static_cast<float>(m));
  }
}

inline float ChromaOrigin(Eye eye, float a, float b) {
  if (std::fabs(a - b) <= 1.0f) return 0.5f * (a + b);
  return eye == Eye::kLeft ? std::min(a, b) : std::max(a, b);
}

// Origin of the chroma sample j, in chroma samples.
inline float ChromaOriginAt(Eye eye, const float* row0, const float* row1, int columns, int step,
                            int luma_width, int j) {
  const auto column = [&](int x) { return ChromaOrigin(eye, row0[x], row1[x]); };
  if (step == 1) return column(j);
  const int x = 2 * j;
  float origin = column(x);
  if (x + 1 < luma_width) {
    if (columns == 2) {
      origin = ChromaOrigin(eye, origin, column(x + 1));
    } else if (IsHole(origin)) {
      origin = column(x + 1);
    }
  }
  return IsHole(origin) ? origin : 0.5f * origin;
}

inline float DepthAt(const float* depth, const float* inverse, const CutBits& cuts, int t,
                     float origin, Eye eye) {
  const float whole = std::floor(origin);
  const int i = t + static_cast<int>(whole);
  const float f = origin - whole;
  if (cuts.Test(i)) return f < SplitOf(eye) ? depth[i] : depth[i + 1];
  return f == 0 ? depth[i] : 1.0f / (inverse[i] + f * (inverse[i + 1] - inverse[i]));
}

}  // namespace mdvt::stereo
