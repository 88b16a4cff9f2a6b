// SPDX-License-Identifier: Apache-2.0
//
// Vectors of floats to rows of samples, for each instruction set. Included by files that
// foreach_target.h compiles several times.
#if defined(MDVT_CORE_SAMPLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MDVT_CORE_SAMPLES_INL_H_
#undef MDVT_CORE_SAMPLES_INL_H_
#else
#define MDVT_CORE_SAMPLES_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace mdvt::samples {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using DF = hn::ScalableTag<float>;
using DI = hn::RebindToSigned<DF>;
using VF = hn::Vec<DF>;
using VI = hn::Vec<DI>;

// The nearest integers, ties upwards, of values within [0, max]; others become the nearer end.
HWY_INLINE VI ToSamples(VF value, VF max) {
  const DF df;
  const VF sum = hn::Add(hn::Min(hn::Max(value, hn::Zero(df)), max), hn::Set(df, 0.5f));
  // ConvertTo() takes care of what does not fit an integer; nothing of that kind is left here.
#if HWY_TARGET == HWY_AVX2
  return VI{_mm256_cvttps_epi32(sum.raw)};
#elif HWY_TARGET == HWY_AVX3
  return VI{_mm512_cvttps_epi32(sum.raw)};
#else
  return hn::ConvertTo(DI(), sum);
#endif
}

// T: uint8_t or uint16_t.
template <typename T>
HWY_INLINE void Store(VI samples, T* HWY_RESTRICT to) {
  const hn::Rebind<T, DF> dt;
  hn::StoreU(hn::DemoteTo(dt, samples), dt, to);
}

template <typename T>
HWY_INLINE void StoreTwo(VI first, VI second, T* HWY_RESTRICT to) {
#if HWY_TARGET == HWY_AVX2
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packus_epi32(first.raw, second.raw), 0xD8);
  if constexpr (sizeof(T) == 2) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words);
  } else {
    _mm_storeu_si128(
        reinterpret_cast<__m128i*>(to),
        _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  }
#else
  Store(first, to);
  Store(second, to + hn::Lanes(DF()));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::samples
HWY_AFTER_NAMESPACE();

#endif  // MDVT_CORE_SAMPLES_INL_H_
