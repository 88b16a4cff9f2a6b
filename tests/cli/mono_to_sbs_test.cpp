// SPDX-License-Identifier: Apache-2.0
//
// mono_to_sbs as a user runs it: every option that can be seen in what it writes or says, threads,
// signals, bad input. What the pictures are is tested in pipeline/mono_to_sbs.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "cli/run_program.h"
#include "io/clip_maker.h"
#include "io/file_content.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/image_file.h"
#include "support/raycast.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;
using Arguments = RunningProgram::Arguments;

constexpr char kProgram[] = "mono_to_sbs";

// A room that the camera moves through, so that the built-in engine finds depth in it.
class MonoToSbs : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir();
    color_ = *folder_ / "room.mp4";
    const mdvt::test::Clip clip = Scenes::Room(192, 108);
    ThreadPool pool(2);
    const RayCaster caster(clip.scene, &pool);
    VideoWriterOptions writing;
    writing.codec = VideoCodec::kH264;
    writing.crf = 12;
    writing.frame_rate = {24, 1};
    writing.time_base = {1, 24};
    VideoWriter writer(color_, PixelFormat::Yuv(420), 192, 108, writing);
    for (int i = 0; i < kFrames; ++i)
      writer.Write(caster.Color(clip.At(i), PixelFormat::Yuv(420)), i, 1);
    writer.Finish();
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }

  Arguments With(const Arguments& options) const {
    Arguments arguments = {color_, out_};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
  std::vector<Image> Run(const Arguments& options) {
    outcome_ = RunProgram(kProgram, With(options));
    EXPECT_EQ(outcome_.status, 0) << outcome_.err;
    EXPECT_EQ(outcome_.err.find("error"), std::string::npos) << outcome_.err;
    return outcome_.status == 0 ? ReadAllFrames(out_) : std::vector<Image>();
  }
  bool Says(const std::string& text) const { return outcome_.out.find(text) != std::string::npos; }
  void ExpectFailure(const Arguments& arguments, int status,
                     const std::vector<std::string>& phrases, int64_t max_file_bytes = 0) {
    std::string line;
    for (const std::string& argument : arguments) line += " " + argument;
    SCOPED_TRACE(line);
    std::ofstream(out_) << "an earlier result";
    const auto before = Snapshot(dir_.path().string());
    Arguments quiet = arguments;
    quiet.push_back("--quiet");
    ExpectOneClearLine(kProgram, RunProgram(kProgram, quiet, max_file_bytes), status, phrases);
    EXPECT_TRUE(Snapshot(dir_.path().string()) == before) << "the folder has changed";
    fs::remove(out_);
  }

  static constexpr int kFrames = 24;
  static TempDir* folder_;
  static std::string color_;
  const TempDir dir_;
  const std::string out_ = dir_ / "out.mp4";
  Outcome outcome_;
};
TempDir* MonoToSbs::folder_ = nullptr;
std::string MonoToSbs::color_;

int64_t Difference(const Image& a, const Image& b) {
  int64_t sum = 0;
  for (int y = 0; y < a.height(); ++y)
    for (int x = 0; x < a.width(); ++x)
      sum += std::abs(int{a.Plane<uint8_t>().At(x, y)} - int{b.Plane<uint8_t>().At(x, y)});
  return sum;
}

TEST_F(MonoToSbs, DefaultsMakeAStereoVideoOfFullEyes) {
  const std::vector<Image> frames = Run({});
  ASSERT_EQ(frames.size(), static_cast<size_t>(kFrames));
  EXPECT_EQ(frames[0].width(), 384);
  EXPECT_EQ(frames[0].height(), 108);
  const VideoReader reader(out_);
  EXPECT_EQ(reader.info().codec, "h264");
  EXPECT_EQ(reader.info().frame_rate, (Rational{24, 1}));
  EXPECT_EQ(reader.info().tags.at("MDVT_KIND"), "sbs");
  // There is parallax: the eyes differ.
  int64_t difference = 0;
  for (int y = 0; y < 108; ++y)
    for (int x = 0; x < 192; ++x)
      difference += std::abs(frames[12].Plane<uint8_t>().At(x, y) -
                             frames[12].Plane<uint8_t>().At(192 + x, y));
  EXPECT_GT(difference, 192 * 108);
  // What it does is told, all of it.
  for (const char* text : {"versions: mdvt ",
                           "libavcodec ",
                           "input: ",
                           "192x108",
                           "24.000 frames per second",
                           "engine motion",
                           "17 frames of latency",
                           "norm ema, p_lo 1, p_hi 99, norm_beta 0.9",
                           "alpha 0.9",
                           "motion_adaptive on",
                           "scene_cuts on",
                           "max_shift 2.4",
                           "dynamic_shift on",
                           "convergence auto",
                           "warp forward",
                           "layout sbs",
                           "384x108",
                           "pixel for pixel",
                           "crf 18",
                           "x264_preset veryfast",
                           "wrote "})
    EXPECT_TRUE(Says(text)) << text << "\n" << outcome_.out;
}

TEST_F(MonoToSbs, NamesAndPositionsAreTheSame) {
  const std::vector<Image> by_position = Run({"--max_frames", "3"});
  const Outcome outcome =
      RunProgram(kProgram, {"--output", dir_ / "named.mp4", "--max-frames=3", "--input", color_});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_TRUE(SameFrames(ReadAllFrames(dir_ / "named.mp4"), by_position));
  fs::copy(color_, dir_ / "clip.mp4");
  ASSERT_EQ(RunProgram(kProgram, {dir_ / "clip.mp4", "--max_frames", "3"}).status, 0);
  EXPECT_TRUE(SameFrames(ReadAllFrames(dir_ / "clip.mp4_sbs.mp4"), by_position));
  ExpectFailure({color_, out_, "third"}, 2, {"unexpected argument 'third'"});
  ExpectFailure({color_, out_, "--input", color_}, 2, {"--input is given twice"});
}

TEST_F(MonoToSbs, QuietSaysNothingAndJsonIsJson) {
  Run({"--max_frames", "2", "--quiet"});
  EXPECT_EQ(outcome_.out, "");
  Run({"--max_frames", "2", "--progress", "json"});
  EXPECT_EQ(outcome_.out.rfind("{\"event\":\"start\",\"versions\":\"mdvt ", 0), 0u) << outcome_.out;
  Run({"--max_frames", "2", "--progress", "none"});
  EXPECT_EQ(outcome_.out.rfind("wrote ", 0), 0u) << outcome_.out;
}

TEST_F(MonoToSbs, ParityDoesAsTheOriginal) {
  std::vector<Image> frames = Run({"--parity", "--max_frames", "2"});
  EXPECT_EQ(frames[0].width(), 3840);
  EXPECT_EQ(frames[0].height(), 2160);
  EXPECT_LE(frames[0].Plane<uint8_t>().At(900, 1000), 17);  // padding beside 192x108 pixels
  for (const char* text : {"norm minmax", "alpha 0.9, motion_adaptive off", "scene_cuts off",
                           "max_shift 24, dynamic_shift off", "convergence near", "warp backward",
                           "3840x2160, picture 192x108 of each eye's 1920x2160"})
    EXPECT_TRUE(Says(text)) << text << "\n" << outcome_.out;
  // Each part may be given otherwise.
  Run({"--parity",   "--sbs_w",
       "384",        "--sbs_h",
       "108",        "--norm",
       "percentile", "--warp",
       "forward",    "--convergence",
       "far",        "--dynamic_shift",
       "on",         "--motion_adaptive",
       "on",         "--scene_cuts",
       "on",         "--fit",
       "cover",      "--max_shift",
       "5",          "--max_frames",
       "2"});
  for (const char* text :
       {"norm percentile", "motion_adaptive on", "scene_cuts on", "max_shift 5, dynamic_shift on",
        "convergence far", "warp forward", "384x108"})
    EXPECT_TRUE(Says(text)) << text << "\n" << outcome_.out;
}

TEST_F(MonoToSbs, OptionsOfDepthAndShiftChangeThePicture) {
  const Arguments base = {"--max_frames", "20", "--crf",  "0",   "--max_shift", "8", "--p_lo", "5",
                          "--p_hi",       "95", "--norm", "ema", "--quiet"};
  const std::vector<Image> reference = Run(base);
  const auto differs = [&](const Arguments& change) {
    Arguments arguments = base;
    for (size_t i = 0; i < change.size(); i += 2) {
      const auto old = std::find(arguments.begin(), arguments.end(), change[i]);
      if (old != arguments.end()) arguments.erase(old, old + 2);
      arguments.push_back(change[i]);
      if (!change[i + 1].empty()) arguments.push_back(change[i + 1]);
    }
    const std::vector<Image> frames = Run(arguments);
    EXPECT_EQ(frames.size(), reference.size());
    EXPECT_FALSE(SameFrames(frames, reference)) << change[0] << " " << change[1];
    return frames;
  };
  const std::vector<Arguments> changes = {{"--max_shift", "4"},      {"--p_lo", "20"},
                                          {"--p_hi", "70"},          {"--norm", "percentile"},
                                          {"--norm_beta", "0"},      {"--norm_lookahead", "5"},
                                          {"--alpha", "0"},          {"--motion_adaptive", "off"},
                                          {"--convergence", "near"}, {"--convergence", "0.3"},
                                          {"--warp", "backward"},    {"--swap_eyes", ""},
                                          {"--xfov", "90"},          {"--working_side", "96"}};
  for (const Arguments& change : changes) differs(change);
  differs({"--smooth_tau", "2"});
}

TEST_F(MonoToSbs, FixedAndMetricNorms) {
  const auto run = [&](const Arguments& more) {
    Arguments arguments = {"--max_frames", "2", "--crf", "0", "--max_shift", "8", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments);
  };
  const std::vector<Image> fixed = run({"--norm", "fixed"});
  const std::vector<Image> given = run({"--norm", "fixed", "--norm_lo", "0", "--norm_hi", "0.5"});
  const std::vector<Image> metric = run({"--norm", "metric", "--metric_near", "2"});
  EXPECT_FALSE(SameFrames(fixed, given));
  EXPECT_TRUE(SameFrames(given, metric));  // the same range, said in two ways
  EXPECT_FALSE(SameFrames(metric, run({"--norm", "metric"})));
  // Twice the scale of the world is half the disparity.
  EXPECT_TRUE(
      SameFrames(metric, run({"--norm", "metric", "--metric_near", "4", "--scene_scale", "6"})));
}

TEST_F(MonoToSbs, LayoutsAndSizes) {
  const struct {
    Arguments options;
    int width, height;
    const char* kind;
  } cases[] = {{{"--layout", "half-sbs"}, 192, 108, "sbs"},
               {{"--layout", "tab"}, 192, 216, "tab"},
               {{"--layout", "half-tab"}, 192, 108, "tab"},
               {{"--preset", "720"}, 2560, 720, "sbs"},
               {{"--preset", "1080", "--layout", "half-sbs"}, 1920, 1080, "sbs"},
               {{"--preset", "1440", "--layout", "half-tab"}, 2560, 1440, "tab"},
               {{"--preset", "2160", "--layout", "half-sbs"}, 3840, 2160, "sbs"},
               {{"--sbs_w", "400", "--sbs_h", "200"}, 400, 200, "sbs"},
               {{"--sbs_h", "216"}, 768, 216, "sbs"},
               {{"--upscale", "--up_w", "256", "--up_h", "144"}, 512, 144, "sbs"},
               {{"--upscale"}, 5120, 1440, "sbs"},
               {{"--upscale", "--up_w", "256", "--up_h", "144", "--preview"}, 384, 108, "sbs"}};
  for (const auto& expected : cases) {
    Arguments arguments = expected.options;
    arguments.insert(arguments.end(), {"--max_frames", "1", "--x264_preset", "ultrafast"});
    const std::vector<Image> frames = Run(arguments);
    ASSERT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].width(), expected.width) << expected.options[1];
    EXPECT_EQ(frames[0].height(), expected.height) << expected.options[1];
    EXPECT_EQ(VideoReader(out_).info().tags.at("MDVT_KIND"), expected.kind);
  }
}

TEST_F(MonoToSbs, FitAndFilter) {
  const auto run = [&](const char* fit, const char* filter) {
    return Run({"--sbs_w", "400", "--sbs_h", "300", "--fit", fit, "--upscale_filter", filter,
                "--max_frames", "1", "--crf", "0", "--max_shift", "0"})
        .at(0);
  };
  const Image contain = run("contain", "lanczos");
  EXPECT_EQ(contain.Plane<uint8_t>().At(100, 50), 16);
  EXPECT_GT(contain.Plane<uint8_t>().At(100, 150), 30);
  const Image cover = run("cover", "lanczos");
  EXPECT_GT(cover.Plane<uint8_t>().At(100, 5), 30);
  const Image none = run("none", "lanczos");
  const Image source = ReadAllFrames(color_).at(0);
  for (int x = 0; x < 192; ++x)
    ASSERT_EQ(none.Plane<uint8_t>().At(4 + x, 96 + 50), source.Plane<uint8_t>().At(x, 50));
  for (const char* filter : {"nearest", "bilinear", "bicubic"})
    EXPECT_GT(Difference(run("cover", filter), cover), 0) << filter;
}

TEST_F(MonoToSbs, RateAndPreview) {
  EXPECT_EQ(Run({"--fps", "12"}).size(), 12u);
  EXPECT_EQ(VideoReader(out_).info().frame_rate, (Rational{12, 1}));
  EXPECT_EQ(Run({"--preview", "--preview_every", "10"}).size(), 3u);
  EXPECT_EQ(Run({"--preview", "--preview_interval", "0.5"}).size(), 2u);
  EXPECT_EQ(VideoReader(out_).info().frame_rate, (Rational{2, 1}));
  EXPECT_EQ(Run({"--preview"}).size(), 1u);
  EXPECT_EQ(Run({"--max_frames", "5"}).size(), 5u);
}

TEST_F(MonoToSbs, EncoderOptionsSetQualityAndSpeed) {
  const auto size = [&](const Arguments& options) {
    Run(options);
    return fs::file_size(out_);
  };
  const auto fine = size({"--cq", "10", "--max_shift", "2"});
  EXPECT_EQ(size({"--crf", "10", "--max_shift", "2"}), fine);
  EXPECT_LT(size({"--cq", "35", "--max_shift", "2"}), fine);
  Run({"--nv_preset", "p6", "--max_frames", "1", "--video_codec", "x264"});
  EXPECT_TRUE(Says("x264_preset p6"));
  Run({"--x264_preset", "slow", "--max_frames", "1"});
  EXPECT_TRUE(Says("x264_preset slow"));
  Run({"--bits", "10", "--max_frames", "1", "--encoder_options", "tune=film"});
  EXPECT_EQ(VideoReader(out_).info().format, PixelFormat::Yuv(420, 10));
  ExpectFailure(With({"--encoder_options", "tone=film"}), 2, {"does not know the option 'tone'"});
  ExpectFailure(With({"--video_codec", "ffv1"}), 2, {"out.mp4", "ffv1 goes into .mkv"});
}

TEST_F(MonoToSbs, ContactSheetAndSceneList) {
  std::ofstream(dir_ / "scenes.csv") << "Scene Number,Start Frame\n1,1\n2,13\n";
  Run({"--contact_sheet", dir_ / "sheet.png", "--scene_file", dir_ / "scenes.csv"});
  EXPECT_TRUE(Says("2 scenes"));
  EXPECT_TRUE(Says("sheet.png"));
  EXPECT_GT(ReadImageFile(dir_ / "sheet.png").height(), 100);
}

TEST_F(MonoToSbs, SoundPassesUnlessItMustNot) {
  ClipSpec spec;
  spec.encoder = "libx264";
  spec.codec_options = {{"preset", "ultrafast"}};
  spec.width = 64;
  spec.height = 48;
  spec.frames = 25;
  spec.audio_encoder = "aac";
  spec.audio_languages = {"deu", "fra", "jpn"};
  spec.audio_begin = 0.2;
  spec.audio_seconds = 0.8;
  spec.subtitles = {"one", "two"};
  MakeClip(dir_ / "sound.mkv", spec);
  const auto tracks_of = [](const Content& content) {
    std::vector<Track> tracks;
    for (const Track& track : content.tracks)
      if (track.type == AVMEDIA_TYPE_AUDIO) tracks.push_back(track);
    return tracks;
  };
  const std::vector<Track> before = tracks_of(ReadContent(dir_ / "sound.mkv"));
  ASSERT_EQ(before.size(), 3u);
  ASSERT_NE(before[0].packets[5].data, before[1].packets[5].data);
  for (const char* name : {"with.mp4", "with.mkv"}) {
    SCOPED_TRACE(name);
    ASSERT_EQ(RunProgram(kProgram, {dir_ / "sound.mkv", dir_ / name, "--quiet"}).status, 0);
    const std::vector<Track> after = tracks_of(ReadContent(dir_ / name));
    ASSERT_EQ(after.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(after[i].language, spec.audio_languages[i]);
      ASSERT_EQ(after[i].packets.size(), before[i].packets.size());
      for (size_t k = 0; k < before[i].packets.size(); ++k) {
        EXPECT_EQ(after[i].packets[k].data, before[i].packets[k].data) << i << ", packet " << k;
        EXPECT_NEAR(after[i].packets[k].seconds, before[i].packets[k].seconds, 0.0016);
      }
    }
  }
  for (const char* option : {"--no_audio", "--preview"}) {
    ASSERT_EQ(RunProgram(kProgram, {dir_ / "sound.mkv", out_, "--quiet", option}).status, 0);
    EXPECT_FALSE(VideoReader(out_).info().has_audio) << option;
  }
}

TEST_F(MonoToSbs, ListsRunItemByItem) {
  fs::create_directory(dir_ / "results");
  std::ofstream(dir_ / "list.txt") << color_ << "\n"
                                   << dir_ / "gone.mp4"
                                   << "\n";
  const Outcome outcome =
      RunProgram(kProgram, {dir_ / "list.txt", dir_ / "results", "--max_frames", "2"});
  EXPECT_EQ(outcome.status, 3);
  EXPECT_NE(outcome.err.find("gone.mp4"), std::string::npos);
  EXPECT_EQ(ReadAllFrames(dir_ / "results/room.mp4_sbs.mp4").size(), 2u);
  for (const char* option : {"--contact_sheet", "--scene_file"})
    ExpectFailure({dir_ / "list.txt", dir_ / "results", option, dir_ / "x.png"}, 2, {option});
}

TEST_F(MonoToSbs, ThreadsDoNotChangeTheFrames) {
  std::vector<Image> reference;
  for (const char* threads : {"1", "2", "3", "8"}) {
    const std::vector<Image> frames = Run({"--threads", threads, "--crf", "0", "--sbs_w", "600",
                                           "--layout", "half-sbs", "--norm_lookahead", "3"});
    if (reference.empty()) reference = frames;
    EXPECT_TRUE(SameFrames(frames, reference)) << threads;
  }
}

TEST_F(MonoToSbs, OptionsOfModelsNeedAModel) {
  ExpectFailure(With({"--encoder", "vits"}), 2, {"--encoder is not available", "model"});
  ExpectFailure(With({"--ckpt", "there_is_none.pt"}), 3, {"no model 'there_is_none.pt'", "docs/"});
  ExpectFailure(With({"--engine", "model"}), 2,
                {"the engine 'model' needs a model (--model FILE)"});
  ExpectFailure(With({"--batch", "3"}), 2, {"--batch belongs to --model"});
  ExpectFailure(With({"--fp16"}), 2, {"--fp16 belongs to --model"});
  ExpectFailure(With({"--device", "cuda"}), 2, {"device is 'cuda'", "--model FILE"});
  ExpectFailure(With({"--video_codec", "nvenc"}), 2, {"nvenc", "x264"});
}

TEST_F(MonoToSbs, ContradictionsAreRefused) {
  const std::vector<std::pair<Arguments, std::string>> cases = {
      {{"--alpha", "0.5", "--smooth_tau", "1"}, "not both"},
      {{"--cq", "1", "--crf", "1"}, "--crf is given twice"},
      {{"--nv_preset", "p1", "--x264_preset", "slow"}, "--x264_preset is given twice"},
      {{"--preset", "720", "--sbs_w", "400"}, "--preset"},
      {{"--up_w", "400"}, "--upscale"},
      {{"--preview_every", "2"}, "--preview"},
      {{"--preview", "--preview_every", "2", "--preview_interval", "2"}, "not both"},
      {{"--norm", "minmax", "--p_lo", "3"}, "--p_lo belongs to"},
      {{"--norm", "metric", "--norm_beta", "0.5"}, "--norm_beta belongs to"},
      {{"--norm", "percentile", "--norm_lookahead", "5"}, "--norm_lookahead belongs to"},
      {{"--metric_near", "2"}, "--metric_near belongs to"},
      {{"--norm", "fixed", "--norm_lo", "2"}, "--norm_lo belongs to --norm_hi"},
      {{"--norm", "fixed", "--norm_lo", "2", "--norm_hi", "1"}, "less than"},
      {{"--p_lo", "60", "--p_hi", "40"}, "less than"},
      {{"--convergence", "middle"}, "near, far, auto"},
      {{"--convergence", "1.5"}, "near, far, auto"},
      {{"--sbs_w", "402"}, "multiple of 4"},
      {{"--layout", "tab", "--sbs_h", "402"}, "multiple of 4"},
      {{"--scene_file", "x.csv", "--scene_cuts", "off"}, "--scene_file belongs to --scene_cuts on"},
      {{"--fps", "0.01"}, "fps"}};
  for (const auto& [options, phrase] : cases) ExpectFailure(With(options), 2, {phrase});
}

TEST_F(MonoToSbs, BadInputIsOneClearLine) {
  ExpectFailure({"--output", out_}, 2, {"--input"});
  ExpectFailure({dir_ / "gone.mp4", out_}, 3, {"gone.mp4"});
  std::ofstream(dir_ / "text.mp4") << "This is no video.\n";
  ExpectFailure({dir_ / "text.mp4", out_}, 3, {"text.mp4"});
  const std::string bytes = ReadText(color_);
  std::ofstream(dir_ / "cut.mp4", std::ios::binary) << bytes.substr(0, bytes.size() * 6 / 10);
  ExpectFailure({dir_ / "cut.mp4", out_}, 3, {"cut.mp4"});
  // Damage in the middle, found when earlier frames are on their way.
  MakeColor(dir_ / "hurt.mkv", ClipShape());
  std::fstream hurt(dir_ / "hurt.mkv", std::ios::in | std::ios::out | std::ios::binary);
  hurt.seekp(static_cast<std::streamoff>(fs::file_size(dir_ / "hurt.mkv") / 2));
  hurt << std::string(200, 'U') << std::flush;
  ExpectFailure({dir_ / "hurt.mkv", out_, "--strict"}, 3, {"hurt.mkv"});
  ExpectFailure({color_, dir_ / "missing/out.mp4"}, 1, {"out.mp4"});
  ExpectFailure({color_, dir_ / "out.avi"}, 2, {"out.avi"});
  ExpectFailure({color_, color_}, 2, {"input"});
  ExpectFailure(With({"--no_overwrite"}), 1, {"out.mp4"});
  ExpectFailure(With({"--scene_file", dir_ / "gone.csv"}), 3, {"gone.csv"});
  ExpectFailure(With({"--contact_sheet", dir_ / "missing/x.png"}), 1, {"x.png"});
  ExpectFailure(With({}), 1, {"out.mp4"}, 3000);  // a full disk, by a limit on file sizes
  ClipShape tiny;
  tiny.width = 1;
  tiny.height = 1;
  MakeColor(dir_ / "tiny.mkv", tiny, PixelFormat::Yuv(444));
  ExpectFailure({dir_ / "tiny.mkv", out_}, 2, {"1x1", "too small"});
}

TEST_F(MonoToSbs, SignalsEndItCleanly) {
  const Arguments arguments =
      With({"--quiet", "--contact_sheet", dir_ / "sheet.png", "--preset", "720"});
  const Outcome whole = RunProgram(kProgram, arguments);
  ASSERT_EQ(whole.status, 0) << whole.err;
  const auto finished = Snapshot(dir_.path().string());
  int interrupted = 0;
  constexpr int kPoints = 10;
  for (int point = 0; point < kPoints; ++point) {
    const int number = point % 2 == 0 ? SIGINT : SIGTERM;
    RunningProgram run(kProgram, arguments);
    std::this_thread::sleep_for(
        std::chrono::duration<double>(0.05 + whole.seconds * point / kPoints));
    kill(run.pid(), number);
    const Outcome outcome = run.Wait();
    if (outcome.status == 0) continue;
    ++interrupted;
    EXPECT_EQ(outcome.status, 128 + number) << outcome.err;
    EXPECT_TRUE(Snapshot(dir_.path().string()) == finished) << "a file has changed";
  }
  EXPECT_GE(interrupted, kPoints / 4);
}

}  // namespace
}  // namespace mdvt::test
