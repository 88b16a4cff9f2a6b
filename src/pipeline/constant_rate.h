// SPDX-License-Identifier: Apache-2.0
//
// A clip of any rate shown at a constant one.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <utility>

#include "mdvt/core/image.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stage.h"

namespace mdvt {

// Shows, at each tick of a clock that starts at the first frame, the frame nearest to it (the
// earlier one on ties), from there to the end of the last frame. A frame that is nearest to no tick
// is dropped; one that is nearest to several is given once, with their number.
//
// Frames may have something with them: `frame_of` finds the frame in such an item.
template <typename Item>
struct Shown {
  Item item;
  int64_t first_tick = 0;
  int64_t ticks = 1;
};

// Its state cannot be saved: it holds a frame until the next one comes. To go on elsewhere it is
// given the frames of the clip again, of which only the times count up to there.
template <typename Item>
class ConstantRate : public Stage<Item, Shown<Item>> {
 public:
  using FrameOf = const Frame& (*)(const Item&);

  ConstantRate(double fps, Rational time_base, FrameOf frame_of)
      : tick_(1 / fps), time_base_(time_base), frame_of_(frame_of) {}

  int latency() const override { return 1; }

  void Push(Item item) override {
    const int64_t pts = frame_of_(item).pts;
    if (!holds_) {
      start_ = pts;
    } else {
      last_step_ = Seconds(pts) - Seconds(held_pts_);
      Show((Seconds(held_pts_) + Seconds(pts)) / 2, true);
    }
    held_duration_ = frame_of_(item).duration;
    held_ = std::move(item);
    held_pts_ = pts;
    holds_ = true;
  }

  // The last frame is shown if a tick is left for it.
  void Finish() override {
    if (!holds_) return;
    const double duration = held_duration_ > 0
                                ? static_cast<double>(held_duration_) * time_base_.ToDouble()
                                : std::max(last_step_, 0.0);
    // At least the tick that is nearest to it, as for all frames.
    const double middle = Seconds(held_pts_) + tick_ / 2;
    Show(std::max(Seconds(held_pts_) + duration, middle), false);
    holds_ = false;
  }

  std::optional<Shown<Item>> Pop() override { return std::exchange(shown_, std::nullopt); }

 private:
  // A rounding error is no reason to show another frame.
  static constexpr double kRoom = 1e-9;

  double Seconds(int64_t pts) const {
    return static_cast<double>(pts - start_) * time_base_.ToDouble();
  }

  void Show(double until, bool inclusive) {
    Shown<Item> shown;
    shown.first_tick = next_tick_;
    const double room = inclusive ? kRoom : -kRoom;
    while (static_cast<double>(next_tick_) * tick_ < until + room) ++next_tick_;
    shown.ticks = next_tick_ - shown.first_tick;
    if (shown.ticks == 0) return;
    shown.item = std::move(held_);
    shown_ = std::move(shown);
  }

  double tick_;  // seconds
  Rational time_base_;
  FrameOf frame_of_;
  int64_t start_ = 0;
  int64_t next_tick_ = 0;
  double last_step_ = 0;
  bool holds_ = false;
  Item held_;
  int64_t held_pts_ = 0;
  int64_t held_duration_ = 0;
  std::optional<Shown<Item>> shown_;
};

}  // namespace mdvt
