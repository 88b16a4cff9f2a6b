// SPDX-License-Identifier: Apache-2.0
//
// The stage that fills both eyes chunk by chunk.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "mdvt/core/stage.h"
#include "mdvt/infill/diffusion_fill.h"
#include "mdvt/io/color_convert.h"
#include "pipeline/sbs_pair.h"

namespace mdvt {

class SbsCrafter : public Stage<SbsFrame, SbsFrame> {
 public:
  // format, color  of the frames
  // chunk, carry   see StereoCrafterJobOptions
  // left_first     the left eye is on the left
  SbsCrafter(const DiffusionParts& parts, const DiffusionOptions& options, int chunk, int carry,
             const PixelFormat& format, const ColorInfo& color, bool left_first, ThreadPool* pool);

  int latency() const override { return chunk_; }
  void Push(SbsFrame frame) override;
  void Finish() override;
  // Without its mask.
  std::optional<SbsFrame> Pop() override;

  double hole_share() const;
  int64_t runs() const { return runs_; }

 private:
  struct Waiting {
    SbsFrame frame;
    std::array<Image, 2> eyes;   // RgbF32, holes black
    std::array<Image, 2> masks;  // Gray(8)
  };

  void FillWaiting();
  void FillEye(size_t first, int eye);

  DiffusionFill fill_;
  int chunk_, carry_;
  PixelFormat format_;
  PixelFormat rgb_format_;
  ColorInfo color_;
  bool left_first_;
  ColorConverter to_rgb_, from_rgb_;
  std::deque<Waiting> window_;
  size_t done_ = 0;  // frames at its front that are filled, and kept for the next chunk
  std::deque<SbsFrame> ready_;
  int64_t holes_ = 0;
  int64_t pixels_ = 0;
  int64_t runs_ = 0;
};

}  // namespace mdvt
