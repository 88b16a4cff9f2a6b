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

// How much a picture differs from the one before: means over the picture of |dH|, |dS| and |dV|, S
// and V in 0..255, H in 0..180 around the circle.
struct ContentScore {
  double hue = 0;
  double saturation = 0;
  double value = 0;
  double all = 0;  // the mean of the three, which PySceneDetect calls content_val
  // The same where |dH| and |dS| of dark pixels count less, see ContentCutOptions::min_score.
  double lit = 0;
};

// Gives the score of one picture after the other.
class ContentScorer {
 public:
  // picture  Rgb(8); small ones (256 pixels across) tell as much as large ones
  // All 0 for the first. Throws Error(kInvalidArgument) for another format, an empty picture or
  // another size than before.
  ContentScore Score(const ImageView& picture);

  // The picture before. Load() throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

 private:
  struct Hsv {
    uint8_t h, s, v;
  };
  std::vector<Hsv> before_;
  int width_ = 0;
  int height_ = 0;
};

enum class ContentRule {
  kLead,      // all of ContentCutOptions
  kAdaptive,  // PySceneDetect's AdaptiveDetector: without min_lead, and dark pixels count in full
  kContent,   // its ContentDetector: min_score and min_scene_seconds alone
};

// The mean score of the neighbours of a frame, without its own; 0 where it has none. Frame 0 has no
// score and is nobody's neighbour.
double NeighbourScore(const std::vector<ContentScore>& scores, size_t frame, int neighbours);

// Which frames of a whole clip begin a scene, without the first, by the scores and times of all of
// its frames. kLead finds what ContentCutDetector finds. Throws Error(kInvalidArgument): options,
// lists of different length.
std::vector<int64_t> FindContentCuts(const std::vector<ContentScore>& scores,
                                     const std::vector<double>& seconds,
                                     const ContentCutOptions& options,
                                     ContentRule rule = ContentRule::kLead);

// The same while frames pass. Frames next to an end of the clip have the neighbours that there are.
// The first frame has no score and is no cut.
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
  ContentCutOptions options_;
  ContentScorer scorer_;
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
