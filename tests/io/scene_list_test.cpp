// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/scene_list.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

using Starts = std::vector<int64_t>;

Starts Parse(const std::string& text, const Limits& limits = {}) {
  return ParseSceneStarts(text.data(), text.size(), limits);
}

constexpr char kPlain[] =
    "Timecode List:,00:00:01.000,00:00:02.500\n"
    "Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame\n"
    "1,1,00:00:00.000,0.0,24\n"
    "2,25,00:00:01.000,1.0,60\n"
    "3,61,00:00:02.500,2.5,90\n";

TEST(SceneList, CountsFromZero) { EXPECT_EQ(Parse(kPlain), (Starts{0, 24, 60})); }

TEST(SceneList, TakesItsVariants) {
  EXPECT_EQ(Parse(std::string("\xEF\xBB\xBF") + kPlain), (Starts{0, 24, 60}));
  EXPECT_EQ(Parse("Scene Number;Start Frame\r\n1;1\r\n\r\n2;9\r\n"), (Starts{0, 8}));
  EXPECT_EQ(Parse("Engine,\"Start Frame\",Scene Number\nda3,\"5\",1\n,8,2"), (Starts{4, 7}));
}

TEST(SceneList, NamesTheLineThatIsWrong) {
  ExpectError(Code::kCorrupt, "line 1 names no column", [] { Parse("Scene,Begin\n1,1\n"); });
  ExpectError(Code::kCorrupt, "line 2", [] { Parse("Start Frame\nzero\n"); });
  ExpectError(Code::kCorrupt, "line 2", [] { Parse("Start Frame\n0\n"); });
  ExpectError(Code::kCorrupt, "line 3 begins no later", [] { Parse("Start Frame\n5\n5\n"); });
  ExpectError(Code::kCorrupt, "line 2", [] { Parse("Scene Number,Start Frame\n1\n"); });
  ExpectError(Code::kCorrupt, "no scene", [] { Parse(""); });
  ExpectError(Code::kCorrupt, "no scene", [] { Parse("Start Frame\n"); });
  Limits few;
  few.max_frames = 2;
  ExpectError(Code::kLimit, "limit", [&] { Parse(kPlain, few); });
  few = {};
  few.max_text_bytes = 10;
  ExpectError(Code::kLimit, "limit", [&] { Parse(kPlain, few); });
}

TEST(SceneList, ReadsAFileAndNamesIt) {
  const TempDir folder;
  std::ofstream(folder / "scenes.csv") << kPlain;
  EXPECT_EQ(ReadSceneStarts(folder / "scenes.csv"), (Starts{0, 24, 60}));
  std::ofstream(folder / "bad.csv") << "nothing";
  ExpectError(Code::kCorrupt, "bad.csv", [&] { ReadSceneStarts(folder / "bad.csv"); });
  ExpectError(Code::kNotFound, "gone.csv", [&] { ReadSceneStarts(folder / "gone.csv"); });
}

}  // namespace
}  // namespace mdvt::test
