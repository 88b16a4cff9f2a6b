// SPDX-License-Identifier: Apache-2.0
#include "io/unpack.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "io/deinterleave.h"

namespace mdvt::ff {
namespace {

// One component of a packed format: where its sample for pixel x of a row lies and how it is read.
struct Component {
  const uint8_t* data = nullptr;
  ptrdiff_t stride = 0;  // bytes per row
  int step = 1;          // bytes from one sample to the next
  int shift = 0;         // low bits to drop
  int bits = 8;
};

Component ComponentOf(const AVFrame& frame, const AVComponentDescriptor& c) {
  return {frame.data[c.plane] + c.offset, frame.linesize[c.plane], c.step, c.shift, c.depth};
}

// Samples that do not fill whole bytes of their own (rgb565): the high bits are repeated. As in all
// of FFmpeg's descriptions a sample within one byte is read as one byte.
void UnpackSmall(const Component& c, bool big_endian, PlaneView<uint8_t> to) {
  const unsigned mask = (1u << c.bits) - 1;
  const bool one_byte = c.shift + c.bits <= 8;
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* from = c.data + y * c.stride;
    uint8_t* row = to.Row(y);
    for (int x = 0; x < to.width; ++x, from += c.step) {
      const unsigned word = one_byte     ? from[big_endian ? 1 : 0]
                            : big_endian ? from[0] << 8 | from[1]
                                         : from[1] << 8 | from[0];
      const unsigned value = (word >> c.shift & mask) << (8 - c.bits);
      row[x] = static_cast<uint8_t>(value | value >> c.bits | value >> (2 * c.bits));
    }
  }
}

void Unpack8(const Component& c, PlaneView<uint8_t> to) {
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* from = c.data + y * c.stride;
    uint8_t* row = to.Row(y);
    for (int x = 0; x < to.width; ++x, from += c.step) row[x] = *from;
  }
}

template <bool kBigEndian>
void Unpack16(const Component& c, PlaneView<uint16_t> to) {
  const unsigned mask = (1u << c.bits) - 1;  // x2rgb10 has other bits above
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* from = c.data + y * c.stride;
    uint16_t* row = to.Row(y);
    for (int x = 0; x < to.width; ++x, from += c.step) {
      const unsigned word = kBigEndian ? from[0] << 8 | from[1] : from[1] << 8 | from[0];
      row[x] = static_cast<uint16_t>(word >> c.shift & mask);
    }
  }
}

void UnpackPalette(const AVFrame& frame, MutableImageView to) {
  const PlaneView<uint8_t> r = to.Plane<uint8_t>(0), g = to.Plane<uint8_t>(1),
                           b = to.Plane<uint8_t>(2);
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* from = frame.data[0] + y * frame.linesize[0];
    for (int x = 0; x < to.width; ++x) {
      uint32_t argb;  // in the byte order of this machine
      std::memcpy(&argb, frame.data[1] + 4 * from[x], sizeof(argb));
      r.Row(y)[x] = static_cast<uint8_t>(argb >> 16);
      g.Row(y)[x] = static_cast<uint8_t>(argb >> 8);
      b.Row(y)[x] = static_cast<uint8_t>(argb);
    }
  }
}

// monowhite, monoblack: one bit per pixel, most significant first.
void UnpackMono(const AVFrame& frame, bool white_is_zero, PlaneView<uint8_t> to) {
  const unsigned invert = white_is_zero ? 0xFF : 0;
  for (int y = 0; y < to.height; ++y) {
    const uint8_t* from = frame.data[0] + y * frame.linesize[0];
    for (int x = 0; x < to.width; ++x) {
      const unsigned bit = from[x >> 3] >> (7 - (x & 7)) & 1;
      to.Row(y)[x] = static_cast<uint8_t>((bit != 0 ? 0xFFu : 0u) ^ invert);
    }
  }
}

int ColorComponents(const AVPixFmtDescriptor& d) {
  return d.nb_components - ((d.flags & AV_PIX_FMT_FLAG_ALPHA) != 0 ? 1 : 0);
}

}  // namespace

std::optional<PixelFormat> UnpackedFormat(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  if (d == nullptr || PlanarFormat(format)) return std::nullopt;
  if (format == AV_PIX_FMT_PAL8) return PixelFormat::Rgb(8);
  if (format == AV_PIX_FMT_MONOWHITE || format == AV_PIX_FMT_MONOBLACK) return PixelFormat::Gray(8);
  constexpr uint64_t kForeign = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM |
                                AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BAYER |
                                AV_PIX_FMT_FLAG_FLOAT;
  if ((d->flags & kForeign) != 0) return std::nullopt;
  const int colors = ColorComponents(*d);
  if (colors != 1 && colors != 3) return std::nullopt;
  const bool rgb = (d->flags & AV_PIX_FMT_FLAG_RGB) != 0;
  if (std::strncmp(d->name, "xyz", 3) == 0) return std::nullopt;
  int bits = d->comp[0].depth;
  for (int i = 0; i < colors; ++i) {
    // rgb565 has 5 and 6 bits, all others have the same depth everywhere.
    if (d->comp[i].depth != bits && !(rgb && d->comp[i].depth < 8 && bits < 8)) return std::nullopt;
    if (d->comp[i].depth > 16 || (d->comp[i].depth > 8) != (bits > 8)) return std::nullopt;
    // Each sample lies within two bytes.
    const int spread = d->comp[i].shift + d->comp[i].depth;
    if (spread > 16 || spread < 4) return std::nullopt;
  }
  if (bits < 8) {
    if (!rgb || d->comp[0].step != 2) return std::nullopt;
    bits = 8;
  }
  if (d->log2_chroma_w > 2 || d->log2_chroma_h > 2) return std::nullopt;
  PixelFormat result = colors == 1 ? PixelFormat::Gray(bits)
                       : rgb       ? PixelFormat::Rgb(bits)
                                   : PixelFormat::Yuv(444, bits);
  if (colors == 3 && !rgb) {
    result.chroma_shift_x = d->log2_chroma_w;
    result.chroma_shift_y = d->log2_chroma_h;
  }
  return result;
}

bool IsPackedRgb8(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  const std::optional<PixelFormat> unpacked = UnpackedFormat(format);
  return unpacked && *unpacked == PixelFormat::Rgb(8) && d->nb_components >= 3 &&
         d->comp[0].depth == 8 && (d->comp[0].step == 3 || d->comp[0].step == 4);
}

void UnpackPackedRgb8(const AVFrame& frame, int y, const MutableImageView& band) {
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  for (int row = 0; row < band.height; ++row) {
    uint8_t* rows[4] = {nullptr, nullptr, nullptr, nullptr};
    for (int plane = 0; plane < 3; ++plane) {
      rows[d.comp[plane].offset] = band.Plane<uint8_t>(plane).Row(row);
    }
    // All three planes in one pass.
    DeinterleaveRow(frame.data[0] + static_cast<ptrdiff_t>(y + row) * frame.linesize[0],
                    d.comp[0].step, band.width, rows);
  }
}

Image UnpackFrame(const AVFrame& frame, const PixelFormat& format) {
  const auto av_format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(av_format);
  Image image(format, frame.width, frame.height);
  MutableImageView to = image.mutable_view();
  if (av_format == AV_PIX_FMT_PAL8) {
    UnpackPalette(frame, to);
    return image;
  }
  if (av_format == AV_PIX_FMT_MONOWHITE || av_format == AV_PIX_FMT_MONOBLACK) {
    UnpackMono(frame, av_format == AV_PIX_FMT_MONOWHITE, to.Plane<uint8_t>(0));
    return image;
  }
  const bool big_endian = (d.flags & AV_PIX_FMT_FLAG_BE) != 0;
  if (IsPackedRgb8(av_format)) {
    UnpackPackedRgb8(frame, 0, to);
    return image;
  }
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const Component c = ComponentOf(frame, d.comp[plane]);
    if (c.bits < 8) {
      UnpackSmall(c, big_endian, to.Plane<uint8_t>(plane));
    } else if (c.bits == 8) {
      const PlaneView<uint8_t> view = to.Plane<uint8_t>(plane);
      if (c.step != 1) {
        Unpack8(c, view);
        continue;
      }
      for (int y = 0; y < view.height; ++y) {
        std::memcpy(view.Row(y), c.data + y * c.stride, static_cast<size_t>(view.width));
      }
    } else if (big_endian) {
      Unpack16<true>(c, to.Plane<uint16_t>(plane));
    } else {
      Unpack16<false>(c, to.Plane<uint16_t>(plane));
    }
  }
  return image;
}

PixelFormat CarriedFormat(const PixelFormat& format) {
  PixelFormat carried = format;
  if (format.chroma_shift_y == 2) carried.chroma_shift_x = carried.chroma_shift_y = 1;
  return carried;
}

bool HasAlpha(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  return d != nullptr && (format == AV_PIX_FMT_PAL8 || (d->flags & AV_PIX_FMT_FLAG_ALPHA) != 0);
}

namespace {

// Alpha of each pixel, row by row.
class AlphaRows {
 public:
  explicit AlphaRows(const AVFrame& frame) : frame_(frame), width_(frame.width) {
    const auto format = static_cast<AVPixelFormat>(frame.format);
    const AVPixFmtDescriptor& d = *av_pix_fmt_desc_get(format);
    palette_ = format == AV_PIX_FMT_PAL8;
    if (palette_) return;
    component_ = ComponentOf(frame, d.comp[d.nb_components - 1]);
    big_endian_ = (d.flags & AV_PIX_FMT_FLAG_BE) != 0;
  }

  unsigned max() const { return palette_ ? 255 : (1u << component_.bits) - 1; }

  void Read(int y, unsigned* alpha) const {
    if (palette_) {
      const uint8_t* from = frame_.data[0] + y * frame_.linesize[0];
      for (int x = 0; x < width_; ++x) {
        uint32_t argb;
        std::memcpy(&argb, frame_.data[1] + 4 * from[x], sizeof(argb));
        alpha[x] = argb >> 24;
      }
      return;
    }
    const Component& c = component_;
    const uint8_t* from = c.data + y * c.stride;
    for (int x = 0; x < width_; ++x, from += c.step) {
      const unsigned word = c.shift + c.bits <= 8 ? from[0]
                            : big_endian_         ? from[0] << 8 | from[1]
                                                  : from[1] << 8 | from[0];
      alpha[x] = word >> c.shift & max();
    }
  }

 private:
  const AVFrame& frame_;
  int width_;
  bool palette_ = false;
  Component component_;
  bool big_endian_ = false;
};

template <typename T>
void Compose(PlaneView<T> plane, int y, int shift_x, const unsigned* alpha, int width, int64_t max,
             int64_t black) {
  T* row = plane.Row(y);
  for (int x = 0; x < plane.width; ++x) {
    int64_t sum = 0;
    int64_t count = 0;
    for (int i = x << shift_x; i < std::min(width, (x + 1) << shift_x); ++i, ++count)
      sum += alpha[i];
    const int64_t share = max * count;
    const int64_t value = (int64_t{row[x]} - black) * sum;
    // To the nearest, both signs alike.
    row[x] = static_cast<T>(black + (value >= 0 ? value + share / 2 : value - share / 2) / share);
  }
}

}  // namespace

bool IsOpaque(const AVFrame& frame) {
  const AlphaRows rows(frame);
  std::vector<unsigned> alpha(static_cast<size_t>(frame.width));
  for (int y = 0; y < frame.height; ++y) {
    rows.Read(y, alpha.data());
    unsigned least = rows.max();
    for (const unsigned a : alpha) least = std::min(least, a);
    if (least < rows.max()) return false;
  }
  return true;
}

Image ComposeOverBlack(const AVFrame& frame, const PixelFormat& format, bool full_range) {
  const bool planar = PlanarFormat(static_cast<AVPixelFormat>(frame.format)).has_value();
  Image image = planar ? Image(format, frame.width, frame.height) : UnpackFrame(frame, format);
  if (planar) {
    FramePtr reference = NewFrame();
    CheckFf(av_frame_ref(reference.get(), &frame), Code::kOutOfMemory, "no memory for a frame");
    CopyPixels(WrapFrame(std::move(reference), format).view(), image.mutable_view());
  }
  const AlphaRows rows(frame);
  const size_t width = static_cast<size_t>(frame.width);
  std::vector<unsigned> alpha(width), block(width);
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const bool chroma = plane > 0 && format.model == ColorModel::kYuv;
    const int shift_x = chroma ? format.chroma_shift_x : 0;
    const int shift_y = chroma ? format.chroma_shift_y : 0;
    const int64_t black = chroma ? int64_t{1} << (format.bits - 1)
                          : full_range || format.model == ColorModel::kRgb
                              ? 0
                              : int64_t{16} << (format.bits - 8);
    for (int y = 0; y < format.PlaneHeight(plane, frame.height); ++y) {
      // Chroma goes by the mean of the pixels that it belongs to.
      std::fill(block.begin(), block.end(), 0u);
      int64_t lines = 0;
      for (int line = y << shift_y; line < std::min(frame.height, (y + 1) << shift_y); ++line) {
        rows.Read(line, alpha.data());
        for (size_t x = 0; x < width; ++x) block[x] += alpha[x];
        ++lines;
      }
      const int64_t max = lines * int64_t{rows.max()};
      if (format.type == SampleType::kU8) {
        Compose(image.MutablePlane<uint8_t>(plane), y, shift_x, block.data(), frame.width, max,
                black);
      } else {
        Compose(image.MutablePlane<uint16_t>(plane), y, shift_x, block.data(), frame.width, max,
                black);
      }
    }
  }
  return image;
}

std::optional<Orientation> OrientationOf(const int32_t* m) {
  double a = m[0], b = m[1], c = m[3], d = m[4];  // x' = a x + c y, y' = b x + d y
  Orientation turn;
  turn.mirrored = a * d - b * c < 0;
  if (turn.mirrored) {  // undo the mirroring that comes first
    a = -a;
    b = -b;
  }
  const double length = std::max(std::abs(a), std::abs(b));
  if (length == 0 || std::min(std::abs(a), std::abs(b)) > 1e-3 * length) return std::nullopt;
  const bool straight = std::abs(a) > std::abs(b);
  // The second column must be the first one turned by a right angle.
  if (straight ? std::abs(c) > 1e-3 * std::abs(d) : std::abs(d) > 1e-3 * std::abs(c)) {
    return std::nullopt;
  }
  turn.clockwise_deg = straight ? (a > 0 ? 0 : 180) : (b > 0 ? 90 : 270);
  return turn;
}

PixelFormat TurnedFormat(const PixelFormat& format, const Orientation& turn) {
  PixelFormat result = format;
  if (turn.SwapsAxes()) std::swap(result.chroma_shift_x, result.chroma_shift_y);
  return result;
}

int TurnedChromaLocation(int location, const Orientation& turn) {
  if (location < 1 || location > 6) return 0;
  // Position within the 2 x 2 block relative to its centre, x and y in {-1, 0, 1}.
  constexpr int kX[7] = {0, -1, 0, -1, 0, -1, 0}, kY[7] = {0, 0, 0, -1, -1, 1, 1};
  // FFmpeg's order is left, centre, top left, top, bottom left, bottom.
  int x = kX[location], y = kY[location];
  if (turn.mirrored) x = -x;
  for (int turned = 0; turned < turn.clockwise_deg; turned += 90) {
    const int old_x = x;
    x = -y;
    y = old_x;
  }
  for (int i = 1; i <= 6; ++i) {
    if (kX[i] == x && kY[i] == y) return i;
  }
  return 0;  // on the right: no code point
}

namespace {

// to(x, y) = *(origin + x * step_x + y * step_y), in tiles that stay in the cache.
template <typename T>
void TurnPlane(const std::byte* origin, ptrdiff_t step_x, ptrdiff_t step_y, PlaneView<T> to) {
  constexpr int kTile = 32;
  for (int y0 = 0; y0 < to.height; y0 += kTile) {
    const int y1 = std::min(y0 + kTile, to.height);
    for (int x0 = 0; x0 < to.width; x0 += kTile) {
      const int x1 = std::min(x0 + kTile, to.width);
      for (int y = y0; y < y1; ++y) {
        const std::byte* from = origin + x0 * step_x + y * step_y;
        T* row = to.Row(y);
        for (int x = x0; x < x1; ++x, from += step_x) std::memcpy(row + x, from, sizeof(T));
      }
    }
  }
}

template <typename T>
void TurnPlane(PlaneView<const T> from, const Orientation& turn, PlaneView<T> to) {
  const auto* data = reinterpret_cast<const std::byte*>(from.data);
  ptrdiff_t right = sizeof(T);  // one source pixel to the right
  const ptrdiff_t down = from.stride;
  if (turn.mirrored) {
    data += (from.width - 1) * right;
    right = -right;
  }
  const int w = from.width - 1, h = from.height - 1;
  switch (turn.clockwise_deg) {
    case 90:
      return TurnPlane(data + h * down, -down, right, to);
    case 180:
      return TurnPlane(data + h * down + w * right, -right, -down, to);
    case 270:
      return TurnPlane(data + w * right, down, -right, to);
    default:
      return TurnPlane(data, right, down, to);
  }
}

}  // namespace

Image TurnImage(const ImageView& image, const Orientation& turn) {
  const PixelFormat format = TurnedFormat(image.format, turn);
  Image result(format, turn.SwapsAxes() ? image.height : image.width,
               turn.SwapsAxes() ? image.width : image.height);
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    if (format.type == SampleType::kU8) {
      TurnPlane(image.Plane<uint8_t>(plane), turn, result.MutablePlane<uint8_t>(plane));
    } else {
      TurnPlane(image.Plane<uint16_t>(plane), turn, result.MutablePlane<uint16_t>(plane));
    }
  }
  return result;
}

}  // namespace mdvt::ff
