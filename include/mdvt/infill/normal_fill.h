// SPDX-License-Identifier: Apache-2.0
//
// The fill of the original toolbox ("normal marching"): from each hole pixel along the direction
// that the infill mask gives, to the first pixel that is no hole. Here with masks in place of the
// colour black as "nothing", with centred kernels, and with any pixel of a hole counted as one.
#pragma once

#include <Eigen/Core>
#include <cstdint>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

struct NormalFillOptions {
  // Longest way to the background, in pixels. Valid: [1, 4096].
  int max_steps = 400;
  // Blurs the last pixels of the holes on the background's side, and the picture beside them: hides
  // the seam and halos, and changes pixels that were no holes.
  bool blend_rim = true;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// directions  per pixel: toward the background, any length but 0; (0, 0) = not known: half the hole
//             is filled from each side of its row
// holes       255 = hole, 0 = picture
// image       planar, 8 to 16 bits; hole pixels from which no picture is reached become those of
//             the nearest hole pixel of their row that is filled, else stay
//
// The colour of a hole pixel is that of the picture, blurred by a Gaussian (sigma 1.25, holes left
// out), two pixels behind the place where its way leaves the hole, or as near to it as is no hole.
// The filled part is then smoothed by the mean of 3 x 3 pixels, which never crosses its rim.
// A chroma sample is filled if all luma pixels that it stands for are holes.
// The same bytes for every number of threads. Throws Error(kInvalidArgument) if sizes disagree or
// the format is floating point.
void FillAlongNormals(PlaneView<const uint8_t> holes, PlaneView<const Eigen::Vector2f> directions,
                      const NormalFillOptions& options, const MutableImageView& image,
                      ThreadPool* pool = nullptr);

}  // namespace mdvt
