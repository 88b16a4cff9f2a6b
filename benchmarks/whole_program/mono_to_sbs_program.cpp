// SPDX-License-Identifier: Apache-2.0
//
// What a whole mono_to_sbs job takes beside the sum of its parts run alone: decoding the input and
// encoding a frame of its size with the same codecs (the eyes copied in place of rendered), and the
// depth engine on frames that are decoded already. Prints one JSON object.
//
//   mono_to_sbs_program [width height [frames [folder]]]
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/io/ffmpeg_log.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/motion_depth.h"
#include "whole_program/parts.h"

namespace mdvt {
namespace {

constexpr int kRounds = 2;
constexpr double kTarget = 1.15;

struct Clip {
  int width = 1920;
  int height = 1080;
  int frames = 36;
  std::string color;
  std::string output;
};

// A disc before a floor that reaches up to a wall, seen by a camera that moves sideways: a point
// moves in proportion to 1 / depth, which grows with the row on a floor.
void MakeClip(const Clip& clip) {
  VideoWriterOptions video;
  video.codec = VideoCodec::kH264;
  video.frame_rate = {24, 1};
  video.time_base = {1, 24};
  VideoWriter color(clip.color, PixelFormat::Yuv(420), clip.width, clip.height, video);
  const float scale = 1920.0f / static_cast<float>(clip.width);
  for (int frame = 0; frame < clip.frames; ++frame) {
    Image picture(PixelFormat::Yuv(420), clip.width, clip.height);
    for (int plane = 0; plane < 3; ++plane) {
      const auto pixels = picture.MutablePlane<uint8_t>(plane);
      const float step = plane == 0 ? scale : 2 * scale;
      for (int y = 0; y < pixels.height; ++y) {
        for (int x = 0; x < pixels.width; ++x) {
          const float u = step * static_cast<float>(x), v = step * static_cast<float>(y);
          const bool disc = std::hypot(u - 900 - 8 * static_cast<float>(frame), v - 540) < 260;
          const float speed = disc ? 8 : 2 + 8 * std::max(0.0f, (v - 540) / 540);
          const float s = u - static_cast<float>(frame) * speed;
          const float wave = std::sin(0.11f * s + 0.04f * v) + std::sin(0.07f * v - 0.05f * s) +
                             std::sin(0.0007f * s * v + 0.13f * s) +
                             std::sin(0.031f * s + (disc ? 0.09f : -0.02f) * v);
          pixels.At(x, y) = static_cast<uint8_t>(128 + 28 * wave);
        }
      }
    }
    color.Write(picture, frame, 1);
  }
  color.Finish();
}

MonoToSbsJobOptions Options(const Clip& clip) {
  MonoToSbsJobOptions options;
  options.input = clip.color;
  options.output = clip.output;
  return options;
}

void Convert(const Clip& clip) { RunMonoToSbsJob(Options(clip)); }

// The job without depth and warp, with the same overlap.
void CodecsOnly(const Clip& clip) {
  VideoReader reader(clip.color);
  const VideoInfo& source = reader.info();
  VideoWriterOptions video;
  video.codec = VideoCodec::kH264;
  video.time_base = source.time_base;
  video.frame_rate = source.frame_rate;
  video.color = source.color;
  video.preset = Options(clip).preset;
  video.crf = Options(clip).crf;
  VideoWriter writer(clip.output, source.format, 2 * source.width, source.height, video);
  CopyBothEyes(
      source, {}, [](StageThreads*) {}, [&] { return reader.Read(); }, &writer);
}

void EngineOnly(const std::vector<Frame>& frames) {
  ThreadPool pool;
  MotionDepthOptions motion;
  motion.camera = Camera::FromFov(frames[0].image.width(), frames[0].image.height(),
                                  kDefaultXfovDeg, std::nullopt);
  MotionDepthEstimator engine(motion, &pool);
  for (const Frame& frame : frames) {
    engine.Push(frame);
    while (engine.Pop()) {
    }
  }
  engine.Finish();
  while (engine.Pop()) {
  }
}

void Run(const Clip& clip) {
  MakeClip(clip);
  Cost job, codecs, engine;
  double ratio = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const Cost codecs_now = Measure([&] { CodecsOnly(clip); });
    const Cost job_now = Measure([&] { Convert(clip); });
    Cost engine_now;
    {
      VideoReaderOptions gray;
      gray.format = PixelFormat::Gray(8);
      VideoReader reader(clip.color, gray);
      std::vector<Frame> frames;
      while (std::optional<Frame> frame = reader.Read()) frames.push_back(std::move(*frame));
      engine_now = Measure([&] { EngineOnly(frames); });
    }
    codecs.KeepLess(codecs_now);
    engine.KeepLess(engine_now);
    job.KeepLess(job_now);
    // Of neighbours in time.
    ratio = std::min(ratio, job_now.seconds / (codecs_now.seconds + engine_now.seconds));
  }
  const double of_minima = job.seconds / (codecs.seconds + engine.seconds);
  const double of_cpu = job.cpu_seconds / (codecs.cpu_seconds + engine.cpu_seconds);
  std::printf(
      "{\"benchmark\":\"mono_to_sbs_program\",\"size\":\"%dx%d\",\"frames\":%d,"
      "\"codecs_seconds\":%.3f,\"engine_seconds\":%.3f,\"job_seconds\":%.3f,\"ratio\":%.3f,"
      "\"ratio_of_minima\":%.3f,\"ratio_of_cpu\":%.3f,\"target\":%.2f,\"pass\":%s}\n",
      clip.width, clip.height, clip.frames, codecs.seconds, engine.seconds, job.seconds, ratio,
      of_minima, of_cpu, kTarget, of_minima <= kTarget ? "true" : "false");
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
  mdvt::SilenceFfmpegLog();
  const std::string folder = argc > 4 ? argv[4] : "/tmp";
  const std::string base = folder + "/mdvt_mono_to_sbs_" + std::to_string(getpid());
  clip.color = base + "_color.mp4";
  clip.output = base + "_out.mp4";
  int status = 0;
  try {
    mdvt::Run(clip);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mono_to_sbs_program: error: %s\n", error.what());
    status = 1;
  }
  for (const std::string& path : {clip.color, clip.output}) unlink(path.c_str());
  return status;
}
