// SPDX-License-Identifier: Apache-2.0
//
// What an mdvt_options handle holds, and how values leave the library by their names.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mdvt.h"
#include "mdvt/core/options.h"
#include "mdvt/pipeline/tools.h"

struct mdvt_options {
  explicit mdvt_options(const mdvt::ToolInfo& of);

  // What an mdvt_option_info points to.
  struct Texts {
    std::string valid, default_text;
    std::vector<const char*> choices, aliases;
  };

  const mdvt::ToolInfo* info;
  std::unique_ptr<mdvt::Tool> tool;
  std::vector<Texts> texts;  // of each option
  std::vector<mdvt::ToolReport::Field> report_fields;
  // Given out by mdvt_options_get_text and mdvt_options_to_json.
  std::map<std::string, std::string> values;
  std::string json;
};

namespace mdvt::capi {

// Hands the value of `name` out. MDVT_END if there is none. Throws Error(kInvalidArgument) if it is
// of another kind or `to` is NULL.
mdvt_status Give(const OptionValue& value, const std::string& name, int32_t* to);  // a flag
mdvt_status Give(const OptionValue& value, const std::string& name, int64_t* to);
mdvt_status Give(const OptionValue& value, const std::string& name, double* to);

int32_t FromKind(OptionKind kind);

}  // namespace mdvt::capi
