// SPDX-License-Identifier: Apache-2.0
//
// The folder of a plug-in is exchanged again and again while plug-ins are looked for in it. What
// others may write is never opened, whenever the exchange happens.
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/model/backend.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

// In a process of its own, as plug-ins stay open and failures are remembered. Its status.
int InChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// Does `exchange` over and over in another process.
class Exchanger {
 public:
  explicit Exchanger(const std::function<void(int)>& exchange) : child_(fork()) {
    if (child_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0;; ++i) exchange(i);
  }
  ~Exchanger() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }

 private:
  pid_t child_;
};

class PluginRaces : public testing::Test {
 protected:
  PluginRaces() {
    unsetenv("MDVT_BACKEND_PATH");
    setenv("MDVT_TEST_MARK", mark_.c_str(), 1);
    for (const std::string& name : {std::string("good"), std::string("evil")}) {
      fs::create_directory(folder_ / name);
      fs::copy_file(std::string(MDVT_TEST_PLUGINS) + "/" + name + "/mdvt_swap.so",
                    folder_ / name + "/mdvt_swap.so");
    }
    chmod((folder_ / "evil").c_str(), 0777);
    const char* wish = std::getenv("MDVT_FAULTS");
    tries_ = wish != nullptr && std::string(wish) == "all" ? 10000 : 200;
  }

  void Try(const std::string& place, const char* what) {
    for (int i = 0; i < tries_; ++i) {
      const int status = InChild([&] {
        try {
          AddBackendFolder(place);
          FindBackend("swap");
          return 0;
        } catch (const Error&) {
          return 3;
        }
      });
      ASSERT_TRUE(status == 0 || status == 3) << status;
      ++(status == 0 ? opened_ : refused_);
    }
    std::printf("%s: tried %d, opened %d, refused %d, of others %d\n", what, tries_, opened_,
                refused_, fs::exists(mark_) ? 1 : 0);
    EXPECT_FALSE(fs::exists(mark_)) << "code of others has run";
  }

  // `link` points to `part` of the folder "good" and of "evil" in turn.
  void TryTurning(const std::string& part, const std::string& link, const char* what) {
    {
      const Exchanger exchanger([&](int i) {
        const std::string next = folder_ / "next";
        fs::remove(next);
        fs::create_symlink(folder_ / (i % 2 == 0 ? "evil" : "good") + part, next);
        fs::rename(next, folder_ / link);
      });
      Try(folder_ / "swap", what);
    }
    EXPECT_GT(opened_, 0);
    EXPECT_GT(refused_, 0);
  }

  const TempDir folder_;
  const std::string mark_ = folder_ / "mark";
  int tries_ = 0, opened_ = 0, refused_ = 0;
};

TEST_F(PluginRaces, ALinkThatIsTurned) { TryTurning("", "swap", "a link that is turned"); }

TEST_F(PluginRaces, AFileThatIsTurned) {
  fs::create_directory(folder_ / "swap");
  TryTurning("/mdvt_swap.so", "swap/mdvt_swap.so", "a file that is turned");
}

// Where others may rename folders nothing is opened at all, not even what is good just then.
TEST_F(PluginRaces, AFolderThatOthersMayReplace) {
  fs::create_directory(folder_ / "open");
  chmod((folder_ / "open").c_str(), 0777);
  fs::rename(folder_ / "good", folder_ / "open/swap");
  fs::rename(folder_ / "evil", folder_ / "open/other");
  {
    const Exchanger exchanger([&](int) {
      std::error_code ignored;
      fs::rename(folder_ / "open/swap", folder_ / "open/third", ignored);
      fs::rename(folder_ / "open/other", folder_ / "open/swap", ignored);
      fs::rename(folder_ / "open/third", folder_ / "open/other", ignored);
    });
    Try(folder_ / "open/swap", "a folder that others may replace");
  }
  EXPECT_EQ(opened_, 0);
}

// The other one does run where nobody is asked: the test could fail.
TEST_F(PluginRaces, TheOtherOneWouldLeaveItsMark) {
  chmod((folder_ / "evil").c_str(), 0755);
  EXPECT_EQ(InChild([&] {
              AddBackendFolder(folder_ / "evil");
              return FindBackend("swap") != nullptr ? 0 : 1;
            }),
            0);
  EXPECT_TRUE(fs::exists(mark_));
}

}  // namespace
}  // namespace mdvt
