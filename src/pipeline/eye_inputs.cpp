// SPDX-License-Identifier: Apache-2.0
#include "pipeline/eye_inputs.h"

#include <utility>
#include <vector>

#include "pipeline/frame_state.h"

namespace mdvt {

void EyeInputs::Push(InputFrame input) {
  starts_.Push(input.pair.color.image, input.index, input.seconds);
  EyeInput frame;
  frame.index = input.index;
  frame.seconds = input.seconds;
  frame.pts = input.pts;
  frame.duration = input.duration;
  frame.shows = input.shows;
  waiting_.push_back(std::move(frame));
  depth_->Push(std::move(input.pair));
}

void EyeInputs::Finish() {
  starts_.Finish();
  depth_->Finish();
}

std::optional<EyeInput> EyeInputs::Pop() {
  while (const std::optional<bool> cut = starts_.Pop()) begins_.push_back(*cut);
  // One at a time: an engine may hold the work of a whole window until it is asked.
  if (!found_) found_ = depth_->Pop();
  if (!found_ || begins_.empty()) return std::nullopt;
  EyeInput frame = std::move(waiting_.front());
  frame.color = std::move(found_->color.image);
  frame.depth = std::move(found_->depth.depth);
  frame.quantity = found_->depth.quantity;
  frame.world_from_cam = found_->world_from_cam;
  frame.new_scene = begins_.front() || (cuts_ != SceneCuts::kOff && found_->depth.starts_scene);
  waiting_.pop_front();
  begins_.pop_front();
  found_.reset();
  return frame;
}

void EyeInputs::Save(State* state) const {
  State starts, depth;
  starts_.Save(&starts);
  depth_->Save(&depth);
  state->Add("starts", starts);
  state->Add("depth", depth);
  SaveQueue("waiting", waiting_, &SavedInput, state);
  state->SetNumbers("begins", std::vector<double>(begins_.begin(), begins_.end()));
  state->SetFlag("found", found_.has_value());
  if (found_) state->Add("pair", SavedFrame(*found_));
}

void EyeInputs::Load(const State& state) {
  const std::vector<double> begins = state.Numbers("begins");
  std::deque<EyeInput> waiting = LoadQueue<EyeInput>("waiting", state, &LoadedInput);
  std::optional<PairedFrame> found;
  if (state.Flag("found")) LoadFrame(state.Part("pair"), &found.emplace());
  starts_.Load(state.Part("starts"));
  depth_->Load(state.Part("depth"));
  waiting_ = std::move(waiting);
  begins_.assign(begins.begin(), begins.end());
  found_ = std::move(found);
}

}  // namespace mdvt
