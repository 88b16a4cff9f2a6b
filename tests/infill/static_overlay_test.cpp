// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/static_overlay.h"

#include <gtest/gtest.h>

#include "io/expect_error.h"
#include "support/pictures.h"
#include "tracking/pictures.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 160, kHeight = 90;

// A word at (20, 60), 30 x 9: bars three pixels wide, half transparent.
bool InBar(int x, int y) { return y >= 60 && y < 69 && x >= 20 && x < 50 && (x - 20) % 6 < 3; }

Image Frame(int f, bool logo, double speed = 3) {
  const Image waves = Waves(kWidth, kHeight, speed * f, speed * 0.4 * f);
  return MakePicture(PixelFormat::Gray(8), kWidth, kHeight, [&](int, int x, int y) {
    const int value = SampleOf(waves, 0, x, y);
    return logo && InBar(x, y) ? (value + 255) / 2 : value;
  });
}

TEST(StaticOverlay, FindsALogoBeforeAMovingPicture) {
  StaticOverlay overlay;
  for (int f = 0; f < 60; ++f) overlay.Push(Frame(f, true).Plane<uint8_t>());
  const Image mask = overlay.Find();
  int missed = 0, wrong = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      const bool white = SampleOf(mask, 0, x, y) == 255;
      missed += InBar(x, y) && !white;
      wrong += white && (x < 15 || x >= 56 || y < 55 || y >= 74);
    }
  }
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(wrong, 0);
}

TEST(StaticOverlay, SaysWhyItCannotTell) {
  StaticOverlay none;
  for (int f = 0; f < 60; ++f) none.Push(Frame(f, false).Plane<uint8_t>());
  ExpectError(Code::kRefused, "no overlay was found", [&] { none.Find(); });
  StaticOverlay still;
  for (int f = 0; f < 20; ++f) still.Push(Frame(0, true).Plane<uint8_t>());
  ExpectError(Code::kRefused, "hardly changes", [&] { still.Find(); });
  StaticOverlay few;
  few.Push(Frame(0, true).Plane<uint8_t>());
  ExpectError(Code::kRefused, "in 1 frame:", [&] { few.Find(); });
  ExpectError(Code::kInvalidArgument, "differ in size",
              [&] { few.Push(Waves(32, 32, 0, 0).Plane<uint8_t>()); });
  StaticOverlayOptions options;
  options.persistence = 0;
  ExpectError(Code::kInvalidArgument, "persistence = 0", [&] { StaticOverlay bad(options); });
}

// Edges that hold their direction wherever they are seen: of a box that passes, of one that drifts
// by a few pixels, and of a bar that moves along itself.
TEST(StaticOverlay, WhatPassesOrDriftsIsNone) {
  const auto none = [](const char* what, const auto& bright) {
    StaticOverlay overlay;
    for (int f = 0; f < 60; ++f) {
      const Image waves = Waves(kWidth, kHeight, 3 * f, f);
      const Image frame = MakePicture(
          PixelFormat::Gray(8), kWidth, kHeight,
          [&](int, int x, int y) { return bright(f, x, y) ? 250 : SampleOf(waves, 0, x, y) / 2; });
      overlay.Push(frame.Plane<uint8_t>());
    }
    SCOPED_TRACE(what);
    ExpectError(Code::kRefused, "no overlay was found", [&] { overlay.Find(); });
  };
  none("there for 40 of 60 frames",
       [](int f, int x, int y) { return f < 40 && x >= 20 && x < 50 && y >= 30 && y < 45; });
  none("five pixels in all frames", [](int f, int x, int y) {
    const int left = 20 + f / 12;
    return x >= left && x < left + 30 && y >= 30 + f / 12 && y < 45 + f / 12;
  });
  none("a bar that moves along itself",
       [](int f, int x, int y) { return y >= 30 && y < 33 && x >= 10 + f / 2 && x < 90 + f / 2; });
}

// As in a picture that moves too little: marks that stand still in every second of 64 parts.
TEST(StaticOverlay, EdgesAllOverThePictureAreNoOverlay) {
  StaticOverlay overlay;
  for (int f = 0; f < 60; ++f) {
    Image frame = Frame(f, false);
    for (int part = 0; part < 64; part += 2)
      for (int y = 0; y < 5; ++y)
        for (int x = 0; x < 3; ++x)
          SetSample(frame, 0, part % 8 * 20 + 8 + x, part / 8 * 11 + 3 + y, 255);
    overlay.Push(frame.Plane<uint8_t>());
  }
  ExpectError(Code::kRefused, "all over the picture", [&] { overlay.Find(); });
}

TEST(StaticOverlay, BordersAreNoOverlay) {
  StaticOverlay overlay;
  for (int f = 0; f < 60; ++f) {
    Image frame = Frame(f, false);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x)
        if (y < 12 || y >= kHeight - 12) SetSample(frame, 0, x, y, 0);
    overlay.Push(frame.Plane<uint8_t>());
  }
  ExpectError(Code::kRefused, "no overlay was found", [&] { overlay.Find(); });
}

}  // namespace
}  // namespace mdvt::test
