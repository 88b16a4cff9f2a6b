// SPDX-License-Identifier: Apache-2.0
#include "pipeline/flow_finder.h"

#include <utility>

#include "mdvt/tracking/flow_cut.h"

namespace mdvt {

std::shared_ptr<const FlowPair> FlowFinder::Next(const Image& luma, bool* cut) {
  if (cut != nullptr) *cut = false;
  const Image last = std::exchange(before_, luma);
  if (last.empty()) return nullptr;
  FlowField to_before, from_before;
  const PlaneView<const uint8_t> now = luma.Plane<uint8_t>(), past = last.Plane<uint8_t>();
  const auto compute = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (i == 0)
        there_.Compute(now, past, &to_before);
      else
        back_.Compute(past, now, &from_before);
    }
  };
  if (pool_ != nullptr)
    pool_->ParallelFor(2, 1, compute);
  else
    compute(0, 2);
  if (cut != nullptr) *cut = IsFlowCut(MeasureFlowCut(past, now, to_before, from_before));
  auto pair = std::make_shared<FlowPair>();
  pair->width = to_before.width;
  pair->height = to_before.height;
  pair->to_before = std::move(to_before.vectors);
  pair->from_before = std::move(from_before.vectors);
  return pair;
}

}  // namespace mdvt
