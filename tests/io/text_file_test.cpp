// SPDX-License-Identifier: Apache-2.0
#include "io/text_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "core/utf8.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::ExpectError;
namespace fs = std::filesystem;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
ptrdiff_t NumFiles(const test::TempDir& dir) {
  return std::distance(fs::directory_iterator(dir.path()), {});
}

TEST(AtomicFile, AppearsOnCommitOnly) {
  const test::TempDir dir;
  const std::string path = dir / "a.bin";
  std::string expected;
  {
    AtomicFile file(path);
    std::mt19937_64 rng = test::Rng();
    for (const size_t size : {size_t{0}, size_t{1}, size_t{3000000}, size_t{5}, size_t{1} << 20,
                              (size_t{1} << 20) - 1, size_t{7}}) {
      std::string part(size, '\0');
      for (char& c : part) c = static_cast<char>(rng());
      file.Write(part);
      expected += part;
    }
    EXPECT_FALSE(fs::exists(path));
    file.Commit();
    EXPECT_EQ(NumFiles(dir), 1);
    ExpectError(Code::kInvalidArgument, "already complete", [&] { file.Write("x"); });
  }
  EXPECT_TRUE(ReadAll(path) == expected);
  EXPECT_EQ(ReadTextFile(path, "file", {}), expected);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  WriteFileAtomically(path, "old");
  {
    AtomicFile file(path);
    file.Write("new");
  }
  EXPECT_EQ(ReadAll(path), "old");
  EXPECT_EQ(NumFiles(dir), 1);
  WriteFileAtomically(path, "");
  EXPECT_EQ(ReadAll(path), "");
}

TEST(AtomicFile, HonoursTheUmask) {
  const test::TempDir dir;
  const mode_t old = umask(027);
  WriteFileAtomically(dir / "a", "x");
  umask(old);
  struct stat status = {};
  ASSERT_EQ(stat((dir / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, TakesTheLongestNames) {
  const test::TempDir dir;
  const std::string path = dir / std::string(255, 'n');
  WriteFileAtomically(path, "x");
  EXPECT_EQ(ReadAll(path), "x");
  ExpectError(Code::kIo, "cannot rename",
              [&] { WriteFileAtomically(dir / std::string(256, 'n'), "x"); });
  EXPECT_EQ(NumFiles(dir), 1);
}

TEST(AtomicFile, RefusesWhatIsNoFileName) {
  ExpectError(Code::kIo, "not a file name", [] { WriteFileAtomically("", "x"); });
  ExpectError(Code::kIo, "not a file name", [] { WriteFileAtomically("/tmp/", "x"); });
  ExpectError(Code::kIo, "zero byte", [] { WriteFileAtomically(std::string("a\0b", 3), "x"); });
}

// A child may write 64 KiB at most, as on a full disk.
TEST(AtomicFile, AFullDiskLeavesTheOldFile) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  WriteFileAtomically(path, "old");
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {65536, 65536};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      WriteFileAtomically(path, std::string(3 << 20, 'x'));
      _exit(1);
    } catch (const Error& error) {
      const bool named = std::string(error.what()).find(path) != std::string::npos;
      _exit(error.code() == Code::kIo && named ? 0 : 2);
    }
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(ReadAll(path), "old");
  EXPECT_EQ(NumFiles(dir), 1);
}

TEST(AtomicFile, KeepsNoDescriptors) {
  const test::TempDir dir;
  const int before = dup(0);
  close(before);
  for (int i = 0; i < 50; ++i) {
    WriteFileAtomically(dir / "a", "x");
    ReadTextFile(dir / "a", "file", {});
    AtomicFile abandoned(dir / "b");
    EXPECT_ANY_THROW(WriteFileAtomically(dir / "none/a", "x"));
    EXPECT_ANY_THROW(ReadTextFile(dir / "none", "file", {}));
    EXPECT_ANY_THROW(ReadTextFile(dir.path().string(), "file", {}));
  }
  const int after = dup(0);
  close(after);
  EXPECT_EQ(after, before);
}

TEST(ReadTextFile, RefusesZeroBytesInPaths) {
  ExpectError(Code::kInvalidArgument, "zero byte",
              [] { ReadTextFile(std::string("a\0b", 3), "file", {}); });
}

TEST(ReadTextFile, NotFoundAlsoBelowAFile) {
  const test::TempDir dir;
  WriteFileAtomically(dir / "a", "x");
  ExpectError(Code::kNotFound, "file", [&] { ReadTextFile(dir / "a/b", "file", {}); });
}

TEST(Utf8, KnowsWellFormedSequences) {
  for (const char* good : {"", "abc", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(good)) << good;
  }
  for (const char* bad : {"\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xED\xA0\x80",
                          "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

TEST(Utf8, RoundTripsEveryCodePoint) {
  for (char32_t point = 0; point < 0x110000; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    std::string text;
    AppendUtf8(point, &text);
    ASSERT_EQ(Utf8SequenceLength(text.data(), text.size()), text.size()) << +point;
  }
}

}  // namespace
}  // namespace mdvt
