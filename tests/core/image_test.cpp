// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/image.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "core/image_budget.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

template <typename Body>
Code CodeOf(Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    return error.code();
  }
  ADD_FAILURE() << "nothing thrown";
  return Code::kInternal;
}

TEST(PixelFormat, FactoriesSetEveryField) {
  const PixelFormat yuv = PixelFormat::Yuv(420, 10);
  EXPECT_EQ(yuv.model, ColorModel::kYuv);
  EXPECT_EQ(yuv.type, SampleType::kU16);
  EXPECT_EQ(yuv.bits, 10);
  EXPECT_EQ(yuv.chroma_shift_x, 1);
  EXPECT_EQ(yuv.chroma_shift_y, 1);
  EXPECT_EQ(PixelFormat::Yuv(422).chroma_shift_x, 1);
  EXPECT_EQ(PixelFormat::Yuv(422).chroma_shift_y, 0);
  EXPECT_EQ(PixelFormat::Yuv(444).chroma_shift_x, 0);
  EXPECT_EQ(PixelFormat::Gray().type, SampleType::kU8);
  EXPECT_EQ(PixelFormat::Rgb(16).num_planes(), 3);
  EXPECT_EQ(PixelFormat::GrayF32().num_planes(), 1);
}

TEST(PixelFormat, KnowsItsSamples) {
  EXPECT_EQ(PixelFormat::Gray().bytes_per_sample(), 1);
  EXPECT_EQ(PixelFormat::Gray(9).bytes_per_sample(), 2);
  EXPECT_EQ(PixelFormat::RgbF32().bytes_per_sample(), 4);
  EXPECT_EQ(PixelFormat::Gray().max_value(), 255);
  EXPECT_EQ(PixelFormat::Gray(10).max_value(), 1023);
  EXPECT_EQ(PixelFormat::Gray(16).max_value(), 65535);
}

TEST(PixelFormat, RoundsChromaSizesUp) {
  const PixelFormat yuv = PixelFormat::Yuv(420);
  EXPECT_EQ(yuv.PlaneWidth(0, 7), 7);
  EXPECT_EQ(yuv.PlaneWidth(1, 7), 4);
  EXPECT_EQ(yuv.PlaneHeight(2, 1), 1);
  EXPECT_EQ(PixelFormat::Yuv(422).PlaneHeight(1, 7), 7);
}

TEST(PixelFormat, HasANameAndEquality) {
  EXPECT_EQ(PixelFormat::Yuv(420, 10).ToString(), "yuv420p10");
  EXPECT_EQ(PixelFormat::Yuv(422).ToString(), "yuv422p8");
  EXPECT_EQ(PixelFormat::Yuv(444, 12).ToString(), "yuv444p12");
  EXPECT_EQ(PixelFormat::Rgb().ToString(), "rgb8");
  EXPECT_EQ(PixelFormat::Gray(16).ToString(), "gray16");
  EXPECT_EQ(PixelFormat::GrayF32().ToString(), "grayf32");
  EXPECT_EQ(PixelFormat::Gray(), PixelFormat::Gray(8));
  EXPECT_NE(PixelFormat::Gray(), PixelFormat::Gray(9));
  EXPECT_NE(PixelFormat::Yuv(420), PixelFormat::Yuv(422));
}

TEST(PixelFormat, RefusesOtherBitsAndSubsamplings) {
  EXPECT_EQ(CodeOf([] { PixelFormat::Gray(7); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { PixelFormat::Rgb(17); }), Code::kInvalidArgument);
  EXPECT_EQ(CodeOf([] { PixelFormat::Yuv(411); }), Code::kInvalidArgument);
}

TEST(Image, StartsEmpty) {
  const Image image;
  EXPECT_TRUE(image.empty());
  EXPECT_EQ(image.width(), 0);
  EXPECT_TRUE(image.Clone().empty());
}

TEST(Image, AlignsRowsAndKeepsPlanesApart) {
  for (const PixelFormat format : {PixelFormat::Gray(), PixelFormat::Rgb(12),
                                   PixelFormat::Yuv(420, 10), PixelFormat::RgbF32()}) {
    for (const int width : {1, 2, 31, 64, 65}) {
      for (const int height : {1, 2, 5}) {
        Image image(format, width, height);
        const MutableImageView view = image.mutable_view();
        for (int plane = 0; plane < format.num_planes(); ++plane) {
          const auto i = static_cast<size_t>(plane);
          EXPECT_EQ(view.stride[i] % 64, 0);
          EXPECT_EQ(reinterpret_cast<uintptr_t>(view.data[i]) % 64, 0u);
          EXPECT_GE(view.stride[i], format.PlaneWidth(plane, width) * format.bytes_per_sample());
          for (int y = 0; y < format.PlaneHeight(plane, height); ++y) {
            std::memset(view.data[i] + y * view.stride[i], plane + 1,
                        static_cast<size_t>(view.stride[i]));
          }
        }
        // No plane has been written over by the next one.
        for (int plane = 0; plane < format.num_planes(); ++plane) {
          const auto i = static_cast<size_t>(plane);
          const int last = format.PlaneHeight(plane, height) - 1;
          EXPECT_EQ(static_cast<int>(view.data[i][0]), plane + 1);
          EXPECT_EQ(static_cast<int>(view.data[i][(last + 1) * view.stride[i] - 1]), plane + 1);
        }
      }
    }
  }
}

TEST(Image, RefusesEmptyAndHugeSides) {
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{
           {0, 1}, {1, 0}, {-1, 5}, {5, -1}, {(1 << 20) + 1, 1}, {1, (1 << 20) + 1}}) {
    EXPECT_EQ(CodeOf([w = width, h = height] { Image(PixelFormat::Gray(), w, h); }),
              Code::kInvalidArgument);
  }
}

// The sanitizers have allocators of their own that end the program.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Image, SaysWhenThereIsNoMemory) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  rlimit lower = before;
  lower.rlim_cur = rlim_t{1} << 36;
  ASSERT_EQ(setrlimit(RLIMIT_AS, &lower), 0);
  // 12 TiB.
  EXPECT_EQ(CodeOf([] { Image(PixelFormat::RgbF32(), 1 << 20, 1 << 20); }), Code::kOutOfMemory);
  setrlimit(RLIMIT_AS, &before);
}
#endif

TEST(Image, CountsForTheBudgetOfItsThreadUntilTheLastCopyIsGone) {
  const auto budget = std::make_shared<ImageBudget>(100000);
  const Image outside(PixelFormat::Gray(8), 64, 10);
  {
    const ImageBudgetScope counted(budget);
    const Image a(PixelFormat::Gray(8), 64, 10);  // 640 bytes, and 64 that may be read past them
    EXPECT_EQ(budget->held(), 704);
    {
      const Image clone = a.Clone();
      const Image share = a;
      EXPECT_EQ(budget->held(), 1408);
    }
    EXPECT_EQ(budget->held(), 704);
    EXPECT_EQ(CodeOf([] { Image(PixelFormat::Gray(8), 64, 1552); }), Code::kLimit);
    EXPECT_EQ(budget->held(), 704);
    const Image fits(PixelFormat::Gray(8), 64, 1550);
    EXPECT_EQ(budget->held(), 99968);
  }
  EXPECT_EQ(budget->held(), 0);
  const Image after(PixelFormat::Gray(8), 64, 10);
  EXPECT_EQ(budget->held(), 0);
}

TEST(Image, CopiesShareAndClonesDoNot) {
  Image image(PixelFormat::Gray(), 3, 2);
  image.MutablePlane<uint8_t>().At(2, 1) = 7;
  const Image shared = image;
  const Image cloned = image.Clone();
  image.MutablePlane<uint8_t>().At(2, 1) = 9;
  EXPECT_EQ(shared.Plane<uint8_t>().At(2, 1), 9);
  EXPECT_EQ(cloned.Plane<uint8_t>().At(2, 1), 7);
}

TEST(Image, KeepsForeignPixelsAlive) {
  auto pixels = std::make_shared<std::vector<uint8_t>>(12, uint8_t{5});
  const std::weak_ptr<std::vector<uint8_t>> watch = pixels;
  MutableImageView view;
  view.format = PixelFormat::Gray();
  view.width = 3;
  view.height = 3;
  view.data[0] = reinterpret_cast<std::byte*>(pixels->data());
  view.stride[0] = 4;
  {
    const Image image(view, std::move(pixels));
    EXPECT_FALSE(watch.expired());
    EXPECT_EQ(image.Plane<uint8_t>().At(2, 2), 5);
  }
  EXPECT_TRUE(watch.expired());
}

TEST(Plane, StridesAreBytesAndMayBeNegative) {
  std::vector<uint16_t> samples = {1, 2, 99, 3, 4, 99};
  const PlaneView<uint16_t> plane{samples.data(), 6, 2, 2};
  EXPECT_EQ(plane.At(1, 0), 2);
  EXPECT_EQ(plane.At(0, 1), 3);
  const PlaneView<const uint16_t> flipped{samples.data() + 3, -6, 2, 2};
  EXPECT_EQ(flipped.At(1, 0), 4);
  EXPECT_EQ(flipped.At(1, 1), 2);
  plane.At(1, 1) = 8;
  EXPECT_EQ(samples[4], 8);
}

TEST(Crop, MovesEveryPlane) {
  Image image(PixelFormat::Yuv(420), 7, 5);
  for (int plane = 0; plane < 3; ++plane) {
    const auto samples = image.MutablePlane<uint8_t>(plane);
    for (int y = 0; y < samples.height; ++y) {
      for (int x = 0; x < samples.width; ++x)
        samples.At(x, y) = static_cast<uint8_t>(100 * plane + 10 * y + x);
    }
  }
  const ImageView part = Crop(image.view(), 4, 2, 3, 3);
  EXPECT_EQ(part.width, 3);
  EXPECT_EQ(part.height, 3);
  EXPECT_EQ(part.Plane<uint8_t>(0).At(0, 0), 24);
  EXPECT_EQ(part.Plane<uint8_t>(0).At(2, 2), 46);
  EXPECT_EQ(part.Plane<uint8_t>(1).At(0, 0), 112);
  EXPECT_EQ(part.Plane<uint8_t>(2).At(1, 1), 223);
  const MutableImageView whole = image.mutable_view().Crop(0, 0, 7, 5);
  EXPECT_EQ(whole.data[2], image.mutable_view().data[2]);
}

TEST(Crop, RefusesPartsThatLeaveOrSplitChroma) {
  const Image image(PixelFormat::Yuv(420), 8, 6);
  struct Part {
    int x, y, w, h;
  };
  constexpr int kHuge = std::numeric_limits<int>::max();
  for (const Part& p : {Part{1, 0, 2, 2}, Part{0, 1, 2, 2}, Part{-2, 0, 2, 2}, Part{0, 0, 9, 2},
                        Part{0, 0, 2, 7}, Part{6, 0, 3, 1}, Part{0, 0, 0, 1}, Part{0, 0, 1, 0},
                        Part{2, 0, kHuge, 1}, Part{kHuge - 1, 0, 2, 1}}) {
    EXPECT_EQ(CodeOf([&] { Crop(image.view(), p.x, p.y, p.w, p.h); }), Code::kInvalidArgument)
        << p.x << "," << p.y << " " << p.w << "x" << p.h;
  }
  EXPECT_NO_THROW(Crop(image.view(), 6, 4, 1, 1));
}

TEST(CopyPixels, CopiesPixelsAndNotPadding) {
  Image from(PixelFormat::Rgb(10), 5, 3), to(PixelFormat::Rgb(10), 5, 3);
  for (int plane = 0; plane < 3; ++plane) {
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 5; ++x)
        from.MutablePlane<uint16_t>(plane).At(x, y) =
            static_cast<uint16_t>(plane * 100 + y * 10 + x);
      to.MutablePlane<uint16_t>(plane).Row(y)[5] = 4242;  // padding
    }
  }
  CopyPixels(from.view(), to.mutable_view());
  EXPECT_EQ(to.Plane<uint16_t>(2).At(4, 2), 224);
  EXPECT_EQ(to.Plane<uint16_t>(1).At(0, 1), 110);
  EXPECT_EQ(to.Plane<uint16_t>(2).Row(2)[5], 4242);
}

TEST(CopyPixels, RefusesOtherFormatsAndSizes) {
  const Image from(PixelFormat::Gray(), 4, 4);
  Image other_format(PixelFormat::Gray(10), 4, 4), other_size(PixelFormat::Gray(), 4, 5);
  EXPECT_EQ(CodeOf([&] { CopyPixels(from.view(), other_format.mutable_view()); }),
            Code::kInvalidArgument);
  EXPECT_EQ(CodeOf([&] { CopyPixels(from.view(), other_size.mutable_view()); }),
            Code::kInvalidArgument);
}

}  // namespace
}  // namespace mdvt
