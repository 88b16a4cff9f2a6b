// SPDX-License-Identifier: Apache-2.0
#include "convert.h"

#include <cmath>
#include <cstddef>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "structs.h"

namespace mdvt::capi {
namespace {

[[noreturn]] void Invalid(const std::string& text) { throw Error(Code::kInvalidArgument, text); }

std::string At(const char* name, const char* field) { return std::string(name) + "." + field; }
std::string At(const char* name, const char* field, int index) {
  return At(name, field) + "[" + std::to_string(index) + "]";
}

void RequireRange(int64_t value, int64_t low, int64_t high, const std::string& name) {
  if (value < low || value > high) {
    Invalid(name + " = " + std::to_string(value) + ", must be in [" + std::to_string(low) + ", " +
            std::to_string(high) + "]");
  }
}

constexpr std::array<DepthEncoding, 5> kEncodings = {
    DepthEncoding::kRgb16, DepthEncoding::kGray16, DepthEncoding::kRgb24Log,
    DepthEncoding::kGray16Legacy, DepthEncoding::kGray8};

// Largest side of an Image.
constexpr int kMaxSide = 1 << 20;

}  // namespace

void RequireSet(const void* pointer, const char* name) {
  if (pointer == nullptr) Invalid(std::string(name) + " is NULL");
}

std::string Path(const char* path, const char* name) {
  RequireSet(path, name);
  if (*path == '\0') Invalid(std::string(name) + " is empty, must be the name of a file");
  return path;
}

std::string TextOrEmpty(const char* text) { return text == nullptr ? "" : text; }

bool Flag(int32_t value, const char* name) {
  if (value != 0 && value != 1)
    Invalid(std::string(name) + " = " + std::to_string(value) + ", must be 0 or 1");
  return value == 1;
}

int Threads(int32_t value, const char* name) {
  RequireRange(value, 0, 1024, name);
  return value;
}

void RequireZero(int64_t reserved, const char* name) {
  if (reserved != 0) Invalid(std::string(name) + " = " + std::to_string(reserved) + ", must be 0");
}

std::optional<double> OptionalFov(double degrees, const char* name) {
  if (degrees == 0) return std::nullopt;
  if (!(degrees > 0 && degrees < 180)) {
    Invalid(std::string(name) + " = " + FormatDouble(degrees) +
            " degrees, must be in (0, 180), or 0 where it is not known");
  }
  return degrees;
}

std::optional<double> OptionalMaxDepth(double metres, const char* name) {
  if (metres == 0) return std::nullopt;
  if (!(metres >= 1e-6 && metres <= 1e6)) {
    Invalid(std::string(name) + " = " + FormatDouble(metres) +
            " m, must be in [1e-6, 1e6], or 0 where it is not known");
  }
  return metres;
}

PixelFormat ToFormat(const mdvt_pixel_format& format, const char* name) {
  PixelFormat to;
  to.model = Choose(format.model, std::array{ColorModel::kGray, ColorModel::kYuv, ColorModel::kRgb},
                    At(name, "model"), "MDVT_MODEL_*");
  to.type =
      Choose(format.sample_type, std::array{SampleType::kU8, SampleType::kU16, SampleType::kF32},
             At(name, "sample_type"), "MDVT_SAMPLE_*");
  switch (to.type) {
    case SampleType::kU8:
      RequireRange(format.bits, 8, 8, At(name, "bits"));
      break;
    case SampleType::kU16:
      RequireRange(format.bits, 9, 16, At(name, "bits"));
      break;
    case SampleType::kF32:
      RequireRange(format.bits, 32, 32, At(name, "bits"));
      break;
  }
  to.bits = format.bits;
  const int largest_shift = to.model == ColorModel::kYuv ? 2 : 0;
  RequireRange(format.chroma_shift_x, 0, largest_shift, At(name, "chroma_shift_x"));
  RequireRange(format.chroma_shift_y, 0, largest_shift, At(name, "chroma_shift_y"));
  to.chroma_shift_x = format.chroma_shift_x;
  to.chroma_shift_y = format.chroma_shift_y;
  for (int i = 0; i < 3; ++i) RequireRange(format.reserved[i], 0, 0, At(name, "reserved", i));
  return to;
}

mdvt_pixel_format FromFormat(const PixelFormat& format) {
  mdvt_pixel_format to = {};
  to.model = static_cast<uint8_t>(format.model == ColorModel::kGray  ? MDVT_MODEL_GRAY
                                  : format.model == ColorModel::kYuv ? MDVT_MODEL_YUV
                                                                     : MDVT_MODEL_RGB);
  to.sample_type = static_cast<uint8_t>(format.type == SampleType::kU8    ? MDVT_SAMPLE_U8
                                        : format.type == SampleType::kU16 ? MDVT_SAMPLE_U16
                                                                          : MDVT_SAMPLE_F32);
  to.bits = format.bits;
  to.chroma_shift_x = format.chroma_shift_x;
  to.chroma_shift_y = format.chroma_shift_y;
  return to;
}

MutableImageView ToView(const mdvt_image* image, const char* name) {
  RequireSet(image, name);
  MutableImageView view;
  view.format = ToFormat(image->format, At(name, "format").c_str());
  RequireRange(image->width, 1, kMaxSide, At(name, "width"));
  RequireRange(image->height, 1, kMaxSide, At(name, "height"));
  view.width = image->width;
  view.height = image->height;
  const int sample = view.format.bytes_per_sample();
  for (int plane = 0; plane < view.format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    RequireSet(image->data[i], At(name, "data", plane).c_str());
    if (reinterpret_cast<uintptr_t>(image->data[i]) % static_cast<uintptr_t>(sample) != 0) {
      Invalid(At(name, "data", plane) + " is not aligned to its samples of " +
              std::to_string(sample) + " bytes");
    }
    const int64_t row = int64_t{view.format.PlaneWidth(plane, view.width)} * sample;
    // The largest stride keeps the size of a plane of 2^20 rows within 62 bits.
    constexpr int64_t kMaxStride = int64_t{1} << 42;
    if (image->stride[i] < row || image->stride[i] > kMaxStride || image->stride[i] % sample != 0) {
      Invalid(At(name, "stride", plane) + " = " + std::to_string(image->stride[i]) +
              " bytes, must be at least the " + std::to_string(row) +
              " of a row and a multiple of " + std::to_string(sample));
    }
    view.data[i] = static_cast<std::byte*>(image->data[i]);
    view.stride[i] = static_cast<ptrdiff_t>(image->stride[i]);
  }
  return view;
}

mdvt_image FromView(const ImageView& view) {
  mdvt_image to = {};
  to.format = FromFormat(view.format);
  to.width = view.width;
  to.height = view.height;
  for (int plane = 0; plane < view.format.num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    // The struct serves for reading and writing; the header tells whose pixels may be written.
    to.data[i] = const_cast<std::byte*>(view.data[i]);
    to.stride[i] = view.stride[i];
  }
  return to;
}

void RequireFormat(const ImageView& image, const PixelFormat& format, const char* name) {
  if (image.format != format) {
    Invalid(At(name, "format") + " is " + image.format.ToString() + ", must be " +
            format.ToString());
  }
}

void RequireSize(const ImageView& image, int width, int height, const char* name) {
  if (image.width != width) {
    Invalid(At(name, "width") + " = " + std::to_string(image.width) + ", must be " +
            std::to_string(width));
  }
  if (image.height != height) {
    Invalid(At(name, "height") + " = " + std::to_string(image.height) + ", must be " +
            std::to_string(height));
  }
}

Rational ToRational(const mdvt_rational& value, bool may_be_zero, const char* name) {
  const Rational to{value.num, value.den};
  if (!(to.IsPositive() || (may_be_zero && to.num == 0 && to.den > 0))) {
    Invalid(std::string(name) + " = " + to.ToString() + ", must be positive" +
            (may_be_zero ? ", or 0/1 where it is not known" : ""));
  }
  return to;
}

mdvt_rational FromRational(const Rational& value) { return {value.num, value.den}; }

ColorInfo ToColor(const mdvt_color& color, const char* name) {
  RequireRange(color.matrix, 0, 255, At(name, "matrix"));
  RequireRange(color.primaries, 0, 255, At(name, "primaries"));
  RequireRange(color.transfer, 0, 255, At(name, "transfer"));
  RequireRange(color.chroma_location, 0, 6, At(name, "chroma_location"));
  RequireZero(color.reserved, At(name, "reserved").c_str());
  ColorInfo to;
  to.matrix = color.matrix;
  to.primaries = color.primaries;
  to.transfer = color.transfer;
  to.full_range = Flag(color.full_range, At(name, "full_range").c_str());
  to.chroma_location = color.chroma_location;
  return to;
}

mdvt_color FromColor(const ColorInfo& color) {
  return {color.matrix,     color.primaries,       color.transfer,
          color.full_range, color.chroma_location, 0};
}

Camera ToCamera(const mdvt_camera& camera, const char* name) {
  RequireRange(camera.width, 1, kMaxSide, At(name, "width"));
  RequireRange(camera.height, 1, kMaxSide, At(name, "height"));
  const auto check = [&](double value, bool positive, const char* field) {
    if (!std::isfinite(value) || (positive && !(value > 0))) {
      Invalid(At(name, field) + " = " + FormatDouble(value) + ", must be finite" +
              (positive ? " and positive" : ""));
    }
  };
  check(camera.fx, true, "fx");
  check(camera.fy, true, "fy");
  check(camera.cx, false, "cx");
  check(camera.cy, false, "cy");
  return {camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy};
}

std::map<std::string, std::string> ToTags(const mdvt_tag* tags, int32_t count, const char* name) {
  // Nobody writes more tags than this by intent.
  constexpr int32_t kMaxTags = 10000;
  RequireRange(count, 0, kMaxTags, At(name, "num_tags"));
  std::map<std::string, std::string> to;
  if (count == 0) return to;
  RequireSet(tags, At(name, "tags").c_str());
  for (int32_t i = 0; i < count; ++i) {
    const std::string tag = At(name, "tags", i);
    RequireSet(tags[i].key, (tag + ".key").c_str());
    RequireSet(tags[i].value, (tag + ".value").c_str());
    if (*tags[i].key == '\0') Invalid(tag + ".key is empty");
    to[tags[i].key] = tags[i].value;
  }
  return to;
}

Limits ToLimits(const mdvt_limits* limits, const char* name) {
  const mdvt_limits from = ReadOptions(limits, name);
  Limits to;
  to.max_side = from.max_side;
  to.max_pixels_per_frame = from.max_pixels_per_frame;
  to.max_frames = from.max_frames;
  to.max_track_points = from.max_track_points;
  to.max_text_bytes = from.max_text_bytes;
  to.max_frame_buffer_bytes = from.max_frame_buffer_bytes;
  to.max_streams = from.max_streams;
  to.max_json_depth = from.max_json_depth;
  to.Check();
  return to;
}

DepthEncoding ToEncoding(int32_t value, const char* name) {
  return Choose(value, kEncodings, name, "MDVT_DEPTH_*");
}

int32_t FromEncoding(DepthEncoding encoding) {
  for (size_t i = 0; i < kEncodings.size(); ++i) {
    if (kEncodings[i] == encoding) return static_cast<int32_t>(i) + 1;
  }
  return 0;
}

InfillMaskStyle ToMaskStyle(int32_t value, const char* name) {
  return Choose(value, std::array{InfillMaskStyle::kDirections, InfillMaskStyle::kGreen}, name,
                "MDVT_MASK_*");
}

size_t Index(int32_t index, size_t count, const char* name) {
  if (index < 0 || static_cast<size_t>(index) >= count) {
    Invalid(std::string(name) + " = " + std::to_string(index) + ", must be in [0, " +
            std::to_string(count) + ")");
  }
  return static_cast<size_t>(index);
}

size_t Choice(int32_t value, size_t count, const std::string& name, const char* constants) {
  if (value < 1 || static_cast<size_t>(value) > count) {
    Invalid(name + " = " + std::to_string(value) + ", must be one of " + constants + " (1 to " +
            std::to_string(count) + ")");
  }
  return static_cast<size_t>(value - 1);
}

DepthCodecOptions ToCodec(const mdvt_depth_codec* codec, const char* name) {
  const mdvt_depth_codec from = ReadOptions(codec, name);
  DepthCodecOptions to;
  to.encoding = ToEncoding(from.encoding, At(name, "encoding").c_str());
  to.max_depth = from.max_depth;
  // The library looks at it for rgb24-log alone; a wrong one is wrong at once here.
  if (!(from.log_offset > 0 && from.log_offset <= 1e6)) {
    Invalid(At(name, "log_offset") + " = " + FormatDouble(from.log_offset) +
            " m, must be in (0, 1e6]");
  }
  to.log_offset = from.log_offset;
  to.rounding = Flag(from.truncate, At(name, "truncate").c_str()) ? DepthRounding::kTruncate
                                                                  : DepthRounding::kNearest;
  RequireZero(from.reserved, At(name, "reserved").c_str());
  to.Check();
  return to;
}

StereoOptions ToStereo(const mdvt_stereo_options* options, const char* name) {
  const mdvt_stereo_options from = ReadOptions(options, name);
  StereoOptions to;
  to.edges = Choose(from.edges, std::array{EdgeMode::kTear, EdgeMode::kStretch}, At(name, "edges"),
                    "MDVT_EDGES_*");
  to.baseline = from.baseline;
  to.tear.disparity = from.tear_disparity;
  to.tear.depth = from.tear_depth;
  to.Check();
  return to;
}

DirectionalFillOptions ToFill(const mdvt_fill_options* options, const char* name) {
  DirectionalFillOptions to;
  to.rim = ReadOptions(options, name).rim;
  to.Check();
  return to;
}

VideoWriterOptions ToWriterOptions(const mdvt_video_writer_options* options, const char* name) {
  const mdvt_video_writer_options from = ReadOptions(options, name);
  VideoWriterOptions to;
  to.codec =
      Choose(from.codec, std::array{VideoCodec::kFfv1, VideoCodec::kH264, VideoCodec::kH264Rgb},
             At(name, "codec"), "MDVT_CODEC_*");
  to.time_base = ToRational(from.time_base, false, At(name, "time_base").c_str());
  to.frame_rate = ToRational(from.frame_rate, true, At(name, "frame_rate").c_str());
  to.sample_aspect = ToRational(from.sample_aspect, false, At(name, "sample_aspect").c_str());
  to.color = ToColor(from.color, At(name, "color").c_str());
  to.stereo = Choose(from.stereo, std::array{StereoLayout::kNone, StereoLayout::kSideBySide},
                     At(name, "stereo"), "MDVT_STEREO_*");
  to.tags = ToTags(from.tags, from.num_tags, name);
  to.copy_streams_from = TextOrEmpty(from.copy_streams_from);
  if (from.preset != nullptr) to.preset = Path(from.preset, At(name, "preset").c_str());
  RequireRange(from.crf, 0, 51, At(name, "crf"));
  to.crf = from.crf;
  to.num_threads = Threads(from.num_threads, At(name, "num_threads").c_str());
  to.overwrite = Flag(from.overwrite, At(name, "overwrite").c_str());
  RequireZero(from.reserved, At(name, "reserved").c_str());
  return to;
}

}  // namespace mdvt::capi
