// SPDX-License-Identifier: Apache-2.0
//
// Still images: PNG and JPEG, recognised by their first bytes, nothing else.
#pragma once

#include <string>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"

namespace mdvt {

// Gray or RGB, 8 or 16 bits (alpha is dropped); JPEG becomes RGB. The size is read from the header
// and checked against `limits` before anything is decoded.
// Throws Error: kNotFound, kCorrupt, kUnsupported, kLimit, kIo.
Image ReadImageFile(const std::string& path, const Limits& limits = {});

// PNG of Gray or Rgb with 8 or 16 bits. Written under a temporary name, then renamed.
void WritePng(const std::string& path, const ImageView& image);

}  // namespace mdvt
