// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/observed_fill.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "io/expect_error.h"
#include "support/pictures.h"
#include "support/raycast.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr double kBaseline = 0.12;

ObservedFillOptions Hard() {
  ObservedFillOptions options;
  options.soft_rim = 0;  // rays of pixel centres mix nothing
  return options;
}

HoleMap HolesOf(const Image& mask) {
  HoleMap holes;
  holes.Reset(mask.width(), mask.height());
  for (int y = 0; y < mask.height(); ++y) {
    const uint8_t* row = mask.Plane<uint8_t>().Row(y);
    for (int x = 0; x < mask.width();) {
      if (row[x] == 0) {
        ++x;
        continue;
      }
      HoleSpan span;
      span.begin = x;
      while (x < mask.width() && row[x] != 0) ++x;
      span.end = x;
      span.background = HoleSide::kLeft;
      span.at_border = span.begin == 0 || span.end == mask.width();
      holes.rows[static_cast<size_t>(y)].push_back(span);
    }
  }
  return holes;
}

void Blacken(const HoleMap& holes, Image* image) {
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < holes.height; ++y)
      for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)])
        std::fill(image->MutablePlane<uint8_t>(plane).Row(y) + span.begin,
                  image->MutablePlane<uint8_t>(plane).Row(y) + span.end, uint8_t{0});
}

// A left eye of a clip, what its frame does not show, and the frames around.
struct EyeScene {
  explicit EyeScene(const Clip& clip, int now = 6, int frames = 13)
      : caster(clip.scene), view(clip.At(now)), eye(EyeOf(view, -1, kBaseline)) {
    for (int f = 0; f < frames; ++f) {
      const View one = clip.At(f);
      colors.push_back(caster.Color(one, PixelFormat::Rgb(8)));
      depths.push_back(caster.Depth(one));
      ObservedView source;
      source.color = colors.back().view();
      source.depth = depths.back().Plane<float>();
      source.camera = one.camera;
      source.world_from_cam = one.world_from_cam;
      source.index = f;
      views.push_back(source);
    }
    own = static_cast<size_t>(now);
    truth = caster.Color(eye, PixelFormat::Rgb(8));
    holes = HolesOf(caster.Unseen(eye, view));
    picture = truth.Clone();
    Blacken(holes, &picture);
  }

  FillCounts Fill(const ObservedFillOptions& options = Hard(), ThreadPool* pool = nullptr) {
    filled = picture.Clone();
    provenance = Image(PixelFormat::Gray(8), truth.width(), truth.height());
    return ObservedFill(options, pool)
        .Fill(holes, eye.camera, eye.world_from_cam, views, own, filled.mutable_view(),
              provenance.MutablePlane<uint8_t>());
  }

  // Over the pixels of one provenance.
  double Psnr(Provenance of) const {
    double sum = 0;
    int64_t count = 0;
    for (int y = 0; y < truth.height(); ++y) {
      for (int x = 0; x < truth.width(); ++x) {
        if (provenance.Plane<uint8_t>().At(x, y) != static_cast<uint8_t>(of)) continue;
        for (int plane = 0; plane < 3; ++plane) {
          const double d = SampleOf(filled, plane, x, y) - SampleOf(truth, plane, x, y);
          sum += d * d;
          ++count;
        }
      }
    }
    return count == 0
               ? 0
               : 10 * std::log10(255.0 * 255.0 * static_cast<double>(count) / std::max(sum, 1e-9));
  }

  RayCaster caster;
  View view, eye;
  std::vector<Image> colors, depths;
  std::vector<ObservedView> views;
  size_t own = 0;
  Image truth, picture, filled, provenance;
  HoleMap holes;
};

TEST(ObservedFill, TakesWhatOtherFramesHaveSeen) {
  EyeScene scene(Scenes::Room());
  const FillCounts counts = scene.Fill();
  ASSERT_GT(counts.holes, 300);
  EXPECT_GT(counts.observed, counts.holes * 6 / 10);
  EXPECT_GT(scene.Psnr(Provenance::kObserved), 32);
  // No other pixel changes.
  for (int y = 0; y < scene.truth.height(); ++y)
    for (int x = 0; x < scene.truth.width(); ++x)
      if (scene.provenance.Plane<uint8_t>().At(x, y) == 0) {
        ASSERT_EQ(SampleOf(scene.filled, 0, x, y), SampleOf(scene.truth, 0, x, y));
      }
}

TEST(ObservedFill, ExtendsWhatNoFrameHasSeen) {
  EyeScene scene(Scenes::Room());
  scene.views = {scene.views[scene.own]};  // nothing but its own frame
  scene.own = 0;
  const FillCounts counts = scene.Fill();
  EXPECT_LT(counts.observed, counts.holes / 20);  // rims alone
  EXPECT_GT(scene.Psnr(Provenance::kExtended), 15);
}

TEST(ObservedFill, MatchesBrightness) {
  EyeScene scene(Scenes::Room());
  scene.Fill();
  const Image even = scene.filled.Clone();
  // The other frames are darker by 20 levels.
  for (size_t f = 0; f < scene.colors.size(); ++f) {
    if (f == scene.own) continue;
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < 180; ++y)
        for (int x = 0; x < 320; ++x)
          SetSample(scene.colors[f], plane, x, y,
                    std::max(0, SampleOf(scene.colors[f], plane, x, y) - 20));
  }
  scene.Fill();
  EXPECT_GT(scene.Psnr(Provenance::kObserved), 30);
}

TEST(ObservedFill, LooksAtNothingThatMoves) {
  EyeScene scene(Scenes::Room());
  Image moving(PixelFormat::Gray(8), 320, 180);
  for (int y = 0; y < 180; ++y) std::fill_n(moving.MutablePlane<uint8_t>().Row(y), 320, 255);
  for (ObservedView& view : scene.views) view.moving = moving.Plane<uint8_t>();
  EXPECT_EQ(scene.Fill().observed, 0);
}

TEST(ObservedFill, MixesTheForegroundIntoTheRim) {
  EyeScene scene(Scenes::Room());
  scene.Fill();
  const Image hard = scene.filled.Clone();
  ObservedFillOptions options;
  options.soft_rim = 0.5;
  scene.Fill(options);
  int changed = 0;
  for (int y = 0; y < 180; ++y) {
    for (const HoleSpan& span : scene.holes.rows[static_cast<size_t>(y)]) {
      for (int x = span.begin; x + 1 < span.end; ++x)
        ASSERT_EQ(SampleOf(scene.filled, 1, x, y), SampleOf(hard, 1, x, y));
      if (span.end == 320) continue;
      const int mean =
          (SampleOf(hard, 1, span.end - 1, y) + SampleOf(hard, 1, span.end, y) + 1) / 2;
      ASSERT_NEAR(SampleOf(scene.filled, 1, span.end - 1, y), mean, 1);
      changed += mean != SampleOf(hard, 1, span.end - 1, y);
    }
  }
  EXPECT_GT(changed, 50);
}

TEST(ObservedFill, IsTheSameForEveryThreadCount) {
  EyeScene scene(Scenes::Room(160, 90));
  scene.Fill();
  const Image alone = scene.filled.Clone();
  ThreadPool pool(3);
  scene.Fill(Hard(), &pool);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < 90; ++y)
      for (int x = 0; x < 160; ++x)
        ASSERT_EQ(SampleOf(scene.filled, plane, x, y), SampleOf(alone, plane, x, y));
}

TEST(ObservedFill, RefusesWhatDoesNotFit) {
  EyeScene scene(Scenes::Room(64, 36), 1, 3);
  scene.holes.width = 63;
  ExpectError(Code::kInvalidArgument, "the hole map is 63x36", [&] { scene.Fill(); });
  scene.holes.width = 64;
  scene.own = 3;
  ExpectError(Code::kInvalidArgument, "no frame that the picture was made of",
              [&] { scene.Fill(); });
  scene.own = 1;
  scene.views[2].depth.width = 32;
  ExpectError(Code::kInvalidArgument, "frame 2 do not fit", [&] { scene.Fill(); });
  ObservedFillOptions options;
  options.depth_tolerance = 0;
  ExpectError(Code::kInvalidArgument, "depth_tolerance = 0", [&] { ObservedFill fill(options); });
}

// A foreground of constant colour over a background whose texture moves by (dx, 0) a frame; the
// hole is 12 pixels left of the foreground, which stands still.
struct FlowScene {
  static constexpr int kWidth = 96, kHeight = 24, kHole = 40, kEdge = 52;

  static int Background(int x, int y, int frame, int dx) {
    return 120 + static_cast<int>(std::lround(50 * std::sin(0.35 * (x - dx * frame)) +
                                              30 * std::cos(0.5 * y + 0.11 * (x - dx * frame))));
  }

  explicit FlowScene(int dx, int frames = 9) {
    for (int f = 0; f < frames; ++f) {
      truths.push_back(MakePicture(PixelFormat::Gray(8), kWidth, kHeight, [&](int, int x, int y) {
        return x >= kEdge ? 20 : Background(x, y, f, dx);
      }));
      pictures.push_back(truths.back().Clone());
      for (int y = 0; y < kHeight; ++y)
        for (int x = kHole; x < kEdge; ++x) SetSample(pictures.back(), 0, x, y, 0);
      for (const int sign : {1, -1}) {
        std::vector<Eigen::Vector2f> field(size_t{kWidth} * kHeight, Eigen::Vector2f::Zero());
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kHole; ++x)
            field[static_cast<size_t>(y) * kWidth + static_cast<size_t>(x)] = {
                static_cast<float>(sign * dx), 0};
        fields.push_back(field);
      }
    }
    holes.Reset(kWidth, kHeight);
    for (auto& row : holes.rows) {
      HoleSpan span;
      span.begin = kHole;
      span.end = kEdge;
      span.background = HoleSide::kLeft;
      row.push_back(span);
    }
    for (std::vector<Eigen::Vector2f>& field : fields) CompleteFlow(holes, 2, Mutable(&field));
    for (int f = 0; f < frames; ++f) {
      FlowFrame frame;
      frame.picture = pictures[static_cast<size_t>(f)].view();
      frame.holes = &holes;
      if (f + 1 < frames) frame.to_next = Mutable(&fields[static_cast<size_t>(2 * f)]);
      if (f > 0) frame.to_previous = Mutable(&fields[static_cast<size_t>(2 * f + 1)]);
      flow.push_back(frame);
    }
  }
  static PlaneView<Eigen::Vector2f> Mutable(std::vector<Eigen::Vector2f>* field) {
    return {field->data(), sizeof(Eigen::Vector2f) * kWidth, kWidth, kHeight};
  }

  std::vector<Image> truths, pictures;
  std::vector<std::vector<Eigen::Vector2f>> fields;
  HoleMap holes;
  std::vector<FlowFrame> flow;
};

TEST(FlowFill, FollowsTheBackground) {
  // By two pixels to the left a frame: the frames after show all of the twelve pixels, the last of
  // them seven frames later.
  FlowScene scene(-2, 18);
  Image filled = scene.pictures[7].Clone();
  Image provenance(PixelFormat::Gray(8), FlowScene::kWidth, FlowScene::kHeight);
  const FillCounts counts = FlowFill(Hard()).Fill(scene.flow, 7, filled.mutable_view(),
                                                  provenance.MutablePlane<uint8_t>());
  EXPECT_EQ(counts.holes, 12 * FlowScene::kHeight);
  // All but those in the outermost rows, which are not followed.
  EXPECT_EQ(counts.observed, 12 * (FlowScene::kHeight - 2));
  for (int y = 1; y + 1 < FlowScene::kHeight; ++y)
    for (int x = FlowScene::kHole; x < FlowScene::kEdge; ++x)
      ASSERT_NEAR(SampleOf(filled, 0, x, y), SampleOf(scene.truths[7], 0, x, y), 1)
          << x << " " << y;
}

TEST(FlowFill, CannotSeeBehindWhatMovesAlong) {
  FlowScene scene(0);
  Image filled = scene.pictures[4].Clone();
  const FillCounts counts = FlowFill(Hard()).Fill(scene.flow, 4, filled.mutable_view(), {});
  EXPECT_EQ(counts.observed, 0);
  EXPECT_NE(SampleOf(filled, 0, FlowScene::kHole + 3, 5), 0);  // extended
}

TEST(FlowFill, RefusesFramesWhoseRimsDisagree) {
  FlowScene scene(-2, 15);
  // A checkerboard over the other frames: their colours mean nothing.
  for (size_t f = 0; f < scene.pictures.size(); ++f)
    if (f != 7)
      for (int y = 0; y < FlowScene::kHeight; ++y)
        for (int x = 0; x < FlowScene::kHole; ++x)
          SetSample(scene.pictures[f], 0, x, y, (x + y) % 2 == 0 ? 0 : 255);
  Image filled = scene.pictures[7].Clone();
  EXPECT_EQ(FlowFill(Hard()).Fill(scene.flow, 7, filled.mutable_view(), {}).observed, 0);
}

TEST(CompleteFlow, TakesTheMotionOfTheBackground) {
  FlowScene scene(3);
  // The foreground's is zero, and so was the hole's.
  EXPECT_EQ(scene.fields[0][5 * FlowScene::kWidth + FlowScene::kHole + 6], Eigen::Vector2f(3, 0));
  EXPECT_EQ(scene.fields[0][5 * FlowScene::kWidth + FlowScene::kEdge], Eigen::Vector2f(0, 0));
  std::vector<Eigen::Vector2f> half(48 * 12, Eigen::Vector2f(1, 0));
  for (size_t i = 0; i < half.size(); ++i)
    if (i % 48 >= 20) half[i] = {9, 9};
  CompleteFlow(scene.holes, 1, {half.data(), sizeof(Eigen::Vector2f) * 48, 48, 12});
  EXPECT_EQ(half[5 * 48 + 24], Eigen::Vector2f(1, 0));
  ExpectError(Code::kInvalidArgument, "margin = 65", [&] {
    CompleteFlow(scene.holes, 65, {half.data(), sizeof(Eigen::Vector2f) * 48, 48, 12});
  });
}

TEST(ChooseViews, TakesTheNearestAndSomeFartherInTime) {
  // A camera that moves 50 mm to the right with every frame; the view is 30 mm right of frame 0.
  std::vector<ObservedView> views;
  for (int f = -12; f <= 12; ++f) {
    if (f == 0) continue;
    ObservedView view;
    view.world_from_cam.translation().x() = 0.05 * f;
    view.index = f;
    views.push_back(view);
  }
  const ObservedView own;
  Pose eye = Pose::Identity();
  eye.translation().x() = 0.03;
  const auto indices = [&](size_t most) {
    std::vector<int64_t> found;
    for (const ObservedView& view : ChooseViews(views, own, eye, most)) found.push_back(view.index);
    return found;
  };
  EXPECT_EQ(indices(1), (std::vector<int64_t>{1}));
  // Nearest are 1, 2 (70 mm) and -1 (80 mm); the others lie at the ends of the window and between.
  const std::vector<int64_t> six = indices(6);
  ASSERT_EQ(six.size(), 6u);
  EXPECT_TRUE(std::is_sorted(six.begin(), six.end()));
  for (const int64_t wanted : {-12, -1, 1, 2, 12})
    EXPECT_EQ(std::count(six.begin(), six.end(), wanted), 1) << wanted;
  EXPECT_EQ(indices(24).size(), 24u);
  EXPECT_EQ(indices(100).size(), 24u);
}

TEST(MarkExtended, CountsAndMarksTheHoles) {
  HoleMap holes;
  holes.Reset(8, 2);
  HoleSpan span;
  span.begin = 2;
  span.end = 5;
  holes.rows[1].push_back(span);
  Image from(PixelFormat::Gray(8), 8, 2);
  const FillCounts counts = MarkExtended(holes, from.MutablePlane<uint8_t>());
  EXPECT_EQ(counts.holes, 3);
  EXPECT_EQ(counts.observed, 0);
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 8; ++x)
      EXPECT_EQ(SampleOf(from, 0, x, y), y == 1 && x >= 2 && x < 5 ? 128 : 0) << x << "," << y;
  EXPECT_EQ(MarkExtended(holes, {}).holes, 3);
  ExpectError(Code::kInvalidArgument, "another size", [&] {
    Image small(PixelFormat::Gray(8), 4, 2);
    MarkExtended(holes, small.MutablePlane<uint8_t>());
  });
}

}  // namespace
}  // namespace mdvt::test
