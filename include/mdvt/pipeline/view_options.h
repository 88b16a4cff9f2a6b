// SPDX-License-Identifier: Apache-2.0
//
// Options of all jobs that render views: what a frame holds, how depth is kept steady over time,
// and what a preview writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/image_resize.h"
#include "mdvt/core/options.h"
#include "mdvt/core/rational.h"
#include "mdvt/depth/disparity_smoother.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/stereo/comfort.h"
#include "mdvt/stereo/convergence.h"
#include "mdvt/stereo/renderer.h"
#include "mdvt/stereo/view_layout.h"

namespace mdvt {

struct FrameOptions {
  CanvasOptions canvas;
  bool upscale = false;  // canvas.picture_width and _height are these; not in a preview
  int upscale_width = 2560;
  int upscale_height = 1440;
  ResizeFilter filter = ResizeFilter::kLanczos;
  // In the layout "rgbd": how far away white is in metres, where parallax is made of metres. Valid:
  // (0, 10000].
  double rgbd_white = 1;
  // In Touchly's layouts: depth in metres that is white, and that is black. Valid: [0, 1e6], the
  // first less than the second.
  double touchly_min_depth = 0;
  double touchly_max_depth = 5;

  CanvasOptions Canvas(bool preview) const;
  // Whether the layout shows more than what the camera saw: an eye beside it.
  bool HasParallax() const;
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, FrameOptions* options);

// What parallax is made of.
enum class Placement {
  kNormalized,  // of disparity in [0, 1]: the nearest and the farthest point are so far apart
  kMetric,      // of metres: as two eyes would see it
};

// Two eyes in the world that the depth tells of.
struct MetricEyeOptions {
  double pupillary_distance_mm = 63;  // [0, 1000]
  // How far apart the eyes are in the picture, for a viewer whose screen fills `master_xfov_deg`:
  //   "none"      as they are: disparity fx * baseline / z
  //   "upstream"  times tan(master / 2) / tan(xfov / 2), as the original toolbox
  //   "ortho"     times tan(xfov / 2) / tan(master / 2): depth is perceived as it is
  //   a number in [0, 1000], which multiplies the baseline
  std::string baseline_scale = "none";
  std::optional<double> master_xfov_deg;  // (0, 180); given alone it means "upstream"; else 45
  // At most one of the next three; nothing given: parallel eyes.
  std::string convergence_file;         // per frame, smoothed in time inside each shot
  std::optional<double> convergence;    // metres, fixed; 0 = parallel
  bool convergence_auto = false;        // found in the depth of each frame, see FocusTracker
  bool convergence_wants_file = false;  // it was said that there is a file
  ConvergenceSmoothing smoothing;       // of the file's distances and of those found

  bool ConvergenceGiven() const {
    return convergence || convergence_auto || !convergence_file.empty();
  }

  // Throws Error(kInvalidArgument) for what does not go together.
  void Check() const;
  // The same for a layout that shows nothing but what the camera saw: it has no eyes.
  void CheckWith(const FrameOptions& frame, bool swap_eyes) const;
};
// `distance` is what the option for the convergence is called.
void Describe(OptionList* list, MetricEyeOptions* options, const std::string& distance);

// Where the pixels of holes come from.
enum class Infill {
  kAuto,      // kObserved where the camera's path is known and memory suffices, else kDirectional
  kObserved,  // frames around it that have seen them (ObservedFill), then as kDirectional
  kDirectional,  // the background beside them (DirectionalFill)
  kNone,         // nowhere: they stay black
};

// What becomes of holes, which is what the camera did not see.
struct HoleOptions {
  // With kAuto they stay black with some of the options below.
  Infill infill = Infill::kAuto;
  int infill_window = 8;  // frames before and after that kObserved looks at; [1, 240]
  // Camera-to-world of each frame, for kObserved where nothing else tells the camera's path.
  std::string infill_poses;
  std::string provenance_output;  // where each pixel is from, see Provenance; empty: nowhere

  // They are filled from the background beside them. They stay black with one of the first three,
  // unless do_basic_infill says otherwise.
  bool remove_edges = false;
  bool infill_mask = false;                  // write <output>_infillmask.mkv too
  bool green_and_black_infill_mask = false;  // the same with plain holes, no directions
  InfillMaskStyle infill_mask_style = InfillMaskStyle::kDirections;  // with infill_mask
  bool do_basic_infill = false;
  bool dont_remove_edges = false;           // no holes but at the borders: surfaces are stretched
  bool dont_place_points_in_edges = false;  // always so; for documented command lines
  // See StereoOptions.
  TearRule tear;
  int clean_rim = 2;

  bool writes_mask() const { return infill_mask || green_and_black_infill_mask; }
  bool leaves_black() const {
    if (infill != Infill::kAuto) return infill == Infill::kNone;
    return (remove_edges || writes_mask()) && !do_basic_infill;
  }
  bool looks_around() const {
    return !leaves_black() && (infill == Infill::kAuto || infill == Infill::kObserved);
  }
  InfillMaskStyle mask_style() const {
    return green_and_black_infill_mask ? InfillMaskStyle::kGreen : infill_mask_style;
  }
  StereoOptions Stereo() const;
  // Throws Error(kInvalidArgument) for a mask or a provenance of a layout in which views share
  // pixels, and for whatever says what becomes of holes in a layout that shows what the camera saw,
  // unless the viewer stands elsewhere (`moves`).
  void CheckWith(const FrameOptions& frame, bool moves) const;
};
void Describe(OptionList* list, HoleOptions* options);
void Describe(OptionList* list, TearRule* rule);

enum class SceneCuts {
  kAuto,  // found in the colours (ContentCutDetector), and where the depth's scale starts anew;
          // with a list of scenes they come from there
  kOff,   // the clip is one scene
};

struct SteadyOptions {
  SmootherOptions smoothing;
  SceneCuts cuts = SceneCuts::kAuto;
  std::string scene_file;  // wins over kAuto; see ReadSceneStarts

  bool Smooths() const { return smoothing.alpha > 0 || smoothing.tau_seconds > 0; }
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, SteadyOptions* options);

// For whose comfort parallax is limited.
enum class Comfort { kNone, kCinema, kTv, kVr };

struct ComfortOptions {
  Comfort viewer = Comfort::kNone;
  // In place of what the viewer's screen asks for, % of the width (a second). Valid: (0, 100].
  std::optional<double> max_in_front;
  std::optional<double> max_behind;
  std::optional<double> max_rate;

  // Empty for kNone.
  std::optional<ComfortLimits> Limits() const;
  // For panels, which show angles: what those shares are from the viewer's seat, in radians. There
  // is no window. While the eyes are parallel the limits have their zero where parallax behind the
  // screen ends, so that the eyes never turn outwards.
  std::optional<ComfortLimits> PanelLimits(bool parallel) const;
  // Throws Error(kInvalidArgument) for a layout without any parallax.
  void CheckWith(const FrameOptions& frame) const;
};
void Describe(OptionList* list, ComfortOptions* options);

enum class Subtitles {
  kKeep,  // as a stream, where the container holds such
  kBurn,  // drawn into the pictures, in depth
};

struct SubtitleOptions {
  Subtitles subtitles = Subtitles::kKeep;
  std::string file;    // in place of those of the video; see SubtitleRenderer::OfFile
  std::string stream;  // which of those of the video; see SubtitleRendererOptions::stream

  bool burn() const { return subtitles == Subtitles::kBurn; }
};
void Describe(OptionList* list, SubtitleOptions* options);

struct PreviewOptions {
  // A preview writes few frames, each as the full run would have it, at their own times and without
  // sound and subtitles. At most one of: the first frame of every so many seconds, (0, 86400], 3 if
  // none is given; every n-th frame, at least 1. Either of them asks for a preview too.
  bool preview = false;
  std::optional<double> interval;
  std::optional<int64_t> every;
  // Where to put a picture (PNG) of up to 24 frames spread over the clip, each as left eye, right
  // eye and disparity (near is white); empty: nowhere.
  std::string contact_sheet;

  bool active() const { return preview || interval || every; }
  std::optional<double> Interval() const;  // seconds; empty with `every`, and if not active
  // What becomes of a clip of so many frames at this rate; 0/1 = not known.
  int64_t Frames(int64_t frames, Rational rate) const;
  Rational Rate(Rational rate) const;
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, PreviewOptions* options);

}  // namespace mdvt
