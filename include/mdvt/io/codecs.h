// SPDX-License-Identifier: Apache-2.0
//
// What mdvt uses of FFmpeg, and what of it the FFmpeg in use has: distributions leave codecs out.
#pragma once

#include <string>
#include <vector>

#include "mdvt/io/video_writer.h"

namespace mdvt {

// What an encoder runs on.
enum class EncoderDevice { kProcessor, kNvenc, kVaapi, kQsv, kAmf, kV4l2 };

// An encoder of pictures and what it can hold.
struct VideoEncoderInfo {
  VideoCodec codec;
  const char* name;      // on the command line: "x264"
  const char* ffmpeg;    // FFmpeg's name: "libx264"
  const char* standard;  // "H.264"
  const char* purpose;
  bool lossless;  // always; it has neither a quality nor a choice of bits
  bool in_mp4;    // beside Matroska
  bool in_mov;
  int max_width;
  int max_height;
  int max_bits;  // of a sample
  EncoderDevice device;

  // What it gives may differ between devices and drivers.
  bool hardware() const { return device != EncoderDevice::kProcessor; }
  // Its streams have no head of their own, which Matroska needs.
  bool in_mkv() const { return device != EncoderDevice::kV4l2; }
  // The encoder without a device that makes the same: "x264".
  const char* without_device() const;
};

// "an NVIDIA GPU with its driver"; empty for the processor.
const char* DeviceText(EncoderDevice device);

// One for each VideoCodec.
const std::vector<VideoEncoderInfo>& VideoEncoders();
const VideoEncoderInfo& VideoEncoderOf(VideoCodec codec);

// Whether it can be used here: in this FFmpeg, and of hardware, there is a device that opens.
bool VideoEncoderOpens(VideoCodec codec);

struct CodecSupport {
  std::string name;  // as FFmpeg calls it: "libx264", "hevc"
  bool is_encoder = false;
  bool is_present = false;  // and, on hardware, opens
  // What an encoder of hardware needs, see DeviceText(); these are no loss where they are missing.
  std::string device;
  // What cannot be done without it; empty for decoders of which one among many is missing.
  std::string purpose;
};

// Every encoder that mdvt writes with (of hardware those that this FFmpeg has) and every video
// decoder that it reads with.
std::vector<CodecSupport> CodecsInUse();

// "libavcodec 59.37.100", ...: the libraries that are loaded.
std::vector<std::string> FfmpegVersions();

}  // namespace mdvt
