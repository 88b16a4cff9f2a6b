// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/check_stereo.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/tracking/stereo_match.h"
#include "pipeline/check_stereo_page.h"
#include "pipeline/job_common.h"
#include "pipeline/packed_views.h"
#include "pipeline/scene_starts.h"

namespace mdvt {
namespace {

// Of the pixels. What two views share is a third of them or more; halves of one picture have some
// that are alike by chance.
constexpr double kLeastMeasured = 0.03;
// Shapes of frames and views between which packings are told apart: width over height.
constexpr double kWideFrame = 2.8, kTallFrame = 1.25;
constexpr double kNarrowView = 1.2, kFlatView = 2.6;
constexpr int kThumbnailWidth = 48, kThumbnailHeight = 27;

double ShapeOf(const VideoInfo& info) {
  const Rational aspect = info.sample_aspect.IsPositive() ? info.sample_aspect : Rational{1, 1};
  return info.width * aspect.ToDouble() / info.height;
}

// Mean difference of the two halves of a picture, in grey levels.
double HalvesDiffer(const Image& frame, const VideoInfo& info, bool below) {
  const int w = below ? kThumbnailWidth : 2 * kThumbnailWidth;
  const int h = below ? 2 * kThumbnailHeight : kThumbnailHeight;
  const ImageResizer resizer(
      frame.format(), frame.width(), frame.height(),
      {0, 0, static_cast<double>(frame.width()), static_cast<double>(frame.height())}, w, h,
      {ResizeFilter::kBilinear, info.color.chroma_location});
  Image small(frame.format(), w, h);
  resizer.Resize(frame.view(), small.mutable_view());
  ColorConverter converter;
  small = converter.Convert(small, ResolveColor(info.color, info.format, info.height),
                            PixelFormat::Gray(8));
  const PlaneView<const uint8_t> grey = small.Plane<uint8_t>();
  double sum = 0;
  for (int y = 0; y < kThumbnailHeight; ++y)
    for (int x = 0; x < kThumbnailWidth; ++x)
      sum += std::abs(grey.At(x, y) -
                      (below ? grey.At(x, y + kThumbnailHeight) : grey.At(x + kThumbnailWidth, y)));
  return sum / (kThumbnailWidth * kThumbnailHeight);
}

// How a file that says nothing is packed.
bool LooksTopBottom(const Image& frame, const VideoInfo& info) {
  const double shape = ShapeOf(info);
  if (shape >= kWideFrame || info.height < 2) return false;
  if (shape <= kTallFrame || info.width < 2) return true;
  return HalvesDiffer(frame, info, true) < HalvesDiffer(frame, info, false);
}

// The reduced views of a frame.
struct SmallViews {
  Image left;  // Rgb(8)
  Image right;
  int64_t index = 0;
};

class CheckStereoJob {
 public:
  CheckStereoJob(const CheckStereoJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        reader_(options.input, ReaderOptions(options.job, graph_.pool())),
        first_(reader_.Read()),
        color_(ResolveColor(reader_.info().color, reader_.info().format, reader_.info().height)) {
    StageOutputs();
    const VideoInfo& info = reader_.info();
    Require(first_.has_value(), Code::kCorrupt, "'" + options.input + "' has no frames");
    const bool unmarked = options.packing == PackingChoice::kAuto &&
                          info.stereo == StereoMark::kNone && LooksTopBottom(first_->image, info);
    views_.emplace(IsTopBottom(options.packing, info, unmarked), info);
    report_.top_bottom = views_->top_bottom;
    report_.right_eye_first = RightEyeFirst(options.packing, info) != options.swap_eyes;
    report_.width = views_->width;
    report_.height = views_->height;
    PlanSize();
    VideoInfo small = info;
    small.width = report_.working_width;
    small.height = report_.working_height;
    small.color = ColorInfo();
    starts_.emplace(options.cuts, options.scene_file, options.job.limits, small,
                    PixelFormat::Rgb(8), graph_.pool());
    resizer_.emplace(
        views_->format, views_->width, views_->height,
        ResizeWindow{0, 0, static_cast<double>(views_->width), static_cast<double>(views_->height)},
        report_.working_width, report_.working_height,
        ResizeOptions{ResizeFilter::kBilinear, color_.chroma_location}, graph_.pool());
  }

  CheckStereoReport Run() {
    Stream<Frame> frames = graph_.From([this] { return NextFrame(); });
    Stream<SmallViews> small =
        graph_.Then(std::move(frames), [this](const Frame& frame) { return Reduce(frame); });
    graph_.IntoEach(std::move(small), graph_.pool()->num_threads(), [this] {
      return [this, matcher = std::make_shared<StereoMatcher>(),
              converter = std::make_shared<ColorConverter>()](const SmallViews& views) {
        Measure(views, matcher.get(), converter.get());
      };
    });
    graph_.Run("check",
               ExpectedFrames(reader_.info().estimated_frames, 0, options_.job.max_frames));
    starts_->Finish();
    std::vector<int64_t> cuts;
    for (int64_t i = 0; const std::optional<bool> cut = starts_->Pop(); ++i)
      if (*cut && i > 0) cuts.push_back(i);
    report_.clip = RateStereo(report_.frames, report_.seconds, cuts, options_.viewer);
    Require(report_.clip.measured >= kLeastMeasured, Code::kRefused,
            "'" + options_.input + "' shows no two views that match, taken as " +
                (report_.top_bottom ? "top-bottom" : "side by side") +
                ": nothing can be measured (see --packing)");
    if (json_file_) WriteFile(*json_file_, CheckStereoJson(options_, report_));
    if (html_file_) WriteFile(*html_file_, CheckStereoPage(options_, report_));
    outputs_.CommitAll();
    return std::move(report_);
  }

 private:
  void StageOutputs() {
    AddInputs(&outputs_, options_);
    if (!options_.json.empty()) json_file_ = outputs_.AddFile(options_.json);
    if (!options_.html.empty()) html_file_ = outputs_.AddFile(options_.html);
  }

  // The views get the shape in which they are seen.
  void PlanSize() {
    const VideoInfo& info = reader_.info();
    const Rational aspect = info.sample_aspect.IsPositive() ? info.sample_aspect : Rational{1, 1};
    double shape = views_->width * aspect.ToDouble() / views_->height;
    report_.squeezed = options_.squeezed == SqueezeChoice::kAuto
                           ? (views_->top_bottom ? shape > kFlatView : shape < kNarrowView)
                           : options_.squeezed == SqueezeChoice::kOn;
    if (report_.squeezed) shape *= views_->top_bottom ? 0.5 : 2;
    const double shown = views_->height * shape;
    report_.working_width =
        std::max(1, static_cast<int>(std::lround(std::min<double>(options_.working_width, shown))));
    report_.working_height =
        std::clamp(static_cast<int>(std::lround(report_.working_width / shape)), 1, 4096);
  }

  std::optional<Frame> NextFrame() {
    if (options_.job.max_frames >= 0 && taken_ >= options_.job.max_frames) return std::nullopt;
    ++taken_;
    if (first_) return std::exchange(first_, std::nullopt);
    return reader_.Read();
  }

  SmallViews Reduce(const Frame& frame) {
    const Image whole = converter_.Convert(frame.image, color_, views_->format);
    const auto small = [&](bool second) {
      Image reduced(views_->format, report_.working_width, report_.working_height);
      resizer_->Resize(views_->Of(whole, second), reduced.mutable_view());
      return small_converter_.Convert(reduced, color_, PixelFormat::Rgb(8));
    };
    SmallViews views;
    views.left = small(report_.right_eye_first);
    views.right = small(!report_.right_eye_first);
    views.index = next_++;
    const double seconds = static_cast<double>(frame.pts) * reader_.info().time_base.ToDouble();
    starts_->Push(views.left, views.index, seconds);
    const std::lock_guard<std::mutex> lock(mutex_);
    report_.seconds.push_back(seconds);
    return views;
  }

  void Measure(const SmallViews& views, StereoMatcher* matcher, ColorConverter* converter) {
    const Image left = converter->Convert(views.left, {}, PixelFormat::Gray(8));
    const Image right = converter->Convert(views.right, {}, PixelFormat::Gray(8));
    const StereoMatch& match = matcher->Match(left.Plane<uint8_t>(), right.Plane<uint8_t>());
    MatchedViews matched;
    matched.left = views.left.view();
    matched.right = views.right.view();
    matched.left_to_right = match.left_to_right.view();
    matched.right_to_left = match.right_to_left.view();
    matched.left_quality = match.left_quality.Plane<uint8_t>();
    matched.right_quality = match.right_quality.Plane<uint8_t>();
    const StereoFrameQuality quality = MeasureStereoFrame(matched, options_.measure);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto index = static_cast<size_t>(views.index);
    if (report_.frames.size() <= index) report_.frames.resize(index + 1);
    report_.frames[index] = quality;
  }

  const CheckStereoJobOptions& options_;
  Graph graph_;
  OutputSet outputs_;
  std::optional<OutputTarget> json_file_;
  std::optional<OutputTarget> html_file_;
  VideoReader reader_;
  std::optional<Frame> first_;
  ColorInfo color_;
  std::optional<PackedViews> views_;
  std::optional<SceneStarts> starts_;
  std::optional<ImageResizer> resizer_;
  ColorConverter converter_, small_converter_;
  int64_t taken_ = 0;
  int64_t next_ = 0;
  std::mutex mutex_;
  CheckStereoReport report_;
};

}  // namespace

void Describe(OptionList* list, CheckStereoJobOptions* o) {
  list->Field("input", &o->input, "FILE", "stereo video, side by side or top-bottom")
      .Input(true)
      .Required()
      .Alias("color_video")
      .Positional(0);
  list->Field("json", &o->json, "FILE", "write all figures, of each frame too").Output();
  list->Field("html", &o->html, "FILE", "write one page with the figures and plots").Output();
  DescribePacking(list, &o->packing, "as the frame's shape and the likeness of its halves tell");
  static const EnumNames<SqueezeChoice> squeezes = {
      {"auto", SqueezeChoice::kAuto}, {"on", SqueezeChoice::kOn}, {"off", SqueezeChoice::kOff}};
  list->Field("squeezed", &o->squeezed, squeezes,
              "the views have half their width (sbs) or height (tab); auto: as their shape tells");
  list->Field("swap_eyes", &o->swap_eyes, "the right eye comes first");
  list->Section("viewer");
  list->Field("screen_width", &o->viewer.screen_width, {0, 1000, true, false}, "METRES",
              "width of the picture where it is looked at");
  list->Field("seat_distance", &o->viewer.seat_distance, {0, 1000, true, false}, "METRES",
              "how far from it the viewer sits");
  list->Field("eye_distance", &o->viewer.eye_distance, {0.01, 1}, "METRES",
              "distance between the viewer's eyes");
  list->Section("measuring");
  list->Field("working_width", &o->working_width, {64, 4096}, "PIXELS",
              "width to which each view is reduced before it is measured");
  list->Field("window_tolerance", &o->measure.window_tolerance, {0, 1}, "SHARE",
              "parallax in front of the screen, of the width, from which the border cuts off");
  list->Field("window_border", &o->measure.window_border, {0, 0.5, true, false}, "SHARE",
              "width of the border in which that is looked for");
  static const EnumNames<SceneCuts> cuts = {{"on", SceneCuts::kAuto}, {"off", SceneCuts::kOff}};
  list->Field("scene_cuts", &o->cuts, cuts, "look for cuts, at which depth may jump");
  list->Field("scene_file", &o->scene_file, "CSV",
              "list of scenes (as PySceneDetect writes it) in place of that")
      .Input()
      .OnlyWith("scene_cuts", {"on"});
  Describe(list, &o->job.reading);
  Describe(list, &o->job);
}

void CheckStereoJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  viewer.Check();
  measure.Check();
}

CheckStereoReport RunCheckStereoJob(const CheckStereoJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return CheckStereoJob(options, control).Run();
}

}  // namespace mdvt
