// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/tools.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <variant>

#include "cli/clips.h"
#include "io/expect_error.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/limits.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

constexpr char kStereo[] = "stereo_rerender";
constexpr char kExport[] = "convert_metric_depth_video_to_other_format";

TEST(Tools, AreFoundByName) {
  EXPECT_STREQ(FindTool(kStereo).name, kStereo);
  ExpectError(Code::kInvalidArgument, "there is no tool 'stereo', only video_metric_convert, ",
              [] { FindTool("stereo"); });
  std::set<std::string> names;
  for (const ToolInfo& tool : Tools()) EXPECT_TRUE(names.insert(tool.name).second) << tool.name;
}

TEST(Tools, DescribeEveryOption) {
  for (const ToolInfo& info : Tools()) {
    const std::unique_ptr<Tool> tool = info.make();
    std::set<std::string> names;
    for (const Option& option : tool->options().options()) {
      SCOPED_TRACE(std::string(info.name) + " " + option.name);
      EXPECT_TRUE(names.insert(option.name).second);
      for (const std::string& alias : option.aliases) EXPECT_TRUE(names.insert(alias).second);
      EXPECT_FALSE(option.help.empty());
      EXPECT_FALSE(option.given);
      EXPECT_FALSE(option.DefaultText().empty());
      EXPECT_EQ(option.unit.empty(), option.kind == OptionKind::kFlag);
      EXPECT_LE(option.range.low, option.range.high);
    }
    EXPECT_TRUE(names.count("max_frames") && names.count("overwrite") && names.count("threads"));
    EXPECT_FALSE(info.report_fields().empty());
  }
}

TEST(Tools, RatesAreNumbersOrRatiosAndBounded) {
  int rates = 0;
  for (const ToolInfo& info : Tools()) {
    const std::unique_ptr<Tool> tool = info.make();
    for (const Option& option : tool->options().options()) {
      if (option.unit != "FPS") continue;
      SCOPED_TRACE(std::string(info.name) + " " + option.name);
      ++rates;
      tool->options().SetText(option.name, "24000/1001");
      EXPECT_DOUBLE_EQ(std::get<double>(tool->options().Get(option.name)), 24000.0 / 1001);
      for (const char* wrong : {"1e9", "1000.1", "-24", "nan", "24/0", "1/2/3", "fast"})
        EXPECT_THROW(tool->options().SetText(option.name, wrong), Error) << wrong;
    }
  }
  EXPECT_GE(rates, 4);
}

// What a struct holds at first is what an empty command line means.
TEST(Tools, DefaultsAreThoseOfTheStructs) {
  StereoJobOptions defaults;
  OptionList list;
  Describe(&list, &defaults);
  const std::unique_ptr<Tool> tool = MakeTool(kStereo);
  for (const Option& option : list.options())
    EXPECT_EQ(tool->options().Get(option.name), option.Get()) << option.name;
  EXPECT_EQ(tool->options().Get("pupillary_distance"), OptionValue(63.0));
}

TEST(Tools, NameTheirOutput) {
  const TempDir dir;
  const std::unique_ptr<Tool> tool = MakeTool(kStereo);
  tool->options().Set("depth_video", std::string("a/clip_depth.mkv"));
  EXPECT_EQ(tool->Output(), "a/clip_depth.mkv_stereo.mkv");
  tool->options().Set("compressed", true);
  EXPECT_EQ(tool->Output(), "a/clip_depth.mkv_stereo.mp4");
  tool->options().Set("output", dir.path().string());
  EXPECT_EQ(tool->Output(), dir / "clip_depth.mkv_stereo.mp4");
  tool->options().Set("output", std::string("b.mkv"));
  EXPECT_EQ(tool->Output(), "b.mkv");
}

TEST(Tools, RunAndReportByName) {
  const TempDir dir;
  const ClipShape shape;
  MakeDepth(dir / "depth.mkv", shape, Plane(4));
  MakeColor(dir / "color.mkv", shape);
  const std::unique_ptr<Tool> tool = MakeTool(kStereo);
  OptionList& options = tool->options();
  options.Set("depth_video", dir / "depth.mkv");
  options.Set("color_video", dir / "color.mkv");
  options.Set("xfov", 90.0);
  options.Set("infill_mask", true);
  const ToolReport report = tool->Run();
  EXPECT_EQ(report.frames, shape.frames);
  ASSERT_EQ(report.outputs.size(), 2u);
  EXPECT_EQ(report.outputs[0], dir / "depth.mkv_stereo.mkv");
  EXPECT_TRUE(std::filesystem::exists(report.outputs[0]));
  EXPECT_EQ(report.Find("mask_output")->value, OptionValue(report.outputs[1]));
  EXPECT_EQ(report.Find("width")->value, OptionValue(int64_t{2 * shape.width}));
  EXPECT_EQ(report.Find("nothing"), nullptr);
  // The fields are those that were announced.
  const std::vector<ToolReport::Field> announced = FindTool(kStereo).report_fields();
  ASSERT_EQ(report.fields.size(), announced.size());
  for (size_t i = 0; i < announced.size(); ++i) EXPECT_EQ(report.fields[i].name, announced[i].name);
  // The same options run again, with one changed.
  options.Set("max_frames", int64_t{2});
  EXPECT_EQ(tool->Run().frames, 2);
}

TEST(Tools, CheckTogetherBeforeAnythingIsOpened) {
  const std::unique_ptr<Tool> tool = MakeTool(kExport);
  ExpectError(Code::kInvalidArgument, "depth_video is required", [&] { tool->Check(); });
  tool->options().Set("depth_video", std::string("missing.mkv"));
  ExpectError(Code::kInvalidArgument, "nothing to write", [&] { tool->Check(); });
  tool->options().Set("bit8", true);
  tool->Check();
  tool->options().Set("bit16", true);
  ExpectError(Code::kInvalidArgument, "give bit8 or bit16, not both", [&] { tool->Check(); });
}

TEST(Tools, OnlySomeUseAModel) {
  ExpectError(Code::kInvalidArgument, "this tool uses no model",
              [] { MakeTool(kExport)->UseModel(nullptr); });
}

TEST(Tools, KeepToTheirLimits) {
  const TempDir dir;
  MakeDepth(dir / "depth.mkv", ClipShape(), Plane(4));
  for (const char* name : {kStereo, kExport}) {
    const std::unique_ptr<Tool> tool = MakeTool(name);
    tool->options().Set("depth_video", dir / "depth.mkv");
    tool->options().Set("xfov", 60.0);
    if (name == kExport) tool->options().Set("bit8", true);
    Limits limits;
    limits.max_frames = 1;
    tool->UseLimits(limits);
    ExpectError(Code::kLimit, "limit of 1 frames", [&] { tool->Run(); });
    limits.max_frames = -1;
    ExpectError(Code::kInvalidArgument, "max_frames", [&] { tool->UseLimits(limits); });
  }
}

TEST(Tools, DescribeThemselvesAsJson) {
  const ToolInfo& info = FindTool(kStereo);
  const json::Value told = json::Parse(ToolToJson(info), Limits(), "tool");
  EXPECT_EQ(told.At("name"), json::Value(kStereo));
  EXPECT_EQ(told.At("options").size(), info.make()->options().options().size());
  const std::vector<ToolReport::Field> fields = info.report_fields();
  ASSERT_EQ(told.At("report").size(), fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    EXPECT_EQ(told.At("report").AsArray()[i].At("name"), json::Value(fields[i].name));
    EXPECT_EQ(told.At("report").AsArray()[i].At("help"), json::Value(fields[i].help));
  }
}

TEST(JobFile, TellsItsTool) {
  const std::string job = R"({"tool": "mono_to_sbs", "options": {"input": "a.mp4", "crf": 30}})";
  const std::unique_ptr<Tool> tool = ToolFromJson(job, "job");
  EXPECT_EQ(tool->options().Get("crf"), OptionValue(int64_t{30}));
  EXPECT_EQ(tool->Output(), "a.mp4_sbs.mp4");
  EXPECT_STREQ(ToolOfJob(job, "job").name, "mono_to_sbs");
  ExpectError(Code::kInvalidArgument, "job: there is no tool 'sbs', only",
              [] { ToolFromJson(R"({"tool": "sbs", "options": {}})", "job"); });
  const TempDir dir;
  std::ofstream(dir / "job.json") << job;
  EXPECT_EQ(ToolFromJobFile(dir / "job.json")->Output(), "a.mp4_sbs.mp4");
  ExpectError(Code::kNotFound, "missing.json", [] { ToolFromJobFile("missing.json"); });
}

TEST(JobFile, KeepsEveryOption) {
  for (const ToolInfo& info : Tools()) {
    SCOPED_TRACE(info.name);
    const std::unique_ptr<Tool> first = info.make();
    OptionList& options = first->options();
    options.Set(options.options().front().name, std::string("a \"quoted\" \\ name.mkv"));
    options.Set("max_frames", int64_t{7});
    options.Set("overwrite", false);
    const std::string all = JobToJson(info, options, false);
    const std::unique_ptr<Tool> second = info.make();
    JobFromJson(all, "job", info, &second->options());
    for (const Option& option : options.options())
      EXPECT_EQ(second->options().Get(option.name), option.Get()) << option.name;
    EXPECT_EQ(JobToJson(info, second->options(), false), all);
    // Only what was given: the rest stays as it is.
    const std::unique_ptr<Tool> third = info.make();
    JobFromJson(JobToJson(info, options, true), "job", info, &third->options());
    EXPECT_TRUE(third->options().WasGiven("max_frames"));
    EXPECT_FALSE(third->options().WasGiven("threads"));
  }
}

TEST(JobFile, MistakesAreNamed) {
  const ToolInfo& info = FindTool(kStereo);
  const std::unique_ptr<Tool> tool = info.make();
  const auto expect = [&](Code code, const std::string& job, const std::string& text) {
    ExpectError(code, text, [&] { JobFromJson(job, "job file a.json", info, &tool->options()); });
  };
  expect(Code::kCorrupt, "{", "job file a.json");
  expect(Code::kCorrupt, "[]", R"(must be {"tool": "NAME", "options": {...}})");
  expect(Code::kCorrupt, R"({"tool": "stereo_rerender"})", "must be");
  expect(Code::kCorrupt, R"({"tool": "stereo_rerender", "options": {}, "more": 1})",
         "unknown key 'more'");
  expect(Code::kInvalidArgument, R"({"tool": "mono_to_sbs", "options": {}})",
         "is a job of 'mono_to_sbs', not of 'stereo_rerender'");
  expect(Code::kInvalidArgument, R"({"tool": "stereo_rerender", "options": {"xfof": 50}})",
         "unknown option 'xfof', did you mean xfov?");
  expect(Code::kInvalidArgument, R"({"tool": "stereo_rerender", "options": {"xfov": 200}})",
         "job file a.json: xfov is '200', must be a number in (0, 180)");
  expect(Code::kCorrupt, R"({"tool": "stereo_rerender", "options": {"xfov": [50]}})",
         "option 'xfov' must be a number, a text, true or false");
  ExpectError(Code::kNotFound, "no such file",
              [&] { ReadJobFile("missing.json", info, &tool->options()); });
}

}  // namespace
}  // namespace mdvt::test
