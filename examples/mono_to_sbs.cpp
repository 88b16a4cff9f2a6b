// SPDX-License-Identifier: Apache-2.0
//
// Makes a stereo video of a color video in one run, without a depth file in between.
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/model_options.h"
#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/versions.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/tracking/dense_flow.h"

namespace {

using mdvt::Code;
using mdvt::FormatDouble;
using mdvt::FormatFixed;
using mdvt::example::Program;

// The options as they are spelled. What is not given stays empty and follows from --parity.
struct Switches {
  std::optional<std::string> engine;
  mdvt::example::ModelSwitches model;
  std::optional<int64_t> input_size;
  mdvt::DepthModelOptions opened;  // empty: depth from motion
  bool parity = false;
  std::optional<double> alpha;
  std::optional<double> smooth_tau;
  std::string motion_adaptive = "auto";
  std::string norm = "auto";
  double p_lo = 1, p_hi = 99, norm_beta = 0.9;
  int64_t lookahead = 0;
  std::optional<double> norm_lo, norm_hi;
  double metric_near = 1;
  std::string dynamic_shift = "auto";
  std::string convergence = "auto";
  std::string warp = "auto";
  std::string scene_cuts = "auto";
  std::string layout = "sbs";
  std::string fit = "auto";
  std::string preset = "source";
  std::optional<int64_t> sbs_w, sbs_h;
  bool upscale = false;
  std::optional<int64_t> up_w, up_h;
  std::string filter = "lanczos";
  bool preview = false;
  std::optional<double> preview_interval;
  std::optional<int64_t> preview_every;
  bool no_audio = false;
  std::optional<int64_t> cq, crf;
  std::optional<std::string> nv_preset, x264_preset;
  std::string video_codec = "auto";
  int64_t working_side = 640;
};

template <typename T>
T Named(const std::vector<std::pair<const char*, T>>& names, const std::string& name) {
  for (const auto& [known, value] : names)
    if (name == known) return value;
  throw mdvt::Error(Code::kInternal, "no meaning is known for '" + name + "'");
}

// "auto" follows from --parity: what the original converter does, or what looks best.
std::string Choose(const std::string& given, bool parity, const char* original, const char* best) {
  return given != "auto" ? given : parity ? original : best;
}

[[noreturn]] void Usage(const std::string& text) {
  throw mdvt::Error(Code::kInvalidArgument, text);
}

void ApplyDepth(const Program& program, const Switches& s, mdvt::MonoToSbsJobOptions* options) {
  mdvt::NormalizerOptions& norm = options->norm;
  norm.mode = Named<mdvt::NormMode>({{"minmax", mdvt::NormMode::kMinMax},
                                     {"percentile", mdvt::NormMode::kPercentile},
                                     {"ema", mdvt::NormMode::kEma},
                                     {"fixed", mdvt::NormMode::kFixed},
                                     {"metric", mdvt::NormMode::kMetric}},
                                    Choose(s.norm, s.parity, "minmax", "ema"));
  const auto only_with = [&](const char* option, bool fits, const char* mode) {
    if (program.WasGiven(option) && !fits)
      Usage("--" + std::string(option) + " belongs to --norm " + mode);
  };
  const bool ema = norm.mode == mdvt::NormMode::kEma;
  const bool fixed = norm.mode == mdvt::NormMode::kFixed;
  const bool percentiles = ema || fixed || norm.mode == mdvt::NormMode::kPercentile;
  only_with("p_lo", percentiles, "percentile, ema or fixed");
  only_with("p_hi", percentiles, "percentile, ema or fixed");
  only_with("norm_beta", ema, "ema");
  only_with("norm_lookahead", ema, "ema");
  only_with("norm_lo", fixed, "fixed");
  only_with("norm_hi", fixed, "fixed");
  only_with("metric_near", norm.mode == mdvt::NormMode::kMetric, "metric");
  norm.p_lo = s.p_lo;
  norm.p_hi = s.p_hi;
  if (!(s.p_lo < s.p_hi)) Usage("--p_lo must be less than --p_hi");
  norm.beta = s.norm_beta;
  norm.lookahead = static_cast<int>(s.lookahead);
  norm.metric_near = s.metric_near;
  if (s.norm_lo.has_value() != s.norm_hi.has_value())
    Usage("--norm_lo and --norm_hi go together: give both or none");
  if (s.norm_lo) {
    if (!(*s.norm_lo < *s.norm_hi)) Usage("--norm_lo must be less than --norm_hi");
    norm.fixed = mdvt::DisparityRange{*s.norm_lo, *s.norm_hi};
  }

  if (s.alpha && s.smooth_tau) Usage("give --alpha or --smooth_tau, not both");
  options->smoothing.alpha = s.alpha.value_or(0.9);
  options->smoothing.tau_seconds = s.smooth_tau.value_or(0);
  options->smoothing.motion_adaptive = Choose(s.motion_adaptive, s.parity, "off", "on") == "on";
}

void ApplyShift(const Switches& s, mdvt::MonoToSbsJobOptions* options) {
  if (s.parity && !options->max_shift) options->max_shift = 24;
  options->shift.dynamic = Choose(s.dynamic_shift, s.parity, "off", "on") == "on";
  options->warp = Choose(s.warp, s.parity, "backward", "forward") == "backward"
                      ? mdvt::WarpKind::kBackward
                      : mdvt::WarpKind::kForward;

  const std::string cuts = Choose(s.scene_cuts, s.parity, "off", "on");
  options->cuts = cuts == "on" ? mdvt::SceneCuts::kAuto : mdvt::SceneCuts::kOff;
  if (!options->scene_file.empty()) {
    if (s.scene_cuts == "off") Usage("--scene_file and --scene_cuts off contradict each other");
    options->cuts = mdvt::SceneCuts::kFile;
  }

  mdvt::ConvergenceOptions& convergence = options->convergence;
  const std::string& where = s.convergence;
  if (where == "near" || (where == "auto" && s.parity)) {
    convergence.plane = mdvt::ScreenPlane::kNear;
  } else if (where == "far") {
    convergence.plane = mdvt::ScreenPlane::kFar;
  } else if (where != "auto") {
    const std::optional<double> value = mdvt::ParseDouble(where);
    if (!value || !(*value >= 0 && *value <= 1))
      Usage("--convergence is '" + where + "', must be near, far, auto or a number in [0, 1]");
    convergence.plane = mdvt::ScreenPlane::kValue;
    convergence.value = *value;
  }
}

void ApplyCanvas(const Switches& s, mdvt::MonoToSbsJobOptions* options) {
  mdvt::CanvasOptions& canvas = options->canvas;
  canvas.packing = Named<mdvt::StereoPacking>({{"sbs", mdvt::StereoPacking::kSideBySide},
                                               {"half-sbs", mdvt::StereoPacking::kHalfSideBySide},
                                               {"tab", mdvt::StereoPacking::kTopBottom},
                                               {"half-tab", mdvt::StereoPacking::kHalfTopBottom}},
                                              s.layout);
  canvas.fit = Named<mdvt::CanvasFit>({{"contain", mdvt::CanvasFit::kContain},
                                       {"cover", mdvt::CanvasFit::kCover},
                                       {"none", mdvt::CanvasFit::kNone}},
                                      Choose(s.fit, s.parity, "none", "contain"));
  options->filter = Named<mdvt::ResizeFilter>({{"nearest", mdvt::ResizeFilter::kNearest},
                                               {"bilinear", mdvt::ResizeFilter::kBilinear},
                                               {"bicubic", mdvt::ResizeFilter::kBicubic},
                                               {"lanczos", mdvt::ResizeFilter::kLanczos}},
                                              s.filter);
  if (s.preset != "source") {
    if (s.sbs_w || s.sbs_h) Usage("give --preset or --sbs_w and --sbs_h, not both");
    canvas.eye_height = static_cast<int>(*mdvt::ParseInt(s.preset));
    canvas.eye_width = canvas.eye_height * 16 / 9;
  } else if (s.parity || s.sbs_w || s.sbs_h) {
    canvas.frame_width = static_cast<int>(s.sbs_w.value_or(s.parity ? 3840 : 0));
    canvas.frame_height = static_cast<int>(s.sbs_h.value_or(s.parity ? 2160 : 0));
  }
  const bool across = s.layout == "sbs" || s.layout == "half-sbs";
  const auto multiple = [](const char* name, std::optional<int64_t> size, int step) {
    if (size && *size % step != 0)
      Usage("--" + std::string(name) + " is " + std::to_string(*size) + ", must be a multiple of " +
            std::to_string(step) + " in this layout");
  };
  multiple("sbs_w", s.sbs_w, across ? 4 : 2);
  multiple("sbs_h", s.sbs_h, across ? 2 : 4);
  if (!s.upscale && (s.up_w || s.up_h)) Usage("--up_w and --up_h belong to --upscale");
  if (s.upscale) {
    canvas.picture_width = static_cast<int>(s.up_w.value_or(2560));
    canvas.picture_height = static_cast<int>(s.up_h.value_or(1440));
  }
}

void ApplyOutput(const Switches& s, mdvt::MonoToSbsJobOptions* options) {
  if (s.preview_interval && s.preview_every)
    Usage("give --preview_interval or --preview_every, not both");
  if (!s.preview && (s.preview_interval || s.preview_every))
    Usage("--preview_interval and --preview_every belong to --preview");
  if (s.preview) {
    options->preview_every = s.preview_every;
    if (!s.preview_every) options->preview_interval = s.preview_interval.value_or(3);
  }
  options->audio = !s.no_audio;
  if (s.cq && s.crf) Usage("--cq and --crf are the same: give one");
  options->crf = static_cast<int>(s.crf ? *s.crf : s.cq.value_or(18));
  if (s.nv_preset && s.x264_preset) Usage("--nv_preset and --x264_preset are the same: give one");
  if (s.video_codec == "nvenc")
    Usage("--video_codec nvenc is not available: this version encodes with x264");
  static const std::map<std::string, std::string> kOfNvenc = {
      {"p1", "ultrafast"}, {"p2", "superfast"}, {"p3", "veryfast"}, {"p4", "faster"},
      {"p5", "fast"},      {"p6", "medium"},    {"p7", "slow"}};
  if (s.nv_preset) options->preset = kOfNvenc.at(*s.nv_preset);
  if (s.x264_preset) options->preset = *s.x264_preset;
  options->working_side = static_cast<int>(s.working_side);
}

std::string RateText(const mdvt::Rational& rate) {
  return rate.IsPositive() ? FormatFixed(rate.ToDouble(), 3) + " frames per second"
                           : "times of the source";
}

std::string NormText(const mdvt::NormalizerOptions& norm) {
  const std::string percentiles =
      " p_lo " + FormatDouble(norm.p_lo) + " p_hi " + FormatDouble(norm.p_hi);
  switch (norm.mode) {
    case mdvt::NormMode::kMinMax:
      return "minmax";
    case mdvt::NormMode::kPercentile:
      return "percentile" + percentiles;
    case mdvt::NormMode::kEma:
      return "ema" + percentiles + " norm_beta " + FormatDouble(norm.beta) + " norm_lookahead " +
             std::to_string(norm.lookahead);
    case mdvt::NormMode::kFixed:
      return norm.fixed ? "fixed norm_lo " + FormatDouble(norm.fixed->lo) + " norm_hi " +
                              FormatDouble(norm.fixed->hi)
                        : "fixed" + percentiles + " of each scene's first frame";
    case mdvt::NormMode::kMetric:
      return "metric metric_near " + FormatDouble(norm.metric_near);
  }
  return "";
}

std::string EngineText(const Switches& s, const mdvt::MonoToSbsJobOptions& options) {
  if (!s.opened.empty()) {
    const mdvt::ModelInfo& info = s.opened.loaded->info();
    return "engine model " + info.name + " on " + s.opened.open.device + " batch " +
           std::to_string(s.opened.batch) + " input_size " +
           (s.opened.input_size > 0 ? std::to_string(s.opened.input_size) : "of the model");
  }
  return "engine motion xfov " + FormatDouble(options.xfov_deg) + " scene_scale " +
         FormatDouble(options.scene_scale) + " working_side " +
         std::to_string(options.working_side);
}

// What the run does, after all defaults and the input are known.
std::vector<std::pair<std::string, std::string>> Facts(const Switches& s,
                                                       const mdvt::MonoToSbsJobOptions& options,
                                                       const mdvt::MonoToSbsPlan& plan) {
  const auto size = [](int width, int height) {
    return std::to_string(width) + "x" + std::to_string(height);
  };
  const mdvt::StereoCanvas& canvas = plan.canvas;
  const auto on = [](bool value) { return std::string(value ? "on" : "off"); };
  const mdvt::ConvergenceOptions& convergence = options.convergence;
  return {
      {"versions", "mdvt " + mdvt::example::Version() + ", " + mdvt::CodecLibraryVersions()},
      {"input", options.input + ", " + size(plan.source_width, plan.source_height) + ", " +
                    RateText(plan.source_rate)},
      {"depth", EngineText(s, options) + ", " + std::to_string(plan.latency) +
                    (plan.latency == 1 ? " frame" : " frames") + " of latency"},
      {"norm", NormText(options.norm)},
      {"smoothing",
       (options.smoothing.tau_seconds > 0
            ? "smooth_tau " + FormatDouble(options.smoothing.tau_seconds)
            : "alpha " + FormatDouble(options.smoothing.alpha)) +
           " motion_adaptive " + on(options.smoothing.motion_adaptive) + " scene_cuts " +
           (options.cuts == mdvt::SceneCuts::kFile ? options.scene_file
                                                   : on(options.cuts == mdvt::SceneCuts::kAuto))},
      {"shift",
       "max_shift " + FormatDouble(plan.max_shift) + " dynamic_shift " + on(options.shift.dynamic) +
           " convergence " +
           (convergence.plane == mdvt::ScreenPlane::kNear   ? "near"
            : convergence.plane == mdvt::ScreenPlane::kFar  ? "far"
            : convergence.plane == mdvt::ScreenPlane::kAuto ? "auto"
                                                            : FormatDouble(convergence.value)) +
           " warp " + (options.warp == mdvt::WarpKind::kForward ? "forward" : "backward")},
      {"frame", s.layout + " " + size(canvas.frame_width, canvas.frame_height) + ", picture " +
                    size(canvas.content_width, canvas.content_height) + " of each eye's " +
                    size(canvas.half_width, canvas.half_height) + ", " +
                    (canvas.exact ? "pixel for pixel" : "resized by " + s.filter)},
      {"encoder", "x264 " + plan.format.ToString() + " crf " + std::to_string(options.crf) +
                      " x264_preset " + options.preset + ", " + RateText(plan.output_rate)}};
}

void AddDepthOptions(Program* program, Switches* s, mdvt::MonoToSbsJobOptions* options) {
  program->Choice("engine", "how depth is found: from the camera's own motion, or by --model",
                  {"motion", "model"}, &s->engine, "model if --model is given, else motion");
  s->model.AddTo(program, true);
  program->Integer("input_size", "PIXELS", "short side of the pictures that the model sees",
                   &s->input_size, {14, 4096}, "the model's own");
  program->Number("xfov", "DEGREES", "horizontal field of view of the camera", &options->xfov_deg,
                  {0, 180, true, true});
  program->Number("scene_scale", "METRES", "median depth of a scene's first measured frame",
                  &options->scene_scale, {0, 10000, true, false});
  program->Integer("working_side", "PIXELS", "long side of the pictures that depth is computed on",
                   &s->working_side, {64, 4096});
  program->Choice("norm",
                  "how disparity is brought to its range: each frame's extremes, its percentiles, "
                  "percentiles smoothed over time, one range, or true proportions",
                  {"auto", "minmax", "percentile", "ema", "fixed", "metric"}, &s->norm);
  program->Number("p_lo", "PERCENT", "percentile that becomes the farthest", &s->p_lo, {0, 100});
  program->Number("p_hi", "PERCENT", "percentile that becomes the nearest", &s->p_hi, {0, 100});
  program->Number("norm_beta", "WEIGHT", "ema: weight of the past, per frame", &s->norm_beta,
                  {0, 1, false, true});
  program->Integer("norm_lookahead", "FRAMES", "ema: later frames that count too", &s->lookahead,
                   {0, 64});
  program->Number("norm_lo", "DISPARITY", "fixed: what becomes the farthest, in 1 / metres",
                  &s->norm_lo, {-1e9, 1e9}, "that of each scene's first frame");
  program->Number("norm_hi", "DISPARITY", "fixed: what becomes the nearest, in 1 / metres",
                  &s->norm_hi, {-1e9, 1e9}, "that of each scene's first frame");
  program->Number("metric_near", "METRES", "metric: distance that becomes the nearest",
                  &s->metric_near, {0, 10000, true, false});
  program->Number("alpha", "WEIGHT",
                  "smoothing of disparity: weight of the past, per frame; 0: none", &s->alpha,
                  {0, 1, false, true}, "0.9");
  program->Number("smooth_tau", "SECONDS", "the same as a time, whatever the frame rate",
                  &s->smooth_tau, {0, 3600, true, false}, "none, --alpha holds");
  program->Choice("motion_adaptive", "smooth less where the picture moves; auto: unless --parity",
                  {"auto", "on", "off"}, &s->motion_adaptive);
  program->Choice("scene_cuts", "start anew at each cut in the colors; auto: unless --parity",
                  {"auto", "on", "off"}, &s->scene_cuts);
  program->Text("scene_file", "CSV", "list of scenes (as PySceneDetect writes it) in place of that",
                &options->scene_file);
}

void AddStereoOptions(Program* program, Switches* s, mdvt::MonoToSbsJobOptions* options) {
  program->Number("max_shift", "PIXELS",
                  "parallax between the nearest and the farthest point, in pixels of one eye",
                  &options->max_shift, {0, 4096},
                  "an eightieth of the eye's width, 24 at 1920; 24 with --parity");
  program->Choice("dynamic_shift",
                  "less parallax for flat scenes, torn surfaces and tired eyes; auto: unless "
                  "--parity",
                  {"auto", "on", "off"}, &s->dynamic_shift);
  program->Text("convergence", "WHERE",
                "what is on the screen: near (nothing in front of it), far, auto (what fills the "
                "middle; near with --parity) or a disparity in [0, 1]",
                &s->convergence);
  program->Choice("warp",
                  "forward: nearest surface first, holes filled from their background; backward: "
                  "as the original; auto: forward unless --parity",
                  {"auto", "forward", "backward"}, &s->warp);
  program->Flag("swap_eyes", "right eye on the left, for crossed viewing", &options->swap_eyes);
  program->Flag("parity",
                "do as the original converter: --norm minmax, --motion_adaptive off, --scene_cuts "
                "off, --max_shift 24, --dynamic_shift off, --convergence near, --warp backward, "
                "--fit none, --sbs_w 3840, --sbs_h 2160, each unless given",
                &s->parity);
}

void AddFrameOptions(Program* program, Switches* s) {
  program->Choice("layout", "both eyes side by side or top and bottom, whole or squeezed to half",
                  {"sbs", "half-sbs", "tab", "half-tab"}, &s->layout);
  program->Choice("preset", "height of one eye, 16:9; source: as the input",
                  {"source", "720", "1080", "1440", "2160"}, &s->preset);
  program->Integer("sbs_w", "PIXELS", "width of the whole frame", &s->sbs_w, {4, 16384},
                   "from --sbs_h, else both eyes as the input; 3840 with --parity");
  program->Integer("sbs_h", "PIXELS", "height of the whole frame", &s->sbs_h, {4, 16384},
                   "from --sbs_w, else as the input; 2160 with --parity");
  program->Choice("fit",
                  "contain: all of the picture; cover: no black; none: pixel for pixel; auto: "
                  "contain, none with --parity",
                  {"auto", "contain", "cover", "none"}, &s->fit);
  program->Flag("upscale", "enlarge the picture first; not in a preview", &s->upscale);
  program->Integer("up_w", "PIXELS", "width of the enlarged picture", &s->up_w, {2, 16384}, "2560");
  program->Integer("up_h", "PIXELS", "height of the enlarged picture", &s->up_h, {2, 16384},
                   "1440");
  program->Choice("upscale_filter", "how pictures are resized",
                  {"nearest", "bilinear", "bicubic", "lanczos"}, &s->filter);
}

void AddOutputOptions(Program* program, Switches* s, mdvt::MonoToSbsJobOptions* options) {
  program->Number("fps", "FPS", "constant rate of the output; 0: every frame at its own time",
                  &options->fps, {0, 1000});
  program->Flag("preview", "few frames only, without sound, each as the full run has it",
                &s->preview);
  program->Number("preview_interval", "SECONDS", "time between the frames of a preview",
                  &s->preview_interval, {0, 86400, true, false}, "3");
  program->Integer("preview_every", "N", "every n-th frame in the preview", &s->preview_every,
                   {1, 1e9}, "none, --preview_interval holds");
  program->Text("contact_sheet", "PNG", "picture of up to 24 frames: left, right, disparity",
                &options->contact_sheet);
  program->Flag("no_audio", "leave the sound out", &s->no_audio);
  program->Integer("cq", "QUALITY", "constant quality of the encoder: x264's crf", &s->cq, {0, 51},
                   "18");
  program->Integer("crf", "QUALITY", "the same", &s->crf, {0, 51}, "18");
  program->Choice("nv_preset",
                  "speed of the encoder, p1 (fast) to p7 (best): x264's ultrafast to slow",
                  {"p1", "p2", "p3", "p4", "p5", "p6", "p7"}, &s->nv_preset, "p5");
  program->Choice("x264_preset", "the same by x264's own names",
                  {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow",
                   "slower", "veryslow", "placebo"},
                  &s->x264_preset, "fast");
  program->Choice("video_codec", "the encoder", {"auto", "x264", "nvenc"}, &s->video_codec);
}

void OpenModel(const Program& program, Switches* s, mdvt::MonoToSbsJobOptions* options) {
  if (s->engine && (*s->engine == "model") != s->model.given())
    Usage(s->model.given()
              ? "--engine motion and --model contradict each other"
              : "--engine model needs --model FILE; docs/models.md tells how to make one");
  if (!s->model.given() && s->input_size)
    Usage("--input_size belongs to a depth model, none was given (--model FILE)");
  for (const char* name : {"scene_scale", "working_side"})
    if (s->model.given() && program.WasGiven(name))
      Usage(std::string("--") + name + " belongs to the engine 'motion'");
  s->opened = s->model.Open(program, s->input_size.value_or(0), options->job, options->input);
  if (!s->opened.empty()) options->engine = mdvt::ModelEngine(s->opened);
}

}  // namespace

int main(int argc, char** argv) {
  Program program("mono_to_sbs",
                  "Makes a stereo video of a color video in one run: depth, both eyes, and the "
                  "sound of the input.\n"
                  "Depth comes from the motion of the camera (where it does not move, depth is a "
                  "guess) or from a\ndepth model.",
                  "mono_to_sbs clip.mp4 clip_sbs.mp4 --preset 1080 --layout half-sbs");
  mdvt::MonoToSbsJobOptions options;
  Switches switches;
  program.Text("input", "FILE", "color video, or a list of them", &options.input);
  program.Require("input");
  program.Text("output", "FILE", "stereo video (.mp4, .mov or .mkv), or a folder", &options.output,
               "<input>_sbs.mp4");
  program.Positional("input");
  program.Positional("output");
  AddDepthOptions(&program, &switches, &options);
  AddStereoOptions(&program, &switches, &options);
  AddFrameOptions(&program, &switches);
  AddOutputOptions(&program, &switches, &options);
  program.AddMaxFrames(&options.job);
  program.AddJobOptions(&options.job);
  program.Refuse({"encoder"}, "a model file states which network it holds: give it as --model");

  return program.Main(argc, argv, [&] {
    ApplyDepth(program, switches, &options);
    ApplyShift(switches, &options);
    ApplyCanvas(switches, &options);
    ApplyOutput(switches, &options);
    if (!options.contact_sheet.empty() && mdvt::IsBatchList(options.input))
      Usage("--contact_sheet names one file, --input is a list");
    if (!options.scene_file.empty() && mdvt::IsBatchList(options.input))
      Usage("--scene_file belongs to one video, --input is a list");
    options.on_start = [&](const mdvt::MonoToSbsPlan& plan) {
      program.Announce(Facts(switches, options, plan));
    };
    mdvt::SetOpenCvThreads(options.job.num_threads);
    OpenModel(program, &switches, &options);
    return program.ForEachItem(
        {{{"input", &options.input}}, &options.output, "_sbs.mp4"},
        [&](const mdvt::RunControl& control) {
          const mdvt::MonoToSbsReport report = mdvt::RunMonoToSbsJob(options, control);
          mdvt::example::Summary summary;
          summary.frames = report.frames;
          summary.outputs = {report.output};
          if (!options.contact_sheet.empty()) summary.outputs.push_back(options.contact_sheet);
          summary.details = std::to_string(report.width) + "x" + std::to_string(report.height) +
                            ", " + std::to_string(report.scenes) +
                            (report.scenes == 1 ? " scene" : " scenes") + ", mean shift " +
                            FormatFixed(report.mean_shift, 1) + " pixels, " +
                            FormatFixed(100 * report.hole_share, 2) + " % filled";
          return summary;
        });
  });
}
