// SPDX-License-Identifier: Apache-2.0
//
// The built-in depth engines. NAME_engine.cpp holds each; it is compiled because it is there.
#include "pipeline/depth_source.h"

namespace mdvt {

DepthEngineInfo FileDepthEngine();
DepthEngineInfo ModelDepthEngine();
DepthEngineInfo MotionDepthEngine();

const std::vector<DepthEngineInfo>& DepthEngines() {
  static const std::vector<DepthEngineInfo> engines = {FileDepthEngine(), MotionDepthEngine(),
                                                       ModelDepthEngine()};
  return engines;
}

}  // namespace mdvt
