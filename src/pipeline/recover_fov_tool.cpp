// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/recover_fov.h"

#include <algorithm>
#include <utility>

#include "mdvt/core/numbers.h"
#include "pipeline/job_tool.h"

namespace mdvt {
namespace {

// A row for each field of view, the one of the least error of held out points marked, if any were.
std::string SweepTable(const std::vector<FovCost>& sweep) {
  const auto best =
      std::min_element(sweep.begin(), sweep.end(), [](const FovCost& a, const FovCost& b) {
        return std::pair(!a.refused.empty(), a.held_out_rms_px) <
               std::pair(!b.refused.empty(), b.held_out_rms_px);
      });
  std::string text = "   xfov  error  held out  path length\n    deg     px        px\n";
  const auto column = [](double value, int digits, size_t width) {
    const std::string number = FormatFixed(value, digits);
    return std::string(width - std::min(width, number.size()), ' ') + number;
  };
  for (auto cost = sweep.begin(); cost != sweep.end(); ++cost) {
    const bool marked = cost == best && cost->refused.empty() && cost->held_out_rms_px > 0;
    text += column(cost->xfov_deg, 2, 7);
    text += cost->refused.empty()
                ? column(cost->rms_px, 3, 7) + column(cost->held_out_rms_px, 3, 10) +
                      column(cost->path_length, 3, 13) + (marked ? "  least" : "")
                : "  " + cost->refused;
    text += "\n";
  }
  text.pop_back();
  return text;
}

}  // namespace

void Describe(ToolReport* to, const RecoverFovJobOptions&, const RecoverFovReport& report) {
  AddOutputs(to, report.frames, {report.output});
  const bool known = report.xfov_deg > 0;
  const bool interval = report.low_deg > 0 && report.high_deg > 0;
  to->summary = known ? "--xfov " + FormatFixed(report.xfov_deg, 2) + " (yfov " +
                            FormatFixed(report.yfov_deg, 2) + ") by " + report.method + ", " +
                            report.fov_status
                      : "no field of view is recommended";
  if (known && interval)
    to->summary += ", 95 % interval " + FormatFixed(report.low_deg, 1) + ".." +
                   FormatFixed(report.high_deg, 1) + " deg";
  if (!report.sweep.empty()) to->text = SweepTable(report.sweep);
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
