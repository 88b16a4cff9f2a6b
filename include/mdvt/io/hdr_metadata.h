// SPDX-License-Identifier: Apache-2.0
//
// What an HDR video states beside its pixels: the display that it was mastered on and how bright
// it gets. Read from the container and from the pictures, written by both as well.
#pragma once

#include <array>
#include <optional>

#include "mdvt/core/rational.h"

namespace mdvt {

// SMPTE ST 2086. Exact fractions, as containers and streams hold them.
struct MasteringDisplay {
  struct Chromaticity {
    Rational x, y;  // CIE 1931
  };
  // Red, green, blue, white; empty if the file states brightness only.
  struct Colors {
    std::array<Chromaticity, 3> primaries;
    Chromaticity white;
  };
  struct Luminance {
    Rational min, max;  // cd/m2
  };
  std::optional<Colors> colors;
  std::optional<Luminance> luminance;
};

// CTA-861.3, cd/m2; 0 is not known.
struct ContentLight {
  int max_content = 0;        // MaxCLL, of any pixel
  int max_frame_average = 0;  // MaxFALL, of any picture
};

struct HdrMetadata {
  std::optional<MasteringDisplay> mastering;
  std::optional<ContentLight> content_light;
  // The first picture carries HDR10+ (SMPTE ST 2094-40): brightness curves for each picture, which
  // are not read.
  bool has_hdr10_plus = false;

  bool empty() const { return !mastering && !content_light; }
};

}  // namespace mdvt
