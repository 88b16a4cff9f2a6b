// SPDX-License-Identifier: Apache-2.0
//
// The two files of an NVDS network, opened.
#pragma once

#include <memory>
#include <string>

#include "mdvt/depth/nvds.h"

namespace mdvt {

struct NvdsModels {
  std::string backbone, head;
  std::string device = "cpu";
  bool trust_model = false;  // open files that no manifest lists
};

// Throws what Model::Open does, and Error(kUnsupported) if they are not those two.
std::shared_ptr<const NvdsNetwork> OpenNvds(const NvdsModels& models, int num_threads);

}  // namespace mdvt
