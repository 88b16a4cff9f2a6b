// SPDX-License-Identifier: Apache-2.0
//
// Frames that a stage holds, as parts of its saved state.
#pragma once

#include <deque>
#include <optional>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/state.h"
#include "mdvt/depth/estimator.h"
#include "pipeline/depth_source.h"

namespace mdvt {

// Load functions throw Error(kCorrupt).
void SavePose(const std::optional<Pose>& pose, State* state);
std::optional<Pose> LoadPose(const State& state);
State SavedFrame(const PairedFrame& pair);
void LoadFrame(const State& state, PairedFrame* pair);

// A queue, first to last: save(item) gives the state of one, load(state) an item.
template <typename Item, typename SaveItem>
void SaveQueue(const std::string& name, const std::deque<Item>& queue, const SaveItem& save,
               State* state) {
  state->SetNumber(name + "_count", static_cast<double>(queue.size()));
  size_t i = 0;
  for (const Item& item : queue) state->Add(name + std::to_string(i++), save(item));
}
template <typename Item, typename LoadItem>
std::deque<Item> LoadQueue(const std::string& name, const State& state, const LoadItem& load) {
  const double count = state.Number(name + "_count");
  constexpr double kMost = 1 << 20;
  Require(count >= 0 && count <= kMost, Code::kCorrupt, "the saved state holds no queue");
  std::deque<Item> queue;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i)
    queue.push_back(load(state.Part(name + std::to_string(i))));
  return queue;
}

}  // namespace mdvt
