// SPDX-License-Identifier: Apache-2.0
//
// Points that stand still, as the page of the viewer gets them: beside the frames of a clip, or
// alone.
#pragma once

#include <string>
#include <vector>

#include "mdvt/core/json.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/run.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/output_set.h"
#include "pipeline/web_view.h"

namespace mdvt {

// A cloud or mesh as the page fetches it.
struct WebCloud {
  std::string name;   // beside its switch
  std::string file;   // what the page asks for
  std::string bytes;  // x, y, z of each point as f32, then their r, g, b as u8, padded to four
                      // bytes, then three u32 for each triangle; little-endian
  int64_t points = 0;
  int64_t triangles = 0;

  // Its entry in clip.json.
  json::Value Describe() const;
};
// Points without colours are grey.
WebCloud PackCloud(const TriangleMesh& mesh, const std::string& name, const std::string& file);

// Parts of clip.json.
json::Value ListOf(const Eigen::Vector3d& point);
json::Value PathOf(const std::vector<Pose>& world_from_cam);

// A page of clouds alone, in axes x right, y down, z forward: they, the world's axes, and where the
// camera went.
struct CloudPage {
  std::string title;
  std::vector<WebCloud> clouds;
  std::vector<Pose> world_from_cam;  // of each frame; the first is where the viewer stands at
                                     // first, drawn back by half the way to the target
  Eigen::Vector3d target = Eigen::Vector3d(0, 0, 1);  // what is looked at
  double xfov_deg = 60;
  double aspect = 16.0 / 9;  // width over height of the picture that is seen as a whole
};

// The target of a page: the medians of the coordinates. No points: (0, 0, 1).
Eigen::Vector3d MiddleOf(const TriangleMesh& mesh);

// Serves it on 127.0.0.1 until it is cancelled, and returns then. Throws what HttpServer throws.
void ServeCloudPage(const CloudPage& page, int port, const OnReady& on_ready,
                    const RunControl& control);

// Writes it as files into a folder of an OutputSet, which commits them.
void WriteCloudPage(const CloudPage& page, const OutputFolder& folder);

}  // namespace mdvt
