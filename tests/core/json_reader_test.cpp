// SPDX-License-Identifier: Apache-2.0
#include "core/json_reader.h"

#include <cmath>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;
using Token = JsonReader::Token;

// The tokens of a text, one character each; scalars with their value.
std::string Tokens(const std::string& text) {
  JsonReader json(text.data(), text.size(), "text", {});
  std::string result;
  for (;;) {
    switch (json.Next()) {
      case Token::kBeginArray:
        result += '[';
        break;
      case Token::kEndArray:
        result += ']';
        break;
      case Token::kBeginObject:
        result += '{';
        break;
      case Token::kEndObject:
        result += '}';
        break;
      case Token::kKey:
        result += json.text() + ':';
        break;
      case Token::kString:
        result += '"' + json.text() + '"';
        break;
      case Token::kNumber:
        result += std::to_string(json.number()) + ' ';
        break;
      case Token::kNull:
        result += 'n';
        break;
      case Token::kTrue:
        result += 't';
        break;
      case Token::kFalse:
        result += 'f';
        break;
      case Token::kEnd:
        return result;
    }
  }
}

TEST(JsonReader, ReadsEveryKindOfValue) {
  EXPECT_EQ(Tokens("{}"), "{}");
  EXPECT_EQ(Tokens(" [ ] "), "[]");
  EXPECT_EQ(Tokens("[[],{},[null,true,false]]"), "[[]{}[ntf]]");
  EXPECT_EQ(Tokens("{\"a\":{\"b\":[1]},\"c\":\"d\"}"), "{a:{b:[1.000000 ]}c:\"d\"}");
  EXPECT_EQ(Tokens("-0.5e1"), "-5.000000 ");
  EXPECT_EQ(Tokens("[NaN,Infinity,-Infinity]"), "[nan inf -inf ]");
  EXPECT_EQ(Tokens("\"\""), "\"\"");
}

TEST(JsonReader, KeepsTheSignOfZero) {
  JsonReader json("-0.0", 4, "text", {});
  EXPECT_EQ(json.Next(), Token::kNumber);
  EXPECT_EQ(json.number(), 0);
  EXPECT_TRUE(std::signbit(json.number()));
}

TEST(JsonReader, ResolvesEscapes) {
  EXPECT_EQ(Tokens(R"("\"\\\/\b\f\n\r\t")"), "\"\"\\/\b\f\n\r\t\"");
  EXPECT_EQ(Tokens(R"("\u0041\u00e9\u20AC\ud83d\ude00")"),
            "\"A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
  EXPECT_EQ(Tokens("\"\xF0\x9F\x98\x80\""), "\"\xF0\x9F\x98\x80\"");
}

TEST(JsonReader, RefusesEverythingElse) {
  const struct {
    const char* text;
    const char* part;
  } cases[] = {
      {"", "the text is empty"},
      {"  ", "ends where a value is due"},
      {"[1,]", "not a JSON value"},
      {"[,1]", "not a JSON value"},
      {"[1 2]", "expected ',' or ']'"},
      {"[1", "ends inside an array or object"},
      {"[", "ends where a value is due"},
      {"]", "not a JSON value"},
      {"{1:2}", "expected a key"},
      {"{\"a\"}", "expected ':'"},
      {"{\"a\":}", "not a JSON value"},
      {"{\"a\":1,}", "expected a key"},
      {"{\"a\":1]", "expected ',' or '}'"},
      {"1 2", "more text after the end"},
      {"[] x", "more text after the end"},
      {"nul", "not a JSON value"},
      {"nulls", "not a JSON value"},
      {"True", "not a JSON value"},
      {"nan", "not a JSON value"},
      {"-NaN", "not a JSON number"},
      {"Infinit", "not a JSON number"},
      {"+1", "not a JSON value"},
      {"01", "not a JSON number"},
      {"-", "not a JSON number"},
      {"1.", "no digit after the point"},
      {".5", "not a JSON value"},
      {"1e", "no digit in the exponent"},
      {"1e+", "no digit in the exponent"},
      {"0x10", "not a JSON number"},
      {"1_000", "not a JSON number"},
      {"1e999", "does not fit"},
      {"1,5", "more text after the end"},
      {"\"a", "without its closing quote"},
      {"\"a\nb\"", "control character"},
      {"\"\\x\"", "unknown escape"},
      {"\"\\u12G4\"", "four hexadecimal digits"},
      {"\"\\u12", "four hexadecimal digits"},
      {"\"\\ud800\"", "half of a surrogate pair"},
      {"\"\\ud800\\u0041\"", "half of a surrogate pair"},
      {"\"\\udc00\"", "half of a surrogate pair"},
      {"\"\x80\"", "not valid UTF-8"},
      {"\"\xC0\xAF\"", "not valid UTF-8"},
      {"\"\xED\xA0\x80\"", "not valid UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "not valid UTF-8"},
      {"\"\xE2\x82\"", "not valid UTF-8"},
      {"// c\n1", "not a JSON value"},
      {"'a'", "not a JSON value"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    ExpectError(Code::kCorrupt, c.part, [&] { Tokens(c.text); });
  }
  ExpectError(Code::kCorrupt, "not a JSON value", [] { Tokens(std::string("\0", 1)); });
}

TEST(JsonReader, SaysWhere) {
  ExpectError(Code::kCorrupt, "text: not a JSON value (line 2, column 4)",
              [] { Tokens("[1,\n2, x]"); });
}

TEST(JsonReader, EveryTruncationOfAValidTextFails) {
  const std::string text =
      R"({"a": [1.5e3, -2, NaN, {"b\u0041": "c\ud83d\ude00"}], "d": [[], null]})";
  EXPECT_NO_THROW(Tokens(text));
  for (size_t n = 0; n < text.size(); ++n) {
    ExpectError(Code::kCorrupt, "text: ", [&] { Tokens(text.substr(0, n)); });
  }
}

TEST(JsonReader, LimitsNesting) {
  Limits limits;
  limits.max_json_depth = 3;
  const auto depth = [&](const std::string& text) {
    JsonReader json(text.data(), text.size(), "text", limits);
    while (json.Next() != Token::kEnd) {
    }
  };
  EXPECT_NO_THROW(depth("[{\"a\":[]},[[]]]"));
  ExpectError(Code::kLimit, "deeper than the limit of 3", [&] { depth("[[[[]]]]"); });
}

}  // namespace
}  // namespace mdvt
