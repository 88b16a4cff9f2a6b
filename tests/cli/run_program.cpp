// SPDX-License-Identifier: Apache-2.0
#include "cli/run_program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>
#include <thread>

extern char** environ;

namespace mdvt::test {

namespace fs = std::filesystem;

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

namespace {

int UnnamedFile() {
  std::string name = (fs::temp_directory_path() / "mdvt_cli_XXXXXX").string();
  const int descriptor = mkstemp(name.data());
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), name);
  unlink(name.c_str());
  return descriptor;
}

std::string ReadAll(int descriptor) {
  std::string text(static_cast<size_t>(std::max<off_t>(0, lseek(descriptor, 0, SEEK_END))), '\0');
  const ssize_t count = pread(descriptor, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, count)));
  return text;
}

// A limit on file sizes that the process started inside this scope inherits.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(int64_t bytes) {
    if (bytes <= 0) return;
    active_ = true;
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(bytes);
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    if (active_) setrlimit(RLIMIT_FSIZE, &before_);
  }

 private:
  bool active_ = false;
  rlimit before_ = {};
};

}  // namespace

RunningProgram::RunningProgram(const std::string& program, const Arguments& arguments,
                               int64_t max_file_bytes)
    : out_(UnnamedFile()), err_(UnnamedFile()), start_(Now()) {
  const std::string path = std::string(MDVT_PROGRAM_DIR) + "/" + program;
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out_, 1);
  posix_spawn_file_actions_adddup2(&actions, err_, 2);
  const FileSizeLimit limit(max_file_bytes);
  const int error = posix_spawn(&pid_, path.c_str(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::system_error(error, std::generic_category(), path);
}

RunningProgram::~RunningProgram() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

Outcome RunningProgram::Wait(double timeout_seconds) {
  int status = 0;
  rusage usage = {};
  while (wait4(pid_, &status, WNOHANG, &usage) == 0) {
    if (Now() - start_ > timeout_seconds) kill(pid_, SIGKILL);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  pid_ = -1;
  Outcome outcome;
  outcome.seconds = Now() - start_;
  outcome.by_signal = WIFSIGNALED(status);
  outcome.status = outcome.by_signal ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  outcome.out = ReadAll(out_);
  outcome.err = ReadAll(err_);
  outcome.peak_rss_kb = usage.ru_maxrss;
  return outcome;
}

Outcome RunProgram(const std::string& program, const RunningProgram::Arguments& arguments,
                   int64_t max_file_bytes) {
  return RunningProgram(program, arguments, max_file_bytes).Wait();
}

std::map<std::string, std::string> Snapshot(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    std::string& content = files[entry.path().string()];
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    content.assign(std::istreambuf_iterator<char>(file), {});
  }
  return files;
}

void ExpectOneClearLine(const std::string& program, const Outcome& outcome, int status,
                        const std::vector<std::string>& phrases) {
  EXPECT_FALSE(outcome.by_signal) << "ended by a signal, stderr: " << outcome.err;
  EXPECT_EQ(outcome.status, status) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_FALSE(outcome.err.empty() || outcome.err.back() != '\n') << outcome.err;
  std::istringstream lines(outcome.err);
  std::string errors;
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(program + ": warning: ", 0) == 0) continue;
    EXPECT_EQ(line.rfind(program + ": error: ", 0), 0u) << line;
    errors += line;
    ++count;
  }
  EXPECT_EQ(count, 1) << outcome.err;
  for (const std::string& phrase : phrases)
    EXPECT_NE(errors.find(phrase), std::string::npos)
        << "'" << phrase << "' is not in: " << outcome.err;
}

}  // namespace mdvt::test
