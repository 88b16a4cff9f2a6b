// SPDX-License-Identifier: Apache-2.0
//
// The parts of the flow stabiliser that work on pixels: a Kalman filter for each of them, carried
// along optical flow.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "depth/ego_motion.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/depth/flow_pair.h"

namespace mdvt::depth {

struct LumaStatistics {
  double mean = 0, deviation = 1;
};
// Of an Rgb(8) picture, of every fourth row and column.
LumaStatistics LumaOf(const Image& picture);
float Luma(float r, float g, float b);

// What the filter looks at of a frame.
struct FilterFrame {
  Image picture;                 // Rgb(8)
  std::vector<uint32_t> colors;  // the same, pixel by pixel: one look-up fetches all of it
  std::vector<float> s;          // 1 / depth or relative disparity, NaN = no data
  // |s - mean of its four neighbours|: not yet a share of s, as a share of what is measured is
  // larger where the noise is negative, which would be believed less.
  std::vector<float> detail;
  double floor = 0;  // added to |s| where noise is a share of it
  LumaStatistics luma;
  double scale = 1, shift = 0;  // s is brought to scale s + shift

  float Aligned(size_t i) const {
    return static_cast<float>(scale) * s[i] + static_cast<float>(shift);
  }
  float AlignedDetail(size_t i) const { return static_cast<float>(scale) * detail[i]; }
};

// Of one pixel; together, so that one bilinear look-up fetches all of it.
struct PixelState {
  float value = 0, variance = 0, rate = 0, age = 0;
};
using FilterState = std::vector<PixelState>;

// What each pixel of a frame should be, before the frame is looked at; trust 0 and value NaN where
// nothing is known.
struct Prediction {
  std::vector<float> trust, error;
  FilterState state;
};

// The factor by which s of a pixel is larger than where it leads, from the motion of the camera.
class NearerFactor {
 public:
  NearerFactor(int width, int height, double focal)
      : middle_x_(width / 2.0), middle_y_(height / 2.0), focal_(focal) {}
  double NormalX(double x) const { return (x + 0.5 - middle_x_) / focal_; }
  double NormalY(double y) const { return (y + 0.5 - middle_y_) / focal_; }
  double focal() const { return focal_; }
  // At() of the pixels of one row.
  class Row {
   public:
    Row(const NearerFactor& of, const EgoMotion& motion, double y);
    float At(int x, const Eigen::Vector2f& flow, float s) const;

   private:
    bool found_;
    float first_u_, per_x_, focal_;
    // Flow and change of depth: polynomials in u, and for each s.
    std::array<float, 3> dx_, dy_;
    std::array<float, 2> dx_s_, change_;
    float dy_s_, change_s_;
  };
  // By how many pixels, squared, flow is not what the camera's motion makes it.
  double OffBy(const EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
               float s) const;
  // 1 for what does not move as the camera makes it.
  float At(const EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow, float s) const;

 private:
  double middle_x_, middle_y_, focal_;
};

class FlowFilter {
 public:
  FlowFilter(int width, int height, const NearerFactor& nearer, ThreadPool* pool)
      : width_(width), height_(height), nearer_(nearer), pool_(pool) {}

  // Of 1 / depth, as a share of it.
  void SetNoise(double noise) { noise_ = static_cast<float>(noise); }
  // Of a pixel whose s should be `s`; more where structures are fine.
  float MeasurementVariance(const FilterFrame& frame, float s, float detail) const;

  void FindDetail(FilterFrame* frame) const;
  void FindColors(FilterFrame* frame) const;
  // way  from `now` to `before`; motion of the camera along it; dt seconds
  void Predict(const FilterState& state, const FilterFrame& before, const FilterFrame& now,
               const FlowWay& way, const EgoMotion& motion, double dt, Prediction* to) const;
  void Begin(const FilterFrame& now, FilterState* state) const;
  void Update(const Prediction& prediction, const FilterFrame& now, double dt,
              double memory_seconds, FilterState* state) const;
  // Values of both directions in time joined by their information: the measurement is in both,
  //   1 / P = 1 / Pf + 1 / Pb - 1 / R.
  void Join(const FilterState& backward, const FilterFrame& now, FilterState* forward) const;
  // What is to be added to s, already brought to its scale; half of it where structures are fine.
  void Correction(const FilterState& state, const FilterFrame& now, std::vector<float>* to) const;

 private:
  float Sigma(const FilterFrame& frame, float s) const {
    return noise_ * (std::abs(s) + static_cast<float>(frame.floor));
  }
  size_t Pixels() const { return static_cast<size_t>(width_) * static_cast<size_t>(height_); }
  float SquaredSlope(const FilterState& map, int x, int y) const;
  void FindErrors(const FlowWay& way, std::vector<float>* error) const;

  int width_, height_;
  NearerFactor nearer_;
  ThreadPool* pool_;
  float noise_ = 0;
};

}  // namespace mdvt::depth
