// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mdvt {

constexpr char kForcedStep[] = "it was asked for";

struct ForcedStep {
  std::string name;
  int64_t scene = 0;  // 0: of all scenes
};

// "depth:3,stereo". Throws Error(kInvalidArgument).
std::vector<ForcedStep> ParseForced(const std::string& text);

}  // namespace mdvt
