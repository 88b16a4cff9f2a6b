// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/comfort.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kWidth = 100, kHeight = 40;

// Disparity in [0, 1]: a box of `near` in the middle of a wall of `far`.
struct Scene {
  std::vector<float> values;
  Scene(float near, float far, bool at_border = false) : values(kWidth * kHeight, far) {
    for (int y = 10; y < 30; ++y)
      for (int x = at_border ? 0 : 40; x < (at_border ? 20 : 60); ++x)
        values[static_cast<size_t>(y * kWidth + x)] = near;
  }
  ComfortView View(double scale, double screen) const {
    ComfortView view;
    view.map = {values.data(), kWidth * sizeof(float), kWidth, kHeight};
    view.scale = scale;
    view.screen = screen;
    return view;
  }
};

TEST(Comfort, WhatKeepsToTheLimitsStaysAsItIs) {
  ComfortControl control({});
  const Scene scene(1, 0);
  const ComfortSetting setting = control.Push(scene.View(0.01, 0.5), 0, true);
  EXPECT_EQ(setting.strength, 1);
  EXPECT_EQ(setting.shift, 0);
  std::vector<float> pressed(scene.values.size());
  Press(scene.View(0.01, 0.5), {}, {pressed.data(), kWidth * sizeof(float), kWidth, kHeight});
  EXPECT_EQ(pressed, scene.values);
}

TEST(Comfort, StrengthAndShiftKeepTheExtremesInside) {
  const ComfortLimits limits;
  for (const double scale : {0.02, 0.1, 1.0})
    for (const double screen : {0.0, 0.5, 1.0, 2.0})
      for (const bool at_border : {false, true}) {
        ComfortControl control(limits);
        const Scene scene(1, 0.2f, at_border);
        const ComfortSetting setting = control.Push(scene.View(scale, screen), 0, true);
        const auto shown = [&](double u) {
          return setting.strength * scale * (screen - u) + setting.shift;
        };
        EXPECT_GT(setting.strength, 0);
        EXPECT_GE(setting.shift, 0);
        EXPECT_GE(shown(1), -limits.max_in_front * (1 + 1e-9));
        EXPECT_LE(shown(0.2), limits.max_behind * (1 + 1e-9));
        EXPECT_GE(shown(at_border ? 1 : 0.2), -limits.window - 1e-9) << "cut off by the border";
      }
}

TEST(Comfort, MovesSteadilyInsideAShotAndJumpsAtACut) {
  ComfortLimits limits;
  ComfortControl control(limits);
  const Scene mild(0.6f, 0.5f), wild(1, 0);
  double before = control.Push(mild.View(0.1, 0.5), 0, true).strength;
  EXPECT_EQ(before, 1);
  const double dt = 0.04;
  double least = 1;
  for (int i = 0; i < 200; ++i) {
    const double now = control.Push(wild.View(0.1, 0.5), dt, false).strength;
    EXPECT_LE(now, before);
    EXPECT_LE((before - now) * 0.05, limits.max_rate * dt * (1 + 1e-9)) << "parallax of the ends";
    before = now;
    least = std::min(least, now);
  }
  EXPECT_NEAR(least * 0.1, 0.8 * (limits.max_in_front + limits.max_behind), 1e-9);
  // Back more slowly.
  const double back = control.Push(mild.View(0.1, 0.5), dt, false).strength;
  EXPECT_NEAR((back - before) * 0.01, limits.max_rate * dt / 4, 1e-9);
  EXPECT_EQ(control.Push(mild.View(0.1, 0.5), dt, true).strength, 1);
  State state;
  control.Save(&state);
  ComfortControl other(limits);
  other.Load(state);
  EXPECT_EQ(other.Push(wild.View(0.1, 0.5), dt, false).strength,
            control.Push(wild.View(0.1, 0.5), dt, false).strength);
}

TEST(Comfort, PressedParallaxRisesAndStaysInside) {
  const ComfortLimits limits;
  double before = -1;
  for (double p = -0.2; p <= 0.2; p += 0.0005) {
    const double pressed = Pressed(p, limits);
    EXPECT_GE(pressed, before);
    EXPECT_GE(pressed, -limits.max_in_front);
    EXPECT_LE(pressed, limits.max_behind);
    if (p > -0.008 && p < 0.016) {
      EXPECT_EQ(pressed, p);
    }
    before = pressed;
  }
}

TEST(Comfort, BordersPressMore) {
  ComfortLimits limits;
  limits.max_in_front = 0.02;
  const Scene scene(1, 1);  // all of it 1.5 % in front
  std::vector<float> pressed(scene.values.size());
  ComfortView view = scene.View(0.015, 0);
  Press(view, limits, {pressed.data(), kWidth * sizeof(float), kWidth, kHeight});
  const auto shown = [&](int x) { return -0.015 * pressed[static_cast<size_t>(x)]; };
  for (const int x : {0, 1, kWidth - 1}) EXPECT_NEAR(shown(x), -limits.window, 1e-6);
  EXPECT_FLOAT_EQ(pressed[kWidth / 2], 1);
  for (int x = 1; x < kWidth / 2; ++x) EXPECT_LE(shown(x), shown(x - 1)) << "steadily";
}

TEST(Comfort, PressesMetresAsItPressesDisparity) {
  const ComfortLimits limits;
  // In the middle of a row: borders have limits of their own.
  constexpr size_t kMiddle = kWidth / 2;
  std::vector<float> inverse(kWidth, 0.6f);
  const std::vector<float> some = {0.1f, 0.5f, 1, 4};
  std::copy(some.begin(), some.end(), inverse.begin() + kMiddle);
  std::vector<float> metres;
  for (const float u : inverse) metres.push_back(1 / u);
  inverse[0] = NAN;
  metres[0] = 0;  // no data
  std::vector<float> a(kWidth), b(kWidth);
  const ptrdiff_t row = kWidth * sizeof(float);
  ComfortView view;
  view.scale = 0.03;
  view.screen = 0.6;
  view.map = {inverse.data(), row, kWidth, 1};
  Press(view, limits, {a.data(), row, kWidth, 1});
  view.map = {metres.data(), row, kWidth, 1};
  view.metres = true;
  Press(view, limits, {b.data(), row, kWidth, 1});
  for (size_t i = kMiddle; i < kMiddle + some.size(); ++i) {
    EXPECT_NEAR(1 / b[i], a[i], 1e-5 * a[i]);
    EXPECT_NEAR(view.scale * (view.screen - a[i]),
                Pressed(view.scale * (view.screen - inverse[i]), limits), 1e-7);
  }
  EXPECT_LT(a[kMiddle + 3], 4);
  EXPECT_TRUE(std::isnan(a[0]));
  EXPECT_EQ(b[0], 0);
}

TEST(Comfort, RefusesLimitsOutOfRange) {
  for (const double bad : {0.0, -1.0, 2.0, std::nan("")}) {
    ComfortLimits limits;
    limits.max_behind = bad;
    EXPECT_EQ(test::CodeOf([&] { ComfortControl control(limits); }), Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace mdvt
