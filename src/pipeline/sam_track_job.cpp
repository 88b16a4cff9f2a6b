// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/sam_track.h"
#include "mdvt/tracking/point_tracker.h"
#include "mdvt/tracking/scene_cut.h"
#include "pipeline/align_points_settings.h"
#include "pipeline/clip_pair.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/motion_map.h"
#include "pipeline/path_start.h"
#include "pipeline/point_sampling.h"
#include "pipeline/shot_tracker.h"

namespace mdvt {

namespace {

// What outputs are named after.
const std::string& NamingVideo(const SamTrackJobOptions& options) {
  return options.depth_video.empty() ? options.color_video : options.depth_video;
}

}  // namespace

CameraFiles CameraFilesOf(const SamTrackJobOptions& options) {
  const std::string& video = NamingVideo(options);
  CameraFiles files;
  files.transformations = OutputName(options.output, video, "_transformations.json");
  const auto name = [&](const std::string& given, const char* suffix) {
    return OutputName(FurtherOutput(given, options.output), video, suffix);
  };
  files.camera = name(options.camera_output, "_camera.json");
  files.report = name(options.report, "_alignment_report.json");
  files.xfovs = name(options.xfovs_output, "_xfovs.json");
  return files;
}

namespace {

struct ClipFrame {
  Frame color;
  DepthFrame depth;  // empty without a depth video
  Image mask;        // empty without a mask video
};

class SamTrackJob {
 public:
  SamTrackJob(const SamTrackJobOptions& options, const RunControl& control)
      : options_(options),
        control_(control),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        files_(StageOutputs()),
        color_(OpenColor()) {
    CheckOnePicture(color_->info(), options.job.one_picture);
    if (!options.depth_video.empty()) {
      depth_ = OpenDepth();
      RequireSameRate(depth_->info(), color_->info());
      saturated_ = SaturatedDepth(depth_->codec());
    }
    info_ = depth_ ? depth_->info() : color_->info();
    camera_ = ClipCamera(options.fov, depth_ ? depth_->tags() : DepthTags(), info_.width,
                         info_.height, info_.sample_aspect, options.job.limits)
                  .At(0);
    OpenMask();
    tracker_.emplace(color_->info().width, color_->info().height, options.points, graph_.pool());
  }

  SamTrackReport Run() {
    graph_.Into(Frames(), [this](const ClipFrame& frame) { Follow(frame); });
    const int64_t expected = ExpectedFrames(info_.estimated_frames, 0, options_.job.max_frames);
    graph_.Run("tracks", expected);
    mask_watch_.Tell(kNoPointMasked);
    Require(frames_ > 0, Code::kCorrupt, "'" + options_.color_video + "' has no frames");
    tracks_ = builder_.Finish();
    if (options_.mask.strict) DropMasked();
    Require(tracks_.num_sightings() > 0 || frames_ == 1, Code::kRefused,
            all_points_ > 0 ? "all points that were followed are masked"
                            : "'" + options_.color_video + "' shows nothing that can be followed");
    AlignmentOptions alignment = Alignment();
    if (!depth_) StartFromPath(tracks_, &alignment);
    found_ = AlignCameras(tracks_, depths_, alignment, control_);
    if (!depth_) ScaleShots(tracks_, options_.scene_scale, &found_);
    TellFov(options_.solve, found_);
    path_uncertainty_ = TellPath(options_.solve, tracks_, depths_, found_);
    WriteVideos(expected);
    WriteFiles();
    outputs_.CommitAll();
    return Report();
  }

 private:
  CameraFiles StageOutputs() {
    AddInputs(&outputs_, options_);
    CameraFiles files = CameraFilesOf(options_);
    files.Stage(&outputs_);
    if (!options_.depth_video.empty()) {
      depth_name_ = OutputName(FurtherOutput(options_.depth_output, options_.output),
                               options_.depth_video, "_megasam.mkv");
      depth_to_ = outputs_.AddFile(depth_name_);
    }
    motion_name_ = OutputName(FurtherOutput(options_.motion_output, options_.output),
                              NamingVideo(options_), "_megasam_motion.mkv");
    motion_to_ = outputs_.AddFile(motion_name_);
    if (!options_.track_output.empty()) {
      track_name_ = OutputName(options_.track_output, options_.color_video, "_tracking.json");
      track_to_ = outputs_.AddFile(track_name_);
    }
    return files;
  }

  std::unique_ptr<VideoReader> OpenColor() {
    return std::make_unique<VideoReader>(options_.color_video,
                                         ReaderOptions(options_.job, graph_.pool()));
  }
  void OpenMask() {
    if (!options_.mask_video.empty())
      mask_ = OpenMaskVideo(options_.mask_video, info_, options_.job.limits, graph_.pool());
  }
  std::unique_ptr<DepthVideoReader> OpenDepth() {
    return std::make_unique<DepthVideoReader>(
        options_.depth_video,
        DepthReaderOptions(options_.depth, options_.job.limits, graph_.pool()));
  }

  PairNames Names(const std::string& kind, const std::string& path) const {
    return InStep(kind + " '" + path + "'",
                  (depth_ ? "depth video '" : "color video '") + NamingVideo(options_) + "'",
                  options_.job.max_frames);
  }

  template <typename Reader>
  auto FramesOf(Reader* reader) {
    return graph_.From(FirstFrames(reader, options_.job.max_frames));
  }

  Stream<ClipFrame> Colors() {
    return graph_.Map(FramesOf(&*color_), [](Frame color) {
      return ClipFrame{std::move(color), DepthFrame(), Image()};
    });
  }

  // With the mask, where there is one.
  Stream<ClipFrame> Masked(Stream<ClipFrame> frames) {
    if (!mask_) return frames;
    auto masked =
        graph_.Zip(FramesOf(&*mask_), std::move(frames), Names("mask video", options_.mask_video));
    return graph_.Map(std::move(masked), [this](std::pair<Frame, ClipFrame> pair) {
      mask_watch_.Look(pair.first.image);
      pair.second.mask = std::move(pair.first.image);
      return std::move(pair.second);
    });
  }

  Stream<ClipFrame> Frames() {
    if (!depth_) return Masked(Colors());
    auto pairs = graph_.Zip(FramesOf(&*color_), FramesOf(&*depth_),
                            Names("color video", options_.color_video));
    return Masked(graph_.Map(std::move(pairs), [](std::pair<Frame, DepthFrame> pair) {
      return ClipFrame{std::move(pair.first), std::move(pair.second), Image()};
    }));
  }

  void Follow(const ClipFrame& frame) {
    bool is_cut = false;
    const std::vector<TrackedPoint> points = tracker_->Follow(frame.color.image, &is_cut);
    if (is_cut) cuts_.push_back(frames_);
    ++frames_;
    builder_.BeginFrame();
    // Positions in the colour picture, whose size may be another than that of the depth.
    const double sx = static_cast<double>(camera_.width) / color_->info().width;
    const double sy = static_cast<double>(camera_.height) / color_->info().height;
    // The table orders the points of a frame by their ids, which is how the tracker gives them.
    for (const TrackedPoint& point : points) {
      const double x = point.position.x() * sx, y = point.position.y() * sy;
      if (!(x >= 0 && y >= 0 && x < camera_.width && y < camera_.height)) continue;
      ++all_points_;
      if (mask_ && MaskedAtPoint(frame.mask.Plane<uint8_t>(), x, y, options_.mask.threshold,
                                 options_.mask.dilation)) {
        masked_ids_.push_back(static_cast<int32_t>(point.id));
        continue;
      }
      builder_.Add(static_cast<int32_t>(point.id), static_cast<float>(x), static_cast<float>(y), 1);
      depths_.push_back(depth_ ? DepthAtPoint(frame.depth.depth.Plane<float>(), x, y, saturated_)
                               : 0);
    }
  }

  // All sightings of tracks that were masked once.
  void DropMasked() {
    std::sort(masked_ids_.begin(), masked_ids_.end());
    TrackTableBuilder builder;
    std::vector<float> depths;
    size_t at = 0;
    for (int64_t f = 0; f < frames_; ++f) {
      builder.BeginFrame();
      for (const TrackSighting& seen : tracks_.Frame(f)) {
        const size_t i = at++;
        const int32_t id = tracks_.ids()[static_cast<size_t>(seen.track)];
        if (std::binary_search(masked_ids_.begin(), masked_ids_.end(), id)) continue;
        builder.Add(id, seen.x, seen.y, seen.confidence);
        depths.push_back(depths_[i]);
      }
    }
    tracks_ = builder.Finish();
    depths_ = std::move(depths);
  }

  AlignmentOptions Alignment() {
    AlignmentOptions alignment;
    alignment.camera = camera_;
    ApplySolve(options_.solve, &alignment);
    alignment.cuts = cuts_;
    alignment.pool = graph_.pool();
    return alignment;
  }

  // The depth in one scale along the clip, and what moves: a second pass over depth, or else over
  // the colours for their times, and the mask.
  void WriteVideos(int64_t expected) {
    VideoWriterOptions motion_writing = LosslessLike(info_, graph_.pool());
    VideoWriter motion_writer(*motion_to_, PixelFormat::Gray(8), info_.width, info_.height,
                              motion_writing);
    std::optional<DepthVideoWriter> depth_writer;
    if (depth_) {
      DepthVideoWriterOptions writing;
      writing.codec.max_depth = depth_->codec().max_depth;
      writing.tags.source = FileName(options_.color_video);
      writing.tags.xfov_deg = found_.camera.xfov_deg();
      writing.tags.yfov_deg = found_.camera.yfov_deg();
      writing.video = motion_writing;
      depth_writer.emplace(*depth_to_, info_.width, info_.height, writing);
    }

    std::vector<float> at_rest(tracks_.num_tracks(), -1);
    for (const AlignedTrack& track : found_.tracks)
      at_rest[static_cast<size_t>(track.track)] = static_cast<float>(track.static_probability);
    int64_t number = 0;
    graph_.Into(FramesAgain(), [&](ClipFrame frame) {
      const int64_t pts = depth_ ? frame.depth.pts : frame.color.pts;
      const int64_t duration = depth_ ? frame.depth.duration : frame.color.duration;
      motion_writer.Write(MotionMap(tracks_.Frame(number), at_rest, frame.mask, info_.width,
                                    info_.height, graph_.pool()),
                          pts, duration);
      if (depth_writer)
        depth_writer->Write(Scaled(frame.depth.depth, static_cast<size_t>(number)), pts, duration,
                            graph_.pool());
      ++number;
    });
    graph_.Run(depth_ ? "depth" : "motion", expected);
    if (depth_writer) depth_writer->Finish();
    motion_writer.Finish();
  }

  Stream<ClipFrame> FramesAgain() {
    OpenMask();
    if (!depth_) {
      color_ = OpenColor();
      return Masked(Colors());
    }
    depth_ = OpenDepth();
    return Masked(graph_.Map(FramesOf(&*depth_), [](DepthFrame depth) {
      return ClipFrame{Frame(), std::move(depth), Image()};
    }));
  }

  // No data stays no data, the end of the range stays the end.
  Image Scaled(const Image& depth, size_t number) {
    const AlignedFrame& frame = found_.frames[number];
    Image scaled(PixelFormat::GrayF32(), depth.width(), depth.height());
    const auto scale = static_cast<float>(frame.depth_scale);
    const auto shift = static_cast<float>(frame.depth_shift);
    graph_.pool()->ParallelFor(depth.height(), 64, [&](int64_t begin, int64_t end) {
      const PlaneView<const float> from = depth.Plane<float>();
      for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y)
        for (int x = 0; x < depth.width(); ++x) {
          const float d = from.At(x, y);
          float z = d;
          if (d > 0 && d < saturated_) {
            const float inverse = scale / d + shift;
            z = inverse > 1 / saturated_ ? 1 / inverse : saturated_;
          }
          scaled.MutablePlane<float>().At(x, y) = z;
        }
    });
    return scaled;
  }

  void WriteFiles() {
    CameraFacts facts;
    facts.tool = "sam_track_video";
    facts.fov_source = options_.fov.empty() ? "depth video" : "option";
    facts.method = "bundle";
    facts.path_uncertainty = path_uncertainty_;
    facts.tracks = static_cast<int64_t>(tracks_.num_tracks());
    facts.settings = json::Value::Members{{"camera", CameraMotionName(options_.solve.motion)},
                                          {"optimize_intrinsic", options_.solve.optimize_intrinsic},
                                          {"shift", options_.solve.shift},
                                          {"points", options_.points},
                                          {"depth", depth_ != nullptr},
                                          {"mask", !options_.mask_video.empty()},
                                          {"strict_mask", options_.mask.strict}};
    WriteCameraFiles(files_, facts, found_);
    if (!track_to_) return;
    TrackFileFormat format;
    format.width = camera_.width;
    format.height = camera_.height;
    WriteTrackFile(*track_to_, tracks_, format);
  }

  SamTrackReport Report() const {
    SamTrackReport report;
    report.camera = SolveReport(found_, options_.solve.optimize_intrinsic, path_uncertainty_);
    report.output = files_.transformations;
    report.camera_output = files_.camera;
    report.report = files_.report;
    report.xfovs_output = files_.xfovs;
    report.depth_output = depth_name_;
    report.motion_output = motion_name_;
    report.track_output = track_name_;
    report.static_share = found_.static_share;
    return report;
  }

  const SamTrackJobOptions& options_;
  const RunControl& control_;
  Graph graph_;
  OutputSet outputs_;
  std::string depth_name_, motion_name_, track_name_;
  std::optional<OutputTarget> depth_to_, motion_to_, track_to_;
  CameraFiles files_;
  std::unique_ptr<VideoReader> color_;
  std::unique_ptr<DepthVideoReader> depth_;  // null: none is given
  VideoInfo info_;                           // of what mask and results are as large as
  std::optional<VideoReader> mask_;
  MaskWatch mask_watch_{options_.mask_video, options_.mask.threshold};
  Camera camera_;
  float saturated_ = 0;
  std::optional<ShotTracker> tracker_;
  TrackTableBuilder builder_;
  TrackTable tracks_;
  std::vector<float> depths_;
  std::vector<int32_t> masked_ids_;
  std::vector<int64_t> cuts_;
  int64_t all_points_ = 0, frames_ = 0;
  CameraAlignment found_;
  std::vector<double> path_uncertainty_;  // of each shot
};

}  // namespace

void Describe(OptionList* list, SamTrackJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video").Input(true).Required();
  list->Field("depth_video", &options->depth_video, "FILE",
              "its depth video; same length. Without it cameras follow from the pictures alone")
      .Input(true);
  list->Field("mask_video", &options->mask_video, "FILE",
              "white is not used, moving things above all; size and length of the depth, or else "
              "of the "
              "video")
      .Input(true);
  DescribeCameraFiles(list, &options->output, &options->camera_output, &options->report,
                      &options->xfovs_output, true);
  list->Field("depth_output", &options->depth_output, "FILE",
              "the depth in one scale along the clip, or a folder")
      .Output()
      .Default("<depth_video>_megasam.mkv")
      .OnlyWith("depth_video");
  list->Field("motion_output", &options->motion_output, "FILE",
              "what is at rest (white) and what moves (black), or a folder")
      .Output()
      .Default("<depth_video>_megasam_motion.mkv");
  list->Field("track_output", &options->track_output, "JSON",
              "write the points that were followed as a tracking file, or a folder")
      .Output();
  list->Field("xfov", &options->fov.xfov_deg, {0, 180, true, true}, "DEGREES",
              "horizontal field of view; from --yfov and square pixels if only that is given")
      .Default("from the depth file");
  list->Field("yfov", &options->fov.yfov_deg, {0, 180, true, true}, "DEGREES",
              "vertical field of view; from --xfov and square pixels if only that is given")
      .Default("from the depth file");
  Describe(list, &options->depth);
  Describe(list, &options->mask);
  list->Field("scene_scale", &options->scene_scale, {0, 10000, true, false}, "METRES",
              "without a depth video: median distance of what the first frame of a shot shows")
      .Excludes("depth_video");
  list->Field("points", &options->points, {50, 20000}, "N", "that are followed at a time");
  Describe(list, &options->solve);
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void SamTrackJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  solve.CheckWith(fov);
}

SamTrackReport RunSamTrackJob(const SamTrackJobOptions& options, const RunControl& control) {
  options.Check();
  return SamTrackJob(options, control).Run();
}

}  // namespace mdvt
