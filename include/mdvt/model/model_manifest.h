// SPDX-License-Identifier: Apache-2.0
//
// Which model files are known: the list manifest.json beside them. It tells where each comes from,
// what its licence allows and, once known, the size and SHA-256 that it must have.
//
//   {"format": 1,
//    "models": [{"file": "depth-anything-v2-vits.pt",  name without a folder, once in the list
//                "origin": "...",                      where the weights come from
//                "license": "Apache-2.0",
//                "exporter": "models/export/depth_anything_v2.py --encoder vits",  may be null
//                "size": 99173421,                     bytes; may be null
//                "sha256": "0f3a..."}]}                64 hexadecimal digits; may be null
//
// A file whose entry has a hash is opened only if it has that hash, always. An entry without one
// (null) is for a file that users export themselves, which comes out a little different on each
// machine: it tells origin and licence, but vouches for nothing. Such a file counts as not listed
// until its hash, which mdvt_doctor prints, is written into the user's own manifest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mdvt/core/limits.h"

namespace mdvt {

struct ManifestEntry {
  std::string file;
  std::string origin;
  std::string license;
  std::string exporter;         // empty if none
  std::optional<int64_t> size;  // bytes
  std::string sha256;           // lower case; empty if not known
};

struct ModelManifest {
  std::vector<ManifestEntry> models;

  // Throws Error(kCorrupt) that names entry and key, Error(kUnsupported) for a newer format,
  // Error(kLimit) for a longer or deeper text than `limits` allow.
  static ModelManifest Parse(const char* text, size_t size, const Limits& limits = {});
  // Throws as Parse, naming the file, and Error(kNotFound), Error(kIo).
  static ModelManifest Read(const std::string& path, const Limits& limits = {});

  // The entry of this file name (no folder), or of this hash; nullptr if there is none.
  const ManifestEntry* FindFile(std::string_view file) const;
  const ManifestEntry* FindHash(std::string_view sha256) const;
};

// SHA-256 in 64 lower-case hexadecimal digits.
std::string Sha256(const void* data, size_t size);
// Of a regular file. Throws Error(kNotFound), Error(kIo).
std::string FileSha256(const std::string& path);

}  // namespace mdvt
