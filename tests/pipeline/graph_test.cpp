// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "support/log_catcher.h"

namespace mdvt {
namespace {

using std::chrono::milliseconds;

// 0, 1, ... count - 1; for ever with a negative count.
auto Numbers(int64_t count) {
  return [count, next = int64_t{0}]() mutable -> std::optional<int64_t> {
    if (count >= 0 && next >= count) return std::nullopt;
    return next++;
  };
}

std::vector<int64_t> Upto(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

std::string FailureOf(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

// Gives each number `late` numbers later, and the rest at the end.
class Late : public Stage<int64_t, int64_t> {
 public:
  explicit Late(int late, int group = 1) : late_(late), group_(group) {}
  int latency() const override { return late_; }
  int group() const override { return group_; }
  void Push(int64_t number) override { inside_.push_back(number); }
  void Finish() override { finished_ = true; }
  std::optional<int64_t> Pop() override {
    if (inside_.empty() || (!finished_ && inside_.size() <= static_cast<size_t>(late_)))
      return std::nullopt;
    const int64_t number = inside_.front();
    inside_.pop_front();
    return number;
  }

 private:
  int late_;
  int group_;
  std::deque<int64_t> inside_;
  bool finished_ = false;
};

// How many threads are between two points at once, and the most of them.
class Census {
 public:
  void Work(milliseconds time) { Count(1, time); }
  // Counts as so many threads.
  void Count(int threads, milliseconds time) {
    const int now = inside_ += threads;
    int most = most_;
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
    std::this_thread::sleep_for(time);
    inside_ -= threads;
  }
  int most() const { return most_; }

 private:
  std::atomic<int> inside_{0};
  std::atomic<int> most_{0};
};

TEST(Graph, HandsAllItemsOnInOrder) {
  Graph graph(2);
  Late late(3);
  std::vector<int64_t> seen;
  auto numbers = graph.From(Numbers(1000));
  auto doubled = graph.Then(std::move(numbers), [](int64_t n) { return 2 * n; });
  auto delayed = graph.Then(std::move(doubled), &late);
  auto halved = graph.Map(std::move(delayed), [](int64_t n) { return n / 2; });
  graph.Into(std::move(halved), [&](int64_t n) { seen.push_back(n); });
  graph.Run("counting", 1000);
  EXPECT_EQ(seen, Upto(1000));
  EXPECT_EQ(graph.frames_done(), 1000);
}

TEST(Graph, ItsThreadsLogWithThePrefixOfTheOneThatRunsIt) {
  const test::LogCatcher log;
  const LogPrefix prefix("scene 2, depth");
  Graph graph(2);
  auto numbers = graph.Then(graph.From(Numbers(1)), [](int64_t n) {
    LogWarning("one stage");
    return n;
  });
  auto mapped = graph.Map(std::move(numbers), [](int64_t n) {
    LogWarning("one of many");
    return n;
  });
  graph.Into(std::move(mapped), [](int64_t) {});
  graph.Run("counting", 1);
  EXPECT_EQ(log.lines,
            (std::vector<std::string>{"scene 2, depth: one stage", "scene 2, depth: one of many"}));
}

TEST(Graph, AnEmptySourceEndsEverything) {
  Graph graph(2);
  Late late(3);
  int seen = 0;
  graph.Into(graph.Then(graph.From(Numbers(0)), &late), [&](int64_t) { ++seen; });
  graph.Run("counting", 0);
  EXPECT_EQ(seen, 0);
}

TEST(Graph, AFunctionMayLeaveItemsOut) {
  Graph graph(3);
  std::vector<int64_t> seen;
  auto odd = graph.Then(graph.From(Numbers(10)), [](int64_t n) -> std::optional<int64_t> {
    if (n % 2 == 0) return std::nullopt;
    return n;
  });
  graph.Into(std::move(odd), [&](int64_t n) { seen.push_back(n); });
  graph.Run("counting", 0);
  EXPECT_EQ(seen, (std::vector<int64_t>{1, 3, 5, 7, 9}));
}

TEST(Graph, HandsOverOneItemAtATimeAndHoldsMoreOnRequest) {
  for (const size_t room : {size_t{0}, size_t{1}, size_t{5}}) {
    Graph graph(4);
    std::atomic<int64_t> made{0};
    int64_t taken = 0, most_ahead = 0;
    auto numbers = graph.From([&]() -> std::optional<int64_t> {
      if (made == 50) return std::nullopt;
      return made++;
    });
    graph.Into(std::move(numbers).Holding(room), [&](int64_t) {
      std::this_thread::sleep_for(milliseconds(2));
      ++taken;
      most_ahead = std::max(most_ahead, made - taken);
    });
    graph.Run("counting", 50);
    // One in the sink is taken already; one more is being made, or waits to be handed over.
    EXPECT_EQ(most_ahead, static_cast<int64_t>(room) + 1) << "room for " << room;
  }
}

TEST(Graph, KeepsAGroupReadyOnBothSidesOfAStage) {
  Graph graph(4);
  Late late(0, 4);
  std::atomic<int64_t> made{0};
  int64_t taken = 0, most_ahead = 0;
  auto numbers = graph.From([&]() -> std::optional<int64_t> {
    if (made == 60) return std::nullopt;
    return made++;
  });
  graph.Into(graph.Then(std::move(numbers), &late), [&](int64_t) {
    std::this_thread::sleep_for(milliseconds(2));
    ++taken;
    most_ahead = std::max(most_ahead, made - taken);
  });
  graph.Run("counting", 60);
  EXPECT_EQ(most_ahead, 4 + 4 + 2);  // two queues, one in the stage, one being made
}

TEST(Graph, ZipGivesPairs) {
  Graph graph(2);
  std::vector<int64_t> sums;
  auto a = graph.From(Numbers(100));
  auto b = graph.Then(graph.From(Numbers(100)), [](int64_t n) { return 1000 * n; });
  graph.Into(
      graph.Zip(std::move(a), std::move(b), {"a", "b", "no remedy"}),
      [&](const std::pair<int64_t, int64_t>& pair) { sums.push_back(pair.first + pair.second); });
  graph.Run("pairing", 100);
  ASSERT_EQ(sums.size(), 100u);
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(sums[i], static_cast<int64_t>(1001 * i));
}

std::string ZipFailure(int64_t first, int64_t second, int64_t limit = -1) {
  return FailureOf([&] {
    Graph graph(2);
    PairNames names{"'a.mkv'", "'b.mkv'", "make them equal"};
    names.limit = limit;
    graph.Into(graph.Zip(graph.From(Numbers(first)), graph.From(Numbers(second)), names),
               [](const std::pair<int64_t, int64_t>&) {});
    graph.Run("pairing", 0);
  });
}

TEST(Graph, ZipNamesBothLengths) {
  EXPECT_EQ(ZipFailure(7, 7), "none");
  EXPECT_EQ(ZipFailure(7, 12), "'a.mkv' has 7 frames, 'b.mkv' has 12 frames: make them equal");
  EXPECT_EQ(ZipFailure(12, 1), "'a.mkv' has 12 frames, 'b.mkv' has 1 frame: make them equal");
  EXPECT_EQ(ZipFailure(0, 1), "'a.mkv' has 0 frames, 'b.mkv' has 1 frame: make them equal");
  EXPECT_EQ(ZipFailure(3, 5000),
            "'a.mkv' has 3 frames, 'b.mkv' has at least 1004 frames: make them equal");
  // Both are cut at 10.
  EXPECT_EQ(ZipFailure(10, 4, 10),
            "'a.mkv' has at least 10 frames, 'b.mkv' has 4 frames: make them equal");
}

TEST(Graph, SplitGivesAllToBoth) {
  Graph graph(2);
  std::vector<int64_t> whole;
  std::vector<std::string> texts;
  auto both = graph.Split(
      graph.From(Numbers(200)), [](const int64_t& n) { return n; },
      [](const int64_t& n) { return std::to_string(n); });
  graph.Into(std::move(both.first), [&](int64_t n) { whole.push_back(n); });
  graph.Into(std::move(both.second).Holding(3), [&](std::string text) { texts.push_back(text); });
  graph.Run("splitting", 200);
  EXPECT_EQ(whole, Upto(200));
  ASSERT_EQ(texts.size(), 200u);
  for (size_t i = 0; i < 200; ++i) EXPECT_EQ(texts[i], std::to_string(i));
}

TEST(Graph, ASplitGoesOnForTheConsumerThatWantsMore) {
  Graph graph(2);
  int few = 0, all = 0;
  auto both = graph.Split(graph.From(Numbers(100)));
  graph.Into(graph.While(std::move(both.first), [&] { return few < 3; }), [&](int64_t) { ++few; });
  graph.Into(std::move(both.second), [&](int64_t) { ++all; });
  graph.Run("splitting", 100);
  EXPECT_EQ(few, 3);
  EXPECT_EQ(all, 100);
}

TEST(Graph, WhileEndsASourceWithoutEnd) {
  Graph graph(2);
  std::vector<int64_t> seen;
  auto numbers = graph.Then(graph.From(Numbers(-1)), [](int64_t n) { return n; });
  graph.Into(graph.While(std::move(numbers), [left = 5]() mutable { return left-- > 0; }),
             [&](int64_t n) { seen.push_back(n); });
  graph.Run("counting", 5);
  EXPECT_EQ(seen, Upto(5));
}

TEST(Graph, SinksWithSeveralWorkersShareTheItems) {
  Graph graph(4);
  std::mutex mutex;
  std::set<int64_t> seen;
  std::set<std::thread::id> threads;
  int made = 0;
  graph.IntoEach(graph.From(Numbers(300)), 3, [&] {
    ++made;
    return [&, own = 0](int64_t n) mutable {
      std::this_thread::sleep_for(std::chrono::microseconds(200));
      ++own;
      const std::lock_guard<std::mutex> lock(mutex);
      EXPECT_TRUE(seen.insert(n).second);
      threads.insert(std::this_thread::get_id());
    };
  });
  graph.Run("sharing", 300);
  EXPECT_EQ(made, 3);
  EXPECT_EQ(seen.size(), 300u);
  EXPECT_EQ(threads.size(), 3u);
  EXPECT_EQ(graph.frames_done(), 300);
}

TEST(Graph, ASinkMayCountFramesOfItsOwn) {
  Graph graph(1);
  graph.Into(graph.From(Numbers(4)), [](int64_t n) { return n; });
  graph.Run("counting", 6);
  EXPECT_EQ(graph.frames_done(), 0 + 1 + 2 + 3);
}

// --- errors and cancellation
// ----------------------------------------------------------------------

// A graph with every kind of node, of numbers without end. `hook` is called in each with its name.
void RunEveryKind(const std::function<void(const std::string& node, int64_t number)>& hook,
                  RunControl control = {}, int threads = 2) {
  struct Hooked : Late {
    using Hook = std::function<void(int64_t)>;
    Hooked(Hook push, Hook pop) : Late(2), push_hook(std::move(push)), pop_hook(std::move(pop)) {}
    void Push(int64_t number) override {
      push_hook(number);
      Late::Push(number);
    }
    std::optional<int64_t> Pop() override {
      const std::optional<int64_t> number = Late::Pop();
      if (number) pop_hook(*number);
      return number;
    }
    Hook push_hook, pop_hook;
  };
  const auto named = [&](const char* name) {
    return [&hook, name](int64_t number) {
      hook(name, number);
      return number;
    };
  };
  const auto source = [&](const char* name) {
    return [&hook, name, next = int64_t{0}]() mutable -> std::optional<int64_t> {
      hook(name, next);
      return next++;
    };
  };
  Graph graph(threads, std::move(control));
  Hooked stage(named("push"), named("pop"));
  auto left = graph.Then(graph.From(source("source")), named("function"));
  auto right = graph.Map(graph.From(source("second source")), named("map"));
  auto paired = graph.Zip(std::move(left), std::move(right), {"left", "right", ""});
  auto sums = graph.Then(std::move(paired), [&](const std::pair<int64_t, int64_t>& pair) {
    hook("zipped", pair.first);
    return pair.first;
  });
  auto staged = graph.Then(std::move(sums), &stage);
  const auto part = [&](const int64_t& number) {
    hook("part", number);
    return number;
  };
  auto both = graph.Split(std::move(staged), part, part);
  graph.Into(std::move(both.first), [&](int64_t number) { hook("sink", number); });
  graph.IntoEach(std::move(both.second), 2,
                 [&] { return [&](int64_t number) { hook("worker", number); }; });
  graph.Run("everything", 0);
}

const std::vector<std::string> kNodes = {"source", "second source", "function", "map",  "zipped",
                                         "push",   "pop",           "part",     "sink", "worker"};

TEST(Graph, AnErrorInEveryKindOfNodeEndsAllWithItsText) {
  for (const int threads : {1, 2, 5})
    for (const std::string& node : kNodes)
      EXPECT_EQ(FailureOf([&] {
                  RunEveryKind(
                      [&](const std::string& at, int64_t number) {
                        if (at == node && number == 40)
                          throw Error(Code::kCorrupt, node + " is broken");
                      },
                      {}, threads);
                }),
                node + " is broken")
          << threads << " threads";
}

TEST(Graph, TheFirstErrorIsKept) {
  // The sink fails, and when all others have been told so (they are in the middle of their work and
  // learn of it at their next queue) a stage fails too.
  for (int round = 0; round < 20; ++round) {
    std::atomic<bool> in_stage{false}, sink_failed{false};
    std::atomic<bool> stage_failed{false};
    const std::string failure = FailureOf([&] {
      Graph graph(3);
      auto staged = graph.Then(graph.From(Numbers(-1)), [&](int64_t number) {
        if (number == 3) {
          in_stage = true;
          while (!sink_failed) std::this_thread::yield();
          std::this_thread::sleep_for(milliseconds(20));  // the graph has noted it by now
          stage_failed = true;
          throw std::runtime_error("later");
        }
        return number;
      });
      graph.Into(std::move(staged), [&](int64_t number) {
        if (number != 2) return;
        while (!in_stage) std::this_thread::yield();
        sink_failed = true;
        throw std::runtime_error("the disk is full");
      });
      graph.Run("failing", 0);
    });
    EXPECT_TRUE(stage_failed);
    EXPECT_EQ(failure, "the disk is full");
  }
}

TEST(Graph, NoPhaseRunsAfterOneThatFailed) {
  Graph graph(1);
  graph.Into(graph.From(Numbers(3)), [](int64_t) { throw std::runtime_error("broken"); });
  EXPECT_EQ(FailureOf([&] { graph.Run("first", 3); }), "broken");
  graph.Into(graph.From(Numbers(3)), [](int64_t) {});
  EXPECT_EQ(FailureOf([&] { graph.Run("second", 3); }),
            "Graph: a phase was run after one that failed");
}

TEST(Graph, TheFlagCancelsWithinAFrameWhateverNodeIsBusy) {
  for (const std::string& node : kNodes) {
    using Clock = std::chrono::steady_clock;
    std::atomic<bool> cancelled{false};
    std::atomic<Clock::rep> late{0};  // from then on the flag has been seen
    std::atomic<int64_t> after{0};
    RunControl control;
    control.cancelled = &cancelled;
    try {
      RunEveryKind(
          [&](const std::string& at, int64_t number) {
            if (at != node) return;
            if (cancelled && Clock::now().time_since_epoch().count() > late) ++after;
            if (number != 50) return;
            late = (Clock::now() + milliseconds(90)).time_since_epoch().count();
            cancelled = true;
            // Longer than the time between two looks at the flag.
            std::this_thread::sleep_for(milliseconds(100));
          },
          control);
      ADD_FAILURE() << node << " was not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kCancelled);
    }
    EXPECT_LE(after, 1) << node;
  }
}

TEST(Graph, AFlagSetBeforeTheEndCancelsAJobThatHasRunThrough) {
  std::atomic<bool> cancelled{false};
  RunControl control;
  control.cancelled = &cancelled;
  Graph graph(2, control);
  graph.Into(graph.From(Numbers(5)), [&](int64_t n) { cancelled = n == 4; });
  EXPECT_EQ(FailureOf([&] { graph.Run("counting", 5); }), "cancelled");
}

TEST(Graph, TheCallbackCancelsAndRunsOnTheCallingThread) {
  const std::thread::id caller = std::this_thread::get_id();
  int64_t seen = -1;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_GE(progress.frames_done, seen);
    seen = progress.frames_done;
    return progress.frames_done < 10;
  };
  Graph graph(2, control);
  graph.Into(graph.From(Numbers(-1)), [](int64_t) {});
  EXPECT_EQ(FailureOf([&] { graph.Run("counting", 0); }), "cancelled");
  EXPECT_GE(seen, 10);
}

TEST(Graph, WhatTheCallbackThrowsComesOutAsItIs) {
  RunControl control;
  control.on_progress = [](const Progress&) -> bool { throw std::runtime_error("from above"); };
  EXPECT_EQ(FailureOf([&] { RunEveryKind([](const std::string&, int64_t) {}, control); }),
            "from above");
}

TEST(Graph, PhasesShareThePoolAndTellTheirNames) {
  std::vector<std::pair<std::string, int64_t>> ends;
  RunControl control;
  control.on_progress = [&](const Progress& progress) {
    if (progress.frames_done == progress.frames_total)
      ends.emplace_back(progress.phase, progress.frames_done);
    return true;
  };
  Graph graph(2, control);
  int64_t sum = 0;
  graph.Into(graph.From(Numbers(10)), [&](int64_t n) { sum += n; });
  graph.Run("measuring", 10);
  std::vector<int64_t> seen;
  graph.Into(graph.Then(graph.From(Numbers(4)), [&](int64_t n) { return n + sum; }),
             [&](int64_t n) { seen.push_back(n); });
  graph.Run("using", 4);
  EXPECT_EQ(seen, (std::vector<int64_t>{45, 46, 47, 48}));
  ASSERT_EQ(ends.size(), 2u);
  EXPECT_EQ(ends[0], std::make_pair(std::string("measuring"), int64_t{10}));
  EXPECT_EQ(ends[1], std::make_pair(std::string("using"), int64_t{4}));
}

TEST(Graph, APhaseNeedsASink) {
  Graph graph(1);
  EXPECT_EQ(FailureOf([&] { graph.Run("nothing", 0); }), "Graph: the phase 'nothing' has no sink");
}

// --- threads
// --------------------------------------------------------------------------------------

TEST(Graph, NeverMoreThreadsComputeThanAllowedAndSoManyDo) {
  for (const int threads : {1, 2, 3, 7}) {
    Graph graph(threads);
    Census census;
    ThreadPool* const pool = graph.pool();
    const auto loop = [&](int64_t n) {
      pool->ParallelFor(6, 1, [&](int64_t, int64_t) { census.Work(milliseconds(1)); });
      return n;
    };
    const auto plain = [&](int64_t n) {
      census.Work(milliseconds(1));
      return n;
    };
    const auto gang = [&](int64_t n) {
      const GangScope scope(3);
      census.Count(std::min(3, threads), milliseconds(1));
      return n;
    };
    auto left = graph.Then(graph.Then(graph.From(Numbers(30)), plain), loop);
    auto right = graph.Then(graph.Then(graph.From(Numbers(30)), plain), gang);
    auto pairs = graph.Zip(std::move(left), std::move(right), {"a", "b", ""});
    auto both = graph.Split(graph.Then(
        std::move(pairs), [&](const std::pair<int64_t, int64_t>& p) { return loop(p.first); }));
    graph.Into(std::move(both.first), plain);
    graph.IntoEach(std::move(both.second), 3, [&] { return plain; });
    graph.Run("working", 30);
    EXPECT_EQ(census.most(), threads);
  }
}

TEST(Graph, AGangIsNotStarvedByThreadsThatWorkWithoutPause) {
  Graph graph(3);
  std::atomic<bool> gang_ran{false};
  std::atomic<int64_t> loops{0};
  ThreadPool* const pool = graph.pool();
  // Never waits for a queue: it lets the gang pass where it begins a loop.
  graph.Into(graph.From(Numbers(1)), [&](int64_t) {
    while (!gang_ran && loops < 2000) {
      pool->ParallelFor(4, 1, [](int64_t, int64_t) {
        std::this_thread::sleep_for(std::chrono::microseconds(300));
      });
      ++loops;
    }
  });
  graph.Into(graph.From(Numbers(1)), [&](int64_t) {
    const GangScope scope(3);
    gang_ran = true;
  });
  graph.Run("working", 1);
  EXPECT_LT(loops, 2000);
}

TEST(Graph, ThePoolIsTheCurrentOneInEveryNode) {
  Graph graph(2);
  std::atomic<int> inside{0};
  const auto check = [&](int64_t n) {
    if (ThreadPool::Current() == graph.pool()) ++inside;
    return n;
  };
  graph.Into(graph.Then(graph.From(Numbers(1)), check), check);
  graph.Run("looking", 1);
  EXPECT_EQ(inside, 2);
  EXPECT_EQ(ThreadPool::Current(), nullptr);
}

// What a random graph of numbers computes: it depends on the seed alone.
std::vector<int64_t> RunRandomGraph(unsigned seed, int threads, int64_t count) {
  std::mt19937 random(seed);
  const auto pick = [&](int below) { return static_cast<int>(random() % below); };
  Graph graph(threads);
  ThreadPool* const pool = graph.pool();
  std::vector<std::unique_ptr<Late>> stages;
  std::deque<Stream<int64_t>> open;
  std::vector<std::unique_ptr<std::atomic<int64_t>>> sums;
  const auto work = [pool](int kind) {
    return [pool, kind](int64_t n) {
      if (kind == 1) {
        std::atomic<int64_t> sum{n};
        pool->ParallelFor(9, 2, [&](int64_t begin, int64_t end) {
          // A nested loop, and a call with threads of its own, from inside a body.
          pool->ParallelFor(end - begin, 1, [&](int64_t, int64_t) { ++sum; });
          const GangScope scope(2);
          ++sum;
        });
        return sum.load();
      }
      if (kind == 2) {
        const GangScope scope(4);
        return n * 3 + 1;
      }
      return n * 7 % 1009;
    };
  };
  const auto take = [&] {
    const auto at = open.begin() + pick(static_cast<int>(open.size()));
    Stream<int64_t> stream = std::move(*at);
    open.erase(at);
    return stream;
  };
  const int nodes = 3 + pick(8);
  open.push_back(graph.From(Numbers(count)));
  for (int i = 0; i < nodes; ++i) {
    switch (pick(6)) {
      case 0:
        open.push_back(graph.From(Numbers(count)).Holding(static_cast<size_t>(pick(3))));
        break;
      case 1:
        open.push_back(graph.Map(take(), work(pick(3))));
        break;
      case 2:
        open.push_back(graph.Then(take(), work(pick(3))));
        break;
      case 3: {
        stages.push_back(std::make_unique<Late>(pick(4), 1 + pick(3)));
        open.push_back(graph.Then(take(), stages.back().get()));
        break;
      }
      case 4: {
        // Room for what a late stage on one side keeps from the other.
        auto both = graph.Split(take().Holding(64));
        open.push_back(std::move(both.first));
        open.push_back(std::move(both.second));
        break;
      }
      case 5:
        if (open.size() < 2) break;
        {
          Stream<int64_t> a = take();
          Stream<int64_t> b = take();
          open.push_back(graph.Map(graph.Zip(std::move(a), std::move(b), {"a", "b", ""}),
                                   [](const std::pair<int64_t, int64_t>& pair) {
                                     return pair.first * 31 + pair.second;
                                   }));
        }
        break;
    }
  }
  while (!open.empty()) {
    sums.push_back(std::make_unique<std::atomic<int64_t>>(0));
    std::atomic<int64_t>* sum = sums.back().get();
    const bool ordered = pick(2) == 0;
    if (ordered)
      graph.Into(take(), [sum](int64_t n) { *sum = (*sum * 131 + n) % 1000003; });
    else
      graph.IntoEach(take(), 1 + pick(3), [sum] { return [sum](int64_t n) { *sum += n; }; });
  }
  graph.Run("random", count);
  std::vector<int64_t> results;
  for (const auto& sum : sums) results.push_back(*sum);
  return results;
}

TEST(Graph, RandomGraphsEndAndGiveTheSameForEveryNumberOfThreads) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const std::vector<int64_t> expected = RunRandomGraph(seed, 1, 40);
    for (const int threads : {2, 3, 7})
      EXPECT_EQ(RunRandomGraph(seed, threads, 40), expected)
          << "seed " << seed << ", " << threads << " threads";
  }
}

TEST(State, HoldsNamedBytes) {
  State state;
  state.Set("a", std::string("\0\1", 2));
  EXPECT_EQ(state.Get("a"), std::string("\0\1", 2));
  EXPECT_FALSE(state.Has("b"));
  EXPECT_EQ(FailureOf([&] { state.Get("b"); }), "the saved state lacks 'b'");
}

TEST(Stage, WithoutAStateToSaveSaysSo) {
  Late late(1);
  State state;
  EXPECT_FALSE(late.CanSave());
  EXPECT_EQ(FailureOf([&] { late.Save(&state); }), "the state of this stage cannot be saved");
  EXPECT_EQ(FailureOf([&] { late.Load(state); }), "the state of this stage cannot be saved");
}

}  // namespace
}  // namespace mdvt
