// SPDX-License-Identifier: Apache-2.0
#include "pipeline/row_check.h"

#include <algorithm>
#include <cmath>

namespace mdvt {
namespace {

constexpr int64_t kEvery = 10, kMostPairs = 8;
constexpr size_t kLeastPixels = 100;

float Quantile(std::vector<float> values, double share) {
  const auto at =
      values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

}  // namespace

void RowCheck::Add(const Image& left, const Image& right, const ColorInfo& color) {
  const int64_t number = pairs_++;
  if (number % kEvery != 0 || number / kEvery >= kMostPairs) return;
  for (const ViewMatch& match : matcher_.Match(left, right, color)) {
    vertical_.push_back(std::abs(match.vector.y()));
    disparity_.push_back(-match.vector.x());
  }
}

std::optional<RowCheck::Result> RowCheck::Measure() const {
  if (vertical_.size() < kLeastPixels) return std::nullopt;
  return Result{Quantile(vertical_, 0.5), Quantile(vertical_, 0.95), Quantile(disparity_, 0.5)};
}

}  // namespace mdvt
