// SPDX-License-Identifier: Apache-2.0
//
// The time of each picture of a video, always later than that of the one before.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/rational.h"

namespace mdvt::ff {

class FrameClock {
 public:
  // rate        frames per second, 0/1 if not known.
  // is_constant the container states that all frames are as long: gaps are missing frames.
  FrameClock(Rational time_base, Rational rate, bool is_constant);

  // stated    the timestamp that the file gives; empty if it gives none.
  // duration  of this picture in units of the time base; 0 if not known.
  // where     for the warning: "clip.mkv: frame 17".
  //
  // A frame without a timestamp follows the one before. One that is not later is moved by the least
  // that brings it in order if it is early by a few frames; else the file goes back in time
  // (joined recordings, a counter that ran over), and the clip goes on from where it was at its own
  // distance between frames. Warns once for each of the two.
  int64_t Next(std::optional<int64_t> stated, int64_t duration, const std::string& where);

  // Frames for which there is room between the last two, 0 unless the rate is constant; -1 for a
  // frame that comes late, into a hole that was counted.
  int64_t missing() const { return missing_; }
  // True if nearly all frames so far lay as far apart as the rate says, so that gaps mean
  // something.
  bool is_steady() const { return steps_ > 0 && steady_steps_ * 5 >= steps_ * 4; }

  // Usual distance of two frames; 0 if not known.
  int64_t distance() const;
  int64_t last() const { return last_; }
  int64_t longest_step() const { return longest_step_; }

 private:
  int64_t Joined(int64_t stated, const std::string& where);
  void Warn(int64_t stated, bool is_joint, const std::string& where);
  void CountMissing(int64_t step);

  Rational time_base_;
  int64_t frame_ = 0;  // of the rate, in the time base
  bool is_constant_;
  bool started_ = false;
  int64_t last_ = 0;
  int64_t last_duration_ = 0;
  int64_t last_step_ = 0;
  int64_t longest_step_ = 0;
  int64_t offset_ = 0;  // what is added to the file's timestamps, and was before
  int64_t offset_before_ = 0;
  int64_t missing_ = 0;
  int64_t steps_ = 0;
  int64_t steady_steps_ = 0;
  bool is_disorder_ = false;  // the last frame was early by a few frames
  bool warned_order_ = false;
  bool warned_joint_ = false;
};

}  // namespace mdvt::ff
