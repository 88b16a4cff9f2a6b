// SPDX-License-Identifier: Apache-2.0
//
// Hard cuts told from the colours of the pictures alone, for work that follows no points.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/state.h"

namespace mdvt {

struct ContentCutOptions {
  // A frame begins a scene if its score is at least this, in 8-bit steps, also where |dH| and |dS|
  // of pixels with V < 48 count by V / 48 only: those of a fade to black are noise. Valid: [0,
  // 255].
  double min_score = 15;
  // ... and at least this many times the mean score of its neighbours, so that no pan is a cut.
  // Valid: [1, 1000].
  double min_ratio = 3;
  // ... and at least this many times the score of each of them: a flash has two high scores in a
  // row, one as it comes and one as it goes. Valid: [1, 1000].
  double min_lead = 1.5;
  // Neighbours on each side: the latency. Valid: [1, 16].
  int neighbours = 2;
  // ... and at least this long after the cut before, or the clip's start. Valid: [0, 3600].
  double min_scene_seconds = 0.6;

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// The score of a frame is the mean over the picture of |dH|, |dS| and |dV| to the frame before, and
// over these three; S and V in 0..255, H in 0..180 around the circle. Frames next to an end of the
// clip have the neighbours that there are. The first frame has no score and is no cut.
class ContentCutDetector {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit ContentCutDetector(const ContentCutOptions& options = {});

  // picture  Rgb(8); small ones (256 pixels across) tell as much as large ones
  // seconds  its time
  // Throws Error(kInvalidArgument) for another format, an empty picture or another size than
  // before.
  void Push(const ImageView& picture, double seconds);
  void Finish() { finished_ = true; }
  // Whether the next frame begins a scene; empty until that is known, `neighbours` frames later.
  std::optional<bool> Pop();

  // All that is known of the frames pushed, before Finish(), for an object with the same options.
  // Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  struct Hsv {
    uint8_t h, s, v;
  };
  ContentCutOptions options_;
  std::vector<Hsv> before_;
  int width_ = 0;
  int height_ = 0;
  // Scores and times of frames from popped_ - neighbours on.
  std::deque<double> scores_;
  std::deque<double> lit_scores_;  // with less of dark pixels
  std::deque<double> seconds_;
  int64_t pushed_ = 0;
  int64_t popped_ = 0;
  int64_t first_ = 0;  // frame that scores_[0] belongs to
  double scene_start_ = 0;
  bool finished_ = false;
};

}  // namespace mdvt
