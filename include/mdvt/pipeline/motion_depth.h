// SPDX-License-Identifier: Apache-2.0
//
// Depth from the camera's own motion: the built-in estimator that needs no model. Points are
// tracked through the clip, their tracks give the camera's path, earlier and later frames are
// compared with each frame in colour along that path (plane_sweep.h), which gives the inverse depth
// of every pixel, and what cannot be measured (what only one frame sees, flat surfaces) is filled
// from its surroundings along the edges of the picture. Where no depth explains a whole region, it
// moves by itself: it is given the depth that the lower part of its outline has.
//
// Two pictures of a camera that only turns, or stands still, hold no depth. Such stretches get a
// smooth guess with confidence 0, and MotionReport says so.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/depth/estimator.h"

namespace mdvt {

struct MotionDepthOptions {
  // Size and intrinsics of the frames. Its distances follow from the field of view: a wrong one
  // stretches the scene along the view direction.
  Camera camera;

  // Horizontal field of view per frame in degrees, each in (0, 180); the vertical one follows in
  // the ratio fx / fy of `camera`. Frames past the end of the list keep its last value. Empty: the
  // camera never zooms.
  std::vector<double> xfovs_deg;

  // No picture tells how large the world is. The first frame of a clip with measured depth is given
  // this median depth, in metres, over its measured pixels; all later frames follow in one
  // consistent scale, up to the next cut, where the rule starts again. Valid: (0, 10000].
  double scene_scale = 3;

  // Long side in pixels of the pictures that points are tracked in, and depth is computed on up to
  // 640; larger frames are reduced to it and their depth is brought back to full size along the
  // edges of the full picture. Valid: [64, 4096].
  int working_side = 640;

  // How many frames after a frame, and before it, may be looked at for its depth: this, and one, is
  // the latency, and memory is proportional to it. Valid: [2, 64].
  int lookahead = 16;

  // Whether estimates come with their confidence; without it one byte per pixel is saved.
  bool confidence = true;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

enum class MotionStatus : uint8_t {
  kMeasured,       // depth of this frame comes from the camera's translation
  kCarried,        // no translation here; depth is carried along from measured frames before
  kNoTranslation,  // camera turned or stood still ever since the last cut: depth is a guess
  kLost,           // nothing could be tracked (black, noise, one frame): depth is a guess
};

struct MotionFrameReport {
  MotionStatus status = MotionStatus::kLost;
  int scene = 0;              // counts the cuts before this frame
  double measured_share = 0;  // of the pixels whose depth was measured, 0..1
  // Of measured frames: the error to be expected of the camera's path around the frame, as a share
  // of its length, see CameraPath::Uncertainty(). May be infinite. Depth is no surer than that.
  double path_uncertainty = 0;
  // Camera-to-world in metres; the first frame of every scene is the identity. The translation is
  // zero where none was found.
  Pose world_from_cam = Pose::Identity();
};

// The clip so far: all frames that Pop has returned.
struct MotionReport {
  int64_t frames = 0;
  int64_t measured = 0;  // frames of each status
  int64_t carried = 0;
  int64_t no_translation = 0;
  int64_t lost = 0;
  int scenes = 0;
  double path_uncertainty = 0;  // of half of the measured frames it is no more; may be infinite
  int64_t unsure = 0;           // measured frames where it is more than kUnsurePath
  // False: the depth of the whole clip is a guess.
  bool translation_found() const { return measured > 0; }
};

// Streams as DepthEstimator says, at most `lookahead` + 1 frames inside; memory holds a window of
// frames and does not grow but by one MotionFrameReport per frame.
//
// Takes Rgb(8) of the camera's size, or Gray(8) full-range luma: things of one luma and different
// colours cannot be told apart then. Depth is GrayF32 and never 0; confidence is Gray8: high where
// other frames look the same at this depth and at no other, and the frame before agrees, 0 where
// depth was filled in or guessed. The result depends on frames and options alone, not on threads.
//
// The first frame without translation is told once per object by LogWarning, and at the end of the
// clip how many measured frames have a path that is not sure.
class MotionDepthEstimator : public DepthEstimator {
 public:
  // pool  threads to work on, or null for the calling thread alone; must outlive this object.
  // Throws Error(kInvalidArgument), see Check().
  MotionDepthEstimator(const MotionDepthOptions& options, ThreadPool* pool);
  ~MotionDepthEstimator() override;

  PixelFormat input_format() const override { return PixelFormat::Rgb(8); }
  int latency() const override;

  // Throws Error(kInvalidArgument) for a frame of another size or format, or after Finish().
  void Push(Frame frame) override;
  void Finish() override;
  std::optional<DepthEstimate> Pop() override;

  MotionReport report() const;
  // One entry per frame that Pop has returned, in order.
  const std::vector<MotionFrameReport>& frame_reports() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
