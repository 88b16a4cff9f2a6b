// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/find_convergence.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

struct MaskedDepth {
  Image depth;
  Image mask;  // empty without a mask video
  int64_t index = 0;
};

class FindConvergenceJob {
 public:
  FindConvergenceJob(const FindConvergenceJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(OutputName(options.output, options.depth_video, "_convergence_depths.json")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        depth_(options.depth_video,
               DepthReaderOptions(options.depth, options.job.limits, graph_.pool())),
        focus_(options.focus) {
    focus_.saturated = SaturatedDepth(depth_.codec());
    const VideoInfo& info = depth_.info();
    if (!options.mask_video.empty())
      mask_ = OpenMaskVideo(options.mask_video, info, options.job.limits, graph_.pool());
    if (options.HasBudget())
      camera_.emplace(options.fov, depth_.tags(), info.width, info.height, info.sample_aspect,
                      options.job.limits);
  }

  FindConvergenceReport Run() {
    graph_.IntoEach(Frames(), graph_.pool()->num_threads(),
                    [this] { return [this](const MaskedDepth& frame) { Measure(frame); }; });
    graph_.Run("convergence",
               ExpectedFrames(depth_.info().estimated_frames, 0, options_.job.max_frames));
    Require(!distances_.empty(), Code::kCorrupt, "'" + options_.depth_video + "' has no frames");
    WriteConvergenceFile(file_, distances_, options_.missing);
    if (confidence_file_) WriteConvergenceFile(*confidence_file_, confidences_);
    const FindConvergenceReport report = Report();
    if (report.unknown == report.frames)
      LogWarning(options_.mask_video.empty()
                     ? "no frame has a distance: nothing has depth short of the end of the range"
                     : "no frame has a distance: depth and the white of the mask share too few "
                       "pixels (see --min_share, --mask_threshold)");
    outputs_.CommitAll();
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.confidence_output.empty())
      confidence_file_ = outputs_.AddFile(options_.confidence_output);
    return outputs_.AddFile(output_);
  }

  Stream<MaskedDepth> Frames() {
    const int64_t most = options_.job.max_frames;
    auto depths = graph_.From(FirstFrames(&depth_, most));
    auto number = [next = int64_t{0}](Image depth, Image mask) mutable {
      return MaskedDepth{std::move(depth), std::move(mask), next++};
    };
    if (!mask_)
      return graph_.Map(std::move(depths), [number](DepthFrame depth) mutable {
        return number(std::move(depth.depth), Image());
      });
    return graph_.Map(graph_.Zip(std::move(depths), graph_.From(FirstFrames(&*mask_, most)),
                                 InStep("depth video '" + options_.depth_video + "'",
                                        "mask video '" + options_.mask_video + "'", most)),
                      [number](std::pair<DepthFrame, Frame> pair) mutable {
                        return number(std::move(pair.first.depth), std::move(pair.second.image));
                      });
  }

  void Measure(const MaskedDepth& frame) {
    const PlaneView<const uint8_t> mask =
        frame.mask.empty() ? PlaneView<const uint8_t>() : frame.mask.Plane<uint8_t>();
    FocusDepth focus = MeasureFocus(frame.depth.Plane<float>(), mask, focus_);
    if (camera_) {
      const Camera camera = camera_->At(frame.index);
      constexpr double kNoBound = std::numeric_limits<double>::infinity();
      ParallaxBudget budget;
      budget.focal_baseline = camera.fx * options_.pupillary_distance_mm / 1000 / camera.width;
      budget.max_in_front = options_.max_in_front ? *options_.max_in_front / 100 : kNoBound;
      budget.max_behind = options_.max_behind ? *options_.max_behind / 100 : kNoBound;
      focus.distance = WithinBudget(focus.distance, focus.nearest, focus.farthest, budget);
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto index = static_cast<size_t>(frame.index);
    if (distances_.size() <= index) {
      distances_.resize(index + 1);
      confidences_.resize(index + 1);
    }
    distances_[index] = focus.distance;
    confidences_[index] = focus.confidence;
  }

  FindConvergenceReport Report() const {
    FindConvergenceReport report;
    report.frames = static_cast<int64_t>(distances_.size());
    report.output = output_;
    std::vector<double> known;
    for (const double distance : distances_)
      if (!std::isnan(distance)) known.push_back(distance);
    report.unknown = report.frames - static_cast<int64_t>(known.size());
    if (!known.empty()) report.median = Median(&known);
    for (const double confidence : confidences_)
      report.confidence += confidence / static_cast<double>(report.frames);
    return report;
  }

  const FindConvergenceJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> confidence_file_;
  OutputTarget file_;
  DepthVideoReader depth_;
  std::optional<VideoReader> mask_;
  FocusOptions focus_;
  std::optional<ClipCamera> camera_;
  std::mutex mutex_;
  std::vector<double> distances_;
  std::vector<double> confidences_;
};

void DescribeFocus(OptionList* list, FocusOptions* focus) {
  static const EnumNames<FocusStatistic> statistics = {{"quantile", FocusStatistic::kQuantile},
                                                       {"mean", FocusStatistic::kMean},
                                                       {"upstream", FocusStatistic::kUpstream}};
  list->Field("statistic", &focus->statistic, statistics,
              "quantile or mean of 1 / depth; upstream: mean depth, as the original toolbox");
  list->Field("quantile", &focus->quantile, {0, 1}, "SHARE",
              "0.5: the median; more: nearer to the nearest point")
      .OnlyWith("statistic", {"quantile"});
  list->Field("center", &focus->center, "without a mask: the middle of the picture counts more")
      .Switch()
      .OnlyWith("statistic", {"quantile", "mean"});
  list->Field("mask_threshold", &focus->mask_threshold, {0, 255}, "STEPS",
              "pixels of the mask above this count")
      .OnlyWith("mask_video");
  list->Field("min_share", &focus->min_share, {0, 1}, "SHARE",
              "a frame with fewer pixels that count has no distance")
      .OnlyWith("statistic", {"quantile", "mean"});
}

}  // namespace

void Describe(OptionList* list, FindConvergenceJobOptions* options) {
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("mask_video", &options->mask_video, "FILE",
              "white is what the frame is about; same size and length")
      .Input(true)
      .Default("none: the whole picture, the middle most");
  list->Field("output", &options->output, "JSON", "distances, or a folder")
      .Output()
      .Default("<depth_video>_convergence_depths.json");
  Describe(list, &options->depth);
  DescribeFocus(list, &options->focus);
  static const EnumNames<MissingValue> missing = {{"null", MissingValue::kNull},
                                                  {"nan", MissingValue::kNan}};
  list->Field("missing", &options->missing, missing,
              "how a distance that is not known is written; the original toolbox reads nan only");
  list->Field("confidence_output", &options->confidence_output, "JSON",
              "write how sure each distance is, from 0 to 1")
      .Output();
  list->Section("budget");
  const Range percent{0, 100, true, false};
  list->Field("max_in_front", &options->max_in_front, percent, "PERCENT",
              "move the screen so that parallax in front of it is at most this part of the width")
      .Default("no bound");
  list->Field("max_behind", &options->max_behind, percent, "PERCENT",
              "the same behind the screen; wins where both cannot be kept")
      .Default("no bound");
  list->Field("pupillary_distance", &options->pupillary_distance_mm, {0, 1000}, "MM",
              "distance between the eyes in millimetres");
  Describe(list, &options->fov, "from the depth file");
  list->Field("outliers", &options->focus.outliers, {0, 0.5, false, true}, "SHARE",
              "pixels at both ends of the depth that the bounds do not mind");
  Describe(list, &options->job);
}

void FindConvergenceJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  focus.Check();
  const FindConvergenceJobOptions usual;
  Require(HasBudget() || (fov.empty() && pupillary_distance_mm == usual.pupillary_distance_mm &&
                          focus.outliers == usual.focus.outliers),
          Code::kInvalidArgument,
          "field of view, pupillary_distance and outliers belong to max_in_front and max_behind");
}

FindConvergenceReport RunFindConvergenceJob(const FindConvergenceJobOptions& options,
                                            const RunControl& control) {
  options.Check();
  return FindConvergenceJob(options, control).Run();
}

}  // namespace mdvt
