// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/find_scenes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/io/video_writer.h"
#include "support/edited_clip.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class FindScenesJob : public ::testing::Test {
 protected:
  FindScenesJob() {
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(film_, PixelFormat::Rgb(8), 96, 54, writing);
    int64_t pts = 0;
    for (const Image& frame : clip_.frames) writer.Write(frame, pts++);
    writer.Finish();
    options_.color_video = film_;
    options_.job.num_threads = 2;
  }
  FindScenesReport Run() { return RunFindScenesJob(options_); }
  std::vector<int64_t> Starts() const {
    std::vector<int64_t> starts = {0};
    for (const int cut : clip_.cuts) starts.push_back(cut);
    return starts;
  }

  const TempDir dir_;
  const EditedClip clip_{3, 96, 54, 7};
  const std::string film_ = dir_ / "a film.mkv";
  FindScenesJobOptions options_;
};

TEST_F(FindScenesJob, WritesTheListAndTheScores) {
  ASSERT_GE(clip_.cuts.size(), 2u);
  const FindScenesReport report = Run();
  EXPECT_EQ(report.output, dir_ / "a film-Scenes.csv");
  EXPECT_EQ(report.stats_output, dir_ / "a film-stats.csv");
  EXPECT_EQ(report.frames, static_cast<int64_t>(clip_.frames.size()));
  EXPECT_EQ(ReadSceneStarts(report.output), Starts());
  const std::vector<SceneRange> scenes = SceneTable::Read(report.output).Scenes();
  EXPECT_EQ(static_cast<int64_t>(scenes.size()), report.scenes);
  EXPECT_EQ(scenes.back().end, report.frames);

  const SceneTable stats = SceneTable::Read(report.stats_output);
  EXPECT_EQ(stats.rows(), clip_.frames.size());
  EXPECT_EQ(stats.Cell(0, "Frame Number"), "1");
  EXPECT_EQ(stats.Cell(24, "Timecode"), "00:00:01.000");
  const auto cut = static_cast<size_t>(clip_.cuts[0]);
  EXPECT_GE(std::stod(stats.Cell(cut, "content_val")), 15);
  EXPECT_GE(std::stod(stats.Cell(cut, "adaptive_ratio (w=2)")), 3);
}

TEST_F(FindScenesJob, ScoresStandForTheFilm) {
  const FindScenesReport first = Run();
  const std::string list = ReadText(first.output);
  options_.stats_file = first.stats_output;
  options_.output = dir_ / "again.csv";
  const FindScenesReport again = Run();
  EXPECT_EQ(again.stats_output, "");
  EXPECT_EQ(ReadText(again.output), list);
  // With another rule: as if the film had been looked at.
  options_.detect.rule = ContentRule::kContent;
  options_.detect.threshold = 12;
  Run();
  const std::string by_scores = ReadText(options_.output);
  options_.stats_file.clear();
  Run();
  EXPECT_EQ(ReadText(options_.output), by_scores);
  EXPECT_NE(by_scores, list);

  // As PySceneDetect writes them, which scores no first frame.
  std::ofstream scores(dir_ / "other.csv");
  scores << "Frame Number,Timecode,content_val\n1,00:00:00.000,\n";
  for (size_t i = 1; i < clip_.frames.size(); ++i)
    scores << i + 1 << ",," << (i == 50 ? 40 : 1) << "\n";
  scores.close();
  options_.stats_file = dir_ / "other.csv";
  Run();
  EXPECT_EQ(ReadSceneStarts(options_.output), (std::vector<int64_t>{0, 50}));
}

TEST_F(FindScenesJob, LongScenesAreSplit) {
  options_.detect.rule = ContentRule::kContent;
  options_.detect.threshold = 255;
  options_.max_scene_frames = 100;
  const auto frames = static_cast<int64_t>(clip_.frames.size());
  EXPECT_EQ(Run().scenes, (frames + 99) / 100);
}

TEST_F(FindScenesJob, TellsWhatIsWrong) {
  const std::string scores = Run().stats_output;
  options_.stats_file = scores;
  std::ofstream(scores, std::ios::app) << "9999,,,4\n";
  ExpectError(Code::kCorrupt, "of another film", [&] { Run(); });
  std::ofstream(scores) << "Frame Number,content_val\n1,x\n";
  ExpectError(Code::kCorrupt, "line 2 has no number in 'content_val'", [&] { Run(); });
  std::ofstream(scores) << "Frame Number\n1\n";
  ExpectError(Code::kCorrupt, "no column 'content_val'", [&] { Run(); });
  options_.stats_output = dir_ / "x.csv";
  ExpectError(Code::kInvalidArgument, "not both", [&] { Run(); });
  options_ = {};
  options_.color_video = film_;
  options_.output = film_;
  ExpectError(Code::kInvalidArgument, "is one of the inputs", [&] { Run(); });
}

}  // namespace
}  // namespace mdvt::test
