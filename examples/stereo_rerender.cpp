// SPDX-License-Identifier: Apache-2.0
//
// Renders the two eyes of a side-by-side stereo video from a color video and its depth video.
#include <filesystem>
#include <string>

#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/pipeline/jobs.h"

namespace {

using mdvt::Code;
using mdvt::Error;

struct Switches {
  bool remove_edges = false;
  bool dont_remove_edges = false;
  bool green_mask = false;
  bool basic_infill = false;
  bool no_edge_points = false;
  std::string baseline_scale = "none";
  std::optional<double> master_xfov;
  double pupillary_distance_mm = 63;
};

// The documented switches as what they mean for the job.
void Apply(const Switches& switches, mdvt::StereoJobOptions* options) {
  options->stereo.baseline = switches.pupillary_distance_mm / 1000;
  options->stereo.edges =
      switches.dont_remove_edges ? mdvt::EdgeMode::kStretch : mdvt::EdgeMode::kTear;
  if (switches.green_mask) {
    mdvt::Require(!switches.basic_infill, Code::kInvalidArgument,
                  "--green_and_black_infill_mask and --do_basic_infill contradict each other");
    options->write_infill_mask = true;
    options->mask_style = mdvt::InfillMaskStyle::kGreen;
  }
  const bool black =
      (switches.remove_edges || options->write_infill_mask) && !switches.basic_infill;
  options->fill = black ? mdvt::HoleFill::kBlack : mdvt::HoleFill::kFill;

  const std::string& rule = switches.baseline_scale;
  if (rule == "upstream" || (rule == "none" && switches.master_xfov)) {
    options->baseline_rule = mdvt::BaselineRule::kMaster;
  } else if (rule == "ortho") {
    options->baseline_rule = mdvt::BaselineRule::kOrtho;
  } else if (rule != "none") {
    const std::optional<double> scale = mdvt::ParseDouble(rule);
    if (!scale || !(*scale >= 0 && *scale <= 1000))
      throw Error(Code::kInvalidArgument,
                  "--baseline_scale is '" + rule +
                      "', must be none, upstream, ortho or a number in [0, 1000]");
    mdvt::Require(!switches.master_xfov, Code::kInvalidArgument,
                  "--master_xfov and a number for --baseline_scale contradict each other");
    options->baseline_scale = *scale;
  }
  if (switches.master_xfov) options->master_xfov_deg = *switches.master_xfov;
}

void Refuse(mdvt::example::Program* program) {
  program->Refuse(
      {"vr180", "touchly0", "touchly1", "touchly_min_depth", "touchly_max_depth"},
      "VR180 and Touchly layouts are not part of this version, it renders side by side");
  program->Refuse({"create_sbs_depth_video"}, "this version writes no depth of the rendered eyes");
  program->Refuse({"render_as_pointcloud"}, "this version renders surfaces, not points");
  program->Refuse({"transformation_file", "transformation_lock_frame"},
                  "this version renders from the camera's own position");
  program->Refuse({"mask_video", "save_background", "load_background", "mask_depth"},
                  "background plates are not part of this version");
  program->Refuse({"convergence_mode"}, "this version shifts the eyes' pictures, it has no toe-in");
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "stereo_rerender",
      "Renders a side-by-side stereo video (left eye left, full size each) from a color video and\n"
      "its metric depth video. Without --remove_edges or --infill_mask what the camera did not "
      "see\n"
      "is filled from the background beside it.",
      "stereo_rerender --depth_video clip.mp4_depth.mkv --color_video clip.mp4 --xfov 48");
  mdvt::StereoJobOptions options;
  Switches switches;
  program.Text("depth_video", "FILE", "depth video, or a list of them", &options.depth_video);
  program.Require("depth_video");
  program.Text("color_video", "FILE", "color video of the same size, rate and length, or a list",
               &options.color_video, "the picture of the depth video");
  program.Text("output", "FILE", "stereo video (.mkv, or .mp4 for H.264), or a folder",
               &options.output, "<depth_video>_stereo.mkv, .mp4 with --compressed");
  program.AddFovOptions(&options.fov, "from the depth file");
  program.AddDepthReadingOptions(&options.max_depth, &options.depth_encoding);
  program.Number("pupillary_distance", "MM", "distance between the eyes in millimetres",
                 &switches.pupillary_distance_mm, {0, 1000});
  program.Number("master_xfov", "DEGREES",
                 "angle that the screen fills for the viewer; scales the distance of the eyes by "
                 "tan(master_xfov / 2) / tan(xfov / 2)",
                 &switches.master_xfov, {0, 180, true, true},
                 "no scaling; 45 where a rule needs it");
  program.Text(
      "baseline_scale", "RULE",
      "scales the distance of the eyes: none, upstream (as --master_xfov says), ortho (the "
      "inverse: depth looks as it is) or a number",
      &switches.baseline_scale);
  program.Text(
      "convergence_file", "JSON",
      "distance in metres at which the eyes' pictures coincide, per frame; smoothed in time",
      &options.convergence_file);
  program.Number("convergence", "METRES", "the same distance for all frames; 0 means parallel eyes",
                 &options.convergence, {0, 1e6}, "0");
  program.AddMaxFrames(&options.job);
  program.Flag("remove_edges", "leave black what the camera did not see", &switches.remove_edges);
  program.Flag(
      "dont_remove_edges",
      "stretch surfaces over what the camera did not see; wins over what implies otherwise",
      &switches.dont_remove_edges);
  program.Flag("infill_mask", "write <output>_infillmask.mkv, and leave the holes black",
               &options.write_infill_mask);
  program.Flag("green_and_black_infill_mask", "the same with plain green holes, no directions",
               &switches.green_mask);
  program.Flag("do_basic_infill", "fill the holes also where another option leaves them black",
               &switches.basic_infill);
  program.Flag(
      "dont_place_points_in_edges",
      "no loose points inside holes: always so here, accepted for documented command lines",
      &switches.no_edge_points);
  program.Flag("compressed", "write H.264 in .mp4 in place of lossless FFV1 in .mkv",
               &options.compressed);
  program.Flag("swap_eyes", "right eye on the left, for crossed viewing", &options.swap_eyes);
  program.AddJobOptions(&options.job);
  Refuse(&program);

  return program.Main(argc, argv, [&] {
    Apply(switches, &options);
    const std::string ending = std::filesystem::path(options.output).extension().string();
    if (ending == ".mp4" || ending == ".mov" || ending == ".m4v") options.compressed = true;
    return program.ForEachItem(
        {{{"depth_video", &options.depth_video}, {"color_video", &options.color_video}},
         &options.output,
         options.compressed ? "_stereo.mp4" : "_stereo.mkv"},
        [&](const mdvt::RunControl& control) {
          const mdvt::StereoJobReport report = mdvt::RunStereoJob(options, control);
          mdvt::example::Summary summary;
          summary.frames = report.frames;
          summary.outputs = {report.output};
          if (!report.mask_output.empty()) summary.outputs.push_back(report.mask_output);
          summary.details = std::to_string(report.width) + "x" + std::to_string(report.height) +
                            ", " + mdvt::FormatFixed(100 * report.hole_share, 2) +
                            " % not seen by the camera";
          return summary;
        });
  });
}
