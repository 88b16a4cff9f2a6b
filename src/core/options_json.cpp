// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/options_json.h"

#include <string>
#include <type_traits>

namespace mdvt {
namespace {

const char* KindName(OptionKind kind) {
  switch (kind) {
    case OptionKind::kFlag:
      return "flag";
    case OptionKind::kInteger:
      return "integer";
    case OptionKind::kNumber:
      return "number";
    case OptionKind::kText:
      return "text";
    case OptionKind::kChoice:
      return "choice";
  }
  return "";
}

const char* PathName(PathKind path) {
  return path == PathKind::kInput ? "input" : path == PathKind::kOutput ? "output" : "folder";
}

void AddRange(const Option& option, json::Value* to) {
  const bool whole = option.kind == OptionKind::kInteger;
  const auto bound = [whole](double value) {
    if (value >= kUnlimitedWhole) return json::Value();
    return whole ? json::Value(static_cast<int64_t>(value)) : json::Value(value);
  };
  (*to)["min"] = bound(option.range.low);
  (*to)["max"] = bound(option.range.high);
  json::Value::Array open;
  if (option.range.without_low) open.emplace_back("min");
  if (option.range.without_high) open.emplace_back("max");
  (*to)["open"] = open;
  if (option.also)
    (*to)["also"] =
        json::Value::Members{{"value", bound(*option.also)}, {"meaning", option.also_means}};
}

json::Value Described(const Option& option) {
  json::Value one = json::Value::Members{
      {"name", option.name},
      {"aliases", option.aliases},
      {"kind", KindName(option.kind)},
      {"section", option.section},
      {"help", option.help},
      {"unit", option.unit},
      {"valid", option.Valid()},
      {"default", ToJson(option.first_value())},
      {"default_text", option.DefaultText()},
      {"required", option.required},
      {"optional", option.optional},
      {"position", option.position < 0 ? json::Value() : json::Value(option.position)}};
  if (option.kind == OptionKind::kInteger || option.kind == OptionKind::kNumber)
    AddRange(option, &one);
  if (option.kind == OptionKind::kChoice) one["choices"] = option.choices;
  if (option.path != PathKind::kNone) {
    one["path"] = PathName(option.path);
    one["takes_list"] = option.takes_list;
  }
  return one;
}

}  // namespace

json::Value ToJson(const OptionValue& value) {
  return std::visit(
      [](const auto& v) -> json::Value {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return nullptr;
        else
          return v;
      },
      value);
}

json::Value OptionsToJson(const OptionList& options) {
  json::Value::Array list;
  for (const Option& option : options.options()) list.push_back(Described(option));
  return list;
}

}  // namespace mdvt
