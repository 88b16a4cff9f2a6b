// SPDX-License-Identifier: Apache-2.0
//
// Finds what stands still before a moving picture: logos, captions, time codes.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"

namespace mdvt {

struct StaticOverlayOptions {
  // An edge belongs to an overlay if its mean over time is at least so many grey levels per pixel
  // ... Valid: [1, 255].
  double min_edge = 5;
  // ... and at least this share of the root mean square of its strength: it neither turns nor
  // comes and goes. Valid: (0, 1].
  double persistence = 0.9;
  // The picture has to change: mean deviation over time of the median pixel, in grey levels. Valid:
  // [0, 255].
  double min_change = 3;
  // Largest share of the picture that may be overlay. Valid: (0, 1].
  double max_share = 0.2;

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

// Push some frames of the whole clip, as far apart as may be, then Find. Memory: seven numbers
// for each pixel.
class StaticOverlay {
 public:
  // Throws Error(kInvalidArgument), see Check().
  explicit StaticOverlay(const StaticOverlayOptions& options = {});

  // 8-bit luma, all of one size, else Error(kInvalidArgument).
  void Push(PlaneView<const uint8_t> luma);

  // White where there is an overlay: closed around persistent edges, Gray(8). Lines from one side
  // of the picture to the other are borders, not overlays. Neither are edges that drift over the
  // clip, straight ones (a picture that moves along them leaves them where they are), nor such in
  // the middle of what does not change either. Throws Error(kRefused) that says why
  // nothing can be told: too few frames, a picture that hardly changes, edges that stand still all
  // over it, or no overlay at all.
  Image Find() const;

 private:
  struct Box {
    int left, top, right, bottom;  // all inside
  };
  double Change(size_t i) const;  // deviation over time
  Image PersistentEdges() const;
  bool IsRound(const std::vector<int32_t>& region, const Image& edges) const;
  double ChangeAround(const Box& box, int reach, const Image& still) const;

  StaticOverlayOptions options_;
  int width_ = 0;
  int height_ = 0;
  int frames_ = 0;
  // Over all frames: of the luma and its square, of its gradient, of that times the frame's number,
  // and of its square.
  std::vector<float> sum_, squares_, dx_, dy_, timed_dx_, timed_dy_, energy_;
};

}  // namespace mdvt
