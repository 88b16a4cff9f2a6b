// SPDX-License-Identifier: Apache-2.0
//
// What a run takes in memory, told from the graph before anything is computed.
//
// A network is kept without its weights. For inputs of a certain size the runtime itself is asked
// for the size of every value: it opens the network once to fold what follows from the sizes alone,
// and once more with all values as outputs. Weights are inputs of known shape there, so that none
// is read. From the order of the nodes follows when each value is made and when it ends.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mdvt::onnx_backend {

class OnnxPlan {
 public:
  OnnxPlan() = default;
  explicit OnnxPlan(std::string_view file);

  // The events of mdvt_backend.h's plan_run, for inputs of these shapes. `outputs` are those that a
  // run is asked for. Throws Failure(MDVT_BACKEND_UNSUPPORTED) where the sizes do not tell: a value
  // whose size depends on what is computed, branches and loops.
  std::vector<int64_t> Events(const Ort::Env& env,
                              const std::map<std::string, std::vector<int64_t>>& inputs,
                              const std::vector<std::string>& outputs) const;

 private:
  std::string model_;                          // all fields but the graph
  std::string graph_;                          // all fields but the inputs and large weights
  std::string weights_;                        // large weights, as inputs
  std::map<std::string, std::string> inputs_;  // each as the file declares it
};

}  // namespace mdvt::onnx_backend
