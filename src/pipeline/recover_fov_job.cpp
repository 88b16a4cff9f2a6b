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
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/vanishing_points.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/recover_fov.h"
#include "mdvt/tracking/line_segments.h"
#include "pipeline/camera_outputs.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/learn_fov.h"
#include "pipeline/mask_watch.h"
#include "pipeline/motion_picture.h"
#include "pipeline/path_start.h"
#include "pipeline/point_sampling.h"
#include "pipeline/shot_tracker.h"

namespace mdvt {
namespace {

constexpr double kDegrees = 180 / M_PI;
constexpr int kLineSide = 1280;  // long side of the pictures that are searched for edges
constexpr int kMostEdges = 250;  // of a picture

// A field of view and how sure it is.
struct Evidence {
  std::string method;
  FocalStatus status = FocalStatus::kNotObservable;
  bool stated = false;  // by the file or the caller: not measured
  std::string reason;   // why not
  double xfov = 0, low = 0, high = 0;
  std::optional<FocalCalibration> focal;

  bool Usable(bool weak_too) const {
    return stated || status == FocalStatus::kObservable ||
           (weak_too && status == FocalStatus::kWeak);
  }
};

// A number at the beginning of a text, "26 mm"; empty without one.
std::optional<double> NumberAt(const std::string& text) {
  size_t end = 0;
  while (end < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '.'))
    ++end;
  return ParseDouble(text.substr(0, end));
}

struct ClipFrame {
  Frame color;
  Image depth;  // empty without a depth video
  Image mask;   // empty without a mask video
};

class RecoverFovJob {
 public:
  RecoverFovJob(const RecoverFovJobOptions& options, const RunControl& control)
      : options_(options),
        control_(control),
        graph_(options.job, control),
        output_(OutputName(options.output, options.color_video, "_fov.json")),
        outputs_(options.job.overwrite),
        file_(StageOutputs()),
        color_(options.color_video, ReaderOptions(options.job, graph_.pool())) {
    CheckOnePicture(color_.info(), options.job.one_picture);
    const VideoInfo& info = color_.info();
    if (!options.depth_video.empty()) {
      depth_.emplace(options.depth_video,
                     DepthReaderOptions(options.depth, options.job.limits, graph_.pool()));
      Require(depth_->info().width == info.width && depth_->info().height == info.height,
              Code::kInvalidArgument,
              "depth video '" + options.depth_video + "' and color video '" + options.color_video +
                  "' must have the same size");
      saturated_ = SaturatedDepth(depth_->codec());
    }
    if (!options.mask_video.empty())
      mask_ = OpenMaskVideo(options.mask_video, info, options.job.limits, graph_.pool());
  }

  RecoverFovReport Run() {
    if (Asks(FovMethod::kLens)) FromLens();
    if (Asks(FovMethod::kTags) && !Found()) FromTags();
    const bool pictures =
        !Found() && options_.method != FovMethod::kLens && options_.method != FovMethod::kTags;
    if (pictures) LookAtPictures();
    if (options_.method == FovMethod::kSweep) Sweep();
    if (pictures && (Asks(FovMethod::kMotion) || options_.method == FovMethod::kSweep))
      FromMotion();
    if (pictures && Asks(FovMethod::kLines) && !Found()) FromLines();
    const Evidence* best = Best();
    if (best == nullptr && options_.method != FovMethod::kSweep) Refuse();
    Write(best);
    outputs_.CommitAll();
    return Report(best);
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    return outputs_.AddFile(output_);
  }

  bool Asks(FovMethod method) const {
    if (options_.method == FovMethod::kAuto)
      return method != FovMethod::kLens || options_.focal_length_mm || options_.focal_length_35mm;
    return options_.method == method;
  }
  bool Found() const { return Best() != nullptr; }
  const Evidence* Best() const {
    for (const bool weak_too : {false, true})
      for (const Evidence& one : evidence_)
        if (one.Usable(weak_too && options_.accept_weak_fov)) return &one;
    return nullptr;
  }

  // ---- What is stated.

  void AddStated(const std::string& method, double focal, double width) {
    Evidence one;
    one.method = method;
    one.stated = true;
    one.xfov = 2 * std::atan(options_.crop * width / (2 * focal)) * kDegrees;
    evidence_.push_back(one);
  }

  void FromLens() {
    if (options_.focal_length_mm)
      AddStated("lens", *options_.focal_length_mm, options_.sensor_width_mm);
    else
      AddStated("lens", *options_.focal_length_35mm, 36);
  }

  void FromTags() {
    for (const auto& [key, value] : color_.info().tags) {
      if (key == "MDVT_XFOV") {
        if (const auto xfov = NumberAt(value); xfov && *xfov > 0 && *xfov < 180)
          AddStated("metadata", 18 / std::tan(*xfov / 2 / kDegrees), 36);
        return;
      }
      const bool focal = key.find("FOCAL") != std::string::npos;
      if (!focal || key.find("35MM") == std::string::npos) continue;
      const auto millimetres = NumberAt(value);
      if (!millimetres || !(*millimetres >= 3 && *millimetres <= 3000)) continue;
      AddStated("metadata", *millimetres, 36);
      return;
    }
    Evidence none;
    none.method = "metadata";
    none.reason = "the file says nothing of its lens";
    evidence_.push_back(none);
  }

  // ---- Pictures.

  template <typename Reader>
  auto Joined(Stream<ClipFrame> frames, Reader* reader, const std::string& kind,
              const std::string& path) {
    const int64_t most = options_.job.max_frames;
    return graph_.Zip(
        std::move(frames), graph_.From(FirstFrames(reader, most)),
        InStep("color video '" + options_.color_video + "'", kind + " '" + path + "'", most));
  }

  Stream<ClipFrame> Frames() {
    auto colors = graph_.From(FirstFrames(&color_, options_.job.max_frames));
    Stream<ClipFrame> frames = graph_.Map(std::move(colors), [](Frame color) {
      return ClipFrame{std::move(color), Image(), Image()};
    });
    if (depth_)
      frames = graph_.Map(Joined(std::move(frames), &*depth_, "depth video", options_.depth_video),
                          [](std::pair<ClipFrame, DepthFrame> pair) {
                            pair.first.depth = std::move(pair.second.depth);
                            return std::move(pair.first);
                          });
    if (mask_)
      frames = graph_.Map(Joined(std::move(frames), &*mask_, "mask video", options_.mask_video),
                          [this](std::pair<ClipFrame, Frame> pair) {
                            mask_watch_.Look(pair.second.image);
                            pair.first.mask = std::move(pair.second.image);
                            return std::move(pair.first);
                          });
    return frames;
  }

  void LookAtPictures() {
    const VideoInfo& info = color_.info();
    ShotTracker tracker(info.width, info.height, options_.points, graph_.pool());
    const int64_t expected = ExpectedFrames(info.estimated_frames, 0, options_.job.max_frames);
    const int64_t step = std::max<int64_t>(1, expected / options_.pictures);
    TrackTableBuilder builder;
    graph_.Into(Frames(), [&](const ClipFrame& frame) {
      bool is_cut = false;
      const std::vector<TrackedPoint> points = tracker.Follow(frame.color.image, &is_cut);
      if (is_cut) cuts_.push_back(frames_);
      builder.BeginFrame();
      for (const TrackedPoint& point : points) {
        const double x = point.position.x(), y = point.position.y();
        if (!(x >= 0 && y >= 0 && x < info.width && y < info.height)) continue;
        if (mask_ && MaskedAtPoint(frame.mask.Plane<uint8_t>(), x, y, options_.mask.threshold,
                                   options_.mask.dilation))
          continue;
        builder.Add(static_cast<int32_t>(point.id), static_cast<float>(x), static_cast<float>(y),
                    1);
        depths_.push_back(depth_ ? DepthAtPoint(frame.depth.Plane<float>(), x, y, saturated_) : 0);
      }
      if (Asks(FovMethod::kLines) && frames_ % step == step / 2 &&
          fits_.size() < static_cast<size_t>(options_.pictures))
        fits_.push_back(EdgesOf(frame));
      ++frames_;
    });
    graph_.Run("tracks", expected);
    mask_watch_.Tell(kNoPointMasked);
    Require(frames_ > 0, Code::kCorrupt, "'" + options_.color_video + "' has no frames");
    tracks_ = builder.Finish();
  }

  ManhattanFit EdgesOf(const ClipFrame& frame) {
    const VideoInfo& info = color_.info();
    const double ratio =
        std::min(1.0, static_cast<double>(kLineSide) / std::max(info.width, info.height));
    const Image small = ReduceLuma(
        frame.color.image, std::max(1, static_cast<int>(std::lround(info.width * ratio))),
        std::max(1, static_cast<int>(std::lround(info.height * ratio))), graph_.pool());
    const double half = small.width() / 2.0;
    const Eigen::Vector2d centre(half, small.height() / 2.0);
    std::vector<ImageSegment> segments;
    for (const LineSegment& line :
         FindLineSegments(small.Plane<uint8_t>(), small.width() / 32.0, kMostEdges))
      segments.emplace_back((line.a - centre) / half, (line.b - centre) / half);
    return FitManhattan(segments, static_cast<uint32_t>(options_.seed));
  }

  // ---- Motion.

  Camera CameraOf(double xfov) const {
    const VideoInfo& info = color_.info();
    FovOptions fov;
    fov.xfov_deg = xfov;
    return ClipCamera(fov, {}, info.width, info.height, info.sample_aspect, options_.job.limits)
        .At(0);
  }

  std::vector<double> Starts() const {
    const VideoInfo& info = color_.info();
    if (!options_.start.empty())
      return {ClipCamera(options_.start, {}, info.width, info.height, info.sample_aspect,
                         options_.job.limits)
                  .At(0)
                  .xfov_deg()};
    return {60, 40, 85};
  }

  AlignmentOptions Alignment() {
    AlignmentOptions alignment;
    alignment.cuts = cuts_;
    alignment.seed = static_cast<uint32_t>(options_.seed);
    alignment.pool = graph_.pool();
    return alignment;
  }

  CameraAlignment Align(double xfov) {
    AlignmentOptions alignment = Alignment();
    alignment.camera = CameraOf(xfov);
    if (!depth_) StartFromPath(tracks_, &alignment);
    return AlignCameras(tracks_, depths_, alignment, control_);
  }

  void FromMotion() {
    MotionFovSearch search;
    search.alignment = Alignment();
    search.alignment.accept_weak_focal = options_.accept_weak_fov;
    search.camera = [this](double xfov) { return CameraOf(xfov); };
    search.starts = Starts();
    search.has_depth = depth_.has_value();
    MotionFov found = FovFromMotion(tracks_, depths_, search, control_);
    Evidence one;
    one.method = "motion";
    one.status = found.status;
    one.reason = frames_ == 1 ? "one_frame" : found.reason;
    one.xfov = found.xfov;
    one.low = found.low;
    one.high = found.high;
    one.focal = std::move(found.focal);
    evidence_.push_back(std::move(one));
  }

  // ---- Lines.

  void FromLines() {
    Evidence one;
    one.method = "lines";
    const ManhattanFocal focal = JoinManhattan(fits_);
    one.reason = focal.reason;
    if (focal.ok) {
      const auto degrees = [](double f) { return 2 * std::atan(1 / f) * kDegrees; };
      const double half = 1.96 * focal.sigma_log;
      one.xfov = degrees(focal.focal);
      one.low = degrees(focal.focal * std::exp(half));
      one.high = degrees(focal.focal * std::exp(-half));
      const FocalCalibrationOptions rules;
      one.status = half <= rules.max_half_width    ? FocalStatus::kObservable
                   : half <= rules.weak_half_width ? FocalStatus::kWeak
                                                   : FocalStatus::kNotObservable;
      if (one.status == FocalStatus::kNotObservable) one.reason = "the pictures disagree";
    }
    evidence_.push_back(one);
  }

  // ---- Sweep.

  void Sweep() {
    for (const double xfov : options_.Fovs()) {
      json::Value row = json::Value::Members{{"xfov", xfov}};
      FovCost cost;
      cost.xfov_deg = xfov;
      try {
        const CameraAlignment found = Align(xfov);
        cost.rms_px = found.rms_px;
        cost.held_out_rms_px = found.held_out_rms_px;
        cost.path_length = SolveReport(found, false).path_length;
        row["rms_px"] = found.rms_px;
        row["held_out_rms_px"] = found.held_out_rms_px;
        row["static_share"] = found.static_share;
        row["path_length"] = cost.path_length;
      } catch (const Error& error) {
        if (error.code() != Code::kRefused) throw;
        row["refused"] = cost.refused = error.what();
      }
      costs_.push_back(std::move(cost));
      sweep_.Add(std::move(row));
    }
  }

  // ---- What is told.

  [[noreturn]] void Refuse() const {
    std::string text = "the field of view of '" + options_.color_video + "' cannot be known:";
    std::string separator = " ";
    for (const Evidence& one : evidence_) {
      text += separator + one.method + ": ";
      text += one.status == FocalStatus::kWeak
                  ? "roughly " + FormatFixed(one.xfov, 1) + " deg (take it with accept_weak_fov)"
                  : (one.reason.empty() ? "does not tell" : Why(one));
      separator = "; ";
    }
    throw Error(Code::kRefused, text);
  }

  static std::string Why(const Evidence& one) {
    if (one.reason == "no_pan_tilt") return "the camera does not pan or tilt";
    if (one.reason == "one_frame") return "one frame shows no motion";
    if (one.reason == "no_motion") return "the camera stands still";
    if (one.reason == "focal_changes") return "the camera zooms";
    if (one.reason == "interval_open" || one.reason == "interval_wide")
      return "too many fields of view explain it alike";
    std::string text = one.reason;
    std::replace(text.begin(), text.end(), '_', ' ');
    return text;
  }

  double YfovOf(double xfov) const { return CameraOf(xfov).yfov_deg(); }

  void Write(const Evidence* best) const {
    json::Value file =
        json::Value::Members{{"version", 1}, {"video", FileName(options_.color_video)}};
    file["xfov"] = best != nullptr ? json::Value(best->xfov) : json::Value();
    file["yfov"] = best != nullptr ? json::Value(YfovOf(best->xfov)) : json::Value();
    file["method"] = best != nullptr ? json::Value(best->method) : json::Value();
    json::Value evidence = json::Value::Array{};
    for (const Evidence& one : evidence_) {
      json::Value row = json::Value::Members{{"method", one.method}};
      row["status"] = one.stated ? "given" : FocalStatusName(one.status);
      row["reason"] = one.reason;
      row["xfov"] = one.xfov > 0 ? json::Value(one.xfov) : json::Value();
      row["xfov_low"] = one.low > 0 ? json::Value(one.low) : json::Value();
      row["xfov_high"] = one.high > 0 ? json::Value(one.high) : json::Value();
      if (one.focal) {
        row["axis_angle_deg"] = one.focal->axis_angle * kDegrees;
        row["zoom_log"] = one.focal->zoom_log;
      }
      evidence.Add(std::move(row));
    }
    file["evidence"] = std::move(evidence);
    if (options_.method == FovMethod::kSweep) file["sweep"] = sweep_;
    WriteFile(file_, json::Write(file, json::Layout::kPretty) + "\n");
  }

  RecoverFovReport Report(const Evidence* best) const {
    RecoverFovReport report;
    report.frames = frames_;
    report.output = output_;
    report.sweep = costs_;
    if (best == nullptr) {
      report.method = "sweep";
      report.fov_status = FocalStatusName(FocalStatus::kNotObservable);
      return report;
    }
    report.method = best->method;
    report.fov_status = best->stated ? "given" : FocalStatusName(best->status);
    report.xfov_deg = best->xfov;
    report.yfov_deg = YfovOf(best->xfov);
    report.low_deg = best->low;
    report.high_deg = best->high;
    return report;
  }

  const RecoverFovJobOptions& options_;
  const RunControl& control_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  OutputTarget file_;
  VideoReader color_;
  std::optional<DepthVideoReader> depth_;
  std::optional<VideoReader> mask_;
  MaskWatch mask_watch_{options_.mask_video, options_.mask.threshold};
  float saturated_ = 0;
  int64_t frames_ = 0;
  TrackTable tracks_;
  std::vector<float> depths_;
  std::vector<int64_t> cuts_;
  std::vector<ManhattanFit> fits_;
  std::vector<Evidence> evidence_;
  std::vector<FovCost> costs_;
  json::Value sweep_ = json::Value::Array{};
};

}  // namespace

void Describe(OptionList* list, RecoverFovJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("depth_video", &options->depth_video, "FILE",
              "its depth video: helps where the camera moves")
      .Input(true);
  list->Field("mask_video", &options->mask_video, "FILE",
              "white is not used, moving things above all; same size and length")
      .Input(true);
  list->Field("output", &options->output, "JSON", "the answer and how sure it is, or a folder")
      .Output()
      .Default("<color_video>_fov.json");
  static const EnumNames<FovMethod> methods = {
      {"auto", FovMethod::kAuto},     {"lens", FovMethod::kLens},   {"metadata", FovMethod::kTags},
      {"motion", FovMethod::kMotion}, {"lines", FovMethod::kLines}, {"sweep", FovMethod::kSweep}};
  list->Field("method", &options->method, methods,
              "the lens that is given; what the file says of its lens; how points move; straight "
              "edges at right angles; a table of the fields of view of --fovs");
  list->Field("accept_weak_fov", &options->accept_weak_fov,
              "take a field of view that is known within 15 % only, not within 4 %");
  list->Section("lens");
  list->Field("focal_length", &options->focal_length_mm, {0, 10000, true, false}, "MM",
              "of the lens, with --sensor_width")
      .Excludes("focal_length_35mm");
  list->Field("focal_length_35mm", &options->focal_length_35mm, {0, 10000, true, false}, "MM",
              "of the lens, as it would be on film of 36 mm");
  list->Field("sensor_width", &options->sensor_width_mm, {0, 1000, true, false}, "MM",
              "width of the sensor")
      .OnlyWith("focal_length");
  list->Field("crop", &options->crop, {0, 1, true, false}, "SHARE",
              "of the sensor's width that the video shows: of lens and metadata");
  list->Section("motion");
  list->Field("xfov", &options->start.xfov_deg, {0, 180, true, true}, "DEGREES",
              "horizontal field of view to begin with")
      .Default("several");
  list->Field("yfov", &options->start.yfov_deg, {0, 180, true, true}, "DEGREES",
              "vertical field of view to begin with")
      .Default("several");
  list->Field("fovs", &options->fovs, "LIST", "horizontal fields of view of a sweep, in degrees");
  Describe(list, &options->depth);
  list->Field("mask_threshold", &options->mask.threshold, {0, 255}, "STEPS",
              "pixels of the mask above this are left out")
      .OnlyWith("mask_video");
  list->Field("mask_dilation", &options->mask.dilation, {0, 100}, "PIXELS",
              "and so many pixels around them")
      .OnlyWith("mask_video");
  list->Field("points", &options->points, {50, 20000}, "N", "that are followed at a time");
  list->Field("pictures", &options->pictures, {1, 256}, "N", "that are searched for edges");
  list->Field("seed", &options->seed, {0, 4294967295.0}, "N", "of random samples");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

std::vector<double> RecoverFovJobOptions::Fovs() const {
  std::vector<double> values;
  size_t begin = 0;
  while (begin <= fovs.size()) {
    const size_t comma = std::min(fovs.find(',', begin), fovs.size());
    std::string text = fovs.substr(begin, comma - begin);
    text.erase(0, text.find_first_not_of(' '));
    text.erase(text.find_last_not_of(' ') + 1);
    const auto value = ParseDouble(text);
    Require(value && *value >= 5 && *value <= 150 && values.size() < 64, Code::kInvalidArgument,
            "fovs is '" + fovs + "', must be up to 64 numbers in [5, 150] with commas between");
    values.push_back(*value);
    begin = comma + 1;
  }
  return values;
}

void RecoverFovJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Fovs();
  Require(method != FovMethod::kLens || focal_length_mm || focal_length_35mm,
          Code::kInvalidArgument, "method lens needs focal_length or focal_length_35mm");
}

RecoverFovReport RunRecoverFovJob(const RecoverFovJobOptions& options, const RunControl& control) {
  options.Check();
  return RecoverFovJob(options, control).Run();
}

}  // namespace mdvt
