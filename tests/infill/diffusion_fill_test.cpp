// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/diffusion_fill.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class DiffusionFillTest : public ::testing::Test {
 protected:
  DiffusionParts Parts(const std::string& unet, const std::string& decoder = "decode") {
    WriteToyParts(dir_.path().string(), unet, decoder);
    DiffusionParts parts;
    parts.unet = OpenToy(dir_ / "toy_unet.toy");
    parts.vae_encoder = OpenToy(dir_ / "toy_vae_encoder.toy");
    parts.image_encoder = OpenToy(dir_ / "toy_image_encoder.toy");
    parts.vae_decoder = OpenToy(dir_ / "toy_vae_decoder.toy");
    return parts;
  }
  // Squares of 8 x 8 pixels of one colour each, which the toy's latents hold exactly.
  static Image Squares(int width, int height, int frame, float contrast = 0.5f) {
    Image image(PixelFormat::RgbF32(), width, height);
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; ++x)
          image.MutablePlane<float>(plane).At(x, y) =
              0.25f +
              contrast * static_cast<float>((x / 8 * (plane + 3) + y / 8 * 5 + frame) % 16) / 16;
    return image;
  }
  static Image Mask(int width, int height, int begin, int end) {
    Image mask(PixelFormat::Gray(8), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        mask.MutablePlane<uint8_t>().At(x, y) = x >= begin && x < end ? 255 : 0;
    return mask;
  }
  void Make(int width, int height, int frames, int begin, int end, float contrast = 0.5f) {
    pictures_.clear();
    masks_.clear();
    for (int f = 0; f < frames; ++f) {
      pictures_.push_back(Squares(width, height, f, contrast));
      masks_.push_back(Mask(width, height, begin, end));
    }
  }
  static std::vector<Image> Run(ClipFill* fill, const std::vector<Image>& pictures,
                                const std::vector<Image>& masks, int64_t first, bool mirror) {
    HoleClip clip;
    clip.pictures = pictures;
    clip.masks = masks;
    clip.first_frame = first;
    clip.mirror = mirror;
    return fill->Fill(clip);
  }
  static float Worst(const Image& a, const Image& b) {
    float worst = 0;
    for (int plane = 0; plane < 3; ++plane)
      for (int y = 0; y < a.height(); ++y)
        for (int x = 0; x < a.width(); ++x)
          worst = std::max(
              worst, std::fabs(a.Plane<float>(plane).At(x, y) - b.Plane<float>(plane).At(x, y)));
    return worst;
  }

  const TempDir dir_;
  std::vector<Image> pictures_, masks_;
};

TEST_F(DiffusionFillTest, APassThroughGivesTheInputBack) {
  DiffusionOptions options;
  options.tile_width = options.tile_height = 64;
  options.overlap = 24;
  DiffusionFill fill(Parts("pass"), options);
  for (const bool mirror : {false, true}) {
    Make(200, 72, 3, 40, 120);
    const std::vector<Image> filled = Run(&fill, pictures_, masks_, 0, mirror);
    ASSERT_EQ(filled.size(), 3u);
    for (size_t f = 0; f < 3; ++f) EXPECT_LT(Worst(filled[f], pictures_[f]), 1e-4f);
  }
}

TEST_F(DiffusionFillTest, OnlyHolesChange) {
  DiffusionFill fill(Parts("free"), {});
  Make(64, 64, 2, 16, 32);
  const std::vector<Image> filled = Run(&fill, pictures_, masks_, 0, false);
  int changed = 0;
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 64; ++x) {
      const bool same = filled[1].Plane<float>().At(x, y) == pictures_[1].Plane<float>().At(x, y);
      if (x < 16 || x >= 32) {
        ASSERT_TRUE(same);
      }
      changed += !same;
    }
  EXPECT_GT(changed, 900);
}

TEST_F(DiffusionFillTest, ReachesTheClosedFormOfThePainter) {
  DiffusionOptions options;
  options.match_colors = options.blend_rim = false;
  options.steps = 7;
  DiffusionFill fill(Parts("paint"), options);
  Make(64, 64, 2, 16, 32);
  const std::vector<Image> filled = Run(&fill, pictures_, masks_, 0, false);
  // The embedding is the mean of the first picture, in [0, 1]; the picture is made of [-1, 1].
  double mean = 0;
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < 64; ++y)
      for (int x = 0; x < 64; ++x)
        mean += double{pictures_[0].Plane<float>(plane).At(x, y)} / (3 * 64 * 64);
  EXPECT_NEAR(double{filled[1].Plane<float>(1).At(20, 30)}, (mean + 1) / 2, 0.02);
}

TEST_F(DiffusionFillTest, ASeedMeansTheSameEverywhere) {
  DiffusionOptions options;
  options.match_colors = false;
  Make(128, 64, 5, 16, 100, 0);
  DiffusionFill fill(Parts("free"), options);
  const std::vector<Image> once = Run(&fill, pictures_, masks_, 0, false);
  ThreadPool pool(3);
  DiffusionFill again(Parts("free"), options, &pool);
  EXPECT_EQ(Worst(once[2], Run(&again, pictures_, masks_, 0, false)[2]), 0);
  // Frames keep their noise wherever a chunk begins; the mirrored eye has the same.
  const std::vector<Image> tail(pictures_.begin() + 2, pictures_.end());
  const std::vector<Image> tail_masks(masks_.begin() + 2, masks_.end());
  EXPECT_EQ(Worst(once[3], Run(&fill, tail, tail_masks, 2, false)[1]), 0);
  EXPECT_EQ(Worst(once[3], Run(&fill, pictures_, masks_, 0, true)[3]), 0);
  options.seed = 7;
  DiffusionFill other(Parts("free"), options);
  EXPECT_GT(Worst(once[2], Run(&other, pictures_, masks_, 0, false)[2]), 0.1f);
}

TEST_F(DiffusionFillTest, NoiseIsNormal) {
  double sum = 0, squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double n = double{DiffusionFill::Noise(3, i / 400, i % 4, i / 20 % 20, i % 20)};
    sum += n;
    squares += n * n;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST_F(DiffusionFillTest, MatchesColors) {
  Make(64, 64, 3, 24, 40);
  DiffusionOptions options;
  DiffusionFill matched(Parts("pass", "tinted"), options);
  EXPECT_LT(Worst(Run(&matched, pictures_, masks_, 0, false)[1], pictures_[1]), 0.01f);
  options.match_colors = options.blend_rim = false;
  DiffusionFill plain(Parts("pass", "tinted"), options);
  EXPECT_GT(Worst(Run(&plain, pictures_, masks_, 0, false)[1], pictures_[1]), 0.05f);
}

// A network that is brighter all over: the rim tells, and the membrane takes it away.
TEST_F(DiffusionFillTest, TheRimIsEvenedOut) {
  Make(128, 64, 2, 24, 40);
  DiffusionOptions options;
  options.match_colors = false;
  options.tile_width = options.tile_height = 64;
  options.overlap = 32;
  DiffusionFill blended(Parts("pass", "brighter"), options);
  for (const bool mirror : {false, true})
    EXPECT_LT(Worst(Run(&blended, pictures_, masks_, 0, mirror)[1], pictures_[1]), 1e-3f);
  options.blend_rim = false;
  DiffusionFill plain(Parts("pass", "brighter"), options);
  EXPECT_NEAR(double{Worst(Run(&plain, pictures_, masks_, 0, false)[1], pictures_[1])}, 0.05, 1e-3);
}

// What is wanted but no hole is known to the network, and made by it all the same.
TEST_F(DiffusionFillTest, MakesKnownPixelsAnewWhereWanted) {
  Make(64, 64, 2, 16, 32);
  DiffusionOptions options;
  options.match_colors = options.blend_rim = false;
  DiffusionFill fill(Parts("paint", "brighter"), options);
  HoleClip clip;
  clip.pictures = pictures_;
  clip.masks = {Mask(64, 64, 0, 0), Mask(64, 64, 0, 0)};
  clip.wanted = {masks_[0], Mask(64, 64, 0, 0)};
  const std::vector<Image> filled = fill.Fill(clip);
  EXPECT_EQ(Worst(filled[1], pictures_[1]), 0);
  EXPECT_NEAR(double{filled[0].Plane<float>().At(20, 30)},
              double{pictures_[0].Plane<float>().At(20, 30)} + 0.05, 1e-3);
  EXPECT_EQ(filled[0].Plane<float>().At(40, 30), pictures_[0].Plane<float>().At(40, 30));
  clip.wanted.pop_back();
  ExpectError(Code::kInvalidArgument, "as many masks as pictures", [&] { fill.Fill(clip); });
}

TEST_F(DiffusionFillTest, PassesOverWhatHasNoHoles) {
  DiffusionOptions options;
  options.tile_width = options.tile_height = 64;
  options.overlap = 0;
  options.steps = 2;
  DiffusionFill fill(Parts("pass"), options);
  Make(192, 64, 2, 70, 80);  // in the second of three tiles
  ToyRuns() = 0;
  Run(&fill, pictures_, masks_, 0, false);
  EXPECT_EQ(ToyRuns(), 1 + 1 + 2 + 1);  // embed, encode, two steps, decode
  options.guidance = 1.5;
  DiffusionFill guided(Parts("pass"), options);
  ToyRuns() = 0;
  Run(&guided, pictures_, masks_, 0, false);
  EXPECT_EQ(ToyRuns(), 1 + 1 + 4 + 1);
  Make(192, 64, 2, 0, 0);
  ToyRuns() = 0;
  Run(&fill, pictures_, masks_, 0, false);
  EXPECT_EQ(ToyRuns(), 0);
}

TEST_F(DiffusionFillTest, RefusesOtherContracts) {
  DiffusionParts parts = Parts("pass");
  std::swap(parts.vae_encoder, parts.vae_decoder);
  ExpectError(Code::kUnsupported,
              "the role \"vae_decoder\", here \"infill_part\" with the role "
              "\"vae_encoder\"",
              [&] { parts.Check(); });
  parts = Parts("pass");
  nlohmann::json other = PartMetadata("vae_decoder");
  other["group"] = "another";
  parts.vae_decoder = OpenToy(WriteToy(dir_ / "other.toy", "decode", other));
  ExpectError(Code::kUnsupported, "belongs to the group 'another'", [&] { parts.Check(); });
  parts.vae_decoder = nullptr;
  ExpectError(Code::kInvalidArgument, "vae_decoder is missing", [&] { parts.Check(); });
  nlohmann::json epsilon = PartMetadata("unet");
  epsilon["scheduler"]["prediction"] = "epsilon";
  const auto unet = OpenToy(WriteToy(dir_ / "epsilon.toy", "pass", epsilon));
  ExpectError(Code::kUnsupported, "prediction = epsilon",
              [&] { DiffusionScheduler::From(unet->info()); });
  DiffusionOptions options;
  options.tile_width = 100;
  ExpectError(Code::kInvalidArgument, "tile_width = 100", [&] { options.Check(); });
}

TEST(DiffusionScheduler, HasTheLevelsOfEdm) {
  const DiffusionScheduler scheduler;
  const std::vector<double> sigmas = scheduler.Sigmas(5);
  ASSERT_EQ(sigmas.size(), 6u);
  EXPECT_NEAR(sigmas[0], 700, 1e-9);
  EXPECT_NEAR(sigmas[4], 0.002, 1e-12);
  EXPECT_EQ(sigmas[5], 0);
  // Halfway in the seventh root.
  EXPECT_NEAR(sigmas[2], std::pow((std::pow(700, 1 / 7.0) + std::pow(0.002, 1 / 7.0)) / 2, 7),
              1e-9);
}

}  // namespace
}  // namespace mdvt::test
