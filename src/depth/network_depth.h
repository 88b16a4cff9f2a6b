// SPDX-License-Identifier: Apache-2.0
//
// What networks of single pictures and of windows have in common: which output is depth, at which
// size it is made, and how its numbers become depth or disparity.
#pragma once

#include <optional>

#include "core/object_pool.h"
#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/model/model_info.h"
#include "mdvt/model/pass_memory.h"
#include "mdvt/model/size_rules.h"

namespace mdvt::depth {

// The output that is depth in one of its forms. Throws Error(kUnsupported).
size_t DepthOutput(const ModelInfo& info);

// The rule of the first input with another target. Throws Error(kInvalidArgument).
SizeRule RuleFor(const ModelInfo& info, int input_size);

// A pass over pictures of this size, for RequirePassMemory(). `info` outlives it.
PassMemoryCheck MemoryCheck(const ModelInfo& info, int input_size, PixelSize picture);

// Values in 0..1 of a picture as the network wants them.
void ScaleRange(InputRange range, const Image& picture, float* values, int64_t count);

// y = inverse depth, NaN where there is none.
float DepthOfDisparity(float inverse);

// Rows of a network's output, at the size of the frame, to metric depth, or to relative disparity
// with NaN for no data.
class QuantityMaker {
 public:
  QuantityMaker(const ModelOutputInfo& output, bool relative, const Camera& camera,
                const SizePlan& plan)
      : output_(output), relative_(relative), camera_(camera), plan_(plan) {}
  void Convert(int y, float* row) const;

 private:
  const ModelOutputInfo& output_;
  bool relative_;
  Camera camera_;
  SizePlan plan_;
};

// Relative disparity to metres, in place.
void ApplyCalibration(const DisparityCalibration& calibration, ThreadPool* pool,
                      PlaneView<float> map);

// What an estimator does with the relative disparity of its network, wherever that is.
struct RelativeRule {
  std::optional<double> median_depth;  // makes the first map's calibration
  bool leave_on_device = false;        // what is neither calibrated nor to be
};
// Makes an estimate metric where there is a calibration or a rule for one, and brings what is left
// to the host. Estimates that are metric stay as they are.
void Settle(const RelativeRule& rule, ImagePool* pictures, ThreadPool* pool,
            std::optional<DisparityCalibration>* calibration, DepthEstimate* estimate);

}  // namespace mdvt::depth
