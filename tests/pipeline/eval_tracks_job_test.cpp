// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/eval_tracks.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "io/expect_error.h"
#include "room_clip.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class EvalTracksJob : public ::testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    std::ofstream(dir_ / name) << text;
    return dir_ / name;
  }
  EvalTracksJobOptions Options(const std::string& tracks, const std::string& truth) {
    EvalTracksJobOptions options;
    options.track_file = tracks;
    options.truth_file = truth;
    options.width = 256;
    options.height = 256;
    options.job.num_threads = 2;
    return options;
  }
  const TempDir dir_;
};

TEST_F(EvalTracksJob, ComparesTwoFiles) {
  const std::string truth = Write("truth.json", "[[[1,10,10]],[[1,20,10]],[[1,30,10]],[]]");
  const std::string said = Write("said.json", "[[[1,10,10]],[[1,23,10]],[[1,30,10]],[[1,9,9]]]");
  const EvalTracksReport report = RunEvalTracksJob(Options(said, truth));
  EXPECT_EQ(report.output, said + "_eval.json");
  EXPECT_EQ(report.metrics.visible, 2);
  EXPECT_DOUBLE_EQ(report.metrics.delta[0], 0.5);
  EXPECT_DOUBLE_EQ(report.metrics.delta[2], 1);
  EXPECT_DOUBLE_EQ(report.metrics.occlusion_accuracy, 2.0 / 3);
  const nlohmann::json written = nlohmann::json::parse(std::ifstream(report.output));
  EXPECT_DOUBLE_EQ(written["delta"][0].get<double>(), 0.5);
  EXPECT_DOUBLE_EQ(written["average_jaccard"].get<double>(), report.metrics.average_jaccard);
  EXPECT_EQ(written["query"], "first");
}

TEST_F(EvalTracksJob, NamesWhatDoesNotFit) {
  const std::string truth = Write("truth.json", "[[[1,10,10]],[[1,20,10]]]");
  const auto refuse = [&](Code code, const char* part, EvalTracksJobOptions options) {
    ExpectError(code, part, [&] { RunEvalTracksJob(options); });
    EXPECT_FALSE(std::filesystem::exists(options.track_file + "_eval.json"));
  };
  refuse(Code::kRefused, "no id in common", Options(Write("a.json", "[[[2,10,10]]]"), truth));
  refuse(Code::kCorrupt, "another video", Options(Write("b.json", "[[[1,900,10]]]"), truth));
  refuse(Code::kRefused, "no point is known", Options(truth, Write("c.json", "[[],[]]")));
  refuse(Code::kRefused, "goes on after its first frame",
         Options(Write("d.json", "[[[1,5,5]]]"), Write("e.json", "[[[1,5,5]]]")));
  EvalTracksJobOptions options = Options(truth, truth);
  options.width.reset();
  refuse(Code::kInvalidArgument, "--width and --height", options);
  options = Options(truth, "");
  refuse(Code::kInvalidArgument, "give what is true", options);
  options.depth_video = "some.mkv";
  options.width.reset();
  options.height.reset();
  refuse(Code::kInvalidArgument, "give --transformation_file", options);
  options.transformation_file = "some.json";
  options.depth_video = "";
  refuse(Code::kInvalidArgument, "give what is true", options);
}

TEST_F(EvalTracksJob, FollowsSurfacePointsByDepth) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 4);
  // One point on the path of the surface, by the ray-caster, and one that stays on its pixel.
  std::string text;
  const Eigen::Vector2d start(100.5, 60.5);
  const View first = room.clip.At(0);
  const double z = static_cast<double>(room.depths[0].Plane<float>().At(100, 60));
  const Eigen::Vector3d point = first.world_from_cam * Unproject(first.camera, start, z);
  for (int frame = 0; frame < 4; ++frame) {
    const View view = room.clip.At(frame);
    const Eigen::Vector2d at = Project(view.camera, view.world_from_cam.inverse() * point);
    const auto quarter = [](double x) { return std::to_string(std::lround(256 * (x - 0.5))); };
    text += std::string(frame == 0 ? "[" : ",") + "[[1," +
            std::to_string(static_cast<int>(at.x())) + "," +
            std::to_string(static_cast<int>(at.y())) + "," + quarter(at.x()) + "," +
            quarter(at.y()) + ",1000],[2,40,60]]";
  }
  EvalTracksJobOptions options;
  options.track_file = Write("tracks.json", text + "]");
  options.depth_video = room.depth;
  options.transformation_file = room.poses;
  const TrackMetrics metrics = RunEvalTracksJob(options).metrics;
  EXPECT_EQ(metrics.tracks, 2);
  EXPECT_EQ(metrics.points, 6);
  EXPECT_GE(metrics.delta[0], 0.5);
  EXPECT_EQ(metrics.missing, 0);
  options.track_file = Write("long.json", "[[[1,5,5]],[],[],[],[[1,5,5]]]");
  ExpectError(Code::kCorrupt, "has points in frame 4, the depth video",
              [&] { RunEvalTracksJob(options); });
}

}  // namespace
}  // namespace mdvt::test
