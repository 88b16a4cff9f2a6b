// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/view_options.h"

#include <algorithm>
#include <cmath>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

constexpr double kNoAngle = 1e-5;     // radians
constexpr double kUsualInterval = 3;  // seconds between the frames of a preview

bool SetPreset(const std::string& text, CanvasOptions* canvas) {
  for (const int height : {0, 720, 1080, 1440, 2160}) {
    if (text != (height == 0 ? "source" : std::to_string(height))) continue;
    canvas->eye_height = height;
    canvas->eye_width = height * 16 / 9;
    return true;
  }
  return false;
}

// "8x6".
bool SetQuilt(const std::string& text, CanvasOptions* canvas) {
  const size_t x = text.find('x');
  if (x == std::string::npos) return false;
  const std::optional<int64_t> columns = ParseInt(text.substr(0, x));
  const std::optional<int64_t> rows = ParseInt(text.substr(x + 1));
  if (!columns || !rows || *columns < 1 || *columns > 32 || *rows < 1 || *rows > 32) return false;
  canvas->quilt_columns = static_cast<int>(*columns);
  canvas->quilt_rows = static_cast<int>(*rows);
  return true;
}

}  // namespace

CanvasOptions FrameOptions::Canvas(bool preview) const {
  CanvasOptions result = canvas;
  // The documented preview does not enlarge.
  if (preview) {
    result.picture_width = result.picture_height = 0;
  } else if (upscale) {
    result.picture_width = upscale_width;
    result.picture_height = upscale_height;
  }
  return result;
}

bool FrameOptions::HasParallax() const {
  const std::vector<double> views = LayoutOf(canvas).views;
  return std::any_of(views.begin(), views.end(), [](double eye) { return eye != 0; });
}

void FrameOptions::Check() const {
  const ViewLayout layout = LayoutOf(canvas);
  const auto multiple = [](const char* name, int size, int step) {
    Require(size % step == 0, Code::kInvalidArgument,
            std::string(name) + " is " + std::to_string(size) + ", must be a multiple of " +
                std::to_string(step) + " in this layout");
  };
  Require(touchly_max_depth > touchly_min_depth, Code::kInvalidArgument,
          "touchly_max_depth is " + FormatDouble(touchly_max_depth) +
              ", must be more than touchly_min_depth, " + FormatDouble(touchly_min_depth));
  multiple("sbs_w", canvas.frame_width, 2 * layout.columns);
  multiple("sbs_h", canvas.frame_height, 2 * layout.rows);
  canvas.Check();
}

void Describe(OptionList* list, FrameOptions* o) {
  list->Choice("layout", &o->canvas.layout, ViewLayoutNames(), ViewLayoutHelp());
  list->Field("views", &o->canvas.views, {2, 64}, "N", "number of views")
      .OnlyWith("layout", {"views"});
  list->Custom(
          "quilt", "CxR", "columns x rows, such as 8x6", "views across and up",
          [o] { return FormatSize(o->canvas.quilt_columns, o->canvas.quilt_rows); },
          [o](const std::string& text) { return SetQuilt(text, &o->canvas); })
      .OnlyWith("layout", {"quilt"});
  list->Field("view_span", &o->canvas.view_span, {0, 100, true, false}, "FACTOR",
              "how far apart the outermost views are, in distances of the eyes")
      .OnlyWith("layout", {"views", "quilt"});
  list->Field("rgbd_white", &o->rgbd_white, {0, 10000, true, false}, "METRES",
              "distance that is white; twice as far is half as bright")
      .OnlyWith("layout", {"rgbd"});
  list->Field("touchly_min_depth", &o->touchly_min_depth, {0, 1e6}, "METRES",
              "depth that Touchly's layouts show as white")
      .OnlyWith("layout", {"touchly0", "touchly1"});
  list->Field("touchly_max_depth", &o->touchly_max_depth, {0, 1e6, true, false}, "METRES",
              "depth that Touchly's layouts show as black")
      .OnlyWith("layout", {"touchly0", "touchly1"});
  const std::vector<std::string> panels = {"vr180", "vr180-fisheye", "touchly0"};
  list->Field("vr_size", &o->canvas.panel.size, {2, 16384}, "PIXELS",
              "width and height of an eye's panel for headsets; even")
      .OnlyWith("layout", panels);
  list->Field("vr_fov", &o->canvas.panel.fov_deg, {1, 180}, "DEGREES",
              "angle that a panel shows, across and down")
      .OnlyWith("layout", panels);
  list->Custom(
      "preset", "SIZE", "source, 720, 1080, 1440 or 2160",
      "height of one eye, 16:9; source: as the input",
      [o] { return o->canvas.eye_height == 0 ? "source" : std::to_string(o->canvas.eye_height); },
      [o](const std::string& text) { return SetPreset(text, &o->canvas); });
  list->Field("sbs_w", &o->canvas.frame_width, {4, 16384}, "PIXELS", "width of the whole frame")
      .Or(0, "from --sbs_h, else both eyes as the input")
      .Excludes("preset");
  list->Field("sbs_h", &o->canvas.frame_height, {4, 16384}, "PIXELS", "height of the whole frame")
      .Or(0, "from --sbs_w, else as the input")
      .Excludes("preset");
  static const EnumNames<CanvasFit> fits = {
      {"contain", CanvasFit::kContain}, {"cover", CanvasFit::kCover}, {"none", CanvasFit::kNone}};
  list->Field("fit", &o->canvas.fit, fits,
              "contain: all of the picture; cover: no black; none: pixel for pixel");
  list->Field("upscale", &o->upscale, "enlarge the picture first; not in a preview");
  list->Field("up_w", &o->upscale_width, {2, 16384}, "PIXELS", "width of the enlarged picture")
      .OnlyWith("upscale");
  list->Field("up_h", &o->upscale_height, {2, 16384}, "PIXELS", "height of the enlarged picture")
      .OnlyWith("upscale");
  static const EnumNames<ResizeFilter> filters = {{"nearest", ResizeFilter::kNearest},
                                                  {"bilinear", ResizeFilter::kBilinear},
                                                  {"bicubic", ResizeFilter::kBicubic},
                                                  {"lanczos", ResizeFilter::kLanczos}};
  list->Field("upscale_filter", &o->filter, filters, "how pictures are resized");
}

StereoOptions HoleOptions::Stereo() const {
  StereoOptions stereo;
  stereo.edges = dont_remove_edges ? EdgeMode::kStretch : EdgeMode::kTear;
  stereo.tear = tear;
  stereo.clean_rim = clean_rim;
  return stereo;
}

void HoleOptions::CheckWith(const FrameOptions& frame, bool moves) const {
  Require(!writes_mask() || LayoutOf(frame.canvas).HasOwnTiles(), Code::kInvalidArgument,
          "an infill mask tells the holes of each view, in the layout '" + frame.canvas.layout +
              "' views share pixels");
  const ViewLayout layout = LayoutOf(frame.canvas);
  Require(provenance_output.empty() || (layout.HasOwnTiles() && !layout.panel),
          Code::kInvalidArgument,
          "provenance_output tells of the pixels of plane views side by side or one above the "
          "other, not of the layout '" +
              frame.canvas.layout + "'");
  Require(provenance_output.empty() || !leaves_black(), Code::kInvalidArgument,
          "provenance_output tells what holes are filled with, here they stay black");
  Require(infill_poses.empty() || looks_around(), Code::kInvalidArgument,
          "infill_poses tells where other frames may show what holes hide, here they stay black: "
          "give infill observed with it");
  const HoleOptions usual;
  Require(
      moves || frame.HasParallax() ||
          (infill == usual.infill && infill_window == usual.infill_window && infill_poses.empty() &&
           tear.disparity == usual.tear.disparity && tear.depth == usual.tear.depth &&
           clean_rim == usual.clean_rim && !remove_edges && !dont_remove_edges && !do_basic_infill),
      Code::kInvalidArgument,
      "the layout '" + frame.canvas.layout +
          "' shows what the camera saw, which has no holes: leave out remove_edges, "
          "dont_remove_edges, do_basic_infill, clean_rim and what begins with infill or tear");
}

void Describe(OptionList* list, TearRule* rule) {
  list->Field("tear_disparity", &rule->disparity, {0, 1000}, "PIXELS",
              "neighbouring pixels part where the eyes see them more than this apart");
  list->Field("tear_depth", &rule->depth, {0, 10}, "SHARE",
              "and where their depths differ by more than this share of the nearer one");
}

void Describe(OptionList* list, HoleOptions* options) {
  static const EnumNames<Infill> fills = {{"auto", Infill::kAuto},
                                          {"observed", Infill::kObserved},
                                          {"directional", Infill::kDirectional},
                                          {"none", Infill::kNone}};
  list->Field("infill", &options->infill, fills,
              "what the camera did not see: observed: take it from frames that have seen it, where "
              "the camera's path is known, and the rest as directional; directional: continue the "
              "background beside it; none: leave it black; auto: observed where it can be, black "
              "with --remove_edges and masks")
      .Excludes("do_basic_infill");
  list->Field("infill_window", &options->infill_window, {1, 240}, "FRAMES",
              "frames before and after that are looked at")
      .OnlyWith("infill", {"auto", "observed"});
  list->Field("infill_poses", &options->infill_poses, "JSON",
              "where the camera is in each frame (camera-to-world), in the scale of the depth")
      .Input()
      .Default("as the engine has found it")
      .OnlyWith("infill", {"auto", "observed"});
  list->Field("provenance_output", &options->provenance_output, "FILE",
              "write where each pixel is from: white was seen in other frames, grey was continued, "
              "black was no hole (FFV1, .mkv)")
      .Output();
  list->Field("remove_edges", &options->remove_edges, "leave black what the camera did not see");
  list->Field(
      "dont_remove_edges", &options->dont_remove_edges,
      "stretch surfaces over what the camera did not see; wins over what implies otherwise");
  list->Field("infill_mask", &options->infill_mask,
              "write <output>_infillmask.mkv, and leave the holes black");
  list->Field("green_and_black_infill_mask", &options->green_and_black_infill_mask,
              "the same with plain green holes, no directions");
  static const EnumNames<InfillMaskStyle> styles = {{"directions", InfillMaskStyle::kDirections},
                                                    {"green", InfillMaskStyle::kGreen},
                                                    {"ends", InfillMaskStyle::kEnds},
                                                    {"white", InfillMaskStyle::kWhite}};
  list->Field("infill_mask_style", &options->infill_mask_style, styles,
              "colors of the holes; for older tools: ends (green, red at the near end and blue at "
              "the far one) and white")
      .OnlyWith("infill_mask");
  list->Field("do_basic_infill", &options->do_basic_infill,
              "fill the holes also where another option leaves them black")
      .Excludes("green_and_black_infill_mask");
  list->Field(
      "dont_place_points_in_edges", &options->dont_place_points_in_edges,
      "no loose points inside holes: always so here, accepted for documented command lines");
  Describe(list, &options->tear);
  list->Field("clean_rim", &options->clean_rim, {0, 16}, "PIXELS",
              "mixed pixels beside silhouettes that are taken as background; silhouettes then lie "
              "where the picture has them, antialiased; 0: none, and they follow from depth alone, "
              "in whole pixels");
}

void SteadyOptions::Check() const {
  Require(smoothing.still < smoothing.moving, Code::kInvalidArgument,
          "smooth_still is " + FormatDouble(smoothing.still) +
              ", must be less than smooth_moving, " + FormatDouble(smoothing.moving));
  smoothing.Check();
  const SmootherOptions usual;
  Require(smoothing.alpha > 0 || smoothing.tau_seconds > 0 ||
              (smoothing.still == usual.still && smoothing.moving == usual.moving),
          Code::kInvalidArgument,
          "smooth_still and smooth_moving tell where disparity is smoothed: give alpha or "
          "smooth_tau with them");
  Require(cuts == SceneCuts::kAuto || scene_file.empty(), Code::kInvalidArgument,
          "scene_file and scene_cuts off contradict each other");
}

void Describe(OptionList* list, SteadyOptions* o) {
  list->Field("alpha", &o->smoothing.alpha, {0, 1, false, true}, "WEIGHT",
              "smoothing of disparity: weight of the past, per frame; 0: none")
      .Excludes("smooth_tau");
  list->Field("smooth_tau", &o->smoothing.tau_seconds, {0, 3600, true, false}, "SECONDS",
              "the same as a time, whatever the frame rate")
      .Or(0, "--alpha holds");
  list->Field("motion_adaptive", &o->smoothing.motion_adaptive,
              "smooth less where the picture moves")
      .Switch();
  list->Field("smooth_still", &o->smoothing.still, {0, 255}, "STEPS",
              "change of the picture, in steps of 8 bits, up to which it is smoothed fully");
  list->Field("smooth_moving", &o->smoothing.moving, {0, 255}, "STEPS",
              "change from which it is not smoothed");
  static const EnumNames<SceneCuts> cuts = {{"on", SceneCuts::kAuto}, {"off", SceneCuts::kOff}};
  list->Field("scene_cuts", &o->cuts, cuts, "start anew at each cut in the colors");
  list->Field("scene_file", &o->scene_file, "CSV",
              "list of scenes (as PySceneDetect writes it) in place of that")
      .Input()
      .OnlyWith("scene_cuts", {"on"});
}

// Cinema: a screen 12 m wide seen from 15 m, on which eyes 63 mm apart are parallel at 0.52 %; in
// front the angle of the eyes may change by 0.7 degrees. TV: 1.2 m from 2.5 m, what broadcasters
// ask for. VR: a picture 90 degrees wide, a degree each way.
std::optional<ComfortLimits> ComfortOptions::Limits() const {
  ComfortLimits limits;
  switch (viewer) {
    case Comfort::kNone:
      return std::nullopt;
    case Comfort::kCinema:
      limits.max_in_front = 0.015;
      limits.max_behind = 0.005;
      break;
    case Comfort::kTv:
      limits.max_in_front = 0.01;
      limits.max_behind = 0.02;
      break;
    case Comfort::kVr:
      limits.max_in_front = 0.0087;
      limits.max_behind = 0.0087;
      break;
  }
  if (max_in_front) limits.max_in_front = *max_in_front / 100;
  if (max_behind) limits.max_behind = *max_behind / 100;
  if (max_rate) limits.max_rate = *max_rate / 100;
  return limits;
}

std::optional<ComfortLimits> ComfortOptions::PanelLimits(bool parallel) const {
  std::optional<ComfortLimits> limits = Limits();
  if (!limits) return limits;
  // Width of the screens above in distances of the seat.
  const double screen = viewer == Comfort::kCinema ? 12.0 / 15
                        : viewer == Comfort::kTv   ? 1.2 / 2.5
                                                   : 2;
  limits->max_in_front = std::min(1.0, limits->max_in_front * screen);
  limits->max_behind = std::min(1.0, limits->max_behind * screen);
  limits->max_rate = std::min(10.0, limits->max_rate * screen);
  if (parallel) {
    limits->max_in_front = std::min(1.0, limits->max_in_front + limits->max_behind);
    limits->max_behind = kNoAngle;
  }
  limits->window = limits->max_in_front;
  return limits;
}

void ComfortOptions::CheckWith(const FrameOptions& frame) const {
  Require(viewer == Comfort::kNone || frame.HasParallax(), Code::kInvalidArgument,
          "comfort limits the parallax between views, the layout '" + frame.canvas.layout +
              "' shows one, from the middle");
}

void Describe(OptionList* list, ComfortOptions* o) {
  static const EnumNames<Comfort> viewers = {{"none", Comfort::kNone},
                                             {"cinema", Comfort::kCinema},
                                             {"tv", Comfort::kTv},
                                             {"vr", Comfort::kVr}};
  const std::vector<std::string> with = {"cinema", "tv", "vr"};
  const Range percent{0, 100, true, false};
  list->Field("comfort", &o->viewer, viewers,
              "keep parallax inside what viewers bear, by less strength and a screen that moves, "
              "both steadily inside a shot; % of the width in front of and behind the screen: "
              "cinema 1.5 and 0.5, tv 1 and 2, vr 0.87 and 0.87; in panels the angles that those "
              "are on such screens, both in front of what is infinitely far");
  list->Field("comfort_in_front", &o->max_in_front, percent, "PERCENT",
              "largest parallax in front of the screen, of the width")
      .Default("as --comfort says")
      .OnlyWith("comfort", with);
  list->Field("comfort_behind", &o->max_behind, percent, "PERCENT",
              "largest parallax behind the screen")
      .Default("as --comfort says")
      .OnlyWith("comfort", with);
  list->Field("comfort_rate", &o->max_rate, percent, "PERCENT",
              "fastest change of parallax by strength and screen, of the width a second")
      .Default("1")
      .OnlyWith("comfort", with);
}

void Describe(OptionList* list, SubtitleOptions* o) {
  static const EnumNames<Subtitles> names = {{"keep", Subtitles::kKeep},
                                             {"burn", Subtitles::kBurn}};
  list->Field("subtitles", &o->subtitles, names,
              "keep: as a stream of text; burn: drawn into every view, in front of what is behind "
              "them, and no stream of text");
  list->Field("subtitle_file", &o->file, "FILE",
              "subtitles to burn (.srt, .vtt, .ass) in place of the video's own")
      .Input()
      .OnlyWith("subtitles", {"burn"});
  list->Field("subtitle_stream", &o->stream, "N|LANGUAGE",
              "which of the video's text subtitles to burn: the N-th, from 1, or the first in a "
              "language (eng)")
      .Default("the one marked as default, else the first")
      .OnlyWith("subtitles", {"burn"})
      .Excludes("subtitle_file");
}

std::optional<double> PreviewOptions::Interval() const {
  if (!active() || every) return std::nullopt;
  return interval.value_or(kUsualInterval);
}

int64_t PreviewOptions::Frames(int64_t frames, Rational rate) const {
  double spacing = 0;  // frames
  if (every) spacing = static_cast<double>(*every);
  if (Interval() && rate.IsPositive()) spacing = *Interval() * rate.ToDouble();
  if (spacing <= 1) return frames;
  return static_cast<int64_t>(std::ceil(static_cast<double>(frames) / spacing));
}

Rational PreviewOptions::Rate(Rational rate) const {
  if (Interval()) return ToRational(1 / *Interval());
  if (!every) return rate;
  if (!rate.IsPositive()) return Rational{0, 1};
  return ToRational(rate.ToDouble() / static_cast<double>(*every));
}

void PreviewOptions::Check() const {
  Require(contact_sheet.empty() || LowerEnding(contact_sheet) == ".png", Code::kInvalidArgument,
          "contact_sheet is '" + contact_sheet + "': the name must end in .png");
  Require(!(interval && every), Code::kInvalidArgument,
          "give the interval of a preview in seconds or in frames, not both");
}

void Describe(OptionList* list, PreviewOptions* o) {
  list->Field("preview", &o->preview,
              "few frames only, without sound, each as the full run has it");
  list->Field("preview_interval", &o->interval, {0, 86400, true, false}, "SECONDS",
              "time between the frames of a preview")
      .Default("3")
      .OnlyWith("preview")
      .Excludes("preview_every");
  list->Field("preview_every", &o->every, {1, 1e9}, "N", "every n-th frame in the preview")
      .Default("none, --preview_interval holds")
      .OnlyWith("preview");
  list->Field("contact_sheet", &o->contact_sheet, "PNG",
              "picture of up to 24 frames: left, right, disparity")
      .Output();
}

}  // namespace mdvt
