// SPDX-License-Identifier: Apache-2.0
#include "pipeline/subtitle_painter.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr double kGap = 0.002;     // of the width, between a line and what is behind it
constexpr double kForward = 0.02;  // of the width a second: how fast a line comes nearer
constexpr double kBack = 0.005;    // and goes back
constexpr double kSpecks = 0.001;  // of the pixels behind a line that may be nearer
constexpr double kReach = 0.01;    // of the width: a line's surroundings count too
constexpr int kTransferPq = 16, kTransferHlg = 18;
// White of HDR is that of paper, 203 cd/m2 (ITU-R BT.2408), not the brightest there is.
constexpr double kWhitePq = 0.58, kWhiteHlg = 0.75;

// How near the map's part is.
void Gather(const ComfortView& view, int x0, int y0, int x1, int y1, std::vector<float>* values) {
  values->clear();
  for (int y = std::max(0, y0); y < std::min(view.map.height, y1); ++y)
    for (int x = std::max(0, x0); x < std::min(view.map.width, x1); ++x) {
      const float value = view.map.At(x, y);
      if (std::isnan(value) || (view.metres && !(value > 0))) continue;
      values->push_back(view.metres ? 1 / value : value);
    }
}

// What all but some specks are behind.
float NearestOf(std::vector<float>* values) {
  const auto skip = static_cast<ptrdiff_t>(kSpecks * static_cast<double>(values->size()));
  const auto at = values->end() - 1 - skip;
  std::nth_element(values->begin(), at, values->end());
  return *at;
}

// Coverage at a place between two pixels, in 16ths: a weighted mean of both. `whole` is the column
// where the result begins.
Image Moved(PlaneView<const uint8_t> coverage, double x, int* whole) {
  const auto place = static_cast<int64_t>(std::floor(x * 16 + 0.5));
  const int part = static_cast<int>(place & 15);
  *whole = static_cast<int>(place >> 4);
  Image moved(PixelFormat::Gray(8), coverage.width + 1, coverage.height);
  for (int row = 0; row < coverage.height; ++row) {
    const uint8_t* from = coverage.Row(row);
    uint8_t* to = moved.MutablePlane<uint8_t>().Row(row);
    int before = 0;
    for (int i = 0; i < coverage.width; ++i) {
      to[i] = static_cast<uint8_t>(((16 - part) * from[i] + part * before + 8) >> 4);
      before = from[i];
    }
    to[coverage.width] = static_cast<uint8_t>((part * before + 8) >> 4);
  }
  return moved;
}

template <typename T>
void BlendPlane(const Image& alpha, int x, int y, int shift_x, int shift_y, int sample,
                PlaneView<T> to) {
  const PlaneView<const uint8_t> cover = alpha.Plane<uint8_t>();
  const int step_x = 1 << shift_x, step_y = 1 << shift_y;
  const int x_begin = std::max(0, x >> shift_x), y_begin = std::max(0, y >> shift_y);
  const int x_end = std::min(to.width, ((x + cover.width - 1) >> shift_x) + 1);
  const int y_end = std::min(to.height, ((y + cover.height - 1) >> shift_y) + 1);
  const int full = 255 * step_x * step_y;
  for (int ty = y_begin; ty < y_end; ++ty) {
    T* row = to.Row(ty);
    for (int tx = x_begin; tx < x_end; ++tx) {
      int sum = 0;
      for (int j = 0; j < step_y; ++j)
        for (int i = 0; i < step_x; ++i) {
          const int cx = tx * step_x + i - x, cy = ty * step_y + j - y;
          if (cx >= 0 && cy >= 0 && cx < cover.width && cy < cover.height) sum += cover.At(cx, cy);
        }
      const int mixed = (full - sum) * row[tx] + sum * sample;
      row[tx] = static_cast<T>((mixed + full / 2) / full);
    }
  }
}

}  // namespace

double SubtitleDepth::Push(const std::vector<int64_t>& lines, double behind, double seconds) {
  double wanted = std::min(0.0, behind - kGap);
  if (max_in_front_) wanted = std::max(wanted, -*max_in_front_);
  const bool stays = std::any_of(lines.begin(), lines.end(), [&](int64_t line) {
    return std::binary_search(lines_.begin(), lines_.end(), line);
  });
  const double passed = std::max(0.0, seconds - seconds_);
  parallax_ = stays ? std::clamp(wanted, parallax_ - kForward * passed, parallax_ + kBack * passed)
                    : wanted;
  lines_ = lines;
  seconds_ = seconds;
  return parallax_;
}

void SubtitleDepth::Save(State* state) const {
  std::vector<double> numbers = {parallax_, seconds_};
  for (const int64_t line : lines_) numbers.push_back(static_cast<double>(line));
  state->SetNumbers("lines", numbers);
}

void SubtitleDepth::Load(const State& state) {
  const std::vector<double> numbers = state.Numbers("lines");
  Require(numbers.size() >= 2, Code::kCorrupt, "the saved state is none of subtitles");
  parallax_ = numbers[0];
  seconds_ = numbers[1];
  lines_.clear();
  for (size_t i = 2; i < numbers.size(); ++i) lines_.push_back(static_cast<int64_t>(numbers[i]));
}

SubtitlePainter::SubtitlePainter(SubtitleRenderer renderer, const PixelFormat& format,
                                 const ColorInfo& color, double offset,
                                 std::optional<double> max_in_front, std::optional<PanelText> panel)
    : renderer_(std::move(renderer)),
      format_(format),
      color_(color),
      offset_(offset),
      depth_(max_in_front),
      panel_(std::move(panel)) {}

std::array<int, 3> SubtitlePainter::SamplesOf(const std::array<uint8_t, 3>& rgb) {
  double scale = ((1 << format_.bits) - 1) / 255.0;
  if (color_.transfer == kTransferPq) scale *= kWhitePq;
  if (color_.transfer == kTransferHlg) scale *= kWhiteHlg;
  PixelFormat full = PixelFormat::Rgb(format_.bits);
  Image patch(full, 2, 2);
  const auto sample = [&](const Image& image, int plane) -> int {
    return image.format().type == SampleType::kU8 ? image.Plane<uint8_t>(plane).At(0, 0)
                                                  : image.Plane<uint16_t>(plane).At(0, 0);
  };
  for (int plane = 0; plane < 3; ++plane) {
    const int value = static_cast<int>(std::lround(rgb[static_cast<size_t>(plane)] * scale));
    for (int i = 0; i < 4; ++i) {
      if (full.type == SampleType::kU8)
        patch.MutablePlane<uint8_t>(plane).At(i % 2, i / 2) = static_cast<uint8_t>(value);
      else
        patch.MutablePlane<uint16_t>(plane).At(i % 2, i / 2) = static_cast<uint16_t>(value);
    }
  }
  PixelFormat flat = format_;
  if (flat.model == ColorModel::kYuv) flat = PixelFormat::Yuv(444, flat.bits);
  patch = converter_.Convert(patch, color_, flat);
  std::array<int, 3> samples = {};
  for (int plane = 0; plane < flat.num_planes(); ++plane)
    samples[static_cast<size_t>(plane)] = sample(patch, plane);
  return samples;
}

const SubtitlePicture& SubtitlePainter::Look(double seconds) {
  const SubtitlePicture& picture = renderer_.At(seconds);
  if (picture.lines == shown_) return picture;
  shown_ = picture.lines;
  if (shown_.empty())
    changes_.clear();
  else
    changes_.push_back(seconds);
  return picture;
}

void SubtitlePainter::Save(State* state) const {
  depth_.Save(state);
  state->SetNumbers("changes", changes_);
}

void SubtitlePainter::Load(const State& state) {
  const std::vector<double> changes = state.Numbers("changes");
  depth_.Load(state);
  changes_.clear();
  shown_.clear();
  for (const double seconds : changes) Look(seconds);
}

double SubtitlePainter::Place(const SubtitlePicture& picture, double seconds, double scale,
                              double screen) {
  const double nearest = values_.empty() ? screen : NearestOf(&values_);
  const double parallax = depth_.Push(picture.lines, scale * (screen - nearest), seconds);
  drawn_ = &picture;
  nearness_ = scale > 0 ? screen - parallax / scale : std::max(screen, nearest);
  return parallax;
}

void SubtitlePainter::Draw(double seconds, const ComfortView& view, double width,
                           const std::vector<double>& eyes,
                           const std::vector<MutableImageView>& views) {
  const SubtitlePicture& picture = Look(seconds - offset_);
  drawn_ = nullptr;
  if (picture.bitmaps.empty()) {
    depth_.Push({}, 0, seconds);
    return;
  }
  const int reach = 1 + static_cast<int>(std::lround(kReach * width));
  Gather(view, picture.x - reach, picture.y - reach, picture.x + picture.width + reach,
         picture.y + picture.height + reach, &values_);
  const double parallax = Place(picture, seconds, view.scale, view.screen) * width;
  first_place_ = eyes[0] * parallax;
  for (const SubtitleBitmap& bitmap : picture.bitmaps) {
    const std::array<int, 3> samples = SamplesOf(bitmap.rgb);
    for (size_t i = 0; i < views.size(); ++i)
      BlendCoverage(bitmap.coverage.Plane<uint8_t>(), bitmap.x + eyes[i] * parallax, bitmap.y,
                    samples, views[i]);
  }
}

void SubtitlePainter::DrawOnPanels(double seconds, const PanelScene& scene,
                                   const std::vector<double>& eyes,
                                   const std::vector<MutableImageView>& panels) {
  const SubtitlePicture& picture = Look(seconds - offset_);
  drawn_ = nullptr;
  if (picture.bitmaps.empty()) {
    depth_.Push({}, 0, seconds);
    return;
  }
  constexpr int kStep = 2;  // pixels of the plane from one look at the scene to the next
  const int reach = 1 + static_cast<int>(std::lround(kReach * panel_->width()));
  values_.clear();
  for (int y = picture.y - reach; y < picture.y + picture.height + reach; y += kStep)
    for (int x = picture.x - reach; x < picture.x + picture.width + reach; x += kStep) {
      const auto value = static_cast<float>(scene.nearness(panel_->RayOf(x + 0.5, y + 0.5)));
      if (!std::isnan(value)) values_.push_back(value);
    }
  const double width =
      panel_->width() / panel_->focal();  // as if it were an angle: see ComfortView
  const double parallax = Place(picture, seconds, scene.scale / width, scene.screen) * width;
  first_place_ = eyes[0] * parallax;
  std::vector<std::array<int, 3>> samples;
  for (const SubtitleBitmap& bitmap : picture.bitmaps) samples.push_back(SamplesOf(bitmap.rgb));
  for (size_t eye = 0; eye < eyes.size(); ++eye) {
    panel_->Look(picture, eyes[eye] * parallax);
    for (size_t i = 0; i < samples.size(); ++i)
      BlendCoverage(panel_->Coverage(picture.bitmaps[i]).Plane<uint8_t>(), panel_->x(), panel_->y(),
                    samples[i], panels[eye]);
  }
}

std::optional<double> SubtitlePainter::nearness() const {
  return drawn_ != nullptr ? std::optional<double>(nearness_) : std::nullopt;
}

void SubtitlePainter::PutInto(float value, const PlaneView<float>& map) {
  if (drawn_ == nullptr) return;
  constexpr int kHalf = 128;
  if (panel_) panel_->Look(*drawn_, first_place_);
  for (const SubtitleBitmap& bitmap : drawn_->bitmaps) {
    int left = panel_ ? panel_->x() : 0;
    const int top = panel_ ? panel_->y() : bitmap.y;
    const Image cover =
        panel_ ? panel_->Coverage(bitmap)
               : Moved(bitmap.coverage.Plane<uint8_t>(), bitmap.x + first_place_, &left);
    for (int row = std::max(0, -top); row < std::min(cover.height(), map.height - top); ++row)
      for (int x = std::max(0, -left); x < std::min(cover.width(), map.width - left); ++x) {
        if (cover.Plane<uint8_t>().At(x, row) < kHalf) continue;
        const double stretch = panel_ ? panel_->Stretch(x, row) : 1;
        map.Row(top + row)[left + x] = static_cast<float>(value * stretch);
      }
  }
}

void BlendCoverage(PlaneView<const uint8_t> coverage, double x, int y,
                   const std::array<int, 3>& samples, const MutableImageView& picture) {
  int whole = 0;
  const Image moved = Moved(coverage, x, &whole);
  for (int plane = 0; plane < picture.format.num_planes(); ++plane) {
    const int shift_x = plane > 0 ? picture.format.chroma_shift_x : 0;
    const int shift_y = plane > 0 ? picture.format.chroma_shift_y : 0;
    const int sample = samples[static_cast<size_t>(plane)];
    if (picture.format.type == SampleType::kU8)
      BlendPlane(moved, whole, y, shift_x, shift_y, sample, picture.Plane<uint8_t>(plane));
    else
      BlendPlane(moved, whole, y, shift_x, shift_y, sample, picture.Plane<uint16_t>(plane));
  }
}

std::unique_ptr<SubtitlePainter> OpenSubtitles(const SubtitleOptions& options,
                                               const std::string& video, double begin,
                                               const ViewCanvas& canvas, const Camera& camera,
                                               const PixelFormat& format, const ColorInfo& color,
                                               const std::optional<ComfortLimits>& comfort,
                                               const Limits& limits, ThreadPool* pool) {
  if (!options.burn()) return nullptr;
  SubtitleRendererOptions drawing;
  drawing.width = canvas.content_width;
  drawing.height = canvas.content_height;
  drawing.pixel_aspect = canvas.sample_aspect.ToDouble() * canvas.squeeze_y / canvas.squeeze_x;
  drawing.limits = limits;
  drawing.stream = options.stream;
  std::optional<double> max_in_front;
  if (comfort) max_in_front = comfort->max_in_front;
  std::optional<PanelText> panel;
  if (canvas.panel) {
    panel.emplace(*canvas.panel, camera, pool);
    drawing.width = panel->width();
    drawing.height = panel->height();
    drawing.pixel_aspect = 1;
    if (max_in_front) *max_in_front *= panel->focal() / panel->width();  // of radians
  }
  const bool own_file = !options.file.empty();
  return std::make_unique<SubtitlePainter>(
      own_file ? SubtitleRenderer::OfFile(options.file, drawing)
               : SubtitleRenderer::OfVideo(video, drawing),
      format, color, own_file ? begin : 0, max_in_front, std::move(panel));
}

}  // namespace mdvt
