// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
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
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/track_optimization.h"
#include "pipeline/job_common.h"
#include "pipeline/stereo4d_clip.h"
#include "pipeline/track_optimization_settings.h"

namespace mdvt {
namespace {

constexpr double kMotionWindow = 0.53;  // seconds
constexpr float kSameSurface = 1;       // pixels of disparity between neighbours
constexpr double kLeastNoise = 0.25;    // pixels
constexpr int64_t kTracksPerBlock = 16;

struct Sample {
  int32_t frame = 0;
  float x = 0, y = 0;  // pixels, edge coordinates
  float disparity = 0;
};

struct Track {
  std::vector<Sample> samples;
  std::array<uint8_t, 3> color = {0, 0, 0};
  bool has_color = false;
};

struct Lifted {
  LiftedTrack path;
  float motion_px = 0;
};

// Disparity of a view behind a position: between the four pixels around it where they are of one
// surface, else of the pixel that it lies in; 0 where that has no depth.
class DisparityMap {
 public:
  DisparityMap(const DepthView& depth, double scale)
      : depth_(depth), scale_(static_cast<float>(scale)) {}

  float Behind(float x, float y) const {
    const int column = std::clamp(static_cast<int>(x), 0, depth_.width - 1);
    const int row = std::clamp(static_cast<int>(y), 0, depth_.height - 1);
    const float here = At(column, row);
    const float u = x - 0.5f, v = y - 0.5f;
    const int left = static_cast<int>(std::floor(u)), top = static_cast<int>(std::floor(v));
    if (left < 0 || top < 0 || left + 1 >= depth_.width || top + 1 >= depth_.height) return here;
    const float a = At(left, top), b = At(left + 1, top), c = At(left, top + 1),
                d = At(left + 1, top + 1);
    const auto [least, most] = std::minmax({a, b, c, d});
    if (!(least > 0) || most - least > kSameSurface) return here;
    const float p = u - static_cast<float>(left), q = v - static_cast<float>(top);
    return (1 - q) * ((1 - p) * a + p * b) + q * ((1 - p) * c + p * d);
  }

 private:
  float At(int x, int y) const { return depth_.At(x, y) > 0 ? scale_ / depth_.At(x, y) : 0; }

  const DepthView depth_;
  const float scale_;
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
    const VideoInfo& left = left_.info();
    for (const VideoInfo* info : {&depth, &left})
      Require(info->width == clip_.camera.width && info->height == clip_.camera.height,
              Code::kCorrupt,
              "'" + info->path + "' has " + FormatSize(info->width, info->height) +
                  " pixels, the file of the clip says " +
                  FormatSize(clip_.camera.width, clip_.camera.height));
    table_.FitPicture(depth.width, depth.height);
    tracks_.resize(table_.num_tracks());
  }

  TrackOptimizationReport Run() {
    auto depths = graph_.From([this]() -> std::optional<DepthFrame> {
      if (options_.job.max_frames >= 0 && read_ >= options_.job.max_frames) return std::nullopt;
      ++read_;
      return depth_.Read();
    });
    auto frames = graph_.From([this]() -> std::optional<Frame> {
      if (options_.job.max_frames >= 0 && seen_ >= options_.job.max_frames) return std::nullopt;
      ++seen_;
      return left_.Read();
    });
    const PairNames names{"depth video '" + files_.depth + "'", "left view '" + files_.left + "'"};
    auto pairs = graph_.Zip(std::move(depths), std::move(frames), names);
    graph_.Into(std::move(pairs), [this](const std::pair<DepthFrame, Frame>& pair) {
      Look(pair.first.depth.Plane<float>(), pair.second);
    });
    graph_.Run("read depth",
               ExpectedFrames(depth_.info().estimated_frames, 0, options_.job.max_frames));
    report_.frames = graph_.frames_done();
    CheckLengths();
    Lift();
    Write();
    outputs_.CommitAll();
    return report_;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    for (const std::string* file : {&files_.tracks, &files_.depth, &files_.poses, &files_.left})
      outputs_.AddInput(*file);
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

  void CheckLengths() const {
    const auto frames = static_cast<size_t>(report_.frames);
    Require(frames > 0, Code::kCorrupt, "'" + files_.depth + "' has no frames");
    const std::pair<size_t, std::string> lists[] = {
        {poses_.size(), "'" + files_.poses + "' has poses"},
        {clip_.times_us.size(), "the file of the clip has times"}};
    for (const auto& [size, what] : lists)
      Require(size >= frames, Code::kCorrupt,
              what + " for " + std::to_string(size) + " frames, '" + files_.depth + "' has " +
                  std::to_string(frames));
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
    graph_.pool()->ParallelFor(
        static_cast<int64_t>(tracks_.size()), kTracksPerBlock, [this](int64_t begin, int64_t end) {
          for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
            lifted_[i] = LiftOne(tracks_[i]);
        });
  }

  // The robust standard deviation of disparity: of second differences over frames in a row, which
  // take steady motion away and have six times the variance.
  double Noise() const {
    std::vector<float> jumps;
    for (const Track& track : tracks_)
      for (size_t i = 2; i < track.samples.size(); ++i) {
        const Sample *a = &track.samples[i - 2], *b = a + 1, *c = a + 2;
        if (c->frame == a->frame + 2)
          jumps.push_back(std::abs(a->disparity - 2 * b->disparity + c->disparity));
      }
    if (jumps.empty()) return 0;
    const auto middle = jumps.begin() + static_cast<ptrdiff_t>(jumps.size() / 2);
    std::nth_element(jumps.begin(), middle, jumps.end());
    return static_cast<double>(*middle) / (0.6745 * std::sqrt(6.0));
  }

  Lifted LiftOne(const Track& track) const {
    LiftOptions options;
    options.camera = clip_.camera;
    options.baseline = clip_.baseline;
    options.sigma_xy = options_.sigma_xy;
    std::vector<LiftObservation> seen;
    for (const Sample& sample : track.samples) {
      LiftObservation one;
      one.time = TimeOf(sample.frame);
      one.world_from_cam = poses_[static_cast<size_t>(sample.frame)];
      one.x = static_cast<double>(sample.x);
      one.y = static_cast<double>(sample.y);
      one.disparity = static_cast<double>(sample.disparity);
      one.sigma = report_.sigma_disparity;
      seen.push_back(one);
    }
    Lifted lifted;
    lifted.path = LiftTrack(seen, options);
    // The way in the picture of now, from where the point was a moment ago.
    double most = 0;
    for (size_t t = 1; t < seen.size(); ++t) {
      const Pose cam_from_world = seen[t].world_from_cam.inverse();
      const auto shown = [&](size_t i) -> std::optional<Eigen::Vector2d> {
        const Eigen::Vector3d at = cam_from_world * lifted.path.points[i];
        if (at.z() < 0.01) return std::nullopt;
        return Project(clip_.camera, at);
      };
      const std::optional<Eigen::Vector2d> now = shown(t);
      for (size_t s = t; now && s-- > 0 && seen[t].time - seen[s].time <= kMotionWindow;)
        if (const auto before = shown(s)) most = std::max(most, (*before - *now).norm());
    }
    lifted.motion_px = static_cast<float>(most);
    return lifted;
  }

  double TimeOf(int32_t frame) const {
    return static_cast<double>(clip_.times_us[static_cast<size_t>(frame)]) * 1e-6;
  }

  void Write();

  const TrackOptimizationJobOptions& options_;
  Graph graph_;
  const TrackOptimizationFiles files_;
  const Stereo4dClip clip_;
  TrackOptimizationReport report_;
  OutputSet outputs_;
  OutputTarget target_;
  std::vector<Pose> poses_;
  TrackTable table_;
  DepthVideoReader depth_;
  VideoReader left_;
  ColorConverter converter_;
  std::vector<Track> tracks_;
  std::vector<Lifted> lifted_;
  int64_t number_ = 0;  // of the frame looked at
  int64_t read_ = 0, seen_ = 0;
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
      const Sample& sample = track.samples[k];
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

}  // namespace

TrackOptimizationReport RunTrackOptimizationJob(const TrackOptimizationJobOptions& options,
                                                const RunControl& control) {
  options.Check();
  return TrackOptimizationJob(options, control).Run();
}

}  // namespace mdvt
