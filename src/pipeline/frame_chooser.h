// SPDX-License-Identifier: Apache-2.0
//
// Fewer frames of a clip, at their own times.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "mdvt/core/image.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stage.h"

namespace mdvt {

// Keeps, for each tick of a clock of `target_fps` that starts at the first frame, the frame nearest
// to it (the earlier one on ties); no frame twice. At a rate at or above that of the clip all
// frames near a tick stay, which is all of them.
class FrameChooser : public Stage<Frame, Frame> {
 public:
  FrameChooser(double target_fps, Rational time_base)
      : tick_(1 / target_fps), time_base_(time_base) {}

  int latency() const override { return 1; }

  void Push(Frame frame) override {
    if (!holds_) start_ = frame.pts;
    if (holds_) {
      // Ticks that are nearer to the held frame than to this one.
      const double middle = (Seconds(held_.pts) + Seconds(frame.pts)) / 2;
      bool wanted = false;
      while (next_tick_ * tick_ <= middle) {
        wanted = true;
        ++next_tick_;
      }
      if (wanted) chosen_ = std::move(held_);
    }
    held_ = std::move(frame);
    holds_ = true;
  }

  // The last frame is chosen if a tick is left that it is nearest to.
  void Finish() override {
    if (holds_ && next_tick_ * tick_ <= Seconds(held_.pts) + tick_ / 2) chosen_ = std::move(held_);
    holds_ = false;
  }

  std::optional<Frame> Pop() override { return std::exchange(chosen_, std::nullopt); }

 private:
  double Seconds(int64_t pts) const {
    return static_cast<double>(pts - start_) * time_base_.ToDouble();
  }

  double tick_;  // seconds
  Rational time_base_;
  int64_t start_ = 0;
  double next_tick_ = 0;
  bool holds_ = false;
  std::optional<Frame> chosen_;
  Frame held_;
};

}  // namespace mdvt
