// SPDX-License-Identifier: Apache-2.0
#include "depth/flow_filter.h"

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
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

// 256 times red and blue, and 256 times green, to a sixteenth of a pixel.
struct Blend {
  uint32_t red_blue, green;
};
Blend ColorAt(const BilinearSpot& spot, const std::vector<uint32_t>& colors, int width) {
  const auto at = [&](int x, int y) {
    return colors[static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)];
  };
  const auto ax = static_cast<uint32_t>(16 * spot.ax + 0.5f);
  const auto ay = static_cast<uint32_t>(16 * spot.ay + 0.5f);
  const uint32_t w11 = ax * ay, w01 = 16 * ax - w11, w10 = 16 * ay - w11;
  const uint32_t w00 = 256 - w01 - w10 - w11;
  const uint32_t a = at(spot.x0, spot.y0), b = at(spot.x1, spot.y0), c = at(spot.x0, spot.y1),
                 d = at(spot.x1, spot.y1);
  constexpr uint32_t kEven = 0xFF00FF;
  const auto mix = [&](uint32_t p, uint32_t q, uint32_t r, uint32_t s) {
    return w00 * p + w01 * q + w10 * r + w11 * s;
  };
  return {mix(a & kEven, b & kEven, c & kEven, d & kEven),
          mix(a >> 8 & 255, b >> 8 & 255, c >> 8 & 255, d >> 8 & 255)};
}

// e^x of x in [-80, 80], to 3e-5 of itself.
float Exp(float x) {
  const float y = x * 1.44269504f;
  const int whole = static_cast<int>(y + 256) - 256;
  const float f = y - static_cast<float>(whole);
  // 2^f on [0, 1], the same at both ends.
  const float power =
      1 + f * (0.69314718f +
               f * (0.24022651f + f * (0.05550411f + f * (0.00961813f + f * 0.00150417f))));
  const auto bits = static_cast<uint32_t>(whole + 127) << 23;
  float scale = 0;
  std::memcpy(&scale, &bits, sizeof(scale));
  return power * scale;
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

double NearerFactor::OffBy(const EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
                           float s) const {
  double dx = 0, dy = 0;
  motion.Flow(NormalX(x), NormalY(y), static_cast<double>(s), &dx, &dy);
  const double off_x = dx * focal_ - static_cast<double>(flow.x());
  const double off_y = dy * focal_ - static_cast<double>(flow.y());
  return off_x * off_x + off_y * off_y;
}

float NearerFactor::At(const EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
                       float s) const {
  if (!motion.found || !(s > 0)) return 1;
  if (OffBy(motion, x, y, flow, s) > kMovesOnItsOwn * kMovesOnItsOwn) return 1;
  const double change = motion.DepthChange(NormalX(x), NormalY(y), static_cast<double>(s));
  return static_cast<float>(std::clamp(1 + change, 0.8, 1.25));
}

NearerFactor::Row::Row(const NearerFactor& of, const EgoMotion& motion, double y)
    : found_(motion.found),
      first_u_(static_cast<float>(of.NormalX(0))),
      per_x_(static_cast<float>(1 / of.focal())),
      focal_(static_cast<float>(of.focal())) {
  const double v = of.NormalY(y);
  const auto &turn = motion.omega, &move = motion.translation;
  const auto cast = [](double value) { return static_cast<float>(value); };
  dx_ = {cast(turn[1] - v * turn[2]), cast(-v * turn[0]), cast(turn[1])};
  dy_ = {cast(-(1 + v * v) * turn[0]), cast(v * turn[1] + turn[2]), 0};
  dx_s_ = {cast(move[0]), cast(-move[2])};
  dy_s_ = cast(move[1] - v * move[2]);
  change_ = {cast(turn[0] * v), cast(-turn[1])};
  change_s_ = cast(move[2]);
}

float NearerFactor::Row::At(int x, const Eigen::Vector2f& flow, float s) const {
  if (!found_ || !(s > 0)) return 1;
  const float u = first_u_ + static_cast<float>(x) * per_x_;
  const float dx = dx_[0] + u * (dx_[1] + u * dx_[2]) + s * (dx_s_[0] + u * dx_s_[1]);
  const float dy = dy_[0] + u * dy_[1] + s * dy_s_;
  const float off_x = dx * focal_ - flow.x(), off_y = dy * focal_ - flow.y();
  constexpr auto kMost = static_cast<float>(kMovesOnItsOwn * kMovesOnItsOwn);
  if (off_x * off_x + off_y * off_y > kMost) return 1;
  return std::clamp(1 + change_[0] + u * change_[1] + s * change_s_, 0.8f, 1.25f);
}

void FlowFilter::FindColors(FilterFrame* frame) const {
  frame->colors.resize(Pixels());
  const auto rgb = Channels(frame->picture);
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      const uint8_t *r = rgb[0].Row(y), *g = rgb[1].Row(y), *b = rgb[2].Row(y);
      uint32_t* to = &frame->colors[static_cast<size_t>(y) * static_cast<size_t>(width_)];
      for (int x = 0; x < width_; ++x)
        to[x] = uint32_t{r[x]} | uint32_t{g[x]} << 8 | uint32_t{b[x]} << 16;
    }
  });
}

float FlowFilter::MeasurementVariance(const FilterFrame& frame, float s, float detail) const {
  const float sigma = Sigma(frame, s);
  return sigma * sigma + 0.25f * std::min(detail * detail, 9 * sigma * sigma);
}

void FlowFilter::FindDetail(FilterFrame* frame) const {
  frame->detail.resize(Pixels());
  const std::vector<float>& s = frame->s;
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
        frame->detail[i] = n > 0 ? std::abs(s[i] - sum / n) : 0;
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
  const float rate_noise = noise_ / static_cast<float>(12 * dt);
  ForRows(pool_, height_, kGrain, [&](int begin, int end) {
    BilinearSpot spot;
    std::vector<float> least(static_cast<size_t>(width_));
    std::vector<uint8_t> inside(static_cast<size_t>(width_));
    for (int y = begin; y < end; ++y) {
      const NearerFactor::Row nearer(nearer_, motion, y);
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
        const Blend was = ColorAt(spot, before.colors, width_);
        const uint32_t is = now.colors[i];
        const auto off = [&](uint32_t blend, uint32_t color) {
          const float difference =
              gain / 256 * static_cast<float>(blend) + offset - static_cast<float>(color & 255);
          return difference * difference;
        };
        const float distance = off(was.red_blue & 0xFFFF, is) + off(was.green, is >> 8) +
                               off(was.red_blue >> 16, is >> 16);
        const float trust = -to->error[i] / 2 - distance / (2 * kColorSigma * kColorSigma);
        if (trust < kLeastLogTrust) continue;
        const PixelState from = StateAt(spot, state, width_);
        if (std::isnan(from.value)) continue;
        to->trust[i] = Exp(trust);
        float factor = nearer.At(x, flow, now.s[i]);
        if (from.age >= kSteadyFrames && std::abs(from.rate) > rate_noise)
          factor *= Exp(std::copysign(std::abs(from.rate) - rate_noise, from.rate) *
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
      (*state)[i] = {s, MeasurementVariance(now, s, now.AlignedDetail(i)), 0, 0};
    }
  });
}

void FlowFilter::Update(const Prediction& prediction, const FilterFrame& now, double dt,
                        double memory_seconds, FilterState* state) const {
  const auto least_gain = static_cast<float>(1 - std::exp(-dt / memory_seconds));
  const float drift = 0.3f * noise_ * std::sqrt(static_cast<float>(30 * dt));
  const auto floor = static_cast<float>(now.floor);
  const float per_rate = kRateGain / static_cast<float>(dt);
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
        pixel = {s, MeasurementVariance(now, s, now.AlignedDetail(i)), 0, 0};
        if (std::isnan(before) || std::isnan(s) || trust < kLeastTrust) continue;
        // Of what is expected, not of what is measured: else a measurement that is too small would
        // be believed more than one that is too large, and all would shrink from frame to frame.
        const float r = MeasurementVariance(now, before, now.AlignedDetail(i));
        const float size = std::abs(before) + floor;
        const float q = drift * size;
        float p = told.variance + q * q +
                  SquaredSlope(prediction.state, x, y) * (kFlowSigma * kFlowSigma);
        const float innovation = s - before, square = innovation * innovation;
        if (square >= 16 * (p + r)) continue;
        if (square > 4 * (p + r)) p *= square / (4 * (p + r));
        p /= trust;
        const float gain = std::max(p / (p + r), least_gain);
        pixel.value = before + gain * innovation;
        pixel.variance = gain * r;
        // A quotient by a noisy value is too large by that value's variance, in a scene at rest the
        // variance of a moving mean. Summed up in the rate it would make all come nearer.
        const float excess = noise_ * noise_ * gain / (2 - gain);
        pixel.rate =
            std::clamp(told.rate + per_rate * (innovation / size - excess), -kMostRate, kMostRate);
        pixel.age = std::min(told.age + 1, 1000.0f);
      }
  });
}

float FlowFilter::SquaredSlope(const FilterState& map, int x, int y) const {
  const size_t w = static_cast<size_t>(width_);
  const size_t i = static_cast<size_t>(y) * w + static_cast<size_t>(x);
  const auto half = [&](size_t a, size_t b) {
    const float d = (map[b].value - map[a].value) / 2;
    return std::isnan(d) ? 0 : d;
  };
  const float gx = x > 0 && x + 1 < width_ ? half(i - 1, i + 1) : 0;
  const float gy = y > 0 && y + 1 < height_ ? half(i - w, i + w) : 0;
  return gx * gx + gy * gy;
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
          MeasurementVariance(now, (pixel.value + backward[i].value) / 2, now.AlignedDetail(i));
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
      const float noises = now.AlignedDetail(i) / Sigma(now, state[i].value);
      const float share =
          std::clamp((noises - kDetailLow) / (kDetailHigh - kDetailLow), 0.0f, 1.0f);
      (*to)[i] = std::isnan(change) ? 0 : change * (1 - 0.5f * share);
    }
  });
}

}  // namespace mdvt::depth
