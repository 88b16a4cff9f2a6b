// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/numbers.h"

#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <locale>

#include "mdvt/core/count.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

template <typename Float>
bool SameBits(Float a, Float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0;
}

TEST(ParseDouble, ReadsTheDocumentedForms) {
  EXPECT_EQ(ParseDouble("48.25"), 48.25);
  EXPECT_EQ(ParseDouble("-1"), -1.0);
  EXPECT_EQ(ParseDouble("+2.5"), 2.5);
  EXPECT_EQ(ParseDouble("1e-05"), 1e-5);
  EXPECT_EQ(ParseDouble("1E+3"), 1000.0);
  EXPECT_EQ(ParseDouble(".5"), 0.5);
  EXPECT_EQ(ParseDouble("5."), 5.0);
  EXPECT_TRUE(SameBits(*ParseDouble("-0"), -0.0));
  for (const char* text : {"nan", "NaN", "NAN", "-nan", "+NaN"})
    EXPECT_TRUE(ParseDouble(text) && std::isnan(*ParseDouble(text))) << text;
  for (const char* text : {"inf", "Infinity", "+INF"})
    EXPECT_EQ(ParseDouble(text), std::numeric_limits<double>::infinity()) << text;
  EXPECT_EQ(ParseDouble("-inf"), -std::numeric_limits<double>::infinity());
}

TEST(ParseDouble, RefusesEverythingElse) {
  for (const char* text : {"", " 1", "1 ", "1,5", "1.5.2", "0x10", "1e", "e5", "+", "-", "+-1",
                           "--1", "++1", "abc", "1m", "nan(1)", "infinit", "1e999", "-1e999"}) {
    EXPECT_FALSE(ParseDouble(text)) << "'" << text << "'";
  }
  EXPECT_FALSE(ParseDouble(std::string_view("1\0", 2)));
}

TEST(ParseDouble, ReadsOnlyItsView) { EXPECT_EQ(ParseDouble(std::string_view("12345", 2)), 12.0); }

TEST(ParseInt, ReadsWholeNumbersOnly) {
  EXPECT_EQ(ParseInt("0"), 0);
  EXPECT_EQ(ParseInt("-17"), -17);
  EXPECT_EQ(ParseInt("+17"), 17);
  EXPECT_EQ(ParseInt("9223372036854775807"), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(ParseInt("-9223372036854775808"), std::numeric_limits<int64_t>::min());
  for (const char* text :
       {"", "1.0", "1e3", " 1", "1 ", "9223372036854775808", "-9223372036854775809", "x", "+"}) {
    EXPECT_FALSE(ParseInt(text)) << "'" << text << "'";
  }
}

TEST(FormatDouble, PrintsTheShortestText) {
  EXPECT_EQ(FormatDouble(48.25), "48.25");
  EXPECT_EQ(FormatDouble(1e-5), "1e-05");
  EXPECT_EQ(FormatDouble(0.1), "0.1");
  EXPECT_EQ(FormatDouble(100), "100");
  EXPECT_EQ(FormatDouble(-0.0), "-0");
  EXPECT_EQ(FormatDouble(std::nan("")), "nan");
  EXPECT_EQ(FormatDouble(-std::nan("")), "nan");
  EXPECT_EQ(FormatDouble(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(FormatDouble(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(FormatFloat, PrintsTheShortestText) {
  EXPECT_EQ(FormatFloat(0.1f), "0.1");
  EXPECT_EQ(FormatFloat(16777216.f), "16777216");
  EXPECT_EQ(FormatFloat(-std::nanf("")), "nan");
}

TEST(FormatFixed, HasExactlyTheAskedDigits) {
  EXPECT_EQ(FormatFixed(3.14159, 2), "3.14");
  EXPECT_EQ(FormatFixed(2, 0), "2");
  EXPECT_EQ(FormatFixed(-1.5, 3), "-1.500");
  EXPECT_EQ(FormatFixed(1.5, -4), "2");
  EXPECT_EQ(FormatFixed(1.5, 1000).size(), 102u);
  EXPECT_EQ(FormatFixed(-std::numeric_limits<double>::max(), 100).size(), 411u);
  EXPECT_EQ(FormatFixed(-std::nan(""), 2), "nan");
}

TEST(Numbers, RandomBitsReadBackExactly) {
  auto random = test::Rng();
  for (int i = 0; i < 50000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isfinite(value)) continue;
    ASSERT_TRUE(SameBits(*ParseDouble(FormatDouble(value)), value)) << FormatDouble(value);
    const auto low = static_cast<uint32_t>(bits);
    float single;
    std::memcpy(&single, &low, sizeof(single));
    if (!std::isfinite(single)) continue;
    ASSERT_TRUE(SameBits(std::strtof(FormatFloat(single).c_str(), nullptr), single));
  }
}

struct Comma : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

void ExpectPoints() {
  EXPECT_EQ(ParseDouble("1234.5"), 1234.5);
  EXPECT_FALSE(ParseDouble("1234,5"));
  EXPECT_EQ(FormatDouble(1234.5), "1234.5");
  EXPECT_EQ(FormatFloat(1234.5f), "1234.5");
  EXPECT_EQ(FormatFixed(1234567.5, 1), "1234567.5");
}

TEST(Numbers, IgnoreTheCxxLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale(), new Comma));
  ExpectPoints();
  std::locale::global(before);
}

TEST(Numbers, IgnoreTheCLocale) {
  // An installed German locale, or one made for this test.
  const test::TempDir folder;
  const char* found = std::setlocale(LC_ALL, "de_DE.UTF-8");
  if (found == nullptr) {
    const std::string command =
        "localedef -i de_DE -f UTF-8 '" + folder / "de_DE.UTF-8" + "' >/dev/null 2>&1";
    if (std::system(command.c_str()) == 0) {
      setenv("LOCPATH", folder.path().c_str(), 1);
      found = std::setlocale(LC_ALL, "de_DE.UTF-8");
      unsetenv("LOCPATH");
    }
  }
  if (found == nullptr) GTEST_SKIP() << "no German locale: install the package locales";
  EXPECT_STREQ(std::localeconv()->decimal_point, ",");
  ExpectPoints();
  std::setlocale(LC_ALL, "C");
}

TEST(FormatSize, IsWidthByHeight) {
  EXPECT_EQ(FormatSize(1920, 1080), "1920x1080");
  EXPECT_EQ(FormatSize(-1, int64_t{1} << 40), "-1x1099511627776");
}

TEST(CountOf, HasTheRightNumber) {
  EXPECT_EQ(CountOf(0, "frame"), "0 frames");
  EXPECT_EQ(CountOf(1, "frame"), "1 frame");
  EXPECT_EQ(CountOf(2, "frame"), "2 frames");
  EXPECT_EQ(CountOf(1, "entry has", "entries have"), "1 entry has");
  EXPECT_EQ(CountOf(-1, "entry has", "entries have"), "-1 entries have");
}

}  // namespace
}  // namespace mdvt
