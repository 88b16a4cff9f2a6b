// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/disparity_resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/separable.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/row_math.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 20;
// Weights that differ by less than this share are the same but for rounding.
constexpr float kSameWeight = 1e-5f;

// Bilinear, widened where the map becomes smaller.
resample::Axis LinearAxis(int from, double begin, double length, int to) {
  resample::AxisBuilder builder(from, {0, from}, true);
  const double ratio = length / to;
  const double stretch = std::max(1.0, ratio);
  const int reach = static_cast<int>(std::ceil(stretch));
  std::vector<double> weights;
  for (int i = 0; i < to; ++i) {
    const double place = begin + (i + 0.5) * ratio - 0.5;
    const int first = static_cast<int>(std::floor(place)) + 1 - reach;
    weights.clear();
    double sum = 0;
    for (int t = 0; t < 2 * reach; ++t) {
      weights.push_back(std::max(0.0, 1 - std::fabs(first + t - place) / stretch));
      sum += weights.back();
    }
    builder.Add(first, weights, sum);
  }
  return builder.Build();
}

struct Joins {
  float pixels, most_apart, most_depth;

  // False where either is not known.
  bool operator()(float a, float b) const {
    const float step = std::fabs(b - a);
    return step * pixels <= most_apart ||
           step <= most_depth * std::min(stereo::AtLeast(a), stereo::AtLeast(b));
  }
};

// Scratch of one block of rows.
struct Block {
  // Per source column, over the rows that make up one row of the result: 1 where a column parts
  // from the next one, and where it parts in itself; then how many do before it.
  std::vector<uint8_t> across, down;
  std::vector<int32_t> parted, torn;
  std::vector<std::pair<float, float>> samples;  // value and weight
};

void MarkAcross(const float* row, int width, const Joins& joins, uint8_t* marks) {
  for (int x = 0; x + 1 < width; ++x)
    marks[x] = static_cast<uint8_t>(marks[x] | !joins(row[x], row[x + 1]));
}

void MarkDown(const float* row, const float* next, int width, const Joins& joins, uint8_t* marks) {
  for (int x = 0; x < width; ++x)
    marks[x] = static_cast<uint8_t>(marks[x] | !joins(row[x], next[x]));
}

void CountBefore(const std::vector<uint8_t>& marks, std::vector<int32_t>* before) {
  int32_t count = 0;
  for (size_t x = 0; x < marks.size(); ++x) {
    (*before)[x] = count;
    count += marks[x];
  }
  (*before)[marks.size()] = count;
}

// The surface that most of the weight belongs to; see the header.
float Heaviest(std::vector<std::pair<float, float>>* samples, float unknown, const Joins& joins) {
  std::sort(samples->begin(), samples->end(), std::greater<>());
  float best = 0, best_weight = 0;
  float sum = 0, weight = 0;
  for (size_t i = 0; i < samples->size(); ++i) {
    const auto& [value, own] = (*samples)[i];
    sum += own * value;
    weight += own;
    const bool ends = i + 1 == samples->size() || !joins((*samples)[i + 1].first, value);
    if (!ends) continue;
    if (weight > best_weight + kSameWeight) {
      best = sum / weight;
      best_weight = weight;
    }
    sum = weight = 0;
  }
  return best_weight > 0 && !(unknown > best_weight + kSameWeight) ? best : NAN;
}

}  // namespace

struct DisparityResizer::Impl {
  int from_width = 0, from_height = 0;
  resample::Separable plain;
  ThreadPool* pool = nullptr;

  void ResizeRow(PlaneView<const float> from, const Joins& joins, int row, float* to,
                 Block* block) const;
  float Surface(PlaneView<const float> from, const Joins& joins, int row, int column,
                Block* block) const;
};

float DisparityResizer::Impl::Surface(PlaneView<const float> from, const Joins& joins, int row,
                                      int column, Block* block) const {
  const resample::Axis &x = plain.x, &y = plain.y;
  block->samples.clear();
  float unknown = 0;
  for (int j = 0; j < y.taps; ++j) {
    const float down = y.weight(j, row);
    const float* values =
        from.Row(y.begin[static_cast<size_t>(row)] + j) + x.begin[static_cast<size_t>(column)];
    for (int i = 0; i < x.taps; ++i) {
      const float weight = down * x.weight(i, column);
      if (weight <= 0) continue;
      if (std::isnan(values[i]))
        unknown += weight;
      else
        block->samples.emplace_back(values[i], weight);
    }
  }
  return Heaviest(&block->samples, unknown, joins);
}

// Mends what the plain filter has made of one row.
void DisparityResizer::Impl::ResizeRow(PlaneView<const float> from, const Joins& joins, int row,
                                       float* to, Block* block) const {
  const resample::Axis &x = plain.x, &y = plain.y;
  std::fill(block->across.begin(), block->across.end(), uint8_t{0});
  std::fill(block->down.begin(), block->down.end(), uint8_t{0});
  const int first = y.begin[static_cast<size_t>(row)];
  for (int j = first; j < first + y.taps; ++j) {
    MarkAcross(from.Row(j), from_width, joins, block->across.data());
    if (j + 1 < first + y.taps)
      MarkDown(from.Row(j), from.Row(j + 1), from_width, joins, block->down.data());
  }
  CountBefore(block->across, &block->parted);
  CountBefore(block->down, &block->torn);
  if (block->parted.back() == 0 && block->torn.back() == 0) return;
  for (int i = 0; i < x.count; ++i) {
    const auto begin = static_cast<size_t>(x.begin[static_cast<size_t>(i)]);
    const size_t end = begin + static_cast<size_t>(x.taps);
    if (block->parted[end - 1] == block->parted[begin] && block->torn[end] == block->torn[begin])
      continue;
    to[i] = Surface(from, joins, row, i, block);
  }
}

DisparityResizer::DisparityResizer(int from_width, int from_height, const ResizeWindow& window,
                                   int to_width, int to_height, ThreadPool* pool)
    : impl_(std::make_unique<Impl>()) {
  for (const int side : {from_width, from_height, to_width, to_height})
    Require(
        side >= 1 && side <= kMaxSide, Code::kInvalidArgument,
        "DisparityResizer: a side of " + std::to_string(side) + " pixels, must be in [1, 2^20]");
  constexpr double kRoom = 1e-6;  // of rounding, pixels
  Require(window.x >= -kRoom && window.y >= -kRoom && window.width > 0 && window.height > 0 &&
              window.x + window.width <= from_width + kRoom &&
              window.y + window.height <= from_height + kRoom,
          Code::kInvalidArgument, "DisparityResizer: the window does not lie inside the map");
  impl_->from_width = from_width;
  impl_->from_height = from_height;
  impl_->pool = pool;
  impl_->plain.x = LinearAxis(from_width, window.x, window.width, to_width);
  impl_->plain.y = LinearAxis(from_height, window.y, window.height, to_height);
}

DisparityResizer::~DisparityResizer() = default;
DisparityResizer::DisparityResizer(DisparityResizer&&) noexcept = default;
DisparityResizer& DisparityResizer::operator=(DisparityResizer&&) noexcept = default;

void DisparityResizer::Resize(PlaneView<const float> from, const TearRule& rule,
                              double pixels_per_unit, PlaneView<float> to) const {
  const Impl& impl = *impl_;
  const auto check = [](int width, int height, int wanted_width, int wanted_height,
                        const char* name) {
    Require(width == wanted_width && height == wanted_height, Code::kInvalidArgument,
            std::string("DisparityResizer: the ") + name + " is " + FormatSize(width, height) +
                ", must be " + FormatSize(wanted_width, wanted_height));
  };
  check(from.width, from.height, impl.from_width, impl.from_height, "map");
  check(to.width, to.height, impl.plain.x.count, impl.plain.y.count, "result");
  const Joins joins{static_cast<float>(pixels_per_unit), static_cast<float>(rule.disparity),
                    static_cast<float>(rule.depth)};
  resample::ForRowBlocks(1, to.height, impl.pool, [&](int, int begin, int end) {
    Block block;
    const auto width = static_cast<size_t>(impl.from_width);
    block.across.resize(width);
    block.down.resize(width);
    block.parted.resize(width + 1);
    block.torn.resize(width + 1);
    impl.plain.Rows<float>(from, 1.0f, begin, end, to, [&](int row, float* samples) {
      impl.ResizeRow(from, joins, row, samples, &block);
    });
  });
}

}  // namespace mdvt
