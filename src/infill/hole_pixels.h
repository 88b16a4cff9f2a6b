// SPDX-License-Identifier: Apache-2.0
//
// The pixels of all holes of a picture as a list, and the colours that fillers find for them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"

namespace mdvt {

using Color = std::array<float, 3>;  // samples of the planes of a picture, as they are stored

struct HolePixel {
  int32_t x = 0;
  int32_t y = 0;
  int32_t span = 0;  // index into HolePixels::spans()
};

struct HoleSpanOf {
  int32_t y = 0;
  HoleSpan span;
};

class HolePixels {
 public:
  // Lists the holes row by row, from left to right.
  void Reset(const HoleMap& holes);

  size_t size() const { return pixels_.size(); }
  const HolePixel& operator[](size_t i) const { return pixels_[i]; }
  const std::vector<HoleSpanOf>& spans() const { return spans_; }
  // Where pixel (x, y) is in the list; -1 if it is no hole. Inside the picture only.
  int32_t IndexAt(int x, int y) const {
    return index_[static_cast<size_t>(y) * static_cast<size_t>(width_) + static_cast<size_t>(x)];
  }

  // What has been found.
  std::vector<Color> colors;
  std::vector<uint8_t> known;

  // Writes the colours that are known. A chroma sample is written if all luma pixels that it stands
  // for are holes and the colour of one of them is known: the mean of those.
  void Store(const MutableImageView& image) const;
  // The holes whose colours are not known.
  void Remaining(const HoleMap& holes, HoleMap* rest) const;

 private:
  template <typename T>
  void StorePlane(const MutableImageView& image, int plane) const;

  int width_ = 0;
  int height_ = 0;
  std::vector<HolePixel> pixels_;
  std::vector<HoleSpanOf> spans_;
  std::vector<int32_t> index_;
};

// The colour at a position (edge coordinates, inside the picture), Catmull-Rom, within the range of
// the samples.
Color SampleColor(const ImageView& image, double x, double y);

// The middle one of three or more colours that agree: what is far from the median in the first
// plane is left out, the others are averaged by their weights.
struct Observation {
  Color color;
  float weight = 1;
};
// tolerance  in steps of a sample: differences up to it are noise
Color Agree(const std::vector<Observation>& seen, float tolerance);

}  // namespace mdvt
