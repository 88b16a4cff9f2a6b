// SPDX-License-Identifier: Apache-2.0
#include "mdvt/model/pass_memory.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/memory.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/backend.h"
#include "model/backend_calls.h"

namespace mdvt {
namespace {

constexpr int kSmallest = 128;  // of the longer side, below which nothing is estimated

PixelSize Shrunk(PixelSize size, int divisor, const SizeRule& rule) {
  const auto side = [&](int whole, int least) {
    const int multiples = std::max(1, whole / (divisor * rule.multiple));
    const int up = (least + rule.multiple - 1) / rule.multiple;
    return std::max(multiples, up) * rule.multiple;
  };
  return {side(size.width, rule.min.width), side(size.height, rule.min.height)};
}

// Empty if it cannot be known.
std::vector<int64_t> Trace(const Model& model, PixelSize size) {
  const ModelInfo& info = model.info();
  if (!IsDeclaredSize(size, info.inputs[0].size)) return {};
  const int batch = info.batch_dynamic ? 1 : info.batch_max;
  return model.TraceMemory({Model::CheckInput({batch, 3, size.height, size.width})});
}

// Of all inputs; empty if one has a dimension that the pictures do not tell.
std::vector<Shape> InputShapes(const ModelInfo& info, PixelSize size, int batch) {
  std::vector<Shape> shapes;
  for (const ModelInputInfo& input : info.inputs) {
    Shape shape;
    for (const char letter : input.layout.dims) {
      const auto digit = static_cast<unsigned char>(letter);
      const int64_t side = std::isdigit(digit) != 0 ? letter - '0'
                           : letter == 'N'          ? (info.batch_dynamic ? batch : info.batch_max)
                           : letter == 'T' && info.window ? info.window->length
                           : letter == 'C'                ? input.layout.channels
                           : letter == 'H'                ? size.height / input.layout.downscale
                           : letter == 'W'                ? size.width / input.layout.downscale
                                                          : 0;
      if (side < 1) return {};
      shape.push_back(side);
    }
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

std::optional<int64_t> PlannedMemory(const Model& model, PixelSize size, int batch) {
  std::vector<Tensor> inputs;
  for (const Shape& shape : InputShapes(model.info(), size, batch)) inputs.emplace_back(shape);
  if (inputs.empty()) return std::nullopt;
  try {
    const std::vector<int64_t> events = model.TraceMemory({inputs.begin(), inputs.end()});
    if (!events.empty()) return PeakOfTrace(events);
  } catch (const Error&) {
    // The pass itself will tell what is wrong with the network.
  }
  return std::nullopt;
}

double Pixels(PixelSize size) { return static_cast<double>(size.width) * size.height; }

// A tensor of y0 bytes at p0 pixels and y1 at p1, at p pixels: c + d p, or (c + d p)^2 where it has
// grown faster than p^1.5.
double Extrapolated(double p0, double y0, double p1, double y1, double p) {
  const auto line = [&](double a, double b) { return a + (b - a) * (p - p0) / (p1 - p0); };
  const bool square = std::log(y1 / y0) > 1.5 * std::log(p1 / p0);
  const double root = line(std::sqrt(y0), std::sqrt(y1));
  return square ? root * root : std::max(0.0, line(y0, y1));
}

// How many events at the start are of the same tensors: made and ended in the same order, and grown
// by no more than the square of the pixels.
size_t CommonStart(const std::vector<int64_t>& before, const std::vector<int64_t>& events,
                   double pixel_ratio) {
  const double most_growth = 1.1 * pixel_ratio * pixel_ratio;
  const auto same = [&](int64_t x, int64_t y) {
    if (x < 0 || y < 0) return x == y;
    return x <= y && static_cast<double>(y) <= most_growth * static_cast<double>(x);
  };
  const size_t most = std::min(before.size(), events.size());
  size_t count = 0;
  while (count < most && same(before[count], events[count])) ++count;
  return count;
}

}  // namespace

int64_t PeakOfTrace(const std::vector<int64_t>& events) {
  std::vector<int64_t> sizes;
  int64_t now = 0, peak = 0;
  for (const int64_t event : events) {
    if (event > 0) sizes.push_back(event);
    now += event > 0 ? event : -sizes.at(static_cast<size_t>(-1 - event));
    peak = std::max(peak, now);
  }
  return peak;
}

bool PlansMemory(const Model& model) {
  const mdvt_backend* table = FindBackend(model.backend());
  return table != nullptr && CanPlanRuns(table);
}

std::optional<int64_t> EstimatePassMemory(const Model& model, PixelSize size, int batch) {
  if (PlansMemory(model)) return PlannedMemory(model, size, batch);
  const ModelInfo& info = model.info();
  const SizeRule& rule = info.inputs.at(0).size;
  if (info.inputs.size() != 1 || !rule.dynamic || rule.mode == SizeMode::kFixed)
    return std::nullopt;
  if (std::max(size.width, size.height) < kSmallest) return std::nullopt;
  const PixelSize small = Shrunk(size, 8, rule), middle = Shrunk(size, 4, rule);
  if (small == middle || middle == size) return std::nullopt;
  std::vector<int64_t> before, events;
  try {
    before = Trace(model, small);
    events = Trace(model, middle);
  } catch (const Error&) {
    return std::nullopt;  // the pass itself will tell what is wrong with the network
  }
  if (events.empty() || before.empty()) return std::nullopt;
  const double pictures = info.batch_dynamic ? batch : 1;
  const double p0 = Pixels(small), p1 = Pixels(middle), p = Pixels(size);
  const size_t common = CommonStart(before, events, p1 / p0);
  const std::set<int64_t> sizes(before.begin(), before.end());
  for (size_t i = 0; i < events.size(); ++i) {
    if (events[i] < 0) continue;
    const auto bytes = static_cast<double>(events[i]);
    double then = bytes;
    if (i < common)
      then = Extrapolated(p0, static_cast<double>(before[i]), p1, bytes, p);
    else if (sizes.count(events[i]) == 0)
      then = bytes * p / p1;
    events[i] = std::llround(std::clamp(pictures * then, 1.0, 1e15));
  }
  return PeakOfTrace(events);
}

namespace {

// The largest side whose pass fits; 0 if none does, or that is not known.
int LargestThatFits(const Model& model, const PassMemoryCheck& check, int64_t bytes) {
  const int step = model.info().inputs.at(0).size.multiple;
  int fits = 0, too_large = (check.input_size + step - 1) / step;
  while (too_large - fits > 1) {
    const int middle = (fits + too_large) / 2;
    try {
      const PixelSize size = check.size_of(middle * step);
      if (!(Pixels(size) < Pixels(check.size))) {
        too_large = middle;
        continue;
      }
      const std::optional<int64_t> pass = EstimatePassMemory(model, size, check.batch);
      const bool small = std::max(size.width, size.height) < kSmallest;
      if (!pass && !small) return 0;
      (!pass || *pass <= bytes ? fits : too_large) = middle;
    } catch (const Error&) {
      fits = middle;  // a side that the network does not take, as it is too small
    }
  }
  try {
    check.size_of(fits * step);
  } catch (const Error&) {
    return 0;
  }
  return fits * step;
}

}  // namespace

void RequirePassMemory(const Model& model, const PassMemoryCheck& check) {
  const std::optional<int64_t> pass = EstimatePassMemory(model, check.size, check.batch);
  const int64_t available = AvailableMemory(), share = available / check.side_by_side;
  if (!pass || *pass <= share) return;
  const auto gigabytes = [](int64_t bytes) {
    const double amount = static_cast<double>(bytes) * 1e-9;
    return FormatFixed(amount, amount < 1 ? 3 : 1) + " GB";
  };
  const ModelInfo& info = model.info();
  std::string text = "model '" + info.name + "': a pass over ";
  text += info.window        ? "a window of " + std::to_string(info.window->length) + " pictures"
          : check.batch == 1 ? "a picture"
                             : std::to_string(check.batch) + " pictures";
  text +=
      " of " + FormatSize(check.size.width, check.size.height) + " takes about " + gigabytes(*pass);
  if (check.side_by_side > 1)
    text += ", " + std::to_string(check.side_by_side) + " run side by side";
  text += ", " + gigabytes(available) + " are to be had; choose a smaller input size";
  if (check.batch > 1) text += " or batch";
  const int fits = check.input_size > 0 ? LargestThatFits(model, check, share) : 0;
  if (fits > 0) text += ": " + std::to_string(fits) + " would fit";
  throw Error(Code::kOutOfMemory, text);
}

}  // namespace mdvt
