// SPDX-License-Identifier: Apache-2.0
//
// What a whole stereo job takes beside what its files alone take: decoding both inputs and encoding
// the output with the same codecs, threads and overlap, but with the eyes copied in place of
// rendered. Prints one JSON object: the ratio, the time to the first frame and the peak memory.
//
//   whole_program [width height [frames [folder]]]
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/clip_pair.h"
#include "whole_program/parts.h"

namespace mdvt {
namespace {

constexpr int kRounds = 3;
constexpr double kTarget = 1.15;

struct Clip {
  int width = 1920;
  int height = 1080;
  int frames = 48;
  std::string color;
  std::string depth;
  std::string output;
};

// A moving texture with some noise, in H.264, and a rounded object on a receding floor.
void MakeClip(const Clip& clip) {
  VideoWriterOptions video;
  video.codec = VideoCodec::kH264;
  video.frame_rate = {24, 1};
  video.time_base = {1, 24};
  VideoWriter color(clip.color, PixelFormat::Yuv(420), clip.width, clip.height, video);
  DepthVideoWriterOptions depth_options;
  depth_options.codec.max_depth = 20;
  depth_options.tags.xfov_deg = 60;
  depth_options.video.frame_rate = {24, 1};
  depth_options.video.time_base = {1, 24};
  DepthVideoWriter depth(clip.depth, clip.width, clip.height, depth_options);
  uint32_t noise = 1;
  for (int frame = 0; frame < clip.frames; ++frame) {
    Image picture(PixelFormat::Yuv(420), clip.width, clip.height);
    for (int plane = 0; plane < 3; ++plane) {
      const auto pixels = picture.MutablePlane<uint8_t>(plane);
      for (int y = 0; y < pixels.height; ++y) {
        const float row = std::sin(0.021f * static_cast<float>(y));
        for (int x = 0; x < pixels.width; ++x) {
          noise = noise * 1664525u + 1013904223u;
          const float wave = row * std::sin(0.013f * static_cast<float>(x + 2 * frame));
          pixels.At(x, y) = static_cast<uint8_t>(128 + 90 * wave + static_cast<float>(noise >> 29));
        }
      }
    }
    color.Write(picture, frame, 1);
    Image map(PixelFormat::GrayF32(), clip.width, clip.height);
    for (int y = 0; y < clip.height; ++y) {
      for (int x = 0; x < clip.width; ++x) {
        const float u =
            static_cast<float>(x - clip.width / 2 - 2 * frame) / static_cast<float>(clip.height);
        const float v = static_cast<float>(y) / static_cast<float>(clip.height) - 0.5f;
        const float floor = 12 - 9 * std::max(0.0f, v);
        map.MutablePlane<float>().At(x, y) = u * u + v * v < 0.08f ? 2 + u * u + v * v : floor;
      }
    }
    depth.Write(map.Plane<float>(), frame, 1);
  }
  color.Finish();
  depth.Finish();
}

StereoJobReport Render(const Clip& clip, int64_t max_frames) {
  StereoJobOptions options;
  options.color_video = clip.color;
  options.source.file.path = clip.depth;
  options.output = clip.output;
  options.job.max_frames = max_frames;
  return RunStereoJob(options);
}

// The job with its compute stage left out: both inputs are decoded, and each picture is encoded
// twice, side by side, with the overlap of a job.
void CopyOnly(const Clip& clip) {
  ClipPairOptions input_options;
  input_options.color_video = clip.color;
  input_options.source.file.path = clip.depth;
  ClipPair input(input_options);
  const VideoInfo& source = input.lead_info();
  VideoWriterOptions video;
  video.time_base = source.time_base;
  video.frame_rate = source.frame_rate;
  video.color = source.color;
  VideoWriter writer(clip.output, source.format, 2 * source.width, source.height, video);
  ImagePool images(source.format, 2 * source.width, source.height);
  Graph graph(0);
  auto copied = graph.Then(input.Frames(&graph), [&](PairedFrame pair) {
    Image both = images.Get();
    for (int half = 0; half < 2; ++half)
      CopyPixels(pair.color.image.view(),
                 both.mutable_view().Crop(half * source.width, 0, source.width, source.height));
    return std::make_pair(std::move(both), pair.color.pts);
  });
  graph.Into(std::move(copied), [&](const std::pair<Image, int64_t>& frame) {
    writer.Write(frame.first, frame.second);
  });
  graph.Run("copying", 0);
  writer.Finish();
}

void Run(const Clip& clip) {
  MakeClip(clip);
  Cost job, files;
  double ratio = 1e9, first = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const Cost files_now = Measure([&] { CopyOnly(clip); });
    const Cost job_now = Measure([&] { Render(clip, -1); });
    files.KeepLess(files_now);
    job.KeepLess(job_now);
    ratio = std::min(ratio, job_now.seconds / files_now.seconds);  // of neighbours in time
    first = std::min(first, Measure([&] { Render(clip, 1); }).seconds);
  }
  const double of_minima = job.seconds / files.seconds;
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"benchmark\":\"whole_program\",\"size\":\"%dx%d\",\"frames\":%d,\"files_seconds\":%.3f,"
      "\"job_seconds\":%.3f,\"ratio\":%.3f,\"ratio_of_minima\":%.3f,\"ratio_of_cpu\":%.3f,"
      "\"target\":%.2f,"
      "\"first_frame_seconds\":%.3f,\"peak_rss_mb\":%.0f,\"pass\":%s}\n",
      clip.width, clip.height, clip.frames, files.seconds, job.seconds, ratio, of_minima,
      job.cpu_seconds / files.cpu_seconds, kTarget, first,
      static_cast<double>(usage.ru_maxrss) / 1024, of_minima <= kTarget ? "true" : "false");
}

}  // namespace
}  // namespace mdvt

int main(int argc, char** argv) {
  mdvt::Clip clip;
  if (argc > 2) {
    clip.width = std::atoi(argv[1]);
    clip.height = std::atoi(argv[2]);
  }
  if (argc > 3) clip.frames = std::atoi(argv[3]);
  const std::string folder = argc > 4 ? argv[4] : "/tmp";
  const std::string base = folder + "/mdvt_whole_program_" + std::to_string(getpid());
  clip.color = base + "_color.mp4";
  clip.depth = base + "_depth.mkv";
  clip.output = base + "_out.mkv";
  int status = 0;
  try {
    mdvt::Run(clip);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "whole_program: error: %s\n", error.what());
    status = 1;
  }
  for (const std::string& path : {clip.color, clip.depth, clip.output}) unlink(path.c_str());
  return status;
}
