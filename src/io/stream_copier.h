// SPDX-License-Identifier: Apache-2.0
//
// Audio, subtitles, attachments, cover pictures, chapters and metadata of one file carried over
// into another while its video is being written.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "io/demuxer.h"
#include "io/ffmpeg.h"
#include "io/muxer.h"
#include "io/stream_rules.h"
#include "mdvt/io/video_writer.h"

namespace mdvt::ff {

class AudioTranscoder;
class SubtitleConverter;

// Packets keep their times, so that the video must have those of the same file. What the container
// cannot hold is left out with one warning each; audio is turned into AAC instead, and text
// subtitles into the form of the container.
class StreamCopier {
 public:
  // Adds streams and metadata to `muxer`, before its header is written.
  // Without `audio`, and `text` (subtitles), those are left out without a word. Throws Error: those
  // of Demuxer.
  StreamCopier(const std::string& path, bool audio, bool text, Muxer* muxer);
  ~StreamCopier();

  // Writes every packet before `time` (in `time_base`). Bounded memory: packets are read as the
  // video advances.
  void CopyUntil(int64_t time, AVRational time_base);

  // Writes the rest and the chapters: all of it, or what begins before `end` of the pictures (in
  // `time_base`), so that a shortened video does not drag its sound behind it.
  void Finish(StreamEnd ends, int64_t end, AVRational time_base);

 private:
  struct Track {
    AVStream* from = nullptr;
    AVStream* to = nullptr;
    std::unique_ptr<AudioTranscoder> transcoder;
    std::unique_ptr<SubtitleConverter> converter;
    int64_t last_dts = AV_NOPTS_VALUE;  // in to->time_base
    int64_t rescale_state = AV_NOPTS_VALUE;
  };

  void AddTracks();
  bool AddTrack(AVStream* from, const StreamRule& rule);
  bool AddAttachment(AVStream* from);
  void AddChapters(int64_t end);  // in microseconds
  void AddMetadata();
  void ReadAhead();
  bool Next(PacketPtr* packet);
  void WritePacket(Track* track, PacketPtr packet);
  void Emit(Track* track, AVPacket* packet);
  void Clamp(const Track& track, AVPacket* packet) const;

  Demuxer demuxer_;
  bool audio_;
  bool text_;
  Muxer* muxer_;
  std::vector<Track> tracks_;
  std::vector<int> track_of_stream_;  // -1: not copied
  std::deque<PacketPtr> ahead_;
  bool at_end_ = false;
};

}  // namespace mdvt::ff
