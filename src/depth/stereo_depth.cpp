// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/stereo_depth.h"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/rows.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kRowsPerBlock = 16;
constexpr float kLeastSigma = 0.25f;    // pixels of disparity
constexpr float kMostBend = 1;          // pixels, four standard deviations
constexpr int kReach = 2;               // of the edge test, pixels to each side
constexpr float kSameSurface = 2;       // pixels of disparity off a plane, as Tukey's weights end
constexpr int kFits = 2;                // of a plane, each with the weights of the one before
constexpr float kMostGradient = 0.03f;  // of depth, over two pixels

using Flow = PlaneView<const Eigen::Vector2f>;

// Bilinear; nothing outside the centres of the border's pixels.
std::optional<Eigen::Vector2f> Sample(const Flow& flow, float x, float y) {
  const float most_x = static_cast<float>(flow.width - 1),
              most_y = static_cast<float>(flow.height - 1);
  if (!(x >= 0 && y >= 0 && x <= most_x && y <= most_y)) return std::nullopt;
  const int left = std::min(static_cast<int>(x), std::max(0, flow.width - 2));
  const int top = std::min(static_cast<int>(y), std::max(0, flow.height - 2));
  const int right = std::min(left + 1, flow.width - 1), bottom = std::min(top + 1, flow.height - 1);
  const float u = x - static_cast<float>(left), v = y - static_cast<float>(top);
  return (1 - v) * ((1 - u) * flow.At(left, top) + u * flow.At(right, top)) +
         v * ((1 - u) * flow.At(left, bottom) + u * flow.At(right, bottom));
}

class Maker {
 public:
  Maker(const Flow& there, const Flow& back, const StereoDepthOptions& options,
        const PlaneView<float>& depth)
      : there_(there),
        back_(back),
        options_(options),
        depth_(depth),
        scale_(static_cast<float>(options.focal_px * options.baseline)),
        stride_(static_cast<size_t>(there.width)),
        disparity_(stride_ * static_cast<size_t>(there.height)),
        sigma_(disparity_.size()),
        smooth_(options.smoothing > 0 ? disparity_.size() : 0) {}

  // Disparity and its deviation, the first tests.
  void Measure(int y, StereoDepthCounts* counts) {
    for (int x = 0; x < there_.width; ++x) {
      const size_t at = Index(x, y);
      const Eigen::Vector2f vector = there_.At(x, y);
      disparity_[at] = std::max(0.0f, -vector.x());
      sigma_[at] = 0;
      const std::optional<Eigen::Vector2f> home =
          Sample(back_, static_cast<float>(x) + vector.x(), static_cast<float>(y) + vector.y());
      ++counts->pixels;
      if (!home || !vector.allFinite()) {
        ++counts->not_found_again;
        continue;
      }
      const float missed = (*home + vector).norm();
      if (!IsHome(missed, vector, *home)) {
        ++counts->not_found_again;
      } else if (std::abs(vector.y()) > static_cast<float>(options_.max_vertical)) {
        ++counts->off_the_row;
      } else {
        sigma_[at] = Deviation(x, y, missed);
        if (IsTooFar(at)) {
          ++counts->too_far;
          sigma_[at] = 0;
        }
      }
    }
  }

  // Of a row, once all rows are measured.
  void Smooth(int y) {
    for (int x = 0; x < there_.width; ++x) {
      const size_t at = Index(x, y);
      smooth_[at] = sigma_[at] > 0 ? Plane(x, y) : disparity_[at];
    }
  }

  // Depth of a row, once all rows are measured, and smoothed where that is asked for.
  void Place(int y, const PlaneView<float>* sigma, StereoDepthCounts* counts) {
    for (int x = 0; x < there_.width; ++x) {
      const size_t at = Index(x, y);
      const bool edge = sigma_[at] > 0 && options_.edges == StereoEdgeTest::kPlane && Bends(x, y);
      const bool valid = sigma_[at] > 0 && !edge;
      if (edge) ++counts->beside_edges;
      if (valid) ++counts->valid;
      const float z = valid ? scale_ / (smooth_.empty() ? disparity_ : smooth_)[at] : 0;
      depth_.At(x, y) = z;
      if (sigma != nullptr) sigma->At(x, y) = valid ? z * z / scale_ * sigma_[at] : 0;
    }
  }

  // Of depth that has passed all other tests.
  bool ChangesTooMuch(const std::vector<float>& all, int x, int y) const {
    const auto z = [&](int u, int v) {
      return all[Index(std::clamp(u, 0, there_.width - 1), std::clamp(v, 0, there_.height - 1))];
    };
    const float most = kMostGradient * z(x, y);
    return std::abs(z(x + 1, y) - z(x - 1, y)) > most || std::abs(z(x, y + 1) - z(x, y - 1)) > most;
  }

  size_t Index(int x, int y) const {
    return static_cast<size_t>(y) * stride_ + static_cast<size_t>(x);
  }

 private:
  bool IsHome(float missed, const Eigen::Vector2f& there, const Eigen::Vector2f& back) const {
    if (options_.max_round_trip) return missed <= static_cast<float>(*options_.max_round_trip);
    return missed * missed <= 0.01f * (there.squaredNorm() + back.squaredNorm()) + 0.5f;
  }

  float Deviation(int x, int y, float missed) const {
    const auto d = [&](int u, int v) {
      return -there_.At(std::clamp(u, 0, there_.width - 1), std::clamp(v, 0, there_.height - 1))
                  .x();
    };
    const float across = (d(x + 1, y) - d(x - 1, y)) / 2, down = (d(x, y + 1) - d(x, y - 1)) / 2;
    return std::sqrt(kLeastSigma * kLeastSigma + 0.25f * missed * missed +
                     0.25f * (across * across + down * down));
  }

  // At (x, y), of the plane through every second pixel around it along both axes.
  float Plane(int x, int y) const {
    const int reach = options_.smoothing;
    const int left = x - std::min(x, reach) / 2 * 2, top = y - std::min(y, reach) / 2 * 2;
    const int right = std::min(there_.width - 1, x + reach),
              bottom = std::min(there_.height - 1, y + reach);
    Eigen::Vector3f plane(disparity_[Index(x, y)], 0, 0);
    for (int fit = 0; fit < kFits; ++fit) {
      float w0 = 0, wx = 0, wy = 0, wxx = 0, wxy = 0, wyy = 0, d0 = 0, dx = 0, dy = 0;
      for (int v = top; v <= bottom; v += 2)
        for (int u = left; u <= right; u += 2) {
          const size_t at = Index(u, v);
          if (!(sigma_[at] > 0)) continue;
          const auto p = static_cast<float>(u - x), q = static_cast<float>(v - y);
          const float off =
              (disparity_[at] - plane[0] - p * plane[1] - q * plane[2]) / kSameSurface;
          const float share = std::max(0.0f, 1 - off * off), w = share * share;
          w0 += w;
          wx += w * p;
          wy += w * q;
          wxx += w * p * p;
          wxy += w * p * q;
          wyy += w * q * q;
          d0 += w * disparity_[at];
          dx += w * p * disparity_[at];
          dy += w * q * disparity_[at];
        }
      // A few pixels, or those of a line, tell no slope: a little weight holds it at 0.
      const float hold = 1e-3f * w0 + 1e-6f;
      Eigen::Matrix3f sums;
      sums << w0 + 1e-6f, wx, wy, wx, wxx + hold, wxy, wy, wxy, wyy + hold;
      const Eigen::Vector3f next = sums.inverse() * Eigen::Vector3f(d0, dx, dy);
      if (!next.allFinite() || !(next[0] > 0)) break;
      plane = next;
    }
    return plane[0];
  }

  bool IsTooFar(size_t at) const {
    const float d = disparity_[at];
    if (!(d > 0) || sigma_[at] > static_cast<float>(options_.max_relative_sigma) * d) return true;
    return options_.max_depth > 0 && scale_ / d > static_cast<float>(options_.max_depth);
  }

  // A plane has disparity that is linear in x and y. Means over three pixels across the direction
  // looked along take the noise of single ones away.
  bool Bends(int x, int y) const {
    const auto bend = [&](int dx, int dy) {
      if (x - dx < 0 || y - dy < 0 || x + dx >= there_.width || y + dy >= there_.height)
        return 0.0f;
      const int across_x = dy > 0 ? 1 : 0, across_y = dx > 0 ? 1 : 0;
      float sum = 0;
      for (int k = -1; k <= 1; ++k) {
        const int u = std::clamp(x + k * across_x, 0, there_.width - 1);
        const int v = std::clamp(y + k * across_y, 0, there_.height - 1);
        sum +=
            there_.At(u - dx, v - dy).x() + there_.At(u + dx, v + dy).x() - 2 * there_.At(u, v).x();
      }
      return std::abs(sum) / 3;
    };
    return bend(kReach, 0) > kMostBend || bend(0, kReach) > kMostBend;
  }

  const Flow &there_, &back_;
  const StereoDepthOptions& options_;
  const PlaneView<float>& depth_;
  const float scale_;  // focal length times baseline
  const size_t stride_;
  std::vector<float> disparity_;
  std::vector<float> sigma_;  // of disparity; 0: a test has failed
  std::vector<float> smooth_;
};

}  // namespace

void StereoDepthOptions::Check() const {
  const auto require = [](bool holds, const char* name, double value, const char* valid) {
    Require(holds, Code::kInvalidArgument,
            std::string("StereoDepthOptions.") + name + " = " + FormatDouble(value) + ", must be " +
                valid);
  };
  require(focal_px > 0 && focal_px < 1e6, "focal_px", focal_px, "above 0");
  require(baseline > 0 && baseline < 1e3, "baseline", baseline, "above 0");
  require(!max_round_trip || *max_round_trip > 0, "max_round_trip", max_round_trip.value_or(0),
          "above 0");
  require(max_vertical > 0, "max_vertical", max_vertical, "above 0");
  require(max_depth >= 0, "max_depth", max_depth, "0 or more");
  require(max_relative_sigma > 0 && max_relative_sigma <= 1, "max_relative_sigma",
          max_relative_sigma, "in (0, 1]");
  require(smoothing >= 0 && smoothing <= 32, "smoothing", smoothing, "in [0, 32]");
}

StereoDepthCounts& StereoDepthCounts::operator+=(const StereoDepthCounts& other) {
  pixels += other.pixels;
  not_found_again += other.not_found_again;
  off_the_row += other.off_the_row;
  too_far += other.too_far;
  beside_edges += other.beside_edges;
  valid += other.valid;
  return *this;
}

StereoDepthCounts DepthFromStereo(const PlaneView<const Eigen::Vector2f>& left_to_right,
                                  const PlaneView<const Eigen::Vector2f>& right_to_left,
                                  const StereoDepthOptions& options, const PlaneView<float>& depth,
                                  const PlaneView<float>* sigma, ThreadPool* pool) {
  options.Check();
  const int width = left_to_right.width, height = left_to_right.height;
  Require(width > 0 && height > 0 && right_to_left.width == width &&
              right_to_left.height == height && depth.width == width && depth.height == height &&
              (sigma == nullptr || (sigma->width == width && sigma->height == height)),
          Code::kInvalidArgument, "DepthFromStereo: all fields must have one size");
  Maker maker(left_to_right, right_to_left, options, depth);
  std::vector<StereoDepthCounts> rows(static_cast<size_t>(height));
  const auto for_rows = [&](const auto& body) {
    ForRows(pool, height, kRowsPerBlock, [&](int begin, int end) {
      for (int y = begin; y < end; ++y) body(y);
    });
  };
  for_rows([&](int y) { maker.Measure(y, &rows[static_cast<size_t>(y)]); });
  if (options.smoothing > 0) for_rows([&](int y) { maker.Smooth(y); });
  for_rows([&](int y) { maker.Place(y, sigma, &rows[static_cast<size_t>(y)]); });
  if (options.edges == StereoEdgeTest::kGradient) {
    std::vector<float> before(static_cast<size_t>(width) * static_cast<size_t>(height));
    for (int y = 0; y < height; ++y)
      std::copy_n(depth.Row(y), width, before.data() + maker.Index(0, y));
    for_rows([&](int y) {
      for (int x = 0; x < width; ++x) {
        if (!(depth.At(x, y) > 0) || !maker.ChangesTooMuch(before, x, y)) continue;
        depth.At(x, y) = 0;
        if (sigma != nullptr) sigma->At(x, y) = 0;
        StereoDepthCounts& counts = rows[static_cast<size_t>(y)];
        ++counts.beside_edges;
        --counts.valid;
      }
    });
  }
  StereoDepthCounts all;
  for (const StereoDepthCounts& row : rows) all += row;
  return all;
}

}  // namespace mdvt
