// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/shift_control.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 64;
constexpr int kLevels = 1024;  // of the histogram of the middle
constexpr int kStride = 4;     // of the samples that it takes

void RequireIn(bool inside, const char* name, const char* range) {
  Require(inside, Code::kInvalidArgument, std::string(name) + " must be in " + range);
}

// Weights along one side, 65535 in the middle.
std::vector<int64_t> Gaussian(int size) {
  std::vector<int64_t> weights;
  for (int i = 0; i < size; ++i) {
    const double u = ((i + 0.5) / size - 0.5) / 0.25;
    weights.push_back(std::llround(65535 * std::exp(-0.5 * u * u)));
  }
  return weights;
}

double MedianOfTheMiddle(PlaneView<const float> map) {
  const std::vector<int64_t> columns = Gaussian(map.width);
  const std::vector<int64_t> rows = Gaussian(map.height);
  std::vector<int64_t> weights(kLevels);  // whole numbers: the same sum in any order
  int64_t total = 0;
  for (int y = kStride / 2 < map.height ? kStride / 2 : 0; y < map.height; y += kStride) {
    const float* row = map.Row(y);
    for (int x = kStride / 2 < map.width ? kStride / 2 : 0; x < map.width; x += kStride) {
      const float level = std::min(std::max(row[x], 0.0f), 1.0f) * (kLevels - 1);
      const int64_t weight = (columns[static_cast<size_t>(x)] * rows[static_cast<size_t>(y)]) >> 16;
      weights[static_cast<size_t>(level + 0.5f)] += weight;
      total += weight;
    }
  }
  int64_t below = 0;
  for (int level = 0; level < kLevels; ++level) {
    below += weights[static_cast<size_t>(level)];
    if (2 * below >= total) return static_cast<double>(level) / (kLevels - 1);
  }
  return 1;
}

}  // namespace

void ShiftOptions::Check() const {
  RequireIn(max_shift >= 0 && max_shift <= 4096, "ShiftOptions.max_shift", "[0, 4096] pixels");
  RequireIn(min_gain >= 0 && min_gain <= 1, "ShiftOptions.min_gain", "[0, 1]");
  RequireIn(smoothing >= 0 && smoothing < 1, "ShiftOptions.smoothing", "[0, 1)");
  Require(steep_free >= 0 && steep_free < steep_full && steep_full <= 1, Code::kInvalidArgument,
          "ShiftOptions must have 0 <= steep_free < steep_full <= 1");
  RequireIn(max_behind > 0 && max_behind <= 1, "ShiftOptions.max_behind", "(0, 1]");
  RequireIn(max_in_front > 0 && max_in_front <= 1, "ShiftOptions.max_in_front", "(0, 1]");
}

ShiftController::ShiftController(const ShiftOptions& options) : options_(options) {
  options.Check();
}

double ShiftController::Push(const ShiftFrame& frame, double eye_width) {
  if (!options_.dynamic) return options_.max_shift;
  if (frame.new_scene) started_ = false;
  const double range = std::max(0.0, frame.hi - frame.lo);
  reference_ = started_ ? std::max(reference_, range) : range;

  double gain = reference_ > 0 ? range / reference_ : 1;
  if (frame.zero_is_infinity && frame.hi > 0) gain = std::min(gain, 2 * range / frame.hi);
  const double steep = std::clamp(
      (frame.steep_share - options_.steep_free) / (options_.steep_full - options_.steep_free), 0.0,
      1.0);
  gain = std::min(gain, 1 - steep * (1 - options_.min_gain));
  gain = std::clamp(gain, options_.min_gain, 1.0);
  gain_ = started_ ? options_.smoothing * gain_ + (1 - options_.smoothing) * gain : gain;
  started_ = true;

  double shift = options_.max_shift * gain_;
  if (frame.convergence > 0)
    shift = std::min(shift, options_.max_behind * eye_width / frame.convergence);
  if (frame.convergence < 1)
    shift = std::min(shift, options_.max_in_front * eye_width / (1 - frame.convergence));
  return shift;
}

void ShiftController::Save(State* state) const {
  state->SetFlag("started", started_);
  state->SetNumber("reference", reference_);
  state->SetNumber("gain", gain_);
}

void ShiftController::Load(const State& state) {
  const bool started = state.Flag("started");
  const double reference = state.Number("reference"), gain = state.Number("gain");
  started_ = started;
  reference_ = reference;
  gain_ = gain;
}

double SteepShare(PlaneView<const float> disparity, double step, ThreadPool* pool) {
  if (disparity.width < 2 || disparity.height < 1) return 0;
  std::atomic<int64_t> steep{0};
  const float least = static_cast<float>(step);
  const auto body = [&](int64_t begin, int64_t end) {
    int64_t count = 0;
    for (int64_t y = begin; y < end; ++y) {
      const float* row = disparity.Row(static_cast<int>(2 * y));
      int32_t in_row = 0;  // narrow, for vectors
      for (int x = 0; x + 1 < disparity.width; ++x)
        in_row += std::fabs(row[x + 1] - row[x]) >= least;
      count += in_row;
    }
    steep += count;
  };
  const int64_t rows = (disparity.height + 1) / 2;
  if (pool != nullptr)
    pool->ParallelFor(rows, kRowsPerBlock, body);
  else
    body(0, rows);
  return static_cast<double>(steep) /
         (static_cast<double>(disparity.width - 1) * static_cast<double>(rows));
}

void ConvergenceOptions::Check() const {
  RequireIn(value >= 0 && value <= 1, "ConvergenceOptions.value", "[0, 1]");
  RequireIn(smoothing >= 0 && smoothing < 1, "ConvergenceOptions.smoothing", "[0, 1)");
}

ConvergenceTracker::ConvergenceTracker(const ConvergenceOptions& options) : options_(options) {
  options.Check();
}

double ConvergenceTracker::Push(PlaneView<const float> disparity, bool new_scene) {
  switch (options_.plane) {
    case ScreenPlane::kNear:
      return 1;
    case ScreenPlane::kFar:
      return 0;
    case ScreenPlane::kValue:
      return options_.value;
    case ScreenPlane::kAuto:
      break;
  }
  const double middle = MedianOfTheMiddle(disparity);
  value_ = started_ && !new_scene ? options_.smoothing * value_ + (1 - options_.smoothing) * middle
                                  : middle;
  started_ = true;
  return value_;
}

void ConvergenceTracker::Save(State* state) const {
  state->SetFlag("started", started_);
  state->SetNumber("value", value_);
}

void ConvergenceTracker::Load(const State& state) {
  const bool started = state.Flag("started");
  value_ = state.Number("value");
  started_ = started;
}

}  // namespace mdvt
