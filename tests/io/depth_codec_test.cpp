// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/depth_codec.h"

#include <hwy/targets.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double k255p4 = 255.0 * 255.0 * 255.0 * 255.0;
constexpr DepthEncoding kEncodings[] = {DepthEncoding::kRgb16, DepthEncoding::kGray16,
                                        DepthEncoding::kRgb24Log, DepthEncoding::kGray16Legacy,
                                        DepthEncoding::kGray8};

DepthCodecOptions Options(DepthEncoding encoding, double max_depth = 100,
                          DepthRounding rounding = DepthRounding::kNearest) {
  DepthCodecOptions options;
  options.encoding = encoding;
  options.max_depth = max_depth;
  options.rounding = rounding;
  return options;
}
DepthCodecOptions Truncating(double max_depth) {
  return Options(DepthEncoding::kRgb16, max_depth, DepthRounding::kTruncate);
}

// The original packer, written down once more from its description.
uint32_t OriginalCode(float depth, double max_depth) {
  const float top = static_cast<float>(max_depth);
  const float clamped = depth < 0 ? 0 : depth > top ? top : depth;
  const auto word = static_cast<uint32_t>(k255p4 / max_depth * static_cast<double>(clamped));
  const uint32_t r = word >> 24, b = (word >> 16) & 0xFF;
  return r * 256 + b;
}

// The original unpacker: one float product.
float OriginalDepth(uint32_t r, uint32_t b, double max_depth) {
  const auto word = static_cast<float>((r << 24) | (b << 16));
  return word * static_cast<float>(max_depth / k255p4);
}

template <typename Body>
void ForEachTarget(const Body& body) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    body();
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

// Codes of `depth` by the array version, as one image of the given width.
std::vector<uint32_t> PackRow(const std::vector<float>& depth, const DepthCodecOptions& options,
                              int width) {
  const int height = static_cast<int>(depth.size()) / width;
  Image image(EncodedFormat(options.encoding), width, height);
  PackDepth({depth.data(), static_cast<ptrdiff_t>(width * sizeof(float)), width, height}, options,
            image.mutable_view());
  std::vector<uint32_t> codes;
  codes.reserve(depth.size());
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (image.format() == PixelFormat::Gray(16)) {
        codes.push_back(image.Plane<uint16_t>().At(x, y));
      } else if (image.format() == PixelFormat::Gray(8)) {
        codes.push_back(image.Plane<uint8_t>().At(x, y));
      } else {
        const uint32_t r = image.Plane<uint8_t>(0).At(x, y), g = image.Plane<uint8_t>(1).At(x, y),
                       b = image.Plane<uint8_t>(2).At(x, y);
        if (options.encoding == DepthEncoding::kRgb16) {
          EXPECT_EQ(r, g);
        }
        codes.push_back(options.encoding == DepthEncoding::kRgb16 ? r << 8 | b
                                                                  : r << 16 | g << 8 | b);
      }
    }
  }
  return codes;
}

std::vector<float> UnpackRow(const std::vector<uint32_t>& codes, const DepthCodecOptions& options,
                             int width) {
  const int height = static_cast<int>(codes.size()) / width;
  Image image(EncodedFormat(options.encoding), width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const uint32_t code = codes[static_cast<size_t>(y * width + x)];
      if (image.format() == PixelFormat::Gray(16)) {
        image.MutablePlane<uint16_t>().At(x, y) = static_cast<uint16_t>(code);
      } else if (image.format() == PixelFormat::Gray(8)) {
        image.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(code);
      } else {
        const bool rgb16 = options.encoding == DepthEncoding::kRgb16;
        image.MutablePlane<uint8_t>(0).At(x, y) = static_cast<uint8_t>(code >> (rgb16 ? 8 : 16));
        image.MutablePlane<uint8_t>(1).At(x, y) = static_cast<uint8_t>(code >> 8);
        image.MutablePlane<uint8_t>(2).At(x, y) = static_cast<uint8_t>(code);
      }
    }
  }
  std::vector<float> depth(codes.size());
  UnpackDepth(image.view(), options,
              {depth.data(), static_cast<ptrdiff_t>(width * sizeof(float)), width, height});
  return depth;
}

bool SameBits(float a, float b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

// Special values and the neighbourhood of many code borders.
std::vector<float> TrickyDepths(const DepthCodecOptions& options, std::mt19937_64& rng) {
  std::vector<float> depths = {0.0f,
                               -0.0f,
                               kNan,
                               -kNan,
                               kInf,
                               -kInf,
                               std::numeric_limits<float>::max(),
                               -std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::denorm_min(),
                               -std::numeric_limits<float>::denorm_min(),
                               -1.0f,
                               static_cast<float>(options.max_depth)};
  std::uniform_real_distribution<double> position(-0.01, 1.01);
  for (int i = 0; i < 20000; ++i) {
    depths.push_back(static_cast<float>(position(rng) * options.max_depth));
  }
  std::uniform_int_distribution<uint32_t> bits;
  for (int i = 0; i < 20000; ++i) {  // any float at all
    const uint32_t word = bits(rng);
    float depth;
    std::memcpy(&depth, &word, sizeof(depth));
    depths.push_back(depth);
  }
  return depths;
}

TEST(DepthCodec, DecodesAllRgb16CodesAsTheOriginals) {
  for (const double max_depth : {100.0, 20.0, 1.0, 3.7, 65.535, 1e-6, 1e6}) {
    const DepthCodecOptions options = Options(DepthEncoding::kRgb16, max_depth);
    std::vector<uint32_t> codes(65536);
    for (uint32_t code = 0; code < 65536; ++code) codes[code] = code;
    ForEachTarget([&] {
      const std::vector<float> depth = UnpackRow(codes, options, 256);
      for (uint32_t code = 0; code < 65536; ++code) {
        const uint32_t r = code >> 8, b = code & 0xFF;
        const float golden = OriginalDepth(r, b, max_depth);
        ASSERT_TRUE(SameBits(depth[code], golden)) << code << " at " << max_depth;
        ASSERT_TRUE(SameBits(golden, OriginalDepth((r + r) / 2, b, max_depth)));
      }
    });
    for (uint32_t code = 0; code < 65536; ++code) {
      ASSERT_TRUE(
          SameBits(DecodeDepth(code, options), OriginalDepth(code >> 8, code & 0xFF, max_depth)));
    }
  }
}

TEST(DepthCodec, TruncatesAsTheOriginalsAtEveryCodeBorder) {
  for (const double max_depth : {100.0, 20.0, 7.0, 0.1, 12.3456}) {
    const DepthCodecOptions options = Truncating(max_depth);
    std::vector<float> depths;
    for (uint32_t code = 0; code <= 64518; ++code) {
      const auto border = static_cast<float>(code * (65536.0 * max_depth / k255p4));
      for (const float depth :
           {std::nextafter(border, -kInf), border, std::nextafter(border, kInf)}) {
        depths.push_back(depth);
      }
    }
    ForEachTarget([&] {
      const std::vector<uint32_t> codes = PackRow(depths, options, static_cast<int>(depths.size()));
      for (size_t i = 0; i < depths.size(); ++i) {
        ASSERT_EQ(codes[i], OriginalCode(depths[i], max_depth)) << depths[i] << " " << max_depth;
      }
    });
  }
}

TEST(DepthCodec, TruncatesAnyFloatAsTheOriginals) {
  std::mt19937_64 rng = test::Rng();
  for (const double max_depth : {100.0, 20.0}) {
    const DepthCodecOptions options = Truncating(max_depth);
    for (const float depth : TrickyDepths(options, rng)) {
      const uint32_t expected = std::isnan(depth) ? 0 : OriginalCode(depth, max_depth);
      ASSERT_EQ(EncodeDepth(depth, options), expected) << depth;
    }
  }
}

TEST(DepthCodec, MatchesTheVectorsOfTheOriginals) {
  struct Vector {
    float depth;
    uint32_t code_100, code_20;
  };
  const Vector vectors[] = {{-1, 0, 0},           {0, 0, 0},           {0.001f, 0, 3},
                            {0.002f, 1, 6},       {0.1f, 64, 322},     {0.5f, 322, 1612},
                            {1, 645, 3225},       {2, 1290, 6451},     {3.14159f, 2026, 10134},
                            {7.25f, 4677, 23387}, {20, 12903, 64517},  {50, 32258, 64517},
                            {100, 64517, 64517},  {150, 64517, 64517}, {kInf, 64517, 64517}};
  for (const Vector& v : vectors) {
    EXPECT_EQ(EncodeDepth(v.depth, Truncating(100)), v.code_100) << v.depth;
    EXPECT_EQ(EncodeDepth(v.depth, Truncating(20)), v.code_20) << v.depth;
  }
  const auto decoded = [](uint32_t code, double max_depth) {
    return static_cast<double>(DecodeDepth(code, Options(DepthEncoding::kRgb16, max_depth)));
  };
  EXPECT_NEAR(decoded(645, 100), 0.999721, 5e-7);
  EXPECT_NEAR(decoded(1, 100), 0.001550, 5e-7);
  EXPECT_NEAR(decoded(2026, 100), 3.140210, 5e-7);
  EXPECT_NEAR(decoded(32258, 100), 49.998463, 4e-6);
  EXPECT_NEAR(decoded(64517, 100), 99.998474, 8e-6);
  EXPECT_NEAR(decoded(23387, 20), 7.249762, 5e-7);
  EXPECT_NEAR(decoded(64517, 20), 19.999695, 2e-6);
}

TEST(DepthCodec, RoundsToTheNearestCode) {
  for (const DepthEncoding encoding : kEncodings) {
    if (encoding == DepthEncoding::kRgb24Log) continue;
    const DepthCodecOptions options = Options(encoding);
    const uint32_t top = TopCode(encoding);
    const double codes = encoding == DepthEncoding::kRgb16 ? k255p4 / 65536 : top;
    std::vector<float> depths;
    for (uint32_t code = 0; code <= top; ++code) {
      const auto border = static_cast<float>((code + 0.5) * 100 / codes);
      for (const float depth :
           {std::nextafter(border, -kInf), border, std::nextafter(border, kInf)}) {
        depths.push_back(depth);
      }
    }
    ForEachTarget([&] {
      const std::vector<uint32_t> packed =
          PackRow(depths, options, static_cast<int>(depths.size()));
      for (size_t i = 0; i < depths.size(); ++i) {
        const double code = std::floor(static_cast<double>(depths[i]) * (codes / 100) + 0.5);
        const double expected = std::min<double>(std::max(code, 1.0), top);
        ASSERT_EQ(packed[i], static_cast<uint32_t>(expected)) << depths[i];
      }
    });
  }
}

TEST(DepthCodec, SpecialValues) {
  for (const DepthEncoding encoding : kEncodings) {
    const DepthCodecOptions options = Options(encoding);
    for (const float none : {0.0f, -0.0f, kNan, -kNan, -kInf, -1.0f, -1e-45f}) {
      EXPECT_EQ(EncodeDepth(none, options), 0u) << DepthEncodingName(encoding) << " " << none;
    }
    for (const float far : {100.0f, 100.1f, 1e30f, std::numeric_limits<float>::max(), kInf}) {
      EXPECT_EQ(EncodeDepth(far, options), TopCode(encoding)) << DepthEncodingName(encoding);
    }
    for (const float near : {1e-45f, 1e-38f, 1e-12f}) {
      EXPECT_EQ(EncodeDepth(near, options), 1u) << DepthEncodingName(encoding);
    }
    EXPECT_TRUE(SameBits(DecodeDepth(0, options), 0.0f));
    EXPECT_GT(DecodeDepth(1, options), 0.0f);
    EXPECT_EQ(SaturatedDepth(options), DecodeDepth(TopCode(encoding), options));
    if (encoding != DepthEncoding::kRgb16) {
      EXPECT_EQ(SaturatedDepth(options), 100.0f);
    }
  }
}

TEST(DepthCodec, EveryCodeSurvivesDecodingAndEncoding) {
  for (const DepthEncoding encoding : kEncodings) {
    const DepthCodecOptions options = Options(encoding);
    const uint32_t top = TopCode(encoding);
    constexpr uint32_t kWidth = 1 << 16;
    for (uint32_t first = 0; first <= top; first += kWidth) {
      std::vector<uint32_t> codes;
      for (uint32_t code = first; code <= top && code < first + kWidth; ++code) {
        codes.push_back(code);
      }
      const int width = static_cast<int>(codes.size());
      ASSERT_EQ(PackRow(UnpackRow(codes, options, width), options, width), codes)
          << DepthEncodingName(encoding) << " from " << first;
    }
  }
}

TEST(DepthCodec, ErrorStaysWithinTheStatedBound) {
  std::mt19937_64 rng = test::Rng();
  for (const DepthEncoding encoding : kEncodings) {
    for (const double max_depth : {100.0, 20.0, 0.5, 1000.0}) {
      const DepthCodecOptions options = Options(encoding, max_depth);
      const double half_step = 0.5 * DecodeDepth(1, options);
      std::uniform_real_distribution<double> position(0, 1);
      double worst = 0;
      for (int i = 0; i < 100000; ++i) {
        const double u = position(rng);
        const auto depth = static_cast<float>((i % 2 ? u * u * u : u) * max_depth);
        if (depth < half_step) continue;
        if (encoding == DepthEncoding::kRgb16 && depth > SaturatedDepth(options)) continue;
        const double error =
            std::abs(double{DecodeDepth(EncodeDepth(depth, options), options)} - depth);
        worst = std::max(worst, error / MaxRoundingError(depth, options));
      }
      EXPECT_LE(worst, 1.0) << DepthEncodingName(encoding) << " " << max_depth;
      EXPECT_GE(worst, 0.9) << "the stated bound is too loose: " << DepthEncodingName(encoding);
    }
  }
}

TEST(DepthCodec, LogCodeFollowsItsFormula) {
  std::mt19937_64 rng = test::Rng();
  for (const double max_depth : {100.0, 2000.0, 0.01}) {
    for (const double offset : {2.0, 0.05}) {
      DepthCodecOptions options = Options(DepthEncoding::kRgb24Log, max_depth);
      options.log_offset = offset;
      const long double scale =
          16777215.0L / std::log1p(static_cast<long double>(max_depth) / offset);
      std::uniform_real_distribution<double> position(0, 1);
      for (int i = 0; i < 50000; ++i) {
        const auto depth = static_cast<float>(position(rng) * max_depth);
        const long double exact = scale * std::log1p(static_cast<long double>(depth) / offset);
        const long double code = EncodeDepth(depth, options);
        ASSERT_LE(std::abs(code - exact), 0.50001L) << depth << " of " << max_depth;
      }
      for (int i = 0; i < 50000; ++i) {
        const auto code = static_cast<uint32_t>(position(rng) * 16777215);
        const long double exact = offset * std::expm1(code / scale);
        ASSERT_NEAR(DecodeDepth(code, options), static_cast<double>(exact),
                    static_cast<double>(exact) * 6.1e-8 + 1e-12 * offset)
            << code;
      }
    }
  }
}

TEST(DepthCodec, ArraysEqualTheDefinitionOnEveryInstructionSet) {
  std::mt19937_64 rng = test::Rng();
  for (const DepthEncoding encoding : kEncodings) {
    for (const double max_depth : {100.0, 3.7, 1e-6, 1e6}) {
      for (const DepthRounding rounding : {DepthRounding::kNearest, DepthRounding::kTruncate}) {
        if (rounding == DepthRounding::kTruncate && encoding != DepthEncoding::kRgb16) continue;
        DepthCodecOptions options = Options(encoding, max_depth, rounding);
        options.log_offset = max_depth / 50;
        const std::vector<float> depths = TrickyDepths(options, rng);
        std::vector<uint32_t> codes;
        std::vector<float> decoded;
        for (const float depth : depths) {
          codes.push_back(EncodeDepth(depth, options));
          decoded.push_back(DecodeDepth(codes.back(), options));
        }
        ForEachTarget([&] {
          const int width = static_cast<int>(depths.size());
          ASSERT_EQ(PackRow(depths, options, width), codes);
          const std::vector<float> unpacked = UnpackRow(codes, options, width);
          ASSERT_EQ(std::memcmp(unpacked.data(), decoded.data(), decoded.size() * sizeof(float)),
                    0);
        });
      }
    }
  }
}

TEST(DepthCodec, AnySizeStrideAndThreadCount) {
  std::mt19937_64 rng = test::Rng();
  std::uniform_real_distribution<float> metres(0, 110);
  ThreadPool one(1), three(3);
  for (const DepthEncoding encoding : kEncodings) {
    const DepthCodecOptions options = Options(encoding);
    for (const int width : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65, 640}) {
      for (const int height : {1, 3, 300}) {
        // One more column than is used: what lies beyond the view must stay.
        Image depth(PixelFormat::GrayF32(), width + 1, height);
        Image back(PixelFormat::GrayF32(), width + 1, height);
        Image encoded(EncodedFormat(encoding), width + 1, height);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x <= width; ++x) {
            depth.MutablePlane<float>().At(x, y) = metres(rng);
            back.MutablePlane<float>().At(x, y) = -7;
          }
          for (int plane = 0; plane < encoded.format().num_planes(); ++plane) {
            std::memset(encoded.MutablePlane<uint8_t>(plane).Row(y), 77,
                        static_cast<size_t>((width + 1) * encoded.format().bytes_per_sample()));
          }
        }
        DepthView in = depth.Plane<float>();
        PlaneView<float> out = back.MutablePlane<float>();
        in.width = out.width = width;
        PackDepth(in, options, encoded.mutable_view().Crop(0, 0, width, height), &three);
        UnpackDepth(Crop(encoded.view(), 0, 0, width, height), options, out, &one);
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            const float expected = DecodeDepth(EncodeDepth(in.At(x, y), options), options);
            ASSERT_TRUE(SameBits(out.At(x, y), expected)) << x << "," << y << " of " << width;
          }
          ASSERT_EQ(back.Plane<float>().At(width, y), -7);
          for (int plane = 0; plane < encoded.format().num_planes(); ++plane) {
            ASSERT_EQ(
                encoded.Plane<uint8_t>(plane).At(width * encoded.format().bytes_per_sample(), y),
                77);
          }
        }
      }
    }
  }
}

TEST(DepthCodec, CountsDamagedPixels) {
  Image image(PixelFormat::Rgb(8), 101, 10);
  PackDepth(DepthView{std::vector<float>(1010, 3.0f).data(), 404, 101, 10},
            Options(DepthEncoding::kRgb16), image.mutable_view());
  ForEachTarget([&] { EXPECT_EQ(Rgb16DamagedShare(image.view()), 0); });
  for (const int x : {0, 50, 100}) ++image.MutablePlane<uint8_t>(1).At(x, 4);
  ForEachTarget([&] { EXPECT_DOUBLE_EQ(Rgb16DamagedShare(image.view()), 3.0 / 1010); });
}

TEST(DepthCodec, NamesOfEncodings) {
  for (const DepthEncoding encoding : kEncodings) {
    EXPECT_EQ(ParseDepthEncoding(DepthEncodingName(encoding)), encoding);
  }
  EXPECT_EQ(ParseDepthEncoding("rgb16"), std::nullopt);
  EXPECT_EQ(ParseDepthEncoding(""), std::nullopt);
}

void ExpectInvalid(const std::function<void()>& body, const std::string& text) {
  try {
    body();
    ADD_FAILURE() << "no error, expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

TEST(DepthCodec, RefusesBadOptions) {
  const double bad_depths[] = {0, -1, 1e-7, 1.1e6, std::nan(""), double{kInf}};
  for (const double max_depth : bad_depths) {
    ExpectInvalid([&] { EncodeDepth(1, Options(DepthEncoding::kRgb16, max_depth)); },
                  "DepthCodecOptions.max_depth");
  }
  for (const double offset : {0.0, -1.0, 1e-5, 2e5, std::nan("")}) {
    DepthCodecOptions options = Options(DepthEncoding::kRgb24Log);
    options.log_offset = offset;
    ExpectInvalid([&] { EncodeDepth(1, options); }, "DepthCodecOptions.log_offset");
  }
  ExpectInvalid([&] { Options(DepthEncoding::kGray16, 100, DepthRounding::kTruncate).Check(); },
                "DepthCodecOptions.rounding");
  ExpectInvalid([&] { Options(static_cast<DepthEncoding>(77)).Check(); },
                "DepthCodecOptions.encoding = 77");
  ExpectInvalid([&] { DecodeDepth(65536, Options(DepthEncoding::kRgb16)); }, "code 65536");
  ExpectInvalid([&] { DecodeDepth(256, Options(DepthEncoding::kGray8)); }, "code 256");
}

TEST(DepthCodec, RefusesImagesThatDoNotFit) {
  Image depth(PixelFormat::GrayF32(), 4, 4);
  Image rgb(PixelFormat::Rgb(8), 4, 4), small(PixelFormat::Rgb(8), 4, 3);
  const DepthCodecOptions gray = Options(DepthEncoding::kGray16);
  const DepthCodecOptions rgb16 = Options(DepthEncoding::kRgb16);
  ExpectInvalid([&] { PackDepth(depth.Plane<float>(), gray, rgb.mutable_view()); }, "needs gray16");
  ExpectInvalid([&] { UnpackDepth(rgb.view(), gray, depth.MutablePlane<float>()); },
                "needs gray16");
  ExpectInvalid([&] { PackDepth(depth.Plane<float>(), rgb16, small.mutable_view()); }, "4x3");
  ExpectInvalid([&] { UnpackDepth(small.view(), rgb16, depth.MutablePlane<float>()); }, "4x3");
  ExpectInvalid([&] { Rgb16DamagedShare(depth.view()); }, "must be rgb8");
}

}  // namespace
}  // namespace mdvt
