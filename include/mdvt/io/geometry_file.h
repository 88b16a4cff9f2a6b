// SPDX-License-Identifier: Apache-2.0
//
// PLY point clouds and OBJ meshes. OpenCV axes (x right, y down, z forward), metres. Files
// appear when they are whole, or with the others of their OutputSet; errors name them.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/io/output_set.h"

namespace mdvt {

struct PointCloud {
  std::vector<Eigen::Vector3f> points;               // metres
  std::vector<Eigen::Matrix<uint8_t, 3, 1>> colors;  // RGB; empty or one per point
};

struct TriangleMesh {
  std::vector<Eigen::Vector3f> points;
  std::vector<Eigen::Matrix<uint8_t, 3, 1>> colors;     // RGB; empty or one per point
  std::vector<Eigen::Matrix<int32_t, 3, 1>> triangles;  // counter-clockwise seen from the camera
};

enum class PlyScalar { kFloat, kDouble };  // kDouble: as the original toolbox writes

// Binary little-endian PLY 1.0 with x, y, z and, if there are colours, red, green, blue; a mesh has
// a list of three vertex indices per face as well.
// Throws Error(kInvalidArgument) that names the entry: a coordinate that is not finite, colours
// that are neither none nor one per point, a triangle that names a point which is not there.
void WritePly(const OutputTarget& target, const PointCloud& cloud,
              PlyScalar scalar = PlyScalar::kFloat);
void WritePly(const OutputTarget& target, const TriangleMesh& mesh,
              PlyScalar scalar = PlyScalar::kFloat);

// Any PLY file of points or faces: text or binary, colours as 8 or 16 bits or 0..1; faces of more
// than three corners become fans, other elements and properties are passed over. A cloud has no
// triangles. Throws Error: kNotFound, kIo, kCorrupt that says what is wrong.
TriangleMesh ReadPly(const std::string& path);

struct ObjOptions {
  // Significant digits of coordinates and colours, as %g prints them. Valid: [1, 9]; 9 reads back
  // to the same float, 6 is what the original toolbox writes (4 um at 4 m).
  int significant_digits = 6;

  // Throws Error(kInvalidArgument).
  void Check() const;
};

// Text: "v x y z [r g b]" with colours 0..1, "f a b c" 1-based. Throws as WritePly.
void WriteObj(const OutputTarget& target, const TriangleMesh& mesh, const ObjOptions& options = {});

// The same files written point by point, for clouds and meshes that never exist as a whole: all
// points first, then all triangles, then Finish(). Without Finish() nothing appears.
class GeometryWriter {
 public:
  virtual ~GeometryWriter() = default;
  virtual void AddPoint(const Eigen::Vector3f& point,
                        const Eigen::Matrix<uint8_t, 3, 1>& color) = 0;
  virtual void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) = 0;
  // Throws Error(kInvalidArgument) if there were not as many points and triangles as announced.
  virtual void Finish() = 0;
};

struct GeometryCounts {
  size_t points = 0;
  size_t triangles = 0;
  bool has_colors = true;      // false: those given to AddPoint() are left out
  bool has_triangles = false;  // PLY: whether there is a list of faces, even an empty one
};

// Both throw as WritePly and WriteObj do, the points and triangles they name being the one added.
std::unique_ptr<GeometryWriter> NewPlyWriter(const OutputTarget& target,
                                             const GeometryCounts& counts,
                                             PlyScalar scalar = PlyScalar::kFloat);
std::unique_ptr<GeometryWriter> NewObjWriter(const OutputTarget& target,
                                             const GeometryCounts& counts,
                                             const ObjOptions& options = {});

}  // namespace mdvt
