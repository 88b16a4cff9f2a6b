// SPDX-License-Identifier: Apache-2.0
//
// A few frames of a clip of unknown length in one picture.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/state.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Keeps up to kMostTiles frames, spread evenly: when it is full every other one is dropped and
// from then on every other one is taken.
class ThumbnailSheet {
 public:
  static constexpr size_t kMostTiles = 24;

  // Whether the next frame will be kept; counts it.
  bool Wants();
  // Keeps that frame. eye_aspect: width of an eye on screen over its height.
  void Add(const ImageView& left, const ImageView& right, PlaneView<const float> disparity,
           const ColorInfo& color, double eye_aspect);
  // Writes the PNG. Throws Error(kIo) and what OutputSet::AddFile() throws.
  void Write(const OutputTarget& target) const;

  // What has been kept. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  std::vector<Image> tiles_;
  int64_t step_ = 1;
  int64_t frames_ = 0;
};

}  // namespace mdvt
