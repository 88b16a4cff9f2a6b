// SPDX-License-Identifier: Apache-2.0
#include "cli/clips.h"

#include <cmath>
#include <cstring>

namespace mdvt::test {

void PaintTexture(int frame, Image* image) {
  const PixelFormat format = image->format();
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const int width = format.PlaneWidth(plane, image->width());
    const int height = format.PlaneHeight(plane, image->height());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double u = x * (plane == 0 || format.chroma_shift_x == 0 ? 1 : 2) - 0.7 * frame;
        const double v = y * (plane == 0 || format.chroma_shift_y == 0 ? 1 : 2);
        const double wave = std::sin(0.31 * u + 0.002 * u * u) + std::sin(0.23 * v + 0.11 * u) +
                            std::sin(0.41 * v - 0.05 * u + plane);
        const double value = (0.5 + 0.13 * wave) * format.max_value();
        if (format.type == SampleType::kU8) {
          image->MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(value);
        } else {
          image->MutablePlane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(value);
        }
      }
    }
  }
}

void MakeColor(const std::string& path, const ClipShape& shape, PixelFormat format,
               VideoCodec codec) {
  VideoWriterOptions options;
  options.codec = codec;
  options.frame_rate = shape.rate;
  options.time_base = Rational{shape.rate.den, shape.rate.num};
  options.num_threads = 1;
  VideoWriter writer(path, format, shape.width, shape.height, options);
  for (int i = 0; i < shape.frames; ++i) {
    Image image(format, shape.width, shape.height);
    PaintTexture(i, &image);
    writer.Write(image, i, 1);
  }
  writer.Finish();
}

void MakeDepth(const std::string& path, const ClipShape& shape, const DepthAt& depth,
               const DepthClipOptions& options) {
  DepthVideoWriterOptions writer_options;
  writer_options.codec.encoding = options.encoding;
  writer_options.codec.max_depth = options.max_depth;
  writer_options.tags = options.tags;
  writer_options.video.frame_rate = shape.rate;
  writer_options.video.time_base = Rational{shape.rate.den, shape.rate.num};
  writer_options.video.num_threads = 1;
  DepthVideoWriter writer(path, shape.width, shape.height, writer_options);
  for (int i = 0; i < shape.frames; ++i) {
    Image image(PixelFormat::GrayF32(), shape.width, shape.height);
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x) image.MutablePlane<float>().At(x, y) = depth(i, x, y);
    writer.Write(image.Plane<float>(), i, 1);
  }
  writer.Finish();
}

std::vector<Image> ReadAllFrames(const std::string& path) {
  VideoReader reader(path);
  std::vector<Image> frames;
  while (std::optional<Frame> frame = reader.Read()) frames.push_back(frame->image.Clone());
  return frames;
}

bool SameFrames(const std::vector<Image>& a, const std::vector<Image>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const PixelFormat format = a[i].format();
    if (format != b[i].format() || a[i].width() != b[i].width() || a[i].height() != b[i].height())
      return false;
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      const size_t row = static_cast<size_t>(format.PlaneWidth(plane, a[i].width())) *
                         static_cast<size_t>(format.bytes_per_sample());
      for (int y = 0; y < format.PlaneHeight(plane, a[i].height()); ++y)
        if (std::memcmp(a[i].Plane<std::byte>(plane).Row(y), b[i].Plane<std::byte>(plane).Row(y),
                        row) != 0)
          return false;
    }
  }
  return true;
}

}  // namespace mdvt::test
