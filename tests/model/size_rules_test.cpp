// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/size_rules.h"

#include <gtest/gtest.h>

#include <ostream>

#include "mdvt/core/error.h"

namespace mdvt {

void PrintTo(const PixelSize& size, std::ostream* out) { *out << size.width << "x" << size.height; }

namespace {

struct Row {
  PixelSize video;
  PixelSize decoded;
  PixelSize network;
};

// The sizes that the original tool arrives at.
TEST(SizeRules, FollowTheTableOfTheOriginal) {
  const Row rows[] = {
      {{1920, 1080}, {922, 518}, {924, 518}}, {{1440, 1080}, {692, 518}, {686, 518}},
      {{1920, 800}, {1244, 518}, {910, 378}}, {{2048, 858}, {1236, 518}, {938, 392}},
      {{1998, 1080}, {958, 518}, {938, 504}}, {{640, 360}, {640, 360}, {924, 518}},
      {{1080, 1920}, {518, 922}, {518, 924}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(DecodedSize(row.video, 518), row.decoded);
    EXPECT_EQ(NetworkSize(row.decoded, 518), row.network);
  }
}

TEST(SizeRules, CountTokens) {
  const PixelSize network = NetworkSize({922, 518}, 518);
  EXPECT_EQ(network.width / 14 * (network.height / 14), 2442);
}

TEST(SizeRules, RaiseAnInputSizeThatIsNoMultiple) {
  EXPECT_EQ(NetworkSize(DecodedSize({1920, 1080}, 440), 440), (PixelSize{784, 448}));
}

TEST(SizeRules, AreAlwaysMultiplesAndNeverEmpty) {
  const int sides[] = {1, 2, 13, 14, 15, 100, 359, 1081, 4096, 16384};
  for (const int width : sides) {
    for (const int height : sides) {
      for (const int input_size : {14, 100, 518, 1022}) {
        const PixelSize decoded = DecodedSize({width, height}, input_size);
        EXPECT_GE(decoded.width, 1);
        EXPECT_GE(decoded.height, 1);
        const PixelSize network = NetworkSize(decoded, input_size);
        EXPECT_GT(network.width, 0);
        EXPECT_GT(network.height, 0);
        EXPECT_EQ(network.width % 14, 0);
        EXPECT_EQ(network.height % 14, 0);
      }
    }
  }
}

TEST(SizeRules, RefuseSizesOutOfRange) {
  EXPECT_THROW(DecodedSize({0, 10}, 518), Error);
  EXPECT_THROW(DecodedSize({10, 10}, 13), Error);
  EXPECT_THROW(NetworkSize({10, -1}, 518), Error);
  EXPECT_THROW(NetworkSize({10, 10}, 20000), Error);
  EXPECT_THROW(NetworkSize({10, 10}, 518, 0), Error);
}

}  // namespace
}  // namespace mdvt
