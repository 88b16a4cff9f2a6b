// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/recover_fov.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const RecoverFovJobOptions&, const RecoverFovReport& report) {
  to->frames = report.frames;
  to->outputs = {report.output};
  const bool known = report.xfov_deg > 0;
  const bool interval = report.low_deg > 0 && report.high_deg > 0;
  to->summary = known ? "--xfov " + FormatFixed(report.xfov_deg, 2) + " (yfov " +
                            FormatFixed(report.yfov_deg, 2) + ") by " + report.method + ", " +
                            report.fov_status
                      : "no field of view is recommended";
  if (known && interval)
    to->summary += ", 95 % interval " + FormatFixed(report.low_deg, 1) + ".." +
                   FormatFixed(report.high_deg, 1) + " deg";
  to->Add("xfov", If(known, report.xfov_deg), "degrees");
  to->Add("yfov", If(known, report.yfov_deg), "degrees");
  to->Add("xfov_low", If(interval, report.low_deg), "degrees, of the 95 % interval");
  to->Add("xfov_high", If(interval, report.high_deg), "degrees, of the 95 % interval");
  to->Add("method", report.method, "that gave the answer: lens, metadata, motion, lines");
  to->Add("fov_status", report.fov_status,
          "given, or how well it is known: observable, weak, not_observable");
}

std::string OutputOf(const RecoverFovJobOptions& options) {
  return OutputName(options.output, options.color_video, "_fov.json");
}

ToolInfo RecoverFovTool() {
  return MakeToolInfo<RecoverFovJobOptions, RecoverFovReport, RunRecoverFovJob>(
      "recover_fov",
      "Finds the field of view of a video, and says how sure it is: from its metadata, from how "
      "points\nmove, or from straight edges.",
      "recover_fov --color_video clip.mp4");
}

}  // namespace mdvt
