// SPDX-License-Identifier: Apache-2.0
//
// The job with engines whose depth is known: what comes out is compared with what must.
#include "mdvt/pipeline/mono_to_sbs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "mdvt/io/image_file.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// Gives what a function says, some frames late.
class KnownDepth : public DepthEstimator {
 public:
  using Map = std::function<Image(int64_t frame, int width, int height)>;
  KnownDepth(Map map, DepthQuantity quantity, int latency, PixelFormat format)
      : map_(std::move(map)), quantity_(quantity), latency_(latency), format_(format) {}

  PixelFormat input_format() const override { return format_; }
  int latency() const override { return latency_; }
  void Push(Frame frame) override {
    EXPECT_EQ(frame.image.format(), format_);
    DepthEstimate estimate;
    estimate.depth = map_(frame.index, frame.image.width(), frame.image.height());
    estimate.quantity = quantity_;
    estimate.index = frame.index;
    estimate.pts = frame.pts;
    estimate.duration = frame.duration;
    waiting_.push_back(std::move(estimate));
  }
  void Finish() override { finished_ = true; }
  std::optional<DepthEstimate> Pop() override {
    if (waiting_.empty() || (!finished_ && waiting_.size() <= static_cast<size_t>(latency_)))
      return std::nullopt;
    DepthEstimate estimate = std::move(waiting_.front());
    waiting_.pop_front();
    return estimate;
  }

 private:
  Map map_;
  DepthQuantity quantity_;
  int latency_;
  PixelFormat format_;
  std::deque<DepthEstimate> waiting_;
  bool finished_ = false;
};

DepthEngine Engine(KnownDepth::Map map, DepthQuantity quantity = DepthQuantity::kRelativeDisparity,
                   int latency = 0, PixelFormat format = PixelFormat::Gray(8)) {
  return [=](const DepthEngineInput&) {
    return std::make_unique<KnownDepth>(map, quantity, latency, format);
  };
}

KnownDepth::Map Constant(float value) {
  return [=](int64_t, int width, int height) {
    Image map(PixelFormat::GrayF32(), width, height);
    for (int y = 0; y < height; ++y) std::fill_n(map.MutablePlane<float>().Row(y), width, value);
    return map;
  };
}

// `left` and `right` in the halves of the picture: both are exact extremes of the frame.
KnownDepth::Map Halves(float left, float right) {
  return [=](int64_t, int width, int height) {
    Image map(PixelFormat::GrayF32(), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        map.MutablePlane<float>().At(x, y) = x < width / 2 ? left : right;
    return map;
  };
}

class MonoToSbs : public ::testing::Test {
 protected:
  MonoToSbs() {
    shape_.width = 160;
    shape_.height = 48;
    shape_.frames = 6;
    MakeColor(color_, shape_);
    source_ = ReadAllFrames(color_);
    // Nothing but the warp, and an output without loss.
    plain_.input = color_;
    plain_.output = out_;
    plain_.encode.crf = 0;
    plain_.encode.x264_preset = "ultrafast";
    plain_.max_shift = 16;
    plain_.norm.p_lo = 0;
    plain_.norm.p_hi = 100;
    plain_.shift.dynamic = false;
    plain_.convergence.plane = ScreenPlane::kNear;
    plain_.steady.smoothing.alpha = 0;
    plain_.steady.cuts = SceneCuts::kOff;
    plain_.engine = Engine(Halves(0, 1));
  }

  std::vector<Image> Run(const MonoToSbsJobOptions& options) {
    report_ = RunMonoToSbsJob(options);
    return ReadAllFrames(options.output);
  }

  // By how many whole pixels the picture around column `x` of the source lies right of there, in
  // the eye that begins at (begin_x, begin_y).
  int ShiftAt(const Image& both, int begin_x, int begin_y, int frame, int x, int y = 20) {
    int best = -1000;
    int64_t least = INT64_MAX;
    for (int shift = -20; shift <= 20; ++shift) {
      int64_t sum = 0;
      for (int i = -10; i <= 10; ++i)
        sum += std::abs(int{both.Plane<uint8_t>().At(begin_x + x + i + shift, begin_y + y)} -
                        int{source_.at(static_cast<size_t>(frame)).Plane<uint8_t>().At(x + i, y)});
      if (sum >= least) continue;
      least = sum;
      best = shift;
    }
    EXPECT_LE(least, 60) << "no shift fits";
    return best;
  }
  // Parallax (right minus left) around a column of a side-by-side frame.
  int Parallax(const Image& both, int frame, int x) {
    return ShiftAt(both, both.width() / 2, 0, frame, x) - ShiftAt(both, 0, 0, frame, x);
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string out_ = dir_ / "out.mkv";
  std::vector<Image> source_;
  MonoToSbsJobOptions plain_;
  MonoToSbsReport report_;
};

TEST_F(MonoToSbs, ParallaxIsConvergenceMinusDisparity) {
  const struct {
    ScreenPlane plane;
    double value;
    int far, near;  // parallax of the left and right half
  } cases[] = {{ScreenPlane::kNear, 0, 16, 0},
               {ScreenPlane::kFar, 0, 0, -16},
               {ScreenPlane::kValue, 0.5, 8, -8},
               {ScreenPlane::kValue, 0.25, 4, -12}};
  for (const WarpKind warp : {WarpKind::kForward, WarpKind::kBackward}) {
    for (const auto& expected : cases) {
      MonoToSbsJobOptions options = plain_;
      options.warp = warp;
      options.convergence.plane = expected.plane;
      options.convergence.value = expected.value;
      const std::vector<Image> frames = Run(options);
      ASSERT_EQ(frames.size(), 6u);
      EXPECT_EQ(frames[0].width(), 320);
      for (const int frame : {0, 5}) {
        const Image& both = frames[static_cast<size_t>(frame)];
        EXPECT_EQ(Parallax(both, frame, 40), expected.far);
        EXPECT_EQ(Parallax(both, frame, 120), expected.near);
      }
    }
  }
  EXPECT_EQ(report_.frames, 6);
  EXPECT_EQ(report_.output, out_);
  EXPECT_EQ(report_.scenes, 1);
  EXPECT_EQ(report_.width, 320);
  EXPECT_EQ(report_.height, 48);
  EXPECT_EQ(report_.mean_shift, 16);
}

TEST_F(MonoToSbs, ConstantDepthIsAUniformShiftByTheOriginalsFormula) {
  plain_.engine = Engine(Constant(0.7f));
  plain_.norm.mode = NormMode::kMinMax;
  plain_.norm.p_lo = 1;
  plain_.norm.p_hi = 99;
  plain_.warp = WarpKind::kBackward;
  const std::vector<Image> frames = Run(plain_);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 160; ++x) {
      const auto source = source_[0].Plane<uint8_t>();
      ASSERT_EQ(frames[0].Plane<uint8_t>().At(x, y), source.At(std::min(x + 8, 159), y));
      ASSERT_EQ(frames[0].Plane<uint8_t>().At(160 + x, y), source.At(std::max(x - 8, 0), y));
    }
  }
}

TEST_F(MonoToSbs, DegenerateDepthHasNoParallaxOtherwise) {
  plain_.engine = Engine(Constant(0.7f));
  for (const NormMode mode : {NormMode::kPercentile, NormMode::kEma, NormMode::kFixed}) {
    plain_.norm.mode = mode;
    const std::vector<Image> frames = Run(plain_);
    for (size_t i = 0; i < frames.size(); ++i)
      for (int half = 0; half < 2; ++half)
        for (int y = 0; y < 48; ++y)
          for (int x = 0; x < 160; ++x)
            ASSERT_EQ(frames[i].Plane<uint8_t>().At(160 * half + x, y),
                      source_[i].Plane<uint8_t>().At(x, y));
  }
}

TEST_F(MonoToSbs, EyesOfARoomAgreeWithTheTruth) {
  // True proportions: parallax = shift (c - near / z), so that shift = fx baseline / near and the
  // screen is at near / c.
  constexpr double kBaseline = 0.063, kNear = 1.0, kScreen = 4.0;
  ThreadPool pool(2);
  Clip clip = Scenes::Room(320, 180);
  const RayCaster caster(clip.scene, &pool);
  VideoWriterOptions writing;
  writing.frame_rate = {24, 1};
  writing.time_base = {1, 24};
  writing.color.matrix = 1;
  writing.color.chroma_location = 2;
  const PixelFormat format = PixelFormat::Yuv(420);
  VideoWriter writer(dir_ / "room.mkv", format, 320, 180, writing);
  for (int i = 0; i < 3; ++i) writer.Write(caster.Color(clip.At(10 * i), format, 3), i, 1);
  writer.Finish();

  MonoToSbsJobOptions options = plain_;
  options.input = dir_ / "room.mkv";
  options.norm = {};
  options.norm.mode = NormMode::kMetric;
  options.norm.metric_near = kNear;
  options.max_shift = clip.camera.fx * kBaseline / kNear;
  options.convergence.plane = ScreenPlane::kValue;
  options.convergence.value = kNear / kScreen;
  options.engine = Engine(
      [&](int64_t frame, int, int) {
        return RayCaster(clip.scene).Depth(clip.At(static_cast<double>(10 * frame)));
      },
      DepthQuantity::kMetricDepth);
  const std::vector<Image> frames = Run(options);
  ASSERT_EQ(frames.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const View view = clip.At(10 * i);
    double untouched = 0;  // of a picture that was not warped at all
    double error = 0;
    int64_t count = 0;
    for (const int side : {-1, 1}) {
      const View eye = EyeOf(view, side, kBaseline, kScreen);
      const Image truth = caster.Color(eye, format, 3);
      const Image unseen = caster.Unseen(eye, view);
      const int begin = side < 0 ? 0 : 320;
      const Image plain = caster.Color(view, format, 3);
      for (int y = 0; y < 180; ++y) {
        for (int x = 0; x < 320; ++x) {
          if (unseen.Plane<uint8_t>().At(x, y) != 0) continue;
          const double expected = truth.Plane<uint8_t>().At(x, y);
          error += std::pow(
              frames[static_cast<size_t>(i)].Plane<uint8_t>().At(begin + x, y) - expected, 2);
          untouched += std::pow(plain.Plane<uint8_t>().At(x, y) - expected, 2);
          ++count;
        }
      }
    }
    const double psnr = 10 * std::log10(255.0 * 255.0 / (error / static_cast<double>(count)));
    const double before = 10 * std::log10(255.0 * 255.0 / (untouched / static_cast<double>(count)));
    EXPECT_GT(psnr, 32) << i;
    EXPECT_GT(psnr, before + 6) << i;
  }
}

TEST_F(MonoToSbs, MetricPlacementIsWhatTwoEyesWouldSee) {
  plain_.placement = Placement::kMetric;
  plain_.engine = Engine(Constant(2), DepthQuantity::kMetricDepth);
  plain_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;  // the focal length is the width, 160
  plain_.eyes.pupillary_distance_mm = 100;
  // 160 * 0.1 / 2 pixels in front of parallel eyes' screen at infinity.
  EXPECT_EQ(Parallax(Run(plain_)[0], 0, 80), -8);
  plain_.eyes.convergence = 4;
  EXPECT_EQ(Parallax(Run(plain_)[0], 0, 80), -4);
  plain_.eyes.baseline_scale = "2";
  EXPECT_EQ(Parallax(Run(plain_)[0], 0, 80), -8);
  plain_.eyes.baseline_scale = "none";

  // Per frame: a field of view of twice the focal length, then a distance.
  std::ofstream(dir_ / "fov.json") << "[90, 53.13010235415598, 90, 90, 90, 90]";
  plain_.fov = {};
  plain_.fov.xfov_file = dir_ / "fov.json";
  std::vector<Image> frames = Run(plain_);
  EXPECT_EQ(Parallax(frames[0], 0, 80), -2);
  EXPECT_EQ(Parallax(frames[1], 1, 80), -4);
  plain_.eyes.convergence.reset();
  plain_.eyes.convergence_file = dir_ / "distance.json";
  std::ofstream(plain_.eyes.convergence_file) << "[2, 2, 2, 2, 2, 2]";
  frames = Run(plain_);
  EXPECT_EQ(Parallax(frames[5], 5, 80), 0);
  plain_.engine = Engine(Constant(2), DepthQuantity::kRelativeDisparity);
  ExpectError(Code::kRefused, "needs depth in metres", [&] { Run(plain_); });
}

TEST_F(MonoToSbs, ConvergenceMeansWhatThePlacementMakesOfIt) {
  plain_.engine = Engine(Constant(2), DepthQuantity::kMetricDepth);
  plain_.eyes.pupillary_distance_mm = 100;
  int column = 80;
  const auto run = [&](const char* text, Placement placement) {
    MonoToSbsJobOptions options = plain_;
    options.placement = placement;
    if (placement == Placement::kMetric) options.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;
    OptionList list;
    Describe(&list, &options);
    list.SetText("convergence", text);
    EXPECT_EQ(ToText(list.Get("convergence")), text);
    return Parallax(Run(options)[0], 0, column);
  };
  // Metric: metres, 160 * 0.1 (1 / 2 - 1 / D) pixels in front of the screen; auto: at 2 m.
  EXPECT_EQ(run("0", Placement::kMetric), -8);
  EXPECT_EQ(run("1", Placement::kMetric), 8);
  EXPECT_EQ(run("4", Placement::kMetric), -4);
  EXPECT_EQ(run("auto", Placement::kMetric), 0);
  const std::string file = dir_ / "near.json";
  std::ofstream(file) << "[4, 4, 4, 4, 4, 4]";
  EXPECT_EQ(run(file.c_str(), Placement::kMetric), -4);
  ExpectError(Code::kInvalidArgument, "a distance in metres, auto, file",
              [&] { run("near", Placement::kMetric); });
  // Normalized: what the option has always meant there, and files, which mean nothing else.
  ExpectError(Code::kInvalidArgument, "near, far, auto or a number in [0, 1]",
              [&] { run("4", Placement::kNormalized); });
  plain_.engine = Engine(Halves(4, 1), DepthQuantity::kMetricDepth);
  column = 40;
  const int far = run("far", Placement::kNormalized);
  EXPECT_EQ(run("0", Placement::kNormalized), far);
  EXPECT_NE(run("1", Placement::kNormalized), far);
  plain_.eyes.convergence_file = file;
  ExpectError(Code::kInvalidArgument, "cannot be given together",
              [&] { run("near", Placement::kNormalized); });
  const int of_file = run("file", Placement::kNormalized);
  plain_.eyes.convergence_file.clear();
  EXPECT_EQ(run(file.c_str(), Placement::kNormalized), of_file);
}

TEST_F(MonoToSbs, ADistanceMayBeOnTheScreenOfNormalizedDepth) {
  plain_.engine = Engine(Halves(4, 1), DepthQuantity::kMetricDepth);
  plain_.eyes.convergence = 1;  // the near half, on the right
  std::vector<Image> frames = Run(plain_);
  EXPECT_EQ(Parallax(frames[0], 0, 120), 0);
  EXPECT_EQ(Parallax(frames[0], 0, 40), 16);
  plain_.eyes.convergence = 4;
  frames = Run(plain_);
  EXPECT_EQ(Parallax(frames[0], 0, 40), 0);
}

TEST_F(MonoToSbs, LatencyAndInputFormatDoNotMatter) {
  const KnownDepth::Map moving = [](int64_t frame, int width, int height) {
    return Halves(0, 1 + static_cast<float>(frame))(frame, width, height);
  };
  plain_.norm.mode = NormMode::kEma;
  plain_.steady.cuts = SceneCuts::kAuto;
  plain_.engine = Engine(moving);
  const std::vector<Image> reference = Run(plain_);
  for (const int latency : {1, 3, 17}) {
    plain_.engine = Engine(moving, DepthQuantity::kRelativeDisparity, latency, PixelFormat::Rgb(8));
    EXPECT_TRUE(SameFrames(Run(plain_), reference)) << latency;
  }
}

TEST_F(MonoToSbs, NormLookaheadShowsEveryFrameOnce) {
  plain_.norm.mode = NormMode::kEma;
  const std::vector<Image> reference = Run(plain_);
  plain_.norm.lookahead = 4;  // the range never changes
  EXPECT_TRUE(SameFrames(Run(plain_), reference));
}

// Eighteen frames of one picture, then of its negative; disparity then is ten times as large.
class MonoToSbsCut : public MonoToSbs {
 protected:
  MonoToSbsCut() {
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(dir_ / "cut.mkv", PixelFormat::Yuv(420), 160, 48, writing);
    source_.clear();
    for (int i = 0; i < 36; ++i) {
      Image image(PixelFormat::Yuv(420), 160, 48);
      PaintTexture(i < 18 ? 0 : 40, &image);
      for (int y = 0; y < 48; ++y)
        for (int x = 0; x < 160; ++x)
          if (i >= 18)
            image.MutablePlane<uint8_t>().At(x, y) =
                static_cast<uint8_t>(255 - image.MutablePlane<uint8_t>().At(x, y));
      writer.Write(image, i, 1);
      source_.push_back(image);
    }
    writer.Finish();
    plain_.input = dir_ / "cut.mkv";
    plain_.norm.mode = NormMode::kEma;
    plain_.steady.smoothing.alpha = 0.9;
    plain_.steady.smoothing.motion_adaptive = false;
    plain_.engine = Engine([](int64_t frame, int width, int height) {
      // Thirds: the middle lies half way between the extremes, which are 0 and 1, then 0 and 10.
      Image map(PixelFormat::GrayF32(), width, height);
      const float scale = frame < 18 ? 1 : 10;
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          map.MutablePlane<float>().At(x, y) = (x < width / 8       ? 0.0f
                                                : x < width * 7 / 8 ? 0.5f
                                                                    : 1.0f) *
                                               scale;
      return map;
    });
  }
};

TEST_F(MonoToSbsCut, ACutStartsAnew) {
  plain_.steady.cuts = SceneCuts::kAuto;
  const std::vector<Image> frames = Run(plain_);
  for (const int frame : {0, 17, 18, 19, 35})
    EXPECT_EQ(Parallax(frames[static_cast<size_t>(frame)], frame, 80), 8) << frame;
  EXPECT_EQ(report_.scenes, 2);

  // Without, the old range lags: 5 is more than its end, 1.9, and the old map counts for nine
  // tenths: 1 - (0.9 * 0.5 + 0.1) of 16 is 7.2, and falls from there.
  plain_.steady.cuts = SceneCuts::kOff;
  const std::vector<Image> lagging = Run(plain_);
  EXPECT_EQ(report_.scenes, 1);
  EXPECT_LT(Parallax(lagging[24], 24, 80), 6);
}

TEST_F(MonoToSbsCut, AListOfScenesTellsCutsToo) {
  std::ofstream(dir_ / "scenes.csv") << "Scene Number,Start Frame\n1,1\n2,19\n";
  plain_.steady.cuts = SceneCuts::kAuto;
  plain_.steady.scene_file = dir_ / "scenes.csv";
  const std::vector<Image> frames = Run(plain_);
  for (const int frame : {17, 18, 35})
    EXPECT_EQ(Parallax(frames[static_cast<size_t>(frame)], frame, 80), 8) << frame;
  EXPECT_EQ(report_.scenes, 2);
  plain_.steady.scene_file = dir_ / "gone.csv";
  ExpectError(Code::kNotFound, "gone.csv", [&] { Run(plain_); });
}

TEST_F(MonoToSbs, AScaleThatStartsAnewIsACut) {
  class TwoScales : public KnownDepth {
   public:
    using KnownDepth::KnownDepth;
    std::optional<DepthEstimate> Pop() override {
      std::optional<DepthEstimate> estimate = KnownDepth::Pop();
      if (estimate) estimate->starts_scene = estimate->index == 3;
      return estimate;
    }
  };
  plain_.norm.mode = NormMode::kFixed;
  plain_.steady.cuts = SceneCuts::kAuto;
  plain_.engine = [](const DepthEngineInput&) {
    return std::make_unique<TwoScales>(
        [](int64_t frame, int width, int height) {
          return Halves(0, frame < 3 ? 1.0f : 5.0f)(frame, width, height);
        },
        DepthQuantity::kRelativeDisparity, 0, PixelFormat::Gray(8));
  };
  Run(plain_);
  EXPECT_EQ(report_.scenes, 2);
  plain_.steady.cuts = SceneCuts::kOff;
  Run(plain_);
  EXPECT_EQ(report_.scenes, 1);
}

TEST_F(MonoToSbs, LayoutsPlaceBothEyes) {
  plain_.frame.canvas.layout = "tab";
  std::vector<Image> frames = Run(plain_);
  EXPECT_EQ(frames[0].height(), 96);
  EXPECT_EQ(ShiftAt(frames[0], 0, 48, 0, 40) - ShiftAt(frames[0], 0, 0, 0, 40), 16);
  EXPECT_EQ(VideoReader(out_).info().tags.at("MDVT_KIND"), "tab");

  plain_.frame.canvas.layout = "sbs";
  plain_.swap_eyes = true;
  frames = Run(plain_);
  EXPECT_EQ(Parallax(frames[0], 0, 40), -16);
  EXPECT_EQ(VideoReader(out_).info().tags.at("MDVT_KIND"), "sbs");

  // Squeezed to half: half the parallax in half the columns.
  plain_.swap_eyes = false;
  plain_.frame.canvas.layout = "half-sbs";
  frames = Run(plain_);
  ASSERT_EQ(frames[0].width(), 160);
  plain_.frame.canvas.layout = "sbs";
  const std::vector<Image> whole = Run(plain_);
  double difference = 0;
  for (int half = 0; half < 2; ++half)
    for (int y = 0; y < 48; ++y)
      for (int x = 10; x < 70; ++x) {
        const auto full = whole[0].Plane<uint8_t>();
        const int mean = (full.At(160 * half + 2 * x, y) + full.At(160 * half + 2 * x + 1, y)) / 2;
        difference += std::abs(frames[0].Plane<uint8_t>().At(80 * half + x, y) - mean);
      }
  EXPECT_LT(difference / (2 * 48 * 60), 3);
}

TEST_F(MonoToSbs, HolesMayStayBlackWithTheirMask) {
  plain_.frame.canvas.layout = "tab";
  plain_.holes.infill_mask = true;
  const std::vector<Image> frames = Run(plain_);
  EXPECT_EQ(report_.mask_output, out_ + "_infillmask.mkv");
  const std::vector<Image> masks = ReadAllFrames(report_.mask_output);
  ASSERT_EQ(masks.size(), frames.size());
  int64_t holes = 0;
  for (size_t i = 0; i < frames.size(); ++i) {
    ASSERT_EQ(masks[i].height(), 96);
    for (int y = 0; y < 96; ++y) {
      for (int x = 0; x < 160; ++x) {
        const bool hole = masks[i].Plane<uint8_t>(0).At(x, y) != 0;
        holes += hole;
        ASSERT_EQ(hole, frames[i].Plane<uint8_t>().At(x, y) <= 16) << x << "," << y;
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(holes), report_.hole_share * 6 * 2 * 160 * 48, 0.5);
  EXPECT_GT(holes, 6 * 48 * 8);
  plain_.warp = WarpKind::kBackward;
  ExpectError(Code::kInvalidArgument, "backward warp", [&] { RunMonoToSbsJob(plain_); });
}

TEST_F(MonoToSbs, CanvasHasPaddingWithoutShift) {
  plain_.frame.canvas.eye_width = 200;
  plain_.frame.canvas.eye_height = 100;
  plain_.frame.canvas.fit = CanvasFit::kNone;
  const std::vector<Image> frames = Run(plain_);
  ASSERT_EQ(frames[0].width(), 400);
  ASSERT_EQ(frames[0].height(), 100);
  for (int y = 0; y < 100; ++y)
    for (int x = 0; x < 400; ++x)
      if (y < 26 || y >= 74 || x % 200 < 20 || x % 200 >= 180) {
        ASSERT_EQ(frames[0].Plane<uint8_t>().At(x, y), 16);
      }
  EXPECT_EQ(ShiftAt(frames[0], 220, 26, 0, 40) - ShiftAt(frames[0], 20, 26, 0, 40), 16);
}

TEST_F(MonoToSbs, LargerEyesHaveMaxShiftInTheirOwnPixels) {
  plain_.frame.canvas.eye_width = 320;
  plain_.frame.canvas.eye_height = 96;
  for (const ResizeFilter filter : {ResizeFilter::kNearest, ResizeFilter::kBilinear,
                                    ResizeFilter::kBicubic, ResizeFilter::kLanczos}) {
    plain_.frame.filter = filter;
    const std::vector<Image> frames = Run(plain_);
    ASSERT_EQ(frames[0].width(), 640);
    // 16 of 320 pixels are 8 of the source's.
    double best = 1e9;
    int shift = 0;
    for (int s = -30; s <= 30; ++s) {
      double sum = 0;
      for (int x = 60; x < 110; ++x)
        sum += std::abs(frames[0].Plane<uint8_t>().At(x, 40) -
                        frames[0].Plane<uint8_t>().At(320 + x + s, 40));
      if (sum >= best) continue;
      best = sum;
      shift = s;
    }
    EXPECT_EQ(shift, 16);
  }
}

TEST_F(MonoToSbs, DefaultShiftGrowsWithTheEye) {
  plain_.max_shift.reset();
  MonoToSbsPlan plan;
  plain_.on_start = [&](const MonoToSbsPlan& p) { plan = p; };
  Run(plain_);
  EXPECT_EQ(plan.max_shift, 2);  // an eightieth of 160
  EXPECT_EQ(plan.source_width, 160);
  EXPECT_EQ(plan.source_rate, (Rational{24, 1}));
  EXPECT_EQ(plan.output_rate, (Rational{24, 1}));
  EXPECT_EQ(plan.latency, 0);
  EXPECT_TRUE(plan.canvas.exact);
}

TEST_F(MonoToSbs, RateIsConstantWhereAsked) {
  const auto times = [&](double fps) {
    plain_.fps = fps;
    Run(plain_);
    VideoReader reader(out_);
    std::vector<int64_t> ms;
    while (const auto frame = reader.Read())
      ms.push_back(Rescale(frame->pts, reader.info().time_base, {1, 1000}));
    EXPECT_EQ(static_cast<size_t>(report_.frames), ms.size());
    return ms;
  };
  EXPECT_EQ(times(0), (std::vector<int64_t>{0, 42, 83, 125, 167, 208}));
  EXPECT_EQ(times(48).size(), 12u);
  EXPECT_EQ(times(12), (std::vector<int64_t>{0, 83, 167}));
  const std::vector<int64_t> at25 = times(25);  // a quarter of a second: six frames and a bit
  EXPECT_EQ(at25, (std::vector<int64_t>{0, 40, 80, 120, 160, 200, 240}));
  // Each frame of the source is there, shown twice (MP4 holds its times exactly).
  MakeColor(dir_ / "exact.mp4", shape_, PixelFormat::Yuv(420), VideoCodec::kH264);
  plain_.input = dir_ / "exact.mp4";
  plain_.fps = 48;
  const std::vector<Image> doubled = Run(plain_);
  plain_.fps = 0;
  const std::vector<Image> once = Run(plain_);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_TRUE(SameFrames({doubled[2 * i]}, {once[i]}));
    EXPECT_TRUE(SameFrames({doubled[2 * i + 1]}, {once[i]}));
  }
  plain_.fps = 48;
  plain_.job.max_frames = 5;
  EXPECT_EQ(Run(plain_).size(), 5u);
}

TEST_F(MonoToSbs, VariableRateStaysVariable) {
  VideoWriterOptions writing;
  VideoWriter writer(dir_ / "vfr.mkv", PixelFormat::Yuv(420), 160, 48, writing);
  const std::vector<int64_t> pts = {500, 540, 700, 710, 1500};
  for (const int64_t time : pts) writer.Write(source_[0], time);
  writer.Finish();
  plain_.input = dir_ / "vfr.mkv";
  Run(plain_);
  VideoReader reader(out_);
  for (const int64_t time : pts)
    EXPECT_EQ(Rescale(reader.Read()->pts, reader.info().time_base, {1, 1000}), time);
  // At a constant rate it begins at the same time and lasts as long.
  plain_.fps = 10;
  Run(plain_);
  VideoReader constant(out_);
  for (int64_t k = 0; k < 10; ++k)
    EXPECT_EQ(Rescale(constant.Read()->pts, constant.info().time_base, {1, 1000}), 500 + 100 * k);
}

TEST_F(MonoToSbs, PreviewIsASampleOfTheFullRun) {
  plain_.norm.mode = NormMode::kEma;
  plain_.steady.smoothing.alpha = 0.5;
  plain_.engine = Engine([](int64_t frame, int width, int height) {
    return Halves(0, 1 + static_cast<float>(frame))(frame, width, height);
  });
  const std::vector<Image> full = Run(plain_);
  plain_.preview.every = 2;
  EXPECT_TRUE(SameFrames(Run(plain_), {full[0], full[2], full[4]}));
  plain_.preview.every.reset();
  plain_.preview.interval = 0.1;  // at 24 frames a second: 0, 3 (0.125), 5 (0.208)
  EXPECT_TRUE(SameFrames(Run(plain_), {full[0], full[3], full[5]}));
  EXPECT_EQ(VideoReader(out_).info().frame_rate, (Rational{10, 1}));
}

TEST_F(MonoToSbs, ContactSheetShowsEyesAndDisparity) {
  plain_.preview.contact_sheet = dir_ / "sheet.png";
  Run(plain_);
  const Image sheet = ReadImageFile(dir_ / "sheet.png");
  // Six tiles in two columns of three pictures, 240 wide and as high as 48 is to 160.
  EXPECT_EQ(sheet.width(), 2 * (3 * 240 + 8) + 12);
  EXPECT_EQ(sheet.height(), 3 * 72 + 2 * 4);
  for (int plane = 0; plane < 3; ++plane) {
    EXPECT_EQ(sheet.Plane<uint8_t>(plane).At(488 + 60, 30), 0);     // far
    EXPECT_EQ(sheet.Plane<uint8_t>(plane).At(488 + 180, 30), 255);  // near
  }
}

TEST_F(MonoToSbs, SourcesOfOtherFormats) {
  for (const PixelFormat& format : {PixelFormat::Yuv(420, 10), PixelFormat::Yuv(444),
                                    PixelFormat::Rgb(8), PixelFormat::Gray(8)}) {
    ClipShape odd = shape_;
    odd.width = 161;
    odd.height = 49;
    MakeColor(dir_ / "other.mkv", odd, format);
    plain_.input = dir_ / "other.mkv";
    EXPECT_EQ(Run(plain_).size(), 6u);
    const VideoReader reader(out_);
    EXPECT_EQ(reader.info().format, PixelFormat::Yuv(420, format.bits > 8 ? 10 : 8));
    EXPECT_EQ(reader.info().width, 320);
    EXPECT_EQ(reader.info().height, 48);
  }
}

TEST_F(MonoToSbs, FailuresAreClearAndLeaveNothing) {
  const auto expect = [&](Code code, const std::string& text, const MonoToSbsJobOptions& options) {
    ExpectError(code, text, [&] { RunMonoToSbsJob(options); });
    EXPECT_FALSE(std::filesystem::exists(out_));
  };
  MonoToSbsJobOptions options = plain_;
  options.norm = {};
  options.norm.mode = NormMode::kMetric;
  expect(Code::kRefused, "metres", options);
  options = plain_;
  options.engine = [](const DepthEngineInput&) { return nullptr; };
  expect(Code::kInvalidArgument, "engine", options);
  options = plain_;
  options.engine = Engine([](int64_t, int, int) { return Image(PixelFormat::GrayF32(), 8, 8); });
  expect(Code::kInternal, "frame 0", options);
  options = plain_;
  options.engine = Engine([](int64_t frame, int width, int height) -> Image {
    if (frame == 3) throw Error(Code::kOutOfMemory, "no more");
    return Halves(0, 1)(frame, width, height);
  });
  expect(Code::kOutOfMemory, "no more", options);
  options = plain_;
  options.input = dir_ / "gone.mkv";
  expect(Code::kNotFound, "gone.mkv", options);
  options = plain_;
  options.input = "";
  expect(Code::kInvalidArgument, "input", options);
  for (const auto& [text, spoil] : std::vector<std::pair<
           std::string,
           std::function<void(
               MonoToSbsJobOptions*)>>>{{"xfov", [](auto* o) { o->fov.xfov_deg = 180; }},
                                        {"scene_scale", [](auto* o) { o->source.scene_scale = 0; }},
                                        {"max_res", [](auto* o) { o->source.max_res = 10; }},
                                        {"max_shift", [](auto* o) { o->max_shift = -1; }},
                                        {"fps", [](auto* o) { o->fps = 0.01; }},
                                        {"preview", [](auto* o) { o->preview.interval = 0; }},
                                        {"preview_every", [](auto* o) { o->preview.every = 0; }},
                                        {"scene_file",
                                         [](auto* o) { o->steady.scene_file = "x.csv"; }},
                                        {"p_lo", [](auto* o) { o->norm.p_lo = 100; }},
                                        {"alpha", [](auto* o) { o->steady.smoothing.alpha = 1; }},
                                        {"crf", [](auto* o) { o->encode.crf = 60; }},
                                        {"smooth_still is 9, must be less than smooth_moving, 5",
                                         [](auto* o) {
                                           o->steady.smoothing.alpha = 0.5;
                                           o->steady.smoothing.still = 9;
                                           o->steady.smoothing.moving = 5;
                                         }},
                                        {"shift_steep_free must be less",
                                         [](auto* o) { o->shift.steep_free = 0.9; }},
                                        {"the name must end in .png",
                                         [](auto* o) { o->preview.contact_sheet = "sheet.jpg"; }},
                                        {"preset",
                                         [](auto* o) { o->encode.x264_preset = "quick"; }}}) {
    options = plain_;
    spoil(&options);
    expect(Code::kInvalidArgument, text, options);
  }
  options = plain_;
  options.output = color_;
  ExpectError(Code::kInvalidArgument, "input", [&] { RunMonoToSbsJob(options); });
}

TEST_F(MonoToSbs, CanBeCancelledAtAnyTime) {
  for (const int frames : {0, 2, 6}) {
    RunControl control;
    control.on_progress = [&](const Progress& progress) { return progress.frames_done < frames; };
    ExpectError(Code::kCancelled, "", [&] { RunMonoToSbsJob(plain_, control); });
    EXPECT_FALSE(std::filesystem::exists(out_));
  }
}

}  // namespace
}  // namespace mdvt::test
