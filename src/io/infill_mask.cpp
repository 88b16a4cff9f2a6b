// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/infill_mask.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kDeadZone = 0.02;
constexpr int kClear = 32;  // |2 c - 255| of a clear direction: 0.25 of full scale

struct Color {
  uint8_t r, g, b;
  friend bool operator==(const Color& a, const Color& c) {
    return a.r == c.r && a.g == c.g && a.b == c.b;
  }
};
constexpr Color kWhite = {255, 255, 255}, kRed = {255, 0, 0}, kGreen = {0, 255, 0},
                kBlue = {0, 0, 255};

struct Row {
  Row(const ImageView& image, int y)
      : r(image.Plane<uint8_t>(0).Row(y)),
        g(image.Plane<uint8_t>(1).Row(y)),
        b(image.Plane<uint8_t>(2).Row(y)) {}
  Color At(int x) const { return {r[x], g[x], b[x]}; }
  const uint8_t* r;
  const uint8_t* g;
  const uint8_t* b;
};

void CheckFormat(const ImageView& mask, const char* function) {
  Require(mask.format == PixelFormat::Rgb(8), Code::kInvalidArgument,
          std::string(function) + ": the mask is " + mask.format.ToString() + ", must be rgb8");
}

// Code of a component of a unit vector; a half rounds down, so that 0 becomes 127 as in old files.
uint8_t Channel(double n) {
  return static_cast<uint8_t>(std::clamp(std::ceil(255 * (n + 1) / 2 - 0.5), 1.0, 255.0));
}

Color DirectionColor(const HoleSpan& span, int width, double focal_px) {
  constexpr uint8_t kFlat = 127;
  const bool left = span.begin == 0, right = span.end == width;
  if (span.at_border && left != right) return {left ? uint8_t{255} : uint8_t{1}, kFlat, kFlat};
  if (span.background == HoleSide::kBoth || (left && right))
    return {kFlat, Channel(span.rows_with_data), kFlat};
  double nx = 1, nz = 0;
  if (focal_px > 0 && span.near_depth > 0 && span.far_depth > span.near_depth) {
    const double dx = span.far_depth / focal_px, dz = double{span.far_depth} - span.near_depth;
    const double length = std::hypot(dx, dz);
    nx = dz / length;
    nz = -dx / length;
  }
  return {Channel(span.background == HoleSide::kRight ? nx : -nx), kFlat, Channel(nz)};
}

bool IsHole(const Color& c, int threshold) { return std::max({c.r, c.g, c.b}) > threshold; }

// First hole pixel at or after x; `width` if there is none. Most of a mask is black.
int SkipBlack(const Row& row, int x, int width, int threshold) {
  while (x < width) {
    if (x + 8 <= width) {
      uint64_t r, g, b;
      std::memcpy(&r, row.r + x, 8);
      std::memcpy(&g, row.g + x, 8);
      std::memcpy(&b, row.b + x, 8);
      if ((r | g | b) == 0) {
        x += 8;
        continue;
      }
    }
    if (IsHole(row.At(x), threshold)) break;
    ++x;
  }
  return x;
}

HoleSide SideOfMean(int64_t sum, int count) {
  const double mean = static_cast<double>(sum) / (255.0 * count);
  return mean > kDeadZone    ? HoleSide::kRight
         : mean < -kDeadZone ? HoleSide::kLeft
                             : HoleSide::kBoth;
}

void AddSpan(int begin, int end, HoleSide side, int width, std::vector<HoleSpan>* spans) {
  HoleSpan span;
  span.begin = begin;
  span.end = end;
  span.background = side;
  span.at_border = begin == 0 || end == width;
  spans->push_back(span);
}

// One run of hole pixels, cut where the background changes sides.
void ReadDirections(const Row& row, int begin, int end, int width, std::vector<HoleSpan>* spans) {
  int first = begin, last_clear = 0;
  int64_t sum = 0;
  for (int x = begin; x < end; ++x) {
    // Green alone says nothing about directions.
    const int direction = row.At(x) == kGreen ? 0 : 2 * row.r[x] - 255;
    const int clear = direction > kClear ? 1 : direction < -kClear ? -1 : 0;
    if (clear != 0 && last_clear == -clear) {
      AddSpan(first, x, SideOfMean(sum, x - first), width, spans);
      first = x;
      sum = 0;
    }
    if (clear != 0) last_clear = clear;
    sum += direction;
  }
  AddSpan(first, end, SideOfMean(sum, end - first), width, spans);
}

// Blue marks the background end, red the near one; a run at a border may have lost either.
HoleSide SideOfEnds(const Color& first, const Color& last) {
  const int side = (last == kBlue) + (first == kRed) - (first == kBlue) - (last == kRed);
  return side > 0 ? HoleSide::kRight : side < 0 ? HoleSide::kLeft : HoleSide::kBoth;
}

// The pixels next to what bounds a hole: there is none at the border of the view.
void PaintEnds(const HoleSpan& span, int width, const std::array<uint8_t*, 3>& row) {
  if (span.background == HoleSide::kBoth || span.begin >= span.end) return;
  const bool right = span.background == HoleSide::kRight;
  const auto paint = [&](int x, const Color& color) {
    row[0][x] = color.r;
    row[1][x] = color.g;
    row[2][x] = color.b;
  };
  const int near = right ? span.begin : span.end - 1;
  const int far = right ? span.end - 1 : span.begin;
  const bool near_at_border = right ? span.begin == 0 : span.end == width;
  if (!near_at_border) paint(near, kRed);
  paint(far, kBlue);
}

}  // namespace

void PaintInfillMask(const HoleMap& holes, InfillMaskStyle style, const MutableImageView& mask,
                     double focal_px) {
  Require(holes.width == mask.width && holes.height == mask.height, Code::kInvalidArgument,
          "PaintInfillMask: holes are " + FormatSize(holes.width, holes.height) + ", the mask is " +
              FormatSize(mask.width, mask.height));
  PaintInfillMaskRows(holes, style, 0, mask, focal_px);
}

void PaintInfillMaskRows(const HoleMap& holes, InfillMaskStyle style, int y,
                         const MutableImageView& band, double focal_px) {
  CheckFormat(band, "PaintInfillMask");
  Require(holes.width == band.width && y >= 0 && band.height <= holes.height - y &&
              holes.rows.size() == static_cast<size_t>(std::max(holes.height, 0)),
          Code::kInvalidArgument,
          "PaintInfillMask: holes are " + FormatSize(holes.width, holes.height) + " with " +
              std::to_string(holes.rows.size()) + " rows, the mask is " +
              FormatSize(band.width, band.height) + " from row " + std::to_string(y));
  Require(focal_px >= 0 && std::isfinite(focal_px), Code::kInvalidArgument,
          "PaintInfillMask: focal_px = " + FormatDouble(focal_px) + ", must be in [0, inf)");
  for (int row_of_band = 0; row_of_band < band.height; ++row_of_band) {
    std::array<uint8_t*, 3> row;
    for (int plane = 0; plane < 3; ++plane) {
      row[static_cast<size_t>(plane)] = band.Plane<uint8_t>(plane).Row(row_of_band);
      std::memset(row[static_cast<size_t>(plane)], 0, static_cast<size_t>(band.width));
    }
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(y + row_of_band)]) {
      Require(span.begin >= 0 && span.begin <= span.end && span.end <= band.width,
              Code::kInvalidArgument,
              "PaintInfillMask: row " + std::to_string(y + row_of_band) + ", span [" +
                  std::to_string(span.begin) + ", " + std::to_string(span.end) +
                  ") leaves the row of " + std::to_string(band.width));
      const Color color = style == InfillMaskStyle::kDirections
                              ? DirectionColor(span, band.width, focal_px)
                          : style == InfillMaskStyle::kWhite ? kWhite
                                                             : kGreen;
      const auto n = static_cast<size_t>(span.end - span.begin);
      std::memset(row[0] + span.begin, color.r, n);
      std::memset(row[1] + span.begin, color.g, n);
      std::memset(row[2] + span.begin, color.b, n);
      if (style == InfillMaskStyle::kEnds) PaintEnds(span, band.width, row);
    }
  }
}

std::optional<InfillMaskCode> DetectInfillMaskCode(const ImageView& mask) {
  CheckFormat(mask, "DetectInfillMaskCode");
  bool white = false, green = false, ends = false;
  for (int y = 0; y < mask.height; ++y) {
    const Row row(mask, y);
    for (int x = SkipBlack(row, 0, mask.width, 0); x < mask.width;
         x = SkipBlack(row, x + 1, mask.width, 0)) {
      const Color c = row.At(x);
      if (c == kWhite) {
        white = true;
      } else if (c == kGreen) {
        green = true;
      } else if (c == kRed || c == kBlue) {
        ends = true;
      } else {
        return InfillMaskCode::kDirections;
      }
    }
  }
  if (white) return ends || green ? InfillMaskCode::kDirections : InfillMaskCode::kWhite;
  if (ends) return InfillMaskCode::kEnds;
  if (green) return InfillMaskCode::kDirections;
  return std::nullopt;
}

void InfillMaskReadOptions::Check() const {
  Require(
      threshold >= 0 && threshold <= 254, Code::kInvalidArgument,
      "InfillMaskReadOptions.threshold = " + std::to_string(threshold) + ", must be in [0, 254]");
}

HoleMap ReadInfillMask(const ImageView& mask, const InfillMaskReadOptions& options) {
  CheckFormat(mask, "ReadInfillMask");
  options.Check();
  HoleMap holes;
  holes.Reset(mask.width, mask.height);
  const auto code = options.code ? options.code : DetectInfillMaskCode(mask);
  if (!code) return holes;
  for (int y = 0; y < mask.height; ++y) {
    const Row row(mask, y);
    std::vector<HoleSpan>& spans = holes.rows[static_cast<size_t>(y)];
    int begin = SkipBlack(row, 0, mask.width, options.threshold);
    while (begin < mask.width) {
      int end = begin + 1;
      while (end < mask.width && IsHole(row.At(end), options.threshold)) ++end;
      switch (*code) {
        case InfillMaskCode::kWhite:
          AddSpan(begin, end, HoleSide::kBoth, mask.width, &spans);
          break;
        case InfillMaskCode::kEnds:
          AddSpan(begin, end, SideOfEnds(row.At(begin), row.At(end - 1)), mask.width, &spans);
          break;
        case InfillMaskCode::kDirections:
          ReadDirections(row, begin, end, mask.width, &spans);
          break;
      }
      begin = SkipBlack(row, end, mask.width, options.threshold);
    }
  }
  return holes;
}

}  // namespace mdvt
