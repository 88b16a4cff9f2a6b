// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/stereo_canvas.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 16384;

bool IsAcross(StereoPacking packing) {
  return packing == StereoPacking::kSideBySide || packing == StereoPacking::kHalfSideBySide;
}
bool IsHalf(StereoPacking packing) {
  return packing == StereoPacking::kHalfSideBySide || packing == StereoPacking::kHalfTopBottom;
}

int EvenDown(double size) { return static_cast<int>(std::floor(size / 2)) * 2; }
// To the nearest even number, at least 2.
int EvenNear(double size) { return std::max(2, static_cast<int>(std::lround(size / 2)) * 2); }

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
Side PlaceSide(int source, double shown, int eye, double squeeze, int half) {
  Side side;
  const double visible = std::min(shown, static_cast<double>(eye));
  side.length = std::min(half, EvenNear(visible * squeeze));
  side.begin = EvenDown((half - side.length) / 2.0);
  side.window_length = source * (visible / shown);
  side.window_begin = (source - side.window_length) / 2;
  return side;
}

// Borders on whole, even samples, if the picture is shown at its own size along this side.
bool MakeExact(Side* side, int source, double shown, int half) {
  if (std::fabs(shown - source) > 1e-9 || source < 2) return false;
  side->length = std::min(side->length, EvenDown(source));
  side->begin = EvenDown((half - side->length) / 2.0);
  side->window_length = side->length;
  side->window_begin = EvenDown((source - side->length) / 2.0);
  return true;
}

}  // namespace

void CanvasOptions::Check() const {
  const auto check = [](int size, int step, int least, const char* name) {
    Require(size == 0 || (size >= least && size <= kMaxSide && size % step == 0),
            Code::kInvalidArgument,
            std::string("CanvasOptions.") + name + " = " + std::to_string(size) +
                ", must be a multiple of " + std::to_string(step) + " in [" +
                std::to_string(least) + ", " + std::to_string(kMaxSide) + "]");
  };
  check(frame_width, IsAcross(packing) ? 4 : 2, 4, "frame_width");
  check(frame_height, IsAcross(packing) ? 2 : 4, 4, "frame_height");
  const bool half = IsHalf(packing);
  check(eye_width, half && IsAcross(packing) ? 4 : 2, 2, "eye_width");
  check(eye_height, half && !IsAcross(packing) ? 4 : 2, 2, "eye_height");
  Require((eye_width == 0) == (eye_height == 0) && (picture_width == 0) == (picture_height == 0),
          Code::kInvalidArgument, "CanvasOptions: a width needs a height and the other way round");
  Require(eye_width == 0 || (frame_width == 0 && frame_height == 0), Code::kInvalidArgument,
          "CanvasOptions: give the size of the frame or that of an eye, not both");
  Require(picture_width >= 0 && picture_width <= kMaxSide && picture_height >= 0 &&
              picture_height <= kMaxSide,
          Code::kInvalidArgument, "CanvasOptions: picture sides must be in [0, 16384]");
}

StereoCanvas PlanStereoCanvas(const CanvasOptions& options, int width, int height,
                              Rational sample_aspect) {
  options.Check();
  const bool across = IsAcross(options.packing);
  const bool half = IsHalf(options.packing);
  const double squeeze_x = across && half ? 0.5 : 1;
  const double squeeze_y = !across && half ? 0.5 : 1;
  // Eyes per frame, in columns and rows of an eye that is not squeezed.
  const int eyes_x = across && !half ? 2 : 1;
  const int eyes_y = !across && !half ? 2 : 1;
  const int step_x = across && half ? 4 : 2;
  const int step_y = !across && half ? 4 : 2;
  const bool sized = options.frame_width > 0 || options.frame_height > 0 || options.eye_width > 0;
  const bool square = sized || options.picture_width > 0;
  const Rational aspect = sample_aspect.IsPositive() ? sample_aspect : Rational{1, 1};

  double shown_width = square ? width * aspect.ToDouble() : width;
  double shown_height = height;
  if (options.picture_width > 0) {
    shown_width = options.picture_width;
    shown_height = options.picture_height;
  }
  const auto whole = [](double size, int step) { return static_cast<int>(size / step) * step; };
  int eye_width = whole(shown_width, step_x);
  int eye_height = whole(shown_height, step_y);
  if (options.eye_width > 0) {
    eye_width = options.eye_width;
    eye_height = options.eye_height;
  } else if (sized) {
    const auto near = [](double size, int step) {
      return std::max(step, static_cast<int>(std::lround(size / step)) * step);
    };
    eye_width = options.frame_width / eyes_x;
    eye_height = options.frame_height / eyes_y;
    if (eye_width == 0) eye_width = near(eye_height * shown_width / shown_height, step_x);
    if (eye_height == 0) eye_height = near(eye_width * shown_height / shown_width, step_y);
  }
  Require(eye_width >= step_x && eye_height >= step_y, Code::kInvalidArgument,
          "a picture of " + FormatSize(width, height) +
              " pixels is too small for this layout: an eye needs " + FormatSize(step_x, step_y) +
              " at least");
  Require(eye_width * eyes_x <= kMaxSide && eye_height * eyes_y <= kMaxSide, Code::kInvalidArgument,
          "a frame of " + FormatSize(eye_width * eyes_x, eye_height * eyes_y) +
              " pixels, sides must be at most " + std::to_string(kMaxSide));

  StereoCanvas canvas;
  canvas.frame_width = eye_width * eyes_x;
  canvas.frame_height = eye_height * eyes_y;
  canvas.half_width = across ? canvas.frame_width / 2 : canvas.frame_width;
  canvas.half_height = across ? canvas.frame_height : canvas.frame_height / 2;
  canvas.right_x = across ? canvas.half_width : 0;
  canvas.right_y = across ? 0 : canvas.half_height;
  canvas.squeeze_x = squeeze_x;
  canvas.squeeze_y = squeeze_y;
  canvas.sample_aspect = square ? Rational{1, 1} : aspect;

  double scale = 1;
  if (sized && options.fit != CanvasFit::kNone) {
    const double fit_x = eye_width / shown_width, fit_y = eye_height / shown_height;
    scale = options.fit == CanvasFit::kContain ? std::min(fit_x, fit_y) : std::max(fit_x, fit_y);
  }
  Side x = PlaceSide(width, shown_width * scale, eye_width, squeeze_x, canvas.half_width);
  Side y = PlaceSide(height, shown_height * scale, eye_height, squeeze_y, canvas.half_height);
  const bool exact_x = MakeExact(&x, width, shown_width * scale * squeeze_x, canvas.half_width);
  const bool exact_y = MakeExact(&y, height, shown_height * scale * squeeze_y, canvas.half_height);
  canvas.exact = exact_x && exact_y;
  canvas.content_x = x.begin;
  canvas.content_y = y.begin;
  canvas.content_width = x.length;
  canvas.content_height = y.length;
  canvas.window = {x.window_begin, y.window_begin, x.window_length, y.window_length};
  return canvas;
}

void PaintPadding(const StereoCanvas& canvas, bool full_range, const MutableImageView& image) {
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
    for (const bool right : {false, true}) {
      const int x = right ? canvas.right_x : 0, y = right ? canvas.right_y : 0;
      const int x1 = canvas.content_x + canvas.content_width;
      const int y1 = canvas.content_y + canvas.content_height;
      fill(x, y, canvas.half_width, canvas.content_y);
      fill(x, y + y1, canvas.half_width, canvas.half_height - y1);
      fill(x, y + canvas.content_y, canvas.content_x, canvas.content_height);
      fill(x + x1, y + canvas.content_y, canvas.half_width - x1, canvas.content_height);
    }
  }
}

}  // namespace mdvt
