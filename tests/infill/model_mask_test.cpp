// SPDX-License-Identifier: Apache-2.0
//
// Networks for masks and for painting over.
#include "mdvt/infill/model_mask.h"

#include <gtest/gtest.h>

#include <vector>

#include "infill/toy_models.h"
#include "io/expect_error.h"
#include "mdvt/infill/model_inpaint.h"
#include "support/pictures.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

Image Ramp(int width, int height, int most) {
  return MakePicture(PixelFormat::Rgb(8), width, height,
                     [=](int, int x, int) { return most * x / (width - 1); });
}

TEST(ModelMask, GivesWhatTheNetworkSays) {
  const TempDir dir;
  const auto model =
      OpenToy(WriteToy(dir / "segment.toy", "segment", SegmentMetadata("image_max")));
  ModelMaskOptions options;
  options.width = 32;
  options.height = 16;
  options.batch = 2;
  ModelMask mask(model, options);
  const std::vector<Image> masks = mask.Run({Ramp(32, 16, 100), Ramp(32, 16, 200)});
  ASSERT_EQ(masks.size(), 2u);
  // Over 255, whatever the picture's own maximum.
  EXPECT_NEAR(masks[0].Plane<float>().At(31, 3), 100 / 255.0, 1e-6);
  EXPECT_NEAR(masks[1].Plane<float>().At(31, 3), 200 / 255.0, 1e-6);
}

TEST(ModelMask, StretchesEachPictureForParity) {
  const TempDir dir;
  const auto model =
      OpenToy(WriteToy(dir / "segment.toy", "segment", SegmentMetadata("image_max")));
  ModelMaskOptions options;
  options.width = 32;
  options.height = 16;
  options.per_picture = true;
  ModelMask mask(model, options);
  const Image ramp = mask.Run({Ramp(32, 16, 100)})[0];
  EXPECT_EQ(ramp.Plane<float>().At(0, 3), 0);
  EXPECT_EQ(ramp.Plane<float>().At(31, 3), 1);
  const Image flat = MakePicture(PixelFormat::Rgb(8), 32, 16, [](int, int, int) { return 90; });
  EXPECT_EQ(mask.Run({flat})[0].Plane<float>().At(5, 5), 0);
  const Image black = MakePicture(PixelFormat::Rgb(8), 32, 16, [](int, int, int) { return 0; });
  EXPECT_EQ(mask.Run({black})[0].Plane<float>().At(5, 5), 0);
}

TEST(ModelMask, RefusesOtherContracts) {
  const TempDir dir;
  ModelMaskOptions options;
  options.width = options.height = 16;
  const auto other = OpenToy(WriteToy(dir / "other.toy", "inpaint", InpaintMetadata()));
  ExpectError(Code::kUnsupported, "kind \"inpaint\", masks need \"segment\"",
              [&] { ModelMask mask(other, options); });
  nlohmann::json classes = SegmentMetadata();
  classes["classes"] = {"sky", "ground"};
  const auto many = OpenToy(WriteToy(dir / "many.toy", "segment", classes));
  ExpectError(Code::kUnsupported, "several classes", [&] { ModelMask mask(many, options); });
  const auto model = OpenToy(WriteToy(dir / "segment.toy", "segment", SegmentMetadata()));
  options.batch = 5;
  ExpectError(Code::kInvalidArgument, "takes at most 4", [&] { ModelMask mask(model, options); });
  options.batch = 1;
  ModelMask mask(model, options);
  ExpectError(Code::kInvalidArgument, "must be RGB of 16x16", [&] { mask.Run({Ramp(8, 8, 9)}); });
}

TEST(ModelInpaint, PaintsTheMaskAndNothingElse) {
  const TempDir dir;
  const auto model = OpenToy(WriteToy(dir / "inpaint.toy", "inpaint", InpaintMetadata()));
  ModelInpaint inpaint(model, 30, 20);  // letterboxed or stretched to multiples of 8
  Image picture = Ramp(30, 20, 255);
  const Image before = picture.Clone();
  const Image mask = MakePicture(PixelFormat::Gray(8), 30, 20, [](int, int x, int y) {
    return x >= 10 && x < 20 && y >= 5 && y < 15 ? 255 : 0;
  });
  inpaint.Run(mask.Plane<uint8_t>(), picture.mutable_view());
  for (int y = 0; y < 20; ++y)
    for (int x = 0; x < 30; ++x) {
      ASSERT_EQ(SampleOf(picture, 1, x, y),
                SampleOf(mask, 0, x, y) != 0 ? 64 : SampleOf(before, 1, x, y));
    }
  const auto other = OpenToy(WriteToy(dir / "segment.toy", "segment", SegmentMetadata()));
  ExpectError(Code::kUnsupported, "painting over needs \"inpaint\"",
              [&] { ModelInpaint bad(other, 8, 8); });
}

}  // namespace
}  // namespace mdvt::test
