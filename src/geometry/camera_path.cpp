// SPDX-License-Identifier: Apache-2.0
#include "mdvt/geometry/camera_path.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/absolute_pose.h"
#include "mdvt/geometry/path_uncertainty.h"
#include "mdvt/geometry/triangulation.h"
#include "mdvt/geometry/two_view.h"
#include "seen_path.h"
#include "window_adjustment.h"

namespace mdvt {
namespace {

constexpr int kMinShared = 24;   // tracks that two frames of a start must share
constexpr int kMinInliers = 15;  // known points that place a frame
constexpr double kMinInlierShare = 0.35;
constexpr double kStartParallax = 16;  // in units of the noise, median over the tracks
constexpr double kLeastParallax = 4;
// Of the motion in the picture: lenses that bend lines and focal lengths that are not known leave
// over a share of it even where a camera only turns.
constexpr double kLeastParallaxShare = 0.05;
constexpr double kLeastSpread = 1.2;  // of distances, nine tenths to one tenth of the points
constexpr int kMaxMisses = 3;  // sights in a row that contradict a point: the track moves by itself
constexpr int kKeyStep = 3;    // every third frame joins the adjustment
constexpr size_t kMaxKeys = 12;
constexpr size_t kMaxJudged = 16;         // frames that the uncertainty of a stretch is taken from
constexpr double kMostNoises = 12;        // a sight that is farther off its point is an outlier
constexpr double kLeastNoisesOfPath = 2;  // parallax of the median point that a path needs
constexpr double kLeastNoises = 0.3;      // tracks are not trusted further than this

struct Sight {
  int64_t frame = 0;
  Eigen::Vector2d xy = Eigen::Vector2d::Zero();
};

struct Track {
  std::vector<Sight> sights;
  bool has_point = false;
  bool moving = false;
  int misses = 0;
  Eigen::Vector3d point = Eigen::Vector3d::Zero();
  // Depth guessed from the points around it when it was first seen, 0 if there were none: carries
  // the scale over a stretch without parallax.
  double guessed_depth = 0;
  int64_t guessed_at = 0;
};

}  // namespace

void CameraPathOptions::Check() const {
  Require(noise > 0 && noise < 0.1, Code::kInvalidArgument,
          "CameraPathOptions.noise must be in (0, 0.1)");
  Require(window >= 4 && window <= 256, Code::kInvalidArgument,
          "CameraPathOptions.window must be in [4, 256]");
  Require(patience >= 1 && patience <= window, Code::kInvalidArgument,
          "CameraPathOptions.patience must be in [1, window]");
}

struct CameraPath::Impl {
  explicit Impl(const CameraPathOptions& o) : options(o) {}

  struct FrameState {
    PathFrame path;
    std::vector<int64_t> ids;  // tracks seen, ascending
  };

  CameraPathOptions options;
  std::deque<FrameState> frames;
  std::map<int64_t, Track> tracks;
  bool started = false;    // points in space are known
  int64_t start_from = 0;  // frames before this one do not take part in a new start
  bool has_scale = false;  // an earlier stretch has set the unit of length

  const FrameState* Find(int64_t index) const {
    if (frames.empty() || index < frames.front().path.index || index > frames.back().path.index)
      return nullptr;
    return &frames[static_cast<size_t>(index - frames.front().path.index)];
  }
  FrameState* Find(int64_t index) {
    return const_cast<FrameState*>(static_cast<const Impl*>(this)->Find(index));
  }
  static const Sight* SightIn(const Track& track, int64_t frame) {
    for (auto it = track.sights.rbegin(); it != track.sights.rend(); ++it) {
      if (it->frame == frame) return &*it;
      if (it->frame < frame) break;
    }
    return nullptr;
  }

  AbsolutePoseOptions PoseOptions() const {
    AbsolutePoseOptions o;
    o.loss_scale = 2 * options.noise;
    o.threshold = 6 * options.noise;
    return o;
  }
  TriangulationOptions PointOptions() const {
    TriangulationOptions o;
    o.min_angle = std::max(0.004, 6 * options.noise);
    o.max_error = 8 * options.noise;
    o.max_rms = 4 * options.noise;
    return o;
  }

  void Store(int64_t index, const std::vector<TrackSight>& sights) {
    FrameState state;
    state.path.index = index;
    for (const TrackSight& sight : sights) {
      tracks[sight.id].sights.push_back({index, sight.xy});
      state.ids.push_back(sight.id);
    }
    std::sort(state.ids.begin(), state.ids.end());
    frames.push_back(std::move(state));
    while (frames.size() > static_cast<size_t>(options.window)) frames.pop_front();
    const int64_t oldest = frames.front().path.index;
    for (auto it = tracks.begin(); it != tracks.end();) {
      auto& kept = it->second.sights;
      kept.erase(kept.begin(), std::find_if(kept.begin(), kept.end(), [oldest](const Sight& s) {
                   return s.frame >= oldest;
                 }));
      // A track that this frame lost still ties earlier frames of the window together.
      it = kept.empty() ? tracks.erase(it) : std::next(it);
    }
    start_from = std::max(start_from, oldest);
  }

  void Shared(int64_t a, int64_t b, std::vector<int64_t>* ids, Points2* xy_a, Points2* xy_b) {
    ids->clear(), xy_a->clear(), xy_b->clear();
    for (const int64_t id : Find(b)->ids) {
      const Track& track = tracks[id];
      const Sight* first = SightIn(track, a);
      if (first == nullptr || track.moving) continue;
      ids->push_back(id);
      xy_a->push_back(first->xy);
      xy_b->push_back(track.sights.back().frame == b ? track.sights.back().xy
                                                     : SightIn(track, b)->xy);
    }
  }

  // Rotation alone, from the frame before.
  void Turn(FrameState* now) {
    const FrameState* before = Find(now->path.index - 1);
    now->path.state = PathState::kLost;
    if (before == nullptr) {
      if (now->ids.size() >= kMinShared) now->path.state = PathState::kTurning;
      return;
    }
    now->path.world_from_cam = before->path.world_from_cam;
    std::vector<int64_t> ids;
    Points2 a, b;
    Shared(before->path.index, now->path.index, &ids, &a, &b);
    if (ids.size() < kMinShared) return;
    const RotationFit fit = FitRotation(a, b);
    now->path.world_from_cam.linear() =
        before->path.world_from_cam.linear() * fit.cam2_from_cam1.transpose();
    now->path.state = PathState::kTurning;
  }

  // Places `frame` by the points known. Returns false if they do not agree on one pose.
  bool Place(FrameState* frame, const Pose& start, bool judge_tracks) {
    std::vector<Eigen::Vector3d> points;
    Points2 seen;
    std::vector<Track*> used;
    for (const int64_t id : frame->ids) {
      Track& track = tracks[id];
      if (!track.has_point || track.moving) continue;
      const Sight* sight = SightIn(track, frame->path.index);
      points.push_back(track.point);
      seen.push_back(sight->xy);
      used.push_back(&track);
    }
    if (points.size() < kMinInliers) return false;
    const auto good = [&](const AbsolutePose& pose) {
      return pose.num_inliers >= kMinInliers &&
             pose.num_inliers >= kMinInlierShare * static_cast<double>(points.size());
    };
    AbsolutePose pose = RefineAbsolutePose(points, seen, start, PoseOptions());
    if (!good(pose)) pose = EstimateAbsolutePose(points, seen, PoseOptions());
    if (!good(pose)) return false;
    frame->path.world_from_cam = pose.cam_from_world.inverse();
    frame->path.state = PathState::kTranslating;
    if (judge_tracks) {
      for (size_t i = 0; i < used.size(); ++i) {
        used[i]->misses = pose.inliers[i] ? 0 : used[i]->misses + 1;
        if (used[i]->misses >= kMaxMisses) used[i]->moving = true, used[i]->has_point = false;
      }
    }
    return true;
  }

  void AddPoints() {
    const TriangulationOptions point_options = PointOptions();
    std::vector<PointView> views;
    for (const int64_t id : frames.back().ids) {
      Track& track = tracks[id];
      if (track.has_point || track.moving || track.sights.size() < 3) continue;
      views.clear();
      // A handful of views spread over the track says as much as all of them.
      const size_t n = track.sights.size(), step = std::max<size_t>(1, n / 6);
      for (size_t i = n; i > 0; i = i > step ? i - step : 0) {
        const Sight& sight = track.sights[i - 1];
        const FrameState* frame = Find(sight.frame);
        if (frame == nullptr || frame->path.state != PathState::kTranslating) continue;
        views.push_back({frame->path.world_from_cam.inverse(), sight.xy});
      }
      const TriangulatedPoint point = Triangulate(views, point_options);
      if (!point.ok()) continue;
      track.point = point.point;
      track.has_point = true;
      track.misses = 0;
    }
  }

  void Adjust(int iterations, bool whole) {
    // Keys: the newest frame, then every kKeyStep-th before it.
    std::vector<FrameState*> keys;
    for (size_t i = frames.size(); i > 0 && keys.size() < kMaxKeys; --i) {
      FrameState& frame = frames[i - 1];
      if (frame.path.state != PathState::kTranslating || frame.path.index < start_from) continue;
      if (!whole && i != frames.size() && frame.path.index % kKeyStep != 0) continue;
      keys.push_back(&frame);
    }
    if (keys.size() < 3) return;
    std::reverse(keys.begin(), keys.end());
    WindowProblem problem;
    for (FrameState* key : keys) {
      problem.cam_from_world.push_back(key->path.world_from_cam.inverse());
      problem.camera_fixed.push_back(0);
    }
    problem.camera_fixed[0] = 1;
    // Two fixed frames hold the scale as well; at the start the first one is all there is.
    if (!whole) problem.camera_fixed[1] = 1;
    std::vector<Track*> adjusted;
    for (auto& [id, track] : tracks) {
      if (!track.has_point) continue;
      int count = 0;
      for (const FrameState* key : keys) count += SightIn(track, key->path.index) != nullptr;
      if (count < 2) continue;
      const int index = static_cast<int>(problem.points.size());
      for (size_t k = 0; k < keys.size(); ++k)
        if (const Sight* sight = SightIn(track, keys[k]->path.index))
          problem.observations.push_back({static_cast<int>(k), index, sight->xy});
      problem.points.push_back(track.point);
      adjusted.push_back(&track);
    }
    if (problem.points.size() < kMinInliers) return;
    WindowOptions bundle;
    bundle.max_iterations = iterations;
    bundle.loss_scale = 2 * options.noise;
    bundle.tolerance = 1e-4;
    AdjustWindow(&problem, bundle);
    for (size_t i = 0; i < adjusted.size(); ++i) adjusted[i]->point = problem.points[i];
    for (size_t k = 0; k < keys.size(); ++k)
      keys[k]->path.world_from_cam = problem.cam_from_world[k].inverse();
    // The frames between follow the points.
    for (FrameState& frame : frames) {
      if (frame.path.state != PathState::kTranslating || frame.path.index < keys[0]->path.index ||
          std::find(keys.begin(), keys.end(), &frame) != keys.end())
        continue;
      Place(&frame, frame.path.world_from_cam.inverse(), false);
    }
  }

  // The depth around `xy` in the newest frame: of the nearest known point.
  double DepthAround(const std::vector<PathPoint>& known, const Pose& cam_from_world,
                     const Eigen::Vector2d& xy) const {
    double nearest = std::numeric_limits<double>::infinity(), depth = 0;
    for (const PathPoint& p : known) {
      const double d = (p.xy - xy).squaredNorm();
      const double z = (cam_from_world * p.in_world).z();
      if (d < nearest && z > 0) nearest = d, depth = z;
    }
    return depth;
  }

  void GuessDepths() {
    const FrameState& now = frames.back();
    std::vector<PathPoint> known = KnownIn(now);
    if (known.empty()) return;
    const Pose cam_from_world = now.path.world_from_cam.inverse();
    for (const int64_t id : now.ids) {
      Track& track = tracks[id];
      if (track.guessed_depth > 0) continue;
      track.guessed_depth = track.has_point
                                ? (cam_from_world * track.point).z()
                                : DepthAround(known, cam_from_world, track.sights.back().xy);
      track.guessed_at = now.path.index;
    }
  }

  std::vector<PathPoint> KnownIn(const FrameState& frame) const {
    std::vector<PathPoint> known;
    for (const int64_t id : frame.ids) {
      const auto it = tracks.find(id);
      if (it == tracks.end() || !it->second.has_point) continue;
      const Sight* sight = SightIn(it->second, frame.path.index);
      if (sight != nullptr) known.push_back({it->second.point, sight->xy});
    }
    return known;
  }

  // Parallax that a start needs, by how long there was none.
  double NeededParallax() const {
    const int64_t waited = frames.back().path.index - start_from;
    double needed = kStartParallax;
    if (waited >= options.patience) needed /= 2;
    if (waited >= 2 * options.patience) needed /= 2;
    return std::max(needed, kLeastParallax) * options.noise;
  }

  // Looks for an earlier frame with parallax towards the newest one and starts from the two.
  void TryStart(double needed) {
    FrameState& now = frames.back();
    std::vector<int64_t> ids;
    Points2 a, b;
    const int64_t waited = now.path.index - start_from;
    // The farthest frame that still shares enough of the picture; three tries bound the cost.
    int tries = 0;
    for (int64_t first = start_from; first < now.path.index && tries < 3;
         first += std::max<int64_t>(1, waited / 3)) {
      if (Find(first) == nullptr || Find(first)->path.state == PathState::kLost) continue;
      Shared(first, now.path.index, &ids, &a, &b);
      if (ids.size() < kMinShared ||
          static_cast<double>(ids.size()) < 0.3 * static_cast<double>(Find(first)->ids.size()))
        continue;
      ++tries;
      const RotationFit turn = FitRotation(a, b);
      if (turn.median_residual < needed) continue;
      const double left = TurnAndZoomResidual(a, b);
      std::vector<double> moves;
      for (size_t i = 0; i < a.size(); ++i) moves.push_back((a[i] - b[i]).norm());
      if (left < std::max(needed, kLeastParallaxShare * Median(&moves))) continue;
      if (StartFrom(first, ids, a, b)) return;
    }
  }

  bool StartFrom(int64_t first, const std::vector<int64_t>& ids, const Points2& a,
                 const Points2& b) {
    FrameState& now = frames.back();
    RelativePoseOptions relative_options;
    relative_options.threshold = 3 * options.noise;
    const RelativePose relative = EstimateRelativePose(a, b, relative_options);
    if (!relative.ok || relative.num_inliers < 0.5 * static_cast<double>(ids.size()) ||
        relative.median_angle < 4 * options.noise)
      return false;
    // Points all at one distance are what remains of turning under a wrong focal length; nothing is
    // lost, since such a picture has no depth to tell.
    std::vector<double> distances;
    for (size_t i = 0; i < ids.size(); ++i)
      if (relative.inliers[i]) distances.push_back(relative.points[i].norm());
    std::sort(distances.begin(), distances.end());
    const size_t tenth = distances.size() / 10;
    if (distances[distances.size() - 1 - tenth] < kLeastSpread * distances[tenth]) return false;
    const Pose world_from_first = Find(first)->path.world_from_cam;

    double unit = 1;
    if (has_scale) {
      std::vector<double> ratios;
      for (size_t i = 0; i < ids.size(); ++i) {
        const Track& track = tracks[ids[i]];
        if (relative.inliers[i] && track.guessed_depth > 0)
          ratios.push_back(track.guessed_depth / relative.points[i].z());
      }
      if (ratios.size() >= 5) unit = Median(&ratios);
    }
    for (auto& [id, track] : tracks) track.has_point = false, track.misses = 0;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!relative.inliers[i]) continue;
      Track& track = tracks[ids[i]];
      track.point = world_from_first * (unit * relative.points[i]);
      track.has_point = true;
    }
    Pose step = relative.cam2_from_cam1;
    step.translation() *= unit;
    now.path.world_from_cam = world_from_first * step.inverse();
    now.path.state = PathState::kTranslating;
    Find(first)->path.state = PathState::kTranslating;
    start_from = std::min(start_from, first);

    // The frames between, from both ends; then those before, as far as the points reach.
    int placed = 0, between = 0;
    for (int64_t i = first + 1; i < now.path.index; ++i) {
      FrameState* frame = Find(i);
      const Pose start = Find(i - 1)->path.world_from_cam.inverse();
      ++between;
      placed += Place(frame, start, false);
    }
    if (2 * placed < between) {
      Abandon();
      return false;
    }
    AddPoints();
    Adjust(15, true);
    for (int64_t i = first - 1; Find(i) != nullptr; --i) {
      FrameState* frame = Find(i);
      if (frame->path.state == PathState::kTranslating) break;
      const Pose before = frame->path.world_from_cam;
      if (!Place(frame, Find(i + 1)->path.world_from_cam.inverse(), false)) {
        frame->path.world_from_cam = before;
        break;
      }
    }
    AddPoints();
    started = true;
    has_scale = true;
    GuessDepths();
    return true;
  }

  // A start that its own frames contradict: back to turning.
  void Abandon() {
    for (auto& [id, track] : tracks) track.has_point = false;
    for (FrameState& frame : frames)
      if (frame.path.index >= start_from && frame.path.state == PathState::kTranslating)
        frame.path.state = PathState::kTurning;
    started = false;
  }

  void Add(int64_t index, const std::vector<TrackSight>& sights) {
    Store(index, sights);
    FrameState& now = frames.back();
    if (!started) {
      Turn(&now);
      if (now.path.state == PathState::kLost) {
        start_from = index;
        return;
      }
      TryStart(NeededParallax());
      return;
    }
    const FrameState* last = Find(index - 1);
    const FrameState* before = Find(index - 2);
    Pose start = last->path.world_from_cam;
    if (before != nullptr)
      start = last->path.world_from_cam *
              (before->path.world_from_cam.inverse() * last->path.world_from_cam);
    if (!Place(&now, start.inverse(), true)) {
      // Out of known points: follow the turning from here and wait for parallax.
      Turn(&now);
      started = false;
      start_from = index;
      return;
    }
    AddPoints();
    if (index % 2 == 0) Adjust(4, false);
    GuessDepths();
  }

  void Finish() {
    if (!started && !frames.empty() && frames.back().path.state != PathState::kLost)
      TryStart(kLeastParallax * options.noise);
  }

  // The frames around `index` that translate without a break and are held by known points.
  SeenPath StretchAround(int64_t index) const {
    const auto translates = [this](int64_t i) {
      const FrameState* frame = Find(i);
      return frame != nullptr && frame->path.state == PathState::kTranslating;
    };
    SeenPath stretch;
    if (!translates(index)) return stretch;
    int64_t first = index, last = index;
    while (translates(first - 1)) --first;
    while (translates(last + 1)) ++last;
    std::vector<const FrameState*> held;
    for (int64_t i = first; i <= last; ++i) {
      const FrameState* frame = Find(i);
      if (static_cast<int>(KnownIn(*frame).size()) < kMinInliers) continue;
      if (!held.empty())
        stretch.length += (frame->path.world_from_cam.translation() -
                           held.back()->path.world_from_cam.translation())
                              .norm();
      held.push_back(frame);
    }
    stretch.camera.fx = stretch.camera.fy = 1;
    stretch.camera.cx = stretch.camera.cy = 0;
    std::map<int64_t, int> point_of;
    for (const size_t k : EvenlyOver(held.size(), kMaxJudged)) {
      const FrameState& frame = *held[k];
      const int number = static_cast<int>(stretch.world_from_cam.size());
      stretch.world_from_cam.push_back(frame.path.world_from_cam);
      for (const int64_t id : frame.ids) {
        const auto it = tracks.find(id);
        if (it == tracks.end() || !it->second.has_point) continue;
        const Sight* sight = SightIn(it->second, frame.path.index);
        if (sight == nullptr) continue;
        const auto [point, is_new] =
            point_of.try_emplace(id, static_cast<int>(stretch.points.size()));
        if (is_new) stretch.points.push_back(it->second.point);
        stretch.sights.push_back({number, point->second, sight->xy});
      }
    }
    return stretch;
  }
};

CameraPath::CameraPath(const CameraPathOptions& options) {
  options.Check();
  impl_ = std::make_unique<Impl>(options);
}
CameraPath::~CameraPath() = default;

void CameraPath::AddFrame(int64_t index, const std::vector<TrackSight>& sights) {
  Require(impl_->frames.empty() || index == impl_->frames.back().path.index + 1,
          Code::kInvalidArgument, "CameraPath: frame indices must ascend by one");
  impl_->Add(index, sights);
}

void CameraPath::Finish() { impl_->Finish(); }

double CameraPath::Uncertainty(int64_t index) const {
  const SeenPath stretch = impl_->StretchAround(index);
  if (stretch.world_from_cam.size() < 3) return 0;
  const double noise = impl_->options.noise;
  const double most = kMostNoises * noise;
  const double sigma =
      std::max(kCorrelatedTrackErrors * RmsOf(stretch, most), kLeastNoises * noise);
  return UncertaintyOf(stretch, {sigma, most, kLeastNoisesOfPath * noise, 0});
}

std::optional<PathFrame> CameraPath::Get(int64_t index) const {
  const auto* frame = impl_->Find(index);
  if (frame == nullptr) return std::nullopt;
  return frame->path;
}

std::vector<PathPoint> CameraPath::PointsIn(int64_t index) const {
  const auto* frame = impl_->Find(index);
  if (frame == nullptr) return {};
  return impl_->KnownIn(*frame);
}

}  // namespace mdvt
