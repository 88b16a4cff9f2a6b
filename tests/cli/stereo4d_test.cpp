// SPDX-License-Identifier: Apache-2.0
//
// The programs of Stereo4D under their documented names, one after the other as its page has them.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "cli/run_program.h"
#include "mdvt/io/npz_file.h"
#include "mdvt/io/track_file.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class Stereo4dPrograms : public ::testing::Test {
 protected:
  using Arguments = std::vector<std::string>;

  Outcome Run(const std::string& program, const Arguments& more = {}) {
    Arguments arguments = {"--vid", "vr180_sbs", "--output_folder", dir_ / "out"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return RunProgram(program, arguments);
  }
  std::string File(const std::string& suffix) const {
    return dir_ / ("out/vr180_sbs/vr180_sbs" + suffix);
  }
  const TempDir dir_;
};

TEST_F(Stereo4dPrograms, WorkTogetherUnderTheirDocumentedNames) {
  MDVT_SKIP_WITHOUT_DATA();
  const Outcome rectified =
      RunProgram("rectify", {"--color_video", (DataDir() / "dev_vr180/vr180_sbs.mp4").string(),
                             "--output_folder", dir_ / "out", "--bounds_at_centers", "off",
                             "--calibrate", "turns", "--max_frames", "6"});
  ASSERT_EQ(rectified.status, 0) << rectified.err;
  EXPECT_NE(rectified.out.find("the right eye is turned by 0.0"), std::string::npos)
      << rectified.out;
  for (const std::string program : {"inference_raft", "tracking"}) {
    const Outcome outcome =
        Run(program, program == "tracking" ? Arguments{"--emit_pickle"} : Arguments{});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
  }
  EXPECT_GT(ReadTrackFile(File("-tapir_2d.pkl")).num_tracks(), 1000u);
  const Outcome posed = RunProgram(
      "sam_track_video", {"--color_video", File("-left_rectified.mkv"), "--depth_video",
                          File("-raw_depth.mkv"), "--output", File("-transformations.json")});
  ASSERT_EQ(posed.status, 0) << posed.err;
  const Outcome filtered = Run("segmentation");
  ASSERT_EQ(filtered.status, 0) << filtered.err;
  EXPECT_NE(filtered.err.find("label_video"), std::string::npos);
  const Outcome optimized = Run("track_optimization");
  ASSERT_EQ(optimized.status, 0) << optimized.err;
  const NpzReader file(File(".tracks.npz"));
  EXPECT_EQ(file.Read("timestamps").shape, std::vector<int64_t>{6});
  // What segmentation has left is what was taken.
  EXPECT_LE(file.Read("track_lengths").shape[0],
            static_cast<int64_t>(ReadTrackFile(File("-tracks_filtered.json")).num_tracks()));
}

TEST_F(Stereo4dPrograms, BadInputIsToldInOneLine) {
  for (const std::string program :
       {"inference_raft", "tracking", "segmentation", "track_optimization"}) {
    ExpectOneClearLine(program, RunProgram(program, {}), 2, {"vid"});
    ExpectOneClearLine(program, Run(program), 3, {"vr180_sbs-clip.json", "no such file"});
  }
  ExpectOneClearLine("rectify", RunProgram("rectify", {"--videoid", "V", "--clipid", "0"}), 3,
                     {"release_test.json", "no such file"});
  EXPECT_FALSE(fs::exists(dir_ / "out"));
}

}  // namespace
}  // namespace mdvt::test
