// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/motion_depth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/depth/metrics.h"
#include "mdvt/geometry/path_uncertainty.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

constexpr int kWidth = 320, kHeight = 180;

struct Result {
  std::vector<DepthEstimate> estimates;
  MotionReport report;
  std::vector<MotionFrameReport> frames;
  int most_inside = 0;
};

Result Estimate(const std::vector<Image>& pictures, const MotionDepthOptions& options,
                int threads = 2) {
  ThreadPool pool(threads);
  MotionDepthEstimator estimator(options, &pool);
  Result result;
  const auto pop = [&] {
    while (auto estimate = estimator.Pop()) result.estimates.push_back(std::move(*estimate));
  };
  int pushed = 0;
  for (const Image& picture : pictures) {
    Frame frame;
    frame.image = picture;
    frame.index = 100 + pushed;
    frame.pts = 40 * pushed;
    frame.duration = 40;
    estimator.Push(frame);
    ++pushed;
    pop();
    result.most_inside =
        std::max(result.most_inside, pushed - static_cast<int>(result.estimates.size()));
  }
  estimator.Finish();
  pop();
  EXPECT_LE(result.most_inside, estimator.latency());
  result.report = estimator.report();
  result.frames = estimator.frame_reports();
  // Whatever the input: every frame once, in order, positive finite depth everywhere.
  EXPECT_EQ(result.estimates.size(), pictures.size());
  for (size_t i = 0; i < result.estimates.size(); ++i) {
    const DepthEstimate& e = result.estimates[i];
    EXPECT_EQ(e.index, 100 + static_cast<int64_t>(i));
    EXPECT_EQ(e.pts, 40 * static_cast<int64_t>(i));
    EXPECT_EQ(e.duration, 40);
    EXPECT_EQ(e.depth.width(), options.camera.width);
    EXPECT_EQ(e.depth.height(), options.camera.height);
    EXPECT_EQ(e.confidence.width(), options.camera.width);
    bool good = true;
    for (int y = 0; y < e.depth.height(); ++y)
      for (int x = 0; x < e.depth.width(); ++x) {
        const float z = e.depth.Plane<float>().At(x, y);
        good &= z > 0 && std::isfinite(z);
      }
    EXPECT_TRUE(good) << "frame " << i;
  }
  return result;
}

std::vector<Image> Draw(const test::Clip& clip, int frames, int step = 1, int first = 0,
                        PixelFormat format = PixelFormat::Gray(8)) {
  ThreadPool pool;
  const test::RayCaster caster(clip.scene, &pool);
  std::vector<Image> pictures;
  for (int i = 0; i < frames; ++i)
    pictures.push_back(caster.Color(clip.At(first + step * i), format));
  return pictures;
}

MotionDepthOptions Options(const Camera& camera) {
  MotionDepthOptions options;
  options.camera = camera;
  return options;
}

double MedianDepth(const DepthEstimate& estimate, int least_confidence) {
  std::vector<float> values;
  for (int y = 0; y < estimate.depth.height(); ++y)
    for (int x = 0; x < estimate.depth.width(); ++x)
      if (estimate.confidence.Plane<uint8_t>().At(x, y) >= least_confidence)
        values.push_back(estimate.depth.Plane<float>().At(x, y));
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return static_cast<double>(values[values.size() / 2]);
}

class MotionDepth : public ::testing::Test {
 protected:
  void SetUp() override {
    SetLogSink([this](LogLevel level, const std::string& text) {
      if (level == LogLevel::kWarning) warnings_.push_back(text);
    });
  }
  void TearDown() override { SetLogSink({}); }
  std::vector<std::string> warnings_;
};

TEST_F(MotionDepth, MeasuresARoom) {
  const test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  const Result result = Estimate(Draw(clip, 24, 2, 0, PixelFormat::Rgb(8)), Options(clip.camera));
  EXPECT_EQ(result.report.measured, 24);
  EXPECT_TRUE(result.report.translation_found());
  EXPECT_TRUE(warnings_.empty());
  EXPECT_GT(result.report.path_uncertainty, 0);
  EXPECT_LT(result.report.path_uncertainty, kUnsurePath);
  EXPECT_EQ(result.report.unsure, 0);

  ThreadPool pool;
  const test::RayCaster caster(clip.scene, &pool);
  DepthMetricsAccumulator metrics;
  for (const bool second : {false, true})
    for (int i = 0; i < 24; ++i) {
      const Image truth = caster.Depth(clip.At(2 * i));
      const DepthView estimate = result.estimates[static_cast<size_t>(i)].depth.Plane<float>();
      if (second)
        metrics.Add(estimate, truth.Plane<float>(), metrics.MedianScale());
      else
        metrics.AddForScale(estimate, truth.Plane<float>());
    }
  EXPECT_LT(metrics.Result().abs_rel, 0.10);
  EXPECT_GT(metrics.Result().delta1, 0.88);

  // The camera's path, in the same scale as the depth.
  const Pose truth = clip.At(46).world_from_cam;
  const Pose found = result.frames[23].world_from_cam;
  EXPECT_LT((found.translation() * metrics.Result().scale - truth.translation()).norm(),
            0.1 * truth.translation().norm());
}

TEST_F(MotionDepth, SceneScaleIsTheMedianOfTheFirstMeasuredFrame) {
  const test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  const std::vector<Image> pictures = Draw(clip, 12, 2);
  MotionDepthOptions options = Options(clip.camera);
  options.scene_scale = 7;
  const Result seven = Estimate(pictures, options);
  EXPECT_NEAR(MedianDepth(seven.estimates[0], 60), 7, 1.5);
  options.scene_scale = 14;
  const Result fourteen = Estimate(pictures, options);
  for (size_t i = 0; i < pictures.size(); ++i)
    EXPECT_NEAR(fourteen.estimates[i].depth.Plane<float>().At(160, 90) /
                    seven.estimates[i].depth.Plane<float>().At(160, 90),
                2, 1e-4);
}

TEST_F(MotionDepth, ATurningCameraIsNamedAndGuessedSmoothly) {
  const test::Clip clip = test::Scenes::TurningRoom(kWidth, kHeight);
  const Result result = Estimate(Draw(clip, 16, 2), Options(clip.camera));
  EXPECT_EQ(result.report.no_translation, 16);
  EXPECT_FALSE(result.report.translation_found());
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_NE(warnings_[0].find("does not translate"), std::string::npos);
  for (const DepthEstimate& e : result.estimates) {
    EXPECT_NEAR(MedianDepth(e, 0), 3, 0.1);
    for (int y = 1; y < kHeight; ++y)
      EXPECT_LE(std::abs(e.depth.Plane<float>().At(7, y) / e.depth.Plane<float>().At(7, y - 1) - 1),
                0.02);
    for (int x = 0; x < kWidth; ++x) EXPECT_EQ(e.confidence.Plane<uint8_t>().At(x, 90), 0);
  }
  for (const MotionFrameReport& frame : result.frames)
    EXPECT_EQ(frame.world_from_cam.translation().norm(), 0);
}

// The shorter the way, the less is known of it; more than 5 % is told, once.
TEST_F(MotionDepth, TellsHowWellThePathIsKnown) {
  test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  double last = std::numeric_limits<double>::infinity();
  int measured = 0;
  for (const double speed : {0.15, 0.6}) {
    clip.path = [speed](double time) {
      Pose pose = Pose::Identity();
      pose.translation() = Eigen::Vector3d(speed * time, 0.2 * speed * std::sin(3 * time), 0);
      return pose;
    };
    warnings_.clear();
    const Result result = Estimate(Draw(clip, 20, 2), Options(clip.camera));
    std::printf("%.2f m/s: %lld measured, %lld unsure, path known to %.4f\n", speed,
                static_cast<long long>(result.report.measured),
                static_cast<long long>(result.report.unsure), result.report.path_uncertainty);
    for (const MotionFrameReport& frame : result.frames)
      EXPECT_EQ(frame.path_uncertainty > 0, frame.status == MotionStatus::kMeasured);
    if (result.report.measured == 0) {
      EXPECT_EQ(warnings_.size(), 1u);
      continue;
    }
    ++measured;
    EXPECT_LT(result.report.path_uncertainty, last) << speed;
    last = result.report.path_uncertainty;
    const auto told =
        std::count_if(warnings_.begin(), warnings_.end(), [](const std::string& text) {
          return text.find("the path of the camera") != std::string::npos;
        });
    EXPECT_EQ(told, result.report.unsure > 0 ? 1 : 0) << speed;
  }
  EXPECT_EQ(measured, 2);
}

TEST_F(MotionDepth, StartsAgainAfterACut) {
  const test::Clip room = test::Scenes::Room(kWidth, kHeight);
  test::Clip other = room;
  other.path = [](double time) {
    Pose pose = Pose::Identity();
    pose.linear() = Eigen::AngleAxisd(2.5, Eigen::Vector3d::UnitY()).toRotationMatrix();
    pose.translation() = Eigen::Vector3d(0.5 * time, 0, 0);
    return pose;
  };
  std::vector<Image> pictures = Draw(room, 10, 2);
  for (Image& picture : Draw(other, 10, 2)) pictures.push_back(picture);
  const Result result = Estimate(pictures, Options(room.camera));
  EXPECT_EQ(result.report.scenes, 2);
  for (size_t i = 0; i < 20; ++i) EXPECT_EQ(result.frames[i].scene, i < 10 ? 0 : 1) << i;
  EXPECT_TRUE(result.frames[10].world_from_cam.translation().isZero());
}

TEST_F(MotionDepth, SameResultForEveryThreadCountAndRun) {
  const test::Clip clip = test::Scenes::MovingRoom(kWidth, kHeight);
  const std::vector<Image> pictures = Draw(clip, 10, 2, 0, PixelFormat::Rgb(8));
  const Result one = Estimate(pictures, Options(clip.camera), 1);
  const Result three = Estimate(pictures, Options(clip.camera), 3);
  for (size_t i = 0; i < pictures.size(); ++i)
    for (int y = 0; y < kHeight; ++y) {
      const float* a = one.estimates[i].depth.Plane<float>().Row(y);
      const float* b = three.estimates[i].depth.Plane<float>().Row(y);
      const uint8_t* c = one.estimates[i].confidence.Plane<uint8_t>().Row(y);
      const uint8_t* d = three.estimates[i].confidence.Plane<uint8_t>().Row(y);
      ASSERT_TRUE(std::equal(a, a + kWidth, b) && std::equal(c, c + kWidth, d))
          << "frame " << i << " row " << y;
    }
}

TEST_F(MotionDepth, AZoomListSetsEachFramesCamera) {
  const test::Clip clip = test::Scenes::Room(kWidth, kHeight);
  const std::vector<Image> pictures = Draw(clip, 8, 2);
  MotionDepthOptions plain = Options(clip.camera), listed = plain;
  listed.camera.fx *= 3, listed.camera.fy *= 3;  // overruled by the list
  listed.xfovs_deg = {clip.camera.xfov_deg()};
  const Result a = Estimate(pictures, plain), b = Estimate(pictures, listed);
  for (size_t i = 0; i < pictures.size(); ++i)
    EXPECT_NEAR(a.estimates[i].depth.Plane<float>().At(100, 80) /
                    b.estimates[i].depth.Plane<float>().At(100, 80),
                1, 0.02);
}

Image Grey(int width, int height, int value) {
  Image image(PixelFormat::Gray(8), width, height);
  for (int y = 0; y < height; ++y)
    std::fill_n(image.MutablePlane<uint8_t>().Row(y), width, static_cast<uint8_t>(value));
  return image;
}

TEST_F(MotionDepth, TakesAnySizeAndLength) {
  for (const auto& [w, h] : {std::pair(1, 1), std::pair(8, 8), std::pair(1, 300), std::pair(301, 3),
                             std::pair(65, 33), std::pair(1921, 7)})
    for (const int frames : {1, 2, 25}) {
      std::vector<Image> pictures(static_cast<size_t>(frames), Grey(w, h, 90));
      const Result result = Estimate(pictures, Options(Camera::FromFov(w, h, 60, std::nullopt)));
      EXPECT_EQ(result.report.measured, 0);
    }
}

TEST_F(MotionDepth, TakesOddPicturesWithContent) {
  for (const auto& [w, h] : {std::pair(17, 16), std::pair(65, 33), std::pair(33, 65),
                             std::pair(321, 19), std::pair(95, 171)}) {
    const test::Clip clip = test::Scenes::Room(w, h, 50);
    Estimate(Draw(clip, 7, 2), Options(clip.camera));
  }
  // Larger than the working size and no multiple of it.
  const test::Clip clip = test::Scenes::Room(403, 227);
  MotionDepthOptions options = Options(clip.camera);
  options.working_side = 256;
  options.lookahead = 5;
  const Result result = Estimate(Draw(clip, 12, 2), options);
  EXPECT_EQ(result.report.measured, 12);
}

TEST_F(MotionDepth, LargePicturesAreFollowedAllOver) {
  // The best corners of this room are on one wall.
  const test::Clip clip = test::Scenes::Room(960, 540, 60);
  MotionDepthOptions options = Options(clip.camera);
  options.working_side = 960;
  const Result result = Estimate(Draw(clip, 9, 2), options);
  EXPECT_EQ(result.report.measured, 9);
  EXPECT_TRUE(warnings_.empty());
}

TEST_F(MotionDepth, BlackFramesAndNoiseAreLostOrGuessed) {
  auto rng = test::Rng();
  std::vector<Image> pictures;
  for (int i = 0; i < 12; ++i) {
    pictures.push_back(Grey(160, 90, 0));
    if (i < 6) continue;
    for (int y = 0; y < 90; ++y)
      for (int x = 0; x < 160; ++x)
        pictures.back().MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(rng() >> 56);
  }
  const Result result = Estimate(pictures, Options(Camera::FromFov(160, 90, 60, std::nullopt)));
  EXPECT_EQ(result.report.measured, 0);
  EXPECT_EQ(result.frames[0].status, MotionStatus::kLost);
  EXPECT_EQ(warnings_.size(), 1u);
}

TEST_F(MotionDepth, NoFramesAtAll) {
  MotionDepthEstimator estimator(Options(Camera::FromFov(64, 48, 60, std::nullopt)), nullptr);
  EXPECT_FALSE(estimator.Pop().has_value());
  estimator.Finish();
  EXPECT_FALSE(estimator.Pop().has_value());
  EXPECT_EQ(estimator.report().frames, 0);
}

TEST_F(MotionDepth, RejectsBadFramesAndOptions) {
  const MotionDepthOptions good = Options(Camera::FromFov(64, 48, 60, std::nullopt));
  MotionDepthEstimator estimator(good, nullptr);
  Frame frame;
  frame.image = Grey(64, 47, 0);
  EXPECT_THROW(estimator.Push(frame), Error);
  frame.image = Image(PixelFormat::Yuv(420), 64, 48);
  EXPECT_THROW(estimator.Push(frame), Error);
  estimator.Finish();
  frame.image = Grey(64, 48, 0);
  EXPECT_THROW(estimator.Push(frame), Error);

  const auto expect_bad = [&](const auto& change) {
    MotionDepthOptions options = good;
    change(options);
    EXPECT_THROW(MotionDepthEstimator(options, nullptr), Error);
  };
  expect_bad([](auto& o) { o.camera.fx = 0; });
  expect_bad([](auto& o) { o.scene_scale = 0; });
  expect_bad([](auto& o) { o.scene_scale = std::nan(""); });
  expect_bad([](auto& o) { o.working_side = 63; });
  expect_bad([](auto& o) { o.lookahead = 1; });
  expect_bad([](auto& o) { o.lookahead = 65; });
  expect_bad([](auto& o) { o.xfovs_deg = {60, 180}; });
}

}  // namespace
}  // namespace mdvt
