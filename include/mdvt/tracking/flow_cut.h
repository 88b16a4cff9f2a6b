// SPDX-License-Identifier: Apache-2.0
//
// Hard cuts told from two pictures and the flow between them, with nothing known of those after.
#pragma once

#include <cstdint>

#include "mdvt/core/image.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

struct FlowCutCues {
  double histogram = 0;  // chi-square distance of the grey levels' histograms, [0, 1]
  double coverage = 1;   // share of pixels whose flow there and back agrees
  double change = 0;     // median |I - warped I before|, grey levels
};

// before, now  8-bit luma of one size, of which about 64 rows are looked at
// to_before    from `now` to `before`; from_before the other way
// Throws Error(kInvalidArgument) if sizes differ.
FlowCutCues MeasureFlowCut(PlaneView<const uint8_t> before, PlaneView<const uint8_t> now,
                           const FlowField& to_before, const FlowField& from_before);

// Two of: histogram > 0.35, coverage < 15 %, change > 25; or coverage < 5 % alone.
bool IsFlowCut(const FlowCutCues& cues);

}  // namespace mdvt
