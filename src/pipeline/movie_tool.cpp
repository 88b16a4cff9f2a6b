// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/movie.h"
#include "pipeline/job_tool.h"

namespace mdvt {
namespace {

std::string Listed(const std::vector<int64_t>& scenes) {
  std::string text;
  for (const int64_t scene : scenes) text += (text.empty() ? "" : ", ") + std::to_string(scene);
  return text;
}

}  // namespace

void Describe(ToolReport* to, const MovieJobOptions&, const MovieReport& report) {
  AddOutputs(to, report.frames, {report.output});
  to->text = report.plan;
  to->summary = CountOf(report.scenes, "scene") + ", " + CountOf(report.steps_done, "step") +
                (report.plan.empty() ? " done, " : " to do, ") + std::to_string(report.steps_kept) +
                " up to date";
  const std::string flat = Listed(report.flat), fallback = Listed(report.fallback);
  if (!flat.empty()) to->summary += ", shown flat: " + flat;
  if (!fallback.empty()) to->summary += ", filled without the network: " + fallback;
  to->Add("scenes", report.scenes, "after long ones were split");
  to->Add("scene_list", report.scene_list, "the list of scenes");
  to->Add("steps_done", report.steps_done, "steps that were done, or would be");
  to->Add("steps_kept", report.steps_kept, "steps that were up to date");
  to->Add("bytes_needed", report.bytes_needed, "that the files of this run take, roughly");
  to->Add("flat", flat, "scenes that failed and are shown flat");
  to->Add("fallback", fallback, "scenes whose holes were filled without the network, which failed");
}

std::string OutputOf(const MovieJobOptions& options) { return options.output; }

DepthModelOptions* ModelOf(MovieJobOptions* options) { return &options->source.model; }

ToolInfo MovieTool() {
  return MakeToolInfo<MovieJobOptions, MovieReport, RunMovieJob>(
      "movie_2_3D",
      "Makes a stereo film of a film, scene by scene: depth, masks, convergence, both eyes and "
      "infill of\neach scene, then one film with all sound, subtitles and chapters. Run again, it\n"
      "goes on where it was.",
      "movie_2_3D --color_video film.mkv --output_dir film3d");
}

}  // namespace mdvt
