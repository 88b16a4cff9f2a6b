// SPDX-License-Identifier: Apache-2.0
//
// Points with colours as an array of NumPy (.npy): float64 of the shape (2, N, 3), positions in
// metres, then RGB in [0, 1]. What the original toolbox keeps backgrounds in.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>
#include <string>

#include "mdvt/io/output_set.h"

namespace mdvt {

using PointTaker =
    std::function<void(const Eigen::Vector3d& position, const Eigen::Vector3d& color)>;

// Hands on every point of the file, in its order, in bounded memory. Points that are not finite are
// passed over. Returns their number. Throws Error: kNotFound, kIo, kCorrupt for anything but such
// an array (any NumPy version of the header, C order, float64 or float32).
int64_t ReadPointArray(const std::string& path, const PointTaker& take);

// Writes `count` points; for_each is called twice and has to give the same ones each time.
// Throws Error(kIo), and kInvalidArgument if there were not as many points as announced.
void WritePointArray(const OutputTarget& target, int64_t count,
                     const std::function<void(const PointTaker&)>& for_each);

}  // namespace mdvt
