// SPDX-License-Identifier: Apache-2.0
#include "mdvt/depth/calibrated_depth.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/object_pool.h"
#include "depth/network_depth.h"
#include "mdvt/core/error.h"

namespace mdvt {
namespace {

constexpr int64_t kFirst = 32;  // frames of kFirst32
constexpr int64_t kBlock = 22;  // frames of kWindow
constexpr int64_t kFade = 8;    // of them, faded from the block before
constexpr int64_t kStep = 3;    // of a block's frames, every third is looked at
constexpr size_t kLeastSamples = 10, kMostSamples = 15;  // of kRolling

}  // namespace

void RollingCalibration::Add(PlaneView<const float> relative, DepthView metric,
                             double saturated_depth) {
  double n = 0, mean_x = 0, mean_y = 0, xx = 0, yy = 0;
  for (int y = 0; y < metric.height; ++y) {
    const int row =
        static_cast<int>((2 * int64_t{y} + 1) * relative.height / (2 * int64_t{metric.height}));
    for (int x = 0; x < metric.width; ++x) {
      const float z = metric.At(x, y);
      if (!(z > 0) || static_cast<double>(z) >= saturated_depth) continue;
      const int column =
          static_cast<int>((2 * int64_t{x} + 1) * relative.width / (2 * int64_t{metric.width}));
      const float r = relative.At(column, row);
      if (!std::isfinite(r)) continue;
      const double rel = static_cast<double>(r), inverse = 1 / static_cast<double>(z);
      n += 1;
      const double dx = rel - mean_x, dy = inverse - mean_y;
      mean_x += dx / n;
      mean_y += dy / n;
      xx += dx * (rel - mean_x);
      yy += dy * (inverse - mean_y);
    }
  }
  if (!(n >= 16 && xx > 1e-12 * n * mean_x * mean_x && yy > 0)) return;
  const Sample sample{std::sqrt(yy / xx), mean_y, mean_x};
  if (!first_) first_ = sample;
  samples_.push_back(sample);
  if (samples_.size() > kMostSamples) samples_.pop_front();
}

std::optional<DisparityCalibration> RollingCalibration::Current() const {
  if (!first_) return std::nullopt;
  Sample mean = *first_;
  if (samples_.size() >= kLeastSamples) {
    mean = {0, 0, 0};
    const double share = 1 / static_cast<double>(samples_.size());
    for (const Sample& sample : samples_) {
      mean.gain += share * sample.gain;
      mean.mean_inverse += share * sample.mean_inverse;
      mean.mean_relative += share * sample.mean_relative;
    }
  }
  return DisparityCalibration{mean.gain, mean.mean_inverse - mean.gain * mean.mean_relative};
}

CalibratedDepth::CalibratedDepth(std::unique_ptr<DepthEstimator> relative, Target target,
                                 const CalibratedDepthOptions& options, ThreadPool* pool)
    : relative_(std::move(relative)), target_(std::move(target)), options_(options), pool_(pool) {
  Require(
      options.mode != CalibrationMode::kNone && options.step > 0, Code::kInvalidArgument,
      "CalibratedDepth: there is nothing to calibrate in this mode, or its step is not positive");
  if (options_.mode != CalibrationMode::kGlobal) relative_->LeaveOnDevice();
}

int CalibratedDepth::latency() const {
  const int held = options_.mode == CalibrationMode::kFirst32  ? static_cast<int>(kFirst)
                   : options_.mode == CalibrationMode::kWindow ? static_cast<int>(kBlock)
                                                               : 0;
  return relative_->latency() + held;
}

bool CalibratedDepth::Wants(int64_t frame) const {
  switch (options_.mode) {
    case CalibrationMode::kFirst32:
      return frame < kFirst;
    case CalibrationMode::kRolling:
      return rolling_.Wants(frame);
    case CalibrationMode::kGlobal:
      return frame % options_.step == 0;
    default:
      return frame % kBlock % kStep == 0;
  }
}

void CalibratedDepth::Push(Frame frame) {
  Require(!finished_, Code::kInvalidArgument, "CalibratedDepth: a frame was pushed after Finish()");
  const bool wanted = Wants(pushed_ - scene_start_);
  Image target = target_(frame, wanted);
  if (wanted && !target.empty()) targets_[pushed_] = std::move(target);
  ++pushed_;
  relative_->Push(std::move(frame));
  TakeEstimates();
}

void CalibratedDepth::StartScene() {
  relative_->StartScene();
  EndScene();
  if (calibration_) last_scene_ = std::exchange(calibration_, std::nullopt);
  before_.reset();
  rolling_ = {};
  scene_start_ = pushed_;
}

void CalibratedDepth::Finish() {
  if (std::exchange(finished_, true)) return;
  relative_->Finish();
  EndScene();
}

void CalibratedDepth::EndScene() {
  TakeEstimates();
  if (!held_.empty()) FitHeld();
  if (options_.mode != CalibrationMode::kGlobal || pushed_ == scene_start_) return;
  ++scenes_;
  try {
    Fit();
  } catch (const Error& error) {
    if (error.code() != Code::kNotConverged || finished_) throw;
  }
  if (fit_) scene_fits_.resize(scenes_, *fit_);
}

std::optional<DepthEstimate> CalibratedDepth::Pop() {
  TakeEstimates();
  if (ready_.empty()) return std::nullopt;
  DepthEstimate estimate = std::move(ready_.front());
  ready_.pop_front();
  return estimate;
}

void CalibratedDepth::TakeEstimates() {
  while (std::optional<DepthEstimate> estimate = relative_->Pop()) {
    const auto target = targets_.find(taken_);
    if (target != targets_.end()) {
      Image copy;
      if (estimate->on_device) {
        copy = EmptyMap(*estimate->on_device);
        estimate->on_device->CopyTo(copy.MutablePlane<float>());
      }
      const PlaneView<const float> map =
          std::as_const(estimate->on_device ? copy : estimate->depth).Plane<float>();
      const DepthView metric = std::as_const(target->second).Plane<float>();
      if (options_.mode == CalibrationMode::kRolling) {
        rolling_.Add(map, metric, options_.saturated_depth);
      } else {
        DisparityFitOptions fit;
        fit.saturated_depth = options_.saturated_depth;
        if (!samples_) samples_ = std::make_unique<DisparityFit>(fit);
        samples_->Add(map, metric);
      }
      targets_.erase(target);
    }
    ++taken_;
    if (options_.mode == CalibrationMode::kRolling) {
      if (std::optional<DisparityCalibration> now = rolling_.Current()) calibration_ = now;
      if (!calibration_) calibration_ = last_scene_;
      Require(calibration_.has_value(), Code::kNotConverged,
              "the first frame has no metric depth to be calibrated by");
      Give(std::move(*estimate), *calibration_);
    } else if (options_.mode == CalibrationMode::kGlobal) {
      ready_.push_back(std::move(*estimate));
    } else if (options_.mode == CalibrationMode::kFirst32 && calibration_) {
      Give(std::move(*estimate), *calibration_);
    } else {
      held_.push_back(std::move(*estimate));
      const int64_t full = options_.mode == CalibrationMode::kFirst32 ? kFirst : kBlock;
      if (static_cast<int64_t>(held_.size()) == full) FitHeld();
    }
  }
}

// What cannot be fitted goes on as what was before.
void CalibratedDepth::Fit() {
  try {
    Require(samples_ != nullptr, Code::kNotConverged,
            "no frame has metric depth to be calibrated by");
    fit_ = samples_->Solve();
    calibration_ = fit_->calibration;
  } catch (const Error& error) {
    if (!calibration_) calibration_ = last_scene_;
    if (error.code() != Code::kNotConverged || !calibration_) throw;
  }
  samples_.reset();
}

void CalibratedDepth::FitHeld() {
  before_ = calibration_;
  Fit();
  int64_t number = 0;
  while (!held_.empty()) {
    DisparityCalibration now = *calibration_;
    if (before_ && number < kFade) {
      const double part = static_cast<double>(number + 1) / (kFade + 1);
      now.scale = (1 - part) * before_->scale + part * now.scale;
      now.shift = (1 - part) * before_->shift + part * now.shift;
    }
    ++number;
    Give(std::move(held_.front()), now);
    held_.pop_front();
  }
}

Image CalibratedDepth::EmptyMap(const DeviceMap& like) {
  const PixelSize size = like.size();
  if (!pictures_)
    pictures_ = std::make_shared<ImagePool>(PixelFormat::GrayF32(), size.width, size.height);
  return pictures_->Get();
}

void CalibratedDepth::Give(DepthEstimate estimate, const DisparityCalibration& calibration) {
  if (estimate.on_device) {
    estimate.depth = EmptyMap(*estimate.on_device);
    estimate.on_device->MetresTo(calibration, estimate.depth.MutablePlane<float>());
    estimate.on_device.reset();
  } else {
    depth::ApplyCalibration(calibration, pool_, estimate.depth.MutablePlane<float>());
  }
  estimate.quantity = DepthQuantity::kMetricDepth;
  ready_.push_back(std::move(estimate));
}

}  // namespace mdvt
