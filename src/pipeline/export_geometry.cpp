// SPDX-License-Identifier: Apache-2.0
//
// A file of geometry per frame: PLY clouds, OBJ meshes, textured GLB meshes.
#include <algorithm>
#include <utility>

#include "mdvt/io/geometry_file.h"
#include "mdvt/io/image_file.h"
#include "pipeline/export_format.h"
#include "pipeline/glb_file.h"

namespace mdvt {
namespace {

class PlyExporter : public Exporter {
 public:
  explicit PlyExporter(OutputFolder folder) : folder_(std::move(folder)) {}
  int64_t Write(const ExportFrame& frame) override {
    GeometryCounts counts = frame.mesher->counts();
    counts.triangles = 0;  // a cloud
    const std::unique_ptr<GeometryWriter> writer =
        NewPlyWriter(folder_.AddFile(ExportFrameName(frame.number, "ply")), counts);
    frame.mesher->AddPoints(frame.color, frame.axes_from_cam, writer.get());
    writer->Finish();
    return 1;
  }

 private:
  OutputFolder folder_;
};

class ObjExporter : public Exporter {
 public:
  explicit ObjExporter(OutputFolder folder) : folder_(std::move(folder)) {}
  int64_t Write(const ExportFrame& frame) override {
    const std::unique_ptr<GeometryWriter> writer =
        NewObjWriter(folder_.AddFile(ExportFrameName(frame.number, "obj")), frame.mesher->counts());
    frame.mesher->AddPoints(frame.color, frame.axes_from_cam, writer.get());
    frame.mesher->AddTriangles(writer.get());
    writer->Finish();
    return 1;
  }

 private:
  OutputFolder folder_;
};

// Takes what a mesher makes in the axes of the camera, with texture coordinates in place of
// colours.
class TexturedMesh : public GeometryWriter {
 public:
  TexturedMesh(const GeometryCounts& counts, const Camera& camera) : camera_(camera) {
    points.reserve(3 * counts.points);
    texture.reserve(2 * counts.points);
    triangles.reserve(3 * counts.triangles);
  }
  void AddPoint(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>&) override {
    const Eigen::Vector2d pixel = Project(camera_, point.cast<double>());
    texture.push_back(static_cast<float>(pixel.x() / camera_.width));
    texture.push_back(static_cast<float>(pixel.y() / camera_.height));
    // glTF's axes: y up, z backward.
    const Eigen::Vector3f turned(point.x(), -point.y(), -point.z());
    points.insert(points.end(), turned.data(), turned.data() + 3);
    low = low.cwiseMin(turned);
    high = high.cwiseMax(turned);
  }
  void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) override {
    for (const int32_t corner : triangle) triangles.push_back(static_cast<uint32_t>(corner));
  }
  void Finish() override {}

  std::vector<float> points;
  std::vector<float> texture;
  std::vector<uint32_t> triangles;
  Eigen::Vector3f low = Eigen::Vector3f::Constant(1e30f);
  Eigen::Vector3f high = Eigen::Vector3f::Constant(-1e30f);

 private:
  Camera camera_;
};

json::Value ListOf(const Eigen::Vector3f& v) {
  return json::Value::Array{double{v.x()}, double{v.y()}, double{v.z()}};
}

class GlbExporter : public Exporter {
 public:
  explicit GlbExporter(OutputFolder folder) : folder_(std::move(folder)) {}
  int64_t Write(const ExportFrame& frame) override {
    constexpr int kFloat = 5126, kUint32 = 5125;
    TexturedMesh mesh(frame.mesher->counts(), frame.camera);
    frame.mesher->AddPoints(frame.color, Pose::Identity(), &mesh);
    frame.mesher->AddTriangles(&mesh);
    GlbFile glb;
    json::Value& root = glb.root();
    json::Value node = json::Value::Members{{"name", "frame"}};
    if (!mesh.triangles.empty()) {  // glTF has no empty mesh
      const std::vector<std::byte> picture = EncodePng(frame.color);
      const int64_t points =
          glb.AddAccessor(mesh.points.data(), mesh.points.size() * 4, mesh.points.size() / 3,
                          "VEC3", kFloat, ListOf(mesh.low), ListOf(mesh.high));
      const int64_t texture = glb.AddAccessor(mesh.texture.data(), mesh.texture.size() * 4,
                                              mesh.texture.size() / 2, "VEC2", kFloat);
      const int64_t corners = glb.AddAccessor(mesh.triangles.data(), mesh.triangles.size() * 4,
                                              mesh.triangles.size(), "SCALAR", kUint32);
      root["images"].Add(json::Value::Members{
          {"bufferView", glb.AddView(picture.data(), picture.size())}, {"mimeType", "image/png"}});
      root["textures"].Add(json::Value::Members{{"source", 0}});
      // The picture holds its light already.
      root["extensionsUsed"].Add("KHR_materials_unlit");
      root["materials"].Add(json::Value::Members{
          {"doubleSided", true},
          {"pbrMetallicRoughness",
           json::Value::Members{{"baseColorTexture", json::Value::Members{{"index", 0}}},
                                {"metallicFactor", 0},
                                {"roughnessFactor", 1}}},
          {"extensions", json::Value::Members{{"KHR_materials_unlit", json::Value::Members{}}}}});
      root["meshes"].Add(json::Value::Members{
          {"primitives",
           json::Value::Array{json::Value::Members{
               {"attributes", json::Value::Members{{"POSITION", points}, {"TEXCOORD_0", texture}}},
               {"indices", corners},
               {"material", 0}}}}});
      node["mesh"] = 0;
    }
    // The same turn of the axes on both sides of the pose, column after column.
    const Eigen::Vector4d turn(1, -1, -1, 1);
    const Eigen::Matrix4d matrix =
        turn.asDiagonal() * frame.world_from_cam.matrix() * turn.asDiagonal();
    json::Value::Array columns;
    for (Eigen::Index i = 0; i < 16; ++i) columns.emplace_back(matrix.data()[i]);
    node["matrix"] = std::move(columns);
    root["nodes"].Add(std::move(node));
    root["scenes"].Add(json::Value::Members{{"nodes", json::Value::Array{0}}});
    root["scene"] = 0;
    glb.Write(folder_.AddFile(ExportFrameName(frame.number, "glb")));
    return 1;
  }

 private:
  OutputFolder folder_;
};

}  // namespace

std::unique_ptr<Exporter> NewPlyExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<PlyExporter>(outputs->AddFolder(path));
}
std::unique_ptr<Exporter> NewObjExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<ObjExporter>(outputs->AddFolder(path));
}
std::unique_ptr<Exporter> NewGlbExporter(const ExportSetup&, const std::string& path,
                                         OutputSet* outputs) {
  return std::make_unique<GlbExporter>(outputs->AddFolder(path));
}

}  // namespace mdvt
