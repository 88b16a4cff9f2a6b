// SPDX-License-Identifier: Apache-2.0
#include "io/hdr10_plus.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "mdvt/core/error.h"

extern "C" {
#include <libavutil/hdr_dynamic_metadata.h>
}

namespace mdvt::ff {
namespace {

class BitWriter {
 public:
  explicit BitWriter(std::vector<uint8_t> start) : bytes_(std::move(start)) {}

  void Put(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
      if (free_ == 0) {
        bytes_.push_back(0);
        free_ = 8;
      }
      --free_;
      if ((value >> i & 1) != 0) bytes_.back() |= static_cast<uint8_t>(1 << free_);
    }
  }
  // In units of 1 / parts.
  void Put(AVRational value, int parts, int count) {
    const int64_t most = (int64_t{1} << count) - 1;
    const double units = value.den > 0 ? av_q2d(value) * parts : 0;
    Put(static_cast<uint64_t>(std::clamp<int64_t>(std::llround(units), 0, most)), count);
  }
  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
  int free_ = 0;  // bits of the last byte
};

// A table of how bright parts of a display get at most, in fifteenths of its whole.
void PutPeaks(int flag, int rows, int columns, const AVRational (&peaks)[25][25], BitWriter* bits) {
  const bool present = flag != 0 && rows >= 2 && rows <= 25 && columns >= 2 && columns <= 25;
  bits->Put(present ? 1 : 0, 1);
  if (!present) return;
  bits->Put(static_cast<uint64_t>(rows), 5);
  bits->Put(static_cast<uint64_t>(columns), 5);
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) bits->Put(peaks[row][column], 15, 4);
}

// ST 2094-40, annex C, with one window.
std::vector<uint8_t> Message(const AVDynamicHDRPlus& plus) {
  // United States; SMPTE; ST 2094-40, application 4.
  BitWriter bits({0xB5, 0x00, 0x3C, 0x00, 0x01, 4, plus.application_version});
  bits.Put(1, 2);
  bits.Put(plus.targeted_system_display_maximum_luminance, 1, 27);
  PutPeaks(plus.targeted_system_display_actual_peak_luminance_flag,
           plus.num_rows_targeted_system_display_actual_peak_luminance,
           plus.num_cols_targeted_system_display_actual_peak_luminance,
           plus.targeted_system_display_actual_peak_luminance, &bits);
  const AVHDRPlusColorTransformParams& window = plus.params[0];
  for (const AVRational largest : window.maxscl) bits.Put(largest, 100000, 17);
  bits.Put(window.average_maxrgb, 100000, 17);
  const int percentiles = std::min<int>(window.num_distribution_maxrgb_percentiles, 15);
  bits.Put(static_cast<uint64_t>(percentiles), 4);
  for (int i = 0; i < percentiles; ++i) {
    bits.Put(window.distribution_maxrgb[i].percentage, 7);
    bits.Put(window.distribution_maxrgb[i].percentile, 100000, 17);
  }
  bits.Put(window.fraction_bright_pixels, 1000, 10);
  PutPeaks(plus.mastering_display_actual_peak_luminance_flag,
           plus.num_rows_mastering_display_actual_peak_luminance,
           plus.num_cols_mastering_display_actual_peak_luminance,
           plus.mastering_display_actual_peak_luminance, &bits);
  bits.Put(window.tone_mapping_flag != 0 ? 1 : 0, 1);
  if (window.tone_mapping_flag != 0) {
    bits.Put(window.knee_point_x, 4095, 12);
    bits.Put(window.knee_point_y, 4095, 12);
    const int anchors = std::min<int>(window.num_bezier_curve_anchors, 15);
    bits.Put(static_cast<uint64_t>(anchors), 4);
    for (int i = 0; i < anchors; ++i) bits.Put(window.bezier_curve_anchors[i], 1023, 10);
  }
  bits.Put(window.color_saturation_mapping_flag != 0 ? 1 : 0, 1);
  if (window.color_saturation_mapping_flag != 0) bits.Put(window.color_saturation_weight, 8, 6);
  return bits.Take();
}

// "User data registered by ITU-T T.35", ITU-T H.264 D.1.6 and H.265 D.2.6, as a NAL unit with a
// start code.
std::vector<uint8_t> SeiUnit(AVCodecID codec, const std::vector<uint8_t>& message) {
  std::vector<uint8_t> payload = {4};
  size_t left = message.size();
  for (; left >= 255; left -= 255) payload.push_back(255);
  payload.push_back(static_cast<uint8_t>(left));
  payload.insert(payload.end(), message.begin(), message.end());
  payload.push_back(0x80);
  std::vector<uint8_t> unit = {0, 0, 0, 1};
  if (codec == AV_CODEC_ID_H264) {
    unit.push_back(6);
  } else {
    unit.insert(unit.end(), {39 << 1, 1});
  }
  int zeros = 0;  // no three bytes may look like a start code
  for (const uint8_t byte : payload) {
    if (zeros == 2 && byte <= 3) {
      unit.push_back(3);
      zeros = 0;
    }
    unit.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return unit;
}

// AV1 specification, 5.8: OBU_METADATA of METADATA_TYPE_ITUT_T35.
std::vector<uint8_t> MetadataObu(const std::vector<uint8_t>& message) {
  std::vector<uint8_t> obu = {5 << 3 | 2};
  for (size_t size = message.size() + 2;;) {  // with its type and the trailing bit
    const auto low = static_cast<uint8_t>(size & 0x7F);
    size >>= 7;
    obu.push_back(static_cast<uint8_t>(low | (size > 0 ? 0x80 : 0)));
    if (size == 0) break;
  }
  obu.push_back(4);
  obu.insert(obu.end(), message.begin(), message.end());
  obu.push_back(0x80);
  return obu;
}

// Where the first NAL unit of a picture begins, with its start code.
std::optional<size_t> FirstSlice(AVCodecID codec, const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 3 < size; ++i) {
    if (data[i] != 0 || data[i + 1] != 0 || data[i + 2] != 1) continue;
    const int header = data[i + 3];
    const bool picture = codec == AV_CODEC_ID_H264 ? (header & 31) >= 1 && (header & 31) <= 5
                                                   : (header >> 1 & 63) < 32;
    if (picture) return i > 0 && data[i - 1] == 0 ? i - 1 : i;
  }
  return std::nullopt;
}

// Where the first OBU of a frame begins.
std::optional<size_t> FirstFrameObu(const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size;) {
    const int type = data[i] >> 3 & 15;
    if (type == 3 || type == 6) return i;  // frame header, frame
    if ((data[i] & 2) == 0) return std::nullopt;
    size_t next = i + ((data[i] & 4) != 0 ? 2 : 1), length = 0;
    for (int shift = 0; next < size && shift < 35; shift += 7) {
      length |= size_t{data[next] & 0x7Fu} << shift;
      if ((data[next++] & 0x80) == 0) break;
    }
    if (length > size - next) return std::nullopt;
    i = next + length;
  }
  return std::nullopt;
}

}  // namespace

std::vector<uint8_t> Hdr10PlusMessage(const AVFrame& picture) {
  const AVFrameSideData* data = av_frame_get_side_data(&picture, AV_FRAME_DATA_DYNAMIC_HDR_PLUS);
  if (data == nullptr || data->size < sizeof(AVDynamicHDRPlus)) return {};
  return Message(*reinterpret_cast<const AVDynamicHDRPlus*>(data->data));
}

bool HoldsHdr10Plus(AVCodecID codec) {
  return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_AV1;
}

void InsertHdr10Plus(AVCodecID codec, const std::vector<uint8_t>& message, AVPacket* packet) {
  const auto size = static_cast<size_t>(packet->size);
  const bool av1 = codec == AV_CODEC_ID_AV1;
  const std::optional<size_t> place =
      av1 ? FirstFrameObu(packet->data, size) : FirstSlice(codec, packet->data, size);
  Require(place.has_value(), Code::kInternal, "a packet of the encoder holds no picture");
  const std::vector<uint8_t> unit = av1 ? MetadataObu(message) : SeiUnit(codec, message);
  CheckFf(av_grow_packet(packet, static_cast<int>(unit.size())), Code::kOutOfMemory,
          "no memory for a packet");
  uint8_t* const at = packet->data + *place;
  std::memmove(at + unit.size(), at, size - *place);
  std::memcpy(at, unit.data(), unit.size());
}

}  // namespace mdvt::ff
