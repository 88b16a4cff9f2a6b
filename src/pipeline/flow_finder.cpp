// SPDX-License-Identifier: Apache-2.0
#include "pipeline/flow_finder.h"

#include <utility>

#include "mdvt/tracking/flow_cut.h"

namespace mdvt {

std::shared_ptr<const FlowPair> FlowFinder::Next(const Image& luma, bool* cut) {
  if (cut != nullptr) *cut = false;
  const Image last = std::exchange(before_, luma);
  if (last.empty()) return nullptr;
  // The memory of a pair that nobody looks at any more.
  std::shared_ptr<FlowPair> pair = pairs_.Get();
  std::swap(to_before_.vectors, pair->to_before);
  std::swap(from_before_.vectors, pair->from_before);
  to_before_.vectors.clear();  // no start for the search
  from_before_.vectors.clear();
  const PlaneView<const uint8_t> now = luma.Plane<uint8_t>(), past = last.Plane<uint8_t>();
  const auto compute = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (i == 0)
        there_.Compute(now, past, &to_before_);
      else
        back_.Compute(past, now, &from_before_);
    }
  };
  if (pool_ != nullptr)
    pool_->ParallelFor(2, 1, compute);
  else
    compute(0, 2);
  if (cut != nullptr) *cut = IsFlowCut(MeasureFlowCut(past, now, to_before_, from_before_));
  pair->width = to_before_.width;
  pair->height = to_before_.height;
  std::swap(to_before_.vectors, pair->to_before);
  std::swap(from_before_.vectors, pair->from_before);
  return pair;
}

}  // namespace mdvt
