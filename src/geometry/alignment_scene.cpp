// SPDX-License-Identifier: Apache-2.0
#include "alignment_scene.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/geometry/triangulation.h"

namespace mdvt {
namespace {

size_t U(int index) { return static_cast<size_t>(index); }

// Well mixed bits of two numbers.
uint32_t Hash(uint32_t a, uint32_t b) {
  uint64_t x = (static_cast<uint64_t>(a) << 32) | b;
  x = (x ^ (x >> 31)) * 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
  return static_cast<uint32_t>(x >> 32);
}

constexpr double kMostPixels = 4;     // off: the sighting is none of the point
constexpr double kMostChi2 = 9;       // per degree of freedom
constexpr double kScaleSigma = 0.10;  // of the logarithm of a map's scale
constexpr double kOtherDepths = 3;    // times the sigma: the errors of a track's depths are alike

}  // namespace

AlignmentScene::AlignmentScene(const TrackTable& table, const std::vector<float>& depths,
                               const AlignmentOptions& o)
    : camera(o.camera), options(o), depth_sigma(o.depth_sigma), scale_change(o.scale_change) {
  const auto n = static_cast<int>(table.num_frames());
  frames.resize(U(n));
  tracks.resize(table.num_tracks());
  size_t at = 0;
  for (int f = 0; f < n; ++f) {
    starts.push_back(static_cast<int>(sights.size()));
    for (const TrackSighting& seen : table.Frame(f)) {
      SceneSight sight;
      sight.frame = f;
      sight.track = seen.track;
      sight.xy = {seen.x, seen.y};
      sight.depth = depths[at++];
      sights.push_back(sight);
    }
  }
  starts.push_back(static_cast<int>(sights.size()));
  ChooseTracks(table);
  FindShots();
  KeepToShots();
  median_depth_ = MedianDepth();
  if (!o.start.empty())
    for (int f = 0; f < n; ++f) frames[U(f)].world_from_cam = o.start[U(f)];
}

// The longest tracks, as many as a frame may have.
void AlignmentScene::ChooseTracks(const TrackTable& table) {
  std::vector<std::vector<int>> of_track(table.num_tracks());
  for (size_t i = 0; i < sights.size(); ++i)
    of_track[U(sights[i].track)].push_back(static_cast<int>(i));
  std::vector<int> order(of_track.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    if (of_track[U(a)].size() != of_track[U(b)].size())
      return of_track[U(a)].size() > of_track[U(b)].size();
    return Hash(static_cast<uint32_t>(a), 1) < Hash(static_cast<uint32_t>(b), 1);
  });
  std::vector<int> count(frames.size(), 0);
  for (const int track : order) {
    auto& list = of_track[U(track)];
    if (list.size() < 2) break;
    bool room = false;
    for (const int i : list) room |= count[U(sights[U(i)].frame)] < options.max_tracks;
    if (!room) continue;
    for (const int i : list) {
      SceneSight& sight = sights[U(i)];
      ++count[U(sight.frame)];
      sight.held_out = list.size() >= 5 && Hash(static_cast<uint32_t>(table.ids()[U(track)]),
                                                static_cast<uint32_t>(sight.frame)) %
                                                   20 ==
                                               0;
    }
    tracks[U(track)].sights = std::move(list);
  }
  // Sights of tracks that are not used take no part at all.
  for (SceneSight& sight : sights)
    if (tracks[U(sight.track)].sights.empty()) sight.outlier = true;
}

void AlignmentScene::FindShots() {
  const int n = num_frames();
  size_t next_cut = 0;
  for (int f = 0; f < n; ++f) {
    bool begins = f == 0;
    while (next_cut < options.cuts.size() && options.cuts[next_cut] <= f)
      begins |= options.cuts[next_cut++] == f;
    if (!begins) {
      // Whether any track leads from before this frame into it or beyond.
      begins = true;
      for (int i = starts[U(f)]; i < starts[U(f) + 1] && begins; ++i) {
        const auto& list = tracks[U(sights[U(i)].track)].sights;
        begins = list.empty() || sights[U(list.front())].frame >= f ||
                 sights[U(list.front())].frame < shots.back().first;
      }
      // A frame without points says nothing: it stays with the frame before it.
      if (starts[U(f)] == starts[U(f) + 1]) begins = false;
    }
    if (begins) {
      if (!shots.empty()) shots.back().end = f;
      shots.emplace_back();
      shots.back().first = f;
      shots.back().motion = options.motion;
      shots.back().noise_px = options.noise_px;
    }
  }
  if (!shots.empty()) shots.back().end = n;
}

// A track belongs to the shot that it begins in.
void AlignmentScene::KeepToShots() {
  for (SceneTrack& track : tracks) {
    if (track.sights.empty()) continue;
    const int end = ShotOf(sights[U(track.sights.front())].frame).end;
    while (sights[U(track.sights.back())].frame >= end) {
      sights[U(track.sights.back())].outlier = true;
      track.sights.pop_back();
    }
  }
}

double AlignmentScene::MedianDepth() const {
  std::vector<double> depths;
  for (const SceneSight& sight : sights)
    if (sight.depth > 0) depths.push_back(sight.depth);
  return depths.empty() ? 1 : Median(&depths);
}

const SceneShot& AlignmentScene::ShotOf(int frame) const {
  const auto shot = std::upper_bound(shots.begin(), shots.end(), frame,
                                     [](int f, const SceneShot& s) { return f < s.end; });
  return shot == shots.end() ? shots.back() : *shot;
}

double AlignmentScene::DepthOf(const SceneSight& sight) const {
  if (!(sight.depth > 0)) return 0;
  const AlignedFrame& frame = frames[U(sight.frame)];
  const double inverse = frame.depth_scale / sight.depth + frame.depth_shift;
  return inverse > 1e-9 ? 1 / inverse : 0;
}

double AlignmentScene::ResidualOf(const SceneSight& sight) const {
  const Eigen::Vector3d p =
      frames[U(sight.frame)].world_from_cam.inverse() * tracks[U(sight.track)].point;
  if (!(p.z() > 1e-3 * p.norm())) return std::numeric_limits<double>::infinity();
  return (Project(camera, p) - sight.xy).norm();
}

std::vector<DepthMatch> AlignmentScene::Matches(int frame1, int frame2,
                                                std::vector<int>* tracks_out) const {
  std::vector<DepthMatch> matches;
  int i = starts[U(frame1)], j = starts[U(frame2)];
  while (i < starts[U(frame1) + 1] && j < starts[U(frame2) + 1]) {
    const SceneSight &a = sights[U(i)], &b = sights[U(j)];
    if (a.track < b.track) {
      ++i;
    } else if (b.track < a.track) {
      ++j;
    } else {
      if (Usable(a) && Usable(b)) {
        matches.push_back({Normalised(a.xy), Normalised(b.xy), a.depth, b.depth});
        if (tracks_out != nullptr) tracks_out->push_back(a.track);
      }
      ++i;
      ++j;
    }
  }
  return matches;
}

void AlignmentScene::PlaceByDepth(int frame, bool by_ray) {
  for (int i = starts[U(frame)]; i < starts[U(frame) + 1]; ++i) {
    const SceneSight& sight = sights[U(i)];
    SceneTrack& track = tracks[U(sight.track)];
    if (track.placed || !Usable(sight)) continue;
    double depth = DepthOf(sight);
    if (by_ray && !(depth > 0)) depth = 10 * median_depth_;  // any distance along the ray will do
    if (!(depth > 0)) continue;
    track.point = frames[U(frame)].world_from_cam * Unproject(camera, sight.xy, depth);
    track.placed = true;
  }
}

void AlignmentScene::PlaceByRays(const std::vector<int>& in_frames, bool turning) {
  std::vector<char> wanted(frames.size(), 0);
  for (const int f : in_frames) wanted[U(f)] = 1;
  TriangulationOptions rules;
  rules.max_error = 2 * kMostPixels / camera.fx;
  rules.max_rms = kMostPixels / camera.fx;
  std::vector<PointView> views;
  for (SceneTrack& track : tracks) {
    if (track.placed || track.moving) continue;
    views.clear();
    const SceneSight* one = nullptr;
    for (const int i : track.sights) {
      const SceneSight& sight = sights[U(i)];
      if (!wanted[U(sight.frame)] || !Usable(sight)) continue;
      if (views.size() < 64)
        views.push_back({frames[U(sight.frame)].world_from_cam.inverse(), Normalised(sight.xy)});
      one = &sight;
    }
    if (views.size() < 2) continue;
    const TriangulatedPoint point = turning ? TriangulatedPoint() : Triangulate(views, rules);
    if (point.ok()) {
      track.point = point.point;
    } else if (turning || point.status == TriangulationStatus::kNoParallax) {
      track.point = frames[U(one->frame)].world_from_cam *
                    Unproject(camera, one->xy, (turning ? 10 : 50) * median_depth_);
    } else {
      continue;
    }
    track.placed = true;
  }
}

BundleProblem AlignmentScene::Problem(const ScenePart& part, std::vector<int>* point_tracks) const {
  BundleProblem problem;
  std::vector<int> index(frames.size(), -1);
  std::vector<char> turning(frames.size(), 0);
  for (size_t k = 0; k < part.frames.size(); ++k) {
    const int f = part.frames[k];
    index[U(f)] = static_cast<int>(k);
    const AlignedFrame& frame = frames[U(f)];
    turning[U(f)] = ShotOf(f).motion == CameraMotion::kRotation;
    problem.poses.push_back(
        {frame.world_from_cam, part.held[k] != 0, part.held[k] != 0 || turning[U(f)] != 0});
    problem.cameras.push_back({static_cast<int>(k), 0, -1});
    BundleDepthMap map;
    map.scale = frame.depth_scale;
    map.shift = frame.depth_shift;
    map.scale_held = turning[U(f)] != 0;
    map.shift_held = !options.free_shift || turning[U(f)] != 0;
    problem.depth_maps.push_back(map);
  }
  problem.lenses.push_back({camera, true});
  std::vector<const SceneSight*> used;
  for (size_t t = 0; t < tracks.size(); ++t) {
    const SceneTrack& track = tracks[t];
    if (!track.placed || track.moving) continue;
    used.clear();
    int with_depth = 0;
    for (const int i : track.sights) {
      const SceneSight& sight = sights[U(i)];
      if (index[U(sight.frame)] < 0 || !Usable(sight)) continue;
      used.push_back(&sight);
      with_depth += sight.depth > 0 && !turning[U(sight.frame)];
    }
    if (used.size() < 2) continue;
    const auto point = static_cast<int>(problem.points.size());
    problem.points.push_back({track.point, false});
    point_tracks->push_back(static_cast<int>(t));
    int depth_number = 0;
    for (const SceneSight* sight : used) {
      const int at = index[U(sight->frame)];
      problem.sights.push_back({at, point, sight->xy, ShotOf(sight->frame).noise_px});
      if (!(sight->depth > 0) || turning[U(sight->frame)]) continue;
      const bool anchor = depth_number++ == with_depth / 2;
      problem.depths.push_back(
          {at, point, at, sight->depth, depth_sigma * (anchor ? 1 : kOtherDepths)});
    }
  }
  problem.sight_loss = {BundleLoss::Kind::kCauchy, 2};
  problem.depth_loss = {BundleLoss::Kind::kCauchy, 1};
  AddScalePriors(part, &problem);
  return problem;
}

// Metric maps have scales near 1 that change slowly. Where nothing may be known of the scales, one
// map of each shot keeps the size of the world.
void AlignmentScene::AddScalePriors(const ScenePart& part, BundleProblem* problem) const {
  std::vector<char> has_depth(part.frames.size(), 0);
  for (const BundleDepth& depth : problem->depths) has_depth[U(depth.map)] = 1;
  int last = -1, last_shot = -1;
  for (size_t k = 0; k < part.frames.size(); ++k) {
    BundleDepthMap& map = problem->depth_maps[k];
    if (!has_depth[k]) {
      map.scale_held = map.shift_held = true;
      continue;
    }
    const int f = part.frames[k], at = static_cast<int>(k);
    const int shot = ShotOf(f).first;
    if (part.free_scales) {
      if (shot != last_shot) map.scale_held = true;
    } else {
      BundleDepthMapPrior prior;
      prior.map = at;
      prior.sigma_scale = kScaleSigma;
      if (options.free_shift) prior.sigma_shift = 0.3 / median_depth_;
      problem->depth_map_priors.push_back(prior);
      if (last >= 0 && shot == last_shot) {
        const double gap = std::sqrt(static_cast<double>(f - part.frames[U(last)]));
        BundleDepthMapChange change;
        change.a = last;
        change.b = at;
        change.sigma_scale = scale_change * gap;
        if (options.free_shift) change.sigma_shift = 0.1 / median_depth_ * gap;
        problem->depth_map_changes.push_back(change);
      }
    }
    last = at;
    last_shot = shot;
  }
}

void AlignmentScene::Adjust(const ScenePart& part, int iterations, double tolerance,
                            const RunControl& control) {
  std::vector<int> point_tracks;
  BundleProblem problem = Problem(part, &point_tracks);
  if (problem.sights.empty()) return;
  BundleOptions bundle;
  bundle.max_iterations = iterations;
  bundle.tolerance = tolerance;
  try {
    SolveBundle(&problem, bundle, control);
  } catch (const Error& error) {
    if (error.code() != Code::kRefused) throw;
    return;  // all points behind their cameras: Reject() will tell
  }
  for (size_t k = 0; k < part.frames.size(); ++k) {
    AlignedFrame& frame = frames[U(part.frames[k])];
    frame.world_from_cam = problem.poses[k].pose;
    frame.depth_scale = problem.depth_maps[k].scale;
    frame.depth_shift = problem.depth_maps[k].shift;
  }
  for (size_t i = 0; i < point_tracks.size(); ++i)
    tracks[U(point_tracks[i])].point = problem.points[i].in_world;
}

int64_t AlignmentScene::Reject(const std::vector<int>& in_frames) {
  std::vector<char> wanted(frames.size(), 0);
  for (const int f : in_frames) wanted[U(f)] = 1;
  int64_t changed = 0;
  std::vector<double> misfits;
  for (SceneTrack& track : tracks) {
    if (!track.placed) continue;
    misfits.clear();
    double chi2 = 0;
    int terms = 0, depth_number = 0, with_depth = 0;
    for (const int i : track.sights)
      with_depth += wanted[U(sights[U(i)].frame)] && sights[U(i)].depth > 0;
    for (const int i : track.sights) {
      SceneSight& sight = sights[U(i)];
      if (!wanted[U(sight.frame)] || sight.held_out) continue;
      const double off = ResidualOf(sight);
      const bool outlier = !(off <= kMostPixels);
      changed += outlier != sight.outlier;
      sight.outlier = outlier;
      misfits.push_back(std::min(off, 1e6) / options.noise_px);
      chi2 += std::min(misfits.back() * misfits.back(), 400.0);
      terms += 2;
      const double depth = DepthOf(sight);
      if (!(depth > 0) || ShotOf(sight.frame).motion == CameraMotion::kRotation) continue;
      const bool anchor = depth_number++ == with_depth / 2;
      const Pose cam_from_world = frames[U(sight.frame)].world_from_cam.inverse();
      const double z = std::max(1e-6, (cam_from_world * track.point).z());
      const double d = std::log(z / depth) / (options.depth_sigma * (anchor ? 1 : kOtherDepths));
      chi2 += std::min(d * d, 100.0);
    }
    if (misfits.empty()) continue;
    // A depth of its own in every frame would explain the depths and what lies along the rays.
    const double per_freedom = chi2 / std::max(1, terms - 3);
    track.misfit = std::max(Median(&misfits), kMostMisfit * std::sqrt(per_freedom / kMostChi2));
    // One that drifts a little on what is at rest does harm too, beside many that do not.
    const double noise = ShotOf(sights[U(track.sights.front())].frame).noise_px;
    const bool drifts = Median(&misfits) * options.noise_px > kMostMisfit * noise;
    const bool moving = track.misfit > kMostMisfit || drifts;
    changed += moving != track.moving;
    track.moving = moving;
  }
  return changed;
}

}  // namespace mdvt
