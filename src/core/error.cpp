// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/error.h"

namespace mdvt {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid argument";
    case Code::kNotFound:
      return "not found";
    case Code::kCorrupt:
      return "corrupt";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kLimit:
      return "over the limit";
    case Code::kRefused:
      return "refused";
    case Code::kNotConverged:
      return "not converged";
    case Code::kIo:
      return "input/output error";
    case Code::kOutOfMemory:
      return "out of memory";
    case Code::kCancelled:
      return "cancelled";
    case Code::kInternal:
      return "internal error";
  }
  return "unknown";
}

int ExitStatus(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return 2;
    case Code::kNotFound:
    case Code::kCorrupt:
    case Code::kUnsupported:
    case Code::kLimit:
      return 3;
    case Code::kRefused:
      return 4;
    case Code::kNotConverged:
      return 5;
    case Code::kCancelled:
      return 130;
    case Code::kIo:
    case Code::kOutOfMemory:
    case Code::kInternal:
      return 1;
  }
  return 1;
}

}  // namespace mdvt
