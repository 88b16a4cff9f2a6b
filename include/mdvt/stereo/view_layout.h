// SPDX-License-Identifier: Apache-2.0
//
// What a stereo frame holds: which views of the scene, where each lies, how large it is, and what a
// file says about it. A layout is one entry in the table of layout_table.cpp; renderer, packer,
// writer and programs follow from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/stereo_layout.h"
#include "mdvt/stereo/panel_warp.h"

namespace mdvt {

// What a mixer draws from. The pictures have the format and size of a tile's content.
struct MixInput {
  std::vector<ImageView> views;  // as in ViewLayout; with swapped eyes the first is the right one
  // How near each pixel of the first view is, 1 = nearest; NaN: not known. Empty unless the layout
  // shows depth.
  PlaneView<const float> nearness;
  bool full_range = false;  // of the samples
};

// Draws the content of every tile from all views, for layouts in which views share pixels. The
// same bytes for every thread count. `pool` may be null.
using ViewMixer = std::function<void(const MixInput& input,
                                     const std::vector<MutableImageView>& tiles, ThreadPool* pool)>;

// The samples that a mixer works on.
enum class MixSamples {
  kAny,         // those of the source
  kFullChroma,  // RGB, gray or 4:4:4: halved chroma would belong to several views
  kRgb,
};

// What a layout shows depth as, from black (0) to white (1).
enum class DepthShown {
  kNone,
  kNearness,  // 1 / depth
  kTouchly,   // evenly from the farthest (black) to the nearest depth that is shown (white)
};

struct ViewLayout {
  std::string name;  // on the command line
  std::string help;
  // Where each view is seen from, on the line through both eyes, in distances of the eyes: -0.5 is
  // the left eye, 0 the camera itself, 0.5 the right eye.
  std::vector<double> views;
  // The frame is a grid of equal tiles, row by row: one for each view, unless they are mixed.
  int columns = 1;
  int rows = 1;
  // Columns and rows of a tile for each of its view: below 1 the views are squeezed.
  double squeeze_x = 1;
  double squeeze_y = 1;
  StereoLayout tag = StereoLayout::kNone;  // what container and stream say
  std::string kind;                        // what the file's tag MDVT_KIND says
  std::string suffix;                      // of names of files: "clip.mp4" becomes "clip.mp4_sbs"
  ViewMixer mix = {};                      // none: each view is rendered into its tile
  MixSamples samples = MixSamples::kAny;
  DepthShown depth = DepthShown::kNone;
  // Each view is shown as a panel; empty: as the plane picture of a camera.
  std::optional<PanelProjection> panel = {};
  // With panels: the tile behind those of the views shows the depth of the first view.
  bool depth_tile = false;
  // Options set views, columns and rows.
  enum class Count { kFixed, kViews, kQuilt } count = Count::kFixed;
  bool from_bottom = false;  // the first view is in the lowest row

  // Every view has a tile of its own, so that its holes can be told.
  bool HasOwnTiles() const { return !mix || depth == DepthShown::kTouchly; }
  // What a file can say: with swapped eyes red and cyan would be the wrong way round.
  StereoLayout Tag(bool swap_eyes) const;
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
  int views = 2;               // of the layout "views". Valid: [2, 64].
  int quilt_columns = 8;       // of the layout "quilt". Valid: [1, 32], at least 2 views together.
  int quilt_rows = 6;
  // Of both: distance between the outermost views in distances of the eyes. Valid: (0, 100].
  double view_span = 1;
  CanvasFit fit = CanvasFit::kContain;
  // Size of the whole frame; 0 = from the other side and the picture's shape. Sides must be
  // multiples of twice the layout's columns or rows. Valid: 0 or [4, 16384].
  int frame_width = 0;
  int frame_height = 0;
  // Size of one view before it is squeezed, in place of the frame's. Valid: 0 or [2, 16384], even;
  // a side that is squeezed must stay even.
  int eye_width = 0;
  int eye_height = 0;
  // Of layouts that show panels: pixels of a side and degrees from border to border. The sizes
  // above are not for them.
  PanelOptions panel;
  // Take the picture as if it had this size: what kNone shows pixel for pixel. 0 = its own.
  int picture_width = 0;
  int picture_height = 0;
  // Without any of these sizes: pictures of odd width or height stay so, where views are not
  // squeezed, in place of losing a border. Codecs with halved chroma cannot hold those.
  bool keep_odd = false;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// The layout of the options, with its number of views. Throws Error(kInvalidArgument).
ViewLayout LayoutOf(const CanvasOptions& options);

struct ViewCanvas {
  int frame_width = 0;
  int frame_height = 0;
  int columns = 1;  // the frame is a grid of tiles, see ViewLayout
  int rows = 1;
  bool from_bottom = false;
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
  Rational sample_aspect{1, 1};            // of the frame
  std::optional<PanelOptions> panel = {};  // what the tiles show, if not plane pictures

  int num_tiles() const { return columns * rows; }
  int TileX(int tile) const { return tile % columns * tile_width; }
  int TileY(int tile) const {
    const int row = tile / columns;
    return (from_bottom ? rows - 1 - row : row) * tile_height;
  }
  // Where a tile's picture lies in a frame.
  MutableImageView Content(const MutableImageView& frame, int tile) const {
    return frame.Crop(TileX(tile) + content_x, TileY(tile) + content_y, content_width,
                      content_height);
  }
  // The same of a single plane as large as a frame.
  template <typename T>
  PlaneView<T> Content(const PlaneView<T>& frame, int tile) const {
    return {frame.Row(TileY(tile) + content_y) + TileX(tile) + content_x, frame.stride,
            content_width, content_height};
  }
  // What a file can say about the panels, see VideoWriterOptions; nothing where a tile is none.
  std::optional<double> EquirectangularDeg(const ViewLayout& layout) const {
    if (!panel || layout.depth_tile || panel->projection != PanelProjection::kEquirectangular)
      return std::nullopt;
    return panel->fov_deg;
  }
  // Width of a view over its height, as it is shown.
  double ViewAspect() const {
    return sample_aspect.ToDouble() * (tile_width / squeeze_x) / (tile_height / squeeze_y);
  }
};

// Without any size in the options every view has the size of the picture, made even by cutting off
// (but see keep_odd), and pixels keep their shape. With one they become square.
// With panels all of a tile is its panel, made of pictures that PlanPanelSource() plans.
// Throws Error(kInvalidArgument): options out of range, or a picture too small for a view.
ViewCanvas PlanCanvas(const CanvasOptions& options, int width, int height, Rational sample_aspect);

// The views before they become panels: the picture at its own size, one for each view.
ViewCanvas PlanPanelSource(int width, int height, Rational sample_aspect);

// The format with the bits of `format` in which the layout is rendered. Every tile has chroma
// samples of its own: full chroma where tiles begin at odd columns or rows of halved chroma. Mixed
// views have what their mixer needs. Else it is `format` itself.
PixelFormat PackedFormat(const ViewLayout& layout, const ViewCanvas& canvas,
                         const PixelFormat& format);

// Paints how near things are (1 = white, 0 and NaN = black) as grey in the range of the format.
void PaintNearness(PlaneView<const float> nearness, bool full_range, const MutableImageView& to,
                   ThreadPool* pool = nullptr);

// Makes all of `image` but the content of the views black, in the format's own range.
void PaintPadding(const ViewCanvas& canvas, bool full_range, const MutableImageView& image);

}  // namespace mdvt
