// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/panel_warp.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/chroma_grid.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "stereo/each_row.h"

namespace mdvt {
namespace {

constexpr int kSubBits = 8;
constexpr int kSub = 1 << kSubBits;
constexpr int kRowsPerBlock = 16;
constexpr int32_t kOutside = INT32_MIN;

int Boxes(int samples, int of) { return (samples + of - 1) / of; }

// Where a sample of the panel lies in a plane of the picture, in 1/256 of a sample from the centre
// of the first one.
struct Place {
  int32_t x = kOutside;
  int32_t y = 0;
};

// The pixel of the picture that is nearest to one of the panel, and how much longer than the
// planar depth there the ray is.
struct NearPixel {
  int32_t index = -1;
  float stretch = 0;
};

// Of one row of the panel, from the first sample that the picture shows to the last one.
template <typename T>
struct TableRow {
  int begin = 0;
  std::vector<T> entries;
};
template <typename T>
using Table = std::vector<TableRow<T>>;

double Radians(double degrees) { return degrees * M_PI / 180; }

// Where a camera sees the samples of one row. Trigonometry is done once per column and row, and
// what turns with the columns alone is multiplied out before the rows.
class Rays {
 public:
  // Of each sample: where it lies in the picture, in pixels, and the planar depth at distance 1;
  // behind the camera u is -1.
  struct Row {
    explicit Row(int columns)
        : u(static_cast<size_t>(columns)),
          v(static_cast<size_t>(columns)),
          z(static_cast<size_t>(columns)) {}
    std::vector<double> u, v, z;
    // The samples looked at; the camera sees none of the others.
    int begin = 0;
    int end = 0;
  };

  Rays(const PanelOptions& options, const SampleGrid& across, const SampleGrid& down, int columns,
       const Camera& camera, const Eigen::Matrix3d& view_from_panel)
      : options_(options), across_(across), down_(down), columns_(columns) {
    Eigen::Matrix3d pixel_from_view;
    pixel_from_view << camera.fx, 0, camera.cx, 0, camera.fy, camera.cy, 0, 0, 1;
    pixel_from_panel_ = pixel_from_view * view_from_panel;
    axis_ = view_from_panel.row(2);
    const double wide = std::max(camera.cx, camera.width - camera.cx) / camera.fx;
    const double high = std::max(camera.cy, camera.height - camera.cy) / camera.fy;
    least_cosine_ = 1 / std::sqrt(wide * wide + high * high + 1) - 1e-9;
    if (options.projection != PanelProjection::kEquirectangular) return;
    for (std::vector<double>& values : column_) values.resize(static_cast<size_t>(columns));
    for (int x = 0; x < columns; ++x) {
      const double longitude = Angle(across.step * x + across.offset);
      const Eigen::Vector3d part = pixel_from_panel_.col(0) * std::sin(longitude) +
                                   pixel_from_panel_.col(2) * std::cos(longitude);
      for (size_t i = 0; i < 3; ++i)
        column_[i][static_cast<size_t>(x)] = part[static_cast<Eigen::Index>(i)];
    }
  }

  void Look(int y, Row* row) const {
    const double v = down_.step * y + down_.offset;
    if (options_.projection != PanelProjection::kEquirectangular) return LookSlowly(v, row);
    const double latitude = Angle(v);
    const double c = std::cos(latitude);
    const Eigen::Vector3d fixed = pixel_from_panel_.col(1) * std::sin(latitude);
    FindEnds(latitude, row);
    const double fixed_x = fixed.x(), fixed_y = fixed.y(), fixed_z = fixed.z();
    const double* const from_x = column_[0].data();
    const double* const from_y = column_[1].data();
    const double* const from_z = column_[2].data();
    double* const to_u = row->u.data();
    double* const to_v = row->v.data();
    double* const to_z = row->z.data();
    for (int x = row->begin; x < row->end; ++x) {
      const double z = c * from_z[x] + fixed_z;
      const double scale = 1 / z;
      const double u = (c * from_x[x] + fixed_x) * scale;
      to_u[x] = z > kLeastZ ? u : -1;
      to_v[x] = (c * from_y[x] + fixed_y) * scale;
      to_z[x] = z;
    }
  }

 private:
  static constexpr double kLeastZ = 1e-9;

  // The columns within the cone around the camera's axis that holds its picture: the cosine of the
  // angle to the axis is cos(latitude) * cos(longitude - that of the axis) * its part in the plane
  // of longitudes, and sin(latitude) * the part that is left.
  void FindEnds(double latitude, Row* row) const {
    row->begin = 0;
    row->end = columns_;
    const double reach = std::cos(latitude) * std::hypot(axis_.x(), axis_.z());
    const double missing = least_cosine_ - std::sin(latitude) * axis_.y();
    if (missing > reach) row->end = 0;
    if (std::abs(missing) >= reach) return;
    const double middle = std::atan2(axis_.x(), axis_.z()), half = std::acos(missing / reach);
    if (std::abs(middle) + half >= M_PI) return;
    const auto column = [this](double longitude) {
      const double u = (longitude / Radians(options_.fov_deg) + 0.5) * options_.size;
      return std::clamp((u - across_.offset) / across_.step, -2.0, columns_ + 2.0);
    };
    row->begin = std::clamp(static_cast<int>(std::floor(column(middle - half))), 0, columns_);
    row->end =
        std::clamp(static_cast<int>(std::ceil(column(middle + half))) + 1, row->begin, columns_);
  }

  void LookSlowly(double v, Row* row) const {
    row->begin = 0;
    row->end = columns_;
    for (int x = 0; x < columns_; ++x) {
      const auto i = static_cast<size_t>(x);
      const Eigen::Vector3d seen =
          pixel_from_panel_ * PanelRay(options_, across_.step * x + across_.offset, v);
      row->u[i] = seen.z() > kLeastZ ? seen.x() / seen.z() : -1;
      row->v[i] = seen.y() / seen.z();
      row->z[i] = seen.z();
    }
  }
  double Angle(double position) const {
    return (position / options_.size - 0.5) * Radians(options_.fov_deg);
  }

  const PanelOptions options_;
  const SampleGrid across_, down_;
  const int columns_;
  Eigen::Matrix3d pixel_from_panel_;
  Eigen::Vector3d axis_;     // of the camera, in the panel's axes
  double least_cosine_ = 0;  // of the angle between it and what the camera sees
  std::array<std::vector<double>, 3> column_;
};

// Keeps of a row what lies between the first and the last entry that is there.
template <typename T, typename IsThere>
void Trim(std::vector<T>& all, const IsThere& is_there, TableRow<T>* row) {
  const auto first = std::find_if(all.begin(), all.end(), is_there);
  const auto last = std::find_if(all.rbegin(), std::make_reverse_iterator(first), is_there).base();
  row->begin = static_cast<int>(first - all.begin());
  row->entries.assign(first, last);
}

template <typename T>
void WarpRow(const PlaneView<const T>& from, int last_x, int last_y, const TableRow<Place>& row,
             T black, int width, T* to) {
  std::fill_n(to, row.begin, black);
  T* at = to + row.begin;
  const auto count = static_cast<int>(row.entries.size());
  for (int i = 0; i < count; ++i) {
    const Place place = row.entries[static_cast<size_t>(i)];
    if (place.x == kOutside) {
      at[i] = black;
      continue;
    }
    const int x = place.x >> kSubBits, y = place.y >> kSubBits;
    const auto wx = static_cast<uint32_t>(place.x & (kSub - 1));
    const auto wy = static_cast<uint32_t>(place.y & (kSub - 1));
    const T* upper = from.Row(y);
    const T* lower = from.Row(std::min(y + 1, last_y));
    const int next = std::min(x + 1, last_x);
    // 16 bits times 256 times 256 and a half just fit.
    const uint32_t top = (kSub - wx) * upper[x] + wx * upper[next];
    const uint32_t bottom = (kSub - wx) * lower[x] + wx * lower[next];
    at[i] = static_cast<T>(((kSub - wy) * top + wy * bottom + (1u << 15)) >> 16);
  }
  std::fill_n(at + count, width - row.begin - count, black);
}

// The means of boxes of across x down samples; those at the right and at the bottom may be smaller.
// `sums` has room for a row.
template <typename T>
void BoxRow(const PlaneView<const T>& from, int across, int down, int y, uint32_t* sums, T* to) {
  const int first = y * down, rows = std::min(down, from.height - first);
  const int width = from.width;
  std::copy_n(from.Row(first), width, sums);
  for (int row = 1; row < rows; ++row) {
    const T* samples = from.Row(first + row);
    for (int x = 0; x < width; ++x) sums[x] += samples[x];
  }
  const auto box = [&](int begin, int count) {
    uint32_t sum = 0;
    for (int x = begin; x < begin + count; ++x) sum += sums[x];
    return sum;
  };
  const auto mean = [](uint32_t sum, uint64_t inverse, uint32_t half) {
    return static_cast<T>(((sum + half) * inverse) >> 32);
  };
  const auto inverse_of = [](uint32_t count) { return ((uint64_t{1} << 32) + count - 1) / count; };
  const auto count = static_cast<uint32_t>(across * rows);
  const uint64_t inverse = inverse_of(count);
  const int whole = width / across;
  for (int x = 0; x < whole; ++x) to[x] = mean(box(x * across, across), inverse, count / 2);
  const int left = width - whole * across;
  if (left == 0) return;
  const auto fewer = static_cast<uint32_t>(left * rows);
  to[whole] = mean(box(whole * across, left), inverse_of(fewer), fewer / 2);
}

}  // namespace

void PanelOptions::Check() const {
  Require(size >= 2 && size <= 16384, Code::kInvalidArgument,
          "PanelOptions.size = " + std::to_string(size) + ", must be in [2, 16384]");
  Require(fov_deg >= 1 && fov_deg <= 180, Code::kInvalidArgument,
          "PanelOptions.fov_deg = " + FormatDouble(fov_deg) + ", must be in [1, 180]");
}

double PanelOptions::pixels_per_radian() const { return size / Radians(fov_deg); }

Eigen::Vector3d PanelRay(const PanelOptions& options, double x, double y) {
  const double fov = Radians(options.fov_deg);
  const double u = (x / options.size - 0.5) * fov, v = (y / options.size - 0.5) * fov;
  if (options.projection == PanelProjection::kEquirectangular)
    return {std::cos(v) * std::sin(u), std::sin(v), std::cos(v) * std::cos(u)};
  const double angle = std::hypot(u, v);
  if (angle > fov / 2) return Eigen::Vector3d::Zero();
  const double scale = angle > 0 ? std::sin(angle) / angle : 1;
  return {scale * u, scale * v, std::cos(angle)};
}

struct PanelWarp::Impl {
  Impl(const PanelOptions& panel_options, ThreadPool* thread_pool)
      : options(panel_options), pool(thread_pool) {
    options.Check();
  }

  void PlanReduction();
  template <typename T>
  void Reduce(const ImageView& picture);
  void MakePlaces(int plane);
  void MakeNearest();

  const PanelOptions options;
  ThreadPool* pool;
  bool ready = false;
  Camera camera;
  Eigen::Matrix3d view_from_panel = Eigen::Matrix3d::Identity();
  PixelFormat format;
  int chroma_location = 0;
  // Pictures that are finer than the panel become the means of boxes first, about as large as a
  // pixel of the panel; 1: they are as they are.
  int box_across = 1;
  int box_down = 1;
  Image reduced;
  std::array<Table<Place>, 2> places;  // of the first plane, and of chroma
  Table<NearPixel> nearest;            // made when it is first asked for
};

void PanelWarp::Impl::PlanReduction() {
  const auto box = [this](double focal) {
    constexpr double kMost = 64;  // sums stay in 32 bits
    return static_cast<int>(
        std::clamp(std::round(focal / options.pixels_per_radian()), 1.0, kMost));
  };
  box_across = box(camera.fx);
  box_down = box(camera.fy);
  reduced = Image();
  if (box_across == 1 && box_down == 1) return;
  // With room for halved chroma, whose boxes may be one more than half of luma's.
  reduced = Image(format, Boxes(camera.width, box_across) + 1, Boxes(camera.height, box_down) + 1);
}

template <typename T>
void PanelWarp::Impl::Reduce(const ImageView& picture) {
  for (int plane = 0; plane < format.num_planes(); ++plane) {
    const PlaneView<const T> from = picture.Plane<T>(plane);
    const PlaneView<T> to = reduced.MutablePlane<T>(plane);
    ForRows(pool, (from.height + box_down - 1) / box_down, kRowsPerBlock, [&](int begin, int end) {
      std::vector<uint32_t> sums(static_cast<size_t>(from.width));
      for (int y = begin; y < end; ++y)
        BoxRow(from, box_across, box_down, y, sums.data(), to.Row(y));
    });
  }
}

void PanelWarp::Impl::MakePlaces(int plane) {
  const bool chroma = plane > 0 && format.model == ColorModel::kYuv;
  const SampleGrid across = GridAcross(chroma ? format.chroma_shift_x : 0, chroma_location);
  const SampleGrid down = GridDown(chroma ? format.chroma_shift_y : 0, chroma_location);
  const int columns = format.PlaneWidth(plane, options.size);
  const int rows = format.PlaneHeight(plane, options.size);
  const int plane_width = Boxes(format.PlaneWidth(plane, camera.width), box_across);
  const int plane_height = Boxes(format.PlaneHeight(plane, camera.height), box_down);
  const Rays rays(options, across, down, columns, camera, view_from_panel);
  Table<Place>& table = places[static_cast<size_t>(plane)];
  table.resize(static_cast<size_t>(rows));
  // In samples of the plane, from the centre of the first box.
  const double scale_x = 1 / (across.step * box_across), scale_y = 1 / (down.step * box_down);
  const double shift_x = -across.offset * scale_x - (box_across - 1) / (2.0 * box_across);
  const double shift_y = -down.offset * scale_y - (box_down - 1) / (2.0 * box_down);
  const double most_x = plane_width - 1, most_y = plane_height - 1;
  const double width = camera.width, height = camera.height;
  ForRows(pool, rows, kRowsPerBlock, [&](int begin, int end) {
    Rays::Row row(columns);
    for (int y = begin; y < end; ++y) {
      rays.Look(y, &row);
      const auto is_seen = [&](size_t i) {
        return row.u[i] >= 0 && row.u[i] <= width && row.v[i] >= 0 && row.v[i] <= height;
      };
      TableRow<Place>& to = table[static_cast<size_t>(y)];
      auto first = static_cast<size_t>(row.begin), last = static_cast<size_t>(row.end);
      while (first < last && !is_seen(first)) ++first;
      while (last > first && !is_seen(last - 1)) --last;
      to.begin = static_cast<int>(first);
      to.entries.resize(last - first);
      for (size_t i = first; i < last; ++i) {
        Place& place = to.entries[i - first];
        place = Place();
        if (!is_seen(i)) continue;
        const double x = std::clamp(row.u[i] * scale_x + shift_x, 0.0, most_x);
        const double v = std::clamp(row.v[i] * scale_y + shift_y, 0.0, most_y);
        place = {static_cast<int32_t>(x * kSub + 0.5), static_cast<int32_t>(v * kSub + 0.5)};
      }
    }
  });
}

void PanelWarp::Impl::MakeNearest() {
  if (!nearest.empty()) return;
  const Rays rays(options, {1, 0.5}, {1, 0.5}, options.size, camera, view_from_panel);
  nearest.resize(static_cast<size_t>(options.size));
  ForRows(pool, options.size, kRowsPerBlock, [&](int begin, int end) {
    Rays::Row row(options.size);
    std::vector<NearPixel> all(static_cast<size_t>(options.size));
    for (int y = begin; y < end; ++y) {
      rays.Look(y, &row);
      std::fill(all.begin(), all.end(), NearPixel());
      for (auto i = static_cast<size_t>(row.begin); i < static_cast<size_t>(row.end); ++i) {
        const double u = row.u[i], v = row.v[i];
        if (!(u >= 0 && u <= camera.width && v >= 0 && v <= camera.height)) continue;
        const int column = std::min(static_cast<int>(u), camera.width - 1);
        const int line = std::min(static_cast<int>(v), camera.height - 1);
        all[i] = {line * camera.width + column, static_cast<float>(1 / row.z[i])};
      }
      Trim(
          all, [](const NearPixel& pixel) { return pixel.index >= 0; },
          &nearest[static_cast<size_t>(y)]);
    }
  });
}

PanelWarp::PanelWarp(const PanelOptions& options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>(options, pool)) {}
PanelWarp::~PanelWarp() = default;
PanelWarp::PanelWarp(PanelWarp&&) noexcept = default;
PanelWarp& PanelWarp::operator=(PanelWarp&&) noexcept = default;

void PanelWarp::SetView(const Camera& camera, const Eigen::Matrix3d& view_from_panel,
                        const PixelFormat& format, int chroma_location) {
  camera.Check();
  Require(int64_t{camera.width} * camera.height <= INT32_MAX, Code::kInvalidArgument,
          "PanelWarp: a picture of " + FormatSize(camera.width, camera.height) + " is too large");
  Require(format.type != SampleType::kF32, Code::kInvalidArgument,
          "PanelWarp: pictures are of 8 to 16 bits, not " + format.ToString());
  Impl& me = *impl_;
  const auto same_camera = [&] {
    const Camera& c = me.camera;
    return c.width == camera.width && c.height == camera.height && c.fx == camera.fx &&
           c.fy == camera.fy && c.cx == camera.cx && c.cy == camera.cy;
  };
  if (me.ready && same_camera() && me.view_from_panel == view_from_panel && me.format == format &&
      me.chroma_location == chroma_location)
    return;
  me.ready = false;
  me.camera = camera;
  me.view_from_panel = view_from_panel;
  me.format = format;
  me.chroma_location = chroma_location;
  me.nearest.clear();
  me.PlanReduction();
  me.MakePlaces(0);
  const bool halved = format.chroma_shift_x > 0 || format.chroma_shift_y > 0;
  if (format.model == ColorModel::kYuv && halved)
    me.MakePlaces(1);
  else
    me.places[1].clear();
  me.ready = true;
}

void PanelWarp::Warp(const ImageView& picture, const std::array<int, 3>& black,
                     const MutableImageView& panel) {
  Impl& me = *impl_;
  Require(me.ready, Code::kInvalidArgument, "PanelWarp: call SetView() first");
  Require(picture.format == me.format && picture.width == me.camera.width &&
              picture.height == me.camera.height && panel.format == me.format &&
              panel.width == me.options.size && panel.height == me.options.size,
          Code::kInvalidArgument,
          "PanelWarp: the picture must be " + me.format.ToString() + " of " +
              FormatSize(me.camera.width, me.camera.height) + ", the panel of " +
              FormatSize(me.options.size, me.options.size));
  const bool reduces = !me.reduced.empty();
  const bool wide = me.format.type == SampleType::kU16;
  if (reduces && wide) me.Reduce<uint16_t>(picture);
  if (reduces && !wide) me.Reduce<uint8_t>(picture);
  const ImageView from = reduces ? me.reduced.view() : picture;
  for (int plane = 0; plane < me.format.num_planes(); ++plane) {
    const Table<Place>& table = me.places[plane > 0 && !me.places[1].empty() ? 1 : 0];
    const int width = me.format.PlaneWidth(plane, panel.width);
    const int last_x = Boxes(me.format.PlaneWidth(plane, picture.width), me.box_across) - 1;
    const int last_y = Boxes(me.format.PlaneHeight(plane, picture.height), me.box_down) - 1;
    const auto dark = black[static_cast<size_t>(plane)];
    EachRow(me.pool, me.format.PlaneHeight(plane, panel.height), kRowsPerBlock, [&](int y) {
      const TableRow<Place>& row = table[static_cast<size_t>(y)];
      if (!wide)
        WarpRow(from.Plane<uint8_t>(plane), last_x, last_y, row, static_cast<uint8_t>(dark), width,
                panel.Plane<uint8_t>(plane).Row(y));
      else
        WarpRow(from.Plane<uint16_t>(plane), last_x, last_y, row, static_cast<uint16_t>(dark),
                width, panel.Plane<uint16_t>(plane).Row(y));
    });
  }
}

void PanelWarp::WarpDepth(const DepthView& depth, const PlaneView<float>& range) {
  Impl& me = *impl_;
  Require(me.ready && depth.width == me.camera.width && depth.height == me.camera.height &&
              range.width == me.options.size && range.height == me.options.size,
          Code::kInvalidArgument, "PanelWarp: depth must have the size of the picture");
  me.MakeNearest();
  EachRow(me.pool, me.options.size, kRowsPerBlock, [&](int y) {
    const TableRow<NearPixel>& row = me.nearest[static_cast<size_t>(y)];
    float* to = range.Row(y);
    std::fill_n(to, range.width, 0.0f);
    to += row.begin;
    for (const NearPixel& pixel : row.entries) {
      const float z = pixel.index < 0
                          ? 0
                          : depth.At(pixel.index % me.camera.width, pixel.index / me.camera.width);
      *to++ = z > 0 ? z * pixel.stretch : 0.0f;
    }
  });
}

void PanelWarp::WarpHoles(const HoleMap& holes, HoleMap* panel) {
  Impl& me = *impl_;
  Require(me.ready && holes.width == me.camera.width && holes.height == me.camera.height,
          Code::kInvalidArgument, "PanelWarp: holes must have the size of the picture");
  me.MakeNearest();
  // The number of the hole in its row, counted from 1, for each pixel.
  std::vector<uint16_t> numbers(static_cast<size_t>(holes.width) *
                                static_cast<size_t>(holes.height));
  EachRow(me.pool, holes.height, kRowsPerBlock, [&](int y) {
    uint16_t* row = numbers.data() + static_cast<size_t>(y) * static_cast<size_t>(holes.width);
    uint16_t number = 0;
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)])
      std::fill(row + span.begin, row + span.end, ++number);
  });
  const int size = me.options.size;
  panel->Reset(size, size);
  EachRow(me.pool, size, kRowsPerBlock, [&](int y) {
    const TableRow<NearPixel>& row = me.nearest[static_cast<size_t>(y)];
    std::vector<HoleSpan>& spans = panel->rows[static_cast<size_t>(y)];
    bool open = false;
    for (size_t i = 0; i < row.entries.size(); ++i) {
      const int32_t index = row.entries[i].index;
      const uint16_t number = index < 0 ? uint16_t{0} : numbers[static_cast<size_t>(index)];
      if (number == 0) {
        open = false;
        continue;
      }
      const HoleSpan& source =
          holes.rows[static_cast<size_t>(index / me.camera.width)][size_t{number} - 1u];
      const int x = row.begin + static_cast<int>(i);
      if (open && spans.back().background == source.background) {
        spans.back().end = x + 1;
      } else {
        spans.push_back(source);
        spans.back().begin = x;
        spans.back().end = x + 1;
        open = true;
      }
      spans.back().at_border = spans.back().begin == 0 || spans.back().end == size;
    }
  });
}

void PanelWarp::Blacken(const HoleMap& holes, const std::array<int, 3>& black,
                        const MutableImageView& panel) {
  Require(holes.width == panel.width && holes.height == panel.height, Code::kInvalidArgument,
          "PanelWarp: holes must have the size of the panel");
  const auto fill = [](const PlaneView<uint8_t>& plane8, const PlaneView<uint16_t>& plane16,
                       bool wide, int y, int begin, int end, int value) {
    if (end <= begin) return;
    if (wide)
      std::fill(plane16.Row(y) + begin, plane16.Row(y) + end, static_cast<uint16_t>(value));
    else
      std::fill(plane8.Row(y) + begin, plane8.Row(y) + end, static_cast<uint8_t>(value));
  };
  const bool wide = panel.format.type == SampleType::kU16;
  for (int plane = 0; plane < panel.format.num_planes(); ++plane) {
    const bool chroma = plane > 0 && panel.format.model == ColorModel::kYuv;
    const int shift_x = chroma ? panel.format.chroma_shift_x : 0;
    const int shift_y = chroma ? panel.format.chroma_shift_y : 0;
    const int value = black[static_cast<size_t>(plane)];
    const auto plane8 = panel.Plane<uint8_t>(plane);
    const auto plane16 = panel.Plane<uint16_t>(plane);
    const int rows = panel.format.PlaneHeight(plane, panel.height);
    for (int y = 0; y < rows; ++y) {
      const auto& first = holes.rows[static_cast<size_t>(y << shift_y)];
      const auto& last =
          holes.rows[static_cast<size_t>(std::min(((y + 1) << shift_y) - 1, panel.height - 1))];
      // Where both rows have a hole.
      for (size_t a = 0, b = 0; a < first.size() && b < last.size();) {
        const int begin = std::max(first[a].begin, last[b].begin);
        const int end = std::min(first[a].end, last[b].end);
        const int round = (1 << shift_x) - 1;
        const bool to_border = end == panel.width;
        fill(plane8, plane16, wide, y, (begin + round) >> shift_x,
             (to_border ? end + round : end) >> shift_x, value);
        if (first[a].end < last[b].end)
          ++a;
        else
          ++b;
      }
    }
  }
}

}  // namespace mdvt
