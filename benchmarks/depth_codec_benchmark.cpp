// SPDX-License-Identifier: Apache-2.0
//
// Speed of packing and unpacking depth at 1920x1080, as ratios to a memcpy that reads and writes as
// many bytes in the same run. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mdvt/io/depth_codec.h"
#include "timing.h"

namespace mdvt {
namespace {

constexpr int kWidth = 1920, kHeight = 1080;
constexpr double kMemcpyBytes = double{kWidth} * kHeight * 3.5;  // half of 4 in and 3 out

// Smooth walls with noise, a tenth without data, some beyond the range.
Image MakeDepth() {
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> uniform(0, 1);
  Image depth(PixelFormat::GrayF32(), kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      float z = 1 + 0.06f * static_cast<float>(x) + 0.01f * uniform(rng);
      if (uniform(rng) < 0.1f) z = 0;
      depth.MutablePlane<float>().At(x, y) = z;
    }
  }
  return depth;
}

DepthCodecOptions Options(DepthEncoding encoding) {
  DepthCodecOptions options;
  options.encoding = encoding;
  return options;
}

void BM_Memcpy(benchmark::State& state) {
  const auto bytes = static_cast<size_t>(kMemcpyBytes);
  std::vector<char> from(bytes, 1), to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::ClobberMemory();
  }
}

void BM_Pack(benchmark::State& state, DepthEncoding encoding, int threads) {
  const Image depth = MakeDepth();
  Image encoded(EncodedFormat(encoding), kWidth, kHeight);
  ThreadPool pool(threads);
  for (auto _ : state) {
    PackDepth(depth.Plane<float>(), Options(encoding), encoded.mutable_view(), &pool);
    benchmark::ClobberMemory();
  }
}

void BM_Unpack(benchmark::State& state, DepthEncoding encoding, int threads) {
  const Image depth = MakeDepth();
  Image encoded(EncodedFormat(encoding), kWidth, kHeight);
  PackDepth(depth.Plane<float>(), Options(encoding), encoded.mutable_view());
  Image back(PixelFormat::GrayF32(), kWidth, kHeight);
  ThreadPool pool(threads);
  for (auto _ : state) {
    UnpackDepth(encoded.view(), Options(encoding), back.MutablePlane<float>(), &pool);
    benchmark::ClobberMemory();
  }
}

// The definition, pixel by pixel.
void BM_PackScalar(benchmark::State& state) {
  const Image depth = MakeDepth();
  const DepthCodecOptions options = Options(DepthEncoding::kRgb16);
  Image encoded(PixelFormat::Rgb(8), kWidth, kHeight);
  for (auto _ : state) {
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        const uint32_t code = EncodeDepth(depth.Plane<float>().At(x, y), options);
        encoded.MutablePlane<uint8_t>(0).At(x, y) = static_cast<uint8_t>(code >> 8);
        encoded.MutablePlane<uint8_t>(1).At(x, y) = static_cast<uint8_t>(code >> 8);
        encoded.MutablePlane<uint8_t>(2).At(x, y) = static_cast<uint8_t>(code & 0xFF);
      }
    }
    benchmark::ClobberMemory();
  }
}

void BM_CheckDamage(benchmark::State& state) {
  const Image depth = MakeDepth();
  Image encoded(PixelFormat::Rgb(8), kWidth, kHeight);
  PackDepth(depth.Plane<float>(), Options(DepthEncoding::kRgb16), encoded.mutable_view());
  for (auto _ : state) benchmark::DoNotOptimize(Rgb16DamagedShare(encoded.view()));
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using namespace mdvt;
  AddBenchmark("memcpy", BM_Memcpy);
  const std::pair<const char*, DepthEncoding> encodings[] = {
      {"rgb16", DepthEncoding::kRgb16},
      {"gray16", DepthEncoding::kGray16},
      {"gray8", DepthEncoding::kGray8},
      {"rgb24_log", DepthEncoding::kRgb24Log}};
  for (const auto& [name, encoding] : encodings) {
    for (const int threads : {1, 2}) {
      const DepthEncoding e = encoding;
      const std::string suffix = std::string("_") + name + "/" + std::to_string(threads);
      AddBenchmark("pack" + suffix, [=](benchmark::State& s) { BM_Pack(s, e, threads); });
      AddBenchmark("unpack" + suffix, [=](benchmark::State& s) { BM_Unpack(s, e, threads); });
    }
  }
  AddBenchmark("pack_rgb16_scalar/1", BM_PackScalar);
  AddBenchmark("check_damage/1", BM_CheckDamage);
  return RunBenchmarks(argc, argv, "depth_codec", [](const std::string&) {
    return Ratios{{"per_memcpy", "memcpy"}};
  });
}
