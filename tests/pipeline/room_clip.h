// SPDX-License-Identifier: Apache-2.0
//
// A clip with everything known: pictures, depth and camera path of the ray-caster's room, as files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/clips.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/sidecar.h"
#include "support/raycast.h"

namespace mdvt::test {

struct RoomClip {
  ClipShape shape;
  Clip clip;
  std::vector<Image> depths;
  std::string color, depth, poses;
};

// `frames` frames, `step` of the room's own apart; depth is written `scale(frame)` times as large
// as it is.
inline RoomClip MakeRoomClip(
    const std::string& folder, int frames, double step = 1,
    const std::function<double(int)>& scale = [](int) { return 1.0; }, int width = 240,
    int height = 136) {
  RoomClip made;
  made.shape.width = width;
  made.shape.height = height;
  made.shape.frames = frames;
  made.clip = Scenes::Room(width, height);
  made.color = folder + "/room.mkv";
  made.depth = folder + "/room_depth.mkv";
  made.poses = folder + "/room_poses.json";
  ThreadPool pool(0);
  const RayCaster caster(made.clip.scene, &pool);
  VideoWriterOptions options;
  options.time_base = {1, 24};
  options.frame_rate = {24, 1};
  options.color.full_range = true;
  VideoWriter writer(made.color, PixelFormat::Rgb(8), width, height, options);
  std::vector<Pose> poses;
  for (int i = 0; i < frames; ++i) {
    const View view = made.clip.At(step * i);
    writer.Write(caster.Color(view, PixelFormat::Rgb(8), 2), i, 1);
    made.depths.push_back(caster.Depth(view));
    poses.push_back(view.world_from_cam);
  }
  writer.Finish();
  WriteTransformationsFile(made.poses, poses);
  DepthClipOptions depth;
  depth.encoding = DepthEncoding::kGray16;
  depth.max_depth = 20;
  depth.tags.xfov_deg = made.clip.camera.xfov_deg();
  MakeDepth(
      made.depth, made.shape,
      [&](int frame, int x, int y) {
        return static_cast<float>(scale(frame)) *
               made.depths[static_cast<size_t>(frame)].Plane<float>().At(x, y);
      },
      depth);
  return made;
}

}  // namespace mdvt::test
