// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/eval_depth.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/flow_finder.h"
#include "pipeline/job_common.h"
#include "pipeline/score_report.h"

namespace mdvt {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Item {
  Image depth, truth, picture;  // the last two may be empty
  int64_t index = 0;
  std::shared_ptr<const FlowPair> flow;  // to the frame before; null at a cut
  bool cut = false;
};

DepthView ViewOf(const Image& image) { return image.empty() ? DepthView() : image.Plane<float>(); }

// One run over a clip: depth, and with it what else is there, in step.
class ClipReader {
 public:
  ClipReader(const EvalDepthJobOptions& options, const std::string& path, bool with_pictures,
             ThreadPool* pool)
      : options_(options),
        depth_(path, DepthReaderOptions(options.depth, options.job.limits, pool)) {
    if (!options.truth_video.empty()) {
      DepthVideoReaderOptions truth = DepthReaderOptions(options.truth, options.job.limits, pool);
      truth.max_depth_name = "--truth_max_depth";
      truth_.emplace(options.truth_video, truth);
      RequireSize(truth_->info());
    }
    if (with_pictures && !options.color_video.empty()) {
      VideoReaderOptions color = ReaderOptions(options.job, pool);
      color.format = PixelFormat::Rgb(8);
      color_.emplace(options.color_video, color);
      RequireSize(color_->info());
    }
  }

  const DepthVideoReader& depth() const { return depth_; }
  const DepthVideoReader* truth() const { return truth_ ? &*truth_ : nullptr; }

  std::optional<Item> Read() {
    if (options_.job.max_frames >= 0 && frames_ >= options_.job.max_frames) return std::nullopt;
    std::optional<DepthFrame> depth = depth_.Read();
    std::optional<DepthFrame> truth;
    std::optional<Frame> picture;
    if (truth_)
      RequireStep(depth.has_value(), (truth = truth_->Read()).has_value(), truth_->info());
    if (color_)
      RequireStep(depth.has_value(), (picture = color_->Read()).has_value(), color_->info());
    if (!depth) return std::nullopt;
    Item item;
    item.depth = std::move(depth->depth);
    if (truth) item.truth = std::move(truth->depth);
    if (picture) item.picture = std::move(picture->image);
    item.index = frames_++;
    return item;
  }

 private:
  void RequireSize(const VideoInfo& other) const {
    const VideoInfo& own = depth_.info();
    Require(own.width == other.width && own.height == other.height, Code::kCorrupt,
            "'" + own.path + "' is " + FormatSize(own.width, own.height) + ", '" + other.path +
                "' is " + FormatSize(other.width, other.height) + ": they must have the same size");
  }
  void RequireStep(bool depth, bool other, const VideoInfo& info) const {
    Require(depth == other, Code::kCorrupt,
            "'" + (depth ? info.path : depth_.info().path) + "' ends after " +
                CountOf(frames_, "frame") + ", '" + (depth ? depth_.info().path : info.path) +
                "' goes on: they must have the same length (or end both with --max_frames)");
  }

  const EvalDepthJobOptions& options_;
  DepthVideoReader depth_;
  std::optional<DepthVideoReader> truth_;
  std::optional<VideoReader> color_;
  int64_t frames_ = 0;
};

// Adds flow to items.
class WithFlow {
 public:
  WithFlow(bool cuts, ThreadPool* pool)
      : cuts_(cuts), flow_(std::make_unique<FlowFinder>(FlowEffort::kBalanced, pool)) {}

  Item operator()(Item item) {
    if (item.picture.empty()) return item;
    ColorInfo color;
    color.full_range = true;
    const Image luma = converter_.Convert(
        item.picture, ResolveColor(color, PixelFormat::Rgb(8), item.picture.height()),
        PixelFormat::Gray(8));
    item.flow = flow_->Next(luma, cuts_ ? &item.cut : nullptr);
    if (item.cut) item.flow.reset();
    return item;
  }

 private:
  bool cuts_;
  ColorConverter converter_;
  std::unique_ptr<FlowFinder> flow_;
};

class EvalDepthJob {
 public:
  EvalDepthJob(const EvalDepthJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.depth_video, "_scores.json")),
        outputs_(options.job.overwrite) {
    AddInputs(&outputs_, options);
    json_.emplace(outputs_.AddFile(output_));
    if (!options.html_output.empty()) html_.emplace(outputs_.AddFile(options.html_output));
    if (!options.table_output.empty()) table_.emplace(outputs_.AddFile(options.table_output));
    poses_ = ClipPoses(options.transformation_file, std::nullopt, options.job.limits);
  }

  EvalDepthReport Run() {
    EvalDepthReport report;
    report.output = output_;
    report.scores = Score(options_.depth_video, &report);
    if (!options_.baseline_video.empty()) report.baseline = Score(options_.baseline_video, nullptr);
    WriteFile(*json_, ScoresToJson(report, options_));
    if (html_) WriteFile(*html_, ScoresToHtml(report, options_));
    if (table_) WriteFile(*table_, ScoresToTable(report));
    outputs_.CommitAll();
    return report;
  }

 private:
  bool MeasuresTae() const { return !options_.transformation_file.empty(); }

  DepthTransform FitClip(const std::string& path) {
    AlignmentFit fit(options_.alignment, options_.range);
    if (options_.alignment == DepthAlignment::kNone || options_.span == AlignmentSpan::kFrame)
      return DepthTransform();
    ClipReader reader(options_, path, false, graph_.pool());
    graph_.Into(graph_.From([&] { return reader.Read(); }),
                [&](const Item& item) { fit.Add(ViewOf(item.depth), ViewOf(item.truth)); });
    graph_.Run("alignment", Expected(reader));
    return fit.Solve();
  }

  int64_t Expected(const ClipReader& reader) const {
    return ExpectedFrames(reader.depth().info().estimated_frames, 0, options_.job.max_frames);
  }

  DepthScores Score(const std::string& path, EvalDepthReport* report) {
    DepthScores scores;
    scores.path = path;
    scores.alignment = FitClip(path);
    ClipReader reader(options_, path, true, graph_.pool());
    const VideoInfo& info = reader.depth().info();
    std::optional<ClipCamera> camera;
    if (MeasuresTae()) {
      const DepthTags tags =
          reader.truth() != nullptr && reader.truth()->tags().CameraFor(info.width, info.height)
              ? reader.truth()->tags()
              : reader.depth().tags();
      camera.emplace(options_.fov, tags, info.width, info.height, info.sample_aspect,
                     options_.job.limits);
    }
    const bool has_truth = reader.truth() != nullptr, has_color = !options_.color_video.empty();
    const double fps = info.frame_rate.IsPositive() ? info.frame_rate.ToDouble() : 24;
    AccuracyScores accuracy(options_.range);
    EdgeScores edges(options_.edge_step, options_.edge_reach);
    TaeScores tae(options_.tae, options_.range);
    TemporalScores temporal(fps);
    double opw = 0;
    Image aligned(PixelFormat::GrayF32(), info.width, info.height);
    Image disparity[2] = {Image(PixelFormat::GrayF32(), info.width, info.height),
                          Image(PixelFormat::GrayF32(), info.width, info.height)};
    Image picture_before;
    auto items = graph_.Then(graph_.From([&] { return reader.Read(); }),
                             WithFlow(options_.cuts, graph_.pool()));
    graph_.Into(std::move(items), [&](const Item& item) {
      DepthTransform transform = scores.alignment;
      if (options_.alignment != DepthAlignment::kNone && options_.span == AlignmentSpan::kFrame) {
        AlignmentFit fit(options_.alignment, options_.range);
        fit.Add(ViewOf(item.depth), ViewOf(item.truth));
        transform = fit.Solve();
      }
      transform.Apply(ViewOf(item.depth), aligned.MutablePlane<float>());
      if (has_truth) {
        AccuracyScores of_frame(options_.range);
        of_frame.Add(ViewOf(aligned), ViewOf(item.truth));
        const AccuracyResult one = of_frame.Result();
        scores.abs_rel_of_frames.push_back(one.pixels > 0 ? one.abs_rel : kNan);
        accuracy.Add(ViewOf(aligned), ViewOf(item.truth));
        edges.Add(ViewOf(aligned), ViewOf(item.truth));
      }
      if (camera)
        tae.Add(ViewOf(aligned), ViewOf(item.truth), camera->At(item.index), poses_.At(item.index),
                item.cut);
      if (has_color) {
        Image& now = disparity[item.index % 2];
        ToDisparity(ViewOf(aligned), now.MutablePlane<float>());
        TemporalFrame frame{std::as_const(now).Plane<float>(), item.picture.view(),
                            item.flow.get()};
        if (item.flow) opw += Opw(item, now, disparity[1 - item.index % 2], picture_before);
        temporal.Add(frame);
        picture_before = item.picture;
      }
    });
    graph_.Run("scores", Expected(reader));
    const int64_t frames = graph_.frames_done();
    Require(frames > 0, Code::kCorrupt, "'" + path + "' has no frames");
    if (has_truth) {
      scores.accuracy = accuracy.Result();
      Require(scores.accuracy->pixels > 0, Code::kCorrupt,
              "no pixel of '" + path + "' and '" + options_.truth_video +
                  "' has depth in both, there is nothing to compare");
      scores.edges = edges.Result();
    }
    if (camera) {
      scores.tae = tae.Result();
      scores.tae_of_pairs = tae.of_pairs();
    }
    if (has_color) {
      const TemporalResult result = temporal.Finish();
      if (result.pairs > 0) {  // one frame has no score over time
        scores.temporal = result;
        scores.opw = opw / static_cast<double>(frames);
      }
    }
    if (report != nullptr) {
      report->frames = frames;
      report->width = info.width;
      report->height = info.height;
    }
    return scores;
  }

  // NaN where there is no data; the original has no such thing: 0 there.
  static void ToDisparity(const DepthView& depth, PlaneView<float> disparity) {
    for (int y = 0; y < depth.height; ++y)
      for (int x = 0; x < depth.width; ++x) {
        const float z = depth.At(x, y);
        disparity.At(x, y) = z > 0 ? 1 / z : std::numeric_limits<float>::quiet_NaN();
      }
  }

  double Opw(const Item& item, const Image& now, const Image& before,
             const Image& picture_before) const {
    const auto known = [](const Image& map) {
      Image copy = map.Clone();
      const PlaneView<float> plane = copy.MutablePlane<float>();
      for (int y = 0; y < plane.height; ++y)
        for (int x = 0; x < plane.width; ++x)
          if (!std::isfinite(plane.At(x, y))) plane.At(x, y) = 0;
      return copy;
    };
    const Image a = known(now), b = known(before);
    return OriginalOpw(a.Plane<float>(), b.Plane<float>(), item.picture.view(),
                       picture_before.view(), item.flow->ToBefore().there);
  }

  const EvalDepthJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> json_, html_, table_;
  PerFrame<Pose> poses_;
};

}  // namespace

void Describe(OptionList* list, EvalDepthJobOptions* options) {
  list->Field("depth_video", &options->depth_video, "FILE", "depth video to score")
      .Input(true)
      .Required();
  list->Field("truth_video", &options->truth_video, "FILE", "true depth video of the same frames")
      .Input(true);
  list->Field("color_video", &options->color_video, "FILE",
              "color video of the same frames, for scores over time")
      .Input(true);
  list->Field("transformation_file", &options->transformation_file, "JSON",
              "the camera's true path, for the temporal alignment error")
      .Input();
  list->Field("baseline_video", &options->baseline_video, "FILE",
              "another depth video of the same frames to compare with")
      .Input(true);
  list->Field("output", &options->output, "JSON", "scores, or a folder")
      .Output()
      .Default("<depth_video>_scores.json");
  list->Field("html_output", &options->html_output, "HTML", "write a page with plots too").Output();
  list->Field("table_output", &options->table_output, "TXT", "write a table too").Output();
  Describe(list, &options->depth);
  Describe(list, &options->truth, "truth_", "the true depth video");
  for (const char* name : {"truth_max_depth", "truth_encoding"})
    list->Refine(name).OnlyWith("truth_video");
  list->Section("scores");
  static const EnumNames<DepthAlignment> alignments = {{"none", DepthAlignment::kNone},
                                                       {"scale", DepthAlignment::kScale},
                                                       {"disparity", DepthAlignment::kDisparity},
                                                       {"depth", DepthAlignment::kDepth}};
  list->Field("alignment", &options->alignment, alignments,
              "what is fitted before comparing: nothing; the median ratio; scale and shift of "
              "1 / depth, or of depth, by least squares")
      .OnlyWith("truth_video");
  static const EnumNames<AlignmentSpan> spans = {{"clip", AlignmentSpan::kClip},
                                                 {"frame", AlignmentSpan::kFrame}};
  list->Field("alignment_of", &options->span, spans,
              "one fit for the clip, or one for each frame, which hides flicker")
      .OnlyWith("alignment", {"scale", "disparity", "depth"});
  list->Field("truth_near", &options->range.least, {0, 1e6}, "METRES",
              "nearer truth is not looked at")
      .OnlyWith("truth_video");
  list->Field("truth_far", &options->range.most, {0, 1e6, true, false}, "METRES",
              "farther truth is not looked at")
      .OnlyWith("truth_video");
  static const EnumNames<TaeVariant> variants = {{"fixed", TaeVariant::kFixed},
                                                 {"splat", TaeVariant::kSplat}};
  list->Field(
          "tae", &options->tae, variants,
          "temporal alignment error between pixels and without what is hidden, or to the nearest "
          "pixel as it was published")
      .OnlyWith("transformation_file");
  list->Field("edge_step", &options->edge_step, {0, 10, true, false}, "SHARE",
              "neighbouring depths that differ by more are an edge")
      .OnlyWith("truth_video");
  list->Field("edge_reach", &options->edge_reach, {0, 16}, "PIXELS",
              "how far an edge may lie from a true one")
      .OnlyWith("truth_video");
  list->Field("cuts", &options->cuts, "do not compare frames across hard cuts")
      .Switch()
      .OnlyWith("color_video");
  Describe(list, &options->fov, "from the true depth file, else from the depth file");
  Describe(list, &options->job);
}

void EvalDepthJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(!truth_video.empty() || !color_video.empty() || !transformation_file.empty(),
          Code::kInvalidArgument,
          "there is nothing to score against: give truth_video, color_video, or both");
  Require(alignment == DepthAlignment::kNone || !truth_video.empty(), Code::kInvalidArgument,
          "an alignment needs truth_video");
  Require(range.least < range.most, Code::kInvalidArgument,
          "truth_near must be less than truth_far");
  Require(!transformation_file.empty() || fov.empty(), Code::kInvalidArgument,
          "a field of view belongs to transformation_file");
}

EvalDepthReport RunEvalDepthJob(const EvalDepthJobOptions& options, const RunControl& control) {
  options.Check();
  return EvalDepthJob(options, control).Run();
}

}  // namespace mdvt
