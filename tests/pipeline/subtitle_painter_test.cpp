// SPDX-License-Identifier: Apache-2.0
#include "pipeline/subtitle_painter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "io/clip_maker.h"
#include "io/demuxer.h"
#include "io/expect_error.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/panel_text.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 320, kHeight = 180, kFrames = 12;
constexpr int kGrey = 60;
constexpr double kGap = 0.002;  // of the width, between a line and what is behind it

TEST(SubtitleDepth, ALineBeginsInFrontOfWhatIsBehindIt) {
  SubtitleDepth depth(std::nullopt);
  EXPECT_NEAR(depth.Push({1}, -0.01, 0), -0.01 - kGap, 1e-12);
  EXPECT_EQ(depth.Push({2}, 0.02, 0.04), 0) << "never behind the screen";
  SubtitleDepth bounded(0.008);
  EXPECT_EQ(bounded.Push({1}, -0.01, 0), -0.008);
}

TEST(SubtitleDepth, InsideALineItGlides) {
  SubtitleDepth depth(std::nullopt);
  double before = depth.Push({1}, 0, 0);
  double least = before;
  for (int i = 1; i <= 100; ++i) {  // something near comes at once, and goes
    const double now = depth.Push({1}, i < 60 ? -0.03 : 0.0, 0.04 * i);
    EXPECT_LE(std::fabs(now - before), 0.02 * 0.04 + 1e-12);
    before = now;
    least = std::min(least, now);
  }
  EXPECT_NEAR(least, -0.03 - kGap, 1e-9);
  // A line that comes beside one that stays does not move it; when all are new it may jump.
  const double now = depth.Push({1, 2}, -0.03, 4.04);
  EXPECT_LE(std::fabs(now - before), 0.02 * 0.04 + 1e-12);
  EXPECT_NEAR(depth.Push({3}, -0.05, 4.08), -0.05 - kGap, 1e-12);
}

TEST(BlendCoverage, IsExact) {
  for (const PixelFormat& format : {PixelFormat::Yuv(420), PixelFormat::Yuv(420, 10),
                                    PixelFormat::Rgb(8), PixelFormat::Gray(16)}) {
    const int most = format.max_value();
    const auto picture = [&] {
      Image image(format, 16, 8);
      for (int plane = 0; plane < format.num_planes(); ++plane)
        for (int y = 0; y < format.PlaneHeight(plane, 8); ++y)
          for (int x = 0; x < format.PlaneWidth(plane, 16); ++x) {
            if (format.type == SampleType::kU8)
              image.MutablePlane<uint8_t>(plane).At(x, y) = 0;
            else
              image.MutablePlane<uint16_t>(plane).At(x, y) = 0;
          }
      return image;
    };
    const auto at = [&](const Image& image, int plane, int x, int y) -> int {
      return format.type == SampleType::kU8 ? image.Plane<uint8_t>(plane).At(x, y)
                                            : image.Plane<uint16_t>(plane).At(x, y);
    };
    const std::vector<uint8_t> full(4, 255);
    const PlaneView<const uint8_t> square{full.data(), 2, 2, 2};
    const std::array<int, 3> samples = {most, most, most};
    Image image = picture();
    BlendCoverage(square, 4, 2, samples, image.mutable_view());
    EXPECT_EQ(at(image, 0, 3, 2), 0);
    EXPECT_EQ(at(image, 0, 4, 2), most);
    EXPECT_EQ(at(image, 0, 5, 3), most);
    EXPECT_EQ(at(image, 0, 6, 2), 0);
    if (format.chroma_shift_x > 0) {
      EXPECT_EQ(at(image, 1, 2, 1), most);
      EXPECT_EQ(at(image, 1, 1, 1), 0);
    }
    // Half a pixel to the right: the mean of both places.
    image = picture();
    BlendCoverage(square, 4.5, 2, samples, image.mutable_view());
    EXPECT_NEAR(at(image, 0, 4, 2), most / 2.0, most / 200.0);
    EXPECT_EQ(at(image, 0, 5, 2), most);
    EXPECT_NEAR(at(image, 0, 6, 2), most / 2.0, most / 200.0);
    if (format.chroma_shift_x > 0) {
      EXPECT_NEAR(at(image, 2, 2, 1), most * 0.75, most / 200.0);
      EXPECT_NEAR(at(image, 2, 3, 1), most * 0.25, most / 200.0);
    }
    // Beyond the borders nothing happens.
    image = picture();
    for (const double x : {-1.0, 15.0, -40.0, 40.0})
      for (const int y : {-1, 7, -30, 30})
        BlendCoverage(square, x, y, samples, image.mutable_view());
    EXPECT_EQ(at(image, 0, 0, 0), most);
    EXPECT_EQ(at(image, 0, 15, 7), most);
    EXPECT_EQ(at(image, 0, 1, 1), 0);
  }
}

Camera CameraOf(double xfov_deg, int width, int height) {
  Camera camera;
  camera.width = width;
  camera.height = height;
  camera.fx = camera.fy = width / 2.0 / std::tan(xfov_deg * M_PI / 360);
  camera.cx = width / 2.0;
  camera.cy = height / 2.0;
  return camera;
}

TEST(PanelText, IsAsWideAsThePictureWhereThatCanBeRead) {
  PanelOptions panel;
  panel.size = 1800;  // 10 pixels a degree
  const auto degrees = [&](double xfov_deg, int width, int height) {
    const PanelText text(panel, CameraOf(xfov_deg, width, height), nullptr);
    EXPECT_NEAR(text.height() * width, text.width() * height, width) << "its shape";
    return 2 * std::atan(text.width() / 2.0 / text.focal()) * 180 / M_PI;
  };
  EXPECT_NEAR(degrees(50, 1920, 1080), 50, 0.1);
  EXPECT_NEAR(degrees(20, 1920, 1080), 40, 0.1) << "a telephoto lens";
  EXPECT_NEAR(degrees(120, 1920, 1080), 60, 0.1) << "a wide one";
  EXPECT_NEAR(degrees(40, 1080, 1920), 23.16, 0.1) << "40 degrees high";
  panel.fov_deg = 30;
  EXPECT_NEAR(degrees(50, 1920, 1080), 27, 0.1) << "inside of a panel that shows less";
}

TEST(PanelText, StandsWhereItsAnglesAre) {
  for (const PanelProjection projection :
       {PanelProjection::kEquirectangular, PanelProjection::kFisheye}) {
    PanelOptions panel;
    panel.projection = projection;
    panel.size = 1800;
    PanelText text(panel, CameraOf(60, 1600, 900), nullptr);
    for (const double yaw : {0.0, 0.03, -0.03})
      for (const int place : {0, 1, 2}) {  // in the middle, below, at the lower right
        SubtitleBitmap bitmap;
        bitmap.coverage = Image(PixelFormat::Gray(8), 4, 4);
        for (int y = 0; y < 4; ++y)
          std::fill_n(bitmap.coverage.MutablePlane<uint8_t>().Row(y), 4, uint8_t{255});
        bitmap.x = text.width() / 2 - 2 + (place == 2 ? 200 : 0);
        bitmap.y = text.height() / 2 - 2 + (place > 0 ? 140 : 0);
        SubtitlePicture picture;
        picture.x = bitmap.x;
        picture.y = bitmap.y;
        picture.width = picture.height = 4;
        text.Look(picture, yaw);
        const Image cover = text.Coverage(bitmap);
        double x = 0, y = 0, all = 0;
        for (int j = 0; j < cover.height(); ++j)
          for (int i = 0; i < cover.width(); ++i) {
            const double weight = cover.Plane<uint8_t>().At(i, j);
            x += weight * (text.x() + i + 0.5);
            y += weight * (text.y() + j + 0.5);
            all += weight;
          }
        ASSERT_GT(all, 0);
        // Seen from the panel's axes, the plane is turned by the yaw.
        const Eigen::Vector3d own = text.RayOf(bitmap.x + 2, bitmap.y + 2);
        const double across = std::cos(yaw) * own.x() + std::sin(yaw);
        const double ahead = std::cos(yaw) - std::sin(yaw) * own.x();
        double u = std::atan2(across, ahead), v = std::atan2(own.y(), std::hypot(across, ahead));
        if (projection == PanelProjection::kFisheye) {
          const double radius = std::hypot(across, own.y()), angle = std::atan2(radius, ahead);
          u = radius > 0 ? angle * across / radius : 0;
          v = radius > 0 ? angle * own.y() / radius : 0;
        }
        EXPECT_NEAR(x / all, 900 + u * 1800 / M_PI, 0.08) << yaw << " " << place;
        EXPECT_NEAR(y / all, 900 + v * 1800 / M_PI, 0.08) << yaw << " " << place;
        const Eigen::Vector3d ray(across, own.y(), ahead);
        EXPECT_NEAR(text.Stretch(cover.width() / 2, cover.height() / 2), ray.norm(), 0.01);
      }
  }
}

// A clip with a line of text, and depth.
class BurnedSubtitles : public ::testing::Test {
 protected:
  void SetUp() override {
    ClipSpec spec;
    spec.width = kWidth;
    spec.height = kHeight;
    spec.frames = kFrames;
    spec.picture = [](int index) {  // all of it dark grey
      ff::FramePtr frame = MakeMovingFrame(AV_PIX_FMT_YUV420P, kWidth, kHeight, index);
      for (int y = 0; y < kHeight; ++y)
        std::fill_n(frame->data[0] + static_cast<ptrdiff_t>(y) * frame->linesize[0], kWidth,
                    uint8_t{kGrey});
      return frame;
    };
    spec.subtitles = {"HELLO"};
    MakeClip(dir_ / "color.mkv", spec);
    shape_.width = kWidth;
    shape_.height = kHeight;
    shape_.frames = kFrames;
    shape_.rate = {25, 1};
    MakeDepth(dir_ / "depth.mkv", shape_, Plane(2));
    options_.source.file.path = dir_ / "depth.mkv";
    options_.color_video = dir_ / "color.mkv";
    options_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;  // the focal length is the width
    options_.eyes.pupillary_distance_mm = 62.5;
    options_.job.num_threads = 2;
  }
  std::vector<Image> Render(Subtitles subtitles) {
    options_.subtitles.subtitles = subtitles;
    options_.output = dir_ / (subtitles == Subtitles::kBurn ? "burned.mkv" : "kept.mkv");
    RunStereoJob(options_);
    return ReadAllFrames(options_.output);
  }
  // The columns of a part of the frame in which two frames differ clearly.
  static std::pair<int, int> Columns(const Image& a, const Image& b, int begin, int end) {
    std::pair<int, int> found(-1, -1);
    for (int x = begin; x < end; ++x)
      for (int y = 0; y < a.height(); ++y) {
        if (std::abs(a.Plane<uint8_t>().At(x, y) - b.Plane<uint8_t>().At(x, y)) < 60) continue;
        if (found.first < 0) found.first = x - begin;
        found.second = x - begin;
      }
    return found;
  }
  // The middle of the letters in an eye of a burned frame, which are brighter than the rest; -1
  // without any.
  static double Letters(const Image& burned, int begin) {
    double sum = 0, weights = 0;
    for (int x = 0; x < kWidth; ++x)
      for (int y = 0; y < kHeight; ++y) {
        const int light = burned.Plane<uint8_t>().At(begin + x, y) - kGrey;
        if (light <= 2) continue;
        sum += light * (x + 0.5);
        weights += light;
      }
    return weights > 0 ? sum / weights : -1;
  }
  // Where the bright core of the letters is, in a part of the frame that is `size` wide.
  struct Bounds {
    int left = 1 << 30, top = 1 << 30, right = -1, bottom = -1;
    double middle() const { return (left + right + 1) / 2.0; }
    bool operator==(const Bounds& o) const {
      return left == o.left && top == o.top && right == o.right && bottom == o.bottom;
    }
  };
  static Bounds LettersIn(const Image& frame, int begin, int size, int rows = 1 << 30) {
    Bounds bounds;
    for (int y = 0; y < std::min(rows, frame.height()); ++y)
      for (int x = 0; x < size; ++x) {
        if (SampleOf(frame, 0, begin + x, y) < 150) continue;
        bounds.left = std::min(bounds.left, x);
        bounds.top = std::min(bounds.top, y);
        bounds.right = std::max(bounds.right, x);
        bounds.bottom = std::max(bounds.bottom, y);
      }
    return bounds;
  }
  // The middle of all that they change of the grey wall, black rims too.
  static double LightIn(const Image& frame, int begin, int size) {
    constexpr int kRim = 2;
    const Bounds letters = LettersIn(frame, begin, size);
    double sum = 0, weights = 0;
    for (int y = letters.top - kRim; y <= letters.bottom + kRim; ++y)
      for (int x = letters.left - kRim; x <= letters.right + kRim; ++x) {
        const double light = SampleOf(frame, 0, begin + x, y) - kGrey;
        sum += light * (x + 0.5);
        weights += light;
      }
    return sum / weights;
  }
  // A line of large letters in place of the video's own.
  void SetLargeText() {
    options_.subtitles.file = dir_ / "large.srt";
    std::ofstream(options_.subtitles.file)
        << "1\n00:00:00,000 --> 00:00:00,400\n<font size=\"40\">HELLO</font>\n";
  }
  void SetPanels(const char* layout) {
    SetLargeText();
    options_.frame.canvas.layout = layout;
    options_.frame.canvas.panel.size = kPanel;
  }
  // The camera is turned by these degrees, frame by frame, about an axis.
  void Turn(const Eigen::Vector3d& axis, const std::function<double(int)>& degrees) {
    std::vector<Pose> poses;
    for (int i = 0; i < kFrames; ++i) {
      Pose pose = Pose::Identity();
      pose.linear() = Eigen::AngleAxisd(degrees(i) * M_PI / 180, axis).toRotationMatrix();
      poses.push_back(pose);
    }
    options_.scene.transformation_file = dir_ / "poses.json";
    WriteTransformationsFile(options_.scene.transformation_file, poses);
  }
  static constexpr int kPanel = 960;
  static constexpr double kPerRadian = kPanel / M_PI;

  int SubtitleStreams() const {
    ff::Demuxer demuxer(OpenFileSource(options_.output), options_.output, Limits());
    int count = 0;
    for (unsigned i = 0; i < demuxer.context()->nb_streams; ++i)
      count += demuxer.context()->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE;
    return count;
  }

  const TempDir dir_;
  ClipShape shape_;
  StereoJobOptions options_;
};

TEST_F(BurnedSubtitles, StandInFrontOfTheSceneInBothEyes) {
  const std::vector<Image> kept = Render(Subtitles::kKeep);
  EXPECT_EQ(SubtitleStreams(), 1);
  const std::vector<Image> burned = Render(Subtitles::kBurn);
  EXPECT_EQ(SubtitleStreams(), 0);
  ASSERT_EQ(burned.size(), static_cast<size_t>(kFrames));
  // The wall is 10 pixels in front of the screen.
  const double wall = -kWidth * 0.0625 / 2;
  for (size_t i = 1; i < 10; ++i) {
    EXPECT_EQ(Letters(kept[i], 0), -1);
    const double left = Letters(burned[i], 0), right = Letters(burned[i], kWidth);
    ASSERT_GE(left, 0) << "frame " << i;
    const double parallax = right - left;
    EXPECT_NEAR(parallax, wall - kGap * kWidth, 0.1) << "frame " << i;
    EXPECT_LT(parallax, wall);
    EXPECT_NEAR(left + right, kWidth, 4) << "middle";
  }
}

TEST_F(BurnedSubtitles, FollowTheSceneWithoutAJump) {
  // Something near comes into the place of the text all at once.
  MakeDepth(dir_ / "depth.mkv", shape_,
            [](int frame, int, int y) { return frame >= 5 && y > 100 ? 1.0f : 4.0f; });
  const std::vector<Image> burned = Render(Subtitles::kBurn);
  std::vector<double> parallax;
  for (size_t i = 1; i < 10; ++i) {  // the line ends after 400 ms
    ASSERT_GE(Letters(burned[i], 0), 0) << "frame " << i;
    parallax.push_back(Letters(burned[i], kWidth) - Letters(burned[i], 0));
  }
  EXPECT_NEAR(parallax[0], -5 - kGap * kWidth, 0.1);
  // At most 2 % of the width a second.
  const double step = 0.02 * kWidth / 25;
  for (size_t i = 1; i < parallax.size(); ++i) {
    const double moved = parallax[i] - parallax[i - 1];
    EXPECT_NEAR(moved, i + 1 >= 5 ? -step : 0, 0.1) << "frame " << i + 1;
  }
}

TEST_F(BurnedSubtitles, AreInEveryLayout) {
  for (const char* layout : {"half-sbs", "half-tab", "rows", "anaglyph", "views", "left"}) {
    options_.frame.canvas.layout = layout;
    const std::vector<Image> kept = Render(Subtitles::kKeep), burned = Render(Subtitles::kBurn);
    const auto found = Columns(kept[3], burned[3], 0, kept[3].width());
    EXPECT_GE(found.first, 0) << layout;
    EXPECT_TRUE(SameFrames({kept[kFrames - 1]}, {kept[kFrames - 1]}));
  }
}

// The wall is 2 m away, eyes are 62.5 mm apart; the plane of text is as wide as its distance.
constexpr double kWallAngle = -0.0625 / 2;
// Letters and their rims are blended one after the other, so that their light moves a little with
// the place between pixels.
constexpr double kThird = 1 / 3.0;

TEST_F(BurnedSubtitles, StandStraightAheadInPanels) {
  for (const char* layout : {"vr180", "vr180-fisheye"}) {
    SetPanels(layout);
    const std::vector<Image> burned = Render(Subtitles::kBurn);
    const Bounds left = LettersIn(burned[3], 0, kPanel),
                 right = LettersIn(burned[3], kPanel, kPanel);
    ASSERT_GT(left.right, left.left) << layout;
    EXPECT_EQ(left.top, right.top) << layout;
    EXPECT_EQ(left.bottom, right.bottom) << layout;
    const double parallax = LightIn(burned[3], kPanel, kPanel) - LightIn(burned[3], 0, kPanel);
    // In a fisheye what is 14 degrees below the axis moves a little less.
    const double share = layout == std::string("vr180") ? 1 : 0.98;
    EXPECT_NEAR(parallax, share * (kWallAngle - kGap) * kPerRadian, kThird) << layout;
    EXPECT_NEAR(LightIn(burned[3], kPanel, kPanel) + LightIn(burned[3], 0, kPanel), kPanel, 2)
        << layout;
    // Inside the lower part of the picture, which is 31 degrees high.
    EXPECT_GT(left.top, kPanel / 2 + 8 * kPanel / 180) << layout;
    EXPECT_LT(left.bottom, kPanel / 2 + 16 * kPanel / 180) << layout;
  }
}

TEST_F(BurnedSubtitles, InPanelsKeepToTheScreenOfTurnedEyes) {
  SetPanels("vr180");
  options_.eyes.convergence = 1;
  std::vector<Image> burned = Render(Subtitles::kBurn);
  EXPECT_NEAR(LightIn(burned[3], kPanel, kPanel), LightIn(burned[3], 0, kPanel), 0.1)
      << "the wall is behind the screen";
  options_.eyes.convergence = 4;
  burned = Render(Subtitles::kBurn);
  EXPECT_NEAR(LightIn(burned[3], kPanel, kPanel) - LightIn(burned[3], 0, kPanel),
              (0.0625 / 4 + kWallAngle - kGap) * kPerRadian, kThird);
}

TEST_F(BurnedSubtitles, InPanelsAreUprightWhateverTheCameraDoes) {
  SetPanels("vr180");
  Turn(Eigen::Vector3d::UnitZ(), [](int) { return 0; });
  const std::vector<Image> level = Render(Subtitles::kBurn);
  Turn(Eigen::Vector3d::UnitZ(), [](int i) { return 5 * i; });
  const std::vector<Image> rolled = Render(Subtitles::kBurn);
  for (size_t i = 1; i < 10; ++i)
    for (const int eye : {0, kPanel}) {
      const Bounds wanted = LettersIn(level[1], eye, kPanel);
      ASSERT_GT(wanted.right, wanted.left);
      EXPECT_TRUE(LettersIn(rolled[i], eye, kPanel) == wanted) << "frame " << i;
    }
  EXPECT_NEAR(LightIn(rolled[5], kPanel, kPanel) - LightIn(rolled[5], 0, kPanel),
              (kWallAngle - kGap) * kPerRadian, kThird);
}

TEST_F(BurnedSubtitles, InPanelsStandInFrontOfWhatTheHeadSeesThere) {
  // Before a head, the wall of a camera that is turned to the left comes nearer to the left.
  SetPanels("vr180");
  options_.eyes.pupillary_distance_mm = 125;
  Turn(Eigen::Vector3d::UnitY(), [](int) { return -15; });
  const std::vector<Image> burned = Render(Subtitles::kBurn);
  const Bounds letters = LettersIn(burned[3], 0, kPanel);
  ASSERT_GT(letters.right, letters.left);
  const double c = std::cos(M_PI / 12), s = std::sin(M_PI / 12);
  // Of the plane z = 2 of the camera, in a direction (x, y, 1) of the head: 1 / distance.
  const auto inverse = [&](double column) {
    return (c - s * std::tan((column - kPanel / 2.0) / kPerRadian)) / 2;
  };
  const double nearest = inverse(letters.left - 0.01 * kPerRadian);
  EXPECT_NEAR(LightIn(burned[3], kPanel, kPanel) - LightIn(burned[3], 0, kPanel),
              (-0.125 * nearest - kGap) * kPerRadian, kThird);
  EXPECT_NEAR(LightIn(burned[3], kPanel, kPanel) + LightIn(burned[3], 0, kPanel), kPanel, 2);
}

TEST_F(BurnedSubtitles, StandStillInTheFlatViewsOfAMovedCamera) {
  SetLargeText();
  Turn(Eigen::Vector3d::UnitZ(), [](int) { return 0; });
  const std::vector<Image> level = Render(Subtitles::kBurn);
  Turn(Eigen::Vector3d::UnitZ(), [](int i) { return 3 * i; });
  const std::vector<Image> rolled = Render(Subtitles::kBurn);
  for (size_t i = 1; i < 10; ++i)
    for (const int eye : {0, kWidth}) {
      const Bounds wanted = LettersIn(level[1], eye, kWidth);
      ASSERT_GT(wanted.right, wanted.left);
      EXPECT_TRUE(LettersIn(rolled[i], eye, kWidth) == wanted) << "frame " << i;
    }
}

TEST_F(BurnedSubtitles, AreInTheDepthThatALayoutShows) {
  // As far in front of the wall as the parallax between eyes would say.
  const double z = 0.0625 / (-kWallAngle + kGap);
  const auto shade = [](double metres) {
    return 255 - static_cast<int>(std::lround(metres * 255 / 5));
  };
  const auto deepest = [](const Image& frame, int begin_x, int begin_y, int plane) {
    int most = 0;
    for (int y = begin_y; y < frame.height(); ++y)
      for (int x = begin_x; x < frame.width(); ++x)
        most = std::max(most, SampleOf(frame, plane, x, y));
    return most;
  };
  SetLargeText();
  const MetricEyeOptions eyes = std::exchange(options_.eyes, {});  // there are none
  options_.frame.canvas.layout = "touchly1";
  std::vector<Image> frames = Render(Subtitles::kBurn);
  EXPECT_EQ(SampleOf(frames[3], 0, 5, kHeight + 5), shade(2));
  EXPECT_EQ(deepest(frames[3], 0, kHeight, 0), shade(z));
  const Bounds letters = LettersIn(frames[3], 0, kWidth, kHeight);
  int as_near = 0;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      if (SampleOf(frames[3], 0, x, kHeight + y) != shade(z)) continue;
      ++as_near;
      EXPECT_TRUE(x >= letters.left - 4 && x <= letters.right + 4 && y >= letters.top - 4 &&
                  y <= letters.bottom + 4)
          << x << ", " << y;
    }
  EXPECT_GT(as_near, 50);

  options_.frame.canvas.layout = "rgbd";
  options_.frame.rgbd_white = 1;
  frames = Render(Subtitles::kBurn);
  EXPECT_NEAR(deepest(frames[3], kWidth, 0, 0), 16 + 219 / z, 1);
  EXPECT_EQ(SampleOf(frames[3], 0, kWidth + 5, 5), std::lround(16 + 219 / 2.0));

  options_.eyes = eyes;
  SetPanels("touchly0");
  frames = Render(Subtitles::kBurn);
  const Bounds left = LettersIn(frames[3], 0, kPanel);
  ASSERT_GT(left.right, left.left);
  // A pixel that is all letter, as far as the ray to it is long.
  int column = 0, row = 0;
  for (int y = left.top; y <= left.bottom; ++y)
    for (int x = left.left; x <= left.right; ++x)
      if (SampleOf(frames[3], 0, x, y) >= 250) column = x, row = y;
  ASSERT_GT(row, 0);
  const double latitude = (row + 0.5 - kPanel / 2.0) / kPerRadian;
  const double longitude = (column + 0.5 - kPanel / 2.0) / kPerRadian - (kWallAngle - kGap) / -2;
  EXPECT_NEAR(SampleOf(frames[3], 0, 2 * kPanel + column, row),
              shade(z / std::cos(latitude) / std::cos(longitude)), 1);
}

TEST_F(BurnedSubtitles, ComeFromAFileOfTheirOwn) {
  options_.subtitles.file = dir_ / "own.srt";
  std::ofstream(options_.subtitles.file) << "1\n00:00:00,200 --> 00:00:00,320\nText\n";
  const std::vector<Image> kept = Render(Subtitles::kKeep), burned = Render(Subtitles::kBurn);
  for (size_t i = 0; i < kFrames; ++i) {
    const bool shown = i >= 5 && i < 8;  // 40 ms each
    EXPECT_EQ(Columns(kept[i], burned[i], 0, kWidth).first >= 0, shown) << "frame " << i;
  }
  EXPECT_EQ(SubtitleStreams(), 0);
  options_.subtitles.file = dir_ / "missing.srt";
  ExpectError(Code::kNotFound, "missing.srt", [&] { Render(Subtitles::kBurn); });
  options_.subtitles.file.clear();
  MakeColor(options_.color_video, shape_);
  ExpectError(Code::kNotFound, "no text subtitles", [&] { Render(Subtitles::kBurn); });
  EXPECT_FALSE(std::filesystem::exists(dir_ / "burned.mkv.tmp"));
}

TEST_F(BurnedSubtitles, OfMonoToSbsToo) {
  MonoToSbsJobOptions mono;
  mono.input = options_.color_video;
  mono.source.engine = "file";
  mono.source.file.path = options_.source.file.path;
  mono.job.num_threads = 2;
  mono.output = dir_ / "kept_mono.mkv";
  RunMonoToSbsJob(mono);
  const std::vector<Image> kept = ReadAllFrames(mono.output);
  mono.subtitles.subtitles = Subtitles::kBurn;
  mono.output = dir_ / "burned_mono.mkv";
  RunMonoToSbsJob(mono);
  const std::vector<Image> burned = ReadAllFrames(mono.output);
  const auto left = Columns(kept[4], burned[4], 0, kWidth);
  const auto right = Columns(kept[4], burned[4], kWidth, 2 * kWidth);
  ASSERT_GE(left.first, 0);
  ASSERT_GE(right.first, 0);
  EXPECT_LT(std::abs(left.first - right.first), 4) << "a flat scene is on the screen";
}

}  // namespace
}  // namespace mdvt::test
