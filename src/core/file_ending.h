// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "core/lower_case.h"

namespace mdvt {

// ".mp4" of "CLIP.MP4"; empty without one.
inline std::string LowerEnding(const std::string& path) {
  return Lower(std::filesystem::path(path).extension().string());
}

// "some/CLIP" of "some/CLIP.MP4".
inline std::string WithoutEnding(const std::string& path) {
  const size_t dot = path.rfind('.');
  const bool has_ending = dot != std::string::npos && path.find('/', dot) == std::string::npos;
  return has_ending ? path.substr(0, dot) : path;
}

}  // namespace mdvt
