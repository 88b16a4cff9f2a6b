// SPDX-License-Identifier: Apache-2.0
#include "core/separable.h"

#include <algorithm>

#include "core/resample_rows.h"

namespace mdvt::resample {
namespace {

constexpr int kRowsPerBlock = 16;

// The rows that make up row `row` of the result, and their weights. What is not used may be NaN.
template <typename T>
struct Column {
  std::vector<const T*> rows;
  std::vector<float> weights;

  template <typename RowOf>
  void Collect(const Axis& axis, int row, float scale, const RowOf& row_of) {
    rows.clear();
    weights.clear();
    for (int k = 0; k < axis.taps; ++k) {
      const float weight = axis.weight(k, row) * scale;
      const bool last_hope = rows.empty() && k + 1 == axis.taps;
      if (weight == 0 && !last_hope) continue;
      rows.push_back(row_of(axis.begin[static_cast<size_t>(row)] + k));
      weights.push_back(weight);
    }
  }
  void Add(int width, float* to) const {
    AddRows(rows.data(), weights.data(), static_cast<int>(rows.size()), width, to);
  }
};

void Across(const Axis& axis, const float* from, float* to) {
  AddTaps(from, axis.begin.data(), axis.weights.data(), axis.taps, axis.count, to);
}

}  // namespace

AxisBuilder::AxisBuilder(int length, Span source, bool replicate)
    : length_(length), source_(source), replicate_(replicate) {}

void AxisBuilder::Add(int first, const std::vector<double>& weights, double divisor) {
  int low = 0, high = -1;
  double lost = 0;
  sums_.clear();
  for (size_t k = 0; k < weights.size(); ++k) {
    const double weight = weights[k];
    if (weight == 0) continue;
    int j = std::clamp(first + static_cast<int>(k), 0, length_ - 1) - source_.begin;
    if (j < 0 || j >= source_.count) {
      if (!replicate_) {
        lost += weight;
        continue;
      }
      j = std::clamp(j, 0, source_.count - 1);
    }
    if (high < 0) low = j;
    high = std::max(high, j);
    sums_.resize(static_cast<size_t>(high - low + 1), 0);
    sums_[static_cast<size_t>(j - low)] += weight;
  }
  begin_.push_back(low);
  for (const double sum : sums_) flat_.push_back(static_cast<float>(sum / divisor));
  ends_.push_back(flat_.size());
  taps_ = std::max(taps_, static_cast<int>(sums_.size()));
  covered_.push_back(static_cast<float>(1 - lost / divisor));
  all_covered_ = all_covered_ && lost == 0;
}

Axis AxisBuilder::Build() const {
  Axis axis;
  axis.from = source_.count;
  axis.count = static_cast<int>(begin_.size());
  axis.taps = taps_;
  axis.begin = begin_;
  if (!all_covered_) axis.covered = covered_;
  const size_t count = begin_.size();
  axis.weights.assign(count * static_cast<size_t>(taps_), 0);
  size_t start = 0;
  for (size_t i = 0; i < count; ++i) {
    // Every output reads `taps` samples; the last ones begin earlier so as not to read past the
    // end.
    axis.begin[i] = std::min(begin_[i], source_.count - taps_);
    auto tap = static_cast<size_t>(begin_[i] - axis.begin[i]);
    for (; start < ends_[i]; ++start, ++tap) axis.weights[tap * count + i] = flat_[start];
  }
  return axis;
}

template <typename T>
void Separable::Rows(PlaneView<const T> from, float scale, int begin, int end, PlaneView<float> to,
                     const std::function<void(int row, float* samples)>& done) const {
  std::vector<float> spare(to.data == nullptr ? static_cast<size_t>(x.count) : 0);
  const auto target = [&](int row) { return to.data == nullptr ? spare.data() : to.Row(row); };
  std::vector<float> line(static_cast<size_t>(x.from));
  if (!across_first) {
    // Down first, since whole rows are faster to add up than neighbours.
    Column<T> column;
    for (int row = begin; row < end; ++row) {
      column.Collect(y, row, scale, [&](int source) { return from.Row(source); });
      column.Add(x.from, line.data());
      Across(x, line.data(), target(row));
      if (done) done(row, target(row));
    }
    return;
  }
  int low = y.from, high = 0;
  for (int row = begin; row < end; ++row) {
    low = std::min(low, y.begin[static_cast<size_t>(row)]);
    high = std::max(high, y.begin[static_cast<size_t>(row)] + y.taps);
  }
  const auto width = static_cast<size_t>(x.count);
  std::vector<float> wide(static_cast<size_t>(high - low) * width);
  const auto wide_row = [&](int row) {
    return wide.data() + static_cast<size_t>(row - low) * width;
  };
  for (int row = low; row < high; ++row) {
    const T* source = from.Row(row);
    AddRows(&source, &scale, 1, x.from, line.data());
    Across(x, line.data(), wide_row(row));
  }
  Column<float> column;
  for (int row = begin; row < end; ++row) {
    column.Collect(y, row, 1, wide_row);
    column.Add(x.count, target(row));
    if (done) done(row, target(row));
  }
}

template void Separable::Rows(PlaneView<const uint8_t>, float, int, int, PlaneView<float>,
                              const std::function<void(int, float*)>&) const;
template void Separable::Rows(PlaneView<const uint16_t>, float, int, int, PlaneView<float>,
                              const std::function<void(int, float*)>&) const;
template void Separable::Rows(PlaneView<const float>, float, int, int, PlaneView<float>,
                              const std::function<void(int, float*)>&) const;

void ForRowBlocks(int planes, int rows, ThreadPool* pool,
                  const std::function<void(int plane, int begin, int end)>& body) {
  const int blocks = (rows + kRowsPerBlock - 1) / kRowsPerBlock;
  const auto some = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int begin = static_cast<int>(i % blocks) * kRowsPerBlock;
      body(static_cast<int>(i / blocks), begin, std::min(begin + kRowsPerBlock, rows));
    }
  };
  const int64_t all = static_cast<int64_t>(blocks) * planes;
  if (pool == nullptr) {
    some(0, all);
  } else {
    pool->ParallelFor(all, 1, some);
  }
}

}  // namespace mdvt::resample
