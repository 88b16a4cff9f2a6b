// SPDX-License-Identifier: Apache-2.0
//
// Speed of the view synthesis and of the fill at 1920x1080, as ratios to a memcpy of the same bytes
// and to the plain scalar definition in the same run. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/stereo/renderer.h"
#include "stereo/frame_warp.h"
#include "timing.h"

namespace mdvt {
namespace {

constexpr int kWidth = 1920, kHeight = 1080;

// Six near discs before slanted walls and a floor, with the noise of an estimated depth; or noise
// alone, the worst case.
Image MakeDepth(bool worst) {
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  Image depth(PixelFormat::GrayF32(), kWidth, kHeight);
  struct Disc {
    float x, y, r, z;
  };
  const Disc discs[] = {{300, 300, 120, 2.0f}, {700, 600, 150, 2.5f}, {1100, 350, 100, 1.8f},
                        {1500, 700, 160, 3.f}, {1700, 250, 90, 2.2f}, {950, 850, 110, 1.6f}};
  for (int y = 0; y < kHeight; ++y) {
    float* row = depth.MutablePlane<float>().Row(y);
    for (int x = 0; x < kWidth; ++x) {
      const auto fx = static_cast<float>(x), fy = static_cast<float>(y);
      float z = 12.0f;
      z = std::min(z, 5.0f + 0.01f * fx);                         // a wall on the left
      z = std::min(z, 4.0f + 0.012f * (kWidth - fx));             // and on the right
      if (fy > 540) z = std::min(z, 3.0f * 540 / (fy - 500.0f));  // the floor
      for (const Disc& disc : discs) {
        const float dx = fx - disc.x, dy = fy - disc.y;
        if (dx * dx + dy * dy < disc.r * disc.r) z = std::min(z, disc.z + 0.0005f * dx);
      }
      row[x] = worst ? 1.0f + 19.0f * uniform(rng) : z * (1 + 0.001f * (uniform(rng) - 0.5f));
    }
  }
  return depth;
}

Image MakeColor(PixelFormat format) {
  std::mt19937 rng(2);
  Image color(format, kWidth, kHeight);
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y) {
      for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x) {
        const auto value = static_cast<int>(rng()) & format.max_value();
        if (format.type == SampleType::kU8) {
          color.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        } else {
          color.MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        }
      }
    }
  }
  return color;
}

struct Setup {
  Image color, depth, both;
  HoleMap left, right;
  Camera camera = Camera::FromFov(kWidth, kHeight, 48.0, std::nullopt);
  StereoOptions options;

  Setup(PixelFormat format, bool worst)
      : color(MakeColor(format)), depth(MakeDepth(worst)), both(format, 2 * kWidth, kHeight) {}
  EyeView LeftView() { return {both.mutable_view().Crop(0, 0, kWidth, kHeight), {}, &left}; }
  EyeView RightView() { return {both.mutable_view().Crop(kWidth, 0, kWidth, kHeight), {}, &right}; }
};

size_t ColorBytes(const PixelFormat& format) {
  size_t samples = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    samples += static_cast<size_t>(format.PlaneWidth(plane, kWidth)) *
               static_cast<size_t>(format.PlaneHeight(plane, kHeight));
  }
  return samples * static_cast<size_t>(format.bytes_per_sample());
}

// As many bytes as both eyes need to be read and written: depth and colour in, two pictures out.
void BM_Memcpy(benchmark::State& state, PixelFormat format) {
  const size_t bytes =
      (static_cast<size_t>(kWidth) * kHeight * sizeof(float) + 3 * ColorBytes(format)) / 2;
  std::vector<char> from(bytes, 1), to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::ClobberMemory();
  }
}

void BM_Warp(benchmark::State& state, PixelFormat format, bool worst, bool plain, int threads) {
  Setup setup(format, worst);
  ThreadPool pool(threads);
  stereo::FrameWarp warp(setup.options, plain ? stereo::PlainKernels() : stereo::BestKernels(),
                         &pool);
  for (auto _ : state) {
    warp.Render(setup.color.view(), setup.depth.Plane<float>(), setup.camera, 4.0, setup.LeftView(),
                setup.RightView());
  }
  size_t pixels = 0;
  for (const auto& row : setup.left.rows) {
    for (const HoleSpan& span : row) pixels += static_cast<size_t>(span.end - span.begin);
  }
  state.counters["holes_percent"] = 100.0 * static_cast<double>(pixels) / (kWidth * kHeight);
}

void BM_Fill(benchmark::State& state, PixelFormat format, bool worst, int threads) {
  Setup setup(format, worst);
  ThreadPool pool(threads);
  StereoRenderer renderer(setup.options, &pool);
  renderer.Render(setup.color.view(), setup.depth.Plane<float>(), setup.camera, 4.0,
                  setup.LeftView(), setup.RightView());
  DirectionalFill fill({}, &pool);
  for (auto _ : state) {
    fill.Fill(setup.left, setup.LeftView().image);
    fill.Fill(setup.right, setup.RightView().image);
  }
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using namespace mdvt;
  const PixelFormat yuv8 = PixelFormat::Yuv(420, 8), yuv10 = PixelFormat::Yuv(420, 10);
  AddBenchmark("memcpy", [=](benchmark::State& s) { BM_Memcpy(s, yuv8); });
  AddBenchmark("plain/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, true, 1); });
  AddBenchmark("warp/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, false, 1); });
  AddBenchmark("warp/2", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, false, 2); });
  AddBenchmark("warp_10bit/2", [=](benchmark::State& s) { BM_Warp(s, yuv10, false, false, 2); });
  AddBenchmark("warp_rgb/2",
               [=](benchmark::State& s) { BM_Warp(s, PixelFormat::Rgb(8), false, false, 2); });
  AddBenchmark("warp_noise/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, true, false, 1); });
  AddBenchmark("warp_noise/2", [=](benchmark::State& s) { BM_Warp(s, yuv8, true, false, 2); });
  AddBenchmark("fill/1", [=](benchmark::State& s) { BM_Fill(s, yuv8, false, 1); });
  AddBenchmark("fill/2", [=](benchmark::State& s) { BM_Fill(s, yuv8, false, 2); });
  AddBenchmark("fill_noise/2", [=](benchmark::State& s) { BM_Fill(s, yuv8, true, 2); });
  return RunBenchmarks(argc, argv, "stereo", [](const std::string&) {
    return Ratios{{"per_memcpy", "memcpy"}, {"per_plain", "plain/1"}};
  });
}
