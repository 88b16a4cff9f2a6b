// SPDX-License-Identifier: Apache-2.0
//
// load(), calculate() and reduce() of the fake backend: the sentences of mdvt_backend.h as plain
// loops.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "model/fake_backend.h"

namespace mdvt::test {

namespace fake {

struct Sides {
  int64_t planes, height, width;
};
inline Sides SidesOf(const mdvt_backend_buffer& buffer) {
  const int64_t height = buffer.shape[buffer.shape.size() - 2], width = buffer.shape.back();
  return {static_cast<int64_t>(buffer.values.size()) / (height * width), height, width};
}

inline mdvt_backend_status Load(mdvt_backend_model*, const mdvt_backend_planes* planes,
                                mdvt_backend_buffer** buffer) {
  ++Calls().buffers;
  auto* loaded = new mdvt_backend_buffer;
  loaded->shape = {planes->count, planes->height, planes->width};
  for (int i = 0; i < planes->count; ++i)
    for (int y = 0; y < planes->height; ++y) {
      const char* row = static_cast<const char*>(planes->data[i]) + y * planes->stride;
      for (int x = 0; x < planes->width; ++x)
        loaded->values.push_back(
            planes->type == MDVT_BACKEND_U8    ? reinterpret_cast<const uint8_t*>(row)[x]
            : planes->type == MDVT_BACKEND_U16 ? reinterpret_cast<const uint16_t*>(row)[x]
                                               : reinterpret_cast<const float*>(row)[x]);
    }
  *buffer = loaded;
  return MDVT_BACKEND_OK;
}

inline mdvt_backend_status Calculate(mdvt_backend_model*, mdvt_backend_operation operation,
                                     const mdvt_backend_buffer* const* inputs, size_t num_inputs,
                                     const double* numbers, size_t num_numbers,
                                     mdvt_backend_buffer** buffer) {
  const std::vector<float>& a = inputs[0]->values;
  const Sides sides = SidesOf(*inputs[0]);
  const int64_t area = sides.height * sides.width;
  auto* made = new mdvt_backend_buffer;
  made->shape = {sides.planes, sides.height, sides.width};
  const auto add = [made](double value) { made->values.push_back(static_cast<float>(value)); };
  switch (operation) {
    case MDVT_BACKEND_RESAMPLE: {
      const Sides rows = SidesOf(*inputs[1]), columns = SidesOf(*inputs[2]);
      made->shape = {sides.planes, rows.height, columns.height};
      for (int64_t p = 0; p < sides.planes; ++p)
        for (int64_t y = 0; y < rows.height; ++y)
          for (int64_t x = 0; x < columns.height; ++x) {
            double sum = 0;
            for (int64_t j = 0; j < sides.height; ++j)
              for (int64_t i = 0; i < sides.width; ++i)
                sum += static_cast<double>(
                           inputs[1]->values[static_cast<size_t>(y * sides.height + j)]) *
                       a[static_cast<size_t>(p * area + j * sides.width + i)] *
                       inputs[2]->values[static_cast<size_t>(x * sides.width + i)];
            add(sum);
          }
      break;
    }
    case MDVT_BACKEND_LINEAR:
      for (size_t i = 0; i < a.size(); ++i) {
        const size_t plane = i / static_cast<size_t>(area);
        const double* line = numbers + 1 + (num_numbers == 4 ? 0 : 3 * plane);
        double value = line[0] * a[i] + line[1];
        if (num_inputs == 2) {
          const std::vector<float>& b = inputs[1]->values;
          value += line[2] * b[b.size() == a.size() ? i : i % static_cast<size_t>(area)];
        }
        add(std::max(numbers[0], value));
      }
      break;
    case MDVT_BACKEND_MULTIPLY:
      for (size_t i = 0; i < a.size(); ++i)
        add(static_cast<double>(a[i]) * inputs[1]->values[i % static_cast<size_t>(area)]);
      break;
    case MDVT_BACKEND_INVERT:
      for (const float value : a) {
        const double v = numbers[0] * value + numbers[1];
        add(std::isnan(v) ? 0 : v > 0 ? numbers[2] / v : numbers[3]);
      }
      break;
    case MDVT_BACKEND_TAKE: {
      const auto first = static_cast<int64_t>(numbers[0]), count = static_cast<int64_t>(numbers[1]);
      made->shape[0] = count;
      made->values.assign(a.begin() + first * area, a.begin() + (first + count) * area);
      break;
    }
    case MDVT_BACKEND_JOIN:
      made->shape[0] = 0;
      for (size_t i = 0; i < num_inputs; ++i) {
        made->shape[0] += SidesOf(*inputs[i]).planes;
        made->values.insert(made->values.end(), inputs[i]->values.begin(), inputs[i]->values.end());
      }
      break;
    default:
      delete made;
      return Fail(MDVT_BACKEND_UNSUPPORTED, "an unknown operation");
  }
  ++Calls().buffers;
  *buffer = made;
  return MDVT_BACKEND_OK;
}

inline mdvt_backend_status Reduce(mdvt_backend_model*, mdvt_backend_reduction reduction,
                                  const mdvt_backend_buffer* const* inputs, size_t,
                                  const double* numbers, size_t, double* results, size_t capacity,
                                  size_t* count) {
  const std::vector<float>& a = inputs[0]->values;
  std::vector<double> found;
  switch (reduction) {
    case MDVT_BACKEND_EXTREMES: {
      found = {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
      bool nan = false;
      for (const float value : a) {
        nan = nan || std::isnan(value);
        found = {std::min<double>(found[0], value), std::max<double>(found[1], value)};
      }
      if (nan) found.assign(2, std::numeric_limits<double>::quiet_NaN());
      break;
    }
    case MDVT_BACKEND_SAMPLES:
      for (size_t i = 0; i < a.size(); i += static_cast<size_t>(numbers[0])) found.push_back(a[i]);
      break;
    case MDVT_BACKEND_LINE_SUMS:
      found.assign(5, 0);
      for (size_t i = 0; i < a.size(); ++i) {
        const double x = a[i] - numbers[0], y = inputs[1]->values[i] - numbers[1];
        const double error = std::abs(numbers[2] * a[i] + numbers[3] - inputs[1]->values[i]);
        const double w = error <= numbers[4] ? 1 : numbers[4] / error;
        const double terms[] = {w, w * x, w * y, w * x * x, w * x * y};
        for (size_t k = 0; k < 5; ++k) found[k] += terms[k];
      }
      break;
    default:
      return Fail(MDVT_BACKEND_UNSUPPORTED, "an unknown reduction");
  }
  if (found.size() > capacity) return Fail(MDVT_BACKEND_INVALID_ARGUMENT, "no room");
  std::copy(found.begin(), found.end(), results);
  *count = found.size();
  return MDVT_BACKEND_OK;
}

}  // namespace fake

// A fake backend that also works on pictures and maps.
inline mdvt_backend FakeDeviceTable() {
  mdvt_backend table = FakeTable();
  table.load = fake::Load;
  table.calculate = fake::Calculate;
  table.reduce = fake::Reduce;
  return table;
}

}  // namespace mdvt::test
