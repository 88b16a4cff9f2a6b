// SPDX-License-Identifier: Apache-2.0
//
// Figures about a camera path for people.
#pragma once

#include <string>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/geometry/trajectory_error.h"

namespace mdvt {

struct TrajectoryFigure {
  std::string name;
  std::string value;
};

// Two columns of text.
std::string TrajectoryTable(const std::vector<TrajectoryFigure>& figures);

// A page that needs no other file: the figures, both paths from above and from the side, and the
// distance and the angle of each frame.
std::string TrajectoryPage(const std::string& estimate_name, const std::string& reference_name,
                           const std::vector<TrajectoryFigure>& figures,
                           const std::vector<Pose>& estimate, const std::vector<Pose>& reference,
                           const TrajectoryError& error);

}  // namespace mdvt
