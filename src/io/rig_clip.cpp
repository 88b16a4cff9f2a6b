// SPDX-License-Identifier: Apache-2.0
#include "mdvt/io/rig_clip.h"

#include <Eigen/LU>
#include <cmath>

#include "core/json_matrix.h"
#include "core/naming.h"
#include "core/text_file.h"
#include "io/rotation_repair.h"
#include "mdvt/core/error.h"
#include "mdvt/core/json.h"
#include "mdvt/core/numbers.h"
#include "mdvt/io/npz_file.h"

namespace mdvt {
namespace {

using Matrix34 = Eigen::Matrix<double, 3, 4, Eigen::RowMajor>;

[[noreturn]] void Fail(const std::string& text) { throw Error(Code::kCorrupt, text); }

// The nearest rotation.
Eigen::Matrix3d CheckedRotation(const Eigen::Matrix3d& matrix, const std::string& what) {
  const double off = RotationDeviation(matrix);
  if (!(off < kRotationTolerance) || matrix.determinant() < 0)
    Fail(what + " is not a rotation, R^T R is off by " + FormatDouble(off));
  return NearestRotation(matrix, off);
}

Pose CheckedPose(const Matrix34& matrix, const std::string& what) {
  Pose pose = Pose::Identity();
  pose.linear() = CheckedRotation(matrix.leftCols<3>(), what);
  pose.translation() = matrix.col(3);
  if (!pose.translation().allFinite()) Fail(what + " has a place that is not finite");
  return pose;
}

std::string Entry(const char* list, size_t index) {
  return std::string(list) + ", entry " + std::to_string(index);
}

void CheckClip(const RigClip& clip) {
  if (clip.times_us.empty()) Fail("the clip has no frames");
  for (size_t i = 0; i < clip.times_us.size(); ++i)
    if (clip.times_us[i] < 0 || (i > 0 && clip.times_us[i] <= clip.times_us[i - 1]))
      Fail(Entry("timestamps", i) + ": " + std::to_string(clip.times_us[i]) +
           " microseconds, must be later than the one before");
  if (!clip.world_from_left.empty() && clip.world_from_left.size() != clip.times_us.size())
    Fail("there are " + std::to_string(clip.times_us.size()) + " timestamps and " +
         std::to_string(clip.world_from_left.size()) + " poses");
  for (const double bound :
       {clip.start_yaw_deg, clip.end_yaw_deg, clip.start_tilt_deg, clip.end_tilt_deg})
    if (!std::isfinite(bound)) Fail("a bound of the field of view is not finite");
}

// ---- The release of the dataset.

Matrix34 MatrixAt(const std::vector<double>& values, size_t index) {
  return Eigen::Map<const Matrix34>(values.data() + 12 * index);
}

RigClip ReadNpz(const std::string& path, const Limits& limits) {
  const NpzReader file(path, limits);
  return Naming(path, [&file] {
    RigClip clip;
    clip.video_id = file.Read("video_id").text;
    clip.name = file.Read("name").text;
    clip.times_us = file.Read("timestamps").integers;
    const NpzArray poses = file.Read("camera2world");
    if (poses.shape.size() != 3 || poses.shape[1] != 3 || poses.shape[2] != 4)
      Fail("'camera2world' must be of the shape (frames, 3, 4)");
    for (size_t i = 0; i < static_cast<size_t>(poses.shape[0]); ++i)
      clip.world_from_left.push_back(
          CheckedPose(MatrixAt(poses.values, i), Entry("camera2world", i)));
    const NpzArray rig = file.Read("rectified2rig");
    if (rig.shape != std::vector<int64_t>{2, 3, 3})
      Fail("'rectified2rig' must be of the shape (2, 3, 3)");
    using RowMajor3 = Eigen::Matrix<double, 3, 3, Eigen::RowMajor>;
    for (size_t eye = 0; eye < 2; ++eye)
      clip.rig_from_rectified[eye] = CheckedRotation(
          Eigen::Map<const RowMajor3>(rig.values.data() + 9 * eye), Entry("rectified2rig", eye));
    const std::vector<double> bounds = file.Read("fov_bounds").values;
    if (bounds.size() != 4) Fail("'fov_bounds' must have 4 numbers");
    clip.start_yaw_deg = bounds[0];
    clip.end_yaw_deg = bounds[1];
    clip.start_tilt_deg = bounds[2];
    clip.end_tilt_deg = bounds[3];
    CheckClip(clip);
    return clip;
  });
}

// ---- The clips of videos.

const json::Value& Member(const json::Value& value, const char* key) {
  const json::Value* member = value.Find(key);
  if (member == nullptr) Fail("the clip has no \"" + std::string(key) + "\"");
  return *member;
}

// Camera-to-rectified of the world-to-camera matrix of an eye's own, unrectified camera.
std::vector<Pose> RectifiedPoses(const json::Value& eye,
                                 const Eigen::Matrix3d& rig_from_rectified) {
  std::vector<Pose> poses;
  const json::Value& list = Member(eye, "extr");
  if (!list.is_array()) Fail("\"extr\" must be a list of matrices");
  for (const json::Value& matrix : list.AsArray()) {
    const std::string what = Entry("extr", poses.size());
    const Pose rig_from_world = CheckedPose(json::ReadMatrix<3, 4>(matrix, what), what);
    poses.push_back(rig_from_world.inverse());
    poses.back().rotate(rig_from_rectified);
  }
  return poses;
}

RigClip ParseClip(const json::Value& value) {
  RigClip clip;
  const json::Value& turns = Member(value, "corrections");
  const char* const names[] = {"stereo2rig_left", "stereo2rig_right"};
  for (size_t eye = 0; eye < 2; ++eye)
    clip.rig_from_rectified[eye] =
        CheckedRotation(json::ReadMatrix<3, 3>(Member(turns, names[eye]), names[eye]), names[eye]);
  const json::Value& times = Member(value, "timestamp");
  if (!times.is_array()) Fail("\"timestamp\" must be a list of microseconds");
  for (const json::Value& time : times.AsArray()) {
    if (!time.is_number()) Fail(Entry("timestamp", clip.times_us.size()) + " is no number");
    clip.times_us.push_back(std::llround(time.AsDouble()));
  }
  const json::Value& bounds = Member(value, "meta_fov");
  const auto bound = [&bounds](const char* key) {
    const json::Value& number = Member(bounds, key);
    if (!number.is_number()) Fail('"' + std::string(key) + "\" is no number");
    return number.AsDouble();
  };
  clip.start_yaw_deg = bound("start_yaw_in_degrees");
  clip.end_yaw_deg = bound("end_yaw_in_degrees");
  clip.start_tilt_deg = bound("start_tilt_in_degrees");
  clip.end_tilt_deg = bound("end_tilt_in_degrees");
  clip.world_from_left = RectifiedPoses(Member(value, "left"), clip.rig_from_rectified[0]);
  CheckClip(clip);
  if (const json::Value* right = value.Find("right")) {
    const std::vector<Pose> poses = RectifiedPoses(*right, clip.rig_from_rectified[1]);
    if (poses.size() != clip.world_from_left.size())
      Fail("the eyes have lists of poses of different length");
    clip.baseline = (clip.world_from_left[0].inverse() * poses[0].translation()).norm();
    if (!(clip.baseline > 0)) Fail("both eyes stand in the same place");
  }
  return clip;
}

RigClip ChooseClip(const json::Value& file, const RigClipChoice& choice) {
  if (!file.is_object() || file.size() == 0)
    Fail("must be an object with a list of clips per video");
  const json::Value::Members& videos = file.AsMembers();
  std::string names;
  for (const auto& [name, clips] : videos) {
    names += (names.empty() ? "'" : ", '") + name + "'";
    if (choice.video_id ? name != *choice.video_id : videos.size() > 1) continue;
    if (!clips.is_array() || clips.size() == 0) Fail("video '" + name + "' has no list of clips");
    const auto count = static_cast<int64_t>(clips.size());
    Require(choice.clip >= 0 && choice.clip < count, Code::kInvalidArgument,
            "video '" + name + "' has the clips 0 to " + std::to_string(count - 1) +
                ", there is no " + std::to_string(choice.clip));
    RigClip clip = ParseClip(clips.AsArray()[static_cast<size_t>(choice.clip)]);
    clip.video_id = name;
    clip.name = name + "-clip" + std::to_string(choice.clip);
    return clip;
  }
  throw Error(Code::kInvalidArgument, "say which video is wanted: " + names.substr(0, 300));
}

}  // namespace

RigClip ReadRigClip(const std::string& path, const RigClipChoice& choice, const Limits& limits) {
  const bool is_archive = path.size() > 4 && path.compare(path.size() - 4, 4, ".npz") == 0;
  if (is_archive) return ReadNpz(path, limits);
  return ReadAndParse(path, "rig file", limits,
                      [&choice](const char* data, size_t size, const Limits& some) {
                        return ChooseClip(json::Parse({data, size}, some, "rig file"), choice);
                      });
}

}  // namespace mdvt
