// SPDX-License-Identifier: Apache-2.0
//
// Objects of others' JSON, read with errors that name the key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/limits.h"

namespace mdvt::json {

// Text of a file as it is shown in errors: its first 60 bytes, printable ones only.
std::string Shorten(const std::string& text);

// A value as text for the user: texts without quotes, all else as Write() has it.
std::string ToText(const Value& value);

// One object and how it is called in error texts ("model metadata: inputs[0].size"). Each getter
// throws Error(kCorrupt) that names the key, what is there and what would be valid; a key that is
// not there or null gives the default, or an error where there is no default. The value must
// outlive the Object.
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
  // Whole numbers may be written as 1.0 or 1e3 too.
  int64_t Integer(const char* key, int64_t low, int64_t high) const;
  int64_t Integer(const char* key, int64_t low, int64_t high, int64_t otherwise) const;
  // Exactly `count` of them, or at least one and at most 4096 where count is 0.
  std::vector<double> Numbers(const char* key, double low, double high, size_t count) const;
  std::vector<int64_t> Integers(const char* key, int64_t low, int64_t high, size_t count) const;
  std::vector<std::string> Texts(const char* key) const;
  Object Child(const char* key) const;
  std::vector<Object> Children(const char* key, size_t most) const;
  const Value* Raw(const char* key) const;  // nullptr where Has() is false

  // One of the names; an error lists all of them.
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

 private:
  const Value& Get(const char* key) const;

  const Value* value_;
  std::string where_;
  std::string path_;
  mutable std::vector<std::string> asked_;
};

}  // namespace mdvt::json
