// SPDX-License-Identifier: Apache-2.0
//
// Fills the holes of some frames of one eye at a time by a network for video.
#pragma once

#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// Consecutive frames of one eye, of one size.
struct HoleClip {
  std::vector<Image> pictures;  // RgbF32 in [0, 1]
  std::vector<Image> masks;     // Gray(8): above 127 is a hole, as many as pictures
  // Gray(8): above 127 is to be replaced; empty: the holes. Pixels that are none are known to the
  // network, and replaced by what it makes of them: for frames that fade from one run to the next.
  std::vector<Image> wanted;
  // RgbF32: what the eyes were rendered of, as many; empty if nobody knows. For networks that look
  // at it.
  std::vector<Image> originals;
  int64_t first_frame = 0;  // number of the first one in the clip
  // Holes lie left of the foreground: the network, which knows them on the right of it only, sees
  // the mirror image.
  bool mirror = false;
};

class ClipFill {
 public:
  virtual ~ClipFill() = default;

  // The pictures with what the network makes of the pixels that are to be replaced; all others are
  // those of the input, bit for bit. Throws what Model::Run throws, and Error(kInvalidArgument) for
  // pictures that do not fit together.
  virtual std::vector<Image> Fill(const HoleClip& clip) = 0;
};

}  // namespace mdvt
