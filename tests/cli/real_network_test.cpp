// SPDX-License-Identifier: Apache-2.0
//
// A network with real weights on real clips: exported, opened and run as a user does. What it says
// about the scenes is looked at in places where everybody sees what is nearer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/run_program.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/video_reader.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

class RealNetwork : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TempDir>();
    missing_ = Export(*models_ / "tcmonodepth-small.pt");
  }
  static void TearDownTestSuite() { models_.reset(); }
  void SetUp() override {
    MDVT_SKIP_WITHOUT_DATA();
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    model_ = *models_ / "tcmonodepth-small.pt";
  }

  // Returns why not, in words.
  static std::string Export(const std::string& file) {
#ifdef MDVT_TOY_MODELS
    if (DataDir().empty()) return "no test data";
    if (std::system("/usr/bin/python3 -c 'import torch' >/dev/null 2>&1") != 0)
      return "python3-torch is not installed";
    const std::string exporter =
        std::filesystem::path(MDVT_TOY_MODELS).parent_path() / "tcmonodepth.py";
    const std::string weights = DataDir() / "models/tcmonodepth_small/tcmonodepth_small.pt";
    const std::string command = "/usr/bin/python3 -B '" + exporter + "' --checkpoint '" + weights +
                                "' --out '" + file + "' >/dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return "";
#else
    (void)file;
    return "mdvt was built without the backend mdvt_torch";
#endif
  }

  std::string Clip(const std::string& name) const {
    return (DataDir() / "real" / (name + ".mp4")).string();
  }

  // The median depth in a square of 21 pixels of every frame.
  static std::vector<double> Around(const std::vector<Image>& maps, int x, int y) {
    std::vector<double> medians;
    for (const Image& map : maps) {
      std::vector<float> z;
      for (int v = y - 10; v <= y + 10; ++v)
        for (int u = x - 10; u <= x + 10; ++u) z.push_back(map.Plane<float>().At(u, v));
      std::nth_element(z.begin(), z.begin() + 220, z.end());
      medians.push_back(z[220]);
    }
    return medians;
  }

  std::vector<Image> Depth(const std::string& clip, const std::string& processing = "auto") {
    const std::string out = dir_ / (clip + "_" + processing + "_depth.mkv");
    const Outcome outcome = RunProgram(
        "video_metric_convert", {"--color_video", Clip(clip), "--xfov", "60", "--model", model_,
                                 "--max_frames", "4", "--processing", processing, "--output", out});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::vector<Image> maps;
    if (outcome.status != 0) return maps;
    DepthVideoReader reader(out);
    while (auto frame = reader.Read()) maps.push_back(std::move(frame->depth));
    return maps;
  }

  static void ExpectNearer(const std::vector<Image>& maps, std::pair<int, int> near,
                           std::pair<int, int> far, double times) {
    const std::vector<double> a = Around(maps, near.first, near.second);
    const std::vector<double> b = Around(maps, far.first, far.second);
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_GT(a[i], 0) << i;
      EXPECT_GT(b[i], times * a[i]) << "frame " << i << ": " << a[i] << " m and " << b[i] << " m";
    }
  }

  static std::unique_ptr<TempDir> models_;
  static std::string missing_;
  const TempDir dir_;
  std::string model_;
};
std::unique_ptr<TempDir> RealNetwork::models_;
std::string RealNetwork::missing_;

TEST_F(RealNetwork, NearerIsNearer) {
  const std::vector<Image> apple = Depth("apple");
  ASSERT_EQ(apple.size(), 4u);
  ExpectNearer(apple, {474, 292}, {900, 40}, 1.5);  // the apple, the far end of the table
  ExpectNearer(apple, {474, 600}, {900, 40}, 1.5);  // the near end of the table
  const std::vector<Image> street = Depth("tokyo_walk");
  ASSERT_EQ(street.size(), 4u);
  ExpectNearer(street, {640, 290}, {480, 300}, 1.3);  // the woman, the street behind her
  ExpectNearer(street, {640, 290}, {900, 300}, 1.3);
  ExpectNearer(street, {400, 690}, {400, 400}, 1.5);  // the road at her feet, the crossing
}

// LibTorch resizes the pictures and turns the maps into metres.
TEST_F(RealNetwork, ProcessingByLibTorchGivesTheSameDepth) {
  const std::vector<Image> host = Depth("apple", "host"), device = Depth("apple", "device");
  ASSERT_EQ(device.size(), host.size());
  for (size_t i = 0; i < host.size(); ++i) {
    double worst = 0;
    for (int y = 0; y < host[i].height(); ++y)
      for (int x = 0; x < host[i].width(); ++x) {
        const double z = host[i].Plane<float>().At(x, y);
        const double error = std::abs(device[i].Plane<float>().At(x, y) - z);
        worst = std::max(worst, error / (1e-3 + z));
      }
    EXPECT_LT(worst, 2e-3) << "frame " << i;  // steps of the file's codes are part of it
  }
}

// What is nearer lies further to the right in the left eye than in the right one.
TEST_F(RealNetwork, EyesOfAStereoVideoSeeItInDepth) {
  const Outcome outcome = RunProgram(
      "mono_to_sbs",
      {Clip("apple"), dir_ / "sbs.mkv", "--model", model_, "--max_frames", "2", "--layout", "sbs"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  VideoReaderOptions options;
  options.format = PixelFormat::Gray(8);
  VideoReader reader(dir_ / "sbs.mkv", options);
  const auto frame = reader.Read();
  ASSERT_TRUE(frame.has_value());
  const int width = frame->image.width() / 2;
  const auto picture = frame->image.Plane<uint8_t>();
  // The shift that matches a part of the left eye best in the right one, in pixels of an eye.
  const auto shift = [&](double cx, double cy) {
    int best = 0;
    double least = 1e30;
    const int x = static_cast<int>(cx * width), y = static_cast<int>(cy * picture.height);
    for (int s = -60; s <= 60; ++s) {
      double sum = 0;
      for (int v = -40; v <= 40; ++v)
        for (int u = -40; u <= 40; ++u)
          sum += std::abs(picture.At(x + u, y + v) - picture.At(width + x + u - s, y + v));
      if (sum < least) least = sum, best = s;
    }
    return best;
  };
  EXPECT_GT(shift(0.37, 0.41), shift(0.69, 0.15));
}

}  // namespace
}  // namespace mdvt::test
