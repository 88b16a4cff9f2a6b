// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/voxel_cloud.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kBits = 21;
constexpr int64_t kHalf = int64_t{1} << (kBits - 1);
constexpr uint64_t kMask = (uint64_t{1} << kBits) - 1;
constexpr uint64_t kUsed = uint64_t{1} << 63;
// Colours are summed in 32 bits.
constexpr uint32_t kMostPoints = 1 << 24;

// Mixes all bits of the key into the low ones (Stafford's variant 13 of the finaliser of
// MurmurHash3).
uint64_t Hash(uint64_t key) {
  key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
  key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
  return key ^ (key >> 31);
}

int64_t Axis(uint64_t key, int axis) {
  return static_cast<int64_t>(key >> (kBits * axis) & kMask) - kHalf;
}

uint64_t KeyOf(const Eigen::Matrix<int64_t, 3, 1>& place) {
  uint64_t key = kUsed;
  for (int i = 0; i < 3; ++i) key |= static_cast<uint64_t>(place[i] + kHalf) << (kBits * i);
  return key;
}

}  // namespace

VoxelCloud::VoxelCloud(double size, size_t most) : size_(size), most_(most), table_(1024) {
  Require(size > 0 && std::isfinite(size), Code::kInvalidArgument,
          "VoxelCloud: size is " + FormatDouble(size) + ", must be more than 0");
  Require(most >= 8, Code::kInvalidArgument,
          "VoxelCloud: most is " + std::to_string(most) + ", must be at least 8");
}

VoxelCloud::Cube* VoxelCloud::Find(uint64_t key) {
  const size_t last = table_.size() - 1;
  size_t at = Hash(key) & last;
  while (table_[at].key != 0 && table_[at].key != key) at = (at + 1) & last;
  return &table_[at];
}

void VoxelCloud::Add(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color) {
  Eigen::Matrix<int64_t, 3, 1> place;
  for (int i = 0; i < 3; ++i) {
    const double cube = std::floor(point[i] / size_);
    if (!(std::abs(cube) < static_cast<double>(kHalf))) return;
    place[i] = static_cast<int64_t>(cube);
  }
  Cube* cube = Find(KeyOf(place));
  if (cube->key == 0) {
    if (count_ == most_) {
      Coarsen();
      return Add(point, color);
    }
    if (2 * (count_ + 1) > table_.size()) {
      Grow();
      cube = Find(KeyOf(place));
    }
    cube->key = KeyOf(place);
    ++count_;
  }
  if (cube->count == kMostPoints) return;
  cube->sum += point.cast<double>();
  cube->color += color.cast<uint32_t>();
  ++cube->count;
}

void VoxelCloud::Grow() {
  std::vector<Cube> old(2 * table_.size());
  old.swap(table_);
  for (const Cube& cube : old)
    if (cube.key != 0) *Find(cube.key) = cube;
}

void VoxelCloud::Coarsen() {
  size_ *= 2;
  count_ = 0;
  std::vector<Cube> old(table_.size());
  old.swap(table_);
  for (const Cube& cube : old) {
    if (cube.key == 0) continue;
    Eigen::Matrix<int64_t, 3, 1> place;
    for (int i = 0; i < 3; ++i) place[i] = Axis(cube.key, i) >> 1;  // rounds down
    Cube* into = Find(KeyOf(place));
    if (into->key == 0) {
      into->key = KeyOf(place);
      ++count_;
    }
    into->sum += cube.sum;
    // Of cubes that together are too full for their sums, a share counts.
    const uint32_t count = std::min(cube.count, kMostPoints - into->count);
    if (count < cube.count) into->sum -= cube.sum * (1 - static_cast<double>(count) / cube.count);
    for (int i = 0; i < 3; ++i)
      into->color[i] += static_cast<uint32_t>(uint64_t{cube.color[i]} * count / cube.count);
    into->count += count;
  }
}

void VoxelCloud::ForEach(
    const std::function<void(const Eigen::Vector3f&, const Eigen::Matrix<uint8_t, 3, 1>&)>& take)
    const {
  std::vector<std::pair<uint64_t, size_t>> order;
  order.reserve(count_);
  for (size_t i = 0; i < table_.size(); ++i)
    if (table_[i].key != 0) order.emplace_back(table_[i].key, i);
  std::sort(order.begin(), order.end());
  for (const auto& [key, i] : order) {
    const Cube& cube = table_[i];
    Eigen::Matrix<uint8_t, 3, 1> color;
    for (int k = 0; k < 3; ++k)
      color[k] = static_cast<uint8_t>((cube.color[k] + cube.count / 2) / cube.count);
    take((cube.sum / cube.count).cast<float>(), color);
  }
}

}  // namespace mdvt
