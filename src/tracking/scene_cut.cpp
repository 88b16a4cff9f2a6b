// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/scene_cut.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kThumbWidth = 32, kThumbHeight = 18;
// A picture of less contrast (standard deviation in grey levels) tells nothing: a flash may burn
// all of it out. Up to so many frames of these are passed over.
constexpr double kFlat = 3;
constexpr int kMostFlat = 4;

// Means of the cells of an even grid; every cell has at least one pixel.
std::vector<float> Thumbnail(PlaneView<const uint8_t> frame) {
  std::vector<float> cells;
  cells.reserve(kThumbWidth * kThumbHeight);
  for (int j = 0; j < kThumbHeight; ++j) {
    const int y0 = j * frame.height / kThumbHeight;
    const int y1 = std::max(y0 + 1, (j + 1) * frame.height / kThumbHeight);
    for (int i = 0; i < kThumbWidth; ++i) {
      const int x0 = i * frame.width / kThumbWidth;
      const int x1 = std::max(x0 + 1, (i + 1) * frame.width / kThumbWidth);
      int64_t sum = 0;
      for (int y = y0; y < y1; ++y)
        for (int x = x0; x < x1; ++x) sum += frame.At(x, y);
      cells.push_back(static_cast<float>(sum) / static_cast<float>((y1 - y0) * (x1 - x0)));
    }
  }
  return cells;
}

double Contrast(const std::vector<float>& cells) {
  double sum = 0, square = 0;
  for (const float cell : cells) {
    sum += static_cast<double>(cell);
    square += static_cast<double>(cell) * static_cast<double>(cell);
  }
  const auto n = static_cast<double>(cells.size());
  return std::sqrt(std::max(0.0, square / n - sum / n * (sum / n)));
}

// Mean of |b - (gain a + offset)| for the gain, not below 0, and offset that fit best, and the same
// of a by b: sqrt(2) times their geometric mean, which for pictures that have nothing in common is
// about the mean of |b - a|. `n` cells of both.
double Residual(const float* a, const float* b, int n) {
  double mean_a = 0, mean_b = 0, var_a = 0, var_b = 0, covariance = 0;
  for (int i = 0; i < n; ++i) {
    mean_a += static_cast<double>(a[i]) / n;
    mean_b += static_cast<double>(b[i]) / n;
  }
  for (int i = 0; i < n; ++i) {
    const double da = static_cast<double>(a[i]) - mean_a, db = static_cast<double>(b[i]) - mean_b;
    var_a += da * da;
    var_b += db * db;
    covariance += da * db;
  }
  const double up = var_a > 0 ? std::max(0.0, covariance / var_a) : 0;
  const double down = var_b > 0 ? std::max(0.0, covariance / var_b) : 0;
  double off_b = 0, off_a = 0;
  for (int i = 0; i < n; ++i) {
    const double da = static_cast<double>(a[i]) - mean_a, db = static_cast<double>(b[i]) - mean_b;
    off_b += std::abs(db - up * da);
    off_a += std::abs(da - down * db);
  }
  return std::sqrt(2 * off_a * off_b) / n;
}

// The least residual of the thumbnails moved by up to a cell: a camera that pans during a flash.
double Change(const std::vector<float>& before, const std::vector<float>& now) {
  double least = 255;
  std::vector<float> a, b;
  for (int dy = -1; dy <= 1; ++dy)
    for (int dx = -1; dx <= 1; ++dx) {
      a.clear();
      b.clear();
      for (int y = std::max(0, -dy); y < std::min(kThumbHeight, kThumbHeight - dy); ++y)
        for (int x = std::max(0, -dx); x < std::min(kThumbWidth, kThumbWidth - dx); ++x) {
          a.push_back(before[static_cast<size_t>(y * kThumbWidth + x)]);
          b.push_back(now[static_cast<size_t>((y + dy) * kThumbWidth + x + dx)]);
        }
      least = std::min(least, Residual(a.data(), b.data(), static_cast<int>(a.size())));
    }
  return least;
}

}  // namespace

void SceneCutOptions::Check() const {
  Require(max_survival >= 0 && max_survival <= 1, Code::kInvalidArgument,
          "SceneCutOptions.max_survival must be in [0, 1]");
  Require(min_change >= 0 && min_change <= 255, Code::kInvalidArgument,
          "SceneCutOptions.min_change must be in [0, 255]");
  Require(min_tracks >= 1, Code::kInvalidArgument, "SceneCutOptions.min_tracks must be positive");
}

SceneCutDetector::SceneCutDetector(const SceneCutOptions& options) : options_(options) {
  options.Check();
}

bool SceneCutDetector::IsCut(PlaneView<const uint8_t> frame, int alive_before, int followed) {
  Require(frame.width > 0 && frame.height > 0, Code::kInvalidArgument,
          "SceneCutDetector: the picture is empty");
  std::vector<float> cells = Thumbnail(frame);
  if (thumbnail_.empty()) {
    thumbnail_ = std::move(cells);
    return false;
  }
  if (Contrast(cells) < kFlat && flat_frames_ < kMostFlat) {
    ++flat_frames_;
    return false;
  }
  flat_frames_ = 0;
  // Exposure, a fade or a flash changes all cells by one rule, and is no cut.
  const double change = Contrast(thumbnail_) < kFlat ? Contrast(cells) : Change(thumbnail_, cells);
  thumbnail_ = std::move(cells);
  if (alive_before < options_.min_tracks) return change > 2 * options_.min_change;
  return followed < options_.max_survival * alive_before && change > options_.min_change;
}

void SceneCutDetector::Save(State* state) const {
  state->SetNumbers("thumbnail", {thumbnail_.begin(), thumbnail_.end()});
  state->SetNumbers("flat_frames", {static_cast<double>(flat_frames_)});
}

void SceneCutDetector::Load(const State& state) {
  const std::vector<double> cells = state.Numbers("thumbnail");
  const std::vector<double> flat = state.Numbers("flat_frames");
  Require((cells.empty() || cells.size() == kThumbWidth * kThumbHeight) && flat.size() == 1 &&
              flat[0] >= 0 && flat[0] <= kMostFlat,
          Code::kCorrupt, "the saved state is none of a SceneCutDetector");
  flat_frames_ = static_cast<int>(flat[0]);
  thumbnail_.clear();
  for (const double cell : cells) thumbnail_.push_back(static_cast<float>(cell));
}

}  // namespace mdvt
