// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/graph.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>

#include "core/image_budget.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/log.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {
namespace {

// A flag set by a signal handler wakes nobody, so it is looked at this often.
constexpr std::chrono::milliseconds kPollInterval(10);
// After a partner has ended, so many items of the longer stream are still counted for the message.
constexpr int64_t kMaxCountedRest = 1000;

}  // namespace

Graph::Graph(int num_threads, RunControl control)
    : Graph(num_threads, std::move(control), Limits().max_frame_buffer_bytes) {}

Graph::Graph(const JobOptions& job, RunControl control)
    : Graph(job.num_threads, std::move(control), job.limits.max_frame_buffer_bytes) {}

Graph::Graph(int num_threads, RunControl control, int64_t max_picture_bytes)
    : pool_(num_threads),
      pictures_(std::make_shared<ImageBudget>(max_picture_bytes)),
      control_(std::move(control)),
      meter_(control_) {}

Graph::~Graph() = default;

void Graph::AddThread(std::function<void()> body, std::vector<std::shared_ptr<AnyQueue>> inputs,
                      const std::vector<std::shared_ptr<AnyQueue>>& outputs) {
  nodes_.push_back({std::move(body), std::move(inputs)});
  queues_.insert(queues_.end(), outputs.begin(), outputs.end());
}

std::shared_ptr<std::atomic<int64_t>> Graph::NewCount() {
  if (has_run_) counts_.clear();
  has_run_ = false;
  counts_.push_back(std::make_shared<std::atomic<int64_t>>(0));
  return counts_.back();
}

int64_t Graph::frames_done() const {
  int64_t least = counts_.empty() ? 0 : INT64_MAX;
  for (const auto& count : counts_) least = std::min(least, count->load());
  return least;
}

void Graph::FailOnLength(const PairNames& names, int64_t pairs, bool first_ended,
                         const std::function<bool()>& more) {
  // The end of the shorter one is known; the longer one is read on, for the message.
  int64_t longer = pairs + 1;
  bool at_end = false;
  while (!at_end && longer - pairs <= kMaxCountedRest) {
    at_end = !more();
    if (!at_end) ++longer;
  }
  // What lies past the limit was not read: the longer count is a lower bound then too.
  const bool exact = at_end && (names.limit < 0 || longer < names.limit);
  const std::string shorter_text = CountOf(pairs, names.unit);
  const std::string longer_text = (exact ? "" : "at least ") + CountOf(longer, names.unit);
  throw Error(Code::kCorrupt, names.first + " has " + (first_ended ? shorter_text : longer_text) +
                                  ", " + names.second + " has " +
                                  (first_ended ? longer_text : shorter_text) + ": " + names.remedy);
}

void Graph::RunNode(const Node& node) {
  try {
    const ImageBudgetScope counted(pictures_);
    const ComputeScope computes(&pool_);
    node.body();
    for (const auto& queue : node.inputs) queue->Abandon();  // it may have ended before its input
  } catch (const StageAborted&) {
  } catch (...) {
    Fail(std::current_exception());
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  --running_;
  ended_.notify_all();
}

void Graph::Run(const std::string& phase, int64_t expected_frames) {
  Require(!error_, Code::kInvalidArgument, "Graph: a phase was run after one that failed");
  Require(!counts_.empty() && !has_run_, Code::kInvalidArgument,
          "Graph: the phase '" + phase + "' has no sink");
  meter_.BeginPhase(phase);
  try {
    for (const Node& node : nodes_) {
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++running_;
      }
      try {
        threads_.emplace_back([this, &node, prefix = LogPrefix::OfThisThread()] {
          const LogPrefix of_job(prefix);
          RunNode(node);
        });
      } catch (const std::system_error& error) {
        const std::lock_guard<std::mutex> lock(mutex_);
        --running_;
        throw Error(Code::kLimit, "a thread of the job cannot be started (" +
                                      error.code().message() +
                                      "): raise the limit of processes (ulimit -u)");
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex_);
        --running_;
        throw;
      }
    }
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ended_.wait_for(lock, kPollInterval, [this] { return running_ == 0; })) {
      lock.unlock();
      meter_.Update(frames_done(), expected_frames);
      lock.lock();
    }
  } catch (...) {
    Fail(std::current_exception());
  }
  Join();
  if (error_) std::rethrow_exception(error_);
  nodes_.clear();
  queues_.clear();
  has_run_ = true;
  try {
    // May still cancel: nothing has been published yet.
    meter_.Finish(frames_done());
  } catch (...) {
    error_ = std::current_exception();
    throw;
  }
}

void Graph::Fail(std::exception_ptr error) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  for (const auto& queue : queues_) queue->Abort();
}

void Graph::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace mdvt
