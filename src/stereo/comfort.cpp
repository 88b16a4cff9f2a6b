// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/comfort.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kOutliers = 0.005;       // of the pixels, at each end
constexpr double kBorder = 0.02;          // of the width
constexpr double kBorderOutliers = 0.02;  // of the pixels there
constexpr double kRampEnd = 0.06;         // of the width: from here on the border is far away
constexpr double kLeastLimit = 1e-5;      // of the width
constexpr double kKnee = 0.8;             // of a limit: from here on parallax is pressed together
constexpr double kRelease = 0.25;         // of max_rate: on the way back to full strength
constexpr int kStride = 4;                // of the samples that are measured
constexpr int kRowsPerBlock = 64;
constexpr float kLeastInverse = 1e-6f;

bool Inverse(const ComfortView& view, float value, float* u) {
  if (std::isnan(value)) return false;
  if (!view.metres) {
    *u = value;
    return true;
  }
  if (!(value > 0)) return false;
  *u = 1 / value;
  return true;
}

// The largest but for the share `outliers`, or the least; reorders. Not empty.
double Nearest(std::vector<float>* values, double outliers) {
  const auto skip = static_cast<ptrdiff_t>(outliers * static_cast<double>(values->size()));
  const auto at = values->end() - 1 - skip;
  std::nth_element(values->begin(), at, values->end());
  return *at;
}
double Farthest(std::vector<float>* values, double outliers) {
  const auto at =
      values->begin() + static_cast<ptrdiff_t>(outliers * static_cast<double>(values->size()));
  std::nth_element(values->begin(), at, values->end());
  return *at;
}

void Gather(const ComfortView& view, int begin, int end, int step, std::vector<float>* values) {
  values->clear();
  const int first_row = view.map.height > kStride ? kStride / 2 : 0;
  for (int y = first_row; y < view.map.height; y += kStride) {
    const float* row = view.map.Row(y);
    for (int x = begin; x < end; x += step) {
      float u = 0;
      if (Inverse(view, row[x], &u)) values->push_back(u);
    }
  }
}

// A step from `now` towards `wanted` by no more than `most`.
double Towards(double now, double wanted, double most) {
  return now + std::clamp(wanted - now, -most, most);
}

void RequireIn(bool inside, const char* name, const char* range) {
  Require(inside, Code::kInvalidArgument,
          std::string("ComfortLimits.") + name + " must be in " + range);
}

}  // namespace

void ComfortLimits::Check() const {
  RequireIn(max_in_front > 0 && max_in_front <= 1, "max_in_front", "(0, 1]");
  RequireIn(max_behind > 0 && max_behind <= 1, "max_behind", "(0, 1]");
  RequireIn(max_rate > 0 && max_rate <= 10, "max_rate", "(0, 10]");
  RequireIn(window >= 0 && window <= 1, "window", "[0, 1]");
}

ComfortControl::ComfortControl(const ComfortLimits& limits) : limits_(limits) { limits.Check(); }

ComfortSetting ComfortControl::Push(const ComfortView& view, double seconds, bool new_scene) {
  if (new_scene) started_ = false;
  Gather(view, 0, view.map.width, kStride, &values_);
  if (values_.empty() || !(view.scale > 0)) return started_ ? now_ : ComfortSetting();
  const auto parallax = [&](double u) { return view.scale * (view.screen - u); };
  const double near = parallax(Nearest(&values_, kOutliers));
  const double far = parallax(Farthest(&values_, kOutliers));
  double border = far;  // the nearest thing at a border
  const int strip = std::max(1, static_cast<int>(std::lround(kBorder * view.map.width)));
  for (const int begin : {0, view.map.width - strip}) {
    Gather(view, std::max(0, begin), std::min(view.map.width, begin + strip), 1, &values_);
    if (!values_.empty()) border = std::min(border, parallax(Nearest(&values_, kBorderOutliers)));
  }

  // The shift that brings what is too near back grows with the strength; behind the screen there
  // has to be room for it.
  ComfortSetting wanted;
  const auto bound = [&](double room, double extent) {
    if (extent > room) wanted.strength = std::min(wanted.strength, room / extent);
  };
  // Not beyond the knee, so that little is pressed.
  const double front = kKnee * limits_.max_in_front, behind = kKnee * limits_.max_behind;
  bound(behind, far);
  bound(behind + front, far - near);
  bound(behind + limits_.window, far - border);
  wanted.shift =
      std::max({0.0, -wanted.strength * border - limits_.window, -wanted.strength * near - front});
  if (!started_) {
    now_ = wanted;
    started_ = true;
    return now_;
  }
  const double most = limits_.max_rate * std::max(0.0, seconds);
  const double extent = std::max({std::fabs(near), std::fabs(far), 1e-9});
  const bool relaxes = wanted.strength > now_.strength;
  now_.strength = Towards(now_.strength, wanted.strength, (relaxes ? kRelease : 1) * most / extent);
  now_.shift = Towards(now_.shift, wanted.shift, (wanted.shift < now_.shift ? kRelease : 1) * most);
  return now_;
}

void ComfortControl::Save(State* state) const {
  state->SetFlag("started", started_);
  state->SetNumber("strength", now_.strength);
  state->SetNumber("shift", now_.shift);
}

void ComfortControl::Load(const State& state) {
  const bool started = state.Flag("started");
  const double strength = state.Number("strength"), shift = state.Number("shift");
  started_ = started;
  now_ = {strength, shift};
}

ComfortLimits LimitsAt(double place, const ComfortLimits& limits) {
  const double inwards = std::min(place, 1 - place);
  const double t = std::clamp((inwards - kBorder) / (kRampEnd - kBorder), 0.0, 1.0);
  const double share = t * t * (3 - 2 * t);
  ComfortLimits here = limits;
  const double least = std::max(kLeastLimit, std::min(limits.window, limits.max_in_front));
  here.max_in_front = least + share * (limits.max_in_front - least);
  return here;
}

double Pressed(double parallax, const ComfortLimits& limits) {
  const double limit = parallax < 0 ? limits.max_in_front : limits.max_behind;
  const double knee = kKnee * limit, size = std::fabs(parallax);
  if (size <= knee) return parallax;
  const double pressed = knee + (limit - knee) * std::tanh((size - knee) / (limit - knee));
  return parallax < 0 ? -pressed : pressed;
}

void Press(const ComfortView& view, const ComfortLimits& limits, PlaneView<float> to,
           ThreadPool* pool) {
  Require(to.width == view.map.width && to.height == view.map.height, Code::kInvalidArgument,
          "Press: the maps differ in size");
  const double scale = view.scale;
  std::vector<ComfortLimits> columns;
  std::vector<double> nearest;  // from there to `farthest` nothing is pressed
  for (int x = 0; x < to.width; ++x) {
    columns.push_back(LimitsAt((x + 0.5) / to.width, limits));
    nearest.push_back(view.screen + kKnee * columns.back().max_in_front / std::max(scale, 1e-30));
  }
  const double farthest = view.screen - kKnee * limits.max_behind / std::max(scale, 1e-30);
  const auto body = [&](int64_t begin, int64_t end) {
    for (auto y = static_cast<int>(begin); y < end; ++y) {
      const float* from = view.map.Row(y);
      float* row = to.Row(y);
      for (int x = 0; x < to.width; ++x) {
        float u = 0;
        row[x] = from[x];
        const auto column = static_cast<size_t>(x);
        if (!Inverse(view, from[x], &u) || (u <= nearest[column] && u >= farthest) || !(scale > 0))
          continue;
        const double pressed = Pressed(scale * (view.screen - u), columns[column]);
        u = static_cast<float>(view.screen - pressed / scale);
        row[x] = view.metres ? 1 / std::max(u, kLeastInverse) : u;
      }
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(to.height, kRowsPerBlock, body);
  else
    body(0, to.height);
}

}  // namespace mdvt
