// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/track_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "io/expect_error.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

TrackTable Tracks(const std::string& text, const Limits& limits = {}) {
  return ParseTracks(text.data(), text.size(), limits);
}
void ExpectCorrupt(const std::string& part, const std::string& text) {
  ExpectError(Code::kCorrupt, part, [&] { Tracks(text); });
}
TEST(TrackFile, ReadsTheDocumentedExample) {
  const TrackTable tracks =
      Tracks("[[[7, 410, 233]], [[7, 412, 233], [12, 95, 601]], [[12, 97, 600]]]");
  EXPECT_EQ(tracks.num_frames(), 3);
  EXPECT_EQ(tracks.ids(), (std::vector<int32_t>{7, 12}));
  ASSERT_EQ(tracks.Frame(1).size(), 2u);
  EXPECT_EQ(tracks.Frame(1)[1].x, 95.5f) << "the centre of pixel 95";
  EXPECT_EQ(tracks.Frame(1)[1].y, 601.5f);
  EXPECT_EQ(tracks.Frame(1)[1].confidence, 1);
}

TEST(TrackFile, TakesWhatOtherWritersMake) {
  EXPECT_EQ(Tracks("[]").num_frames(), 0);
  EXPECT_EQ(Tracks("\xEF\xBB\xBF [ [] ,\r\n\t[ ] ]\n").num_frames(), 2);
  const TrackTable tracks = Tracks("[[[9.0, 1.25e1, 3.5], [2, 4, 5, true, null], [1, 0, -0]]]");
  EXPECT_EQ(tracks.ids(), (std::vector<int32_t>{1, 2, 9}));
  EXPECT_EQ(tracks.Frame(0)[2].x, 13);
  EXPECT_EQ(tracks.Frame(0)[2].y, 4);
  EXPECT_EQ(tracks.Frame(0)[1].x, 4.5f);
  EXPECT_EQ(tracks.Frame(0)[0].y, 0.5f);
}

TEST(TrackFile, TakesFinerNumbersWhereTheyFit) {
  // 2624 / 256 = 10.25; the second row's are some other program's.
  const TrackTable tracks = Tracks(
      "[[[1, 10, 20, 2624, 5056, 750], [2, 10, 20, 1, 0, 1], [3, 10, 20, 2624, 5056],"
      " [4, 10, 20, 2624, 5056, 750, 3]]]");
  EXPECT_EQ(tracks.Frame(0)[0].x, 10.75f);
  EXPECT_EQ(tracks.Frame(0)[0].y, 20.25f);
  EXPECT_EQ(tracks.Frame(0)[0].confidence, 0.75f);
  EXPECT_EQ(tracks.Frame(0)[1].x, 10.5f);
  EXPECT_EQ(tracks.Frame(0)[1].confidence, 1);
  EXPECT_EQ(tracks.Frame(0)[2].x, 10.5f);
  EXPECT_EQ(tracks.Frame(0)[3].x, 10.75f);
}

TEST(TrackFile, NamesWhatIsWrong) {
  ExpectCorrupt("tracks: expected a list with one entry per frame", "{}");
  ExpectCorrupt("expected a list", "");
  ExpectCorrupt("frame 1 is not a list of points (line 2, column 2)", "[[],\n 3]");
  ExpectCorrupt("frame 0: a point is not a list", "[[7, 1, 2]]");
  ExpectCorrupt("frame 0: a point must have three numbers", "[[[7, 1]]]");
  ExpectCorrupt("must begin with three numbers", "[[[7, null, 1]]]");
  ExpectCorrupt("must begin with three numbers", "[[[]]]");
  ExpectCorrupt("must begin with three numbers", "[[[1, NaN, 2]]]");
  ExpectCorrupt("must begin with three numbers", "[[[01, 1, 2]]]");
  ExpectCorrupt("must begin with three numbers", "[[[1, 1., 2]]]");
  ExpectCorrupt("must begin with three numbers", "[[[1, 1e999, 2]]]");
  ExpectCorrupt("must begin with three numbers", "[[[1, " + std::string(100, '1') + ", 2]]]");
  ExpectCorrupt("the id -1, must be a whole number in [0, 2^31)", "[[[-1, 1, 2]]]");
  ExpectCorrupt("the id 1.5", "[[[1.5, 1, 2]]]");
  ExpectCorrupt("the id 2147483648", "[[[2147483648, 1, 2]]]");
  ExpectCorrupt("which no picture has", "[[[1, 1e9, 2]]]");
  ExpectCorrupt("an entry that is no number", "[[[1, 2, 3, \"a\"]]]");
  ExpectCorrupt("frame 0: expected ',' or ']' in a point", "[[[1, 2, 3 ");
  ExpectCorrupt("frame 0: a point", "[[[1, 2, 3");
  ExpectCorrupt("expected ',' or ']' in the list of points", "[[[1, 2, 3]}");
  ExpectCorrupt("expected ',' or ']' in the list of frames", "[[]");
  ExpectCorrupt("more text after the end", "[[]] x");
  ExpectCorrupt("frame 2: track 4 stands there twice", "[[], [], [[4, 1, 2], [4, 3, 4]], []]");
}

TEST(TrackFile, KeepsToTheLimits) {
  Limits limits;
  limits.max_frames = 2;
  EXPECT_EQ(Tracks("[[], []]", limits).num_frames(), 2);
  ExpectError(Code::kLimit, "the limit of 2 frames", [&] { Tracks("[[], [], []]", limits); });
  limits.max_track_points = 1;
  ExpectError(Code::kLimit, "more points than the limit of 1",
              [&] { Tracks("[[[1, 2, 3]], [[1, 2, 3]]]", limits); });
}

TEST(TrackFile, WritesRowsByIdAsOthersReadThem) {
  const TempDir dir;
  TrackFileWriter writer(dir / "a.json", {640, 480, false});
  writer.AddFrame({{9, 639.9, 0.0, 1}, {2, 10.5, 20.99, 0.5}});
  writer.AddFrame({});
  writer.AddFrame({{2, 11.0, 21.0, 1}});
  writer.Finish();
  EXPECT_EQ(ReadText(dir / "a.json"), "[[[2, 10, 20], [9, 639, 0]],\n [],\n [[2, 11, 21]]]");
  TrackFileWriter fine(dir / "b.json", {640, 480, true});
  fine.AddFrame({{2, 10.75, 0.25, 0.5}});
  fine.Finish();
  EXPECT_EQ(ReadText(dir / "b.json"), "[[[2, 10, 0, 2624, -64, 500]]]");
  TrackFileWriter none(dir / "c.json", {640, 480, true});
  none.Finish();
  EXPECT_EQ(ReadText(dir / "c.json"), "[]");
}

TEST(TrackFile, RoundTripsToA256thOfAPixel) {
  const TempDir dir;
  auto rng = Rng();
  TrackTableBuilder builder;
  for (int frame = 0; frame < 50; ++frame) {
    builder.BeginFrame();
    for (int id = 0; id < 100; ++id) {
      builder.Add(id * 17, static_cast<float>(rng() % (1920 * 64)) / 64,
                  static_cast<float>(rng() % (1080 * 64)) / 64,
                  static_cast<float>(rng() % 1001) / 1000);
    }
  }
  const TrackTable tracks = builder.Finish();
  WriteTrackFile(dir / "a.json", tracks, {1920, 1080, true});
  const TrackTable back = ReadTrackFile(dir / "a.json");
  ASSERT_EQ(back.num_frames(), tracks.num_frames());
  ASSERT_EQ(back.ids(), tracks.ids());
  for (int frame = 0; frame < 50; ++frame) {
    ASSERT_EQ(back.Frame(frame).size(), tracks.Frame(frame).size());
    for (size_t i = 0; i < back.Frame(frame).size(); ++i) {
      EXPECT_EQ(back.Frame(frame)[i].x, tracks.Frame(frame)[i].x);
      EXPECT_EQ(back.Frame(frame)[i].y, tracks.Frame(frame)[i].y);
      EXPECT_EQ(back.Frame(frame)[i].confidence, tracks.Frame(frame)[i].confidence);
    }
  }
}

TEST(TrackFile, ReadsAcrossTheBordersOfItsBuffer) {
  const TempDir dir;
  TrackFileWriter writer(dir / "a.json", {16384, 16384, true});
  constexpr int kFrames = 150, kPoints = 400;
  for (int frame = 0; frame < kFrames; ++frame) {
    std::vector<TrackRow> rows;
    for (int id = 0; id < kPoints; ++id)
      rows.push_back({id, 40.0 * id + frame + 0.25, 100.0 * frame + 0.75, 0.999});
    writer.AddFrame(std::move(rows));
  }
  writer.Finish();
  ASSERT_GT(std::filesystem::file_size(dir / "a.json"), size_t{2} << 20);
  const TrackTable back = ReadTrackFile(dir / "a.json");
  ASSERT_EQ(back.num_sightings(), size_t{kFrames} * kPoints);
  for (int frame = 0; frame < kFrames; ++frame) {
    for (const TrackSighting& s : back.Frame(frame)) {
      ASSERT_EQ(s.x, 40.f * static_cast<float>(s.track) + static_cast<float>(frame) + 0.25f);
      ASSERT_EQ(s.y, 100.f * static_cast<float>(frame) + 0.75f);
    }
  }
}

TEST(TrackFile, RefusesToWriteWhatItWouldNotRead) {
  const TempDir dir;
  TrackFileWriter writer(dir / "a.json", {64, 48, true});
  writer.AddFrame({});
  const auto refuse = [&](const char* part, std::vector<TrackRow> rows) {
    ExpectError(Code::kInvalidArgument, part, [&] { writer.AddFrame(std::move(rows)); });
  };
  refuse("frame 1, track 3: (64, 1) lies outside the picture of 64x48", {{3, 64, 1, 1}});
  refuse("lies outside", {{3, -0.01, 1, 1}});
  refuse("lies outside", {{3, std::numeric_limits<double>::quiet_NaN(), 1, 1}});
  refuse("ids must be 0 or more", {{-3, 1, 1, 1}});
  refuse("confidence 1.5", {{3, 1, 1, 1.5}});
  refuse("track 3: stands there twice", {{3, 1, 1, 1}, {3, 2, 2, 1}});
  ExpectError(Code::kInvalidArgument, "width and height", [&] {
    TrackFileWriter(dir / "b.json", {0, 48, true});
  });
  EXPECT_FALSE(std::filesystem::exists(dir / "a.json")) << "nothing appears without Finish()";
}

TEST(TrackFile, NamesTheFile) {
  const TempDir dir;
  ExpectError(Code::kNotFound, "none.json", [&] { ReadTrackFile(dir / "none.json"); });
  std::ofstream(dir / "bad.json") << "[[";
  ExpectError(Code::kCorrupt, "tracking file " + (dir / "bad.json"),
              [&] { ReadTrackFile(dir / "bad.json"); });
}

}  // namespace
}  // namespace mdvt::test
