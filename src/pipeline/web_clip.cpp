// SPDX-License-Identifier: Apache-2.0
#include "pipeline/web_clip.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/core/image_resize.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/color_convert.h"
#include "pipeline/clip_pair.h"
#include "pipeline/clip_poses.h"
#include "pipeline/view_record.h"

namespace mdvt {
namespace {

// A million vertices are what graphics cards of laptops draw at the rate of the screen.
constexpr int kLongestSide = 1280;
// Frames that are looked at for the centre of the scene, evenly over the clip.
constexpr int64_t kMeasuredFrames = 9;
// As with StereoOptions::baseline: what two eyes would see.
constexpr double kTearBaseline = 0.063;

const std::string& ColorFile(const ViewSceneOptions& scene) {
  return scene.color_video.empty() ? scene.depth_video : scene.color_video;
}

Image Resized(const ImageView& image, int width, int height, const ResizeOptions& options) {
  Image to(image.format, width, height);
  const ResizeWindow whole{0, 0, static_cast<double>(image.width),
                           static_cast<double>(image.height)};
  ImageResizer(image.format, image.width, image.height, whole, width, height, options)
      .Resize(image, to.mutable_view());
  return to;
}

Image WithoutMasked(const Image& depth, const Image& mask, bool invert) {
  Image kept = depth.Clone();
  for (int y = 0; y < kept.height(); ++y) {
    const uint8_t* white = mask.Plane<uint8_t>().Row(y);
    float* z = kept.MutablePlane<float>().Row(y);
    for (int x = 0; x < kept.width(); ++x)
      if ((invert ? 255 - white[x] : white[x]) <= 128) z[x] = 0;
  }
  return kept;
}

}  // namespace

WebClip::WebClip(const DepthViewJobOptions& options, ThreadPool* pool)
    : options_(options),
      path_(options.viewpoint, options.job.limits),
      poses_(ClipPoses(options.scene.transformation_file, options.scene.transformation_lock_frame,
                       options.job.limits)),
      depth_(options.scene.depth_video,
             DepthReaderOptions(options.scene.depth, options.job.limits, pool)),
      color_(ColorFile(options.scene), ReaderOptions(options.job, pool)),
      camera_(options.scene.fov, depth_.tags(), depth_.info().width, depth_.info().height,
              color_.info().sample_aspect, options.job.limits),
      first_frame_(std::max<int64_t>(0, options.draw_frame - 1)) {
  RequirePair(depth_.info(), color_.info());
  if (!options.scene.mask_video.empty())
    mask_ = OpenMaskVideo(options.scene.mask_video, depth_.info(), options.job.limits, pool);
  CountFrames();
  const VideoInfo& info = depth_.info();
  const double scale =
      std::min(1.0, static_cast<double>(kLongestSide) / std::max(info.width, info.height));
  width_ = std::max(1, static_cast<int>(std::lround(info.width * scale)));
  height_ = std::max(1, static_cast<int>(std::lround(info.height * scale)));
  const std::string& ply = options.scene.background_ply;
  if (!ply.empty()) cloud_ = PackCloud(ReadPly(ply), "point cloud", "cloud.bin");
}

void WebClip::CountFrames() {
  const int64_t depth = depth_.CountFrames();
  const int64_t color = color_.CountFrames();
  const int64_t limit =
      options_.job.max_frames < 0 ? INT64_MAX : first_frame_ + options_.job.max_frames;
  Require(std::min(depth, limit) == std::min(color, limit), Code::kCorrupt,
          "depth video '" + depth_.info().path + "' has " + CountOf(depth, "frame") +
              ", color video '" + color_.info().path + "' has " + CountOf(color, "frame") +
              ": they must have the same length (or end both with --max_frames)");
  frames_ = std::min(depth, limit) - first_frame_;
  Require(frames_ > 0, Code::kInvalidArgument,
          "'" + depth_.info().path + "' has " + CountOf(depth, "frame") + ": there is no frame " +
              std::to_string(first_frame_ + 1) + ", counted from 1");
  if (options_.draw_frame > 0) frames_ = 1;
  if (mask_) mask_frames_ = mask_->CountFrames();
}

void WebClip::Measure() {
  SceneMeasurer measurer;
  const int64_t count = std::min(frames_, kMeasuredFrames);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t number = count == 1 ? 0 : i * (frames_ - 1) / (count - 1);
    try {
      const int64_t in_clip = first_frame_ + number;
      measurer.Add(Read(number).depth.Plane<float>(), {}, camera_.At(in_clip), poses_.At(in_clip));
    } catch (const Error& error) {
      // The others do; whoever looks at this one is told.
      if (error.code() != Code::kCorrupt) throw;
    }
  }
  if (!measurer.empty()) {
    measure_ = measurer.Measure(frames_);
  } else {  // nothing is seen, nothing is to be missed
    measure_ = {frames_, poses_.At(first_frame_) * Eigen::Vector3d(0, 0, 1), {0, 0, 1}};
  }
  path_.SetMeasure(measure_);
}

WebFrame WebClip::Read(int64_t number) {
  const int64_t in_clip = first_frame_ + number;
  WebFrame frame;
  frame.number = number;
  depth_.SeekTo(in_clip);
  color_.SeekTo(in_clip);
  std::optional<DepthFrame> depth = depth_.Read();
  std::optional<Frame> color = color_.Read();
  Require(depth && color, Code::kCorrupt,
          (depth ? color_.info() : depth_.info()).path + ": ends before frame " +
              std::to_string(in_clip));
  const VideoInfo& info = color_.info();
  frame.seconds = static_cast<double>(color->pts - info.start_pts) * info.time_base.ToDouble();
  frame.depth = std::move(depth->depth);
  frame.color = std::move(color->image);
  if (mask_ && in_clip < mask_frames_) {
    mask_->SeekTo(in_clip);
    if (std::optional<Frame> mask = mask_->Read())
      frame.depth = WithoutMasked(frame.depth, mask->image, options_.scene.invert_mask);
  }
  return frame;
}

std::string WebClip::Encode(const WebFrame& frame) const {
  const int64_t in_clip = first_frame_ + frame.number;
  Image depth = frame.depth;
  Image color = frame.color;
  const ColorInfo resolved =
      ResolveColor(color_.info().color, frame.color.format(), frame.color.height());
  if (depth.width() != width_ || depth.height() != height_) {
    // Depths between those of two things belong to neither.
    depth = Resized(depth.view(), width_, height_, {ResizeFilter::kNearest, 0});
    color =
        Resized(color.view(), width_, height_, {ResizeFilter::kBilinear, resolved.chroma_location});
  }
  color = ColorConverter().Convert(color, resolved, PixelFormat::Rgb(8));
  const Pose& pose = poses_.At(in_clip);
  const Viewpoint view = path_.At(frame.number, pose);
  ViewRecord record;
  record.number = frame.number;
  record.seconds = frame.seconds;
  record.depth = depth.Plane<float>();
  record.color = color.view();
  record.camera = camera_.At(in_clip).Scaled(width_, height_);
  record.world_from_cam = pose;
  record.world_from_view = view.world_from_view;
  record.view_xfov_deg =
      view.xfov_deg.value_or(options_.view_xfov_deg.value_or(camera_.typical_xfov_deg()));
  return EncodeViewRecord(record);
}

json::Value WebClip::Describe(int frames_per_file) const {
  const ViewSceneOptions& scene = options_.scene;
  const Viewpoint first = path_.At(0, poses_.At(first_frame_));
  const Eigen::Vector3d position = first.world_from_view.translation();
  const double distance = std::max(0.1, (measure_.centre_in_world - position).norm());
  const Eigen::Vector3d target = first.world_from_view * Eigen::Vector3d(0, 0, distance);
  json::Value clouds = json::Value::Array{};
  if (cloud_ && cloud_->points > 0) clouds.Add(cloud_->Describe());
  json::Value canvas;
  if (options_.width > 0 || options_.height > 0) {
    const double aspect = static_cast<double>(width_) / height_;
    const auto given = [](int side, double other) {
      return side > 0 ? side : std::max(1, static_cast<int>(std::lround(other)));
    };
    canvas = json::Value::Array{given(options_.width, options_.height * aspect),
                                given(options_.height, options_.width / aspect)};
  }
  const Rational rate = color_.info().frame_rate;
  return json::Value::Members{
      {"title", FileName(ColorFile(scene))},
      {"frames", frames_},
      {"first_frame", first_frame_},
      {"frames_per_file", frames_per_file},
      {"rate", rate.IsPositive() ? rate.ToDouble() : 24.0},
      {"width", width_},
      {"height", height_},
      {"canvas", canvas},
      {"background", options_.background_color},
      {"tear", json::Value::Array{scene.tear.depth, scene.tear.disparity, kTearBaseline}},
      {"show", json::Value::Members{{"points", scene.render_as_pointcloud},
                                    {"tear", scene.remove_edges},
                                    {"camera", scene.show_camera},
                                    {"path", scene.show_path},
                                    {"axes", scene.show_axes || options_.draw_frame > 0}}},
      {"planned", options_.viewpoint.path != "fixed" || options_.viewpoint.upstream_camera},
      {"position", ListOf(position)},
      {"target", ListOf(target)},
      {"frustum_depth", measure_.centre_in_camera.z()},
      {"path", PathOf(poses_.values())},
      {"point_size", 1},
      {"clouds", clouds}};
}

}  // namespace mdvt
