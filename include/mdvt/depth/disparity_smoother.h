// SPDX-License-Identifier: Apache-2.0
//
// Disparity smoothed over time where the picture stands still, and left alone where it moves.
#pragma once

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/state.h"
#include "mdvt/depth/disparity_range.h"

namespace mdvt {

namespace maps {
struct Smoothing;
}

struct SmootherOptions {
  // Weight of the past, per frame. 0 = no smoothing. Valid: [0, 1).
  double alpha = 0.9;
  // Positive: alpha is exp(-t / tau) instead, t seconds after the frame before, so that the rate of
  // the clip does not matter. Valid: [0, 3600].
  double tau_seconds = 0;
  // Smooth less where the picture changes: not at all from `moving` on, fully up to `still`, in
  // between in proportion. The change is the mean |difference| to the frame before of 7 x 7 luma
  // samples (or R, or G), in 8-bit steps. Valid: 0 <= still < moving <= 255.
  bool motion_adaptive = true;
  double still = 2;
  double moving = 8;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

//   S_t = a S_(t-1) + (1 - a) n_t,    a = alpha (1 - w),   w in [0, 1] for motion, see above
class DisparitySmoother {
 public:
  // `pool` may be null (one thread) and must outlive the object.
  // Throws Error(kInvalidArgument), see Check().
  explicit DisparitySmoother(const SmootherOptions& options, ThreadPool* pool = nullptr);

  // Normalises (see NormalizeDisparity()) and smooths one frame's map in place, after all frames
  // before it, in one pass.
  //
  // picture   of the same size, planar with 8 to 16 bits; its plane 0 is looked at, and kept
  // seconds   since the frame before
  // restart   true at a new scene: nothing of the past is used
  // map       disparity; it is kept as the past of the next frame and must not change any more
  // Throws Error(kInvalidArgument) if the sizes disagree, map or picture differ from the ones
  // before without `restart`, or the map is the very one before.
  void Smooth(const Image& picture, double seconds, bool restart, const NormalRange& range,
              Image* map);

  // The frame before, for an object with the same options. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  template <typename T>
  void SmoothMoving(const Image& picture, const maps::Smoothing& smoothing, PlaneView<float> map);

  SmootherOptions options_;
  ThreadPool* pool_;
  Image past_;     // the map of the frame before
  Image picture_;  // and its picture
};

}  // namespace mdvt
