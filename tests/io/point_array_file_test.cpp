// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/point_array_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "io/expect_error.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

struct Point {
  Eigen::Vector3d position, color;
};

std::vector<Point> Read(const std::string& path) {
  std::vector<Point> points;
  const int64_t count =
      ReadPointArray(path, [&](const Eigen::Vector3d& position, const Eigen::Vector3d& color) {
        points.push_back({position, color});
      });
  EXPECT_EQ(count, static_cast<int64_t>(points.size()));
  return points;
}

std::string Npy(const std::string& header, const std::vector<double>& values) {
  std::string text = header;
  while ((text.size() + 11) % 64 != 0) text.push_back(' ');
  text.push_back('\n');
  std::string file("\x93NUMPY\x01\0", 8);
  file.push_back(static_cast<char>(text.size()));
  file.push_back(static_cast<char>(text.size() >> 8));
  file += text;
  std::string data(values.size() * sizeof(double), '\0');
  std::memcpy(data.data(), values.data(), data.size());
  return file + data;
}

TEST(PointArray, ComesBackAsItWas) {
  const TempDir dir;
  std::mt19937_64 rng = Rng();
  std::uniform_real_distribution<double> any(-10, 10);
  std::vector<Point> points(10000);
  for (Point& point : points) {
    point.position = {any(rng), any(rng), any(rng)};
    point.color = {any(rng), any(rng), any(rng)};
  }
  WritePointArray(dir / "a.npy", 10000, [&](const PointTaker& take) {
    for (const Point& point : points) take(point.position, point.color);
  });
  EXPECT_EQ(std::filesystem::file_size(dir / "a.npy"), 128 + 10000 * 48u);
  const std::vector<Point> back = Read(dir / "a.npy");
  ASSERT_EQ(back.size(), 10000u);
  for (size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].position, points[i].position);
    EXPECT_EQ(back[i].color, points[i].color);
  }
  ExpectError(Code::kInvalidArgument, "announced",
              [&] { WritePointArray(dir / "b.npy", 3, [](const PointTaker&) {}); });
  EXPECT_FALSE(std::filesystem::exists(dir / "b.npy"));
}

TEST(PointArray, IsReadAsNumpyWritesIt) {
  const TempDir dir;
  std::ofstream(dir / "a.npy", std::ios::binary)
      << Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2, 3), }",
             {1, 2, 3, NAN, 5, 6, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6});
  const std::vector<Point> points = Read(dir / "a.npy");
  ASSERT_EQ(points.size(), 1u);  // the other one is not finite
  EXPECT_EQ(points[0].position, Eigen::Vector3d(1, 2, 3));
  EXPECT_EQ(points[0].color, Eigen::Vector3d(0.1, 0.2, 0.3));
}

TEST(PointArray, OtherFilesAreRefused) {
  const TempDir dir;
  const auto expect = [&](const std::string& content, const char* phrase) {
    std::ofstream(dir / "a.npy", std::ios::binary) << content;
    ExpectError(Code::kCorrupt, phrase, [&] { Read(dir / "a.npy"); });
  };
  const std::vector<double> twelve(12, 0.5);
  expect("", "no .npy file");
  expect("RIFF and so on, no array", "no .npy file");
  expect(Npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2, 2, 3), }", twelve), "type");
  expect(Npy("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 2, 3), }", twelve), "columns");
  expect(Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", twelve), "shape");
  expect(Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, -1, 3), }", twelve), "shape");
  expect(Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3, 3), }", twelve),
         "ends before its last point");
  expect(
      Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 999999999999999, 3), }", twelve),
      "ends before its last point");
  expect(Npy("{}", twelve), "type");
  ExpectError(Code::kNotFound, "no such file", [&] { Read(dir / "none.npy"); });
}

}  // namespace
}  // namespace mdvt::test
