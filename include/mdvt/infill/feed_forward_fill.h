// SPDX-License-Identifier: Apache-2.0
//
// Fills holes of a view by a network of the contract "inpaint", which does it in one pass: one that
// has a window sees several frames at once (M2SVid and the like), another one sees a single frame
// (LaMa), see docs/models.md.
#pragma once

#include <memory>
#include <vector>

#include "mdvt/core/parallel.h"
#include "mdvt/infill/clip_fill.h"
#include "mdvt/model/model.h"

namespace mdvt {

struct FeedForwardOptions {
  // Largest part that the network sees at once, at the picture's scale; a network that knows one
  // size sees that. Valid: [64, 4096].
  int tile_width = 1024;
  int tile_height = 768;
  int overlap = 128;  // of tiles. Valid: [0, half the smaller side of a tile]
  // As in DiffusionOptions.
  bool match_colors = true;
  bool blend_rim = true;

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

class FeedForwardFill : public ClipFill {
 public:
  // `pool` may be null and must outlive the object. Throws Error(kUnsupported) that names the model
  // for another contract, and as Check().
  FeedForwardFill(std::shared_ptr<const Model> model, const FeedForwardOptions& options,
                  ThreadPool* pool = nullptr);
  ~FeedForwardFill() override;

  int chunk() const;  // frames of one run, at most
  int carry() const;  // of them that the run before should have made
  bool needs_originals() const;

  // At most chunk() frames; where the network takes so many exactly, the last one is repeated. The
  // network gets what is there in holes. Throws Error(kInvalidArgument) also where the network
  // needs originals and there are none.
  std::vector<Image> Fill(const HoleClip& clip) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
