// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video of a color video.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "common/model_options.h"
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
  std::string text = std::to_string(report.width) + "x" + std::to_string(report.height);
  if (report.xfov_deg > 0) text += ", xfov " + mdvt::FormatFixed(report.xfov_deg, 2) + " degrees";
  if (!report.model.empty()) {
    text += ", " + report.model;
    if (report.calibration)
      text += ", 1 / depth = " + mdvt::FormatFixed(report.calibration->scale, 6) + " x + " +
              mdvt::FormatFixed(report.calibration->shift, 6) + " per metre";
    if (report.fit)
      text += " (" + mdvt::FormatFixed(100 * report.fit->inlier_share, 1) + " % of " +
              std::to_string(report.fit->samples) + " pixels, R2 " +
              mdvt::FormatFixed(report.fit->r_squared, 3) + ")";
    return text;
  }
  if (!report.translation_found)
    return text + ", a guess: the camera never moved sideways or forward";
  return text + ", " + std::to_string(report.measured_frames) + " measured from camera motion";
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program("video_metric_convert",
                                 "Makes a metric depth video of a color video: from the motion of "
                                 "its camera, or with a depth\n"
                                 "model. Motion and relative models do not tell the world's size: "
                                 "--scene_scale sets it.",
                                 "video_metric_convert --color_video clip.mp4 --xfov 60");
  mdvt::DepthJobOptions options;
  std::optional<int64_t> input_size;
  std::optional<int64_t> max_res;
  std::string encoding = "rgb16";
  std::optional<std::string> engine;
  mdvt::example::ModelSwitches model;
  program.Text("color_video", "FILE", "color video, or a list of them", &options.color_video);
  program.Require("color_video");
  program.Text("output", "FILE", "depth video (.mkv), or a folder", &options.output,
               "<color_video>_depth.mkv");
  program.AddFovOptions(&options.fov,
                        "60 across, with a warning; none for models that do not need it");
  program.Choice("engine", "how depth is found: from the camera's own motion, or by --model",
                 {"motion", "model"}, &engine, "model if --model is given, else motion");
  model.AddTo(&program);
  program.Text("depth_video", "FILE",
               "metric depth of the same clip, or a list: a relative model is fitted to it",
               &options.reference_depth);
  program.AddReferenceReadingOptions(&options.reference_max_depth, &options.reference_encoding);
  program.Number("scene_scale", "METRES",
                 "median depth of the clip's first measured frame (motion, relative models without "
                 "--depth_video)",
                 &options.scene_scale, {0, 10000, true, false});
  program.Number("max_depth", "METRES", "depth at the end of the file's range; farther is clipped",
                 &options.max_depth, {0, 1e6, true, false});
  program.Choice("encoding", "how depth is stored; rgb16 is what all tools of this kind read",
                 {"rgb16", "gray16", "rgb24-log"}, &encoding);
  program.AddMaxFrames(&options.job);
  program.Number("target_fps", "FPS", "keep the frames nearest to this rate; -1 means all",
                 &options.target_fps, {-1, 1000});
  program.Integer("input_size", "PIXELS", "short side of the pictures that depth is computed on",
                  &input_size, {36, 4096}, "the model's own; motion: what makes the long side 640");
  program.Integer("max_res", "PIXELS", "motion: long side of the pictures that it is computed on",
                  &max_res, {64, 4096}, "640");
  program.Text("transformation_output", "JSON", "write the camera's path here, camera to world",
               &options.transformation_output);
  program.AddJobOptions(&options.job);
  program.Refuse({"no_rolling_average"},
                 "a model has one scale and shift for the whole clip, there is no average to roll");

  return program.Main(argc, argv, [&] {
    options.encoding = mdvt::example::EncodingByName(encoding);
    const int side = options.working_side;
    mdvt::Require(options.transformation_output.empty() || !mdvt::IsBatchList(options.color_video),
                  mdvt::Code::kInvalidArgument,
                  "--transformation_output names one file, --color_video is a list");
    mdvt::Require(!engine || (*engine == "model") == model.given(), mdvt::Code::kInvalidArgument,
                  model.given() ? "--engine motion and --model contradict each other"
                                : "--engine model needs --model FILE; docs/models.md tells how to "
                                  "make one");
    mdvt::Require(!max_res || !model.given(), mdvt::Code::kInvalidArgument,
                  "--max_res belongs to the engine 'motion': a model's size is --input_size");
    mdvt::SetOpenCvThreads(options.job.num_threads);
    options.model = model.Open(program, input_size.value_or(0), options.job, options.color_video);
    return program.ForEachItem(
        {{{"color_video", &options.color_video}, {"depth_video", &options.reference_depth}},
         &options.output,
         "_depth.mkv"},
        [&](const mdvt::RunControl& control) {
          if (!model.given())
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
