// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

std::string Contents(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class ExportJob : public ::testing::Test {
 protected:
  // A wall at 2 m, seen with a focal length of the width.
  void SetUp() override {
    shape_.width = 12;
    shape_.height = 8;
    shape_.frames = 5;
    DepthClipOptions clip;
    clip.max_depth = 8;
    MakeDepth(dir_ / "depth.mkv", shape_, Plane(2), clip);
    options_.depth_video = dir_ / "depth.mkv";
    options_.fov.xfov_deg = 2 * std::atan(0.5) * 180 / M_PI;
    options_.job.num_threads = 3;
  }

  // Lines of a text file that begin with a word, without it.
  static std::vector<std::vector<double>> Lines(const std::string& path, const std::string& word) {
    std::istringstream text(Contents(path));
    std::vector<std::vector<double>> lines;
    for (std::string line; std::getline(text, line);) {
      std::istringstream words(line);
      std::string first;
      if (!(words >> first) || first != word) continue;
      std::vector<double> values;
      for (double value = 0; words >> value;) values.push_back(value);
      lines.push_back(values);
    }
    return lines;
  }

  const TempDir dir_;
  ClipShape shape_;
  ExportJobOptions options_;
};

TEST_F(ExportJob, AWallBecomesAFlatMesh) {
  options_.exports["obj"] = dir_ / "obj";
  const ExportJobReport report = RunExportJob(options_);
  EXPECT_EQ(report.frames, 5);
  EXPECT_EQ(report.files, 5);
  for (int frame = 0; frame < 5; ++frame) {
    const std::string path = dir_ / "obj" + "/000000" + std::to_string(frame) + ".obj";
    const auto vertices = Lines(path, "v");
    ASSERT_EQ(vertices.size(), 12u * 8) << path;
    for (size_t i = 0; i < vertices.size(); ++i) {
      const double u = static_cast<double>(i % 12) + 0.5, v = static_cast<double>(i / 12) + 0.5;
      EXPECT_NEAR(vertices[i][0], 2 * (u - 6) / 12, 1e-3);
      EXPECT_NEAR(vertices[i][1], 2 * (v - 4) / 12, 1e-3);
      EXPECT_NEAR(vertices[i][2], 2, 1e-3);
    }
  }
}

// Two walls that meet at a slanted border: every vertex lies on one of them, on the ray through the
// centre of its pixel, and torn triangles have all their corners on the same one.
TEST_F(ExportJob, NothingIsExportedBetweenTwoSurfaces) {
  const auto depth_at = [](int x, int y) { return 2 * x + y < 14 ? 1.0f : 5.0f; };
  shape_.frames = 1;
  DepthClipOptions clip;
  clip.max_depth = 8;
  MakeDepth(
      dir_ / "depth.mkv", shape_, [&](int, int x, int y) { return depth_at(x, y); }, clip);
  options_.exports = {{"ply", dir_ / "ply"}, {"obj", dir_ / "obj"}};
  options_.tear_baseline = 0.5;  // eyes that see the walls some pixels apart
  for (const bool torn : {false, true}) {
    options_.remove_edges = torn;
    RunExportJob(options_);
    const auto vertices = Lines(dir_ / "obj" + "/0000000.obj", "v");
    const auto faces = Lines(dir_ / "obj" + "/0000000.obj", "f");
    const TriangleMesh cloud = ReadPly(dir_ / "ply" + "/0000000.ply");
    ASSERT_EQ(vertices.size(), 12u * 8);
    ASSERT_EQ(cloud.points.size(), vertices.size());
    for (size_t i = 0; i < vertices.size(); ++i) {
      const int x = static_cast<int>(i) % 12, y = static_cast<int>(i) / 12;
      const double z = depth_at(x, y);
      const double want[] = {z * (x + 0.5 - 6) / 12, z * (y + 0.5 - 4) / 12, z};
      for (int k = 0; k < 3; ++k) {
        EXPECT_NEAR(vertices[i][static_cast<size_t>(k)], want[k], 1e-3);
        EXPECT_NEAR(cloud.points[i][k], want[k], 1e-3);
      }
    }
    int between = 0;
    for (const std::vector<double>& face : faces) {
      double low = 1e9, high = 0;
      for (const double corner : face) {
        const double z = vertices[static_cast<size_t>(corner) - 1][2];
        low = std::min(low, z);
        high = std::max(high, z);
      }
      between += high > 2 * low;
    }
    EXPECT_EQ(between == 0, torn) << between << " of " << faces.size();
    EXPECT_GT(faces.size(), 90u);
  }
}

// Meshes part by what eyes see apart, as views do: 8 % from one pixel to the next is nothing far
// away and a step near by.
TEST_F(ExportJob, FarSlopesStayWholeAndNearOnesTear) {
  shape_.frames = 1;
  DepthClipOptions clip;
  clip.max_depth = 100;
  options_.fov.xfov_deg = 0.7;  // a focal length of 980 pixels
  options_.exports["obj"] = dir_ / "obj";
  options_.remove_edges = true;
  for (const auto& [nearest, cells] : {std::pair(20.0f, 11 * 7), {0.5f, 0}}) {
    MakeDepth(
        dir_ / "depth.mkv", shape_,
        [z = nearest](int, int x, int) { return z * std::pow(1.08f, static_cast<float>(x)); },
        clip);
    RunExportJob(options_);
    EXPECT_EQ(Lines(dir_ / "obj" + "/0000000.obj", "f").size(), 2u * static_cast<size_t>(cells));
  }
}

TEST_F(ExportJob, GreyVideosHoldTheShareOfTheRange) {
  options_.bit8 = true;
  options_.output = dir_ / "grey.mkv";
  EXPECT_EQ(RunExportJob(options_).frames, 5);
  std::vector<Image> frames = ReadAllFrames(options_.output);
  ASSERT_EQ(frames.size(), 5u);
  EXPECT_EQ(frames[4].Plane<uint8_t>(0).At(11, 7), std::lround(255 * 2.0 / 8));
  options_.bit8 = false;
  options_.bit16 = true;
  RunExportJob(options_);
  frames = ReadAllFrames(options_.output);
  // The original toolbox's code: 255 * 255 is the end of the range.
  EXPECT_EQ(frames[0].Plane<uint16_t>(0).At(0, 0), std::lround(255 * 255 * 2.0 / 8));
}

TEST_F(ExportJob, AllOutputsAtOnceHoldTheFramesAskedFor) {
  options_.bit16 = true;
  options_.output = dir_ / "grey.mkv";
  options_.exports["ply"] = dir_ / "ply";
  options_.exports["obj"] = dir_ / "obj";
  options_.min_frames = 1;
  options_.job.max_frames = 3;
  const ExportJobReport report = RunExportJob(options_);
  EXPECT_EQ(report.frames, 3);
  EXPECT_EQ(report.files, 6);
  EXPECT_EQ(ReadAllFrames(options_.output).size(), 3u);
  for (const char* name : {"/0000001.", "/0000002.", "/0000003."}) {
    EXPECT_TRUE(fs::exists(options_.exports["ply"] + name + "ply")) << name;
    EXPECT_TRUE(fs::exists(options_.exports["obj"] + name + "obj")) << name;
  }
  EXPECT_FALSE(fs::exists(options_.exports["obj"] + "/0000000.obj"));
  EXPECT_FALSE(fs::exists(options_.exports["obj"] + "/0000004.obj"));
}

TEST_F(ExportJob, GivesTheSameForEveryNumberOfThreads) {
  options_.exports["ply"] = dir_ / "ply";
  std::map<std::string, std::string> first;
  for (const int threads : {1, 2, 3, 7}) {
    options_.job.num_threads = threads;
    RunExportJob(options_);
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::directory_iterator(options_.exports["ply"]))
      files[entry.path().filename().string()] = Contents(entry.path().string());
    EXPECT_EQ(files.size(), 5u);
    if (first.empty()) first = files;
    EXPECT_TRUE(files == first) << threads << " threads";
  }
}

TEST_F(ExportJob, FailuresAreNamedAndLeaveNothing) {
  options_.exports["ply"] = dir_ / "ply";
  const auto fails = [&](Code code, const std::string& text) {
    ExpectError(code, text, [&] { RunExportJob(options_); });
    EXPECT_FALSE(fs::exists(options_.exports["ply"]));
  };
  for (const auto& [name, ending] :
       std::vector<std::pair<const char*, const char*>>{{"camera", ".glb"}, {"scene", ".ply"}}) {
    options_.exports[name] = dir_ / "export.xyz";
    options_.transformation_file = dir_ / "path.json";
    fails(Code::kInvalidArgument, std::string("export.xyz': the name must end in ") + ending);
    options_.exports.erase(name);
    options_.transformation_file.clear();
  }
  options_.min_frames = 5;
  fails(Code::kInvalidArgument, "depth.mkv' has 5 frames: there is no frame 6, counted from 1");
  options_.min_frames = -1;
  ClipShape shorter = shape_;
  shorter.frames = 4;
  MakeColor(dir_ / "color.mkv", shorter, PixelFormat::Yuv(444));
  options_.color_video = dir_ / "color.mkv";
  fails(Code::kCorrupt, "has 5 frames, color video '" + options_.color_video + "' has 4");
  options_.color_video.clear();
  WriteText(dir_ / "path.json", "[[[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]]");
  options_.transformation_file = dir_ / "path.json";
  fails(Code::kCorrupt, "holds the camera of 1 frame, the clip has more");
  options_.transformation_lock_frame = 1;
  fails(Code::kInvalidArgument, "transformation_lock_frame = 1");
  options_.transformation_lock_frame.reset();
  options_.transformation_file.clear();
  options_.fov.xfov_deg.reset();
  fails(Code::kInvalidArgument, "--xfov");
  options_.depth_video = dir_ / "missing.mkv";
  fails(Code::kNotFound, "missing.mkv");
}

}  // namespace
}  // namespace mdvt::test
