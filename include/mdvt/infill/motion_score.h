// SPDX-License-Identifier: Apache-2.0
//
// Which pixels of a picture move on their own: their motion is not that of a still world seen by
// the moving camera.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

struct MotionScoreOptions {
  // Distance in pixels between a pixel's motion and that of a still world at which it is about as
  // likely to move on its own as not. What the still pixels themselves miss is added. Valid: (0,
  // 100].
  double threshold = 1.2;
  // Round trips that miss by more are no measurement. Pixels. Valid: (0, 100].
  double max_round_trip = 1.5;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// The motion of a picture to another one, and how far each pixel misses its start on the way back.
struct ObservedMotion {
  PlaneView<const Eigen::Vector2f> flow;
  PlaneView<const float> round_trip;
};

// How the camera was taken to move between two pictures.
enum class CameraMotion {
  kUnknown,  // too few pixels have a motion
  kTurning,  // it stands, turns or zooms: the motion of a pixel does not depend on its depth
  kMoving,   // pixels move along epipolar lines
};

struct MotionScores {
  int width = 0;
  int height = 0;
  // Row by row. Probability that the pixel moves on its own, and how sure that is, both in [0, 1];
  // 0 sure: not seen in any of the other pictures.
  std::vector<float> probability;
  std::vector<float> weight;
  std::vector<CameraMotion> cameras;  // of each motion
};

// For each motion the camera's own part is found from the motion of all pixels, without knowing the
// field of view: six numbers of a turning and zooming camera where they explain most pixels about
// as well as epipolar lines do (least squares, reweighted), else the fundamental matrix
// (eight-point method in RANSAC with a fixed seed, then reweighted least squares). What is left
// over, the distance to the motion of a turning camera or to the epipolar line, makes the
// probability. Of several motions the measured ones are averaged. What moves exactly along its
// epipolar line cannot be told from a nearer or farther surface.
//
// motions  of one size, at least one. `pool` may be null.
// Throws Error(kInvalidArgument) if sizes disagree.
// Source: Hartley & Zisserman, Multiple View Geometry, chapters 11.1, 11.4.
void ScoreMotion(const std::vector<ObservedMotion>& motions, const MotionScoreOptions& options,
                 ThreadPool* pool, MotionScores* scores);

}  // namespace mdvt
