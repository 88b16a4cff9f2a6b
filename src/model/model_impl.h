// SPDX-License-Identifier: Apache-2.0
//
// What an open model and the tensors of its backend are made of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/model/model.h"
#include "mdvt_backend.h"
#include "model/layout.h"

namespace mdvt {

struct ModelTensor::Impl {
  const mdvt_backend* table = nullptr;
  mdvt_backend_tensor tensor = {};  // owns its buffer
  Shape shape;
  std::string device;
  std::string where;  // "'net.pt': output 'depth'"
  bool non_negative = false;
  bool reduced_precision = false;
  bool prepared = false;  // no network has returned it: values as a network wants them

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { table->free_buffer(tensor.buffer); }
};

struct Model::Impl {
  std::string path;
  std::string sha256;
  ModelOptions options;
  const mdvt_backend* table = nullptr;
  ModelInfo info;
  mdvt_backend_model* model = nullptr;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (model != nullptr) table->close(model);
  }

  [[noreturn]] void Fail(Code code, const std::string& text) const {
    throw Error(code, "'" + path + "': " + text);
  }
  void CheckInput(const ModelInputInfo& input, size_t index, const Shape& shape,
                  LayoutDims* dims) const;
  void CheckBytes(const Shape& shape, const std::string& what, int64_t* bytes) const;
  // Checks all inputs; what they are for the backend. `normalized` gets those that are not passed
  // on as they are.
  std::vector<mdvt_backend_tensor> Prepare(const std::vector<ModelInput>& inputs, LayoutDims* dims,
                                           std::vector<Tensor>* normalized, int64_t* bytes) const;
  // What a failed run had been given: the network's own text does not tell.
  std::string GivenText(const std::vector<ModelInput>& inputs) const;
  // On the CPU; elsewhere the calling thread waits for the device.
  int ThreadsOfARun() const {
    return options.device == "cpu" && !options.deterministic ? ResolveThreads(options.num_threads)
                                                             : 1;
  }
};

}  // namespace mdvt
