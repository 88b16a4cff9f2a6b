// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/bounded_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace mdvt {
namespace {

TEST(BoundedQueue, GivesItemsInOrderThenNothing) {
  BoundedQueue<int> queue(3);
  for (int i = 0; i < 3; ++i) queue.Push(i);
  queue.Close();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Pop(), i);
  EXPECT_EQ(queue.Pop(), std::nullopt);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueue, HoldsAProducerThatRunsAhead) {
  BoundedQueue<int> queue(2);
  std::atomic<int> pushed{0};
  std::atomic<int> popped{0};
  std::atomic<int> most_ahead{0};
  std::thread producer([&] {
    for (int i = 0; i < 1000; ++i) {
      queue.Push(i);
      ++pushed;
    }
    queue.Close();
  });
  for (int i = 0;; ++i) {
    const std::optional<int> item = queue.Pop();
    if (!item) break;
    ASSERT_EQ(*item, i);
    ++popped;
    most_ahead = std::max(most_ahead.load(), pushed.load() - popped.load());
  }
  producer.join();
  EXPECT_EQ(popped, 1000);
  EXPECT_LE(most_ahead, 2);
}

TEST(BoundedQueue, AbortWakesAWaitingProducer) {
  BoundedQueue<int> queue(1);
  queue.Push(1);
  std::atomic<bool> aborted{false};
  std::thread producer([&] {
    try {
      queue.Push(2);
    } catch (const StageAborted&) {
      aborted = true;
    }
  });
  queue.Abort();
  producer.join();
  EXPECT_TRUE(aborted);
}

TEST(BoundedQueue, AbortWakesAWaitingConsumer) {
  BoundedQueue<int> queue(1);
  std::atomic<bool> aborted{false};
  std::thread consumer([&] {
    try {
      queue.Pop();
    } catch (const StageAborted&) {
      aborted = true;
    }
  });
  queue.Abort();
  consumer.join();
  EXPECT_TRUE(aborted);
}

TEST(BoundedQueue, AfterAbortEveryCallThrowsAndItemsAreGone) {
  BoundedQueue<std::shared_ptr<int>> queue(2);
  const auto item = std::make_shared<int>(7);
  queue.Push(item);
  queue.Abort();
  EXPECT_EQ(item.use_count(), 1);
  EXPECT_THROW(queue.Push(item), StageAborted);
  EXPECT_THROW(queue.Pop(), StageAborted);
}

TEST(BoundedQueue, WithoutRoomHandsOver) {
  BoundedQueue<int> queue(0);
  std::atomic<int> pushed{0};
  std::thread producer([&] {
    for (int i = 0; i < 3; ++i) {
      queue.Push(i);
      ++pushed;
    }
    queue.Close();
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(pushed, i);  // the next one is waiting for us, none has been pushed ahead
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(pushed, i);
    EXPECT_EQ(queue.Pop(), i);
    while (pushed != i + 1) std::this_thread::yield();
  }
  EXPECT_EQ(queue.Pop(), std::nullopt);
  producer.join();
}

TEST(BoundedQueue, MoreRoomLetsAWaitingProducerGoOn) {
  BoundedQueue<int> queue(1);
  std::atomic<int> pushed{0};
  std::thread producer([&] {
    for (int i = 0; i < 5; ++i) {
      queue.Push(i);
      ++pushed;
    }
    queue.Close();
  });
  while (pushed != 1) std::this_thread::yield();
  queue.Widen(4);
  while (pushed != 4) std::this_thread::yield();  // nothing has been popped
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(pushed, 4);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(queue.Pop(), i);
  EXPECT_EQ(queue.Pop(), std::nullopt);
  producer.join();
}

TEST(BoundedQueue, AfterAbandonItemsAreDroppedAndTheProducerIsTold) {
  BoundedQueue<std::shared_ptr<int>> queue(1);
  const auto item = std::make_shared<int>(7);
  EXPECT_TRUE(queue.Push(item));
  bool wanted = true;
  std::thread producer([&] { wanted = queue.Push(item); });  // waits, there is room for one
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  queue.Abandon();
  producer.join();
  EXPECT_FALSE(wanted);
  EXPECT_FALSE(queue.Push(item));
  EXPECT_EQ(item.use_count(), 1);
}

TEST(BoundedQueue, WhoWaitsLetsOthersCompute) {
  ThreadPool pool(1);
  BoundedQueue<int> queue(0);
  std::thread consumer([&] {
    const ComputeScope computes(&pool);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(queue.Pop(), i);
  });
  std::thread producer([&] {
    const ComputeScope computes(&pool);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(queue.Push(i));
  });
  producer.join();
  consumer.join();
}

TEST(BoundedQueue, AbortEndsAHandOver) {
  BoundedQueue<int> queue(0);
  bool aborted = false;
  std::thread producer([&] {
    try {
      queue.Push(1);
    } catch (const StageAborted&) {
      aborted = true;
    }
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  queue.Abort();
  producer.join();
  EXPECT_TRUE(aborted);
}

}  // namespace
}  // namespace mdvt
