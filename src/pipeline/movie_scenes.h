// SPDX-License-Identifier: Apache-2.0
//
// The scenes of a film and what is done with each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/io/scene_list.h"
#include "mdvt/pipeline/movie.h"

namespace mdvt {

struct MovieScene {
  int64_t number = 0;  // from 1 on, after splitting
  SceneRange range;
  SceneSettings settings;
};

// The engines that fill holes: "none", then those without a network, then networks.
const std::vector<std::string>& MovieInfillEngines();
bool IsInfillNetwork(const std::string& engine);

// "mask", "center", "off" or metres. False for anything else, and then changes nothing.
bool SetMovieConvergence(const std::string& text, SceneSettings* settings);
std::string MovieConvergenceText(const SceneSettings& settings);

// The name of the engine of DepthSourceOptions that a name in a list, or on the command line,
// stands for. Throws Error(kUnsupported) for diffusion networks, by name, and
// Error(kInvalidArgument) for what is none.
std::string MovieDepthEngine(const std::string& name, const DepthSourceOptions& source);

// The scenes of a list, split, numbered, with their settings.
// frames  of the film, -1 where that is not known: every row must have an end then
// Throws Error(kCorrupt) naming the line: what is no value of its column, scenes with a gap between
// them or past the end of the film; and as MovieDepthEngine().
std::vector<MovieScene> MovieScenes(const SceneTable& table, const MovieJobOptions& options,
                                    int64_t frames);

}  // namespace mdvt
