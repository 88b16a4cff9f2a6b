// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/camera_outputs.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const MonoToSbsJobOptions& options, const MonoToSbsReport& report) {
  AddOutputs(to, report.frames, {report.output, report.mask_output, options.preview.contact_sheet});
  to->summary = FormatSize(report.width, report.height) + ", " + CountOf(report.scenes, "scene") +
                (options.placement == Placement::kMetric
                     ? ", "
                     : ", mean shift " + FormatFixed(report.mean_shift, 1) + " pixels, ") +
                Percent(report.hole_share) + " filled";
  if (report.observed_share > 0)
    to->summary += ", " + Percent(report.observed_share) + " of it as other frames show it";
  if (report.measured_frames > 0)
    to->summary += ", camera path " + PathKnown(report.path_uncertainty);
  AddSize(to, report.width, report.height);
  to->Add("scenes", int64_t{report.scenes}, "scenes found");
  to->Add("mean_shift", report.mean_shift,
          "of all frames, pixels of one eye; 0 with placement metric");
  to->Add("hole_share", report.hole_share, "mean share of pixels that the source did not show");
  to->Add("observed_share", report.observed_share,
          "share of those pixels that other frames have shown");
  AddPath(to, report.measured_frames, report.path_uncertainty, report.unsure_frames);
}

std::string OutputOf(const MonoToSbsJobOptions& options) {
  return ViewOutputName(options.output, options.input,
                        options.frame.Canvas(options.preview.active()), options.input, ".mp4",
                        options.job.limits);
}

DepthModelOptions* ModelOf(MonoToSbsJobOptions* options) { return &options->source.model; }

void TellStart(const RunControl& control, MonoToSbsJobOptions* options) {
  if (!control.on_start) return;
  options->on_start = [&control, options](const MonoToSbsPlan& plan) {
    control.on_start(MonoToSbsFacts(*options, plan));
  };
}

ToolInfo MonoToSbsTool() {
  return MakeToolInfo<MonoToSbsJobOptions, MonoToSbsReport, RunMonoToSbsJob>(
      "mono_to_sbs",
      "Makes a stereo video of a color video in one run: depth, both eyes, and the sound of the "
      "input.\n"
      "Depth comes from the motion of the camera (where it does not move, depth is a guess) or "
      "from a\ndepth model.",
      "mono_to_sbs clip.mp4 clip_sbs.mp4 --preset 1080 --layout half-sbs");
}

}  // namespace mdvt
