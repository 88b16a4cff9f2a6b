// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_pair.h"

#include <gtest/gtest.h>

#include <vector>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "pipeline/job_common.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(ClipPair, SizesThatDifferInOneSideAreRefused) {
  const TempDir dir;
  ClipShape shape;
  MakeDepth(dir / "depth.mkv", shape, Plane(2));
  for (const bool taller : {false, true}) {
    ClipShape other = shape;
    (taller ? other.height : other.width) += 2;
    MakeColor(dir / "color.mkv", other, PixelFormat::Yuv(444));
    ClipPairOptions options;
    options.depth_video = dir / "depth.mkv";
    options.color_video = dir / "color.mkv";
    ExpectError(Code::kInvalidArgument, "they must have the same size",
                [&] { ClipPair pair(options); });
  }
}

// A pixel that is twice as wide as high spans as much with half the focal length.
TEST(ClipCamera, OneFieldOfViewMakesTheOtherByTheShapeOfPixels) {
  FovOptions wide;
  wide.xfov_deg = 90;
  const Camera by_x = ClipCamera(wide, DepthTags(), 100, 50, {2, 1}, Limits()).At(0);
  EXPECT_NEAR(by_x.fx, 50, 1e-9);
  EXPECT_NEAR(by_x.fy, 100, 1e-9);
  FovOptions high;
  high.yfov_deg = 90;
  const Camera by_y = ClipCamera(high, DepthTags(), 100, 50, {2, 1}, Limits()).At(0);
  EXPECT_NEAR(by_y.fy, 25, 1e-9);
  EXPECT_NEAR(by_y.fx, 12.5, 1e-9);
}

TEST(ExpectedFrames, AreThoseThatAreLeft) {
  EXPECT_EQ(ExpectedFrames(10, 3, -1), 7);
  EXPECT_EQ(ExpectedFrames(10, 3, 5), 5);
  EXPECT_EQ(ExpectedFrames(10, 8, 5), 2);
  EXPECT_EQ(ExpectedFrames(10, 12, -1), 0);
  EXPECT_EQ(ExpectedFrames(0, 3, 4), 4);
  EXPECT_EQ(ExpectedFrames(0, 3, -1), 0);
}

}  // namespace
}  // namespace mdvt::test
