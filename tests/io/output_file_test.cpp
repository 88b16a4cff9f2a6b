// SPDX-License-Identifier: Apache-2.0
#include "io/output_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "core/text_file.h"
#include "io/expect_error.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using test::ExpectError;
namespace fs = std::filesystem;

ptrdiff_t NumFiles(const test::TempDir& dir) {
  return std::distance(fs::directory_iterator(dir.path()), {});
}

TEST(OutputFile, AppearsWhenFinishedOnly) {
  const test::TempDir dir;
  const std::string path = dir / "a.bin";
  std::string expected;
  {
    OutputFile file(path);
    std::mt19937_64 rng = test::Rng();
    for (const size_t size : {size_t{0}, size_t{1}, size_t{3000000}, size_t{5}, size_t{1} << 20,
                              (size_t{1} << 20) - 1, size_t{7}}) {
      std::string part(size, '\0');
      for (char& c : part) c = static_cast<char>(rng());
      file.Write(part);
      expected += part;
    }
    EXPECT_FALSE(fs::exists(path));
    file.Finish();
    EXPECT_EQ(NumFiles(dir), 1);
    ExpectError(Code::kInvalidArgument, "is finished already", [&] { file.Write("x"); });
  }
  EXPECT_TRUE(test::ReadText(path) == expected);
  EXPECT_EQ(ReadTextFile(path, "file", {}), expected);
}

TEST(OutputFile, UnfinishedTheOldFileStays) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  WriteFile(path, "old");
  {
    OutputFile file(path);
    file.Write("new");
  }
  EXPECT_EQ(test::ReadText(path), "old");
  EXPECT_EQ(NumFiles(dir), 1);
  WriteFile(path, "");
  EXPECT_EQ(test::ReadText(path), "");
}

TEST(OutputFile, HonoursTheUmask) {
  const test::TempDir dir;
  const mode_t old = umask(027);
  WriteFile(dir / "a", "x");
  umask(old);
  struct stat status = {};
  ASSERT_EQ(stat((dir / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

// A child may write 64 KiB at most, as on a full disk.
TEST(OutputFile, AFullDiskLeavesTheOldFile) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  WriteFile(path, "old");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {65536, 65536};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      WriteFile(path, std::string(3 << 20, 'x'));
      _exit(1);
    } catch (const Error& error) {
      const bool named = std::string(error.what()).find(path) != std::string::npos;
      _exit(error.code() == Code::kIo && named ? 0 : 2);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(test::ReadText(path), "old");
  EXPECT_EQ(NumFiles(dir), 1);
}

TEST(OutputFile, KeepsNoDescriptors) {
  const test::TempDir dir;
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 50; ++i) {
    WriteFile(dir / "a", "x");
    ReadTextFile(dir / "a", "file", {});
    OutputFile abandoned(dir / "b");
    EXPECT_ANY_THROW(WriteFile(dir / "none/a", "x"));
    EXPECT_ANY_THROW(ReadTextFile(dir / "none", "file", {}));
    EXPECT_ANY_THROW(ReadTextFile(dir.path().string(), "file", {}));
  }
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace mdvt
