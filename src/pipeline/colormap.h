// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

namespace mdvt {

// The colour map "inferno" from black over red to yellow, v in [0, 1]: its nine main colours, with
// straight lines between.
inline std::array<uint8_t, 3> Inferno(float v) {
  static constexpr std::array<std::array<float, 3>, 9> kColors = {{{0, 0, 4},
                                                                   {33, 12, 74},
                                                                   {87, 16, 110},
                                                                   {138, 34, 106},
                                                                   {188, 55, 84},
                                                                   {228, 90, 49},
                                                                   {249, 142, 9},
                                                                   {249, 203, 53},
                                                                   {252, 255, 164}}};
  const float at = std::clamp(v, 0.0f, 1.0f) * 8;
  const auto low = static_cast<size_t>(std::min(7.0f, std::floor(at)));
  const float part = at - static_cast<float>(low);
  std::array<uint8_t, 3> color{};
  for (size_t c = 0; c < 3; ++c)
    color[c] =
        static_cast<uint8_t>((1 - part) * kColors[low][c] + part * kColors[low + 1][c] + 0.5f);
  return color;
}

}  // namespace mdvt
