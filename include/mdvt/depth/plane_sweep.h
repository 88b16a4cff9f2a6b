// SPDX-License-Identifier: Apache-2.0
//
// Depth of every pixel of a frame from others of known pose: each plane of a stack at even steps of
// inverse depth is held before the camera, the other pictures are laid on it, and every pixel takes
// the plane on which they look like it, together with its neighbours.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/depth/multi_view.h"

namespace mdvt {

// A picture as it is compared: four bytes a pixel, luma, blue and red less luma, and
// luma against its surroundings, which stays as it is when the exposure changes.
class SweepPicture {
 public:
  SweepPicture() = default;
  // red, green, blue  8 bit, of one size. The same plane three times is a grey picture.
  // Throws Error(kInvalidArgument) if they are empty or differ in size.
  SweepPicture(PlaneView<const uint8_t> red, PlaneView<const uint8_t> green,
               PlaneView<const uint8_t> blue, ThreadPool* pool);

  int width() const { return width_; }
  int height() const { return height_; }
  bool empty() const { return width_ == 0; }
  // Rows of width() + 1 pixels, height() + 1 rows: the last ones are there twice.
  ptrdiff_t stride() const { return width_ + 1; }
  const uint32_t* Row(int y) const { return pixels_.data() + stride() * y; }

 private:
  int width_ = 0, height_ = 0;
  std::vector<uint32_t> pixels_;
};

// The largest difference of luma and both colour differences of two pixels.
inline int SweepDifference(uint32_t a, uint32_t b) {
  int most = 0;
  for (int k = 0; k < 24; k += 8) {
    const int difference = static_cast<int>((a >> k) & 255) - static_cast<int>((b >> k) & 255);
    most = std::max(most, difference < 0 ? -difference : difference);
  }
  return most;
}

struct SweepView {
  const SweepPicture* picture = nullptr;  // of the reference's size
  Camera camera;
  Pose view_from_reference = Pose::Identity();
};

struct PlaneSweepOptions {
  // Inverse depth of the planes at both ends. Valid: 0 <= farthest < nearest.
  float farthest = 0, nearest = 1;
  int planes = 64;  // a multiple of 16. Valid: [16, 256].

  // What the sums of differences of a pixel (0 to 1020) are cut off at. Valid: [1, 1020].
  int most_difference = 40;
  // Costs, of [0, 255], of a step of one plane and of more between neighbours. The latter falls to
  // a quarter where the picture has an edge. Valid: [0, 4096], step <= jump.
  int step_cost = 24, jump_cost = 300;

  void Check() const;
};

struct SweepResult {
  int width = 0, height = 0;
  std::vector<float> value;      // inverse depth, everywhere
  std::vector<uint16_t> margin;  // how much dearer the best plane is that is not next to it
  std::vector<uint8_t> cost;     // what remains of the difference there, of 255
};

// Truncated absolute differences in 3 x 3 pixels, the better half of the views (what one side does
// not see the other does), semi-global matching along four paths with steps that are cheaper on
// edges, and a parabola between planes. In whole numbers: the same for every number of threads and
// every instruction set.
// Source: H. Hirschmueller, Stereo processing by semi-global matching and mutual information, 2008;
// R. T. Collins, A space-sweep approach to true multi-image matching, 1996.
class PlaneSweep {
 public:
  PlaneSweep();
  ~PlaneSweep();
  PlaneSweep(PlaneSweep&&) noexcept;
  PlaneSweep& operator=(PlaneSweep&&) noexcept;

  // views  1 to 16.
  // Throws Error(kInvalidArgument) if sizes differ or an option is out of range.
  void Compute(const SweepPicture& reference, const Camera& camera,
               const std::vector<SweepView>& views, const PlaneSweepOptions& options,
               ThreadPool* pool, SweepResult* result);

  void ReleaseMemory();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
