// SPDX-License-Identifier: Apache-2.0
#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_tool.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/stereo_flow_settings.h"

namespace mdvt {

std::string StereoFlowOutput(const StereoFlowJobOptions& options) {
  if (options.clip.empty()) return OutputName(options.output, options.left_video, "_depth.mkv");
  if (options.output.empty()) return options.clip.File("-raw_depth.mkv");
  return OutputName(options.output, options.clip.name(), "-raw_depth.mkv");
}

std::string DisparityOutput(const std::string& output) {
  return WithoutEnding(output) + "_disparity.mkv";
}

void Describe(OptionList* list, StereoFlowJobOptions* options) {
  DescribeMadeClip(list, &options->clip);
  list->Refine("vid").Excludes("left_video");
  list->Refine("videoid").Excludes("left_video");
  list->Field("left_video", &options->left_video, "FILE",
              "or a left view, whose rows match those of the right one")
      .Input();
  list->Field("right_video", &options->right_video, "FILE", "the right view").Input();
  Describe(list, &options->fov, "of a clip, from its file; else it must be given");
  list->Field("baseline", &options->baseline, Range{0, 100, true}, "METRES",
              "distance of the cameras")
      .Default("as the clip says, else 0.063");
  list->Field("output", &options->output, "FILE", "depth of the left view (.mkv), or a folder")
      .Output()
      .Default("<name>-raw_depth.mkv in the folder of the clip, or <left_video>_depth.mkv");
  list->Field("emit_pickle", &options->emit_pickle,
              "write <name>-flows_stereo.pkl too, as the original does, for its programs: 4 MB for "
              "a frame of 512x512")
      .Excludes("left_video");
  list->Field("save_disparity", &options->save_disparity,
              "write <output>_disparity.mkv too: gray 16-bit, 256 times the pixels, 0 where not "
              "known");
  list->Field("max_depth", &options->max_depth, Range{1e-6, 1e6}, "METRES",
              "depth at the end of the range of the output")
      .Default("100");
  list->Field("depth_encoding", &options->encoding, DepthEncodingNames(),
              "how depth is kept in the output");
  list->Section("matching");
  list->Field("fb_thresh", &options->matching.max_round_trip, Range{0, 100, true}, "PIXELS",
              "by which the way there and back may miss its start (the original: 1)")
      .Default("a tenth of the way, and 0.7");
  list->Field("vertical_thresh", &options->matching.max_vertical, Range{0, 100, true}, "PIXELS",
              "by which rows may differ");
  list->Field("max_valid_depth", &options->matching.max_depth, Range{0, 1e6}, "METRES",
              "what is farther is left out (the original: 20)")
      .Or(0, "as far as parallax tells");
  list->Field("max_relative_sigma", &options->matching.max_relative_sigma, Range{0, 1, true},
              "SHARE", "depth that is less certain than this share of it is left out");
  static const EnumNames<StereoEdgeTest> edges = {{"plane", StereoEdgeTest::kPlane},
                                                  {"grad3", StereoEdgeTest::kGradient},
                                                  {"none", StereoEdgeTest::kNone}};
  list->Field("edge_test", &options->matching.edges, edges,
              "beside edges: leave out where disparity bends (plane), where depth changes by 3 % "
              "as the original does in its last step (grad3), or nothing");
  list->Field("smooth", &options->smoothing, Range{0, 32}, "PIXELS",
              "disparity is that of the plane that fits what was found so far around a pixel, "
              "without what is of another surface; 0: as it was found")
      .Default("6, with a network 0");
  list->Section("network");
  list->Field("model", &options->model.path, "FILE",
              "a network of flow, RAFT or SEA-RAFT, in place of the sweep along the rows")
      .Alias("path")
      .Input();
  list->Field("batch", &options->model.batch, {1, 64}, "PAIRS",
              "pairs that the network sees at once; fewer where memory is short")
      .OnlyWith("model");
  DescribeNetwork(list, &options->model, "model", {});
  list->Refuse({"cfg", "url"},
               "networks are files here: models/export/ makes one of a checkpoint, give it with "
               "--model");
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void StereoFlowJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  const bool is_clip = !clip.empty();
  Require(is_clip || (!left_video.empty() && !right_video.empty()), Code::kInvalidArgument,
          "give a clip with vid or videoid, or two views with left_video and right_video");
  Require(is_clip || !emit_pickle, Code::kInvalidArgument,
          "emit_pickle writes into the folder of a clip: give one with vid or videoid");
  Require(is_clip || !fov.empty(), Code::kInvalidArgument,
          "give the field of view of the two views with xfov or yfov");
  Require(!is_clip || fov.empty(), Code::kInvalidArgument,
          "the file of the clip says what its field of view is: leave out xfov and yfov");
  StereoDepthOptions checked = matching;
  checked.focal_px = 1;
  checked.Check();
}

void Describe(ToolReport* to, const StereoFlowJobOptions&, const StereoFlowReport& report) {
  const StereoDepthCounts& counts = report.counts;
  const auto share = [&counts](int64_t count) {
    return counts.pixels > 0 ? static_cast<double>(count) / static_cast<double>(counts.pixels) : 0;
  };
  AddOutputs(to, report.frames, {report.output, report.pickle, report.disparity_output});
  to->summary = "depth for " + Percent(share(counts.valid)) + " of the pixels";
  if (report.vertical_median)
    to->summary += ", rows match within " + FormatFixed(*report.vertical_median, 2) + " pixels";
  AddSize(to, report.width, report.height);
  to->Add("valid", share(counts.valid), "share of the pixels with depth");
  to->Add("not_found_again", share(counts.not_found_again),
          "share whose way there and back misses its start");
  to->Add("off_the_row", share(counts.off_the_row), "share found in another row");
  to->Add("too_far", share(counts.too_far), "share with too little parallax, or too far away");
  to->Add("beside_edges", share(counts.beside_edges), "share left out beside edges");
  to->Add("vertical_median", report.vertical_median,
          "by which rows of the two views differ, median, pixels");
}

std::string OutputOf(const StereoFlowJobOptions& options) { return StereoFlowOutput(options); }
DepthModelOptions* ModelOf(StereoFlowJobOptions* options) { return &options->model; }

ToolInfo StereoFlowTool() {
  return MakeToolInfo<StereoFlowJobOptions, StereoFlowReport, RunStereoFlowJob>(
      "inference_raft",
      "Finds the metric depth of a stereo pair: of a clip that rectify has made, or of any two\n"
      "views whose rows match.",
      "inference_raft --videoid CMwZrkhQ0ck --clipid 0 --output_folder stereo4d_dataset");
}

}  // namespace mdvt
