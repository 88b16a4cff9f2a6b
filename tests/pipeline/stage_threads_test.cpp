// SPDX-License-Identifier: Apache-2.0
#include "pipeline/stage_threads.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// A job of three stages that counts: what a stage does before frame `number` is up to the test.
struct CountingJob {
  using Hook = std::function<void(int number)>;
  Hook decode, compute, encode;
  int frames = 1000;
  RunControl control;
  std::atomic<int64_t> done{0};

  void Run() {
    BoundedQueue<int> decoded(2);
    BoundedQueue<int> computed(2);
    const std::atomic<int64_t> total{frames};
    ProgressMeter meter(control);
    StageThreads threads({&decoded, &computed});
    threads.Start([&] {
      for (int i = 0; frames < 0 || i < frames; ++i) {
        if (decode) decode(i);
        decoded.Push(i);
      }
      decoded.Close();
    });
    threads.Start([&] {
      while (const std::optional<int> number = decoded.Pop()) {
        if (compute) compute(*number);
        computed.Push(*number);
      }
      computed.Close();
    });
    threads.Start([&] {
      while (const std::optional<int> number = computed.Pop()) {
        if (encode) encode(*number);
        EXPECT_EQ(*number, done);
        ++done;
      }
    });
    threads.Run(&meter, done, total);
  }

  std::string Failure() {
    try {
      Run();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }
};

void FailAt(int number) {
  if (number == 100) throw Error(Code::kCorrupt, "frame 100 is broken");
}

TEST(StageThreads, RunsEveryFrameInOrder) {
  CountingJob job;
  EXPECT_EQ(job.Failure(), "none");
  EXPECT_EQ(job.done, 1000);
}

TEST(StageThreads, AnErrorInAnyStageEndsTheJobWithItsText) {
  for (int stage = 0; stage < 3; ++stage) {
    CountingJob job;
    job.frames = -1;  // ends by the error alone
    (stage == 0 ? job.decode : stage == 1 ? job.compute : job.encode) = FailAt;
    EXPECT_EQ(job.Failure(), "frame 100 is broken") << "stage " << stage;
    EXPECT_LE(job.done, 100);
  }
}

TEST(StageThreads, TheFirstErrorIsKept) {
  CountingJob job;
  job.frames = -1;
  std::atomic<bool> encoder_failed{false};
  job.encode = [&](int number) {
    if (number != 3) return;
    encoder_failed = true;
    throw std::runtime_error("the disk is full");
  };
  job.decode = [&](int) {
    // Fails too, but only after the other one has: it waits for the queue to be aborted.
    if (encoder_failed) throw std::runtime_error("later");
  };
  const std::string failure = job.Failure();
  EXPECT_TRUE(failure == "the disk is full" || failure == "later");
  EXPECT_LE(job.done, 3);
}

TEST(StageThreads, TheFlagCancelsWhateverStageIsBusy) {
  for (int stage = 0; stage < 3; ++stage) {
    CountingJob job;
    job.frames = -1;
    std::atomic<bool> cancelled{false};
    job.control.cancelled = &cancelled;
    (stage == 0   ? job.decode
     : stage == 1 ? job.compute
                  : job.encode) = [&](int number) {
      if (number == 50) cancelled = true;
    };
    try {
      job.Run();
      ADD_FAILURE() << "stage " << stage << " was not cancelled";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::kCancelled);
    }
  }
}

TEST(StageThreads, AFlagSetBeforeTheEndCancelsAJobThatHasRunThrough) {
  CountingJob job;
  job.frames = 5;
  std::atomic<bool> cancelled{false};
  job.control.cancelled = &cancelled;
  job.encode = [&](int number) {
    if (number == 4) cancelled = true;
  };
  EXPECT_EQ(job.Failure(), "cancelled");
}

TEST(StageThreads, TheCallbackCancelsAndRunsOnTheCallingThread) {
  CountingJob job;
  job.frames = -1;
  const std::thread::id caller = std::this_thread::get_id();
  int64_t seen = -1;
  job.control.on_progress = [&](const Progress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_GE(progress.frames_done, seen);
    seen = progress.frames_done;
    return progress.frames_done < 10;
  };
  EXPECT_EQ(job.Failure(), "cancelled");
  EXPECT_GE(seen, 10);
}

TEST(StageThreads, WhatTheCallbackThrowsComesOutAsItIs) {
  CountingJob job;
  job.frames = -1;
  job.control.on_progress = [](const Progress&) -> bool { throw std::runtime_error("from above"); };
  EXPECT_EQ(job.Failure(), "from above");
}

TEST(StageThreads, EndsItsThreadsWhenItWasNeverRun) {
  BoundedQueue<int> queue(1);
  StageThreads threads({&queue});
  threads.Start([&] {
    for (int i = 0;; ++i) queue.Push(i);
  });
}

}  // namespace
}  // namespace mdvt
