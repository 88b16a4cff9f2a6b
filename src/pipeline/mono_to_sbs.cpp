// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/mono_to_sbs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <utility>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/motion_depth.h"
#include "mdvt/stereo/backward_warp.h"
#include "mdvt/stereo/renderer.h"
#include "mdvt/tracking/content_cut.h"
#include "pipeline/constant_rate.h"
#include "pipeline/job_common.h"
#include "pipeline/thumbnail_sheet.h"

namespace mdvt {
namespace {

constexpr double kWidthPerShift = 80;  // 24 pixels of 1920
constexpr int kCutPictureWidth = 256;  // of the pictures in which cuts are looked for
// Steps of the output's clock per frame: where the clip starts is off by a 32nd of a frame at most.
constexpr int64_t kStepsPerTick = 16;
// What is farther than this stands still, also as the distance of the screen.
constexpr double kLeastDisparity = 1e-6;

// A frame on its way through the job. `shows`: how many frames of the output it is.
struct InputFrame {
  Frame frame;  // `index` counts the frames of the source
  int64_t pts = 0;
  int64_t duration = 0;  // of one show, in the output's time base
  int64_t shows = 1;
  double seconds = 0;
};

struct MappedFrame {
  InputFrame input;
  Image depth;
  DepthQuantity quantity = DepthQuantity::kMetricDepth;
  bool new_scene = false;
};

struct RenderedFrame {
  Image image;
  int64_t pts = 0;
  int64_t duration = 0;
  int64_t shows = 1;
};

std::string DefaultOutput(const MonoToSbsJobOptions& options) {
  return OutputName(options.output, options.input, "_sbs.mp4");
}

VideoReaderOptions ReaderOptions(const JobOptions& job, ThreadPool* pool) {
  VideoReaderOptions reader;
  reader.limits = job.limits;
  reader.pool = pool;
  return reader;
}

// H.264 is for players: 4:2:0, 10 bits where the source has more than 8.
PixelFormat OutputFormat(const PixelFormat& source) {
  return PixelFormat::Yuv(420, source.bits > 8 ? 10 : 8);
}

// The tags of a picture that was converted from RGB or gray to YUV say by which matrix.
ColorInfo OutputColor(const VideoInfo& source, const PixelFormat& output) {
  ColorInfo color = source.color;
  if (source.format.model == output.model) return color;
  color.matrix = 2;
  color.full_range = false;
  return ResolveColor(color, output, source.height);
}

int64_t HolePixels(const HoleMap& holes) {
  int64_t pixels = 0;
  for (const auto& row : holes.rows)
    for (const HoleSpan& span : row) pixels += span.end - span.begin;
  return pixels;
}

StereoLayout LayoutOf(StereoPacking packing) {
  const bool across =
      packing == StereoPacking::kSideBySide || packing == StereoPacking::kHalfSideBySide;
  return across ? StereoLayout::kSideBySide : StereoLayout::kTopBottom;
}

Rational ToRational(double value) {
  return Rational{std::llround(value * 1000000), 1000000}.Reduced();
}

// The nearest simple rate: 23.976 stands for 24000/1001.
Rational RateOf(double fps) {
  for (const int64_t whole : {24, 30, 48, 60, 120}) {
    const Rational ntsc{whole * 1000, 1001};
    if (std::fabs(fps - ntsc.ToDouble()) < 0.001) return ntsc;
  }
  return ToRational(fps);
}

// Small pictures for the detector of cuts.
class CutPictures {
 public:
  CutPictures(const VideoInfo& source, ThreadPool* pool) : color_(source.color) {
    const double ratio = std::min(
        1.0, static_cast<double>(kCutPictureWidth) / std::max(source.width, source.height));
    const int width = std::max(1, static_cast<int>(std::lround(source.width * ratio)));
    const int height = std::max(1, static_cast<int>(std::lround(source.height * ratio)));
    color_ = ResolveColor(color_, source.format, source.height);
    small_ = Image(source.format, width, height);
    const ResizeWindow whole{0, 0, static_cast<double>(source.width),
                             static_cast<double>(source.height)};
    resizer_.emplace(source.format, source.width, source.height, whole, width, height,
                     ResizeOptions{ResizeFilter::kBilinear, color_.chroma_location}, pool);
  }

  Image Make(const Image& frame) {
    resizer_->Resize(frame.view(), small_.mutable_view());
    return converter_.Convert(small_, color_, PixelFormat::Rgb(8));
  }

 private:
  ColorInfo color_;
  Image small_;
  std::optional<ImageResizer> resizer_;
  ColorConverter converter_;
};

// Which frames begin a scene.
class SceneStarts {
 public:
  SceneStarts(const MonoToSbsJobOptions& options, const VideoInfo& source, ThreadPool* pool)
      : from_(options.cuts == SceneCuts::kOff ? From::kNowhere
              : options.scene_file.empty()    ? From::kColors
                                              : From::kFile) {
    if (from_ == From::kColors) pictures_.emplace(source, pool);
    if (from_ == From::kFile) starts_ = ReadSceneStarts(options.scene_file, options.job.limits);
  }

  void Push(const InputFrame& input) {
    switch (from_) {
      case From::kColors:
        detector_.Push(pictures_->Make(input.frame.image).view(), input.seconds);
        break;
      case From::kFile: {
        bool cut = false;
        // Also the starts of scenes whose first frames are not among those shown.
        for (; next_ < starts_.size() && starts_[next_] <= input.frame.index; ++next_)
          cut = cut || starts_[next_] > 0;
        known_.push_back(cut && input.frame.index > 0);
        break;
      }
      case From::kNowhere:
        known_.push_back(false);
        break;
    }
  }
  void Finish() { detector_.Finish(); }
  std::optional<bool> Pop() {
    if (from_ == From::kColors) return detector_.Pop();
    if (known_.empty()) return std::nullopt;
    const bool cut = known_.front();
    known_.pop_front();
    return cut;
  }

 private:
  enum class From { kColors, kFile, kNowhere };

  From from_;
  std::optional<CutPictures> pictures_;
  ContentCutDetector detector_;
  std::vector<int64_t> starts_;
  size_t next_ = 0;
  std::deque<bool> known_;
};

// Chooses the frames of a preview.
class PreviewSampler {
 public:
  PreviewSampler(std::optional<double> interval, std::optional<int64_t> every)
      : interval_(interval), every_(every) {}

  bool active() const { return interval_ || every_; }
  bool Takes(double seconds) {
    const int64_t number = count_++;
    if (every_) return number % *every_ == 0;
    if (!interval_) return true;
    if (number == 0) start_ = seconds;
    constexpr double kRoom = 1e-6;  // of times in ticks of a container
    if (seconds - start_ + kRoom < static_cast<double>(next_) * *interval_) return false;
    next_ = static_cast<int64_t>(std::floor((seconds - start_ + kRoom) / *interval_)) + 1;
    return true;
  }

 private:
  std::optional<double> interval_;
  std::optional<int64_t> every_;
  int64_t count_ = 0;
  int64_t next_ = 0;
  double start_ = 0;
};

// What the engine and the detector of cuts say of each frame.
class DepthMapper : public Stage<InputFrame, MappedFrame> {
 public:
  DepthMapper(const MonoToSbsJobOptions& options, const VideoInfo& source, DepthEstimator* engine,
              ThreadPool* pool)
      : options_(options),
        color_(source.color),
        engine_(engine),
        starts_(options, source, pool),
        pictures_(engine->input_format(), source.width, source.height) {}

  int latency() const override { return engine_->latency(); }
  int group() const override { return engine_->group(); }

  void Push(InputFrame input) override {
    starts_.Push(input);
    Frame picture = input.frame;
    picture.index = pushed_++;
    if (picture.image.format() != engine_->input_format()) {
      Image converted = pictures_.Get();
      converter_.Convert(picture.image.view(), color_, converted.mutable_view());
      picture.image = std::move(converted);
    }
    engine_->Push(std::move(picture));
    waiting_.push_back(std::move(input));
  }

  void Finish() override {
    starts_.Finish();
    engine_->Finish();
    finished_ = true;
  }

  std::optional<MappedFrame> Pop() override {
    while (const std::optional<bool> cut = starts_.Pop()) cuts_.push_back(*cut);
    // One at a time: an engine may hold the work of a whole window until it is asked.
    if (!estimate_) estimate_ = engine_->Pop();
    if (!estimate_ || cuts_.empty()) {
      Require(!finished_ || waiting_.empty(), Code::kInternal, "the depth engine kept frames back");
      return std::nullopt;
    }
    MappedFrame frame;
    frame.input = std::move(waiting_.front());
    const Image& picture = frame.input.frame.image;
    Require(estimate_->index == handed_on_ && estimate_->depth.format() == PixelFormat::GrayF32() &&
                estimate_->depth.width() == picture.width() &&
                estimate_->depth.height() == picture.height(),
            Code::kInternal,
            "the depth engine did not give frame " + std::to_string(handed_on_) +
                " in the size of the picture");
    frame.depth = std::move(estimate_->depth);
    frame.quantity = estimate_->quantity;
    frame.new_scene =
        cuts_.front() || (options_.cuts != SceneCuts::kOff && estimate_->starts_scene);
    waiting_.pop_front();
    cuts_.pop_front();
    estimate_.reset();
    ++handed_on_;
    return frame;
  }

 private:
  const MonoToSbsJobOptions& options_;
  ColorInfo color_;
  DepthEstimator* engine_;
  SceneStarts starts_;
  ColorConverter converter_;
  ImagePool pictures_;
  std::deque<InputFrame> waiting_;
  std::deque<bool> cuts_;
  std::optional<DepthEstimate> estimate_;
  int64_t pushed_ = 0;
  int64_t handed_on_ = 0;
  bool finished_ = false;
};

// One frame after another from depth to both eyes. Owned by one thread.
class EyeMaker : public Stage<MappedFrame, RenderedFrame> {
 public:
  EyeMaker(const MonoToSbsJobOptions& options, const MonoToSbsPlan& plan, const VideoInfo& source,
           ThreadPool* pool)
      : options_(options),
        canvas_(plan.canvas),
        color_(ResolveColor(source.color, source.format, source.height)),
        pool_(pool),
        normalizer_(options.norm, pool_),
        smoother_(options.smoothing, pool_),
        shifts_(ShiftWith(options.shift, plan.max_shift)),
        screen_(options.convergence),
        renderer_(Stereo(color_), pool_),
        filler_({}, pool_),
        images_([this, format = source.format] {
          auto image = std::make_unique<Image>(format, canvas_.frame_width, canvas_.frame_height);
          PaintPadding(canvas_, color_.full_range, image->mutable_view());
          return image;
        }),
        preview_(options.preview_interval, options.preview_every) {
    eye_width_ = canvas_.half_width / canvas_.squeeze_x;
    steep_step_ = plan.max_shift > 0 ? 1 / (plan.max_shift * canvas_.squeeze_x) : 2;
    if (canvas_.exact) return;
    content_ = Image(source.format, canvas_.content_width, canvas_.content_height);
    scaled_ = Image(PixelFormat::GrayF32(), canvas_.content_width, canvas_.content_height);
    color_resizer_.emplace(source.format, source.width, source.height, canvas_.window,
                           canvas_.content_width, canvas_.content_height,
                           ResizeOptions{options.filter, color_.chroma_location}, pool_);
    map_resizer_.emplace(PixelFormat::GrayF32(), source.width, source.height, canvas_.window,
                         canvas_.content_width, canvas_.content_height,
                         ResizeOptions{ResizeFilter::kBilinear, 0}, pool_);
  }

  // The range of a frame may become known only later.
  void Push(MappedFrame frame) override {
    if (frame.quantity == DepthQuantity::kMetricDepth) {
      normalizer_.PushDepth(frame.depth.MutablePlane<float>(), frame.new_scene);
    } else {
      Require(options_.norm.mode != NormMode::kMetric, Code::kRefused,
              "the norm 'metric' needs depth in metres, this engine gives relative disparity");
      normalizer_.Push(frame.depth.Plane<float>(), frame.new_scene);
    }
    waiting_.push_back(std::move(frame));
  }
  void Finish() override { normalizer_.Finish(); }

  // Frames that a preview passes over do not come out.
  std::optional<RenderedFrame> Pop() override {
    std::optional<RenderedFrame> rendered;
    while (!rendered) {
      const std::optional<NormalRange> range = normalizer_.Pop();
      if (!range) break;
      MappedFrame frame = std::move(waiting_.front());
      waiting_.pop_front();
      Make(*range, &frame, &rendered);
    }
    return rendered;
  }

  int scenes() const { return scenes_; }
  double mean_hole_share() const { return frames_ > 0 ? hole_share_ / frames_ : 0; }
  double mean_shift() const { return frames_ > 0 ? shift_sum_ / frames_ : 0; }
  const ThumbnailSheet& sheet() const { return sheet_; }

 private:
  static StereoOptions Stereo(const ColorInfo& color) {
    StereoOptions stereo;
    stereo.baseline = 1;  // the camera's focal length is the shift then
    stereo.inverse_depth = true;
    stereo.color = color;
    return stereo;
  }

  static ShiftOptions ShiftWith(ShiftOptions shift, double max_shift) {
    shift.max_shift = max_shift;
    return shift;
  }

  void Make(const NormalRange& range, MappedFrame* frame, std::optional<RenderedFrame>* rendered) {
    const InputFrame& input = frame->input;
    const bool new_scene = frame->new_scene || scenes_ == 0;
    scenes_ += new_scene;
    const double seconds = input.seconds - last_seconds_;
    last_seconds_ = input.seconds;

    // A flat frame has nothing to show and nothing to remember.
    if (range.flat)
      NormalizeDisparity(range, frame->depth.MutablePlane<float>(), pool_);
    else
      smoother_.Smooth(input.frame.image, seconds, new_scene || was_flat_, range, &frame->depth);
    was_flat_ = range.flat;
    PlaneView<const float> map = frame->depth.Plane<float>();

    // The part of the picture that is shown, at the size at which it is.
    const bool taken = preview_.Takes(input.seconds);
    ImageView color = input.frame.image.view();
    if (canvas_.exact) {
      const int x = static_cast<int>(canvas_.window.x), y = static_cast<int>(canvas_.window.y);
      map = {map.Row(y) + x, map.stride, canvas_.content_width, canvas_.content_height};
      color = Crop(color, x, y, canvas_.content_width, canvas_.content_height);
    } else {
      map_resizer_->Resize(frame->depth.view(), scaled_.mutable_view());
      map = scaled_.Plane<float>();
      if (taken) {
        color_resizer_->Resize(color, content_.mutable_view());
        color = content_.view();
      }
    }
    double convergence = 1;
    double shift = 0;
    if (!range.flat) {
      convergence = screen_.Push(map, new_scene);
      ShiftFrame facts;
      facts.lo = range.lo;
      facts.hi = range.hi;
      facts.zero_is_infinity = frame->quantity == DepthQuantity::kMetricDepth;
      facts.steep_share = options_.shift.dynamic ? SteepShare(map, steep_step_, pool_) : 0;
      facts.convergence = convergence;
      facts.new_scene = new_scene;
      shift = shifts_.Push(facts, eye_width_);
    }
    if (!taken) return;
    shift_sum_ += shift;
    ++frames_;

    std::shared_ptr<Image> shared = images_.Get();
    const MutableImageView pixels = shared->mutable_view();
    Image both(pixels, std::move(shared));
    std::array<MutableImageView, 2> halves;
    for (size_t half = 0; half < 2; ++half)
      halves[half] = both.mutable_view().Crop((half == 1 ? canvas_.right_x : 0) + canvas_.content_x,
                                              (half == 1 ? canvas_.right_y : 0) + canvas_.content_y,
                                              canvas_.content_width, canvas_.content_height);
    const size_t left = options_.swap_eyes ? 1 : 0;
    Render(color, map, convergence, shift * canvas_.squeeze_x, halves[left], halves[1 - left]);
    if (!options_.contact_sheet.empty() && sheet_.Wants()) {
      const double aspect = canvas_.sample_aspect.ToDouble() *
                            (canvas_.content_width / canvas_.squeeze_x) /
                            (canvas_.content_height / canvas_.squeeze_y);
      sheet_.Add(halves[left], halves[1 - left], map, color_, aspect);
    }
    const bool preview = preview_.active();
    *rendered = RenderedFrame{std::move(both), input.pts, preview ? 0 : input.duration,
                              preview ? 1 : input.shows};
  }

  void Render(const ImageView& color, PlaneView<const float> map, double convergence, double shift,
              const MutableImageView& left, const MutableImageView& right) {
    if (!(shift > 0)) {
      CopyPixels(color, left);
      CopyPixels(color, right);
      return;
    }
    if (options_.warp == WarpKind::kBackward) {
      BackwardWarp(color, map, shift, convergence, left, right, color_.chroma_location, pool_);
      return;
    }
    // x_left - x_right = fx baseline (1 / depth - 1 / distance): the parallax with its sign turned.
    Camera camera;
    camera.width = map.width;
    camera.height = map.height;
    camera.fx = camera.fy = shift;
    camera.cx = map.width / 2.0;
    camera.cy = map.height / 2.0;
    const double distance = 1 / std::max(convergence, kLeastDisparity);
    std::array<EyeView, 2> eyes;
    for (size_t eye = 0; eye < 2; ++eye) {
      eyes[eye].image = eye == 0 ? left : right;
      eyes[eye].holes = &holes_[eye];
    }
    renderer_.Render(color, map, camera, distance, eyes[0], eyes[1]);
    double holes = 0;
    for (const EyeView& eye : eyes) {
      holes += static_cast<double>(HolePixels(*eye.holes));
      filler_.Fill(*eye.holes, eye.image);
    }
    hole_share_ += holes / (2.0 * map.width * map.height);
  }

  const MonoToSbsJobOptions& options_;
  const StereoCanvas canvas_;
  const ColorInfo color_;
  ThreadPool* const pool_;
  DisparityNormalizer normalizer_;
  DisparitySmoother smoother_;
  ShiftController shifts_;
  ConvergenceTracker screen_;
  StereoRenderer renderer_;
  DirectionalFill filler_;
  std::array<HoleMap, 2> holes_;
  ObjectPool<Image> images_;
  PreviewSampler preview_;
  ThumbnailSheet sheet_;
  std::optional<ImageResizer> color_resizer_, map_resizer_;
  Image content_, scaled_;
  double eye_width_ = 0;
  double steep_step_ = 1;
  std::deque<MappedFrame> waiting_;
  bool was_flat_ = false;
  double last_seconds_ = 0;
  int scenes_ = 0;
  double hole_share_ = 0;
  double shift_sum_ = 0;
  double frames_ = 0;
};

class MonoToSbsJob {
 public:
  MonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job.num_threads, control),
        output_(DefaultOutput(options)),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        reader_(options.input, ReaderOptions(options.job, graph_.pool())),
        preview_(options.preview_interval || options.preview_every) {
    MakePlan();
    OpenWriter();
    maker_.emplace(options_, plan_, reader_.info(), graph_.pool());
  }

  MonoToSbsReport Run() {
    if (options_.on_start) options_.on_start(plan_);
    DepthMapper mapper(options_, reader_.info(), engine_.get(), graph_.pool());
    auto mapped = graph_.Then(Frames().Holding(1), &mapper).Holding(1);
    auto rendered = graph_.Then(std::move(mapped), &*maker_).Holding(1);
    graph_.Into(std::move(rendered), [this](RenderedFrame frame) { return Encode(&frame); });
    graph_.Run("stereo", expected_frames_);
    Require(shown_ > 0, Code::kCorrupt, "'" + options_.input + "' has no frames");

    if (sheet_) maker_->sheet().Write(*sheet_);
    writer_->Finish();
    outputs_.CommitAll();

    MonoToSbsReport report;
    report.frames = graph_.frames_done();
    report.output = output_;
    report.scenes = maker_->scenes();
    report.hole_share = maker_->mean_hole_share();
    report.mean_shift = maker_->mean_shift();
    report.width = plan_.canvas.frame_width;
    report.height = plan_.canvas.frame_height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.contact_sheet.empty()) sheet_ = outputs_.AddFile(options_.contact_sheet);
    return outputs_.AddFile(output_);
  }

  void MakePlan() {
    const VideoInfo& source = reader_.info();
    CanvasOptions canvas = options_.canvas;
    // The documented preview does not enlarge.
    if (preview_) canvas.picture_width = canvas.picture_height = 0;
    plan_.source_width = source.width;
    plan_.source_height = source.height;
    plan_.source_rate = source.frame_rate;
    plan_.canvas = PlanStereoCanvas(canvas, source.width, source.height, source.sample_aspect);
    plan_.format = OutputFormat(source.format);
    const double eye_width = plan_.canvas.half_width / plan_.canvas.squeeze_x;
    plan_.max_shift = options_.max_shift.value_or(eye_width / kWidthPerShift);

    time_base_ = source.time_base;
    plan_.output_rate = source.frame_rate;
    double expected = static_cast<double>(source.estimated_frames);
    if (options_.fps > 0) {
      plan_.output_rate = RateOf(options_.fps);
      time_base_ = Rational{plan_.output_rate.den, plan_.output_rate.num * kStepsPerTick};
      rate_.emplace(plan_.output_rate.ToDouble(), source.time_base);
      if (source.frame_rate.IsPositive())
        expected *= plan_.output_rate.ToDouble() / source.frame_rate.ToDouble();
    }
    int64_t frames = ExpectedFrames(std::llround(expected), 0, options_.job.max_frames);
    const double rate = plan_.output_rate.IsPositive() ? plan_.output_rate.ToDouble() : 0;
    if (preview_) {
      double spacing = 0;  // frames
      if (options_.preview_every) spacing = static_cast<double>(*options_.preview_every);
      if (options_.preview_interval) spacing = *options_.preview_interval * rate;
      if (spacing > 1)
        frames = static_cast<int64_t>(std::ceil(static_cast<double>(frames) / spacing));
      plan_.output_rate = Rational{0, 1};
      if (options_.preview_interval) plan_.output_rate = ToRational(1 / *options_.preview_interval);
      if (options_.preview_every && rate > 0)
        plan_.output_rate = ToRational(rate / static_cast<double>(*options_.preview_every));
    }
    expected_frames_ = frames;

    engine_ = MakeEngine();
    plan_.latency = engine_->latency();
  }

  std::unique_ptr<DepthEstimator> MakeEngine() {
    const VideoInfo& source = reader_.info();
    FovOptions fov;
    fov.xfov_deg = options_.xfov_deg;
    const ClipCamera camera(fov, {}, source.width, source.height, source.sample_aspect,
                            options_.job.limits);
    const DepthSourceOptions& depth = options_.source;
    DepthEngine own = options_.engine;
    if (!own && !depth.model.empty()) {
      DepthModelOptions model = depth.model;
      model.input_size = depth.input_size.value_or(model.input_size);
      own = ModelEngine(model);
    }
    if (own) {
      std::unique_ptr<DepthEstimator> engine =
          own({camera.At(0), rate_ ? plan_.output_rate : source.frame_rate, graph_.pool()});
      Require(engine != nullptr, Code::kInvalidArgument, "the depth engine made no estimator");
      return engine;
    }
    MotionDepthOptions motion;
    motion.camera = camera.At(0);
    motion.scene_scale = depth.scene_scale;
    motion.working_side = depth.WorkingSide(source.width, source.height);
    return std::make_unique<MotionDepthEstimator>(motion, graph_.pool());
  }

  void OpenWriter() {
    const VideoInfo& source = reader_.info();
    DepthTags tags;
    tags.kind = LayoutOf(options_.canvas.packing) == StereoLayout::kSideBySide ? "sbs" : "tab";
    tags.source = FileName(options_.input);
    VideoWriterOptions video;
    video.codec = VideoCodec::kH264;
    video.time_base = time_base_;
    video.frame_rate = plan_.output_rate;
    video.sample_aspect = plan_.canvas.sample_aspect;
    output_color_ = OutputColor(source, plan_.format);
    video.color = output_color_;
    video.stereo = LayoutOf(options_.canvas.packing);
    video.tags = tags.ToTags();
    if (!preview_) video.copy_streams_from = options_.input;
    video.copy_audio = options_.audio;
    video.num_threads = options_.job.num_threads;
    video.pool = graph_.pool();
    video.crf = options_.crf;
    video.preset = options_.preset;
    writer_.emplace(video_, plan_.format, plan_.canvas.frame_width, plan_.canvas.frame_height,
                    video);
  }

  Stream<InputFrame> Frames() {
    Stream<Frame> frames = graph_.From([this] { return reader_.Read(); });
    const auto once = [](Frame frame) { return ShownFrame{std::move(frame), 0, 1}; };
    Stream<ShownFrame> shown =
        rate_ ? graph_.Map(std::move(frames), &*rate_) : graph_.Map(std::move(frames), once);
    shown = graph_.While(std::move(shown), [this] { return shown_ < most_shown(); });
    return graph_.Map(std::move(shown),
                      [this](ShownFrame next) { return ToInput(std::move(next)); });
  }

  int64_t most_shown() const {
    return options_.job.max_frames < 0 ? INT64_MAX : options_.job.max_frames;
  }

  InputFrame ToInput(ShownFrame next) {
    const VideoInfo& source = reader_.info();
    InputFrame input;
    input.seconds = static_cast<double>(next.frame.pts) * source.time_base.ToDouble();
    input.pts = next.frame.pts;
    input.duration = next.frame.duration;
    if (rate_) {
      input.shows = std::min(next.ticks, most_shown() - shown_);
      input.pts =
          Rescale(source.start_pts, source.time_base, time_base_) + next.first_tick * kStepsPerTick;
      input.duration = kStepsPerTick;
    }
    shown_ += input.shows;
    input.frame = std::move(next.frame);
    return input;
  }

  // Returns how many frames of the output it was.
  int64_t Encode(RenderedFrame* frame) {
    const Image image = converter_.Convert(frame->image, output_color_, plan_.format);
    frame->image = Image();
    for (int64_t show = 0; show < frame->shows; ++show)
      writer_->Write(image, frame->pts + show * frame->duration, frame->duration);
    return frame->shows;
  }

  const MonoToSbsJobOptions& options_;
  Graph graph_;
  std::string output_;
  OutputSet outputs_;
  std::optional<OutputTarget> sheet_;
  OutputTarget video_;
  VideoReader reader_;
  const bool preview_;
  MonoToSbsPlan plan_;
  Rational time_base_;
  std::optional<ConstantRate> rate_;
  std::unique_ptr<DepthEstimator> engine_;
  ColorInfo output_color_;
  std::optional<VideoWriter> writer_;
  std::optional<EyeMaker> maker_;
  ColorConverter converter_;
  int64_t shown_ = 0;  // frames of the output that have been decoded
  int64_t expected_frames_ = 0;
};

}  // namespace

DepthEngine ModelEngine(const DepthModelOptions& options) {
  options.Check();
  return [opened = options](const DepthEngineInput& input) mutable {
    opened.loaded = OpenDepthModel(opened, input.pool->num_threads());
    ModelDepthOptions depth;
    depth.camera = input.camera;
    return std::unique_ptr<DepthEstimator>(
        MakeModelDepth(opened, opened.loaded, depth, input.pool));
  };
}

// What holds once shorthands have been written out.
static MonoToSbsJobOptions Settle(const MonoToSbsJobOptions& options) {
  MonoToSbsJobOptions settled = options;
  if (options.norm_lo && options.norm_hi)
    settled.norm.fixed = DisparityRange{*options.norm_lo, *options.norm_hi};
  if (options.upscale) {
    settled.canvas.picture_width = options.upscale_width;
    settled.canvas.picture_height = options.upscale_height;
  }
  if (options.preview && !options.preview_every && !options.preview_interval)
    settled.preview_interval = 3;
  static constexpr const char* kOfNvenc[] = {"ultrafast", "superfast", "veryfast", "faster",
                                             "fast",      "medium",    "slow"};
  if (options.preset.size() == 2 && options.preset[0] == 'p')
    settled.preset = kOfNvenc[options.preset[1] - '1'];
  return settled;
}

MonoToSbsReport RunMonoToSbsJob(const MonoToSbsJobOptions& options, const RunControl& control) {
  options.Check();
  const MonoToSbsJobOptions settled = Settle(options);
  return MonoToSbsJob(settled, control).Run();
}

}  // namespace mdvt
