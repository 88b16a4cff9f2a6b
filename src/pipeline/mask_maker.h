// SPDX-License-Identifier: Apache-2.0
//
// The stage that makes masks of frames.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/stage.h"
#include "mdvt/depth/edge_aware.h"
#include "mdvt/infill/mask_steadier.h"
#include "mdvt/infill/model_mask.h"
#include "mdvt/infill/motion_score.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/pipeline/video_mask.h"
#include "mdvt/tracking/dense_flow.h"
#include "pipeline/scene_starts.h"

namespace mdvt {

class MaskMaker : public Stage<Frame, Frame> {
 public:
  // model  null: what moves on its own. `pool` must outlive the object.
  MaskMaker(const VideoMaskJobOptions& options, const VideoInfo& source,
            std::shared_ptr<const Model> model, ThreadPool* pool);
  ~MaskMaker() override;

  int group() const override { return network_ ? options_.model.batch : 1; }
  int latency() const override { return group() + step_ + kCutLatency; }
  void Push(Frame frame) override;
  void Finish() override;
  // Frames with a mask, Gray(8), in place of the picture.
  std::optional<Frame> Pop() override;

  double mask_share() const;

 private:
  static constexpr int kCutLatency = 2;

  // A motion and its round trip.
  struct Motion {
    FlowField flow;
    std::vector<float> trip;

    bool empty() const { return flow.empty(); }
    ObservedMotion view() const;
  };
  struct Waiting {
    Frame frame;
    Image guide;  // luma of the picture's size
    Image small;  // luma at working size
    Image rgb;    // for the network, until it has run
    Image probability;
    int64_t scene = 0;
    Motion back;  // to the frame `step_` before
    Motion previous;
  };

  void KnowScenes();
  void RunNetwork();
  bool Ready(size_t index) const;
  void Compare(const Waiting& a, const Waiting& b, Motion* forth, Motion* back);
  void Score(size_t index, std::vector<float>* probability);
  Frame Make(size_t index);
  Image Enlarge(const Waiting& waiting, const std::vector<float>& probability,
                const std::vector<uint8_t>& mask);

  VideoMaskJobOptions options_;
  ColorInfo color_;
  int width_, height_;              // of the pictures
  int small_width_, small_height_;  // at which motion is measured
  int step_;                        // frames between pictures that are compared
  double tick_;
  ThreadPool* pool_;
  std::optional<ModelMask> network_;
  SceneStarts starts_;
  ColorConverter to_luma_, to_rgb_;
  DenseFlow flow_, flow_back_;
  EdgeAwareSmoother smoother_;
  MaskSteadier steadier_;
  std::deque<Waiting> window_;
  size_t next_ = 0;      // of the window
  size_t known_ = 0;     // frames of the window whose scene is known
  size_t unmasked_ = 0;  // frames of the window that the network has not seen
  int64_t scene_ = 0;
  bool finished_ = false;
  double share_ = 0;
  int64_t made_ = 0;
};

}  // namespace mdvt
