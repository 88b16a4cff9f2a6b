// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/parity_depth.h"

#include <cmath>
#include <utility>

#include "core/rows.h"
#include "mdvt/core/error.h"
#include "mdvt/depth/edge_aware.h"

namespace mdvt {
namespace {

constexpr int64_t kFirst = 32;  // frames that are fitted to
constexpr int kGrain = 64;      // rows

}  // namespace

void PlainFit::Add(PlaneView<const float> disparity, DepthView metric, double farthest) {
  for (int y = 0; y < disparity.height; ++y)
    for (int x = 0; x < disparity.width; ++x) {
      const auto p = static_cast<double>(disparity.At(x, y));
      const auto z = static_cast<double>(metric.At(x, y));
      if (!std::isfinite(p)) continue;
      const double t = 1 / (z > 0 && std::isfinite(z) ? z : farthest);
      n_ += 1, sp_ += p, spp_ += p * p, st_ += t, spt_ += p * t;
    }
}

DisparityCalibration PlainFit::Solve() const {
  Require(n_ > 0, Code::kNotConverged, "no frame has metric depth to be calibrated by");
  const double determinant = spp_ * n_ - sp_ * sp_;
  if (determinant == 0) return {1, 0};
  return {(n_ * spt_ - sp_ * st_) / determinant, (spp_ * st_ - sp_ * spt_) / determinant};
}

void ParityDepthOptions::Check() const {
  Require(size.width > 0 && size.height > 0 && decoded.width > 0 && decoded.height > 0,
          Code::kInvalidArgument, "ParityDepthOptions: sizes must be positive");
  Require(max_depth > 0 && std::isfinite(max_depth), Code::kInvalidArgument,
          "ParityDepthOptions.max_depth must be positive");
}

ParityDepth::ParityDepth(std::unique_ptr<DepthEstimator> relative, CalibratedDepth::Target target,
                         const ParityDepthOptions& options, ThreadPool* pool)
    : relative_(std::move(relative)), target_(std::move(target)), options_(options), pool_(pool) {
  options.Check();
  if (options.size != options.decoded)
    resizer_.emplace(PixelFormat::Rgb(8), options.size.width, options.size.height,
                     ResizeWindow{0, 0, static_cast<double>(options.size.width),
                                  static_cast<double>(options.size.height)},
                     options.decoded.width, options.decoded.height,
                     ResizeOptions{ResizeFilter::kBicubic}, pool);
}

int ParityDepth::latency() const { return relative_->latency() + static_cast<int>(kFirst); }

void ParityDepth::Push(Frame frame) {
  if (resizer_) {
    Image small(PixelFormat::Rgb(8), options_.decoded.width, options_.decoded.height);
    resizer_->Resize(frame.image.view(), small.mutable_view());
    frame.image = std::move(small);
  }
  Image target = target_(frame, pushed_ < kFirst);
  if (pushed_ < kFirst && !target.empty()) {
    if (target.width() != options_.decoded.width || target.height() != options_.decoded.height) {
      Image resized(PixelFormat::GrayF32(), options_.decoded.width, options_.decoded.height);
      ResizeBilinear(std::as_const(target).Plane<float>(), pool_, resized.MutablePlane<float>());
      target = std::move(resized);
    }
    targets_[pushed_] = std::move(target);
  }
  ++pushed_;
  relative_->Push(std::move(frame));
  TakeEstimates();
}

void ParityDepth::Finish() {
  relative_->Finish();
  TakeEstimates();
  if (!held_.empty()) Fit();
}

std::optional<DepthEstimate> ParityDepth::Pop() {
  TakeEstimates();
  if (ready_.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(ready_.front());
  ready_.pop_front();
  return estimate;
}

void ParityDepth::TakeEstimates() {
  while (std::optional<DepthEstimate> estimate = relative_->Pop()) {
    if (const auto target = targets_.find(taken_++); target != targets_.end()) {
      fit_.Add(std::as_const(estimate->depth).Plane<float>(),
               std::as_const(target->second).Plane<float>(), options_.max_depth);
      targets_.erase(target);
    }
    if (calibration_) {
      ready_.push_back(Reconstruct(std::move(*estimate)));
      continue;
    }
    held_.push_back(std::move(*estimate));
    if (static_cast<int64_t>(held_.size()) == kFirst) Fit();
  }
}

void ParityDepth::Fit() {
  calibration_ = fit_.Solve();
  for (; !held_.empty(); held_.pop_front()) ready_.push_back(Reconstruct(std::move(held_.front())));
}

DepthEstimate ParityDepth::Reconstruct(DepthEstimate estimate) const {
  const auto farthest = static_cast<float>(options_.max_depth);
  const auto scale = static_cast<float>(calibration_->scale);
  const auto shift = static_cast<float>(calibration_->shift);
  const PlaneView<float> map = estimate.depth.MutablePlane<float>();
  ForRows(pool_, map.height, kGrain, [&](int begin, int end) {
    for (int y = begin; y < end; ++y)
      for (float* z = map.Row(y); z < map.Row(y) + map.width; ++z) {
        const float inverse = scale * *z + shift;
        *z = inverse > 0 ? 1 / inverse : farthest;
      }
  });
  estimate.quantity = DepthQuantity::kMetricDepth;
  if (options_.size != options_.decoded) {
    Image large(PixelFormat::GrayF32(), options_.size.width, options_.size.height);
    ResizeBilinear(std::as_const(estimate.depth).Plane<float>(), pool_,
                   large.MutablePlane<float>());
    estimate.depth = std::move(large);
  }
  return estimate;
}

}  // namespace mdvt
