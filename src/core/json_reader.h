// SPDX-License-Identifier: Apache-2.0
//
// A strict pull parser for JSON that also takes the bare tokens NaN, Infinity and -Infinity, as
// Python writes them. No recursion and no tree: memory does not grow with the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/limits.h"

namespace mdvt {

class JsonReader {
 public:
  enum class Token {
    kBeginArray,
    kEndArray,
    kBeginObject,
    kEndObject,
    kKey,     // text()
    kString,  // text()
    kNumber,  // number(), NaN and infinities included
    kNull,
    kTrue,
    kFalse,
    kEnd,  // nothing but white space was left
  };

  // `what` begins the text of every error: "FOV list". The bytes must outlive the reader. A UTF-8
  // byte order mark is skipped. Throws Error(kLimit) past limits.max_text_bytes.
  JsonReader(const char* data, size_t size, std::string what, const Limits& limits);

  // Throws Error(kCorrupt) with line and column, Error(kLimit) past limits.max_json_depth.
  Token Next();

  double number() const { return number_; }
  // The same number where it is written without point and exponent and fits; "-0" does not.
  std::optional<int64_t> integer() const { return integer_; }
  // UTF-8, escapes resolved.
  const std::string& text() const { return text_; }

  // Next() must give this; `expected` says what would be valid: "a list of numbers".
  void Expect(Token token, const char* expected);

  // Throws Error(code) "<what>: <text> (line L, column C)" about the last token.
  [[noreturn]] void Fail(const std::string& text, Code code = Code::kCorrupt) const;

 private:
  Token Value();
  Token Scalar(Token token);
  Token Number();
  Token Open(Token token, char close);
  Token Close();
  void String();
  void Escape();
  unsigned HexDigits();
  bool TakeWord(const char* word);
  void SkipSpace();

  enum class State { kValue, kFirstValue, kFirstKey, kAfterValue, kAfterKey, kDone };

  const char* begin_;
  const char* at_;
  const char* end_;
  const char* token_;  // begin of the last token, for Fail()
  std::string what_;
  size_t max_depth_;
  State state_ = State::kValue;
  std::vector<char> open_;  // closing brackets that are due
  double number_ = 0;
  std::optional<int64_t> integer_;
  std::string text_;
};

}  // namespace mdvt
