// SPDX-License-Identifier: Apache-2.0
//
// The picture is cut into bands of rows; each is drawn by one thread, in the order in which things
// were added.
#include "mdvt/stereo/scene_rasterizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "mdvt/core/error.h"
#include "stereo/raster_grid.h"

namespace mdvt {
namespace {

using namespace raster;

constexpr int kBandRows = 32;

}  // namespace

struct SceneRasterizer::Impl {
  // A point of a cloud, and how large it is drawn.
  struct Splat {
    Vertex vertex;
    float size = 0;
  };

  int bits = 8;
  ThreadPool* pool = nullptr;
  bool begun = false;
  Camera camera;  // of the picture, in samples
  int scale = 1;  // samples per pixel in one axis
  Pose view_from_world = Pose::Identity();
  std::vector<Sample> samples;
  Grid grid;  // kept for its memory

  int width() const { return camera.width; }
  int height() const { return camera.height; }
  int bands() const { return (height() + kBandRows - 1) / kBandRows; }

  void For(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
    if (pool != nullptr)
      pool->ParallelFor(count, grain, body);
    else if (count > 0)
      body(0, count);
  }
  // draw(band, i) for each band of rows.
  void ForBands(const std::function<void(const Band&, size_t)>& draw) {
    For(bands(), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        draw(BandAt(static_cast<int>(i)), static_cast<size_t>(i));
    });
  }
  Band BandAt(int i) {
    return {samples.data(), width(), i * kBandRows, std::min((i + 1) * kBandRows, height())};
  }
  // Points in world axes; inv_z is 0 for those that cannot be put on the screen.
  std::vector<Vertex> Projected(const Projector& projector,
                                const std::vector<Eigen::Vector3f>& points,
                                const std::vector<Color>& colors) {
    std::vector<Vertex> vertices(points.size());
    For(static_cast<int64_t>(points.size()), 4096, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        if (!projector.OnScreen(projector.ToView(points[i].cast<double>()), &vertices[i]))
          vertices[i].inv_z = 0;
        vertices[i].color = colors[i];
      }
    });
    return vertices;
  }
  // Which of `count` things each band has to draw, in their order.
  std::vector<std::vector<uint32_t>> Sorted(size_t count,
                                            const std::function<Reach(size_t)>& reach_of) const {
    std::vector<std::vector<uint32_t>> result(static_cast<size_t>(bands()));
    const int32_t band_height = kBandRows * kSub;
    for (size_t i = 0; i < count; ++i) {
      const Reach reach = reach_of(i);
      if (reach.high < 0 || reach.low > reach.high || reach.low >= height() * kSub) continue;
      const int first = std::max(reach.low, 0) / band_height;
      const int last = std::min(reach.high / band_height, bands() - 1);
      for (int band = first; band <= last; ++band)
        result[static_cast<size_t>(band)].push_back(static_cast<uint32_t>(i));
    }
    return result;
  }
  void RequireBegun() const {
    Require(begun, Code::kInvalidArgument, "SceneRasterizer: call Begin() first");
  }

  void DrawGrid();
};

void SceneRasterizer::Impl::DrawGrid() {
  const bool points = grid.options.points;
  const int rows = points ? grid.depth.height : grid.cell_rows();
  const int columns = points ? grid.depth.width : grid.cell_columns();
  grid.vertices.resize(static_cast<size_t>(grid.depth.width) *
                       static_cast<size_t>(grid.depth.height));
  grid.cells.resize(static_cast<size_t>(grid.cell_rows()) *
                    static_cast<size_t>(grid.cell_columns()));
  grid.blocks = (columns + kBlock - 1) / kBlock;
  grid.reaches.resize(static_cast<size_t>(rows) * static_cast<size_t>(grid.blocks));
  For(grid.depth.height, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) grid.Project(static_cast<int>(y));
  });
  For(rows, 16, [&](int64_t begin, int64_t end) {
    for (int64_t y = begin; y < end; ++y) {
      if (points) {
        grid.MeasurePixels(static_cast<int>(y));
      } else {
        grid.FindCells(static_cast<int>(y));
        grid.MeasureCells(static_cast<int>(y));
      }
    }
  });
  ForBands([&](const Band& band, size_t) {
    const int64_t low = int64_t{band.begin} * kSub;
    const int64_t high = int64_t{band.end} * kSub;
    const Reach* reach = grid.reaches.data();
    for (int y = 0; y < rows; ++y)
      for (int block = 0; block < grid.blocks; ++block, ++reach) {
        if (reach->low > reach->high || reach->high < low || reach->low > high) continue;
        if (points)
          grid.DrawPixels(band, y, block);
        else
          grid.DrawCells(band, y, block);
      }
  });
}

SceneRasterizer::SceneRasterizer(int bits, ThreadPool* pool) : impl_(std::make_unique<Impl>()) {
  Require(bits >= 8 && bits <= 16, Code::kInvalidArgument,
          "SceneRasterizer: bits is " + std::to_string(bits) + ", must be in [8, 16]");
  impl_->bits = bits;
  impl_->pool = pool;
}
SceneRasterizer::~SceneRasterizer() = default;
SceneRasterizer::SceneRasterizer(SceneRasterizer&&) noexcept = default;
SceneRasterizer& SceneRasterizer::operator=(SceneRasterizer&&) noexcept = default;

void SceneRasterizer::Begin(const Camera& camera, const Pose& world_from_view, int supersampling) {
  camera.Check();
  Require(
      supersampling >= 1 && supersampling <= 4, Code::kInvalidArgument,
      "SceneRasterizer: supersampling is " + std::to_string(supersampling) + ", must be in [1, 4]");
  const int64_t count = int64_t{camera.width} * camera.height * supersampling * supersampling;
  Require(count <= int64_t{1} << 28, Code::kInvalidArgument,
          "SceneRasterizer: a picture of " + std::to_string(camera.width) + "x" +
              std::to_string(camera.height) + " pixels with " + std::to_string(supersampling) +
              " x " + std::to_string(supersampling) + " samples is too large");
  impl_->camera = camera.Scaled(camera.width * supersampling, camera.height * supersampling);
  impl_->scale = supersampling;
  impl_->view_from_world = world_from_view.inverse();
  impl_->samples.assign(static_cast<size_t>(count), Sample{});
  impl_->begun = true;
}

void SceneRasterizer::AddSurface(const ImageView& color, const DepthView& depth,
                                 const Camera& camera, const Pose& world_from_cam,
                                 const SurfaceOptions& options) {
  impl_->RequireBegun();
  camera.Check();
  Require(color.format == PixelFormat::Rgb(impl_->bits), Code::kInvalidArgument,
          "SceneRasterizer: the color is " + color.format.ToString() + ", must be " +
              PixelFormat::Rgb(impl_->bits).ToString());
  const auto has_size = [&](int width, int height) {
    return width == depth.width && height == depth.height;
  };
  Require(has_size(color.width, color.height) && has_size(camera.width, camera.height) &&
              (options.mask.data == nullptr || has_size(options.mask.width, options.mask.height)),
          Code::kInvalidArgument,
          "SceneRasterizer: color, depth, mask and camera must have one size");
  const Projector projector(impl_->camera, impl_->view_from_world * world_from_cam, &options);
  Grid& grid = impl_->grid;
  grid.color = color;
  grid.depth = depth;
  grid.camera = camera;
  grid.options = options;
  grid.projector = &projector;
  impl_->DrawGrid();
  grid.projector = nullptr;
}

void SceneRasterizer::AddPoints(const std::vector<Eigen::Vector3f>& points,
                                const std::vector<Color>& colors, double size) {
  impl_->RequireBegun();
  Require(points.size() == colors.size() && points.size() < UINT32_MAX, Code::kInvalidArgument,
          "SceneRasterizer: there must be one color per point");
  const Projector projector(impl_->camera, impl_->view_from_world);
  const float samples = static_cast<float>(size * impl_->scale);
  const int32_t half = static_cast<int32_t>(std::min(samples, 4096.0f) * (kSub / 2)) + kSub;
  const std::vector<Vertex> vertices = impl_->Projected(projector, points, colors);
  const auto lists = impl_->Sorted(points.size(), [&](size_t i) {
    Reach reach;
    if (vertices[i].inv_z <= 0) return reach;
    reach.Add(vertices[i].y - half);
    reach.Add(vertices[i].y + half);
    return reach;
  });
  impl_->ForBands([&](const Band& band, size_t index) {
    for (const uint32_t i : lists[index]) DrawSquare(band, vertices[i], samples);
  });
}

void SceneRasterizer::AddTriangles(const std::vector<Eigen::Vector3f>& points,
                                   const std::vector<Color>& colors,
                                   const std::vector<Eigen::Matrix<int32_t, 3, 1>>& triangles) {
  impl_->RequireBegun();
  Require(points.size() == colors.size() && triangles.size() < UINT32_MAX, Code::kInvalidArgument,
          "SceneRasterizer: there must be one color per point");
  const auto count = static_cast<int64_t>(points.size());
  for (const Eigen::Matrix<int32_t, 3, 1>& triangle : triangles)
    Require(triangle.minCoeff() >= 0 && triangle.maxCoeff() < count, Code::kInvalidArgument,
            "SceneRasterizer: a triangle names a point that is not there");
  const Projector projector(impl_->camera, impl_->view_from_world);
  const std::vector<Vertex> vertices = impl_->Projected(projector, points, colors);
  const auto view_point = [&](int32_t i) {
    const auto k = static_cast<size_t>(i);
    return ViewPoint{projector.ToView(points[k].cast<double>()), colors[k]};
  };
  const auto vertex_of = [&](int32_t i) -> const Vertex& {
    return vertices[static_cast<size_t>(i)];
  };
  const auto lists = impl_->Sorted(triangles.size(), [&](size_t i) {
    Reach reach;
    for (const int32_t corner : triangles[i]) {
      if (vertex_of(corner).inv_z <= 0) return Reach{0, INT32_MAX};  // to be clipped
      reach.Add(vertex_of(corner).y);
    }
    return reach;
  });
  impl_->ForBands([&](const Band& band, size_t index) {
    for (const uint32_t i : lists[index]) {
      const Eigen::Matrix<int32_t, 3, 1>& t = triangles[i];
      const Vertex& a = vertex_of(t[0]);
      const Vertex& b = vertex_of(t[1]);
      const Vertex& c = vertex_of(t[2]);
      if (a.inv_z > 0 && b.inv_z > 0 && c.inv_z > 0) {
        DrawTriangle(band, a, b, c);
        DrawTriangle(band, a, c, b);
      } else {
        const ViewPoint pa = view_point(t[0]), pb = view_point(t[1]), pc = view_point(t[2]);
        projector.DrawClipped(band, {pa, pb, pc});
        projector.DrawClipped(band, {pa, pc, pb});
      }
    }
  });
}

void SceneRasterizer::AddLine(const Eigen::Vector3d& from, const Eigen::Vector3d& to,
                              const Color& color) {
  impl_->RequireBegun();
  const Projector projector(impl_->camera, impl_->view_from_world);
  ViewPoint a{projector.ToView(from), color};
  ViewPoint b{projector.ToView(to), color};
  if (!projector.ClipLine(&a, &b)) return;
  Vertex start, end;
  if (!projector.OnScreen(a.position, &start) || !projector.OnScreen(b.position, &end)) return;
  const Band all{impl_->samples.data(), impl_->width(), 0, impl_->height()};
  const int64_t dx = int64_t{end.x} - start.x;
  const int64_t dy = int64_t{end.y} - start.y;
  const int64_t steps =
      std::max<int64_t>((std::max(std::abs(dx), std::abs(dy)) >> kSubBits) + 1, 1);
  for (int64_t i = 0; i <= steps; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(steps);
    Vertex at;
    at.x = start.x + static_cast<int32_t>(std::floor(static_cast<double>(dx) * t + 0.5));
    at.y = start.y + static_cast<int32_t>(std::floor(static_cast<double>(dy) * t + 0.5));
    at.inv_z = static_cast<float>(start.inv_z + (end.inv_z - start.inv_z) * t);
    at.color = color;
    DrawSquare(all, at, static_cast<float>(impl_->scale));
  }
}

namespace {

// The mean of the samples of each pixel, `background` where there is nothing.
template <typename T>
void AverageRow(const Sample* samples, size_t row_length, int scale, const Color& background,
                int width, const std::array<T*, 3>& to) {
  const int count = scale * scale;
  for (int x = 0; x < width; ++x) {
    std::array<uint32_t, 3> sum = {};
    for (int dy = 0; dy < scale; ++dy) {
      const Sample* at =
          samples + static_cast<size_t>(dy) * row_length + static_cast<size_t>(x * scale);
      for (int dx = 0; dx < scale; ++dx) {
        const Color& color = at[dx].inv_z > 0 ? at[dx].color : background;
        for (size_t i = 0; i < 3; ++i) sum[i] += color[i];
      }
    }
    for (size_t i = 0; i < 3; ++i)
      to[i][x] = static_cast<T>((sum[i] + static_cast<uint32_t>(count / 2)) /
                                static_cast<uint32_t>(count));
  }
}

}  // namespace

void SceneRasterizer::Finish(const Color& background, const MutableImageView& picture,
                             const PlaneView<float>& depth) {
  impl_->RequireBegun();
  const int scale = impl_->scale;
  const int width = impl_->width() / scale;
  const int height = impl_->height() / scale;
  Require(picture.format == PixelFormat::Rgb(impl_->bits) && picture.width == width &&
              picture.height == height,
          Code::kInvalidArgument,
          "SceneRasterizer: the picture must be " + PixelFormat::Rgb(impl_->bits).ToString() +
              " and of the size of the camera");
  Require(depth.data == nullptr || (depth.width == width && depth.height == height),
          Code::kInvalidArgument, "SceneRasterizer: the depth must be of the size of the camera");
  const size_t length = static_cast<size_t>(impl_->width());
  impl_->For(height, 16, [&](int64_t begin, int64_t end) {
    for (int y = static_cast<int>(begin); y < static_cast<int>(end); ++y) {
      const Sample* samples = impl_->samples.data() + static_cast<size_t>(y * scale) * length;
      if (impl_->bits == 8)
        AverageRow<uint8_t>(samples, length, scale, background, width,
                            {picture.Plane<uint8_t>(0).Row(y), picture.Plane<uint8_t>(1).Row(y),
                             picture.Plane<uint8_t>(2).Row(y)});
      else
        AverageRow<uint16_t>(samples, length, scale, background, width,
                             {picture.Plane<uint16_t>(0).Row(y), picture.Plane<uint16_t>(1).Row(y),
                              picture.Plane<uint16_t>(2).Row(y)});
      if (depth.data == nullptr) continue;
      float* z = depth.Row(y);
      for (int x = 0; x < width; ++x) {
        float inv_z = 0;
        for (int dy = 0; dy < scale; ++dy)
          for (int dx = 0; dx < scale; ++dx)
            inv_z = std::max(
                inv_z,
                samples[static_cast<size_t>(dy) * length + static_cast<size_t>(x * scale + dx)]
                    .inv_z);
        z[x] = inv_z > 0 ? 1 / inv_z : 0;
      }
    }
  });
  impl_->begun = false;
}

}  // namespace mdvt
