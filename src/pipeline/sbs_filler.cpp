// SPDX-License-Identifier: Apache-2.0
#include "pipeline/sbs_filler.h"

#include <algorithm>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"

namespace mdvt {
namespace {

// Motion is measured on pictures at most this wide: wider ones are halved, and again.
constexpr int kMotionWidth = 1280;
// Background this near to a hole moves as the foreground does, in the eyes of dense flow.
constexpr int kFlowMargin = 4;
// All frames so near in time are looked at, farther ones only if their number is a multiple: which
// ones they are does not change from frame to frame.
constexpr int kNearFrames = 8;
constexpr int kFarStep = 3;

int MotionFactor(int width) {
  int factor = 1;
  while (width / factor > kMotionWidth) factor *= 2;
  return factor;
}

ImageView EyeOf(const Image& both, int eye) {
  const int width = both.width() / 2;
  return Crop(both.view(), eye * width, 0, width, both.height());
}

MutableImageView EyeOf(Image* both, int eye) {
  const int width = both->width() / 2;
  return both->mutable_view().Crop(eye * width, 0, width, both->height());
}

// Of a mask: which pixels are holes, and where their background lies.
struct Directions {
  Image holes;
  std::vector<Eigen::Vector2f> vectors;

  Directions(const ImageView& mask, const HoleMap& map)
      : holes(PixelFormat::Gray(8), mask.width, mask.height),
        vectors(static_cast<size_t>(mask.width) * static_cast<size_t>(mask.height),
                Eigen::Vector2f::Zero()) {
    const PlaneView<uint8_t> hole = holes.MutablePlane<uint8_t>();
    const auto red = mask.Plane<uint8_t>(0), green = mask.Plane<uint8_t>(1),
               blue = mask.Plane<uint8_t>(2);
    for (int y = 0; y < mask.height; ++y) {
      std::fill_n(hole.Row(y), mask.width, uint8_t{0});
      for (const HoleSpan& span : map.rows[static_cast<size_t>(y)]) {
        for (int x = span.begin; x < span.end; ++x) {
          hole.At(x, y) = 255;
          const int r = red.At(x, y), g = green.At(x, y), b = blue.At(x, y);
          Eigen::Vector2f& to = vectors[static_cast<size_t>(y) * static_cast<size_t>(mask.width) +
                                        static_cast<size_t>(x)];
          // Pure colours are marks of older masks, not directions: the side of the hole holds.
          const bool mark = (r == 0 || r == 255) && (g == 0 || g == 255) && (b == 0 || b == 255);
          constexpr float kDeadZone = 0.02f;
          const float dx = 2 * static_cast<float>(r) / 255 - 1;
          const float dy = 2 * static_cast<float>(g) / 255 - 1;
          if (mark)
            to.x() = static_cast<float>(span.background);
          else
            to = {std::abs(dx) > kDeadZone ? dx : 0, std::abs(dy) > kDeadZone ? dy : 0};
        }
      }
    }
  }
  PlaneView<const Eigen::Vector2f> view() const {
    return {vectors.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * holes.width(),
            holes.width(), holes.height()};
  }
};

}  // namespace

SbsFiller::SbsFiller(const InfillSbsJobOptions& options, const PixelFormat& format,
                     const ColorInfo& color, std::optional<FillPlaces> places, ThreadPool* pool)
    : options_(options),
      format_(format),
      color_(color),
      places_(std::move(places)),
      pool_(pool),
      directional_(options.observed.rest, pool),
      observed_(options.observed, pool),
      flow_fill_(options.observed, pool) {
  if (Looks() && !places_) flows_.resize(4);
}

SbsFiller::~SbsFiller() = default;

int64_t SbsFiller::BytesPerFrame(const InfillSbsJobOptions& options, const PixelFormat& format,
                                 int eye_width, int eye_height) {
  const int64_t pixels = int64_t{eye_width} * eye_height;
  int64_t planes = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    planes += int64_t{format.PlaneWidth(plane, eye_width)} * format.PlaneHeight(plane, eye_height);
  const int64_t eyes = 2 * planes * format.bytes_per_sample() + 6 * pixels;  // and their mask
  if (options.depth_video.empty()) {
    const int64_t factor = MotionFactor(eye_width);
    return eyes + 4 * pixels / (factor * factor) * static_cast<int64_t>(sizeof(Eigen::Vector2f));
  }
  return eyes + planes * format.bytes_per_sample() + 5 * pixels;
}

void SbsFiller::Push(FillInput frame) {
  Waiting waiting;
  waiting.input = std::move(frame);
  if (Looks() && !places_) MeasureMotion(window_.empty() ? nullptr : &window_.back(), &waiting);
  window_.push_back(std::move(waiting));
}

// Luma of both eyes, and the motion between the frame before and this one, both ways.
void SbsFiller::MeasureMotion(Waiting* before, Waiting* frame) {
  const Image& both = frame->input.sbs.color;
  const int width = both.width() / 2, height = both.height();
  const int factor = MotionFactor(width);
  const int small_width = std::max(1, width / factor), small_height = std::max(1, height / factor);
  for (int eye = 0; eye < 2; ++eye) {
    const auto e = static_cast<size_t>(eye);
    // Holes would move with their edges: they are filled roughly first.
    Image filled(format_, width, height);
    CopyPixels(EyeOf(both, eye), filled.mutable_view());
    directional_.Fill(frame->input.sbs.holes[e], filled.mutable_view());
    Image luma(PixelFormat::Gray(8), width, height);
    to_luma_[e].Convert(filled.view(), color_, luma.mutable_view());
    if (factor > 1) {
      Image small(PixelFormat::Gray(8), small_width, small_height);
      ResizeOptions bilinear;
      bilinear.filter = ResizeFilter::kBilinear;
      ImageResizer(luma.format(), width, height,
                   {0, 0, static_cast<double>(width), static_cast<double>(height)}, small_width,
                   small_height, bilinear, pool_)
          .Resize(luma.view(), small.mutable_view());
      luma = small;
    }
    frame->luma[e] = luma;
  }
  if (before == nullptr) return;
  const auto measure = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto eye = static_cast<size_t>(i / 2);
      Waiting* const from = i % 2 == 0 ? before : frame;
      Waiting* const to = i % 2 == 0 ? frame : before;
      FlowField* const field = i % 2 == 0 ? &before->to_next[eye] : &frame->to_previous[eye];
      flows_[static_cast<size_t>(i)].Compute(from->luma[eye].Plane<uint8_t>(),
                                             to->luma[eye].Plane<uint8_t>(), field);
      CompleteFlow(from->input.sbs.holes[eye], kFlowMargin, field->mutable_view());
    }
  };
  if (pool_ != nullptr) {
    pool_->ParallelFor(4, 1, measure);
  } else {
    measure(0, 4);
  }
  before->luma = {};  // not needed again
}

std::optional<FilledSbs> SbsFiller::Pop() {
  const size_t ahead = Looks() ? static_cast<size_t>(options_.window) : 0;
  if (next_ >= window_.size()) return std::nullopt;
  if (!finished_ && window_.size() - next_ <= ahead) return std::nullopt;
  FilledSbs filled = Fill(next_);
  ++next_;
  while (next_ > ahead) {
    window_.pop_front();
    --next_;
  }
  return filled;
}

FilledSbs SbsFiller::Fill(size_t index) {
  const SbsFrame& frame = window_[index].input.sbs;
  FilledSbs filled;
  filled.image = frame.color.Clone();
  filled.pts = frame.pts;
  filled.duration = frame.duration;
  if (!options_.provenance_output.empty())
    filled.provenance = Image(PixelFormat::Gray(8), frame.color.width(), frame.color.height());
  for (int eye = 0; eye < 2; ++eye) {
    PlaneView<uint8_t> provenance;
    if (!filled.provenance.empty()) provenance = EyeOf(&filled.provenance, eye).Plane<uint8_t>(0);
    const FillCounts counts = FillEye(index, eye, EyeOf(&filled.image, eye), provenance);
    counts_.holes += counts.holes;
    counts_.observed += counts.observed;
  }
  pixels_ += int64_t{frame.color.width()} * frame.color.height();
  return filled;
}

FillCounts SbsFiller::FillEye(size_t index, int eye, const MutableImageView& picture,
                              PlaneView<uint8_t> provenance) {
  const SbsFrame& frame = window_[index].input.sbs;
  const HoleMap& holes = frame.holes[static_cast<size_t>(eye)];
  if (Looks())
    return places_ ? FillObserved(index, eye, picture, provenance)
                   : FillByFlow(index, eye, picture, provenance);
  if (options_.method == InfillMethod::kDirectional) {
    directional_.Fill(holes, picture);
  } else {
    const Directions directions(EyeOf(frame.mask, eye), holes);
    FillAlongNormals(directions.holes.Plane<uint8_t>(), directions.view(), options_.normal, picture,
                     pool_);
  }
  return MarkExtended(holes, provenance);
}

FillCounts SbsFiller::FillObserved(size_t index, int eye, const MutableImageView& picture,
                                   PlaneView<uint8_t> provenance) {
  const int64_t now = window_[index].input.sbs.index;
  std::vector<ObservedView> views;
  size_t own = 0;
  for (const Waiting& waiting : window_) {
    const FillInput& input = waiting.input;
    const int64_t number = input.sbs.index, away = std::abs(number - now);
    if (away > options_.window || (away > kNearFrames && number % kFarStep != 0)) continue;
    ObservedView view;
    view.color = input.color.view();
    view.depth = input.depth.Plane<float>();
    if (!input.moving.empty()) view.moving = input.moving.Plane<uint8_t>();
    view.camera = places_->camera.At(number);
    view.world_from_cam = places_->poses.At(number);
    view.index = number;
    if (number == now) own = views.size();
    views.push_back(view);
  }
  // As the renderer has it: eyes displaced along x, their pictures shifted so that they coincide at
  // a distance.
  Camera camera = views[own].camera;
  const double side = (eye == 0) != places_->right_eye_first ? -1 : 1;
  const double baseline = places_->baseline * places_->scale.For(camera);
  const double distance = places_->distance.At(now);
  if (distance > 0) camera.cx += side * camera.fx * baseline / 2 / distance;
  Pose pose = views[own].world_from_cam;
  pose.translate(Eigen::Vector3d(side * baseline / 2, 0, 0));
  return observed_.Fill(window_[index].input.sbs.holes[static_cast<size_t>(eye)], camera, pose,
                        views, own, picture, provenance);
}

FillCounts SbsFiller::FillByFlow(size_t index, int eye, const MutableImageView& picture,
                                 PlaneView<uint8_t> provenance) {
  std::vector<FlowFrame> frames;
  size_t own = 0;
  const auto e = static_cast<size_t>(eye);
  const auto reach = static_cast<size_t>(options_.window);
  for (size_t i = index > reach ? index - reach : 0;
       i < std::min(window_.size(), index + reach + 1); ++i) {
    const Waiting& waiting = window_[i];
    FlowFrame frame;
    frame.picture = EyeOf(waiting.input.sbs.color, eye);
    frame.holes = &waiting.input.sbs.holes[e];
    if (!waiting.to_next[e].empty()) frame.to_next = waiting.to_next[e].view();
    if (!waiting.to_previous[e].empty()) frame.to_previous = waiting.to_previous[e].view();
    if (i == index) own = frames.size();
    frames.push_back(frame);
  }
  return flow_fill_.Fill(frames, own, picture, provenance);
}

double SbsFiller::hole_share() const {
  return pixels_ > 0 ? static_cast<double>(counts_.holes) / static_cast<double>(pixels_) : 0;
}

double SbsFiller::observed_share() const {
  return counts_.holes > 0
             ? static_cast<double>(counts_.observed) / static_cast<double>(counts_.holes)
             : 0;
}

}  // namespace mdvt
