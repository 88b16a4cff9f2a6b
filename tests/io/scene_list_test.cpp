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

TEST(SceneTable, WritesWhatItRead) {
  // As spreadsheets leave it: a byte order mark, semicolons, quotes, columns of other programs.
  const std::string text =
      "\xEF\xBB\xBFTimecode List;00:00:01.000\r\n"
      "end frame;\"Notes\";START FRAME ;Engine\r\n"
      "24;\"dark; \"\"wet\"\"\";1; da3\r\n"
      "60;;25;\r\n";
  SceneTable table = SceneTable::Parse(text);
  EXPECT_EQ(table.ToText(), text);
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.Cell(0, "notes"), "dark; \"wet\"");
  EXPECT_EQ(table.Cell(0, "ENGINE"), "da3");
  EXPECT_EQ(table.Cell(1, "Engine"), "");
  EXPECT_EQ(table.Cell(1, "Skip"), "");
  EXPECT_EQ(table.Where(1), "line 4");
  const std::vector<SceneRange> scenes = table.Scenes();
  EXPECT_EQ(scenes[0].first, 0);
  EXPECT_EQ(scenes[0].end, 24);
  EXPECT_EQ(scenes[1].first, 24);
  EXPECT_EQ(scenes[1].end, 60);

  table.Set(1, "Engine", "a;b");
  table.Set(0, "Skip", "Yes");
  EXPECT_EQ(table.ToText(),
            "\xEF\xBB\xBFTimecode List;00:00:01.000\r\n"
            "end frame;\"Notes\";START FRAME ;Engine;Skip\r\n"
            "24;\"dark; \"\"wet\"\"\";1; da3;Yes\r\n"
            "60;;25;\"a;b\"\r\n");
  for (const char* plain : {"Start Frame\n1\n2", "Start Frame\n1\n2\n"})
    EXPECT_EQ(SceneTable::Parse(plain).ToText(), plain);
}

TEST(SceneTable, IsWrittenAsPySceneDetectDoes) {
  // 1 h at 23.976: frame 86313 ends at 3600.0 - 1/2 ms.
  const SceneTable table =
      SceneTable::Of({{0, 24, false}, {24, 25, false}, {25, 86313, false}}, Rational{24000, 1001});
  EXPECT_EQ(table.ToText(),
            "Timecode List:,00:00:01.001,00:00:01.043\n"
            "Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,"
            "End Time (seconds),Length (frames),Length (timecode),Length (seconds)\n"
            "1,1,00:00:00.000,0.000,24,00:00:01.001,1.001,24,00:00:01.001,1.001\n"
            "2,25,00:00:01.001,1.001,25,00:00:01.043,1.043,1,00:00:00.042,0.042\n"
            "3,26,00:00:01.043,1.043,86313,00:59:59.971,3599.971,86288,00:59:58.929,3598.929\n");
  EXPECT_EQ(SceneTable::Parse(table.ToText()).Scenes().back().end, 86313);
}

TEST(SceneTable, EndsComeFromWhatThereIs) {
  std::vector<SceneRange> scenes =
      SceneTable::Parse("Start Frame,Length (frames)\n1,10\n11,\n31,5\n").Scenes();
  EXPECT_EQ(scenes[0].end, 10);
  EXPECT_EQ(scenes[1].end, 30);
  EXPECT_EQ(scenes[2].end, 35);
  EXPECT_EQ(SceneTable::Parse("Start Frame\n1\n").Scenes()[0].end, -1);
  ExpectError(Code::kCorrupt, "line 2 ends before",
              [] { SceneTable::Parse("Start Frame,End Frame\n5,4\n").Scenes(); });
  ExpectError(Code::kCorrupt, "line 2 has a quote",
              [] { SceneTable::Parse("Start Frame\n\"1\n"); });
  ExpectError(Code::kCorrupt, "line 2 has 2 fields",
              [] { SceneTable::Parse("Start Frame\n1,2\n"); });
  ExpectError(Code::kCorrupt, "line 1 names the column 'skip' twice",
              [] { SceneTable::Parse("Start Frame,Skip,,skip,\n1,,,,\n"); });
  // A delimiter that was asked for holds.
  ExpectError(Code::kCorrupt, "no column",
              [] { SceneTable::Parse("Start Frame,End Frame\n1,2\n", ';').Scenes(); });
}

TEST(SplitScenes, PartsAreNearlyEqual) {
  const auto lengths = [](int64_t frames, int64_t most) {
    std::vector<int64_t> parts;
    int64_t next = 7;
    for (const SceneRange& part : SplitScenes({{7, 7 + frames, false}}, most)) {
      EXPECT_EQ(part.first, next);
      EXPECT_EQ(part.soft, !parts.empty());
      next = part.end;
      parts.push_back(part.length());
    }
    EXPECT_EQ(next, 7 + frames);
    return parts;
  };
  using Lengths = std::vector<int64_t>;
  EXPECT_EQ(lengths(1500, 1500), (Lengths{1500}));
  EXPECT_EQ(lengths(1501, 1500), (Lengths{750, 751}));
  EXPECT_EQ(lengths(3001, 1500), (Lengths{1000, 1000, 1001}));
  EXPECT_EQ(lengths(3200, 1500), (Lengths{1066, 1067, 1067}));
  EXPECT_EQ(lengths(5, 1), (Lengths{1, 1, 1, 1, 1}));
  EXPECT_EQ(lengths(3200, 0), (Lengths{3200}));
  EXPECT_THROW(SplitScenes({{0, -1, false}}, 10), Error);
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
