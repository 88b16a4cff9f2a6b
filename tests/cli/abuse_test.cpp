// SPDX-License-Identifier: Apache-2.0
//
// Every option of six programs, and every eighth of all others, with values that make no sense: a
// status, one line, no crash, no wait without end. Each option meets three of the values (of the
// others one), the next option the next; with MDVT_FAULTS=all in the environment every option meets
// all. Prints the line of the scorecard.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/pipeline/tools.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

struct Option {
  std::string name;
  std::string value_name;  // empty: a flag
};

// The options that --help lists, so that a new one is swept too.
std::vector<Option> OptionsOf(const std::string& program) {
  const Outcome help = RunProgram(program, {"--help"});
  EXPECT_EQ(help.status, 0);
  std::vector<Option> options;
  std::istringstream lines(help.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("  --", 0) != 0) continue;
    std::istringstream words(line);
    Option option;
    words >> option.name;
    for (std::string name = option.name; !name.empty() && name.back() == ',';) words >> name;
    words >> option.value_name;
    if (option.name.back() == ',') option.name.pop_back();  // its other names follow
    options.push_back(option);
  }
  return options;
}

// All tools but those of the list, each with what it cannot do without.
std::vector<std::pair<std::string, Arguments>> OtherPrograms(
    const std::vector<std::pair<std::string, Arguments>>& known, const std::string& color,
    const std::string& depth, const std::string& out) {
  std::vector<std::pair<std::string, Arguments>> others;
  for (const ToolInfo& info : Tools()) {
    const bool is_known = std::any_of(known.begin(), known.end(),
                                      [&](const auto& one) { return one.first == info.name; });
    if (is_known) continue;
    Arguments base;
    const std::unique_ptr<Tool> tool = info.make();
    for (const mdvt::Option& option : tool->options().options()) {
      if (!option.required) continue;
      const bool is_depth = option.name.find("depth") != std::string::npos;
      const bool is_output = option.path != PathKind::kInput && option.path != PathKind::kNone;
      base.insert(base.end(), {"--" + option.name, is_output ? out : is_depth ? depth : color});
    }
    others.emplace_back(info.name, base);
  }
  return others;
}

TEST(Abuse, EveryOptionWithEveryKindOfNonsense) {
  const TempDir dir;
  fs::current_path(dir.path());  // some of the nonsense is a valid name for a file or folder
  ClipShape shape;
  shape.width = 32;
  shape.height = 16;
  shape.frames = 2;
  MakeColor(dir / "color.mkv", shape);
  DepthClipOptions tagged;
  tagged.tags.xfov_deg = 60;
  MakeDepth(dir / "depth.mkv", shape, Plane(2), tagged);
  mkfifo((dir / "pipe").c_str(), 0600);
  fs::create_directory(dir / "folder");
  const std::string color = dir / "color.mkv";
  const std::string depth = dir / "depth.mkv";
  const std::string out = dir / "results/out.mkv";
  std::vector<std::pair<std::string, Arguments>> programs = {
      {"video_metric_convert", {"--color_video", color, "--xfov", "60"}},
      {"stereo_rerender", {"--depth_video", depth, "--color_video", color}},
      {"convert_metric_depth_video_to_other_format", {"--depth_video", depth, "--bit8"}},
      {"mono_to_sbs", {"--input", color}},
      {"mdvt_depth_error", {"--depth_video", depth, "--truth_video", depth}},
      {"mdvt_contact_sheet", {"--color_video", color}}};
  const size_t great = programs.size();
  for (auto& other : OtherPrograms(programs, color, depth, out)) programs.push_back(other);
  const std::vector<std::string> nonsense = {"",
                                             "text",
                                             "-7",
                                             "nan",
                                             "1e300",
                                             "99999999999999999999",
                                             "\xff\xfe\x80",
                                             "line\nbreak",
                                             dir / "folder",
                                             dir / "pipe",
                                             "/dev/null",
                                             "/dev/full",
                                             "/dev/zero",
                                             std::string(5000, 'x')};

  const char* wish = std::getenv("MDVT_FAULTS");
  const bool all = wish && std::string(wish) == "all";
  size_t next_value = 0, next_option = 0;
  int cases = 0;
  int good = 0;
  for (size_t number = 0; number < programs.size(); ++number) {
    const auto& [program, base] = programs[number];
    const size_t values_each = all ? nonsense.size() : number < great ? 3 : 1;
    const std::vector<Option> options = OptionsOf(program);
    const bool has_output = std::any_of(options.begin(), options.end(), [](const Option& option) {
      return option.name == "--output";
    });
    EXPECT_GE(options.size(), 8u) << program;
    for (const Option& option : options) {
      if (option.name == "--help" || option.name == "--version") continue;
      if (!all && number >= great && next_option++ % 8 != 0) continue;
      // The option in place of the one that the base has.
      Arguments arguments;
      for (size_t i = 0; i < base.size(); ++i) {
        const bool takes_value = i + 1 < base.size() && base[i + 1].rfind("--", 0) != 0;
        if (base[i] == option.name) {
          i += takes_value;
        } else {
          arguments.push_back(base[i]);
        }
      }
      if (option.name != "--output" && has_output)
        arguments.insert(
            arguments.end(),
            {"--output", program == "mdvt_contact_sheet" ? dir / "results/out.png" : out});
      const auto check = [&](const Arguments& run, bool must_fail) {
        fs::create_directory(dir / "results");
        std::string line = program;
        for (const std::string& argument : run) line += " " + argument.substr(0, 60);
        RunningProgram running(program, run);
        const Outcome outcome = running.Wait(60);
        const bool clean = !outcome.by_signal && outcome.status >= 0 && outcome.status <= 5 &&
                           (outcome.status != 0 || !must_fail);
        // One line per failure; what is not written is not there.
        size_t errors = 0;
        std::istringstream lines(outcome.err);
        for (std::string text; std::getline(lines, text);) {
          errors += text.rfind(program + ": error: ", 0) == 0;
          EXPECT_EQ(text.rfind(program + ": ", 0), 0u) << line << "\n" << outcome.err;
        }
        const bool told = errors == (outcome.status == 0 ? 0u : 1u);
        const bool tidy = outcome.status == 0 || fs::is_empty(dir / "results");
        EXPECT_TRUE(clean && told && tidy) << line << "\nstatus " << outcome.status << "\n"
                                           << outcome.err;
        ++cases;
        good += clean && told && tidy;
        fs::remove_all(dir / "results");
      };
      Arguments run = arguments;
      if (option.value_name.empty()) {
        run.push_back(option.name + "=maybe");
        check(run, true);
        run.back() = option.name;
        run.push_back(option.name);
        check(run, true);
        continue;
      }
      run.push_back(option.name);
      check(run, true);  // no value
      for (size_t i = 0; i < values_each; ++i, ++next_value) {
        const std::string& value = nonsense[next_value % nonsense.size()];
        run = arguments;
        run.insert(run.end(), {option.name, value});
        check(run, value.empty());
      }
    }
  }
  std::printf("{\"id\":\"A6\",\"value\":\"%d/%d\",\"target\":\">= 300 cases, all\",\"pass\":%s}\n",
              good, cases, good == cases && cases >= 300 ? "true" : "false");
  EXPECT_GE(cases, 300);
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace mdvt::test
