// SPDX-License-Identifier: Apache-2.0
//
// How far a depth video is from the true one, after a stated alignment.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/pose.h"
#include "mdvt/depth/metrics.h"

namespace mdvt {

// What may be fitted before estimate and truth are compared.
enum class DepthAlignment {
  kNone,       // metres as they are
  kScale,      // the median of truth / estimate
  kDisparity,  // scale and shift of 1 / depth, least squares
  kDepth,      // scale and shift of depth, least squares
};

// depth' = depth * scale, or the two numbers of a line in depth or in 1 / depth.
struct DepthTransform {
  DepthAlignment kind = DepthAlignment::kNone;
  double scale = 1;
  double shift = 0;  // metres, or 1 / metres

  // Depth 0 (no data) stays 0; 1 / depth is at least 1e-3 per metre, depth at least 1 mm.
  double Apply(double depth) const;
  void Apply(DepthView depth, PlaneView<float> result) const;
};

struct TruthRange {
  // True depth beyond is not looked at, in metres. Valid: 0 <= least < most.
  double least = 0.1;
  double most = 100;
};

// Gathers a clip, or one frame, and fits. Sums are in double on centred values.
class AlignmentFit {
 public:
  AlignmentFit(DepthAlignment kind, const TruthRange& range = {});
  // Throws Error(kInvalidArgument) if the sizes differ.
  void Add(const DepthView& estimate, const DepthView& truth);
  // Without data, or if a line has no positive scale: the identity for kNone, else Error
  // (kNotConverged).
  DepthTransform Solve() const;

 private:
  DepthAlignment kind_;
  TruthRange range_;
  DepthMetricsAccumulator ratios_;
  double n_ = 0, mean_x_ = 0, mean_y_ = 0, sum_xx_ = 0, sum_xy_ = 0;
};

struct AccuracyResult {
  int64_t pixels = 0;
  double abs_rel = 0;                         // mean |d - t| / t
  double sq_rel = 0;                          // mean (d - t)^2 / t, metres
  double rmse = 0;                            // metres
  double rmse_log = 0;                        // of log d - log t
  double si_log = 0;                          // standard deviation of log d - log t
  double delta1 = 0, delta2 = 0, delta3 = 0;  // share with max(d / t, t / d) < 1.25^n
};

class AccuracyScores {
 public:
  explicit AccuracyScores(const TruthRange& range = {}) : range_(range) {}
  // Depth that has been aligned; 0 = no data, in either.
  void Add(const DepthView& depth, const DepthView& truth);
  AccuracyResult Result() const;

 private:
  TruthRange range_;
  int64_t pixels_ = 0;
  int64_t within_[3] = {};
  double abs_rel_ = 0, sq_rel_ = 0, squares_ = 0, log_sum_ = 0, log_squares_ = 0;
};

// How well depth edges lie where the true ones are. Between two neighbouring pixels is an edge if
// their depths differ by more than a factor of 1 + step; an edge of one map is found in the other
// if that has one within `reach` pixels of it.
struct EdgeResult {
  double precision = 0;  // share of the estimate's edges that are found in the truth
  double recall = 0;     // share of the true ones that are found in the estimate
  double f1 = 0;         // harmonic mean
  int64_t true_edges = 0;
};

class EdgeScores {
 public:
  explicit EdgeScores(double step = 0.1, int reach = 1) : step_(step), reach_(reach) {}
  void Add(const DepthView& depth, const DepthView& truth);
  EdgeResult Result() const;

 private:
  double step_;
  int reach_;
  int64_t edges_ = 0, found_ = 0, true_edges_ = 0, true_found_ = 0;
};

enum class TaeVariant {
  kFixed,  // see TaeScores
  kSplat,  // as the published evaluation: nearest pixel, last one wins, no test of occlusion
};

// Temporal alignment error in percent: the mean over pairs of frames, in both directions, of
//
//   100 |Z - d2| / d2,   Z the depth of a pixel of the one frame as the camera of the other sees it
//
// kFixed reads d2 between its pixels, and leaves out what the true depth shows to be hidden or to
// move on its own: where its own Z differs from it by more than 5 %. kSplat needs no truth.
// Source: S. Chen et al., Video Depth Anything, 2025.
class TaeScores {
 public:
  explicit TaeScores(TaeVariant variant = TaeVariant::kFixed, const TruthRange& range = {})
      : variant_(variant), range_(range) {}

  // depth  aligned; truth may be empty (no pixels are left out then); the first frame, and one that
  // begins a shot, is compared with nothing. Throws Error(kInvalidArgument) if sizes differ.
  void Add(const DepthView& depth, const DepthView& truth, const Camera& camera,
           const Pose& world_from_cam, bool begins_shot = false);
  // Percent; NaN without a pair that can be compared.
  double Result() const;
  const std::vector<double>& of_pairs() const { return pairs_; }  // NaN where there is none

 private:
  struct Kept {
    std::vector<float> depth, truth;
    Camera camera;
    Pose world_from_cam;
  };
  TaeVariant variant_;
  TruthRange range_;
  std::optional<Kept> before_;
  std::vector<double> pairs_;
};

}  // namespace mdvt
