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
  constexpr EncoderDevice kCpu = EncoderDevice::kProcessor;
  static const std::vector<VideoEncoderInfo> kEncoders = [] {
    std::vector<VideoEncoderInfo> all = {
        {VideoCodec::kFfv1, "ffv1", "ffv1", "FFV1", "depth videos and lossless video", true, false,
         false, 32768, 32768, 16, kCpu},
        {VideoCodec::kH264, "x264", "libx264", "H.264", "H.264 video", false, true, true, 16384,
         16384, 10, kCpu},
        {VideoCodec::kH264Rgb, "x264rgb", "libx264rgb", "H.264", "H.264 video in RGB", true, true,
         true, 16384, 16384, 8, kCpu},
        {VideoCodec::kHevc, "x265", "libx265", "HEVC", "HEVC video", false, true, true, 16384,
         16384, 12, kCpu},
        {VideoCodec::kAv1, "svtav1", "libsvtav1", "AV1", "AV1 video", false, true, false, 16384,
         8704, 10, kCpu},
        {VideoCodec::kUtVideo, "utvideo", "utvideo", "Ut Video", "lossless video for editing", true,
         false, false, 32768, 32768, 8, kCpu}};
    const auto add = [&all](VideoCodec codec, const char* name, EncoderDevice device) {
      const std::string_view text = name;
      const bool h264 = text.substr(0, 4) == "h264", av1 = text.substr(0, 3) == "av1";
      const int side = h264 ? 4096 : 8192;
      const bool deep = !h264 && device != EncoderDevice::kV4l2;
      all.push_back({codec, name, name,
                     h264  ? "H.264"
                     : av1 ? "AV1"
                           : "HEVC",
                     "", false, true, !av1, side, side, deep ? 10 : 8, device});
    };
    add(VideoCodec::kH264Nvenc, "h264_nvenc", EncoderDevice::kNvenc);
    add(VideoCodec::kHevcNvenc, "hevc_nvenc", EncoderDevice::kNvenc);
    add(VideoCodec::kAv1Nvenc, "av1_nvenc", EncoderDevice::kNvenc);
    add(VideoCodec::kH264Vaapi, "h264_vaapi", EncoderDevice::kVaapi);
    add(VideoCodec::kHevcVaapi, "hevc_vaapi", EncoderDevice::kVaapi);
    add(VideoCodec::kAv1Vaapi, "av1_vaapi", EncoderDevice::kVaapi);
    add(VideoCodec::kH264Qsv, "h264_qsv", EncoderDevice::kQsv);
    add(VideoCodec::kHevcQsv, "hevc_qsv", EncoderDevice::kQsv);
    add(VideoCodec::kAv1Qsv, "av1_qsv", EncoderDevice::kQsv);
    add(VideoCodec::kH264Amf, "h264_amf", EncoderDevice::kAmf);
    add(VideoCodec::kHevcAmf, "hevc_amf", EncoderDevice::kAmf);
    add(VideoCodec::kAv1Amf, "av1_amf", EncoderDevice::kAmf);
    add(VideoCodec::kH264V4l2, "h264_v4l2m2m", EncoderDevice::kV4l2);
    add(VideoCodec::kHevcV4l2, "hevc_v4l2m2m", EncoderDevice::kV4l2);
    return all;
  }();
  return kEncoders;
}

const char* VideoEncoderInfo::without_device() const {
  const std::string_view made = standard;
  return made == "H.264" ? "x264" : made == "HEVC" ? "x265" : made == "AV1" ? "svtav1" : name;
}

const char* DeviceText(EncoderDevice device) {
  switch (device) {
    case EncoderDevice::kProcessor:
      break;
    case EncoderDevice::kNvenc:
      return "an NVIDIA GPU with its driver";
    case EncoderDevice::kVaapi:
      return "a GPU with VA-API (/dev/dri/renderD128 and its driver of libva)";
    case EncoderDevice::kQsv:
      return "an Intel GPU with Quick Sync (/dev/dri/renderD128 and Intel's media driver)";
    case EncoderDevice::kAmf:
      return "an AMD GPU with AMF (AMD's driver)";
    case EncoderDevice::kV4l2:
      return "an encoder of the Linux kernel (/dev/video*)";
  }
  return "";
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
  if (!entry.hardware()) return true;
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
    if (entry.hardware() && avcodec_find_encoder_by_name(entry.ffmpeg) == nullptr) continue;
    codecs.push_back({entry.ffmpeg, true, VideoEncoderOpens(entry.codec), DeviceText(entry.device),
                      entry.purpose});
  }
  for (const auto& [name, purpose] : encoders) {
    codecs.push_back({name, true, avcodec_find_encoder_by_name(name) != nullptr, "", purpose});
  }
  for (std::string_view list = ff::AllowedDecoders(); !list.empty();) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string name(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    const char* purpose = name == "ffv1" ? "depth videos" : name == "h264" ? "H.264 video" : "";
    codecs.push_back(
        {name, false, avcodec_find_decoder_by_name(name.c_str()) != nullptr, "", purpose});
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
