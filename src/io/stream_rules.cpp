// SPDX-License-Identifier: Apache-2.0
#include "io/stream_rules.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "io/audio_transcoder.h"
#include "io/subtitle_converter.h"

namespace mdvt::ff {
namespace {

// Sound and subtitles that players find in MP4 and in MOV. FFmpeg writes more, which they do not:
// Vorbis in MP4, MP2 by the name of MP3, and in MOV FLAC and Opus under names that nobody has
// defined. Matroska takes what FFmpeg has a name for.
struct Entry {
  AVCodecID codec;
  bool mp4, mov;
};
constexpr Entry kTable[] = {
    {AV_CODEC_ID_AAC, true, true},       {AV_CODEC_ID_MP3, true, true},
    {AV_CODEC_ID_AC3, true, true},       {AV_CODEC_ID_EAC3, true, true},
    {AV_CODEC_ID_DTS, true, false},      {AV_CODEC_ID_ALAC, true, true},
    {AV_CODEC_ID_FLAC, true, false},     {AV_CODEC_ID_OPUS, true, false},
    {AV_CODEC_ID_PCM_S16LE, true, true}, {AV_CODEC_ID_PCM_S16BE, true, true},
    {AV_CODEC_ID_PCM_S24LE, true, true}, {AV_CODEC_ID_PCM_S24BE, true, true},
    {AV_CODEC_ID_PCM_S32LE, true, true}, {AV_CODEC_ID_PCM_S32BE, true, true},
    {AV_CODEC_ID_PCM_F32LE, true, true}, {AV_CODEC_ID_PCM_F32BE, true, true},
    {AV_CODEC_ID_PCM_U8, false, true},   {AV_CODEC_ID_PCM_S8, false, true},
    {AV_CODEC_ID_PCM_ALAW, false, true}, {AV_CODEC_ID_PCM_MULAW, false, true},
    {AV_CODEC_ID_MOV_TEXT, true, true},  {AV_CODEC_ID_DVD_SUBTITLE, true, false}};

// Whether FFmpeg starts a file of that format with this stream alone: it looks at headers and rates
// only then, and one stream that it does not like would end the whole file.
bool CanStart(const AVFormatContext& target, const AVStream& stream) {
  AVFormatContext* trial = nullptr;
  if (avformat_alloc_output_context2(&trial, target.oformat, nullptr, nullptr) < 0) return false;
  AVStream* to = avformat_new_stream(trial, nullptr);
  bool starts = to != nullptr && avcodec_parameters_copy(to->codecpar, stream.codecpar) >= 0 &&
                avio_open_dyn_buf(&trial->pb) >= 0;
  if (starts) {
    to->codecpar->codec_tag = 0;
    to->time_base = stream.time_base;
    trial->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    starts = avformat_write_header(trial, nullptr) >= 0;
  }
  if (trial->pb != nullptr) {
    uint8_t* bytes = nullptr;
    avio_close_dyn_buf(trial->pb, &bytes);
    trial->pb = nullptr;
    av_free(bytes);
  }
  avformat_free_context(trial);
  return starts;
}

bool Holds(const AVFormatContext& target, const AVStream& stream) {
  const AVCodecID codec = stream.codecpar->codec_id;
  if (!IsMatroska(target)) {
    const bool mov = std::strcmp(target.oformat->name, "mov") == 0;
    const auto* entry = std::find_if(std::begin(kTable), std::end(kTable),
                                     [codec](const Entry& e) { return e.codec == codec; });
    if (entry == std::end(kTable) || !(mov ? entry->mov : entry->mp4)) return false;
  }
  return avformat_query_codec(target.oformat, codec, FF_COMPLIANCE_EXPERIMENTAL) == 1 &&
         CanStart(target, stream);
}

}  // namespace

bool IsMatroska(const AVFormatContext& target) {
  return std::strcmp(target.oformat->name, "matroska") == 0;
}
StreamRule RuleFor(const AVFormatContext& source, const AVStream& stream,
                   const AVFormatContext& target) {
  const AVMediaType type = stream.codecpar->codec_type;
  const bool cover = (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
  if (type == AVMEDIA_TYPE_VIDEO && !cover) return {StreamFate::kNothing};
  // MP4 and MOV could have a cover, but FFmpeg writes none beside tags of one's own.
  if (cover || type == AVMEDIA_TYPE_ATTACHMENT)
    return {IsMatroska(target) ? StreamFate::kAttachment : StreamFate::kLeftOut};
  // QuickTime keeps the names of chapters as text.
  if (type == AVMEDIA_TYPE_DATA && source.nb_chapters > 0 && stream.discard == AVDISCARD_ALL)
    return {StreamFate::kNothing};
  if (type != AVMEDIA_TYPE_AUDIO && type != AVMEDIA_TYPE_SUBTITLE) return {};
  if (Holds(target, stream)) return {StreamFate::kCopied};
  if (type == AVMEDIA_TYPE_AUDIO)
    return {AudioTranscoder::CanTranscode(stream) ? StreamFate::kAac : StreamFate::kLeftOut};
  const AVCodecID text = SubtitleConverter::TargetFor(stream, target.oformat->name);
  if (text == AV_CODEC_ID_NONE) return {};
  return {StreamFate::kText, text};
}

}  // namespace mdvt::ff
