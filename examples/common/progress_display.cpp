// SPDX-License-Identifier: Apache-2.0
#include "common/progress_display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "mdvt/core/count.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/printable.h"

namespace mdvt::example {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kLineInterval(10);

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string Duration(double seconds) {
  const int64_t whole = static_cast<int64_t>(seconds + 0.5);
  char text[40];
  if (whole >= 3600) {
    std::snprintf(text, sizeof(text), "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  } else {
    std::snprintf(text, sizeof(text), "%lld:%02lld", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  }
  return text;
}

std::string Describe(const Progress& progress) {
  std::string text = progress.phase + ": " + std::to_string(progress.frames_done);
  if (progress.frames_total > 0) text += "/" + std::to_string(progress.frames_total);
  text += " frames, " + FormatFixed(progress.frames_per_second, 1) + " per second";
  if (progress.frames_total > progress.frames_done && progress.frames_per_second > 0)
    text += ", " +
            Duration(static_cast<double>(progress.frames_total - progress.frames_done) /
                     progress.frames_per_second) +
            " left";
  return text;
}

// As a JSON string.
std::string Quoted(const std::string& text) { return json::Write(json::Value(text)); }

void PrintLine(std::FILE* file, const std::string& text) {
  std::fputs((text + "\n").c_str(), file);
  std::fflush(file);
}

}  // namespace

ProgressDisplay::ProgressDisplay(std::string program, ProgressMode mode, bool quiet)
    : program_(std::move(program)),
      mode_(mode),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) == 1) {}

void ProgressDisplay::Begin(const std::string& item) {
  item_ = item;
  start_ = last_line_ = Clock::now();
}

void ProgressDisplay::Announce(const std::vector<std::pair<std::string, std::string>>& facts) {
  if (quiet_ || mode_ == ProgressMode::kNone) return;
  std::string list;
  for (const auto& [name, value] : facts) {
    if (mode_ == ProgressMode::kJson)
      list += "," + Quoted(name) + ":" + Quoted(value);
    else
      PrintLine(stdout, name + ": " + Printable(value));
  }
  if (mode_ == ProgressMode::kJson)
    PrintLine(stdout, "{\"event\":\"start\"" + (item_.empty() ? "" : ",\"item\":" + Quoted(item_)) +
                          list + "}");
}

void ProgressDisplay::Show(const Progress& progress) {
  if (quiet_ || mode_ == ProgressMode::kNone) return;
  if (mode_ == ProgressMode::kJson) {
    PrintLine(stdout, "{\"event\":\"progress\"" +
                          (item_.empty() ? "" : ",\"item\":" + Quoted(item_)) +
                          ",\"phase\":" + Quoted(progress.phase) +
                          ",\"frames_done\":" + std::to_string(progress.frames_done) +
                          ",\"frames_total\":" + std::to_string(progress.frames_total) +
                          ",\"seconds\":" + FormatFixed(progress.seconds, 3) +
                          ",\"fps\":" + FormatFixed(progress.frames_per_second, 2) + "}");
  } else if (terminal_) {
    PrintBar(progress);
  } else if (Clock::now() - last_line_ >= kLineInterval) {
    last_line_ = Clock::now();
    PrintLine(stderr, program_ + ": " + (item_.empty() ? "" : Printable(item_) + ": ") +
                          Describe(progress));
  }
}

void ProgressDisplay::PrintBar(const Progress& progress) {
  winsize window = {};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
  const size_t columns = known ? window.ws_col - 1u : 79u;
  const std::string text = " " + Describe(progress);
  std::string line;
  if (progress.frames_total > 0 && text.size() + 12 < columns) {
    const size_t width = std::min<size_t>(40, columns - text.size() - 2);
    const double share = std::clamp(
        static_cast<double>(progress.frames_done) / static_cast<double>(progress.frames_total), 0.0,
        1.0);
    const size_t filled = static_cast<size_t>(share * static_cast<double>(width));
    line = "[" + std::string(filled, '#') + std::string(width - filled, '.') + "]";
  }
  line += text;
  if (line.size() > columns) line.resize(columns);
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  std::fflush(stderr);
  bar_shown_ = true;
}

void ProgressDisplay::ClearBar() {
  if (bar_shown_) std::fputs("\r\033[K", stderr);
  bar_shown_ = false;
}

void ProgressDisplay::Tell(const std::string& text) {
  if (quiet_ || text.empty() || mode_ == ProgressMode::kJson) return;
  ClearBar();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.size(), text.find('\n', begin));
    PrintLine(stdout, Printable(text.substr(begin, end - begin)));
    begin = end + 1;
  }
}

void ProgressDisplay::Done(const std::vector<std::string>& outputs, int64_t frames,
                           const std::string& details) {
  ClearBar();
  if (quiet_) return;
  const double seconds = SecondsSince(start_);
  const double rate = seconds > 0 ? static_cast<double>(frames) / seconds : 0;
  if (mode_ == ProgressMode::kJson) {
    std::string list;
    for (const std::string& output : outputs) list += (list.empty() ? "" : ",") + Quoted(output);
    PrintLine(stdout, "{\"event\":\"done\"" + (item_.empty() ? "" : ",\"item\":" + Quoted(item_)) +
                          ",\"outputs\":[" + list + "],\"frames\":" + std::to_string(frames) +
                          ",\"seconds\":" + FormatFixed(seconds, 3) + ",\"fps\":" +
                          FormatFixed(rate, 2) + ",\"details\":" + Quoted(details) + "}");
    return;
  }
  std::string list;
  for (const std::string& output : outputs) list += (list.empty() ? "" : ", ") + Printable(output);
  PrintLine(stdout, (list.empty() ? "ended: " : "wrote " + list + ": ") + CountOf(frames, "frame") +
                        (details.empty() ? "" : ", " + details) + ", in " +
                        FormatFixed(seconds, 1) + " s" +
                        (frames > 0 ? " (" + FormatFixed(rate, 1) + " frames per second)" : ""));
}

void ProgressDisplay::Failed(const std::string& code, int status, const std::string& text) {
  ClearBar();
  PrintLine(stderr, program_ + ": error: " + (item_.empty() ? "" : Printable(item_) + ": ") +
                        Printable(text));
  if (mode_ == ProgressMode::kJson)
    PrintLine(stdout, "{\"event\":\"error\"" + (item_.empty() ? "" : ",\"item\":" + Quoted(item_)) +
                          ",\"code\":" + Quoted(code) + ",\"status\":" + std::to_string(status) +
                          ",\"text\":" + Quoted(text) + "}");
}

void ProgressDisplay::Warn(const std::string& text) {
  if (quiet_) return;
  ClearBar();
  PrintLine(stderr, program_ + ": warning: " + Printable(text));
}

}  // namespace mdvt::example
