// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/infill_sbs.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "pipeline/sbs_clips.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class InfillSbsJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.sbs_color_video = dir_ / "sbs.mkv";
    options_.sbs_mask_video = dir_ / "mask.mkv";
    options_.job.num_threads = 2;
  }
  void Make() {
    MakeSbs(options_.sbs_color_video, shape_);
    MakeSbsMask(options_.sbs_mask_video, shape_);
  }
  // No pixel outside the holes changes; luma of frame 2 in the hole of the left eye at (x, y).
  int FilledAt(const std::string& path, int x, int y) {
    const std::vector<Image> before = ReadAllFrames(options_.sbs_color_video);
    const std::vector<Image> after = ReadAllFrames(path);
    EXPECT_EQ(after.size(), before.size());
    EXPECT_EQ(after[0].format(), before[0].format());
    for (int py = 0; py < shape_.height; ++py)
      for (int px = 0; px < shape_.width; ++px)
        if (!IsSbsHole(shape_, px)) {
          EXPECT_EQ(SampleOf(after[2], 0, px, py), SampleOf(before[2], 0, px, py)) << px;
        }
    return SampleOf(after[2], 0, x, y);
  }

  const TempDir dir_;
  SbsShape shape_;
  InfillSbsJobOptions options_;
};

TEST_F(InfillSbsJob, ContinuesTheBackground) {
  Make();
  const InfillSbsReport report = RunInfillSbsJob(options_);
  EXPECT_EQ(report.output, dir_ / "sbs.mkv_infilled.mkv");
  EXPECT_EQ(report.frames, 5);
  EXPECT_NEAR(report.hole_share, 8.0 / 64, 1e-9);
  // The background lies left (the mask says 1, 127, 127): the value of the square there.
  const Image truth = SbsPicture(shape_, 2);
  EXPECT_EQ(FilledAt(report.output, 24, 3), SampleOf(truth, 0, 23, 3));
}

TEST_F(InfillSbsJob, FillsAlongNormals) {
  Make();
  options_.method = InfillMethod::kNormal;
  options_.normal.blend_rim = false;
  const Image truth = SbsPicture(shape_, 2);
  EXPECT_NEAR(FilledAt(RunInfillSbsJob(options_).output, 30, 4), SampleOf(truth, 0, 20, 4), 3);
  MakeSbsMask(options_.sbs_mask_video, shape_, {255, 127, 127});  // it lies right
  EXPECT_NEAR(FilledAt(RunInfillSbsJob(options_).output, 25, 4), SampleOf(truth, 0, 35, 4), 3);
  // Plain green masks have no directions, and are holes all the same.
  MakeSbsMask(options_.sbs_mask_video, shape_, {0, 255, 0});
  EXPECT_NEAR(FilledAt(RunInfillSbsJob(options_).output, 24, 4), SampleOf(truth, 0, 20, 4), 3);
  EXPECT_NEAR(FilledAt(RunInfillSbsJob(options_).output, 31, 4), SampleOf(truth, 0, 35, 4), 3);
}

TEST_F(InfillSbsJob, TakesWhatTheSourceShows) {
  // A wall at 2 m and parallel eyes: focal length 64 px, 62.5 mm: each eye is shifted by a pixel.
  shape_.format = PixelFormat::Yuv(444);
  const int width = shape_.width / 2;
  VideoWriter color(dir_ / "color.mkv", shape_.format, width, shape_.height, {});
  VideoWriter sbs(options_.sbs_color_video, shape_.format, shape_.width, shape_.height, {});
  const auto value = [](int plane, int x, int y, int f) {
    return 40 + (plane * 31 + x * 7 + y * 11 + f * 3) % 150;
  };
  for (int f = 0; f < shape_.frames; ++f) {
    color.Write(MakePicture(shape_.format, width, shape_.height,
                            [&](int plane, int x, int y) { return value(plane, x, y, f); }),
                40 * f, 40);
    sbs.Write(MakePicture(shape_.format, shape_.width, shape_.height,
                          [&](int plane, int x, int y) {
                            if (IsSbsHole(shape_, x)) return 0;
                            return x < width ? value(plane, x - 1, y, f)
                                             : value(plane, x - width + 1, y, f);
                          }),
              40 * f, 40);
  }
  color.Finish();
  sbs.Finish();
  MakeSbsMask(options_.sbs_mask_video, shape_);
  ClipShape depth;
  depth.width = width;
  depth.height = shape_.height;
  depth.frames = shape_.frames;
  depth.rate = {25, 1};
  MakeDepth(dir_ / "depth.mkv", depth, Plane(2));
  options_.method = InfillMethod::kObserved;
  options_.color_video = dir_ / "color.mkv";
  options_.depth_video = dir_ / "depth.mkv";
  options_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;
  options_.eyes.pupillary_distance_mm = 62.5;
  options_.observed.soft_rim = 0;
  options_.observed.max_views = 1;  // its own frame: the picture is another one in each
  options_.provenance_output = dir_ / "from.mkv";
  const InfillSbsReport report = RunInfillSbsJob(options_);
  EXPECT_EQ(report.observed_share, 1);
  const std::vector<Image> filled = ReadAllFrames(report.output);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 2; y < shape_.height - 2; ++y)
      for (int x = shape_.begin; x < shape_.end; ++x) {
        ASSERT_NEAR(SampleOf(filled[1], plane, x, y), value(plane, x - 1, y, 1), 1);
        ASSERT_NEAR(SampleOf(filled[1], plane, width + x, y), value(plane, x + 1, y, 1), 1);
      }
  const std::vector<Image> from = ReadAllFrames(dir_ / "from.mkv");
  EXPECT_EQ(SampleOf(from[1], 0, 26, 9), 255);
  EXPECT_EQ(SampleOf(from[1], 0, 2, 9), 0);
}

TEST_F(InfillSbsJob, FollowsTheBackgroundWithoutDepth) {
  Make();
  options_.method = InfillMethod::kObserved;
  options_.window = 2;
  options_.provenance_output = dir_ / "from.mkv";
  const InfillSbsReport report = RunInfillSbsJob(options_);
  EXPECT_EQ(report.frames, 5);
  FilledAt(report.output, 24, 3);
  EXPECT_EQ(ReadAllFrames(dir_ / "from.mkv").size(), 5u);
  options_.window = 240;
  options_.job.limits.max_frame_buffer_bytes = 1 << 20;
  ExpectError(Code::kLimit, "481 frames take", [&] { RunInfillSbsJob(options_); });
}

TEST_F(InfillSbsJob, KeepsSoundAndTheEyesOrder) {
  ClipSpec spec;
  spec.width = shape_.width;
  spec.height = shape_.height;
  spec.frames = shape_.frames;
  spec.audio_encoder = "flac";
  spec.audio_seconds = 0.2;
  spec.subtitles = {"one"};
  MakeClip(options_.sbs_color_video, spec);
  MakeSbsMask(options_.sbs_mask_video, shape_);
  const std::string output = RunInfillSbsJob(options_).output;
  ff::Demuxer file(OpenFileSource(output), output, Limits());
  EXPECT_EQ(file.context()->nb_streams, 3u);
  VideoWriterOptions swapped;
  swapped.stereo = StereoLayout::kSideBySide;
  swapped.right_eye_first = true;
  MakeSbs(options_.sbs_color_video, shape_, swapped);
  RunInfillSbsJob(options_);
  EXPECT_EQ(VideoReader(output).info().tags.at("STEREO_MODE"), "right_left");
}

TEST_F(InfillSbsJob, RefusesWhatDoesNotBelongTogether) {
  Make();
  SbsShape other = shape_;
  other.height = 32;
  const auto run = [&] { RunInfillSbsJob(options_); };
  MakeSbsMask(options_.sbs_mask_video, other);
  ExpectError(Code::kCorrupt, "is 128x32, side-by-side video", run);
  other = shape_;
  other.frames = 3;
  MakeSbsMask(options_.sbs_mask_video, other);
  ExpectError(Code::kCorrupt, "must have the same length", run);
  other = shape_;
  other.begin = 0;
  other.end = 64;
  MakeSbsMask(options_.sbs_mask_video, other, {255, 255, 255});
  ExpectError(Code::kCorrupt, "100 % of the pixels are holes", run);
  VideoWriterOptions depth;
  depth.tags["MDVT_KIND"] = "depth";
  MakeSbsMask(options_.sbs_mask_video, shape_, {1, 127, 127}, depth);
  ExpectError(Code::kCorrupt, "says that it is of kind 'depth'", run);
  VideoWriterOptions mask;
  mask.tags["MDVT_KIND"] = "infillmask";
  MakeSbs(options_.sbs_color_video, shape_, mask);
  ExpectError(Code::kCorrupt, "belongs to sbs_mask_video", run);
  shape_.format = PixelFormat::Yuv(444);
  shape_.width = 127;
  MakeSbs(options_.sbs_color_video, shape_);
  MakeSbsMask(options_.sbs_mask_video, shape_);
  ExpectError(Code::kCorrupt, "two eyes side by side make an even width", run);
  EXPECT_FALSE(fs::exists(dir_ / "sbs.mkv_infilled.mkv"));
}

TEST_F(InfillSbsJob, OptionsHaveToGoTogether) {
  Make();
  options_.method = InfillMethod::kObserved;
  options_.depth_video = dir_ / "depth.mkv";
  ExpectError(Code::kInvalidArgument, "belong together", [&] { options_.Check(); });
  options_.depth_video.clear();
  options_.fov.xfov_deg = 50;
  ExpectError(Code::kInvalidArgument, "belong to depth_video", [&] { options_.Check(); });
}

TEST_F(InfillSbsJob, AnOddEyeKeepsItsColors) {
  shape_.width = 126;  // 63 columns: the right eye begins within a chroma sample
  Make();
  const std::vector<Image> filled = ReadAllFrames(RunInfillSbsJob(options_).output);
  EXPECT_EQ(filled[0].format(), PixelFormat::Yuv(444));
}

}  // namespace
}  // namespace mdvt::test
