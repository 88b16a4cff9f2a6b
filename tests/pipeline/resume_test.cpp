// SPDX-License-Identifier: Apache-2.0
//
// What stands in a saved state is enough: an object that is saved and loaded anew after any frames
// goes on to the same bytes.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/state.h"
#include "mdvt/depth/disparity_range.h"
#include "mdvt/depth/disparity_smoother.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/stereo/shift_control.h"
#include "mdvt/tracking/content_cut.h"
#include "mdvt/tracking/scene_cut.h"
#include "pipeline/depth_source.h"
#include "pipeline/eye_maker.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 48, kHeight = 32, kFrames = 24;

std::string Bytes(const Image& image) {
  State state;
  state.SetImage("image", image);
  return state.Get("image");
}

template <typename... Numbers>
std::string Text(Numbers... numbers) {
  State state;
  state.SetNumbers("numbers", {static_cast<double>(numbers)...});
  return state.Get("numbers");
}

// step(object, i) says what the object makes of frame i. Saved and loaded between any two frames it
// must say the same; without the state it must not, or there would be nothing to test.
template <typename Make, typename Step>
void ExpectResumes(const Make& make, const Step& step) {
  std::vector<std::string> expected;
  const auto whole = make();
  for (int i = 0; i < kFrames; ++i) expected.push_back(step(whole.get(), i));
  std::mt19937_64 random = Rng();
  int lost = 0;
  for (int round = 0; round < 12; ++round) {
    auto object = make();
    for (int i = 0; i < kFrames; ++i) {
      if (random() % 3 == 0) {
        State state;
        object->Save(&state);
        lost += step(make().get(), i) != expected[static_cast<size_t>(i)];
        object = make();
        object->Load(state);
      }
      ASSERT_EQ(step(object.get(), i) == expected[static_cast<size_t>(i)], true) << "frame " << i;
    }
  }
  EXPECT_GT(lost, 0) << "a new object says the same without the state";
  ExpectError(Code::kCorrupt, "saved state", [&] {
    State broken;
    for (const char* name : {"range", "past", "started", "scores", "thumbnail", "counts"})
      broken.Set(name, "what is this");
    make()->Load(broken);
  });
}

// Disparity that drifts and jumps.
Image Map(int frame) {
  Image map(PixelFormat::GrayF32(), kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      map.MutablePlane<float>().At(x, y) = static_cast<float>(
          0.5 + (0.2 + 0.01 * frame) * std::sin(0.2 * x + 0.1 * y + 0.4 * frame) +
          (x > kWidth / 2 ? 0.02 * frame : 0));
  return map;
}

Image Picture(int frame, const PixelFormat& format) {
  Image image(format, kWidth, kHeight);
  for (int plane = 0; plane < format.num_planes(); ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x)
        image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(
            128 + 60 * std::sin(0.3 * x + 0.2 * y + plane + (x > 20 ? 0.3 : 0.02) * frame) +
            (frame >= 13 ? 50 : 0));
  return image;
}

bool Begins(int frame) { return frame == 0 || frame == 9; }

TEST(Resume, RangeOfDisparity) {
  for (const NormMode mode : {NormMode::kEma, NormMode::kFixed}) {
    NormalizerOptions options;
    options.mode = mode;
    ExpectResumes([&] { return std::make_unique<DisparityNormalizer>(options); },
                  [](DisparityNormalizer* normalizer, int i) {
                    normalizer->Push(Map(i).Plane<float>(), Begins(i));
                    const NormalRange range = normalizer->Pop().value();
                    return Text(range.lo, range.hi, range.slack, range.flat);
                  });
  }
}

TEST(Resume, RangeOfDisparityOnlyBetweenFrames) {
  NormalizerOptions options;
  options.lookahead = 2;
  DisparityNormalizer normalizer(options);
  normalizer.Push(Map(0).Plane<float>(), true);
  State state;
  ExpectError(Code::kInvalidArgument, "holds frames", [&] { normalizer.Save(&state); });
}

TEST(Resume, SmoothedDisparity) {
  for (const bool adaptive : {false, true}) {
    SmootherOptions options;
    options.motion_adaptive = adaptive;
    ExpectResumes([&] { return std::make_unique<DisparitySmoother>(options); },
                  [](DisparitySmoother* smoother, int i) {
                    Image map = Map(i);
                    smoother->Smooth(Picture(i, PixelFormat::Yuv(420)), 1 / 24.0, Begins(i),
                                     NormalRange{{0, 1}}, &map);
                    return Bytes(map);
                  });
  }
}

TEST(Resume, ShiftAndScreen) {
  ExpectResumes([] { return std::make_unique<ShiftController>(ShiftOptions()); },
                [](ShiftController* shifts, int i) {
                  ShiftFrame frame;
                  frame.hi = 1 + 0.5 * std::sin(0.7 * i);
                  frame.steep_share = 0.002 * i;
                  frame.convergence = 0.5;
                  frame.new_scene = Begins(i);
                  return Text(shifts->Push(frame, 1920));
                });
  ExpectResumes([] { return std::make_unique<ConvergenceTracker>(ConvergenceOptions()); },
                [](ConvergenceTracker* screen, int i) {
                  return Text(screen->Push(Map(i).Plane<float>(), Begins(i)));
                });
}

TEST(Resume, Cuts) {
  ExpectResumes([] { return std::make_unique<ContentCutDetector>(); },
                [](ContentCutDetector* cuts, int i) {
                  cuts->Push(Picture(i, PixelFormat::Rgb(8)).view(), i / 8.0);
                  const std::optional<bool> cut = cuts->Pop();
                  return Text(cut.has_value(), cut.value_or(false));
                });
  ExpectResumes([] { return std::make_unique<SceneCutDetector>(); },
                [](SceneCutDetector* cuts, int i) {
                  // Another picture altogether every fourth frame.
                  const Image picture = Picture(i % 4 == 0 ? 10 * i : i, PixelFormat::Gray(8));
                  return Text(cuts->IsCut(picture.Plane<uint8_t>(), 0, 0));
                });
}

TEST(Resume, RenderedEyes) {
  for (const Placement placement : {Placement::kNormalized, Placement::kMetric}) {
    const PixelFormat format = PixelFormat::Yuv(420);
    EyeOptions options;
    options.placement = placement;
    options.max_shift = 6;
    options.preview_every = 2;
    const ViewCanvas canvas = PlanCanvas(CanvasOptions(), kWidth, kHeight, {1, 1});
    EyeSource source;
    source.format = format;
    source.width = kWidth;
    source.height = kHeight;
    source.color = ResolveColor(ColorInfo(), format, kHeight);
    EyePlaces places;
    if (placement == Placement::kMetric) {
      FovOptions fov;
      fov.xfov_deg = 60;
      places.camera.emplace(fov, DepthTags(), kWidth, kHeight, Rational{1, 1}, Limits());
      places.distance = PerFrame<double>(3.0);
    }
    ExpectResumes(
        [&] {
          return std::make_unique<EyeMaker>(options, ViewLayoutOf("sbs"), canvas, source, places,
                                            nullptr);
        },
        [&](EyeMaker* maker, int i) {
          EyeInput input;
          input.color = Picture(i, format);
          input.depth = Map(i);
          input.new_scene = Begins(i);
          input.index = i;
          input.seconds = i / 24.0;
          maker->Push(std::move(input));
          const std::optional<PackedFrame> frame = maker->Pop();
          return (frame ? Bytes(frame->image) : "passed over") +
                 Text(maker->scenes(), maker->mean_hole_share(), maker->mean_shift());
        });
    options.sheet = true;
    EyeMaker maker(options, ViewLayoutOf("sbs"), canvas, source, places, nullptr);
    EXPECT_FALSE(maker.CanSave());
    State state;
    ExpectError(Code::kUnsupported, "sheet", [&] { maker.Save(&state); });
  }
}

}  // namespace
}  // namespace mdvt::test
