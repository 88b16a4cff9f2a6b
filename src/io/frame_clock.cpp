// SPDX-License-Identifier: Apache-2.0
#include "io/frame_clock.h"

#include <algorithm>
#include <utility>

#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"

namespace mdvt::ff {
namespace {

// Frames that a decoder holds back at most.
constexpr int64_t kMostReordered = 16;

// Files state any 64 bits as a time: sums stop at the ends.
int64_t Add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? INT64_MAX : INT64_MIN;
}

int64_t Minus(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return a > b ? INT64_MAX : INT64_MIN;
}

}  // namespace

FrameClock::FrameClock(Rational time_base, Rational rate, bool is_constant)
    : time_base_(time_base), is_constant_(is_constant && rate.IsPositive()) {
  if (rate.IsPositive()) frame_ = std::max<int64_t>(1, Rescale(1, {rate.den, rate.num}, time_base));
}

int64_t FrameClock::distance() const {
  if (last_duration_ > 0) return last_duration_;
  return frame_ > 0 ? frame_ : last_step_;
}

int64_t FrameClock::Next(std::optional<int64_t> stated, int64_t duration,
                         const std::string& where) {
  int64_t time = 0;
  missing_ = 0;
  if (!started_) {
    time = stated.value_or(0);
  } else if (!stated) {
    time = Add(last_, std::max<int64_t>(1, distance()));
  } else {
    time = Joined(*stated, where);
  }
  if (started_) {
    last_step_ = Minus(time, last_);
    longest_step_ = std::max(longest_step_, last_step_);
    CountMissing(last_step_);
  }
  started_ = true;
  last_ = time;
  last_duration_ = duration;
  return time;
}

int64_t FrameClock::Joined(int64_t stated, const std::string& where) {
  const int64_t distance = std::max<int64_t>(1, this->distance());
  const int64_t time = Add(stated, offset_);
  if (time > last_) {
    // A single wrong time is over: what held before it holds again if that fits better.
    const int64_t before = Add(stated, offset_before_);
    const bool is_far = is_disorder_ || Minus(time, last_) / 4 > distance;
    is_disorder_ = false;
    if (!is_far || before <= last_ || before >= time) return time;
    std::swap(offset_, offset_before_);
    return before;
  }
  const int64_t back = Minus(last_, time);
  // A decoder that misses a picture may give others too late; the next tells whether it was that.
  is_disorder_ = back >= distance && back / kMostReordered < distance;
  Warn(stated, back >= distance && !is_disorder_, where);
  if (back < distance) return Add(last_, 1);
  const int64_t next = Add(last_, distance);
  offset_before_ = offset_;
  offset_ = Minus(next, stated);
  return is_disorder_ ? Add(last_, 1) : next;
}

void FrameClock::Warn(int64_t stated, bool is_joint, const std::string& where) {
  if (std::exchange(is_joint ? warned_joint_ : warned_order_, true)) return;
  const int64_t last = Minus(last_, offset_);
  const double tick = time_base_.ToDouble();
  if (is_joint) {
    LogWarning(where + " goes back in time, from " +
               FormatFixed(static_cast<double>(last) * tick, 3) + " s to " +
               FormatFixed(static_cast<double>(stated) * tick, 3) +
               " s: the clip goes on from where it was");
  } else {
    LogWarning(where + " has the timestamp " + std::to_string(stated) + ", not after " +
               std::to_string(last) +
               " of the frame before; such frames are moved by the least that brings them in "
               "order");
  }
}

void FrameClock::CountMissing(int64_t step) {
  if (!is_constant_) return;
  ++steps_;
  const int64_t frames = (step + frame_ / 2) / frame_;
  if (frames == 1) ++steady_steps_;
  // A picture that comes late leaves a hole where it belongs.
  missing_ = is_disorder_ ? -1 : std::max<int64_t>(0, frames - 1);
}

}  // namespace mdvt::ff
