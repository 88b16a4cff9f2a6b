// SPDX-License-Identifier: Apache-2.0
//
// Eyes in a scene, eyes as panels, and the depth that they see.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "mdvt/core/error.h"
#include "pipeline/eye_maker.h"

namespace mdvt {

bool EyeMaker::WantsViewDepth() const {
  return options_.depth || options_.scene || layout_.depth == DepthShown::kTouchly;
}

Camera EyeMaker::FrameCamera(int64_t index) const {
  Camera camera = places_.camera->At(index);
  camera.cx -= canvas_.window.x;
  camera.cy -= canvas_.window.y;
  const double scale_x = canvas_.content_width / canvas_.window.width;
  const double scale_y = canvas_.content_height / canvas_.window.height;
  camera.fx *= scale_x;
  camera.cx *= scale_x;
  camera.fy *= scale_y;
  camera.cy *= scale_y;
  camera.width = canvas_.content_width;
  camera.height = canvas_.content_height;
  return camera;
}

Camera EyeMaker::ViewCamera() const {
  const Camera camera = FrameCamera(options_.scene->view_frame);
  return panels_ ? WideCamera(camera, panels_->pixels_per_radian()) : camera;
}

double EyeMaker::EyeDistance(const Parallax& parallax, int64_t index) const {
  // The inverse of MetricParallax().
  return options_.stereo.baseline * parallax.focal * MetresPerUnit() / FrameCamera(index).fx;
}

double EyeMaker::Yaw(double eye, const Parallax& parallax, int64_t index) const {
  const double distance = parallax.distance * MetresPerUnit();
  if (!metric() || !(distance > 0) || !std::isfinite(distance)) return 0;
  return std::atan2(-eye * EyeDistance(parallax, index), distance);
}

double EyeMaker::MetresPerUnit() const {
  return metric() && options_.Smooths() ? 1 / kMostDisparity : 1;
}

PlaneView<const float> EyeMaker::Metres(PlaneView<const float> map) {
  if (!inverse_) return map;
  if (metres_.width() != map.width || metres_.height() != map.height)
    metres_ = Image(PixelFormat::GrayF32(), map.width, map.height);
  const float unit = static_cast<float>(MetresPerUnit());
  constexpr float kLeast = 1e-6f;  // as the renderer has it
  for (int y = 0; y < map.height; ++y) {
    const float* from = map.Row(y);
    std::transform(from, from + map.width, metres_.MutablePlane<float>().Row(y), [=](float value) {
      return std::isnan(value) ? 0.0f : unit / std::max(value, kLeast);
    });
  }
  return metres_.Plane<float>();
}

PlaneView<const float> EyeMaker::TouchlyShade(PlaneView<const float> metres) {
  if (nearness_.width() != metres.width || nearness_.height() != metres.height)
    nearness_ = Image(PixelFormat::GrayF32(), metres.width, metres.height);
  const double low = options_.touchly_min_depth, high = options_.touchly_max_depth;
  const double steps = format_.max_value(), scale = steps / (high - low);
  for (int y = 0; y < metres.height; ++y) {
    const float* from = metres.Row(y);
    std::transform(from, from + metres.width, nearness_.MutablePlane<float>().Row(y), [=](float z) {
      // Nothing is as far as can be; what is nearer than the nearest is as near.
      if (!(z > 0)) return 0.0f;
      const double step = std::nearbyint((std::clamp<double>(z, low, high) - low) * scale);
      return static_cast<float>((steps - step) / steps);
    });
  }
  return nearness_.Plane<float>();
}

void EyeMaker::LookAround(EyeInput* frame) {
  const Pose& world_from_cam = options_.scene->poses.At(frame->index);
  Pose world_from_head = Pose::Identity();
  if (panels_) world_from_head.linear() = world_from_cam.linear();
  const DepthView seen = scene_->Seen(frame->depth.Plane<float>(), places_.camera->At(frame->index),
                                      world_from_cam, ViewCamera(), world_from_head);
  frame->seen = Image(PixelFormat::GrayF32(), seen.width, seen.height);
  const PlaneView<float> own = frame->seen.MutablePlane<float>();
  for (int y = 0; y < seen.height; ++y) std::copy_n(seen.Row(y), seen.width, own.Row(y));
}

ComfortView EyeMaker::SceneViewOf(PlaneView<const float> metres, const Parallax& parallax,
                                  int64_t index, bool angles) const {
  ComfortView view;
  view.map = metres;
  view.metres = true;
  const double width = canvas_.tile_width;
  view.scale = EyeDistance(parallax, index) * (angles ? 1 : ViewCamera().fx / width);
  const double screen = parallax.distance * MetresPerUnit();
  view.screen = screen > 0 ? 1 / screen : 0;
  return view;
}

std::function<double(const Eigen::Vector3d&)> EyeMaker::Stretch(const Parallax& parallax,
                                                                int64_t index) const {
  if (!comfort_ || !(parallax.focal > 0)) return nullptr;
  const Camera camera = ViewCamera();
  const bool angles = panels_.has_value();
  return [camera, view = SceneViewOf({}, parallax, index, angles),
          limits = *places_.comfort](const Eigen::Vector3d& point) {
    constexpr double kLeastInverse = 1e-6;
    const double z = point.z();
    const double place = (camera.fx * point.x() / z + camera.cx) / camera.width;
    const double pressed =
        Pressed(view.scale * (view.screen - 1 / z), LimitsAt(std::clamp(place, 0.0, 1.0), limits));
    return 1 / (std::max(view.screen - pressed / view.scale, kLeastInverse) * z);
  };
}

void EyeMaker::RenderScene(const ImageView& color, PlaneView<const float> map,
                           const Parallax& parallax, int64_t index,
                           const std::vector<MutableImageView>& views,
                           const std::vector<PlaneView<float>>& depths, ViewHoles* holes) {
  const Pose& world_from_cam = options_.scene->poses.At(index);
  const Camera frame_camera = FrameCamera(index);
  const double distance = EyeDistance(parallax, index);
  const double screen = parallax.distance * MetresPerUnit();
  const std::function<double(const Eigen::Vector3d&)> stretch = Stretch(parallax, index);
  std::vector<SceneViews::View> wanted(views.size());
  for (size_t i = 0; i < views.size(); ++i) {
    SceneViews::View& view = wanted[i];
    view.camera = ViewCamera();
    view.world_from_view.translation().x() = eyes_[i] * distance;
    if (panels_)  // looks where the frame lies, so that all of it is in view
      view.world_from_view.linear() = world_from_cam.linear();
    else if (screen > 0 && std::isfinite(screen))
      view.camera.cx += eyes_[i] * distance * view.camera.fx / screen;
    view.uncovers = eyes_[i] > 0 ? HoleSide::kRight : HoleSide::kLeft;
    view.image = views[i];
    view.depth = depths[i];
    view.holes = &(*holes)[i];
    view.stretch = stretch;
  }
  scene_->Render(color, Metres(map), frame_camera, world_from_cam,
                 panels_ ? panels_->pixels_per_radian() : 0, wanted);
  for (size_t i = 0; i < views.size(); ++i) {
    HoleMap& map_of_view = (*holes)[i];
    // In a panel nobody misses what lies beside the picture: it is black all around.
    if (panels_)
      for (auto& row : map_of_view.rows)
        row.erase(std::remove_if(row.begin(), row.end(),
                                 [](const HoleSpan& span) { return span.at_border; }),
                  row.end());
  }
  std::vector<ViewPlace> places;
  for (const SceneViews::View& view : wanted) places.push_back({view.camera, view.world_from_view});
  FillViews(color, Metres(map), places, index, views, *holes);
}

PlaneView<const float> EyeMaker::Metres(PlaneView<const float> map, const Parallax& parallax) {
  if (metric()) return Metres(map);
  if (metres_.width() != map.width || metres_.height() != map.height)
    metres_ = Image(PixelFormat::GrayF32(), map.width, map.height);
  const auto unit = static_cast<float>(parallax.unit), zero = static_cast<float>(parallax.zero);
  constexpr float kLeast = 1e-6f;
  for (int y = 0; y < map.height; ++y) {
    const float* from = map.Row(y);
    std::transform(from, from + map.width, metres_.MutablePlane<float>().Row(y),
                   [=](float value) { return unit / std::max(value - zero, kLeast * unit); });
  }
  return metres_.Plane<float>();
}

void EyeMaker::KeepInSight(const EyeInput& frame) {
  EyeObserver::Seen seen;
  seen.index = frame.index;
  seen.new_scene = frame.new_scene;
  Require(frame.quantity == DepthQuantity::kMetricDepth || !options_.must_observe, Code::kRefused,
          "the infill 'observed' needs depth in metres, this engine gives relative disparity");
  if (frame.quantity == DepthQuantity::kMetricDepth) {
    if (places_.poses)
      seen.world_from_cam = places_.poses->At(frame.index);
    else
      seen.world_from_cam = frame.world_from_cam;
  }
  if (seen.world_from_cam) {
    seen.camera = places_.camera->At(frame.index);
    seen.color = converter_.Convert(frame.color, source_.color, format_);
    // What is rendered of a map in metres leaves it as it is.
    seen.depth = inverse_ ? frame.depth.Clone() : frame.depth;
  }
  observer_->Push(std::move(seen));
}

void EyeMaker::FillViews(const ImageView& color, PlaneView<const float> metres,
                         const std::vector<ViewPlace>& places, int64_t index,
                         const std::vector<MutableImageView>& views, const ViewHoles& holes) {
  if (options_.fill != HoleFill::kFill && !panels_) return;
  for (size_t i = 0; i < views.size(); ++i) {
    const PlaneView<uint8_t> provenance =
        provenance_.empty() ? PlaneView<uint8_t>() : provenance_[i];
    FillCounts counts;
    if (observer_ && observer_->now().world_from_cam && !places.empty()) {
      ObservedView own;
      own.color = color;
      own.depth = metres;
      own.camera = FrameCamera(index);
      own.world_from_cam = *observer_->now().world_from_cam;
      own.index = index;
      counts = observer_->Fill(own, holes[i], places[i].camera, places[i].world_from_view, views[i],
                               provenance);
    } else {
      filler_.Fill(holes[i], views[i]);
      counts = MarkExtended(holes[i], provenance);
    }
    fill_counts_.holes += counts.holes;
    fill_counts_.observed += counts.observed;
  }
}

double EyeMaker::observed_share() const {
  return fill_counts_.holes > 0
             ? static_cast<double>(fill_counts_.observed) / static_cast<double>(fill_counts_.holes)
             : 0;
}

void EyeMaker::ShowPanels(const std::vector<MutableImageView>& views,
                          const std::vector<PlaneView<float>>& depths, PlaneView<const float> map,
                          const Parallax& parallax, const EyeInput& frame,
                          const std::vector<MutableImageView>& tiles, ViewHoles* holes,
                          Image* packed_depth) {
  const int64_t index = frame.index;
  std::vector<PanelViews::View> shown(views.size());
  Image range;  // of the first view, where only its tile is wanted
  for (size_t i = 0; i < views.size(); ++i) {
    PanelViews::View& view = shown[i];
    view.picture = views[i];
    view.camera = scene_ ? ViewCamera() : FrameCamera(index);
    if (scene_) view.head_from_view = options_.scene->poses.At(index).linear();
    view.yaw = Yaw(eyes_[i], parallax, index);
    view.holes = &(*holes)[i];
    view.panel = tiles[i];
    if (!packed_depth->empty()) {
      view.range = frame_.Content(packed_depth->MutablePlane<float>(), static_cast<int>(i));
    } else if (layout_.depth_tile && i == 0) {
      range = Image(PixelFormat::GrayF32(), frame_.content_width, frame_.content_height);
      view.range = range.MutablePlane<float>();
    }
    if (view.range.data != nullptr) view.depth = depths[i];
  }
  panels_->Show(shown, options_.fill == HoleFill::kBlack);
  if (places_.subtitles) {
    const std::vector<MutableImageView> panels(
        tiles.begin(), tiles.begin() + static_cast<ptrdiff_t>(views.size()));
    places_.subtitles->DrawOnPanels(frame.seconds, Ahead(scene_ ? depths[0] : map, parallax, index),
                                    eyes_, panels);
  }
  if (layout_.depth_tile)
    PaintNearness(TouchlyShade(WithSubtitles(shown[0].range, true)), source_.color.full_range,
                  tiles[views.size()], pool_);
}

PanelScene EyeMaker::Ahead(PlaneView<const float> seen, const Parallax& parallax,
                           int64_t index) const {
  const ComfortView view =
      scene_ ? SceneViewOf(seen, parallax, index, true) : ViewOf(seen, parallax, index, true);
  const Camera camera = scene_ ? ViewCamera() : FrameCamera(index);
  Eigen::Matrix3d head_from_view = Eigen::Matrix3d::Identity();
  if (scene_) head_from_view = options_.scene->poses.At(index).linear();
  PanelScene scene;
  scene.scale = view.scale;
  scene.screen = view.screen;
  scene.nearness = [view, camera, head_from_view](const Eigen::Vector3d& ray) {
    constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
    const Eigen::Vector3d looked = head_from_view.transpose() * ray;
    if (!(looked.z() > 0)) return kUnknown;
    const double x = camera.fx * looked.x() / looked.z() + camera.cx;
    const double y = camera.fy * looked.y() / looked.z() + camera.cy;
    if (!(x >= 0 && y >= 0 && x < view.map.width && y < view.map.height)) return kUnknown;
    const double value = view.map.At(static_cast<int>(x), static_cast<int>(y));
    if (!view.metres) return value;
    // From the planar distance of the view to that of the head.
    return value > 0 ? looked.z() / (value * ray.z()) : kUnknown;
  };
  return scene;
}

PlaneView<const float> EyeMaker::WithSubtitles(PlaneView<const float> depth, bool metres) {
  const std::optional<double> nearness =
      places_.subtitles ? places_.subtitles->nearness() : std::nullopt;
  if (!nearness) return depth;
  const double unit = scene_ ? 1 : MetresPerUnit();
  const double value = !metres ? *nearness : *nearness > 0 ? unit / *nearness : 0;
  if (with_subtitles_.width() != depth.width || with_subtitles_.height() != depth.height)
    with_subtitles_ = Image(PixelFormat::GrayF32(), depth.width, depth.height);
  const PlaneView<float> own = with_subtitles_.MutablePlane<float>();
  for (int y = 0; y < own.height; ++y) std::copy_n(depth.Row(y), own.width, own.Row(y));
  places_.subtitles->PutInto(static_cast<float>(value), own);
  return own;
}

}  // namespace mdvt
