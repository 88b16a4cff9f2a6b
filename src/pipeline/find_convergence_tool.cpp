// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/find_convergence.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const FindConvergenceJobOptions& options,
              const FindConvergenceReport& report) {
  AddOutputs(to, report.frames, {report.output, options.confidence_output});
  to->summary = report.unknown < report.frames
                    ? "median " + FormatFixed(report.median, 2) + " m, confidence " +
                          FormatFixed(report.confidence, 2)
                    : "no distance found";
  if (report.unknown > 0) to->summary += ", " + std::to_string(report.unknown) + " not known";
  to->Add("unknown", report.unknown, "frames without a distance");
  to->Add("median", report.median, "metres, of the frames with one");
  to->Add("confidence", report.confidence, "mean of all frames, from 0 to 1");
}

std::string OutputOf(const FindConvergenceJobOptions& options) {
  return OutputName(options.output, options.depth_video, "_convergence_depths.json");
}

ToolInfo FindConvergenceTool() {
  return MakeToolInfo<FindConvergenceJobOptions, FindConvergenceReport, RunFindConvergenceJob>(
      "find_convergence_depth",
      "Finds for each frame of a depth video the distance at which the eyes should converge, for\n"
      "--convergence_file of the stereo programs.",
      "find_convergence_depth --depth_video clip.mp4_depth.mkv --mask_video clip.mp4_mask.mkv");
}

}  // namespace mdvt
