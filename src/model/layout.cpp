// SPDX-License-Identifier: Apache-2.0
#include "model/layout.h"

namespace mdvt {
namespace {

bool IsSide(char letter) { return letter == 'H' || letter == 'W'; }

}  // namespace

int64_t LayoutDims::Get(char letter) const {
  const auto found = values_.find(letter);
  return found == values_.end() ? 0 : found->second;
}

int64_t LayoutDims::Expected(const TensorLayout& layout, size_t i) const {
  const char letter = layout.dims[i];
  if (letter >= '0' && letter <= '9') return letter - '0';
  if (letter == 'C') return layout.channels;
  return IsSide(letter) ? Get(letter) / layout.downscale : Get(letter);
}

bool LayoutDims::Bind(const TensorLayout& layout, const Shape& shape) {
  if (shape.size() != layout.dims.size()) return false;
  std::map<char, int64_t> values = values_;
  for (size_t i = 0; i < shape.size(); ++i) {
    const char letter = layout.dims[i];
    const bool known = Get(letter) != 0;
    if (known && IsSide(letter) && Get(letter) % layout.downscale != 0) return false;
    const int64_t expected = Expected(layout, i);
    if (expected != 0 ? shape[i] != expected : shape[i] <= 0) return false;
    if (letter >= 'A' && letter != 'C' && !known) {
      const int64_t value = IsSide(letter) ? shape[i] * layout.downscale : shape[i];
      const auto [at, fresh] = values.emplace(letter, value);
      if (!fresh && at->second != value) return false;  // twice in one layout
    }
  }
  values_ = std::move(values);
  return true;
}

Shape LayoutDims::Resolve(const TensorLayout& layout) const {
  Shape shape;
  for (size_t i = 0; i < layout.dims.size(); ++i) {
    shape.push_back(Expected(layout, i));
    if (shape.back() == 0) return {};
  }
  return shape;
}

std::string LayoutDims::Describe(const TensorLayout& layout) const {
  std::string text = "[";
  for (size_t i = 0; i < layout.dims.size(); ++i) {
    const int64_t expected = Expected(layout, i);
    text += i > 0 ? ", " : "";
    text += expected != 0 ? std::to_string(expected) : std::string(1, layout.dims[i]);
    const bool reduced = expected == 0 && IsSide(layout.dims[i]) && layout.downscale != 1;
    if (reduced) text += "/" + std::to_string(layout.downscale);
  }
  return text + "]";
}

}  // namespace mdvt
