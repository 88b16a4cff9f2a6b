// SPDX-License-Identifier: Apache-2.0
//
// For networks whose input is divided by the largest sample of the picture ("image_max").
#pragma once

#include <algorithm>

#include "mdvt/core/image.h"

namespace mdvt {

// The largest sample of a picture in RGB, as it is stored.
template <typename T>
T LargestStored(const Image& picture) {
  T most = 0;
  for (int plane = 0; plane < 3; ++plane) {
    const PlaneView<const T> samples = picture.Plane<T>(plane);
    for (int y = 0; y < samples.height; ++y)
      most = std::max(most, *std::max_element(samples.Row(y), samples.Row(y) + samples.width));
  }
  return most;
}

// The same as a share of the largest that the format has.
inline float LargestSample(const Image& picture) {
  const PixelFormat format = picture.format();
  if (format.type == SampleType::kF32) return LargestStored<float>(picture);
  const float most = format.type == SampleType::kU8
                         ? static_cast<float>(LargestStored<uint8_t>(picture))
                         : static_cast<float>(LargestStored<uint16_t>(picture));
  return most / static_cast<float>(format.max_value());
}

}  // namespace mdvt
