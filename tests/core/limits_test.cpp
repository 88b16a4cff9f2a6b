// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/limits.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

Code CodeOfSize(const Limits& limits, int64_t width, int64_t height) {
  try {
    limits.CheckFrameSize(width, height, "clip.mp4");
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("clip.mp4"), std::string::npos) << error.what();
    return error.code();
  }
  ADD_FAILURE() << "nothing thrown";
  return Code::kInternal;
}

TEST(Limits, DefaultsAreFiniteAndValid) {
  const Limits limits;
  EXPECT_NO_THROW(limits.Check());
  EXPECT_NO_THROW(limits.CheckFrameSize(1, 1, "x"));
  EXPECT_NO_THROW(limits.CheckFrameSize(7680, 4320, "x"));
  EXPECT_NO_THROW(limits.CheckFrameSize(8192, 8192, "x"));
  EXPECT_NO_THROW(limits.CheckFrameSize(16384, 4096, "x"));
}

TEST(Limits, RefusesFramesThatAreTooLarge) {
  const Limits limits;
  EXPECT_EQ(CodeOfSize(limits, 8193, 8192), Code::kLimit);
  EXPECT_EQ(CodeOfSize(limits, 16385, 1), Code::kLimit);
  EXPECT_EQ(CodeOfSize(limits, 1, 16385), Code::kLimit);
  EXPECT_EQ(CodeOfSize(limits, int64_t{1} << 32, int64_t{1} << 32), Code::kLimit);
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(CodeOfSize(limits, kMax, kMax), Code::kLimit);
}

TEST(Limits, FormsProductsInSixtyFourBits) {
  Limits limits;
  limits.max_side = std::numeric_limits<int32_t>::max();
  // 65536 * 65536 = 2^32 would be 0 in 32 bits.
  EXPECT_EQ(CodeOfSize(limits, 65536, 65536), Code::kLimit);
  EXPECT_EQ(CodeOfSize(limits, limits.max_side, limits.max_side), Code::kLimit);
}

TEST(Limits, EmptyFramesAreCorrupt) {
  const Limits limits;
  EXPECT_EQ(CodeOfSize(limits, 0, 10), Code::kCorrupt);
  EXPECT_EQ(CodeOfSize(limits, 10, 0), Code::kCorrupt);
  EXPECT_EQ(CodeOfSize(limits, -1, 10), Code::kCorrupt);
  EXPECT_EQ(CodeOfSize(limits, 10, std::numeric_limits<int64_t>::min()), Code::kCorrupt);
}

TEST(Limits, ZeroMeansZero) {
  Limits limits;
  limits.max_pixels_per_frame = 0;
  EXPECT_NO_THROW(limits.Check());
  EXPECT_EQ(CodeOfSize(limits, 1, 1), Code::kLimit);
  limits = {};
  limits.max_side = 0;
  EXPECT_EQ(CodeOfSize(limits, 1, 1), Code::kLimit);
}

TEST(Limits, CheckNamesTheNegativeField) {
  const auto expect = [](auto field, const char* name) {
    Limits limits;
    limits.*field = -1;
    try {
      limits.Check();
      ADD_FAILURE() << "nothing thrown for " << name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos) << error.what();
    }
  };
  expect(&Limits::max_pixels_per_frame, "max_pixels_per_frame");
  expect(&Limits::max_side, "max_side");
  expect(&Limits::max_frames, "max_frames");
  expect(&Limits::max_streams, "max_streams");
  expect(&Limits::max_track_points, "max_track_points");
  expect(&Limits::max_text_bytes, "max_text_bytes");
  expect(&Limits::max_json_depth, "max_json_depth");
  expect(&Limits::max_frame_buffer_bytes, "max_frame_buffer_bytes");
}

}  // namespace
}  // namespace mdvt
