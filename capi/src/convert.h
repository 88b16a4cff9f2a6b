// SPDX-License-Identifier: Apache-2.0
//
// Between the plain values of the C interface and the types of the library. `name` is what the
// caller knows the value as: texts of Error(kInvalidArgument) begin with it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "mdvt.h"
#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/limits.h"
#include "mdvt/core/rational.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/stereo/renderer.h"

namespace mdvt::capi {

// Throws unless the pointer is set.
void RequireSet(const void* pointer, const char* name);
// A path that has to be given.
std::string Path(const char* path, const char* name);
// Text that may be left out: NULL is "".
std::string TextOrEmpty(const char* text);
bool Flag(int32_t value, const char* name);
int Threads(int32_t value, const char* name);
void RequireZero(int64_t reserved, const char* name);
// Degrees in (0, 180); 0 is nothing.
std::optional<double> OptionalFov(double degrees, const char* name);
// Metres in [1e-6, 1e6]; 0 is nothing.
std::optional<double> OptionalMaxDepth(double metres, const char* name);

PixelFormat ToFormat(const mdvt_pixel_format& format, const char* name);
mdvt_pixel_format FromFormat(const PixelFormat& format);
// The whole image is checked: format, size, every plane's pointer, stride and alignment.
MutableImageView ToView(const mdvt_image* image, const char* name);
mdvt_image FromView(const ImageView& view);
// Throws unless the image has this format (and, with the second, this size).
void RequireFormat(const ImageView& image, const PixelFormat& format, const char* name);
void RequireSize(const ImageView& image, int width, int height, const char* name);

Rational ToRational(const mdvt_rational& value, bool may_be_zero, const char* name);
mdvt_rational FromRational(const Rational& value);
ColorInfo ToColor(const mdvt_color& color, const char* name);
mdvt_color FromColor(const ColorInfo& color);
Camera ToCamera(const mdvt_camera& camera, const char* name);
std::map<std::string, std::string> ToTags(const mdvt_tag* tags, int32_t count, const char* name);

// NULL is the defaults in all of these.
Limits ToLimits(const mdvt_limits* limits, const char* name);
DepthCodecOptions ToCodec(const mdvt_depth_codec* codec, const char* name);
StereoOptions ToStereo(const mdvt_stereo_options* options, const char* name);
DirectionalFillOptions ToFill(const mdvt_fill_options* options, const char* name);
VideoWriterOptions ToWriterOptions(const mdvt_video_writer_options* options, const char* name);

DepthEncoding ToEncoding(int32_t value, const char* name);
int32_t FromEncoding(DepthEncoding encoding);
InfillMaskStyle ToMaskStyle(int32_t value, const char* name);

// Throws unless index is in [0, count).
size_t Index(int32_t index, size_t count, const char* name);

// Throws unless value is in [1, count]: that enumerations begin at 1 keeps a struct that nobody
// filled in from passing. Returns its place, from 0.
size_t Choice(int32_t value, size_t count, const std::string& name, const char* constants);
// The one of `choices` that the constant stands for.
template <typename Enum, size_t kCount>
Enum Choose(int32_t value, const std::array<Enum, kCount>& choices, const std::string& name,
            const char* constants) {
  return choices[Choice(value, kCount, name, constants)];
}

}  // namespace mdvt::capi
