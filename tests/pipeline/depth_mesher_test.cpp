// SPDX-License-Identifier: Apache-2.0
#include "pipeline/depth_mesher.h"

#include <gtest/gtest.h>

#include <set>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

struct MeshCollector : GeometryWriter {
  void AddPoint(const Eigen::Vector3f& point, const Eigen::Matrix<uint8_t, 3, 1>& color) override {
    mesh.points.push_back(point);
    mesh.colors.push_back(color);
  }
  void AddTriangle(const Eigen::Matrix<int32_t, 3, 1>& triangle) override {
    mesh.triangles.push_back(triangle);
  }
  void Finish() override {}

  TriangleMesh mesh;
};

// A depth map and a color picture whose red tells the column and whose green tells the row.
struct Scene {
  Scene(int width, int height, float z)
      : depth(PixelFormat::GrayF32(), width, height),
        color(PixelFormat::Rgb(8), width, height),
        camera(Camera::FromFov(width, height, 60, std::nullopt)) {
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        Set(x, y, z);
        color.MutablePlane<uint8_t>(0).At(x, y) = static_cast<uint8_t>(x);
        color.MutablePlane<uint8_t>(1).At(x, y) = static_cast<uint8_t>(y);
        color.MutablePlane<uint8_t>(2).At(x, y) = 200;
      }
    }
  }
  void Set(int x, int y, float z) { depth.MutablePlane<float>().At(x, y) = z; }
  PointCloud Cloud(const std::optional<TearRule>& rule = {},
                   const Pose& pose = Pose::Identity()) const {
    const TriangleMesh mesh = Mesh(rule, pose);
    return {mesh.points, mesh.colors};
  }
  TriangleMesh Mesh(const std::optional<TearRule>& rule = {},
                    const Pose& pose = Pose::Identity()) const {
    DepthMesher mesher(rule);
    mesher.SetDepth(depth.Plane<float>(), camera);
    MeshCollector collector;
    mesher.AddPoints(color.view(), pose, &collector);
    mesher.AddTriangles(&collector);
    EXPECT_EQ(mesher.counts().points, collector.mesh.points.size());
    EXPECT_EQ(mesher.counts().triangles, collector.mesh.triangles.size());
    return collector.mesh;
  }
  Image depth;
  Image color;
  Camera camera;
};

TearRule Tear() { return {}; }

TEST(DepthMesher, LiftsPixelCentres) {
  const Scene scene(4, 2, 3);
  const PointCloud cloud = scene.Cloud();
  ASSERT_EQ(cloud.points.size(), 8u);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 4; ++x) {
      const size_t i = static_cast<size_t>(y * 4 + x);
      const Eigen::Vector3d point = cloud.points[i].cast<double>();
      EXPECT_NEAR(point.z(), 3, 1e-6);
      EXPECT_LT((Project(scene.camera, point) - Eigen::Vector2d(x + 0.5, y + 0.5)).norm(), 1e-5);
      EXPECT_EQ(cloud.colors[i].cast<int>(), Eigen::Vector3i(x, y, 200));
    }
  }
}

TEST(DepthMesher, SkipsPixelsWithoutDepthAndTheirTriangles) {
  Scene scene(3, 3, 2);
  scene.Set(1, 1, 0);
  EXPECT_EQ(scene.Cloud().points.size(), 8u);
  const TriangleMesh mesh = scene.Mesh();
  EXPECT_EQ(mesh.points.size(), 8u);
  EXPECT_EQ(mesh.triangles.size(), 2u);  // 8 triangles, 6 of which touch the middle
}

TEST(DepthMesher, TrianglesAreTheDocumentedOnesAndFaceTheCamera) {
  const Scene scene(3, 2, 2);
  const TriangleMesh mesh = scene.Mesh();
  ASSERT_EQ(mesh.triangles.size(), 4u);
  EXPECT_EQ(mesh.triangles[0], Eigen::Vector3i(0, 3, 4));  // TL, BL, BR
  EXPECT_EQ(mesh.triangles[1], Eigen::Vector3i(0, 4, 1));  // TL, BR, TR
  for (const Eigen::Vector3i& t : mesh.triangles) {
    const auto corner = [&](int k) { return mesh.points[static_cast<size_t>(t[k])]; };
    const Eigen::Vector3f normal = (corner(1) - corner(0)).cross(corner(2) - corner(0));
    EXPECT_LT(normal.z(), 0);  // toward the camera, which looks along +z
  }
}

TEST(DepthMesher, TearsAStepAndDropsPointsWithoutTriangles) {
  Scene scene(8, 6, 2);
  for (int y = 0; y < 6; ++y)
    for (int x = 4; x < 8; ++x) scene.Set(x, y, 20);
  scene.camera.fx = scene.camera.fy = 500;
  EXPECT_EQ(scene.Mesh().triangles.size(), 70u);
  const TriangleMesh torn = scene.Mesh(Tear());
  EXPECT_EQ(torn.points.size(), 48u);
  EXPECT_EQ(torn.triangles.size(), 60u);  // one column of five cells is gone
  for (const Eigen::Vector3i& t : torn.triangles) {
    std::set<float> depths;
    for (int k = 0; k < 3; ++k) depths.insert(torn.points[static_cast<size_t>(t[k])].z());
    EXPECT_EQ(depths.size(), 1u);
  }
  scene.Set(1, 1, 12);  // torn all around, and so is the corner that only has triangles with it
  EXPECT_EQ(scene.Mesh(Tear()).points.size(), 46u);
  EXPECT_EQ(scene.Cloud(Tear()).points.size(), 46u);
  EXPECT_EQ(scene.Cloud().points.size(), 48u);
}

TEST(DepthMesher, ASmallStepDoesNotTear) {
  Scene scene(2, 2, 2);
  scene.camera.fx = 5000;
  scene.Set(1, 0, 2.039f);  // 3 pixels apart, but less than 2 % in depth
  EXPECT_EQ(scene.Mesh(Tear()).triangles.size(), 2u);
  scene.camera.fx = 30;
  scene.Set(1, 0, 4);  // far apart in depth, less than a pixel on screen
  EXPECT_EQ(scene.Mesh(Tear()).triangles.size(), 2u);
}

TEST(DepthMesher, MovesPointsToTheWorld) {
  Pose pose = Pose::Identity();
  pose.translation() = Eigen::Vector3d(10, 20, 30);
  pose.linear() = Eigen::AngleAxisd(M_PI / 2, Eigen::Vector3d::UnitZ()).toRotationMatrix();
  const Scene scene(2, 1, 4);
  const PointCloud local = scene.Cloud();
  const PointCloud world = scene.Cloud({}, pose);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_LT((world.points[i] - (pose * local.points[i].cast<double>()).cast<float>()).norm(),
              1e-5);
}

TEST(DepthMesher, TakesTheSmallestMaps) {
  EXPECT_EQ(Scene(1, 1, 1).Mesh().points.size(), 1u);
  EXPECT_EQ(Scene(1, 1, 1).Mesh().triangles.size(), 0u);
  EXPECT_EQ(Scene(1, 1, 1).Mesh(Tear()).points.size(), 0u);
  EXPECT_EQ(Scene(1, 5, 1).Mesh().triangles.size(), 0u);
  EXPECT_EQ(Scene(3, 3, 0).Cloud().points.size(), 0u);
}

TEST(DepthMesher, RefusesOtherSizesAndFormats) {
  const Scene scene(4, 4, 1);
  const Image small(PixelFormat::Rgb(8), 3, 4);
  const Image gray(PixelFormat::Gray(8), 4, 4);
  DepthMesher mesher({});
  mesher.SetDepth(scene.depth.Plane<float>(), scene.camera);
  MeshCollector collector;
  for (const Image& color : {small, gray})
    EXPECT_THROW(mesher.AddPoints(color.view(), Pose::Identity(), &collector), Error);
}

}  // namespace
}  // namespace mdvt
