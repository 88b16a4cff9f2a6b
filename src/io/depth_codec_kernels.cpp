// SPDX-License-Identifier: Apache-2.0
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "io/depth_codec_kernels.cpp"
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
#include "io/depth_codec_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace mdvt::codec {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A vector of N depths is worked on as two halves of N / 2 doubles.
using D32 = hn::ScalableTag<float>;
using DI32 = hn::Rebind<int32_t, D32>;
using DU8 = hn::Rebind<uint8_t, D32>;
using DU16 = hn::Rebind<uint16_t, D32>;
using V32 = hn::Vec<D32>;
using VI32 = hn::Vec<DI32>;

#if HWY_TARGET == HWY_SCALAR
// One lane has no halves; the definition itself does.
struct VectorFactors {
  explicit VectorFactors(const Factors& factors) : k(factors), step(hn::Set(D32(), factors.step)) {}
  const Factors& k;
  V32 step;
};
template <bool kLog>
HWY_INLINE VI32 EncodeV(V32 depth, const VectorFactors& factors) {
  return hn::Set(DI32(), static_cast<int32_t>(Encode(hn::GetLane(depth), factors.k)));
}
template <bool kLog>
HWY_INLINE V32 DecodeV(VI32 code, const VectorFactors& factors) {
  return hn::Set(D32(), Decode(static_cast<uint32_t>(hn::GetLane(code)), factors.k));
}
#else
using D64 = hn::Repartition<double, D32>;
using DU64 = hn::RebindToUnsigned<D64>;
using DHalf = hn::Rebind<float, D64>;
using DIHalf = hn::Rebind<int32_t, D64>;
using V64 = hn::Vec<D64>;

struct VectorFactors {
  explicit HWY_ATTR VectorFactors(const Factors& k)
      : clamp(hn::Set(D32(), k.clamp)),
        codes_per_unit(hn::Set(D64(), k.codes_per_unit)),
        bias(hn::Set(D64(), k.bias)),
        top(hn::Set(D64(), k.top)),
        lowest(hn::Set(DI32(), static_cast<int32_t>(k.lowest))),
        per_offset(hn::Set(D64(), k.per_offset)),
        units_per_code(hn::Set(D64(), k.units_per_code)),
        offset(hn::Set(D64(), k.offset)),
        step(hn::Set(D32(), k.step)) {}
  V32 clamp;
  V64 codes_per_unit, bias, top;
  VI32 lowest;
  V64 per_offset, units_per_code, offset;
  V32 step;
};

HWY_INLINE V64 LogV(V64 y) {
  const D64 d;
  const DU64 du;
  const auto bits = hn::BitCast(du, y);
  const auto exponent = hn::ShiftRight<52>(hn::Sub(bits, hn::Set(du, kSqrtHalfBits)));
  const V64 m = hn::BitCast(d, hn::Sub(bits, hn::ShiftLeft<52>(exponent)));
  const V64 one = hn::Set(d, 1.0);
  const V64 f = hn::Div(hn::Sub(m, one), hn::Add(m, one));
  const V64 s = hn::Mul(f, f);
  V64 sum = hn::Set(d, kLogTerms[0]);
  for (size_t i = 1; i < std::size(kLogTerms); ++i) {
    sum = hn::Add(hn::Mul(sum, s), hn::Set(d, kLogTerms[i]));
  }
  const V64 e =
      hn::Sub(hn::BitCast(d, hn::Or(exponent, hn::Set(du, kTwo52Bits))), hn::Set(d, kTwo52));
  return hn::Add(hn::Mul(e, hn::Set(d, kLn2)), hn::Mul(hn::Add(f, f), sum));
}

HWY_INLINE V64 ExpV(V64 x) {
  const D64 d;
  const DU64 du;
  const V64 two52 = hn::Set(d, kTwo52);
  const V64 shifted = hn::Add(hn::Mul(x, hn::Set(d, kLog2E)), two52);
  const V64 r = hn::Sub(x, hn::Mul(hn::Sub(shifted, two52), hn::Set(d, kLn2)));
  V64 sum = hn::Set(d, kExpTerms[0]);
  for (size_t i = 1; i < std::size(kExpTerms); ++i) {
    sum = hn::Add(hn::Mul(sum, r), hn::Set(d, kExpTerms[i]));
  }
  const auto power = hn::Add(hn::ShiftLeft<52>(hn::BitCast(du, shifted)), hn::Set(du, kOneBits));
  return hn::Mul(sum, hn::BitCast(d, power));
}

template <bool kLog>
HWY_INLINE hn::Vec<DIHalf> EncodeHalf(V64 units, const VectorFactors& k) {
  if constexpr (kLog) {
    units = LogV(hn::Add(hn::Mul(units, k.per_offset), hn::Set(D64(), 1.0)));
  }
  const V64 code = hn::Min(hn::Add(hn::Mul(units, k.codes_per_unit), k.bias), k.top);
  return hn::DemoteTo(DIHalf(), code);  // truncates
}

template <bool kLog>
HWY_INLINE VI32 EncodeV(V32 depth, const VectorFactors& k) {
  const D64 d;
  const auto valid = hn::Gt(depth, hn::Zero(D32()));  // false for NaN
  const V32 cut = hn::Min(hn::IfThenElseZero(valid, depth), k.clamp);
  const auto low = EncodeHalf<kLog>(hn::PromoteTo(d, hn::LowerHalf(DHalf(), cut)), k);
  const auto high = EncodeHalf<kLog>(hn::PromoteTo(d, hn::UpperHalf(DHalf(), cut)), k);
  const VI32 code = hn::Max(hn::Combine(DI32(), high, low), k.lowest);
  return hn::IfThenElseZero(hn::RebindMask(DI32(), valid), code);
}

template <bool kLog>
HWY_INLINE V64 DecodeHalf(hn::Vec<DIHalf> code, const VectorFactors& k) {
  const V64 units = hn::Mul(hn::PromoteTo(D64(), code), k.units_per_code);
  if constexpr (!kLog) return units;
  return hn::Mul(hn::Sub(ExpV(units), hn::Set(D64(), 1.0)), k.offset);
}

template <bool kLog>
HWY_INLINE V32 DecodeV(VI32 code, const VectorFactors& k) {
  const V64 low = DecodeHalf<kLog>(hn::LowerHalf(DIHalf(), code), k);
  const V64 high = DecodeHalf<kLog>(hn::UpperHalf(DIHalf(), code), k);
  return hn::Combine(D32(), hn::DemoteTo(DHalf(), high), hn::DemoteTo(DHalf(), low));
}

#endif  // HWY_TARGET == HWY_SCALAR

HWY_INLINE hn::Vec<DU8> Byte(VI32 v) { return hn::DemoteTo(DU8(), v); }
HWY_INLINE VI32 FromBytes(const uint8_t* p) { return hn::PromoteTo(DI32(), hn::LoadU(DU8(), p)); }

void PackRgb16(const float* HWY_RESTRICT depth, size_t n, const Factors& k, const RgbRow& out) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  const VI32 mask = hn::Set(DI32(), 0xFF);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 code = EncodeV<false>(hn::LoadU(D32(), depth + x), factors);
    const auto high = Byte(hn::ShiftRight<8>(code));
    hn::StoreU(high, DU8(), out.r + x);
    hn::StoreU(high, DU8(), out.g + x);
    hn::StoreU(Byte(hn::And(code, mask)), DU8(), out.b + x);
  }
  for (; x < n; ++x) {
    const uint32_t code = Encode(depth[x], k);
    out.r[x] = out.g[x] = static_cast<uint8_t>(code >> 8);
    out.b[x] = static_cast<uint8_t>(code & 0xFF);
  }
}

void PackRgb24(const float* HWY_RESTRICT depth, size_t n, const Factors& k, const RgbRow& out) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  const VI32 mask = hn::Set(DI32(), 0xFF);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 code = EncodeV<true>(hn::LoadU(D32(), depth + x), factors);
    hn::StoreU(Byte(hn::ShiftRight<16>(code)), DU8(), out.r + x);
    hn::StoreU(Byte(hn::And(hn::ShiftRight<8>(code), mask)), DU8(), out.g + x);
    hn::StoreU(Byte(hn::And(code, mask)), DU8(), out.b + x);
  }
  for (; x < n; ++x) {
    const uint32_t code = Encode(depth[x], k);
    out.r[x] = static_cast<uint8_t>(code >> 16);
    out.g[x] = static_cast<uint8_t>((code >> 8) & 0xFF);
    out.b[x] = static_cast<uint8_t>(code & 0xFF);
  }
}

template <typename DOut>
HWY_INLINE void PackGray(const float* HWY_RESTRICT depth, size_t n, const Factors& k,
                         hn::TFromD<DOut>* HWY_RESTRICT out) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 code = EncodeV<false>(hn::LoadU(D32(), depth + x), factors);
    hn::StoreU(hn::DemoteTo(DOut(), code), DOut(), out + x);
  }
  for (; x < n; ++x) out[x] = static_cast<hn::TFromD<DOut>>(Encode(depth[x], k));
}

void PackGray16(const float* depth, size_t n, const Factors& k, uint16_t* out) {
  PackGray<DU16>(depth, n, k, out);
}
void PackGray8(const float* depth, size_t n, const Factors& k, uint8_t* out) {
  PackGray<DU8>(depth, n, k, out);
}

void UnpackRgb16(const ConstRgbRow& in, size_t n, const Factors& k, float* HWY_RESTRICT depth) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 code = hn::Or(hn::ShiftLeft<8>(FromBytes(in.r + x)), FromBytes(in.b + x));
    hn::StoreU(hn::Mul(hn::ConvertTo(D32(), code), factors.step), D32(), depth + x);
  }
  for (; x < n; ++x) depth[x] = Decode(static_cast<uint32_t>(in.r[x] << 8 | in.b[x]), k);
}

void UnpackRgb24(const ConstRgbRow& in, size_t n, const Factors& k, float* HWY_RESTRICT depth) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 high =
        hn::Or(hn::ShiftLeft<16>(FromBytes(in.r + x)), hn::ShiftLeft<8>(FromBytes(in.g + x)));
    hn::StoreU(DecodeV<true>(hn::Or(high, FromBytes(in.b + x)), factors), D32(), depth + x);
  }
  for (; x < n; ++x) {
    depth[x] = Decode(static_cast<uint32_t>(in.r[x] << 16 | in.g[x] << 8 | in.b[x]), k);
  }
}

template <typename DIn>
HWY_INLINE void UnpackGray(const hn::TFromD<DIn>* HWY_RESTRICT in, size_t n, const Factors& k,
                           float* HWY_RESTRICT depth) {
  const size_t lanes = hn::Lanes(D32());
  const VectorFactors factors(k);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) {
    const VI32 code = hn::PromoteTo(DI32(), hn::LoadU(DIn(), in + x));
    hn::StoreU(DecodeV<false>(code, factors), D32(), depth + x);
  }
  for (; x < n; ++x) depth[x] = Decode(in[x], k);
}

void UnpackGray16(const uint16_t* in, size_t n, const Factors& k, float* depth) {
  UnpackGray<DU16>(in, n, k, depth);
}
void UnpackGray8(const uint8_t* in, size_t n, const Factors& k, float* depth) {
  UnpackGray<DU8>(in, n, k, depth);
}

size_t CountDifferentBytes(const uint8_t* HWY_RESTRICT a, const uint8_t* HWY_RESTRICT b, size_t n) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  size_t count = 0, x = 0;
  for (; x + lanes <= n; x += lanes) {
    count += hn::CountTrue(d, hn::Ne(hn::LoadU(d, a + x), hn::LoadU(d, b + x)));
  }
  for (; x < n; ++x) count += a[x] != b[x];
  return count;
}

uint8_t MaxByte(const uint8_t* a, size_t n) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  auto largest = hn::Zero(d);
  size_t x = 0;
  for (; x + lanes <= n; x += lanes) largest = hn::Max(largest, hn::LoadU(d, a + x));
  HWY_ALIGN uint8_t buffer[HWY_MAX_BYTES];
  hn::Store(largest, d, buffer);
  uint8_t result = 0;
  for (size_t i = 0; i < lanes; ++i) result = std::max(result, buffer[i]);
  for (; x < n; ++x) result = std::max(result, a[x]);
  return result;
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::codec
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::codec {

HWY_EXPORT(PackRgb16);
HWY_EXPORT(PackRgb24);
HWY_EXPORT(PackGray16);
HWY_EXPORT(PackGray8);
HWY_EXPORT(UnpackRgb16);
HWY_EXPORT(UnpackRgb24);
HWY_EXPORT(UnpackGray16);
HWY_EXPORT(UnpackGray8);
HWY_EXPORT(CountDifferentBytes);
HWY_EXPORT(MaxByte);

void PackRgb16Row(const float* depth, size_t n, const Factors& k, const RgbRow& out) {
  HWY_DYNAMIC_DISPATCH(PackRgb16)(depth, n, k, out);
}
void PackRgb24Row(const float* depth, size_t n, const Factors& k, const RgbRow& out) {
  HWY_DYNAMIC_DISPATCH(PackRgb24)(depth, n, k, out);
}
void PackGray16Row(const float* depth, size_t n, const Factors& k, uint16_t* out) {
  HWY_DYNAMIC_DISPATCH(PackGray16)(depth, n, k, out);
}
void PackGray8Row(const float* depth, size_t n, const Factors& k, uint8_t* out) {
  HWY_DYNAMIC_DISPATCH(PackGray8)(depth, n, k, out);
}
void UnpackRgb16Row(const ConstRgbRow& in, size_t n, const Factors& k, float* depth) {
  HWY_DYNAMIC_DISPATCH(UnpackRgb16)(in, n, k, depth);
}
void UnpackRgb24Row(const ConstRgbRow& in, size_t n, const Factors& k, float* depth) {
  HWY_DYNAMIC_DISPATCH(UnpackRgb24)(in, n, k, depth);
}
void UnpackGray16Row(const uint16_t* in, size_t n, const Factors& k, float* depth) {
  HWY_DYNAMIC_DISPATCH(UnpackGray16)(in, n, k, depth);
}
void UnpackGray8Row(const uint8_t* in, size_t n, const Factors& k, float* depth) {
  HWY_DYNAMIC_DISPATCH(UnpackGray8)(in, n, k, depth);
}
size_t CountDifferent(const uint8_t* a, const uint8_t* b, size_t n) {
  return HWY_DYNAMIC_DISPATCH(CountDifferentBytes)(a, b, n);
}
uint8_t MaxOfRow(const uint8_t* a, size_t n) { return HWY_DYNAMIC_DISPATCH(MaxByte)(a, n); }

}  // namespace mdvt::codec
#endif  // HWY_ONCE
