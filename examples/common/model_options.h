// SPDX-License-Identifier: Apache-2.0
//
// The options of all programs that can use a depth model.
#pragma once

#include <string>

#include "common/program.h"
#include "mdvt/pipeline/depth_model.h"

namespace mdvt::example {

class ModelSwitches {
 public:
  // --model (and --ckpt where that is documented), --batch, --fp16, --fp32, --deterministic,
  // --sha256, --trust_model; and more values for --device.
  void AddTo(Program* program, bool as_ckpt_too = false);

  // What the switches mean for a job; empty without a model. Opens the model, once for all items of
  // a list, with the job's threads. input_size: 0 = the model's own. Prints the licence of the
  // weights as a warning where it is not for every use. `input`: the video or list; one that cannot
  // be read is refused before the model, which takes a while to open. Throws Error.
  DepthModelOptions Open(const Program& program, int64_t input_size, const JobOptions& job,
                         const std::string& input);

  bool given() const { return !model_.path.empty(); }

 private:
  DepthModelOptions model_;
  int64_t batch_ = 1;
  bool fp16_ = false;
  bool fp32_ = false;
  bool trust_ = false;
};

}  // namespace mdvt::example
