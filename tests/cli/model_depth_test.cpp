// SPDX-License-Identifier: Apache-2.0
//
// video_metric_convert and mono_to_sbs with depth models, as a user runs them: networks that are
// formulas, in LibTorch. What the adapter computes is tested in depth/model_depth.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "cli/toy_models.h"
#include "mdvt/model/model_manifest.h"
#include "mdvt/pipeline/jobs.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

constexpr char kDepth[] = "video_metric_convert";
constexpr char kStereo[] = "mono_to_sbs";
constexpr int kWidth = 96, kHeight = 64, kFrames = 6;
// Half a step of the file's codes, and rounding.
constexpr double kCodeStep = 100.0 * 65536 / (255.0 * 255 * 255 * 255);

class DepthModels : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TempDir>();
    missing_ =
        MakeToyModels(models_->path().string(),
                      {"depth_plane", "depth_ramp", "depth_luminance", "depth_video", "segment"});
  }
  static void TearDownTestSuite() { models_.reset(); }
  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    ClipShape shape;
    shape.width = kWidth;
    shape.height = kHeight;
    shape.frames = kFrames;
    MakeColor(color_, shape);
  }

  static std::string ModelFile(const std::string& name) { return *models_ / (name + ".pt"); }

  Arguments With(const std::string& model, const Arguments& more = {}) const {
    Arguments arguments = {"--color_video", color_, "--output", out_, "--model", ModelFile(model)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::vector<Image> Depth(const Arguments& arguments) {
    outcome_ = RunProgram(kDepth, arguments);
    EXPECT_EQ(outcome_.status, 0) << outcome_.err;
    EXPECT_EQ(outcome_.err.find("error"), std::string::npos) << outcome_.err;
    std::vector<Image> maps;
    if (outcome_.status != 0) return maps;
    DepthVideoReader reader(out_);
    while (std::optional<DepthFrame> frame = reader.Read()) maps.push_back(std::move(frame->depth));
    return maps;
  }
  std::vector<Image> Stereo(const std::string& input, const Arguments& more) {
    Arguments arguments = {input, dir_ / "out.mp4"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    outcome_ = RunProgram(kStereo, arguments);
    EXPECT_EQ(outcome_.status, 0) << outcome_.err;
    return outcome_.status == 0 ? ReadAllFrames(dir_ / "out.mp4") : std::vector<Image>();
  }
  bool Says(const std::string& text) const { return outcome_.out.find(text) != std::string::npos; }

  void ExpectFailure(const std::string& program, Arguments arguments, int status,
                     const std::vector<std::string>& phrases) {
    std::string line = program;
    for (const std::string& argument : arguments) line += " " + argument;
    SCOPED_TRACE(line);
    const auto before = Snapshot(dir_.path().string());
    arguments.push_back("--quiet");
    ExpectOneClearLine(program, RunProgram(program, arguments), status, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "the folder has changed";
  }
  // Both programs take the options of models from one description, so they take turns: each load of
  // LibTorch is half a second.
  void ExpectEitherFails(const Arguments& options, int status,
                         const std::vector<std::string>& phrases) {
    depths_turn_ = !depths_turn_;
    Arguments arguments = depths_turn_ ? Arguments{"--color_video", color_, "--output", out_}
                                       : Arguments{color_, dir_ / "out.mp4"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    ExpectFailure(depths_turn_ ? kDepth : kStereo, arguments, status, phrases);
  }

  static std::unique_ptr<TempDir> models_;
  static std::string missing_;
  const TempDir dir_;
  const std::string color_ = dir_ / "color.mkv";
  const std::string out_ = dir_ / "depth.mkv";
  Outcome outcome_;
  bool depths_turn_ = false;
};
std::unique_ptr<TempDir> DepthModels::models_;
std::string DepthModels::missing_;

TEST_F(DepthModels, MetricPlaneAndRampAreWhatTheirFormulasSay) {
  const std::vector<Image> plane = Depth(With("depth_plane"));
  ASSERT_EQ(plane.size(), static_cast<size_t>(kFrames));
  for (const Image& map : plane)
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) ASSERT_NEAR(map.Plane<float>().At(x, y), 3, 1.1 * kCodeStep);
  EXPECT_TRUE(Says("toy-depth-plane"));
  EXPECT_EQ(outcome_.err.find("field of view"), std::string::npos) << outcome_.err;
  EXPECT_FALSE(Says("xfov")) << "a metric model needs none, and none is made up";
  EXPECT_EQ(DepthVideoReader(out_).tags().xfov_deg, std::nullopt);

  // 96 x 64 is seen as 210 x 140, and comes back with its corners aligned.
  const std::vector<Image> ramp = Depth(With("depth_ramp", {"--xfov", "50"}));
  ASSERT_EQ(ramp.size(), static_cast<size_t>(kFrames));
  for (int y = 0; y < kHeight; ++y) {
    const double row = y * 139.0 / (kHeight - 1);
    for (const int x : {0, 50, kWidth - 1})
      ASSERT_NEAR(ramp[5].Plane<float>().At(x, y), 1 + 4 * (row + 0.5) / 140, 1.1 * kCodeStep);
  }
  EXPECT_NEAR(DepthVideoReader(out_).tags().xfov_deg.value_or(0), 50, 1e-6);
}

TEST_F(DepthModels, SceneScaleSetsARelativeModel) {
  const auto median = [](const Image& map) {
    std::vector<float> values;
    for (int y = 0; y < kHeight; ++y)
      for (int x = 0; x < kWidth; ++x) values.push_back(map.Plane<float>().At(x, y));
    std::nth_element(values.begin(), values.begin() + kWidth * kHeight / 2, values.end());
    return values[kWidth * kHeight / 2];
  };
  const std::vector<Image> three = Depth(With("depth_luminance"));
  EXPECT_TRUE(Says("toy-depth-luminance, 1 / depth = "));
  const std::vector<Image> six = Depth(With("depth_luminance", {"--scene_scale", "6"}));
  ASSERT_EQ(six.size(), static_cast<size_t>(kFrames));
  EXPECT_NEAR(median(three[0]), 3, 0.005);
  EXPECT_NEAR(median(six[0]), 6, 0.005);
  // One scale for the clip, and brighter is nearer.
  for (const size_t frame : {size_t{0}, size_t{5}})
    for (int y = 0; y < kHeight; y += 7)
      for (int x = 0; x < kWidth; x += 5)
        ASSERT_NEAR(six[frame].Plane<float>().At(x, y), 2 * three[frame].Plane<float>().At(x, y),
                    4 * kCodeStep);
}

// The reference is 1 / (0.05 d + 0.1) with d the network's own disparity.
class DepthModelsWithReference : public DepthModels {
 protected:
  static constexpr double kScale = 0.05, kShift = 0.1;

  void SetUp() override {
    DepthModels::SetUp();
    if (IsSkipped()) return;
    DepthJobOptions options = Options();
    options.output = dir_ / "first.mkv";
    const DepthJobReport report = RunDepthJob(options);
    ASSERT_TRUE(report.calibration);
    DepthVideoReader reader(dir_ / "first.mkv");
    std::vector<Image> maps;
    while (std::optional<DepthFrame> frame = reader.Read()) maps.push_back(std::move(frame->depth));
    ClipShape shape;
    shape.width = kWidth;
    shape.height = kHeight;
    shape.frames = kFrames;
    DepthClipOptions writing;
    writing.encoding = DepthEncoding::kGray16;
    writing.max_depth = 20;
    MakeDepth(
        reference_, shape,
        [&](int frame, int x, int y) {
          const float z = maps[static_cast<size_t>(frame)].Plane<float>().At(x, y);
          const double d = 1 / (static_cast<double>(z) * report.calibration->scale);
          const bool wrong = x >= 60 && x < 72;  // an eighth of the picture
          return static_cast<float>(wrong ? 1.5 : 1 / (kScale * d + kShift));
        },
        writing);
  }
  DepthJobOptions Options() const {
    DepthJobOptions options;
    options.color_video = color_;
    options.output = out_;
    options.source.model.path = ModelFile("depth_luminance");
    options.max_depth = 20;
    return options;
  }

  const std::string reference_ = dir_ / "reference.mkv";
};

TEST_F(DepthModelsWithReference, TheJobRecoversScaleAndShift) {
  DepthJobOptions options = Options();
  options.reference_depth = reference_;
  const DepthJobReport report = RunDepthJob(options);
  ASSERT_TRUE(report.calibration && report.fit);
  EXPECT_NEAR(report.calibration->scale, kScale, 0.01 * kScale);
  EXPECT_NEAR(report.calibration->shift, kShift, 0.01 * kShift);
  EXPECT_EQ(report.fit->calibration.scale, report.calibration->scale);
  EXPECT_FALSE(report.fit->by_median);
  EXPECT_GT(report.fit->r_squared, 0.99);
  EXPECT_GT(report.fit->inlier_share, 0.8);
  EXPECT_EQ(report.model, "toy-depth-luminance");
  EXPECT_EQ(report.model_license, "Apache-2.0");
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.xfov_deg, 0);
  // Its depth is then the reference's.
  DepthVideoReader found(out_), truth(reference_);
  for (int i = 0; i < kFrames; ++i) {
    const Image a = found.Read()->depth, b = truth.Read()->depth;
    for (int y = 0; y < kHeight; y += 3)
      for (int x = 0; x < 60; x += 5)
        ASSERT_NEAR(a.Plane<float>().At(x, y) / b.Plane<float>().At(x, y), 1, 0.01);
  }
}

TEST_F(DepthModelsWithReference, TheProgramToo) {
  const std::vector<Image> maps =
      Depth(With("depth_luminance", {"--depth_video", reference_, "--max_depth", "20"}));
  EXPECT_EQ(maps.size(), static_cast<size_t>(kFrames));
  EXPECT_TRUE(Says(" x + 0.1") || Says(" x + 0.099")) << outcome_.out;
  EXPECT_TRUE(Says(" pixels, R2 ")) << outcome_.out;
  // Lists go together, line by line.
  fs::copy(color_, dir_ / "other.mkv");
  std::ofstream(dir_ / "colors.txt") << color_ << "\n"
                                     << dir_ / "other.mkv"
                                     << "\n";
  std::ofstream(dir_ / "depths.txt") << reference_ << "\n-\n";
  fs::create_directory(dir_ / "results");
  const Outcome list = RunProgram(
      kDepth, {"--color_video", dir_ / "colors.txt", "--depth_video", dir_ / "depths.txt",
               "--model", ModelFile("depth_luminance"), "--output", dir_ / "results"});
  EXPECT_EQ(list.status, 0) << list.err;
  EXPECT_NE(list.out.find("R2"), std::string::npos) << list.out;
}

TEST_F(DepthModelsWithReference, ReferencesThatDoNotFit) {
  ExpectFailure(kDepth, With("depth_plane", {"--depth_video", reference_}), 2,
                {"toy-depth-plane", "gives metric depth"});
  ExpectFailure(kDepth, With("depth_luminance", {"--depth_video", dir_ / "gone.mkv"}), 3,
                {"gone.mkv"});
  ExpectFailure(kDepth, With("depth_luminance", {"--depth_video", color_}), 4, {"color.mkv"});
  ExpectFailure(kDepth, {"--color_video", color_, "--output", out_, "--depth_video", reference_}, 2,
                {"--depth_video belongs to --model"});
  ClipShape shape;
  shape.width = kWidth;
  shape.height = kHeight;
  shape.frames = kFrames;
  MakeDepth(dir_ / "none.mkv", shape, Plane(0));
  ExpectFailure(kDepth, With("depth_luminance", {"--depth_video", dir_ / "none.mkv"}), 2,
                {"none.mkv", "holds no depth"});
  shape.frames = 2;
  MakeDepth(dir_ / "short.mkv", shape, Plane(2));
  ExpectFailure(kDepth, With("depth_luminance", {"--depth_video", dir_ / "short.mkv"}), 3,
                {"short.mkv", "has 2 frames"});
}

TEST_F(DepthModels, BatchDeterminismAndThreadsKeepTheFrames) {
  const std::vector<Image> reference = Depth(With("depth_luminance"));
  for (const Arguments& options :
       std::vector<Arguments>{{"--batch", "4"},
                              {"--batch", "8"},
                              {"--fp32"},
                              {"--device", "cpu"},
                              {"--engine", "model"},
                              {"--deterministic", "--threads", "1"},
                              {"--deterministic", "--threads", "2"},
                              {"--deterministic", "--threads", "5"},
                              {"--deterministic", "--threads", "2", "--batch", "2"}}) {
    EXPECT_TRUE(SameFrames(Depth(With("depth_luminance", options)), reference)) << options[0];
  }
  EXPECT_FALSE(SameFrames(Depth(With("depth_luminance", {"--input_size", "42"})), reference));
  EXPECT_EQ(Depth(With("depth_luminance", {"--max_frames", "2"})).size(), 2u);
  EXPECT_EQ(Depth(With("depth_luminance", {"--target_fps", "12"})).size(), 3u);
}

// LibTorch's device is the processor here: the same work, done by it.
TEST_F(DepthModels, ProcessingOnTheDeviceGivesTheSameDepth) {
  for (const Arguments& options : std::vector<Arguments>{{"depth_plane"},
                                                         {"depth_luminance", "--batch", "4"},
                                                         {"depth_luminance", "--deterministic"},
                                                         {"depth_video", "--scene_scale", "3"}}) {
    const auto depth = [&](const char* place) {
      Arguments more(options.begin() + 1, options.end());
      more.insert(more.end(), {"--processing", place});
      return Depth(With(options[0], more));
    };
    const std::vector<Image> host = depth("host"), device = depth("device");
    ASSERT_EQ(host.size(), static_cast<size_t>(kFrames));
    ASSERT_EQ(device.size(), host.size());
    for (size_t i = 0; i < host.size(); ++i)
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const double z = host[i].Plane<float>().At(x, y);
          // A step of the code, which rounding may turn, and rounding itself.
          ASSERT_NEAR(device[i].Plane<float>().At(x, y), z, 2.2 * kCodeStep + 1e-4 * z)
              << options[0] << ", frame " << i << ": " << x << ", " << y;
        }
    EXPECT_TRUE(SameFrames(depth("auto"), host)) << "auto is the host on the processor";
  }
}

TEST_F(DepthModels, OptionsOfModelsNeedOne) {
  for (const Arguments& options : std::vector<Arguments>{{"--batch", "2"},
                                                         {"--fp16"},
                                                         {"--fp32"},
                                                         {"--deterministic"},
                                                         {"--processing", "device"},
                                                         {"--sha256", std::string(64, 'a')},
                                                         {"--trust_model"}})
    ExpectEitherFails(options, 2, {options[0] + " belongs to --model"});
  ExpectEitherFails({"--device", "cuda"}, 2, {"device is 'cuda'", "--model"});
  ExpectEitherFails({"--engine", "model"}, 2, {"the engine 'model' needs a model"});
}

TEST_F(DepthModels, ContradictionsAreRefused) {
  const std::string model = ModelFile("depth_luminance");
  const auto with = [&](const Arguments& more) {
    Arguments arguments = {"--model", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  ExpectEitherFails(with({"--fp16", "--fp32"}), 2, {"give --fp16 or --fp32, not both"});
  ExpectEitherFails(with({"--fp16"}), 2, {"fp16 needs the device cuda"});
  ExpectEitherFails(with({"--engine", "motion"}), 2,
                    {"the engine 'motion' and a model contradict"});
  ExpectEitherFails(with({"--batch", "9"}), 2, {"batch = 9", "at most 8"});
  ExpectEitherFails(with({"--batch", "0"}), 2, {"--batch"});
  ExpectEitherFails(with({"--batch", "65"}), 2, {"--batch"});
  ExpectEitherFails(with({"--device", "gpu"}), 3, {"gpu", "cpu, cuda or cuda:N"});
  ExpectEitherFails(with({"--device", "cuda:99"}), 3, {"cuda:99"});
  ExpectEitherFails(with({"--input_size", "5"}), 2, {"--input_size"});
  ExpectFailure(kDepth, With("depth_luminance", {"--max_res", "200"}), 2, {"max_res", "motion"});
  ExpectFailure(kDepth, With("depth_luminance", {"--transformation_output", dir_ / "path.json"}), 2,
                {"no camera path"});
  ExpectFailure(kDepth, With("depth_luminance", {"--no_rolling_average"}), 2,
                {"need something to calibrate by: give"});
  ExpectFailure(kStereo, {color_, dir_ / "out.mp4", "--model", model, "--scene_scale", "100"}, 2,
                {"scene_scale with a model needs placement metric"});
  ExpectFailure(kStereo, {color_, dir_ / "out.mp4", "--model", model, "--working_side", "100"}, 2,
                {"--max_res belongs to --engine motion"});
  ExpectFailure(kStereo, {color_, dir_ / "out.mp4", "--model", model, "--encoder", "vits"}, 2,
                {"--encoder", "--model"});
}

TEST_F(DepthModels, WrongFilesAreOneClearLine) {
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::ofstream(dir_ / name, std::ios::binary) << bytes;
    return dir_ / name;
  };
  const std::string whole = ReadText(ModelFile("depth_plane"));
  const auto fail = [&](const std::string& path, int status,
                        const std::vector<std::string>& phrases) {
    ExpectEitherFails({"--trust_model", "--model", path}, status, phrases);
  };
  fail(write("text.pt", "This is no network.\n"), 3,
       {"text.pt': not a TorchScript file", "is not a ZIP archive", "models/export"});
  fail(write("noise.PT", "\x8f\x01\xfe\xff\x80"), 3, {"noise.PT': not a TorchScript file"});
  fail(write("empty.pt", ""), 3, {"empty.pt"});
  for (const size_t tenths : {1, 5, 9})
    fail(write("cut.pt", whole.substr(0, whole.size() * tenths / 10)), 3,
         {"cut.pt': a TorchScript file whose end is missing", "again"});
  std::string bent = whole;
  for (size_t i = bent.size() / 3; i < bent.size() / 3 + 200; ++i) bent[i] = 'U';
  fail(write("bent.pt", bent), 3, {"bent.pt"});
  fail(dir_ / "gone.pt", 3, {"gone.pt"});
  fail(write("net.xyz", whole), 3, {"net.xyz", "no backend for '.xyz'"});
  fail(color_, 3, {"color.mkv", ".mkv"});
  fail(dir_.path().string(), 3, {"is a folder, not a file"});
  fail(ModelFile("segment"), 3, {"toy-segment", "is of kind \"segment\""});
}

TEST_F(DepthModels, TheVideoIsLookedAtBeforeTheModelIsOpened) {
  const std::string video = dir_ / "gone.mp4";
  const Arguments model = {"--model", dir_ / "gone.pt", "--trust_model"};
  Arguments arguments = {"--color_video", video};
  arguments.insert(arguments.end(), model.begin(), model.end());
  ExpectFailure(kDepth, arguments, 3, {video, "no such file"});
  arguments[0] = video;
  arguments.erase(arguments.begin() + 1);
  ExpectFailure(kStereo, arguments, 3, {video, "no such file"});
}

#ifdef MDVT_MAKE_TORCH_MODELS
// 221,184 pixels, of which every one is related to every other: 196 GB.
TEST_F(DepthModels, APassThatWouldNotFitIsRefusedBeforeItIsRun) {
  const TempDir folder;
  const std::string command = MDVT_MAKE_TORCH_MODELS " '" + folder.path().string() + "'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  ExpectEitherFails(
      {"--trust_model", "--model", folder / "pairs.pt", "--input_size", "384"}, 1,
      {"a pass over a picture of 576x384 takes about", "GB", "choose a smaller input size"});
}
#endif

TEST_F(DepthModels, ModelsAreOpenedByTheirHash) {
  const std::string model = dir_ / "mine.pt";
  fs::copy(ModelFile("depth_plane"), model);
  const std::string hash = FileSha256(model);
  const auto with = [&](const Arguments& more) {
    Arguments arguments = {"--model", model};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const auto opens = [&](const Arguments& more) {
    Arguments arguments = with(more);
    arguments.insert(arguments.end(), {"--color_video", color_, "--output", out_});
    EXPECT_EQ(Depth(arguments).size(), static_cast<size_t>(kFrames));
    fs::remove(out_);
  };
  const std::string other = std::string(63, '0') + "1";
  // No manifest at all.
  ExpectEitherFails(with({}), 4, {"mine.pt", hash, "--trust_model"});
  opens({"--trust_model"});
  opens({"--sha256", hash});
  ExpectEitherFails(with({"--sha256", other}), 4, {"mine.pt", other});
  ExpectEitherFails(with({"--sha256", other, "--trust_model"}), 4, {"mine.pt", other});
  ExpectEitherFails(with({"--sha256", "12ab"}), 2, {"64 hexadecimal digits"});
  // One that lists another hash: trust does not help, only the hash itself does.
  const auto manifest = [&](const std::string& text) {
    std::ofstream(dir_ / "manifest.json")
        << R"({"format": 1, "models": [{"file": "mine.pt", "origin": "a test", "license": )"
        << R"("Apache-2.0", "exporter": null, "size": null, "sha256": ")" << text << "\"}]}";
  };
  manifest(other);
  ExpectEitherFails(with({}), 4, {"mine.pt"});
  ExpectEitherFails(with({"--trust_model"}), 4, {"mine.pt"});
  manifest(hash);
  opens({});
  ExpectEitherFails(with({"--sha256", other}), 4, {"mine.pt"});
  std::ofstream(dir_ / "manifest.json") << "no JSON";
  ExpectEitherFails(with({}), 3, {"manifest.json"});
}

TEST_F(DepthModels, AListOpensTheModelOnce) {
  constexpr int kItems = 30;
  const std::string model = dir_ / "mine.pt";
  fs::copy(ModelFile("depth_plane"), model);
  fs::create_directory(dir_ / "results");
  {
    std::ofstream list(dir_ / "list.txt");
    for (int i = 0; i < kItems; ++i) {
      const std::string name = "clip" + std::to_string(i) + ".mkv";
      fs::copy(color_, dir_ / name);
      list << dir_ / name << "\n";
    }
  }
  const auto results = [&] {
    return std::count_if(fs::directory_iterator(dir_ / "results"), fs::directory_iterator(),
                         [](const fs::directory_entry& entry) {
                           // What is still being made has a name that begins with a point.
                           return entry.path().filename().string()[0] != '.';
                         });
  };
  RunningProgram run(kDepth, {"--color_video", dir_ / "list.txt", "--output", dir_ / "results",
                              "--model", model, "--trust_model", "--quiet"});
  // The first item is written: from now on nobody needs the file any more.
  while (results() == 0 && kill(run.pid(), 0) == 0)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  fs::remove(model);
  EXPECT_LT(results(), kItems);
  const Outcome outcome = run.Wait();
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(results(), kItems);
}

TEST_F(DepthModels, SignalsEndBothProgramsCleanly) {
  ClipShape shape;
  shape.width = 320;
  shape.height = 180;
  shape.frames = 60;
  MakeColor(dir_ / "long.mkv", shape);
  const std::string model = ModelFile("depth_luminance");
  int interrupted = 0;
  for (const auto& [program, arguments] : std::vector<std::pair<std::string, Arguments>>{
           {kDepth, {"--color_video", dir_ / "long.mkv", "--output", out_, "--model", model}},
           {kStereo, {dir_ / "long.mkv", dir_ / "out.mp4", "--model", model}}}) {
    const auto before = Snapshot(dir_.path().string());
    const Outcome whole = RunProgram(program, arguments);
    ASSERT_EQ(whole.status, 0) << whole.err;
    const auto finished = Snapshot(dir_.path().string());
    EXPECT_EQ(finished.size(), before.size() + 1);
    constexpr int kPoints = 4;
    for (int point = 0; point < kPoints; ++point) {
      const int number = point % 2 == 0 ? SIGINT : SIGTERM;
      RunningProgram run(program, arguments);
      std::this_thread::sleep_for(
          std::chrono::duration<double>(0.05 + whole.seconds * point / kPoints));
      kill(run.pid(), number);
      const Outcome outcome = run.Wait();
      if (outcome.status == 0) continue;
      ++interrupted;
      EXPECT_EQ(outcome.status, 128 + number) << program << ", point " << point << outcome.err;
      EXPECT_TRUE(Snapshot(dir_.path().string()) == finished) << program << ", point " << point;
    }
  }
  EXPECT_GT(interrupted, 2);
}

// The same as writing the depth to a file and reading it again, but for the steps of the file: for
// a network that gives metres, and for one that --scene_scale makes metric.
TEST_F(DepthModels, StereoRerenderTakesThemWithoutAFile) {
  for (const std::string model : {"depth_plane", "depth_luminance"}) {
    SCOPED_TRACE(model);
    const auto scaled = [&](Arguments arguments) {
      if (model == "depth_luminance") arguments.insert(arguments.end(), {"--scene_scale", "1"});
      return arguments;
    };
    Depth(With(model, scaled({"--xfov", "60", "--encoding", "rgb24-log"})));
    const auto stereo = [&](const Arguments& more) {
      Arguments arguments = {"--color_video", color_, "--xfov", "60", "--output", dir_ / "s.mkv"};
      arguments.insert(arguments.end(), more.begin(), more.end());
      outcome_ = RunProgram("stereo_rerender", arguments);
      EXPECT_EQ(outcome_.status, 0) << outcome_.err;
      return ReadAllFrames(dir_ / "s.mkv");
    };
    const std::vector<Image> by_file = stereo({"--depth_video", out_});
    const std::vector<Image> by_model = stereo(scaled({"--model", ModelFile(model)}));
    ASSERT_EQ(by_model.size(), by_file.size());
    ASSERT_EQ(by_file.size(), static_cast<size_t>(kFrames));
    for (size_t i = 0; i < by_file.size(); ++i) {
      double apart = 0;
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < 2 * kWidth; ++x)
          apart += std::abs(by_file[i].Plane<uint8_t>().At(x, y) -
                            by_model[i].Plane<uint8_t>().At(x, y));
      EXPECT_LT(apart / (2 * kWidth * kHeight), 0.05) << "frame " << i;
    }
    EXPECT_TRUE(SameFrames(
        stereo(scaled({"--model", ModelFile(model), "--batch", "3", "--engine", "model"})),
        by_model));
  }
  ExpectFailure("stereo_rerender",
                {"--model", ModelFile("depth_plane"), "--xfov", "60", "--output", dir_ / "s.mkv"},
                2, {"the engine 'model' needs a color video"});
}

TEST_F(DepthModels, StereoTellsAndTakesTheOptionsOfModels) {
  const std::string model = ModelFile("depth_luminance");
  const Arguments base = {"--model", model, "--crf", "0", "--max_shift", "8", "--max_frames", "4"};
  const auto run = [&](const Arguments& more) {
    Arguments arguments = base;
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Stereo(color_, arguments);
  };
  const std::vector<Image> reference = run({});
  ASSERT_EQ(reference.size(), 4u);
  EXPECT_TRUE(Says("depth_luminance.pt, batch 1, device cpu")) << outcome_.out;
  EXPECT_TRUE(SameFrames(run({"--batch", "3"}), reference));
  EXPECT_TRUE(Says("batch 3"));
  EXPECT_TRUE(SameFrames(run({"--deterministic", "--threads", "3"}), reference));
  EXPECT_TRUE(SameFrames(run({"--engine", "model", "--fp32", "--device", "cpu"}), reference));
  EXPECT_FALSE(SameFrames(run({"--input_size", "42"}), reference));
  EXPECT_TRUE(Says("input_size 42"));
  const std::vector<Image> ckpt =
      Stereo(color_, {"--ckpt", model, "--crf", "0", "--max_shift", "8", "--max_frames", "4"});
  EXPECT_TRUE(SameFrames(ckpt, reference));
  ExpectFailure(kStereo, {color_, dir_ / "x.mp4", "--model", model, "--ckpt", model}, 2,
                {"given twice"});
}

TEST_F(DepthModels, ConstantDepthIsAUniformShiftInStereo) {
  const std::vector<Image> source = ReadAllFrames(color_);
  const std::vector<Image> frames =
      Stereo(color_, {"--model", ModelFile("depth_plane"), "--parity", "--sbs_w", "192", "--sbs_h",
                      "64", "--max_shift", "16", "--crf", "0"});
  ASSERT_EQ(frames.size(), static_cast<size_t>(kFrames));
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto from = source[i].Plane<uint8_t>(), to = frames[i].Plane<uint8_t>();
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        ASSERT_EQ(to.At(x, y), from.At(std::min(x + 8, kWidth - 1), y));
        ASSERT_EQ(to.At(kWidth + x, y), from.At(std::max(x - 8, 0), y));
      }
    }
  }
}

TEST_F(DepthModels, ACutStartsStereoAnew) {
  constexpr int kBefore = 18, kAfter = 8;
  const auto make = [&](const std::string& path, int first) {
    VideoWriterOptions writing;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(path, PixelFormat::Yuv(420), kWidth, kHeight, writing);
    for (int i = first; i < kBefore + kAfter; ++i) {
      Image image(PixelFormat::Yuv(420), kWidth, kHeight);
      PaintTexture(i < kBefore ? 0 : 40, &image);
      const auto luma = image.MutablePlane<uint8_t>();
      for (int y = 0; y < kHeight; ++y)
        for (int x = 0; x < kWidth; ++x) {
          const int level = luma.At(x, y);
          luma.At(x, y) = static_cast<uint8_t>(i < kBefore ? 16 + level / 4 : 255 - level);
        }
      writer.Write(image, i - first, 1);
    }
    writer.Finish();
  };
  make(dir_ / "both.mkv", 0);
  make(dir_ / "second.mkv", kBefore);
  const Arguments options = {"--model",
                             ModelFile("depth_luminance"),
                             "--alpha",
                             "0.9",
                             "--motion_adaptive",
                             "off",
                             "--crf",
                             "0",
                             "--max_shift",
                             "8"};
  const auto with = [&](const char* cuts) {
    Arguments arguments = options;
    arguments.insert(arguments.end(), {"--scene_cuts", cuts});
    return arguments;
  };
  const std::vector<Image> alone = Stereo(dir_ / "second.mkv", with("on"));
  const std::vector<Image> both = Stereo(dir_ / "both.mkv", with("on"));
  EXPECT_TRUE(Says("2 scenes")) << outcome_.out;
  ASSERT_EQ(both.size(), static_cast<size_t>(kBefore + kAfter));
  ASSERT_EQ(alone.size(), static_cast<size_t>(kAfter));
  EXPECT_TRUE(SameFrames({both.begin() + kBefore, both.end()}, alone));
  const std::vector<Image> blurred = Stereo(dir_ / "both.mkv", with("off"));
  EXPECT_FALSE(SameFrames({blurred.begin() + kBefore, blurred.end()}, alone));
}

}  // namespace
}  // namespace mdvt::test
