// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stereo_crafter.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "cli/clips.h"
#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "pipeline/sbs_clips.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class StereoCrafterJob : public ::testing::Test {
 protected:
  void SetUp() override {
    shape_.format = PixelFormat::Rgb(8);
    shape_.frames = 11;  // chunks of 5 with 2 carried: 5, 3, 3
    options_.sbs_color_video = dir_ / "sbs.mkv";
    options_.sbs_mask_video = dir_ / "mask.mkv";
    options_.job.num_threads = 2;
    options_.model.path = dir_ / "model";
    options_.model.trust_model = true;
    fs::create_directory(options_.model.path);
    MakeSbsMask(options_.sbs_mask_video, shape_);
  }
  std::vector<Image> Fill() { return ReadAllFrames(RunStereoCrafterJob(options_).output); }

  const TempDir dir_;
  SbsShape shape_;
  StereoCrafterJobOptions options_;
};

TEST_F(StereoCrafterJob, APassThroughFillsWhatItWasGiven) {
  WriteToyParts(options_.model.path, "pass");
  MakeSbs(options_.sbs_color_video, shape_);
  options_.diffusion.match_colors = false;
  const StereoCrafterReport report = RunStereoCrafterJob(options_);
  EXPECT_EQ(report.frames, 11);
  EXPECT_EQ(report.model, "toy");
  EXPECT_EQ(report.runs, 6);  // three chunks, two eyes
  EXPECT_NEAR(report.hole_share, 8.0 / 64, 1e-9);
  const std::vector<Image> before = ReadAllFrames(options_.sbs_color_video);
  const std::vector<Image> after = ReadAllFrames(report.output);
  ASSERT_EQ(after.size(), 11u);
  for (size_t f = 0; f < after.size(); ++f)
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < shape_.width; ++x) {
          // Holes are given to the model as black.
          ASSERT_EQ(SampleOf(after[f], plane, x, y),
                    IsSbsHole(shape_, x) ? 0 : SampleOf(before[f], plane, x, y));
        }
}

TEST_F(StereoCrafterJob, TheSameSeedGivesTheSameVideo) {
  WriteToyParts(options_.model.path, "free");
  MakeSbs(options_.sbs_color_video, shape_);
  const std::vector<Image> once = Fill();
  options_.job.num_threads = 1;
  EXPECT_TRUE(SameFrames(Fill(), once));
  options_.diffusion.seed = 5;
  EXPECT_FALSE(SameFrames(Fill(), once));
}

// A stand-in that is brighter each time: what is made once more shows, in steps.
TEST_F(StereoCrafterJob, RunsFadeIntoEachOther) {
  WriteToyParts(options_.model.path, "pass", "brighter");
  MakeSbs(options_.sbs_color_video, shape_);
  options_.diffusion.match_colors = options_.diffusion.blend_rim = false;
  const std::vector<Image> faded = Fill();
  options_.cross_fade = false;
  const std::vector<Image> plain = Fill();
  // Holes of runs of 5, 3 and 3 frames; the last two of a run are made again by the next one. A
  // step of 0.1 in [-1, 1] is 12.75 of 255.
  for (size_t f = 0; f < 11; ++f) {
    EXPECT_NEAR(SampleOf(plain[f], 0, 26, 10), 12.75, 0.6) << f;
    const bool first = f == 3 || f == 6, second = f == 4 || f == 7;
    const double share = first ? 1.0 / 3 : second ? 2.0 / 3 : 0;
    EXPECT_NEAR(SampleOf(faded[f], 0, 26, 10), 12.75 * (1 + share), 0.6) << f;
    EXPECT_EQ(SampleOf(faded[f], 0, 40, 10), SampleOf(plain[f], 0, 40, 10));
  }
}

class FeedForwardJob : public StereoCrafterJob {
 protected:
  void SetUp() override {
    StereoCrafterJob::SetUp();
    options_.model.path = dir_ / "net.toy";
    options_.diffusion.match_colors = options_.diffusion.blend_rim = false;
    MakeSbs(options_.sbs_color_video, shape_);
  }
};

TEST_F(FeedForwardJob, HolesBecomeWhatTheOriginalsHave) {
  WriteToy(options_.model.path, "infill", InfillMetadata(5, 2, true));
  options_.color_video = dir_ / "color.mkv";
  SbsShape original = shape_;
  original.width = 64;
  VideoWriter writer(options_.color_video, original.format, original.width, original.height, {});
  for (int f = 0; f < shape_.frames; ++f) writer.Write(SbsPicture(original, f + 3), 40 * f, 40);
  writer.Finish();
  const StereoCrafterReport report = RunStereoCrafterJob(options_);
  EXPECT_EQ(report.model, "toy-infill");
  EXPECT_EQ(report.runs, 6);
  const std::vector<Image> after = ReadAllFrames(report.output);
  const std::vector<Image> before = ReadAllFrames(options_.sbs_color_video);
  ASSERT_EQ(after.size(), 11u);
  for (int f = 0; f < 11; ++f) {
    const Image wanted = SbsPicture(original, f + 3);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < shape_.height; ++y)
        for (int x = 0; x < shape_.width; ++x)
          ASSERT_EQ(SampleOf(after[static_cast<size_t>(f)], plane, x, y),
                    IsSbsHole(shape_, x) ? SampleOf(wanted, plane, x % 64, y)
                                         : SampleOf(before[static_cast<size_t>(f)], plane, x, y));
  }
}

TEST_F(FeedForwardJob, PaintersFillFrameByFrame) {
  WriteToy(options_.model.path, "inpaint", InpaintMetadata());
  const StereoCrafterReport report = RunStereoCrafterJob(options_);
  EXPECT_EQ(report.runs, 22);
  EXPECT_EQ(SampleOf(ReadAllFrames(report.output)[4], 1, 26, 9), 64);
}

TEST_F(FeedForwardJob, SaysWhatIsMissing) {
  const auto run = [&] { RunStereoCrafterJob(options_); };
  WriteToy(options_.model.path, "infill", InfillMetadata(5, 2, true));
  ExpectError(Code::kInvalidArgument, "give color_video", run);
  options_.color_video = options_.sbs_color_video;
  ExpectError(Code::kCorrupt, "an eye of", run);
  WriteToy(options_.model.path, "infill", InfillMetadata(5, 2, false));
  ExpectError(Code::kInvalidArgument, "does not", run);
  options_.color_video.clear();
  options_.chunk = 6;
  ExpectError(Code::kInvalidArgument, "takes at most 5 frames", run);
  options_.chunk.reset();
  options_.diffusion.seed = 4;
  ExpectError(Code::kInvalidArgument, "are for diffusion models", run);
  options_.diffusion.seed = 0;
  WriteToy(options_.model.path, "segment", SegmentMetadata());
  ExpectError(Code::kUnsupported, "needs \"inpaint\"", run);
  EXPECT_FALSE(fs::exists(dir_ / "sbs.mkv_infilled.mkv"));
}

TEST_F(StereoCrafterJob, ShortClipsAndClipsWithoutHolesWork) {
  WriteToyParts(options_.model.path, "pass");
  for (const int frames : {1, 4, 6}) {
    shape_.frames = frames;
    MakeSbs(options_.sbs_color_video, shape_);
    MakeSbsMask(options_.sbs_mask_video, shape_);
    EXPECT_EQ(Fill().size(), static_cast<size_t>(frames));
  }
  shape_.end = shape_.begin;
  MakeSbs(options_.sbs_color_video, shape_);
  MakeSbsMask(options_.sbs_mask_video, shape_);
  EXPECT_EQ(RunStereoCrafterJob(options_).runs, 0);
  EXPECT_TRUE(SameFrames(Fill(), ReadAllFrames(options_.sbs_color_video)));
}

TEST_F(StereoCrafterJob, WithoutAModelItNamesAnotherWay) {
  MakeSbs(options_.sbs_color_video, shape_);
  const auto run = [&] { RunStereoCrafterJob(options_); };
  ExpectError(Code::kNotFound, "no file whose name ends in unet", run);
  WriteToyParts(options_.model.path);
  WriteToy(options_.model.path + "/a_unet.toy", "pass", PartMetadata("unet"));
  ExpectError(Code::kInvalidArgument, "several files", run);
  fs::remove(options_.model.path + "/a_unet.toy");
  WriteToy(options_.model.path + "/toy_vae_decoder.toy", "segment", SegmentMetadata());
  ExpectError(Code::kUnsupported, "is of kind \"segment\"", run);
  options_.model.path = dir_ / "nowhere";
  ExpectError(Code::kNotFound, "basic_nomal_infill --method observed", run);
  options_.model.path.clear();
  ExpectError(Code::kNotFound, "no model is given", run);
  EXPECT_FALSE(fs::exists(dir_ / "sbs.mkv_infilled.mkv"));
}

}  // namespace
}  // namespace mdvt::test
