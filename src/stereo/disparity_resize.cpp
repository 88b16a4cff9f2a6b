// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/disparity_resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/resize_axis.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/row_math.h"

namespace mdvt {
namespace {

// Weights that differ by less than this share are the same but for rounding.
constexpr float kSameWeight = 1e-5f;

struct Joins {
  float pixels, most_apart, most_depth;

  // False where either is not known.
  bool operator()(float a, float b) const {
    const float step = std::fabs(b - a);
    const bool close = step * pixels <= most_apart;
    const bool alike = step <= most_depth * std::min(stereo::AtLeast(a), stereo::AtLeast(b));
    return close | alike;  // without a branch, for whole rows
  }
};

// Where a map parts, found row by row as rows are asked for.
class Tears {
 public:
  // Rows may be asked for in any order, but only the last `kept` ones are remembered.
  Tears(PlaneView<const float> map, const Joins& joins, int kept)
      : map_(map),
        joins_(joins),
        across_(static_cast<size_t>(kept)),
        down_(static_cast<size_t>(kept)),
        marks_(static_cast<size_t>(map.width) + kStep) {}

  // The columns of row y that part from the next column.
  const std::vector<int>& Across(int y) {
    return Find(y, map_.Row(y), map_.Row(y) + 1, map_.width - 1, &across_);
  }
  // The columns in which row y parts from the next row.
  const std::vector<int>& Down(int y) {
    return Find(y, map_.Row(y), map_.Row(y + 1), map_.width, &down_);
  }

 private:
  static constexpr size_t kStep = sizeof(uint64_t);
  struct Row {
    int y = -1;
    std::vector<int> columns;
  };

  const std::vector<int>& Find(int y, const float* row, const float* other, int count,
                               std::vector<Row>* kept) {
    Row& found = (*kept)[static_cast<size_t>(y) % kept->size()];
    if (found.y == y) return found.columns;
    found.y = y;
    found.columns.clear();
    uint8_t* marks = marks_.data();
    for (int x = 0; x < count; ++x) marks[x] = !joins_(row[x], other[x]);
    std::fill_n(marks + count, kStep, uint8_t{0});
    for (size_t x = 0; x < static_cast<size_t>(count); x += kStep) {
      uint64_t any = 0;
      std::memcpy(&any, marks + x, kStep);
      for (size_t i = x; any != 0 && i < x + kStep; ++i)
        if (marks[i] != 0) found.columns.push_back(static_cast<int>(i));
    }
    return found.columns;
  }

  PlaneView<const float> map_;
  Joins joins_;
  std::vector<Row> across_, down_;
  std::vector<uint8_t> marks_;
};

// Scratch of one block of rows.
struct Block {
  std::vector<uint8_t> mended;                   // of the row that is made, by column
  std::vector<std::pair<float, float>> samples;  // value and weight
};

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

  // The first column of the result that begins with this column of the map, or behind it.
  std::vector<int> first_from;

  void MendRow(PlaneView<const float> from, const Joins& joins, int row, Tears* tears, float* to,
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
void DisparityResizer::Impl::MendRow(PlaneView<const float> from, const Joins& joins, int row,
                                     Tears* tears, float* to, Block* block) const {
  const resample::Axis &x = plain.x, &y = plain.y;
  bool any = false;
  // Those that look at both `column` and `last`.
  const auto mend = [&](int column, int last) {
    if (!any) std::fill(block->mended.begin(), block->mended.end(), uint8_t{0});
    any = true;
    const auto end = static_cast<size_t>(first_from[static_cast<size_t>(column) + 1]);
    for (auto i =
             static_cast<size_t>(first_from[static_cast<size_t>(std::max(0, last + 1 - x.taps))]);
         i < end; ++i) {
      if (block->mended[i] != 0) continue;
      block->mended[i] = 1;
      to[i] = Surface(from, joins, row, static_cast<int>(i), block);
    }
  };
  const int first = y.begin[static_cast<size_t>(row)];
  for (int j = first; j < first + y.taps; ++j) {
    for (const int column : tears->Across(j)) mend(column, column + 1);
    if (j + 1 < first + y.taps)
      for (const int column : tears->Down(j)) mend(column, column);
  }
}

DisparityResizer::DisparityResizer(int from_width, int from_height, const ResizeWindow& window,
                                   int to_width, int to_height, ThreadPool* pool)
    : impl_(std::make_unique<Impl>()) {
  resample::CheckResize("DisparityResizer", "map", from_width, from_height, window, to_width,
                        to_height);
  impl_->from_width = from_width;
  impl_->from_height = from_height;
  impl_->pool = pool;
  impl_->plain.x = resample::FilterAxis(ResizeFilter::kBilinear, from_width, to_width, window.x,
                                        window.width / to_width);
  impl_->plain.y = resample::FilterAxis(ResizeFilter::kBilinear, from_height, to_height, window.y,
                                        window.height / to_height);
  const std::vector<int32_t>& begin = impl_->plain.x.begin;
  for (int column = 0; column <= from_width; ++column)
    impl_->first_from.push_back(
        static_cast<int>(std::lower_bound(begin.begin(), begin.end(), column) - begin.begin()));
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
    block.mended.resize(static_cast<size_t>(to.width));
    Tears tears(from, joins, impl.plain.y.taps + 1);
    impl.plain.Rows<float>(from, 1.0f, begin, end, to, [&](int row, float* samples) {
      impl.MendRow(from, joins, row, &tears, samples, &block);
    });
  });
}

}  // namespace mdvt
