// SPDX-License-Identifier: Apache-2.0
//
// Holes of a synthesised view, filled with what other frames of the clip have seen there. Where
// depth and cameras are known, each piece of background is looked up in space (ObservedFill); where
// they are not, it is followed along the motion of the background beside the hole (FlowFill). What
// no frame has seen is continued by DirectionalFill.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <memory>
#include <vector>

#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/infill/directional_fill.h"

namespace mdvt {

// Where a pixel of a filled picture comes from, as a grey level.
enum class Provenance : uint8_t {
  kPicture = 0,     // it was no hole
  kExtended = 128,  // continued from beside the hole
  kObserved = 255,  // seen in other frames
};

struct FillCounts {
  int64_t holes = 0;     // pixels
  int64_t observed = 0;  // of them
};

// What is told where no other frame was looked at: all holes are kExtended. `provenance` as below.
FillCounts MarkExtended(const HoleMap& holes, PlaneView<uint8_t> provenance);

struct ObservedFillOptions {
  // A point is seen in a frame if the depth there differs from its own by at most this share of it.
  // Valid: (0, 1].
  double depth_tolerance = 0.02;
  // Steps of 8 bits: a frame whose colours at the rims of the holes differ by more than this in the
  // median, after its brightness has been matched, gives nothing. Valid: (0, 255].
  double color_tolerance = 16;
  // Most frames whose colours are averaged for a pixel. Valid: [1, 64].
  int max_views = 8;
  // Silhouettes of a real camera are mixed: so much of the foreground's colour gets into the hole
  // pixel beside it. Valid: [0, 1).
  double soft_rim = 0.25;
  DirectionalFillOptions rest;  // for what no frame has seen

  // Throws Error(kInvalidArgument) that names the field and its valid range.
  void Check() const;
};

// A frame of the source with its depth.
struct ObservedView {
  ImageView color;                  // in the format of the picture that is filled
  DepthView depth;                  // of the same size as the colour
  PlaneView<const uint8_t> moving;  // data null: nothing moves; else pixels above 127 are not used
  Camera camera;
  Pose world_from_cam = Pose::Identity();
  int64_t index = 0;  // of the frame, which tells how far away in time it is
};

// For a hole pixel the depth is what frames of the window show there: each of their pixels is
// projected into the view; of the depths that land on the pixel, the nearest one that enough frames
// agree on is taken, if it is nearer to the background's rim than to the foreground's. The colour
// is fetched, for each frame, where the ray of the pixel meets that frame's depth, and is taken if
// the depth agrees there and no edge is near. Frames are matched in brightness at the rims of the
// holes and averaged, without those that disagree.
class ObservedFill {
 public:
  // `pool` may be null (one thread) and must outlive the object.
  explicit ObservedFill(const ObservedFillOptions& options, ThreadPool* pool = nullptr);
  ~ObservedFill();

  // holes       of the picture
  // camera      of the picture, which lies at `world_from_cam`
  // views       the frames to look at; views[own] is the one that the picture was made of
  // picture     planar, 8 to 16 bits; its holes are filled
  // provenance  of the same size, or without data
  // The same bytes for every thread count. Throws Error(kInvalidArgument) if sizes or formats
  // disagree.
  FillCounts Fill(const HoleMap& holes, const Camera& camera, const Pose& world_from_cam,
                  const std::vector<ObservedView>& views, size_t own,
                  const MutableImageView& picture, PlaneView<uint8_t> provenance);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Of frames around `own`, at most `most` from which a view of it at `world_from_view` can learn:
// those whose cameras are nearest to the view, and some that are farther away in time. In the order
// of `views`.
std::vector<ObservedView> ChooseViews(const std::vector<ObservedView>& views,
                                      const ObservedView& own, const Pose& world_from_view,
                                      size_t most = 6);

using FlowView = PlaneView<const Eigen::Vector2f>;  // displacements in pixels, per pixel

// One frame of the view that is filled, and where its pixels are in the frames beside it. Motion
// may be measured on pictures of a smaller size: in their pixels.
struct FlowFrame {
  ImageView picture;
  const HoleMap* holes = nullptr;
  FlowView to_next;      // data null: there is none
  FlowView to_previous;  // likewise
};

// Replaces the motion of holes, and of `margin` pixels around them, by that of the background
// beside them: the median of its nearest pixels in the row, smoothed over neighbouring rows of the
// same hole. `flow` may be of a smaller size than the picture, `margin` is in its pixels.
// Throws Error(kInvalidArgument) for a larger one, or a margin outside [0, 64].
void CompleteFlow(const HoleMap& holes, int margin, PlaneView<Eigen::Vector2f> flow);

// From a hole pixel the completed motion leads through the frames before and after until it comes
// to pixels that are no holes there and move as it does; two of them have to agree. Colours of the
// rim, followed in the same way, have to agree, and tell how much brighter the other frame is.
class FlowFill {
 public:
  explicit FlowFill(const ObservedFillOptions& options, ThreadPool* pool = nullptr);
  ~FlowFill();

  // frames  consecutive ones; frames[own] is filled
  // As ObservedFill::Fill. options.depth_tolerance has no meaning here.
  FillCounts Fill(const std::vector<FlowFrame>& frames, size_t own, const MutableImageView& picture,
                  PlaneView<uint8_t> provenance);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
