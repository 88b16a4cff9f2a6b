// SPDX-License-Identifier: Apache-2.0
//
// The kernels of every instruction set against the plain definition, byte for byte.
#include "stereo/row_kernels.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "stereo/frame_warp.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using test::StereoPair;

// All instruction sets that this processor has.
std::vector<int64_t> Targets() {
  std::vector<int64_t> targets;
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    targets.push_back(rest & -rest);
  }
  return targets;
}

class RowKernels : public ::testing::Test {
 protected:
  void TearDown() override { hwy::SetSupportedTargetsForTest(0); }
};

TEST_F(RowKernels, AreTheSameBytesOnEveryInstructionSet) {
  std::mt19937_64 rng = test::Rng();
  const std::vector<PixelFormat> formats = {PixelFormat::Yuv(420, 8), PixelFormat::Yuv(420, 10),
                                            PixelFormat::Yuv(422, 8), PixelFormat::Yuv(444, 12),
                                            PixelFormat::Gray(8),     PixelFormat::Gray(16),
                                            PixelFormat::Rgb(8),      PixelFormat::Rgb(16)};
  const std::vector<std::pair<int, int>> sizes = {{1, 1},   {2, 1},   {3, 5},    {17, 4},  {31, 7},
                                                  {64, 64}, {257, 9}, {641, 33}, {1920, 6}};
  int case_number = 0;
  for (const auto& [width, height] : sizes) {
    for (const PixelFormat& format : formats) {
      for (const EdgeMode mode : {EdgeMode::kTear, EdgeMode::kStretch}) {
        ++case_number;
        StereoOptions options;
        const Image color = test::RandomImage(format, width, height, rng);
        const double noise = case_number % 3 == 0 ? 0.8 : case_number % 3 == 1 ? 0.002 : 0.02;
        Image depth = test::BusyDepth(width, height, rng, noise);
        options.inverse_depth = case_number % 5 < 2;
        if (options.inverse_depth) test::Invert(&depth);
        const Camera camera = test::CameraWithK(width, height, 2 + 0.03 * width);
        options.edges = mode;
        options.color.chroma_location = case_number % 4;
        const double convergence = case_number % 2 == 0 ? 0.0 : 3.0;

        StereoPair plain(format, width, height);
        stereo::FrameWarp(options, stereo::PlainKernels(), nullptr)
            .Render(color.view(), depth.Plane<float>(), camera, convergence, plain.LeftView(),
                    plain.RightView());
        for (const int64_t target : Targets()) {
          hwy::SetSupportedTargetsForTest(target);
          StereoPair pair(format, width, height);
          stereo::FrameWarp(options, stereo::BestKernels(), nullptr)
              .Render(color.view(), depth.Plane<float>(), camera, convergence, pair.LeftView(),
                      pair.RightView());
          hwy::SetSupportedTargetsForTest(0);
          EXPECT_TRUE(test::SamePair(plain, pair))
              << hwy::TargetName(target) << " " << format.ToString() << " " << width << "x"
              << height << " case " << case_number;
        }
      }
    }
  }
}

}  // namespace
}  // namespace mdvt
