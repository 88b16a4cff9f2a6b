// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the foreground, remembered over a clip: a picture with depth, made of the
// background of all its frames. Drawn where a view has holes, it shows what was seen there at
// another time.
//
//   BackgroundPlate plate(cameras_and_poses);
//   for (each frame) plate.Add(color, depth, foreground, camera, pose);
//   for (const PlateSurface& surface : plate.Surfaces()) draw(surface);
#pragma once

#include <Eigen/Core>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// A depth map in the world.
struct PlateSurface {
  Image color;  // Rgb(bits)
  Image depth;  // GrayF32, metres, 0 = never seen
  Camera camera;
  Pose world_from_cam;
};

struct BackgroundPlateOptions {
  int bits = 8;  // of all colours, 8 to 16
  // Cells in all, which bounds the memory: 24 bytes each. Plates of more are coarser. Valid:
  // [1, 2^26].
  int64_t max_cells = int64_t{1} << 22;
  // Depths that differ by less than this share are the same surface. Valid: (0, 1).
  double same_depth = 0.03;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// A view of the clip.
struct PlateView {
  Camera camera;
  Pose world_from_cam = Pose::Identity();
};

// The plate is a grid of cells as large as a pixel, seen from the world's origin: the picture of
// the camera itself where it never moves, else parts of the six faces of a cube, as far as the
// clip's frames reach. A cell keeps two surfaces, one behind the other, each with its mean 1 /
// depth and a running median of its colours. Memory does not grow with the number of frames.
class BackgroundPlate {
 public:
  // views  one per frame, or any selection that reaches as far; at least one.
  // Throws Error(kInvalidArgument).
  BackgroundPlate(const std::vector<PlateView>& views, const BackgroundPlateOptions& options = {},
                  ThreadPool* pool = nullptr);
  ~BackgroundPlate();
  BackgroundPlate(BackgroundPlate&&) noexcept;
  BackgroundPlate& operator=(BackgroundPlate&&) noexcept;

  // Adds the pixels of a frame that have depth and are no foreground.
  // color       Rgb(bits), W x H
  // depth       W x H, metres, 0 = no data
  // foreground  W x H, not 0 = foreground; empty: nothing is
  // Throws Error(kInvalidArgument) if sizes or formats disagree.
  void Add(const ImageView& color, const DepthView& depth, PlaneView<const uint8_t> foreground,
           const Camera& camera, const Pose& world_from_cam);

  using Color = std::array<uint16_t, 3>;
  // Adds a point in world axes, seen `times` times.
  void AddPoint(const Eigen::Vector3d& point, const Color& color, int times = 1);

  // What is there now. In each cell the farthest surface that was seen often enough (an eighth of
  // the times of the one seen most) and, in surfaces of their own, the nearer ones.
  std::vector<PlateSurface> Surfaces() const;

  int64_t cells() const;  // in all
  int64_t seen() const;   // that hold something

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Foreground by depth: what is nearer than `metres`, and all within two pixels of it (so that mixed
// pixels of its outline do not become background). Pixels without data are none. mask: W x H.
void MarkForeground(const DepthView& depth, double metres, const PlaneView<uint8_t>& mask,
                    ThreadPool* pool = nullptr);

}  // namespace mdvt
