// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>

#include "core/file_ending.h"
#include "mdvt/core/error.h"
#include "mdvt/pipeline/jobs.h"
#include "pipeline/export_format.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

void DescribeFormat(OptionList* list, const ExportFormat& format, ExportJobOptions* options) {
  const std::string name = format.name;
  std::string help = std::string("write ") + format.help;
  if (format.folder) help += "; for a list in a folder per clip";
  Option& option = list->Custom(
      "save_" + name, format.folder ? "FOLDER" : "FILE", "a name", help,
      [=] {
        const auto found = options->exports.find(name);
        return found == options->exports.end() ? "" : found->second;
      },
      [=](const std::string& path) {
        options->exports.erase(name);
        if (!path.empty()) options->exports[name] = path;
        return true;
      });
  format.folder ? option.Folder() : option.Output();
  option.Default("none");
  if (format.needs_poses) option.OnlyWith("transformation_file");
}

}  // namespace

void Describe(OptionList* list, TrackCloudOptions* options) {
  list->Section("tracks");
  list->Field("track_file", &options->track_file, "JSON",
              "points followed through the video: write <depth_video>_avgmonodepth.ply, where they "
              "are by the depth of all frames")
      .Input()
      .OnlyWith("transformation_file");
  list->Field("use_triangulated_points", &options->use_triangulated_points,
              "write <depth_video>_triangulated.ply, where their rays meet, too")
      .OnlyWith("track_file");
  list->Field("triangulation_min_observations", &options->min_observations, {2, 100000}, "FRAMES",
              "leave out tracks that are seen in fewer frames")
      .Alias("tringulation_min_observations")
      .OnlyWith("track_file");
  list->Field("triangulation_min_angle", &options->min_angle_deg, {0, 90}, "DEGREES",
              "leave out points that are seen from more or less one side only")
      .OnlyWith("track_file");
  list->Field("save_rescaled_depth", &options->save_rescaled_depth,
              "write <depth_video>_rescaled.mkv: the scale of each frame as triangulated points "
              "want it")
      .OnlyWith("track_file");
  list->Field("global_align", &options->global_align,
              "let 1 / depth have a shift too, the same in all frames; writes the triangulated "
              "points")
      .OnlyWith("track_file");
  list->Field("merge_close_points", &options->merge_close_points,
              "tracks less than 5 mm apart in some frame are one point")
      .OnlyWith("track_file");
  list->Field("strict_mask", &options->strict_mask,
              "leave out tracks that are masked in any frame, in all of them")
      .OnlyWith("mask_video");
  list->Field("show_scene_point_clouds", &options->show_scene_point_clouds,
              "show the points in a web browser when all is written, until you press Ctrl-C: the "
              "triangulated ones if they are written, else those by depth")
      .OnlyWith("track_file");
  list->Field("show_both_point_clouds", &options->show_both_point_clouds,
              "show both; needs --use_triangulated_points or --global_align")
      .OnlyWith("track_file");
  list->Field(
          "export_html", &options->export_html, "FOLDER",
          "write what --show_scene_point_clouds or --show_both_point_clouds shows as files that "
          "any web server can host, in place of showing it")
      .Folder()
      .OnlyWith("track_file");
  list->Field("port", &options->port, {1, 65535}, "PORT", "of the page on this machine")
      .Or(0, "any that is free")
      .OnlyWith("track_file");
  Describe(list, &options->mask);
  list->Refine("mask_video").OnlyWith("track_file");
}

void Describe(OptionList* list, ExportJobOptions* options) {
  list->Field("depth_video", &options->depth_video, "FILE", "depth video").Input(true).Required();
  list->Field("color_video", &options->color_video, "FILE", "colors of the points")
      .Input(true)
      .Default("grey by depth");
  list->Field("output", &options->output, "FILE", "grey video (.mkv), or a folder")
      .Output()
      .Default("<depth_video>_grey8.mkv or _grey16.mkv");
  list->Field("bit8", &options->bit8, "write an 8-bit grey video, white at the end of the range")
      .Excludes("bit16");
  list->Field("bit16", &options->bit16,
              "write a 16-bit grey video, code 65025 at the end of the range");
  for (const ExportFormat& format : ExportFormats()) DescribeFormat(list, format, options);
  list->Field("save_alembic", &options->save_alembic,
              "write <depth_video>_alembic.abc and .abc.blend with Blender: the moving camera, and "
              "the points of tracks, or else the first frame as a mesh")
      .OnlyWith("transformation_file");
  list->Field("blender", &options->blender, "PROGRAM",
              "the Blender that does it, one that has Alembic")
      .OnlyWith("save_alembic");
  list->Field("voxel_size", &options->voxel_size, {1e-4, 1000}, "METRES",
              "one point in a cube of this size in --save_scene, _colmap and _nerfstudio");
  Describe(list, &options->fov, "from the depth file");
  Describe(list, &options->depth);
  list->Field("min_frames", &options->min_frames, {0, kUnlimitedWhole}, "N",
              "number of the first frame to convert, from 0")
      .Or(-1, "0");
  list->Field("frame_step", &options->frame_step, {1, kUnlimitedWhole}, "N",
              "convert every N-th frame only");
  list->Field("transformation_file", &options->transformation_file, "JSON",
              "camera path: write geometry in world axes")
      .Input();
  list->Field("transformation_lock_frame", &options->transformation_lock_frame,
              {0, kUnlimitedWhole}, "N", "make this frame's camera the world's axes")
      .Default("the file's own axes")
      .OnlyWith("transformation_file");
  static const EnumNames<Axes> axes = {
      {"opencv", Axes::kOpenCv}, {"opengl", Axes::kOpenGl}, {"blender", Axes::kBlender}};
  list->Field("axes", &options->axes, axes,
              "of --save_ply, --save_obj, --save_scene and points of tracks: opencv: x right, y "
              "down, z forward; opengl: y up, z backward; blender: y forward, z up");
  list->Field("remove_edges", &options->remove_edges,
              "leave out triangles between surfaces that lie apart, and points of no triangle");
  Describe(list, &options->tear);
  list->Field("tear_baseline", &options->tear_baseline, {0, 1, true, false}, "METRES",
              "the distance of the eyes that would see it");
  Describe(list, &options->tracks);
  DescribePictures(list, &options->job);
  Describe(list, &options->job);
}

void ExportJobOptions::Check() const {
  CheckDescribed(*this);
  job.limits.Check();
  Require(bit8 || bit16 || !exports.empty() || !tracks.empty() || save_alembic,
          Code::kInvalidArgument,
          "nothing to write: give --bit8 or --bit16 for a grey video, --track_file for points in "
          "space, or one of --save_ply, --save_obj, --save_glb ...");
  Require(!tracks.global_align || tracks.save_rescaled_depth || tracks.use_triangulated_points,
          Code::kInvalidArgument,
          "global_align is for depth that is rescaled: give --save_rescaled_depth");
  Require(!tracks.show_both_point_clouds || tracks.writes_triangulated(), Code::kInvalidArgument,
          "show_both_point_clouds: there is one cloud only, give --use_triangulated_points too");
  Require(!tracks.shows() || !tracks.empty(), Code::kInvalidArgument,
          "show_scene_point_clouds and show_both_point_clouds are for points of tracks: give "
          "--track_file");
  Require(tracks.export_html.empty() || tracks.shows(), Code::kInvalidArgument,
          "export_html: give --show_scene_point_clouds or --show_both_point_clouds, which say what "
          "is on the page");
  Require(
      tracks.port == 0 || (tracks.shows() && tracks.export_html.empty()), Code::kInvalidArgument,
      "port: give --show_scene_point_clouds or --show_both_point_clouds, without --export_html");
  std::error_code ignored;
  const bool is_folder = std::filesystem::is_directory(output, ignored);
  for (const auto& [name, path] : exports) {
    const auto& formats = ExportFormats();
    const auto known = std::find_if(formats.begin(), formats.end(),
                                    [&, &name = name](const auto& f) { return f.name == name; });
    Require(known != formats.end(), Code::kInvalidArgument,
            "there is no export format '" + name + "'");
    Require(!known->needs_poses || !transformation_file.empty(), Code::kInvalidArgument,
            "save_" + name + " needs the path of the camera: give a transformation file");
    if (known->ending != nullptr)
      Require(LowerEnding(path) == known->ending, Code::kInvalidArgument,
              "save_" + name + " is '" + path + "': the name must end in " + known->ending);
  }
  Require(!(bit8 && bit16), Code::kInvalidArgument, "bit8 and bit16 contradict each other");
  Require(output.empty() || bit8 || bit16 || (is_folder && (!tracks.empty() || save_alembic)),
          Code::kInvalidArgument,
          "an output name is for a grey video, none was asked for (points of tracks, rescaled "
          "depth and Alembic go into a folder)");
  Require(!save_alembic || !transformation_file.empty(), Code::kInvalidArgument,
          "save_alembic needs the path of the camera: give a transformation file");
  Require(!blender.empty(), Code::kInvalidArgument, "blender: give the name of a program");
  Require(tracks.empty() || !transformation_file.empty(), Code::kInvalidArgument,
          "track_file needs the path of the camera: give a transformation file");
  Require(!transformation_lock_frame || !transformation_file.empty(), Code::kInvalidArgument,
          "a transformation lock frame needs a transformation file");
}

}  // namespace mdvt
