// SPDX-License-Identifier: Apache-2.0
//
// The number of threads never changes a result.
#include <gtest/gtest.h>

#include <cstdio>
#include <string>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

TEST(Threads, NeverChangeTheFramesOfAProgram) {
  const TempDir dir;
  ClipShape shape;
  shape.width = 200;
  shape.height = 120;
  shape.frames = 12;
  MakeColor(dir / "color.mkv", shape);
  DepthClipOptions tagged;
  tagged.tags.xfov_deg = 60;
  MakeDepth(dir / "depth.mkv", shape, BoxOnWall(shape, 1, 4), tagged);
  int same = 0;
  int compared = 0;
  std::vector<Image> depth, stereo, mask, grey;
  std::map<std::string, std::string> clouds;
  for (const char* threads : {"1", "2", "3", "4", "8"}) {
    SCOPED_TRACE(std::string(threads) + " threads");
    ASSERT_EQ(
        RunProgram("video_metric_convert", {"--color_video", dir / "color.mkv", "--xfov", "60",
                                            "--threads", threads, "--output", dir / "d.mkv"})
            .status,
        0);
    ASSERT_EQ(
        RunProgram("stereo_rerender", {"--depth_video", dir / "depth.mkv", "--color_video",
                                       dir / "color.mkv", "--infill_mask", "--do_basic_infill",
                                       "--threads", threads, "--output", dir / "s.mkv"})
            .status,
        0);
    ASSERT_EQ(RunProgram("convert_metric_depth_video_to_other_format",
                         {"--depth_video", dir / "depth.mkv", "--color_video", dir / "color.mkv",
                          "--bit16", "--threads", threads, "--output", dir / "g.mkv", "--save_ply",
                          dir / "ply"})
                  .status,
              0);
    const auto compare = [&](std::vector<Image>* first, const std::string& path) {
      const std::vector<Image> frames = ReadAllFrames(path);
      EXPECT_EQ(frames.size(), 12u);
      if (first->empty()) *first = frames;
      const bool equal = SameFrames(*first, frames);
      EXPECT_TRUE(equal) << path;
      ++compared;
      same += equal;
    };
    compare(&depth, dir / "d.mkv");
    compare(&stereo, dir / "s.mkv");
    compare(&mask, dir / "s.mkv_infillmask.mkv");
    compare(&grey, dir / "g.mkv");
    const auto files = Snapshot(dir / "ply");
    EXPECT_EQ(files.size(), 12u);
    if (clouds.empty()) clouds = files;
    EXPECT_TRUE(files == clouds);
    ++compared;
    same += files == clouds;
  }
  std::printf(
      "{\"id\":\"F2\",\"value\":\"%d/%d\",\"target\":\"%d/%d\",\"pass\":%s,\"of\":\"programs\"}\n",
      same, compared, compared, compared, same == compared ? "true" : "false");
}

}  // namespace
}  // namespace mdvt::test
