// SPDX-License-Identifier: Apache-2.0
#include "common/program.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <set>
#include <string_view>
#include <system_error>

#include "common/address_space.h"
#include "common/command_line.h"
#include "common/failed_allocations.h"
#include "common/standard_streams.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/memory.h"
#include "mdvt/core/printable.h"
#include "mdvt/io/ffmpeg_log.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/versions.h"
#include "mdvt/tracking/dense_flow.h"

namespace mdvt::example {
namespace {

namespace fs = std::filesystem;

// What the signal handler may touch.
std::atomic<bool> g_cancelled{false};
std::atomic<int> g_signal{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

// What is said of the end where there is nothing to clean up; else empty.
char g_last_words[128] = "";
std::atomic<bool> g_end_at_once{false};

extern "C" void OnSignal(int number) {
  if (g_end_at_once) {
    const ssize_t written = write(STDERR_FILENO, g_last_words, std::strlen(g_last_words));
    static_cast<void>(written);
    _exit(128 + number);
  }
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

[[noreturn]] void Usage(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

// An input of a tool for which a list of files was given.
struct ListedInput {
  std::string option;
  std::vector<std::string> paths;
};

// The lists among the inputs, all of the same length; the first input names the items.
std::vector<ListedInput> ReadLists(const OptionList& options) {
  std::vector<ListedInput> lists;
  std::string first;
  for (const Option& option : options.options()) {
    if (!option.takes_list) continue;
    const std::string path = ToText(option.Get());
    if (first.empty() && !path.empty()) first = option.name;
    if (!IsBatchList(path)) {
      if (!lists.empty() && !path.empty())
        Usage("--" + lists[0].option + " is a list, so that --" + option.name + " must be one too");
      continue;
    }
    if (lists.empty() && option.name != first)
      Usage("--" + option.name + " is a list, so that --" + first + " must be one too");
    lists.push_back({option.name, ReadBatchList(path)});
    const size_t items = lists.back().paths.size();
    if (items == 0) throw Error(Code::kCorrupt, "the list '" + path + "' names no video");
    if (items != lists[0].paths.size())
      throw Error(Code::kCorrupt,
                  "--" + lists[0].option + " lists " +
                      CountOf(static_cast<int64_t>(lists[0].paths.size()), "video") + ", --" +
                      option.name + " lists " + std::to_string(items));
  }
  return lists;
}

// A list makes many files: what names a single one cannot go with it.
void CheckAgainstLists(const OptionList& options, const std::string& list_name) {
  for (const Option& option : options.options()) {
    const std::string path = ToText(option.Get());
    if (path.empty() || option.takes_list) continue;
    std::error_code ignored;
    if (option.name == "output") {
      if (!fs::is_directory(path, ignored))
        Usage("--output is '" + path + "': for a list it must be a folder that exists");
    } else if (option.path == PathKind::kOutput) {
      Usage("--" + option.name + " names one file, --" + list_name + " is a list");
    } else if (option.path == PathKind::kInput && option.name != "model" && option.name != "job") {
      Usage("--" + option.name + " belongs to one video, --" + list_name + " is a list");
    }
  }
}

}  // namespace

std::string Version() { return MDVT_VERSION_TEXT; }

Program::Program(std::string name, std::string purpose, std::string example)
    : page_{std::move(name), Version(), std::move(purpose), std::move(example)} {}

Program::~Program() = default;

void Program::AddCommonOptions() {
  OptionList& list = *options_;
  list.Section("common");
  if (list.Find("device") == nullptr)
    list.Choice("device", &device_, {"cpu"}, "where to compute: the processor");
  list.Field("quiet", &quiet_, "print nothing but errors");
  static const EnumNames<ProgressMode> modes = {
      {"bar", ProgressMode::kBar}, {"json", ProgressMode::kJson}, {"none", ProgressMode::kNone}};
  list.Field("progress", &progress_, modes,
             "a bar (in a pipe: a line now and then), JSON lines on stdout, or nothing");
  if (tool_) {
    list.Field("job", &job_, "JSON",
               "take options from this job file; those on the command line win")
        .Input();
    list.Field("print_job", &print_job_, "print the options as a job file and leave");
  }
  static const EnumNames<HelpForm> forms = {{"markdown", HelpForm::kMarkdown},
                                            {"man", HelpForm::kMan},
                                            {"bash", HelpForm::kBash},
                                            {"zsh", HelpForm::kZsh},
                                            {"json", HelpForm::kJson}};
  list.Field("describe", &describe_, forms,
             "print all options as tables, a man page, a completion script or JSON and leave");
  list.Field("version", &version_, "print the version and leave");
  list.Field("help", &help_, "print this and leave");
}

bool Program::Parse(int argc, char** argv) {
  AddCommonOptions();
  options_->SetPrefix("--");
  if (tool_)
    if (const std::string job = FindArgument(argc, argv, *options_, "job"); !job.empty())
      ReadJobFile(job, *tool_info_, options_);
  ParseCommandLine(argc, argv, options_);
  if (help_) {
    std::fputs(HelpText(page_, *options_).c_str(), stdout);
    return false;
  }
  if (describe_) {
    std::fputs(Describe(*describe_, page_, *options_).c_str(), stdout);
    return false;
  }
  if (version_) {
    std::printf("%s (mdvt) %s\n", page_.program.c_str(), MDVT_VERSION_TEXT);
    return false;
  }
  if (print_job_) {
    std::printf("%s\n", JobToJson(*tool_info_, *options_, true).c_str());
    return false;
  }
  return true;
}

int Program::Report(const std::exception& failure) try {
  const auto* error = dynamic_cast<const Error*>(&failure);
  const bool no_memory = dynamic_cast<const std::bad_alloc*>(&failure) != nullptr;
  Code code = error != nullptr ? error->code() : no_memory ? Code::kOutOfMemory : Code::kInternal;
  std::string text = no_memory ? "out of memory" : failure.what();
  // Libraries that got no memory tell of damage, or of an error that they do not know.
  if (code != Code::kCancelled && FailedAllocations() != failed_allocations_)
    code = Code::kOutOfMemory;
  if (code == Code::kOutOfMemory && text.find("out of memory") == std::string::npos)
    text = "out of memory: " + text;
  if (code == Code::kCancelled) {
    constexpr std::string_view kMoreToTell = "cancelled:";
    text = text.rfind(kMoreToTell, 0) == 0 ? "interrupted:" + text.substr(kMoreToTell.size())
                                           : "interrupted, nothing was written";
  }
  int status = ExitStatus(code);
  if (code == Code::kCancelled && g_signal != 0) status = 128 + g_signal;
  if (!display_) display_.emplace(page_.program, ProgressMode::kNone, false);
  display_->Failed(CodeName(code), status, text);
  return status;
} catch (const std::bad_alloc&) {
  std::fputs((page_.program.c_str()), stderr);
  std::fputs(": error: out of memory\n", stderr);
  return ExitStatus(Code::kOutOfMemory);
}

int Program::Main(int argc, char** argv, const std::function<int()>& body) {
  LinkAddressSpaceCheck();
  LinkAllocationCount();
  OpenStandardStreams();
  ReturnFreedMemory();
  CatchSignals();
  try {
    if (!Parse(argc, argv)) return std::fflush(stdout) == 0 ? 0 : 1;
    display_.emplace(page_.program, progress_, quiet_);
    SetLogSink([this](LogLevel level, const std::string& text) {
      if (level >= LogLevel::kWarning) display_->Warn(text);
    });
    SilenceFfmpegLog();
    if (argc < 2) CheckRequired();
    if (!tool_) options_->Settle();
    return body();
  } catch (const std::exception& failure) {
    return Report(failure);
  } catch (...) {
    std::fprintf(stderr, "%s: error: unknown failure\n", page_.program.c_str());
    return ExitStatus(Code::kInternal);
  }
}

int Program::Tell(const std::string& line) const {
  if (!quiet_) std::printf("%s\n", Printable(line).c_str());
  return std::fflush(stdout) == 0 ? 0 : 1;
}

void Program::CheckInterrupted() const {
  if (g_cancelled) throw Error(Code::kCancelled, "interrupted");
}

void Program::EndAtOnceWhenInterrupted() const {
  std::snprintf(g_last_words, sizeof(g_last_words), "%s: error: interrupted\n",
                page_.program.c_str());
  g_end_at_once = true;
  CheckInterrupted();
}

void Program::CheckRequired() const {
  try {
    options_->Check();
  } catch (const Error& error) {
    Usage(std::string(error.what()) + "; see --help");
  }
}

ToolReport Program::RunOne(const RunControl& control) {
  failed_allocations_ = FailedAllocations();
  const ToolReport report = tool_->Run(control);
  display_->Tell(report.text);
  display_->Done(report.outputs, report.frames, report.summary);
  return report;
}

int Program::RunItems() {
  RunControl control;
  control.cancelled = &g_cancelled;
  control.on_progress = [this](const Progress& progress) {
    display_->Show(progress);
    return true;
  };
  control.on_start = [this](std::vector<std::pair<std::string, std::string>> facts) {
    facts.insert(facts.begin(), {"versions", "mdvt " + Version() + ", " + CodecLibraryVersions()});
    display_->Announce(facts);
  };
  const std::vector<ListedInput> lists = ReadLists(*options_);
  if (!lists.empty()) CheckAgainstLists(*options_, lists[0].option);
  tool_->Check();
  LetOpenCvUseThreadPools();
  if (lists.empty()) {
    display_->Begin("");
    RunOne(control);
    return 0;
  }

  // The frames of several clips have the same numbers: each clip gets folders of its own.
  std::vector<std::pair<std::string, std::string>> folders;
  for (const Option& option : options_->options())
    if (option.path == PathKind::kFolder && !ToText(option.Get()).empty())
      folders.emplace_back(option.name, ToText(option.Get()));
  std::set<std::string> used;
  int status = 0;
  for (size_t item = 0; item < lists[0].paths.size(); ++item) {
    const std::string& label = lists[0].paths[item];
    display_->Begin(label);
    try {
      for (const ListedInput& list : lists) {
        const std::string& path = list.paths[item];
        const bool none = &list != &lists[0] && (path == "-" || path == "none");
        options_->Set(list.option, none ? "" : path);
      }
      for (const auto& [name, folder] : folders)
        options_->Set(name, folder + "/" + fs::path(label).filename().string());
      const std::string output = tool_->Output();
      if (!output.empty() && !used.insert(output).second)
        Usage("'" + output + "' is the output of an earlier entry of the list too");
      RunOne(control);
    } catch (const std::exception& failure) {
      const int failed = Report(failure);
      if (status == 0) status = failed;
      if (g_cancelled) return failed;
    }
  }
  return status;
}

int RunTool(const std::string& name, int argc, char** argv) {
  const ToolInfo& info = FindTool(name);
  Program program(info.name, info.purpose, info.example);
  program.tool_info_ = &info;
  program.tool_ = info.make();
  program.options_ = &program.tool_->options();
  return program.Main(argc, argv, [&] { return program.RunItems(); });
}

}  // namespace mdvt::example
