// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/separable.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 20;
constexpr double kPi = 3.14159265358979323846;

struct Named {
  ResampleKind kind;
  const char* name;
};
constexpr Named kNames[] = {
    {ResampleKind::kCubicOpenCv, "cubic_opencv"},
    {ResampleKind::kBilinear, "bilinear"},
    {ResampleKind::kBilinearAlignCorners, "bilinear_align_corners"},
    {ResampleKind::kBilinearAntialias, "bilinear_antialias"},
    {ResampleKind::kBicubic, "bicubic"},
    {ResampleKind::kArea, "area"},
    {ResampleKind::kAreaOrCubic, "area_or_cubic"},
    {ResampleKind::kLanczos3Antialias, "lanczos3_antialias"},
    {ResampleKind::kNearest, "nearest"},
};

// What one output sample is made of: weights of consecutive input samples from `first` on, which
// may lie beyond the border.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

// The cubic convolution of Keys with a = -0.75 at distances 1 + t, t, 1 - t, 2 - t.
template <typename Real>
void SetCubic(Real t, std::vector<double>* weights) {
  constexpr Real a = Real(-0.75);
  const auto inner = [](Real x) { return ((a + 2) * x - (a + 3)) * x * x + 1; };
  const auto outer = [](Real x) { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a; };
  const Real w0 = outer(1 + t), w1 = inner(t), w2 = inner(1 - t);
  weights->assign({w0, w1, w2, 1 - w0 - w1 - w2});
}

double Sinc(double x) { return x == 0 ? 1 : std::sin(kPi * x) / (kPi * x); }
double Triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }
double Lanczos3(double x) { return std::abs(x) < 3 ? Sinc(x) * Sinc(x / 3) : 0; }

// A window of the given half width, stretched by the reduction, cut off at the border and
// normalised.
template <typename Filter>
void SetAntialiased(int i, int from, double scale, double half_width, const Filter& filter,
                    Taps* taps) {
  const double stretch = std::max(1.0, scale);
  const double support = half_width * stretch;
  const double center = (i + 0.5) * scale;
  const int begin = std::max(0, static_cast<int>(center - support + 0.5));
  const int end = std::min(from, static_cast<int>(center + support + 0.5));
  taps->first = begin;
  taps->weights.clear();
  double sum = 0;
  for (int j = begin; j < end; ++j) {
    taps->weights.push_back(filter((j - center + 0.5) / stretch));
    sum += taps->weights.back();
  }
  for (double& weight : taps->weights) weight /= sum;
}

// OpenCV's: shares below a thousandth of a pixel are dropped.
void SetArea(int i, int from, double scale, Taps* taps) {
  const double begin = i * scale, end = begin + scale;
  const double cell = std::min(scale, from - begin);
  const int last = std::min(static_cast<int>(std::floor(end)), from - 1);
  const int first = std::min(static_cast<int>(std::ceil(begin)), last);
  taps->weights.clear();
  taps->first = first;
  if (first - begin > 1e-3) {
    taps->first = first - 1;
    taps->weights.push_back((first - begin) / cell);
  }
  taps->weights.insert(taps->weights.end(), static_cast<size_t>(last - first), 1 / cell);
  if (end - last > 1e-3) taps->weights.push_back(std::min({end - last, 1.0, cell}) / cell);
}

// The taps of output sample i when `from` samples become `to`. kAreaOrCubic is decided before;
// `grows` tells whether either side of the picture does.
void SetTaps(ResampleKind kind, int i, int from, int to, bool grows, Taps* taps) {
  const double scale = static_cast<double>(from) / to;
  const double position = (i + 0.5) * scale - 0.5;
  const auto linear = [taps](int first, double t) {
    taps->first = first;
    taps->weights.assign({1 - t, t});
  };
  switch (kind) {
    case ResampleKind::kCubicOpenCv:
    case ResampleKind::kAreaOrCubic: {
      const float at = static_cast<float>(position);
      const float whole = std::floor(at);
      taps->first = static_cast<int>(whole) - 1;
      SetCubic(at - whole, &taps->weights);
      return;
    }
    case ResampleKind::kBicubic: {
      const double whole = std::floor(position);
      taps->first = static_cast<int>(whole) - 1;
      SetCubic(position - whole, &taps->weights);
      return;
    }
    case ResampleKind::kBilinear: {
      const double whole = std::floor(position);
      linear(static_cast<int>(whole), position - whole);
      return;
    }
    case ResampleKind::kBilinearAlignCorners: {
      // Divided last, so that the last pixel lies exactly on the last one.
      const double at = to > 1 ? static_cast<double>(i) * (from - 1) / (to - 1) : 0;
      linear(static_cast<int>(at), at - std::floor(at));
      return;
    }
    case ResampleKind::kBilinearAntialias:
      SetAntialiased(i, from, scale, 1, Triangle, taps);
      return;
    case ResampleKind::kLanczos3Antialias:
      SetAntialiased(i, from, scale, 3, Lanczos3, taps);
      return;
    case ResampleKind::kArea: {
      if (!grows) return SetArea(i, from, scale, taps);
      const int first = static_cast<int>(std::floor(i * scale));
      const double t = (i + 1) - (first + 1) / scale;
      linear(first, t <= 0 ? 0 : t - std::floor(t));
      return;
    }
    case ResampleKind::kNearest:
      taps->first = static_cast<int>(static_cast<int64_t>(i) * from / to);
      taps->weights.assign({1});
      return;
  }
}

// from, to              sizes of the whole
// source, wanted        the parts of them that there are samples for, and that are made
// replicate             what lies around `source`: its border, else something constant
resample::Axis MakeAxis(ResampleKind kind, int from, int to, bool grows, resample::Span source,
                        resample::Span wanted, bool replicate) {
  resample::AxisBuilder builder(from, source, replicate);
  Taps taps;
  for (int i = 0; i < wanted.count; ++i) {
    SetTaps(kind, wanted.begin + i, from, to, grows, &taps);
    builder.Add(taps.first, taps.weights);
  }
  return builder.Build();
}

PixelRect Whole(PixelRect rect, PixelSize size) {
  return rect == PixelRect{} ? PixelRect{0, 0, size.width, size.height} : rect;
}

void CheckSize(PixelSize size, const char* what) {
  Require(size.width >= 1 && size.height >= 1 && size.width <= kMaxSide && size.height <= kMaxSide,
          Code::kInvalidArgument,
          std::string("resample ") + what + " " + ToString(size) +
              " pixels, sides must be in [1, 1048576]");
}

void CheckInside(PixelRect rect, PixelSize size, const char* what) {
  Require(rect.width >= 1 && rect.height >= 1 && rect.x >= 0 && rect.y >= 0 &&
              rect.width <= size.width - rect.x && rect.height <= size.height - rect.y,
          Code::kInvalidArgument,
          std::string("ResampleWindow.") + what + " = " + ToString(rect.size()) + " at (" +
              std::to_string(rect.x) + ", " + std::to_string(rect.y) + "), must lie inside " +
              ToString(size));
}

}  // namespace

const char* ResampleName(ResampleKind kind) {
  for (const Named& named : kNames) {
    if (named.kind == kind) return named.name;
  }
  return "unknown";
}

ResampleKind ResampleByName(std::string_view name) {
  std::string valid;
  for (const Named& named : kNames) {
    if (name == named.name) return named.kind;
    valid += valid.empty() ? "" : ", ";
    valid += named.name;
  }
  throw Error(Code::kInvalidArgument,
              "no resampling is named '" + std::string(name.substr(0, 64)) + "', valid: " + valid);
}

struct Resampler::Impl {
  resample::Separable separable;
  std::array<float, 3> pad_value = {};

  PixelSize from() const { return {separable.x.from, separable.y.from}; }
  PixelSize to() const { return {separable.x.count, separable.y.count}; }

  // Adds what the constant around the picture contributes.
  void AddPad(int row, float value, float* to) const {
    const resample::Axis &x = separable.x, &y = separable.y;
    if (value == 0 || (x.covered.empty() && y.covered.empty())) return;
    const float covered_y = y.covered_at(row);
    for (int i = 0; i < x.count; ++i) to[i] += value * (1 - covered_y * x.covered_at(i));
  }

  // Planes in the order of `from`, with the constants `pad`.
  template <typename T>
  void Run(const PlaneView<const T>* from, const PlaneView<float>* to, const float* pad, int planes,
           float scale, ThreadPool* pool, const RowAction& finish = {}) const {
    for (int plane = 0; plane < planes; ++plane) {
      const PixelSize have_from = {from[plane].width, from[plane].height};
      const PixelSize have_to = {to[plane].width, to[plane].height};
      Require(have_from == this->from() && have_to == this->to(), Code::kInvalidArgument,
              "resample: planes of " + ToString(have_from) + " to " + ToString(have_to) +
                  " pixels, this resampler takes " + ToString(this->from()) + " to " +
                  ToString(this->to()));
    }
    resample::ForRowBlocks(planes, to->height, pool, [&](int plane, int begin, int end) {
      separable.Rows(from[plane], scale, begin, end, to[plane], [&](int row, float* samples) {
        AddPad(row, pad[plane], samples);
        if (finish) finish(row, samples);
      });
    });
  }
};

Resampler::Resampler(ResampleKind kind, PixelSize from, PixelSize to,
                     const ResampleWindow& window) {
  CheckSize(from, "from");
  CheckSize(to, "to");
  const PixelRect source = Whole(window.from, from);
  const PixelRect wanted = Whole(window.to, to);
  CheckInside(source, from, "from");
  CheckInside(wanted, to, "to");
  const bool grows = to.width > from.width || to.height > from.height;
  if (kind == ResampleKind::kAreaOrCubic) {
    kind = grows ? ResampleKind::kCubicOpenCv : ResampleKind::kArea;
  }
  const bool replicate = window.pad.mode == PadMode::kReplicate;
  auto impl = std::make_unique<Impl>();
  impl->separable.x = MakeAxis(kind, from.width, to.width, grows, {source.x, source.width},
                               {wanted.x, wanted.width}, replicate);
  impl->separable.y = MakeAxis(kind, from.height, to.height, grows, {source.y, source.height},
                               {wanted.y, wanted.height}, replicate);
  impl->separable.across_first = wanted.height > source.height;
  impl->pad_value = window.pad.value;
  impl_ = std::move(impl);
}

namespace {

// One row of input weights for each output of an axis.
std::vector<float> MatrixOf(const resample::Axis& axis) {
  std::vector<float> matrix(static_cast<size_t>(axis.count) * static_cast<size_t>(axis.from));
  for (int i = 0; i < axis.count; ++i) {
    float* row = matrix.data() + static_cast<ptrdiff_t>(i) * axis.from;
    for (int k = 0; k < axis.taps; ++k)
      row[axis.begin[static_cast<size_t>(i)] + k] += axis.weight(k, i);
  }
  return matrix;
}

std::vector<float> CoveredOf(const resample::Axis& axis) {
  std::vector<float> covered;
  for (int i = 0; i < axis.count; ++i) covered.push_back(axis.covered_at(i));
  return covered;
}

// A matrix as part of a larger one of zeros, which begins at (row, column) there. With `repeat` the
// rows around it are those nearest to them.
std::vector<float> Embedded(const std::vector<float>& matrix, int width, int row, int column,
                            int rows, int columns, bool repeat) {
  const int height = static_cast<int>(matrix.size()) / width;
  std::vector<float> larger(static_cast<size_t>(rows) * static_cast<size_t>(columns), 0.0f);
  for (int y = 0; y < rows; ++y) {
    const int from = std::clamp(y - row, 0, height - 1);
    if (from == y - row || repeat)
      std::copy_n(matrix.data() + static_cast<ptrdiff_t>(from) * width, width,
                  larger.data() + static_cast<ptrdiff_t>(y) * columns + column);
  }
  return larger;
}

}  // namespace

ResampleMatrices Resampler::Matrices() const {
  const resample::Axis &x = impl_->separable.x, &y = impl_->separable.y;
  return {from(), to(), MatrixOf(y), MatrixOf(x), CoveredOf(y), CoveredOf(x)};
}

Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

PixelSize Resampler::from() const { return impl_->from(); }
PixelSize Resampler::to() const { return impl_->to(); }

void Resampler::Run(PlaneView<const float> from, PlaneView<float> to, ThreadPool* pool,
                    float pad_value, const RowAction& finish) const {
  impl_->Run(&from, &to, &pad_value, 1, 1.0f, pool, finish);
}

void Resampler::RunRgb(const ImageView& from, const std::array<PlaneView<float>, 3>& to,
                       ThreadPool* pool) const {
  Require(from.format.model == ColorModel::kRgb, Code::kInvalidArgument,
          "resample: a picture of " + from.format.ToString() + ", must be RGB");
  const auto run = [&](auto sample, float scale) {
    using T = decltype(sample);
    const std::array<PlaneView<const T>, 3> planes = {from.Plane<T>(0), from.Plane<T>(1),
                                                      from.Plane<T>(2)};
    impl_->Run(planes.data(), to.data(), impl_->pad_value.data(), 3, scale, pool);
  };
  switch (from.format.type) {
    case SampleType::kU8:
      return run(uint8_t{}, 1.0f / static_cast<float>(from.format.max_value()));
    case SampleType::kU16:
      return run(uint16_t{}, 1.0f / static_cast<float>(from.format.max_value()));
    case SampleType::kF32:
      return run(float{}, 1.0f);
  }
}

namespace {

ResampleWindow WindowIn(const SizePlan& plan, const SizePad& pad) {
  ResampleWindow window;
  window.from = plan.picture;
  window.pad = pad;
  return window;
}

ResampleWindow WindowOut(const SizePlan& plan) {
  ResampleWindow window;
  window.to = plan.picture;
  return window;
}

// Fills what lies around `content`.
void FillAround(PixelRect content, PadMode mode, float value, PlaneView<float> plane) {
  const int right = content.x + content.width, bottom = content.y + content.height;
  const bool replicate = mode == PadMode::kReplicate;
  for (int y = content.y; y < bottom; ++y) {
    float* row = plane.Row(y);
    std::fill(row, row + content.x, replicate ? row[content.x] : value);
    std::fill(row + right, row + plane.width, replicate ? row[right - 1] : value);
  }
  for (int y = 0; y < plane.height; ++y) {
    if (y >= content.y && y < bottom) continue;
    float* row = plane.Row(y);
    const float* nearest = plane.Row(y < content.y ? content.y : bottom - 1);
    if (replicate) {
      std::copy(nearest, nearest + plane.width, row);
    } else {
      std::fill(row, row + plane.width, value);
    }
  }
}

template <typename T>
PlaneView<T> Part(PlaneView<T> plane, PixelRect rect) {
  return {plane.Row(rect.y) + rect.x, plane.stride, rect.width, rect.height};
}

}  // namespace

PictureToTensor::PictureToTensor(ResampleKind kind, PixelSize picture, const SizeRule& rule)
    : plan_(PlanSize(picture, rule)),
      pad_(rule.pad),
      resampler_(kind, plan_.padded, plan_.content.size(), WindowIn(plan_, rule.pad)) {}

void PictureToTensor::Run(const ImageView& picture, float* tensor, ThreadPool* pool) const {
  const int width = plan_.network.width, height = plan_.network.height;
  const auto stride = static_cast<ptrdiff_t>(sizeof(float)) * width;
  std::array<PlaneView<float>, 3> planes, parts;
  for (size_t c = 0; c < 3; ++c) {
    planes[c] = {tensor + static_cast<ptrdiff_t>(c) * width * height, stride, width, height};
    parts[c] = Part(planes[c], plan_.content);
  }
  resampler_.RunRgb(picture, parts, pool);
  if (plan_.content.size() == plan_.network) return;
  for (size_t c = 0; c < 3; ++c) FillAround(plan_.content, pad_.mode, pad_.value[c], planes[c]);
}

ResampleMatrices PictureToTensor::Matrices() const {
  ResampleMatrices matrices = resampler_.Matrices();
  const PixelSize from = matrices.from, network = plan_.network;
  const int x = plan_.content.x, y = plan_.content.y;
  const bool repeat = pad_.mode == PadMode::kReplicate;
  matrices.to = network;
  matrices.rows = Embedded(matrices.rows, from.height, y, 0, network.height, from.height, repeat);
  matrices.columns =
      Embedded(matrices.columns, from.width, x, 0, network.width, from.width, repeat);
  matrices.rows_covered = Embedded(matrices.rows_covered, 1, y, 0, network.height, 1, repeat);
  matrices.columns_covered = Embedded(matrices.columns_covered, 1, x, 0, network.width, 1, repeat);
  return matrices;
}

TensorToPicture::TensorToPicture(ResampleKind kind, const SizePlan& plan)
    : plan_(plan), resampler_(kind, plan.content.size(), plan.padded, WindowOut(plan)) {}

void TensorToPicture::Run(const float* tensor, PlaneView<float> picture, ThreadPool* pool,
                          const RowAction& finish) const {
  const PlaneView<const float> plane = {tensor,
                                        static_cast<ptrdiff_t>(sizeof(float)) * plan_.network.width,
                                        plan_.network.width, plan_.network.height};
  resampler_.Run(Part(plane, plan_.content), picture, pool, 0, finish);
}

ResampleMatrices TensorToPicture::Matrices() const {
  ResampleMatrices matrices = resampler_.Matrices();
  const PixelSize content = matrices.from, network = plan_.network;
  matrices.from = network;
  matrices.rows = Embedded(matrices.rows, content.height, 0, plan_.content.y, matrices.to.height,
                           network.height, false);
  matrices.columns = Embedded(matrices.columns, content.width, 0, plan_.content.x,
                              matrices.to.width, network.width, false);
  return matrices;
}

}  // namespace mdvt
