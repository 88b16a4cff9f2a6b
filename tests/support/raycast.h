// SPDX-License-Identifier: Apache-2.0
//
// A small analytic ray-caster: the source of truth of the tests. A scene is a list of textured
// planes, boxes and spheres, some of which move; a view of it is a camera, a pose and a time. From
// these follow, each from the ray of a pixel's centre and in closed form: colour, planar depth,
// optical flow to any other view, what the other view does not show, and the pictures of two eyes.
//
// The textures are solid (a function of the point in the object's own frame) and band-limited: a
// sum of plane waves none of which is shorter than `wavelength`. As long as that is a few pixels
// long on screen, sub-pixel positions mean something.
//
// Everything is deterministic and the same for every thread count.
#pragma once

#include <Eigen/Core>
#include <Eigen/Geometry>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"

namespace mdvt::test {

struct Texture {
  uint32_t seed = 1;                     // another seed is another pattern
  double wavelength = 0.25;              // shortest wave in metres; the longest is 16 times that
  double contrast = 0.35;                // 0 = one flat colour
  Eigen::Vector3d color{0.5, 0.5, 0.5};  // mean, RGB in [0, 1]

  // RGB in [0, 1] at a point in the object's frame.
  Eigen::Vector3d At(const Eigen::Vector3d& point_in_object) const;
};

enum class Shape { kPlane, kBox, kSphere };

struct Object {
  Shape shape = Shape::kPlane;
  // Half sizes in the object's frame, metres. Plane: z = 0, x and y may be infinite. Sphere: x is
  // the radius. Boxes and spheres are seen from the inside when the camera is inside.
  Eigen::Vector3d half_size = Eigen::Vector3d::Constant(std::numeric_limits<double>::infinity());
  Texture texture;
  // Share of the light that depends on the surface's direction, in [0, 1]. At 0 a point keeps its
  // colour whatever the object and the camera do.
  double shading = 0;

  Pose world_from_object = Pose::Identity();           // at time 0
  Eigen::Vector3d velocity = Eigen::Vector3d::Zero();  // metres a second, in world
  Eigen::Vector3d spin = Eigen::Vector3d::Zero();      // radians a second, axis in world

  Pose At(double time) const;
};

struct Scene {
  std::vector<Object> objects;
  Eigen::Vector3d background{0, 0, 0};  // colour of rays that hit nothing; their depth is 0
};

struct View {
  Camera camera;
  Pose world_from_cam = Pose::Identity();
  double time = 0;  // seconds

  // The same camera moved by `right`, `down` and `forward` metres along its own axes.
  View Moved(double right, double down, double forward) const;
};

// One of two parallel eyes `baseline` apart: side -1 is the left one at x = -baseline / 2, side +1
// the right one. Convergence (metres, 0 = parallel) shifts the principal point, so that points at
// that distance have the same x in both eyes and in `view`.
View EyeOf(const View& view, int side, double baseline, double convergence = 0);

// What a ray meets first.
struct Hit {
  int object = -1;  // index into Scene::objects; -1 = nothing
  double z = 0;     // planar depth in metres
  Eigen::Vector3d point_in_object = Eigen::Vector3d::Zero();
  Eigen::Vector3d normal_in_object = Eigen::Vector3d::Zero();  // unit, towards the camera
};

class RayCaster {
 public:
  // `pool` may be null (one thread) and must outlive the caster.
  explicit RayCaster(const Scene& scene, ThreadPool* pool = nullptr) : scene_(scene), pool_(pool) {}

  const Scene& scene() const { return scene_; }

  // The first surface behind a pixel position (edge coordinates, any real number).
  Hit Cast(const View& view, const Eigen::Vector2d& pixel) const;
  // RGB in [0, 1] behind a pixel position.
  Eigen::Vector3d ColorAt(const View& view, const Eigen::Vector2d& pixel) const;

  // The picture. Gray (BT.709 luma, full range), RGB or YUV (BT.709, limited range, chroma is the
  // mean of its pixels, so centred), 8 to 16 bits, or float RGB and gray in [0, 1]. Every pixel is
  // the mean of `samples` x `samples` rays on a regular grid; 1 is the ray of the centre.
  Image Color(const View& view, PixelFormat format, int samples = 1) const;
  // Planar z in metres at the pixel centres, GrayF32.
  Image Depth(const View& view) const;
  // Index of the object at the pixel centres, 255 = none, Gray8.
  Image Objects(const View& view) const;

  // Where the surface points behind the pixel centres of `from` are in `to`.
  struct Flow {
    Image dx, dy;   // GrayF32, pixels; 0 where there is no surface or it is behind `to`
    Image z;        // GrayF32, planar depth of the same points in the camera of `to`
    Image visible;  // Gray8: 255 where `to` shows that very point inside its picture, else 0
  };
  Flow FlowTo(const View& from, const View& to) const;

  // Gray8: 255 where `view` shows a surface point that `source` does not show (hidden there, or
  // outside its picture), else 0. With `source` the given picture and `view` an eye this is the
  // true disocclusion.
  Image Unseen(const View& view, const View& source) const;

 private:
  const Scene scene_;
  ThreadPool* pool_;
};

// A scene with a camera path.
struct Clip {
  Scene scene;
  Camera camera;
  double fps = 24;
  std::function<Pose(double time)> path;  // world_from_cam; the identity at time 0

  View At(double frame) const { return {camera, path(frame / fps), frame / fps}; }
};

// Ready-made clips. The textures are sharp for the given size: their shortest wave is about
// five pixels long at the distance where most of the picture is.
struct Scenes {
  // A fronto-parallel plane of infinite size at z, the camera at rest.
  static Clip Plane(double z, int width = 320, int height = 180, double xfov_deg = 60);
  // A strip at `near` that covers exactly the columns from a quarter to three quarters of the
  // width, before a plane at `far`; the camera at rest.
  static Clip Step(double near, double far, int width = 320, int height = 180,
                   double xfov_deg = 60);
  // A room of 8 x 3.4 x 11 metres with boxes and a sphere; the camera moves forward (0.5 m/s) and
  // sideways (0.4 m/s) and turns a little.
  static Clip Room(int width = 320, int height = 180, double xfov_deg = 60);
  // The room with a sphere and a box that move on their own.
  static Clip MovingRoom(int width = 320, int height = 180, double xfov_deg = 60);
  // The room seen by a camera that only turns about its centre.
  static Clip TurningRoom(int width = 320, int height = 180, double xfov_deg = 60);
};

}  // namespace mdvt::test
