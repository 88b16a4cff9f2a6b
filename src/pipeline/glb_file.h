// SPDX-License-Identifier: Apache-2.0
//
// Binary glTF 2.0: one JSON text and one block of bytes that it points into.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mdvt/core/json.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

class GlbFile {
 public:
  GlbFile();

  json::Value& root() { return root_; }
  // Adds bytes; the index of their buffer view.
  int64_t AddView(const void* data, size_t size);
  // Adds `count` values of a type ("VEC3") and component (5126 = float, 5125 = uint32); the index
  // of their accessor. `low` and `high` are its min and max where glTF asks for them.
  int64_t AddAccessor(const void* data, size_t size, size_t count, const char* type, int component,
                      const json::Value& low = {}, const json::Value& high = {});

  void Write(const OutputTarget& target);

 private:
  json::Value root_;
  std::string bytes_;
};

}  // namespace mdvt
