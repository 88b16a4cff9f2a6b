// SPDX-License-Identifier: Apache-2.0
//
// Frames as the eyes take them: with their depth, and knowing where scenes begin.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "mdvt/core/stage.h"
#include "pipeline/depth_source.h"
#include "pipeline/eye_maker.h"
#include "pipeline/scene_starts.h"

namespace mdvt {

// A frame on its way through the job. `shows`: how many frames of the output it is.
struct InputFrame {
  PairedFrame pair;
  int64_t index = 0;  // counts the frames of the source
  int64_t pts = 0;
  int64_t duration = 0;  // of one show, in the output's time base
  int64_t shows = 1;
  double seconds = 0;
};

class EyeInputs : public Stage<InputFrame, EyeInput> {
 public:
  // depth   must outlive the object, and have been started
  // source  of the pictures, which are pushed in `format`
  EyeInputs(DepthSource* depth, SceneCuts cuts, const SteadyOptions& steady, const Limits& limits,
            const VideoInfo& source, const PixelFormat& format, ThreadPool* pool)
      : depth_(depth),
        cuts_(cuts),
        starts_(cuts, steady.scene_file, limits, source, format, pool) {}

  int latency() const override { return depth_->latency(); }
  int group() const override { return depth_->group(); }
  void Push(InputFrame input) override;
  void Finish() override;
  std::optional<EyeInput> Pop() override;

  // As the depth, which is saved too.
  bool CanSave() const override { return depth_->CanSave(); }
  void Save(State* state) const override;
  void Load(const State& state) override;

 private:
  DepthSource* depth_;
  SceneCuts cuts_;
  SceneStarts starts_;
  std::deque<EyeInput> waiting_;  // without picture and depth
  std::deque<bool> begins_;       // a scene
  std::optional<PairedFrame> found_;
};

}  // namespace mdvt
