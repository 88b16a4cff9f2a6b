// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/motion_depth.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <utility>

#include "core/median.h"
#include "mdvt/core/count.h"
#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/geometry/camera_path.h"
#include "mdvt/geometry/path_uncertainty.h"
#include "mdvt/tracking/dense_flow.h"
#include "mdvt/tracking/point_tracker.h"
#include "mdvt/tracking/scene_cut.h"
#include "motion_dense.h"
#include "motion_picture.h"
#include "pipeline/camera_outputs.h"

namespace mdvt {
namespace {

// Long side of the pictures kept for the enlargement of the depth, if work is not on larger ones.
constexpr int kGuideSide = 960;
// And of those that depth is computed on, if tracking works on larger ones.
constexpr int kDenseSide = 640;
constexpr double kTrackingNoise = 0.35;  // pixels
constexpr int64_t kJudgedEvery = 8;      // frames: how well the path is known changes slowly

}  // namespace

void MotionDepthOptions::Check() const {
  camera.Check();
  for (size_t i = 0; i < xfovs_deg.size(); ++i)
    Require(xfovs_deg[i] > 0 && xfovs_deg[i] < 180, Code::kInvalidArgument,
            "MotionDepthOptions.xfovs_deg[" + std::to_string(i) + "] must be in (0, 180) degrees");
  Require(scene_scale > 0 && scene_scale <= 10000, Code::kInvalidArgument,
          "MotionDepthOptions.scene_scale must be in (0, 10000] metres");
  Require(working_side >= 64 && working_side <= 4096, Code::kInvalidArgument,
          "MotionDepthOptions.working_side must be in [64, 4096] pixels");
  Require(lookahead >= 2 && lookahead <= 64, Code::kInvalidArgument,
          "MotionDepthOptions.lookahead must be in [2, 64] frames");
}

struct MotionDepthEstimator::Impl {
  Impl(const MotionDepthOptions& o, ThreadPool* p)
      : options(o), pool(p), tracker(TrackerOptions(o)), dense(o.scene_scale, o.confidence, p) {
    const double ratio = std::min(
        1.0, static_cast<double>(o.working_side) / std::max(o.camera.width, o.camera.height));
    width = std::max(1, static_cast<int>(std::lround(o.camera.width * ratio)));
    height = std::max(1, static_cast<int>(std::lround(o.camera.height * ratio)));
    const double dense_ratio =
        std::min(1.0, static_cast<double>(kDenseSide) / std::max(width, height));
    dense_width = std::max(1, static_cast<int>(std::lround(width * dense_ratio)));
    dense_height = std::max(1, static_cast<int>(std::lround(height * dense_ratio)));
    const double guide_side = std::max(kGuideSide, o.working_side);
    const double guide_ratio =
        std::min(1.0, guide_side / std::max(o.camera.width, o.camera.height));
    guide_width = std::max(1, static_cast<int>(std::lround(o.camera.width * guide_ratio)));
    guide_height = std::max(1, static_cast<int>(std::lround(o.camera.height * guide_ratio)));
    StartScene();
  }

  // On larger pictures the points lie farther apart: else the best of them are all on what has the
  // strongest texture, a wall perhaps, and a wall alone does not tell how the camera moves.
  static PointTrackerOptions TrackerOptions(const MotionDepthOptions& options) {
    constexpr double kUsualSide = 640;
    const int long_side = std::max(options.camera.width, options.camera.height);
    PointTrackerOptions tracker;
    tracker.min_distance *= std::max(1.0, std::min(options.working_side, long_side) / kUsualSide);
    return tracker;
  }

  void StartScene() {
    CameraPathOptions path_options;
    path_options.noise = kTrackingNoise / WorkingCamera(pushed).fx;
    path_options.noise = std::min(path_options.noise, 0.09);
    path_options.window = 2 * options.lookahead + 8;
    path_options.patience = std::max(1, options.lookahead / 2);
    path.emplace(path_options);
    tracker.Restart();
    dense.StartScene();
    judged_at = -1;
  }

  Camera WorkingCamera(int64_t frame) const {
    Camera camera = options.camera;
    if (!options.xfovs_deg.empty()) {
      const size_t last = options.xfovs_deg.size() - 1;
      const double xfov =
          options.xfovs_deg[std::min(static_cast<size_t>(std::max<int64_t>(0, frame)), last)];
      const double aspect = camera.fy / camera.fx;
      camera.fx = Camera::FromFov(camera.width, camera.height, xfov, std::nullopt).fx;
      camera.fy = camera.fx * aspect;
    }
    return camera.Scaled(width, height);
  }

  SweepPicture MakeSweepPicture(const Image& image) const {
    Image planes[3];
    const int count = image.format().num_planes();
    for (int i = 0; i < count; ++i) {
      const MutableImageView plane{
          PixelFormat::Gray(8),
          image.width(),
          image.height(),
          {const_cast<std::byte*>(image.view().data[static_cast<size_t>(i)])},
          {image.view().stride[static_cast<size_t>(i)]}};
      planes[i] = ReduceLuma(Image(plane, nullptr), dense_width, dense_height, pool);
    }
    const auto plane = [&](int i) { return planes[i < count ? i : 0].Plane<uint8_t>(); };
    return SweepPicture(plane(0), plane(1), plane(2), pool);
  }

  Image TrackedLuma(const MotionPicture& picture) const {
    return ReduceLuma(picture.guide, width, height, pool);
  }

  static Image Take(std::vector<Image>* spares) {
    if (spares->empty()) return {};
    Image image = std::move(spares->back());
    spares->pop_back();
    return image;
  }

  void Push(const Frame& frame) {
    while (after_cut) PassCut();
    while (LooksFarEnough()) Emit();  // the caller has not popped
    MotionPicture picture;
    picture.number = pushed;
    picture.index = frame.index;
    picture.pts = frame.pts;
    picture.duration = frame.duration;
    picture.camera = WorkingCamera(pushed).Scaled(dense_width, dense_height);
    // Pictures of frames that are done are used again; those of the caller's size are the caller's.
    const bool is_color = frame.image.format().num_planes() == 3;
    const Image luma = is_color ? LumaOf(frame.image, pool) : frame.image;
    picture.own_guide = is_color || guide_width != options.camera.width;
    picture.guide = ReduceLuma(luma, guide_width, guide_height, pool, Take(&spare_guides));
    picture.sweep = MakeSweepPicture(frame.image);

    const Image small = TrackedLuma(picture);
    const TrackingStep step = tracker.Track(small.Plane<uint8_t>());
    if (cuts.IsCut(small.Plane<uint8_t>(), step.alive_before, step.followed)) {
      after_cut = std::move(picture);
      path->Finish();
      return;
    }
    Add(std::move(picture), step);
  }

  void Add(MotionPicture picture, const TrackingStep& step) {
    std::vector<TrackSight> sights;
    const Camera c = WorkingCamera(pushed);
    for (const TrackedPoint& p : step.points)
      sights.push_back({p.id, {(p.position.x() - c.cx) / c.fx, (p.position.y() - c.cy) / c.fy}});
    path->AddFrame(pushed, sights);
    waiting.push_back(std::move(picture));
    ++pushed;
  }

  bool LooksFarEnough() const { return waiting.size() > static_cast<size_t>(options.lookahead); }

  // One step toward the frame that a cut put off: no later frame belongs to those that wait before
  // it. Their depth is made one at a time, when it is asked for, so that a cut neither takes long
  // nor needs memory for all of them at once.
  void PassCut() {
    if (!waiting.empty()) {
      Emit();
      return;
    }
    ++scene;
    past.clear();
    StartScene();
    MotionPicture picture = std::move(*after_cut);
    after_cut.reset();
    const Image small = TrackedLuma(picture);
    const TrackingStep step = tracker.Track(small.Plane<uint8_t>());
    Add(std::move(picture), step);
  }

  double PathUncertaintyAt(int64_t number) {
    if (judged_at < 0 || number >= judged_at + kJudgedEvery) {
      uncertainty = path->Uncertainty(number);
      judged_at = number;
    }
    return uncertainty;
  }

  // Once, at the end.
  void TellUnsurePath() {
    if (told) return;
    told = true;
    int64_t measured = 0;
    std::vector<double> unsure;
    for (const MotionFrameReport& frame : reports) {
      measured += frame.status == MotionStatus::kMeasured;
      if (frame.path_uncertainty > kUnsurePath) unsure.push_back(frame.path_uncertainty);
    }
    if (unsure.empty()) return;
    LogWarning("around " + std::to_string(unsure.size()) + " of " +
               CountOf(measured, "measured frame") + " " + UnsurePath(Median(&unsure)) +
               "; their depth is no surer");
  }

  void Emit() {
    MotionFrameReport frame;
    frame.scene = scene;
    DepthEstimate estimate =
        dense.Compute(waiting, past, *path, options.camera.width, options.camera.height, &frame);
    if (frame.status == MotionStatus::kMeasured)
      frame.path_uncertainty = PathUncertaintyAt(waiting.front().number);
    estimate.index = waiting.front().index;
    estimate.pts = waiting.front().pts;
    estimate.duration = waiting.front().duration;
    estimate.starts_scene = scene != last_scene;
    last_scene = scene;
    if (waiting.front().own_guide) spare_guides.push_back(std::move(waiting.front().guide));
    waiting.front().guide = {};
    past.push_front(std::move(waiting.front()));
    if (past.size() > static_cast<size_t>(options.lookahead)) past.pop_back();
    waiting.pop_front();
    ready.emplace_back(std::move(estimate), frame);
    if (frame.status == MotionStatus::kNoTranslation || frame.status == MotionStatus::kLost) {
      if (!warned)
        LogWarning("frame " + std::to_string(ready.back().first.index) +
                   (frame.status == MotionStatus::kLost ? ": nothing to follow in the picture"
                                                        : ": the camera does not translate") +
                   "; its depth cannot be measured and is a smooth guess of low confidence");
      warned = true;
    }
  }

  MotionDepthOptions options;
  ThreadPool* pool;
  int width = 0, height = 0;              // working size
  int dense_width = 0, dense_height = 0;  // size that depth is computed at
  int guide_width = 0, guide_height = 0;  // size of the pictures kept
  PointTracker tracker;
  SceneCutDetector cuts;
  std::optional<CameraPath> path;
  MotionDense dense;
  std::deque<MotionPicture> waiting;
  std::deque<MotionPicture> past;          // of this scene, done, the latest first
  std::optional<MotionPicture> after_cut;  // the first frame of the next scene
  std::deque<std::pair<DepthEstimate, MotionFrameReport>> ready;
  std::vector<Image> spare_guides;
  std::vector<MotionFrameReport> reports;
  int64_t pushed = 0;
  int scene = 0;
  int last_scene = 0;      // of the frame emitted last
  int64_t judged_at = -1;  // the frame that `uncertainty` is of; -1: none of this scene
  double uncertainty = 0;
  bool finished = false;
  bool warned = false;
  bool told = false;
};

MotionDepthEstimator::MotionDepthEstimator(const MotionDepthOptions& options, ThreadPool* pool) {
  options.Check();
  impl_ = std::make_unique<Impl>(options, pool);
}
MotionDepthEstimator::~MotionDepthEstimator() = default;

int MotionDepthEstimator::latency() const { return impl_->options.lookahead + 1; }

void MotionDepthEstimator::Push(Frame frame) {
  Require(!impl_->finished, Code::kInvalidArgument,
          "MotionDepthEstimator: a frame was pushed after Finish()");
  Require(
      frame.image.format() == PixelFormat::Gray(8) || frame.image.format() == PixelFormat::Rgb(8),
      Code::kInvalidArgument,
      "MotionDepthEstimator: frames must be rgb8 or gray8, not " + frame.image.format().ToString());
  const Camera& camera = impl_->options.camera;
  Require(frame.image.width() == camera.width && frame.image.height() == camera.height,
          Code::kInvalidArgument,
          "MotionDepthEstimator: frame " + std::to_string(frame.index) + " has " +
              std::to_string(frame.image.width()) + "x" + std::to_string(frame.image.height()) +
              " pixels, the camera " + std::to_string(camera.width) + "x" +
              std::to_string(camera.height));
  impl_->Push(frame);
}

void MotionDepthEstimator::Finish() {
  if (!impl_->finished) impl_->path->Finish();
  impl_->finished = true;  // Pop makes what is left
}

std::optional<DepthEstimate> MotionDepthEstimator::Pop() {
  while (impl_->ready.empty() && impl_->after_cut) impl_->PassCut();
  // Made here and not in Push(), so that the caller has let go of the frame pushed.
  if (impl_->ready.empty() && (impl_->LooksFarEnough() || impl_->finished) &&
      !impl_->waiting.empty())
    impl_->Emit();
  if (impl_->ready.empty()) {
    if (impl_->finished) impl_->TellUnsurePath();
    return std::nullopt;
  }
  DepthEstimate estimate = std::move(impl_->ready.front().first);
  impl_->reports.push_back(impl_->ready.front().second);
  impl_->ready.pop_front();
  return estimate;
}

MotionReport MotionDepthEstimator::report() const {
  MotionReport report;
  std::vector<double> shares;
  for (const MotionFrameReport& frame : impl_->reports) {
    ++report.frames;
    report.measured += frame.status == MotionStatus::kMeasured;
    report.carried += frame.status == MotionStatus::kCarried;
    report.no_translation += frame.status == MotionStatus::kNoTranslation;
    report.lost += frame.status == MotionStatus::kLost;
    report.scenes = std::max(report.scenes, frame.scene + 1);
    if (frame.status != MotionStatus::kMeasured) continue;
    shares.push_back(frame.path_uncertainty);
    report.unsure += frame.path_uncertainty > kUnsurePath;
  }
  if (!shares.empty()) report.path_uncertainty = Median(&shares);
  return report;
}

const std::vector<MotionFrameReport>& MotionDepthEstimator::frame_reports() const {
  return impl_->reports;
}

}  // namespace mdvt
