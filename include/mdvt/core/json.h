// SPDX-License-Identifier: Apache-2.0
//
// JSON as a small tree: parsed strictly, written the same way every time.
//
//   json::Value report = json::Value::Members{{"threads", 2}, {"files", json::Value::Array{}}};
//   report["files"].Add("a.mkv");
//   std::string text = json::Write(report, json::Layout::kPretty);
//
// Besides JSON proper, the bare tokens NaN, Infinity and -Infinity are read and written as numbers,
// as Python does, so that Parse(Write(value)) == value for every value of valid UTF-8 texts (NaN
// equals NaN here).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "mdvt/core/limits.h"

namespace mdvt::json {

// One value. Whole numbers that fit 64 bits stay exact, objects keep the order of their keys.
class Value {
 public:
  using Array = std::vector<Value>;
  using Members = std::vector<std::pair<std::string, Value>>;

  Value() = default;  // null
  Value(std::nullptr_t) {}
  template <typename T, std::enable_if_t<std::is_arithmetic_v<T>, int> = 0>
  Value(T value) {
    if constexpr (std::is_same_v<T, bool>) {
      data_ = value;
    } else if constexpr (std::is_integral_v<T>) {
      // Only an unsigned value past 2^63 does not fit; it is as close as a double comes.
      const auto whole = static_cast<int64_t>(value);
      if (std::is_unsigned_v<T> && whole < 0) {
        data_ = static_cast<double>(value);
      } else {
        data_ = whole;
      }
    } else {
      data_ = static_cast<double>(value);
    }
  }
  Value(const char* text) : data_(std::string(text)) {}
  Value(std::string_view text) : data_(std::string(text)) {}
  Value(std::string text) : data_(std::move(text)) {}
  Value(Array list) : data_(std::move(list)) {}
  Value(Members members) : data_(std::move(members)) {}
  // A list of texts or numbers.
  template <typename T>
  Value(const std::vector<T>& list) : data_(Array(list.begin(), list.end())) {}

  bool is_null() const { return Is<std::monostate>(); }
  bool is_bool() const { return Is<bool>(); }
  bool is_int() const { return Is<int64_t>(); }
  bool is_double() const { return Is<double>(); }
  bool is_number() const { return is_int() || is_double(); }
  bool is_string() const { return Is<std::string>(); }
  bool is_array() const { return Is<Array>(); }
  bool is_object() const { return Is<Members>(); }

  // The value of that kind; Error(kInvalidArgument) if it is of another one.
  bool AsBool() const;
  int64_t AsInt() const;
  double AsDouble() const;  // of any number
  const std::string& AsString() const;
  const Array& AsArray() const;
  const Members& AsMembers() const;

  // Entries of a list or object; 0 for all else.
  size_t size() const;
  // The value of a key; nullptr if there is none, or this is no object.
  const Value* Find(std::string_view key) const;
  // The same, Error(kInvalidArgument) if there is none.
  const Value& At(std::string_view key) const;
  // The value of a key, added as null if it is new. null becomes an empty object.
  Value& operator[](std::string_view key);
  // Appends to a list. null becomes an empty list.
  void Add(Value value);

  friend bool operator==(const Value& a, const Value& b);
  friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }

 private:
  template <typename T>
  bool Is() const {
    return std::holds_alternative<T>(data_);
  }
  template <typename T>
  const T& Get(const char* kind) const;

  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Members> data_;
};

// The value that all of `text` is. A number without point and exponent becomes an int64 if it fits.
// `what` begins the text of errors: "job file". Throws Error(kCorrupt) with line and column:
// comments, keys that stand twice in one object, text that is not UTF-8. Throws Error(kLimit) past
// limits.max_text_bytes, limits.max_json_depth (256 at most) and 2^20 values.
Value Parse(std::string_view text, const Limits& limits, const std::string& what);

enum class Layout {
  kOneLine,  // {"a": 1, "b": [1, 2]}
  kPretty,   // two spaces for each level; a list of scalars stays on its line
};

// Shortest numbers that read back to the same value, keys in their order, no line break at the end.
// Bytes that are not UTF-8 become U+FFFD.
std::string Write(const Value& value, Layout layout = Layout::kOneLine);

// A number as Write() has it: "0.5", "1.0", "1e-05", "NaN", "-Infinity".
std::string FormatNumber(double value);

}  // namespace mdvt::json
