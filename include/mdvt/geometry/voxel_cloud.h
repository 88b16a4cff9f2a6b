// SPDX-License-Identifier: Apache-2.0
//
// A point cloud that is thinned while it grows, in bounded memory.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace mdvt {

// Keeps one point per cube of space: the mean of all that fell into it, and of their colours. When
// there are more cubes than allowed they become twice as large, each the union of eight. The result
// depends on the order in which points are added in the last bits only, and on nothing else.
class VoxelCloud {
 public:
  // size  edge of a cube in metres, more than 0
  // most  cubes, at least 8; each takes up to 128 bytes
  // Throws Error(kInvalidArgument).
  explicit VoxelCloud(double size, size_t most = size_t{1} << 22);

  // Points farther than 2^20 cubes from the origin in any axis are left out.
  void Add(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color);

  size_t size() const { return count_; }
  double voxel_size() const { return size_; }  // as it is now
  // Calls take(point, color) for every cube, in an order that depends on the cubes alone.
  void ForEach(const std::function<void(const Eigen::Vector3f&,
                                        const Eigen::Matrix<uint8_t, 3, 1>&)>& take) const;

 private:
  struct Cube {
    uint64_t key = 0;  // 0 = empty: the axes' numbers, 21 bits each, and one above them
    Eigen::Vector3d sum = Eigen::Vector3d::Zero();
    Eigen::Matrix<uint32_t, 3, 1> color = Eigen::Matrix<uint32_t, 3, 1>::Zero();
    uint32_t count = 0;
  };
  Cube* Find(uint64_t key);
  void Grow();
  void Coarsen();

  double size_;
  size_t most_;
  size_t count_ = 0;
  std::vector<Cube> table_;  // open addressing, a power of two, half full at most
};

}  // namespace mdvt
