// SPDX-License-Identifier: Apache-2.0
//
// Notices in a program that an allocation failed, whoever asked: libraries tell of it in words of
// their own, or not at all (a decoder calls its picture damaged). These functions stand in front of
// the allocator that the process has, and only count.
#include "common/failed_allocations.h"

#include <errno.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>

#include "mdvt/core/memory.h"

#if defined(__GLIBC__) && !defined(MDVT_OWN_ALLOCATOR)
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstring>

namespace {

struct Allocator {
  void* (*malloc)(size_t);
  void* (*calloc)(size_t, size_t);
  void* (*realloc)(void*, size_t);
  void (*free)(void*);
  void* (*memalign)(size_t, size_t);
  int (*posix_memalign)(void**, size_t, size_t);
};

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

Allocator FindAllocator() {
  return {Next<void* (*)(size_t)>("malloc"),
          Next<void* (*)(size_t, size_t)>("calloc"),
          Next<void* (*)(void*, size_t)>("realloc"),
          Next<void (*)(void*)>("free"),
          Next<void* (*)(size_t, size_t)>("memalign"),
          Next<int (*)(void**, size_t, size_t)>("posix_memalign")};
}

// The first call comes from the dynamic linker's start, before there are threads.
Allocator g_allocator;
std::atomic<bool> g_found{false};

const Allocator& Next() {
  if (!g_found.load(std::memory_order_acquire)) {
    g_allocator = FindAllocator();
    g_found.store(true, std::memory_order_release);
  }
  return g_allocator;
}

void* Noted(void* place, bool asked) {
  if (place == nullptr && asked) mdvt::NoteFailedAllocation();
  return place;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) void* malloc(size_t size) {
  return Noted(Next().malloc(size), size != 0);
}
__attribute__((visibility("default"))) void* calloc(size_t count, size_t size) {
  return Noted(Next().calloc(count, size), count != 0 && size != 0);
}
__attribute__((visibility("default"))) void* realloc(void* old, size_t size) {
  return Noted(Next().realloc(old, size), size != 0);
}
__attribute__((visibility("default"))) void* memalign(size_t alignment, size_t size) {
  return Noted(Next().memalign(alignment, size), size != 0);
}
__attribute__((visibility("default"))) void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** to, size_t alignment,
                                                          size_t size) {
  const int error = Next().posix_memalign(to, alignment, size);
  if (error == ENOMEM) mdvt::NoteFailedAllocation();
  return error;
}

}  // extern "C"
#endif

namespace mdvt::example {
namespace {

void Print(const char* text, size_t size) {
  // There is nobody to tell if that fails.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, text, size);
}

// What no handler has caught, for want of memory or of a handler: one line, and no core dump of
// what is no bug.
[[noreturn]] void Terminate() {
  try {
    if (std::current_exception()) std::rethrow_exception(std::current_exception());
  } catch (const std::bad_alloc&) {
    constexpr char kText[] = "mdvt: error: out of memory\n";
    Print(kText, sizeof(kText) - 1);
    _exit(1);
  } catch (...) {
  }
  std::abort();
}

[[maybe_unused]] const std::terminate_handler g_before = std::set_terminate(Terminate);

}  // namespace

void LinkAllocationCount() {}

}  // namespace mdvt::example
