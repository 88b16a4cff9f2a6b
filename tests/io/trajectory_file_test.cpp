// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/trajectory_file.h"

#include <gtest/gtest.h>

#include <string>

#include "io/expect_error.h"

namespace mdvt::test {
namespace {

std::vector<TimedPose> Tum(const std::string& text) { return ParseTum(text.data(), text.size()); }

TEST(Tum, ReadsPoses) {
  const auto poses =
      Tum("# timestamp tx ty tz qx qy qz qw\n"
          "0 1 2 3 0 0 0 1\n"
          "\n"
          "0.5,4\t5  6 0 0.70710678 0 0.70710678\r\n");
  ASSERT_EQ(poses.size(), 2u);
  EXPECT_EQ(poses[1].seconds, 0.5);
  EXPECT_TRUE(poses[0].world_from_cam.translation().isApprox(Eigen::Vector3d(1, 2, 3)));
  // A quarter turn about y takes z to x.
  EXPECT_TRUE((poses[1].world_from_cam.linear() * Eigen::Vector3d::UnitZ())
                  .isApprox(Eigen::Vector3d::UnitX(), 1e-7));
  EXPECT_TRUE(Tum("").empty());
}

TEST(Tum, NamesTheLineThatIsWrong) {
  ExpectError(Code::kCorrupt, "line 2: not the eight", [] { Tum("0 0 0 0 0 0 0 1\n1 2 3\n"); });
  ExpectError(Code::kCorrupt, "line 1: not the eight", [] { Tum("0 0 nan 0 0 0 0 1\n"); });
  ExpectError(Code::kCorrupt, "line 1: not the eight", [] { Tum("0 0 x 0 0 0 0 1\n"); });
  ExpectError(Code::kCorrupt, "no unit quaternion", [] { Tum("0 0 0 0 0 0 0 0\n"); });
  ExpectError(Code::kCorrupt, "line 2: its time",
              [] { Tum("0 0 0 0 0 0 0 1\n0 0 0 0 0 0 0 1\n"); });
  Limits limits;
  limits.max_frames = 1;
  const std::string two = "0 0 0 0 0 0 0 1\n1 0 0 0 0 0 0 1\n";
  ExpectError(Code::kLimit, "limit of 1 frames", [&] { ParseTum(two.data(), two.size(), limits); });
  ExpectError(Code::kNotFound, "nowhere", [] { ReadTumFile("nowhere.txt"); });
}

}  // namespace
}  // namespace mdvt::test
