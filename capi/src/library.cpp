// SPDX-License-Identifier: Apache-2.0
//
// Versions, the last error, the log sink, defaults.
#include <string>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/log.h"
#include "structs.h"

using namespace mdvt::capi;

namespace {

int32_t FromLevel(mdvt::LogLevel level) {
  switch (level) {
    case mdvt::LogLevel::kDebug:
      return MDVT_LOG_DEBUG;
    case mdvt::LogLevel::kInfo:
      return MDVT_LOG_INFO;
    case mdvt::LogLevel::kWarning:
      return MDVT_LOG_WARNING;
    case mdvt::LogLevel::kError:
      return MDVT_LOG_ERROR;
  }
  return MDVT_LOG_ERROR;
}

}  // namespace

int32_t mdvt_abi_version(void) {
  int32_t version = 0;
  Guarded([&] { version = MDVT_ABI_VERSION; });
  return version;
}

const char* mdvt_version(void) {
  const char* version = "";
  Guarded([&] { version = MDVT_VERSION_TEXT; });
  return version;
}

const char* mdvt_last_error(void) { return LastError(); }

mdvt_status mdvt_set_log_sink(mdvt_log_fn sink, void* user) {
  return Guarded([&] {
    if (sink == nullptr) return mdvt::SetLogSink(nullptr);
    mdvt::SetLogSink([sink, user](mdvt::LogLevel level, const std::string& text) {
      try {
        sink(user, FromLevel(level), text.c_str());
      } catch (...) {  // of a program in C++; there is nobody to tell
      }
    });
  });
}

mdvt_status mdvt_struct_init(int32_t struct_id, void* value, uint32_t struct_size) {
  return Guarded([&] { InitStruct(struct_id, value, struct_size); });
}
