// SPDX-License-Identifier: Apache-2.0
//
// JSON of others, read with limits and errors that name the key. nlohmann-json is behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/limits.h"

namespace mdvt::json {

using Value = nlohmann::json;

// `what` begins the error texts: "model metadata". Keys that appear twice in an object, comments
// and text that is not UTF-8 are refused: Error(kCorrupt); past the limits: Error(kLimit).
Value Parse(const char* text, size_t size, const Limits& limits, const std::string& what);

// One object of it and how it is called in error texts ("model metadata: inputs[0].size"). Each
// getter throws Error(kCorrupt) that names the key, what is there and what would be valid; a key
// that is not there or null gives the default, or an error where there is no default.
class Object {
 public:
  Object(const Value& value, std::string where, std::string key = {});

  const std::string& where() const { return where_; }
  // Whether the key is there and not null.
  bool Has(const char* key) const;

  std::string Text(const char* key) const;
  std::string Text(const char* key, const std::string& otherwise) const;
  bool Flag(const char* key, bool otherwise) const;
  double Number(const char* key, double low, double high) const;
  double Number(const char* key, double low, double high, double otherwise) const;
  int64_t Integer(const char* key, int64_t low, int64_t high) const;
  int64_t Integer(const char* key, int64_t low, int64_t high, int64_t otherwise) const;
  // Exactly `count` of them, or at least one and at most 4096 where count is 0.
  std::vector<double> Numbers(const char* key, double low, double high, size_t count) const;
  std::vector<int64_t> Integers(const char* key, int64_t low, int64_t high, size_t count) const;
  std::vector<std::string> Texts(const char* key) const;
  Object Child(const char* key) const;
  std::vector<Object> Children(const char* key, size_t most) const;
  const Value* Raw(const char* key) const;  // nullptr where Has() is false

  // One of the names; the last one but for `otherwise` is named in the error.
  template <typename Enum>
  Enum Choice(const char* key, std::initializer_list<std::pair<const char*, Enum>> names,
              std::optional<Enum> otherwise = {}) const {
    if (!Has(key) && otherwise) return *otherwise;
    const std::string name = Text(key);
    std::string valid;
    for (const auto& [one, value] : names) {
      if (name == one) return value;
      valid += (valid.empty() ? "" : ", ") + std::string(one);
    }
    throw Error(Code::kCorrupt,
                Name(key) + " = \"" + Shorten(name) + "\", must be one of " + valid);
  }

  // Keys of this object that have not been asked for, each with its full name.
  void AddUnknown(std::vector<std::string>* keys) const;

  [[noreturn]] void Fail(const char* key, const std::string& valid) const;
  std::string Name(const char* key) const;  // "model metadata: inputs[0].name"
  static std::string Shorten(const std::string& text);

 private:
  const Value& Get(const char* key) const;

  const Value* value_;
  std::string where_;
  std::string path_;
  mutable std::vector<std::string> asked_;
};

// A scalar as text for the user.
std::string ToText(const Value& value);

}  // namespace mdvt::json
