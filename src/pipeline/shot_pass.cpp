// SPDX-License-Identifier: Apache-2.0
#include "pipeline/shot_pass.h"

#include <optional>

#include "mdvt/io/scene_list.h"
#include "mdvt/io/video_reader.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/scene_starts.h"

namespace mdvt {

std::vector<int64_t> FindShots(Graph* graph, const std::string& video, const SteadyOptions& steady,
                               const JobOptions& job) {
  if (steady.cuts == SceneCuts::kOff) return {};
  if (!steady.scene_file.empty()) return ReadSceneStarts(steady.scene_file, job.limits);
  VideoReader reader(video, ReaderOptions(job, graph->pool()));
  const VideoInfo& info = reader.info();
  SceneStarts starts(SceneCuts::kAuto, "", job.limits, info, info.format, graph->pool());
  const double tick = info.time_base.ToDouble();
  graph->Into(graph->From(FirstFrames(&reader, job.max_frames)), [&](const Frame& frame) {
    starts.Push(frame.image, frame.index, static_cast<double>(frame.pts) * tick);
  });
  graph->Run("cuts", ExpectedFrames(info.estimated_frames, 0, job.max_frames));
  starts.Finish();
  std::vector<int64_t> shots;
  for (int64_t i = 0; const std::optional<bool> cut = starts.Pop(); ++i)
    if (*cut && i > 0) shots.push_back(i);
  return shots;
}

}  // namespace mdvt
