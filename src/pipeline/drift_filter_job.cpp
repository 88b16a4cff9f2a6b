// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/numbers.h"
#include "mdvt/geometry/track_lifting.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/track_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/drift_filter.h"
#include "mdvt/pipeline/graph.h"
#include "pipeline/clip_tracks.h"
#include "pipeline/drift_filter_settings.h"
#include "pipeline/first_frames.h"
#include "pipeline/job_common.h"

namespace mdvt {
namespace {

constexpr size_t kLabelWindow = 15;  // sights
constexpr int64_t kTracksPerBlock = 16;

enum class Label : uint8_t { kOther, kStatic, kSky };

struct Sight {
  ClipSample sample;  // disparity 0: without depth
  float confidence = 1;
  Label label = Label::kOther;
};

using Track = std::vector<Sight>;

// What becomes of a track, or of a part of it.
enum class Fate : uint8_t { kKept, kShort, kSky, kBorder, kDrift };

struct Part {
  size_t begin = 0, end = 0;  // sights
  Fate fate = Fate::kKept;
};

class DriftFilterJob {
 public:
  DriftFilterJob(const DriftFilterJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        files_(options),
        clip_(ReadStereo4dClip(options.clip.File("-clip.json"), options.job.limits)),
        outputs_(options.job.overwrite),
        target_(StageOutputs()),
        poses_(ReadTransformationsFile(files_.poses, options.job.limits)),
        table_(ReadTrackFile(files_.tracks, options.job.limits)),
        depth_(files_.depth, DepthReaderOptions({}, options.job.limits, graph_.pool())) {
    RequireSizeOf(clip_, depth_.info());
    if (!options.label_video.empty()) {
      VideoReaderOptions reading = ReaderOptions(options.job, graph_.pool());
      reading.exact = true;  // classes are no film
      reading.format = PixelFormat::Gray(8);
      labels_.emplace(options.label_video, reading);
      RequireSizeOf(clip_, labels_->info());
    }
    for (const int64_t kind : ParseClasses(options.static_classes).value_or(std::vector<int64_t>()))
      kinds_[static_cast<size_t>(kind)] = Label::kStatic;
    for (const int64_t kind : ParseClasses(options.sky_classes).value_or(std::vector<int64_t>()))
      kinds_[static_cast<size_t>(kind)] = Label::kSky;
    table_.FitPicture(clip_.camera.width, clip_.camera.height);
    tracks_.resize(table_.num_tracks());
    parts_.resize(tracks_.size());
  }

  DriftFilterReport Run() {
    auto depths = graph_.From(FirstFrames(&depth_, options_.job.max_frames));
    if (labels_) {
      auto labels = graph_.From(FirstFrames(&*labels_, options_.job.max_frames));
      const PairNames names{"depth video '" + files_.depth + "'",
                            "label video '" + options_.label_video + "'"};
      graph_.Into(graph_.Zip(std::move(depths), std::move(labels), names),
                  [this](const std::pair<DepthFrame, Frame>& pair) {
                    Look(pair.first.depth, &pair.second.image);
                  });
    } else {
      graph_.Into(std::move(depths),
                  [this](const DepthFrame& frame) { Look(frame.depth, nullptr); });
    }
    graph_.Run("read depth",
               ExpectedFrames(depth_.info().estimated_frames, 0, options_.job.max_frames));
    report_.frames = graph_.frames_done();
    RequirePosesAndTimes(clip_, poses_, files_.poses, report_.frames, files_.depth);
    if (!labels_)
      LogWarning(
          "without --label_video nothing is known of what may move: only tracks that are "
          "seen with depth in fewer than " +
          std::to_string(options_.min_visible) + " frames are left out");
    graph_.pool()->ParallelFor(
        static_cast<int64_t>(tracks_.size()), kTracksPerBlock, [this](int64_t begin, int64_t end) {
          for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
            Judge(&tracks_[i], &parts_[i]);
        });
    Write();
    outputs_.CommitAll();
    return report_;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    for (const std::string* file : {&files_.tracks, &files_.depth, &files_.poses})
      outputs_.AddInput(*file);
    if (options_.emit_pickle) {
      report_.pickle = options_.clip.File("-tapir_remove_drift_tracks.pkl");
      pickle_target_ = outputs_.AddFile(report_.pickle);
    }
    report_.output = DriftFilterOutput(options_);
    return outputs_.AddFile(report_.output);
  }

  void Look(const Image& depth, const Image* labels) {
    const DisparityMap map(depth.Plane<float>(), clip_.camera.fx * clip_.baseline);
    for (const TrackSighting& seen : table_.Frame(number_)) {
      Sight sight;
      sight.sample = {static_cast<int32_t>(number_), seen.x, seen.y, map.Behind(seen.x, seen.y)};
      sight.confidence = seen.confidence;
      if (labels != nullptr) {
        const PlaneView<const uint8_t> plane = labels->Plane<uint8_t>();
        sight.label = kinds_[plane.At(std::clamp(static_cast<int>(seen.x), 0, plane.width - 1),
                                      std::clamp(static_cast<int>(seen.y), 0, plane.height - 1))];
      }
      tracks_[static_cast<size_t>(seen.track)].push_back(sight);
    }
    ++number_;
  }

  // Each label becomes the most frequent one around it.
  static void Smooth(Track* track) {
    std::vector<Label> smooth;
    for (size_t i = 0; i < track->size(); ++i) {
      std::array<int, 3> votes{};
      const size_t begin = i - std::min(i, kLabelWindow / 2);
      const size_t end = std::min(track->size(), i + kLabelWindow / 2 + 1);
      for (size_t k = begin; k < end; ++k) ++votes[static_cast<size_t>((*track)[k].label)];
      // Where two are as frequent its own counts.
      Label best = (*track)[i].label;
      for (const Label other : {Label::kOther, Label::kStatic, Label::kSky})
        if (votes[static_cast<size_t>(other)] > votes[static_cast<size_t>(best)]) best = other;
      smooth.push_back(best);
    }
    for (size_t i = 0; i < smooth.size(); ++i) (*track)[i].label = smooth[i];
  }

  void Judge(Track* track, std::vector<Part>* parts) const {
    const bool original = options_.rules == DriftRules::kOriginal;
    if (labels_ && !original) Smooth(track);
    const std::vector<double> motion = MotionOf(*track);
    // The whole track, or its parts of one label.
    for (size_t begin = 0, end = 0; begin < track->size(); begin = end) {
      for (end = begin + 1; end < track->size(); ++end)
        if (!original && (*track)[end].label != (*track)[begin].label) break;
      parts->push_back({begin, end, FateOf(*track, motion, begin, end)});
    }
  }

  Fate FateOf(const Track& track, const std::vector<double>& motion, size_t begin,
              size_t end) const {
    int64_t with_depth = 0, fixed = 0;
    bool sky = false, drifts = false;
    for (size_t i = begin; i < end; ++i) {
      with_depth += track[i].sample.disparity > 0;
      fixed += track[i].label == Label::kStatic;
      sky = sky || track[i].label == Label::kSky;
      drifts = drifts || (track[i].label == Label::kStatic && motion[i] > options_.drift_px);
    }
    if (sky) return Fate::kSky;
    if (fixed > 0 && fixed < static_cast<int64_t>(end - begin)) return Fate::kBorder;
    if (drifts) return Fate::kDrift;
    return with_depth < options_.min_visible ? Fate::kShort : Fate::kKept;
  }

  // Of each sight; 0 where it has no depth.
  std::vector<double> MotionOf(const Track& track) const {
    std::vector<ClipSample> samples;
    std::vector<size_t> places;
    for (size_t i = 0; i < track.size(); ++i)
      if (track[i].sample.disparity > 0) {
        samples.push_back(track[i].sample);
        places.push_back(i);
      }
    std::vector<double> motion(track.size(), 0);
    if (samples.empty()) return motion;
    const std::vector<LiftObservation> seen = ObservationsOf(samples, clip_, poses_, 1);
    std::vector<Eigen::Vector3d> points;
    for (const LiftObservation& one : seen)
      points.push_back(one.world_from_cam *
                       Unproject(clip_.camera, {one.x, one.y},
                                 clip_.camera.fx * clip_.baseline / one.disparity));
    const std::vector<double> ways = ScreenMotion(points, seen, clip_.camera, kMotionWindow);
    for (size_t i = 0; i < places.size(); ++i) motion[places[i]] = ways[i];
    return motion;
  }

  void Write() {
    std::vector<std::vector<std::pair<int32_t, const Sight*>>> frames(
        static_cast<size_t>(report_.frames));
    int32_t next_id = table_.ids().empty() ? 0 : table_.ids().back();
    for (size_t i = 0; i < tracks_.size(); ++i) {
      if (tracks_[i].empty()) continue;
      ++report_.tracks;
      report_.cut += parts_[i].size() > 1;
      bool is_first = true;
      for (const Part& part : parts_[i]) {
        int64_t* const counts[] = {&report_.kept, &report_.too_short, &report_.sky,
                                   &report_.at_borders, &report_.drifting};
        ++*counts[static_cast<size_t>(part.fate)];
        if (part.fate != Fate::kKept) continue;
        Require(is_first || next_id < INT32_MAX, Code::kLimit, "more than 2^31 tracks");
        const int32_t id = is_first ? table_.ids()[i] : ++next_id;
        is_first = false;
        for (size_t k = part.begin; k < part.end; ++k)
          frames[static_cast<size_t>(tracks_[i][k].sample.frame)].push_back({id, &tracks_[i][k]});
      }
    }
    if (report_.kept == 0)
      LogWarning("no track of '" + files_.tracks + "' is left: every frame of the output is empty");
    TrackTableBuilder builder;
    for (const auto& frame : frames) {
      builder.BeginFrame();
      for (const auto& [id, sight] : frame)
        builder.Add(id, sight->sample.x, sight->sample.y, sight->confidence);
    }
    const TrackTable kept = builder.Finish();
    WriteTrackFile(target_, kept, {clip_.camera.width, clip_.camera.height, true});
    if (pickle_target_) WritePickledTracks(*pickle_target_, kept);
  }

  const DriftFilterJobOptions& options_;
  Graph graph_;
  const ClipTrackFiles files_;
  const Stereo4dClip clip_;
  DriftFilterReport report_;
  OutputSet outputs_;
  std::optional<OutputTarget> pickle_target_;
  OutputTarget target_;
  std::vector<Pose> poses_;
  TrackTable table_;
  DepthVideoReader depth_;
  std::optional<VideoReader> labels_;
  std::array<Label, 256> kinds_{};
  std::vector<Track> tracks_;
  std::vector<std::vector<Part>> parts_;
  int64_t number_ = 0;  // of the frame looked at
};

}  // namespace

DriftFilterReport RunDriftFilterJob(const DriftFilterJobOptions& options,
                                    const RunControl& control) {
  options.Check();
  return DriftFilterJob(options, control).Run();
}

}  // namespace mdvt
