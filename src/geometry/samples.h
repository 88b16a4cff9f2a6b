// SPDX-License-Identifier: Apache-2.0
//
// Random samples for estimates that have to live with outliers.
#pragma once

#include <array>
#include <cstddef>
#include <random>

namespace mdvt {

// Draws kSize different numbers below `count`, always in the same order.
template <size_t kSize>
class Samples {
 public:
  explicit Samples(size_t count) : count_(count) {}

  std::array<size_t, kSize> Next() {
    std::array<size_t, kSize> sample;
    for (size_t i = 0; i < kSize;) {
      sample[i] = random_() % count_;
      bool is_new = true;
      for (size_t j = 0; j < i; ++j) is_new = is_new && sample[j] != sample[i];
      if (is_new) ++i;
    }
    return sample;
  }

 private:
  size_t count_;
  std::mt19937 random_{20211};
};

// How many samples of `size` it takes until one of them is free of outliers with this confidence,
// where a share of `good` are none; `most` at most. Without a logarithm, whose last bit depends on
// the processor.
inline int SamplesNeeded(double good, int size, double confidence, int most) {
  double clean = 1;
  for (int i = 0; i < size; ++i) clean *= good;
  double missed = 1;
  int count = 0;
  while (count < most && missed > 1 - confidence) {
    missed *= 1 - clean;
    ++count;
  }
  return count;
}

}  // namespace mdvt
