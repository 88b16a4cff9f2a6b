// SPDX-License-Identifier: Apache-2.0
//
// Depth made larger with the help of the color picture: its edges where the picture's are. Built
// in, or by a network that is given the small depth as a prompt, such as PromptDA.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/edge_aware.h"
#include "mdvt/model/model.h"

namespace mdvt {

struct GuidedUpscalerOptions {
  // Difference of neighbouring grey levels across which depth spreads little. Valid: (0, 255].
  double edge = 6;
  // Within so many small pixels of a depth edge the small map is not believed: the picture says
  // where the edge is. Valid: [0, 8].
  int doubt = 1;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// Without a network. 1 / depth is enlarged by bilinear interpolation, counts little near edges of
// the small map, and is smoothed along the edges of the guide (EdgeAwareSmoother), so that what is
// sure flows up to the picture's edge from both sides. No pixel leaves the range of the 3 x 3
// (2 doubt + 1 squared, if that is more) small pixels around it. Pixels without data (0) stay so.
class GuidedUpscaler {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit GuidedUpscaler(const GuidedUpscalerOptions& options = {});

  // small   metres, 0 = no data, infinity = farther than the file can say
  // guide   8-bit luma; its size is the result's. Throws Error(kInvalidArgument) for a guide that
  // is
  //         smaller than the depth in either direction.
  Image Upscale(const DepthView& small, PlaneView<const uint8_t> guide, ThreadPool* pool);

 private:
  GuidedUpscalerOptions options_;
  EdgeAwareSmoother smoother_;
};

// What the prompt is linear in.
enum class PromptDomain {
  kDisparity,  // 1 / depth
  kLog,        // log(depth)
  kDepth,      // as published; far things take most of the range
};

struct PromptUpscalerOptions {
  PromptDomain domain = PromptDomain::kDisparity;
  // Weight of the past in the range that is handed to the network; a range that jumps by more than
  // a half starts anew. Valid: [0, 1).
  double range_smoothing = 0.9;
  // As the original: each frame by its own least and largest value. `domain` is kDepth then.
  bool parity = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// By a network of kind "depth" with the inputs `image` [N, 3, H, W] and `prompt` [N, 1, H, W], the
// small depth in [0, 1] enlarged to the same size, and an output "depth" or "disparity" of scale
// "affine" in the same [0, 1]. The range is that of the 0.5 and 99.5 percentiles, widened by a
// twentieth at both ends, so that the network can exceed it; what of the prompt is past it stays as
// the guided upscaler has it.
class PromptUpscaler {
 public:
  // Throws Error(kInvalidArgument) (options), Error(kUnsupported) for a network of another kind.
  PromptUpscaler(std::shared_ptr<const Model> model, const PromptUpscalerOptions& options);

  // small    as above
  // picture  RGB of 8 to 16 bits, as large as the result
  // Throws as GuidedUpscaler, and as Model::Run().
  Image Upscale(const DepthView& small, const Image& picture, PlaneView<const uint8_t> guide,
                ThreadPool* pool);

 private:
  struct Range {
    double low = 0, high = 1;
  };
  Range RangeOf(const std::vector<float>& values);

  std::shared_ptr<const Model> model_;
  PromptUpscalerOptions options_;
  GuidedUpscaler guided_;
  std::optional<Range> range_;
  std::vector<Tensor> outputs_;
};

// Throws Error(kUnsupported) that says what is missing.
void RequirePromptNetwork(const ModelInfo& info);

}  // namespace mdvt
