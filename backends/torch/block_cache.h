// SPDX-License-Identifier: Apache-2.0
//
// Keeps the large blocks of memory that one pass of a network frees for the next pass. Without it
// each tensor of a pass is fresh from the system, page by page: a third of the time of a ViT at
// 924x518 was spent in page faults.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

namespace mdvt::torch_backend {

// While one exists, the large tensors that its thread makes come from the cache. Tensors may
// outlive it and may be freed by any thread. Everything else in the process allocates as before.
class BlockCacheScope {
 public:
  BlockCacheScope();
  ~BlockCacheScope();
  BlockCacheScope(const BlockCacheScope&) = delete;
  BlockCacheScope& operator=(const BlockCacheScope&) = delete;
};

// While one exists, all tensors that its thread makes are noted, and their ends, whoever frees
// them. One for a thread at a time, inside a BlockCacheScope.
class MemoryTrace {
 public:
  MemoryTrace();
  ~MemoryTrace();
  MemoryTrace(const MemoryTrace&) = delete;
  MemoryTrace& operator=(const MemoryTrace&) = delete;

  // See trace_run of mdvt_backend.h. Empty if there was no room for a tensor in the heap.
  std::vector<int64_t> events() const;

  struct Notes;

 private:
  std::shared_ptr<Notes> notes_;
};

// Counted by whoever profits from the cache; with the last one gone what it holds goes back to the
// system.
class BlockCacheUser {
 public:
  BlockCacheUser();
  ~BlockCacheUser();
  BlockCacheUser(const BlockCacheUser&) = delete;
  BlockCacheUser& operator=(const BlockCacheUser&) = delete;
};

}  // namespace mdvt::torch_backend
