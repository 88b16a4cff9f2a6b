// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/resample.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/resample_rows.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kMaxSide = 1 << 20;
constexpr int kRowsPerBlock = 16;
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

std::string ToString(PixelSize size) {
  return std::to_string(size.width) + "x" + std::to_string(size.height);
}

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

// One axis, ready to use: output i is the sum of weight(k, i) * input[begin[i] + k].
struct Axis {
  int from = 0;  // input samples
  int count = 0;
  int taps = 0;
  bool weights_by_tap = false;
  std::vector<int32_t> begin;
  std::vector<float> weights;
  // The share of the weights that fell on input; empty if all did.
  std::vector<float> covered;

  float weight(int k, int i) const {
    return weights[weights_by_tap ? static_cast<size_t>(k) * static_cast<size_t>(count) +
                                        static_cast<size_t>(i)
                                  : static_cast<size_t>(i) * static_cast<size_t>(taps) +
                                        static_cast<size_t>(k)];
  }
  float covered_at(int i) const { return covered.empty() ? 1 : covered[static_cast<size_t>(i)]; }
};

struct Span {
  int begin = 0;
  int count = 0;
};

// from, to              sizes of the whole
// source, wanted        the parts of them that there are samples for, and that are made
// replicate             what lies around `source`: its border, else something constant
// weights_by_tap        layout of the weights: by tap, then output; else by output, then tap
Axis MakeAxis(ResampleKind kind, int from, int to, bool grows, Span source, Span wanted,
              bool replicate, bool weights_by_tap) {
  const auto count = static_cast<size_t>(wanted.count);
  Axis axis;
  axis.from = source.count;
  axis.count = wanted.count;
  axis.weights_by_tap = weights_by_tap;
  axis.begin.assign(count, 0);

  // The taps on samples that there are, without zeros at either end, one after the other.
  std::vector<float> flat;
  std::vector<size_t> start(count + 1, 0);
  std::vector<float> covered(count, 1);
  bool all_covered = true;
  Taps taps;
  std::vector<double> sums;
  for (size_t i = 0; i < count; ++i) {
    SetTaps(kind, wanted.begin + static_cast<int>(i), from, to, grows, &taps);
    int low = source.count, high = -1;
    sums.clear();
    double lost = 0;
    for (size_t k = 0; k < taps.weights.size(); ++k) {
      const double weight = taps.weights[k];
      if (weight == 0) continue;
      int j = std::clamp(taps.first + static_cast<int>(k), 0, from - 1) - source.begin;
      if (j < 0 || j >= source.count) {
        if (!replicate) {
          lost += weight;
          continue;
        }
        j = std::clamp(j, 0, source.count - 1);
      }
      if (high < 0) low = j;
      high = std::max(high, j);
      sums.resize(static_cast<size_t>(high - low + 1), 0);
      sums[static_cast<size_t>(j - low)] += weight;
    }
    if (high >= 0) axis.begin[i] = low;
    for (const double sum : sums) flat.push_back(static_cast<float>(sum));
    start[i + 1] = flat.size();
    axis.taps = std::max(axis.taps, static_cast<int>(sums.size()));
    if (lost != 0) {
      covered[i] = static_cast<float>(1 - lost);
      all_covered = false;
    }
  }
  axis.taps = std::max(axis.taps, 1);
  if (!all_covered) axis.covered = std::move(covered);

  axis.weights.assign(count * static_cast<size_t>(axis.taps), 0);
  for (size_t i = 0; i < count; ++i) {
    // Every output reads `taps` samples; the last ones begin earlier so as not to read beyond the
    // end.
    const int begin = std::min(axis.begin[i], axis.from - axis.taps);
    const auto shift = static_cast<size_t>(axis.begin[i] - begin);
    axis.begin[i] = begin;
    for (size_t k = 0; k < start[i + 1] - start[i]; ++k) {
      const size_t tap = shift + k;
      axis.weights[weights_by_tap ? tap * count + i : i * static_cast<size_t>(axis.taps) + tap] =
          flat[start[i] + k];
    }
  }
  return axis;
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
  Axis x, y;

  // Adds what the constant around the picture contributes.
  void AddPad(int row, float value, float* to) const {
    if (value == 0 || (x.covered.empty() && y.covered.empty())) return;
    const float covered_y = y.covered_at(row);
    for (int i = 0; i < x.count; ++i) to[i] += value * (1 - covered_y * x.covered_at(i));
  }

  // The horizontal pass of one row.
  void Across(const float* from, float* to) const {
    resample::AddTaps(from, x.begin.data(), x.weights.data(), x.taps, x.count, to);
  }

  // Rows [begin, end) of a picture that is not higher than its source: down first, across then,
  // since whole rows are faster to add up than neighbours.
  template <typename T>
  void DownAcross(PlaneView<const T> from, float scale, float pad, int begin, int end,
                  PlaneView<float> to) const {
    const auto taps = static_cast<size_t>(y.taps);
    std::vector<float> sum(static_cast<size_t>(x.from));
    std::vector<const T*> rows(taps);
    std::vector<float> weights(taps);
    for (int row = begin; row < end; ++row) {
      for (int k = 0; k < y.taps; ++k) {
        rows[static_cast<size_t>(k)] = from.Row(y.begin[static_cast<size_t>(row)] + k);
        weights[static_cast<size_t>(k)] = y.weight(k, row) * scale;
      }
      resample::AddRows(rows.data(), weights.data(), y.taps, x.from, sum.data());
      Across(sum.data(), to.Row(row));
      AddPad(row, pad, to.Row(row));
    }
  }

  // The same for one that is higher: across first, since there are fewer rows before than after.
  template <typename T>
  void AcrossDown(PlaneView<const T> from, float scale, float pad, int begin, int end,
                  PlaneView<float> to) const {
    const auto taps = static_cast<size_t>(y.taps);
    const auto width = static_cast<size_t>(x.count);
    int low = y.from, high = 0;
    for (int row = begin; row < end; ++row) {
      low = std::min(low, y.begin[static_cast<size_t>(row)]);
      high = std::max(high, y.begin[static_cast<size_t>(row)] + y.taps);
    }
    std::vector<float> line(static_cast<size_t>(x.from));
    std::vector<float> wide(static_cast<size_t>(high - low) * width);
    for (int row = low; row < high; ++row) {
      const T* source = from.Row(row);
      resample::AddRows(&source, &scale, 1, x.from, line.data());
      Across(line.data(), wide.data() + static_cast<size_t>(row - low) * width);
    }
    std::vector<const float*> rows(taps);
    std::vector<float> weights(taps);
    for (int row = begin; row < end; ++row) {
      for (int k = 0; k < y.taps; ++k) {
        const int source = y.begin[static_cast<size_t>(row)] + k - low;
        rows[static_cast<size_t>(k)] = wide.data() + static_cast<size_t>(source) * width;
        weights[static_cast<size_t>(k)] = y.weight(k, row);
      }
      resample::AddRows(rows.data(), weights.data(), y.taps, x.count, to.Row(row));
      AddPad(row, pad, to.Row(row));
    }
  }

  // Planes in the order of `from`, with the constants `pad`.
  template <typename T>
  void Run(const PlaneView<const T>* from, const PlaneView<float>* to, const float* pad, int planes,
           float scale, ThreadPool* pool, const RowAction& finish = {}) const {
    for (int plane = 0; plane < planes; ++plane) {
      const PixelSize have_from = {from[plane].width, from[plane].height};
      const PixelSize have_to = {to[plane].width, to[plane].height};
      Require(have_from == PixelSize{x.from, y.from} && have_to == PixelSize{x.count, y.count},
              Code::kInvalidArgument,
              "resample: planes of " + ToString(have_from) + " to " + ToString(have_to) +
                  " pixels, this resampler takes " + ToString({x.from, y.from}) + " to " +
                  ToString({x.count, y.count}));
    }
    const int blocks = (y.count + kRowsPerBlock - 1) / kRowsPerBlock;
    const auto body = [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const auto plane = static_cast<int>(i / blocks);
        const int begin = static_cast<int>(i % blocks) * kRowsPerBlock;
        const int end = std::min(begin + kRowsPerBlock, y.count);
        if (y.count > y.from) {
          AcrossDown(from[plane], scale, pad[plane], begin, end, to[plane]);
        } else {
          DownAcross(from[plane], scale, pad[plane], begin, end, to[plane]);
        }
        if (!finish) continue;
        for (int row = begin; row < end; ++row) finish(row, to[plane].Row(row));
      }
    };
    const int64_t all = static_cast<int64_t>(blocks) * planes;
    if (pool == nullptr) {
      body(0, all);
    } else {
      pool->ParallelFor(all, 1, body);
    }
  }

  std::array<float, 3> pad_value = {};
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
  impl->x = MakeAxis(kind, from.width, to.width, grows, {source.x, source.width},
                     {wanted.x, wanted.width}, replicate, true);
  impl->y = MakeAxis(kind, from.height, to.height, grows, {source.y, source.height},
                     {wanted.y, wanted.height}, replicate, false);
  impl->pad_value = window.pad.value;
  impl_ = std::move(impl);
}

Resampler::~Resampler() = default;
Resampler::Resampler(Resampler&&) noexcept = default;
Resampler& Resampler::operator=(Resampler&&) noexcept = default;

PixelSize Resampler::from() const { return {impl_->x.from, impl_->y.from}; }
PixelSize Resampler::to() const { return {impl_->x.count, impl_->y.count}; }

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

TensorToPicture::TensorToPicture(ResampleKind kind, const SizePlan& plan)
    : plan_(plan), resampler_(kind, plan.content.size(), plan.padded, WindowOut(plan)) {}

void TensorToPicture::Run(const float* tensor, PlaneView<float> picture, ThreadPool* pool,
                          const RowAction& finish) const {
  const PlaneView<const float> plane = {tensor,
                                        static_cast<ptrdiff_t>(sizeof(float)) * plan_.network.width,
                                        plan_.network.width, plan_.network.height};
  resampler_.Run(Part(plane, plan_.content), picture, pool, 0, finish);
}

}  // namespace mdvt
