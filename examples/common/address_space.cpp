// SPDX-License-Identifier: Apache-2.0
//
// Programs link OpenCV, which links LAPACK and with it a BLAS. OpenBLAS asks for a buffer for each
// core before main() and, where a limit of the address space (ulimit -v) refuses one, asks again
// for ever. So the limit is looked at before the libraries begin.
#include "common/address_space.h"

#include <dlfcn.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr size_t kBuffer = size_t{128} << 20;  // of OpenBLAS 0.3
constexpr size_t kOthers = size_t{32} << 20;   // what the other libraries take before main()

// As OpenBLAS counts them.
size_t BufferCount(char** environment) {
  if (dlsym(RTLD_DEFAULT, "openblas_get_config") == nullptr) return 0;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  size_t count = 1;
  if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
    count = static_cast<size_t>(std::max(1, CPU_COUNT(&cores)));
  constexpr char kName[] = "OMP_NUM_THREADS=";
  for (char** one = environment; *one != nullptr; ++one) {
    if (std::strncmp(*one, kName, sizeof(kName) - 1) != 0) continue;
    const int wanted = std::atoi(*one + sizeof(kName) - 1);
    if (wanted > 0) count = std::min(count, static_cast<size_t>(wanted));
  }
  return count;
}

// Nothing is set up yet: no memory is taken, no lock, no stream.
void RequireAddressSpace(int count, char** arguments, char** environment) {
  const size_t needed = kOthers + BufferCount(environment) * kBuffer;
  void* const place = mmap(nullptr, needed, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place != MAP_FAILED) {
    munmap(place, needed);
    return;
  }
  const char* name = count > 0 ? arguments[0] : "mdvt";
  if (const char* slash = std::strrchr(name, '/')) name = slash + 1;
  char text[400];
  const int size = std::snprintf(text, sizeof(text),
                                 "%s: error: out of memory: the address space (ulimit -v) is too "
                                 "small for the libraries, which need %u MiB more\n",
                                 name, static_cast<unsigned>(needed >> 20));
  // There is nobody to tell if that fails.
  [[maybe_unused]] const ssize_t written =
      write(STDERR_FILENO, text, static_cast<size_t>(std::clamp(size, 0, 399)));
  _exit(1);
}

}  // namespace

// Called by the dynamic linker before the initialisers of all libraries.
__attribute__((section(".preinit_array"),
               used)) static void (*const g_first)(int, char**, char**) = RequireAddressSpace;

namespace mdvt::example {
// Names this file, so that the linker takes it out of the library.
void LinkAddressSpaceCheck() {}
}  // namespace mdvt::example
