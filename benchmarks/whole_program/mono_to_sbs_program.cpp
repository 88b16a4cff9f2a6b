// SPDX-License-Identifier: Apache-2.0
//
// What a whole mono_to_sbs job takes beside the sum of its parts run alone, one after the other:
// decoding its input, encoding its output with the same codecs, and the depth engine on frames that
// are decoded already. Prints one JSON object, with the ratio to both codecs at the same time too.
//
//   mono_to_sbs_program [width height [frames [folder [model [preset]]]]]
//
// Without a model, or with "-", the engine is motion; preset: x264's, the job's default.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/run.h"
#include "mdvt/io/ffmpeg_log.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/motion_depth.h"
#include "support/raycast.h"
#include "whole_program/parts.h"

namespace mdvt {
namespace {

constexpr int kRounds = 5;
constexpr double kTarget = 1.15;

struct Clip {
  int width = 1920;
  int height = 1080;
  int frames = 36;
  std::string color;
  std::string output;
  DepthEngine engine;  // empty: motion
  std::string preset = MonoToSbsJobOptions().encode.x264_preset;
};

// The tests' room, seen by a camera that walks through it: motion that the engine can measure.
void MakeClip(const Clip& clip) {
  VideoWriterOptions video;
  video.codec = VideoCodec::kH264;
  video.frame_rate = {24, 1};
  video.time_base = {1, 24};
  VideoWriter color(clip.color, PixelFormat::Yuv(420), clip.width, clip.height, video);
  ThreadPool pool;
  const test::Clip room = test::Scenes::Room(clip.width, clip.height, kDefaultXfovDeg);
  const test::RayCaster caster(room.scene, &pool);
  for (int frame = 0; frame < clip.frames; ++frame)
    color.Write(caster.Color(room.At(frame), PixelFormat::Yuv(420)), frame, 1);
  color.Finish();
}

MonoToSbsJobOptions Options(const Clip& clip) {
  MonoToSbsJobOptions options;
  options.input = clip.color;
  options.output = clip.output;
  options.engine = clip.engine;
  options.encode.x264_preset = clip.preset;
  return options;
}

void Convert(const Clip& clip) { RunMonoToSbsJob(Options(clip)); }

std::vector<Frame> ReadFrames(const std::string& path, const VideoReaderOptions& options) {
  VideoReader reader(path, options);
  std::vector<Frame> frames;
  while (std::optional<Frame> frame = reader.Read()) frames.push_back(std::move(*frame));
  return frames;
}

void Decode(const Clip& clip) {
  VideoReader reader(clip.color);
  while (reader.Read()) {
  }
}

// For the job's own frames, which are given: pictures of eyes with their holes filled cost an
// encoder more than copies of the input.
VideoWriter OpenWriter(const Clip& clip, const std::vector<Frame>& output) {
  const VideoReader reader(clip.color);
  VideoWriterOptions video;
  video.codec = VideoCodec::kH264;
  video.time_base = reader.info().time_base;
  video.frame_rate = reader.info().frame_rate;
  video.color = reader.info().color;
  video.preset = Options(clip).encode.x264_preset;
  video.crf = Options(clip).encode.crf;
  const Image& first = output.at(0).image;
  return {clip.output, first.format(), first.width(), first.height(), video};
}

void Encode(const Clip& clip, const std::vector<Frame>& output) {
  VideoWriter writer = OpenWriter(clip, output);
  for (const Frame& frame : output) writer.Write(frame.image, frame.pts);
  writer.Finish();
}

// Both at the same time, as a job without computing could do it: stricter than their sum.
void CodecsSideBySide(const Clip& clip, const std::vector<Frame>& output) {
  VideoReader reader(clip.color);
  VideoWriter writer = OpenWriter(clip, output);
  size_t next = 0;
  Graph graph(0);
  auto decoded = graph.From([&]() -> std::optional<int64_t> {
    const std::optional<Frame> frame = reader.Read();
    return frame ? std::optional<int64_t>(frame->pts) : std::nullopt;
  });
  graph.Into(std::move(decoded).Holding(1),
             [&](int64_t pts) { writer.Write(output.at(next++).image, pts); });
  graph.Run("both", 0);
  writer.Finish();
}

std::unique_ptr<DepthEstimator> MakeEngine(const Clip& clip, ThreadPool* pool) {
  const Camera camera = Camera::FromFov(clip.width, clip.height, kDefaultXfovDeg, std::nullopt);
  if (clip.engine) return clip.engine({camera, {24, 1}, pool});
  MotionDepthOptions motion;
  motion.camera = camera;
  return std::make_unique<MotionDepthEstimator>(motion, pool);
}

Cost MeasureEngine(const Clip& clip) {
  ThreadPool pool;
  const std::unique_ptr<DepthEstimator> engine = MakeEngine(clip, &pool);
  VideoReaderOptions wanted;
  wanted.format = engine->input_format();
  const std::vector<Frame> frames = ReadFrames(clip.color, wanted);
  return Measure([&] {
    for (const Frame& frame : frames) {
      engine->Push(frame);
      while (engine->Pop()) {
      }
    }
    engine->Finish();
    while (engine->Pop()) {
    }
  });
}

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What the job hands to its encoder, by way of a lossless file: frames that have been through the
// real encoder once are a tenth less work for it the second time.
std::vector<Frame> RenderedFrames(const Clip& clip) {
  MonoToSbsJobOptions options = Options(clip);
  options.encode.crf = 0;
  options.encode.x264_preset = "ultrafast";
  RunMonoToSbsJob(options);
  return ReadFrames(clip.output, {});
}

void Run(const Clip& clip) {
  MakeClip(clip);
  const std::vector<Frame> output = RenderedFrames(clip);
  // Ratios of each round's neighbours in time, as other work on the machine comes and goes.
  std::vector<double> ratios, cpu_ratios, beside_ratios;
  Cost job, decoding, encoding, engine;
  for (int round = 0; round < kRounds; ++round) {
    const Cost decoding_now = Measure([&] { Decode(clip); });
    const Cost encoding_now = Measure([&] { Encode(clip, output); });
    const Cost engine_now = MeasureEngine(clip);
    const Cost job_now = Measure([&] { Convert(clip); });
    const Cost beside_now = Measure([&] { CodecsSideBySide(clip, output); });
    const auto sum = [&](double Cost::*of) {
      return decoding_now.*of + encoding_now.*of + engine_now.*of;
    };
    ratios.push_back(job_now.seconds / sum(&Cost::seconds));
    cpu_ratios.push_back(job_now.cpu_seconds / sum(&Cost::cpu_seconds));
    beside_ratios.push_back(job_now.seconds / (beside_now.seconds + engine_now.seconds));
    decoding.KeepLess(decoding_now);
    encoding.KeepLess(encoding_now);
    engine.KeepLess(engine_now);
    job.KeepLess(job_now);
  }
  const double ratio = Median(ratios);
  std::printf(
      "{\"benchmark\":\"mono_to_sbs_program\",\"engine\":\"%s\",\"preset\":\"%s\",\"size\":\"%dx%"
      "d\",\"frames\":%d,"
      "\"decoding_seconds\":%.3f,\"encoding_seconds\":%.3f,\"engine_seconds\":%.3f,"
      "\"job_seconds\":%.3f,\"ratio\":%.3f,\"ratio_of_minima\":%.3f,\"ratio_of_cpu\":%.3f,"
      "\"ratio_to_codecs_side_by_side\":%.3f,\"target\":%.2f,\"pass\":%s}\n",
      clip.engine ? "model" : "motion", clip.preset.c_str(), clip.width, clip.height, clip.frames,
      decoding.seconds, encoding.seconds, engine.seconds, job.seconds, ratio,
      job.seconds / (decoding.seconds + encoding.seconds + engine.seconds), Median(cpu_ratios),
      Median(beside_ratios), kTarget, ratio <= kTarget ? "true" : "false");
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
    if (argc > 6) clip.preset = argv[6];
    if (argc > 5 && std::string(argv[5]) != "-") {
      mdvt::DepthModelOptions model;
      model.path = argv[5];
      model.open.trust = mdvt::ModelTrust::kUnlisted;
      model.loaded = mdvt::OpenDepthModel(model, 0);
      clip.engine = mdvt::ModelEngine(model);
    }
    mdvt::Run(clip);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mono_to_sbs_program: error: %s\n", error.what());
    status = 1;
  }
  for (const std::string& path : {clip.color, clip.output}) unlink(path.c_str());
  return status;
}
