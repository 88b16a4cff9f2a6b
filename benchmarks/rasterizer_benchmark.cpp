// SPDX-License-Identifier: Apache-2.0
//
// Speed of the rasteriser: a depth frame of 1280x720 seen from beside its camera, as a ratio to a
// memcpy of colour and depth in the same run. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/stereo/scene_rasterizer.h"
#include "timing.h"

namespace mdvt {
namespace {

constexpr int kWidth = 1280, kHeight = 720;

// Near discs before walls and a floor, with the noise of an estimated depth.
Image MakeDepth() {
  std::mt19937 rng(1);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  Image depth(PixelFormat::GrayF32(), kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      float z = std::min(5.0f + 0.01f * static_cast<float>(x), 12.0f);
      if (y > 360) z = std::min(z, 1080.0f / static_cast<float>(y - 340));
      for (int disc = 0; disc < 6; ++disc) {
        const float dx = static_cast<float>(x - 200 * disc - 100);
        const float dy = static_cast<float>(y - 100 * disc - 60);
        if (std::hypot(dx, dy) < 80) z = std::min(z, 2.0f + 0.0005f * dx);
      }
      depth.MutablePlane<float>().At(x, y) = z * (1 + 0.001f * uniform(rng));
    }
  }
  return depth;
}

Image MakeColor() {
  std::mt19937 rng(2);
  Image color(PixelFormat::Rgb(8), kWidth, kHeight);
  for (int i = 0; i < 3; ++i)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        color.MutablePlane<uint8_t>(i).At(x, y) = static_cast<uint8_t>(rng());
  return color;
}

void Draw(benchmark::State& state, int threads, const SurfaceOptions& options) {
  const Image depth = MakeDepth();
  const Image color = MakeColor();
  const Camera camera = Camera::FromFov(kWidth, kHeight, 55.0, std::nullopt);
  Pose pose = Pose::Identity();
  pose.translation() = Eigen::Vector3d(0.4, -0.3, -0.5);
  pose.linear() =
      Eigen::AngleAxisd(-0.1, Eigen::Vector3d(0.3, 1, 0.1).normalized()).toRotationMatrix();
  ThreadPool pool(threads);
  SceneRasterizer scene(8, &pool);
  Image picture(PixelFormat::Rgb(8), kWidth, kHeight);
  for (auto _ : state) {
    scene.Begin(camera, pose);
    scene.AddSurface(color.view(), depth.Plane<float>(), camera, Pose::Identity(), options);
    scene.Finish({255, 255, 255}, picture.mutable_view());
  }
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using mdvt::AddBenchmark;
  AddBenchmark("memcpy", [](benchmark::State& state) {
    std::vector<char> from(size_t{mdvt::kWidth} * mdvt::kHeight * 7, 1), to(from.size());
    for (auto _ : state) {
      std::memcpy(to.data(), from.data(), from.size());
      benchmark::ClobberMemory();
    }
  });
  for (const int threads : {1, 2}) {
    const std::string ending = "_" + std::to_string(threads);
    mdvt::SurfaceOptions torn, points;
    torn.tear = mdvt::TearRule();
    points.points = true;
    AddBenchmark("surface" + ending,
                 [=](benchmark::State& state) { mdvt::Draw(state, threads, {}); });
    AddBenchmark("torn" + ending,
                 [=](benchmark::State& state) { mdvt::Draw(state, threads, torn); });
    AddBenchmark("points" + ending,
                 [=](benchmark::State& state) { mdvt::Draw(state, threads, points); });
  }
  return mdvt::RunBenchmarks(argc, argv, "rasterizer", [](const std::string& name) {
    mdvt::Ratios ratios = {{"per_memcpy", "memcpy"}};
    if (name.back() == '2')
      ratios.push_back({"per_one_thread", name.substr(0, name.size() - 1) + "1"});
    return ratios;
  });
}
