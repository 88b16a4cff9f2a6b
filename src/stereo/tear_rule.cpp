// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/tear_rule.h"

#include <string>

#include "mdvt/core/error.h"

namespace mdvt {

void TearRule::Check() const {
  Require(disparity >= 0 && disparity <= 1000, Code::kInvalidArgument,
          "tear_disparity = " + std::to_string(disparity) + ", must be in [0, 1000] pixels");
  Require(depth >= 0 && depth <= 10, Code::kInvalidArgument,
          "tear_depth = " + std::to_string(depth) + ", must be in [0, 10]");
}

}  // namespace mdvt
