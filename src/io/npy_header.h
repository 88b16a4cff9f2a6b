// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mdvt {

// "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", with its length before it: what an
// array begins with, https://numpy.org/neps/nep-0001-npy-format.html, version 1.0.
std::string NpyHeader(const std::vector<int64_t>& shape, const char* type);

// What such a header says.
struct NpyInfo {
  std::string type;  // "<f4"
  bool by_columns = false;
  std::vector<int64_t> shape;  // empty: one value
  int64_t begin = 0;           // of the data, in bytes

  // Of the whole array. Throws Error(kLimit) past 2^40.
  int64_t count() const;
};

// Of any version of the format. `read` gives so many bytes from an offset on, fewer at the end;
// `refuse` throws, and is told what is wrong: "is no .npy file".
NpyInfo ReadNpyHeader(const std::function<std::string(int64_t offset, size_t size)>& read,
                      const std::function<void(const std::string&)>& refuse);

}  // namespace mdvt
