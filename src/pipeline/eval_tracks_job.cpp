// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_file.h"
#include "mdvt/pipeline/eval_tracks.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/clip_poses.h"
#include "pipeline/eval_tracks_settings.h"
#include "pipeline/first_frames.h"
#include "pipeline/html_text.h"
#include "pipeline/job_common.h"
#include "pipeline/track_cloud.h"

namespace mdvt {
namespace {

// Where the surface points that tracks first saw go, by depth and the camera's path.
class SurfaceTruth {
 public:
  SurfaceTruth(const EvalTracksJobOptions& options, const TrackTable& tracks,
               const DepthVideoReader& depth)
      : tracks_(tracks),
        hidden_by_(options.hidden_by),
        saturated_(SaturatedDepth(depth.codec())),
        camera_(options.fov, depth.tags(), depth.info().width, depth.info().height,
                depth.info().sample_aspect, options.job.limits),
        poses_(ClipPoses(options.transformation_file, std::nullopt, options.job.limits)),
        points_(tracks.num_tracks()) {}

  // Frames in order.
  void Add(const DepthView& depth) {
    const Camera camera = camera_.At(frame_);
    const Pose& world_from_cam = poses_.At(frame_);
    const Pose cam_from_world = world_from_cam.inverse();
    truth_.BeginFrame();
    for (const TrackSighting& sighting : tracks_.Frame(frame_)) {
      std::optional<Eigen::Vector3d>& point = points_[static_cast<size_t>(sighting.track)];
      if (point) continue;
      const float z = DepthBehind(depth, sighting.x, sighting.y, saturated_);
      // Without depth where it begins, nothing is known of it: it is left out for good.
      if (!(z > 0)) {
        point = Eigen::Vector3d::Constant(std::nan(""));
        continue;
      }
      point = world_from_cam * Unproject(camera, {sighting.x, sighting.y}, static_cast<double>(z));
    }
    for (size_t i = 0; i < points_.size(); ++i) {
      if (!points_[i] || !points_[i]->allFinite()) continue;
      const Eigen::Vector3d p = cam_from_world * *points_[i];
      if (!(p.z() > 1e-6)) continue;
      const Eigen::Vector2d at = Project(camera, p);
      if (!(at.x() >= 0 && at.y() >= 0 && at.x() < depth.width && at.y() < depth.height)) continue;
      const auto x = static_cast<float>(at.x()), y = static_cast<float>(at.y());
      const float seen = DepthBehind(depth, x, y, saturated_);
      if (seen > 0 && static_cast<double>(seen) < p.z() * (1 - hidden_by_)) continue;
      truth_.Add(tracks_.ids()[i], x, y, 1);
    }
    ++frame_;
  }
  TrackTable Finish() { return truth_.Finish(); }
  int64_t frames() const { return frame_; }

 private:
  const TrackTable& tracks_;
  double hidden_by_;
  float saturated_;
  ClipCamera camera_;
  PerFrame<Pose> poses_;
  std::vector<std::optional<Eigen::Vector3d>> points_;
  TrackTableBuilder truth_;
  int64_t frame_ = 0;
};

struct Figure {
  const char* name;
  const char* meaning;
  double value;
};

std::vector<Figure> Figures(const TrackMetrics& metrics) {
  return {
      {"average_jaccard", "AJ: right points over all visible or wrongly claimed ones",
       metrics.average_jaccard},
      {"delta_average", "visible points closer than 1, 2, 4, 8, 16 pixels of 256, on average",
       metrics.delta_average},
      {"occlusion_accuracy", "OA: points whose being seen or not is told right",
       metrics.occlusion_accuracy},
      {"survival", "share of its frames until a track is 50 pixels of 256 away", metrics.survival},
      {"median_error", "pixels of the video", metrics.median_error}};
}

std::string Table(const TrackMetrics& metrics) {
  std::string text;
  const auto line = [&](std::string name, const std::string& value, const std::string& meaning) {
    name.resize(22, ' ');
    text += name + std::string(10 - std::min<size_t>(10, value.size()), ' ') + value + "  " +
            meaning + "\n";
  };
  for (const Figure& figure : Figures(metrics))
    line(figure.name, FormatFixed(figure.value, 4), figure.meaning);
  for (size_t t = 0; t < kTrackThresholds.size(); ++t) {
    const std::string threshold = std::to_string(kTrackThresholds[t]);
    line("delta_" + threshold, FormatFixed(metrics.delta[t], 4),
         "visible points closer than " + threshold + " of 256");
    line("jaccard_" + threshold, FormatFixed(metrics.jaccard[t], 4), "the same for AJ");
  }
  line("points", std::to_string(metrics.points), "points that counted");
  line("visible", std::to_string(metrics.visible), "of those, visible");
  line("tracks", std::to_string(metrics.tracks), "known tracks");
  line("missing", std::to_string(metrics.missing), "of those, not in the file");
  return text;
}

json::Value ToJson(const TrackMetrics& metrics, TrackQuery query) {
  json::Value root =
      json::Value::Members{{"query", query == TrackQuery::kFirst ? "first" : "strided"}};
  for (const Figure& figure : Figures(metrics)) root[figure.name] = figure.value;
  root["thresholds"] = std::vector<int>(kTrackThresholds.begin(), kTrackThresholds.end());
  root["delta"] = std::vector<double>(metrics.delta.begin(), metrics.delta.end());
  root["jaccard"] = std::vector<double>(metrics.jaccard.begin(), metrics.jaccard.end());
  root["points"] = metrics.points;
  root["visible"] = metrics.visible;
  root["tracks"] = metrics.tracks;
  root["missing"] = metrics.missing;
  return root;
}

std::string Curve(const std::array<double, 5>& values, const char* color) {
  std::string points;
  for (size_t t = 0; t < values.size(); ++t)
    points += FormatFixed(60 + 110 * static_cast<double>(t), 0) + "," +
              FormatFixed(270 - 240 * values[t], 1) + " ";
  return "<polyline points=\"" + points + "\" fill=\"none\" stroke=\"" + color +
         "\" stroke-width=\"3\"/>\n";
}

std::string Page(const TrackMetrics& metrics, const std::string& title) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Tracks</title>\n"
      "<style>body{font:16px sans-serif;margin:2em}pre{font-size:14px}</style>\n<h1>" +
      HtmlText(title) +
      "</h1>\n<svg viewBox=\"0 0 560 320\" width=\"560\" height=\"320\" role=\"img\" "
      "aria-label=\"Shares over thresholds\">\n";
  for (int tenth = 0; tenth <= 10; tenth += 2) {
    const std::string y = FormatFixed(270 - 24.0 * tenth, 0);
    page += "<line x1=\"60\" x2=\"500\" y1=\"" + y + "\" y2=\"" + y +
            "\" stroke=\"#ddd\"/><text x=\"20\" y=\"" + y + "\">" + FormatFixed(tenth / 10.0, 1) +
            "</text>\n";
  }
  for (size_t t = 0; t < kTrackThresholds.size(); ++t)
    page += "<text x=\"" + FormatFixed(55 + 110 * static_cast<double>(t), 0) + "\" y=\"292\">" +
            std::to_string(kTrackThresholds[t]) + "</text>\n";
  page += Curve(metrics.delta, "#0072b2") + Curve(metrics.jaccard, "#d55e00");
  page +=
      "<text x=\"330\" y=\"240\" fill=\"#0072b2\">closer than (delta)</text>\n"
      "<text x=\"330\" y=\"260\" fill=\"#d55e00\">right of all (Jaccard)</text>\n"
      "<text x=\"210\" y=\"314\">pixels of 256 x 256</text>\n</svg>\n<pre>";
  return page + HtmlText(Table(metrics)) + "</pre>\n</html>\n";
}

class EvalTracksJob {
 public:
  EvalTracksJob(const EvalTracksJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        tracks_(ReadTrackFile(options.track_file, options.job.limits)) {}

  EvalTracksReport Run() {
    int width = options_.width.value_or(0), height = options_.height.value_or(0);
    TrackTable truth;
    if (!options_.truth_file.empty()) {
      truth = ReadTrackFile(options_.truth_file, options_.job.limits);
      FitPicture(&truth, options_.truth_file, width, height);
      FitPicture(&tracks_, options_.track_file, width, height);
    } else {
      truth = TruthOfDepth(&width, &height);
    }
    Require(truth.num_sightings() > 0, Code::kRefused,
            "there is nothing to compare with: no point is known");
    if (options_.job.max_frames >= 0) {
      tracks_.ResizeFrames(std::min(tracks_.num_frames(), options_.job.max_frames));
      truth.ResizeFrames(std::min(truth.num_frames(), options_.job.max_frames));
    }
    EvalTracksReport report;
    report.metrics = EvaluateTracks(truth, tracks_, width, height, options_.query);
    Require(report.metrics.points > 0, Code::kRefused,
            "there is nothing to compare: no known track goes on after its first frame");
    Require(report.metrics.missing < report.metrics.tracks, Code::kRefused,
            "'" + options_.track_file + "' and '" + options_.truth_file +
                "' have no id in common: they must follow the same points");
    report.frames = std::max(truth.num_frames(), tracks_.num_frames());
    report.output = EvalTracksOutput(options_);
    WriteFile(target_,
              json::Write(ToJson(report.metrics, options_.query), json::Layout::kPretty) + "\n");
    if (table_target_) WriteFile(*table_target_, Table(report.metrics));
    if (page_target_) WriteFile(*page_target_, Page(report.metrics, FileName(options_.track_file)));
    outputs_.CommitAll();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.save_table.empty()) table_target_ = outputs_.AddFile(options_.save_table);
    if (!options_.save_html.empty()) page_target_ = outputs_.AddFile(options_.save_html);
    return outputs_.AddFile(EvalTracksOutput(options_));
  }

  static void FitPicture(TrackTable* tracks, const std::string& path, int width, int height) {
    try {
      tracks->FitPicture(width, height);
    } catch (const Error& error) {
      throw Error(Code::kCorrupt, "tracking file '" + path + "': " + error.what());
    }
  }

  TrackTable TruthOfDepth(int* width, int* height) {
    DepthVideoReader depth(options_.depth_video,
                           DepthReaderOptions(options_.depth, options_.job.limits, graph_.pool()));
    *width = depth.info().width;
    *height = depth.info().height;
    FitPicture(&tracks_, options_.track_file, *width, *height);
    SurfaceTruth truth(options_, tracks_, depth);
    auto frames = graph_.From(FirstFrames(&depth, options_.job.max_frames, graph_.pool()));
    graph_.Into(graph_.Map(std::move(frames),
                           [&truth](const DepthFrame& frame) {
                             truth.Add(frame.depth.Plane<float>());
                             return 0;
                           }),
                [](int) {});
    graph_.Run("evaluation",
               ExpectedFrames(depth.info().estimated_frames, 0, options_.job.max_frames));
    int64_t last = tracks_.num_frames();
    while (last > 0 && tracks_.Frame(last - 1).empty()) --last;
    Require(options_.job.max_frames >= 0 || last <= truth.frames(), Code::kCorrupt,
            "tracking file '" + options_.track_file + "' has points in frame " +
                std::to_string(last - 1) + ", the depth video '" + options_.depth_video +
                "' holds " + CountOf(truth.frames(), "frame") +
                ": they must belong to the same video");
    tracks_.ResizeFrames(truth.frames());
    return truth.Finish();
  }

  const EvalTracksJobOptions& options_;
  Graph graph_;
  OutputSet outputs_;
  std::optional<OutputTarget> table_target_;
  std::optional<OutputTarget> page_target_;
  OutputTarget target_;
  TrackTable tracks_;
};

}  // namespace

std::string EvalTracksOutput(const EvalTracksJobOptions& options) {
  return OutputName(options.output, options.track_file, "_eval.json");
}

void Describe(OptionList* list, EvalTracksJobOptions* options) {
  list->Field("track_file", &options->track_file, "JSON", "tracks to measure").Input().Required();
  list->Field("output", &options->output, "JSON", "figures, or a folder")
      .Output()
      .Default("<track_file>_eval.json");
  list->Field("save_table", &options->save_table, "FILE", "write the figures as text too").Output();
  list->Field("save_html", &options->save_html, "FILE", "write them as a page with a plot too")
      .Output();
  static const EnumNames<TrackQuery> queries = {{"first", TrackQuery::kFirst},
                                                {"strided", TrackQuery::kStrided}};
  list->Field("query", &options->query, queries,
              "first: a track counts from where it is first seen; strided: all of it, once for "
              "every fifth frame in which it is seen");
  list->Section("truth");
  const Range side{1, 16384};
  list->Field("truth_file", &options->truth_file, "JSON",
              "known tracks of the same ids; a frame that lacks one has it hidden")
      .Input()
      .Excludes("depth_video");
  list->Field("width", &options->width, side, "PIXELS", "of the video").OnlyWith("truth_file");
  list->Field("height", &options->height, side, "PIXELS", "of the video").OnlyWith("truth_file");
  list->Field("depth_video", &options->depth_video, "FILE",
              "true depth: tracks should stay on the surface points that they first saw")
      .Input();
  list->Field("transformation_file", &options->transformation_file, "JSON",
              "the true path of the camera")
      .Input()
      .OnlyWith("depth_video");
  list->Field("hidden_by", &options->hidden_by, {0, 1, true, true}, "SHARE",
              "a point is hidden behind a surface that is nearer by more than this")
      .OnlyWith("depth_video");
  Describe(list, &options->fov, "from the depth file");
  Describe(list, &options->depth);
  Describe(list, &options->job);
}

void EvalTracksJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(truth_file.empty() != depth_video.empty(), Code::kInvalidArgument,
          "give what is true: --truth_file, or --depth_video with --transformation_file");
  Require(truth_file.empty() || (width && height), Code::kInvalidArgument,
          "truth_file needs the size of the video: give --width and --height");
  Require(depth_video.empty() || !transformation_file.empty(), Code::kInvalidArgument,
          "depth_video needs the path of the camera: give --transformation_file");
  Require(!depth_video.empty() || (fov.empty() && !depth.max_depth && !depth.encoding),
          Code::kInvalidArgument, "field of view, max_depth and encoding belong to depth_video");
}

EvalTracksReport RunEvalTracksJob(const EvalTracksJobOptions& options, const RunControl& control) {
  options.Check();
  return EvalTracksJob(options, control).Run();
}

}  // namespace mdvt
