// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/drift_filter.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "io/output_file.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_writer.h"
#include "pipeline/stereo4d_clip.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kSize = 256, kFrames = 20;
constexpr int kWall = 1, kDoor = 15, kSky = 3;  // of ADE20K

// What the tracks do, before a camera at rest.
enum Id { kResting, kDrifting, kMovingDoor, kInSky, kFlips, kFlickers, kWithoutDepth };

// Everything is 3 m away; columns from 224 on have no depth. A wall from 0 to 63, a door from 64 to
// 127, sky from 128 to 191, a wall behind that. There what is above row 80 is a door from frame 10
// on, and what is below it in frame 7.
class DriftFilterJob : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.clip.output_folder = dir_ / "out";
    options_.clip.vid = "a";
    fs::create_directories(dir_ / "out/a");
    Stereo4dClip clip;
    clip.name = "a";
    clip.video = "vr.mp4";
    clip.camera = Camera::FromFov(kSize, kSize, 60.0, std::nullopt);
    clip.baseline = 0.063;
    clip.rig_from_rectified = {Eigen::Matrix3d::Identity(), Eigen::Matrix3d::Identity()};
    clip.fov_bounds = {-90, 90, -90, 90};
    DepthVideoWriterOptions coding;
    coding.codec.max_depth = 20;
    DepthVideoWriter depths(options_.clip.File("-raw_depth.mkv"), kSize, kSize, coding);
    VideoWriter labels(labels_, PixelFormat::Gray(8), kSize, kSize);
    TrackFileWriter tracks(options_.clip.File("-left_rectified.mp4_tracking.json"),
                           {kSize, kSize, true});
    for (int frame = 0; frame < kFrames; ++frame) {
      clip.times_us.push_back(1000000 * frame / 24);
      Image depth(PixelFormat::GrayF32(), kSize, kSize), label(PixelFormat::Gray(8), kSize, kSize);
      for (int y = 0; y < kSize; ++y)
        for (int x = 0; x < kSize; ++x) {
          depth.MutablePlane<float>().At(x, y) = x < 224 ? 3.0f : 0.0f;
          const bool door = y < 80 ? frame >= 10 : frame == 7;
          label.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(x < 64    ? kWall
                                                                        : x < 128 ? kDoor
                                                                        : x < 192 ? kSky
                                                                        : door    ? kDoor
                                                                                  : kWall);
        }
      depths.Write(std::move(depth), 1000 * frame / 24, 0);
      labels.Write(label, 1000 * frame / 24, 0);
      tracks.AddFrame({{kResting, 30.5, 40.5, 1},
                       {kDrifting, 10.5 + frame, 20.5, 1},
                       {kMovingDoor, 70.5 + frame, 20.5, 1},
                       {kInSky, 150.5, 20.5, 1},
                       {kFlips, 200.5, 50.5, 1},
                       {kFlickers, 200.5, 100.5, 1},
                       {kWithoutDepth, 240.5, 100.5, 1}});
    }
    depths.Finish();
    labels.Finish();
    tracks.Finish();
    WriteFile(options_.clip.File("-clip.json"), FormatStereo4dClip(clip));
    WriteTransformationsFile(options_.clip.File("-transformations.json"),
                             std::vector<Pose>(kFrames, Pose::Identity()));
    options_.label_video = labels_;
    options_.job.num_threads = 2;
  }
  static std::set<int32_t> Ids(const std::string& path) {
    const TrackTable table = ReadTrackFile(path);
    return {table.ids().begin(), table.ids().end()};
  }

  const TempDir dir_;
  const std::string labels_ = dir_ / "labels.mkv";
  DriftFilterJobOptions options_;
};

TEST_F(DriftFilterJob, LeavesOutWhatDriftsAndCutsWhereLabelsChange) {
  options_.emit_pickle = true;
  const DriftFilterReport report = RunDriftFilterJob(options_);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.output, options_.clip.File("-tracks_filtered.json"));
  EXPECT_EQ(report.tracks, 7);
  EXPECT_EQ(report.kept, 5);
  EXPECT_EQ(report.drifting, 1);
  EXPECT_EQ(report.sky, 1);
  EXPECT_EQ(report.too_short, 1);
  EXPECT_EQ(report.cut, 1);
  EXPECT_EQ(report.at_borders, 0);
  EXPECT_EQ(Ids(report.output),
            (std::set<int32_t>{kResting, kMovingDoor, kFlips, kFlickers, kWithoutDepth + 1}));
  const TrackTable kept = ReadTrackFile(report.output);
  EXPECT_EQ(kept.num_frames(), kFrames);
  // Cut in frame 10, where the most frequent label of fifteen changes.
  EXPECT_EQ(kept.Frame(9).size(), 4u);
  EXPECT_EQ(kept.Frame(9)[2].x, 200.5f);
  EXPECT_EQ(kept.ids()[static_cast<size_t>(kept.Frame(9)[2].track)], kFlips);
  EXPECT_EQ(kept.ids()[static_cast<size_t>(kept.Frame(10)[3].track)], kWithoutDepth + 1);
  const TrackTable pickled = ReadTrackFile(options_.clip.File("-tapir_remove_drift_tracks.pkl"));
  EXPECT_EQ(pickled.num_sightings(), kept.num_sightings());
}

TEST_F(DriftFilterJob, RulesOfTheOriginal) {
  options_.rules = DriftRules::kOriginal;
  const DriftFilterReport report = RunDriftFilterJob(options_);
  EXPECT_EQ(report.at_borders, 3);  // one wrong label is enough
  EXPECT_EQ(Ids(report.output), (std::set<int32_t>{kResting, kMovingDoor}));
}

TEST_F(DriftFilterJob, ClassesAndDriftAreAsTheUserSays) {
  options_.static_classes = "15";
  options_.sky_classes = "";
  const DriftFilterReport report = RunDriftFilterJob(options_);
  EXPECT_EQ(report.sky, 0);
  const std::set<int32_t> ids = Ids(report.output);
  EXPECT_EQ(ids.count(kMovingDoor), 0u);
  EXPECT_EQ(ids.count(kDrifting), 1u);
  // 12 frames are within 0.53 s.
  options_.drift_px = 12.5;
  EXPECT_EQ(RunDriftFilterJob(options_).drifting, 0);
  options_.drift_px = 11.5;
  EXPECT_EQ(RunDriftFilterJob(options_).drifting, 1);
}

TEST_F(DriftFilterJob, WithoutLabelsItSaysSo) {
  LogCatcher log;
  options_.label_video.clear();
  const DriftFilterReport report = RunDriftFilterJob(options_);
  EXPECT_EQ(report.kept, 6);
  EXPECT_EQ(report.too_short, 1);
  EXPECT_TRUE(log.Says("label_video"));
}

TEST_F(DriftFilterJob, TheSameForEveryNumberOfThreads) {
  options_.job.num_threads = 1;
  const std::string output = RunDriftFilterJob(options_).output;
  const TrackTable one = ReadTrackFile(output);
  options_.job.num_threads = 3;
  const TrackTable three = ReadTrackFile(RunDriftFilterJob(options_).output);
  EXPECT_EQ(one.ids(), three.ids());
  EXPECT_EQ(one.num_sightings(), three.num_sightings());
}

TEST_F(DriftFilterJob, BadInputLeavesNothing) {
  const auto fails = [this](Code code, const std::string& part) {
    ExpectError(code, part, [this] { RunDriftFilterJob(options_); });
    EXPECT_FALSE(fs::exists(options_.clip.File("-tracks_filtered.json"))) << part;
  };
  options_.static_classes = "1,x";
  fails(Code::kInvalidArgument, "static_classes");
  options_.static_classes = "1,256";
  fails(Code::kInvalidArgument, "static_classes");
  options_.static_classes = "1";
  VideoWriter small(dir_ / "small.mkv", PixelFormat::Gray(8), 64, 64);
  small.Write(Image(PixelFormat::Gray(8), 64, 64).view(), 0, 40);
  small.Finish();
  options_.label_video = dir_ / "small.mkv";
  fails(Code::kCorrupt, "64x64");
  options_.label_video = dir_ / "none.mkv";
  fails(Code::kNotFound, "none.mkv");
  options_.label_video.clear();
  options_.output = options_.clip.File("-left_rectified.mp4_tracking.json");
  ExpectError(Code::kInvalidArgument, "", [this] { RunDriftFilterJob(options_); });
  EXPECT_EQ(ReadTrackFile(options_.output).num_tracks(), 7u);
  options_.output.clear();
  options_.clip.vid = "none";
  ExpectError(Code::kNotFound, "none-clip.json", [this] { RunDriftFilterJob(options_); });
}

}  // namespace
}  // namespace mdvt::test
