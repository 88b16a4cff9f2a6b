// SPDX-License-Identifier: Apache-2.0
//
// What the two stereo jobs put into holes: what other frames have seen, what lies beside them, or
// nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/room_clip.h"
#include "support/pictures.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr int kFrames = 12;
constexpr double kStep = 2;  // of the room's frames, 33 mm sideways
constexpr double kBaseline = 0.063;

const TempDir& Folder() {
  static const TempDir folder;
  return folder;
}

const RoomClip& Room() {
  static const RoomClip room = MakeRoomClip(Folder().path().string(), kFrames, kStep);
  return room;
}

// Of both eyes, side by side, over the pixels that the source does not show.
double HiddenPsnr(const std::vector<Image>& frames) {
  const RayCaster caster(Room().clip.scene);
  const int width = Room().shape.width, height = Room().shape.height;
  double sum = 0, count = 0;
  for (const int f : {2, 4}) {
    const View source = Room().clip.At(kStep * f);
    for (const int side : {-1, 1}) {
      const View eye = EyeOf(source, side, kBaseline);
      const Image unseen = caster.Unseen(eye, source);
      const Image truth = caster.Color(eye, PixelFormat::Rgb(8), 2);
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          for (int plane = 0; unseen.Plane<uint8_t>().At(x, y) != 0 && plane < 3; ++plane) {
            const int at = x + (side > 0 ? width : 0);
            sum += std::pow(SampleOf(frames[static_cast<size_t>(f)], plane, at, y) -
                                SampleOf(truth, plane, x, y),
                            2);
            ++count;
          }
    }
  }
  EXPECT_GT(count, 0);
  return 10 * std::log10(255 * 255 * count / sum);
}

class EyeInfill : public ::testing::Test {
 protected:
  void SetUp() override {
    stereo_.source.file.path = Room().depth;
    stereo_.color_video = Room().color;
    stereo_.output = dir_ / "stereo.mkv";
    stereo_.job.num_threads = 2;
    stereo_.job.overwrite = true;
    mono_.input = Room().color;
    mono_.output = dir_ / "mono.mkv";
    mono_.fov.xfov_deg = Room().clip.camera.xfov_deg();
    mono_.encode.video_codec = "ffv1";
    mono_.job = stereo_.job;
  }

  std::vector<Image> Stereo(Infill infill, bool poses) {
    stereo_.holes.infill = infill;
    stereo_.holes.infill_poses = poses ? Room().poses : "";
    report_ = RunStereoJob(stereo_);
    return ReadAllFrames(report_.output);
  }

  // Where the provenance says that nothing was filled, both have the same pixels.
  static void ExpectSameBeside(const std::vector<Image>& provenance, const std::vector<Image>& one,
                               const std::vector<Image>& other) {
    ASSERT_EQ(provenance.size(), one.size());
    ASSERT_EQ(other.size(), one.size());
    int64_t holes = 0;
    for (size_t f = 0; f < one.size(); ++f)
      for (int y = 0; y < one[f].height(); ++y)
        for (int x = 0; x < one[f].width(); ++x) {
          const bool hole = SampleOf(provenance[f], 0, x, y) != 0;
          holes += hole;
          for (int plane = 0; !hole && plane < 3; ++plane)
            ASSERT_EQ(SampleOf(one[f], plane, x, y), SampleOf(other[f], plane, x, y))
                << f << " " << x << "," << y;
        }
    EXPECT_GT(holes, 0);
  }

  const TempDir dir_;
  StereoJobOptions stereo_;
  StereoJobReport report_;
  MonoToSbsJobOptions mono_;
};

TEST_F(EyeInfill, WhatOthersHaveSeenIsNearerToTheTruth) {
  const std::vector<Image> black = Stereo(Infill::kNone, false);
  const std::vector<Image> beside = Stereo(Infill::kDirectional, false);
  EXPECT_EQ(report_.observed_share, 0);
  EXPECT_EQ(Stereo(Infill::kAuto, false).size(), beside.size());
  const std::string without = ReadText(report_.output);
  stereo_.holes.provenance_output = dir_ / "from.mkv";
  const std::vector<Image> seen = Stereo(Infill::kObserved, true);
  EXPECT_GT(report_.observed_share, 0.6);
  EXPECT_GT(HiddenPsnr(seen), HiddenPsnr(beside) + 2);
  EXPECT_GT(HiddenPsnr(beside), HiddenPsnr(black) + 6);
  const std::vector<Image> from = ReadAllFrames(dir_ / "from.mkv");
  ExpectSameBeside(from, seen, beside);
  ExpectSameBeside(from, seen, black);
  int64_t observed = 0, extended = 0;
  for (const Image& frame : from)
    for (int y = 0; y < frame.height(); ++y)
      for (int x = 0; x < frame.width(); ++x) {
        const int value = SampleOf(frame, 0, x, y);
        observed += value == 255;
        extended += value == 128;
        ASSERT_TRUE(value == 0 || value == 128 || value == 255) << value;
      }
  EXPECT_NEAR(static_cast<double>(observed) / static_cast<double>(observed + extended),
              report_.observed_share, 1e-9);
  // Without being asked where the path is known, as `directional` where it is not.
  const std::string with = ReadText(report_.output);
  stereo_.holes.provenance_output.clear();
  Stereo(Infill::kAuto, true);
  EXPECT_EQ(ReadText(report_.output), with);
  Stereo(Infill::kDirectional, false);
  EXPECT_EQ(ReadText(report_.output), without);
}

TEST_F(EyeInfill, GivesTheSameForEveryNumberOfThreads) {
  std::string first;
  for (const int threads : {1, 2, 3, 7}) {
    stereo_.job.num_threads = threads;
    Stereo(Infill::kObserved, true);
    const std::string content = ReadText(report_.output);
    if (first.empty()) first = content;
    EXPECT_EQ(content, first) << threads;
  }
}

TEST_F(EyeInfill, ABoundedWindowIsEnough) {
  stereo_.holes.infill_window = 1;
  Stereo(Infill::kObserved, true);
  EXPECT_GT(report_.observed_share, 0.2);
  // What nobody asked for takes a share of the memory only; what was asked for is refused.
  stereo_.holes.infill_window = 240;
  stereo_.job.limits.max_frame_buffer_bytes = 40 << 20;
  ExpectError(Code::kLimit, "infill_window = 240: 481 frames take",
              [&] { Stereo(Infill::kObserved, true); });
  Stereo(Infill::kAuto, true);
  EXPECT_GT(report_.observed_share, 0.2);
}

TEST_F(EyeInfill, EyesThatStandStillLookAroundToo) {
  stereo_.scene.transformation_file = Room().poses;
  stereo_.scene.transformation_lock_frame = 3;
  stereo_.holes.provenance_output = dir_ / "from.mkv";
  const std::vector<Image> seen = Stereo(Infill::kAuto, false);
  EXPECT_GT(report_.observed_share, 0.6);
  const std::vector<Image> from = ReadAllFrames(dir_ / "from.mkv");
  stereo_.holes.provenance_output.clear();
  ExpectSameBeside(from, seen, Stereo(Infill::kDirectional, false));
  EXPECT_EQ(report_.observed_share, 0);
  stereo_.holes.infill_poses = Room().poses;
  stereo_.holes.infill = Infill::kAuto;
  ExpectError(Code::kInvalidArgument, "transformation_file tells already",
              [&] { RunStereoJob(stereo_); });
}

TEST_F(EyeInfill, NormalizedDepthHasTheSameEyes) {
  // parallax = shift (c - near / z): as two eyes see it if shift = fx baseline / near and c = 0.
  constexpr double kNear = 1;
  mono_.source.file.path = Room().depth;
  mono_.norm.mode = NormMode::kMetric;
  mono_.norm.metric_near = kNear;
  mono_.max_shift = Room().clip.camera.fx * kBaseline / kNear;
  mono_.shift.dynamic = false;
  mono_.convergence.plane = ScreenPlane::kValue;
  mono_.convergence.value = 0;
  mono_.steady.smoothing.alpha = 0;
  mono_.fov = {};
  mono_.holes.infill = Infill::kDirectional;
  const std::vector<Image> beside = ReadAllFrames(RunMonoToSbsJob(mono_).output);
  mono_.holes.infill = Infill::kObserved;
  mono_.holes.infill_poses = Room().poses;
  const MonoToSbsReport report = RunMonoToSbsJob(mono_);
  EXPECT_GT(report.observed_share, 0.6);
  EXPECT_GT(HiddenPsnr(ReadAllFrames(report.output)), HiddenPsnr(beside) + 2);
}

TEST_F(EyeInfill, TheEngineThatFindsThePathIsEnough) {
  mono_.placement = Placement::kMetric;
  mono_.holes.provenance_output = dir_ / "from.mkv";
  const MonoToSbsReport report = RunMonoToSbsJob(mono_);
  const std::vector<Image> seen = ReadAllFrames(report.output);
  EXPECT_GT(report.observed_share, 0.3);
  mono_.holes.provenance_output.clear();
  mono_.holes.infill = Infill::kDirectional;
  ExpectSameBeside(ReadAllFrames(dir_ / "from.mkv"), seen,
                   ReadAllFrames(RunMonoToSbsJob(mono_).output));
  mono_.holes.infill = Infill::kAuto;
  mono_.holes.infill_poses = Room().poses;
  ExpectError(Code::kInvalidArgument, "finds the camera's path itself",
              [&] { RunMonoToSbsJob(mono_); });
}

TEST_F(EyeInfill, WithoutAPathTheBackgroundIsFollowed) {
  const std::vector<Image> beside = Stereo(Infill::kDirectional, false);
  stereo_.holes.provenance_output = dir_ / "from.mkv";
  stereo_.holes.infill_window = 3;
  const std::vector<Image> seen = Stereo(Infill::kObserved, false);
  EXPECT_GT(report_.observed_share, 0.1);
  ExpectSameBeside(ReadAllFrames(dir_ / "from.mkv"), seen, beside);
  stereo_.frame.canvas.layout = "tab";
  stereo_.holes.provenance_output.clear();
  ExpectError(Code::kInvalidArgument, "does not know where the camera is",
              [&] { Stereo(Infill::kObserved, false); });
}

TEST_F(EyeInfill, OptionsHaveToGoTogether) {
  stereo_.holes.provenance_output = dir_ / "from.mkv";
  ExpectError(Code::kInvalidArgument, "here they stay black",
              [&] { Stereo(Infill::kNone, false); });
  stereo_.frame.canvas.layout = "anaglyph";
  ExpectError(Code::kInvalidArgument, "provenance_output tells of the pixels of plane views",
              [&] { Stereo(Infill::kAuto, false); });
  mono_.warp = WarpKind::kBackward;
  mono_.holes.infill = Infill::kDirectional;
  ExpectError(Code::kInvalidArgument, "nothing to fill", [&] { RunMonoToSbsJob(mono_); });
  mono_.holes.infill = Infill::kAuto;
  mono_.holes.infill_poses = Room().poses;
  ExpectError(Code::kInvalidArgument, "nothing to fill", [&] { RunMonoToSbsJob(mono_); });
  // Poses that nothing would look at.
  stereo_.frame.canvas.layout = "sbs";
  stereo_.holes.provenance_output.clear();
  stereo_.holes.infill_mask = true;
  ExpectError(Code::kInvalidArgument, "give infill observed with it",
              [&] { Stereo(Infill::kAuto, true); });
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

}  // namespace
}  // namespace mdvt::test
