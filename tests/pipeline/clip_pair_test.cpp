// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_pair.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "pipeline/job_common.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(ClipPair, SizesThatDifferInOneSideAreRefused) {
  const TempDir dir;
  ClipShape shape;
  MakeDepth(dir / "depth.mkv", shape, Plane(2));
  for (const bool taller : {false, true}) {
    ClipShape other = shape;
    (taller ? other.height : other.width) += 2;
    MakeColor(dir / "color.mkv", other, PixelFormat::Yuv(444));
    ClipPairOptions options;
    options.source.file.path = dir / "depth.mkv";
    options.color_video = dir / "color.mkv";
    ExpectError(Code::kCorrupt, "they must have the same size", [&] { ClipPair pair(options); });
  }
}

TEST(RatesAgree, WhatOneClockMayHaveBeenWrittenAs) {
  const Rational film{24, 1}, film_tv{24000, 1001}, tv{30000, 1001};
  const int64_t hour = 90000;
  for (const auto& [a, b] : std::vector<std::pair<Rational, Rational>>{{film, film_tv},
                                                                       {{30, 1}, tv},
                                                                       {{30, 1}, {2997, 100}},
                                                                       {{2997, 100}, tv},
                                                                       {{60, 1}, {5994, 100}},
                                                                       {film, film},
                                                                       {film, {0, 1}},
                                                                       {{0, 1}, tv},
                                                                       {{1000, 1}, {1001, 1}}}) {
    EXPECT_TRUE(RatesAgree(a, b, hour)) << a.ToDouble() << " and " << b.ToDouble();
    EXPECT_TRUE(RatesAgree(b, a, 0));
  }
  for (const auto& [a, b] : std::vector<std::pair<Rational, Rational>>{
           {film, {25, 1}}, {film, tv}, {{25, 1}, tv}, {{1000, 1}, {1002, 1}}}) {
    EXPECT_FALSE(RatesAgree(a, b, hour)) << a.ToDouble() << " and " << b.ToDouble();
    EXPECT_FALSE(RatesAgree(b, a, 0)) << "of unknown length";
  }
  // These part by a frame in 120: by less than half a frame in 59 of them.
  EXPECT_TRUE(RatesAgree({120, 1}, {121, 1}, 59));
  EXPECT_FALSE(RatesAgree({120, 1}, {121, 1}, 61));
  EXPECT_FALSE(RatesAgree({120, 1}, {121, 1}, 0));
  EXPECT_FALSE(RatesAgree(film, {25, 1}, 2)) << "that is no rounding";
}

TEST(ClipPair, RatesThatAreCalledTheSameGoTogether) {
  const TempDir dir;
  ClipShape shape;
  shape.rate = {2997, 100};
  shape.frames = 30;
  MakeDepth(dir / "depth.mkv", shape, Plane(2));
  shape.rate = {30, 1};
  MakeColor(dir / "color.mkv", shape);
  ClipPairOptions options;
  options.source.file.path = dir / "depth.mkv";
  options.color_video = dir / "color.mkv";
  ClipPair pair(options);
  EXPECT_EQ(pair.lead_info().frame_rate, (Rational{30, 1}));
  shape.rate = {31, 1};
  MakeColor(dir / "color.mkv", shape);
  ExpectError(Code::kCorrupt, "they must have the same rate", [&] { ClipPair other(options); });
}

// A pixel that is twice as wide as high spans as much with half the focal length.
TEST(ClipCamera, OneFieldOfViewMakesTheOtherByTheShapeOfPixels) {
  FovOptions wide;
  wide.xfov_deg = 90;
  const Camera by_x = ClipCamera(wide, DepthTags(), 100, 50, {2, 1}, Limits()).At(0);
  EXPECT_NEAR(by_x.fx, 50, 1e-9);
  EXPECT_NEAR(by_x.fy, 100, 1e-9);
  FovOptions high;
  high.yfov_deg = 90;
  const Camera by_y = ClipCamera(high, DepthTags(), 100, 50, {2, 1}, Limits()).At(0);
  EXPECT_NEAR(by_y.fy, 25, 1e-9);
  EXPECT_NEAR(by_y.fx, 12.5, 1e-9);
}

TEST(ExpectedFrames, AreThoseThatAreLeft) {
  EXPECT_EQ(ExpectedFrames(10, 3, -1), 7);
  EXPECT_EQ(ExpectedFrames(10, 3, 5), 5);
  EXPECT_EQ(ExpectedFrames(10, 8, 5), 2);
  EXPECT_EQ(ExpectedFrames(10, 12, -1), 0);
  EXPECT_EQ(ExpectedFrames(0, 3, 4), 4);
  EXPECT_EQ(ExpectedFrames(0, 3, -1), 0);
}

}  // namespace
}  // namespace mdvt::test
