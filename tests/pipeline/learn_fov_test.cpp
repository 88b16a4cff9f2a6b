// SPDX-License-Identifier: Apache-2.0
#include "pipeline/learn_fov.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "moving_clip.h"
#include "pipeline/job_common.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class LearnFovTest : public ::testing::Test {
 protected:
  double Learn(int threads = 2) {
    JobOptions job;
    job.num_threads = threads;
    return LearnFov(video_, job, nullptr).xfov_deg.value();
  }
  // 60 degrees are taken, and a warning says so.
  void ExpectTheUsual() {
    LogCatcher log;
    EXPECT_EQ(Learn(), kDefaultXfovDeg);
    EXPECT_TRUE(log.Says("no field of view was given"));
    EXPECT_TRUE(log.Says("60 degrees across are taken"));
  }
  // The same picture in every frame.
  void WriteStill(const Image& image, int frames) {
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(video_, image.format(), image.width(), image.height(), writing);
    for (int f = 0; f < frames; ++f) writer.Write(image, f);
    writer.Finish();
  }
  const TempDir dir_;
  const std::string video_ = dir_ / "clip.mkv";
};

TEST_F(LearnFovTest, ATurningCameraTellsItWhateverTheThreads) {
  MovingClip(Scenes::TurningRoom(320, 180, 48), 24).WriteColor(video_);
  LogCatcher log;
  const double found = Learn(1);
  EXPECT_NEAR(found, 48, 1.5);
  EXPECT_TRUE(log.Says("the motion of the camera tells"));
  EXPECT_TRUE(log.Says("95 % interval"));
  EXPECT_EQ(Learn(3), found);
}

TEST_F(LearnFovTest, ACameraAtRestTellsNothing) {
  const Clip room = Scenes::Room(160, 90, 60);
  WriteStill(RayCaster(room.scene).Color(room.At(0), PixelFormat::Yuv(420)), 12);
  ExpectTheUsual();
}

TEST_F(LearnFovTest, ASlidingCameraTellsNothing) {
  Clip sliding = Scenes::Room(160, 90, 40);
  sliding.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.translation() = Eigen::Vector3d(0.6 * time, 0, 0.4 * time);
    return pose;
  };
  MovingClip(sliding, 16).WriteColor(video_);
  ExpectTheUsual();
}

TEST_F(LearnFovTest, APictureWithoutTextureTellsNothing) {
  Image grey(PixelFormat::Gray(8), 160, 90);
  for (int y = 0; y < 90; ++y)
    for (int x = 0; x < 160; ++x) grey.MutablePlane<uint8_t>().At(x, y) = 120;
  WriteStill(grey, 12);
  ExpectTheUsual();
}

TEST_F(LearnFovTest, OneFrameTellsNothing) {
  const Clip room = Scenes::TurningRoom(160, 90, 40);
  WriteStill(RayCaster(room.scene).Color(room.At(0), PixelFormat::Yuv(420)), 1);
  ExpectTheUsual();
}

TEST_F(LearnFovTest, StopsWhenItIsCancelled) {
  MovingClip(Scenes::TurningRoom(160, 90, 60), 12).WriteColor(video_);
  const std::atomic<bool> cancelled{true};
  ExpectError(Code::kCancelled, "cancelled", [&] { LearnFov(video_, JobOptions(), &cancelled); });
}

}  // namespace
}  // namespace mdvt::test
