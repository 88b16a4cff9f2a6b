// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <cmath>
#include <limits>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::json {
namespace {

using test::ExpectError;

Value ParseText(const std::string& text, const Limits& limits = {}) {
  return Parse(text, limits, "text");
}

TEST(JsonValue, KnowsItsKind) {
  const Value value = ParseText(R"([null, true, 7, 7.0, "a", [1], {"b": 2}])");
  const Value::Array& list = value.AsArray();
  ASSERT_EQ(list.size(), 7u);
  EXPECT_TRUE(list[0].is_null());
  EXPECT_EQ(list[1].AsBool(), true);
  EXPECT_TRUE(list[2].is_int());
  EXPECT_EQ(list[2].AsInt(), 7);
  EXPECT_EQ(list[2].AsDouble(), 7.0);
  EXPECT_TRUE(list[3].is_double());
  EXPECT_EQ(list[3].AsDouble(), 7.0);
  EXPECT_EQ(list[4].AsString(), "a");
  EXPECT_EQ(list[5].size(), 1u);
  EXPECT_EQ(list[6].At("b").AsInt(), 2);
  EXPECT_EQ(list[6].Find("c"), nullptr);
  EXPECT_EQ(list[5].Find("b"), nullptr);
  ExpectError(Code::kInvalidArgument, "true where a whole number is needed",
              [&] { list[1].AsInt(); });
  ExpectError(Code::kInvalidArgument, "7.5 where a whole number", [] { Value(7.5).AsInt(); });
  ExpectError(Code::kInvalidArgument, "a list where a text", [&] { list[5].AsString(); });
  ExpectError(Code::kInvalidArgument, "\"a\" where a number", [&] { list[4].AsDouble(); });
  ExpectError(Code::kInvalidArgument, "no key \"c\"", [&] { list[6].At("c"); });
}

TEST(JsonValue, WholeNumbersStayExact) {
  for (const int64_t number : {INT64_MIN, INT64_MAX, int64_t{9007199254740993}}) {
    const Value value = ParseText(std::to_string(number));
    ASSERT_TRUE(value.is_int());
    EXPECT_EQ(value.AsInt(), number);
    EXPECT_EQ(Write(value), std::to_string(number));
  }
  EXPECT_EQ(ParseText("9223372036854775808").AsDouble(), 9223372036854775808.0);
  EXPECT_TRUE(ParseText("9223372036854775808").is_double());
  EXPECT_TRUE(ParseText("-9223372036854775809").is_double());
  EXPECT_TRUE(ParseText("1e3").is_double());
  EXPECT_EQ(Value(uint64_t{1} << 63).AsDouble(), 9223372036854775808.0);
  EXPECT_EQ(Value(uint64_t{5}).AsInt(), 5);
  EXPECT_TRUE(std::signbit(ParseText("-0").AsDouble()));
}

TEST(JsonValue, IsBuiltInOrder) {
  Value value;
  value["z"] = 1;
  value["a"] = std::vector<std::string>{"x", "y"};
  value["m"].Add(nullptr);
  value["z"] = 0.5;
  value["m"].Add(Value::Members{{"k", false}});
  EXPECT_EQ(Write(value), R"({"z": 0.5, "a": ["x", "y"], "m": [null, {"k": false}]})");
  ExpectError(Code::kInvalidArgument, "where an object is needed", [&] { value["z"]["y"] = 1; });
  ExpectError(Code::kInvalidArgument, "where a list is needed", [&] { value.Add(1); });
}

TEST(JsonWrite, IsPrettyWithTwoSpaces) {
  const Value value = ParseText(R"({"a":{"b":[1,2.5,"c"],"d":[]},"e":[[1],{}],"f":{}})");
  EXPECT_EQ(Write(value, Layout::kPretty), R"({
  "a": {
    "b": [1, 2.5, "c"],
    "d": []
  },
  "e": [
    [1],
    {}
  ],
  "f": {}
})");
}

TEST(JsonWrite, NumbersAreShortestAndKeepTheirKind) {
  const double inf = std::numeric_limits<double>::infinity();
  const std::pair<double, const char*> rows[] = {{0.1, "0.1"},
                                                 {1, "1.0"},
                                                 {-0.0, "-0.0"},
                                                 {1e22, "1e+22"},
                                                 {1e-5, "1e-05"},
                                                 {inf, "Infinity"},
                                                 {-inf, "-Infinity"},
                                                 {std::nan(""), "NaN"},
                                                 {1.0 / 3, "0.3333333333333333"}};
  for (const auto& [number, text] : rows) {
    EXPECT_EQ(Write(Value(number)), text);
    EXPECT_EQ(ParseText(text), Value(number)) << text;
  }
  EXPECT_NE(Value(1), Value(1.0)) << "kinds differ";
}

TEST(JsonWrite, EscapesWhatItMust) {
  EXPECT_EQ(Write(Value("\"\\/\b\f\n\r\t\x01\x1f")), R"("\"\\/\b\f\n\r\t\u0001\u001f")");
  EXPECT_EQ(Write(Value(std::string("a\0b", 3))), R"("a\u0000b")");
  EXPECT_EQ(Write(Value("\xC3\xA9\xF0\x9F\x98\x80\x7f")), "\"\xC3\xA9\xF0\x9F\x98\x80\x7f\"");
  EXPECT_EQ(Write(Value("a\xFF\xC3")), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"") << "not UTF-8: U+FFFD";
}

TEST(JsonWrite, ReadsBackTheSame) {
  const std::string text =
      R"({"b": [1, -2.5, NaN, {"\u0007": "\ud83d\ude00"}], "a": {"": null, "x": [[], {}]}, "c": 1e300})";
  const Value value = ParseText(text);
  for (const Layout layout : {Layout::kOneLine, Layout::kPretty}) {
    EXPECT_EQ(ParseText(Write(value, layout)), value);
  }
}

TEST(JsonParse, RefusesWithLineAndColumn) {
  ExpectError(Code::kCorrupt, "text: the text is empty (line 1, column 1)", [] { ParseText(""); });
  ExpectError(Code::kCorrupt, "text: the key \"a\" stands twice (line 2, column 2)",
              [] { ParseText("{\"a\": 1,\n \"a\": 1}"); });
  ExpectError(Code::kCorrupt, "more text after the end of the value (line 1, column 4)",
              [] { ParseText("{} {}"); });
  ExpectError(Code::kCorrupt, "(line 2, column 1)", [] { ParseText("{\n// comment\n}"); });
  ExpectError(Code::kCorrupt, "not valid UTF-8", [] { ParseText("{\"a\": \"\xFF\"}"); });
  EXPECT_EQ(ParseText(R"({"a": {"a": 1}, "b": {"a": 1}})").size(), 2u) << "in different objects";
}

TEST(JsonParse, HasLimits) {
  Limits limits;
  limits.max_text_bytes = 3;
  EXPECT_EQ(ParseText("[1]", limits).size(), 1u);
  ExpectError(Code::kLimit, "4 bytes, the limit is 3", [&] { ParseText("[12]", limits); });
  limits = {};
  limits.max_json_depth = 2;
  EXPECT_EQ(ParseText("[[1]]", limits).size(), 1u);
  ExpectError(Code::kLimit, "deeper than the limit of 2", [&] { ParseText("[[[1]]]", limits); });
  limits.max_json_depth = 1 << 30;
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(ParseText(nested(256), limits).size(), 1u);
  ExpectError(Code::kLimit, "deeper than the limit of 256",
              [&] { ParseText(nested(257), limits); });
  std::string many = "[0";
  for (int i = 0; i < (1 << 20) - 2; ++i) many += ",0";
  EXPECT_EQ(ParseText(many + "]").size(), (size_t{1} << 20) - 1);
  ExpectError(Code::kLimit, "more than 1048576 values", [&] { ParseText(many + ",0]"); });
}

TEST(JsonObject, GettersTakeWhatIsValid) {
  const Value value = ParseText(R"({"text": "t", "flag": true, "number": 2, "integer": 1e3,
      "numbers": [1, 2.5], "integers": [3, 4.0], "texts": ["a"], "child": {"x": 1},
      "children": [{"x": 1}, {"x": 2}], "none": null, "choice": "b"})");
  const Object object(value, "file");
  EXPECT_EQ(object.Text("text"), "t");
  EXPECT_EQ(object.Text("none", "d"), "d");
  EXPECT_EQ(object.Flag("flag", false), true);
  EXPECT_EQ(object.Number("number", 0, 2), 2);
  EXPECT_EQ(object.Number("gone", 0, 2, 9), 9);
  EXPECT_EQ(object.Integer("integer", 0, 1000), 1000);
  EXPECT_EQ(object.Numbers("numbers", 0, 3, 2), (std::vector<double>{1, 2.5}));
  EXPECT_EQ(object.Integers("integers", 0, 9, 0), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(object.Texts("texts"), std::vector<std::string>{"a"});
  EXPECT_EQ(object.Child("child").Integer("x", 0, 9), 1);
  EXPECT_EQ(object.Children("children", 2)[1].Name("x"), "file: children[1].x");
  EXPECT_EQ(object.Choice<int>("choice", {{"a", 1}, {"b", 2}}), 2);
  EXPECT_EQ(object.Raw("none"), nullptr);
  std::vector<std::string> unknown;
  object.AddUnknown(&unknown);
  EXPECT_TRUE(unknown.empty());
  const Object child = object.Child("child");
  child.AddUnknown(&unknown);
  EXPECT_EQ(unknown, std::vector<std::string>{"child.x"});
}

TEST(JsonObject, ErrorsNameTheKeyAndWhatIsValid) {
  const Value value = ParseText(R"({"text": 1, "flag": 0, "number": 3, "nan": NaN, "integer": 1.5,
      "numbers": [1, "x"], "child": [], "choice": "c", "big": 9223372036854775808})");
  const Object object(value, "file", "a.b");
  const auto corrupt = [](const std::string& text, const auto& body) {
    ExpectError(Code::kCorrupt, "file: a.b" + text, body);
  };
  corrupt(".gone is missing, must be a text", [&] { object.Text("gone"); });
  corrupt(".text = 1, must be a text", [&] { object.Text("text"); });
  corrupt(".flag = 0, must be true or false", [&] { object.Flag("flag", true); });
  corrupt(".number = 3, must be a number in [0, 2]", [&] { object.Number("number", 0, 2); });
  corrupt(".nan = nan, must be a number in [0, 2]", [&] { object.Number("nan", 0, 2); });
  corrupt(".integer = 1.5, must be a whole number in [0, 2]",
          [&] { object.Integer("integer", 0, 2); });
  corrupt(".big = 9223372036854775808, must be a whole number",
          [&] { object.Integer("big", 0, INT64_MAX); });
  corrupt(".numbers has \"x\", must be 2 numbers", [&] { object.Numbers("numbers", 0, 2, 2); });
  corrupt(".numbers = a list, must be 3 numbers", [&] { object.Numbers("numbers", 0, 2, 3); });
  corrupt(".child = a list, must be an object", [&] { object.Child("child"); });
  corrupt(".child = a list, must be a list of 1 to 2 objects",
          [&] { object.Children("child", 2); });
  corrupt(".choice = \"c\", must be one of a, b", [&] {
    object.Choice<int>("choice", {{"a", 1}, {"b", 2}});
  });
  corrupt(" is 3, must be an object", [&] { Object(Value(3), "file", "a.b"); });
}

}  // namespace
}  // namespace mdvt::json
