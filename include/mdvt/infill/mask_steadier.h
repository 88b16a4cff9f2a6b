// SPDX-License-Identifier: Apache-2.0
//
// Makes steady masks of probabilities that flicker from frame to frame.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

struct SteadyMaskOptions {
  // Weight of the frames before, which are carried along by the motion of the picture. 0: each
  // frame stands alone. Valid: [0, 1).
  double memory = 0.6;
  // A region of pixels of at least `low` is masked if some of it, `core` of its pixels, are of at
  // least `high`. Valid: 0 < low <= high < 1.
  double high = 0.7;
  double low = 0.3;
  double core = 0.05;  // share; [0, 1]
  // Smaller regions are left out, smaller holes in regions filled. Share of the picture. Valid:
  // [0, 1].
  double min_area = 0.002;
  bool largest = false;  // only the largest region

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

class MaskSteadier {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit MaskSteadier(const SteadyMaskOptions& options = {});

  // The next frame.
  // probability  row by row, in [0, 1]; comes back steadied
  // to_previous  where each pixel was in the frame before; data null: nothing is carried along (the
  //              first frame, a cut)
  // round_trip   of that motion; where it misses by more than 2 pixels nothing is carried along
  // mask         255 in masked regions, else 0
  // Throws Error(kInvalidArgument) if sizes differ.
  void Steady(int width, int height, PlaneView<const Eigen::Vector2f> to_previous,
              PlaneView<const float> round_trip, std::vector<float>* probability,
              std::vector<uint8_t>* mask);

 private:
  SteadyMaskOptions options_;
  std::vector<float> logits_;  // of the frame before
  int width_ = 0;
  int height_ = 0;
};

// Grows the white of a mask by `pixels` in all four directions, as squares; shrinks it if negative.
// Valid: [-1024, 1024]. Throws Error(kInvalidArgument).
void DilateMask(int pixels, PlaneView<uint8_t> mask);

}  // namespace mdvt
