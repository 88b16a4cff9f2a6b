// SPDX-License-Identifier: Apache-2.0
//
// The Neural Video Depth Stabilizer (NVDS): a network that sees four frames with their disparity
// and gives a steadier disparity of the last one. It comes as two modules: features of one frame
// do not depend on where in a window the frame is, so that each frame needs the large half once.
//
//   backbone  frame [N, 4, H, W] -> features [N, C, H / 4, W / 4]
//   head      f0, f1, f2, f3 [N, C, H / 4, W / 4] (f3 is the target), image [N, 3, H, W]
//             -> disparity [N, 1, H, W]
//
// Frames are RGB in 0..1 (the module normalises) and disparity in 0..1, larger is nearer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/stabilizer.h"
#include "mdvt/model/model.h"

namespace mdvt {

enum class NvdsStartup {
  kReplicate,  // what history there is, its first frame repeated: 0 0 1 2
  kRepeat,     // the frame itself four times, as the original does
};

// Which four frames the network sees for frame i of a pass, oldest first: i - 3 s, i - 2 s, i - s,
// i. `step` s counts from frame 4 s on; before that frames are neighbours (s = 1), and for i < 3
// the startup decides.
std::array<int64_t, 4> NvdsWindow(int64_t i, int64_t step, NvdsStartup startup);

class NvdsNetwork {
 public:
  // Throws Error(kUnsupported) for modules that are not these two.
  NvdsNetwork(std::shared_ptr<const Model> backbone, std::shared_ptr<const Model> head);

  // Sides are multiples of this.
  int multiple() const;
  // The one size that the modules know; empty if they take any.
  std::optional<PixelSize> fixed_size() const;
  // rgb        3 x H x W in 0..1, as PictureToTensor makes it, cubic without antialiasing
  // disparity  H x W in 0..1
  ModelTensor Encode(const float* rgb, const float* disparity, int width, int height) const;
  // Disparity of the last frame, H x W, >= 0, of any range.
  void Decode(const std::array<const ModelTensor*, 4>& features, const float* rgb, int width,
              int height, std::vector<float>* disparity) const;

 private:
  std::shared_ptr<const Model> backbone_;
  std::shared_ptr<const Model> head_;
};

// Size of the network's input: the short side near 384, both sides multiples.
//   1920x1080 -> 672x384
PixelSize NvdsSize(int width, int height, int short_side = 384, int multiple = 32);

// Disparity to [0, 1] by its own least and largest value, all 0 where they are the same; NaN
// becomes 0.
void NormalizeByRange(std::vector<float>* disparity);

// What both passes say of one frame, joined: `backward` is fitted to `forward` by a robust line,
// and pixels are weighted by how little each pass changes along the flow, within [0.2, 0.8]. The
// first three frames of a clip take 0.8 of the backward pass and the last three of the forward one:
// each pass is unsure where it begins. before  both passes' maps of the frame before, null for the
// first frame; as large as the flow
std::vector<float> MixPasses(const std::vector<float>& forward, const std::vector<float>& backward,
                             const std::vector<float>* forward_before,
                             const std::vector<float>* backward_before, const FlowPair* flow,
                             int width, int height, int64_t frame, int64_t frames);

// Forward in time, without lookahead. Metric depth becomes disparity for the network, and what
// comes out is fitted to it again: a robust scale and shift per frame, averaged over two seconds.
class NvdsStabilizer : public DepthStabilizer {
 public:
  // width, height  of the depth
  NvdsStabilizer(std::shared_ptr<const NvdsNetwork> network, int width, int height,
                 ThreadPool* pool);
  ~NvdsStabilizer() override;

  StabilizerInfo info() const override;
  void Push(StabilizerInput input) override;
  void Finish() override;
  std::optional<StabilizedFrame> Pop() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
