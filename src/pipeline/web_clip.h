// SPDX-License-Identifier: Apache-2.0
//
// The clip as the viewer gets it: what it is, and each of its frames as a record, in any order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/json.h"
#include "mdvt/core/parallel.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/io/geometry_file.h"
#include "mdvt/io/video_reader.h"
#include "mdvt/pipeline/depth_view.h"
#include "pipeline/cloud_page.h"
#include "pipeline/job_common.h"
#include "pipeline/viewpoint.h"

namespace mdvt {

// A frame as it was read, in the size of the files.
struct WebFrame {
  int64_t number = 0;  // among the frames that are shown, from 0
  double seconds = 0;  // since the first frame of the clip
  Image depth;         // 0 where the mask hides it
  Image color;
};

// Read() and Measure() have one owner; the others may run together with them and each other.
class WebClip {
 public:
  // Opens the files and counts their frames. Throws what the readers throw, and
  // Error(kInvalidArgument) if depth and color differ in size, rate or length, if the mask differs
  // in size, or for a --draw_frame that is not there.
  WebClip(const DepthViewJobOptions& options, ThreadPool* pool);

  int64_t frames() const { return frames_; }
  int width() const { return width_; }  // of the records: the longer side is 1280 at most
  int height() const { return height_; }

  // Looks at a few frames for the centre of the scene, which an undecided target and the length of
  // the camera's pyramid come from. Before all that follows.
  void Measure();

  // 0 <= number < frames(). Throws what the readers throw.
  WebFrame Read(int64_t number);
  // See view_record.h.
  std::string Encode(const WebFrame& frame) const;
  // clip.json: what viewer.js needs to know.
  json::Value Describe(int frames_per_file) const;
  // The cloud of --background_ply, none without.
  const std::optional<WebCloud>& cloud() const { return cloud_; }

 private:
  void CountFrames();

  const DepthViewJobOptions& options_;
  ViewPath path_;
  PerFrame<Pose> poses_;
  DepthVideoReader depth_;
  VideoReader color_;
  std::optional<VideoReader> mask_;
  ClipCamera camera_;
  int64_t first_frame_;
  int64_t frames_ = 0;
  int64_t mask_frames_ = 0;
  int width_;
  int height_;
  SceneMeasure measure_;
  std::optional<WebCloud> cloud_;
};

}  // namespace mdvt
