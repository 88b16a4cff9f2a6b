// SPDX-License-Identifier: Apache-2.0
#include "mdvt/infill/diffusion_fill.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "infill/clip_tiles.h"
#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"

namespace mdvt {
namespace {

constexpr int kCell = kTileCell;   // pixels of a latent, along a side
constexpr int kTileMultiple = 64;  // what the UNet halves three times, in latents
constexpr int kKnown = 4;          // channels of a latent
constexpr int kUnetChannels = 9;   // noisy latent, known latent, mask
constexpr double kPi = 3.14159265358979323846;

double NumberOf(const ModelInfo& info, const char* key, double otherwise, double low, double high) {
  for (const auto& [name, text] : info.scheduler) {
    if (name != key) continue;
    const std::optional<double> value = ParseDouble(text);
    Require(value && *value >= low && *value <= high, Code::kCorrupt,
            "model '" + info.name + "': scheduler." + key + " = " + text + ", must be in [" +
                FormatDouble(low) + ", " + FormatDouble(high) + "]");
    return *value;
  }
  return otherwise;
}

void CheckPart(const std::shared_ptr<const Model>& part, const char* role, const std::string& group,
               const std::vector<std::string>& inputs, const std::string& layout) {
  Require(part != nullptr, Code::kInvalidArgument,
          std::string("DiffusionParts: the ") + role + " is missing");
  const ModelInfo& info = part->info();
  Require(info.kind == ModelKind::kInfillPart && info.role == role, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) +
              (info.role.empty() ? "\"" : "\" with the role \"" + info.role + "\"") +
              ", here \"infill_part\" with the role \"" + role + "\" is needed");
  Require(info.group == group, Code::kUnsupported,
          "model '" + info.name + "' belongs to the group '" + info.group + "', the others to '" +
              group + "'");
  bool fits = info.inputs.size() == inputs.size() && !info.outputs.empty() &&
              info.outputs[0].layout.dims == layout;
  for (const std::string& name : inputs)
    fits = fits && std::any_of(info.inputs.begin(), info.inputs.end(),
                               [&](const ModelInputInfo& input) { return input.name == name; });
  std::string names;
  for (const std::string& name : inputs) names += (names.empty() ? "" : ", ") + name;
  Require(fits, Code::kUnsupported,
          "model '" + info.name + "': the role \"" + role + "\" takes " + names + " and gives " +
              layout);
}

uint64_t Mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

// A picture made smaller as the image encoder was trained with: blurred by what the reduction
// leaves out, then torch's bicubic with aligned corners.
std::vector<float> BlurLine(const std::vector<float>& line, double sigma) {
  const int reach = static_cast<int>(std::ceil(2 * sigma));
  const int count = static_cast<int>(line.size());
  if (reach == 0 || count == 1) return line;
  std::vector<float> blurred(line.size());
  for (int i = 0; i < count; ++i) {
    double sum = 0, weights = 0;
    for (int k = -reach; k <= reach; ++k) {
      int at = i + k;
      while (at < 0 || at >= count) at = at < 0 ? -at : 2 * (count - 1) - at;  // reflected
      const double w = std::exp(-0.5 * k * k / (sigma * sigma));
      sum += w * double{line[static_cast<size_t>(at)]};
      weights += w;
    }
    blurred[static_cast<size_t>(i)] = static_cast<float>(sum / weights);
  }
  return blurred;
}

std::vector<float> ResizeLine(const std::vector<float>& line, int to) {
  const int from = static_cast<int>(line.size());
  const std::vector<float> source =
      BlurLine(line, std::max((static_cast<double>(from) / to - 1) / 2, 0.001));
  std::vector<float> result(static_cast<size_t>(to));
  const auto tap = [&](int i) {
    return double{source[static_cast<size_t>(std::clamp(i, 0, from - 1))]};
  };
  constexpr double a = -0.75;
  const auto near_weight = [](double t) { return ((a + 2) * t - (a + 3)) * t * t + 1; };
  const auto far_weight = [](double t) { return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a; };
  for (int i = 0; i < to; ++i) {
    const double at = to > 1 ? static_cast<double>(i) * (from - 1) / (to - 1) : 0;
    const int x = static_cast<int>(std::floor(at));
    const double f = at - x;
    result[static_cast<size_t>(i)] =
        static_cast<float>(far_weight(1 + f) * tap(x - 1) + near_weight(f) * tap(x) +
                           near_weight(1 - f) * tap(x + 1) + far_weight(2 - f) * tap(x + 2));
  }
  return result;
}

void ResizeForEncoder(PlaneView<const float> from, int width, int height, float* to) {
  std::vector<std::vector<float>> rows;
  for (int y = 0; y < from.height; ++y)
    rows.push_back(ResizeLine({from.Row(y), from.Row(y) + from.width}, width));
  std::vector<float> column(rows.size());
  for (int x = 0; x < width; ++x) {
    for (size_t y = 0; y < rows.size(); ++y) column[y] = rows[y][static_cast<size_t>(x)];
    const std::vector<float> resized = ResizeLine(column, height);
    for (int y = 0; y < height; ++y) to[int64_t{y} * width + x] = resized[static_cast<size_t>(y)];
  }
}

}  // namespace

void DiffusionParts::Check() const {
  Require(unet != nullptr, Code::kInvalidArgument, "DiffusionParts: the unet is missing");
  const std::string& group = unet->info().group;
  CheckPart(unet, "unet", group, {"sample", "timestep", "embedding", "time_ids"}, "1FCHW");
  CheckPart(vae_encoder, "vae_encoder", group, {"image"}, "FCHW");
  CheckPart(image_encoder, "image_encoder", group, {"image"}, "11D");
  CheckPart(vae_decoder, "vae_decoder", group, {"latent"}, "FCHW");
  const TensorLayout& latent = vae_encoder->info().outputs[0].layout;
  Require(latent.downscale == kCell && latent.channels == kKnown, Code::kUnsupported,
          "model '" + vae_encoder->info().name + "' gives latents of " +
              std::to_string(latent.channels) + " channels at 1 / " +
              std::to_string(latent.downscale) + ", here 4 at 1 / 8 are needed");
}

DiffusionScheduler DiffusionScheduler::From(const ModelInfo& unet) {
  DiffusionScheduler s;
  const auto number = [&](const char* key, double otherwise, double low, double high) {
    return NumberOf(unet, key, otherwise, low, high);
  };
  s.sigma_min = number("sigma_min", s.sigma_min, 1e-6, 1e6);
  s.sigma_max = number("sigma_max", s.sigma_max, s.sigma_min, 1e6);
  s.rho = number("rho", s.rho, 0.1, 100);
  s.steps = static_cast<int>(number("steps", s.steps, 1, 1000));
  s.guidance = number("guidance", s.guidance, 0, 100);
  s.fps_id = number("fps_id", s.fps_id, 0, 1000);
  s.motion_bucket = number("motion_bucket", s.motion_bucket, 0, 1000);
  s.noise_augmentation = number("noise_augmentation", s.noise_augmentation, 0, 1000);
  s.latent_scale = number("latent_scale", s.latent_scale, 1e-6, 1e6);
  s.chunk = static_cast<int>(number("chunk", s.chunk, 1, 4096));
  s.carry = static_cast<int>(number("carry", s.carry, 0, 4095));
  Require(s.carry < s.chunk, Code::kCorrupt,
          "model '" + unet.name + "': scheduler.carry must be less than scheduler.chunk");
  for (const auto& [name, text] : unet.scheduler)
    Require(name != "prediction" || text == "v", Code::kUnsupported,
            "model '" + unet.name + "': scheduler.prediction = " + text + ", here v is known");
  return s;
}

std::vector<double> DiffusionScheduler::Sigmas(int count) const {
  std::vector<double> sigmas;
  const double high = std::pow(sigma_max, 1 / rho), low = std::pow(sigma_min, 1 / rho);
  for (int i = 0; i < count; ++i)
    sigmas.push_back(std::pow(
        high + (count > 1 ? static_cast<double>(i) / (count - 1) : 0) * (low - high), rho));
  sigmas.push_back(0);
  return sigmas;
}

void DiffusionOptions::Check() const {
  const auto tile = [](const char* name, int value) {
    Require(value >= kTileMultiple && value <= 4096 && value % kTileMultiple == 0,
            Code::kInvalidArgument,
            std::string("DiffusionOptions.") + name + " = " + std::to_string(value) +
                ", must be a multiple of 64 in [64, 4096]");
  };
  tile("tile_width", tile_width);
  tile("tile_height", tile_height);
  Require(steps >= 1 && steps <= 1000, Code::kInvalidArgument,
          "DiffusionOptions.steps = " + std::to_string(steps) + ", must be in [1, 1000]");
  Require(!guidance || (*guidance >= 0 && *guidance <= 100), Code::kInvalidArgument,
          "DiffusionOptions.guidance must be in [0, 100]");
  Require(overlap >= 0 && overlap <= std::min(tile_width, tile_height) / 2, Code::kInvalidArgument,
          "DiffusionOptions.overlap = " + std::to_string(overlap) +
              ", must be at most half the smaller side of a tile");
  Require(encode_frames >= 1 && encode_frames <= 64 && decode_frames >= 1 && decode_frames <= 64,
          Code::kInvalidArgument,
          "DiffusionOptions.encode_frames and decode_frames must be in [1, 64]");
}

float DiffusionFill::Noise(uint64_t seed, int64_t frame, int channel, int y, int x) {
  uint64_t key = Mixed(seed);
  key = Mixed(key ^ static_cast<uint64_t>(frame));
  key = Mixed(key ^ static_cast<uint64_t>(channel));
  key = Mixed(key ^ static_cast<uint64_t>(y));
  key = Mixed(key ^ static_cast<uint64_t>(x));
  // Box-Muller; the first number is never 0.
  const double u = (static_cast<double>(key >> 11) + 1) * 0x1p-53;
  const double v = static_cast<double>(Mixed(key) >> 11) * 0x1p-53;
  return static_cast<float>(std::sqrt(-2 * std::log(u)) * std::cos(2 * kPi * v));
}

struct DiffusionFill::Impl {
  Impl(const DiffusionParts& the_parts, const DiffusionOptions& the_options, ThreadPool* the_pool)
      : parts(the_parts),
        options(the_options),
        pool(the_pool),
        scheduler(DiffusionScheduler::From(the_parts.unet->info())),
        guidance(the_options.guidance.value_or(scheduler.guidance)) {}

  Tensor Embed(const Image& picture) {
    const ModelInputInfo& input = parts.image_encoder->info().inputs[0];
    const PixelSize size = input.size.target;
    Tensor tensor({1, 3, size.height, size.width});
    for (int plane = 0; plane < 3; ++plane)
      ResizeForEncoder(picture.Plane<float>(plane), size.width, size.height,
                       tensor.data() + int64_t{plane} * size.width * size.height);
    ToRange(input.range, &tensor);
    std::vector<Tensor> outputs;
    parts.image_encoder->Run({tensor}, &outputs);
    return std::move(outputs[0]);
  }

  static void ToRange(InputRange range, Tensor* tensor) {
    if (range != InputRange::kMinusOneToOne) return;
    for (int64_t i = 0; i < tensor->size(); ++i) (*tensor)[i] = 2 * (*tensor)[i] - 1;
  }

  // Known latents of the pictures, one after another.
  std::vector<float> Encode(const std::vector<Image>& pictures) {
    std::vector<float> latents;
    const auto group = static_cast<size_t>(options.encode_frames);
    std::vector<Tensor> outputs;
    for (size_t first = 0; first < pictures.size(); first += group) {
      const size_t count = std::min(group, pictures.size() - first);
      Tensor tensor({static_cast<int64_t>(count), 3, height, width});
      float* to = tensor.data();
      for (size_t i = first; i < first + count; ++i)
        for (int plane = 0; plane < 3; ++plane)
          for (int y = 0; y < height; ++y, to += width)
            std::copy_n(pictures[i].Plane<float>(plane).Row(y), width, to);
      ToRange(parts.vae_encoder->info().inputs[0].range, &tensor);
      parts.vae_encoder->Run({tensor}, &outputs);
      latents.insert(latents.end(), outputs[0].data(), outputs[0].data() + outputs[0].size());
    }
    return latents;
  }

  // Pictures in [0, 1] of scaled latents.
  std::vector<Image> Decode(std::vector<float> latents, size_t frames) {
    for (float& value : latents) value = static_cast<float>(double{value} / scheduler.latent_scale);
    std::vector<Image> pictures;
    const auto group = static_cast<size_t>(options.decode_frames);
    const size_t size = latents.size() / frames;
    std::vector<Tensor> outputs;
    for (size_t first = 0; first < frames; first += group) {
      const size_t count = std::min(group, frames - first);
      const Tensor tensor({static_cast<int64_t>(count), kKnown, height / kCell, width / kCell},
                          latents.data() + first * size);
      parts.vae_decoder->Run({tensor}, &outputs);
      const float* from = outputs[0].data();
      for (size_t i = 0; i < count; ++i) {
        Image picture(PixelFormat::RgbF32(), width, height);
        for (int plane = 0; plane < 3; ++plane)
          for (int y = 0; y < height; ++y, from += width)
            std::transform(from, from + width, picture.MutablePlane<float>(plane).Row(y),
                           [](float v) { return (v + 1) / 2; });
        pictures.push_back(std::move(picture));
      }
    }
    return pictures;
  }

  // One pass of the UNet. known, mask  null: those of the unconditional branch, zeros
  std::vector<float> Predict(const std::vector<float>& noisy, double sigma, size_t frames,
                             const std::vector<float>* known, const std::vector<float>* mask,
                             const Tensor& embedding) {
    const int64_t area = int64_t{height / kCell} * (width / kCell);
    Tensor sample({1, static_cast<int64_t>(frames), kUnetChannels, height / kCell, width / kCell});
    const auto scale = static_cast<float>(1 / std::sqrt(sigma * sigma + 1));
    for (size_t f = 0; f < frames; ++f) {
      float* to = sample.data() + static_cast<int64_t>(f) * kUnetChannels * area;
      const size_t from = f * kKnown * static_cast<size_t>(area);
      for (int64_t i = 0; i < kKnown * area; ++i)
        to[i] = scale * noisy[from + static_cast<size_t>(i)];
      if (known == nullptr) continue;
      std::copy_n(known->data() + from, kKnown * area, to + kKnown * area);
      std::copy_n(mask->data() + f * static_cast<size_t>(area), area, to + 2 * kKnown * area);
    }
    Tensor timestep({1});
    timestep[0] = static_cast<float>(0.25 * std::log(sigma));
    Tensor time_ids({1, 3});
    time_ids[0] = static_cast<float>(scheduler.fps_id);
    time_ids[1] = static_cast<float>(scheduler.motion_bucket);
    time_ids[2] = static_cast<float>(scheduler.noise_augmentation);
    const Tensor nothing(embedding.shape());
    std::vector<ModelInput> inputs;
    for (const ModelInputInfo& input : parts.unet->info().inputs) {
      if (input.name == "sample") inputs.emplace_back(sample);
      if (input.name == "timestep") inputs.emplace_back(timestep);
      if (input.name == "embedding") inputs.emplace_back(known == nullptr ? nothing : embedding);
      if (input.name == "time_ids") inputs.emplace_back(time_ids);
    }
    std::vector<Tensor> outputs;
    parts.unet->Run(inputs, &outputs);
    return {outputs[0].data(), outputs[0].data() + outputs[0].size()};
  }

  // Euler's method from pure noise to a picture, in latents that are scaled.
  std::vector<float> Denoise(std::vector<float> x, size_t frames, const std::vector<float>& known,
                             const std::vector<float>& mask, const Tensor& embedding) {
    const std::vector<double> sigmas = scheduler.Sigmas(options.steps);
    const auto start = static_cast<float>(std::sqrt(sigmas[0] * sigmas[0] + 1));
    for (float& value : x) value *= start;
    for (size_t step = 0; step + 1 < sigmas.size(); ++step) {
      const double sigma = sigmas[step], next = sigmas[step + 1];
      std::vector<float> v = Predict(x, sigma, frames, &known, &mask, embedding);
      if (guidance > 1 + 1e-9 || guidance < 1 - 1e-9) {
        const std::vector<float> free = Predict(x, sigma, frames, nullptr, nullptr, embedding);
        for (size_t i = 0; i < v.size(); ++i)
          v[i] = static_cast<float>(double{free[i]} + guidance * (double{v[i]} - double{free[i]}));
      }
      const double root = std::sqrt(sigma * sigma + 1);
      for (size_t i = 0; i < x.size(); ++i) {
        const double denoised = double{x[i]} / (sigma * sigma + 1) - double{v[i]} * sigma / root;
        x[i] =
            static_cast<float>(double{x[i]} + (double{x[i]} - denoised) / sigma * (next - sigma));
      }
    }
    return x;
  }

  // What the networks make of a tile.
  std::vector<Image> RunTile(const HoleClip& clip, const Tile& tile) {
    width = tile.width;
    height = tile.height;
    const size_t frames = clip.pictures.size();
    const int rows = height / kCell, columns = width / kCell;
    const int all_columns = (clip.pictures[0].width() + kCell - 1) / kCell;
    std::vector<Image> parts_of;
    std::vector<float> mask, noise;
    for (size_t f = 0; f < frames; ++f) {
      parts_of.push_back(CutOut(clip.pictures[f], tile, clip.mirror));
      // A latent that knows only a part of its pixels is to be made anew.
      for (int y = 0; y < rows; ++y) {
        for (int x = 0; x < columns; ++x) {
          bool hole = false;
          for (int i = 0; i < kCell * kCell && !hole; ++i)
            hole = IsHole(clip.masks[f], tile, kCell * x + i % kCell, kCell * y + i / kCell,
                          clip.mirror);
          mask.push_back(hole ? 1.0f : 0.0f);
        }
      }
      for (int c = 0; c < kKnown; ++c) {
        for (int y = 0; y < rows; ++y) {
          for (int x = 0; x < columns; ++x) {
            const int at = tile.x / kCell + x;
            noise.push_back(Noise(options.seed, clip.first_frame + static_cast<int64_t>(f), c,
                                  tile.y / kCell + y, clip.mirror ? all_columns - 1 - at : at));
          }
        }
      }
    }
    const Tensor embedding = Embed(parts_of[0]);
    const std::vector<float> known = Encode(parts_of);
    return Decode(Denoise(std::move(noise), frames, known, mask, embedding), frames);
  }

  DiffusionParts parts;
  DiffusionOptions options;
  ThreadPool* pool;
  DiffusionScheduler scheduler;
  double guidance;
  int width = 0;  // of a tile
  int height = 0;
};

DiffusionFill::DiffusionFill(const DiffusionParts& parts, const DiffusionOptions& options,
                             ThreadPool* pool) {
  parts.Check();
  options.Check();
  impl_ = std::make_unique<Impl>(parts, options, pool);
}
DiffusionFill::~DiffusionFill() = default;

const DiffusionScheduler& DiffusionFill::scheduler() const { return impl_->scheduler; }

std::vector<Image> DiffusionFill::Fill(const HoleClip& clip) {
  CheckHoleClip(clip, "DiffusionFill");
  const DiffusionOptions& options = impl_->options;
  ClipTiling tiling;
  tiling.width = options.tile_width;
  tiling.height = options.tile_height;
  tiling.overlap = options.overlap;
  tiling.multiple = kTileMultiple;
  tiling.match_colors = options.match_colors;
  tiling.blend_rim = options.blend_rim;
  return FillByTiles(
      clip, tiling, [&](const Tile& tile) { return impl_->RunTile(clip, tile); }, impl_->pool);
}

}  // namespace mdvt
