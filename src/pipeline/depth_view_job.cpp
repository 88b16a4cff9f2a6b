// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/color_convert.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/output_set.h"
#include "mdvt/io/video_writer.h"
#include "mdvt/pipeline/depth_view.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/stereo/scene_rasterizer.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/depth_view_settings.h"
#include "pipeline/job_common.h"
#include "pipeline/mask_watch.h"
#include "pipeline/viewpoint.h"
#include "pipeline/web_view.h"

namespace mdvt {
namespace {

using Color = SceneRasterizer::Color;

// The path of the camera is drawn in so many pieces at most.
constexpr size_t kPathPieces = 4096;
constexpr int kHiddenLuma = 128;  // of a mask, at most

// RRGGBB in the bits of the scene.
Color ColorOf(const std::string& text, int bits) {
  Color color;
  for (size_t i = 0; i < 3; ++i) {
    const int value = std::stoi(text.substr(2 * i, 2), nullptr, 16);
    color[i] = static_cast<uint16_t>((value * ((1 << bits) - 1) + 127) / 255);
  }
  return color;
}

struct ViewFrame {
  Image color;  // Rgb
  Image depth;
  Image mask;  // Gray8; empty: everything is shown
  int64_t number = 0;
  int64_t pts = 0;
  int64_t duration = 0;
};

struct RenderedView {
  Image image;  // Rgb
  Image depth;  // empty if not wanted
  int64_t pts = 0;
  int64_t duration = 0;
};

// The frames of a mask video, one for each frame of the clip while there are any.
class MaskReader {
 public:
  MaskReader(const ViewSceneOptions& scene, const VideoInfo& depth, const Limits& limits,
             ThreadPool* pool, int64_t first_frame)
      : invert_(scene.invert_mask), skip_(first_frame), watch_(scene.mask_video, kHiddenLuma) {
    if (!scene.mask_video.empty()) reader_ = OpenMaskVideo(scene.mask_video, depth, limits, pool);
  }

  Image Next() {
    for (; reader_ && skip_ > 0; --skip_)
      if (!reader_->Read()) reader_.reset();
    std::optional<Frame> frame;
    if (reader_) frame = reader_->Read();
    if (!frame) {
      reader_.reset();  // whatever follows is not masked
      return Image();
    }
    watch_.Look(frame->image);
    if (!invert_) return frame->image;
    Image inverted(PixelFormat::Gray(8), frame->image.width(), frame->image.height());
    for (int y = 0; y < inverted.height(); ++y) {
      const uint8_t* from = frame->image.Plane<uint8_t>().Row(y);
      uint8_t* to = inverted.MutablePlane<uint8_t>().Row(y);
      for (int x = 0; x < inverted.width(); ++x) to[x] = static_cast<uint8_t>(255 - from[x]);
    }
    return inverted;
  }

  // To be called after the last frame.
  void Tell() const { watch_.Tell(invert_ ? "it hides nothing" : "it shows nothing"); }

 private:
  bool invert_;
  int64_t skip_;
  MaskWatch watch_;
  std::optional<VideoReader> reader_;
};

// The scene beside the frame of the clip: a point cloud or mesh, and lines.
class Surroundings {
 public:
  Surroundings(const ViewSceneOptions& options, bool axes, const PerFrame<Pose>& poses, int bits)
      : options_(options), axes_(axes), poses_(&poses), bits_(bits) {
    if (options.background_ply.empty()) return;
    mesh_ = ReadPly(options.background_ply);
    const int full = (1 << bits) - 1;
    for (size_t i = 0; i < mesh_.points.size(); ++i) {
      Color color = Grey();
      for (size_t k = 0; k < 3 && !mesh_.colors.empty(); ++k)
        color[k] = static_cast<uint16_t>((mesh_.colors[i][static_cast<int>(k)] * full + 127) / 255);
      colors_.push_back(color);
    }
    mesh_.colors.clear();
  }

  // How far the pyramid of the camera reaches, metres.
  void SetReach(double metres) { reach_ = metres; }

  void Draw(const Camera& camera, const Pose& world_from_cam, double point_size,
            SceneRasterizer* scene) const {
    if (mesh_.triangles.empty() && !mesh_.points.empty())
      scene->AddPoints(mesh_.points, colors_, point_size);
    else if (!mesh_.points.empty())
      scene->AddTriangles(mesh_.points, colors_, mesh_.triangles);
    if (options_.show_camera) DrawCamera(camera, world_from_cam, scene);
    if (options_.show_path) DrawPath(scene);
    if (axes_) DrawAxes(scene);
  }

 private:
  uint16_t Full() const { return static_cast<uint16_t>((1 << bits_) - 1); }
  Color Grey() const {
    const auto half = static_cast<uint16_t>(Full() / 2);
    return {half, half, half};
  }

  void DrawCamera(const Camera& camera, const Pose& world_from_cam, SceneRasterizer* scene) const {
    const Color blue = {0, 0, Full()};
    const double w = camera.width;
    const double h = camera.height;
    const Eigen::Vector2d corners[] = {{0, 0}, {w, 0}, {w, h}, {0, h}};
    std::vector<Eigen::Vector3d> far;
    for (const Eigen::Vector2d& corner : corners)
      far.push_back(world_from_cam * Unproject(camera, corner, reach_));
    for (size_t i = 0; i < 4; ++i) {
      scene->AddLine(world_from_cam.translation(), far[i], blue);
      scene->AddLine(far[i], far[(i + 1) % 4], blue);
    }
  }

  void DrawPath(SceneRasterizer* scene) const {
    const std::vector<Pose>& poses = poses_->values();
    const size_t step = std::max<size_t>(1, poses.size() / kPathPieces);
    for (size_t i = step; i < poses.size(); i += step)
      scene->AddLine(poses[i - step].translation(), poses[i].translation(), {Full(), 0, 0});
  }

  void DrawAxes(SceneRasterizer* scene) const {
    for (int i = 0; i < 3; ++i) {
      Color color = {};
      color[static_cast<size_t>(i)] = Full();
      scene->AddLine(Eigen::Vector3d::Zero(), Eigen::Vector3d::Unit(i), color);
    }
  }

  const ViewSceneOptions& options_;
  bool axes_;
  const PerFrame<Pose>* poses_;
  int bits_;
  double reach_ = 1;
  TriangleMesh mesh_;
  std::vector<Color> colors_;
};

class DepthViewRender {
 public:
  DepthViewRender(const DepthViewJobOptions& options, const RunControl& control)
      : options_(options),
        graph_(options.job, control),
        settings_(Settle(options)),
        first_frame_(std::max<int64_t>(0, options.draw_frame - 1)),
        outputs_(options.job.overwrite),
        video_(StageOutputs()),
        path_(options.viewpoint, options.job.limits),
        poses_(ClipPoses(options.scene.transformation_file, options.scene.transformation_lock_frame,
                         options.job.limits)),
        input_(InputOptions(true)),
        width_(input_.lead_info().width),
        height_(input_.lead_info().height),
        bits_(std::max<int>(8, input_.lead_info().format.bits)),
        camera_(options.scene.fov, input_.depth_tags(), width_, height_,
                input_.lead_info().sample_aspect, options.job.limits),
        surroundings_(options.scene, options.scene.show_axes || options.draw_frame > 0, poses_,
                      bits_),
        scene_(bits_, graph_.pool()) {
    input_.ConvertColorTo(PixelFormat::Rgb(bits_));
    PlanSize();
    OpenWriters();
  }

  DepthViewReport Run() {
    if (path_.NeedsMeasure() || options_.scene.show_camera) Measure();
    MaskReader masks = OpenMasks();
    auto frames =
        graph_.Map(input_.Frames(&graph_), [&, number = first_frame_](PairedFrame pair) mutable {
          return ViewFrame{std::move(pair.color.image),
                           std::move(pair.depth.depth),
                           masks.Next(),
                           number++,
                           pair.color.pts,
                           pair.color.duration};
        });
    auto views =
        graph_.Then(std::move(frames), [this](const ViewFrame& frame) { return Render(frame); });
    if (depth_writer_) {
      auto both = graph_.Split(std::move(views));
      Encode(std::move(both.first));
      graph_.Into(std::move(both.second), [this](const RenderedView& view) {
        depth_writer_->Write(view.depth.Plane<float>(), view.pts, view.duration, graph_.pool());
      });
    } else {
      Encode(std::move(views));
    }
    graph_.Run("render", input_.expected_frames());
    masks.Tell();

    writer_->Finish(input_.EndOfColorStreams());
    if (depth_writer_) depth_writer_->Finish();
    outputs_.CommitAll();
    DepthViewReport report;
    report.frames = graph_.frames_done();
    report.output = settings_.output;
    report.depth_output = settings_.depth_output;
    report.width = view_camera_.width;
    report.height = view_camera_.height;
    return report;
  }

 private:
  OutputTarget StageOutputs() {
    AddInputs(&outputs_, options_);
    if (IsFile(options_.viewpoint)) outputs_.AddInput(options_.viewpoint.path);
    if (!settings_.depth_output.empty()) depth_target_ = outputs_.AddFile(settings_.depth_output);
    return outputs_.AddFile(settings_.output);
  }

  ClipPairOptions InputOptions(bool with_color) {
    const ViewSceneOptions& scene = options_.scene;
    ClipPairOptions input;
    input.source.file = {scene.depth_video, scene.depth};
    if (with_color)
      input.color_video = scene.color_video.empty() ? scene.depth_video : scene.color_video;
    input.reader = ReaderOptions(options_.job, graph_.pool());
    input.one_picture = options_.job.one_picture;
    input.first_frame = first_frame_;
    input.max_frames = options_.draw_frame > 0 ? 1 : options_.job.max_frames;
    return input;
  }

  MaskReader OpenMasks() {
    return MaskReader(options_.scene, input_.depth().file()->info(), options_.job.limits,
                      graph_.pool(), first_frame_);
  }

  // The size of the picture and, where the path does not say otherwise, its camera.
  void PlanSize() {
    int width = options_.width;
    int height = options_.height;
    const double aspect = static_cast<double>(width_) / height_;
    if (width == 0) width = height == 0 ? width_ : static_cast<int>(std::lround(height * aspect));
    if (height == 0)
      height = options_.width == 0 ? height_ : static_cast<int>(std::lround(width / aspect));
    options_.job.limits.CheckFrameSize(width, height, "rendered picture");
    view_camera_ = Camera::FromFov(
        width, height, options_.view_xfov_deg.value_or(camera_.typical_xfov_deg()), std::nullopt);
  }

  void OpenWriters() {
    const VideoInfo& source = input_.lead_info();
    const PixelFormat rendered = PixelFormat::Rgb(bits_);
    format_ =
        options_.encode.Format(settings_.codec, rendered, view_camera_.width, view_camera_.height);
    color_ = EncodedColor(source.color, rendered, format_, view_camera_.height);
    VideoWriterOptions video =
        WriterOptions(options_.encode, settings_.codec, source, options_.job, graph_.pool());
    video.color = color_;
    if (options_.draw_frame <= 0) video.copy_streams_from = options_.scene.color_video;
    writer_.emplace(video_, format_, view_camera_.width, view_camera_.height, video);
    if (!depth_target_) return;
    DepthVideoWriterOptions depth;
    depth.codec.max_depth = input_.depth().file()->codec().max_depth;
    depth.tags.source = FileName(settings_.output);
    depth.tags.xfov_deg = view_camera_.xfov_deg();
    depth.video.time_base = source.time_base;
    depth.video.frame_rate = source.frame_rate;
    depth.video.pool = graph_.pool();
    depth_writer_.emplace(*depth_target_, view_camera_.width, view_camera_.height, depth);
  }

  // Looks at the whole clip once for the centre of the scene: one that moved with each frame would
  // make the view jitter.
  void Measure() {
    // How the depth is read has been found out, and told, already.
    ClipPairOptions options = InputOptions(false);
    const DepthCodecOptions& found = input_.depth().file()->codec();
    options.source.file.reading = {found.max_depth, found.encoding};
    options.tells_depth = false;  // the second time will
    ClipPair clip(options);
    MaskReader masks = OpenMasks();
    SceneMeasurer measurer;
    int64_t number = first_frame_;
    graph_.Into(clip.Frames(&graph_), [&](const PairedFrame& pair) {
      const Image mask = masks.Next();
      PlaneView<const uint8_t> shown;
      if (!mask.empty()) shown = mask.Plane<uint8_t>();
      measurer.Add(pair.depth.depth.Plane<float>(), shown, camera_.At(number), poses_.At(number));
      ++number;
    });
    graph_.Run("measure", clip.expected_frames());
    Require(!measurer.empty(), Code::kRefused,
            "'" + options_.scene.depth_video + "' has no depth that could be shown" +
                (options_.scene.mask_video.empty() ? "" : " where the mask is white"));
    const SceneMeasure measure = measurer.Measure(number - first_frame_);
    path_.SetMeasure(measure);
    surroundings_.SetReach(measure.centre_in_camera.z());
  }

  RenderedView Render(const ViewFrame& frame) {
    const ViewSceneOptions& options = options_.scene;
    const Pose& pose = poses_.At(frame.number);
    const Camera camera = camera_.At(frame.number);
    const Viewpoint view = path_.At(frame.number - first_frame_, pose);
    Camera view_camera = view_camera_;
    if (view.xfov_deg)
      view_camera =
          Camera::FromFov(view_camera.width, view_camera.height, view.xfov_deg, std::nullopt);
    SurfaceOptions surface;
    surface.points = options.render_as_pointcloud;
    if (options.remove_edges) surface.tear = options.tear;
    if (!frame.mask.empty()) surface.mask = frame.mask.Plane<uint8_t>();

    scene_.Begin(view_camera, view.world_from_view, options_.supersampling);
    scene_.AddSurface(frame.color.view(), frame.depth.Plane<float>(), camera, pose, surface);
    const double point_size = std::max(1.0, view_camera.height / 540.0);
    surroundings_.Draw(camera, pose, point_size, &scene_);

    RenderedView result;
    result.image = Image(PixelFormat::Rgb(bits_), view_camera.width, view_camera.height);
    PlaneView<float> depth;
    if (depth_writer_) {
      result.depth = Image(PixelFormat::GrayF32(), view_camera.width, view_camera.height);
      depth = result.depth.MutablePlane<float>();
    }
    scene_.Finish(ColorOf(options_.background_color, bits_), result.image.mutable_view(), depth);
    result.pts = frame.pts;
    result.duration = frame.duration;
    return result;
  }

  void Encode(Stream<RenderedView> views) {
    graph_.Into(std::move(views), [this](const RenderedView& view) {
      writer_->Write(converter_.Convert(view.image, color_, format_), view.pts, view.duration);
    });
  }

  const DepthViewJobOptions& options_;
  Graph graph_;
  const DepthViewSettings settings_;
  int64_t first_frame_;
  OutputSet outputs_;
  std::optional<OutputTarget> depth_target_;
  OutputTarget video_;
  ViewPath path_;
  PerFrame<Pose> poses_;
  ClipPair input_;
  int width_;  // of the clip
  int height_;
  int bits_;
  ClipCamera camera_;
  Camera view_camera_;
  Surroundings surroundings_;
  SceneRasterizer scene_;
  PixelFormat format_;
  ColorInfo color_;
  std::optional<VideoWriter> writer_;
  std::optional<DepthVideoWriter> depth_writer_;
  ColorConverter converter_;
};

}  // namespace

DepthViewReport RunDepthViewJob(const DepthViewJobOptions& options, const RunControl& control) {
  options.Check();
  if (!options.export_html.empty()) return ExportDepthView(options, control);
  if (!options.render) return ServeDepthView(options, control);
  return DepthViewRender(options, control).Run();
}

}  // namespace mdvt
