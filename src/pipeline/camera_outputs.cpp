// SPDX-License-Identifier: Apache-2.0
#include "pipeline/camera_outputs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/path_uncertainty.h"
#include "mdvt/io/sidecar.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

constexpr double kDegrees = 180 / M_PI;
constexpr double kLeastTurn = 0.2 / kDegrees;  // radians, that a shot at rest does not show

double XfovOf(const Camera& camera, double fx) {
  return 2 * std::atan2(camera.width, 2 * fx) * kDegrees;
}

json::Value FocalJson(const CameraAlignment& found) {
  const FocalCalibration& focal = *found.focal;
  json::Value::Array profile;
  for (const FocalCalibration::Trial& trial : focal.profile)
    profile.push_back(
        json::Value::Members{{"xfov", XfovOf(found.camera, trial.fx)}, {"cost", trial.cost}});
  const bool has_low = focal.low_fx > 0, has_high = std::isfinite(focal.high_fx);
  return json::Value::Members{
      {"status", FocalStatusName(focal.status)},
      {"reason", focal.reason},
      {"xfov", XfovOf(found.camera, focal.fx)},
      {"xfov_start", XfovOf(found.camera, focal.start_fx)},
      {"xfov_low", has_high ? json::Value(XfovOf(found.camera, focal.high_fx)) : json::Value()},
      {"xfov_high", has_low ? json::Value(XfovOf(found.camera, focal.low_fx)) : json::Value()},
      {"sigma_log_f",
       std::isfinite(focal.sigma_log) ? json::Value(focal.sigma_log) : json::Value()},
      {"axis_angle_deg", focal.axis_angle * kDegrees},
      {"halves_log", focal.halves_log},
      {"distortion_correlation", focal.distortion_correlation},
      {"zoom_log", focal.zoom_log},
      {"profile", std::move(profile)}};
}

json::Value CameraJson(const CameraFacts& facts, const CameraAlignment& found) {
  const Camera& camera = found.camera;
  const bool asked = found.focal.has_value();
  const bool used = asked && camera.fx != found.focal->start_fx;
  json::Value::Members members = {
      {"version", 1},
      {"width", camera.width},
      {"height", camera.height},
      {"fx", camera.fx},
      {"fy", camera.fy},
      {"cx", camera.cx},
      {"cy", camera.cy},
      {"k1", 0.0},
      {"xfov", camera.xfov_deg()},
      {"yfov", camera.yfov_deg()},
      {"source", used ? std::string("motion") : facts.fov_source},
      {"fov_status", asked ? FocalStatusName(found.focal->status) : "given"},
      {"sigma_log_f", asked && std::isfinite(found.focal->sigma_log)
                          ? json::Value(found.focal->sigma_log)
                          : json::Value()},
      {"frames", static_cast<int64_t>(found.frames.size())},
      {"tool", facts.tool},
      {"settings", facts.settings}};
  if (asked) members.emplace_back("fov", FocalJson(found));
  return members;
}

json::Value ShotsJson(const CameraFacts& facts, const CameraAlignment& found) {
  json::Value::Array shots;
  for (size_t i = 0; i < found.shots.size(); ++i) {
    const AlignedShot& shot = found.shots[i];
    json::Value unsure;
    if (i < facts.path_uncertainty.size() && std::isfinite(facts.path_uncertainty[i]))
      unsure = facts.path_uncertainty[i];
    std::vector<double> parallax;
    for (const double angle : shot.parallax) parallax.push_back(angle * kDegrees);
    shots.push_back(json::Value::Members{{"first", shot.first},
                                         {"frames", shot.count},
                                         {"mode", CameraMotionName(shot.motion)},
                                         {"path_length", shot.path_length},
                                         {"turn_deg", shot.turn * kDegrees},
                                         {"parallax_deg", parallax},
                                         {"near_px", shot.near_px},
                                         {"far_px", shot.far_px},
                                         {"path_uncertainty", unsure},
                                         {"reliability", shot.reliability}});
  }
  return shots;
}

json::Value ReportJson(const CameraFacts& facts, const CameraAlignment& found) {
  json::Value::Array frames;
  for (const AlignedFrame& frame : found.frames)
    frames.push_back(json::Value::Members{{"inliers", frame.inliers},
                                          {"rms_px", frame.rms_px},
                                          {"depth_scale", frame.depth_scale},
                                          {"depth_shift", frame.depth_shift},
                                          {"interpolated", frame.interpolated},
                                          {"key", frame.key}});
  json::Value report =
      json::Value::Members{{"version", 1},
                           {"tool", facts.tool},
                           {"method", facts.method},
                           {"tracks", facts.tracks},
                           {"tracks_placed", static_cast<int64_t>(found.tracks.size())},
                           {"static_share", found.static_share},
                           {"rms_px", found.rms_px},
                           {"held_out_rms_px", found.held_out_rms_px},
                           {"segments", ShotsJson(facts, found)},
                           {"frames", std::move(frames)}};
  if (found.focal) report["fov"] = FocalJson(found);
  return report;
}

const char* WhyNot(const std::string& reason) {
  if (reason == "no_pan_tilt") return "the camera does not pan or tilt";
  if (reason == "no_motion") return "the camera stands still";
  if (reason == "no_information") return "the pictures hardly change with it";
  if (reason == "implausible_fov") return "the best one is no field of view of a camera";
  if (reason == "interval_open" || reason == "interval_wide")
    return "too many fields of view explain the pictures alike";
  if (reason == "halves_disagree") return "two halves of the points disagree";
  if (reason == "distortion_explains_it") return "a lens distortion would do as well";
  if (reason == "focal_changes") return "the camera zooms";
  return "the pictures do not tell";
}

}  // namespace

void Describe(OptionList* list, PointMaskOptions* options) {
  list->Field("strict_mask", &options->strict,
              "leave out every track that was masked in any frame, in all frames")
      .OnlyWith("mask_video");
  list->Field("mask_threshold", &options->threshold, {0, 255}, "STEPS",
              "pixels of the mask above this are left out")
      .OnlyWith("mask_video");
  list->Field("mask_dilation", &options->dilation, {0, 100}, "PIXELS",
              "and so many pixels around them")
      .OnlyWith("mask_video");
}

void CameraSolveOptions::CheckWith(const FovOptions& fov) const {
  Require(fov.xfov_file.empty(), Code::kInvalidArgument,
          "xfov_file is not used here: the camera has one field of view");
  Require(optimize_intrinsic || (!require_fov && !accept_weak_fov), Code::kInvalidArgument,
          "require_fov and accept_weak_fov belong to optimize_intrinsic");
}

void Describe(OptionList* list, CameraSolveOptions* options) {
  list->Section("camera");
  static const EnumNames<CameraMotion> motions = {{"auto", CameraMotion::kAuto},
                                                  {"free", CameraMotion::kFree},
                                                  {"rotation", CameraMotion::kRotation},
                                                  {"static", CameraMotion::kStatic}};
  list->Field("camera", &options->motion, motions,
              "how the camera may move: auto takes a turn about its centre where that alone "
              "explains the pictures");
  list->Field("scale_change", &options->scale_change, {0, 1, true, false}, "SHARE",
              "how much the scale of the depth changes from frame to frame; 0.1 for depth that was "
              "made frame by frame");
  list->Field("shift", &options->shift,
              "the depth may be off by a shift of 1 / depth too, as that of relative models");
  list->Field("optimize_intrinsic", &options->optimize_intrinsic,
              "find the field of view, if the motion of the camera tells it");
  list->Field("require_fov", &options->require_fov,
              "end with exit status 4 if it does not; off: keep the one that was given, and warn");
  list->Field("accept_weak_fov", &options->accept_weak_fov,
              "take a field of view that is known within 15 % only, not within 4 %");
  list->Field("seed", &options->seed, {0, 4294967295.0}, "N", "of random samples");
}

void DescribeCameraFiles(OptionList* list, std::string* output, std::string* camera,
                         std::string* report, std::string* xfovs, bool xfovs_always) {
  list->Field("output", output, "JSON",
              "camera-to-world matrix of each frame, or a folder for all files")
      .Output()
      .Default("<depth_video>_transformations.json");
  list->Field("camera_output", camera, "JSON", "the camera's intrinsics, or a folder")
      .Output()
      .Default("<depth_video>_camera.json");
  list->Field("report", report, "JSON", "how well each frame fits, or a folder")
      .Output()
      .Default("<depth_video>_alignment_report.json");
  list->Field("xfovs_output", xfovs, "JSON",
              "horizontal field of view of each frame in degrees, or a folder")
      .Output()
      .Default(xfovs_always ? "<depth_video>_xfovs.json" : "none");
}

std::string FurtherOutput(const std::string& given, const std::string& output) {
  std::error_code ignored;
  return given.empty() && std::filesystem::is_directory(output, ignored) ? output : given;
}

void CameraFiles::Stage(OutputSet* outputs) {
  const auto stage = [&](const std::string& name, std::optional<OutputTarget>* to) {
    if (!name.empty()) *to = outputs->AddFile(name);
  };
  stage(transformations, &transformations_to);
  stage(camera, &camera_to);
  stage(report, &report_to);
  stage(xfovs, &xfovs_to);
}

void ApplySolve(const CameraSolveOptions& solve, AlignmentOptions* to) {
  to->motion = solve.motion;
  to->scale_change = solve.scale_change;
  to->free_shift = solve.shift;
  to->optimize_focal = solve.optimize_intrinsic;
  to->accept_weak_focal = solve.accept_weak_fov;
  to->seed = static_cast<uint32_t>(solve.seed);
}

void TellFov(const CameraSolveOptions& solve, const CameraAlignment& found) {
  if (!found.focal) return;
  const FocalCalibration& focal = *found.focal;
  const auto degrees = [&](double fx) { return FormatFixed(XfovOf(found.camera, fx), 1); };
  std::string interval = "no 95 % interval";
  if (focal.low_fx > 0 && std::isfinite(focal.high_fx))
    interval = "95 % interval " + degrees(focal.high_fx) + ".." + degrees(focal.low_fx) + " deg";
  if (focal.accepted(solve.accept_weak_fov)) {
    const double change = std::fabs(focal.fx / focal.start_fx - 1);
    if (change > 0.02)
      LogWarning("the horizontal field of view is " + degrees(focal.fx) + " deg (" + interval +
                 "), not " + degrees(focal.start_fx) +
                 ": if the depth was made for that one, make it anew and repeat");
    return;
  }
  std::string text = "FOV not observable: " + std::string(WhyNot(focal.reason)) +
                     " (optical axes differ by " + FormatFixed(focal.axis_angle * kDegrees, 2) +
                     " deg at most)";
  if (focal.status == FocalStatus::kWeak)
    text = "FOV known roughly only: " + degrees(focal.fx) + " deg";
  if (focal.status == FocalStatus::kZoom) text = "FOV is not one for the clip: the camera zooms";
  text += "; " + interval;
  Require(!solve.require_fov, Code::kRefused, text);
  LogWarning(text + "; keeping " + degrees(focal.start_fx) + " deg");
}

std::string UnsurePath(double share) {
  const std::string known =
      share < kUnusablePath
          ? "is known to about " + FormatFixed(100 * share, 0) + " % of its length only"
          : "cannot be known";
  return "the path of the camera " + known +
         ": the camera moves too little, or too few points are seen long enough";
}

std::string PathKnown(double share) {
  return share < kUnusablePath ? "known to " + FormatFixed(100 * share, 1) + " %" : "not known";
}

void AddPath(ToolReport* to, int64_t measured_frames, double uncertainty, int64_t unsure_frames) {
  const bool measured = measured_frames > 0;
  to->Add(
      "path_uncertainty",
      measured && std::isfinite(uncertainty) ? std::optional<double>(uncertainty) : std::nullopt,
      "motion: error to be expected of the camera's path, as a share of its length; half of "
      "the measured frames have no more");
  to->Add("unsure_frames", measured ? std::optional<int64_t>(unsure_frames) : std::nullopt,
          "motion: measured frames where that is above 0.05");
}

std::vector<double> TellPath(const CameraSolveOptions& solve, const TrackTable& tracks,
                             const std::vector<float>& depths, const CameraAlignment& found) {
  PathUncertaintyOptions options;
  options.noise_px = std::clamp(kCorrelatedTrackErrors * found.rms_px, 0.1, 100.0);
  const bool has_depth =
      std::any_of(depths.begin(), depths.end(), [](float depth) { return depth > 0; });
  if (has_depth) options.depth_sigma = AlignmentOptions().depth_sigma;
  std::vector<double> shares;
  bool any_known = false;
  std::string unknown;
  std::vector<std::string> warnings;
  for (size_t i = 0; i < found.shots.size(); ++i) {
    const AlignedShot& shot = found.shots[i];
    const double share = PathUncertainty(tracks, found, i, options);
    shares.push_back(share);
    any_known = any_known || (share > 0 ? share < kUnusablePath : shot.count > 2);
    const bool turns = shot.motion == CameraMotion::kRotation && shot.count > 2 &&
                       solve.motion == CameraMotion::kAuto;
    if (share <= kUnsurePath && !turns) continue;
    const std::string frames = found.shots.size() > 1
                                   ? "frames " + std::to_string(shot.first) + " to " +
                                         std::to_string(shot.first + shot.count - 1) + ": "
                                   : "";
    if (turns) {
      warnings.push_back(frames +
                         (shot.turn < kLeastTurn ? "the camera stands still" : "the camera turns") +
                         ", and nothing shows that it moves: its path has no length");
      continue;
    }
    warnings.push_back(frames + UnsurePath(share));
    if (!(share < kUnusablePath)) unknown = UnsurePath(share);
  }
  Require(unknown.empty() || any_known, Code::kRefused, unknown);
  for (const std::string& warning : warnings) LogWarning(warning);
  return shares;
}

void WriteCameraFiles(const CameraFiles& files, const CameraFacts& facts,
                      const CameraAlignment& found) {
  std::vector<Pose> poses;
  for (const AlignedFrame& frame : found.frames) poses.push_back(frame.world_from_cam);
  if (files.transformations_to) WriteTransformationsFile(*files.transformations_to, poses);
  const auto write = [](const OutputTarget& to, const json::Value& value) {
    WriteFile(to, json::Write(value, json::Layout::kPretty) + "\n");
  };
  if (files.camera_to) write(*files.camera_to, CameraJson(facts, found));
  if (files.report_to) write(*files.report_to, ReportJson(facts, found));
  if (files.xfovs_to)
    WriteFovFile(*files.xfovs_to,
                 std::vector<double>(found.frames.size(), found.camera.xfov_deg()));
}

CameraSolveReport SolveReport(const CameraAlignment& found, bool fov_asked,
                              const std::vector<double>& path_uncertainty) {
  CameraSolveReport report;
  report.frames = static_cast<int64_t>(found.frames.size());
  report.shots = static_cast<int64_t>(found.shots.size());
  for (const AlignedFrame& frame : found.frames) report.interpolated += frame.interpolated;
  int64_t longest = 0;
  for (size_t i = 0; i < found.shots.size(); ++i) {
    const AlignedShot& shot = found.shots[i];
    report.path_length += shot.path_length;
    if (shot.count <= longest) continue;
    longest = shot.count;
    report.motion = CameraMotionName(shot.motion);
    report.path_uncertainty = std::nullopt;
    if (shot.motion == CameraMotion::kFree && i < path_uncertainty.size())
      report.path_uncertainty = path_uncertainty[i];
  }
  report.rms_px = found.rms_px;
  report.held_out_rms_px = found.held_out_rms_px;
  report.xfov_deg = found.camera.xfov_deg();
  report.fov_status = fov_asked && found.focal ? FocalStatusName(found.focal->status) : "given";
  return report;
}

void DescribeSolve(ToolReport* to, const CameraSolveReport& report) {
  to->summary = "camera " + report.motion + ", path " + FormatFixed(report.path_length, 2) + " m" +
                (report.path_uncertainty ? " (" + PathKnown(*report.path_uncertainty) + ")" : "") +
                ", " + FormatFixed(report.rms_px, 2) + " px, FOV " +
                FormatFixed(report.xfov_deg, 2) + " deg (" + report.fov_status + ")";
  if (report.shots > 1) to->summary += ", " + CountOf(report.shots, "shot");
  if (report.interpolated > 0)
    to->summary += ", " + CountOf(report.interpolated, "frame") + " interpolated";
  to->Add("shots", report.shots, "each has a world of its own");
  to->Add("interpolated", report.interpolated, "frames that could not be placed");
  to->Add("motion", report.motion, "of the longest shot: free, rotation or static");
  to->Add("path_length", report.path_length, "metres");
  to->Add("path_uncertainty",
          report.path_uncertainty && std::isfinite(*report.path_uncertainty)
              ? report.path_uncertainty
              : std::nullopt,
          "error to be expected of the path of the longest shot, as a share of its length");
  to->Add("rms_px", report.rms_px, "pixels, of the points that fit");
  to->Add("held_out_rms_px", report.held_out_rms_px, "pixels, of sightings that took no part");
  to->Add("xfov", report.xfov_deg, "degrees");
  to->Add("fov_status", report.fov_status,
          "given, or how well the motion tells it: observable, weak, not_observable, zoom");
}

}  // namespace mdvt
