// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/edge_aware.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/rows.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int kRowGrain = 8;
constexpr int kColumnGrain = 64;  // columns side by side in one solve
constexpr float kTiny = 1e-30f;

std::array<float, 256> EdgeTable(float edge) {
  std::array<float, 256> table{};
  for (int d = 0; d < 256; ++d)
    table[static_cast<size_t>(d)] = std::exp(-static_cast<float>(d) / edge);
  return table;
}

}  // namespace

void EdgeAwareOptions::Check() const {
  Require(lambda > 0 && lambda <= 1e6f, Code::kInvalidArgument,
          "EdgeAwareOptions.lambda must be in (0, 1e6]");
  Require(edge > 0 && edge <= 255, Code::kInvalidArgument,
          "EdgeAwareOptions.edge must be in (0, 255]");
  Require(passes >= 1 && passes <= 8, Code::kInvalidArgument,
          "EdgeAwareOptions.passes must be in [1, 8]");
}

struct EdgeAwareSmoother::Impl {
  int width = 0, height = 0;
  std::vector<float> product;
  std::vector<float> right, below;  // g between a pixel and its right and lower neighbour

  // Solves all rows for both maps at once: (1 + lambda L) u = f, tridiagonal.
  void Rows(float lambda, ThreadPool* pool, float* a, float* b) const {
    const int w = width;
    ForRows(pool, height, kRowGrain, [&, w](int begin, int end) {
      std::vector<float> upper(static_cast<size_t>(w));
      for (int y = begin; y < end; ++y) {
        const size_t at = static_cast<size_t>(y) * static_cast<size_t>(w);
        const float* g = &right[at];
        float *u = a + at, *v = b + at;
        float previous = 0;  // weight to the left neighbour
        for (int x = 0; x < w; ++x) {
          const float next = x + 1 < w ? lambda * g[x] : 0.f;
          const float before = x > 0 ? upper[static_cast<size_t>(x - 1)] : 0.f;
          const float scale = 1 / (1 + next + previous * (1 - before));
          upper[static_cast<size_t>(x)] = next * scale;
          u[x] = (u[x] + (x > 0 ? previous * u[x - 1] : 0.f)) * scale;
          v[x] = (v[x] + (x > 0 ? previous * v[x - 1] : 0.f)) * scale;
          previous = next;
        }
        for (int x = w - 2; x >= 0; --x) {
          u[x] += upper[static_cast<size_t>(x)] * u[x + 1];
          v[x] += upper[static_cast<size_t>(x)] * v[x + 1];
        }
      }
    });
  }

  void Columns(float lambda, ThreadPool* pool, float* a, float* b) const {
    const size_t w = static_cast<size_t>(width);
    const int h = height;
    ForRows(pool, width, kColumnGrain, [&, w, h](int begin, int end) {
      const size_t n = static_cast<size_t>(end - begin);
      std::vector<float> upper(n * static_cast<size_t>(h));
      for (int y = 0; y < h; ++y) {
        const size_t at = static_cast<size_t>(y) * w + static_cast<size_t>(begin);
        float *u = a + at, *v = b + at, *c = &upper[n * static_cast<size_t>(y)];
        const float* g = &below[at];
        const float last = y + 1 < h ? lambda : 0.f;
        if (y == 0) {
          for (size_t x = 0; x < n; ++x) {
            const float next = last * g[x];
            const float scale = 1 / (1 + next);
            c[x] = next * scale;
            u[x] *= scale;
            v[x] *= scale;
          }
          continue;
        }
        const float *up = u - w, *vp = v - w, *cp = c - n, *gp = g - w;
        for (size_t x = 0; x < n; ++x) {
          const float next = last * g[x], previous = lambda * gp[x];
          const float scale = 1 / (1 + next + previous * (1 - cp[x]));
          c[x] = next * scale;
          u[x] = (u[x] + previous * up[x]) * scale;
          v[x] = (v[x] + previous * vp[x]) * scale;
        }
      }
      for (int y = h - 2; y >= 0; --y) {
        const size_t at = static_cast<size_t>(y) * w + static_cast<size_t>(begin);
        float *u = a + at, *v = b + at;
        const float* c = &upper[n * static_cast<size_t>(y)];
        for (size_t x = 0; x < n; ++x) {
          u[x] += c[x] * u[x + w];
          v[x] += c[x] * v[x + w];
        }
      }
    });
  }
};

EdgeAwareSmoother::EdgeAwareSmoother() : impl_(std::make_unique<Impl>()) {}
EdgeAwareSmoother::~EdgeAwareSmoother() = default;
EdgeAwareSmoother::EdgeAwareSmoother(EdgeAwareSmoother&&) noexcept = default;
EdgeAwareSmoother& EdgeAwareSmoother::operator=(EdgeAwareSmoother&&) noexcept = default;

namespace {

// difference(x, y, x2, y2) of two neighbouring pixels, 0 to 255.
template <typename Difference>
void SetLinks(int width, int height, float edge, ThreadPool* pool, const Difference& difference,
              std::vector<float>* right_links, std::vector<float>* below_links) {
  Require(width > 0 && height > 0, Code::kInvalidArgument, "EdgeAwareSmoother: the guide is empty");
  EdgeAwareOptions options;
  options.edge = edge;
  options.Check();
  const size_t w = static_cast<size_t>(width);
  right_links->resize(w * static_cast<size_t>(height));
  below_links->resize(right_links->size());
  const std::array<float, 256> table = EdgeTable(edge);
  ForRows(pool, height, kRowGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      float* right = &(*right_links)[static_cast<size_t>(y) * w];
      float* below = &(*below_links)[static_cast<size_t>(y) * w];
      const int next = std::min(y + 1, height - 1);
      for (int x = 0; x < width; ++x) {
        right[x] = table[static_cast<size_t>(difference(x, y, std::min(x + 1, width - 1), y))];
        below[x] = table[static_cast<size_t>(difference(x, y, x, next))];
      }
    }
  });
}

}  // namespace

void EdgeAwareSmoother::SetGuide(PlaneView<const uint8_t> guide, float edge, ThreadPool* pool) {
  Impl& impl = *impl_;
  impl.width = guide.width;
  impl.height = guide.height;
  SetLinks(
      guide.width, guide.height, edge, pool,
      [&](int x, int y, int x2, int y2) { return std::abs(guide.At(x, y) - guide.At(x2, y2)); },
      &impl.right, &impl.below);
}

void EdgeAwareSmoother::SetColorGuide(const SweepPicture& guide, float edge, ThreadPool* pool) {
  Impl& impl = *impl_;
  impl.width = guide.width();
  impl.height = guide.height();
  SetLinks(
      guide.width(), guide.height(), edge, pool,
      [&](int x, int y, int x2, int y2) {
        return SweepDifference(guide.Row(y)[x], guide.Row(y2)[x2]);
      },
      &impl.right, &impl.below);
}

void EdgeAwareSmoother::Smooth(float lambda, int passes, ThreadPool* pool,
                               std::vector<float>* values, std::vector<float>* weights) {
  EdgeAwareOptions options;
  options.lambda = lambda;
  options.passes = passes;
  options.Check();
  Impl& impl = *impl_;
  const size_t n = static_cast<size_t>(impl.width) * static_cast<size_t>(impl.height);
  Require(values->size() == n && weights->size() == n, Code::kInvalidArgument,
          "EdgeAwareSmoother: values or weights have another size than the guide");
  std::vector<float>& product = impl.product;
  product.resize(n);
  for (size_t i = 0; i < n; ++i) product[i] = (*values)[i] * (*weights)[i];
  // Strength falls by four from pass to pass and adds up to lambda.
  float strength = lambda * 1.5f * std::pow(4.f, static_cast<float>(passes - 1)) /
                   (std::pow(4.f, static_cast<float>(passes)) - 1);
  for (int pass = 0; pass < passes; ++pass) {
    impl.Rows(strength, pool, product.data(), weights->data());
    impl.Columns(strength, pool, product.data(), weights->data());
    strength /= 4;
  }
  for (size_t i = 0; i < n; ++i)
    if ((*weights)[i] > kTiny) (*values)[i] = product[i] / (*weights)[i];
}

void UpsampleAlongEdges(const std::vector<float>& small, PlaneView<const uint8_t> small_guide,
                        PlaneView<const uint8_t> guide, float edge, ThreadPool* pool,
                        PlaneView<float> result) {
  const int w = small_guide.width, h = small_guide.height;
  Require(w > 0 && h > 0 && small.size() == static_cast<size_t>(w) * static_cast<size_t>(h),
          Code::kInvalidArgument, "UpsampleAlongEdges: the small map and its guide differ in size");
  Require(guide.width == result.width && guide.height == result.height, Code::kInvalidArgument,
          "UpsampleAlongEdges: the guide and the result differ in size");
  const float sx = static_cast<float>(w) / static_cast<float>(guide.width);
  const float sy = static_cast<float>(h) / static_cast<float>(guide.height);
  const std::array<float, 256> table = EdgeTable(edge);
  if (w == guide.width && h == guide.height) {
    for (int y = 0; y < h; ++y)
      std::copy_n(&small[static_cast<size_t>(y) * static_cast<size_t>(w)], w, result.Row(y));
    return;
  }
  struct Column {
    int x0, x1;
    float a;
  };
  std::vector<Column> columns(static_cast<size_t>(guide.width));
  for (int x = 0; x < guide.width; ++x) {
    const float at =
        std::clamp((static_cast<float>(x) + 0.5f) * sx - 0.5f, 0.f, static_cast<float>(w - 1));
    const int x0 = static_cast<int>(at);
    columns[static_cast<size_t>(x)] = {x0, std::min(x0 + 1, w - 1), at - static_cast<float>(x0)};
  }
  ForRows(pool, guide.height, kRowGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      const float at =
          std::clamp((static_cast<float>(y) + 0.5f) * sy - 0.5f, 0.f, static_cast<float>(h - 1));
      const int y0 = static_cast<int>(at), y1 = std::min(y0 + 1, h - 1);
      const float b = at - static_cast<float>(y0);
      const uint8_t *g0 = small_guide.Row(y0), *g1 = small_guide.Row(y1);
      const float* s0 = &small[static_cast<size_t>(y0) * static_cast<size_t>(w)];
      const float* s1 = &small[static_cast<size_t>(y1) * static_cast<size_t>(w)];
      const uint8_t* g = guide.Row(y);
      float* out = result.Row(y);
      for (int x = 0; x < guide.width; ++x) {
        const Column& c = columns[static_cast<size_t>(x)];
        const int v = g[x];
        const auto like = [&](int other) {
          return table[static_cast<size_t>(std::abs(v - other))];
        };
        // A floor keeps the plain mean where nothing resembles the pixel.
        constexpr float kFloor = 1e-3f;
        const float w00 = (1 - b) * (1 - c.a) * (like(g0[c.x0]) + kFloor);
        const float w01 = (1 - b) * c.a * (like(g0[c.x1]) + kFloor);
        const float w10 = b * (1 - c.a) * (like(g1[c.x0]) + kFloor);
        const float w11 = b * c.a * (like(g1[c.x1]) + kFloor);
        out[x] = (w00 * s0[c.x0] + w01 * s0[c.x1] + w10 * s1[c.x0] + w11 * s1[c.x1]) /
                 (w00 + w01 + w10 + w11);
      }
    }
  });
}

void ResizeBilinear(PlaneView<const float> small, ThreadPool* pool, PlaneView<float> result) {
  Require(small.width > 0 && small.height > 0, Code::kInvalidArgument,
          "ResizeBilinear: the map is empty");
  const float sx = static_cast<float>(small.width) / static_cast<float>(result.width);
  const float sy = static_cast<float>(small.height) / static_cast<float>(result.height);
  ForRows(pool, result.height, kRowGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y) {
      const float at = std::clamp((static_cast<float>(y) + 0.5f) * sy - 0.5f, 0.f,
                                  static_cast<float>(small.height - 1));
      const int y0 = static_cast<int>(at), y1 = std::min(y0 + 1, small.height - 1);
      const float b = at - static_cast<float>(y0);
      const float *r0 = small.Row(y0), *r1 = small.Row(y1);
      float* out = result.Row(y);
      for (int x = 0; x < result.width; ++x) {
        const float across = std::clamp((static_cast<float>(x) + 0.5f) * sx - 0.5f, 0.f,
                                        static_cast<float>(small.width - 1));
        const int x0 = static_cast<int>(across), x1 = std::min(x0 + 1, small.width - 1);
        const float a = across - static_cast<float>(x0);
        out[x] = (1 - b) * ((1 - a) * r0[x0] + a * r0[x1]) + b * ((1 - a) * r1[x0] + a * r1[x1]);
      }
    }
  });
}

}  // namespace mdvt
