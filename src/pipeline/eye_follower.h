// SPDX-License-Identifier: Apache-2.0
//
// Holes of finished eyes, filled with what other frames show there, where nobody knows how the
// camera moves: the background beside them is followed by its motion.
#pragma once

#include <deque>
#include <optional>

#include "mdvt/core/stage.h"
#include "pipeline/eye_maker.h"
#include "pipeline/sbs_filler.h"

namespace mdvt {

// It cannot be saved: it holds a window of pictures, their holes and the motion between them. To go
// on elsewhere it is given the frames of that window again.
class EyeFollower : public Stage<PackedFrame, PackedFrame> {
 public:
  // Frames come with their holes, which are black. `plain`: all of them come, and nothing is drawn
  // into them. `pool` must outlive the object.
  // Throws Error(kInvalidArgument) unless two whole eyes stand side by side, Error(kLimit) if the
  // window takes more memory than there may be.
  EyeFollower(const HoleOptions& holes, const ViewLayout& layout, const ViewCanvas& canvas,
              bool plain, const PixelFormat& format, const ColorInfo& color, const Limits& limits,
              ThreadPool* pool);

  int latency() const override { return filler_.latency(); }
  void Push(PackedFrame frame) override;
  void Finish() override { filler_.Finish(); }
  std::optional<PackedFrame> Pop() override;

  double observed_share() const { return filler_.observed_share(); }

 private:
  SbsFiller filler_;
  std::deque<PackedFrame> waiting_;  // without pictures
};

}  // namespace mdvt
