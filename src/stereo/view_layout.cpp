// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/view_layout.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/view_mixers.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 16384;
constexpr int kMaxFrameSide = 32768;  // of what encoders take

int Down(double size, int step) { return static_cast<int>(std::floor(size / step)) * step; }
// To the nearest multiple, at least one.
int Near(double size, int step) {
  return std::max(step, static_cast<int>(std::lround(size / step)) * step);
}

// What the length of a view must be a multiple of, so that its tile has an even one.
int EyeStep(double squeeze) { return static_cast<int>(std::lround(2 / squeeze)); }

// Along one side: how much of the picture is seen and where it lies.
struct Side {
  int begin = 0;
  int length = 0;
  double window_begin = 0;
  double window_length = 0;
};

// source   samples of the picture
// shown    how long all of it would be in the eye, before squeezing
// eye      length of the eye before squeezing
// tile     length of the tile
// step     the content's begin and length are multiples of it
Side PlaceSide(int source, double shown, int eye, double squeeze, int tile, int step) {
  Side side;
  const double visible = std::min(shown, static_cast<double>(eye));
  side.length = std::min(tile, Near(visible * squeeze, step));
  side.begin = Down((tile - side.length) / 2.0, step);
  side.window_length = source * (visible / shown);
  side.window_begin = (source - side.window_length) / 2;
  return side;
}

// Borders on whole samples, if the picture is shown at its own size along this side.
bool MakeExact(Side* side, int source, double shown, int tile, int step) {
  if (std::fabs(shown - source) > 1e-9 || source < step) return false;
  side->length = std::min(side->length, Down(source, step));
  side->begin = Down((tile - side->length) / 2.0, step);
  side->window_length = side->length;
  side->window_begin = Down((source - side->length) / 2.0, step);
  return true;
}

ViewCanvas PlanPanels(const ViewLayout& layout, const PanelOptions& panel, int width, int height) {
  const int size = panel.size;
  ViewCanvas canvas;
  canvas.panel = panel;
  canvas.panel->projection = *layout.panel;
  canvas.columns = layout.columns;
  canvas.rows = layout.rows;
  canvas.tile_width = canvas.content_width = size;
  canvas.tile_height = canvas.content_height = size;
  canvas.frame_width = size * layout.columns;
  canvas.frame_height = size * layout.rows;
  canvas.window = {0, 0, static_cast<double>(width), static_cast<double>(height)};
  Require(canvas.frame_width <= kMaxFrameSide && canvas.frame_height <= kMaxFrameSide,
          Code::kInvalidArgument,
          "a frame of " + FormatSize(canvas.frame_width, canvas.frame_height) +
              " pixels, sides must be at most " + std::to_string(kMaxFrameSide));
  return canvas;
}

}  // namespace

void CanvasOptions::Check() const {
  const ViewLayout chosen = LayoutOf(*this);
  panel.Check();
  Require(!chosen.panel || panel.size % 2 == 0, Code::kInvalidArgument,
          "vr_size = " + std::to_string(panel.size) + ", must be even");
  Require(!chosen.panel ||
              (frame_width == 0 && frame_height == 0 && eye_width == 0 && picture_width == 0),
          Code::kInvalidArgument,
          "the layout '" + layout + "' has panels of vr_size, no other size can be given");
  const auto check = [](int size, int step, int least, const char* name) {
    Require(size == 0 || (size >= least && size <= kMaxSide && size % step == 0),
            Code::kInvalidArgument,
            std::string("CanvasOptions.") + name + " = " + std::to_string(size) +
                ", must be a multiple of " + std::to_string(step) + " in [" +
                std::to_string(least) + ", " + std::to_string(kMaxSide) + "]");
  };
  check(frame_width, 2 * chosen.columns, 4, "frame_width");
  check(frame_height, 2 * chosen.rows, 4, "frame_height");
  check(eye_width, EyeStep(chosen.squeeze_x), 2, "eye_width");
  check(eye_height, EyeStep(chosen.squeeze_y), 2, "eye_height");
  Require((eye_width == 0) == (eye_height == 0) && (picture_width == 0) == (picture_height == 0),
          Code::kInvalidArgument, "CanvasOptions: a width needs a height and the other way round");
  Require(eye_width == 0 || (frame_width == 0 && frame_height == 0), Code::kInvalidArgument,
          "CanvasOptions: give the size of the frame or that of an eye, not both");
  Require(picture_width >= 0 && picture_width <= kMaxSide && picture_height >= 0 &&
              picture_height <= kMaxSide,
          Code::kInvalidArgument, "CanvasOptions: picture sides must be in [0, 16384]");
}

ViewCanvas PlanCanvas(const CanvasOptions& options, int width, int height, Rational sample_aspect) {
  options.Check();
  const ViewLayout layout = LayoutOf(options);
  if (layout.panel) return PlanPanels(layout, options.panel, width, height);
  // Views per frame, in columns and rows of a view that is not squeezed.
  const double eyes_x = layout.columns * layout.squeeze_x;
  const double eyes_y = layout.rows * layout.squeeze_y;
  const bool sized = options.frame_width > 0 || options.frame_height > 0 || options.eye_width > 0;
  const bool square = sized || options.picture_width > 0;
  const bool odd = options.keep_odd && !square;
  // Of the content in a tile, and of a view before it is squeezed.
  const int step_x = odd && layout.squeeze_x == 1 ? 1 : 2;
  const int step_y = odd && layout.squeeze_y == 1 ? 1 : 2;
  const int eye_step_x = step_x == 1 ? 1 : EyeStep(layout.squeeze_x);
  const int eye_step_y = step_y == 1 ? 1 : EyeStep(layout.squeeze_y);
  const Rational aspect = sample_aspect.IsPositive() ? sample_aspect : Rational{1, 1};

  double shown_width = square ? width * aspect.ToDouble() : width;
  double shown_height = height;
  if (options.picture_width > 0) {
    shown_width = options.picture_width;
    shown_height = options.picture_height;
  }
  int eye_width = Down(shown_width, eye_step_x);
  int eye_height = Down(shown_height, eye_step_y);
  if (options.eye_width > 0) {
    eye_width = options.eye_width;
    eye_height = options.eye_height;
  } else if (sized) {
    eye_width = static_cast<int>(std::lround(options.frame_width / eyes_x));
    eye_height = static_cast<int>(std::lround(options.frame_height / eyes_y));
    if (eye_width == 0) eye_width = Near(eye_height * shown_width / shown_height, eye_step_x);
    if (eye_height == 0) eye_height = Near(eye_width * shown_height / shown_width, eye_step_y);
  }
  Require(eye_width >= eye_step_x && eye_height >= eye_step_y, Code::kInvalidArgument,
          "a picture of " + FormatSize(width, height) +
              " pixels is too small for this layout: an eye needs " +
              FormatSize(eye_step_x, eye_step_y) + " at least");

  ViewCanvas canvas;
  canvas.columns = layout.columns;
  canvas.rows = layout.rows;
  canvas.from_bottom = layout.from_bottom;
  canvas.tile_width = static_cast<int>(std::lround(eye_width * layout.squeeze_x));
  canvas.tile_height = static_cast<int>(std::lround(eye_height * layout.squeeze_y));
  canvas.frame_width = canvas.tile_width * layout.columns;
  canvas.frame_height = canvas.tile_height * layout.rows;
  canvas.squeeze_x = layout.squeeze_x;
  canvas.squeeze_y = layout.squeeze_y;
  canvas.sample_aspect = square ? Rational{1, 1} : aspect;
  Require(canvas.frame_width <= kMaxFrameSide && canvas.frame_height <= kMaxFrameSide,
          Code::kInvalidArgument,
          "a frame of " + FormatSize(canvas.frame_width, canvas.frame_height) +
              " pixels, sides must be at most " + std::to_string(kMaxFrameSide));

  double scale = 1;
  if (sized && options.fit != CanvasFit::kNone) {
    const double fit_x = eye_width / shown_width, fit_y = eye_height / shown_height;
    scale = options.fit == CanvasFit::kContain ? std::min(fit_x, fit_y) : std::max(fit_x, fit_y);
  }
  shown_width *= scale;
  shown_height *= scale;
  Side x = PlaceSide(width, shown_width, eye_width, layout.squeeze_x, canvas.tile_width, step_x);
  Side y =
      PlaceSide(height, shown_height, eye_height, layout.squeeze_y, canvas.tile_height, step_y);
  const bool exact_x =
      MakeExact(&x, width, shown_width * layout.squeeze_x, canvas.tile_width, step_x);
  const bool exact_y =
      MakeExact(&y, height, shown_height * layout.squeeze_y, canvas.tile_height, step_y);
  canvas.exact = exact_x && exact_y;
  canvas.content_x = x.begin;
  canvas.content_y = y.begin;
  canvas.content_width = x.length;
  canvas.content_height = y.length;
  canvas.window = {x.window_begin, y.window_begin, x.window_length, y.window_length};
  return canvas;
}

ViewCanvas PlanPanelSource(int width, int height, Rational sample_aspect) {
  CanvasOptions options;
  options.layout = "left";  // one tile for each
  options.keep_odd = true;
  return PlanCanvas(options, width, height, sample_aspect);
}

PixelFormat PackedFormat(const ViewLayout& layout, const ViewCanvas& canvas,
                         const PixelFormat& format) {
  if (layout.samples == MixSamples::kRgb) return PixelFormat::Rgb(format.bits);
  const bool halved = format.chroma_shift_x > 0 || format.chroma_shift_y > 0;
  if (layout.samples == MixSamples::kFullChroma && halved)
    return PixelFormat::Yuv(444, format.bits);
  const bool odd_x = format.chroma_shift_x > 0 && canvas.columns > 1 && canvas.tile_width % 2 != 0;
  const bool odd_y = format.chroma_shift_y > 0 && canvas.rows > 1 && canvas.tile_height % 2 != 0;
  return odd_x || odd_y ? PixelFormat::Yuv(444, format.bits) : format;
}

void PaintNearness(PlaneView<const float> nearness, bool full_range, const MutableImageView& to,
                   ThreadPool* pool) {
  Require(nearness.width == to.width && nearness.height == to.height &&
              to.format.type != SampleType::kF32,
          Code::kInvalidArgument, "PaintNearness: both must have one size");
  if (to.format.type == SampleType::kU8)
    stereo::PaintGrey<uint8_t>(nearness, full_range, to, pool);
  else
    stereo::PaintGrey<uint16_t>(nearness, full_range, to, pool);
}

void PaintPadding(const ViewCanvas& canvas, bool full_range, const MutableImageView& image) {
  const PixelFormat& format = image.format;
  Require(image.width == canvas.frame_width && image.height == canvas.frame_height &&
              format.type != SampleType::kF32,
          Code::kInvalidArgument, "PaintPadding: the image does not have the size of the canvas");
  const bool yuv = format.model == ColorModel::kYuv;
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const int black = !yuv         ? 0
                      : plane > 0  ? 1 << (format.bits - 1)
                      : full_range ? 0
                                   : 16 << (format.bits - 8);
    const int shift_x = plane == 0 ? 0 : format.chroma_shift_x;
    const int shift_y = plane == 0 ? 0 : format.chroma_shift_y;
    const auto fill = [&](int x, int y, int w, int h) {
      for (int row = y >> shift_y; row < (y + h) >> shift_y; ++row) {
        const int begin = x >> shift_x, count = w >> shift_x;
        if (format.type == SampleType::kU8)
          std::fill_n(image.Plane<uint8_t>(plane).Row(row) + begin, count,
                      static_cast<uint8_t>(black));
        else
          std::fill_n(image.Plane<uint16_t>(plane).Row(row) + begin, count,
                      static_cast<uint16_t>(black));
      }
    };
    for (int tile = 0; tile < canvas.num_tiles(); ++tile) {
      const int x = canvas.TileX(tile), y = canvas.TileY(tile);
      const int x1 = canvas.content_x + canvas.content_width;
      const int y1 = canvas.content_y + canvas.content_height;
      fill(x, y, canvas.tile_width, canvas.content_y);
      fill(x, y + y1, canvas.tile_width, canvas.tile_height - y1);
      fill(x, y + canvas.content_y, canvas.content_x, canvas.content_height);
      fill(x + x1, y + canvas.content_y, canvas.tile_width - x1, canvas.content_height);
    }
  }
}

}  // namespace mdvt
