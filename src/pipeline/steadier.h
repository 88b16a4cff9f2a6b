// SPDX-License-Identifier: Apache-2.0
//
// Finds flow and cuts for a stabiliser, and runs it on frames with their depth.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "core/object_pool.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/depth_source.h"
#include "pipeline/flow_finder.h"

namespace mdvt {

class Steadier : public Stage<PairedFrame, PairedFrame> {
 public:
  // keeps_pictures  the colour pictures come out again
  Steadier(const StabilizeOptions& options, const Camera& camera, Rational frame_rate,
           const ColorInfo& color, bool keeps_pictures, ThreadPool* pool);

  int latency() const override { return stabilizer_->latency() + (GuardsFlashes() ? 1 : 0); }
  void Push(PairedFrame pair) override;
  void Finish() override;
  std::optional<PairedFrame> Pop() override;

  bool CanSave() const override { return stabilizer_->CanSave(); }
  void Save(State* state) const override;
  void Load(const State& state) override;

  int64_t shots() const { return shots_; }
  // Of all frames: sum of log(scale)^2, and their number.
  double squared_log_scales() const { return squares_; }
  int64_t frames() const { return popped_; }

 private:
  struct Item {
    StabilizerInput input;
    Image luma;
    Frame color;
  };
  // Its picture is still out, in the stabiliser or as it came.
  struct Waiting {
    Frame color;
    std::optional<DepthEstimate> as_it_came;
  };

  // With lookahead a cut waits for the frame after it: if that one goes on from the frame before
  // the cut, the frame between is a flash. It passes as it came, and the shot goes on.
  bool GuardsFlashes() const { return options_.cuts && info_.lookahead > 0; }
  void HandHeld();
  void Hand(Item item, std::shared_ptr<const FlowPair> flow, bool cut);
  Image Small(const Image& picture);

  StabilizeOptions options_;
  Camera camera_;
  double seconds_per_frame_;
  ColorInfo color_;
  bool keeps_pictures_;
  ThreadPool* pool_;
  std::unique_ptr<DepthStabilizer> stabilizer_;
  StabilizerInfo info_;
  std::optional<ImageResizer> resizer_;
  ColorConverter converter_, luma_converter_, guide_converter_;
  FlowFinder flow_;
  std::optional<Item> held_;  // at a cut, or a flash
  Image before_held_;         // luma of the frame before it
  std::deque<Waiting> waiting_;
  int64_t pushed_ = 0, popped_ = 0, shots_ = 0;
  double squares_ = 0;
};

// Any source of depth with a stabiliser behind it.
std::unique_ptr<DepthSource> Stabilized(std::unique_ptr<DepthSource> source,
                                        const StabilizeOptions& options);

}  // namespace mdvt
