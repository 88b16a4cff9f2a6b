// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/voxel_cloud.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt {
namespace {

using Color = Eigen::Matrix<uint8_t, 3, 1>;
using Place = std::tuple<int64_t, int64_t, int64_t>;

Place PlaceOf(const Eigen::Vector3f& p, double size) {
  return {static_cast<int64_t>(std::floor(p.x() / size)),
          static_cast<int64_t>(std::floor(p.y() / size)),
          static_cast<int64_t>(std::floor(p.z() / size))};
}

TEST(VoxelCloud, KeepsTheMeanOfEachCube) {
  std::mt19937_64 rng = test::Rng();
  std::uniform_real_distribution<float> uniform(-3, 3);
  struct Sum {
    Eigen::Vector3d points = Eigen::Vector3d::Zero();
    Eigen::Vector3d colors = Eigen::Vector3d::Zero();
    int count = 0;
  };
  std::map<Place, Sum> want;
  VoxelCloud cloud(0.25);
  for (int i = 0; i < 50000; ++i) {
    const Eigen::Vector3f point(uniform(rng), uniform(rng), uniform(rng));
    const Color color(static_cast<uint8_t>(rng()), static_cast<uint8_t>(rng()), 7);
    cloud.Add(point, color);
    Sum& sum = want[PlaceOf(point, 0.25)];
    sum.points += point.cast<double>();
    sum.colors += color.cast<double>();
    ++sum.count;
  }
  EXPECT_EQ(cloud.size(), want.size());
  EXPECT_EQ(cloud.voxel_size(), 0.25);
  size_t seen = 0;
  cloud.ForEach([&](const Eigen::Vector3f& point, const Color& color) {
    const auto found = want.find(PlaceOf(point, 0.25));
    ASSERT_NE(found, want.end());
    EXPECT_LT((point.cast<double>() - found->second.points / found->second.count).norm(), 1e-6);
    EXPECT_LE(
        (color.cast<double>() - found->second.colors / found->second.count).cwiseAbs().maxCoeff(),
        0.5);
    ++seen;
  });
  EXPECT_EQ(seen, want.size());
}

TEST(VoxelCloud, CubesDoubleWhereThereAreTooMany) {
  VoxelCloud cloud(1, 100);
  int added = 0;
  for (int x = -8; x < 8; ++x)
    for (int y = -8; y < 8; ++y)
      for (int z = 0; z < 4; ++z, ++added)
        cloud.Add(
            Eigen::Vector3f(static_cast<float>(x), static_cast<float>(y), static_cast<float>(z)) +
                Eigen::Vector3f::Constant(0.5f),
            {1, 2, 3});
  // 16 x 16 x 4 cubes of 1 m are 8 x 8 x 2 of 2 m and 4 x 4 x 1 of 4 m.
  EXPECT_EQ(cloud.voxel_size(), 4);
  EXPECT_EQ(cloud.size(), 16u);
  Eigen::Vector3f mean = Eigen::Vector3f::Zero();
  cloud.ForEach([&](const Eigen::Vector3f& point, const Color& color) {
    EXPECT_EQ(color, Color(1, 2, 3));
    mean += point / 16;
  });
  EXPECT_LT((mean - Eigen::Vector3f(0, 0, 2)).norm(), 1e-5);
}

TEST(VoxelCloud, LeavesOutWhatIsBeyondItsAxes) {
  VoxelCloud cloud(1e-3);
  cloud.Add({1e4f, 0, 0}, {0, 0, 0});
  cloud.Add({0, NAN, 0}, {0, 0, 0});
  EXPECT_EQ(cloud.size(), 0u);
  test::ExpectError(Code::kInvalidArgument, "size is 0", [] { VoxelCloud(0); });
  test::ExpectError(Code::kInvalidArgument, "most is 7", [] { VoxelCloud(1, 7); });
}

}  // namespace
}  // namespace mdvt
