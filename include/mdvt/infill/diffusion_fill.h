// SPDX-License-Identifier: Apache-2.0
//
// Fills holes of a view by a video diffusion model in four parts (StereoCrafter on Stable Video
// Diffusion): the loop around the networks, see docs/models.md for what each takes and gives.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mdvt/core/image.h"
#include "mdvt/core/parallel.h"
#include "mdvt/infill/clip_fill.h"
#include "mdvt/model/model.h"

namespace mdvt {

// The parts, of kind "infill_part", one group, each with its role.
struct DiffusionParts {
  std::shared_ptr<const Model> vae_encoder;    // "vae_encoder": pictures -> latents
  std::shared_ptr<const Model> image_encoder;  // "image_encoder": a picture -> embedding
  std::shared_ptr<const Model> unet;           // "unet": noisy and known latents -> v
  std::shared_ptr<const Model> vae_decoder;    // "vae_decoder": latents -> pictures

  // Throws Error(kUnsupported) that names the model for another kind, role, group or other inputs;
  // kInvalidArgument if one is missing.
  void Check() const;
};

// What the UNet's metadata has under "scheduler".
struct DiffusionScheduler {
  double sigma_min = 0.002;
  double sigma_max = 700;
  double rho = 7;
  int steps = 8;
  double guidance = 1.01;
  double fps_id = 6;
  double motion_bucket = 127;
  double noise_augmentation = 0;
  double latent_scale = 0.18215;
  int chunk = 23;  // frames of one run
  int carry = 3;   // of them that the run before has made

  // Throws Error(kCorrupt) for values that cannot be.
  static DiffusionScheduler From(const ModelInfo& unet);
  // Noise levels of `count` steps, falling, and a 0:
  //   sigma_i = (max^(1/rho) + i / (count - 1) (min^(1/rho) - max^(1/rho)))^rho
  std::vector<double> Sigmas(int count) const;
};

struct DiffusionOptions {
  int steps = 5;                   // of denoising. Valid: [1, 1000]
  std::optional<double> guidance;  // empty: the scheduler's. Valid: [0, 100]. At most 1: one pass
                                   // of the UNet for each step in place of two
  uint64_t seed = 0;
  // Size of what the networks see at once: multiples of 64 in [64, 4096]. Larger views are cut into
  // tiles that overlap by `overlap` pixels. Valid: [0, half the smaller side].
  int tile_width = 1024;
  int tile_height = 768;
  int overlap = 128;
  int encode_frames = 5;  // frames of one run of the VAE. Valid: [1, 64]
  int decode_frames = 8;
  bool match_colors = true;
  bool blend_rim = true;  // see DiffusionFill::Fill

  // Throws Error(kInvalidArgument) that names the field.
  void Check() const;
};

class DiffusionFill : public ClipFill {
 public:
  // `pool` may be null and must outlive the object. Throws as the Check() functions do.
  DiffusionFill(const DiffusionParts& parts, const DiffusionOptions& options,
                ThreadPool* pool = nullptr);
  ~DiffusionFill() override;

  const DiffusionScheduler& scheduler() const;

  // The mirrored eye gets mirrored noise: both eyes get the same.
  //
  // Tiles without holes are passed over. Colours are matched, where asked for, by the linear map
  // between the means and covariances of the pixels that are no holes (Monge-Kantorovich), smoothed
  // over neighbouring frames. What is still different at the rims of the holes is continued into
  // them as a membrane. Noise comes from (seed, frame, channel, place) alone, so that frames and
  // places that are seen twice have the same.
  std::vector<Image> Fill(const HoleClip& clip) override;

  // Normally distributed, of mean 0 and variance 1.
  static float Noise(uint64_t seed, int64_t frame, int channel, int y, int x);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mdvt
