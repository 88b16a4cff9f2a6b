// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/file_descriptor.h"
#include "core/naming.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/options_json.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/movie.h"
#include "pipeline/changed_options.h"
#include "pipeline/find_scenes_settings.h"
#include "pipeline/job_common.h"
#include "pipeline/metric_eyes.h"
#include "pipeline/movie_force.h"
#include "pipeline/movie_scenes.h"
#include "pipeline/movie_steps.h"
#include "pipeline/product_manifest.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kLookEvery(50);

std::string NameOf(const MovieStep& step) {
  return step.scene == 0 ? step.name : "scene " + std::to_string(step.scene) + ", " + step.name;
}

bool HasEnding(const std::string& text, std::string_view ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

std::string SizeText(int64_t bytes) {
  const double size = static_cast<double>(bytes);
  return size < 1e9 ? FormatFixed(size / 1e6, 1) + " MB" : FormatFixed(size / 1e9, 1) + " GB";
}

// Which steps have to be done, and why: empty for those that need not.
std::vector<std::string> FindStale(const std::vector<MovieStep>& steps, const Limits& limits) {
  std::vector<std::string> why;
  for (const MovieStep& step : steps) {
    why.push_back(step.forced);
    if (step.forced.empty() && step.foreign.empty())
      why.back() = WhyStale(step.facts, step.product, limits);
  }
  return why;
}

class MovieJob {
 public:
  MovieJob(const MovieJobOptions& options, const RunControl& control)
      : options_(options), control_(control), meter_(control) {}

  MovieReport Run() {
    if (options_.clean != "none") return Clean();
    film_.emplace(options_.color_video, ReaderOptions(options_.job, nullptr));
    CheckOnePicture(film_->info(), options_.job.one_picture);
    const bool has_list = FindList();
    if (has_list) ReadList();
    if (options_.dry_run && !has_list) {
      report_.plan = "scenes  " + report_.scene_list + " has to be made first: see mdvt_scenes" +
                     (why_list_.empty() ? "" : " (" + why_list_ + ")") + "\n";
      return report_;
    }
    if (!options_.dry_run) Begin();
    if (!has_list) {
      CheckNetworks();
      MakeList();
    }
    planner_.emplace(options_, scenes_, film_->info());
    const std::vector<MovieStep>& steps = planner_->steps();
    const std::vector<ForcedStep> forced = ParseForced(options_.force);
    CheckForced(forced);
    why_ = FindStale(steps, options_.job.limits);
    todo_.assign(steps.size(), false);
    failed_.assign(steps.size(), false);

    const std::vector<bool> all(scenes_.size(), true);
    MovieStep film = planner_->FilmStep(all);
    const std::string why_film = WhyFilm(film, forced);
    if (options_.no_render || !why_film.empty())
      for (const std::vector<size_t>& wanted : planner_->wanted())
        for (const size_t step : wanted) Want(step);
    CheckFolder();
    MeasureRoom(film, !why_film.empty());
    if (options_.dry_run) return Plan(film, why_film);
    if (report_.bytes_needed > report_.bytes_free)
      LogWarning("the files of this run will take about " + SizeText(report_.bytes_needed) + ", '" +
                 options_.output_dir + "' has room for " + SizeText(report_.bytes_free) +
                 ": a run that ends there goes on where it was");
    if (!options_.no_render && !why_film.empty()) CheckFilmName(film.product);
    for (const MovieStep& step : steps)
      if (!step.foreign.empty()) WriteManifest(step.facts, step.product, step.foreign, 0);
    MakeScenes();
    report_.steps_done = steps_done_;
    report_.frames = film.frames;
    if (options_.no_render) {
      FailIfAny();
      return report_;
    }
    report_.output = film.product;
    if (why_film.empty()) {
      ++report_.steps_kept;
      return report_;
    }
    if (!options_.allow_missing || !options_.keep_going) FailIfAny();
    const std::vector<bool> made = Made();
    if (!errors_.empty()) {
      for (const MovieScene& scene : scenes_)
        if (!made[static_cast<size_t>(scene.number) - 1]) report_.flat.push_back(scene.number);
      LogWarning(CountOf(static_cast<int64_t>(report_.flat.size()), "scene is", "scenes are") +
                 " shown flat: " + FailedText());
    }
    film = planner_->FilmStep(made);
    meter_.BeginPhase("film");
    Do(film, options_.job.num_threads, control_);
    report_.steps_done = steps_done_;
    return report_;
  }

 private:
  // --- scenes -----------------------------------------------------------------------------------

  bool FindList() {
    report_.scene_list = options_.scene_file;
    if (!options_.scene_file.empty()) return true;
    report_.scene_list = (fs::path(options_.output_dir) /
                          fs::path(StemName(options_.color_video, "-Scenes.csv")).filename())
                             .string();
    std::error_code ignored;
    if (!fs::exists(report_.scene_list, ignored)) return false;
    const std::string why = WhyStale(ListFacts(), report_.scene_list, options_.job.limits);
    if (why.empty()) return true;
    if (IsAsMade(report_.scene_list, options_.job.limits)) {
      why_list_ = why;
      return false;
    }
    if (!ListFacts().options.AsMembers().empty())
      LogWarning("the scenes are those of " + report_.scene_list +
                 ", which this program has not made or which was edited: the options of the "
                 "detector change nothing (delete the list to look for scenes anew)");
    return true;
  }

  // The scenes of all films have the same names.
  void CheckFolder() const {
    const Limits& limits = options_.job.limits;
    const std::string own = FileKey(options_.color_video);
    std::map<std::string, std::string> others;  // lists of scenes by their film
    AddFilesIn(options_.output_dir, [&](const fs::path& path) {
      const std::string name = path.filename().string();
      if (!HasEnding(name, "-Scenes.csv")) return;
      const std::optional<std::string> film = InputOf(path.string(), "color_video", limits);
      if (film && *film != own) others.emplace(*film, name);
    });
    if (others.empty()) return;
    for (size_t i = 0; i < todo_.size(); ++i) {
      if (!todo_[i]) continue;
      const auto film = InputOf(planner_->steps()[i].product, "color_video", limits);
      const auto other = film ? others.find(*film) : others.end();
      if (other == others.end()) continue;
      throw Error(Code::kInvalidArgument,
                  "'" + options_.output_dir + "' holds the scenes of another film, whose list is " +
                      other->second + ": give another output_dir, or move that list away");
    }
  }

  // What the list of scenes follows from.
  StepFacts ListFacts() const {
    StepFacts facts;
    facts.step = "scenes";
    facts.options = json::Value::Members();
    const auto describe = [](OptionList* list, SceneDetectOptions* to) { Describe(list, to); };
    for (const auto& [name, value] : ChangedOptions(options_.detect, describe))
      facts.options[name] = ToJson(value);
    facts.inputs.push_back({"color_video", FileKey(options_.color_video)});
    return facts;
  }

  // Tells now what would be found out after hours.
  void CheckFilmName(const std::string& name) const {
    OutputSet outputs(options_.job.overwrite);
    outputs.AddInput(options_.color_video);
    outputs.AddFile(name);
  }

  // Nobody else may work there meanwhile.
  void Begin() {
    const std::string folder = MoviePlanner::TempFolder(options_);
    std::error_code error;
    Require(!fs::exists(options_.output_dir, error) || fs::is_directory(options_.output_dir, error),
            Code::kIo, options_.output_dir + " is no folder");
    fs::create_directories(folder, error);
    Require(!error, Code::kIo, folder + ": cannot be made: " + error.message());
    lock_ = OpenFile(folder + "/lock", O_RDWR | O_CREAT, 0666);
    Require(lock_.is_open(), Code::kIo, folder + "/lock: cannot be opened");
    Require(flock(lock_.get(), LOCK_EX | LOCK_NB) == 0, Code::kIo,
            "another run works in '" + options_.output_dir + "'");
  }

  // Opens the networks of the film's own options, which any list would be made for in vain where
  // one of them cannot be.
  void CheckNetworks() {
    MovieJobOptions options = options_;
    options.adopt = false;
    const int64_t frames = film_->CountFrames();
    const SceneTable whole =
        SceneTable::Of({SceneRange{0, frames, false}}, film_->info().frame_rate);
    const std::vector<MovieScene> scenes = MovieScenes(whole, options, frames);
    CheckInfillModel(scenes);
    const MoviePlanner planner(options, scenes, film_->info());
    for (const MovieStep& step : planner.steps())
      if (step.check) step.check(ResolveThreads(options.job.num_threads));
  }

  void MakeList() {
    FindScenesJobOptions find;
    find.job = options_.job;
    find.job.max_frames = -1;   // the list is for later runs too
    find.job.overwrite = true;  // of one that is as it was made
    find.color_video = options_.color_video;
    find.output = report_.scene_list;
    find.detect = options_.detect;
    RunFindScenesJob(find, control_);
    WriteManifest(ListFacts(), report_.scene_list, {report_.scene_list}, 0);
    ReadList();
  }

  void ReadList() {
    const char delimiter = options_.csv_delimiter == ";" ? ';' : 0;
    const SceneTable table = SceneTable::Read(report_.scene_list, delimiter, options_.job.limits);
    const int64_t frames = film_->CountFrames();
    Naming(report_.scene_list, [&] { scenes_ = MovieScenes(table, options_, frames); });
    const int64_t most = options_.job.max_frames;
    while (most >= 0 && scenes_.size() > 1 && scenes_.back().range.first >= most)
      scenes_.pop_back();
    if (most >= 0) scenes_.back().range.end = std::min(scenes_.back().range.end, most);
    if (!options_.fov.xfov_file.empty()) {
      const size_t fovs = ReadFovFile(options_.fov.xfov_file, options_.job.limits).size();
      Require(static_cast<int64_t>(fovs) >= scenes_.back().range.end, Code::kCorrupt,
              "'" + options_.fov.xfov_file + "' holds the field of view of " +
                  CountOf(static_cast<int64_t>(fovs), "frame") + ", the scenes have " +
                  std::to_string(scenes_.back().range.end));
    }
    CheckInfillModel(scenes_);
    report_.scenes = static_cast<int64_t>(scenes_.size());
    CheckUsed(table, frames);
  }

  void CheckInfillModel(const std::vector<MovieScene>& scenes) const {
    for (const MovieScene& scene : scenes)
      Require(!IsInfillNetwork(scene.settings.infill_engine) || !options_.infill_model.empty(),
              Code::kInvalidArgument,
              "scene " + std::to_string(scene.number) + ": the infill engine '" +
                  scene.settings.infill_engine +
                  "' is a network: give it (--infill_model PATH; docs/models.md tells how to make "
                  "one), or take 'directional'");
  }

  // Options of the film that no scene of the list follows would have no effect.
  void CheckUsed(const SceneTable& table, int64_t frames) const {
    MovieJobOptions all = options_;
    all.end_scene = -1;
    const std::vector<MovieScene> scenes = MovieScenes(table, all, frames);
    const auto used = [&](const auto& by) {
      return std::any_of(scenes.begin(), scenes.end(), [&](const MovieScene& scene) {
        return !scene.settings.skip && by(scene.settings);
      });
    };
    Require(options_.infill_model.empty() || used([](const SceneSettings& scene) {
              return IsInfillNetwork(scene.infill_engine);
            }),
            Code::kInvalidArgument,
            "infill_model: no scene is filled by a network: name the kind that it is of "
            "(--infill_engine stereocrafter, m2svid, inspatio_world or stereo_dissoclusion_net)");
    Require(options_.mask_model.empty() || used([](const SceneSettings& scene) {
              return scene.convergence == MovieConvergence::kMask;
            }),
            Code::kInvalidArgument,
            "mask_model: no scene has a mask (--convergence mask, or the column Convergence)");
    for (const auto& changed : ChangedOptions(options_.smoothing, DescribeConvergenceSmoothing))
      Require(used([](const SceneSettings& scene) {
                return scene.convergence == MovieConvergence::kMask ||
                       scene.convergence == MovieConvergence::kCenter;
              }),
              Code::kInvalidArgument,
              changed.first + ": is for distances that change (--convergence mask or center)");
  }

  // --- what is to be done -----------------------------------------------------------------------

  // A scene that is not there would be left out without a word.
  void CheckForced(const std::vector<ForcedStep>& forced) const {
    const std::vector<MovieStep>& steps = planner_->steps();
    for (const ForcedStep& one : forced) {
      const bool is_there =
          one.name == "film" ? one.scene == 0 && !options_.no_render
                             : std::any_of(steps.begin(), steps.end(), [&](const MovieStep& step) {
                                 return MoviePlanner::Names(one, step);
                               });
      Require(is_there, Code::kInvalidArgument,
              "force: there is no step '" + one.name +
                  (one.scene == 0 ? "'" : "' of scene " + std::to_string(one.scene)) +
                  " in what this run is to do (--dry_run tells its steps)");
    }
  }

  std::string WhyFilm(const MovieStep& film, const std::vector<ForcedStep>& forced) const {
    for (const ForcedStep& one : forced)
      if (one.name == film.name) return kForcedStep;
    for (const MovieStep& step : planner_->steps())
      if (step.forced == kForcedStep) return step.name + " is done again";
    return WhyStale(film.facts, film.product, options_.job.limits);
  }

  void Want(size_t step) {
    if (todo_[step] || why_[step].empty()) return;
    todo_[step] = true;
    for (const size_t before : planner_->steps()[step].needs) Want(before);
  }

  // What the steps will write, and what there is room for.
  void MeasureRoom(const MovieStep& film, bool film_too) {
    const std::vector<MovieStep>& steps = planner_->steps();
    for (size_t i = 0; i < steps.size(); ++i)
      if (todo_[i]) report_.bytes_needed += steps[i].bytes;
    if (film_too && !options_.no_render) report_.bytes_needed += film.bytes;
    std::error_code error;
    fs::path folder = fs::absolute(options_.output_dir, error);
    while (!fs::exists(folder, error) && folder.has_parent_path() && folder.parent_path() != folder)
      folder = folder.parent_path();
    const fs::space_info space = fs::space(folder, error);
    report_.bytes_free = error ? INT64_MAX : static_cast<int64_t>(space.available);
  }

  MovieReport Plan(const MovieStep& film, const std::string& why_film) {
    const std::vector<MovieStep>& steps = planner_->steps();
    size_t next = 0;
    const auto add = [&](const std::string& what, const std::string& why, bool todo) {
      std::string text = what;
      text.resize(std::max<size_t>(text.size() + 2, 28), ' ');
      report_.plan += text +
                      (todo          ? "to do: " + why
                       : why.empty() ? "up to date"
                                     : "not needed") +
                      "\n";
      ++(todo ? report_.steps_done : report_.steps_kept);
    };
    for (const MovieScene& scene : scenes_) {
      report_.plan += "scene " + std::to_string(scene.number) + ": frames " +
                      std::to_string(scene.range.first + 1) + " to " +
                      std::to_string(scene.range.end) +
                      (scene.settings.skip ? ", shown flat" : "") +
                      (scene.range.soft ? ", goes on from the one before" : "") + "\n";
    }
    for (; next < steps.size(); ++next) add(NameOf(steps[next]), why_[next], todo_[next]);
    if (!options_.no_render) add(film.name, why_film, !why_film.empty());
    report_.plan += "about " + SizeText(report_.bytes_needed) +
                    " will be written, there is room for " + SizeText(report_.bytes_free) + "\n";
    return report_;
  }

  // --- doing it ---------------------------------------------------------------------------------

  // Throws what its job throws. Returns StepProducts::instead.
  std::string Do(const MovieStep& step, int threads, const RunControl& control) {
    const auto start = std::chrono::steady_clock::now();
    std::error_code ignored;
    Require(options_.job.overwrite || !fs::exists(step.product, ignored) ||
                IsAsMade(step.product, options_.job.limits),
            Code::kIo, step.product + ": exists, and nothing tells that it may be replaced");
    // What is there afterwards without a manifest was not finished.
    fs::remove(ManifestPath(step.product), ignored);
    const LogPrefix of_step(NameOf(step));
    const StepProducts made = step.run(threads, control);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    WriteManifest(MadeInstead(step.facts, made.instead), step.product, made.files, time.count());
    ++steps_done_;
    return made.instead;
  }

  void MakeScenes() {
    const std::vector<MovieStep>& steps = planner_->steps();
    std::vector<std::vector<size_t>> groups;
    int64_t frames = 0;
    for (size_t i = 0; i < steps.size(); ++i) {
      if (!todo_[i]) {
        ++report_.steps_kept;
        continue;
      }
      frames += steps[i].frames;
      if (groups.empty() || steps[groups.back().front()].group != steps[i].group)
        groups.emplace_back();
      groups.back().push_back(i);
    }
    if (groups.empty()) return;
    const int threads = ResolveThreads(options_.job.num_threads);
    const int most = options_.parallel < 0 ? ResolveThreads(0) / 2 : options_.parallel;
    const int workers =
        std::clamp(most, 1, static_cast<int>(std::min<size_t>(groups.size(), 1024)));
    const int share = std::max(1, threads / workers);
    for (size_t i = 0; i < steps.size(); ++i)
      if (todo_[i] && steps[i].check) steps[i].check(share);

    std::atomic<size_t> next{0};
    std::atomic<bool> stop{false};
    std::atomic<int64_t> done{0};
    std::vector<std::atomic<int64_t>> running(static_cast<size_t>(workers));
    std::mutex mutex;
    std::condition_variable ended;
    int working = workers;
    const auto work = [&](size_t worker) {
      for (size_t group; !stop && (group = next++) < groups.size();)
        for (const size_t step : groups[group]) {
          if (stop) break;
          RunControl own;
          own.cancelled = &stop;
          own.on_progress = [&, worker,
                             most_frames = steps[step].frames](const Progress& progress) {
            running[worker] = std::min(most_frames, progress.frames_done);
            return true;
          };
          DoOne(step, share, own, &mutex, &stop);
          running[worker] = 0;
          done += steps[step].frames;
        }
      const std::lock_guard<std::mutex> lock(mutex);
      --working;
      ended.notify_all();
    };
    const auto told = [&] {
      int64_t sum = done;
      for (const std::atomic<int64_t>& one : running) sum += one;
      return std::min(sum, frames);
    };
    meter_.BeginPhase("scenes");
    std::vector<std::thread> pool;
    for (int i = 0; i < workers; ++i) pool.emplace_back(work, static_cast<size_t>(i));
    std::exception_ptr cancelled;
    {
      std::unique_lock<std::mutex> lock(mutex);
      while (!ended.wait_for(lock, kLookEvery, [&] { return working == 0; })) {
        if (cancelled) continue;
        lock.unlock();
        try {
          meter_.Update(told(), frames);
        } catch (...) {
          cancelled = std::current_exception();
          stop = true;
        }
        lock.lock();
      }
    }
    for (std::thread& thread : pool) thread.join();
    if (cancelled) std::rethrow_exception(cancelled);
    if (broken_) std::rethrow_exception(broken_);
    meter_.Finish(told());
    for (const auto& [step, how] : instead_) {
      planner_->MarkInstead(step, how);
      report_.fallback.push_back(steps[step].scene);
    }
  }

  // A step that fails takes those with it that need it.
  void DoOne(size_t index, int threads, const RunControl& control, std::mutex* mutex,
             std::atomic<bool>* stop) {
    const MovieStep& step = planner_->steps()[index];
    {
      const std::lock_guard<std::mutex> lock(*mutex);
      for (const size_t before : step.needs)
        if (failed_[before]) failed_[index] = true;
      if (failed_[index]) return;
    }
    try {
      const std::string instead = Do(step, threads, control);
      const std::lock_guard<std::mutex> lock(*mutex);
      if (!instead.empty()) instead_.emplace(index, instead);
    } catch (const Error& error) {
      const std::lock_guard<std::mutex> lock(*mutex);
      if (error.code() == Code::kCancelled && *stop) return;
      failed_[index] = true;
      errors_.emplace(index, error);
      if (!options_.keep_going) *stop = true;
    } catch (...) {
      const std::lock_guard<std::mutex> lock(*mutex);
      if (!broken_) broken_ = std::current_exception();
      *stop = true;
    }
  }

  std::vector<bool> Made() const {
    std::vector<bool> made(scenes_.size(), true);
    for (size_t i = 0; i < made.size(); ++i)
      for (const size_t step : planner_->wanted()[i]) made[i] = made[i] && !failed_[step];
    return made;
  }

  // What several scenes failed for is told once.
  std::string FailedText() const {
    constexpr size_t kNamed = 3;
    std::vector<std::pair<std::string, std::vector<std::string>>> reasons;
    for (const auto& [step, error] : errors_) {
      const std::string why = error.what();
      auto found = std::find_if(reasons.begin(), reasons.end(),
                                [&why](const auto& reason) { return reason.first == why; });
      if (found == reasons.end()) found = reasons.insert(found, {why, {}});
      found->second.push_back(NameOf(planner_->steps()[step]));
    }
    std::string text;
    for (const auto& [why, names] : reasons) {
      for (size_t i = 0; i < std::min(names.size(), kNamed); ++i)
        text += (text.empty() ? "" : "; ") + names[i];
      if (names.size() > kNamed) text += "; and " + std::to_string(names.size() - kNamed) + " more";
      text += ": " + why;
    }
    return text;
  }

  void FailIfAny() const {
    if (errors_.empty()) return;
    throw Error(errors_.begin()->second.code(),
                CountOf(static_cast<int64_t>(errors_.size()), "step") + " of " +
                    CountOf(report_.scenes, "scene") + " failed" +
                    (options_.no_render ? "" : ", no film is written (see --allow_missing)") +
                    ": " + FailedText());
  }

  // --- cleaning ---------------------------------------------------------------------------------

  // Only what manifests name, and what is as they say.
  MovieReport Clean() {
    std::error_code error;
    Require(fs::is_directory(options_.output_dir, error), Code::kNotFound,
            "there is no folder '" + options_.output_dir + "'");
    Begin();
    std::set<std::string> files;
    AddFilesIn(MoviePlanner::TempFolder(options_), [&](const fs::path& path) {
      if (path.filename() != "lock") files.insert(path.string());
    });
    const auto add = [&](const std::string& product) {
      if (InputOf(product, kTakenOver, options_.job.limits)) return;  // nobody could make it again
      for (const std::string& file : OwnFiles(product, options_.job.limits)) files.insert(file);
    };
    constexpr std::string_view kEnding = ".mdvt.json";
    if (options_.clean != "temp")
      AddFilesIn(options_.output_dir, [&](const fs::path& path) {
        std::string product = path.string();
        if (!HasEnding(product, kEnding)) return;
        product.resize(product.size() - kEnding.size());
        const std::string name = FileName(product);
        const bool is_film = name.rfind(FileName(options_.color_video) + "_", 0) == 0;
        if (name.rfind("scene_", 0) == 0 || (is_film && options_.clean == "all")) add(product);
      });
    if (options_.clean == "all") add(MoviePlanner::FilmOutput(options_));
    for (const std::string& file : files) {
      if (!options_.dry_run) {
        fs::remove(file, error);
        Require(!error, Code::kIo, file + ": cannot be deleted: " + error.message());
      }
      report_.plan += (options_.dry_run ? "would delete " : "deleted ") + file + "\n";
    }
    return report_;
  }

  static void AddFilesIn(const std::string& folder,
                         const std::function<void(const fs::path&)>& add) {
    std::error_code error;
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error))
      if (entry->is_regular_file(error)) add(entry->path());
  }

  const MovieJobOptions& options_;
  const RunControl& control_;
  ProgressMeter meter_;
  FileDescriptor lock_;
  MovieReport report_;
  std::string why_list_;  // of scenes is made again; empty: there is none
  std::optional<VideoReader> film_;
  std::vector<MovieScene> scenes_;
  std::optional<MoviePlanner> planner_;
  std::vector<std::string> why_;
  std::vector<bool> todo_, failed_;
  std::map<size_t, Error> errors_;         // by step
  std::map<size_t, std::string> instead_;  // by step
  std::exception_ptr broken_;              // no Error
  std::atomic<int64_t> steps_done_{0};
};

}  // namespace

MovieReport RunMovieJob(const MovieJobOptions& options, const RunControl& control) {
  options.Check();
  try {
    return MovieJob(options, control).Run();
  } catch (const Error& error) {
    if (error.code() != Code::kCancelled) throw;
    throw Error(Code::kCancelled, "cancelled: what is finished stays in '" + options.output_dir +
                                      "', the next run goes on from there");
  }
}

}  // namespace mdvt
