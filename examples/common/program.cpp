// SPDX-License-Identifier: Apache-2.0
#include "common/program.h"

#include <malloc.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <new>
#include <set>
#include <system_error>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/ffmpeg_log.h"
#include "mdvt/io/sidecar.h"

namespace mdvt::example {
namespace {

namespace fs = std::filesystem;

// What the signal handler may touch.
std::atomic<bool> g_cancelled{false};
std::atomic<int> g_signal{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

extern "C" void OnSignal(int number) {
  g_signal = number;
  g_cancelled = true;
}

// The first signal ends the run cleanly; a second one of the same kind ends the process at once.
void CatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before = {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);  // nohup stays nohup
  }
  signal(SIGPIPE, SIG_IGN);  // a reader of the progress lines that leaves does not end the run
  signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of write(), not the end
}

// Left alone, glibc keeps what each thread has freed, whole pictures among it: a quarter more
// memory for nothing.
void ReturnFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_TRIM_THRESHOLD, 2 << 20);
#endif
}

std::string Canonical(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
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

[[noreturn]] void Usage(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

double ParseInRange(const std::string& name, const std::string& text, Range range, bool whole) {
  const std::optional<double> value = ParseDouble(text);
  const bool fits = value && range.Contains(*value) && (!whole || ParseInt(text).has_value());
  if (!fits)
    Usage("--" + name + " is '" + text + "', must be a " + (whole ? "whole " : "") + "number in " +
          range.ToString());
  return *value;
}

std::string Joined(const std::vector<std::string>& choices) {
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : "|") + choice;
  return list;
}

std::string ParseChoice(const std::string& name, const std::string& text,
                        const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), text) == choices.end())
    Usage("--" + name + " is '" + text + "', must be one of " + Joined(choices));
  return text;
}

}  // namespace

std::string Version() { return MDVT_VERSION_TEXT; }

std::string Range::ToString() const {
  return (without_low ? "(" : "[") + FormatDouble(low) + ", " + FormatDouble(high) +
         (without_high ? ")" : "]");
}

DepthEncoding EncodingByName(const std::string& name) {
  const std::pair<const char*, DepthEncoding> names[] = {
      {"rgb16", DepthEncoding::kRgb16},
      {"gray16", DepthEncoding::kGray16},
      {"rgb24-log", DepthEncoding::kRgb24Log},
      {"gray16-65025", DepthEncoding::kGray16Legacy},
      {"gray8", DepthEncoding::kGray8}};
  std::string list;
  for (const auto& [known, encoding] : names) {
    if (name == known || name == DepthEncodingName(encoding)) return encoding;
    list += (list.empty() ? "" : ", ") + std::string(known);
  }
  Usage("--encoding is '" + name + "', must be one of " + list);
}

// Lays the help out as all programs do: every option with its default.
class HelpLayout : public CLI::FormatterBase {
 public:
  // `positional` follows the program's name: " [INPUT [OUTPUT]]".
  explicit HelpLayout(std::string positional) : positional_(std::move(positional)) {}
  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
    std::string text = "usage: " + app->get_name() + positional_ + " [options]\n\n" +
                       app->get_description() + "\n\noptions:\n";
    for (const CLI::Option* option : app->get_options()) {
      text += "  " + option->get_name();
      if (!option->get_type_name().empty()) text += " " + option->get_type_name();
      const std::string shown = option->get_required() ? "required" : option->get_default_str();
      text += "\n      " + option->get_description() + " (default: " + shown + ")\n";
    }
    return text + app->get_footer();
  }

 private:
  std::string positional_;
};

struct Program::Parser {
  Parser(const std::string& name, const std::string& purpose) : app(purpose, name) {
    app.set_help_flag();
  }
  // The option that `argument` names, in any way of writing it, and its name as CLI11 knows it,
  // with a value that stands behind "="; `spelled` stays empty for what is no name at all.
  const CLI::Option* Find(const std::string& argument, std::string* spelled) const;

  CLI::App app;
};

Program::Program(std::string name, std::string purpose, std::string example)
    : name_(std::move(name)),
      example_(std::move(example)),
      parser_(std::make_unique<Parser>(name_, purpose)) {}

Program::~Program() = default;

void Program::Add(const std::string& name, const std::string& value_name, const std::string& help,
                  const std::string& shown_default, std::function<void(const std::string&)> set) {
  CLI::App& app = parser_->app;
  CLI::Option* option = nullptr;
  if (value_name.empty()) {
    option = app.add_flag_function(
        "--" + name, [set](int64_t) { set(""); }, help);
    option->disable_flag_override();
    option->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  } else {
    option = app.add_option_function<std::string>("--" + name, std::move(set), help);
    option->type_name(value_name);
  }
  option->default_str(shown_default);
}

void Program::Text(const std::string& name, const std::string& value_name, const std::string& help,
                   std::string* value, const std::string& shown_default) {
  Add(name, value_name, help, value->empty() ? shown_default : *value,
      [value](const std::string& text) { *value = text; });
}

void Program::Number(const std::string& name, const std::string& value_name,
                     const std::string& help, double* value, Range range) {
  Add(name, value_name, help, FormatDouble(*value),
      [=](const std::string& text) { *value = ParseInRange(name, text, range, false); });
}

void Program::Number(const std::string& name, const std::string& value_name,
                     const std::string& help, std::optional<double>* value, Range range,
                     const std::string& shown_default) {
  Add(name, value_name, help, shown_default,
      [=](const std::string& text) { *value = ParseInRange(name, text, range, false); });
}

void Program::Integer(const std::string& name, const std::string& value_name,
                      const std::string& help, int64_t* value, Range range) {
  Add(name, value_name, help, std::to_string(*value), [=](const std::string& text) {
    *value = static_cast<int64_t>(ParseInRange(name, text, range, true));
  });
}

void Program::Integer(const std::string& name, const std::string& value_name,
                      const std::string& help, std::optional<int64_t>* value, Range range,
                      const std::string& shown_default) {
  Add(name, value_name, help, shown_default, [=](const std::string& text) {
    *value = static_cast<int64_t>(ParseInRange(name, text, range, true));
  });
}

void Program::Flag(const std::string& name, const std::string& help, bool* value) {
  Add(name, "", help, *value ? "on" : "off", [value](const std::string&) { *value = true; });
}

void Program::Choice(const std::string& name, const std::string& help,
                     const std::vector<std::string>& choices, std::string* value) {
  Add(name, Joined(choices), help, *value,
      [=](const std::string& text) { *value = ParseChoice(name, text, choices); });
}

void Program::Choice(const std::string& name, const std::string& help,
                     const std::vector<std::string>& choices, std::optional<std::string>* value,
                     const std::string& shown_default) {
  Add(name, Joined(choices), help, shown_default,
      [=](const std::string& text) { *value = ParseChoice(name, text, choices); });
}

void Program::Require(const std::string& name) { parser_->app.get_option("--" + name)->required(); }

void Program::Positional(const std::string& name) { positional_.push_back(name); }

void Program::Announce(const std::vector<std::pair<std::string, std::string>>& facts) {
  display_->Announce(facts);
}

void Program::Refuse(const std::vector<std::string>& names, const std::string& why) {
  for (const std::string& name : names) refused_.emplace_back(name, why);
}

bool Program::WasGiven(const std::string& name) const {
  return parser_->app.count("--" + name) > 0;
}

void Program::AddFovOptions(FovOptions* fov, const std::string& shown_default) {
  const Range angle{0, 180, true, true};
  Number("xfov", "DEGREES",
         "horizontal field of view; from --yfov and square pixels if only that "
         "is given",
         &fov->xfov_deg, angle, shown_default);
  Number("yfov", "DEGREES",
         "vertical field of view; from --xfov and square pixels if only that is "
         "given",
         &fov->yfov_deg, angle, shown_default);
  Text("xfov_file", "JSON", "horizontal field of view of each frame, in degrees; wins over both",
       &fov->xfov_file);
}

void Program::AddDepthReadingOptions(std::optional<double>* max_depth,
                                     std::optional<DepthEncoding>* encoding) {
  AddDepthReading("", "the depth video", max_depth, encoding);
}

void Program::AddTruthReadingOptions(std::optional<double>* max_depth,
                                     std::optional<DepthEncoding>* encoding) {
  AddDepthReading("truth_", "the true depth video", max_depth, encoding);
}

void Program::AddReferenceReadingOptions(std::optional<double>* max_depth,
                                         std::optional<DepthEncoding>* encoding) {
  AddDepthReading("reference_", "--depth_video", max_depth, encoding);
}

void Program::AddDepthReading(const std::string& prefix, const std::string& what,
                              std::optional<double>* max_depth,
                              std::optional<DepthEncoding>* encoding) {
  Number(prefix + "max_depth", "METRES", "depth at the end of the range of " + what, max_depth,
         {0, 1e6, true, false}, "from its file, else 100");
  Add(prefix + "encoding", "NAME",
      "how " + what + " is encoded: rgb16, gray16, rgb24-log, gray16-65025 or gray8",
      "from its file, else rgb16",
      [encoding](const std::string& text) { *encoding = EncodingByName(text); });
}

void Program::AddMaxFrames(JobOptions* job) {
  Add("max_frames", "N", "stop after this many frames; -1 means all",
      std::to_string(job->max_frames), [job](const std::string& text) {
        const std::optional<int64_t> value = ParseInt(text);
        if (!value || (*value < 1 && *value != -1))
          Usage("--max_frames is '" + text + "', must be -1 (all) or a whole number from 1 on");
        job->max_frames = *value;
      });
}

void Program::AddJobOptions(JobOptions* job) {
  Add("overwrite", "", "replace an output that exists, once the new one is whole", "on",
      [this, job](const std::string&) {
        if (WasGiven("no_overwrite")) Usage("give --overwrite or --no_overwrite, not both");
        job->overwrite = true;
      });
  Add("no_overwrite", "", "fail if an output exists", "off", [this, job](const std::string&) {
    if (WasGiven("overwrite")) Usage("give --overwrite or --no_overwrite, not both");
    job->overwrite = false;
  });
  Add("threads", "N", "worker threads; 0 means one per core; never changes the result",
      std::to_string(job->num_threads), [job](const std::string& text) {
        job->num_threads = static_cast<int>(ParseInRange("threads", text, {0, 1024}, true));
      });
}

void Program::FailUnknown(const std::string& name) const {
  for (const auto& [refused, why] : refused_)
    if (refused == name) Usage("--" + name + " is not available: " + why);
  std::string nearest;
  size_t least = 1 + name.size() / 3;  // farther than this is another word
  for (const CLI::Option* option : parser_->app.get_options()) {
    const std::string known = option->get_single_name();
    const size_t distance = EditDistance(name, known);
    if (distance > least || (!nearest.empty() && distance == least)) continue;
    least = distance;
    nearest = known;
  }
  Usage("unknown option '--" + name + "'" +
        (!nearest.empty() ? ", did you mean --" + nearest + "?" : ", see --help"));
}

const CLI::Option* Program::Parser::Find(const std::string& argument, std::string* spelled) const {
  const size_t dashes = argument.rfind("--", 0) == 0 ? 2 : argument.rfind("-", 0) == 0 ? 1 : 0;
  const size_t equals = std::min(argument.find('='), argument.size());
  const std::string given = argument.substr(dashes, equals - dashes);
  if (dashes == 0 || given.empty() || ParseDouble(argument)) return nullptr;  // "-0.5" is a value
  const std::string name = "--" + (given == "h" ? "help" : Canonical(given));
  *spelled = name + argument.substr(equals);
  return app.get_option_no_throw(name);
}

std::vector<std::string> Program::Spell(int argc, char** argv) const {
  std::vector<std::string> arguments;
  std::set<const CLI::Option*> given;
  const CLI::Option* waiting = nullptr;  // for its value
  size_t bare = 0;                       // values without a name
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    std::string spelled;
    const CLI::Option* option = parser_->Find(argument, &spelled);
    if (waiting != nullptr) {
      if (option != nullptr || argument.empty()) break;
      arguments.back() += "=" + argument;
      waiting = nullptr;
      continue;
    }
    if (spelled.empty() && bare < positional_.size()) {
      spelled = "--" + positional_[bare++] + "=" + argument;
      option = parser_->app.get_option_no_throw(spelled.substr(0, spelled.find('=')));
    }
    if (spelled.empty()) Usage("unexpected argument '" + argument + "', see --help");
    if (option == nullptr) FailUnknown(spelled.substr(2, spelled.find('=') - 2));
    if (!given.insert(option).second) Usage(option->get_name() + " is given twice");
    arguments.push_back(spelled);
    if (option->get_expected_min() > 0) {
      if (spelled.find('=') == std::string::npos) waiting = option;
      if (spelled.back() == '=') {
        waiting = option;
        break;
      }
    }
  }
  if (waiting != nullptr) Usage(waiting->get_name() + " needs a value");
  return arguments;
}

bool Program::Parse(int argc, char** argv) {
  if (devices_) {
    Text("device", "DEVICE", "where a model runs: cpu, cuda or cuda:N", &device_, device_);
  } else {
    Choice("device", "where to compute: the processor", {"cpu"}, &device_);
  }
  Flag("quiet", "print nothing but errors", &quiet_);
  Choice("progress", "a bar (in a pipe: a line now and then), JSON lines on stdout, or nothing",
         {"bar", "json", "none"}, &progress_);
  CLI::App& app = parser_->app;
  app.set_version_flag("--version", name_ + " (mdvt) " MDVT_VERSION_TEXT)
      ->description("print the version and leave")
      ->default_str("off");
  app.set_help_flag("--help", "print this and leave")->default_str("off");
  app.footer(Footer());
  std::string positional;
  for (const std::string& name : positional_) {
    std::string upper = name;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    positional += " [" + upper + "]";
  }
  app.formatter(std::make_shared<HelpLayout>(positional));

  std::vector<std::string> arguments = Spell(argc, argv);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  try {
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return false;
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    return false;
  } catch (const CLI::ParseError& error) {
    Usage(std::string(error.what()) + ", see --help");
  }
  return true;
}

std::string Program::Footer() const {
  std::string text;
  if (!refused_.empty()) {
    text += "\ndocumented options that this version refuses:\n ";
    size_t column = 1;
    for (const auto& [name, why] : refused_) {
      if (column + name.size() + 3 > 98) {
        text += "\n ";
        column = 1;
      }
      text += " --" + name;
      column += name.size() + 3;
    }
    text += "\n";
  }
  return text +
         "\nNames may be written with - in place of _. A video name that ends in .txt is a list "
         "of\n"
         "videos, one per line. Exit status: 0 done, 1 failed, 2 wrong use, 3 bad input, 4 "
         "refused,\n"
         "5 not converged, 130 interrupted.\n\nexample:\n  " +
         example_ + "\n";
}

int Program::Report(const std::exception& failure) {
  const auto* error = dynamic_cast<const Error*>(&failure);
  const Code code = error != nullptr                                           ? error->code()
                    : dynamic_cast<const std::bad_alloc*>(&failure) != nullptr ? Code::kOutOfMemory
                                                                               : Code::kInternal;
  int status = ExitStatus(code);
  if (code == Code::kCancelled && g_signal != 0) status = 128 + g_signal;
  const bool exhausted = error == nullptr && code == Code::kOutOfMemory;
  std::string text = exhausted ? "out of memory" : failure.what();
  if (code == Code::kCancelled) text = "interrupted, nothing was written";
  if (!display_) display_.emplace(name_, ProgressMode::kNone, false);
  display_->Failed(CodeName(code), status, text);
  return status;
}

int Program::Main(int argc, char** argv, const std::function<int()>& body) {
  ReturnFreedMemory();
  CatchSignals();
  try {
    if (!Parse(argc, argv)) return std::fflush(stdout) == 0 ? 0 : 1;
    const ProgressMode mode = progress_ == "json"   ? ProgressMode::kJson
                              : progress_ == "none" ? ProgressMode::kNone
                                                    : ProgressMode::kBar;
    display_.emplace(name_, mode, quiet_);
    SetLogSink([this](LogLevel level, const std::string& text) {
      if (level >= LogLevel::kWarning) display_->Warn(text);
    });
    SilenceFfmpegLog();
    return body();
  } catch (const std::exception& failure) {
    return Report(failure);
  } catch (...) {
    std::fprintf(stderr, "%s: error: unknown failure\n", name_.c_str());
    return ExitStatus(Code::kInternal);
  }
}

int Program::ForEachItem(const Inputs& inputs,
                         const std::function<Summary(const RunControl&)>& job) {
  // The entries of each list; an input that is none stays as it is.
  std::vector<std::vector<std::string>> lists(inputs.paths.size());
  size_t items = 0;
  std::string list_name;
  for (size_t i = 0; i < inputs.paths.size(); ++i) {
    const auto& [name, path] = inputs.paths[i];
    if (!IsBatchList(*path)) {
      if (i > 0 && items > 0 && !path->empty())
        Usage("--" + list_name + " is a list, so that --" + name + " must be one too");
      continue;
    }
    if (i > 0 && lists[0].empty())
      Usage("--" + name + " is a list, so that --" + inputs.paths[0].first + " must be one too");
    lists[i] = ReadBatchList(*path);
    if (lists[i].empty()) throw Error(Code::kCorrupt, "the list '" + *path + "' names no video");
    if (items > 0 && lists[i].size() != items)
      Usage("--" + list_name + " lists " + std::to_string(items) + " videos, --" + name +
            " lists " + std::to_string(lists[i].size()));
    items = lists[i].size();
    list_name = name;
  }

  const std::string output = *inputs.output;
  std::error_code ignored;
  const bool into_folder = !output.empty() && fs::is_directory(output, ignored);
  if (items > 0 && !output.empty() && !into_folder)
    Usage("--output is '" + output + "': for a list it must be a folder that exists");

  RunControl control;
  control.cancelled = &g_cancelled;
  control.on_progress = [this](const Progress& progress) {
    display_->Show(progress);
    return true;
  };
  std::set<std::string> used;
  int status = 0;
  for (size_t item = 0; item < std::max<size_t>(1, items); ++item) {
    std::string label;
    for (size_t i = 0; i < inputs.paths.size(); ++i) {
      if (lists[i].empty()) continue;
      std::string* path = inputs.paths[i].second;
      *path = lists[i][item];
      if (i > 0 && (*path == "-" || *path == "none")) path->clear();
      if (i == 0) label = *path;
    }
    display_->Begin(label);
    try {
      if (into_folder) {
        const fs::path name = fs::path(*inputs.paths[0].second + inputs.suffix).filename();
        *inputs.output = (fs::path(output) / name).string();
        if (!used.insert(*inputs.output).second)
          Usage("'" + *inputs.output + "' is the output of an earlier entry of the list too");
      }
      const Summary summary = job(control);
      display_->Done(summary.outputs, summary.frames, summary.details);
    } catch (const std::exception& failure) {
      const int failed = Report(failure);
      if (status == 0) status = failed;
      if (g_cancelled) return failed;
    }
  }
  return status;
}

}  // namespace mdvt::example
