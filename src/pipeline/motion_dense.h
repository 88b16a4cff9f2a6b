// SPDX-License-Identifier: Apache-2.0
//
// The dense part of depth from motion: which frames to compare with, joining what they say, filling
// the rest, and continuity from frame to frame.
#pragma once

#include <deque>

#include "mdvt/core/parallel.h"
#include "mdvt/depth/edge_aware.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/depth/multi_view.h"
#include "mdvt/geometry/camera_path.h"
#include "mdvt/pipeline/motion_depth.h"
#include "mdvt/tracking/dense_flow.h"
#include "motion_picture.h"

namespace mdvt {

class MotionDense {
 public:
  MotionDense(double scene_scale, bool confidence, ThreadPool* pool)
      : scene_scale_(scene_scale), wants_confidence_(confidence), pool_(pool) {}

  // Forgets everything but the buffers.
  void StartScene();

  // Depth of the first of the pictures; the others come after it, in its scene. Fills all of
  // `report` but the scene.
  DepthEstimate Compute(std::deque<MotionPicture>* pictures, const CameraPath& path, int width,
                        int height, MotionFrameReport* report);

 private:
  struct Pair {
    size_t offset = 0;    // the other picture: so many frames later
    double parallax = 0;  // median of the known points, pixels
    double largest = 0;   // nine in ten points have less
  };

  std::vector<Pair> ChoosePairs(const std::deque<MotionPicture>& pictures, const CameraPath& path,
                                const PathFrame& now) const;
  // `small`, here and below: the luma of the first picture at working size.
  void ComparePair(std::deque<MotionPicture>* pictures, const CameraPath& path,
                   const PathFrame& now, const Pair& pair, const Image& small,
                   InverseDepthMap* here);
  void Guess(int width, int height);
  void FillStart(const Image& small, const InverseDepthMap& map);
  void Fill(const Image& small);
  DepthEstimate Output(const MotionPicture& picture, const Image& small, int width, int height,
                       bool guess);

  double scene_scale_;
  bool wants_confidence_;
  ThreadPool* pool_;
  double metres_per_unit_ = 0;  // 0: not yet known in this scene

  // In path units: what was measured, and the whole map after filling. Of the frame before until
  // the present one has its own.
  InverseDepthMap measured_, filled_;
  std::vector<float> certainty_;  // 0..1 per pixel of filled_
  bool has_before_ = false;
  PathFrame before_;
  Camera camera_before_;

  // What each stage of a frame needs for itself is freed before the next begins.
  struct FlowScratch {
    FlowField forth, back;
    InverseDepthMap there, start;
    std::vector<float> trip;
  };
  struct FillScratch {
    EdgeAwareSmoother smoother;
    std::vector<float> values, weights, around, reached;
    std::vector<double> sums;
  };
  void ReleaseFlow() {
    flow_scratch_ = {};
    flow_.ReleaseMemory();
  }

  DenseFlow flow_;
  FlowScratch flow_scratch_;
  FillScratch fill_scratch_;
  InverseDepthMap carried_, carried_filled_;
  std::vector<InverseDepthMap> views_;
  std::vector<uint8_t> support_;  // maps that agree, per pixel of measured_
  std::vector<PackedInverseDepth> spare_;
};

}  // namespace mdvt
