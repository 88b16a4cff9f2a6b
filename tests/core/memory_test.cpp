// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/memory.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

namespace mdvt {
namespace {

TEST(AvailableMemory, IsSomethingAndNoMoreThanThereIs) {
  const int64_t all = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  EXPECT_GT(AvailableMemory(), 1 << 20);
  EXPECT_LE(AvailableMemory(), all);
}

TEST(AvailableMemory, KnowsTheLimitOnAddresses) {
  constexpr rlim_t kMore = 64 << 20;
  const pid_t child = fork();
  if (child == 0) {
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t now = pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
    const rlimit limit = {now + kMore, now + kMore};
    if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(2);
    const int64_t left = AvailableMemory();
    _exit(left > 0 && left <= static_cast<int64_t>(kMore) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace mdvt
