// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/tensor.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

#include "io/expect_error.h"

namespace mdvt {
namespace {

using test::ExpectError;

TEST(Tensor, StartsAlignedAndZero) {
  for (const int64_t side : {1, 3, 17, 100}) {
    const Tensor tensor({2, side, side});
    EXPECT_EQ(tensor.size(), 2 * side * side);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(tensor.data()) % 64, 0u);
    for (int64_t i = 0; i < tensor.size(); ++i) ASSERT_EQ(tensor[i], 0.0f);
  }
}

TEST(Tensor, CopiesItsValuesAndMovesThem) {
  const float values[] = {1, 2, 3, 4};
  const Tensor first({2, 2}, values);
  Tensor second = first;
  second[0] = 9;
  EXPECT_EQ(first[0], 1.0f);
  const float* const data = second.data();
  const Tensor third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.shape(), (Shape{2, 2}));
  EXPECT_TRUE(second.empty());  // NOLINT: what is left is promised
  Tensor copy_of_nothing = third;
  copy_of_nothing = Tensor();
  EXPECT_TRUE(copy_of_nothing.empty());
}

TEST(Tensor, KeepsItsMemoryWhereThatSuffices) {
  Tensor tensor({100});
  const float* const data = tensor.data();
  tensor.Resize({5, 5});
  EXPECT_EQ(tensor.data(), data);
  EXPECT_EQ(tensor.size(), 25);
}

TEST(Tensor, OfNoDimensionsIsOneNumber) { EXPECT_EQ(Tensor(Shape{}).size(), 1); }

TEST(Tensor, RefusesShapesThatAreNone) {
  const auto expect = [](const Shape& shape, const std::string& part) {
    ExpectError(Code::kInvalidArgument, part, [&] { NumElements(shape); });
    Tensor tensor({2});
    EXPECT_THROW(tensor.Resize(shape), Error);
    EXPECT_EQ(tensor.shape(), (Shape{2})) << "stays as it was";
  };
  expect({1, 0, 3}, "[1, 0, 3]");
  expect({-1}, "must be positive");
  expect({int64_t{1} << 32, int64_t{1} << 32}, "at most 2^40");
  expect({int64_t{1} << 62, 2, 2}, "at most 2^40");
  expect({1, 1, 1, 1, 1, 1, 1, 1, 1}, "at most 8");
}

// Sanitizers end the process instead of failing an allocation.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(Tensor, TellsThatMemoryIsShort) {
  ExpectError(Code::kOutOfMemory, "no memory", [] { Tensor tensor({int64_t{1} << 40}); });
}
#endif

}  // namespace
}  // namespace mdvt
