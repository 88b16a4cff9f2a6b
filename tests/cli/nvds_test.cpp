// SPDX-License-Identifier: Apache-2.0
//
// infer_nvds and stabilize_depth with a stabiliser that is a formula, in LibTorch, on clips of
// every kind: of one and two frames, of odd sizes, upright, of pictures with alpha and without
// color, with gaps in their numbers.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "cli/toy_models.h"
#include "mdvt/core/json.h"
#include "mdvt/io/image_file.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;
using SampleAt = std::function<int(int channel, int x, int y)>;

// A PNG of 8 or 16 bits of any number of channels: gray, gray and alpha, RGB, RGB and alpha.
void WriteRawPng(const std::string& path, int width, int height, int channels, int bits,
                 const SampleAt& sample) {
  std::string rows;
  for (int y = 0; y < height; ++y) {
    rows += '\0';  // no filter
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) {
        const int value = sample(c, x, y);
        if (bits == 16) rows += static_cast<char>(value >> 8);
        rows += static_cast<char>(value & 255);
      }
  }
  uLongf size = compressBound(rows.size());
  std::string packed(size, '\0');
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &size,
                     reinterpret_cast<const Bytef*>(rows.data()), rows.size()),
            Z_OK);
  packed.resize(size);
  std::ofstream file(path, std::ios::binary);
  const auto number = [](uint32_t value) {
    return std::string{static_cast<char>(value >> 24), static_cast<char>(value >> 16),
                       static_cast<char>(value >> 8), static_cast<char>(value)};
  };
  const auto chunk = [&](const std::string& kind, const std::string& data) {
    const std::string body = kind + data;
    file << number(static_cast<uint32_t>(data.size())) << body
         << number(static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                               static_cast<uInt>(body.size()))));
  };
  const char kinds[] = {0, 4, 2, 6};
  file << "\x89PNG\r\n\x1a\n";
  chunk("IHDR", number(static_cast<uint32_t>(width)) + number(static_cast<uint32_t>(height)) +
                    std::string{static_cast<char>(bits), kinds[channels - 1], 0, 0, 0});
  chunk("IDAT", packed);
  chunk("IEND", "");
}

// Brightness of frame i in 0 .. 255, the same in each channel.
int Level(int i, int x, int y) {
  return static_cast<int>(
      std::lround(120 + 60 * std::sin(0.3 * (x + 2 * i) + 0.1 * y) + 50 * std::cos(0.4 * y)));
}
// Disparity of frame i in codes of 16 bits.
int Given(int i, int x, int y) { return 5000 + 97 * x + 301 * y + 1000 * i + (x * y) % 7 * 50; }

std::string Number(int number) {
  std::string digits = std::to_string(number);
  return std::string(6 - digits.size(), '0') + digits;
}

class NvdsPrograms : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TempDir>();
    missing_ =
        MakeToyModels(models_->path().string(), {"nvds_backbone", "nvds_head", "depth_luminance"});
  }
  static void TearDownTestSuite() { models_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    fs::create_directories(dir_.path() / "clips");
    fs::create_directories(dir_.path() / "given");
    fs::create_directories(dir_.path() / "out");
  }
  static std::string ModelFile(const std::string& name) { return *models_ / (name + ".pt"); }

  // Frame `number` of a clip, `index` tells its content.
  void AddFrame(const std::string& clip, int number, int index, int width, int height,
                int channels = 3, int bits = 8) {
    fs::create_directories(dir_.path() / "clips" / clip / "left");
    WriteRawPng(dir_ / ("clips/" + clip + "/left/frame_" + Number(number) + ".png"), width, height,
                channels, bits, [&](int c, int x, int y) {
                  const bool alpha = channels % 2 == 0 && c == channels - 1;
                  const int level = alpha ? (31 * x + 17 * y) % 256 : Level(index, x, y);
                  return bits == 16 ? level * 257 : level;
                });
  }
  void AddGiven(int index, int width, int height) {
    WriteRawPng(dir_ / ("given/frame_" + Number(index) + ".png"), width, height, 1, 16,
                [&](int, int x, int y) { return Given(index, x, y); });
  }
  // Runs infer_nvds on a clip, with the given disparity or a network's; returns the results'
  // folder.
  std::string Infer(const std::string& clip, const Arguments& more, bool given = true) {
    const std::string base = dir_ / ("out/" + clip);
    Arguments arguments = {"--base_dir",  base,
                           "--vnum",      clip,
                           "--video_dir", dir_ / "clips",
                           "--backbone",  ModelFile("nvds_backbone"),
                           "--head",      ModelFile("nvds_head"),
                           "--threads",   "2"};
    if (given)
      arguments.insert(arguments.end(), {"--initial_dir", dir_ / "given"});
    else
      arguments.insert(arguments.end(), {"--model", ModelFile("depth_luminance")});
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = RunProgram("infer_nvds", arguments);
    EXPECT_EQ(outcome.status, 0) << clip << ": " << outcome.err;
    return base;
  }
  // The disparity that a picture stands for.
  static std::vector<double> Map(const std::string& base, const std::string& kind, int frame) {
    const std::string text = ReadText(base + "/depth_meta.json");
    const json::Value meta = json::Parse(text, {}, "meta");
    const auto& range =
        meta.At("low_high").At(kind).AsArray().at(static_cast<size_t>(frame)).AsArray();
    const double low = range[0].AsDouble(), high = range[1].AsDouble();
    const Image gray = ReadImageFile(base + "/" + kind + "/gray/frame_" + Number(frame) + ".png");
    std::vector<double> values;
    for (int y = 0; y < gray.height(); ++y)
      for (int x = 0; x < gray.width(); ++x)
        values.push_back(low + (high - low) * gray.Plane<uint16_t>().At(x, y) / 65535);
    return values;
  }
  // What was written, by its name below the folder of the results.
  std::map<std::string, std::string> Results(const std::string& clip) {
    const std::string base = Infer(clip, {"--infer_w", "64", "--infer_h", "32"}, false);
    std::map<std::string, std::string> files;
    for (const auto& [path, content] : Snapshot(base))
      if (fs::is_regular_file(path)) files[path.substr(base.size())] = content;
    return files;
  }
  static int Pictures(const std::string& folder) {
    return static_cast<int>(std::distance(fs::directory_iterator(folder), {}));
  }

  static std::unique_ptr<TempDir> models_;
  static std::string missing_;
  const TempDir dir_;
};
std::unique_ptr<TempDir> NvdsPrograms::models_;
std::string NvdsPrograms::missing_;

// The toy network's disparity by hand: the mean of the window's disparity in cells of 4 x 4 pixels,
// each map stretched to 0..1, plus an eighth of the brightness.
std::vector<double> ByHand(const std::vector<int>& window, int width, int height) {
  const int last = window.back();
  std::vector<double> found(static_cast<size_t>(width * height), 0);
  for (const int frame : window) {
    int least = 65535, most = 0;
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x) {
        least = std::min(least, Given(frame, x, y));
        most = std::max(most, Given(frame, x, y));
      }
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int v = 0; v < 4; ++v)
          for (int u = 0; u < 4; ++u)
            found[static_cast<size_t>(y * width + x)] +=
                static_cast<double>(Given(frame, x / 4 * 4 + u, y / 4 * 4 + v) - least) /
                (most - least) / 16 / static_cast<double>(window.size());
  }
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      found[static_cast<size_t>(y * width + x)] += Level(last, x, y) / 255.0 / 8;
  return found;
}

void ExpectNear(const std::vector<double>& found, const std::vector<double>& expected,
                double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double most = 0;
  for (size_t i = 0; i < found.size(); ++i) most = std::max(most, std::abs(found[i] - expected[i]));
  EXPECT_LE(most, tolerance) << what;
}

TEST_F(NvdsPrograms, ClipsOfOneAndTwoFramesAreWhatTheirWindowsSay) {
  constexpr int kWidth = 64, kHeight = 32;
  constexpr double kCode = 3e-5;  // a code of the pictures and rounding
  for (const int frames : {1, 2})
    for (const std::string startup : {"replicate", "repeat"}) {
      const std::string clip = "clip" + std::to_string(frames) + startup;
      for (int i = 0; i < frames; ++i) {
        AddFrame(clip, i, i, kWidth, kHeight);
        AddGiven(i, kWidth, kHeight);
      }
      const std::string base = Infer(
          clip, {"--infer_w", "64", "--infer_h", "32", "--startup", startup, "--direction", "mix"});
      // The windows of each frame forward and backward, oldest first.
      const bool again = startup == "repeat";
      const std::vector<std::vector<int>> forward = {
          {0, 0, 0, 0}, again ? std::vector<int>{1, 1, 1, 1} : std::vector<int>{0, 0, 0, 1}};
      const std::vector<std::vector<int>> backward = {
          frames == 1 || again ? std::vector<int>{0, 0, 0, 0} : std::vector<int>{1, 1, 1, 0},
          {1, 1, 1, 1}};
      for (int i = 0; i < frames; ++i) {
        const std::string what = clip + " " + std::to_string(i);
        const size_t k = static_cast<size_t>(i);
        ExpectNear(Map(base, "1", i), ByHand(forward[k], kWidth, kHeight), kCode, what);
        ExpectNear(Map(base, "2", i), ByHand(backward[k], kWidth, kHeight), kCode, what);
      }
      for (const char* kind : {"initial", "1", "2", "mix"}) {
        EXPECT_EQ(Pictures(base + "/" + kind + "/gray"), frames);
        EXPECT_EQ(Pictures(base + "/" + kind + "/color"), frames);
      }
      // A single frame is compared with none.
      const std::string text = ReadText(base + "/result.txt");
      EXPECT_EQ(text.find("nan"), std::string::npos) << text;
      if (frames == 1) {
        EXPECT_NE(text.find("all:0.0,mean:0.0,frames:1"), std::string::npos) << text;
        ExpectNear(Map(base, "mix", 0), ByHand({0, 0, 0, 0}, kWidth, kHeight), kCode, clip);
      }
    }
}

TEST_F(NvdsPrograms, MixesOfShortClipsAreBothPassesInOneScale) {
  for (int i = 0; i < 2; ++i) {
    AddFrame("pair", i, i, 64, 32);
    AddGiven(i, 64, 32);
  }
  const std::string base = Infer("pair", {"--infer_w", "64", "--infer_h", "32"});
  for (int i = 0; i < 2; ++i) {
    const std::vector<double> f = Map(base, "1", i), mix = Map(base, "mix", i);
    double most = 0;
    for (size_t k = 0; k < f.size(); ++k) most = std::max(most, std::abs(f[k] - mix[k]));
    EXPECT_LT(most, 0.2) << i;  // both say nearly the same of such a pair
    EXPECT_GT(most, 0) << i;
  }
  const std::string alone =
      Infer("pair", {"--infer_w", "64", "--infer_h", "32", "--timesall", "1"});
  EXPECT_TRUE(fs::exists(alone + "/1/gray/frame_000001.png"));
}

// Odd sides and upright pictures: the work has the multiples of 32 that are nearest to the
// picture's proportions, and so have the results.
TEST_F(NvdsPrograms, OddAndUprightPicturesAreWorkedOnInMultiplesOf32) {
  struct Row {
    const char* clip;
    int width, height;
    Arguments options;
    int work_width, work_height;
  };
  const std::vector<Row> rows = {
      {"upright", 45, 71, {"--infer_w", "32"}, 32, 64},
      {"wide", 75, 33, {"--infer_h", "32"}, 64, 32},
      {"tiny", 1, 1, {"--infer_w", "32", "--infer_h", "32"}, 32, 32},
      {"upright_of_itself", 45, 71, {}, 384, 608},
      {"strip", 301, 3, {"--infer_h", "32", "--infer_w", "96"}, 96, 32},
  };
  for (const Row& row : rows) {
    for (int i = 0; i < 2; ++i) AddFrame(row.clip, i, i, row.width, row.height);
    const std::string base = Infer(row.clip, row.options, false);
    for (const char* kind : {"initial", "1", "2", "mix"})
      for (int i = 0; i < 2; ++i) {
        const Image gray = ReadImageFile(base + "/" + kind + "/gray/frame_" + Number(i) + ".png");
        EXPECT_EQ(gray.width(), row.work_width) << row.clip;
        EXPECT_EQ(gray.height(), row.work_height) << row.clip;
      }
    const std::string text = ReadText(base + "/depth_meta.json");
    const json::Value meta = json::Parse(text, {}, "meta");
    EXPECT_EQ(meta.At("source_size").AsArray()[0].AsDouble(), row.width);
    EXPECT_EQ(meta.At("source_size").AsArray()[1].AsDouble(), row.height);
  }
}

// Alpha says nothing, gray is three channels that are the same: the results are those of the same
// pictures in color, to the byte.
TEST_F(NvdsPrograms, AlphaIsDroppedAndGrayIsThreeChannels) {
  const auto make = [&](const std::string& clip, const std::vector<std::pair<int, int>>& kinds) {
    for (int i = 0; i < 3; ++i) {
      const auto [channels, bits] = kinds[static_cast<size_t>(i) % kinds.size()];
      AddFrame(clip, i, i, 64, 32, channels, bits);
    }
    auto files = Results(clip);
    EXPECT_EQ(files.size(), 4u * 2 * 3 + 3);
    return files;
  };
  const auto color = make("rgb", {{3, 8}});
  EXPECT_TRUE(make("rgba", {{4, 8}}) == color);
  EXPECT_TRUE(make("gray", {{1, 8}}) == color);
  EXPECT_TRUE(make("gray_alpha", {{2, 8}}) == color);
  EXPECT_TRUE(make("deep", {{3, 16}}) == color);
  EXPECT_TRUE(make("mixed", {{3, 8}, {4, 16}, {1, 8}}) == color);
}

// Pictures are taken in the order of their numbers, whatever is missing between; results count from
// 0 on.
TEST_F(NvdsPrograms, GapsInNumbersAreNone) {
  int number = 3;
  for (int i = 0; i < 5; ++i) {
    AddFrame("whole", i, i, 64, 32);
    AddFrame("gaps", number, i, 64, 32);
    number = 2 * number + 1;
  }
  const auto whole = Results("whole");
  EXPECT_EQ(whole.size(), 4u * 2 * 5 + 3);
  EXPECT_TRUE(Results("gaps") == whole);
  // Numbers of the given disparity are its own.
  for (int i = 0; i < 5; ++i) AddGiven(10 + 3 * i, 64, 32);
  Infer("gaps", {"--infer_w", "64", "--infer_h", "32"});
}

// ---- stabilize_depth

class Stabilize : public NvdsPrograms {
 protected:
  // Metres of each frame's pixels after stabilize_depth.
  std::vector<Image> Run(const ClipShape& shape, const DepthAt& depth, const Arguments& more) {
    MakeColor(dir_ / "color.mkv", shape, PixelFormat::Rgb(8));
    MakeDepth(dir_ / "depth.mkv", shape, depth);
    Arguments arguments = {"--depth_video",    dir_ / "depth.mkv", "--color_video",
                           dir_ / "color.mkv", "--output",         dir_ / "stable.mkv"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome outcome = RunProgram("stabilize_depth", arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    std::vector<Image> maps;
    if (outcome.status != 0) return maps;
    DepthVideoReader reader(dir_ / "stable.mkv");
    while (std::optional<DepthFrame> frame = reader.Read()) {
      EXPECT_EQ(frame->depth.width(), shape.width);
      EXPECT_EQ(frame->depth.height(), shape.height);
      maps.push_back(std::move(frame->depth));
    }
    return maps;
  }
  static Arguments Nvds() {
    return {"--stabilizer",    "nvds",
            "--nvds_backbone", ModelFile("nvds_backbone"),
            "--nvds_head",     ModelFile("nvds_head")};
  }
};

// Sizes that are odd, upright and small; one frame and two. A slope stays a slope.
TEST_F(Stabilize, TakesClipsOfEverySizeAndLength) {
  for (const auto& [width, height] : {std::pair(45, 71), std::pair(71, 45), std::pair(9, 2)})
    for (const int frames : {1, 2}) {
      ClipShape shape;
      shape.width = width;
      shape.height = height;
      shape.frames = frames;
      const auto slope = [&](int, int x, int) {
        return 2 + 2 * static_cast<float>(x) / static_cast<float>(width);
      };
      for (const Arguments& options : {Arguments{}, Arguments{"--live"}, Nvds()}) {
        const std::vector<Image> maps = Run(shape, slope, options);
        const std::string what = std::to_string(width) + "x" + std::to_string(height) + ", " +
                                 std::to_string(frames) + " " + (options.empty() ? "" : options[0]);
        ASSERT_EQ(maps.size(), static_cast<size_t>(frames)) << what;
        const bool network = options.size() > 1;
        double most = 0;
        for (const Image& map : maps)
          for (int y = 0; y < height; ++y)
            for (int x = 0; x < width; ++x)
              most = std::max(most, std::abs(static_cast<double>(map.Plane<float>().At(x, y)) -
                                             static_cast<double>(slope(0, x, y))));
        // The toy network sees cells of four pixels of the work and adds an eighth of the picture.
        EXPECT_LT(most, network ? 1.0 : 0.1) << what;
      }
    }
}

// A strip that would be larger than the network takes, with its short side at 384.
TEST_F(Stabilize, StripsThatTheNetworkDoesNotTakeAreRefused) {
  ClipShape shape;
  shape.width = 33;
  shape.height = 2;
  shape.frames = 2;
  EXPECT_EQ(Run(shape, Plane(3), {}).size(), 2u);
  Arguments arguments = {"--depth_video", dir_ / "depth.mkv", "--color_video", dir_ / "color.mkv",
                         "--output",      dir_ / "nvds.mkv",  "--quiet"};
  for (const std::string& option : Nvds()) arguments.push_back(option);
  ExpectOneClearLine("stabilize_depth", RunProgram("stabilize_depth", arguments), 2,
                     {"frame 0: ", "nvds_backbone.pt", "6336x384", "from 32x32 to 2048x2048"});
  EXPECT_FALSE(fs::exists(dir_ / "nvds.mkv"));
}

// One frame has nothing to be steadied by: it is the frame that came, to a code.
TEST_F(Stabilize, ASingleFrameIsTheFrameThatCame) {
  ClipShape shape;
  shape.frames = 1;
  const DepthAt box = BoxOnWall(shape, 2, 8);
  for (const Arguments& options : {Arguments{}, Arguments{"--live"}}) {
    const std::vector<Image> maps = Run(shape, box, options);
    ASSERT_EQ(maps.size(), 1u);
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x)
        ASSERT_NEAR(maps[0].Plane<float>().At(x, y), box(0, x, y), 2e-3) << x << " " << y;
  }
}

}  // namespace
}  // namespace mdvt::test
