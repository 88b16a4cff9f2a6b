// SPDX-License-Identifier: Apache-2.0
#include "pipeline/movie_scenes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"

namespace mdvt::test {
namespace {

std::vector<MovieScene> Scenes(const std::string& text, const MovieJobOptions& options = {},
                               int64_t frames = 100) {
  return MovieScenes(SceneTable::Parse(text), options, frames);
}

TEST(MovieScenes, TakeTheirSettingsFromTheirRow) {
  MovieJobOptions options;
  options.scene.pupillary_distance_mm = 60;
  const auto scenes = Scenes(
      "Start Frame,End Frame,Engine,Infill,InfillEngine,Convergence,XFov,MaxDepth,"
      "PupillaryDistance,MasterFov,MaxShift,Skip,Notes\n"
      "1,40,,,,,,,,,,,\n"
      "41,60,motion,No,normals,No,42,50,0,45,2.5,,dark\n"
      "61,100,,Yes,observed,2.5,,,,,,Yes,\n",
      options);
  ASSERT_EQ(scenes.size(), 3u);
  EXPECT_EQ(scenes[0].settings.infill_engine, "directional");
  EXPECT_EQ(scenes[0].settings.pupillary_distance_mm, 60);
  EXPECT_EQ(scenes[0].settings.convergence, MovieConvergence::kMask);
  EXPECT_FALSE(scenes[0].settings.skip);
  EXPECT_EQ(scenes[1].number, 2);
  EXPECT_EQ(scenes[1].range.first, 40);
  EXPECT_EQ(scenes[1].range.end, 60);
  EXPECT_EQ(scenes[1].settings.engine, "motion");
  EXPECT_EQ(scenes[1].settings.infill_engine, "none");
  EXPECT_EQ(scenes[1].settings.convergence, MovieConvergence::kOff);
  EXPECT_EQ(scenes[1].settings.xfov_deg, 42);
  EXPECT_EQ(scenes[1].settings.max_depth, 50);
  EXPECT_EQ(scenes[1].settings.pupillary_distance_mm, 0);
  EXPECT_EQ(scenes[1].settings.master_xfov_deg, 45);
  EXPECT_EQ(scenes[1].settings.max_shift, 2.5);
  EXPECT_EQ(scenes[2].settings.infill_engine, "observed");
  EXPECT_EQ(scenes[2].settings.convergence, MovieConvergence::kFixed);
  EXPECT_EQ(scenes[2].settings.convergence_distance, 2.5);
  EXPECT_TRUE(scenes[2].settings.skip);
}

TEST(MovieScenes, AreCountedAfterTheyWereSplit) {
  MovieJobOptions options;
  options.max_scene_frames = 30;
  const std::string list = "Start Frame,End Frame,Skip\n1,40,\n41,100,Yes\n";
  auto scenes = Scenes(list, options);
  ASSERT_EQ(scenes.size(), 4u);
  EXPECT_EQ(scenes[3].number, 4);
  EXPECT_EQ(scenes[1].range.first, 20);
  EXPECT_TRUE(scenes[1].range.soft);
  EXPECT_FALSE(scenes[2].range.soft);
  EXPECT_TRUE(scenes[3].settings.skip);
  options.end_scene = 3;
  scenes = Scenes(list, options);
  ASSERT_EQ(scenes.size(), 3u);
  EXPECT_EQ(scenes[2].range.end, 70);
}

TEST(MovieScenes, TheLastOneGoesToTheEndOfTheFilm) {
  const auto scenes = Scenes("Start Frame\n1\n51\n");
  EXPECT_EQ(scenes[0].range.end, 50);
  EXPECT_EQ(scenes[1].range.end, 100);
}

TEST(MovieScenes, NameTheLineThatIsWrong) {
  const std::string head = "Timecode List:\nStart Frame,End Frame,";
  ExpectError(Code::kCorrupt, "line 4 begins with frame 52 where frame 51 should follow",
              [&] { Scenes(head + "\n1,50,\n52,100,\n"); });
  ExpectError(Code::kCorrupt, "line 3 begins with frame 5", [&] { Scenes(head + "\n5,50,\n"); });
  ExpectError(Code::kCorrupt, "line 4 ends with frame 101, the film has 100",
              [&] { Scenes(head + "\n1,50,\n51,101,\n"); });
  ExpectError(Code::kCorrupt, "line 3: 'wide' in the column 'XFov'",
              [&] { Scenes(head + "XFov\n1,50,wide\n"); });
  ExpectError(Code::kCorrupt, "'180' in the column 'XFov'",
              [&] { Scenes(head + "XFov\n1,50,180\n"); });
  ExpectError(Code::kCorrupt, "'nan' in the column 'MaxDepth'",
              [&] { Scenes(head + "MaxDepth\n1,50,nan\n"); });
  ExpectError(Code::kCorrupt, "column 'Convergence'",
              [&] { Scenes(head + "Convergence\n1,50,-1\n"); });
  ExpectError(Code::kCorrupt, "stereocrafter", [&] { Scenes(head + "InfillEngine\n1,50,lama\n"); });
  ExpectError(Code::kUnsupported, "line 3: the engine 'DepthCrafter' is a diffusion network",
              [&] { Scenes(head + "Engine\n1,50,DepthCrafter\n"); });
  ExpectError(Code::kCorrupt, "'Perhaps' in the column 'Skip' is none of: Yes, No",
              [&] { Scenes(head + "Skip\n1,50,Perhaps\n"); });
  for (const char* engine : {"da3", "model"})
    ExpectError(Code::kInvalidArgument, "--model",
                [&] { Scenes(head + "Engine\n1,50," + engine + "\n"); });
  ExpectError(Code::kInvalidArgument, "no depth engine 'zoe', only motion, model",
              [&] { Scenes(head + "Engine\n1,50,zoe\n"); });
}

TEST(MovieScenes, NetworksAreKnownByTheirNames) {
  MovieJobOptions options;
  options.source.model.path = "net.pt";
  EXPECT_EQ(MovieDepthEngine("DA3", options.source), "model");
  EXPECT_EQ(MovieDepthEngine("vda", options.source), "model");
  EXPECT_EQ(MovieDepthEngine("motion", options.source), "motion");
  EXPECT_FALSE(IsInfillNetwork("none"));
  EXPECT_FALSE(IsInfillNetwork("observed"));
  EXPECT_TRUE(IsInfillNetwork("stereocrafter"));
  EXPECT_TRUE(IsInfillNetwork("m2svid"));
}

TEST(MovieOptions, RefuseWhatCannotBe) {
  MovieJobOptions options;
  options.color_video = "film.mkv";
  EXPECT_NO_THROW(options.Check());
  options.force = "stereo:0";
  ExpectError(Code::kInvalidArgument, "stereo:0", [&] { options.Check(); });
  options.force = "depth:3,blur";
  ExpectError(Code::kInvalidArgument, "blur", [&] { options.Check(); });
  options.force = "depth:3,stereo";
  EXPECT_NO_THROW(options.Check());
  options.clean = "temp";
  ExpectError(Code::kInvalidArgument, "force does steps again", [&] { options.Check(); });
  options.clean = "none";
  options.csv_delimiter = ";";
  ExpectError(Code::kInvalidArgument, "csv_delimiter belongs to scene_file",
              [&] { options.Check(); });
  options.scene_file = "scenes.csv";
  EXPECT_NO_THROW(options.Check());
  options.output = "film.avi";
  ExpectError(Code::kInvalidArgument, "film.avi: the name must end in", [&] { options.Check(); });
  options.output.clear();
  options.frame.canvas.layout = "vr180";
  ExpectError(Code::kInvalidArgument, "vr180", [&] { options.Check(); });
}

}  // namespace
}  // namespace mdvt::test
