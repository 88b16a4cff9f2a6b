// SPDX-License-Identifier: Apache-2.0
//
// After the first frames the view synthesis and its scratch memory are settled: no allocation.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "mdvt/stereo/renderer.h"
#include "stereo/stereo_scenes.h"
#include "support/test_env.h"

namespace {
std::atomic<int64_t> g_allocations{0};

void* Allocate(size_t bytes, size_t alignment) {
  ++g_allocations;
  void* memory =
      alignment > alignof(std::max_align_t)
          ? std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)
          : std::malloc(bytes > 0 ? bytes : 1);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

__attribute__((noinline)) void* operator new(size_t bytes) { return Allocate(bytes, 0); }
__attribute__((noinline)) void* operator new[](size_t bytes) { return Allocate(bytes, 0); }
__attribute__((noinline)) void* operator new(size_t bytes, std::align_val_t a) {
  return Allocate(bytes, static_cast<size_t>(a));
}
__attribute__((noinline)) void* operator new(size_t bytes, std::align_val_t a,
                                             const std::nothrow_t&) noexcept {
  try {
    return Allocate(bytes, static_cast<size_t>(a));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
__attribute__((noinline)) void operator delete(void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete[](void* p) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, size_t) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete[](void* p, size_t) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
__attribute__((noinline)) void operator delete(void* p, size_t, std::align_val_t) noexcept {
  std::free(p);
}

namespace mdvt {
namespace {

TEST(StereoRenderer, AllocatesNothingAfterWarmUp) {
  std::mt19937_64 rng = test::Rng();
  const int width = 322, height = 180;
  const Image color = test::RandomImage(PixelFormat::Yuv(420, 8), width, height, rng);
  const Image depth = test::BusyDepth(width, height, rng);
  const Camera camera = test::CameraWithK(width, height, 12);
  for (const int threads : {1, 2}) {
    ThreadPool pool(threads);
    StereoRenderer renderer({}, &pool);
    test::StereoPair pair(color.format(), width, height);
    const auto render = [&] {
      renderer.Render(color.view(), depth.Plane<float>(), camera, 2.0, pair.LeftView(),
                      pair.RightView());
    };
    // A worker may meet its first block late: its scratch row set is then made late too.
    int64_t last = -1;
    for (int frame = 0; frame < 200 && last != 0; ++frame) {
      const int64_t before = g_allocations.load();
      render();
      last = g_allocations.load() - before;
    }
    EXPECT_EQ(last, 0) << threads << " threads";
  }
}

}  // namespace
}  // namespace mdvt
