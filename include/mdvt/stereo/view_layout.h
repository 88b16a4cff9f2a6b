// SPDX-License-Identifier: Apache-2.0
//
// What a stereo frame holds: which views of the scene, where each lies, how large it is, and what a
// file says about it. A layout is one entry in the table of view_layout.cpp; renderer, packer,
// writer and programs follow from it.
#pragma once

#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stereo_layout.h"

namespace mdvt {

struct ViewLayout {
  std::string name;  // on the command line
  std::string help;
  // Where each view is seen from, on the line through both eyes, in distances of the eyes: -0.5 is
  // the left eye, 0 the camera itself, 0.5 the right eye.
  std::vector<double> views;
  // The frame is a grid of equal tiles, one for each view, row by row.
  int columns = 1;
  int rows = 1;
  // Columns and rows of a tile for each of its view: below 1 the views are squeezed.
  double squeeze_x = 1;
  double squeeze_y = 1;
  StereoLayout tag = StereoLayout::kNone;  // what container and stream say
  std::string kind;                        // what the file's tag MDVT_KIND says
  std::string suffix;                      // of names of files: "clip.mp4" becomes "clip.mp4_sbs"
};

// All of them; the first is the default.
const std::vector<ViewLayout>& ViewLayouts();
std::vector<std::string> ViewLayoutNames();
std::string ViewLayoutHelp();  // "sbs: left eye left, right eye right; ..."
// Throws Error(kInvalidArgument) that lists the names.
const ViewLayout& ViewLayoutOf(const std::string& name);

enum class CanvasFit {
  kContain,  // as large as fits, black beside it
  kCover,    // as small as fills the view, the rest cut off
  kNone,     // pixel for pixel, centred, cut off or black beside it
};

struct CanvasOptions {
  std::string layout = "sbs";  // a name of ViewLayouts()
  CanvasFit fit = CanvasFit::kContain;
  // Size of the whole frame; 0 = from the other side and the picture's shape. Sides must be
  // multiples of twice the layout's columns or rows. Valid: 0 or [4, 16384].
  int frame_width = 0;
  int frame_height = 0;
  // Size of one view before it is squeezed, in place of the frame's. Valid: 0 or [2, 16384], even;
  // a side that is squeezed must stay even.
  int eye_width = 0;
  int eye_height = 0;
  // Take the picture as if it had this size: what kNone shows pixel for pixel. 0 = its own.
  int picture_width = 0;
  int picture_height = 0;
  // Without any of these sizes: pictures of odd width or height stay so, where views are not
  // squeezed, in place of losing a border. Codecs with halved chroma cannot hold those.
  bool keep_odd = false;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

struct ViewCanvas {
  int frame_width = 0;
  int frame_height = 0;
  int columns = 1;  // the frame is a grid of tiles, see ViewLayout
  int rows = 1;
  int tile_width = 0;
  int tile_height = 0;
  // The picture in a tile; around it is padding.
  int content_x = 0;
  int content_y = 0;
  int content_width = 0;
  int content_height = 0;
  // The part of the source that is shown there.
  ResizeWindow window;
  // The picture is shown pixel for pixel: `window` has whole borders (even ones, unless the picture
  // is kept at an odd size as it is) and the content's size.
  bool exact = false;
  // Columns and rows of a tile for each of a view: 0.5 where views are squeezed, else 1.
  double squeeze_x = 1;
  double squeeze_y = 1;
  Rational sample_aspect{1, 1};  // of the frame

  int num_views() const { return columns * rows; }
  int TileX(int view) const { return view % columns * tile_width; }
  int TileY(int view) const { return view / columns * tile_height; }
  // Where a view's picture lies in a frame.
  MutableImageView Content(const MutableImageView& frame, int view) const {
    return frame.Crop(TileX(view) + content_x, TileY(view) + content_y, content_width,
                      content_height);
  }
};

// Without any size in the options every view has the size of the picture, made even by cutting off
// (but see keep_odd), and pixels keep their shape. With one they become square.
// Throws Error(kInvalidArgument): options out of range, or a picture too small for a view.
ViewCanvas PlanCanvas(const CanvasOptions& options, int width, int height, Rational sample_aspect);

// A format with the bits of `format` in which every tile has chroma samples of its own: full chroma
// where tiles begin at odd columns or rows of halved chroma, else `format` itself.
PixelFormat PackedFormat(const ViewCanvas& canvas, const PixelFormat& format);

// Makes all of `image` but the content of the views black, in the format's own range.
void PaintPadding(const ViewCanvas& canvas, bool full_range, const MutableImageView& image);

}  // namespace mdvt
