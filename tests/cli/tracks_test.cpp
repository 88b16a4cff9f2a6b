// SPDX-License-Identifier: Apache-2.0
//
// The programs of tracks and flow as a user runs them, also with networks that are formulas, in
// LibTorch. What they compute is tested in tracking and pipeline.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "cli/toy_models.h"
#include "mdvt/io/track_file.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class TrackPrograms : public ::testing::Test {
 protected:
  void SetUp() override {
    shape_.width = 96;
    shape_.height = 64;
    shape_.frames = 20;
    MakeColor(color_, shape_);
  }
  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "clip.mkv";
};

TEST_F(TrackPrograms, WorkTogetherUnderTheirDocumentedNames) {
  const Outcome tracked =
      RunProgram("track_points_in_video",
                 {"--color_video", color_, "--nr_iterations", "2", "--steps_bewtwen_track_init",
                  "7", "--downscale", "1", "--save_visulization_video"});
  ASSERT_EQ(tracked.status, 0) << tracked.err;
  EXPECT_EQ(ReadTrackFile(color_ + "_tracking.json").num_frames(), 20);
  EXPECT_EQ(ReadAllFrames(color_ + "_track_visualization.mkv").size(), 20u);
  const Outcome flow = RunProgram("optical_flow", {"--color_video", color_, "--last_mode", "none",
                                                   "--cpu", "--output", dir_ / "flow.mkv"});
  ASSERT_EQ(flow.status, 0) << flow.err;
  EXPECT_EQ(ReadAllFrames(dir_ / "flow.mkv").size(), 19u);
  const Outcome measured =
      RunProgram("eval_tracks", {"--track_file", color_ + "_tracking.json", "--truth_file",
                                 color_ + "_tracking.json", "--width", "96", "--height", "64"});
  ASSERT_EQ(measured.status, 0) << measured.err;
  EXPECT_NE(measured.out.find("AJ 1.000"), std::string::npos) << measured.out;
}

TEST_F(TrackPrograms, RunNetworks) {
  const std::string missing = MakeToyModels(dir_.path().string(), {"track", "flow_constant"});
  if (!missing.empty()) GTEST_SKIP() << missing;
  const std::string out = dir_ / "tracks.json";
  const Outcome tracked =
      RunProgram("track_points_in_video",
                 {"--color_video", color_, "--tracker", "tapir", "--weights", dir_ / "track.pt",
                  "--points", "40", "--window", "12", "--overlap", "4", "--output", out});
  ASSERT_EQ(tracked.status, 0) << tracked.err;
  // The network moves points by (1.5, -0.5) of its pixels, and sees frames enlarged to 208 x 144.
  const TrackTable tracks = ReadTrackFile(out);
  int compared = 0;
  for (const TrackSighting& first : tracks.Frame(0)) {
    const TrackSighting* const later = tracks.Find(16, first.track);
    if (later == nullptr) continue;
    EXPECT_NEAR((later->x - first.x) / 16, 1.5 * 95 / 207, 0.01);
    EXPECT_NEAR((later->y - first.y) / 16, -0.5 * 63 / 143, 0.01);
    ++compared;
  }
  EXPECT_GT(compared, 3);

  const Outcome flow =
      RunProgram("optical_flow", {"--color_video", color_, "--model", dir_ / "flow_constant.pt",
                                  "--batch", "3", "--save_flo", dir_ / "flo", "--max_frames", "5"});
  ASSERT_EQ(flow.status, 0) << flow.err;
  std::ifstream file(dir_ / "flo/0000003.flo", std::ios::binary);
  float values[5] = {};
  file.read(reinterpret_cast<char*>(values), sizeof(values));
  EXPECT_NEAR(values[3], 3, 0.01);
  EXPECT_NEAR(values[4], -1, 0.01);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "flo"), {}), 5);
}

// A camera at rest that is said to move: what noise makes of its path is nobody's path.
TEST_F(TrackPrograms, RefuseAPathOfWhichNothingIsKnown) {
  const fs::path folder = fs::path(dir_.path()) / "rest";
  fs::create_directory(folder);
  const std::string video = (folder / "rest.mkv").string();
  {
    Image picture(PixelFormat::Gray(8), 160, 96);
    for (int y = 0; y < 96; ++y)
      for (int x = 0; x < 160; ++x)
        picture.MutablePlane<uint8_t>().At(x, y) =
            static_cast<uint8_t>(127 + 60 * std::sin(0.4 * x + 0.02 * y * std::sin(0.1 * x)) +
                                 50 * std::sin(0.35 * y + 0.1 * x));
    VideoWriterOptions options;
    options.time_base = {1, 24};
    options.frame_rate = {24, 1};
    VideoWriter writer(video, PixelFormat::Gray(8), 160, 96, options);
    std::mt19937 random(3);
    for (int i = 0; i < 8; ++i) {
      Image noisy = picture.Clone();
      for (int y = 0; y < 96; ++y)
        for (int x = 0; x < 160; ++x)
          noisy.MutablePlane<uint8_t>().At(x, y) = static_cast<uint8_t>(
              picture.Plane<uint8_t>().At(x, y) + static_cast<int>(random() % 13) - 6);
      writer.Write(noisy, i, 1);
    }
    writer.Finish();
  }
  const auto before = Snapshot(folder.string());
  ExpectOneClearLine(
      "sam_track_video",
      RunProgram("sam_track_video", {"--color_video", video, "--xfov", "60", "--camera", "free"}),
      4, {"the path of the camera cannot be known"});
  EXPECT_EQ(Snapshot(folder.string()), before);
  const Outcome found = RunProgram("sam_track_video", {"--color_video", video, "--xfov", "60"});
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_NE(found.err.find("the camera stands still"), std::string::npos) << found.err;
}

TEST_F(TrackPrograms, NameWhatIsWrong) {
  ExpectOneClearLine("track_points_in_video", RunProgram("track_points_in_video", {}), 2,
                     {"--color_video is required"});
  ExpectOneClearLine(
      "track_points_in_video",
      RunProgram("track_points_in_video", {"--color_video", color_, "--tracker", "cotracker3"}), 2,
      {"--weights is required"});
  ExpectOneClearLine("optical_flow", RunProgram("optical_flow", {"--color_video", color_, "--amp"}),
                     2, {"--model"});
  ExpectOneClearLine("eval_tracks",
                     RunProgram("eval_tracks", {"--track_file", color_, "--truth_file", color_,
                                                "--width", "96", "--height", "64"}),
                     3, {"clip.mkv"});
}

}  // namespace
}  // namespace mdvt::test
