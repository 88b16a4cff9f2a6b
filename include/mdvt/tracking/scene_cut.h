// SPDX-License-Identifier: Apache-2.0
//
// Where one shot ends and the next begins.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/state.h"

namespace mdvt {

struct SceneCutOptions {
  // A cut needs both: fewer than this share of the tracks survive, and the picture changes by more
  // than `min_change` grey levels: the mean absolute difference of 32 x 18 thumbnails that have
  // been matched in place (up to a cell), contrast and mean, for pictures with nothing in common
  // about what it would be without. Both valid in their natural range: [0, 1], [0, 255].
  double max_survival = 0.2;
  double min_change = 12;
  // With fewer tracks before, survival says nothing and the picture alone decides, by twice the
  // change. Valid: at least 1.
  int min_tracks = 30;
  void Check() const;
};

// Tells cuts between consecutive frames. Hard cuts only; a dissolve is several frames that lose
// their tracks one after another. A flash is none, even if it burns the picture out for up to four
// frames: these are passed over.
class SceneCutDetector {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit SceneCutDetector(const SceneCutOptions& options = {});

  // True if `frame` (8-bit luma) begins a new shot. alive_before and followed as in TrackingStep.
  // The first frame is no cut.
  bool IsCut(PlaneView<const uint8_t> frame, int alive_before, int followed);

  // The picture before, for an object with the same options. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  SceneCutOptions options_;
  std::vector<float> thumbnail_;
  int flat_frames_ = 0;  // since it, without contrast
};

}  // namespace mdvt
