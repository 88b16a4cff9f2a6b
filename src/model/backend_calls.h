// SPDX-License-Identifier: Apache-2.0
//
// Statuses and texts of a backend as errors and strings.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt_backend.h"

namespace mdvt {

// What every table of MDVT_BACKEND_ABI has; members after that came later.
constexpr size_t kLeastBackendTable = offsetof(mdvt_backend, trace_run);

// Whether a table is long enough to have one of those, and has it.
template <typename Function>
bool Has(const mdvt_backend* table, Function mdvt_backend::*member) {
  const auto* const end = reinterpret_cast<const char*>(&(table->*member)) + sizeof(Function);
  return end - reinterpret_cast<const char*>(table) <= static_cast<ptrdiff_t>(table->struct_size) &&
         table->*member != nullptr;
}

inline bool CanTraceRuns(const mdvt_backend* table) { return Has(table, &mdvt_backend::trace_run); }
inline bool CanPlanRuns(const mdvt_backend* table) { return Has(table, &mdvt_backend::plan_run); }
// A registered table has all three functions or none.
inline bool CalculatesOnDevice(const mdvt_backend* table) {
  return Has(table, &mdvt_backend::reduce);
}

inline Code ToCode(mdvt_backend_status status) {
  switch (status) {
    case MDVT_BACKEND_INVALID_ARGUMENT:
      return Code::kInvalidArgument;
    case MDVT_BACKEND_NOT_FOUND:
      return Code::kNotFound;
    case MDVT_BACKEND_CORRUPT:
      return Code::kCorrupt;
    case MDVT_BACKEND_UNSUPPORTED:
      return Code::kUnsupported;
    case MDVT_BACKEND_IO:
      return Code::kIo;
    case MDVT_BACKEND_OUT_OF_MEMORY:
      return Code::kOutOfMemory;
    default:
      return Code::kInternal;
  }
}

// The text of a backend's last failure on one line of bounded length.
inline std::string LastBackendError(const mdvt_backend* table) {
  const char* given = table->last_error();
  std::string text = given != nullptr && *given != '\0' ? given : "no reason given";
  constexpr size_t kLongest = 400;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + " ...";
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }, ' ');
  return text;
}

// Throws what the failed call of a backend has to say behind "`where`: ".
inline void CheckBackend(const mdvt_backend* table, mdvt_backend_status status,
                         const std::string& where) {
  if (status == MDVT_BACKEND_OK) return;
  throw Error(ToCode(status), where + ": " + LastBackendError(table));
}

// A text that a backend hands out.
class BackendText {
 public:
  explicit BackendText(const mdvt_backend* table) : table_(table) {}
  ~BackendText() { table_->free_text(text_); }
  BackendText(const BackendText&) = delete;
  BackendText& operator=(const BackendText&) = delete;

  char** Receive() { return &text_; }
  bool empty() const { return text_ == nullptr || *text_ == '\0'; }
  std::string ToString() const { return text_ == nullptr ? "" : text_; }

 private:
  const mdvt_backend* table_;
  char* text_ = nullptr;
};

}  // namespace mdvt
