// SPDX-License-Identifier: Apache-2.0
#include "pipeline/per_frame.h"

#include <gtest/gtest.h>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

TEST(PerFrame, AFixedValueHoldsForAllFrames) {
  const PerFrame<double> value(2.5);
  EXPECT_TRUE(value.fixed());
  EXPECT_TRUE(value.values().empty());
  EXPECT_EQ(value.At(0), 2.5);
  EXPECT_EQ(value.At(1000000), 2.5);
}

TEST(PerFrame, EveryFrameHasItsOwn) {
  const PerFrame<int> value({3, 1, 4}, "clip.json", "number");
  EXPECT_FALSE(value.fixed());
  EXPECT_EQ(value.At(0), 3);
  EXPECT_EQ(value.At(2), 4);
}

TEST(PerFrame, TooFewAreToldWithFileAndCount) {
  const PerFrame<int> value({3, 1, 4}, "clip.json", "field of view");
  ExpectError(Code::kCorrupt, "'clip.json' holds the field of view of 3 frames",
              [&] { value.At(3); });
  ExpectError(Code::kCorrupt, "'clip.json' holds no field of view",
              [] { PerFrame<int>(std::vector<int>(), "clip.json", "field of view"); });
}

}  // namespace
}  // namespace mdvt::test
