// SPDX-License-Identifier: Apache-2.0
//
// How much depth flickers, measured along the flow of the pictures.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/depth/flow_pair.h"

namespace mdvt {

// The optical-flow warping error of one pair of frames as the original evaluation computes it:
//
//   10 mean_x( w(x) |n(W(D_before)) - n(D)| ),  n(D) = (D - median) / max(mean |D - median|, 1e-6)
//   w(x) = sum over R, G, B of exp(-50 (W(I_before) - I)^2),  I in 0..255
//
// with W the bilinear warp by the flow, 0 outside, the lower median, and statistics over all
// pixels. The clip's score is the sum over its pairs divided by its number of frames (not of
// pairs). disparity  larger is nearer, any scale; finite picture    Rgb(8), or RgbF32 in [0, 1], of
// the same size Comparable only for the same frames, size and flow: see TemporalScores for one that
// is not so sensitive. Throws Error(kInvalidArgument) if sizes or formats differ. Source: Y. Wang
// et al., Neural Video Depth Stabilizer, 2023, and its published code.
double OriginalOpw(PlaneView<const float> disparity, PlaneView<const float> disparity_before,
                   const ImageView& picture, const ImageView& picture_before, FlowPlane to_before);

struct TemporalFrame {
  PlaneView<const float> disparity;  // larger is nearer; NaN = no data
  ImageView picture;                 // Rgb(8) of the same size
  const FlowPair* flow = nullptr;    // null: the frame begins a shot
};

struct TemporalResult {
  int64_t pairs = 0;  // pairs of frames that share something
  int64_t shots = 0;
  // Warping error over consistent pixels, weighted by exp(-50 |W(I) - I|^2) with I in [0, 1], over
  // one mean absolute deviation of disparity per shot; and the same with each frame normalised by
  // its own median and deviation, which hides what whole frames do.
  double opw2 = 0;
  double opw2_frame = 0;
  double coverage = 0;  // mean share of consistent pixels
  // Share of consistent pixels whose depth differs by less than a factor of 1.25^0.5 from the
  // warped one.
  double rtc = 0;
  // Root mean square of the second difference of log disparity along the flow over three frames,
  // and its parts: what an affine function of log disparity per frame explains, and the rest.
  double tflick = 0;
  double tflick_global = 0;
  double tflick_local = 0;
  // Power of log disparity along tracks, a linear trend removed, under a Hann window, per band of
  // frequency, as shares of the whole; and the share above 3 Hz. Empty without tracks of a window's
  // length.
  std::vector<double> spectrum;
  double spectrum_step_hz = 0;  // band i is around i times this, from 1 on
  double flicker_share = 0;
  int64_t tracks = 0;
  std::vector<double>
      opw2_of_pairs;  // of each frame against the one before; NaN where there is none
};

// Takes frame after frame and keeps two of them.
class TemporalScores {
 public:
  // fps  of the frames, for the spectrum; 24 where it is not known. Throws Error(kInvalidArgument)
  //      unless positive.
  explicit TemporalScores(double fps);
  ~TemporalScores();

  // Throws Error(kInvalidArgument) if sizes or formats differ from those of the frames before.
  void Add(const TemporalFrame& frame);
  // After the last frame; to be called once.
  TemporalResult Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
