// SPDX-License-Identifier: Apache-2.0
//
// Turns a depth video into a grey video, point clouds or meshes.
#include <filesystem>
#include <string>

#include "common/program.h"
#include "mdvt/core/error.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/pipeline/jobs.h"

int main(int argc, char** argv) {
  mdvt::example::Program program(
      "convert_metric_depth_video_to_other_format",
      "Turns a depth video into a grey video (--bit8 or --bit16) and into a point cloud "
      "(--save_ply)\n"
      "or mesh (--save_obj) per frame: x right, y down, z forward, metres.",
      "convert_metric_depth_video_to_other_format --depth_video clip.mp4_depth.mkv \\\n"
      "      --color_video clip.mp4 --xfov 55 --save_ply clip_ply");
  mdvt::ExportJobOptions options;
  bool bit8 = false;
  bool bit16 = false;
  program.Text("depth_video", "FILE", "depth video, or a list of them", &options.depth_video);
  program.Require("depth_video");
  program.Text("color_video", "FILE", "colors of the points, or a list of videos",
               &options.color_video, "grey by depth");
  program.Text("output", "FILE", "grey video (.mkv), or a folder", &options.output,
               "<depth_video>_grey8.mkv or _grey16.mkv");
  program.Flag("bit8", "write an 8-bit grey video, white at the end of the range", &bit8);
  program.Flag("bit16", "write a 16-bit grey video, code 65025 at the end of the range", &bit16);
  program.Text(
      "save_ply", "FOLDER",
      "write a point cloud per frame, <folder>/0000000.ply ...; for a list in a folder per clip",
      &options.ply_folder);
  program.Text("save_obj", "FOLDER",
               "write a mesh per frame, <folder>/0000000.obj ...; for a list in a folder per clip",
               &options.obj_folder);
  program.AddFovOptions(&options.fov, "from the depth file");
  program.AddDepthReadingOptions(&options.max_depth, &options.depth_encoding);
  program.Integer("min_frames", "N", "number of the first frame to convert, from 0; -1 means 0",
                  &options.min_frames, {-1, 1e15});
  program.AddMaxFrames(&options.job);
  program.Text("transformation_file", "JSON", "camera path: write geometry in world axes",
               &options.transformation_file);
  program.Integer("transformation_lock_frame", "N", "make this frame's camera the world's axes",
                  &options.transformation_lock_frame, {0, 1e15}, "the file's own axes");
  program.Flag("remove_edges",
               "leave out triangles between surfaces that lie apart: more than 2 % in depth and 1 "
               "pixel for eyes 63 mm apart",
               &options.remove_edges);
  program.AddJobOptions(&options.job);
  program.Refuse({"save_alembic"}, "this version writes PLY and OBJ, no Alembic");
  program.Refuse(
      {"track_file", "mask_video", "strict_mask", "merge_close_points", "use_triangulated_points",
       "tringulation_min_observations", "save_rescaled_depth", "global_align"},
      "reconstruction from tracks is not part of this version");
  program.Refuse({"show_scene_point_clouds", "show_both_point_clouds"},
                 "this version opens no windows");

  return program.Main(argc, argv, [&] {
    mdvt::Require(!(bit8 && bit16), mdvt::Code::kInvalidArgument,
                  "--bit8 and --bit16 contradict each other");
    mdvt::Require(bit8 || bit16 || !options.ply_folder.empty() || !options.obj_folder.empty(),
                  mdvt::Code::kInvalidArgument,
                  "nothing to write: give --bit8, --bit16, --save_ply or --save_obj");
    if (bit8 || bit16) options.grey_bits = bit16 ? 16 : 8;
    // The frames of several clips have the same numbers: each clip gets a folder of its own.
    const std::string ply_folder = options.ply_folder;
    const std::string obj_folder = options.obj_folder;
    const bool several = mdvt::IsBatchList(options.depth_video);
    return program.ForEachItem(
        {{{"depth_video", &options.depth_video}, {"color_video", &options.color_video}},
         &options.output,
         bit16 ? "_grey16.mkv" : "_grey8.mkv"},
        [&](const mdvt::RunControl& control) {
          const std::string clip = std::filesystem::path(options.depth_video).filename().string();
          if (several && !ply_folder.empty()) options.ply_folder = ply_folder + "/" + clip;
          if (several && !obj_folder.empty()) options.obj_folder = obj_folder + "/" + clip;
          const mdvt::ExportJobReport report = mdvt::RunExportJob(options, control);
          mdvt::example::Summary summary;
          summary.frames = report.frames;
          for (const std::string& output :
               {report.grey_output, options.ply_folder, options.obj_folder})
            if (!output.empty()) summary.outputs.push_back(output);
          summary.details = std::to_string(report.width) + "x" + std::to_string(report.height);
          if (report.files > 0) summary.details += ", " + std::to_string(report.files) + " files";
          return summary;
        });
  });
}
