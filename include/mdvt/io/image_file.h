// SPDX-License-Identifier: Apache-2.0
//
// Still images. Read: PNG and JPEG, recognised by their first bytes, nothing else.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"
#include "mdvt/io/byte_source.h"
#include "mdvt/io/output_set.h"

namespace mdvt {

// Gray or RGB with 8 or 16 bits. Alpha is dropped, palettes and 1 to 4 bits per pixel become 8
// bits, colour JPEG becomes RGB by the full-range BT.601 matrix of JFIF, photos are turned upright
// by their EXIF orientation. The size is read from the header and checked against `limits` before
// anything is decoded.
// Throws Error: kNotFound (no such file), kCorrupt (damaged, cut off, text), kUnsupported (another
// format), kLimit (too many pixels), kIo.
Image ReadImageFile(const std::string& path, const Limits& limits = {});
// The same from any source of bytes; `name` stands for the path in messages.
Image ReadImageFile(std::unique_ptr<ByteSource> source, const std::string& name,
                    const Limits& limits = {});

// PNG of Gray or Rgb with 8 or 16 bits, every bit kept. Throws Error: kInvalidArgument (another
// format, no pixels), and as OutputSet::AddFile().
void WritePng(const OutputTarget& target, const ImageView& image);
// The bytes of that file. Throws Error(kInvalidArgument).
std::vector<std::byte> EncodePng(const ImageView& image);

// OpenEXR with one channel "Y" of 32-bit floats, as they are. Throws Error: kInvalidArgument (no
// pixels), kUnsupported (an FFmpeg without an encoder for it), and as OutputSet::AddFile().
void WriteExr(const OutputTarget& target, const PlaneView<const float>& plane);

// The bytes of a JPEG file of an Rgb(8) image: JFIF, 4:2:0, quantisers three times the smallest,
// which is hardly visible. Throws Error(kInvalidArgument).
std::vector<std::byte> EncodeJpeg(const ImageView& image);

}  // namespace mdvt
