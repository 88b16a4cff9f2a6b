// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/dense_flow.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <opencv2/core/utility.hpp>
#include <set>
#include <thread>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "pictures.h"

namespace mdvt {
namespace {

PlaneView<const uint8_t> Plane(const Image& image) { return image.Plane<uint8_t>(); }

// Largest distance from (dx, dy), and its median, at least `margin` pixels from the border.
std::pair<float, float> Error(const FlowField& flow, float dx, float dy, int margin) {
  std::vector<float> errors;
  for (int y = margin; y < flow.height - margin; ++y)
    for (int x = margin; x < flow.width - margin; ++x)
      errors.push_back((flow.view().At(x, y) - Eigen::Vector2f(dx, dy)).norm());
  std::sort(errors.begin(), errors.end());
  return {errors.back(), errors[errors.size() / 2]};
}

TEST(DenseFlow, FindsKnownShifts) {
  DenseFlow flow;
  for (const auto& [dx, dy] :
       {std::pair(3.0, 0.0), std::pair(-2.5, 1.25), std::pair(0.3, -7.6), std::pair(12.0, 5.0)}) {
    FlowField field;
    flow.Compute(Plane(test::Waves(320, 180, 0, 0)), Plane(test::Waves(320, 180, dx, dy)), &field);
    const auto [worst, median] = Error(field, static_cast<float>(dx), static_cast<float>(dy), 24);
    EXPECT_LT(median, 0.05f) << dx << " " << dy;
    EXPECT_LT(worst, 0.3f) << dx << " " << dy;
  }
}

TEST(DenseFlow, StartsWhereItIsTold) {
  // 60 pixels are out of reach of the coarsest level for such fine texture, but not from a start.
  const Image a = test::Waves(320, 180, 0, 0), b = test::Waves(320, 180, 60, 0);
  FlowField field;
  field.Resize(320, 180);
  for (auto& v : field.vectors) v = {59.f, 0.5f};
  DenseFlow().Compute(Plane(a), Plane(b), &field);
  std::vector<float> errors;
  for (int y = 24; y < 156; ++y)
    for (int x = 24; x < 236; ++x)
      errors.push_back((field.view().At(x, y) - Eigen::Vector2f(60, 0)).norm());
  std::sort(errors.begin(), errors.end());
  EXPECT_LT(errors[errors.size() / 2], 0.05f);
}

TEST(DenseFlow, FastEffortIsRightOnSmallMotion) {
  FlowField field;
  DenseFlow(FlowEffort::kFast)
      .Compute(Plane(test::Waves(320, 180, 0, 0)), Plane(test::Waves(320, 180, 1.5, -0.5)), &field);
  EXPECT_LT(Error(field, 1.5f, -0.5f, 24).second, 0.15f);  // 0.13 with OpenCV 4.10
}

TEST(DenseFlow, AnySizeGivesAFiniteField) {
  for (const auto& [w, h] : {std::pair(1, 1), std::pair(7, 3), std::pair(8, 8), std::pair(16, 16),
                             std::pair(17, 31), std::pair(40, 200), std::pair(333, 19)}) {
    FlowField field;
    DenseFlow().Compute(Plane(test::Waves(w, h, 0, 0)), Plane(test::Waves(w, h, 1, 0)), &field);
    ASSERT_EQ(field.width, w);
    ASSERT_EQ(field.height, h);
    for (const auto& v : field.vectors) ASSERT_TRUE(v.allFinite()) << w << "x" << h;
  }
}

TEST(DenseFlow, TakesRowsWithPadding) {
  FlowField field;
  DenseFlow().Compute(Plane(test::Waves(161, 97, 0, 0)), Plane(test::Waves(161, 97, 2, 1)), &field);
  EXPECT_LT(Error(field, 2, 1, 24).second, 0.1f);
}

TEST(DenseFlow, FlatPicturesDoNotMove) {
  FlowField field;
  DenseFlow().Compute(Plane(test::Flat(64, 48, 0)), Plane(test::Flat(64, 48, 0)), &field);
  EXPECT_EQ(Error(field, 0, 0, 0).first, 0);
}

TEST(DenseFlow, DoesNotDependOnTheNumberOfThreads) {
  const Image a = test::Waves(320, 180, 0, 0), b = test::Waves(320, 180, 4.3, -1.7);
  const int before = cv::getNumThreads();
  std::vector<FlowField> fields(3);
  const int threads[] = {1, 2, 7};
  for (size_t i = 0; i < 3; ++i) {
    cv::setNumThreads(threads[i]);
    DenseFlow().Compute(Plane(a), Plane(b), &fields[i]);
  }
  cv::setNumThreads(before);
  EXPECT_TRUE(fields[0].vectors == fields[1].vectors);
  EXPECT_TRUE(fields[0].vectors == fields[2].vectors);
}

TEST(DenseFlow, RejectsBadArguments) {
  const Image a = test::Flat(32, 32, 0), b = test::Flat(32, 31, 0);
  FlowField field;
  DenseFlow flow;
  EXPECT_THROW(flow.Compute(Plane(a), Plane(b), &field), mdvt::Error);
  EXPECT_THROW(flow.Compute({}, {}, &field), mdvt::Error);
  field.Resize(31, 32);
  EXPECT_THROW(flow.Compute(Plane(a), Plane(a), &field), mdvt::Error);
}

TEST(InvertFlow, TurnsAShiftAround) {
  FlowField field;
  field.Resize(20, 10);
  for (auto& v : field.vectors) v = {3.f, -1.f};
  FlowField inverse;
  InvertFlow(field, &inverse);
  for (const auto& v : inverse.vectors) EXPECT_TRUE(v == Eigen::Vector2f(-3.f, 1.f));
}

TEST(InvertFlow, NothingInsideGivesZeros) {
  FlowField field;
  field.Resize(4, 4);
  for (auto& v : field.vectors) v = {100.f, 0.f};
  FlowField inverse;
  InvertFlow(field, &inverse);
  for (const auto& v : inverse.vectors) EXPECT_TRUE(v.isZero());
}

TEST(RoundTripError, IsZeroForInverseShiftsAndLargeOutside) {
  FlowField forth, back;
  forth.Resize(20, 10);
  back.Resize(20, 10);
  for (auto& v : forth.vectors) v = {4.5f, 0.f};
  for (auto& v : back.vectors) v = {-4.5f, 0.25f};
  std::vector<float> error(200);
  RoundTripError(forth, back, {error.data(), 80, 20, 10});
  for (int y = 0; y < 10; ++y)
    for (int x = 0; x < 20; ++x) {
      if (x + 4.5 <= 19)
        EXPECT_EQ(error[static_cast<size_t>(y * 20 + x)], 0.25f);
      else
        EXPECT_EQ(error[static_cast<size_t>(y * 20 + x)], 1e4f);
    }
  EXPECT_THROW(RoundTripError(forth, FlowField(), {error.data(), 80, 20, 10}), mdvt::Error);
}

TEST(LetOpenCvUseThreadPools, RunsItsLoopsOnThePoolOfTheCaller) {
  const auto loop = [](std::set<std::thread::id>* threads) {
    std::mutex mutex;
    std::vector<int> times(100, 0);
    cv::parallel_for_(cv::Range(0, 100), [&](const cv::Range& range) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      const std::lock_guard<std::mutex> lock(mutex);
      threads->insert(std::this_thread::get_id());
      for (int i = range.start; i < range.end; ++i) ++times[static_cast<size_t>(i)];
    });
    EXPECT_EQ(times, std::vector<int>(100, 1));
  };
  LetOpenCvUseThreadPools();
  std::set<std::thread::id> alone, together;
  loop(&alone);
  EXPECT_EQ(alone, std::set<std::thread::id>{std::this_thread::get_id()});
  EXPECT_EQ(cv::getNumThreads(), 1);
  ThreadPool pool(3);
  const ComputeScope computes(&pool);
  EXPECT_EQ(cv::getNumThreads(), 3);
  loop(&together);
  EXPECT_EQ(together.size(), 3u);
  const Image first = test::Waves(320, 180, 0, 0), second = test::Waves(320, 180, 3, 1);
  FlowField on_pool, on_one;
  DenseFlow().Compute(Plane(first), Plane(second), &on_pool);
  ThreadPool one(1);
  std::thread([&] {
    const ComputeScope also(&one);
    DenseFlow().Compute(Plane(first), Plane(second), &on_one);
  }).join();
  EXPECT_EQ(on_pool.vectors, on_one.vectors);
}

}  // namespace
}  // namespace mdvt
