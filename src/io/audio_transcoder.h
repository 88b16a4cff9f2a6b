// SPDX-License-Identifier: Apache-2.0
//
// Turns an audio stream that a container cannot hold into AAC.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "io/ffmpeg.h"

struct AVAudioFifo;
struct SwrContext;

namespace mdvt::ff {

class AudioTranscoder {
 public:
  // True if the stream's decoder is one that may be used and this FFmpeg has an AAC encoder.
  static bool CanTranscode(const AVStream& from);

  // Throws Error(kUnsupported).
  AudioTranscoder(const std::string& name, const AVStream& from, bool global_header);
  ~AudioTranscoder();
  AudioTranscoder(const AudioTranscoder&) = delete;
  AudioTranscoder& operator=(const AudioTranscoder&) = delete;

  // Sets to->codecpar and to->time_base.
  void FillIn(AVStream* to) const;

  // Packet of the source (null: the end); calls `emit` for each finished packet, times in
  // time_base(). Damaged packets become silence. Throws Error(kOutOfMemory).
  void Push(const AVPacket* packet, const std::function<void(AVPacket*)>& emit);

  AVRational time_base() const { return encoder_->time_base; }

 private:
  void Decode(const AVPacket* packet, const std::function<void(AVPacket*)>& emit);
  void Append(const AVFrame* frame);
  void AppendSilence(int64_t samples);
  void Encode(bool flush, const std::function<void(AVPacket*)>& emit);
  void Send(const AVFrame* frame, const std::function<void(AVPacket*)>& emit);
  void FreeAll();

  std::string name_;
  AVRational source_time_base_;
  CodecPtr decoder_;
  CodecPtr encoder_;
  SwrContext* resampler_ = nullptr;
  AVAudioFifo* fifo_ = nullptr;
  int64_t start_ = AV_NOPTS_VALUE;  // of the first sample, in samples of the encoder's rate
  int64_t queued_ = 0;              // samples that ever went into the queue
  int64_t encoded_ = 0;
  bool warned_ = false;
};

}  // namespace mdvt::ff
