// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/convergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

double Inverse(double z) { return z > 0 ? 1 / std::max(z, 1e-9) : 0.0; }

// Every NaN takes the value of the nearest known entry, the earlier one on ties.
void FillGaps(std::vector<double>& values) {
  const auto count = static_cast<int64_t>(values.size());
  std::vector<int64_t> before(values.size(), -1);
  int64_t last = -1;
  for (int64_t i = 0; i < count; ++i) {
    if (!std::isnan(values[static_cast<size_t>(i)])) last = i;
    before[static_cast<size_t>(i)] = last;
  }
  int64_t next = -1;
  for (int64_t i = count - 1; i >= 0; --i) {
    const int64_t previous = before[static_cast<size_t>(i)];
    if (previous == i) {
      next = i;
      continue;
    }
    if (previous < 0 && next < 0) {
      values[static_cast<size_t>(i)] = 0;
    } else {
      const bool take_previous = next < 0 || (previous >= 0 && i - previous <= next - i);
      values[static_cast<size_t>(i)] = values[static_cast<size_t>(take_previous ? previous : next)];
    }
  }
}

// Zero-phase, mirrored at both ends; `values` are metres.
std::vector<double> SmoothShot(const std::vector<double>& values, double sigma) {
  const auto count = static_cast<int64_t>(values.size());
  // Beyond four sigma nothing is left; beyond the shot's length mirroring repeats it.
  const int64_t radius = std::min<int64_t>(static_cast<int64_t>(std::ceil(4 * sigma)), 4 * count);
  if (count < 2 || radius < 1) return values;
  std::vector<double> weight(static_cast<size_t>(radius) + 1);
  for (int64_t d = 0; d <= radius; ++d) {
    const double x = static_cast<double>(d) / sigma;
    weight[static_cast<size_t>(d)] = std::exp(-0.5 * x * x);
  }
  std::vector<double> inverse(values.size());
  std::transform(values.begin(), values.end(), inverse.begin(), Inverse);
  const auto mirrored = [&](int64_t i) {  // ... 1 0 0 1 ... n-1 n-1 n-2 ...
    const int64_t period = 2 * count;
    i = ((i % period) + period) % period;
    return static_cast<size_t>(i < count ? i : period - 1 - i);
  };
  std::vector<double> smooth(values.size());
  for (int64_t i = 0; i < count; ++i) {
    const double centre = inverse[static_cast<size_t>(i)];
    // Sums of differences: a constant stays what it is, to the last bit.
    double sum = 0, total = weight[0];
    for (int64_t d = 1; d <= radius; ++d) {
      const double w = weight[static_cast<size_t>(d)];
      sum += w * ((inverse[mirrored(i - d)] - centre) + (inverse[mirrored(i + d)] - centre));
      total += 2 * w;
    }
    if (sum == 0) {
      smooth[static_cast<size_t>(i)] = values[static_cast<size_t>(i)];
      continue;
    }
    const double result = centre + sum / total;
    smooth[static_cast<size_t>(i)] = result > 0 ? 1 / result : 0.0;
  }
  return smooth;
}

// From each frame to the next by no more than `step` in 1 / distance.
void LimitRate(double step, std::vector<double>* values) {
  for (size_t i = 1; i < values->size(); ++i) {
    const double before = Inverse((*values)[i - 1]), now = Inverse((*values)[i]);
    if (std::fabs(now - before) <= step) continue;
    const double limited = now > before ? before + step : before - step;
    (*values)[i] = limited > 0 ? 1 / limited : 0.0;
  }
}

}  // namespace

double ConvergenceSmoothing::Clamp(double distance) const {
  if (!(distance > 0)) return farthest.value_or(0);
  distance = std::max(distance, nearest);
  return farthest ? std::min(distance, *farthest) : distance;
}

void ConvergenceSmoothing::Check() const {
  Require(sigma_seconds >= 0 && sigma_seconds <= 3600, Code::kInvalidArgument,
          "ConvergenceSmoothing.sigma_seconds = " + FormatDouble(sigma_seconds) +
              ", must be in [0, 3600]");
  Require(nearest >= 0 && (!farthest || (*farthest > 0 && nearest <= *farthest)),
          Code::kInvalidArgument,
          "ConvergenceSmoothing must have 0 <= nearest <= farthest, and farthest above 0");
  Require(!rate || (*rate > 0 && *rate <= 1e6), Code::kInvalidArgument,
          "ConvergenceSmoothing.rate must be in (0, 1e6]");
}

std::vector<double> SmoothConvergence(const std::vector<double>& distance, Rational frame_rate,
                                      const ConvergenceSmoothing& options,
                                      const std::vector<int64_t>& starts) {
  options.Check();
  Require(frame_rate.IsPositive(), Code::kInvalidArgument,
          "SmoothConvergence: frame rate = " + frame_rate.ToString() + ", must be positive");
  for (size_t i = 0; i < distance.size(); ++i)
    Require(!(distance[i] < 0), Code::kInvalidArgument,
            "SmoothConvergence: distance " + FormatDouble(distance[i]) + " m of frame " +
                std::to_string(i) + " must not be negative");
  Require(std::is_sorted(starts.begin(), starts.end()), Code::kInvalidArgument,
          "SmoothConvergence: the starts of shots must be in ascending order");
  std::vector<double> all = distance;
  FillGaps(all);
  std::vector<double> result;
  const auto count = static_cast<int64_t>(distance.size());
  auto next = starts.begin();
  while (static_cast<int64_t>(result.size()) < count) {
    const auto begin = static_cast<int64_t>(result.size());
    while (next != starts.end() && *next <= begin) ++next;
    const int64_t end = next == starts.end() ? count : std::min(count, *next);
    std::vector<double> shot(distance.begin() + begin, distance.begin() + end);
    if (std::all_of(shot.begin(), shot.end(), [](double z) { return std::isnan(z); }))
      shot.assign(all.begin() + begin, all.begin() + end);
    else
      FillGaps(shot);
    for (double& z : shot) z = options.Clamp(z);
    shot = SmoothShot(shot, options.sigma_seconds * frame_rate.ToDouble());
    if (options.rate) LimitRate(*options.rate / frame_rate.ToDouble(), &shot);
    result.insert(result.end(), shot.begin(), shot.end());
  }
  return result;
}

FocusTracker::FocusTracker(const FocusOptions& focus, const ConvergenceSmoothing& smoothing)
    : focus_(focus), smoothing_(smoothing) {
  focus.Check();
  smoothing.Check();
}

double FocusTracker::Push(const DepthView& depth, double seconds, bool new_scene) {
  if (new_scene) known_ = false;
  const double measured = MeasureFocus(depth, {}, focus_).distance;
  if (!std::isnan(measured)) {
    const double target = Inverse(smoothing_.Clamp(measured));
    if (!known_) {
      inverse_ = target;
    } else {
      const double passed = std::max(0.0, seconds);
      const double tau = smoothing_.sigma_seconds;
      double step = (tau > 0 ? 1 - std::exp(-passed / tau) : 1) * (target - inverse_);
      if (smoothing_.rate) {
        const double most = *smoothing_.rate * passed;
        step = std::clamp(step, -most, most);
      }
      inverse_ += step;
    }
    known_ = true;
  }
  return smoothing_.Clamp(inverse_ > 0 ? 1 / inverse_ : 0);
}

void FocusTracker::Save(State* state) const {
  state->SetFlag("known", known_);
  state->SetNumber("inverse", inverse_);
}

void FocusTracker::Load(const State& state) {
  const bool known = state.Flag("known");
  inverse_ = state.Number("inverse");
  known_ = known;
}

}  // namespace mdvt
