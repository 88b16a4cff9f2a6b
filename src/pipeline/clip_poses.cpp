// SPDX-License-Identifier: Apache-2.0
#include "pipeline/clip_poses.h"

#include <utility>
#include <vector>

#include "mdvt/core/error.h"
#include "mdvt/io/sidecar.h"

namespace mdvt {
namespace {

const Pose& LockPose(const std::vector<Pose>& poses, const std::string& file, int64_t lock_frame) {
  Require(lock_frame >= 0 && lock_frame < static_cast<int64_t>(poses.size()),
          Code::kInvalidArgument,
          "transformation_lock_frame = " + std::to_string(lock_frame) + ", '" + file + "' holds " +
              CountOf(static_cast<int64_t>(poses.size()), "frame"));
  return poses[static_cast<size_t>(lock_frame)];
}

}  // namespace

PerFrame<Pose> ClipPoses(const std::string& file, std::optional<int64_t> lock_frame,
                         const Limits& limits) {
  if (file.empty()) return PerFrame<Pose>(Pose::Identity());
  std::vector<Pose> poses = ReadTransformationsFile(file, limits);
  if (lock_frame) {
    const Pose lock_from_world = LockPose(poses, file, *lock_frame).inverse();
    for (Pose& pose : poses) pose = lock_from_world * pose;
  }
  return {std::move(poses), file, "camera"};
}

Pose FileFromWorld(const std::string& file, std::optional<int64_t> lock_frame,
                   const Limits& limits) {
  if (file.empty() || !lock_frame) return Pose::Identity();
  return LockPose(ReadTransformationsFile(file, limits), file, *lock_frame);
}

}  // namespace mdvt
