// SPDX-License-Identifier: Apache-2.0
//
// Small clips with known content, made by the tests themselves.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/io/video_writer.h"

namespace mdvt::test {

struct ClipShape {
  int width = 96;
  int height = 64;
  int frames = 6;
  Rational rate{24, 1};
};

// Metres at a pixel; 0 = no data.
using DepthAt = std::function<float(int frame, int x, int y)>;

inline DepthAt Plane(float z) {
  return [z](int, int, int) { return z; };
}
// A near box on a far wall; the box moves to the right by a pixel a frame.
inline DepthAt BoxOnWall(const ClipShape& shape, float near_z, float far_z) {
  return [=](int frame, int x, int y) {
    const bool box = x - frame >= shape.width / 3 && x - frame < shape.width * 2 / 3 &&
                     y >= shape.height / 4 && y < shape.height * 3 / 4;
    return box ? near_z : far_z;
  };
}

// A picture without repetition: waves of several lengths, never black.
void PaintTexture(int frame, Image* image);

// Color video with PaintTexture; every frame another one. FFV1 keeps it exactly.
void MakeColor(const std::string& path, const ClipShape& shape,
               PixelFormat format = PixelFormat::Yuv(420), VideoCodec codec = VideoCodec::kFfv1);

struct DepthClipOptions {
  DepthEncoding encoding = DepthEncoding::kRgb16;
  double max_depth = 100;
  DepthTags tags;  // FOV ...
};
void MakeDepth(const std::string& path, const ClipShape& shape, const DepthAt& depth,
               const DepthClipOptions& options = {});

// All frames of a video in its own format.
std::vector<Image> ReadAllFrames(const std::string& path);
// True if two videos have the same frames, sample by sample.
bool SameFrames(const std::vector<Image>& a, const std::vector<Image>& b);

}  // namespace mdvt::test
