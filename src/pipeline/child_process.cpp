// SPDX-License-Identifier: Apache-2.0
#include "pipeline/child_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <thread>

#include "mdvt/core/error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration)

namespace mdvt {
namespace {

namespace fs = std::filesystem;

constexpr auto kPause = std::chrono::milliseconds(50);

bool MayRun(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
}

// A child that is killed unless it was waited for.
class Child {
 public:
  Child(const std::vector<std::string>& words, const std::string& log) {
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    // A group of its own: a key that ends us ends it through us, and all that it has started too.
    posix_spawnattr_setpgroup(&how, 0);
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ, SIGCHLD})
      sigaddset(&usual, number);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setflags(
        &how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const int failure =
        posix_spawn(&id_, words.front().c_str(), &files, &how, arguments.data(), environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    if (failure != 0)
      throw Error(Code::kIo,
                  "'" + words.front() + "' cannot be started: " + std::strerror(failure));
  }
  ~Child() {
    if (ended_) return;
    kill(-id_, SIGKILL);
    while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool HasEnded(int* status) {
    int state = 0;
    const pid_t id = waitpid(id_, &state, WNOHANG);
    if (id == 0 || (id < 0 && errno == EINTR)) return false;
    ended_ = true;
    // A host that ignores SIGCHLD gets no status of its children: what they made has to do.
    *status = id < 0 ? 0 : WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
    return true;
  }

 private:
  pid_t id_ = 0;
  bool ended_ = false;
};

}  // namespace

std::string FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return MayRun(name) ? name : "";
  const char* path = std::getenv("PATH");
  if (path == nullptr || name.empty()) return "";
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string program = (folder.empty() ? "." : folder) + "/" + name;
    if (MayRun(program)) return program;
  }
  return "";
}

int RunChild(const std::vector<std::string>& words, const std::string& log,
             const std::function<void()>& while_waiting) {
  Child child(words, log);
  int status = 0;
  while (!child.HasEnded(&status)) {
    while_waiting();
    std::this_thread::sleep_for(kPause);
  }
  return status;
}

namespace {

constexpr char kScratch[] = "mdvt-scratch-";
constexpr char kUnique[] = "XXXXXX";

// Opens a folder and takes the lock on it; -1 if it cannot be had.
int LockFolder(const std::string& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (folder < 0) return -1;
  struct stat info = {};
  const bool mine = fstat(folder, &info) == 0 && info.st_uid == geteuid();
  // One that has just been removed has no links any more.
  if (mine && flock(folder, LOCK_EX | LOCK_NB) == 0 && fstat(folder, &info) == 0 &&
      info.st_nlink > 0)
    return folder;
  close(folder);
  return -1;
}

// What killed processes have left.
void RemoveLeftovers(const fs::path& top) {
  const size_t length = std::strlen(kScratch) + std::strlen(kUnique);
  std::error_code error;
  std::vector<std::string> found;
  for (fs::directory_iterator entry(top, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.size() == length && name.rfind(kScratch, 0) == 0)
      found.push_back(entry->path().string());
  }
  for (const std::string& path : found) {
    const int lock = LockFolder(path);
    if (lock < 0) continue;
    fs::remove_all(path, error);
    close(lock);
  }
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::error_code error;
  const fs::path top = fs::temp_directory_path(error);
  Require(!error, Code::kIo, "there is no folder for temporary files (TMPDIR)");
  RemoveLeftovers(top);
  // Another process may take a new one for a leftover before it is locked.
  constexpr int kTries = 100;
  for (int i = 0; i < kTries && lock_ < 0; ++i) {
    path_ = (top / (std::string(kScratch) + kUnique)).string();
    if (mkdtemp(path_.data()) == nullptr) break;
    lock_ = LockFolder(path_);
  }
  if (lock_ < 0)
    throw Error(Code::kIo, "no temporary folder can be made in '" + top.string() +
                               "': " + std::strerror(errno));
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  close(lock_);
}

}  // namespace mdvt
