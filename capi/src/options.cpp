// SPDX-License-Identifier: Apache-2.0
//
// Tools, and their options by name.
#include "options.h"

#include <utility>

#include "convert.h"
#include "guarded.h"
#include "model.h"
#include "structs.h"

using namespace mdvt::capi;

namespace {

std::vector<const char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return pointers;
}

// The option, of which both pointers are checked.
const mdvt::Option& At(const mdvt_options* options, const char* name) {
  RequireSet(options, "options");
  RequireSet(name, "name");
  return options->tool->options().At(name);
}

void Set(mdvt_options* options, const char* name, const mdvt::OptionValue& value) {
  At(options, name);
  options->tool->options().Set(name, value);
}

template <typename T>
mdvt_status Get(const mdvt_options* options, const char* name, T* value) {
  const mdvt::Option& option = At(options, name);
  return Give(option.Get(), option.name, value);
}

// Of a flag, number or text; none for the others.
template <typename T>
const T* Holds(const mdvt::OptionValue& value, const std::string& name, const char* kind) {
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  const T* held = std::get_if<T>(&value);
  mdvt::Require(held != nullptr, mdvt::Code::kInvalidArgument,
                name + " is '" + mdvt::ToText(value) + "', which is not " + kind);
  return held;
}

int32_t FromPath(mdvt::PathKind path) {
  switch (path) {
    case mdvt::PathKind::kNone:
      return 0;
    case mdvt::PathKind::kInput:
      return MDVT_PATH_INPUT;
    case mdvt::PathKind::kOutput:
      return MDVT_PATH_OUTPUT;
    case mdvt::PathKind::kFolder:
      return MDVT_PATH_FOLDER;
  }
  return 0;
}

mdvt_option_info Describe(const mdvt::Option& from, const mdvt_options::Texts& texts) {
  auto to = Defaults<mdvt_option_info>();
  to.kind = FromKind(from.kind);
  to.name = from.name.c_str();
  to.unit = from.unit.c_str();
  to.help = from.help.c_str();
  to.section = from.section.c_str();
  to.valid = texts.valid.c_str();
  to.default_text = texts.default_text.c_str();
  to.low = from.range.low;
  to.high = from.range.high;
  to.also = from.also.value_or(0);
  to.also_means = from.also_means.c_str();
  to.without_low = from.range.without_low;
  to.without_high = from.range.without_high;
  to.path = FromPath(from.path);
  to.takes_list = from.takes_list;
  to.required = from.required;
  to.optional = from.optional;
  to.num_choices = static_cast<int32_t>(texts.choices.size());
  to.num_aliases = static_cast<int32_t>(texts.aliases.size());
  to.choices = texts.choices.data();
  to.aliases = texts.aliases.data();
  return to;
}

}  // namespace

mdvt_options::mdvt_options(const mdvt::ToolInfo& of)
    : info(&of), tool(of.make()), report_fields(of.report_fields()) {
  for (const mdvt::Option& option : tool->options().options())
    texts.push_back(
        {option.Valid(), option.DefaultText(), Pointers(option.choices), Pointers(option.aliases)});
}

namespace mdvt::capi {

mdvt_status Give(const OptionValue& value, const std::string& name, int32_t* to) {
  RequireSet(to, "value");
  *to = 0;
  const bool* held = Holds<bool>(value, name, "a flag");
  if (held == nullptr) return MDVT_END;
  *to = *held ? 1 : 0;
  return MDVT_OK;
}

mdvt_status Give(const OptionValue& value, const std::string& name, int64_t* to) {
  RequireSet(to, "value");
  *to = 0;
  const int64_t* held = Holds<int64_t>(value, name, "a whole number");
  if (held == nullptr) return MDVT_END;
  *to = *held;
  return MDVT_OK;
}

mdvt_status Give(const OptionValue& value, const std::string& name, double* to) {
  RequireSet(to, "value");
  *to = 0;
  if (const int64_t* whole = std::get_if<int64_t>(&value)) {
    *to = static_cast<double>(*whole);
    return MDVT_OK;
  }
  const double* held = Holds<double>(value, name, "a number");
  if (held == nullptr) return MDVT_END;
  *to = *held;
  return MDVT_OK;
}

int32_t FromKind(OptionKind kind) {
  switch (kind) {
    case OptionKind::kFlag:
      return MDVT_OPTION_FLAG;
    case OptionKind::kInteger:
      return MDVT_OPTION_INTEGER;
    case OptionKind::kNumber:
      return MDVT_OPTION_NUMBER;
    case OptionKind::kText:
      return MDVT_OPTION_TEXT;
    case OptionKind::kChoice:
      return MDVT_OPTION_CHOICE;
  }
  return MDVT_OPTION_TEXT;
}

}  // namespace mdvt::capi

int32_t mdvt_tool_count(void) {
  int32_t count = 0;
  Guarded([&] { count = static_cast<int32_t>(mdvt::Tools().size()); });
  return count;
}

mdvt_status mdvt_tool_info_get(int32_t index, mdvt_tool_info* info) {
  return Guarded([&] {
    const mdvt::ToolInfo& from = mdvt::Tools()[Index(index, mdvt::Tools().size(), "index")];
    auto to = Defaults<mdvt_tool_info>();
    to.name = from.name;
    to.purpose = from.purpose;
    to.example = from.example;
    WriteStruct(to, info, "info");
  });
}

mdvt_status mdvt_options_new(const char* tool, mdvt_options** options) {
  return Guarded([&] {
    RequireSet(options, "options");
    *options = nullptr;
    RequireSet(tool, "tool");
    *options = std::make_unique<mdvt_options>(mdvt::FindTool(tool)).release();
  });
}

mdvt_status mdvt_options_from_json(const char* json, mdvt_options** options) {
  return Guarded([&] {
    RequireSet(options, "options");
    *options = nullptr;
    RequireSet(json, "json");
    auto made = std::make_unique<mdvt_options>(mdvt::ToolOfJob(json, "json"));
    mdvt::JobFromJson(json, "json", *made->info, &made->tool->options());
    *options = made.release();
  });
}

mdvt_status mdvt_options_to_json(mdvt_options* options, int32_t only_given, const char** json) {
  return Guarded([&] {
    RequireSet(json, "json");
    *json = nullptr;
    RequireSet(options, "options");
    options->json =
        mdvt::JobToJson(*options->info, options->tool->options(), Flag(only_given, "only_given"));
    *json = options->json.c_str();
  });
}

void mdvt_options_free(mdvt_options* options) {
  Guarded([&] { delete options; });
}

mdvt_status mdvt_options_set_flag(mdvt_options* options, const char* name, int32_t value) {
  return Guarded([&] { Set(options, name, Flag(value, At(options, name).name.c_str())); });
}

mdvt_status mdvt_options_set_integer(mdvt_options* options, const char* name, int64_t value) {
  return Guarded([&] { Set(options, name, value); });
}

mdvt_status mdvt_options_set_number(mdvt_options* options, const char* name, double value) {
  return Guarded([&] { Set(options, name, value); });
}

mdvt_status mdvt_options_set_text(mdvt_options* options, const char* name, const char* value) {
  return Guarded([&] {
    At(options, name);
    RequireSet(value, "value");
    options->tool->options().SetText(name, value);
  });
}

mdvt_status mdvt_options_unset(mdvt_options* options, const char* name) {
  return Guarded([&] {
    At(options, name);
    options->tool->options().Reset(name);
  });
}

mdvt_status mdvt_options_get_flag(const mdvt_options* options, const char* name, int32_t* value) {
  return Guarded([&] { return Get(options, name, value); });
}

mdvt_status mdvt_options_get_integer(const mdvt_options* options, const char* name,
                                     int64_t* value) {
  return Guarded([&] { return Get(options, name, value); });
}

mdvt_status mdvt_options_get_number(const mdvt_options* options, const char* name, double* value) {
  return Guarded([&] { return Get(options, name, value); });
}

mdvt_status mdvt_options_get_text(mdvt_options* options, const char* name, const char** value) {
  return Guarded([&]() -> mdvt_status {
    RequireSet(value, "value");
    *value = nullptr;
    const mdvt::Option& option = At(options, name);
    const mdvt::OptionValue held = option.Get();
    if (std::holds_alternative<std::monostate>(held)) return MDVT_END;
    std::string& text = options->values[option.name];
    text = mdvt::ToText(held);
    *value = text.c_str();
    return MDVT_OK;
  });
}

mdvt_status mdvt_options_was_given(const mdvt_options* options, const char* name, int32_t* given) {
  return Guarded([&] {
    RequireSet(given, "given");
    *given = At(options, name).given ? 1 : 0;
  });
}

mdvt_status mdvt_options_use_model(mdvt_options* options, const mdvt_model* model) {
  return Guarded([&] {
    RequireSet(options, "options");
    RequireSet(model, "model");
    options->tool->UseModel(model->model);
  });
}

mdvt_status mdvt_options_use_limits(mdvt_options* options, const mdvt_limits* limits) {
  return Guarded([&] {
    RequireSet(options, "options");
    options->tool->UseLimits(ToLimits(limits, "limits"));
  });
}

mdvt_status mdvt_options_check(const mdvt_options* options) {
  return Guarded([&] {
    RequireSet(options, "options");
    options->tool->Check();
  });
}

mdvt_status mdvt_option_count(const mdvt_options* options, int32_t* count) {
  return Guarded([&] {
    RequireSet(options, "options");
    RequireSet(count, "count");
    *count = static_cast<int32_t>(options->texts.size());
  });
}

mdvt_status mdvt_option_info_get(const mdvt_options* options, int32_t index,
                                 mdvt_option_info* info) {
  return Guarded([&] {
    RequireSet(options, "options");
    const size_t at = Index(index, options->texts.size(), "index");
    WriteStruct(Describe(options->tool->options().options()[at], options->texts[at]), info, "info");
  });
}

mdvt_status mdvt_report_field_count(const mdvt_options* options, int32_t* count) {
  return Guarded([&] {
    RequireSet(options, "options");
    RequireSet(count, "count");
    *count = static_cast<int32_t>(options->report_fields.size());
  });
}

mdvt_status mdvt_report_field_info_get(const mdvt_options* options, int32_t index,
                                       mdvt_report_field_info* info) {
  return Guarded([&] {
    RequireSet(options, "options");
    const mdvt::ToolReport::Field& from =
        options->report_fields[Index(index, options->report_fields.size(), "index")];
    auto to = Defaults<mdvt_report_field_info>();
    to.kind = FromKind(from.kind);
    to.name = from.name.c_str();
    to.help = from.help.c_str();
    WriteStruct(to, info, "info");
  });
}
