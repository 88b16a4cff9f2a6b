// SPDX-License-Identifier: Apache-2.0
//
// Small side-by-side videos with holes, and their masks.
#pragma once

#include <string>
#include <vector>

#include "io/clip_maker.h"
#include "mdvt/io/video_writer.h"
#include "support/pictures.h"

namespace mdvt::test {

struct SbsShape {
  int width = 128;  // of both eyes
  int height = 64;
  int frames = 5;
  PixelFormat format = PixelFormat::Yuv(420);
  // Hole of each eye, in columns of the eye.
  int begin = 24;
  int end = 32;
};

// Squares of 8 x 8 pixels, of another value in each; the same in every eye.
inline Image SbsPicture(const SbsShape& shape, int frame) {
  return MakePicture(shape.format, shape.width, shape.height, [&](int plane, int x, int y) {
    const int shift_x = plane > 0 ? shape.format.chroma_shift_x : 0;
    const int shift_y = plane > 0 ? shape.format.chroma_shift_y : 0;
    const int column = (x << shift_x) % (shape.width / 2) / 8, row = (y << shift_y) / 8;
    return (plane > 0 ? 120 : 60) + (column * 7 + row * 13 + frame * 5) % (plane > 0 ? 16 : 128);
  });
}

inline bool IsSbsHole(const SbsShape& shape, int x) {
  const int column = x % (shape.width / 2);
  return column >= shape.begin && column < shape.end;
}

inline void MakeSbs(const std::string& path, const SbsShape& shape,
                    const VideoWriterOptions& options = {}, bool black_holes = true) {
  VideoWriter writer(path, shape.format, shape.width, shape.height, options);
  for (int f = 0; f < shape.frames; ++f) {
    Image image = SbsPicture(shape, f);
    if (black_holes)
      for (int y = 0; y < shape.height; ++y)
        for (int x = 0; x < shape.width; ++x)
          if (IsSbsHole(shape, x)) SetSample(image, 0, x, y, 16);
    writer.Write(image, 40 * f, 40);
  }
  writer.Finish();
}

// `color` is (R, G, B) of the holes.
inline void MakeSbsMask(const std::string& path, const SbsShape& shape,
                        const std::vector<int>& color = {1, 127, 127},
                        const VideoWriterOptions& options = {}) {
  VideoWriter writer(path, PixelFormat::Rgb(8), shape.width, shape.height, options);
  for (int f = 0; f < shape.frames; ++f)
    writer.Write(MakePicture(PixelFormat::Rgb(8), shape.width, shape.height,
                             [&](int plane, int x, int) {
                               return IsSbsHole(shape, x) ? color[static_cast<size_t>(plane)] : 0;
                             }),
                 40 * f, 40);
  writer.Finish();
}

}  // namespace mdvt::test
