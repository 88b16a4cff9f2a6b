// SPDX-License-Identifier: Apache-2.0
//
// Makes the sample clip of scripts/demo.sh: a camera moves through a drawn room, so that the true
// depth of every pixel is known.
#include <cstdint>
#include <optional>
#include <string>

#include "common/program.h"
#include "mdvt/core/count.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
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
  mdvt::OptionList& options = program.options();
  options.Field("output", &output, "FILE", "color video").Output().Required();
  options.Field("depth_output", &depth_output, "FILE", "its true depth").Output();
  options.Field("width", &width, {16, 4096}, "PIXELS", "width of the picture");
  options.Field("height", &height, {16, 4096}, "PIXELS", "height of the picture");
  options.Field("frames", &frames, {1, 100000}, "N", "number of frames, 24 in a second");

  return program.Main(argc, argv, [&] {
    constexpr double kXfovDeg = 60;
    const int w = static_cast<int>(width), h = static_cast<int>(height);
    const Clip clip = MakeRoom(w, h, kXfovDeg);
    mdvt::ThreadPool pool;
    const mdvt::test::RayCaster caster(clip.scene, &pool);

    mdvt::OutputSet outputs;
    mdvt::VideoWriterOptions video;
    video.codec = mdvt::VideoCodec::kH264;
    video.time_base = {1, 24};
    video.frame_rate = {24, 1};
    video.color = {1, 1, 1, false, 2};  // BT.709, limited range, chroma in the centre
    mdvt::VideoWriter color(outputs.AddFile(output), mdvt::PixelFormat::Yuv(420), w, h, video);

    std::optional<mdvt::DepthVideoWriter> depth;
    if (!depth_output.empty()) {
      mdvt::DepthVideoWriterOptions depth_video;
      depth_video.codec.encoding = mdvt::DepthEncoding::kGray16;
      depth_video.video.time_base = video.time_base;
      depth_video.video.frame_rate = video.frame_rate;
      depth_video.tags.xfov_deg = kXfovDeg;
      depth.emplace(outputs.AddFile(depth_output), w, h, depth_video);
    }
    for (int64_t i = 0; i < frames; ++i) {
      program.CheckInterrupted();
      const mdvt::test::View view = clip.At(static_cast<double>(i));
      color.Write(caster.Color(view, mdvt::PixelFormat::Yuv(420), 2), i, 1);
      if (depth) depth->Write(caster.Depth(view).Plane<float>(), i, 1, &pool);
    }
    color.Finish();
    if (depth) depth->Finish();
    outputs.CommitAll();
    return program.Tell("wrote " + output + ": " + mdvt::CountOf(frames, "frame") + ", " +
                        std::to_string(w) + "x" + std::to_string(h));
  });
}
