// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_frames.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kSecond = 1e6;        // microseconds
constexpr double kWorthSeeking = 2e6;  // of video before the first time
constexpr double kSlack = 1;           // of times that were rounded
constexpr double kUsualDistance = kSecond / 30;

std::string Seconds(double us) { return FormatFixed(us / kSecond, 3) + " s"; }

}  // namespace

ClipFrames::ClipFrames(VideoReader* reader, const std::vector<int64_t>& times_us)
    : reader_(reader), times_us_(times_us) {}

double ClipFrames::TimeOf(const Frame& frame) const {
  const Rational base = reader_->info().time_base;
  return static_cast<double>(frame.pts - reader_->info().start_pts) * kSecond *
         static_cast<double>(base.num) / static_cast<double>(base.den);
}

std::optional<Frame> ClipFrames::Next() {
  if (!times_us_.empty()) return NextOfClip();
  std::optional<Frame> frame = reader_->Read();
  if (frame) taken_us_.push_back(std::llround(TimeOf(*frame)));
  return frame;
}

void ClipFrames::Enter() {
  entered_ = true;
  const Rational rate = reader_->info().frame_rate;
  const auto first = static_cast<double>(times_us_.front());
  if (rate.num <= 0 || first < kWorthSeeking) return;
  // A little before, and from the beginning if that was too late: the rate is a mean.
  const auto frame = static_cast<int64_t>(first / kSecond * static_cast<double>(rate.num) /
                                          static_cast<double>(rate.den)) -
                     2;
  reader_->SeekTo(std::clamp<int64_t>(frame, 0, std::max<int64_t>(0, reader_->CountFrames() - 1)));
  const std::optional<Frame> there = reader_->Read();
  reader_->SeekTo(there && TimeOf(*there) <= first ? there->index : 0);
}

std::optional<Frame> ClipFrames::NextOfClip() {
  if (!entered_) Enter();
  if (taken_us_.size() == times_us_.size()) return std::nullopt;
  const Rational rate = reader_->info().frame_rate;
  const double distance =
      rate.num > 0 ? kSecond * static_cast<double>(rate.den) / static_cast<double>(rate.num)
                   : kUsualDistance;
  const auto wanted = static_cast<double>(times_us_[taken_us_.size()]);
  while (std::optional<Frame> frame = reader_->Read()) {
    const double off = TimeOf(*frame) - wanted;
    if (off < -distance / 2 - kSlack) continue;
    Require(off <= distance / 2 + kSlack, Code::kCorrupt,
            "'" + reader_->info().path + "' has no frame at " + Seconds(wanted) + ", where entry " +
                std::to_string(taken_us_.size()) +
                " of the clip's times wants one; the next is at " + Seconds(wanted + off) +
                ": is it another version of the video?");
    worst_us_ = std::max(worst_us_, std::abs(off));
    if (taken_us_.empty()) first_pts_ = frame->pts;
    taken_us_.push_back(times_us_[taken_us_.size()]);
    frame->pts -= first_pts_;
    return frame;
  }
  return std::nullopt;
}

void ClipFrames::RequireAll(int64_t most) const {
  const size_t wanted =
      most < 0 ? times_us_.size() : std::min(times_us_.size(), static_cast<size_t>(most));
  Require(taken_us_.size() >= wanted, Code::kCorrupt,
          "'" + reader_->info().path +
              "' ends before the clip does: " + std::to_string(taken_us_.size()) + " of " +
              std::to_string(wanted) + " frames were there, the last is wanted at " +
              Seconds(static_cast<double>(times_us_[wanted - 1])));
}

}  // namespace mdvt
