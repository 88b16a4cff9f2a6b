// SPDX-License-Identifier: Apache-2.0
//
// A value that is the same for a whole clip, or one for each of its frames from a file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/count.h"
#include "mdvt/core/error.h"

namespace mdvt {

template <typename T>
class PerFrame {
 public:
  PerFrame() = default;
  explicit PerFrame(T fixed) : fixed_(std::move(fixed)) {}
  // file, what  for errors: "'fov.json' holds the field of view of 3 frames, the clip has more"
  // Throws Error(kCorrupt) if there are no values.
  PerFrame(std::vector<T> values, std::string file, std::string what)
      : values_(std::move(values)), file_(std::move(file)), what_(std::move(what)) {
    Require(!values_.empty(), Code::kCorrupt, "'" + file_ + "' holds no " + what_);
  }

  bool fixed() const { return values_.empty(); }
  const std::vector<T>& values() const { return values_; }  // empty if fixed

  // Throws Error(kCorrupt) if the file has no entry for this frame.
  const T& At(int64_t frame) const {
    if (values_.empty()) return fixed_;
    Require(frame >= 0 && frame < static_cast<int64_t>(values_.size()), Code::kCorrupt,
            "'" + file_ + "' holds the " + what_ + " of " +
                CountOf(static_cast<int64_t>(values_.size()), "frame") + ", the clip has more");
    return values_[static_cast<size_t>(frame)];
  }

 private:
  T fixed_{};
  std::vector<T> values_;
  std::string file_;
  std::string what_;
};

}  // namespace mdvt
