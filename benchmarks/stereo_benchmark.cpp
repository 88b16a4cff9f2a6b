// SPDX-License-Identifier: Apache-2.0
//
// Speed of the view synthesis and of the fill at 1920x1080, as ratios to a memcpy of the same bytes
// and to the plain scalar definition in the same run. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/stereo/renderer.h"
#include "stereo/frame_warp.h"

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

// Keeps the fastest repetition of every benchmark.
class MinimumReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const double ms = 1e3 * run.real_accumulated_time /
                        static_cast<double>(std::max<int64_t>(1, run.iterations));
      const double cpu_ms = 1e3 * run.cpu_accumulated_time /
                            static_cast<double>(std::max<int64_t>(1, run.iterations));
      Best& best = best_[run.run_name.function_name];
      best.ms = std::min(best.ms, ms);
      best.cpu_ms = std::min(best.cpu_ms, cpu_ms);
    }
  }
  void PrintJson() const {
    const auto copy = best_.find("memcpy");
    const auto plain = best_.find("plain/1");
    std::printf("{\"benchmark\":\"stereo\",\"size\":\"%dx%d\"", kWidth, kHeight);
    for (const auto& [name, best] : best_) {
      // cpu_ms is that of the calling thread: with one thread, the figure that other programs on
      // the machine disturb least.
      std::printf(",\"%s\":{\"ms\":%.3f,\"cpu_ms\":%.3f", name.c_str(), best.ms, best.cpu_ms);
      if (copy != best_.end()) std::printf(",\"per_memcpy\":%.2f", best.ms / copy->second.ms);
      if (plain != best_.end()) std::printf(",\"per_plain\":%.4f", best.ms / plain->second.ms);
      std::printf("}");
    }
    std::printf("}\n");
  }

 private:
  struct Best {
    double ms = 1e30, cpu_ms = 1e30;
  };
  std::map<std::string, Best> best_;
};

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using namespace mdvt;
  const PixelFormat yuv8 = PixelFormat::Yuv(420, 8), yuv10 = PixelFormat::Yuv(420, 10);
  const auto add = [](const char* name, auto&& run) {
    benchmark::RegisterBenchmark(name, run)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime()
        ->MinTime(0.2)
        ->Repetitions(3);
  };
  add("memcpy", [=](benchmark::State& s) { BM_Memcpy(s, yuv8); });
  add("plain/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, true, 1); });
  add("warp/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, false, 1); });
  add("warp/2", [=](benchmark::State& s) { BM_Warp(s, yuv8, false, false, 2); });
  add("warp_10bit/2", [=](benchmark::State& s) { BM_Warp(s, yuv10, false, false, 2); });
  add("warp_rgb/2", [=](benchmark::State& s) { BM_Warp(s, PixelFormat::Rgb(8), false, false, 2); });
  add("warp_noise/1", [=](benchmark::State& s) { BM_Warp(s, yuv8, true, false, 1); });
  add("warp_noise/2", [=](benchmark::State& s) { BM_Warp(s, yuv8, true, false, 2); });
  add("fill/1", [=](benchmark::State& s) { BM_Fill(s, yuv8, false, 1); });
  add("fill/2", [=](benchmark::State& s) { BM_Fill(s, yuv8, false, 2); });
  add("fill_noise/2", [=](benchmark::State& s) { BM_Fill(s, yuv8, true, 2); });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  MinimumReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.PrintJson();
  return 0;
}
