// SPDX-License-Identifier: Apache-2.0
//
// One TorchScript file in LibTorch, as a C++ class. Everything here throws what LibTorch throws, or
// Failure; torch_backend.cpp turns that into statuses.
#pragma once

#include <torch/script.h>

#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "block_cache.h"
#include "mdvt_backend.h"

namespace mdvt::torch_backend {

// A failure with its status and a text of our own.
class Failure : public std::runtime_error {
 public:
  Failure(mdvt_backend_status status, const std::string& text)
      : std::runtime_error(text), status_(status) {}
  mdvt_backend_status status() const { return status_; }

 private:
  mdvt_backend_status status_;
};

// The text of "mdvt.json" in the archive, read without loading the network or running any of its
// code; empty if there is none.
std::string ReadMetadata(const std::string& path);

// Throws Failure(MDVT_BACKEND_UNSUPPORTED) that names a device which is not there.
c10::Device ParseDevice(const std::string& text);

// The calling thread uses this many threads from now on.
void UseThreads(int count);

class TorchModel {
 public:
  TorchModel(const std::string& path, const mdvt_backend_options& options);

  // May be called from several threads.
  std::vector<at::Tensor> Run(const mdvt_backend_tensor* inputs, size_t count);
  // See trace_run of mdvt_backend.h. Throws Failure(MDVT_BACKEND_UNSUPPORTED) where it is not
  // known.
  std::vector<int64_t> TraceRun(const mdvt_backend_tensor* inputs, size_t count);

  c10::Device device() const { return device_; }
  int num_threads() const { return num_threads_; }

 private:
  void CheckArguments(size_t count) const;
  std::vector<c10::IValue> MakeInputs(const mdvt_backend_tensor* inputs, size_t count) const;
  void WarmUp(const mdvt_backend_tensor* inputs, size_t count);
  std::vector<at::Tensor> TakeOutputs(const c10::IValue& value) const;

  BlockCacheUser cache_;
  torch::jit::Module module_;
  c10::Device device_;
  at::ScalarType type_ = at::kFloat;  // what the module takes
  bool half_outputs_ = false;         // outputs of reduced precision are accepted
  bool channels_last_ = false;
  int num_threads_ = 1;

  std::mutex mutex_;                        // of what follows
  std::vector<std::vector<int64_t>> warm_;  // sizes that the executor has specialised on
};

}  // namespace mdvt::torch_backend

// A tensor on its way through the C table.
struct mdvt_backend_buffer {
  at::Tensor tensor;
};
