// SPDX-License-Identifier: Apache-2.0
//
// Whatever is wrong with the input: one clear line, a status that says what kind of failure it was,
// nothing new in the folder and nothing lost from it.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

constexpr char kDepth[] = "video_metric_convert";
constexpr char kStereo[] = "stereo_rerender";
constexpr char kExport[] = "convert_metric_depth_video_to_other_format";

// A folder with a good pair of clips, and results of an earlier run where new ones would go.
class BadInput : public ::testing::Test {
 protected:
  BadInput() {
    MakeColor(color_, shape_);
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4));
    WriteText(dir_ / "out.mkv", "an earlier result");
    WriteText(dir_ / "out.mkv_infillmask.mkv", "an earlier mask");
    fs::create_directory(dir_ / "ply");
    WriteText(dir_ / "ply/0000000.ply", "an earlier cloud");
  }

  Arguments DepthArguments(const std::string& color) const {
    return {"--color_video", color, "--xfov", "60", "--output", dir_ / "out.mkv"};
  }
  Arguments StereoArguments(const std::string& depth, const std::string& color) const {
    return {"--depth_video",  depth,          "--color_video", color, "--xfov", "60", "--output",
            dir_ / "out.mkv", "--infill_mask"};
  }
  Arguments ExportArguments(const std::string& depth, const std::string& color) const {
    return {"--depth_video", depth,      "--color_video",  color,        "--xfov",    "60",
            "--bit8",        "--output", dir_ / "out.mkv", "--save_ply", dir_ / "ply"};
  }

  void ExpectFailure(const std::string& program, const Arguments& arguments, int status,
                     const std::vector<std::string>& phrases, int64_t max_file_bytes = 0) {
    std::string line;
    for (const std::string& argument : arguments) line += " " + argument;
    SCOPED_TRACE(program + line);
    const auto before = Snapshot(dir_.path().string());
    ExpectOneClearLine(program, RunProgram(program, arguments, max_file_bytes), status, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "the folder has changed";
  }

  // All programs with `bad` as their color video, and the two that read depth with it as that.
  void ExpectAllFail(const std::string& bad, int status, const std::vector<std::string>& phrases) {
    ExpectFailure(kDepth, DepthArguments(bad), status, phrases);
    ExpectFailure(kStereo, StereoArguments(depth_, bad), status, phrases);
    ExpectFailure(kStereo, StereoArguments(bad, color_), status, phrases);
    ExpectFailure(kExport, ExportArguments(depth_, bad), status, phrases);
    ExpectFailure(kExport, ExportArguments(bad, color_), status, phrases);
  }

  const TempDir dir_;
  const ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
};

TEST_F(BadInput, MissingFile) { ExpectAllFail(dir_ / "nowhere.mp4", 3, {"nowhere.mp4"}); }

TEST_F(BadInput, FolderAsVideo) {
  fs::create_directory(dir_ / "folder.mp4");
  ExpectAllFail(dir_ / "folder.mp4", 3, {"folder.mp4"});
}

TEST_F(BadInput, TextNamedMp4) {
  WriteText(dir_ / "text.mp4", "This is no video.\nIt only says so in its name.\n");
  ExpectAllFail(dir_ / "text.mp4", 3, {"text.mp4"});
}

TEST_F(BadInput, EmptyFile) {
  WriteText(dir_ / "empty.mkv", "");
  ExpectAllFail(dir_ / "empty.mkv", 3, {"empty.mkv"});
}

TEST_F(BadInput, TruncatedColorVideo) {
  MakeColor(dir_ / "whole.mp4", shape_, PixelFormat::Yuv(420), VideoCodec::kH264);
  for (const std::string& name : {std::string("whole.mp4"), std::string("color.mkv")}) {
    const std::string bytes = ReadText(dir_ / name);
    const std::string cut = "cut_" + name;
    WriteText(dir_ / cut, bytes.substr(0, bytes.size() * 6 / 10));
    ExpectFailure(kDepth, DepthArguments(dir_ / cut), 3, {cut});
    ExpectFailure(kStereo, StereoArguments(depth_, dir_ / cut), 3, {cut});
    ExpectFailure(kExport, ExportArguments(depth_, dir_ / cut), 3, {cut});
  }
}

TEST_F(BadInput, TruncatedDepthVideo) {
  const std::string bytes = ReadText(depth_);
  WriteText(dir_ / "cut.mkv", bytes.substr(0, bytes.size() * 6 / 10));
  ExpectFailure(kStereo, StereoArguments(dir_ / "cut.mkv", color_), 3, {"cut.mkv"});
  ExpectFailure(kExport, ExportArguments(dir_ / "cut.mkv", color_), 3, {"cut.mkv"});
}

// What is only told is hidden by --quiet; what --strict refuses is told whatever else is given.
TEST_F(BadInput, QuietHidesWarningsAndNoError) {
  std::string bytes = ReadText(color_);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  WriteText(dir_ / "flipped.mkv", bytes);
  Arguments arguments = {dir_ / "flipped.mkv", dir_ / "sbs.mp4", "--max_res", "64"};
  Outcome outcome = RunProgram("mono_to_sbs", arguments);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_NE(outcome.err.find("1 is damaged"), std::string::npos) << outcome.err;
  fs::remove(dir_ / "sbs.mp4");
  arguments.push_back("--quiet");
  outcome = RunProgram("mono_to_sbs", arguments);
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.err + outcome.out, "");
  EXPECT_TRUE(fs::remove(dir_ / "sbs.mp4"));
  arguments.push_back("--strict");
  ExpectFailure("mono_to_sbs", arguments, 3, {"flipped.mkv", "is damaged"});
}

TEST_F(BadInput, LossyDepthVideo) {
  // What a player's re-encoding makes of a depth video.
  MakeColor(dir_ / "lossy.mp4", shape_, PixelFormat::Yuv(420), VideoCodec::kH264);
  ExpectFailure(kStereo, StereoArguments(dir_ / "lossy.mp4", color_), 4, {"lossy.mp4"});
  ExpectFailure(kExport, ExportArguments(dir_ / "lossy.mp4", color_), 4, {"lossy.mp4"});
}

TEST_F(BadInput, ColorVideoAsDepth) {
  MakeColor(dir_ / "rgb.mkv", shape_, PixelFormat::Rgb(8));
  ExpectFailure(kStereo, StereoArguments(dir_ / "rgb.mkv", color_), 4, {"rgb.mkv"});
}

TEST_F(BadInput, DifferentSize) {
  ClipShape other = shape_;
  other.width = 98;
  MakeColor(dir_ / "other.mkv", other);
  const std::vector<std::string> phrases = {"96x64", "98x64", "depth.mkv", "other.mkv"};
  ExpectFailure(kStereo, StereoArguments(depth_, dir_ / "other.mkv"), 3, phrases);
  ExpectFailure(kExport, ExportArguments(depth_, dir_ / "other.mkv"), 3, phrases);
}

TEST_F(BadInput, DifferentRate) {
  ClipShape other = shape_;
  other.rate = {25, 1};
  MakeColor(dir_ / "other.mkv", other);
  const std::vector<std::string> phrases = {"24.000", "25.000", "depth.mkv", "other.mkv"};
  ExpectFailure(kStereo, StereoArguments(depth_, dir_ / "other.mkv"), 3, phrases);
  ExpectFailure(kExport, ExportArguments(depth_, dir_ / "other.mkv"), 3, phrases);
}

TEST_F(BadInput, RatesThatOnlyRoundDifferently) {
  ClipShape exact = shape_;
  exact.rate = {24000, 1001};
  ClipShape rounded = shape_;
  rounded.rate = {2997, 125};
  MakeColor(dir_ / "exact.mkv", exact);
  MakeDepth(dir_ / "rounded.mkv", rounded, Plane(2));
  EXPECT_EQ(RunProgram(kStereo, StereoArguments(dir_ / "rounded.mkv", dir_ / "exact.mkv")).status,
            0);
}

TEST_F(BadInput, DifferentLength) {
  for (const int frames : {1, 5, 7, 20}) {
    ClipShape other = shape_;
    other.frames = frames;
    MakeColor(dir_ / "other.mkv", other);
    const std::vector<std::string> phrases = {
        "depth.mkv' has 6 frames",
        "other.mkv' has " + std::to_string(frames) + (frames == 1 ? " frame:" : " frames:")};
    ExpectFailure(kStereo, StereoArguments(depth_, dir_ / "other.mkv"), 3, phrases);
    ExpectFailure(kExport, ExportArguments(depth_, dir_ / "other.mkv"), 3, phrases);
  }
}

TEST_F(BadInput, DifferentLengthIsFineWhereTheJobEndsEarlier) {
  ClipShape other = shape_;
  other.frames = 4;
  MakeColor(dir_ / "other.mkv", other);
  Arguments arguments = StereoArguments(depth_, dir_ / "other.mkv");
  arguments.insert(arguments.end(), {"--max_frames", "4"});
  EXPECT_EQ(RunProgram(kStereo, arguments).status, 0);
  EXPECT_EQ(ReadAllFrames(dir_ / "out.mkv").size(), 4u);
}

TEST_F(BadInput, ZeroFrames) {
  // A file that ends where its first frame would begin: at the first Matroska cluster.
  const auto headers_of = [](const std::string& path) {
    const std::string bytes = ReadText(path);
    return bytes.substr(0, bytes.find("\x1f\x43\xb6\x75"));
  };
  WriteText(dir_ / "no_color.mkv", headers_of(color_));
  WriteText(dir_ / "no_depth.mkv", headers_of(depth_));
  ExpectFailure(kDepth, DepthArguments(dir_ / "no_color.mkv"), 3, {"no_color.mkv"});
  ExpectFailure(kStereo, StereoArguments(depth_, dir_ / "no_color.mkv"), 3, {"no_color.mkv"});
  ExpectFailure(kStereo, StereoArguments(dir_ / "no_depth.mkv", color_), 3, {"no_depth.mkv"});
  ExpectFailure(kExport, ExportArguments(dir_ / "no_depth.mkv", color_), 3, {"no_depth.mkv"});
}

TEST_F(BadInput, UnwritableFolder) {
  const std::string missing = dir_ / "missing/out.mkv";
  const std::string below_file = color_ + "/out.mkv";
  std::vector<std::string> outputs = {missing, below_file, "/proc/out.mkv"};
  fs::create_directory(dir_ / "locked");
  if (geteuid() != 0) outputs.push_back(dir_ / "locked/out.mkv");  // root may write anywhere
  chmod((dir_ / "locked").c_str(), 0555);
  for (const std::string& output : outputs) {
    ExpectFailure(kDepth, {"--color_video", color_, "--xfov", "60", "--output", output}, 1,
                  {"out.mkv"});
    for (const char* mask : {"--infill_mask", "--remove_edges"})
      ExpectFailure(kStereo,
                    {"--depth_video", depth_, "--color_video", color_, "--xfov", "60", "--output",
                     output, mask},
                    1, {"out.mkv"});
    ExpectFailure(kExport, {"--depth_video", depth_, "--bit16", "--output", output}, 1,
                  {"out.mkv"});
  }
  for (const std::string& folder : {color_, std::string("/proc/ply")})
    ExpectFailure(kExport, {"--depth_video", depth_, "--xfov", "60", "--save_obj", folder}, 1,
                  {folder});
  chmod((dir_ / "locked").c_str(), 0755);
}

TEST_F(BadInput, OutputIsAnInput) {
  for (const std::string& output : {color_, depth_})
    ExpectFailure(
        kStereo,
        {"--depth_video", depth_, "--color_video", color_, "--xfov", "60", "--output", output}, 2,
        {output, "input"});
  ExpectFailure(kDepth, {"--color_video", color_, "--output", color_, "--xfov", "60"}, 2,
                {"input"});
}

TEST_F(BadInput, OutputExistsAndMayNotBeReplaced) {
  Arguments arguments = DepthArguments(color_);
  arguments.push_back("--no_overwrite");
  ExpectFailure(kDepth, arguments, 1, {"out.mkv"});
  arguments = StereoArguments(depth_, color_);
  arguments.push_back("--no-overwrite");
  ExpectFailure(kStereo, arguments, 1, {"out.mkv"});
  fs::remove(dir_ / "out.mkv");  // the mask of an earlier run is protected too
  ExpectFailure(kStereo, arguments, 1, {"out.mkv_infillmask.mkv"});
  ExpectFailure(
      kExport,
      {"--depth_video", depth_, "--xfov", "60", "--save_ply", dir_ / "ply", "--no_overwrite"}, 1,
      {"0000000.ply"});
}

TEST_F(BadInput, FullDiskByALimitOnFileSizes) {
  ExpectFailure(kDepth, DepthArguments(color_), 1, {"out.mkv"}, 3000);
  ExpectFailure(kStereo, StereoArguments(depth_, color_), 1, {"out.mkv"}, 3000);
  ExpectFailure(kExport, ExportArguments(depth_, color_), 1, {}, 3000);
  ExpectFailure(kExport, {"--depth_video", depth_, "--xfov", "60", "--save_obj", dir_ / "ply"}, 1,
                {"obj"}, 3000);
}

TEST_F(BadInput, FullDisk) {
  const std::string disk = dir_ / "disk";
  fs::create_directory(disk);
  if (mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "mounting a small tmpfs is not allowed here";
  struct Unmount {
    std::string path;
    ~Unmount() { umount2(path.c_str(), MNT_DETACH); }
  } unmount{disk};
  ClipShape large = shape_;
  large.width = 320;
  large.height = 240;
  MakeColor(dir_ / "large.mkv", large);
  MakeDepth(dir_ / "large_depth.mkv", large, [](int frame, int x, int y) {
    return 1 + static_cast<float>((x * 7919 + y * 104729 + frame * 31) % 9973) / 100;
  });
  WriteText(disk + "/out.mkv", "an earlier result");
  const std::vector<std::string> reason = {"No space left on device"};
  ExpectFailure(
      kDepth, {"--color_video", dir_ / "large.mkv", "--xfov", "60", "--output", disk + "/out.mkv"},
      1, reason);
  ExpectFailure(kStereo,
                {"--depth_video", dir_ / "large_depth.mkv", "--color_video", dir_ / "large.mkv",
                 "--xfov", "60", "--output", disk + "/out.mkv", "--infill_mask"},
                1, reason);
  ExpectFailure(
      kExport,
      {"--depth_video", dir_ / "large_depth.mkv", "--bit16", "--output", disk + "/out.mkv"}, 1,
      reason);
  ExpectFailure(
      kExport,
      {"--depth_video", dir_ / "large_depth.mkv", "--xfov", "60", "--save_ply", disk + "/ply"}, 1,
      reason);
}

TEST_F(BadInput, OneByOneAndOddSizesWork) {
  for (const auto& [width, height] : {std::pair{1, 1}, {1, 7}, {7, 1}, {2, 2}, {17, 9}, {33, 32}}) {
    SCOPED_TRACE(std::to_string(width) + "x" + std::to_string(height));
    ClipShape odd;
    odd.width = width;
    odd.height = height;
    odd.frames = 3;
    MakeColor(dir_ / "odd.mkv", odd);
    MakeDepth(dir_ / "odd_depth.mkv", odd, BoxOnWall(odd, 1, 4));
    for (const char* name : {"odd_sbs.mkv", "odd_sbs.mp4"}) {
      const Outcome stereo = RunProgram(
          kStereo, {"--depth_video", dir_ / "odd_depth.mkv", "--color_video", dir_ / "odd.mkv",
                    "--xfov", "60", "--output", dir_ / name, "--infill_mask"});
      EXPECT_EQ(stereo.status, 0) << stereo.err;
      const std::vector<Image> frames = ReadAllFrames(dir_ / name);
      ASSERT_EQ(frames.size(), 3u);
      EXPECT_EQ(frames[0].width(), 2 * width);
      EXPECT_EQ(frames[0].height(), height);
    }
    const Outcome depth = RunProgram(kDepth, {"--color_video", dir_ / "odd.mkv", "--xfov", "60",
                                              "--output", dir_ / "odd_out.mkv"});
    EXPECT_EQ(depth.status, 0) << depth.err;
    EXPECT_EQ(ReadAllFrames(dir_ / "odd_out.mkv").size(), 3u);
    const Outcome exported = RunProgram(
        kExport, {"--depth_video", dir_ / "odd_depth.mkv", "--xfov", "60", "--bit8", "--save_ply",
                  dir_ / "odd_ply", "--save_obj", dir_ / "odd_obj", "--remove_edges"});
    EXPECT_EQ(exported.status, 0) << exported.err;
    EXPECT_TRUE(fs::exists(dir_ / "odd_obj/0000002.obj"));
  }
}

TEST_F(BadInput, UnknownOption) {
  ExpectFailure(kDepth, {"--colour_video", color_}, 2,
                {"unknown option '--colour_video'", "did you mean --color_video?"});
  ExpectFailure(kStereo, {"--depth_vidoe", depth_}, 2, {"did you mean --depth_video?"});
  ExpectFailure(kExport, {"--frobnicate"}, 2, {"unknown option '--frobnicate'", "--help"});
  ExpectFailure(kStereo, {"clip.mp4"}, 2, {"unexpected argument 'clip.mp4'"});
}

TEST_F(BadInput, MissingOptions) {
  ExpectFailure(kDepth, {}, 2, {"--color_video is required"});
  ExpectFailure(kStereo, {"--color_video", color_}, 2, {"--depth_video is required"});
  ExpectFailure(kExport, {"--depth_video", depth_}, 2, {"--bit8", "--save_ply"});
  ExpectFailure(kStereo, {"--depth_video", depth_, "--color_video", color_}, 2,
                {"--xfov", "--yfov", "--xfov_file"});
}

TEST_F(BadInput, SidecarsThatDoNotFit) {
  WriteText(dir_ / "short.json", "[60, 60, 60]");
  WriteText(dir_ / "broken.json", "[60, 60");
  const Arguments base = {"--depth_video", depth_,     "--color_video",
                          color_,          "--output", dir_ / "out.mkv"};
  const auto with = [&](std::initializer_list<std::string> more) {
    Arguments arguments = base;
    arguments.insert(arguments.end(), more);
    return arguments;
  };
  ExpectFailure(kStereo, with({"--xfov_file", dir_ / "short.json"}), 3, {"short.json", "3 frames"});
  ExpectFailure(kStereo, with({"--xfov_file", dir_ / "broken.json"}), 3, {"broken.json"});
  ExpectFailure(kStereo, with({"--xfov_file", dir_ / "none.json"}), 3, {"none.json"});
  ExpectFailure(kStereo, with({"--xfov", "60", "--convergence_file", dir_ / "short.json"}), 3,
                {"short.json", "3 frames"});
  ExpectFailure(
      kStereo,
      with({"--xfov", "60", "--convergence_file", dir_ / "short.json", "--convergence", "2"}), 2,
      {"not both"});
  ExpectFailure(kExport,
                {"--depth_video", depth_, "--xfov", "60", "--save_ply", dir_ / "ply",
                 "--transformation_lock_frame", "0"},
                2, {"--transformation_lock_frame belongs to --transformation_file"});
}

TEST_F(BadInput, ListsThatDoNotFit) {
  WriteText(dir_ / "two.txt", color_ + "\n" + color_ + "\n");
  WriteText(dir_ / "one.txt", depth_ + "\n");
  WriteText(dir_ / "none.txt", "# nothing\n\n");
  ExpectFailure(
      kStereo,
      {"--depth_video", dir_ / "one.txt", "--color_video", dir_ / "two.txt", "--xfov", "60"}, 3,
      {"1 video,", "2"});
  ExpectFailure(kStereo,
                {"--depth_video", depth_, "--color_video", dir_ / "two.txt", "--xfov", "60"}, 2,
                {"--depth_video must be one too"});
  ExpectFailure(kStereo,
                {"--depth_video", dir_ / "one.txt", "--color_video", color_, "--xfov", "60"}, 2,
                {"--color_video must be one too"});
  ExpectFailure(kDepth, {"--color_video", dir_ / "none.txt"}, 3, {"none.txt"});
  ExpectFailure(kDepth, {"--color_video", dir_ / "two.txt", "--output", dir_ / "out.mkv"}, 2,
                {"folder"});
}

}  // namespace
}  // namespace mdvt::test
