// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/stereo_flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/geometry/equirect.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/rectify.h"
#include "support/log_catcher.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 320, kHeight = 180, kFrames = 3;
constexpr double kBaseline = 0.1;

class StereoFlowJob : public ::testing::Test {
 protected:
  void SetUp() override {
    // A near strip before a wall, seen by parallel eyes.
    const Clip clip = Scenes::Step(1.5, 4, kWidth, kHeight, 60);
    const RayCaster caster(clip.scene);
    for (const int side : {-1, 1}) {
      const View eye = EyeOf(clip.At(0), side, kBaseline);
      const Image picture = caster.Color(eye, PixelFormat::Gray(8), 2);
      VideoWriterOptions options;
      options.time_base = {1, 25};
      options.frame_rate = {25, 1};
      VideoWriter writer(side < 0 ? left_ : right_, picture.format(), kWidth, kHeight, options);
      for (int i = 0; i < kFrames; ++i) writer.Write(picture.view(), i, 1);
      writer.Finish();
      if (side < 0) truth_ = caster.Depth(eye);
    }
    options_.left_video = left_;
    options_.right_video = right_;
    options_.fov.xfov_deg = 60;
    options_.baseline = kBaseline;
    options_.output = dir_ / "depth.mkv";
    options_.max_depth = 20;
    options_.job.num_threads = 2;
  }
  // Median relative error of the pixels that have depth, and how many are off by more than 10 %.
  struct Score {
    double median = 0, outliers = 0, valid = 0;
  };
  static Score Compare(const PlaneView<const float>& depth, const PlaneView<const float>& truth) {
    std::vector<double> errors;
    for (int y = 0; y < depth.height; ++y)
      for (int x = 0; x < depth.width; ++x)
        if (depth.At(x, y) > 0 && truth.At(x, y) > 0)
          errors.push_back(std::abs(static_cast<double>(depth.At(x, y) / truth.At(x, y)) - 1));
    if (errors.empty()) return {};
    std::sort(errors.begin(), errors.end());
    Score score;
    score.median = errors[errors.size() / 2];
    score.valid = static_cast<double>(errors.size()) / (depth.width * depth.height);
    score.outliers =
        static_cast<double>(errors.end() - std::lower_bound(errors.begin(), errors.end(), 0.1)) /
        static_cast<double>(errors.size());
    return score;
  }
  static Image FirstDepth(const std::string& path) {
    DepthVideoReader reader(path);
    return reader.Read()->depth;
  }

  const TempDir dir_;
  const std::string left_ = dir_ / "left.mkv", right_ = dir_ / "right.mkv";
  Image truth_;
  StereoFlowJobOptions options_;
};

TEST_F(StereoFlowJob, MeasuresAStepBeforeAWall) {
  options_.save_disparity = true;
  const StereoFlowReport report = RunStereoFlowJob(options_);
  EXPECT_EQ(report.frames, kFrames);
  ASSERT_TRUE(report.vertical_median);
  EXPECT_LT(*report.vertical_median, 0.1);
  const Image depth = FirstDepth(report.output);
  const Score score = Compare(depth.Plane<float>(), truth_.Plane<float>());
  std::printf("step: median error %.4f, outliers %.4f, valid %.3f\n", score.median, score.outliers,
              score.valid);
  EXPECT_LT(score.median, 0.01);
  EXPECT_LT(score.outliers, 0.05);
  EXPECT_GT(score.valid, 0.7);
  DepthVideoReader reader(report.output);
  EXPECT_NEAR(*reader.tags().xfov_deg, 60, 1e-9);
  EXPECT_NEAR(reader.codec().max_depth, 20, 1e-9);
  // Disparity says the same.
  VideoReader codes(report.disparity_output);
  const std::optional<Frame> frame = codes.Read();
  const double scale = 256 * (kWidth / 2 / std::tan(M_PI / 6)) * kBaseline;
  const float z = depth.Plane<float>().At(160, 90);
  ASSERT_GT(z, 0);
  EXPECT_NEAR(frame->image.Plane<uint16_t>().At(160, 90), scale / static_cast<double>(z), 4);
}

TEST_F(StereoFlowJob, TheSameForEveryNumberOfThreads) {
  options_.job.num_threads = 1;
  RunStereoFlowJob(options_);
  const Image one = FirstDepth(options_.output);
  options_.job.num_threads = 3;
  RunStereoFlowJob(options_);
  EXPECT_TRUE(SamePixels(one.view(), FirstDepth(options_.output).view()));
}

TEST_F(StereoFlowJob, BadInputLeavesNothing) {
  const auto fails = [this](Code code, const std::string& part) {
    ExpectError(code, part, [this] { RunStereoFlowJob(options_); });
    EXPECT_FALSE(fs::exists(options_.output)) << part;
  };
  std::swap(options_.left_video, options_.right_video);
  fails(Code::kCorrupt, "in this order");
  options_.left_video = options_.right_video = left_;
  fails(Code::kCorrupt, "no pixel");
  options_.right_video = dir_ / "none.mkv";
  fails(Code::kNotFound, "none.mkv");
  options_.right_video = right_;
  options_.fov = {};
  fails(Code::kInvalidArgument, "xfov");
  options_.fov.xfov_deg = 60;
  options_.left_video.clear();
  fails(Code::kInvalidArgument, "left_video");
  options_.left_video = left_;
  VideoWriter shorter(dir_ / "short.mkv", PixelFormat::Gray(8), kWidth, kHeight);
  shorter.Write(Image(PixelFormat::Gray(8), kWidth, kHeight).view(), 0, 40);
  shorter.Finish();
  options_.right_video = dir_ / "short.mkv";
  fails(Code::kCorrupt, "short.mkv");
  VideoWriter smaller(dir_ / "small.mkv", PixelFormat::Gray(8), 160, 90);
  smaller.Write(Image(PixelFormat::Gray(8), 160, 90).view(), 0, 40);
  smaller.Finish();
  options_.right_video = dir_ / "small.mkv";
  fails(Code::kInvalidArgument, "160x90");
}

// The whole way of a VR180 clip whose depth is known, as the distance along the ray.
TEST_F(StereoFlowJob, DepthOfAVr180Video) {
  MDVT_SKIP_WITHOUT_DATA();
  const fs::path data = DataDir() / "dev_vr180";
  RectifyJobOptions rectify;
  rectify.color_video = (data / "vr180_sbs.mp4").string();
  rectify.clip.output_folder = dir_ / "out";
  rectify.bounds_at_centers = false;
  rectify.job.max_frames = 2;
  EXPECT_LT(RunRectifyJob(rectify).vertical_median, 0.3);
  StereoFlowJobOptions options;
  options.clip.output_folder = rectify.clip.output_folder;
  options.clip.vid = "vr180_sbs";
  const StereoFlowReport report = RunStereoFlowJob(options);
  EXPECT_EQ(report.output, dir_ / "out/vr180_sbs/vr180_sbs-raw_depth.mkv");

  DepthVideoReaderOptions reading;
  reading.encoding = DepthEncoding::kGray16;
  reading.max_depth = 65.535;
  DepthVideoReader truth_reader((data / "left_depth_mm.mkv").string(), reading);
  const Image range = truth_reader.Read()->depth;
  EquirectLayout layout;
  layout.width = range.width();
  layout.height = range.height();
  layout.bounds_at_centers = false;
  const Image depth = FirstDepth(report.output);
  const Camera camera = Camera::FromFov(depth.width(), depth.height(), 60.0, std::nullopt);
  Image truth(PixelFormat::GrayF32(), depth.width(), depth.height());
  for (int y = 0; y < depth.height(); ++y)
    for (int x = 0; x < depth.width(); ++x) {
      const Eigen::Vector3d ray = Unproject(camera, {x + 0.5, y + 0.5}, 1).normalized();
      const Eigen::Vector2d at = *EquirectPosition(layout, ray);
      truth.MutablePlane<float>().At(x, y) =
          range.Plane<float>().At(static_cast<int>(at.x()), static_cast<int>(at.y())) *
          static_cast<float>(ray.z());
    }
  const Score score = Compare(depth.Plane<float>(), truth.Plane<float>());
  std::printf("vr180: median error %.4f, outliers %.4f, valid %.3f\n", score.median, score.outliers,
              score.valid);
  EXPECT_LT(score.median, 0.05);
  EXPECT_GT(score.valid, 0.6);
}

}  // namespace
}  // namespace mdvt::test
