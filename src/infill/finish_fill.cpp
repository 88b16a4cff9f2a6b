// SPDX-License-Identifier: Apache-2.0
#include "infill/finish_fill.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {

void CheckFillTarget(const char* who, const HoleMap& holes, const MutableImageView& picture,
                     const PlaneView<uint8_t>& provenance) {
  Require(holes.width == picture.width && holes.height == picture.height &&
              holes.rows.size() == static_cast<size_t>(std::max(0, picture.height)),
          Code::kInvalidArgument,
          std::string(who) + ": the hole map is " + FormatSize(holes.width, holes.height) +
              " with " + std::to_string(holes.rows.size()) + " rows, the picture " +
              FormatSize(picture.width, picture.height));
  Require(picture.format.type != SampleType::kF32 && picture.format.chroma_shift_x <= 1 &&
              picture.format.chroma_shift_y <= 1,
          Code::kInvalidArgument,
          std::string(who) +
              ": the picture must have 8 to 16 bits and chroma halved at most, not " +
              picture.format.ToString());
  Require(provenance.data == nullptr ||
              (provenance.width == picture.width && provenance.height == picture.height),
          Code::kInvalidArgument, std::string(who) + ": the provenance has another size");
  for (size_t y = 0; y < holes.rows.size(); ++y) {
    int last = 0;
    for (const HoleSpan& span : holes.rows[y]) {
      if (span.begin < last || span.end <= span.begin || span.end > holes.width)
        throw Error(Code::kInvalidArgument,
                    std::string(who) + ": hole [" + std::to_string(span.begin) + ", " +
                        std::to_string(span.end) + ") of row " + std::to_string(y) +
                        " is out of order or leaves the row");
      last = span.end;
    }
  }
}

namespace {

// In planes of full size: smaller chroma is mixed already.
template <typename T>
void SoftenPlane(const HoleMap& holes, double share, const PlaneView<T>& plane) {
  for (int y = 0; y < plane.height; ++y) {
    const auto& row = holes.rows[static_cast<size_t>(y)];
    for (size_t i = 0; i < row.size(); ++i) {
      const HoleSpan& span = row[i];
      if (span.background == HoleSide::kBoth) continue;
      const bool left = span.background == HoleSide::kLeft;
      const int inside = left ? span.end - 1 : span.begin;
      const int beside = left ? span.end : span.begin - 1;
      const bool touches = (left && i + 1 < row.size() && row[i + 1].begin == span.end) ||
                           (!left && i > 0 && row[i - 1].end == span.begin);
      if (beside < 0 || beside >= plane.width || touches) continue;
      const double mixed = (1 - share) * plane.At(inside, y) + share * plane.At(beside, y);
      plane.At(inside, y) = static_cast<T>(std::lround(mixed));
    }
  }
}

}  // namespace

FillCounts MarkExtended(const HoleMap& holes, PlaneView<uint8_t> provenance) {
  Require(provenance.data == nullptr ||
              (provenance.width == holes.width && provenance.height == holes.height),
          Code::kInvalidArgument, "MarkExtended: the provenance has another size than the holes");
  FillCounts counts;
  for (int y = 0; y < holes.height; ++y) {
    if (provenance.data != nullptr)
      std::fill_n(provenance.Row(y), provenance.width, static_cast<uint8_t>(Provenance::kPicture));
    for (const HoleSpan& span : holes.rows[static_cast<size_t>(y)]) {
      counts.holes += span.end - span.begin;
      if (provenance.data != nullptr)
        std::fill(provenance.Row(y) + span.begin, provenance.Row(y) + span.end,
                  static_cast<uint8_t>(Provenance::kExtended));
    }
  }
  return counts;
}

FillCounts FinishFill(const HolePixels& found, const HoleMap& holes, double soft_rim,
                      DirectionalFill* rest, HoleMap* remaining, const MutableImageView& picture,
                      PlaneView<uint8_t> provenance) {
  found.Store(picture);
  found.Remaining(holes, remaining);
  rest->Fill(*remaining, picture);
  for (int plane = 0; soft_rim > 0 && plane < picture.format.num_planes(); ++plane) {
    if (picture.format.PlaneWidth(plane, picture.width) != picture.width ||
        picture.format.PlaneHeight(plane, picture.height) != picture.height)
      continue;
    if (picture.format.type == SampleType::kU8) {
      SoftenPlane(holes, soft_rim, picture.Plane<uint8_t>(plane));
    } else {
      SoftenPlane(holes, soft_rim, picture.Plane<uint16_t>(plane));
    }
  }
  FillCounts counts;
  counts.holes = static_cast<int64_t>(found.size());
  counts.observed = std::count(found.known.begin(), found.known.end(), 1);
  if (provenance.data != nullptr) {
    for (int y = 0; y < provenance.height; ++y)
      std::fill_n(provenance.Row(y), provenance.width, static_cast<uint8_t>(Provenance::kPicture));
    for (size_t i = 0; i < found.size(); ++i)
      provenance.At(found[i].x, found[i].y) =
          static_cast<uint8_t>(found.known[i] ? Provenance::kObserved : Provenance::kExtended);
  }
  return counts;
}

}  // namespace mdvt
