// SPDX-License-Identifier: Apache-2.0
#include "block_cache.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <torch/csrc/api/include/torch/version.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

namespace mdvt::torch_backend {

struct MemoryTrace::Notes {
  std::mutex mutex;
  std::vector<int64_t> events;
  int64_t tensors = 0;
  bool complete = true;

  int64_t Begins(int64_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex);
    events.push_back(bytes);
    return tensors++;
  }
  void Ends(int64_t tensor) {
    const std::lock_guard<std::mutex> lock(mutex);
    events.push_back(-1 - tensor);
  }
};

namespace {

constexpr size_t kLeastBlock = size_t{256} << 10;
constexpr size_t kGrain = size_t{4} << 10;    // a page
constexpr size_t kGrowth = size_t{32} << 20;  // of the part of the range that may be used
constexpr size_t kRange = size_t{256} << 30;  // addresses, not memory

thread_local int t_scopes = 0;
thread_local std::shared_ptr<MemoryTrace::Notes>* t_trace = nullptr;

size_t RoundUp(size_t size, size_t grain) { return (size + grain - 1) / grain * grain; }

// A heap by first fit in one range of addresses, whose pages stay. The lowest addresses come first,
// so that it is about as large as what is in use at once. What does not fit comes from the
// allocator below.
class BlockCache final : public c10::Allocator {
 public:
  static BlockCache& Instance() {
    // Never destroyed: tensors may be freed after all statics are gone.
    static BlockCache* const cache = [] {
      auto* made = new BlockCache(c10::GetCPUAllocator());
      c10::SetCPUAllocator(made, /*priority=*/1);
      return made;
    }();
    return *cache;
  }

  // Called for every tensor of the process.
  c10::DataPtr Allocate(size_t bytes) {
    const size_t least = t_trace != nullptr ? 1 : kLeastBlock;
    if (t_scopes > 0 && bytes >= least && bytes < kRange) {
      if (void* const block = Take(bytes)) return {block, block, &Free, c10::Device(c10::kCPU)};
      if (t_trace != nullptr) (*t_trace)->complete = false;
    }
    return below_->allocate(bytes);
  }

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 3)
  c10::DataPtr allocate(size_t bytes) override { return Allocate(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    std::memcpy(to, from, bytes);
  }
#else
  c10::DataPtr allocate(size_t bytes) const override {
    return const_cast<BlockCache*>(this)->Allocate(bytes);
  }
#endif

  // oneDNN's scratch memory comes and goes as raw pointers.
  c10::DeleterFnPtr raw_deleter() const override { return &Free; }

  void AddUser() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++users_;
  }
  void RemoveUser() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (--users_ > 0) return;
    for (const auto& [begin, size] : free_) madvise(begin, size, MADV_DONTNEED);
  }

 private:
  struct Block {
    size_t size = 0;
    std::shared_ptr<MemoryTrace::Notes> notes;  // of a traced tensor
    int64_t number = 0;
  };

  explicit BlockCache(c10::Allocator* below) : below_(below) {
    void* const range =
        mmap(nullptr, kRange, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return;  // addresses are limited: this heap stays empty
    end_ = static_cast<char*>(range);
    limit_ = end_ + kRange;
  }

  void* Take(size_t bytes) {
    const size_t size = RoundUp(bytes, kGrain);
    const std::lock_guard<std::mutex> lock(mutex_);
    auto found = free_.begin();
    while (found != free_.end() && found->second < size) ++found;
    if (found == free_.end()) {
      if (!Grow(size)) return nullptr;
      found = std::prev(free_.end());
    }
    char* const block = found->first;
    const size_t rest = found->second - size;
    free_.erase(found);
    if (rest > 0) free_.emplace(block + size, rest);
    Block taken;
    taken.size = size;
    if (t_trace != nullptr) {
      taken.notes = *t_trace;
      taken.number = taken.notes->Begins(static_cast<int64_t>(bytes));
    }
    used_.emplace(block, std::move(taken));
    return block;
  }

  // Makes the last free block as large as `size`.
  bool Grow(size_t size) {
    const auto last = free_.empty() ? free_.end() : std::prev(free_.end());
    const bool joins = last != free_.end() && last->first + last->second == end_;
    const size_t more = RoundUp(size - (joins ? last->second : 0), kGrowth);
    if (more > static_cast<size_t>(limit_ - end_)) return false;
    if (mprotect(end_, more, PROT_READ | PROT_WRITE) != 0) return false;
    madvise(end_, more, MADV_HUGEPAGE);  // fewer faults where it is to be had
    if (joins)
      last->second += more;
    else
      free_.emplace(end_, more);
    end_ += more;
    return true;
  }

  static void Free(void* data) { Instance().Return(static_cast<char*>(data)); }

  void Return(char* block) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto found = used_.find(block);
    if (found == used_.end()) {
      lock.unlock();
      below_->raw_deallocate(block);
      return;
    }
    const size_t size = found->second.size;
    if (found->second.notes) found->second.notes->Ends(found->second.number);
    used_.erase(found);
    if (users_ == 0) madvise(block, size, MADV_DONTNEED);
    auto here = free_.emplace(block, size).first;
    if (const auto next = std::next(here); next != free_.end() && block + size == next->first) {
      here->second += next->second;
      free_.erase(next);
    }
    if (here == free_.begin()) return;
    if (const auto before = std::prev(here); before->first + before->second == block) {
      before->second += here->second;
      free_.erase(here);
    }
  }

  c10::Allocator* const below_;
  std::mutex mutex_;
  std::map<char*, size_t> free_;  // by address; neighbours are joined
  std::unordered_map<char*, Block> used_;
  char* end_ = nullptr;    // of what may be used
  char* limit_ = nullptr;  // of the range
  int users_ = 0;
};

}  // namespace

BlockCacheScope::BlockCacheScope() { ++t_scopes; }
BlockCacheScope::~BlockCacheScope() { --t_scopes; }
MemoryTrace::MemoryTrace() : notes_(std::make_shared<Notes>()) { t_trace = &notes_; }
MemoryTrace::~MemoryTrace() { t_trace = nullptr; }
std::vector<int64_t> MemoryTrace::events() const {
  const std::lock_guard<std::mutex> lock(notes_->mutex);
  return notes_->complete ? notes_->events : std::vector<int64_t>();
}

BlockCacheUser::BlockCacheUser() { BlockCache::Instance().AddUser(); }
BlockCacheUser::~BlockCacheUser() { BlockCache::Instance().RemoveUser(); }

}  // namespace mdvt::torch_backend
