// SPDX-License-Identifier: Apache-2.0
//
// Where subtitles stand in panels: on a plane straight ahead of the head and upright, whatever the
// camera does.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/subtitle_renderer.h"
#include "mdvt/stereo/panel_warp.h"

namespace mdvt {

class PanelText {
 public:
  // The plane has the shape and field of view of the camera's picture, but is 40 to 60 degrees wide
  // (narrower where it would be higher than 40), so that letters can be read in one look, and its
  // letters are as fine as the panel. `pool` may be null.
  PanelText(const PanelOptions& panel, const Camera& camera, ThreadPool* pool);

  // The plane in pixels, as SubtitleRenderer draws on it.
  int width() const { return width_; }
  int height() const { return height_; }
  double focal() const { return panel_.pixels_per_radian(); }
  // The direction of a position on it, edge coordinates: x right, y down, z = 1 forward.
  Eigen::Vector3d RayOf(double x, double y) const;

  // Looks at the picture's place from an eye that sees the plane turned by `yaw` radians to the
  // right. Valid for what follows.
  void Look(const SubtitlePicture& picture, double yaw);
  // The part of the panel that has to be drawn to.
  int x() const { return x_; }
  int y() const { return y_; }
  // How much each of its pixels is covered by a part of the picture. Gray(8), linear between the
  // pixels of the plane.
  Image Coverage(const SubtitleBitmap& bitmap) const;
  // The length of the ray to the plane for a distance of 1, at a pixel of that part.
  double Stretch(int column, int row) const;

 private:
  struct Place {  // on the plane, in 1/16 of a pixel from the centre of the first one
    int32_t x = 0;
    int32_t y = 0;
  };

  Eigen::Vector3d Seen(int column, int row) const;  // in the axes of the plane

  const PanelOptions panel_;
  ThreadPool* const pool_;
  int width_ = 0;
  int height_ = 0;
  double yaw_ = 0;
  int x_ = 0;
  int y_ = 0;
  int columns_ = 0;
  int rows_ = 0;
  std::vector<Place> places_;
};

}  // namespace mdvt
