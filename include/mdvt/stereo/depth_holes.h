// SPDX-License-Identifier: Apache-2.0
//
// The holes of a view that was rendered with its depth.
#pragma once

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"

namespace mdvt {

// Every pixel without depth (0) is a hole. The background of a hole is its side that is farther
// away; of equal depths it is `of_equals`, the side on which this eye uncovers background.
void FindDepthHoles(const DepthView& depth, HoleSide of_equals, HoleMap* holes);

}  // namespace mdvt
