// SPDX-License-Identifier: Apache-2.0
#include "pipeline/movie_steps.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/options_json.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/find_convergence.h"
#include "mdvt/pipeline/fov_track.h"
#include "mdvt/pipeline/infill_sbs.h"
#include "mdvt/pipeline/stereo_crafter.h"
#include "mdvt/pipeline/video_mask.h"
#include "mdvt/stereo/convergence.h"
#include "model/hasher.h"
#include "pipeline/changed_options.h"
#include "pipeline/clip_cutter.h"
#include "pipeline/depth_source.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

using Files = std::vector<std::string>;

// Bytes of files for each pixel of a picture of the film, as hand-held clips have them;
// drawn pictures take less, grainy ones up to twice as much.
constexpr double kClipBytes = 0.5, kDepthBytes = 0.4, kMaskBytes = 0.003, kEyesBytes = 1,
                 kHoleMaskBytes = 0.01, kPlayerBytes = 0.1;
constexpr double kMoreBits = 1.4;  // the same for 10 bits

template <typename T>
std::vector<T> Slice(const std::vector<T>& list, int64_t first, int64_t count,
                     const std::string& what) {
  Require(static_cast<int64_t>(list.size()) >= first + count, Code::kCorrupt,
          what + " has " + std::to_string(list.size()) + " entries, frame " +
              std::to_string(first + count - 1) + " has none");
  return std::vector<T>(list.begin() + first, list.begin() + first + count);
}

// 0 for what is no video.
int64_t FramesOf(const std::string& path, const JobOptions& job) {
  try {
    return VideoReader(path, ReaderOptions(job, nullptr)).CountFrames();
  } catch (const Error&) {
    return 0;
  }
}

// Wrong use would fail on every scene; and nothing fills holes where a run was ended or a disk is
// full.
bool MayFallBack(Code code) {
  return code == Code::kOutOfMemory || code == Code::kLimit || code == Code::kCorrupt ||
         code == Code::kNotConverged || code == Code::kInternal;
}

}  // namespace

StepFacts MadeInstead(StepFacts facts, const std::string& instead) {
  if (!instead.empty()) facts.options["failure"] = instead;
  return facts;
}

SceneFiles::SceneFiles(const std::string& folder, int64_t scene) {
  clip = (fs::path(folder) / ("scene_" + std::to_string(scene) + ".mkv")).string();
  mask = clip + "_mask.mkv";
  depth = clip + "_depth.mkv";
  xfovs = depth + "_xfovs.json";
  convergence = depth + "_convergence_depths.json";
  sbs = depth + "_stereo.mkv";
  sbs_mask = sbs + "_infillmask.mkv";
  infilled = sbs + "_infilled.mkv";
}

std::string MoviePlanner::TempFolder(const MovieJobOptions& options) {
  return (fs::path(options.output_dir) / ".mdvt").string();
}

std::string MoviePlanner::FilmOutput(const MovieJobOptions& options) {
  if (!options.output.empty()) return options.output;
  const ViewLayout layout = LayoutOf(options.frame.Canvas(false));
  const bool usual = layout.name == ViewLayouts().front().name;
  const VideoCodec codec = options.encode.Codec("", VideoCodec::kH264);
  return (fs::path(options.output_dir) /
          (FileName(options.color_video) + (usual ? "_SBS" : layout.suffix) +
           EncodeOptions::Ending(codec)))
      .string();
}

int64_t MoviePlanner::BytesOf(double bytes_per_pixel, int64_t frames) const {
  return std::llround(bytes_per_pixel * frame_pixels_ * static_cast<double>(frames));
}

std::string MoviePlanner::Temp(const std::string& name) const {
  return (fs::path(TempFolder(options_)) / name).string();
}

SceneFiles MoviePlanner::FilesOf(const MovieScene& scene) const {
  return SceneFiles(options_.output_dir, scene.number);
}

MoviePlanner::MoviePlanner(const MovieJobOptions& options, const std::vector<MovieScene>& scenes,
                           const VideoInfo& film)
    : options_(options),
      scenes_(scenes),
      forced_(ParseForced(options.force)),
      frame_rate_(film.frame_rate),
      frame_pixels_(static_cast<double>(film.width) * film.height *
                    (film.format.bits > 8 ? kMoreBits : 1)) {
  opened_ =
      options.source.model.keep ? options.source.model.keep : std::make_shared<OpenedModels>();
  wanted_.resize(scenes.size());
  mixes_engines_ = std::any_of(scenes.begin(), scenes.end(), [&](const MovieScene& scene) {
    return SourceOf(scene.settings).Chosen() != SourceOf(scenes.front().settings).Chosen();
  });
  Group group;
  for (const MovieScene& scene : scenes) {
    if (!scene.range.soft && !group.parts.empty()) {
      AddGroup(group);
      group = {group.number + 1, {}};
    }
    group.parts.push_back(&scene);
  }
  if (!group.parts.empty()) AddGroup(group);
}

void MoviePlanner::AddGroup(const Group& group) {
  if (group.parts.front()->settings.skip) return;  // the parts of a shot have one row
  const bool by_mask = group.parts.front()->settings.convergence == MovieConvergence::kMask;
  const bool by_center = group.parts.front()->settings.convergence == MovieConvergence::kCenter;
  AddDepth(group);
  for (const MovieScene* scene : group.parts) {
    std::vector<size_t>& wanted = wanted_[static_cast<size_t>(scene->number) - 1];
    const std::string& infill = scene->settings.infill_engine;
    if (options_.save_clips || infill == "m2svid" || infill == "inspatio_world")
      AddClip(*scene, group.number);
    if (options_.save_clips) wanted.push_back(steps_.size() - 1);
    if (by_mask) AddMask(*scene, group.number);
    if (by_mask || by_center) AddConvergence(*scene, group.number);
    if (options_.no_render)
      wanted.push_back(by_mask || by_center ? steps_.size() - 1
                                            : maker_.at(FilesOf(*group.parts.front()).depth));
  }
  if (options_.no_render) return;
  // The distances of all parts are smoothed together.
  for (const MovieScene* scene : group.parts) {
    AddStereo(*scene, group);
    if (scene->settings.infill_engine != "none") AddInfill(*scene, group.number);
    wanted_[static_cast<size_t>(scene->number) - 1].push_back(steps_.size() - 1);
  }
}

bool MoviePlanner::Names(const ForcedStep& forced, const MovieStep& step) {
  // Depth is that of all parts of a shot.
  const auto scenes = step.name == "depth" ? static_cast<int64_t>(step.videos.size()) : 1;
  return forced.name == step.name &&
         (forced.scene == 0 || (forced.scene >= step.scene && forced.scene < step.scene + scenes));
}

std::string MoviePlanner::WhyForced(const MovieStep& step) const {
  for (const ForcedStep& one : forced_)
    if (Names(one, step)) return kForcedStep;
  for (const size_t before : step.needs)
    if (!steps_[before].forced.empty()) return steps_[before].name + " is done again";
  return "";
}

std::vector<std::string> MoviePlanner::FittingFiles(const MovieStep& step) const {
  std::vector<std::string> files;
  std::string why_not;
  std::error_code ignored;
  for (const MovieVideo& video : step.videos) {
    if (!fs::exists(video.path, ignored)) {
      why_not = "there is no " + FileName(video.path);
    } else if (const int64_t frames = FramesOf(video.path, options_.job); frames != video.frames) {
      why_not = FileName(video.path) + " has " + CountOf(frames, "frame") + ", its scene " +
                std::to_string(video.frames);
    }
    files.push_back(video.path);
  }
  for (const std::string& file : step.sidecars)
    if (fs::exists(file, ignored)) files.push_back(file);
  if (why_not.empty()) return files;
  LogWarning("scene " + std::to_string(step.scene) + ", " + step.name +
             " is not taken over: " + why_not);
  return {};
}

// What follows from such files has to be made of them, so they are part of the facts.
void MoviePlanner::TakeOver(MovieStep* step) const {
  if (!step->forced.empty()) return;
  const std::optional<std::string> before = InputOf(step->product, kTakenOver, options_.job.limits);
  if (before) {
    StepFacts facts = step->facts;
    facts.inputs.push_back({kTakenOver, *before});
    if (WhyStale(facts, step->product, options_.job.limits).empty()) {
      step->facts = facts;
      return;
    }
  }
  std::error_code ignored;
  if (!options_.adopt || !fs::exists(step->product, ignored)) return;
  if (!before && IsAsMade(step->product, options_.job.limits)) return;
  step->foreign = FittingFiles(*step);
  if (step->foreign.empty()) return;
  Hasher hasher;
  for (const std::string& file : step->foreign) {
    const std::string key = FileKey(file);
    hasher.Add(key.data(), key.size());
  }
  step->facts.inputs.push_back({kTakenOver, hasher.Result()});
}

void MoviePlanner::Add(MovieStep step) {
  step.forced = WhyForced(step);
  TakeOver(&step);
  maker_[step.product] = steps_.size();
  steps_.push_back(std::move(step));
}

JobOptions MoviePlanner::JobOf(const SceneRange& range) const {
  JobOptions job = options_.job;
  job.overwrite = true;  // what is stale has to be replaced
  job.reading.first_frame = range.first;
  job.max_frames = range.length();
  return job;
}

// What a row says of its scene is all that holds for it.
FovOptions MoviePlanner::FovOf(const SceneSettings& settings) const {
  FovOptions fov;
  if (settings.xfov_deg == options_.scene.xfov_deg) fov = options_.fov;
  fov.xfov_deg = settings.xfov_deg;
  return fov;
}

DepthModelOptions MoviePlanner::Network(const std::string& path) const {
  DepthModelOptions model;
  model.path = path;
  model.open.device = options_.source.model.open.device;
  model.open.deterministic = options_.source.model.open.deterministic;
  model.fp16 = options_.source.model.fp16;
  model.fp32 = options_.source.model.fp32;
  model.trust_model = options_.source.model.trust_model;
  model.keep = opened_;
  return model;
}

std::string MoviePlanner::KeyOfPath(const std::string& path) const {
  const auto made = maker_.find(path);
  if (made != maker_.end()) return KeyOf(steps_[made->second].facts);
  std::string& key = known_[path];
  if (key.empty()) key = FileKey(path);
  return key;
}

template <typename Options>
StepFacts MoviePlanner::FactsOf(const std::string& step, const Options& options,
                                const SceneRange* range) const {
  const auto describe = [](OptionList* to, Options* described) { Describe(to, described); };
  Options given = options;
  OptionList list;
  describe(&list, &given);
  StepFacts facts;
  facts.step = step;
  facts.options = json::Value::Members();
  if (range != nullptr)
    facts.options["frames"] = std::vector<int64_t>{range->first + 1, range->end};
  for (const auto& [name, value] : ChangedOptions(options, describe)) {
    const Option& option = list.At(name);
    if (option.section == "run") continue;  // changes nothing
    // A network that may be opened is among the inputs.
    if (name == "sha256" || name == "trust_model") continue;
    const auto* text = std::get_if<std::string>(&value);
    if (option.path == PathKind::kInput) {
      if (text != nullptr && !text->empty()) facts.inputs.push_back({name, KeyOfPath(*text)});
    } else if (option.path == PathKind::kNone) {
      facts.options[name] = ToJson(value);
    }
  }
  return facts;
}

MovieStep MoviePlanner::StepOf(const std::string& name, const MovieScene& scene, size_t group,
                               const std::string& product, double bytes_per_pixel) const {
  MovieStep step;
  step.name = name;
  step.scene = scene.number;
  step.group = group;
  step.product = product;
  step.frames = scene.range.length();
  step.videos = {{product, step.frames}};
  step.bytes = BytesOf(bytes_per_pixel, step.frames);
  return step;
}

void MoviePlanner::AddClip(const MovieScene& scene, size_t group) {
  ClipCut cut;
  cut.job = JobOf(scene.range);
  cut.input = options_.color_video;
  cut.output = FilesOf(scene).clip;
  MovieStep step = StepOf("clip", scene, group, cut.output, kClipBytes);
  step.facts = FactsOf(step.name, cut, &scene.range);
  step.run = [cut](int threads, const RunControl& control) mutable {
    cut.job.num_threads = threads;
    CutClip(cut, control);
    return Files{cut.output};
  };
  Add(std::move(step));
}

DepthSourceOptions MoviePlanner::SourceOf(const SceneSettings& settings) const {
  DepthSourceOptions source = options_.source;
  if (!settings.engine.empty()) source.engine = settings.engine;
  return source;
}

// Of all parts of a shot in one go, so that nothing shows where it was split.
void MoviePlanner::AddDepth(const Group& group) {
  const SceneSettings& settings = group.parts.front()->settings;
  SceneRange range = group.parts.front()->range;
  range.end = group.parts.back()->range.end;
  DepthJobOptions depth;
  depth.job = JobOf(range);
  depth.color_video = options_.color_video;
  depth.fov = FovOf(settings);
  depth.source = SourceOf(settings);
  const bool by_network = depth.source.Chosen() == "model";
  if (!by_network) depth.source.model = {};
  depth.max_depth = settings.max_depth;

  std::vector<SceneFiles> files;
  std::vector<SceneRange> ranges;
  for (const MovieScene* part : group.parts) {
    files.push_back(FilesOf(*part));
    ranges.push_back(part->range);
  }
  MovieStep step;
  step.name = "depth";
  step.scene = group.parts.front()->number;
  step.group = group.number;
  step.product = files.front().depth;
  step.frames = range.length();
  step.bytes = BytesOf(kDepthBytes, step.frames);
  step.facts = FactsOf(step.name, depth, &range);
  std::vector<int64_t> starts;
  for (const SceneRange& part : ranges) starts.push_back(part.first + 1);
  if (ranges.size() > 1) step.facts.options["parts"] = starts;
  for (size_t i = 0; i < files.size(); ++i) {
    step.videos.push_back({files[i].depth, ranges[i].length()});
    step.sidecars.push_back(files[i].xfovs);
  }

  const bool is_split = files.size() > 1;
  const std::string stem = Temp("scene_" + std::to_string(step.scene));
  const std::string whole = is_split ? stem + "_depth.mkv" : files.front().depth;
  const std::string whole_fovs = is_split ? stem + "_xfovs.json" : files.front().xfovs;
  depth.output = whole;
  if (by_network) {
    depth.source.model.keep = opened_;
    step.check = [source = depth.source, mixed = mixes_engines_](int threads) {
      const std::shared_ptr<const Model> model = OpenDepthModel(source.model, threads);
      if (!mixed) CheckUsed(source, model->info());
    };
  }
  step.run = [=, network = network_, told = told_fov_, mixed = mixes_engines_](
                 int threads, const RunControl& control) mutable {
    std::unique_lock<std::mutex> lock(*network, std::defer_lock);
    if (by_network) lock.lock();
    depth.job.num_threads = threads;
    const std::string own = stem + "_given_xfovs.json";
    if (!depth.fov.xfov_file.empty()) {
      const std::vector<double> film = ReadFovFile(depth.fov.xfov_file, depth.job.limits);
      WriteFovFile(own, Slice(film, range.first, range.length(), depth.fov.xfov_file));
      depth.fov.xfov_file = own;
    }
    if (by_network) {
      depth.source.model.loaded = OpenDepthModel(depth.source.model, threads);
      const ModelInfo& info = depth.source.model.loaded->info();
      if (depth.fov.empty() && !NetworkTellsFov(info)) {
        // Said of the first scene alone: it is the same of all.
        if (!told->exchange(true))
          LogWarning("the network of --model does not tell the field of view, and none is given: " +
                     FormatDouble(kDefaultXfovDeg) +
                     " degrees across are taken for every scene (--xfov, column XFov)");
        depth.fov.xfov_deg = kDefaultXfovDeg;
      }
      // Meant for the scenes of the other engine.
      if (mixed && !IsRelativeDepth(info))
        depth.source.scene_scale = DepthSourceOptions().scene_scale;
    }
    depth.source.own.Of<FovTrackOptions>().output = whole_fovs;
    RunDepthJob(depth, control);
    Files made;
    for (size_t i = 0; i < files.size(); ++i) {
      made.push_back(files[i].depth);
      made.push_back(files[i].xfovs);
      if (!is_split) continue;
      ClipCut cut;
      cut.job = depth.job;
      cut.job.reading.first_frame = ranges[i].first - range.first;
      cut.job.max_frames = ranges[i].length();
      cut.input = whole;
      cut.output = files[i].depth;
      cut.codes = true;
      CutClip(cut, control);
      WriteFovFile(files[i].xfovs,
                   Slice(ReadFovFile(whole_fovs, depth.job.limits), cut.job.reading.first_frame,
                         cut.job.max_frames, whole_fovs));
    }
    std::error_code ignored;
    for (const std::string& temp : {stem + "_depth.mkv", stem + "_xfovs.json", own})
      fs::remove(temp, ignored);
    return made;
  };
  Add(std::move(step));
  for (const SceneFiles& part : files) maker_[part.depth] = steps_.size() - 1;
}

void MoviePlanner::AddMask(const MovieScene& scene, size_t group) {
  VideoMaskJobOptions mask;
  mask.job = JobOf(scene.range);
  mask.color_video = options_.color_video;
  mask.output = FilesOf(scene).mask;
  mask.cuts = SceneCuts::kOff;
  const bool by_network = !options_.mask_model.empty();
  MovieStep step = StepOf("mask", scene, group, mask.output, kMaskBytes);
  if (by_network) {
    mask.model = Network(options_.mask_model);
    step.check = [model = mask.model](int threads) { OpenNetwork(model, threads); };
  }
  step.facts = FactsOf(step.name, mask, &scene.range);
  step.run = [mask, by_network, network = network_](int threads,
                                                    const RunControl& control) mutable {
    std::unique_lock<std::mutex> lock(*network, std::defer_lock);
    if (by_network) lock.lock();
    mask.job.num_threads = threads;
    RunVideoMaskJob(mask, control);
    return Files{mask.output};
  };
  Add(std::move(step));
}

void MoviePlanner::AddConvergence(const MovieScene& scene, size_t group) {
  const SceneFiles files = FilesOf(scene);
  FindConvergenceJobOptions find;
  find.job = JobOf(scene.range);
  find.job.max_frames = -1;
  find.depth_video = files.depth;
  if (scene.settings.convergence == MovieConvergence::kMask) find.mask_video = files.mask;
  find.output = files.convergence;
  find.missing = MissingValue::kNan;  // as the original toolbox reads it
  MovieStep step = StepOf("convergence", scene, group, find.output, 0);
  step.videos.clear();
  step.sidecars = {find.output};
  step.facts = FactsOf(step.name, find, nullptr);
  step.needs = {maker_.at(files.depth)};
  if (!find.mask_video.empty()) step.needs.push_back(maker_.at(files.mask));
  step.run = [find](int threads, const RunControl& control) mutable {
    find.job.num_threads = threads;
    const FindConvergenceReport found = RunFindConvergenceJob(find, control);
    if (found.unknown == found.frames && !find.mask_video.empty()) {
      FindConvergenceJobOptions center = find;
      center.mask_video.clear();
      RunFindConvergenceJob(center, control);
    }
    return Files{find.output};
  };
  Add(std::move(step));
}

void MoviePlanner::AddStereo(const MovieScene& scene, const Group& group) {
  const SceneFiles files = FilesOf(scene);
  const SceneSettings& settings = scene.settings;
  StereoJobOptions stereo;
  stereo.job = JobOf(scene.range);
  stereo.source.file.path = files.depth;
  stereo.color_video = options_.color_video;
  stereo.output = files.sbs;
  stereo.copy_streams = false;
  stereo.eyes.pupillary_distance_mm = settings.pupillary_distance_mm;
  stereo.eyes.master_xfov_deg = settings.master_xfov_deg;
  stereo.eyes.baseline_scale = options_.baseline_scale;
  const bool follows = maker_.count(files.convergence) > 0;
  if (follows) stereo.eyes.smoothing = options_.smoothing;
  stereo.eyes.convergence = 0;
  if (settings.convergence == MovieConvergence::kFixed)
    stereo.eyes.convergence = settings.convergence_distance;
  stereo.comfort = options_.comfort;
  if (settings.max_shift) {
    if (stereo.comfort.viewer == Comfort::kNone) stereo.comfort.viewer = Comfort::kCinema;
    stereo.comfort.max_in_front = stereo.comfort.max_behind = settings.max_shift;
  }
  stereo.holes.tear = options_.tear;
  const bool has_holes = settings.infill_engine != "none";
  if (has_holes)
    stereo.holes.infill_mask = true;
  else
    stereo.holes.dont_remove_edges = true;
  stereo.steady.cuts = SceneCuts::kOff;

  MovieStep step = StepOf("stereo", scene, group.number, stereo.output,
                          has_holes ? kEyesBytes + kHoleMaskBytes : kEyesBytes);
  if (has_holes) step.videos.push_back({files.sbs_mask, step.frames});
  step.facts = FactsOf(step.name, stereo, &scene.range);
  step.needs = {maker_.at(files.depth)};
  Files distances;
  int64_t before = 0;
  if (follows) {
    for (const MovieScene* part : group.parts) {
      const std::string file = FilesOf(*part).convergence;
      step.needs.push_back(maker_.at(file));
      step.facts.inputs.push_back(
          {"convergence of scene " + std::to_string(part->number), KeyOfPath(file)});
      if (part->number < scene.number) before += part->range.length();
      distances.push_back(file);
    }
  }
  const std::string smoothed = Temp("scene_" + std::to_string(scene.number) + "_convergence.json");
  const int64_t frames = scene.range.length();
  // Two angles that were given are in the tags of the depth video; the list has one.
  const bool both_given = settings.xfov_deg && FovOf(settings).yfov_deg;
  step.run = [=, rate = frame_rate_](int threads, const RunControl& control) mutable {
    stereo.job.num_threads = threads;
    // Of each frame, where it changes.
    std::error_code ignored;
    if (!both_given && fs::exists(files.xfovs, ignored)) stereo.fov.xfov_file = files.xfovs;
    if (!distances.empty()) {
      std::vector<double> shot;
      for (const std::string& file : distances) {
        const std::vector<double> part = ReadConvergenceFile(file, stereo.job.limits);
        shot.insert(shot.end(), part.begin(), part.end());
      }
      WriteConvergenceFile(smoothed, Slice(SmoothConvergence(shot, rate, stereo.eyes.smoothing),
                                           before, frames, "the list of distances"));
      stereo.eyes.convergence.reset();
      stereo.eyes.convergence_file = smoothed;
      stereo.eyes.smoothing = {};
      stereo.eyes.smoothing.sigma_seconds = 0;
    }
    RunStereoJob(stereo, control);
    fs::remove(smoothed, ignored);
    Files made = {files.sbs};
    if (has_holes) made.push_back(files.sbs_mask);
    return made;
  };
  Add(std::move(step));
  if (has_holes) maker_[files.sbs_mask] = steps_.size() - 1;
}

void MoviePlanner::AddInfill(const MovieScene& scene, size_t group) {
  const SceneFiles files = FilesOf(scene);
  const std::string& engine = scene.settings.infill_engine;
  MovieStep step = StepOf("infill", scene, group, files.infilled, kEyesBytes);
  JobOptions job = JobOf(scene.range);
  job.reading.first_frame = 0;
  InfillSbsJobOptions usual;
  usual.job = job;
  usual.sbs_color_video = files.sbs;
  usual.sbs_mask_video = files.sbs_mask;
  usual.output = files.infilled;
  usual.method = engine == "normals"    ? InfillMethod::kNormal
                 : engine == "observed" ? InfillMethod::kObserved
                                        : InfillMethod::kDirectional;
  if (IsInfillNetwork(engine)) {
    StereoCrafterJobOptions infill;
    infill.job = job;
    infill.sbs_color_video = files.sbs;
    infill.sbs_mask_video = files.sbs_mask;
    infill.output = files.infilled;
    infill.model = Network(options_.infill_model);
    if (maker_.count(files.clip) > 0 && engine != "stereocrafter" &&
        engine != "stereo_dissoclusion_net")
      infill.color_video = files.clip;
    step.facts = FactsOf(step.name, infill, nullptr);
    step.facts.inputs.push_back({"infill_model", KeyOfPath(options_.infill_model)});
    if (!infill.color_video.empty()) step.needs.push_back(maker_.at(files.clip));
    step.check = [model = infill.model, clip = !infill.color_video.empty()](int threads) {
      OpenInfillNetworks(model, clip, threads);
    };
    step.run = [infill, usual, may_fall_back = options_.infill_fallback, network = network_](
                   int threads, const RunControl& control) mutable {
      infill.job.num_threads = usual.job.num_threads = threads;
      StepProducts made = Files{infill.output};
      try {
        const std::lock_guard<std::mutex> lock(*network);
        RunStereoCrafterJob(infill, control);
        return made;
      } catch (const Error& error) {
        if (!may_fall_back || !MayFallBack(error.code())) throw;
        made.instead = error.what();
      }
      LogWarning("the network failed, holes are filled with what is beside them: " + made.instead);
      RunInfillSbsJob(usual, control);
      return made;
    };
  } else {
    step.facts = FactsOf(step.name, usual, nullptr);
    step.run = [usual](int threads, const RunControl& control) mutable {
      usual.job.num_threads = threads;
      RunInfillSbsJob(usual, control);
      return Files{usual.output};
    };
  }
  step.needs.push_back(maker_.at(files.sbs));
  Add(std::move(step));
}

void MoviePlanner::MarkInstead(size_t index, const std::string& instead) {
  steps_[index].facts = MadeInstead(steps_[index].facts, instead);
}

MovieStep MoviePlanner::FilmStep(const std::vector<bool>& has_eyes) const {
  FilmOptions film;
  film.job = options_.job;
  film.job.overwrite = true;
  film.color_video = options_.color_video;
  film.output = FilmOutput(options_);
  film.frame = options_.frame;
  film.encode = options_.encode;
  film.swap_eyes = options_.swap_eyes;
  MovieStep step;
  step.name = "film";
  step.product = film.output;
  step.frames = scenes_.back().range.end;
  const VideoCodec codec = options_.encode.Codec(film.output, VideoCodec::kH264);
  const bool lossless = codec == VideoCodec::kFfv1 || codec == VideoCodec::kUtVideo;
  step.bytes = BytesOf(lossless ? kEyesBytes : kPlayerBytes, step.frames);
  step.facts = FactsOf(step.name, film, nullptr);
  std::vector<int64_t> ends;
  for (size_t i = 0; i < scenes_.size(); ++i) {
    const MovieScene& scene = scenes_[i];
    ends.push_back(scene.range.end);
    const std::string role = "scene " + std::to_string(scene.number);
    FilmScene part{scene.range, ""};
    if (wanted_[i].empty() || !has_eyes[i]) {
      step.facts.inputs.push_back({role, "flat"});
    } else {
      const size_t eyes = wanted_[i].back();
      part.sbs = steps_[eyes].product;
      step.facts.inputs.push_back({role, KeyOf(steps_[eyes].facts)});
      step.needs.push_back(eyes);
    }
    film.scenes.push_back(part);
  }
  step.facts.options["scene ends"] = ends;
  step.run = [film](int threads, const RunControl& control) mutable {
    film.job.num_threads = threads;
    EncodeFilm(film, control);
    return Files{film.output};
  };
  return step;
}

}  // namespace mdvt
