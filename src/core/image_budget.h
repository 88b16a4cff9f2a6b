// SPDX-License-Identifier: Apache-2.0
//
// How many bytes of pictures one job may hold at once: Limits::max_frame_buffer_bytes. The threads
// of a job name its budget; every image that they make, or get from a decoder, counts until its
// last copy is gone, on whatever thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace mdvt {

class ImageBudget {
 public:
  explicit ImageBudget(int64_t limit) : limit_(limit) {}

  // Counts `bytes` for the budget of this thread, until the result is gone. Empty without a budget.
  // Throws Error(kLimit) if the job would hold more than its limit.
  static std::shared_ptr<void> Charge(int64_t bytes);

  int64_t held() const { return held_; }

 private:
  friend class ImageBudgetScope;
  const int64_t limit_;
  std::atomic<int64_t> held_{0};
};

// While it lives, what this thread makes counts for `budget`.
class ImageBudgetScope {
 public:
  explicit ImageBudgetScope(std::shared_ptr<ImageBudget> budget);
  ~ImageBudgetScope();
  ImageBudgetScope(const ImageBudgetScope&) = delete;
  ImageBudgetScope& operator=(const ImageBudgetScope&) = delete;

 private:
  std::shared_ptr<ImageBudget> before_;
};

}  // namespace mdvt
