// SPDX-License-Identifier: Apache-2.0
//
// What all resizers share.
#pragma once

#include <string>

#include "core/chroma_grid.h"
#include "core/separable.h"
#include "mdvt/core/image_resize.h"

namespace mdvt::resample {

// The axis of a filter, widened where the picture becomes smaller. `ratio` is the window's length
// by `to`; `samples` tells where those of this plane lie.
Axis FilterAxis(ResizeFilter filter, int from, int to, double window_begin, double ratio,
                const SampleGrid& samples = {});

// Throws Error(kInvalidArgument) for sides that are not in [1, 2^20] and a window that does not lie
// inside; who  "ImageResizer"; what  "picture"
void CheckResize(const std::string& who, const std::string& what, int from_width, int from_height,
                 const ResizeWindow& window, int to_width, int to_height);

}  // namespace mdvt::resample
