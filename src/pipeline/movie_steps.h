// SPDX-License-Identifier: Apache-2.0
//
// What has to be done for a film, as a list of jobs: each makes a product of the film and of
// products before it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/rational.h"
#include "mdvt/core/run.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/movie.h"
#include "pipeline/film_encoder.h"
#include "pipeline/movie_scenes.h"
#include "pipeline/product_manifest.h"

namespace mdvt {

struct MovieStep {
  std::string name;   // "depth"
  int64_t scene = 0;  // the first one that it is for; 0: the film
  size_t group = 0;   // scenes that come from one shot: their steps run one after the other
  std::string product;
  StepFacts facts;
  std::vector<size_t> needs;  // steps before it
  int64_t frames = 0;
  // Does it with so many threads. Returns the files that it has made, the product first.
  std::function<std::vector<std::string>(int num_threads, const RunControl&)> run;
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
               Rational frame_rate);

  // In an order in which each comes after those that it needs.
  const std::vector<MovieStep>& steps() const { return steps_; }
  // The steps whose products are wanted of each scene (none where it is shown flat): both eyes; of
  // options.no_render all but them.
  const std::vector<std::vector<size_t>>& wanted() const { return wanted_; }

  // The last step, of the scenes that are there: has_eyes says which.
  MovieStep FilmStep(const std::vector<bool>& has_eyes) const;
  static std::string TempFolder(const MovieJobOptions& options);

 private:
  struct Group {
    size_t number = 0;
    std::vector<const MovieScene*> parts;
  };

  void AddGroup(const Group& group);
  void AddClip(const MovieScene& scene, size_t group);
  void AddDepth(const Group& group);
  void AddMask(const MovieScene& scene, size_t group);
  void AddConvergence(const MovieScene& scene, size_t group);
  void AddStereo(const MovieScene& scene, const Group& group);
  void AddInfill(const MovieScene& scene, size_t group);
  void Add(MovieStep step);

  JobOptions JobOf(const SceneRange& range) const;
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
  Rational frame_rate_;
  std::vector<MovieStep> steps_;
  std::vector<std::vector<size_t>> wanted_;
  std::map<std::string, size_t> maker_;               // of a product
  mutable std::map<std::string, std::string> known_;  // keys of other files
  // Networks are large, and run one at a time.
  std::shared_ptr<std::mutex> network_ = std::make_shared<std::mutex>();
  std::shared_ptr<OpenedModel> depth_model_ = std::make_shared<OpenedModel>();
};

}  // namespace mdvt
