// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/log.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/track_points.h"
#include "mdvt/tracking/clip_tracker.h"
#include "mdvt/tracking/model_tracker.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/track_mask.h"
#include "pipeline/track_points_settings.h"

namespace mdvt {
namespace {

struct MaskedFrame {
  Frame frame;
  Image mask;  // empty without a mask video
};

// Made ready in the thread that reads, while the one that tracks has another frame.
struct ReadyFrame {
  Frame frame;  // without pixels unless they are wanted
  TrackingFrame tracking;
};

struct TrackedFrame {
  Frame frame;  // without pixels unless they are wanted
  FramePoints points;
};

// Pictures of a video made ready for a tracker, and its points brought back.
class TrackingPictures {
 public:
  TrackingPictures(const VideoInfo& info, const TrackPointsJobOptions& options, ThreadPool* pool)
      : info_(info),
        wants_rgb_(options.tracker != TrackerChoice::kLk),
        width_(std::max(1, info.width / options.downscale)),
        height_(std::max(1, info.height / options.downscale)),
        mask_(options.mask, info.width, info.height, width_, height_) {
    if (options.downscale == 1) return;
    const ResizeWindow all{0, 0, static_cast<double>(info.width), static_cast<double>(info.height)};
    ResizeOptions filter;
    filter.filter = ResizeFilter::kBilinear;
    const auto make = [&](const PixelFormat& format) {
      return ImageResizer(format, info.width, info.height, all, width_, height_, filter, pool);
    };
    luma_resizer_.emplace(make(PixelFormat::Gray(8)));
    if (wants_rgb_) rgb_resizer_.emplace(make(PixelFormat::Rgb(8)));
  }

  int width() const { return width_; }
  int height() const { return height_; }

  TrackingFrame Make(const Image& picture, const Image& mask) {
    TrackingFrame made;
    made.luma = Prepare(picture, PixelFormat::Gray(8), luma_resizer_);
    if (wants_rgb_) made.rgb = Prepare(picture, PixelFormat::Rgb(8), rgb_resizer_);
    if (!mask.empty()) made.allowed = mask_.Allowed(mask);
    return made;
  }

  // To the pixels of the video.
  void BringBack(FramePoints* points) const {
    const Eigen::Vector2d scale(static_cast<double>(info_.width) / width_,
                                static_cast<double>(info_.height) / height_);
    for (TrackedPoint& point : *points) point.position = point.position.cwiseProduct(scale);
  }

 private:
  Image Prepare(const Image& picture, const PixelFormat& format,
                const std::optional<ImageResizer>& resizer) {
    Image image = converter_.Convert(picture, info_.color, format);
    if (!resizer) return image;
    Image small(format, width_, height_);
    resizer->Resize(image.view(), small.mutable_view());
    return small;
  }

  VideoInfo info_;
  bool wants_rgb_;
  int width_;
  int height_;
  TrackMask mask_;
  std::optional<ImageResizer> luma_resizer_;
  std::optional<ImageResizer> rgb_resizer_;
  ColorConverter converter_;
};

// Keeps each frame until its points are known.
class TrackStage : public Stage<ReadyFrame, TrackedFrame> {
 public:
  TrackStage(ClipTracker* tracker, const TrackingPictures* pictures)
      : tracker_(tracker), pictures_(pictures) {}

  int latency() const override { return tracker_->latency(); }
  void Push(ReadyFrame item) override {
    tracker_->Push(std::move(item.tracking));
    frames_.push_back(std::move(item.frame));
  }
  void Finish() override { tracker_->Finish(); }
  std::optional<TrackedFrame> Pop() override {
    std::optional<FramePoints> points = tracker_->Pop();
    if (!points) return std::nullopt;
    pictures_->BringBack(&*points);
    TrackedFrame tracked{std::move(frames_.front()), std::move(*points)};
    frames_.pop_front();
    return tracked;
  }

 private:
  ClipTracker* tracker_;
  const TrackingPictures* pictures_;
  std::deque<Frame> frames_;
};

PointTrackerOptions LkOptions(const TrackPointsJobOptions& options, int width, int height) {
  PointTrackerOptions lk;
  lk.max_points = options.iterations * options.points;
  const double cell =
      std::sqrt(static_cast<double>(width) * height / static_cast<double>(lk.max_points));
  // Corners taken greedily fill about six tenths of the places of a grid.
  const double share = options.seeding == PointSeeding::kCorners ? 0.75 : 1;
  lk.min_distance = std::clamp(share * cell, 1.0, 1000.0);
  lk.window = 19;
  lk.levels_back = 1;
  lk.quality = 0.006;
  lk.max_round_trip = options.max_round_trip;
  lk.min_similarity = options.min_confidence.value_or(0.8);
  lk.border = 2;
  lk.seed_every = options.steps_between_init;
  lk.seed_below = options.continuous ? 0.85 : 0;
  lk.seed_after_loss = true;
  lk.seeding = options.seeding;
  return lk;
}

ModelTrackerOptions NetworkOptions(const TrackPointsJobOptions& options, int width, int height) {
  const PointTrackerOptions lk = LkOptions(options, width, height);
  const bool tapir = options.tracker == TrackerChoice::kTapir;
  ModelTrackerOptions network;
  network.width = width;
  network.height = height;
  network.window = options.window;
  network.overlap = options.overlap;
  network.min_visible = tapir ? 0.5 : 0.9;
  network.min_confidence = options.min_confidence.value_or(tapir ? 0.25 : 0.6);
  network.min_length = options.min_length;
  network.max_points = lk.max_points;
  network.min_distance = lk.min_distance;
  network.quality = lk.quality;
  network.seed_every = lk.seed_every;
  network.seed_below = lk.seed_below;
  network.seeding = lk.seeding;
  network.block = options.block;
  network.support_grid = tapir ? 0 : 6;
  return network;
}

class TrackPointsJob {
 public:
  TrackPointsJob(const TrackPointsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        output_(TrackPointsOutput(options)),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        pictures_(reader_.info(), options, graph_.pool()),
        writer_(target_, {reader_.info().width, reader_.info().height, options.subpixel}) {
    CheckOnePicture(reader_.info(), options.job.one_picture);
    if (!options.mask.video.empty())
      mask_.emplace(OpenMask(options.mask.video, options.job.limits, graph_.pool()));
    if (options.tracker == TrackerChoice::kLk) {
      tracker_ = std::make_unique<SteadyTracker>(
          LkOptions(options, pictures_.width(), pictures_.height()), options.min_length);
    } else {
      const auto model = OpenNetwork(
          options.model, graph_.pool()->num_threads(),
          options.tracker == TrackerChoice::kTapir
              ? "models/export/tapir.py makes one of a checkpoint, see docs/models.md"
              : "models/export/cotracker.py makes one of a checkpoint, see docs/models.md",
          CheckTrackModel);
      tracker_ = std::make_unique<ModelTracker>(
          model, NetworkOptions(options, pictures_.width(), pictures_.height()), graph_.pool());
    }
    if (visual_target_) OpenVisualization();
  }

  TrackPointsReport Run() {
    TrackStage stage(tracker_.get(), &pictures_);
    auto ready = graph_.Map(Frames(), [this](MaskedFrame item) {
      ReadyFrame made;
      made.tracking = pictures_.Make(item.frame.image, item.mask);
      if (!visual_writer_) item.frame.image = Image();
      made.frame = std::move(item.frame);
      return made;
    });
    auto tracked = graph_.Then(std::move(ready), &stage);
    graph_.Into(std::move(tracked), [this](TrackedFrame frame) { Write(std::move(frame)); });
    graph_.Run("tracking",
               ExpectedFrames(reader_.info().estimated_frames, 0, options_.job.max_frames));
    writer_.Finish();
    if (visual_writer_) visual_writer_->Finish();
    if (pickle_target_) WritePickledTracks(*pickle_target_, pickled_.Finish());
    outputs_.CommitAll();
    report_.frames = writer_.num_frames();
    report_.output = output_;
    report_.cuts = tracker_->cuts();
    mask_watch_.Tell(kNoPointMasked);
    if (report_.sightings == 0)
      LogWarning("no point could be followed in '" + options_.color_video +
                 "': its pictures have too little texture" +
                 (mask_ ? ", or the mask covers all that has some" : "") +
                 "; every frame of the tracking file is empty");
    return report_;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (options_.save_visualization) {
      report_.visualization = VisualizationOutput(options_);
      visual_target_ = outputs_.AddFile(report_.visualization);
    }
    if (!options_.pickle_output.empty()) {
      report_.pickle = options_.pickle_output;
      pickle_target_ = outputs_.AddFile(options_.pickle_output);
    }
    return outputs_.AddFile(output_);
  }

  void OpenVisualization() {
    const VideoInfo& source = reader_.info();
    visual_writer_.emplace(*visual_target_, PixelFormat::Rgb(8), source.width, source.height,
                           LosslessLike(source, graph_.pool()));
  }

  Stream<MaskedFrame> Frames() {
    const int64_t most = options_.job.max_frames;
    auto frames = graph_.From(FirstFrames(&reader_, most));
    if (!mask_)
      return graph_.Map(std::move(frames), [](Frame frame) {
        return MaskedFrame{std::move(frame), Image()};
      });
    return graph_.Map(graph_.Zip(std::move(frames), graph_.From(FirstFrames(&*mask_, most)),
                                 InStep("color video '" + options_.color_video + "'",
                                        "mask video '" + options_.mask.video + "'", most)),
                      [this](std::pair<Frame, Frame> pair) {
                        mask_watch_.Look(pair.second.image);
                        return MaskedFrame{std::move(pair.first), std::move(pair.second.image)};
                      });
  }

  void Write(TrackedFrame tracked) {
    std::vector<TrackRow> rows;
    rows.reserve(tracked.points.size());
    for (const TrackedPoint& point : tracked.points) {
      Require(point.id <= std::numeric_limits<int32_t>::max(), Code::kLimit,
              "more than 2^31 tracks");
      rows.push_back({static_cast<int32_t>(point.id), point.position.x(), point.position.y(),
                      point.confidence});
    }
    CountNew(rows);
    if (pickle_target_) {
      pickled_.BeginFrame();
      for (const TrackRow& row : rows)
        pickled_.Add(row.id, static_cast<float>(row.x), static_cast<float>(row.y),
                     static_cast<float>(row.confidence));
    }
    writer_.AddFrame(std::move(rows));
    if (visual_writer_) Draw(tracked);
  }

  // Ids ascend with the time of birth, but tracks that never showed up have some too.
  void CountNew(const std::vector<TrackRow>& rows) {
    report_.sightings += static_cast<int64_t>(rows.size());
    for (const TrackRow& row : rows) {
      const auto id = static_cast<size_t>(row.id);
      if (id >= known_.size()) known_.resize(std::max(id + 1, 2 * known_.size()));
      if (!known_[id]) ++report_.tracks;
      known_[id] = true;
    }
  }

  // A red dot of 3 x 3 pixels for each point.
  void Draw(const TrackedFrame& tracked) {
    Image picture =
        drawing_.Convert(tracked.frame.image, reader_.info().color, PixelFormat::Rgb(8)).Clone();
    for (const TrackedPoint& point : tracked.points) {
      const int cx = static_cast<int>(point.position.x()),
                cy = static_cast<int>(point.position.y());
      for (int y = std::max(0, cy - 1); y <= std::min(picture.height() - 1, cy + 1); ++y) {
        for (int x = std::max(0, cx - 1); x <= std::min(picture.width() - 1, cx + 1); ++x) {
          picture.MutablePlane<uint8_t>(0).At(x, y) = 255;
          picture.MutablePlane<uint8_t>(1).At(x, y) = 0;
          picture.MutablePlane<uint8_t>(2).At(x, y) = 0;
        }
      }
    }
    visual_writer_->Write(picture, tracked.frame.pts, tracked.frame.duration);
  }

  const TrackPointsJobOptions& options_;
  Graph graph_;
  TrackPointsReport report_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> visual_target_, pickle_target_;
  OutputTarget target_;
  VideoReader reader_;
  std::optional<VideoReader> mask_;
  MaskWatch mask_watch_ = MaskWatch(options_.mask.video, options_.mask.threshold);
  TrackingPictures pictures_;
  std::unique_ptr<ClipTracker> tracker_;
  TrackFileWriter writer_;
  std::optional<VideoWriter> visual_writer_;
  ColorConverter drawing_;
  TrackTableBuilder pickled_;  // all rows again, where a pickle is asked for
  std::vector<bool> known_;    // tracks that have been written, by id
};

}  // namespace

std::string TrackPointsOutput(const TrackPointsJobOptions& options) {
  return OutputName(options.output, options.color_video, "_tracking.json");
}

std::string VisualizationOutput(const TrackPointsJobOptions& options) {
  if (options.output.empty()) return options.color_video + "_track_visualization.mkv";
  const std::string output = TrackPointsOutput(options);
  const size_t slash = output.find_last_of('/');
  const std::string folder = slash == std::string::npos ? "" : output.substr(0, slash + 1);
  return folder + FileName(options.color_video) + "_track_visualization.mkv";
}

void Describe(OptionList* list, TrackPointsJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video to follow points in")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "JSON", "tracking file, or a folder")
      .Output()
      .Default("<color_video>_tracking.json");
  DescribeTracking(list, options);
}

void DescribeTracking(OptionList* list, TrackPointsJobOptions* options) {
  list->Field("save_visualization_video", &options->save_visualization,
              "write <color_video>_track_visualization.mkv too, beside the output: a red dot on "
              "each point")
      .Alias("save_visulization_video");
  list->Section("points");
  list->Field("nr_iterations", &options->iterations, {1, 64}, "N",
              "times --points are followed at a time");
  list->Field("points", &options->points, {1, 20000}, "N", "points, spread over the picture");
  list->Field("steps_between_track_init", &options->steps_between_init, {1, 1000000}, "FRAMES",
              "new points are looked for every so many frames, where there are none")
      .Alias("steps_bewtwen_track_init");
  list->Field("continuous", &options->continuous,
              "look for new points in between too, as soon as 15 % have been lost")
      .Switch();
  static const EnumNames<PointSeeding> seedings = {{"corners", PointSeeding::kCorners},
                                                   {"grid", PointSeeding::kGrid}};
  list->Field("seeding", &options->seeding, seedings,
              "where points begin: at the best corners, or on a grid where there is texture");
  list->Field("downscale", &options->downscale, {1, 32}, "FACTOR",
              "look at pictures smaller by this factor");
  list->Field("min_length", &options->min_length, {1, 1000}, "FRAMES",
              "leave out tracks that are seen in fewer frames");
  list->Field("min_confidence", &options->min_confidence, {0, 1, false, true}, "SHARE",
              "leave out what is less sure: how much a point still looks like itself (lk), "
              "visibility times confidence (networks)")
      .Default("0.8 (lk), 0.6 (cotracker3), 0.25 (tapir)");
  list->Field("subpixel", &options->subpixel,
              "write positions to a 256th of a pixel and confidences behind the whole numbers")
      .Switch();
  Describe(list, &options->mask);
  list->Section("tracker");
  static const EnumNames<TrackerChoice> trackers = {{"lk", TrackerChoice::kLk},
                                                    {"cotracker3", TrackerChoice::kCoTracker3},
                                                    {"tapir", TrackerChoice::kTapir}};
  list->Field("tracker", &options->tracker, trackers,
              "lk: Lucas-Kanade, built in; cotracker3, tapir: the network --weights");
  list->Field("max_round_trip", &options->max_round_trip, {0, 10, true, false}, "PIXELS",
              "a track ends when following it forth and back misses its start by more")
      .OnlyWith("tracker", {"lk"});
  const std::vector<std::string> networks = {"cotracker3", "tapir"};
  list->Field("weights", &options->model.path, "FILE", "the network, a TorchScript file")
      .Alias("model")
      .Input()
      .RequiredWith("tracker", networks)
      .OnlyWith("tracker", networks);
  list->Field("window", &options->window, {0, 4096}, "FRAMES",
              "frames that the network sees at once; 0: as it says itself")
      .OnlyWith("tracker", networks);
  list->Field("overlap", &options->overlap, {2, 1024}, "FRAMES",
              "frames that windows share; tracks go on where both agree there")
      .OnlyWith("tracker", networks);
  list->Field("block", &options->block, {1, 100000}, "POINTS", "points of one pass of the network")
      .OnlyWith("tracker", networks);
  DescribeNetwork(list, &options->model, "tracker", networks);
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void TrackPointsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  Require(tracker == TrackerChoice::kLk || !model.empty(), Code::kInvalidArgument,
          "the trackers cotracker3 and tapir are networks: give --weights");
  Require(tracker != TrackerChoice::kLk || model.open.device == "cpu", Code::kInvalidArgument,
          "device is '" + model.open.device + "', must be cpu: only networks can run elsewhere");
  Require(window == 0 || window >= 2 * overlap, Code::kInvalidArgument,
          "window = " + std::to_string(window) + ", must be 0 or at least twice the overlap of " +
              std::to_string(overlap));
  Require(static_cast<int64_t>(iterations) * points <= 100000, Code::kInvalidArgument,
          "nr_iterations times points must be at most 100000");
}

TrackPointsReport RunTrackPointsJob(const TrackPointsJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return TrackPointsJob(options, control).Run();
}

}  // namespace mdvt
