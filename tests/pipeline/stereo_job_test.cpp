// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "cli/clips.h"
#include "io/clip_maker.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 96, kHeight = 64;
// The focal length is the width: tan(xfov / 2) = 1 / 2.
const double kXfovDeg = 2 * std::atan(0.5) * 180 / M_PI;

class StereoJob : public ::testing::Test {
 protected:
  // A wall at 1.5 m. Eyes 62.5 mm apart see it 96 * 0.0625 / 1.5 = 4 pixels apart.
  void SetUp() override {
    shape_.frames = 5;
    MakeColor(dir_ / "color.mkv", shape_, PixelFormat::Yuv(444));
    MakeDepth(dir_ / "depth.mkv", shape_, Plane(1.5f));
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.output = dir_ / "stereo.mkv";
    options_.fov.xfov_deg = kXfovDeg;
    options_.eyes.pupillary_distance_mm = 62.5;
    options_.job.num_threads = 2;
  }

  // Largest difference between columns [begin, end) of an eye and the colour `shift` columns to the
  // right of them, over all planes.
  static int Difference(const Image& both, int eye_x, const Image& color, int shift, int begin,
                        int end, int planes = 3) {
    int worst = 0;
    for (int plane = 0; plane < planes; ++plane)
      for (int y = 0; y < kHeight; ++y)
        for (int x = begin; x < end; ++x)
          worst = std::max(worst, std::abs(both.Plane<uint8_t>(plane).At(eye_x + x, y) -
                                           color.Plane<uint8_t>(plane).At(x + shift, y)));
    return worst;
  }

  const TempDir dir_;
  ClipShape shape_;
  StereoJobOptions options_;
};

TEST_F(StereoJob, AWallIsShiftedByItsDisparity) {
  const StereoJobReport report = RunStereoJob(options_);
  EXPECT_EQ(report.frames, 5);
  EXPECT_EQ(report.width, 2 * kWidth);
  EXPECT_EQ(report.height, kHeight);
  EXPECT_EQ(report.output, options_.output);
  // Two columns at one border of each eye show what the source did not.
  EXPECT_NEAR(report.hole_share, 2.0 / kWidth, 0.2 / kWidth);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> both = ReadAllFrames(options_.output);
  ASSERT_EQ(both.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_LE(Difference(both[i], 0, color[i], -2, 3, kWidth), 1) << "left eye, frame " << i;
    EXPECT_LE(Difference(both[i], kWidth, color[i], 2, 0, kWidth - 3), 1) << "right eye " << i;
  }
}

TEST_F(StereoJob, EyesCanBeSwappedAndConvergeOnTheWall) {
  options_.swap_eyes = true;
  RunStereoJob(options_);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> swapped = ReadAllFrames(options_.output);
  EXPECT_LE(Difference(swapped[0], 0, color[0], 2, 0, kWidth - 3), 1);
  options_.eyes.convergence = 1.5;
  EXPECT_NEAR(RunStereoJob(options_).hole_share, 0, 1e-9);
  const std::vector<Image> converged = ReadAllFrames(options_.output);
  EXPECT_LE(Difference(converged[4], 0, color[4], 0, 1, kWidth - 1), 1);
  EXPECT_LE(Difference(converged[4], kWidth, color[4], 0, 1, kWidth - 1), 1);
}

TEST_F(StereoJob, TheMaskShowsTheHolesAndNothingElse) {
  options_.holes.infill_mask = true;
  const StereoJobReport report = RunStereoJob(options_);
  const std::vector<Image> masks = ReadAllFrames(report.mask_output);
  ASSERT_EQ(masks.size(), 5u);
  for (const Image& mask : masks) {
    ASSERT_EQ(mask.width(), 2 * kWidth);
    for (int x = 0; x < 2 * kWidth; ++x) {
      int most = 0;
      for (int plane = 0; plane < 3; ++plane)
        for (int y = 0; y < kHeight; ++y)
          most = std::max<int>(most, mask.Plane<uint8_t>(plane).At(x, y));
      const bool hole = x < 2 || x >= 2 * kWidth - 2;
      if (x == 2 || x == 2 * kWidth - 3) continue;  // the code of 1.5 m is not exactly that
      EXPECT_EQ(most > 0, hole) << "column " << x;
    }
  }
}

// The clip in a layout, from the box in front of a wall: both eyes differ.
class StereoLayouts : public StereoJob {
 protected:
  void SetUp() override {
    StereoJob::SetUp();
    shape_.frames = 2;
    MakeColor(dir_ / "color.mkv", shape_);
    MakeDepth(dir_ / "depth.mkv", shape_, BoxOnWall(shape_, 1, 4));
  }
  std::vector<Image> Render(const char* layout, double span = 1) {
    options_.frame.canvas.layout = layout;
    options_.frame.canvas.view_span = span;
    RunStereoJob(options_);
    return ReadAllFrames(options_.output);
  }
};

TEST_F(StereoLayouts, InterlacedOnesHaveTheLinesOfBothEyes) {
  const std::vector<Image> left = Render("left"), right = Render("right");
  for (const bool swapped : {false, true}) {
    options_.swap_eyes = swapped;
    const std::vector<Image> rows = Render("rows"), columns = Render("columns");
    ASSERT_EQ(rows.size(), 2u);
    ASSERT_EQ(rows[1].format(), PixelFormat::Yuv(444));
    ASSERT_EQ(rows[1].width(), kWidth);
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) {
        const auto eye = [&](bool odd) {
          return int{(odd != swapped ? right : left)[1].Plane<uint8_t>().At(x, y)};
        };
        ASSERT_EQ(rows[1].Plane<uint8_t>().At(x, y), eye(y % 2 != 0));
        ASSERT_EQ(columns[1].Plane<uint8_t>().At(x, y), eye(x % 2 != 0));
      }
  }
}

TEST_F(StereoLayouts, AnaglyphsMixTheColorsOfBothEyes) {
  const std::vector<Image> color = Render("anaglyph-color");
  ASSERT_EQ(color[0].format(), PixelFormat::Rgb(8));
  // The same from eyes that were rendered in RGB.
  VideoWriterOptions rgb;
  rgb.frame_rate = shape_.rate;
  rgb.time_base = {1, 24};
  VideoReaderOptions reading;
  reading.format = PixelFormat::Rgb(8);
  VideoReader reader(dir_ / "color.mkv", reading);
  VideoWriter writer(dir_ / "rgb.mkv", PixelFormat::Rgb(8), kWidth, kHeight, rgb);
  while (const std::optional<Frame> frame = reader.Read()) writer.Write(frame->image, frame->index);
  writer.Finish();
  options_.color_video = dir_ / "rgb.mkv";
  const std::vector<Image> left = Render("left"), right = Render("right");
  const std::vector<Image> grey = Render("anaglyph-grey");
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const auto at = [&](const Image& image, int plane) {
        return int{image.Plane<uint8_t>(plane).At(x, y)};
      };
      const auto luma = [&](const Image& image) {
        return (299 * at(image, 0) + 587 * at(image, 1) + 114 * at(image, 2) + 500) / 1000;
      };
      ASSERT_EQ(at(color[0], 0), at(left[0], 0));
      ASSERT_EQ(at(color[0], 1), at(right[0], 1));
      ASSERT_EQ(at(color[0], 2), at(right[0], 2));
      ASSERT_EQ(at(grey[0], 0), luma(left[0]));
      ASSERT_EQ(at(grey[0], 1), luma(right[0]));
      ASSERT_EQ(at(grey[0], 2), luma(right[0]));
    }
}

TEST_F(StereoLayouts, QuiltsHaveTheirOutermostEyesInOppositeCorners) {
  const std::vector<Image> left = Render("left"), right = Render("right");
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  options_.frame.canvas.quilt_columns = 3;
  options_.frame.canvas.quilt_rows = 3;
  const std::vector<Image> quilt = Render("quilt");
  ASSERT_EQ(quilt[0].width(), 3 * kWidth);
  ASSERT_EQ(quilt[0].height(), 3 * kHeight);
  const auto part = [&](int column, int row) {
    const ImageView view = Crop(quilt[0].view(), column * kWidth, row * kHeight, kWidth, kHeight);
    Image copy(view.format, kWidth, kHeight);
    CopyPixels(view, copy.mutable_view());
    return copy;
  };
  EXPECT_TRUE(SameFrames({part(0, 2)}, {left[0]}));
  EXPECT_TRUE(SameFrames({part(2, 0)}, {right[0]}));
  EXPECT_TRUE(SameFrames({part(1, 1)}, {color[0]}));  // the camera itself
  EXPECT_FALSE(SameFrames({part(1, 2)}, {left[0]}));

  // Its name tells players how it is made; the pixels of the source are as wide as they are high.
  options_.output.clear();
  const StereoJobReport report = RunStereoJob(options_);
  EXPECT_EQ(report.output, options_.source.file.path + "_qs3x3a1.5.mkv");
}

TEST_F(StereoLayouts, DepthStandsBesideThePicture) {
  options_.frame.rgbd_white = 2;
  options_.eyes = {};  // there are none
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> rgbd = Render("rgbd");
  ASSERT_EQ(rgbd[1].width(), 2 * kWidth);
  EXPECT_EQ(Difference(rgbd[1], 0, color[1], 0, 0, kWidth, 1), 0);
  // The box at 1 m is nearer than white, the wall at 4 m is half as bright as what is at 2 m.
  const PlaneView<const uint8_t> luma = rgbd[1].Plane<uint8_t>();
  EXPECT_EQ(luma.At(kWidth + kWidth / 2, kHeight / 2), 235);
  EXPECT_NEAR(luma.At(kWidth + 2, 2), 16 + 219 / 2.0, 1);
  EXPECT_EQ(rgbd[1].Plane<uint8_t>(1).At(kWidth / 2 + 5, 5), 128);
}

// Nothing is uncovered there, and gaps in the depth show the picture all the same.
TEST_F(StereoLayouts, OfOneViewRefuseWhatIsAboutHoles) {
  options_.eyes = {};
  const StereoJobOptions usual = options_;
  const auto refused = [&](const auto& change) {
    options_ = usual;
    change(&options_.holes);
    for (const char* layout : {"rgbd", "touchly1"}) {
      options_.frame.canvas.layout = layout;
      options_.scene = {};
      ExpectError(Code::kInvalidArgument, "which has no holes", [&] { options_.Check(); });
      options_.scene.render_as_pointcloud = true;
      EXPECT_NO_THROW(options_.Check());
    }
  };
  refused([](HoleOptions* holes) { holes->tear.depth = 0.1; });
  refused([](HoleOptions* holes) { holes->tear.disparity = 3; });
  refused([](HoleOptions* holes) { holes->clean_rim = 0; });
  refused([](HoleOptions* holes) { holes->dont_remove_edges = true; });
  refused([](HoleOptions* holes) { holes->remove_edges = true; });
  refused([](HoleOptions* holes) { holes->infill = Infill::kDirectional; });
}

TEST_F(StereoLayouts, AMaskNeedsViewsOfTheirOwn) {
  options_.holes.infill_mask = true;
  for (const char* layout : {"rows", "anaglyph", "rgbd"}) {
    options_.frame.canvas.layout = layout;
    ExpectError(Code::kInvalidArgument, "views share pixels", [&] { RunStereoJob(options_); });
  }
}

TEST_F(StereoJob, MaxFramesEndsBoth) {
  options_.job.max_frames = 3;
  EXPECT_EQ(RunStereoJob(options_).frames, 3);
  EXPECT_EQ(ReadAllFrames(options_.output).size(), 3u);
}

TEST_F(StereoJob, GivesTheSameForEveryNumberOfThreads) {
  MakeDepth(dir_ / "depth.mkv", shape_, BoxOnWall(shape_, 1, 4));
  std::vector<Image> first;
  for (const int threads : {1, 2, 3, 7}) {
    options_.job.num_threads = threads;
    RunStereoJob(options_);
    const std::vector<Image> frames = ReadAllFrames(options_.output);
    if (first.empty()) first = frames;
    EXPECT_TRUE(SameFrames(first, frames)) << threads << " threads";
  }
}

// The stereo video sounds, is shaped and is coloured as its source says.
TEST_F(StereoJob, SoundShapeAndColorsGoOn) {
  ClipSpec spec;
  spec.width = kWidth;
  spec.height = kHeight;
  spec.frames = 5;
  spec.sample_aspect = {4, 3};
  spec.range = AVCOL_RANGE_JPEG;
  spec.matrix = AVCOL_SPC_BT470BG;
  spec.audio_encoder = "flac";
  spec.audio_languages = {"deu", "eng"};
  spec.audio_seconds = 0.2;
  spec.chapters = 2;
  options_.color_video = dir_ / "sound.mkv";
  MakeClip(options_.color_video, spec);
  shape_.rate = {25, 1};
  MakeDepth(dir_ / "depth.mkv", shape_, Plane(1.5f));
  for (const char* name : {"out.mkv", "out.mp4"}) {
    options_.output = dir_ / name;
    RunStereoJob(options_);
    const VideoInfo info = VideoReader(options_.output).info();
    EXPECT_EQ(info.sample_aspect, (Rational{4, 3})) << name;
    EXPECT_EQ(info.color.matrix, AVCOL_SPC_BT470BG) << name;
    EXPECT_TRUE(info.color.full_range) << name;
    ff::Demuxer file(OpenFileSource(options_.output), options_.output, Limits());
    int sound = 0;
    for (unsigned i = 0; i < file.context()->nb_streams; ++i)
      sound += file.context()->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    EXPECT_EQ(sound, 2) << name;
    EXPECT_EQ(file.context()->nb_chapters, 2u) << name;
  }
}

TEST_F(StereoJob, VideosThatDoNotBelongTogetherAreRefused) {
  const auto fails = [&](Code code, const std::string& text) {
    ExpectError(code, text, [&] { RunStereoJob(options_); });
    EXPECT_FALSE(std::filesystem::exists(options_.output));
  };
  ClipShape other = shape_;
  other.frames = 7;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt,
        "depth.mkv' has 5 frames, color video '" + options_.color_video +
            "' has 7 frames: they must have the same length (or end both with --max_frames)");
  options_.job.max_frames = 6;
  fails(Code::kCorrupt, "has at least 6 frames");
  options_.job.max_frames = -1;
  other = shape_;
  other.frames = 3;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt, "has 5 frames, color video '" + options_.color_video + "' has 3");
  other = shape_;
  other.width = 98;
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt, "is 96x64, color video '" + options_.color_video + "' is 98x64");
  other = shape_;
  other.rate = {30, 1};
  MakeColor(options_.color_video, other);
  fails(Code::kCorrupt,
        "has 24.000 frames per second, color video '" + options_.color_video + "' has 30.000");
  options_.color_video = dir_ / "missing.mkv";
  fails(Code::kNotFound, "missing.mkv");
}

TEST_F(StereoJob, ConvergesByItselfOnWhatFillsTheMiddle) {
  options_.eyes.convergence_auto = true;
  EXPECT_NEAR(RunStereoJob(options_).hole_share, 0, 0.1 / kWidth);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> both = ReadAllFrames(options_.output);
  for (const size_t i : {0u, 4u}) {
    EXPECT_LE(Difference(both[i], 0, color[i], 0, 1, kWidth - 1), 1);
    EXPECT_LE(Difference(both[i], kWidth, color[i], 0, 1, kWidth - 1), 1);
  }
}

TEST_F(StereoJob, DistancesOfAFileStayInsideTheirShot) {
  // 12 pixels at a metre; the wall at 2 m is 6 pixels behind the screen in the first shot, and as
  // many in front of it in the second.
  MakeDepth(dir_ / "depth.mkv", shape_, Plane(2));
  options_.eyes.pupillary_distance_mm = 125;
  options_.eyes.convergence_file = dir_ / "convergence.json";
  WriteText(options_.eyes.convergence_file, "[1, 1, NaN, 0, 0]");
  WriteText(dir_ / "scenes.csv", "Scene Number,Start Frame\n1,1\n2,4\n");
  options_.steady.scene_file = dir_ / "scenes.csv";
  RunStereoJob(options_);
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  std::vector<Image> both = ReadAllFrames(options_.output);
  for (size_t i = 0; i < 5; ++i) {
    const int shift = i < 3 ? 3 : -3;
    EXPECT_LE(Difference(both[i], 0, color[i], shift, 4, kWidth - 4), 1) << "left eye " << i;
    EXPECT_LE(Difference(both[i], kWidth, color[i], -shift, 4, kWidth - 4), 1) << "right eye " << i;
  }
  // As one shot the distances run into each other.
  options_.steady.scene_file.clear();
  options_.steady.cuts = SceneCuts::kOff;
  RunStereoJob(options_);
  both = ReadAllFrames(options_.output);
  EXPECT_GT(Difference(both[2], 0, color[2], 3, 4, kWidth - 4), 1);
}

TEST_F(StereoJob, TheConvergenceIsADistanceAutoOrAFile) {
  StereoJobOptions options;
  OptionList list;
  Describe(&list, &options);
  list.Set("convergence", 2.5);
  EXPECT_EQ(options.eyes.convergence, 2.5);
  EXPECT_EQ(ToText(list.Get("convergence")), "2.5");
  list.SetText("convergence", "auto");
  EXPECT_TRUE(options.eyes.convergence_auto);
  EXPECT_FALSE(options.eyes.convergence);
  EXPECT_EQ(ToText(list.Get("convergence")), "auto");
  list.SetText("convergence", "a/b.json");
  EXPECT_EQ(options.eyes.convergence_file, "a/b.json");
  EXPECT_FALSE(options.eyes.convergence_auto);
  list.Reset("convergence");
  list.Reset("convergence_file");
  EXPECT_FALSE(options.eyes.ConvergenceGiven());
  for (const char* bad : {"-1", "near", "1e9", "nan"})
    ExpectError(Code::kInvalidArgument, "convergence is '" + std::string(bad),
                [&] { list.SetText("convergence", bad); });
  list.SetText("convergence", "file");
  ExpectError(Code::kInvalidArgument, "convergence_file", [&] { options.eyes.Check(); });
  list.SetText("convergence_file", "a.json");
  options.eyes.Check();
  list.SetText("convergence", "3");
  ExpectError(Code::kInvalidArgument, "not both", [&] { options.eyes.Check(); });
}

TEST_F(StereoJob, WhatIsMissingIsNamed) {
  options_.fov.xfov_deg.reset();
  ExpectError(Code::kInvalidArgument, "--xfov", [&] { RunStereoJob(options_); });
  WriteText(dir_ / "convergence.json", "[2, 2, 2]");
  options_.fov.xfov_deg = kXfovDeg;
  options_.eyes.convergence_file = dir_ / "convergence.json";
  ExpectError(Code::kCorrupt, "holds the convergence of 3 frames, the clip has more",
              [&] { RunStereoJob(options_); });
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

}  // namespace
}  // namespace mdvt::test
