// SPDX-License-Identifier: Apache-2.0
//
// Where the textured places of one view lie in another: displacements that hold there and back.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

struct ViewMatch {
  int x = 0, y = 0;        // pixel of the left view
  Eigen::Vector2f vector;  // to the right one
};

class ViewMatcher {
 public:
  // Of every fourth pixel along both axes that has texture.
  std::vector<ViewMatch> Match(const Image& left, const Image& right, const ColorInfo& color);
  // Pixels that were looked at, those not found again with them, since the beginning.
  int64_t looked_at() const { return looked_at_; }

 private:
  ColorConverter converter_;
  DenseFlow flow_;
  int64_t looked_at_ = 0;
};

}  // namespace mdvt
