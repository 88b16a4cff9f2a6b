// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

enum class Color { kRed, kGreen };

struct Paint {
  std::string input;
  std::string output;
  double radius = 2;
  int64_t frames = -1;
  int threads = 0;
  bool wet = false;
  bool smooth = true;
  Color color = Color::kRed;
  std::optional<Color> rim;
  std::optional<double> angle;
  std::optional<int> count;
  std::string codec = "x264";
  std::string where = "near";
  bool classic = false;
};

void Describe(OptionList* list, Paint* p) {
  static const EnumNames<Color> colors = {
      {"red", Color::kRed}, {"green", Color::kGreen}, {"verde", Color::kGreen, true}};
  list->Field("input", &p->input, "FILE", "what to paint").Input(true).Required().Positional(0);
  list->Field("output", &p->output, "FILE", "where to").Output().Default("<input>_painted");
  list->Section("brush");
  list->Field("radius", &p->radius, {0, 100, true, false}, "PIXELS", "how far it reaches");
  list->Field("max_frames", &p->frames, {1, 1e18}, "N", "stop after so many").Or(-1, "all");
  list->Field("threads", &p->threads, {0, 1024}, "N", "workers");
  list->Field("wet", &p->wet, "wet paint").OnlyWith("color", {"green"});
  list->Field("smooth", &p->smooth, "smooth paint").Switch();
  list->Field("color", &p->color, colors, "of the paint").Alias("colour");
  list->Field("rim", &p->rim, colors, "of the rim").Default("none");
  list->Field("angle", &p->angle, {0, 180, true, true}, "DEGREES", "of the brush")
      .Excludes("count");
  list->Field("count", &p->count, {1, 8}, "N", "of brushes").OnlyWith("rim");
  list->Choice("codec", &p->codec, {"ffv1", "x264"}, "how to write");
  list->Custom(
      "where", "WHERE", "near, far or a number", "where it is", [p] { return p->where; },
      [p](const std::string& text) {
        if (text != "near" && text != "far" && text != "0.5") return false;
        p->where = text;
        return true;
      });
  list->Field("classic", &p->classic, "as it was")
      .Preset({{"radius", "7"}, {"smooth", "off"}, {"angle", "45"}});
  list->Refuse({"spray"}, "this brush has no nozzle");
  list->Refuse({"color=lapis"}, "it is too dear");
}

std::string FailureOf(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    return error.what();
  }
  return "nothing failed";
}

class Options : public ::testing::Test {
 protected:
  Options() { Describe(&list_, &paint_); }

  Paint paint_;
  OptionList list_;
};

TEST_F(Options, SetTheFieldsOfTheStruct) {
  list_.Set("input", std::string("a.mp4"));
  list_.Set("radius", 3.5);
  list_.Set("radius", int64_t{4});  // a whole number is a number too
  list_.Set("max_frames", 12.0);    // and a number without a fraction is whole
  list_.Set("threads", int64_t{2});
  list_.Set("wet", true);
  list_.Set("color", std::string("green"));
  list_.Set("rim", std::string("verde"));
  list_.Set("angle", 90.0);
  list_.Set("codec", std::string("ffv1"));
  list_.Set("where", std::string("0.5"));
  EXPECT_EQ(paint_.input, "a.mp4");
  EXPECT_EQ(paint_.radius, 4);
  EXPECT_EQ(paint_.frames, 12);
  EXPECT_EQ(paint_.threads, 2);
  EXPECT_TRUE(paint_.wet);
  EXPECT_EQ(paint_.color, Color::kGreen);
  EXPECT_EQ(paint_.rim, Color::kGreen);
  EXPECT_EQ(paint_.angle, 90);
  EXPECT_EQ(paint_.codec, "ffv1");
  EXPECT_EQ(paint_.where, "0.5");
  EXPECT_EQ(list_.Get("rim"), OptionValue(std::string("green")));
}

TEST_F(Options, TextsOfACommandLineMeanTheSame) {
  list_.SetText("max-frames", "-1");
  EXPECT_EQ(paint_.frames, -1);
  list_.SetText("smooth", "off");
  EXPECT_FALSE(paint_.smooth);
  list_.SetText("radius", "1e1");
  EXPECT_EQ(paint_.radius, 10);
  list_.SetText("colour", "green");
  EXPECT_EQ(paint_.color, Color::kGreen);
  EXPECT_TRUE(list_.WasGiven("color"));
  EXPECT_FALSE(list_.WasGiven("rim"));
}

TEST_F(Options, NoValueTakesAnOptionalOneBack) {
  list_.Set("angle", 90.0);
  list_.Set("angle", std::monostate{});
  EXPECT_FALSE(paint_.angle);
  EXPECT_FALSE(list_.WasGiven("angle"));
  list_.Set("rim", std::string("red"));
  list_.Set("rim", {});
  EXPECT_FALSE(paint_.rim);
  EXPECT_EQ(FailureOf([&] { list_.Set("radius", {}); }),
            "radius cannot be without a value, must be a number in (0, 100]");
}

TEST_F(Options, ValuesOutOfRangeAreNamedWithWhatIsValid) {
  const auto failure = [&](const std::string& name, const std::string& text) {
    return FailureOf([&] { list_.SetText(name, text); });
  };
  list_.SetPrefix("--");
  EXPECT_EQ(failure("radius", "0"), "--radius is '0', must be a number in (0, 100]");
  EXPECT_EQ(failure("radius", "nan"), "--radius is 'nan', must be a number in (0, 100]");
  EXPECT_EQ(failure("radius", "wide"), "--radius is 'wide', must be a number in (0, 100]");
  EXPECT_EQ(failure("max_frames", "0"),
            "--max_frames is '0', must be -1 (all) or a whole number from 1 on");
  EXPECT_EQ(failure("max_frames", "1.5"),
            "--max_frames is '1.5', must be -1 (all) or a whole number from 1 on");
  EXPECT_EQ(failure("threads", "99999999999999999999"),
            "--threads is '99999999999999999999', must be a whole number in [0, 1024]");
  EXPECT_EQ(failure("max_frames", "9007199254740993"),
            "--max_frames is '9007199254740993', must be -1 (all) or a whole number from 1 on");
  EXPECT_EQ(failure("color", "blue"), "--color is 'blue', must be one of red|green");
  EXPECT_EQ(failure("codec", "vp9"), "--codec is 'vp9', must be one of ffv1|x264");
  EXPECT_EQ(failure("smooth", "maybe"), "--smooth is 'maybe', must be on or off");
  EXPECT_EQ(failure("where", "left"), "--where is 'left', must be near, far or a number");
  EXPECT_EQ(failure("input", std::string("a\0b", 3)), "--input contains a zero byte");
  EXPECT_EQ(paint_.radius, 2);
  EXPECT_EQ(paint_.where, "near");
}

TEST_F(Options, ValuesOfAnotherTypeAreRefused) {
  EXPECT_EQ(FailureOf([&] { list_.Set("wet", int64_t{1}); }), "wet is '1', must be on or off");
  EXPECT_EQ(FailureOf([&] { list_.Set("threads", 1.5); }),
            "threads is '1.5', must be a whole number in [0, 1024]");
  EXPECT_EQ(FailureOf([&] { list_.Set("input", 1.5); }), "input is '1.5', must be a text");
  EXPECT_EQ(FailureOf([&] { list_.Set("radius", true); }),
            "radius is 'on', must be a number in (0, 100]");
}

TEST_F(Options, TextsThatMayBeNumbersAreTakenAsNumbersToo) {
  list_.Set("where", 0.5);
  EXPECT_EQ(paint_.where, "0.5");
  EXPECT_NE(FailureOf([&] { list_.Set("where", 0.25); }).find("where is '0.25'"),
            std::string::npos);
  EXPECT_NE(FailureOf([&] { list_.Set("output", int64_t{1}); }).find("output is '1'"),
            std::string::npos);
}

TEST_F(Options, UnknownNamesSuggestANearOne) {
  EXPECT_EQ(FailureOf([&] { list_.SetText("raduis", "3"); }),
            "unknown option 'raduis', did you mean radius?");
  EXPECT_EQ(FailureOf([&] { list_.SetText("zebra", "3"); }), "unknown option 'zebra'");
  EXPECT_EQ(FailureOf([&] { list_.SetText("spray", "on"); }),
            "spray is not available: this brush has no nozzle");
  EXPECT_EQ(FailureOf([&] { list_.SetText("colour", "lapis"); }),
            "color lapis is not available: it is too dear");
  EXPECT_EQ(FailureOf([&] { list_.SetText("rim", "lapis"); }),
            "rim is 'lapis', must be one of red|green");
}

TEST_F(Options, PresetsFillInWhatIsNotGiven) {
  list_.Set("input", std::string("a"));
  list_.Set("classic", true);
  list_.Set("radius", 3.0);
  list_.Settle();
  EXPECT_EQ(paint_.radius, 3);
  EXPECT_FALSE(paint_.smooth);
  EXPECT_EQ(paint_.angle, 45);
  EXPECT_FALSE(list_.WasGiven("smooth"));
}

TEST_F(Options, PresetsStepBackForWhatExcludesThem) {
  list_.Set("input", std::string("a"));
  list_.Set("rim", std::string("red"));
  list_.Set("count", int64_t{2});
  list_.Set("classic", true);
  list_.Settle();
  EXPECT_FALSE(paint_.angle);
}

TEST_F(Options, OptionsThatDoNotGoTogether) {
  list_.SetPrefix("--");
  list_.Set("input", std::string("a"));
  list_.Set("wet", true);
  EXPECT_EQ(FailureOf([&] { list_.Settle(); }), "--wet belongs to --color green");
  list_.Set("color", std::string("green"));
  list_.Settle();
  list_.Set("count", int64_t{1});
  EXPECT_EQ(FailureOf([&] { list_.Settle(); }), "--count belongs to --rim");
  list_.Set("rim", std::string("red"));
  list_.Settle();
  list_.Set("angle", 3.0);
  EXPECT_EQ(FailureOf([&] { list_.Settle(); }), "give --angle or --count, not both");
}

TEST(OptionConditions, RatesMayBeRatios) {
  double fps = 24;
  double plain = 1;
  OptionList list;
  list.Field("fps", &fps, Range{0, 1000, true, false}, "FPS", "the rate").Rate();
  list.Field("plain", &plain, Range{0, 9}, "N", "no rate");
  list.SetText("fps", "24000/1001");
  EXPECT_EQ(fps, 24000.0 / 1001);
  list.Set("fps", std::string("30000/1001"));
  EXPECT_EQ(fps, 30000.0 / 1001);
  list.SetText("fps", "25");
  EXPECT_EQ(fps, 25);
  list.Set("fps", std::string("23.976"));
  EXPECT_EQ(fps, 23.976);
  for (const char* bad :
       {"24000/0", "/1001", "24/", "1/2/3", "-24/1", "0/1", "24000/1", "16:9", ""})
    EXPECT_EQ(FailureOf([&] { list.SetText("fps", bad); }),
              "fps is '" + std::string(bad) +
                  "', must be a number in (0, 1000] or a ratio of two such as 24000/1001");
  EXPECT_EQ(fps, 23.976) << "what is refused changes nothing";
  EXPECT_EQ(FailureOf([&] { list.SetText("plain", "1/2"); }),
            "plain is '1/2', must be a number in [0, 9]");
}

TEST(OptionConditions, AnImpliedValueStandsForOneThatIsNotGiven) {
  std::optional<std::string> engine;
  std::string file;
  double scale = 1;
  OptionList list;
  static const EnumNames<std::string> names = {{"steam", "steam"}, {"wind", "wind"}};
  list.Field("engine", &engine, names, "what drives it").Implied([&] {
    return file.empty() ? "steam" : "wind";
  });
  list.Field("file", &file, "FILE", "the winds").RequiredWith("engine", {"wind"});
  list.Field("scale", &scale, Range{0, 9}, "N", "of the kettle").OnlyWith("engine", {"steam"});
  list.Settle();
  list.Set("scale", 2.0);
  list.Settle();
  list.Set("file", std::string("west"));
  EXPECT_EQ(FailureOf([&] { list.Settle(); }), "scale belongs to engine steam");
  list.Reset("scale");
  list.Reset("file");
  list.Set("engine", std::string("wind"));
  EXPECT_EQ(FailureOf([&] { list.Settle(); }), "file is required: the winds");
  list.Set("engine", {});
  list.Settle();
  EXPECT_FALSE(engine.has_value());
}

TEST_F(Options, AStructFilledInByHandIsChecked) {
  EXPECT_EQ(FailureOf([&] { list_.Check(); }), "input is required: what to paint");
  paint_.input = "a";
  list_.Check();
  paint_.radius = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(FailureOf([&] { list_.Check(); }), "radius is 'nan', must be a number in (0, 100]");
  paint_.radius = 1;
  paint_.count = 9;
  EXPECT_EQ(FailureOf([&] { list_.Check(); }), "count is '9', must be a whole number in [1, 8]");
  paint_.count.reset();
  paint_.codec = "vp9";
  EXPECT_EQ(FailureOf([&] { list_.Check(); }), "codec is 'vp9', must be one of ffv1|x264");
}

TEST_F(Options, AnotherListTakesOverWhatWasGiven) {
  list_.Set("radius", 3.0);
  Paint other = paint_;
  OptionList list;
  Describe(&list, &other);
  list.TakeGiven(list_);
  EXPECT_TRUE(list.WasGiven("radius"));
  EXPECT_FALSE(list.WasGiven("angle"));
}

TEST_F(Options, AreResetToWhatHeldAtFirst) {
  list_.Set("radius", 3.0);
  list_.Set("count", int64_t{2});
  list_.Set("input", std::string("a"));
  for (const char* name : {"radius", "count", "input"}) list_.Reset(name);
  EXPECT_EQ(paint_.radius, 2);
  EXPECT_FALSE(paint_.count.has_value());
  EXPECT_EQ(paint_.input, "");
  EXPECT_FALSE(list_.WasGiven("radius"));
  EXPECT_EQ(FailureOf([&] { list_.Reset("radios"); }),
            "unknown option 'radios', did you mean radius?");
}

TEST_F(Options, NamesOfAnyLengthAreRefusedAtOnce) {
  const std::string endless(10000000, 'r');
  EXPECT_EQ(FailureOf([&] { list_.At(endless); }), "unknown option '" + endless + "'");
}

TEST_F(Options, DescribeThemselves) {
  const Option& radius = list_.At("radius");
  EXPECT_EQ(radius.section, "brush");
  EXPECT_EQ(radius.DefaultText(), "2");
  EXPECT_EQ(radius.Valid(), "a number in (0, 100]");
  EXPECT_EQ(list_.At("input").DefaultText(), "required");
  EXPECT_EQ(list_.At("output").DefaultText(), "<input>_painted");
  EXPECT_EQ(list_.At("angle").DefaultText(), "none");
  EXPECT_EQ(list_.At("color").choices, (std::vector<std::string>{"red", "green"}));
  EXPECT_EQ(list_.At("max_frames").DefaultText(), "all");
  list_.Set("radius", 5.0);
  EXPECT_EQ(radius.DefaultText(), "2");  // what it was at first
}

TEST_F(Options, DescribingANameTwiceIsABug) {
  try {
    list_.Field("radius", &paint_.wet, "again");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kInternal);
  }
}

}  // namespace
}  // namespace mdvt
