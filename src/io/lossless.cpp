// SPDX-License-Identifier: Apache-2.0
#include "io/lossless.h"

#include <algorithm>
#include <vector>

namespace mdvt::ff {
namespace {

// Bits of a sequence header without its emulation prevention bytes; zeros after the end.
class BitReader {
 public:
  BitReader(const uint8_t* data, size_t size) {
    bytes_.reserve(size);
    for (size_t i = 0, zeros = 0; i < size; ++i) {
      if (zeros >= 2 && data[i] == 3) {
        zeros = 0;
        continue;
      }
      zeros = data[i] == 0 ? zeros + 1 : 0;
      bytes_.push_back(data[i]);
    }
  }

  unsigned Bits(int count) {
    unsigned value = 0;
    for (int i = 0; i < count; ++i, ++position_) {
      const size_t byte = position_ >> 3;
      const unsigned bit = byte < bytes_.size() ? bytes_[byte] >> (7 - (position_ & 7)) & 1u : 0u;
      value = value << 1 | bit;
    }
    return value;
  }

  // Exponential-Golomb code, ue(v) of ITU-T H.264 section 9.1.
  unsigned ExpGolomb() {
    int zeros = 0;
    while (zeros < 31 && position_ < bytes_.size() * 8 && Bits(1) == 0) ++zeros;
    return (1u << zeros) - 1 + Bits(zeros);
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t position_ = 0;
};

// qpprime_y_zero_transform_bypass_flag of a sequence parameter set (ITU-T H.264 section 7.3.2.1.1),
// which starts with its NAL header.
bool SpsAllowsLossless(const uint8_t* sps, size_t size) {
  if (size < 4 || (sps[0] & 0x1F) != 7) return false;
  BitReader bits(sps + 1, size - 1);
  const unsigned profile = bits.Bits(8);
  if (profile != 244 && profile != 44) return false;  // High 4:4:4 Predictive, CAVLC 4:4:4 Intra
  bits.Bits(16);                                      // constraints, level
  bits.ExpGolomb();                                   // id
  if (bits.ExpGolomb() == 3) bits.Bits(1);            // chroma format, separate planes
  bits.ExpGolomb();                                   // luma bits
  bits.ExpGolomb();                                   // chroma bits
  return bits.Bits(1) == 1;
}

// The first sequence parameter set in a byte stream with start codes.
bool ByteStreamAllowsLossless(const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 4 < size; ++i) {
    if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1 && (data[i + 3] & 0x1F) == 7) {
      return SpsAllowsLossless(data + i + 3, size - i - 3);
    }
  }
  return false;
}

bool H264IsLossless(const uint8_t* data, size_t size) {
  if (size > 8 && data[0] == 1) {  // avcC: version, profile, compatibility, level, sizes, count
    const size_t length = std::min<size_t>(static_cast<size_t>(data[6]) << 8 | data[7], size - 8);
    return (data[5] & 0x1F) > 0 && SpsAllowsLossless(data + 8, length);
  }
  return ByteStreamAllowsLossless(data, size);
}

}  // namespace

bool IsLossless(const AVCodecParameters& codec, const AVPacket* first_packet) {
  switch (codec.codec_id) {
    case AV_CODEC_ID_FFV1:
    case AV_CODEC_ID_HUFFYUV:
    case AV_CODEC_ID_FFVHUFF:
    case AV_CODEC_ID_UTVIDEO:
    case AV_CODEC_ID_MAGICYUV:
    case AV_CODEC_ID_PNG:
    case AV_CODEC_ID_QTRLE:
    case AV_CODEC_ID_RAWVIDEO:
    case AV_CODEC_ID_V210:
      return true;
    case AV_CODEC_ID_H264:
      if (codec.extradata_size > 0) {
        return H264IsLossless(codec.extradata, static_cast<size_t>(codec.extradata_size));
      }
      return first_packet != nullptr &&
             ByteStreamAllowsLossless(first_packet->data, static_cast<size_t>(first_packet->size));
    default:
      return false;
  }
}

}  // namespace mdvt::ff
