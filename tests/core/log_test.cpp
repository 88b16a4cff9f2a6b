// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mdvt {
namespace {

// Restores the default sink at the end of a test.
struct Log : ::testing::Test {
  ~Log() override { SetLogSink({}); }
};

TEST_F(Log, SinkGetsLevelAndTextOfEverything) {
  std::vector<std::pair<LogLevel, std::string>> lines;
  SetLogSink([&](LogLevel level, const std::string& text) { lines.emplace_back(level, text); });
  LogDebug("a");
  LogInfo("b");
  LogWarning("c");
  mdvt::Log(LogLevel::kError, "d");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], std::make_pair(LogLevel::kDebug, std::string("a")));
  EXPECT_EQ(lines[1], std::make_pair(LogLevel::kInfo, std::string("b")));
  EXPECT_EQ(lines[2], std::make_pair(LogLevel::kWarning, std::string("c")));
  EXPECT_EQ(lines[3], std::make_pair(LogLevel::kError, std::string("d")));
}

TEST_F(Log, DefaultPrintsWarningsAndErrorsOnly) {
  SetLogSink([](LogLevel, const std::string&) {});
  SetLogSink({});
  ::testing::internal::CaptureStderr();
  LogDebug("debug");
  LogInfo("info");
  LogWarning("low light");
  mdvt::Log(LogLevel::kError, "no light");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "mdvt: warning: low light\nmdvt: error: no light\n");
}

TEST_F(Log, LinesBeginWithThePrefixOfTheirThread) {
  std::vector<std::string> lines;
  SetLogSink([&](LogLevel, const std::string& text) { lines.push_back(text); });
  {
    const LogPrefix outer("scene 1");
    LogInfo("dark");
    {
      const LogPrefix inner("scene 1, mask");
      LogInfo("empty");
    }
    EXPECT_EQ(LogPrefix::OfThisThread(), "scene 1");
    std::thread([] { LogInfo("of another thread"); }).join();
  }
  LogInfo("of none");
  EXPECT_EQ(lines, (std::vector<std::string>{"scene 1: dark", "scene 1, mask: empty",
                                             "of another thread", "of none"}));
}

TEST_F(Log, OneCallAtATime) {
  std::atomic<int> inside{0};
  int calls = 0, overlaps = 0;
  SetLogSink([&](LogLevel, const std::string&) {
    if (inside.fetch_add(1) != 0) ++overlaps;
    ++calls;
    inside.fetch_sub(1);
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 500; ++k) LogInfo("line");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(calls, 2000);
  EXPECT_EQ(overlaps, 0);
}

TEST_F(Log, WhatTheSinkLogsIsDropped) {
  int calls = 0;
  SetLogSink([&](LogLevel, const std::string&) {
    ++calls;
    LogWarning("from within");
  });
  LogInfo("one");
  LogInfo("two");
  EXPECT_EQ(calls, 2);
}

TEST_F(Log, ASinkMaySetTheNextOne) {
  std::vector<std::string> lines;
  const auto second = [&](LogLevel, const std::string& text) { lines.push_back("2 " + text); };
  SetLogSink([&, alive = std::string("alive")](LogLevel, const std::string& text) {
    SetLogSink(second);
    lines.push_back("1 " + text + alive);  // this one is still there
  });
  LogInfo("one");
  LogInfo("two");
  EXPECT_EQ(lines, (std::vector<std::string>{"1 onealive", "2 two"}));
}

TEST_F(Log, SinkMayBeReplacedWhileOthersLog) {
  std::atomic<bool> stop{false};
  std::thread logger([&] {
    while (!stop) LogInfo("line");
  });
  for (int i = 0; i < 200; ++i) {
    // Freed as soon as the next sink is set: no call may run after that.
    auto alive = std::make_unique<std::string>("alive");
    SetLogSink([text = alive.get()](LogLevel, const std::string&) { ASSERT_EQ(*text, "alive"); });
    std::this_thread::yield();
    SetLogSink([](LogLevel, const std::string&) {});
    *alive = "gone";
  }
  stop = true;
  logger.join();
}

}  // namespace
}  // namespace mdvt
