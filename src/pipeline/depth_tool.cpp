// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/jobs.h"
#include "pipeline/camera_outputs.h"
#include "pipeline/job_tool.h"

namespace mdvt {
namespace {

std::string Summary(const DepthJobReport& report) {
  std::string text = FormatSize(report.width, report.height);
  if (report.xfov_deg > 0) text += ", xfov " + FormatFixed(report.xfov_deg, 2) + " degrees";
  if (!report.model.empty()) {
    text += ", " + report.model;
    if (report.calibration)
      text += ", 1 / depth = " + FormatFixed(report.calibration->scale, 6) + " x + " +
              FormatFixed(report.calibration->shift, 6) + " per metre";
    if (report.fit)
      text += " (" + FormatFixed(100 * report.fit->inlier_share, 1) + " % of " +
              std::to_string(report.fit->samples) + " pixels, R2 " +
              FormatFixed(report.fit->r_squared, 3) + ")";
    return text;
  }
  if (!report.translation_found)
    return text + ", a guess: the camera never moved sideways or forward";
  return text + ", " + std::to_string(report.measured_frames) +
         " measured from camera motion, path " + PathKnown(report.path_uncertainty);
}

}  // namespace

void Describe(ToolReport* to, const DepthJobOptions& options, const DepthJobReport& report) {
  AddOutputs(to, report.frames, {report.output, options.transformation_output});
  to->summary = Summary(report);
  AddSize(to, report.width, report.height);
  const bool by_model = !report.model.empty();
  to->Add("xfov", If(report.xfov_deg > 0, report.xfov_deg),
          "degrees, of the clip or of its median frame");
  to->Add("translation_found", If(!by_model, report.translation_found),
          "off: the camera only turned or stood still, depth is a guess");
  to->Add("measured_frames", If(!by_model, report.measured_frames),
          "frames whose depth comes from the camera's translation");
  AddPath(to, report.measured_frames, report.path_uncertainty, report.unsure_frames);
  to->Add("model", report.model, "name of the model in its metadata, empty for motion");
  to->Add("model_license", report.model_license, "as its metadata states it");
  const DisparityCalibration calibration = report.calibration.value_or(DisparityCalibration{});
  const DisparityFitResult fit = report.fit.value_or(DisparityFitResult{});
  to->Add("disparity_scale", If(report.calibration.has_value(), calibration.scale),
          "of a relative model: 1 / depth = scale x + shift");
  to->Add("disparity_shift", If(report.calibration.has_value(), calibration.shift),
          "of a relative model, per metre");
  to->Add("fit_samples", If(report.fit.has_value(), static_cast<int64_t>(fit.samples)),
          "pixels that were compared with the reference depth");
  to->Add("fit_inlier_share", If(report.fit.has_value(), fit.inlier_share),
          "of them: those that scale and shift explain");
  to->Add("fit_r_squared", If(report.fit.has_value(), fit.r_squared), "of the inliers");
  to->Add("fit_by_median", If(report.fit.has_value(), fit.by_median),
          "on: no line explains them, the scale is the median ratio");
}

std::string OutputOf(const DepthJobOptions& options) {
  return OutputName(options.output, options.color_video, "_depth.mkv");
}

DepthModelOptions* ModelOf(DepthJobOptions* options) { return &options->source.model; }

ToolInfo DepthTool() {
  return MakeToolInfo<DepthJobOptions, DepthJobReport, RunDepthJob>(
      "video_metric_convert",
      "Makes a metric depth video of a color video: from the motion of its camera, or with a "
      "depth\n"
      "model. Motion and relative models do not tell the world's size: --scene_scale sets it.",
      "video_metric_convert --color_video clip.mp4 --xfov 60");
}

}  // namespace mdvt
