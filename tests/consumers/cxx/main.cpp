// SPDX-License-Identifier: Apache-2.0
// Uses something of every layer, so that all that a static program needs is linked.
#include <cstdio>
#include <cstring>

#include "mdvt/core/camera.h"
#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/geometry/bundle.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/stereo/renderer.h"

int main() {
  mdvt::ThreadPool pool;
  mdvt::Image color(mdvt::PixelFormat::Gray(), 16, 4), left = color.Clone(), right = color.Clone();
  mdvt::Image depth(mdvt::PixelFormat::GrayF32(), 16, 4);
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 16; ++x) {
      color.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(10 * x);
      depth.MutablePlane<float>().At(x, y) = 2;
    }
  }
  // The plane at 2 m moves by one pixel to either side: k / z = fx * baseline / 2 / z.
  mdvt::Camera camera = mdvt::Camera::FromFov(16, 4, 90, {});
  mdvt::StereoOptions options;
  options.baseline = 0.5;
  mdvt::StereoRenderer renderer(options, &pool);
  renderer.Render(color.view(), depth.Plane<float>(), camera, 0, {left.mutable_view()},
                  {right.mutable_view()});
  std::printf("source %d, left eye %d, right eye %d\n", color.Plane<uint8_t>().At(8, 2),
              left.Plane<uint8_t>().At(8, 2), right.Plane<uint8_t>().At(8, 2));

  mdvt::BundleProblem bundle;
  bundle.points.resize(1);
  bundle.point_priors = {{0, {1, 2, 3}, 0.1}};
  mdvt::SolveBundle(&bundle);
  std::printf("point at %.3f\n", bundle.points[0].in_world.z());

  try {
    mdvt::DepthJobOptions job;
    job.color_video = "missing.mp4";
    mdvt::RunDepthJob(job);
  } catch (const mdvt::Error& error) {
    std::printf("depth: %s\n", mdvt::CodeName(error.code()));
  }
  try {
    mdvt::StereoJobOptions job;
    job.source.file.path = "missing_depth.mkv";
    mdvt::RunStereoJob(job);
  } catch (const mdvt::Error& error) {
    std::printf("stereo: %s\n", mdvt::CodeName(error.code()));
  }
}
