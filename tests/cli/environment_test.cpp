// SPDX-License-Identifier: Apache-2.0
//
// Where and for whom a program runs never changes what it writes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

// Sets variables of the environment, and the old ones again at the end.
class Variables {
 public:
  // An empty value: not set at all.
  void Set(const std::string& name, const std::string& value) {
    const char* old = std::getenv(name.c_str());
    old_.emplace_back(name, old == nullptr ? "" : old);
    Put(name, value);
  }
  Variables() = default;
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;
  ~Variables() {
    for (auto i = old_.rbegin(); i != old_.rend(); ++i) Put(i->first, i->second);
  }

 private:
  static void Put(const std::string& name, const std::string& value) {
    value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<std::pair<std::string, std::string>> old_;
};

TEST(Environment, NeverChangesWhatIsWritten) {
  const TempDir dir;
  ClipShape shape;
  shape.frames = 3;
  MakeColor(dir / "color.mkv", shape);
  DepthClipOptions tagged;
  tagged.tags.xfov_deg = 60.5;
  MakeDepth(dir / "depth.mkv", shape, BoxOnWall(shape, 1.25f, 4.5f), tagged);
  const auto run_all = [&](const std::string& inputs, const std::string& out) {
    const std::string color = inputs + "color.mkv", depth = inputs + "depth.mkv";
    const auto run = [&](const std::string& program, const RunningProgram::Arguments& arguments) {
      const Outcome outcome = RunProgram(program, arguments);
      EXPECT_EQ(outcome.status, 0) << program << ": " << outcome.err;
    };
    run("find_convergence_depth", {"--depth_video", depth, "--output", out + "c.json"});
    run("stereo_rerender",
        {"--depth_video", depth, "--color_video", color, "--infill_mask", "--convergence_file",
         out + "c.json", "--pupillary_distance", "62.5", "--output", out + "s.mkv"});
    run("3d_view_depthfile", {"--depth_video", depth, "--color_video", color, "--render", "--x",
                              "0.25", "--remove_edges", "--output", out + "v.mkv"});
    run("convert_metric_depth_video_to_other_format",
        {"--depth_video", depth, "--color_video", color, "--bit16", "--output", out + "g.mkv",
         "--save_ply", out + "ply", "--save_obj", out + "obj"});
    run("split_sbs_video", {"--color_video", out + "s.mkv", "--output", out});
    run("check_stereo", {"--input", out + "s.mkv", "--json", out + "check.json"});
  };
  const auto contents = [&](const std::string& out) {
    std::map<std::string, std::string> files;
    for (auto& [name, text] : Snapshot(out)) {
      std::string& content = files[name.substr(out.size())] = text;
      for (size_t at = 0; (at = content.find(out, at)) != std::string::npos;)
        content.replace(at, out.size(), "OUT");  // the report names its input
    }
    EXPECT_GE(files.size(), 14u);
    return files;
  };
  const auto folder = [&](const std::string& name) {
    fs::create_directory(dir / name);
    return (dir / name) + "/";
  };
  const std::string inputs = dir.path().string() + "/";
  const std::string usual = folder("usual");
  run_all(inputs, usual);
  const auto expected = contents(usual);

  const std::string again = folder("again");
  run_all(inputs, again);
  EXPECT_TRUE(contents(again) == expected) << "a second run";

  {
    Variables variables;
    variables.Set("LC_ALL", "de_DE.UTF-8");  // a comma in numbers, where it is installed
    variables.Set("LANG", "de_DE.UTF-8");
    variables.Set("TZ", "Pacific/Chatham");
    variables.Set("HOME", "");
    variables.Set("XDG_CACHE_HOME", "");
    const mode_t mask = umask(077);
    const std::string elsewhere = folder("elsewhere");
    run_all(inputs, elsewhere);
    umask(mask);
    EXPECT_TRUE(contents(elsewhere) == expected) << "another locale, time zone and umask, no home";
  }
  {
    // Names from another folder, a home that cannot be written.
    const std::string home = folder("home");
    fs::permissions(home, fs::perms::owner_read | fs::perms::owner_exec);
    Variables variables;
    variables.Set("HOME", home);
    const fs::path before = fs::current_path();
    const std::string relative = folder("relative");
    fs::current_path(relative);
    run_all("../", "./");
    fs::current_path(before);
    fs::permissions(home, fs::perms::owner_all);
    EXPECT_TRUE(fs::is_empty(home));
    auto files = contents(relative);
    files["check.json"] = expected.at("check.json");  // names its input another way
    EXPECT_TRUE(files == expected) << "relative names, a home that is read only";
  }
}

}  // namespace
}  // namespace mdvt::test
