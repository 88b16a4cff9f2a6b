// SPDX-License-Identifier: Apache-2.0
//
// The part of the export job that makes points of tracks, and corrects depth by them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/track_table.h"
#include "mdvt/geometry/depth_rescale.h"
#include "mdvt/geometry/track_triangulation.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_cloud_file.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/clip_pair.h"
#include "pipeline/cloud_page.h"
#include "pipeline/export_format.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/per_frame.h"
#include "pipeline/track_mask.h"

namespace mdvt {

// Tracks joined into sets, in the same way whatever the order of the joins.
class TrackSets {
 public:
  explicit TrackSets(size_t count) : parents_(count) {
    for (size_t i = 0; i < count; ++i) parents_[i] = static_cast<int32_t>(i);
  }
  // The smallest track of the set.
  int32_t Of(int32_t track);
  void Join(int32_t a, int32_t b);

 private:
  std::vector<int32_t> parents_;
};

// The depth behind a position in edge coordinates: bilinear in 1 / z between pixels of one surface,
// else that of the pixel. 0 where there is none, or it is `saturated`.
float DepthBehind(const DepthView& depth, float x, float y, float saturated);

class TrackCloud {
 public:
  // `outputs` must have its inputs already; what is written is added to it. Throws what the readers
  // throw, and Error(kCorrupt) for tracks of another picture.
  TrackCloud(const ExportJobOptions& options, OutputSet* outputs, Graph* graph);

  // Runs one or two phases of the graph. Throws Error(kRefused) if no point is left, saying why.
  TrackCloudReport Run();
  // After it: the triangulated points if their file was asked for, else those by depth.
  const std::vector<TrackCloudPoint>& best_points() const {
    return triangulated_target_ ? triangulated_points_ : average_points_;
  }
  // The page that shows them, in axes x right, y down, z forward.
  CloudPage Page() const;
  // After that: those whose rays meet, without what was masked.
  std::vector<SeenPoint> Seen() const;

 private:
  struct View;

  ClipPairOptions InputOptions() const;
  Stream<std::pair<PairedFrame, Image>> Frames();
  void Look(const PairedFrame& frame, const Image& mask);
  void MergeClosePoints(int64_t number);
  void CheckLengths() const;
  Eigen::Matrix<uint8_t, 3, 1> ColorOf(const std::vector<int32_t>& tracks) const;
  void Triangulate();
  // The sightings of all tracks of a set that are not masked, in the order of frames.
  std::vector<View> ViewsOf(const std::vector<int32_t>& tracks) const;
  void AddPoints(size_t set, const std::vector<View>& views);
  void RefuseWithoutPoints() const;
  void Write();
  void Rescale();
  std::vector<DepthPair> Pairs() const;

  const ExportJobOptions& options_;
  const TrackCloudOptions& cloud_;
  OutputSet* outputs_;
  Graph* graph_;
  int64_t first_frame_;
  bool triangulates_;  // asked for, or wanted by a format
  TrackCloudReport report_;
  OutputTarget average_target_;
  std::optional<OutputTarget> triangulated_target_;
  std::optional<OutputTarget> rescaled_target_;
  ClipPair input_;
  TrackTable tracks_;
  std::optional<VideoReader> mask_;
  MaskWatch mask_watch_ = MaskWatch(cloud_.mask.video, cloud_.mask.threshold);
  TrackMask mask_rule_;
  PerFrame<Pose> poses_;
  ClipCamera camera_;
  float saturated_;
  int64_t masks_taken_ = 0;

  // Of each frame looked at.
  std::vector<Pose> world_from_cam_;
  std::vector<Camera> cameras_;
  // Of each sighting: its depth, 0: none; below 0: masked, or of a frame that was not looked at.
  std::vector<float> depths_;
  // Of each track.
  std::vector<Eigen::Matrix<uint32_t, 3, 1>> color_sums_;
  std::vector<uint32_t> color_counts_;
  std::vector<char> banned_;
  TrackSets sets_;
  std::optional<TrackOrder> order_;

  // Of each set that has enough views.
  struct Point {
    std::vector<int32_t> tracks;
    TriangulatedTrack triangulated;
    std::optional<Eigen::Vector3d> average;
    int32_t views = 0;
    double distance = 0;  // of the triangulated point from the nearest camera
  };
  std::vector<Point> points_;
  std::vector<TrackCloudPoint> average_points_;
  std::vector<TrackCloudPoint> triangulated_points_;
};

}  // namespace mdvt
