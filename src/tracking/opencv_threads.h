// SPDX-License-Identifier: Apache-2.0
//
// The threads of OpenCV's loops.
#pragma once

#include "mdvt/core/parallel.h"

namespace mdvt::tracking {

// Around calls that work with several threads inside. Where OpenCV has threads of its own, the
// calling one stands for all of them.
class OpenCvScope {
 public:
  OpenCvScope();

 private:
  GangScope gang_;
};

}  // namespace mdvt::tracking
