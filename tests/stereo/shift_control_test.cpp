// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/shift_control.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"

namespace mdvt::test {
namespace {

ShiftFrame Frame(double lo, double hi, double convergence = 0.5) {
  ShiftFrame frame;
  frame.lo = lo;
  frame.hi = hi;
  frame.convergence = convergence;
  return frame;
}

constexpr double kEye = 1920;  // no comfort limit is near

TEST(ShiftController, OffMeansAlwaysAll) {
  ShiftOptions options;
  options.dynamic = false;
  options.max_shift = 500;
  ShiftController controller(options);
  ShiftFrame frame = Frame(0, 1);
  frame.steep_share = 1;
  EXPECT_EQ(controller.Push(frame, 100), 500);
}

TEST(ShiftController, GainFollowsTheRangeOfTheScene) {
  ShiftOptions options;
  options.max_shift = 20;
  options.smoothing = 0;
  ShiftController controller(options);
  EXPECT_NEAR(controller.Push(Frame(0, 4), kEye), 20, 1e-9);
  EXPECT_NEAR(controller.Push(Frame(1, 3), kEye), 10, 1e-9);
  EXPECT_NEAR(controller.Push(Frame(1, 1.4), kEye), 8, 1e-9);  // the least gain
  EXPECT_NEAR(controller.Push(Frame(0, 8), kEye), 20, 1e-9);
  EXPECT_NEAR(controller.Push(Frame(0, 6), kEye), 15, 1e-9);
  ShiftFrame next = Frame(0, 1);
  next.new_scene = true;
  EXPECT_NEAR(controller.Push(next, kEye), 20, 1e-9);
}

TEST(ShiftController, KnownInfinityTellsAFlatScene) {
  ShiftOptions options;
  options.max_shift = 20;
  const auto shift = [&](double near_metres, double far_metres) {
    ShiftFrame frame = Frame(1 / far_metres, 1 / near_metres);
    frame.zero_is_infinity = true;
    return ShiftController(options).Push(frame, kEye);
  };
  EXPECT_NEAR(shift(1, 2), 20, 1e-9);
  EXPECT_NEAR(shift(3, 300), 20, 1e-9);
  EXPECT_NEAR(shift(3, 4), 20 * 2 * 0.25, 1e-9);
  EXPECT_NEAR(shift(3, 3.01), 20 * 0.4, 1e-9);
}

TEST(ShiftController, SteepPicturesGetLess) {
  ShiftOptions options;
  options.max_shift = 100;
  const auto shift = [&](double share) {
    ShiftFrame frame = Frame(0, 1);
    frame.steep_share = share;
    return ShiftController(options).Push(frame, 1e6);
  };
  EXPECT_NEAR(shift(0.02), 100, 1e-9);
  EXPECT_NEAR(shift(0.06), 70, 1e-9);
  EXPECT_NEAR(shift(0.10), 40, 1e-9);
  EXPECT_NEAR(shift(0.90), 40, 1e-9);
}

TEST(ShiftController, GainIsSmoothedAndANewSceneStartsAnew) {
  ShiftOptions options;
  options.max_shift = 100;
  ShiftController controller(options);
  EXPECT_NEAR(controller.Push(Frame(0, 1), 1e6), 100, 1e-9);
  for (int t = 1; t < 30; ++t)
    EXPECT_NEAR(controller.Push(Frame(0, 0.5), 1e6), 50 + 50 * std::pow(0.95, t), 1e-9);
  ShiftFrame next = Frame(0, 0.1);
  next.new_scene = true;
  EXPECT_NEAR(controller.Push(next, 1e6), 100, 1e-9);
}

TEST(ShiftController, ComfortBoundsParallaxOnBothSides) {
  ShiftOptions options;
  options.max_shift = 4000;
  const auto shift = [&](double convergence) {
    return ShiftController(options).Push(Frame(0, 1, convergence), 1200);
  };
  EXPECT_NEAR(shift(1), 40, 1e-9);    // all behind: a 30th
  EXPECT_NEAR(shift(0), 24, 1e-9);    // all in front: 2 %
  EXPECT_NEAR(shift(0.5), 48, 1e-9);  // 24 in front is the tighter one
  EXPECT_NEAR(shift(0.8), 50, 1e-9);  // 40 behind is
}

TEST(SteepShare, CountsStepsAlongRows) {
  Image map(PixelFormat::GrayF32(), 11, 4);
  for (int y = 0; y < 4; ++y)
    for (int x = 0; x < 11; ++x) map.MutablePlane<float>().At(x, y) = x < 5 && y < 2 ? 1.0f : 0.5f;
  EXPECT_NEAR(SteepShare(map.Plane<float>(), 0.4), 2.0 / 40, 1e-12);
  EXPECT_EQ(SteepShare(map.Plane<float>(), 0.6), 0);
  ThreadPool pool(3);
  EXPECT_EQ(SteepShare(map.Plane<float>(), 0.4), SteepShare(map.Plane<float>(), 0.4, &pool));
  EXPECT_EQ(SteepShare(Image(PixelFormat::GrayF32(), 1, 9).Plane<float>(), 0), 0);
}

// `near` in a disc in the middle, `far` around it.
Image Disc(float near, float far, double radius) {
  Image map(PixelFormat::GrayF32(), 160, 90);
  for (int y = 0; y < 90; ++y)
    for (int x = 0; x < 160; ++x)
      map.MutablePlane<float>().At(x, y) =
          std::hypot((x - 79.5) / 160, (y - 44.5) / 90) < radius ? near : far;
  return map;
}

TEST(ConvergenceTracker, ModesAreWhatTheySay) {
  const Image map = Disc(0.8f, 0.1f, 0.4);
  const auto value = [&](ScreenPlane plane) {
    ConvergenceOptions options;
    options.plane = plane;
    options.value = 0.3;
    return ConvergenceTracker(options).Push(map.Plane<float>(), false);
  };
  EXPECT_EQ(value(ScreenPlane::kNear), 1);
  EXPECT_EQ(value(ScreenPlane::kFar), 0);
  EXPECT_EQ(value(ScreenPlane::kValue), 0.3);
  EXPECT_NEAR(value(ScreenPlane::kAuto), 0.8, 1e-3);
}

TEST(ConvergenceTracker, AutoFollowsSlowlyAndStartsAnewInANewScene) {
  ConvergenceTracker tracker({});
  const Image near = Disc(0.8f, 0.1f, 0.4), small = Disc(0.8f, 0.1f, 0.05);
  const double start = tracker.Push(near.Plane<float>(), false);
  const double then = tracker.Push(small.Plane<float>(), false);
  EXPECT_NEAR(then, 0.95 * start + 0.05 * 0.1, 1e-4);
  EXPECT_NEAR(tracker.Push(small.Plane<float>(), true), 0.1, 1e-3);
}

TEST(ConvergenceTracker, TakesPicturesOfAnySize) {
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(2, 3), std::pair(1, 50)}) {
    Image map(PixelFormat::GrayF32(), width, height);
    for (int y = 0; y < height; ++y) std::fill_n(map.MutablePlane<float>().Row(y), width, 0.25f);
    EXPECT_NEAR(ConvergenceTracker({}).Push(map.Plane<float>(), false), 0.25, 1e-3);
  }
}

TEST(ShiftControl, OptionsNameWhatIsWrong) {
  for (const auto& spoil :
       {+[](ShiftOptions* o) { o->max_shift = -1; }, +[](ShiftOptions* o) { o->min_gain = 1.5; },
        +[](ShiftOptions* o) { o->smoothing = 1; }, +[](ShiftOptions* o) { o->steep_free = 0.5; },
        +[](ShiftOptions* o) { o->max_behind = 0; },
        +[](ShiftOptions* o) { o->max_in_front = NAN; }}) {
    ShiftOptions options;
    spoil(&options);
    EXPECT_THROW(ShiftController controller(options), Error);
  }
  ConvergenceOptions options;
  options.value = 1.1;
  EXPECT_THROW(ConvergenceTracker tracker(options), Error);
  options = {};
  options.smoothing = 1;
  EXPECT_THROW(ConvergenceTracker tracker(options), Error);
}

}  // namespace
}  // namespace mdvt::test
