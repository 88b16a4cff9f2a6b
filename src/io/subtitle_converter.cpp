// SPDX-License-Identifier: Apache-2.0
#include "io/subtitle_converter.h"

#include <cstring>
#include <vector>

namespace mdvt::ff {
namespace {

constexpr size_t kMaxBytes = 1 << 16;

struct Subtitle {
  AVSubtitle value = {};
  ~Subtitle() { avsubtitle_free(&value); }
};

bool IsText(AVCodecID codec) {
  return codec == AV_CODEC_ID_SUBRIP || codec == AV_CODEC_ID_MOV_TEXT ||
         codec == AV_CODEC_ID_TEXT || codec == AV_CODEC_ID_WEBVTT || codec == AV_CODEC_ID_ASS;
}

}  // namespace

bool SubtitleConverter::IsText(const AVStream& stream) {
  return stream.codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE &&
         mdvt::ff::IsText(stream.codecpar->codec_id);
}

AVCodecID SubtitleConverter::TargetFor(const AVStream& from, const char* muxer_name) {
  if (!IsText(from)) return AV_CODEC_ID_NONE;
  const AVCodecID target =
      std::strcmp(muxer_name, "matroska") == 0 ? AV_CODEC_ID_SUBRIP : AV_CODEC_ID_MOV_TEXT;
  const bool available = avcodec_find_decoder(from.codecpar->codec_id) != nullptr &&
                         avcodec_find_encoder(target) != nullptr;
  return available ? target : AV_CODEC_ID_NONE;
}

SubtitleConverter::SubtitleConverter(const std::string& name, const AVStream& from,
                                     AVCodecID target)
    : name_(name) {
  decoder_ = NewCodec(avcodec_find_decoder(from.codecpar->codec_id));
  CheckFf(avcodec_parameters_to_context(decoder_.get(), from.codecpar), Code::kUnsupported, name);
  decoder_->pkt_timebase = from.time_base;
  CheckFf(avcodec_open2(decoder_.get(), decoder_->codec, nullptr), Code::kUnsupported,
          name + ": its decoder cannot be started");
  encoder_ = NewCodec(avcodec_find_encoder(target));
  encoder_->time_base = {1, 1000};
  if (decoder_->subtitle_header != nullptr) {  // styles, in which both sides speak to each other
    const auto size = static_cast<size_t>(decoder_->subtitle_header_size);
    encoder_->subtitle_header = static_cast<uint8_t*>(av_mallocz(size + 1));
    Require(encoder_->subtitle_header != nullptr, Code::kOutOfMemory, "no memory for subtitles");
    std::memcpy(encoder_->subtitle_header, decoder_->subtitle_header, size);
    encoder_->subtitle_header_size = static_cast<int>(size);
  }
  CheckFf(avcodec_open2(encoder_.get(), encoder_->codec, nullptr), Code::kUnsupported,
          name + ": its encoder cannot be started");
}

void SubtitleConverter::FillIn(AVStream* to) const {
  CheckFf(avcodec_parameters_from_context(to->codecpar, encoder_.get()), Code::kInternal, name_);
}

bool SubtitleConverter::Convert(const AVPacket& from, AVPacket* to) {
  Subtitle subtitle;
  int shown = 0;
  const PacketPtr packet(av_packet_clone(&from));  // the decoder's interface has no const
  Require(packet != nullptr, Code::kOutOfMemory, "no memory for subtitles");
  if (avcodec_decode_subtitle2(decoder_.get(), &subtitle.value, &shown, packet.get()) < 0 ||
      shown == 0 || subtitle.value.num_rects == 0) {
    return false;
  }
  subtitle.value.start_display_time = 0;
  std::vector<uint8_t> bytes(kMaxBytes);
  const int size = avcodec_encode_subtitle(encoder_.get(), bytes.data(),
                                           static_cast<int>(bytes.size()), &subtitle.value);
  if (size <= 0) return false;
  CheckFf(av_new_packet(to, size), Code::kOutOfMemory, "no memory for subtitles");
  std::memcpy(to->data, bytes.data(), static_cast<size_t>(size));
  to->pts = from.pts;
  to->dts = from.pts;
  to->duration = from.duration;
  to->flags |= AV_PKT_FLAG_KEY;
  return true;
}

}  // namespace mdvt::ff
