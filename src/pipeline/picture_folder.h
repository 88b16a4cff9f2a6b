// SPDX-License-Identifier: Apache-2.0
//
// Folders of numbered pictures, as older tools keep videos.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"

namespace mdvt {

// The PNG and JPEG files of a folder, in the order of the number at the end of their names (its
// last six digits), those without one after the others, by name. Throws Error(kNotFound) for a
// folder that is not there or has none, Error(kCorrupt) if two have the same number.
std::vector<std::string> NumberedPictures(const std::string& folder);

// Reads them one after the other. All have the size of the first, else Error(kCorrupt).
class PictureFolder {
 public:
  PictureFolder(const std::string& folder, const Limits& limits);
  int64_t size() const { return static_cast<int64_t>(files_.size()); }
  int width() const { return width_; }
  int height() const { return height_; }
  // Rgb(8): gray becomes three equal channels, 16 bits are rounded.
  Image ReadRgb(int64_t index) const;
  // Gray(16): 8 bits are spread over the range. Throws Error(kCorrupt) of a picture in color.
  Image ReadGray16(int64_t index) const;

 private:
  Image Read(int64_t index) const;
  std::vector<std::string> files_;
  Limits limits_;
  int width_ = 0, height_ = 0;
};

}  // namespace mdvt
