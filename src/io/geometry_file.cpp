// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/geometry_file.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "core/little_endian.h"
#include "io/fast_decimal.h"
#include "io/output_file.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

using Colors = std::vector<Eigen::Matrix<uint8_t, 3, 1>>;
using Triangles = std::vector<Eigen::Matrix<int32_t, 3, 1>>;

void CheckColors(const std::vector<Eigen::Vector3f>& points, const Colors& colors,
                 const std::string& path) {
  Require(colors.empty() || colors.size() == points.size(), Code::kInvalidArgument,
          path + ": " + std::to_string(points.size()) + " points with " +
              std::to_string(colors.size()) + " colours, must be none or one per point");
}

// What both formats check and count.
class CheckedWriter : public GeometryWriter {
 public:
  CheckedWriter(const OutputTarget& target, const GeometryCounts& counts)
      : path_(target.path()), counts_(counts), file_(target) {
    Require(counts.points <= 0x7FFFFFFF, Code::kLimit,
            path_ + ": " + std::to_string(counts.points) + " points, the format holds 2^31 - 1");
  }

  void AddPoint(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color) final {
    if (!point.allFinite() || points_ == counts_.points) FailPoint();
    PutPoint(point, color);
    ++points_;
  }

  void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) final {
    if (!(triangle.minCoeff() >= 0 && static_cast<size_t>(triangle.maxCoeff()) < counts_.points) ||
        triangles_ == counts_.triangles || points_ != counts_.points) {
      FailTriangle();
    }
    PutTriangle(triangle);
    ++triangles_;
  }

  void Finish() final {
    Require(points_ == counts_.points && triangles_ == counts_.triangles, Code::kInvalidArgument,
            path_ + ": " + std::to_string(points_) + " points and " + std::to_string(triangles_) +
                " triangles were added, " + std::to_string(counts_.points) + " and " +
                std::to_string(counts_.triangles) + " were announced");
    file_.Finish();
  }

 protected:
  virtual void PutPoint(const Eigen::Vector3f& point,
                        const Eigen::Matrix<uint8_t, 3, 1>& color) = 0;
  virtual void PutTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) = 0;

  const GeometryCounts& counts() const { return counts_; }
  OutputFile* file() { return &file_; }

 private:
  [[noreturn]] void FailPoint() const {
    const std::string name = path_ + ": point " + std::to_string(points_);
    throw Error(Code::kInvalidArgument, points_ == counts_.points
                                            ? name + " is more than were announced"
                                            : name + " has a coordinate that is not finite");
  }
  [[noreturn]] void FailTriangle() const {
    const std::string name = path_ + ": triangle " + std::to_string(triangles_);
    throw Error(Code::kInvalidArgument,
                points_ != counts_.points         ? name + " comes before the last point"
                : triangles_ == counts_.triangles ? name + " is more than were announced"
                                                  : name + " names a point that is not there");
  }

  std::string path_;
  GeometryCounts counts_;
  OutputFile file_;
  size_t points_ = 0;
  size_t triangles_ = 0;
};

template <typename T>
class PlyWriter final : public CheckedWriter {
 public:
  PlyWriter(const OutputTarget& target, const GeometryCounts& counts, const std::string& type)
      : CheckedWriter(target, counts) {
    std::string header = "ply\nformat binary_little_endian 1.0\nelement vertex " +
                         std::to_string(counts.points) + "\n";
    for (const char* axis : {"x", "y", "z"}) header += "property " + type + " " + axis + "\n";
    if (counts.has_colors) {
      for (const char* channel : {"red", "green", "blue"}) {
        header += std::string("property uchar ") + channel + "\n";
      }
    }
    if (counts.has_triangles) {
      header += "element face " + std::to_string(counts.triangles) +
                "\nproperty list uchar int vertex_indices\n";
    }
    file()->Write(header + "end_header\n");
  }

 private:
  void PutPoint(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color) override {
    const size_t size = 3 * sizeof(T) + (counts().has_colors ? 3 : 0);
    char* const record = file()->Room(size);
    for (int axis = 0; axis < 3; ++axis)
      PutLittle(static_cast<T>(point[axis]), record + static_cast<size_t>(axis) * sizeof(T));
    if (counts().has_colors) std::memcpy(record + 3 * sizeof(T), color.data(), 3);
    file()->Add(size);
  }

  void PutTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) override {
    constexpr size_t kSize = 13;
    char* const record = file()->Room(kSize);
    record[0] = 3;
    for (int i = 0; i < 3; ++i) PutLittle(triangle[i], record + 1 + 4 * i);
    file()->Add(kSize);
  }
};

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

class ObjWriter final : public CheckedWriter {
 public:
  ObjWriter(const OutputTarget& target, const GeometryCounts& counts, int digits)
      : CheckedWriter(target, counts), digits_(digits), colors_(digits) {
    file()->Write("# " + std::to_string(counts.points) + " vertices in metres, " +
                  std::to_string(counts.triangles) + " triangles; x right, y down, z forward\n");
  }

 private:
  static constexpr size_t kLine = 128;  // six numbers of 16 bytes at most, with their blanks

  void PutPoint(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color) override {
    char* const line = file()->Room(kLine);
    char* end = line;
    *end++ = 'v';
    for (int axis = 0; axis < 3; ++axis) {
      *end++ = ' ';
      end = digits_ == 6
                ? FormatSix(point[axis], end)
                : std::to_chars(end, line + kLine, point[axis], std::chars_format::general, digits_)
                      .ptr;
    }
    if (counts().has_colors)
      for (int channel = 0; channel < 3; ++channel) end = colors_.Put(color[channel], end);
    *end++ = '\n';
    file()->Add(static_cast<size_t>(end - line));
  }

  void PutTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) override {
    char* const line = file()->Room(kLine);
    char* end = line;
    *end++ = 'f';
    for (int corner = 0; corner < 3; ++corner) {
      *end++ = ' ';
      end = std::to_chars(end, line + kLine, int64_t{triangle[corner]} + 1).ptr;
    }
    *end++ = '\n';
    file()->Add(static_cast<size_t>(end - line));
  }

  int digits_;
  ColorTexts colors_;
};

GeometryCounts Counts(const std::vector<Eigen::Vector3f>& points, const Colors& colors,
                      const Triangles* triangles) {
  GeometryCounts counts;
  counts.points = points.size();
  counts.has_colors = !colors.empty();
  counts.has_triangles = triangles != nullptr;
  if (triangles != nullptr) counts.triangles = triangles->size();
  return counts;
}

void WriteAll(const std::vector<Eigen::Vector3f>& points, const Colors& colors,
              const Triangles* triangles, GeometryWriter* writer) {
  const Eigen::Matrix<uint8_t, 3, 1> none = Eigen::Matrix<uint8_t, 3, 1>::Zero();
  for (size_t i = 0; i < points.size(); ++i)
    writer->AddPoint(points[i], colors.empty() ? none : colors[i]);
  if (triangles != nullptr)
    for (const auto& triangle : *triangles) writer->AddTriangle(triangle);
  writer->Finish();
}

}  // namespace

std::unique_ptr<GeometryWriter> NewPlyWriter(const OutputTarget& target,
                                             const GeometryCounts& counts, PlyScalar scalar) {
  if (scalar == PlyScalar::kDouble)
    return std::make_unique<PlyWriter<double>>(target, counts, "double");
  return std::make_unique<PlyWriter<float>>(target, counts, "float");
}

std::unique_ptr<GeometryWriter> NewObjWriter(const OutputTarget& target,
                                             const GeometryCounts& counts,
                                             const ObjOptions& options) {
  options.Check();
  return std::make_unique<ObjWriter>(target, counts, options.significant_digits);
}

void WritePly(const OutputTarget& target, const PointCloud& cloud, PlyScalar scalar) {
  CheckColors(cloud.points, cloud.colors, target.path());
  WriteAll(cloud.points, cloud.colors, nullptr,
           NewPlyWriter(target, Counts(cloud.points, cloud.colors, nullptr), scalar).get());
}

void WritePly(const OutputTarget& target, const TriangleMesh& mesh, PlyScalar scalar) {
  CheckColors(mesh.points, mesh.colors, target.path());
  WriteAll(mesh.points, mesh.colors, &mesh.triangles,
           NewPlyWriter(target, Counts(mesh.points, mesh.colors, &mesh.triangles), scalar).get());
}

void ObjOptions::Check() const {
  Require(significant_digits >= 1 && significant_digits <= 9, Code::kInvalidArgument,
          "ObjOptions.significant_digits = " + std::to_string(significant_digits) +
              ", must be in [1, 9]");
}

void WriteObj(const OutputTarget& target, const TriangleMesh& mesh, const ObjOptions& options) {
  CheckColors(mesh.points, mesh.colors, target.path());
  WriteAll(mesh.points, mesh.colors, &mesh.triangles,
           NewObjWriter(target, Counts(mesh.points, mesh.colors, &mesh.triangles), options).get());
}

}  // namespace mdvt
