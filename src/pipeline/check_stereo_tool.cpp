// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/check_stereo.h"
#include "pipeline/check_stereo_page.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const CheckStereoJobOptions& options,
              const CheckStereoReport& report) {
  const StereoClipQuality& clip = report.clip;
  AddOutputs(to, clip.frames, {options.json, options.html});
  to->summary = "score " + FormatFixed(clip.score, 0) + " of 100, parallax " +
                FormatFixed(100 * clip.nearest, 2) + " to " + FormatFixed(100 * clip.farthest, 2) +
                " % of the width, eyes " + EyesText(clip.eyes);
  to->text = CheckStereoText(options, report);
  double jump = 0;
  for (const StereoCut& cut : clip.cuts) jump = std::max(jump, cut.jump());
  to->Add("score", clip.score, "0 to 100, 100 is best");
  to->Add("nearest", 100 * clip.nearest, "least parallax of 1 % of a frame's pixels, % of width");
  to->Add("near", 100 * clip.parallax[0], "the same, mean of all frames");
  to->Add("middle", 100 * clip.parallax[2], "median parallax, mean of all frames, % of width");
  to->Add("far", 100 * clip.parallax[4],
          "parallax of the farthest 1 %, mean of all frames, % of width");
  to->Add("farthest", 100 * clip.farthest, "the largest of all frames, % of width");
  to->Add("nearest_deg", options.viewer.Degrees(clip.nearest), "degrees, for the viewer stated");
  to->Add("farthest_deg", options.viewer.Degrees(clip.farthest), "degrees, for the viewer stated");
  to->Add("rate", 100 * clip.rate, "fastest change of the median in a shot, % of width a second");
  to->Add("window", 100 * clip.window, "cut off in front of the screen, % of height");
  to->Add("window_frames", clip.window_frames, "frames with more than 2 % of that");
  to->Add("vertical", 100 * clip.vertical, "median vertical disparity, % of height");
  to->Add("vertical_most", 100 * clip.vertical_most, "95 % of the points stay below, % of height");
  to->Add("rotation", clip.rotation_deg, "degrees between the eyes");
  to->Add("color_difference",
          100 * std::max(
                    {std::fabs(clip.color[0]), std::fabs(clip.color[1]), std::fabs(clip.color[2])}),
          "between the eyes, largest of red, green and blue, % of white");
  to->Add("cuts", static_cast<int64_t>(clip.cuts.size()), "cuts found");
  to->Add("jump", 100 * jump, "largest change of parallax at a cut, % of width");
  to->Add("eyes", std::string(EyesText(clip.eyes)), "in the right order, swapped or not known");
  to->Add("packing", std::string(report.top_bottom ? "tab" : "sbs"), "how it was read");
  to->Add("squeezed", report.squeezed, "on: views of half width or height");
  to->Add("measured", 100 * clip.measured, "% of the pixels");
}

std::string OutputOf(const CheckStereoJobOptions& options) {
  return options.json.empty() ? options.html : options.json;
}

ToolInfo CheckStereoTool() {
  return MakeToolInfo<CheckStereoJobOptions, CheckStereoReport, RunCheckStereoJob>(
      "check_stereo",
      "Measures how comfortable a side-by-side or top-bottom stereo video is to look at: "
      "parallax,\n"
      "what the border cuts off, vertical disparity, jumps at cuts, colors, swapped eyes.",
      "check_stereo clip_sbs.mp4 --html clip_sbs.html");
}

}  // namespace mdvt
