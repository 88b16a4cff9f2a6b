// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/size_rules.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {

static void PrintTo(const PixelSize& size, std::ostream* out) {
  *out << size.width << "x" << size.height;
}

namespace {

struct Row {
  PixelSize video;
  PixelSize decoded;
  PixelSize network;
};

// The sizes that the original tool arrives at.
TEST(SizeRules, FollowTheTableOfTheOriginal) {
  const Row rows[] = {
      {{1920, 1080}, {922, 518}, {924, 518}}, {{1440, 1080}, {692, 518}, {686, 518}},
      {{1920, 800}, {1244, 518}, {910, 378}}, {{2048, 858}, {1236, 518}, {938, 392}},
      {{1998, 1080}, {958, 518}, {938, 504}}, {{640, 360}, {640, 360}, {924, 518}},
      {{1080, 1920}, {518, 922}, {518, 924}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(DecodedSize(row.video, 518), row.decoded);
    EXPECT_EQ(NetworkSize(row.decoded, 518), row.network);
  }
}

TEST(SizeRules, CountTokens) {
  const PixelSize network = NetworkSize({922, 518}, 518);
  EXPECT_EQ(network.width / 14 * (network.height / 14), 2442);
}

TEST(SizeRules, RaiseAnInputSizeThatIsNoMultiple) {
  EXPECT_EQ(NetworkSize(DecodedSize({1920, 1080}, 440), 440), (PixelSize{784, 448}));
}

TEST(SizeRules, AreAlwaysMultiplesAndNeverEmpty) {
  const int sides[] = {1, 2, 13, 14, 15, 100, 359, 1081, 4096, 16384};
  for (const int width : sides) {
    for (const int height : sides) {
      for (const int input_size : {14, 100, 518, 1022}) {
        const PixelSize decoded = DecodedSize({width, height}, input_size);
        EXPECT_GE(decoded.width, 1);
        EXPECT_GE(decoded.height, 1);
        const PixelSize network = NetworkSize(decoded, input_size);
        EXPECT_GT(network.width, 0);
        EXPECT_GT(network.height, 0);
        EXPECT_EQ(network.width % 14, 0);
        EXPECT_EQ(network.height % 14, 0);
      }
    }
  }
}

TEST(SizeRules, RefuseSizesOutOfRange) {
  EXPECT_THROW(DecodedSize({0, 10}, 518), Error);
  EXPECT_THROW(DecodedSize({10, 10}, 13), Error);
  EXPECT_THROW(NetworkSize({10, -1}, 518), Error);
  EXPECT_THROW(NetworkSize({10, 10}, 20000), Error);
  EXPECT_THROW(NetworkSize({10, 10}, 518, 0), Error);
}

SizeRule Rule(SizeMode mode, PixelSize target, int multiple) {
  SizeRule rule;
  rule.mode = mode;
  rule.target = target;
  rule.multiple = multiple;
  return rule;
}

PixelSize Network(PixelSize picture, const SizeRule& rule) {
  return PlanSize(picture, rule).network;
}

// Depth-Anything-V2: the table of the published tools, without the reduction of wide pictures.
TEST(PlanSize, CoversTheTarget) {
  const SizeRule rule = Rule(SizeMode::kCover, {518, 518}, 14);
  EXPECT_EQ(Network({1920, 1080}, rule), (PixelSize{924, 518}));
  EXPECT_EQ(Network({1440, 1080}, rule), (PixelSize{686, 518}));
  EXPECT_EQ(Network({1080, 1920}, rule), (PixelSize{518, 924}));
  EXPECT_EQ(Network({640, 360}, rule), (PixelSize{924, 518}));
  EXPECT_EQ(Network({518, 518}, rule), (PixelSize{518, 518}));
  // 440 is no multiple of 14: the side of 440 would be rounded down to 434, so it goes up.
  EXPECT_EQ(Network({1920, 1080}, Rule(SizeMode::kCover, {440, 440}, 14)), (PixelSize{784, 448}));
}

TEST(PlanSize, ReducesWidePicturesOnlyWhenAsked) {
  SizeRule rule = Rule(SizeMode::kCover, {518, 518}, 14);
  EXPECT_EQ(Network({1244, 518}, rule), (PixelSize{1246, 518}));
  rule.wide_above = 1.78;
  rule.wide_as = 1.777;
  EXPECT_EQ(Network({1244, 518}, rule), (PixelSize{910, 378}));
  EXPECT_EQ(Network({518, 1244}, rule), (PixelSize{378, 910}));
  EXPECT_EQ(Network({922, 518}, rule), (PixelSize{924, 518}));
}

TEST(PlanSize, FitsIntoTheTarget) {
  const SizeRule midas = Rule(SizeMode::kFit, {384, 384}, 32);
  EXPECT_EQ(Network({1920, 1080}, midas), (PixelSize{384, 224}));  // 216 / 32 = 6.75
  EXPECT_EQ(Network({1080, 1920}, midas), (PixelSize{224, 384}));
  EXPECT_EQ(Network({100, 100}, midas), (PixelSize{384, 384}));
  const SizeRule da3 = Rule(SizeMode::kFit, {504, 504}, 14);
  EXPECT_EQ(Network({1920, 1080}, da3), (PixelSize{504, 280}));
  // 500 / 14 = 35.7 would round up to 504, beyond the target.
  EXPECT_EQ(Network({1000, 1000}, Rule(SizeMode::kFit, {500, 500}, 14)), (PixelSize{490, 490}));
}

TEST(PlanSize, ChangesThePictureAsLittleAsPossible) {
  const SizeRule rule = Rule(SizeMode::kMinimal, {384, 384}, 32);
  // 384 / 1080 is nearer to 1 than 384 / 1920.
  EXPECT_EQ(Network({1920, 1080}, rule), (PixelSize{672, 384}));  // 682.7 / 32 = 21.3
  EXPECT_EQ(Network({1080, 1920}, rule), (PixelSize{384, 672}));
  EXPECT_EQ(Network({320, 100}, rule), (PixelSize{384, 128}));  // 120 / 32 = 3.75
}

// UniDepth V2, the size that the specification names.
TEST(PlanSize, BringsTheAreaIntoItsRange) {
  SizeRule rule = Rule(SizeMode::kArea, {518, 518}, 14);
  rule.rounding = SizeRounding::kCeil;
  rule.min_pixels = 200000;
  rule.max_pixels = 600000;
  EXPECT_EQ(Network({1920, 1080}, rule), (PixelSize{1036, 588}));
  EXPECT_EQ(Network({700, 700}, rule), (PixelSize{700, 700}));
  EXPECT_EQ(Network({701, 700}, rule), (PixelSize{714, 700}));
  EXPECT_EQ(Network({100, 100}, rule), (PixelSize{448, 448}));  // 447.2, cut to 447
}

TEST(PlanSize, PadsToTheRangeOfProportions) {
  SizeRule rule = Rule(SizeMode::kNative, {518, 518}, 1);
  rule.pad.min_aspect = 0.5;
  rule.pad.max_aspect = 2.5;
  SizePlan plan = PlanSize({1000, 301}, rule);
  EXPECT_EQ(plan.padded, (PixelSize{1000, 400}));
  EXPECT_EQ(plan.picture, (PixelRect{0, 49, 1000, 301}));
  plan = PlanSize({100, 333}, rule);
  EXPECT_EQ(plan.padded, (PixelSize{166, 333}));
  EXPECT_EQ(plan.picture, (PixelRect{33, 0, 100, 333}));
  plan = PlanSize({200, 100}, rule);
  EXPECT_EQ(plan.picture, (PixelRect{0, 0, 200, 100}));
}

TEST(PlanSize, LetterboxesOrStretchesAFixedSize) {
  SizeRule rule = Rule(SizeMode::kFixed, {616, 462}, 14);
  SizePlan plan = PlanSize({1920, 1080}, rule);
  EXPECT_EQ(plan.network, (PixelSize{616, 462}));
  EXPECT_EQ(plan.content, (PixelRect{0, 58, 616, 346}));  // 346.5, halves to even
  plan = PlanSize({462, 616}, rule);
  EXPECT_EQ(plan.content, (PixelRect{135, 0, 346, 462}));
  rule.keep_aspect = false;
  EXPECT_EQ(PlanSize({1920, 1080}, rule).content, (PixelRect{0, 0, 616, 462}));
  // A module that is not dynamic has its target whatever the mode says.
  rule.mode = SizeMode::kCover;
  rule.dynamic = false;
  EXPECT_EQ(Network({1920, 1080}, rule), (PixelSize{616, 462}));
}

TEST(PlanSize, RoundsInEveryWay) {
  SizeRule rule = Rule(SizeMode::kNative, {518, 518}, 8);
  EXPECT_EQ(Network({1920, 1080}, rule), (PixelSize{1920, 1080}));
  EXPECT_EQ(Network({20, 28}, rule), (PixelSize{16, 32}));  // 2.5 and 3.5: halves to even
  rule.rounding = SizeRounding::kCeil;
  EXPECT_EQ(Network({17, 16}, rule), (PixelSize{24, 16}));
  rule.rounding = SizeRounding::kFloor;
  EXPECT_EQ(Network({23, 16}, rule), (PixelSize{16, 16}));
  EXPECT_EQ(Network({3, 3}, rule), (PixelSize{8, 8}));  // never empty
}

// A scale times a side that misses a whole number by an ulp does not cost a multiple.
TEST(PlanSize, RoundsUpExactSidesToThemselves) {
  SizeRule rule = Rule(SizeMode::kFit, {518, 518}, 14);
  rule.rounding = SizeRounding::kCeil;
  for (int side = 1; side < 3000; ++side) {
    ASSERT_EQ(Network({side, side}, rule), (PixelSize{518, 518})) << side;
  }
  rule.rounding = SizeRounding::kFloor;
  for (int side = 1; side < 3000; ++side) {
    ASSERT_EQ(Network({side, side}, rule), (PixelSize{518, 518})) << side;
  }
}

TEST(PlanSize, StaysWithinWhatTheModuleTakes) {
  SizeRule rule = Rule(SizeMode::kCover, {518, 518}, 14);
  rule.min = {14, 14};
  rule.max = {2002, 2002};
  EXPECT_EQ(Network({4000, 1000}, rule), (PixelSize{2002, 504}));  // 500.5 / 14 = 35.75
  const int sides[] = {1, 2, 13, 100, 359, 1081, 4096, 16384, 1 << 20};
  for (const int width : sides) {
    for (const int height : sides) {
      for (const SizeMode mode : {SizeMode::kCover, SizeMode::kFit, SizeMode::kMinimal,
                                  SizeMode::kArea, SizeMode::kNative}) {
        for (const SizeRounding rounding :
             {SizeRounding::kNearestEven, SizeRounding::kCeil, SizeRounding::kFloor}) {
          for (const bool keep_aspect : {true, false}) {
            rule.mode = mode;
            rule.rounding = rounding;
            rule.keep_aspect = keep_aspect;
            const SizePlan plan = PlanSize({width, height}, rule);
            ASSERT_TRUE(IsDeclaredSize(plan.network, rule))
                << width << "x" << height << " -> " << plan.network.width << "x"
                << plan.network.height;
          }
        }
      }
    }
  }
}

TEST(IsDeclaredSize, TellsWhatAModuleTakes) {
  SizeRule rule = Rule(SizeMode::kCover, {518, 518}, 14);
  rule.min = {28, 28};
  rule.max = {700, 700};
  EXPECT_TRUE(IsDeclaredSize({518, 28}, rule));
  EXPECT_FALSE(IsDeclaredSize({519, 518}, rule));
  EXPECT_FALSE(IsDeclaredSize({518, 14}, rule));
  EXPECT_FALSE(IsDeclaredSize({714, 518}, rule));
  rule.dynamic = false;
  EXPECT_TRUE(IsDeclaredSize({518, 518}, rule));
  EXPECT_FALSE(IsDeclaredSize({518, 504}, rule));
}

template <typename Change>
std::string Refusal(const Change& change) {
  SizeRule rule;
  rule.mode = SizeMode::kCover;
  rule.multiple = 14;
  rule.Check();
  change(&rule);
  try {
    PlanSize({64, 64}, rule);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "";
}

TEST(SizeRule, RefusesFieldsOutOfRange) {
  const auto names = [](const std::string& text, const char* field) {
    EXPECT_NE(text.find(std::string("SizeRule.") + field), std::string::npos) << text;
  };
  names(Refusal([](SizeRule* r) { r->multiple = 0; }), "multiple");
  names(Refusal([](SizeRule* r) { r->target.width = 0; }), "target");
  names(Refusal([](SizeRule* r) { r->target.height = 16385; }), "target");
  names(Refusal([](SizeRule* r) {
          r->dynamic = false;
          r->target = {520, 518};
        }),
        "target");
  names(Refusal([](SizeRule* r) { r->min = {20, 0}; }), "min");
  names(Refusal([](SizeRule* r) { r->max = {(1 << 20) + 1, 30}; }), "min");
  names(Refusal([](SizeRule* r) {
          r->min = {15, 15};
          r->max = {27, 27};
        }),
        "min");
  names(Refusal([](SizeRule* r) { r->min_pixels = std::nan(""); }), "min_pixels");
  names(Refusal([](SizeRule* r) { r->max_pixels = std::numeric_limits<double>::infinity(); }),
        "min_pixels");
  names(Refusal([](SizeRule* r) { r->wide_above = 1.78; }), "wide_above");
  names(Refusal([](SizeRule* r) {
          r->wide_above = r->wide_as = 1.5;
          r->target = {518, 392};
        }),
        "wide_above");
  names(Refusal([](SizeRule* r) { r->pad.min_aspect = std::nan(""); }), "pad");
  names(Refusal([](SizeRule* r) { r->pad.max_aspect = 0; }), "pad");
  names(Refusal([](SizeRule* r) { r->pad.value[1] = 2; }), "pad.value");
}

TEST(PlanSize, RefusesPicturesOutOfRange) {
  EXPECT_THROW(PlanSize({0, 10}, SizeRule()), Error);
  EXPECT_THROW(PlanSize({10, (1 << 20) + 1}, SizeRule()), Error);
}

}  // namespace
}  // namespace mdvt
