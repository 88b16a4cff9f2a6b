// SPDX-License-Identifier: Apache-2.0
#include "depth/flow_filter.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/rows.h"

namespace mdvt::depth {
namespace {

constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();
constexpr int kGrain = 32;                  // rows
constexpr float kColorSigma = 0.06f * 255;  // of what a pixel may differ in from where it was
constexpr float kLeastTrust = 0.05f;
constexpr float kLeastLogTrust = -3.2f;           // less is not worth an exponential
constexpr float kFlowSigma = 0.5f;                // pixels that flow may be off by
constexpr float kRateGain = 0.05f;                // of the rate of change of a pixel
constexpr float kMostRate = 3;                    // of 1 / depth, a second
constexpr float kSteadyFrames = 4;                // before a rate counts
constexpr float kDetailLow = 2, kDetailHigh = 4;  // of fine structures, in noises
constexpr double kMovesOnItsOwn = 2;              // pixels from what the camera's motion says

std::array<PlaneView<const uint8_t>, 3> Channels(const Image& image) {
  return {image.Plane<uint8_t>(0), image.Plane<uint8_t>(1), image.Plane<uint8_t>(2)};
}

PixelState StateAt(const BilinearSpot& spot, const FilterState& state, int width) {
  const auto at = [&](int x, int y) {
    return Eigen::Map<const Eigen::Array4f>(
        &state[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)].value);
  };
  const Eigen::Array4f top = (1 - spot.ax) * at(spot.x0, spot.y0) + spot.ax * at(spot.x1, spot.y0);
  const Eigen::Array4f bottom =
      (1 - spot.ax) * at(spot.x0, spot.y1) + spot.ax * at(spot.x1, spot.y1);
  const Eigen::Array4f all = (1 - spot.ay) * top + spot.ay * bottom;
  return {all[0], all[1], all[2], all[3]};
}

// 1 where the pixel and those around it are all consistent: no error is negative.
void SurroundedRow(const std::vector<float>& error, int width, int height, int y,
                   std::vector<float>* least, std::vector<uint8_t>* inside) {
  const auto row = [&](int at) {
    return &error[static_cast<size_t>(std::clamp(at, 0, height - 1)) * static_cast<size_t>(width)];
  };
  const float *above = row(y - 1), *here = row(y), *below = row(y + 1);
  float* lowest = least->data();
  for (int x = 0; x < width; ++x) lowest[x] = std::min(std::min(above[x], below[x]), here[x]);
  for (int x = 0; x < width; ++x)
    (*inside)[static_cast<size_t>(x)] = lowest[std::max(0, x - 1)] >= 0 && lowest[x] >= 0 &&
                                        lowest[std::min(width - 1, x + 1)] >= 0;
}

}  // namespace

float Luma(float r, float g, float b) { return 0.2126f * r + 0.7152f * g + 0.0722f * b; }

LumaStatistics LumaOf(const Image& picture) {
  const auto rgb = Channels(picture);
  double n = 0, sum = 0, squares = 0;
  for (int y = 0; y < picture.height(); y += 4)
    for (int x = 0; x < picture.width(); x += 4) {
      const double v = static_cast<double>(Luma(static_cast<float>(rgb[0].At(x, y)),
                                                static_cast<float>(rgb[1].At(x, y)),
                                                static_cast<float>(rgb[2].At(x, y))));
      n += 1, sum += v, squares += v * v;
    }
  LumaStatistics result;
  result.mean = sum / n;
  result.deviation = std::sqrt(std::max(1.0, squares / n - result.mean * result.mean));
  return result;
}

float NearerFactor::At(const EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
                       float s) const {
  if (!motion.found || !(s > 0)) return 1;
  const double u = NormalX(x), v = NormalY(y);
  double dx = 0, dy = 0;
  motion.Flow(u, v, static_cast<double>(s), &dx, &dy);
  const double off_x = dx * focal_ - static_cast<double>(flow.x());
  const double off_y = dy * focal_ - static_cast<double>(flow.y());
  if (off_x * off_x + off_y * off_y > kMovesOnItsOwn * kMovesOnItsOwn) return 1;
  const double change = motion.DepthChange(u, v, static_cast<double>(s));
  return static_cast<float>(std::clamp(1 + change, 0.8, 1.25));
}

float FlowFilter::MeasurementVariance(const FilterFrame& frame, float s, float detail) const {
  const float sigma = noise_ * (std::abs(s) + static_cast<float>(frame.floor));
  const float noises = detail / noise_;
  return sigma * sigma * (1 + 0.25f * std::min(noises * noises, 9.0f));
}

void FlowFilter::FindDetail(FilterFrame* frame) const {
  frame->detail.resize(Pixels());
  const std::vector<float>& s = frame->s;
  const auto floor = static_cast<float>(frame->floor);
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < width_; ++x) {
        const size_t i =
            static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
        float sum = 0, n = 0;
        const auto add = [&](bool there, size_t at) {
          if (there && !std::isnan(s[at])) sum += s[at], n += 1;
        };
        add(x > 0, i - 1);
        add(x + 1 < width_, i + 1);
        add(y > 0, i - static_cast<size_t>(width_));
        add(y + 1 < height_, i + static_cast<size_t>(width_));
        frame->detail[i] = n > 0 ? std::abs(s[i] - sum / n) / (std::abs(s[i]) + floor) : 0;
      }
  });
}

// Squared distance of where a pixel comes back to, -1 where its flow is not consistent.
void FlowFilter::FindErrors(const FlowWay& way, std::vector<float>* error) const {
  error->resize(Pixels());
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    BilinearSpot spot;
    for (int y = begin; y < end; ++y) {
      float* row = &(*error)[static_cast<size_t>(y) * static_cast<size_t>(width_)];
      for (int x = 0; x < width_; ++x) {
        float limit = 0;
        const float found = ReturnError(way, x, y, &limit, &spot);
        row[x] = found >= 0 && found < limit ? found : -1;
      }
    }
  });
}

void FlowFilter::Predict(const FilterState& state, const FilterFrame& before,
                         const FilterFrame& now, const FlowWay& way, const EgoMotion& motion,
                         double dt, Prediction* to) const {
  to->trust.resize(Pixels());
  to->state.resize(Pixels());
  FindErrors(way, &to->error);
  const auto gain =
      static_cast<float>(std::clamp(now.luma.deviation / before.luma.deviation, 0.8, 1.25));
  const auto offset =
      static_cast<float>(now.luma.mean) - gain * static_cast<float>(before.luma.mean);
  const auto rgb = Channels(now.picture), rgb_before = Channels(before.picture);
  const float rate_noise = noise_ / static_cast<float>(12 * dt);
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    BilinearSpot spot;
    std::vector<float> least(static_cast<size_t>(width_));
    std::vector<uint8_t> inside(static_cast<size_t>(width_));
    for (int y = begin; y < end; ++y) {
      SurroundedRow(to->error, width_, height_, y, &least, &inside);
      for (int x = 0; x < width_; ++x) {
        const size_t i =
            static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
        to->trust[i] = 0;
        PixelState& told = to->state[i];
        told.value = kNoData;
        if (inside[static_cast<size_t>(x)] == 0) continue;
        const Eigen::Vector2f flow = way.there.At(x, y);
        if (!spot.Place(static_cast<float>(x) + flow.x(), static_cast<float>(y) + flow.y(), width_,
                        height_))
          continue;
        float distance = 0;
        for (size_t c = 0; c < 3; ++c) {
          const float difference =
              gain * spot.Of(rgb_before[c]) + offset - static_cast<float>(rgb[c].At(x, y));
          distance += difference * difference;
        }
        const float trust = -to->error[i] / 2 - distance / (2 * kColorSigma * kColorSigma);
        if (trust < kLeastLogTrust) continue;
        const PixelState from = StateAt(spot, state, width_);
        if (std::isnan(from.value)) continue;
        to->trust[i] = std::exp(trust);
        float factor = nearer_.At(motion, x, y, flow, now.s[i]);
        if (from.age >= kSteadyFrames && std::abs(from.rate) > rate_noise)
          factor *= std::exp(std::copysign(std::abs(from.rate) - rate_noise, from.rate) *
                             static_cast<float>(dt));
        told = from;
        told.value *= factor;
      }
    }
  });
}

void FlowFilter::Begin(const FilterFrame& now, FilterState* state) const {
  state->resize(Pixels());
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    const size_t from = static_cast<size_t>(begin) * static_cast<size_t>(width_);
    const size_t until = static_cast<size_t>(end) * static_cast<size_t>(width_);
    for (size_t i = from; i < until; ++i) {
      const float s = now.Aligned(i);
      (*state)[i] = {s, MeasurementVariance(now, s, now.detail[i]), 0, 0};
    }
  });
}

void FlowFilter::Update(const Prediction& prediction, const FilterFrame& now, double dt,
                        double memory_seconds, FilterState* state) const {
  const auto least_gain = static_cast<float>(1 - std::exp(-dt / memory_seconds));
  const float drift = 0.3f * noise_ * std::sqrt(static_cast<float>(30 * dt));
  const auto floor = static_cast<float>(now.floor);
  state->resize(Pixels());
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < width_; ++x) {
        const size_t i =
            static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x);
        const float s = now.Aligned(i);
        const PixelState& told = prediction.state[i];
        const float before = told.value, trust = prediction.trust[i];
        PixelState& pixel = (*state)[i];
        pixel = {s, MeasurementVariance(now, s, now.detail[i]), 0, 0};
        if (std::isnan(before) || std::isnan(s) || trust < kLeastTrust) continue;
        // Of what is expected, not of what is measured: else a measurement that is too small would
        // be believed more than one that is too large, and all would shrink from frame to frame.
        const float r = MeasurementVariance(now, before, now.detail[i]);
        const float size = std::abs(before) + floor;
        const float q = drift * size;
        const float slope = Slope(prediction.state, x, y) * kFlowSigma;
        float p = told.variance + q * q + slope * slope;
        const float innovation = s - before, gate = innovation * innovation / (p + r);
        if (gate >= 16) continue;
        if (gate > 4) p *= gate / 4;
        p /= trust;
        const float gain = std::max(p / (p + r), least_gain);
        pixel.value = before + gain * innovation;
        pixel.variance = gain * r;
        pixel.rate =
            std::clamp(told.rate + kRateGain * (innovation / size) / static_cast<float>(dt),
                       -kMostRate, kMostRate);
        pixel.age = std::min(told.age + 1, 1000.0f);
      }
  });
}

float FlowFilter::Slope(const FilterState& map, int x, int y) const {
  const size_t w = static_cast<size_t>(width_);
  const size_t i = static_cast<size_t>(y) * w + static_cast<size_t>(x);
  const auto half = [&](size_t a, size_t b) {
    const float d = (map[b].value - map[a].value) / 2;
    return std::isnan(d) ? 0 : d;
  };
  const float gx = x > 0 && x + 1 < width_ ? half(i - 1, i + 1) : 0;
  const float gy = y > 0 && y + 1 < height_ ? half(i - w, i + w) : 0;
  return std::sqrt(gx * gx + gy * gy);
}

void FlowFilter::Join(const FilterState& backward, const FilterFrame& now,
                      FilterState* forward) const {
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    const size_t from = static_cast<size_t>(begin) * static_cast<size_t>(width_);
    const size_t until = static_cast<size_t>(end) * static_cast<size_t>(width_);
    for (size_t i = from; i < until; ++i) {
      const float s = now.Aligned(i);
      if (std::isnan(s)) continue;
      PixelState& pixel = (*forward)[i];
      const float r =
          MeasurementVariance(now, (pixel.value + backward[i].value) / 2, now.detail[i]);
      const float f = 1 / pixel.variance, b = 1 / backward[i].variance, m = 1 / r;
      const float sum = f + b - m;
      if (!(sum > 0.5f * m)) continue;
      pixel.value = (pixel.value * f + backward[i].value * b - s * m) / sum;
    }
  });
}

void FlowFilter::Correction(const FilterState& state, const FilterFrame& now,
                            std::vector<float>* to) const {
  to->resize(Pixels());
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    const size_t from = static_cast<size_t>(begin) * static_cast<size_t>(width_);
    const size_t until = static_cast<size_t>(end) * static_cast<size_t>(width_);
    for (size_t i = from; i < until; ++i) {
      const float change = state[i].value - now.Aligned(i);
      const float noises = now.detail[i] / noise_;
      const float share =
          std::clamp((noises - kDetailLow) / (kDetailHigh - kDetailLow), 0.0f, 1.0f);
      (*to)[i] = std::isnan(change) ? 0 : change * (1 - 0.5f * share);
    }
  });
}

}  // namespace mdvt::depth
