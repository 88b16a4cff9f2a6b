// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/track_points.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/pipeline/eval_tracks.h"
#include "room_clip.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

std::string ReadAll(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// A video of one picture per entry: its grey level, or a texture where that is below 0.
std::string MakeGrey(const std::string& path, int width, int height,
                     const std::vector<int>& levels) {
  VideoWriterOptions options;
  options.time_base = {1, 24};
  options.frame_rate = {24, 1};
  VideoWriter writer(path, PixelFormat::Gray(8), width, height, options);
  for (size_t i = 0; i < levels.size(); ++i) {
    Image image(PixelFormat::Gray(8), width, height);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        image.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(
            levels[i] >= 0 ? levels[i]
                           : 127 + 60 * std::sin(0.4 * x) + 60 * std::sin(0.35 * y + 0.1 * x));
    writer.Write(image, static_cast<int64_t>(i), 1);
  }
  writer.Finish();
  return path;
}

class TrackPointsJob : public ::testing::Test {
 protected:
  TrackPointsJobOptions Options(const std::string& video) {
    TrackPointsJobOptions options;
    options.color_video = video;
    options.job.num_threads = 2;
    options.points = 300;
    return options;
  }
  const TempDir dir_;
};

TEST_F(TrackPointsJob, FollowsTheRoom) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 14);
  TrackPointsJobOptions options = Options(room.color);
  options.save_visualization = true;
  const TrackPointsReport report = RunTrackPointsJob(options);
  EXPECT_EQ(report.output, room.color + "_tracking.json");
  EXPECT_EQ(report.frames, 14);
  EXPECT_GT(report.tracks, 100);
  EXPECT_EQ(report.cuts, 0);
  const TrackTable tracks = ReadTrackFile(report.output);
  EXPECT_EQ(tracks.num_frames(), 14);
  EXPECT_EQ(static_cast<int64_t>(tracks.num_tracks()), report.tracks);
  EXPECT_EQ(static_cast<int64_t>(tracks.num_sightings()), report.sightings);

  EvalTracksJobOptions eval;
  eval.track_file = report.output;
  eval.depth_video = room.depth;
  eval.transformation_file = room.poses;
  eval.save_table = dir_ / "table.txt";
  eval.save_html = dir_ / "page.html";
  const EvalTracksReport measured = RunEvalTracksJob(eval);
  EXPECT_LT(measured.metrics.median_error, 0.25);
  EXPECT_GT(measured.metrics.delta[0], 0.6);
  EXPECT_GT(measured.metrics.survival, 0.9);
  EXPECT_NE(ReadAll(eval.save_table).find("average_jaccard"), std::string::npos);
  EXPECT_NE(ReadAll(eval.save_html).find("</svg>"), std::string::npos);
  EXPECT_NE(ReadAll(measured.output).find("\"delta_average\": "), std::string::npos);

  // A dot on every point, all else untouched.
  const std::vector<Image> frames = ReadAllFrames(room.color);
  const std::vector<Image> drawn = ReadAllFrames(report.visualization);
  ASSERT_EQ(drawn.size(), 14u);
  for (const TrackSighting& s : tracks.Frame(7)) {
    const int x = static_cast<int>(s.x), y = static_cast<int>(s.y);
    EXPECT_EQ(drawn[7].Plane<uint8_t>(0).At(x, y), 255);
    EXPECT_EQ(drawn[7].Plane<uint8_t>(1).At(x, y), 0);
  }
  int changed = 0;
  for (int y = 0; y < drawn[7].height(); ++y)
    for (int x = 0; x < drawn[7].width(); ++x)
      changed += drawn[7].Plane<uint8_t>(1).At(x, y) != frames[7].Plane<uint8_t>(1).At(x, y);
  EXPECT_LE(changed, 9 * static_cast<int>(tracks.Frame(7).size()));
}

TEST_F(TrackPointsJob, IsTheSameForEveryNumberOfThreads) {
  const RoomClip room = MakeRoomClip(
      dir_.path().string(), 6, 1, [](int) { return 1.0; }, 120, 72);
  std::string first;
  for (const int threads : {1, 2, 5}) {
    TrackPointsJobOptions options = Options(room.color);
    options.job.num_threads = threads;
    options.output = dir_ / "tracks.json";
    RunTrackPointsJob(options);
    const std::string text = ReadAll(options.output);
    if (first.empty()) first = text;
    EXPECT_TRUE(text == first) << threads;
  }
  EXPECT_GT(first.size(), 1000u);
}

TEST_F(TrackPointsJob, TakesPicturesMadeSmaller) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 8);
  TrackPointsJobOptions options = Options(room.color);
  options.downscale = 2;
  options.seeding = PointSeeding::kGrid;
  options.steps_between_init = 3;
  const TrackPointsReport report = RunTrackPointsJob(options);
  EvalTracksJobOptions eval;
  eval.track_file = report.output;
  eval.depth_video = room.depth;
  eval.transformation_file = room.poses;
  const TrackMetrics metrics = RunEvalTracksJob(eval).metrics;
  EXPECT_LT(metrics.median_error, 0.6);
  EXPECT_GT(metrics.tracks, 50);
}

TEST_F(TrackPointsJob, WritesWholeNumbersOnly) {
  MakeGrey(dir_ / "a.mkv", 64, 48, std::vector<int>(6, -1));
  TrackPointsJobOptions options = Options(dir_ / "a.mkv");
  options.subpixel = false;
  const TrackPointsReport report = RunTrackPointsJob(options);
  const nlohmann::json tracks = nlohmann::json::parse(ReadAll(report.output));
  ASSERT_EQ(tracks.size(), 6u);
  ASSERT_FALSE(tracks[3].empty());
  for (const auto& row : tracks[3]) {
    ASSERT_EQ(row.size(), 3u);
    for (const auto& number : row) EXPECT_TRUE(number.is_number_integer());
  }
}

TEST_F(TrackPointsJob, SaysSoWhereThereIsNothingToFollow) {
  MakeGrey(dir_ / "flat.mkv", 64, 48, {90, 90, 90, 90, 90, 90});
  {
    LogCatcher log;
    const TrackPointsReport report = RunTrackPointsJob(Options(dir_ / "flat.mkv"));
    EXPECT_EQ(report.tracks, 0);
    EXPECT_EQ(ReadTrackFile(report.output).num_frames(), 6) << "every frame has an entry";
    EXPECT_TRUE(log.Says("no point could be followed"));
  }
  MakeGrey(dir_ / "a.mkv", 64, 48, std::vector<int>(6, -1));
  MakeGrey(dir_ / "white.mkv", 32, 24, std::vector<int>(6, 255));
  TrackPointsJobOptions masked = Options(dir_ / "a.mkv");
  masked.mask.video = dir_ / "white.mkv";
  LogCatcher log;
  EXPECT_EQ(RunTrackPointsJob(masked).tracks, 0);
  EXPECT_TRUE(log.Says("the mask covers all"));
}

// Around the lengths at which windows of 60 and 120 frames end. Reading refuses a track that stands
// twice in a frame.
TEST_F(TrackPointsJob, TakesEveryLength) {
  for (const int frames : {2, 59, 60, 61, 120, 121}) {
    const std::string video =
        MakeGrey(dir_ / (std::to_string(frames) + ".mkv"), 64, 48, std::vector<int>(frames, -1));
    const TrackPointsReport report = RunTrackPointsJob(Options(video));
    EXPECT_EQ(report.frames, frames);
    const TrackTable tracks = ReadTrackFile(report.output);
    EXPECT_EQ(tracks.num_frames(), frames);
    EXPECT_FALSE(tracks.Frame(frames - 1).empty()) << frames;
  }
}

TEST_F(TrackPointsJob, TakesOneFrame) {
  MakeGrey(dir_ / "one.mkv", 64, 48, {-1});
  const TrackPointsReport report = RunTrackPointsJob(Options(dir_ / "one.mkv"));
  EXPECT_EQ(report.frames, 1);
  EXPECT_GT(report.tracks, 5);
  EXPECT_EQ(report.tracks, report.sightings);
}

TEST_F(TrackPointsJob, EndsTracksAtACut) {
  // A texture, then another picture with half of it black.
  const RoomClip room = MakeRoomClip(
      dir_.path().string(), 5, 1, [](int) { return 1.0; }, 120, 72);
  const std::vector<Image> frames = ReadAllFrames(room.color);
  VideoWriterOptions video;
  video.time_base = {1, 24};
  video.frame_rate = {24, 1};
  video.color.full_range = true;
  VideoWriter writer(dir_ / "cut.mkv", PixelFormat::Rgb(8), 120, 72, video);
  for (int i = 0; i < 10; ++i) {
    Image image = frames[static_cast<size_t>(i % 5)].Clone();
    for (int plane = 0; plane < 3 && i >= 5; ++plane)
      for (int y = 0; y < 72; ++y)
        for (int x = 0; x < 120; ++x)
          image.MutablePlane<uint8_t>(plane).At(x, y) =
              y < 36 ? 0
                     : frames[static_cast<size_t>(i - 5)].Plane<uint8_t>(plane).At(119 - x, 71 - y);
    writer.Write(image, i, 1);
  }
  writer.Finish();
  const TrackPointsReport report = RunTrackPointsJob(Options(dir_ / "cut.mkv"));
  EXPECT_EQ(report.cuts, 1);
  const TrackTable tracks = ReadTrackFile(report.output);
  EXPECT_FALSE(tracks.Frame(6).empty());
  for (const TrackSighting& s : tracks.Frame(6)) EXPECT_EQ(tracks.Find(4, s.track), nullptr);
}

TEST_F(TrackPointsJob, NamesWhatDoesNotFit) {
  MakeGrey(dir_ / "a.mkv", 64, 48, std::vector<int>(4, -1));
  MakeGrey(dir_ / "mask.mkv", 64, 48, {0, 0, 0});
  TrackPointsJobOptions options = Options(dir_ / "a.mkv");
  options.mask.video = dir_ / "mask.mkv";
  ExpectError(Code::kCorrupt, "they must have the same length",
              [&] { RunTrackPointsJob(options); });
  EXPECT_FALSE(std::filesystem::exists(dir_ / "a.mkv_tracking.json"));
  options.job.max_frames = 3;
  EXPECT_EQ(RunTrackPointsJob(options).frames, 3);

  options = Options(dir_ / "a.mkv");
  options.output = dir_ / "a.mkv";
  ExpectError(Code::kInvalidArgument, "a.mkv", [&] { RunTrackPointsJob(options); });
  options = Options(dir_ / "a.mkv");
  options.tracker = TrackerChoice::kCoTracker3;
  ExpectError(Code::kInvalidArgument, "weights", [&] { RunTrackPointsJob(options); });
  options.model.path = dir_ / "none.pt";
  ExpectError(Code::kNotFound, "no model", [&] { RunTrackPointsJob(options); });
  options = Options(dir_ / "a.mkv");
  options.model.open.device = "cuda";
  ExpectError(Code::kInvalidArgument, "must be cpu", [&] { RunTrackPointsJob(options); });
  options = Options(dir_ / "none.mkv");
  ExpectError(Code::kNotFound, "none.mkv", [&] { RunTrackPointsJob(options); });
  options = Options(dir_ / "a.mkv");
  options.iterations = 64;
  options.points = 20000;
  ExpectError(Code::kInvalidArgument, "at most 100000", [&] { RunTrackPointsJob(options); });
}

// The path of a rendered clip with noise, in which little is sharp.
TEST_F(TrackPointsJob, AgreesWithTheTruthOfARenderedClip) {
  MDVT_SKIP_WITHOUT_DATA();
  const std::filesystem::path folder = DataDir() / "dev_dolly";
  TrackPointsJobOptions options = Options((folder / "color.mp4").string());
  options.output = dir_ / "tracks.json";
  options.points = 1500;
  const TrackPointsReport report = RunTrackPointsJob(options);
  EXPECT_GT(report.tracks, 600);
  const nlohmann::json scene = nlohmann::json::parse(ReadAll((folder / "scene.json").string()));
  std::ofstream(dir_ / "poses.json") << scene["frames"].dump();
  EvalTracksJobOptions eval;
  eval.track_file = report.output;
  eval.output = dir_ / "eval.json";
  eval.depth_video = (folder / "depth_mm.mkv").string();
  eval.depth.encoding = DepthEncoding::kGray16;
  eval.depth.max_depth = 65.535;
  eval.transformation_file = dir_ / "poses.json";
  eval.fov.yfov_deg = scene["yfov_deg"].get<double>();
  const TrackMetrics metrics = RunEvalTracksJob(eval).metrics;
  EXPECT_LT(metrics.median_error, 0.8);
  EXPECT_GT(metrics.delta[2], 0.55) << "within 4 of 256 pixels, those lost on the way counted too";
}

}  // namespace
}  // namespace mdvt::test
