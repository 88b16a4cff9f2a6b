// SPDX-License-Identifier: Apache-2.0
#include "core/resample_rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/resample_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mdvt::resample {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// The compiler vectorises these loops for each target by itself. Up to four rows in one go; a later
// go continues the sums of the one before, so the order of the additions is that of the rows.
template <int kCount, bool kFirst, typename T>
void AddSome(const T* const* rows, const float* weights, int width, float* HWY_RESTRICT to) {
  const T* HWY_RESTRICT r0 = rows[0];
  const T* HWY_RESTRICT r1 = rows[kCount > 1 ? 1 : 0];
  const T* HWY_RESTRICT r2 = rows[kCount > 2 ? 2 : 0];
  const T* HWY_RESTRICT r3 = rows[kCount > 3 ? 3 : 0];
  const float w0 = weights[0], w1 = weights[kCount > 1 ? 1 : 0];
  const float w2 = weights[kCount > 2 ? 2 : 0], w3 = weights[kCount > 3 ? 3 : 0];
  for (int x = 0; x < width; ++x) {
    float sum = w0 * static_cast<float>(r0[x]);
    if constexpr (!kFirst) sum = to[x] + sum;
    if constexpr (kCount > 1) sum = sum + w1 * static_cast<float>(r1[x]);
    if constexpr (kCount > 2) sum = sum + w2 * static_cast<float>(r2[x]);
    if constexpr (kCount > 3) sum = sum + w3 * static_cast<float>(r3[x]);
    to[x] = sum;
  }
}

template <bool kFirst, typename T>
void AddUpToFour(const T* const* rows, const float* weights, int count, int width, float* to) {
  switch (count) {
    case 1:
      return AddSome<1, kFirst>(rows, weights, width, to);
    case 2:
      return AddSome<2, kFirst>(rows, weights, width, to);
    case 3:
      return AddSome<3, kFirst>(rows, weights, width, to);
    default:
      return AddSome<4, kFirst>(rows, weights, width, to);
  }
}

template <typename T>
void AddRowsOf(const T* const* rows, const float* weights, int count, int width, float* to) {
  AddUpToFour<true>(rows, weights, std::min(4, count), width, to);
  for (int k = 4; k < count; k += 4) {
    AddUpToFour<false>(rows + k, weights + k, std::min(4, count - k), width, to);
  }
}

void AddRows8(const uint8_t* const* rows, const float* weights, int count, int width, float* to) {
  AddRowsOf(rows, weights, count, width, to);
}
void AddRows16(const uint16_t* const* rows, const float* weights, int count, int width, float* to) {
  AddRowsOf(rows, weights, count, width, to);
}
void AddRowsF(const float* const* rows, const float* weights, int count, int width, float* to) {
  AddRowsOf(rows, weights, count, width, to);
}

void AddTaps(const float* HWY_RESTRICT from, const int32_t* HWY_RESTRICT begin,
             const float* HWY_RESTRICT weights, int taps, int width, float* HWY_RESTRICT to) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const int lanes = static_cast<int>(hn::Lanes(d));
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    auto index = hn::LoadU(di, begin + x);
    const float* weight = weights + x;
    auto sum = hn::Mul(hn::LoadU(d, weight), hn::GatherIndex(d, from, index));
    for (int k = 1; k < taps; ++k) {
      weight += width;
      sum = hn::Add(sum, hn::Mul(hn::LoadU(d, weight), hn::GatherIndex(d, from + k, index)));
    }
    hn::StoreU(sum, d, to + x);
  }
  for (; x < width; ++x) {
    float sum = weights[x] * from[begin[x]];
    for (int k = 1; k < taps; ++k) {
      sum = sum + weights[static_cast<int64_t>(k) * width + x] * from[begin[x] + k];
    }
    to[x] = sum;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::resample
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::resample {

HWY_EXPORT(AddRows8);
HWY_EXPORT(AddRows16);
HWY_EXPORT(AddRowsF);
HWY_EXPORT(AddTaps);

void AddRows(const uint8_t* const* rows, const float* weights, int count, int width, float* to) {
  HWY_DYNAMIC_DISPATCH(AddRows8)(rows, weights, count, width, to);
}
void AddRows(const uint16_t* const* rows, const float* weights, int count, int width, float* to) {
  HWY_DYNAMIC_DISPATCH(AddRows16)(rows, weights, count, width, to);
}
void AddRows(const float* const* rows, const float* weights, int count, int width, float* to) {
  HWY_DYNAMIC_DISPATCH(AddRowsF)(rows, weights, count, width, to);
}
void AddTaps(const float* from, const int32_t* begin, const float* weights, int taps, int width,
             float* to) {
  HWY_DYNAMIC_DISPATCH(AddTaps)(from, begin, weights, taps, width, to);
}

}  // namespace mdvt::resample
#endif  // HWY_ONCE
