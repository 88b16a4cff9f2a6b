// SPDX-License-Identifier: Apache-2.0
#include "mdvt/tracking/model_tracker.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/median.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/model/resample.h"
#include "tracking/corners.h"
#include "tracking/seeding.h"

namespace mdvt {
namespace {

// Which outputs say what; -1: none does.
struct TrackOutputs {
  int position = -1;
  int visible = -1;
  int confidence = -1;
};

TrackOutputs FindOutputs(const ModelInfo& info) {
  const std::string name = "model '" + info.name + "'";
  Require(info.kind == ModelKind::kTrack, Code::kUnsupported,
          name + " is of kind \"" + ToString(info.kind) + "\", following points needs \"track\"");
  Require(info.inputs.size() == 2 && info.inputs[0].layout.dims == "1TCHW" &&
              info.inputs[1].layout.dims == "1N3",
          Code::kUnsupported, name + " must take frames 1TCHW and queries 1N3");
  Require(info.window.has_value(), Code::kUnsupported,
          name + " does not say how many frames it takes (\"window\")");
  TrackOutputs found;
  for (size_t i = 0; i < info.outputs.size(); ++i) {
    const ModelOutputInfo& output = info.outputs[i];
    const bool is_chance =
        output.quantity == Quantity::kProbability || output.quantity == Quantity::kLogit;
    int* const place = output.quantity == Quantity::kPosition              ? &found.position
                       : !is_chance                                        ? nullptr
                       : output.name == "confidence" || found.visible >= 0 ? &found.confidence
                                                                           : &found.visible;
    if (place != nullptr && *place < 0) *place = static_cast<int>(i);
  }
  Require(found.position >= 0 && found.visible >= 0, Code::kUnsupported,
          name + " must give positions and how visible they are");
  return found;
}

// Between the picture's edge coordinates and the network's pixels.
class PixelMap {
 public:
  PixelMap(const SizePlan& plan, ResampleKind kind, double center) : center_(center) {
    const bool corners = kind == ResampleKind::kBilinearAlignCorners;
    const auto axis = [&](int from, int to, int offset, int before) {
      // idx_network = scale * idx_picture + shift, both from the centre of the first pixel on.
      Axis one;
      one.scale = corners ? (from > 1 ? (to - 1.0) / (from - 1.0) : 1) : double(to) / from;
      one.shift = offset + (corners ? one.scale * before : one.scale * (before + 0.5) - 0.5);
      return one;
    };
    x_ = axis(plan.padded.width, plan.content.width, plan.content.x, plan.picture.x);
    y_ = axis(plan.padded.height, plan.content.height, plan.content.y, plan.picture.y);
  }
  Eigen::Vector2d ToNetwork(const Eigen::Vector2d& p) const {
    return {x_.scale * (p.x() - 0.5) + x_.shift + center_,
            y_.scale * (p.y() - 0.5) + y_.shift + center_};
  }
  Eigen::Vector2d ToPicture(const Eigen::Vector2d& p) const {
    return {(p.x() - center_ - x_.shift) / x_.scale + 0.5,
            (p.y() - center_ - y_.shift) / y_.scale + 0.5};
  }

 private:
  struct Axis {
    double scale = 1;
    double shift = 0;
  };
  double center_;
  Axis x_, y_;
};

struct Query {
  int frame = 0;  // of the window
  Eigen::Vector2d position = Eigen::Vector2d::Zero();
};

struct Sighting {
  bool seen = false;
  Eigen::Vector2d position = Eigen::Vector2d::Zero();
  double confidence = 0;
};
using Way = std::vector<Sighting>;  // one entry per frame of a window

// A track that may go on: where the window before saw it in the frames of the overlap.
struct Carried {
  int64_t id = 0;
  Way overlap;
};

}  // namespace

void CheckTrackModel(const ModelInfo& info) { FindOutputs(info); }

void ModelTrackerOptions::Check() const {
  const auto in = [](const char* name, double value, double low, double high) {
    Require(value >= low && value <= high, Code::kInvalidArgument,
            std::string("ModelTrackerOptions.") + name + " = " + FormatDouble(value) +
                ", must be in [" + FormatDouble(low) + ", " + FormatDouble(high) + "]");
  };
  Require(width > 0 && height > 0, Code::kInvalidArgument,
          "ModelTrackerOptions: width and height must be above 0");
  in("overlap", overlap, 2, 1024);
  if (window != 0) in("window", window, 2 * overlap, 4096);
  in("min_visible", min_visible, 0, 0.999999);
  in("min_confidence", min_confidence, 0, 0.999999);
  in("max_stitch", max_stitch, 1e-6, 100);
  in("min_length", min_length, 1, 1000);
  in("max_points", max_points, 1, 100000);
  in("min_distance", min_distance, 1, 1000);
  in("quality", quality, 1e-12, 0.999999);
  in("border", border, 0, 100);
  in("seed_every", seed_every, 0, 1000000);
  in("seed_below", seed_below, 0, 1);
  in("block", block, 1, 100000);
  in("support_grid", support_grid, 0, 32);
}

struct ModelTracker::Impl {
  Impl(std::shared_ptr<const Model> the_model, const ModelTrackerOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        outputs(FindOutputs(model->info())),
        to_tensor(model->info().inputs[0].resample, {options.width, options.height},
                  model->info().inputs[0].size),
        map(to_tensor.plan(), model->info().inputs[0].resample, model->info().pixel_center) {
    const ModelWindow& window = *model->info().window;
    length = options.window > 0 ? options.window : window.length;
    const std::string name = "model '" + model->info().name + "'";
    Require(window.dynamic ? length <= window.length && length % window.multiple == 0
                           : length == window.length,
            Code::kInvalidArgument,
            "window = " + std::to_string(length) + ": " + name + " takes " +
                (window.dynamic ? "at most " + std::to_string(window.length) +
                                      " frames, a multiple of " + std::to_string(window.multiple)
                                : std::to_string(window.length)));
    Require(length >= 2 * options.overlap, Code::kInvalidArgument,
            name + " takes " + std::to_string(length) +
                " frames, fewer than twice the overlap of " + std::to_string(options.overlap));
  }

  // ---- The frames of the window.

  void Add(TrackingFrame frame) {
    const auto fits = [&](const Image& image, const PixelFormat& format) {
      return image.format() == format && image.width() == options.width &&
             image.height() == options.height;
    };
    Require(fits(frame.luma, PixelFormat::Gray(8)) && fits(frame.rgb, PixelFormat::Rgb(8)) &&
                (frame.allowed.empty() || fits(frame.allowed, PixelFormat::Gray(8))),
            Code::kInvalidArgument,
            "ModelTracker: a frame must be Gray(8) and Rgb(8) of " +
                FormatSize(options.width, options.height));
    if (cut_detector.IsCut(frame.luma.Plane<uint8_t>(), 0, 0)) {
      ++cuts;
      EndShot();
    }
    const PixelSize network = to_tensor.plan().network;
    std::vector<float> picture(3 * static_cast<size_t>(network.width) *
                               static_cast<size_t>(network.height));
    to_tensor.Run(frame.rgb.view(), picture.data(), pool);
    if (model->info().inputs[0].range == InputRange::kMinusOneToOne)
      for (float& value : picture) value = 2 * value - 1;
    frame.rgb = Image();
    frames.push_back(std::move(frame));
    pictures.push_back(std::move(picture));
    rows.emplace_back();
    if (static_cast<int>(frames.size()) == length) RunWindow(false);
  }

  void EndShot() {
    if (!frames.empty()) RunWindow(true);
    carried.clear();
    shot_frame = 0;
    live_after_seeding = 0;
    is_first = true;
  }

  // Frames before `count` are done with.
  void Give(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      std::sort(rows.front().begin(), rows.front().end(),
                [](const TrackedPoint& a, const TrackedPoint& b) { return a.id < b.id; });
      ready.push_back(std::move(rows.front()));
      rows.pop_front();
      frames.pop_front();
      pictures.pop_front();
    }
    shot_frame += static_cast<int64_t>(count);
    given += static_cast<int64_t>(count);
  }

  // ---- The network.

  // Frames of one pass for the window as it is: more than there are where the network demands it.
  int PassFrames() const {
    const ModelWindow& window = *model->info().window;
    const int count = static_cast<int>(frames.size());
    if (!window.dynamic) return window.length;
    const int least = std::max(count, window.min_length);
    return (least + window.multiple - 1) / window.multiple * window.multiple;
  }

  std::vector<Way> Follow(const std::vector<Query>& queries) {
    std::vector<Way> ways;
    ways.reserve(queries.size());
    if (queries.empty()) return ways;
    const PixelSize network = to_tensor.plan().network;
    const int64_t picture = int64_t{3} * network.width * network.height;
    const int passed = PassFrames();
    clip.Resize({1, passed, 3, network.height, network.width});
    for (int t = 0; t < passed; ++t) {
      const auto from = std::min(static_cast<size_t>(t), pictures.size() - 1);
      std::copy(pictures[from].begin(), pictures[from].end(), clip.data() + t * picture);
    }
    for (size_t first = 0; first < queries.size(); first += static_cast<size_t>(options.block)) {
      const size_t count = std::min(queries.size() - first, static_cast<size_t>(options.block));
      FollowBlock(&queries[first], count, passed, &ways);
    }
    return ways;
  }

  void FollowBlock(const Query* queries, size_t count, int passed, std::vector<Way>* ways) {
    const int grid = options.support_grid;
    const size_t all = count + static_cast<size_t>(grid) * static_cast<size_t>(grid);
    query_tensor.Resize({1, static_cast<int64_t>(all), 3});
    float* to = query_tensor.data();
    const auto put = [&](int frame, const Eigen::Vector2d& position) {
      const Eigen::Vector2d at = map.ToNetwork(position);
      *to++ = static_cast<float>(frame);
      *to++ = static_cast<float>(at.x());
      *to++ = static_cast<float>(at.y());
    };
    for (size_t i = 0; i < count; ++i) put(queries[i].frame, queries[i].position);
    for (int y = 0; y < grid; ++y)
      for (int x = 0; x < grid; ++x)
        put(0, {(x + 0.5) * options.width / grid, (y + 0.5) * options.height / grid});
    try {
      model->Run({clip, query_tensor}, &results);
    } catch (const Error& error) {
      throw Error(error.code(), "frames from " + std::to_string(given) + " on: " + error.what());
    }
    const Tensor& positions = results[static_cast<size_t>(outputs.position)];
    const auto chance = [&](int output, int64_t at) {
      if (output < 0) return 1.0;
      const auto value = static_cast<double>(results[static_cast<size_t>(output)][at]);
      const bool is_logit =
          model->info().outputs[static_cast<size_t>(output)].quantity == Quantity::kLogit;
      return is_logit ? 1 / (1 + std::exp(-value)) : value;
    };
    Require(positions.size() == int64_t{passed} * static_cast<int64_t>(all) * 2, Code::kCorrupt,
            "model '" + model->info().name + "' gave positions of shape " +
                ToString(positions.shape()));
    for (size_t i = 0; i < count; ++i) {
      Way way(frames.size());
      for (size_t t = 0; t < frames.size(); ++t) {
        const auto at = static_cast<int64_t>(t * all + i);
        Sighting& sighting = way[t];
        sighting.position = map.ToPicture(
            {static_cast<double>(positions[2 * at]), static_cast<double>(positions[2 * at + 1])});
        const double visible = chance(outputs.visible, at);
        sighting.confidence = std::clamp(visible * chance(outputs.confidence, at), 0.0, 1.0);
        // The query is where it was asked for. Before it there is nothing to be known.
        const int frame = static_cast<int>(t) - queries[i].frame;
        if (frame == 0) {
          sighting.position = queries[i].position;
          sighting.confidence = 1;
        }
        sighting.seen = frame == 0 || (frame > 0 && visible > options.min_visible &&
                                       sighting.confidence >= options.min_confidence);
        sighting.seen = sighting.seen && IsAllowed(t, sighting.position);
      }
      ways->push_back(std::move(way));
    }
  }

  bool IsAllowed(size_t frame, const Eigen::Vector2d& p) const {
    const double border = options.border;
    if (!(p.x() > border && p.y() > border && p.x() < options.width - border &&
          p.y() < options.height - border))
      return false;
    const Image& allowed = frames[frame].allowed;
    return allowed.empty() ||
           allowed.Plane<uint8_t>().At(static_cast<int>(p.x()), static_cast<int>(p.y())) != 0;
  }

  // ---- Tracks.

  void AddWay(int64_t id, const Way& way, size_t from) {
    for (size_t t = from; t < way.size(); ++t)
      if (way[t].seen) rows[t].push_back({id, way[t].position, way[t].confidence});
    live.push_back({id, way});
  }

  // Tracks of the window before that this one follows alike.
  void GoOn() {
    const size_t overlap = static_cast<size_t>(options.overlap);
    std::vector<Query> queries;
    std::vector<const Carried*> asked;
    for (const Carried& track : carried) {
      const int middle = options.overlap / 2;
      int best = -1;
      for (int t = 0; t < options.overlap; ++t) {
        const bool nearer = best < 0 || std::abs(t - middle) < std::abs(best - middle);
        if (track.overlap[static_cast<size_t>(t)].seen && nearer) best = t;
      }
      if (best < 0) continue;
      queries.push_back({best, track.overlap[static_cast<size_t>(best)].position});
      asked.push_back(&track);
    }
    const std::vector<Way> ways = Follow(queries);
    for (size_t i = 0; i < ways.size(); ++i) {
      const auto from = static_cast<size_t>(queries[i].frame);
      std::vector<double> apart;
      for (size_t t = from + 1; t < overlap; ++t) {
        const Sighting& before = asked[i]->overlap[t];
        if (before.seen && ways[i][t].seen)
          apart.push_back((before.position - ways[i][t].position).norm());
      }
      if (!apart.empty() && Median(&apart) > options.max_stitch) continue;
      const int64_t id = asked[i]->id;
      for (size_t t = from; t < overlap; ++t)
        rows[t].erase(std::remove_if(rows[t].begin(), rows[t].end(),
                                     [id](const TrackedPoint& p) { return p.id == id; }),
                      rows[t].end());
      AddWay(id, ways[i], from);
    }
  }

  // Where points are in a frame, x and y in turn, also those that are hidden there for a while.
  std::vector<float> PlacesTaken(size_t t) const {
    std::vector<float> xy;
    const auto add = [&xy](const Eigen::Vector2d& position) {
      xy.push_back(static_cast<float>(position.x() - 0.5));
      xy.push_back(static_cast<float>(position.y() - 0.5));
    };
    for (const TrackedPoint& p : rows[t]) add(p.position);
    const auto is_seen = [](const Sighting& sighting) { return sighting.seen; };
    for (const auto& [id, way] : live) {
      const auto now = way.begin() + static_cast<ptrdiff_t>(t);
      if (!now->seen && std::any_of(way.begin(), now, is_seen) &&
          std::any_of(now, way.end(), is_seen))
        add(now->position);
    }
    return xy;
  }

  void Seed(size_t t) {
    const std::vector<float> taken_xy = PlacesTaken(t);
    tracking::TakenSpace taken;
    taken.xy = taken_xy.data();
    taken.count = taken_xy.size() / 2;
    taken.radius = options.min_distance;
    taken.border = options.border;
    if (!frames[t].allowed.empty()) taken.allowed = frames[t].allowed.Plane<uint8_t>();
    const auto find =
        options.seeding == PointSeeding::kGrid ? tracking::FindGridPoints : tracking::FindCorners;
    const int missing = options.max_points - static_cast<int>(taken.count);
    const std::vector<Eigen::Vector2i> seeds = find(
        frames[t].luma.Plane<uint8_t>(), tracking::FreeSpace(options.width, options.height, taken),
        {missing, options.quality, options.min_distance});
    std::vector<Query> queries;
    for (const Eigen::Vector2i& seed : seeds)
      queries.push_back({static_cast<int>(t), seed.cast<double>() + Eigen::Vector2d(0.5, 0.5)});
    for (const Way& way : Follow(queries)) {
      const auto seen =
          std::count_if(way.begin(), way.end(), [](const Sighting& s) { return s.seen; });
      if (seen >= std::min<ptrdiff_t>(options.min_length, static_cast<ptrdiff_t>(way.size())))
        AddWay(next_id++, way, t);
    }
    live_after_seeding = PlacesTaken(t).size() / 2;
  }

  bool WantsSeeds(size_t t) const {
    const int64_t frame = shot_frame + static_cast<int64_t>(t);
    if (is_first && t == 0) return true;
    if (options.seed_every > 0 && frame % options.seed_every == 0) return true;
    return static_cast<double>(PlacesTaken(t).size()) / 2 <
           options.seed_below * static_cast<double>(live_after_seeding);
  }

  void RunWindow(bool is_last) {
    const size_t overlap = static_cast<size_t>(options.overlap);
    // What the window before has seen needs no other look.
    if (is_first || frames.size() > overlap) {
      live.clear();
      if (!is_first) GoOn();
      // The frames that the next window will see again are left to it.
      const size_t begin = is_first ? 0 : overlap / 2;
      const size_t end = is_last ? frames.size() : frames.size() - overlap;
      for (size_t t = begin; t < end; ++t)
        if (WantsSeeds(t)) Seed(t);
    }
    is_first = false;
    if (is_last) return Give(frames.size());
    const size_t done = frames.size() - overlap;
    carried.clear();
    for (const auto& [id, way] : live)
      carried.push_back({id, Way(way.begin() + static_cast<ptrdiff_t>(done), way.end())});
    Give(done);
  }

  std::shared_ptr<const Model> model;
  ModelTrackerOptions options;
  ThreadPool* pool;
  TrackOutputs outputs;
  PictureToTensor to_tensor;
  PixelMap map;
  int length = 0;

  SceneCutDetector cut_detector;
  int64_t cuts = 0;
  std::deque<TrackingFrame> frames;  // of the window, without their RGB
  std::deque<std::vector<float>> pictures;
  std::deque<FramePoints> rows;
  int64_t given = 0;       // frames given out
  int64_t shot_frame = 0;  // of the window's first one
  bool is_first = true;    // window of its shot
  std::vector<Carried> carried;
  std::vector<std::pair<int64_t, Way>> live;  // of this window
  size_t live_after_seeding = 0;
  int64_t next_id = 0;
  Tensor clip, query_tensor;
  std::vector<Tensor> results;
  std::deque<FramePoints> ready;
};

ModelTracker::ModelTracker(std::shared_ptr<const Model> model, const ModelTrackerOptions& options,
                           ThreadPool* pool) {
  options.Check();
  Require(model != nullptr, Code::kInvalidArgument, "ModelTracker: no model");
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
ModelTracker::~ModelTracker() = default;

int ModelTracker::latency() const { return impl_->length; }
void ModelTracker::Push(TrackingFrame frame) { impl_->Add(std::move(frame)); }
void ModelTracker::Finish() { impl_->EndShot(); }
int64_t ModelTracker::cuts() const { return impl_->cuts; }

std::optional<FramePoints> ModelTracker::Pop() {
  if (impl_->ready.empty()) return std::nullopt;
  FramePoints points = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  return points;
}

}  // namespace mdvt
