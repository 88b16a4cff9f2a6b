// SPDX-License-Identifier: Apache-2.0
#include "io/deinterleave.h"

#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "io/deinterleave.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace mdvt::ff {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void Deinterleave(const uint8_t* from, int step, int width, uint8_t* const rows[4]) {
  const hn::ScalableTag<uint8_t> tag;
  const auto lanes = static_cast<int>(hn::Lanes(tag));
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    hn::Vec<decltype(tag)> v[4];
    if (step == 3) {
      hn::LoadInterleaved3(tag, from + 3 * static_cast<ptrdiff_t>(x), v[0], v[1], v[2]);
    } else {
      hn::LoadInterleaved4(tag, from + 4 * static_cast<ptrdiff_t>(x), v[0], v[1], v[2], v[3]);
    }
    for (int i = 0; i < step; ++i) {
      if (rows[i] != nullptr) hn::StoreU(v[i], tag, rows[i] + x);
    }
  }
  for (; x < width; ++x) {
    for (int i = 0; i < step; ++i) {
      if (rows[i] != nullptr) rows[i][x] = from[step * static_cast<ptrdiff_t>(x) + i];
    }
  }
}

void Interleave(const uint8_t* const rows[4], int width, uint8_t* to) {
  const hn::ScalableTag<uint8_t> tag;
  const auto lanes = static_cast<int>(hn::Lanes(tag));
  const auto full = hn::Set(tag, 255);
  int x = 0;
  for (; x + lanes <= width; x += lanes) {
    const auto v0 = rows[0] != nullptr ? hn::LoadU(tag, rows[0] + x) : full;
    const auto v1 = rows[1] != nullptr ? hn::LoadU(tag, rows[1] + x) : full;
    const auto v2 = rows[2] != nullptr ? hn::LoadU(tag, rows[2] + x) : full;
    const auto v3 = rows[3] != nullptr ? hn::LoadU(tag, rows[3] + x) : full;
    hn::StoreInterleaved4(v0, v1, v2, v3, tag, to + 4 * static_cast<ptrdiff_t>(x));
  }
  for (; x < width; ++x) {
    for (int i = 0; i < 4; ++i) {
      to[4 * static_cast<ptrdiff_t>(x) + i] = rows[i] != nullptr ? rows[i][x] : 255;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace mdvt::ff
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace mdvt::ff {

HWY_EXPORT(Deinterleave);
HWY_EXPORT(Interleave);

void DeinterleaveRow(const uint8_t* from, int step, int width, uint8_t* const rows[4]) {
  HWY_DYNAMIC_DISPATCH(Deinterleave)(from, step, width, rows);
}

void InterleaveRow(const uint8_t* const rows[4], int width, uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(Interleave)(rows, width, to);
}

}  // namespace mdvt::ff
#endif  // HWY_ONCE
