// SPDX-License-Identifier: Apache-2.0
//
// From a picture and its depth to a stereo frame: the one way in which all jobs render.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/object_pool.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/stage.h"
#include "mdvt/depth/disparity_range.h"
#include "mdvt/depth/disparity_smoother.h"
#include "mdvt/depth/estimator.h"
#include "mdvt/infill/directional_fill.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/infill_mask.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "mdvt/stereo/comfort.h"
#include "mdvt/stereo/convergence.h"
#include "mdvt/stereo/disparity_resize.h"
#include "mdvt/stereo/renderer.h"
#include "mdvt/stereo/shift_control.h"
#include "mdvt/stereo/view_layout.h"
#include "pipeline/clip_poses.h"
#include "pipeline/eye_observer.h"
#include "pipeline/job_common.h"
#include "pipeline/metric_eyes.h"
#include "pipeline/panel_views.h"
#include "pipeline/per_frame.h"
#include "pipeline/scene_views.h"
#include "pipeline/subtitle_painter.h"
#include "pipeline/thumbnail_sheet.h"

namespace mdvt {

enum class HoleFill {
  kFill,  // built-in direction-aware fill
  kBlack,
};

// One frame on its way into the eyes.
struct EyeInput {
  Image color;  // in the format of EyeMaker
  Image depth;  // GrayF32 of the same size; its pixels are changed
  DepthQuantity quantity = DepthQuantity::kMetricDepth;
  bool new_scene = false;
  int64_t index = 0;                   // of the frame in the clip, for values per frame
  double seconds = 0;                  // its time
  double screen = 0;                   // metres, of EyePlaces.focus; set by EyeMaker
  Image seen;                          // what a head in a scene sees, small; set by EyeMaker
  std::optional<Pose> world_from_cam;  // if it is known
  // Passed on as they are.
  int64_t pts = 0;
  int64_t duration = 0;
  int64_t shows = 1;  // frames of the output that it is
};

// As parts of a saved state. Throws Error(kCorrupt).
State SavedInput(const EyeInput& input);
EyeInput LoadedInput(const State& state);

using ViewHoles = std::vector<HoleMap>;  // of each view's content

struct PackedFrame {
  Image image;
  std::shared_ptr<ViewHoles> holes;  // of each tile; null unless asked for
  Image depth;                       // of the views, packed as they are; empty unless asked for
  int64_t pts = 0;
  int64_t duration = 0;
  int64_t shows = 1;
  Image provenance;  // Gray(8), packed as the views are; empty unless asked for
};

struct EyeOptions {
  // Parallax from metres and the distance of the eyes, or from disparity in [0, 1]?
  Placement placement = Placement::kNormalized;
  ResizeFilter filter = ResizeFilter::kLanczos;
  bool swap_eyes = false;
  // Edges, tears, rims; and for kMetric the distance of the eyes.
  StereoOptions stereo;
  HoleFill fill = HoleFill::kFill;
  // kFill: look into the frames around first, where poses and depth in metres are known.
  std::optional<ObserveOptions> observe;
  bool must_observe = false;  // depth without metres is refused then
  bool provenance = false;  // PackedFrame.provenance is wanted; for layouts with tiles of their own
  double rgbd_white = 1;    // kMetric, see FrameOptions
  // kMetric: what Touchly shows as white, and as black.
  double touchly_min_depth = 0;
  double touchly_max_depth = 5;
  bool holes = false;  // PackedFrame.holes are wanted
  bool depth = false;  // PackedFrame.depth is wanted: metres; in panels along the ray
  SmootherOptions smoothing;

  // kMetric
  BaselineScale baseline;
  std::optional<SceneOptions> scene;  // views are taken from the world's origin

  // kNormalized
  WarpKind warp = WarpKind::kForward;
  NormalizerOptions norm;
  std::optional<double> max_shift;  // pixels of a view before it is squeezed
  ShiftOptions shift;
  ConvergenceOptions screen;

  // The frames that a preview takes.
  std::optional<double> preview_interval;
  std::optional<int64_t> preview_every;
  bool sheet = false;  // thumbnails are wanted

  bool preview() const { return preview_interval || preview_every; }
  bool Smooths() const { return smoothing.alpha > 0 || smoothing.tau_seconds > 0; }
  // Throws Error(kInvalidArgument) for what does not go together.
  void Check() const;
};

// What the eyes may look at around a frame, see HoleOptions.infill; empty: nothing.
//   poses_known  the camera's path is known, if the depth is metric; else see EyeFollower
//   format, width, height  of the pictures that are held
// Throws Error(kLimit) if what has to be takes more memory than there may be.
std::optional<ObserveOptions> ObserveFor(const HoleOptions& holes, bool poses_known,
                                         const PixelFormat& format, int width, int height,
                                         const Limits& limits);

// What the options of both stereo jobs, which have the same names, mean for the eyes.
//   follows  an EyeFollower will fill the holes
template <typename JobOptions>
EyeOptions EyesFor(const JobOptions& options, bool follows) {
  EyeOptions eyes;
  eyes.filter = options.frame.filter;
  eyes.swap_eyes = options.swap_eyes;
  eyes.stereo = options.holes.Stereo();
  eyes.stereo.baseline = options.eyes.pupillary_distance_mm / 1000;
  eyes.fill = options.holes.leaves_black() || follows ? HoleFill::kBlack : HoleFill::kFill;
  eyes.provenance = !options.holes.provenance_output.empty() && !follows;
  eyes.rgbd_white = options.frame.rgbd_white;
  eyes.touchly_min_depth = options.frame.touchly_min_depth;
  eyes.touchly_max_depth = options.frame.touchly_max_depth;
  eyes.holes = options.holes.writes_mask() || follows;
  eyes.smoothing = options.steady.smoothing;
  eyes.baseline = ScaleOf(options.eyes);
  eyes.preview_interval = options.preview.Interval();
  eyes.preview_every = options.preview.every;
  eyes.sheet = !options.preview.contact_sheet.empty();
  return eyes;
}

// What the eyes are made of.
struct EyeSource {
  PixelFormat format;  // of the pictures; views come in that of PackedFormat()
  int width = 0;
  int height = 0;
  ColorInfo color;  // nothing in it unknown, see ResolveColor
};

// Where the eyes' pictures coincide, and the camera that took the picture, of each frame: kMetric
// needs both. With kNormalized a distance wins over `screen`, where the depth is metric.
struct EyePlaces {
  std::optional<ClipCamera> camera;
  std::optional<PerFrame<double>> distance;    // metres, 0 = parallel eyes
  std::optional<PerFrame<Pose>> poses;         // camera-to-world; empty: as the frames tell
  std::optional<FocusTracker> focus;           // finds the distance in each frame, in its place
  std::optional<ComfortLimits> comfort;        // that parallax keeps to; radians in panels
  std::shared_ptr<SubtitlePainter> subtitles;  // to be drawn into the views
};

// The places as the options of both stereo jobs, which have the same names, tell them.
//   source  of the colours, whose subtitles are burned; `views`: the format in which views come
//   camera  that took the pictures
//   depth   the file that depth is read from, if there is one
template <typename JobOptions>
EyePlaces PlacesFor(const JobOptions& options, Placement placement, const VideoInfo& source,
                    const ColorInfo& color, const std::vector<int64_t>& shots,
                    const DepthVideoReader* depth, const ViewCanvas& canvas,
                    const PixelFormat& views, const ClipCamera& camera, ThreadPool* pool) {
  const MetricEyeOptions& eyes = options.eyes;
  const bool metric = placement == Placement::kMetric;
  EyePlaces places;
  places.camera = camera;
  places.comfort = canvas.panel ? options.comfort.PanelLimits(!eyes.ConvergenceGiven())
                                : options.comfort.Limits();
  if (!options.holes.infill_poses.empty())
    places.poses = ClipPoses(options.holes.infill_poses, std::nullopt, options.job.limits);
  // With neither, and kNormalized, the pictures coincide where EyeOptions.screen says.
  if (metric || eyes.convergence || !eyes.convergence_file.empty())
    places.distance = Distances(eyes, source.frame_rate, shots, options.job.limits);
  if (eyes.convergence_auto ||
      (metric && places.comfort && !canvas.panel && !eyes.ConvergenceGiven())) {
    FocusOptions focus;
    if (depth != nullptr) focus.saturated = SaturatedDepth(depth->codec());
    places.focus.emplace(focus, eyes.smoothing);
  }
  places.subtitles =
      OpenSubtitles(options.subtitles, source.path,
                    static_cast<double>(source.start_pts) * source.time_base.ToDouble(), canvas,
                    camera.At(0), views, color, places.comfort, options.job.limits, pool);
  return places;
}

// Chooses the frames of a preview.
class PreviewSampler {
 public:
  PreviewSampler(std::optional<double> interval, std::optional<int64_t> every)
      : interval_(interval), every_(every) {}

  bool active() const { return interval_ || every_; }
  bool Takes(double seconds);
  void Save(State* state) const;
  void Load(const State& state);

 private:
  std::optional<double> interval_;
  std::optional<int64_t> every_;
  int64_t count_ = 0;
  int64_t next_ = 0;
  double start_ = 0;
};

// Frames that a preview passes over do not come out. In the exact case (no resizing, no smoothing)
// the renderer is the only pass over picture and depth.
class EyeMaker : public Stage<EyeInput, PackedFrame> {
 public:
  // `pool` must outlive the object. Throws Error(kInvalidArgument).
  EyeMaker(const EyeOptions& options, const ViewLayout& layout, const ViewCanvas& canvas,
           const EyeSource& source, EyePlaces places, ThreadPool* pool);

  // Throws Error(kRefused) for depth without metres where metres are needed.
  void Push(EyeInput frame) override;
  void Finish() override;
  std::optional<PackedFrame> Pop() override;

  // Frames that are inside are saved with their pictures. Save() throws Error(kInvalidArgument)
  // while their ranges are not known, as norm.lookahead keeps them.
  bool CanSave() const override { return true; }
  void Save(State* state) const override;
  void Load(const State& state) override;

  double max_shift() const { return max_shift_; }  // kNormalized
  int scenes() const { return scenes_; }
  double mean_hole_share() const;
  double mean_shift() const { return frames_ > 0 ? shift_sum_ / static_cast<double>(frames_) : 0; }
  const ThumbnailSheet& sheet() const { return sheet_; }
  double observed_share() const;  // of the pixels of holes

 private:
  // In 1 / metres: while metric disparity is smoothed, this is 1, and all that is nearer is as
  // near.
  static constexpr double kMostDisparity = 100;

  // The parallax of one frame: that of the renderer's formula with a baseline of `focal` pixels.
  struct Parallax {
    double focal = 0;        // 0: all views are the picture itself
    double distance = 0;     // of the screen, in the units of the map
    double convergence = 1;  // kNormalized: the disparity there
    double shift = 0;        // kNormalized: in pixels of a view before it is squeezed
    // What the map holds of depth z in metres, where it holds disparity: unit / z + zero.
    double unit = 1;
    double zero = 0;
  };

  bool metric() const { return options_.placement == Placement::kMetric; }
  std::optional<PackedFrame> Make(const NormalRange& range, EyeInput* frame);
  // From the estimate to the map that is rendered, before it is resized.
  void PrepareMetric(const Image& color, double seconds, bool new_scene, Image* depth);
  void PrepareNormal(const Image& color, double seconds, bool new_scene, const NormalRange& range,
                     Image* depth);
  // The parts of picture and map that are shown, at the size at which they are.
  PlaneView<const float> FitMap(const EyeInput& frame);
  double SourcePixelsPerUnit(const EyeInput& frame) const;
  ImageView FitColor(const Image& color);
  Parallax MetricParallax(const EyeInput& frame) const;
  Parallax NormalParallax(const NormalRange& range, const EyeInput& frame, bool new_scene,
                          PlaneView<const float> map);
  void Render(const ImageView& color, PlaneView<const float> map, const Parallax& parallax,
              const std::vector<MutableImageView>& views,
              const std::vector<PlaneView<float>>& depths, ViewHoles* holes);
  // The holes of views, where they are not to be left; cameras as Render() has placed them.
  void FillViews(const ImageView& color, PlaneView<const float> map, const Parallax& parallax,
                 int64_t index, const std::vector<MutableImageView>& views, const ViewHoles& holes);
  // Cameras of the views: where they are in the world, if that is known.
  struct ViewPlace {
    Camera camera;
    Pose world_from_view = Pose::Identity();
  };
  void FillViews(const ImageView& color, PlaneView<const float> metres,
                 const std::vector<ViewPlace>& places, int64_t index,
                 const std::vector<MutableImageView>& views, const ViewHoles& holes);
  void KeepInSight(const EyeInput& frame);
  // The same of a scene, see SceneOptions.
  void RenderScene(const ImageView& color, PlaneView<const float> map, const Parallax& parallax,
                   int64_t index, const std::vector<MutableImageView>& views,
                   const std::vector<PlaneView<float>>& depths, ViewHoles* holes);
  Camera FrameCamera(int64_t index) const;  // of the picture as it is rendered
  Camera ViewCamera() const;                // of the views of a scene
  // Radians by which an eye turns towards the point where both look; panels only.
  double Yaw(double eye, const Parallax& parallax, int64_t index) const;
  double EyeDistance(const Parallax& parallax, int64_t index) const;  // metres
  void ShowPanels(const std::vector<MutableImageView>& views,
                  const std::vector<PlaneView<float>>& depths, PlaneView<const float> map,
                  const Parallax& parallax, const EyeInput& frame,
                  const std::vector<MutableImageView>& tiles, ViewHoles* holes,
                  Image* packed_depth);
  bool WantsViewDepth() const;
  PlaneView<const float> Metres(PlaneView<const float> map);
  PlaneView<const float> Metres(PlaneView<const float> map, const Parallax& parallax);
  PlaneView<const float> TouchlyShade(PlaneView<const float> metres);
  // What a unit of the map's inverse is in metres.
  double MetresPerUnit() const;
  void WarpPair(const ImageView& color, PlaneView<const float> map, const Parallax& parallax,
                double eye, const EyeView& left, const EyeView& right);
  void Mix(const std::vector<MutableImageView>& views, PlaneView<const float> map,
           const std::vector<PlaneView<float>>& depths, const std::vector<MutableImageView>& tiles);
  // Changes the parallax so that it keeps to the limits of comfort, and gives the map to render. In
  // a scene that is told by `stretch`, see SceneViews; the map stays.
  PlaneView<const float> Comfortable(PlaneView<const float> map, const EyeInput& frame,
                                     double seconds, bool new_scene, Parallax* parallax);
  std::function<double(const Eigen::Vector3d&)> Stretch(const Parallax& parallax,
                                                        int64_t index) const;
  // The map as it is shown: parallax in shares of the width, or with `angles` in radians.
  ComfortView ViewOf(PlaneView<const float> map, const Parallax& parallax, int64_t index,
                     bool angles) const;
  // The same of distances in metres, as a head in a scene sees them.
  ComfortView SceneViewOf(PlaneView<const float> metres, const Parallax& parallax, int64_t index,
                          bool angles) const;
  // What subtitles in panels stand in front of: the map that was rendered; in a scene the depth of
  // the first view.
  PanelScene Ahead(PlaneView<const float> seen, const Parallax& parallax, int64_t index) const;
  // `depth` with that of the subtitles put in, if there are any: metres, or what the map holds.
  PlaneView<const float> WithSubtitles(PlaneView<const float> depth, bool metres);
  void LookAround(EyeInput* frame);
  double ScreenOf(const EyeInput& frame) const;  // metres, of places_
  // How near the pixels of the map are, as a layout shows it.
  PlaneView<const float> Nearness(PlaneView<const float> map, bool metres);
  void AddToSheet(const std::vector<MutableImageView>& views, PlaneView<const float> map);

  const EyeOptions options_;
  const EyeSource source_;
  const EyePlaces places_;
  const ViewLayout layout_;
  const ViewCanvas frame_;    // what is packed
  const ViewCanvas canvas_;   // the views: as in `frame_`, unless they become panels
  const PixelFormat format_;  // of the views
  std::vector<double> eyes_;  // where each view stands, see ViewLayout
  ThreadPool* pool_;
  const bool inverse_;  // the map holds disparity when it is rendered
  double max_shift_ = 0;
  DisparityNormalizer normalizer_;
  DisparitySmoother smoother_;
  ShiftController shifts_;
  ConvergenceTracker screen_;
  std::optional<FocusTracker> focus_;
  std::optional<ComfortControl> comfort_;
  StereoRenderer renderer_;
  DirectionalFill filler_;
  std::optional<EyeObserver> observer_;
  std::vector<PlaneView<uint8_t>> provenance_;  // of the views of the frame that is made
  FillCounts fill_counts_;
  ColorConverter converter_;
  ObjectPool<Image> images_;
  ObjectPool<ViewHoles> holes_;
  PreviewSampler preview_;
  ThumbnailSheet sheet_;
  std::optional<ImageResizer> color_resizer_;
  std::optional<DisparityResizer> map_resizer_;
  std::optional<PanelViews> panels_;
  std::optional<SceneViews> scene_;
  Image content_, scaled_, nearness_, metres_, pressed_, with_subtitles_;
  std::vector<Image> unmixed_;  // the views of a layout that mixes them, or shows panels
  std::vector<Image> depths_;   // of those, if they are wanted
  double steep_step_ = 1;
  std::deque<EyeInput> waiting_;
  bool was_flat_ = false;
  double last_seconds_ = 0;
  double focus_seconds_ = 0;
  int scenes_ = 0;
  int64_t hole_pixels_ = 0;
  double shift_sum_ = 0;
  int64_t frames_ = 0;
};

// Paints the infill mask of a frame, packed as the frame is, into the rows of `band`, which begins
// at row y and has the frame's width.
void PaintPackedMask(const ViewCanvas& canvas, const ViewHoles& holes, InfillMaskStyle style, int y,
                     const MutableImageView& band);

// How the mask of `output` is written, which was opened with `video`.
VideoWriterOptions MaskWriterOptions(const VideoWriterOptions& video, InfillMaskStyle style,
                                     const std::string& output);

}  // namespace mdvt
