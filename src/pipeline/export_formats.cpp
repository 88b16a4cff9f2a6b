// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "pipeline/export_format.h"

namespace mdvt {

// Each in a file of its own, or with its like.
std::unique_ptr<Exporter> NewPlyExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewObjExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewGlbExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewPngExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewExrExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewNpzExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewSceneExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewCameraExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewTumExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewColmapExporter(const ExportSetup&, const std::string&, OutputSet*);
std::unique_ptr<Exporter> NewNerfstudioExporter(const ExportSetup&, const std::string&, OutputSet*);

const std::vector<ExportFormat>& ExportFormats() {
  constexpr bool kFolder = true, kFile = false, kEach = true, kInOrder = false;
  constexpr bool kGeometry = true, kFlat = false;
  static const std::vector<ExportFormat> formats = {
      {"ply", "a point cloud per frame, <folder>/0000000.ply ...", kFolder, kEach, kGeometry, false,
       NewPlyExporter},
      {"obj", "a mesh per frame, <folder>/0000000.obj ...", kFolder, kEach, kGeometry, false,
       NewObjExporter},
      {"glb", "a textured mesh per frame, <folder>/0000000.glb ... (y up, as glTF demands)",
       kFolder, kEach, kGeometry, false, NewGlbExporter},
      {"png", "depth as 16-bit pictures in millimetres, <folder>/0000000.png ...", kFolder, kEach,
       kFlat, false, NewPngExporter},
      {"exr", "depth as OpenEXR pictures in metres, 32-bit floats, <folder>/0000000.exr ...",
       kFolder, kEach, kFlat, false, NewExrExporter},
      {"npz", "NumPy arrays per frame: depth, intrinsics, world_from_cam and rgb", kFolder, kEach,
       kFlat, false, NewNpzExporter},
      {"scene", "one point cloud of all frames (.ply), thinned by --voxel_size", kFile, kInOrder,
       kGeometry, true, NewSceneExporter, false, ".ply"},
      {"camera", "the moving camera (.glb), with its field of view where that changes", kFile,
       kInOrder, kFlat, true, NewCameraExporter, false, ".glb"},
      {"tum", "the camera's path as text: seconds, position, quaternion x y z w", kFile, kInOrder,
       kFlat, true, NewTumExporter},
      {"colmap",
       "pictures and a COLMAP model, as text and binary; with --track_file its points are those of "
       "the tracks, with where each picture sees them",
       kFolder, kInOrder, kGeometry, true, NewColmapExporter, true},
      {"nerfstudio",
       "pictures, depths and transforms.json; with --track_file its points are those of the tracks",
       kFolder, kInOrder, kGeometry, true, NewNerfstudioExporter, true}};
  return formats;
}

Pose AxesFromWorld(Axes axes) {
  Pose pose = Pose::Identity();
  if (axes == Axes::kOpenGl) pose.linear() << 1, 0, 0, 0, -1, 0, 0, 0, -1;
  if (axes == Axes::kBlender) pose.linear() << 1, 0, 0, 0, 0, 1, 0, -1, 0;
  return pose;
}

std::string ExportFrameName(int64_t number, const char* ending) {
  char name[48];
  std::snprintf(name, sizeof(name), "%07lld.%s", static_cast<long long>(number), ending);
  return name;
}

}  // namespace mdvt
