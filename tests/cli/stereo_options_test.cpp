// SPDX-License-Identifier: Apache-2.0
//
// Every option of stereo_rerender changes its output in the way that it says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

constexpr char kProgram[] = "stereo_rerender";
constexpr float kWall = 6.3f;   // metres
constexpr float kBox = 3.15f;   // metres
constexpr double kFocal = 800;  // pixels: with eyes 63 mm apart the wall moves by 8, the box by 16

// Sum of absolute differences of two parts of one row.
int64_t Difference(const Image& a, int ax, const Image& b, int bx, int y, int count) {
  int64_t sum = 0;
  for (int i = 0; i < count; ++i)
    sum += std::abs(int{a.Plane<uint8_t>().At(ax + i, y)} - int{b.Plane<uint8_t>().At(bx + i, y)});
  return sum;
}

class StereoOptions : public ::testing::Test {
 protected:
  StereoOptions() {
    shape_.width = 160;
    shape_.height = 48;
    shape_.frames = 3;
    MakeColor(color_, shape_);
    DepthClipOptions millimetres;
    millimetres.encoding = DepthEncoding::kGray16;
    millimetres.max_depth = 65.535;
    MakeDepth(wall_, shape_, Plane(kWall), millimetres);
    MakeDepth(box_, shape_, BoxOnWall(shape_, kBox, kWall), millimetres);
    source_ = ReadAllFrames(color_);
    xfov_ = std::to_string(2 * std::atan(shape_.width / (2 * kFocal)) * 180 / M_PI);
    yfov_ = std::to_string(2 * std::atan(shape_.height / (2 * kFocal)) * 180 / M_PI);
  }

  Arguments Base(const std::string& depth) const {
    return {"--depth_video", depth, "--color_video", color_, "--output", out_};
  }

  // The frames that the program writes with these options.
  std::vector<Image> Render(const std::string& depth, const Arguments& options,
                            bool with_fov = true) const {
    Arguments arguments = Base(depth);
    if (with_fov) arguments.insert(arguments.end(), {"--xfov", xfov_});
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = RunProgram(kProgram, arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    // A wall is told as what it is, and a range other than the file's; nothing else.
    int told = 0;
    for (const char* text : {"so that the result is flat", "its range ends at"})
      told += outcome.err.find(text) != std::string::npos;
    EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), told) << outcome.err;
    return outcome.status == 0 ? ReadAllFrames(out_) : std::vector<Image>();
  }

  // By how many pixels the wall in the left half lies right of where the source has it.
  int LeftShift(const std::vector<Image>& frames) const {
    int best = -1000;
    int64_t least = INT64_MAX;
    for (int shift = -40; shift <= 40; ++shift) {
      const int64_t difference =
          Difference(frames.at(0), 50 + shift, source_.at(0), 50, shape_.height / 2, 60);
      if (difference >= least) continue;
      least = difference;
      best = shift;
    }
    EXPECT_LE(least, 120) << "no shift fits";
    return best;
  }

  int64_t BlackPixels(const Image& image) const {
    int64_t count = 0;
    for (int y = 0; y < image.height(); ++y)
      for (int x = 0; x < image.width(); ++x) count += image.Plane<uint8_t>().At(x, y) <= 16;
    return count;
  }

  void WriteText(const std::string& path, const std::string& text) const {
    std::ofstream(path) << text;
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string wall_ = dir_ / "wall.mkv";
  const std::string box_ = dir_ / "box.mkv";
  const std::string out_ = dir_ / "out.mkv";
  std::vector<Image> source_;
  std::string xfov_;
  std::string yfov_;
};

TEST_F(StereoOptions, ShiftFollowsFromFovAndEyes) {
  // fx * 0.063 / 2 / z = 800 * 0.0315 / 6.3
  EXPECT_EQ(LeftShift(Render(wall_, {})), 4);
  EXPECT_EQ(LeftShift(Render(wall_, {"--pupillary_distance", "126"})), 8);
  EXPECT_EQ(LeftShift(Render(wall_, {"--pupillary_distance=0"})), 0);
  EXPECT_EQ(LeftShift(Render(wall_, {"--yfov", yfov_}, false)), 4);
  EXPECT_EQ(LeftShift(Render(wall_, {"-xfov", xfov_}, false)), 4);
}

TEST_F(StereoOptions, FovFileHoldsPerFrameAndWins) {
  const std::string half = std::to_string(2 * std::atan(shape_.width / kFocal) * 180 / M_PI);
  WriteText(dir_ / "fov.json", "[" + half + ", " + half + ", " + half + "]");
  EXPECT_EQ(LeftShift(Render(wall_, {"--xfov_file", dir_ / "fov.json"})), 2);
}

TEST_F(StereoOptions, FovComesFromTheDepthFile) {
  DepthClipOptions tagged;
  tagged.encoding = DepthEncoding::kGray16;
  tagged.max_depth = 65.535;
  tagged.tags.xfov_deg = std::stod(xfov_);
  MakeDepth(dir_ / "tagged.mkv", shape_, Plane(kWall), tagged);
  EXPECT_EQ(LeftShift(Render(dir_ / "tagged.mkv", {}, false)), 4);
}

TEST_F(StereoOptions, MaxDepthAndEncodingOverrideTheTags) {
  EXPECT_EQ(LeftShift(Render(wall_, {"--max_depth", "32.7675"})), 8);
  // The same codes read as 65025 to the range: nearer to 1 than a pixel can tell, yet not refused.
  EXPECT_EQ(LeftShift(Render(wall_, {"--encoding", "gray16-65025"})), 4);
}

TEST_F(StereoOptions, BaselineScaleAndMasterFov) {
  EXPECT_EQ(LeftShift(Render(wall_, {"--baseline_scale", "2"})), 8);
  EXPECT_EQ(LeftShift(Render(wall_, {"--baseline-scale", "none"})), 4);
  EXPECT_EQ(LeftShift(Render(wall_, {"--master_xfov", xfov_})), 4);
  // Three times the tangent of half the angle: 12 pixels; the inverse rule a third: 4 / 3.
  const std::string triple =
      std::to_string(2 * std::atan(3 * shape_.width / (2 * kFocal)) * 180 / M_PI);
  EXPECT_EQ(LeftShift(Render(wall_, {"--master_xfov", triple})), 12);
  EXPECT_EQ(LeftShift(Render(wall_, {"--master_xfov", triple, "--baseline_scale", "upstream"})),
            12);
  EXPECT_EQ(LeftShift(Render(wall_, {"--master_xfov", triple, "--baseline_scale", "ortho",
                                     "--pupillary_distance", "189"})),
            4);
}

TEST_F(StereoOptions, ConvergenceMovesTheScreen) {
  EXPECT_EQ(LeftShift(Render(wall_, {"--convergence", "6.3"})), 0);
  EXPECT_EQ(LeftShift(Render(wall_, {"--convergence", "3.15"})), -4);
  EXPECT_EQ(LeftShift(Render(wall_, {"--convergence", "0"})), 4);
  WriteText(dir_ / "convergence.json", "[6.3, NaN, 6.3]");
  EXPECT_EQ(LeftShift(Render(wall_, {"--convergence_file", dir_ / "convergence.json"})), 0);
}

TEST_F(StereoOptions, EyesAreLeftAndRightUnlessSwapped) {
  const Image normal = Render(wall_, {}).at(0);
  const Image swapped = Render(wall_, {"--swap_eyes"}).at(0);
  const int width = shape_.width;
  for (int y = 0; y < shape_.height; ++y) {
    EXPECT_EQ(Difference(normal, 0, swapped, width, y, width), 0);
    EXPECT_EQ(Difference(normal, width, swapped, 0, y, width), 0);
  }
  EXPECT_GT(Difference(normal, 0, swapped, 0, 20, width), 0);
}

TEST_F(StereoOptions, MaxFramesIsExact) {
  for (const char* count : {"1", "2", "3", "-1", "99"}) {
    const size_t expected = std::string(count) == "1" ? 1 : std::string(count) == "2" ? 2 : 3;
    EXPECT_EQ(Render(wall_, {"--max_frames", count}).size(), expected) << count;
  }
}

TEST_F(StereoOptions, DefaultFillsWhatWasHiddenAndRemoveEdgesLeavesItBlack) {
  EXPECT_EQ(BlackPixels(Render(box_, {}).at(0)), 0);
  // Per eye: 24 rows of the box uncover 4 of the wall's pixels, each row 4 at the border.
  const int64_t holes = 2 * (24 * 4 + 48 * 4);
  EXPECT_NEAR(static_cast<double>(BlackPixels(Render(box_, {"--remove_edges"}).at(0))),
              static_cast<double>(holes), 2 * 24 * 1.5);
  EXPECT_EQ(BlackPixels(Render(box_, {"--remove_edges", "--do_basic_infill"}).at(0)), 0);
  EXPECT_FALSE(fs::exists(out_ + "_infillmask.mkv"));
}

TEST_F(StereoOptions, InfillMaskMarksExactlyTheBlackHoles) {
  const std::vector<Image> frames = Render(box_, {"--infill_mask"});
  const std::vector<Image> masks = ReadAllFrames(out_ + "_infillmask.mkv");
  ASSERT_EQ(masks.size(), frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    ASSERT_EQ(masks[i].width(), 2 * shape_.width);
    for (int y = 0; y < shape_.height; ++y) {
      for (int x = 0; x < 2 * shape_.width; ++x) {
        const bool hole = masks[i].Plane<uint8_t>(0).At(x, y) != 0;
        EXPECT_EQ(hole, frames[i].Plane<uint8_t>().At(x, y) <= 16) << x << "," << y;
      }
    }
  }
  // Left eye: the wall behind the box comes into view at its left, so it lies to the left.
  const auto red = masks[0].Plane<uint8_t>(0);
  int64_t toward_left = 0, toward_right = 0;
  for (int x = 10; x < shape_.width - 10; ++x) {
    toward_left += red.At(x, 24) > 0 && red.At(x, 24) < 100;
    toward_right += red.At(x + shape_.width, 24) > 155;
  }
  EXPECT_NEAR(static_cast<double>(toward_left), 4, 1);
  EXPECT_NEAR(static_cast<double>(toward_right), 4, 1);
  const VideoReader reader(out_ + "_infillmask.mkv");
  EXPECT_EQ(reader.info().tags.at("MDVT_KIND"), "infillmask");
  EXPECT_EQ(reader.info().tags.at("MDVT_ENCODING"), "normal8-v2");
}

TEST_F(StereoOptions, MaskWithBasicInfillKeepsTheMaskAndFillsThePicture) {
  EXPECT_EQ(BlackPixels(Render(box_, {"--infill_mask", "--do_basic_infill"}).at(0)), 0);
  const std::vector<Image> filled = ReadAllFrames(out_ + "_infillmask.mkv");
  Render(box_, {"--infill_mask"});
  EXPECT_TRUE(SameFrames(filled, ReadAllFrames(out_ + "_infillmask.mkv")));
}

TEST_F(StereoOptions, GreenAndBlackMaskHasNoOtherColors) {
  Render(box_, {"--infill_mask"});
  const std::vector<Image> directions = ReadAllFrames(out_ + "_infillmask.mkv");
  Render(box_, {"--green_and_black_infill_mask"});
  const std::vector<Image> green = ReadAllFrames(out_ + "_infillmask.mkv");
  ASSERT_EQ(green.size(), directions.size());
  for (int y = 0; y < shape_.height; ++y) {
    for (int x = 0; x < 2 * shape_.width; ++x) {
      const bool hole = directions[0].Plane<uint8_t>(0).At(x, y) != 0;
      EXPECT_EQ(green[0].Plane<uint8_t>(0).At(x, y), 0);
      EXPECT_EQ(green[0].Plane<uint8_t>(1).At(x, y), hole ? 255 : 0);
      EXPECT_EQ(green[0].Plane<uint8_t>(2).At(x, y), 0);
    }
  }
}

TEST_F(StereoOptions, DontRemoveEdgesStretchesAndWins) {
  for (const char* implying : {"--remove_edges", "--infill_mask"}) {
    const Image stretched = Render(box_, {"--dont_remove_edges", implying}).at(0);
    // Only the border of each eye is uncovered: 4 pixels of each row.
    EXPECT_NEAR(static_cast<double>(BlackPixels(stretched)), 2.0 * 48 * 4, 2.0 * 48) << implying;
  }
}

TEST_F(StereoOptions, PointsInEdgesAreNeverPlaced) {
  const std::vector<Image> with = Render(box_, {"--infill_mask", "--dont_place_points_in_edges"});
  EXPECT_TRUE(SameFrames(with, Render(box_, {"--infill_mask"})));
}

TEST_F(StereoOptions, CompressedIsH264ForPlayers) {
  Arguments arguments = {"--depth_video", box_,  "--color_video", color_,
                         "--xfov",        xfov_, "--compressed"};
  ASSERT_EQ(RunProgram(kProgram, arguments).status, 0);
  const VideoReader named(box_ + "_stereo.mp4");
  EXPECT_EQ(named.info().codec, "h264");
  EXPECT_EQ(named.info().format, PixelFormat::Yuv(420));
  arguments.back() = "--output";
  arguments.push_back(dir_ / "by_ending.mp4");
  ASSERT_EQ(RunProgram(kProgram, arguments).status, 0);
  EXPECT_EQ(VideoReader(dir_ / "by_ending.mp4").info().codec, "h264");
  EXPECT_EQ(ReadAllFrames(dir_ / "by_ending.mp4").size(), 3u);
}

TEST_F(StereoOptions, TenBitsStayTenBits) {
  MakeColor(dir_ / "ten.mkv", shape_, PixelFormat::Yuv(420, 10));
  for (const char* output : {"ten_out.mkv", "ten_out.mp4"}) {
    const Outcome outcome =
        RunProgram(kProgram, {"--depth_video", box_, "--color_video", dir_ / "ten.mkv", "--xfov",
                              xfov_, "--output", dir_ / output});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(VideoReader(dir_ / output).info().format, PixelFormat::Yuv(420, 10));
  }
}

TEST_F(StereoOptions, OddWidthKeepsItsChroma) {
  ClipShape odd = shape_;
  odd.width = 161;
  MakeColor(dir_ / "odd.mkv", odd);
  MakeDepth(dir_ / "odd_depth.mkv", odd, Plane(kWall));
  const Outcome outcome = RunProgram(
      kProgram, {"--depth_video", dir_ / "odd_depth.mkv", "--color_video", dir_ / "odd.mkv",
                 "--xfov", xfov_, "--pupillary_distance", "0", "--output", out_});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Image both = ReadAllFrames(out_).at(0);
  EXPECT_EQ(both.format(), PixelFormat::Yuv(444));
  const Image source = ReadAllFrames(dir_ / "odd.mkv").at(0);
  for (int y = 0; y < odd.height; ++y) {
    EXPECT_EQ(Difference(both, 0, source, 0, y, 161), 0);
    EXPECT_EQ(Difference(both, 161, source, 0, y, 161), 0);
  }
}

TEST_F(StereoOptions, WithoutColorTheDepthPictureIsTheTexture) {
  MakeDepth(dir_ / "rgb16.mkv", shape_, Plane(kWall));
  const Outcome outcome = RunProgram(
      kProgram, {"--depth_video", dir_ / "rgb16.mkv", "--xfov", xfov_, "--output", out_});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const Image both = ReadAllFrames(out_).at(0);
  const Image texture = ReadAllFrames(dir_ / "rgb16.mkv").at(0);
  EXPECT_EQ(both.format(), PixelFormat::Rgb(8));
  for (int plane = 0; plane < 3; ++plane)
    EXPECT_EQ(both.Plane<uint8_t>(plane).At(80, 24), texture.Plane<uint8_t>(plane).At(80, 24));
}

TEST_F(StereoOptions, OutputCarriesTimesAndStereoTags) {
  Render(wall_, {});
  const VideoReader reader(out_);
  EXPECT_EQ(reader.info().frame_rate, (Rational{24, 1}));
  EXPECT_EQ(reader.info().width, 2 * shape_.width);
  EXPECT_EQ(reader.info().tags.at("MDVT_KIND"), "sbs");
  EXPECT_EQ(reader.info().tags.at("MDVT_SOURCE"), "color.mkv");
}

TEST_F(StereoOptions, ContradictionsAreRefused) {
  const auto expect = [&](const Arguments& options, const std::vector<std::string>& phrases) {
    Arguments arguments = Base(box_);
    arguments.insert(arguments.end(), options.begin(), options.end());
    ExpectOneClearLine(kProgram, RunProgram(kProgram, arguments), 2, phrases);
  };
  expect({"--green_and_black_infill_mask", "--do_basic_infill"}, {"not both"});
  expect({"--baseline_scale", "2", "--master_xfov", "45"}, {"contradict"});
  expect({"--baseline_scale", "much"}, {"--baseline_scale", "ortho"});
  expect({"--overwrite", "--no_overwrite"}, {"not both"});
  expect({"--touchly0", "--touchly1"}, {"not both"});
  expect({"--vr180", "--layout", "tab"}, {"not both"});
  expect({"--touchly1", "--infill_mask", "--green_and_black_infill_mask", "--do_basic_infill"},
         {"not both"});
  expect({"--touchly_max_depth", "8"}, {"--touchly_max_depth", "--layout"});
  expect({"--touchly1", "--touchly_min_depth", "5", "--touchly_max_depth", "5"}, {"more than"});
  expect({"--vr_size", "800"}, {"--vr_size", "--layout"});
  expect({"--vr180", "--vr_size", "801"}, {"must be even"});
  expect({"--vr180", "--sbs_w", "800"}, {"vr_size"});
  expect({"--save_background"}, {"mask_depth"});
  expect({"--transformation_lock_frame", "0"}, {"--transformation_file"});
  expect({"--xfov", "40", "--xfov", "50"}, {"--xfov is given twice"});
  expect({"--convergence_rate", "1"}, {"convergence auto"});
  expect({"--convergence", "2", "--convergence_sigma", "2"}, {"convergence auto"});
  expect({"--smooth_still", "3"}, {"alpha"});
  for (const char* layout : {"rgbd", "touchly1"}) {
    expect({"--layout", layout, "--swap_eyes"}, {"about two eyes", layout});
    expect({"--layout", layout, "--convergence", "2"}, {"about two eyes", layout});
  }
}

TEST_F(StereoOptions, ToeInIsRefusedByName) {
  Arguments arguments = Base(box_);
  arguments.insert(arguments.end(), {"--convergence_mode", "3"});
  ExpectOneClearLine(kProgram, RunProgram(kProgram, arguments), 2,
                     {"--convergence_mode is not available"});
}

// What the documents of the original tools show, as it is written there.
TEST_F(StereoOptions, DocumentedCommandLinesRun) {
  std::ofstream(dir_ / "poses.json") << "[[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]],"
                                        "[[1,0,0,0.1],[0,1,0,0],[0,0,1,0],[0,0,0,1]],"
                                        "[[1,0,0,0.2],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]";
  const std::string depth = box_, color = color_;
  const auto runs = [&](const Arguments& more, const std::vector<std::string>& outputs) {
    Arguments arguments = {"--depth_video", depth, "--color_video", color};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = RunProgram(kProgram, arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    for (const std::string& output : outputs) {
      EXPECT_TRUE(fs::exists(depth + output)) << output << outcome.err;
      fs::remove(depth + output);
    }
  };
  runs({"--xfov", "48"}, {"_stereo.mkv"});
  runs({"--yfov", "40", "--infill_mask", "--remove_edges"},
       {"_stereo.mkv", "_stereo.mkv_infillmask.mkv"});
  runs({"--xfov", "48", "--max_depth", "20", "--transformation_file", dir_ / "poses.json",
        "--transformation_lock_frame", "1", "--pupillary_distance", "65", "--max_frames", "2"},
       {"_stereo.mkv"});
  runs({"--xfov", "48", "--touchly0", "--touchly_max_depth", "5", "--max_frames", "1"},
       {"_Touchly0.mkv"});
  runs({"--xfov", "48", "--touchly1", "--touchly_max_depth", "5", "--compressed"},
       {"_Touchly1.mp4"});
  runs({"--xfov", "48", "--mask_depth", "4", "--save_background"}, {"_stereo.mkv"});
  runs({"--xfov", "48", "--load_background", depth + "_background.npy"}, {"_stereo.mkv"});
  runs({"--xfov", "48", "--vr180", "--create_sbs_depth_video", "--max_frames", "1"},
       {"_stereo.mkv", "_stereo.mkv_depth.mkv"});
}

// Part of a plane 0 picture.
std::vector<int> Samples(const Image& image, int x, int y, int width, int height) {
  std::vector<int> samples;
  for (int row = 0; row < height; ++row)
    for (int column = 0; column < width; ++column)
      samples.push_back(image.Plane<uint8_t>().At(x + column, y + row));
  return samples;
}

TEST_F(StereoOptions, LayoutsHoldTheSameEyes) {
  const Image sbs = Render(box_, {}).at(0);
  const int w = shape_.width, h = shape_.height;
  const std::vector<int> left = Samples(sbs, 0, 0, w, h), right = Samples(sbs, w, 0, w, h);
  const Image tab = Render(box_, {"--layout", "tab"}).at(0);
  ASSERT_EQ(tab.width(), w);
  ASSERT_EQ(tab.height(), 2 * h);
  EXPECT_EQ(Samples(tab, 0, 0, w, h), left);
  EXPECT_EQ(Samples(tab, 0, h, w, h), right);
  const Image alone = Render(box_, {"--layout", "left"}).at(0);
  ASSERT_EQ(alone.width(), w);
  EXPECT_EQ(Samples(alone, 0, 0, w, h), left);
  EXPECT_EQ(Samples(Render(box_, {"--layout", "right"}).at(0), 0, 0, w, h), right);
  EXPECT_EQ(Samples(Render(box_, {"--layout", "right", "--swap_eyes"}).at(0), 0, 0, w, h), left);
  const Image half = Render(box_, {"--layout", "half-sbs"}).at(0);
  EXPECT_EQ(half.width(), w);
  EXPECT_EQ(half.height(), h);
}

TEST_F(StereoOptions, TheMaskIsPackedAsThePicture) {
  for (const Arguments& options : {Arguments{"--infill_mask", "--layout", "tab"},
                                   Arguments{"--infill_mask", "--layout", "half-tab"},
                                   Arguments{"--infill_mask", "--layout", "right"}}) {
    const std::vector<Image> frames = Render(box_, options);
    const std::vector<Image> masks = ReadAllFrames(out_ + "_infillmask.mkv");
    ASSERT_EQ(masks.size(), frames.size());
    int64_t holes = 0;
    for (size_t i = 0; i < frames.size(); ++i) {
      ASSERT_EQ(masks[i].width(), frames[i].width());
      ASSERT_EQ(masks[i].height(), frames[i].height());
      for (int y = 0; y < masks[i].height(); ++y) {
        for (int x = 0; x < masks[i].width(); ++x) {
          const bool hole = masks[i].Plane<uint8_t>(0).At(x, y) != 0;
          holes += hole;
          ASSERT_EQ(hole, frames[i].Plane<uint8_t>().At(x, y) <= 16) << x << "," << y;
        }
      }
    }
    EXPECT_GT(holes, 100);
  }
}

TEST_F(StereoOptions, ShiftGrowsWithTheSize) {
  // Twice as large: 8 pixels in place of 4.
  const Arguments size = {"--sbs_w", "640", "--sbs_h", "96"};
  Arguments flat = size;
  flat.insert(flat.end(), {"--pupillary_distance", "0"});
  const Image still = Render(wall_, flat).at(0);
  ASSERT_EQ(still.width(), 640);
  ASSERT_EQ(still.height(), 96);
  const Image moved = Render(wall_, size).at(0);
  for (int y = 0; y < 96; ++y) {
    EXPECT_LE(Difference(moved, 28, still, 20, y, 260), 260);  // left eye
    EXPECT_LE(Difference(moved, 320 + 20, still, 320 + 28, y, 260), 260);
  }
}

TEST_F(StereoOptions, SmoothingIsOffUnlessAskedFor) {
  // From the wall's distance to half of it at the second frame: 4 pixels become 8.
  DepthClipOptions millimetres;
  millimetres.encoding = DepthEncoding::kGray16;
  millimetres.max_depth = 65.535;
  const auto near_later = [](int frame, int, int) { return frame == 0 ? kWall : kWall / 2; };
  MakeDepth(dir_ / "step.mkv", shape_, near_later, millimetres);
  const auto shift = [&](const Arguments& options, size_t frame) {
    const std::vector<Image> frames = Render(dir_ / "step.mkv", options);
    const Image zero = Render(wall_, {"--pupillary_distance", "0"}).at(frame);
    int best = 0;
    int64_t least = INT64_MAX;
    for (int s = 0; s <= 12; ++s) {
      const int64_t difference = Difference(frames.at(frame), 50 + s, zero, 50, 24, 60);
      if (difference < least) best = s;
      least = std::min(least, difference);
    }
    return best;
  };
  EXPECT_EQ(shift({}, 0), 4);
  EXPECT_EQ(shift({}, 1), 8);
  const Arguments half = {"--alpha", "0.5", "--motion_adaptive", "off", "--scene_cuts", "off"};
  EXPECT_EQ(shift(half, 0), 4);
  EXPECT_EQ(shift(half, 1), 6);
  EXPECT_EQ(shift(half, 2), 7);
}

TEST_F(StereoOptions, PreviewTakesFramesOfTheFullRun) {
  const std::vector<Image> all = Render(box_, {});
  const std::vector<Image> some =
      Render(box_, {"--preview", "--preview_every", "2", "--contact_sheet", dir_ / "sheet.png"});
  ASSERT_EQ(some.size(), 2u);
  EXPECT_TRUE(SameFrames(some, {all[0], all[2]}));
  EXPECT_GT(fs::file_size(dir_ / "sheet.png"), 100u);
}

TEST_F(StereoOptions, ListsRunItemByItem) {
  WriteText(dir_ / "depth.txt", "# two\n" + wall_ + "\n" + dir_ / "gone.mkv\n" + box_ + "\n");
  WriteText(dir_ / "color.txt", color_ + "\n" + color_ + "\n-\n");
  fs::create_directory(dir_ / "results");
  const Outcome outcome =
      RunProgram(kProgram, {"--depth_video", dir_ / "depth.txt", "--color_video",
                            dir_ / "color.txt", "--xfov", xfov_, "--output", dir_ / "results"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_NE(outcome.err.find("gone.mkv"), std::string::npos);
  EXPECT_EQ(ReadAllFrames(dir_ / "results/wall.mkv_stereo.mkv").size(), 3u);
  EXPECT_EQ(VideoReader(dir_ / "results/box.mkv_stereo.mkv").info().format, PixelFormat::Gray(16));
}

}  // namespace
}  // namespace mdvt::test
