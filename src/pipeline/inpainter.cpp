// SPDX-License-Identifier: Apache-2.0
#include "pipeline/inpainter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/infill/classical_fill.h"
#include "mdvt/infill/mask_steadier.h"

namespace mdvt {
namespace {

constexpr int kFlowMargin = 4;  // pixels around the mask whose motion is that of the mask

ObservedFillOptions FillOptions(const InpaintJobOptions& options) {
  ObservedFillOptions fill;
  fill.color_tolerance = options.color_tolerance;
  return fill;
}

template <typename T>
void BlendPlane(const PlaneView<const T>& from, const PlaneView<const uint8_t>& strength,
                int shift_x, int shift_y, const PlaneView<T>& to) {
  for (int y = 0; y < to.height; ++y) {
    for (int x = 0; x < to.width; ++x) {
      // A chroma sample is as strong as the strongest pixel that it stands for.
      int most = 0;
      for (int row = y << shift_y; row < std::min((y + 1) << shift_y, strength.height); ++row)
        for (int column = x << shift_x; column < std::min((x + 1) << shift_x, strength.width);
             ++column)
          most = std::max<int>(most, strength.At(column, row));
      if (most == 0) continue;
      const int a = from.At(x, y), b = to.At(x, y);
      to.At(x, y) = static_cast<T>((a * most + b * (255 - most) + 127) / 255);
    }
  }
}

}  // namespace

PixelRect BoxOfMask(const Image& mask, int room) {
  int left = mask.width(), right = -1, top = mask.height(), bottom = -1;
  for (int y = 0; y < mask.height(); ++y) {
    const uint8_t* row = mask.Plane<uint8_t>().Row(y);
    for (int x = 0; x < mask.width(); ++x) {
      if (row[x] <= 127) continue;
      left = std::min(left, x);
      right = std::max(right, x);
      top = std::min(top, y);
      bottom = std::max(bottom, y);
    }
  }
  if (right < 0) return {};
  PixelRect box;
  box.x = std::max(0, left - room) & ~1;
  box.y = std::max(0, top - room) & ~1;
  box.width = std::min(mask.width(), right + 1 + room) - box.x;
  box.height = std::min(mask.height(), bottom + 1 + room) - box.y;
  return box;
}

std::shared_ptr<const InpaintMask> PrepareMask(const Image& mask, const PixelRect& box, int dilate,
                                               int blend) {
  auto ready = std::make_shared<InpaintMask>();
  const auto layer = [&](int grow) {
    Image part(PixelFormat::Gray(8), box.width, box.height);
    const PlaneView<uint8_t> white = part.MutablePlane<uint8_t>();
    for (int y = 0; y < box.height; ++y)
      for (int x = 0; x < box.width; ++x)
        white.At(x, y) = mask.Plane<uint8_t>().At(box.x + x, box.y + y) > 127 ? 255 : 0;
    DilateMask(grow, white);
    return part;
  };
  ready->strength = layer(dilate);
  for (int step = 1; step <= blend; ++step) {
    const Image wider = layer(dilate + step);
    const auto value = static_cast<uint8_t>(255 * (blend + 1 - step) / (blend + 1));
    for (int y = 0; y < box.height; ++y)
      for (int x = 0; x < box.width; ++x)
        if (wider.Plane<uint8_t>().At(x, y) != 0 && ready->strength.Plane<uint8_t>().At(x, y) == 0)
          ready->strength.MutablePlane<uint8_t>().At(x, y) = value;
  }
  ready->white = layer(dilate + blend);
  ready->holes.Reset(box.width, box.height);
  for (int y = 0; y < box.height; ++y) {
    const uint8_t* row = ready->white.Plane<uint8_t>().Row(y);
    for (int x = 0; x < box.width;) {
      if (row[x] == 0) {
        ++x;
        continue;
      }
      HoleSpan span;
      span.begin = x;
      while (x < box.width && row[x] != 0) ++x;
      span.end = x;
      span.at_border = span.begin == 0 || span.end == box.width;
      ready->holes.rows[static_cast<size_t>(y)].push_back(span);
      ready->pixels += span.end - span.begin;
    }
  }
  return ready;
}

Inpainter::Inpainter(const InpaintJobOptions& options, const PixelFormat& format,
                     const ColorInfo& color, const PixelRect& box,
                     std::shared_ptr<const Model> model, ThreadPool* pool)
    : options_(options),
      format_(format),
      color_(color),
      box_(box),
      pool_(pool),
      flow_fill_(FillOptions(options), pool) {
  if (model != nullptr) network_.emplace(std::move(model), box.width, box.height, pool);
}

Inpainter::~Inpainter() = default;

int64_t Inpainter::BytesPerFrame(const PixelFormat& format, int width, int height,
                                 const PixelRect& box) {
  int64_t bytes = 0;
  for (int plane = 0; plane < format.num_planes(); ++plane)
    bytes += int64_t{format.PlaneWidth(plane, width)} * format.PlaneHeight(plane, height) *
             format.bytes_per_sample();
  return bytes +
         int64_t{box.width} * box.height * static_cast<int64_t>(2 * sizeof(Eigen::Vector2f) + 3);
}

ImageView Inpainter::BoxOf(const Image& image) const {
  return Crop(image.view(), box_.x, box_.y, box_.width, box_.height);
}

void Inpainter::Push(InpaintInput input) {
  Waiting waiting;
  waiting.input = std::move(input);
  if (options_.temporal) MeasureMotion(window_.empty() ? nullptr : &window_.back(), &waiting);
  window_.push_back(std::move(waiting));
}

void Inpainter::MeasureMotion(Waiting* before, Waiting* frame) {
  // What is painted over would not move: it is filled roughly first.
  Image part(format_, box_.width, box_.height);
  CopyPixels(BoxOf(frame->input.frame.image), part.mutable_view());
  InpaintClassical(frame->input.mask->white.Plane<uint8_t>(), 2, part.mutable_view(), pool_);
  frame->luma = Image(PixelFormat::Gray(8), box_.width, box_.height);
  to_luma_.Convert(part.view(), color_, frame->luma.mutable_view());
  if (before == nullptr) return;
  const auto measure = [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      Waiting* const from = i == 0 ? before : frame;
      Waiting* const to = i == 0 ? frame : before;
      FlowField* const field = i == 0 ? &before->to_next : &frame->to_previous;
      (i == 0 ? flow_ : flow_back_)
          .Compute(from->luma.Plane<uint8_t>(), to->luma.Plane<uint8_t>(), field);
      InterpolateFlow(from->input.mask->white.Plane<uint8_t>(), kFlowMargin, field->mutable_view());
    }
  };
  if (pool_ != nullptr) {
    pool_->ParallelFor(2, 1, measure);
  } else {
    measure(0, 2);
  }
  before->luma = Image();
}

std::optional<Frame> Inpainter::Pop() {
  const auto ahead = static_cast<size_t>(latency());
  if (next_ >= window_.size()) return std::nullopt;
  if (!finished_ && window_.size() - next_ <= ahead) return std::nullopt;
  Frame painted = Paint(next_);
  ++next_;
  while (next_ > ahead) {
    window_.pop_front();
    --next_;
  }
  return painted;
}

Frame Inpainter::Paint(size_t index) {
  const InpaintInput& input = window_[index].input;
  Frame painted = input.frame;
  pixels_ += int64_t{painted.image.width()} * painted.image.height();
  if (input.mask->pixels == 0) return painted;
  Image part(format_, box_.width, box_.height);
  CopyPixels(BoxOf(input.frame.image), part.mutable_view());
  Image unseen = input.mask->white;
  masked_ += input.mask->pixels;
  if (options_.temporal) {
    std::vector<FlowFrame> frames;
    for (const Waiting& waiting : window_) {
      FlowFrame frame;
      frame.picture = BoxOf(waiting.input.frame.image);
      frame.holes = &waiting.input.mask->holes;
      if (!waiting.to_next.empty()) frame.to_next = waiting.to_next.view();
      if (!waiting.to_previous.empty()) frame.to_previous = waiting.to_previous.view();
      frames.push_back(frame);
    }
    Image provenance(PixelFormat::Gray(8), box_.width, box_.height);
    const FillCounts counts =
        flow_fill_.Fill(frames, index, part.mutable_view(), provenance.MutablePlane<uint8_t>());
    counts_.observed += counts.observed;
    unseen = provenance;
    for (int y = 0; y < box_.height; ++y) {
      uint8_t* row = unseen.MutablePlane<uint8_t>().Row(y);
      std::transform(row, row + box_.width, row, [](uint8_t from) -> uint8_t {
        return from == static_cast<uint8_t>(Provenance::kExtended) ? 255 : 0;
      });
    }
  }
  PaintUnseen(unseen, &part);

  painted.image = input.frame.image.Clone();
  const MutableImageView to =
      painted.image.mutable_view().Crop(box_.x, box_.y, box_.width, box_.height);
  const PlaneView<const uint8_t> strength = input.mask->strength.Plane<uint8_t>();
  for (int plane = 0; plane < format_.num_planes(); ++plane) {
    const bool chroma = format_.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? format_.chroma_shift_x : 0;
    const int shift_y = chroma ? format_.chroma_shift_y : 0;
    if (format_.type == SampleType::kU8) {
      BlendPlane(part.Plane<uint8_t>(plane), strength, shift_x, shift_y, to.Plane<uint8_t>(plane));
    } else {
      BlendPlane(part.Plane<uint16_t>(plane), strength, shift_x, shift_y,
                 to.Plane<uint16_t>(plane));
    }
  }
  return painted;
}

void Inpainter::PaintUnseen(const Image& unseen, Image* part) {
  InpaintClassical(unseen.Plane<uint8_t>(), options_.radius, part->mutable_view(), pool_);
  if (!network_) return;
  const PixelFormat rgb_format = PixelFormat::Rgb(format_.bits > 8 ? 16 : 8);
  Image rgb = to_rgb_.Convert(*part, color_, rgb_format).Clone();
  network_->Run(unseen.Plane<uint8_t>(), rgb.mutable_view());
  const Image back = from_rgb_.Convert(rgb, color_, format_);
  // Pixels that have been seen keep their exact samples.
  for (int plane = 0; plane < format_.num_planes(); ++plane) {
    const bool chroma = format_.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? format_.chroma_shift_x : 0;
    const int shift_y = chroma ? format_.chroma_shift_y : 0;
    if (format_.type == SampleType::kU8) {
      BlendPlane(back.Plane<uint8_t>(plane), unseen.Plane<uint8_t>(), shift_x, shift_y,
                 part->MutablePlane<uint8_t>(plane));
    } else {
      BlendPlane(back.Plane<uint16_t>(plane), unseen.Plane<uint8_t>(), shift_x, shift_y,
                 part->MutablePlane<uint16_t>(plane));
    }
  }
}

double Inpainter::mask_share() const {
  return pixels_ > 0 ? static_cast<double>(masked_) / static_cast<double>(pixels_) : 0;
}

double Inpainter::observed_share() const {
  return masked_ > 0 ? static_cast<double>(counts_.observed) / static_cast<double>(masked_) : 0;
}

}  // namespace mdvt
