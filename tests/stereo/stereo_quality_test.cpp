// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/stereo_quality.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kWidth = 200, kHeight = 60;

// A pair whose right view is the left one, moved; by hand, without matching.
struct Pair {
  Image left{PixelFormat::Rgb(8), kWidth, kHeight}, right{PixelFormat::Rgb(8), kWidth, kHeight};
  std::vector<Eigen::Vector2f> there, back;
  std::vector<uint8_t> left_quality, right_quality;

  Pair(float dx, float dy)
      : there(kWidth * kHeight, Eigen::Vector2f(dx, dy)),
        back(kWidth * kHeight, Eigen::Vector2f(-dx, -dy)),
        left_quality(kWidth * kHeight, 2),
        right_quality(kWidth * kHeight, 2) {
    Fill(&left, {100, 100, 100});
    Fill(&right, {100, 100, 100});
  }
  static void Fill(Image* image, std::array<uint8_t, 3> color, int begin = 0, int end = kWidth) {
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < kHeight; ++y)
        std::fill_n(image->MutablePlane<uint8_t>(plane).Row(y) + begin, end - begin,
                    color[static_cast<size_t>(plane)]);
  }
  template <typename T>
  static PlaneView<const T> Plane(const std::vector<T>& values) {
    return {values.data(), kWidth * static_cast<ptrdiff_t>(sizeof(T)), kWidth, kHeight};
  }
  MatchedViews Views() const {
    return {left.view(), right.view(),        Plane(there),
            Plane(back), Plane(left_quality), Plane(right_quality)};
  }
  StereoFrameQuality Measure() const { return MeasureStereoFrame(Views()); }
};

TEST(MeasureStereoFrame, TellsWhatTheViewsDifferBy) {
  Pair pair(-4, 0.6f);
  Pair::Fill(&pair.right, {110, 100, 95});
  const StereoFrameQuality quality = pair.Measure();
  EXPECT_EQ(quality.measured, 1);
  for (const double parallax : quality.parallax) EXPECT_NEAR(parallax, -0.02, 1e-6);
  EXPECT_NEAR(quality.vertical, 0.01, 1e-6);
  EXPECT_NEAR(quality.vertical_most, 0.01, 1e-6);
  EXPECT_NEAR(quality.rotation_deg, 0, 1e-4);
  EXPECT_NEAR(quality.color[0], 10 / 255.0, 1e-9);
  EXPECT_NEAR(quality.color[1], 0, 1e-9);
  EXPECT_NEAR(quality.color[2], -5 / 255.0, 1e-9);
  EXPECT_EQ(quality.window, 1) << "all of it is in front of the screen";
  EXPECT_EQ(Pair(4, 0).Measure().window, 0);
}

TEST(MeasureStereoFrame, TellsTurnsAndMagnification) {
  Pair pair(0, 0);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      pair.there[static_cast<size_t>(y * kWidth + x)].y() =
          static_cast<float>(0.01 * (x + 0.5 - kWidth / 2.0) + 0.02 * (y + 0.5 - kHeight / 2.0));
  const StereoFrameQuality quality = pair.Measure();
  EXPECT_NEAR(quality.rotation_deg, std::atan(0.01) * 180 / M_PI, 1e-3);
  EXPECT_NEAR(quality.magnification, 0.02, 1e-5);
}

TEST(MeasureStereoFrame, KnowsNothingOfWhatIsNotSure) {
  Pair pair(-4, 0);
  std::fill(pair.left_quality.begin(), pair.left_quality.end(), uint8_t{1});
  EXPECT_EQ(pair.Measure().measured, 0);
  // Only what is sure counts.
  std::fill_n(pair.left_quality.begin(), kWidth * kHeight / 2, uint8_t{2});
  std::fill_n(pair.there.begin() + kWidth * kHeight / 2, kWidth * kHeight / 2,
              Eigen::Vector2f(50, 0));
  EXPECT_NEAR(pair.Measure().parallax[4], -0.02, 1e-6);
}

// A box of one colour before a wall of another, seen from the left: the strip beside the box that
// only this eye sees shows the wall.
Pair BoxInLeftView(bool swapped) {
  Pair pair(4, 0);
  constexpr int kBox = 80, kStrip = 8;
  Pair::Fill(&pair.left, {30, 160, 60});
  Pair::Fill(&pair.left, {200, 40, 40}, kBox, kBox + 40);
  // The parallax that is told falls from 4 to -4 across the strip, which lies beside the box on its
  // left; with swapped eyes it is on the right and the signs are the other way round.
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const auto i = static_cast<size_t>(y * kWidth + x);
      const bool box = x >= kBox && x < kBox + 40;
      pair.there[i].x() = box != swapped ? -4 : 4;
      const int begin = swapped ? kBox + 40 : kBox - kStrip;
      if (x >= begin && x < begin + kStrip) pair.left_quality[i] = 0;
    }
  return pair;
}

TEST(MeasureStereoFrame, HalfHiddenStripsTellTheOrderOfTheEyes) {
  const StereoFrameQuality right = BoxInLeftView(false).Measure();
  EXPECT_EQ(right.eyes_right, kHeight);
  EXPECT_EQ(right.eyes_swapped, 0);
  const StereoFrameQuality swapped = BoxInLeftView(true).Measure();
  EXPECT_EQ(swapped.eyes_right, 0);
  EXPECT_EQ(swapped.eyes_swapped, kHeight);
}

TEST(MeasureStereoFrame, RefusesViewsThatDoNotFit) {
  Pair pair(0, 0);
  MatchedViews views = pair.Views();
  views.left_quality.width = 3;
  EXPECT_EQ(test::CodeOf([&] { MeasureStereoFrame(views); }), Code::kInvalidArgument);
  StereoMeasureOptions options;
  options.window_border = 0;
  EXPECT_EQ(test::CodeOf([&] { MeasureStereoFrame(pair.Views(), options); }),
            Code::kInvalidArgument);
}

StereoFrameQuality Frame(double near, double middle, double far) {
  StereoFrameQuality frame;
  frame.measured = 0.8;
  frame.parallax = {near, near, middle, far, far};
  return frame;
}

TEST(RateStereo, AQuietVideoHasFullMarks) {
  const std::vector<StereoFrameQuality> frames(10, Frame(-0.005, 0, 0.01));
  std::vector<double> seconds;
  for (int i = 0; i < 10; ++i) seconds.push_back(0.04 * i);
  const StereoClipQuality clip = RateStereo(frames, seconds, {5}, {});
  EXPECT_EQ(clip.score, 100);
  EXPECT_EQ(clip.frames, 10);
  EXPECT_EQ(clip.measured_frames, 10);
  ASSERT_EQ(clip.cuts.size(), 1u);
  EXPECT_EQ(clip.cuts[0].jump(), 0);
  EXPECT_EQ(clip.rate, 0);
  EXPECT_NEAR(clip.nearest, -0.005, 1e-12);
}

TEST(RateStereo, EveryFaultCosts) {
  const ViewerGeometry viewer;
  const auto score = [&](const StereoFrameQuality& frame) {
    return RateStereo({frame, frame}, {0, 0.04}, {}, viewer).score;
  };
  EXPECT_EQ(score(Frame(-0.2, 0, 0)), 80);  // far more than two degrees
  EXPECT_EQ(score(Frame(0, 0, 0.2)), 80);
  // Eyes turn outwards: the worse of both counts, on this screen the angle, on a wide one seen from
  // afar the direction.
  const double outwards = viewer.Infinity() * 1.25;
  EXPECT_NEAR(score(Frame(0, 0, outwards)), 100 - 20 * (viewer.Degrees(outwards) - 1), 1e-9);
  ViewerGeometry cinema;
  cinema.screen_width = 12;
  cinema.seat_distance = 15;
  const StereoFrameQuality wide = Frame(0, 0, cinema.Infinity() * 1.25);
  EXPECT_NEAR(RateStereo({wide}, {0}, {}, cinema).score, 90, 1e-9);
  StereoFrameQuality frame = Frame(0, 0, 0);
  frame.window = 1;
  EXPECT_EQ(score(frame), 90);
  frame = Frame(0, 0, 0);
  frame.vertical_most = 0.0115;  // half way
  EXPECT_NEAR(score(frame), 90, 1e-9);
  frame = Frame(0, 0, 0);
  frame.color = {0, 0, -0.1};
  EXPECT_EQ(score(frame), 85);
  frame = Frame(0, 0, 0);
  frame.eyes_swapped = 100;
  frame.eyes_right = 10;
  EXPECT_EQ(score(frame), 50);
  // A jump counts at a cut, and is a rate elsewhere.
  const std::vector<StereoFrameQuality> jump = {Frame(0, 0, 0), Frame(0, 0.1, 0.01)};
  EXPECT_EQ(RateStereo(jump, {0, 0.5}, {1}, viewer).score, 90);
  const StereoClipQuality shot = RateStereo(jump, {0, 0.5}, {}, viewer);
  EXPECT_EQ(shot.score, 100);
  EXPECT_NEAR(shot.rate, 0.2, 1e-12);
}

TEST(RateStereo, FramesWithoutAMeasureDoNotCount) {
  const std::vector<StereoFrameQuality> frames = {Frame(0, 0, 0.01), {}, Frame(0, 0.02, 0.02)};
  const StereoClipQuality clip = RateStereo(frames, {0, 1, 2}, {}, {});
  EXPECT_EQ(clip.measured_frames, 2);
  EXPECT_NEAR(clip.parallax[2], 0.01, 1e-12);
  EXPECT_EQ(clip.rate, 0) << "of neighbours alone";
  EXPECT_EQ(RateStereo({{}}, {0}, {}, {}).score, 0);
  EXPECT_EQ(test::CodeOf([&] { RateStereo(frames, {0}, {}, {}); }), Code::kInvalidArgument);
  ViewerGeometry viewer;
  viewer.seat_distance = 0;
  EXPECT_EQ(test::CodeOf([&] {
              RateStereo(frames, {0, 1, 2}, {}, viewer);
            }),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace mdvt
