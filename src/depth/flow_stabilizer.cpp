// SPDX-License-Identifier: Apache-2.0
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
#include "core/rows.h"
#include "depth/ego_motion.h"
#include "depth/flow_filter.h"
#include "depth/frame_scales.h"
#include "depth/line_fit.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/edge_aware.h"
#include "mdvt/depth/stabilizer.h"

namespace mdvt {
namespace {

constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();
constexpr int kGrain = 32;  // rows
constexpr int kPointsAcross = 64, kPointsDown = 36;
constexpr int kLags[] = {1, 2, 4, 8, 16};
constexpr double kUsualNoise = 0.02;  // of 1 / depth, before anything has been measured
constexpr double kMovesAsAWhole = 2;  // pixels from what the camera's motion says
// Pixels, for a point to tell the scale of its frame: what moves by itself hides in the noise of
// depth from frame to frame, but not in flow. Or so many times what half of the points are off by.
constexpr double kMovesAlong = 0.3, kMovesLikeMost = 3;
constexpr float kEdge = 6;  // grey levels, for enlarging

struct Work {
  StabilizerInput input;
  depth::FilterFrame frame;
  depth::EgoMotion motion;       // to the frame before
  depth::EgoMotion from_before;  // from it to this one, with lookahead
  int64_t number = 0;            // counts the frames of the shot
  double noise = 0;              // against the frame before, 0: not measured
};

// As states are saved.
constexpr std::pair<const char*, float depth::PixelState::*> kStatePlanes[] = {
    {"value", &depth::PixelState::value},
    {"variance", &depth::PixelState::variance},
    {"rate", &depth::PixelState::rate},
    {"age", &depth::PixelState::age}};

PlaneView<const float> View(const std::vector<float>& values, int w, int h) {
  return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * w, w, h};
}

float ToS(float value, DepthQuantity quantity) {
  if (quantity == DepthQuantity::kRelativeDisparity) return std::isfinite(value) ? value : kNoData;
  return value > 0 ? 1 / value : kNoData;
}

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
    nearer.emplace(width, height, width / (2 * std::tan(options.xfov_deg * M_PI / 360)));
    filter.emplace(width, height, *nearer, pool);
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
    work.frame = std::move(spare);  // its memory
    work.frame.scale = 1;
    work.frame.shift = 0;
    work.frame.picture = std::move(work.input.picture);
    Shrink(work.input.depth, &work.frame.s);
    work.frame.luma = depth::LumaOf(work.frame.picture);
    filter->FindColors(&work.frame);
    double sum = 0, n = 0;
    const std::vector<float>& s = work.frame.s;
    for (size_t i = 0; i < s.size(); i += 7)
      if (!std::isnan(s[i])) sum += std::abs(static_cast<double>(s[i])), n += 1;
    work.frame.floor = n > 0 ? 0.05 * sum / n + 1e-12 : 1e-12;
    filter->FindDetail(&work.frame);
    if (work.input.flow) work.motion = Motion(work, work.input.flow->ToBefore());
    return work;
  }

  // The mean of 1 / depth where there is some.
  void Shrink(const DepthEstimate& depth, std::vector<float>* to) const {
    to->resize(Pixels());
    const PlaneView<const float> map = depth.depth.Plane<float>();
    const DepthQuantity quantity = depth.quantity;
    ForRows(pool, height, kGrain, [&](int begin, int end) {
      for (int y = begin; y < end; ++y) {
        float* row = &(*to)[static_cast<size_t>(y) * width];
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

  template <typename Visit>
  void ForPoints(const Visit& visit) const {
    for (int j = 0; j < kPointsDown; ++j)
      for (int i = 0; i < kPointsAcross; ++i)
        visit((2 * i + 1) * width / (2 * kPointsAcross), (2 * j + 1) * height / (2 * kPointsDown));
  }

  depth::EgoMotion Motion(const Work& work, const FlowWay& way) const {
    std::vector<depth::EgoPoint> points;
    const double focal = nearer->focal();
    BilinearSpot spot;
    ForPoints([&](int x, int y) {
      float limit = 0;
      const float error = ReturnError(way, x, y, &limit, &spot);
      const float s = work.frame.s[static_cast<size_t>(y) * width + x];
      if (!(error >= 0 && error < limit && s > 0)) return;
      const Eigen::Vector2f flow = way.there.At(x, y);
      points.push_back({nearer->NormalX(x), nearer->NormalY(y),
                        static_cast<double>(flow.x()) / focal,
                        static_cast<double>(flow.y()) / focal, static_cast<double>(s),
                        std::exp(-static_cast<double>(error) / 2)});
    });
    depth::EgoMotion motion = depth::FitEgoMotion(points);
    if (motion.residual * focal > kMovesAsAWhole) motion.found = false;
    return motion;
  }

  // ---- Scale of whole frames.

  // Whether a point moves as the camera makes it, as far as is known.
  bool MovesAlong(const depth::EgoMotion& motion, double x, double y, const Eigen::Vector2f& flow,
                  float s) const {
    if (!motion.found || !(s > 0)) return true;
    const double limit = std::max(kMovesAlong, kMovesLikeMost * motion.residual * nearer->focal());
    return nearer->OffBy(motion, x, y, flow, s) < limit * limit;
  }

  // Pairs of s of `frame` and of the frame `lag` before it, which is at history[size - lag], at
  // points of `frame`; with `forward` at points of that other frame.
  void Chain(const Work& frame, const std::vector<const Work*>& history, int lag, bool forward,
             depth::NoisyPairs* pairs) const {
    // 0 is `frame`, 1 the one before it.
    const auto ago = [&](int frames) {
      return frames == 0 ? &frame : history[history.size() - static_cast<size_t>(frames)];
    };
    BilinearSpot here, there;
    ForPoints([&](int px, int py) {
      const Work* at = ago(forward ? lag : 0);
      const float s = at->frame.s[static_cast<size_t>(py) * width + px];
      if (std::isnan(s)) return;
      float x = static_cast<float>(px), y = static_cast<float>(py), factor = 1;
      double weight = 1;
      for (int step = 1; step <= lag; ++step) {
        const Work* later = forward ? ago(lag - step) : at;
        const FlowWay way =
            forward ? later->input.flow->FromBefore() : later->input.flow->ToBefore();
        if (!here.Place(x, y, width, height)) return;
        const Eigen::Vector2f go = here.Of(way.there);
        const float depth_here = here.Of(View(at->frame.s, width, height));
        if (!there.Place(x + go.x(), y + go.y(), width, height)) return;
        const Eigen::Vector2f come = there.Of(way.back);
        const float error = (go + come).squaredNorm();
        if (!(error < 0.01f * (go.squaredNorm() + come.squaredNorm()) + 0.5f)) return;
        weight *= std::exp(-static_cast<double>(error) / 2);
        const depth::EgoMotion& motion = forward ? later->from_before : later->motion;
        const auto u = static_cast<double>(x), v = static_cast<double>(y);
        if (!MovesAlong(motion, u, v, go, depth_here)) return;
        factor *= nearer->At(motion, u, v, go, depth_here);
        x += go.x();
        y += go.y();
        at = ago(forward ? lag - step : step);
      }
      const float other = there.Of(View(at->frame.s, width, height)) * factor;
      if (std::isnan(other) || !(weight > 0.02)) return;
      const auto mine = static_cast<double>(s), found = static_cast<double>(other);
      forward ? pairs->Add(found, mine, weight) : pairs->Add(mine, found, weight);
    });
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
      depth::NoisyPairs pairs;
      Chain(*frame, history, lag, false, &pairs);
      // Read from both sides the scale is that of the reversed clip.
      if (!Live()) Chain(*frame, history, lag, true, &pairs);
      const depth::NoisyLine line =
          depth::FitNoisyLine(pairs, Affine(*frame), 1, frame->frame.floor);
      const double coverage =
          static_cast<double>(pairs.x.size()) / ((Live() ? 1 : 2) * kPointsAcross * kPointsDown);
      if (!line.found || coverage < 0.2) continue;
      if (lag == 1) frame->noise = line.sigma / std::sqrt(2.0);
      links.push_back(
          {frame->number, frame->number - lag, line.scale, line.shift, coverage * line.inliers});
    }
  }

  void SolveScales() {
    if (options.align == FrameAlignment::kOff || waiting.empty()) return;
    depth::FrameScaleOptions solve;
    solve.affine = Affine(waiting.front());
    solve.relative = waiting.front().input.depth.quantity == DepthQuantity::kRelativeDisparity;
    solve.level = 20 * waiting.front().frame.floor;
    const auto found = depth::SolveFrameScales(links, given, waiting.front().number,
                                               static_cast<int64_t>(waiting.size()), solve);
    for (size_t i = 0; i < waiting.size(); ++i) {
      waiting[i].frame.scale = found[i].first;
      waiting[i].frame.shift = found[i].second;
    }
  }

  // ---- One step of the filter.

  // Live: the frame's scale against what is predicted. Means of small blocks: noise of pixels would
  // hide contrast.
  void AlignTo(const depth::Prediction& prediction, Work* work, double dt) {
    constexpr int kReach = 2;
    depth::FilterFrame* now = &work->frame;
    depth::NoisyPairs pairs;
    double predicted_noise = 0, measured_noise = 0;
    const FlowPlane flow = work->input.flow->ToBefore().there;
    ForPoints([&](int px, int py) {
      const float own = now->s[static_cast<size_t>(py) * width + px];
      if (!MovesAlong(work->motion, px, py, flow.At(px, py), own)) return;
      double weight = 0, s = 0, value = 0;
      for (int y = std::max(0, py - kReach); y <= std::min(height - 1, py + kReach); ++y)
        for (int x = std::max(0, px - kReach); x <= std::min(width - 1, px + kReach); ++x) {
          const size_t i = static_cast<size_t>(y) * width + x;
          const double trust = static_cast<double>(prediction.trust[i]);
          if (!(trust > 0.05) || std::isnan(now->s[i]) || std::isnan(prediction.state[i].value))
            continue;
          weight += trust;
          s += trust * static_cast<double>(now->s[i]);
          value += trust * static_cast<double>(prediction.state[i].value);
          predicted_noise += trust * static_cast<double>(prediction.state[i].variance);
          measured_noise +=
              trust * static_cast<double>(filter->MeasurementVariance(*now, now->s[i], 0));
        }
      if (weight > 0) pairs.Add(s / weight, value / weight, weight);
    });
    depth::NoisyLine line;
    if (measured_noise > 0) {
      // P / R of the filter is what it expects where the scene changes; of one that does not the
      // variance of its value is less.
      const double ratio = std::clamp(predicted_noise / measured_noise, 0.02, 1.0);
      line = depth::FitNoisyLine(pairs, Affine(*work), ratio / (2 - ratio), now->floor);
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

  void FilterStep(const Work& before, const Work& now, const FlowWay& way,
                  const depth::EgoMotion& motion, depth::FilterState* state) {
    const double dt = Between(now, before);
    filter->Predict(*state, before.frame, now.frame, way, motion, dt, &predicted);
    filter->Update(predicted, now.frame, dt, options.memory_seconds, state);
  }

  static double Between(const Work& a, const Work& b) {
    const double dt = std::abs(a.input.seconds - b.input.seconds);
    return dt > 1e-4 && dt < 1 ? dt : 1.0 / 24;
  }

  // ---- Frames out.

  // The frame with its pixels moved to `value`.
  StabilizedFrame Give(Work* from_work, const depth::FilterState& state) {
    Work& work = *from_work;
    filter->Correction(state, work.frame, &correction);
    StabilizedFrame frame;
    frame.scale = work.frame.scale;
    frame.shift = work.frame.shift;
    frame.starts_shot = !work.input.flow;
    frame.depth = std::move(work.input.depth);
    const Image from = std::move(frame.depth.depth);
    frame.depth.depth = maps.Get();
    if (SameSize()) {
      Apply(work, from, View(correction, width, height), &frame.depth);
    } else {
      Image large(PixelFormat::GrayF32(), options.width, options.height);
      Enlarge(work, large.MutablePlane<float>());
      Apply(work, from, std::as_const(large).Plane<float>(), &frame.depth);
    }
    return frame;
  }

  void Enlarge(const Work& work, PlaneView<float> to) const {
    std::vector<uint8_t> luma(Pixels());
    const Image& picture = work.frame.picture;
    const std::array<PlaneView<const uint8_t>, 3> rgb = {
        picture.Plane<uint8_t>(0), picture.Plane<uint8_t>(1), picture.Plane<uint8_t>(2)};
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        luma[static_cast<size_t>(y) * width + x] = static_cast<uint8_t>(
            depth::Luma(static_cast<float>(rgb[0].At(x, y)), static_cast<float>(rgb[1].At(x, y)),
                        static_cast<float>(rgb[2].At(x, y))) +
            0.5f);
    UpsampleAlongEdges(correction, {luma.data(), width, width, height},
                       work.input.guide.Plane<uint8_t>(), kEdge, pool, to);
  }

  // s of a row of the depth: for the least and the largest of neighbours, where no data counts as
  // neither.
  static void RowRange(const PlaneView<const float>& map, int y, DepthQuantity quantity,
                       std::vector<float>* low, std::vector<float>* high) {
    const float* row = map.Row(std::clamp(y, 0, map.height - 1));
    float *least = low->data(), *most = high->data();
    for (int x = 0; x < map.width; ++x) {
      const float s = ToS(row[x], quantity);
      const bool none = std::isnan(s);
      least[x] = none ? std::numeric_limits<float>::infinity() : s;
      most[x] = none ? -std::numeric_limits<float>::infinity() : s;
    }
  }

  void Apply(const Work& work, const Image& from, PlaneView<const float> delta_map,
             DepthEstimate* to) const {
    const PlaneView<const float> map = from.Plane<float>();
    const PlaneView<float> out = to->depth.MutablePlane<float>();
    const DepthQuantity quantity = to->quantity;
    const bool metric = quantity == DepthQuantity::kMetricDepth;
    const auto scale = static_cast<float>(work.frame.scale);
    const auto shift = static_cast<float>(work.frame.shift);
    const auto n = static_cast<size_t>(map.width);
    ForRows(pool, map.height, kGrain, [&](int begin, int end) {
      // Of three rows in turn, and of their columns.
      std::array<std::vector<float>, 3> low, high;
      for (auto& row : low) row.resize(n);
      for (auto& row : high) row.resize(n);
      std::vector<float> least(n), most(n);
      const auto fill = [&](int y) {
        const auto at = static_cast<size_t>((y + 3) % 3);
        RowRange(map, y, quantity, &low[at], &high[at]);
      };
      fill(begin - 1);
      fill(begin);
      for (int y = begin; y < end; ++y) {
        fill(y + 1);
        for (size_t x = 0; x < n; ++x) {
          least[x] = std::min(std::min(low[0][x], low[1][x]), low[2][x]);
          most[x] = std::max(std::max(high[0][x], high[1][x]), high[2][x]);
        }
        const float *source = map.Row(y), *delta = delta_map.Row(y);
        float* row = out.Row(y);
        for (size_t x = 0; x < n; ++x) {
          const float s = ToS(source[x], quantity);
          const size_t a = x > 0 ? x - 1 : 0, b = std::min(x + 1, n - 1);
          const float lowest = std::min(std::min(least[a], least[x]), least[b]);
          const float highest = std::max(std::max(most[a], most[x]), most[b]);
          const float bottom = scale * lowest + shift, top = scale * highest + shift;
          float value = std::clamp(scale * s + shift + delta[x], bottom - 0.1f * std::abs(bottom),
                                   top + 0.1f * std::abs(top));
          // A shift may lead past infinity: at most ten times as far away.
          if (metric) {
            value = std::max(value, 0.1f * s);
            value = value > 0 ? 1 / value : std::numeric_limits<float>::infinity();
          }
          row[x] = std::isnan(s) ? source[x] : value;
        }
      }
    });
  }

  // ---- The two ways through.

  void SetNoiseLevel(double level) {
    noise_level = level;
    filter->SetNoise(NoiseLevel());
  }

  void PushLive(Work work) {
    links.clear();
    if (!work.input.flow || !last || live.empty()) {
      SetNoiseLevel(kUsualNoise);
      filter->Begin(work.frame, &live);
    } else {
      const double dt = Between(work, *last);
      Measure(&work, {&*last});
      if (work.noise > 0) SetNoiseLevel(noise_level + 0.2 * (work.noise - noise_level));
      filter->Predict(live, last->frame, work.frame, work.input.flow->ToBefore(), work.motion, dt,
                      &predicted);
      if (options.align != FrameAlignment::kOff) AlignTo(predicted, &work, dt);
      filter->Update(predicted, work.frame, dt, options.memory_seconds, &live);
    }
    last_scale = work.frame.scale;
    last_shift = work.frame.shift;
    ready.push_back(Give(&work, live));
    if (last) spare = std::move(last->frame);
    work.input.flow.reset();
    last = std::move(work);  // the next frame needs it
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
    if (work.input.flow && !history.empty())
      work.from_before = Motion(*history.back(), work.input.flow->FromBefore());
    Measure(&work, history);
    waiting.push_back(std::move(work));
    if (static_cast<int>(waiting.size()) == 2 * options.lookahead)
      Run(static_cast<size_t>(options.lookahead));
  }

  void Forget() {
    waiting.clear();
    last.reset();
    live.clear();
    links.clear();
    given.clear();
    next_number = 0;
    SetNoiseLevel(kUsualNoise);
  }

  // Gives out the first `count` of those that wait.
  void Run(size_t count) {
    if (count == 0) return;
    SolveScales();
    std::vector<double> noises;
    for (const Work& work : waiting)
      if (work.noise > 0) noises.push_back(work.noise);
    if (!noises.empty()) SetNoiseLevel(Median(&noises));

    std::vector<depth::FilterState> forward(count);
    for (size_t i = 0; i < count; ++i) {
      const Work& now = waiting[i];
      const Work* before = i > 0 ? &waiting[i - 1] : last ? &*last : nullptr;
      if (before == nullptr || live.empty())
        filter->Begin(now.frame, &live);
      else
        FilterStep(*before, now, now.input.flow->ToBefore(), now.motion, &live);
      forward[i] = live;
    }
    depth::FilterState backward;
    for (size_t i = waiting.size(); i-- > 0;) {
      const Work& now = waiting[i];
      if (backward.empty()) {
        filter->Begin(now.frame, &backward);
      } else {
        const FlowWay way = waiting[i + 1].input.flow->FromBefore();
        FilterStep(waiting[i + 1], now, way, waiting[i + 1].from_before, &backward);
      }
      if (i < count) filter->Join(backward, now.frame, &forward[i]);
    }
    for (size_t i = 0; i < count; ++i) {
      Work work = std::move(waiting.front());
      waiting.pop_front();
      given[work.number] = {work.frame.scale, work.frame.shift};
      ready.push_back(Give(&work, forward[i]));
      forward[i] = {};
      work.input.guide = Image();
      if (i + 1 == count) last = std::move(work);
    }
    const int64_t oldest = next_number - 64 - 2 * options.lookahead;
    given.erase(given.begin(), given.lower_bound(oldest));
    links.erase(
        std::remove_if(links.begin(), links.end(),
                       [&](const depth::FrameLink& link) { return given.count(link.from) > 0; }),
        links.end());
  }

  FlowStabilizerOptions options;
  ThreadPool* pool;
  ImagePool maps;  // of the depth's size
  int width = 0, height = 0;
  std::optional<depth::NearerFactor> nearer;
  std::optional<depth::FlowFilter> filter;
  double noise_level = kUsualNoise;
  double last_scale = 1, last_shift = 0;
  depth::FilterState live;   // up to the last frame given out
  std::optional<Work> last;  // that frame
  std::deque<Work> waiting;  // with lookahead
  std::vector<depth::FrameLink> links;
  std::map<int64_t, std::pair<double, double>> given;  // scale and shift of frames given out
  int64_t next_number = 0;
  depth::Prediction predicted;
  std::vector<float> correction;
  depth::FilterFrame spare;  // memory for the next frame
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
  state->SetNumbers(
      "numbers", {impl_->noise_level, impl_->last_scale, impl_->last_shift, last.frame.luma.mean,
                  last.frame.luma.deviation, last.input.seconds, static_cast<double>(last.number)});
  state->SetImage("picture", last.frame.picture);
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
  set("s", last.frame.s);
  std::vector<float> plane(impl_->live.size());
  for (const auto& [name, member] : kStatePlanes) {
    for (size_t i = 0; i < plane.size(); ++i) plane[i] = impl_->live[i].*member;
    set(name, plane);
  }
}

void FlowStabilizer::Load(const State& state) {
  Require(CanSave(), Code::kUnsupported, "FlowStabilizer: with lookahead it holds frames");
  Impl& impl = *impl_;
  impl.ready.clear();
  if (!state.Flag("begun")) {
    impl.last.reset();
    impl.live.clear();
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
  last.frame.s = get("s");
  depth::FilterState live(impl.Pixels());
  for (const auto& [name, member] : kStatePlanes) {
    const std::vector<float> plane = get(name);
    for (size_t i = 0; i < plane.size(); ++i) live[i].*member = plane[i];
  }
  impl.SetNoiseLevel(numbers[0]);
  impl.last_scale = numbers[1];
  impl.last_shift = numbers[2];
  last.frame.luma = {numbers[3], numbers[4]};
  last.input.seconds = numbers[5];
  last.number = static_cast<int64_t>(numbers[6]);
  last.frame.picture = std::move(picture);
  impl.filter->FindColors(&last.frame);
  impl.last = std::move(last);
  impl.live = std::move(live);
}

}  // namespace mdvt
