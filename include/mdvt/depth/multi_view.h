// SPDX-License-Identifier: Apache-2.0
//
// Depth of every pixel of a frame from dense flow to other frames of known pose. All of it works on
// inverse depth, whose errors are even: what is measured is a displacement in pixels, and that is
// linear in inverse depth, not in depth.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"

namespace mdvt {

// 1 / z per pixel and how sure it is, row by row.
struct InverseDepthMap {
  int width = 0;
  int height = 0;
  std::vector<float> value;  // 1 / z, of the unit that the poses have; 0 = not known
  std::vector<float> sigma;  // standard deviation of value, where that is known

  void Reset(int new_width, int new_height);  // all unknown
  bool empty() const { return value.empty(); }
};

// The same in 3 bytes a pixel, for maps that wait: values from 2^-40 to 2^23 to 0.05 %, sigmas to
// 13 %. What lies outside is taken to the ends, unknown stays unknown.
struct PackedInverseDepth {
  int width = 0;
  int height = 0;
  std::vector<uint16_t> value;
  std::vector<uint8_t> sigma;
};
void PackInverseDepth(const InverseDepthMap& map, PackedInverseDepth* packed);
void UnpackInverseDepth(const PackedInverseDepth& packed, InverseDepthMap* map);

struct FlowDepthOptions {
  // Error of the flow in pixels where nothing speaks against it. Valid: (0, 100].
  float flow_sigma = 0.35f;
  // A pixel is not measured if its round trip misses by more (occlusion, no match) or if the flow
  // leaves the epipolar line by more (it moves by itself). Pixels. Valid: (0, 1000].
  float max_round_trip = 1.5f;
  float max_epipolar = 1.5f;
  // Fewest pixels of parallax that the measured depth must stand for. Valid: [0, 1000].
  float min_parallax = 0.5f;
  void Check() const;
};

// Depth of frame a from its flow to frame b:
//
//   rho = argmin | flow position in b  -  projection of the pixel at inverse depth rho |
//
// linearised about the epipolar line; sigma = pixel error / (pixels per unit of rho), where the
// pixel error joins flow_sigma, the distance from the line and half the round trip.
//
// camera_a, camera_b  of the size of the flow. cam_b_from_cam_a  any unit of length.
// round_trip          H x W, see RoundTripError().
// pool                null: the calling thread alone. Never changes the result.
// Throws Error(kInvalidArgument) if sizes differ or an option is out of range.
void DepthFromFlow(const Camera& camera_a, const Camera& camera_b, const Pose& cam_b_from_cam_a,
                   PlaneView<const Eigen::Vector2f> flow, PlaneView<const float> round_trip,
                   const FlowDepthOptions& options, ThreadPool* pool, InverseDepthMap* result);

// Joins several maps of one frame. Per pixel the candidate that most of the others support (by
// weight, within their errors) wins and is averaged with its supporters by inverse variance; the
// result's sigma grows with what speaks against it. Maps are at most 16, of one size.
//
// support  per pixel the number of maps that agree, or null.
void FuseInverseDepth(const std::vector<const InverseDepthMap*>& maps, ThreadPool* pool,
                      InverseDepthMap* result, std::vector<uint8_t>* support);

// What the frame with inverse depth `map` looks like from another camera: every pixel is carried to
// where it lies there, the nearest surface wins. Pixels that nothing reaches stay unknown, but for
// gaps of one pixel. Sigma is carried along (relative to the value) and grows by `growth` of the
// value.
void ReprojectInverseDepth(const InverseDepthMap& map, const Camera& camera,
                           const Camera& other_camera, const Pose& other_from_cam, float growth,
                           InverseDepthMap* result);

// The flow that the inverse depth `map` of frame a and the camera's motion to frame b stand for.
// Unknown pixels count as infinitely far.
void RigidFlow(const InverseDepthMap& map, const Camera& camera_a, const Camera& camera_b,
               const Pose& cam_b_from_cam_a, ThreadPool* pool, PlaneView<Eigen::Vector2f> flow);

}  // namespace mdvt
