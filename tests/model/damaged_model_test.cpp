// SPDX-License-Identifier: Apache-2.0
//
// What only a hash can tell: 1,000 damaged copies of a TorchScript file, opened without one. Each
// is opened and run in a child process, one after another; the process that asks must survive them
// all. Prints how many were refused and how many ran as if nothing had happened.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/model/model.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int kMutants = 1000;

// The mutant's bytes follow from its number.
std::string Mutant(const std::string& good, int number) {
  std::mt19937_64 random(static_cast<uint64_t>(number) + 1);
  std::string bytes = good;
  const size_t at = random() % bytes.size();
  switch (number % 4) {
    case 0:  // a bit
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 1:  // several bytes
      for (int i = 0; i < 8; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
      break;
    case 2:  // the end is missing
      bytes.resize(at);
      break;
    default:  // a block is missing
      bytes.erase(at, 1 + random() % 4096);
  }
  return bytes;
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// The child: one letter for each mutant from `first` on, R refused, L loaded and ran, O other.
int RunMutants(const std::string& good_path, int first) {
  const std::string good = Contents(good_path);
  const rlimit memory = {rlim_t{6} << 30, rlim_t{6} << 30};
  setrlimit(RLIMIT_AS, &memory);
  ModelOptions options;
  options.trust = ModelTrust::kUnlisted;
  options.num_threads = 1;
  const Tensor input = Model::CheckInput({1, 3, 16, 16});
  const std::string path = good_path + ".mutant.pt";
  for (int number = first; number < kMutants; ++number) {
    std::ofstream(path, std::ios::binary) << Mutant(good, number);
    char result = 'O';
    try {
      std::vector<Tensor> outputs;
      Model::Open(path, options).Run({input}, &outputs);
      result = 'L';
    } catch (const Error& error) {
      result = error.code() == Code::kInternal ? 'O' : 'R';
    }
    if (write(STDOUT_FILENO, &result, 1) != 1) return 1;
  }
  return 0;
}

struct Child {
  pid_t pid = -1;
  int out = -1;
};

Child Start(const std::string& program, const std::string& good, int first) {
  std::array<int, 2> ends = {};
  if (pipe(ends.data()) != 0) return {};
  const std::string number = std::to_string(first);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDOUT_FILENO);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    close(ends[0]);
    const char* const arguments[] = {program.c_str(), "--mutants", good.c_str(), number.c_str(),
                                     nullptr};
    execv(program.c_str(), const_cast<char* const*>(arguments));
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

TEST(DamagedModel, NeverEndsTheCaller) {
  const test::TempDir folder;
  const std::string command = MDVT_MAKE_TORCH_MODELS " '" + folder.path().string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const std::string good = folder / "good.pt";
  const std::string program = "/proc/self/exe";

  int refused = 0, loaded = 0, other = 0, crashed = 0, hung = 0;
  for (int next = 0; next < kMutants;) {
    const Child child = Start(program, good, next);
    ASSERT_GT(child.pid, 0);
    const int before = next;
    for (;;) {
      pollfd waiting = {child.out, POLLIN, 0};
      // A damaged network may loop for ever; the first one of a child also waits for LibTorch.
      const int ready = poll(&waiting, 1, 60000);
      char result = 0;
      if (ready == 0) {
        kill(child.pid, SIGKILL);
        ++hung;
        ++next;
        break;
      }
      if (ready < 0) continue;
      if (read(child.out, &result, 1) <= 0) break;
      refused += result == 'R';
      loaded += result == 'L';
      other += result == 'O';
      ++next;
    }
    close(child.out);
    int status = 0;
    waitpid(child.pid, &status, 0);
    ASSERT_FALSE(WIFEXITED(status) && WEXITSTATUS(status) != 0) << "the child cannot run";
    const bool by_itself = WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL;
    if (by_itself && next < kMutants) {
      ++crashed;
      ++next;
    }
    ASSERT_GT(next, before) << "no progress";
  }
  std::printf(
      "damaged models without a hash: %d refused, %d ran unnoticed, %d crashed their own "
      "process, %d hung, of %d\n",
      refused, loaded, crashed, hung, kMutants);
  EXPECT_EQ(refused + loaded + crashed + hung, kMutants);
  EXPECT_EQ(other, 0) << "no damaged file is called a bug of mdvt";
  EXPECT_GT(refused, kMutants / 2) << "cut files are always seen";
  EXPECT_GT(loaded, 0) << "the reason why hashes are checked";
}

}  // namespace
}  // namespace mdvt

// Runs before main() of the tests: the child has no other work.
__attribute__((constructor)) static void ActAsChild() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string one; std::getline(file, one, '\0');) arguments.push_back(one);
  if (arguments.size() == 4 && arguments[1] == "--mutants") {
    _exit(mdvt::RunMutants(arguments[2], std::atoi(arguments[3].c_str())));
  }
}
