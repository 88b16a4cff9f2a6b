// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/split_sbs.h"

namespace mdvt {

// The name of the view whose suffix is "_left" or "_right".
std::string SplitOutput(const SplitSbsJobOptions& options, const std::string& suffix);

}  // namespace mdvt
