// SPDX-License-Identifier: Apache-2.0
//
// What the command lines of all tools have in common.
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "mdvt/core/json.h"
#include "mdvt/pipeline/tools.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr char kProgram[] = "stereo_rerender";

class CommandLine : public ::testing::Test {
 protected:
  CommandLine() {
    MakeDepth(depth_, shape_, Plane(4));
    MakeColor(color_, shape_);
  }

  const TempDir dir_;
  const ClipShape shape_{32, 16, 2};
  const std::string depth_ = dir_ / "depth.mkv";
  const std::string color_ = dir_ / "color.mkv";
};

TEST_F(CommandLine, HelpShowsEveryOptionOfEveryTool) {
  for (const ToolInfo& info : Tools()) {
    const Outcome outcome = RunProgram(info.name, {"--help"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const std::unique_ptr<Tool> tool = info.make();
    for (const Option& option : tool->options().options()) {
      EXPECT_NE(outcome.out.find("  --" + option.name), std::string::npos) << option.name;
      for (const std::string& alias : option.aliases)
        EXPECT_NE(outcome.out.find(", --" + alias), std::string::npos) << alias;
    }
    for (const char* common : {"device", "quiet", "progress", "job", "print_job", "version"})
      EXPECT_NE(outcome.out.find(std::string("  --") + common), std::string::npos) << common;
    std::istringstream lines(outcome.out);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  }
}

TEST_F(CommandLine, WhatOthersDoAndWeDoNotIsToldWithWhatToTakeInstead) {
  for (const auto& [program, instead] : std::vector<std::pair<std::string, std::string>>{
           {"depthcrafter_video", "Video-Depth-Anything"},
           {"geometrycrafter_video", "stabilize_depth"},
           {"video_mvsa", "video_metric_convert"}}) {
    for (const RunningProgram::Arguments& arguments :
         {RunningProgram::Arguments{},
          {"--color_video", color_, "--depth_video", depth_},
          {"a", "-h"}})
      ExpectOneClearLine(program, RunProgram(program, arguments), 3, {"not available", instead});
    const Outcome help = RunProgram(program, {"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_NE(help.out.find("Not available in mdvt"), std::string::npos) << help.out;
    EXPECT_EQ(RunProgram(program, {"--version"}).status, 0);
  }
  for (const auto& [engine, instead] :
       std::vector<std::pair<std::string, std::string>>{{"depthcrafter", "Video-Depth-Anything"},
                                                        {"geometrycrafter", "stabilize_depth"},
                                                        {"mvsa", "motion"}})
    ExpectOneClearLine(
        "video_metric_convert",
        RunProgram("video_metric_convert", {"--color_video", color_, "--engine", engine}), 2,
        {"--engine", engine, "is not available", instead});
}

TEST_F(CommandLine, NamesAreTakenInAnySpelling) {
  const auto output = [&](const std::string& name) { return dir_ / name; };
  const std::vector<std::vector<std::string>> spellings = {
      {"--depth_video", depth_, "--xfov", "60", "--output", output("a.mkv")},
      {"--depth-video=" + depth_, "-xfov", "60", "--output=" + output("b.mkv")},
      {"-depth_video", depth_, "--xfov=60", "-output", output("c.mkv")}};
  std::vector<std::vector<Image>> results;
  for (const auto& arguments : spellings) {
    const Outcome outcome = RunProgram(kProgram, arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  const std::vector<Image> first = ReadAllFrames(output("a.mkv"));
  ASSERT_EQ(first.size(), 2u);
  EXPECT_TRUE(SameFrames(ReadAllFrames(output("b.mkv")), first));
  EXPECT_TRUE(SameFrames(ReadAllFrames(output("c.mkv")), first));
}

TEST_F(CommandLine, FlagsThatAreOnCanBeTurnedOff) {
  const std::vector<std::string> base = {"--depth_video", depth_, "--xfov", "60"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return more;
  };
  ASSERT_EQ(RunProgram(kProgram, with({})).status, 0);
  ExpectOneClearLine(kProgram, RunProgram(kProgram, with({"--no_overwrite"})), 1, {"exists"});
  ExpectOneClearLine(kProgram, RunProgram(kProgram, with({"--overwrite=off"})), 1, {"exists"});
  EXPECT_EQ(RunProgram(kProgram, with({"--overwrite"})).status, 0);
  ExpectOneClearLine(kProgram, RunProgram(kProgram, with({"--overwrite", "--no-overwrite"})), 2,
                     {"give --overwrite or --no_overwrite, not both"});
  ExpectOneClearLine(kProgram, RunProgram(kProgram, with({"--no_xfov"})), 2,
                     {"unknown option '--no_xfov'"});
  ExpectOneClearLine(kProgram, RunProgram(kProgram, with({"--no_overwrite=on"})), 2,
                     {"--no_overwrite takes no value"});
}

TEST_F(CommandLine, NamesThatBeginWithADashAreValues) {
  fs::copy(depth_, dir_ / "-depth.mkv");
  const std::string before = fs::current_path().string();
  fs::current_path(dir_.path());
  const Outcome outcome =
      RunProgram(kProgram, {"--depth_video", "-depth.mkv", "--xfov", "60", "--output=-out.mkv"});
  const Outcome mono = RunProgram("mono_to_sbs", {"--max_frames", "1", "--", "-depth.mkv"});
  fs::current_path(before);
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(fs::exists(dir_ / "-out.mkv"));
  EXPECT_EQ(mono.status, 0) << mono.err;
  EXPECT_TRUE(fs::exists(dir_ / "-depth.mkv_sbs.mp4"));
}

TEST_F(CommandLine, TellsHowToGiveANameThatBeginsWithADash) {
  fs::copy(depth_, dir_ / "-depth.mkv");
  const std::string before = fs::current_path().string();
  fs::current_path(dir_.path());
  const Outcome outcome = RunProgram("mono_to_sbs", {"-depth.mkv"});
  fs::current_path(before);
  ExpectOneClearLine("mono_to_sbs", outcome, 2, {"begins with a dash", "'./-depth.mkv'", "'--'"});
}

TEST_F(CommandLine, PipesAreNeitherReadNorWritten) {
  for (const ToolInfo& info : Tools()) {
    const std::unique_ptr<Tool> tool = info.make();
    for (const Option& option : tool->options().options()) {
      if (option.path == PathKind::kNone) continue;
      for (const auto& arguments : {RunningProgram::Arguments{"--" + option.name, "-"},
                                    RunningProgram::Arguments{"--" + option.name + "=-"}})
        ExpectOneClearLine(info.name, RunProgram(info.name, arguments), 2,
                           {"--" + option.name + " is '-'", "pipes are neither read nor written"});
    }
  }
  ExpectOneClearLine("mono_to_sbs", RunProgram("mono_to_sbs", {"-"}), 2, {"pipes"});
  ExpectOneClearLine("mono_to_sbs", RunProgram("mono_to_sbs", {"--", "-"}), 2, {"pipes"});
}

TEST_F(CommandLine, NamesAFolderThatIsMissing) {
  const RunningProgram::Arguments base = {"--depth_video", depth_, "--xfov", "60", "--output"};
  for (const std::string& output :
       {dir_ / "gone/x.mkv", dir_ / "gone/", dir_ / "gone/deep/x.mkv"}) {
    RunningProgram::Arguments arguments = base;
    arguments.push_back(output);
    ExpectOneClearLine(kProgram, RunProgram(kProgram, arguments), 1,
                       {fs::path(output).parent_path().string()});
    EXPECT_FALSE(fs::exists(dir_ / "gone"));
  }
}

TEST_F(CommandLine, QuietIsQuietInEveryProgram) {
  const std::string small = dir_ / "small.mp4";
  const auto quiet = [&](const std::string& program, RunningProgram::Arguments arguments) {
    arguments.push_back("--quiet");
    const Outcome outcome = RunProgram(program, arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out + outcome.err, "") << program;
  };
  quiet("mdvt_make_demo_clip",
        {"--output", small, "--frames", "3", "--width", "64", "--height", "48"});
  quiet("mdvt_contact_sheet", {"--color_video", small, "--output", dir_ / "sheet.png"});
  quiet("mdvt_depth_error", {"--depth_video", depth_, "--truth_video", depth_});
  quiet("mono_to_sbs", {small});
  quiet("video_metric_convert", {"--color_video", small, "--xfov", "60"});
  quiet("stereo_rerender", {"--depth_video", depth_, "--color_video", color_, "--xfov", "60"});
  quiet("convert_metric_depth_video_to_other_format", {"--depth_video", depth_, "--bit8"});
}

TEST_F(CommandLine, InputsThatDoNotMatchAreBadInput) {
  ClipShape other = shape_;
  other.width = 48;
  other.frames = 3;
  MakeDepth(dir_ / "wide.mkv", other, Plane(4));
  other.width = shape_.width;
  MakeDepth(dir_ / "long.mkv", other, Plane(4));
  ExpectOneClearLine(kProgram,
                     RunProgram(kProgram, {"--depth_video", dir_ / "wide.mkv", "--color_video",
                                           color_, "--xfov", "60"}),
                     3, {"must have the same size"});
  for (const char* name : {"wide.mkv", "long.mkv"})
    ExpectOneClearLine(
        "mdvt_depth_error",
        RunProgram("mdvt_depth_error", {"--depth_video", depth_, "--truth_video", dir_ / name}), 3,
        {name});
  std::ofstream(dir_ / "one.txt") << depth_ << "\n";
  std::ofstream(dir_ / "two.txt") << color_ << "\n" << color_ << "\n";
  ExpectOneClearLine(kProgram,
                     RunProgram(kProgram, {"--depth_video", dir_ / "one.txt", "--color_video",
                                           dir_ / "two.txt", "--xfov", "60"}),
                     3, {"--depth_video lists 1 video, --color_video lists 2"});
}

// A limit of the address space ends in a run or in a line, at every size: OpenBLAS, which OpenCV
// links, would wait for ever for its buffers.
TEST_F(CommandLine, StartsOrSaysWhyInEveryAddressSpace) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer itself takes terabytes of addresses";
#endif
  int started = 0, told = 0;
  for (int64_t mib = 240; mib <= 840; mib += 30) {
    const std::string err = dir_ / "err";
    const std::string command = "ulimit -v " + std::to_string(mib * 1024) +
                                "; exec timeout -s KILL 60 '" MDVT_PROGRAM_DIR
                                "/mono_to_sbs' --version >/dev/null 2>'" +
                                err + "'";
    const int status = std::system(("bash -c \"" + command + "\"").c_str());
    const std::string text = ReadText(err);
    started += status == 0;
    const bool by_linker = text.find("error while loading shared libraries") != std::string::npos;
    told += text.find("mono_to_sbs: error: out of memory: the address space") == 0;
    EXPECT_TRUE(status == 0 || by_linker || (WEXITSTATUS(status) == 1 && !text.empty()))
        << mib << " MiB: status " << status << " " << text;
  }
  EXPECT_GT(started, 0);
  std::printf("started in %d address spaces, said why not in %d\n", started, told);
}

// Whatever bytes a name has, each line of progress is one valid JSON object.
TEST_F(CommandLine, ProgressIsValidJsonForEveryName) {
  for (const std::string& name :
       {std::string("a\"b\\c\n\x1b.mkv"), std::string("caf\xE9\xED\xA0\x80\xC0\xAF.mkv")}) {
    fs::copy(depth_, dir_ / name);
    const Outcome outcome =
        RunProgram(kProgram, {"--depth_video", dir_ / name, "--xfov", "60", "--progress", "json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Outcome failed =
        RunProgram(kProgram, {"--depth_video", dir_ / (name + "/gone"), "--progress", "json"});
    EXPECT_NE(failed.status, 0);
    int lines = 0;
    std::istringstream all(outcome.out + failed.out);
    for (std::string line; std::getline(all, line); ++lines) {
      EXPECT_NO_THROW(nlohmann::json::parse(line)) << line;
      json::Parse(line, {}, "progress");
    }
    EXPECT_GE(lines, 3);
    EXPECT_EQ(std::count(failed.err.begin(), failed.err.end(), '\n'), 1) << failed.err;
    EXPECT_EQ(failed.err.find('\x1b'), std::string::npos);
  }
}

TEST_F(CommandLine, MistakesAreOneClearLine) {
  const auto fails = [&](const std::vector<std::string>& arguments, const std::string& text) {
    ExpectOneClearLine(kProgram, RunProgram(kProgram, arguments), 2, {text});
  };
  fails({}, "--depth_video is required");
  fails({"--depth_video"}, "--depth_video needs a value");
  fails({"--depth_video", "--xfov", "60"}, "--depth_video needs a value");
  fails({"--depth_video="}, "--depth_video needs a value");
  fails({"--depth_video", "--", depth_}, "--depth_video needs a value");
  fails({"--depth_video", depth_, "--xfov", "60", "--xfov", "70"}, "--xfov is given twice");
  fails({"--depth_video", depth_, "--xfov", "190"},
        "--xfov is '190', must be a number in (0, 180)");
  fails({"--depth_video", depth_, "--convergance", "3"},
        "unknown option '--convergance', did you mean --convergence?");
  fails({"--depth_video", depth_, "--convergence_mode", "toe-in"},
        "--convergence_mode is not available");
  fails({depth_}, "unexpected argument");
}

// A documented command line does so.
TEST_F(CommandLine, OfTwoBackgroundsTheLastOneHolds) {
  const std::string first = dir_ / "first.ply", last = dir_ / "last.ply";
  const std::vector<std::string> clip = {"--depth_video", depth_, "--color_video", color_,
                                         "--xfov",        "60",   "--max_frames",  "1"};
  for (const std::vector<std::string>& mode : std::vector<std::vector<std::string>>{
           {"--render"}, {"--export_html", dir_ / "page"}, {"--port", "8123"}}) {
    std::vector<std::string> arguments = clip;
    arguments.insert(arguments.end(), {"--background_ply", first, "--background_ply", last});
    arguments.insert(arguments.end(), mode.begin(), mode.end());
    arguments.emplace_back("--print_job");
    const Outcome job = RunProgram("3d_view_depthfile", arguments);
    EXPECT_EQ(job.status, 0) << job.err;
    EXPECT_NE(job.out.find(last), std::string::npos) << job.out;
    EXPECT_EQ(job.out.find(first), std::string::npos) << job.out;
  }
  std::ofstream(last) << "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\n"
                         "property float y\nproperty float z\nend_header\n0 0 1\n";
  std::vector<std::string> render = clip;
  render.insert(render.end(), {"--background_ply", first, "--background_ply", last, "--render",
                               "--output", dir_ / "view.mkv"});
  const Outcome done = RunProgram("3d_view_depthfile", render);
  EXPECT_EQ(done.status, 0) << done.err;
}

TEST_F(CommandLine, AJobFileIsTheCommandLine) {
  const Outcome printed =
      RunProgram(kProgram, {"--depth_video", depth_, "--color_video", color_, "--xfov", "60",
                            "--swap_eyes", "--output", dir_ / "job.mkv", "--print_job"});
  ASSERT_EQ(printed.status, 0) << printed.err;
  EXPECT_FALSE(fs::exists(dir_ / "job.mkv"));
  std::ofstream(dir_ / "job.json") << printed.out;
  ASSERT_EQ(RunProgram(kProgram, {"--job", dir_ / "job.json"}).status, 0);
  ASSERT_EQ(RunProgram(kProgram, {"--depth_video", depth_, "--color_video", color_, "--xfov", "60",
                                  "--swap_eyes", "--output", dir_ / "line.mkv"})
                .status,
            0);
  const std::vector<Image> frames = ReadAllFrames(dir_ / "line.mkv");
  EXPECT_TRUE(SameFrames(ReadAllFrames(dir_ / "job.mkv"), frames));
  // The command line wins over the file.
  ASSERT_EQ(RunProgram(kProgram, {"--job", dir_ / "job.json", "--output", dir_ / "wins.mkv",
                                  "--max_frames", "1"})
                .status,
            0);
  EXPECT_EQ(ReadAllFrames(dir_ / "wins.mkv").size(), 1u);
  ExpectOneClearLine(kProgram, RunProgram(kProgram, {"--job", dir_ / "none.json"}), 3,
                     {"none.json"});
  ExpectOneClearLine("mono_to_sbs", RunProgram("mono_to_sbs", {"--job", dir_ / "job.json"}), 2,
                     {"is a job of 'stereo_rerender', not of 'mono_to_sbs'"});
}

TEST_F(CommandLine, ListsOfVideosGetOutputsOfTheirOwn) {
  fs::copy(depth_, dir_ / "other.mkv");
  std::ofstream(dir_ / "list.txt") << depth_ << "\n"
                                   << dir_ / "other.mkv"
                                   << "\n";
  fs::create_directory(dir_ / "out");
  const std::string program = "convert_metric_depth_video_to_other_format";
  const Outcome outcome =
      RunProgram(program, {"--depth_video", dir_ / "list.txt", "--output", dir_ / "out", "--bit8",
                           "--save_ply", dir_ / "ply", "--xfov", "60"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  for (const char* file : {"out/depth.mkv_grey8.mkv", "out/other.mkv_grey8.mkv",
                           "ply/depth.mkv/0000001.ply", "ply/other.mkv/0000001.ply"})
    EXPECT_TRUE(fs::exists(dir_ / file)) << file;
  std::ofstream(dir_ / "twice.txt") << depth_ << "\n" << depth_ << "\n";
  const Outcome twice = RunProgram(
      program, {"--depth_video", dir_ / "twice.txt", "--output", dir_ / "out", "--bit8"});
  EXPECT_EQ(twice.status, 2);
  EXPECT_NE(twice.err.find("is the output of an earlier entry of the list too"), std::string::npos);
  ExpectOneClearLine(program,
                     RunProgram(program, {"--depth_video", dir_ / "list.txt", "--output",
                                          dir_ / "a.mkv", "--bit8"}),
                     2, {"for a list it must be a folder that exists"});
}

}  // namespace
}  // namespace mdvt::test
