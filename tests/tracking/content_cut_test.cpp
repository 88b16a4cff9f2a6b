// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/content_cut.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "mdvt/core/error.h"
#include "support/edited_clip.h"

namespace mdvt::test {
namespace {

using Rgb = std::array<int, 3>;

Image Uniform(Rgb color, int width = 32, int height = 18) {
  Image image(PixelFormat::Rgb(8), width, height);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        image.MutablePlane<uint8_t>(plane).At(x, y) =
            static_cast<uint8_t>(color[static_cast<size_t>(plane)]);
  return image;
}

// A picture of its own for each scene that moves by `speed` pixels a frame.
Image Moving(int scene, double shift) {
  Image image(PixelFormat::Rgb(8), 96, 54);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < 54; ++y)
      for (int x = 0; x < 96; ++x)
        image.MutablePlane<uint8_t>(plane).At(x, y) =
            static_cast<uint8_t>(127 + 120 * std::sin(0.09 * (x + shift) * (1 + scene % 3) +
                                                      0.2 * y + 2 * plane + 3.1 * scene));
  return image;
}

std::vector<int> Cuts(const std::vector<Image>& frames, double fps,
                      const ContentCutOptions& options = {}) {
  ContentCutDetector detector(options);
  std::vector<int> cuts;
  int frame = 0;
  const auto pop = [&] {
    while (const std::optional<bool> cut = detector.Pop()) {
      if (*cut) cuts.push_back(frame);
      ++frame;
    }
  };
  for (size_t i = 0; i < frames.size(); ++i) {
    detector.Push(frames[i].view(), static_cast<double>(i) / fps);
    pop();
    EXPECT_EQ(frame, std::max(0, static_cast<int>(i) + 1 - options.neighbours));
  }
  detector.Finish();
  pop();
  EXPECT_EQ(frame, static_cast<int>(frames.size()));
  return cuts;
}

TEST(ContentCutDetector, FindsTheFirstFrameOfEachScene) {
  std::vector<Image> frames;
  for (int i = 0; i < 90; ++i) frames.push_back(Moving(i < 20 ? 0 : i < 61 ? 1 : 2, 0.7 * i));
  EXPECT_EQ(Cuts(frames, 24), (std::vector<int>{20, 61}));
}

TEST(ContentCutDetector, ScoreIsTheMeanOfHueSaturationAndValue) {
  // Red to dark red: only V changes, by 100; the score is 100 / 3.
  std::vector<Image> frames(20, Uniform({250, 0, 0}));
  frames.resize(40, Uniform({150, 0, 0}));
  ContentCutOptions options;
  options.min_score = 33.3;
  EXPECT_EQ(Cuts(frames, 24, options), (std::vector<int>{20}));
  options.min_score = 33.4;
  EXPECT_EQ(Cuts(frames, 24, options), (std::vector<int>{}));
  // Red to green: a third of the circle, 60.
  std::fill(frames.begin() + 20, frames.end(), Uniform({0, 250, 0}));
  options.min_score = 20;
  EXPECT_EQ(Cuts(frames, 24, options), (std::vector<int>{20}));
  options.min_score = 20.1;
  EXPECT_EQ(Cuts(frames, 24, options), (std::vector<int>{}));
  // Hue goes around: from just below red to just above it is no change worth a cut.
  std::fill(frames.begin(), frames.begin() + 20, Uniform({250, 0, 8}));
  std::fill(frames.begin() + 20, frames.end(), Uniform({250, 8, 0}));
  options.min_score = 1;
  EXPECT_EQ(Cuts(frames, 24, options), (std::vector<int>{}));
}

TEST(ContentCutDetector, NeitherFlashNorPanNorFadeIsACut) {
  std::vector<Image> frames;
  for (int i = 0; i < 60; ++i)
    frames.push_back(i == 30 ? Uniform({255, 255, 255}, 96, 54) : Moving(0, 0.5 * i));
  EXPECT_EQ(Cuts(frames, 24), (std::vector<int>{}));
  frames.clear();
  for (int i = 0; i < 60; ++i) frames.push_back(Moving(0, i < 30 ? 0 : 9.0 * (i - 29)));
  EXPECT_EQ(Cuts(frames, 24), (std::vector<int>{}));
  frames.clear();
  for (int i = 0; i < 60; ++i)
    frames.push_back(Uniform({std::max(0, 200 - 10 * i), 30, std::min(255, 10 * i)}));
  EXPECT_EQ(Cuts(frames, 24), (std::vector<int>{}));
}

TEST(ContentCutDetector, TellsCutsFromFadesDissolvesAndFlashes) {
  CutScore score;
  for (uint32_t seed = 1; seed <= 12; ++seed) {
    const EditedClip clip(seed, 96, 54, 6);
    score.Add(Cuts(clip.frames, 24), clip.cuts);
  }
  ASSERT_GT(score.there, 25);
  std::printf("cuts by colours: precision %.3f, recall %.3f, F1 %.3f (%d cuts)\n",
              score.precision(), score.recall(), score.f1(), score.there);
  EXPECT_GE(score.f1(), 0.95);
}

// By the definitions, of pictures of one colour each.
TEST(ContentScorer, ScoresAreThoseOfTheFormula) {
  ContentScorer scorer;
  EXPECT_EQ(scorer.Score(Uniform({250, 0, 0}).view()).all, 0);
  // V from 250 to 150.
  ContentScore score = scorer.Score(Uniform({150, 0, 0}).view());
  EXPECT_DOUBLE_EQ(score.value, 100);
  EXPECT_DOUBLE_EQ(score.hue, 0);
  EXPECT_DOUBLE_EQ(score.saturation, 0);
  EXPECT_DOUBLE_EQ(score.all, 100 / 3.0);
  EXPECT_DOUBLE_EQ(score.lit, 100 / 3.0);
  // H from 0 to 120 degrees, counted in halves; S from 255 to 255 * 100 / 200, rounded.
  score = scorer.Score(Uniform({100, 200, 100}).view());
  EXPECT_DOUBLE_EQ(score.hue, 60);
  EXPECT_DOUBLE_EQ(score.saturation, 255 - 128);
  EXPECT_DOUBLE_EQ(score.value, 50);
  EXPECT_DOUBLE_EQ(score.all, (60 + 127 + 50) / 3.0);
  // Colours of pixels with V = 24 count half.
  scorer.Score(Uniform({24, 0, 0}).view());
  score = scorer.Score(Uniform({0, 24, 0}).view());
  EXPECT_DOUBLE_EQ(score.all, 60 / 3.0);
  EXPECT_DOUBLE_EQ(score.lit, 30 / 3.0);
}

TEST(FindContentCuts, FollowsPySceneDetectsRules) {
  std::vector<ContentScore> scores(50);
  std::vector<double> seconds;
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i].all = scores[i].lit = 4;
    seconds.push_back(static_cast<double>(i) / 10);
  }
  const auto set = [&](size_t frame, double score) {
    scores[frame].all = scores[frame].lit = score;
  };
  set(10, 20);   // five times its neighbours
  set(20, 14);   // too little
  set(30, 100);  // a flash: the second comes too soon after the first
  set(31, 100);
  set(40, 28);
  set(3, 100);  // too early
  ContentCutOptions options;
  using Cuts = std::vector<int64_t>;
  EXPECT_EQ(FindContentCuts(scores, seconds, options, ContentRule::kAdaptive), (Cuts{10, 30, 40}));
  EXPECT_EQ(FindContentCuts(scores, seconds, options, ContentRule::kLead), (Cuts{10, 40}));
  options.min_score = 27;
  EXPECT_EQ(FindContentCuts(scores, seconds, options, ContentRule::kContent), (Cuts{30, 40}));
  options = {};
  // Around frame 30 are 4, 4, 100 and 4: 100 is 3.57 times their mean.
  EXPECT_DOUBLE_EQ(NeighbourScore(scores, 30, 2), 28);
  options.min_ratio = 3.6;
  EXPECT_EQ(FindContentCuts(scores, seconds, options, ContentRule::kAdaptive), (Cuts{10, 40}));
  options.min_scene_seconds = 0;
  EXPECT_EQ(FindContentCuts(scores, seconds, options, ContentRule::kAdaptive), (Cuts{3, 10, 40}));
  EXPECT_THROW(FindContentCuts(scores, {0, 1}, options), Error);
  EXPECT_EQ(FindContentCuts({}, {}, options), (Cuts{}));
}

TEST(FindContentCuts, FindsWhatTheDetectorFinds) {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    const EditedClip clip(seed, 96, 54, 6);
    ContentScorer scorer;
    std::vector<ContentScore> scores;
    std::vector<double> seconds;
    for (const Image& frame : clip.frames) {
      seconds.push_back(static_cast<double>(scores.size()) / 24);
      scores.push_back(scorer.Score(frame.view()));
    }
    const std::vector<int64_t> cuts = FindContentCuts(scores, seconds, {});
    EXPECT_EQ(std::vector<int>(cuts.begin(), cuts.end()), Cuts(clip.frames, 24));
  }
}

TEST(ContentCutDetector, ScenesHaveALeastLength) {
  std::vector<Image> frames;
  for (int i = 0; i < 60; ++i)
    frames.push_back(Moving(i < 10 ? 0 : i < 40 ? 1 : i < 50 ? 2 : 3, 0));
  // At 24 frames a second 0.6 s are 14.4 frames: those at 10 and 50 come too early.
  EXPECT_EQ(Cuts(frames, 24), (std::vector<int>{40}));
  EXPECT_EQ(Cuts(frames, 10), (std::vector<int>{10, 40, 50}));
}

TEST(ContentCutDetector, ShortClips) {
  EXPECT_EQ(Cuts({}, 24), (std::vector<int>{}));
  EXPECT_EQ(Cuts({Moving(0, 0)}, 24), (std::vector<int>{}));
  ContentCutOptions options;
  options.min_scene_seconds = 0;
  EXPECT_EQ(Cuts({Moving(0, 0), Moving(1, 0)}, 24, options), (std::vector<int>{1}));
}

TEST(ContentCutDetector, RefusesBadInput) {
  for (const auto& spoil : std::vector<void (*)(ContentCutOptions*)>{
           [](ContentCutOptions* o) { o->min_score = NAN; },
           [](ContentCutOptions* o) { o->min_ratio = 0.5; },
           [](ContentCutOptions* o) { o->min_lead = 0; },
           [](ContentCutOptions* o) { o->neighbours = 0; },
           [](ContentCutOptions* o) { o->min_scene_seconds = -1; }}) {
    ContentCutOptions options;
    spoil(&options);
    EXPECT_THROW(ContentCutDetector detector(options), Error);
  }
  ContentCutDetector detector;
  EXPECT_THROW(detector.Push(Image(PixelFormat::Gray(8), 8, 8).view(), 0), Error);
  detector.Push(Uniform({1, 2, 3}).view(), 0);
  EXPECT_THROW(detector.Push(Uniform({1, 2, 3}, 16, 18).view(), 1), Error);
}

}  // namespace
}  // namespace mdvt::test
