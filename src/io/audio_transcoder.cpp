// SPDX-License-Identifier: Apache-2.0
#include "io/audio_transcoder.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "io/demuxer.h"
#include "mdvt/core/log.h"

extern "C" {
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
}

namespace mdvt::ff {
namespace {

constexpr int64_t kBitsPerChannel = 96000;

// The lowest of AAC's rates that loses nothing, or the highest there is.
int AacRate(int rate) {
  constexpr std::array kRates = {8000,  11025, 12000, 16000, 22050, 24000,
                                 32000, 44100, 48000, 64000, 88200, 96000};
  const auto* found = std::lower_bound(kRates.begin(), kRates.end(), rate);
  return found != kRates.end() ? *found : kRates.back();
}

}  // namespace

bool AudioTranscoder::CanTranscode(const AVStream& from) {
  const AVCodec* decoder = avcodec_find_decoder(from.codecpar->codec_id);
  return decoder != nullptr && IsAllowedAudioDecoder(decoder->name) &&
         avcodec_find_encoder(AV_CODEC_ID_AAC) != nullptr;
}

AudioTranscoder::AudioTranscoder(const std::string& name, const AVStream& from, bool global_header)
    : name_(name), source_time_base_(from.time_base) {
  try {
    decoder_ = NewCodec(avcodec_find_decoder(from.codecpar->codec_id));
    CheckFf(avcodec_parameters_to_context(decoder_.get(), from.codecpar), Code::kUnsupported, name);
    decoder_->pkt_timebase = from.time_base;
    decoder_->thread_count = 1;
    CheckFf(avcodec_open2(decoder_.get(), decoder_->codec, nullptr), Code::kUnsupported,
            name + ": its decoder cannot be started");
    const int channels = decoder_->ch_layout.nb_channels;
    Require(channels > 0 && decoder_->sample_rate > 0, Code::kUnsupported,
            name + ": channels or sample rate are not known");

    encoder_ = NewCodec(avcodec_find_encoder(AV_CODEC_ID_AAC));
    encoder_->sample_rate = AacRate(decoder_->sample_rate);
    encoder_->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder_->time_base = {1, encoder_->sample_rate};
    // Mono, stereo, 5.1 ... in their usual order; anything odd becomes stereo.
    const bool usual = channels <= 6 || channels == 8;
    av_channel_layout_default(&encoder_->ch_layout, usual ? channels : 2);
    encoder_->bit_rate =
        std::max<int64_t>(128000, kBitsPerChannel * encoder_->ch_layout.nb_channels);
    if (global_header) encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    CheckFf(avcodec_open2(encoder_.get(), encoder_->codec, nullptr), Code::kUnsupported,
            name + ": the AAC encoder cannot be started");

    AVChannelLayout source_layout = {};
    if (decoder_->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
      av_channel_layout_default(&source_layout, channels);
    } else {
      CheckFf(av_channel_layout_copy(&source_layout, &decoder_->ch_layout), Code::kUnsupported,
              name);
    }
    int error = swr_alloc_set_opts2(&resampler_, &encoder_->ch_layout, encoder_->sample_fmt,
                                    encoder_->sample_rate, &source_layout, decoder_->sample_fmt,
                                    decoder_->sample_rate, 0, nullptr);
    av_channel_layout_uninit(&source_layout);
    CheckFf(error, Code::kUnsupported, name + ": its samples cannot be converted");
    CheckFf(swr_init(resampler_), Code::kUnsupported, name + ": its samples cannot be converted");
    fifo_ = av_audio_fifo_alloc(encoder_->sample_fmt, encoder_->ch_layout.nb_channels,
                                encoder_->frame_size * 2);
    Require(fifo_ != nullptr, Code::kOutOfMemory, "no memory for audio");
  } catch (...) {
    FreeAll();
    throw;
  }
}

void AudioTranscoder::FillIn(AVStream* to) const {
  CheckFf(avcodec_parameters_from_context(to->codecpar, encoder_.get()), Code::kInternal, name_);
  to->time_base = encoder_->time_base;
}

AudioTranscoder::~AudioTranscoder() { FreeAll(); }

void AudioTranscoder::FreeAll() {
  swr_free(&resampler_);
  if (fifo_ != nullptr) av_audio_fifo_free(fifo_);
}

void AudioTranscoder::Push(const AVPacket* packet, const std::function<void(AVPacket*)>& emit) {
  Decode(packet, emit);
  if (packet != nullptr) return;
  Append(nullptr);
  Encode(true, emit);
  Send(nullptr, emit);
}

void AudioTranscoder::Decode(const AVPacket* packet, const std::function<void(AVPacket*)>& emit) {
  int error = avcodec_send_packet(decoder_.get(), packet);
  const FramePtr frame = NewFrame();
  while (error >= 0) {
    error = avcodec_receive_frame(decoder_.get(), frame.get());
    if (error < 0) break;
    Append(frame.get());
    Encode(false, emit);
  }
  if (error == AVERROR(EAGAIN) || error == AVERROR_EOF) return;
  Require(error != AVERROR(ENOMEM), Code::kOutOfMemory, "no memory for audio");
  if (!warned_) LogWarning(name_ + " is damaged, its bad parts become silence");
  warned_ = true;
}

void AudioTranscoder::AppendSilence(int64_t samples) {
  const int block = encoder_->frame_size;
  const int channels = encoder_->ch_layout.nb_channels;
  std::vector<float> zeros(static_cast<size_t>(block), 0.0f);
  std::vector<void*> planes(static_cast<size_t>(channels), zeros.data());
  while (samples > 0) {
    const int count = static_cast<int>(std::min<int64_t>(samples, block));
    Require(av_audio_fifo_write(fifo_, planes.data(), count) == count, Code::kOutOfMemory,
            "no memory for audio");
    queued_ += count;
    samples -= count;
  }
}

// Null: what the resampler still holds.
void AudioTranscoder::Append(const AVFrame* frame) {
  if (frame != nullptr && frame->best_effort_timestamp != AV_NOPTS_VALUE) {
    const int64_t time =
        av_rescale_q(frame->best_effort_timestamp, source_time_base_, encoder_->time_base);
    if (start_ == AV_NOPTS_VALUE) start_ = time;
    // Holes in the source are filled so that picture and sound stay together. Small differences are
    // rounding of timestamps; very large ones a broken file, which silence cannot mend.
    const int64_t hole =
        time - (start_ + queued_ + swr_get_delay(resampler_, encoder_->sample_rate));
    if (hole > encoder_->sample_rate / 20 && hole < int64_t{3600} * encoder_->sample_rate) {
      AppendSilence(hole);
    }
  }
  const int source_samples = frame != nullptr ? frame->nb_samples : 0;
  const int room = swr_get_out_samples(resampler_, source_samples);
  if (room <= 0) return;
  const int channels = encoder_->ch_layout.nb_channels;
  std::vector<float> samples(static_cast<size_t>(room) * static_cast<size_t>(channels));
  std::vector<uint8_t*> planes;
  for (int i = 0; i < channels; ++i) {
    planes.push_back(reinterpret_cast<uint8_t*>(samples.data() + static_cast<ptrdiff_t>(i) * room));
  }
  const int count =
      swr_convert(resampler_, planes.data(), room,
                  frame != nullptr ? const_cast<const uint8_t**>(frame->extended_data) : nullptr,
                  source_samples);
  if (count <= 0) return;
  Require(av_audio_fifo_write(fifo_, reinterpret_cast<void**>(planes.data()), count) == count,
          Code::kOutOfMemory, "no memory for audio");
  queued_ += count;
}

void AudioTranscoder::Encode(bool flush, const std::function<void(AVPacket*)>& emit) {
  const int block = encoder_->frame_size;
  while (av_audio_fifo_size(fifo_) >= block || (flush && av_audio_fifo_size(fifo_) > 0)) {
    const FramePtr frame = NewFrame();
    frame->nb_samples = std::min(block, av_audio_fifo_size(fifo_));
    frame->format = encoder_->sample_fmt;
    frame->sample_rate = encoder_->sample_rate;
    Require(av_channel_layout_copy(&frame->ch_layout, &encoder_->ch_layout) >= 0 &&
                av_frame_get_buffer(frame.get(), 0) >= 0,
            Code::kOutOfMemory, "no memory for audio");
    av_audio_fifo_read(fifo_, reinterpret_cast<void**>(frame->extended_data), frame->nb_samples);
    frame->pts = (start_ == AV_NOPTS_VALUE ? 0 : start_) + encoded_;
    encoded_ += frame->nb_samples;
    Send(frame.get(), emit);
  }
}

void AudioTranscoder::Send(const AVFrame* frame, const std::function<void(AVPacket*)>& emit) {
  CheckFf(avcodec_send_frame(encoder_.get(), frame), Code::kInternal, name_ + ": encoding failed");
  const PacketPtr packet = NewPacket();
  while (avcodec_receive_packet(encoder_.get(), packet.get()) >= 0) emit(packet.get());
}

}  // namespace mdvt::ff
