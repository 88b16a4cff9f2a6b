// SPDX-License-Identifier: Apache-2.0
//
// Points followed by a network of kind "track": CoTracker3, TAPIR and whatever else states in its
// metadata what it takes and gives.
#pragma once

#include <memory>
#include <optional>

#include "mdvt/core/parallel.h"
#include "mdvt/model/model.h"
#include "mdvt/tracking/clip_tracker.h"

namespace mdvt {

struct ModelTrackerOptions {
  int width = 0;  // of the frames
  int height = 0;
  // Frames that the network sees at once; 0: as its metadata says. Valid: 0 or [2 overlap, 4096],
  // and what the metadata allows.
  int window = 0;
  // Frames that a window shares with the one before. Valid: [2, 1024].
  int overlap = 8;
  // A point is seen where the network's `visible` is above this, and visible * confidence at least
  // min_confidence. Valid: [0, 1).
  double min_visible = 0.9;
  double min_confidence = 0.6;
  // A track goes on into the next window if both windows' positions in the overlap differ by this
  // much at most, in the median. Valid: (0, 100] pixels.
  double max_stitch = 1.5;
  // Points with fewer sightings in their first window are left out. Valid: [1, 1000].
  int min_length = 5;
  // Where points begin, as in PointTrackerOptions. seed_every counts from the start of a shot.
  int max_points = 1500;
  double min_distance = 10;
  double quality = 0.005;
  double border = 2;
  int seed_every = 60;
  double seed_below = 0.85;  // share of the points after the last search
  PointSeeding seeding = PointSeeding::kCorners;
  // Points of one forward pass, those of the support grid not counted. Valid: [1, 100000].
  int block = 512;
  // So many more points along each side of the picture, from the window's first frame on, help the
  // network and are left out. Valid: [0, 32].
  int support_grid = 6;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Cuts the clip into windows. Tracks go on from one to the next from a query near the middle of the
// overlap, where they were seen. Within a window new points begin in its first frame that has
// none, and wherever seed_every demands it, away from those that are live there.
//
// Memory: the network's pictures and the luma of one window.
class ModelTracker final : public ClipTracker {
 public:
  // pool  for resizing; null: the calling thread alone
  // Throws Error: kInvalidArgument (options), kUnsupported for a network of another kind, or that
  // has no position and visibility among its outputs.
  ModelTracker(std::shared_ptr<const Model> model, const ModelTrackerOptions& options,
               ThreadPool* pool);
  ~ModelTracker() override;

  int latency() const override;
  // Throws as Model::Run too, naming the frames.
  void Push(TrackingFrame frame) override;
  void Finish() override;
  std::optional<FramePoints> Pop() override;
  int64_t cuts() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws Error(kUnsupported) unless a ModelTracker can use it.
void CheckTrackModel(const ModelInfo& info);

}  // namespace mdvt
