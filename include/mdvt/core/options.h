// SPDX-License-Identifier: Apache-2.0
//
// The options of a tool, each described once: name, kind, unit, valid values, help. The command
// line with its help, the names in C and Python, job files, the tables of the documentation and the
// check of a struct that was filled in by hand all follow from that one description.
//
//   struct BlurOptions {
//     std::string input;
//     double radius = 2;  // pixels
//   };
//   void Describe(OptionList* list, BlurOptions* o) {
//     list->Field("input", &o->input, "FILE", "video to blur").Input().Required();
//     list->Field("radius", &o->radius, Range{0, 100}, "PIXELS", "how far it reaches");
//   }
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace mdvt {

// The numbers that an option takes.
struct Range {
  double low = 0;
  double high = 0;
  bool without_low = false;  // the range is open there
  bool without_high = false;

  bool Contains(double value) const {
    return (without_low ? value > low : value >= low) &&
           (without_high ? value < high : value <= high);
  }
  std::string ToString() const;  // "(0, 180)"
};

// 2^53: whole numbers are exact up to here. A range that ends there or beyond has no end.
inline constexpr double kUnlimitedWhole = 9007199254740992;

// monostate: not given, where an option has no value unless it is given one.
using OptionValue = std::variant<std::monostate, bool, int64_t, double, std::string>;

enum class OptionKind : uint8_t { kFlag, kInteger, kNumber, kText, kChoice };

// What a text names in the file system.
enum class PathKind : uint8_t { kNone, kInput, kOutput, kFolder };

// What a value of an enumeration is called. Of several names the first is shown; hidden ones are
// taken too.
template <typename Enum>
struct EnumName {
  const char* name;
  Enum value;
  bool hidden = false;
};
template <typename Enum>
using EnumNames = std::vector<EnumName<Enum>>;

class Option {
 public:
  std::string name;  // with underscores
  OptionKind kind = OptionKind::kText;
  std::string unit;  // "METRES", "FILE": what stands for the value in the help
  std::string help;
  Range range;                       // of numbers
  std::optional<double> also;        // a number outside the range that has a meaning
  std::string also_means;            // "all"
  std::vector<std::string> choices;  // of kChoice, as shown
  PathKind path = PathKind::kNone;
  bool takes_list = false;    // the path may also be a list of files, see IsBatchList
  bool optional = false;      // may be without a value
  bool required = false;      // has to be given
  bool is_switch = false;     // a flag that is written with its value: --name on|off
  bool is_rate = false;       // a number that may be written as a ratio too: 24000/1001
  int position = -1;          // of a value without a name on the command line; -1: none
  std::string shown_default;  // where the value cannot tell
  std::vector<std::string> aliases;
  std::string section;  // heading in the help
  bool given = false;   // by a caller; defaults and presets do not count

  // These refine a description; each returns the option.
  Option& Default(std::string text);  // shown in place of the value that holds at first
  Option& Alias(std::string other);
  Option& Required();
  // Has to be given where `other` has one of these values.
  Option& RequiredWith(std::string other, std::vector<std::string> values);
  // What stands for a value that was not given, where others ask for it in OnlyWith() and
  // RequiredWith(). The function is called then.
  Option& Implied(std::function<std::string()> value);
  Option& Positional(int index);
  Option& Input(bool or_list = false);
  Option& Output();
  Option& Folder();
  Option& Or(double value, std::string meaning);  // -1 may stand for "all"
  Option& Switch();
  Option& Rate();
  // If this is given, `other` must have one of these values, or simply be there if none is listed.
  Option& OnlyWith(std::string other, std::vector<std::string> values = {});
  // At most one of the two may be given.
  Option& Excludes(std::string other);
  // A flag that stands for other options, each as it would be written; those that are given win.
  Option& Preset(std::vector<std::pair<std::string, std::string>> values);

  OptionValue Get() const { return get_(); }
  std::string DefaultText() const;  // as it was when the option was described
  const std::string& first_default() const { return first_default_; }  // the value alone
  const OptionValue& first_value() const { return first_value_; }      // the same, not as text
  std::string Valid() const;                                           // "a number in (0, 180)"

 private:
  friend class OptionList;

  struct Condition {
    std::string other;
    std::vector<std::string> values;
  };

  std::function<OptionValue()> get_;
  std::function<void(const OptionValue&)> set_;  // of a value that is valid
  std::vector<std::string> hidden_choices_;
  std::string valid_;  // of Custom()
  std::string first_default_;
  OptionValue first_value_;
  std::vector<Condition> only_with_;
  std::optional<Condition> required_with_;
  std::function<std::string()> implied_;
  std::vector<std::string> excludes_;
  std::vector<std::pair<std::string, std::string>> preset_;
};

// The description of all options of a tool, bound to the struct that holds their values; the struct
// must outlive it. Names are found with `-` and `_` alike, and by their aliases. All functions
// throw Error(kInvalidArgument) that names the option, what it was given and what would be valid.
class OptionList {
 public:
  OptionList() = default;
  OptionList(const OptionList&) = delete;
  OptionList& operator=(const OptionList&) = delete;

  // ---- Describing.

  void Section(std::string heading) { section_ = std::move(heading); }
  Option& Field(const std::string& name, bool* value, std::string help);
  Option& Field(const std::string& name, int* value, Range range, std::string unit,
                std::string help);
  Option& Field(const std::string& name, int64_t* value, Range range, std::string unit,
                std::string help);
  Option& Field(const std::string& name, double* value, Range range, std::string unit,
                std::string help);
  Option& Field(const std::string& name, std::optional<int>* value, Range range, std::string unit,
                std::string help);
  Option& Field(const std::string& name, std::optional<int64_t>* value, Range range,
                std::string unit, std::string help);
  Option& Field(const std::string& name, std::optional<double>* value, Range range,
                std::string unit, std::string help);
  Option& Field(const std::string& name, std::string* value, std::string unit, std::string help);
  // A text that is one of some.
  Option& Choice(const std::string& name, std::string* value, std::vector<std::string> choices,
                 std::string help);
  // Texts with a meaning of their own, kept elsewhere than in a string: `valid` says in words what
  // is taken, `set` is false for anything else and then changes nothing.
  Option& Custom(const std::string& name, std::string unit, std::string valid, std::string help,
                 std::function<std::string()> get, std::function<bool(const std::string&)> set);
  template <typename Enum>
  Option& Field(const std::string& name, Enum* value, const EnumNames<Enum>& names,
                std::string help) {
    return AddEnum(
        name, names, std::move(help), false,
        [value, names]() -> OptionValue { return NameOf(names, *value); },
        [value, names](const OptionValue& v) { *value = ValueOf(names, v); });
  }
  template <typename Enum>
  Option& Field(const std::string& name, std::optional<Enum>* value, const EnumNames<Enum>& names,
                std::string help) {
    return AddEnum(
        name, names, std::move(help), true,
        [value, names]() -> OptionValue {
          if (!*value) return std::monostate{};
          return NameOf(names, **value);
        },
        [value, names](const OptionValue& v) {
          if (std::holds_alternative<std::monostate>(v)) return value->reset();
          *value = ValueOf(names, v);
        });
  }
  // An option that is described already, to say more about it.
  Option& Refine(const std::string& name) { return AtMutable(name); }
  // Known elsewhere, not done here (NAME, or NAME=VALUE of a choice): an error that says `why`.
  void Refuse(std::vector<std::string> names, const std::string& why);

  // ---- Using.

  // Put before names in error texts: "--" on a command line.
  void SetPrefix(std::string prefix) { prefix_ = std::move(prefix); }

  const std::deque<Option>& options() const { return options_; }
  const std::vector<std::pair<std::string, std::string>>& refused() const { return refused_; }

  const Option* Find(const std::string& name) const;
  // Also throws for names that are not known (suggesting a near one) or refused.
  const Option& At(const std::string& name) const;
  bool WasGiven(const std::string& name) const { return At(name).given; }

  // Whole numbers may be given as int64_t or double, flags as bool, texts and choices as string, or
  // as the number or bool that they would be read as ("0.5", "on"); monostate takes a value back
  // where the option is optional.
  void Set(const std::string& name, const OptionValue& value);
  // The same from the text of a command line.
  void SetText(const std::string& name, const std::string& text);
  // As if it had never been given.
  void Reset(const std::string& name);
  OptionValue Get(const std::string& name) const { return At(name).Get(); }

  // Which options of `other`, a list of the same description, were given, and its prefix.
  void TakeGiven(const OptionList& other);
  // Fills in what presets say, then checks which options go together, then Check().
  void Settle();
  // Every value is within its range, and required ones are there.
  void Check() const;

 private:
  template <typename Enum>
  static std::string NameOf(const EnumNames<Enum>& names, Enum value) {
    for (const EnumName<Enum>& name : names)
      if (name.value == value) return name.name;
    return "";
  }
  template <typename Enum>
  static Enum ValueOf(const EnumNames<Enum>& names, const OptionValue& value) {
    for (const EnumName<Enum>& name : names)
      if (std::get<std::string>(value) == name.name) return name.value;
    return names.front().value;  // not reached: the name was checked
  }
  template <typename Enum>
  Option& AddEnum(const std::string& name, const EnumNames<Enum>& names, std::string help,
                  bool optional, std::function<OptionValue()> get,
                  std::function<void(const OptionValue&)> set) {
    std::vector<std::string> shown, hidden;
    for (const EnumName<Enum>& one : names) (one.hidden ? hidden : shown).push_back(one.name);
    return AddChoice(name, std::move(shown), std::move(hidden), std::move(help), optional,
                     std::move(get), std::move(set));
  }
  Option& AddChoice(const std::string& name, std::vector<std::string> shown,
                    std::vector<std::string> hidden, std::string help, bool optional,
                    std::function<OptionValue()> get, std::function<void(const OptionValue&)> set);
  template <typename T>
  Option& AddNumber(const std::string& name, T* value, Range range, std::string unit,
                    std::string help);
  template <typename T>
  Option& AddOptionalNumber(const std::string& name, std::optional<T>* value, Range range,
                            std::string unit, std::string help);
  Option& Add(const std::string& name, OptionKind kind, std::string unit, std::string help,
              std::function<OptionValue()> get, std::function<void(const OptionValue&)> set);
  Option* FindMutable(const std::string& name);
  Option& AtMutable(const std::string& name);
  bool Holds(const Option::Condition& condition) const;
  // The value in the option's own type, if it is valid; else throws, showing `shown`.
  OptionValue Checked(const Option& option, const OptionValue& value,
                      const std::string& shown) const;
  OptionValue Parsed(const Option& option, const std::string& text) const;
  [[noreturn]] void FailUnknown(const std::string& name) const;
  std::string Named(const Option& option) const { return prefix_ + option.name; }

  std::deque<Option> options_;  // references to them stay good
  std::vector<std::pair<std::string, std::string>> refused_;
  std::string section_;
  std::string prefix_;
};

// A value as it would be written: "on", "0.5", "ema"; "none" for none.
std::string ToText(const OptionValue& value);

}  // namespace mdvt
