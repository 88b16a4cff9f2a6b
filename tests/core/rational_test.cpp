// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/rational.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(Rational, ReducesToLowestTermsAndAPositiveDenominator) {
  const Rational a = Rational{-6, -4}.Reduced();
  EXPECT_EQ(a.num, 3);
  EXPECT_EQ(a.den, 2);
  const Rational b = Rational{6, -4}.Reduced();
  EXPECT_EQ(b.num, -3);
  EXPECT_EQ(b.den, 2);
  const Rational zero = Rational{0, -7}.Reduced();
  EXPECT_EQ(zero.num, 0);
  EXPECT_EQ(zero.den, 1);
}

TEST(Rational, LeavesZeroDenominatorsAndTheLowestNumberAlone) {
  EXPECT_EQ((Rational{4, 0}.Reduced().num), 4);
  EXPECT_EQ((Rational{4, 0}.Reduced().den), 0);
  EXPECT_EQ((Rational{kMin, 2}.Reduced().num), kMin);
  EXPECT_EQ((Rational{kMax, kMax}.Reduced().num), 1);
}

TEST(Rational, ComparesValues) {
  EXPECT_EQ((Rational{24000, 1001}), (Rational{48000, 2002}));
  EXPECT_EQ((Rational{1, -2}), (Rational{-1, 2}));
  EXPECT_NE((Rational{24000, 1001}), (Rational{24, 1}));
}

TEST(Rational, IsPositiveOnlyWithBothPartsAboveZero) {
  EXPECT_TRUE((Rational{1, 25}.IsPositive()));
  EXPECT_FALSE((Rational{0, 1}.IsPositive()));
  EXPECT_FALSE((Rational{1, 0}.IsPositive()));
  EXPECT_FALSE((Rational{-1, 25}.IsPositive()));
}

TEST(Rational, Prints) {
  EXPECT_EQ((Rational{30000, 1001}.ToString()), "30000/1001");
  EXPECT_EQ((Rational{16, 9}.ToString(':')), "16:9");
  EXPECT_DOUBLE_EQ((Rational{30000, 1001}.ToDouble()), 30000.0 / 1001);
}

TEST(Rational, ParsesTheDocumentedForms) {
  EXPECT_EQ(*Rational::Parse("24"), (Rational{24, 1}));
  EXPECT_EQ(*Rational::Parse("23.976"), (Rational{23976, 1000}));
  EXPECT_EQ(*Rational::Parse("30000/1001"), (Rational{30000, 1001}));
  EXPECT_EQ(*Rational::Parse("16:9"), (Rational{16, 9}));
  EXPECT_EQ(*Rational::Parse("-0.5"), (Rational{-1, 2}));
  EXPECT_EQ(*Rational::Parse("0.000000001"), (Rational{1, 1000000000}));
}

TEST(Rational, RefusesEverythingElse) {
  for (const char* text : {"",
                           " 24",
                           "24 ",
                           "24fps",
                           "1/0",
                           "/",
                           "1/",
                           "/2",
                           "1/2/3",
                           "1:2/3",
                           ".",
                           "24.",
                           "2.x",
                           "1e3",
                           "nan",
                           "0x10",
                           "1.0000000001",
                           "9223372036854775808",
                           "99999999999999.999999",
                           "--1",
                           "1.-5",
                           "1,5"}) {
    EXPECT_FALSE(Rational::Parse(text)) << "'" << text << "'";
  }
}

TEST(Rescale, IsExactBetweenTimeBases) {
  EXPECT_EQ(Rescale(90000, {1, 90000}, {1, 1000}), 1000);
  EXPECT_EQ(Rescale(1, {1001, 30000}, {1, 90000}), 3003);
  EXPECT_EQ(Rescale(7, {1, 24}, {1, 24}), 7);
  EXPECT_EQ(Rescale(-90000, {1, 90000}, {1, 1000}), -1000);
}

TEST(Rescale, RoundsHalvesAwayFromZero) {
  EXPECT_EQ(Rescale(1, {1, 2}, {1, 1}), 1);
  EXPECT_EQ(Rescale(-1, {1, 2}, {1, 1}), -1);
  EXPECT_EQ(Rescale(1, {1, 3}, {1, 1}), 0);
  EXPECT_EQ(Rescale(2, {1, 3}, {1, 1}), 1);
  EXPECT_EQ(Rescale(-2, {1, 3}, {1, 1}), -1);
}

TEST(Rescale, SaturatesAtTheEnds) {
  EXPECT_EQ(Rescale(kMax, {2, 1}, {1, 1}), kMax);
  EXPECT_EQ(Rescale(kMin, {2, 1}, {1, 1}), kMin);
  EXPECT_EQ(Rescale(kMin, {-1, 1}, {1, 1}), kMax);
  EXPECT_EQ(Rescale(kMin, {1, 1}, {1, 1}), kMin);
  EXPECT_EQ(Rescale(kMax, {1, 1}, {1, 1}), kMax);
}

TEST(Rescale, SurvivesHugeTerms) {
  // value * num has more than 128 bits here; the results are known in closed form.
  EXPECT_EQ(Rescale(kMax, {kMax, kMax - 1}, {kMax, kMax - 1}), kMax);
  EXPECT_EQ(Rescale(1000, {kMax, 3}, {kMax - 1, 3}), 1000);
  EXPECT_EQ(Rescale(kMax, {kMax - 2, kMax}, {kMax, kMax - 2}), kMax - 4);  // x (1 - 2/x)^2
  EXPECT_EQ(Rescale(-kMax, {kMax - 2, kMax}, {kMax, kMax - 2}), -(kMax - 4));
  EXPECT_EQ(Rescale(kMax, {kMax, 1}, {1, kMax}), kMax);
  EXPECT_EQ(Rescale(kMin, {kMin, 1}, {kMin, 1}), kMin);
  EXPECT_EQ(Rescale(5, {1, kMax}, {kMax, 1}), 0);
}

TEST(Rescale, IsZeroForAnUndefinedRatio) {
  EXPECT_EQ(Rescale(5, {1, 0}, {1, 1}), 0);
  EXPECT_EQ(Rescale(5, {1, 1}, {0, 1}), 0);
  EXPECT_EQ(Rescale(5, {0, 1}, {1, 1}), 0);
  EXPECT_EQ(Rescale(0, {1, 1}, {1, 90000}), 0);
}

TEST(Rescale, AgreesWithWideIntegersOnRandomTimes) {
  auto random = test::Rng();
  for (int i = 0; i < 20000; ++i) {
    const auto value = static_cast<int64_t>(random()) >> (random() % 64);
    const Rational from{static_cast<int64_t>(random() % 100000 + 1),
                        static_cast<int64_t>(random() % 100000 + 1)};
    const Rational to{static_cast<int64_t>(random() % 100000 + 1),
                      static_cast<int64_t>(random() % 100000 + 1)};
    __extension__ using Wide = __int128;
    const Wide num = static_cast<Wide>(value) * (from.num * to.den), den = from.den * to.num;
    const Wide twice = 2 * (num < 0 ? -num : num) + den;
    Wide expected = twice / (2 * den) * (num < 0 ? -1 : 1);
    if (expected > kMax) expected = kMax;
    if (expected < kMin) expected = kMin;
    ASSERT_EQ(Rescale(value, from, to), static_cast<int64_t>(expected))
        << value << " * " << from.ToString() << " / " << to.ToString();
  }
}

}  // namespace
}  // namespace mdvt
