// SPDX-License-Identifier: Apache-2.0
//
// Points of a stereo clip with what is measured of them: what the steps after tracking share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "mdvt/core/pose.h"
#include "mdvt/geometry/track_lifting.h"
#include "mdvt/io/depth_video.h"
#include "pipeline/stereo4d_clip.h"

namespace mdvt {

// What the steps after tracking read of a clip: an empty name stands for what the steps before it
// have written.
struct ClipTrackFiles {
  template <typename Options>
  explicit ClipTrackFiles(const Options& o)
      : left(Stereo4dView(o.clip, "left")),
        tracks(o.track_file.empty() ? left + "_tracking.json" : o.track_file),
        depth(o.depth_video.empty() ? o.clip.File("-raw_depth.mkv") : o.depth_video),
        poses(o.transformation_file.empty() ? o.clip.File("-transformations.json")
                                            : o.transformation_file) {}

  std::string left, tracks, depth, poses;
};
// The options that name depth and poses.
void DescribeClipDepth(OptionList* list, std::string* depth_video,
                       std::string* transformation_file);

inline constexpr double kMotionWindow = 0.53;  // seconds, in which motion in the view is measured

// A point seen with depth.
struct ClipSample {
  int32_t frame = 0;
  float x = 0, y = 0;  // pixels, edge coordinates
  float disparity = 0;
};

// Disparity of a view behind a position: between the four pixels around it where they are of one
// surface, else of the pixel that it lies in; 0 where that has no depth.
class DisparityMap {
 public:
  // scale  focal length times baseline
  DisparityMap(const DepthView& depth, double scale)
      : depth_(depth), scale_(static_cast<float>(scale)) {}

  float Behind(float x, float y) const {
    constexpr float kSameSurface = 1;  // pixels of disparity between neighbours
    const int column = std::clamp(static_cast<int>(x), 0, depth_.width - 1);
    const int row = std::clamp(static_cast<int>(y), 0, depth_.height - 1);
    const float here = At(column, row);
    const float u = x - 0.5f, v = y - 0.5f;
    const int left = static_cast<int>(std::floor(u)), top = static_cast<int>(std::floor(v));
    if (left < 0 || top < 0 || left + 1 >= depth_.width || top + 1 >= depth_.height) return here;
    const float a = At(left, top), b = At(left + 1, top), c = At(left, top + 1),
                d = At(left + 1, top + 1);
    const auto [least, most] = std::minmax({a, b, c, d});
    if (!(least > 0) || most - least > kSameSurface) return here;
    const float p = u - static_cast<float>(left), q = v - static_cast<float>(top);
    return (1 - q) * ((1 - p) * a + p * b) + q * ((1 - p) * c + p * d);
  }

 private:
  float At(int x, int y) const { return depth_.At(x, y) > 0 ? scale_ / depth_.At(x, y) : 0; }

  const DepthView depth_;
  const float scale_;
};

// The sights of a point as they are put into space; poses are those of the left view.
inline std::vector<LiftObservation> ObservationsOf(const std::vector<ClipSample>& samples,
                                                   const Stereo4dClip& clip,
                                                   const std::vector<Pose>& poses, double sigma) {
  std::vector<LiftObservation> seen;
  for (const ClipSample& sample : samples) {
    const auto frame = static_cast<size_t>(sample.frame);
    LiftObservation one;
    one.time = static_cast<double>(clip.times_us[frame]) * 1e-6;
    one.world_from_cam = poses[frame];
    one.x = static_cast<double>(sample.x);
    one.y = static_cast<double>(sample.y);
    one.disparity = static_cast<double>(sample.disparity);
    one.sigma = sigma;
    seen.push_back(one);
  }
  return seen;
}

// Throws Error(kCorrupt) unless there are poses and times for so many frames of a depth video.
void RequirePosesAndTimes(const Stereo4dClip& clip, const std::vector<Pose>& poses,
                          const std::string& pose_file, int64_t frames,
                          const std::string& depth_video);

}  // namespace mdvt
