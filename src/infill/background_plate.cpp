// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/background_plate.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

// What a frame may shift against the plate as its camera moves, as a share of the frame.
constexpr double kMargin = 0.1;
// Points of a frame, along each side, that tell how far it reaches.
constexpr int kProbes = 17;
// Half the side of a cube's face, as a multiple of its distance: faces overlap by a little.
constexpr double kFaceReach = 1.02;
constexpr double kNear = 1e-3;  // metres

struct Layer {
  float inv_z = 0;
  std::array<uint16_t, 3> color = {};
  uint16_t times = 0;  // 0: empty
};
using Cell = std::array<Layer, 2>;

// A part of the plate: the grid of a pinhole camera in the world's origin.
struct Face {
  Camera camera;
  Pose world_from_cam = Pose::Identity();
  std::vector<Cell> cells;

  Cell& At(int x, int y) {
    return cells[static_cast<size_t>(y) * static_cast<size_t>(camera.width) +
                 static_cast<size_t>(x)];
  }
  const Cell& At(int x, int y) const { return const_cast<Face*>(this)->At(x, y); }
};

// Rotations of the cube's faces: front, right, back, left, up, down.
std::vector<Eigen::Matrix3d> FaceRotations() {
  std::vector<Eigen::Matrix3d> rotations;
  for (int i = 0; i < 4; ++i)
    rotations.push_back(
        Eigen::AngleAxisd(i * M_PI / 2, Eigen::Vector3d::UnitY()).toRotationMatrix());
  for (const double angle : {M_PI / 2, -M_PI / 2})
    rotations.push_back(Eigen::AngleAxisd(angle, Eigen::Vector3d::UnitX()).toRotationMatrix());
  return rotations;
}

// The part of a face, in multiples of its distance, that frames reach.
struct Box {
  double x0 = kFaceReach, x1 = -kFaceReach, y0 = kFaceReach, y1 = -kFaceReach;
  bool empty() const { return x0 >= x1 || y0 >= y1; }
  void Add(double x, double y) {
    x0 = std::min(x0, x);
    x1 = std::max(x1, x);
    y0 = std::min(y0, y);
    y1 = std::max(y1, y);
  }
  void Grow(double by) {
    x0 = std::max(x0 - by, -kFaceReach);
    x1 = std::min(x1 + by, kFaceReach);
    y0 = std::max(y0 - by, -kFaceReach);
    y1 = std::min(y1 + by, kFaceReach);
  }
};

Box ReachOn(const Eigen::Matrix3d& world_from_face, const std::vector<PlateView>& views) {
  Box box;
  double widest = 0;
  for (const PlateView& view : views) {
    const Camera& camera = view.camera;
    const Eigen::Matrix3d face_from_cam =
        world_from_face.transpose() * view.world_from_cam.linear();
    for (int i = 0; i < kProbes; ++i)
      for (int j = 0; j < kProbes; ++j) {
        const Eigen::Vector2d pixel(camera.width * double(i) / (kProbes - 1),
                                    camera.height * double(j) / (kProbes - 1));
        const Eigen::Vector3d ray = face_from_cam * Unproject(camera, pixel, 1);
        if (!(ray.z() > 0)) continue;
        const double x = ray.x() / ray.z(), y = ray.y() / ray.z();
        if (std::abs(x) <= kFaceReach && std::abs(y) <= kFaceReach) box.Add(x, y);
      }
    widest = std::max(widest, camera.width / camera.fx);
  }
  // Between two probes a frame may reach farther than both.
  if (box.x1 >= box.x0) box.Grow((kMargin + 1.0 / kProbes) * widest);
  return box;
}

// Moves a running median towards a new sample: at first as far as it lies, then less and less.
uint16_t MoveTo(uint16_t kept, uint16_t sample, int times, int max_value) {
  const int most = std::max(1, max_value / (4 * times));
  return static_cast<uint16_t>(kept + std::clamp(int{sample} - int{kept}, -most, most));
}

void AddTo(Cell* cell, float inv_z, const std::array<uint16_t, 3>& color, int times, float same,
           int max_value) {
  constexpr int kMostTimes = 60000;
  for (Layer& layer : *cell) {
    if (layer.times == 0) {
      layer = {inv_z, color, static_cast<uint16_t>(std::clamp(times, 1, kMostTimes))};
      return;
    }
    if (std::fabs(layer.inv_z - inv_z) > same * std::max(layer.inv_z, inv_z)) continue;
    if (layer.times < kMostTimes) ++layer.times;
    layer.inv_z += (inv_z - layer.inv_z) / static_cast<float>(layer.times);
    for (size_t i = 0; i < 3; ++i)
      layer.color[i] = MoveTo(layer.color[i], color[i], layer.times, max_value);
    return;
  }
  // Neither of both surfaces: the one that was seen less gives way in time.
  Layer& weaker = (*cell)[0].times <= (*cell)[1].times ? (*cell)[0] : (*cell)[1];
  if (--weaker.times == 0) weaker = {inv_z, color, 1};
}

std::array<uint16_t, 3> ColorAt(const ImageView& color, int x, int y) {
  std::array<uint16_t, 3> result;
  for (int i = 0; i < 3; ++i)
    result[static_cast<size_t>(i)] = color.format.type == SampleType::kU8
                                         ? color.Plane<uint8_t>(i).Row(y)[x]
                                         : color.Plane<uint16_t>(i).Row(y)[x];
  return result;
}

void SetColor(const std::array<uint16_t, 3>& from, int x, int y, const MutableImageView& to) {
  for (int i = 0; i < 3; ++i) {
    const uint16_t value = from[static_cast<size_t>(i)];
    if (to.format.type == SampleType::kU8)
      to.Plane<uint8_t>(i).Row(y)[x] = static_cast<uint8_t>(value);
    else
      to.Plane<uint16_t>(i).Row(y)[x] = value;
  }
}

bool SameCamera(const Camera& a, const Camera& b) {
  return a.width == b.width && a.height == b.height && a.fx == b.fx && a.fy == b.fy &&
         a.cx == b.cx && a.cy == b.cy;
}

}  // namespace

void BackgroundPlateOptions::Check() const {
  Require(bits >= 8 && bits <= 16, Code::kInvalidArgument,
          "BackgroundPlateOptions.bits = " + std::to_string(bits) + ", must be in [8, 16]");
  Require(max_cells >= 1 && max_cells <= int64_t{1} << 26, Code::kInvalidArgument,
          "BackgroundPlateOptions.max_cells = " + std::to_string(max_cells) +
              ", must be in [1, 67108864]");
  Require(
      same_depth > 0 && same_depth < 1, Code::kInvalidArgument,
      "BackgroundPlateOptions.same_depth = " + FormatDouble(same_depth) + ", must be in (0, 1)");
}

struct BackgroundPlate::Impl {
  Impl(const BackgroundPlateOptions& plate_options, ThreadPool* thread_pool)
      : options(plate_options), pool(thread_pool) {}

  void MakeFixed(const Camera& camera);
  void MakeCube(const std::vector<PlateView>& views);
  void AddFixed(const ImageView& color, const DepthView& depth,
                PlaneView<const uint8_t> foreground);
  void Splat(const Eigen::Vector3d& point, double pixel_angle, const Color& color, int times);
  PlateSurface Surface(const Face& face, bool farthest, bool* any) const;

  float same() const { return static_cast<float>(options.same_depth); }
  int max_value() const { return (1 << options.bits) - 1; }

  const BackgroundPlateOptions options;
  ThreadPool* pool;
  bool fixed = false;  // the plate is the picture of a camera that does not move
  std::vector<Face> faces;
};

void BackgroundPlate::Impl::MakeFixed(const Camera& camera) {
  fixed = true;
  const double count = static_cast<double>(camera.width) * camera.height;
  const double scale = std::min(1.0, std::sqrt(static_cast<double>(options.max_cells) / count));
  Face face;
  face.camera = scale == 1 ? camera
                           : camera.Scaled(std::max(1, static_cast<int>(camera.width * scale)),
                                           std::max(1, static_cast<int>(camera.height * scale)));
  faces.push_back(std::move(face));
}

void BackgroundPlate::Impl::MakeCube(const std::vector<PlateView>& views) {
  double focal = 0;
  for (const PlateView& view : views) focal = std::max({focal, view.camera.fx, view.camera.fy});
  std::vector<Box> boxes;
  const std::vector<Eigen::Matrix3d> rotations = FaceRotations();
  double area = 0;
  for (const Eigen::Matrix3d& rotation : rotations) {
    const Box box = ReachOn(rotation, views);
    boxes.push_back(box);
    if (!box.empty()) area += (box.x1 - box.x0) * (box.y1 - box.y0);
  }
  focal = std::min(focal, std::sqrt(static_cast<double>(options.max_cells) / std::max(area, 1e-9)));
  for (size_t i = 0; i < boxes.size(); ++i) {
    const Box& box = boxes[i];
    if (box.empty()) continue;
    Face face;
    Camera& camera = face.camera;
    camera.width = std::max(1, static_cast<int>((box.x1 - box.x0) * focal));
    camera.height = std::max(1, static_cast<int>((box.y1 - box.y0) * focal));
    camera.fx = camera.fy = focal;
    camera.cx = -box.x0 * focal;
    camera.cy = -box.y0 * focal;
    face.world_from_cam.linear() = rotations[i];
    faces.push_back(std::move(face));
  }
}

void BackgroundPlate::Impl::AddFixed(const ImageView& color, const DepthView& depth,
                                     PlaneView<const uint8_t> foreground) {
  Face& face = faces.front();
  const int width = face.camera.width, height = face.camera.height;
  // Every row of cells takes the pixel in the middle of each cell.
  const auto rows = [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      const int row = static_cast<int>((y + 0.5) * depth.height / height);
      const float* z = depth.Row(row);
      for (int x = 0; x < width; ++x) {
        const int column =
            width == depth.width ? x : static_cast<int>((x + 0.5) * depth.width / width);
        if (!(z[column] > kNear) || !std::isfinite(z[column])) continue;
        if (foreground.data != nullptr && foreground.Row(row)[column] != 0) continue;
        AddTo(&face.At(x, y), 1 / z[column], ColorAt(color, column, row), 1, same(), max_value());
      }
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(height, 16, rows);
  else
    rows(0, height);
}

// A point as large as it was in its frame, into all cells whose centres it covers.
void BackgroundPlate::Impl::Splat(const Eigen::Vector3d& point, double pixel_size,
                                  const Color& color, int times) {
  for (Face& face : faces) {
    const Eigen::Vector3d p = face.world_from_cam.linear().transpose() * point;
    if (!(p.z() > kNear)) continue;
    const Eigen::Vector2d at = Project(face.camera, p);
    const double half = std::min(0.71 * pixel_size * face.camera.fx / p.z(), 8.0);
    if (!(at.x() + half >= 0 && at.x() - half <= face.camera.width && at.y() + half >= 0 &&
          at.y() - half <= face.camera.height))
      continue;
    int x0 = static_cast<int>(std::ceil(at.x() - half - 0.5));
    int x1 = static_cast<int>(std::floor(at.x() + half - 0.5));
    int y0 = static_cast<int>(std::ceil(at.y() - half - 0.5));
    int y1 = static_cast<int>(std::floor(at.y() + half - 0.5));
    if (x0 > x1) x0 = x1 = static_cast<int>(std::floor(at.x()));
    if (y0 > y1) y0 = y1 = static_cast<int>(std::floor(at.y()));
    x0 = std::max(x0, 0);
    x1 = std::min(x1, face.camera.width - 1);
    y0 = std::max(y0, 0);
    y1 = std::min(y1, face.camera.height - 1);
    const float inv_z = static_cast<float>(1 / p.z());
    for (int y = y0; y <= y1; ++y)
      for (int x = x0; x <= x1; ++x)
        AddTo(&face.At(x, y), inv_z, color, times, same(), max_value());
  }
}

PlateSurface BackgroundPlate::Impl::Surface(const Face& face, bool farthest, bool* any) const {
  PlateSurface surface;
  surface.camera = face.camera;
  surface.world_from_cam = face.world_from_cam;
  surface.color = Image(PixelFormat::Rgb(options.bits), face.camera.width, face.camera.height);
  surface.depth = Image(PixelFormat::GrayF32(), face.camera.width, face.camera.height);
  *any = false;
  for (int y = 0; y < face.camera.height; ++y) {
    float* depth = surface.depth.MutablePlane<float>().Row(y);
    for (int x = 0; x < face.camera.width; ++x) {
      const Cell& cell = face.At(x, y);
      const int most = std::max(cell[0].times, cell[1].times);
      const auto counts = [most](const Layer& layer) {
        return layer.times > 0 && layer.times * 8 >= most;
      };
      const Layer* shown = nullptr;
      if (counts(cell[0]) && counts(cell[1]))
        shown = (cell[0].inv_z < cell[1].inv_z) == farthest ? &cell[0] : &cell[1];
      else if (farthest && (counts(cell[0]) || counts(cell[1])))
        shown = counts(cell[0]) ? &cell[0] : &cell[1];
      depth[x] = shown != nullptr ? 1 / shown->inv_z : 0;
      SetColor(shown != nullptr ? shown->color : Color{}, x, y, surface.color.mutable_view());
      *any = *any || shown != nullptr;
    }
  }
  return surface;
}

BackgroundPlate::BackgroundPlate(const std::vector<PlateView>& views,
                                 const BackgroundPlateOptions& options, ThreadPool* pool) {
  options.Check();
  Require(!views.empty(), Code::kInvalidArgument, "BackgroundPlate: there is no view");
  bool moves = false;
  for (const PlateView& view : views) {
    view.camera.Check();
    moves = moves || !SameCamera(view.camera, views.front().camera) ||
            !view.world_from_cam.matrix().isIdentity(1e-12);
  }
  impl_ = std::make_unique<Impl>(options, pool);
  if (moves)
    impl_->MakeCube(views);
  else
    impl_->MakeFixed(views.front().camera);
  for (Face& face : impl_->faces)
    face.cells.resize(static_cast<size_t>(face.camera.width) *
                      static_cast<size_t>(face.camera.height));
}
BackgroundPlate::~BackgroundPlate() = default;
BackgroundPlate::BackgroundPlate(BackgroundPlate&&) noexcept = default;
BackgroundPlate& BackgroundPlate::operator=(BackgroundPlate&&) noexcept = default;

void BackgroundPlate::Add(const ImageView& color, const DepthView& depth,
                          PlaneView<const uint8_t> foreground, const Camera& camera,
                          const Pose& world_from_cam) {
  Impl& me = *impl_;
  camera.Check();
  const auto has_size = [&](int width, int height) {
    return width == depth.width && height == depth.height;
  };
  Require(color.format == PixelFormat::Rgb(me.options.bits) &&
              has_size(color.width, color.height) && has_size(camera.width, camera.height) &&
              (foreground.data == nullptr || has_size(foreground.width, foreground.height)),
          Code::kInvalidArgument,
          "BackgroundPlate: color, depth, mask and camera must have one size, and the color " +
              PixelFormat::Rgb(me.options.bits).ToString());
  if (me.fixed) return me.AddFixed(color, depth, foreground);
  for (int y = 0; y < depth.height; ++y)
    for (int x = 0; x < depth.width; ++x) {
      const float z = depth.Row(y)[x];
      if (!(z > kNear) || !std::isfinite(z)) continue;
      if (foreground.data != nullptr && foreground.Row(y)[x] != 0) continue;
      me.Splat(world_from_cam * Unproject(camera, {x + 0.5, y + 0.5}, z), z / camera.fx,
               ColorAt(color, x, y), 1);
    }
}

void BackgroundPlate::AddPoint(const Eigen::Vector3d& point, const Color& color, int times) {
  // As large as a cell.
  impl_->Splat(point, 0, color, times);
}

std::vector<PlateSurface> BackgroundPlate::Surfaces() const {
  std::vector<PlateSurface> surfaces;
  for (const Face& face : impl_->faces)
    for (const bool farthest : {true, false}) {
      bool any = false;
      PlateSurface surface = impl_->Surface(face, farthest, &any);
      if (any) surfaces.push_back(std::move(surface));
    }
  return surfaces;
}

int64_t BackgroundPlate::cells() const {
  int64_t count = 0;
  for (const Face& face : impl_->faces) count += static_cast<int64_t>(face.cells.size());
  return count;
}

int64_t BackgroundPlate::seen() const {
  int64_t count = 0;
  for (const Face& face : impl_->faces)
    count += std::count_if(face.cells.begin(), face.cells.end(),
                           [](const Cell& cell) { return cell[0].times + cell[1].times > 0; });
  return count;
}

void MarkForeground(const DepthView& depth, double metres, const PlaneView<uint8_t>& mask,
                    ThreadPool* pool) {
  constexpr int kReach = 2;
  Require(mask.width == depth.width && mask.height == depth.height, Code::kInvalidArgument,
          "MarkForeground: depth and mask must have one size");
  Require(metres > 0, Code::kInvalidArgument,
          "MarkForeground: metres = " + FormatDouble(metres) + ", must be positive");
  const auto rows = [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> near(static_cast<size_t>(depth.width));
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      std::fill(near.begin(), near.end(), uint8_t{0});
      for (int row = std::max(0, y - kReach); row <= std::min(depth.height - 1, y + kReach); ++row)
        for (int x = 0; x < depth.width; ++x) {
          const float z = depth.Row(row)[x];
          if (z > 0 && z < metres) near[static_cast<size_t>(x)] = 255;
        }
      uint8_t* to = mask.Row(y);
      for (int x = 0; x < depth.width; ++x) {
        const auto first = near.begin() + std::max(0, x - kReach);
        const auto last = near.begin() + std::min(depth.width - 1, x + kReach) + 1;
        to[x] = *std::max_element(first, last);
      }
    }
  };
  if (pool != nullptr)
    pool->ParallelFor(depth.height, 16, rows);
  else
    rows(0, depth.height);
}

}  // namespace mdvt
