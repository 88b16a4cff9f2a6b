// SPDX-License-Identifier: Apache-2.0
//
// Scale and shift of the frames of a run, solved together.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace mdvt::depth {

// Scale s_from + shift of frame `from` is like s of frame `to`.
struct FrameLink {
  int64_t from, to;
  double scale, shift, weight;
};

struct FrameScaleOptions {
  bool affine = false;    // a shift as well
  bool relative = false;  // relative disparity: frames differ more than in metric depth
  double level = 1;       // of 1 / depth, about its mean
};

// Scales and shifts of `count` frames from number `first` on: weak springs to what they say
// themselves, links between them, and links to those before, whose scale and shift are given. By
// least squares with Huber's weights, in logarithms of scales.
std::vector<std::pair<double, double>> SolveFrameScales(
    const std::vector<FrameLink>& links, const std::map<int64_t, std::pair<double, double>>& given,
    int64_t first, int64_t count, const FrameScaleOptions& options);

}  // namespace mdvt::depth
