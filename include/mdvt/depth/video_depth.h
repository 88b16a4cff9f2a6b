// SPDX-License-Identifier: Apache-2.0
//
// Depth by networks of kind "depth_video", which see a window of frames at once, such as
// Video-Depth-Anything. Windows overlap; each is brought to the scale of the one before and faded
// into it. All that is held is one window. None goes over a cut.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/depth/scene_depth.h"
#include "mdvt/model/model.h"

namespace mdvt {

// Which frames a window's slots show, of a clip of `frames` frames; frames from `frames` on stand
// for copies of the last one. Window k > 0 repeats in its first slots what the one before saw in
// its slots `carry`.
std::vector<std::vector<int64_t>> WindowSlots(int64_t frames, const ModelWindow& window);

// Scale and shift with which `map` comes nearest to `reference`, over all samples of both pairs,
// by least squares in double; with `robust`, by Huber's weights in five further rounds. Nothing for
// maps without contrast, and where the scale is not positive.
std::optional<DisparityCalibration> FitMaps(
    const std::vector<const std::vector<float>*>& maps,
    const std::vector<const std::vector<float>*>& references, bool robust);

struct VideoDepthOptions : SceneDepthOptions {
  // Outliers (what moves, or is hidden in one of the two) do not pull the scale between windows.
  bool robust = true;
  // Windows are aligned and faded at the size of the frames, as the original does, not at the
  // network's: at twice the cost, with almost the same result.
  bool align_at_frame_size = false;
};

// See ModelDepthEstimator for what becomes of the network's numbers.
class VideoDepthEstimator : public DepthEstimator {
 public:
  // Throws Error: kInvalidArgument (options), kUnsupported for a network of another kind or windows
  // that do not fit together.
  VideoDepthEstimator(std::shared_ptr<const Model> model, const VideoDepthOptions& options,
                      ThreadPool* pool);
  ~VideoDepthEstimator() override;

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  int latency() const override;
  int group() const override;

  // Runs the windows that are begun, filled up with the scene's last frame. What follows is as of a
  // new estimator, and its first estimate says that it starts a scene.
  void StartScene() override;
  void Push(Frame frame) override;
  // Throws Error(kInvalidArgument) for a clip that is shorter than the network's least length. A
  // scene of a longer clip may be: its last frame is repeated.
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;
  void LeaveOnDevice() override;

  bool is_metric() const;
  // Of this scene: as given, or as found on its first frame.
  std::optional<DisparityCalibration> calibration() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
