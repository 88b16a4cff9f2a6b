// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/feed_forward_fill.h"

#include <gtest/gtest.h>

#include <vector>

#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class FeedForwardFillTest : public ::testing::Test {
 protected:
  std::shared_ptr<const Model> Open(const nlohmann::json& meta, const std::string& does) {
    return OpenToy(WriteToy(dir_ / "net.toy", does, meta));
  }
  // Values that are exact in [0, 1] and in [-1, 1].
  static Image Picture(int width, int height, int frame) {
    Image image(PixelFormat::RgbF32(), width, height);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          image.MutablePlane<float>(c).At(x, y) =
              static_cast<float>((x * 7 + y * 3 + c * 11 + frame * 5) % 64) / 64;
    return image;
  }
  void Make(int width, int height, int frames, int begin, int end) {
    clip_ = {};
    for (int f = 0; f < frames; ++f) {
      clip_.pictures.push_back(Picture(width, height, f));
      clip_.originals.push_back(Picture(width, height, f + 100));
      Image mask(PixelFormat::Gray(8), width, height);
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          mask.MutablePlane<uint8_t>().At(x, y) = x >= begin && x < end ? 255 : 0;
      clip_.masks.push_back(mask);
    }
  }
  static FeedForwardOptions Plain() {
    FeedForwardOptions options;
    options.match_colors = options.blend_rim = false;
    return options;
  }
  // Expects holes of `made` and the rest of the pictures.
  void ExpectHoles(const std::vector<Image>& filled, const std::vector<Image>& made,
                   double tolerance) {
    ASSERT_EQ(filled.size(), clip_.pictures.size());
    for (size_t f = 0; f < filled.size(); ++f)
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < filled[f].height(); ++y)
          for (int x = 0; x < filled[f].width(); ++x) {
            const bool hole = clip_.masks[f].Plane<uint8_t>().At(x, y) > 127;
            const Image& from = hole ? made[f] : clip_.pictures[f];
            ASSERT_NEAR(double{filled[f].Plane<float>(c).At(x, y)},
                        double{from.Plane<float>(c).At(x, y)}, hole ? tolerance : 0)
                << "frame " << f << ", plane " << c << " at " << x << ", " << y;
          }
  }

  const TempDir dir_;
  HoleClip clip_;
};

TEST_F(FeedForwardFillTest, APassThroughGivesTheInputBack) {
  for (const bool symmetric : {false, true}) {
    FeedForwardFill fill(Open(InfillMetadata(4, 1, false, false, symmetric), "infill"), {});
    EXPECT_EQ(fill.chunk(), 4);
    EXPECT_EQ(fill.carry(), 1);
    EXPECT_FALSE(fill.needs_originals());
    for (const int frames : {1, 3, 4}) {
      Make(150, 70, frames, 60, 83);  // tiles of 64 x 64
      ExpectHoles(fill.Fill(clip_), clip_.pictures, 1e-5);
    }
  }
}

TEST_F(FeedForwardFillTest, LooksAtOriginalsWhereCellsAreMasked) {
  FeedForwardFill fill(Open(InfillMetadata(4, 1, true), "infill"), Plain());
  EXPECT_TRUE(fill.needs_originals());
  Make(150, 70, 3, 60, 83);
  for (const bool mirror : {false, true}) {
    clip_.mirror = mirror;
    ExpectHoles(fill.Fill(clip_), clip_.originals, 1e-6);
  }
  clip_.originals.clear();
  ExpectError(Code::kInvalidArgument, "looks at the video that the eyes were rendered of",
              [&] { fill.Fill(clip_); });
}

TEST_F(FeedForwardFillTest, PassesTilesWithoutHolesOver) {
  FeedForwardOptions options = Plain();
  options.overlap = 0;
  FeedForwardFill fill(Open(InfillMetadata(4, 1, false), "infill"), options);
  Make(192, 64, 2, 70, 80);  // in the second of three tiles
  ToyRuns() = 0;
  fill.Fill(clip_);
  EXPECT_EQ(ToyRuns(), 1);
}

TEST_F(FeedForwardFillTest, PaintersOfPicturesFillFrameByFrame) {
  FeedForwardFill fill(Open(InpaintMetadata(), "inpaint"), Plain());
  EXPECT_EQ(fill.chunk(), 1);
  EXPECT_EQ(fill.carry(), 0);
  Make(90, 40, 3, 60, 83);
  std::vector<Image> quarter;
  for (int f = 0; f < 3; ++f) {
    quarter.push_back(clip_.pictures[0].Clone());
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 40; ++y)
        std::fill_n(quarter.back().MutablePlane<float>(c).Row(y), 90, 0.25f);
  }
  ToyRuns() = 0;
  ExpectHoles(fill.Fill(clip_), quarter, 1e-6);
  EXPECT_EQ(ToyRuns(), 3);  // one tile each: the network takes any size
}

TEST_F(FeedForwardFillTest, RefusesWhatDoesNotFit) {
  ExpectError(Code::kUnsupported, "is of kind \"segment\"",
              [&] { FeedForwardFill(Open(SegmentMetadata(), "segment"), {}); });
  nlohmann::json other = InfillMetadata(4, 1, true);
  other["inputs"][2]["name"] = "depth";
  ExpectError(Code::kUnsupported, "\"inpaint\" takes with a window frames, a mask",
              [&] { FeedForwardFill(Open(other, "infill"), {}); });
  FeedForwardFill fill(Open(InfillMetadata(4, 1, false), "infill"), {});
  Make(64, 64, 5, 10, 20);
  ExpectError(Code::kInvalidArgument, "5 frames, the network takes at most 4",
              [&] { fill.Fill(clip_); });
  FeedForwardOptions options;
  options.overlap = 400;
  ExpectError(Code::kInvalidArgument, "overlap = 400", [&] { options.Check(); });
}

}  // namespace
}  // namespace mdvt::test
