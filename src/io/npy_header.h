// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mdvt {

// "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", with its length before it: what an
// array begins with, https://numpy.org/neps/nep-0001-npy-format.html, version 1.0.
std::string NpyHeader(const std::vector<int64_t>& shape, const char* type);

}  // namespace mdvt
