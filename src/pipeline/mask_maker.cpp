// SPDX-License-Identifier: Apache-2.0
#include "pipeline/mask_maker.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/image_resize.h"

namespace mdvt {
namespace {

constexpr int kWorkingSide = 640;       // longest side of the pictures that motion is measured on
constexpr double kStepSeconds = 0.125;  // between pictures that are compared
constexpr int kMostStep = 6;            // frames
// How far and across which edges probabilities spread.
constexpr float kSpread = 64;
constexpr float kEdge = 8;
constexpr int kPasses = 3;

double Reduction(const VideoInfo& source) {
  return std::min(1.0, static_cast<double>(kWorkingSide) / std::max(source.width, source.height));
}

int Reduced(int side, double by) { return std::max(1, static_cast<int>(std::lround(side * by))); }

Image Resized(const Image& image, int width, int height, ThreadPool* pool) {
  if (image.width() == width && image.height() == height) return image;
  Image small(image.format(), width, height);
  ResizeOptions bilinear;
  bilinear.filter = ResizeFilter::kBilinear;
  ImageResizer(image.format(), image.width(), image.height(),
               {0, 0, static_cast<double>(image.width()), static_cast<double>(image.height())},
               width, height, bilinear, pool)
      .Resize(image.view(), small.mutable_view());
  return small;
}

}  // namespace

ObservedMotion MaskMaker::Motion::view() const {
  return {
      flow.view(),
      {trip.data(), static_cast<ptrdiff_t>(sizeof(float)) * flow.width, flow.width, flow.height}};
}

MaskMaker::MaskMaker(const VideoMaskJobOptions& options, const VideoInfo& source,
                     std::shared_ptr<const Model> model, ThreadPool* pool)
    : options_(options),
      color_(ResolveColor(source.color, source.format, source.height)),
      width_(source.width),
      height_(source.height),
      small_width_(Reduced(source.width, Reduction(source))),
      small_height_(Reduced(source.height, Reduction(source))),
      step_(1),
      tick_(source.time_base.ToDouble()),
      pool_(pool),
      starts_(options.cuts, options.scene_file, options.job.limits, source, source.format, pool),
      steadier_(options.steady) {
  if (model == nullptr) {
    if (source.frame_rate.IsPositive())
      step_ = std::clamp(static_cast<int>(std::lround(source.frame_rate.ToDouble() * kStepSeconds)),
                         1, kMostStep);
    return;
  }
  ModelMaskOptions mask;
  mask.width = width_;
  mask.height = height_;
  mask.batch = options.model.batch;
  mask.per_picture = options.parity;
  network_.emplace(std::move(model), mask, pool);
}

MaskMaker::~MaskMaker() = default;

void MaskMaker::Push(Frame frame) {
  starts_.Push(frame.image, frame.index, static_cast<double>(frame.pts) * tick_);
  Waiting waiting;
  waiting.guide = to_luma_.Convert(frame.image, color_, PixelFormat::Gray(8));
  waiting.small = Resized(waiting.guide, small_width_, small_height_, pool_);
  if (network_)
    waiting.rgb = to_rgb_.Convert(frame.image, color_,
                                  PixelFormat::Rgb(frame.image.format().bits > 8 ? 16 : 8));
  frame.image = Image();
  waiting.frame = std::move(frame);
  window_.push_back(std::move(waiting));
  ++unmasked_;
  if (network_ && unmasked_ == static_cast<size_t>(options_.model.batch)) RunNetwork();
  KnowScenes();
}

void MaskMaker::Finish() {
  finished_ = true;
  starts_.Finish();
  KnowScenes();
  if (network_) RunNetwork();
}

void MaskMaker::KnowScenes() {
  // Without looking for cuts nobody tells of any.
  const bool told = options_.cuts != SceneCuts::kOff;
  while (known_ < window_.size()) {
    if (told) {
      const std::optional<bool> begins = starts_.Pop();
      if (!begins) return;
      scene_ += *begins;
    }
    window_[known_++].scene = scene_;
  }
}

void MaskMaker::RunNetwork() {
  if (unmasked_ == 0) return;
  std::vector<Image> pictures;
  const size_t first = window_.size() - unmasked_;
  for (size_t i = first; i < window_.size(); ++i) pictures.push_back(std::move(window_[i].rgb));
  std::vector<Image> masks = network_->Run(pictures);
  for (size_t i = 0; i < masks.size(); ++i) {
    window_[first + i].rgb = Image();
    window_[first + i].probability = std::move(masks[i]);
  }
  unmasked_ = 0;
}

bool MaskMaker::Ready(size_t index) const {
  if (index >= window_.size()) return false;
  if (network_) return index < known_ && index < window_.size() - unmasked_;
  return index < known_ && (finished_ || index + static_cast<size_t>(step_) < known_);
}

std::optional<Frame> MaskMaker::Pop() {
  if (!Ready(next_)) return std::nullopt;
  Frame mask = Make(next_);
  ++next_;
  // The frames before are still compared with.
  while (next_ > static_cast<size_t>(step_)) {
    window_.pop_front();
    --next_;
    --known_;
  }
  return mask;
}

// The motion from a to b, and back.
void MaskMaker::Compare(const Waiting& a, const Waiting& b, Motion* forth, Motion* back) {
  const auto compute = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (i == 0)
        flow_.Compute(a.small.Plane<uint8_t>(), b.small.Plane<uint8_t>(), &forth->flow);
      else
        flow_back_.Compute(b.small.Plane<uint8_t>(), a.small.Plane<uint8_t>(), &back->flow);
    }
  };
  if (pool_ != nullptr) {
    pool_->ParallelFor(2, 1, compute);
  } else {
    compute(0, 2);
  }
  for (Motion* motion : {forth, back}) {
    const Motion* other = motion == forth ? back : forth;
    motion->trip.resize(motion->flow.vectors.size());
    RoundTripError(motion->flow, other->flow,
                   {motion->trip.data(), static_cast<ptrdiff_t>(sizeof(float)) * small_width_,
                    small_width_, small_height_});
  }
}

// What moves on its own, spread along the edges of the picture.
void MaskMaker::Score(size_t index, std::vector<float>* probability) {
  Waiting& now = window_[index];
  std::vector<ObservedMotion> motions;
  Motion forth;
  const size_t ahead = index + static_cast<size_t>(step_);
  if (ahead < window_.size() && window_[ahead].scene == now.scene) {
    Compare(now, window_[ahead], &forth, &window_[ahead].back);
    motions.push_back(forth.view());
  }
  if (!now.back.empty()) motions.push_back(now.back.view());
  if (motions.empty()) {  // a scene of a few frames: nothing is known
    probability->assign(
        now.small.empty() ? 0
                          : static_cast<size_t>(small_width_) * static_cast<size_t>(small_height_),
        0.0f);
    return;
  }
  MotionScores scores;
  ScoreMotion(motions, options_.motion, pool_, &scores);
  smoother_.SetGuide(now.small.Plane<uint8_t>(), kEdge, pool_);
  smoother_.Smooth(kSpread, kPasses, pool_, &scores.probability, &scores.weight);
  *probability = std::move(scores.probability);
}

Frame MaskMaker::Make(size_t index) {
  Waiting& now = window_[index];
  Frame mask;
  mask.index = now.frame.index;
  mask.pts = now.frame.pts;
  mask.duration = now.frame.duration;
  if (options_.parity) {
    mask.image = Image(PixelFormat::Gray(8), width_, height_);
    const PlaneView<uint8_t> to = mask.image.MutablePlane<uint8_t>();
    for (int y = 0; y < height_; ++y)
      for (int x = 0; x < width_; ++x)
        to.At(x, y) = static_cast<uint8_t>(255 * now.probability.Plane<float>().At(x, y));
  } else {
    std::vector<float> probability;
    if (network_) {
      const Image small = Resized(now.probability, small_width_, small_height_, pool_);
      for (int y = 0; y < small_height_; ++y) {
        const float* row = small.Plane<float>().Row(y);
        probability.insert(probability.end(), row, row + small_width_);
      }
    } else {
      Score(index, &probability);
    }
    ObservedMotion previous{};
    if (options_.steady.memory > 0 && index > 0 && window_[index - 1].scene == now.scene) {
      if (step_ == 1 && !now.back.empty()) {
        previous = now.back.view();
      } else {
        Motion unused;
        Compare(now, window_[index - 1], &now.previous, &unused);
        previous = now.previous.view();
      }
    }
    std::vector<uint8_t> regions;
    steadier_.Steady(small_width_, small_height_, previous.flow, previous.round_trip, &probability,
                     &regions);
    mask.image = Enlarge(now, probability, regions);
  }
  now.back = {};
  now.previous = {};
  now.probability = Image();
  const PlaneView<uint8_t> plane = mask.image.MutablePlane<uint8_t>();
  DilateMask(options_.dilate, plane);
  int64_t masked = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      masked += plane.At(x, y) > 127;
      if (options_.invert) plane.At(x, y) = static_cast<uint8_t>(255 - plane.At(x, y));
    }
  }
  share_ += static_cast<double>(masked) / (double(width_) * height_);
  ++made_;
  return mask;
}

Image MaskMaker::Enlarge(const Waiting& waiting, const std::vector<float>& probability,
                         const std::vector<uint8_t>& mask) {
  std::vector<float> values(mask.size(), 0.0f);
  const auto low = static_cast<float>(options_.steady.low);
  const auto high = static_cast<float>(options_.steady.high);
  for (size_t i = 0; i < mask.size(); ++i) {
    if (mask[i] == 0) continue;
    const float p = probability[i];
    // A hole that was filled is part of its region.
    const bool whole = !options_.soft || p < low || p >= high;
    values[i] = whole ? 1.0f : (p - low) / (high - low);
  }
  Image large(PixelFormat::GrayF32(), width_, height_);
  UpsampleAlongEdges(values, waiting.small.Plane<uint8_t>(), waiting.guide.Plane<uint8_t>(), kEdge,
                     pool_, large.MutablePlane<float>());
  Image result(PixelFormat::Gray(8), width_, height_);
  for (int y = 0; y < height_; ++y) {
    const float* from = large.Plane<float>().Row(y);
    uint8_t* to = result.MutablePlane<uint8_t>().Row(y);
    for (int x = 0; x < width_; ++x)
      to[x] = options_.soft ? static_cast<uint8_t>(std::lround(255 * from[x]))
                            : static_cast<uint8_t>(from[x] >= 0.5f ? 255 : 0);
  }
  return result;
}

double MaskMaker::mask_share() const { return made_ > 0 ? share_ / static_cast<double>(made_) : 0; }

}  // namespace mdvt
