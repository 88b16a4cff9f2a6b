// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/run.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

Code CodeOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing thrown";
  return Code::kInternal;
}

TEST(ProgressMeter, ReportsAtTheEnd) {
  std::vector<Progress> reports;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    reports.push_back(progress);
    return true;
  };
  ProgressMeter meter(control);
  meter.Finish(12);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].frames_done, 12);
  EXPECT_EQ(reports[0].frames_total, 12);
  EXPECT_GE(reports[0].seconds, 0);
}

TEST(ProgressMeter, IsQuietBetweenReports) {
  std::vector<Progress> reports;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    reports.push_back(progress);
    return true;
  };
  ProgressMeter meter(control);
  const auto start = std::chrono::steady_clock::now();
  int64_t frames = 0;
  while (std::chrono::steady_clock::now() - start < std::chrono::milliseconds(350))
    meter.Update(++frames, 0);
  // Every tenth of a second at most, so three times; a busy machine may see fewer.
  EXPECT_GE(reports.size(), 1u);
  EXPECT_LE(reports.size(), 3u);
  EXPECT_EQ(reports[0].frames_total, 0);
  EXPECT_GT(reports[0].frames_per_second, 0);
  EXPECT_NEAR(reports[0].frames_per_second * reports[0].seconds,
              static_cast<double>(reports[0].frames_done), 1e-6);
  EXPECT_GE(reports[0].seconds, 0.1);
}

TEST(ProgressMeter, CallbackCancels) {
  RunControl control;
  control.on_progress = [](const Progress&) { return false; };
  ProgressMeter meter(control);
  EXPECT_EQ(CodeOf([&] { meter.Finish(1); }), Code::kCancelled);
  std::this_thread::sleep_for(std::chrono::milliseconds(110));
  EXPECT_EQ(CodeOf([&] { meter.Update(1, 2); }), Code::kCancelled);
}

TEST(ProgressMeter, FlagCancelsAtOnce) {
  std::atomic<bool> cancelled{false};
  RunControl control;
  control.cancelled = &cancelled;
  ProgressMeter meter(control);
  EXPECT_FALSE(control.IsCancelled());
  EXPECT_NO_THROW(meter.Update(1, 2));
  std::thread([&] { cancelled = true; }).join();
  EXPECT_TRUE(control.IsCancelled());
  EXPECT_EQ(CodeOf([&] { meter.Update(2, 2); }), Code::kCancelled);
  EXPECT_EQ(CodeOf([&] { meter.Finish(2); }), Code::kCancelled);
}

TEST(ProgressMeter, WorksWithoutCallback) {
  const RunControl control;
  ProgressMeter meter(control);
  EXPECT_NO_THROW(meter.Update(1, 2));
  EXPECT_NO_THROW(meter.Finish(2));
}

}  // namespace
}  // namespace mdvt
