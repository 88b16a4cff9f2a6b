// SPDX-License-Identifier: Apache-2.0
#include "infill/membrane.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "infill/regions.h"

namespace mdvt {
namespace {

constexpr int kMostRounds = 1000;
constexpr float kTolerance = 1e-5f;
constexpr double kPi = 3.14159265358979323846;

template <typename Visit>
void ForNeighbours(PlaneView<const uint8_t> cells, int32_t at, const Visit& visit) {
  const int width = cells.width;
  if (at % width > 0) visit(at - 1);
  if (at % width + 1 < width) visit(at + 1);
  if (at >= width) visit(at - width);
  if (at < width * (cells.height - 1)) visit(at + width);
}

struct Reach {
  int farthest = 0;  // pixels from the rim
  float range = 0;   // of the known values
};

// Gives unknown pixels the value of a nearest known one as a beginning.
// distance  0 in the region; becomes that from the rim, in steps
Reach Begin(PlaneView<const uint8_t> cells, const std::vector<int32_t>& region,
            std::vector<int32_t>* distance, PlaneView<float> values) {
  const int width = cells.width;
  std::vector<int32_t> front;
  float low = 0, high = 0;
  for (const int32_t at : region) {
    ForNeighbours(cells, at, [&](int32_t other) {
      if (cells.At(other % width, other / width) != kMembraneKnown) return;
      const float value = values.At(other % width, other / width);
      const bool first = front.empty();
      low = first ? value : std::min(low, value);
      high = first ? value : std::max(high, value);
      if ((*distance)[static_cast<size_t>(at)] > 0) return;
      (*distance)[static_cast<size_t>(at)] = 1;
      values.At(at % width, at / width) = value;
      front.push_back(at);
    });
  }
  Reach reach;
  reach.range = high - low;
  for (size_t next = 0; next < front.size(); ++next) {
    const int32_t at = front[next];
    reach.farthest = (*distance)[static_cast<size_t>(at)];
    ForNeighbours(cells, at, [&](int32_t other) {
      int32_t& to = (*distance)[static_cast<size_t>(other)];
      if (to > 0 || cells.At(other % width, other / width) != kMembraneUnknown) return;
      to = reach.farthest + 1;
      values.At(other % width, other / width) = values.At(at % width, at / width);
      front.push_back(other);
    });
  }
  return reach;
}

struct Equation {
  int32_t at = 0;
  int count = 0;
  float weight = 0;  // of each neighbour
  std::array<int32_t, 4> others{};
};

}  // namespace

void SolveMembrane(PlaneView<const uint8_t> cells, PlaneView<float> values) {
  const int width = cells.width, height = cells.height;
  const auto cell = [&](int32_t at) { return cells.At(at % width, at / width); };
  std::vector<int32_t> distance(static_cast<size_t>(width) * static_cast<size_t>(height), 0);
  std::vector<float> now(distance.size());  // the values without gaps, where they are looked at
  for (std::vector<int32_t>& region :
       Regions(width, height, [&](int32_t at) { return cell(at) == kMembraneUnknown; })) {
    std::sort(region.begin(), region.end());
    for (const int32_t at : region) values.At(at % width, at / width) = 0;
    const Reach reach = Begin(cells, region, &distance, values);
    if (!(reach.range > 0)) continue;
    std::vector<Equation> equations;
    equations.reserve(region.size());
    for (const int32_t at : region) {
      Equation e;
      e.at = at;
      ForNeighbours(cells, at, [&](int32_t other) {
        if (cell(other) != kMembraneOutside) e.others[static_cast<size_t>(e.count++)] = other;
      });
      const auto copy = [&](int32_t i) {
        now[static_cast<size_t>(i)] = values.At(i % width, i / width);
      };
      copy(at);
      std::for_each_n(e.others.begin(), e.count, copy);
      if (e.count == 0) continue;
      e.weight = 1 / static_cast<float>(e.count);
      equations.push_back(e);
    }
    // As on a chessboard: first those that do not depend on each other, then the rest.
    std::stable_partition(equations.begin(), equations.end(), [width](const Equation& e) {
      return (e.at % width + e.at / width) % 2 == 0;
    });
    // Successive over-relaxation, at its best for a strip between two rims that is free along them.
    const double wave = std::sin(kPi / (2 * reach.farthest + 1)) / std::sqrt(2.0);
    const auto omega = static_cast<float>(2 / (1 + wave));
    for (int round = 0; round < kMostRounds; ++round) {
      float worst = 0;
      for (const Equation& e : equations) {
        float sum = 0;
        for (int k = 0; k < e.count; ++k)
          sum += now[static_cast<size_t>(e.others[static_cast<size_t>(k)])];
        float& value = now[static_cast<size_t>(e.at)];
        const float change = omega * (sum * e.weight - value);
        value += change;
        worst = std::max(worst, std::fabs(change));
      }
      if (worst <= kTolerance * reach.range) break;
    }
    for (const int32_t at : region)
      values.At(at % width, at / width) = now[static_cast<size_t>(at)];
  }
}

}  // namespace mdvt
