// SPDX-License-Identifier: Apache-2.0
//
// What an mdvt_model handle holds. Stages and jobs share it, so that it may be closed before them.
#pragma once

#include <memory>
#include <string>

#include "mdvt.h"
#include "mdvt/model/model.h"

struct mdvt_model {
  std::shared_ptr<const mdvt::Model> model;
  std::string backend;  // for mdvt_model_info
};
