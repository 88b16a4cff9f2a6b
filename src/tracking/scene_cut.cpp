// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/scene_cut.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kThumbWidth = 32, kThumbHeight = 18;

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
  cells.swap(thumbnail_);
  if (cells.empty()) return false;
  double mean_before = 0, mean_now = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    mean_before += static_cast<double>(cells[i]);
    mean_now += static_cast<double>(thumbnail_[i]);
  }
  // A change of exposure or a flash shifts all cells alike and is no cut.
  const double shift = (mean_now - mean_before) / static_cast<double>(cells.size());
  double change = 0;
  for (size_t i = 0; i < cells.size(); ++i)
    change += std::abs(static_cast<double>(thumbnail_[i]) - static_cast<double>(cells[i]) - shift);
  change /= static_cast<double>(cells.size());
  if (alive_before < options_.min_tracks) return change > 2 * options_.min_change;
  return followed < options_.max_survival * alive_before && change > options_.min_change;
}

void SceneCutDetector::Save(State* state) const {
  state->SetNumbers("thumbnail", {thumbnail_.begin(), thumbnail_.end()});
}

void SceneCutDetector::Load(const State& state) {
  const std::vector<double> cells = state.Numbers("thumbnail");
  Require(cells.empty() || cells.size() == kThumbWidth * kThumbHeight, Code::kCorrupt,
          "the saved state is none of a SceneCutDetector");
  thumbnail_.clear();
  for (const double cell : cells) thumbnail_.push_back(static_cast<float>(cell));
}

}  // namespace mdvt
