// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/feed_forward_fill.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "infill/clip_tiles.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

enum class Role { kPictures, kMask, kOriginals };

std::optional<Role> RoleOf(const ModelInputInfo& input, bool clip) {
  if (input.layout.dims != (clip ? "1TCHW" : "NCHW")) return std::nullopt;
  if (input.name == "mask" && input.layout.channels == 1) return Role::kMask;
  if (input.layout.channels != 3 || input.layout.downscale != 1) return std::nullopt;
  if (input.name == (clip ? "frames" : "image")) return Role::kPictures;
  if (clip && input.name == "originals") return Role::kOriginals;
  return std::nullopt;
}

std::vector<Role> RolesOf(const ModelInfo& info) {
  const bool clip = info.window.has_value();
  Require(info.kind == ModelKind::kInpaint, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              "\", filling in one pass needs \"inpaint\"");
  std::vector<Role> roles;
  for (const ModelInputInfo& input : info.inputs) {
    const std::optional<Role> role = RoleOf(input, clip);
    if (role) roles.push_back(*role);
  }
  const auto has = [&](Role role) { return std::count(roles.begin(), roles.end(), role) == 1; };
  const bool inputs = roles.size() == info.inputs.size() && has(Role::kPictures) &&
                      has(Role::kMask) && info.inputs[0].layout.downscale == 1;
  const bool outputs = info.outputs[0].quantity == Quantity::kImage &&
                       info.outputs[0].layout.dims == (clip ? "1TCHW" : "NCHW") &&
                       info.outputs[0].layout.channels == 3 &&
                       info.outputs[0].layout.downscale == 1;
  Require(inputs && outputs, Code::kUnsupported,
          "model '" + info.name + "': \"inpaint\" takes " +
              (clip ? "with a window frames, a mask of one channel and, at will, originals, and "
                      "gives frames"
                    : "an image and a mask of one channel, and gives an image"));
  return roles;
}

}  // namespace

void FeedForwardOptions::Check() const {
  const auto side = [](const char* name, int value) {
    Require(value >= 64 && value <= 4096, Code::kInvalidArgument,
            std::string("FeedForwardOptions.") + name + " = " + std::to_string(value) +
                ", must be in [64, 4096]");
  };
  side("tile_width", tile_width);
  side("tile_height", tile_height);
  Require(overlap >= 0 && overlap <= std::min(tile_width, tile_height) / 2, Code::kInvalidArgument,
          "FeedForwardOptions.overlap = " + std::to_string(overlap) +
              ", must be at most half the smaller side of a tile");
}

struct FeedForwardFill::Impl {
  Impl(std::shared_ptr<const Model> the_model, const FeedForwardOptions& the_options,
       ThreadPool* the_pool)
      : model(std::move(the_model)),
        options(the_options),
        pool(the_pool),
        roles(RolesOf(model->info())) {
    const ModelInfo& info = model->info();
    const SizeRule& rule = info.inputs[0].size;
    tiling.overlap = options.overlap;
    tiling.match_colors = options.match_colors;
    tiling.blend_rim = options.blend_rim;
    if (rule.mode == SizeMode::kFixed || !rule.dynamic) {
      tiling.width = rule.target.width;
      tiling.height = rule.target.height;
    } else {
      int multiple = rule.multiple;
      for (const ModelInputInfo& input : info.inputs)
        multiple = std::lcm(multiple, input.layout.downscale);
      const auto side = [&](int wanted, int least, int most) {
        const int size = std::clamp(wanted, least, most) / multiple * multiple;
        return size < least ? size + multiple : size;
      };
      tiling.width = side(options.tile_width, rule.min.width, rule.max.width);
      tiling.height = side(options.tile_height, rule.min.height, rule.max.height);
      // Smaller pictures are seen whole, unless the network takes none so small.
      if (multiple >= std::max(rule.min.width, rule.min.height)) tiling.multiple = multiple;
    }
    tiling.overlap = std::min(tiling.overlap, std::min(tiling.width, tiling.height) / 2);
  }

  bool Clips() const { return model->info().window.has_value(); }
  // Frames that a run of `count` has.
  size_t Frames(size_t count) const {
    if (!Clips()) return 1;
    const ModelWindow& window = *model->info().window;
    if (!window.dynamic) return static_cast<size_t>(window.length);
    const auto multiple = static_cast<size_t>(window.multiple);
    return (std::max(count, static_cast<size_t>(window.min_length)) + multiple - 1) / multiple *
           multiple;
  }

  // Pictures of the frames [first, first + count) of a clip; the last one is repeated.
  static Tensor Pictures(const std::vector<Image>& images, size_t first, size_t count,
                         const Tile& tile, bool mirror) {
    const int64_t area = int64_t{tile.width} * tile.height;
    Tensor tensor({static_cast<int64_t>(count), 3, tile.height, tile.width});
    for (size_t f = 0; f < count; ++f) {
      const Image part = CutOut(images[std::min(first + f, images.size() - 1)], tile, mirror);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < tile.height; ++y)
          std::copy_n(
              part.Plane<float>(c).Row(y), tile.width,
              tensor.data() + (static_cast<int64_t>(f) * 3 + c) * area + int64_t{y} * tile.width);
    }
    return tensor;
  }
  // 1 where any pixel of a cell is a hole.
  static Tensor Mask(const std::vector<Image>& masks, size_t first, size_t count, const Tile& tile,
                     bool mirror, int cell) {
    Tensor tensor({static_cast<int64_t>(count), 1, tile.height / cell, tile.width / cell});
    float* to = tensor.data();
    for (size_t f = 0; f < count; ++f) {
      const Image& mask = masks[std::min(first + f, masks.size() - 1)];
      for (int y = 0; y < tile.height / cell; ++y) {
        for (int x = 0; x < tile.width / cell; ++x) {
          bool hole = false;
          for (int i = 0; i < cell * cell && !hole; ++i)
            hole = IsHole(mask, tile, cell * x + i % cell, cell * y + i / cell, mirror);
          *to++ = hole ? 1.0f : 0.0f;
        }
      }
    }
    return tensor;
  }

  // The frames [first, first + count), filled.
  void RunFrames(const HoleClip& clip, const Tile& tile, size_t first, size_t count,
                 std::vector<Image>* made) {
    const ModelInfo& info = model->info();
    const size_t frames = Frames(count);
    std::vector<Tensor> tensors;  // stay until the run has ended
    for (size_t i = 0; i < roles.size(); ++i) {
      Tensor tensor =
          roles[i] == Role::kMask
              ? Mask(clip.masks, first, frames, tile, clip.mirror, info.inputs[i].layout.downscale)
              : Pictures(roles[i] == Role::kPictures ? clip.pictures : clip.originals, first,
                         frames, tile, clip.mirror);
      if (info.inputs[i].range == InputRange::kMinusOneToOne)
        for (int64_t k = 0; k < tensor.size(); ++k) tensor[k] = 2 * tensor[k] - 1;
      if (Clips()) {
        Shape shape = tensor.shape();
        shape.insert(shape.begin(), 1);
        tensor = Tensor(shape, tensor.data());
      }
      tensors.push_back(std::move(tensor));
    }
    model->Run({tensors.begin(), tensors.end()}, &outputs);
    const bool symmetric = info.inputs[0].range == InputRange::kMinusOneToOne;
    const float* from = outputs[0].data();
    for (size_t f = 0; f < count; ++f) {
      Image picture(PixelFormat::RgbF32(), tile.width, tile.height);
      for (int c = 0; c < 3; ++c)
        for (int y = 0; y < tile.height; ++y, from += tile.width)
          std::transform(from, from + tile.width, picture.MutablePlane<float>(c).Row(y),
                         [symmetric](float v) { return symmetric ? (v + 1) / 2 : v; });
      made->push_back(std::move(picture));
    }
  }

  std::vector<Image> RunTile(const HoleClip& clip, const Tile& tile) {
    std::vector<Image> made;
    const size_t frames = clip.pictures.size(), step = Clips() ? frames : 1;
    for (size_t first = 0; first < frames; first += step) RunFrames(clip, tile, first, step, &made);
    return made;
  }

  std::shared_ptr<const Model> model;
  FeedForwardOptions options;
  ThreadPool* pool;
  std::vector<Role> roles;  // of the inputs
  ClipTiling tiling;
  std::vector<Tensor> outputs;
};

FeedForwardFill::FeedForwardFill(std::shared_ptr<const Model> model,
                                 const FeedForwardOptions& options, ThreadPool* pool) {
  Require(model != nullptr, Code::kInvalidArgument, "FeedForwardFill: no model");
  options.Check();
  impl_ = std::make_unique<Impl>(std::move(model), options, pool);
}
FeedForwardFill::~FeedForwardFill() = default;

int FeedForwardFill::chunk() const {
  return impl_->Clips() ? impl_->model->info().window->length : 1;
}
int FeedForwardFill::carry() const {
  return impl_->Clips() ? impl_->model->info().window->overlap : 0;
}
bool FeedForwardFill::needs_originals() const {
  return std::count(impl_->roles.begin(), impl_->roles.end(), Role::kOriginals) > 0;
}

std::vector<Image> FeedForwardFill::Fill(const HoleClip& clip) {
  CheckHoleClip(clip, "FeedForwardFill");
  Require(clip.pictures.size() <= static_cast<size_t>(chunk()) || !impl_->Clips(),
          Code::kInvalidArgument,
          "FeedForwardFill: " + std::to_string(clip.pictures.size()) +
              " frames, the network takes at most " + std::to_string(chunk()));
  Require(!needs_originals() || !clip.originals.empty(), Code::kInvalidArgument,
          "model '" + impl_->model->info().name +
              "' looks at the video that the eyes were rendered of, and there is none");
  return FillByTiles(
      clip, impl_->tiling, [&](const Tile& tile) { return impl_->RunTile(clip, tile); },
      impl_->pool);
}

}  // namespace mdvt
