// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/stereo_quality.h"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr uint8_t kHidden = 0, kSure = 2;
// Of the pixels, below which a frame tells nothing.
constexpr double kLeastMeasured = 0.02;
constexpr double kBrokenRows = 0.02;  // of the height: what counts as cut off by the border

// The value below which the share q lies; reorders.
double QuantileOf(std::vector<float>* values, double q) {
  if (values->empty()) return 0;
  const auto at = static_cast<size_t>(std::lround(q * static_cast<double>(values->size() - 1)));
  std::nth_element(values->begin(), values->begin() + static_cast<ptrdiff_t>(at), values->end());
  return (*values)[at];
}

struct Samples {
  std::vector<float> dx, dy;           // pixels, of the sure pixels of the left view
  std::vector<Eigen::Vector2f> place;  // from the middle of the picture
  std::array<double, 3> color = {};
};

Samples Collect(const MatchedViews& views) {
  const int w = views.left.width, h = views.left.height;
  Samples samples;
  for (int y = 0; y < h; ++y) {
    const Eigen::Vector2f* flow = views.left_to_right.Row(y);
    const uint8_t* quality = views.left_quality.Row(y);
    for (int x = 0; x < w; ++x) {
      if (quality[x] != kSure) continue;
      samples.dx.push_back(flow[x].x());
      samples.dy.push_back(flow[x].y());
      samples.place.emplace_back(static_cast<float>(x) + 0.5f - static_cast<float>(w) / 2,
                                 static_cast<float>(y) + 0.5f - static_cast<float>(h) / 2);
      const int tx =
          std::clamp(static_cast<int>(std::lround(static_cast<float>(x) + flow[x].x())), 0, w - 1);
      const int ty =
          std::clamp(static_cast<int>(std::lround(static_cast<float>(y) + flow[x].y())), 0, h - 1);
      for (int plane = 0; plane < 3; ++plane)
        samples.color[static_cast<size_t>(plane)] += views.right.Plane<uint8_t>(plane).At(tx, ty) -
                                                     views.left.Plane<uint8_t>(plane).At(x, y);
    }
  }
  return samples;
}

// dy = offset + turn x + grow y, least squares without what is more than a pixel off the median.
void FitVertical(const Samples& samples, double median, StereoFrameQuality* result) {
  Eigen::Matrix3d normal = Eigen::Matrix3d::Zero();
  Eigen::Vector3d right = Eigen::Vector3d::Zero();
  double extent = 0;
  for (const Eigen::Vector2f& place : samples.place)
    extent = std::max<double>(extent, place.cwiseAbs().maxCoeff());
  // A turned picture moves its borders: as far as one by two degrees does.
  const double bound = 1 + 0.035 * extent;
  for (size_t i = 0; i < samples.dy.size(); ++i) {
    if (std::fabs(samples.dy[i] - median) > bound) continue;
    const Eigen::Vector3d row(1, samples.place[i].x(), samples.place[i].y());
    normal += row * row.transpose();
    right += row * static_cast<double>(samples.dy[i]);
  }
  if (normal(0, 0) < 100) return;
  const Eigen::Vector3d fit = normal.ldlt().solve(right);
  if (!fit.allFinite()) return;
  result->rotation_deg = std::atan(fit[1]) * 180 / M_PI;
  result->magnification = fit[2];
}

// The share of rows in which something in front of the screen touches the border. The view that
// shows more there is asked, since the other may not see it: the right one at the left border.
double CutOff(PlaneView<const Eigen::Vector2f> flow, PlaneView<const uint8_t> quality, double sign,
              bool left_border, const StereoMeasureOptions& options) {
  const int w = flow.width, h = flow.height;
  const int border = std::max(1, static_cast<int>(std::lround(options.window_border * w)));
  const double least = options.window_tolerance * w;
  int rows = 0;
  for (int y = 0; y < h; ++y) {
    int known = 0, front = 0;
    for (int i = 0; i < border; ++i) {
      const int x = left_border ? i : w - 1 - i;
      if (quality.At(x, y) == kHidden) continue;
      ++known;
      front += sign * flow.At(x, y).x() < -least;
    }
    rows += known > 0 && 2 * front > known;
  }
  return static_cast<double>(rows) / h;
}

// Half-hidden bands: on the way to the right across the border of a near thing the map into the
// other view folds, and what the other view does not show lies beside the fold. It belongs to what
// is farther away: told by its colours, this says which of both sides is far, whatever the sign of
// the parallax says.
class EyeOrder {
 public:
  EyeOrder(const ImageView& picture, bool is_left, StereoFrameQuality* result)
      : picture_(picture), is_left_(is_left), result_(result) {}

  void Row(int y, const Eigen::Vector2f* flow, const uint8_t* quality) {
    const int w = picture_.width;
    for (int x = kBeside; x < w - kBeside; ++x) {
      if (quality[x] != kHidden) continue;
      const int begin = x;
      while (x < w - kBeside && quality[x] == kHidden) ++x;
      Band(y, begin, x, flow, quality);
    }
  }

 private:
  static constexpr int kBeside = 6;
  static constexpr double kLeastFold = 1.5;     // pixels
  static constexpr double kLeastContrast = 12;  // grey levels, of both sides

  void Band(int y, int begin, int end, const Eigen::Vector2f* flow, const uint8_t* quality) {
    // Whole surfaces on both sides.
    for (int i = 1; i <= kBeside; ++i)
      if (quality[begin - i] == kHidden || quality[end - 1 + i] == kHidden) return;
    const double fold = flow[begin - 2].x() - flow[end + 1].x();
    const double length = end - begin;
    if (fold < kLeastFold || length < 0.5 * fold || length > 1.6 * fold + 2) return;
    const Eigen::Vector3d band = Mean(y, begin + (end - begin) / 4, end - (end - begin) / 4);
    // A little off the band, whose borders are uncertain by about a pixel.
    const Eigen::Vector3d left = Mean(y, begin - kBeside, begin - 2);
    const Eigen::Vector3d right = Mean(y, end + 2, end + kBeside);
    if ((left - right).cwiseAbs().maxCoeff() < kLeastContrast) return;
    const double to_left = (band - left).cwiseAbs().sum();
    const double to_right = (band - right).cwiseAbs().sum();
    if (std::max(to_left, to_right) < 1.5 * std::min(to_left, to_right)) return;
    // In the left view the far side of a fold is the left one, in the right view the right one.
    const bool right_order = (to_left < to_right) == is_left_;
    (right_order ? result_->eyes_right : result_->eyes_swapped) += 1;
  }

  Eigen::Vector3d Mean(int y, int begin, int end) const {
    end = std::max(end, begin + 1);
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    for (int plane = 0; plane < 3; ++plane)
      for (int x = begin; x < end; ++x) sum[plane] += picture_.Plane<uint8_t>(plane).At(x, y);
    return sum / (end - begin);
  }

  const ImageView picture_;
  const bool is_left_;
  StereoFrameQuality* result_;
};

void RequireIn(bool inside, const char* name, const char* range) {
  Require(inside, Code::kInvalidArgument, std::string(name) + " must be in " + range);
}

// Grows in a straight line from 0 at `free` to `most` at `full`.
double Ramp(double value, double free, double full, double most) {
  return most * std::clamp((std::fabs(value) - free) / (full - free), 0.0, 1.0);
}

// Means over the frames of which something is known.
void AverageFrames(const std::vector<StereoFrameQuality>& frames, const ViewerGeometry& viewer,
                   StereoClipQuality* clip) {
  for (const StereoFrameQuality& frame : frames) {
    clip->measured += frame.measured / static_cast<double>(frames.size());
    if (frame.measured <= 0) continue;
    const bool first = clip->measured_frames++ == 0;
    clip->nearest = first ? frame.parallax[0] : std::min(clip->nearest, frame.parallax[0]);
    clip->farthest = first ? frame.parallax[4] : std::max(clip->farthest, frame.parallax[4]);
    for (size_t i = 0; i < 5; ++i) clip->parallax[i] += frame.parallax[i];
    for (size_t i = 0; i < 3; ++i) clip->color[i] += frame.color[i];
    clip->vertical += frame.vertical;
    clip->vertical_most += frame.vertical_most;
    clip->rotation_deg += frame.rotation_deg;
    clip->magnification += frame.magnification;
    clip->window += frame.window;
    clip->window_frames += frame.window > kBrokenRows;
    clip->diverging += frame.parallax[4] > viewer.Infinity();
  }
  const double count = static_cast<double>(std::max<int64_t>(1, clip->measured_frames));
  for (double& value : clip->parallax) value /= count;
  for (double& value : clip->color) value /= count;
  for (double* value : {&clip->vertical, &clip->vertical_most, &clip->rotation_deg,
                        &clip->magnification, &clip->window, &clip->diverging})
    *value /= count;
}

void RateOverTime(const std::vector<StereoFrameQuality>& frames, const std::vector<double>& seconds,
                  const std::vector<int64_t>& cuts, StereoClipQuality* clip) {
  for (size_t i = 1; i < frames.size(); ++i) {
    if (frames[i].measured <= 0 || frames[i - 1].measured <= 0) continue;
    const double middle = frames[i].parallax[2] - frames[i - 1].parallax[2];
    if (std::binary_search(cuts.begin(), cuts.end(), static_cast<int64_t>(i))) {
      const double nearest = frames[i].parallax[0] - frames[i - 1].parallax[0];
      clip->cuts.push_back({static_cast<int64_t>(i), middle, nearest});
    } else if (seconds[i] > seconds[i - 1]) {
      clip->rate = std::max(clip->rate, std::fabs(middle) / (seconds[i] - seconds[i - 1]));
    }
  }
}

void TellEyes(const std::vector<StereoFrameQuality>& frames, StereoClipQuality* clip) {
  double right = 0, swapped = 0;
  for (const StereoFrameQuality& frame : frames) {
    right += frame.eyes_right;
    swapped += frame.eyes_swapped;
  }
  constexpr double kLeastBands = 50, kLeastMajority = 0.15;
  const double all = right + swapped;
  clip->eyes_seen = all;
  if (all < kLeastBands) return;
  const double majority = (right - swapped) / all;
  clip->eyes_confidence = std::fabs(majority);
  if (clip->eyes_confidence < kLeastMajority) return;
  clip->eyes = majority > 0 ? StereoClipQuality::Eyes::kRight : StereoClipQuality::Eyes::kSwapped;
}

}  // namespace

void StereoMeasureOptions::Check() const {
  RequireIn(window_tolerance >= 0 && window_tolerance <= 1, "StereoMeasureOptions.window_tolerance",
            "[0, 1]");
  RequireIn(window_border > 0 && window_border <= 0.5, "StereoMeasureOptions.window_border",
            "(0, 0.5]");
}

StereoFrameQuality MeasureStereoFrame(const MatchedViews& views,
                                      const StereoMeasureOptions& options) {
  options.Check();
  const int w = views.left.width, h = views.left.height;
  const auto fits = [&](const auto& plane) { return plane.width == w && plane.height == h; };
  Require(views.left.format == PixelFormat::Rgb(8) && views.right.format == PixelFormat::Rgb(8) &&
              fits(views.right) && fits(views.left_to_right) && fits(views.right_to_left) &&
              fits(views.left_quality) && fits(views.right_quality),
          Code::kInvalidArgument, "MeasureStereoFrame: sizes or formats of the views disagree");
  StereoFrameQuality result;
  Samples samples = Collect(views);
  const double count = static_cast<double>(samples.dx.size());
  const double share = count / (static_cast<double>(w) * h);
  if (share < kLeastMeasured) return result;
  result.measured = share;
  for (size_t i = 0; i < 5; ++i)
    result.parallax[i] = QuantileOf(&samples.dx, kParallaxQuantiles[i]) / w;
  for (size_t i = 0; i < 3; ++i) result.color[i] = samples.color[i] / count / 255;
  std::vector<float> sorted = samples.dy;
  const double median = QuantileOf(&sorted, 0.5);
  for (float& dy : sorted) dy = std::fabs(dy);
  result.vertical = median / h;
  result.vertical_most = QuantileOf(&sorted, 0.95) / h;
  FitVertical(samples, median, &result);
  result.window = std::max(CutOff(views.right_to_left, views.right_quality, -1, true, options),
                           CutOff(views.left_to_right, views.left_quality, 1, false, options));
  EyeOrder left(views.left, true, &result), right(views.right, false, &result);
  for (int y = 0; y < h; ++y) {
    left.Row(y, views.left_to_right.Row(y), views.left_quality.Row(y));
    right.Row(y, views.right_to_left.Row(y), views.right_quality.Row(y));
  }
  return result;
}

double ViewerGeometry::Degrees(double parallax) const {
  const double half = 2 * seat_distance;
  const double on_screen = 2 * std::atan(eye_distance / half);
  const double at_point = 2 * std::atan((eye_distance - parallax * screen_width) / half);
  return (on_screen - at_point) * 180 / M_PI;
}

void ViewerGeometry::Check() const {
  RequireIn(screen_width > 0 && screen_width <= 1000, "ViewerGeometry.screen_width",
            "(0, 1000] metres");
  RequireIn(seat_distance > 0 && seat_distance <= 1000, "ViewerGeometry.seat_distance",
            "(0, 1000] metres");
  RequireIn(eye_distance >= 0.01 && eye_distance <= 1, "ViewerGeometry.eye_distance",
            "[0.01, 1] metres");
}

StereoClipQuality RateStereo(const std::vector<StereoFrameQuality>& frames,
                             const std::vector<double>& seconds, const std::vector<int64_t>& cuts,
                             const ViewerGeometry& viewer) {
  viewer.Check();
  Require(seconds.size() == frames.size(), Code::kInvalidArgument,
          "RateStereo: there must be a time for each frame");
  Require(std::is_sorted(cuts.begin(), cuts.end()), Code::kInvalidArgument,
          "RateStereo: cuts must be in ascending order");
  StereoClipQuality clip;
  clip.frames = static_cast<int64_t>(frames.size());
  AverageFrames(frames, viewer, &clip);
  RateOverTime(frames, seconds, cuts, &clip);
  TellEyes(frames, &clip);
  if (clip.measured_frames == 0) return clip;

  double front = 0, behind = 0, window = 0, vertical = 0, color = 0, jumps = 0;
  for (const StereoFrameQuality& frame : frames) {
    if (frame.measured <= 0) continue;
    front += Ramp(std::min(0.0, viewer.Degrees(frame.parallax[0])), 1, 2, 20);
    const double angle = viewer.Degrees(frame.parallax[4]);
    behind += std::max(Ramp(std::max(0.0, angle), 1, 2, 20),
                       Ramp(frame.parallax[4] / viewer.Infinity(), 1, 1.5, 20));
    window += Ramp(frame.window, 0.02, 0.3, 10);
    vertical += Ramp(frame.vertical_most, 0.003, 0.02, 20);
    const auto [least, most] = std::minmax_element(frame.color.begin(), frame.color.end());
    color += Ramp(std::max(std::fabs(*least), std::fabs(*most)), 0.01, 0.1, 15);
  }
  for (const StereoCut& cut : clip.cuts) {
    const double angle = viewer.Degrees(cut.middle) - viewer.Degrees(0);
    jumps += Ramp(angle, 0.5, 1.5, 10) / static_cast<double>(clip.cuts.size());
  }
  const double count = static_cast<double>(clip.measured_frames);
  clip.penalties = {{"too far in front of the screen", front / count},
                    {"too far behind the screen", behind / count},
                    {"cut off by the border in front of the screen", window / count},
                    {"vertical disparity", vertical / count},
                    {"colors of the eyes differ", color / count},
                    {"jumps at cuts", jumps},
                    {"swapped eyes", clip.eyes == StereoClipQuality::Eyes::kSwapped ? 50.0 : 0.0}};
  clip.score = 100;
  for (const StereoClipQuality::Penalty& penalty : clip.penalties) clip.score -= penalty.points;
  clip.score = std::max(0.0, clip.score);
  return clip;
}

}  // namespace mdvt
