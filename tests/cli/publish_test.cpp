// SPDX-License-Identifier: Apache-2.0
//
// How the outputs of programs appear: never over an input, all together, whatever kills the
// program.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

class Publish : public ::testing::Test {
 protected:
  Publish() {
    shape_.width = 160;
    shape_.height = 96;
    shape_.frames = 12;
    MakeColor(color_, shape_);
    DepthClipOptions tagged;
    tagged.tags.xfov_deg = 60;
    MakeDepth(depth_, shape_, BoxOnWall(shape_, 1, 4), tagged);
    fs::create_directory(out_);
  }

  // The run ends with wrong use, says all of `phrases` and changes nothing.
  void ExpectRefused(const std::string& program, const Arguments& arguments,
                     const std::vector<std::string>& phrases) {
    const auto before = Snapshot(dir_.path().string());
    ExpectOneClearLine(program, RunProgram(program, arguments), 2, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "a file has changed";
  }

  const TempDir dir_;
  ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
  const std::string out_ = dir_ / "out";
};

TEST_F(Publish, NoProgramReplacesItsInputUnderWhateverName) {
  fs::create_symlink(color_, dir_ / "soft.png");
  fs::create_hard_link(color_, dir_ / "hard.mkv");
  const std::string inputs = "is one of the inputs";
  for (const std::string& output : {color_, dir_ / "out/../color.mkv", dir_ / "soft.png"})
    ExpectRefused("mdvt_contact_sheet", {"--color_video", color_, "--output", output},
                  {output, inputs});
  for (const std::string& other : {depth_, color_})
    ExpectRefused("mdvt_contact_sheet",
                  {"--color_video", color_, "--depth_video", depth_, "--output", other}, {inputs});
  ExpectRefused("video_metric_convert",
                {"--color_video", color_, "--xfov", "60", "--output", dir_ / "hard.mkv"}, {inputs});
  fs::copy_file(color_, out_ + "/s.mkv_infillmask.mkv");
  ExpectRefused("stereo_rerender",
                {"--depth_video", depth_, "--color_video", out_ + "/s.mkv_infillmask.mkv",
                 "--infill_mask", "--output", out_ + "/s.mkv"},
                {"s.mkv_infillmask.mkv", inputs});
  fs::copy_file(depth_, out_ + "/0000003.ply");
  ExpectRefused("convert_metric_depth_video_to_other_format",
                {"--depth_video", out_ + "/0000003.ply", "--save_ply", out_}, {inputs});
}

TEST_F(Publish, TwoOutputsMayNotBeTheSameFile) {
  const std::string sbs = out_ + "/a.mkv";
  ExpectRefused("mono_to_sbs",
                {"--input", color_, "--output", sbs, "--infill", "observed", "--provenance_output",
                 out_ + "/../out/a.mkv"},
                {"are the same file"});
  ExpectRefused("mdvt_make_demo_clip",
                {"--output", out_ + "/a.mkv", "--depth_output", out_ + "/./a.mkv", "--frames", "2"},
                {"are the same file"});
}

TEST_F(Publish, ClosedStandardStreamsDoNotEndUpInTheOutput) {
  const Arguments arguments = {"--depth_video", depth_,       "--color_video", color_,
                               "--infill_mask", "--progress", "json",          "--output"};
  std::string command = "exec '" MDVT_PROGRAM_DIR "/stereo_rerender'";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  Arguments usual = arguments;
  usual.push_back(dir_ / "a.mkv");
  ASSERT_EQ(RunProgram("stereo_rerender", usual).status, 0);
  for (const char* closed : {"<&- >&- 2>&-", ">&-", "2>&-", "<&- 2>&-"}) {
    const std::string output = out_ + "/a.mkv";
    EXPECT_EQ(std::system((command + " '" + output + "' " + closed).c_str()), 0) << closed;
    const auto written = Snapshot(out_);
    ASSERT_EQ(written.size(), 2u);
    EXPECT_TRUE(SameFrames(ReadAllFrames(output), ReadAllFrames(dir_ / "a.mkv"))) << closed;
    EXPECT_EQ(fs::file_size(output), fs::file_size(dir_ / "a.mkv")) << closed;
    fs::remove_all(out_);
    fs::create_directory(out_);
  }
}

// SIGKILL at random moments, most of them near the end, where the outputs appear. The next run of
// the same outputs, which gives up for want of its input, finds all old or all new files and leaves
// nothing else. 16 kills, or 60 with MDVT_FAULTS=all in the environment.
TEST_F(Publish, KillsLeaveAllOldOrAllNew) {
  const char* wish = std::getenv("MDVT_FAULTS");
  const int kills = wish != nullptr && std::string(wish) == "all" ? 60 : 16;
  struct Tool {
    std::string program;
    std::string input;  // its option
    Arguments inputs;
    Arguments outputs;
  };
  const std::vector<Tool> tools = {
      {"stereo_rerender",
       "--depth_video",
       {depth_},
       {"--infill_mask", "--color_video", color_, "--output", out_ + "/s.mkv"}},
      {"video_metric_convert",
       "--color_video",
       {color_},
       {"--xfov", "60", "--output", out_ + "/d.mkv", "--transformation_output",
        out_ + "/path.json"}},
      {"convert_metric_depth_video_to_other_format",
       "--depth_video",
       {depth_},
       {"--bit8", "--save_ply", out_ + "/ply", "--save_obj", out_ + "/obj", "--output",
        out_ + "/g.mkv"}},
      {"mono_to_sbs",
       "--input",
       {color_},
       {"--output", out_ + "/m.mp4", "--contact_sheet", out_ + "/m.png"}}};
  std::mt19937_64 rng = Rng();
  int killed = 0, wrong = 0, old_stayed = 0;
  for (const Tool& tool : tools) {
    const auto run = [&](const std::string& input) {
      Arguments arguments = tool.outputs;
      arguments.insert(arguments.begin(), {tool.input, input});
      return arguments;
    };
    fs::remove_all(out_);
    fs::create_directory(out_);
    const Outcome whole = RunProgram(tool.program, run(tool.inputs[0]));
    ASSERT_EQ(whole.status, 0) << whole.err;
    const auto new_files = Snapshot(out_);
    ASSERT_GE(new_files.size(), 2u);
    for (int i = 0; i < kills / static_cast<int>(tools.size()); ++i) {
      std::map<std::string, std::string> old_files;
      for (const auto& [path, content] : new_files) {
        old_files[path] = fs::is_directory(path) ? "" : "old";
        if (!fs::is_directory(path)) std::ofstream(path, std::ios::trunc) << "old";
      }
      const double from = i % 3 == 0 ? 0.0 : 0.7;
      const double share = std::uniform_real_distribution<double>(from, 1.02)(rng);
      RunningProgram program(tool.program, run(tool.inputs[0]));
      std::this_thread::sleep_for(std::chrono::duration<double>(share * whole.seconds));
      kill(program.pid(), SIGKILL);
      const Outcome outcome = program.Wait();
      killed += outcome.by_signal;
      EXPECT_NE(RunProgram(tool.program, run(dir_ / "missing.mkv")).status, 0);
      const auto after = Snapshot(out_);
      const bool right = after == new_files || (outcome.by_signal && after == old_files);
      EXPECT_TRUE(right) << tool.program << " killed after " << share * whole.seconds << " s";
      wrong += !right;
      old_stayed += after == old_files;
    }
  }
  EXPECT_GT(killed, kills / 4);
  std::printf("%d runs, %d of them killed, the old files stayed in %d, %d left something wrong\n",
              kills, killed, old_stayed, wrong);
}

}  // namespace
}  // namespace mdvt::test
