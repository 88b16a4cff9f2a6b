// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/video_mask.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const VideoMaskJobOptions&, const VideoMaskReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->summary = Percent(report.mask_share) + " masked, by " +
                (report.model.empty() ? "motion" : "'" + report.model + "'");
  AddSize(to, report.width, report.height);
  to->Add("mask_share", report.mask_share, "mean share of pixels that are masked");
  to->Add("model", If(!report.model.empty(), report.model), "its name; none: by motion");
}

std::string OutputOf(const VideoMaskJobOptions& options) {
  return OutputName(options.output, options.color_video, "_mask.mkv");
}

ToolInfo VideoMaskTool() {
  return MakeToolInfo<VideoMaskJobOptions, VideoMaskReport, RunVideoMaskJob>(
      "create_video_mask",
      "Masks what moves on its own in a video, or with a network its main subject: white on "
      "black.",
      "create_video_mask --color_video clip.mp4");
}

}  // namespace mdvt
