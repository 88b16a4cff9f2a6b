// SPDX-License-Identifier: Apache-2.0
#include "support/raycast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "mdvt/core/error.h"

namespace mdvt::test {
namespace {

using Eigen::Vector2d;
using Eigen::Vector3d;

constexpr double kPi = 3.14159265358979323846;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr size_t kNumWaves = 24;

// A uniform number in [0, 1) from two integers: the same on every machine.
double Noise(uint64_t seed, uint64_t index) {
  uint64_t x = seed * 0x9E3779B97F4A7C15ull + index * 0xD1B54A32D192ED03ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  x ^= x >> 31;
  return static_cast<double>(x >> 11) * 0x1p-53;
}

// Plane waves, laid out so that the compiler can work on several at once.
struct Waves {
  std::array<double, kNumWaves> x, y, z;      // frequency, cycles a metre
  std::array<double, kNumWaves> phase;        // cycles
  std::array<Vector3d, kNumWaves> amplitude;  // per colour channel
};

Waves MakeWaves(const Texture& texture) {
  Waves waves;
  double total = 0;
  for (size_t i = 0; i < kNumWaves; ++i) {
    const auto noise = [&](size_t k) { return Noise(texture.seed, i * 8 + k + 1); };
    // Directions evenly over the sphere, lengths evenly in octaves.
    const double z = 2 * noise(0) - 1, angle = 2 * kPi * noise(1), r = std::sqrt(1 - z * z);
    const double octave = 4.0 * static_cast<double>(i) / (kNumWaves - 1);
    const double frequency = 1 / (texture.wavelength * std::exp2(octave));
    waves.x[i] = r * std::cos(angle) * frequency;
    waves.y[i] = r * std::sin(angle) * frequency;
    waves.z[i] = z * frequency;
    waves.phase[i] = noise(2);
    const double amplitude = std::exp2(0.5 * octave);
    total += amplitude;
    for (int c = 0; c < 3; ++c)
      waves.amplitude[i][c] = amplitude * (0.6 + 0.4 * noise(3 + static_cast<size_t>(c)));
  }
  for (Vector3d& amplitude : waves.amplitude) amplitude *= 3 * texture.contrast / total;
  return waves;
}

// sin(2 pi t) within 3e-8: the Taylor series after the whole cycles are taken off.
double SineOfCycles(double t) {
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: adding it rounds to an integer
  const double r = t - ((t + kRound) - kRound);  // in [-0.5, 0.5]
  const double a = 2 * kPi * r, q = a * a;
  double sum = 1.0 / 355687428096000;  // 1 / 17!
  sum = sum * q - 1.0 / 1307674368000;
  sum = sum * q + 1.0 / 6227020800;
  sum = sum * q - 1.0 / 39916800;
  sum = sum * q + 1.0 / 362880;
  sum = sum * q - 1.0 / 5040;
  sum = sum * q + 1.0 / 120;
  sum = sum * q - 1.0 / 6;
  return (sum * q + 1) * a;
}

// The sum is squeezed smoothly into [0, 1]; at the usual contrasts that is nearly the identity.
double Squeeze(double value) { return 0.5 + 0.5 * std::tanh(2 * (value - 0.5)); }

Vector3d Evaluate(const Waves& waves, const Vector3d& color, const Vector3d& point) {
  std::array<double, kNumWaves> sine;
  for (size_t i = 0; i < kNumWaves; ++i) {
    sine[i] = SineOfCycles(waves.x[i] * point.x() + waves.y[i] * point.y() +
                           waves.z[i] * point.z() + waves.phase[i]);
  }
  Vector3d sum = color;
  for (size_t i = 0; i < kNumWaves; ++i) sum += waves.amplitude[i] * sine[i];
  return {Squeeze(sum.x()), Squeeze(sum.y()), Squeeze(sum.z())};
}

// The objects of a scene at one time, as a camera sees them.
struct Placed {
  const Object* object;
  Pose object_from_cam;
  Waves waves;
};

std::vector<Placed> Place(const Scene& scene, const View& view) {
  std::vector<Placed> placed;
  for (const Object& object : scene.objects) {
    placed.push_back(
        {&object, object.At(view.time).inverse() * view.world_from_cam, MakeWaves(object.texture)});
  }
  return placed;
}

// Distance along the ray in units of `direction`; infinity if missed. `axis` is the face of a box.
double Intersect(const Object& object, const Vector3d& origin, const Vector3d& direction,
                 int* axis) {
  switch (object.shape) {
    case Shape::kPlane: {
      const double t = -origin.z() / direction.z();
      if (!(t > 0) || !std::isfinite(t)) return kInfinity;
      const Vector3d point = origin + t * direction;
      const bool inside = std::abs(point.x()) <= object.half_size.x() &&
                          std::abs(point.y()) <= object.half_size.y();
      return inside ? t : kInfinity;
    }
    case Shape::kBox: {
      double enter = -kInfinity, leave = kInfinity;
      int enter_axis = 0, leave_axis = 0;
      for (int i = 0; i < 3; ++i) {
        if (direction[i] == 0) {
          if (std::abs(origin[i]) > object.half_size[i]) return kInfinity;
          continue;
        }
        const double a = (-object.half_size[i] - origin[i]) / direction[i];
        const double b = (object.half_size[i] - origin[i]) / direction[i];
        if (std::min(a, b) > enter) enter = std::min(a, b), enter_axis = i;
        if (std::max(a, b) < leave) leave = std::max(a, b), leave_axis = i;
      }
      if (!(enter <= leave) || leave <= 0) return kInfinity;
      *axis = enter > 0 ? enter_axis : leave_axis;
      return enter > 0 ? enter : leave;
    }
    case Shape::kSphere: {
      const double radius = object.half_size.x();
      const double a = direction.squaredNorm(), b = origin.dot(direction);
      const double c = origin.squaredNorm() - radius * radius;
      const double root = b * b - a * c;
      if (root < 0) return kInfinity;
      const double enter = (-b - std::sqrt(root)) / a, leave = (-b + std::sqrt(root)) / a;
      return enter > 0 ? enter : leave > 0 ? leave : kInfinity;
    }
  }
  return kInfinity;
}

Hit CastAt(const std::vector<Placed>& placed, const Camera& camera, const Vector2d& pixel) {
  // With z = 1 in the camera frame the ray parameter is the planar depth.
  const Vector3d ray = Unproject(camera, pixel, 1.0);
  Hit hit;
  double nearest = kInfinity;
  for (size_t i = 0; i < placed.size(); ++i) {
    const Vector3d origin = placed[i].object_from_cam.translation();
    const Vector3d direction = placed[i].object_from_cam.linear() * ray;
    int axis = 2;
    const double t = Intersect(*placed[i].object, origin, direction, &axis);
    if (t >= nearest) continue;
    nearest = t;
    hit.object = static_cast<int>(i);
    hit.z = t;
    hit.point_in_object = origin + t * direction;
    hit.normal_in_object = placed[i].object->shape == Shape::kSphere
                               ? Vector3d(hit.point_in_object.normalized())
                               : Vector3d(Vector3d::Unit(axis));
    if (hit.normal_in_object.dot(direction) > 0) hit.normal_in_object = -hit.normal_in_object;
  }
  return hit;
}

Vector3d Shade(const Scene& scene, const std::vector<Placed>& placed, const View& view,
               const Hit& hit) {
  if (hit.object < 0) return scene.background;
  const Placed& it = placed[static_cast<size_t>(hit.object)];
  const Vector3d color = Evaluate(it.waves, it.object->texture.color, hit.point_in_object);
  if (it.object->shading == 0) return color;
  const Vector3d light = Vector3d(-0.35, -0.8, -0.5).normalized();  // towards the lamp, in world
  const Vector3d normal = it.object->At(view.time).linear() * hit.normal_in_object;
  const double lit = 0.5 + 0.5 * normal.dot(light);
  return color * (1 - it.object->shading * (1 - lit));
}

void ForRows(ThreadPool* pool, int rows, const std::function<void(int y)>& body) {
  const auto block = [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) body(static_cast<int>(y));
  };
  if (pool == nullptr) {
    block(0, rows);
  } else {
    pool->ParallelFor(rows, 4, block);
  }
}

Vector2d Centre(int x, int y) { return {x + 0.5, y + 0.5}; }

double Luma(const Vector3d& rgb) { return 0.2126 * rgb.x() + 0.7152 * rgb.y() + 0.0722 * rgb.z(); }

// Writes `value` in units of the format's largest sample, or as it is in float.
void Store(const MutableImageView& image, int plane, int x, int y, double value) {
  switch (image.format.type) {
    case SampleType::kF32:
      image.Plane<float>(plane).At(x, y) = static_cast<float>(value);
      return;
    case SampleType::kU8:
      image.Plane<uint8_t>(plane).At(x, y) =
          static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
      return;
    case SampleType::kU16:
      image.Plane<uint16_t>(plane).At(x, y) = static_cast<uint16_t>(
          std::lround(std::clamp(value, 0.0, 1.0) * image.format.max_value()));
      return;
  }
}

}  // namespace

Vector3d Texture::At(const Vector3d& point_in_object) const {
  return Evaluate(MakeWaves(*this), color, point_in_object);
}

Pose Object::At(double time) const {
  Pose pose = world_from_object;
  pose.translation() += velocity * time;
  const double angle = spin.norm() * time;
  if (angle != 0)
    pose.linear() = Eigen::AngleAxisd(angle, spin.normalized()) * world_from_object.linear();
  return pose;
}

View View::Moved(double right, double down, double forward) const {
  View moved = *this;
  moved.world_from_cam = world_from_cam * Eigen::Translation3d(right, down, forward);
  return moved;
}

View EyeOf(const View& view, int side, double baseline, double convergence) {
  View eye = view.Moved(side * baseline / 2, 0, 0);
  if (convergence > 0) eye.camera.cx += side * view.camera.fx * baseline / 2 / convergence;
  return eye;
}

Hit RayCaster::Cast(const View& view, const Vector2d& pixel) const {
  return CastAt(Place(scene_, view), view.camera, pixel);
}

Vector3d RayCaster::ColorAt(const View& view, const Vector2d& pixel) const {
  const auto placed = Place(scene_, view);
  return Shade(scene_, placed, view, CastAt(placed, view.camera, pixel));
}

Image RayCaster::Color(const View& view, PixelFormat format, int samples) const {
  Require(samples >= 1 && samples <= 64, Code::kInvalidArgument, "samples must be in [1, 64]");
  const int width = view.camera.width, height = view.camera.height;
  const auto placed = Place(scene_, view);
  Image image(format, width, height);
  const MutableImageView out = image.mutable_view();
  const auto pixel_color = [&](int x, int y) {
    Vector3d sum = Vector3d::Zero();
    for (int j = 0; j < samples; ++j) {
      for (int i = 0; i < samples; ++i) {
        const Vector2d pixel(x + (i + 0.5) / samples, y + (j + 0.5) / samples);
        sum += Shade(scene_, placed, view, CastAt(placed, view.camera, pixel));
      }
    }
    return Vector3d(sum / (samples * samples));
  };

  if (format.model != ColorModel::kYuv) {
    ForRows(pool_, height, [&](int y) {
      for (int x = 0; x < width; ++x) {
        const Vector3d rgb = pixel_color(x, y);
        if (format.model == ColorModel::kGray) {
          Store(out, 0, x, y, Luma(rgb));
        } else {
          for (int c = 0; c < 3; ++c) Store(out, c, x, y, rgb[c]);
        }
      }
    });
    return image;
  }

  const double step = std::exp2(format.bits - 8), peak = format.max_value();
  const int block_width = 1 << format.chroma_shift_x, block_height = 1 << format.chroma_shift_y;
  ForRows(pool_, format.PlaneHeight(1, height), [&](int cy) {
    for (int cx = 0; cx < format.PlaneWidth(1, width); ++cx) {
      Vector3d sum = Vector3d::Zero();
      int pixels = 0;
      for (int y = cy * block_height; y < std::min((cy + 1) * block_height, height); ++y) {
        for (int x = cx * block_width; x < std::min((cx + 1) * block_width, width); ++x) {
          const Vector3d rgb = pixel_color(x, y);
          Store(out, 0, x, y, (16 + 219 * Luma(rgb)) * step / peak);
          sum += rgb;
          ++pixels;
        }
      }
      const Vector3d mean = sum / pixels;
      const double cb = (mean.z() - Luma(mean)) / 1.8556, cr = (mean.x() - Luma(mean)) / 1.5748;
      Store(out, 1, cx, cy, (128 + 224 * cb) * step / peak);
      Store(out, 2, cx, cy, (128 + 224 * cr) * step / peak);
    }
  });
  return image;
}

Image RayCaster::Depth(const View& view) const {
  const auto placed = Place(scene_, view);
  Image image(PixelFormat::GrayF32(), view.camera.width, view.camera.height);
  const auto plane = image.MutablePlane<float>();
  ForRows(pool_, plane.height, [&](int y) {
    for (int x = 0; x < plane.width; ++x)
      plane.At(x, y) = static_cast<float>(CastAt(placed, view.camera, Centre(x, y)).z);
  });
  return image;
}

Image RayCaster::Objects(const View& view) const {
  const auto placed = Place(scene_, view);
  Image image(PixelFormat::Gray(), view.camera.width, view.camera.height);
  const auto plane = image.MutablePlane<uint8_t>();
  ForRows(pool_, plane.height, [&](int y) {
    for (int x = 0; x < plane.width; ++x)
      plane.At(x, y) = static_cast<uint8_t>(CastAt(placed, view.camera, Centre(x, y)).object);
  });
  return image;
}

RayCaster::Flow RayCaster::FlowTo(const View& from, const View& to) const {
  const int width = from.camera.width, height = from.camera.height;
  const auto placed_from = Place(scene_, from), placed_to = Place(scene_, to);
  std::vector<Pose> to_from_object;
  for (const Placed& placed : placed_to) to_from_object.push_back(placed.object_from_cam.inverse());
  Flow flow;
  flow.dx = Image(PixelFormat::GrayF32(), width, height);
  flow.dy = Image(PixelFormat::GrayF32(), width, height);
  flow.z = Image(PixelFormat::GrayF32(), width, height);
  flow.visible = Image(PixelFormat::Gray(), width, height);
  const auto dx = flow.dx.MutablePlane<float>(), dy = flow.dy.MutablePlane<float>();
  const auto depth = flow.z.MutablePlane<float>();
  const auto visible = flow.visible.MutablePlane<uint8_t>();
  ForRows(pool_, height, [&](int y) {
    for (int x = 0; x < width; ++x) {
      dx.At(x, y) = dy.At(x, y) = depth.At(x, y) = 0;
      visible.At(x, y) = 0;
      const Hit hit = CastAt(placed_from, from.camera, Centre(x, y));
      if (hit.object < 0) continue;
      const Vector3d point = to_from_object[static_cast<size_t>(hit.object)] * hit.point_in_object;
      if (!(point.z() > 0)) continue;
      const Vector2d pixel = Project(to.camera, point);
      dx.At(x, y) = static_cast<float>(pixel.x() - (x + 0.5));
      dy.At(x, y) = static_cast<float>(pixel.y() - (y + 0.5));
      depth.At(x, y) = static_cast<float>(point.z());
      if (!(pixel.x() >= 0 && pixel.x() <= to.camera.width && pixel.y() >= 0 &&
            pixel.y() <= to.camera.height))
        continue;
      const Hit back = CastAt(placed_to, to.camera, pixel);
      if (back.object >= 0 && point.z() <= back.z * (1 + 1e-9)) visible.At(x, y) = 255;
    }
  });
  return flow;
}

Image RayCaster::Unseen(const View& view, const View& source) const {
  Image unseen = FlowTo(view, source).visible;
  const Image objects = Objects(view);
  const auto plane = unseen.MutablePlane<uint8_t>();
  for (int y = 0; y < plane.height; ++y) {
    for (int x = 0; x < plane.width; ++x) {
      const bool surface = objects.Plane<uint8_t>().At(x, y) != 255;
      plane.At(x, y) = surface && plane.At(x, y) == 0 ? 255 : 0;
    }
  }
  return unseen;
}

namespace {

// Five pixels at distance z, in metres.
double WavelengthAt(double z, const Camera& camera) { return 5 * z / camera.fx; }

Pose At(double x, double y, double z) { return Pose(Eigen::Translation3d(x, y, z)); }

Object MakeObject(Shape shape, const Pose& pose, const Vector3d& half_size, uint32_t seed,
                  double wavelength, const Vector3d& color) {
  Object object;
  object.shape = shape;
  object.world_from_object = pose;
  object.half_size = half_size;
  object.texture = {seed, wavelength, 0.35, color};
  return object;
}

Pose Resting(double) { return Pose::Identity(); }

}  // namespace

Clip Scenes::Plane(double z, int width, int height, double xfov_deg) {
  Clip clip;
  clip.camera = Camera::FromFov(width, height, xfov_deg, {});
  clip.scene.objects.push_back(MakeObject(Shape::kPlane, test::At(0, 0, z),
                                          Vector3d::Constant(kInfinity), 11,
                                          WavelengthAt(z, clip.camera), {0.5, 0.5, 0.5}));
  clip.path = Resting;
  return clip;
}

Clip Scenes::Step(double near, double far, int width, int height, double xfov_deg) {
  Clip clip = Plane(far, width, height, xfov_deg);
  const double half = width / 4.0 / clip.camera.fx * near;
  clip.scene.objects.push_back(MakeObject(Shape::kPlane, test::At(0, 0, near), {half, kInfinity, 0},
                                          12, WavelengthAt(near, clip.camera), {0.65, 0.45, 0.35}));
  return clip;
}

Clip Scenes::Room(int width, int height, double xfov_deg) {
  Clip clip;
  clip.camera = Camera::FromFov(width, height, xfov_deg, {});
  const auto add = [&](Shape shape, const Pose& pose, const Vector3d& half_size, double distance,
                       const Vector3d& color) {
    const auto seed = static_cast<uint32_t>(21 + clip.scene.objects.size());
    clip.scene.objects.push_back(
        MakeObject(shape, pose, half_size, seed, WavelengthAt(distance, clip.camera), color));
  };
  const Pose turned = test::At(1.3, 0.85, 3.6) * Eigen::AngleAxisd(0.6, Vector3d::UnitY());
  add(Shape::kBox, test::At(0, -0.2, 3.5), {4, 1.7, 5.5}, 6, {0.55, 0.55, 0.5});
  add(Shape::kBox, test::At(-1.4, 0.9, 3.2), {0.45, 0.6, 0.45}, 3.2, {0.65, 0.4, 0.3});
  add(Shape::kBox, turned, {0.5, 0.65, 0.4}, 3.6, {0.3, 0.5, 0.65});
  add(Shape::kBox, test::At(-0.4, 0.6, 6.2), {0.7, 0.9, 0.5}, 6, {0.35, 0.6, 0.35});
  add(Shape::kSphere, test::At(0.35, 0.25, 2.7), Vector3d::Constant(0.4), 2.5, {0.7, 0.6, 0.3});
  add(Shape::kSphere, test::At(-2.2, -0.7, 5.5), Vector3d::Constant(0.6), 5, {0.6, 0.35, 0.55});
  clip.path = [](double time) {
    return Pose(Eigen::Translation3d(0.4 * time, 0, 0.5 * time) *
                Eigen::AngleAxisd(-0.05 * time, Vector3d::UnitY()) *
                Eigen::AngleAxisd(0.02 * time, Vector3d::UnitX()));
  };
  return clip;
}

Clip Scenes::MovingRoom(int width, int height, double xfov_deg) {
  Clip clip = Room(width, height, xfov_deg);
  clip.scene.objects[4].velocity = {0.5, -0.1, 0.1};
  clip.scene.objects[1].velocity = {-0.2, 0, 0.6};
  clip.scene.objects[1].spin = {0, 0.5, 0};
  return clip;
}

Clip Scenes::TurningRoom(int width, int height, double xfov_deg) {
  Clip clip = Room(width, height, xfov_deg);
  clip.path = [](double time) {
    return Pose(Eigen::AngleAxisd(0.3 * time, Vector3d::UnitY()) *
                Eigen::AngleAxisd(0.1 * time, Vector3d::UnitX()));
  };
  return clip;
}

}  // namespace mdvt::test
