// SPDX-License-Identifier: Apache-2.0
//
// At which size a depth network sees a picture. Networks of the DINOv2 family (Depth-Anything-V2,
// Video-Depth-Anything) take sides that are multiples of 14; how a video's size becomes one is part
// of their results.
#pragma once

namespace mdvt {

struct PixelSize {
  int width = 0;
  int height = 0;

  friend bool operator==(const PixelSize& a, const PixelSize& b) {
    return a.width == b.width && a.height == b.height;
  }
};

// The size at which Video-Depth-Anything's tool decodes a video: the long side is at most
// input_size * long / short, so that the short side is about input_size; reduced sides are rounded
// (halves to even) and raised to even numbers. Never enlarges.
//   1920x1080 at 518 -> 922x518    640x360 -> 640x360
// Throws Error(kInvalidArgument) unless the sides are in [1, 2^20] and input_size in [14, 16384].
PixelSize DecodedSize(PixelSize video, int input_size);

// The size of the network's input for a picture of `decoded` pixels: both sides are multiples of
// `multiple`, at least `input_size` (of the "lower bound" kind) and in the picture's proportions as
// far as that allows. Pictures wider than 1.78 : 1 (or as tall) are seen with a shorter short side,
// so that the number of tokens stays about that of 16 : 9.
//   922x518 -> 924x518    1244x518 -> 910x378    640x360 -> 924x518 (small pictures are enlarged)
// Throws Error(kInvalidArgument) as DecodedSize, and unless multiple is in [1, 256].
PixelSize NetworkSize(PixelSize decoded, int input_size, int multiple = 14);

}  // namespace mdvt
