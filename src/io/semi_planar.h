// SPDX-License-Identifier: Apache-2.0
//
// The layout of 4:2:0 pictures that encoders of hardware take.
#pragma once

extern "C" {
#include <libavutil/frame.h>
}

#include "mdvt/core/image.h"

namespace mdvt::ff {

// Puts rows of planar 4:2:0 into a frame from row y (even) on: 8 bits into NV12, 10 bits into P010,
// whose samples are in the upper bits of 16. Chroma samples lie as Cb, Cr in one plane.
void ToSemiPlanar(const ImageView& rows, int y, AVFrame* frame);

}  // namespace mdvt::ff
