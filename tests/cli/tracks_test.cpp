// SPDX-License-Identifier: Apache-2.0
//
// The programs of tracks and flow as a user runs them, also with networks that are formulas, in
// LibTorch. What they compute is tested in tracking and pipeline.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
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
