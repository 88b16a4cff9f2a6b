// SPDX-License-Identifier: Apache-2.0
#include "io/stream_facts.h"

#include <algorithm>
#include <climits>
#include <string_view>

#include "mdvt/core/log.h"

extern "C" {
#include <libavutil/dovi_meta.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/spherical.h>
#include <libavutil/stereo3d.h>
}

namespace mdvt::ff {
namespace {

// Side data of the picture, else of the stream; null without either.
template <typename Data>
const Data* SideData(const AVStream& stream, AVPacketSideDataType of_stream, const AVFrame& picture,
                     AVFrameSideDataType of_picture) {
  const AVFrameSideData* data = av_frame_get_side_data(&picture, of_picture);
  if (data != nullptr && data->size >= sizeof(Data))
    return reinterpret_cast<const Data*>(data->data);
  return reinterpret_cast<const Data*>(StreamSideData(stream, of_stream, sizeof(Data)));
}

bool IsFraction(AVRational r) { return r.num >= 0 && r.den > 0; }

std::optional<MasteringDisplay::Chromaticity> Chromaticity(const AVRational (&xy)[2]) {
  if (!IsFraction(xy[0]) || !IsFraction(xy[1])) return std::nullopt;
  return MasteringDisplay::Chromaticity{FromAv(xy[0]), FromAv(xy[1])};
}

std::optional<MasteringDisplay> Mastering(const AVMasteringDisplayMetadata& data) {
  MasteringDisplay display;
  const auto white = Chromaticity(data.white_point);
  const auto red = Chromaticity(data.display_primaries[0]);
  const auto green = Chromaticity(data.display_primaries[1]);
  const auto blue = Chromaticity(data.display_primaries[2]);
  if (data.has_primaries != 0 && white && red && green && blue)
    display.colors = MasteringDisplay::Colors{{*red, *green, *blue}, *white};
  if (data.has_luminance != 0 && IsFraction(data.min_luminance) && IsFraction(data.max_luminance) &&
      data.max_luminance.num > 0)
    display.luminance =
        MasteringDisplay::Luminance{FromAv(data.min_luminance), FromAv(data.max_luminance)};
  if (!display.colors && !display.luminance) return std::nullopt;
  return display;
}

int ToInt(unsigned value) { return static_cast<int>(std::min<unsigned>(value, INT_MAX)); }

}  // namespace

const uint8_t* StreamSideData(const AVStream& stream, AVPacketSideDataType type, size_t min_size) {
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData* data = av_packet_side_data_get(stream.codecpar->coded_side_data,
                                                         stream.codecpar->nb_coded_side_data, type);
  return data != nullptr && data->size >= min_size ? data->data : nullptr;
#else
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, type, &size);
  return data != nullptr && size >= min_size ? data : nullptr;
#endif
}

HdrMetadata ReadHdr(const AVStream& stream, const AVFrame& picture) {
  HdrMetadata hdr;
  const auto* mastering =
      SideData<AVMasteringDisplayMetadata>(stream, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, picture,
                                           AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
  if (mastering != nullptr) hdr.mastering = Mastering(*mastering);
  const auto* light = SideData<AVContentLightMetadata>(stream, AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
                                                       picture, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL);
  if (light != nullptr && (light->MaxCLL > 0 || light->MaxFALL > 0))
    hdr.content_light = ContentLight{ToInt(light->MaxCLL), ToInt(light->MaxFALL)};
  return hdr;
}

void CheckDolbyVision(const AVStream& stream, const std::string& name) {
  const auto* config = reinterpret_cast<const AVDOVIDecoderConfigurationRecord*>(
      StreamSideData(stream, AV_PKT_DATA_DOVI_CONF, sizeof(AVDOVIDecoderConfigurationRecord)));
  if (config == nullptr) return;
  const int profile = config->dv_profile;
  const std::string what = name + ": is Dolby Vision profile " + std::to_string(profile);
  // In profile 10 (AV1) the base layer is that of profile 5 if nothing else can show it.
  const bool foreign =
      profile == 5 || (profile == 10 && config->dv_bl_signal_compatibility_id == 0);
  Require(!foreign, Code::kUnsupported,
          what +
              ", whose base layer is no ordinary YCbCr (its colours are those of IPT): it has to "
              "be converted to HDR10 or SDR first");
  LogWarning(what + ": its base layer is read as it is, without the enhancement of Dolby Vision");
}

void TellSeparateAlpha(const AVStream& stream, const std::string& name) {
  const AVCodecID codec = stream.codecpar->codec_id;
  if (codec != AV_CODEC_ID_VP8 && codec != AV_CODEC_ID_VP9) return;
  const AVDictionaryEntry* mode = av_dict_get(stream.metadata, "alpha_mode", nullptr, 0);
  if (mode != nullptr && std::string_view(mode->value) == "1")
    LogWarning(name +
               ": its pictures have a transparency of their own, which is not read: they "
               "are shown as if they were opaque");
}

StereoFacts StereoOf(const AVStream& stream, const AVFrame& picture) {
  const auto* stereo =
      SideData<AVStereo3D>(stream, AV_PKT_DATA_STEREO3D, picture, AV_FRAME_DATA_STEREO3D);
  StereoFacts facts;
  // FFmpeg has no side data for Matroska's anaglyphs.
  const AVDictionaryEntry* mode = av_dict_get(stream.metadata, "stereo_mode", nullptr, 0);
  if (mode != nullptr && std::string_view(mode->value).rfind("anaglyph", 0) == 0)
    facts.mark = StereoMark::kAnaglyph;
  if (stereo == nullptr) return facts;
  facts.right_eye_first = (stereo->flags & AV_STEREO3D_FLAG_INVERT) != 0;
  switch (FileEnum(stereo->type, INT_MAX, AV_STEREO3D_2D)) {
    case AV_STEREO3D_SIDEBYSIDE:
    case AV_STEREO3D_SIDEBYSIDE_QUINCUNX:
      facts.mark = StereoMark::kSideBySide;
      break;
    case AV_STEREO3D_TOPBOTTOM:
      facts.mark = StereoMark::kTopBottom;
      break;
    case AV_STEREO3D_FRAMESEQUENCE:
      facts.mark = StereoMark::kFrameSequence;
      break;
    case AV_STEREO3D_CHECKERBOARD:
      facts.mark = StereoMark::kCheckerboard;
      break;
    case AV_STEREO3D_LINES:
      facts.mark = StereoMark::kRows;
      break;
    case AV_STEREO3D_COLUMNS:
      facts.mark = StereoMark::kColumns;
      break;
    default:
      facts.right_eye_first = false;
  }
  return facts;
}

std::string ProjectionOf(const AVStream& stream, const AVFrame& picture) {
  const auto* mapping =
      SideData<AVSphericalMapping>(stream, AV_PKT_DATA_SPHERICAL, picture, AV_FRAME_DATA_SPHERICAL);
  if (mapping == nullptr) return "";
  switch (FileEnum(mapping->projection, INT_MAX, -1)) {
    case AV_SPHERICAL_EQUIRECTANGULAR:
      return "equirectangular";
    case AV_SPHERICAL_EQUIRECTANGULAR_TILE:
      return "a part of an equirectangular picture";
    case AV_SPHERICAL_CUBEMAP:
      return "a cube map";
    default:
      return "of another kind";
  }
}

}  // namespace mdvt::ff
