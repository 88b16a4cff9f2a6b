// SPDX-License-Identifier: Apache-2.0
//
// Optical flow between each picture of a clip and the one before it, both ways.
#pragma once

#include <memory>
#include <utility>

#include "core/object_pool.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/flow_pair.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

class FlowFinder {
 public:
  // pool  both ways are found at the same time; may be null
  FlowFinder(FlowEffort effort, ThreadPool* pool) : there_(effort), back_(effort), pool_(pool) {}

  // luma  Gray(8), of the same size each time
  // cut   set to whether a hard cut lies between; may be null
  // Null for the first picture.
  std::shared_ptr<const FlowPair> Next(const Image& luma, bool* cut);

  // The last picture, empty before the first: all that Next() depends on.
  const Image& before() const { return before_; }
  void SetBefore(Image luma) { before_ = std::move(luma); }

 private:
  DenseFlow there_, back_;
  FlowField to_before_, from_before_;
  ObjectPool<FlowPair> pairs_{[] { return std::make_unique<FlowPair>(); }};
  ThreadPool* pool_;
  Image before_;
};

}  // namespace mdvt
