// SPDX-License-Identifier: Apache-2.0
//
// How far an estimated camera path is from the true one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/geometry/similarity.h"

namespace mdvt {

// Of poses `gap` frames apart, after the alignment with a scale: what the estimated motion between
// them has in excess of the true one.
struct RelativePoseError {
  int64_t gap = 0;
  int64_t pairs = 0;
  double translation_rmse = 0;  // metres
  double rotation_rmse_deg = 0;
};

struct TrajectoryError {
  int64_t frames = 0;
  double path_length = 0;  // of the reference, metres
  // The estimate's centres onto the reference's: with a scale and without. Where centres lie on a
  // line or do not move, they do not tell how the estimate is turned: then the rotations do, and
  // `degenerate` is true.
  Similarity similarity;
  Similarity rigid;
  bool degenerate = false;
  double ate = 0;           // root mean square distance of the centres after `similarity`, metres
  double ate_rigid = 0;     // after `rigid`: includes an error of scale
  double largest = 0;       // distance of a centre after `similarity`
  double rotation_deg = 0;  // mean angle between the rotations after the alignment
  double largest_rotation_deg = 0;
  std::vector<RelativePoseError> relative;  // one per gap
  // Area under the curve of pairs of frames whose error is below a threshold of 5, 10 and 20
  // degrees, as a share: the error is the larger one of the angle of rotation and, where the
  // reference moves, the angle between the directions of the translations.
  std::array<double, 3> auc{};
  std::vector<double> distance;   // per frame, metres, after `similarity`
  std::vector<double> angle_deg;  // per frame
};

// Poses are camera-to-world, one per frame. gaps: those beyond the path are left out. Throws
// Error(kInvalidArgument) if the numbers of poses differ or are zero.
// Sources: S. Umeyama 1991; J. Sturm et al., A benchmark for the evaluation of RGB-D SLAM systems,
// 2012.
TrajectoryError CompareTrajectories(const std::vector<Pose>& estimate,
                                    const std::vector<Pose>& reference,
                                    const std::vector<int64_t>& gaps);

}  // namespace mdvt
