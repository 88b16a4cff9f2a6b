// SPDX-License-Identifier: Apache-2.0
//
// Whether what one eye sees in a row is in the same row of the other eye's picture.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/io/color_convert.h"
#include "pipeline/view_matches.h"

namespace mdvt {

class RowCheck {
 public:
  struct Result {
    double vertical_median = 0;   // of |y| of the displacement, pixels
    double vertical_95 = 0;       // its 95th percentile
    double disparity_median = 0;  // of x on the left minus x on the right
  };

  // Looks at every tenth pair, eight at most.
  void Add(const Image& left, const Image& right, const ColorInfo& color);
  // Nothing where too little of the pictures was found again to say.
  std::optional<Result> Measure() const;
  // False where most of what one eye sees was not found in the other's picture.
  bool SeesTheSame() const {
    return 5 * static_cast<int64_t>(vertical_.size()) >= matcher_.looked_at();
  }

 private:
  int64_t pairs_ = 0;
  ViewMatcher matcher_;
  std::vector<float> vertical_, disparity_;
};

}  // namespace mdvt
