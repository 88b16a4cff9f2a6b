// SPDX-License-Identifier: Apache-2.0
//
// SIGINT and SIGTERM at many points of a run: it ends within a second with the status that shells
// expect, and leaves the folder as it was. Prints the line of the scorecard.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

// Moments at which each of four runs is interrupted; with MDVT_FAULTS=all in the environment more.
// Programs built with the sanitizers take twenty times as long: a few moments, and no hurry.
#ifdef __SANITIZE_ADDRESS__
constexpr int kUsualPoints = 4;
constexpr double kMostSeconds = 60;
#else
constexpr int kUsualPoints = 20;
constexpr double kMostSeconds = 1;
#endif
const int kPoints = [] {
  const char* wish = std::getenv("MDVT_FAULTS");
  return wish != nullptr && std::string(wish) == "all" ? 50 : kUsualPoints;
}();

class Signals : public ::testing::Test {
 protected:
  Signals() {
    shape_.width = 320;
    shape_.height = 180;
    shape_.frames = 60;
    MakeColor(color_, shape_);
    DepthClipOptions tagged;
    tagged.tags.xfov_deg = 60;
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4), tagged);
  }

  // Interrupts `program` at kPoints moments spread over the time that a whole run takes. Counts the
  // runs that ended as they should; one that was done before the signal came counts as such.
  int Interrupt(const std::string& program, const RunningProgram::Arguments& arguments) {
    const std::string folder = dir_.path().string();
    const Outcome whole = RunProgram(program, arguments);
    EXPECT_EQ(whole.status, 0) << whole.err;
    const auto finished = Snapshot(folder);
    int good = 0;
    int interrupted = 0;
    for (int point = 0; point < kPoints; ++point) {
      const int number = point % 2 == 0 ? SIGINT : SIGTERM;
      RunningProgram run(program, arguments);
      const double delay = 0.05 + whole.seconds * point / kPoints;
      std::this_thread::sleep_for(std::chrono::duration<double>(delay));
      kill(run.pid(), number);
      const double sent = Now();
      const Outcome outcome = run.Wait();
      const double waited = Now() - sent;
      // What the whole run wrote is replaced by the same or stays.
      const auto after = Snapshot(folder);
      bool same = after.size() == finished.size();
      for (const auto& [path, content] : finished) same = same && after.count(path) == 1;
      const bool done = outcome.status == 0;
      interrupted += !done;
      // Before main() has begun nobody can catch a signal; the status is the same in a shell.
      const bool right = done || (outcome.status == 128 + number && waited <= kMostSeconds);
      good += right && same;
      EXPECT_TRUE(right && same) << program << " at " << delay << " s: status " << outcome.status
                                 << " after " << waited << " s, " << outcome.err;
      if (!done) {
        EXPECT_TRUE(outcome.by_signal || outcome.err.find("interrupted") != std::string::npos)
            << outcome.err;
        EXPECT_TRUE(after == finished) << "an interrupted run has changed a file";
      }
    }
    EXPECT_GE(interrupted, kPoints / 4) << "too few runs were still going";
    return good;
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
};

TEST_F(Signals, EndEveryProgramCleanly) {
  int good = 0;
  good += Interrupt("video_metric_convert", {"--color_video", color_, "--xfov", "60", "--quiet",
                                             "--output", dir_ / "d.mkv"});
  good += Interrupt("stereo_rerender", {"--depth_video", depth_, "--color_video", color_,
                                        "--infill_mask", "--output", dir_ / "s.mkv"});
  good += Interrupt("stereo_rerender",
                    {"--depth_video", depth_, "--color_video", color_, "--output", dir_ / "s.mp4"});
  good += Interrupt(
      "convert_metric_depth_video_to_other_format",
      {"--depth_video", depth_, "--bit8", "--save_ply", dir_ / "ply", "--output", dir_ / "g.mkv"});
  const int all = 4 * kPoints;
  std::printf("{\"id\":\"C5\",\"value\":\"%d/%d\",\"target\":\"%d/%d\",\"pass\":%s}\n", good, all,
              all, all, good == all ? "true" : "false");
}

TEST_F(Signals, AReaderOfTheProgressThatLeavesDoesNotEndTheRun) {
  const std::string command =
      std::string(MDVT_PROGRAM_DIR) + "/stereo_rerender --progress json --depth_video " + depth_ +
      " --color_video " + color_ + " --output " + dir_ / "p.mkv" + " | true";
  const int status = std::system(("bash -c 'set -o pipefail; " + command + "'").c_str());
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadAllFrames(dir_ / "p.mkv").size(), 60u);
}

}  // namespace
}  // namespace mdvt::test
