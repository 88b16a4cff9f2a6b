// SPDX-License-Identifier: Apache-2.0
#include "pipeline/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

// Temporary files go into a folder of the test's own.
class ScratchFolders : public ::testing::Test {
 protected:
  ScratchFolders() {
    const char* before = std::getenv("TMPDIR");
    if (before != nullptr) before_ = before;
    setenv("TMPDIR", (dir_ / ".").c_str(), 1);
  }
  ~ScratchFolders() override {
    if (before_.empty())
      unsetenv("TMPDIR");
    else
      setenv("TMPDIR", before_.c_str(), 1);
  }
  int Count() const {
    int count = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir_ / "."))
      count += entry.path().filename().string().rfind("mdvt-scratch-", 0) == 0;
    return count;
  }

  const TempDir dir_;
  std::string before_;
};

TEST_F(ScratchFolders, AreGoneWithTheObject) {
  auto folder = std::make_unique<ScratchFolder>();
  std::ofstream(*folder / "file") << "something";
  EXPECT_TRUE(fs::exists(*folder / "file"));
  EXPECT_EQ(Count(), 1);
  folder.reset();
  EXPECT_EQ(Count(), 0);
}

TEST_F(ScratchFolders, OfKilledProcessesAreRemovedByTheNext) {
  // What kill -9 leaves: nobody holds a lock on it.
  fs::create_directories(dir_ / "mdvt-scratch-AbCd12/deep");
  std::ofstream(dir_ / "mdvt-scratch-AbCd12/deep/scene.bin") << "numbers";
  // What is none of ours stays: other names, files, links to folders.
  fs::create_directory(dir_ / "mdvt-scratch-AbCd123");
  fs::create_directory(dir_ / "kept");
  fs::create_directory_symlink(dir_ / "kept", dir_ / "mdvt-scratch-linked");
  std::ofstream(dir_ / "mdvt-scratch-a_file") << "text";
  // And what a process that lives is using.
  fs::create_directory(dir_ / "mdvt-scratch-living");
  const int lock = open((dir_ / "mdvt-scratch-living").c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  const ScratchFolder first, second;
  EXPECT_FALSE(fs::exists(dir_ / "mdvt-scratch-AbCd12"));
  for (const char* name : {"mdvt-scratch-AbCd123", "mdvt-scratch-linked", "mdvt-scratch-a_file",
                           "mdvt-scratch-living", "kept"})
    EXPECT_TRUE(fs::exists(dir_ / name)) << name;
  EXPECT_TRUE(fs::exists(first / "."));
  EXPECT_TRUE(fs::exists(second / "."));
  close(lock);
}

}  // namespace
}  // namespace mdvt::test
