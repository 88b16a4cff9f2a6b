// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/core/pose.h"
#include "pipeline/per_frame.h"

namespace mdvt {

// The camera-to-world poses of a transformation file; the identity without a file. With a lock
// frame k they are inverse(T_k) T_i. Throws what ReadTransformationsFile throws, and
// Error(kInvalidArgument) for a lock frame that the file does not have.
PerFrame<Pose> ClipPoses(const std::string& file, std::optional<int64_t> lock_frame,
                         const Limits& limits);

// Where the axes of those poses lie in the axes of the file: T_k, the identity without a lock
// frame.
Pose FileFromWorld(const std::string& file, std::optional<int64_t> lock_frame,
                   const Limits& limits);

}  // namespace mdvt
