// SPDX-License-Identifier: Apache-2.0
//
// Smoothing, filling and enlarging of maps along the edges of the picture they belong to.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/plane_sweep.h"

namespace mdvt {

struct EdgeAwareOptions {
  // Strength: a value spreads over about sqrt(lambda) pixels where the picture is flat.
  // Valid: (0, 1e6].
  float lambda = 400;
  // Difference of neighbouring grey levels at which spreading falls to 1 / e. Valid: (0, 255].
  float edge = 6;
  int passes = 3;  // along rows and along columns each. Valid: [1, 8].
  void Check() const;
};

// Weighted least squares along rows and columns in turn (fast global smoothing): per row
//
//   minimise  sum w_i (u_i - f_i)^2 + lambda sum g_i (u_i - u_{i+1})^2,   g_i = exp(-|dI| / edge)
//
// on w f and on w, whose quotient is the result: values flow from where their weight is high to
// where it is low or zero, and not across edges of the guide. O(pixels), any size of gap.
// Source: D. Min et al., Fast global image smoothing based on weighted least squares, 2014.
class EdgeAwareSmoother {
 public:
  EdgeAwareSmoother();
  ~EdgeAwareSmoother();
  EdgeAwareSmoother(EdgeAwareSmoother&&) noexcept;
  EdgeAwareSmoother& operator=(EdgeAwareSmoother&&) noexcept;

  // guide   8-bit luma. Keeps what it needs of it.
  // Throws Error(kInvalidArgument) for an empty guide or options out of range.
  void SetGuide(PlaneView<const uint8_t> guide, float edge, ThreadPool* pool);

  // The same along the edges of colour: the largest difference of luma and of both colour
  // differences counts.
  void SetColorGuide(const SweepPicture& guide, float edge, ThreadPool* pool);

  // values, weights  of the guide's size; weights >= 0, in [0, 1] by custom. In place: `values`
  //                  becomes the result, `weights` the weight that has reached each pixel.
  // Values without any weight in the whole map stay as they are.
  void Smooth(float lambda, int passes, ThreadPool* pool, std::vector<float>* values,
              std::vector<float>* weights);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Enlarges `small` (row by row, small_width x small_height) to the size of `guide`: each pixel is a
// mean of its four nearest coarse samples, weighted by distance and by how much the guide at the
// pixel resembles `small_guide` there, so that edges follow the guide and no value beyond those of
// the four appears. The grids cover the same area. Exact copy if the sizes agree.
// Throws Error(kInvalidArgument) if a size is wrong.
// Source: J. Kopf et al., Joint bilateral upsampling, 2007.
void UpsampleAlongEdges(const std::vector<float>& small, PlaneView<const uint8_t> small_guide,
                        PlaneView<const uint8_t> guide, float edge, ThreadPool* pool,
                        PlaneView<float> result);

// Plain bilinear resizing over the same area, for factors of about two or less.
void ResizeBilinear(PlaneView<const float> small, ThreadPool* pool, PlaneView<float> result);

}  // namespace mdvt
