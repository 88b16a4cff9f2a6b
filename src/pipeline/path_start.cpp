// SPDX-License-Identifier: Apache-2.0
#include "pipeline/path_start.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "core/median.h"
#include "mdvt/geometry/camera_path.h"

namespace mdvt {
namespace {

constexpr double kPathNoise = 0.35;  // pixels

}  // namespace

void StartFromPath(const TrackTable& tracks, AlignmentOptions* alignment) {
  const Camera& camera = alignment->camera;
  CameraPathOptions options;
  options.noise = std::min(kPathNoise / camera.fx, 0.09);
  std::unique_ptr<CameraPath> path;
  const int64_t frames = tracks.num_frames();
  int64_t begin = 0;
  std::vector<char> moves(static_cast<size_t>(frames), 0);  // as was known last
  alignment->start.assign(static_cast<size_t>(frames), Pose::Identity());
  const auto keep = [&](int64_t first, int64_t last) {
    for (int64_t f = first; f < last; ++f)
      if (const auto frame = path->Get(f - begin)) {
        alignment->start[static_cast<size_t>(f)] = frame->world_from_cam;
        moves[static_cast<size_t>(f)] = frame->state == PathState::kTranslating;
      }
  };
  const auto& cuts = alignment->cuts;
  for (int64_t f = 0; f < frames; ++f) {
    if (f == 0 || std::binary_search(cuts.begin(), cuts.end(), f)) {
      path = std::make_unique<CameraPath>(options);
      begin = f;
    }
    std::vector<TrackSight> sights;
    for (const TrackSighting& seen : tracks.Frame(f))
      sights.push_back(
          {seen.track, {(seen.x - camera.cx) / camera.fx, (seen.y - camera.cy) / camera.fy}});
    path->AddFrame(f - begin, sights);
    if (f + 1 == frames || std::binary_search(cuts.begin(), cuts.end(), f + 1)) path->Finish();
    keep(std::max(begin, f - options.window + 1), f + 1);
  }
  const int64_t translating = std::count(moves.begin(), moves.end(), 1);
  if (alignment->motion == CameraMotion::kAuto)
    alignment->motion = translating * 5 >= frames ? CameraMotion::kFree : CameraMotion::kRotation;
}

void ScaleShots(const TrackTable& tracks, double scene_scale, CameraAlignment* found) {
  std::vector<AlignedTrack*> placed(tracks.num_tracks(), nullptr);
  for (AlignedTrack& track : found->tracks) placed[static_cast<size_t>(track.track)] = &track;
  for (AlignedShot& shot : found->shots) {
    if (shot.motion != CameraMotion::kFree) continue;
    double scale = 0;
    std::vector<double> depths;
    for (int64_t f = shot.first; f < shot.first + shot.count && scale == 0; ++f) {
      depths.clear();
      const Pose cam_from_world = found->frames[static_cast<size_t>(f)].world_from_cam.inverse();
      for (const TrackSighting& seen : tracks.Frame(f)) {
        const AlignedTrack* track = placed[static_cast<size_t>(seen.track)];
        if (track == nullptr || !track->used) continue;
        const double z = (cam_from_world * track->in_world).z();
        if (z > 0) depths.push_back(z);
      }
      if (depths.size() >= 12) scale = scene_scale / Median(&depths);
    }
    if (!(scale > 0)) continue;
    shot.path_length *= scale;
    for (int64_t f = shot.first; f < shot.first + shot.count; ++f)
      found->frames[static_cast<size_t>(f)].world_from_cam.translation() *= scale;
    // A track belongs to the shot that it begins in.
    for (int64_t f = shot.first; f < shot.first + shot.count; ++f)
      for (const TrackSighting& seen : tracks.Frame(f)) {
        AlignedTrack*& track = placed[static_cast<size_t>(seen.track)];
        if (track != nullptr) track->in_world *= scale;
        track = nullptr;
      }
  }
}

}  // namespace mdvt
