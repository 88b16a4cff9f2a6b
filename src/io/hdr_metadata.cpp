// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/hdr_metadata.h"

#include <utility>

namespace mdvt {

void Hdr10PlusTrack::Add(int64_t pts, std::vector<uint8_t> message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!last_ || *last_ != message)
    last_ = std::make_shared<const std::vector<uint8_t>>(std::move(message));
  const auto [place, is_new] = messages_.insert_or_assign(pts, last_);
  if (!is_new) return;
  order_.push_back(pts);
  if (order_.size() <= kKept) return;
  messages_.erase(order_.front());
  order_.pop_front();
}

Hdr10PlusTrack::Message Hdr10PlusTrack::At(int64_t pts, Rational time_base) const {
  const int64_t own = Rescale(pts, time_base, time_base_);
  if (Rescale(own, time_base_, time_base) != pts) return nullptr;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = messages_.find(own);
  return found != messages_.end() ? found->second : nullptr;
}

}  // namespace mdvt
