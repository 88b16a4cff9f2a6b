// SPDX-License-Identifier: Apache-2.0
#include "tracking/opencv_threads.h"

#include <algorithm>
#include <memory>
#include <opencv2/core/parallel/parallel_backend.hpp>
#include <opencv2/core/utility.hpp>

#include "mdvt/tracking/dense_flow.h"

namespace mdvt {
namespace {

// OpenCV has as many tasks as a loop has steps, down to single points.
constexpr int kMostBlocks = 32;

class PoolLoops : public cv::parallel::ParallelForAPI {
 public:
  void parallel_for(int tasks, FN_parallel_for_body_cb_t body, void* data) override {
    ThreadPool* const pool = ThreadPool::Current();
    if (pool == nullptr) return body(0, tasks, data);
    pool->ParallelFor(tasks, std::max(1, tasks / kMostBlocks), [&](int64_t begin, int64_t end) {
      body(static_cast<int>(begin), static_cast<int>(end), data);
    });
  }
  int getThreadNum() const override { return 0; }
  int getNumThreads() const override {
    ThreadPool* const pool = ThreadPool::Current();
    return pool != nullptr ? pool->num_threads() : 1;
  }
  int setNumThreads(int) override { return getNumThreads(); }
  const char* getName() const override { return "mdvt"; }
};

bool& UsesPools() {
  static bool uses = false;
  return uses;
}

}  // namespace

void LetOpenCvUseThreadPools() {
  cv::parallel::setParallelForBackend(std::make_shared<PoolLoops>(), false);
  UsesPools() = true;
}

namespace tracking {

OpenCvScope::OpenCvScope() : gang_(UsesPools() ? 1 : cv::getNumThreads()) {}

}  // namespace tracking
}  // namespace mdvt
