// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/encode_options.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/io/color_convert.h"

namespace mdvt {
namespace {

struct CodecEntry {
  const char* name;
  VideoCodec codec;
  bool matroska_only;
};
constexpr CodecEntry kCodecs[] = {{"x264", VideoCodec::kH264, false},
                                  {"ffv1", VideoCodec::kFfv1, true}};

bool IsMovie(const std::string& output) {
  const std::string ending = std::filesystem::path(output).extension().string();
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
  for (const CodecEntry& entry : kCodecs) codecs.push_back(entry.name);
  list->Choice("video_codec", &o->video_codec, codecs,
               "x264: for players; ffv1: lossless, in .mkv; auto: as the output's ending says");
  list->Field("crf", &o->crf, {0, 51}, "QUALITY",
              "constant quality of x264, from 0 (lossless) to 51")
      .Alias("cq");
  list->Choice("x264_preset", &o->x264_preset,
               {"ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
                "veryslow", "placebo", "p1", "p2", "p3", "p4", "p5", "p6", "p7"},
               "speed of x264 by its own names, or p1 (ultrafast) to p7 (slow)")
      .Alias("nv_preset");
  list->Choice("bits", &o->bits, {"auto", "8", "10"},
               "bits of a sample in x264; auto: 10 where the source has more than 8");
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
  for (const CodecEntry& entry : kCodecs) {
    if (video_codec != entry.name) continue;
    Require(!entry.matroska_only || !IsMovie(output), Code::kInvalidArgument,
            "output '" + output + "': " + entry.name + " goes into .mkv, name such a file");
    codec = entry.codec;
  }
  // Nothing that was asked for is left undone in silence.
  const EncodeOptions usual;
  Require(codec == VideoCodec::kH264 ||
              (crf == usual.crf && x264_preset == usual.x264_preset && bits == usual.bits),
          Code::kInvalidArgument,
          "crf, x264_preset and bits belong to x264, the output is FFV1: name an .mp4 file or give "
          "video_codec x264");
  return codec;
}

PixelFormat EncodeOptions::Format(VideoCodec codec, const PixelFormat& rendered, int width,
                                  int height, bool interlaced) const {
  if (codec == VideoCodec::kFfv1) return rendered;
  const bool even = width % 2 == 0 && height % 2 == 0;
  const bool deep = bits == "auto" ? rendered.bits > 8 : bits == "10";
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
