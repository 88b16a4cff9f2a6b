// SPDX-License-Identifier: Apache-2.0
#include "pipeline/viewpoint.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/json.h"
#include "core/median.h"
#include "core/text_file.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/io/sidecar.h"
#include "pipeline/depth_view_settings.h"

namespace mdvt {
namespace {

constexpr size_t kMaxKeyframes = 100000;
constexpr int kMeasureStep = 8;

Eigen::Vector3d MedianOf(const std::vector<Eigen::Vector3d>& points) {
  Eigen::Vector3d result;
  for (int i = 0; i < 3; ++i) {
    std::vector<double> values;
    for (const Eigen::Vector3d& point : points) values.push_back(point[i]);
    result[i] = Median(&values);
  }
  return result;
}

// Columns right, down, forward.
Eigen::Matrix3d LookAxes(const Eigen::Vector3d& position, const Eigen::Vector3d& target) {
  Eigen::Vector3d forward = target - position;
  forward = forward.norm() > 1e-12 ? forward.normalized() : Eigen::Vector3d(0, 0, 1);
  Eigen::Vector3d right = Eigen::Vector3d::UnitY().cross(forward);
  right = right.norm() > 1e-9 ? right.normalized() : Eigen::Vector3d::UnitX();
  Eigen::Matrix3d axes;
  axes << right, forward.cross(right), forward;
  return axes;
}

Eigen::Vector3d VectorOf(const json::Object& object, const char* key) {
  const std::vector<double> numbers = object.Numbers(key, -1e9, 1e9, 3);
  return {numbers[0], numbers[1], numbers[2]};
}

// The Catmull-Rom curve through values at uneven places: cubic between two of them, with the slope
// of the neighbours at each. t in [0, 1] between `index` and the next.
template <typename T, typename ValueAt>
T Spline(const std::vector<ViewKeyframe>& keys, size_t index, double t, const ValueAt& value) {
  const auto place = [&](size_t i) { return static_cast<double>(keys[i].frame); };
  const size_t last = keys.size() - 1;
  const auto slope = [&](size_t i) -> T {
    const size_t a = i == 0 ? 0 : i - 1;
    const size_t b = std::min(i + 1, last);
    return (value(keys[b]) - value(keys[a])) / (place(b) - place(a));
  };
  const double length = place(index + 1) - place(index);
  const double t2 = t * t;
  const double t3 = t2 * t;
  return (2 * t3 - 3 * t2 + 1) * value(keys[index]) + (t3 - 2 * t2 + t) * length * slope(index) +
         (3 * t2 - 2 * t3) * value(keys[index + 1]) + (t3 - t2) * length * slope(index + 1);
}

}  // namespace

void SceneMeasurer::Add(const DepthView& depth, const PlaneView<const uint8_t>& mask,
                        const Camera& camera, const Pose& world_from_cam) {
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  int64_t count = 0;
  for (int y = std::min(kMeasureStep, depth.height) / 2; y < depth.height; y += kMeasureStep) {
    for (int x = std::min(kMeasureStep, depth.width) / 2; x < depth.width; x += kMeasureStep) {
      const float z = depth.At(x, y);
      if (!(z > 0) || (mask.data != nullptr && mask.At(x, y) <= 128)) continue;
      // (x, y) is the middle of the block that the pixel stands for.
      sum += Unproject(camera, {static_cast<double>(x), static_cast<double>(y)}, z);
      ++count;
    }
  }
  if (count == 0) return;
  in_camera_.push_back(sum / static_cast<double>(count));
  in_world_.push_back(world_from_cam * in_camera_.back());
}

SceneMeasure SceneMeasurer::Measure(int64_t frames) const {
  return {frames, MedianOf(in_world_), MedianOf(in_camera_)};
}

Pose LookAt(const Eigen::Vector3d& position, const Eigen::Vector3d& target) {
  Pose pose = Pose::Identity();
  pose.linear() = LookAxes(position, target);
  pose.translation() = position;
  return pose;
}

Pose UpstreamLookAt(const Eigen::Vector3d& position, const Eigen::Vector3d& target) {
  Pose view_from_world = Pose::Identity();
  view_from_world.linear() = LookAxes(position, target);
  view_from_world.translation() = Eigen::Vector3d(position.x(), position.y(), -position.z());
  return view_from_world.inverse();
}

std::vector<ViewKeyframe> ParseViewKeyframes(const char* data, size_t size, const Limits& limits) {
  const json::Value list = json::Parse({data, size}, limits, "camera path");
  Require(list.is_array() && list.size() > 0, Code::kCorrupt,
          "camera path: must be a list of keyframes or of 4x4 matrices, with one at least");
  Require(list.size() <= kMaxKeyframes, Code::kLimit,
          "camera path: more than " + std::to_string(kMaxKeyframes) + " keyframes");
  std::vector<ViewKeyframe> keys;
  for (const json::Value& entry : list.AsArray()) {
    const std::string name = "camera path: keyframe " + std::to_string(keys.size());
    Require(entry.is_object(), Code::kCorrupt, name + " is no object with frame and position");
    const json::Object object(entry, name);
    ViewKeyframe key;
    key.frame = object.Integer("frame", 0, int64_t{1} << 40);
    key.position = VectorOf(object, "position");
    key.target = VectorOf(object, "target");
    if (object.Has("xfov")) key.xfov_deg = object.Number("xfov", 1e-3, 179.999);
    std::vector<std::string> unknown;
    object.AddUnknown(&unknown);
    Require(unknown.empty(), Code::kCorrupt,
            (unknown.empty() ? name : unknown.front()) +
                " is not known; a keyframe has frame, position, target and xfov");
    Require(keys.empty() || key.frame > keys.back().frame, Code::kCorrupt,
            name + " is not later than the one before");
    Require(keys.empty() || key.xfov_deg.has_value() == keys.front().xfov_deg.has_value(),
            Code::kCorrupt, name + ": either all keyframes have xfov or none");
    keys.push_back(key);
  }
  return keys;
}

ViewPath::ViewPath(const ViewpointOptions& options, const Limits& limits) : options_(options) {
  if (!IsFile(options)) return;
  const std::string text = ReadTextFile(options.path, "camera path", limits);
  const std::string_view start = Trim(std::string_view(text).substr(0, 64), "\n");
  if (start.substr(0, 1) == "[" && Trim(start.substr(1), "\n").substr(0, 1) == "[") {
    poses_ = ReadTransformationsFile(options.path, limits);
    Require(!poses_.empty(), Code::kCorrupt, options.path + ": holds no camera");
  } else {
    keyframes_ =
        Naming(options.path, [&] { return ParseViewKeyframes(text.data(), text.size(), limits); });
  }
}

bool ViewPath::NeedsMeasure() const {
  if (IsFile(options_)) return false;
  if (options_.path == "orbit" || options_.path == "dolly") return true;  // the length of the clip
  return std::any_of(options_.target.begin(), options_.target.end(),
                     [](double t) { return t == ViewpointOptions::kSceneCentre; });
}

Viewpoint ViewPath::FromKeyframes(int64_t frame) const {
  const auto after =
      std::upper_bound(keyframes_.begin(), keyframes_.end(), frame,
                       [](int64_t wanted, const ViewKeyframe& key) { return wanted < key.frame; });
  Viewpoint view;
  if (after == keyframes_.begin() || after == keyframes_.end()) {
    const ViewKeyframe& key = after == keyframes_.end() ? keyframes_.back() : keyframes_.front();
    view.world_from_view = LookAt(key.position, key.target);
    view.xfov_deg = key.xfov_deg;
    return view;
  }
  const auto index = static_cast<size_t>(after - keyframes_.begin()) - 1;
  const ViewKeyframe& before = keyframes_[index];
  const double t =
      static_cast<double>(frame - before.frame) / static_cast<double>(after->frame - before.frame);
  view.world_from_view =
      LookAt(Spline<Eigen::Vector3d>(keyframes_, index, t,
                                     [](const ViewKeyframe& key) { return key.position; }),
             Spline<Eigen::Vector3d>(keyframes_, index, t,
                                     [](const ViewKeyframe& key) { return key.target; }));
  if (before.xfov_deg)
    view.xfov_deg = std::clamp(
        Spline<double>(keyframes_, index, t, [](const ViewKeyframe& key) { return *key.xfov_deg; }),
        1e-3, 179.999);
  return view;
}

Viewpoint ViewPath::At(int64_t frame, const Pose& world_from_cam) const {
  if (!keyframes_.empty()) return FromKeyframes(frame);
  Viewpoint view;
  if (!poses_.empty()) {
    Require(frame < static_cast<int64_t>(poses_.size()), Code::kCorrupt,
            "'" + options_.path + "' holds " + std::to_string(poses_.size()) +
                " cameras, the clip has more frames");
    view.world_from_view = poses_[static_cast<size_t>(frame)];
    return view;
  }
  const bool follow = options_.path == "follow";
  Eigen::Vector3d position(options_.position[0], options_.position[1], options_.position[2]);
  Eigen::Vector3d target = follow ? measure_.centre_in_camera : measure_.centre_in_world;
  for (int i = 0; i < 3; ++i)
    if (options_.target[static_cast<size_t>(i)] != ViewpointOptions::kSceneCentre)
      target[i] = options_.target[static_cast<size_t>(i)];
  const double share = static_cast<double>(frame) / static_cast<double>(measure_.frames);
  if (options_.path == "orbit") {
    const Eigen::AngleAxisd turn(2 * M_PI * options_.turns * share, Eigen::Vector3d::UnitY());
    position = target + turn * (position - target);
  } else if (options_.path == "dolly") {
    const double steps = static_cast<double>(std::max<int64_t>(measure_.frames - 1, 1));
    position += options_.approach * (static_cast<double>(frame) / steps) * (target - position);
  }
  view.world_from_view =
      options_.upstream_camera ? UpstreamLookAt(position, target) : LookAt(position, target);
  if (follow) view.world_from_view = world_from_cam * view.world_from_view;
  return view;
}

}  // namespace mdvt
