// SPDX-License-Identifier: Apache-2.0
//
// Makes the sample clip of scripts/demo.sh: a camera moves through a drawn room, so that the true
// depth of every pixel is known.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "common/program.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_writer.h"
#include "support/raycast.h"

namespace {

using mdvt::test::Clip;
using mdvt::test::Object;

// The tests' room, lit from above, in the colours of a living room.
Clip MakeRoom(int width, int height, double xfov_deg) {
  Clip clip = mdvt::test::Scenes::Room(width, height, xfov_deg);
  const Eigen::Vector3d colors[] = {{0.66, 0.60, 0.52}, {0.72, 0.38, 0.26}, {0.25, 0.45, 0.62},
                                    {0.36, 0.52, 0.34}, {0.85, 0.70, 0.35}, {0.62, 0.36, 0.50}};
  size_t i = 0;
  for (Object& object : clip.scene.objects) {
    object.shading = 0.55;
    object.texture.color = colors[i++ % 6];
    object.texture.contrast = 0.28;
    object.texture.wavelength *= 1.6;
  }
  return clip;
}

}  // namespace

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "mdvt_make_demo_clip",
      "Makes a sample clip with known depth: a camera moves through a drawn room. Its field of "
      "view\n"
      "is 60 degrees across.",
      "mdvt_make_demo_clip --output sample.mp4 --depth_output true_depth.mkv");
  std::string output, depth_output;
  int64_t width = 640, height = 360, frames = 48;
  program.Text("output", "FILE", "color video", &output);
  program.Require("output");
  program.Text("depth_output", "FILE", "its true depth", &depth_output);
  program.Integer("width", "PIXELS", "width of the picture", &width, {16, 4096});
  program.Integer("height", "PIXELS", "height of the picture", &height, {16, 4096});
  program.Integer("frames", "N", "number of frames, 24 in a second", &frames, {1, 100000});

  return program.Main(argc, argv, [&] {
    constexpr double kXfovDeg = 60;
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    const Clip clip = MakeRoom(w, h, kXfovDeg);
    mdvt::ThreadPool pool;
    const mdvt::test::RayCaster caster(clip.scene, &pool);

    mdvt::VideoWriterOptions video;
    video.codec = mdvt::VideoCodec::kH264;
    video.time_base = {1, 24};
    video.frame_rate = {24, 1};
    video.color = {1, 1, 1, false, 2};  // BT.709, limited range, chroma in the centre
    mdvt::VideoWriter color(output, mdvt::PixelFormat::Yuv(420), w, h, video);

    std::optional<mdvt::DepthVideoWriter> depth;
    if (!depth_output.empty()) {
      mdvt::DepthVideoWriterOptions options;
      options.codec.encoding = mdvt::DepthEncoding::kGray16;
      options.video.time_base = video.time_base;
      options.video.frame_rate = video.frame_rate;
      options.tags.xfov_deg = kXfovDeg;
      depth.emplace(depth_output, w, h, options);
    }
    for (int64_t i = 0; i < frames; ++i) {
      const mdvt::test::View view = clip.At(static_cast<double>(i));
      color.Write(caster.Color(view, mdvt::PixelFormat::Yuv(420), 2), i, 1);
      if (depth) depth->Write(caster.Depth(view).Plane<float>(), i, 1, &pool);
    }
    color.Finish();
    if (depth) depth->Finish();
    std::printf("wrote %s: %lld frames, %dx%d\n", output.c_str(), static_cast<long long>(frames), w,
                h);
    return std::fflush(stdout) == 0 ? 0 : 1;
  });
}
