// SPDX-License-Identifier: Apache-2.0
//
// Decoders' packed pixel formats as planes, and pictures turned upright. Both are exact: samples
// are moved, never computed.
#pragma once

#include <optional>

#include "io/ffmpeg.h"

namespace mdvt::ff {

// The planar format that holds a packed one without loss: bgra, rgb24, pal8 -> rgb8; nv12 ->
// yuv420p8; p010 -> yuv420p10; yuyv422 -> yuv422p8; gray16be -> gray16; rgb48be -> rgb16; ya8 ->
// gray8. Alpha is left out. RGB with fewer than 8 bits (rgb565) becomes rgb8 by bit replication.
// Empty for formats that are planar already or that have no such equal (float, Bayer, hardware).
std::optional<PixelFormat> UnpackedFormat(AVPixelFormat format);

// The pixels of `frame`, whose UnpackedFormat() is `format`, in an image of their own.
Image UnpackFrame(const AVFrame& frame, const PixelFormat& format);

// The format in which pictures of a decoder's format are handed on: chroma that is coarser than any
// encoder takes (4:1:0) becomes finer, everything else stays.
PixelFormat CarriedFormat(const PixelFormat& format);

// Pictures with transparency.
bool HasAlpha(AVPixelFormat format);
// True if every pixel is opaque.
bool IsOpaque(const AVFrame& frame);
// The pixels over black, in an image of their own of `format` (see PlanarFormat, UnpackedFormat).
Image ComposeOverBlack(const AVFrame& frame, const PixelFormat& format, bool full_range);

// bgr0, bgra, rgb24 and their relatives: these can be unpacked some rows at a time too.
bool IsPackedRgb8(AVPixelFormat format);
// band  Rgb(8), the rows of the frame from y on.
void UnpackPackedRgb8(const AVFrame& frame, int y, const MutableImageView& band);

// A turn of a picture: first mirrored left-right if `mirrored`, then turned clockwise.
struct Orientation {
  int clockwise_deg = 0;  // 0, 90, 180, 270
  bool mirrored = false;

  bool IsIdentity() const { return clockwise_deg == 0 && !mirrored; }
  bool SwapsAxes() const { return clockwise_deg == 90 || clockwise_deg == 270; }
};

// The orientation that a display matrix (9 numbers of a container) asks for; empty if it is none of
// the eight, a turn by 30 degrees for example.
std::optional<Orientation> OrientationOf(const int32_t* display_matrix);

// The format of an image of `format` once it is turned: 4:2:2 becomes 4:4:0.
PixelFormat TurnedFormat(const PixelFormat& format, const Orientation& turn);

// Where the chroma samples lie in the turned picture (FFmpeg's numbers; 0 if there is none for it).
int TurnedChromaLocation(int location, const Orientation& turn);

Image TurnImage(const ImageView& image, const Orientation& turn);

}  // namespace mdvt::ff
