// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/color_convert.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <string>
#include <vector>

#include "core/chroma_grid.h"
#include "io/color_rows.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

// RGB from (Y, Cb, Cr) with Y in [0, 1] and chroma in [-0.5, 0.5]: ITU-T H.273 section 8.3.
Matrix RgbFromYuv(int matrix) {
  double kr = 0, kb = 0;
  switch (matrix) {
    case 0:  // the planes are G, B, R; chroma is handed in with 0.5 subtracted, see Scaling
      return {{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}};
    case 1:
      kr = 0.2126, kb = 0.0722;
      break;
    case 4:
      kr = 0.30, kb = 0.11;
      break;
    case 5:
    case 6:
      kr = 0.299, kb = 0.114;
      break;
    case 7:
      kr = 0.212, kb = 0.087;
      break;
    case 8:  // YCgCo: the planes are Y, Cg, Co
      return {{{1, -1, 1}, {1, 1, 0}, {1, -1, -1}}};
    case 9:
      kr = 0.2627, kb = 0.0593;
      break;
    default:
      throw Error(Code::kUnsupported, "matrix coefficients " + std::to_string(matrix) +
                                          " of H.273 are not supported; 0, 1, 2 and 4 to 9 are");
  }
  const double kg = 1 - kr - kb;
  return {{{1, 0, 2 * (1 - kr)},
           {1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg},
           {1, 2 * (1 - kb), 0}}};
}

Matrix Inverse(const Matrix& m) {
  const auto minor = [&](size_t r, size_t c) {
    const size_t r0 = (r + 1) % 3, r1 = (r + 2) % 3, c0 = (c + 1) % 3, c1 = (c + 2) % 3;
    return m[r0][c0] * m[r1][c1] - m[r0][c1] * m[r1][c0];
  };
  const double det = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  Matrix inverse{};
  for (size_t r = 0; r < 3; ++r) {
    for (size_t c = 0; c < 3; ++c) inverse[c][r] = minor(r, c) / det;
  }
  return inverse;
}

// value = (code - zero) / range, for one plane.
struct Scaling {
  double zero = 0;
  double range = 1;
};

Scaling ScalingOf(const PixelFormat& format, const ColorInfo& color, int plane) {
  const double step = std::ldexp(1.0, format.bits - 8);
  const bool limited = format.model == ColorModel::kYuv && !color.full_range;
  const bool chroma = format.model == ColorModel::kYuv && plane > 0 && color.matrix != 0;
  if (chroma) return {128 * step, limited ? 224 * step : format.max_value() * 1.0};
  return limited ? Scaling{16 * step, 219 * step} : Scaling{0, format.max_value() * 1.0};
}

// Sample k of subsampled chroma belongs to sample 2^shift * k + this of the full grid.
double Siting(const SampleGrid& grid) { return grid.offset - 0.5; }

// The two samples of a subsampled axis that surround position `x` of the full one.
struct Tap {
  int index0 = 0, index1 = 0;
  float weight0 = 1, weight1 = 0;
};

Tap UpsamplingTap(int x, int shift, double offset, int count) {
  const double position = (x - offset) / (1 << shift);
  const double floor = std::floor(position);
  const auto weight = static_cast<float>(position - floor);
  const int index = static_cast<int>(floor);
  return {std::clamp(index, 0, count - 1), std::clamp(index + 1, 0, count - 1), 1 - weight, weight};
}

// FFmpeg's numbers: 1 left, 2 centre, 3 top left, 4 top, 5 bottom left, 6 bottom.
constexpr int kMaxChromaLocation = 6;

void LoadRow(const ImageView& image, int plane, int y, float scale, float offset, float* to) {
  const int width = image.format.PlaneWidth(plane, image.width);
  if (image.format.type == SampleType::kU8) {
    ff::LoadRow8(image.Plane<uint8_t>(plane).Row(y), width, scale, offset, to);
  } else {
    ff::LoadRow16(image.Plane<uint16_t>(plane).Row(y), width, scale, offset, to);
  }
}

void StoreRow(const float* from, const MutableImageView& image, int plane, int y) {
  const int width = image.format.PlaneWidth(plane, image.width);
  if (image.format.type == SampleType::kU8) {
    ff::StoreRow8(from, width, image.Plane<uint8_t>(plane).Row(y));
  } else {
    ff::StoreRow16(from, width, static_cast<float>(image.format.max_value()),
                   image.Plane<uint16_t>(plane).Row(y));
  }
}

using Row = std::vector<float>;

// Everything that stays the same for a pair of formats, and the rows in work.
class Plan {
 public:
  Plan(const PixelFormat& source_format, const ColorInfo& source_color,
       const PixelFormat& target_format, const ColorInfo& target_color, int width, int height)
      : from_(source_format),
        to_(target_format),
        source_color_(source_color),
        target_color_(target_color),
        width_(width),
        height_(height),
        subsampled_((source_format.chroma_shift_x | source_format.chroma_shift_y) != 0) {
    for (int plane = 0; plane < 3; ++plane) {
      in_[static_cast<size_t>(plane)] = ScalingOf(from_, source_color, plane);
      out_[static_cast<size_t>(plane)] = ScalingOf(to_, target_color, plane);
    }
    PrepareMatrix();
    const auto samples = static_cast<size_t>(width);
    for (Row& row : source_rows_) row.resize(samples);
    scratch_.resize(samples);
    if (subsampled_) PrepareChroma();
  }

  void Run(const ImageView& from, const MutableImageView& to) {
    for (ChromaRow& kept : chroma_rows_) kept.y = -1;
    if (from_.num_planes() == to_.num_planes() && from_.model == to_.model &&
        from_.chroma_shift_x == to_.chroma_shift_x && from_.chroma_shift_y == to_.chroma_shift_y) {
      Rescale(from, to);
      return;
    }
    const bool luma_only = to_.model == ColorModel::kGray;
    const int shift_y = luma_only ? 0 : to_.chroma_shift_y;
    if (luma_only || (to_.chroma_shift_x == 0 && shift_y == 0)) {
      for (int y = 0; y < height_; ++y) {
        LoadSource(from, y);
        for (int plane = 0; plane < to_.num_planes(); ++plane) StoreTarget(plane, to, y);
      }
      return;
    }
    RunSubsampled(from, to);
  }

 private:
  // target code of plane p = sum of mix_[p][q] * source code of plane q + mix_[p][3]
  void PrepareMatrix() {
    Matrix value{};  // target values from source values
    const Matrix identity = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    if (from_.model == to_.model) {
      value = identity;
    } else if (from_.model == ColorModel::kGray) {
      for (size_t p = 0; p < 3; ++p) value[p][0] = to_.model == ColorModel::kRgb || p == 0;
    } else if (from_.model == ColorModel::kYuv && to_.model == ColorModel::kRgb) {
      value = RgbFromYuv(source_color_.matrix);
    } else if (from_.model == ColorModel::kYuv) {
      value[0] = {1, 0, 0};
      if (source_color_.matrix == 0) value[0] = Inverse(RgbFromYuv(1))[0], Reorder(&value[0]);
    } else {
      value = Inverse(RgbFromYuv(target_color_.matrix));
    }
    for (size_t p = 0; p < 3; ++p) {
      double constant = out_[p].zero;
      for (size_t q = 0; q < 3; ++q) {
        const double factor = value[p][q] * out_[p].range / in_[q].range;
        mix_[p][q] = static_cast<float>(factor);
        constant -= factor * in_[q].zero;
      }
      mix_[p][3] = static_cast<float>(constant);
    }
  }

  // Weights of R, G, B for planes that hold G, B, R.
  static void Reorder(std::array<double, 3>* weights) {
    const std::array<double, 3> rgb = *weights;
    *weights = {rgb[1], rgb[2], rgb[0]};
  }

  void PrepareChroma() {
    const int chroma_width = from_.PlaneWidth(1, width_);
    // One sample more on each side.
    blended_.resize(static_cast<size_t>(chroma_width) + 2);
    for (ChromaRow& kept : chroma_rows_) kept.samples.resize(static_cast<size_t>(chroma_width));
    const int shift = from_.chroma_shift_x;
    const double offset = Siting(GridAcross(shift, source_color_.chroma_location));
    if (shift == 1) {
      // The weights are the same for all even positions and for all odd ones.
      const Tap even = UpsamplingTap(2, shift, offset, INT_MAX);
      const Tap odd = UpsamplingTap(3, shift, offset, INT_MAX);
      doubling_.first = even.index0 - 1;
      doubling_.even[0] = even.weight0, doubling_.even[1] = even.weight1;
      doubling_.odd[0] = odd.weight0, doubling_.odd[1] = odd.weight1;
    } else if (shift > 1) {
      for (int x = 0; x < width_; ++x)
        columns_.push_back(UpsamplingTap(x, shift, offset, chroma_width));
    }
  }

  // A row of chroma codes as floats; the last few stay at hand, as neighbouring rows share them.
  const float* ChromaCodes(const ImageView& from, int plane, int y) {
    ChromaRow& kept = chroma_rows_[static_cast<size_t>(2 * (plane - 1) + y % 2)];
    if (kept.y != y) {
      LoadRow(from, plane, y, 1, 0, kept.samples.data());
      kept.y = y;
    }
    return kept.samples.data();
  }

  // The source's codes of row y as floats, chroma at the full resolution.
  void LoadSource(const ImageView& from, int y) {
    LoadRow(from, 0, y, 1, 0, source_rows_[0].data());
    if (from_.num_planes() == 1) {  // plane 0 is all there is; its weight elsewhere is zero
      return;
    }
    if (to_.model == ColorModel::kGray && mix_[0][1] == 0 && mix_[0][2] == 0) return;
    const int shift_y = from_.chroma_shift_y;
    const Tap tap =
        UpsamplingTap(y, shift_y, Siting(GridDown(shift_y, source_color_.chroma_location)),
                      from_.PlaneHeight(1, height_));
    for (int plane = 1; plane < 3; ++plane) {
      Row& row = source_rows_[static_cast<size_t>(plane)];
      if (!subsampled_) {
        LoadRow(from, plane, y, 1, 0, row.data());
        continue;
      }
      const int chroma_width = from_.PlaneWidth(1, width_);
      float* narrow = from_.chroma_shift_x > 0 ? blended_.data() + 1 : row.data();
      const float* codes = ChromaCodes(from, plane, tap.index0);
      if (tap.weight1 != 0 && tap.index1 != tap.index0) {
        ff::BlendRows(codes, tap.weight0, ChromaCodes(from, plane, tap.index1), tap.weight1,
                      chroma_width, narrow);
      } else {
        std::copy_n(codes, chroma_width, narrow);
      }
      if (from_.chroma_shift_x == 1) {
        narrow[-1] = narrow[0];
        narrow[chroma_width] = narrow[chroma_width - 1];
        ff::UpsampleRow(narrow, doubling_, width_, row.data());
      } else if (from_.chroma_shift_x > 1) {
        for (int x = 0; x < width_; ++x) {
          const Tap& column = columns_[static_cast<size_t>(x)];
          row[static_cast<size_t>(x)] =
              narrow[column.index0] * column.weight0 + narrow[column.index1] * column.weight1;
        }
      }
    }
  }

  // The rows that make a plane of the target. Those that were not loaded have weight zero; any
  // finite row will do for them.
  std::array<const float*, 3> SourceRows(int plane) const {
    const auto& m = mix_[static_cast<size_t>(plane)];
    const float* a = source_rows_[0].data();
    const bool gray = from_.num_planes() == 1;
    return {a, gray || m[1] == 0 ? a : source_rows_[1].data(),
            gray || m[2] == 0 ? a : source_rows_[2].data()};
  }

  void MixTarget(int plane, float* to) const {
    const auto [a, b, c] = SourceRows(plane);
    ff::MixRows(a, b, c, mix_[static_cast<size_t>(plane)].data(), width_, to);
  }

  void StoreTarget(int plane, const MutableImageView& to, int y) const {
    const auto [a, b, c] = SourceRows(plane);
    const float* m = mix_[static_cast<size_t>(plane)].data();
    if (to_.type == SampleType::kU8) {
      ff::MixToRow8(a, b, c, m, width_, to.Plane<uint8_t>(plane).Row(y));
    } else {
      ff::MixToRow16(a, b, c, m, width_, static_cast<float>(to_.max_value()),
                     to.Plane<uint16_t>(plane).Row(y));
    }
  }

  // Same planes, other bits, range or nothing but a copy.
  void Rescale(const ImageView& from, const MutableImageView& to) {
    for (int plane = 0; plane < to_.num_planes(); ++plane) {
      const auto p = static_cast<size_t>(plane);
      const double factor = out_[p].range / in_[p].range;
      const auto offset = static_cast<float>(out_[p].zero - factor * in_[p].zero);
      for (int y = 0; y < to_.PlaneHeight(plane, height_); ++y) {
        LoadRow(from, plane, y, static_cast<float>(factor), offset, scratch_.data());
        StoreRow(scratch_.data(), to, plane, y);
      }
    }
  }

  // Chroma is averaged over the full positions nearest to each of its samples: two where it lies
  // between them, 1 : 2 : 1 where it lies on one.
  void RunSubsampled(const ImageView& from, const MutableImageView& to) {
    const int step_x = 1 << to_.chroma_shift_x, step_y = 1 << to_.chroma_shift_y;
    const double offset_x = Siting(GridAcross(to_.chroma_shift_x, target_color_.chroma_location));
    const double offset_y = Siting(GridDown(to_.chroma_shift_y, target_color_.chroma_location));
    const auto weights_x = DownsamplingWeights(to_.chroma_shift_x, offset_x);
    const auto weights_y = DownsamplingWeights(to_.chroma_shift_y, offset_y);
    const int chroma_width = to_.PlaneWidth(1, width_), chroma_height = to_.PlaneHeight(1, height_);
    // Chroma at full width of the rows in work, by row number modulo their count.
    constexpr size_t kRing = 8;
    std::array<std::array<Row, 2>, kRing> ring;
    for (auto& rows : ring) {
      for (Row& row : rows) row.resize(static_cast<size_t>(width_));
    }
    Row sum(static_cast<size_t>(width_)), narrow(static_cast<size_t>(width_));
    int loaded = 0;
    for (int cy = 0; cy < chroma_height; ++cy) {
      const int last = std::min(height_ - 1, cy * step_y + weights_y.back().first);
      for (; loaded <= std::max(last, std::min(height_ - 1, cy * step_y + step_y - 1)); ++loaded) {
        LoadSource(from, loaded);
        StoreTarget(0, to, loaded);
        for (int plane = 1; plane < 3; ++plane) {
          MixTarget(
              plane,
              ring[static_cast<size_t>(loaded) % kRing][static_cast<size_t>(plane - 1)].data());
        }
      }
      for (int plane = 1; plane < 3; ++plane) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        for (const auto& [dy, weight] : weights_y) {
          const int y = std::clamp(cy * step_y + dy, 0, height_ - 1);
          const Row& row = ring[static_cast<size_t>(y) % kRing][static_cast<size_t>(plane - 1)];
          ff::BlendRows(sum.data(), 1, row.data(), weight, width_, narrow.data());
          sum.swap(narrow);
        }
        for (int cx = 0; cx < chroma_width; ++cx) {
          float value = 0;
          for (const auto& [dx, weight] : weights_x) {
            const int x = std::clamp(cx * step_x + dx, 0, width_ - 1);
            value += sum[static_cast<size_t>(x)] * weight;
          }
          narrow[static_cast<size_t>(cx)] = value;
        }
        StoreRow(narrow.data(), to, plane, cy);
      }
    }
  }

  using Weights = std::vector<std::pair<int, float>>;
  static Weights DownsamplingWeights(int shift, double offset) {
    if (shift == 0) return {{0, 1.0f}};
    // A triangle as wide as two chroma steps where the sample lies on a position, a box of one
    // chroma step where it lies between positions.
    const int step = 1 << shift;
    Weights weights;
    if (offset == std::floor(offset)) {
      const int centre = static_cast<int>(offset);
      for (int d = 1 - step; d < step; ++d) {
        weights.emplace_back(
            centre + d, static_cast<float>(step - std::abs(d)) / static_cast<float>(step * step));
      }
    } else {
      for (int d = 0; d < step; ++d) weights.emplace_back(d, 1.0f / static_cast<float>(step));
    }
    return weights;
  }

  PixelFormat from_, to_;
  ColorInfo source_color_, target_color_;
  int width_, height_;
  bool subsampled_;  // the source
  std::array<Scaling, 3> in_, out_;
  std::array<std::array<float, 4>, 3> mix_ = {};
  struct ChromaRow {
    int y = -1;
    Row samples;
  };

  std::vector<Tap> columns_;  // of chroma that is not as wide as half the picture
  ff::UpsamplingWeights doubling_;
  std::array<Row, 3> source_rows_;
  std::array<ChromaRow, 4> chroma_rows_;  // two neighbours of each plane
  Row blended_, scratch_;
};

}  // namespace

ColorInfo ResolveColor(const ColorInfo& color, const PixelFormat& format, int height) {
  ColorInfo result = color;
  const bool yuv = format.model == ColorModel::kYuv;
  if (result.matrix == 2 || (!yuv && result.matrix == 0)) result.matrix = height >= 720 ? 1 : 6;
  if (!yuv) result.full_range = true;
  return result;
}

struct ColorConverter::Impl {
  std::unique_ptr<Plan> plan;
  PixelFormat from, to;
  ColorInfo color;
  int width = 0, height = 0;
};

ColorConverter::ColorConverter() : impl_(std::make_unique<Impl>()) {}
ColorConverter::~ColorConverter() = default;
ColorConverter::ColorConverter(ColorConverter&&) noexcept = default;
ColorConverter& ColorConverter::operator=(ColorConverter&&) noexcept = default;

Image ColorConverter::Convert(const Image& image, const ColorInfo& color,
                              const PixelFormat& format) {
  if (image.format() == format) return image;
  Require(!image.empty(), Code::kInvalidArgument, "ColorConverter: the image is empty");
  Image result(format, image.width(), image.height());
  Convert(image.view(), color, result.mutable_view());
  return result;
}

void ColorConverter::Convert(const ImageView& image, const ColorInfo& color,
                             const MutableImageView& to) {
  const PixelFormat& format = to.format;
  if (image.format == format) return CopyPixels(image, to);
  const bool integer = image.format.type != SampleType::kF32 && format.type != SampleType::kF32;
  Require(integer, Code::kUnsupported,
          "no conversion from " + image.format.ToString() + " to " + format.ToString());
  Require(!image.empty() && to.width == image.width && to.height == image.height,
          Code::kInvalidArgument, "ColorConverter: the images differ in size or are empty");
  Require(color.chroma_location >= 0 && color.chroma_location <= kMaxChromaLocation,
          Code::kInvalidArgument,
          "ColorInfo.chroma_location = " + std::to_string(color.chroma_location) +
              ", must be in [0, 6]");
  Impl& impl = *impl_;
  const auto same_color = [](const ColorInfo& a, const ColorInfo& b) {
    return a.matrix == b.matrix && a.full_range == b.full_range &&
           a.chroma_location == b.chroma_location;
  };
  if (!impl.plan || impl.from != image.format || impl.to != format || impl.width != image.width ||
      impl.height != image.height || !same_color(impl.color, color)) {
    impl.plan = std::make_unique<Plan>(
        image.format, ResolveColor(color, image.format, image.height), format,
        ResolveColor(color, format, image.height), image.width, image.height);
    impl.from = image.format;
    impl.to = format;
    impl.color = color;
    impl.width = image.width;
    impl.height = image.height;
  }
  impl.plan->Run(image, to);
}

}  // namespace mdvt
