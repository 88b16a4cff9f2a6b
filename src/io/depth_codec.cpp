// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/depth_codec.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "io/depth_codec_kernels.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

// 255^4 / 2^16: codes of rgb16 over the range. Exact in double.
constexpr double kRgb16Codes = 4228250625.0 / 65536;

constexpr DepthEncoding kAllEncodings[] = {DepthEncoding::kRgb16, DepthEncoding::kGray16,
                                           DepthEncoding::kRgb24Log, DepthEncoding::kGray16Legacy,
                                           DepthEncoding::kGray8};

// Rows of one block of ParallelFor: enough pixels to outweigh handing the block out.
int64_t RowsPerBlock(int width) { return std::max<int64_t>(1, (int64_t{1} << 17) / width); }

void RunRows(int height, int width, ThreadPool* pool,
             const std::function<void(int64_t, int64_t)>& body) {
  if (pool != nullptr) {
    pool->ParallelFor(height, RowsPerBlock(width), body);
  } else {
    body(0, height);
  }
}

template <typename Depth>
void CheckPair(const Depth& depth, const ImageView& encoded, const DepthCodecOptions& options,
               const char* function) {
  options.Check();
  const PixelFormat wanted = EncodedFormat(options.encoding);
  Require(encoded.format == wanted, Code::kInvalidArgument,
          std::string(function) + ": the encoded image is " + encoded.format.ToString() + ", " +
              DepthEncodingName(options.encoding) + " needs " + wanted.ToString());
  Require(depth.width == encoded.width && depth.height == encoded.height, Code::kInvalidArgument,
          std::string(function) + ": depth is " + FormatSize(depth.width, depth.height) +
              ", the encoded image is " + FormatSize(encoded.width, encoded.height));
}

codec::RgbRow RgbRowAt(const MutableImageView& image, int y) {
  return {image.Plane<uint8_t>(0).Row(y), image.Plane<uint8_t>(1).Row(y),
          image.Plane<uint8_t>(2).Row(y)};
}
codec::ConstRgbRow RgbRowAt(const ImageView& image, int y) {
  return {image.Plane<uint8_t>(0).Row(y), image.Plane<uint8_t>(1).Row(y),
          image.Plane<uint8_t>(2).Row(y)};
}

}  // namespace

namespace codec {

Factors::Factors(const DepthCodecOptions& options)
    : encoding(options.encoding),
      top(TopCode(options.encoding)),
      clamp(std::numeric_limits<float>::infinity()),
      bias(0.5),
      lowest(1),
      step(0),
      offset(options.log_offset),
      per_offset(1 / options.log_offset) {
  const double units = encoding == DepthEncoding::kRgb24Log
                           ? Log(options.max_depth * per_offset + 1)
                           : options.max_depth;
  const double codes = encoding == DepthEncoding::kRgb16 ? kRgb16Codes : top;
  codes_per_unit = codes / units;
  units_per_code = units / codes;
  // 2^16 * (float)(max_depth / 255^4): both factors of the originals' product in one, exactly.
  step = static_cast<float>(options.max_depth / 4228250625.0) * 65536.0f;
  if (options.rounding == DepthRounding::kTruncate) {
    clamp = static_cast<float>(options.max_depth);  // the originals clamp in float
    bias = 0;
    lowest = 0;
  }
}

}  // namespace codec

const char* DepthEncodingName(DepthEncoding encoding) {
  switch (encoding) {
    case DepthEncoding::kRgb16:
      return "rgb16-linear-255p4";
    case DepthEncoding::kGray16:
      return "gray16-linear-65535";
    case DepthEncoding::kRgb24Log:
      return "rgb24-log";
    case DepthEncoding::kGray16Legacy:
      return "gray16-linear-65025";
    case DepthEncoding::kGray8:
      return "gray8-linear-255";
  }
  return "unknown";
}

std::optional<DepthEncoding> ParseDepthEncoding(std::string_view name) {
  for (const DepthEncoding encoding : kAllEncodings) {
    if (name == DepthEncodingName(encoding)) return encoding;
  }
  return std::nullopt;
}

// Runs once for each value or image: texts are made only when something is wrong.
void DepthCodecOptions::Check() const {
  const auto fail = [](const std::string& text) {
    throw Error(Code::kInvalidArgument, "DepthCodecOptions." + text);
  };
  if (std::find(std::begin(kAllEncodings), std::end(kAllEncodings), encoding) ==
      std::end(kAllEncodings)) {
    fail("encoding = " + std::to_string(static_cast<int>(encoding)) + " is none of the encodings");
  }
  if (rounding != DepthRounding::kNearest && rounding != DepthRounding::kTruncate) {
    fail("rounding = " + std::to_string(static_cast<int>(rounding)) +
         ", must be kNearest or kTruncate");
  }
  if (!(max_depth >= 1e-6 && max_depth <= 1e6)) {
    fail("max_depth = " + FormatDouble(max_depth) + " m, must be in [1e-6, 1e6]");
  }
  if (encoding == DepthEncoding::kRgb24Log &&
      !(log_offset >= 1e-6 * max_depth && log_offset <= 1e3 * max_depth)) {
    fail("log_offset = " + FormatDouble(log_offset) +
         " m, must be in [1e-6, 1e3] times max_depth = " + FormatDouble(max_depth) + " m");
  }
  if (rounding == DepthRounding::kTruncate && encoding != DepthEncoding::kRgb16) {
    fail(std::string("rounding = kTruncate goes with rgb16-linear-255p4, not ") +
         DepthEncodingName(encoding));
  }
}

uint32_t TopCode(DepthEncoding encoding) {
  switch (encoding) {
    case DepthEncoding::kRgb16:
      return 64517;
    case DepthEncoding::kGray16:
      return 65535;
    case DepthEncoding::kRgb24Log:
      return (uint32_t{1} << 24) - 1;
    case DepthEncoding::kGray16Legacy:
      return 65025;
    case DepthEncoding::kGray8:
      return 255;
  }
  return 0;
}

PixelFormat EncodedFormat(DepthEncoding encoding) {
  switch (encoding) {
    case DepthEncoding::kRgb16:
    case DepthEncoding::kRgb24Log:
      break;
    case DepthEncoding::kGray16:
    case DepthEncoding::kGray16Legacy:
      return PixelFormat::Gray(16);
    case DepthEncoding::kGray8:
      return PixelFormat::Gray(8);
  }
  return PixelFormat::Rgb(8);
}

uint32_t EncodeDepth(float depth, const DepthCodecOptions& options) {
  options.Check();
  return codec::Encode(depth, codec::Factors(options));
}

float DecodeDepth(uint32_t code, const DepthCodecOptions& options) {
  options.Check();
  const uint32_t largest = options.encoding == DepthEncoding::kGray8      ? 0xFF
                           : options.encoding == DepthEncoding::kRgb24Log ? 0xFFFFFF
                                                                          : 0xFFFF;
  if (code > largest) {
    throw Error(Code::kInvalidArgument, "DecodeDepth: code " + std::to_string(code) +
                                            " does not fit " + DepthEncodingName(options.encoding) +
                                            ", at most " + std::to_string(largest));
  }
  return codec::Decode(code, codec::Factors(options));
}

float SaturatedDepth(const DepthCodecOptions& options) {
  options.Check();
  return codec::Decode(TopCode(options.encoding), codec::Factors(options));
}

double MaxRoundingError(double depth, const DepthCodecOptions& options) {
  options.Check();
  const codec::Factors k(options);
  const double slope =
      options.encoding == DepthEncoding::kRgb24Log ? depth + options.log_offset : 1;
  // Two roundings of 2^-24 each in the float product of rgb16, one in the other decoders.
  return slope * k.units_per_code * 0.500001 + depth * 1.2e-7;
}

void PackDepth(const DepthView& depth, const DepthCodecOptions& options,
               const MutableImageView& encoded, ThreadPool* pool) {
  CheckPair(depth, encoded, options, "PackDepth");
  if (encoded.empty()) return;
  const codec::Factors k(options);
  const auto n = static_cast<size_t>(depth.width);
  RunRows(depth.height, depth.width, pool, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      switch (options.encoding) {
        case DepthEncoding::kRgb16:
          codec::PackRgb16Row(depth.Row(y), n, k, RgbRowAt(encoded, y));
          break;
        case DepthEncoding::kRgb24Log:
          codec::PackRgb24Row(depth.Row(y), n, k, RgbRowAt(encoded, y));
          break;
        case DepthEncoding::kGray16:
        case DepthEncoding::kGray16Legacy:
          codec::PackGray16Row(depth.Row(y), n, k, encoded.Plane<uint16_t>(0).Row(y));
          break;
        case DepthEncoding::kGray8:
          codec::PackGray8Row(depth.Row(y), n, k, encoded.Plane<uint8_t>(0).Row(y));
          break;
      }
    }
  });
}

void UnpackDepth(const ImageView& encoded, const DepthCodecOptions& options,
                 const PlaneView<float>& depth, ThreadPool* pool) {
  CheckPair(depth, encoded, options, "UnpackDepth");
  if (encoded.empty()) return;
  const codec::Factors k(options);
  const auto n = static_cast<size_t>(depth.width);
  RunRows(depth.height, depth.width, pool, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      switch (options.encoding) {
        case DepthEncoding::kRgb16:
          codec::UnpackRgb16Row(RgbRowAt(encoded, y), n, k, depth.Row(y));
          break;
        case DepthEncoding::kRgb24Log:
          codec::UnpackRgb24Row(RgbRowAt(encoded, y), n, k, depth.Row(y));
          break;
        case DepthEncoding::kGray16:
        case DepthEncoding::kGray16Legacy:
          codec::UnpackGray16Row(encoded.Plane<uint16_t>(0).Row(y), n, k, depth.Row(y));
          break;
        case DepthEncoding::kGray8:
          codec::UnpackGray8Row(encoded.Plane<uint8_t>(0).Row(y), n, k, depth.Row(y));
          break;
      }
    }
  });
}

double Rgb16DamagedShare(const ImageView& encoded) {
  Require(encoded.format == PixelFormat::Rgb(8), Code::kInvalidArgument,
          "Rgb16DamagedShare: the image is " + encoded.format.ToString() + ", must be rgb8");
  if (encoded.empty()) return 0;
  size_t different = 0;
  for (int y = 0; y < encoded.height; ++y) {
    const codec::ConstRgbRow row = RgbRowAt(encoded, y);
    different += codec::CountDifferent(row.r, row.g, static_cast<size_t>(encoded.width));
  }
  return static_cast<double>(different) /
         (static_cast<double>(encoded.width) * static_cast<double>(encoded.height));
}

}  // namespace mdvt
