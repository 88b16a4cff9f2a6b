// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_trajectory.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const EvalTrajectoryJobOptions& options,
              const EvalTrajectoryReport& report) {
  const TrajectoryError& error = report.error;
  AddOutputs(to, error.frames, {report.output, options.table, options.html});
  to->summary = "ATE " + FormatFixed(1000 * error.ate, 2) + " mm with scale " +
                FormatFixed(error.similarity.scale, 4) + ", " +
                FormatFixed(1000 * error.ate_rigid, 2) + " mm without, rotation " +
                FormatFixed(error.rotation_deg, 3) + " deg, AUC@5 " + FormatFixed(error.auc[0], 3);
  to->Add("ate_sim3", error.ate, "metres, after an alignment with scale");
  to->Add("ate_se3", error.ate_rigid, "metres, after an alignment without");
  to->Add("scale", error.similarity.scale, "of the alignment");
  to->Add("path_length", error.path_length, "metres, of the reference");
  to->Add("rotation", error.rotation_deg, "degrees, mean");
  to->Add("largest_rotation", error.largest_rotation_deg, "degrees");
  const bool steps = !error.relative.empty();
  to->Add("rpe_translation", If(steps, steps ? error.relative[0].translation_rmse : 0),
          "metres, from frame to frame");
  to->Add("rpe_rotation", If(steps, steps ? error.relative[0].rotation_rmse_deg : 0),
          "degrees, from frame to frame");
  to->Add("auc_5", error.auc[0], "share, at 5 degrees");
  to->Add("auc_10", error.auc[1], "share, at 10 degrees");
  to->Add("auc_20", error.auc[2], "share, at 20 degrees");
  to->Add("focal_error", If(report.focal.has_value(), report.focal ? report.focal->relative : 0.0),
          "of the focal length, a share");
}

std::string OutputOf(const EvalTrajectoryJobOptions& options) {
  return OutputName(options.output, options.estimate, "_eval.json");
}

ToolInfo EvalTrajectoryTool() {
  return MakeToolInfo<EvalTrajectoryJobOptions, EvalTrajectoryReport, RunEvalTrajectoryJob>(
      "eval_trajectory",
      "Tells how far a camera path is from the true one: absolute and relative errors, the area\n"
      "under the curve of pairs, the error of the focal length.",
      "eval_trajectory --estimate clip.mp4_depth.mkv_transformations.json --reference truth.json");
}

}  // namespace mdvt
