// SPDX-License-Identifier: Apache-2.0
//
// Planar images of another size: separable filters, each plane at its own sampling.
#pragma once

#include <memory>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

enum class ResizeFilter {
  kNearest,
  kBilinear,  // never beyond the samples it lies between
  kBicubic,   // Catmull-Rom
  kLanczos,   // three lobes
};

// A part of a picture in pixels, in edge coordinates: the whole of it is {0, 0, width, height}.
struct ResizeWindow {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

struct ResizeOptions {
  ResizeFilter filter = ResizeFilter::kLanczos;
  // Where the chroma samples of subsampled YUV lie, before and after (as in ColorInfo).
  int chroma_location = 0;
};

// Resizes one picture after another of the same format and size. Filters are widened where the
// picture becomes smaller, so that nothing aliases (but kNearest), and their weights add up to one:
// a uniform picture stays what it is. Past the border the last sample is repeated; what lies beyond
// the window but inside the picture is used. The same result for every thread count.
class ImageResizer {
 public:
  // format  planar, 8 to 16 bits or float
  // window  part of the source that becomes the whole of the result
  // pool    may be null (one thread) and must outlive the object
  // Throws Error(kInvalidArgument) unless all sides are in [1, 2^20] and the window lies inside the
  // source.
  ImageResizer(const PixelFormat& format, int from_width, int from_height,
               const ResizeWindow& window, int to_width, int to_height,
               const ResizeOptions& options = {}, ThreadPool* pool = nullptr);
  ~ImageResizer();
  ImageResizer(ImageResizer&&) noexcept;
  ImageResizer& operator=(ImageResizer&&) noexcept;

  // Throws Error(kInvalidArgument) if a format or size is not the one stated.
  void Resize(const ImageView& from, const MutableImageView& to) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
