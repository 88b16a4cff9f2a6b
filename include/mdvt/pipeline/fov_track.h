// SPDX-License-Identifier: Apache-2.0
//
// The field of view of each frame: how it is taken from networks that tell it, and the file that
// keeps it. With the options of the depth source: source.own.Of<FovTrackOptions>().
#pragma once

#include <string>

#include "mdvt/core/options.h"

namespace mdvt {

enum class FovMode {
  kClipMedian,  // one for the clip: the median of frames spread over it, looked at before
  kPerFrame,    // what the network says of each frame
  kSmooth,      // the same, averaged over about the last ten frames
};

struct FovTrackOptions {
  FovMode mode = FovMode::kClipMedian;  // matters only where no field of view is given
  std::string output;                   // <depth_video>_xfovs.json; empty: none
};
// All but `output`, whose name jobs give.
void Describe(OptionList* list, FovTrackOptions* options);

}  // namespace mdvt
