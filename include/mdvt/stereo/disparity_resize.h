// SPDX-License-Identifier: Apache-2.0
//
// Disparity maps of another size in which surfaces stay apart.
#pragma once

#include <memory>

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/stereo/tear_rule.h"

namespace mdvt {

// Resizes maps of 1 / depth (or of normalized disparity) linearly, widened where the map becomes
// smaller, but never across a tear: between two surfaces a mean would be a point where nothing is.
//
// Of the samples that a plain linear filter mixes, those whose neighbours in order of their values
// do not part by the tear rule are one surface. The one with most of the weight is seen, of equal
// ones the nearest; the result is the weighted mean of its samples, hence between them. So a
// silhouette runs where the filter has half of both sides. What is not known (NaN) is a surface of
// its own, the farthest. The same bytes for every thread count.
class DisparityResizer {
 public:
  // window  part of the map that becomes the whole of the result
  // pool    may be null (one thread) and must outlive the object
  // Throws Error(kInvalidArgument) as ImageResizer does.
  DisparityResizer(int from_width, int from_height, const ResizeWindow& window, int to_width,
                   int to_height, ThreadPool* pool = nullptr);
  ~DisparityResizer();
  DisparityResizer(DisparityResizer&&) noexcept;
  DisparityResizer& operator=(DisparityResizer&&) noexcept;

  // rule             where neighbours part, in pixels of `from`
  // pixels_per_unit  how far apart both eyes see 1 of the map and 0, in the same pixels
  // Throws Error(kInvalidArgument) if a size is not the one stated.
  void Resize(PlaneView<const float> from, const TearRule& rule, double pixels_per_unit,
              PlaneView<float> to) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
