// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/size_rules.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kWideAspect = 1.78;     // pictures wider than this are reduced ...
constexpr double kTargetAspect = 1.777;  // ... to the tokens of this one

void Check(PixelSize size, int input_size) {
  constexpr int kMaxSide = 1 << 20;
  Require(size.width >= 1 && size.height >= 1 && size.width <= kMaxSide && size.height <= kMaxSide,
          Code::kInvalidArgument,
          "picture of " + std::to_string(size.width) + "x" + std::to_string(size.height) +
              " pixels, sides must be in [1, 1048576]");
  Require(input_size >= 14 && input_size <= 16384, Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ", must be in [14, 16384]");
}

// Halves go to the even neighbour, as in the tools that the networks come with.
int RoundHalfEven(double value) { return static_cast<int>(std::nearbyint(value)); }

int NearestMultiple(double value, int at_least, int multiple) {
  const int nearest = RoundHalfEven(value / multiple) * multiple;
  return nearest >= at_least ? nearest : static_cast<int>(std::ceil(value / multiple)) * multiple;
}

}  // namespace

PixelSize DecodedSize(PixelSize video, int input_size) {
  Check(video, input_size);
  const double longer = std::max(video.width, video.height);
  const double shorter = std::min(video.width, video.height);
  const double limit = input_size * (longer / shorter);
  if (longer <= limit) return video;
  const double scale = limit / longer;
  const auto reduce = [scale](int side) {
    const int rounded = std::max(1, RoundHalfEven(side * scale));
    return rounded + rounded % 2;
  };
  return {reduce(video.width), reduce(video.height)};
}

PixelSize NetworkSize(PixelSize decoded, int input_size, int multiple) {
  Check(decoded, input_size);
  Require(multiple >= 1 && multiple <= 256, Code::kInvalidArgument,
          "multiple = " + std::to_string(multiple) + ", must be in [1, 256]");
  const double longer = std::max(decoded.width, decoded.height);
  const double shorter = std::min(decoded.width, decoded.height);
  const double aspect = longer / shorter;
  int side = input_size;
  if (aspect > kWideAspect) {
    const int reduced = static_cast<int>(input_size * kTargetAspect / aspect);
    side = std::max(1, RoundHalfEven(static_cast<double>(reduced) / multiple)) * multiple;
  }
  const double scale = side / shorter;
  return {NearestMultiple(decoded.width * scale, side, multiple),
          NearestMultiple(decoded.height * scale, side, multiple)};
}

}  // namespace mdvt
