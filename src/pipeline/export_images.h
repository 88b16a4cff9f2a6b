// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mdvt/core/image.h"

namespace mdvt {

// Depth as Gray(16) in millimetres, 0 = no data, 65.535 m at most.
Image MillimetresOf(const DepthView& depth);

}  // namespace mdvt
