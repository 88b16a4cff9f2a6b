// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "io/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/pipeline/tools.h"

namespace mdvt {
namespace {

OptionValue ToOptionValue(const json::Value& value, const std::string& name) {
  if (value.is_null()) return std::monostate{};
  if (value.is_bool()) return value.AsBool();
  if (value.is_int()) return value.AsInt();
  if (value.is_double()) return value.AsDouble();
  Require(value.is_string(), Code::kCorrupt,
          "option '" + name + "' must be a number, a text, true or false");
  return value.AsString();
}

json::Value ToJsonValue(const OptionValue& value) {
  return std::visit(
      [](const auto& v) {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return json::Value();
        else
          return json::Value(v);
      },
      value);
}

}  // namespace

std::string JobToJson(const ToolInfo& tool, const OptionList& options, bool only_given) {
  json::Value::Members values;
  for (const Option& option : options.options()) {
    if (option.section == "common" || (only_given && !option.given)) continue;
    values.emplace_back(option.name, ToJsonValue(option.Get()));
  }
  const json::Value job = json::Value::Members{{"tool", tool.name}, {"options", values}};
  return json::Write(job, json::Layout::kPretty);
}

void JobFromJson(const std::string& text, const std::string& what, const ToolInfo& tool,
                 OptionList* options) {
  const json::Value job = json::Parse(text, Limits(), what);
  const json::Value* name = job.Find("tool");
  const json::Value* values = job.Find("options");
  Require(name != nullptr && name->is_string() && values != nullptr && values->is_object(),
          Code::kCorrupt, what + R"(: must be {"tool": "NAME", "options": {...}})");
  for (const auto& [key, value] : job.AsMembers())
    Require(key == "tool" || key == "options", Code::kCorrupt,
            what + ": unknown key '" + key + "', must be \"tool\" or \"options\"");
  Require(name->AsString() == tool.name, Code::kInvalidArgument,
          what + ": is a job of '" + name->AsString() + "', not of '" + tool.name + "'");
  for (const auto& [key, value] : values->AsMembers()) {
    try {
      options->Set(key, ToOptionValue(value, key));
    } catch (const Error& error) {
      throw Error(error.code(), what + ": " + error.what());
    }
  }
}

void ReadJobFile(const std::string& path, const ToolInfo& tool, OptionList* options) {
  JobFromJson(ReadTextFile(path, "job file", Limits()), "job file " + path, tool, options);
}

}  // namespace mdvt
