// SPDX-License-Identifier: Apache-2.0
#include "pipeline/frame_state.h"

#include <optional>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {

void SavePose(const std::optional<Pose>& pose, State* state) {
  std::vector<double> numbers;
  if (pose)
    for (int i = 0; i < 12; ++i) numbers.push_back(pose->matrix()(i / 4, i % 4));
  state->SetNumbers("pose", numbers);
}

std::optional<Pose> LoadPose(const State& state) {
  const std::vector<double> numbers = state.Numbers("pose");
  if (numbers.empty()) return std::nullopt;
  Require(numbers.size() == 12, Code::kCorrupt, "the saved state holds no pose");
  Pose pose = Pose::Identity();
  for (int i = 0; i < 12; ++i) pose.matrix()(i / 4, i % 4) = numbers[static_cast<size_t>(i)];
  return pose;
}

State SavedFrame(const PairedFrame& pair) {
  State state;
  state.SetImage("depth", pair.depth.depth);
  state.SetImage("confidence", pair.depth.confidence);
  state.SetImage("color", pair.color.image);
  state.SetNumbers(
      "frame",
      {static_cast<double>(pair.depth.quantity), static_cast<double>(pair.depth.starts_scene),
       static_cast<double>(pair.depth.index), static_cast<double>(pair.depth.pts),
       static_cast<double>(pair.depth.duration), static_cast<double>(pair.color.index),
       static_cast<double>(pair.color.pts), static_cast<double>(pair.color.duration)});
  SavePose(pair.world_from_cam, &state);
  return state;
}

void LoadFrame(const State& state, PairedFrame* pair) {
  const std::vector<double> n = state.Numbers("frame");
  Require(n.size() == 8, Code::kCorrupt, "the saved state holds no frame");
  PairedFrame loaded;
  loaded.depth.depth = state.GetImage("depth");
  loaded.depth.confidence = state.GetImage("confidence");
  loaded.color.image = state.GetImage("color");
  loaded.depth.quantity = static_cast<DepthQuantity>(n[0]);
  loaded.depth.starts_scene = n[1] != 0;
  loaded.depth.index = static_cast<int64_t>(n[2]);
  loaded.depth.pts = static_cast<int64_t>(n[3]);
  loaded.depth.duration = static_cast<int64_t>(n[4]);
  loaded.color.index = static_cast<int64_t>(n[5]);
  loaded.color.pts = static_cast<int64_t>(n[6]);
  loaded.color.duration = static_cast<int64_t>(n[7]);
  loaded.world_from_cam = LoadPose(state);
  *pair = std::move(loaded);
}

}  // namespace mdvt
