// SPDX-License-Identifier: Apache-2.0
//
// Where every pixel of one eye's picture lies in the other's.
#pragma once

#include <cstdint>
#include <memory>

#include "mdvt/core/image.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt {

struct StereoMatchOptions {
  // A pixel counts as seen by both eyes if following it there and back misses its start by less
  // than this many pixels. Valid: (0, 10].
  double max_round_trip = 1;
  // Least mean change from one pixel to the next in the row, in grey levels, of the 9 x 9 pixels
  // around one whose place is to be trusted: smooth walls match everywhere. Valid: [0, 255].
  double min_texture = 1.5;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// What a pixel of a view is worth.
enum class MatchQuality : uint8_t {
  kHidden = 0,  // the other eye does not see it, or it was not found there
  kSmooth = 1,  // found, but so would be its neighbourhood
  kSure = 2,
};

struct StereoMatch {
  FlowField left_to_right;
  FlowField right_to_left;
  Image left_quality;   // Gray(8), of MatchQuality
  Image right_quality;  // the same for the pixels of the right view
};

// Dense matching of two views in both directions. Vertical offsets and swapped views are found too:
// nothing is taken for granted about the direction. One object holds the buffers of one
// computation: use one per thread. The same result for every number of threads.
class StereoMatcher {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit StereoMatcher(const StereoMatchOptions& options = {});
  ~StereoMatcher();
  StereoMatcher(StereoMatcher&&) noexcept;
  StereoMatcher& operator=(StereoMatcher&&) noexcept;

  // 8-bit luma of both views, of the same size; pictures under 16 pixels on a side match nowhere.
  // The result stays valid until the next call. Throws Error(kInvalidArgument) if the sizes differ.
  const StereoMatch& Match(PlaneView<const uint8_t> left, PlaneView<const uint8_t> right);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
