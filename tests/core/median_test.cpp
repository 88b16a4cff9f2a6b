// SPDX-License-Identifier: Apache-2.0
#include "core/median.h"

#include <gtest/gtest.h>

namespace mdvt {
namespace {

TEST(Median, IsTheUpperMiddle) {
  EXPECT_EQ(Median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(Median(std::vector<double>{4, 1, 3, 2}), 3);
  EXPECT_EQ(Median(std::vector<float>{5}), 5);
  EXPECT_EQ(Median(std::vector<double>{}), 0);
  std::vector<int> values = {9, 7, 8};
  EXPECT_EQ(Median(&values), 8);
  EXPECT_EQ(values[1], 8) << "reordered in place";
}

}  // namespace
}  // namespace mdvt
