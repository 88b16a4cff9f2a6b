// SPDX-License-Identifier: Apache-2.0
#include "io/color_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "io/color_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "core/samples-inl.h"

// Most loops are simple enough for the compiler to vectorise for each target by itself.
HWY_BEFORE_NAMESPACE();
namespace mdvt::ff {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void Load8(const uint8_t* HWY_RESTRICT from, int width, float scale, float offset,
           float* HWY_RESTRICT to) {
  for (int i = 0; i < width; ++i) to[i] = static_cast<float>(from[i]) * scale + offset;
}

void Load16(const uint16_t* HWY_RESTRICT from, int width, float scale, float offset,
            float* HWY_RESTRICT to) {
  for (int i = 0; i < width; ++i) to[i] = static_cast<float>(from[i]) * scale + offset;
}

template <typename T>
HWY_INLINE T ToCode(float value, float max) {
  value = value > 0.0f ? value : 0.0f;
  value = value < max ? value : max;
  return static_cast<T>(static_cast<int32_t>(value + 0.5f));
}

// vector(i) gives the values from i on, single(i) one of those at the end.
template <typename T, class Vector, class Single>
HWY_INLINE void StoreAs(int width, float max, const Vector& vector, const Single& single,
                        T* HWY_RESTRICT to) {
  using namespace samples::HWY_NAMESPACE;
  const int lanes = static_cast<int>(hn::Lanes(DF()));
  const VF top = hn::Set(DF(), max);
  int i = 0;
  for (; i + 2 * lanes <= width; i += 2 * lanes)
    StoreTwo(ToSamples(vector(i), top), ToSamples(vector(i + lanes), top), to + i);
  for (; i < width; ++i) to[i] = ToCode<T>(single(i), max);
}

template <typename T>
void StoreRow(const float* HWY_RESTRICT from, int width, float max, T* HWY_RESTRICT to) {
  const hn::ScalableTag<float> df;
  StoreAs(
      width, max, [&](int i) HWY_ATTR { return hn::LoadU(df, from + i); },
      [&](int i) HWY_ATTR { return from[i]; }, to);
}

void Store8(const float* from, int width, uint8_t* to) { StoreRow(from, width, 255.0f, to); }
void Store16(const float* from, int width, float max, uint16_t* to) {
  StoreRow(from, width, max, to);
}

void Blend(const float* HWY_RESTRICT a, float wa, const float* HWY_RESTRICT b, float wb, int width,
           float* HWY_RESTRICT to) {
  for (int i = 0; i < width; ++i) to[i] = a[i] * wa + b[i] * wb;
}

void Upsample(const float* HWY_RESTRICT from, const UpsamplingWeights& weights, int width,
              float* HWY_RESTRICT to) {
  const hn::ScalableTag<float> df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const auto even0 = hn::Set(df, weights.even[0]), even1 = hn::Set(df, weights.even[1]);
  const auto odd0 = hn::Set(df, weights.odd[0]), odd1 = hn::Set(df, weights.odd[1]);
  const float* shifted = from + weights.first;
  int k = 0;
  for (; 2 * (k + lanes) <= width; k += lanes) {
    const auto even = hn::Add(hn::Mul(hn::LoadU(df, shifted + k), even0),
                              hn::Mul(hn::LoadU(df, shifted + k + 1), even1));
    const auto odd =
        hn::Add(hn::Mul(hn::LoadU(df, from + k), odd0), hn::Mul(hn::LoadU(df, from + k + 1), odd1));
    hn::StoreInterleaved2(even, odd, df, to + 2 * k);
  }
  for (; 2 * k < width; ++k) {
    to[2 * k] = shifted[k] * weights.even[0] + shifted[k + 1] * weights.even[1];
    if (2 * k + 1 < width) to[2 * k + 1] = from[k] * weights.odd[0] + from[k + 1] * weights.odd[1];
  }
}

void Mix(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, const float* HWY_RESTRICT c,
         const float m[4], int width, float* HWY_RESTRICT to) {
  const float m0 = m[0], m1 = m[1], m2 = m[2], m3 = m[3];
  for (int i = 0; i < width; ++i) to[i] = a[i] * m0 + b[i] * m1 + c[i] * m2 + m3;
}

template <typename T>
void MixAs(const float* HWY_RESTRICT a, const float* HWY_RESTRICT b, const float* HWY_RESTRICT c,
           const float m[4], int width, float max, T* HWY_RESTRICT to) {
  const hn::ScalableTag<float> df;
  const auto m0 = hn::Set(df, m[0]), m1 = hn::Set(df, m[1]), m2 = hn::Set(df, m[2]);
  const auto m3 = hn::Set(df, m[3]);
  StoreAs(
      width, max,
      [&](int i) HWY_ATTR {
        const auto ab =
            hn::Add(hn::Mul(hn::LoadU(df, a + i), m0), hn::Mul(hn::LoadU(df, b + i), m1));
        return hn::Add(hn::Add(ab, hn::Mul(hn::LoadU(df, c + i), m2)), m3);
      },
      [&](int i) HWY_ATTR { return a[i] * m[0] + b[i] * m[1] + c[i] * m[2] + m[3]; }, to);
}

void MixTo8(const float* a, const float* b, const float* c, const float m[4], int width,
            uint8_t* to) {
  MixAs(a, b, c, m, width, 255.0f, to);
}
void MixTo16(const float* a, const float* b, const float* c, const float m[4], int width, float max,
             uint16_t* to) {
  MixAs(a, b, c, m, width, max, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::ff
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::ff {

HWY_EXPORT(Load8);
HWY_EXPORT(Load16);
HWY_EXPORT(Store8);
HWY_EXPORT(Store16);
HWY_EXPORT(Blend);
HWY_EXPORT(Upsample);
HWY_EXPORT(Mix);
HWY_EXPORT(MixTo8);
HWY_EXPORT(MixTo16);

void LoadRow8(const uint8_t* from, int width, float scale, float offset, float* to) {
  HWY_DYNAMIC_DISPATCH(Load8)(from, width, scale, offset, to);
}
void LoadRow16(const uint16_t* from, int width, float scale, float offset, float* to) {
  HWY_DYNAMIC_DISPATCH(Load16)(from, width, scale, offset, to);
}
void StoreRow8(const float* from, int width, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(Store8)(from, width, to);
}
void StoreRow16(const float* from, int width, float max, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(Store16)(from, width, max, to);
}
void BlendRows(const float* a, float wa, const float* b, float wb, int width, float* to) {
  HWY_DYNAMIC_DISPATCH(Blend)(a, wa, b, wb, width, to);
}
void UpsampleRow(const float* from, const UpsamplingWeights& weights, int width, float* to) {
  HWY_DYNAMIC_DISPATCH(Upsample)(from, weights, width, to);
}
void MixRows(const float* a, const float* b, const float* c, const float m[4], int width,
             float* to) {
  HWY_DYNAMIC_DISPATCH(Mix)(a, b, c, m, width, to);
}
void MixToRow8(const float* a, const float* b, const float* c, const float m[4], int width,
               uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(MixTo8)(a, b, c, m, width, to);
}
void MixToRow16(const float* a, const float* b, const float* c, const float m[4], int width,
                float max, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(MixTo16)(a, b, c, m, width, max, to);
}

}  // namespace mdvt::ff
#endif  // HWY_ONCE
