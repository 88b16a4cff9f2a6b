// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/picture_remap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/chroma_grid.h"
#include "core/rows.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kBits = 16;  // of the fraction of a position
constexpr double kOne = 1 << kBits;
constexpr int32_t kNowhere = INT32_MIN;
constexpr int kRowsPerBlock = 16;
constexpr int kMostSamples = 6;
constexpr int kMostSide = 30000;  // differences of places fit 32 bits
// Corners of a sample farther apart than this, in samples: the map has a seam between them.
constexpr int kSeam = 64;

// In samples of a plane from the centre of the first one, times 2^16.
struct Place {
  int32_t x = kNowhere;
  int32_t y = 0;
};

// The corners of all samples of a plane, (width + 1) x (height + 1); of single samples their
// centres, width x height.
struct Table {
  int width = 0;  // of the plane
  int height = 0;
  bool centres = false;
  std::vector<Place> places;

  int columns() const { return centres ? width : width + 1; }
  int rows() const { return centres ? height : height + 1; }
  size_t Index(int x, int y) const {
    return static_cast<size_t>(y) * static_cast<size_t>(columns()) + static_cast<size_t>(x);
  }
  const Place* Row(int y) const { return places.data() + Index(0, y); }
};

// How to get from one corner of a sample to the next one.
Place Between(const Place& a, const Place& b, int numerator, int denominator) {
  return {a.x + (b.x - a.x) / denominator * numerator, a.y + (b.y - a.y) / denominator * numerator};
}

// The corners of one sample.
struct Cell {
  const Place *upper, *lower;  // the left one of two

  bool IsShown() const {
    return upper[0].x != kNowhere && upper[1].x != kNowhere && lower[0].x != kNowhere &&
           lower[1].x != kNowhere;
  }
  Place Centre() const {
    const Place left = Between(upper[0], lower[0], 1, 2);
    const Place right = Between(upper[1], lower[1], 1, 2);
    return Between(left, right, 1, 2);
  }
  bool HasSeam() const {
    const auto far = [](const Place& a, const Place& b) {
      return std::max(std::abs(a.x - b.x), std::abs(a.y - b.y)) > kSeam << kBits;
    };
    return far(upper[0], upper[1]) || far(lower[0], lower[1]) || far(upper[0], lower[0]) ||
           far(upper[1], lower[1]);
  }
};

Cell CellAt(const Table& table, int x, int y) { return {table.Row(y) + x, table.Row(y + 1) + x}; }

// Where the source shows the centre of a sample; kNowhere unless it shows all of it.
Place CentreAt(const Table& table, int x, int y) {
  if (table.centres) return table.Row(y)[x];
  const Cell cell = CellAt(table, x, y);
  if (!cell.IsShown()) return {};
  return cell.HasSeam() ? *cell.upper : cell.Centre();
}

template <typename T>
class Sampler {
 public:
  Sampler(const PlaneView<const T>& from, int across, int down)
      : from_(from),
        last_x_(from.width - 1),
        last_y_(from.height - 1),
        across_(across),
        down_(down) {}

  T Single(const Place& place) const {
    return static_cast<T>((At(place.x, place.y) + (1u << 15)) >> 16);
  }
  T Mean(const Cell& cell) const {
    if (cell.HasSeam()) return Single(*cell.upper);
    uint64_t sum = 0;
    for (int v = 0; v < down_; ++v) {
      const Place left = Between(cell.upper[0], cell.lower[0], 2 * v + 1, 2 * down_);
      const Place right = Between(cell.upper[1], cell.lower[1], 2 * v + 1, 2 * down_);
      const int32_t step_x = (right.x - left.x) / across_, step_y = (right.y - left.y) / across_;
      int32_t x = left.x + step_x / 2, y = left.y + step_y / 2;
      for (int u = 0; u < across_; ++u, x += step_x, y += step_y) sum += At(x, y);
    }
    const auto count = static_cast<uint64_t>(across_ * down_) << 16;
    return static_cast<T>((sum + count / 2) / count);
  }

 private:
  // Times 2^16.
  uint32_t At(int32_t x, int32_t y) const {
    constexpr int32_t kHalf = 1 << (kBits - 9);  // of the 256th that weights are rounded to
    x = std::clamp(x + kHalf, 0, last_x_ << kBits);
    y = std::clamp(y + kHalf, 0, last_y_ << kBits);
    const int column = x >> kBits, row = y >> kBits;
    const auto wx = static_cast<uint32_t>(x >> (kBits - 8)) & 255;
    const auto wy = static_cast<uint32_t>(y >> (kBits - 8)) & 255;
    const T* upper = from_.Row(row);
    const T* lower = from_.Row(std::min(row + 1, last_y_));
    const int next = std::min(column + 1, last_x_);
    const uint32_t top = (256 - wx) * upper[column] + wx * upper[next];
    const uint32_t bottom = (256 - wx) * lower[column] + wx * lower[next];
    return (256 - wy) * top + wy * bottom;
  }

  const PlaneView<const T> from_;
  const int last_x_, last_y_;
  const int across_, down_;
};

}  // namespace

struct PictureRemap::Impl {
  Table MakeTable(int plane, int chroma_location, const PositionMap& where) const;
  int CountSamples(bool down) const;
  template <typename T>
  void DrawPlane(const PlaneView<const T>& from, const Table& table, T black,
                 const PlaneView<T>& to) const;

  PixelFormat format;
  PictureSize from, to;
  RemapSampling sampling = RemapSampling::kMean;
  ThreadPool* pool = nullptr;
  std::vector<Table> tables;  // of the first plane, and of chroma that is smaller
  int across = 1;             // samples of the mean
  int down = 1;
};

Table PictureRemap::Impl::MakeTable(int plane, int chroma_location,
                                    const PositionMap& where) const {
  const bool chroma = plane > 0 && format.model == ColorModel::kYuv;
  const SampleGrid x_grid = GridAcross(chroma ? format.chroma_shift_x : 0, chroma_location);
  const SampleGrid y_grid = GridDown(chroma ? format.chroma_shift_y : 0, chroma_location);
  Table made;
  made.width = format.PlaneWidth(plane, to.width);
  made.height = format.PlaneHeight(plane, to.height);
  made.centres = sampling == RemapSampling::kSingle;
  made.places.resize(made.Index(0, made.rows()));
  const double first = made.centres ? 0 : -0.5;
  const auto fixed = [](double samples) {
    return static_cast<int32_t>(std::lround(std::clamp(samples, -8.0, 30008.0) * kOne));
  };
  ForRows(pool, made.rows(), kRowsPerBlock, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < made.columns(); ++x) {
        const auto position = where(
            {x_grid.step * (x + first) + x_grid.offset, y_grid.step * (y + first) + y_grid.offset});
        if (!position || !position->allFinite()) continue;
        made.places[made.Index(x, y)] = {fixed((position->x() - x_grid.offset) / x_grid.step),
                                         fixed((position->y() - y_grid.offset) / y_grid.step)};
      }
  });
  return made;
}

// As many as the source has samples for one of the result, where it has most of them.
int PictureRemap::Impl::CountSamples(bool along_y) const {
  const Table& all = tables.front();
  double most = 1;
  for (int y = 0; y < all.height; ++y) {
    const Place *upper = all.Row(y), *lower = all.Row(y + 1);
    for (int x = 0; x < all.width; ++x) {
      const Cell cell{upper + x, lower + x};
      if (!cell.IsShown() || cell.HasSeam()) continue;
      const Place& next = along_y ? lower[x] : upper[x + 1];
      most = std::max(most, std::hypot((next.x - upper[x].x) / kOne, (next.y - upper[x].y) / kOne));
    }
  }
  // A little over does not need a further sample.
  return std::clamp(static_cast<int>(std::ceil(most - 0.1)), 1, kMostSamples);
}

template <typename T>
void PictureRemap::Impl::DrawPlane(const PlaneView<const T>& source, const Table& table, T black,
                                   const PlaneView<T>& result) const {
  const Sampler<T> sampler(source, across, down);
  ForRows(pool, table.height, kRowsPerBlock, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      T* row = result.Row(y);
      for (int x = 0; x < table.width; ++x) {
        if (table.centres) {
          const Place& place = table.Row(y)[x];
          row[x] = place.x != kNowhere ? sampler.Single(place) : black;
        } else {
          const Cell cell = CellAt(table, x, y);
          row[x] = cell.IsShown() ? sampler.Mean(cell) : black;
        }
      }
    }
  });
}

PictureRemap::PictureRemap(const PixelFormat& format, int chroma_location, PictureSize from,
                           PictureSize to, const PositionMap& where, RemapSampling sampling,
                           ThreadPool* pool)
    : impl_(std::make_unique<Impl>()) {
  Require(format.type != SampleType::kF32, Code::kInvalidArgument,
          "PictureRemap: pictures are of 8 to 16 bits, not " + format.ToString());
  for (const PictureSize& size : {from, to})
    Require(
        size.width >= 1 && size.width <= kMostSide && size.height >= 1 && size.height <= kMostSide,
        Code::kInvalidArgument,
        "PictureRemap: a picture of " + FormatSize(size.width, size.height) +
            ", both sides must be in [1, " + std::to_string(kMostSide) + "]");
  impl_->format = format;
  impl_->from = from;
  impl_->to = to;
  impl_->sampling = sampling;
  impl_->pool = pool;
  impl_->tables.push_back(impl_->MakeTable(0, chroma_location, where));
  if (format.chroma_shift_x > 0 || format.chroma_shift_y > 0)
    impl_->tables.push_back(impl_->MakeTable(1, chroma_location, where));
  if (sampling == RemapSampling::kMean) {
    impl_->across = impl_->CountSamples(false);
    impl_->down = impl_->CountSamples(true);
  }
}
PictureRemap::~PictureRemap() = default;
PictureRemap::PictureRemap(PictureRemap&&) noexcept = default;
PictureRemap& PictureRemap::operator=(PictureRemap&&) noexcept = default;

void PictureRemap::Draw(const ImageView& from, const std::array<int, 3>& black,
                        const MutableImageView& to) const {
  const Impl& me = *impl_;
  Require(from.format == me.format && to.format == me.format && from.width == me.from.width &&
              from.height == me.from.height && to.width == me.to.width && to.height == me.to.height,
          Code::kInvalidArgument,
          "PictureRemap: pictures must be " + me.format.ToString() + ", from " +
              FormatSize(me.from.width, me.from.height) + " to " +
              FormatSize(me.to.width, me.to.height));
  for (int plane = 0; plane < me.format.num_planes(); ++plane) {
    const Table& table = plane > 0 ? me.tables.back() : me.tables.front();
    const int dark = black[static_cast<size_t>(plane)];
    if (me.format.type == SampleType::kU8)
      me.DrawPlane(from.Plane<uint8_t>(plane), table, static_cast<uint8_t>(dark),
                   to.Plane<uint8_t>(plane));
    else
      me.DrawPlane(from.Plane<uint16_t>(plane), table, static_cast<uint16_t>(dark),
                   to.Plane<uint16_t>(plane));
  }
}

void PictureRemap::DrawNearest(const PlaneView<const float>& from,
                               const PlaneView<float>& to) const {
  const Impl& me = *impl_;
  Require(from.width == me.from.width && from.height == me.from.height && to.width == me.to.width &&
              to.height == me.to.height,
          Code::kInvalidArgument,
          "PictureRemap: maps must be from " + FormatSize(me.from.width, me.from.height) + " to " +
              FormatSize(me.to.width, me.to.height));
  const Table& table = me.tables.front();
  const auto nearest = [](int32_t place, int size) {
    return std::clamp((place + (1 << (kBits - 1))) >> kBits, 0, size - 1);
  };
  ForRows(me.pool, table.height, kRowsPerBlock, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (int x = 0; x < table.width; ++x) {
        const Place at = CentreAt(table, x, y);
        to.At(x, y) =
            at.x == kNowhere ? 0 : from.At(nearest(at.x, from.width), nearest(at.y, from.height));
      }
  });
}

Image PictureRemap::Shown() const {
  const Table& table = impl_->tables.front();
  Image mask(PixelFormat::Gray(8), table.width, table.height);
  for (int y = 0; y < table.height; ++y)
    for (int x = 0; x < table.width; ++x)
      mask.MutablePlane<uint8_t>().At(x, y) = CentreAt(table, x, y).x != kNowhere ? 255 : 0;
  return mask;
}

std::array<int, 2> PictureRemap::samples() const { return {impl_->across, impl_->down}; }

}  // namespace mdvt
