// SPDX-License-Identifier: Apache-2.0
#include "infill/membrane.h"

#include <gtest/gtest.h>

#include <cmath>

namespace mdvt::test {
namespace {

class Membrane : public ::testing::Test {
 protected:
  void Make(int width, int height) {
    cells_ = Image(PixelFormat::Gray(8), width, height);
    values_ = Image(PixelFormat::GrayF32(), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        Cell(x, y) = kMembraneUnknown;
        Value(x, y) = 77;
      }
  }
  uint8_t& Cell(int x, int y) { return cells_.MutablePlane<uint8_t>().At(x, y); }
  float& Value(int x, int y) { return values_.MutablePlane<float>().At(x, y); }
  void Know(int x, int y, double value) {
    Cell(x, y) = kMembraneKnown;
    Value(x, y) = static_cast<float>(value);
  }
  void Solve() { SolveMembrane(cells_.Plane<uint8_t>(), values_.MutablePlane<float>()); }

  Image cells_, values_;
};

// Harmonic functions of the grid, whose values inside follow from those at the rim.
TEST_F(Membrane, ContinuesHarmonicFunctions) {
  const auto function = [](int x, int y) { return 0.02 * x - 0.03 * y + 0.001 * (x * x - y * y); };
  Make(41, 23);
  for (int y = 0; y < 23; ++y)
    for (int x = 0; x < 41; ++x)
      if (x == 0 || x == 40 || y == 0 || y == 22) Know(x, y, function(x, y));
  Solve();
  for (int y = 0; y < 23; ++y)
    for (int x = 0; x < 41; ++x)
      ASSERT_NEAR(double{Value(x, y)}, function(x, y), 5e-4) << x << ", " << y;
}

// Nothing hangs at the picture's border or at what is outside: values are those of the one rim.
TEST_F(Membrane, IsFreeAtBorders) {
  Make(30, 200);
  for (int y = 0; y < 200; ++y) Know(29, y, y < 100 ? 1 : 3);
  Cell(4, 100) = kMembraneOutside;
  Value(4, 100) = 5;
  Solve();
  EXPECT_NEAR(double{Value(0, 0)}, 1, 0.02);
  EXPECT_NEAR(double{Value(0, 199)}, 3, 0.02);
  EXPECT_EQ(Value(4, 100), 5);
  double mean = 0;  // of a pixel's neighbours
  for (const auto& [x, y] : {std::pair{9, 100}, {11, 100}, {10, 99}, {10, 101}})
    mean += double{Value(x, y)} / 4;
  EXPECT_NEAR(double{Value(10, 100)}, mean, 1e-5);
}

TEST_F(Membrane, IsFlatBetweenEqualsAndZeroWithoutARim) {
  Make(9, 3);
  Know(4, 0, 0.25);
  Know(4, 1, 0.25);
  Know(4, 2, 0.25);
  for (int y = 0; y < 3; ++y) Cell(6, y) = kMembraneOutside;
  Solve();
  EXPECT_EQ(Value(0, 2), 0.25f);
  EXPECT_EQ(Value(5, 0), 0.25f);
  EXPECT_EQ(Value(8, 1), 0.0f);
  Make(1, 1);
  Solve();
  EXPECT_EQ(Value(0, 0), 0.0f);
}

}  // namespace
}  // namespace mdvt::test
