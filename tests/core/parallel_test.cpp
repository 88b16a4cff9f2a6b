// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/parallel.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

using Blocks = std::set<std::pair<int64_t, int64_t>>;

Blocks BlocksOf(ThreadPool& pool, int64_t count, int64_t grain) {
  std::mutex mutex;
  Blocks blocks;
  pool.ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_TRUE(blocks.emplace(begin, end).second) << "block twice: " << begin;
  });
  return blocks;
}

TEST(ResolveThreads, TakesNumbersAndZero) {
  EXPECT_EQ(ResolveThreads(1), 1);
  EXPECT_EQ(ResolveThreads(1024), 1024);
  EXPECT_GE(ResolveThreads(0), 1);
}

TEST(ResolveThreads, RefusesOthers) {
  for (const int bad : {-1, 1025, std::numeric_limits<int>::min()}) {
    try {
      ResolveThreads(bad);
      FAIL() << "nothing thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kInvalidArgument);
    }
    EXPECT_THROW(ThreadPool{bad}, Error);
  }
}

TEST(ThreadPool, HasTheAskedThreads) {
  EXPECT_EQ(ThreadPool(1).num_threads(), 1);
  EXPECT_EQ(ThreadPool(7).num_threads(), 7);
  EXPECT_EQ(ThreadPool(0).num_threads(), ResolveThreads(0));
}

TEST(ParallelFor, CutsBlocksByTheWorkAlone) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(BlocksOf(pool, 10, 4), (Blocks{{0, 4}, {4, 8}, {8, 10}}));
    EXPECT_EQ(BlocksOf(pool, 8, 4), (Blocks{{0, 4}, {4, 8}}));
    EXPECT_EQ(BlocksOf(pool, 1, 100), (Blocks{{0, 1}}));
    EXPECT_EQ(BlocksOf(pool, 0, 4), Blocks{});
    EXPECT_EQ(BlocksOf(pool, -5, 4), Blocks{});
    EXPECT_EQ(BlocksOf(pool, 3, 0), (Blocks{{0, 1}, {1, 2}, {2, 3}}));
    EXPECT_EQ(BlocksOf(pool, 2, -7), (Blocks{{0, 1}, {1, 2}}));
  }
}

TEST(ParallelFor, SurvivesHugeCounts) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  for (const int threads : {1, 4}) {
    ThreadPool pool(threads);
    EXPECT_EQ(BlocksOf(pool, kMax, kMax), (Blocks{{0, kMax}}));
    EXPECT_EQ(BlocksOf(pool, kMax, kMax - 1), (Blocks{{0, kMax - 1}, {kMax - 1, kMax}}));
    EXPECT_EQ(BlocksOf(pool, kMax, kMax / 2 + 1).size(), 2u);
  }
}

TEST(ParallelFor, JoinedSumsAreTheSameForEveryThreadCount) {
  // Floating-point sums depend on the order of addition: joined in block order they must not move.
  const int64_t count = 100001;
  const auto sum = [&](int threads) {
    ThreadPool pool(threads);
    std::vector<float> partial(static_cast<size_t>((count + 99) / 100));
    pool.ParallelFor(count, 100, [&](int64_t begin, int64_t end) {
      float s = 0;
      for (int64_t i = begin; i < end; ++i) s += std::sin(static_cast<float>(i));
      partial[static_cast<size_t>(begin / 100)] = s;
    });
    float total = 0;
    for (const float s : partial) total += s;
    return total;
  };
  const float expected = sum(1);
  for (const int threads : {2, 3, 4, 8, 33}) EXPECT_EQ(sum(threads), expected) << threads;
}

TEST(ParallelFor, WorksOnSeveralThreadsAtOnce) {
  // Two blocks that wait for one another end only if two threads run them.
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  pool.ParallelFor(2, 1, [&](int64_t, int64_t) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

TEST(ParallelFor, RethrowsTheErrorOfTheLowestBlock) {
  for (const int threads : {1, 2, 8}) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::atomic<int> ran{0};
      try {
        pool.ParallelFor(64, 1, [&](int64_t begin, int64_t) {
          ++ran;
          if (begin % 7 == 3) throw std::runtime_error(std::to_string(begin));
        });
        FAIL() << "nothing thrown";
      } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "3");
      }
      EXPECT_EQ(ran, 64);  // the others have ended
    }
    // The crew still works.
    EXPECT_EQ(BlocksOf(pool, 10, 4).size(), 3u);
  }
}

TEST(ParallelFor, PassesOnAnythingThrown) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.ParallelFor(4, 1, [](int64_t, int64_t) { throw 5; }), int);
  EXPECT_THROW(pool.ParallelFor(4, 1, nullptr), std::bad_function_call);
}

TEST(ParallelFor, NestedCallsRunOnTheCallingThread) {
  ThreadPool outer(4), other(4);
  std::atomic<int> cells{0}, strangers{0};
  const auto nested = [&](ThreadPool& pool) {
    const auto self = std::this_thread::get_id();
    pool.ParallelFor(16, 1, [&](int64_t, int64_t) {
      ++cells;
      if (std::this_thread::get_id() != self) ++strangers;
    });
  };
  outer.ParallelFor(8, 1, [&](int64_t, int64_t) {
    nested(outer);
    nested(other);
  });
  EXPECT_EQ(cells, 8 * 16 * 2);
  EXPECT_EQ(strangers, 0);
}

TEST(ParallelFor, NestedErrorsReachTheOuterCall) {
  ThreadPool pool(3);
  EXPECT_THROW(pool.ParallelFor(6, 1,
                                [&](int64_t begin, int64_t) {
                                  pool.ParallelFor(4, 1, [&](int64_t inner, int64_t) {
                                    if (begin == 5 && inner == 2) throw std::logic_error("deep");
                                  });
                                }),
               std::logic_error);
}

TEST(ParallelFor, ManyCallersShareOneCrew) {
  ThreadPool pool(3);
  std::vector<int64_t> sums(6);
  std::vector<std::thread> callers;
  for (size_t c = 0; c < sums.size(); ++c) {
    callers.emplace_back([&, c] {
      for (int repeat = 0; repeat < 100; ++repeat) {
        std::atomic<int64_t> sum{0};
        pool.ParallelFor(100, 3, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) sum += i;
        });
        sums[c] += sum;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const int64_t sum : sums) EXPECT_EQ(sum, 100 * 4950);
}

TEST(ParallelFor, ManyShortCallsLoseNothing) {
  ThreadPool pool(8);
  std::vector<int> cells(8, 0);
  for (int repeat = 0; repeat < 5000; ++repeat) {
    pool.ParallelFor(8, 1, [&](int64_t begin, int64_t) { ++cells[static_cast<size_t>(begin)]; });
  }
  EXPECT_EQ(cells, std::vector<int>(8, 5000));
}

TEST(ThreadPool, LeavesNoThreadsBehind) {
  const auto count = [] {
    int64_t threads = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
      static_cast<void>(entry);
      ++threads;
    }
    return threads;
  };
  const int64_t before = count();
  for (int i = 0; i < 50; ++i) {
    ThreadPool pool(8);
    pool.ParallelFor(20, 1, [](int64_t, int64_t) {});
  }
  // A joined thread may stay listed for a moment.
  for (int i = 0; i < 1000 && count() != before; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(count(), before);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they want all of the memory
TEST(ThreadPool, ThreadsThatCannotBeStartedAreNamed) {
  EXPECT_EXIT(
      {
        rlimit limit;
        limit.rlim_cur = limit.rlim_max = size_t{1} << 30;  // stacks of 8 MB each
        setrlimit(RLIMIT_AS, &limit);
        try {
          ThreadPool pool(1000);
        } catch (const Error& error) {
          std::fprintf(stderr, "%s\n", error.what());
          std::exit(error.code() == Code::kLimit ? 7 : 8);
        }
        std::exit(0);
      },
      ::testing::ExitedWithCode(7), "one of 1000 threads cannot be started.*ask for fewer");
}
#endif

}  // namespace
}  // namespace mdvt
