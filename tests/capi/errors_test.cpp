// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "capi/scorecard.h"
#include "mdvt.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(LastError, IsEmptyBeforeTheFirstFailureOfAThread) {
  std::string text = "?";
  std::thread([&text] { text = mdvt_last_error(); }).join();
  EXPECT_EQ("", text);
}

TEST(LastError, StaysUntilTheNextFailure) {
  ASSERT_EQ(MDVT_INVALID_ARGUMENT, mdvt_struct_init(12345, nullptr, 8));
  const std::string before = mdvt_last_error();
  EXPECT_NE("", before);
  mdvt_limits limits;
  ASSERT_EQ(MDVT_OK, mdvt_limits_init(&limits));
  EXPECT_EQ(before, mdvt_last_error());
}

TEST(LastError, CutsLongTextsBetweenCharacters) {
  // Two bytes a character, shifted by one byte so that any cut at a fixed place splits one of them
  // in one of the two runs; the other one keeps all that fits into 1024 bytes with the zero.
  size_t longest = 0;
  for (const char* head : {"", "x"}) {
    std::string path = std::string("/nowhere/") + head;
    for (int i = 0; i < 2000; ++i) path += "\xC3\xA9";
    mdvt_reader* reader = nullptr;
    ASSERT_NE(MDVT_OK, mdvt_video_reader_open(path.c_str(), nullptr, &reader));
    EXPECT_EQ(nullptr, reader);
    const std::string text = mdvt_last_error();
    EXPECT_LT(text.size(), 1024u);
    EXPECT_GE(text.size(), 1022u);
    longest = std::max(longest, text.size());
    for (size_t i = 0; i < text.size(); ++i) {
      if (static_cast<unsigned char>(text[i]) == 0xC3) {
        ASSERT_LT(i + 1, text.size()) << "the text ends inside a character";
        ASSERT_EQ(0xA9, static_cast<unsigned char>(text[i + 1]));
      }
    }
  }
  EXPECT_EQ(1023u, longest);
}

// A thread that is cancelled ends between two calls: inside of one it would have to unwind through
// frames that let nothing pass, and that ends the process.
void* CallUntilCancelled(void* calls) {
  for (;;) {
    mdvt_reader* reader = nullptr;
    mdvt_video_reader_open("/nowhere/clip.mkv", nullptr, &reader);
    ++*static_cast<std::atomic<int>*>(calls);
    pthread_testcancel();
  }
}

TEST(Cancellation, OfAThreadWaitsForTheEndOfTheCall) {
  for (int i = 0; i < 20; ++i) {
    std::atomic<int> calls{0};
    pthread_t thread;
    ASSERT_EQ(0, pthread_create(&thread, nullptr, CallUntilCancelled, &calls));
    while (calls < i) std::this_thread::yield();
    ASSERT_EQ(0, pthread_cancel(thread));
    void* result = nullptr;
    ASSERT_EQ(0, pthread_join(thread, &result));
    EXPECT_EQ(PTHREAD_CANCELED, result);
  }
}

TEST(LastError, IsOneLineThatATerminalShowsAsItIs) {
  mdvt_reader* reader = nullptr;
  ASSERT_NE(MDVT_OK, mdvt_video_reader_open("/nowhere/a\n\x1b[2J\xE9.mkv", nullptr, &reader));
  EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), "/nowhere/a\\n\\x1b[2J\\xe9.mkv"))
      << mdvt_last_error();
}

// Row E3 of the scorecard: every thread reads the text of its own last failure.
TEST(LastError, DoesNotMixBetweenThreads) {
  constexpr int kThreads = 8, kFailures = 10000;
  std::atomic<int> waiting{0};
  std::atomic<int64_t> own{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      ++waiting;
      while (waiting < kThreads) std::this_thread::yield();
      int64_t count = 0;
      for (int i = 0; i < kFailures; ++i) {
        const int32_t id = 1000 + t * kFailures + i;
        mdvt_limits limits;
        std::string expected;
        mdvt_status status;
        if (i % 4 == 0) {  // a text that a file's name makes
          const std::string path = "/nowhere/" + std::to_string(id) + ".mkv";
          mdvt_reader* reader = nullptr;
          status = mdvt_depth_reader_open(path.c_str(), nullptr, &reader);
          expected = path;
        } else {
          status = mdvt_struct_init(id, &limits, sizeof(limits));
          expected = "struct_id = " + std::to_string(id) + ",";
        }
        const bool right_status = status == (i % 4 == 0 ? MDVT_NOT_FOUND : MDVT_INVALID_ARGUMENT);
        if (right_status && std::strstr(mdvt_last_error(), expected.c_str()) != nullptr) ++count;
        if (i % 64 == 0) std::this_thread::yield();
      }
      own += count;
    });
  }
  for (auto& thread : threads) thread.join();
  constexpr int64_t kTarget = int64_t{kThreads} * kFailures;
  EXPECT_EQ(kTarget, own.load());
  PrintScore("E3", own, kTarget, own == kTarget, "own texts of 8 x 10000 failures");
}

}  // namespace
}  // namespace mdvt::test
