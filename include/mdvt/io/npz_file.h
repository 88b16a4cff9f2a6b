// SPDX-License-Identifier: Apache-2.0
//
// Arrays for NumPy: a .npz file, which is a ZIP archive of .npy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Writes an uncompressed archive of at most 4 GiB, as numpy.savez does. Not thread safe.
class NpzWriter {
 public:
  // Throws as OutputSet::AddFile().
  explicit NpzWriter(const OutputTarget& target);
  ~NpzWriter();
  NpzWriter(NpzWriter&&) noexcept;
  NpzWriter& operator=(NpzWriter&&) noexcept;

  // An array in row-major order under a name. Throws Error: kInvalidArgument (a name that is empty
  // or stands for another array already), kLimit (the file would pass 4 GiB), kIo.
  void Add(const std::string& name, const std::vector<int64_t>& shape, const float* values);
  void Add(const std::string& name, const std::vector<int64_t>& shape, const double* values);
  void Add(const std::string& name, const std::vector<int64_t>& shape, const uint8_t* values);
  void Add(const std::string& name, const std::vector<int64_t>& shape, const int64_t* values);
  void Add(const std::string& name, const std::vector<int64_t>& shape, const int32_t* values);
  // One text of ASCII.
  void AddText(const std::string& name, const std::string& text);
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// An array as it was read, in row-major order.
struct NpzArray {
  std::vector<int64_t> shape;     // empty: one value
  std::vector<double> values;     // of numbers
  std::vector<int64_t> integers;  // the same, where they are whole numbers
  std::string text;               // of an array that is one text
};

// Reads archives as numpy.savez and numpy.savez_compressed write them, of at most 4 GiB. An array
// is unpacked when it is asked for.
class NpzReader {
 public:
  // Throws Error: kNotFound, kIo, kCorrupt (no such archive), kUnsupported (a larger one).
  explicit NpzReader(const std::string& path, const Limits& limits = {});
  ~NpzReader();
  NpzReader(NpzReader&&) noexcept;
  NpzReader& operator=(NpzReader&&) noexcept;

  bool Has(const std::string& name) const;
  // Numbers of 8 to 64 bits in row-major order, or one text of printable ASCII. Throws Error:
  // kCorrupt (no such array, damaged, another type), kLimit (more than limits.max_text_bytes), kIo.
  NpzArray Read(const std::string& name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
