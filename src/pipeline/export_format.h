// SPDX-License-Identifier: Apache-2.0
//
// What a depth video can be exported to. A format is one entry of a table: its option, its help and
// what makes its files; the job, the programs, C and Python follow from it. A new one is a file of
// its own and a line in ExportFormats().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/rational.h"
#include "mdvt/core/run.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/track_cloud_file.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/depth_mesher.h"

namespace mdvt {

// One frame of the clip as a format sees it.
struct ExportFrame {
  int64_t number = 0;   // in the clip
  double seconds = 0;   // of the clip's time
  Rational frame_rate;  // of the clip
  DepthView depth;      // metres
  ImageView color;      // Rgb(8); without a colour video grey by depth for formats of geometry
  Camera camera;
  Pose world_from_cam = Pose::Identity();
  Pose axes_from_cam = Pose::Identity();  // the same with the world in the axes asked for
  const DepthMesher* mesher = nullptr;    // of this frame, for formats that use it
};

// A point that was followed through the clip, and where frames saw it.
struct SeenPoint {
  struct Sight {
    int64_t number = 0;   // of the frame, in the clip
    double x = 0, y = 0;  // pixels, edge coordinates
  };
  Eigen::Vector3d in_world = Eigen::Vector3d::Zero();
  Eigen::Matrix<uint8_t, 3, 1> color = Eigen::Matrix<uint8_t, 3, 1>::Zero();
  double rms = 0;             // pixels
  std::vector<Sight> sights;  // those that fit, in the order of frames
};

// What is the same for all frames.
struct ExportSetup {
  bool fixed_camera = true;  // one field of view for the whole clip
  bool has_color = false;
  const ExportJobOptions* options = nullptr;
};

// Makes the files of one format.
class Exporter {
 public:
  virtual ~Exporter() = default;
  // Before the first frame, where the clip has a tracking file.
  virtual void TakeTracks(const std::vector<SeenPoint>&) {}
  // Returns how many files it has written. Where each frame has a file of its own, several threads
  // call this at once.
  virtual int64_t Write(const ExportFrame& frame) = 0;
  // After the last frame; the same.
  virtual int64_t Finish() { return 0; }
};

struct ExportFormat {
  const char* name;  // the option is save_<name>
  const char* help;
  bool folder;         // else one file
  bool per_frame;      // each frame has a file of its own: frames come in any order
  bool uses_geometry;  // the mesher, and grey for missing colours
  bool needs_poses;    // says nothing without a camera path
  // `path` as the user named it. What the exporter writes is added to the set at once, or to
  // folders that are.
  std::unique_ptr<Exporter> (*make)(const ExportSetup& setup, const std::string& path,
                                    OutputSet* outputs);
  bool takes_tracks = false;     // with a tracking file, its points are those of the tracks
  const char* ending = nullptr;  // that the name of its file must have; null: any
};

const std::vector<ExportFormat>& ExportFormats();

// Alembic and .blend, made by Blender (--save_alembic): no entry of the table, since its files have
// names of their own, "<path>" and "<path>.blend". Asks Blender at once whether it can. Without
// `points` by then, the first frame becomes a mesh. All three outlive the exporter.
// Throws Error(kNotFound) without Blender, Error(kUnsupported) for one without Alembic.
std::unique_ptr<Exporter> NewAlembicExporter(const ExportJobOptions& options,
                                             const std::string& path, OutputSet* outputs,
                                             const std::vector<TrackCloudPoint>* points,
                                             const RunControl* control);

// From the world's axes, OpenCV's, to those asked for: a turn, so that triangles face where they
// did.
Pose AxesFromWorld(Axes axes);

// "0000012.ply"
std::string ExportFrameName(int64_t number, const char* ending);

}  // namespace mdvt
