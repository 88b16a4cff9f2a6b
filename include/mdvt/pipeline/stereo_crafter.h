// SPDX-License-Identifier: Apache-2.0
//
// Fills the holes of a finished side-by-side video by a network: a video diffusion model, or one
// that does it in a single pass.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/infill/diffusion_fill.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

struct StereoCrafterJobOptions {
  JobOptions job;
  std::string sbs_color_video;
  std::string sbs_mask_video;
  std::string output;  // empty: <sbs_color_video>_infilled.mkv
  // A folder with the four parts of a diffusion model, whose names end in vae_encoder,
  // image_encoder, unet and vae_decoder; or the file of a network of kind "inpaint". How it is
  // opened.
  DepthModelOptions model;
  // What the eyes were rendered of, as large as one of them; for networks that look at it.
  std::string color_video;
  DiffusionOptions diffusion;
  // Frames of one run, and of them those that the run before has filled. Empty: as the model says.
  std::optional<int> chunk;  // [1, 4096]
  std::optional<int> carry;  // [0, chunk)
  // Fade these frames from what the run before made to what the next one makes of them.
  bool cross_fade = true;
  bool swap_eyes = false;  // the right eye is on the left, other than the file says
  EncodeOptions encode;    // FFV1 unless the output's ending or an option says otherwise

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, StereoCrafterJobOptions* options);

struct StereoCrafterReport {
  int64_t frames = 0;
  std::string output;
  double hole_share = 0;  // of all pixels
  int64_t runs = 0;       // of the model, each over a chunk of frames of an eye
  std::string model;      // its group, or its name
  int width = 0;
  int height = 0;
};

// Pixels that are no holes stay as they are, at the video's own size. A chunk begins with frames
// that the one before has filled, which are whole then; the last one reaches back as far as it
// takes to be of full length. Chunks of an eye without holes are passed over. Memory: two chunks of
// frames and what the model takes. Throws what the readers, the writer and the models throw, and
// Error: kNotFound (no model, or not all of its parts), kUnsupported (models that are no such
// parts), kCorrupt (as RunInfillSbsJob), kCancelled.
StereoCrafterReport RunStereoCrafterJob(const StereoCrafterJobOptions& options,
                                        const RunControl& control = {});

// Opens what the options name and checks that it fills holes, and that it looks at the originals
// (color_video) if these are given, so that a wrong file is told before there is anything to fill.
// With model.keep it stays open. num_threads as in JobOptions. Throws as RunStereoCrafterJob().
void OpenInfillNetworks(const DepthModelOptions& model, bool with_originals, int num_threads);

}  // namespace mdvt
