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
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "mdvt/core/options.h"
#include "mdvt/core/run.h"

namespace mdvt {

class Model;
struct Limits;

// What a run has written and found.
struct ToolReport {
  struct Field {
    std::string name;
    OptionKind kind = OptionKind::kText;  // never kChoice
    OptionValue value;                    // monostate: does not apply to this run
    std::string help;                     // with the unit
  };

  int64_t frames = 0;
  std::vector<std::string> outputs;  // files and folders
  std::string summary;               // one line: "1280x360, 2 scenes"
  std::string text;                  // what was found, in lines for a person; of tools that measure
  std::vector<Field> fields;

  const Field* Find(const std::string& name) const;
  // Throws Error(kInvalidArgument) that lists the names.
  const Field& At(const std::string& name) const;
  template <typename T>
  void Add(std::string name, const std::optional<T>& value, std::string help) {
    const OptionKind kind = std::is_same_v<T, bool>      ? OptionKind::kFlag
                            : std::is_same_v<T, int64_t> ? OptionKind::kInteger
                            : std::is_same_v<T, double>  ? OptionKind::kNumber
                                                         : OptionKind::kText;
    fields.push_back({std::move(name), kind, {}, std::move(help)});
    if (value) fields.back().value.emplace<T>(*value);
  }
  template <typename T>
  void Add(std::string name, const T& value, std::string help) {
    Add(std::move(name), std::optional<T>(value), std::move(help));
  }
};

// The options of one run. Not thread safe; may be run several times.
class Tool {
 public:
  virtual ~Tool() = default;

  OptionList& options() { return options_; }
  const OptionList& options() const { return options_; }

  // The same options, for a run of their own.
  virtual std::unique_ptr<Tool> Clone() const = 0;

  // Presets filled in, everything checked, but nothing opened. Throws Error(kInvalidArgument).
  virtual void Check() const = 0;
  // The name of the main output; empty if there is none.
  virtual std::string Output() const = 0;
  // Throws Error. After one, nothing has appeared under an output's name.
  virtual ToolReport Run(const RunControl& control = {}) = 0;

  // An open model in place of the file that the option "model" names; setting that option replaces
  // it. Throws Error: kInvalidArgument for tools that use none, kUnsupported for one that gives no
  // depth.
  virtual void UseModel(std::shared_ptr<const Model> model) = 0;
  // What its readers may cost, in place of the defaults. Throws Error(kInvalidArgument).
  virtual void UseLimits(const Limits& limits) = 0;

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
// All of the above as JSON, for programs that make a form or an interface of it: name, purpose,
// example, options (see OptionsToJson) and report (a list of name and help).
std::string ToolToJson(const ToolInfo& tool);

// A job as a file: {"tool": "stereo_rerender", "options": {"depth_video": "a.mkv", ...}}.
std::string JobToJson(const ToolInfo& tool, const OptionList& options, bool only_given);
// Sets the options that the text names. Throws Error: kCorrupt (no JSON, or not of this shape),
// kInvalidArgument (another tool, unknown names, values out of range). `what` begins the texts.
void JobFromJson(const std::string& text, const std::string& what, const ToolInfo& tool,
                 OptionList* options);
// The tool that the text is a job of, alone and with its options.
const ToolInfo& ToolOfJob(const std::string& text, const std::string& what);
std::unique_ptr<Tool> ToolFromJson(const std::string& text, const std::string& what);
// The same for files.
void ReadJobFile(const std::string& path, const ToolInfo& tool, OptionList* options);
std::unique_ptr<Tool> ToolFromJobFile(const std::string& path);

}  // namespace mdvt
