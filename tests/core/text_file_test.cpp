// SPDX-License-Identifier: Apache-2.0
#include "core/text_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <vector>

#include "io/expect_error.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using test::ExpectError;

TEST(ReadTextFile, GivesEveryByte) {
  const test::TempDir dir;
  std::string text(100000, 'a');
  text[7] = '\0';
  text.back() = '\xFF';
  test::WriteText(dir / "a", text);
  EXPECT_EQ(ReadTextFile(dir / "a", "file", {}), text);
  test::WriteText(dir / "empty", "");
  EXPECT_EQ(ReadTextFile(dir / "empty", "file", {}), "");
}

TEST(ReadTextFile, SaysWhatIsWrong) {
  const test::TempDir dir;
  test::WriteText(dir / "a", "12345");
  ExpectError(Code::kInvalidArgument, "file: the path contains a zero byte",
              [] { ReadTextFile(std::string("a\0b", 3), "file", {}); });
  const std::string gone = dir / "gone";
  ExpectError(Code::kNotFound, "file " + gone + ": no such file",
              [&] { ReadTextFile(gone, "file", {}); });
  ExpectError(Code::kNotFound, "no such file", [&] { ReadTextFile(dir / "a/b", "file", {}); });
  ExpectError(Code::kIo, "is a folder", [&] { ReadTextFile(dir.path().string(), "file", {}); });
  ASSERT_EQ(mkfifo((dir / "pipe").c_str(), 0600), 0);
  ExpectError(Code::kIo, "not a regular file", [&] { ReadTextFile(dir / "pipe", "file", {}); });
  Limits limits;
  limits.max_text_bytes = 5;
  EXPECT_EQ(ReadTextFile(dir / "a", "file", limits), "12345");
  limits.max_text_bytes = 4;
  ExpectError(Code::kLimit, "longer than the limit of 4 bytes",
              [&] { ReadTextFile(dir / "a", "file", limits); });
}

TEST(ReadAndParse, NamesTheFileInTheParsersErrors) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  test::WriteText(path, "12345");
  const auto size = [](const char*, size_t n, const Limits&) { return n; };
  EXPECT_EQ(ReadAndParse(path, "file", {}, size), 5u);
  ExpectError(Code::kCorrupt, path + ": list: line 1 is wrong", [&] {
    ReadAndParse(path, "file", {}, [](const char*, size_t, const Limits&) -> int {
      throw Error(Code::kCorrupt, "list: line 1 is wrong");
    });
  });
}

TEST(CheckedText, IsWithoutByteOrderMark) {
  EXPECT_EQ(CheckedText("\xEF\xBB\xBF"
                        "ab",
                        5, "list", {}),
            "ab");
  EXPECT_EQ(CheckedText("\xEF\xBB", 2, "list", {}), "\xEF\xBB");
  Limits limits;
  limits.max_text_bytes = 1;
  EXPECT_EQ(CheckedText("a", 1, "list", limits), "a");
  ExpectError(Code::kLimit, "list: 2 bytes, the limit is 1",
              [&] { CheckedText("ab", 2, "list", limits); });
}

TEST(Trim, TakesSpaceAndMoreFromTheEndsOnly) {
  EXPECT_EQ(Trim(" \t a b\r\v\f"), "a b");
  EXPECT_EQ(Trim(" \"a\" "), "\"a\"");
  EXPECT_EQ(Trim(" \"a\" ", "\""), "a");
  EXPECT_EQ(Trim(" \t"), "");
  EXPECT_EQ(Trim(""), "");
}

TEST(TextLines, CountsFromOne) {
  const auto lines = [](std::string_view text) {
    std::vector<std::string> all;
    TextLines reader(text);
    while (const auto line = reader.Next()) {
      all.emplace_back(*line);
      EXPECT_EQ(reader.number(), all.size());
    }
    return all;
  };
  EXPECT_EQ(lines(""), (std::vector<std::string>{}));
  EXPECT_EQ(lines("a"), (std::vector<std::string>{"a"}));
  EXPECT_EQ(lines("a\n\nb\r\n"), (std::vector<std::string>{"a", "", "b\r"}));
}

}  // namespace
}  // namespace mdvt
