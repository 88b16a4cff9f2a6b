// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/path_uncertainty.h"

#include <algorithm>
#include <vector>

#include "mdvt/core/error.h"
#include "seen_path.h"

namespace mdvt {
namespace {

constexpr double kMostPixels = 4;  // a sighting that is farther off is an outlier
// Pixels. Trackers are wrong by a third of one, alike in many frames: of points that move by less
// against each other a path can always be made.
constexpr double kLeastParallax = 0.7;

// Of a shot, at frames evenly over it.
SeenPath PathOfShot(const TrackTable& tracks, const CameraAlignment& found, const AlignedShot& shot,
                    size_t most_frames) {
  std::vector<int64_t> placed;
  for (int64_t f = shot.first; f < shot.first + shot.count; ++f)
    if (!found.frames[static_cast<size_t>(f)].interpolated) placed.push_back(f);
  SeenPath path;
  path.camera = found.camera;
  path.length = shot.path_length;
  std::vector<int> point_of(tracks.num_tracks(), -1);
  for (const AlignedTrack& track : found.tracks) {
    if (!track.used) continue;
    point_of[static_cast<size_t>(track.track)] = static_cast<int>(path.points.size());
    path.points.push_back(track.in_world);
  }
  for (const size_t k : EvenlyOver(placed.size(), most_frames)) {
    const int frame = static_cast<int>(path.world_from_cam.size());
    path.world_from_cam.push_back(found.frames[static_cast<size_t>(placed[k])].world_from_cam);
    for (const TrackSighting& seen : tracks.Frame(placed[k]))
      if (const int point = point_of[static_cast<size_t>(seen.track)]; point >= 0)
        path.sights.push_back({frame, point, {seen.x, seen.y}});
  }
  return path;
}

}  // namespace

double PathUncertainty(const TrackTable& tracks, const CameraAlignment& found, size_t shot,
                       const PathUncertaintyOptions& options) {
  Require(shot < found.shots.size(), Code::kInvalidArgument, "PathUncertainty: no such shot");
  Require(options.noise_px > 0 && options.noise_px <= 100, Code::kInvalidArgument,
          "PathUncertaintyOptions.noise_px must be in (0, 100]");
  Require(options.depth_sigma >= 0 && options.depth_sigma <= 10, Code::kInvalidArgument,
          "PathUncertaintyOptions.depth_sigma must be in [0, 10]");
  Require(options.most_frames >= 2 && options.most_frames <= 64, Code::kInvalidArgument,
          "PathUncertaintyOptions.most_frames must be in [2, 64]");
  const AlignedShot& one = found.shots[shot];
  if (one.motion != CameraMotion::kFree || one.count < 3) return 0;
  return UncertaintyOf(PathOfShot(tracks, found, one, static_cast<size_t>(options.most_frames)),
                       {options.noise_px, kMostPixels, kLeastParallax, options.depth_sigma});
}

}  // namespace mdvt
