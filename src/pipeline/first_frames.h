// SPDX-License-Identifier: Apache-2.0
//
// Videos of a job that are read in step, up to its max_frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "mdvt/pipeline/graph.h"

namespace mdvt {

// For Graph::From: what reader->Read(arguments...) gives, `most` times at most; -1: to its end.
template <typename Reader, typename... Arguments>
auto FirstFrames(Reader* reader, int64_t most, Arguments... arguments) {
  return [=, taken = int64_t{0}]() mutable -> decltype(reader->Read(arguments...)) {
    if (most >= 0 && taken++ >= most) return std::nullopt;
    return reader->Read(arguments...);
  };
}

// For Graph::Zip of two that are read so.
inline PairNames InStep(std::string first, std::string second, int64_t most) {
  PairNames names;
  names.first = std::move(first);
  names.second = std::move(second);
  names.limit = most;
  return names;
}

}  // namespace mdvt
