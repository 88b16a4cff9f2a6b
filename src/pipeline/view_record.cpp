// SPDX-License-Identifier: Apache-2.0
#include "pipeline/view_record.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "core/little_endian.h"
#include "mdvt/core/error.h"
#include "mdvt/io/image_file.h"

namespace mdvt {
namespace {

constexpr uint32_t kMagic = 0x4D445646;
constexpr size_t kHeaderBytes = 160;
constexpr int kLastCode = 65535;

// Little-endian whatever this machine is.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* to) : to_(to) {}
  void U32(uint32_t value) { PutLittle(value, to_); }
  void F32(double value) { PutLittle(static_cast<float>(value), to_); }
  void F64(double value) { PutLittle(value, to_); }
  void Rows(const Pose& pose) {
    for (int row = 0; row < 3; ++row)
      for (int column = 0; column < 4; ++column) F32(pose.matrix()(row, column));
  }

 private:
  std::string* to_;
};

bool HasDepth(float z) { return z > 0 && z <= std::numeric_limits<float>::max(); }

struct DepthScale {
  double nearest = 1;
  double octaves = 0;  // of a step
};

DepthScale ScaleOf(const DepthView& depth) {
  float nearest = std::numeric_limits<float>::max();
  float farthest = 0;
  for (int y = 0; y < depth.height; ++y) {
    const float* z = depth.Row(y);
    for (int x = 0; x < depth.width; ++x) {
      if (!HasDepth(z[x])) continue;
      nearest = std::min(nearest, z[x]);
      farthest = std::max(farthest, z[x]);
    }
  }
  if (!(nearest < farthest)) return {farthest > 0 ? nearest : 1.0, 0};
  return {nearest, std::log2(static_cast<double>(farthest) / nearest) / (kLastCode - 1)};
}

// The high bytes of all differences, then the low bytes.
std::string Differences(const DepthView& depth, const DepthScale& scale) {
  const auto pixels = static_cast<size_t>(depth.width) * static_cast<size_t>(depth.height);
  std::string bytes(2 * pixels, '\0');
  const auto steps = static_cast<float>(scale.octaves > 0 ? 1 / scale.octaves : 0);
  const auto nearest_log = static_cast<float>(std::log2(scale.nearest));
  size_t at = 0;
  int above = 0;
  for (int y = 0; y < depth.height; ++y) {
    const float* z = depth.Row(y);
    int before = above;
    for (int x = 0; x < depth.width; ++x, ++at) {
      int code = 0;
      if (HasDepth(z[x])) {
        const float step = (std::log2(z[x]) - nearest_log) * steps;
        code = std::clamp(static_cast<int>(step + 1.5f), 1, kLastCode);
      }
      if (x == 0) above = code;
      const auto difference = static_cast<unsigned>(code - before);
      bytes[at] = static_cast<char>(difference >> 8 & 255);
      bytes[pixels + at] = static_cast<char>(difference & 255);
      before = code;
    }
  }
  return bytes;
}

std::string Deflated(const std::string& bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string packed(size, '\0');
  // The fastest level: a stronger one saves a tenth of the bytes and takes three times as long.
  const int error = compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                              reinterpret_cast<const Bytef*>(bytes.data()),
                              static_cast<uLong>(bytes.size()), Z_BEST_SPEED);
  Require(error == Z_OK, error == Z_MEM_ERROR ? Code::kOutOfMemory : Code::kInternal,
          "the depth of a frame cannot be compressed");
  packed.resize(size);
  return packed;
}

}  // namespace

std::string EncodeViewRecord(const ViewRecord& record) {
  const DepthView& depth = record.depth;
  Require(record.color.width == depth.width && record.color.height == depth.height &&
              record.camera.width == depth.width && record.camera.height == depth.height,
          Code::kInvalidArgument, "EncodeViewRecord: depth, color and camera differ in size");
  const DepthScale scale = ScaleOf(depth);
  const std::string codes = Deflated(Differences(depth, scale));
  const std::vector<std::byte> picture = EncodeJpeg(record.color);

  std::string bytes;
  bytes.reserve(kHeaderBytes + codes.size() + picture.size());
  ByteWriter to(&bytes);
  to.U32(kMagic);
  to.U32(static_cast<uint32_t>(codes.size()));
  to.U32(static_cast<uint32_t>(picture.size()));
  to.U32(static_cast<uint32_t>(depth.width));
  to.U32(static_cast<uint32_t>(depth.height));
  to.U32(static_cast<uint32_t>(record.number));
  to.F32(scale.nearest);
  to.F32(scale.octaves);
  to.F32(record.camera.fx);
  to.F32(record.camera.fy);
  to.F32(record.camera.cx);
  to.F32(record.camera.cy);
  to.Rows(record.world_from_cam);
  to.Rows(record.world_from_view);
  to.F32(record.view_xfov_deg * M_PI / 180);
  to.F64(record.seconds);
  to.U32(0);
  bytes += codes;
  bytes.append(reinterpret_cast<const char*>(picture.data()), picture.size());
  return bytes;
}

std::string PackViewRecords(const std::vector<std::string>& records) {
  size_t size = 4 * (records.size() + 2);
  for (const std::string& record : records) size += record.size();
  Require(size <= std::numeric_limits<uint32_t>::max(), Code::kLimit,
          "frames of the viewer are too large for one file");
  std::string pack;
  pack.reserve(size);
  ByteWriter to(&pack);
  to.U32(static_cast<uint32_t>(records.size()));
  size_t at = 4 * (records.size() + 2);
  for (const std::string& record : records) {
    to.U32(static_cast<uint32_t>(at));
    at += record.size();
  }
  to.U32(static_cast<uint32_t>(at));
  for (const std::string& record : records) pack += record;
  return pack;
}

}  // namespace mdvt
