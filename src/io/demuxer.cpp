// SPDX-License-Identifier: Apache-2.0
#include "io/demuxer.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <string_view>
#include <utility>
#include <vector>

#include "io/mp4_index.h"
#include "mdvt/core/log.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace mdvt::ff {
namespace {

constexpr int kIoBufferBytes = 1 << 16;
constexpr int64_t kProbeBytes = 5000000;
constexpr int64_t kProbeMicroseconds = 5000000;

// Everything common in the containers that are read; each has been fuzzed for years by its authors.
constexpr const char* kDecoders =
    "h264,hevc,vp8,vp9,libdav1d,libaom-av1,mpeg1video,mpeg2video,mpeg4,mjpeg,prores,dnxhd,cfhd,"
    "dvvideo,"
    "ffv1,utvideo,huffyuv,ffvhuff,magicyuv,png,rawvideo,v210,qtrle";

// FFmpeg itself asks these for the number of channels and the like while it probes a file.
constexpr const char* kAudioDecoders =
    "aac,aac_latm,ac3,alac,dca,eac3,flac,libopus,mlp,mp2,mp2float,mp3,mp3float,opus,truehd,vorbis,"
    "wavpack,"
    "wmav2,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f32be,pcm_f32le,"
    "pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16le,pcm_s24be,pcm_s24le,pcm_s32be,pcm_s32le,"
    "pcm_s8,pcm_u8";

bool IsInList(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == name) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

const AVInputFormat* FindFormat(ContainerKind kind) {
  switch (kind) {
    case ContainerKind::kMatroska:
      return av_find_input_format("matroska");
    case ContainerKind::kMp4:
      return av_find_input_format("mov");
    case ContainerKind::kAvi:
      return av_find_input_format("avi");
    case ContainerKind::kTransportStream:
      return av_find_input_format("mpegts");
  }
  return nullptr;
}

// Only where it helps: without an index nobody knows where a picture begins.
std::string CutOffRemedy(bool usable, ContainerKind kind) {
  if (usable) return " (\"ffmpeg -i FILE -c copy NEW\" makes a whole file of what is there)";
  if (kind != ContainerKind::kMp4) return "";
  return " (such a recording was never closed: only a tool that rebuilds its index from a sound "
         "file of the same camera can help)";
}

// Every frame that an MP4 index names must lie inside the file.
void CheckIndex(const AVFormatContext& context, int64_t file_size, const std::string& name) {
  for (unsigned i = 0; i < context.nb_streams; ++i) {
    AVStream* stream = context.streams[i];
    if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
    const int count = avformat_index_get_entries_count(stream);
    const AVIndexEntry* first = avformat_index_get_entry(stream, 0);
    const bool usable = first != nullptr && first->size <= file_size - first->pos;
    for (int k = 0; k < count; ++k) {
      const AVIndexEntry* entry = avformat_index_get_entry(stream, k);
      Require(entry == nullptr || entry->size <= file_size - entry->pos, Code::kCorrupt,
              name + ": the file is cut off: frame " + std::to_string(k) + " of " +
                  std::to_string(count) + " lies behind its end" +
                  (usable ? CutOffRemedy(true, ContainerKind::kMp4) : ""));
    }
  }
}

int RefuseToOpen(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EACCES);
}

}  // namespace

bool IsAllowedDecoder(const char* name) { return IsInList(kDecoders, name); }
const char* AllowedDecoders() { return kDecoders; }
bool IsAllowedAudioDecoder(const char* name) { return IsInList(kAudioDecoders, name); }

Demuxer::Demuxer(std::unique_ptr<ByteSource> source, const std::string& name, const Limits& limits)
    : name_(name), source_(std::move(source)), kind_(SniffContainer(*source_, name)) {
  try {
    const ContainerCheck check = CheckContainer(*source_, kind_);
    Require(!check.truncated || check.index_decides, Code::kCorrupt,
            name + ": the file is cut off: " + check.detail + CutOffRemedy(check.usable, kind_));
    if (kind_ == ContainerKind::kMp4) CheckMp4Index(*source_, limits, name);
    if (check.unfinished) LogWarning(name + ": " + check.detail + ", its end may be missing");
    int error = Open(limits);
    if (error == AVERROR(ENOMEM)) {
      // Too many streams look like missing memory to FFmpeg: those are still too many.
      FreeAll();
      error = Open(limits);
    }
    RethrowSourceError();
    if (error < 0) {
      Require(error != AVERROR_EOF, Code::kCorrupt, name + ": holds no frame");
      Require(error != AVERROR(ENOMEM), Code::kLimit,
              name + ": over the limit of " + std::to_string(limits.max_streams) +
                  " streams, or out of memory");
      CheckFf(error, Code::kCorrupt, name + ": the container cannot be read");
    }
    Require(static_cast<int64_t>(context_->nb_streams) <= limits.max_streams, Code::kLimit,
            name + ": over the limit of " + std::to_string(limits.max_streams) + " streams");
    if (kind_ == ContainerKind::kMp4) CheckIndex(*context_, source_->size(), name);
    if (kind_ == ContainerKind::kTransportStream) StartTransportStream(limits);
  } catch (...) {
    FreeAll();
    throw;
  }
}

int Demuxer::Open(const Limits& limits) {
  position_ = 0;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  Require(buffer != nullptr, Code::kOutOfMemory, "no memory for reading " + name_);
  io_ = avio_alloc_context(buffer, kIoBufferBytes, 0, this, &ReadBytes, nullptr, &SeekBytes);
  if (io_ == nullptr) av_free(buffer);
  context_ = avformat_alloc_context();
  Require(io_ != nullptr && context_ != nullptr, Code::kOutOfMemory,
          "no memory for reading " + name_);
  context_->pb = io_;
  context_->io_open = &RefuseToOpen;
  // One more than is allowed: FFmpeg 7 leaves out what is over, older versions fail.
  context_->max_streams = limits.max_streams < INT_MAX ? limits.max_streams + 1 : INT_MAX;
  context_->probesize = kProbeBytes;
  context_->max_analyze_duration = kProbeMicroseconds;
  Dictionary options;
  options.Set("codec_whitelist", std::string(kDecoders) + "," + kAudioDecoders);
  options.Set("protocol_whitelist", "");
  // However much of a transport stream is wiped out, what comes behind is read.
  if (kind_ == ContainerKind::kTransportStream) options.Set("resync_size", int64_t{1} << 30);
  const AVInputFormat* format = FindFormat(kind_);
  Require(format != nullptr, Code::kUnsupported,
          name_ + ": this build of FFmpeg cannot read its container");
  // On failure FFmpeg frees the context but not our AVIOContext.
  return avformat_open_input(&context_, "", format, options.get());
}

Demuxer::~Demuxer() { FreeAll(); }

void Demuxer::FreeAll() {
  if (context_ != nullptr) avformat_close_input(&context_);
  if (io_ != nullptr) av_freep(&io_->buffer);
  avio_context_free(&io_);
}

// Opening has read the tables of programs as far as they come in the first megabytes. Streams that
// turn up later are not taken: FFmpeg would try decoders on them that know no limits of ours.
void Demuxer::StartTransportStream(const Limits& limits) {
  Require(context_->nb_streams > 0, Code::kCorrupt,
          name_ + ": the tables of this transport stream are missing, which say what it holds");
  CheckFf(av_opt_set_int(context_->priv_data, "skip_changes", 1, 0), Code::kInternal, name_);
  for (unsigned i = 0; context_->nb_programs > 1 && i < context_->nb_programs; ++i) {
    const AVProgram& program = *context_->programs[i];
    for (unsigned k = 0; program_ == nullptr && k < program.nb_stream_indexes; ++k) {
      const AVStream& stream = *context_->streams[program.stream_index[k]];
      if (stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO) program_ = &program;
    }
  }
  int64_t spacing = 0;
  CheckFf(av_opt_get_int(context_->priv_data, "ts_packetsize", 0, &spacing), Code::kInternal,
          name_);
  packet_spacing_ = static_cast<int>(spacing);
  FindStreamInfo(limits);
  if (context_->start_time != AV_NOPTS_VALUE) begin_ = context_->start_time;
}

bool Demuxer::IsOfTheProgram(const AVStream& stream) const {
  if (program_ == nullptr) return true;
  const auto index = static_cast<unsigned>(stream.index);
  const unsigned* const streams = program_->stream_index;
  return std::count(streams, streams + program_->nb_stream_indexes, index) > 0;
}

void Demuxer::FindStreamInfo(const Limits& limits) {
  if (std::exchange(found_info_, true)) return;
  // FFmpeg tries decoders on its own here; they get our limits too.
  const unsigned count = context_->nb_streams;
  std::vector<AVDictionary*> options(count, nullptr);
  for (AVDictionary*& entry : options) {
    av_dict_set_int(&entry, "max_pixels", limits.max_pixels_per_frame, 0);
    av_dict_set(&entry, "threads", "1", 0);
  }
  const int error = avformat_find_stream_info(context_, options.data());
  for (AVDictionary*& entry : options) av_dict_free(&entry);
  RethrowSourceError();
  CheckFf(error, Code::kCorrupt, name_ + ": its streams cannot be read");
}

bool Demuxer::Read(AVPacket* packet) {
  const int error = av_read_frame(context_, packet);
  RethrowSourceError();
  if (error == AVERROR_EOF) return false;
  CheckFf(error, Code::kCorrupt, name_ + ": the container is damaged");
  if (begin_ != 0) {
    const AVRational time_base = context_->streams[packet->stream_index]->time_base;
    const int64_t begin = av_rescale_q(begin_, AV_TIME_BASE_Q, time_base);
    if (packet->pts != AV_NOPTS_VALUE) packet->pts -= begin;
    if (packet->dts != AV_NOPTS_VALUE) packet->dts -= begin;
  }
  return true;
}

void Demuxer::Seek(const AVStream& stream, int64_t pts) {
  pts += av_rescale_q(begin_, AV_TIME_BASE_Q, stream.time_base);
  int error = av_seek_frame(context_, stream.index, pts, AVSEEK_FLAG_BACKWARD);
  if (error < 0) error = avformat_seek_file(context_, stream.index, INT64_MIN, pts, INT64_MAX, 0);
  RethrowSourceError();
  CheckFf(error, Code::kUnsupported, name_ + ": it can only be read from its beginning");
}

void Demuxer::Rewind(const AVStream& stream, int64_t first_pts) {
  // A transport stream is searched by the time of decoding, where the first picture lies before the
  // time that it is shown.
  if (kind_ != ContainerKind::kTransportStream) return Seek(stream, first_pts);
  const int error = av_seek_frame(context_, stream.index, 0, AVSEEK_FLAG_BYTE);
  RethrowSourceError();
  CheckFf(error, Code::kUnsupported, name_ + ": it cannot be read again from its beginning");
}

void Demuxer::RethrowSourceError() {
  if (source_error_) std::rethrow_exception(std::exchange(source_error_, nullptr));
}

int Demuxer::ReadBytes(void* self, uint8_t* buffer, int size) noexcept {
  auto* demuxer = static_cast<Demuxer*>(self);
  try {
    const size_t count =
        demuxer->source_->ReadAt(demuxer->position_, buffer, static_cast<size_t>(size));
    if (count == 0) return AVERROR_EOF;
    demuxer->position_ += static_cast<int64_t>(count);
    return static_cast<int>(count);
  } catch (...) {
    demuxer->source_error_ = std::current_exception();
    return AVERROR(EIO);
  }
}

int64_t Demuxer::SeekBytes(void* self, int64_t offset, int whence) noexcept {
  auto* demuxer = static_cast<Demuxer*>(self);
  const int64_t size = demuxer->source_->size();
  switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
      return size;
    case SEEK_SET:
      break;
    case SEEK_CUR:
      offset += demuxer->position_;
      break;
    case SEEK_END:
      offset += size;
      break;
    default:
      return AVERROR(EINVAL);
  }
  if (offset < 0) return AVERROR(EINVAL);
  return demuxer->position_ = offset;
}

}  // namespace mdvt::ff
