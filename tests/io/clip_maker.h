// SPDX-License-Identifier: Apache-2.0
//
// Small video files with known content, made with FFmpeg's encoders and without our writer, so that
// reader and writer are tested against something else than each other.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/ffmpeg.h"
#include "mdvt/core/image.h"

namespace mdvt::test {

// Looks at packet `index` of the pictures, in the order of the file, before it is written, and may
// change it; false leaves it out.
using PacketEdit = std::function<bool(int index, AVPacket* packet)>;

// A stream of bytes that nobody decodes. An attachment is `bytes` itself, all others have them as
// the packets of every half a second, three in all.
struct OtherStream {
  AVMediaType type;
  AVCodecID codec;
  std::string bytes;
  std::string filename, mimetype;  // of an attachment
  std::string head;                // what the container keeps in front
  std::string language = {};
};

struct ClipSpec {
  std::string container = "matroska";
  std::string encoder = "ffv1";
  AVPixelFormat pixel_format = AV_PIX_FMT_YUV420P;
  int width = 32;
  int height = 16;
  AVRational time_base = {1, 1000};
  AVRational frame_rate = {25, 1};
  // One entry per frame, in time_base; left empty: `frames` frames 40 apart.
  std::vector<int64_t> pts;
  int frames = 5;
  bool moving = false;  // a pattern that moves, which encoders predict, in place of noise
  std::function<ff::FramePtr(int index)> picture;  // in place of both
  AVFieldOrder field_order = AV_FIELD_UNKNOWN;     // as the container states it
  AVRational sample_aspect = {0, 1};
  AVColorRange range = AVCOL_RANGE_UNSPECIFIED;
  AVColorSpace matrix = AVCOL_SPC_UNSPECIFIED;
  std::optional<std::vector<int32_t>> display_matrix;  // 9 entries
  // Of the picture stream, as the bytes of FFmpeg's structs.
  std::vector<std::pair<AVPacketSideDataType, std::vector<uint8_t>>> side_data;
  std::vector<std::pair<std::string, std::string>> codec_options, muxer_options;
  std::vector<std::pair<std::string, std::string>> tags, stream_tags;
  // Sound: a track for each language, the first a tone of 1 kHz, the second of 2 kHz; without an
  // encoder: none.
  std::string audio_encoder;
  std::vector<std::string> audio_languages = {"deu"};
  double audio_begin = 0;
  double audio_seconds = 0;
  std::vector<std::string> subtitles;  // one line each, half a second apart, SubRip
  int chapters = 0;                    // each 100 ms long
  bool attachment = false;             // a text file "note.txt"
  std::vector<OtherStream> others;
  PacketEdit edit;  // files as recorders, cuts and bad disks leave them
  // Other video streams, empty, to try limits.
  int extra_streams = 0;
};

// Frame `index` of a clip: random samples, the same each time.
ff::FramePtr MakeFrame(AVPixelFormat format, int width, int height, int index);

// The same of a smooth pattern that moves two pixels a frame; planar formats of 8 bits only.
ff::FramePtr MakeMovingFrame(AVPixelFormat format, int width, int height, int index);

void MakeClip(const std::string& path, const ClipSpec& spec);

// Component c (Y, Cb, Cr or R, G, B) of a frame as FFmpeg itself reads it, row-major.
std::vector<uint32_t> ReadComponent(const AVFrame& frame, int component);
// The same of one of our images.
std::vector<uint32_t> ReadPlane(const ImageView& image, int plane);

// Random samples in all bits of the format, seeded by `index`.
Image RandomImage(const PixelFormat& format, int width, int height, int index);

// True if both have the same format, size and samples.
bool SamePixels(const ImageView& a, const ImageView& b);

std::vector<std::byte> ReadBytes(const std::string& path);
void WriteBytes(const std::string& path, const std::vector<std::byte>& bytes);
// Entries of /proc/self/fd and of /proc/self/task.
int CountDescriptors();
int CountThreads();
// Names in a folder, hidden ones too.
std::vector<std::string> ListFolder(const std::string& folder);

}  // namespace mdvt::test
