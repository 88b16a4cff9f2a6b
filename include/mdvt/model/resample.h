// SPDX-License-Identifier: Apache-2.0
//
// Resizing pictures for networks and their outputs back. Each network was trained with the resize
// of some library; another one shifts or blurs its input and changes its results. The kinds below
// are those that published networks use, each as its library defines it.
//
// All of them are separable. The result is the same, bit for bit, for every number of threads and
// every instruction set. Samples must be finite: a weight of zero times infinity is not a number.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/model/size_rules.h"

namespace mdvt {

// In brackets the name in metadata. Unless said otherwise the centre of output pixel i lies at
// (i + 0.5) * from / to - 0.5 in input pixels, and the nearest pixel stands for those beyond the
// border.
enum class ResampleKind {
  // OpenCV's INTER_CUBIC ("cubic_opencv"): 4 taps of the cubic with a = -0.75, no antialiasing. Its
  // positions are rounded to float, as there.
  kCubicOpenCv,
  // OpenCV's INTER_LINEAR, torch's "bilinear" ("bilinear"): 2 taps, no antialiasing.
  kBilinear,
  // torch's "bilinear" with align_corners ("bilinear_align_corners"): pixel i lies at
  // i * (from - 1) / (to - 1), at 0 if to is 1.
  kBilinearAlignCorners,
  // torch's "bilinear" with antialias, PIL's BILINEAR on float ("bilinear_antialias"): a triangle
  // as
  // wide as the reduction, normalised, cut off at the border.
  kBilinearAntialias,
  // torch's "bicubic" ("bicubic"): as kCubicOpenCv, with exact positions.
  kBicubic,
  // OpenCV's INTER_AREA ("area"): the mean of the covered area, partly covered pixels in
  // proportion.
  // If either side grows, OpenCV's variant of bilinear that keeps pixels whole.
  kArea,
  // kArea if neither side grows, else kCubicOpenCv ("area_or_cubic").
  kAreaOrCubic,
  // PIL's LANCZOS on float ("lanczos3_antialias"): sinc(x) sinc(x / 3), as wide as the reduction,
  // normalised, cut off at the border.
  kLanczos3Antialias,
  // OpenCV's INTER_NEAREST, torch's "nearest" ("nearest"): pixel floor(i * from / to).
  kNearest,
};

// The name in metadata.
const char* ResampleName(ResampleKind kind);

// The kind of that name. Throws Error(kInvalidArgument) that lists the valid ones.
ResampleKind ResampleByName(std::string_view name);

// Which part of the sizes there are pixels for, and which is wanted. An empty rectangle is all.
struct ResampleWindow {
  PixelRect from;  // where the source picture lies in `from`; around it is what `pad` says
  PixelRect to;    // the part of the resized picture that is wanted
  SizePad pad;     // its mode and value
};

// The weights of a resize, for those who do it elsewhere. Matrices lie row by row:
//   result = rows * plane * columns', + pad * (1 - rows_covered * columns_covered')
// where pad is the plane's SizePad::value.
struct ResampleMatrices {
  PixelSize from, to;
  std::vector<float> rows;     // to.height x from.height
  std::vector<float> columns;  // to.width x from.width
  // The share of each row's and each column's weights that lies on the plane: 1 nearly everywhere.
  std::vector<float> rows_covered, columns_covered;
};

// What to do with each row of the result as soon as it is made, while it is still in the cache: its
// number and its samples. Called on the threads of the pool, for different rows at the same time.
using RowAction = std::function<void(int y, float* row)>;

// Resizes pictures of one size to another. Building one costs about as much as resizing a row; it
// can be used from several threads at a time.
class Resampler {
 public:
  // Throws Error(kInvalidArgument) unless all sides are in [1, 2^20] and the windows lie inside.
  Resampler(ResampleKind kind, PixelSize from, PixelSize to, const ResampleWindow& window = {});
  ~Resampler();
  Resampler(Resampler&&) noexcept;
  Resampler& operator=(Resampler&&) noexcept;

  // The sizes of what Run() takes and makes: those of the windows.
  PixelSize from() const;
  PixelSize to() const;

  // One plane. pad_value stands for SizePad::value; `finish` may be empty. The planes must not
  // overlap. Throws Error(kInvalidArgument) if a size differs.
  void Run(PlaneView<const float> from, PlaneView<float> to, ThreadPool* pool = nullptr,
           float pad_value = 0, const RowAction& finish = {}) const;

  // Three planes R, G, B of 8 to 16 bits or float. Integer samples come out as value / largest
  // value; cubic kinds overshoot 0..1 and nothing is clamped. Throws Error(kInvalidArgument) if a
  // size differs or the picture is not RGB.
  void RunRgb(const ImageView& from, const std::array<PlaneView<float>, 3>& to,
              ThreadPool* pool = nullptr) const;

  ResampleMatrices Matrices() const;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

// Makes a network's input of pictures of one size, as a SizePlan says: borders, resize, letterbox.
class PictureToTensor {
 public:
  // Throws Error(kInvalidArgument) as PlanSize().
  PictureToTensor(ResampleKind kind, PixelSize picture, const SizeRule& rule);

  const SizePlan& plan() const { return plan_; }

  // picture  RGB, of the size given above.
  // tensor   3 x H x W floats without gaps, R G B planes in 0..1 (and slightly beyond), all
  // written.
  void Run(const ImageView& picture, float* tensor, ThreadPool* pool = nullptr) const;

  // The same of a plane of the picture to one of the tensor, with its letterbox.
  ResampleMatrices Matrices() const;
  const std::array<float, 3>& pad_value() const { return pad_.value; }

 private:
  SizePlan plan_;
  SizePad pad_;
  Resampler resampler_;
};

// Brings a map that a network has made back to the size of the picture: cuts the letterbox off,
// resizes, cuts the borders off.
class TensorToPicture {
 public:
  TensorToPicture(ResampleKind kind, const SizePlan& plan);

  // tensor   H x W floats without gaps, of the network's size.
  // picture  of the size that the plan was made for.
  void Run(const float* tensor, PlaneView<float> picture, ThreadPool* pool = nullptr,
           const RowAction& finish = {}) const;

  // The same of a whole plane of the network's size. All is covered.
  ResampleMatrices Matrices() const;

 private:
  SizePlan plan_;
  Resampler resampler_;
};

}  // namespace mdvt
