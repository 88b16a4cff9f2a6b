// SPDX-License-Identifier: Apache-2.0
//
// A first pass over the colours, where a job has to know all cuts before it begins.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/job_options.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {

// The frames of `video` that begin a shot, without the first, as `steady` has them found: in the
// pictures (one more decoding, a phase "cuts" of the graph, in which nothing else waits to be run),
// in the list of scenes, or nowhere. Up to max_frames of the job.
std::vector<int64_t> FindShots(Graph* graph, const std::string& video, const SteadyOptions& steady,
                               const JobOptions& job);

}  // namespace mdvt
