// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/flow_file.h"
#include "mdvt/io/image_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/optical_flow.h"
#include "mdvt/tracking/flow_picture.h"
#include "mdvt/tracking/model_flow.h"
#include "pipeline/export_format.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/optical_flow_settings.h"

namespace mdvt {
namespace {

// The flow of one frame to the next.
struct FrameFlow {
  int64_t index = 0;
  int64_t pts = 0;
  int64_t duration = 0;
  FlowField flow;
  FlowField back;        // from the next one; empty unless it is wanted
  bool is_last = false;  // a stand-in: it says nothing about motion
};

// Several pairs at a time.
class PairFlow {
 public:
  virtual ~PairFlow() = default;
  virtual PixelFormat format() const = 0;
  virtual int most() const = 0;
  virtual std::vector<FlowField> Compute(const std::vector<PicturePair>& pairs) = 0;
};

class DisPairFlow : public PairFlow {
 public:
  PixelFormat format() const override { return PixelFormat::Gray(8); }
  int most() const override { return 1; }
  std::vector<FlowField> Compute(const std::vector<PicturePair>& pairs) override {
    std::vector<FlowField> flows(pairs.size());
    for (size_t i = 0; i < pairs.size(); ++i)
      flow_.Compute(pairs[i].first.Plane<uint8_t>(), pairs[i].second.Plane<uint8_t>(), &flows[i]);
    return flows;
  }

 private:
  DenseFlow flow_;
};

class NetworkPairFlow : public PairFlow {
 public:
  NetworkPairFlow(const OpticalFlowJobOptions& options, const VideoInfo& info, ThreadPool* pool)
      : flow_(OpenNetwork(options.model, pool->num_threads(),
                          "docs/models.md tells what a network of flow must take and give",
                          CheckFlowModel),
              info.width, info.height, pool),
        most_(std::min(options.model.batch, flow_.most_pairs())) {}
  PixelFormat format() const override { return PixelFormat::Rgb(8); }
  int most() const override { return most_; }
  std::vector<FlowField> Compute(const std::vector<PicturePair>& pairs) override {
    return flow_.Compute(pairs);
  }

 private:
  ModelFlow flow_;
  int most_;
};

// Pairs each frame with the next one.
class FlowStage : public Stage<Frame, FrameFlow> {
 public:
  FlowStage(PairFlow* flow, bool wants_back, LastFlow last, const RunControl& control)
      : flow_(flow), wants_back_(wants_back), last_(last), control_(control) {}

  int latency() const override { return flow_->most() + 1; }
  int group() const override { return flow_->most(); }
  void Push(Frame frame) override {
    waiting_.push_back(std::move(frame));
    if (static_cast<int>(waiting_.size()) > flow_->most()) Run();
  }
  void Finish() override {
    if (waiting_.size() > 1) Run();
    if (waiting_.empty() || last_ == LastFlow::kNone) return;
    const Frame& frame = waiting_.front();
    FrameFlow end;
    if (last_ == LastFlow::kPrevious && !previous_.empty()) {
      end.flow = previous_;
    } else if (last_ == LastFlow::kPrevious) {
      end.flow.Resize(frame.image.width(), frame.image.height());
    } else {
      end.flow = std::move(Compute({{frame.image, frame.image}}).front());
    }
    end.is_last = true;
    Add(frame, std::move(end));
  }
  std::optional<FrameFlow> Pop() override {
    if (ready_.empty()) return std::nullopt;
    FrameFlow flow = std::move(ready_.front());
    ready_.pop_front();
    return flow;
  }

 private:
  // A pass of a network takes seconds: none is begun that nobody wants any more.
  std::vector<FlowField> Compute(const std::vector<PicturePair>& pairs) {
    Require(!control_.IsCancelled(), Code::kCancelled, "cancelled");
    return flow_->Compute(pairs);
  }

  // All pairs; the last frame stays.
  void Run() {
    std::vector<PicturePair> pairs, reversed;
    for (size_t i = 0; i + 1 < waiting_.size(); ++i) {
      pairs.push_back({waiting_[i].image, waiting_[i + 1].image});
      reversed.push_back({waiting_[i + 1].image, waiting_[i].image});
    }
    std::vector<FlowField> flows = Compute(pairs);
    std::vector<FlowField> backs(flows.size());
    if (wants_back_) backs = Compute(reversed);
    if (last_ == LastFlow::kPrevious) previous_ = flows.back();
    for (size_t i = 0; i < flows.size(); ++i) {
      FrameFlow made;
      made.flow = std::move(flows[i]);
      made.back = std::move(backs[i]);
      Add(waiting_.front(), std::move(made));
      waiting_.pop_front();
    }
  }

  void Add(const Frame& frame, FrameFlow flow) {
    flow.index = frame.index;
    flow.pts = frame.pts;
    flow.duration = frame.duration;
    ready_.push_back(std::move(flow));
  }

  PairFlow* flow_;
  bool wants_back_;
  LastFlow last_;
  const RunControl& control_;
  std::deque<Frame> waiting_;
  FlowField previous_;
  std::deque<FrameFlow> ready_;
};

class OpticalFlowJob {
 public:
  OpticalFlowJob(const OpticalFlowJobOptions& options, const RunControl& control)
      : options_(options),
        control_(control),
        graph_(options.job, control),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        reader_(options.color_video, ReaderOptions(options.job, graph_.pool())),
        full_(options.max_flow.value_or(reader_.info().width / 20.0)) {
    const VideoInfo& info = reader_.info();
    CheckOnePicture(info, options.job.one_picture);
    if (options.model.empty()) {
      flow_ = std::make_unique<DisPairFlow>();
    } else {
      flow_ = std::make_unique<NetworkPairFlow>(options, info, graph_.pool());
    }
    const VideoWriterOptions video = VideoOptions();
    writer_.emplace(target_, PixelFormat::Rgb(8), info.width, info.height, video);
    if (numbers_target_)
      numbers_writer_.emplace(*numbers_target_, PixelFormat::Rgb(16), info.width, info.height,
                              video);
    trip_.assign(
        WantsBack() ? static_cast<size_t>(info.width) * static_cast<size_t>(info.height) : 0, 0.0f);
  }

  OpticalFlowReport Run() {
    FlowStage stage(flow_.get(), WantsBack(), options_.last, control_);
    auto frames = graph_.From(FirstFrames(&reader_, options_.job.max_frames));
    auto ready = graph_.Map(std::move(frames), [this](Frame frame) {
      frame.image = converter_.Convert(frame.image, reader_.info().color, flow_->format());
      return frame;
    });
    auto flows = graph_.Then(std::move(ready), &stage);
    graph_.Into(std::move(flows), [this](const FrameFlow& flow) { Write(flow); });
    graph_.Run("optical flow",
               ExpectedFrames(reader_.info().estimated_frames, 0, options_.job.max_frames));
    report_.frames = graph_.frames_done();
    Require(report_.frames > 0, Code::kInvalidArgument,
            "'" + options_.color_video +
                "' has one frame, which has no flow (--last_mode none leaves the last frame out)");
    writer_->Finish();
    if (numbers_writer_) numbers_writer_->Finish();
    outputs_.CommitAll();
    if (motions_ > 0) report_.mean_motion /= static_cast<double>(motions_);
    if (looked_at_ > 0)
      report_.valid_share = static_cast<double>(valid_) / static_cast<double>(looked_at_);
    return report_;
  }

 private:
  bool WantsBack() const { return options_.save_numbers || !options_.save_png.empty(); }

  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    report_.output = OpticalFlowOutput(options_);
    if (options_.save_numbers) {
      report_.numbers_output = FlowNumbersOutput(options_);
      numbers_target_ = outputs_.AddFile(report_.numbers_output);
    }
    if (!options_.save_flo.empty()) flo_folder_ = outputs_.AddFolder(options_.save_flo);
    if (!options_.save_png.empty()) png_folder_ = outputs_.AddFolder(options_.save_png);
    return outputs_.AddFile(report_.output);
  }

  VideoWriterOptions VideoOptions() { return LosslessLike(reader_.info(), graph_.pool()); }

  void Write(const FrameFlow& frame) {
    const FlowField& flow = frame.flow;
    Image picture(PixelFormat::Rgb(8), flow.width, flow.height);
    DrawFlow(flow, full_, picture.mutable_view());
    writer_->Write(picture, frame.pts, frame.duration);
    if (!frame.is_last) AddMotion(flow);
    if (flo_folder_) {
      WriteFlo(flo_folder_->AddFile(ExportFrameName(frame.index, "flo")), flow.view());
      ++report_.files;
    }
    if (!WantsBack()) return;
    PlaneView<float> trip;
    if (!frame.back.empty()) {
      trip = {trip_.data(), static_cast<ptrdiff_t>(sizeof(float)) * flow.width, flow.width,
              flow.height};
      RoundTripError(flow, frame.back, trip);
    }
    Image numbers(PixelFormat::Rgb(16), flow.width, flow.height);
    EncodeFlow(flow, trip, static_cast<float>(options_.max_round_trip), numbers.mutable_view());
    CountValid(numbers);
    if (numbers_writer_) numbers_writer_->Write(numbers, frame.pts, frame.duration);
    if (png_folder_) {
      WritePng(png_folder_->AddFile(ExportFrameName(frame.index, "png")), numbers.view());
      ++report_.files;
    }
  }

  void AddMotion(const FlowField& flow) {
    double sum = 0;
    for (const Eigen::Vector2f& v : flow.vectors) sum += static_cast<double>(v.norm());
    report_.mean_motion += sum / static_cast<double>(flow.vectors.size());
    ++motions_;
  }

  void CountValid(const Image& numbers) {
    const PlaneView<const uint16_t> valid = numbers.Plane<uint16_t>(2);
    for (int y = 0; y < valid.height; ++y)
      valid_ += std::count(valid.Row(y), valid.Row(y) + valid.width, uint16_t{1});
    looked_at_ += static_cast<int64_t>(valid.width) * valid.height;
  }

  const OpticalFlowJobOptions& options_;
  const RunControl& control_;
  Graph graph_;
  OpticalFlowReport report_;
  OutputSet outputs_;
  std::optional<OutputTarget> numbers_target_;
  std::optional<OutputFolder> flo_folder_;
  std::optional<OutputFolder> png_folder_;
  OutputTarget target_;
  VideoReader reader_;
  double full_;
  std::unique_ptr<PairFlow> flow_;
  std::optional<VideoWriter> writer_;
  std::optional<VideoWriter> numbers_writer_;
  ColorConverter converter_;
  std::vector<float> trip_;
  int64_t motions_ = 0;
  int64_t valid_ = 0;
  int64_t looked_at_ = 0;
};

}  // namespace

std::string OpticalFlowOutput(const OpticalFlowJobOptions& options) {
  return OutputName(options.output, options.color_video, "_opticalflow.mkv");
}

std::string FlowNumbersOutput(const OpticalFlowJobOptions& options) {
  return WithoutEnding(OpticalFlowOutput(options)) + "16.mkv";
}

void Describe(OptionList* list, OpticalFlowJobOptions* options) {
  list->Field("color_video", &options->color_video, "FILE", "video")
      .Input(true)
      .Positional(0)
      .Required();
  list->Field("output", &options->output, "FILE", "flow as colors (.mkv), or a folder")
      .Output()
      .Default("<color_video>_opticalflow.mkv");
  static const EnumNames<LastFlow> lasts = {
      {"prev", LastFlow::kPrevious}, {"self", LastFlow::kSelf}, {"none", LastFlow::kNone}};
  list->Field("last_mode", &options->last, lasts,
              "the last frame: the flow of the one before it again, to itself, or left out");
  list->Field("max_flow", &options->max_flow, {0, 16384, true, false}, "PIXELS",
              "motion that is shown in full color; longer ones are darker")
      .Default("a twentieth of the width");
  list->Section("numbers");
  list->Field("save_flo", &options->save_flo, "FOLDER",
              "write a Middlebury file per frame, <folder>/0000000.flo ...")
      .Folder();
  list->Field("save_png", &options->save_png, "FOLDER",
              "write a 16-bit picture per frame as KITTI has them, <folder>/0000000.png ...")
      .Folder();
  list->Field("save_numbers", &options->save_numbers,
              "write the numbers of --save_png as a lossless 16-bit video beside the output, its "
              "name with 16 at the end");
  list->Field(
      "max_round_trip", &options->max_round_trip, {0, 1000, true, false}, "PIXELS",
      "a vector of --save_png and --save_numbers is valid where going forth and back misses "
      "the start by less");
  list->Section("network");
  list->Field("model", &options->model.path, "FILE",
              "a network of flow in place of dense inverse search")
      .Alias("weights")
      .Input();
  list->Field("batch", &options->model.batch, {1, 64}, "PAIRS",
              "pairs that the network sees at once; fewer where memory is short")
      .OnlyWith("model");
  DescribeNetwork(list, &options->model, "model", {});
  list->Refine("fp16").Alias("amp");
  list->Field("channels_last", &options->model.open.channels_last,
              "another order in memory, which is faster for some networks")
      .OnlyWith("model");
  list->Field("cpu", &options->cpu, "compute on the processor, which is the default")
      .Excludes("device");
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void OpticalFlowJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  model.Check();
  Require(!cpu || model.open.device == "cpu", Code::kInvalidArgument,
          "cpu and a device contradict each other");
  Require(!model.empty() || model.open.device == "cpu", Code::kInvalidArgument,
          "device is '" + model.open.device + "', must be cpu: only a network can run elsewhere");
}

OpticalFlowReport RunOpticalFlowJob(const OpticalFlowJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return OpticalFlowJob(options, control).Run();
}

}  // namespace mdvt
