// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/infill_sbs.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const InfillSbsJobOptions& options, const InfillSbsReport& report) {
  const bool looks = options.method == InfillMethod::kObserved;
  AddOutputs(to, report.frames, {report.output, options.provenance_output});
  to->summary = FormatSize(report.width, report.height) + ", holes " + Percent(report.hole_share);
  if (looks) to->summary += ", " + Percent(report.observed_share) + " of them seen";
  AddSize(to, report.width, report.height);
  to->Add("hole_share", report.hole_share, "of all pixels");
  to->Add("observed_share", If(looks, report.observed_share),
          "of the holes: taken from other frames");
}

std::string OutputOf(const InfillSbsJobOptions& options) {
  return OutputName(options.output, options.sbs_color_video, "_infilled.mkv");
}

ToolInfo InfillSbsTool() {
  return MakeToolInfo<InfillSbsJobOptions, InfillSbsReport, RunInfillSbsJob>(
      "basic_nomal_infill",
      "Fills the holes of a side-by-side video: with the background beside them, or with what "
      "other\nframes have seen there.",
      "basic_nomal_infill --sbs_color_video clip_stereo.mkv \\\n"
      "      --sbs_mask_video clip_stereo.mkv_infillmask.mkv");
}

}  // namespace mdvt
