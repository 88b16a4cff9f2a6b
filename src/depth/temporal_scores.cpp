// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/temporal_scores.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr float kNoData = std::numeric_limits<float>::quiet_NaN();
constexpr int kWindow = 32;  // frames of a track that a spectrum is made of
constexpr int kTracksAcross = 24, kTracksDown = 14;

// Plane c of an Rgb(8) image, tap by tap with zeros outside, as torch's grid_sample.
template <typename T>
float ZeroPadded(const PlaneView<const T>& plane, float x, float y) {
  const float fx = std::floor(x), fy = std::floor(y);
  float sum = 0;
  for (int dy = 0; dy < 2; ++dy)
    for (int dx = 0; dx < 2; ++dx) {
      const float px = fx + static_cast<float>(dx), py = fy + static_cast<float>(dy);
      const float weight = (1 - std::abs(x - px)) * (1 - std::abs(y - py));
      if (!(weight > 0 && px >= 0 && py >= 0 && px < static_cast<float>(plane.width) &&
            py < static_cast<float>(plane.height)))
        continue;
      sum += weight * static_cast<float>(plane.At(static_cast<int>(px), static_cast<int>(py)));
    }
  return sum;
}

// Lower median and mean absolute deviation from it.
struct Spread {
  double median = 0;
  double deviation = 0;
};
Spread SpreadOf(const std::vector<float>& values) {
  Spread spread;
  if (values.empty()) return spread;
  std::vector<float> sorted = values;
  const auto middle = sorted.begin() + static_cast<ptrdiff_t>((sorted.size() - 1) / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  spread.median = static_cast<double>(*middle);
  for (const float value : values)
    spread.deviation += std::abs(static_cast<double>(value) - spread.median);
  spread.deviation /= static_cast<double>(values.size());
  return spread;
}

// Values of a shot, as counts: positive ones to 1e-4 of themselves. A clip of any length takes the
// same memory.
class ShotSpread {
 public:
  void Add(float value) {
    if (counts_.empty()) counts_.assign(kBins, 0);
    ++counts_[value > 0 ? Bin(static_cast<double>(value)) : 0];
    ++total_;
  }
  double Deviation() const {
    if (total_ == 0) return 0;
    int64_t seen = 0;
    size_t middle = 0;
    while (middle + 1 < kBins && seen + counts_[middle] <= (total_ - 1) / 2)
      seen += counts_[middle++];
    const double median = Value(middle);
    double sum = 0;
    for (size_t bin = 0; bin < kBins; ++bin)
      if (counts_[bin] > 0)
        sum += static_cast<double>(counts_[bin]) * std::abs(Value(bin) - median);
    return sum / static_cast<double>(total_);
  }
  void Clear() {
    counts_.clear();
    total_ = 0;
  }

 private:
  static constexpr double kStep = 1e-4;
  static constexpr size_t kBins = 460000;  // 1e-10 ... 1e10
  static size_t Bin(double value) {
    const double bin = 1 + std::floor((std::log(value) + 23) / kStep);
    return static_cast<size_t>(std::clamp(bin, 1.0, static_cast<double>(kBins - 1)));
  }
  static double Value(size_t bin) {
    return bin == 0 ? 0 : std::exp((static_cast<double>(bin) - 0.5) * kStep - 23);
  }
  std::vector<int64_t> counts_;
  int64_t total_ = 0;
};

struct Track {
  float x = 0, y = 0;
  bool alive = true;
  std::vector<double> values;  // log disparity
};

}  // namespace

double OriginalOpw(PlaneView<const float> disparity, PlaneView<const float> disparity_before,
                   const ImageView& picture, const ImageView& picture_before, FlowPlane to_before) {
  const int w = disparity.width, h = disparity.height;
  Require(w > 0 && disparity_before.width == w && disparity_before.height == h &&
              picture.width == w && picture.height == h && picture_before.width == w &&
              picture_before.height == h && to_before.width == w && to_before.height == h,
          Code::kInvalidArgument, "OriginalOpw: maps, pictures and flow differ in size");
  const bool bytes = picture.format == PixelFormat::Rgb(8);
  Require(
      picture.format == picture_before.format && (bytes || picture.format == PixelFormat::RgbF32()),
      Code::kInvalidArgument, "OriginalOpw: pictures must be RGB of 8 bits or float");
  const auto difference_at = [&](int c, int x, int y, float px, float py) {
    if (bytes)
      return static_cast<double>(ZeroPadded(picture_before.Plane<uint8_t>(c), px, py)) -
             picture.Plane<uint8_t>(c).At(x, y);
    return 255 * (static_cast<double>(ZeroPadded(picture_before.Plane<float>(c), px, py)) -
                  static_cast<double>(picture.Plane<float>(c).At(x, y)));
  };
  std::vector<float> warped(static_cast<size_t>(w) * h), now(warped.size());
  std::vector<double> weights(warped.size());
  size_t i = 0;
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x, ++i) {
      const Eigen::Vector2f& flow = to_before.At(x, y);
      const float px = static_cast<float>(x) + flow.x(), py = static_cast<float>(y) + flow.y();
      warped[i] = ZeroPadded(disparity_before, px, py);
      now[i] = disparity.At(x, y);
      double weight = 0;
      for (int c = 0; c < 3; ++c) {
        const double difference = difference_at(c, x, y, px, py);
        weight += std::exp(-50 * difference * difference);
      }
      weights[i] = weight;
    }
  const Spread a = SpreadOf(warped), b = SpreadOf(now);
  const double scale_a = 1 / std::max(a.deviation, 1e-6), scale_b = 1 / std::max(b.deviation, 1e-6);
  double sum = 0;
  for (i = 0; i < now.size(); ++i)
    sum += weights[i] * std::abs((static_cast<double>(warped[i]) - a.median) * scale_a -
                                 (static_cast<double>(now[i]) - b.median) * scale_b);
  return 10 * sum / static_cast<double>(now.size());
}

struct TemporalScores::Impl {
  explicit Impl(double frames_per_second) : fps(frames_per_second) {}

  struct Map {
    std::vector<float> values;
    PlaneView<const float> View(int w, int h) const {
      return {values.data(), static_cast<ptrdiff_t>(sizeof(float)) * w, w, h};
    }
  };
  struct Samples {
    std::vector<float> now, warped;
    std::vector<double> weights;
    int64_t consistent = 0;
  };

  static PlaneView<const uint8_t> Channel(const Image& image, int c) {
    return image.Plane<uint8_t>(c);
  }

  // Consistent pixels with data in both.
  Samples Compare(const TemporalFrame& frame, const PlaneView<const float>& past) {
    Samples samples;
    const FlowWay way = frame.flow->ToBefore();
    BilinearSpot spot;
    std::array<PlaneView<const uint8_t>, 3> rgb, rgb_before;
    for (int c = 0; c < 3; ++c) {
      rgb[static_cast<size_t>(c)] = frame.picture.Plane<uint8_t>(c);
      rgb_before[static_cast<size_t>(c)] = Channel(picture_before, c);
    }
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        float limit = 0;
        const float error = ReturnError(way, x, y, &limit, &spot);
        if (!(error >= 0 && error < limit)) continue;
        ++samples.consistent;
        const float d = frame.disparity.At(x, y), warped = spot.Of(past);
        if (!std::isfinite(d) || !std::isfinite(warped)) continue;
        double distance = 0;
        for (size_t c = 0; c < 3; ++c) {
          const double difference =
              (static_cast<double>(spot.Of(rgb_before[c])) - rgb[c].At(x, y)) / 255;
          distance += difference * difference;
        }
        samples.now.push_back(d);
        samples.warped.push_back(warped);
        samples.weights.push_back(std::exp(-50 * distance));
      }
    return samples;
  }

  void AddPair(const TemporalFrame& frame) {
    const Samples samples = Compare(frame, before.View(width, height));
    coverage += static_cast<double>(samples.consistent) / (static_cast<double>(width) * height);
    ++flow_pairs;
    double weight_sum = 0, sum = 0, sum_frame = 0;
    const Spread a = SpreadOf(samples.warped), b = SpreadOf(samples.now);
    const double scale_a = 1 / std::max(a.deviation, 1e-12);
    const double scale_b = 1 / std::max(b.deviation, 1e-12);
    static const double kTau = std::sqrt(1.25);
    for (size_t i = 0; i < samples.now.size(); ++i) {
      const double d = static_cast<double>(samples.now[i]);
      const double other = static_cast<double>(samples.warped[i]);
      weight_sum += samples.weights[i];
      sum += samples.weights[i] * std::abs(other - d);
      sum_frame +=
          samples.weights[i] * std::abs((other - a.median) * scale_a - (d - b.median) * scale_b);
      spread.Add(samples.now[i]);
      if (d > 0 && other > 0) {
        ++compared;
        close += std::max(d / other, other / d) < kTau ? 1 : 0;
      }
    }
    if (!(weight_sum > 0)) {
      result.opw2_of_pairs.push_back(kNan);
      return;
    }
    shot_pairs.push_back({result.opw2_of_pairs.size(), sum / weight_sum});
    result.opw2_of_pairs.push_back(0);
    frame_sum += sum_frame / weight_sum;
    ++result.pairs;
  }

  // Second difference of log disparity over three frames.
  void AddTriple(const TemporalFrame& frame) {
    const FlowWay way = frame.flow->ToBefore(), earlier = flow_before.ToBefore();
    BilinearSpot spot, spot2;
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, syy = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        float limit = 0;
        const float error = ReturnError(way, x, y, &limit, &spot);
        if (!(error >= 0 && error < limit)) continue;
        const Eigen::Vector2f go = way.there.At(x, y);
        const float px = static_cast<float>(x) + go.x(), py = static_cast<float>(y) + go.y();
        const int nx = static_cast<int>(std::lround(px)), ny = static_cast<int>(std::lround(py));
        float limit2 = 0;
        const float error2 = ReturnError(earlier, nx, ny, &limit2, &spot2);
        if (!(error2 >= 0 && error2 < limit2)) continue;
        const Eigen::Vector2f go2 = spot.Of(earlier.there);
        if (!spot2.Place(px + go2.x(), py + go2.y(), width, height)) continue;
        const float now = frame.disparity.At(x, y), one = spot.Of(before.View(width, height)),
                    two = spot2.Of(earlier_map.View(width, height));
        if (!(now > 0 && one > 0 && two > 0)) continue;
        const double l = std::log(static_cast<double>(now));
        const double second =
            l - 2 * std::log(static_cast<double>(one)) + std::log(static_cast<double>(two));
        if (!std::isfinite(second)) continue;
        n += 1, sx += l, sy += second, sxx += l * l, sxy += l * second, syy += second * second;
      }
    if (n < 16) return;
    const double var = sxx / n - sx / n * sx / n, cov = sxy / n - sx / n * sy / n;
    const double slope = var > 1e-12 ? cov / var : 0;
    const double total = syy / n;
    // Of the line: mean^2 + slope^2 var.
    const double global = std::min(total, sy / n * sy / n + slope * slope * std::max(0.0, var));
    flick += total, flick_global += global;
    ++triples;
  }

  void StartTracks(const TemporalFrame& frame) {
    tracks.clear();
    for (int j = 0; j < kTracksDown; ++j)
      for (int i = 0; i < kTracksAcross; ++i) {
        Track track;
        const auto place = [](int k, int count, int size) {
          const float at =
              (static_cast<float>(k) + 0.5f) * static_cast<float>(size) / static_cast<float>(count);
          return std::clamp(at - 0.5f, 0.0f, static_cast<float>(size - 1));
        };
        track.x = place(i, kTracksAcross, width);
        track.y = place(j, kTracksDown, height);
        track.alive = Take(frame, &track);
        tracks.push_back(std::move(track));
      }
    track_frames = 1;
  }

  bool Take(const TemporalFrame& frame, Track* track) const {
    BilinearSpot spot;
    if (!spot.Place(track->x, track->y, width, height)) return false;
    const float value = spot.Of(frame.disparity);
    if (!(value > 0 && std::isfinite(value))) return false;
    track->values.push_back(std::log(static_cast<double>(value)));
    return true;
  }

  void FollowTracks(const TemporalFrame& frame) {
    const FlowWay way = frame.flow->FromBefore();
    BilinearSpot spot, landing;
    for (Track& track : tracks) {
      if (!track.alive) continue;
      track.alive = false;
      if (!spot.Place(track.x, track.y, width, height)) continue;
      const Eigen::Vector2f go = spot.Of(way.there);
      if (!landing.Place(track.x + go.x(), track.y + go.y(), width, height)) continue;
      const Eigen::Vector2f come = landing.Of(way.back);
      if ((go + come).squaredNorm() >= 0.01f * (go.squaredNorm() + come.squaredNorm()) + 0.5f)
        continue;
      track.x += go.x();
      track.y += go.y();
      track.alive = Take(frame, &track);
    }
    if (++track_frames < kWindow) return;
    for (const Track& track : tracks)
      if (track.alive) AddSpectrum(track.values);
    StartTracks(frame);
  }

  void AddSpectrum(std::vector<double> values) {
    constexpr int n = kWindow;
    double mean = 0, slope = 0, squares = 0;
    for (int i = 0; i < n; ++i) {
      const double t = i - (n - 1) / 2.0;
      mean += values[static_cast<size_t>(i)] / n;
      slope += t * values[static_cast<size_t>(i)];
      squares += t * t;
    }
    slope /= squares;
    if (power.empty()) power.assign(n / 2, 0);
    for (int k = 1; k <= n / 2; ++k) {
      double re = 0, im = 0;
      for (int i = 0; i < n; ++i) {
        const double hann = 0.5 - 0.5 * std::cos(2 * M_PI * (i + 0.5) / n);
        const double v =
            hann * (values[static_cast<size_t>(i)] - mean - slope * (i - (n - 1) / 2.0));
        const double angle = 2 * M_PI * k * i / n;
        re += v * std::cos(angle);
        im += v * std::sin(angle);
      }
      power[static_cast<size_t>(k - 1)] += (re * re + im * im) * (k == n / 2 ? 0.5 : 1);
    }
    ++result.tracks;
  }

  void EndShot() {
    const double deviation = spread.Deviation();
    for (const auto& [pair, value] : shot_pairs) {
      const double opw = deviation > 0 ? value / deviation : 0;
      result.opw2_of_pairs[pair] = opw;
      result.opw2 += opw;
    }
    shot_pairs.clear();
    spread.Clear();
  }

  double fps;
  int width = 0, height = 0;
  Map before, earlier_map;
  Image picture_before;
  FlowPair flow_before;
  int in_shot = 0;
  ShotSpread spread;
  std::vector<std::pair<size_t, double>> shot_pairs;
  double frame_sum = 0, coverage = 0;
  int64_t flow_pairs = 0, compared = 0, close = 0;
  double flick = 0, flick_global = 0;
  int64_t triples = 0;
  std::vector<Track> tracks;
  int track_frames = 0;
  std::vector<double> power;
  TemporalResult result;
};

TemporalScores::TemporalScores(double fps) {
  Require(fps > 0 && std::isfinite(fps), Code::kInvalidArgument,
          "TemporalScores: the frame rate must be positive");
  impl_ = std::make_unique<Impl>(fps);
}
TemporalScores::~TemporalScores() = default;

void TemporalScores::Add(const TemporalFrame& frame) {
  Impl& impl = *impl_;
  const int w = frame.disparity.width, h = frame.disparity.height;
  if (impl.width == 0) impl.width = w, impl.height = h;
  Require(w > 0 && w == impl.width && h == impl.height && frame.picture.width == w &&
              frame.picture.height == h && frame.picture.format == PixelFormat::Rgb(8),
          Code::kInvalidArgument,
          "TemporalScores: disparity and 8-bit RGB pictures of one size are wanted");
  const bool begins = frame.flow == nullptr || frame.flow->empty() || impl.in_shot == 0;
  Require(begins || (frame.flow->width == w && frame.flow->height == h), Code::kInvalidArgument,
          "TemporalScores: the flow has another size than the pictures");
  if (begins) {
    impl.EndShot();
    ++impl.result.shots;
    impl.in_shot = 0;
    impl.result.opw2_of_pairs.push_back(kNan);
    impl.StartTracks(frame);
  } else {
    impl.AddPair(frame);
    if (impl.in_shot >= 2) impl.AddTriple(frame);
    impl.FollowTracks(frame);
    impl.flow_before = *frame.flow;
  }
  ++impl.in_shot;
  std::swap(impl.earlier_map, impl.before);
  std::vector<float>& kept = impl.before.values;
  kept.resize(static_cast<size_t>(w) * h);
  for (int y = 0; y < h; ++y) {
    const float* row = frame.disparity.Row(y);
    for (int x = 0; x < w; ++x)
      kept[static_cast<size_t>(y) * w + x] = std::isfinite(row[x]) ? row[x] : kNoData;
  }
  if (impl.picture_before.empty()) impl.picture_before = Image(PixelFormat::Rgb(8), w, h);
  CopyPixels(frame.picture, impl.picture_before.mutable_view());
}

TemporalResult TemporalScores::Finish() {
  Impl& impl = *impl_;
  impl.EndShot();
  TemporalResult& result = impl.result;
  if (result.pairs > 0) {
    const double n = static_cast<double>(result.pairs);
    result.opw2 /= n;
    result.opw2_frame = impl.frame_sum / n;
  }
  if (impl.flow_pairs > 0) result.coverage = impl.coverage / static_cast<double>(impl.flow_pairs);
  if (impl.compared > 0)
    result.rtc = static_cast<double>(impl.close) / static_cast<double>(impl.compared);
  if (impl.triples > 0) {
    const double n = static_cast<double>(impl.triples);
    result.tflick = std::sqrt(impl.flick / n);
    result.tflick_global = std::sqrt(impl.flick_global / n);
    result.tflick_local = std::sqrt(std::max(0.0, impl.flick - impl.flick_global) / n);
  }
  result.spectrum_step_hz = impl.fps / kWindow;
  double total = 0, fast = 0;
  for (size_t i = 0; i < impl.power.size(); ++i) {
    total += impl.power[i];
    if (static_cast<double>(i + 1) * result.spectrum_step_hz > 3) fast += impl.power[i];
  }
  if (total > 0) {
    result.flicker_share = fast / total;
    for (const double p : impl.power) result.spectrum.push_back(p / total);
  }
  return result;
}

}  // namespace mdvt
