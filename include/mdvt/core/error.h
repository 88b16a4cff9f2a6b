// SPDX-License-Identifier: Apache-2.0
//
// The one exception of mdvt. Its code tells a program what to do, its text tells a person: what
// failed, where (file, frame, field) and what would be valid.
#pragma once

#include <stdexcept>
#include <string>

namespace mdvt {

// The C statuses and the exit statuses of the programs follow from these, see ExitStatus().
enum class Code {
  kInvalidArgument = 1,  // a value outside the range its documentation names
  kNotFound,             // a file, stream or entry that is not there
  kCorrupt,              // the input contradicts itself or its format
  kUnsupported,          // valid, but nothing that this build can do
  kLimit,                // larger than Limits allows
  kRefused,              // what was asked cannot be known from this input
  kNotConverged,         // an estimate that did not settle
  kIo,                   // the operating system refused a read or a write
  kOutOfMemory,
  kCancelled,
  kInternal,  // a bug of mdvt, never caused by input alone
};

// "invalid argument", "not found", ... in lower case.
const char* CodeName(Code code);

// Exit status of a program that ends with this error: 2 wrong use, 3 bad input, 4 refused,
// 5 not converged, 130 interrupted, 1 everything else.
int ExitStatus(Code code);

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& text) : std::runtime_error(text), code_(code) {}
  Code code() const noexcept { return code_; }

 private:
  Code code_;
};

// Throws Error(code, text) unless `condition` holds. Write the valid range, so that NaN fails too.
inline void Require(bool condition, Code code, const char* text) {
  if (!condition) throw Error(code, text);
}
inline void Require(bool condition, Code code, const std::string& text) {
  if (!condition) throw Error(code, text);
}

}  // namespace mdvt
