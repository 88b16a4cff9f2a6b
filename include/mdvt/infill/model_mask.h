// SPDX-License-Identifier: Apache-2.0
//
// Masks of the main subject of single pictures, by a network of the contract "segment".
#pragma once

#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/model/model.h"

namespace mdvt {

struct ModelMaskOptions {
  int width = 0;  // of the pictures
  int height = 0;
  int batch = 1;  // pictures of one forward pass. Valid: [1, 64], what the model takes
  // false: samples over the largest of their format whatever the metadata's range says of the
  //        picture's own maximum, and the network's values as they are
  // true:  as the metadata says, and each mask is stretched so that its least value is 0 and its
  //        largest 1 (a mask of one value is 0)
  bool per_picture = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

class ModelMask {
 public:
  // Throws Error(kUnsupported) for a model of another kind, of several inputs, or of several
  // classes; Error(kInvalidArgument) for options.
  ModelMask(std::shared_ptr<const Model> model, const ModelMaskOptions& options,
            ThreadPool* pool = nullptr);
  ~ModelMask();

  // pictures  RGB of the stated size, as many as `batch` or fewer.
  // Returns   for each the probability that a pixel is of the subject, GrayF32 in [0, 1], of the
  //           pictures' size.
  // Throws what Model::Run throws, and Error(kInvalidArgument) for pictures of another size.
  std::vector<Image> Run(const std::vector<Image>& pictures);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
