// SPDX-License-Identifier: Apache-2.0
#include "pipeline/track_cloud.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/track_file.h"
#include "pipeline/clip_poses.h"
#include "pipeline/export_format.h"
#include "pipeline/first_frames.h"

namespace mdvt {
namespace {

constexpr double kCloseMetres = 0.005;
constexpr float kMasked = -1;
constexpr float kOneSurface = 1.03f;  // farthest over nearest of neighbouring pixels
constexpr int64_t kTracksPerBlock = 32;
constexpr int kRowsPerBlock = 64;
constexpr size_t kMostPairs = 2000000;

bool AnyTakesTracks(const ExportJobOptions& options) {
  return std::any_of(ExportFormats().begin(), ExportFormats().end(),
                     [&](const ExportFormat& format) {
                       return format.takes_tracks && options.exports.count(format.name) != 0;
                     });
}

std::string CloudOutput(const ExportJobOptions& options, const std::string& suffix) {
  // A name given for the grey video is none for these.
  return OutputName(options.bit8 || options.bit16 ? "" : options.output, options.depth_video,
                    suffix);
}

const char* Reason(TrackStatus status) {
  switch (status) {
    case TrackStatus::kOk:
      return "triangulated";
    case TrackStatus::kTooFewViews:
      return "seen too rarely";
    case TrackStatus::kNoParallax:
      return "rays nearly parallel";
    case TrackStatus::kBehind:
      return "behind the camera";
    case TrackStatus::kInconsistent:
      return "rays do not meet";
    case TrackStatus::kUncertain:
      return "too uncertain";
    case TrackStatus::kMoving:
      return "moving";
  }
  return "";
}

}  // namespace

int32_t TrackSets::Of(int32_t track) {
  int32_t root = track;
  while (parents_[static_cast<size_t>(root)] != root) root = parents_[static_cast<size_t>(root)];
  while (track != root) {
    const int32_t next = parents_[static_cast<size_t>(track)];
    parents_[static_cast<size_t>(track)] = root;
    track = next;
  }
  return root;
}

void TrackSets::Join(int32_t a, int32_t b) {
  const int32_t first = Of(a), second = Of(b);
  parents_[static_cast<size_t>(std::max(first, second))] = std::min(first, second);
}

float DepthBehind(const DepthView& depth, float x, float y, float saturated) {
  const auto valid = [&](float z) { return z > 0 && z < saturated; };
  const int column = std::clamp(static_cast<int>(x), 0, depth.width - 1);
  const int row = std::clamp(static_cast<int>(y), 0, depth.height - 1);
  const float nearest = depth.At(column, row);
  if (!valid(nearest)) return 0;
  const float left = std::clamp(x - 0.5f, 0.f, static_cast<float>(depth.width - 1));
  const float top = std::clamp(y - 0.5f, 0.f, static_cast<float>(depth.height - 1));
  const int x0 = static_cast<int>(left), y0 = static_cast<int>(top);
  const int x1 = std::min(x0 + 1, depth.width - 1), y1 = std::min(y0 + 1, depth.height - 1);
  const std::array<float, 4> z = {depth.At(x0, y0), depth.At(x1, y0), depth.At(x0, y1),
                                  depth.At(x1, y1)};
  const auto [low, high] = std::minmax_element(z.begin(), z.end());
  if (!valid(*low) || !valid(*high) || *high > kOneSurface * *low) return nearest;
  const float ax = left - static_cast<float>(x0), ay = top - static_cast<float>(y0);
  return 1 / ((1 - ay) * ((1 - ax) / z[0] + ax / z[1]) + ay * ((1 - ax) / z[2] + ax / z[3]));
}

// Where a track was seen.
struct TrackCloud::View {
  int64_t frame = 0;                             // of those looked at
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();  // normalised
  float depth = 0;                               // 0: none
};

TrackCloud::TrackCloud(const ExportJobOptions& options, OutputSet* outputs, Graph* graph)
    : options_(options),
      cloud_(options.tracks),
      outputs_(outputs),
      graph_(graph),
      first_frame_(std::max<int64_t>(0, options.min_frames)),
      triangulates_(cloud_.triangulates() || AnyTakesTracks(options)),
      average_target_([&] {
        report_.average_output = CloudOutput(options, "_avgmonodepth.ply");
        return outputs->AddFile(report_.average_output);
      }()),
      input_(InputOptions()),
      tracks_(ReadTrackFile(cloud_.track_file, options.job.limits)),
      mask_rule_(cloud_.mask, input_.depth().file()->info().width,
                 input_.depth().file()->info().height, input_.depth().file()->info().width,
                 input_.depth().file()->info().height),
      poses_(ClipPoses(options.transformation_file, options.transformation_lock_frame,
                       options.job.limits)),
      camera_(options.fov, input_.depth().file()->tags(), input_.depth().file()->info().width,
              input_.depth().file()->info().height, input_.lead_info().sample_aspect,
              options.job.limits),
      saturated_(SaturatedDepth(input_.depth().file()->codec())),
      sets_(tracks_.num_tracks()) {
  const VideoInfo& info = input_.depth().file()->info();
  try {
    tracks_.FitPicture(info.width, info.height);
  } catch (const Error& error) {
    throw Error(Code::kCorrupt, "tracking file '" + cloud_.track_file + "': " + error.what());
  }
  Require(tracks_.num_sightings() > 0, Code::kRefused,
          "tracking file '" + cloud_.track_file + "' holds no points");
  if (!cloud_.mask.video.empty())
    mask_.emplace(OpenMaskVideo(cloud_.mask.video, info, options.job.limits, graph->pool()));
  if (cloud_.writes_triangulated()) {
    report_.triangulated_output = CloudOutput(options, "_triangulated.ply");
    triangulated_target_ = outputs->AddFile(report_.triangulated_output);
  }
  if (cloud_.save_rescaled_depth) {
    report_.rescaled_output = CloudOutput(options, "_rescaled.mkv");
    rescaled_target_ = outputs->AddFile(report_.rescaled_output);
  }
  depths_.assign(tracks_.num_sightings(), kMasked);
  color_sums_.assign(tracks_.num_tracks(), Eigen::Matrix<uint32_t, 3, 1>::Zero());
  color_counts_.assign(tracks_.num_tracks(), 0);
  banned_.assign(tracks_.num_tracks(), 0);
}

ClipPairOptions TrackCloud::InputOptions() const {
  ClipPairOptions input;
  input.source.file = {options_.depth_video, options_.depth};
  input.color_video = options_.color_video;
  input.color_format = PixelFormat::Rgb(8);
  input.reader = ReaderOptions(options_.job, graph_->pool());
  input.one_picture = options_.job.one_picture;
  input.first_frame = first_frame_;
  input.max_frames = options_.job.max_frames;
  return input;
}

TrackCloudReport TrackCloud::Run() {
  graph_->Into(Frames(), [this](const std::pair<PairedFrame, Image>& item) {
    Look(item.first, item.second);
  });
  graph_->Run("tracks", input_.expected_frames());
  mask_watch_.Tell(kNoPointMasked);
  report_.frames = static_cast<int64_t>(cameras_.size());
  CheckLengths();
  order_.emplace(tracks_);
  Triangulate();
  RefuseWithoutPoints();
  Write();
  if (rescaled_target_) Rescale();
  return report_;
}

Stream<std::pair<PairedFrame, Image>> TrackCloud::Frames() {
  Stream<PairedFrame> frames = input_.Frames(graph_);
  if (!mask_)
    return graph_->Map(std::move(frames),
                       [](PairedFrame frame) { return std::make_pair(std::move(frame), Image()); });
  Stream<Frame> masks = graph_->From([this]() -> std::optional<Frame> {
    const int64_t limit = options_.job.max_frames;
    for (;;) {
      if (limit >= 0 && masks_taken_ >= first_frame_ + limit) return std::nullopt;
      std::optional<Frame> mask = mask_->Read();
      if (!mask || masks_taken_++ >= first_frame_) return mask;
    }
  });
  return graph_->Map(
      graph_->Zip(std::move(frames), std::move(masks),
                  InStep("depth video '" + options_.depth_video + "'",
                         "mask video '" + cloud_.mask.video + "'", options_.job.max_frames)),
      [this](std::pair<PairedFrame, Frame> pair) {
        mask_watch_.Look(pair.second.image);
        return std::make_pair(std::move(pair.first), std::move(pair.second.image));
      });
}

void TrackCloud::Look(const PairedFrame& frame, const Image& mask) {
  const int64_t number = first_frame_ + static_cast<int64_t>(cameras_.size());
  cameras_.push_back(camera_.At(number));
  world_from_cam_.push_back(poses_.At(number));
  const DepthView depth = frame.depth.depth.Plane<float>();
  const Image allowed = mask.empty() ? Image() : mask_rule_.Allowed(mask);
  const TrackSighting* const all = tracks_.Frame(0).begin();
  const double scale = 255 / static_cast<double>(saturated_);
  for (const TrackSighting& sighting : tracks_.Frame(number)) {
    const int x = static_cast<int>(sighting.x), y = static_cast<int>(sighting.y);
    const auto track = static_cast<size_t>(sighting.track);
    if (!allowed.empty() && allowed.Plane<uint8_t>().At(x, y) == 0) {
      banned_[track] = cloud_.strict_mask ? 1 : banned_[track];
      continue;
    }
    const float z = DepthBehind(depth, sighting.x, sighting.y, saturated_);
    depths_[static_cast<size_t>(&sighting - all)] = z;
    ++color_counts_[track];
    for (int channel = 0; channel < 3; ++channel) {
      color_sums_[track][channel] +=
          frame.color.image.empty()
              ? static_cast<uint32_t>(std::lround(scale * static_cast<double>(z)))
              : frame.color.image.Plane<uint8_t>(channel).At(x, y);
    }
  }
  if (cloud_.merge_close_points) MergeClosePoints(number);
}

// Points of a frame in cubes as wide as what is close: close ones are in neighbouring cubes.
void TrackCloud::MergeClosePoints(int64_t number) {
  const auto frame = static_cast<size_t>(number - first_frame_);
  const TrackSighting* const all = tracks_.Frame(0).begin();
  using Cube = std::array<int64_t, 3>;
  std::map<Cube, std::vector<std::pair<int32_t, Eigen::Vector3d>>> cubes;
  for (const TrackSighting& sighting : tracks_.Frame(number)) {
    const float z = depths_[static_cast<size_t>(&sighting - all)];
    if (!(z > 0)) continue;
    const Eigen::Vector3d point =
        Unproject(cameras_[frame], {sighting.x, sighting.y}, static_cast<double>(z));
    Cube cube;
    for (size_t axis = 0; axis < 3; ++axis)
      cube[axis] = std::llround(point[static_cast<int>(axis)] / kCloseMetres);
    for (int64_t dx = -1; dx <= 1; ++dx)
      for (int64_t dy = -1; dy <= 1; ++dy)
        for (int64_t dz = -1; dz <= 1; ++dz) {
          const auto near = cubes.find({cube[0] + dx, cube[1] + dy, cube[2] + dz});
          if (near == cubes.end()) continue;
          for (const auto& [track, other] : near->second)
            if ((other - point).norm() < kCloseMetres) sets_.Join(track, sighting.track);
        }
    cubes[cube].emplace_back(sighting.track, point);
  }
}

void TrackCloud::CheckLengths() const {
  const int64_t end = first_frame_ + report_.frames;
  int64_t last = tracks_.num_frames();
  while (last > 0 && tracks_.Frame(last - 1).empty()) --last;
  Require(options_.job.max_frames >= 0 || last <= end, Code::kCorrupt,
          "tracking file '" + cloud_.track_file + "' has points in frame " +
              std::to_string(last - 1) + ", the depth video '" + options_.depth_video + "' holds " +
              CountOf(end, "frame") + ": they must belong to the same video");
  if (tracks_.num_frames() < end)
    LogWarning("tracking file '" + cloud_.track_file + "' ends after " +
               CountOf(tracks_.num_frames(), "frame") + " of " + std::to_string(end) +
               ": the others have no points");
}

std::vector<TrackCloud::View> TrackCloud::ViewsOf(const std::vector<int32_t>& tracks) const {
  std::vector<View> views;
  const TrackSighting* const all = tracks_.Frame(0).begin();
  for (const int32_t track : tracks) {
    for (size_t i = 0; i < order_->count(track); ++i) {
      const TrackSighting& sighting = order_->At(track, i);
      const float depth = depths_[static_cast<size_t>(&sighting - all)];
      if (depth < 0) continue;
      View view;
      view.frame = order_->FrameOf(track, i) - first_frame_;
      const Camera& camera = cameras_[static_cast<size_t>(view.frame)];
      view.xy = {(static_cast<double>(sighting.x) - camera.cx) / camera.fx,
                 (static_cast<double>(sighting.y) - camera.cy) / camera.fy};
      view.depth = depth;
      views.push_back(view);
    }
  }
  std::stable_sort(views.begin(), views.end(),
                   [](const View& a, const View& b) { return a.frame < b.frame; });
  // Of tracks that are one point, one is enough in each frame.
  views.erase(std::unique(views.begin(), views.end(),
                          [](const View& a, const View& b) { return a.frame == b.frame; }),
              views.end());
  return views;
}

void TrackCloud::Triangulate() {
  std::map<int32_t, std::vector<int32_t>> members;
  for (size_t i = 0; i < tracks_.num_tracks(); ++i) {
    const auto track = static_cast<int32_t>(i);
    if (banned_[i] == 0) members[sets_.Of(track)].push_back(track);
  }
  for (auto& [first, tracks] : members) {
    Point point;
    point.tracks = std::move(tracks);
    points_.push_back(std::move(point));
  }
  graph_->pool()->ParallelFor(static_cast<int64_t>(points_.size()), kTracksPerBlock,
                              [this](int64_t begin, int64_t end) {
                                for (int64_t i = begin; i < end; ++i) {
                                  const auto set = static_cast<size_t>(i);
                                  AddPoints(set, ViewsOf(points_[set].tracks));
                                }
                              });
  points_.erase(
      std::remove_if(points_.begin(), points_.end(),
                     [this](const Point& point) { return point.views < cloud_.min_observations; }),
      points_.end());
}

void TrackCloud::AddPoints(size_t set, const std::vector<View>& views) {
  Point& point = points_[set];
  point.views = static_cast<int32_t>(views.size());
  if (point.views < cloud_.min_observations) return;
  std::array<std::vector<double>, 3> coordinates;
  std::vector<PointView> rays;
  for (const View& view : views) {
    const Pose& pose = world_from_cam_[static_cast<size_t>(view.frame)];
    rays.push_back({pose.inverse(), view.xy});
    if (!(view.depth > 0)) continue;
    const Eigen::Vector3d at = pose * (static_cast<double>(view.depth) * view.xy.homogeneous());
    for (size_t axis = 0; axis < 3; ++axis) coordinates[axis].push_back(at[static_cast<int>(axis)]);
  }
  if (!coordinates[0].empty())
    point.average =
        Eigen::Vector3d(Median(&coordinates[0]), Median(&coordinates[1]), Median(&coordinates[2]));
  if (!triangulates_) return;
  TrackTriangulationOptions options;
  const Camera& camera = cameras_[static_cast<size_t>(views.front().frame)];
  options.focal = std::sqrt(camera.fx * camera.fy);
  options.min_views = cloud_.min_observations;
  options.min_angle = cloud_.min_angle_deg * 0.017453292519943295;
  point.triangulated = TriangulateTrack(rays, options);
  point.distance = std::numeric_limits<double>::infinity();
  for (const View& view : views) {
    const Eigen::Vector3d center = world_from_cam_[static_cast<size_t>(view.frame)].translation();
    point.distance = std::min(point.distance, (point.triangulated.point - center).norm());
  }
}

void TrackCloud::RefuseWithoutPoints() const {
  const auto refuse = [this](const std::string& why) {
    throw Error(Code::kRefused, "no point can be made of '" + cloud_.track_file + "': " + why);
  };
  const bool all_masked =
      std::all_of(depths_.begin(), depths_.end(), [](float depth) { return depth < 0; });
  if (all_masked && mask_) refuse("the mask '" + cloud_.mask.video + "' covers all of them");
  if (std::all_of(banned_.begin(), banned_.end(), [](char banned) { return banned != 0; }))
    refuse("each track is masked somewhere, and strict_mask leaves such tracks out");
  if (points_.empty())
    refuse("no track is seen in " + CountOf(cloud_.min_observations, "frame") + " or more");
  if (!triangulates_) {
    const bool any = std::any_of(points_.begin(), points_.end(),
                                 [](const Point& point) { return point.average.has_value(); });
    if (!any) refuse("there is no depth at any of them");
    return;
  }
  std::map<TrackStatus, int64_t> counts;
  for (const Point& point : points_) ++counts[point.triangulated.status];
  if (counts[TrackStatus::kOk] > 0) return;
  std::string reasons;
  for (const auto& [status, count] : counts)
    if (count > 0)
      reasons += (reasons.empty() ? "" : ", ") + CountOf(count, "track") + " " + Reason(status);
  refuse("nothing could be triangulated (" + reasons +
         "); does the camera move, and do tracks, camera path and field of view belong together?");
}

void TrackCloud::Write() {
  std::vector<TrackCloudPoint> average, triangulated;
  std::vector<double> errors;
  constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
  for (const Point& point : points_) {
    TrackCloudPoint out;
    out.id = tracks_.ids()[static_cast<size_t>(point.tracks.front())];
    out.observations = point.views;
    out.color = ColorOf(point.tracks);
    const TriangulatedTrack& track = point.triangulated;
    const bool known = track.ok();
    out.rms = known ? static_cast<float>(track.rms) : kUnknown;
    out.angle_deg = known ? static_cast<float>(track.angle * 57.29577951308232) : kUnknown;
    out.sigma = known ? static_cast<float>(track.sigma * point.distance) : kUnknown;
    if (point.average) {
      out.position = point.average->cast<float>();
      average.push_back(out);
    }
    if (!known) continue;
    out.position = track.point.cast<float>();
    triangulated.push_back(out);
    errors.push_back(track.rms);
  }
  const Eigen::Matrix3f turn = AxesFromWorld(options_.axes).linear().cast<float>();
  const auto write = [&](const OutputTarget& target, std::vector<TrackCloudPoint> points) {
    for (TrackCloudPoint& point : points) point.position = turn * point.position;
    WriteTrackCloud(target, points);
  };
  write(average_target_, average);
  if (triangulated_target_) write(*triangulated_target_, triangulated);
  report_.tracks = static_cast<int64_t>(points_.size());
  report_.average_points = static_cast<int64_t>(average.size());
  report_.triangulated = static_cast<int64_t>(triangulated.size());
  report_.median_rms = Median(&errors);
  average_points_ = std::move(average);
  triangulated_points_ = std::move(triangulated);
}

CloudPage TrackCloud::Page() const {
  const auto mesh_of = [](const std::vector<TrackCloudPoint>& points) {
    TriangleMesh mesh;
    for (const TrackCloudPoint& point : points) {
      mesh.points.push_back(point.position);
      mesh.colors.push_back(point.color);
    }
    return mesh;
  };
  CloudPage page;
  page.title = FileName(options_.depth_video);
  page.target = MiddleOf(mesh_of(best_points()));
  page.world_from_cam = world_from_cam_;
  page.xfov_deg = cameras_.front().xfov_deg();
  page.aspect = static_cast<double>(cameras_.front().width) / cameras_.front().height;
  if (triangulated_target_)
    page.clouds.push_back(
        PackCloud(mesh_of(triangulated_points_), "triangulated points", "triangulated.bin"));
  if (!triangulated_target_ || cloud_.show_both_point_clouds)
    page.clouds.push_back(
        PackCloud(mesh_of(average_points_), "points by depth", "avgmonodepth.bin"));
  return page;
}

Eigen::Matrix<uint8_t, 3, 1> TrackCloud::ColorOf(const std::vector<int32_t>& tracks) const {
  Eigen::Matrix<uint64_t, 3, 1> sum = Eigen::Matrix<uint64_t, 3, 1>::Zero();
  uint64_t count = 0;
  for (const int32_t track : tracks) {
    sum += color_sums_[static_cast<size_t>(track)].cast<uint64_t>();
    count += color_counts_[static_cast<size_t>(track)];
  }
  Eigen::Matrix<uint8_t, 3, 1> color;
  for (int channel = 0; channel < 3; ++channel)
    color[channel] = static_cast<uint8_t>((sum[channel] + count / 2) / count);
  return color;
}

std::vector<SeenPoint> TrackCloud::Seen() const {
  const TrackTriangulationOptions usual;
  std::vector<SeenPoint> seen;
  for (const Point& point : points_) {
    if (!point.triangulated.ok()) continue;
    SeenPoint out;
    out.in_world = point.triangulated.point;
    out.color = ColorOf(point.tracks);
    out.rms = point.triangulated.rms;
    for (const View& view : ViewsOf(point.tracks)) {
      const auto frame = static_cast<size_t>(view.frame);
      const Camera& camera = cameras_[frame];
      const Eigen::Vector3d p = world_from_cam_[frame].inverse() * out.in_world;
      if (!(p.z() > usual.min_depth)) continue;
      if (!((p.hnormalized() - view.xy).norm() * camera.fx <= usual.max_error)) continue;
      out.sights.push_back({first_frame_ + view.frame, view.xy.x() * camera.fx + camera.cx,
                            view.xy.y() * camera.fy + camera.cy});
    }
    seen.push_back(std::move(out));
  }
  return seen;
}

std::vector<DepthPair> TrackCloud::Pairs() const {
  std::vector<DepthPair> pairs;
  for (const Point& point : points_) {
    if (!point.triangulated.ok()) continue;
    for (const View& view : ViewsOf(point.tracks)) {
      if (!(view.depth > 0)) continue;
      const auto frame = static_cast<size_t>(view.frame);
      const Eigen::Vector3d p = world_from_cam_[frame].inverse() * point.triangulated.point;
      const TrackTriangulationOptions usual;
      if (!(p.z() > usual.min_depth)) continue;
      const double error = (p.hnormalized() - view.xy).norm() * cameras_[frame].fx;
      if (!(error <= usual.max_error)) continue;
      pairs.push_back(
          {view.frame, static_cast<double>(view.depth), p.z(), point.triangulated.sigma});
    }
  }
  // As many as are worth their memory, spread evenly over points and frames.
  if (pairs.size() > kMostPairs) {
    const size_t step = (pairs.size() + kMostPairs - 1) / kMostPairs;
    size_t kept = 0;
    for (size_t i = 0; i < pairs.size(); i += step) pairs[kept++] = pairs[i];
    pairs.resize(kept);
  }
  return pairs;
}

void TrackCloud::Rescale() {
  DepthRescaleOptions fit_options;
  fit_options.fit_shift = cloud_.global_align;
  const DepthRescale fit = FitDepthRescale(Pairs(), report_.frames, fit_options);
  report_.error_before = fit.error_before;
  report_.error_after = fit.error_after;
  if (fit.has_shift) report_.shift = fit.shift;

  DepthVideoReader reader(options_.depth_video,
                          DepthReaderOptions(options_.depth, options_.job.limits, graph_->pool()));
  const VideoInfo& source = reader.info();
  DepthVideoWriterOptions options;
  options.codec = reader.codec();
  options.tags = reader.tags();
  options.video = LosslessLike(source, graph_->pool());
  DepthVideoWriter writer(*rescaled_target_, source.width, source.height, options);
  const auto most = static_cast<float>(reader.codec().max_depth);
  int64_t number = 0;
  auto frames = graph_->From([&]() -> std::optional<DepthFrame> {
    for (;;) {
      if (number >= first_frame_ + report_.frames) return std::nullopt;
      std::optional<DepthFrame> frame = reader.Read();
      if (!frame || number++ >= first_frame_) return frame;
    }
  });
  int64_t written = 0;
  graph_->Into(std::move(frames), [&](DepthFrame frame) {
    const auto scale = static_cast<float>(fit.scales[static_cast<size_t>(written++)]);
    const auto shift = static_cast<float>(fit.shift);
    Image changed(PixelFormat::GrayF32(), source.width, source.height);
    const PlaneView<float> to = changed.MutablePlane<float>();
    const DepthView from = frame.depth.Plane<float>();
    graph_->pool()->ParallelFor(to.height, kRowsPerBlock, [&](int64_t begin, int64_t end) {
      for (int y = static_cast<int>(begin); y < end; ++y) {
        for (int x = 0; x < to.width; ++x) {
          const float z = from.At(x, y);
          // What is missing stays so, and what lies at the end of the range or beyond.
          const float inverse = scale / z + shift;
          to.At(x, y) = !(z > 0)             ? 0
                        : z >= saturated_    ? z
                        : inverse * most > 1 ? 1 / inverse
                                             : most;
        }
      }
    });
    writer.Write(std::move(changed), frame.pts, frame.duration, graph_->pool());
  });
  graph_->Run("rescaling", report_.frames);
  writer.Finish();
}

}  // namespace mdvt
