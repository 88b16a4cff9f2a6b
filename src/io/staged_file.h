// SPDX-License-Identifier: Apache-2.0
//
// A file of an OutputSet on its way to its place: what the set and the writer know of it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/file_descriptor.h"
#include "io/staging.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

struct StagedFile {
  std::string path;         // as the caller named it
  std::string place;        // in the folder of its area, see staging::Entry
  std::string staged_path;  // where the bytes are meanwhile
  int number = 0;
  std::optional<mode_t> mode;  // permissions that it takes over from the file it replaces
  OutputSetState* set = nullptr;
  FileDescriptor descriptor;  // until the writer has finished
  bool has_writer = false;
  bool finished = false;
  staging::FileStamp stamp;  // once it is finished
  bool replaces = false;     // an old file, which has been kept
};

// Both throw Error(kIo) that begins with `path`.
void WriteAllAt(int descriptor, int64_t offset, std::string_view bytes, const std::string& path);
void SyncFile(int descriptor, const std::string& path);

}  // namespace mdvt
