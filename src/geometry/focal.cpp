// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/focal.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kMinPixels = 16;
constexpr int kRounds = 5;
constexpr double kTrim = 3;  // medians

struct Sample {
  float u, v;  // pixels from the centre
  float a, b;  // X / Z, Y / Z
};

double Residual(const Sample& s, double fx, double fy) {
  return std::hypot(s.u - fx * s.a, s.v - fy * s.b);
}

}  // namespace

FocalEstimate FocalFromPoints(const PlaneView<const float>& x, const PlaneView<const float>& y,
                              const PlaneView<const float>& z) {
  Require(z.width > 0 && z.height > 0 && x.width == z.width && y.width == z.width &&
              x.height == z.height && y.height == z.height,
          Code::kInvalidArgument, "FocalFromPoints: the maps differ in size or are empty");
  const double cx = z.width / 2.0, cy = z.height / 2.0;
  std::vector<Sample> samples;
  samples.reserve(static_cast<size_t>(z.width) * static_cast<size_t>(z.height));
  for (int row = 0; row < z.height; ++row) {
    for (int col = 0; col < z.width; ++col) {
      const float depth = z.At(col, row);
      const float a = x.At(col, row) / depth, b = y.At(col, row) / depth;
      if (!(depth > 0) || !std::isfinite(depth) || !std::isfinite(a) || !std::isfinite(b)) continue;
      samples.push_back(
          {static_cast<float>(col + 0.5 - cx), static_cast<float>(row + 0.5 - cy), a, b});
    }
  }
  Require(samples.size() >= kMinPixels, Code::kRefused,
          "FocalFromPoints: fewer than 16 pixels have data");

  double limit = INFINITY, fx = 0, fy = 0;
  FocalEstimate estimate;
  std::vector<double> residuals(samples.size());
  for (int round = 0; round < kRounds; ++round) {
    double ua = 0, aa = 0, vb = 0, bb = 0;
    int64_t used = 0;
    for (const Sample& s : samples) {
      if (round > 0 && Residual(s, fx, fy) > limit) continue;
      ua += static_cast<double>(s.u) * s.a;
      aa += static_cast<double>(s.a) * s.a;
      vb += static_cast<double>(s.v) * s.b;
      bb += static_cast<double>(s.b) * s.b;
      ++used;
    }
    Require(aa > 0 || bb > 0, Code::kRefused, "FocalFromPoints: all points lie on the axis");
    const double next_fx = aa > 0 ? ua / aa : vb / bb;
    const double next_fy = bb > 0 ? vb / bb : next_fx;
    const bool settled = next_fx == fx && next_fy == fy;
    fx = next_fx;
    fy = next_fy;
    estimate.pixels = used;
    if (settled) break;
    std::transform(samples.begin(), samples.end(), residuals.begin(),
                   [&](const Sample& s) { return Residual(s, fx, fy); });
    limit = kTrim * Median(&residuals);
  }
  Require(fx > 0 && fy > 0, Code::kRefused,
          "FocalFromPoints: the points lie on the wrong side of the axis");
  estimate.camera = {z.width, z.height, fx, fy, cx, cy};
  estimate.share = static_cast<double>(estimate.pixels) / static_cast<double>(samples.size());
  return estimate;
}

}  // namespace mdvt
