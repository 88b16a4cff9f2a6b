// SPDX-License-Identifier: Apache-2.0
//
// Work on single pictures: conversion of colour, depth as integer samples, filled holes.
#include "convert.h"
#include "guarded.h"
#include "mdvt/core/error.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_codec.h"
#include "mdvt/io/infill_mask.h"
#include "structs.h"

using namespace mdvt::capi;

namespace {

// An image of which the caller keeps the pixels.
mdvt::Image Borrow(const mdvt::MutableImageView& view) { return {view, nullptr}; }

void RequireInteger(const mdvt::ImageView& image, const char* name) {
  mdvt::Require(
      image.format.type != mdvt::SampleType::kF32, mdvt::Code::kInvalidArgument,
      std::string(name) + ".format is " + image.format.ToString() + ", must be an integer format");
}

}  // namespace

mdvt_status mdvt_image_convert(const mdvt_image* from, const mdvt_color* color,
                               const mdvt_image* to) {
  return Guarded([&] {
    const mdvt::MutableImageView source = ToView(from, "from");
    const mdvt::MutableImageView target = ToView(to, "to");
    RequireSize(target, source.width, source.height, "to");
    const mdvt::ColorInfo info = color == nullptr ? mdvt::ColorInfo() : ToColor(*color, "color");
    mdvt::ColorConverter converter;
    mdvt::CopyPixels(converter.Convert(Borrow(source), info, target.format).view(), target);
  });
}

mdvt_status mdvt_depth_encode(const mdvt_depth_codec* codec, const mdvt_image* depth,
                              const mdvt_image* encoded) {
  return Guarded([&] {
    const mdvt::DepthCodecOptions options = ToCodec(codec, "codec");
    const mdvt::MutableImageView from = ToView(depth, "depth");
    const mdvt::MutableImageView to = ToView(encoded, "encoded");
    RequireFormat(from, mdvt::PixelFormat::GrayF32(), "depth");
    RequireFormat(to, mdvt::EncodedFormat(options.encoding), "encoded");
    RequireSize(to, from.width, from.height, "encoded");
    mdvt::PackDepth(from.Plane<float>(0), options, to);
  });
}

mdvt_status mdvt_depth_decode(const mdvt_depth_codec* codec, const mdvt_image* encoded,
                              const mdvt_image* depth) {
  return Guarded([&] {
    const mdvt::DepthCodecOptions options = ToCodec(codec, "codec");
    const mdvt::MutableImageView from = ToView(encoded, "encoded");
    const mdvt::MutableImageView to = ToView(depth, "depth");
    RequireFormat(from, mdvt::EncodedFormat(options.encoding), "encoded");
    RequireFormat(to, mdvt::PixelFormat::GrayF32(), "depth");
    RequireSize(to, from.width, from.height, "depth");
    mdvt::UnpackDepth(from, options, to.Plane<float>(0));
  });
}

mdvt_status mdvt_fill_holes(const mdvt_image* mask, const mdvt_fill_options* options,
                            const mdvt_image* image) {
  return Guarded([&] {
    const mdvt::DirectionalFillOptions fill = ToFill(options, "options");
    const mdvt::MutableImageView holes = ToView(mask, "mask");
    const mdvt::MutableImageView target = ToView(image, "image");
    RequireFormat(holes, mdvt::PixelFormat::Rgb(8), "mask");
    RequireInteger(target, "image");
    RequireSize(holes, target.width, target.height, "mask");
    mdvt::FillHoles(mdvt::ReadInfillMask(holes), fill, target);
  });
}
