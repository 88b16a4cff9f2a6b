// SPDX-License-Identifier: Apache-2.0
//
// stereo_rerender with a camera path, panels, Touchly, depth of the eyes and backgrounds.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/point_array_file.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/jobs.h"
#include "support/log_catcher.h"
#include "support/pictures.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr double kBaseline = 0.063;

// A clip of the ray-caster as files.
class StereoScene : public ::testing::Test {
 protected:
  void Write(const Clip& clip, int frames, double frame_step = 1,
             PixelFormat format = PixelFormat::Rgb(8)) {
    clip_ = clip;
    step_ = frame_step;
    frames_ = frames;
    const RayCaster caster(clip.scene);
    VideoWriterOptions video;
    video.frame_rate = {24, 1};
    video.time_base = {1, 24};
    DepthVideoWriterOptions depth;
    depth.video = video;
    depth.codec.max_depth = 20;
    depth.tags.xfov_deg = clip.camera.xfov_deg();
    const int width = clip.camera.width, height = clip.camera.height;
    VideoWriter colors(dir_ / "color.mkv", format, width, height, video);
    DepthVideoWriter depths(dir_ / "depth.mkv", width, height, depth);
    std::vector<Pose> poses;
    for (int i = 0; i < frames; ++i) {
      const View view = ViewAt(i);
      colors.Write(caster.Color(view, format), i, 1);
      depths.Write(caster.Depth(view).Plane<float>(), i, 1);
      poses.push_back(view.world_from_cam);
    }
    colors.Finish();
    depths.Finish();
    WriteTransformationsFile(dir_ / "poses.json", poses);
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.output = dir_ / "stereo.mkv";
    options_.job.num_threads = 2;
  }

  View ViewAt(int frame) const { return clip_.At(frame * step_); }

  std::vector<Image> Render() {
    report_ = RunStereoJob(options_);
    return ReadAllFrames(report_.output);
  }

  // Mean and share of large differences between a picture and the truth, where `take` says so.
  struct Differences {
    double mean = 0;
    double far_off = 0;
    int64_t count = 0;
  };
  template <typename Take>
  static Differences Compare(const Image& picture, int at_x, const Image& truth, const Take& take) {
    Differences result;
    for (int y = 0; y < truth.height(); ++y)
      for (int x = 0; x < truth.width(); ++x) {
        if (!take(x, y)) continue;
        int worst = 0;
        for (int plane = 0; plane < 3; ++plane)
          worst = std::max(worst, std::abs(SampleOf(picture, plane, at_x + x, y) -
                                           SampleOf(truth, plane, x, y)));
        ++result.count;
        result.mean += worst;
        result.far_off += worst > 24;
      }
    result.mean /= static_cast<double>(result.count);
    result.far_off /= static_cast<double>(result.count);
    return result;
  }
  static bool Black(const Image& image, int x, int y) {
    return SampleOf(image, 0, x, y) + SampleOf(image, 1, x, y) + SampleOf(image, 2, x, y) == 0;
  }

  const TempDir dir_;
  Clip clip_;
  double step_ = 1;
  int frames_ = 0;
  StereoJobOptions options_;
  StereoJobReport report_;
};

TEST_F(StereoScene, EyesStandStillWhileTheCameraMoves) {
  Write(Scenes::Room(192, 108), 4, 6);
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.holes.infill_mask = true;
  for (const std::optional<int64_t> lock : {std::optional<int64_t>(), std::optional<int64_t>(2)}) {
    options_.scene.transformation_lock_frame = lock;
    const std::vector<Image> frames = Render();
    const std::vector<Image> masks = ReadAllFrames(report_.mask_output);
    ASSERT_EQ(frames.size(), 4u);
    ASSERT_EQ(frames[0].width(), 2 * 192);
    const View head = ViewAt(static_cast<int>(lock.value_or(0)));
    const RayCaster caster(clip_.scene);
    for (int i = 0; i < 4; ++i)
      for (const int side : {-1, 1}) {
        View eye = EyeOf(head, side, kBaseline);
        eye.time = 0;
        const Image truth = caster.Color(eye, PixelFormat::Rgb(8));
        const Image unseen = caster.Unseen(eye, ViewAt(i));
        const int at = side < 0 ? 0 : 192;
        const Image& frame = frames[static_cast<size_t>(i)];
        const Image& mask = masks[static_cast<size_t>(i)];
        const Differences seen = Compare(frame, at, truth, [&](int x, int y) {
          return unseen.Plane<uint8_t>().At(x, y) == 0 && Black(mask, at + x, y);
        });
        EXPECT_LT(seen.mean, 7) << "frame " << i << " side " << side;
        EXPECT_LT(seen.far_off, 0.05) << "frame " << i << " side " << side;
        // What the frame does not show is a hole, black in the picture.
        int64_t holes = 0, found = 0, wrong = 0;
        for (int y = 0; y < 108; ++y)
          for (int x = 0; x < 192; ++x) {
            const bool hole = !Black(mask, at + x, y);
            EXPECT_TRUE(!hole || Black(frame, at + x, y));
            const PlaneView<const uint8_t> hidden = unseen.Plane<uint8_t>();
            wrong += hole && hidden.At(x, y) == 0;
            // A hole of less than a pixel is none: surfaces part where there is one to show.
            if (x == 0 || x == 191 || hidden.At(x - 1, y) == 0 || hidden.At(x + 1, y) == 0)
              continue;
            holes += hidden.At(x, y) != 0;
            found += hidden.At(x, y) != 0 && hole;
          }
        EXPECT_GE(found, holes * 8 / 10) << "frame " << i << " side " << side;
        EXPECT_LE(wrong, 192 * 108 / 25) << "frame " << i << " side " << side;
      }
  }
}

// A path may begin anywhere: with frame 0 to lock to, the eyes are where the camera was then.
TEST_F(StereoScene, TheFirstFrameCanBeLockedTo) {
  Write(Scenes::Room(128, 72), 3, 6);
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.scene.transformation_lock_frame = 0;
  const std::vector<Image> wanted = Render();
  Pose elsewhere = Pose::Identity();
  elsewhere.linear() = Eigen::AngleAxisd(0.7, Eigen::Vector3d(1, 2, 0.5).normalized()).matrix();
  elsewhere.translation() = Eigen::Vector3d(3, -1, 2);
  std::vector<Pose> poses;
  for (int i = 0; i < 3; ++i) poses.push_back(elsewhere * ViewAt(i).world_from_cam);
  WriteTransformationsFile(dir_ / "poses.json", poses);
  const auto difference = [&wanted](const std::vector<Image>& frames) {
    double sum = 0;
    for (size_t i = 0; i < wanted.size(); ++i)
      for (int y = 0; y < 72; ++y)
        for (int x = 0; x < 256; ++x)
          sum += std::abs(SampleOf(frames[i], 0, x, y) - SampleOf(wanted[i], 0, x, y));
    return sum / (3 * 72 * 256);
  };
  EXPECT_LT(difference(Render()), 0.5);
  options_.scene.transformation_lock_frame.reset();
  EXPECT_GT(difference(Render()), 10) << "the path's own origin is elsewhere";
}

TEST_F(StereoScene, FromTheCameraItselfNothingChanges) {
  Write(Scenes::Room(96, 64), 2, 1);
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity(), Pose::Identity()});
  options_.scene.transformation_file = dir_ / "still.json";
  options_.eyes.pupillary_distance_mm = 0;
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  const std::vector<Image> frames = Render();
  for (size_t i = 0; i < 2; ++i)
    for (const int at : {0, 96})
      EXPECT_EQ(Compare(frames[i], at, color[i], [](int, int) { return true; }).mean, 0);
  EXPECT_EQ(report_.hole_share, 0);
}

TEST_F(StereoScene, AgreesWithShiftedRows) {
  Write(Scenes::Step(2, 6, 192, 64), 1);
  options_.holes.infill_mask = true;
  options_.holes.clean_rim = 0;
  const Image shifted = Render()[0];
  const Image shifted_mask = ReadAllFrames(report_.mask_output)[0];
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity()});
  options_.scene.transformation_file = dir_ / "still.json";
  for (const double convergence : {0.0, 3.0}) {
    if (convergence > 0) {
      options_.scene.transformation_file.clear();
      options_.eyes.convergence = convergence;
      const Image by_rows = Render()[0];
      options_.scene.transformation_file = dir_ / "still.json";
      const Image by_scene = Render()[0];
      EXPECT_LT(Compare(by_scene, 0, by_rows, [](int x, int) { return x > 4 && x < 188; }).mean, 2);
      continue;
    }
    const Image scene = Render()[0];
    const Image mask = ReadAllFrames(report_.mask_output)[0];
    int differ = 0, code = 0;
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 2 * 192; ++x) {
        const bool a = !Black(mask, x, y), b = !Black(shifted_mask, x, y);
        differ += a != b;
        // The direction, too.
        code += a && b && SampleOf(mask, 0, x, y) != SampleOf(shifted_mask, 0, x, y);
      }
    EXPECT_LE(differ, 64 * 4);  // a column at each rim
    EXPECT_EQ(code, 0);
  }
}

TEST_F(StereoScene, HalvedChromaStaysHalved) {
  Write(Scenes::Room(96, 64), 2, 1, PixelFormat::Yuv(420, 10));
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.scene.transformation_lock_frame = 0;
  options_.eyes.pupillary_distance_mm = 0;
  const std::vector<Image> frames = Render();
  const std::vector<Image> color = ReadAllFrames(options_.color_video);
  EXPECT_EQ(frames[0].format(), PixelFormat::Yuv(420, 10));
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 96; ++x)
      EXPECT_EQ(SampleOf(frames[0], 0, x, y), SampleOf(color[0], 0, x, y));
}

TEST_F(StereoScene, PointsCanBeRendered) {
  Write(Scenes::Step(2, 6, 96, 64), 1);
  const Image surfaces = Render()[0];
  options_.scene.render_as_pointcloud = true;
  const Image points = Render()[0];
  EXPECT_EQ(points.width(), surfaces.width());
  EXPECT_LT(Compare(points, 0, surfaces, [](int x, int) { return x > 4 && x < 92; }).mean, 12);
  EXPECT_FALSE(SameFrames({points}, {surfaces}));
}

TEST_F(StereoScene, PathsThatDoNotFitAreRefused) {
  Write(Scenes::Plane(3, 64, 48), 3);
  options_.scene.transformation_file = dir_ / "none.json";
  ExpectError(Code::kNotFound, "none.json", [&] { RunStereoJob(options_); });
  WriteTransformationsFile(dir_ / "short.json", {Pose::Identity()});
  options_.scene.transformation_file = dir_ / "short.json";
  ExpectError(Code::kCorrupt, "short.json", [&] { RunStereoJob(options_); });
  options_.scene.transformation_lock_frame = 1;
  ExpectError(Code::kInvalidArgument, "transformation_lock_frame = 1",
              [&] { RunStereoJob(options_); });
  options_.scene.transformation_file.clear();
  ExpectError(Code::kInvalidArgument, "transformation_file", [&] { RunStereoJob(options_); });
  EXPECT_FALSE(fs::exists(options_.output));
}

TEST_F(StereoScene, AViewerWhoSeesNothingIsTold) {
  Write(Scenes::Plane(3, 64, 48), 2);
  std::vector<Pose> poses(2, Pose::Identity());
  for (Pose& pose : poses) pose.translation() = Eigen::Vector3d(0, 0, -500);  // behind the viewer
  WriteTransformationsFile(dir_ / "behind.json", poses);
  options_.scene.transformation_file = dir_ / "behind.json";
  const LogCatcher log;
  Render();
  EXPECT_TRUE(log.Says("no view shows anything of what was filmed"));
}

TEST_F(StereoScene, ALongerPathIsFine) {
  Write(Scenes::Plane(3, 64, 48), 2);
  WriteTransformationsFile(dir_ / "long.json", std::vector<Pose>(3, Pose::Identity()));
  options_.scene.transformation_file = dir_ / "long.json";
  EXPECT_EQ(Render().size(), 2u);
}

TEST_F(StereoScene, ColorsAreNoKeys) {
  // Green and black pixels are no holes, whichever way the eyes are rendered.
  Write(Scenes::Step(2, 6, 96, 64), 1);
  VideoWriterOptions video;
  video.frame_rate = {24, 1};
  video.time_base = {1, 24};
  VideoWriter colors(dir_ / "keys.mkv", PixelFormat::Rgb(8), 96, 64, video);
  colors.Write(MakePicture(PixelFormat::Rgb(8), 96, 64,
                           [](int plane, int x, int) { return plane == 1 && x % 8 < 4 ? 255 : 0; }),
               0, 1);
  colors.Finish();
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity()});
  options_.holes.infill_mask = true;
  const auto masks = [this] {
    Render();
    std::vector<Image> both;
    both.push_back(ReadAllFrames(report_.mask_output)[0]);
    const std::string color = options_.color_video;
    options_.color_video = dir_ / "keys.mkv";
    Render();
    both.push_back(ReadAllFrames(report_.mask_output)[0]);
    EXPECT_LT(report_.hole_share, 0.1);
    options_.color_video = color;
    return both;
  };
  options_.holes.clean_rim = 0;
  for (const char* path : {"", "still.json"}) {
    options_.scene.transformation_file = *path == 0 ? "" : dir_ / path;
    const std::vector<Image> both = masks();
    EXPECT_TRUE(SameFrames({both[0]}, {both[1]}));
  }
  // Where a rim is read from the silhouette in the picture, it moves by one pixel at most.
  options_.holes.clean_rim = 2;
  options_.scene.transformation_file.clear();
  const std::vector<Image> both = masks();
  const auto is_hole = [&](size_t i, int x, int y) {
    return SampleOf(both[i], 0, x, y) + SampleOf(both[i], 1, x, y) + SampleOf(both[i], 2, x, y) > 0;
  };
  for (int y = 0; y < both[0].height(); ++y)
    for (int x = 1; x + 1 < both[0].width(); ++x) {
      if (is_hole(0, x, y) == is_hole(1, x, y)) continue;
      for (const size_t i : {size_t{0}, size_t{1}})
        EXPECT_NE(is_hole(i, x - 1, y), is_hole(i, x + 1, y)) << x << " " << y;
    }
}

// What the readers of masks in the original tools do with a pixel.
TEST_F(StereoScene, OlderReadersFindTheBackground) {
  Write(Scenes::Step(1.5, 6, 192, 64), 1);
  options_.holes.infill_mask = true;
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity()});
  const RayCaster caster(clip_.scene);
  for (const char* path : {"", "still.json"}) {
    options_.scene.transformation_file = *path == 0 ? "" : dir_ / path;
    Render();
    const Image mask = ReadAllFrames(report_.mask_output)[0];
    int holes = 0, on_background = 0;
    for (const int side : {-1, 1}) {
      const Image depth = caster.Depth(EyeOf(ViewAt(0), side, kBaseline));
      const int at = side < 0 ? 0 : 192;
      for (int y = 0; y < 64; ++y)
        for (int x = 8; x < 184; ++x) {
          if (Black(mask, at + x, y)) continue;
          // All channels are set: a test of all of them finds the same holes.
          for (int plane = 0; plane < 3; ++plane) EXPECT_GT(SampleOf(mask, plane, at + x, y), 0);
          const double nx = 2 * SampleOf(mask, 0, at + x, y) / 255.0 - 1;
          const double ny = 2 * SampleOf(mask, 1, at + x, y) / 255.0 - 1;
          ++holes;
          for (int t = 1; t < 30; ++t) {
            const int tx = x + static_cast<int>(std::lround(nx * t));
            const int ty = std::clamp(y + static_cast<int>(std::lround(ny * t)), 0, 63);
            if (tx < 0 || tx >= 192 || !Black(mask, at + tx, ty)) continue;
            on_background += depth.Plane<float>().At(tx, ty) > 4;
            break;
          }
        }
    }
    EXPECT_GE(holes, 64 * 4);
    EXPECT_GE(on_background, holes * 95 / 100) << path;
  }
  for (const InfillMaskStyle style :
       {InfillMaskStyle::kWhite, InfillMaskStyle::kEnds, InfillMaskStyle::kGreen}) {
    options_.holes.infill_mask_style = style;
    Render();
    const Image mask = ReadAllFrames(report_.mask_output)[0];
    EXPECT_EQ(DetectInfillMaskCode(mask.view()),
              style == InfillMaskStyle::kWhite  ? InfillMaskCode::kWhite
              : style == InfillMaskStyle::kEnds ? InfillMaskCode::kEnds
                                                : InfillMaskCode::kDirections);
  }
}

// ---- Panels.

TEST_F(StereoScene, PanelsShowWhatEachEyeSeesAtItsAngle) {
  Write(Scenes::Room(192, 108, 70), 1);
  constexpr int kSize = 360;
  options_.scene.vr180 = true;
  options_.frame.canvas.panel.size = kSize;
  options_.scene.create_sbs_depth_video = true;
  const Image frame = Render()[0];
  ASSERT_EQ(frame.width(), 2 * kSize);
  ASSERT_EQ(frame.height(), kSize);
  const VideoInfo info = VideoReader(report_.output).info();
  EXPECT_EQ(info.projection, "a part of an equirectangular picture");
  EXPECT_EQ(info.stereo, StereoMark::kSideBySide);
  EXPECT_EQ(info.tags.at("MDVT_KIND"), "vr180");
  const RayCaster caster(clip_.scene);
  const PanelOptions panel = options_.frame.canvas.panel;
  for (const int side : {-1, 1}) {
    const View eye = EyeOf(ViewAt(0), side, kBaseline);
    const int at = side < 0 ? 0 : kSize;
    int64_t seen = 0, far_off = 0;
    double sum = 0;
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const Eigen::Vector3d ray = PanelRay(panel, x + 0.5, y + 0.5);
        const Eigen::Vector2d pixel =
            ray.z() > 0.1 ? Project(clip_.camera, ray) : Eigen::Vector2d(-1, -1);
        const auto inside = [&](double margin) {
          return pixel.x() > margin && pixel.x() < 192 - margin && pixel.y() > margin &&
                 pixel.y() < 108 - margin;
        };
        if (!inside(-1)) {
          EXPECT_TRUE(Black(frame, at + x, y)) << x << ", " << y;
          continue;
        }
        if (!inside(4)) continue;
        const Eigen::Vector3d truth = caster.ColorAt(eye, pixel) * 255;
        double worst = 0;
        for (int plane = 0; plane < 3; ++plane)
          worst = std::max(worst, std::abs(SampleOf(frame, plane, at + x, y) - truth[plane]));
        ++seen;
        sum += worst;
        far_off += worst > 32;
      }
    EXPECT_GT(seen, 8000);
    EXPECT_LT(sum / static_cast<double>(seen), 9) << side;
    EXPECT_LT(static_cast<double>(far_off) / static_cast<double>(seen), 0.06) << side;
  }
  // Depth is the distance along the ray.
  const std::string depth_path = report_.depth_output;
  EXPECT_EQ(depth_path, options_.output + "_depth.mkv");
  const VideoInfo depth_info = VideoReader(depth_path).info();
  EXPECT_EQ(depth_info.tags.at("MDVT_KIND"), "sbs_depth");
  EXPECT_EQ(depth_info.tags.at("MDVT_DEPTH_GEOMETRY"), "range");
}

TEST_F(StereoScene, PanelsOfAMovedCameraStandStill) {
  Write(Scenes::TurningRoom(128, 72, 60), 3, 12);
  constexpr int kSize = 240;
  options_.scene.vr180 = true;
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.scene.transformation_lock_frame = 0;
  options_.holes.remove_edges = true;
  options_.frame.canvas.panel.size = kSize;
  const std::vector<Image> frames = Render();
  const RayCaster caster(clip_.scene);
  for (int i = 0; i < 3; ++i) {
    const View eye = EyeOf(ViewAt(0), -1, kBaseline);
    const Eigen::Matrix3d cam_from_head =
        (ViewAt(0).world_from_cam.linear().transpose() * ViewAt(i).world_from_cam.linear())
            .transpose();
    int64_t seen = 0, far_off = 0;
    double sum = 0;
    for (int y = 0; y < kSize; ++y)
      for (int x = 0; x < kSize; ++x) {
        const Eigen::Vector3d ray = PanelRay(options_.frame.canvas.panel, x + 0.5, y + 0.5);
        const Eigen::Vector3d in_cam = cam_from_head * ray;
        if (ray.z() < 0.1 || in_cam.z() < 0.1) continue;
        const Eigen::Vector2d pixel = Project(clip_.camera, in_cam);
        if (pixel.x() < 6 || pixel.x() > 122 || pixel.y() < 6 || pixel.y() > 66) continue;
        if (Black(frames[static_cast<size_t>(i)], x, y)) continue;
        const Eigen::Vector3d truth = caster.ColorAt(eye, Project(clip_.camera, ray)) * 255;
        double worst = 0;
        for (int plane = 0; plane < 3; ++plane)
          worst = std::max(worst, std::abs(SampleOf(frames[static_cast<size_t>(i)], plane, x, y) -
                                           truth[plane]));
        ++seen;
        sum += worst;
        far_off += worst > 32;
      }
    EXPECT_GT(seen, 2000) << i;
    EXPECT_LT(sum / static_cast<double>(seen), 12) << i;
    EXPECT_LT(static_cast<double>(far_off) / static_cast<double>(seen), 0.1) << i;
  }
}

TEST_F(StereoScene, ConvergingPanelsTurnWithoutKeystone) {
  Write(Scenes::Plane(2, 192, 108, 70), 1);
  options_.scene.vr180 = true;
  options_.frame.canvas.panel.size = 360;
  options_.eyes.convergence = 2;
  const Image frame = Render()[0];
  // Where both look, the eyes' panels agree.
  int64_t sum = 0;
  for (int y = 174; y < 186; ++y)
    for (int x = 174; x < 186; ++x)
      sum += std::abs(SampleOf(frame, 1, x, y) - SampleOf(frame, 1, 360 + x, y));
  EXPECT_LT(static_cast<double>(sum) / 144, 6);
}

TEST_F(StereoScene, MasksGoWithTheirPanels) {
  Write(Scenes::Step(1, 6, 192, 108, 70), 1);
  options_.scene.vr180 = true;
  options_.frame.canvas.panel.size = 360;
  options_.holes.infill_mask = true;
  const Image frame = Render()[0];
  const Image mask = ReadAllFrames(report_.mask_output)[0];
  ASSERT_EQ(mask.width(), 720);
  int64_t holes[2] = {0, 0};
  for (int y = 0; y < 360; ++y)
    for (int x = 0; x < 720; ++x) {
      if (Black(mask, x, y)) continue;
      EXPECT_TRUE(Black(frame, x, y)) << x << ", " << y;
      ++holes[x / 360];
    }
  // 70 * 0.0315 (1 - 1 / 6) ... pixels of the picture over its height, about half of which are in
  // the panel.
  EXPECT_GT(holes[0], 150);
  EXPECT_NEAR(static_cast<double>(holes[0]), static_cast<double>(holes[1]), 60);
}

// ---- Touchly.

TEST_F(StereoScene, TouchlyShowsThePictureAboveItsDepth) {
  Write(Scenes::Step(2, 6, 96, 64), 1);
  options_.scene.touchly1 = true;
  options_.output.clear();
  options_.frame.touchly_min_depth = 1;
  const Image frame = Render()[0];
  EXPECT_EQ(report_.output, options_.source.file.path + "_Touchly1.mkv");
  ASSERT_EQ(frame.format(), PixelFormat::Rgb(8));
  ASSERT_EQ(frame.width(), 96);
  ASSERT_EQ(frame.height(), 128);
  const Image color = ReadAllFrames(options_.color_video)[0];
  EXPECT_EQ(Compare(frame, 0, color, [](int, int) { return true; }).mean, 0);
  for (int plane = 0; plane < 3; ++plane) {
    // 255 - rint((2 - 1) 255 / (5 - 1)), and beyond 5 m black.
    EXPECT_EQ(SampleOf(frame, plane, 48, 64 + 32), 255 - 64);
    EXPECT_EQ(SampleOf(frame, plane, 3, 64 + 32), 0);
  }
  // Nearer than the nearest is white, not black.
  options_.frame.touchly_min_depth = 3;
  options_.frame.touchly_max_depth = 8;
  const Image near = Render()[0];
  EXPECT_EQ(SampleOf(near, 0, 48, 64 + 32), 255);
  EXPECT_EQ(SampleOf(near, 0, 3, 64 + 32), 255 - 153);
}

TEST_F(StereoScene, TouchlyOfAMovedCamera) {
  Write(Scenes::Room(96, 64), 3, 6);
  options_.scene.touchly1 = true;
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.frame.touchly_max_depth = 10;
  options_.holes.infill_mask = true;
  const Image frame = Render()[2];
  const Image mask = ReadAllFrames(report_.mask_output)[2];
  ASSERT_EQ(mask.height(), 128);
  const Image truth = RayCaster(clip_.scene).Depth(ViewAt(0));
  int64_t count = 0, right = 0;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 96; ++x) {
      EXPECT_TRUE(Black(mask, x, 64 + y));
      if (!Black(mask, x, y)) {
        EXPECT_EQ(SampleOf(frame, 0, x, 64 + y), 0);  // no depth
        continue;
      }
      ++count;
      const double shade = 255 - truth.Plane<float>().At(x, y) * 255 / 10;
      right += std::abs(SampleOf(frame, 0, x, 64 + y) - std::max(0.0, shade)) < 8;
    }
  EXPECT_GT(count, 96 * 64 / 2);
  EXPECT_GT(right, count * 9 / 10);
}

TEST_F(StereoScene, TouchlyHasThreePanels) {
  Write(Scenes::Plane(2, 96, 64, 70), 1);
  options_.scene.touchly0 = true;
  options_.output.clear();
  options_.frame.canvas.panel.size = 180;
  options_.holes.infill_mask = true;
  const Image frame = Render()[0];
  EXPECT_EQ(report_.output, options_.source.file.path + "_Touchly0.mkv");
  ASSERT_EQ(frame.width(), 540);
  ASSERT_EQ(frame.height(), 180);
  EXPECT_TRUE(VideoReader(report_.output).info().projection.empty());
  const Image mask = ReadAllFrames(report_.mask_output)[0];
  ASSERT_EQ(mask.width(), 540);
  for (int x = 70; x < 110; ++x) {
    // A wall at 2 m, seen along a ray.
    const double range = 2 / PanelRay(options_.frame.canvas.panel, x + 0.5, 90.5).z();
    for (int plane = 0; plane < 3; ++plane)
      EXPECT_NEAR(SampleOf(frame, plane, 360 + x, 90), 255 - range * 51, 1) << x;
    EXPECT_TRUE(Black(mask, 360 + x, 90));
    EXPECT_FALSE(Black(frame, x, 90));
  }
  EXPECT_TRUE(Black(frame, 360 + 5, 90));  // beside the picture: as far as can be
}

// ---- Depth of the eyes.

TEST_F(StereoScene, DepthOfEachEyeIsWritten) {
  Write(Scenes::Step(2, 6, 96, 64), 2);
  options_.scene.create_sbs_depth_video = true;
  options_.holes.remove_edges = true;
  for (const bool scene : {false, true}) {
    options_.scene.render_as_pointcloud = false;
    options_.scene.transformation_file = "";
    if (scene) {
      WriteTransformationsFile(dir_ / "still.json", {Pose::Identity(), Pose::Identity()});
      options_.scene.transformation_file = dir_ / "still.json";
    }
    const Image frame = Render()[1];
    ASSERT_EQ(report_.depth_output, options_.output + "_depth.mkv");
    const VideoInfo info = VideoReader(report_.depth_output).info();
    EXPECT_EQ(info.tags.at("MDVT_KIND"), "sbs_depth");
    EXPECT_EQ(info.tags.at("MDVT_MAX_DEPTH"), "20");
    DepthVideoReaderOptions reading;
    DepthVideoReader reader(report_.depth_output, reading);
    reader.Read();
    const Image depth = std::move(reader.Read()->depth);
    ASSERT_EQ(depth.width(), 192);
    const RayCaster caster(clip_.scene);
    for (const int side : {-1, 1}) {
      const Image truth = caster.Depth(EyeOf(ViewAt(0), side, kBaseline));
      int64_t wrong = 0;
      for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 96; ++x) {
          const int at = side < 0 ? x : 96 + x;
          const float z = depth.Plane<float>().At(at, y);
          EXPECT_EQ(z == 0, Black(frame, at, y));
          if (z > 0) wrong += std::fabs(z - truth.Plane<float>().At(x, y)) > 0.02;
        }
      EXPECT_LE(wrong, 64 * 2) << side;
    }
  }
  options_.frame.canvas.layout = "rows";
  ExpectError(Code::kInvalidArgument, "share pixels", [&] { RunStereoJob(options_); });
}

// Depth that was made larger or smaller than the picture it came with must not have points between
// two surfaces: neither what each eye sees nor the depth beside it.
TEST_F(StereoScene, AtNoSizeIsThereAnythingBetweenTwoSurfaces) {
  Clip clip = Scenes::Step(2, 6, 96, 64);
  clip.scene.objects[1].world_from_object.rotate(Eigen::AngleAxisd(0.3, Eigen::Vector3d::UnitZ()));
  Write(clip, 1);
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity()});
  options_.scene.create_sbs_depth_video = true;
  options_.holes.remove_edges = true;
  options_.eyes.pupillary_distance_mm = 200;
  for (const auto& [layout, width, height] : {std::tuple("sbs", 192, 128),
                                              {"sbs", 144, 96},
                                              {"sbs", 250, 166},
                                              {"sbs", 60, 40},
                                              {"sbs", 24, 16},
                                              {"half-sbs", 0, 0},
                                              {"half-tab", 0, 0}}) {
    for (const char* path : {"", "still.json"}) {
      options_.scene.transformation_file = *path == 0 ? "" : dir_ / path;
      options_.frame.canvas.layout = layout;
      options_.frame.canvas.eye_width = width;
      options_.frame.canvas.eye_height = height;
      const Image frame = Render()[0];
      const Image depth = std::move(DepthVideoReader(report_.depth_output).Read()->depth);
      ASSERT_EQ(depth.width(), frame.width());
      int near = 0, far = 0, holes = 0;
      for (int y = 0; y < depth.height(); ++y)
        for (int x = 0; x < depth.width(); ++x) {
          const float z = depth.Plane<float>().At(x, y);
          ASSERT_TRUE(z == 0 || std::fabs(z - 2) < 0.001 || std::fabs(z - 6) < 0.001)
              << z << " at " << x << "," << y << " of " << layout << " " << width << " " << path;
          near += std::fabs(z - 2) < 0.001;
          far += std::fabs(z - 6) < 0.001;
          holes += z == 0;
        }
      const int all = depth.width() * depth.height();
      EXPECT_NEAR(near, 0.5 * all, 0.05 * all) << layout << " " << width;
      EXPECT_GT(far, 0.3 * all) << layout << " " << width;
      EXPECT_GT(holes, 0.02 * all) << layout << " " << width;
    }
  }
}

TEST_F(StereoScene, TheViewersScreenScalesEyesNotDepth) {
  Write(Scenes::Plane(4, 96, 64), 1);
  options_.scene.create_sbs_depth_video = true;
  options_.eyes.master_xfov_deg = 30;
  WriteTransformationsFile(dir_ / "still.json", {Pose::Identity()});
  for (const char* path : {"", "still.json"}) {
    options_.scene.transformation_file = *path == 0 ? "" : dir_ / path;
    Render();
    DepthVideoReader reader(report_.depth_output);
    EXPECT_NEAR(reader.Read()->depth.Plane<float>().At(48, 32), 4, 0.01);
  }
}

// Nor the camera's path, which has to stay in the scale of the depth: a wall that the camera has
// come a metre nearer to is as far from the eyes as before.
TEST_F(StereoScene, TheViewersScreenScalesNoPathEither) {
  Clip clip = Scenes::Plane(4, 96, 64);
  clip.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.translation().z() = time * 24;
    return pose;
  };
  Write(clip, 2);
  options_.scene.create_sbs_depth_video = true;
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.eyes.master_xfov_deg = 30;
  Render();
  DepthVideoReader reader(report_.depth_output);
  for (int i = 0; i < 2; ++i)
    EXPECT_NEAR(reader.Read()->depth.Plane<float>().At(48, 32), 4, 0.01) << i;
}

TEST_F(StereoScene, DepthOfSmoothedEyesIsInMetresToo) {
  Write(Scenes::Plane(4, 96, 64), 2);
  options_.scene.create_sbs_depth_video = true;
  options_.steady.smoothing.alpha = 0.5;
  Render();
  DepthVideoReader reader(report_.depth_output);
  reader.Read();
  EXPECT_NEAR(reader.Read()->depth.Plane<float>().At(48, 32), 4, 0.01);
}

// ---- Backgrounds.

class StereoBackground : public StereoScene {
 protected:
  // A box moves in front of a wall; the camera stands still.
  void SetUp() override {
    shape_.width = 96;
    shape_.height = 48;
    shape_.frames = 6;
    Image wall(PixelFormat::Rgb(8), 96, 48);
    PaintTexture(3, &wall);
    wall_ = wall;
    VideoWriterOptions video;
    video.frame_rate = {24, 1};
    video.time_base = {1, 24};
    VideoWriter colors(dir_ / "color.mkv", PixelFormat::Rgb(8), 96, 48, video);
    VideoWriter masks(dir_ / "mask.mkv", PixelFormat::Gray(8), 96, 48, video);
    for (int i = 0; i < shape_.frames; ++i) {
      Image color = wall.Clone();
      Image mask = MakePicture(PixelFormat::Gray(8), 96, 48,
                               [&](int, int x, int y) { return IsBox(i, x, y) ? 255 : 0; });
      for (int y = 0; y < 48; ++y)
        for (int x = 0; x < 96; ++x)
          if (IsBox(i, x, y))
            for (int plane = 0; plane < 3; ++plane) SetSample(color, plane, x, y, 255);
      colors.Write(color, i, 1);
      masks.Write(mask, i, 1);
    }
    colors.Finish();
    masks.Finish();
    DepthClipOptions metres;
    metres.max_depth = 20;
    MakeDepth(
        dir_ / "depth.mkv", shape_,
        [](int frame, int x, int y) { return IsBox(frame, x, y) ? 1.0f : 4.0f; }, metres);
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.output = dir_ / "stereo.mkv";
    options_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;  // the focal length is the width
    options_.eyes.pupillary_distance_mm = 1000.0 / 12;        // 96 / 12 / 2 = 4 pixels at 1 m
    options_.job.num_threads = 2;
    options_.holes.infill_mask = true;
  }
  static bool IsBox(int frame, int x, int y) {
    return x >= 10 + 12 * frame && x < 30 + 12 * frame && y >= 12 && y < 36;
  }
  // Holes of the mask away from the borders, over all frames.
  int64_t InnerHoles() const {
    int64_t holes = 0;
    for (const Image& mask : ReadAllFrames(report_.mask_output))
      for (int y = 0; y < 48; ++y)
        for (int x = 0; x < 192; ++x)
          if (x % 96 > 5 && x % 96 < 90) holes += !Black(mask, x, y);
    return holes;
  }
  // What was a hole now shows the wall, one pixel to its side.
  void ExpectWallInHoles(const std::vector<Image>& frames, const std::vector<Image>& masks) const {
    int64_t count = 0;
    for (size_t i = 0; i < frames.size(); ++i)
      for (int y = 2; y < 46; ++y)
        for (int x = 8; x < 88; ++x) {
          if (Black(masks[i], x, y)) continue;
          ++count;
          // The left eye sees the wall a pixel to the right of where the camera does.
          for (int plane = 0; plane < 3; ++plane)
            EXPECT_NEAR(SampleOf(frames[i], plane, x, y), SampleOf(wall_, plane, x - 1, y), 2)
                << "frame " << i << " at " << x << ", " << y;
        }
    EXPECT_GT(count, 200);
  }

  ClipShape shape_;
  Image wall_;
};

TEST_F(StereoBackground, IsRememberedAndDrawnIntoHoles) {
  Render();
  const int64_t before = InnerHoles();
  const std::vector<Image> masks = ReadAllFrames(report_.mask_output);
  EXPECT_GT(before, 300);
  options_.scene.mask_depth = 2;
  ExpectWallInHoles(Render(), masks);
  EXPECT_EQ(InnerHoles(), 0);
  // The same by a mask, on another number of threads, and both together.
  options_.scene.mask_depth.reset();
  options_.scene.mask_video = dir_ / "mask.mkv";
  options_.job.num_threads = 1;
  ExpectWallInHoles(Render(), masks);
  EXPECT_EQ(InnerHoles(), 0);
  options_.scene.mask_depth = 2;
  ExpectWallInHoles(Render(), masks);
}

TEST_F(StereoBackground, IsSavedAndLoaded) {
  Render();
  const std::vector<Image> masks = ReadAllFrames(report_.mask_output);
  options_.scene.mask_depth = 2;
  options_.scene.save_background = true;
  const std::vector<Image> made = Render();
  EXPECT_EQ(report_.background_output, options_.source.file.path + "_background.npy");
  ASSERT_TRUE(fs::exists(report_.background_output));
  EXPECT_EQ(fs::file_size(report_.background_output), 128 + 96u * 48 * 48);
  StereoJobOptions again = options_;
  options_.scene = StereoSceneOptions();
  options_.scene.load_background = report_.background_output;
  const std::vector<Image> loaded = Render();
  ExpectWallInHoles(loaded, masks);
  EXPECT_TRUE(SameFrames(made, loaded));
}

TEST_F(StereoBackground, OfAMovingCameraIsKeptInTheWorld) {
  const Clip clip = Scenes::TurningRoom(96, 64);
  Write(clip, 5, 6);
  options_.eyes = MetricEyeOptions();
  options_.fov = FovOptions();
  options_.scene.transformation_file = dir_ / "poses.json";
  options_.scene.transformation_lock_frame = 2;
  Render();
  const double without = report_.hole_share;
  options_.scene.mask_depth = 0.01;  // all is background
  options_.scene.save_background = true;
  const std::vector<Image> frames = Render();
  EXPECT_LT(report_.hole_share, without / 2);
  const RayCaster caster(clip.scene);
  View eye = EyeOf(ViewAt(2), -1, kBaseline);
  const Image truth = caster.Color(eye, PixelFormat::Rgb(8));
  for (const size_t i : {0u, 4u})
    EXPECT_LT(
        Compare(frames[i], 0, truth, [&](int x, int y) { return !Black(frames[i], x, y); }).mean,
        14);
  // In the axes of the file, whatever frame is locked: loaded with another one it fits as well.
  const std::string saved = report_.background_output;
  options_.scene.mask_depth.reset();
  options_.scene.save_background = false;
  options_.scene.load_background = saved;
  options_.scene.transformation_lock_frame = 0;
  const std::vector<Image> loaded = Render();
  const Image at_start = caster.Color(EyeOf(ViewAt(0), -1, kBaseline), PixelFormat::Rgb(8));
  EXPECT_LT(
      Compare(loaded[4], 0, at_start, [&](int x, int y) { return !Black(loaded[4], x, y); }).mean,
      16);
}

TEST_F(StereoBackground, WhatDoesNotFitIsRefused) {
  options_.scene.save_background = true;
  ExpectError(Code::kInvalidArgument, "mask_depth or mask_video", [&] { RunStereoJob(options_); });
  options_.scene.mask_depth = 10;  // all is foreground
  ExpectError(Code::kRefused, "no frame has any background", [&] { RunStereoJob(options_); });
  options_.scene = StereoSceneOptions();
  options_.scene.load_background = dir_ / "color.mkv";
  ExpectError(Code::kCorrupt, "no .npy file", [&] { RunStereoJob(options_); });
  {
    OutputSet outputs;
    WritePointArray(outputs.AddFile(dir_ / "bytes.npy"), 1, [](const PointTaker& take) {
      take({0, 0, 3}, {0, 128, 255});
    });
    outputs.CommitAll();
  }
  options_.scene.load_background = dir_ / "bytes.npy";
  ExpectError(Code::kCorrupt, "colors outside of [0, 1], such as 255",
              [&] { RunStereoJob(options_); });
  // A mask that is too short, or of another size.
  const auto make_mask = [this](const std::string& path, int width) {
    VideoWriter writer(path, PixelFormat::Gray(8), width, shape_.height);
    Image mask(PixelFormat::Gray(8), width, shape_.height);
    for (int y = 0; y < mask.height(); ++y)
      std::fill_n(mask.MutablePlane<uint8_t>().Row(y), width, uint8_t(y % 2 == 0 ? 255 : 0));
    for (int i = 0; i < 3; ++i) writer.Write(mask.view(), 40 * i, 40);
    writer.Finish();
  };
  make_mask(dir_ / "short.mkv", shape_.width);
  options_.scene = StereoSceneOptions();
  options_.scene.mask_video = dir_ / "short.mkv";
  ExpectError(Code::kCorrupt, "must have the same length", [&] { RunStereoJob(options_); });
  make_mask(dir_ / "small.mkv", 64);
  options_.scene.mask_video = dir_ / "small.mkv";
  ExpectError(Code::kCorrupt, "same size", [&] { RunStereoJob(options_); });
  EXPECT_FALSE(fs::exists(options_.output));
  // One that is black all over changes nothing, which is told.
  {
    VideoWriter writer(dir_ / "black.mkv", PixelFormat::Gray(8), shape_.width, shape_.height);
    Image mask(PixelFormat::Gray(8), shape_.width, shape_.height);
    for (int y = 0; y < mask.height(); ++y)
      std::fill_n(mask.MutablePlane<uint8_t>().Row(y), shape_.width, uint8_t{0});
    for (int i = 0; i < 3; ++i) writer.Write(mask.view(), 40 * i, 40);
    writer.Finish();
    StereoJobOptions black = options_;
    black.scene.mask_video = dir_ / "black.mkv";
    black.job.max_frames = 3;
    const LogCatcher log;
    RunStereoJob(black);
    EXPECT_TRUE(log.Says("black.mkv' is white nowhere: it takes nothing out of the background"));
    fs::remove(black.output);
  }
  // Both end with max_frames.
  options_.scene.mask_video = dir_ / "short.mkv";
  options_.job.max_frames = 3;
  EXPECT_EQ(Render().size(), 3u);
}

}  // namespace
}  // namespace mdvt::test
