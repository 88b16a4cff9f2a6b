// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/directional_fill.h"

#include <algorithm>
#include <string>

#include "mdvt/core/error.h"

namespace mdvt {
namespace {

// The holes of row `row` of a plane. A chroma sample is a hole if all luma samples that it stands
// for are.
void PlaneSpans(const HoleMap& holes, int shift_x, int shift_y, int plane_width, int row,
                std::vector<HoleSpan>& spans) {
  const auto narrow = [&](const HoleSpan& span) {
    HoleSpan part = span;
    part.begin = (span.begin + (1 << shift_x) - 1) >> shift_x;
    part.end = span.end == holes.width ? plane_width : span.end >> shift_x;
    if (part.begin < part.end) spans.push_back(part);
  };
  spans.clear();
  const auto& first = holes.rows[static_cast<size_t>(row) << shift_y];
  const size_t second_row = (static_cast<size_t>(row) << shift_y) + 1;
  if (shift_y == 0 || second_row >= holes.rows.size()) {
    for (const HoleSpan& span : first) narrow(span);
    return;
  }
  const auto& second = holes.rows[second_row];
  size_t i = 0, j = 0;
  while (i < first.size() && j < second.size()) {
    HoleSpan both = first[i];
    both.begin = std::max(first[i].begin, second[j].begin);
    both.end = std::min(first[i].end, second[j].end);
    if (both.begin < both.end) narrow(both);
    first[i].end <= second[j].end ? ++i : ++j;
  }
}

template <typename T>
void FillRow(const std::vector<HoleSpan>& spans, int width, int rim, T* row) {
  for (size_t s = 0; s < spans.size(); ++s) {
    const HoleSpan& span = spans[s];
    if (span.begin == 0 && span.end == width) continue;
    // The run of seen samples on the background side.
    bool from_left = span.background == HoleSide::kLeft;
    if (span.begin == 0) from_left = false;
    if (span.end == width) from_left = true;
    int x;
    if (from_left) {
      const int first = s > 0 ? spans[s - 1].end : 0;
      x = std::max(span.begin - 1 - rim, std::min(first, span.begin - 1));
    } else {
      const int last = s + 1 < spans.size() ? spans[s + 1].begin - 1 : width - 1;
      x = std::min(span.end + rim, std::max(last, span.end));
    }
    std::fill(row + span.begin, row + span.end, row[x]);
  }
}

bool IsEmpty(const std::vector<HoleSpan>& spans, int width) {
  return spans.size() == 1 && spans[0].begin == 0 && spans[0].end == width;
}

template <typename T>
void FillPlane(const HoleMap& holes, int shift_x, int shift_y, int rim, const PlaneView<T>& plane,
               ThreadPool* pool) {
  const auto body = [&](int64_t begin, int64_t end) {
    std::vector<HoleSpan> spans;
    for (int64_t y = begin; y < end; ++y) {
      const int row = static_cast<int>(y);
      PlaneSpans(holes, shift_x, shift_y, plane.width, row, spans);
      FillRow(spans, plane.width, rim, plane.Row(row));
    }
  };
  if (pool != nullptr) {
    pool->ParallelFor(plane.height, 16, body);
  } else {
    body(0, plane.height);
  }
  // Rows without any data repeat the nearest row that has some.
  std::vector<HoleSpan> spans;
  std::vector<int> empty;
  int last = -1;
  const auto copy = [&](int from, int to) {
    std::copy_n(plane.Row(from), plane.width, plane.Row(to));
  };
  for (int y = 0; y <= plane.height; ++y) {
    if (y < plane.height) {
      PlaneSpans(holes, shift_x, shift_y, plane.width, y, spans);
      if (IsEmpty(spans, plane.width)) {
        empty.push_back(y);
        continue;
      }
    }
    for (const int hole : empty) {
      if (last < 0 && y == plane.height) break;  // no data at all
      const bool above = y == plane.height || (last >= 0 && hole - last <= y - hole);
      copy(above ? last : y, hole);
    }
    empty.clear();
    last = y;
  }
}

}  // namespace

void DirectionalFillOptions::Check() const {
  Require(rim >= 0 && rim <= 16, Code::kInvalidArgument,
          "DirectionalFillOptions.rim = " + std::to_string(rim) + ", must be in [0, 16] pixels");
}

void FillHoles(const HoleMap& holes, const DirectionalFillOptions& options,
               const MutableImageView& image, ThreadPool* pool) {
  options.Check();
  Require(holes.width == image.width && holes.height == image.height &&
              holes.rows.size() == static_cast<size_t>(image.height),
          Code::kInvalidArgument,
          "FillHoles: the hole map is " + std::to_string(holes.width) + "x" +
              std::to_string(holes.height) + ", the image " + std::to_string(image.width) + "x" +
              std::to_string(image.height));
  Require(image.format.type != SampleType::kF32, Code::kInvalidArgument,
          "FillHoles: the image must have 8 to 16 bits, not " + image.format.ToString());
  for (int plane = 0; plane < image.format.num_planes(); ++plane) {
    const bool chroma = image.format.model == ColorModel::kYuv && plane > 0;
    const int shift_x = chroma ? image.format.chroma_shift_x : 0;
    const int shift_y = chroma ? image.format.chroma_shift_y : 0;
    if (image.format.type == SampleType::kU8) {
      FillPlane(holes, shift_x, shift_y, options.rim, image.Plane<uint8_t>(plane), pool);
    } else {
      FillPlane(holes, shift_x, shift_y, options.rim, image.Plane<uint16_t>(plane), pool);
    }
  }
}

}  // namespace mdvt
