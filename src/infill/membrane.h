// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "mdvt/core/image.h"

namespace mdvt {

constexpr uint8_t kMembraneOutside = 0;  // no part of it: nothing passes
constexpr uint8_t kMembraneKnown = 1;
constexpr uint8_t kMembraneUnknown = 2;

// Gives each unknown pixel the mean of its neighbours above, below, left and right that are no
// outside (Laplace's equation): a membrane that hangs between the known pixels. Unknown ones that
// reach none become 0; values outside stay. Ends when no value changes by more
// than 1e-5 of the range of the known ones, or after 1000 rounds.
void SolveMembrane(PlaneView<const uint8_t> cells, PlaneView<float> values);

}  // namespace mdvt
