/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a program, lets one of its allocations fail. Counted from the start of main(), of
 * all allocations of at least MDVT_FAIL_BYTES (1024 unless given), number MDVT_FAIL_AT, from 0,
 * gives NULL; with MDVT_FAIL_FOREVER=1 all after it too. MDVT_FAIL_COUNT names a file that gets the
 * number of those that there were. MDVT_FAIL_STOP=1 raises SIGTRAP there, for a debugger.
 *
 * mdvt_fail_next() and mdvt_fail_count() do the same for a part of a process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

static atomic_int in_main;
static atomic_long calls;
static long fail_at = -1;
static size_t least = 1024;
static int forever, stop, late;

/* Of libraries that are opened late, the dynamic linker takes the variables of threads from here,
 * and aborts where it gets none: nobody can help that. */
static int is_linker(const void* caller) {
  Dl_info info;
  return dladdr(caller, &info) != 0 && info.dli_fname != NULL &&
         strstr(info.dli_fname, "/ld-") != NULL;
}

static int fails(size_t size, const void* caller) {
  if (!atomic_load(&in_main) || size < least) return 0;
  if (late && is_linker(caller)) return 0;
  const long number = atomic_fetch_add(&calls, 1);
  if (fail_at < 0 || number < fail_at || (number > fail_at && !forever)) return 0;
  if (stop) raise(SIGTRAP);
  errno = ENOMEM;
  return 1;
}

#define CALLER __builtin_return_address(0)
void* malloc(size_t size) { return fails(size, CALLER) ? NULL : __libc_malloc(size); }
void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return fails(bytes, CALLER) ? NULL : __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  return fails(size, CALLER) ? NULL : __libc_realloc(old, size);
}
void* memalign(size_t alignment, size_t size) {
  return fails(size, CALLER) ? NULL : __libc_memalign(alignment, size);
}
void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
int posix_memalign(void** to, size_t alignment, size_t size) {
  void* const place = memalign(alignment, size);
  if (place == NULL) return ENOMEM;
  *to = place;
  return 0;
}

/* Counts anew from here on, and lets number `at` fail; none if negative. */
void mdvt_fail_next(long at);
void mdvt_fail_next(long at) {
  late = 1;
  fail_at = at;
  atomic_store(&calls, 0);
}
/* Allocations since then. */
long mdvt_fail_count(void);
long mdvt_fail_count(void) { return atomic_load(&calls); }

static void write_count(void) {
  const char* const path = getenv("MDVT_FAIL_COUNT");
  char text[32];
  if (path == NULL) return;
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int size = snprintf(text, sizeof text, "%ld\n", atomic_load(&calls));
  if (file < 0 || write(file, text, (size_t)size) != size) abort();
  close(file);
}

static int (*real_main)(int, char**, char**);
static int counted_main(int count, char** arguments, char** environment) {
  atomic_store(&in_main, 1);
  const int status = real_main(count, arguments, environment);
  atomic_store(&in_main, 0);
  write_count();
  return status;
}

typedef int (*start_fn)(int (*)(int, char**, char**), int, char**, void (*)(void), void (*)(void),
                        void (*)(void), void*);
int __libc_start_main(int (*program)(int, char**, char**), int count, char** arguments,
                      void (*init)(void), void (*fini)(void), void (*end)(void), void* stack) {
  const start_fn start = (start_fn)dlsym(RTLD_NEXT, "__libc_start_main");
  const char* const at = getenv("MDVT_FAIL_AT");
  const char* const bytes = getenv("MDVT_FAIL_BYTES");
  if (at != NULL) fail_at = atol(at);
  if (bytes != NULL) least = (size_t)atol(bytes);
  forever = getenv("MDVT_FAIL_FOREVER") != NULL;
  stop = getenv("MDVT_FAIL_STOP") != NULL;
  real_main = program;
  return start(counted_main, count, arguments, init, fini, end, stack);
}
