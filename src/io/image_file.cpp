// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/image_file.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "io/ffmpeg.h"
#include "io/output_file.h"
#include "io/unpack.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"

namespace mdvt {
namespace {

using Bytes = std::vector<uint8_t>;

Bytes ReadAll(ByteSource& source, const std::string& name, const Limits& limits) {
  // No still image that passes the limit of pixels needs more: 16 bits in 4 channels, and a margin
  // for headers, profiles and thumbnails.
  const int64_t most =
      std::min<int64_t>(limits.max_pixels_per_frame, 1 << 27) * 8 + (int64_t{1} << 26);
  Require(source.size() <= most, Code::kLimit,
          name + ": " + std::to_string(source.size()) + " bytes are too many for an image");
  Bytes bytes(static_cast<size_t>(source.size()) + AV_INPUT_BUFFER_PADDING_SIZE, 0);
  size_t total = 0;
  const auto size = static_cast<size_t>(source.size());
  while (total < size) {
    const size_t count =
        source.ReadAt(static_cast<int64_t>(total), bytes.data() + total, size - total);
    Require(count > 0, Code::kIo, name + ": became shorter while it was read");
    total += count;
  }
  bytes.resize(size);
  return bytes;
}

struct Header {
  AVCodecID codec = AV_CODEC_ID_NONE;
  int64_t width = 0;
  int64_t height = 0;
};

int64_t BigEndian(const uint8_t* p, int bytes) {
  int64_t value = 0;
  for (int i = 0; i < bytes; ++i) value = value << 8 | p[i];
  return value;
}

// The frame header (SOF0 .. SOF15 without the three that mean something else): ITU-T T.81 B.2.2.
Header JpegHeader(const Bytes& b, const std::string& name) {
  size_t i = 2;
  while (i + 9 < b.size()) {
    if (b[i] != 0xFF) {
      ++i;
      continue;
    }
    const int marker = b[i + 1];
    if (marker == 0xFF) {  // padding
      ++i;
      continue;
    }
    if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
      return {AV_CODEC_ID_MJPEG, BigEndian(&b[i + 7], 2), BigEndian(&b[i + 5], 2)};
    }
    const bool alone = marker == 0 || marker == 1 || (marker >= 0xD0 && marker <= 0xD8);
    if (marker == 0xDA || marker == 0xD9) break;  // pictures without a size before them
    i += alone ? 2 : 2 + static_cast<size_t>(BigEndian(&b[i + 2], 2));
  }
  throw Error(Code::kCorrupt, name + ": the JPEG file has no frame header");
}

Header ReadHeader(const Bytes& b, const std::string& name) {
  Require(!b.empty(), Code::kCorrupt, name + ": the file is empty");
  const std::string_view head(reinterpret_cast<const char*>(b.data()),
                              std::min<size_t>(b.size(), 32));
  constexpr std::string_view kPng("\x89PNG\r\n\x1A\n", 8);
  if (head.substr(0, 8) == kPng) {
    Require(b.size() >= 33 && std::memcmp(&b[12], "IHDR", 4) == 0, Code::kCorrupt,
            name + ": the PNG file has no header");
    return {AV_CODEC_ID_PNG, BigEndian(&b[16], 4), BigEndian(&b[20], 4)};
  }
  if (head.substr(0, 3) == "\xFF\xD8\xFF") return JpegHeader(b, name);
  const bool text = std::all_of(head.begin(), head.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
  });
  Require(!text, Code::kCorrupt, name + ": is a text file, not an image");
  throw Error(Code::kUnsupported, name + ": is neither PNG nor JPEG");
}

// FFmpeg's PNG decoder shows what there is of a file that was cut off; the end chunk tells.
bool PngIsWhole(const Bytes& b) {
  for (size_t i = 8; i + 12 <= b.size();) {
    if (std::memcmp(&b[i + 4], "IEND", 4) == 0) return true;
    i += 12 + static_cast<size_t>(BigEndian(&b[i], 4));
  }
  return false;
}

bool JpegIsWhole(const Bytes& b) {
  // The end marker, perhaps with something appended to the file.
  for (size_t i = b.size(); i >= 2; --i) {
    if (b[i - 2] == 0xFF && b[i - 1] == 0xD9) return true;
  }
  return false;
}

ff::FramePtr DecodeOne(const Bytes& bytes, const Header& header, const std::string& name,
                       const Limits& limits) {
  const AVCodec* codec = avcodec_find_decoder(header.codec);
  Require(codec != nullptr, Code::kUnsupported,
          name + ": this build of FFmpeg has no decoder for it");
  const ff::CodecPtr decoder = ff::NewCodec(codec);
  decoder->max_pixels = limits.max_pixels_per_frame;
  decoder->thread_count = 1;
  decoder->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
  const std::string damaged = name + ": the image is damaged";
  ff::CheckFf(avcodec_open2(decoder.get(), codec, nullptr), Code::kUnsupported, name);
  const ff::PacketPtr packet = ff::NewPacket();
  Require(bytes.size() < (1u << 31) - AV_INPUT_BUFFER_PADDING_SIZE, Code::kLimit,
          name + ": the file is too long for an image");
  ff::CheckFf(av_new_packet(packet.get(), static_cast<int>(bytes.size())), Code::kOutOfMemory,
              "no memory for " + name);
  std::memcpy(packet->data, bytes.data(), bytes.size());
  ff::CheckFf(avcodec_send_packet(decoder.get(), packet.get()), Code::kCorrupt, damaged);
  avcodec_send_packet(decoder.get(), nullptr);
  ff::FramePtr frame = ff::NewFrame();
  ff::CheckFf(avcodec_receive_frame(decoder.get(), frame.get()), Code::kCorrupt, damaged);
  Require(frame->decode_error_flags == 0 && (frame->flags & AV_FRAME_FLAG_CORRUPT) == 0,
          Code::kCorrupt, damaged);
  Require(frame->width == header.width && frame->height == header.height, Code::kCorrupt, damaged);
  return frame;
}

// EXIF orientation 1 .. 8 as a turn.
ff::Orientation ExifTurn(const AVFrame& frame) {
  const AVFrameSideData* matrix = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  if (matrix != nullptr && matrix->size >= 9 * sizeof(int32_t)) {
    const auto turn = ff::OrientationOf(reinterpret_cast<const int32_t*>(matrix->data));
    return turn ? *turn : ff::Orientation();
  }
  const AVDictionaryEntry* entry = av_dict_get(frame.metadata, "Orientation", nullptr, 0);
  if (entry == nullptr) return {};
  std::string_view text = entry->value;
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  constexpr ff::Orientation kTurns[9] = {{0, false},   {0, false},  {0, true},
                                         {180, false}, {180, true}, {270, true},
                                         {90, false},  {90, true},  {270, false}};
  const auto number = ParseInt(text);
  return number && *number >= 1 && *number <= 8 ? kTurns[*number] : ff::Orientation();
}

}  // namespace

Image ReadImageFile(const std::string& path, const Limits& limits) {
  return ReadImageFile(OpenFileSource(path), path, limits);
}

Image ReadImageFile(std::unique_ptr<ByteSource> source, const std::string& name,
                    const Limits& limits) {
  limits.Check();
  Require(source != nullptr, Code::kInvalidArgument, name + ": no source of bytes");
  const Bytes bytes = ReadAll(*source, name, limits);
  const Header header = ReadHeader(bytes, name);
  limits.CheckFrameSize(header.width, header.height, name.c_str());
  const bool png = header.codec == AV_CODEC_ID_PNG;
  Require(png ? PngIsWhole(bytes) : JpegIsWhole(bytes), Code::kCorrupt,
          name + ": the image is cut off");
  ff::FramePtr frame = DecodeOne(bytes, header, name, limits);

  const auto av_format = static_cast<AVPixelFormat>(frame->format);
  const auto planar = ff::PlanarFormat(av_format), unpacked = ff::UnpackedFormat(av_format);
  Require(planar || unpacked, Code::kUnsupported,
          name + ": its pixel format " + ff::FormatName(av_format) + " is not supported");
  const ff::Orientation turn = ExifTurn(*frame);
  Image image =
      planar ? ff::WrapFrame(std::move(frame), *planar) : ff::UnpackFrame(*frame, *unpacked);
  if (image.format().model == ColorModel::kYuv) {
    ColorInfo color;
    color.matrix = 5;
    color.full_range = true;
    color.chroma_location = AVCHROMA_LOC_CENTER;
    image = ColorConverter().Convert(image, color, PixelFormat::Rgb(image.format().bits));
  }
  return turn.IsIdentity() ? image : ff::TurnImage(image.view(), turn);
}

namespace {

// What an encoder of stills makes of one frame.
ff::PacketPtr EncodeOne(const AVCodec* codec, const AVFrame& frame, ff::Dictionary* settings,
                        const std::string& name) {
  const ff::CodecPtr encoder = ff::NewCodec(codec);
  encoder->width = frame.width;
  encoder->height = frame.height;
  encoder->pix_fmt = static_cast<AVPixelFormat>(frame.format);
  encoder->time_base = {1, 25};  // asked for, never used
  encoder->thread_count = 1;
  encoder->compression_level = 5;
  ff::CheckFf(avcodec_open2(encoder.get(), codec, settings->get()), Code::kInvalidArgument,
              name + ": the encoder cannot be started");
  ff::CheckFf(avcodec_send_frame(encoder.get(), &frame), Code::kInternal,
              name + ": encoding failed");
  avcodec_send_frame(encoder.get(), nullptr);
  ff::PacketPtr packet = ff::NewPacket();
  ff::CheckFf(avcodec_receive_packet(encoder.get(), packet.get()), Code::kInternal,
              name + ": encoding failed");
  return packet;
}

ff::FramePtr NewStill(int width, int height, AVPixelFormat format, const std::string& name) {
  ff::FramePtr frame = ff::NewFrame();
  frame->width = width;
  frame->height = height;
  frame->format = format;
  ff::CheckFf(av_frame_get_buffer(frame.get(), 0), Code::kOutOfMemory, "no memory for " + name);
  return frame;
}

ff::PacketPtr PngPacket(const ImageView& image, const std::string& name) {
  const PixelFormat& format = image.format;
  const bool gray = format.model == ColorModel::kGray;
  Require((gray || format.model == ColorModel::kRgb) && (format.bits == 8 || format.bits == 16),
          Code::kInvalidArgument,
          name + ": PNG holds gray and RGB images of 8 or 16 bits, not " + format.ToString());
  Require(!image.empty(), Code::kInvalidArgument, name + ": the image has no pixels");
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
  Require(codec != nullptr, Code::kUnsupported, "this build of FFmpeg has no PNG encoder");
  const ff::FramePtr frame =
      NewStill(image.width, image.height,
               format.bits == 8 ? (gray ? AV_PIX_FMT_GRAY8 : AV_PIX_FMT_RGB24)
                                : (gray ? AV_PIX_FMT_GRAY16BE : AV_PIX_FMT_RGB48BE),
               name);
  const int channels = format.num_planes();
  for (int channel = 0; channel < channels; ++channel) {
    for (int y = 0; y < image.height; ++y) {
      uint8_t* to = frame->data[0] + y * frame->linesize[0];
      if (format.bits == 8) {
        const uint8_t* from = image.Plane<uint8_t>(channel).Row(y);
        for (int x = 0; x < image.width; ++x) to[x * channels + channel] = from[x];
      } else {
        const uint16_t* from = image.Plane<uint16_t>(channel).Row(y);
        for (int x = 0; x < image.width; ++x) {
          to[2 * (x * channels + channel)] = static_cast<uint8_t>(from[x] >> 8);
          to[2 * (x * channels + channel) + 1] = static_cast<uint8_t>(from[x]);
        }
      }
    }
  }
  ff::Dictionary settings;
  settings.Set("pred", "up");
  return EncodeOne(codec, *frame, &settings, name);
}

}  // namespace

void WritePng(const OutputTarget& target, const ImageView& image) {
  const ff::PacketPtr packet = PngPacket(image, target.path());
  OutputFile file(target);
  file.WriteAt(0, packet->data, static_cast<size_t>(packet->size));
  file.Finish();
}

std::vector<std::byte> EncodePng(const ImageView& image) {
  const ff::PacketPtr packet = PngPacket(image, "PNG");
  const auto* bytes = reinterpret_cast<const std::byte*>(packet->data);
  return {bytes, bytes + packet->size};
}

void WriteExr(const OutputTarget& target, const PlaneView<const float>& plane) {
  const std::string& path = target.path();
  Require(plane.width > 0 && plane.height > 0, Code::kInvalidArgument,
          path + ": the image has no pixels");
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_EXR);
  Require(codec != nullptr, Code::kUnsupported,
          "this build of FFmpeg has no OpenEXR encoder (it came with FFmpeg 5.0)");
  const ff::FramePtr frame = NewStill(plane.width, plane.height, AV_PIX_FMT_GRAYF32, path);
  for (int y = 0; y < plane.height; ++y)
    std::memcpy(frame->data[0] + y * frame->linesize[0], plane.Row(y),
                static_cast<size_t>(plane.width) * sizeof(float));
  ff::Dictionary settings;
  settings.Set("compression", "zip16");
  const ff::PacketPtr packet = EncodeOne(codec, *frame, &settings, path);
  OutputFile file(target);
  file.WriteAt(0, packet->data, static_cast<size_t>(packet->size));
  file.Finish();
}

std::vector<std::byte> EncodeJpeg(const ImageView& image) {
  const std::string name = "JPEG";
  Require(image.format == PixelFormat::Rgb(8) && !image.empty(), Code::kInvalidArgument,
          name + ": the image is " + image.format.ToString() + ", must be rgb8 with pixels");
  const AVCodec* codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
  Require(codec != nullptr, Code::kUnsupported, "this build of FFmpeg has no JPEG encoder");
  // JFIF: BT.601 in full range, chroma between the samples.
  ColorInfo color;
  color.matrix = AVCOL_SPC_SMPTE170M;
  color.full_range = true;
  color.chroma_location = AVCHROMA_LOC_CENTER;
  Image yuv(PixelFormat::Yuv(420), image.width, image.height);
  ColorConverter().Convert(image, color, yuv.mutable_view());
  constexpr int64_t kQuality = 3 * FF_QP2LAMBDA;
  const ff::FramePtr frame = ff::WrapImage(yuv.view(), AV_PIX_FMT_YUVJ420P);
  frame->color_range = AVCOL_RANGE_JPEG;
  frame->quality = static_cast<int>(kQuality);
  ff::Dictionary settings;
  settings.Set("flags", "+qscale");
  settings.Set("global_quality", kQuality);
  settings.Set("color_range", "pc");
  const ff::PacketPtr packet = EncodeOne(codec, *frame, &settings, name);
  const auto* bytes = reinterpret_cast<const std::byte*>(packet->data);
  return {bytes, bytes + packet->size};
}

}  // namespace mdvt
