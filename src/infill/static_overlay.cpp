// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/static_overlay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "core/median.h"
#include "infill/regions.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/infill/mask_steadier.h"

namespace mdvt {
namespace {

constexpr int kFewestFrames = 5;
constexpr double kGapShare = 0.008;    // of the width: gaps between letters that are closed
constexpr double kSmallest = 0.00008;  // regions of a smaller share of the picture are noise
constexpr double kBorderLength = 0.6;  // of a side: longer regions are borders of the picture
constexpr double kFewestEdges = 0.05;  // share of edges in a region
constexpr double kWeakShare = 0.75;    // of `persistence`: edges that a persistent one completes
constexpr uint8_t kWeak = 1;
constexpr double kMostDrift = 0.6;    // change of an edge over the clip, of its mean
constexpr double kLeastRound = 0.03;  // share of the smaller eigenvalue of the structure tensor
// Overlays lie in a few places. In a picture that moves too little, edges of things stand still
// everywhere: in so many of 8 x 8 parts of it nothing is told.
constexpr int kParts = 8;
constexpr int kMostParts = 20;

// In how many of the parts something is white.
int PartsWithWhite(const PlaneView<uint8_t>& mask) {
  std::array<bool, kParts* kParts> found = {};
  for (int y = 0; y < mask.height; ++y)
    for (int x = 0; x < mask.width; ++x)
      if (mask.At(x, y) != 0)
        found[static_cast<size_t>(y * kParts / mask.height * kParts + x * kParts / mask.width)] =
            true;
  return static_cast<int>(std::count(found.begin(), found.end(), true));
}

}  // namespace

void StaticOverlayOptions::Check() const {
  Require(min_edge >= 1 && min_edge <= 255 && persistence > 0 && persistence <= 1 &&
              min_change >= 0 && min_change <= 255 && max_share > 0 && max_share <= 1,
          Code::kInvalidArgument,
          "StaticOverlayOptions: min_edge = " + FormatDouble(min_edge) +
              " must be in [1, 255], persistence = " + FormatDouble(persistence) +
              " in (0, 1], min_change = " + FormatDouble(min_change) +
              " in [0, 255], max_share = " + FormatDouble(max_share) + " in (0, 1]");
}

StaticOverlay::StaticOverlay(const StaticOverlayOptions& options) : options_(options) {
  options.Check();
}

void StaticOverlay::Push(PlaneView<const uint8_t> luma) {
  Require(frames_ == 0 || (luma.width == width_ && luma.height == height_), Code::kInvalidArgument,
          "StaticOverlay: the frames differ in size");
  width_ = luma.width;
  height_ = luma.height;
  const size_t size = static_cast<size_t>(width_) * static_cast<size_t>(height_);
  for (std::vector<float>* plane : {&sum_, &squares_, &dx_, &dy_, &timed_dx_, &timed_dy_, &energy_})
    plane->resize(size, 0);
  const auto time = static_cast<float>(frames_++);
  for (int y = 0; y < height_; ++y) {
    const uint8_t* row = luma.Row(y);
    const uint8_t* above = luma.Row(std::max(0, y - 1));
    const uint8_t* below = luma.Row(std::min(height_ - 1, y + 1));
    for (int x = 0; x < width_; ++x) {
      const size_t i =
          static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
      const auto value = static_cast<float>(row[x]);
      const float dx = (static_cast<float>(row[std::min(width_ - 1, x + 1)]) -
                        static_cast<float>(row[std::max(0, x - 1)])) /
                       2;
      const float dy = (static_cast<float>(below[x]) - static_cast<float>(above[x])) / 2;
      sum_[i] += value;
      squares_[i] += value * value;
      dx_[i] += dx;
      dy_[i] += dy;
      timed_dx_[i] += time * dx;
      timed_dy_[i] += time * dy;
      energy_[i] += dx * dx + dy * dy;
    }
  }
}

double StaticOverlay::Change(size_t i) const {
  const double mean = double{sum_[i]} / frames_;
  return std::sqrt(std::max(0.0, double{squares_[i]} / frames_ - mean * mean));
}

Image StaticOverlay::PersistentEdges() const {
  const double frames = frames_, middle = (frames - 1) / 2;
  const double spread = frames * (frames * frames - 1) / 12;  // of the frames' numbers
  Image edges(PixelFormat::Gray(8), width_, height_);
  for (int y = 0; y < height_; ++y) {
    uint8_t* row = edges.MutablePlane<uint8_t>().Row(y);
    for (int x = 0; x < width_; ++x) {
      const size_t i =
          static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
      const double dx = double{dx_[i]}, dy = double{dy_[i]};
      const double edge = std::hypot(dx, dy) / frames;
      // By the straight line that fits best over time.
      const double drift =
          std::hypot(double{timed_dx_[i]} - middle * dx, double{timed_dy_[i]} - middle * dy) /
          spread * (frames - 1);
      const double share = edge / std::sqrt(std::max(1e-9, double{energy_[i]} / frames));
      const bool stays = edge >= options_.min_edge && drift <= kMostDrift * edge;
      row[x] = !stays || share < kWeakShare * options_.persistence ? 0
               : share < options_.persistence                      ? kWeak
                                                                   : 255;
    }
  }
  return edges;
}

// Whether the edges of a region run in more than one direction.
bool StaticOverlay::IsRound(const std::vector<int32_t>& region, const Image& edges) const {
  double xx = 0, xy = 0, yy = 0;
  for (const int32_t at : region) {
    if (edges.Plane<uint8_t>().At(at % width_, at / width_) != 255) continue;
    const auto i = static_cast<size_t>(at);
    xx += double{dx_[i]} * double{dx_[i]};
    xy += double{dx_[i]} * double{dy_[i]};
    yy += double{dy_[i]} * double{dy_[i]};
  }
  const double sum = xx + yy, apart = std::hypot(xx - yy, 2 * xy);
  return sum - apart >= 2 * kLeastRound * sum;
}

// How much the picture changes around a box, beside all that stands still: median.
double StaticOverlay::ChangeAround(const Box& box, int reach, const Image& still) const {
  std::vector<float> changes;
  for (int y = std::max(0, box.top - reach); y <= std::min(height_ - 1, box.bottom + reach); ++y)
    for (int x = std::max(0, box.left - reach); x <= std::min(width_ - 1, box.right + reach); ++x)
      if (still.Plane<uint8_t>().At(x, y) == 0)
        changes.push_back(static_cast<float>(
            Change(static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x))));
  return changes.empty() ? 0 : double{Median(&changes)};
}

Image StaticOverlay::Find() const {
  Require(frames_ >= kFewestFrames, Code::kRefused,
          "an overlay cannot be found in " + CountOf(frames_, "frame") + ": give a mask");
  std::vector<float> changes(sum_.size());
  for (size_t i = 0; i < sum_.size(); ++i) changes[i] = static_cast<float>(Change(i));
  const double change = double{Median(&changes)};
  Require(change >= options_.min_change, Code::kRefused,
          "the picture hardly changes (" + FormatFixed(change, 1) +
              " grey levels): an overlay cannot be told from it; give a mask");
  const Image edges = PersistentEdges();
  Image mask = edges.Clone();
  const PlaneView<uint8_t> white = mask.MutablePlane<uint8_t>();
  for (int y = 0; y < height_; ++y)
    for (int x = 0; x < width_; ++x) white.At(x, y) = white.At(x, y) != 0 ? 255 : 0;
  // The letters of a word become one region, and what their outlines enclose is filled.
  const int gap = std::max(1, static_cast<int>(std::lround(kGapShare * width_)));
  DilateMask(gap, white);
  for (const auto& hole :
       Regions(width_, height_, [&](int32_t i) { return white.At(i % width_, i / width_) == 0; })) {
    const bool outside = std::any_of(hole.begin(), hole.end(), [&](int32_t i) {
      const int x = i % width_, y = i / width_;
      return x == 0 || y == 0 || x == width_ - 1 || y == height_ - 1;
    });
    if (!outside)
      for (const int32_t i : hole) white.At(i % width_, i / width_) = 255;
  }
  DilateMask(-std::max(0, gap - 1), white);
  int64_t masked = 0;
  const Image closed = mask.Clone();
  for (const auto& region :
       Regions(width_, height_, [&](int32_t i) { return white.At(i % width_, i / width_) != 0; })) {
    int left = width_, right = 0, top = height_, bottom = 0, count = 0;
    for (const int32_t i : region) {
      left = std::min(left, i % width_);
      right = std::max(right, i % width_);
      top = std::min(top, i / width_);
      bottom = std::max(bottom, i / width_);
      count += edges.Plane<uint8_t>().At(i % width_, i / width_) == 255;
    }
    const auto area = static_cast<double>(region.size());
    if (area >= kSmallest * width_ * height_ && count >= kFewestEdges * area &&
        right - left < kBorderLength * width_ && bottom - top < kBorderLength * height_ &&
        IsRound(region, edges) &&
        ChangeAround({left, top, right, bottom}, 2 * gap + 2, closed) >= options_.min_change) {
      masked += static_cast<int64_t>(region.size());
      continue;
    }
    for (const int32_t i : region) white.At(i % width_, i / width_) = 0;
  }
  const double share = static_cast<double>(masked) / (double(width_) * height_);
  Require(masked > 0, Code::kRefused, "no overlay was found: give a mask");
  Require(share <= options_.max_share, Code::kRefused,
          FormatFixed(100 * share, 0) +
              " % of the picture stands still: an overlay cannot be told from it; give a mask");
  Require(
      PartsWithWhite(white) <= kMostParts, Code::kRefused,
      "edges stand still all over the picture, which moves too little for an overlay to be told "
      "from it; give a mask");
  return mask;
}

}  // namespace mdvt
