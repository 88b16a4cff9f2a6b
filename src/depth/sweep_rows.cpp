// SPDX-License-Identifier: Apache-2.0
#include "sweep_rows.h"

#include <algorithm>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "depth/sweep_rows.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mdvt::sweep {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int kToSixteenths = 6;  // shift from 1/1024 to 1/16 pixel
constexpr int kRounding = 1 << (kToSixteenths - 1);

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE void Sample2(const WarpSource& source, const int32_t* u, const int32_t* v,
                        uint32_t* row) {
  for (int i = 0; i < 2; ++i) {
    const int x = (u[i] + kRounding) >> kToSixteenths, y = (v[i] + kRounding) >> kToSixteenths;
    const uint32_t* top = source.pixels + (y >> 4) * source.stride + (x >> 4);
    const uint32_t fx = static_cast<uint32_t>(x & 15), fy = static_cast<uint32_t>(y & 15);
    row[i] = 0;
    for (int k = 0; k < 32; k += 8) {
      const auto at = [&](ptrdiff_t place) { return (top[place] >> k) & 255; };
      const uint32_t left = at(0) * (16 - fy) + at(source.stride) * fy;
      const uint32_t right = at(1) * (16 - fy) + at(source.stride + 1) * fy;
      row[i] |= ((left * (16 - fx) + right * fx + 128) >> 8) << k;
    }
  }
}

#else

using D8 = hn::FixedTag<uint8_t, 8>;
using D16 = hn::FixedTag<uint16_t, 8>;
using V16 = hn::Vec<D16>;

// Two neighbours of four bytes each, blended between two rows: 16 times their value.
HWY_INLINE V16 Vertical(const uint32_t* top, ptrdiff_t stride, int fraction) {
  const D8 d8;
  const D16 d16;
  const V16 a = hn::PromoteTo(d16, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(top)));
  const V16 b = hn::PromoteTo(d16, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(top + stride)));
  return hn::Add(hn::ShiftLeft<4>(a),
                 hn::Mul(hn::Sub(b, a), hn::Set(d16, static_cast<uint16_t>(fraction))));
}

HWY_INLINE void Sample2(const WarpSource& source, const int32_t* u, const int32_t* v,
                        uint32_t* row) {
  const D16 d16;
  const int ua = (u[0] + kRounding) >> kToSixteenths, va = (v[0] + kRounding) >> kToSixteenths;
  const int ub = (u[1] + kRounding) >> kToSixteenths, vb = (v[1] + kRounding) >> kToSixteenths;
  const V16 a =
      Vertical(source.pixels + (va >> 4) * source.stride + (ua >> 4), source.stride, va & 15);
  const V16 b =
      Vertical(source.pixels + (vb >> 4) * source.stride + (ub >> 4), source.stride, vb & 15);
  const V16 left = hn::ConcatLowerLower(d16, b, a), right = hn::ConcatUpperUpper(d16, b, a);
  const V16 fraction = hn::ConcatLowerLower(d16, hn::Set(d16, static_cast<uint16_t>(ub & 15)),
                                            hn::Set(d16, static_cast<uint16_t>(ua & 15)));
  const V16 sum = hn::Add(hn::Add(hn::ShiftLeft<4>(left), hn::Mul(hn::Sub(right, left), fraction)),
                          hn::Set(d16, 128));
  const hn::RebindToSigned<D16> di16;
  const D8 d8;
  hn::StoreU(hn::DemoteTo(d8, hn::BitCast(di16, hn::ShiftRight<8>(sum))), d8,
             reinterpret_cast<uint8_t*>(row));
}

#endif

void Warp(const WarpSource& source, const int32_t* anchors, int width, uint32_t* row, int* begin,
          int* end) {
  const int32_t last_u = (source.width - 1) * kUnit, last_v = (source.height - 1) * kUnit;
  const auto inside = [&](int32_t u, int32_t v) {
    return u >= 0 && v >= 0 && u <= last_u && v <= last_v;
  };
  *begin = width;
  *end = 0;
  HWY_ALIGN int32_t u[kAnchorStep + 2];
  HWY_ALIGN int32_t v[kAnchorStep + 2];
  for (int x0 = 0; x0 < width; x0 += kAnchorStep, anchors += 2) {
    if (anchors[0] == kNowhere || anchors[2] == kNowhere) continue;
    const int count = std::min(kAnchorStep, width - x0);
    const int32_t ua = anchors[0], va = anchors[1], du = anchors[2] - ua, dv = anchors[3] - va;
    for (int k = 0; k < kAnchorStep; ++k) {
      u[k] = ua + ((du * k) >> 5);
      v[k] = va + ((dv * k) >> 5);
    }
    int first = 0, last = count;
    while (first < last && !inside(u[first], v[first])) ++first;
    while (last > first && !inside(u[last - 1], v[last - 1])) --last;
    if (first == last) continue;
    *begin = std::min(*begin, x0 + first);
    *end = x0 + last;
    int k = first;
    for (; k + 2 <= last; k += 2) Sample2(source, u + k, v + k, row + x0 + k);
    if (k < last) {
      const int32_t uu[2] = {u[k], u[k]}, vv[2] = {v[k], v[k]};
      uint32_t both[2];
      Sample2(source, uu, vv, both);
      row[x0 + k] = both[0];
    }
  }
  if (*begin >= *end) *begin = *end = 0;
}

void Difference(const uint32_t* a, const uint32_t* b, int width, int begin, int end, int most,
                int outside, uint16_t* cost) {
  std::fill(cost, cost + begin, static_cast<uint16_t>(outside));
  int x = begin;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<uint8_t> d8;
  const hn::RepartitionToWide<decltype(d8)> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::RebindToSigned<decltype(d32)> di32;
  const hn::Rebind<uint16_t, decltype(d32)> half;
  const int lanes = static_cast<int>(hn::Lanes(d32));
  const auto limit = hn::Set(d32, static_cast<uint32_t>(most));
  for (; x + lanes <= end; x += lanes) {
    const auto p = hn::BitCast(d8, hn::LoadU(d32, a + x));
    const auto q = hn::BitCast(d8, hn::LoadU(d32, b + x));
    const auto both = hn::BitCast(d16, hn::Or(hn::SaturatedSub(p, q), hn::SaturatedSub(q, p)));
    const auto pairs =
        hn::BitCast(d32, hn::Add(hn::And(both, hn::Set(d16, 0xff)), hn::ShiftRight<8>(both)));
    const auto all = hn::Add(hn::And(pairs, hn::Set(d32, 0xffff)), hn::ShiftRight<16>(pairs));
    hn::StoreU(hn::DemoteTo(half, hn::BitCast(di32, hn::Min(all, limit))), half, cost + x);
  }
#endif
  for (; x < end; ++x) {
    int sum = 0;
    for (int k = 0; k < 32; k += 8) {
      const int d = static_cast<int>((a[x] >> k) & 255) - static_cast<int>((b[x] >> k) & 255);
      sum += d < 0 ? -d : d;
    }
    cost[x] = static_cast<uint16_t>(std::min(sum, most));
  }
  std::fill(cost + std::max(begin, end), cost + width, static_cast<uint16_t>(outside));
}

// The following are simple enough for the compiler to vectorise for each target by itself.
void Box(const uint16_t* HWY_RESTRICT above, const uint16_t* HWY_RESTRICT here,
         const uint16_t* HWY_RESTRICT below, int width, uint16_t* HWY_RESTRICT scratch,
         uint16_t* HWY_RESTRICT sum) {
  for (int x = 0; x < width; ++x)
    scratch[x + 1] = static_cast<uint16_t>(above[x] + here[x] + below[x]);
  scratch[0] = scratch[1];
  scratch[width + 1] = scratch[width];
  for (int x = 0; x < width; ++x)
    sum[x] = static_cast<uint16_t>(scratch[x] + scratch[x + 1] + scratch[x + 2]);
}

void Keep(const uint16_t* HWY_RESTRICT row, int width, int kept, ptrdiff_t stride,
          uint16_t* HWY_RESTRICT sorted) {
  constexpr int kBlock = 64;
  uint16_t moving[kBlock];
  for (int x0 = 0; x0 < width; x0 += kBlock) {
    const int n = std::min(kBlock, width - x0);
    for (int x = 0; x < n; ++x) moving[x] = row[x0 + x];
    for (int k = 0; k < kept; ++k) {
      uint16_t* HWY_RESTRICT level = sorted + k * stride + x0;
      for (int x = 0; x < n; ++x) {
        const uint16_t a = level[x], b = moving[x];
        level[x] = a < b ? a : b;
        moving[x] = a < b ? b : a;
      }
    }
  }
}

void Join(const uint16_t* HWY_RESTRICT sorted, int width, int kept, ptrdiff_t stride,
          uint32_t factor, uint8_t* HWY_RESTRICT cost) {
  constexpr int kBlock = 64;
  uint32_t sums[kBlock];
  for (int x0 = 0; x0 < width; x0 += kBlock) {
    const int n = std::min(kBlock, width - x0);
    for (int x = 0; x < n; ++x) sums[x] = sorted[x0 + x];
    for (int k = 1; k < kept; ++k)
      for (int x = 0; x < n; ++x) sums[x] += sorted[k * stride + x0 + x];
    for (int x = 0; x < n; ++x) {
      const uint32_t value = (sums[x] * factor) >> 16;
      cost[x0 + x] = static_cast<uint8_t>(value < 255 ? value : 255);
    }
  }
}

void Turn(const uint8_t* HWY_RESTRICT from, int planes, int width, ptrdiff_t stride,
          uint8_t* HWY_RESTRICT to) {
  constexpr int kBlock = 16;
  for (int d0 = 0; d0 < planes; d0 += kBlock)
    for (int x0 = 0; x0 < width; x0 += kBlock) {
      const int n = std::min(kBlock, width - x0);
      for (int x = 0; x < n; ++x) {
        uint8_t* HWY_RESTRICT out = to + static_cast<ptrdiff_t>(x0 + x) * planes + d0;
        const uint8_t* HWY_RESTRICT in = from + d0 * stride + x0 + x;
        for (int d = 0; d < kBlock; ++d) out[d] = in[d * stride];
      }
    }
}

using DP = hn::CappedTag<uint16_t, 16>;  // planes are a multiple of 16
using VP = hn::Vec<DP>;

template <bool kAdd>
HWY_INLINE uint16_t Step(const PathStep& step, const uint8_t* HWY_RESTRICT cost,
                         const uint16_t* HWY_RESTRICT before, uint16_t lowest, uint16_t large,
                         uint16_t* HWY_RESTRICT after, uint16_t* HWY_RESTRICT sum) {
  const DP d;
  const hn::Rebind<uint8_t, DP> d8;
  const int lanes = static_cast<int>(hn::Lanes(d));
  const VP base = hn::Set(d, lowest), small = hn::Set(d, step.small);
  const VP jump = hn::Add(base, hn::Set(d, large));
  VP least = hn::Set(d, 0x7fff);
  for (int k = 0; k < step.planes; k += lanes) {
    const VP same = hn::LoadU(d, before + k);
    const VP next = hn::Min(hn::LoadU(d, before + k - 1), hn::LoadU(d, before + k + 1));
    const VP way = hn::Sub(hn::Min(hn::Min(same, hn::Add(next, small)), jump), base);
    const VP path = hn::Add(way, hn::PromoteTo(d, hn::LoadU(d8, cost + k)));
    least = hn::Min(least, path);
    hn::StoreU(path, d, after + k);
    if (kAdd)
      hn::StoreU(hn::Add(hn::LoadU(d, sum + k), path), d, sum + k);
    else
      hn::StoreU(path, d, sum + k);
  }
  return hn::GetLane(hn::MinOfLanes(d, least));
}

void RowPaths(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
              uint16_t* scratch, uint16_t* sum) {
  const int planes = step.planes;
  uint16_t* a = scratch + kPathPadding;
  uint16_t* b = a + planes + 2 * kPathPadding;
  std::fill(a, a + planes, uint16_t{0});
  uint16_t lowest = 0;
  for (int x = 0; x < width; ++x) {
    const ptrdiff_t at = static_cast<ptrdiff_t>(x) * planes;
    lowest = Step<false>(step, cost + at, a, lowest, x > 0 ? large[x - 1] : 0, b, sum + at);
    std::swap(a, b);
  }
  std::fill(a, a + planes, uint16_t{0});
  lowest = 0;
  for (int x = width - 1; x >= 0; --x) {
    const ptrdiff_t at = static_cast<ptrdiff_t>(x) * planes;
    lowest = Step<true>(step, cost + at, a, lowest, large[x], b, sum + at);
    std::swap(a, b);
  }
}

void RowOfPaths(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
                const uint16_t* before, uint16_t* after, uint16_t* lowest, uint16_t* sum) {
  const int room = step.planes + 2 * kPathPadding;
  for (int x = 0; x < width; ++x) {
    const ptrdiff_t at = static_cast<ptrdiff_t>(x) * step.planes;
    const ptrdiff_t path = static_cast<ptrdiff_t>(x) * room + kPathPadding;
    lowest[x] =
        Step<true>(step, cost + at, before + path, lowest[x], large[x], after + path, sum + at);
  }
}

void Pick(const uint16_t* sum, const uint8_t* cost, int planes, int width, Winner* winners) {
  const DP d;
  const int lanes = static_cast<int>(hn::Lanes(d));
  HWY_ALIGN uint16_t others[256 + 16];
  const auto least_of = [&](const uint16_t* values) {
    VP least = hn::LoadU(d, values);
    for (int k = lanes; k < planes; k += lanes) least = hn::Min(least, hn::LoadU(d, values + k));
    return hn::GetLane(hn::MinOfLanes(d, least));
  };
  for (int x = 0; x < width; ++x, sum += planes, cost += planes) {
    const uint16_t least = least_of(sum);
    int best = 0;
    while (sum[best] != least) ++best;
    std::memcpy(others, sum, sizeof(uint16_t) * static_cast<size_t>(planes));
    for (int k = std::max(0, best - 2); k <= std::min(planes - 1, best + 2); ++k)
      others[k] = 0xffff;
    int place = best * 256;
    if (best > 0 && best + 1 < planes) {
      const int before = sum[best - 1] - least, after = sum[best + 1] - least;
      if (before + after > 0) place += 128 * (before - after) / (before + after);
    }
    winners[x].plane = static_cast<uint16_t>(place);
    winners[x].margin = static_cast<uint16_t>(least_of(others) - least);
    winners[x].cost = cost[best];
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::sweep
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::sweep {

HWY_EXPORT(Warp);
HWY_EXPORT(Difference);
HWY_EXPORT(Box);
HWY_EXPORT(Keep);
HWY_EXPORT(Join);
HWY_EXPORT(Turn);
HWY_EXPORT(RowPaths);
HWY_EXPORT(RowOfPaths);
HWY_EXPORT(Pick);

void WarpRow(const WarpSource& source, const int32_t* anchors, int width, uint32_t* row, int* begin,
             int* end) {
  HWY_DYNAMIC_DISPATCH(Warp)(source, anchors, width, row, begin, end);
}
void DifferenceRow(const uint32_t* a, const uint32_t* b, int width, int begin, int end, int most,
                   int outside, uint16_t* cost) {
  HWY_DYNAMIC_DISPATCH(Difference)(a, b, width, begin, end, most, outside, cost);
}
void BoxRow(const uint16_t* above, const uint16_t* here, const uint16_t* below, int width,
            uint16_t* scratch, uint16_t* sum) {
  HWY_DYNAMIC_DISPATCH(Box)(above, here, below, width, scratch, sum);
}
void KeepSmallest(const uint16_t* row, int width, int kept, ptrdiff_t stride, uint16_t* sorted) {
  HWY_DYNAMIC_DISPATCH(Keep)(row, width, kept, stride, sorted);
}
void JoinRow(const uint16_t* sorted, int width, int kept, ptrdiff_t stride, uint32_t factor,
             uint8_t* cost) {
  HWY_DYNAMIC_DISPATCH(Join)(sorted, width, kept, stride, factor, cost);
}
void Transpose(const uint8_t* from, int planes, int width, ptrdiff_t from_stride, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(Turn)(from, planes, width, from_stride, to);
}
void StartPath(int planes, uint16_t* path) {
  std::fill(path, path + planes + 2 * kPathPadding, uint16_t{0});
  // No plane beyond the ends: too dear, and far from overflowing.
  path[kPathPadding - 1] = path[kPathPadding + planes] = 0x7000;
}
void BothWays(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
              uint16_t* scratch, uint16_t* sum) {
  HWY_DYNAMIC_DISPATCH(RowPaths)(step, cost, width, large, scratch, sum);
}
void Across(const PathStep& step, const uint8_t* cost, int width, const uint16_t* large,
            const uint16_t* before, uint16_t* after, uint16_t* lowest, uint16_t* sum) {
  HWY_DYNAMIC_DISPATCH(RowOfPaths)(step, cost, width, large, before, after, lowest, sum);
}
void Choose(const uint16_t* sum, const uint8_t* cost, int planes, int width, Winner* winners) {
  HWY_DYNAMIC_DISPATCH(Pick)(sum, cost, planes, width, winners);
}

}  // namespace mdvt::sweep
#endif  // HWY_ONCE
