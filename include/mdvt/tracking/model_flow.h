// SPDX-License-Identifier: Apache-2.0
//
// Optical flow by a network of kind "flow": RAFT, SEA-RAFT and whatever else states in its metadata
// what it takes and gives.
#pragma once

#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/model/model.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

// Two pictures of the same size, Rgb(8).
struct PicturePair {
  Image first;
  Image second;
};

// Pictures are resized as the metadata says; vectors come back at the size of the pictures, in
// their pixels.
class ModelFlow {
 public:
  // width, height  of the pictures
  // pool           for resizing; null: the calling thread alone
  // Throws Error: kInvalidArgument (size), kUnsupported as CheckFlowModel().
  ModelFlow(std::shared_ptr<const Model> model, int width, int height, ThreadPool* pool);
  ~ModelFlow();

  // Pairs of one pass at most; a network that cannot take several takes one at a time.
  int most_pairs() const;

  // One pass over all pairs, and over less at a time, down to single ones, where there is not
  // memory enough. Throws as Model::Run, and Error(kInvalidArgument) for pictures of another format
  // or size, or more than most_pairs().
  std::vector<FlowField> Compute(const std::vector<PicturePair>& pairs);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Throws Error(kUnsupported) unless the network takes two pictures and gives flow.
void CheckFlowModel(const ModelInfo& info);

}  // namespace mdvt
