// SPDX-License-Identifier: Apache-2.0
//
// The stage that paints over masked parts of frames, looking at frames before and after.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/stage.h"
#include "mdvt/infill/model_inpaint.h"
#include "mdvt/infill/observed_fill.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/model/size_rules.h"
#include "mdvt/pipeline/inpaint.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

// A mask, made ready: what is painted over, and how the picture passes into it.
struct InpaintMask {
  HoleMap holes;   // the white of the mask with its border, within the box
  Image white;     // the same, Gray(8)
  Image strength;  // Gray(8): 255 in the mask, falling to 0 at the end of the border
  int64_t pixels = 0;
};

struct InpaintInput {
  Frame frame;
  std::shared_ptr<const InpaintMask> mask;
};

// mask  Gray(8), of the frame's size; `box` the part of it that is worked on
std::shared_ptr<const InpaintMask> PrepareMask(const Image& mask, const PixelRect& box, int dilate,
                                               int blend);

// The box of the white of a mask with room for what is around it, at even positions; empty if there
// is no white.
PixelRect BoxOfMask(const Image& mask, int room);

class Inpainter : public Stage<InpaintInput, Frame> {
 public:
  // format, color  of the frames
  // model          null: what no frame has seen is painted over without a network
  Inpainter(const InpaintJobOptions& options, const PixelFormat& format, const ColorInfo& color,
            const PixelRect& box, std::shared_ptr<const Model> model, ThreadPool* pool);
  ~Inpainter() override;

  int latency() const override { return options_.temporal ? options_.window : 0; }
  void Push(InpaintInput input) override;
  void Finish() override { finished_ = true; }
  std::optional<Frame> Pop() override;

  double mask_share() const;
  double observed_share() const;
  // What a frame that waits takes.
  static int64_t BytesPerFrame(const PixelFormat& format, int width, int height,
                               const PixelRect& box);

 private:
  struct Waiting {
    InpaintInput input;
    Image luma;  // of the box, until the next frame has come
    FlowField to_next, to_previous;
  };

  ImageView BoxOf(const Image& image) const;
  void MeasureMotion(Waiting* before, Waiting* frame);
  Frame Paint(size_t index);
  void PaintUnseen(const Image& unseen, Image* part);

  InpaintJobOptions options_;
  PixelFormat format_;
  ColorInfo color_;
  PixelRect box_;
  ThreadPool* pool_;
  FlowFill flow_fill_;
  std::optional<ModelInpaint> network_;
  ColorConverter to_luma_, to_rgb_, from_rgb_;
  DenseFlow flow_, flow_back_;
  std::deque<Waiting> window_;
  size_t next_ = 0;
  bool finished_ = false;
  FillCounts counts_;
  int64_t masked_ = 0;
  int64_t pixels_ = 0;
};

}  // namespace mdvt
