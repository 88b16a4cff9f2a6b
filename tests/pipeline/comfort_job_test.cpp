// SPDX-License-Identifier: Apache-2.0
//
// What the renderer is told to keep to is what the finished video is measured to have.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/check_stereo.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 320, kHeight = 180, kFrames = 6;

class ComfortJob : public ::testing::Test {
 protected:
  // The room, with its true depth.
  void SetUp() override {
    const Clip clip = Scenes::Room(kWidth, kHeight);
    const RayCaster caster(clip.scene);
    VideoWriterOptions video;
    video.frame_rate = {24, 1};
    video.time_base = {1, 24};
    VideoWriter writer(color_, PixelFormat::Rgb(8), kWidth, kHeight, video);
    std::vector<Image> depths;
    std::vector<Pose> poses;
    for (int i = 0; i < kFrames; ++i) {
      poses.push_back(clip.At(i).world_from_cam);
      writer.Write(caster.Color(clip.At(i), PixelFormat::Rgb(8), 2), i);
      depths.push_back(caster.Depth(clip.At(i)));
    }
    writer.Finish();
    WriteTransformationsFile(poses_, poses);
    ClipShape shape;
    shape.width = kWidth;
    shape.height = kHeight;
    shape.frames = kFrames;
    MakeDepth(depth_, shape, [&](int frame, int x, int y) {
      return depths[static_cast<size_t>(frame)].Plane<float>().At(x, y);
    });
  }
  static StereoClipQuality Check(const std::string& path, bool panels = false) {
    CheckStereoJobOptions check;
    check.input = path;
    if (panels) {
      check.packing = PackingChoice::kSideBySide;
      check.squeezed = SqueezeChoice::kOff;
    }
    check.job.num_threads = 2;
    return RunCheckStereoJob(check).clip;
  }
  StereoClipQuality Rerender(const ComfortOptions& comfort, const char* name) {
    StereoJobOptions options;
    options.source.file.path = depth_;
    options.color_video = color_;
    options.output = dir_ / (std::string(name) + ".mkv");
    options.fov.xfov_deg = 60;
    options.comfort = comfort;
    options.eyes.convergence = convergence_;
    options.eyes.pupillary_distance_mm = pupillary_mm_;
    options.job.num_threads = 2;
    options.frame.canvas.layout = layout_;
    const bool panels = layout_ != "sbs";
    if (panels) options.frame.canvas.panel = {PanelProjection::kEquirectangular, 360, kPanelDeg};
    if (moved_) options.scene.transformation_file = poses_;
    options.scene.render_as_pointcloud = points_;
    RunStereoJob(options);
    return Check(options.output, panels);
  }
  // Parallax of a panel as it is measured, in radians.
  static double Angle(double share) { return share * kPanelDeg * M_PI / 180; }
  void ExpectPanelsInside(const ComfortOptions& comfort, const char* name) {
    const ComfortLimits limits = *comfort.PanelLimits(!convergence_);
    const StereoClipQuality clip = Rerender(comfort, name);
    const double measuring = Angle(0.002);  // two thirds of a pixel
    EXPECT_GE(Angle(clip.nearest), -limits.max_in_front - measuring) << name;
    EXPECT_LE(Angle(clip.farthest), limits.max_behind + measuring) << name;
    EXPECT_GT(Angle(clip.farthest - clip.nearest), 0.25 * (limits.max_in_front + limits.max_behind))
        << name;
  }
  static void ExpectInside(const StereoClipQuality& clip, const ComfortLimits& limits) {
    constexpr double kMeasuring = 0.0012;  // of the width: a third of a pixel
    EXPECT_GE(clip.nearest, -limits.max_in_front - kMeasuring);
    EXPECT_LE(clip.farthest, limits.max_behind + kMeasuring);
    EXPECT_LT(clip.window, 0.05);
    // It is still stereo. Where a border reaches far into a deep room the screen stands far in
    // front.
    EXPECT_GT(clip.farthest - clip.nearest, 0.25 * (limits.max_in_front + limits.max_behind));
  }

  const TempDir dir_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
  const std::string poses_ = dir_ / "poses.json";
  static constexpr double kPanelDeg = 60;
  std::optional<double> convergence_;
  std::string layout_ = "sbs";
  double pupillary_mm_ = 63;
  bool moved_ = false, points_ = false;
};

TEST_F(ComfortJob, WithoutItThisRoomIsTooMuch) {
  const StereoClipQuality wild = Rerender({}, "wild");
  EXPECT_LT(wild.nearest, -0.02);
  EXPECT_GT(wild.window, 0.5);
}

TEST_F(ComfortJob, TheFinishedVideoKeepsToTheLimits) {
  for (const Comfort viewer : {Comfort::kCinema, Comfort::kTv, Comfort::kVr}) {
    ComfortOptions comfort;
    comfort.viewer = viewer;
    ExpectInside(Rerender(comfort, "auto"), *comfort.Limits());
    convergence_ = 20;  // almost all of it in front of the screen, if nothing were done
    ExpectInside(Rerender(comfort, "far"), *comfort.Limits());
    convergence_.reset();
  }
}

TEST_F(ComfortJob, LimitsMayBeGiven) {
  ComfortOptions comfort;
  comfort.viewer = Comfort::kTv;
  comfort.max_behind = 3;
  comfort.max_in_front = 0.5;
  ExpectInside(Rerender(comfort, "own"), *comfort.Limits());
  EXPECT_EQ(comfort.Limits()->max_behind, 0.03);
}

TEST_F(ComfortJob, OfPanelsInDegrees) {
  layout_ = "vr180";
  pupillary_mm_ = 150;  // the room would be too much for anybody
  EXPECT_LT(Angle(Rerender({}, "wild").nearest), -3 * M_PI / 180);
  for (const Comfort viewer : {Comfort::kCinema, Comfort::kTv, Comfort::kVr}) {
    ComfortOptions comfort;
    comfort.viewer = viewer;
    ExpectPanelsInside(comfort, "parallel");
  }
  ComfortOptions comfort;
  comfort.viewer = Comfort::kVr;
  // A degree each way; parallel eyes have both in front of them.
  EXPECT_NEAR(comfort.PanelLimits(false)->max_in_front, M_PI / 180, 1e-4);
  EXPECT_NEAR(comfort.PanelLimits(true)->max_in_front, 2 * M_PI / 180, 2e-4);
  convergence_ = 3;
  ExpectPanelsInside(comfort, "turned");
}

TEST_F(ComfortJob, OfACameraThatMoves) {
  moved_ = true;
  EXPECT_LT(Rerender({}, "wild").nearest, -0.02);
  ComfortOptions comfort;
  comfort.viewer = Comfort::kTv;
  ExpectInside(Rerender(comfort, "moved"), *comfort.Limits());
  points_ = true;
  ExpectInside(Rerender(comfort, "points"), *comfort.Limits());
  points_ = false;
  layout_ = "vr180";
  comfort.viewer = Comfort::kVr;
  ExpectPanelsInside(comfort, "moved_panels");
}

TEST_F(ComfortJob, RefusesViewsWithoutParallax) {
  StereoJobOptions options;
  options.source.file.path = depth_;
  options.color_video = color_;
  options.fov.xfov_deg = 60;
  options.comfort.viewer = Comfort::kTv;
  for (const char* layout : {"touchly1", "rgbd"}) {
    options.frame.canvas.layout = layout;
    ExpectError(Code::kInvalidArgument, "shows one, from the middle", [&] { options.Check(); });
  }
}

TEST_F(ComfortJob, OfMonoToSbsToo) {
  MonoToSbsJobOptions mono;
  mono.input = color_;
  mono.source.engine = "file";
  mono.source.file.path = depth_;
  mono.fov.xfov_deg = 60;
  mono.job.num_threads = 2;
  mono.max_shift = 40;  // an eighth of the width
  mono.shift.dynamic = false;
  mono.output = dir_ / "wild.mp4";
  mono.fov = FovOptions();
  RunMonoToSbsJob(mono);
  EXPECT_GT(Check(mono.output).farthest - Check(mono.output).nearest, 0.05);
  mono.comfort.viewer = Comfort::kTv;
  for (const Placement placement : {Placement::kNormalized, Placement::kMetric}) {
    mono.placement = placement;
    if (placement == Placement::kMetric) mono.fov.xfov_deg = 60;
    mono.output = dir_ / "mild.mp4";
    RunMonoToSbsJob(mono);
    ExpectInside(Check(mono.output), *mono.comfort.Limits());
  }
}

}  // namespace
}  // namespace mdvt::test
