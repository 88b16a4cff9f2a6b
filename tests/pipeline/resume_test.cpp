// SPDX-License-Identifier: Apache-2.0
//
// What stands in a saved state is enough: an object that is saved and loaded anew after any frames
// goes on to the same bytes.
#include <gtest/gtest.h>

#include <Eigen/Geometry>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "io/expect_error.h"
#include "mdvt/core/state.h"
#include "mdvt/depth/disparity_range.h"
#include "mdvt/depth/disparity_smoother.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/stereo/shift_control.h"
#include "mdvt/tracking/content_cut.h"
#include "mdvt/tracking/scene_cut.h"
#include "pipeline/depth_source.h"
#include "pipeline/eye_inputs.h"
#include "pipeline/eye_maker.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

constexpr int kWidth = 48, kHeight = 32, kFrames = 24;

std::string Bytes(const Image& image) {
  State state;
  state.SetImage("image", image);
  return state.Get("image");
}

template <typename... Numbers>
std::string Text(Numbers... numbers) {
  State state;
  state.SetNumbers("numbers", {static_cast<double>(numbers)...});
  return state.Get("numbers");
}

// step(object, i) says what the object makes of frame i. Saved and loaded between any two frames it
// must say the same; without the state it must not, or there would be nothing to test.
template <typename Make, typename Step>
void ExpectResumes(const Make& make, const Step& step, int rounds = 12) {
  std::vector<std::string> expected;
  const auto whole = make();
  for (int i = 0; i < kFrames; ++i) expected.push_back(step(whole.get(), i));
  std::mt19937_64 random = Rng();
  int lost = 0;
  for (int round = 0; round < rounds; ++round) {
    auto object = make();
    for (int i = 0; i < kFrames; ++i) {
      if (random() % 3 == 0) {
        State state;
        object->Save(&state);
        lost += step(make().get(), i) != expected[static_cast<size_t>(i)];
        object = make();
        object->Load(state);
      }
      ASSERT_EQ(step(object.get(), i) == expected[static_cast<size_t>(i)], true) << "frame " << i;
    }
  }
  EXPECT_GT(lost, 0) << "a new object says the same without the state";
  ExpectError(Code::kCorrupt, "saved state", [&] {
    State broken;
    for (const char* name : {"range", "past", "started", "scores", "thumbnail", "counts"})
      broken.Set(name, "what is this");
    make()->Load(broken);
  });
}

// Disparity that drifts and jumps.
Image Map(int frame) {
  Image map(PixelFormat::GrayF32(), kWidth, kHeight);
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x)
      map.MutablePlane<float>().At(x, y) = static_cast<float>(
          0.5 + (0.2 + 0.01 * frame) * std::sin(0.2 * x + 0.1 * y + 0.4 * frame) +
          (x > kWidth / 2 ? 0.02 * frame : 0));
  return map;
}

Image Picture(int frame, const PixelFormat& format) {
  Image image(format, kWidth, kHeight);
  for (int plane = 0; plane < format.num_planes(); ++plane)
    for (int y = 0; y < format.PlaneHeight(plane, kHeight); ++y)
      for (int x = 0; x < format.PlaneWidth(plane, kWidth); ++x)
        image.MutablePlane<uint8_t>(plane).At(x, y) = static_cast<uint8_t>(
            128 + 60 * std::sin(0.3 * x + 0.2 * y + plane + (x > 20 ? 0.3 : 0.02) * frame) +
            (frame >= 13 ? 50 : 0));
  return image;
}

bool Begins(int frame) { return frame == 0 || frame == 9; }

TEST(Resume, RangeOfDisparity) {
  for (const NormMode mode : {NormMode::kEma, NormMode::kFixed}) {
    NormalizerOptions options;
    options.mode = mode;
    ExpectResumes([&] { return std::make_unique<DisparityNormalizer>(options); },
                  [](DisparityNormalizer* normalizer, int i) {
                    normalizer->Push(Map(i).Plane<float>(), Begins(i));
                    const NormalRange range = normalizer->Pop().value();
                    return Text(range.lo, range.hi, range.slack, range.flat);
                  });
  }
}

TEST(Resume, RangeOfDisparityOnlyBetweenFrames) {
  NormalizerOptions options;
  options.lookahead = 2;
  DisparityNormalizer normalizer(options);
  normalizer.Push(Map(0).Plane<float>(), true);
  State state;
  ExpectError(Code::kInvalidArgument, "holds frames", [&] { normalizer.Save(&state); });
}

TEST(Resume, SmoothedDisparity) {
  for (const bool adaptive : {false, true}) {
    SmootherOptions options;
    options.motion_adaptive = adaptive;
    ExpectResumes([&] { return std::make_unique<DisparitySmoother>(options); },
                  [](DisparitySmoother* smoother, int i) {
                    Image map = Map(i);
                    smoother->Smooth(Picture(i, PixelFormat::Yuv(420)), 1 / 24.0, Begins(i),
                                     NormalRange{{0, 1}}, &map);
                    return Bytes(map);
                  });
  }
}

TEST(Resume, ShiftAndScreen) {
  ExpectResumes([] { return std::make_unique<ShiftController>(ShiftOptions()); },
                [](ShiftController* shifts, int i) {
                  ShiftFrame frame;
                  frame.hi = 1 + 0.5 * std::sin(0.7 * i);
                  frame.steep_share = 0.002 * i;
                  frame.convergence = 0.5;
                  frame.new_scene = Begins(i);
                  return Text(shifts->Push(frame, 1920));
                });
  ExpectResumes([] { return std::make_unique<ConvergenceTracker>(ConvergenceOptions()); },
                [](ConvergenceTracker* screen, int i) {
                  return Text(screen->Push(Map(i).Plane<float>(), Begins(i)));
                });
}

TEST(Resume, Cuts) {
  ExpectResumes([] { return std::make_unique<ContentCutDetector>(); },
                [](ContentCutDetector* cuts, int i) {
                  cuts->Push(Picture(i, PixelFormat::Rgb(8)).view(), i / 8.0);
                  const std::optional<bool> cut = cuts->Pop();
                  return Text(cut.has_value(), cut.value_or(false));
                });
  ExpectResumes([] { return std::make_unique<SceneCutDetector>(); },
                [](SceneCutDetector* cuts, int i) {
                  // Another picture altogether every fourth frame.
                  const Image picture = Picture(i % 4 == 0 ? 10 * i : i, PixelFormat::Gray(8));
                  return Text(cuts->IsCut(picture.Plane<uint8_t>(), 0, 0));
                });
}

// One way of rendering both eyes: what an EyeMaker is made of.
struct Eyes {
  const char* name;
  Placement placement = Placement::kMetric;
  const char* layout = "sbs";
  std::function<void(EyeOptions*, EyePlaces*)> set = [](EyeOptions*, EyePlaces*) {};
};

std::vector<Pose> Path() {
  std::vector<Pose> poses;
  for (int i = 0; i < kFrames; ++i) {
    Pose pose = Pose::Identity();
    pose.translation() = Eigen::Vector3d(0.02 * i, -0.01 * i, 0.015 * i);
    pose.rotate(Eigen::AngleAxisd(0.01 * i, Eigen::Vector3d::UnitY()));
    poses.push_back(pose);
  }
  return poses;
}

ComfortOptions ForTv() {
  ComfortOptions comfort;
  comfort.viewer = Comfort::kTv;
  return comfort;
}

void Follow(EyePlaces* places) { places->focus.emplace(FocusOptions(), ConvergenceSmoothing()); }

void StandInAScene(EyeOptions* options) {
  SceneOptions scene;
  scene.poses = PerFrame<Pose>(Path(), "path", "poses");
  scene.tear = TearRule();
  options->scene = scene;
}

std::vector<Eyes> AllEyes() {
  return {
      {"normalized", Placement::kNormalized},
      {"metric"},
      {"preview", Placement::kMetric, "sbs",
       [](EyeOptions* options, EyePlaces*) { options->preview_every = 2; }},
      {"smoothed", Placement::kMetric, "half-sbs",
       [](EyeOptions* options, EyePlaces*) { options->smoothing.alpha = 0.7; }},
      {"focus", Placement::kMetric, "anaglyph",
       [](EyeOptions*, EyePlaces* places) { Follow(places); }},
      {"comfort", Placement::kMetric, "sbs",
       [](EyeOptions*, EyePlaces* places) {
         Follow(places);
         places->comfort = ForTv().Limits();
       }},
      {"comfort of normalized depth", Placement::kNormalized, "sbs",
       [](EyeOptions*, EyePlaces* places) { places->comfort = ForTv().Limits(); }},
      {"panels", Placement::kMetric, "vr180",
       [](EyeOptions*, EyePlaces* places) { places->comfort = ForTv().PanelLimits(true); }},
      {"scene", Placement::kMetric, "sbs",
       [](EyeOptions* options, EyePlaces* places) {
         StandInAScene(options);
         Follow(places);
         places->comfort = ForTv().Limits();
       }},
      {"panels in a scene", Placement::kMetric, "vr180",
       [](EyeOptions* options, EyePlaces* places) {
         StandInAScene(options);
         places->comfort = ForTv().PanelLimits(true);
       }},
      {"observed", Placement::kMetric, "sbs",
       [](EyeOptions* options, EyePlaces* places) {
         options->observe.emplace();
         options->observe->window = 3;
         options->provenance = true;
         places->poses = PerFrame<Pose>(Path(), "path", "poses");
       }},
      {"sheet", Placement::kMetric, "sbs",
       [](EyeOptions* options, EyePlaces*) { options->sheet = true; }},
      {"subtitles", Placement::kMetric, "sbs", {}},
  };
}

class ResumeEyes : public ::testing::TestWithParam<size_t> {
 protected:
  // Throws Error(kUnsupported) where subtitles cannot be drawn.
  explicit ResumeEyes(size_t eyes) : way_(AllEyes()[eyes]) {
    options_.placement = way_.placement;
    options_.max_shift = 6;
    source_.format = PixelFormat::Yuv(420);
    source_.width = kWidth;
    source_.height = kHeight;
    source_.color = ResolveColor(ColorInfo(), source_.format, kHeight);
  }
  ResumeEyes() : ResumeEyes(GetParam()) {}

  std::unique_ptr<EyeMaker> Make() const {
    EyeOptions options = options_;
    EyePlaces places;
    if (way_.placement == Placement::kMetric) {
      FovOptions fov;
      fov.xfov_deg = 60;
      places.camera.emplace(fov, DepthTags(), kWidth, kHeight, Rational{1, 1}, Limits());
      places.distance = PerFrame<double>(3.0);
    }
    if (way_.set) way_.set(&options, &places);
    CanvasOptions wanted;
    wanted.layout = way_.layout;
    wanted.panel.size = 48;
    ViewLayout layout = ViewLayoutOf(way_.layout);
    if (options.scene) layout.samples = MixSamples::kFullChroma;
    const ViewCanvas canvas = PlanCanvas(wanted, kWidth, kHeight, {1, 1});
    if (!way_.set) {
      SubtitleOptions subtitles;
      subtitles.subtitles = Subtitles::kBurn;
      subtitles.file = Lines();
      places.subtitles =
          OpenSubtitles(subtitles, "", 0, canvas, {}, PackedFormat(layout, canvas, source_.format),
                        source_.color, std::nullopt, Limits(), nullptr);
    }
    return std::make_unique<EyeMaker>(options, layout, canvas, source_, std::move(places), nullptr);
  }

  std::string Step(EyeMaker* maker, int i) const {
    EyeInput input;
    input.color = Picture(i, source_.format);
    input.depth = Map(i);
    input.new_scene = Begins(i);
    input.index = i;
    input.seconds = i / 24.0;
    input.pts = i;
    maker->Push(std::move(input));
    std::string text;
    while (const std::optional<PackedFrame> frame = maker->Pop())
      text += Bytes(frame->image) + Bytes(frame->provenance) + Text(frame->pts);
    State sheet;
    maker->sheet().Save(&sheet);
    for (const auto& [name, bytes] : sheet.parts()) text += bytes;
    return text + Text(maker->scenes(), maker->mean_hole_share(), maker->mean_shift(),
                       maker->observed_share());
  }

  std::string Lines() const {
    const std::string path = dir_ / "lines.srt";
    std::ofstream(path) << "1\n00:00:00,000 --> 00:00:00,400\nHm\n\n"
                           "2\n00:00:00,300 --> 00:00:00,900\nYes\n";
    return path;
  }

  const Eyes way_;
  EyeOptions options_;
  EyeSource source_;
  const TempDir dir_;
};

TEST_P(ResumeEyes, GoOnToTheSameBytes) {
  try {
    Make();
  } catch (const Error& error) {
    if (error.code() == Code::kUnsupported) GTEST_SKIP() << error.what();
    throw;
  }
  EXPECT_TRUE(Make()->CanSave());
  ExpectResumes([&] { return Make(); }, [&](EyeMaker* maker, int i) { return Step(maker, i); }, 6);
}

// The state as bytes, and back.
std::string ToBytes(const State& state) {
  std::string bytes;
  for (const auto& [name, part] : state.parts())
    bytes += std::to_string(name.size()) + ' ' + std::to_string(part.size()) + ' ' + name + part;
  return bytes;
}
State FromBytes(const std::string& bytes) {
  State state;
  for (size_t at = 0; at < bytes.size();) {
    size_t sizes[2];
    for (size_t& size : sizes) {
      const size_t space = bytes.find(' ', at);
      size = std::stoul(bytes.substr(at, space - at));
      at = space + 1;
    }
    state.Set(bytes.substr(at, sizes[0]), bytes.substr(at + sizes[0], sizes[1]));
    at += sizes[0] + sizes[1];
  }
  return state;
}
constexpr int kStop = 11;
constexpr char kHandedOver[] = "MDVT_TEST_RESUME";

TEST_P(ResumeEyes, GoOnInANewProcess) {
  const char* folder = std::getenv(kHandedOver);
  const std::string state_file = (folder != nullptr ? folder : dir_ / ".") + std::string("/state");
  const std::string said_file = (folder != nullptr ? folder : dir_ / ".") + std::string("/said");
  std::unique_ptr<EyeMaker> maker;
  try {
    maker = Make();
  } catch (const Error& error) {
    if (error.code() == Code::kUnsupported) GTEST_SKIP() << error.what();
    throw;
  }
  if (folder == nullptr) {
    for (int i = 0; i < kStop; ++i) Step(maker.get(), i);
    State state;
    maker->Save(&state);
    std::ofstream(state_file, std::ios::binary) << ToBytes(state);
    // This test once more, as another process, which takes the other branch.
    const testing::TestInfo& test = *testing::UnitTest::GetInstance()->current_test_info();
    const std::string program = std::filesystem::read_symlink("/proc/self/exe");
    const std::string command = std::string(kHandedOver) + "='" + (dir_ / ".") + "' '" + program +
                                "' --gtest_filter='" + test.test_suite_name() + "." + test.name() +
                                "' > '" + (dir_ / "log") + "' 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << ReadText(dir_ / "log");
  } else {
    maker->Load(FromBytes(ReadText(state_file)));
  }
  std::string said;
  for (int i = kStop; i < kFrames; ++i) said += Step(maker.get(), i);
  if (folder != nullptr) {
    std::ofstream(said_file, std::ios::binary) << said;
    return;
  }
  EXPECT_GT(said.size(), 1000u);
  EXPECT_TRUE(said == ReadText(said_file)) << "another process says something else";
}

INSTANTIATE_TEST_SUITE_P(All, ResumeEyes, ::testing::Range(size_t{0}, AllEyes().size()),
                         [](const ::testing::TestParamInfo<size_t>& eyes) {
                           std::string name = AllEyes()[eyes.param].name;
                           std::replace(name.begin(), name.end(), ' ', '_');
                           return name;
                         });

// Frames with depth of a file, and the cuts that are found in their colours.
struct Inputs {
  explicit Inputs(const std::string& depth, const std::string& scenes) {
    DepthSourceOptions options;
    options.file.path = depth;
    options.file.reading.max_depth = 100;
    options.file.reading.encoding = DepthEncoding::kGray16;
    source = OpenDepthSource(options, {});
    source->Start({});
    VideoInfo info;
    info.width = kWidth;
    info.height = kHeight;
    SteadyOptions steady;
    steady.scene_file = scenes;
    inputs = std::make_unique<EyeInputs>(source.get(), SceneCuts::kAuto, steady, Limits(), info,
                                         PixelFormat::Yuv(420), nullptr);
  }
  void Save(State* state) const { inputs->Save(state); }
  void Load(const State& state) { inputs->Load(state); }

  std::unique_ptr<DepthSource> source;
  std::unique_ptr<EyeInputs> inputs;
};

TEST(Resume, FramesAndWhereScenesBegin) {
  const TempDir dir;
  DepthVideoWriterOptions depth;
  depth.video.frame_rate = {24, 1};
  depth.video.time_base = {1, 24};
  depth.codec.encoding = DepthEncoding::kGray16;
  DepthVideoWriter writer(dir / "d.mkv", kWidth, kHeight, depth);
  const Image map = Map(0);
  writer.Write(map.Plane<float>(), 0, 1);
  writer.Finish();
  std::ofstream(dir / "scenes.csv") << "Scene Number,Start Frame\n1,1\n2,8\n3,15\n";
  for (const std::string& scenes : {std::string(), dir / "scenes.csv"})
    ExpectResumes([&] { return std::make_unique<Inputs>(dir / "d.mkv", scenes); },
                  [](Inputs* all, int i) {
                    EXPECT_TRUE(all->inputs->CanSave());
                    InputFrame frame;
                    frame.index = frame.pts = i;
                    frame.seconds = i / 8.0;
                    frame.pair.color.image = Picture(i < 13 ? 0 : 200 + i, PixelFormat::Yuv(420));
                    frame.pair.depth.depth = Map(i);
                    frame.pair.world_from_cam = Path()[static_cast<size_t>(i)];
                    all->inputs->Push(std::move(frame));
                    std::string text;
                    while (const std::optional<EyeInput> input = all->inputs->Pop())
                      text += Bytes(input->color) + Bytes(input->depth) +
                              Text(input->new_scene, input->index, input->seconds, input->pts,
                                   input->world_from_cam->translation().x());
                    return text;
                  });
}

}  // namespace
}  // namespace mdvt::test
