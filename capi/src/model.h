// SPDX-License-Identifier: Apache-2.0
//
// What an mdvt_model handle holds. Stages and jobs share it, so that it may be closed before them.
#pragma once

#include <memory>
#include <string>

#include "mdvt.h"
#include "mdvt/model/model.h"
#include "mdvt/pipeline/depth_model.h"

struct mdvt_model {
  std::shared_ptr<const mdvt::Model> model;
  bool deterministic = false;
  std::string backend;  // for mdvt_model_info
};

namespace mdvt::capi {

// The model of a job; NULL is none. Throws Error(kInvalidArgument) for input_size and batch, which
// are checked without a model too, and Error(kUnsupported) for a model of another kind.
DepthModelOptions ToDepthModel(const mdvt_model* model, int32_t input_size, int32_t batch);

}  // namespace mdvt::capi
