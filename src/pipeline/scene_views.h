// SPDX-License-Identifier: Apache-2.0
//
// Views of a frame from anywhere, for jobs that render eyes: of a camera that moves while the eyes
// stand still, of points, or with a background behind the holes. Where the eyes are beside the
// camera StereoRenderer is faster.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/infill/background_plate.h"
#include "mdvt/stereo/scene_rasterizer.h"
#include "pipeline/per_frame.h"

namespace mdvt {

using PlateSurfaces = std::vector<PlateSurface>;

struct SceneOptions {
  // Camera-to-world of each frame. The head stands in the world's origin and looks along its z.
  PerFrame<Pose> poses{Pose::Identity()};
  // The frame whose camera the views have; none: that of the first frame, for all of them.
  int64_t view_frame = 0;
  bool points = false;           // each pixel as a square, no surfaces
  std::optional<TearRule> tear;  // empty: surfaces are stretched
  // What is drawn where a view has holes, in the colours of the frames.
  std::shared_ptr<const PlateSurfaces> background;
};

// What is rendered in three planes of full size: RGB, or 4:4:4, of which RGB stands for Y, Cb, Cr.
class SceneViews {
 public:
  struct View {
    Camera camera;
    Pose world_from_view = Pose::Identity();
    // On which side this eye uncovers the background of surfaces that are equally far.
    HoleSide uncovers = HoleSide::kLeft;
    MutableImageView image;  // of the size of `camera`
    PlaneView<float> depth;  // the same; metres, 0 in holes
    HoleMap* holes = nullptr;
    // Changes distances as the head sees them, see SurfaceOptions; it stands in the world's origin.
    std::function<double(const Eigen::Vector3d&)> stretch;
  };

  // black  samples of what is not seen
  SceneViews(const SceneOptions& options, const PixelFormat& format,
             const std::array<int, 3>& black, ThreadPool* pool);

  // color   in the format of the views
  // depth   metres, 0 = no data
  // camera  of both
  // most_density  pixels per radian of the finest view, 0: as fine as the frame. Frames that are
  //               finer are averaged down first, their depth is not.
  void Render(const ImageView& color, const DepthView& depth, const Camera& camera,
              const Pose& world_from_cam, double most_density, const std::vector<View>& views);

  // What a view is as far away as, background included: metres, 0 where there is nothing. A picture
  // of about kSeenWidth pixels across, for statistics; valid until the next call.
  static constexpr int kSeenWidth = 480;
  DepthView Seen(const DepthView& depth, const Camera& camera, const Pose& world_from_cam,
                 const Camera& view, const Pose& world_from_view);

 private:
  struct Frame {
    ImageView color;  // called RGB
    DepthView depth;
    Camera camera;
  };
  Frame Reduced(const Frame& frame, double most_density);
  SurfaceOptions SurfaceFor(const Pose& world_from_cam, const View& view, bool points) const;
  void FillHoles(const View& view);
  void AddCoarse(const DepthView& depth, const Camera& camera, const Pose& world_from_cam,
                 double focal);

  const SceneOptions options_;
  const PixelFormat format_;
  const SceneRasterizer::Color black_;
  ThreadPool* pool_;
  SceneRasterizer scene_;
  std::optional<ImageResizer> resizer_;
  Image reduced_color_, reduced_depth_;
  Image behind_, behind_depth_;
  Image coarse_, no_color_, seen_color_, seen_;
};

}  // namespace mdvt
