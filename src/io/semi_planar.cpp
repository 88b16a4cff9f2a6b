// SPDX-License-Identifier: Apache-2.0
#include "io/semi_planar.h"

#include <cstdint>

namespace mdvt::ff {
namespace {

template <typename T>
void Put(const ImageView& rows, int y, int shift, AVFrame* frame) {
  const auto row_of = [frame](int plane, int row) {
    return reinterpret_cast<T*>(frame->data[plane] +
                                static_cast<ptrdiff_t>(row) * frame->linesize[plane]);
  };
  const auto high = [shift](T sample) { return static_cast<T>(sample << shift); };
  for (int row = 0; row < rows.height; ++row) {
    const T* from = rows.Plane<T>(0).Row(row);
    T* to = row_of(0, y + row);
    for (int x = 0; x < rows.width; ++x) to[x] = high(from[x]);
  }
  const PlaneView<const T> blue = rows.Plane<T>(1), red = rows.Plane<T>(2);
  for (int row = 0; row < blue.height; ++row) {
    T* to = row_of(1, y / 2 + row);
    for (int x = 0; x < blue.width; ++x) {
      to[2 * x] = high(blue.Row(row)[x]);
      to[2 * x + 1] = high(red.Row(row)[x]);
    }
  }
}

}  // namespace

void ToSemiPlanar(const ImageView& rows, int y, AVFrame* frame) {
  if (rows.format.type == SampleType::kU8)
    Put<uint8_t>(rows, y, 0, frame);
  else
    Put<uint16_t>(rows, y, 16 - rows.format.bits, frame);
}

}  // namespace mdvt::ff
