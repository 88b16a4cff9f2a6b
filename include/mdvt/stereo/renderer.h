// SPDX-License-Identifier: Apache-2.0
//
// View synthesis for two parallel eyes: every row of the colour picture is warped on its own by the
// disparity of its depth, nearest surface first, at sub-pixel accuracy.
#pragma once

#include <memory>

#include "mdvt/core/camera.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/stereo/tear_rule.h"

namespace mdvt {

enum class EdgeMode {
  kTear,     // surfaces part where the tear rule holds; what appears behind them is a hole
  kStretch,  // the surface is a rubber sheet: nothing but the borders of the view is uncovered
};

struct StereoOptions {
  // Distance between the eyes in metres. Valid: [0, 1]. The left eye is at x = -baseline / 2.
  double baseline = 0.063;

  EdgeMode edges = EdgeMode::kTear;
  TearRule tear;  // between neighbours in a row

  // Beside a silhouette the picture mixes both surfaces. The two samples at a tear tell by their
  // shares of the near surface where it ends; both, and up to this many luma (or R, G, B) samples
  // on the far side that hold a clear part of the foreground, become clean, so that no ghost of the
  // outline stays there. Target samples that a rim then runs through are mixed by the share that
  // the near surface covers, with the background beside the tear where it uncovers a hole; those of
  // which it covers less than half are part of the hole. 0 leaves every sample as it is: surfaces
  // end in the middle between samples, and each target sample shows one of them. Valid: [0, 16].
  int clean_rim = 2;

  // The maps hold 1 / depth in place of depth, as networks for disparity give it: what is less than
  // 1e-6 (0 and negatives too) is 1e6 m away, NaN is no data.
  bool inverse_depth = false;

  // Of the colour input: where chroma samples lie (chroma_location) and what black is (full_range).
  // The other fields do not matter here.
  ColorInfo color;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// One eye's result. The views belong to the caller; `holes` is reused from frame to frame.
struct EyeView {
  // Format and size of the colour input; holes are black. Empty: this eye is not wanted.
  MutableImageView image;
  PlaneView<float> depth = {};  // optional: metres of what is seen, 0 in holes
  HoleMap* holes = nullptr;     // optional
};

// Renders both eyes of one frame after another. Results are the same bytes for every thread count
// and instruction set. With baseline 0 the output equals the input bit for bit.
//
//   x_left  = x + k (1 / z - 1 / convergence)     k = fx * baseline / 2, in pixels
//   x_right = x - k (1 / z - 1 / convergence)
//
// Depth 0 never makes geometry: its pixels are holes unless another surface covers them.
class StereoRenderer {
 public:
  // `pool` may be null (one thread) and must outlive the renderer.
  explicit StereoRenderer(const StereoOptions& options, ThreadPool* pool = nullptr);
  ~StereoRenderer();
  StereoRenderer(StereoRenderer&&) noexcept;
  StereoRenderer& operator=(StereoRenderer&&) noexcept;

  // color        planar, 8 to 16 bits, any subsampling up to 1 in x and y
  // depth        W x H, metres, 0 = no data; see also inverse_depth
  // camera       of the colour picture, W x H
  // convergence  distance in metres at which the eyes' pictures coincide; 0 or infinity = parallel
  // Throws Error(kInvalidArgument) if sizes or formats disagree or convergence is NaN or negative.
  void Render(const ImageView& color, const DepthView& depth, const Camera& camera,
              double convergence, const EyeView& left, const EyeView& right);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
