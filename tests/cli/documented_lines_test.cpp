// SPDX-License-Identifier: Apache-2.0
//
// The command lines that the documents of the original toolbox show for rendering, viewing and
// exporting, letter by letter: a shell runs them, in which `python` hands its script's name and
// arguments to the program of that name. Lines that open a window there serve a page here, until
// they are interrupted.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "support/raycast.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class DocumentedLines : public ::testing::Test {
 protected:
  static constexpr int kFrames = 24;

  // The home folder of the documents: a room that a camera goes through, 3 s long, its depth, path,
  // tracks and mask.
  DocumentedLines() {
    const Clip clip = Scenes::Room(160, 90);
    const RayCaster caster(clip.scene);
    VideoWriterOptions video;
    video.frame_rate = {24, 1};
    video.time_base = {1, 24};
    const std::string name = "in_office_720p.mp4";
    VideoWriterOptions lossy = video;
    lossy.codec = VideoCodec::kH264;
    VideoWriter colors(dir_ / name, PixelFormat::Yuv(420), 160, 90, lossy);
    VideoWriter masks(dir_ / (name + "_mask.mkv"), PixelFormat::Gray(8), 160, 90, video);
    DepthVideoWriterOptions depth;
    depth.video = video;
    DepthVideoWriter depths(dir_ / (name + "_depth.mkv"), 160, 90, depth);
    TrackFileWriter tracks(dir_ / (name + "_tracking.json"), {160, 90, true});
    std::vector<Pose> poses;
    std::vector<Eigen::Vector3d> points;
    for (int i = 0; i < kFrames; ++i) {
      const View view = clip.At(2 * i);
      const Image z = caster.Depth(view);
      if (i == 0) {
        for (int y = 4; y < 90; y += 6)
          for (int x = 4; x < 160; x += 6)
            points.push_back(view.world_from_cam *
                             Unproject(view.camera, {x + 0.5, y + 0.5}, z.Plane<float>().At(x, y)));
      }
      std::vector<TrackRow> rows;
      for (size_t k = 0; k < points.size(); ++k) {
        const Eigen::Vector3d p = view.world_from_cam.inverse() * points[k];
        if (p.z() < 0.1) continue;
        const Eigen::Vector2d at = Project(view.camera, p);
        if (!(at.x() >= 0 && at.y() >= 0 && at.x() < 160 && at.y() < 90)) continue;
        if (z.Plane<float>().At(static_cast<int>(at.x()), static_cast<int>(at.y())) < 0.98 * p.z())
          continue;
        rows.push_back({static_cast<int32_t>(k), at.x(), at.y(), 1});
      }
      tracks.AddFrame(std::move(rows));
      Image mask(PixelFormat::Gray(8), 160, 90);
      for (int y = 0; y < 90; ++y)
        for (int x = 0; x < 160; ++x)
          mask.MutablePlane<uint8_t>().At(x, y) = x < 30 && y > 45 ? 255 : 0;
      colors.Write(caster.Color(view, PixelFormat::Yuv(420)), i, 1);
      masks.Write(mask, i, 1);
      depths.Write(z.Plane<float>(), i, 1);
      poses.push_back(view.world_from_cam);
    }
    colors.Finish();
    masks.Finish();
    depths.Finish();
    tracks.Finish();
    WriteTransformationsFile(dir_ / (name + "_depth.mkv_transformations.json"), poses);
    // The readme's names.
    fs::copy(dir_ / name, dir_ / "some_video.mp4");
    fs::copy(dir_ / name, dir_ / "some_video.mkv");
    fs::copy(dir_ / (name + "_depth.mkv"), dir_ / "some_video_depth.mkv");
    fs::create_directory(dir_ / "tools");
    for (const char* python : {"python", "python3.11"}) {
      const std::string path = dir_ / ("tools/" + std::string(python));
      std::ofstream(path) << "#!/bin/sh\nscript=$1; shift\nexec '" MDVT_PROGRAM_DIR
                             "/'\"${script%.py}\" \"$@\"\n";
      fs::permissions(path, fs::perms::owner_all);
    }
  }

  std::string Command(const std::string& line) const {
    return "cd '" + dir_.path().string() + "' && export HOME='" + dir_.path().string() +
           "' PATH='" + (dir_ / "tools") + "':\"$PATH\" && " + line;
  }
  void Exists(const std::vector<std::string>& files) const {
    for (const std::string& file : files) EXPECT_TRUE(fs::exists(dir_ / file)) << file;
  }

  // Runs a line to its end.
  void Runs(const std::string& line, const std::vector<std::string>& files) const {
    const std::string command = Command("{ " + line + "\n} >out 2>err");
    EXPECT_EQ(std::system(command.c_str()), 0) << line << "\n" << Text("err");
    Exists(files);
  }
  // Runs a line until it says that its page can be looked at.
  void Shows(const std::string& line, const std::vector<std::string>& files) const {
    const std::string command =
        // What an earlier line has said must not be taken for what this one says.
        Command("rm -f out err && set -m && { " + line +
                " >out 2>err & } && program=$! && while ! grep -qs 'http://' out err && "
                "kill -0 $program; do sleep 0.05; done && kill -INT $program && wait $program");
    EXPECT_EQ(std::system(("bash -c " + Quoted(command)).c_str()), 0) << line << "\n"
                                                                      << Text("out") << Text("err");
    Exists(files);
  }
  std::string Text(const std::string& file) const { return test::ReadText(dir_ / file); }
  static std::string Quoted(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
    return quoted + "'";
  }

  const TempDir dir_;
};

TEST_F(DocumentedLines, OfTheWalkthroughRunUnchanged) {
  Shows(
      "python3.11 3d_view_depthfile.py --color_video ~/in_office_720p.mp4 --depth_video "
      "~/in_office_720p.mp4_depth.mkv --yfov 40",
      {});
  Shows(
      "python3.11 convert_metric_depth_video_to_other_format.py --color_video ~/in_office_720p.mp4 "
      "--depth_video ~/in_office_720p.mp4_depth.mkv --yfov 40 --transformation_file "
      "~/in_office_720p.mp4_depth.mkv_transformations.json --track_file "
      "~/in_office_720p.mp4_tracking.json --mask_video ~/in_office_720p.mp4_mask.mkv "
      "--show_scene_point_clouds --use_triangulated_points --tringulation_min_observations 20 "
      "--save_rescaled_depth --show_both_point_clouds --global_align",
      {"in_office_720p.mp4_depth.mkv_rescaled.mkv", "in_office_720p.mp4_depth.mkv_avgmonodepth.ply",
       "in_office_720p.mp4_depth.mkv_triangulated.ply"});
  Shows(
      "python3.11 convert_metric_depth_video_to_other_format.py --color_video ~/in_office_720p.mp4 "
      "--depth_video ~/in_office_720p.mp4_depth.mkv_rescaled.mkv --yfov 40 --transformation_file "
      "~/in_office_720p.mp4_depth.mkv_transformations.json --track_file "
      "~/in_office_720p.mp4_tracking.json --mask_video ~/in_office_720p.mp4_mask.mkv "
      "--show_scene_point_clouds",
      {"in_office_720p.mp4_depth.mkv_rescaled.mkv_avgmonodepth.ply"});
  // Two lines in the document, the second of which goes on with the first.
  Shows(
      "python3.11 3d_view_depthfile.py --color_video ~/in_office_720p.mp4 --depth_video "
      "~/in_office_720p.mp4_depth.mkv_rescaled.mkv --yfov 40 --transformation_file "
      "~/in_office_720p.mp4_depth.mkv_transformations.json --background_ply "
      "~/in_office_720p.mp4_depth.mkv_avgmonodepth.ply --remove_edges --show_camera",
      {});
  Shows(
      "python3.11 3d_view_depthfile.py --color_video ~/in_office_720p.mp4 --depth_video "
      "~/in_office_720p.mp4_depth.mkv_rescaled.mkv --yfov 40 --transformation_file "
      "~/in_office_720p.mp4_depth.mkv_transformations.json --background_ply "
      "~/in_office_720p.mp4_depth.mkv_avgmonodepth.ply --remove_edges --show_camera "
      "--x -0.1 --y 0 --z -3 --mask_video ~/in_office_720p.mp4_mask.mkv --invert_mask "
      "--background_ply ~/in_office_720p.mp4_depth.mkv_rescaled.mkv_avgmonodepth.ply",
      {});
  Runs(
      "python3.11 stereo_rerender.py --color_video ~/in_office_720p.mp4 --depth_video "
      "~/in_office_720p.mp4_depth.mkv_rescaled.mkv --yfov 40 --infill_mask --remove_edges",
      {"in_office_720p.mp4_depth.mkv_rescaled.mkv_stereo.mkv",
       "in_office_720p.mp4_depth.mkv_rescaled.mkv_stereo.mkv_infillmask.mkv"});
}

TEST_F(DocumentedLines, OfTheReadmeRunUnchanged) {
  Runs(
      "python stereo_rerender.py --depth_video some_video_depth.mkv --color_video some_video.mkv "
      "--xfov 48",
      {"some_video_depth.mkv_stereo.mkv"});
  Shows(
      "python 3d_view_depthfile.py --depth_video some_video_depth.mkv --color_video some_video.mkv "
      "--xfov 48",
      {});
  Runs(
      "python convert_metric_depth_video_to_other_format.py --depth_video some_video_depth.mkv "
      "--color_video some_video.mp4 --xfov 55 --save_ply ply_output_folder",
      {"ply_output_folder/0000000.ply", "ply_output_folder/0000023.ply"});
}

// Each option of the readme's usage texts, with what belongs to it.
TEST_F(DocumentedLines, EveryOptionOfTheUsageTextsIsTaken) {
  const std::string both =
      " --depth_video some_video_depth.mkv --color_video some_video.mkv --xfov "
      "48 --yfov 40 --max_depth 100 --max_frames 2 ";
  const std::string path =
      "--transformation_file in_office_720p.mp4_depth.mkv_transformations.json "
      "--transformation_lock_frame 1 ";
  const std::string stereo = "python stereo_rerender.py" + both;
  Runs(stereo + path + "--pupillary_distance 65 --compressed --remove_edges --infill_mask",
       {"some_video_depth.mkv_stereo.mp4", "some_video_depth.mkv_stereo.mp4_infillmask.mkv"});
  Runs(stereo + "--touchly0 --touchly_max_depth 6", {"some_video_depth.mkv_Touchly0.mkv"});
  Runs(stereo + "--touchly1 --touchly_max_depth 6", {"some_video_depth.mkv_Touchly1.mkv"});
  Runs(stereo + "--mask_depth 3 --save_background", {"some_video_depth.mkv_background.npy"});
  Runs(stereo + "--load_background some_video_depth.mkv_background.npy", {});
  const std::string view = "python 3d_view_depthfile.py" + both;
  Runs(view + path +
           "--render --remove_edges --show_camera --compressed --x 1 --y -0.5 --z -2 --tx "
           "0 --ty 0.5 --tz 3",
       {"some_video_depth.mkv_render.mp4"});
  Shows(view + "--draw_frame 2", {});
  const std::string convert = "python convert_metric_depth_video_to_other_format.py" + both;
  Runs(convert + path + "--bit16 --save_ply ply --save_obj obj --remove_edges",
       {"some_video_depth.mkv_grey16.mkv", "ply/0000001.ply", "obj/0000001.obj"});
  Runs(convert + "--bit8", {"some_video_depth.mkv_grey8.mkv"});
}

}  // namespace
}  // namespace mdvt::test
