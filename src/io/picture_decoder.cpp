// SPDX-License-Identifier: Apache-2.0
#include "io/picture_decoder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/deinterlacer.h"
#include "io/ffv1_check.h"
#include "io/lossless.h"
#include "io/unpack.h"
#include "mdvt/core/count.h"
#include "mdvt/core/parallel.h"

namespace mdvt::ff {
namespace {

// More threads than this make decoding no faster, and each may hold a frame.
constexpr int kMaxDecoderThreads = 16;
// More packets than any decoder holds back: what is older never becomes a picture.
constexpr size_t kMaxWaiting = 256;

bool IsKeyPicture(const AVFrame& picture) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (picture.flags & AV_FRAME_FLAG_KEY) != 0;
#else
  return picture.key_frame != 0;
#endif
}

// Decoders that go on from any packet with a gray picture for what is missing, and say so only by
// the picture not being a key frame. H.264 flags such pictures itself, up to the point where they
// are whole again.
bool GuessesBeforeKeyFrame(AVCodecID codec) {
  switch (codec) {
    case AV_CODEC_ID_HEVC:
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
    case AV_CODEC_ID_MPEG4:
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
    case AV_CODEC_ID_AV1:
      return true;
    default:
      return false;
  }
}

// Others have packets that show nothing (VP8's alternate references, MPEG-4's packed pictures).
bool OnePacketOnePicture(AVCodecID codec) {
  const AVCodecDescriptor* d = avcodec_descriptor_get(codec);
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC ||
         codec == AV_CODEC_ID_MPEG1VIDEO || codec == AV_CODEC_ID_MPEG2VIDEO ||
         codec == AV_CODEC_ID_FFV1 || (d != nullptr && (d->props & AV_CODEC_PROP_INTRA_ONLY) != 0);
}

}  // namespace

PictureDecoder::PictureDecoder(Demuxer* demuxer, AVStream* stream, const AVCodec* codec,
                               const VideoReaderOptions& options, const std::string& name)
    : demuxer_(demuxer),
      stream_(stream),
      options_(options),
      name_(name),
      decoder_(NewCodec(codec)),
      one_packet_one_picture_(OnePacketOnePicture(stream->codecpar->codec_id)) {
  if (demuxer->kind() == ContainerKind::kTransportStream)
    transport_.emplace(demuxer->source(), demuxer->packet_spacing(), stream->id);
  Open();
}

void PictureDecoder::Open() {
  AVCodecContext& c = *decoder_;
  CheckFf(avcodec_parameters_to_context(&c, stream_->codecpar), Code::kCorrupt, name_);
  c.pkt_timebase = stream_->time_base;
  c.max_pixels = options_.limits.max_pixels_per_frame;
  c.thread_count = options_.pool != nullptr
                       ? 1
                       : std::min(ResolveThreads(options_.num_threads), kMaxDecoderThreads);
  // Each thread may hold a frame of its own, of 16 bits in three full planes at worst, beside the
  // codec's own few.
  const int64_t frame_bytes = std::max<int64_t>(1, int64_t{6} * c.width * c.height);
  const int64_t frames_allowed = options_.limits.max_frame_buffer_bytes / frame_bytes;
  constexpr int64_t kOwnFrames = 8;
  c.thread_count =
      static_cast<int>(std::clamp<int64_t>(frames_allowed - kOwnFrames, 1, c.thread_count));
  // Threads that decode frames side by side give some out before their damage is known.
  c.thread_type =
      c.codec_id == AV_CODEC_ID_H264 ? FF_THREAD_SLICE : FF_THREAD_FRAME | FF_THREAD_SLICE;
  c.opaque = this;
  if (c.codec_id == AV_CODEC_ID_H264) c.get_buffer2 = &GetGrayBuffer;
  if (c.codec_id == AV_CODEC_ID_FFV1) {
    // Version 3 has slices, so that threads need no frames of their own.
    if (c.extradata_size > 0) c.thread_type = FF_THREAD_SLICE;
    c.get_buffer2 = &GetBuffer;
    if (options_.pool != nullptr) c.execute = &Execute;
  }
  c.err_recognition = AV_EF_CRCCHECK;
  // Damaged frames come out flagged instead of vanishing, so that they can be counted.
  c.flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
  const int error = avcodec_open2(&c, c.codec, nullptr);
  CheckFf(error, error == AVERROR_INVALIDDATA ? Code::kCorrupt : Code::kUnsupported,
          name_ + ": its decoder cannot be started");
}

// What FFV1 calls to decode slices.
int PictureDecoder::Execute(AVCodecContext* c, SliceFunction slice, void* arguments, int* results,
                            int count, int size) noexcept {
  PictureDecoder& self = *static_cast<PictureDecoder*>(c->opaque);
  const int error = RunSlices(self.options_.pool, c, slice, arguments, results, count, size);
  // FFV1 does not look at it: the slice would be a hole.
  if (error == AVERROR(ENOMEM)) self.slice_error_ = error;
  return error;
}

// FFV1 keeps the picture before, which it looks at only to patch damage; where that is refused,
// packed RGB, which is unpacked before the next one is decoded, needs one buffer for all.
int PictureDecoder::GetBuffer(AVCodecContext* c, AVFrame* frame, int flags) noexcept {
  PictureDecoder& self = *static_cast<PictureDecoder*>(c->opaque);
  const auto format = static_cast<AVPixelFormat>(frame->format);
  if (!self.options_.strict || (c->active_thread_type & FF_THREAD_FRAME) != 0 ||
      !IsPackedRgb8(format))
    return avcodec_default_get_buffer2(c, frame, flags);
  if (self.shared_ && (self.shared_->width != frame->width ||
                       self.shared_->height != frame->height || self.shared_->format != format))
    self.shared_.reset();
  if (!self.shared_) {
    FramePtr buffer(av_frame_alloc());
    if (!buffer) return AVERROR(ENOMEM);
    buffer->width = frame->width;
    buffer->height = frame->height;
    buffer->format = format;
    const int error = avcodec_default_get_buffer2(c, buffer.get(), flags);
    if (error < 0) return error;
    self.shared_ = std::move(buffer);
  }
  frame->buf[0] = av_buffer_ref(self.shared_->buf[0]);
  if (frame->buf[0] == nullptr) return AVERROR(ENOMEM);
  frame->data[0] = self.shared_->data[0];
  frame->linesize[0] = self.shared_->linesize[0];
  frame->extended_data = frame->data;
  return 0;
}

// Until the first whole picture the decoder predicts from pictures that are not there: what it
// takes for them must not be what the memory happened to hold.
int PictureDecoder::GetGrayBuffer(AVCodecContext* c, AVFrame* frame, int flags) noexcept {
  const int error = avcodec_default_get_buffer2(c, frame, flags);
  if (error < 0 || static_cast<PictureDecoder*>(c->opaque)->started_) return error;
  for (const AVBufferRef* buffer : frame->buf)
    if (buffer != nullptr) std::memset(buffer->data, 0x80, buffer->size);
  return 0;
}

std::string PictureDecoder::Where() const { return name_ + ": frame " + std::to_string(pictures_); }

void PictureDecoder::CheckStrict(bool sound, const std::string& what) const {
  Require(sound || (begins_anywhere_ && !started_) || !options_.strict, Code::kCorrupt, what);
}

FramePtr PictureDecoder::Next() {
  for (;;) {
    FramePtr picture = NextDecoded();
    const int64_t lost = CountLost(picture.get());
    if (!started_) report_.left_out_at_start += lost;
    if (lost > 0 && started_) {
      report_.missing += lost;
      CheckStrict(false, Where() + " is not there: " + CountOf(lost, "picture", "pictures") +
                             " cannot be decoded");
    }
    if (!picture) {
      Require(started_ || packets_ == 0 || begins_anywhere_, Code::kCorrupt,
              name_ + ": holds no frame that can be decoded in full" + first_refusal_);
      return nullptr;
    }
    const bool damaged = IsDamaged(*picture);
    if (!started_) {
      if (!BeginsWhole(*picture, damaged)) {
        ++report_.left_out_at_start;
        CheckStrict(false, Where() + " is damaged: the video does not begin with a whole picture");
        continue;
      }
      CheckStrict(report_.left_out_at_start == 0,
                  Where() +
                      " is damaged: " + CountOf(report_.left_out_at_start, "picture", "pictures") +
                      " before the first whole one cannot be decoded" + first_refusal_);
      started_ = true;
      first_time_ = picture->pts;
      DropLeading();
    } else if (damaged) {
      ++report_.damaged;
      CheckStrict(false, Where() + " is damaged");
    }
    ++pictures_;
    return picture;
  }
}

bool PictureDecoder::BeginsWhole(const AVFrame& picture, bool damaged) const {
  if (damaged) return false;
  return IsKeyPicture(picture) || picture.pict_type == AV_PICTURE_TYPE_I ||
         !GuessesBeforeKeyFrame(decoder_->codec_id);
}

bool PictureDecoder::IsDamaged(const AVFrame& picture) {
  const bool bad_packet = damaged_packets_.erase(picture.pts) > 0;
  return bad_packet || (picture.flags & AV_FRAME_FLAG_CORRUPT) != 0 ||
         picture.decode_error_flags != 0;
}

// Pictures that are shown before the first whole one but come behind it in the file hang on those
// that are not there.
void PictureDecoder::DropLeading() {
  if (!started_ || first_time_ == AV_NOPTS_VALUE) return;
  const auto leading = std::remove_if(waiting_.begin(), waiting_.end(),
                                      [this](int64_t pts) { return pts < first_time_; });
  report_.left_out_at_start += waiting_.end() - leading;
  waiting_.erase(leading, waiting_.end());
}

// Packets that come before this picture, or the end, and gave none.
int64_t PictureDecoder::CountLost(const AVFrame* picture) {
  if (pictures_ == 1) DropLeading();
  if (picture == nullptr) {
    const auto left = static_cast<int64_t>(waiting_.size());
    waiting_.clear();
    return left;
  }
  const auto own = std::find(waiting_.begin(), waiting_.end(), picture->pts);
  if (own == waiting_.end()) {
    if (given_up_.erase(picture->pts) > 0 && report_.missing > 0) {
      --report_.missing;  // it is only late
    } else if (!waiting_.empty()) {
      waiting_.pop_front();  // its time is not that of its packet
    }
    return 0;
  }
  const auto later = std::stable_partition(waiting_.begin(), own,
                                           [picture](int64_t pts) { return pts < picture->pts; });
  int64_t lost = later - waiting_.begin();
  waiting_.erase(own);
  given_up_.insert(waiting_.begin(), waiting_.begin() + lost);
  while (given_up_.size() > kMaxWaiting) given_up_.erase(given_up_.begin());
  waiting_.erase(waiting_.begin(), waiting_.begin() + lost);
  // The two fields of a picture may come in a packet each.
  if (IsInterlaced(*picture)) lost /= 2;
  return lost;
}

// The next picture as the decoder gives it, null at the end.
FramePtr PictureDecoder::NextDecoded() {
  FramePtr frame = NewFrame();
  for (;;) {
    const int error = avcodec_receive_frame(decoder_.get(), frame.get());
    CheckFf(slice_error_, Code::kOutOfMemory, Where());
    if (error >= 0) return frame;
    if (error == AVERROR_EOF) return nullptr;
    if (error == AVERROR(EAGAIN)) {
      SendPacket();
    } else {
      Refused(error);
    }
  }
}

void PictureDecoder::Refused(int error) {
  CheckFf(error == AVERROR(ENOMEM) ? error : 0, Code::kOutOfMemory, Where());
  if (first_refusal_.empty()) first_refusal_ = " (" + ErrorText(error) + ")";
  CheckStrict(false, Where() + " is damaged: " + ErrorText(error));
  // Counted by its packet if that is known.
  if (one_packet_one_picture_ && !waiting_.empty()) return;
  ++(started_ ? report_.missing : report_.left_out_at_start);
}

// What the container or the codec itself says of a packet.
bool PictureDecoder::PacketIsSound() {
  if (stream_->codecpar->codec_id == AV_CODEC_ID_FFV1 &&
      !Ffv1PacketIsSound(*stream_->codecpar, *packet_)) {
    // One packet is one frame, and nothing is reordered.
    CheckStrict(false,
                name_ + ": frame " + std::to_string(packets_ - 1) + " is damaged (wrong checksum)");
    return false;
  }
  if (transport_ && !transport_->IsWhole(packet_->pos)) {
    CheckStrict(false, name_ + ": frame " + std::to_string(packets_ - 1) +
                           " is damaged (packets of the transport stream are missing)");
    return false;
  }
  return true;
}

void PictureDecoder::SendPacket() {
  if (!packet_) packet_ = NewPacket();
  bool more = true;
  do {
    av_packet_unref(packet_.get());
    more = demuxer_->Read(packet_.get());
    // Without bytes a packet would end the stream; AVI has them for "as before".
  } while (more && (packet_->stream_index != stream_->index || packet_->size == 0));
  if (more && packets_++ == 0) lossless_ = IsLossless(*stream_->codecpar, packet_.get());
  if (more && !PacketIsSound()) damaged_packets_.insert(packet_->pts);
  // A packet that is only there to be decoded (before an edit list's start) gives no picture.
  if (more && one_packet_one_picture_ && packet_->pts != AV_NOPTS_VALUE &&
      (packet_->flags & AV_PKT_FLAG_DISCARD) == 0) {
    waiting_.push_back(packet_->pts);
    if (waiting_.size() > kMaxWaiting) {
      waiting_.pop_front();
      ++(started_ ? report_.missing : report_.left_out_at_start);
    }
  }
  const int error = avcodec_send_packet(decoder_.get(), more ? packet_.get() : nullptr);
  CheckFf(slice_error_, Code::kOutOfMemory, Where());
  if (error < 0 && error != AVERROR_EOF) Refused(error);
}

}  // namespace mdvt::ff
