// SPDX-License-Identifier: Apache-2.0
//
// The whole way of a stereo clip: which points move.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "core/json_matrix.h"
#include "io/output_file.h"
#include "mdvt/core/json.h"
#include "mdvt/io/npz_file.h"
#include "mdvt/io/pickle_file.h"
#include "mdvt/io/rig_clip.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/rectify.h"
#include "mdvt/pipeline/stereo_flow.h"
#include "mdvt/pipeline/track_clip.h"
#include "mdvt/pipeline/track_optimization.h"
#include "pipeline/stereo4d_clip.h"
#include "support/raycast.h"
#include "support/test_env.h"
#include "support/text_files.h"

namespace mdvt::test {
namespace {

namespace fs = std::filesystem;

struct Counts {
  int rest = 0, rest_called_moving = 0, move = 0, move_found = 0;
  double false_share() const {
    return rest > 0 ? static_cast<double>(rest_called_moving) / rest : 0;
  }
  double found_share() const { return move > 0 ? static_cast<double>(move_found) / move : 0; }
};

Stereo4dClipOptions ClipIn(const TempDir& dir, const std::string& name) {
  Stereo4dClipOptions clip;
  clip.output_folder = dir / "out";
  clip.vid = name;
  return clip;
}

void Follow(const Stereo4dClipOptions& clip) {
  StereoFlowJobOptions flow;
  flow.clip = clip;
  flow.job.num_threads = 2;
  flow.emit_pickle = true;
  RunStereoFlowJob(flow);
  TrackClipJobOptions tracks;
  tracks.clip = clip;
  tracks.points = 1500;
  tracks.seeding = PointSeeding::kCorners;
  tracks.job.num_threads = 2;
  RunTrackClipJob(tracks);
}

TrackOptimizationReport Optimize(const Stereo4dClipOptions& clip) {
  TrackOptimizationJobOptions optimize;
  optimize.clip = clip;
  optimize.job.num_threads = 2;
  return RunTrackOptimizationJob(optimize);
}

// A room in which a sphere and a box move while the camera does, seen by two eyes 63 mm apart.
class MovingStereo {
 public:
  static constexpr int kWidth = 512, kHeight = 288, kFrames = 16;

  MovingStereo(const TempDir& dir, const Clip& scene) : scene_(scene), clip_(ClipIn(dir, "room")) {
    fs::create_directories(dir / "out/room");
    const RayCaster caster(scene_.scene);
    std::mt19937 random(7);
    std::normal_distribution<double> normal(0, 2);
    Stereo4dClip about;
    about.name = "room";
    about.video = "room.mp4";
    about.camera = scene_.camera;
    about.baseline = kUsualRigBaseline;
    about.rig_from_rectified = {Eigen::Matrix3d::Identity(), Eigen::Matrix3d::Identity()};
    about.fov_bounds = {-90, 90, -90, 90};
    VideoWriterOptions coding;
    coding.time_base = {1, 24};
    coding.frame_rate = {24, 1};
    std::vector<Pose> poses;
    for (const int side : {-1, 1}) {
      VideoWriter writer(clip_.File(side < 0 ? "-left_rectified.mkv" : "-right_rectified.mkv"),
                         PixelFormat::Gray(8), kWidth, kHeight, coding);
      for (int i = 0; i < kFrames; ++i) {
        Image picture = caster.Color(EyeAt(i, side), PixelFormat::Gray(8), 2);
        const PlaneView<uint8_t> luma = picture.MutablePlane<uint8_t>();
        for (int y = 0; y < kHeight; ++y)
          for (int x = 0; x < kWidth; ++x)
            luma.At(x, y) =
                static_cast<uint8_t>(std::clamp(luma.At(x, y) + normal(random) + 0.5, 0.0, 255.0));
        writer.Write(picture.view(), i, 1);
        if (side < 0) {
          poses.push_back(EyeAt(i, side).world_from_cam);
          about.times_us.push_back(1000000 * i / 24);
        }
      }
      writer.Finish();
    }
    WriteFile(clip_.File("-clip.json"), FormatStereo4dClip(about));
    WriteTransformationsFile(clip_.File("-transformations.json"), poses);
  }

  const Stereo4dClipOptions& clip() const { return clip_; }

  // Of the result, by what each point was on when it was first seen.
  Counts Count(const std::string& result) const {
    const NpzReader file(result);
    const std::vector<int64_t> lengths = file.Read("track_lengths").integers;
    const std::vector<int64_t> frames = file.Read("track_indices").integers;
    const std::vector<int64_t> kinds = file.Read("track_class").integers;
    const std::vector<double> uv = file.Read("track_uv").values;
    const RayCaster caster(scene_.scene);
    Counts counts;
    size_t at = 0;
    for (size_t i = 0; i < lengths.size(); at += static_cast<size_t>(lengths[i++])) {
      const Hit hit =
          caster.Cast(EyeAt(static_cast<int>(frames[at]), -1), {uv[2 * at], uv[2 * at + 1]});
      if (hit.object < 0) continue;
      const Object& object = scene_.scene.objects[static_cast<size_t>(hit.object)];
      const bool moves = object.velocity.norm() > 0 || object.spin.norm() > 0;
      ++(moves ? counts.move : counts.rest);
      if (kinds[i] == 1) ++(moves ? counts.move_found : counts.rest_called_moving);
    }
    return counts;
  }

 private:
  View EyeAt(int frame, int side) const { return EyeOf(scene_.At(frame), side, kUsualRigBaseline); }

  const Clip scene_;
  const Stereo4dClipOptions clip_;
};

// The true poses of the left eye; the file has those of the point between the eyes.
std::vector<Pose> LeftEyes(const fs::path& path) {
  const std::string text = ReadText(path);
  const json::Value scene = json::Parse(text, Limits(), "scene.json");
  std::vector<Pose> poses;
  for (const json::Value& frame : scene.At("frames").AsArray()) {
    Pose pose = Pose::Identity();
    pose.matrix() = json::ReadMatrix<4, 4>(frame, "a pose");
    poses.push_back(pose * Eigen::Translation3d(-scene.At("baseline_m").AsDouble() / 2, 0, 0));
  }
  return poses;
}

TEST(Stereo4dMotion, WhatMovesIsFoundAndWhatRestsIsNot) {
  const TempDir dir;
  const MovingStereo stereo(dir, Scenes::MovingRoom(MovingStereo::kWidth, MovingStereo::kHeight));
  Follow(stereo.clip());
  const TrackOptimizationReport report = Optimize(stereo.clip());
  const Counts counts = stereo.Count(report.output);
  std::printf("moving room: %d of %d found moving, %d of %d at rest called moving\n",
              counts.move_found, counts.move, counts.rest_called_moving, counts.rest);
  ASSERT_GT(counts.move, 40);
  EXPECT_GE(counts.found_share(), 0.8);
  EXPECT_LE(counts.false_share(), 0.05);

  const Pickle flows(stereo.clip().File("-flows_stereo.pkl"));
  ASSERT_EQ(flows.root().size(), static_cast<size_t>(MovingStereo::kFrames));
  const PickleValue there = flows.root()[15].At("fwd");
  EXPECT_EQ(there.shape(), (std::vector<int64_t>{MovingStereo::kHeight, MovingStereo::kWidth, 2}));
  EXPECT_LT(there.Numbers(2 * (144 * MovingStereo::kWidth + 256), 1)[0], -2);

  // Points on a grid of four pixels, as a tracking file and as the original's pickle.
  TrackClipJobOptions dense;
  dense.clip = stereo.clip();
  dense.emit_pickle = true;
  dense.output = dir / "dense.json";
  dense.job.num_threads = 2;
  dense.job.max_frames = 6;
  const TrackPointsReport tracked = RunTrackClipJob(dense);
  EXPECT_GT(tracked.tracks, 5000);
  EXPECT_EQ(tracked.pickle, stereo.clip().File("-tapir_2d.pkl"));
  const TrackTable json = ReadTrackFile(tracked.output), pickle = ReadTrackFile(tracked.pickle);
  ASSERT_EQ(json.num_sightings(), pickle.num_sightings());
  EXPECT_EQ(pickle.num_frames(), 6);
  for (size_t i = 0; i < json.Frame(5).size(); ++i)
    EXPECT_NEAR(json.Frame(5)[i].x, pickle.Frame(5)[i].x, 0.01) << i;
}

TEST(Stereo4dMotion, NothingMovesInAVr180ClipAtRest) {
  MDVT_SKIP_WITHOUT_DATA();
  const TempDir dir;
  const fs::path data = DataDir() / "dev_vr180";
  RectifyJobOptions rectify;
  rectify.color_video = (data / "vr180_sbs.mp4").string();
  rectify.clip.output_folder = dir / "out";
  rectify.bounds_at_centers = false;
  RunRectifyJob(rectify);
  const Stereo4dClipOptions clip = ClipIn(dir, "vr180_sbs");
  Follow(clip);
  WriteTransformationsFile(clip.File("-transformations.json"), LeftEyes(data / "scene.json"));
  const TrackOptimizationReport report = Optimize(clip);
  std::printf("vr180: %d of %d at rest called moving\n", static_cast<int>(report.moving),
              static_cast<int>(report.tracks));
  ASSERT_GT(report.tracks, 300);
  EXPECT_LE(static_cast<double>(report.moving), 0.05 * static_cast<double>(report.tracks));
}

}  // namespace
}  // namespace mdvt::test
