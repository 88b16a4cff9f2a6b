// SPDX-License-Identifier: Apache-2.0
//
// Every tool of mdvt by its name: its options, and how it is run. Programs, the C interface, Python
// and job files know tools only through this list.
//
//   std::unique_ptr<Tool> tool = MakeTool("stereo_rerender");
//   tool->options().Set("depth_video", std::string("clip.mp4_depth.mkv"));
//   tool->options().Set("pupillary_distance", 65.0);
//   ToolReport report = tool->Run();
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/options.h"
#include "mdvt/core/run.h"

namespace mdvt {

class Model;

// What a run has written and found.
struct ToolReport {
  struct Field {
    std::string name;
    OptionValue value;  // monostate: does not apply to this run
    std::string help;   // with the unit
  };

  int64_t frames = 0;
  std::vector<std::string> outputs;  // files and folders
  std::string summary;               // one line: "1280x360, 2 scenes"
  std::vector<Field> fields;

  const Field* Find(const std::string& name) const;
  void Add(std::string name, OptionValue value, std::string help) {
    fields.push_back({std::move(name), std::move(value), std::move(help)});
  }
};

// The options of one run. Not thread safe; may be run several times.
class Tool {
 public:
  virtual ~Tool() = default;

  OptionList& options() { return options_; }
  const OptionList& options() const { return options_; }

  // Presets filled in, everything checked, but nothing opened. Throws Error(kInvalidArgument).
  virtual void Check() const = 0;
  // The name of the main output; empty if there is none.
  virtual std::string Output() const = 0;
  // Throws Error. After one, nothing has appeared under an output's name.
  virtual ToolReport Run(const RunControl& control = {}) = 0;

  // An open model in place of the option "model". Throws Error(kInvalidArgument) for tools that use
  // none.
  virtual void UseModel(std::shared_ptr<const Model> model) = 0;

 protected:
  OptionList options_;
};

struct ToolInfo {
  const char* name;     // of the program and of the tool
  const char* purpose;  // some lines for the help
  const char* example;  // a command line
  std::unique_ptr<Tool> (*make)();
  // The fields of its report, all of them, without values.
  std::vector<ToolReport::Field> (*report_fields)();
};

// In the order in which a user meets them.
const std::vector<ToolInfo>& Tools();
// Throws Error(kInvalidArgument) that lists the names.
const ToolInfo& FindTool(const std::string& name);
std::unique_ptr<Tool> MakeTool(const std::string& name);

// A job as a file: {"tool": "stereo_rerender", "options": {"depth_video": "a.mkv", ...}}.
std::string JobToJson(const ToolInfo& tool, const OptionList& options, bool only_given);
// Sets the options that the text names. Throws Error: kCorrupt (no JSON, or not of this shape),
// kInvalidArgument (another tool, unknown names, values out of range). `what` begins the texts.
void JobFromJson(const std::string& text, const std::string& what, const ToolInfo& tool,
                 OptionList* options);
// The same for a file.
void ReadJobFile(const std::string& path, const ToolInfo& tool, OptionList* options);

}  // namespace mdvt
