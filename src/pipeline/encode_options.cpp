// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/encode_options.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/codecs.h"
#include "mdvt/io/color_convert.h"

namespace mdvt {
namespace {

// Those of VideoEncoders() that videos for looking at are made with.
bool IsOffered(const VideoEncoderInfo& entry) { return entry.codec != VideoCodec::kH264Rgb; }

bool IsMovie(const std::string& output) {
  const std::string ending = LowerEnding(output);
  return ending == ".mp4" || ending == ".mov" || ending == ".m4v";
}

// "tune=film:g=48" as a map; nothing for what is not of that form.
std::optional<std::map<std::string, std::string>> ParsePairs(const std::string& text) {
  std::map<std::string, std::string> pairs;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(':', at), text.size());
    const size_t equals = text.find('=', at);
    if (equals >= end || equals == at || equals + 1 == end) return std::nullopt;
    if (!pairs.emplace(text.substr(at, equals - at), text.substr(equals + 1, end - equals - 1))
             .second)
      return std::nullopt;
    at = end + 1;
  }
  return pairs;
}

std::string PairsText(const std::map<std::string, std::string>& pairs) {
  std::string text;
  for (const auto& [key, value] : pairs) text += (text.empty() ? "" : ":") + key + "=" + value;
  return text;
}

}  // namespace

void Describe(OptionList* list, EncodeOptions* o) {
  std::vector<std::string> codecs = {"auto"};
  for (const VideoEncoderInfo& entry : VideoEncoders())
    if (IsOffered(entry)) codecs.push_back(entry.name);
  list->Choice(
      "video_codec", &o->video_codec, codecs,
      "x264: for players; x265, svtav1: smaller files, slower; ffv1, utvideo: lossless, in "
      ".mkv; those of devices, where mdvt_doctor lists them: *_nvenc NVIDIA, *_vaapi any GPU, "
      "*_qsv "
      "Intel, *_amf AMD, *_v4l2m2m the Linux kernel; auto: as the output's ending says");
  list->Field("crf", &o->crf, {0, 51}, "QUALITY",
              "constant quality on x264's scale, from 0 (lossless, x264 and x265) to 51")
      .Alias("cq");
  list->Choice("x264_preset", &o->x264_preset,
               {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
                "veryslow", "placebo", "p1", "p2", "p3", "p4", "p5", "p6", "p7"},
               "speed of the encoder by x264's names, or p1 (ultrafast) to p7 (slow)")
      .Alias("nv_preset");
  list->Choice(
      "bits", &o->bits, {"auto", "8", "10"},
      "bits of a sample where it is not lossless; auto: 10 where the source has more than 8");
  list->Custom(
      "encoder_options", "KEY=VALUE:...", "pairs such as tune=film:g=48, each key once",
      "further options of the encoder, by FFmpeg's names",
      [o] { return PairsText(o->encoder_options); },
      [o](const std::string& text) {
        const std::optional<std::map<std::string, std::string>> pairs = ParsePairs(text);
        if (pairs) o->encoder_options = *pairs;
        return pairs.has_value();
      });
  list->Field("audio", &o->audio, "keep the sound, all tracks; --no_audio leaves it out");
}

VideoCodec EncodeOptions::Codec(const std::string& output, VideoCodec otherwise) const {
  VideoCodec codec = IsMovie(output) ? VideoCodec::kH264 : otherwise;
  const bool mov = LowerEnding(output) == ".mov";
  for (const VideoEncoderInfo& entry : VideoEncoders()) {
    if (!IsOffered(entry) || video_codec != entry.name) continue;
    Require(!IsMovie(output) || (mov ? entry.in_mov : entry.in_mp4), Code::kInvalidArgument,
            "output '" + output + "': " + entry.name + " goes into " +
                (entry.in_mp4 ? ".mkv or .mp4" : ".mkv") + ", name such a file");
    Require(output.empty() || IsMovie(output) || entry.in_mkv(), Code::kInvalidArgument,
            "output '" + output + "': " + entry.name + " goes into .mp4 or .mov, name such a file");
    codec = entry.codec;
  }
  // Nothing that was asked for is left undone in silence.
  const EncodeOptions usual;
  const VideoEncoderInfo& entry = VideoEncoderOf(codec);
  Require(
      !entry.lossless ||
          (crf == usual.crf && x264_preset == usual.x264_preset && bits == usual.bits),
      Code::kInvalidArgument,
      std::string("crf, x264_preset and bits belong to x264, x265 and others that lose something, "
                  "the output is ") +
          entry.standard + ": name an .mp4 file or give video_codec x264");
  Require(entry.max_bits > 8 || bits != "10", Code::kInvalidArgument,
          std::string(entry.name) + " takes 8 bits, not bits 10: give video_codec x265");
  Require(entry.device != EncoderDevice::kV4l2 || x264_preset == usual.x264_preset,
          Code::kInvalidArgument,
          std::string("x264_preset: ") + entry.name + " has one speed, leave it out");
  return codec;
}

std::string EncodeOptions::Ending(VideoCodec codec) {
  return VideoEncoderOf(codec).in_mp4 ? ".mp4" : ".mkv";
}

PixelFormat EncodeOptions::Format(VideoCodec codec, const PixelFormat& rendered, int width,
                                  int height, bool interlaced) const {
  if (codec == VideoCodec::kFfv1) return rendered;
  const VideoEncoderInfo& entry = VideoEncoderOf(codec);
  const bool even = width % 2 == 0 && height % 2 == 0;
  const bool deep = bits == "auto" ? rendered.bits > 8 : bits == "10";
  if (codec == VideoCodec::kUtVideo) {
    Require(rendered.bits == 8, Code::kUnsupported,
            "utvideo keeps 8 bits, the pictures have " + std::to_string(rendered.bits) +
                ": give video_codec ffv1");
    const bool fits =
        rendered.model == ColorModel::kRgb ||
        (rendered.model == ColorModel::kYuv && rendered.chroma_shift_y <= 1 &&
         rendered.chroma_shift_x <= 1 && rendered.chroma_shift_y <= rendered.chroma_shift_x);
    return fits && even && !interlaced ? rendered : PixelFormat::Yuv(444);
  }
  Require(entry.max_bits > 8 || !deep, Code::kUnsupported,
          std::string(entry.name) +
              " takes 8 bits, the pictures have more: give bits 8, or video_codec x265");
  const bool only_420 = codec == VideoCodec::kAv1 || entry.hardware();
  Require(even || !only_420, Code::kUnsupported,
          std::string(entry.name) + " takes even sides, the pictures have " +
              FormatSize(width, height) + ": give an even size, or video_codec x265");
  Require(!interlaced || !only_420, Code::kUnsupported,
          std::string(entry.name) +
              " shares colors between neighbouring pixels, which this layout mixes: give "
              "video_codec x264, x265 or ffv1");
  return PixelFormat::Yuv(even && !interlaced ? 420 : 444, deep ? 10 : 8);
}

void EncodeOptions::Apply(VideoCodec codec, VideoWriterOptions* writer) const {
  static constexpr const char* kOfNvenc[] = {"ultrafast", "superfast", "veryfast", "faster",
                                             "fast",      "medium",    "slow"};
  writer->codec = codec;
  writer->crf = crf;
  const bool numbered = x264_preset.size() == 2 && x264_preset[0] == 'p';
  writer->preset = numbered ? kOfNvenc[x264_preset[1] - '1'] : x264_preset;
  writer->copy_audio = audio;
  writer->encoder_options = encoder_options;
}

ColorInfo EncodedColor(const ColorInfo& source, const PixelFormat& from, const PixelFormat& to,
                       int height) {
  if (from.model == to.model) return source;
  ColorInfo color = source;
  color.matrix = 2;
  color.full_range = false;
  return ResolveColor(color, to, height);
}

}  // namespace mdvt
