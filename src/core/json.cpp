// SPDX-License-Identifier: Apache-2.0
#include "core/json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/json_reader.h"
#include "core/utf8.h"
#include "mdvt/core/numbers.h"

namespace mdvt::json {
namespace {

constexpr size_t kMaxArray = 4096;
// A tree is for small files: what it costs is many times its text, and it is freed recursively.
constexpr int32_t kMaxDepth = 256;
constexpr size_t kMaxValues = size_t{1} << 20;

[[noreturn]] void Corrupt(const std::string& text) { throw Error(Code::kCorrupt, text); }

// What a value is, for error texts.
std::string Describe(const Value& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  if (value.is_string()) return "\"" + Shorten(value.AsString()) + "\"";
  return ToText(value);
}

std::string InRange(const std::string& kind, double low, double high) {
  return kind + " in [" + FormatDouble(low) + ", " + FormatDouble(high) + "]";
}

bool IsNumber(const Value& value, double low, double high) {
  return value.is_number() && value.AsDouble() >= low && value.AsDouble() <= high;
}

bool IsInteger(const Value& value, int64_t low, int64_t high) {
  if (value.is_int()) return value.AsInt() >= low && value.AsInt() <= high;
  if (!value.is_double()) return false;
  const double number = value.AsDouble();
  return std::floor(number) == number && std::abs(number) < 9e15 &&
         number >= static_cast<double>(low) && number <= static_cast<double>(high);
}
int64_t ToInteger(const Value& value) {
  return value.is_double() ? static_cast<int64_t>(value.AsDouble()) : value.AsInt();
}

class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, const Limits& limits, const std::string& what)
      : reader_(text.data(), text.size(), what, limits) {}

  Value Build() {
    Value value = Next(reader_.Next());
    reader_.Next();  // nothing but white space is left
    return value;
  }

 private:
  using Token = JsonReader::Token;

  Value Next(Token token) {
    if (++count_ > kMaxValues) {
      reader_.Fail("more than " + std::to_string(kMaxValues) + " values", Code::kLimit);
    }
    switch (token) {
      case Token::kBeginArray:
        return List();
      case Token::kBeginObject:
        return Members();
      case Token::kString:
        return reader_.text();
      case Token::kNumber:
        return reader_.integer() ? Value(*reader_.integer()) : Value(reader_.number());
      case Token::kTrue:
        return true;
      case Token::kFalse:
        return false;
      default:
        return {};
    }
  }

  Value List() {
    Value::Array list;
    for (Token token = reader_.Next(); token != Token::kEndArray; token = reader_.Next()) {
      list.push_back(Next(token));
    }
    return list;
  }

  Value Members() {
    Value::Members members;
    std::set<std::string> keys;
    while (reader_.Next() != Token::kEndObject) {
      const std::string key = reader_.text();
      if (!keys.insert(key).second) {
        reader_.Fail("the key \"" + Shorten(key) + "\" stands twice");
      }
      Value value = Next(reader_.Next());
      members.emplace_back(key, std::move(value));
    }
    return members;
  }

  JsonReader reader_;
  size_t count_ = 0;
};

class Writer {
 public:
  explicit Writer(Layout layout) : pretty_(layout == Layout::kPretty) {}

  std::string Text(const Value& value) {
    Put(value);
    return std::move(text_);
  }

 private:
  void Put(const Value& value) {
    if (value.is_null()) {
      text_ += "null";
    } else if (value.is_bool()) {
      text_ += value.AsBool() ? "true" : "false";
    } else if (value.is_int()) {
      text_ += std::to_string(value.AsInt());
    } else if (value.is_double()) {
      text_ += FormatNumber(value.AsDouble());
    } else if (value.is_string()) {
      Quote(value.AsString());
    } else if (value.is_array()) {
      const Value::Array& list = value.AsArray();
      const bool flat = std::none_of(list.begin(), list.end(), [](const Value& one) {
        return one.is_array() || one.is_object();
      });
      Block('[', ']', list, pretty_ && !flat, [&](const Value& one) { Put(one); });
    } else {
      Block('{', '}', value.AsMembers(), pretty_, [&](const auto& member) {
        Quote(member.first);
        text_ += ": ";
        Put(member.second);
      });
    }
  }

  template <typename Entries, typename PutEntry>
  void Block(char open, char close, const Entries& entries, bool broken, const PutEntry& put) {
    text_ += open;
    broken = broken && !entries.empty();
    indent_ += 2;
    bool first = true;
    for (const auto& entry : entries) {
      if (!first) text_ += broken ? "," : ", ";
      first = false;
      if (broken) Break();
      put(entry);
    }
    indent_ -= 2;
    if (broken) Break();
    text_ += close;
  }

  void Break() {
    text_ += '\n';
    text_.append(indent_, ' ');
  }

  void Quote(std::string_view text) {
    constexpr std::string_view kShort = "\"\\\b\f\n\r\t", kLetters = "\"\\bfnrt";
    constexpr char kHex[] = "0123456789abcdef";
    text_ += '"';
    while (!text.empty()) {
      const size_t length = Utf8SequenceLength(text.data(), text.size());
      const auto byte = static_cast<unsigned char>(text[0]);
      if (length == 0) {
        AppendUtf8(0xFFFD, &text_);
      } else if (const size_t i = kShort.find(text[0]); i != std::string_view::npos) {
        text_ += '\\';
        text_ += kLetters[i];
      } else if (byte < 0x20) {
        text_ += "\\u00";
        text_ += kHex[byte >> 4];
        text_ += kHex[byte & 15];
      } else {
        text_.append(text, 0, length);
      }
      text.remove_prefix(std::max<size_t>(length, 1));
    }
    text_ += '"';
  }

  const bool pretty_;
  std::string text_;
  size_t indent_ = 0;
};

}  // namespace

template <typename T>
const T& Value::Get(const char* kind) const {
  const T* value = std::get_if<T>(&data_);
  if (value == nullptr) {
    throw Error(Code::kInvalidArgument,
                "JSON: " + Describe(*this) + " where " + kind + " is needed");
  }
  return *value;
}

bool Value::AsBool() const { return Get<bool>("true or false"); }
int64_t Value::AsInt() const { return Get<int64_t>("a whole number"); }
double Value::AsDouble() const {
  return is_int() ? static_cast<double>(AsInt()) : Get<double>("a number");
}
const std::string& Value::AsString() const { return Get<std::string>("a text"); }
const Value::Array& Value::AsArray() const { return Get<Array>("a list"); }
const Value::Members& Value::AsMembers() const { return Get<Members>("an object"); }

size_t Value::size() const {
  return is_array() ? AsArray().size() : is_object() ? AsMembers().size() : 0;
}

const Value* Value::Find(std::string_view key) const {
  const Members* members = std::get_if<Members>(&data_);
  if (members == nullptr) return nullptr;
  const auto found = std::find_if(members->begin(), members->end(),
                                  [&](const auto& member) { return member.first == key; });
  return found == members->end() ? nullptr : &found->second;
}

const Value& Value::At(std::string_view key) const {
  const Value* value = Find(key);
  if (value == nullptr) {
    throw Error(Code::kInvalidArgument,
                "JSON: there is no key \"" + Shorten(std::string(key)) + "\"");
  }
  return *value;
}

Value& Value::operator[](std::string_view key) {
  if (is_null()) data_ = Members();
  AsMembers();
  auto& members = std::get<Members>(data_);
  for (auto& [name, value] : members) {
    if (name == key) return value;
  }
  return members.emplace_back(key, Value()).second;
}

void Value::Add(Value value) {
  if (is_null()) data_ = Array();
  AsArray();
  std::get<Array>(data_).push_back(std::move(value));
}

bool operator==(const Value& a, const Value& b) {
  const double* number = std::get_if<double>(&a.data_);
  if (number != nullptr && std::isnan(*number)) return b.is_double() && std::isnan(b.AsDouble());
  return a.data_ == b.data_;
}

Value Parse(std::string_view text, const Limits& limits, const std::string& what) {
  Limits bounded = limits;
  bounded.max_json_depth = std::min(limits.max_json_depth, kMaxDepth);
  return TreeBuilder(text, bounded, what).Build();
}

std::string Write(const Value& value, Layout layout) { return Writer(layout).Text(value); }

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  const std::string text = FormatDouble(value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

std::string Shorten(const std::string& text) {
  constexpr size_t kLongest = 60;
  std::string shown = text.substr(0, kLongest);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~') c = '?';
  }
  return text.size() > kLongest ? shown + "..." : shown;
}

std::string ToText(const Value& value) {
  if (value.is_string()) return value.AsString();
  return value.is_double() ? FormatDouble(value.AsDouble()) : Write(value);
}

Object::Object(const Value& value, std::string where, std::string key)
    : value_(&value), where_(std::move(where)), path_(std::move(key)) {
  if (!value.is_object()) {
    Corrupt(where_ + ": " + (path_.empty() ? "" : path_ + " is ") + Describe(value) +
            ", must be an object {...}");
  }
}

std::string Object::Name(const char* key) const {
  return where_ + ": " + (path_.empty() ? "" : path_ + ".") + key;
}

const Value& Object::Get(const char* key) const {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  static const Value kNull;
  const Value* found = value_->Find(key);
  return found == nullptr ? kNull : *found;
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
  if (!value.is_string() || value.AsString().size() > kLongest) {
    Fail(key, "a text of at most 4096 bytes");
  }
  return value.AsString();
}
std::string Object::Text(const char* key, const std::string& otherwise) const {
  return Has(key) ? Text(key) : otherwise;
}

bool Object::Flag(const char* key, bool otherwise) const {
  if (!Has(key)) return otherwise;
  if (!Get(key).is_bool()) Fail(key, "true or false");
  return Get(key).AsBool();
}

double Object::Number(const char* key, double low, double high) const {
  if (!IsNumber(Get(key), low, high)) Fail(key, InRange("a number", low, high));
  return Get(key).AsDouble();
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
  if (!list.is_array() || list.size() == 0 || list.size() > kMaxArray ||
      (count && list.size() != count)) {
    Fail(key, valid);
  }
  std::vector<double> numbers;
  for (const Value& value : list.AsArray()) {
    if (!IsNumber(value, low, high))
      Corrupt(Name(key) + " has " + Describe(value) + ", must be " + valid);
    numbers.push_back(value.AsDouble());
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
  for (const Value& value : list.AsArray()) {
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
  for (const Value& value : list.AsArray()) {
    if (!value.is_string())
      Corrupt(Name(key) + " has " + Describe(value) + ", must be a list of texts");
    texts.push_back(value.AsString());
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
  if (!list.is_array() || list.size() == 0 || list.size() > most) Fail(key, valid);
  std::vector<Object> objects;
  for (size_t i = 0; i < list.size(); ++i) {
    objects.emplace_back(list.AsArray()[i], where_,
                         (path_.empty() ? "" : path_ + ".") + key + "[" + std::to_string(i) + "]");
  }
  return objects;
}

void Object::AddUnknown(std::vector<std::string>* keys) const {
  for (const auto& [key, value] : value_->AsMembers()) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
      keys->push_back((path_.empty() ? "" : path_ + ".") + Shorten(key));
    }
  }
}

}  // namespace mdvt::json
