// SPDX-License-Identifier: Apache-2.0
#include "pipeline/scene_views.h"

#include <algorithm>
#include <cmath>

#include "mdvt/core/error.h"
#include "mdvt/stereo/depth_holes.h"

namespace mdvt {
namespace {

// The rasteriser mixes samples of three planes, whatever they stand for.
template <typename View>
View AsRgb(View view) {
  view.format = PixelFormat::Rgb(view.format.bits);
  return view;
}

SceneRasterizer::Color ColorOf(const std::array<int, 3>& samples) {
  return {static_cast<uint16_t>(samples[0]), static_cast<uint16_t>(samples[1]),
          static_cast<uint16_t>(samples[2])};
}

}  // namespace

SceneViews::SceneViews(const SceneOptions& options, const PixelFormat& format,
                       const std::array<int, 3>& black, ThreadPool* pool)
    : options_(options),
      format_(format),
      black_(ColorOf(black)),
      pool_(pool),
      scene_(format.bits, pool) {
  Require(format.num_planes() == 3 && format.chroma_shift_x == 0 && format.chroma_shift_y == 0,
          Code::kInternal, "scenes are rendered in three planes of full size");
}

SceneViews::Frame SceneViews::Reduced(const Frame& frame, double most_density) {
  if (most_density <= 0 || frame.camera.fx <= most_density) return frame;
  const double share = most_density / frame.camera.fx;
  const int width = std::max(1, static_cast<int>(std::lround(frame.camera.width * share)));
  const int height = std::max(1, static_cast<int>(std::lround(frame.camera.height * share)));
  const PixelFormat rgb = PixelFormat::Rgb(format_.bits);
  if (reduced_color_.width() != width || reduced_color_.height() != height || !resizer_) {
    reduced_color_ = Image(rgb, width, height);
    reduced_depth_ = Image(PixelFormat::GrayF32(), width, height);
    resizer_.emplace(rgb, frame.camera.width, frame.camera.height,
                     ResizeWindow{0, 0, double(frame.camera.width), double(frame.camera.height)},
                     width, height, ResizeOptions{ResizeFilter::kBilinear, 0}, pool_);
  }
  resizer_->Resize(frame.color, reduced_color_.mutable_view());
  for (int y = 0; y < height; ++y) {
    const float* from = frame.depth.Row(static_cast<int>((y + 0.5) * frame.camera.height / height));
    float* to = reduced_depth_.MutablePlane<float>().Row(y);
    for (int x = 0; x < width; ++x)
      to[x] = from[static_cast<int>((x + 0.5) * frame.camera.width / width)];
  }
  return {reduced_color_.view(), reduced_depth_.Plane<float>(), frame.camera.Scaled(width, height)};
}

SurfaceOptions SceneViews::SurfaceFor(const Pose& world_from_cam, const View& view,
                                      bool points) const {
  SurfaceOptions surface;
  surface.points = points;
  surface.tear = options_.tear;
  // The rule counts what two eyes see together, each half their distance from the camera.
  surface.tear_baseline =
      2 * (view.world_from_view.translation() - world_from_cam.translation()).norm();
  surface.stretch = view.stretch;
  surface.head = view.world_from_view.inverse().translation();
  return surface;
}

void SceneViews::Render(const ImageView& color, const DepthView& depth, const Camera& camera,
                        const Pose& world_from_cam, double most_density,
                        const std::vector<View>& views) {
  const Frame frame = Reduced({AsRgb(color), depth, camera}, most_density);
  for (const View& view : views) {
    scene_.Begin(view.camera, view.world_from_view);
    scene_.AddSurface(frame.color, frame.depth, frame.camera, world_from_cam,
                      SurfaceFor(world_from_cam, view, options_.points));
    scene_.Finish(black_, AsRgb(view.image), view.depth);
    if (options_.background) FillHoles(view);
    FindDepthHoles(view.depth, view.uncovers, view.holes);
  }
}

// Every n-th pixel of a depth map that is finer than the view.
void SceneViews::AddCoarse(const DepthView& depth, const Camera& camera, const Pose& world_from_cam,
                           double focal) {
  const double share = std::min(1.0, focal / camera.fx);
  const int width = std::max(1, static_cast<int>(std::lround(depth.width * share)));
  const int height = std::max(1, static_cast<int>(std::lround(depth.height * share)));
  if (coarse_.width() != width || coarse_.height() != height) {
    coarse_ = Image(PixelFormat::GrayF32(), width, height);
    no_color_ = Image(PixelFormat::Rgb(format_.bits), width, height);
  }
  for (int y = 0; y < height; ++y) {
    const float* from = depth.Row(static_cast<int>((y + 0.5) * depth.height / height));
    float* to = coarse_.MutablePlane<float>().Row(y);
    for (int x = 0; x < width; ++x) to[x] = from[static_cast<int>((x + 0.5) * depth.width / width)];
  }
  SurfaceOptions surface;
  surface.tear = options_.tear;
  scene_.AddSurface(no_color_.view(), coarse_.Plane<float>(), camera.Scaled(width, height),
                    world_from_cam, surface);
}

DepthView SceneViews::Seen(const DepthView& depth, const Camera& camera, const Pose& world_from_cam,
                           const Camera& view, const Pose& world_from_view) {
  const double share = std::min(1.0, static_cast<double>(kSeenWidth) / view.width);
  const int width = std::max(1, static_cast<int>(std::lround(view.width * share)));
  const int height = std::max(1, static_cast<int>(std::lround(view.height * share)));
  if (seen_.width() != width || seen_.height() != height) {
    seen_ = Image(PixelFormat::GrayF32(), width, height);
    seen_color_ = Image(PixelFormat::Rgb(format_.bits), width, height);
  }
  const Camera small = view.Scaled(width, height);
  scene_.Begin(small, world_from_view);
  AddCoarse(depth, camera, world_from_cam, small.fx);
  if (options_.background)
    for (const PlateSurface& plate : *options_.background)
      AddCoarse(plate.depth.Plane<float>(), plate.camera, plate.world_from_cam, small.fx);
  scene_.Finish(black_, seen_color_.mutable_view(), seen_.MutablePlane<float>());
  return seen_.Plane<float>();
}

// The background is put into holes alone: elsewhere the frame knows better what is there now.
void SceneViews::FillHoles(const View& view) {
  const int width = view.camera.width, height = view.camera.height;
  if (behind_.width() != width || behind_.height() != height) {
    behind_ = Image(PixelFormat::Rgb(format_.bits), width, height);
    behind_depth_ = Image(PixelFormat::GrayF32(), width, height);
  }
  scene_.Begin(view.camera, view.world_from_view);
  for (const PlateSurface& plate : *options_.background)
    scene_.AddSurface(plate.color.view(), plate.depth.Plane<float>(), plate.camera,
                      plate.world_from_cam, SurfaceFor(plate.world_from_cam, view, false));
  scene_.Finish(black_, behind_.mutable_view(), behind_depth_.MutablePlane<float>());
  const bool wide = format_.type == SampleType::kU16;
  for (int y = 0; y < height; ++y) {
    float* seen = view.depth.Row(y);
    const float* behind = behind_depth_.Plane<float>().Row(y);
    for (int x = 0; x < width; ++x) {
      if (seen[x] > 0 || !(behind[x] > 0)) continue;
      seen[x] = behind[x];
      for (int plane = 0; plane < 3; ++plane)
        if (wide)
          view.image.Plane<uint16_t>(plane).Row(y)[x] = behind_.Plane<uint16_t>(plane).Row(y)[x];
        else
          view.image.Plane<uint8_t>(plane).Row(y)[x] = behind_.Plane<uint8_t>(plane).Row(y)[x];
    }
  }
}

}  // namespace mdvt
