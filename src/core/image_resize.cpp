// SPDX-License-Identifier: Apache-2.0
#include "mdvt/core/image_resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <type_traits>
#include <vector>

#include "core/resize_axis.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 20;

double Radius(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::kNearest:
      return 0;
    case ResizeFilter::kBilinear:
      return 1;
    case ResizeFilter::kBicubic:
      return 2;
    case ResizeFilter::kLanczos:
      return 3;
  }
  return 1;
}

double Weight(ResizeFilter filter, double x) {
  x = std::fabs(x);
  switch (filter) {
    case ResizeFilter::kNearest:
      return 1;
    case ResizeFilter::kBilinear:
      return std::max(0.0, 1 - x);
    case ResizeFilter::kBicubic:
      if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
      return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
    case ResizeFilter::kLanczos:
      if (x < 1e-9) return 1;
      return x < 3 ? 3 * std::sin(M_PI * x) * std::sin(M_PI * x / 3) / (M_PI * M_PI * x * x) : 0;
  }
  return 0;
}

template <typename T>
void StoreRow(const float* from, int width, float max_value, T* to) {
  for (int x = 0; x < width; ++x) {
    to[x] = static_cast<T>(static_cast<int>(std::min(std::max(from[x], 0.0f), max_value) + 0.5f));
  }
}

template <typename T>
void ResizePlane(PlaneView<const T> from, PlaneView<T> to, const resample::Separable& separable,
                 [[maybe_unused]] float max_value, ThreadPool* pool) {
  const auto rows = [&](PlaneView<float> made, const auto& done) {
    resample::ForRowBlocks(1, to.height, pool, [&](int, int begin, int end) {
      separable.Rows(from, 1.0f, begin, end, made, done);
    });
  };
  if constexpr (std::is_same_v<T, float>) {
    rows(to, std::function<void(int, float*)>());
  } else {
    rows({},
         [&](int y, const float* samples) { StoreRow(samples, to.width, max_value, to.Row(y)); });
  }
}

}  // namespace

namespace resample {

Axis FilterAxis(ResizeFilter filter, int from, int to, double window_begin, double ratio,
                const SampleGrid& samples) {
  AxisBuilder builder(from, {0, from}, true);
  const double stretch = std::max(1.0, ratio);
  const int reach = static_cast<int>(std::ceil(Radius(filter) * stretch));
  std::vector<double> weights;
  for (int i = 0; i < to; ++i) {
    const double place =
        (window_begin + (i * samples.step + samples.offset) * ratio - samples.offset) /
        samples.step;
    if (filter == ResizeFilter::kNearest) {
      builder.Add(static_cast<int>(std::floor(place + 0.5)), {1});
      continue;
    }
    const int first = static_cast<int>(std::floor(place)) + 1 - reach;
    weights.clear();
    double sum = 0;
    for (int t = 0; t < 2 * reach; ++t) {
      weights.push_back(Weight(filter, (first + t - place) / stretch));
      sum += weights.back();
    }
    builder.Add(first, weights, sum);
  }
  return builder.Build();
}

void CheckResize(const std::string& who, const std::string& what, int from_width, int from_height,
                 const ResizeWindow& window, int to_width, int to_height) {
  for (const int side : {from_width, from_height, to_width, to_height})
    Require(side >= 1 && side <= kMaxSide, Code::kInvalidArgument,
            who + ": a side of " + std::to_string(side) + " pixels, must be in [1, 2^20]");
  constexpr double kRoom = 1e-6;  // of rounding, pixels
  Require(window.x >= -kRoom && window.y >= -kRoom && window.width > 0 && window.height > 0 &&
              window.x + window.width <= from_width + kRoom &&
              window.y + window.height <= from_height + kRoom,
          Code::kInvalidArgument, who + ": the window does not lie inside the " + what);
}

}  // namespace resample

struct ImageResizer::Impl {
  template <typename T>
  void Resize(const ImageView& from, const MutableImageView& to) const {
    for (int plane = 0; plane < format.num_planes(); ++plane) {
      const size_t kind = plane == 0 ? 0 : 1;
      const PlaneView<const T> source = from.Plane<T>(plane);
      const PlaneView<T> target = to.Plane<T>(plane);
      const float max_value =
          format.type == SampleType::kF32 ? 0.0f : static_cast<float>(format.max_value());
      ResizePlane<T>(source, target, separable[kind], max_value, pool);
    }
  }

  PixelFormat format;
  int from_width = 0, from_height = 0, to_width = 0, to_height = 0;
  std::array<resample::Separable, 2> separable;  // of luma, of chroma
  ThreadPool* pool = nullptr;
};

ImageResizer::ImageResizer(const PixelFormat& format, int from_width, int from_height,
                           const ResizeWindow& window, int to_width, int to_height,
                           const ResizeOptions& options, ThreadPool* pool)
    : impl_(std::make_unique<Impl>()) {
  resample::CheckResize("ImageResizer", "picture", from_width, from_height, window, to_width,
                        to_height);
  Impl& impl = *impl_;
  impl.format = format;
  impl.from_width = from_width;
  impl.from_height = from_height;
  impl.to_width = to_width;
  impl.to_height = to_height;
  impl.pool = pool;
  const double ratio_x = window.width / to_width;
  const double ratio_y = window.height / to_height;
  for (int plane = 0; plane < std::min(2, format.num_planes()); ++plane) {
    const SampleGrid across =
        GridAcross(plane == 0 ? 0 : format.chroma_shift_x, options.chroma_location);
    const SampleGrid down =
        GridDown(plane == 0 ? 0 : format.chroma_shift_y, options.chroma_location);
    const auto kind = static_cast<size_t>(plane);
    impl.separable[kind].x =
        resample::FilterAxis(options.filter, format.PlaneWidth(plane, from_width),
                             format.PlaneWidth(plane, to_width), window.x, ratio_x, across);
    impl.separable[kind].y =
        resample::FilterAxis(options.filter, format.PlaneHeight(plane, from_height),
                             format.PlaneHeight(plane, to_height), window.y, ratio_y, down);
  }
}

ImageResizer::~ImageResizer() = default;
ImageResizer::ImageResizer(ImageResizer&&) noexcept = default;
ImageResizer& ImageResizer::operator=(ImageResizer&&) noexcept = default;

void ImageResizer::Resize(const ImageView& from, const MutableImageView& to) const {
  const Impl& impl = *impl_;
  const auto check = [&](const PixelFormat& format, int width, int height, int wanted_width,
                         int wanted_height, const char* name) {
    Require(format == impl.format && width == wanted_width && height == wanted_height,
            Code::kInvalidArgument,
            std::string("ImageResizer: the ") + name + " is " + format.ToString() + " " +
                FormatSize(width, height) + ", must be " + impl.format.ToString() + " " +
                FormatSize(wanted_width, wanted_height));
  };
  check(from.format, from.width, from.height, impl.from_width, impl.from_height, "source");
  check(to.format, to.width, to.height, impl.to_width, impl.to_height, "target");
  switch (impl.format.type) {
    case SampleType::kU8:
      return impl.Resize<uint8_t>(from, to);
    case SampleType::kU16:
      return impl.Resize<uint16_t>(from, to);
    case SampleType::kF32:
      return impl.Resize<float>(from, to);
  }
}

}  // namespace mdvt
