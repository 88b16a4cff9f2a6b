// SPDX-License-Identifier: Apache-2.0
//
// The row kernels for every instruction set. Each block of samples takes the first of these ways
// that it qualifies for; all give the bytes of row_math.h:
//   straight   the samples map one to one (most of any picture): plain vector loads and stores
//   gathered   one surface, but stretched or squeezed: gathered loads
//   single     cuts or holes: the definition, sample by sample
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "stereo/row_kernels_simd.cpp"
#include "hwy/foreach_target.h"
// foreach_target.h must come before highway.h
#include "core/samples-inl.h"
#include "hwy/highway.h"
#include "stereo/row_kernels.h"
#include "stereo/row_math.h"

HWY_BEFORE_NAMESPACE();
namespace mdvt::stereo::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using samples::HWY_NAMESPACE::DF;
using samples::HWY_NAMESPACE::DI;
using samples::HWY_NAMESPACE::ToSamples;
using samples::HWY_NAMESPACE::VF;
using samples::HWY_NAMESPACE::VI;

template <typename T>
using Narrow = hn::Rebind<T, DF>;

HWY_INLINE VF Widen(hn::Vec<Narrow<uint8_t>> v) {
  return hn::ConvertTo(DF(), hn::PromoteTo(DI(), v));
}
HWY_INLINE VF Widen(hn::Vec<Narrow<uint16_t>> v) {
  return hn::ConvertTo(DF(), hn::PromoteTo(DI(), v));
}

template <typename T>
void LoadSamples(const void* src, int width, float* HWY_RESTRICT row) {
  const DF df;
  const Narrow<T> dt;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const T* samples = static_cast<const T*>(src);
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    hn::StoreU(Widen(hn::LoadU(dt, samples + x)), df, row + x);
  }
  for (; x < width; ++x) row[x] = static_cast<float>(samples[x]);
}

void LoadRow(const void* src, int bytes_per_sample, int width, float* row) {
  bytes_per_sample == 1 ? LoadSamples<uint8_t>(src, width, row)
                        : LoadSamples<uint16_t>(src, width, row);
  std::fill(row - kRowPad, row, row[0]);
  std::fill(row + width, row + width + kRowPad, row[width - 1]);
}

// The lowest bits of a mask, lane 0 first.
template <class M>
HWY_INLINE uint64_t MaskBits(M mask) {
  uint8_t bytes[8] = {};
  hn::StoreMaskBits(DF(), mask, bytes);
  uint64_t bits;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
}

// The map's values as the tear rule compares them.
template <bool kInverse>
HWY_INLINE VF MapValues(const float* HWY_RESTRICT map) {
  const DF df;
  const VF value = hn::LoadU(df, map);
  if (!kInverse) return value;
  const VF least = hn::Set(df, kLeastInverse);
  return hn::IfThenElse(hn::Lt(value, least), least, value);
}

template <bool kInverse>
void ShiftRowOf(const float* HWY_RESTRICT map, int width, const ShiftParams& params,
                float* HWY_RESTRICT shift, uint64_t* words) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  std::fill(words, words + CutBits::Words(width), 0);
  CutBits cuts(words);
  cuts.Set(-1);
  cuts.Set(width - 1);

  const VF k = hn::Set(df, params.k), offset = hn::Set(df, params.offset);
  const VF low = hn::Set(df, -params.limit), high = hn::Set(df, params.limit);
  const VF nan = hn::Set(df, NAN), zero = hn::Zero(df);
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const VF v = MapValues<kInverse>(map + x);
    const VF raw = hn::Sub(kInverse ? hn::Mul(k, v) : hn::Div(k, v), offset);
    // Written as std::min(std::max()) selects, so that NaN cannot differ between targets.
    VF s = hn::IfThenElse(hn::Lt(raw, low), low, raw);
    s = hn::IfThenElse(hn::Lt(high, s), high, s);
    hn::StoreU(kInverse ? s : hn::IfThenElse(hn::Gt(v, zero), s, nan), df, shift + x);
  }
  for (; x < width; ++x) shift[x] = ShiftOf(map[x], params);

  const VF tear_shift = hn::Set(df, params.tear ? params.tear_shift : INFINITY);
  const VF tear_depth = hn::Set(df, params.tear_depth);
  for (x = 0; x + lanes < width; x += lanes) {
    const VF s0 = hn::LoadU(df, shift + x), s1 = hn::LoadU(df, shift + x + 1);
    const VF step = hn::Abs(hn::Sub(s1, s0));
    // Not "<=", so that NaN (no data) counts as torn here and is told from a tear below.
    const auto calm = hn::Le(step, tear_shift);
    if (HWY_LIKELY(hn::AllTrue(df, calm))) continue;
    const VF v0 = MapValues<kInverse>(map + x), v1 = MapValues<kInverse>(map + x + 1);
    const VF lesser = hn::IfThenElse(hn::Lt(v1, v0), v1, v0);
    const auto torn = hn::And(hn::Gt(step, tear_shift),
                              hn::Gt(hn::Abs(hn::Sub(v1, v0)), hn::Mul(tear_depth, lesser)));
    // Ne() is false for NaN on some targets, Eq() on all.
    const auto missing = hn::Not(hn::And(hn::Eq(s0, s0), hn::Eq(s1, s1)));
    const uint64_t bits = MaskBits(hn::Or(torn, missing));
    for (uint64_t rest = bits; rest != 0; rest &= rest - 1) {
      cuts.Set(x + static_cast<int>(hwy::Num0BitsBelowLS1Bit_Nonzero64(rest)));
    }
  }
  for (; x + 1 < width; ++x) {
    if (std::isnan(shift[x]) || std::isnan(shift[x + 1]) ||
        Torn(map[x], shift[x], map[x + 1], shift[x + 1], params)) {
      cuts.Set(x);
    }
  }
}

void ShiftRow(const float* map, int width, const ShiftParams& params, float* shift,
              uint64_t* words) {
  params.inverse ? ShiftRowOf<true>(map, width, params, shift, words)
                 : ShiftRowOf<false>(map, width, params, shift, words);
}

// The segments that start at the samples [i, i + lanes).
template <bool kLeft>
HWY_INLINE void DrawBlock(int i, const float* HWY_RESTRICT shift, const CutBits& cuts, int width,
                          float* HWY_RESTRICT origin) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  constexpr int kNext = kLeft ? -1 : 1;
  if (HWY_LIKELY(!cuts.Any(kLeft ? i - 1 : i, lanes))) {
    const VF one = hn::Set(df, 1.0f);
    const VF s0 = hn::LoadU(df, shift + i), s1 = hn::LoadU(df, shift + i + kNext);
    const VF whole = hn::Floor(s0), next_whole = hn::Floor(s1);
    const VF rest = hn::Sub(s0, whole);
    const VF length = hn::Max(hn::Add(one, hn::Sub(s0, s1)), hn::Set(df, 1e-6f));
    const VF forward = hn::Add(hn::Min(hn::Div(rest, length), one), whole);
    const float whole0 = hn::GetLane(whole);
    const VF first = hn::Set(df, whole0);
    // One to one: all land side by side, each on one target sample.
    if (HWY_LIKELY(hn::AllTrue(df, hn::And(hn::Eq(whole, first), hn::Eq(next_whole, first))))) {
      const int t = i - kNext * static_cast<int>(whole0);
      if (t <= -lanes || t >= width) return;
      hn::StoreU(kLeft ? hn::Neg(forward) : forward, df, origin + t);
      return;
    }
    // No, one or two targets each and no folds: lanes of the same whole shift still lie side by
    // side, and no two lanes meet.
    const VF count = hn::Add(one, hn::Sub(whole, next_whole));
    const VF zero = hn::Zero(df), two = hn::Set(df, 2.0f);
    if (hn::AllTrue(df, hn::And(hn::Ge(count, zero), hn::Le(count, two)))) {
      const int low = static_cast<int>(hn::GetLane(hn::MinOfLanes(df, whole)));
      const int high = static_cast<int>(hn::GetLane(hn::MaxOfLanes(df, whole)));
      const auto drawn = hn::Ge(count, one);
      const auto doubled = hn::Eq(count, two);
      const bool any_doubled = !hn::AllFalse(df, doubled);
      const VF second =
          hn::Sub(hn::Add(hn::Min(hn::Div(hn::Add(rest, one), length), one), whole), one);
      for (int v = low; v <= high; ++v) {
        const int t = i - kNext * v;
        if (t <= -lanes - 1 || t > width) continue;
        const auto group = hn::Eq(whole, hn::Set(df, static_cast<float>(v)));
        hn::BlendedStore(kLeft ? hn::Neg(forward) : forward, hn::And(group, drawn), df, origin + t);
        if (any_doubled) {
          hn::BlendedStore(kLeft ? hn::Neg(second) : second, hn::And(group, doubled), df,
                           origin + t + kNext);
        }
      }
      return;
    }
  }
  if (kLeft) {
    for (int n = lanes - 1; n >= 0; --n) {
      DrawSegment<true>(i + n, shift, cuts.Test(i + n - 1), width, origin);
    }
  } else {
    for (int n = 0; n < lanes; ++n) {
      DrawSegment<false>(i + n, shift, cuts.Test(i + n), width, origin);
    }
  }
}

void TraceRow(Eye eye, const float* shift, const uint64_t* words, int width, float* origin) {
  const int lanes = static_cast<int>(hn::Lanes(DF()));
  const CutBits cuts(const_cast<uint64_t*>(words));
  std::fill(origin - kRowPad, origin + width + kRowPad, HoleOf(eye));
  if (eye == Eye::kLeft) {
    int i = width;
    DrawSegment<true>(i--, shift, true, width, origin);
    for (; i - lanes >= 0; i -= lanes) {
      DrawBlock<true>(i - lanes + 1, shift, cuts, width, origin);
    }
    for (; i >= 0; --i) DrawSegment<true>(i, shift, cuts.Test(i - 1), width, origin);
  } else {
    int i = -1;
    DrawSegment<false>(i++, shift, true, width, origin);
    for (; i + lanes < width; i += lanes) DrawBlock<false>(i, shift, cuts, width, origin);
    for (; i < width; ++i) DrawSegment<false>(i, shift, cuts.Test(i), width, origin);
  }
}

HWY_INLINE VF ChromaOrigin(Eye eye, VF a, VF b) {
  const DF df;
  const VF mean = hn::Mul(hn::Set(df, 0.5f), hn::Add(a, b));
  const VF nearer = eye == Eye::kLeft ? hn::Min(a, b) : hn::Max(a, b);
  return hn::IfThenElse(hn::Le(hn::Abs(hn::Sub(a, b)), hn::Set(df, 1.0f)), mean, nearer);
}

void ChromaOrigins(Eye eye, const float* row0, const float* row1, int columns, int step,
                   int luma_width, int width, float* origin) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  int j = 0;
  if (step == 1) {
    for (; j + lanes <= width; j += lanes) {
      hn::StoreU(ChromaOrigin(eye, hn::LoadU(df, row0 + j), hn::LoadU(df, row1 + j)), df,
                 origin + j);
    }
  } else {
#if HWY_TARGET != HWY_SCALAR
    // (One lane has no even and odd ones.)
    const VF far = hn::Set(df, 1e8f), half = hn::Set(df, 0.5f);
    for (; 2 * (j + lanes) <= luma_width; j += lanes) {
      const VF a = ChromaOrigin(eye, hn::LoadU(df, row0 + 2 * j), hn::LoadU(df, row1 + 2 * j));
      const VF b = ChromaOrigin(eye, hn::LoadU(df, row0 + 2 * j + lanes),
                                hn::LoadU(df, row1 + 2 * j + lanes));
      const VF even = hn::ConcatEven(df, b, a), odd = hn::ConcatOdd(df, b, a);
      VF o;
      if (columns == 2) {
        o = ChromaOrigin(eye, even, odd);
      } else {
        o = hn::IfThenElse(hn::Gt(hn::Abs(even), far), odd, even);
      }
      o = hn::IfThenElse(hn::Gt(hn::Abs(o), far), o, hn::Mul(half, o));
      hn::StoreU(o, df, origin + j);
    }
#endif
  }
  for (; j < width; ++j) {
    origin[j] = ChromaOriginAt(eye, row0, row1, columns, step, luma_width, j);
  }
}

HWY_INLINE VF Cubic(VF pm, VF p0, VF p1, VF p2, VF f) {
  const DF df;
  const VF d0 = hn::Sub(p0, pm), d1 = hn::Sub(p1, p0), d2 = hn::Sub(p2, p1);
  const VF bend = hn::Sub(d1, d0);
  const VF c = hn::Sub(hn::Sub(d2, d1), bend);
  const VF inner = hn::Add(hn::Add(d0, d1), hn::Mul(f, hn::Add(hn::Sub(bend, c), hn::Mul(f, c))));
  return hn::Add(p0, hn::Mul(hn::Mul(hn::Set(df, 0.5f), f), inner));
}

// Four neighbouring source samples per lane, and the cuts before, between and behind the middle two
// in the bits 0, 1 and 2 of `cut`.
struct Taps {
  VF pm, p0, p1, p2;
  VI cut;
};

HWY_INLINE VI SampleTaps(const Taps& taps, VF f, VF split, VF max) {
  const DF df;
  const DI di;
  const auto is_cut = [&](int bit) HWY_ATTR {
    return hn::RebindMask(df, hn::TestBit(taps.cut, hn::Set(di, bit)));
  };
  const VF pm = hn::IfThenElse(is_cut(1), hn::Sub(hn::Add(taps.p0, taps.p0), taps.p1), taps.pm);
  const VF p2 = hn::IfThenElse(is_cut(4), hn::Sub(hn::Add(taps.p1, taps.p1), taps.p0), taps.p2);
  const VF smooth = Cubic(pm, taps.p0, taps.p1, p2, f);
  const VF nearest = hn::IfThenElse(hn::Lt(f, split), taps.p0, taps.p1);
  return ToSamples(hn::IfThenElse(is_cut(2), nearest, smooth), max);
}

HWY_INLINE VI ShiftDown(VI v, VI count) {
  const hn::RebindToUnsigned<DI> du;
  return hn::BitCast(DI(), hn::Shr(hn::BitCast(du, v), hn::BitCast(du, count)));
}

HWY_INLINE Taps GatherTaps(const float* HWY_RESTRICT row, const CutBits& cuts, VI i) {
  const DF df;
  const DI di;
  const VI bit = hn::Add(i, hn::Set(di, 63));  // of the cut before, in the row of bits
  const VI word =
      hn::GatherOffset(di, reinterpret_cast<const int32_t*>(cuts.words()), hn::ShiftRight<3>(bit));
  return {hn::GatherIndex(df, row - 1, i), hn::GatherIndex(df, row, i),
          hn::GatherIndex(df, row + 1, i), hn::GatherIndex(df, row + 2, i),
          ShiftDown(word, hn::And(bit, hn::Set(di, 7)))};
}

#if HWY_TARGET != HWY_SCALAR
// The samples row[k] of 2 * lanes neighbours.
HWY_INLINE VF Lookup(const float* HWY_RESTRICT row, VI k) {
  const DF df;
  const VF low = hn::LoadU(df, row), high = hn::LoadU(df, row + hn::Lanes(df));
#if HWY_TARGET == HWY_AVX3
  return VF{_mm512_permutex2var_ps(low.raw, k.raw, high.raw)};
#else
  const DI di;
  const VI half = hn::Set(di, static_cast<int>(hn::Lanes(di)));
  const auto indices = hn::IndicesFromVec(df, hn::And(k, hn::Sub(half, hn::Set(di, 1))));
  return hn::IfThenElse(hn::RebindMask(df, hn::Lt(k, half)), hn::TableLookupLanes(low, indices),
                        hn::TableLookupLanes(high, indices));
#endif
}
#endif

// The samples at row, where `next` at row + 1. No cut may be near.
HWY_INLINE VI SampleNear(const float* HWY_RESTRICT row, VF f, hn::Mask<DF> next, VF max) {
  const DF df;
  const VF r0 = hn::LoadU(df, row), r1 = hn::LoadU(df, row + 1), r2 = hn::LoadU(df, row + 2);
  const VF value =
      Cubic(hn::IfThenElse(next, r0, hn::LoadU(df, row - 1)), hn::IfThenElse(next, r1, r0),
            hn::IfThenElse(next, r2, r1), hn::IfThenElse(next, hn::LoadU(df, row + 3), r2), f);
  return ToSamples(value, max);
}

HWY_INLINE VI SampleStraight(const float* HWY_RESTRICT row, VF f, VF max) {
  const DF df;
  const VF value = Cubic(hn::LoadU(df, row - 1), hn::LoadU(df, row), hn::LoadU(df, row + 1),
                         hn::LoadU(df, row + 2), f);
  return ToSamples(value, max);
}

// Two blocks at once, if they lie on one surface and have one whole shift or two that follow each
// other. `base`: a whole shift to try first, so that loads need not wait for the right one; becomes
// that of the first sample.
template <typename T>
HWY_INLINE bool SampleTwo(const float* HWY_RESTRICT row, const float* HWY_RESTRICT origin,
                          const CutBits& cuts, VF max, int t, float* base, T* HWY_RESTRICT dst) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF one = hn::Set(df, 1.0f);
  const VF o0 = hn::LoadU(df, origin + t), o1 = hn::LoadU(df, origin + t + lanes);
  const auto straight = [&] HWY_ATTR {
    const VF whole = hn::Set(df, *base);
    const VF f0 = hn::Sub(o0, whole), f1 = hn::Sub(o1, whole);
    // What rounds to 1 does not matter: the other ways take it too.
    if (!hn::AllTrue(df,
                     hn::And(hn::Ge(hn::Min(f0, f1), hn::Zero(df)), hn::Lt(hn::Max(f0, f1), one))))
      return false;
    const int i = t + static_cast<int>(*base);
    if (cuts.Any(i - 1, 2 * lanes + 2)) return false;
    samples::HWY_NAMESPACE::StoreTwo(SampleStraight(row + i, f0, max),
                                     SampleStraight(row + i + lanes, f1, max), dst + t);
    return true;
  };
  if (HWY_LIKELY(straight())) return true;

  const VF whole0 = hn::Floor(o0), whole1 = hn::Floor(o1);
  const float first = hn::GetLane(whole0);
  if (HWY_UNLIKELY(IsHole(first))) return false;
  if (first != *base) {
    *base = first;
    if (straight()) return true;
  }
  const VF least = hn::Min(whole0, whole1), most = hn::Max(whole0, whole1);
  // The lower of the two shifts that may be there.
  const float low = hn::AllTrue(df, hn::Ge(least, hn::Set(df, first))) ? first : first - 1;
  const VF lower = hn::Set(df, low);
  if (!hn::AllTrue(df, hn::And(hn::Ge(least, lower), hn::Le(most, hn::Add(lower, one)))))
    return false;
  const int i = t + static_cast<int>(low);
  if (cuts.Any(i - 1, 2 * lanes + 3)) return false;
  samples::HWY_NAMESPACE::StoreTwo(
      SampleNear(row + i, hn::Sub(o0, whole0), hn::Gt(whole0, lower), max),
      SampleNear(row + i + lanes, hn::Sub(o1, whole1), hn::Gt(whole1, lower), max), dst + t);
  return true;
}

template <typename T>
HWY_INLINE void SampleBlock(const float* HWY_RESTRICT row, const float* HWY_RESTRICT origin,
                            const CutBits& cuts, const SampleParams& params, int t,
                            T* HWY_RESTRICT dst) {
  const DF df;
  const DI di;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF max = hn::Set(df, params.max_value);
  const auto store = [&](VI value) HWY_ATTR { samples::HWY_NAMESPACE::Store(value, dst + t); };
  const VF o = hn::LoadU(df, origin + t);
  const VF whole = hn::Floor(o);
  const float whole0 = hn::GetLane(whole);
  const bool one_shift = hn::AllTrue(df, hn::Eq(whole, hn::Set(df, whole0)));
  if (HWY_LIKELY(one_shift && !IsHole(whole0))) {
    const int i = t + static_cast<int>(whole0);
    if (HWY_LIKELY(!cuts.Any(i - 1, lanes + 2))) {
      store(SampleStraight(row + i, hn::Sub(o, whole), max));
      return;
    }
  }
  const VI black = hn::Set(di, params.black);
  if (one_shift && IsHole(whole0)) return store(black);

  const auto hole = hn::Gt(hn::Abs(o), hn::Set(df, 1e8f));
  const VF f = hn::Sub(o, whole);
  const VI i = hn::Add(hn::IfThenZeroElse(hn::RebindMask(di, hole), hn::ConvertTo(di, whole)),
                       hn::Iota(di, t));
  Taps taps;
  const int i0 = hn::GetLane(i);
#if HWY_TARGET != HWY_SCALAR
  const VI k = hn::Sub(i, hn::Set(di, i0));
  const int last = 2 * lanes - 4;  // so that the cuts fit 32 bits on every target
  if (HWY_LIKELY(
          hn::AllTrue(di, hn::And(hn::Gt(k, hn::Set(di, -1)), hn::Lt(k, hn::Set(di, last + 1)))))) {
    taps.pm = Lookup(row + i0 - 1, k);
    taps.p0 = Lookup(row + i0, k);
    taps.p1 = Lookup(row + i0 + 1, k);
    taps.p2 = Lookup(row + i0 + 2, k);
    const uint64_t bits = cuts.From(i0 - 1) & 0x7FFFFFFF;
    if (HWY_LIKELY(bits == 0 && hn::AllFalse(df, hole))) {
      store(ToSamples(Cubic(taps.pm, taps.p0, taps.p1, taps.p2, f), max));
      return;
    }
    taps.cut = ShiftDown(hn::Set(di, static_cast<int32_t>(bits)), k);
  } else {
    taps = GatherTaps(row, cuts, i);
  }
#else
  static_cast<void>(i0);
  taps = GatherTaps(row, cuts, i);
#endif
  const VF split = params.split != nullptr ? hn::GatherIndex(df, params.split, i)
                                           : hn::Set(df, SplitOf(params.eye));
  store(hn::IfThenElse(hn::RebindMask(di, hole), black, SampleTaps(taps, f, split, max)));
}

template <typename T>
void SampleTyped(const float* HWY_RESTRICT row, const float* HWY_RESTRICT origin,
                 const CutBits& cuts, const SampleParams& params, T* HWY_RESTRICT dst) {
  const int lanes = static_cast<int>(hn::Lanes(DF()));
  const VF max = hn::Set(DF(), params.max_value);
  float base = 0;
  int t = 0;
  for (; t + 2 * lanes <= params.width; t += 2 * lanes) {
    if (HWY_LIKELY(SampleTwo(row, origin, cuts, max, t, &base, dst))) continue;
    SampleBlock(row, origin, cuts, params, t, dst);
    SampleBlock(row, origin, cuts, params, t + lanes, dst);
  }
  for (; t + lanes <= params.width; t += lanes) SampleBlock(row, origin, cuts, params, t, dst);
  if (t == params.width) return;
  if (params.width >= lanes) {
    // The last block overlaps the one before it: the same bytes once more.
    return SampleBlock(row, origin, cuts, params, params.width - lanes, dst);
  }
  for (; t < params.width; ++t) {
    dst[t] = static_cast<T>(
        IsHole(origin[t]) ? params.black
                          : static_cast<int>(SampleAt(row, cuts, t, origin[t], params) + 0.5f));
  }
}

void SampleRow(const float* row, const float* origin, const uint64_t* words,
               const SampleParams& params, int bytes_per_sample, void* dst) {
  const CutBits cuts(const_cast<uint64_t*>(words));
  bytes_per_sample == 1 ? SampleTyped(row, origin, cuts, params, static_cast<uint8_t*>(dst))
                        : SampleTyped(row, origin, cuts, params, static_cast<uint16_t*>(dst));
}

void DepthRow(const float* HWY_RESTRICT depth, const float* HWY_RESTRICT inverse,
              const float* HWY_RESTRICT origin, const uint64_t* words, Eye eye, int width,
              float* HWY_RESTRICT dst) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const CutBits cuts(const_cast<uint64_t*>(words));
  const VF zero = hn::Zero(df), one = hn::Set(df, 1.0f);
  int t = 0;
  for (; t + lanes <= width; t += lanes) {
    const VF o = hn::LoadU(df, origin + t);
    const VF whole = hn::Floor(o);
    const float whole0 = hn::GetLane(whole);
    if (HWY_LIKELY(hn::AllTrue(df, hn::Eq(whole, hn::Set(df, whole0)))) && !IsHole(whole0)) {
      const int i = t + static_cast<int>(whole0);
      if (HWY_LIKELY(!cuts.Any(i, lanes))) {
        const VF f = hn::Sub(o, whole);
        const VF w0 = hn::LoadU(df, inverse + i), w1 = hn::LoadU(df, inverse + i + 1);
        const VF z = hn::Div(one, hn::Add(w0, hn::Mul(f, hn::Sub(w1, w0))));
        hn::StoreU(hn::IfThenElse(hn::Eq(f, zero), hn::LoadU(df, depth + i), z), df, dst + t);
        continue;
      }
    }
    for (int n = t; n < t + lanes; ++n) {
      dst[n] = IsHole(origin[n]) ? 0.0f : DepthAt(depth, inverse, cuts, n, origin[n], eye);
    }
  }
  for (; t < width; ++t) {
    dst[t] = IsHole(origin[t]) ? 0.0f : DepthAt(depth, inverse, cuts, t, origin[t], eye);
  }
}

template <bool kHole>
HWY_INLINE int Next(const float* origin, int begin, int width) {
  const DF df;
  const int lanes = static_cast<int>(hn::Lanes(df));
  const VF far = hn::Set(df, 1e8f);
  for (; begin + lanes <= width; begin += lanes) {
    const auto hole = hn::Gt(hn::Abs(hn::LoadU(df, origin + begin)), far);
    if (kHole ? !hn::AllFalse(df, hole) : !hn::AllTrue(df, hole)) break;
  }
  while (begin < width && IsHole(origin[begin]) != kHole) ++begin;
  return begin;
}

int NextHole(const float* origin, int begin, int width) { return Next<true>(origin, begin, width); }
int NextSeen(const float* origin, int begin, int width) {
  return Next<false>(origin, begin, width);
}

const RowKernels* Kernels() {
  static constexpr RowKernels kKernels = {"simd",    LoadRow,  ShiftRow, TraceRow, ChromaOrigins,
                                          SampleRow, DepthRow, NextHole, NextSeen};
  return &kKernels;
}

}  // namespace mdvt::stereo::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::stereo {

HWY_EXPORT(Kernels);

const RowKernels& BestKernels() { return *HWY_DYNAMIC_DISPATCH(Kernels)(); }

}  // namespace mdvt::stereo
#endif
