// SPDX-License-Identifier: Apache-2.0
//
// How jobs read the videos that they look at: options of all of them, each described once.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/job_common.h"
#include "pipeline/video_kind.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class Reading : public ::testing::Test {
 protected:
  void SetUp() override {
    shape_.frames = 4;
    mono_.input = dir_ / "color.mkv";
    mono_.output = dir_ / "out.mp4";
    depth_.color_video = mono_.input;
    depth_.output = dir_ / "depth_out.mkv";
    stereo_.color_video = mono_.input;
    stereo_.source.file.path = dir_ / "depth.mkv";
    stereo_.output = dir_ / "stereo.mkv";
    stereo_.fov.xfov_deg = 50;
    MakeDepth(stereo_.source.file.path, shape_, BoxOnWall(shape_, 2, 5));
  }

  void MakeMarked(StereoLayout stereo, const std::string& kind) {
    VideoWriterOptions options;
    options.frame_rate = shape_.rate;
    options.stereo = stereo;
    if (!kind.empty()) options.tags["MDVT_KIND"] = kind;
    VideoWriter writer(mono_.input, PixelFormat::Yuv(420), shape_.width, shape_.height, options);
    Image image(PixelFormat::Yuv(420), shape_.width, shape_.height);
    for (int i = 0; i < shape_.frames; ++i) {
      PaintTexture(i, &image);
      writer.Write(image, 41 * i);
    }
    writer.Finish();
  }

  const TempDir dir_;
  ClipShape shape_;
  MonoToSbsJobOptions mono_;
  DepthJobOptions depth_;
  StereoJobOptions stereo_;
};

TEST_F(Reading, VideosOfTwoEyesAreRefusedUnlessTakenAsOnePicture) {
  const LogCatcher log;
  for (const bool by_container : {true, false}) {
    MakeMarked(by_container ? StereoLayout::kSideBySide : StereoLayout::kNone,
               by_container ? "" : "sbs");
    const std::string text = by_container ? "two eyes side by side" : "two eyes already";
    mono_.job.one_picture = depth_.job.one_picture = stereo_.job.one_picture = false;
    ExpectError(Code::kRefused, text, [this] { RunMonoToSbsJob(mono_); });
    ExpectError(Code::kRefused, text, [this] { RunDepthJob(depth_); });
    ExpectError(Code::kRefused, text, [this] { RunStereoJob(stereo_); });
    mono_.job.one_picture = depth_.job.one_picture = stereo_.job.one_picture = true;
    EXPECT_EQ(RunMonoToSbsJob(mono_).frames, shape_.frames);
    EXPECT_EQ(RunDepthJob(depth_).frames, shape_.frames);
    EXPECT_EQ(RunStereoJob(stereo_).frames, shape_.frames);
  }
}

TEST_F(Reading, SpheresAreTold) {
  LogCatcher log;
  VideoInfo info;
  info.path = "clip.mp4";
  info.projection = "equirectangular";
  CheckOnePicture(info, false);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("'clip.mp4' says that it shows a sphere (equirectangular)"));
}

TEST_F(Reading, FieldsOfViewThatDoNotGoTogetherAreTold) {
  LogCatcher log;
  FovOptions fov;
  fov.xfov_deg = 90;
  fov.yfov_deg = 90;
  ClipCamera(fov, {}, 200, 200, {1, 1}, {});
  ClipCamera(fov, {}, 200, 100, {1, 2}, {});
  EXPECT_EQ(log.lines.size(), 0u);
  ClipCamera(fov, {}, 200, 100, {1, 1}, {});
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("pixels would be 0.50 times as wide as the file says"));
}

TEST_F(Reading, FilesOfOtherKindsAreToldAsColorsAndRefusedAsMasks) {
  LogCatcher log;
  MakeMarked(StereoLayout::kNone, "");
  ExpectError(Code::kCorrupt, "first picture are colored",
              [this] { OpenMask(mono_.input, {}, nullptr); });
  for (const char* kind : {"depth", "mask", "infillmask"}) {
    MakeMarked(StereoLayout::kNone, kind);
    const size_t before = log.lines.size();
    CheckOnePicture(VideoReader(mono_.input).info(), false);
    EXPECT_EQ(log.lines.size(), before + 1);
    EXPECT_TRUE(log.Says("MDVT_KIND says \"" + std::string(kind) + "\": is it the right file?"));
    if (std::string(kind) != "depth") OpenMask(mono_.input, {}, nullptr);
  }
  for (const char* kind : {"depth", "sbs_depth", "sbs", "tab", "provenance"}) {
    MakeMarked(StereoLayout::kNone, kind);
    ExpectError(Code::kCorrupt, "is no mask video", [this] { OpenMask(mono_.input, {}, nullptr); });
  }
  // The file beside a video says the same, but a manifest of movie_2_3D has the same name.
  MakeMarked(StereoLayout::kNone, "");
  DepthTags depth;
  depth.kind = "depth";
  std::ofstream(DepthSidecarPath(mono_.input)) << depth.ToJson();
  ExpectError(Code::kCorrupt, "is no mask video", [this] { OpenMask(mono_.input, {}, nullptr); });
  std::ofstream(DepthSidecarPath(mono_.input))
      << R"({"mdvt": "1", "step": "mask", "options": {}, "inputs": {}, "files": []})";
  ExpectError(Code::kCorrupt, "first picture are colored",
              [this] { OpenMask(mono_.input, {}, nullptr); });
}

TEST_F(Reading, DamageIsToldOrRefusedWhenStrict) {
  MakeColor(mono_.input, shape_);
  {
    std::fstream file(mono_.input, std::ios::in | std::ios::out | std::ios::binary);
    const auto middle =
        static_cast<std::streamoff>(std::filesystem::file_size(mono_.input) * 2 / 3);
    file.seekg(middle);
    const char byte = static_cast<char>(file.get());
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 16));
  }
  LogCatcher log;
  EXPECT_EQ(RunMonoToSbsJob(mono_).frames, shape_.frames);
  EXPECT_TRUE(log.Says("1 is damaged and shown as the decoder patched")) << log.lines.size();
  EXPECT_EQ(RunDepthJob(depth_).frames, shape_.frames);
  EXPECT_EQ(RunStereoJob(stereo_).frames, shape_.frames);
  mono_.job.reading.strict = depth_.job.reading.strict = stereo_.job.reading.strict = true;
  ExpectError(Code::kCorrupt, "is damaged", [this] { RunMonoToSbsJob(mono_); });
  ExpectError(Code::kCorrupt, "is damaged", [this] { RunDepthJob(depth_); });
  ExpectError(Code::kCorrupt, "is damaged", [this] { RunStereoJob(stereo_); });
}

TEST_F(Reading, DepthWithoutDataIsAnError) {
  MakeColor(mono_.input, shape_);
  MakeDepth(stereo_.source.file.path, shape_, Plane(0));
  ExpectError(Code::kRefused, "holds no depth", [this] { RunStereoJob(stereo_); });
  EXPECT_FALSE(std::filesystem::exists(stereo_.output));
  MakeDepth(stereo_.source.file.path, shape_, Plane(100));
  LogCatcher log;
  EXPECT_EQ(RunStereoJob(stereo_).frames, shape_.frames);
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("at the end of its range"));
}

// The pictures that a job holds at once are bounded, whatever its stages are.
TEST_F(Reading, PicturesOfAJobAreBounded) {
  MakeColor(mono_.input, shape_);
  const int64_t picture = int64_t{shape_.width} * shape_.height;
  for (JobOptions* job : {&mono_.job, &stereo_.job, &depth_.job})
    job->limits.max_frame_buffer_bytes = 2 * picture;
  const char* says = "max_frame_buffer_bytes";
  ExpectError(Code::kLimit, says, [this] { RunMonoToSbsJob(mono_); });
  ExpectError(Code::kLimit, says, [this] { RunDepthJob(depth_); });
  ExpectError(Code::kLimit, says, [this] { RunStereoJob(stereo_); });
  EXPECT_FALSE(std::filesystem::exists(stereo_.output));
  stereo_.job.limits.max_frame_buffer_bytes = 200 * picture;
  EXPECT_EQ(RunStereoJob(stereo_).frames, shape_.frames);
}

TEST_F(Reading, OptionsReachTheReader) {
  JobOptions job;
  job.limits.max_frames = 7;
  job.reading.strict = true;
  job.reading.deinterlace = Deinterlace::kFields;
  const VideoReaderOptions reader = ReaderOptions(job, nullptr);
  EXPECT_EQ(reader.limits.max_frames, 7);
  EXPECT_TRUE(reader.strict);
  EXPECT_EQ(reader.deinterlace, Deinterlace::kFields);
}

}  // namespace
}  // namespace mdvt::test
