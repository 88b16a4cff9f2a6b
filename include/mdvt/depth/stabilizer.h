// SPDX-License-Identifier: Apache-2.0
//
// Depth that flickers made steady: what every stabiliser looks like, and the built-in one, which
// needs no network.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "mdvt/core/parallel.h"
#include "mdvt/core/stage.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/depth/flow_pair.h"

namespace mdvt {

struct StabilizerInfo {
  int window = 1;           // frames that an output depends on, itself included
  int lookahead = 0;        // frames after it that it may depend on
  bool needs_flow = false;  // StabilizerInput::flow and picture
  // Size of picture and flow for depth of this size.
  int width = 0;
  int height = 0;
};

struct StabilizerInput {
  DepthEstimate depth;
  // Rgb(8), of the size that StabilizerInfo names.
  Image picture;
  // Gray(8) luma of the size of the depth, where that is not StabilizerInfo's: enlarging follows
  // it.
  Image guide;
  // To the frame before; null or empty for the first frame.
  std::shared_ptr<const FlowPair> flow;
  bool cut = false;  // the frame begins a shot: nothing before it is looked at
  double seconds = 0;
};

struct StabilizedFrame {
  DepthEstimate depth;  // in the quantity of the input
  // What the frame as a whole was multiplied by and shifted by, in 1 / depth.
  double scale = 1;
  double shift = 0;
  bool starts_shot = false;
};

// Every frame pushed comes out once, in order. After a cut the output is bit for bit that of a
// stabiliser that begins there.
class DepthStabilizer : public Stage<StabilizerInput, StabilizedFrame> {
 public:
  virtual StabilizerInfo info() const = 0;
};

// How whole frames are brought to one scale.
enum class FrameAlignment {
  kAuto,    // kScale for metric depth, kAffine for relative disparity
  kAffine,  // scale and shift of 1 / depth
  kScale,
  kOff,
};

struct FlowStabilizerOptions {
  // Of the depth that is pushed.
  int width = 0;
  int height = 0;
  // Short side of the pictures that the work is done on; never more than the depth's own. Valid:
  // [32, 4096].
  int short_side = 384;
  // Frames after a frame that it waits for; at 0 it is live. Frames are worked on in runs of this
  // many, so that up to twice as many are inside. Valid: [0, 256].
  int lookahead = 16;
  FrameAlignment align = FrameAlignment::kAuto;
  // How long the past counts, in seconds. Valid: (0, 60].
  double memory_seconds = 0.4;
  // Live: how fast the scale of frames goes back to what they say themselves, in seconds, so that
  // errors cannot pile up. Valid: (0, 3600].
  double leak_seconds = 2;
  // Horizontal field of view that the camera's motion is found with; matters little. Valid: (0,
  // 180).
  double xfov_deg = 60;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Works on s = 1 / depth, or relative disparity as it is, in these steps:
//
//   1. Trust c of each pixel in its flow: consistent there and back, and of the colour of where it
//      leads.
//   2. The camera's motion, six numbers fitted to flow and s, tells how s changes by itself where
//      the camera comes nearer.
//   3. Scale (and shift) of each frame as a whole, by Tukey's biweight. Live: against what has been
//      filtered so far, by an errors-in-variables line, so that contrast does not decay. With
//      lookahead: between frames up to 16 apart, all of a run solved together.
//   4. A Kalman filter per pixel along the flow, with gates for what is new.
//   5. What moves towards the camera on its own: a rate per pixel.
//   6. Corrections of fine structures count half.
//   7. With lookahead: the same backward in time, and both joined by their information.
//   8. Corrections are enlarged along the edges of the picture; no pixel leaves the range of its
//      neighbours by more than a tenth.
//
// Memory: lookahead * 2 frames of work and of depth; live the state of one frame.
class FlowStabilizer : public DepthStabilizer {
 public:
  // pool  may be null. Throws Error(kInvalidArgument), see Check().
  FlowStabilizer(const FlowStabilizerOptions& options, ThreadPool* pool);
  ~FlowStabilizer() override;

  StabilizerInfo info() const override;
  int latency() const override;

  // Throws Error(kInvalidArgument) for depth, pictures or flow of another size than info() and the
  // options state.
  void Push(StabilizerInput input) override;
  void Finish() override;
  std::optional<StabilizedFrame> Pop() override;

  // Live only: with lookahead it holds frames.
  bool CanSave() const override;
  void Save(State* state) const override;
  void Load(const State& state) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
