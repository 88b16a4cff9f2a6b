// SPDX-License-Identifier: Apache-2.0
#include "infill/clip_tiles.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "infill/membrane.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kLeastVariance = 1e-7;  // of samples in [0, 1]: keeps covariances invertible
constexpr int64_t kFewPixels = 16;       // fewer tell nothing about colours

// Mean and covariance of colours.
struct ColorStatistics {
  int64_t count = 0;
  Eigen::Vector3d sum = Eigen::Vector3d::Zero();
  Eigen::Matrix3d squares = Eigen::Matrix3d::Zero();

  void Add(const Eigen::Vector3d& color) {
    ++count;
    sum += color;
    squares += color * color.transpose();
  }
  void Add(const ColorStatistics& other) {
    count += other.count;
    sum += other.sum;
    squares += other.squares;
  }
  Eigen::Vector3d mean() const { return sum / static_cast<double>(count); }
  Eigen::Matrix3d covariance() const {
    return squares / static_cast<double>(count) - mean() * mean().transpose() +
           kLeastVariance * Eigen::Matrix3d::Identity();
  }
};

Eigen::Matrix3d Root(const Eigen::Matrix3d& m, bool inverse) {
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d> solver(m);
  const Eigen::Vector3d roots = solver.eigenvalues().cwiseMax(1e-30).cwiseSqrt();
  const Eigen::Vector3d values = inverse ? Eigen::Vector3d(roots.cwiseInverse()) : roots;
  return solver.eigenvectors() * values.asDiagonal() * solver.eigenvectors().transpose();
}

Eigen::Vector3d ColorAt(const Image& image, int x, int y) {
  return {double{image.Plane<float>(0).At(x, y)}, double{image.Plane<float>(1).At(x, y)},
          double{image.Plane<float>(2).At(x, y)}};
}

void MatchColors(const HoleClip& clip, const Tile& tile, std::vector<Image>* made) {
  const size_t frames = made->size();
  const int width = std::min(tile.width, clip.pictures[0].width() - tile.x);
  const int height = std::min(tile.height, clip.pictures[0].height() - tile.y);
  std::vector<ColorStatistics> here(frames), there(frames);
  for (size_t f = 0; f < frames; ++f) {
    const Image part = CutOut(clip.pictures[f], tile, clip.mirror);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (IsHole(clip.masks[f], tile, x, y, clip.mirror)) continue;
        here[f].Add(ColorAt(part, x, y));
        there[f].Add(ColorAt((*made)[f], x, y));
      }
    }
  }
  for (size_t f = 0; f < frames; ++f) {
    // With its neighbours in time, itself twice.
    ColorStatistics reference, content;
    for (const ptrdiff_t k : {-1, 0, 0, 1}) {
      const auto g = static_cast<size_t>(std::clamp<ptrdiff_t>(static_cast<ptrdiff_t>(f) + k, 0,
                                                               static_cast<ptrdiff_t>(frames) - 1));
      reference.Add(here[g]);
      content.Add(there[g]);
    }
    if (reference.count < kFewPixels) continue;
    const Eigen::Matrix3d root = Root(content.covariance(), false);
    const Eigen::Matrix3d inverse = Root(content.covariance(), true);
    const Eigen::Matrix3d map =
        inverse * Root(root * reference.covariance() * root, false) * inverse;
    for (int y = 0; y < tile.height; ++y) {
      for (int x = 0; x < tile.width; ++x) {
        const Eigen::Vector3d color =
            map * (ColorAt((*made)[f], x, y) - content.mean()) + reference.mean();
        for (int c = 0; c < 3; ++c)
          (*made)[f].MutablePlane<float>(c).At(x, y) = static_cast<float>(color[c]);
      }
    }
  }
}

// Falls to nothing over the overlap, where there is a neighbour on that side.
float Ramp(int at, int size, int overlap, bool before, bool after) {
  const auto rise = [&](int distance) {
    if (distance >= overlap || overlap == 0) return 1.0;
    return 0.5 - 0.5 * std::cos(kPi * (distance + 0.5) / overlap);
  };
  return static_cast<float>((before ? rise(at) : 1.0) * (after ? rise(size - 1 - at) : 1.0));
}

int RoundUp(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// What the tiles give, added up, and their weights: the same for all frames.
struct Joined {
  std::vector<Image> sums;
  Image weights;

  Joined(size_t frames, int width, int height) : weights(PixelFormat::GrayF32(), width, height) {
    Clear(&weights);
    for (size_t f = 0; f < frames; ++f) {
      sums.emplace_back(PixelFormat::RgbF32(), width, height);
      Clear(&sums.back());
    }
  }
  static void Clear(Image* image) {
    for (int plane = 0; plane < image->format().num_planes(); ++plane)
      for (int y = 0; y < image->height(); ++y)
        std::fill_n(image->MutablePlane<float>(plane).Row(y), image->width(), 0.0f);
  }
  // ramp(x, y)  weight of a pixel of the tile
  template <typename Weight>
  void Add(const Tile& tile, bool mirror, const std::vector<Image>& made, const Weight& ramp) {
    const int width = weights.width(), height = weights.height();
    for (int y = 0; y < std::min(tile.height, height - tile.y); ++y) {
      for (int x = 0; x < std::min(tile.width, width - tile.x); ++x) {
        const float w = ramp(x, y);
        const int at_x = mirror ? width - 1 - tile.x - x : tile.x + x, at_y = tile.y + y;
        weights.MutablePlane<float>().At(at_x, at_y) += w;
        for (size_t f = 0; f < made.size(); ++f)
          for (int c = 0; c < 3; ++c)
            sums[f].MutablePlane<float>(c).At(at_x, at_y) += w * made[f].Plane<float>(c).At(x, y);
      }
    }
  }
};

// Replaces the wanted pixels of a frame by what the tiles made of them.
Image Paste(const Image& picture, const Image& wanted, const Image& sums, const Image& weights,
            bool blend_rim) {
  const int width = picture.width(), height = picture.height();
  const auto is_wanted = [&](int x, int y) { return wanted.Plane<uint8_t>().At(x, y) > 127; };
  const PlaneView<const float> weight = weights.Plane<float>();
  Image result = picture.Clone();
  Image cells(PixelFormat::Gray(8), width, height);
  Image offsets(PixelFormat::GrayF32(), width, height);
  const PlaneView<uint8_t> cell = cells.MutablePlane<uint8_t>();
  const PlaneView<float> offset = offsets.MutablePlane<float>();
  for (int c = 0; c < 3; ++c) {
    const PlaneView<float> to = result.MutablePlane<float>(c);
    const PlaneView<const float> from = sums.Plane<float>(c);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        cell.At(x, y) = kMembraneOutside;
        offset.At(x, y) = 0;
        if (is_wanted(x, y)) {
          cell.At(x, y) = kMembraneUnknown;
          to.At(x, y) = from.At(x, y) / weight.At(x, y);
        } else if (weight.At(x, y) > 0) {
          cell.At(x, y) = kMembraneKnown;
          offset.At(x, y) = to.At(x, y) - from.At(x, y) / weight.At(x, y);
        }
      }
    }
    if (blend_rim) SolveMembrane(cells.Plane<uint8_t>(), offset);
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        if (is_wanted(x, y))
          to.At(x, y) = std::clamp(to.At(x, y) + (blend_rim ? offset.At(x, y) : 0.0f), 0.0f, 1.0f);
  }
  return result;
}

}  // namespace

void CheckHoleClip(const HoleClip& clip, const char* who) {
  const size_t frames = clip.pictures.size();
  const auto as_many = [&](const std::vector<Image>& images) {
    return images.empty() || images.size() == frames;
  };
  Require(
      frames > 0 && clip.masks.size() == frames && as_many(clip.wanted) && as_many(clip.originals),
      Code::kInvalidArgument, std::string(who) + ": there must be as many masks as pictures");
  const int width = clip.pictures[0].width(), height = clip.pictures[0].height();
  const auto fit = [&](const std::vector<Image>& images, const PixelFormat& format) {
    return std::all_of(images.begin(), images.end(), [&](const Image& image) {
      return image.format() == format && image.width() == width && image.height() == height;
    });
  };
  Require(fit(clip.pictures, PixelFormat::RgbF32()) && fit(clip.masks, PixelFormat::Gray(8)) &&
              fit(clip.wanted, PixelFormat::Gray(8)) && fit(clip.originals, PixelFormat::RgbF32()),
          Code::kInvalidArgument,
          std::string(who) + ": pictures must be rgbf32 and masks gray8, all of " +
              FormatSize(width, height));
}

std::vector<int> TileStarts(int side, int tile, int overlap) {
  if (side <= tile) return {0};
  const int count = (side - overlap + tile - overlap - 1) / (tile - overlap);
  std::vector<int> starts;
  const int last = (side - tile + kTileCell - 1) / kTileCell * kTileCell;
  for (int i = 0; i < count; ++i)
    starts.push_back(static_cast<int>(int64_t{last} * i / (count - 1)) / kTileCell * kTileCell);
  return starts;
}

Image CutOut(const Image& picture, const Tile& tile, bool mirror) {
  Image part(picture.format(), tile.width, tile.height);
  for (int plane = 0; plane < picture.format().num_planes(); ++plane) {
    for (int y = 0; y < tile.height; ++y) {
      const float* from =
          picture.Plane<float>(plane).Row(std::min(tile.y + y, picture.height() - 1));
      float* to = part.MutablePlane<float>(plane).Row(y);
      for (int x = 0; x < tile.width; ++x) {
        const int at = std::min(tile.x + x, picture.width() - 1);
        to[x] = from[mirror ? picture.width() - 1 - at : at];
      }
    }
  }
  return part;
}

bool IsHole(const Image& mask, const Tile& tile, int x, int y, bool mirror) {
  const int at_x = tile.x + x, at_y = tile.y + y;
  if (at_x >= mask.width() || at_y >= mask.height()) return false;
  return mask.Plane<uint8_t>().At(mirror ? mask.width() - 1 - at_x : at_x, at_y) > 127;
}

std::vector<Image> FillByTiles(const HoleClip& clip, const ClipTiling& tiling,
                               const std::function<std::vector<Image>(const Tile&)>& run,
                               ThreadPool* pool) {
  const int width = clip.pictures[0].width(), height = clip.pictures[0].height();
  const std::vector<Image>& wanted = clip.wanted.empty() ? clip.masks : clip.wanted;
  const auto side = [&](int tile, int picture) {
    return tiling.multiple > 0 ? std::min(tile, RoundUp(picture, tiling.multiple)) : tile;
  };
  const int tile_width = side(tiling.width, width), tile_height = side(tiling.height, height);
  const std::vector<int> columns = TileStarts(width, tile_width, tiling.overlap);
  const std::vector<int> rows = TileStarts(height, tile_height, tiling.overlap);
  Joined joined(clip.pictures.size(), width, height);
  for (const int tile_y : rows) {
    for (const int tile_x : columns) {
      const Tile tile{tile_x, tile_y, tile_width, tile_height};
      const auto is_wanted = [&](const Image& mask) {
        for (int y = 0; y < tile_height; ++y)
          for (int x = 0; x < tile_width; ++x)
            if (IsHole(mask, tile, x, y, clip.mirror)) return true;
        return false;
      };
      if (std::none_of(wanted.begin(), wanted.end(), is_wanted)) continue;
      std::vector<Image> made = run(tile);
      if (tiling.match_colors) MatchColors(clip, tile, &made);
      joined.Add(tile, clip.mirror, made, [&](int x, int y) {
        return Ramp(x, tile_width, tiling.overlap, tile_x > 0, tile_x != columns.back()) *
               Ramp(y, tile_height, tiling.overlap, tile_y > 0, tile_y != rows.back());
      });
    }
  }
  std::vector<Image> results(clip.pictures.size());
  const auto paste = [&](int64_t begin, int64_t end) {
    for (auto f = static_cast<size_t>(begin); f < static_cast<size_t>(end); ++f)
      results[f] =
          Paste(clip.pictures[f], wanted[f], joined.sums[f], joined.weights, tiling.blend_rim);
  };
  const auto frames = static_cast<int64_t>(results.size());
  if (pool != nullptr) {
    pool->ParallelFor(frames, 1, paste);
  } else {
    paste(0, frames);
  }
  return results;
}

}  // namespace mdvt
