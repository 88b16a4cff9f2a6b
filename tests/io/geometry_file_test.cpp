// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/geometry_file.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>

#include "io/expect_error.h"
#include "io/fast_decimal.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

using test::ExpectError;

TriangleMesh Quad() {
  TriangleMesh mesh;
  mesh.points = {{0, 0, 1}, {1.5f, 0, 1}, {0, -0.25f, 2}, {1e-7f, 123456.7f, 1e9f}};
  mesh.colors = {{0, 0, 0}, {255, 1, 128}, {10, 20, 30}, {255, 255, 255}};
  mesh.triangles = {{0, 2, 1}, {1, 2, 3}};
  return mesh;
}

TEST(WritePly, MatchesTheFormatByteForByte) {
  const test::TempDir dir;
  PointCloud cloud;
  cloud.points = {{1, -2, 0.5f}};
  cloud.colors = {{1, 2, 255}};
  WritePly(dir / "a.ply", cloud);
  const std::string expected =
      std::string(
          "ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\n"
          "property float y\nproperty float z\nproperty uchar red\nproperty uchar green\n"
          "property uchar blue\nend_header\n") +
      std::string("\0\0\x80\x3F\0\0\0\xC0\0\0\0\x3F\x01\x02\xFF", 15);
  EXPECT_EQ(test::ReadText(dir / "a.ply"), expected);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
}

TEST(WritePly, DoublesAndFaces) {
  const test::TempDir dir;
  WritePly(dir / "a.ply", Quad(), PlyScalar::kDouble);
  const std::string text = test::ReadText(dir / "a.ply");
  const size_t header = text.find("end_header\n") + 11;
  EXPECT_NE(text.find("property double x\n"), std::string::npos);
  EXPECT_NE(text.find("element face 2\nproperty list uchar int vertex_indices\n"),
            std::string::npos);
  ASSERT_EQ(text.size(), header + 4 * 27 + 2 * 13);
  double x;
  std::memcpy(&x, &text[header + 27], 8);
  EXPECT_EQ(x, 1.5);
  EXPECT_EQ(text[header + 4 * 27], 3);
  int32_t index;
  std::memcpy(&index, &text[header + 4 * 27 + 13 + 9], 4);
  EXPECT_EQ(index, 3);
}

TEST(WritePly, EmptyAndUncoloured) {
  const test::TempDir dir;
  WritePly(dir / "a.ply", PointCloud());
  EXPECT_NE(test::ReadText(dir / "a.ply").find("element vertex 0\n"), std::string::npos);
  PointCloud cloud;
  cloud.points.assign(100000, {1, 2, 3});
  WritePly(dir / "a.ply", cloud);
  const std::string text = test::ReadText(dir / "a.ply");
  EXPECT_EQ(text.find("red"), std::string::npos);
  EXPECT_EQ(text.size(), text.find("end_header\n") + 11 + 1200000);
}

TEST(WriteObj, WritesWhatTheOriginalsWrite) {
  const test::TempDir dir;
  WriteObj(dir / "a.obj", Quad());
  EXPECT_EQ(test::ReadText(dir / "a.obj"),
            "# 4 vertices in metres, 2 triangles; x right, y down, z forward\n"
            "v 0 0 1 0 0 0\n"
            "v 1.5 0 1 1 0.00392157 0.501961\n"
            "v 0 -0.25 2 0.0392157 0.0784314 0.117647\n"
            "v 1e-07 123457 1e+09 1 1 1\n"
            "f 1 3 2\n"
            "f 2 3 4\n");
}

TEST(WriteObj, NineDigitsReadBackExactly) {
  const test::TempDir dir;
  std::mt19937_64 rng = test::Rng();
  std::normal_distribution<float> normal(0, 50);
  TriangleMesh mesh;
  for (int i = 0; i < 1000; ++i) mesh.points.emplace_back(normal(rng), normal(rng), normal(rng));
  ObjOptions options;
  options.significant_digits = 9;
  WriteObj(dir / "a.obj", mesh, options);
  std::ifstream file(dir / "a.obj");
  std::string line;
  std::getline(file, line);
  for (const Eigen::Vector3f& point : mesh.points) {
    ASSERT_TRUE(std::getline(file, line));
    std::istringstream words(line);
    std::string v;
    Eigen::Vector3f back;
    words >> v >> back.x() >> back.y() >> back.z();
    ASSERT_EQ(back, point) << line;
  }
}

TEST(GeometryFiles, RefuseWhatNoReaderCouldUse) {
  const test::TempDir dir;
  const std::string path = dir / "a";
  TriangleMesh mesh = Quad();
  mesh.colors.pop_back();
  ExpectError(Code::kInvalidArgument, "4 points with 3 colours", [&] { WriteObj(path, mesh); });
  ExpectError(Code::kInvalidArgument, "4 points with 3 colours", [&] { WritePly(path, mesh); });
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    mesh = Quad();
    mesh.points[2].y() = bad;
    ExpectError(Code::kInvalidArgument, "point 2 has", [&] { WriteObj(path, mesh); });
    ExpectError(Code::kInvalidArgument, "point 2 has", [&] {
      WritePly(path, PointCloud{mesh.points, {}});
    });
  }
  for (const int bad : {-1, 4}) {
    mesh = Quad();
    mesh.triangles[1][2] = bad;
    ExpectError(Code::kInvalidArgument, "triangle 1 names", [&] { WriteObj(path, mesh); });
    ExpectError(Code::kInvalidArgument, "triangle 1 names", [&] { WritePly(path, mesh); });
  }
  for (const int digits : {0, 10, -1}) {
    ObjOptions options;
    options.significant_digits = digits;
    ExpectError(Code::kInvalidArgument, "significant_digits",
                [&] { WriteObj(path, Quad(), options); });
  }
  ExpectError(Code::kIo, "does not exist", [&] { WriteObj(dir / "no/a.obj", Quad()); });
  EXPECT_TRUE(std::filesystem::is_empty(dir.path()));
}

std::string SixBySystem(float value) {
  char text[64];
  return {text, std::to_chars(text, text + 64, value, std::chars_format::general, 6).ptr};
}
std::string SixByUs(float value) {
  char text[kSixDigitsRoom];
  return {text, FormatSix(value, text)};
}

TEST(FormatSix, EqualsPrintf) {
  std::mt19937_64 rng = test::Rng();
  std::vector<float> values = {
      0.0f,      -0.0f,           1.0f,      -1.0f,     0.1f,    1e-4f,   9.99e-5f,  999999.0f,
      999999.5f, 999999.44f,      1000000.f, 100000.5f, 2.5f,    0.5f,    123456.5f, 123457.5f,
      99999.95f, 0.000100000005f, 3e38f,     1e-45f,    -1e-38f, 65536.0f};
  for (const float v : std::vector<float>(values)) {
    values.push_back(std::nextafter(v, 1e38f));
    values.push_back(std::nextafter(v, -1e38f));
  }
  for (int i = 0; i < 300000; ++i) {
    const auto bits = static_cast<uint32_t>(rng());
    float any;
    std::memcpy(&any, &bits, 4);
    if (std::isfinite(any)) values.push_back(any);
    // Exact halves of the sixth digit, where rounding has to be right.
    values.push_back(static_cast<float>(rng() % 2000000) / 2);
    values.push_back(static_cast<float>(rng() % 16000000) / 16);
    values.push_back(
        static_cast<float>(std::pow(10.0, static_cast<double>(rng() % 1000) / 90 - 5)));
  }
  for (const float value : values) ASSERT_EQ(SixByUs(value), SixBySystem(value)) << value;
}

TEST(GeometryWriter, WritesWhatWasAnnouncedOrNothing) {
  const test::TempDir dir;
  const std::string path = dir / "mesh.ply";
  GeometryCounts counts;
  counts.points = 3;
  counts.triangles = 1;
  counts.has_triangles = true;
  const Eigen::Matrix<uint8_t, 3, 1> color(1, 2, 3);
  for (const bool ply : {true, false}) {
    const auto open = [&] { return ply ? NewPlyWriter(path, counts) : NewObjWriter(path, counts); };
    const auto three_points = [&] {
      auto writer = open();
      for (int i = 0; i < 3; ++i) writer->AddPoint({static_cast<float>(i), 0, 1}, color);
      return writer;
    };
    ExpectError(Code::kInvalidArgument, "0 points and 0 triangles were added, 3 and 1",
                [&] { open()->Finish(); });
    ExpectError(Code::kInvalidArgument, "3 points and 0 triangles were added",
                [&] { three_points()->Finish(); });
    ExpectError(Code::kInvalidArgument, "point 3 is more than were announced", [&] {
      three_points()->AddPoint({0, 0, 1}, color);
    });
    ExpectError(Code::kInvalidArgument, "triangle 0 comes before the last point", [&] {
      open()->AddTriangle({0, 1, 2});
    });
    ExpectError(Code::kInvalidArgument, "triangle 0 names a point that is not there", [&] {
      three_points()->AddTriangle({0, 1, 3});
    });
    ExpectError(Code::kInvalidArgument, "triangle 1 is more than were announced", [&] {
      const auto writer = three_points();
      writer->AddTriangle({0, 1, 2});
      writer->AddTriangle({0, 1, 2});
    });
    EXPECT_FALSE(std::filesystem::exists(path));
    const auto writer = three_points();
    writer->AddTriangle({0, 1, 2});
    writer->Finish();
    EXPECT_TRUE(std::filesystem::exists(path));
    std::filesystem::remove(path);
  }
}

// ---- Reading.

TEST(ReadPly, ReadsWhatIsWritten) {
  const test::TempDir dir;
  TriangleMesh mesh;
  mesh.points = {{0, 0, 1}, {1, 0, 1}, {0, 1, 2.5f}, {-3, 1, 2}};
  mesh.colors = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {255, 0, 128}};
  mesh.triangles = {{0, 1, 2}, {3, 1, 0}};
  for (const PlyScalar scalar : {PlyScalar::kFloat, PlyScalar::kDouble}) {
    WritePly(dir / "mesh.ply", mesh, scalar);
    const TriangleMesh back = ReadPly(dir / "mesh.ply");
    EXPECT_EQ(back.points, mesh.points);
    EXPECT_EQ(back.colors, mesh.colors);
    EXPECT_EQ(back.triangles, mesh.triangles);
  }
}

TEST(ReadPly, ReadsTextWithFansAndOtherThings) {
  const test::TempDir dir;
  std::ofstream(dir / "t.ply") << "ply\r\nformat ascii 1.0\ncomment made by hand\n"
                                  "element vertex 4\nproperty float quality\nproperty double z\n"
                                  "property double y\nproperty double x\nproperty float red\n"
                                  "property float green\nproperty float blue\n"
                                  "element range_grid 2\nproperty list uchar int vertex_indices\n"
                                  "element face 1\nproperty list uchar int vertex_index\n"
                                  "end_header\n"
                                  "9 3 2 1 0 0.5 1\n9 3 2 2 1 1 1\n9 3 3 2 1 1 1\n9 3 3 1 1 1 1\n"
                                  "0\n2 0 1\n4 0 1 2 3\n";
  const TriangleMesh mesh = ReadPly(dir / "t.ply");
  ASSERT_EQ(mesh.points.size(), 4u);
  EXPECT_EQ(mesh.points[0], Eigen::Vector3f(1, 2, 3));
  EXPECT_EQ(mesh.colors[0], (Eigen::Matrix<uint8_t, 3, 1>(0, 128, 255)));
  ASSERT_EQ(mesh.triangles.size(), 2u);
  EXPECT_EQ(mesh.triangles[1], (Eigen::Matrix<int32_t, 3, 1>(0, 2, 3)));
}

TEST(ReadPly, SaysWhatIsWrong) {
  const test::TempDir dir;
  const std::string path = dir / "bad.ply";
  const auto fails = [&](const std::string& text, const std::string& part) {
    std::ofstream(path, std::ios::binary) << text;
    test::ExpectError(Code::kCorrupt, part, [&] { ReadPly(path); });
  };
  const std::string head = "ply\nformat ascii 1.0\n";
  const std::string xyz = "property float x\nproperty float y\nproperty float z\n";
  fails("", "bad.ply: is no PLY file");
  fails("ply\nformat ascii 1.0\n", "has no end");
  fails("ply\nend_header\n", "does not say in which format");
  fails("ply\nformat quantum 1.0\nend_header\n", "format 'quantum'");
  fails(head + "element vertex -1\n" + xyz + "end_header\n", "a count of '-1'");
  fails(head + "element vertex 1\nproperty half x\nend_header\n", "of a type that PLY");
  fails(head + "element vertex 1\nproperty float x\nend_header\n1\n", "no x, y and z");
  fails(head + "element vertex 2147483647\n" + xyz + "end_header\n1 2 3\n", "ends too early");
  fails(head + "element vertex 1\n" + xyz + "end_header\n1 two 3\n", "'two'");
  fails(head + "element vertex 1\n" + xyz + "end_header\n1 nan 3\n", "vertex 0 is not finite");
  fails(head + "element vertex 1\n" + xyz +
            "element face 1\nproperty list uchar int vertex_indices\nend_header\n1 2 3\n3 0 0 1\n",
        "names a vertex that is not there");
  fails(head + "element camera 1\nproperty float x\nend_header\n1\n", "holds no vertices");
  test::ExpectError(Code::kNotFound, "nowhere.ply", [&] { ReadPly(dir / "nowhere.ply"); });
}

}  // namespace
}  // namespace mdvt
