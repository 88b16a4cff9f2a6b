// SPDX-License-Identifier: Apache-2.0
//
// How exact and how fast the built-in depth from motion is.
//
//   depth_accuracy <folder of the test clips> [threads [clip...]]
//
// Clips with known depth (dev_*): AbsRel, RMSE and delta1 over all pixels and frames after one
// median scale for the clip; flicker, the mean of |r' / r - 1| where r = depth / true depth and r'
// the same of the same point in the next frame. Real clips: how many frames were measured. Speed is
// per second of the clock and of computing, all threads together. Prints one JSON object.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/pose.h"
#include "mdvt/depth/metrics.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/motion_depth.h"

namespace {

namespace fs = std::filesystem;

struct Truth {
  std::string depth_file;
  mdvt::Camera camera;
  std::vector<mdvt::Pose> world_from_cam;
};

Truth ReadTruth(const fs::path& folder) {
  std::stringstream text;
  text << std::ifstream(folder / "scene.json").rdbuf();
  mdvt::json::Value scene = mdvt::json::Parse(text.str(), mdvt::Limits(), "scene.json");
  Truth truth;
  truth.depth_file = (folder / "depth_mm.mkv").string();
  truth.camera = mdvt::Camera::FromFov(static_cast<int>(scene["width"].AsInt()),
                                       static_cast<int>(scene["height"].AsInt()), std::nullopt,
                                       scene["yfov_deg"].AsDouble());
  for (const mdvt::json::Value& rows : scene["frames"].AsArray()) {
    mdvt::Pose pose = mdvt::Pose::Identity();
    for (int i = 0; i < 3; ++i)
      for (int k = 0; k < 4; ++k)
        pose.matrix()(i, k) =
            rows.AsArray()[static_cast<size_t>(i)].AsArray()[static_cast<size_t>(k)].AsDouble();
    truth.world_from_cam.push_back(pose);
  }
  return truth;
}

// Sum and number of |r' / r - 1| between two frames.
struct Flicker {
  double sum = 0;
  int64_t count = 0;

  void Add(const Truth& truth, size_t frame, const mdvt::Image& depth, const mdvt::Image& metres,
           const mdvt::Image& next_depth, const mdvt::Image& next_metres) {
    const mdvt::Camera& camera = truth.camera;
    const mdvt::Pose next_from_now =
        truth.world_from_cam[frame + 1].inverse() * truth.world_from_cam[frame];
    for (int y = 0; y < camera.height; ++y)
      for (int x = 0; x < camera.width; ++x) {
        const double z = static_cast<double>(metres.Plane<float>().At(x, y));
        if (!(z > 0)) continue;
        const Eigen::Vector3d point(z * (x + 0.5 - camera.cx) / camera.fx,
                                    z * (y + 0.5 - camera.cy) / camera.fy, z);
        const Eigen::Vector3d moved = next_from_now * point;
        if (!(moved.z() > 0)) continue;
        const double u = camera.fx * moved.x() / moved.z() + camera.cx;
        const double v = camera.fy * moved.y() / moved.z() + camera.cy;
        if (!(u >= 0 && v >= 0 && u < camera.width && v < camera.height)) continue;
        const int to_x = static_cast<int>(u), to_y = static_cast<int>(v);
        const double there = static_cast<double>(next_metres.Plane<float>().At(to_x, to_y));
        if (!(std::abs(there / moved.z() - 1) < 0.02)) continue;  // hidden, or moving by itself
        const double r = static_cast<double>(depth.Plane<float>().At(x, y)) / z;
        sum +=
            std::abs(static_cast<double>(next_depth.Plane<float>().At(to_x, to_y)) / there / r - 1);
        ++count;
      }
  }
};

mdvt::Image ToMetres(const mdvt::Image& millimetres) {
  mdvt::Image metres(mdvt::PixelFormat::GrayF32(), millimetres.width(), millimetres.height());
  for (int y = 0; y < metres.height(); ++y) {
    const uint16_t* from = millimetres.Plane<uint16_t>().Row(y);
    float* to = metres.MutablePlane<float>().Row(y);
    for (int x = 0; x < metres.width(); ++x) to[x] = static_cast<float>(from[x]) / 1000;
  }
  return metres;
}

void Measure(const fs::path& color, const std::optional<Truth>& truth, mdvt::ThreadPool* pool,
             const char* separator) {
  mdvt::VideoReaderOptions wanted;
  wanted.format = mdvt::PixelFormat::Rgb(8);
  mdvt::VideoReader reader(color.string(), wanted);
  mdvt::MotionDepthOptions options;
  options.camera =
      truth ? truth->camera
            : mdvt::Camera::FromFov(reader.info().width, reader.info().height, 60, std::nullopt);
  mdvt::MotionDepthEstimator estimator(options, pool);
  std::vector<mdvt::Image> depths;
  double seconds = 0, computing = 0;
  const auto timed = [&](const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t computed = std::clock();
    work();
    computing += static_cast<double>(std::clock() - computed) / CLOCKS_PER_SEC;
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  const auto pop = [&] {
    while (true) {
      std::optional<mdvt::DepthEstimate> estimate;
      timed([&] { estimate = estimator.Pop(); });
      if (!estimate) break;
      if (truth) depths.push_back(estimate->depth);
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
      "\"fps\": %.2f, \"cpu_s_per_frame\": %.3f",
      separator, (color.parent_path().filename() / color.filename()).generic_string().c_str(),
      options.camera.width, options.camera.height, static_cast<long long>(report.frames),
      static_cast<long long>(report.measured), static_cast<long long>(report.carried),
      static_cast<long long>(report.no_translation), static_cast<long long>(report.lost),
      static_cast<double>(report.frames) / seconds, computing / static_cast<double>(report.frames));
  if (truth) {
    mdvt::DepthMetricsAccumulator metrics;
    Flicker flicker;
    mdvt::Image before;
    for (const bool second : {false, true}) {
      mdvt::VideoReader depth_reader(truth->depth_file);
      for (size_t i = 0; i < depths.size(); ++i) {
        const auto frame = depth_reader.Read();
        if (!frame) break;
        const mdvt::Image& depth = depths[i];
        const mdvt::Image metres = ToMetres(frame->image);
        if (!second) {
          metrics.AddForScale(depth.Plane<float>(), metres.Plane<float>());
          continue;
        }
        metrics.Add(depth.Plane<float>(), metres.Plane<float>(), metrics.MedianScale());
        if (i > 0) flicker.Add(*truth, i - 1, depths[i - 1], before, depth, metres);
        before = metres;
      }
    }
    const mdvt::DepthMetrics result = metrics.Result();
    std::printf(
        ", \"abs_rel\": %.4f, \"rmse\": %.3f, \"delta1\": %.4f, \"scale\": %.4f, "
        "\"flicker\": %.4f",
        result.abs_rel, result.rmse, result.delta1, result.scale,
        flicker.sum / static_cast<double>(std::max<int64_t>(1, flicker.count)));
  }
  std::printf("}");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: depth_accuracy <folder of the test clips> [threads [clip...]]\n");
    return 2;
  }
  try {
    mdvt::SetLogSink([](mdvt::LogLevel, const std::string&) {});
    mdvt::ThreadPool pool(argc > 2 ? std::atoi(argv[2]) : 0);
    const fs::path data = argv[1];
    const std::vector<std::string> chosen(argv + std::min(argc, 3), argv + argc);
    const auto is_wanted = [&](const std::string& name) {
      return chosen.empty() || std::find(chosen.begin(), chosen.end(), name) != chosen.end();
    };
    const char* separator = "[\n";
    for (const char* name : {"dev_dolly", "dev_dynamic", "dev_rotate"}) {
      if (!is_wanted(name)) continue;
      Measure(data / name / "color.mp4", ReadTruth(data / name), &pool, separator);
      separator = ",\n";
    }
    for (const char* name : {"tokyo_walk", "rollercoaster", "apple", "paragliding_launch"}) {
      if (!is_wanted(name)) continue;
      Measure(data / "real" / (std::string(name) + ".mp4"), std::nullopt, &pool, separator);
      separator = ",\n";
    }
    std::printf("\n]\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "depth_accuracy: %s\n", e.what());
    return 1;
  }
  return 0;
}
