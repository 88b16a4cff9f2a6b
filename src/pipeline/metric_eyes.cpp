// SPDX-License-Identifier: Apache-2.0
#include "pipeline/metric_eyes.h"

#include <cmath>
#include <optional>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {
namespace {

constexpr double kUsualScreenDeg = 45;

// The number that multiplies the baseline; empty for the names of rules.
std::optional<double> FactorOf(const std::string& rule) {
  const std::optional<double> factor = ParseDouble(rule);
  return factor && *factor >= 0 && *factor <= 1000 ? factor : std::nullopt;
}

bool IsRule(const std::string& text) {
  return text == "none" || text == "upstream" || text == "ortho" || FactorOf(text);
}

// As the option would be written.
std::string ConvergenceText(const MetricEyeOptions& options) {
  if (options.convergence_auto) return "auto";
  if (options.convergence) return FormatDouble(*options.convergence);
  return options.convergence_wants_file ? "file" : "";
}

}  // namespace

bool SetConvergence(const std::string& text, MetricEyeOptions* options) {
  const std::optional<double> distance = ParseDouble(text);
  const std::string ending = ".json";
  const bool file = text.size() > ending.size() &&
                    text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
  if (distance && !(*distance >= 0 && *distance <= 1e6)) return false;
  if (!distance && !file && !text.empty() && text != "auto" && text != "file") return false;
  options->convergence = distance;
  options->convergence_auto = text == "auto";
  options->convergence_wants_file = file || text == "file";
  if (file) options->convergence_file = text;
  return true;
}

void Describe(OptionList* list, MetricEyeOptions* options, const std::string& distance) {
  list->Field("pupillary_distance", &options->pupillary_distance_mm, {0, 1000}, "MM",
              "distance between the eyes in millimetres");
  list->Field("master_xfov", &options->master_xfov_deg, {0, 180, true, true}, "DEGREES",
              "angle that the screen fills for the viewer; scales the distance of the eyes by "
              "tan(master_xfov / 2) / tan(xfov / 2)")
      .Default("no scaling; 45 where a rule needs it");
  list->Custom(
      "baseline_scale", "RULE", "none, upstream, ortho or a number in [0, 1000]",
      "scales the distance of the eyes: none, upstream (as --master_xfov says), ortho (the "
      "inverse: depth looks as it is) or a number",
      [options] { return options->baseline_scale; },
      [options](const std::string& text) {
        if (IsRule(text)) options->baseline_scale = text;
        return IsRule(text);
      });
  list->Field(
          "convergence_file", &options->convergence_file, "JSON",
          "distance in metres at which the eyes' pictures coincide, per frame; smoothed in time "
          "inside each shot")
      .Input();
  list->Custom(
      distance, "WHERE",
      "a distance in metres in [0, 1e+06], auto, file or the name of a .json file",
      "where the eyes' pictures coincide: at a distance in metres (0: parallel eyes), auto: at "
      "what the middle of each frame shows, file: as --convergence_file says, or that file itself",
      [options] { return ConvergenceText(*options); },
      [options](const std::string& text) { return SetConvergence(text, options); });
  DescribeConvergenceSmoothing(list, &options->smoothing);
}

void DescribeConvergenceSmoothing(OptionList* list, ConvergenceSmoothing* smoothing) {
  list->Field("convergence_sigma", &smoothing->sigma_seconds, {0, 3600}, "SECONDS",
              "how far the distances of a file, and those of auto, are smoothed over time; never "
              "across a cut");
  list->Field("convergence_nearest", &smoothing->nearest, {0, 1e6}, "METRES",
              "they are never nearer than this");
  list->Field("convergence_farthest", &smoothing->farthest, {0, 1e6, true, false}, "METRES",
              "they are never farther than this")
      .Default("no bound");
  list->Field("convergence_rate", &smoothing->rate, {0, 1e6, true, false}, "DIOPTERS",
              "fastest change of 1 / distance in a second, inside a shot")
      .Default("no bound");
}

void CheckConvergenceSmoothing(const ConvergenceSmoothing& smoothing) {
  Require(!smoothing.farthest || smoothing.nearest <= *smoothing.farthest, Code::kInvalidArgument,
          "convergence_nearest is " + FormatDouble(smoothing.nearest) +
              ", must be at most convergence_farthest, " +
              FormatDouble(smoothing.farthest.value_or(0)));
  smoothing.Check();
}

void MetricEyeOptions::Check() const {
  Require(!(convergence || convergence_auto) || convergence_file.empty(), Code::kInvalidArgument,
          "give a fixed convergence or auto, or a convergence file, not both");
  Require(!(convergence && convergence_auto), Code::kInvalidArgument,
          "a convergence is a distance or auto, not both");
  Require(!convergence_wants_file || !convergence_file.empty(), Code::kInvalidArgument,
          "the convergence 'file' needs --convergence_file");
  CheckConvergenceSmoothing(smoothing);
  const ConvergenceSmoothing usual;
  Require(convergence_auto || !convergence_file.empty() ||
              (smoothing.sigma_seconds == usual.sigma_seconds &&
               smoothing.nearest == usual.nearest && !smoothing.farthest && !smoothing.rate),
          Code::kInvalidArgument,
          "convergence_sigma, _nearest, _farthest and _rate are for distances that change: give "
          "convergence auto or a convergence file with them");
  Require(IsRule(baseline_scale), Code::kInvalidArgument,
          "baseline_scale is '" + baseline_scale +
              "', must be none, upstream, ortho or a number in [0, 1000]");
  Require(!master_xfov_deg || !FactorOf(baseline_scale), Code::kInvalidArgument,
          "master_xfov and a number for baseline_scale contradict each other");
}

void MetricEyeOptions::CheckWith(const FrameOptions& frame, bool swap_eyes) const {
  if (frame.HasParallax()) return;
  const MetricEyeOptions usual;
  Require(pupillary_distance_mm == usual.pupillary_distance_mm && !ConvergenceGiven() &&
              baseline_scale == usual.baseline_scale && !master_xfov_deg && !swap_eyes,
          Code::kInvalidArgument,
          "the layout '" + frame.canvas.layout +
              "' shows what the camera saw: leave out what is about two eyes (pupillary_distance, "
              "convergence, baseline_scale, master_xfov, swap_eyes)");
}

BaselineScale ScaleOf(const MetricEyeOptions& options) {
  BaselineScale scale;
  const std::string& rule = options.baseline_scale;
  if (rule == "upstream" || (rule == "none" && options.master_xfov_deg)) {
    scale.rule = BaselineRule::kMaster;
  } else if (rule == "ortho") {
    scale.rule = BaselineRule::kOrtho;
  } else {
    scale.factor = FactorOf(rule).value_or(1);
  }
  scale.master_xfov_deg = options.master_xfov_deg.value_or(kUsualScreenDeg);
  return scale;
}

double BaselineScale::For(const Camera& camera) const {
  const double half_source = camera.width / (2 * camera.fx);  // tan(xfov / 2)
  const double half_master = std::tan(master_xfov_deg * M_PI / 360);
  if (rule == BaselineRule::kMaster) return factor * half_master / half_source;
  if (rule == BaselineRule::kOrtho) return factor * half_source / half_master;
  return factor;
}

PerFrame<double> Distances(const MetricEyeOptions& options, Rational frame_rate,
                           const std::vector<int64_t>& shots, const Limits& limits) {
  if (options.convergence_file.empty()) return PerFrame<double>(options.convergence.value_or(0));
  // Without a rate in the file a usual one: it only sets how many frames half a second is.
  return {SmoothConvergence(ReadConvergenceFile(options.convergence_file, limits),
                            frame_rate.IsPositive() ? frame_rate : Rational{24, 1},
                            options.smoothing, shots),
          options.convergence_file, "convergence"};
}

}  // namespace mdvt
