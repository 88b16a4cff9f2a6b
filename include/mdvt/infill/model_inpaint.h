// SPDX-License-Identifier: Apache-2.0
//
// Paints over parts of single pictures by a network of the contract "inpaint".
#pragma once

#include <memory>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/model/model.h"

namespace mdvt {

class ModelInpaint {
 public:
  // For pictures of one size. Throws Error(kUnsupported) for a model of another kind, or whose
  // inputs are not a picture and a mask of one channel.
  ModelInpaint(std::shared_ptr<const Model> model, int width, int height,
               ThreadPool* pool = nullptr);
  ~ModelInpaint();

  // picture  Rgb of 8 or 16 bits; where `mask` is above 127 it becomes what the network paints.
  // The network gets the whole picture, with what is there in masked pixels.
  // Throws what Model::Run throws, and Error(kInvalidArgument) for another size or format.
  void Run(PlaneView<const uint8_t> mask, const MutableImageView& picture);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
