// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace mdvt {

// The middle one of the values, the upper one of two, which are reordered; 0 if there are none.
template <typename T>
T Median(std::vector<T>* values) {
  if (values->empty()) return T(0);
  const auto middle = values->begin() + static_cast<std::ptrdiff_t>(values->size() / 2);
  std::nth_element(values->begin(), middle, values->end());
  return *middle;
}

template <typename T>
T Median(std::vector<T> values) {
  return Median(&values);
}

}  // namespace mdvt
