// SPDX-License-Identifier: Apache-2.0
//
// The stage that fills both eyes chunk by chunk.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "mdvt/core/stage.h"
#include "mdvt/infill/clip_fill.h"
#include "mdvt/io/color_convert.h"
#include "pipeline/sbs_pair.h"

namespace mdvt {

struct CraftInput {
  SbsFrame sbs;
  Image original;  // Rgb(8) or Rgb(16), as large as an eye; empty if nobody asks for it
};

class SbsCrafter : public Stage<CraftInput, SbsFrame> {
 public:
  // chunk, carry, cross_fade  see StereoCrafterJobOptions
  // format, color             of the frames
  // left_first                the left eye is on the left
  SbsCrafter(std::unique_ptr<ClipFill> fill, int chunk, int carry, bool cross_fade,
             const PixelFormat& format, const ColorInfo& color, bool left_first);

  int latency() const override { return chunk_ + carry_; }
  void Push(CraftInput input) override;
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
    Image original;              // RgbF32; may be empty
  };

  void FillWaiting();
  void FillEye(size_t first, int eye);
  void Show(Waiting* waiting, int eye);

  std::unique_ptr<ClipFill> fill_;
  int chunk_, carry_;
  bool cross_fade_;
  PixelFormat format_;
  PixelFormat rgb_format_;
  ColorInfo color_;
  bool left_first_;
  ColorConverter to_rgb_, from_rgb_;
  std::deque<Waiting> window_;
  size_t done_ = 0;   // frames at its front that are filled, and kept for the next chunk
  size_t shown_ = 0;  // of them those that are ready; the others wait to be faded
  std::deque<SbsFrame> ready_;
  int64_t holes_ = 0;
  int64_t pixels_ = 0;
  int64_t runs_ = 0;
};

}  // namespace mdvt
