// SPDX-License-Identifier: Apache-2.0
//
// What has to be done for a film, as a list of jobs: each makes a product of the film and of
// products before it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/rational.h"
#include "mdvt/core/run.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/movie.h"
#include "pipeline/film_encoder.h"
#include "pipeline/movie_force.h"
#include "pipeline/movie_scenes.h"
#include "pipeline/product_manifest.h"

namespace mdvt {

// The input of a product that another program has made, or a person.
constexpr char kTakenOver[] = "what was taken over";

// What a step has made.
struct StepProducts {
  StepProducts(std::vector<std::string> made) : files(std::move(made)) {}  // NOLINT: reads better

  std::vector<std::string> files;  // the product first
  // Empty, or what was done in place of what the step is to do, and why. It is tried again next
  // time.
  std::string instead;
};

// The facts of a product that was made in another way.
StepFacts MadeInstead(StepFacts facts, const std::string& instead);

struct MovieVideo {
  std::string path;
  int64_t frames = 0;
};

struct MovieStep {
  std::string name;   // "depth"
  int64_t scene = 0;  // the first one that it is for; 0: the film
  size_t group = 0;   // scenes that come from one shot: their steps run one after the other
  std::string product;
  std::vector<MovieVideo> videos;     // that it makes
  std::vector<std::string> sidecars;  // and files with a value for each frame; some it may not make
  StepFacts facts;
  std::vector<std::string> foreign;  // files of another program that are taken for the product now
  std::vector<size_t> needs;         // steps before it
  std::string forced;                // why it is done even if it is up to date; empty: it is not
  int64_t frames = 0;
  int64_t bytes = 0;  // that its files will take, roughly
  // Of steps with a network: opens it, so that a wrong one is told before hours of work.
  std::function<void(int num_threads)> check;
  // Does it with so many threads.
  std::function<StepProducts(int num_threads, const RunControl&)> run;
};

// The files of a scene, as the original toolbox names them.
struct SceneFiles {
  SceneFiles(const std::string& folder, int64_t scene);
  std::string clip, depth, xfovs, mask, convergence, sbs, sbs_mask, infilled;
};

class MoviePlanner {
 public:
  // Lists the steps of all scenes; both objects must outlive this one and its steps.
  MoviePlanner(const MovieJobOptions& options, const std::vector<MovieScene>& scenes,
               const VideoInfo& film);

  // In an order in which each comes after those that it needs.
  const std::vector<MovieStep>& steps() const { return steps_; }
  static bool Names(const ForcedStep& forced, const MovieStep& step);
  // The steps whose products are wanted of each scene (none where it is shown flat): both eyes; of
  // options.no_render all but them.
  const std::vector<std::vector<size_t>>& wanted() const { return wanted_; }

  // Step `index` was done in another way: its product is another one.
  void MarkInstead(size_t index, const std::string& instead);

  // The last step, of the scenes that are there: has_eyes says which.
  MovieStep FilmStep(const std::vector<bool>& has_eyes) const;
  static std::string TempFolder(const MovieJobOptions& options);
  static std::string FilmOutput(const MovieJobOptions& options);

 private:
  struct Group {
    size_t number = 0;
    std::vector<const MovieScene*> parts;
  };

  void AddGroup(const Group& group);
  void AddClip(const MovieScene& scene, size_t group);
  DepthSourceOptions SourceOf(const SceneSettings& settings) const;
  void AddDepth(const Group& group);
  void AddMask(const MovieScene& scene, size_t group);
  void AddConvergence(const MovieScene& scene, size_t group);
  void AddStereo(const MovieScene& scene, const Group& group);
  void AddInfill(const MovieScene& scene, size_t group);
  void Add(MovieStep step);
  // By options.force, or because a step that it needs is.
  std::string WhyForced(const MovieStep& step) const;
  // What another program has made, or a person, in place of the product.
  void TakeOver(MovieStep* step) const;
  // Files that may be taken; none with a warning where they do not fit the scene.
  std::vector<std::string> FittingFiles(const MovieStep& step) const;
  // A step of one scene that makes one video, whose facts, needs and job are still to come.
  MovieStep StepOf(const std::string& name, const MovieScene& scene, size_t group,
                   const std::string& product, double bytes_per_pixel) const;

  JobOptions JobOf(const SceneRange& range) const;
  // How long files are with so many bytes for each pixel of a picture of the film.
  int64_t BytesOf(double bytes_per_pixel, int64_t frames) const;
  std::string Temp(const std::string& name) const;
  SceneFiles FilesOf(const MovieScene& scene) const;
  FovOptions FovOf(const SceneSettings& settings) const;
  DepthModelOptions Network(const std::string& path) const;
  // Facts of a job that is described: its options without names of files, and what these hold.
  template <typename Options>
  StepFacts FactsOf(const std::string& step, const Options& options, const SceneRange* range) const;
  std::string KeyOfPath(const std::string& path) const;

  const MovieJobOptions& options_;
  const std::vector<MovieScene>& scenes_;
  bool mixes_engines_ = false;  // some scenes' depth is found by another engine than that of others
  const std::vector<ForcedStep> forced_;
  Rational frame_rate_;
  double frame_pixels_;  // of a frame; more for more than 8 bits
  std::vector<MovieStep> steps_;
  std::vector<std::vector<size_t>> wanted_;
  std::map<std::string, size_t> maker_;               // of a product
  mutable std::map<std::string, std::string> known_;  // keys of other files
  // Networks are large: opened once, and run one at a time.
  std::shared_ptr<std::mutex> network_ = std::make_shared<std::mutex>();
  std::shared_ptr<OpenedModels> opened_;
  // A warning was given that the network of depth tells no field of view.
  std::shared_ptr<std::atomic<bool>> told_fov_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace mdvt
