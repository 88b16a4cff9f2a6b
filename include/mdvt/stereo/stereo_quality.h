// SPDX-License-Identifier: Apache-2.0
//
// How comfortable a stereo video is to look at: what its two views differ by, and a score of it.
//
//   parallax = x_right - x_left
//
// as a share of the width of a view. Positive is behind the screen.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// Two views and where the pixels of each lie in the other. `quality`: 0 = not seen there, 1 = found
// but without texture, 2 = sure.
struct MatchedViews {
  ImageView left;  // Rgb(8), all of one size
  ImageView right;
  PlaneView<const Eigen::Vector2f> left_to_right;  // pixels
  PlaneView<const Eigen::Vector2f> right_to_left;
  PlaneView<const uint8_t> left_quality;
  PlaneView<const uint8_t> right_quality;
};

// The shares of parallax that are stated: the nearest per cent of the pixels, ...
constexpr std::array<double, 5> kParallaxQuantiles = {0.01, 0.05, 0.5, 0.95, 0.99};

struct StereoFrameQuality {
  double measured = 0;  // share of the pixels of the left view that are sure; 0: nothing is known
  std::array<double, 5> parallax = {};  // share of the width, see kParallaxQuantiles
  // Share of the height by which the right view is lower: its median, what 95 % stay below in
  // size, and how far it is turned (degrees, clockwise positive) and magnified (share) against the
  // left one.
  double vertical = 0;
  double vertical_most = 0;
  double rotation_deg = 0;
  double magnification = 0;
  // Share of the picture's height where something in front of the screen is cut off by the left and
  // right border, the larger of both.
  double window = 0;
  // Right minus left view, mean over the same points, R, G and B as a share of white.
  std::array<double, 3> color = {};
  // What borders of near things say of the order of the eyes: weights for the right order, and for
  // the other.
  double eyes_right = 0;
  double eyes_swapped = 0;
};

struct StereoMeasureOptions {
  // Parallax in front of the screen, as a share of the width, from which a thing at the border
  // counts as cut off. Valid: [0, 1].
  double window_tolerance = 0.0025;
  // Width of the border, as a share. Valid: (0, 0.5].
  double window_border = 0.02;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// Deterministic. Throws Error(kInvalidArgument) if sizes or formats disagree.
StereoFrameQuality MeasureStereoFrame(const MatchedViews& views,
                                      const StereoMeasureOptions& options = {});

// Where the viewer sits. Metres.
struct ViewerGeometry {
  double screen_width = 1.2;    // (0, 1000]
  double seat_distance = 2.5;   // (0, 1000]
  double eye_distance = 0.063;  // [0.01, 1]

  // How much less the eyes turn inwards for a point of this parallax than for the screen, degrees;
  // positive behind the screen. With more than eye_distance of it they turn outwards.
  double Degrees(double parallax) const;
  // The parallax at which the eyes are parallel.
  double Infinity() const { return eye_distance / screen_width; }
  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// A change of the middle (and of the nearest) parallax from the last frame before a cut to the
// first behind it, shares of the width.
struct StereoCut {
  int64_t frame = 0;  // the first behind it
  double middle = 0;
  double nearest = 0;
  double jump() const { return std::max(std::fabs(middle), std::fabs(nearest)); }
};

struct StereoClipQuality {
  int64_t frames = 0;
  int64_t measured_frames = 0;  // of which something is known
  double measured = 0;          // mean share of sure pixels, of all frames
  // Means over the frames measured, and the extremes of the first and last quantile.
  std::array<double, 5> parallax = {};
  double nearest = 0;   // the least `parallax[0]` of all frames
  double farthest = 0;  // the largest `parallax[4]`
  double rate = 0;      // the fastest change of the middle inside a shot, shares a second
  double vertical = 0;  // mean of `vertical`
  double vertical_most = 0;
  double rotation_deg = 0;
  double magnification = 0;
  double window = 0;          // mean
  int64_t window_frames = 0;  // frames with more than 2 % of the height
  std::array<double, 3> color = {};
  double diverging =
      0;  // share of the frames in which a per cent of the pixels turns eyes outwards
  std::vector<StereoCut> cuts;
  enum class Eyes { kUnknown, kRight, kSwapped } eyes = Eyes::kUnknown;
  double eyes_confidence = 0;  // [0, 1]
  double eyes_seen = 0;        // borders of near things that were asked

  // What is lost of 100 and why; see docs/check_stereo.md.
  struct Penalty {
    const char* name;
    double points = 0;
  };
  std::vector<Penalty> penalties;
  double score = 0;  // 0 .. 100; 0 if nothing was measured
};

// frames   in order
// seconds  the time of each
// cuts     frames that begin a shot, ascending, without the first
// Throws Error(kInvalidArgument) if the lists do not fit together.
StereoClipQuality RateStereo(const std::vector<StereoFrameQuality>& frames,
                             const std::vector<double>& seconds, const std::vector<int64_t>& cuts,
                             const ViewerGeometry& viewer);

}  // namespace mdvt
