// SPDX-License-Identifier: Apache-2.0
//
// The frames around the one that is rendered, for eyes whose holes are filled with what those
// frames have seen.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "mdvt/core/camera.h"
#include "mdvt/core/holes.h"
#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/core/pose.h"
#include "mdvt/core/state.h"
#include "mdvt/infill/observed_fill.h"

namespace mdvt {

struct ObserveOptions {
  ObservedFillOptions fill;
  int window = 8;  // frames before and after that are looked at
};

class EyeObserver {
 public:
  struct Seen {
    Image color;  // in the format of the views
    Image depth;  // GrayF32, metres, of the same size
    Camera camera;
    std::optional<Pose> world_from_cam;  // empty: not known, the frame is not looked at
    int64_t index = 0;
    bool new_scene = false;  // nothing before it is looked at from here, nor the reverse
  };

  // `pool` must outlive the object.
  EyeObserver(const ObserveOptions& options, ThreadPool* pool);

  void Push(Seen frame);
  void Finish() { finished_ = true; }
  // Whether the frames after the one whose turn it is are there.
  bool Ready() const;
  // The frame whose turn it is.
  const Seen& now() const { return window_[now_]; }
  void Advance();

  // Fills a view of it.
  //   own     the frame as the view was made of it
  //   camera, world_from_view  of the view
  // Without a pose all is continued from beside the hole.
  FillCounts Fill(const ObservedView& own, const HoleMap& holes, const Camera& camera,
                  const Pose& world_from_view, const MutableImageView& view,
                  PlaneView<uint8_t> provenance);

  // All that is held, for an object with the same options; the frames' pictures as well. Load()
  // throws Error(kCorrupt).
  void Save(State* state) const;
  void Load(const State& state);

  // What a frame that is held takes.
  static int64_t BytesPerFrame(const PixelFormat& format, int width, int height);

 private:
  ObserveOptions options_;
  ObservedFill filler_;
  std::deque<Seen> window_;
  std::deque<int64_t> scenes_;  // of window_
  int64_t scene_ = 0;
  size_t now_ = 0;
  bool finished_ = false;
};

}  // namespace mdvt
