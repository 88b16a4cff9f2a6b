// SPDX-License-Identifier: Apache-2.0
//
// MPEG transport streams (ISO/IEC 13818-1): packets of 188 bytes, of several streams by turns, as
// broadcasts and cameras send them. Nothing states where such a file begins or ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "io/source_window.h"
#include "mdvt/io/byte_source.h"

namespace mdvt::ff {

// Bytes from one packet to the next, by the first bytes of a file (1 KiB is enough): 188; 192 with
// a time of arrival in front (.m2ts, .mts); 204 with a checksum behind. The file may begin within a
// packet. Empty if it is no transport stream.
std::optional<int> FindTransportPackets(std::string_view head);

// Tells where packets are missing: FFmpeg sees it too, but what it then says of a picture is lost
// on the way through its parsers.
class TransportCheck {
 public:
  // spacing  as FindTransportPackets() gives it
  // pid      the stream's number
  TransportCheck(ByteSource& source, int spacing, int pid)
      : bytes_(source), spacing_(spacing), pid_(pid) {}

  // False if packets of the picture that FFmpeg says begins at `position` are missing, or were sent
  // as damaged: up to where the next one begins. Throws Error(kIo).
  bool IsWhole(int64_t position);

 private:
  struct Packet {
    bool is_sound, begins_picture, has_payload, may_jump;
    int counter;
  };
  // The next packet of the stream at or after `offset`, which is moved behind it; empty at the end
  // and where there is none in its place.
  std::optional<Packet> Next(int64_t* offset);

  SourceWindow bytes_;
  int64_t spacing_;
  int pid_;
  int64_t last_position_ = -1;
  bool last_whole_ = true;
};

}  // namespace mdvt::ff
