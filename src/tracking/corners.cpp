// SPDX-License-Identifier: Apache-2.0
#include "tracking/corners.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <functional>

#include "mdvt/core/parallel.h"

namespace mdvt::tracking {
namespace {

constexpr int kRadius = 2;  // of the window that is summed over

// Where a place beyond the border is mirrored to; size must be at least 3.
int Mirrored(int i, int size) {
  if (i < 0) return -i;
  return i < size ? i : 2 * size - 2 - i;
}

struct Products {
  std::vector<int32_t> xx, xy, yy;
  explicit Products(size_t size) : xx(size), xy(size), yy(size) {}
};

// Of the Sobel gradients of row y. Gradients are at most 4 * 255, sums of 25 products fit 32 bits.
void MultiplyGradients(const PlaneView<const uint8_t>& picture, int y, Products* products) {
  const uint8_t* const above = picture.Row(Mirrored(y - 1, picture.height));
  const uint8_t* const here = picture.Row(y);
  const uint8_t* const below = picture.Row(Mirrored(y + 1, picture.height));
  const auto one = [&](int left, int x, int right) {
    const int dx = (above[right] - above[left]) + 2 * (here[right] - here[left]) +
                   (below[right] - below[left]);
    const int dy =
        (below[left] - above[left]) + 2 * (below[x] - above[x]) + (below[right] - above[right]);
    const auto i = static_cast<size_t>(x);
    products->xx[i] = dx * dx;
    products->xy[i] = dx * dy;
    products->yy[i] = dy * dy;
  };
  const int last = picture.width - 1;
  one(1, 0, 1);
  for (int x = 1; x < last; ++x) one(x - 1, x, x + 1);
  one(last - 1, last, last - 1);
}

// The sum of the window around each place of a row.
void SumAlongRow(const std::vector<int32_t>& row, int width, int32_t* sums) {
  const int32_t* const from = row.data();
  for (int x = 0; x < width; ++x) {
    if (x >= kRadius && x + kRadius < width) {
      sums[x] = from[x - 2] + from[x - 1] + from[x] + from[x + 1] + from[x + 2];
    } else {
      sums[x] = 0;
      for (int k = -kRadius; k <= kRadius; ++k) sums[x] += from[Mirrored(x + k, width)];
    }
  }
}

constexpr int64_t kRowsPerBlock = 32;

// In blocks of rows, on the pool on whose permit the thread computes.
void ForRows(int height, const std::function<void(int begin, int end)>& body) {
  ThreadPool* const pool = ThreadPool::Current();
  if (pool == nullptr) return body(0, height);
  pool->ParallelFor(height, kRowsPerBlock, [&](int64_t begin, int64_t end) {
    body(static_cast<int>(begin), static_cast<int>(end));
  });
}

// 1 where a pixel of row y or one beside it is allowed.
void FindWanted(const std::vector<uint8_t>& allowed, int width, int height, int y,
                std::vector<uint8_t>* column_any, std::vector<uint8_t>* wanted) {
  const auto w = static_cast<size_t>(width);
  std::fill(column_any->begin(), column_any->end(), uint8_t{0});
  for (int k = std::max(0, y - 1); k <= std::min(height - 1, y + 1); ++k) {
    const uint8_t* const row = &allowed[static_cast<size_t>(k) * w];
    for (size_t x = 0; x < w; ++x) (*column_any)[x] |= row[x];
  }
  for (size_t x = 0; x < w; ++x)
    (*wanted)[x] =
        (*column_any)[x] | (*column_any)[x > 0 ? x - 1 : 0] | (*column_any)[x + 1 < w ? x + 1 : x];
}

// The smaller eigenvalue of the summed products at each pixel that is allowed or lies beside one
// that is (all of them if none are named); 0 elsewhere.
std::vector<float> Responses(const PlaneView<const uint8_t>& picture,
                             const std::vector<uint8_t>* allowed) {
  const int width = picture.width, height = picture.height;
  const auto w = static_cast<size_t>(width);
  const size_t size = w * static_cast<size_t>(height);
  Products rows(size);  // summed along each row
  ForRows(height, [&](int begin, int end) {
    Products line(w);
    for (int y = begin; y < end; ++y) {
      MultiplyGradients(picture, y, &line);
      const size_t at = static_cast<size_t>(y) * w;
      SumAlongRow(line.xx, width, &rows.xx[at]);
      SumAlongRow(line.xy, width, &rows.xy[at]);
      SumAlongRow(line.yy, width, &rows.yy[at]);
    }
  });
  std::vector<float> responses(size);
  ForRows(height, [&](int begin, int end) {
    Products sums(w);
    std::vector<uint8_t> column_any(w), wanted(w, 1);
    for (int y = begin; y < end; ++y) {
      if (allowed != nullptr) FindWanted(*allowed, width, height, y, &column_any, &wanted);
      size_t from[2 * kRadius + 1];
      for (int k = -kRadius; k <= kRadius; ++k)
        from[k + kRadius] = static_cast<size_t>(Mirrored(y + k, height)) * w;
      const auto add = [&](const std::vector<int32_t>& all, std::vector<int32_t>* sum) {
        for (size_t x = 0; x < w; ++x)
          (*sum)[x] = all[from[0] + x] + all[from[1] + x] + all[from[2] + x] + all[from[3] + x] +
                      all[from[4] + x];
      };
      add(rows.xx, &sums.xx);
      add(rows.xy, &sums.xy);
      add(rows.yy, &sums.yy);
      float* const to = &responses[static_cast<size_t>(y) * w];
      for (size_t x = 0; x < w; ++x) {
        if (wanted[x] == 0) continue;
        const double mean = 0.5 * sums.xx[x] + 0.5 * sums.yy[x];
        const double half = 0.5 * sums.xx[x] - 0.5 * sums.yy[x], cross = sums.xy[x];
        to[x] = static_cast<float>(mean - std::sqrt(half * half + cross * cross));
      }
    }
  });
  return responses;
}

// Positions in cells as wide as the least distance: who is too near is in a neighbouring one.
class Spacing {
 public:
  Spacing(int width, int height, double distance)
      : cell_(std::max(1, static_cast<int>(std::lround(distance)))),
        columns_((width + cell_ - 1) / cell_),
        rows_((height + cell_ - 1) / cell_),
        least_(distance * distance),
        cells_(static_cast<size_t>(columns_) * static_cast<size_t>(rows_)) {}

  // False if there is one too near already.
  bool Add(int x, int y) {
    const int column = x / cell_, row = y / cell_;
    for (int r = std::max(0, row - 1); r <= std::min(rows_ - 1, row + 1); ++r) {
      for (int c = std::max(0, column - 1); c <= std::min(columns_ - 1, column + 1); ++c) {
        for (const Eigen::Vector2i& other : Cell(c, r)) {
          const int dx = other.x() - x, dy = other.y() - y;
          if (dx * dx + dy * dy < least_) return false;
        }
      }
    }
    Cell(column, row).emplace_back(x, y);
    return true;
  }

 private:
  std::vector<Eigen::Vector2i>& Cell(int column, int row) {
    return cells_[static_cast<size_t>(row) * static_cast<size_t>(columns_) +
                  static_cast<size_t>(column)];
  }

  int cell_, columns_, rows_;
  double least_;
  std::vector<std::vector<Eigen::Vector2i>> cells_;
};

}  // namespace

std::vector<Eigen::Vector2i> FindCorners(PlaneView<const uint8_t> picture,
                                         const std::vector<uint8_t>& allowed,
                                         const CornerOptions& options) {
  std::vector<Eigen::Vector2i> corners;
  const int width = picture.width, height = picture.height;
  if (width < 3 || height < 3 || options.most <= 0) return corners;
  const std::vector<float> responses = Responses(picture, &allowed);
  float strongest = 0;
  for (size_t i = 0; i < responses.size(); ++i)
    if (allowed[i] != 0) strongest = std::max(strongest, responses[i]);
  const float weakest = static_cast<float>(strongest * options.quality);

  struct Candidate {
    float response;
    int index;
  };
  std::vector<Candidate> candidates;
  for (int y = 1; y < height - 1; ++y) {
    for (int x = 1; x < width - 1; ++x) {
      const int at = y * width + x;
      const float here = responses[static_cast<size_t>(at)];
      if (!(here > weakest) || allowed[static_cast<size_t>(at)] == 0) continue;
      bool is_largest = true;
      for (int dy = -1; dy <= 1; ++dy)
        for (int dx = -1; dx <= 1; ++dx)
          is_largest = is_largest && responses[static_cast<size_t>(at + dy * width + dx)] <= here;
      if (is_largest) candidates.push_back({here, at});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.response != b.response ? a.response > b.response : a.index > b.index;
  });
  Spacing spacing(width, height, options.min_distance);
  for (const Candidate& candidate : candidates) {
    const int x = candidate.index % width, y = candidate.index / width;
    if (!spacing.Add(x, y)) continue;
    corners.emplace_back(x, y);
    if (static_cast<int>(corners.size()) == options.most) break;
  }
  return corners;
}

std::vector<Eigen::Vector2i> FindGridPoints(PlaneView<const uint8_t> picture,
                                            const std::vector<uint8_t>& allowed,
                                            const CornerOptions& options) {
  std::vector<Eigen::Vector2i> points;
  const int width = picture.width, height = picture.height;
  if (width < 3 || height < 3 || options.most <= 0) return points;
  const std::vector<float> responses = Responses(picture, nullptr);
  const float weakest = static_cast<float>(
      static_cast<double>(*std::max_element(responses.begin(), responses.end())) * options.quality);
  const int columns = std::max(1, static_cast<int>(width / options.min_distance));
  const int rows = std::max(1, static_cast<int>(height / options.min_distance));
  // Whole numbers: the same cells on every processor.
  const auto edge = [](int i, int count, int size) {
    return static_cast<int>(static_cast<int64_t>(i) * size / count);
  };
  for (int row = 0; row < rows; ++row) {
    const int top = edge(row, rows, height), bottom = edge(row + 1, rows, height);
    for (int column = 0; column < columns; ++column) {
      const int left = edge(column, columns, width), right = edge(column + 1, columns, width);
      const int x = (left + right) / 2, y = (top + bottom) / 2;
      if (allowed[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)] ==
          0)
        continue;
      bool has_texture = false;
      for (int j = top; j < bottom && !has_texture; ++j) {
        const auto begin = responses.begin() + static_cast<ptrdiff_t>(j) * width;
        has_texture = std::any_of(begin + left, begin + right,
                                  [weakest](float response) { return response > weakest; });
      }
      if (!has_texture) continue;
      points.emplace_back(x, y);
      if (static_cast<int>(points.size()) == options.most) return points;
    }
  }
  return points;
}

}  // namespace mdvt::tracking
