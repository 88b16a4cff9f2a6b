// SPDX-License-Identifier: Apache-2.0
//
// Pictures drawn anew through a map of positions that stays the same: another projection, another
// rotation.
//
//   PictureRemap remap(format, 0, {3840, 3840}, {512, 512}, where, {}, pool);
//   remap.Draw(eye, black, view.mutable_view());
#pragma once

#include <Eigen/Core>
#include <array>
#include <functional>
#include <memory>
#include <optional>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

// Where a position of the result lies in the source, both in edge coordinates of full-size planes;
// nothing where the source does not show it. Smooth; called from several threads.
using PositionMap = std::function<std::optional<Eigen::Vector2d>(const Eigen::Vector2d& position)>;

struct PictureSize {
  int width = 0;
  int height = 0;
};

enum class RemapSampling {
  kMean,    // the mean over the pixel: as many bilinear samples as the source is finer, up to 6 x 6
  kSingle,  // one bilinear sample at its centre: aliases where the source is finer
};

// The map is worked out once, for every corner of a sample (or its centre), and kept: 8 bytes a
// sample. The same bytes for every thread count.
class PictureRemap {
 public:
  // format           planar, 8 to 16 bits, of source and result
  // chroma_location  as in ColorInfo
  // pool             may be null (one thread) and must outlive this
  // Throws Error(kInvalidArgument) for float pictures and for sides outside [1, 30000].
  PictureRemap(const PixelFormat& format, int chroma_location, PictureSize from, PictureSize to,
               const PositionMap& where, RemapSampling sampling = RemapSampling::kMean,
               ThreadPool* pool = nullptr);
  ~PictureRemap();
  PictureRemap(PictureRemap&&) noexcept;
  PictureRemap& operator=(PictureRemap&&) noexcept;

  // `black` (by plane) where the source does not show all of a sample, for kSingle its centre.
  // Throws Error(kInvalidArgument) if a format or size is not the one stated.
  void Draw(const ImageView& from, const std::array<int, 3>& black,
            const MutableImageView& to) const;

  // A map of what belongs to the picture, depth for example: the value of the pixel that holds the
  // centre; 0 where Draw() gives black. Throws as Draw().
  void DrawNearest(const PlaneView<const float>& from, const PlaneView<float>& to) const;

  // Gray(8): 255 where the source shows the pixel, else 0: Draw() gives black.
  Image Shown() const;
  // Samples of the mean along each axis.
  std::array<int, 2> samples() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
