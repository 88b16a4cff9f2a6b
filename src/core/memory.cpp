// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace mdvt {
namespace {

constexpr int64_t kUnknown = std::numeric_limits<int64_t>::max();

// The number behind a word at the start of a line: "MemAvailable:  24 kB" or "inactive_file 24".
std::optional<int64_t> NumberAfter(const std::string& path, const std::string& word) {
  std::ifstream file(path);
  std::string first;
  int64_t number = 0;
  while (file >> first) {
    if (first == word && file >> number) return number;
    file.clear();
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

// The file's only number; none for "max".
std::optional<int64_t> NumberIn(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

int64_t LeftOfSystem() {
  const std::optional<int64_t> kib = NumberAfter("/proc/meminfo", "MemAvailable:");
  return kib ? *kib * 1024 : kUnknown;
}

// What a version of control groups calls its files.
struct GroupFiles {
  std::string root;
  const char* most;
  const char* used;
  const char* reclaimable;  // in memory.stat: pages of files that nobody has touched lately
};

// Of a group and all groups around it. In a container, those outside cannot be seen.
int64_t LeftOfGroups(const GroupFiles& files, std::string group) {
  int64_t left = kUnknown;
  for (;; group.erase(group.rfind('/'))) {
    const std::string folder = files.root + group + "/";
    const std::optional<int64_t> most = NumberIn(folder + files.most);
    const std::optional<int64_t> used = NumberIn(folder + files.used);
    if (most && used) {
      const int64_t cached = NumberAfter(folder + "memory.stat", files.reclaimable).value_or(0);
      left = std::min(left, std::max(int64_t{0}, *most - *used + cached));
    }
    if (group.rfind('/') == std::string::npos) return left;
  }
}

int64_t LeftOfControlGroups() {
  std::ifstream file("/proc/self/cgroup");
  int64_t left = kUnknown;
  for (std::string line; std::getline(file, line);) {  // "4:memory:/user", "0::/user"
    const size_t group = line.find(":/");
    if (group == std::string::npos) continue;
    const std::string controllers = line.substr(line.find(':'), group - line.find(':'));
    const std::string path = line.substr(group + 1);
    if (controllers == ":") {
      left = std::min(
          left,
          LeftOfGroups({"/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}, path));
    } else if ((controllers + ",").find(":memory,") == 0) {
      left = std::min(left, LeftOfGroups({"/sys/fs/cgroup/memory", "memory.limit_in_bytes",
                                          "memory.usage_in_bytes", "total_inactive_file"},
                                         path));
    }
  }
  return left;
}

int64_t LeftOfAddresses() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknown;
  const std::optional<int64_t> pages = NumberIn("/proc/self/statm");
  if (!pages) return kUnknown;
  const int64_t most = static_cast<int64_t>(std::min<rlim_t>(limit.rlim_cur, kUnknown));
  return std::max(int64_t{0}, most - *pages * sysconf(_SC_PAGESIZE));
}

}  // namespace

namespace {
std::atomic<int64_t> g_failed_allocations{0};
}  // namespace

void NoteFailedAllocation() noexcept { ++g_failed_allocations; }
int64_t FailedAllocations() noexcept { return g_failed_allocations; }

int64_t AvailableMemory() {
  return std::min({LeftOfSystem(), LeftOfControlGroups(), LeftOfAddresses()});
}

}  // namespace mdvt
