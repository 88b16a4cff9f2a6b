// SPDX-License-Identifier: Apache-2.0
#include "model/json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "mdvt/core/numbers.h"

namespace mdvt::json {
namespace {

constexpr size_t kMaxArray = 4096;

[[noreturn]] void Corrupt(const std::string& text) { throw Error(Code::kCorrupt, text); }

// What a value is, for error texts.
std::string Describe(const Value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "\"" + Object::Shorten(value.get_ref<const std::string&>()) + "\"";
  return ToText(value);
}

std::string InRange(const std::string& kind, double low, double high) {
  return kind + " in [" + FormatDouble(low) + ", " + FormatDouble(high) + "]";
}

bool IsNumber(const Value& value, double low, double high) {
  return value.is_number() && value.get<double>() >= low && value.get<double>() <= high;
}

// Whole numbers may be written as 1.0 or 1e3 too.
bool IsInteger(const Value& value, int64_t low, int64_t high) {
  if (value.is_number_unsigned()) {
    return value.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX) &&
           value.get<int64_t>() >= low && value.get<int64_t>() <= high;
  }
  if (value.is_number_integer()) return value.get<int64_t>() >= low && value.get<int64_t>() <= high;
  if (!value.is_number_float()) return false;
  const double number = value.get<double>();
  return std::floor(number) == number && std::abs(number) < 9e15 &&
         number >= static_cast<double>(low) && number <= static_cast<double>(high);
}
int64_t ToInteger(const Value& value) {
  return value.is_number_float() ? static_cast<int64_t>(value.get<double>()) : value.get<int64_t>();
}

}  // namespace

Value Parse(const char* text, size_t size, const Limits& limits, const std::string& what) {
  Require(static_cast<int64_t>(size) <= limits.max_text_bytes, Code::kLimit,
          what + ": " + std::to_string(size) + " bytes, at most " +
              std::to_string(limits.max_text_bytes) + " are allowed");
  std::vector<std::set<std::string>> keys;
  const Value::parser_callback_t watch = [&](int depth, Value::parse_event_t event, Value& value) {
    using Event = Value::parse_event_t;
    if (event == Event::object_start || event == Event::array_start) {
      Require(depth < limits.max_json_depth, Code::kLimit,
              what + ": nested deeper than " + std::to_string(limits.max_json_depth));
    }
    if (event == Event::object_start) keys.emplace_back();
    if (event == Event::object_end) keys.pop_back();
    if (event == Event::key && !keys.back().insert(value.get<std::string>()).second) {
      Corrupt(what + ": the key \"" + Object::Shorten(value.get<std::string>()) +
              "\" appears twice in one object");
    }
    return true;
  };
  try {
    return Value::parse(text, text + size, watch);
  } catch (const Value::parse_error& error) {
    Corrupt(what + ": not valid JSON at byte " + std::to_string(error.byte));
  } catch (const Value::exception&) {
    Corrupt(what + ": not valid JSON (a number that is out of range)");
  }
}

std::string ToText(const Value& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return FormatDouble(value.get<double>());
  return value.dump(-1, ' ', true, Value::error_handler_t::replace);
}

Object::Object(const Value& value, std::string where, std::string key)
    : value_(&value), where_(std::move(where)), path_(std::move(key)) {
  if (!value.is_object()) {
    Corrupt(where_ + ": " + (path_.empty() ? "" : path_ + " is ") + Describe(value) +
            ", must be an object {...}");
  }
}

std::string Object::Shorten(const std::string& text) {
  constexpr size_t kLongest = 60;
  std::string shown = text.substr(0, kLongest);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
  }
  return text.size() > kLongest ? shown + "..." : shown;
}

std::string Object::Name(const char* key) const {
  return where_ + ": " + (path_.empty() ? "" : path_ + ".") + key;
}

const Value& Object::Get(const char* key) const {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  static const Value kNull;
  const auto found = value_->find(key);
  return found == value_->end() ? kNull : *found;
}

const Value* Object::Raw(const char* key) const {
  const Value& value = Get(key);
  return value.is_null() ? nullptr : &value;
}

bool Object::Has(const char* key) const { return !Get(key).is_null(); }

void Object::Fail(const char* key, const std::string& valid) const {
  const Value& value = Get(key);
  if (value.is_null()) Corrupt(Name(key) + " is missing, must be " + valid);
  Corrupt(Name(key) + " = " + Describe(value) + ", must be " + valid);
}

std::string Object::Text(const char* key) const {
  const Value& value = Get(key);
  constexpr size_t kLongest = 4096;
  if (!value.is_string() || value.get_ref<const std::string&>().size() > kLongest) {
    Fail(key, "a text of at most 4096 bytes");
  }
  return value.get<std::string>();
}
std::string Object::Text(const char* key, const std::string& otherwise) const {
  return Has(key) ? Text(key) : otherwise;
}

bool Object::Flag(const char* key, bool otherwise) const {
  if (!Has(key)) return otherwise;
  if (!Get(key).is_boolean()) Fail(key, "true or false");
  return Get(key).get<bool>();
}

double Object::Number(const char* key, double low, double high) const {
  if (!IsNumber(Get(key), low, high)) Fail(key, InRange("a number", low, high));
  return Get(key).get<double>();
}
double Object::Number(const char* key, double low, double high, double otherwise) const {
  return Has(key) ? Number(key, low, high) : otherwise;
}

int64_t Object::Integer(const char* key, int64_t low, int64_t high) const {
  if (!IsInteger(Get(key), low, high)) {
    Fail(key, "a whole number in [" + std::to_string(low) + ", " + std::to_string(high) + "]");
  }
  return ToInteger(Get(key));
}
int64_t Object::Integer(const char* key, int64_t low, int64_t high, int64_t otherwise) const {
  return Has(key) ? Integer(key, low, high) : otherwise;
}

std::vector<double> Object::Numbers(const char* key, double low, double high, size_t count) const {
  const Value& list = Get(key);
  const std::string valid =
      (count ? std::to_string(count) + " numbers" : "a list of numbers") + InRange("", low, high);
  if (!list.is_array() || list.empty() || list.size() > kMaxArray ||
      (count && list.size() != count)) {
    Fail(key, valid);
  }
  std::vector<double> numbers;
  for (const Value& value : list) {
    if (!IsNumber(value, low, high))
      Corrupt(Name(key) + " has " + Describe(value) + ", must be " + valid);
    numbers.push_back(value.get<double>());
  }
  return numbers;
}

std::vector<int64_t> Object::Integers(const char* key, int64_t low, int64_t high,
                                      size_t count) const {
  const Value& list = Get(key);
  const std::string valid = (count ? std::to_string(count) : std::string("a list of")) +
                            " whole numbers in [" + std::to_string(low) + ", " +
                            std::to_string(high) + "]";
  if (!list.is_array() || list.size() > kMaxArray || (count && list.size() != count)) {
    Fail(key, valid);
  }
  std::vector<int64_t> numbers;
  for (const Value& value : list) {
    if (!IsInteger(value, low, high))
      Corrupt(Name(key) + " has " + Describe(value) + ", must be " + valid);
    numbers.push_back(ToInteger(value));
  }
  return numbers;
}

std::vector<std::string> Object::Texts(const char* key) const {
  std::vector<std::string> texts;
  if (!Has(key)) return texts;
  const Value& list = Get(key);
  if (!list.is_array() || list.size() > kMaxArray) Fail(key, "a list of texts");
  for (const Value& value : list) {
    if (!value.is_string())
      Corrupt(Name(key) + " has " + Describe(value) + ", must be a list of texts");
    texts.push_back(value.get<std::string>());
  }
  return texts;
}

Object Object::Child(const char* key) const {
  if (!Get(key).is_object()) Fail(key, "an object {...}");
  return Object(Get(key), where_, (path_.empty() ? "" : path_ + ".") + key);
}

std::vector<Object> Object::Children(const char* key, size_t most) const {
  const Value& list = Get(key);
  const std::string valid = "a list of 1 to " + std::to_string(most) + " objects";
  if (!list.is_array() || list.empty() || list.size() > most) Fail(key, valid);
  std::vector<Object> objects;
  for (size_t i = 0; i < list.size(); ++i) {
    objects.emplace_back(list[i], where_,
                         (path_.empty() ? "" : path_ + ".") + key + "[" + std::to_string(i) + "]");
  }
  return objects;
}

void Object::AddUnknown(std::vector<std::string>* keys) const {
  for (const auto& item : value_->items()) {
    if (std::find(asked_.begin(), asked_.end(), item.key()) == asked_.end()) {
      keys->push_back((path_.empty() ? "" : path_ + ".") + Shorten(item.key()));
    }
  }
}

}  // namespace mdvt::json
