// SPDX-License-Identifier: Apache-2.0
#include "io/stream_copier.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "io/audio_transcoder.h"
#include "io/subtitle_converter.h"
#include "mdvt/core/log.h"

namespace mdvt::ff {
namespace {

// Packets looked at before the header is written, to learn where each stream begins.
constexpr size_t kReadAheadPackets = 256;
constexpr int64_t kReadAheadBytes = int64_t{4} << 20;
// How far behind the end of a shortened video packets may still lie that begin before it.
constexpr int64_t kDisorderMicroseconds = 2000000;
constexpr AVRational kMicroseconds = {1, 1000000};

const char* KindOf(const AVStream& stream) {
  const char* kind = av_get_media_type_string(stream.codecpar->codec_type);
  return kind != nullptr ? kind : "unknown";
}

std::string Describe(const std::string& file, const AVStream& stream) {
  return file + ": " + KindOf(stream) + " stream " + std::to_string(stream.index) + " (" +
         avcodec_get_name(stream.codecpar->codec_id) + ")";
}

// Facts about the source's bytes that are false for the copy, and what we write ourselves.
bool IsStaleTag(std::string_view key) {
  std::string upper(key);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  constexpr std::array kNames = {
      "ENCODER",          "DURATION",        "MAJOR_BRAND", "MINOR_VERSION", "COMPATIBLE_BRANDS",
      "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "BPS",         "HANDLER_NAME",  "VENDOR_ID",
      "STEREO_MODE",      "CREATION_TIME",   "ENCODED_BY",  "ROTATE"};
  return upper.rfind("MDVT_", 0) == 0 || upper.rfind("_STATISTICS_", 0) == 0 ||
         std::find(kNames.begin(), kNames.end(), upper) != kNames.end();
}

void CopyTags(const AVDictionary* from, AVDictionary** to) {
  const AVDictionaryEntry* entry = nullptr;
  while ((entry = av_dict_get(from, "", entry, AV_DICT_IGNORE_SUFFIX)) != nullptr) {
    if (IsStaleTag(entry->key)) continue;
    Require(av_dict_set(to, entry->key, entry->value, 0) >= 0, Code::kOutOfMemory,
            "no memory for tags");
  }
}

// QuickTime knows languages by the bibliographic codes of ISO 639-2 where there are two, and a code
// that it does not know is lost.
void UseQuickTimeLanguage(AVDictionary** tags) {
  constexpr std::pair<const char*, const char*> kCodes[] = {
      {"deu", "ger"}, {"nld", "dut"}, {"zho", "chi"}, {"ell", "gre"}, {"isl", "ice"},
      {"fas", "per"}, {"ron", "rum"}, {"slk", "slo"}, {"ces", "cze"}, {"hye", "arm"},
      {"kat", "geo"}, {"mkd", "mac"}, {"msa", "may"}, {"sqi", "alb"}, {"mya", "bur"}};
  const AVDictionaryEntry* language = av_dict_get(*tags, "language", nullptr, 0);
  if (language == nullptr) return;
  for (const auto& [from, to] : kCodes) {
    if (std::strcmp(language->value, from) != 0) continue;
    Require(av_dict_set(tags, "language", to, 0) >= 0, Code::kOutOfMemory, "no memory for tags");
    return;
  }
}

}  // namespace

StreamCopier::StreamCopier(const std::string& path, bool audio, bool text, Muxer* muxer)
    : demuxer_(OpenFileSource(path), path, Limits()), audio_(audio), text_(text), muxer_(muxer) {
  demuxer_.FindStreamInfo(Limits());
  AddTracks();
  AddMetadata();
  ReadAhead();
}

StreamCopier::~StreamCopier() = default;

void StreamCopier::AddTracks() {
  AVFormatContext& source = *demuxer_.context();
  track_of_stream_.assign(source.nb_streams, -1);
  for (unsigned i = 0; i < source.nb_streams; ++i) {
    AVStream* from = source.streams[i];
    const bool silent = !demuxer_.IsOfTheProgram(*from) ||
                        (from->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && !audio_) ||
                        (SubtitleConverter::IsText(*from) && !text_);
    const StreamRule rule =
        silent ? StreamRule{StreamFate::kNothing} : RuleFor(source, *from, *muxer_->context());
    const bool added = AddTrack(from, rule);
    if (!added) from->discard = AVDISCARD_ALL;
    if (!added && rule.fate != StreamFate::kNothing && rule.fate != StreamFate::kAttachment)
      LogWarning(Describe(demuxer_.name(), *from) + " is left out: the new file cannot hold it");
    if (added) track_of_stream_[i] = static_cast<int>(tracks_.size()) - 1;
  }
}

// False if its packets are not wanted.
bool StreamCopier::AddTrack(AVStream* from, const StreamRule& rule) {
  const std::string name = Describe(demuxer_.name(), *from);
  if (rule.fate == StreamFate::kAttachment && !AddAttachment(from))
    LogWarning(name + " is left out: it is empty, or no picture that Matroska knows");
  if (rule.fate != StreamFate::kCopied && rule.fate != StreamFate::kAac &&
      rule.fate != StreamFate::kText)
    return false;
  Track track;
  track.from = from;
  try {
    if (rule.fate == StreamFate::kAac) {
      const bool global_header = (muxer_->context()->oformat->flags & AVFMT_GLOBALHEADER) != 0;
      track.transcoder = std::make_unique<AudioTranscoder>(name, *from, global_header);
    } else if (rule.fate == StreamFate::kText) {
      track.converter = std::make_unique<SubtitleConverter>(name, *from, rule.codec);
    }
  } catch (const Error& error) {
    if (error.code() != Code::kUnsupported) throw;
    return false;
  }
  track.to = muxer_->AddStream();
  if (track.transcoder) {
    LogWarning(name + " becomes AAC: the new file cannot hold it as it is");
    track.transcoder->FillIn(track.to);
  } else if (track.converter) {
    track.converter->FillIn(track.to);
    track.to->time_base = from->time_base;
  } else {
    CheckFf(avcodec_parameters_copy(track.to->codecpar, from->codecpar), Code::kOutOfMemory,
            demuxer_.name());
    // PCM goes into MP4 with its layout only, which Matroska does not state.
    AVChannelLayout& layout = track.to->codecpar->ch_layout;
    if (layout.order == AV_CHANNEL_ORDER_UNSPEC && layout.nb_channels > 0)
      av_channel_layout_default(&layout, layout.nb_channels);
    // Tags are the container's own names for codecs; the new one has others.
    track.to->codecpar->codec_tag = 0;
    track.to->time_base = from->time_base;
  }
  track.to->disposition = from->disposition;
  CopyTags(from->metadata, &track.to->metadata);
  if (std::strcmp(muxer_->context()->oformat->name, "mov") == 0)
    UseQuickTimeLanguage(&track.to->metadata);
  tracks_.push_back(std::move(track));
  return true;
}

// Fonts and cover pictures: Matroska has files for them, MP4 nothing that FFmpeg writes reliably.
bool StreamCopier::AddAttachment(AVStream* from) {
  if (!IsMatroska(*muxer_->context())) return false;
  const AVCodecParameters& codec = *from->codecpar;
  const bool cover = codec.codec_type == AVMEDIA_TYPE_VIDEO;
  const uint8_t* data = cover ? from->attached_pic.data : codec.extradata;
  const int size = cover ? from->attached_pic.size : codec.extradata_size;
  if (data == nullptr || size <= 0) return false;
  const AVDictionaryEntry* name = av_dict_get(from->metadata, "filename", nullptr, 0);
  const AVDictionaryEntry* mime = av_dict_get(from->metadata, "mimetype", nullptr, 0);
  const bool png = codec.codec_id == AV_CODEC_ID_PNG;
  if (cover && !png && codec.codec_id != AV_CODEC_ID_MJPEG) return false;
  AVStream* to = muxer_->AddStream();
  to->codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  to->codecpar->codec_id = cover ? AV_CODEC_ID_NONE : codec.codec_id;
  to->codecpar->extradata =
      static_cast<uint8_t*>(av_mallocz(static_cast<size_t>(size) + AV_INPUT_BUFFER_PADDING_SIZE));
  Require(to->codecpar->extradata != nullptr, Code::kOutOfMemory, "no memory for an attachment");
  std::memcpy(to->codecpar->extradata, data, static_cast<size_t>(size));
  to->codecpar->extradata_size = size;
  CopyTags(from->metadata, &to->metadata);
  const std::string file_name = name != nullptr ? name->value
                                : cover         ? (png ? "cover.png" : "cover.jpg")
                                                : "attachment" + std::to_string(from->index);
  av_dict_set(&to->metadata, "filename", file_name.c_str(), 0);
  av_dict_set(&to->metadata, "mimetype",
              mime != nullptr ? mime->value
              : cover         ? (png ? "image/png" : "image/jpeg")
                              : "application/octet-stream",
              0);
  return true;
}

// With the trailer, as the header does not know yet where the pictures end.
void StreamCopier::AddChapters(int64_t end) {
  const AVFormatContext& source = *demuxer_.context();
  AVFormatContext& target = *muxer_->context();
  if (source.nb_chapters == 0) return;
  target.chapters =
      static_cast<AVChapter**>(av_calloc(source.nb_chapters, sizeof(*target.chapters)));
  Require(target.chapters != nullptr, Code::kOutOfMemory, "no memory for chapters");
  for (unsigned i = 0; i < source.nb_chapters; ++i) {
    const AVChapter& from = *source.chapters[i];
    if (end != INT64_MAX && av_rescale_q(from.start, from.time_base, kMicroseconds) >= end)
      continue;
    auto* to = static_cast<AVChapter*>(av_mallocz(sizeof(AVChapter)));
    Require(to != nullptr, Code::kOutOfMemory, "no memory for chapters");
    to->id = from.id;
    to->time_base = from.time_base;
    to->start = from.start;
    to->end = end == INT64_MAX
                  ? from.end
                  : std::min(from.end, av_rescale_q(end, kMicroseconds, from.time_base));
    target.chapters[target.nb_chapters++] = to;
    CopyTags(from.metadata, &to->metadata);
  }
}

void StreamCopier::AddMetadata() {
  CopyTags(demuxer_.context()->metadata, &muxer_->context()->metadata);
}

// The first packets tell at what time each stream begins. Where sound begins before the zero of the
// time line (the encoder's delay), Matroska wants to know by how much.
void StreamCopier::ReadAhead() {
  std::vector<bool> seen(tracks_.size(), false);
  size_t missing = tracks_.size();
  int64_t bytes = 0;
  while (missing > 0 && ahead_.size() < kReadAheadPackets && bytes < kReadAheadBytes) {
    PacketPtr packet = NewPacket();
    if (!demuxer_.Read(packet.get())) {
      at_end_ = true;
      break;
    }
    const int index = track_of_stream_[static_cast<size_t>(packet->stream_index)];
    if (index < 0) continue;
    const auto i = static_cast<size_t>(index);
    if (!seen[i]) {
      seen[i] = true;
      --missing;
      Track& track = tracks_[i];
      AVCodecParameters& codec = *track.to->codecpar;
      if (IsMatroska(*muxer_->context()) && codec.codec_type == AVMEDIA_TYPE_AUDIO &&
          !track.transcoder && packet->pts != AV_NOPTS_VALUE && packet->pts < 0) {
        codec.initial_padding = static_cast<int>(av_rescale_q(
            -packet->pts, track.from->time_base, AVRational{1, std::max(1, codec.sample_rate)}));
      }
    }
    bytes += packet->size;
    ahead_.push_back(std::move(packet));
  }
}

bool StreamCopier::Next(PacketPtr* packet) {
  if (!ahead_.empty()) {
    *packet = std::move(ahead_.front());
    ahead_.pop_front();
    return true;
  }
  while (!at_end_) {
    *packet = NewPacket();
    if (!demuxer_.Read(packet->get())) {
      at_end_ = true;
      break;
    }
    const auto stream = static_cast<size_t>((*packet)->stream_index);
    if (stream < track_of_stream_.size() && track_of_stream_[stream] >= 0) return true;
  }
  return false;
}

void StreamCopier::CopyUntil(int64_t time, AVRational time_base) {
  PacketPtr packet;
  while (Next(&packet)) {
    Track& track =
        tracks_[static_cast<size_t>(track_of_stream_[static_cast<size_t>(packet->stream_index)])];
    const int64_t begin = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    if (begin != AV_NOPTS_VALUE &&
        av_compare_ts(begin, track.from->time_base, time, time_base) > 0) {
      ahead_.push_front(std::move(packet));
      return;
    }
    WritePacket(&track, std::move(packet));
  }
}

void StreamCopier::Finish(StreamEnd ends, int64_t end, AVRational time_base) {
  const int64_t video_end = av_rescale_q(end, time_base, kMicroseconds);
  AddChapters(ends == StreamEnd::kPictures ? video_end : INT64_MAX);
  PacketPtr packet;
  while (Next(&packet)) {
    Track& track =
        tracks_[static_cast<size_t>(track_of_stream_[static_cast<size_t>(packet->stream_index)])];
    const int64_t begin = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (ends == StreamEnd::kPictures && begin != AV_NOPTS_VALUE) {
      const int64_t time = av_rescale_q(begin, track.from->time_base, kMicroseconds);
      if (time >= video_end + kDisorderMicroseconds) break;
      if (time >= video_end) continue;
    }
    WritePacket(&track, std::move(packet));
  }
  for (Track& track : tracks_) {
    if (track.transcoder) {
      track.transcoder->Push(nullptr, [&](AVPacket* done) {
        av_packet_rescale_ts(done, track.transcoder->time_base(), track.to->time_base);
        Emit(&track, done);
      });
    }
  }
}

void StreamCopier::WritePacket(Track* track, PacketPtr packet) {
  if (track->transcoder) {
    track->transcoder->Push(packet.get(), [&](AVPacket* done) {
      av_packet_rescale_ts(done, track->transcoder->time_base(), track->to->time_base);
      Emit(track, done);
    });
    return;
  }
  if (track->converter) {
    PacketPtr converted = NewPacket();
    if (!track->converter->Convert(*packet, converted.get())) return;
    packet = std::move(converted);
  }
  const AVRational from = track->from->time_base, to = track->to->time_base;
  const AVCodecParameters& codec = *track->from->codecpar;
  int samples = 0;
  if (codec.codec_type == AVMEDIA_TYPE_AUDIO && codec.sample_rate > 0 &&
      packet->dts != AV_NOPTS_VALUE) {
    samples = av_get_audio_frame_duration2(track->from->codecpar, packet->size);
    if (samples <= 0) samples = codec.frame_size;
  }
  if (samples > 0) {
    // From rounded to finer times: the number of samples says where exactly a packet begins.
    const AVRational sample = {1, codec.sample_rate};
    packet->dts = packet->pts =
        av_rescale_delta(from, packet->dts, sample, samples, &track->rescale_state, to);
    packet->duration = av_rescale_q(samples, sample, to);
  } else {
    av_packet_rescale_ts(packet.get(), from, to);
  }
  Emit(track, packet.get());
}

// Durations and distances that no container holds come from broken files, and would end the new
// one: MP4 has 31 bits for both, Matroska counts from zero in milliseconds.
void StreamCopier::Clamp(const Track& track, AVPacket* packet) const {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max() - 1;
  constexpr AVRational kYears = {10 * 365 * 24 * 3600, 1};
  const int64_t far = av_rescale_q(1, kYears, track.to->time_base);
  packet->dts = std::clamp(packet->dts, -far, far);
  if (!IsMatroska(*muxer_->context()) && track.last_dts != AV_NOPTS_VALUE)
    packet->dts = std::min(packet->dts, track.last_dts + kMost);
  if (packet->pts != AV_NOPTS_VALUE)
    packet->pts = std::clamp(packet->pts, packet->dts - kMost, packet->dts + kMost);
  packet->duration = std::clamp<int64_t>(packet->duration, 0, kMost);
}

void StreamCopier::Emit(Track* track, AVPacket* packet) {
  if (packet->dts == AV_NOPTS_VALUE) packet->dts = packet->pts;
  if (packet->dts == AV_NOPTS_VALUE) {
    av_packet_unref(packet);
    return;
  }
  if (track->last_dts != AV_NOPTS_VALUE && packet->dts <= track->last_dts) {
    // Matroska takes equal times; MP4 needs increasing ones.
    const int64_t least =
        track->last_dts + ((muxer_->context()->oformat->flags & AVFMT_TS_NONSTRICT) != 0 ? 0 : 1);
    packet->dts = std::max(packet->dts, least);
    if (packet->pts != AV_NOPTS_VALUE) packet->pts = std::max(packet->pts, packet->dts);
  }
  if (packet->duration <= 0 && track->last_dts != AV_NOPTS_VALUE &&
      track->to->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
    // MP4 cuts a track where its last packet ends; one without a duration would be lost.
    packet->duration = packet->dts - track->last_dts;
  }
  Clamp(*track, packet);
  track->last_dts = packet->dts;
  packet->stream_index = track->to->index;
  packet->pos = -1;
  muxer_->Write(packet);
}

}  // namespace mdvt::ff
