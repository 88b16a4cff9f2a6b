// SPDX-License-Identifier: Apache-2.0
#include "pipeline/steadier.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/depth/nvds.h"
#include "pipeline/nvds_models.h"

namespace mdvt {
namespace {

std::unique_ptr<DepthStabilizer> MakeStabilizer(const StabilizeOptions& options,
                                                const Camera& camera, ThreadPool* pool) {
  if (options.kind == StabilizerKind::kNvds) {
    NvdsModels models;
    models.backbone = options.nvds_backbone;
    models.head = options.nvds_head;
    models.device = options.nvds_device;
    models.trust_model = options.nvds_trust_model;
    return std::make_unique<NvdsStabilizer>(
        OpenNvds(models, pool != nullptr ? pool->num_threads() : 1), camera.width, camera.height,
        pool);
  }
  FlowStabilizerOptions flow;
  flow.width = camera.width;
  flow.height = camera.height;
  flow.lookahead = options.lookahead;
  flow.align = options.align;
  flow.memory_seconds = options.memory_ms / 1000;
  flow.leak_seconds = options.leak_seconds;
  flow.short_side = options.short_side;
  flow.xfov_deg = camera.xfov_deg();
  return std::make_unique<FlowStabilizer>(flow, pool);
}

class StabilizedSource : public DepthSource {
 public:
  StabilizedSource(std::unique_ptr<DepthSource> source, const StabilizeOptions& options)
      : source_(std::move(source)), options_(options) {}

  bool needs_fov() const override { return source_->needs_fov(); }
  bool tells_fov() const override { return source_->tells_fov(); }
  double FindFov(const std::string& color_video, const Limits& limits, const DepthClip& clip,
                 Graph* graph) override {
    return source_->FindFov(color_video, limits, clip, graph);
  }
  const DepthVideoReader* file() const override { return source_->file(); }
  DisparityFitResult Fit(const ReferenceCalibrationOptions& reference, const DepthClip& clip,
                         Graph* graph) override {
    return source_->Fit(reference, clip, graph);
  }
  void Start(const DepthClip& clip) override {
    DepthClip all = clip;
    all.keeps_pictures = true;
    source_->Start(all);
    steadier_.emplace(options_, clip.camera, clip.frame_rate, clip.color, clip.keeps_pictures,
                      clip.pool);
  }
  Stream<PairedFrame> Join(Graph* graph, JoinedColor color) override {
    return source_->Join(graph, std::move(color));
  }
  DepthFacts facts() const override { return source_->facts(); }

  int latency() const override { return source_->latency() + steadier_->latency(); }
  int group() const override { return source_->group(); }
  void Push(PairedFrame pair) override { source_->Push(std::move(pair)); }
  void Finish() override {
    source_->Finish();
    finished_ = true;
  }
  std::optional<PairedFrame> Pop() override {
    for (;;) {
      if (std::optional<PairedFrame> pair = steadier_->Pop()) return pair;
      std::optional<PairedFrame> found = source_->Pop();
      if (found) {
        steadier_->Push(std::move(*found));
      } else if (finished_ && !ended_) {
        steadier_->Finish();
        ended_ = true;
      } else {
        return std::nullopt;
      }
    }
  }

  bool CanSave() const override { return source_->CanSave() && steadier_->CanSave(); }
  void Save(State* state) const override {
    State own, inner;
    source_->Save(&inner);
    steadier_->Save(&own);
    state->Add("source", inner);
    state->Add("steadier", own);
  }
  void Load(const State& state) override {
    source_->Load(state.Part("source"));
    steadier_->Load(state.Part("steadier"));
  }

 private:
  std::unique_ptr<DepthSource> source_;
  StabilizeOptions options_;
  std::optional<Steadier> steadier_;
  bool finished_ = false, ended_ = false;
};

}  // namespace

Steadier::Steadier(const StabilizeOptions& options, const Camera& camera, Rational frame_rate,
                   const ColorInfo& color, bool keeps_pictures, ThreadPool* pool)
    : options_(options),
      camera_(camera),
      seconds_per_frame_(frame_rate.IsPositive() ? 1 / frame_rate.ToDouble() : 1.0 / 24),
      color_(color),
      keeps_pictures_(keeps_pictures),
      pool_(pool),
      stabilizer_(MakeStabilizer(options, camera, pool)),
      info_(stabilizer_->info()),
      // Coarse patches do: what they miss is not trusted.
      flow_(FlowEffort::kFast, pool) {}

Image Steadier::Small(const Image& picture) {
  const ColorInfo color = ResolveColor(color_, picture.format(), camera_.height);
  if (info_.width == picture.width() && info_.height == picture.height())
    return converter_.Convert(picture, color, PixelFormat::Rgb(8));
  if (!resizer_) {
    const ResizeWindow whole{0, 0, static_cast<double>(picture.width()),
                             static_cast<double>(picture.height())};
    resizer_.emplace(picture.format(), picture.width(), picture.height(), whole, info_.width,
                     info_.height, ResizeOptions{ResizeFilter::kBilinear, color.chroma_location},
                     pool_);
  }
  Image small(picture.format(), info_.width, info_.height);
  resizer_->Resize(picture.view(), small.mutable_view());
  return converter_.Convert(small, color, PixelFormat::Rgb(8));
}

void Steadier::Push(PairedFrame pair) {
  Require(!pair.color.image.empty() && pair.color.image.width() == camera_.width &&
              pair.color.image.height() == camera_.height,
          Code::kInternal, "a stabiliser needs the pictures of the depth");
  Item item;
  StabilizerInput& input = item.input;
  input.picture = Small(pair.color.image);
  const bool large = info_.width != camera_.width || info_.height != camera_.height;
  if (large && info_.needs_flow)
    input.guide = guide_converter_.Convert(
        pair.color.image, ResolveColor(color_, pair.color.image.format(), camera_.height),
        PixelFormat::Gray(8));
  input.seconds = static_cast<double>(pushed_++) * seconds_per_frame_;
  input.depth = std::move(pair.depth);
  if (!keeps_pictures_) pair.color.image = Image();
  item.color = std::move(pair.color);
  if (!info_.needs_flow && !options_.cuts) {
    Hand(std::move(item), nullptr, false);
    return;
  }
  ColorInfo rgb;
  rgb.full_range = true;
  item.luma = luma_converter_.Convert(
      input.picture, ResolveColor(rgb, PixelFormat::Rgb(8), info_.height), PixelFormat::Gray(8));
  const bool starts = input.depth.starts_scene;
  if (held_ && !starts) {
    flow_.SetBefore(before_held_);
    bool cut = false;
    std::shared_ptr<const FlowPair> flow = flow_.Next(item.luma, &cut);
    if (!cut) {
      waiting_.push_back({std::move(held_->color), std::move(held_->input.depth)});
      held_.reset();
      Hand(std::move(item), std::move(flow), false);
      return;
    }
  }
  HandHeld();
  const Image before = flow_.before();
  bool cut = false;
  std::shared_ptr<const FlowPair> flow = flow_.Next(item.luma, options_.cuts ? &cut : nullptr);
  if (cut && !starts && GuardsFlashes()) {
    held_ = std::move(item);
    before_held_ = before;
    return;
  }
  Hand(std::move(item), std::move(flow), !before.empty() && (cut || starts));
}

// It was a cut.
void Steadier::HandHeld() {
  if (!held_) return;
  flow_.SetBefore(held_->luma);
  Hand(std::move(*held_), nullptr, true);
  held_.reset();
}

void Steadier::Hand(Item item, std::shared_ptr<const FlowPair> flow, bool cut) {
  item.input.cut = cut;
  if (!cut) item.input.flow = std::move(flow);
  waiting_.push_back({std::move(item.color), std::nullopt});
  stabilizer_->Push(std::move(item.input));
}

void Steadier::Finish() {
  HandHeld();
  stabilizer_->Finish();
}

std::optional<PairedFrame> Steadier::Pop() {
  PairedFrame pair;
  if (!waiting_.empty() && waiting_.front().as_it_came) {
    pair.depth = std::move(*waiting_.front().as_it_came);
    pair.color = std::move(waiting_.front().color);
    waiting_.pop_front();
    ++popped_;
    return pair;
  }
  std::optional<StabilizedFrame> frame = stabilizer_->Pop();
  if (!frame) return std::nullopt;
  pair.depth = std::move(frame->depth);
  pair.color = std::move(waiting_.front().color);
  waiting_.pop_front();
  ++popped_;
  shots_ += frame->starts_shot ? 1 : 0;
  const double change = frame->scale > 0 ? std::log(frame->scale) : 0;
  squares_ += change * change;
  return pair;
}

void Steadier::Save(State* state) const {
  Require(waiting_.empty(), Code::kInvalidArgument,
          "the stabiliser holds frames, its state cannot be saved now");
  State inner;
  stabilizer_->Save(&inner);
  state->Add("stabilizer", inner);
  state->SetImage("luma", flow_.before());
  state->SetNumbers("numbers", {static_cast<double>(pushed_), static_cast<double>(popped_),
                                static_cast<double>(shots_), squares_});
}

void Steadier::Load(const State& state) {
  const std::vector<double> numbers = state.Numbers("numbers");
  Require(numbers.size() == 4, Code::kCorrupt, "the saved state is not one of a stabiliser");
  stabilizer_->Load(state.Part("stabilizer"));
  flow_.SetBefore(state.GetImage("luma"));
  pushed_ = static_cast<int64_t>(numbers[0]);
  popped_ = static_cast<int64_t>(numbers[1]);
  shots_ = static_cast<int64_t>(numbers[2]);
  squares_ = numbers[3];
  waiting_.clear();
}

std::unique_ptr<DepthSource> Stabilized(std::unique_ptr<DepthSource> source,
                                        const StabilizeOptions& options) {
  if (options.kind == StabilizerKind::kNone) return source;
  return std::make_unique<StabilizedSource>(std::move(source), options);
}

}  // namespace mdvt
