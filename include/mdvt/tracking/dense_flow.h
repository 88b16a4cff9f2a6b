// SPDX-License-Identifier: Apache-2.0
//
// Where every pixel of one picture lies in another.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

// One displacement per pixel, row by row: pixel (i, j) of the first picture, centre (i + 0.5,
// j + 0.5), lies at (i + 0.5, j + 0.5) + At(i, j) in the second. Pixels.
struct FlowField {
  int width = 0;
  int height = 0;
  std::vector<Eigen::Vector2f> vectors;

  void Resize(int new_width, int new_height);
  bool empty() const { return vectors.empty(); }
  PlaneView<const Eigen::Vector2f> view() const {
    return {vectors.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * width, width, height};
  }
  PlaneView<Eigen::Vector2f> mutable_view() {
    return {vectors.data(), static_cast<ptrdiff_t>(sizeof(Eigen::Vector2f)) * width, width, height};
  }
};

// From now on the loops of OpenCV, which computes flow and tracks, run on the ThreadPool on whose
// permit the calling thread computes (see ThreadPool::Current()), and on that thread alone if there
// is none. Never changes a result. It holds for the whole process and every user of OpenCV in it:
// the main() of a program may call it, before anything else of OpenCV, a library should not.
void LetOpenCvUseThreadPools();

enum class FlowEffort {
  kFast,      // coarse grid of patches: about a quarter of the time, for small motion
  kBalanced,  // patches on half the resolution: for wide motion and exact vectors
};

// Dense inverse search (DIS) with variational refinement, on 8-bit luma. One object holds the
// buffers of one computation at a time: use one per thread. Gives the same field whatever the
// number of threads of the process.
// Source: T. Kroeger et al., Fast optical flow using dense inverse search, 2016.
class DenseFlow {
 public:
  explicit DenseFlow(FlowEffort effort = FlowEffort::kBalanced);
  ~DenseFlow();
  DenseFlow(DenseFlow&&) noexcept;
  DenseFlow& operator=(DenseFlow&&) noexcept;

  // flow  in: where to start the search, or empty for no idea; out: the field from `first` to
  //       `second`. Pictures too small for a patch (under 16 pixels on a side) give the start
  //       back, or zeros.
  // Throws Error(kInvalidArgument) if the pictures differ in size or are empty, or a start has
  // another size.
  void Compute(PlaneView<const uint8_t> first, PlaneView<const uint8_t> second, FlowField* flow);

  // Frees what Compute() keeps for the next pictures, about 60 bytes per pixel.
  void ReleaseMemory();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Turns a field from a to b into a start for the search from b to a: each vector is laid where it
// points to, negated; gaps take the nearest vector of their row, or of the rows beside it.
void InvertFlow(const FlowField& flow, FlowField* inverse);

// Per pixel the distance in pixels between where it starts and where it lands when it follows
// `forward` and then `backward` (bilinear); large (1e4) where it leaves the picture. Occlusion and
// failure show as values above a pixel or so.
void RoundTripError(const FlowField& forward, const FlowField& backward, PlaneView<float> error);

}  // namespace mdvt
