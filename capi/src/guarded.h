// SPDX-License-Identifier: Apache-2.0
//
// The barrier at the edge of the C library: what is thrown inside becomes a status and a text.
#pragma once

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

// Runs body(), which returns nothing or a status that is no failure. Every exported function is one
// call of this.
template <typename Body>
mdvt_status Guarded(Body&& body) noexcept {
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
