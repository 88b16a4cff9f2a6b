// SPDX-License-Identifier: Apache-2.0
//
// The letters of tensor layouts and what they stand for in one run.
#pragma once

#include <map>
#include <string>

#include "mdvt/model/model_info.h"

namespace mdvt {

class LayoutDims {
 public:
  // Takes the shape's dimensions for the letters that do not stand for a number yet and compares
  // the others. Returns whether the shape is of this layout; after false the letters are as before.
  bool Bind(const TensorLayout& layout, const Shape& shape);

  // The shape that the letters make; empty if one of them stands for nothing yet.
  Shape Resolve(const TensorLayout& layout) const;

  // "[N, 1, 518, 924]": letters that stand for nothing yet are shown.
  std::string Describe(const TensorLayout& layout) const;

  // What a letter stands for; 0 if nothing yet.
  int64_t Get(char letter) const;

 private:
  // The dimension at `i` of a layout, 0 if not known yet.
  int64_t Expected(const TensorLayout& layout, size_t i) const;

  std::map<char, int64_t> values_;
};

}  // namespace mdvt
