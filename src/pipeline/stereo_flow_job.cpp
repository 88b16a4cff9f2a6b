// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/plane_sweep.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/pickle_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/stereo_flow.h"
#include "mdvt/tracking/model_flow.h"
#include "pipeline/job_common.h"
#include "pipeline/row_check.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/stereo_flow_settings.h"

namespace mdvt {
namespace {

// Rows are known to match: every pixel takes the disparity at which it and its neighbours look like
// the other view, from planes of even steps before the camera.
class RowMatcher {
 public:
  RowMatcher(const Camera& camera, ThreadPool* pool)
      : camera_(camera),
        pool_(pool),
        shrink_(std::clamp(std::min(camera.width, camera.height) / kSmallestSide, 1, 4)) {}

  void Match(const Image& left, const Image& right, FlowField* there, FlowField* back) {
    const SweepPicture a = Picture(left), b = Picture(right);
    PlaneSweepOptions options;
    options.nearest = static_cast<float>(Reach(left, right) / camera_.fx);  // of a baseline of 1
    options.planes = kPlanes;
    Sweep(a, b, -1, options, there);
    Sweep(b, a, 1, options, back);
  }

 private:
  static constexpr int kPlanes = 128;
  static constexpr int kSmallestSide = 64;  // of the pictures that are searched

  // Smaller by shrink_.
  Image Luma(const Image& rgb) {
    Image luma = converter_.Convert(rgb, {}, PixelFormat::Gray(8));
    if (shrink_ == 1) return luma;
    const int width = luma.width(), height = luma.height();
    if (!resizer_)
      resizer_.emplace(PixelFormat::Gray(8), width, height,
                       ResizeWindow{0, 0, static_cast<double>(width), static_cast<double>(height)},
                       width / shrink_, height / shrink_, ResizeOptions{ResizeFilter::kBilinear, 0},
                       pool_);
    Image small(PixelFormat::Gray(8), width / shrink_, height / shrink_);
    resizer_->Resize(luma.view(), small.mutable_view());
    return small;
  }
  SweepPicture Picture(const Image& rgb) const {
    return {rgb.Plane<uint8_t>(0), rgb.Plane<uint8_t>(1), rgb.Plane<uint8_t>(2), pool_};
  }

  // The largest disparity looked for: a quarter more than a search in small pictures finds for all
  // but a few pixels, in steps of a quarter, so that it does not change from frame to frame.
  double Reach(const Image& left, const Image& right) {
    const Image a = Luma(left), b = Luma(right);
    FlowField flow;
    flow_.Compute(a.Plane<uint8_t>(), b.Plane<uint8_t>(), &flow);
    std::vector<float> found;
    for (const Eigen::Vector2f& vector : flow.vectors) found.push_back(-vector.x());
    const auto at = found.begin() + static_cast<ptrdiff_t>(found.size() * 499 / 500);
    std::nth_element(found.begin(), at, found.end());
    const double largest = static_cast<double>(*at) * camera_.width / flow.width;
    const double wanted = 1.25 * std::max(8.0, largest);
    const double step = std::ceil(std::log(wanted / 8) / std::log(1.25));
    return std::min(8 * std::pow(1.25, step), 0.5 * camera_.width);
  }

  void Sweep(const SweepPicture& from, const SweepPicture& to, int side,
             const PlaneSweepOptions& options, FlowField* flow) {
    SweepView view;
    view.picture = &to;
    view.camera = camera_;
    view.view_from_reference.translation().x() = side;
    sweep_.Compute(from, camera_, {view}, options, pool_, &result_);
    flow->Resize(result_.width, result_.height);
    const auto focal = static_cast<float>(side * camera_.fx);
    for (size_t i = 0; i < flow->vectors.size(); ++i)
      flow->vectors[i] = {focal * result_.value[i], 0.0f};
  }

  const Camera camera_;
  ThreadPool* pool_;
  const int shrink_;
  ColorConverter converter_;
  std::optional<ImageResizer> resizer_;
  DenseFlow flow_{FlowEffort::kFast};
  PlaneSweep sweep_;
  SweepResult result_;
};

constexpr int kSmoothing = 6;  // pixels, of what the sweep finds

struct ViewPair {
  Image left, right;
  int64_t pts = 0, duration = 0;
};

struct PairFlows {
  FlowField there, back;
  int64_t pts = 0, duration = 0;
};

// Displacements in both directions, of the built-in search or of a network.
class PairMatcher : public Stage<ViewPair, PairFlows> {
 public:
  PairMatcher(const StereoFlowJobOptions& options, const Camera& camera, ThreadPool* pool) {
    if (options.model.empty()) {
      rows_.emplace(camera, pool);
      return;
    }
    network_.emplace(OpenNetwork(options.model, pool->num_threads(),
                                 "docs/models.md tells what a network of flow must take and give",
                                 CheckFlowModel),
                     camera.width, camera.height, pool);
    most_ = std::max(1, std::min(options.model.batch, network_->most_pairs() / 2));
  }
  int latency() const override { return most_; }
  int group() const override { return most_; }
  void Push(ViewPair pair) override {
    waiting_.push_back(std::move(pair));
    if (static_cast<int>(waiting_.size()) == most_) Compute();
  }
  void Finish() override { Compute(); }
  std::optional<PairFlows> Pop() override {
    if (ready_.empty()) return std::nullopt;
    PairFlows flows = std::move(ready_.front());
    ready_.pop_front();
    return flows;
  }

 private:
  void Compute() {
    if (waiting_.empty()) return;
    const size_t first = ready_.size();
    for (const ViewPair& pair : waiting_) {
      PairFlows& flows = ready_.emplace_back();
      flows.pts = pair.pts;
      flows.duration = pair.duration;
    }
    if (network_) {
      std::vector<PicturePair> pairs;
      for (const ViewPair& pair : waiting_) pairs.push_back({pair.left, pair.right});
      std::vector<FlowField> there = network_->Compute(pairs);
      for (PicturePair& pair : pairs) std::swap(pair.first, pair.second);
      std::vector<FlowField> back = network_->Compute(pairs);
      for (size_t i = 0; i < waiting_.size(); ++i) {
        ready_[first + i].there = std::move(there[i]);
        ready_[first + i].back = std::move(back[i]);
      }
    } else {
      for (size_t i = 0; i < waiting_.size(); ++i)
        rows_->Match(waiting_[i].left, waiting_[i].right, &ready_[first + i].there,
                     &ready_[first + i].back);
    }
    waiting_.clear();
  }

  std::optional<ModelFlow> network_;
  std::optional<RowMatcher> rows_;
  int most_ = 1;
  std::vector<ViewPair> waiting_;
  std::deque<PairFlows> ready_;
};

// What the views are, wherever that is said.
struct Views {
  std::string left, right;
  std::optional<Stereo4dClip> clip;
};

Views ViewsOf(const StereoFlowJobOptions& options) {
  if (options.clip.empty()) return {options.left_video, options.right_video, std::nullopt};
  return {Stereo4dView(options.clip, "left"), Stereo4dView(options.clip, "right"),
          ReadStereo4dClip(options.clip.File("-clip.json"), options.job.limits)};
}

class StereoFlowJob {
 public:
  StereoFlowJob(const StereoFlowJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        views_(ViewsOf(options)),
        output_(StereoFlowOutput(options)),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        left_(views_.left, ReaderOptions(options.job, graph_.pool())),
        right_(views_.right, ReaderOptions(options.job, graph_.pool())),
        camera_(CameraOfViews()),
        matcher_(options, camera_, graph_.pool()) {
    const VideoInfo& left = left_.info();
    const VideoInfo& right = right_.info();
    Require(left.width == right.width && left.height == right.height, Code::kInvalidArgument,
            "the left view '" + views_.left + "' has " + FormatSize(left.width, left.height) +
                " pixels, the right one '" + views_.right + "' " +
                FormatSize(right.width, right.height));
    matching_ = options.matching;
    matching_.focal_px = camera_.fx;
    matching_.smoothing = options.smoothing.value_or(options.model.empty() ? kSmoothing : 0);
    if (options.baseline)
      matching_.baseline = *options.baseline;
    else if (views_.clip)
      matching_.baseline = views_.clip->baseline;
    OpenWriters();
  }

  StereoFlowReport Run() {
    const auto source = [this](VideoReader* reader, ColorConverter* converter) {
      auto frames = graph_.From([reader] { return reader->Read(); });
      frames = graph_.While(std::move(frames), [this, taken = int64_t{0}]() mutable {
        return options_.job.max_frames < 0 || taken++ < options_.job.max_frames;
      });
      return graph_.Map(std::move(frames), [this, reader, converter](Frame frame) {
        frame.image = converter->Convert(frame.image, reader->info().color, PixelFormat::Rgb(8));
        return frame;
      });
    };
    const PairNames names{"left view '" + views_.left + "'", "right view '" + views_.right + "'"};
    auto both =
        graph_.Zip(source(&left_, &left_converter_), source(&right_, &right_converter_), names);
    auto pairs = graph_.Map(std::move(both), [this](std::pair<Frame, Frame> pair) {
      check_.Add(pair.first.image, pair.second.image, {});
      return ViewPair{std::move(pair.first.image), std::move(pair.second.image), pair.first.pts,
                      pair.first.duration};
    });
    auto flows = graph_.Then(std::move(pairs), &matcher_);
    graph_.Into(std::move(flows), [this](const PairFlows& flow) { Write(flow); });
    graph_.Run("match", ExpectedFrames(left_.info().estimated_frames, 0, options_.job.max_frames));
    report_.frames = graph_.frames_done();
    Require(report_.frames > 0, Code::kCorrupt, "'" + views_.left + "' has no frames");
    Judge();
    writer_->Finish();
    if (disparity_writer_) disparity_writer_->Finish();
    if (pickle_writer_) {
      pickle_writer_->End();
      pickle_writer_->Finish();
    }
    outputs_.CommitAll();
    return report_;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    outputs_.AddInput(views_.left);
    outputs_.AddInput(views_.right);
    report_.output = output_;
    if (options_.save_disparity) {
      report_.disparity_output = DisparityOutput(output_);
      disparity_target_ = outputs_.AddFile(report_.disparity_output);
    }
    if (options_.emit_pickle) {
      report_.pickle = options_.clip.File("-flows_stereo.pkl");
      pickle_target_ = outputs_.AddFile(report_.pickle);
    }
    return outputs_.AddFile(output_);
  }

  Camera CameraOfViews() {
    const VideoInfo& info = left_.info();
    if (!views_.clip)
      return ClipCamera(options_.fov, {}, info.width, info.height, info.sample_aspect,
                        options_.job.limits)
          .At(0);
    RequireSizeOf(*views_.clip, info);
    return views_.clip->camera;
  }

  void OpenWriters() {
    const VideoInfo& info = left_.info();
    DepthVideoWriterOptions depth;
    depth.codec.encoding = options_.encoding;
    depth.codec.max_depth = options_.max_depth.value_or(depth.codec.max_depth);
    depth.tags.xfov_deg = camera_.xfov_deg();
    depth.tags.yfov_deg = camera_.yfov_deg();
    depth.tags.source = FileName(views_.left);
    depth.video = LosslessLike(info, graph_.pool());
    report_.width = info.width;
    report_.height = info.height;
    writer_.emplace(target_, info.width, info.height, depth);
    if (pickle_target_) {
      pickle_writer_.emplace(*pickle_target_);
      pickle_writer_->BeginList();
    }
    if (disparity_target_)
      disparity_writer_.emplace(*disparity_target_, PixelFormat::Gray(16), info.width, info.height,
                                LosslessLike(info, graph_.pool()));
  }

  void Write(const PairFlows& flows) {
    Image depth(PixelFormat::GrayF32(), report_.width, report_.height);
    const PlaneView<float> z = depth.MutablePlane<float>();
    report_.counts += DepthFromStereo(flows.there.view(), flows.back.view(), matching_, z, nullptr,
                                      graph_.pool());
    if (disparity_writer_) {
      Image codes(PixelFormat::Gray(16), report_.width, report_.height);
      const double scale = 256 * matching_.focal_px * matching_.baseline;
      for (int y = 0; y < z.height; ++y)
        for (int x = 0; x < z.width; ++x)
          codes.MutablePlane<uint16_t>().At(x, y) =
              z.At(x, y) > 0
                  ? static_cast<uint16_t>(std::clamp(
                        std::lround(scale / static_cast<double>(z.At(x, y))), 1L, 65535L))
                  : uint16_t{0};
      disparity_writer_->Write(codes, flows.pts, flows.duration);
    }
    if (pickle_writer_) {
      pickle_writer_->BeginDict();
      for (const auto& [name, flow] : {std::pair("fwd", &flows.there), {"bwd", &flows.back}}) {
        pickle_writer_->Key(name);
        pickle_writer_->Array("<f4", {flow->height, flow->width, 2}, flow->vectors.data());
      }
      pickle_writer_->End();
    }
    writer_->Write(std::move(depth), flows.pts, flows.duration);
  }

  void Judge() {
    const StereoDepthCounts& counts = report_.counts;
    const std::optional<RowCheck::Result> rows = check_.Measure();
    Require(counts.valid > 0 && !(rows && rows->disparity_median < -0.5), Code::kCorrupt,
            std::string(counts.valid > 0 ? "things lie farther left in the left view"
                                         : "no pixel of the views could be matched") +
                ": are '" + views_.left + "' and '" + views_.right +
                "' the left and the right view of the same thing, in this order?");
    if (rows) {
      report_.vertical_median = rows->vertical_median;
      if (rows->vertical_median > 0.3)
        LogWarning("what is in a row of the left view lies " +
                   FormatFixed(rows->vertical_median, 2) +
                   " pixels above or below it in the right one: rectify the views first");
    }
    if (static_cast<double>(counts.valid) < 0.1 * static_cast<double>(counts.pixels))
      LogWarning(
          "depth was found for " +
          FormatFixed(100 * static_cast<double>(counts.valid) / static_cast<double>(counts.pixels),
                      1) +
          " % of the pixels: " + Reason(counts));
  }

  static std::string Reason(const StereoDepthCounts& counts) {
    if (counts.off_the_row > counts.not_found_again && counts.off_the_row > counts.too_far)
      return "most matches lie in other rows, rectify the views first";
    if (counts.too_far > counts.not_found_again)
      return "most matches have no parallax, or one of the wrong sign: are the views swapped?";
    return "most pixels were not found again in the other view";
  }

  const StereoFlowJobOptions& options_;
  Graph graph_;
  const Views views_;
  const std::string output_;
  StereoFlowReport report_;
  OutputSet outputs_;
  std::optional<OutputTarget> disparity_target_, pickle_target_;
  OutputTarget target_;
  VideoReader left_, right_;
  Camera camera_;
  PairMatcher matcher_;
  StereoDepthOptions matching_;
  ColorConverter left_converter_, right_converter_;
  std::optional<DepthVideoWriter> writer_;
  std::optional<VideoWriter> disparity_writer_;
  std::optional<PickleWriter> pickle_writer_;
  RowCheck check_;
};

}  // namespace

StereoFlowReport RunStereoFlowJob(const StereoFlowJobOptions& options, const RunControl& control) {
  options.Check();
  return StereoFlowJob(options, control).Run();
}

}  // namespace mdvt
