// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/options.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/rational.h"

namespace mdvt {
namespace {

[[noreturn]] void Fail(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

std::string Canonical(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string Joined(const std::vector<std::string>& texts, const char* between) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : between) + text;
  return list;
}

bool Contains(const std::vector<std::string>& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// Number of letters to insert, leave out, replace or swap to make one of the other.
size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

std::optional<bool> ParseFlag(const std::string& text) {
  if (text == "on" || text == "true" || text == "1" || text == "yes") return true;
  if (text == "off" || text == "false" || text == "0" || text == "no") return false;
  return std::nullopt;
}

}  // namespace

std::string Range::ToString() const {
  return (without_low ? "(" : "[") + FormatDouble(low) + ", " + FormatDouble(high) +
         (without_high ? ")" : "]");
}

std::string ToText(const OptionValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "on" : "off";
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value)) return FormatDouble(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return "none";
}

// ---- Option.

Option& Option::Default(std::string text) {
  shown_default = std::move(text);
  return *this;
}

Option& Option::Alias(std::string other) {
  aliases.push_back(std::move(other));
  return *this;
}

Option& Option::Required() {
  required = true;
  return *this;
}

Option& Option::RequiredWith(std::string other, std::vector<std::string> values) {
  required_with_ = Condition{std::move(other), std::move(values)};
  return *this;
}

Option& Option::Implied(std::function<std::string()> value) {
  implied_ = std::move(value);
  return *this;
}

Option& Option::Positional(int index) {
  position = index;
  return *this;
}

Option& Option::Input(bool or_list) {
  path = PathKind::kInput;
  takes_list = or_list;
  return *this;
}

Option& Option::Output() {
  path = PathKind::kOutput;
  return *this;
}

Option& Option::Folder() {
  path = PathKind::kFolder;
  return *this;
}

Option& Option::Or(double value, std::string meaning) {
  also = value;
  also_means = std::move(meaning);
  return *this;
}

Option& Option::Switch() {
  is_switch = true;
  return *this;
}

Option& Option::Rate() {
  is_rate = true;
  return *this;
}

Option& Option::OnlyWith(std::string other, std::vector<std::string> values) {
  only_with_.push_back({std::move(other), std::move(values)});
  return *this;
}

Option& Option::Excludes(std::string other) {
  excludes_.push_back(std::move(other));
  return *this;
}

Option& Option::Preset(std::vector<std::pair<std::string, std::string>> values) {
  preset_ = std::move(values);
  return *this;
}

std::string Option::DefaultText() const {
  if (required) return "required";
  if (shown_default.empty() && also && first_default_ == FormatDouble(*also)) return also_means;
  return shown_default.empty() ? first_default_ : shown_default;
}

std::string Option::Valid() const {
  std::string text;
  switch (kind) {
    case OptionKind::kFlag:
      return "on or off";
    case OptionKind::kChoice:
      return "one of " + Joined(choices, "|");
    case OptionKind::kText:
      return valid_.empty() ? "a text" : valid_;
    case OptionKind::kInteger:
      text = "a whole number ";
      break;
    case OptionKind::kNumber:
      text = "a number ";
      break;
  }
  text += range.high >= kUnlimitedWhole ? "from " + FormatDouble(range.low) + " on"
                                        : "in " + range.ToString();
  if (is_rate) text += " or a ratio of two such as 24000/1001";
  if (also) text = FormatDouble(*also) + " (" + also_means + ") or " + text;
  return text;
}

// ---- Describing.

Option& OptionList::Add(const std::string& name, OptionKind kind, std::string unit,
                        std::string help, std::function<OptionValue()> get,
                        std::function<void(const OptionValue&)> set) {
  Require(FindMutable(name) == nullptr, Code::kInternal, "option '" + name + "' described twice");
  options_.emplace_back();
  Option& option = options_.back();
  option.name = name;
  option.kind = kind;
  option.unit = std::move(unit);
  option.help = std::move(help);
  option.section = section_;
  option.get_ = std::move(get);
  option.set_ = std::move(set);
  option.first_value_ = option.get_();
  option.first_default_ = ToText(option.first_value_);
  if (option.first_default_.empty()) option.first_default_ = "none";
  return option;
}

Option& OptionList::Field(const std::string& name, bool* value, std::string help) {
  return Add(
      name, OptionKind::kFlag, "", std::move(help), [value]() -> OptionValue { return *value; },
      [value](const OptionValue& v) { *value = std::get<bool>(v); });
}

template <typename T>
Option& OptionList::AddNumber(const std::string& name, T* value, Range range, std::string unit,
                              std::string help) {
  using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
  Option& option = Add(
      name, std::is_integral_v<T> ? OptionKind::kInteger : OptionKind::kNumber, std::move(unit),
      std::move(help), [value]() -> OptionValue { return static_cast<Wide>(*value); },
      [value](const OptionValue& v) { *value = static_cast<T>(std::get<Wide>(v)); });
  option.range = range;
  return option;
}

template <typename T>
Option& OptionList::AddOptionalNumber(const std::string& name, std::optional<T>* value, Range range,
                                      std::string unit, std::string help) {
  using Wide = std::conditional_t<std::is_integral_v<T>, int64_t, double>;
  Option& option = Add(
      name, std::is_integral_v<T> ? OptionKind::kInteger : OptionKind::kNumber, std::move(unit),
      std::move(help),
      [value]() -> OptionValue {
        if (!*value) return std::monostate{};
        return static_cast<Wide>(**value);
      },
      [value](const OptionValue& v) {
        if (std::holds_alternative<std::monostate>(v)) return value->reset();
        *value = static_cast<T>(std::get<Wide>(v));
      });
  option.range = range;
  option.optional = true;
  return option;
}

Option& OptionList::Field(const std::string& name, int* value, Range range, std::string unit,
                          std::string help) {
  return AddNumber(name, value, range, std::move(unit), std::move(help));
}
Option& OptionList::Field(const std::string& name, int64_t* value, Range range, std::string unit,
                          std::string help) {
  return AddNumber(name, value, range, std::move(unit), std::move(help));
}
Option& OptionList::Field(const std::string& name, double* value, Range range, std::string unit,
                          std::string help) {
  return AddNumber(name, value, range, std::move(unit), std::move(help));
}
Option& OptionList::Field(const std::string& name, std::optional<int>* value, Range range,
                          std::string unit, std::string help) {
  return AddOptionalNumber(name, value, range, std::move(unit), std::move(help));
}
Option& OptionList::Field(const std::string& name, std::optional<int64_t>* value, Range range,
                          std::string unit, std::string help) {
  return AddOptionalNumber(name, value, range, std::move(unit), std::move(help));
}
Option& OptionList::Field(const std::string& name, std::optional<double>* value, Range range,
                          std::string unit, std::string help) {
  return AddOptionalNumber(name, value, range, std::move(unit), std::move(help));
}

Option& OptionList::Field(const std::string& name, std::string* value, std::string unit,
                          std::string help) {
  return Add(
      name, OptionKind::kText, std::move(unit), std::move(help),
      [value]() -> OptionValue { return *value; },
      [value](const OptionValue& v) { *value = std::get<std::string>(v); });
}

Option& OptionList::Choice(const std::string& name, std::string* value,
                           std::vector<std::string> choices, std::string help) {
  return AddChoice(
      name, std::move(choices), {}, std::move(help), false,
      [value]() -> OptionValue { return *value; },
      [value](const OptionValue& v) { *value = std::get<std::string>(v); });
}

Option& OptionList::Custom(const std::string& name, std::string unit, std::string valid,
                           std::string help, std::function<std::string()> get,
                           std::function<bool(const std::string&)> set) {
  Option& option = Add(name, OptionKind::kText, std::move(unit), std::move(help),
                       [get]() -> OptionValue { return get(); }, {});
  option.valid_ = std::move(valid);
  option.set_ = [this, &option, set](const OptionValue& value) {
    const std::string& text = std::get<std::string>(value);
    if (!set(text)) Fail(Named(option) + " is '" + text + "', must be " + option.Valid());
  };
  return option;
}

Option& OptionList::AddChoice(const std::string& name, std::vector<std::string> shown,
                              std::vector<std::string> hidden, std::string help, bool optional,
                              std::function<OptionValue()> get,
                              std::function<void(const OptionValue&)> set) {
  Option& option = Add(name, OptionKind::kChoice, Joined(shown, "|"), std::move(help),
                       std::move(get), std::move(set));
  option.choices = std::move(shown);
  option.hidden_choices_ = std::move(hidden);
  option.optional = optional;
  return option;
}

void OptionList::Refuse(std::vector<std::string> names, const std::string& why) {
  for (std::string& name : names) refused_.emplace_back(std::move(name), why);
}

// ---- Using.

Option* OptionList::FindMutable(const std::string& name) {
  const std::string wanted = Canonical(name);
  for (Option& option : options_)
    if (option.name == wanted || Contains(option.aliases, wanted)) return &option;
  return nullptr;
}

const Option* OptionList::Find(const std::string& name) const {
  return const_cast<OptionList*>(this)->FindMutable(name);
}

Option& OptionList::AtMutable(const std::string& name) {
  Option* option = FindMutable(name);
  if (option == nullptr) FailUnknown(Canonical(name));
  return *option;
}

const Option& OptionList::At(const std::string& name) const {
  return const_cast<OptionList*>(this)->AtMutable(name);
}

void OptionList::FailUnknown(const std::string& name) const {
  for (const auto& [refused, why] : refused_)
    if (refused == name) Fail(prefix_ + name + " is not available: " + why);
  std::string nearest;
  size_t least = 1 + name.size() / 3;  // farther than this is another word
  for (const Option& option : options_) {
    // At least the difference of their lengths apart: names of any length are looked at quickly.
    if (std::max(name.size(), option.name.size()) >
        least + std::min(name.size(), option.name.size()))
      continue;
    const size_t distance = EditDistance(name, option.name);
    if (distance > least || (!nearest.empty() && distance == least)) continue;
    least = distance;
    nearest = option.name;
  }
  const std::string hint = !nearest.empty()  ? ", did you mean " + prefix_ + nearest + "?"
                           : prefix_.empty() ? ""
                                             : ", see --help";
  Fail("unknown option '" + prefix_ + name + "'" + hint);
}

OptionValue OptionList::Checked(const Option& option, const OptionValue& value,
                                const std::string& shown) const {
  const auto fail = [&] { Fail(Named(option) + " is '" + shown + "', must be " + option.Valid()); };
  if (std::holds_alternative<std::monostate>(value)) {
    if (!option.optional)
      Fail(Named(option) + " cannot be without a value, must be " + option.Valid());
    return value;
  }
  switch (option.kind) {
    case OptionKind::kFlag:
      if (!std::holds_alternative<bool>(value)) fail();
      return value;
    case OptionKind::kText: {
      // Texts that may be numbers or flags may be given as such, others are names.
      if (!std::holds_alternative<std::string>(value) && option.valid_.empty()) fail();
      std::string text = ToText(value);
      if (text.find('\0') != std::string::npos) Fail(Named(option) + " contains a zero byte");
      if (option.path != PathKind::kNone && text == "-")
        Fail(Named(option) + " is '-': pipes are neither read nor written, give the name of a " +
             (option.path == PathKind::kFolder ? "folder" : "file") + " ('./-' for one called so)");
      return text;
    }
    case OptionKind::kChoice: {
      std::string text = ToText(value);
      if (Contains(option.choices, text) || Contains(option.hidden_choices_, text)) return text;
      for (const auto& [refused, why] : refused_)
        if (refused == option.name + "=" + text)
          Fail(Named(option) + " " + text + " is not available: " + why);
      fail();
      return text;
    }
    case OptionKind::kInteger:
    case OptionKind::kNumber:
      break;
  }
  if (option.is_rate && std::holds_alternative<std::string>(value)) {
    const OptionValue parsed = Parsed(option, std::get<std::string>(value));
    if (std::holds_alternative<std::string>(parsed)) fail();
    return Checked(option, parsed, shown);
  }
  double number = 0;
  if (const auto* whole = std::get_if<int64_t>(&value)) {
    constexpr auto kMost = static_cast<int64_t>(kUnlimitedWhole);
    if (*whole > kMost || *whole < -kMost) fail();  // beyond, a double would be another number
    number = static_cast<double>(*whole);
  } else if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
  } else {
    fail();
  }
  const bool whole = option.kind == OptionKind::kInteger;
  const bool fits = option.range.Contains(number) || (option.also && number == *option.also);
  if (!fits || (whole && (number != std::floor(number) || std::fabs(number) > kUnlimitedWhole)))
    fail();
  if (!whole) return number;
  return static_cast<int64_t>(number);
}

OptionValue OptionList::Parsed(const Option& option, const std::string& text) const {
  switch (option.kind) {
    case OptionKind::kFlag:
      if (const std::optional<bool> flag = ParseFlag(text)) return *flag;
      break;
    case OptionKind::kInteger:
      if (const std::optional<int64_t> whole = ParseInt(text)) return *whole;
      break;
    case OptionKind::kNumber:
      if (const std::optional<double> number = ParseDouble(text)) return *number;
      if (option.is_rate && text.find('/') != std::string::npos)
        if (const std::optional<Rational> ratio = Rational::Parse(text); ratio && ratio->den > 0)
          return ratio->ToDouble();
      break;
    case OptionKind::kText:
    case OptionKind::kChoice:
      break;
  }
  return text;  // of the wrong type for those above: Checked() says so
}

void OptionList::Set(const std::string& name, const OptionValue& value) {
  Option& option = AtMutable(name);
  option.set_(Checked(option, value, ToText(value)));
  option.given = !std::holds_alternative<std::monostate>(value);
}

void OptionList::SetText(const std::string& name, const std::string& text) {
  Option& option = AtMutable(name);
  option.set_(Checked(option, Parsed(option, text), text));
  option.given = true;
}

void OptionList::Reset(const std::string& name) {
  Option& option = AtMutable(name);
  option.set_(option.first_value_);
  option.given = false;
}

void OptionList::TakeGiven(const OptionList& other) {
  prefix_ = other.prefix_;
  for (const Option& from : other.options_)
    if (Option* option = FindMutable(from.name)) option->given = from.given;
}

bool OptionList::Holds(const Option::Condition& condition) const {
  const Option& other = At(condition.other);
  OptionValue value = other.Get();
  if (other.implied_ && value == OptionValue()) value = other.implied_();
  if (!condition.values.empty()) return Contains(condition.values, ToText(value));
  return !(value == OptionValue() || value == OptionValue(false) ||
           value == OptionValue(std::string()));
}

void OptionList::Settle() {
  for (const Option& preset : options_) {
    if (preset.preset_.empty() || !std::get<bool>(preset.Get())) continue;
    for (const auto& [name, text] : preset.preset_) {
      Option& option = AtMutable(name);
      const bool excluded =
          std::any_of(option.excludes_.begin(), option.excludes_.end(),
                      [this](const std::string& other) { return At(other).given; });
      if (!option.given && !excluded) option.set_(Checked(option, Parsed(option, text), text));
    }
  }
  for (const Option& option : options_) {
    if (!option.given) continue;
    for (const std::string& name : option.excludes_)
      if (At(name).given) Fail("give " + Named(option) + " or " + Named(At(name)) + ", not both");
    for (const Option::Condition& condition : option.only_with_) {
      if (Holds(condition)) continue;
      std::string with;
      for (size_t i = 0; i < condition.values.size(); ++i)
        with += (i == 0                             ? " "
                 : i + 1 == condition.values.size() ? " or "
                                                    : ", ") +
                condition.values[i];
      Fail(Named(option) + " belongs to " + Named(At(condition.other)) + with);
    }
  }
  Check();
}

void OptionList::Check() const {
  for (const Option& option : options_) {
    const OptionValue value = option.Get();
    const bool required =
        option.required || (option.required_with_ && Holds(*option.required_with_));
    if (required && (value == OptionValue() || value == OptionValue(std::string())))
      Fail(Named(option) + " is required: " + option.help);
    if (!std::holds_alternative<std::monostate>(value)) Checked(option, value, ToText(value));
  }
}

}  // namespace mdvt
