// SPDX-License-Identifier: Apache-2.0
#include "pipeline/learn_fov.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/path_start.h"
#include "pipeline/shot_tracker.h"

namespace mdvt {
namespace {

constexpr int64_t kMostFrames = 90;
constexpr int kPoints = 600;

struct ClipTracks {
  TrackTable table;
  std::vector<int64_t> cuts;
};

ClipTracks FollowClip(Graph* graph, VideoReader* reader, const JobOptions& job) {
  const VideoInfo& info = reader->info();
  const int64_t most = job.max_frames < 0 ? kMostFrames : std::min(kMostFrames, job.max_frames);
  ShotTracker tracker(info.width, info.height, kPoints, graph->pool());
  TrackTableBuilder builder;
  ClipTracks found;
  int64_t frames = 0;
  graph->Into(graph->From(FirstFrames(reader, most)), [&](const Frame& frame) {
    bool is_cut = false;
    const std::vector<TrackedPoint> points = tracker.Follow(frame.image, &is_cut);
    if (is_cut) found.cuts.push_back(frames);
    ++frames;
    builder.BeginFrame();
    for (const TrackedPoint& point : points) {
      const double x = point.position.x(), y = point.position.y();
      if (x >= 0 && y >= 0 && x < info.width && y < info.height)
        builder.Add(static_cast<int32_t>(point.id), static_cast<float>(x), static_cast<float>(y),
                    1);
    }
  });
  graph->Run("field of view", ExpectedFrames(info.estimated_frames, 0, most));
  found.table = builder.Finish();
  return found;
}

}  // namespace

MotionFov FovFromMotion(const TrackTable& tracks, const std::vector<float>& depths,
                        const MotionFovSearch& search, const RunControl& control) {
  MotionFov best;
  bool first = true;
  for (const double start : search.starts) {
    MotionFov one;
    try {
      AlignmentOptions alignment = search.alignment;
      alignment.camera = search.camera(start);
      alignment.optimize_focal = true;
      if (!search.has_depth) StartFromPath(tracks, &alignment);
      const CameraAlignment found = AlignCameras(tracks, depths, alignment, control);
      const FocalCalibration& focal = *found.focal;
      const auto degrees = [&](double fx) {
        return 2 * std::atan2(found.camera.width, 2 * fx) * 180 / M_PI;
      };
      one.status = focal.status;
      one.reason = focal.reason;
      one.xfov = degrees(focal.fx);
      if (focal.low_fx > 0 && std::isfinite(focal.high_fx)) {
        one.low = degrees(focal.high_fx);
        one.high = degrees(focal.low_fx);
      }
      one.focal = focal;
    } catch (const Error& error) {
      if (error.code() != Code::kRefused) throw;
      one.reason = error.what();
    }
    if (first || (one.Usable(true) && !best.Usable(true)) ||
        (one.Usable(false) && !best.Usable(false)))
      best = std::move(one);
    first = false;
    if (best.Usable(search.weak_will_do)) break;
  }
  return best;
}

FovOptions LearnFov(const std::string& video, const JobOptions& job,
                    const std::atomic<bool>* cancelled) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(video, ignored)) return FovOrUsual({}, true);
  RunControl quiet;
  quiet.cancelled = cancelled;
  Graph graph(job, quiet);
  VideoReader reader(video, ReaderOptions(job, graph.pool()));
  const VideoInfo& info = reader.info();
  const ClipTracks tracks = FollowClip(&graph, &reader, job);
  MotionFov found;
  if (tracks.table.num_frames() > 1 && tracks.table.num_sightings() > 0) {
    MotionFovSearch search;
    search.alignment.cuts = tracks.cuts;
    search.alignment.accept_weak_focal = true;
    search.alignment.pool = graph.pool();
    search.weak_will_do = true;
    search.camera = [&](double xfov) {
      FovOptions fov;
      fov.xfov_deg = xfov;
      return ClipCamera(fov, {}, info.width, info.height, info.sample_aspect, job.limits).At(0);
    };
    found = FovFromMotion(tracks.table, std::vector<float>(tracks.table.num_sightings(), 0), search,
                          quiet);
  }
  if (!found.Usable(true)) return FovOrUsual({}, true);
  std::string interval;
  if (found.low > 0)
    interval = ", 95 % interval " + FormatFixed(found.low, 1) + ".." + FormatFixed(found.high, 1);
  LogWarning("no field of view was given: the motion of the camera tells " +
             std::string(found.Usable(false) ? "" : "roughly ") + FormatFixed(found.xfov, 1) +
             " degrees across" + interval);
  FovOptions fov;
  fov.xfov_deg = found.xfov;
  return fov;
}

}  // namespace mdvt
