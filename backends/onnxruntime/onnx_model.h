// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <onnxruntime_cxx_api.h>

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mdvt_backend.h"
#include "onnx_plan.h"

// Values of an output, float32 on the host.
struct mdvt_backend_buffer {
  Ort::Value value{nullptr};   // as the network gave it, where that is float32
  std::vector<float> widened;  // else
  const float* data = nullptr;
  size_t count = 0;
};

namespace mdvt::onnx_backend {

class Failure : public std::runtime_error {
 public:
  Failure(mdvt_backend_status status, const std::string& text)
      : std::runtime_error(text), status_(status) {}
  mdvt_backend_status status() const { return status_; }

 private:
  mdvt_backend_status status_;
};

// The value of the key "mdvt.json" in metadata_props; empty if the file has none. Reads the
// outermost fields of the file only and passes over the network.
std::string ReadMetadata(const std::string& path);

class OnnxModel {
 public:
  OnnxModel(const std::string& path, const mdvt_backend_options& options);

  void Run(const mdvt_backend_tensor* inputs, size_t num_inputs, mdvt_backend_tensor* outputs,
           size_t capacity, size_t* num_outputs);

  // See plan_run of mdvt_backend.h.
  void Plan(const mdvt_backend_tensor* inputs, size_t num_inputs, int64_t* events, size_t capacity,
            size_t* count) const;

 private:
  struct Port {
    std::string name;
    ONNXTensorElementDataType type;
  };

  static Port PortOf(const std::string& name, const Ort::TypeInfo& info, const char* what);
  // Leaves those outputs that the metadata names, in its order: run() computes no others.
  void KeepWanted(const char* const* names, size_t count);
  // The place of each of the session's inputs among those that come in.
  std::vector<size_t> Order(const mdvt_backend_tensor* inputs, size_t num_inputs) const;

  // Weights outside the file, which the session goes on reading.
  class MappedFile;
  std::vector<std::shared_ptr<MappedFile>> weights_;
  Ort::Session session_{nullptr};
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  OnnxPlan plan_;
  bool can_plan_ = false;
};

}  // namespace mdvt::onnx_backend
