// SPDX-License-Identifier: Apache-2.0
//
// The barrier at the edge of the C library: what is thrown inside becomes a status and a text.
#pragma once

#include <pthread.h>

#include <exception>
#include <new>
#include <type_traits>

#include "mdvt.h"
#include "mdvt/core/error.h"

namespace mdvt::capi {

#ifdef MDVT_CAPI_TEST_HOOK
// Tests alone: throws what the running test asked for, inside the barrier of the next call.
void ThrowIfAsked();
#else
inline void ThrowIfAsked() {}
#endif

mdvt_status ToStatus(Code code) noexcept;

// Keeps `text` for mdvt_last_error() of this thread, cut off where it does not fit but never inside
// a character. Allocates nothing. Returns `status`.
mdvt_status Remember(mdvt_status status, const char* text) noexcept;
const char* LastError() noexcept;

// While one exists, pthread_cancel() waits: it would unwind through frames that let nothing pass.
class NoCancellation {
 public:
  NoCancellation() noexcept { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NoCancellation() { pthread_setcancelstate(before_, nullptr); }
  NoCancellation(const NoCancellation&) = delete;
  NoCancellation& operator=(const NoCancellation&) = delete;

 private:
  int before_ = 0;
};

// Runs body(), which returns nothing or a status that is no failure. Every exported function is one
// call of this.
template <typename Body>
mdvt_status Guarded(Body&& body) noexcept {
  const NoCancellation no_cancellation;
  try {
    ThrowIfAsked();
    if constexpr (std::is_void_v<decltype(body())>) {
      body();
      return MDVT_OK;
    } else {
      return body();
    }
  } catch (const Error& error) {
    return Remember(ToStatus(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return Remember(MDVT_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return Remember(MDVT_INTERNAL, error.what());
  } catch (...) {
    return Remember(MDVT_INTERNAL, "unknown exception");
  }
}

}  // namespace mdvt::capi
