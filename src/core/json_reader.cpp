// SPDX-License-Identifier: Apache-2.0
#include "core/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "core/text_file.h"
#include "core/utf8.h"

namespace mdvt {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWordChar(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
}

}  // namespace

JsonReader::JsonReader(const char* data, size_t size, std::string what, const Limits& limits)
    : begin_(data), end_(data + size), what_(std::move(what)) {
  at_ = token_ = CheckedText(data, size, what_, limits).data();
  max_depth_ = static_cast<size_t>(limits.max_json_depth);
}

void JsonReader::Fail(const std::string& text, Code code) const {
  size_t line = 1;
  const char* line_begin = begin_;
  for (const char* p = begin_; p < token_; ++p) {
    if (*p != '\n') continue;
    ++line;
    line_begin = p + 1;
  }
  throw Error(code, what_ + ": " + text + " (line " + std::to_string(line) + ", column " +
                        std::to_string(token_ - line_begin + 1) + ")");
}

void JsonReader::Expect(Token token, const char* expected) {
  if (Next() != token) Fail(std::string("expected ") + expected);
}

void JsonReader::SkipSpace() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  token_ = at_;
}

JsonReader::Token JsonReader::Next() {
  SkipSpace();
  const char c = at_ < end_ ? *at_ : '\0';
  switch (state_) {
    case State::kDone:
      if (at_ < end_) Fail("more text after the end of the value");
      return Token::kEnd;
    case State::kValue:
      return Value();
    case State::kFirstValue:
      if (c == ']') return Close();
      return Value();
    case State::kAfterKey:
      if (c != ':') Fail("expected ':' after a key");
      ++at_;
      SkipSpace();
      return Value();
    case State::kFirstKey:
      if (c == '}') return Close();
      break;
    case State::kAfterValue:
      if (c == open_.back()) return Close();
      if (c != ',') {
        Fail(at_ == end_ ? "the text ends inside an array or object"
                         : std::string("expected ',' or '") + open_.back() + "'");
      }
      ++at_;
      SkipSpace();
      if (open_.back() == ']') return Value();
      break;
  }
  if (at_ == end_ || *at_ != '"') Fail("expected a key in double quotes");
  String();
  state_ = State::kAfterKey;
  return Token::kKey;
}

JsonReader::Token JsonReader::Value() {
  if (at_ == end_)
    Fail(begin_ == end_ ? "the text is empty" : "the text ends where a value is due");
  switch (*at_) {
    case '[':
      return Open(Token::kBeginArray, ']');
    case '{':
      return Open(Token::kBeginObject, '}');
    case '"':
      String();
      return Scalar(Token::kString);
    case 'n':
      if (TakeWord("null")) return Scalar(Token::kNull);
      break;
    case 't':
      if (TakeWord("true")) return Scalar(Token::kTrue);
      break;
    case 'f':
      if (TakeWord("false")) return Scalar(Token::kFalse);
      break;
    case 'N':
    case 'I':
      return Number();
    default:
      if (*at_ == '-' || IsDigit(*at_)) return Number();
  }
  Fail("not a JSON value");
}

JsonReader::Token JsonReader::Scalar(Token token) {
  state_ = open_.empty() ? State::kDone : State::kAfterValue;
  return token;
}

JsonReader::Token JsonReader::Open(Token token, char close) {
  if (open_.size() >= max_depth_) {
    Fail("nested deeper than the limit of " + std::to_string(max_depth_), Code::kLimit);
  }
  ++at_;
  open_.push_back(close);
  state_ = close == ']' ? State::kFirstValue : State::kFirstKey;
  return token;
}

JsonReader::Token JsonReader::Close() {
  ++at_;
  const Token token = open_.back() == ']' ? Token::kEndArray : Token::kEndObject;
  open_.pop_back();
  return Scalar(token);
}

bool JsonReader::TakeWord(const char* word) {
  const size_t length = std::strlen(word);
  if (static_cast<size_t>(end_ - at_) < length || std::memcmp(at_, word, length) != 0) return false;
  if (at_ + length < end_ && IsWordChar(at_[length])) return false;
  at_ += length;
  return true;
}

JsonReader::Token JsonReader::Number() {
  integer_.reset();
  const char* p = at_;
  const char* begin = at_;
  const bool negative = *p == '-';
  if (negative) ++at_;
  if (!negative && TakeWord("NaN")) {
    number_ = std::numeric_limits<double>::quiet_NaN();
    return Scalar(Token::kNumber);
  }
  if (TakeWord("Infinity")) {
    number_ = (negative ? -1 : 1) * std::numeric_limits<double>::infinity();
    return Scalar(Token::kNumber);
  }
  // The grammar first: from_chars alone would take "01", "1." and "nan".
  p = at_;
  const auto digits = [&] {
    const char* first = p;
    while (p < end_ && IsDigit(*p)) ++p;
    return p > first;
  };
  if (p < end_ && *p == '0') {
    ++p;
  } else if (!digits()) {
    Fail("not a JSON number");
  }
  if (p < end_ && *p == '.') {
    ++p;
    if (!digits()) Fail("not a JSON number: no digit after the point");
  }
  if (p < end_ && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end_ && (*p == '+' || *p == '-')) ++p;
    if (!digits()) Fail("not a JSON number: no digit in the exponent");
  }
  if (p < end_ && IsWordChar(*p)) Fail("not a JSON number");
  const auto result = std::from_chars(at_, p, number_);
  if (result.ec == std::errc::result_out_of_range) {
    Fail("a number does not fit a 64-bit floating-point value");
  }
  if (result.ec != std::errc() || result.ptr != p) Fail("not a JSON number");
  if (negative) number_ = -number_;
  int64_t whole = 0;
  const auto exact = std::from_chars(begin, p, whole);
  const bool minus_zero = negative && whole == 0;
  if (exact.ec == std::errc() && exact.ptr == p && !minus_zero) integer_ = whole;
  at_ = p;
  return Scalar(Token::kNumber);
}

void JsonReader::String() {
  ++at_;
  text_.clear();
  for (;;) {
    if (at_ == end_) Fail("a string without its closing quote");
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') break;
    if (c < 0x20) Fail("a control character inside a string");
    if (c == '\\') {
      Escape();
    } else {
      const size_t length = Utf8SequenceLength(at_, static_cast<size_t>(end_ - at_));
      if (length == 0) Fail("a string is not valid UTF-8");
      text_.append(at_, length);
      at_ += length;
    }
  }
  ++at_;
}

unsigned JsonReader::HexDigits() {
  unsigned value = 0;
  for (int i = 0; i < 4; ++i, ++at_) {
    const char c = at_ < end_ ? *at_ : '\0';
    unsigned digit = 16;
    if (IsDigit(c)) digit = static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') digit = static_cast<unsigned>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') digit = static_cast<unsigned>(c - 'A' + 10);
    if (digit > 15) Fail("\\u needs four hexadecimal digits");
    value = value * 16 + digit;
  }
  return value;
}

void JsonReader::Escape() {
  ++at_;
  const char c = at_ < end_ ? *at_++ : '\0';
  switch (c) {
    case '"':
    case '\\':
    case '/':
      text_ += c;
      return;
    case 'b':
      text_ += '\b';
      return;
    case 'f':
      text_ += '\f';
      return;
    case 'n':
      text_ += '\n';
      return;
    case 'r':
      text_ += '\r';
      return;
    case 't':
      text_ += '\t';
      return;
    case 'u':
      break;
    default:
      Fail("unknown escape in a string");
  }
  char32_t point = HexDigits();
  if (point >= 0xD800 && point < 0xDC00 && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
    at_ += 2;
    const unsigned low = HexDigits();
    if (low < 0xDC00 || low > 0xDFFF) Fail("half of a surrogate pair in a string");
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  }
  if (point >= 0xD800 && point < 0xE000) Fail("half of a surrogate pair in a string");
  AppendUtf8(point, &text_);
}

}  // namespace mdvt
