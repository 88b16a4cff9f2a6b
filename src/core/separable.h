// SPDX-License-Identifier: Apache-2.0
//
// Separable resampling: each sample of the result is a weighted sum of neighbours in its column,
// then in its row (or the other way round). What the weights are is up to the caller; the sums are
// the same, bit for bit, for every number of threads and every instruction set.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt::resample {

struct Span {
  int begin = 0;
  int count = 0;
};

// One axis, ready to use: output i is the sum over k < taps of
// weights[k * count + i] * input[begin[i] + k].
struct Axis {
  int from = 0;  // input samples
  int count = 0;
  int taps = 0;  // at most `from`
  std::vector<int32_t> begin;
  std::vector<float> weights;
  // The share of the weights that fell on input; empty if all did.
  std::vector<float> covered;

  float weight(int k, int i) const {
    return weights[static_cast<size_t>(k) * static_cast<size_t>(count) + static_cast<size_t>(i)];
  }
  float covered_at(int i) const { return covered.empty() ? 1 : covered[static_cast<size_t>(i)]; }
};

// Makes an axis of what each output, one after the other, is made of.
class AxisBuilder {
 public:
  // length     samples along the whole axis
  // source     those that there are; all lie inside
  // replicate  whether the nearest of them stands for the others (else they are not covered)
  AxisBuilder(int length, Span source, bool replicate);

  // The weights of consecutive samples from `first` on, counted along the whole axis. Past its
  // border the last sample is repeated. All are divided by `divisor` after samples that meet there
  // have been added up.
  void Add(int first, const std::vector<double>& weights, double divisor = 1);

  Axis Build() const;

 private:
  const int length_;
  const Span source_;
  const bool replicate_;
  int taps_ = 1;
  bool all_covered_ = true;
  std::vector<int32_t> begin_;
  std::vector<float> covered_;
  // The taps without zeros at either end, one output after the other, and where each one's end.
  std::vector<float> flat_;
  std::vector<size_t> ends_;
  std::vector<double> sums_;  // of one output
};

struct Separable {
  Axis x, y;
  // The order of the passes. Across first takes fewer additions where the picture becomes higher.
  bool across_first = false;

  // Makes rows [begin, end) of the result of a plane of x.from times y.from samples, each
  // multiplied by `scale`. to    of x.count times y.count floats; without data, rows are made in
  // memory that is used again done  is called with each row as soon as it is made, while it is
  // still in the cache; may be empty
  template <typename T>  // uint8_t, uint16_t or float
  void Rows(PlaneView<const T> from, float scale, int begin, int end, PlaneView<float> to,
            const std::function<void(int row, float* samples)>& done) const;
};

// Calls body(plane, begin, end) for blocks of rows, on the threads of `pool` unless it is null.
void ForRowBlocks(int planes, int rows, ThreadPool* pool,
                  const std::function<void(int plane, int begin, int end)>& body);

}  // namespace mdvt::resample
