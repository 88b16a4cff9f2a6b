// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/find_scenes.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/find_scenes_settings.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/scene_starts.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr double kUsualContentThreshold = 27;
constexpr char kFrame[] = "Frame Number", kTimecode[] = "Timecode", kSeconds[] = "Time (seconds)",
               kAll[] = "content_val", kHue[] = "delta_hue", kValue[] = "delta_lum",
               kSaturation[] = "delta_sat", kLit[] = "lit_val", kRatio[] = "adaptive_ratio (w=2)";

// All frames of a film.
struct FilmScores {
  std::vector<ContentScore> scores;
  std::vector<double> seconds;  // since the first frame
};

class FindScenesJob {
 public:
  FindScenesJob(const FindScenesJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(SceneListOutput(options)),
        stats_output_(options.stats_file.empty() ? SceneStatsOutput(options) : ""),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())) {}

  FindScenesReport Run() {
    const FilmScores film = options_.stats_file.empty() ? Look() : Given();
    const auto frames = static_cast<int64_t>(film.scores.size());
    Require(frames > 0, Code::kCorrupt, "'" + options_.color_video + "' has no frames");
    std::vector<SceneRange> scenes(1);
    for (const int64_t cut :
         FindContentCuts(film.scores, film.seconds, options_.detect.Cuts(), options_.detect.rule)) {
      scenes.back().end = cut;
      scenes.push_back({cut});
    }
    scenes.back().end = frames;
    scenes = SplitScenes(scenes, options_.max_scene_frames);
    WriteSceneTable(file_, SceneTable::Of(scenes, reader_.info().frame_rate));
    if (stats_) WriteStats(film);
    outputs_.CommitAll();

    FindScenesReport report;
    report.frames = frames;
    report.output = output_;
    report.stats_output = stats_output_;
    report.scenes = static_cast<int64_t>(scenes.size());
    if (reader_.info().frame_rate.IsPositive())
      report.seconds = static_cast<double>(frames) / static_cast<double>(report.scenes) /
                       reader_.info().frame_rate.ToDouble();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!stats_output_.empty()) stats_ = outputs_.AddFile(stats_output_);
    return outputs_.AddFile(output_);
  }

  FilmScores Look() {
    const VideoInfo& info = reader_.info();
    const double tick = info.time_base.ToDouble();
    CutPictures pictures(info, info.format, graph_.pool());
    ContentScorer scorer;
    FilmScores film;
    auto frames = graph_.From(FirstFrames(&reader_, options_.job.max_frames));
    graph_.Into(std::move(frames), [&](const Frame& frame) {
      film.scores.push_back(scorer.Score(pictures.Make(frame.image).view()));
      film.seconds.push_back(static_cast<double>(frame.pts - info.start_pts) * tick);
    });
    graph_.Run("cuts", ExpectedFrames(info.estimated_frames, 0, options_.job.max_frames));
    return film;
  }

  FilmScores Given() {
    const SceneTable table = SceneTable::Read(options_.stats_file, 0, options_.job.limits);
    const Rational rate = reader_.info().frame_rate;
    Require(table.Has(kAll), Code::kCorrupt,
            "scores " + options_.stats_file + ": there is no column '" + kAll + "'");
    FilmScores film;
    for (size_t row = 0; row < table.rows(); ++row) {
      // PySceneDetect gives its first frame no score.
      const auto number = [&](const char* column, double otherwise) {
        const std::string cell = table.Cell(row, column);
        const std::optional<double> value = ParseDouble(cell);
        Require(cell.empty() || (value && *value >= 0 && *value < 1e9), Code::kCorrupt,
                "scores " + options_.stats_file + ": " + table.Where(row) + " has no number in '" +
                    column + "'");
        return value.value_or(otherwise);
      };
      ContentScore score;
      score.all = number(kAll, 0);
      score.lit = number(kLit, score.all);
      score.hue = number(kHue, 0);
      score.saturation = number(kSaturation, 0);
      score.value = number(kValue, 0);
      film.scores.push_back(score);
      const double index = static_cast<double>(row);
      film.seconds.push_back(
          number(kSeconds, rate.IsPositive() ? index / rate.ToDouble() : index / 25));
    }
    const int64_t frames = reader_.CountFrames();
    const auto rows = static_cast<int64_t>(film.scores.size());
    Require(rows == frames || rows == options_.job.max_frames, Code::kCorrupt,
            "scores " + options_.stats_file + " are of " + std::to_string(rows) + " frames, '" +
                options_.color_video + "' has " + std::to_string(frames) +
                ": they are of another film");
    return film;
  }

  void WriteStats(const FilmScores& film) {
    OutputFile file(*stats_);
    std::string names;
    for (const char* name :
         {kFrame, kTimecode, kSeconds, kAll, kHue, kValue, kSaturation, kLit, kRatio})
      names += (names.empty() ? "" : ",") + std::string(name);
    file.Write(names + "\n");
    const int neighbours = ContentCutOptions().neighbours;
    for (size_t i = 0; i < film.scores.size(); ++i) {
      const ContentScore& score = film.scores[i];
      const double around = NeighbourScore(film.scores, i, neighbours);
      std::string line = std::to_string(i + 1) + "," + SceneTimecode(film.seconds[i]);
      for (const double value : {film.seconds[i], score.all, score.hue, score.value,
                                 score.saturation, score.lit, around > 0 ? score.all / around : 0})
        line += "," + FormatDouble(value);
      file.Write(line + "\n");
    }
    file.Finish();
  }

  const FindScenesJobOptions& options_;
  Graph graph_;
  std::string output_;
  std::string stats_output_;  // empty: none
  OutputSet outputs_;
  std::optional<OutputTarget> stats_;
  OutputTarget file_;
  VideoReader reader_;
};

}  // namespace

std::string StemName(const std::string& video, const std::string& suffix) {
  const fs::path path(video);
  return (path.parent_path() / (path.stem().string() + suffix)).string();
}

std::string SceneListOutput(const FindScenesJobOptions& options) {
  const std::string usual = StemName(options.color_video, "-Scenes.csv");
  return options.output.empty() ? usual : OutputName(options.output, usual, "");
}

std::string SceneStatsOutput(const FindScenesJobOptions& options) {
  if (!options.stats_output.empty()) return options.stats_output;
  const fs::path name = fs::path(StemName(options.color_video, "-stats.csv")).filename();
  return (fs::path(SceneListOutput(options)).parent_path() / name).string();
}

ContentCutOptions SceneDetectOptions::Cuts() const {
  ContentCutOptions cuts;
  cuts.min_scene_seconds = min_scene_seconds;
  if (rule == ContentRule::kContent) {
    cuts.min_score = threshold.value_or(kUsualContentThreshold);
  } else {
    cuts.min_score = min_score;
    cuts.min_ratio = threshold.value_or(cuts.min_ratio);
  }
  cuts.Check();
  return cuts;
}

void Describe(OptionList* list, SceneDetectOptions* options) {
  static const EnumNames<ContentRule> rules = {{"auto", ContentRule::kLead},
                                               {"adaptive", ContentRule::kAdaptive},
                                               {"content", ContentRule::kContent}};
  list->Field("detector", &options->rule, rules,
              "auto: adaptive, but no flash or fade is a cut; adaptive: as PySceneDetect, where "
              "the change stands out from that of the frames around; content: as PySceneDetect, "
              "where it is large");
  list->Field("threshold", &options->threshold, {0, 1000}, "TIMES",
              "how many times the mean change of four frames around a cut has; content: the change "
              "itself, in 8-bit steps")
      .Default("3; content: 27");
  list->Field("min_content", &options->min_score, {0, 255}, "STEPS",
              "least change of a cut, in 8-bit steps")
      .OnlyWith("detector", {"auto", "adaptive"});
  list->Field("min_scene_len", &options->min_scene_seconds, {0, 3600}, "SECONDS",
              "least length of a scene");
}

void Describe(OptionList* list, FindScenesJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "film to look for scenes in")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "CSV", "list of scenes, or a folder")
      .Output()
      .Default("<color_video without ending>-Scenes.csv");
  Describe(list, &options->detect);
  list->Field("max_scene_frames", &options->max_scene_frames, {1, kUnlimitedWhole}, "FRAMES",
              "split longer scenes evenly")
      .Or(0, "none is split");
  list->Field("stats_output", &options->stats_output, "CSV", "the scores of each frame")
      .Output()
      .Default("<color_video without ending>-stats.csv beside the list");
  list->Field("stats_file", &options->stats_file, "CSV",
              "scores of an earlier run, of this program or of PySceneDetect, in place of decoding "
              "the film once more")
      .Input()
      .Excludes("stats_output");
  Describe(list, &options->job.reading);
  Describe(list, &options->job);
}

void FindScenesJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  detect.Cuts();
  Require(stats_file.empty() || stats_output.empty(), Code::kInvalidArgument,
          "scores are written or read, not both");
}

FindScenesReport RunFindScenesJob(const FindScenesJobOptions& options, const RunControl& control) {
  options.Check();
  return FindScenesJob(options, control).Run();
}

}  // namespace mdvt
