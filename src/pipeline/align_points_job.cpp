// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/align_points.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/tracking/scene_cut.h"
#include "pipeline/align_points_settings.h"
#include "pipeline/camera_outputs.h"
#include "pipeline/clip_pair.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/motion_picture.h"
#include "pipeline/point_sampling.h"

namespace mdvt {

CameraFiles CameraFilesOf(const AlignPointsJobOptions& options) {
  CameraFiles files;
  files.transformations = OutputName(options.output, options.depth_video, "_transformations.json");
  files.camera = OutputName(FurtherOutput(options.camera_output, options.output),
                            options.depth_video, "_camera.json");
  files.report = OutputName(FurtherOutput(options.report, options.output), options.depth_video,
                            "_alignment_report.json");
  if (!options.xfovs_output.empty())
    files.xfovs = OutputName(options.xfovs_output, options.depth_video, "_xfovs.json");
  return files;
}

namespace {

// The long side of the pictures that cuts are looked for in.
constexpr int kCutSide = 320;

struct ClipFrame {
  Image depth;
  Image mask;   // empty without a mask video
  Image color;  // small; empty without a colour video
};

class AlignPointsJob {
 public:
  AlignPointsJob(const AlignPointsJobOptions& options, const RunControl& control)
      : options_(options),
        control_(control),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        files_(StageOutputs()),
        tracks_(ReadTrackFile(options.track_file, options.job.limits)),
        depth_(options.depth_video,
               DepthReaderOptions(options.depth, options.job.limits, graph_.pool())) {
    const VideoInfo& info = depth_.info();
    camera_ = ClipCamera(options.fov, depth_.tags(), info.width, info.height, info.sample_aspect,
                         options.job.limits)
                  .At(0);
    tracks_.FitPicture(info.width, info.height);
    if (!options.mask_video.empty())
      mask_ = OpenMaskVideo(options.mask_video, info, options.job.limits, graph_.pool());
    if (!options.color_video.empty()) {
      color_.emplace(options.color_video, ReaderOptions(options.job, graph_.pool()));
      RequireSameRate(info, color_->info());
    }
    saturated_ = SaturatedDepth(depth_.codec());
    whole_pixels_ = HasWholePixels();
  }

  AlignPointsReport Run() {
    graph_.Into(Frames(), [this](ClipFrame frame) { Sample(frame); });
    graph_.Run("depth", ExpectedFrames(depth_.info().estimated_frames, 0, options_.job.max_frames));
    mask_watch_.Tell(kNoPointMasked);
    CheckLength();
    const TrackTable kept = KeptTracks();
    const CameraAlignment found = AlignCameras(kept, depths_, Alignment(), control_);
    TellFov(options_.solve, found);
    CameraFacts facts;
    if (Alignment().method == AlignmentMethod::kBundle)
      facts.path_uncertainty = TellPath(options_.solve, kept, depths_, found);
    facts.tool = "align_3d_points";
    facts.fov_source = options_.fov.empty() ? "depth video" : "option";
    facts.method = MethodName();
    facts.tracks = static_cast<int64_t>(tracks_.num_tracks());
    facts.settings = json::Value::Members{{"method", facts.method},
                                          {"camera", CameraMotionName(Alignment().motion)},
                                          {"optimize_intrinsic", options_.solve.optimize_intrinsic},
                                          {"shift", options_.solve.shift},
                                          {"mask", !options_.mask_video.empty()},
                                          {"strict_mask", options_.mask.strict}};
    WriteCameraFiles(files_, facts, found);
    outputs_.CommitAll();
    AlignPointsReport report;
    report.camera = SolveReport(found, options_.solve.optimize_intrinsic, facts.path_uncertainty);
    report.output = files_.transformations;
    report.camera_output = files_.camera;
    report.report = files_.report;
    report.xfovs_output = files_.xfovs;
    return report;
  }

 private:
  CameraFiles StageOutputs() {
    AddInputs(&outputs_, options_);
    CameraFiles files = CameraFilesOf(options_);
    files.Stage(&outputs_);
    return files;
  }

  // Depth, mask and colours in step.
  Stream<ClipFrame> Frames() {
    auto depths = graph_.From(FirstFrames(&depth_, options_.job.max_frames));
    Stream<ClipFrame> frames = graph_.Map(std::move(depths), [](DepthFrame depth) {
      ClipFrame frame;
      frame.depth = std::move(depth.depth);
      return frame;
    });
    if (mask_)
      frames = Join(std::move(frames), &*mask_, "mask video", options_.mask_video,
                    [this](ClipFrame* frame, Image image) {
                      mask_watch_.Look(image);
                      frame->mask = std::move(image);
                    });
    if (color_)
      frames =
          Join(std::move(frames), &*color_, "color video", options_.color_video,
               [this](ClipFrame* frame, const Image& image) {
                 const double ratio = std::min(
                     1.0, static_cast<double>(kCutSide) / std::max(image.width(), image.height()));
                 const auto side = [&](int length) {
                   return std::max(1, static_cast<int>(std::lround(length * ratio)));
                 };
                 frame->color =
                     ReduceLuma(image, side(image.width()), side(image.height()), graph_.pool());
               });
    return frames;
  }

  template <typename Put>
  Stream<ClipFrame> Join(Stream<ClipFrame> frames, VideoReader* reader, const std::string& kind,
                         const std::string& path, Put put) {
    const int64_t most = options_.job.max_frames;
    return graph_.Map(graph_.Zip(std::move(frames), graph_.From(FirstFrames(reader, most)),
                                 InStep("depth video '" + options_.depth_video + "'",
                                        kind + " '" + path + "'", most)),
                      [put](std::pair<ClipFrame, Frame> pair) {
                        put(&pair.first, std::move(pair.second.image));
                        return std::move(pair.first);
                      });
  }

  bool HasWholePixels() const {
    const auto whole = [](float value) { return value - std::floor(value) == 0.5F; };
    for (int64_t f = 0; f < tracks_.num_frames(); ++f)
      for (const TrackSighting& seen : tracks_.Frame(f))
        if (!whole(seen.x) || !whole(seen.y)) return false;
    return true;
  }

  void Sample(const ClipFrame& frame) {
    const PlaneView<const float> depth = frame.depth.Plane<float>();
    const int64_t number = frames_++;
    int followed = 0;
    for (const TrackSighting& seen : tracks_.Frame(number)) {
      depths_.push_back(DepthAtPoint(depth, seen.x, seen.y, saturated_));
      const bool masked = mask_ && MaskedAtPoint(frame.mask.Plane<uint8_t>(), seen.x, seen.y,
                                                 options_.mask.threshold, options_.mask.dilation);
      masked_.push_back(masked);
      if (number > 0) followed += tracks_.Find(number - 1, seen.track) != nullptr;
    }
    if (!color_) return;
    const int before = number > 0 ? static_cast<int>(tracks_.Frame(number - 1).size()) : 0;
    if (cut_.IsCut(frame.color.Plane<uint8_t>(), before, followed)) cuts_.push_back(number);
  }

  void CheckLength() {
    Require(frames_ > 0, Code::kCorrupt, "'" + options_.depth_video + "' has no frames");
    const int64_t tracked = tracks_.num_frames();
    Require(tracked <= frames_ || options_.job.max_frames > 0, Code::kCorrupt,
            "tracking file '" + options_.track_file + "' has " + CountOf(tracked, "frame") +
                ", depth video '" + options_.depth_video + "' " + std::to_string(frames_) +
                ": they do not belong together");
    if (tracked < frames_)
      LogWarning("tracking file '" + options_.track_file + "' ends after " +
                 CountOf(tracked, "frame") + " of " + std::to_string(frames_) +
                 "; the camera is held there");
  }

  // Those that are not masked; their depths stay in `depths_`.
  TrackTable KeptTracks() {
    std::vector<char> dropped(tracks_.num_tracks(), 0);
    size_t at = 0;
    int64_t kept = 0;
    if (options_.mask.strict)
      for (int64_t f = 0; f < frames_; ++f)
        for (const TrackSighting& seen : tracks_.Frame(f))
          if (masked_[at++]) dropped[static_cast<size_t>(seen.track)] = 1;
    const float shift = options_.pixel_center == PixelCenter::kUpstream ? -0.5F : 0;
    TrackTableBuilder builder;
    std::vector<float> depths;
    at = 0;
    for (int64_t f = 0; f < frames_; ++f) {
      builder.BeginFrame();
      for (const TrackSighting& seen : tracks_.Frame(f)) {
        const size_t i = at++;
        if (masked_[i] || dropped[static_cast<size_t>(seen.track)]) continue;
        builder.Add(tracks_.ids()[static_cast<size_t>(seen.track)], seen.x + shift, seen.y + shift,
                    seen.confidence);
        depths.push_back(depths_[i]);
        ++kept;
      }
    }
    Require(kept > 0 || frames_ == 1, Code::kRefused,
            at == 0 ? "tracking file '" + options_.track_file + "' has no points"
                    : "all points of '" + options_.track_file + "' are masked");
    depths_ = std::move(depths);
    return builder.Finish();
  }

  AlignmentOptions Alignment() {
    AlignmentOptions alignment;
    alignment.camera = camera_;
    ApplySolve(options_.solve, &alignment);
    alignment.method = options_.use_madpose ? AlignmentMethod::kPairwise : options_.method;
    if (options_.assume_stationary_camera) alignment.motion = CameraMotion::kRotation;
    if (whole_pixels_) alignment.noise_px = 0.7;
    alignment.cuts = cuts_;
    alignment.pool = graph_.pool();
    return alignment;
  }

  std::string MethodName() const {
    if (options_.use_madpose || options_.method == AlignmentMethod::kPairwise) return "pairwise";
    return options_.method == AlignmentMethod::kLegacy ? "legacy" : "bundle";
  }

  const AlignPointsJobOptions& options_;
  const RunControl& control_;
  Graph graph_;
  OutputSet outputs_;
  CameraFiles files_;
  TrackTable tracks_;
  DepthVideoReader depth_;
  std::optional<VideoReader> mask_;
  MaskWatch mask_watch_{options_.mask_video, options_.mask.threshold};
  std::optional<VideoReader> color_;
  SceneCutDetector cut_;
  Camera camera_;
  float saturated_ = 0;
  bool whole_pixels_ = false;
  int64_t frames_ = 0;
  std::vector<float> depths_;
  std::vector<char> masked_;
  std::vector<int64_t> cuts_;
};

}  // namespace

void Describe(OptionList* list, AlignPointsJobOptions* options) {
  list->Field("track_file", &options->track_file, "JSON", "tracking file").Input().Required();
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("mask_video", &options->mask_video, "FILE",
              "white is not used, moving things above all; same size and length")
      .Input(true);
  list->Field("color_video", &options->color_video, "FILE",
              "looked at for cuts between shots; without it the tracks alone tell")
      .Input(true);
  DescribeCameraFiles(list, &options->output, &options->camera_output, &options->report,
                      &options->xfovs_output, false);
  list->Field("xfov", &options->fov.xfov_deg, {0, 180, true, true}, "DEGREES",
              "horizontal field of view; from --yfov and square pixels if only that is given")
      .Default("from the depth file");
  list->Field("yfov", &options->fov.yfov_deg, {0, 180, true, true}, "DEGREES",
              "vertical field of view; from --xfov and square pixels if only that is given")
      .Default("from the depth file");
  Describe(list, &options->depth);
  Describe(list, &options->mask);
  static const EnumNames<PixelCenter> centers = {{"half", PixelCenter::kHalf},
                                                 {"upstream", PixelCenter::kUpstream}};
  list->Field("pixel_center", &options->pixel_center, centers,
              "where a position of the tracking file is: half a pixel further than its number "
              "says, or just there, as the original toolbox takes it");
  list->Section("method");
  static const EnumNames<AlignmentMethod> methods = {{"bundle", AlignmentMethod::kBundle},
                                                     {"pairwise", AlignmentMethod::kPairwise},
                                                     {"legacy", AlignmentMethod::kLegacy}};
  list->Field("method", &options->method, methods,
              "all frames together; each from the one before, robustly; the same as the original "
              "toolbox did it without options");
  list->Field("use_madpose", &options->use_madpose, "the same as --method pairwise")
      .Excludes("method");
  list->Field("assume_stationary_camera", &options->assume_stationary_camera,
              "the camera turns about its centre only: the same as --camera rotation")
      .Excludes("camera");
  Describe(list, &options->solve);
  Describe(list, &options->job);
}

void AlignPointsJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  solve.CheckWith(fov);
  Require(!solve.optimize_intrinsic || (method == AlignmentMethod::kBundle && !use_madpose),
          Code::kInvalidArgument, "optimize_intrinsic goes with method bundle");
}

AlignPointsReport RunAlignPointsJob(const AlignPointsJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return AlignPointsJob(options, control).Run();
}

}  // namespace mdvt
