// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/text_file.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/trajectory_file.h"
#include "mdvt/pipeline/eval_trajectory.h"
#include "pipeline/job_common.h"
#include "pipeline/trajectory_page.h"

namespace mdvt {
namespace {

constexpr double kDegrees = 180 / M_PI;

bool IsJson(const std::string& path) {
  return path.size() >= 5 && path.compare(path.size() - 5, 5, ".json") == 0;
}

struct PathFile {
  std::vector<TimedPose> poses;
  bool timed = false;
};

PathFile ReadPath(const std::string& path, double fps, const Limits& limits) {
  PathFile file;
  file.timed = !IsJson(path);
  if (file.timed) {
    file.poses = ReadTumFile(path, limits);
  } else {
    for (const Pose& pose : ReadTransformationsFile(path, limits))
      file.poses.push_back({static_cast<double>(file.poses.size()) / fps, pose});
  }
  Require(!file.poses.empty(), Code::kCorrupt, "'" + path + "' holds no poses");
  return file;
}

class EvalJob {
 public:
  explicit EvalJob(const EvalTrajectoryJobOptions& options)
      : options_(options), outputs_(options.job.overwrite) {
    AddInputs(&outputs_, options);
    report_.output = OutputName(options.output, options.estimate, "_eval.json");
    json_ = outputs_.AddFile(report_.output);
    if (!options.table.empty()) table_ = outputs_.AddFile(options.table);
    if (!options.html.empty()) html_ = outputs_.AddFile(options.html);
  }

  EvalTrajectoryReport Run() {
    Pair();
    const auto second = static_cast<int64_t>(std::lround(options_.fps));
    std::vector<int64_t> gaps = {1};
    if (second > 1) gaps.push_back(second);
    report_.error = CompareTrajectories(estimate_, reference_, gaps);
    if (report_.error.degenerate)
      LogWarning(
          "the cameras' places lie on a line or at one point: they are aligned by their "
          "rotations");
    if (!options_.camera.empty()) CompareFocal();
    WriteFile(*json_, json::Write(Json(), json::Layout::kPretty) + "\n");
    const std::vector<TrajectoryFigure> figures = Figures();
    if (table_) WriteFile(*table_, TrajectoryTable(figures));
    if (html_)
      WriteFile(*html_, TrajectoryPage(FileName(options_.estimate), FileName(options_.reference),
                                       figures, estimate_, reference_, report_.error));
    outputs_.CommitAll();
    return report_;
  }

 private:
  void Pair() {
    const PathFile estimate = ReadPath(options_.estimate, options_.fps, options_.job.limits);
    const PathFile reference = ReadPath(options_.reference, options_.fps, options_.job.limits);
    report_.estimate_frames = static_cast<int64_t>(estimate.poses.size());
    report_.reference_frames = static_cast<int64_t>(reference.poses.size());
    const size_t most = options_.job.max_frames > 0 ? static_cast<size_t>(options_.job.max_frames)
                                                    : std::numeric_limits<size_t>::max();
    const auto add = [&](const TimedPose& a, const TimedPose& b) {
      estimate_.push_back(a.world_from_cam);
      reference_.push_back(b.world_from_cam);
    };
    if (estimate.timed && reference.timed) {
      size_t at = 0;
      for (const TimedPose& pose : estimate.poses) {
        while (at + 1 < reference.poses.size() &&
               std::fabs(reference.poses[at + 1].seconds - pose.seconds) <=
                   std::fabs(reference.poses[at].seconds - pose.seconds))
          ++at;
        if (std::fabs(reference.poses[at].seconds - pose.seconds) < options_.max_time_difference &&
            estimate_.size() < most)
          add(pose, reference.poses[at]);
      }
    } else {
      for (size_t i = 0; i < std::min({estimate.poses.size(), reference.poses.size(), most}); ++i)
        add(estimate.poses[i], reference.poses[i]);
    }
    Require(!estimate_.empty(), Code::kCorrupt,
            "no times of '" + options_.estimate + "' and '" + options_.reference +
                "' belong together (see max_time_difference)");
    const size_t possible = std::min(most, std::max(estimate.poses.size(), reference.poses.size()));
    if (estimate_.size() < possible)
      LogWarning("'" + options_.estimate + "' has " + CountOf(report_.estimate_frames, "pose") +
                 ", '" + options_.reference + "' " + std::to_string(report_.reference_frames) +
                 ": " + std::to_string(estimate_.size()) + " are compared");
  }

  void CompareFocal() {
    const std::string text = ReadTextFile(options_.camera, "camera file", options_.job.limits);
    const json::Value camera = json::Parse(text, options_.job.limits, "'" + options_.camera + "'");
    const auto number = [&](const json::Value& in, const char* key) {
      const json::Value* value = in.Find(key);
      Require(value != nullptr && value->is_number(), Code::kCorrupt,
              "'" + options_.camera + "' has no number '" + std::string(key) + "'");
      return value->AsDouble();
    };
    FocalError error;
    error.fx = number(camera, "fx");
    const double width = number(camera, "width");
    Require(error.fx > 0 && width > 0, Code::kCorrupt,
            "'" + options_.camera + "': fx and width must be above 0");
    const auto focal = [&](double xfov) { return width / (2 * std::tan(xfov / 2 / kDegrees)); };
    error.reference_fx = focal(*options_.reference_xfov);
    error.relative = std::fabs(error.fx / error.reference_fx - 1);
    error.log = std::fabs(std::log(error.fx / error.reference_fx));
    if (const json::Value* fov = camera.Find("fov")) {
      const json::Value* low = fov->Find("xfov_low");
      const json::Value* high = fov->Find("xfov_high");
      if (low != nullptr && high != nullptr && low->is_number() && high->is_number())
        error.covered = *options_.reference_xfov >= low->AsDouble() &&
                        *options_.reference_xfov <= high->AsDouble();
    }
    report_.focal = error;
  }

  std::vector<TrajectoryFigure> Figures() const {
    const TrajectoryError& e = report_.error;
    const auto metres = [](double value) { return FormatFixed(value, 4) + " m"; };
    const auto degrees = [](double value) { return FormatFixed(value, 3) + " deg"; };
    const auto percent = [&](double value) {
      return e.path_length > 0
                 ? " (" + FormatFixed(100 * value / e.path_length, 3) + " % of the path)"
                 : std::string();
    };
    std::vector<TrajectoryFigure> figures = {
        {"frames compared", std::to_string(e.frames)},
        {"path length", metres(e.path_length)},
        {"alignment", e.degenerate ? "by rotations: the places do not tell" : "by places"},
        {"ATE, with scale", metres(e.ate) + percent(e.ate)},
        {"ATE, without scale", metres(e.ate_rigid) + percent(e.ate_rigid)},
        {"scale of the alignment", FormatFixed(e.similarity.scale, 5)},
        {"largest distance", metres(e.largest)},
        {"rotation, mean", degrees(e.rotation_deg)},
        {"rotation, largest", degrees(e.largest_rotation_deg)}};
    for (const RelativePoseError& r : e.relative)
      figures.push_back({"RPE over " + CountOf(r.gap, "frame"),
                         metres(r.translation_rmse) + ", " + degrees(r.rotation_rmse_deg)});
    figures.push_back({"AUC at 5, 10, 20 deg", FormatFixed(e.auc[0], 4) + ", " +
                                                   FormatFixed(e.auc[1], 4) + ", " +
                                                   FormatFixed(e.auc[2], 4)});
    if (report_.focal) {
      std::string text = FormatFixed(100 * report_.focal->relative, 3) + " %";
      if (report_.focal->covered)
        text += *report_.focal->covered ? ", within the interval stated"
                                        : ", outside of the interval stated";
      figures.push_back({"focal length", text});
    }
    return figures;
  }

  json::Value Json() const {
    const TrajectoryError& e = report_.error;
    json::Value file = json::Value::Members{{"version", 1},
                                            {"estimate", FileName(options_.estimate)},
                                            {"reference", FileName(options_.reference)},
                                            {"frames", e.frames},
                                            {"path_length", e.path_length},
                                            {"degenerate", e.degenerate},
                                            {"ate_sim3", e.ate},
                                            {"ate_se3", e.ate_rigid},
                                            {"scale", e.similarity.scale},
                                            {"largest", e.largest},
                                            {"rotation_deg", e.rotation_deg},
                                            {"largest_rotation_deg", e.largest_rotation_deg}};
    json::Value relative = json::Value::Array{};
    for (const RelativePoseError& r : e.relative)
      relative.Add(json::Value::Members{{"gap", r.gap},
                                        {"pairs", r.pairs},
                                        {"translation_rmse", r.translation_rmse},
                                        {"rotation_rmse_deg", r.rotation_rmse_deg}});
    file["rpe"] = std::move(relative);
    file["auc"] = json::Value::Members{{"5", e.auc[0]}, {"10", e.auc[1]}, {"20", e.auc[2]}};
    if (report_.focal) {
      json::Value focal = json::Value::Members{{"fx", report_.focal->fx},
                                               {"reference_fx", report_.focal->reference_fx},
                                               {"relative", report_.focal->relative},
                                               {"log", report_.focal->log}};
      if (report_.focal->covered) focal["covered"] = *report_.focal->covered;
      file["focal"] = std::move(focal);
    }
    file["distance"] = json::Value(e.distance);
    file["angle_deg"] = json::Value(e.angle_deg);
    return file;
  }

  const EvalTrajectoryJobOptions& options_;
  OutputSet outputs_;
  std::optional<OutputTarget> json_, table_, html_;
  std::vector<Pose> estimate_, reference_;
  EvalTrajectoryReport report_;
};

}  // namespace

void Describe(OptionList* list, EvalTrajectoryJobOptions* options) {
  list->Field("estimate", &options->estimate, "FILE",
              "transformation file (.json) or TUM trajectory to judge")
      .Input()
      .Required();
  list->Field("reference", &options->reference, "FILE", "the same of the true path")
      .Input()
      .Required();
  list->Field("output", &options->output, "JSON", "all figures, or a folder")
      .Output()
      .Default("<estimate>_eval.json");
  list->Field("table", &options->table, "FILE", "write the figures as a table of text").Output();
  list->Field("html", &options->html, "FILE", "write a page with the figures and plots").Output();
  list->Field("fps", &options->fps, {0, 1000, true, false}, "FPS",
              "frames per second: how many make the second of the relative error")
      .Rate();
  list->Field("max_time_difference", &options->max_time_difference, {0, 1e6, true, false},
              "SECONDS", "two TUM trajectories: poses this near in time belong together");
  list->Field("camera", &options->camera, "JSON",
              "camera file of the estimate, to judge its focal length")
      .Input();
  list->Field("reference_xfov", &options->reference_xfov, {0, 180, true, true}, "DEGREES",
              "the true horizontal field of view")
      .OnlyWith("camera");
  Describe(list, &options->job);
}

void EvalTrajectoryJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(camera.empty() || reference_xfov, Code::kInvalidArgument,
          "camera needs reference_xfov, the true field of view");
}

EvalTrajectoryReport RunEvalTrajectoryJob(const EvalTrajectoryJobOptions& options,
                                          const RunControl&) {
  options.Check();
  return EvalJob(options).Run();
}

}  // namespace mdvt
