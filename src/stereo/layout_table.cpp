// SPDX-License-Identifier: Apache-2.0
//
// The table of layouts.
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/stereo/view_layout.h"
#include "stereo/view_mixers.h"

namespace mdvt {
namespace {

constexpr double kLeft = -0.5, kRight = 0.5;
constexpr int kMostViews = 64, kMostAlong = 32;

// E. Dubois, "A projection method to generate anaglyph stereo images", ICASSP 2001: least squares
// over the light that passes the filters. Numbers as he published them for coded samples.
constexpr stereo::AnaglyphMatrix kRedCyan = {{{456, 500, 176, -43, -88, -2},
                                              {-40, -38, -16, 378, 734, -18},
                                              {-15, -21, -5, -72, -113, 1226}}};
constexpr stereo::AnaglyphMatrix kGreenMagenta = {
    {{-62, -158, -39, 529, 705, 24}, {284, 668, 143, -16, -15, -65}, {-15, -27, 21, 9, 75, 937}}};
constexpr stereo::AnaglyphMatrix kAmberBlue = {
    {{1062, -205, 299, -16, -123, -17}, {-26, 908, 68, 6, 62, -17}, {-38, -173, 22, 94, 185, 911}}};
// Luma is that of BT.601.
constexpr stereo::AnaglyphMatrix kColor = {{{1000}, {0, 0, 0, 0, 1000}, {0, 0, 0, 0, 0, 1000}}};
constexpr stereo::AnaglyphMatrix kHalfColor = {
    {{299, 587, 114}, {0, 0, 0, 0, 1000}, {0, 0, 0, 0, 0, 1000}}};
constexpr stereo::AnaglyphMatrix kGrey = {
    {{299, 587, 114}, {0, 0, 0, 299, 587, 114}, {0, 0, 0, 299, 587, 114}}};

ViewLayout Named(std::string name, std::string help, const std::string& suffix) {
  ViewLayout layout;
  layout.name = std::move(name);
  layout.help = std::move(help);
  layout.kind = suffix;
  layout.suffix = "_" + suffix;
  layout.views = {kLeft, kRight};
  return layout;
}

ViewLayout OneEye(const char* name, const char* help, double eye) {
  ViewLayout layout = Named(name, help, name);
  layout.views = {eye};
  return layout;
}

ViewLayout Squeezed(ViewLayout layout, const char* name, const char* help, const char* suffix,
                    double x, double y) {
  layout.name = name;
  layout.help = help;
  layout.suffix = suffix;
  layout.squeeze_x = x;
  layout.squeeze_y = y;
  return layout;
}

ViewLayout Interlaced(const char* name, const char* help, const char* suffix, StereoLayout tag,
                      ViewMixer mix) {
  ViewLayout layout = Named(name, help, suffix);
  layout.tag = tag;
  layout.mix = std::move(mix);
  layout.samples = MixSamples::kFullChroma;
  return layout;
}

ViewLayout Anaglyph(const char* name, const char* help, const char* suffix, StereoLayout tag,
                    const stereo::AnaglyphMatrix& matrix) {
  ViewLayout layout = Named(name, help, suffix);
  layout.tag = tag;
  layout.mix = stereo::MixAnaglyph(matrix);
  layout.samples = MixSamples::kRgb;
  return layout;
}

std::vector<ViewLayout> MakeLayouts() {
  ViewLayout sbs = Named("sbs", "left eye left, right eye right", "sbs");
  sbs.columns = 2;
  sbs.tag = StereoLayout::kSideBySide;
  ViewLayout tab = Named("tab", "left eye on top", "tab");
  tab.rows = 2;
  tab.tag = StereoLayout::kTopBottom;
  ViewLayout views = Named("views", "--views of them in a row, from left to right", "views");
  views.count = ViewLayout::Count::kViews;
  ViewLayout quilt =
      Named("quilt", "--quilt views for lenticular displays, from bottom left", "qs");
  quilt.kind = "quilt";
  quilt.count = ViewLayout::Count::kQuilt;
  quilt.from_bottom = true;
  ViewLayout rgbd = Named("rgbd", "the picture left, its depth as grey right", "rgbd");
  rgbd.views = {0};
  rgbd.columns = 2;
  rgbd.mix = stereo::MixRgbd;
  rgbd.depth = DepthShown::kNearness;
  ViewLayout touchly1 =
      Named("touchly1", "for Touchly: the picture on top, its depth below", "Touchly1");
  touchly1.kind = "touchly1";
  touchly1.views = {0};
  touchly1.rows = 2;
  touchly1.mix = stereo::MixRgbd;
  touchly1.samples = MixSamples::kRgb;  // 255 steps of depth, none lost
  touchly1.depth = DepthShown::kTouchly;
  ViewLayout vr180 = sbs;
  vr180.name = "vr180";
  vr180.help = "both eyes as half spheres, by longitude and latitude, for headsets";
  vr180.kind = "vr180";
  vr180.suffix = "_vr180";
  vr180.panel = PanelProjection::kEquirectangular;
  ViewLayout fisheye = vr180;
  fisheye.name = "vr180-fisheye";
  fisheye.help = "the same as discs (equidistant)";
  fisheye.kind = "vr180-fisheye";
  fisheye.suffix = "_vr180_fisheye";
  fisheye.panel = PanelProjection::kFisheye;
  ViewLayout touchly0 = vr180;
  touchly0.name = "touchly0";
  touchly0.help = "for Touchly: as vr180, and the left eye's depth right of them";
  touchly0.kind = "touchly0";
  touchly0.suffix = "_Touchly0";
  touchly0.columns = 3;
  touchly0.tag = StereoLayout::kNone;
  touchly0.samples = MixSamples::kRgb;
  touchly0.depth = DepthShown::kTouchly;
  touchly0.depth_tile = true;
  constexpr StereoLayout kCyan = StereoLayout::kAnaglyphRedCyan;
  return {
      sbs,
      Squeezed(sbs, "half-sbs", "the same, each squeezed to half its width", "_half_sbs", 0.5, 1),
      tab,
      Squeezed(tab, "half-tab", "the same, each squeezed to half its height", "_half_tab", 1, 0.5),
      OneEye("left", "the left eye alone", kLeft),
      OneEye("right", "the right eye alone", kRight),
      Interlaced("rows", "even rows left eye, odd rows right eye", "rows",
                 StereoLayout::kRowInterleaved, stereo::MixRows),
      Interlaced("columns", "the same with columns", "columns", StereoLayout::kColumnInterleaved,
                 stereo::MixColumns),
      Anaglyph("anaglyph", "for red-cyan glasses, least squares (Dubois)", "anaglyph", kCyan,
               kRedCyan),
      Anaglyph("anaglyph-half-color", "the same, left eye grey", "anaglyph_half", kCyan,
               kHalfColor),
      Anaglyph("anaglyph-color", "the same, colors as they are", "anaglyph_color", kCyan, kColor),
      Anaglyph("anaglyph-grey", "the same without colors", "anaglyph_grey", kCyan, kGrey),
      Anaglyph("anaglyph-green-magenta", "for such glasses (Dubois)", "anaglyph_gm",
               StereoLayout::kAnaglyphGreenMagenta, kGreenMagenta),
      Anaglyph("anaglyph-amber-blue", "for such glasses (Dubois)", "anaglyph_ab",
               StereoLayout::kNone, kAmberBlue),
      views,
      quilt,
      rgbd,
      vr180,
      fisheye,
      touchly0,
      touchly1,
  };
}

}  // namespace

StereoLayout ViewLayout::Tag(bool swap_eyes) const {
  const bool colors =
      tag == StereoLayout::kAnaglyphRedCyan || tag == StereoLayout::kAnaglyphGreenMagenta;
  return colors && swap_eyes ? StereoLayout::kNone : tag;
}

const std::vector<ViewLayout>& ViewLayouts() {
  static const std::vector<ViewLayout> layouts = MakeLayouts();
  return layouts;
}

std::vector<std::string> ViewLayoutNames() {
  std::vector<std::string> names;
  for (const ViewLayout& layout : ViewLayouts()) names.push_back(layout.name);
  return names;
}

std::string ViewLayoutHelp() {
  std::string help;
  for (const ViewLayout& layout : ViewLayouts())
    help += (help.empty() ? "" : "; ") + layout.name + ": " + layout.help;
  return help;
}

const ViewLayout& ViewLayoutOf(const std::string& name) {
  std::string names;
  for (const ViewLayout& layout : ViewLayouts()) {
    if (layout.name == name) return layout;
    names += (names.empty() ? "" : ", ") + layout.name;
  }
  throw Error(Code::kInvalidArgument, "layout = '" + name + "', must be one of " + names);
}

ViewLayout LayoutOf(const CanvasOptions& options) {
  ViewLayout layout = ViewLayoutOf(options.layout);
  if (layout.count == ViewLayout::Count::kFixed) return layout;
  const bool quilt = layout.count == ViewLayout::Count::kQuilt;
  layout.columns = quilt ? options.quilt_columns : options.views;
  layout.rows = quilt ? options.quilt_rows : 1;
  const int most = quilt ? kMostAlong : kMostViews;
  const int views = layout.columns * layout.rows;
  Require(layout.columns >= 1 && layout.columns <= most && layout.rows >= 1 &&
              layout.rows <= most && views >= 2,
          Code::kInvalidArgument,
          quilt ? "a quilt of " + FormatSize(layout.columns, layout.rows) +
                      " views, must be at least 2 and at most 32x32"
                : "views = " + std::to_string(views) + ", must be in [2, 64]");
  Require(options.view_span > 0 && options.view_span <= 100, Code::kInvalidArgument,
          "view_span = " + FormatDouble(options.view_span) + ", must be in (0, 100]");
  layout.views.clear();
  for (int view = 0; view < views; ++view)
    layout.views.push_back(options.view_span * (2 * view - (views - 1)) / (2.0 * (views - 1)));
  layout.suffix += quilt ? std::to_string(layout.columns) + "x" + std::to_string(layout.rows)
                         : std::to_string(views);
  return layout;
}

}  // namespace mdvt
