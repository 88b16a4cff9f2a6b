// SPDX-License-Identifier: Apache-2.0
#include "guarded.h"

#include <cstddef>

#include "mdvt/core/printable.h"

namespace mdvt::capi {
namespace {

// Of fixed size, so that reporting a failure allocates nothing.
constexpr size_t kMessageSize = 1024;
thread_local char t_message[kMessageSize];

}  // namespace

mdvt_status ToStatus(Code code) noexcept {
  switch (code) {
    case Code::kInvalidArgument:
      return MDVT_INVALID_ARGUMENT;
    case Code::kNotFound:
      return MDVT_NOT_FOUND;
    case Code::kCorrupt:
      return MDVT_CORRUPT;
    case Code::kUnsupported:
      return MDVT_UNSUPPORTED;
    case Code::kLimit:
      return MDVT_LIMIT;
    case Code::kRefused:
      return MDVT_REFUSED;
    case Code::kNotConverged:
      return MDVT_NOT_CONVERGED;
    case Code::kIo:
      return MDVT_IO;
    case Code::kOutOfMemory:
      return MDVT_OUT_OF_MEMORY;
    case Code::kCancelled:
      return MDVT_CANCELLED;
    case Code::kInternal:
      return MDVT_INTERNAL;
  }
  return MDVT_INTERNAL;
}

mdvt_status Remember(mdvt_status status, const char* text) noexcept {
  // `text` may be what it is copied over.
  if (text != t_message) CopyPrintable(text, t_message, kMessageSize);
  return status;
}

const char* LastError() noexcept { return t_message; }

}  // namespace mdvt::capi
