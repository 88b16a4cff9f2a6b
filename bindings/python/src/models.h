// SPDX-License-Identifier: Apache-2.0
//
// Networks as Python holds them: for estimators and jobs that take one.
#pragma once

#include <memory>

#include "mdvt/model/model.h"
#include "mdvt/pipeline/depth_model.h"

namespace mdvt::python {

struct PyModel {
  std::shared_ptr<const Model> model;
  bool deterministic = false;
};

// The model of a job; null is none.
DepthModelOptions DepthModel(const PyModel* model, int input_size, int batch);

}  // namespace mdvt::python
