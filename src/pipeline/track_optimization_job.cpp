// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/track_lifting.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/npz_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/pickle_file.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/track_optimization.h"
#include "pipeline/clip_tracks.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/track_optimization_settings.h"

namespace mdvt {
namespace {

constexpr double kMovingShare = 0.1;  // of all points, before anything is seen of them
constexpr double kLeastNoise = 0.25;  // pixels
constexpr int64_t kTracksPerBlock = 16;

struct Track {
  std::vector<ClipSample> samples;
  std::array<uint8_t, 3> color = {0, 0, 0};
  bool has_color = false;
};

struct Lifted {
  LiftedTrack path;
  float motion_px = 0;
};

class TrackOptimizationJob {
 public:
  TrackOptimizationJob(const TrackOptimizationJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        files_(FilesOf(options)),
        clip_(ReadStereo4dClip(options.clip.File("-clip.json"), options.job.limits)),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        poses_(ReadTransformationsFile(files_.poses, options.job.limits)),
        table_(ReadTrackFile(files_.tracks, options.job.limits)),
        depth_(files_.depth, DepthReaderOptions({}, options.job.limits, graph_.pool())),
        left_(files_.left, ReaderOptions(options.job, graph_.pool())) {
    const VideoInfo& depth = depth_.info();
    RequireSizeOf(clip_, depth);
    RequireSizeOf(clip_, left_.info());
    table_.FitPicture(depth.width, depth.height);
    tracks_.resize(table_.num_tracks());
  }

  TrackOptimizationReport Run() {
    auto depths = graph_.From(FirstFrames(&depth_, options_.job.max_frames));
    auto frames = graph_.From(FirstFrames(&left_, options_.job.max_frames));
    const PairNames names{"depth video '" + files_.depth + "'", "left view '" + files_.left + "'"};
    auto pairs = graph_.Zip(std::move(depths), std::move(frames), names);
    graph_.Into(std::move(pairs), [this](const std::pair<DepthFrame, Frame>& pair) {
      Look(pair.first.depth.Plane<float>(), pair.second);
    });
    graph_.Run("read depth",
               ExpectedFrames(depth_.info().estimated_frames, 0, options_.job.max_frames));
    report_.frames = graph_.frames_done();
    RequirePosesAndTimes(clip_, poses_, files_.poses, report_.frames, files_.depth);
    Lift();
    Write();
    if (pickle_target_) WritePickle();
    outputs_.CommitAll();
    return report_;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    for (const std::string* file : {&files_.tracks, &files_.depth, &files_.poses, &files_.left})
      outputs_.AddInput(*file);
    if (options_.emit_pickle) {
      report_.pickle = options_.clip.File("-optimized_tracks.pkl");
      pickle_target_ = outputs_.AddFile(report_.pickle);
    }
    report_.output = TrackOptimizationOutput(options_);
    return outputs_.AddFile(report_.output);
  }

  void Look(const DepthView& depth, const Frame& frame) {
    const DisparityMap map(depth, clip_.camera.fx * clip_.baseline);
    const Image rgb = converter_.Convert(frame.image, left_.info().color, PixelFormat::Rgb(8));
    for (const TrackSighting& sight : table_.Frame(number_)) {
      Track& track = tracks_[static_cast<size_t>(sight.track)];
      if (!track.has_color) {
        const int x = std::clamp(static_cast<int>(sight.x), 0, depth.width - 1);
        const int y = std::clamp(static_cast<int>(sight.y), 0, depth.height - 1);
        for (int k = 0; k < 3; ++k)
          track.color[static_cast<size_t>(k)] = rgb.Plane<uint8_t>(k).At(x, y);
        track.has_color = true;
      }
      const float disparity = map.Behind(sight.x, sight.y);
      if (disparity > 0)
        track.samples.push_back({static_cast<int32_t>(number_), sight.x, sight.y, disparity});
    }
    ++number_;
  }

  void Lift() {
    std::vector<Track> kept;
    for (Track& track : tracks_) {
      if (static_cast<int64_t>(track.samples.size()) >= options_.min_visible)
        kept.push_back(std::move(track));
      else
        ++report_.left_out;
    }
    tracks_ = std::move(kept);
    Require(!tracks_.empty(), Code::kCorrupt,
            "no track of '" + files_.tracks + "' was seen with depth in " +
                std::to_string(options_.min_visible) + " frames (--min_visible)");
    report_.sigma_disparity = options_.sigma_disparity.value_or(std::max(kLeastNoise, Noise()));
    lifted_.resize(tracks_.size());
    ForEachTrack([this](size_t i) {
      lifted_[i].path = LiftTrack(Observations(tracks_[i], report_.sigma_disparity),
                                  LiftOptionsOf(options_.sigma_xy));
    });
    Decide();
    ForEachTrack([this](size_t i) { lifted_[i].motion_px = Motion(tracks_[i], lifted_[i].path); });
  }

  template <typename Body>
  void ForEachTrack(const Body& body) {
    graph_.pool()->ParallelFor(
        static_cast<int64_t>(tracks_.size()), kTracksPerBlock, [&body](int64_t begin, int64_t end) {
          for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) body(i);
        });
  }

  // Which points move: those that miss a place of rest by more than points at rest do. What these
  // miss it by is told by the better half of all points, for most of a scene rests. Noise that
  // stays from frame to frame, and that is larger for some points than for others, counts with it.
  void Decide() {
    std::vector<double> disparity, position;
    for (const Lifted& one : lifted_) {
      disparity.push_back(one.path.rest_disparity_rms);
      position.push_back(one.path.rest_position_rms);
    }
    report_.rest_disparity = report_.sigma_disparity;
    if (!options_.sigma_disparity)
      report_.rest_disparity = std::max(report_.rest_disparity, MostAtRest(std::move(disparity)));
    report_.rest_position = std::max(options_.sigma_xy, MostAtRest(std::move(position)));
    ForEachTrack([this](size_t i) {
      const LiftedTrack judged = LiftTrack(Observations(tracks_[i], report_.rest_disparity),
                                           LiftOptionsOf(report_.rest_position));
      LiftedTrack& path = lifted_[i].path;
      if (judged.motion != path.motion) {
        LiftOptions options = LiftOptionsOf(options_.sigma_xy);
        options.motion = judged.motion;
        path = LiftTrack(Observations(tracks_[i], report_.sigma_disparity), options);
      }
      path.moving_probability = judged.moving_probability;
    });
  }

  // The robust standard deviation of disparity: of second differences over frames in a row, which
  // take steady motion away and have six times the variance.
  double Noise() const {
    std::vector<float> jumps;
    for (const Track& track : tracks_)
      for (size_t i = 2; i < track.samples.size(); ++i) {
        const ClipSample *a = &track.samples[i - 2], *b = a + 1, *c = a + 2;
        if (c->frame == a->frame + 2)
          jumps.push_back(std::abs(a->disparity - 2 * b->disparity + c->disparity));
      }
    if (jumps.empty()) return 0;
    const auto middle = jumps.begin() + static_cast<ptrdiff_t>(jumps.size() / 2);
    std::nth_element(jumps.begin(), middle, jumps.end());
    return static_cast<double>(*middle) / (0.6745 * std::sqrt(6.0));
  }

  LiftOptions LiftOptionsOf(double sigma_xy) const {
    LiftOptions options;
    options.camera = clip_.camera;
    options.baseline = clip_.baseline;
    options.sigma_xy = sigma_xy;
    options.moving_share = kMovingShare;
    return options;
  }

  std::vector<LiftObservation> Observations(const Track& track, double sigma) const {
    return ObservationsOf(track.samples, clip_, poses_, sigma);
  }

  float Motion(const Track& track, const LiftedTrack& path) const {
    const std::vector<double> ways =
        ScreenMotion(path.points, Observations(track, 1), clip_.camera, kMotionWindow);
    return static_cast<float>(*std::max_element(ways.begin(), ways.end()));
  }

  void Write();
  void WritePickle() const;

  const TrackOptimizationJobOptions& options_;
  Graph graph_;
  const ClipTrackFiles files_;
  const Stereo4dClip clip_;
  TrackOptimizationReport report_;
  OutputSet outputs_;
  std::optional<OutputTarget> pickle_target_;
  OutputTarget target_;
  std::vector<Pose> poses_;
  TrackTable table_;
  DepthVideoReader depth_;
  VideoReader left_;
  ColorConverter converter_;
  std::vector<Track> tracks_;
  std::vector<Lifted> lifted_;
  int64_t number_ = 0;  // of the frame looked at
};

void TrackOptimizationJob::Write() {
  const auto frames = static_cast<size_t>(report_.frames);
  std::vector<int32_t> lengths, indices;
  std::vector<float> coordinates, uv, sigma, disparity, probability, motion;
  std::vector<uint8_t> flags, kinds, colors;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    const Track& track = tracks_[i];
    const LiftedTrack& path = lifted_[i].path;
    lengths.push_back(static_cast<int32_t>(track.samples.size()));
    kinds.push_back(path.motion == TrackMotion::kMoving ? 1 : 0);
    report_.moving += kinds.back();
    probability.push_back(static_cast<float>(path.moving_probability));
    motion.push_back(lifted_[i].motion_px);
    colors.insert(colors.end(), track.color.begin(), track.color.end());
    for (size_t k = 0; k < track.samples.size(); ++k) {
      const ClipSample& sample = track.samples[k];
      indices.push_back(sample.frame);
      for (int axis = 0; axis < 3; ++axis)
        coordinates.push_back(static_cast<float>(path.points[k][axis]));
      uv.insert(uv.end(), {sample.x, sample.y});
      sigma.push_back(static_cast<float>(path.sigma[k]));
      disparity.push_back(sample.disparity);
      flags.push_back(path.is_outlier[k] ? 5 : 1);
    }
  }
  report_.tracks = static_cast<int64_t>(tracks_.size());
  report_.samples = static_cast<int64_t>(indices.size());

  std::vector<double> poses, turns;
  for (size_t i = 0; i < frames; ++i)
    for (int k = 0; k < 12; ++k) poses.push_back(poses_[i].matrix()(k / 4, k % 4));
  for (const Eigen::Matrix3d& turn : clip_.rig_from_rectified)
    for (int k = 0; k < 9; ++k) turns.push_back(turn(k / 3, k % 3));
  const Camera& camera = clip_.camera;
  const int32_t size[] = {camera.width, camera.height};
  const double lens[] = {camera.fx, camera.fy, camera.cx, camera.cy};
  const double hfov = camera.xfov_deg();
  const int64_t all = report_.samples, count = report_.tracks;
  NpzWriter file(target_);
  file.AddText("name", clip_.name);
  file.AddText("video_id", std::filesystem::path(clip_.video).stem().string());
  file.Add("timestamps", {report_.frames}, clip_.times_us.data());
  file.Add("camera2world", {report_.frames, 3, 4}, poses.data());
  file.Add("rectified2rig", {2, 3, 3}, turns.data());
  file.Add("fov_bounds", {4}, clip_.fov_bounds.data());
  file.Add("track_lengths", {count}, lengths.data());
  file.Add("track_indices", {all}, indices.data());
  file.Add("track_coordinates", {all, 3}, coordinates.data());
  file.AddText("format", "mdvt.tracks3d/1");
  file.AddText("pixel_origin", "corner");
  file.Add("image_size", {2}, size);
  file.Add("intrinsics", {4}, lens);
  file.Add("baseline", {}, &clip_.baseline);
  file.Add("hfov_deg", {}, &hfov);
  file.Add("track_uv", {all, 2}, uv.data());
  file.Add("track_sigma", {all}, sigma.data());
  file.Add("track_disp", {all}, disparity.data());
  file.Add("track_flags", {all}, flags.data());
  file.Add("track_class", {count}, kinds.data());
  file.Add("track_p_dynamic", {count}, probability.data());
  file.Add("track_motion_px", {count}, motion.data());
  file.Add("track_color", {count, 3}, colors.data());
  file.Finish();
  std::nth_element(sigma.begin(), sigma.begin() + static_cast<ptrdiff_t>(sigma.size() / 2),
                   sigma.end());
  report_.median_sigma = static_cast<double>(sigma[sigma.size() / 2]);
}

void TrackOptimizationJob::WritePickle() const {
  const auto frames = static_cast<size_t>(report_.frames);
  const Camera& camera = clip_.camera;
  PickleWriter file(*pickle_target_);
  const auto numbers = [&file](const std::vector<std::pair<const char*, double>>& values) {
    for (const auto& [name, value] : values) {
      file.Key(name);
      file.Number(value);
    }
  };
  file.BeginDict();
  file.Key("cameras");
  file.BeginList();
  for (size_t i = 0; i < frames; ++i) {
    const Eigen::Matrix<double, 3, 4, Eigen::RowMajor> cam_from_world =
        poses_[i].inverse().matrix().topRows<3>();
    file.BeginDict();
    file.Key("extr");
    file.Array("<f8", {3, 4}, cam_from_world.data());
    file.Key("intr_normalized");
    file.BeginDict();
    numbers({{"fx", camera.fx / camera.width},
             {"fy", camera.fy / camera.height},
             {"cx", camera.cx / camera.width},
             {"cy", camera.cy / camera.height},
             {"k1", 0},
             {"k2", 0}});
    file.End();
    file.End();
  }
  file.End();
  file.Key("track3d");
  file.BeginArray("<f4", {report_.tracks, report_.frames, 3});
  for (size_t i = 0; i < tracks_.size(); ++i) {
    std::vector<float> points(3 * frames, std::numeric_limits<float>::quiet_NaN());
    for (size_t k = 0; k < tracks_[i].samples.size(); ++k)
      for (size_t axis = 0; axis < 3; ++axis)
        points[3 * static_cast<size_t>(tracks_[i].samples[k].frame) + axis] =
            static_cast<float>(lifted_[i].path.points[k][static_cast<int>(axis)]);
    file.AddNumbers(points.data(), points.size() * sizeof(float));
  }
  file.EndArray();
  file.Key("visible_list");
  file.BeginArray("|b1", {report_.tracks, report_.frames});
  for (const Track& track : tracks_) {
    std::string seen(frames, '\0');
    for (const ClipSample& sample : track.samples) seen[static_cast<size_t>(sample.frame)] = 1;
    file.AddNumbers(seen.data(), seen.size());
  }
  file.EndArray();
  file.Key("color_values");
  file.BeginArray("<f8", {report_.tracks, 3});
  for (const Track& track : tracks_)
    for (const uint8_t color : track.color) {
      const double share = color / 255.0;
      file.AddNumbers(&share, sizeof(share));
    }
  file.EndArray();
  for (const auto& [name, side] : {std::pair("imh", camera.height), {"imw", camera.width}}) {
    file.Key(name);
    file.Integer(side);
  }
  file.Key("video");
  file.None();
  file.End();
  file.Finish();
}

}  // namespace

TrackOptimizationReport RunTrackOptimizationJob(const TrackOptimizationJobOptions& options,
                                                const RunControl& control) {
  options.Check();
  return TrackOptimizationJob(options, control).Run();
}

}  // namespace mdvt
