// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/find_scenes.h"
#include "pipeline/find_scenes_settings.h"
#include "pipeline/job_tool.h"

namespace mdvt {

void Describe(ToolReport* to, const FindScenesJobOptions&, const FindScenesReport& report) {
  AddOutputs(to, report.frames, {report.output, report.stats_output});
  to->summary = CountOf(report.scenes, "scene");
  if (report.seconds > 0) to->summary += ", " + FormatFixed(report.seconds, 1) + " s on average";
  to->Add("scenes", report.scenes, "in the list");
  to->Add("mean_seconds", report.seconds, "mean length of a scene in seconds");
}

std::string OutputOf(const FindScenesJobOptions& options) { return SceneListOutput(options); }

ToolInfo FindScenesTool() {
  return MakeToolInfo<FindScenesJobOptions, FindScenesReport, RunFindScenesJob>(
      "mdvt_scenes",
      "Writes the list of a film's scenes, as PySceneDetect does: for movie_2_3D, for every "
      "program\n"
      "that takes a --scene_file, and for editing by hand.",
      "mdvt_scenes film.mp4 --detector adaptive");
}

}  // namespace mdvt
