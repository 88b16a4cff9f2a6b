// SPDX-License-Identifier: Apache-2.0
#include "support/raycast.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "support/test_env.h"

namespace mdvt::test {
namespace {

using Eigen::Vector2d;
using Eigen::Vector3d;

Object Sphere(const Vector3d& centre, double radius) {
  Object object;
  object.shape = Shape::kSphere;
  object.half_size = Vector3d::Constant(radius);
  object.world_from_object = Pose(Eigen::Translation3d(centre));
  return object;
}

Object Box(const Vector3d& centre, const Vector3d& half_size) {
  Object object;
  object.shape = Shape::kBox;
  object.half_size = half_size;
  object.world_from_object = Pose(Eigen::Translation3d(centre));
  return object;
}

Scene Of(std::vector<Object> objects) {
  Scene scene;
  scene.objects = std::move(objects);
  return scene;
}

bool SamePixels(const Image& a, const Image& b) {
  if (a.format() != b.format() || a.width() != b.width() || a.height() != b.height()) return false;
  for (int plane = 0; plane < a.format().num_planes(); ++plane) {
    const auto i = static_cast<size_t>(plane);
    const size_t row = static_cast<size_t>(a.format().PlaneWidth(plane, a.width())) *
                       static_cast<size_t>(a.format().bytes_per_sample());
    for (int y = 0; y < a.format().PlaneHeight(plane, a.height()); ++y) {
      if (std::memcmp(a.view().data[i] + y * a.view().stride[i],
                      b.view().data[i] + y * b.view().stride[i], row) != 0)
        return false;
    }
  }
  return true;
}

TEST(RayCaster, PlaneHasOneDepth) {
  const Clip clip = Scenes::Plane(2.5, 31, 17);
  const Image depth = RayCaster(clip.scene).Depth(clip.At(0));
  for (int y = 0; y < 17; ++y) {
    for (int x = 0; x < 31; ++x) EXPECT_EQ(depth.Plane<float>().At(x, y), 2.5f);
  }
}

TEST(RayCaster, SlantedPlaneFollowsItsEquation) {
  // n . X = n . p for the plane through p = (0, 0, 4) turned by 0.5 about y.
  Object plane;
  plane.world_from_object =
      Pose(Eigen::Translation3d(0, 0, 4) * Eigen::AngleAxisd(0.5, Vector3d::UnitY()));
  const Vector3d normal(std::sin(0.5), 0, std::cos(0.5));
  const View view{Camera::FromFov(64, 48, 70, {}), Pose::Identity(), 0};
  const Image depth = RayCaster(Of({plane})).Depth(view);
  for (int y = 0; y < 48; ++y) {
    for (int x = 0; x < 64; ++x) {
      const Vector3d ray = Unproject(view.camera, {x + 0.5, y + 0.5}, 1);
      EXPECT_NEAR(depth.Plane<float>().At(x, y), normal.z() * 4 / normal.dot(ray), 1e-5);
    }
  }
}

TEST(RayCaster, SphereFollowsTheQuadratic) {
  const View view{Camera::FromFov(65, 65, 40, {}), Pose::Identity(), 0};
  const RayCaster caster(Of({Sphere({0, 0, 5}, 1)}));
  EXPECT_DOUBLE_EQ(caster.Cast(view, {32.5, 32.5}).z, 4);
  const Hit hit = caster.Cast(view, {40, 30});
  ASSERT_EQ(hit.object, 0);
  EXPECT_NEAR(hit.point_in_object.norm(), 1, 1e-12);
  const Vector3d point = Unproject(view.camera, {40, 30}, hit.z);
  EXPECT_NEAR((point - Vector3d(0, 0, 5)).norm(), 1, 1e-12);
  EXPECT_LT(hit.z, 5);
  // The silhouette: sin(angle) = r / d.
  const double rim = 32.5 + view.camera.fx * std::tan(std::asin(1.0 / 5));
  EXPECT_EQ(caster.Cast(view, {rim - 1e-6, 32.5}).object, 0);
  EXPECT_EQ(caster.Cast(view, {rim + 1e-6, 32.5}).object, -1);
}

TEST(RayCaster, SeesBoxesAndSpheresFromOutsideAndInside) {
  const View view{Camera::FromFov(9, 9, 60, {}), Pose::Identity(), 0};
  EXPECT_DOUBLE_EQ(RayCaster(Of({Box({0, 0, 5}, {1, 1, 1})})).Cast(view, {4.5, 4.5}).z, 4);
  EXPECT_DOUBLE_EQ(RayCaster(Of({Box({0, 0, 0}, {9, 9, 3})})).Cast(view, {4.5, 4.5}).z, 3);
  EXPECT_DOUBLE_EQ(RayCaster(Of({Sphere({0, 0, 0}, 2)})).Cast(view, {4.5, 4.5}).z, 2);
  EXPECT_EQ(RayCaster(Of({Box({0, 0, -5}, {1, 1, 1})})).Cast(view, {4.5, 4.5}).object, -1);
  EXPECT_EQ(RayCaster(Of({Sphere({0, 0, -5}, 1)})).Cast(view, {4.5, 4.5}).object, -1);
  EXPECT_EQ(RayCaster(Of({Box({3, 0, 5}, {1, 1, 1})})).Cast(view, {4.5, 4.5}).object, -1);
}

TEST(RayCaster, NearestSurfaceWins) {
  const View view{Camera::FromFov(9, 9, 60, {}), Pose::Identity(), 0};
  const Object near = Sphere({0, 0, 3}, 0.5), far = Sphere({0, 0, 6}, 0.5);
  EXPECT_EQ(RayCaster(Of({near, far})).Cast(view, {4.5, 4.5}).object, 0);
  EXPECT_EQ(RayCaster(Of({far, near})).Cast(view, {4.5, 4.5}).object, 1);
}

TEST(RayCaster, NothingIsBackgroundWithoutDepth) {
  const View view{Camera::FromFov(4, 3, 60, {}), Pose::Identity(), 0};
  const RayCaster caster({{}, {1, 0.5, 0}});
  const Image color = caster.Color(view, PixelFormat::Rgb());
  EXPECT_EQ(color.Plane<uint8_t>(0).At(3, 2), 255);
  EXPECT_EQ(color.Plane<uint8_t>(1).At(3, 2), 128);
  EXPECT_EQ(color.Plane<uint8_t>(2).At(3, 2), 0);
  EXPECT_EQ(caster.Depth(view).Plane<float>().At(0, 0), 0);
  EXPECT_EQ(caster.Objects(view).Plane<uint8_t>().At(0, 0), 255);
}

TEST(RayCaster, StepHasItsEdgesOnColumnBorders) {
  const Clip clip = Scenes::Step(2, 8, 64, 8);
  const Image depth = RayCaster(clip.scene).Depth(clip.At(0));
  for (int x = 0; x < 64; ++x)
    EXPECT_EQ(depth.Plane<float>().At(x, 3), x >= 16 && x < 48 ? 2.f : 8.f) << x;
}

TEST(RayCaster, FlowOfAPlaneUnderTranslation) {
  const Clip clip = Scenes::Plane(4, 40, 30);
  const View from = clip.At(0);
  const double k = from.camera.fx / 4;
  const RayCaster caster(clip.scene);
  const auto sideways = caster.FlowTo(from, from.Moved(0.1, -0.05, 0));
  const auto forward = caster.FlowTo(from, from.Moved(0, 0, 1));
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) {
      EXPECT_NEAR(sideways.dx.Plane<float>().At(x, y), -0.1 * k, 1e-5);
      EXPECT_NEAR(sideways.dy.Plane<float>().At(x, y), 0.05 * k, 1e-5);
      // x' - c = (x - c) z / (z - 1)
      EXPECT_NEAR(forward.dx.Plane<float>().At(x, y), (x + 0.5 - 20) / 3, 1e-5);
      EXPECT_NEAR(forward.dy.Plane<float>().At(x, y), (y + 0.5 - 15) / 3, 1e-5);
      EXPECT_EQ(forward.z.Plane<float>().At(x, y), 3.f);
      const bool inside =
          std::abs(x + 0.5 - 20) * 4 / 3 <= 20 && std::abs(y + 0.5 - 15) * 4 / 3 <= 15;
      EXPECT_EQ(forward.visible.Plane<uint8_t>().At(x, y), inside ? 255 : 0);
    }
  }
}

TEST(RayCaster, FlowOfAMovingSphereIncludesItsMotion) {
  Scene scene;
  scene.objects.push_back(Sphere({0, 0, 5}, 1));
  scene.objects[0].velocity = {0.5, 0, 0};
  const View from{Camera::FromFov(41, 41, 40, {}), Pose::Identity(), 0};
  View to = from;
  to.time = 0.2;
  const auto flow = RayCaster(scene).FlowTo(from, to);
  EXPECT_NEAR(flow.dx.Plane<float>().At(20, 20), from.camera.fx * 0.1 / 4, 1e-5);
  EXPECT_NEAR(flow.dy.Plane<float>().At(20, 20), 0, 1e-6);
  EXPECT_EQ(flow.visible.Plane<uint8_t>().At(20, 20), 255);
}

TEST(RayCaster, FlowOfASpinningSphereTurnsItsSurfaceAway) {
  Scene scene;
  scene.objects.push_back(Sphere({0, 0, 5}, 1));
  scene.objects[0].spin = {0, 3.0, 0};
  const View from{Camera::FromFov(41, 41, 40, {}), Pose::Identity(), 0};
  View to = from;
  to.time = 1;
  EXPECT_EQ(RayCaster(scene).FlowTo(from, to).visible.Plane<uint8_t>().At(20, 20), 0);
}

TEST(RayCaster, EyesHaveTheDocumentedDisparity) {
  const Clip clip = Scenes::Plane(4, 64, 16);
  const View view = clip.At(0);
  const double k = view.camera.fx * 0.1 / 2;
  const RayCaster caster(clip.scene);
  const auto left = caster.FlowTo(view, EyeOf(view, -1, 0.1));
  const auto right = caster.FlowTo(view, EyeOf(view, +1, 0.1));
  EXPECT_NEAR(left.dx.Plane<float>().At(20, 8), k / 4, 1e-5);
  EXPECT_NEAR(right.dx.Plane<float>().At(20, 8), -k / 4, 1e-5);
  const auto sheared = caster.FlowTo(view, EyeOf(view, -1, 0.1, 2));
  EXPECT_NEAR(sheared.dx.Plane<float>().At(20, 8), k * (1.0 / 4 - 1.0 / 2), 1e-5);
  EXPECT_NEAR(caster.FlowTo(view, EyeOf(view, +1, 0.1, 4)).dx.Plane<float>().At(20, 8), 0, 1e-5);
}

TEST(RayCaster, UnseenIsTheShadowOfTheStep) {
  // The left eye sees the far plane between the strip's left edge in the eye and the place where
  // the same edge hid it from the centre: k (1 / near - 1 / far) pixels, left of the strip.
  const Clip clip = Scenes::Step(2, 8, 320, 4);
  const View view = clip.At(0);
  const double baseline = 0.2, k = view.camera.fx * baseline / 2;
  const Image unseen = RayCaster(clip.scene).Unseen(EyeOf(view, -1, baseline), view);
  const double strip_left = 80 + k / 2, hidden_from = 80 + k / 8;
  for (int x = 0; x < 240; ++x) {
    const bool past_border = x + 0.5 < k / 8;
    const bool expected = past_border || (x + 0.5 > hidden_from && x + 0.5 < strip_left);
    EXPECT_EQ(unseen.Plane<uint8_t>().At(x, 1), expected ? 255 : 0) << x;
  }
  // The right eye looks past the source's right border.
  const Image right = RayCaster(clip.scene).Unseen(EyeOf(view, +1, baseline), view);
  EXPECT_EQ(right.Plane<uint8_t>().At(319, 1), 255);
  EXPECT_EQ(right.Plane<uint8_t>().At(0, 1), 0);
}

TEST(RayCaster, ColorTravelsWithTheFlow) {
  const Clip clip = Scenes::MovingRoom(80, 45);
  const View from = clip.At(0), to = clip.At(6);
  const RayCaster caster(clip.scene);
  const auto flow = caster.FlowTo(from, to);
  int compared = 0;
  for (int y = 0; y < 45; y += 3) {
    for (int x = 0; x < 80; x += 3) {
      if (flow.visible.Plane<uint8_t>().At(x, y) == 0) continue;
      const Vector2d there(x + 0.5 + flow.dx.Plane<float>().At(x, y),
                           y + 0.5 + flow.dy.Plane<float>().At(x, y));
      const Vector3d difference =
          caster.ColorAt(to, there) - caster.ColorAt(from, {x + 0.5, y + 0.5});
      EXPECT_LT(difference.norm(), 1e-3) << x << "," << y;
      ++compared;
    }
  }
  EXPECT_GT(compared, 300);
}

TEST(RayCaster, FlowThereAndBackIsZero) {
  const Clip clip = Scenes::Room(80, 45);
  const RayCaster caster(clip.scene);
  const View from = clip.At(0), to = clip.At(8);
  const auto flow = caster.FlowTo(from, to);
  for (int y = 0; y < 45; y += 4) {
    for (int x = 0; x < 80; x += 4) {
      if (flow.visible.Plane<uint8_t>().At(x, y) == 0) continue;
      const Vector2d there(x + 0.5 + flow.dx.Plane<float>().At(x, y),
                           y + 0.5 + flow.dy.Plane<float>().At(x, y));
      const double z = caster.Cast(to, there).z;
      EXPECT_NEAR(z, flow.z.Plane<float>().At(x, y), 1e-3 * z);
      const Vector3d in_world = to.world_from_cam * Unproject(to.camera, there, z);
      const Vector2d back = Project(from.camera, from.world_from_cam.inverse() * in_world);
      EXPECT_NEAR(back.x(), x + 0.5, 0.02);
      EXPECT_NEAR(back.y(), y + 0.5, 0.02);
    }
  }
}

TEST(RayCaster, SameBytesForEveryThreadCount) {
  const Clip clip = Scenes::MovingRoom(61, 33);
  const RayCaster alone(clip.scene);
  const View view = clip.At(3), next = clip.At(4);
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    const RayCaster caster(clip.scene, &pool);
    for (const PixelFormat format : {PixelFormat::Rgb(), PixelFormat::Yuv(420, 10)})
      EXPECT_TRUE(SamePixels(caster.Color(view, format, 2), alone.Color(view, format, 2)));
    EXPECT_TRUE(SamePixels(caster.Depth(view), alone.Depth(view)));
    EXPECT_TRUE(SamePixels(caster.FlowTo(view, next).dx, alone.FlowTo(view, next).dx));
  }
}

TEST(RayCaster, YuvIsBt709OfTheRgb) {
  Scene scene;
  scene.background = {1, 0, 0};
  const View view{Camera::FromFov(5, 3, 60, {}), Pose::Identity(), 0};
  const Image yuv = RayCaster(scene).Color(view, PixelFormat::Yuv(420));
  EXPECT_EQ(yuv.Plane<uint8_t>(0).At(4, 2), 63);  // 16 + 219 * 0.2126
  EXPECT_EQ(yuv.Plane<uint8_t>(1).At(2, 1), 102);
  EXPECT_EQ(yuv.Plane<uint8_t>(2).At(2, 1), 240);
  const Image ten = RayCaster(scene).Color(view, PixelFormat::Yuv(444, 10));
  EXPECT_EQ(ten.Plane<uint16_t>(0).At(4, 2), 250);
  EXPECT_EQ(ten.Plane<uint16_t>(2).At(4, 2), 960);
  scene.background = {1, 1, 1};
  EXPECT_EQ(RayCaster(scene).Color(view, PixelFormat::Gray()).Plane<uint8_t>().At(0, 0), 255);
  EXPECT_EQ(RayCaster(scene).Color(view, PixelFormat::Yuv(422)).Plane<uint8_t>().At(0, 0), 235);
}

TEST(RayCaster, SamplesAverageTheRays) {
  // A pixel half covered by a white plane before black.
  Object white;
  white.texture = {1, 1, 0, {100, 100, 100}};  // squeezed to 1
  white.half_size = {1e-9, 1e9, 0};
  const View view{Camera::FromFov(8, 8, 90, {}), Pose::Identity(), 0};
  white.half_size.x() = 0.5 / view.camera.fx;  // reaches half a pixel right of the centre
  white.world_from_object = Pose(Eigen::Translation3d(0, 0, 1));
  const RayCaster caster({{white}, {0, 0, 0}});
  EXPECT_EQ(caster.Color(view, PixelFormat::RgbF32(), 4).Plane<float>(0).At(4, 4), 0.5f);
  EXPECT_EQ(caster.Color(view, PixelFormat::RgbF32(), 4).Plane<float>(0).At(5, 4), 0.f);
}

TEST(Texture, IsBandLimited) {
  // Along any line the pattern is resolved by five samples a wavelength: sinc interpolation from
  // such samples gives the values in between.
  Texture texture;
  texture.wavelength = 1;
  texture.contrast = 0.2;
  const int n = 400;
  const double step = 0.2;
  const Vector3d direction = Vector3d(1, 2, -0.5).normalized();
  std::vector<double> samples;
  for (int i = -n; i <= n; ++i) samples.push_back(texture.At(direction * (i * step)).x());
  for (const double at : {0.05, 0.31, -0.77}) {
    double sum = 0, weights = 0;
    for (int i = -n; i <= n; ++i) {
      const double x = at / step - i, w = 0.5 + 0.5 * std::cos(M_PI * x / (n + 8));
      const double sinc = x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x);
      sum += samples[static_cast<size_t>(i + n)] * sinc * w;
      weights += sinc * w;
    }
    EXPECT_NEAR(sum / weights, texture.At(direction * at).x(), 2e-3);
  }
}

TEST(Texture, HasContrastAndStaysInRange) {
  const Clip clip = Scenes::Room(160, 90);
  const Image image = RayCaster(clip.scene).Color(clip.At(0), PixelFormat::Gray());
  double sum = 0, squares = 0;
  for (int y = 0; y < 90; ++y) {
    for (int x = 0; x < 160; ++x) {
      const double v = image.Plane<uint8_t>().At(x, y);
      sum += v, squares += v * v;
    }
  }
  const double n = 160 * 90, mean = sum / n;
  EXPECT_GT(std::sqrt(squares / n - mean * mean), 15);
}

TEST(Scenes, StartAtTheIdentityAndMoveAsDocumented) {
  for (const Clip& clip : {Scenes::Plane(2), Scenes::Step(1, 2), Scenes::Room(),
                           Scenes::MovingRoom(), Scenes::TurningRoom()}) {
    EXPECT_TRUE(clip.At(0).world_from_cam.isApprox(Pose::Identity()));
    EXPECT_EQ(clip.At(0).camera.width, 320);
  }
  const Vector3d moved = Scenes::Room().At(24).world_from_cam.translation();
  EXPECT_NEAR(moved.x(), 0.4, 1e-12);
  EXPECT_NEAR(moved.z(), 0.5, 1e-12);
  EXPECT_EQ(Scenes::TurningRoom().At(24).world_from_cam.translation().norm(), 0);
}

}  // namespace
}  // namespace mdvt::test
