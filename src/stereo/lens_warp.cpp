// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/lens_warp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "core/chroma_grid.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/each_row.h"

namespace mdvt {
namespace {

constexpr int kSubBits = 8;  // positions are kept in 1/256 of a sample
constexpr int kSub = 1 << kSubBits;
constexpr int32_t kNowhere = INT32_MIN;
constexpr int kRowsPerBlock = 16;
constexpr double kFarthest = 50;  // from the axis, of what a fold is looked for in
constexpr int kProbes = 5000;

// How far from the axis a point at distance r from it is shown, without the tangential part.
double Radial(const Lens& lens, double r) {
  const std::array<double, 8>& k = lens.k;
  if (lens.model == LensModel::kFisheye) {
    const double a = std::atan(r), a2 = a * a;
    return a * (1 + a2 * (k[0] + a2 * (k[1] + a2 * (k[2] + a2 * k[3]))));
  }
  const double r2 = r * r;
  return r * (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) /
         (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])));
}

// For each sample of a plane, where it comes from among the samples of the source.
struct Map {
  int width = 0;
  std::vector<int32_t> x, y;  // kNowhere: the lens does not look there

  size_t At(int column, int row) const {
    return static_cast<size_t>(row) * static_cast<size_t>(width) + static_cast<size_t>(column);
  }
};

template <typename T>
void WarpPlane(const Map& map, PlaneView<const T> from, int black, int y, T* to) {
  for (int x = 0; x < map.width; ++x) {
    const int32_t px = map.x[map.At(x, y)], py = map.y[map.At(x, y)];
    if (px == kNowhere) {
      to[x] = static_cast<T>(black);
      continue;
    }
    const int fx = px & (kSub - 1), fy = py & (kSub - 1);
    const int x0 = std::clamp(px >> kSubBits, 0, from.width - 1);
    const int x1 = std::clamp((px >> kSubBits) + 1, 0, from.width - 1);
    const T* top = from.Row(std::clamp(py >> kSubBits, 0, from.height - 1));
    const T* bottom = from.Row(std::clamp((py >> kSubBits) + 1, 0, from.height - 1));
    const int64_t above = int64_t{kSub - fx} * top[x0] + int64_t{fx} * top[x1];
    const int64_t below = int64_t{kSub - fx} * bottom[x0] + int64_t{fx} * bottom[x1];
    to[x] = static_cast<T>(((kSub - fy) * above + fy * below + kSub * kSub / 2) >> (2 * kSubBits));
  }
}

}  // namespace

double Lens::FoldRadius() const {
  double before = 0;
  for (int i = 1; i <= kProbes; ++i) {
    const double r = kFarthest * i / kProbes;
    const double now = Radial(*this, r);
    if (!(now > before)) return kFarthest * (i - 1) / kProbes;
    before = now;
  }
  return std::numeric_limits<double>::infinity();
}

Eigen::Vector2d Lens::Project(double x, double y) const {
  const double r2 = x * x + y * y, r = std::sqrt(r2);
  const double scale = r > 0 ? Radial(*this, r) / r : 1;
  Eigen::Vector2d bent(x * scale, y * scale);
  if (model == LensModel::kBrown) {
    bent.x() += 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x);
    bent.y() += k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y;
  }
  return {camera.fx * bent.x() + camera.cx, camera.fy * bent.y() + camera.cy};
}

void Lens::Check() const {
  camera.Check();
  Require(std::isfinite(camera.cx) && std::isfinite(camera.cy) &&
              std::all_of(k.begin(), k.end(), [](double v) { return std::isfinite(v); }),
          Code::kInvalidArgument, "the numbers of a lens must be finite");
  constexpr double kLeastRadius = 0.05;  // 3 degrees: no lens is measured for less
  Require(FoldRadius() >= kLeastRadius, Code::kInvalidArgument,
          "the distortion of the lens folds the picture back on itself " +
              FormatFixed(std::atan(FoldRadius()) * 180 / M_PI, 1) + " degrees from its axis");
}

bool Lens::operator==(const Lens& o) const {
  const Camera &a = camera, &b = o.camera;
  return model == o.model && k == o.k && a.width == b.width && a.height == b.height &&
         a.fx == b.fx && a.fy == b.fy && a.cx == b.cx && a.cy == b.cy;
}

struct LensWarp::Impl {
  ThreadPool* pool = nullptr;
  Lens lens;
  Camera camera;
  PixelFormat format;
  int chroma_location = 0;
  std::optional<Map> luma, chroma;

  Map MapOf(int width, int height, const SampleGrid& across, const SampleGrid& down) const {
    Map map;
    map.width = width;
    const auto count = static_cast<size_t>(width) * static_cast<size_t>(height);
    map.x.assign(count, kNowhere);
    map.y.assign(count, kNowhere);
    const double fold = lens.FoldRadius();
    EachRow(pool, height, kRowsPerBlock, [&](int row) {
      const double v = (down.offset + row * down.step - camera.cy) / camera.fy;
      for (int column = 0; column < width; ++column) {
        const double u = (across.offset + column * across.step - camera.cx) / camera.fx;
        if (!(u * u + v * v < fold * fold)) continue;
        const Eigen::Vector2d at = lens.Project(u, v);
        if (!(at.x() >= 0 && at.y() >= 0 && at.x() <= lens.camera.width &&
              at.y() <= lens.camera.height))
          continue;
        const double x = (at.x() - across.offset) / across.step;
        const double y = (at.y() - down.offset) / down.step;
        map.x[map.At(column, row)] = static_cast<int32_t>(std::floor(x * kSub + 0.5));
        map.y[map.At(column, row)] = static_cast<int32_t>(std::floor(y * kSub + 0.5));
      }
    });
    return map;
  }
};

LensWarp::LensWarp(ThreadPool* pool) : impl_(std::make_unique<Impl>()) { impl_->pool = pool; }
LensWarp::~LensWarp() = default;
LensWarp::LensWarp(LensWarp&&) noexcept = default;
LensWarp& LensWarp::operator=(LensWarp&&) noexcept = default;

void LensWarp::SetLens(const Lens& lens, const Camera& camera, const PixelFormat& format,
                       int chroma_location) {
  Impl& me = *impl_;
  const Lens as_lens{LensModel::kBrown, camera, {}};  // to compare
  if (me.luma && me.lens == lens && Lens{LensModel::kBrown, me.camera, {}} == as_lens &&
      me.format == format && me.chroma_location == chroma_location)
    return;
  lens.Check();
  as_lens.Check();
  Require(
      format.type != SampleType::kF32 && format.chroma_shift_x <= 1 && format.chroma_shift_y <= 1,
      Code::kInvalidArgument,
      "LensWarp: pictures must have 8 to 16 bits and chroma halved at most, not " +
          format.ToString());
  me.lens = lens;
  me.camera = camera;
  me.format = format;
  me.chroma_location = chroma_location;
  me.luma = me.MapOf(camera.width, camera.height, {}, {});
  me.chroma.reset();
  if (format.num_planes() > 1 && (format.chroma_shift_x > 0 || format.chroma_shift_y > 0))
    me.chroma = me.MapOf(format.PlaneWidth(1, camera.width), format.PlaneHeight(1, camera.height),
                         GridAcross(format.chroma_shift_x, chroma_location),
                         GridDown(format.chroma_shift_y, chroma_location));
}

void LensWarp::Warp(const ImageView& picture, const std::array<int, 3>& black,
                    const MutableImageView& straight) const {
  const Impl& me = *impl_;
  Require(me.luma && picture.format == me.format && straight.format == me.format &&
              picture.width == me.lens.camera.width && picture.height == me.lens.camera.height &&
              straight.width == me.camera.width && straight.height == me.camera.height,
          Code::kInvalidArgument, "LensWarp: a picture is not as SetLens() was told");
  for (int plane = 0; plane < me.format.num_planes(); ++plane) {
    const Map& map = plane > 0 && me.chroma ? *me.chroma : *me.luma;
    const int dark = black[static_cast<size_t>(plane)];
    EachRow(me.pool, me.format.PlaneHeight(plane, straight.height), kRowsPerBlock, [&](int y) {
      if (me.format.type == SampleType::kU8)
        WarpPlane<uint8_t>(map, picture.Plane<uint8_t>(plane), dark, y,
                           straight.Plane<uint8_t>(plane).Row(y));
      else
        WarpPlane<uint16_t>(map, picture.Plane<uint16_t>(plane), dark, y,
                            straight.Plane<uint16_t>(plane).Row(y));
    });
  }
}

void LensWarp::WarpDepth(const DepthView& depth, const PlaneView<float>& straight) const {
  const Impl& me = *impl_;
  Require(me.luma && depth.width == me.lens.camera.width && depth.height == me.lens.camera.height &&
              straight.width == me.camera.width && straight.height == me.camera.height,
          Code::kInvalidArgument, "LensWarp: a depth map is not as SetLens() was told");
  const Map& map = *me.luma;
  EachRow(me.pool, straight.height, kRowsPerBlock, [&](int y) {
    float* to = straight.Row(y);
    for (int x = 0; x < straight.width; ++x) {
      const int32_t px = map.x[map.At(x, y)], py = map.y[map.At(x, y)];
      to[x] = 0;
      if (px == kNowhere) continue;
      to[x] = depth.At(std::clamp((px + kSub / 2) >> kSubBits, 0, depth.width - 1),
                       std::clamp((py + kSub / 2) >> kSubBits, 0, depth.height - 1));
    }
  });
}

}  // namespace mdvt
