// SPDX-License-Identifier: Apache-2.0
#include "io/ffv1_check.h"

#include <algorithm>
#include <cstdint>
#include <vector>

extern "C" {
#include <libavutil/crc.h>
}

namespace mdvt::ff {
namespace {

// Of a slice's footer.
constexpr int kSize = 3, kStatusAndChecksum = 5;

struct Slice {
  int begin;
  int size;  // with its footer
};

// Each slice ends with a footer that begins with its size in 24 bits: the packet is walked from its
// end. Empty if the sizes do not add up to the packet.
std::vector<Slice> Slices(const AVPacket& packet, int footer) {
  std::vector<Slice> slices;
  int end = packet.size;
  while (end > 0) {
    if (end < footer) return {};
    const uint8_t* p = packet.data + end - footer;
    const int size = (p[0] << 16 | p[1] << 8 | p[2]) + footer;
    if (size > end) return {};
    slices.push_back({end - size, size});
    end -= size;
  }
  return slices;
}

}  // namespace

bool Ffv1PacketIsSound(const AVCodecParameters& codec, const AVPacket& packet) {
  // Versions 0 and 1 have no header apart and no slices.
  if (codec.extradata_size == 0 || packet.size == 0) return true;
  const std::vector<Slice> slices = Slices(packet, kSize + kStatusAndChecksum);
  if (slices.empty()) return !Slices(packet, kSize).empty();
  const AVCRC* table = av_crc_get_table(AV_CRC_32_IEEE);
  constexpr uint32_t kStart = 0, kStartOfVersion4 = 0x7a8c4079;
  for (const Slice& slice : slices) {
    const uint8_t* data = packet.data + slice.begin;
    const auto size = static_cast<size_t>(slice.size);
    if (av_crc(table, kStart, data, size) != 0 &&
        av_crc(table, kStartOfVersion4, data, size) != 0) {
      return false;
    }
  }
  return true;
}

int LargestFfv1Slice(const AVPacket& packet) {
  int largest = 0;
  for (const Slice& slice : Slices(packet, kSize + kStatusAndChecksum))
    largest = std::max(largest, slice.size);
  return largest;
}

}  // namespace mdvt::ff
