// SPDX-License-Identifier: Apache-2.0
//
// What networks that fill clips have in common: a view is cut into tiles, and what is made of them
// is joined and fitted to the picture around the holes.
#pragma once

#include <functional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/clip_fill.h"

namespace mdvt {

constexpr int kTileCell = 8;  // tiles begin at multiples of it

struct ClipTiling {
  int width = 0;  // of a tile; one that is larger than the picture is the only one
  int height = 0;
  int overlap = 0;
  // Multiples that a tile's sides may shrink to where the picture is smaller; 0: they may not.
  int multiple = 0;
  bool match_colors = true;
  bool blend_rim = true;
};

struct Tile {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

// Throws Error(kInvalidArgument) for pictures that do not fit together. who  begins the message
void CheckHoleClip(const HoleClip& clip, const char* who);

// Where tiles begin that cover `side` pixels, at multiples of a cell.
std::vector<int> TileStarts(int side, int tile, int overlap);

// A tile of a picture of floats, mirrored where asked for; beyond the border the last pixel is
// repeated.
Image CutOut(const Image& picture, const Tile& tile, bool mirror);

// Whether a pixel of a tile is a hole; none beyond the border is.
bool IsHole(const Image& mask, const Tile& tile, int x, int y, bool mirror);

// Calls `run` for each tile with pixels that are to be replaced: it gives the tile's frames, RgbF32
// of the tile's size. Where tiles overlap they fade into each other. Colours are matched by the
// linear map between the means and covariances of the pixels that are no holes (Monge-Kantorovich),
// smoothed over neighbouring frames; then the rest of the difference at the rim of what is replaced
// is continued into it as a membrane (Poisson blending).
std::vector<Image> FillByTiles(const HoleClip& clip, const ClipTiling& tiling,
                               const std::function<std::vector<Image>(const Tile&)>& run,
                               ThreadPool* pool);

}  // namespace mdvt
