// SPDX-License-Identifier: Apache-2.0
//
// How a picture is placed in the two halves of a stereo frame.
#pragma once

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/rational.h"

namespace mdvt {

enum class StereoPacking {
  kSideBySide,      // left eye left, each with all its columns
  kHalfSideBySide,  // each squeezed to half its columns
  kTopBottom,       // left eye on top, each with all its rows
  kHalfTopBottom,   // each squeezed to half its rows
};

enum class CanvasFit {
  kContain,  // as large as fits, black beside it
  kCover,    // as small as fills the eye, the rest cut off
  kNone,     // pixel for pixel, centred, cut off or black beside it
};

struct CanvasOptions {
  StereoPacking packing = StereoPacking::kSideBySide;
  CanvasFit fit = CanvasFit::kContain;
  // Size of the whole frame, both eyes; 0 = from the other side and the picture's shape. Sides must
  // be even, and multiples of 4 where two eyes share one. Valid: 0 or [4, 16384].
  int frame_width = 0;
  int frame_height = 0;
  // Size of one eye before it is squeezed, in place of the frame's. Valid: 0 or [2, 16384], even.
  int eye_width = 0;
  int eye_height = 0;
  // Take the picture as if it had this size: what kNone shows pixel for pixel. 0 = its own.
  int picture_width = 0;
  int picture_height = 0;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

struct StereoCanvas {
  int frame_width = 0;  // both eyes
  int frame_height = 0;
  int half_width = 0;  // what the frame holds of one eye
  int half_height = 0;
  int right_x = 0;  // where the right eye's part begins
  int right_y = 0;
  // The picture in that part; all even. Around it is padding.
  int content_x = 0;
  int content_y = 0;
  int content_width = 0;
  int content_height = 0;
  // The part of the source that is shown there.
  ResizeWindow window;
  // The picture is shown pixel for pixel: `window` has whole, even borders and the content's size.
  bool exact = false;
  // Columns and rows of the frame for each of an eye: 0.5 where eyes are squeezed, else 1.
  double squeeze_x = 1;
  double squeeze_y = 1;
  Rational sample_aspect{1, 1};  // of the frame
};

// Without any size in the options every eye has the size of the picture, made even by cutting off,
// and pixels keep their shape. With one they become square.
// Throws Error(kInvalidArgument): options out of range, or a picture too small for an eye.
StereoCanvas PlanStereoCanvas(const CanvasOptions& options, int width, int height,
                              Rational sample_aspect);

// Makes all of `image` but the content of both eyes black, in the format's own range.
void PaintPadding(const StereoCanvas& canvas, bool full_range, const MutableImageView& image);

}  // namespace mdvt
