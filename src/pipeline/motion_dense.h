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
#include "mdvt/depth/plane_sweep.h"
#include "mdvt/geometry/camera_path.h"
#include "mdvt/pipeline/motion_depth.h"
#include "motion_picture.h"

namespace mdvt {

class MotionDense {
 public:
  MotionDense(double scene_scale, bool confidence, ThreadPool* pool)
      : scene_scale_(scene_scale), wants_confidence_(confidence), pool_(pool) {}

  // Forgets everything but the buffers.
  void StartScene();

  // Depth of the first of `waiting`; the others come after it in its scene, `past` before it, the
  // latest first. Fills all of `report` but the scene.
  DepthEstimate Compute(const std::deque<MotionPicture>& waiting,
                        const std::deque<MotionPicture>& past, const CameraPath& path, int width,
                        int height, MotionFrameReport* report);

 private:
  struct Neighbour {
    const MotionPicture* picture = nullptr;
    Pose view_from_now = Pose::Identity();
    double parallax = 0;  // median of the known points, pixels
    double largest = 0;   // nine in ten points have less
  };

  // `points`, here and below: those of the frame, in its camera.
  std::vector<Neighbour> ChooseNeighbours(const std::deque<MotionPicture>& pictures, size_t first,
                                          const CameraPath& path, const PathFrame& now,
                                          const std::vector<Eigen::Vector3d>& points,
                                          bool alone) const;
  // False: no neighbour tells.
  bool Measure(const MotionPicture& picture, const std::vector<Neighbour>& neighbours,
               const std::vector<Eigen::Vector3d>& points);
  void FindMoving();
  void JoinWithCarried(float spread);
  void PlaceMoving();
  void Guess(int width, int height);
  void Fill(const MotionPicture& picture);
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

  struct FillScratch {
    EdgeAwareSmoother smoother;
    std::vector<float> values, weights, around, reached;
    std::vector<uint8_t> seen;
    std::vector<int> queue;
    std::vector<uint32_t> sums;
  };

  std::vector<uint8_t> moving_;  // 1: no plane explains the pixel
  PlaneSweep sweep_;
  SweepResult swept_;
  FillScratch fill_scratch_;
  InverseDepthMap carried_, carried_filled_;
};

}  // namespace mdvt
