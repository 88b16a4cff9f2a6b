// SPDX-License-Identifier: Apache-2.0
#include "support/faulty_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <system_error>

#include "mdvt/core/error.h"

namespace {

using mdvt::test::Fault;
using mdvt::test::SystemCall;

std::atomic<bool> g_active{false};
std::atomic<int> g_calls{0};
std::atomic<int> g_first_hit{-1};
Fault g_fault;
std::array<std::atomic<bool>, 4096> g_ours{};  // descriptors of counted opens

// True if this call is to fail; errno says how unless half of a write is meant.
bool Fails(SystemCall call) {
  if (!g_active) return false;
  const int number = g_calls.fetch_add(1);
  if (g_fault.at < 0 || number < g_fault.at || (number > g_fault.at && !g_fault.forever))
    return false;
  int none = -1;
  g_first_hit.compare_exchange_strong(none, static_cast<int>(call));
  if (g_fault.error == mdvt::test::kKill) raise(SIGKILL);
  if (g_fault.error == mdvt::test::kShortWrite && call != SystemCall::kWrite) return false;
  errno = g_fault.error;
  return true;
}

template <typename... Arguments>
int Call(long number, Arguments... arguments) {
  return static_cast<int>(syscall(number, arguments...));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const bool ours = (flags & (O_CREAT | O_DIRECTORY)) != 0;
  if (ours && Fails(SystemCall::kOpen)) return -1;
  const int descriptor = Call(SYS_openat, AT_FDCWD, path, flags, mode);
  if (ours && descriptor >= 0 && static_cast<size_t>(descriptor) < g_ours.size())
    g_ours[static_cast<size_t>(descriptor)] = true;
  return descriptor;
}

int close(int descriptor) {
  const bool ours = descriptor >= 0 && static_cast<size_t>(descriptor) < g_ours.size() &&
                    g_ours[static_cast<size_t>(descriptor)].exchange(false);
  const bool fails = ours && Fails(SystemCall::kClose);
  const int error = errno;
  const int result = Call(SYS_close, descriptor);  // Linux closes it even then
  if (!fails) return result;
  errno = error;
  return -1;
}

ssize_t pwrite(int descriptor, const void* data, size_t size, off_t offset) {
  if (Fails(SystemCall::kWrite)) {
    if (g_fault.error != mdvt::test::kShortWrite) return -1;
    size = (size + 1) / 2;
  }
  return syscall(SYS_pwrite64, descriptor, data, size, offset);
}

// Does nothing: no test cuts the power, and it takes a hundred times longer than all the rest.
int fsync(int) { return Fails(SystemCall::kSync) ? -1 : 0; }

int rename(const char* from, const char* to) noexcept {
  return Fails(SystemCall::kRename) ? -1 : Call(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned int flags) noexcept {
  return Fails(SystemCall::kRename) ? -1
                                    : Call(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

int link(const char* from, const char* to) noexcept {
  return Fails(SystemCall::kLink) ? -1 : Call(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char* path) noexcept {
  return Fails(SystemCall::kUnlink) ? -1 : Call(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char* path, mode_t mode) noexcept {
  return Fails(SystemCall::kMakeFolder) ? -1 : Call(SYS_mkdirat, AT_FDCWD, path, mode);
}

int rmdir(const char* path) noexcept {
  return Fails(SystemCall::kRemoveFolder) ? -1 : Call(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

}  // extern "C"

namespace mdvt::test {

FaultOutcome RunWithFault(const Fault& fault, const std::function<void()>& work,
                          std::string* failure) {
  failure->clear();
  g_fault = fault;
  g_calls = 0;
  g_first_hit = -1;
  g_active = true;
  try {
    work();
  } catch (const Error& error) {
    *failure = error.what();
    g_active = false;
    EXPECT_TRUE(error.code() == Code::kIo) << error.what();
  } catch (const std::exception& error) {
    g_active = false;
    *failure = error.what();
    ADD_FAILURE() << error.what();
  }
  g_active = false;
  FaultOutcome outcome;
  outcome.calls = g_calls;
  outcome.hit = g_first_hit >= 0;
  if (outcome.hit) outcome.which = static_cast<SystemCall>(g_first_hit.load());
  return outcome;
}

int CountLeftovers(const std::string& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    count += entry.path().filename().string().rfind(".mdvt-", 0) == 0;
  return count;
}

}  // namespace mdvt::test
