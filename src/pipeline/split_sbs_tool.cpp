// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/split_sbs.h"
#include "pipeline/job_tool.h"
#include "pipeline/split_sbs_settings.h"

namespace mdvt {

void Describe(ToolReport* to, const SplitSbsJobOptions&, const SplitSbsReport& report) {
  AddOutputs(to, report.frames, {report.left_output, report.right_output});
  to->summary = FormatSize(report.width, report.height) + " each, from a " +
                (report.top_bottom ? "top-bottom" : "side-by-side") + " video";
  AddSize(to, report.width, report.height);
  to->Add("top_bottom", report.top_bottom, "on: the views were one above the other");
}

std::string OutputOf(const SplitSbsJobOptions& options) { return SplitOutput(options, "_left"); }

ToolInfo SplitSbsTool() {
  return MakeToolInfo<SplitSbsJobOptions, SplitSbsReport, RunSplitSbsJob>(
      "split_sbs_video",
      "Splits a side-by-side or top-bottom video into a video for each eye, without loss, with "
      "all\n"
      "sound and subtitles.",
      "split_sbs_video --color_video clip_sbs.mp4");
}

}  // namespace mdvt
