// SPDX-License-Identifier: Apache-2.0
//
// The built-in fill: holes of a synthesised view are closed from their background side, never from
// the foreground that uncovered them.
#pragma once

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

struct DirectionalFillOptions {
  // Pixels next to the rim that are not trusted, because foreground and background mix in them.
  // Valid: [0, 16].
  int rim = 1;
  void Check() const;
};

// Fills `holes` of `image` (planar, 8 to 16 bits) in place. Deterministic for every thread count.
// Throws Error(kInvalidArgument) if the sizes differ.
void FillHoles(const HoleMap& holes, const DirectionalFillOptions& options,
               const MutableImageView& image, ThreadPool* pool = nullptr);

}  // namespace mdvt
