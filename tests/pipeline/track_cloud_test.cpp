// SPDX-License-Identifier: Apache-2.0
#include "pipeline/track_cloud.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "io/expect_error.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/track_file.h"
#include "mdvt/pipeline/track_points.h"
#include "room_clip.h"
#include "support/http_client.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

// 5 % of a frame's own, always the same.
double Jitter(int frame) { return 1 + 0.05 * std::sin(12.9898 * frame + 1) * std::sqrt(2.0); }

// Tracks of points on surfaces, as exact as a file holds them.
void WriteTrueTracks(const RoomClip& room, const std::string& path, int step = 12) {
  TrackFileWriter writer(path, {room.shape.width, room.shape.height, true});
  const RayCaster caster(room.clip.scene);
  const View first = room.clip.At(0);
  std::vector<Eigen::Vector3d> points;
  for (int y = step / 2; y < room.shape.height; y += step) {
    for (int x = step / 2; x < room.shape.width; x += step) {
      const Eigen::Vector2d pixel(x + 0.5, y + 0.5);
      const double z = static_cast<double>(room.depths[0].Plane<float>().At(x, y));
      points.push_back(first.world_from_cam * Unproject(first.camera, pixel, z));
    }
  }
  for (int frame = 0; frame < room.shape.frames; ++frame) {
    const View view = room.clip.At(frame);
    std::vector<TrackRow> rows;
    for (size_t i = 0; i < points.size(); ++i) {
      const Eigen::Vector3d p = view.world_from_cam.inverse() * points[i];
      const Eigen::Vector2d at = Project(view.camera, p);
      if (!(at.x() >= 0 && at.y() >= 0 && at.x() < view.camera.width &&
            at.y() < view.camera.height))
        continue;
      const float seen = room.depths[static_cast<size_t>(frame)].Plane<float>().At(
          static_cast<int>(at.x()), static_cast<int>(at.y()));
      if (static_cast<double>(seen) < 0.98 * p.z()) continue;
      rows.push_back({static_cast<int32_t>(i), at.x(), at.y(), 1});
    }
    writer.AddFrame(std::move(rows));
  }
  writer.Finish();
}

// Mean of |z / true z - 1| over all frames of a depth video.
double AbsRel(const std::string& path, const std::vector<Image>& truth) {
  DepthVideoReader reader(path);
  double sum = 0;
  int64_t count = 0;
  for (const Image& image : truth) {
    const std::optional<DepthFrame> frame = reader.Read();
    EXPECT_TRUE(frame.has_value());
    if (!frame) break;
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) {
        const auto z = static_cast<double>(image.Plane<float>().At(x, y));
        if (!(z > 0)) continue;
        sum += std::abs(static_cast<double>(frame->depth.Plane<float>().At(x, y)) / z - 1);
        ++count;
      }
    }
  }
  EXPECT_FALSE(reader.Read().has_value());
  return sum / static_cast<double>(count);
}

class TrackCloudJob : public ::testing::Test {
 protected:
  ExportJobOptions Options(const RoomClip& room, const std::string& tracks) {
    ExportJobOptions options;
    options.depth_video = room.depth;
    options.color_video = room.color;
    options.transformation_file = room.poses;
    options.tracks.track_file = tracks;
    options.job.num_threads = 2;
    return options;
  }
  const TempDir dir_;
};

TEST_F(TrackCloudJob, FindsThePointsAndTheScaleOfEachFrame) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 16, 1, Jitter);
  WriteTrueTracks(room, dir_ / "tracks.json");
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.use_triangulated_points = true;
  options.tracks.save_rescaled_depth = true;
  options.output = dir_.path().string();
  const TrackCloudReport report = RunExportJob(options).tracks.value();
  EXPECT_EQ(report.frames, 16);
  EXPECT_GT(report.triangulated, 80);
  EXPECT_LT(report.median_rms, 0.05);
  EXPECT_EQ(report.average_output, room.depth + "_avgmonodepth.ply");
  EXPECT_EQ(report.rescaled_output, room.depth + "_rescaled.mkv");

  // Every triangulated point lies on a surface: before the first camera it has the depth of there.
  const TriangleMesh cloud = ReadPly(report.triangulated_output);
  ASSERT_EQ(static_cast<int64_t>(cloud.points.size()), report.triangulated);
  int good = 0;
  for (const Eigen::Vector3f& point : cloud.points) {
    const Eigen::Vector2d at = Project(room.clip.camera, point.cast<double>());
    const int x = static_cast<int>(at.x()), y = static_cast<int>(at.y());
    if (x < 0 || y < 0 || x >= room.shape.width || y >= room.shape.height) continue;
    const float z = room.depths[0].Plane<float>().At(x, y);
    if (std::abs(point.z() / z - 1) < 0.02f) ++good;
  }
  EXPECT_GT(good, 0.9 * static_cast<double>(cloud.points.size()));
  EXPECT_EQ(static_cast<int64_t>(ReadPly(report.average_output).points.size()),
            report.average_points);
  EXPECT_EQ(cloud.colors.size(), cloud.points.size());

  const double before = AbsRel(room.depth, room.depths);
  const double after = AbsRel(report.rescaled_output, room.depths);
  EXPECT_GT(before, 0.03);
  EXPECT_LT(after, before / 6);
  EXPECT_LT(*report.error_after, *report.error_before / 3);

  // Once more: nothing is left to do.
  ExportJobOptions again = options;
  again.depth_video = report.rescaled_output;
  const TrackCloudReport second = RunExportJob(again).tracks.value();
  EXPECT_NEAR(AbsRel(second.rescaled_output, room.depths), after, 0.002);
}

// The observations of a COLMAP model reproject to where its pictures saw them, and point back.
TEST_F(TrackCloudJob, GivesColmapTheObservations) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 8);
  WriteTrueTracks(room, dir_ / "tracks.json");
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.output = dir_.path().string();
  options.exports["colmap"] = dir_ / "colmap";
  options.frame_step = 2;
  RunExportJob(options);
  const std::string model = dir_ / "colmap/sparse/0/";
  const auto lines = [&](const std::string& name) {
    std::ifstream file(model + name);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);)
      if (line.empty() || line[0] != '#') all.push_back(line);
    return all;
  };
  struct Seen {
    double x, y;
    uint64_t point;
  };
  std::vector<Pose> cam_from_world;
  std::vector<std::vector<Seen>> seen;
  const std::vector<std::string> images = lines("images.txt");
  ASSERT_EQ(images.size(), 8u);  // two lines for each of four frames
  for (size_t i = 0; i < images.size(); i += 2) {
    std::istringstream head(images[i]), points(images[i + 1]);
    int id = 0;
    double w, x, y, z;
    Pose pose = Pose::Identity();
    head >> id >> w >> x >> y >> z >> pose.translation().x() >> pose.translation().y() >>
        pose.translation().z();
    EXPECT_EQ(id, static_cast<int>(i / 2) + 1);
    pose.linear() = Eigen::Quaterniond(w, x, y, z).toRotationMatrix();
    cam_from_world.push_back(pose);
    seen.emplace_back();
    for (Seen one{}; points >> one.x >> one.y >> one.point;) seen.back().push_back(one);
  }
  const std::vector<std::string> points = lines("points3D.txt");
  ASSERT_GT(points.size(), 50u);
  size_t observations = 0;
  for (const std::string& line : points) {
    std::istringstream row(line);
    uint64_t id = 0;
    Eigen::Vector3d point;
    int red, green, blue;
    double error;
    row >> id >> point.x() >> point.y() >> point.z() >> red >> green >> blue >> error;
    size_t image = 0, index = 0, count = 0;
    for (; row >> image >> index; ++count) {
      ASSERT_LT(index, seen.at(image - 1).size());
      const Seen& at = seen[image - 1][index];
      EXPECT_EQ(at.point, id);
      const Eigen::Vector2d xy = Project(room.clip.camera, cam_from_world[image - 1] * point);
      EXPECT_LT((xy - Eigen::Vector2d(at.x, at.y)).norm(), 1);
    }
    EXPECT_GE(count, 2u);
    observations += count;
  }
  size_t in_images = 0;
  for (const auto& image : seen) in_images += image.size();
  EXPECT_EQ(observations, in_images);

  // COLMAP itself, where it is installed, reads the binary model and adjusts it.
  if (std::system("command -v colmap > /dev/null 2>&1") != 0) return;
  const std::string command = "QT_QPA_PLATFORM=offscreen colmap bundle_adjuster --input_path '" +
                              model + "' --output_path '" + dir_.path().string() +
                              "' > /dev/null 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST_F(TrackCloudJob, UndoesTheJitterWithTracksOfItsOwn) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 20, 1, Jitter);
  TrackPointsJobOptions tracking;
  tracking.color_video = room.color;
  tracking.points = 400;
  const std::string tracks = RunTrackPointsJob(tracking).output;
  ExportJobOptions options = Options(room, tracks);
  options.tracks.save_rescaled_depth = true;
  const TrackCloudReport report = RunExportJob(options).tracks.value();
  EXPECT_TRUE(report.triangulated_output.empty()) << "not asked for";
  EXPECT_LT(AbsRel(report.rescaled_output, room.depths), AbsRel(room.depth, room.depths) / 3);
}

TEST_F(TrackCloudJob, FindsTheShiftOfTheWholeClip) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 16);
  WriteTrueTracks(room, dir_ / "tracks.json");
  // 1 / z = 1.1 / depth + 0.03
  DepthClipOptions clip;
  clip.encoding = DepthEncoding::kGray16;
  clip.max_depth = 60;
  clip.tags.xfov_deg = room.clip.camera.xfov_deg();
  MakeDepth(
      room.depth, room.shape,
      [&](int frame, int x, int y) {
        const float z = room.depths[static_cast<size_t>(frame)].Plane<float>().At(x, y);
        return 1.1f / (1 / z - 0.03f);
      },
      clip);
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.save_rescaled_depth = true;
  const double scaled = AbsRel(RunExportJob(options).tracks->rescaled_output, room.depths);
  options.tracks.global_align = true;
  const TrackCloudReport report = RunExportJob(options).tracks.value();
  ASSERT_TRUE(report.shift.has_value());
  EXPECT_NEAR(*report.shift, 0.03, 0.003);
  EXPECT_FALSE(report.triangulated_output.empty()) << "comes with it";
  EXPECT_LT(AbsRel(report.rescaled_output, room.depths), 0.01);
  EXPECT_LT(AbsRel(report.rescaled_output, room.depths), scaled / 3);
}

TEST_F(TrackCloudJob, KeepsWhatIsMissingAndWhatIsFar) {
  RoomClip room = MakeRoomClip(dir_.path().string(), 12, 1, [](int) { return 1.3; });
  WriteTrueTracks(room, dir_ / "tracks.json");
  DepthClipOptions clip;
  clip.max_depth = 9;
  clip.tags.xfov_deg = room.clip.camera.xfov_deg();
  MakeDepth(
      room.depth, room.shape,
      [&](int frame, int x, int y) {
        if (x < 20) return 0.f;
        if (x < 40) return 9.f;
        return 1.3f * room.depths[static_cast<size_t>(frame)].Plane<float>().At(x, y);
      },
      clip);
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.save_rescaled_depth = true;
  options.job.max_frames = 8;
  options.min_frames = 2;
  const TrackCloudReport report = RunExportJob(options).tracks.value();
  EXPECT_EQ(report.frames, 8);
  DepthVideoReader reader(report.rescaled_output);
  EXPECT_EQ(reader.codec().max_depth, 9);
  int frames = 0;
  while (const std::optional<DepthFrame> frame = reader.Read()) {
    const DepthView depth = frame->depth.Plane<float>();
    EXPECT_EQ(depth.At(5, 50), 0);
    EXPECT_GE(depth.At(30, 50), 8.99f);
    const float z = room.depths[static_cast<size_t>(2 + frames)].Plane<float>().At(120, 100);
    EXPECT_NEAR(depth.At(120, 100) / z, 1, 0.02);
    ++frames;
  }
  EXPECT_EQ(frames, 8);
}

TEST_F(TrackCloudJob, HeedsTheMask) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 8);
  WriteTrueTracks(room, dir_ / "tracks.json");
  // White right of the middle in frame 3 only, and everywhere.
  const auto mask = [&](const std::string& path, const auto& is_white) {
    VideoWriterOptions video;
    video.time_base = {1, 24};
    video.frame_rate = {24, 1};
    VideoWriter writer(path, PixelFormat::Gray(8), room.shape.width, room.shape.height, video);
    for (int frame = 0; frame < 8; ++frame) {
      Image image(PixelFormat::Gray(8), room.shape.width, room.shape.height);
      for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
          image.MutablePlane<uint8_t>().At(x, y) = is_white(frame, x) ? 255 : 0;
      writer.Write(image, frame, 1);
    }
    writer.Finish();
    return path;
  };
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  const int64_t all = RunExportJob(options).tracks->average_points;
  options.tracks.mask.video =
      mask(dir_ / "mask.mkv", [](int frame, int x) { return frame == 3 && x > 120; });
  EXPECT_NEAR(static_cast<double>(RunExportJob(options).tracks->average_points),
              static_cast<double>(all), 0.1 * static_cast<double>(all));
  options.tracks.strict_mask = true;
  const int64_t strict = RunExportJob(options).tracks->average_points;
  EXPECT_LT(strict, 0.7 * static_cast<double>(all));
  EXPECT_GT(strict, 0.3 * static_cast<double>(all));
  // Frames that are left out take their masks with them: what only the second one hides is there.
  options.min_frames = 2;
  options.tracks.mask.video = mask(dir_ / "early.mkv", [](int frame, int) { return frame == 1; });
  const int64_t later = RunExportJob(options).tracks->average_points;
  options.tracks.mask.video.clear();
  options.tracks.strict_mask = false;
  EXPECT_EQ(later, RunExportJob(options).tracks->average_points);
  options.min_frames = -1;
  options.tracks.mask.video = mask(dir_ / "white.mkv", [](int, int) { return true; });
  options.output = "";
  ExpectError(Code::kRefused, "covers all of them", [&] { RunExportJob(options); });
}

TEST_F(TrackCloudJob, MergesPointsThatLieTogether) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 8);
  WriteTrueTracks(room, dir_ / "once.json");
  // Each track again, under another number.
  const TrackTable once = ReadTrackFile(dir_ / "once.json");
  TrackFileWriter twice(dir_ / "twice.json", {room.shape.width, room.shape.height, true});
  for (int64_t frame = 0; frame < once.num_frames(); ++frame) {
    std::vector<TrackRow> rows;
    for (const TrackSighting& s : once.Frame(frame)) {
      const int32_t id = once.ids()[static_cast<size_t>(s.track)];
      rows.push_back({id, static_cast<double>(s.x), static_cast<double>(s.y), 1});
      rows.push_back({id + 5000, static_cast<double>(s.x), static_cast<double>(s.y), 1});
    }
    twice.AddFrame(std::move(rows));
  }
  twice.Finish();
  const int64_t points = RunExportJob(Options(room, dir_ / "once.json")).tracks->average_points;
  ExportJobOptions options = Options(room, dir_ / "twice.json");
  EXPECT_EQ(RunExportJob(options).tracks->average_points, 2 * points);
  options.tracks.merge_close_points = true;
  EXPECT_EQ(RunExportJob(options).tracks->average_points, points);
}

TEST_F(TrackCloudJob, NamesWhatDoesNotBelongTogether) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 8);
  WriteTrueTracks(room, dir_ / "tracks.json");
  const auto refuse = [&](Code code, const char* part, const auto& change) {
    ExportJobOptions options = Options(room, dir_ / "tracks.json");
    change(&options);
    ExpectError(code, part, [&] { RunExportJob(options); });
    EXPECT_FALSE(fs::exists(room.depth + "_avgmonodepth.ply"));
  };
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  };
  refuse(Code::kCorrupt, "has points in frame 9, the depth video", [&](auto* options) {
    options->tracks.track_file =
        write("long.json", "[[[1,2,3]],[],[],[],[],[],[],[],[],[[1,2,3]]]");
  });
  refuse(Code::kCorrupt, "the tracks are those of another video", [&](auto* options) {
    options->tracks.track_file = write("large.json", "[[[1,2000,3]]]");
  });
  refuse(Code::kRefused, "holds no points",
         [&](auto* options) { options->tracks.track_file = write("empty.json", "[[],[],[]]"); });
  refuse(Code::kRefused, "no track is seen in 100 frames or more",
         [&](auto* options) { options->tracks.min_observations = 100; });
  refuse(Code::kRefused, "rays nearly parallel", [&](auto* options) {
    options->tracks.use_triangulated_points = true;
    options->tracks.min_angle_deg = 60;
  });
  refuse(Code::kInvalidArgument, "give a transformation file",
         [&](auto* options) { options->transformation_file = ""; });
  refuse(Code::kInvalidArgument, "save_rescaled_depth",
         [&](auto* options) { options->tracks.global_align = true; });
  refuse(Code::kNotFound, "none.json",
         [&](auto* options) { options->tracks.track_file = dir_ / "none.json"; });
  refuse(Code::kCorrupt, "tracking file",
         [&](auto* options) { options->tracks.track_file = room.poses; });
  LogCatcher log;
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  const TrackTable tracks = ReadTrackFile(dir_ / "tracks.json");
  TrackTable shorter = tracks;
  shorter.ResizeFrames(6);
  WriteTrackFile(dir_ / "short.json", shorter, {room.shape.width, room.shape.height, true});
  options.tracks.track_file = dir_ / "short.json";
  EXPECT_GT(RunExportJob(options).tracks->average_points, 10);
  EXPECT_TRUE(log.Says("ends after 6 frames of 8"));
}

TEST(TrackSets, JoinInAnyOrder) {
  TrackSets sets(6);
  sets.Join(5, 3);
  sets.Join(1, 3);
  sets.Join(4, 5);
  for (const int32_t track : {1, 3, 4, 5}) EXPECT_EQ(sets.Of(track), 1);
  EXPECT_EQ(sets.Of(0), 0);
  EXPECT_EQ(sets.Of(2), 2);
}

TEST(DepthBehind, KeepsToOneSurface) {
  const float depth[4] = {2, 2.02f, 2, 4};
  const DepthView view{depth, 8, 2, 2};
  EXPECT_NEAR(DepthBehind({depth, 8, 2, 1}, 1, 0.5f, 9), 2.00995f, 1e-4f);
  EXPECT_EQ(DepthBehind(view, 1.4f, 1.4f, 9), 4);
  EXPECT_EQ(DepthBehind(view, 0.6f, 0.6f, 9), 2);
  EXPECT_EQ(DepthBehind(view, 1.4f, 1.4f, 4), 0) << "saturated";
  const float none[1] = {0};
  EXPECT_EQ(DepthBehind({none, 4, 1, 1}, 0.5f, 0.5f, 9), 0);
}

// The task of a rendered clip: its own tracks, its true path, depth that jitters by 5 % a frame.
TEST_F(TrackCloudJob, UndoesTheJitterOfARenderedClip) {
  MDVT_SKIP_WITHOUT_DATA();
  const fs::path folder = DataDir() / "dev_dolly";
  std::ostringstream text;
  text << std::ifstream((folder / "scene.json").string()).rdbuf();
  const nlohmann::json scene = nlohmann::json::parse(text.str());
  RoomClip clip;
  clip.color = (folder / "color.mp4").string();
  clip.depth = dir_ / "depth.mkv";
  clip.poses = dir_ / "poses.json";
  std::ofstream(clip.poses) << scene["frames"].dump();
  DepthVideoReaderOptions reading;
  reading.encoding = DepthEncoding::kGray16;
  reading.max_depth = 65.535;
  DepthVideoReader reader((folder / "depth_mm.mkv").string(), reading);
  while (const std::optional<DepthFrame> frame = reader.Read())
    clip.depths.push_back(frame->depth.Clone());
  clip.shape = {640, 360, static_cast<int>(clip.depths.size()), {24, 1}};
  DepthClipOptions depth;
  depth.encoding = DepthEncoding::kGray16;
  depth.max_depth = 65.535;
  depth.tags.yfov_deg = scene["yfov_deg"].get<double>();
  MakeDepth(
      clip.depth, clip.shape,
      [&](int frame, int x, int y) {
        return static_cast<float>(Jitter(frame)) *
               clip.depths[static_cast<size_t>(frame)].Plane<float>().At(x, y);
      },
      depth);
  TrackPointsJobOptions tracking;
  tracking.color_video = clip.color;
  tracking.output = dir_ / "tracks.json";
  ExportJobOptions options = Options(clip, RunTrackPointsJob(tracking).output);
  options.tracks.save_rescaled_depth = true;
  const TrackCloudReport report = RunExportJob(options).tracks.value();
  const double before = AbsRel(clip.depth, clip.depths);
  const double after = AbsRel(report.rescaled_output, clip.depths);
  EXPECT_LE(after, before / 3) << before;
}

std::string Content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

// The positions at the beginning of what the page fetches.
std::vector<Eigen::Vector3f> PositionsIn(const std::string& bytes, int64_t count) {
  std::vector<Eigen::Vector3f> points(static_cast<size_t>(count));
  EXPECT_GE(bytes.size(), 12 * points.size());
  for (size_t i = 0; i < points.size(); ++i) std::memcpy(points[i].data(), &bytes[12 * i], 12);
  return points;
}

TEST_F(TrackCloudJob, WritesAPageOfThePoints) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 10);
  WriteTrueTracks(room, dir_ / "tracks.json");
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.show_scene_point_clouds = true;
  options.tracks.export_html = dir_ / "average";
  options.axes = Axes::kBlender;  // of files; the page has its own
  TrackCloudReport report = RunExportJob(options).tracks.value();
  for (const char* name : {"index.html", "viewer.js", "renderer.js", "style.css"})
    EXPECT_TRUE(fs::exists(options.tracks.export_html + "/" + name)) << name;
  auto clip = nlohmann::json::parse(Content(options.tracks.export_html + "/clip.json"));
  EXPECT_EQ(clip["frames"], 0);
  EXPECT_TRUE(clip["show"]["axes"].get<bool>());
  EXPECT_EQ(clip["path"].size(), 10u);
  ASSERT_EQ(clip["clouds"].size(), 1u);
  EXPECT_EQ(clip["clouds"][0]["name"], "points by depth");
  EXPECT_EQ(clip["clouds"][0]["points"], report.average_points);
  // The first frame's camera is the world: what it sees lies before it.
  const std::string bytes =
      Content(options.tracks.export_html + "/" + clip["clouds"][0]["file"].get<std::string>());
  for (const Eigen::Vector3f& point : PositionsIn(bytes, report.average_points))
    EXPECT_GT(point.z(), 0.5f);

  options.tracks.use_triangulated_points = true;
  options.tracks.show_both_point_clouds = true;
  options.tracks.export_html = dir_ / "both";
  options.axes = Axes::kOpenCv;
  options.job.overwrite = true;
  report = RunExportJob(options).tracks.value();
  clip = nlohmann::json::parse(Content(options.tracks.export_html + "/clip.json"));
  ASSERT_EQ(clip["clouds"].size(), 2u);
  EXPECT_EQ(clip["clouds"][0]["name"], "triangulated points");
  EXPECT_EQ(clip["clouds"][1]["points"], report.average_points);
  const TriangleMesh ply = ReadPly(report.triangulated_output);
  const auto shown = PositionsIn(
      Content(options.tracks.export_html + "/" + clip["clouds"][0]["file"].get<std::string>()),
      report.triangulated);
  ASSERT_EQ(shown.size(), ply.points.size());
  for (size_t i = 0; i < shown.size(); ++i) EXPECT_EQ(shown[i], ply.points[i]);
}

TEST_F(TrackCloudJob, ShowsThePointsOnceTheFilesAreThere) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 10);
  WriteTrueTracks(room, dir_ / "tracks.json");
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.show_scene_point_clouds = true;
  std::atomic<bool> cancelled{false};
  int pages = 0;
  options.on_ready = [&](const std::string& url) {
    EXPECT_TRUE(fs::exists(room.depth + "_avgmonodepth.ply"));
    const size_t begin = std::string("http://127.0.0.1:").size();
    const int port = std::stoi(url.substr(begin));
    const std::string path = url.substr(url.find('/', begin));
    const auto clip = nlohmann::json::parse(Get(port, path + "clip.json").body);
    EXPECT_EQ(clip["clouds"][0]["file"], "avgmonodepth.bin");
    EXPECT_EQ(Get(port, path).Header("Content-Type"), "text/html; charset=utf-8");
    EXPECT_GE(Get(port, path + "avgmonodepth.bin").body.size(),
              15 * clip["clouds"][0]["points"].get<size_t>());
    for (const char* name : {"triangulated.bin", "frames/000000.bin", "../tracks.json"})
      EXPECT_EQ(Get(port, path + name).status, 404) << name;
    ++pages;
    cancelled = true;
  };
  RunControl control;
  control.cancelled = &cancelled;
  EXPECT_GT(RunExportJob(options, control).tracks.value().average_points, 80);
  EXPECT_EQ(pages, 1);
}

TEST_F(TrackCloudJob, RefusesToShowWhatIsNotThere) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 4);
  WriteTrueTracks(room, dir_ / "tracks.json");
  ExportJobOptions options = Options(room, dir_ / "tracks.json");
  options.tracks.show_both_point_clouds = true;
  ExpectError(Code::kInvalidArgument, "use_triangulated_points", [&] { options.Check(); });
  options.tracks.global_align = options.tracks.save_rescaled_depth = true;
  options.Check();
  options.tracks.port = 8080;
  options.Check();
  options.tracks.export_html = dir_ / "page";
  ExpectError(Code::kInvalidArgument, "port", [&] { options.Check(); });
  options.tracks.port = 0;
  options.tracks.show_both_point_clouds = false;
  ExpectError(Code::kInvalidArgument, "export_html", [&] { options.Check(); });
  // Nothing appears of a run that fails, the page neither.
  options.tracks.show_both_point_clouds = true;
  options.tracks.min_observations = 100;
  ExpectError(Code::kRefused, "no track is seen in", [&] { RunExportJob(options); });
  EXPECT_FALSE(fs::exists(options.tracks.export_html));
}

}  // namespace
}  // namespace mdvt::test
