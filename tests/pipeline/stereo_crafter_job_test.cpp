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
