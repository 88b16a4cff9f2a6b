// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_source.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/error.h"
#include "pipeline/job_common.h"
#include "pipeline/steadier.h"

namespace mdvt {
namespace {

constexpr int kUsualSide = 640;  // long side of the pictures that depth from motion works on

bool Offers(const DepthSourceOptions& options, const DepthEngineInfo& engine) {
  return options.reads_files || engine.picture_format;
}

bool FileGiven(const DepthSourceOptions& options, const DepthEngineInfo& engine) {
  return engine.file_option != nullptr && engine.file_given(options);
}

std::vector<const DepthEngineInfo*> Offered(const DepthSourceOptions& options) {
  std::vector<const DepthEngineInfo*> engines;
  for (const DepthEngineInfo& engine : DepthEngines())
    if (Offers(options, engine)) engines.push_back(&engine);
  return engines;
}

}  // namespace

DisparityFitResult DepthSource::Fit(const ReferenceCalibrationOptions& /*reference*/,
                                    const DepthClip& /*clip*/, Graph* /*graph*/) {
  throw Error(Code::kInvalidArgument,
              "this engine gives metric depth: a reference depth is for relative ones");
}

double DepthSource::FindFov(const std::string& /*color_video*/, const Limits& /*limits*/,
                            const DepthClip& /*clip*/, Graph* /*graph*/) {
  throw Error(Code::kInternal, "this engine tells no field of view");
}

Stream<PairedFrame> DepthSource::Join(Graph* graph, JoinedColor color) {
  Require(color.frames.has_value(), Code::kInternal, "computed depth needs a colour video");
  return graph->Map(std::move(*color.frames),
                    [number = int64_t{0},
                     first = color.first_frame](Frame frame) mutable -> std::optional<PairedFrame> {
                      if (number++ < first) return std::nullopt;
                      PairedFrame pair;
                      pair.color = std::move(frame);
                      return pair;
                    });
}

// ---- Computed depth.

void EstimatorSource::Start(const DepthClip& clip) {
  clip_ = clip;
  estimator_ = Make(clip);
  Require(estimator_ != nullptr, Code::kInvalidArgument, "the depth engine made no estimator");
  pictures_.emplace(estimator_->input_format(), clip.camera.width, clip.camera.height);
}

void EstimatorSource::Push(PairedFrame pair) {
  Frame picture = pair.color;
  picture.index = pushed_++;
  if (picture.image.format() != estimator_->input_format()) {
    Image converted = pictures_->Get();
    converter_.Convert(picture.image.view(), clip_.color, converted.mutable_view());
    picture.image = std::move(converted);
  }
  estimator_->Push(std::move(picture));
  if (!clip_.keeps_pictures) pair.color.image = Image();
  waiting_.push_back(std::move(pair.color));
}

void EstimatorSource::Finish() {
  estimator_->Finish();
  finished_ = true;
}

std::optional<PairedFrame> EstimatorSource::Pop() {
  std::optional<DepthEstimate> estimate = estimator_->Pop();
  if (!estimate) {
    Require(!finished_ || waiting_.empty(), Code::kInternal, "the depth engine kept frames back");
    if (finished_ && watch_) std::exchange(watch_, std::nullopt)->Tell();
    return std::nullopt;
  }
  Require(estimate->index == handed_on_ && !waiting_.empty() &&
              estimate->depth.format() == PixelFormat::GrayF32() &&
              estimate->depth.width() == clip_.camera.width &&
              estimate->depth.height() == clip_.camera.height,
          Code::kInternal,
          "the depth engine did not give frame " + std::to_string(handed_on_) +
              " in the size of the picture");
  if (!watch_) watch_ = DepthWatch::OfEstimates(estimate->quantity == DepthQuantity::kMetricDepth);
  watch_->Look(estimate->depth.Plane<float>());
  PairedFrame pair;
  pair.depth = std::move(*estimate);
  pair.color = std::move(waiting_.front());
  waiting_.pop_front();
  ++handed_on_;
  return pair;
}

void EstimatorSource::Save(State* state) const {
  Require(waiting_.empty(), Code::kInvalidArgument,
          "the depth engine holds frames, its state cannot be saved now");
  State own;
  estimator_->Save(&own);
  state->Add("estimator", own);
  state->SetNumber("frames", static_cast<double>(handed_on_));
}

void EstimatorSource::Load(const State& state) {
  const double frames = state.Number("frames");
  estimator_->Load(state.Part("estimator"));
  pushed_ = handed_on_ = static_cast<int64_t>(frames);
  waiting_.clear();
}

// ---- The choice.

const DepthEngineInfo& ChosenEngine(const DepthSourceOptions& options) {
  std::string name = options.usual;
  for (const DepthEngineInfo* engine : Offered(options))
    if (FileGiven(options, *engine)) name = engine->name;
  name = options.engine.value_or(name);
  std::string names;
  for (const DepthEngineInfo* engine : Offered(options)) {
    if (name == engine->name) return *engine;
    names += (names.empty() ? "" : ", ") + std::string(engine->name);
  }
  throw Error(Code::kInvalidArgument,
              "there is no depth engine '" + name + "' here, only " + names);
}

std::vector<std::string> EnginesWith(const std::string& option, const DepthSourceOptions& options) {
  std::vector<std::string> names;
  for (const DepthEngineInfo* engine : Offered(options))
    if (std::find(engine->shares.begin(), engine->shares.end(), option) != engine->shares.end())
      names.emplace_back(engine->name);
  return names;
}

std::unique_ptr<DepthSource> OpenDepthSource(const DepthSourceOptions& options,
                                             const DepthOpening& opening) {
  return Stabilized(ChosenEngine(options).open(options, opening),
                    options.own.Of<StabilizeOptions>());
}

// ---- Options.

bool DepthSourceOptions::finds_path() const {
  // A stabiliser changes the scale from frame to frame.
  return ChosenEngine(*this).finds_path && own.Of<StabilizeOptions>().kind == StabilizerKind::kNone;
}

std::string DepthSourceOptions::Chosen() const { return ChosenEngine(*this).name; }

void Describe(OptionList* list, DepthSourceOptions* options) {
  const std::vector<const DepthEngineInfo*> engines = Offered(*options);
  EnumNames<std::string> names;
  std::string help = "how depth is found (", otherwise;
  for (const DepthEngineInfo* engine : engines) {
    names.push_back({engine->name, engine->name});
    help += (names.size() == 1 ? "" : "; ") + std::string(engine->name) + ": " + engine->help;
    if (engine->file_option != nullptr && std::string(engine->name) != options->usual)
      otherwise += std::string(engine->name) + " if --" + engine->file_option + " is given, ";
  }
  list->Field("engine", &options->engine, names, help + ")")
      .Default(otherwise + (otherwise.empty() ? "" : "else ") + options->usual)
      .Implied([options] { return options->Chosen(); });
  // Networks of several parts that sample their depth by diffusion, and one for known camera paths.
  list->Refuse({"engine=depthcrafter"},
               "a diffusion network, which mdvt does not run; take a Video-Depth-Anything model "
               "(--model), which is steady as well");
  list->Refuse({"engine=geometrycrafter"},
               "a diffusion network, which mdvt does not run; stabilize_depth and --stabilizer "
               "steady the depth of any engine");
  list->Refuse(
      {"engine=mvsa"},
      "MVSAnywhere, which mdvt does not run; the engine motion finds depth by the camera's "
      "path without a network");
  for (const DepthEngineInfo* engine : engines) {
    const bool described =
        engine->file_option != nullptr && list->Find(engine->file_option) != nullptr;
    if (engine->describe && !described) engine->describe(list, options);
  }
  // One clip has one depth.
  for (auto engine = engines.begin(); engine != engines.end(); ++engine)
    for (auto other = std::next(engine); other != engines.end(); ++other)
      if ((*engine)->file_option != nullptr && (*other)->file_option != nullptr)
        list->Refine((*engine)->file_option).Excludes((*other)->file_option);
  list->Field("input_size", &options->input_size, {14, 4096}, "PIXELS",
              "short side of the pictures that depth is computed on")
      .Default("the model's own; motion: what makes the long side 640")
      .OnlyWith("engine", EnginesWith("input_size", *options));
  list->Field("scene_scale", &options->scene_scale, {0, 10000, true, false}, "METRES",
              "median depth of the clip's first measured frame (motion, relative models)")
      .OnlyWith("engine", EnginesWith("scene_scale", *options));
}

int DepthSourceOptions::WorkingSide(int width, int height) const {
  if (!input_size && !max_res) return kUsualSide;
  double side = 4096;
  if (input_size) {
    const double aspect = static_cast<double>(std::max(width, height)) / std::min(width, height);
    side = std::min(side, *input_size * aspect);
  }
  if (max_res) side = std::min(side, static_cast<double>(*max_res));
  return static_cast<int>(std::lround(std::max(64.0, side)));
}

void DepthSourceOptions::Check() const {
  const DepthEngineInfo& chosen = ChosenEngine(*this);
  const std::string name = chosen.name;
  Require(chosen.file_option == nullptr || chosen.file_given(*this), Code::kInvalidArgument,
          "the engine '" + name + "' needs " + chosen.file_is + " " + chosen.file_how);
  for (const DepthEngineInfo& other : DepthEngines())
    Require(&other == &chosen || !FileGiven(*this, other), Code::kInvalidArgument,
            "the engine '" + name + "' and " + other.file_is + " contradict each other");
  for (const DepthEngineInfo& each : DepthEngines())
    if (each.check) each.check(*this);
  const auto shares = [&chosen](const std::string& option) {
    return std::find(chosen.shares.begin(), chosen.shares.end(), option) != chosen.shares.end();
  };
  Require(!input_size || shares("input_size"), Code::kInvalidArgument,
          "the engine '" + name + "' computes nothing that input_size could be the size of");
  own.Of<StabilizeOptions>().Check();
  DepthSourceOptions copy = *this;
  OptionList list;
  Describe(&list, &copy);
  list.Check();
}

}  // namespace mdvt
