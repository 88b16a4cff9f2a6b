// SPDX-License-Identifier: Apache-2.0
//
// Each call to the system that publishing makes fails once and for ever, and the process is killed
// before each of them: what is there afterwards is all old or all new.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>

#include "io/output_file.h"
#include "mdvt/io/output_set.h"
#include "support/faulty_system.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using test::ReadTree;
using test::TempDir;
using test::Tree;

// Three files that exist in two folders, one that is new, and a folder that is made.
struct Work {
  explicit Work(const TempDir& folder) : dir(folder) {
    fs::create_directory(dir / "x");
    for (const char* name : {"0", "1", "x/2"})
      test::WriteText(dir / name, std::string("old ") + name);
  }
  void Run() const {
    OutputSet outputs;
    const OutputFolder made = outputs.AddFolder(dir / "made/deep");
    for (const char* name : {"0", "1", "x/2", "x/3"})
      WriteFile(outputs.AddFile(dir / name), std::string("new ") + name);
    WriteFile(made.AddFile("4"), "new 4");
    WriteFile(made.AddFile("5"), "new 5");
    outputs.CommitAll();
  }
  // A run of the same outputs that gives up before it writes anything: only leftovers vanish.
  void NextRun() const {
    OutputSet outputs;
    outputs.AddFolder(dir / "made/deep");
    for (const char* name : {"0", "1", "x/2", "x/3"}) outputs.AddFile(dir / name);
  }
  static Tree Old() { return {{"0", "old 0"}, {"1", "old 1"}, {"x/", ""}, {"x/2", "old x/2"}}; }
  static Tree New() {
    return {{"0", "new 0"},     {"1", "new 1"},           {"x/", ""},
            {"x/2", "new x/2"}, {"x/3", "new x/3"},       {"made/", ""},
            {"made/deep/", ""}, {"made/deep/4", "new 4"}, {"made/deep/5", "new 5"}};
  }
  const TempDir& dir;
};

TEST(OutputSetFaults, EachFailingCallLeavesTheOldOrTheNew) {
  int tried = 0;
  for (const int error : {EIO, ENOSPC, EDQUOT}) {
    for (const bool forever : {false, true}) {
      for (int at = 0;; ++at) {
        SCOPED_TRACE("call " + std::to_string(at) + " fails with " + std::to_string(error) +
                     (forever ? " forever" : ""));
        const TempDir dir;
        const Work work(dir);
        std::string failure;
        const test::FaultOutcome outcome = test::RunWithFault(
            {at, error, forever}, [&] { work.Run(); }, &failure);
        const Tree after = ReadTree(dir.path());
        if (!forever && !(outcome.hit && test::IsPartOfCleaning(outcome.which))) {
          EXPECT_EQ(after, failure.empty() ? Work::New() : Work::Old()) << failure;
        }
        EXPECT_TRUE(failure.empty() || failure.find(dir.path().string()) != std::string::npos)
            << failure;
        work.NextRun();
        const Tree next = ReadTree(dir.path());
        // Where all calls fail after the last step, that cannot be taken back any more.
        const bool new_is_fine = failure.empty() || forever;
        EXPECT_TRUE((new_is_fine && next == Work::New()) ||
                    (!failure.empty() && next == Work::Old()))
            << failure;
        work.Run();
        EXPECT_EQ(ReadTree(dir.path()), Work::New());
        if (!outcome.hit) break;
        ++tried;
        ASSERT_LT(at, 1000);
      }
    }
  }
  EXPECT_GE(tried, 300);
  std::printf("%d failing calls tried\n", tried);
}

TEST(OutputSetFaults, AKillAtAnyMomentLeavesTheOldOrTheNew) {
  int killed = 0, old_stayed = 0;
  for (int at = 0;; ++at) {
    SCOPED_TRACE("killed before call " + std::to_string(at));
    const TempDir dir;
    const Work work(dir);
    const pid_t child = fork();
    if (child == 0) {
      std::string failure;
      test::RunWithFault(
          {at, test::kKill, false}, [&] { work.Run(); }, &failure);
      _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      EXPECT_EQ(ReadTree(dir.path()), Work::New());
      break;
    }
    ++killed;
    work.NextRun();
    const Tree after = ReadTree(dir.path());
    EXPECT_TRUE(after == Work::Old() || after == Work::New());
    old_stayed += after == Work::Old();
    work.Run();
    EXPECT_EQ(ReadTree(dir.path()), Work::New());
    ASSERT_LT(at, 1000);
  }
  EXPECT_GE(killed, 60);
  EXPECT_GT(old_stayed, killed / 2);
  EXPECT_LT(old_stayed, killed);
  std::printf("%d kills tried, the old files stayed in %d\n", killed, old_stayed);
}

// The recovery itself may be killed, over and over.
TEST(OutputSetFaults, AKilledRecoveryIsRecovered) {
  int killed = 0;
  for (int at = 0;; at += 5) {
    bool first_ended = false;
    for (int second = 0; !first_ended; ++second) {
      const TempDir dir;
      const Work work(dir);
      const auto die = [&](int call, const auto& what) {
        const pid_t child = fork();
        if (child == 0) {
          std::string failure;
          test::RunWithFault({call, test::kKill, false}, what, &failure);
          _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        return WIFSIGNALED(status);
      };
      if (!die(at, [&] { work.Run(); })) {
        EXPECT_GT(killed, 100);
        std::printf("%d pairs of kills tried\n", killed);
        return;
      }
      first_ended = !die(second, [&] { work.NextRun(); });
      ++killed;
      work.NextRun();
      const Tree after = ReadTree(dir.path());
      ASSERT_TRUE(after == Work::Old() || after == Work::New()) << at << " " << second;
    }
  }
}

}  // namespace
}  // namespace mdvt
