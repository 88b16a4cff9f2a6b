// SPDX-License-Identifier: Apache-2.0
//
// Arrays for NumPy: a .npz file, which is a ZIP archive of .npy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

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
  void Finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
