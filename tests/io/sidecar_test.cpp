// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/sidecar.h"

#include <sys/stat.h>

#include <clocale>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include "io/expect_error.h"
#include "mdvt/core/log.h"
#include "support/log_catcher.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using test::ExpectError;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> Fov(const std::string& text) { return ParseFov(text.data(), text.size()); }
std::vector<double> Convergence(const std::string& text) {
  return ParseConvergence(text.data(), text.size());
}
std::vector<Pose> Transformations(const std::string& text) {
  return ParseTransformations(text.data(), text.size());
}
std::vector<std::string> Batch(const std::string& text) {
  return ParseBatchList(text.data(), text.size());
}
TEST(Fov, ReadsWhatPythonWrites) {
  EXPECT_EQ(Fov("[48.25, 60.0, 1e-3, 179]"), (std::vector<double>{48.25, 60, 0.001, 179}));
  EXPECT_EQ(Fov("\xEF\xBB\xBF \n[ 1 ,\t2 ]\r\n"), (std::vector<double>{1, 2}));
  EXPECT_TRUE(Fov("[]").empty());
}

TEST(Fov, RefusesWhatIsNoFieldOfView) {
  ExpectError(Code::kCorrupt, "frame 1 has a field of view of 180", [] { Fov("[60, 180]"); });
  ExpectError(Code::kCorrupt, "must be in (0, 180)", [] { Fov("[0]"); });
  ExpectError(Code::kCorrupt, "frame 0 has a field of view of nan", [] { Fov("[NaN]"); });
  ExpectError(Code::kCorrupt, "frame 0 is not a number", [] { Fov("[null]"); });
  ExpectError(Code::kCorrupt, "frame 0 is not a number", [] { Fov("[[60]]"); });
  ExpectError(Code::kCorrupt, "expected a list of numbers", [] { Fov("60"); });
  ExpectError(Code::kCorrupt, "(line 3, column 2)", [] { Fov("[60,\n61,\n x]"); });
}

TEST(Fov, RoundTripsThroughAFile) {
  const test::TempDir dir;
  const std::vector<double> fov = {48.25, 60, 1.0 / 3, 1e-300, 179.99999999999997};
  const std::string path = dir / "clip_xfovs.json";
  WriteFovFile(path, fov);
  EXPECT_EQ(ReadFovFile(path), fov);
  EXPECT_EQ(test::ReadText(path).substr(0, 14), "[48.25, 60.0, ");
  WriteFovFile(path, {});
  EXPECT_EQ(test::ReadText(path), "[]");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(Fov, RefusesToWriteWhatItWouldNotRead) {
  const test::TempDir dir;
  for (const double bad : {0.0, 180.0, -1.0, kNan}) {
    ExpectError(Code::kInvalidArgument, "frame 1", [&] { WriteFovFile(dir / "a", {60, bad}); });
  }
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

TEST(Fov, KeepsTheOldFileWhenWritingFails) {
  const test::TempDir dir;
  const std::string path = dir / "a.json";
  WriteFovFile(path, {60});
  ExpectError(Code::kInvalidArgument, "frame 0", [&] { WriteFovFile(path, {-1}); });
  EXPECT_EQ(ReadFovFile(path), std::vector<double>{60});
}

TEST(Convergence, KnowsMissingAndParallel) {
  const auto depth = Convergence("[2.5, NaN, null, 0, Infinity, 1E2]");
  ASSERT_EQ(depth.size(), 6u);
  EXPECT_EQ(depth[0], 2.5);
  EXPECT_TRUE(std::isnan(depth[1]));
  EXPECT_TRUE(std::isnan(depth[2]));
  EXPECT_EQ(depth[3], 0);
  EXPECT_EQ(depth[4], 0) << "converging at infinity is parallel";
  EXPECT_EQ(depth[5], 100);
  EXPECT_TRUE(std::isnan(Convergence("[-0.0, NaN]")[1]));
}

TEST(Convergence, RefusesWhatIsNoDistance) {
  ExpectError(Code::kCorrupt, "frame 1 has a convergence distance of -1",
              [] { Convergence("[2, -1]"); });
  ExpectError(Code::kCorrupt, "-inf", [] { Convergence("[-Infinity]"); });
  ExpectError(Code::kCorrupt, "neither a distance", [] { Convergence("[true]"); });
  ExpectError(Code::kCorrupt, "neither a distance", [] { Convergence("[\"2\"]"); });
}

TEST(Convergence, WritesBothDialects) {
  EXPECT_EQ(FormatConvergence({1.5, kNan, 0}), "[1.5, null, 0.0]");
  EXPECT_EQ(FormatConvergence({1.5, kNan, 0}, MissingValue::kNan), "[1.5, NaN, 0.0]");
  ExpectError(Code::kInvalidArgument, "frame 0", [] { FormatConvergence({-1}); });
  ExpectError(Code::kInvalidArgument, "frame 0",
              [] { FormatConvergence({std::numeric_limits<double>::infinity()}); });
  const test::TempDir dir;
  WriteConvergenceFile(dir / "c.json", {3, kNan});
  const auto back = ReadConvergenceFile(dir / "c.json");
  ASSERT_EQ(back.size(), 2u);
  EXPECT_EQ(back[0], 3);
  EXPECT_TRUE(std::isnan(back[1]));
}

TEST(Transformations, ReadsTheDocumentedExample) {
  test::LogCatcher log;
  const auto poses = Transformations(
      "[[[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]],\n"
      " [[0.996195, 0.0, 0.087156, 0.1], [0.0, 1.0, 0.0, 0.0], [-0.087156, 0.0, 0.996195, 0.02], "
      "[0.0, 0.0, 0.0, 1.0]]]");
  ASSERT_EQ(poses.size(), 2u);
  EXPECT_EQ(poses[0].matrix(), Eigen::Matrix4d::Identity());
  EXPECT_EQ(poses[1].translation(), Eigen::Vector3d(0.1, 0, 0.02));
  const double angle = std::atan2(0.087156, 0.996195);
  const Eigen::Matrix3d expected =
      Eigen::AngleAxisd(angle, Eigen::Vector3d::UnitY()).toRotationMatrix();
  EXPECT_LT((poses[1].linear() - expected).norm(), 1e-12) << "made orthonormal";
  EXPECT_TRUE(log.lines.empty()) << "six digits are no reason to warn";
}

std::string Matrix(const std::string& rotation_row) {
  return "[[" + rotation_row + ", 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]";
}

TEST(Transformations, RepairsSmallDeviationsWithOneWarning) {
  test::LogCatcher log;
  const auto poses =
      Transformations("[" + Matrix("1.0004, 0, 0") + ", " + Matrix("1.0002, 0, 0") + "]");
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_NE(log.lines[0].find("frame 0"), std::string::npos) << log.lines[0];
  for (const Pose& pose : poses) {
    EXPECT_LT((pose.linear() - Eigen::Matrix3d::Identity()).norm(), 1e-14);
  }
}

TEST(Transformations, RefusesWhatIsNoPose) {
  const auto expect = [](const std::string& part, const std::string& text) {
    ExpectError(Code::kCorrupt, part, [&] { Transformations(text); });
  };
  expect("frame 0: the 3x3 part is not a rotation", "[" + Matrix("1.001, 0, 0") + "]");
  expect("frame 1: the 3x3 part mirrors",
         "[" + Matrix("1, 0, 0") + ", " + Matrix("-1, 0, 0") + "]");
  expect("frame 0, row 0 has an entry that is not finite", "[" + Matrix("NaN, 0, 0") + "]");
  expect("is not a rotation", "[" + Matrix("1e300, 0, 0") + "]");
  expect("last row must be 0, 0, 0, 1", "[[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,2]]]");
  expect("frame 0, row 0 must be four numbers", "[[[1,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]");
  expect("row 0 has more than four", "[[[1,0,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]");
  expect("must have four rows", "[[[1,0,0,0],[0,1,0,0],[0,0,1,0]]]");
  expect("more than four rows", "[[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1],[0,0,0,1]]]");
  expect("must have four rows", "[[1,0,0,0]]");
  expect("frame 0 is not a 4x4 matrix", "[1]");
  expect("expected a list of 4x4 matrices", "{}");
}

TEST(Transformations, RoundTripBitForBit) {
  std::mt19937_64 rng = test::Rng();
  std::normal_distribution<double> normal;
  std::vector<Pose> poses(40, Pose::Identity());
  for (Pose& pose : poses) {
    pose.linear() = Eigen::Quaterniond(normal(rng), normal(rng), normal(rng), normal(rng))
                        .normalized()
                        .toRotationMatrix();
    pose.translation() = Eigen::Vector3d(normal(rng), normal(rng) * 1e-9, normal(rng) * 1e9);
  }
  const test::TempDir dir;
  WriteTransformationsFile(dir / "t.json", poses);
  const auto back = ReadTransformationsFile(dir / "t.json");
  ASSERT_EQ(back.size(), poses.size());
  for (size_t i = 0; i < poses.size(); ++i) EXPECT_EQ(back[i].matrix(), poses[i].matrix()) << i;
}

TEST(Transformations, RefusesToWriteWhatItWouldNotRead) {
  Pose pose = Pose::Identity();
  pose.translation().x() = kNan;
  ExpectError(Code::kInvalidArgument, "frame 0 is not a finite rigid motion",
              [&] { FormatTransformations({pose}); });
  pose = Pose::Identity();
  pose.linear() *= 2;
  ExpectError(Code::kInvalidArgument, "frame 1", [&] {
    FormatTransformations({Pose::Identity(), pose});
  });
}

TEST(BatchList, SkipsCommentsAndTrims) {
  EXPECT_EQ(Batch("# clips\n\n  a.mp4 \t\r\n\xEF\xBB\xBF.mkv\nb c.mkv\n   # no\n-"),
            (std::vector<std::string>{"a.mp4", "\xEF\xBB\xBF.mkv", "b c.mkv", "-"}));
  EXPECT_EQ(Batch("\xEF\xBB\xBFx.mp4\r\n"), std::vector<std::string>{"x.mp4"});
  EXPECT_EQ(Batch("\" a \"\n\"#b\"\n\"\n\"q"),
            (std::vector<std::string>{" a ", "#b", "\"", "\"q"}));
  EXPECT_TRUE(Batch("").empty());
  EXPECT_TRUE(Batch("\n#\n \n").empty());
}

TEST(BatchList, RefusesWhatIsNoText) {
  ExpectError(Code::kCorrupt, "line 2 contains a zero byte",
              [] { Batch(std::string("a\nb\0c\n", 6)); });
  ExpectError(Code::kCorrupt, "line 1 is not valid UTF-8", [] {
    Batch(
        "\xFF\xFE"
        "a");
  });
  ExpectError(Code::kCorrupt, "line 1 is an empty path", [] { Batch("\"\""); });
}

TEST(BatchList, KnowsItsEnding) {
  EXPECT_TRUE(IsBatchList("clips.txt"));
  EXPECT_TRUE(IsBatchList("CLIPS.TxT"));
  EXPECT_TRUE(IsBatchList(".txt"));
  EXPECT_FALSE(IsBatchList("txt"));
  EXPECT_FALSE(IsBatchList("clips.txt.mp4"));
  EXPECT_FALSE(IsBatchList(""));
}

TEST(Limits, HoldForEveryReader) {
  Limits limits;
  limits.max_text_bytes = 4;
  const std::string text = "[1,2]";
  ExpectError(Code::kLimit, "5 bytes", [&] { ParseFov(text.data(), text.size(), limits); });
  ExpectError(Code::kLimit, "5 bytes", [&] { ParseConvergence(text.data(), 5, limits); });
  ExpectError(Code::kLimit, "5 bytes", [&] { ParseTransformations(text.data(), 5, limits); });
  ExpectError(Code::kLimit, "5 bytes", [&] { ParseBatchList(text.data(), 5, limits); });
  limits = {};
  limits.max_frames = 1;
  ExpectError(Code::kLimit, "limit of 1 frames", [&] { ParseFov(text.data(), 5, limits); });
  limits = {};
  limits.max_json_depth = 2;
  const std::string nested = "[[[";
  ExpectError(Code::kLimit, "nested deeper than the limit of 2",
              [&] { ParseTransformations(nested.data(), nested.size(), limits); });
  limits.max_json_depth = -1;
  ExpectError(Code::kInvalidArgument, "max_json_depth", [&] { ParseFov("[]", 2, limits); });
}

TEST(Limits, DeepNestingNeitherRecursesNorAllocatesMuch) {
  Limits limits;
  limits.max_json_depth = 1 << 30;
  const std::string bomb(10 << 20, '[');
  ExpectError(Code::kCorrupt, "frame 0 is not a number",
              [&] { ParseFov(bomb.data(), bomb.size(), limits); });
}

TEST(Files, ErrorsNameTheFile) {
  const test::TempDir dir;
  ExpectError(Code::kNotFound, "none.json: no such file", [&] { ReadFovFile(dir / "none.json"); });
  ExpectError(Code::kIo, "is a folder", [&] { ReadBatchList(dir.path().string()); });
  ExpectError(Code::kIo, "is not a regular file", [] { ReadFovFile("/dev/null"); });
  std::ofstream(dir / "bad.json") << "[1, 2";
  ExpectError(Code::kCorrupt, "bad.json: FOV list: the text ends inside",
              [&] { ReadFovFile(dir / "bad.json"); });
  ExpectError(Code::kIo, "does not exist", [&] { WriteFovFile(dir / "none/a.json", {60}); });
  ExpectError(Code::kInvalidArgument, "is a folder",
              [&] { WriteFovFile(dir.path().string(), {60}); });
  ExpectError(Code::kInvalidArgument, "is a device", [] { WriteFovFile("/dev/full", {60}); });
  Limits limits;
  limits.max_text_bytes = 3;
  ExpectError(Code::kLimit, "longer than the limit of 3",
              [&] { ReadFovFile(dir / "bad.json", limits); });
}

TEST(Files, PipesDoNotBlock) {
  const test::TempDir dir;
  const std::string path = dir / "pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  ExpectError(Code::kIo, "not a regular file", [&] { ReadFovFile(path); });
  ExpectError(Code::kInvalidArgument, "a pipe", [&] { WriteFovFile(path, {60}); });
}

TEST(Locale, DecimalCommaChangesNothing) {
  const char* german = nullptr;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"}) {
    if (german == nullptr) german = std::setlocale(LC_ALL, name);
  }
  if (german == nullptr) GTEST_SKIP() << "no locale with a decimal comma is installed";
  EXPECT_EQ(Fov("[48.25]"), std::vector<double>{48.25});
  EXPECT_EQ(FormatFov({48.25}), "[48.25]");
  std::setlocale(LC_ALL, "C");
}

}  // namespace
}  // namespace mdvt
