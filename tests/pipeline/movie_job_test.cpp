// SPDX-License-Identifier: Apache-2.0
//
// A film of three scenes, with sound, subtitles and chapters, at uneven times.
#include "mdvt/pipeline/movie.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "cli/clips.h"
#include "infill/toy_models.h"
#include "io/clip_maker.h"
#include "io/expect_error.h"
#include "io/file_content.h"
#include "mdvt/core/error.h"
#include "mdvt/io/scene_list.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"
#include "pipeline/movie_scenes.h"
#include "pipeline/network_parts.h"
#include "support/log_catcher.h"
#include "support/test_env.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

constexpr int kWidth = 96, kHeight = 64, kFrames = 60, kSceneFrames = 20;

// Each scene has colours of its own and moves.
ff::FramePtr FilmPicture(int index) {
  const int scene = index / kSceneFrames;
  ff::FramePtr frame = MakeMovingFrame(AV_PIX_FMT_YUV420P, kWidth, kHeight, index);
  for (int plane = 0; plane < 3; ++plane)
    for (int y = 0; y < (plane == 0 ? kHeight : kHeight / 2); ++y)
      for (int x = 0; x < (plane == 0 ? kWidth : kWidth / 2); ++x) {
        uint8_t& sample = frame->data[plane][y * frame->linesize[plane] + x];
        if (plane == 0)
          sample = static_cast<uint8_t>(scene == 1 ? 235 - sample / 2 : 40 + sample / 2);
        else
          sample = static_cast<uint8_t>(scene == plane ? 90 : 150 + 20 * scene);
      }
  return frame;
}

class MovieJob : public ::testing::Test {
 protected:
  MovieJob() {
    ClipSpec spec;
    spec.width = kWidth;
    spec.height = kHeight;
    spec.frames = kFrames;
    for (int i = 0; i < kFrames; ++i) spec.pts.push_back(80 + 40 * i + (i % 3) * 7);
    spec.picture = FilmPicture;
    spec.audio_encoder = "pcm_s16le";
    spec.audio_languages = {"deu", "eng"};
    spec.audio_seconds = 2.5;
    spec.subtitles = {"one", "two", "three"};
    spec.chapters = 2;
    MakeClip(film_, spec);
    options_.color_video = film_;
    options_.output_dir = out_;
    options_.job.num_threads = 2;
    options_.encode.video_codec = "ffv1";
    // Fast, and with eyes that are known: both stand where the camera does.
    options_.scene.pupillary_distance_mm = 0;
    options_.scene.xfov_deg = 60;
    options_.scene.convergence = MovieConvergence::kOff;
    options_.scene.infill_engine = "none";
  }

  MovieReport Run() { return RunMovieJob(options_); }
  std::string Plan() {
    MovieJobOptions dry = options_;
    dry.dry_run = true;
    return RunMovieJob(dry).plan;
  }
  std::string Product(const std::string& name) const { return out_ + "/" + name; }
  std::string Film() const { return Product("the film.mkv_SBS.mkv"); }

  void WriteList(const std::string& columns, const std::vector<std::string>& cells) {
    const std::string list = dir_ / "scenes.csv";
    std::ofstream file(list);
    file << "Start Frame,End Frame," << columns << "\n";
    for (size_t i = 0; i < cells.size(); ++i)
      file << i * kSceneFrames + 1 << "," << (i + 1) * kSceneFrames << "," << cells[i] << "\n";
    options_.scene_file = list;
  }

  // All files but manifests, which tell when they were written.
  std::map<std::string, std::vector<std::byte>> Products() const {
    std::map<std::string, std::vector<std::byte>> files;
    for (const auto& entry : fs::directory_iterator(out_)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_regular_file() || name.find(".mdvt.json") != std::string::npos) continue;
      files[name] = ReadBytes(entry.path().string());
    }
    return files;
  }
  std::map<std::string, fs::file_time_type> Times() const {
    std::map<std::string, fs::file_time_type> times;
    for (const auto& entry : fs::directory_iterator(out_))
      if (entry.is_regular_file())
        times[entry.path().filename().string()] = entry.last_write_time();
    return times;
  }

  // Whether both eyes of a frame are that picture of the film.
  static bool IsFlat(const Image& film, const Image& both) {
    return SamePixels(Crop(both.view(), 0, 0, kWidth, kHeight), film.view()) &&
           SamePixels(Crop(both.view(), kWidth, 0, kWidth, kHeight), film.view());
  }

  const TempDir dir_;
  // Such names were never a problem of ours.
  const std::string film_ = dir_ / "the film.mkv";
  const std::string out_ = dir_ / "it's \"out\"";
  MovieJobOptions options_;
};

TEST_F(MovieJob, EveryFrameIsAtItsPlaceAndTime) {
  const MovieReport report = Run();
  EXPECT_EQ(report.scenes, 3);
  EXPECT_EQ(report.frames, kFrames);
  EXPECT_EQ(report.output, Film());
  EXPECT_EQ(report.steps_done, 3 * 2 + 1);  // depth and stereo, and the film
  EXPECT_EQ(ReadSceneStarts(report.scene_list), (std::vector<int64_t>{0, 20, 40}));
  EXPECT_EQ(report.scene_list, Product("the film-Scenes.csv"));
  EXPECT_TRUE(fs::exists(Product("the film-stats.csv")));

  VideoReader source(film_), film(Film());
  EXPECT_EQ(film.info().stereo, StereoMark::kSideBySide);
  for (int i = 0; i < kFrames; ++i) {
    const std::optional<Frame> picture = source.Read(), both = film.Read();
    ASSERT_TRUE(picture && both) << i;
    EXPECT_EQ(both->pts, picture->pts) << i;
    EXPECT_TRUE(IsFlat(picture->image, both->image)) << i;
  }
  EXPECT_FALSE(film.Read());

  const Content before = ReadContent(film_), after = ReadContent(Film());
  ASSERT_EQ(after.tracks.size(), before.tracks.size());
  EXPECT_EQ(after.chapters, before.chapters);
  for (size_t i = 1; i < before.tracks.size(); ++i) {
    const Track& was = before.tracks[i];
    const Track& is = after.tracks[i];
    EXPECT_EQ(is.language, was.language);
    ASSERT_EQ(is.packets.size(), was.packets.size());
    for (size_t k = 0; k < was.packets.size(); ++k) {
      EXPECT_EQ(is.packets[k].data, was.packets[k].data);
      EXPECT_NEAR(is.packets[k].seconds, was.packets[k].seconds, 0.0011);
    }
  }
  // What a scene is made of are files of its own, from time 0 on.
  for (const char* name : {"scene_2.mkv_depth.mkv", "scene_2.mkv_depth.mkv_stereo.mkv"}) {
    VideoReader scene(Product(name));
    EXPECT_EQ(scene.CountFrames(), kSceneFrames) << name;
    EXPECT_EQ(scene.info().start_pts, 0) << name;
    EXPECT_FALSE(scene.info().has_audio) << name;
  }
  EXPECT_TRUE(fs::exists(Product("scene_2.mkv_depth.mkv_xfovs.json")));
}

TEST_F(MovieJob, EverySceneHasItsOwnWay) {
  WriteList("Skip,PupillaryDistance,Infill,Convergence", {",63,Yes,center", "Yes,63,,", ",,No,"});
  options_.scene.infill_engine = "directional";
  options_.save_clips = true;
  Run();
  VideoReader source(film_), film(Film());
  for (int i = 0; i < kFrames; ++i) {
    const Frame picture = *source.Read(), both = *film.Read();
    const bool flat = IsFlat(picture.image, both.image);
    EXPECT_EQ(flat, i >= kSceneFrames) << i;
  }
  for (const char* name :
       {"scene_1.mkv_depth.mkv_convergence_depths.json",
        "scene_1.mkv_depth.mkv_stereo.mkv_infillmask.mkv",
        "scene_1.mkv_depth.mkv_stereo.mkv_infilled.mkv", "scene_3.mkv_depth.mkv_stereo.mkv"})
    EXPECT_TRUE(fs::exists(Product(name))) << name;
  for (const char* name : {"scene_2.mkv_depth.mkv", "scene_3.mkv_depth.mkv_stereo.mkv_infilled.mkv",
                           "scene_3.mkv_depth.mkv_convergence_depths.json"})
    EXPECT_FALSE(fs::exists(Product(name))) << name;
  // Clips are the frames of the film.
  const std::vector<Image> all = ReadAllFrames(film_), clip = ReadAllFrames(Product("scene_3.mkv"));
  ASSERT_EQ(clip.size(), static_cast<size_t>(kSceneFrames));
  EXPECT_TRUE(SameFrames(clip, {all.begin() + 40, all.end()}));
}

TEST_F(MovieJob, OnlyWhatWouldDifferIsDoneAgain) {
  WriteList("PupillaryDistance,MaxDepth", {",", ",", ","});
  EXPECT_EQ(Run().steps_done, 7);
  const auto products = Products();
  auto times = Times();
  EXPECT_EQ(Run().steps_done, 0);
  EXPECT_EQ(Times(), times);

  // An option of one scene: what follows from it.
  WriteList("PupillaryDistance,MaxDepth", {",", "60,", ","});
  const std::string plan = Plan();
  EXPECT_NE(
      plan.find("scene 2, stereo             to do: pupillary_distance is 60.0, it was 0.0\n"),
      std::string::npos)
      << plan;
  EXPECT_NE(plan.find("scene 2, depth              up to date\n"), std::string::npos) << plan;
  EXPECT_NE(plan.find("film                        to do: scene 2 is another one\n"),
            std::string::npos)
      << plan;
  EXPECT_EQ(Times(), times);
  EXPECT_EQ(Run().steps_done, 2);
  for (const auto& [name, time] : Times()) {
    const bool changed = name.rfind("scene_2.mkv_depth.mkv_stereo", 0) == 0 ||
                         name.rfind("the film.mkv_SBS", 0) == 0;
    EXPECT_EQ(time != times[name], changed) << name;
  }
  // And back.
  WriteList("PupillaryDistance,MaxDepth", {",", ",", ","});
  EXPECT_EQ(Run().steps_done, 2);
  EXPECT_TRUE(Products() == products);

  // A file that is gone is wanted again only where something has to be made of it.
  fs::remove(Product("scene_1.mkv_depth.mkv"));
  EXPECT_EQ(Run().steps_done, 0);
  WriteList("PupillaryDistance,MaxDepth", {"60,", ",", ","});
  EXPECT_EQ(Run().steps_done, 3);

  options_.force = "depth:3";
  EXPECT_EQ(Run().steps_done, 3);
  options_.force = "film";
  EXPECT_EQ(Run().steps_done, 1);
  // Another film under the same name.
  options_.force.clear();
  fs::last_write_time(film_, fs::last_write_time(film_) + std::chrono::seconds(5));
  EXPECT_EQ(Run().steps_done, 0);
  std::ofstream(film_, std::ios::app) << std::string(100, '\0');
  EXPECT_NE(Plan().find("color_video is another one"), std::string::npos);
}

TEST_F(MovieJob, ScenesAtOnceChangeNothing) {
  options_.parallel = 1;
  Run();
  const auto one = Products();
  fs::remove_all(out_);
  options_.parallel = 3;
  options_.job.num_threads = 4;
  Run();
  EXPECT_TRUE(Products() == one);
}

// A process of its own runs the job and is killed at random moments; then the job is run to its
// end.
TEST_F(MovieJob, AKilledRunGoesOnToTheSameBytes) {
  options_.scene.pupillary_distance_mm = 63;
  options_.scene.convergence = MovieConvergence::kCenter;
  options_.scene.infill_engine = "directional";
  const auto start = std::chrono::steady_clock::now();
  Run();
  const std::chrono::duration<double> whole = std::chrono::steady_clock::now() - start;
  const auto products = Products();
  const auto names = ListFolder(out_);
  std::mt19937_64 rng = Rng();
  int killed = 0;
  for (int round = 0; round < 4; ++round) {
    fs::remove_all(out_);
    for (int kills = 0; kills < 4; ++kills) {
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) {
        try {
          Run();
        } catch (...) {
          _exit(1);
        }
        _exit(0);
      }
      const double share = std::uniform_real_distribution<double>(0, 0.5)(rng);
      std::this_thread::sleep_for(share * whole);
      kill(child, SIGKILL);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      killed += WIFSIGNALED(status);
      EXPECT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    }
    Run();
    EXPECT_TRUE(Products() == products) << "round " << round;
    EXPECT_EQ(ListFolder(out_), names) << "round " << round;
  }
  EXPECT_GE(killed, 8);
}

TEST_F(MovieJob, ASplitSceneIsOneShot) {
  WriteList("Convergence", {"center", "center", "center"});
  options_.scene.pupillary_distance_mm = 63;
  Run();
  std::vector<std::vector<Image>> whole;
  for (const char* name : {"scene_2.mkv_depth.mkv", "scene_2.mkv_depth.mkv_stereo.mkv"})
    whole.push_back(ReadAllFrames(Product(name)));
  const std::vector<std::byte> film = ReadBytes(Film());
  fs::remove_all(out_);
  options_.max_scene_frames = 7;
  EXPECT_EQ(Run().scenes, 9);
  // The parts of the second scene: 6, 7 and 7 frames, without a seam in depth or convergence.
  for (size_t kind = 0; kind < 2; ++kind) {
    std::vector<Image> joined;
    for (int part = 4; part <= 6; ++part)
      for (Image& image :
           ReadAllFrames(Product("scene_" + std::to_string(part) +
                                 (kind == 0 ? ".mkv_depth.mkv" : ".mkv_depth.mkv_stereo.mkv"))))
        joined.push_back(std::move(image));
    EXPECT_TRUE(SameFrames(joined, whole[kind])) << kind;
  }
  EXPECT_TRUE(ReadBytes(Film()) == film);
}

TEST_F(MovieJob, OtherScenesAreMadeWhereOneFails) {
  WriteList("Engine", {"", "", ""});
  fs::create_directory(out_);
  ASSERT_EQ(mkfifo(Product("scene_2.mkv_depth.mkv").c_str(), 0600), 0);  // where a file has to go
  ExpectError(Code::kInvalidArgument, "scene 2, depth", [&] { Run(); });
  EXPECT_TRUE(fs::exists(Product("scene_3.mkv_depth.mkv_stereo.mkv")));
  EXPECT_FALSE(fs::exists(Film()));

  options_.allow_missing = true;
  {
    const LogCatcher log;
    const MovieReport report = Run();
    EXPECT_EQ(report.flat, (std::vector<int64_t>{2}));
    EXPECT_EQ(report.steps_done, 1);
  }
  EXPECT_EQ(ReadAllFrames(Film()).size(), static_cast<size_t>(kFrames));
  // Next time it is tried again.
  fs::remove(Product("scene_2.mkv_depth.mkv"));
  EXPECT_EQ(Run().steps_done, 3);
}

TEST_F(MovieJob, ASceneOnWhichTheNetworkFailsIsFilledWithoutIt) {
  WriteList("InfillEngine", {"m2svid", "m2svid", "m2svid"});
  options_.scene.pupillary_distance_mm = 63;
  options_.infill_model = WriteToy(dir_ / "net.toy", "infill of dark pictures",
                                   InfillMetadata(4, 1, true, false, false));
  options_.source.model.trust_model = true;
  {
    const LogCatcher log;
    const MovieReport report = Run();
    EXPECT_EQ(report.fallback, (std::vector<int64_t>{2}));
    EXPECT_TRUE(report.flat.empty());
    EXPECT_TRUE(log.Says("scene 2, infill: the network failed"));
  }
  const std::vector<Image> with_fallback = ReadAllFrames(Film());
  EXPECT_EQ(with_fallback.size(), static_cast<size_t>(kFrames));

  // The next run tries the network again, and what it was not tried on stays.
  EXPECT_NE(Plan().find("to do: failure is"), std::string::npos) << Plan();
  WriteToy(dir_ / "net.toy", "infill", InfillMetadata(4, 1, true, false, false));
  const MovieReport again = Run();
  EXPECT_TRUE(again.fallback.empty());
  EXPECT_EQ(Run().steps_done, 0);
  const std::vector<Image> by_network = ReadAllFrames(Film());
  ASSERT_EQ(by_network.size(), static_cast<size_t>(kFrames));
  // This network takes what is behind holes from the film, at their place.
  for (int i = 0; i < kFrames; ++i)
    EXPECT_EQ(SamePixels(by_network[static_cast<size_t>(i)].view(),
                         with_fallback[static_cast<size_t>(i)].view()),
              i / kSceneFrames != 1)
        << i;

  // On request the scene fails.
  WriteToy(dir_ / "net.toy", "infill of dark pictures", InfillMetadata(4, 1, true, false, false));
  options_.infill_fallback = false;
  ExpectError(Code::kOutOfMemory, "scene 2, infill", [&] { Run(); });
  // What all fail for is told once.
  WriteToy(dir_ / "net.toy", "infill of nothing", InfillMetadata(4, 1, true, false, false));
  ExpectError(Code::kOutOfMemory,
              "scene 1, infill; scene 2, infill; scene 3, infill: ", [&] { Run(); });
}

TEST_F(MovieJob, OpensItsNetworksBeforeAnythingIsMade) {
  WriteList("InfillEngine", {"m2svid", "none", "none"});
  options_.infill_model = WriteToy(dir_ / "net.toy", "segment", SegmentMetadata());
  options_.source.model.trust_model = true;
  ExpectError(Code::kUnsupported, "toy-segment", [&] { Run(); });
  // One that fills holes, but does not look at the film as this engine does.
  WriteToy(dir_ / "net.toy", "infill", InfillMetadata(4, 1, false, false, false));
  ExpectError(Code::kInvalidArgument, "color_video is for networks that look at it",
              [&] { Run(); });
  EXPECT_FALSE(fs::exists(Product("scene_1.mkv_depth.mkv")));
  // Before scenes are looked for, where there is no list.
  options_.scene_file.clear();
  options_.infill_model.clear();
  options_.source.model.path = dir_ / "none.pt";
  ExpectError(Code::kNotFound, "none.pt", [&] { Run(); });
  options_.source.model = DepthModelOptions();
  EXPECT_FALSE(fs::exists(Product("the film-Scenes.csv")));
  WriteFovFile(dir_ / "fovs.json", std::vector<double>(kFrames - 1, 50.0));
  options_.fov.xfov_file = dir_ / "fovs.json";
  ExpectError(Code::kCorrupt, "the field of view of 59 frames, the scenes have 60", [&] { Run(); });
}

TEST_F(MovieJob, ScenesOfAnotherFilmAreNotReplaced) {
  Run();
  const auto products = Products();
  const std::string first = options_.color_video;
  ClipSpec spec;
  spec.width = kWidth;
  spec.height = kHeight;
  spec.frames = kFrames;
  spec.picture = FilmPicture;
  options_.color_video = dir_ / "the second film.mkv";
  MakeClip(options_.color_video, spec);
  options_.scene_file = Product("the film-Scenes.csv");
  for (const bool dry_run : {true, false}) {
    options_.dry_run = dry_run;
    ExpectError(Code::kInvalidArgument, "another film, whose list is the film-Scenes.csv",
                [&] { Run(); });
  }
  EXPECT_EQ(Products(), products);
  options_.output_dir = dir_ / "elsewhere";
  EXPECT_NO_THROW(Run());
  // A folder of scenes goes on with a film that was moved.
  options_.output_dir = out_;
  options_.color_video = dir_ / "moved.mkv";
  fs::copy_file(first, options_.color_video);
  EXPECT_EQ(Run().steps_done, 1);  // the film, which has another name
}

// Of a recorder that has dropped frames: MP4 states no rate, this Matroska does.
TEST_F(MovieJob, FilmsMayHaveHolesInTheirTimes) {
  options_.scene.infill_engine = "directional";
  options_.scene.pupillary_distance_mm = 63;
  for (const char* name : {"holes.mp4", "holes.mkv"}) {
    SCOPED_TRACE(name);
    ClipSpec spec;
    spec.width = kWidth;
    spec.height = kHeight;
    spec.picture = FilmPicture;
    for (int i = 0; i < kFrames; ++i) spec.pts.push_back(40 * (i + i / 15 * 2));
    if (std::string(name) == "holes.mp4") {
      spec.container = "mp4";
      spec.encoder = "libx264";
    }
    options_.color_video = dir_ / name;
    options_.output_dir = dir_ / (std::string(name) + " film");
    MakeClip(options_.color_video, spec);
    const LogCatcher log;
    const MovieReport report = Run();
    EXPECT_EQ(report.frames, kFrames);
    EXPECT_EQ(log.Says("missing"), spec.container == "matroska");
    VideoReader film(report.output);
    for (const int64_t pts : spec.pts) {
      const auto frame = film.Read();
      ASSERT_TRUE(frame);
      EXPECT_EQ(Rescale(frame->pts, film.info().time_base, {1, 1000}), pts);
    }
  }
}

TEST_F(MovieJob, NetworksNeedNoFieldOfView) {
  options_.scene.xfov_deg.reset();
  options_.source.model.path = MakePart(dir_.path(), "luma");
  options_.source.model.trust_model = true;
  const LogCatcher log;
  EXPECT_EQ(Run().steps_done, 7);
  EXPECT_TRUE(log.Says("60 degrees across are taken"));
  const std::vector<double> fovs = ReadFovFile(Product("scene_2.mkv_depth.mkv_xfovs.json"));
  ASSERT_EQ(fovs.size(), static_cast<size_t>(kSceneFrames));
  for (const double fov : fovs) EXPECT_NEAR(fov, 60, 1e-9);
}

TEST_F(MovieJob, TakesOverWhatAnotherProgramHasMade) {
  WriteList("Skip", {"", "", ""});
  Run();
  // As the original toolbox would leave it: no manifests, the products of a killed step.
  for (const auto& entry : fs::directory_iterator(out_))
    if (entry.path().string().find(".mdvt.json") != std::string::npos) fs::remove(entry.path());
  fs::remove(Product("scene_1.mkv_depth.mkv_stereo.mkv"));
  fs::copy_file(Product("scene_3.mkv_depth.mkv"), Product("scene_2.mkv_depth.mkv"),
                fs::copy_options::overwrite_existing);
  fs::copy_file(film_, Product("scene_3.mkv_depth.mkv_stereo.mkv"),
                fs::copy_options::overwrite_existing);
  const std::vector<std::byte> depth = ReadBytes(Product("scene_2.mkv_depth.mkv"));

  options_.adopt = true;
  const LogCatcher log;
  EXPECT_NE(Plan().find("scene 2, depth              up to date"), std::string::npos) << Plan();
  EXPECT_FALSE(fs::exists(Product("scene_2.mkv_depth.mkv.mdvt.json")));  // a plan writes nothing
  // Two stereo videos, one that is missing and one with the frames of the whole film, and the film.
  EXPECT_EQ(Run().steps_done, 3);
  EXPECT_TRUE(log.Says("scene_3.mkv_depth.mkv_stereo.mkv has 60 frames, its scene 20"));
  EXPECT_TRUE(ReadBytes(Product("scene_2.mkv_depth.mkv")) == depth);
  options_.adopt = false;
  EXPECT_EQ(Run().steps_done, 0);
}

TEST_F(MovieJob, MakesTheRestOfWhatWasEdited) {
  WriteList("MaxDepth", {"", "", ""});
  options_.scene.pupillary_distance_mm = 63;
  Run();
  // The depth of one scene by hand: three times as far.
  MovieJobOptions far = options_;
  far.output_dir = dir_ / "far";
  far.no_render = true;
  OptionList list;
  Describe(&list, &far);
  list.SetText("scene_scale", "9");
  RunMovieJob(far);
  const std::string by_hand = far.output_dir + "/scene_2.mkv_depth.mkv";
  const std::string depth = Product("scene_2.mkv_depth.mkv"),
                    eyes = Product("scene_2.mkv_depth.mkv_stereo.mkv");
  const std::vector<std::byte> edited = ReadBytes(by_hand), before = ReadBytes(eyes);
  fs::copy_file(by_hand, depth, fs::copy_options::overwrite_existing);
  options_.adopt = true;
  EXPECT_EQ(Run().steps_done, 2);  // the eyes of the scene, and the film
  EXPECT_TRUE(ReadBytes(depth) == edited);
  EXPECT_FALSE(ReadBytes(eyes) == before);

  // It stays without being asked for, and with it also where the scene's options change.
  options_.adopt = false;
  EXPECT_EQ(Run().steps_done, 0);
  WriteList("MaxDepth", {"", "50", ""});
  EXPECT_NE(Plan().find("scene 2, depth              to do: max_depth is 50"), std::string::npos)
      << Plan();
  options_.adopt = true;
  EXPECT_EQ(Run().steps_done, 2);  // what would follow from another one
  EXPECT_TRUE(ReadBytes(depth) == edited);
  options_.clean = "intermediate";  // what somebody has made cannot be made again
  Run();
  EXPECT_TRUE(fs::exists(depth));
  EXPECT_FALSE(fs::exists(eyes));
  options_.clean = "none";
  // On request it is made again, and so is what follows from it.
  options_.force = "depth:2";
  EXPECT_EQ(Run().steps_done, 1 + 2 * 2 + 2);  // the other scenes' products are gone
  EXPECT_FALSE(ReadBytes(depth) == edited);
  options_.force.clear();
  options_.adopt = false;
  EXPECT_EQ(Run().steps_done, 0);
}

TEST_F(MovieJob, ForcesOnlyStepsThatThereAre) {
  options_.max_scene_frames = 10;  // three scenes of two parts
  Run();
  options_.force = "depth:2";  // of both parts of the first one
  EXPECT_EQ(Run().steps_done, 1 + 2 + 1);
  for (const char* wrong : {"depth:7", "mask", "infill:1", "stereo,clip", "film:1"}) {
    options_.force = wrong;
    ExpectError(Code::kInvalidArgument, "force: there is no step '", [&] { Run(); });
  }
  options_.no_render = true;
  options_.force = "film";
  ExpectError(Code::kInvalidArgument, "there is no step 'film' in what", [&] { Run(); });
}

TEST_F(MovieJob, LooksForScenesAgainWhereTheyWouldDiffer) {
  EXPECT_EQ(Run().scenes, 3);
  const std::string list = Product("the film-Scenes.csv");
  options_.detect.threshold = 1000;
  EXPECT_NE(Plan().find("(threshold is 1000.0, it was not given)"), std::string::npos) << Plan();
  EXPECT_EQ(Run().scenes, 1);
  EXPECT_EQ(Run().steps_done, 0);
  // A list that somebody has edited stays, with a word.
  std::ofstream(list, std::ios::app) << "\n";
  options_.detect.threshold = 5;
  const LogCatcher log;
  EXPECT_EQ(Run().scenes, 1);
  EXPECT_TRUE(log.Says("the options of the detector change nothing"));
  options_.detect.threshold.reset();
  fs::remove(list);
  EXPECT_EQ(Run().scenes, 3);
}

TEST_F(MovieJob, RefusesOptionsThatNoSceneFollows) {
  WriteList("Convergence,InfillEngine,Skip", {",,", "center,,Yes", ",,"});
  options_.infill_model = options_.mask_model = WriteToy(dir_ / "net.toy", "x", SegmentMetadata());
  ExpectError(Code::kInvalidArgument, "infill_model: no scene", [&] { Run(); });
  options_.infill_model.clear();
  ExpectError(Code::kInvalidArgument, "mask_model: no scene", [&] { Run(); });
  options_.mask_model.clear();
  options_.smoothing.nearest = 1;
  ExpectError(Code::kInvalidArgument, "convergence_nearest: is for", [&] { Run(); });
  options_.smoothing.nearest = 0;
  options_.source.model.trust_model = true;
  ExpectError(Code::kInvalidArgument, "trust_model are for networks", [&] { Run(); });
  options_.source.model.trust_model = false;
  options_.allow_missing = true;
  options_.keep_going = false;
  ExpectError(Code::kInvalidArgument, "keep_going off", [&] { Run(); });
  options_.allow_missing = false;
  EXPECT_EQ(Run().scenes, 3);
}

TEST_F(MovieJob, OptionsThatGoTogether) {
  OptionList list;
  Describe(&list, &options_);
  for (const auto& [name, value] : {std::pair{"infill_model", "net.pt"},
                                    {"infill_engine", "m2svid"},
                                    {"trust_model", "on"},
                                    {"deterministic", "on"}})
    list.SetText(name, value);
  list.Settle();  // of every network, not of --model alone
  EXPECT_TRUE(options_.source.model.trust_model);
  EXPECT_TRUE(options_.source.model.open.deterministic);
  list.SetText("batch", "2");
  ExpectError(Code::kInvalidArgument, "batch belongs to model", [&] { list.Settle(); });
  list.Reset("batch");
  list.SetText("scene_file", "scenes.csv");
  list.SetText("threshold", "5");
  ExpectError(Code::kInvalidArgument, "not both", [&] { list.Settle(); });
}

TEST_F(MovieJob, ReplacesNothingWhereItMayNot) {
  WriteList("PupillaryDistance,Skip", {",", ",Yes", ",Yes"});
  Run();
  const std::vector<std::byte> film = ReadBytes(Film());
  options_.job.overwrite = false;
  EXPECT_EQ(Run().steps_done, 0);
  WriteList("PupillaryDistance,Skip", {"60,", ",Yes", ",Yes"});
  const auto times = Times();
  ExpectError(Code::kIo, "may not be overwritten", [&] { Run(); });  // and before any work
  EXPECT_EQ(Times(), times);
  // Its own products may be, but not those that somebody has edited.
  options_.output = dir_ / "other.mkv";
  std::ofstream(Product("scene_1.mkv_depth.mkv_stereo.mkv"), std::ios::app) << "mine";
  ExpectError(Code::kIo, "nothing tells that it may be replaced", [&] { Run(); });
  EXPECT_TRUE(ReadBytes(Film()) == film);
}

TEST_F(MovieJob, TellsWhatItWillTake) {
  WriteList("Skip", {"", "Yes", "Yes"});
  MovieJobOptions dry = options_;
  dry.dry_run = true;
  const MovieReport plan = RunMovieJob(dry);
  EXPECT_GT(plan.bytes_free, 0);
  Run();
  int64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(out_))
    if (entry.path().extension() == ".mkv") bytes += static_cast<int64_t>(entry.file_size());
  // These pictures are drawn, and small: containers and palettes weigh more than in a film.
  EXPECT_GT(plan.bytes_needed, bytes / 4);
  EXPECT_LT(plan.bytes_needed, bytes * 4);
  EXPECT_EQ(RunMovieJob(dry).bytes_needed, 0);
}

TEST_F(MovieJob, StopsWhereItIsTold) {
  WriteList("Skip", {"", "", ""});
  options_.end_scene = 2;
  EXPECT_EQ(Run().frames, 40);
  EXPECT_EQ(ReadAllFrames(Film()).size(), 40u);
  // Sound ends with the pictures.
  const Content content = ReadContent(Film());
  EXPECT_LT(content.Find(AVMEDIA_TYPE_AUDIO)->packets.back().seconds, 1.7);
  EXPECT_FALSE(fs::exists(Product("scene_3.mkv_depth.mkv")));

  fs::remove_all(out_);
  options_.end_scene = -1;
  options_.no_render = true;
  options_.scene.convergence = MovieConvergence::kMask;
  const MovieReport report = Run();
  EXPECT_EQ(report.output, "");
  EXPECT_EQ(report.steps_done, 9);
  EXPECT_TRUE(fs::exists(Product("scene_3.mkv_mask.mkv")));
  EXPECT_TRUE(fs::exists(Product("scene_3.mkv_depth.mkv_convergence_depths.json")));
  EXPECT_FALSE(fs::exists(Product("scene_3.mkv_depth.mkv_stereo.mkv")));
}

TEST_F(MovieJob, CleansOnlyWhatIsItsOwn) {
  WriteList("Skip", {"", "Yes", "Yes"});
  Run();
  std::ofstream(Product("scene_1.mkv_notes.txt")) << "mine";
  std::ofstream(Product("scene_1.mkv_depth.mkv_xfovs.json")) << "[mine]";
  options_.clean = "intermediate";
  EXPECT_NE(Plan().find("would delete"), std::string::npos);
  EXPECT_TRUE(fs::exists(Product("scene_1.mkv_depth.mkv")));
  RunMovieJob(options_);
  EXPECT_FALSE(fs::exists(Product("scene_1.mkv_depth.mkv")));
  EXPECT_FALSE(fs::exists(Product("scene_1.mkv_depth.mkv_stereo.mkv")));
  EXPECT_TRUE(fs::exists(Product("scene_1.mkv_notes.txt")));
  EXPECT_TRUE(fs::exists(Product("scene_1.mkv_depth.mkv_xfovs.json")));
  EXPECT_TRUE(fs::exists(Film()));
  options_.clean = "none";
  EXPECT_EQ(Run().steps_done, 0);  // the film is up to date
  // Of two films of a folder the one that is named, and wherever it was written to.
  const std::string other = dir_ / "other.mkv";
  MovieJobOptions second = options_;
  fs::copy_file(film_, other);
  second.color_video = other;
  second.output = dir_ / "elsewhere.mkv";
  RunMovieJob(second);
  options_.clean = second.clean = "all";
  RunMovieJob(second);
  EXPECT_FALSE(fs::exists(second.output));
  EXPECT_TRUE(fs::exists(Film()));
  RunMovieJob(options_);
  EXPECT_FALSE(fs::exists(Film()));
  options_.output_dir = dir_ / "nowhere";
  ExpectError(Code::kNotFound, "nowhere", [&] { Run(); });
}

TEST_F(MovieJob, LayoutsOfTheFilm) {
  WriteList("Skip", {"Yes", "Yes", "Yes"});
  const std::vector<Image> source = ReadAllFrames(film_);
  options_.frame.canvas.layout = "left";
  EXPECT_EQ(Run().output, Product("the film.mkv_left.mkv"));
  EXPECT_TRUE(SameFrames(ReadAllFrames(Product("the film.mkv_left.mkv")), source));
  options_.frame.canvas.layout = "tab";
  Run();
  const std::vector<Image> tab = ReadAllFrames(Product("the film.mkv_tab.mkv"));
  EXPECT_TRUE(SamePixels(Crop(tab[5].view(), 0, kHeight, kWidth, kHeight), source[5].view()));
  options_.frame.canvas.layout = "half-sbs";
  Run();
  const Image half = ReadAllFrames(Product("the film.mkv_half_sbs.mkv"))[5];
  EXPECT_EQ(half.width(), kWidth);
  EXPECT_TRUE(SamePixels(Crop(half.view(), 0, 0, kWidth / 2, kHeight),
                         Crop(half.view(), kWidth / 2, 0, kWidth / 2, kHeight)));
  options_.frame.canvas.layout = "rows";
  Run();
  EXPECT_EQ(ReadAllFrames(Product("the film.mkv_rows.mkv"))[5].height(), kHeight);
}

TEST_F(MovieJob, EndsWithinAFrameWhenCancelled) {
  RunControl control;
  control.on_progress = [](const Progress& progress) { return progress.phase != "scenes"; };
  ExpectError(Code::kCancelled, "cancelled: what is finished stays in '" + out_ + "'",
              [&] { RunMovieJob(options_, control); });
  EXPECT_FALSE(fs::exists(Film()));
  Run();
  EXPECT_TRUE(fs::exists(Film()));
}

TEST_F(MovieJob, TellsWhatIsWrong) {
  options_.scene.infill_engine = "m2svid";
  WriteList("Skip", {"", "", ""});
  ExpectError(Code::kInvalidArgument, "--infill_model", [&] { Run(); });
  options_.scene.infill_engine = "none";
  options_.color_video = dir_ / "gone.mkv";
  ExpectError(Code::kNotFound, "gone.mkv", [&] { Run(); });
  options_.color_video = film_;
  options_.scene_file = dir_ / "gone.csv";
  ExpectError(Code::kNotFound, "gone.csv", [&] { Run(); });
  options_.scene_file.clear();
  options_.output_dir = film_;
  ExpectError(Code::kIo, "the film.mkv", [&] { Run(); });
}

}  // namespace
}  // namespace mdvt::test
