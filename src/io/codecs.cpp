// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/codecs.h"

#include <algorithm>
#include <string_view>

#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/video_encoder.h"

extern "C" {
#include <libswresample/swresample.h>
}

namespace mdvt {

const std::vector<VideoEncoderInfo>& VideoEncoders() {
  // Sides: 32768 is what any file may have here; the others are those of the libraries, which name
  // no reason when they refuse.
  static const std::vector<VideoEncoderInfo> kEncoders = {
      {VideoCodec::kFfv1, "ffv1", "ffv1", "FFV1", "depth videos and lossless video", true, false,
       false, 32768, 32768, false},
      {VideoCodec::kH264, "x264", "libx264", "H.264", "H.264 video", false, true, true, 16384,
       16384, false},
      {VideoCodec::kH264Rgb, "x264rgb", "libx264rgb", "H.264", "H.264 video in RGB", true, true,
       true, 16384, 16384, false},
      {VideoCodec::kHevc, "x265", "libx265", "HEVC", "HEVC video", false, true, true, 16384, 16384,
       false},
      {VideoCodec::kAv1, "svtav1", "libsvtav1", "AV1", "AV1 video", false, true, false, 16384, 8704,
       false},
      {VideoCodec::kUtVideo, "utvideo", "utvideo", "Ut Video", "lossless video for editing", true,
       false, false, 32768, 32768, false},
      {VideoCodec::kH264Nvenc, "h264_nvenc", "h264_nvenc", "H.264", "H.264 video on an NVIDIA GPU",
       false, true, true, 4096, 4096, true},
      {VideoCodec::kHevcNvenc, "hevc_nvenc", "hevc_nvenc", "HEVC", "HEVC video on an NVIDIA GPU",
       false, true, true, 8192, 8192, true},
      {VideoCodec::kAv1Nvenc, "av1_nvenc", "av1_nvenc", "AV1", "AV1 video on an NVIDIA GPU", false,
       true, false, 8192, 8192, true}};
  return kEncoders;
}

const VideoEncoderInfo& VideoEncoderOf(VideoCodec codec) {
  for (const VideoEncoderInfo& entry : VideoEncoders())
    if (entry.codec == codec) return entry;
  throw Error(Code::kInvalidArgument,
              "VideoCodec = " + std::to_string(static_cast<int>(codec)) + " is not one of them");
}

bool VideoEncoderOpens(VideoCodec codec) {
  const VideoEncoderInfo& entry = VideoEncoderOf(codec);
  if (avcodec_find_encoder_by_name(entry.ffmpeg) == nullptr) return false;
  if (!entry.hardware) return true;
  try {
    VideoWriterOptions options;
    options.codec = codec;
    const ff::VideoEncoder probe(entry.name, PixelFormat::Yuv(420), 256, 256, options, true);
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::vector<CodecSupport> CodecsInUse() {
  const std::pair<const char*, const char*> encoders[] = {
      {"aac", "audio that a container cannot hold as it is"},
      {"subrip", "subtitles in Matroska"},
      {"mov_text", "subtitles in MP4"},
      {"png", "still images"},
      {"mjpeg", "pictures for web browsers"}};
  std::vector<CodecSupport> codecs;
  for (const VideoEncoderInfo& entry : VideoEncoders()) {
    const bool opens = VideoEncoderOpens(entry.codec);
    if (opens || !entry.hardware) codecs.push_back({entry.ffmpeg, true, opens, entry.purpose});
  }
  for (const auto& [name, purpose] : encoders) {
    codecs.push_back({name, true, avcodec_find_encoder_by_name(name) != nullptr, purpose});
  }
  for (std::string_view list = ff::AllowedDecoders(); !list.empty();) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string name(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    const char* purpose = name == "ffv1" ? "depth videos" : name == "h264" ? "H.264 video" : "";
    codecs.push_back({name, false, avcodec_find_decoder_by_name(name.c_str()) != nullptr, purpose});
  }
  return codecs;
}

std::vector<std::string> FfmpegVersions() {
  const std::pair<const char*, unsigned> libraries[] = {{"libavformat", avformat_version()},
                                                        {"libavcodec", avcodec_version()},
                                                        {"libavutil", avutil_version()},
                                                        {"libswresample", swresample_version()}};
  std::vector<std::string> versions;
  for (const auto& [name, version] : libraries) {
    versions.push_back(std::string(name) + " " + std::to_string(AV_VERSION_MAJOR(version)) + "." +
                       std::to_string(AV_VERSION_MINOR(version)) + "." +
                       std::to_string(AV_VERSION_MICRO(version)));
  }
  return versions;
}

}  // namespace mdvt
