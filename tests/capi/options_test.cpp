// SPDX-License-Identifier: Apache-2.0
//
// Tools, their options and job texts by name: the C interface shows what the registry holds.
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "capi/tools.h"
#include "mdvt/pipeline/tools.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

std::string Text(mdvt_options* options, const std::string& name) {
  const char* value = nullptr;
  const mdvt_status status = mdvt_options_get_text(options, name.c_str(), &value);
  EXPECT_LE(status, MDVT_OK) << mdvt_last_error();
  EXPECT_EQ(status == MDVT_END, value == nullptr);
  return value == nullptr ? "none" : value;
}

bool WasGiven(const mdvt_options* options, const std::string& name) {
  int32_t given = -1;
  MDVT_EXPECT_OK(mdvt_options_was_given(options, name.c_str(), &given));
  return given == 1;
}

std::string Json(mdvt_options* options, bool only_given) {
  const char* json = nullptr;
  MDVT_EXPECT_OK(mdvt_options_to_json(options, only_given, &json));
  return json == nullptr ? "" : json;
}

std::vector<mdvt_option_info> InfosOf(const mdvt_options* options) {
  int32_t count = 0;
  MDVT_EXPECT_OK(mdvt_option_count(options, &count));
  std::vector<mdvt_option_info> infos(static_cast<size_t>(count));
  for (int32_t i = 0; i < count; ++i) {
    mdvt_option_info_init(&infos[static_cast<size_t>(i)]);
    MDVT_EXPECT_OK(mdvt_option_info_get(options, i, &infos[static_cast<size_t>(i)]));
  }
  return infos;
}

mdvt_option_info InfoOf(const mdvt_options* options, const std::string& name) {
  for (const mdvt_option_info& info : InfosOf(options))
    if (info.name == name) return info;
  ADD_FAILURE() << "no option " << name;
  return {};
}

std::vector<std::string> List(const char* const* texts, int32_t count) {
  return {texts, texts + count};
}

// ---- What can be listed.

TEST(Tools, AreThoseOfTheRegistry) {
  ASSERT_EQ(Tools().size(), static_cast<size_t>(mdvt_tool_count()));
  for (int32_t i = 0; i < mdvt_tool_count(); ++i) {
    mdvt_tool_info info;
    mdvt_tool_info_init(&info);
    MDVT_ASSERT_OK(mdvt_tool_info_get(i, &info));
    const ToolInfo& tool = Tools()[static_cast<size_t>(i)];
    EXPECT_STREQ(tool.name, info.name);
    EXPECT_STREQ(tool.purpose, info.purpose);
    EXPECT_STREQ(tool.example, info.example);
  }
}

TEST(Tools, TellEveryOption) {
  for (const ToolInfo& tool : Tools()) {
    SCOPED_TRACE(tool.name);
    const auto options = OptionsOf(tool.name);
    const auto made = tool.make();
    const auto infos = InfosOf(options.get());
    ASSERT_EQ(made->options().options().size(), infos.size());
    for (size_t i = 0; i < infos.size(); ++i) {
      const Option& option = made->options().options()[i];
      const mdvt_option_info& info = infos[i];
      SCOPED_TRACE(option.name);
      EXPECT_EQ(option.name, info.name);
      EXPECT_EQ(option.unit, info.unit);
      EXPECT_EQ(option.help, info.help);
      EXPECT_EQ(option.section, info.section);
      EXPECT_EQ(option.Valid(), info.valid);
      EXPECT_EQ(option.DefaultText(), info.default_text);
      EXPECT_EQ(option.range.low, info.low);
      EXPECT_EQ(option.range.high, info.high);
      EXPECT_EQ(option.range.without_low, info.without_low == 1);
      EXPECT_EQ(option.range.without_high, info.without_high == 1);
      EXPECT_EQ(option.also.value_or(0), info.also);
      EXPECT_EQ(option.also_means, info.also_means);
      EXPECT_EQ(option.takes_list, info.takes_list == 1);
      EXPECT_EQ(option.required, info.required == 1);
      EXPECT_EQ(option.optional, info.optional == 1);
      EXPECT_EQ(option.choices, List(info.choices, info.num_choices));
      EXPECT_EQ(option.aliases, List(info.aliases, info.num_aliases));
      EXPECT_EQ(ToText(option.Get()), Text(options.get(), info.name));
      EXPECT_FALSE(WasGiven(options.get(), info.name));
    }
  }
}

TEST(Tools, TellKindsAndPathsOfOptions) {
  const auto options = OptionsOf("mono_to_sbs");
  const auto kind = [&](const char* name) { return InfoOf(options.get(), name).kind; };
  EXPECT_EQ(MDVT_OPTION_FLAG, kind("upscale"));
  EXPECT_EQ(MDVT_OPTION_INTEGER, kind("crf"));
  EXPECT_EQ(MDVT_OPTION_NUMBER, kind("xfov"));
  EXPECT_EQ(MDVT_OPTION_TEXT, kind("convergence"));
  EXPECT_EQ(MDVT_OPTION_CHOICE, kind("layout"));
  EXPECT_EQ(MDVT_PATH_INPUT, InfoOf(options.get(), "input").path);
  EXPECT_EQ(MDVT_PATH_OUTPUT, InfoOf(options.get(), "output").path);
  EXPECT_EQ(0, InfoOf(options.get(), "convergence").path);
  const auto geometry = OptionsOf("convert_metric_depth_video_to_other_format");
  EXPECT_EQ(MDVT_PATH_FOLDER, InfoOf(geometry.get(), "save_ply").path);

  const mdvt_option_info xfov = InfoOf(options.get(), "xfov");
  EXPECT_EQ(0, xfov.low);
  EXPECT_EQ(180, xfov.high);
  EXPECT_EQ(1, xfov.without_low);
  EXPECT_EQ(1, xfov.without_high);
  const mdvt_option_info frames = InfoOf(options.get(), "max_frames");
  EXPECT_EQ(-1, frames.also);
  EXPECT_STREQ("all", frames.also_means);
  EXPECT_GE(frames.high, std::ldexp(1, 53)) << "no limit";
  EXPECT_EQ((std::vector<std::string>{"sbs", "half-sbs", "tab", "half-tab"}),
            List(InfoOf(options.get(), "layout").choices, 4));
}

TEST(Tools, TellTheirReports) {
  for (const ToolInfo& tool : Tools()) {
    SCOPED_TRACE(tool.name);
    const auto options = OptionsOf(tool.name);
    const auto fields = tool.report_fields();
    int32_t count = 0;
    MDVT_ASSERT_OK(mdvt_report_field_count(options.get(), &count));
    ASSERT_EQ(fields.size(), static_cast<size_t>(count));
    for (int32_t i = 0; i < count; ++i) {
      mdvt_report_field_info info;
      mdvt_report_field_info_init(&info);
      MDVT_ASSERT_OK(mdvt_report_field_info_get(options.get(), i, &info));
      EXPECT_EQ(fields[static_cast<size_t>(i)].name, info.name);
      EXPECT_EQ(fields[static_cast<size_t>(i)].help, info.help);
    }
  }
}

TEST(Tools, TellTheKindOfWhatMayNotApply) {
  const auto options = OptionsOf("video_metric_convert");
  const auto kind = [&](const std::string& name) {
    int32_t count = 0;
    MDVT_EXPECT_OK(mdvt_report_field_count(options.get(), &count));
    for (int32_t i = 0; i < count; ++i) {
      mdvt_report_field_info info;
      mdvt_report_field_info_init(&info);
      MDVT_EXPECT_OK(mdvt_report_field_info_get(options.get(), i, &info));
      if (info.name == name) return info.kind;
    }
    return 0;
  };
  EXPECT_EQ(MDVT_OPTION_INTEGER, kind("width"));
  EXPECT_EQ(MDVT_OPTION_TEXT, kind("model"));
  EXPECT_EQ(MDVT_OPTION_FLAG, kind("fit_by_median"));
  EXPECT_EQ(MDVT_OPTION_INTEGER, kind("fit_samples"));
  EXPECT_EQ(MDVT_OPTION_NUMBER, kind("fit_r_squared"));
}

TEST(Tools, UnknownOnesAreToldWithTheList) {
  mdvt_options* options = nullptr;
  EXPECT_EQ(MDVT_INVALID_ARGUMENT, mdvt_options_new("stereo", &options));
  for (const ToolInfo& tool : Tools())
    EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), tool.name)) << mdvt_last_error();
}

// ---- Setting and getting.

// Some value of the option that is not its default.
std::string Another(const mdvt_option_info& info, const std::string& now) {
  switch (info.kind) {
    case MDVT_OPTION_FLAG:
      return now == "on" ? "off" : "on";
    case MDVT_OPTION_CHOICE:
      return info.choices[info.num_choices - 1] == now ? info.choices[0]
                                                       : info.choices[info.num_choices - 1];
    case MDVT_OPTION_TEXT:
      if (std::string(info.name) == "preset") return "1080";
      if (std::string(info.name) == "encoder_options") return "tune=film";
      if (std::string(info.name) == "quilt") return "3x2";
      if (std::string(info.name) == "background_color") return "20242c";
      if (std::string(info.name) == "seed") return "7";
      if (std::string(info.name) == "sha256") return std::string(64, '7');
      if (std::string(info.name).find("device") != std::string::npos) return "cuda:1";
      return info.path != 0 ? "some file" : "0.25";  // a number is a rule too
    default:
      return std::to_string(static_cast<int>(info.low) + 1) == now
                 ? info.high >= info.low + 2 ? std::to_string(static_cast<int>(info.low) + 2)
                   : info.kind == MDVT_OPTION_INTEGER ? std::to_string(static_cast<int>(info.low))
                                                      : std::string("0.25")
             : info.high > 1 + info.low ? std::to_string(static_cast<int>(info.low) + 1)
             : now == "0.25"            ? "0.5"
                                        : "0.25";
  }
}

TEST(Options, OfEveryToolAreSetGotAndTakenBack) {
  for (const ToolInfo& tool : Tools()) {
    SCOPED_TRACE(tool.name);
    const auto options = OptionsOf(tool.name);
    for (const mdvt_option_info& info : InfosOf(options.get())) {
      SCOPED_TRACE(info.name);
      const std::string before = Text(options.get(), info.name);
      const std::string after = Another(info, before);
      MDVT_ASSERT_OK(mdvt_options_set_text(options.get(), info.name, after.c_str()));
      EXPECT_EQ(after, Text(options.get(), info.name));
      EXPECT_TRUE(WasGiven(options.get(), info.name));
      // The same, by its kind.
      mdvt_status set = MDVT_OK, got = MDVT_OK;
      if (info.kind == MDVT_OPTION_FLAG) {
        int32_t flag = 0;
        got = mdvt_options_get_flag(options.get(), info.name, &flag);
        set = mdvt_options_set_flag(options.get(), info.name, flag);
      } else if (info.kind == MDVT_OPTION_INTEGER) {
        int64_t whole = 0;
        got = mdvt_options_get_integer(options.get(), info.name, &whole);
        EXPECT_EQ(std::to_string(whole), after);
        set = mdvt_options_set_integer(options.get(), info.name, whole);
      } else if (info.kind == MDVT_OPTION_NUMBER) {
        double number = 0;
        got = mdvt_options_get_number(options.get(), info.name, &number);
        set = mdvt_options_set_number(options.get(), info.name, number);
      }
      MDVT_EXPECT_OK(got);
      MDVT_EXPECT_OK(set);
      EXPECT_EQ(after, Text(options.get(), info.name));
      MDVT_ASSERT_OK(mdvt_options_unset(options.get(), info.name));
      EXPECT_EQ(before, Text(options.get(), info.name));
      EXPECT_FALSE(WasGiven(options.get(), info.name));
    }
  }
}

TEST(Options, HaveOtherNamesToo) {
  const auto options = OptionsOf("mono_to_sbs");
  MDVT_ASSERT_OK(mdvt_options_set_text(options.get(), "nv_preset", "p7"));
  EXPECT_EQ("p7", Text(options.get(), "x264_preset"));
  MDVT_ASSERT_OK(mdvt_options_set_number(options.get(), "norm-beta", 0.5));
  EXPECT_EQ("0.5", Text(options.get(), "norm_beta"));
}

TEST(Options, WithoutAValueAreNoFailure) {
  const auto options = OptionsOf("mono_to_sbs");
  double shift = 5;
  EXPECT_EQ(MDVT_END, mdvt_options_get_number(options.get(), "max_shift", &shift));
  EXPECT_EQ(0, shift);
  MDVT_ASSERT_OK(mdvt_options_set_integer(options.get(), "max_shift", 12));
  MDVT_ASSERT_OK(mdvt_options_get_number(options.get(), "max_shift", &shift));
  EXPECT_EQ(12, shift);
  int64_t whole = 5;
  EXPECT_EQ(MDVT_END, mdvt_options_get_integer(options.get(), "input_size", &whole));
  EXPECT_EQ(0, whole);
}

TEST(Options, TellWhatIsWrong) {
  const auto options = OptionsOf("stereo_rerender");
  const auto says = [](mdvt_status status, const char* text) {
    EXPECT_EQ(MDVT_INVALID_ARGUMENT, status);
    EXPECT_STREQ(text, mdvt_last_error());
  };
  says(mdvt_options_set_number(options.get(), "pupilary_distance", 65),
       "unknown option 'pupilary_distance', did you mean pupillary_distance?");
  says(mdvt_options_set_number(options.get(), "pupillary_distance", 1001),
       "pupillary_distance is '1001', must be a number in [0, 1000]");
  says(mdvt_options_set_text(options.get(), "pupillary_distance", "wide"),
       "pupillary_distance is 'wide', must be a number in [0, 1000]");
  says(mdvt_options_set_flag(options.get(), "swap_eyes", 2), "swap_eyes = 2, must be 0 or 1");
  int64_t whole = 0;
  says(mdvt_options_get_integer(options.get(), "pupillary_distance", &whole),
       "pupillary_distance is '63', which is not a whole number");
  says(mdvt_options_check(options.get()),
       "depth_video is required: depth video (or let --engine motion find depth in the same run)");
}

TEST(Options, TextsStayUntilTheyAreAskedForAgain) {
  const auto options = OptionsOf("stereo_rerender", {{"output", "first.mkv"}});
  const char *output = nullptr, *other = nullptr;
  MDVT_ASSERT_OK(mdvt_options_get_text(options.get(), "output", &output));
  SetAll(options.get(), {{"output", "second.mkv"}, {"depth_video", "d.mkv"}});
  MDVT_ASSERT_OK(mdvt_options_get_text(options.get(), "depth_video", &other));
  EXPECT_STREQ("first.mkv", output);
  MDVT_ASSERT_OK(mdvt_options_get_text(options.get(), "output", &output));
  EXPECT_STREQ("second.mkv", output);
  EXPECT_STREQ("d.mkv", other);
}

// ---- Job texts.

TEST(Options, AreAJobAsAText) {
  const auto options = OptionsOf("stereo_rerender", {{"depth_video", "a \xC3\xA9\"\\.mkv"}});
  MDVT_ASSERT_OK(mdvt_options_set_number(options.get(), "pupillary_distance", 0.1));
  MDVT_ASSERT_OK(mdvt_options_set_flag(options.get(), "swap_eyes", 1));
  MDVT_ASSERT_OK(mdvt_options_set_integer(options.get(), "threads", 2));
  for (const bool only_given : {false, true}) {
    const std::string json = Json(options.get(), only_given);
    mdvt_options* read = nullptr;
    MDVT_ASSERT_OK(mdvt_options_from_json(json.c_str(), &read));
    const Owned<mdvt_options> copy(read);
    for (const mdvt_option_info& info : InfosOf(options.get()))
      EXPECT_EQ(Text(options.get(), info.name), Text(read, info.name)) << info.name;
    EXPECT_TRUE(WasGiven(read, "swap_eyes"));
    EXPECT_EQ(json, Json(read, only_given));
    EXPECT_EQ(only_given, json.find("remove_edges") == std::string::npos) << json;
  }
}

TEST(Options, FromWrongTextsAreNone) {
  const std::string deep(100000, '['), big = "{\"tool\": \"" + std::string(1 << 20, 'x');
  const std::pair<std::string, mdvt_status> wrong[] = {
      {"", MDVT_CORRUPT},
      {"{", MDVT_CORRUPT},
      {"null", MDVT_CORRUPT},
      {"[]", MDVT_CORRUPT},
      {"{}", MDVT_CORRUPT},
      {R"({"tool": "stereo_rerender"})", MDVT_CORRUPT},
      {R"({"tool": "stereo_rerender", "options": []})", MDVT_CORRUPT},
      {R"({"tool": 7, "options": {}})", MDVT_CORRUPT},
      {R"({"tool": "stereo_rerender", "options": {}, "more": 1})", MDVT_CORRUPT},
      {R"({"tool": "stereo_rerender", "options": {"threads": {}}})", MDVT_CORRUPT},
      {R"({"tool": "stereo_rerender", "options": {"threads": 1.5}})", MDVT_INVALID_ARGUMENT},
      {R"({"tool": "stereo_rerender", "options": {"thread": 1}})", MDVT_INVALID_ARGUMENT},
      {R"({"tool": "stereo", "options": {}})", MDVT_INVALID_ARGUMENT},
      {big, MDVT_CORRUPT},
      {deep, MDVT_LIMIT},
  };
  for (const auto& [text, status] : wrong) {
    mdvt_options* options = reinterpret_cast<mdvt_options*>(1);
    EXPECT_EQ(status, mdvt_options_from_json(text.c_str(), &options))
        << text.substr(0, 80) << ": " << mdvt_last_error();
    EXPECT_EQ(nullptr, options);
    EXPECT_EQ(0, std::string(mdvt_last_error()).rfind("json", 0)) << mdvt_last_error();
  }
}

// ---- Where a program may stand.

TEST(Options, DoNotDependOnTheLocale) {
  // An installed German locale, or one made for this test.
  const TempDir folder;
  const char* found = std::setlocale(LC_ALL, "de_DE.UTF-8");
  if (found == nullptr) {
    const std::string command =
        "localedef -i de_DE -f UTF-8 '" + folder / "de_DE.UTF-8" + "' >/dev/null 2>&1";
    if (std::system(command.c_str()) == 0) {
      setenv("LOCPATH", folder.path().c_str(), 1);
      found = std::setlocale(LC_ALL, "de_DE.UTF-8");
      unsetenv("LOCPATH");
    }
  }
  if (found == nullptr) GTEST_SKIP() << "no German locale: install the package locales";
  const auto options = OptionsOf("stereo_rerender", {{"pupillary_distance", "62.5"}});
  EXPECT_EQ("62.5", Text(options.get(), "pupillary_distance"));
  const std::string json = Json(options.get(), true);
  EXPECT_NE(std::string::npos, json.find("62.5")) << json;
  mdvt_options* read = nullptr;
  MDVT_EXPECT_OK(mdvt_options_from_json(json.c_str(), &read));
  const Owned<mdvt_options> copy(read);
  EXPECT_EQ("62.5", Text(read, "pupillary_distance"));
  EXPECT_EQ(MDVT_INVALID_ARGUMENT,
            mdvt_options_set_text(options.get(), "pupillary_distance", "62,5"));
  std::setlocale(LC_ALL, "C");
}

TEST(Options, OfDifferentThreadsAreApart) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 50; ++i) {
        const auto options = OptionsOf("mono_to_sbs", {{"input", "a.mkv"}});
        const std::string own = std::to_string(1 + 50 * t + i);
        SetAll(options.get(), {{"threads", own}, {"output", own + ".mkv"}});
        EXPECT_NE(std::string::npos, Json(options.get(), true).find("\"" + own + ".mkv\""));
        EXPECT_EQ(own, Text(options.get(), "threads"));
        EXPECT_EQ(MDVT_INVALID_ARGUMENT,
                  mdvt_options_set_text(options.get(), "threads", ("x" + own).c_str()));
        EXPECT_NE(nullptr, std::strstr(mdvt_last_error(), ("'x" + own + "'").c_str()));
        EXPECT_NE(nullptr, JobOf(options.get()).get());
      }
    });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace mdvt::test
