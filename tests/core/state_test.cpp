// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/state.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "mdvt/core/error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

template <typename Call>
void ExpectCorrupt(const Call& call) {
  try {
    call();
    ADD_FAILURE() << "nothing failed";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::kCorrupt) << error.what();
    EXPECT_NE(std::string(error.what()).find("the saved state"), std::string::npos);
  }
}

TEST(State, NumbersAreKeptToTheLastBit) {
  std::mt19937_64 random = Rng();
  State state;
  for (int i = 0; i < 1000; ++i) {
    double value = 0;
    const uint64_t bits = random();
    std::memcpy(&value, &bits, sizeof(value));
    state.SetNumber("n", value);
    const double back = state.Number("n");
    if (std::isnan(value))
      EXPECT_TRUE(std::isnan(back));
    else
      EXPECT_EQ(std::memcmp(&back, &value, sizeof(value)), 0) << value;
  }
  const std::vector<double> several = {0.1, -0.0, std::numeric_limits<double>::infinity(), 5e-324};
  state.SetNumbers("several", several);
  EXPECT_EQ(state.Numbers("several"), several);
  state.SetNumbers("none", {});
  EXPECT_TRUE(state.Numbers("none").empty());
}

TEST(State, ImagesOfEveryFormat) {
  std::mt19937_64 random = Rng();
  for (const PixelFormat& format :
       {PixelFormat::Gray(8), PixelFormat::Gray(16), PixelFormat::GrayF32(), PixelFormat::Rgb(8),
        PixelFormat::Yuv(420), PixelFormat::Yuv(422, 10)}) {
    for (const int width : {1, 7, 64}) {
      Image image(format, width, 5);
      const MutableImageView view = image.mutable_view();
      for (int plane = 0; plane < format.num_planes(); ++plane)
        for (int y = 0; y < format.PlaneHeight(plane, 5); ++y)
          for (int x = 0; x < format.PlaneWidth(plane, width) * format.bytes_per_sample(); ++x)
            view.data[static_cast<size_t>(plane)][y * view.stride[static_cast<size_t>(plane)] + x] =
                static_cast<std::byte>(random());
      State state;
      state.SetImage("image", image);
      const Image back = state.GetImage("image");
      ASSERT_EQ(back.format(), format);
      ASSERT_EQ(back.width(), width);
      State again;
      again.SetImage("image", back);
      EXPECT_EQ(again.Get("image") == state.Get("image"), true) << format.ToString();
      const std::byte* first = back.view().data[0];
      EXPECT_EQ(
          std::memcmp(first, view.data[0], static_cast<size_t>(width * format.bytes_per_sample())),
          0);
    }
  }
  State state;
  state.SetImage("empty", Image());
  EXPECT_TRUE(state.GetImage("empty").empty());
}

TEST(State, PartsAreApart) {
  State inner, outer;
  inner.SetFlag("on", true);
  inner.SetNumber("n", 3);
  outer.Add("a", inner);
  outer.SetFlag("ab.on", false);
  EXPECT_EQ(outer.Part("a").parts(), inner.parts());
  EXPECT_FALSE(outer.Part("ab").Flag("on"));
  EXPECT_TRUE(outer.Part("none").parts().empty());
}

TEST(State, WhatIsNotWhatItShouldBeIsNamed) {
  State state;
  state.Set("text", "one two");
  for (const char* name : {"text", "missing"}) {
    ExpectCorrupt([&] { state.Number(name); });
    ExpectCorrupt([&] { state.Numbers(name); });
    ExpectCorrupt([&] { state.Flag(name); });
    ExpectCorrupt([&] { state.GetImage(name); });
  }
  state.SetNumbers("two", {1, 2});
  ExpectCorrupt([&] { state.Number("two"); });
  // Every cut and every changed byte of an image's head.
  state.SetImage("image", Image(PixelFormat::Gray(8), 3, 2));
  const std::string whole = state.Get("image");
  for (size_t length = 1; length < whole.size(); ++length) {
    state.Set("image", whole.substr(0, length));
    ExpectCorrupt([&] { state.GetImage("image"); });
  }
  for (const char* head : {"9 0 8 0 0 3 2 ", "0 0 16 0 0 3 2 ", "0 0 8 0 0 0 2 ", "0 0 8 0 0 -3 2 ",
                           "0 0 8 0 0 99999999999 2 ", "0 0 8 9 0 3 2 ", "0 7 8 0 0 3 2 "}) {
    state.Set("image", head + std::string(6, 'x'));
    ExpectCorrupt([&] { state.GetImage("image"); });
  }
}

}  // namespace
}  // namespace mdvt::test
