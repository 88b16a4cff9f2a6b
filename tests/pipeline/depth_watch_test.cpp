// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_watch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "io/expect_error.h"
#include "support/log_catcher.h"

namespace mdvt {
namespace {

constexpr float kEnd = 100;

// What is told of a film of such frames of two pixels.
std::vector<std::string> Told(const std::vector<std::vector<float>>& frames) {
  test::LogCatcher log;
  DepthWatch watch = DepthWatch::OfFile("d.mkv", kEnd);
  for (const std::vector<float>& frame : frames)
    watch.Look({frame.data(), 8, static_cast<int>(frame.size()), 1});
  watch.Tell();
  return log.lines;
}

TEST(DepthWatch, OrdinaryDepthNeedsNoWord) {
  EXPECT_TRUE(Told({{1, 2}}).empty());
  EXPECT_TRUE(Told({{0, 0}, {1, 1}, {1, 1.5f}}).empty());
  EXPECT_TRUE(Told({{1, kEnd}}).empty());  // a wall before the sky
  EXPECT_TRUE(Told({{3, 3}, {4, 4}}).empty());
  EXPECT_TRUE(Told({}).empty());  // another error is on its way
}

TEST(DepthWatch, OneValueIsToldWithWhatToTry) {
  const auto lines = Told({{2.5f, 2.5f}, {2.5f, 0}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("'d.mkv' is 2.500 everywhere"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("--encoding"), std::string::npos) << lines[0];
}

TEST(DepthWatch, ClippedDepthIsToldWithWhatToTry) {
  const auto lines = Told({{kEnd, 0}, {kEnd, kEnd}});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("end of its range (100.000 m)"), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find("--max_depth"), std::string::npos) << lines[0];
}

// Disparity of 0 is far away, not missing.
TEST(DepthWatch, DisparityMayBeZero) {
  test::LogCatcher log;
  DepthWatch watch = DepthWatch::OfEstimates(false);
  const std::vector<float> row = {0, 0, 0};
  watch.Look({row.data(), 12, 3, 1});
  watch.Tell();
  ASSERT_EQ(log.lines.size(), 1u);
  EXPECT_TRUE(log.Says("the depth that was found is 0.000 everywhere")) << log.lines[0];
  const std::vector<float> other = {0, 0, 1};
  watch.Look({other.data(), 12, 3, 1});
  watch.Tell();
  EXPECT_EQ(log.lines.size(), 1u);
}

TEST(DepthWatch, DepthWithoutDataIsAnError) {
  test::ExpectError(Code::kRefused, "'d.mkv' holds no depth", [] { Told({{0, 0}, {0, 0}}); });
}

}  // namespace
}  // namespace mdvt
