// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/holes.h"

#include <gtest/gtest.h>

namespace mdvt {
namespace {

TEST(HoleMap, ResetEmptiesEveryRowAndKeepsItsMemory) {
  HoleMap map;
  map.Reset(10, 3);
  ASSERT_EQ(map.rows.size(), 3u);
  map.rows[1].resize(50);
  const HoleSpan* memory = map.rows[1].data();
  map.Reset(20, 2);
  EXPECT_EQ(map.width, 20);
  EXPECT_EQ(map.height, 2);
  ASSERT_EQ(map.rows.size(), 2u);
  EXPECT_TRUE(map.rows[1].empty());
  map.rows[1].resize(50);
  EXPECT_EQ(map.rows[1].data(), memory);
  map.Reset(0, 0);
  EXPECT_TRUE(map.rows.empty());
}

}  // namespace
}  // namespace mdvt
