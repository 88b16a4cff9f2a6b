// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/geometry_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "io/fast_decimal.h"
#include "io/text_file.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

using Colors = std::vector<Eigen::Matrix<uint8_t, 3, 1>>;
using Triangles = std::vector<Eigen::Matrix<int32_t, 3, 1>>;

void CheckPoints(const std::vector<Eigen::Vector3f>& points, const Colors& colors,
                 const std::string& path) {
  Require(colors.empty() || colors.size() == points.size(), Code::kInvalidArgument,
          path + ": " + std::to_string(points.size()) + " points with " +
              std::to_string(colors.size()) + " colours, must be none or one per point");
  Require(points.size() <= 0x7FFFFFFF, Code::kLimit,
          path + ": " + std::to_string(points.size()) + " points, the format holds 2^31 - 1");
  for (size_t i = 0; i < points.size(); ++i) {
    Require(points[i].allFinite(), Code::kInvalidArgument,
            path + ": point " + std::to_string(i) + " has a coordinate that is not finite");
  }
}

void CheckTriangles(const Triangles& triangles, size_t num_points, const std::string& path) {
  for (size_t i = 0; i < triangles.size(); ++i) {
    const auto& t = triangles[i];
    Require(t.minCoeff() >= 0 && static_cast<size_t>(t.maxCoeff()) < num_points,
            Code::kInvalidArgument,
            path + ": triangle " + std::to_string(i) + " names a point that is not there");
  }
}

// Little-endian bytes whatever the machine.
template <typename T>
void Put(T value, char* out) {
  std::memcpy(out, &value, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  std::reverse(out, out + sizeof(value));
#endif
}

template <typename T>
void PutVertices(const std::vector<Eigen::Vector3f>& points, const Colors& colors,
                 AtomicFile* file) {
  const size_t size = 3 * sizeof(T) + (colors.empty() ? 0 : 3);
  for (size_t i = 0; i < points.size(); ++i) {
    char* const record = file->Room(size);
    for (int axis = 0; axis < 3; ++axis) {
      Put(static_cast<T>(points[i][axis]), record + static_cast<size_t>(axis) * sizeof(T));
    }
    if (!colors.empty()) std::memcpy(record + 3 * sizeof(T), colors[i].data(), 3);
    file->Add(size);
  }
}

void WritePlyFile(const std::string& path, const std::vector<Eigen::Vector3f>& points,
                  const Colors& colors, const Triangles* triangles, PlyScalar scalar) {
  CheckPoints(points, colors, path);
  if (triangles != nullptr) CheckTriangles(*triangles, points.size(), path);
  const std::string type = scalar == PlyScalar::kDouble ? "double" : "float";
  std::string header = "ply\nformat binary_little_endian 1.0\nelement vertex " +
                       std::to_string(points.size()) + "\n";
  for (const char* axis : {"x", "y", "z"}) header += "property " + type + " " + axis + "\n";
  if (!colors.empty()) {
    for (const char* channel : {"red", "green", "blue"}) {
      header += std::string("property uchar ") + channel + "\n";
    }
  }
  if (triangles != nullptr) {
    header += "element face " + std::to_string(triangles->size()) +
              "\nproperty list uchar int vertex_indices\n";
  }
  header += "end_header\n";

  AtomicFile file(path);
  file.Write(header);
  if (scalar == PlyScalar::kDouble) {
    PutVertices<double>(points, colors, &file);
  } else {
    PutVertices<float>(points, colors, &file);
  }
  if (triangles != nullptr) {
    constexpr size_t kSize = 13;
    for (const auto& t : *triangles) {
      char* const record = file.Room(kSize);
      record[0] = 3;
      for (int i = 0; i < 3; ++i) Put(t[i], record + 1 + 4 * i);
      file.Add(kSize);
    }
  }
  file.Commit();
}

// The 256 colour values of an OBJ file as text with a space before.
class ColorTexts {
 public:
  explicit ColorTexts(int digits) {
    for (size_t i = 0; i < texts_.size(); ++i) {
      char* end = texts_[i].text;
      *end++ = ' ';
      end = std::to_chars(end, texts_[i].text + sizeof(texts_[i].text),
                          static_cast<double>(i) / 255, std::chars_format::general, digits)
                .ptr;
      texts_[i].size = static_cast<size_t>(end - texts_[i].text);
    }
  }
  char* Put(uint8_t value, char* out) const {
    const Text& text = texts_[value];
    std::memcpy(out, text.text, sizeof(text.text));  // a fixed size is a few moves
    return out + text.size;
  }

 private:
  struct Text {
    char text[16] = {};
    size_t size = 0;
  };
  std::array<Text, 256> texts_;
};

}  // namespace

void WritePly(const std::string& path, const PointCloud& cloud, PlyScalar scalar) {
  WritePlyFile(path, cloud.points, cloud.colors, nullptr, scalar);
}

void WritePly(const std::string& path, const TriangleMesh& mesh, PlyScalar scalar) {
  WritePlyFile(path, mesh.points, mesh.colors, &mesh.triangles, scalar);
}

void ObjOptions::Check() const {
  Require(significant_digits >= 1 && significant_digits <= 9, Code::kInvalidArgument,
          "ObjOptions.significant_digits = " + std::to_string(significant_digits) +
              ", must be in [1, 9]");
}

void WriteObj(const std::string& path, const TriangleMesh& mesh, const ObjOptions& options) {
  options.Check();
  CheckPoints(mesh.points, mesh.colors, path);
  CheckTriangles(mesh.triangles, mesh.points.size(), path);
  const int digits = options.significant_digits;
  const ColorTexts colors(digits);

  AtomicFile file(path);
  file.Write("# " + std::to_string(mesh.points.size()) + " vertices in metres, " +
             std::to_string(mesh.triangles.size()) + " triangles; x right, y down, z forward\n");
  constexpr size_t kLine = 128;  // six numbers of 16 bytes at most, with their blanks
  for (size_t i = 0; i < mesh.points.size(); ++i) {
    char* const line = file.Room(kLine);
    char* end = line;
    *end++ = 'v';
    for (int axis = 0; axis < 3; ++axis) {
      *end++ = ' ';
      const float value = mesh.points[i][axis];
      end = digits == 6
                ? FormatSix(value, end)
                : std::to_chars(end, line + kLine, value, std::chars_format::general, digits).ptr;
    }
    if (!mesh.colors.empty()) {
      for (int channel = 0; channel < 3; ++channel) end = colors.Put(mesh.colors[i][channel], end);
    }
    *end++ = '\n';
    file.Add(static_cast<size_t>(end - line));
  }
  for (const auto& t : mesh.triangles) {
    char* const line = file.Room(kLine);
    char* end = line;
    *end++ = 'f';
    for (int corner = 0; corner < 3; ++corner) {
      *end++ = ' ';
      end = std::to_chars(end, line + kLine, int64_t{t[corner]} + 1).ptr;
    }
    *end++ = '\n';
    file.Add(static_cast<size_t>(end - line));
  }
  file.Commit();
}

}  // namespace mdvt
