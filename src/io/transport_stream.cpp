// SPDX-License-Identifier: Apache-2.0
#include "io/transport_stream.h"

#include <array>
#include <cstddef>

namespace mdvt::ff {
namespace {

constexpr char kSync = 0x47;
constexpr size_t kPacketBytes = 188;
// So many in a row are no chance; of a shorter file all there are.
constexpr size_t kRow = 5;
constexpr size_t kShortestRow = 3;

}  // namespace

std::optional<int> FindTransportPackets(std::string_view head) {
  for (const size_t spacing : {size_t{188}, size_t{192}, size_t{204}}) {
    for (size_t begin = 0; begin < spacing; ++begin) {
      size_t row = 0;
      size_t at = begin;
      while (row < kRow && at < head.size() && head[at] == kSync) {
        ++row;
        at += spacing;
      }
      if (row == kRow || (row >= kShortestRow && at >= head.size()))
        return static_cast<int>(spacing);
    }
  }
  return std::nullopt;
}

std::optional<TransportCheck::Packet> TransportCheck::Next(int64_t* offset) {
  std::array<unsigned char, 6> p;
  while (bytes_.Read(*offset, p.data(), p.size()) == p.size() && p[0] == kSync) {
    *offset += spacing_;
    if (((p[1] & 0x1F) << 8 | p[2]) != pid_) continue;
    const bool has_extra = (p[3] & 0x20) != 0;
    Packet packet;
    packet.is_sound = (p[1] & 0x80) == 0;
    packet.begins_picture = (p[1] & 0x40) != 0;
    packet.has_payload = (p[3] & 0x10) != 0;
    packet.may_jump = has_extra && p[4] > 0 && (p[5] & 0x80) != 0;
    packet.counter = p[3] & 0x0F;
    return packet;
  }
  return std::nullopt;
}

bool TransportCheck::IsWhole(int64_t position) {
  if (position < 0) return true;
  // Several pictures may come in one go.
  if (position == last_position_) return last_whole_;
  last_position_ = position;
  // FFmpeg counts back from the end of a packet by the distance of two.
  int64_t offset = position + spacing_ - static_cast<int64_t>(kPacketBytes);
  std::optional<Packet> before = Next(&offset);
  last_whole_ = before && before->is_sound;
  bool repeated = false;
  while (last_whole_) {
    const std::optional<Packet> packet = Next(&offset);
    if (!packet) {
      // The end of the file, or bytes that are no packet.
      last_whole_ = offset + spacing_ > bytes_.size();
      break;
    }
    // The counter stands for packets without payload, and where one is sent twice.
    const int step = (packet->counter - before->counter) & 0x0F;
    const bool again = step == 0 && packet->has_payload && !repeated;
    const bool follows = packet->may_jump || again || step == (packet->has_payload ? 1 : 0);
    last_whole_ = packet->is_sound && follows;
    if (packet->begins_picture && !again) break;
    repeated = again;
    before = packet;
  }
  return last_whole_;
}

}  // namespace mdvt::ff
