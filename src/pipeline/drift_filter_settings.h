// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/pipeline/drift_filter.h"

namespace mdvt {

std::string DriftFilterOutput(const DriftFilterJobOptions& options);

// "1,2,7" as numbers in [0, 255]; nothing if it is no such list. An empty text has none.
std::optional<std::vector<int64_t>> ParseClasses(const std::string& text);

}  // namespace mdvt
