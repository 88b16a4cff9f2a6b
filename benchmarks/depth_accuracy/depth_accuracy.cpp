// SPDX-License-Identifier: Apache-2.0
//
// How exact and how fast the built-in depth from motion is.
//
//   depth_accuracy <folder of the test clips> [threads]
//
// Clips with known depth (dev_*): AbsRel, RMSE and delta1 over all pixels and frames after one
// median scale for the clip. Real clips: how many frames were measured. Prints one JSON object.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/metrics.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/motion_depth.h"

namespace {

namespace fs = std::filesystem;

std::optional<double> NumberAfter(const std::string& text, const std::string& key) {
  const size_t at = text.find('"' + key + '"');
  if (at == std::string::npos) return std::nullopt;
  const size_t begin = text.find_first_of("-0123456789", text.find(':', at));
  return mdvt::ParseDouble(std::string_view(text).substr(
      begin, text.find_first_not_of("-+.0123456789eE", begin) - begin));
}

mdvt::Image ToMetres(const mdvt::Image& millimetres) {
  mdvt::Image metres(mdvt::PixelFormat::GrayF32(), millimetres.width(), millimetres.height());
  for (int y = 0; y < metres.height(); ++y) {
    const uint16_t* from = millimetres.Plane<uint16_t>().Row(y);
    float* to = metres.MutablePlane<float>().Row(y);
    for (int x = 0; x < metres.width(); ++x) to[x] = static_cast<float>(from[x]) / 1000;
  }
  return metres;
}

void Measure(const fs::path& color, const fs::path& truth, std::optional<double> yfov,
             mdvt::ThreadPool* pool, const char* separator) {
  mdvt::VideoReaderOptions gray;
  gray.format = mdvt::PixelFormat::Gray(8);
  mdvt::VideoReader reader(color.string(), gray);
  mdvt::MotionDepthOptions options;
  options.camera = mdvt::Camera::FromFov(reader.info().width, reader.info().height,
                                         yfov ? std::nullopt : std::optional<double>(60), yfov);
  mdvt::MotionDepthEstimator estimator(options, pool);
  std::vector<mdvt::Image> depths;
  double seconds = 0;
  const auto timed = [&](const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const auto pop = [&] {
    while (true) {
      std::optional<mdvt::DepthEstimate> estimate;
      timed([&] { estimate = estimator.Pop(); });
      if (!estimate) break;
      if (!truth.empty()) depths.push_back(estimate->depth);
    }
  };
  while (const auto frame = reader.Read()) {
    timed([&] { estimator.Push(*frame); });
    pop();
  }
  timed([&] { estimator.Finish(); });
  pop();
  const mdvt::MotionReport report = estimator.report();
  std::printf(
      "%s  {\"clip\": \"%s\", \"width\": %d, \"height\": %d, \"frames\": %lld, "
      "\"measured\": %lld, \"carried\": %lld, \"no_translation\": %lld, \"lost\": %lld, "
      "\"fps\": %.2f",
      separator, (color.parent_path().filename() / color.filename()).generic_string().c_str(),
      options.camera.width, options.camera.height, static_cast<long long>(report.frames),
      static_cast<long long>(report.measured), static_cast<long long>(report.carried),
      static_cast<long long>(report.no_translation), static_cast<long long>(report.lost),
      static_cast<double>(report.frames) / seconds);
  if (!truth.empty()) {
    mdvt::DepthMetricsAccumulator metrics;
    for (const bool second : {false, true}) {
      mdvt::VideoReader depth_reader(truth.string());
      for (const mdvt::Image& depth : depths) {
        const auto frame = depth_reader.Read();
        if (!frame) break;
        const mdvt::Image metres = ToMetres(frame->image);
        if (second)
          metrics.Add(depth.Plane<float>(), metres.Plane<float>(), metrics.MedianScale());
        else
          metrics.AddForScale(depth.Plane<float>(), metres.Plane<float>());
      }
    }
    const mdvt::DepthMetrics result = metrics.Result();
    std::printf(", \"abs_rel\": %.4f, \"rmse\": %.3f, \"delta1\": %.4f, \"scale\": %.4f",
                result.abs_rel, result.rmse, result.delta1, result.scale);
  }
  std::printf("}");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: depth_accuracy <folder of the test clips> [threads]\n");
    return 2;
  }
  try {
    mdvt::SetLogSink([](mdvt::LogLevel, const std::string&) {});
    mdvt::ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 0);
    const fs::path data = argv[1];
    const char* separator = "[\n";
    for (const char* name : {"dev_dolly", "dev_dynamic", "dev_rotate"}) {
      std::stringstream scene;
      scene << std::ifstream(data / name / "scene.json").rdbuf();
      Measure(data / name / "color.mp4", data / name / "depth_mm.mkv",
              NumberAfter(scene.str(), "yfov_deg"), &pool, separator);
      separator = ",\n";
    }
    for (const char* name :
         {"tokyo_walk.mp4", "rollercoaster.mp4", "apple.mp4", "paragliding_launch.mp4"})
      Measure(data / "real" / name, {}, std::nullopt, &pool, separator);
    std::printf("\n]\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "depth_accuracy: %s\n", e.what());
    return 1;
  }
  return 0;
}
