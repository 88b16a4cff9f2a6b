// SPDX-License-Identifier: Apache-2.0
#include "io/frame_index.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "io/ffmpeg.h"

namespace mdvt::ff {
namespace {

// Of pictures that come behind the first one and are shown before it.
constexpr size_t kMostLeading = 64;

bool IsIntraOnly(const AVStream& stream) {
  const AVCodecDescriptor* codec = avcodec_descriptor_get(stream.codecpar->codec_id);
  return codec != nullptr && (codec->props & AV_CODEC_PROP_INTRA_ONLY) != 0;
}

}  // namespace

FrameIndex::FrameIndex(Demuxer* demuxer, const AVStream& stream, Rational rate, int64_t first_pts,
                       const Limits& limits)
    : first_pts_(first_pts) {
  if (rate.IsPositive()) {
    const Rational base = FromAv(stream.time_base);
    step_ = Rational{rate.den * base.den, rate.num * base.num}.Reduced();
  }
  demuxer->Rewind(stream, first_pts);  // Matroska's index is read by the first seek
  if (!UseContainerIndex(demuxer, stream)) ScanPackets(demuxer, stream, limits);
}

// The index of MP4 and AVI lists every frame, that of Matroska the key frames, a transport stream
// has none. Its times are those of decoding, which are as even as those of showing.
bool FrameIndex::UseContainerIndex(Demuxer* demuxer, const AVStream& stream) {
  if (demuxer->kind() == ContainerKind::kMatroska && !IsIntraOnly(stream)) return false;
  if (demuxer->kind() == ContainerKind::kTransportStream || !step_.IsPositive()) return false;
  auto* indexed = const_cast<AVStream*>(&stream);  // FFmpeg's functions take no const one
  const int entries = avformat_index_get_entries_count(indexed);
  if (entries == 0) return false;
  const int64_t begin = avformat_index_get_entry(indexed, 0)->timestamp;
  for (int i = 0; i < entries; ++i) {
    const AVIndexEntry* entry = avformat_index_get_entry(indexed, i);
    if ((entry->flags & AVINDEX_DISCARD_FRAME) != 0) return false;
    const int64_t even = begin + Rescale(i, step_, {1, 1});
    if (std::abs(entry->timestamp - even) > Tolerance()) return false;
  }
  count_ = entries;
  return true;
}

bool IndexIsEven(const AVStream& stream, Rational rate) {
  if (!rate.IsPositive()) return true;
  const double longest = 1.5 / (rate.ToDouble() * av_q2d(stream.time_base));
  auto* indexed = const_cast<AVStream*>(&stream);
  const int entries = avformat_index_get_entries_count(indexed);
  for (int i = 1; i < entries; ++i) {
    const int64_t step = avformat_index_get_entry(indexed, i)->timestamp -
                         avformat_index_get_entry(indexed, i - 1)->timestamp;
    if (static_cast<double>(step) >= longest) return false;
  }
  return true;
}

void FrameIndex::ScanPackets(Demuxer* demuxer, const AVStream& stream, const Limits& limits) {
  const PacketPtr packet = NewPacket();
  while (demuxer->Read(packet.get())) {
    const bool shown =
        packet->stream_index == stream.index && (packet->flags & AV_PKT_FLAG_DISCARD) == 0;
    const int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    av_packet_unref(packet.get());
    // What is shown before the first picture hangs on others that are not there. Where a recording
    // is joined to another, times may begin anew later on.
    if (!shown || (time < first_pts_ && time != AV_NOPTS_VALUE && pts_.size() < kMostLeading))
      continue;
    Require(
        static_cast<int64_t>(pts_.size()) < limits.max_frames, Code::kLimit,
        demuxer->name() + ": over the limit of " + std::to_string(limits.max_frames) + " frames");
    pts_.push_back(time != AV_NOPTS_VALUE ? time : pts_.empty() ? first_pts_ : pts_.back() + 1);
  }
  std::sort(pts_.begin(), pts_.end());
  // As VideoReader moves frames that share their time.
  for (size_t i = 1; i < pts_.size(); ++i) pts_[i] = std::max(pts_[i], pts_[i - 1] + 1);
  count_ = static_cast<int64_t>(pts_.size());
}

int64_t FrameIndex::PtsOf(int64_t frame) const {
  if (!pts_.empty()) return pts_[static_cast<size_t>(frame)];
  return first_pts_ + Rescale(frame, step_, {1, 1});
}

std::optional<int64_t> FrameIndex::FrameAt(int64_t pts) const {
  if (!pts_.empty()) {
    const auto at = std::lower_bound(pts_.begin(), pts_.end(), pts);
    if (at == pts_.end() || *at != pts) return std::nullopt;
    return at - pts_.begin();
  }
  const int64_t frame = Rescale(pts - first_pts_, {1, 1}, step_);
  if (frame < 0 || frame >= count_ || std::abs(PtsOf(frame) - pts) > Tolerance())
    return std::nullopt;
  return frame;
}

}  // namespace mdvt::ff
