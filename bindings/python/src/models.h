// SPDX-License-Identifier: Apache-2.0
//
// Networks as Python holds them: for estimators and jobs that take one.
#pragma once

#include <memory>

#include "mdvt/model/model.h"

namespace mdvt::python {

struct PyModel {
  std::shared_ptr<const Model> model;
  bool deterministic = false;
};

}  // namespace mdvt::python
