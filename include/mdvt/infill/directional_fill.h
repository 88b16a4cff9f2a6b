// SPDX-License-Identifier: Apache-2.0
//
// The built-in fill: holes of a synthesised view are closed from their background side, never from
// the foreground that uncovered them.
//
// Along its row a hole continues the background with the mean of the samples beside it: two at the
// rim, more with growing distance, because less is known there. Then neighbouring rows of the same
// hole are blended with a triangular weight whose reach grows with the distance too: texture and
// noise of single rows do not become streaks. A uniform background stays exactly what it is.
#pragma once

#include <memory>

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

struct DirectionalFillOptions {
  // Pixels next to the rim that may be a mixture of foreground and background. Where the two differ
  // clearly, those that are more foreground than background are passed over. Valid: [0, 16].
  int rim = 2;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Fills one picture after another; keeps its scratch memory from frame to frame.
class DirectionalFill {
 public:
  // `pool` may be null (one thread) and must outlive the object.
  explicit DirectionalFill(const DirectionalFillOptions& options, ThreadPool* pool = nullptr);
  ~DirectionalFill();
  DirectionalFill(DirectionalFill&&) noexcept;
  DirectionalFill& operator=(DirectionalFill&&) noexcept;

  // Fills `holes` of `image` (planar, 8 to 16 bits) in place; no other pixel changes. A chroma
  // sample is filled if all luma pixels that it stands for are holes. A row without any data
  // repeats the nearest row that has some (the upper one on ties); a picture without any stays as
  // it is. The same bytes for every thread count.
  // Throws Error(kInvalidArgument) if sizes disagree, the format is floating point, or the spans
  // of a row are not ascending and inside the row.
  void Fill(const HoleMap& holes, const MutableImageView& image);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The same for a single picture.
void FillHoles(const HoleMap& holes, const DirectionalFillOptions& options,
               const MutableImageView& image, ThreadPool* pool = nullptr);

}  // namespace mdvt
