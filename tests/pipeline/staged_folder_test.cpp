// SPDX-License-Identifier: Apache-2.0
#include "pipeline/staged_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mdvt/core/error.h"
#include "pipeline/job_common.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;

void Put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string Get(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(StagedFolder, FilesAppearTogetherAndReplaceOldOnes) {
  const test::TempDir dir;
  const std::string folder = dir / "a/b";
  fs::create_directories(folder);
  Put(folder + "/1", "old");
  Put(folder + "/other", "mine");
  {
    StagedFolder staged(folder);
    Put(staged.Path("1"), "new");
    Put(staged.Path("2"), "new");
    EXPECT_EQ(Get(folder + "/1"), "old");
    EXPECT_FALSE(fs::exists(folder + "/2"));
    staged.Publish();
  }
  EXPECT_EQ(Get(folder + "/1"), "new");
  EXPECT_EQ(Get(folder + "/2"), "new");
  EXPECT_EQ(Get(folder + "/other"), "mine");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 3);
}

TEST(StagedFolder, LeavesNothingWithoutPublish) {
  const test::TempDir dir;
  {
    StagedFolder staged(dir / "made/deep");
    Put(staged.Path("1"), "new");
  }
  EXPECT_FALSE(fs::exists(dir / "made"));
  Put(dir / "kept", "old");
  {
    StagedFolder staged(dir.path().string());
    Put(staged.Path("kept"), "new");
  }
  EXPECT_EQ(Get(dir / "kept"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
}

TEST(StagedFolder, AFileInTheWayIsOneError) {
  const test::TempDir dir;
  Put(dir / "file", "old");
  for (const std::string& folder : {dir / "file", dir / "file/below"}) {
    try {
      StagedFolder staged(folder);
      ADD_FAILURE() << folder;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kIo);
      EXPECT_NE(std::string(error.what()).find(folder), std::string::npos);
    }
  }
  EXPECT_EQ(Get(dir / "file"), "old");
}

TEST(StagedFolder, NamesAFileThatMayNotBeReplaced) {
  const test::TempDir dir;
  Put(dir / "0000001.ply", "old");
  const StagedFolder staged(dir.path().string());
  EXPECT_NO_THROW(staged.RequireAbsent("0000002.ply"));
  EXPECT_THROW(staged.RequireAbsent("0000001.ply"), Error);
}

TEST(PendingFile, AppearsWhenPublishedOnly) {
  const test::TempDir dir;
  Put(dir / "out.mkv", "old");
  {
    const PendingFile file(dir / "out.mkv");
    EXPECT_EQ(fs::path(file.path()).extension(), ".mkv");
    EXPECT_EQ(fs::path(file.path()).parent_path(), dir.path());
    Put(file.path(), "lost");
  }
  EXPECT_EQ(Get(dir / "out.mkv"), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 1);
  PendingFile file(dir / "out.mkv");
  Put(file.path(), "new");
  file.Publish();
  EXPECT_EQ(Get(dir / "out.mkv"), "new");
}

TEST(CheckOutput, RefusesFoldersInputsAndWhatMayNotBeReplaced) {
  const test::TempDir dir;
  Put(dir / "in.mkv", "x");
  fs::create_symlink(dir / "in.mkv", dir / "link.mkv");
  EXPECT_NO_THROW(CheckOutput(dir / "out.mkv", false, {dir / "in.mkv", ""}));
  EXPECT_NO_THROW(CheckOutput(dir / "in.mkv", true, {""}));
  EXPECT_THROW(CheckOutput(dir.path().string(), true, {}), Error);
  EXPECT_THROW(CheckOutput(dir / "in.mkv", true, {dir / "in.mkv"}), Error);
  EXPECT_THROW(CheckOutput(dir / "link.mkv", true, {dir / "in.mkv"}), Error);
  EXPECT_THROW(CheckOutput(dir / "in.mkv", false, {}), Error);
}

}  // namespace
}  // namespace mdvt
