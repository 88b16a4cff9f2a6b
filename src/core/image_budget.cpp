// SPDX-License-Identifier: Apache-2.0
#include "core/image_budget.h"

#include <string>
#include <utility>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

thread_local std::shared_ptr<ImageBudget> current;

}  // namespace

std::shared_ptr<void> ImageBudget::Charge(int64_t bytes) {
  if (!current) return {};
  ImageBudget& budget = *current;
  if (budget.held_.fetch_add(bytes) + bytes > budget.limit_) {
    budget.held_.fetch_sub(bytes);
    throw Error(Code::kLimit, "this job would hold more than " + std::to_string(budget.limit_) +
                                  " bytes of pictures at once (max_frame_buffer_bytes): raise the "
                                  "limit or use smaller pictures");
  }
  // The pointer is the budget's own; only its deleter counts.
  ImageBudget* raw = current.get();
  return std::shared_ptr<void>(
      raw, [budget = current, bytes](void*) { budget->held_.fetch_sub(bytes); });
}

ImageBudgetScope::ImageBudgetScope(std::shared_ptr<ImageBudget> budget)
    : before_(std::exchange(current, std::move(budget))) {}

ImageBudgetScope::~ImageBudgetScope() { current = std::move(before_); }

}  // namespace mdvt
