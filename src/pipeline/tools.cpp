// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/tools.h"

#include "mdvt/core/error.h"

namespace mdvt {

// Each in a file of its own, see pipeline/job_tool.h.
ToolInfo DepthTool();
ToolInfo StereoTool();
ToolInfo MonoToSbsTool();
ToolInfo MovieTool();
ToolInfo ExportTool();
ToolInfo DepthViewTool();
ToolInfo SplitSbsTool();
ToolInfo FindScenesTool();
ToolInfo UndistortTool();
ToolInfo FindConvergenceTool();
ToolInfo TrackPointsTool();
ToolInfo InfillSbsTool();
ToolInfo VideoMaskTool();
ToolInfo InpaintTool();
ToolInfo StereoCrafterTool();
ToolInfo OpticalFlowTool();
ToolInfo EvalTracksTool();
ToolInfo StabilizeDepthTool();
ToolInfo EvalDepthTool();
ToolInfo InferNvdsTool();
ToolInfo CompareNvdsTool();
ToolInfo UnidepthVideoTool();
ToolInfo Unik3dVideoTool();
ToolInfo MogeVideoTool();
ToolInfo DepthProVideoTool();
ToolInfo VideoDepthMetricTool();
ToolInfo Da3VideoTool();
ToolInfo UpscaleDepthTool();
ToolInfo AlignPointsTool();
ToolInfo SamTrackTool();
ToolInfo RecoverFovTool();
ToolInfo EvalTrajectoryTool();
ToolInfo CheckStereoTool();
ToolInfo RectifyTool();
ToolInfo StereoFlowTool();
ToolInfo TrackClipTool();
ToolInfo DriftFilterTool();
ToolInfo TrackOptimizationTool();

const std::vector<ToolInfo>& Tools() {
  static const std::vector<ToolInfo> tools = {DepthTool(),
                                              StereoTool(),
                                              MonoToSbsTool(),
                                              MovieTool(),
                                              ExportTool(),
                                              DepthViewTool(),
                                              SplitSbsTool(),
                                              FindScenesTool(),
                                              FindConvergenceTool(),
                                              TrackPointsTool(),
                                              InfillSbsTool(),
                                              VideoMaskTool(),
                                              InpaintTool(),
                                              StereoCrafterTool(),
                                              OpticalFlowTool(),
                                              EvalTracksTool(),
                                              StabilizeDepthTool(),
                                              EvalDepthTool(),
                                              InferNvdsTool(),
                                              CompareNvdsTool(),
                                              UnidepthVideoTool(),
                                              AlignPointsTool(),
                                              SamTrackTool(),
                                              RecoverFovTool(),
                                              EvalTrajectoryTool(),
                                              CheckStereoTool(),
                                              Unik3dVideoTool(),
                                              MogeVideoTool(),
                                              DepthProVideoTool(),
                                              VideoDepthMetricTool(),
                                              Da3VideoTool(),
                                              UpscaleDepthTool(),
                                              RectifyTool(),
                                              StereoFlowTool(),
                                              TrackClipTool(),
                                              DriftFilterTool(),
                                              TrackOptimizationTool(),
                                              UndistortTool()};
  return tools;
}

const ToolInfo& FindTool(const std::string& name) {
  std::string names;
  for (const ToolInfo& tool : Tools()) {
    if (name == tool.name) return tool;
    names += (names.empty() ? "" : ", ") + std::string(tool.name);
  }
  throw Error(Code::kInvalidArgument, "there is no tool '" + name + "', only " + names);
}

std::unique_ptr<Tool> MakeTool(const std::string& name) { return FindTool(name).make(); }

const ToolReport::Field& ToolReport::At(const std::string& name) const {
  std::string names;
  for (const Field& field : fields) {
    if (field.name == name) return field;
    names += (names.empty() ? "" : ", ") + field.name;
  }
  throw Error(Code::kInvalidArgument, "the report has no '" + name + "', only " + names);
}

const ToolReport::Field* ToolReport::Find(const std::string& name) const {
  for (const Field& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

}  // namespace mdvt
