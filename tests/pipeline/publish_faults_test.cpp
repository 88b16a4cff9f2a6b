// SPDX-License-Identifier: Apache-2.0
//
// Whole jobs with two or more outputs in which a call to the system fails: afterwards all outputs
// are the old ones, byte for byte, or all are the new ones, and nothing else is in the folder.
// Every seventh call by default; all of them, once and for ever, with MDVT_FAULTS=all in the
// environment.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "cli/clips.h"
#include "mdvt/io/output_set.h"
#include "mdvt/pipeline/check_stereo.h"
#include "mdvt/pipeline/depth_view.h"
#include "mdvt/pipeline/find_convergence.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/pipeline/split_sbs.h"
#include "support/faulty_system.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt {
namespace {

namespace fs = std::filesystem;
using test::ReadTree;
using test::TempDir;
using test::Tree;

class PublishFaults : public ::testing::Test {
 protected:
  PublishFaults() {
    shape_.width = 64;
    shape_.height = 48;
    shape_.frames = 3;
    test::MakeColor(color_, shape_);
    test::DepthClipOptions tagged;
    tagged.tags.xfov_deg = 60;
    test::MakeDepth(depth_, shape_, test::BoxOnWall(shape_, 1, 4), tagged);
  }

  // `run` writes `outputs` (places in a folder) into the folder it is given.
  void Campaign(const std::string& name, const std::vector<std::string>& outputs,
                const std::function<void(const std::string& folder)>& run) {
    const char* wish = std::getenv("MDVT_FAULTS");
    const bool all = wish != nullptr && std::string(wish) == "all";
    const auto put_old = [&](const std::string& folder, bool exist) {
      for (const std::string& output : outputs) {
        if (!exist) continue;
        fs::create_directories(fs::path(folder + "/" + output).parent_path());
        std::ofstream(folder + "/" + output) << "old " << output;
      }
    };
    const TempDir reference;
    put_old(reference.path().string(), true);
    run(reference.path().string());
    const Tree whole = ReadTree(reference.path().string());
    int tried = 0, failed = 0, refused = 0;
    for (const auto& [error, forever] :
         {std::pair(EIO, false), std::pair(ENOSPC, true), std::pair(EDQUOT, false)}) {
      if (!all && error == EDQUOT) continue;
      for (const bool exist : {true, false}) {
        if (!all && !exist) continue;
        for (int at = 0;; at += all ? 1 : 7) {
          SCOPED_TRACE(name + ": call " + std::to_string(at) + " fails with " +
                       std::to_string(error) + (forever ? " forever" : ""));
          const TempDir dir;
          const std::string folder = dir.path().string();
          put_old(folder, exist);
          const Tree old = ReadTree(folder);
          std::string failure;
          const test::FaultOutcome outcome = test::RunWithFault(
              {at, error, forever}, [&] { run(folder); }, &failure);
          const bool ended = !::testing::Test::HasFailure();
          // Where removing the hidden folder is what failed it stays until the next run.
          if (!forever && !(outcome.hit && test::IsPartOfCleaning(outcome.which))) {
            EXPECT_TRUE(ReadTree(folder) == (failure.empty() ? whole : old)) << failure;
          }
          EXPECT_TRUE(failure.empty() || failure.find(folder) != std::string::npos) << failure;
          EXPECT_EQ(failure.find(".mdvt-"), std::string::npos) << failure;
          // A run that ends before it has written anything.
          OutputSet().AddFile(folder + "/unused");
          for (const std::string& output : outputs)
            OutputSet().AddFolder(fs::path(folder + "/" + output).parent_path().string());
          const Tree next = ReadTree(folder);
          EXPECT_TRUE(next == whole || (next == old && !failure.empty())) << failure;
          EXPECT_TRUE(next == old || failure.empty() || forever) << failure;
          if (!outcome.hit) break;
          ++tried;
          refused += !failure.empty();
          failed += ended && ::testing::Test::HasFailure();
          ASSERT_LT(at, 3000);
        }
      }
    }
    EXPECT_GE(tried, 5);
    std::printf("%s: %d failing calls tried, %d ended the run, %d left something wrong\n",
                name.c_str(), tried, refused, failed);
  }

  const TempDir dir_;
  test::ClipShape shape_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string depth_ = dir_ / "depth.mkv";
};

TEST_F(PublishFaults, StereoWithMask) {
  Campaign("stereo", {"s.mkv", "s.mkv_infillmask.mkv"}, [&](const std::string& folder) {
    StereoJobOptions options;
    options.source.file.path = depth_;
    options.color_video = color_;
    options.output = folder + "/s.mkv";
    options.holes.infill_mask = true;
    options.job.num_threads = 1;
    RunStereoJob(options);
  });
}

TEST_F(PublishFaults, DepthWithTransformations) {
  Campaign("depth", {"d.mkv", "path.json"}, [&](const std::string& folder) {
    DepthJobOptions options;
    options.color_video = color_;
    options.fov.xfov_deg = 60;
    options.output = folder + "/d.mkv";
    options.transformation_output = folder + "/path.json";
    options.job.num_threads = 1;
    RunDepthJob(options);
  });
}

TEST_F(PublishFaults, ExportOfAVideoAndTwoFolders) {
  Campaign("export",
           {"g.mkv", "a/ply/0000000.ply", "a/ply/0000001.ply", "a/ply/0000002.ply",
            "a/obj/0000000.obj", "a/obj/0000001.obj", "a/obj/0000002.obj"},
           [&](const std::string& folder) {
             ExportJobOptions options;
             options.depth_video = depth_;
             options.bit8 = true;
             options.output = folder + "/g.mkv";
             options.exports["ply"] = folder + "/a/ply";
             options.exports["obj"] = folder + "/a/obj";
             options.job.num_threads = 1;
             RunExportJob(options);
           });
}

TEST_F(PublishFaults, SideBySideWithContactSheet) {
  Campaign("mono_to_sbs", {"sbs.mp4", "sheet.png"}, [&](const std::string& folder) {
    MonoToSbsJobOptions options;
    options.input = color_;
    options.output = folder + "/sbs.mp4";
    options.preview.contact_sheet = folder + "/sheet.png";
    options.job.num_threads = 1;
    RunMonoToSbsJob(options);
  });
}

TEST_F(PublishFaults, ViewWithItsDepth) {
  Campaign("3d_view", {"v.mkv", "v.mkv_depth.mkv"}, [&](const std::string& folder) {
    DepthViewJobOptions options;
    options.scene.depth_video = depth_;
    options.scene.color_video = color_;
    options.render = true;
    options.save_depth = true;
    options.output = folder + "/v.mkv";
    options.job.num_threads = 1;
    RunDepthViewJob(options);
  });
}

TEST_F(PublishFaults, HalvesOfAStereoVideo) {
  const std::string both = dir_ / "both.mkv";
  test::ClipShape shape = shape_;
  shape.width = 2 * shape_.width;
  test::MakeColor(both, shape);
  Campaign("split", {"both_left.mkv", "both_right.mkv"}, [&](const std::string& folder) {
    SplitSbsJobOptions options;
    options.color_video = both;
    options.output = folder;
    options.job.num_threads = 1;
    RunSplitSbsJob(options);
  });
}

TEST_F(PublishFaults, ConvergenceWithItsConfidence) {
  Campaign("convergence", {"c.json", "sure.json"}, [&](const std::string& folder) {
    FindConvergenceJobOptions options;
    options.depth_video = depth_;
    options.output = folder + "/c.json";
    options.confidence_output = folder + "/sure.json";
    options.job.num_threads = 1;
    RunFindConvergenceJob(options);
  });
}

TEST_F(PublishFaults, FiguresAndPageOfAStereoVideo) {
  const std::string both = dir_ / "both.mkv";
  StereoJobOptions stereo;
  stereo.source.file.path = depth_;
  stereo.color_video = color_;
  stereo.output = both;
  RunStereoJob(stereo);
  Campaign("check_stereo", {"c.json", "c.html"}, [&](const std::string& folder) {
    CheckStereoJobOptions options;
    options.input = both;
    options.json = folder + "/c.json";
    options.html = folder + "/c.html";
    options.working_width = 64;
    options.job.num_threads = 1;
    RunCheckStereoJob(options);
  });
}

}  // namespace
}  // namespace mdvt
