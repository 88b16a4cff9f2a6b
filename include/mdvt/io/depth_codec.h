// SPDX-License-Identifier: Apache-2.0
//
// How metric depth becomes integer samples and back. Depth is planar z in metres, float; 0 is no
// data in memory and in files. NaN and values <= 0 become 0; +inf and values past the range become
// the top code, which reads back as saturated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

enum class DepthEncoding {
  kRgb16,         // "rgb16-linear-255p4": 8-bit RGB, R = G = high byte, B = low byte of the code
  kGray16,        // "gray16-linear-65535": 16-bit gray, 65535 codes over the range
  kRgb24Log,      // "rgb24-log": 8-bit RGB, 24-bit logarithmic code, R high, G middle, B low
  kGray16Legacy,  // "gray16-linear-65025": what the original exporter's --bit16 writes
  kGray8,         // "gray8-linear-255": 8 bit, for looking at
};

const char* DepthEncodingName(DepthEncoding encoding);  // the text in quotes above

enum class DepthRounding {
  kNearest,   // half a step of error at most; valid depth never becomes code 0
  kTruncate,  // bit for bit what the original toolbox writes (rgb16 only)
};

// The encoding of that name; empty for any other text.
std::optional<DepthEncoding> ParseDepthEncoding(std::string_view name);

struct DepthCodecOptions {
  DepthEncoding encoding = DepthEncoding::kRgb16;

  // Depth of the top code, in metres. Valid: [1e-6, 1e6].
  double max_depth = 100;

  // C of rgb24-log, in metres: steps are even below it and grow with depth above it. Valid:
  // [1e-6, 1e3] times max_depth.
  double log_offset = 2;

  // kTruncate goes with rgb16 only.
  DepthRounding rounding = DepthRounding::kNearest;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Largest code that a valid depth takes: 64517 for rgb16, 65535, 2^24 - 1, 65025, 255.
uint32_t TopCode(DepthEncoding encoding);

// The format of encoded images: Rgb(8), Gray(16) or Gray(8).
PixelFormat EncodedFormat(DepthEncoding encoding);

// One value; the definition that the array versions equal bit for bit.
//   rgb16 nearest   c = min(64517, floor(d * 255^4 / 65536 / max_depth + 1/2)), >= 1 for d > 0
//   rgb16 truncate  c = trunc(255^4 / max_depth * clamp(d, 0, max_depth)) >> 16
//   gray            c = floor(d * top / max_depth + 1/2), >= 1 for d > 0
//   rgb24-log       c = round((2^24 - 1) ln(1 + d / C) / ln(1 + max_depth / C)), >= 1 for d > 0
// All in double. The original exporter's gray values differ by one code at most, where its float
// products fall on the other side of a border.
uint32_t EncodeDepth(float depth, const DepthCodecOptions& options);
// rgb16: (float)(c << 16) * (float)(max_depth / 255^4) in float, as the originals decode; also for
// codes past the top one, which writers that do not clamp leave behind. The other encodings: the
// inverse of the above in double, rounded to float, so that the top code is max_depth.
float DecodeDepth(uint32_t code, const DepthCodecOptions& options);

// Decoded depth from here on means "at max_depth or anywhere beyond it".
float SaturatedDepth(const DepthCodecOptions& options);

// The largest |decoded - depth| of kNearest for a depth in [half a step, max_depth]: half a step
// at `depth` and the rounding of the decoded float. Half a step of rgb24-log is
// (depth + C) ln(1 + max_depth / C) / (2^25 - 2): 0.35 um at 1 m and 12 um at 100 m by default.
double MaxRoundingError(double depth, const DepthCodecOptions& options);

// Whole images; `encoded` must have EncodedFormat() and the size of `depth`, else
// Error(kInvalidArgument). Rows are shared out over `pool` (null: this thread alone). SIMD, with
// the same result on every instruction set.
void PackDepth(const DepthView& depth, const DepthCodecOptions& options,
               const MutableImageView& encoded, ThreadPool* pool = nullptr);
void UnpackDepth(const ImageView& encoded, const DepthCodecOptions& options,
                 const PlaneView<float>& depth, ThreadPool* pool = nullptr);

// Share of pixels with R != G, in [0, 1]: above 0.001 an rgb16 frame was damaged by lossy coding.
double Rgb16DamagedShare(const ImageView& encoded);

}  // namespace mdvt
