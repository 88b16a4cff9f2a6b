// SPDX-License-Identifier: Apache-2.0
#include "mdvt/stereo/renderer.h"

#include <string>

#include "mdvt/core/error.h"
#include "stereo/frame_warp.h"

namespace mdvt {

void StereoOptions::Check() const {
  const auto in = [](double value, double low, double high, const char* name, const char* range) {
    Require(value >= low && value <= high, Code::kInvalidArgument,
            "StereoOptions." + std::string(name) + " = " + std::to_string(value) + ", must be in " +
                range);
  };
  in(baseline, 0, 1, "baseline", "[0, 1] m");
  tear.Check();
  in(clean_rim, 0, 16, "clean_rim", "[0, 16] pixels");
}

struct StereoRenderer::Impl {
  Impl(const StereoOptions& options, ThreadPool* pool)
      : warp(options, stereo::BestKernels(), pool) {}
  stereo::FrameWarp warp;
};

StereoRenderer::StereoRenderer(const StereoOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(options, pool);
}

StereoRenderer::~StereoRenderer() = default;
StereoRenderer::StereoRenderer(StereoRenderer&&) noexcept = default;
StereoRenderer& StereoRenderer::operator=(StereoRenderer&&) noexcept = default;

void StereoRenderer::Render(const ImageView& color, const DepthView& depth, const Camera& camera,
                            double convergence, const EyeView& left, const EyeView& right) {
  impl_->warp.Render(color, depth, camera, convergence, left, right);
}

}  // namespace mdvt
