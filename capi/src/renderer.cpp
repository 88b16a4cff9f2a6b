// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <memory>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/numbers.h"
#include "mdvt/core/parallel.h"
#include "mdvt/stereo/renderer.h"
#include "structs.h"

using namespace mdvt::capi;

struct mdvt_renderer {
  mdvt_renderer(const mdvt::StereoOptions& stereo, const mdvt::DirectionalFillOptions& fill_options,
                int num_threads)
      : pool(num_threads), renderer(stereo, &pool), filler(fill_options, &pool) {}

  mdvt::ThreadPool pool;
  mdvt::StereoRenderer renderer;
  mdvt::DirectionalFill filler;
  bool fill = true;  // holes; else they stay black
  mdvt::InfillMaskStyle mask_style = mdvt::InfillMaskStyle::kDirections;
  mdvt::HoleMap left_holes, right_holes;  // reused from frame to frame
};

namespace {

// One eye's images, checked against the colour picture before any pixel is written.
struct Eye {
  mdvt::EyeView view;
  mdvt::MutableImageView mask;  // empty: not asked for
};

Eye ReadEye(const mdvt_eye* eye, const mdvt::ImageView& color, const std::string& name) {
  const mdvt_eye from = ReadStruct(eye, name.c_str());
  RequireZero(from.reserved, (name + ".reserved").c_str());
  const auto checked = [&](const mdvt_image& image, const mdvt::PixelFormat& format,
                           const std::string& field) {
    const mdvt::MutableImageView view = ToView(&image, field.c_str());
    RequireFormat(view, format, field.c_str());
    RequireSize(view, color.width, color.height, field.c_str());
    return view;
  };
  Eye to;
  to.view.image = checked(from.image, color.format, name + ".image");
  if (from.depth.data[0] != nullptr) {
    to.view.depth =
        checked(from.depth, mdvt::PixelFormat::GrayF32(), name + ".depth").Plane<float>(0);
  }
  if (from.mask.data[0] != nullptr)
    to.mask = checked(from.mask, mdvt::PixelFormat::Rgb(8), name + ".mask");
  return to;
}

void Complete(mdvt_renderer& renderer, const Eye& eye, const mdvt::HoleMap& holes) {
  if (!eye.mask.empty()) mdvt::PaintInfillMask(holes, renderer.mask_style, eye.mask);
  if (renderer.fill) renderer.filler.Fill(holes, eye.view.image);
}

}  // namespace

mdvt_status mdvt_renderer_create(const mdvt_renderer_options* options, mdvt_renderer** renderer) {
  return Guarded([&] {
    RequireSet(renderer, "renderer");
    *renderer = nullptr;
    const mdvt_renderer_options from = ReadOptions(options, "options");
    mdvt::StereoOptions stereo = ToStereo(from.stereo, "options.stereo");
    stereo.color = ToColor(from.color, "options.color");
    auto made =
        std::make_unique<mdvt_renderer>(stereo, ToFill(from.fill_options, "options.fill_options"),
                                        Threads(from.num_threads, "options.num_threads"));
    made->fill = Choose(from.fill, std::array{true, false}, "options.fill", "MDVT_FILL_*");
    made->mask_style = ToMaskStyle(from.mask_style, "options.mask_style");
    *renderer = made.release();
  });
}

mdvt_status mdvt_renderer_render(mdvt_renderer* renderer, const mdvt_image* color,
                                 const mdvt_image* depth, const mdvt_camera* camera,
                                 double convergence, const mdvt_eye* left, const mdvt_eye* right) {
  return Guarded([&] {
    RequireSet(renderer, "renderer");
    const mdvt::MutableImageView color_view = ToView(color, "color");
    const mdvt::PixelFormat& format = color_view.format;
    mdvt::Require(format.type != mdvt::SampleType::kF32 && format.chroma_shift_x <= 1 &&
                      format.chroma_shift_y <= 1,
                  mdvt::Code::kInvalidArgument,
                  "color.format is " + format.ToString() +
                      ", must be of integers with chroma shifts up to 1");
    const mdvt::MutableImageView depth_view = ToView(depth, "depth");
    RequireFormat(depth_view, mdvt::PixelFormat::GrayF32(), "depth");
    RequireSize(depth_view, color_view.width, color_view.height, "depth");
    RequireSet(camera, "camera");
    const mdvt::Camera intrinsics = ToCamera(*camera, "camera");
    mdvt::Require(intrinsics.width == color_view.width && intrinsics.height == color_view.height,
                  mdvt::Code::kInvalidArgument,
                  "camera.width x camera.height = " + std::to_string(intrinsics.width) + "x" +
                      std::to_string(intrinsics.height) + ", must be the size of color, " +
                      std::to_string(color_view.width) + "x" + std::to_string(color_view.height));
    mdvt::Require(convergence >= 0 && std::isfinite(convergence), mdvt::Code::kInvalidArgument,
                  "convergence = " + mdvt::FormatDouble(convergence) +
                      " m, must be finite and not negative (0: parallel eyes)");
    Eye left_eye = ReadEye(left, color_view, "left");
    Eye right_eye = ReadEye(right, color_view, "right");
    const bool fill = renderer->fill;
    if (fill || !left_eye.mask.empty()) left_eye.view.holes = &renderer->left_holes;
    if (fill || !right_eye.mask.empty()) right_eye.view.holes = &renderer->right_holes;
    renderer->renderer.Render(color_view, depth_view.Plane<float>(0), intrinsics, convergence,
                              left_eye.view, right_eye.view);
    Complete(*renderer, left_eye, renderer->left_holes);
    Complete(*renderer, right_eye, renderer->right_holes);
  });
}

void mdvt_renderer_destroy(mdvt_renderer* renderer) {
  Guarded([&] { delete renderer; });
}
