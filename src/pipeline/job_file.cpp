// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "core/naming.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/options_json.h"
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

// What a job file is made of.
struct Job {
  std::string tool;
  json::Value options;
};

Job Parsed(const std::string& text, const std::string& what) {
  const json::Value job = json::Parse(text, Limits(), what);
  const json::Value* name = job.Find("tool");
  const json::Value* values = job.Find("options");
  Require(name != nullptr && name->is_string() && values != nullptr && values->is_object(),
          Code::kCorrupt, what + R"(: must be {"tool": "NAME", "options": {...}})");
  for (const auto& [key, value] : job.AsMembers())
    Require(key == "tool" || key == "options", Code::kCorrupt,
            what + ": unknown key '" + key + "', must be \"tool\" or \"options\"");
  return {name->AsString(), *values};
}

void SetAll(const Job& job, const std::string& what, OptionList* options) {
  Naming(what, [&] {
    for (const auto& [key, value] : job.options.AsMembers())
      options->Set(key, ToOptionValue(value, key));
  });
}

std::string TextOf(const std::string& path) { return ReadTextFile(path, "job file", Limits()); }

}  // namespace

std::string JobToJson(const ToolInfo& tool, const OptionList& options, bool only_given) {
  json::Value::Members values;
  for (const Option& option : options.options()) {
    if (option.section == "common" || (only_given && !option.given)) continue;
    values.emplace_back(option.name, ToJson(option.Get()));
  }
  const json::Value job = json::Value::Members{{"tool", tool.name}, {"options", values}};
  return json::Write(job, json::Layout::kPretty);
}

std::string ToolToJson(const ToolInfo& tool) {
  json::Value::Array report;
  for (const ToolReport::Field& field : tool.report_fields())
    report.push_back(json::Value::Members{{"name", field.name}, {"help", field.help}});
  return json::Write(json::Value::Members{{"name", tool.name},
                                          {"purpose", tool.purpose},
                                          {"example", tool.example},
                                          {"options", OptionsToJson(tool.make()->options())},
                                          {"report", report}});
}

void JobFromJson(const std::string& text, const std::string& what, const ToolInfo& tool,
                 OptionList* options) {
  const Job job = Parsed(text, what);
  Require(job.tool == tool.name, Code::kInvalidArgument,
          what + ": is a job of '" + job.tool + "', not of '" + tool.name + "'");
  SetAll(job, what, options);
}

const ToolInfo& ToolOfJob(const std::string& text, const std::string& what) {
  const Job job = Parsed(text, what);
  return Naming(what, [&]() -> const ToolInfo& { return FindTool(job.tool); });
}

std::unique_ptr<Tool> ToolFromJson(const std::string& text, const std::string& what) {
  const Job job = Parsed(text, what);
  std::unique_ptr<Tool> tool = Naming(what, [&] { return MakeTool(job.tool); });
  SetAll(job, what, &tool->options());
  return tool;
}

void ReadJobFile(const std::string& path, const ToolInfo& tool, OptionList* options) {
  JobFromJson(TextOf(path), "job file " + path, tool, options);
}

std::unique_ptr<Tool> ToolFromJobFile(const std::string& path) {
  return ToolFromJson(TextOf(path), "job file " + path);
}

}  // namespace mdvt
