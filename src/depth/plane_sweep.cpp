// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/plane_sweep.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/rows.h"
#include "mdvt/core/error.h"
#include "sweep_rows.h"

namespace mdvt {
namespace {

constexpr int kBlockRows = 16;    // of costs computed together
constexpr int kPathColumns = 32;  // of paths side by side
constexpr int kMostViews = 16;
constexpr int kBox = 9;  // pixels that a difference is summed over
constexpr int kMostCost = 255;

uint32_t Byte(int value) { return static_cast<uint32_t>(std::clamp(value, 0, 255)); }

}  // namespace

SweepPicture::SweepPicture(PlaneView<const uint8_t> red, PlaneView<const uint8_t> green,
                           PlaneView<const uint8_t> blue, ThreadPool* pool)
    : width_(red.width), height_(red.height) {
  Require(width_ > 0 && height_ > 0 && green.width == width_ && green.height == height_ &&
              blue.width == width_ && blue.height == height_,
          Code::kInvalidArgument, "SweepPicture: the planes are empty or differ in size");
  const int w = width_, h = height_;
  pixels_.resize(static_cast<size_t>(stride()) * static_cast<size_t>(h + 1));
  std::vector<uint8_t> luma(static_cast<size_t>(w) * static_cast<size_t>(h));
  ForRows(pool, h, kBlockRows, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      const uint8_t *r = red.Row(y), *g = green.Row(y), *b = blue.Row(y);
      uint8_t* to = &luma[static_cast<size_t>(y) * static_cast<size_t>(w)];
      for (int x = 0; x < w; ++x)
        to[x] = static_cast<uint8_t>((54 * r[x] + 183 * g[x] + 19 * b[x] + 128) >> 8);
    }
  });
  ForRows(pool, h, kBlockRows, [&](int begin, int end) {
    constexpr int kReach = 2, kSide = 2 * kReach + 1;
    std::vector<int> sums(static_cast<size_t>(w + 2 * kReach));
    for (int y = begin; y < end; ++y) {
      const auto row = [&](int k) {
        return &luma[static_cast<size_t>(std::clamp(k, 0, h - 1)) * static_cast<size_t>(w)];
      };
      std::fill(sums.begin(), sums.end(), 0);
      for (int k = -kReach; k <= kReach; ++k) {
        const uint8_t* from = row(y + k);
        for (int x = 0; x < w; ++x) sums[static_cast<size_t>(x + kReach)] += from[x];
      }
      for (int k = 0; k < kReach; ++k) {
        sums[static_cast<size_t>(k)] = sums[kReach];
        sums[static_cast<size_t>(w + kReach + k)] = sums[static_cast<size_t>(w + kReach - 1)];
      }
      const uint8_t *r = red.Row(y), *b = blue.Row(y), *l = row(y);
      uint32_t* to = pixels_.data() + stride() * y;
      for (int x = 0; x < w; ++x) {
        int around = 0;
        for (int k = 0; k < kSide; ++k) around += sums[static_cast<size_t>(x + k)];
        const int detail = l[x] - (around * 5243 >> 17);  // / 25
        to[x] = static_cast<uint32_t>(l[x]) | Byte(128 + b[x] - l[x]) << 8 |
                Byte(128 + r[x] - l[x]) << 16 | Byte(128 + detail) << 24;
      }
      to[w] = to[w - 1];
    }
  });
  std::copy_n(pixels_.end() - 2 * stride(), stride(), pixels_.end() - stride());
}

void PlaneSweepOptions::Check() const {
  Require(farthest >= 0 && nearest > farthest && std::isfinite(nearest), Code::kInvalidArgument,
          "PlaneSweepOptions: must be 0 <= farthest < nearest");
  Require(planes >= 16 && planes <= 256 && planes % 16 == 0, Code::kInvalidArgument,
          "PlaneSweepOptions.planes must be a multiple of 16 in [16, 256]");
  Require(most_difference >= 1 && most_difference <= 1020, Code::kInvalidArgument,
          "PlaneSweepOptions.most_difference must be in [1, 1020]");
  Require(step_cost >= 0 && jump_cost >= step_cost && jump_cost <= 4096, Code::kInvalidArgument,
          "PlaneSweepOptions: must be 0 <= step_cost <= jump_cost <= 4096");
}

namespace {

// Pixels of the view: m (x, y, 1) + rho c, from pixel centres to 1/1024 pixels from the centre of
// the first one.
struct Mapping {
  Mapping(const Camera& camera, const SweepView& view) {
    Eigen::Matrix3d to, from;
    to << view.camera.fx, 0, view.camera.cx - 0.5, 0, view.camera.fy, view.camera.cy - 0.5, 0, 0, 1;
    from << 1 / camera.fx, 0, (0.5 - camera.cx) / camera.fx, 0, 1 / camera.fy,
        (0.5 - camera.cy) / camera.fy, 0, 0, 1;
    const Eigen::Matrix3d turn = to * view.view_from_reference.linear() * from;
    const Eigen::Vector3d shift = to * view.view_from_reference.translation();
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) m[i][k] = turn(i, k);
      c[i] = shift(i);
    }
  }

  void Anchors(int y, double rho, int width, int32_t* anchors) const {
    constexpr double kFar = 1 << 24;
    for (int x = 0; x < width + sweep::kAnchorStep; x += sweep::kAnchorStep, anchors += 2) {
      const double z = m[2][0] * x + m[2][1] * y + m[2][2] + rho * c[2];
      if (!(z > 1e-6)) {
        anchors[0] = sweep::kNowhere;
        continue;
      }
      const double scale = sweep::kUnit / z;
      const double u = (m[0][0] * x + m[0][1] * y + m[0][2] + rho * c[0]) * scale;
      const double v = (m[1][0] * x + m[1][1] * y + m[1][2] + rho * c[1]) * scale;
      anchors[0] = static_cast<int32_t>(std::floor(std::clamp(u, -kFar, kFar) + 0.5));
      anchors[1] = static_cast<int32_t>(std::floor(std::clamp(v, -kFar, kFar) + 0.5));
    }
  }

  double m[3][3], c[3];
};

}  // namespace

struct PlaneSweep::Impl {
  std::vector<uint8_t> costs;  // [y][x][plane]
  std::vector<uint16_t> sums;  // the same
  std::vector<sweep::Winner> winners;

  size_t At(int width, int planes, int x, int y) const {
    return (static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x)) *
           static_cast<size_t>(planes);
  }

  void Costs(const SweepPicture& reference, const Camera& camera,
             const std::vector<SweepView>& views, const PlaneSweepOptions& options,
             ThreadPool* pool);
  void Paths(const SweepPicture& reference, const PlaneSweepOptions& options, ThreadPool* pool);
};

void PlaneSweep::Impl::Costs(const SweepPicture& reference, const Camera& camera,
                             const std::vector<SweepView>& views, const PlaneSweepOptions& options,
                             ThreadPool* pool) {
  const int w = reference.width(), h = reference.height(), planes = options.planes;
  std::vector<Mapping> mappings;
  for (const SweepView& view : views) mappings.emplace_back(camera, view);
  const int kept = (static_cast<int>(views.size()) + 1) / 2;
  const uint32_t factor = static_cast<uint32_t>(
      (uint64_t{kMostCost} << 16) / (static_cast<uint64_t>(kept) * kBox * options.most_difference));
  // What a view does not show speaks neither for a plane nor much against it.
  const int outside = options.most_difference * 2 / 5;
  const double step = (static_cast<double>(options.nearest) - options.farthest) / (planes - 1);

  ForRows(pool, h, kBlockRows, [&](int begin, int end) {
    const size_t width = static_cast<size_t>(w);
    const int first = std::max(0, begin - 1), last = std::min(h, end + 1);
    std::vector<int32_t> anchors(2 * (width / sweep::kAnchorStep + 3));
    std::vector<uint32_t> warped(width);
    std::vector<uint16_t> differences(width * (kBlockRows + 2)), scratch(width + 2), box(width);
    std::vector<uint16_t> best(width * kBlockRows * static_cast<size_t>(kept));
    std::vector<uint8_t> slab(width * kBlockRows * static_cast<size_t>(planes));
    for (int plane = 0; plane < planes; ++plane) {
      const double rho = options.farthest + step * plane;
      std::fill(best.begin(), best.end(), uint16_t{0xffff});
      for (size_t i = 0; i < views.size(); ++i) {
        const SweepPicture& picture = *views[i].picture;
        const sweep::WarpSource source{picture.Row(0), picture.stride(), w, h};
        for (int y = first; y < last; ++y) {
          int from = 0, to = 0;
          mappings[i].Anchors(y, rho, w, anchors.data());
          sweep::WarpRow(source, anchors.data(), w, warped.data(), &from, &to);
          sweep::DifferenceRow(reference.Row(y), warped.data(), w, from, to,
                               options.most_difference, outside,
                               &differences[static_cast<size_t>(y - first) * width]);
        }
        for (int y = begin; y < end; ++y) {
          const auto row = [&](int k) {
            return &differences[static_cast<size_t>(std::clamp(k, first, last - 1) - first) *
                                width];
          };
          sweep::BoxRow(row(y - 1), row(y), row(y + 1), w, scratch.data(), box.data());
          sweep::KeepSmallest(box.data(), w, kept, w,
                              &best[static_cast<size_t>(y - begin) * kept * width]);
        }
      }
      for (int y = begin; y < end; ++y)
        sweep::JoinRow(&best[static_cast<size_t>(y - begin) * kept * width], w, kept, w, factor,
                       &slab[(static_cast<size_t>(y - begin) * planes + plane) * width]);
    }
    for (int y = begin; y < end; ++y)
      sweep::Transpose(&slab[static_cast<size_t>(y - begin) * planes * width], planes, w, w,
                       &costs[At(w, planes, 0, y)]);
  });
}

void PlaneSweep::Impl::Paths(const SweepPicture& reference, const PlaneSweepOptions& options,
                             ThreadPool* pool) {
  const int w = reference.width(), h = reference.height(), planes = options.planes;
  const size_t room = static_cast<size_t>(planes) + 2 * sweep::kPathPadding;
  std::array<uint16_t, 256> jump{};
  for (int d = 0; d < 256; ++d)
    jump[static_cast<size_t>(d)] = static_cast<uint16_t>(std::max(
        options.step_cost, std::max(options.jump_cost / 4, options.jump_cost * 8 / (8 + d))));
  const sweep::PathStep step{planes, static_cast<uint16_t>(options.step_cost)};
  ForRows(pool, h, kBlockRows, [&](int begin, int end) {
    std::vector<uint16_t> large(static_cast<size_t>(w), jump[0]), scratch(2 * room);
    for (int y = begin; y < end; ++y) {
      sweep::StartPath(planes, scratch.data());
      sweep::StartPath(planes, scratch.data() + room);
      const uint32_t* row = reference.Row(y);
      for (int x = 0; x + 1 < w; ++x)
        large[static_cast<size_t>(x)] =
            jump[static_cast<size_t>(SweepDifference(row[x], row[x + 1]))];
      sweep::BothWays(step, &costs[At(w, planes, 0, y)], w, large.data(), scratch.data(),
                      &sums[At(w, planes, 0, y)]);
    }
  });
  ForRows(pool, w, kPathColumns, [&](int begin, int end) {
    const size_t n = static_cast<size_t>(end - begin);
    std::vector<uint16_t> paths(2 * n * room), large(n), lowest(n);
    uint16_t *before = paths.data(), *after = before + n * room;
    for (const bool down : {true, false}) {
      for (size_t i = 0; i < 2 * n; ++i) sweep::StartPath(planes, paths.data() + i * room);
      std::fill(lowest.begin(), lowest.end(), uint16_t{0});
      for (int k = 0; k < h; ++k) {
        const int y = down ? k : h - 1 - k;
        const int other = k == 0 ? y : down ? y - 1 : y + 1;
        const uint32_t *row = reference.Row(y) + begin, *past = reference.Row(other) + begin;
        for (size_t i = 0; i < n; ++i)
          large[i] = jump[static_cast<size_t>(SweepDifference(row[i], past[i]))];
        sweep::Across(step, &costs[At(w, planes, begin, y)], static_cast<int>(n), large.data(),
                      before, after, lowest.data(), &sums[At(w, planes, begin, y)]);
        std::swap(before, after);
        if (!down)
          sweep::Choose(&sums[At(w, planes, begin, y)], &costs[At(w, planes, begin, y)], planes,
                        static_cast<int>(n), &winners[At(w, 1, begin, y)]);
      }
    }
  });
}

PlaneSweep::PlaneSweep() : impl_(std::make_unique<Impl>()) {}
PlaneSweep::~PlaneSweep() = default;
PlaneSweep::PlaneSweep(PlaneSweep&&) noexcept = default;
PlaneSweep& PlaneSweep::operator=(PlaneSweep&&) noexcept = default;

void PlaneSweep::ReleaseMemory() { *impl_ = {}; }

void PlaneSweep::Compute(const SweepPicture& reference, const Camera& camera,
                         const std::vector<SweepView>& views, const PlaneSweepOptions& options,
                         ThreadPool* pool, SweepResult* result) {
  options.Check();
  const int w = reference.width(), h = reference.height();
  Require(!views.empty() && views.size() <= kMostViews, Code::kInvalidArgument,
          "PlaneSweep: needs 1 to 16 views");
  Require(w > 0 && camera.width == w && camera.height == h, Code::kInvalidArgument,
          "PlaneSweep: reference and camera differ in size");
  for (const SweepView& view : views)
    Require(view.picture != nullptr && view.picture->width() == w && view.picture->height() == h &&
                view.camera.width == w && view.camera.height == h,
            Code::kInvalidArgument, "PlaneSweep: a view differs in size");
  Impl& impl = *impl_;
  const size_t area = static_cast<size_t>(w) * static_cast<size_t>(h);
  impl.costs.resize(area * static_cast<size_t>(options.planes));
  impl.sums.resize(impl.costs.size());
  impl.winners.resize(area);
  impl.Costs(reference, camera, views, options, pool);
  impl.Paths(reference, options, pool);
  result->width = w;
  result->height = h;
  result->value.resize(area);
  result->margin.resize(area);
  result->cost.resize(area);
  const float step =
      (options.nearest - options.farthest) / static_cast<float>((options.planes - 1) * 256);
  for (size_t i = 0; i < area; ++i) {
    const sweep::Winner& winner = impl.winners[i];
    result->value[i] = options.farthest + step * static_cast<float>(winner.plane);
    result->margin[i] = winner.margin;
    result->cost[i] = winner.cost;
  }
}

}  // namespace mdvt
