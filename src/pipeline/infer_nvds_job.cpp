// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/output_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/temporal_scores.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/infer_nvds.h"
#include "pipeline/clip_pair.h"
#include "pipeline/colormap.h"
#include "pipeline/depth_watch.h"
#include "pipeline/flow_finder.h"
#include "pipeline/job_common.h"
#include "pipeline/nvds_models.h"
#include "pipeline/picture_folder.h"
#include "pipeline/spill_file.h"

namespace mdvt {
namespace {

using Values = std::vector<float>;

PlaneView<const float> ViewOf(const float* values, int w, int h) {
  return {values, static_cast<ptrdiff_t>(sizeof(float)) * w, w, h};
}

// What is written of one kind of map.
struct Series {
  const char* folder;  // "initial", "1" ...
  const char* title;   // in result.txt
  std::optional<OutputFolder> gray, color;
  std::vector<std::pair<float, float>> ranges;  // of each picture
  std::optional<std::pair<float, float>> clip_range;
  double opw = 0;  // sum over pairs
};

DepthWatch WatchOf(const std::string& what) {
  return DepthWatch({what, "is it the right one, and does it get what it was trained on?",
                     std::numeric_limits<float>::infinity(), false});
}

class InferNvdsJob {
 public:
  InferNvdsJob(const InferNvdsJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        direction_(options.Direction()),
        outputs_(options.job.overwrite) {
    AddInputs(&outputs_, options);
    OpenFrames();
    NvdsModels models;
    models.backbone = options.backbone;
    models.head = options.head;
    models.device = options.nvds_device;
    models.trust_model = options.nvds_trust_model;
    network_ = OpenNvds(models, graph_.pool()->num_threads());
    ChooseSize();
    OpenInitial();
    StageOutputs();
    const size_t n = Pixels();
    pictures_.emplace(3 * n);
    initial_.emplace(n);
    if (Forward()) forward_.emplace(n);
    if (Backward()) backward_.emplace(n);
    const int64_t bytes =
        static_cast<int64_t>(n) * 64;  // of 256 channels at a quarter of the sides
    most_features_ =
        std::max<int64_t>(3 * options.clip_step + 1, int64_t{options.cache_mb} * (1 << 20) / bytes);
  }

  InferNvdsReport Run() {
    ReadInitial();
    Require(frames_ > 0, Code::kCorrupt, "the clip has no frames");
    if (Forward()) Pass("forward", false, &*forward_);
    if (Backward()) Pass("backward", true, &*backward_);
    Score();
    Write();
    WriteTexts();
    outputs_.CommitAll();
    TellOthers();
    return Report();
  }

 private:
  bool Forward() const { return direction_ != NvdsDirection::kBackward; }
  bool Backward() const { return direction_ != NvdsDirection::kForward; }
  bool Mixes() const { return Forward() && Backward(); }
  size_t Pixels() const {
    return static_cast<size_t>(size_.width) * static_cast<size_t>(size_.height);
  }

  // ---- What is read.

  void OpenFrames() {
    if (!options_.color_video.empty()) {
      VideoReaderOptions reading = ReaderOptions(options_.job, graph_.pool());
      reading.format = PixelFormat::Rgb(8);
      video_.emplace(options_.color_video, reading);
      source_ = {video_->info().width, video_->info().height};
      expected_ = ExpectedFrames(video_->info().estimated_frames, 0, options_.job.max_frames);
      return;
    }
    folder_.emplace(FramesName(), options_.job.limits);
    source_ = {folder_->width(), folder_->height()};
    expected_ = ExpectedFrames(folder_->size(), 0, options_.job.max_frames);
  }

  std::string FramesName() const {
    return options_.color_video.empty() ? options_.video_dir + "/" + options_.vnum + "/left"
                                        : options_.color_video;
  }

  void ChooseSize() {
    const int multiple = network_->multiple();
    size_ = NvdsSize(source_.width, source_.height, std::max(384, multiple), multiple);
    if (options_.infer_h && !options_.infer_w)
      size_ = {std::max(multiple, multiple * static_cast<int>(std::lround(
                                                 static_cast<double>(*options_.infer_h) *
                                                 source_.width / source_.height / multiple))),
               *options_.infer_h};
    if (options_.infer_w && !options_.infer_h)
      size_ = {*options_.infer_w,
               std::max(multiple, multiple * static_cast<int>(std::lround(
                                                 static_cast<double>(*options_.infer_w) *
                                                 source_.height / source_.width / multiple)))};
    if (options_.infer_w && options_.infer_h) size_ = {*options_.infer_w, *options_.infer_h};
    if (const std::optional<PixelSize> fixed = network_->fixed_size()) {
      Require((!options_.infer_w || *options_.infer_w == fixed->width) &&
                  (!options_.infer_h || *options_.infer_h == fixed->height),
              Code::kInvalidArgument,
              "infer_w x infer_h: the network knows " + FormatSize(fixed->width, fixed->height) +
                  " only");
      size_ = *fixed;
    }
    Require(size_.width % multiple == 0 && size_.height % multiple == 0, Code::kInvalidArgument,
            "infer_w x infer_h = " + FormatSize(size_.width, size_.height) +
                ": both must be multiples of " + std::to_string(multiple));
    SizeRule rule;
    rule.mode = SizeMode::kFixed;
    rule.target = size_;
    rule.keep_aspect = false;
    to_tensor_.emplace(ResampleKind::kBicubic, source_, rule);
  }

  void OpenInitial() {
    if (!options_.initial_dir.empty()) {
      initial_folder_.emplace(options_.initial_dir, options_.job.limits);
      RequireSameProportions(options_.initial_dir,
                             {initial_folder_->width(), initial_folder_->height()}, FramesName(),
                             source_);
      return;
    }
    if (!options_.depth_video.empty()) {
      initial_video_.emplace(
          options_.depth_video,
          DepthReaderOptions(options_.depth, options_.job.limits, graph_.pool()));
      const VideoInfo& info = initial_video_->info();
      RequireSameProportions(options_.depth_video, {info.width, info.height}, FramesName(),
                             source_);
      return;
    }
    const std::shared_ptr<const Model> model =
        OpenDepthModel(options_.model, graph_.pool()->num_threads());
    ModelDepthOptions depth;
    depth.camera = Camera::FromFov(size_.width, size_.height, kDefaultXfovDeg, std::nullopt);
    predictor_ = MakeModelDepth(options_.model, model, depth, graph_.pool());
  }

  std::optional<Image> NextPicture() {
    if (options_.job.max_frames >= 0 && read_ >= options_.job.max_frames) return std::nullopt;
    if (video_) {
      std::optional<Frame> frame = video_->Read();
      if (!frame) return std::nullopt;
      ++read_;
      return std::move(frame->image);
    }
    if (read_ == folder_->size()) return std::nullopt;
    return folder_->ReadRgb(read_++);
  }

  // Pictures and first disparity of all frames, at the size of the work.
  void ReadInitial() {
    auto frames = graph_.From([this]() -> std::optional<Frame> {
      const int64_t index = read_;
      std::optional<Image> picture = NextPicture();
      if (!picture) return std::nullopt;
      Values rgb(3 * Pixels());
      to_tensor_->Run(picture->view(), rgb.data(), graph_.pool());
      pictures_->Write(index, rgb);
      Frame frame;
      frame.index = index;
      frame.image = FloatPicture(rgb);
      return frame;
    });
    if (predictor_) {
      graph_.Into(graph_.Then(std::move(frames), predictor_.get()),
                  [this](const DepthEstimate& estimate) {
                    TakeInitial(estimate.depth.Plane<float>(), estimate.quantity, estimate.index);
                  });
    } else {
      graph_.Into(std::move(frames), [this](const Frame& frame) { TakeGiven(frame.index); });
    }
    graph_.Run("initial", expected_);
    frames_ = graph_.frames_done();
    CheckLength();
    first_.Tell();
  }

  // A first disparity of more frames is that of another clip.
  void CheckLength() {
    if (options_.job.max_frames >= 0) return;
    const bool more = initial_folder_ ? initial_folder_->size() > frames_
                                      : initial_video_ && initial_video_->Read().has_value();
    Require(!more, Code::kCorrupt,
            "'" + (initial_folder_ ? options_.initial_dir : options_.depth_video) +
                "' goes on after " + CountOf(frames_, "frame") + ", the clip '" + FramesName() +
                "' ends there");
  }

  Image FloatPicture(const Values& rgb) const {
    Image image(PixelFormat::RgbF32(), size_.width, size_.height);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < size_.height; ++y)
        std::copy_n(&rgb[static_cast<size_t>(c) * Pixels() + static_cast<size_t>(y) * size_.width],
                    size_.width, image.MutablePlane<float>(c).Row(y));
    return image;
  }

  // Of a folder or a depth video.
  void TakeGiven(int64_t index) {
    if (initial_folder_) {
      Require(index < initial_folder_->size(), Code::kCorrupt,
              "'" + options_.initial_dir + "' has " + CountOf(initial_folder_->size(), "picture") +
                  ", the clip has more frames");
      const Image gray = initial_folder_->ReadGray16(index);
      Image map(PixelFormat::GrayF32(), gray.width(), gray.height());
      for (int y = 0; y < gray.height(); ++y)
        for (int x = 0; x < gray.width(); ++x)
          map.MutablePlane<float>().At(x, y) =
              static_cast<float>(gray.Plane<uint16_t>().At(x, y)) / 65535;
      return TakeInitial(std::as_const(map).Plane<float>(), DepthQuantity::kRelativeDisparity,
                         index);
    }
    const std::optional<DepthFrame> depth = initial_video_->Read();
    Require(depth.has_value(), Code::kCorrupt,
            "'" + options_.depth_video + "' ends after " + CountOf(index, "frame") +
                ", the clip has more");
    TakeInitial(depth->depth.Plane<float>(), DepthQuantity::kMetricDepth, index);
  }

  void TakeInitial(PlaneView<const float> map, DepthQuantity quantity, int64_t index) {
    Values disparity(Pixels());
    for (int y = 0; y < size_.height; ++y) {
      // Nearest, as the original.
      const int row = static_cast<int>(int64_t{y} * map.height / size_.height);
      for (int x = 0; x < size_.width; ++x) {
        const float v = map.At(static_cast<int>(int64_t{x} * map.width / size_.width), row);
        const bool depth = quantity == DepthQuantity::kMetricDepth;
        const float d = depth ? (v > 0 ? 1 / v : 0) : v;
        disparity[static_cast<size_t>(y) * size_.width + x] = std::isfinite(d) ? d : 0;
      }
    }
    first_.Look(ViewOf(disparity.data(), size_.width, size_.height));
    initial_->Write(index, disparity);
  }

  // ---- The passes.

  // Local frames count in the direction of the pass.
  int64_t FrameOf(int64_t local, bool reversed) const {
    return reversed ? frames_ - 1 - local : local;
  }

  const ModelTensor& Features(int64_t frame, bool reversed) {
    const auto found = features_.find(frame);
    if (found != features_.end()) return found->second;
    // What the pass has left behind goes first: at the end of the forward pass the last frames are
    // there, with which the backward pass begins.
    while (static_cast<int64_t>(features_.size()) >= most_features_)
      features_.erase(reversed ? std::prev(features_.end()) : features_.begin());
    Values rgb, disparity;
    pictures_->Read(frame, &rgb);
    initial_->Read(frame, &disparity);
    NormalizeByRange(&disparity);
    if (options_.quantize) {
      for (float& d : disparity) d = std::floor(65535 * d) / 65535;
      NormalizeByRange(&disparity);
    }
    ++encoded_;
    return features_
        .emplace(frame, OfFrame(frame,
                                [&] {
                                  return network_->Encode(rgb.data(), disparity.data(), size_.width,
                                                          size_.height);
                                }))
        .first->second;
  }

  // Failures of the network name the frame.
  template <typename Body>
  static auto OfFrame(int64_t frame, const Body& body) -> decltype(body()) {
    try {
      return body();
    } catch (const Error& error) {
      throw Error(error.code(), "frame " + std::to_string(frame) + ": " + error.what());
    }
  }

  void Pass(const char* name, bool reversed, SpillFile* to) {
    int64_t next = 0;
    DepthWatch watch = WatchOf("the disparity of the pass '" + std::string(name) + "'");
    graph_.Into(graph_.From([&]() -> std::optional<int64_t> {
      return next < frames_ ? std::optional<int64_t>(next++) : std::nullopt;
    }),
                [&](int64_t local) {
                  const auto window = NvdsWindow(local, options_.clip_step, options_.startup);
                  std::array<const ModelTensor*, 4> features{};
                  for (size_t k = 0; k < 4; ++k)
                    features[k] = &Features(FrameOf(window[k], reversed), reversed);
                  Values rgb, out;
                  const int64_t frame = FrameOf(local, reversed);
                  pictures_->Read(frame, &rgb);
                  OfFrame(frame, [&] {
                    network_->Decode(features, rgb.data(), size_.width, size_.height, &out);
                  });
                  watch.Look(ViewOf(out.data(), size_.width, size_.height));
                  to->Write(frame, out);
                });
    graph_.Run(name, frames_);
    watch.Tell();
  }

  // ---- Scores and the result.

  struct Flows {
    std::shared_ptr<const FlowPair> pair;  // null for the first frame
    Image picture, before;
  };

  // Flow of each frame to the one before, in order.
  Stream<std::pair<int64_t, Flows>> WithFlow() {
    next_flow_ = 0;
    picture_before_ = Image();
    flow_.emplace(FlowEffort::kBalanced, graph_.pool());
    auto frames = graph_.From([this]() -> std::optional<int64_t> {
      return next_flow_ < frames_ ? std::optional<int64_t>(next_flow_++) : std::nullopt;
    });
    return graph_.Then(std::move(frames), [this](int64_t frame) {
      Values rgb;
      pictures_->Read(frame, &rgb);
      Flows flows;
      flows.picture = FloatPicture(rgb);
      Image luma(PixelFormat::Gray(8), size_.width, size_.height);
      const size_t n = Pixels();
      for (size_t i = 0; i < n; ++i)
        luma.MutablePlane<uint8_t>().At(static_cast<int>(i % static_cast<size_t>(size_.width)),
                                        static_cast<int>(i / static_cast<size_t>(size_.width))) =
            static_cast<uint8_t>(std::clamp(
                255 * (0.2126f * rgb[i] + 0.7152f * rgb[n + i] + 0.0722f * rgb[2 * n + i]) + 0.5f,
                0.0f, 255.0f));
      flows.pair = flow_->Next(luma, nullptr);
      if (flows.pair) flows.before = picture_before_;
      picture_before_ = flows.picture;
      return std::make_pair(frame, std::move(flows));
    });
  }

  double Opw(const SpillFile& maps, int64_t frame, int64_t other, const Image& picture,
             const Image& other_picture, FlowPlane flow) const {
    Values now, past;
    maps.Read(frame, &now);
    maps.Read(other, &past);
    return OriginalOpw(ViewOf(now.data(), size_.width, size_.height),
                       ViewOf(past.data(), size_.width, size_.height), picture.view(),
                       other_picture.view(), flow);
  }

  // The warping error of the first disparity and of both passes: a whole clip's decides the mix.
  void Score() {
    graph_.Into(WithFlow(), [this](const std::pair<int64_t, Flows>& item) {
      const auto& [frame, flows] = item;
      if (!flows.pair) return;
      const FlowPlane to_before = flows.pair->ToBefore().there;
      series_[0].opw += Opw(*initial_, frame, frame - 1, flows.picture, flows.before, to_before);
      if (Forward())
        series_[1].opw += Opw(*forward_, frame, frame - 1, flows.picture, flows.before, to_before);
      // The backward pass is scored on the reversed clip.
      if (Backward())
        series_[2].opw += Opw(*backward_, frame - 1, frame, flows.before, flows.picture,
                              flows.pair->FromBefore().there);
    });
    graph_.Run("scores", frames_);
  }

  double Mean(const Series& series) const { return series.opw / static_cast<double>(frames_); }

  // The result of one frame.
  Values Result(int64_t frame, const Flows& flows) {
    Values f, b;
    forward_->Read(frame, &f);
    backward_->Read(frame, &b);
    if (direction_ == NvdsDirection::kMix) {
      const double initial = Mean(series_[0]), fwd = Mean(series_[1]), bwd = Mean(series_[2]);
      if (!(fwd < initial && bwd < initial)) return fwd < bwd ? f : b;
      for (size_t i = 0; i < f.size(); ++i) f[i] = (f[i] + b[i]) / 2;
      return f;
    }
    Values mixed = MixPasses(f, b, frame > 0 ? &forward_before_ : nullptr,
                             frame > 0 ? &backward_before_ : nullptr, flows.pair.get(), size_.width,
                             size_.height, frame, frames_);
    forward_before_ = std::move(f);
    backward_before_ = std::move(b);
    return mixed;
  }

  void Write() {
    if (Mixes()) Mix();
    int64_t next = 0;
    for (Series& series : series_) series.ranges.assign(static_cast<size_t>(frames_), {0, 0});
    if (options_.norm == NvdsRange::kClip)
      for (size_t kind = 0; kind < 4; ++kind)
        if (const SpillFile* maps = MapsOf(kind)) series_[kind].clip_range = ClipRange(*maps);
    graph_.IntoEach(graph_.From([&]() -> std::optional<int64_t> {
      return next < frames_ ? std::optional<int64_t>(next++) : std::nullopt;
    }),
                    graph_.pool()->num_threads(), [this] {
                      return [this](int64_t frame) {
                        for (size_t kind = 0; kind < 4; ++kind)
                          if (const SpillFile* maps = MapsOf(kind))
                            WritePictures(*maps, frame, &series_[kind]);
                      };
                    });
    graph_.Run("writing", frames_);
  }

  void Mix() {
    mix_.emplace(Pixels());
    graph_.Into(WithFlow(), [this](const std::pair<int64_t, Flows>& item) {
      const auto& [frame, flows] = item;
      mix_->Write(frame, Result(frame, flows));
      if (flows.pair)
        series_[3].opw +=
            Opw(*mix_, frame, frame - 1, flows.picture, flows.before, flows.pair->ToBefore().there);
    });
    graph_.Run("mix", frames_);
  }

  const SpillFile* MapsOf(size_t kind) const {
    const std::optional<SpillFile>* all[] = {&initial_, &forward_, &backward_, &mix_};
    return *all[kind] ? &**all[kind] : nullptr;
  }

  std::pair<float, float> ClipRange(const SpillFile& maps) const {
    Values map, samples;
    const size_t step = std::max<size_t>(1, Pixels() * static_cast<size_t>(frames_) / 4'000'000);
    for (int64_t frame = 0; frame < frames_; ++frame) {
      maps.Read(frame, &map);
      for (size_t i = static_cast<size_t>(frame) % step; i < map.size(); i += step)
        samples.push_back(map[i]);
    }
    const auto at = [&](double share) {
      const auto place =
          samples.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(samples.size() - 1));
      std::nth_element(samples.begin(), place, samples.end());
      return *place;
    };
    const float low = at(0.001);
    return {low, at(0.999)};
  }

  void WritePictures(const SpillFile& maps, int64_t frame, Series* series) const {
    Values map;
    maps.Read(frame, &map);
    auto [low, high] = series->clip_range.value_or(std::make_pair(
        *std::min_element(map.begin(), map.end()), *std::max_element(map.begin(), map.end())));
    series->ranges[static_cast<size_t>(frame)] = {low, high};
    Image gray(PixelFormat::Gray(16), size_.width, size_.height);
    Image color(PixelFormat::Rgb(8), size_.width, size_.height);
    for (int y = 0; y < size_.height; ++y)
      for (int x = 0; x < size_.width; ++x) {
        const float d = map[static_cast<size_t>(y) * size_.width + x];
        // Cut down to whole codes in single precision, as the original does: pictures of 16 bits
        // come out as they came in. A picture of one value is black.
        const float code = !(high > low) || d <= low ? 0
                           : d >= high               ? 65535
                                       : std::min(65535 * (d - low) / (high - low), 65535.0f);
        gray.MutablePlane<uint16_t>().At(x, y) = static_cast<uint16_t>(code);
        const auto rgb = Inferno(code / 65535);
        for (int c = 0; c < 3; ++c)
          color.MutablePlane<uint8_t>(c).At(x, y) = rgb[static_cast<size_t>(c)];
      }
    WritePng(series->gray->AddFile(GrayName(frame)), gray.view());
    WritePng(series->color->AddFile(NumberOf(frame) + ".png"), color.view());
  }

  // ---- Outputs.

  void StageOutputs() {
    const bool wanted[] = {true, Forward(), Backward(), Mixes()};
    for (size_t kind = 0; kind < 4; ++kind) {
      if (!wanted[kind]) continue;
      const std::string folder = options_.base_dir + "/" + series_[kind].folder;
      for (const char* part : {"/gray", "/color"}) RefuseOverInput(folder + part);
      series_[kind].gray = outputs_.AddFolder(folder + "/gray");
      series_[kind].color = outputs_.AddFolder(folder + "/color");
    }
    base_ = outputs_.AddFolder(options_.base_dir);
  }

  static std::string NumberOf(int64_t frame) {
    std::string number = std::to_string(frame);
    return number.insert(0, number.size() < 6 ? 6 - number.size() : 0, '0');
  }
  static std::string GrayName(int64_t frame) { return "frame_" + NumberOf(frame) + ".png"; }

  // Pictures of a folder are read while others are written.
  void RefuseOverInput(const std::string& folder) const {
    std::error_code ignored;
    for (const std::string& input : {options_.initial_dir, FramesName()})
      Require(!std::filesystem::equivalent(folder, input, ignored), Code::kInvalidArgument,
              "output folder " + folder + " is one of the inputs: give another base_dir");
  }

  // Of an earlier run with more frames.
  void TellOthers() const {
    for (size_t kind = 0; kind < 4; ++kind) {
      const std::string next = options_.base_dir + "/" + series_[kind].folder + "/gray/" +
                               GrayName(MapsOf(kind) != nullptr ? frames_ : 0);
      std::error_code ignored;
      if (std::filesystem::exists(next, ignored))
        LogWarning("'" + next + "' and what follows it there are of another run");
    }
  }

  void WriteTexts() {
    std::string text;
    json::Value result, meta;
    meta["kind"] = "relative_disparity";
    meta["source_size"] = json::Value::Array{source_.width, source_.height};
    meta["size"] = json::Value::Array{size_.width, size_.height};
    meta["range_of"] = options_.norm == NvdsRange::kFrame ? "frame" : "clip";
    if (video_ && video_->info().frame_rate.IsPositive())
      meta["fps"] = video_->info().frame_rate.ToDouble();
    for (size_t kind = 0; kind < 4; ++kind) {
      if (MapsOf(kind) == nullptr) continue;
      const Series& series = series_[kind];
      text += std::string(text.empty() ? "" : "\n") + "**********" + series.title +
              "**********\nall:" + json::FormatNumber(series.opw) +
              ",mean:" + json::FormatNumber(Mean(series)) + ",frames:" + std::to_string(frames_);
      result[series.folder]["opw"] = Mean(series);
      json::Value::Array ranges;
      for (const auto& [low, high] : series.ranges)
        ranges.push_back(json::Value::Array{static_cast<double>(low), static_cast<double>(high)});
      // disparity = low + gray / 65535 (high - low)
      meta["low_high"][series.folder] = std::move(ranges);
    }
    result["frames"] = frames_;
    WriteFile(base_->AddFile("result.txt"), text);
    WriteFile(base_->AddFile("result.json"), json::Write(result, json::Layout::kPretty) + "\n");
    WriteFile(base_->AddFile("depth_meta.json"), json::Write(meta) + "\n");
  }

  InferNvdsReport Report() const {
    InferNvdsReport report;
    report.frames = frames_;
    report.output = options_.base_dir;
    report.width = size_.width;
    report.height = size_.height;
    report.initial_opw = Mean(series_[0]);
    if (Forward()) report.forward_opw = Mean(series_[1]);
    if (Backward()) report.backward_opw = Mean(series_[2]);
    if (Mixes()) report.mix_opw = Mean(series_[3]);
    report.encoded = encoded_;
    return report;
  }

  const InferNvdsJobOptions& options_;
  Graph graph_;
  NvdsDirection direction_;
  OutputSet outputs_;
  std::optional<OutputFolder> base_;
  std::optional<VideoReader> video_;
  std::optional<PictureFolder> folder_, initial_folder_;
  std::optional<DepthVideoReader> initial_video_;
  std::unique_ptr<ModelDepthEstimator> predictor_;
  DepthWatch first_ = WatchOf("the first disparity");
  std::shared_ptr<const NvdsNetwork> network_;
  PixelSize source_, size_;
  std::optional<PictureToTensor> to_tensor_;
  std::optional<SpillFile> pictures_, initial_, forward_, backward_, mix_;
  std::map<int64_t, ModelTensor> features_;
  int64_t most_features_ = 4;
  int64_t encoded_ = 0;
  std::optional<FlowFinder> flow_;
  Image picture_before_;
  Values forward_before_, backward_before_;
  int64_t next_flow_ = 0;
  Series series_[4] = {{"initial", "initial", {}, {}, {}, {}, 0},
                       {"1", "forward", {}, {}, {}, {}, 0},
                       {"2", "backward", {}, {}, {}, {}, 0},
                       {"mix", "Mixing", {}, {}, {}, {}, 0}};
  int64_t read_ = 0, frames_ = 0, expected_ = 0;
};

}  // namespace

InferNvdsReport RunInferNvdsJob(const InferNvdsJobOptions& options, const RunControl& control) {
  options.Check();
  return InferNvdsJob(options, control).Run();
}

}  // namespace mdvt
