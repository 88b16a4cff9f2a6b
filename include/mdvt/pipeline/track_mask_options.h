// SPDX-License-Identifier: Apache-2.0
//
// Where no points of a tracking file are wanted.
#pragma once

#include <string>

#include "mdvt/core/options.h"

namespace mdvt {

// What of a mask video counts as masked.
struct TrackMaskOptions {
  std::string video;    // white: no points there; empty: none
  int threshold = 127;  // samples above it. Valid: [0, 254]
  int dilation = 3;     // pixels of the video that the masked part grows by. Valid: [0, 100]
};
void Describe(OptionList* list, TrackMaskOptions* options);

}  // namespace mdvt
