// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/median.h"
#include "core/object_pool.h"
#include "depth/ego_motion.h"
#include "depth/line_fit.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/edge_aware.h"
#include "mdvt/depth/stabilizer.h"
#include "rows.h"

namespace mdvt {
namespace {

constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();
constexpr int kGrain = 32;  // rows
constexpr int kPointsAcross = 64, kPointsDown = 36;
constexpr int kLags[] = {1, 2, 4, 8, 16};
constexpr double kUsualNoise = 0.02;        // of 1 / depth, before anything has been measured
constexpr float kColorSigma = 0.06f * 255;  // of what a pixel may differ in from where it was
constexpr float kLeastTrust = 0.05f;
constexpr float kFlowSigma = 0.5f;                // pixels that flow may be off by
constexpr float kRateGain = 0.05f;                // of the rate of change of a pixel
constexpr float kMostRate = 3;                    // of 1 / depth, a second
constexpr float kSteadyFrames = 4;                // before a rate counts
constexpr float kDetailLow = 2, kDetailHigh = 4;  // of fine structures, in noises
constexpr double kMovesOnItsOwn = 2;              // pixels from what the camera's motion says
constexpr float kEdge = 6;                        // grey levels, for enlarging

struct Statistics {  // of the luma of a picture
  double mean = 0, deviation = 1;
};

struct Work {
  StabilizerInput input;
  std::vector<float> s;  // as it came, NaN = no data
  double floor = 0;      // added to |s| where noise is a share of it
  Statistics luma;
  depth::EgoMotion motion;  // to the frame before
  int64_t number = 0;       // counts the frames of the shot
  double scale = 1, shift = 0;
  double noise = 0;  // against the frame before, 0: not measured
};

struct Link {  // scale s_from + shift of frame `from` is like s of frame `to`
  int64_t from, to;
  double scale, shift, weight;
};

struct Filter {
  std::vector<float> value, variance, rate, age;
  bool empty() const { return value.empty(); }
};

float Luma(float r, float g, float b) { return 0.2126f * r + 0.7152f * g + 0.0722f * b; }

std::array<PlaneView<const uint8_t>, 3> Channels(const Image& image) {
  return {image.Plane<uint8_t>(0), image.Plane<uint8_t>(1), image.Plane<uint8_t>(2)};
}

PlaneView<const float> View(const std::vector<float>& values, int w, int h) {
  return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * w, w, h};
}

Statistics LumaOf(const Image& picture) {
  const auto rgb = Channels(picture);
  double n = 0, sum = 0, squares = 0;
  for (int y = 0; y < picture.height(); y += 4)
    for (int x = 0; x < picture.width(); x += 4) {
      const double v = static_cast<double>(Luma(static_cast<float>(rgb[0].At(x, y)),
                                                static_cast<float>(rgb[1].At(x, y)),
                                                static_cast<float>(rgb[2].At(x, y))));
      n += 1, sum += v, squares += v * v;
    }
  Statistics result;
  result.mean = sum / n;
  result.deviation = std::sqrt(std::max(1.0, squares / n - result.mean * result.mean));
  return result;
}

// What each pixel of a frame should be, before the frame is looked at.
struct Prediction {
  std::vector<float> trust, value, variance, rate, age, error;
};

}  // namespace

void FlowStabilizerOptions::Check() const {
  const auto need = [](bool good, const std::string& text) {
    Require(good, Code::kInvalidArgument, "FlowStabilizerOptions." + text);
  };
  need(width >= 1 && height >= 1 && width <= 1 << 20 && height <= 1 << 20,
       "width and height must be in [1, 2^20]");
  need(short_side >= 32 && short_side <= 4096,
       "short_side = " + std::to_string(short_side) + ", must be in [32, 4096]");
  need(lookahead >= 0 && lookahead <= 256,
       "lookahead = " + std::to_string(lookahead) + ", must be in [0, 256]");
  need(memory_seconds > 0 && memory_seconds <= 60,
       "memory_seconds = " + FormatDouble(memory_seconds) + ", must be in (0, 60]");
  need(leak_seconds > 0 && leak_seconds <= 3600,
       "leak_seconds = " + FormatDouble(leak_seconds) + ", must be in (0, 3600]");
  need(xfov_deg > 0 && xfov_deg < 180,
       "xfov_deg = " + FormatDouble(xfov_deg) + ", must be in (0, 180)");
}

struct FlowStabilizer::Impl {
  Impl(const FlowStabilizerOptions& the_options, ThreadPool* the_pool)
      : options(the_options),
        pool(the_pool),
        maps(PixelFormat::GrayF32(), the_options.width, the_options.height) {
    const int side = std::min(options.width, options.height);
    const double ratio = std::min(1.0, static_cast<double>(options.short_side) / side);
    width = std::max(1, static_cast<int>(std::lround(options.width * ratio)));
    height = std::max(1, static_cast<int>(std::lround(options.height * ratio)));
    focal = width / (2 * std::tan(options.xfov_deg * M_PI / 360));
  }

  size_t Pixels() const { return static_cast<size_t>(width) * static_cast<size_t>(height); }
  bool SameSize() const { return width == options.width && height == options.height; }
  bool Live() const { return options.lookahead == 0; }

  bool Affine(const Work& work) const {
    return options.align == FrameAlignment::kAffine ||
           (options.align == FrameAlignment::kAuto &&
            work.input.depth.quantity == DepthQuantity::kRelativeDisparity);
  }

  // ---- Frames in.

  static float ToS(float value, DepthQuantity quantity) {
    if (quantity == DepthQuantity::kRelativeDisparity)
      return std::isfinite(value) ? value : kNoData;
    return value > 0 ? 1 / value : kNoData;
  }

  Work Take(StabilizerInput input) {
    const Image& map = input.depth.depth;
    Require(map.format() == PixelFormat::GrayF32() && map.width() == options.width &&
                map.height() == options.height,
            Code::kInvalidArgument, "FlowStabilizer: depth of another size than stated");
    Require(
        input.picture.format() == PixelFormat::Rgb(8) && input.picture.width() == width &&
            input.picture.height() == height,
        Code::kInvalidArgument,
        "FlowStabilizer: pictures must be 8-bit RGB of " + FormatSize(width, height) + " pixels");
    Require(SameSize() ||
                (input.guide.format() == PixelFormat::Gray(8) &&
                 input.guide.width() == options.width && input.guide.height() == options.height),
            Code::kInvalidArgument, "FlowStabilizer: a guide of the size of the depth is wanted");
    if (input.flow && input.flow->empty()) input.flow.reset();
    Require(!input.flow || (input.flow->width == width && input.flow->height == height),
            Code::kInvalidArgument, "FlowStabilizer: flow of another size than the pictures");
    Work work;
    work.input = std::move(input);
    if (work.input.cut) work.input.flow.reset();
    Shrink(&work);
    work.luma = LumaOf(work.input.picture);
    double sum = 0, n = 0;
    for (size_t i = 0; i < work.s.size(); i += 7)
      if (!std::isnan(work.s[i])) sum += std::abs(static_cast<double>(work.s[i])), n += 1;
    work.floor = n > 0 ? 0.05 * sum / n + 1e-12 : 1e-12;
    if (work.input.flow) work.motion = Motion(work, work.input.flow->ToBefore());
    return work;
  }

  // The mean of 1 / depth where there is some.
  void Shrink(Work* work) const {
    work->s.resize(Pixels());
    const PlaneView<const float> map = work->input.depth.depth.Plane<float>();
    const DepthQuantity quantity = work->input.depth.quantity;
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y) {
        float* row = &work->s[static_cast<size_t>(y) * width];
        if (SameSize()) {
          const float* from = map.Row(y);
          for (int x = 0; x < width; ++x) row[x] = ToS(from[x], quantity);
          continue;
        }
        const int y0 = static_cast<int>(int64_t{y} * map.height / height);
        const int y1 = static_cast<int>((int64_t{y} + 1) * map.height / height);
        for (int x = 0; x < width; ++x) {
          const int x0 = static_cast<int>(int64_t{x} * map.width / width);
          const int x1 = static_cast<int>((int64_t{x} + 1) * map.width / width);
          float sum = 0, n = 0;
          for (int v = y0; v < std::max(y1, y0 + 1); ++v)
            for (int u = x0; u < std::max(x1, x0 + 1); ++u) {
              const float s = ToS(map.At(u, v), quantity);
              if (!std::isnan(s)) sum += s, n += 1;
            }
          row[x] = n > 0 ? sum / n : kNoData;
        }
      }
    });
  }

  double NormalX(double x) const { return (x + 0.5 - width / 2.0) / focal; }
  double NormalY(double y) const { return (y + 0.5 - height / 2.0) / focal; }

  template <typename Visit>
  void ForPoints(const Visit& visit) const {
    for (int j = 0; j < kPointsDown; ++j)
      for (int i = 0; i < kPointsAcross; ++i)
        visit((2 * i + 1) * width / (2 * kPointsAcross), (2 * j + 1) * height / (2 * kPointsDown));
  }

  depth::EgoMotion Motion(const Work& work, const FlowWay& way) const {
    std::vector<depth::EgoPoint> points;
    BilinearSpot spot;
    ForPoints([&](int x, int y) {
      float limit = 0;
      const float error = ReturnError(way, x, y, &limit, &spot);
      const float s = work.s[static_cast<size_t>(y) * width + x];
      if (!(error >= 0 && error < limit && s > 0)) return;
      const Eigen::Vector2f flow = way.there.At(x, y);
      points.push_back({NormalX(x), NormalY(y), static_cast<double>(flow.x()) / focal,
                        static_cast<double>(flow.y()) / focal, static_cast<double>(s),
                        std::exp(-static_cast<double>(error) / 2)});
    });
    depth::EgoMotion motion = depth::FitEgoMotion(points);
    if (motion.residual * focal > kMovesOnItsOwn) motion.found = false;
    return motion;
  }

  // The factor by which s of a pixel is larger than where it leads.
  float Nearer(const depth::EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
               float s) const {
    if (!motion.found || !(s > 0)) return 1;
    const double u = NormalX(x), v = NormalY(y);
    double dx = 0, dy = 0;
    motion.Flow(u, v, static_cast<double>(s), &dx, &dy);
    const double off = std::hypot(dx * focal - static_cast<double>(flow.x()),
                                  dy * focal - static_cast<double>(flow.y()));
    if (off > kMovesOnItsOwn) return 1;
    const double change = motion.DepthChange(u, v, static_cast<double>(s));
    return static_cast<float>(std::clamp(1 + change, 0.8, 1.25));
  }

  // ---- Scale of whole frames.

  // Pairs of s of `frame` and of the frame `lag` before it, which is at history[size - lag].
  depth::NoisyPairs Chain(const Work& frame, const std::vector<const Work*>& history,
                          int lag) const {
    depth::NoisyPairs pairs;
    BilinearSpot here, there;
    ForPoints([&](int px, int py) {
      const float s = frame.s[static_cast<size_t>(py) * width + px];
      if (std::isnan(s)) return;
      float x = static_cast<float>(px), y = static_cast<float>(py), factor = 1;
      double weight = 1;
      const Work* at = &frame;
      for (int step = 1; step <= lag; ++step) {
        const FlowWay way = at->input.flow->ToBefore();
        if (!here.Place(x, y, width, height)) return;
        const Eigen::Vector2f go = here.Of(way.there);
        const float depth_here = here.Of(View(at->s, width, height));
        if (!there.Place(x + go.x(), y + go.y(), width, height)) return;
        const Eigen::Vector2f come = there.Of(way.back);
        const float error = (go + come).squaredNorm();
        if (!(error < 0.01f * (go.squaredNorm() + come.squaredNorm()) + 0.5f)) return;
        weight *= std::exp(-static_cast<double>(error) / 2);
        factor *=
            Nearer(at->motion, static_cast<double>(x), static_cast<double>(y), go, depth_here);
        x += go.x();
        y += go.y();
        at = history[history.size() - static_cast<size_t>(step)];
      }
      const float before = there.Of(View(at->s, width, height)) * factor;
      if (!std::isnan(before) && weight > 0.02)
        pairs.Add(static_cast<double>(s), static_cast<double>(before), weight);
    });
    return pairs;
  }

  // Adds what can be told of a new frame against those before it.
  void Measure(Work* frame, const std::vector<const Work*>& history) {
    if (!frame->input.flow) return;
    // A frame without flow begins a shot: no chain leads past it.
    size_t reach = 0;
    while (reach < history.size()) {
      ++reach;
      if (!history[history.size() - reach]->input.flow) break;
    }
    for (const int lag : kLags) {
      if (static_cast<size_t>(lag) > reach || (Live() && lag > 1)) break;
      const depth::NoisyPairs pairs = Chain(*frame, history, lag);
      const depth::NoisyLine line = depth::FitNoisyLine(pairs, Affine(*frame), 1, frame->floor);
      const double coverage = static_cast<double>(pairs.x.size()) / (kPointsAcross * kPointsDown);
      if (!line.found || coverage < 0.2) continue;
      if (lag == 1) frame->noise = line.sigma / std::sqrt(2.0);
      links.push_back(
          {frame->number, frame->number - lag, line.scale, line.shift, coverage * line.inliers});
    }
  }

  // Scales of all frames that wait, together: weak springs to what they say themselves, links
  // between them, and to those that have been given out.
  void SolveScales() {
    if (options.align == FrameAlignment::kOff || waiting.empty()) return;
    const auto n = static_cast<Eigen::Index>(waiting.size());
    const int64_t first = waiting.front().number;
    const bool affine = Affine(waiting.front());
    // Of the error of a link over the spread of scales of frames: predictions of relative networks
    // vary more than metric ones.
    const bool relative = waiting.front().input.depth.quantity == DepthQuantity::kRelativeDisparity;
    const double spring = std::pow(0.005 / (relative ? 0.2 : affine ? 0.1 : 0.03), 2);
    const auto known = [&](int64_t frame) { return given.count(frame) > 0 && frame < first; };
    const auto row = [&](int64_t frame) { return static_cast<Eigen::Index>(frame - first); };

    const auto solve = [&](double least_error, const auto& measured, const auto& fixed) {
      Eigen::VectorXd x = Eigen::VectorXd::Zero(n);
      for (int round = 0; round < 6; ++round) {
        Eigen::MatrixXd a = Eigen::MatrixXd::Identity(n, n) * spring;
        Eigen::VectorXd b = Eigen::VectorXd::Zero(n);
        for (const Link& link : links) {
          const bool from_in = link.from >= first, to_in = link.to >= first;
          if (!from_in || (!to_in && !known(link.to))) continue;
          const double target = measured(link);
          const double other = to_in ? x[row(link.to)] : fixed(link.to);
          const double error = std::abs(x[row(link.from)] - other - target);
          // Huber: beyond three times what is usual an error counts by its size alone.
          const double w =
              link.weight * (round == 0 || error < 3 * least_error ? 1.0 : 3 * least_error / error);
          a(row(link.from), row(link.from)) += w;
          b[row(link.from)] += w * target;
          if (to_in) {
            a(row(link.to), row(link.to)) += w;
            a(row(link.from), row(link.to)) -= w;
            a(row(link.to), row(link.from)) -= w;
            b[row(link.to)] -= w * target;
          } else {
            b[row(link.from)] += w * other;
          }
        }
        x = a.ldlt().solve(b);
      }
      return x;
    };
    const Eigen::VectorXd logs = solve(
        0.005, [](const Link& link) { return std::log(link.scale); },
        [&](int64_t frame) { return std::log(given.at(frame).first); });
    for (Work& work : waiting) work.scale = std::exp(logs[row(work.number)]);
    if (!affine) return;
    const double level = 20 * waiting.front().floor;
    const auto scale_of = [&](int64_t frame) {
      return frame >= first ? waiting[static_cast<size_t>(frame - first)].scale
                            : given.at(frame).first;
    };
    const Eigen::VectorXd shifts = solve(
        0.005 * level,
        [&](const Link& link) {
          // Between the middles, so that the error of the scale does not come in.
          return scale_of(link.to) * link.shift;
        },
        [&](int64_t frame) { return given.at(frame).second; });
    for (Work& work : waiting) work.shift = shifts[row(work.number)];
  }

  // ---- One step of the filter.

  void Predict(const Filter& filter, const Work& before, const Work& now, const FlowWay& way,
               const depth::EgoMotion& motion, double dt, Prediction* to) const {
    const size_t n = Pixels();
    for (auto* plane : {&to->trust, &to->value, &to->variance, &to->rate, &to->age, &to->error})
      plane->resize(n);
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      BilinearSpot spot;
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          float limit = 0;
          const float error = ReturnError(way, x, y, &limit, &spot);
          to->error[static_cast<size_t>(y) * width + x] = error >= 0 && error < limit ? error : -1;
        }
    });
    const auto gain =
        static_cast<float>(std::clamp(now.luma.deviation / before.luma.deviation, 0.8, 1.25));
    const auto offset =
        static_cast<float>(now.luma.mean) - gain * static_cast<float>(before.luma.mean);
    const auto rgb = Channels(now.input.picture), rgb_before = Channels(before.input.picture);
    const float rate_noise = static_cast<float>(NoiseLevel() / (12 * dt));
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      BilinearSpot spot;
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          to->trust[i] = 0;
          to->value[i] = kNoData;
          if (!Surrounded(to->error, x, y)) continue;
          const Eigen::Vector2f flow = way.there.At(x, y);
          if (!spot.Place(static_cast<float>(x) + flow.x(), static_cast<float>(y) + flow.y(), width,
                          height))
            continue;
          const float value = spot.Of(View(filter.value, width, height));
          if (std::isnan(value)) continue;
          float distance = 0;
          for (size_t c = 0; c < 3; ++c) {
            const float difference =
                gain * spot.Of(rgb_before[c]) + offset - static_cast<float>(rgb[c].At(x, y));
            distance += difference * difference;
          }
          to->trust[i] = std::exp(-to->error[i] / 2 - distance / (2 * kColorSigma * kColorSigma));
          const float age = spot.Of(View(filter.age, width, height));
          const float rate = spot.Of(View(filter.rate, width, height));
          float factor = Nearer(motion, x, y, flow, now.s[i]);
          if (age >= kSteadyFrames) {
            const float sure = std::max(0.0f, std::abs(rate) - rate_noise);
            factor *= std::exp(std::copysign(sure, rate) * static_cast<float>(dt));
          }
          to->value[i] = value * factor;
          to->variance[i] = spot.Of(View(filter.variance, width, height));
          to->rate[i] = rate;
          to->age[i] = age;
        }
    });
  }

  // The pixel and those around it are all consistent.
  bool Surrounded(const std::vector<float>& error, int x, int y) const {
    const int x0 = std::max(0, x - 1), x1 = std::min(width - 1, x + 1);
    for (int v = std::max(0, y - 1); v <= std::min(height - 1, y + 1); ++v) {
      const float* row = &error[static_cast<size_t>(v) * width];
      for (int u = x0; u <= x1; ++u)
        if (row[u] < 0) return false;
    }
    return true;
  }

  // Live: the frame's scale against what is predicted. Means of small blocks: noise of pixels would
  // hide contrast.
  void AlignTo(const Prediction& prediction, Work* now, double dt) {
    constexpr int kReach = 2;
    const auto noise = static_cast<float>(NoiseLevel());
    depth::NoisyPairs pairs;
    double predicted_noise = 0, measured_noise = 0;
    ForPoints([&](int px, int py) {
      double weight = 0, s = 0, value = 0;
      for (int y = std::max(0, py - kReach); y <= std::min(height - 1, py + kReach); ++y)
        for (int x = std::max(0, px - kReach); x <= std::min(width - 1, px + kReach); ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const double trust = static_cast<double>(prediction.trust[i]);
          if (!(trust > 0.05) || std::isnan(now->s[i]) || std::isnan(prediction.value[i])) continue;
          weight += trust;
          s += trust * static_cast<double>(now->s[i]);
          value += trust * static_cast<double>(prediction.value[i]);
          predicted_noise += trust * static_cast<double>(prediction.variance[i]);
          measured_noise +=
              trust * static_cast<double>(MeasurementVariance(*now, now->s[i], 0, noise));
        }
      if (weight > 0) pairs.Add(s / weight, value / weight, weight);
    });
    depth::NoisyLine line;
    if (measured_noise > 0) {
      // P / R of the filter is what it expects where the scene changes; of one that does not the
      // variance of its value is less.
      const double ratio = std::clamp(predicted_noise / measured_noise, 0.02, 1.0);
      line = depth::FitNoisyLine(pairs, Affine(*now), ratio / (2 - ratio), now->floor);
    }
    if (line.found) {
      const double stay = std::exp(-dt / options.leak_seconds);
      now->scale = std::pow(line.scale, stay);
      now->shift = line.shift * stay;
    } else {
      now->scale = last_scale;
      now->shift = last_shift;
    }
  }

  double NoiseLevel() const { return std::clamp(noise_level, 1e-4, 0.2); }

  float Aligned(const Work& work, size_t i) const {
    return static_cast<float>(work.scale) * work.s[i] + static_cast<float>(work.shift);
  }

  // How far a pixel is from the mean of its neighbours, in noises; and the variance of its
  // measurement.
  float Detail(const Work& work, int x, int y, float noise) const {
    const size_t i = static_cast<size_t>(y) * width + x;
    const float s = work.s[i];
    float sum = 0, n = 0;
    const auto add = [&](size_t at) {
      if (!std::isnan(work.s[at])) sum += work.s[at], n += 1;
    };
    if (x > 0) add(i - 1);
    if (x + 1 < width) add(i + 1);
    if (y > 0) add(i - static_cast<size_t>(width));
    if (y + 1 < height) add(i + static_cast<size_t>(width));
    return n > 0 ? std::abs(s - sum / n) / (noise * (std::abs(s) + static_cast<float>(work.floor)))
                 : 0;
  }

  float MeasurementVariance(const Work& work, float s, float detail, float noise) const {
    const float sigma = noise * (std::abs(s) + static_cast<float>(work.floor));
    return sigma * sigma * (1 + 0.25f * std::min(detail * detail, 9.0f));
  }

  void Begin(const Work& now, Filter* filter) const {
    const auto noise = static_cast<float>(NoiseLevel());
    filter->value.resize(Pixels());
    filter->variance.resize(Pixels());
    filter->rate.assign(Pixels(), 0);
    filter->age.assign(Pixels(), 0);
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          filter->value[i] = Aligned(now, i);
          filter->variance[i] =
              MeasurementVariance(now, filter->value[i], Detail(now, x, y, noise), noise);
        }
    });
  }

  void Update(const Prediction& prediction, const Work& now, double dt, Filter* filter) const {
    const auto noise = static_cast<float>(NoiseLevel());
    const auto least_gain = static_cast<float>(1 - std::exp(-dt / options.memory_seconds));
    const float drift = 0.3f * noise * std::sqrt(static_cast<float>(30 * dt));
    for (auto* plane : {&filter->value, &filter->variance, &filter->rate, &filter->age})
      plane->resize(Pixels());
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const float s = Aligned(now, i);
          const float r = MeasurementVariance(now, s, Detail(now, x, y, noise), noise);
          const float before = prediction.value[i];
          filter->value[i] = s;
          filter->variance[i] = r;
          filter->rate[i] = filter->age[i] = 0;
          const float trust = prediction.trust[i];
          if (std::isnan(before) || std::isnan(s) || trust < kLeastTrust) continue;
          const float q = drift * (std::abs(before) + static_cast<float>(now.floor));
          const float slope = Slope(prediction.value, x, y) * kFlowSigma;
          float p = prediction.variance[i] + q * q + slope * slope;
          const float innovation = s - before, gate = innovation * innovation / (p + r);
          if (gate >= 16) continue;
          if (gate > 4) p *= gate / 4;
          p /= std::max(trust, kLeastTrust);
          const float gain = std::max(p / (p + r), least_gain);
          filter->value[i] = before + gain * innovation;
          filter->variance[i] = gain * r;
          const float share = innovation / (std::abs(before) + static_cast<float>(now.floor));
          filter->rate[i] =
              std::clamp(prediction.rate[i] + kRateGain * share / static_cast<float>(dt),
                         -kMostRate, kMostRate);
          filter->age[i] = std::min(prediction.age[i] + 1, 1000.0f);
        }
    });
  }

  float Slope(const std::vector<float>& map, int x, int y) const {
    const size_t i = static_cast<size_t>(y) * width + x;
    const auto half = [&](size_t a, size_t b) {
      const float d = (map[b] - map[a]) / 2;
      return std::isnan(d) ? 0 : d;
    };
    const float gx = x > 0 && x + 1 < width ? half(i - 1, i + 1) : 0;
    const size_t w = static_cast<size_t>(width);
    const float gy = y > 0 && y + 1 < height ? half(i - w, i + w) : 0;
    return std::sqrt(gx * gx + gy * gy);
  }

  static double Between(const Work& a, const Work& b) {
    const double dt = std::abs(a.input.seconds - b.input.seconds);
    return dt > 1e-4 && dt < 1 ? dt : 1.0 / 24;
  }

  // ---- Frames out.

  // The frame with its pixels moved to `value`.
  StabilizedFrame Give(Work work, const std::vector<float>& value) {
    std::vector<float> correction(Pixels());
    const auto noise = static_cast<float>(NoiseLevel());
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const float change = value[i] - Aligned(work, i);
          if (std::isnan(change)) {
            correction[i] = 0;
            continue;
          }
          const float detail = Detail(work, x, y, noise);
          const float share =
              std::clamp((detail - kDetailLow) / (kDetailHigh - kDetailLow), 0.0f, 1.0f);
          correction[i] = change * (1 - 0.5f * share);
        }
    });
    StabilizedFrame frame;
    frame.scale = work.scale;
    frame.shift = work.shift;
    frame.starts_shot = !work.input.flow;
    frame.depth = std::move(work.input.depth);
    const Image from = std::move(frame.depth.depth);
    frame.depth.depth = maps.Get();
    if (SameSize()) {
      Apply(work, from, View(correction, width, height), &frame.depth);
    } else {
      Image large(PixelFormat::GrayF32(), options.width, options.height);
      Enlarge(work, correction, large.MutablePlane<float>());
      Apply(work, from, std::as_const(large).Plane<float>(), &frame.depth);
    }
    return frame;
  }

  void Enlarge(const Work& work, const std::vector<float>& correction, PlaneView<float> to) const {
    std::vector<uint8_t> luma(Pixels());
    const auto rgb = Channels(work.input.picture);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        luma[static_cast<size_t>(y) * width + x] = static_cast<uint8_t>(
            Luma(static_cast<float>(rgb[0].At(x, y)), static_cast<float>(rgb[1].At(x, y)),
                 static_cast<float>(rgb[2].At(x, y))) +
            0.5f);
    UpsampleAlongEdges(correction, {luma.data(), width, width, height},
                       work.input.guide.Plane<uint8_t>(), kEdge, pool, to);
  }

  void Apply(const Work& work, const Image& from, PlaneView<const float> correction,
             DepthEstimate* to) const {
    const PlaneView<const float> map = from.Plane<float>();
    const PlaneView<float> out = to->depth.MutablePlane<float>();
    const DepthQuantity quantity = to->quantity;
    const auto scale = static_cast<float>(work.scale), shift = static_cast<float>(work.shift);
    ForRows(pool, map.height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y) {
        float* row = out.Row(y);
        const float* delta = correction.Row(y);
        for (int x = 0; x < map.width; ++x) {
          const float s = ToS(map.At(x, y), quantity);
          if (std::isnan(s)) {
            row[x] = map.At(x, y);
            continue;
          }
          float lowest = s, highest = s;
          for (int v = std::max(0, y - 1); v <= std::min(map.height - 1, y + 1); ++v)
            for (int u = std::max(0, x - 1); u <= std::min(map.width - 1, x + 1); ++u) {
              const float other = ToS(map.At(u, v), quantity);
              if (other < lowest) lowest = other;
              if (other > highest) highest = other;
            }
          const float low = scale * lowest + shift, high = scale * highest + shift;
          float value = std::clamp(scale * s + shift + delta[x], low - 0.1f * std::abs(low),
                                   high + 0.1f * std::abs(high));
          if (quantity == DepthQuantity::kMetricDepth) {
            // A shift may lead past infinity: at most ten times as far away.
            value = std::max(value, 0.1f * s);
            row[x] = value > 0 ? 1 / value : std::numeric_limits<float>::infinity();
          } else {
            row[x] = value;
          }
        }
      }
    });
  }

  // ---- The two ways through.

  void PushLive(Work work) {
    if (!work.input.flow || !last || live.empty()) {
      noise_level = kUsualNoise;
      links.clear();
      Begin(work, &live);
    } else {
      const double dt = Between(work, *last);
      links.clear();
      Measure(&work, {&*last});
      if (work.noise > 0) noise_level += 0.2 * (work.noise - noise_level);
      Predict(live, *last, work, work.input.flow->ToBefore(), work.motion, dt, &predicted);
      if (options.align != FrameAlignment::kOff) AlignTo(predicted, &work, dt);
      Update(predicted, work, dt, &live);
    }
    last_scale = work.scale;
    last_shift = work.shift;
    Work kept;  // what the next frame needs
    kept.s = work.s;
    kept.luma = work.luma;
    kept.input.picture = work.input.picture;
    kept.input.seconds = work.input.seconds;
    kept.number = work.number;
    last = std::move(kept);
    ready.push_back(Give(std::move(work), live.value));
  }

  void PushWaiting(Work work) {
    if (!work.input.flow) {
      Run(waiting.size());
      Forget();
    }
    work.number = next_number++;
    std::vector<const Work*> history;
    if (last) history.push_back(&*last);
    for (const Work& one : waiting) history.push_back(&one);
    Measure(&work, history);
    waiting.push_back(std::move(work));
    if (static_cast<int>(waiting.size()) == 2 * options.lookahead)
      Run(static_cast<size_t>(options.lookahead));
  }

  void Forget() {
    waiting.clear();
    last.reset();
    live = Filter();
    links.clear();
    given.clear();
    next_number = 0;
    noise_level = kUsualNoise;
  }

  // Gives out the first `count` of those that wait.
  void Run(size_t count) {
    if (count == 0) return;
    SolveScales();
    std::vector<double> noises;
    for (const Work& work : waiting)
      if (work.noise > 0) noises.push_back(work.noise);
    if (!noises.empty()) noise_level = Median(&noises);

    std::vector<Filter> forward(count);
    for (size_t i = 0; i < count; ++i) {
      const Work& now = waiting[i];
      const Work* before = i > 0 ? &waiting[i - 1] : last ? &*last : nullptr;
      if (before == nullptr || live.empty()) {
        Begin(now, &live);
      } else {
        const double dt = Between(now, *before);
        Predict(live, *before, now, now.input.flow->ToBefore(), now.motion, dt, &predicted);
        Update(predicted, now, dt, &live);
      }
      forward[i].value = live.value;
      forward[i].variance = live.variance;
    }
    Filter backward;
    for (size_t i = waiting.size(); i-- > 0;) {
      const Work& now = waiting[i];
      if (backward.empty()) {
        Begin(now, &backward);
      } else {
        const Work& after = waiting[i + 1];
        const double dt = Between(now, after);
        const FlowWay way = after.input.flow->FromBefore();
        Predict(backward, after, now, way, Motion(now, way), dt, &predicted);
        Update(predicted, now, dt, &backward);
      }
      if (i < count) Join(backward, now, &forward[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      Work work = std::move(waiting.front());
      waiting.pop_front();
      given[work.number] = {work.scale, work.shift};
      if (i + 1 == count) {
        Work kept;
        kept.s = work.s;
        kept.luma = work.luma;
        kept.input.picture = work.input.picture;
        kept.input.seconds = work.input.seconds;
        kept.input.flow = work.input.flow;
        kept.motion = work.motion;
        kept.number = work.number;
        last = std::move(kept);
      }
      ready.push_back(Give(std::move(work), forward[i].value));
    }
    const int64_t oldest = next_number - 64 - 2 * options.lookahead;
    given.erase(given.begin(), given.lower_bound(oldest));
    links.erase(std::remove_if(links.begin(), links.end(),
                               [&](const Link& link) { return given.count(link.from) > 0; }),
                links.end());
  }

  // The measurement is in both: 1 / P = 1 / Pf + 1 / Pb - 1 / R.
  void Join(const Filter& backward, const Work& now, Filter* forward) const {
    const auto noise = static_cast<float>(NoiseLevel());
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y)
        for (int x = 0; x < width; ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const float s = Aligned(now, i);
          if (std::isnan(s)) continue;
          const float r = MeasurementVariance(now, s, Detail(now, x, y, noise), noise);
          const float f = 1 / forward->variance[i], b = 1 / backward.variance[i], m = 1 / r;
          const float sum = f + b - m;
          if (!(sum > 0.5f * m)) continue;
          forward->value[i] = (forward->value[i] * f + backward.value[i] * b - s * m) / sum;
        }
    });
  }

  FlowStabilizerOptions options;
  ThreadPool* pool;
  ImagePool maps;  // of the depth's size
  int width = 0, height = 0;
  double focal = 1;
  double noise_level = kUsualNoise;
  double last_scale = 1, last_shift = 0;
  Filter live;               // up to the last frame given out
  std::optional<Work> last;  // that frame
  std::deque<Work> waiting;  // with lookahead
  std::vector<Link> links;
  std::map<int64_t, std::pair<double, double>> given;  // scale and shift of frames given out
  int64_t next_number = 0;
  Prediction predicted;
  std::deque<StabilizedFrame> ready;
  bool finished = false;
};

FlowStabilizer::FlowStabilizer(const FlowStabilizerOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(options, pool);
}
FlowStabilizer::~FlowStabilizer() = default;

StabilizerInfo FlowStabilizer::info() const {
  StabilizerInfo info;
  info.window = impl_->Live() ? 2 : 2 * impl_->options.lookahead;
  info.lookahead = impl_->options.lookahead;
  info.needs_flow = true;
  info.width = impl_->width;
  info.height = impl_->height;
  return info;
}

int FlowStabilizer::latency() const { return 2 * impl_->options.lookahead; }

void FlowStabilizer::Push(StabilizerInput input) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "FlowStabilizer: a frame was pushed after Finish()");
  Work work = impl_->Take(std::move(input));
  if (impl_->Live())
    impl_->PushLive(std::move(work));
  else
    impl_->PushWaiting(std::move(work));
}

void FlowStabilizer::Finish() {
  if (!impl_->finished && !impl_->Live()) impl_->Run(impl_->waiting.size());
  impl_->finished = true;
}

std::optional<StabilizedFrame> FlowStabilizer::Pop() {
  if (impl_->ready.empty()) return std::nullopt;
  StabilizedFrame frame = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return frame;
}

bool FlowStabilizer::CanSave() const { return impl_->Live(); }

void FlowStabilizer::Save(State* state) const {
  Require(CanSave(), Code::kUnsupported, "FlowStabilizer: with lookahead it holds frames");
  Require(impl_->ready.empty(), Code::kInvalidArgument,
          "FlowStabilizer: it holds frames, its state cannot be saved now");
  state->SetFlag("begun", impl_->last.has_value());
  if (!impl_->last) return;
  const Work& last = *impl_->last;
  state->SetNumbers("numbers",
                    {impl_->noise_level, impl_->last_scale, impl_->last_shift, last.luma.mean,
                     last.luma.deviation, last.input.seconds, static_cast<double>(last.number)});
  state->SetImage("picture", last.input.picture);
  const auto set = [&](const char* name, const std::vector<float>& values) {
    Image image(PixelFormat::GrayF32(), impl_->width, impl_->height);
    CopyPixels({PixelFormat::GrayF32(),
                impl_->width,
                impl_->height,
                {reinterpret_cast<const std::byte*>(values.data())},
                {static_cast<ptrdiff_t>(sizeof(float)) * impl_->width}},
               image.mutable_view());
    state->SetImage(name, image);
  };
  set("s", last.s);
  set("value", impl_->live.value);
  set("variance", impl_->live.variance);
  set("rate", impl_->live.rate);
  set("age", impl_->live.age);
}

void FlowStabilizer::Load(const State& state) {
  Require(CanSave(), Code::kUnsupported, "FlowStabilizer: with lookahead it holds frames");
  Impl& impl = *impl_;
  impl.ready.clear();
  if (!state.Flag("begun")) {
    impl.last.reset();
    impl.live = Filter();
    return;
  }
  const std::vector<double> numbers = state.Numbers("numbers");
  Image picture = state.GetImage("picture");
  Require(numbers.size() == 7 && picture.format() == PixelFormat::Rgb(8) &&
              picture.width() == impl.width && picture.height() == impl.height,
          Code::kCorrupt, "the saved state is not one of this stabiliser");
  const auto get = [&](const char* name) {
    const Image image = state.GetImage(name);
    Require(image.format() == PixelFormat::GrayF32() && image.width() == impl.width &&
                image.height() == impl.height,
            Code::kCorrupt, "the saved state is not one of this stabiliser");
    std::vector<float> values(impl.Pixels());
    for (int y = 0; y < impl.height; ++y)
      std::copy_n(image.Plane<float>().Row(y), impl.width,
                  &values[static_cast<size_t>(y) * impl.width]);
    return values;
  };
  Work last;
  last.s = get("s");
  Filter live;
  live.value = get("value");
  live.variance = get("variance");
  live.rate = get("rate");
  live.age = get("age");
  impl.noise_level = numbers[0];
  impl.last_scale = numbers[1];
  impl.last_shift = numbers[2];
  last.luma = {numbers[3], numbers[4]};
  last.input.seconds = numbers[5];
  last.number = static_cast<int64_t>(numbers[6]);
  last.input.picture = std::move(picture);
  impl.last = std::move(last);
  impl.live = std::move(live);
}

}  // namespace mdvt
