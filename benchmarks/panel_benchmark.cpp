// SPDX-License-Identifier: Apache-2.0
//
// Speed of the warp into a panel of 1920x1920 (4:2:0, 8 bits) from a picture of 1920x1080 of
// several fields of view, as a ratio to a memcpy of the panel in the same run: the warp of one
// frame, and with the table made anew, as for a camera that turns. Ends with one line of JSON.
#include <benchmark/benchmark.h>

#include <Eigen/Geometry>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "mdvt/stereo/panel_warp.h"
#include "timing.h"

namespace mdvt {
namespace {

constexpr int kPanel = 1920;

void Warp(benchmark::State& state, int threads, double fov_deg, bool turning) {
  const PixelFormat format = PixelFormat::Yuv(420);
  std::mt19937 rng(1);
  Image picture(format, 1920, 1080), panel(format, kPanel, kPanel);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, 1080); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, 1920); ++x)
        picture.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(rng());
  const Camera camera = Camera::FromFov(1920, 1080, fov_deg, std::nullopt);
  ThreadPool pool(threads);
  PanelWarp warp({}, &pool);
  double angle = 0;
  warp.SetView(camera, Eigen::Matrix3d::Identity(), format);
  for (auto _ : state) {
    if (turning) angle += 1e-3;
    const Eigen::Matrix3d turned =
        Eigen::AngleAxisd(angle, Eigen::Vector3d::UnitY()).toRotationMatrix();
    warp.SetView(camera, turned, format);
    warp.Warp(picture.view(), {16, 128, 128}, panel.mutable_view());
  }
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  using mdvt::AddBenchmark;
  AddBenchmark("memcpy", [](benchmark::State& state) {
    std::vector<char> from(size_t{mdvt::kPanel} * mdvt::kPanel * 3 / 2, 1), to(from.size());
    for (auto _ : state) {
      std::memcpy(to.data(), from.data(), from.size());
      benchmark::ClobberMemory();
    }
  });
  for (const int threads : {1, 2})
    for (const int fov : {60, 90, 120}) {
      const std::string ending = std::to_string(fov) + "_" + std::to_string(threads);
      AddBenchmark("warp_" + ending,
                   [=](benchmark::State& state) { mdvt::Warp(state, threads, fov, false); });
      AddBenchmark("turning_" + ending,
                   [=](benchmark::State& state) { mdvt::Warp(state, threads, fov, true); });
    }
  return mdvt::RunBenchmarks(argc, argv, "panel", [](const std::string& name) {
    mdvt::Ratios ratios = {{"per_memcpy", "memcpy"}};
    if (name.back() == '2')
      ratios.push_back({"per_one_thread", name.substr(0, name.size() - 1) + "1"});
    return ratios;
  });
}
