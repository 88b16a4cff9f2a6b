// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/optical_flow.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "cli/clips.h"
#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "mdvt/io/image_file.h"
#include "room_clip.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

class OpticalFlowJob : public ::testing::Test {
 protected:
  OpticalFlowJobOptions Options(const std::string& video) {
    OpticalFlowJobOptions options;
    options.color_video = video;
    options.job.num_threads = 2;
    return options;
  }
  const TempDir dir_;
};

float FloatAt(const std::vector<std::byte>& bytes, size_t offset) {
  float value = 0;
  std::memcpy(&value, bytes.data() + offset, 4);
  return value;
}

TEST_F(OpticalFlowJob, AgreesWithTheTruthInAllFormats) {
  const RoomClip room = MakeRoomClip(dir_.path().string(), 4);
  OpticalFlowJobOptions options = Options(room.color);
  options.save_flo = dir_ / "flo";
  options.save_png = dir_ / "png";
  options.save_numbers = true;
  const OpticalFlowReport report = RunOpticalFlowJob(options);
  EXPECT_EQ(report.output, room.color + "_opticalflow.mkv");
  EXPECT_EQ(report.numbers_output, room.color + "_opticalflow16.mkv");
  EXPECT_EQ(report.frames, 4);
  EXPECT_EQ(report.files, 8);
  EXPECT_GT(*report.valid_share, 0.7);

  const int width = room.shape.width, height = room.shape.height;
  const std::vector<std::byte> flo = ReadBytes(dir_ / "flo/0000001.flo");
  ASSERT_EQ(flo.size(), 12 + 8 * static_cast<size_t>(width * height));
  EXPECT_EQ(FloatAt(flo, 0), 202021.25f) << "PIEH";
  const RayCaster caster(room.clip.scene);
  const RayCaster::Flow truth = caster.FlowTo(room.clip.At(1), room.clip.At(2));
  const Image png = ReadImageFile(dir_ / "png/0000001.png");
  ASSERT_EQ(png.format(), PixelFormat::Rgb(16));
  double error = 0;
  int count = 0, valid = 0;
  for (int y = 4; y < height - 4; ++y) {
    for (int x = 4; x < width - 4; ++x) {
      if (truth.visible.Plane<uint8_t>().At(x, y) == 0) continue;
      const size_t at = 12 + 8 * static_cast<size_t>(y * width + x);
      const float u = FloatAt(flo, at), v = FloatAt(flo, at + 4);
      error +=
          std::hypot(u - truth.dx.Plane<float>().At(x, y), v - truth.dy.Plane<float>().At(x, y));
      ++count;
      if (png.Plane<uint16_t>(2).At(x, y) == 0) continue;
      ++valid;
      EXPECT_NEAR((png.Plane<uint16_t>(0).At(x, y) - 32768) / 64.0, u, 1 / 128.0);
      EXPECT_NEAR((png.Plane<uint16_t>(1).At(x, y) - 32768) / 64.0, v, 1 / 128.0);
    }
  }
  EXPECT_LT(error / count, 0.3);
  EXPECT_GT(valid, count / 2);
  // The video holds the same numbers.
  const std::vector<Image> numbers = ReadAllFrames(report.numbers_output);
  ASSERT_EQ(numbers.size(), 4u);
  EXPECT_TRUE(SameFrames({numbers[1]}, {png}));
}

TEST_F(OpticalFlowJob, GivesTheLastFrameWhatIsAskedFor) {
  const RoomClip room = MakeRoomClip(
      dir_.path().string(), 3, 1, [](int) { return 1.0; }, 96, 64);
  const auto run = [&](LastFlow last, const char* name) {
    OpticalFlowJobOptions options = Options(room.color);
    options.output = dir_ / name;
    options.last = last;
    RunOpticalFlowJob(options);
    return ReadAllFrames(options.output);
  };
  const std::vector<Image> previous = run(LastFlow::kPrevious, "prev.mkv");
  const std::vector<Image> self = run(LastFlow::kSelf, "self.mkv");
  const std::vector<Image> none = run(LastFlow::kNone, "none.mkv");
  ASSERT_EQ(previous.size(), 3u);
  ASSERT_EQ(self.size(), 3u);
  ASSERT_EQ(none.size(), 2u);
  EXPECT_TRUE(SameFrames({previous[1]}, {previous[2]}));
  for (int plane = 0; plane < 3; ++plane)
    EXPECT_GE(self[2].Plane<uint8_t>(plane).At(48, 32), 250) << "white: no motion";
  EXPECT_TRUE(SameFrames({none[0], none[1]}, {self[0], self[1]}));
}

TEST_F(OpticalFlowJob, TakesOneFrameAndOddSizes) {
  const RoomClip room = MakeRoomClip(
      dir_.path().string(), 1, 1, [](int) { return 1.0; }, 67, 43);
  OpticalFlowJobOptions options = Options(room.color);
  EXPECT_EQ(RunOpticalFlowJob(options).frames, 1);
  const std::vector<Image> frames = ReadAllFrames(room.color + "_opticalflow.mkv");
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(frames[0].width(), 67);
  EXPECT_EQ(frames[0].Plane<uint8_t>(1).At(30, 20), 255) << "no motion";
  options.last = LastFlow::kNone;
  options.output = dir_ / "none.mkv";
  ExpectError(Code::kInvalidArgument, "has one frame, which has no flow",
              [&] { RunOpticalFlowJob(options); });
  EXPECT_FALSE(fs::exists(dir_ / "none.mkv"));
}

TEST_F(OpticalFlowJob, NamesWhatDoesNotFit) {
  OpticalFlowJobOptions options = Options(dir_ / "none.mkv");
  ExpectError(Code::kNotFound, "none.mkv", [&] { RunOpticalFlowJob(options); });
  MakeColor(dir_ / "a.mkv", {});
  options = Options(dir_ / "a.mkv");
  options.output = dir_ / "a.mkv";
  EXPECT_THROW(RunOpticalFlowJob(options), Error);
  options = Options(dir_ / "a.mkv");
  options.model.path = dir_ / "none.pt";
  ExpectError(Code::kNotFound, "no model", [&] { RunOpticalFlowJob(options); });
  options = Options(dir_ / "a.mkv");
  options.model.open.device = "cuda";
  ExpectError(Code::kInvalidArgument, "must be cpu", [&] { RunOpticalFlowJob(options); });
  options.cpu = true;
  ExpectError(Code::kInvalidArgument, "contradict", [&] { RunOpticalFlowJob(options); });
}

}  // namespace
}  // namespace mdvt::test
