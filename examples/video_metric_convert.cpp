// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video of a color video.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/tracking/dense_flow.h"

namespace {

// The documented --input_size is the short side of the pictures that depth is computed on,
// --max_res their long side; both only ever make them smaller.
int WorkingSide(const mdvt::DepthJobOptions& options, std::optional<int64_t> input_size,
                std::optional<int64_t> max_res, int otherwise) {
  if (!input_size && !max_res) return otherwise;
  double side = 4096;
  if (input_size) {
    const mdvt::VideoInfo info = mdvt::VideoReader(options.color_video).info();
    const double aspect =
        static_cast<double>(std::max(info.width, info.height)) / std::min(info.width, info.height);
    side = std::min(side, static_cast<double>(*input_size) * aspect);
  }
  if (max_res) side = std::min(side, static_cast<double>(*max_res));
  return static_cast<int>(std::lround(std::max(64.0, side)));
}

std::string Describe(const mdvt::DepthJobReport& report) {
  std::string text = std::to_string(report.width) + "x" + std::to_string(report.height) +
                     ", xfov " + mdvt::FormatFixed(report.xfov_deg, 2) + " degrees";
  if (!report.translation_found)
    return text + ", a guess: the camera never moved sideways or forward";
  return text + ", " + std::to_string(report.measured_frames) + " measured from camera motion";
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program("video_metric_convert",
                                 "Makes a metric depth video of a color video from the motion of "
                                 "its camera. The world's size\n"
                                 "cannot be seen: --scene_scale sets it.",
                                 "video_metric_convert --color_video clip.mp4 --xfov 60");
  mdvt::DepthJobOptions options;
  std::optional<int64_t> input_size;
  std::optional<int64_t> max_res;
  std::string encoding = "rgb16";
  std::string engine = "motion";
  program.Text("color_video", "FILE", "color video, or a list of them", &options.color_video);
  program.Require("color_video");
  program.Text("output", "FILE", "depth video (.mkv), or a folder", &options.output,
               "<color_video>_depth.mkv");
  program.AddFovOptions(&options.fov, "60 across, with a warning");
  program.Choice("engine", "how depth is found: from the camera's own motion", {"motion"}, &engine);
  program.Number("scene_scale", "METRES", "median depth of the clip's first measured frame",
                 &options.scene_scale, {0, 10000, true, false});
  program.Number("max_depth", "METRES", "depth at the end of the file's range; farther is clipped",
                 &options.max_depth, {0, 1e6, true, false});
  program.Choice("encoding", "how depth is stored; rgb16 is what all tools of this kind read",
                 {"rgb16", "gray16", "rgb24-log"}, &encoding);
  program.AddMaxFrames(&options.job);
  program.Number("target_fps", "FPS", "keep the frames nearest to this rate; -1 means all",
                 &options.target_fps, {-1, 1000});
  program.Integer("input_size", "PIXELS", "short side of the pictures that depth is computed on",
                  &input_size, {36, 4096}, "what makes the long side 640");
  program.Integer("max_res", "PIXELS", "long side of the pictures that depth is computed on",
                  &max_res, {64, 4096}, "640");
  program.Text("transformation_output", "JSON", "write the camera's path here, camera to world",
               &options.transformation_output);
  program.AddJobOptions(&options.job);
  program.Refuse({"model", "fp32"},
                 "no depth model is part of this version, its engine is 'motion'");
  program.Refuse({"no_rolling_average"},
                 "it sets how a depth model is calibrated, 'motion' has none");
  program.Refuse({"depth_video"}, "the engine 'motion' takes no reference depth");

  return program.Main(argc, argv, [&] {
    options.encoding = mdvt::example::EncodingByName(encoding);
    const int side = options.working_side;
    mdvt::Require(options.transformation_output.empty() || !mdvt::IsBatchList(options.color_video),
                  mdvt::Code::kInvalidArgument,
                  "--transformation_output names one file, --color_video is a list");
    mdvt::SetOpenCvThreads(options.job.num_threads);
    return program.ForEachItem(
        {{{"color_video", &options.color_video}}, &options.output, "_depth.mkv"},
        [&](const mdvt::RunControl& control) {
          options.working_side = WorkingSide(options, input_size, max_res, side);
          const mdvt::DepthJobReport report = mdvt::RunDepthJob(options, control);
          mdvt::example::Summary summary;
          summary.frames = report.frames;
          summary.outputs = {report.output};
          if (!options.transformation_output.empty())
            summary.outputs.push_back(options.transformation_output);
          summary.details = Describe(report);
          return summary;
        });
  });
}
