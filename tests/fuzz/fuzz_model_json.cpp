// SPDX-License-Identifier: Apache-2.0
#include "fuzz/harness.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mdvt::fuzz::ModelJsonInput(data, size);
  return 0;
}
