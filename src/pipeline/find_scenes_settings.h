// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mdvt/pipeline/find_scenes.h"

namespace mdvt {

// "<folder>/<stem><suffix>" of "<folder>/<stem>.mp4", as PySceneDetect names its files.
std::string StemName(const std::string& video, const std::string& suffix);

// Where the list and the scores go.
std::string SceneListOutput(const FindScenesJobOptions& options);
std::string SceneStatsOutput(const FindScenesJobOptions& options);

}  // namespace mdvt
