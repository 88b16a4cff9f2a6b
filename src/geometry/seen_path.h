// SPDX-License-Identifier: Apache-2.0
//
// A camera's path and the points that were seen from it, and how well the one is known from the
// others.
#pragma once

#include <Eigen/Core>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/pose.h"

namespace mdvt {

struct SeenPath {
  struct Sight {
    int frame = 0;  // index into world_from_cam
    int point = 0;  // index into points
    Eigen::Vector2d xy = Eigen::Vector2d::Zero();
  };

  Camera camera;  // its focal lengths and centre say in which unit positions are: pixels, or
                  // normalised coordinates
  std::vector<Pose> world_from_cam;
  std::vector<Eigen::Vector3d> points;
  std::vector<Sight> sights;  // by frame, ascending
  double length = 0;
};

struct SightNoise {
  double sigma = 0;        // of a position, in its unit
  double most = 0;         // a sight that is farther off is an outlier
  double least = 0;        // parallax of the median point that a path needs
  double depth_sigma = 0;  // of the logarithm of a point's depth; 0: it is not known
};

// At most `most` numbers of 0 .. size - 1, evenly spread, the first and the last among them.
std::vector<size_t> EvenlyOver(size_t size, size_t most);

// As PathUncertainty() has it.
double UncertaintyOf(const SeenPath& path, const SightNoise& noise);

// Root mean square distance of the sights that are no outliers; 0 if there are none.
double RmsOf(const SeenPath& path, double most);

}  // namespace mdvt
