// SPDX-License-Identifier: Apache-2.0
#include "map_rows.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "depth/map_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mdvt::maps {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void Invert(int width, float* row) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF zero = hn::Zero(df), one = hn::Set(df, 1.0f), nan = hn::Set(df, kNan);
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const VF z = hn::LoadU(df, row + x);
    hn::StoreU(hn::IfThenElse(hn::Gt(z, zero), hn::Div(one, z), nan), df, row + x);
  }
  for (; x < width; ++x) row[x] = row[x] > 0 ? 1.0f / row[x] : kNan;
}

void Extend(const float* row, int width, Extremes* all) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF infinity = hn::Set(df, kInfinity), minus_infinity = hn::Set(df, -kInfinity);
  VF lo = infinity, hi = minus_infinity;
  const auto single = [&](float value) {
    if (!(std::fabs(value) < kInfinity)) {
      all->minus_infinities += value < 0;
      return;
    }
    all->lo = value < all->lo ? value : all->lo;
    all->hi = value > all->hi ? value : all->hi;
    ++all->count;
  };
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const VF v = hn::LoadU(df, row + x);
    if (HWY_LIKELY(hn::AllTrue(df, hn::Lt(hn::Abs(v), infinity)))) {
      lo = hn::Min(lo, v);
      hi = hn::Max(hi, v);
      all->count += lanes;
    } else {
      for (int i = 0; i < lanes; ++i) single(row[x + i]);
    }
  }
  for (; x < width; ++x) single(row[x]);
  const float least = hn::GetLane(hn::MinOfLanes(df, lo));
  const float most = hn::GetLane(hn::MaxOfLanes(df, hi));
  all->lo = least < all->lo ? least : all->lo;
  all->hi = most > all->hi ? most : all->hi;
}

void Count(const float* row, int width, float first, float scale, int num_bins, uint32_t* bins) {
  const DF df;
  const DI di;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const float last = static_cast<float>(num_bins);
  const VF first_v = hn::Set(df, first), scale_v = hn::Set(df, scale), last_v = hn::Set(df, last);
  const auto below = hn::Set(di, -1);
  HWY_ALIGN int32_t places[hn::MaxLanes(di)];
  ++bins;
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const VF place = hn::Mul(hn::Sub(hn::LoadU(df, row + x), first_v), scale_v);
    const VF inside = hn::IfThenElse(hn::Lt(place, last_v), place, last_v);
    const auto index = hn::IfThenElse(hn::RebindMask(di, hn::Ge(inside, hn::Zero(df))),
                                      hn::ConvertTo(di, inside), below);
    const int32_t head = hn::GetLane(index);
    // Even areas: one addition in place of many that wait for each other.
    if (hn::AllTrue(di, hn::Eq(index, hn::Set(di, head)))) {
      bins[head] += static_cast<uint32_t>(lanes);
      continue;
    }
    hn::Store(index, di, places);
    for (int i = 0; i < lanes; ++i) ++bins[places[i]];
  }
  for (; x < width; ++x) {
    const float place = (row[x] - first) * scale;
    const float inside = place < last ? place : last;
    ++bins[inside >= 0 ? static_cast<int>(inside) : -1];
  }
}

// The order of the arguments makes NaN 0.
HWY_INLINE VF Normalized(VF v, VF lo, VF scale) {
  const DF df;
  const VF value = hn::Mul(hn::Sub(v, lo), scale), one = hn::Set(df, 1.0f);
  return hn::IfThenElseZero(hn::Gt(value, hn::Zero(df)),
                            hn::IfThenElse(hn::Lt(value, one), value, one));
}
HWY_INLINE float Normalized(float v, const Normal& normal) {
  const float value = (v - normal.lo) * normal.scale;
  return value > 0 ? (value < 1 ? value : 1.0f) : 0.0f;
}

void Normalize(const Normal& normal, int width, float* row) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF lo = hn::Set(df, normal.lo), scale = hn::Set(df, normal.scale);
  int x = 0;
  for (; x + lanes <= width; x += lanes)
    hn::StoreU(Normalized(hn::LoadU(df, row + x), lo, scale), df, row + x);
  for (; x < width; ++x) row[x] = Normalized(row[x], normal);
}

// These loops are simple enough for the compiler to vectorise for each target by itself.
template <typename T>
void Motion(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, int width, int shift,
            uint16_t* HWY_RESTRICT scratch, uint16_t* HWY_RESTRICT sums) {
  uint16_t* change = scratch + kReach;
  for (int x = 0; x < width; ++x) {
    const T difference = static_cast<T>(a[x] > b[x] ? a[x] - b[x] : b[x] - a[x]);
    change[x] = static_cast<uint16_t>(difference >> shift);
  }
  for (int k = 0; k < kReach; ++k) {
    scratch[k] = change[0];
    change[width + k] = change[width - 1];
  }
  static_assert(kWindow == 7);
  for (int x = 0; x < width; ++x) {
    sums[x] = static_cast<uint16_t>(scratch[x] + scratch[x + 1] + scratch[x + 2] + scratch[x + 3] +
                                    scratch[x + 4] + scratch[x + 5] + scratch[x + 6]);
  }
}
void Motion8(const uint8_t* a, const uint8_t* b, int width, int shift, uint16_t* scratch,
             uint16_t* sums) {
  Motion(a, b, width, shift, scratch, sums);
}
void Motion16(const uint16_t* a, const uint16_t* b, int width, int shift, uint16_t* scratch,
              uint16_t* sums) {
  Motion(a, b, width, shift, scratch, sums);
}

void Move(const uint16_t* HWY_RESTRICT added, const uint16_t* HWY_RESTRICT dropped, int width,
          uint16_t* HWY_RESTRICT sums) {
  for (int x = 0; x < width; ++x) sums[x] = static_cast<uint16_t>(sums[x] + added[x] - dropped[x]);
}

constexpr float kPerSum = 1.0f / (kWindow * kWindow);

void Smooth(const Smoothing& smoothing, const float* HWY_RESTRICT past,
            const uint16_t* HWY_RESTRICT motion, int width, float* HWY_RESTRICT row) {
  const DF df;
  const DI di;
  const hn::Rebind<uint16_t, DF> du;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF lo = hn::Set(df, smoothing.normal.lo), scale = hn::Set(df, smoothing.normal.scale);
  const VF alpha = hn::Set(df, smoothing.alpha), still = hn::Set(df, smoothing.still);
  const VF slope = hn::Set(df, smoothing.slope), per_sum = hn::Set(df, kPerSum);
  const VF zero = hn::Zero(df), one = hn::Set(df, 1.0f);
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const VF now = Normalized(hn::LoadU(df, row + x), lo, scale);
    VF weight = alpha;
    if (motion != nullptr) {
      const VF sum = hn::ConvertTo(df, hn::PromoteTo(di, hn::LoadU(du, motion + x)));
      const VF moves = hn::Mul(hn::Sub(hn::Mul(sum, per_sum), still), slope);
      weight = hn::Mul(alpha, hn::Sub(one, hn::Min(hn::Max(moves, zero), one)));
    }
    const VF change = hn::Mul(weight, hn::Sub(hn::LoadU(df, past + x), now));
    hn::StoreU(hn::Add(now, change), df, row + x);
  }
  for (; x < width; ++x) {
    const float now = Normalized(row[x], smoothing.normal);
    float weight = smoothing.alpha;
    if (motion != nullptr) {
      const float moves =
          (static_cast<float>(motion[x]) * kPerSum - smoothing.still) * smoothing.slope;
      weight = smoothing.alpha * (1 - (moves > 0 ? (moves < 1 ? moves : 1.0f) : 0.0f));
    }
    row[x] = now + weight * (past[x] - now);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::maps
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::maps {

HWY_EXPORT(Invert);
HWY_EXPORT(Extend);
HWY_EXPORT(Count);
HWY_EXPORT(Normalize);
HWY_EXPORT(Motion8);
HWY_EXPORT(Motion16);
HWY_EXPORT(Move);
HWY_EXPORT(Smooth);

void InvertRow(int width, float* row) { HWY_DYNAMIC_DISPATCH(Invert)(width, row); }
void FindExtremes(const float* row, int width, Extremes* all) {
  HWY_DYNAMIC_DISPATCH(Extend)(row, width, all);
}
void CountRow(const float* row, int width, float first, float scale, int num_bins, uint32_t* bins) {
  HWY_DYNAMIC_DISPATCH(Count)(row, width, first, scale, num_bins, bins);
}
void NormalizeRow(const Normal& normal, int width, float* row) {
  HWY_DYNAMIC_DISPATCH(Normalize)(normal, width, row);
}
void MotionRow(const uint8_t* a, const uint8_t* b, int width, int shift, uint16_t* scratch,
               uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(Motion8)(a, b, width, shift, scratch, sums);
}
void MotionRow(const uint16_t* a, const uint16_t* b, int width, int shift, uint16_t* scratch,
               uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(Motion16)(a, b, width, shift, scratch, sums);
}
void MoveSums(const uint16_t* added, const uint16_t* dropped, int width, uint16_t* sums) {
  HWY_DYNAMIC_DISPATCH(Move)(added, dropped, width, sums);
}
void SmoothRow(const Smoothing& smoothing, const float* past, const uint16_t* motion, int width,
               float* row) {
  HWY_DYNAMIC_DISPATCH(Smooth)(smoothing, past, motion, width, row);
}

}  // namespace mdvt::maps
#endif  // HWY_ONCE
