// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/eval_tracks.h"

namespace mdvt {

std::string EvalTracksOutput(const EvalTracksJobOptions& options);

}  // namespace mdvt
