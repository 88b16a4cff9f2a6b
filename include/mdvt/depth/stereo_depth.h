// SPDX-License-Identifier: Apache-2.0
//
// Metric depth from where the pixels of one eye's view lie in the other's.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <optional>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"

namespace mdvt {

// Which pixels beside an edge are left out.
enum class StereoEdgeTest {
  kPlane,     // disparity bends by more than a pixel over two to each side
  kGradient,  // depth changes by more than 3 % over two pixels, as Stereo4D: slanted surfaces go
              // too
  kNone,
};

struct StereoDepthOptions {
  double focal_px = 0;      // along x, of both views. Valid: > 0
  double baseline = 0.063;  // distance of the eyes, metres. Valid: > 0
  // Following a pixel there and back may miss its start by so many pixels. Empty: by a share of the
  // way, e^2 <= 0.01 (|there|^2 + |back|^2) + 0.5. Valid: > 0
  std::optional<double> max_round_trip;
  double max_vertical = 1;  // pixels that a match may lie above or below. Valid: > 0
  double max_depth = 0;     // metres; 0: as far as disparity tells. Valid: >= 0
  // Depth whose standard deviation is more than this share of it is left out. Valid: (0, 1]
  double max_relative_sigma = 0.5;
  StereoEdgeTest edges = StereoEdgeTest::kPlane;
  // Disparity is that of the plane that fits what was measured up to so many pixels away, without
  // what is of another surface; 0: as it was measured. Valid: [0, 32]
  int smoothing = 0;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// What became of the pixels of a view.
struct StereoDepthCounts {
  int64_t pixels = 0;
  int64_t not_found_again = 0;
  int64_t off_the_row = 0;
  int64_t too_far = 0;  // no parallax, too little of it, or past max_depth
  int64_t beside_edges = 0;
  int64_t valid = 0;

  StereoDepthCounts& operator+=(const StereoDepthCounts& other);
};

// Depth z = f B / d of the left view, d = x on the left - x on the right; 0 where a test fails.
// sigma, where it is asked for, is the standard deviation of z in metres, z^2 / (f B) sigma_d, with
//   sigma_d^2 = 0.25^2 + (0.5 e)^2 + (0.5 |grad d|)^2  pixels
// for a round trip that misses by e, before any smoothing, which makes it less. (Source of tests
// and constants: the Stereo4D code, and its noise model worked out for this library.)
// left_to_right, right_to_left  displacement of each pixel of a view to the other one, all of one
//                               size, that of depth and sigma
// pool                          may be null. The same result for every number of threads.
// Throws Error(kInvalidArgument).
StereoDepthCounts DepthFromStereo(const PlaneView<const Eigen::Vector2f>& left_to_right,
                                  const PlaneView<const Eigen::Vector2f>& right_to_left,
                                  const StereoDepthOptions& options, const PlaneView<float>& depth,
                                  const PlaneView<float>* sigma = nullptr,
                                  ThreadPool* pool = nullptr);

}  // namespace mdvt
