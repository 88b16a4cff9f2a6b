// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/stabilize.h"
#include "pipeline/depth_source.h"
#include "pipeline/job_common.h"
#include "pipeline/metric_eyes.h"

namespace mdvt {
namespace {

const EnumNames<NormMode>& NormNames() {
  static const EnumNames<NormMode> names = {{"ema", NormMode::kEma},
                                            {"minmax", NormMode::kMinMax},
                                            {"percentile", NormMode::kPercentile},
                                            {"fixed", NormMode::kFixed},
                                            {"metric", NormMode::kMetric}};
  return names;
}

// "near", "far", "auto" or a disparity.
std::string ScreenText(const ConvergenceOptions& convergence) {
  switch (convergence.plane) {
    case ScreenPlane::kNear:
      return "near";
    case ScreenPlane::kFar:
      return "far";
    case ScreenPlane::kAuto:
      return "auto";
    case ScreenPlane::kValue:
      return FormatDouble(convergence.value);
  }
  return "";
}

bool SetScreen(const std::string& text, ConvergenceOptions* convergence) {
  const std::optional<double> value = ParseDouble(text);
  if (text == "near") {
    convergence->plane = ScreenPlane::kNear;
  } else if (text == "far") {
    convergence->plane = ScreenPlane::kFar;
  } else if (text == "auto") {
    convergence->plane = ScreenPlane::kAuto;
  } else if (value && *value >= 0 && *value <= 1) {
    convergence->plane = ScreenPlane::kValue;
    convergence->value = *value;
  } else {
    return false;
  }
  return true;
}

bool IsConvergenceFile(const std::string& text) {
  MetricEyeOptions eyes;
  return SetConvergence(text, &eyes) && eyes.convergence_wants_file;
}

// What is on the screen, or where the eyes look: which one it is the placement tells.
bool GiveConvergence(const std::string& text, MonoToSbsJobOptions* options) {
  MetricEyeOptions eyes;
  ConvergenceOptions screen;
  const bool names_screen = SetScreen(text, &screen);
  if (!names_screen && !SetConvergence(text, &eyes)) return false;
  screen.smoothing = options->convergence.smoothing;
  options->convergence = screen;
  options->convergence_given = text;
  return true;
}

void DescribeDepth(OptionList* list, MonoToSbsJobOptions* o) {
  list->Section("depth");
  Describe(list, &o->source);
  Describe(list, &o->fov, "60 across");
  list->Field("norm", &o->norm.mode, NormNames(),
              "how disparity is brought to its range: percentiles smoothed over time, each frame's "
              "extremes, its percentiles, one range, or true proportions")
      .Default("ema; minmax with --parity");
  const std::vector<std::string> percentiles = {"percentile", "ema", "fixed"};
  list->Field("p_lo", &o->norm.p_lo, {0, 100}, "PERCENT", "percentile that becomes the farthest")
      .OnlyWith("norm", percentiles);
  list->Field("p_hi", &o->norm.p_hi, {0, 100}, "PERCENT", "percentile that becomes the nearest")
      .OnlyWith("norm", percentiles);
  list->Field("norm_beta", &o->norm.beta, {0, 1, false, true}, "WEIGHT",
              "weight of the past, per frame")
      .OnlyWith("norm", {"ema"});
  list->Field("norm_lookahead", &o->norm.lookahead, {0, 64}, "FRAMES",
              "later frames that count too")
      .OnlyWith("norm", {"ema"});
  list->Field("norm_lo", &o->norm_lo, {-1e9, 1e9}, "DISPARITY",
              "what becomes the farthest, in 1 / metres")
      .Default("that of each scene's first frame")
      .OnlyWith("norm", {"fixed"})
      .OnlyWith("norm_hi");
  list->Field("norm_hi", &o->norm_hi, {-1e9, 1e9}, "DISPARITY",
              "what becomes the nearest, in 1 / metres")
      .Default("that of each scene's first frame")
      .OnlyWith("norm", {"fixed"})
      .OnlyWith("norm_lo");
  list->Field("metric_near", &o->norm.metric_near, {0, 10000, true, false}, "METRES",
              "distance that becomes the nearest")
      .OnlyWith("norm", {"metric"});
  Describe(list, &o->steady);
  list->Refine("motion_adaptive").Default("on; off with --parity");
  list->Refine("scene_cuts").Default("on; off with --parity");
}

void DescribeStereo(OptionList* list, MonoToSbsJobOptions* o) {
  list->Section("stereo");
  static const EnumNames<Placement> placements = {{"normalized", Placement::kNormalized},
                                                  {"metric", Placement::kMetric}};
  list->Field("placement", &o->placement, placements,
              "normalized: the nearest and the farthest point are --max_shift apart; metric: "
              "parallax as two eyes would see it, from depth in metres");
  Describe(list, &o->eyes, "convergence_distance");
  list->Refine("convergence_distance")
      .Default(
          "with --placement metric 0, parallel eyes, auto with --comfort but for panels; else as "
          "--convergence says");
  Describe(list, &o->comfort);
  list->Field("max_shift", &o->max_shift, {0, 4096}, "PIXELS",
              "parallax between the nearest and the farthest point, in pixels of one eye")
      .Default("an eightieth of the eye's width, 24 at 1920; 24 with --parity");
  list->Field("dynamic_shift", &o->shift.dynamic,
              "less parallax for flat scenes, torn surfaces and tired eyes")
      .Switch()
      .Default("on; off with --parity");
  list->Field("shift_min_gain", &o->shift.min_gain, {0, 1}, "SHARE",
              "least share of --max_shift that a scene gets");
  list->Field("shift_smoothing", &o->shift.smoothing, {0, 1, false, true}, "WEIGHT",
              "weight of the past in the shift, per frame");
  list->Field("shift_steep_free", &o->shift.steep_free, {0, 1}, "SHARE",
              "share of steep pixels from which the shift falls");
  list->Field("shift_steep_full", &o->shift.steep_full, {0, 1}, "SHARE",
              "share at which it has fallen to --shift_min_gain");
  list->Field("shift_max_behind", &o->shift.max_behind, {0, 1, true, false}, "SHARE",
              "largest parallax behind the screen, as a share of the eye's width");
  list->Field("shift_max_in_front", &o->shift.max_in_front, {0, 1, true, false}, "SHARE",
              "largest parallax in front of the screen");
  list->Custom(
          "convergence", "WHERE",
          "near, far, auto or a number in [0, 1], or with placement metric a distance, auto, or "
          "file or the name of a .json file",
          "what is on the screen: near (nothing in front of it), far, auto (what fills the middle) "
          "or a disparity in [0, 1]; with --placement metric, and for files, as "
          "--convergence_distance",
          [o] { return o->convergence_given; },
          [o](const std::string& text) { return GiveConvergence(text, o); })
      .Default("auto; near with --parity")
      .Excludes("convergence_distance");
  list->Field("convergence_smoothing", &o->convergence.smoothing, {0, 1, false, true}, "WEIGHT",
              "weight of the past in --convergence auto, per frame")
      .Excludes("convergence_file")
      .Excludes("convergence_distance");
  static const EnumNames<WarpKind> warps = {{"forward", WarpKind::kForward},
                                            {"backward", WarpKind::kBackward}};
  list->Field(
          "warp", &o->warp, warps,
          "forward: nearest surface first, holes filled from their background; backward: as the "
          "original")
      .Default("forward; backward with --parity");
  list->Field("swap_eyes", &o->swap_eyes, "right eye on the left, for crossed viewing");
  Describe(list, &o->holes);
  list->Field("parity", &o->parity,
              "do as the original converter: --norm minmax, --motion_adaptive off, --scene_cuts "
              "off, --max_shift 24, --dynamic_shift off, --convergence near, --warp backward, "
              "--fit none, --sbs_w 3840, --sbs_h 2160, each unless given")
      .Preset({{"norm", "minmax"},
               {"motion_adaptive", "off"},
               {"scene_cuts", "off"},
               {"max_shift", "24"},
               {"dynamic_shift", "off"},
               {"convergence", "near"},
               {"warp", "backward"},
               {"fit", "none"},
               {"sbs_w", "3840"},
               {"sbs_h", "2160"}});
}

// What has a meaning in one placement only.
constexpr const char* kNormalizedOnly[] = {"norm",
                                           "p_lo",
                                           "p_hi",
                                           "norm_beta",
                                           "norm_lookahead",
                                           "norm_lo",
                                           "norm_hi",
                                           "metric_near",
                                           "max_shift",
                                           "dynamic_shift",
                                           "shift_min_gain",
                                           "shift_smoothing",
                                           "shift_steep_free",
                                           "shift_steep_full",
                                           "shift_max_behind",
                                           "shift_max_in_front",
                                           "convergence_smoothing",
                                           "warp",
                                           "parity"};
constexpr const char* kMetricOnly[] = {"pupillary_distance", "master_xfov", "baseline_scale",
                                       "rgbd_white"};

void TiePlacements(OptionList* list) {
  for (const char* name : kNormalizedOnly) list->Refine(name).OnlyWith("placement", {"normalized"});
  for (const char* name : kMetricOnly) list->Refine(name).OnlyWith("placement", {"metric"});
}

// False for what the chosen placement and layout leave without a meaning.
bool Matters(const MonoToSbsJobOptions& options, const std::string& name) {
  const auto is_one = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  const bool metric = options.placement == Placement::kMetric;
  const ViewLayout& layout = ViewLayoutOf(options.frame.canvas.layout);
  const ViewLayout::Count count = layout.count;
  if (name == "vr_size" || name == "vr_fov") return layout.panel.has_value();
  if (name == "touchly_min_depth" || name == "touchly_max_depth")
    return layout.depth == DepthShown::kTouchly;
  if (name == "views") return count == ViewLayout::Count::kViews;
  if (name == "quilt") return count == ViewLayout::Count::kQuilt;
  if (name == "view_span") return count != ViewLayout::Count::kFixed;
  const MetricEyeOptions eyes = SettledEyes(options);
  const bool follows = eyes.convergence_auto || !eyes.convergence_file.empty();
  for (const char* of_those :
       {"convergence_sigma", "convergence_nearest", "convergence_farthest", "convergence_rate"})
    if (name == of_those && !follows) return false;
  if (name == "rgbd_white" && options.frame.canvas.layout != "rgbd") return false;
  return metric ? !is_one(kNormalizedOnly) : !is_one(kMetricOnly);
}

void DescribeOutput(OptionList* list, MonoToSbsJobOptions* o) {
  list->Section("output");
  list->Field("fps", &o->fps, {0.1, 1000}, "FPS", "constant rate of the output")
      .Rate()
      .Or(0, "every frame at its own time");
  Describe(list, &o->preview);
  Describe(list, &o->encode);
}

}  // namespace

void Describe(OptionList* list, MonoToSbsJobOptions* options) {
  list->Field("input", &options->input, "FILE", "color video").Input(true).Required().Positional(0);
  list->Field("output", &options->output, "FILE", "stereo video (.mp4, .mov or .mkv), or a folder")
      .Output()
      .Default("<input>_sbs.mp4")
      .Positional(1);
  DescribeDepth(list, options);
  Describe(list, &options->source.own.Of<StabilizeOptions>());
  DescribeStereo(list, options);
  list->Section("frame");
  Describe(list, &options->frame);
  Describe(list, &options->subtitles);
  list->Refine("sbs_w").Default("from --sbs_h, else both eyes as the input; 3840 with --parity");
  list->Refine("sbs_h").Default("from --sbs_w, else as the input; 2160 with --parity");
  list->Refine("fit").Default("contain; none with --parity");
  TiePlacements(list);
  DescribeOutput(list, options);
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
  list->Refuse({"encoder"}, "a model file states which network it holds: give it as --model");
}

namespace {

void CheckConvergence(const MonoToSbsJobOptions& options) {
  const std::string& text = options.convergence_given;
  if (text.empty() || IsConvergenceFile(text)) return;
  ConvergenceOptions screen;
  MetricEyeOptions eyes;
  const bool metric = options.placement == Placement::kMetric;
  Require(metric ? SetConvergence(text, &eyes) : SetScreen(text, &screen), Code::kInvalidArgument,
          "convergence is '" + text + "', must be " +
              (metric ? "a distance in metres, auto, file or a .json file with placement metric"
                      : "near, far, auto or a number in [0, 1] with placement normalized"));
  Require(options.eyes.convergence_file.empty(), Code::kInvalidArgument,
          "convergence '" + text + "' and convergence_file cannot be given together");
}

}  // namespace

MetricEyeOptions SettledEyes(const MonoToSbsJobOptions& options) {
  MetricEyeOptions eyes = options.eyes;
  const std::string& text = options.convergence_given;
  if (!text.empty() && (options.placement == Placement::kMetric || IsConvergenceFile(text)))
    SetConvergence(text, &eyes);
  return eyes;
}

void MonoToSbsJobOptions::Check() const {
  const auto require = [](bool inside, const std::string& text) {
    Require(inside, Code::kInvalidArgument, text);
  };
  CheckDescribed(*this);
  job.limits.Check();
  if (!engine) source.Check();
  require(norm.p_lo < norm.p_hi, "p_lo must be less than p_hi");
  require(norm_lo.has_value() == norm_hi.has_value(),
          "norm_lo and norm_hi go together: give both or none");
  require(!norm_lo || *norm_lo < *norm_hi, "norm_lo must be less than norm_hi");
  CheckConvergence(*this);
  SettledEyes(*this).Check();
  require(warp == WarpKind::kForward || placement == Placement::kNormalized,
          "the backward warp has no metric placement");
  if (!engine && placement == Placement::kNormalized && !fov.empty()) {
    const std::vector<std::string> takers = EnginesWith("xfov", source);
    require(std::find(takers.begin(), takers.end(), source.Chosen()) != takers.end(),
            "a field of view has no meaning with the engine '" + source.Chosen() +
                "' unless the placement is metric");
  }
  require(shift.steep_free < shift.steep_full,
          "shift_steep_free must be less than shift_steep_full");
  norm.Check();
  shift.Check();
  convergence.Check();
  require(warp == WarpKind::kForward ||
              (!holes.writes_mask() && !holes.leaves_black() && !holes.dont_remove_edges),
          "the backward warp stretches everything and has no holes: no mask of them, none left "
          "black, no choice of edges");
  require(engine || source.model.empty() || placement == Placement::kMetric ||
              source.scene_scale == DepthSourceOptions().scene_scale,
          "scene_scale with a model needs placement metric: otherwise its disparity is normalised "
          "as it is");
  frame.Check();
  const ViewLayout layout = LayoutOf(frame.canvas);
  require(
      placement == Placement::kMetric || (!layout.panel && layout.depth != DepthShown::kTouchly),
      "the layout '" + layout.name + "' shows angles or metres: it needs placement metric");
  require(
      warp == WarpKind::kForward || (holes.infill == Infill::kAuto &&
                                     holes.provenance_output.empty() && holes.infill_poses.empty()),
      "the backward warp stretches everything and has no holes: nothing to fill");
  require(holes.infill_poses.empty() || engine || !source.finds_path(),
          "infill_poses has no meaning with the engine '" + source.Chosen() +
              "', which finds the camera's path itself");
  holes.CheckWith(frame, false);
  if (placement == Placement::kMetric) SettledEyes(*this).CheckWith(frame, swap_eyes);
  comfort.CheckWith(frame);
  steady.Check();
  preview.Check();
}

std::vector<std::pair<std::string, std::string>> MonoToSbsFacts(const MonoToSbsJobOptions& options,
                                                                const MonoToSbsPlan& plan) {
  const auto rate = [](const Rational& r) {
    return r.IsPositive() ? FormatFixed(r.ToDouble(), 3) + " frames per second"
                          : "times of the source";
  };
  const ViewCanvas& canvas = plan.canvas;
  std::vector<std::pair<std::string, std::string>> facts = {
      {"input", options.input + ", " + FormatSize(plan.source_width, plan.source_height) + ", " +
                    rate(plan.source_rate)},
      {"result", plan.format.ToString() + " " +
                     FormatSize(canvas.frame_width, canvas.frame_height) + ", picture " +
                     FormatSize(canvas.content_width, canvas.content_height) + " of each eye's " +
                     FormatSize(canvas.tile_width, canvas.tile_height) + ", " +
                     (canvas.exact ? "pixel for pixel" : "resized") + ", " +
                     rate(plan.output_rate) + ", max_shift " + FormatDouble(plan.max_shift) + ", " +
                     CountOf(plan.latency, "frame") + " of latency"}};
  MonoToSbsJobOptions copy = options;
  if (copy.convergence_given.empty() && copy.placement == Placement::kNormalized)
    copy.convergence_given = ScreenText(copy.convergence);
  OptionList list;
  Describe(&list, &copy);
  copy.source.engine = copy.source.Chosen();
  for (const Option& option : list.options()) {
    const std::string value = ToText(option.Get());
    const bool says_nothing =
        value.empty() || value == "none" || (option.also && value == FormatDouble(*option.also)) ||
        (value == "off" && option.kind == OptionKind::kFlag && !option.is_switch);
    if (option.section.empty() || option.section == "run" || says_nothing) continue;
    if (!Matters(copy, option.name)) continue;
    if (facts.back().first != option.section) facts.emplace_back(option.section, "");
    std::string& text = facts.back().second;
    text += (text.empty() ? "" : ", ") + option.name + " " + value;
  }
  return facts;
}

}  // namespace mdvt
