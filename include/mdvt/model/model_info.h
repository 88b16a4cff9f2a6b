// SPDX-License-Identifier: Apache-2.0
//
// What a model file says about itself: the JSON text "mdvt.json" inside the archive, or the sidecar
// <model>.json. It tells all that the library must know to feed the network and to understand its
// outputs, so that no constant of a network is compiled in. docs/models.md has a table of the keys.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/model/resample.h"
#include "mdvt/model/size_rules.h"
#include "mdvt/model/tensor.h"

namespace mdvt {

// In brackets the name in metadata, here and below; after the arrow the layouts by default.
enum class ModelKind {
  kDepth,        // "depth": image NCHW -> depth NCHW, ...
  kDepthVideo,   // "depth_video": frames 1TCHW -> depth 1TCHW
  kDepthStream,  // "depth_stream": image NCHW, time 1, states -> depth NCHW, states; see IsState()
  kTrack,        // "track": frames 1TCHW, queries 1N3 -> tracks 1TN2, visible 1TN, confidence 1TN
  kFlow,         // "flow": a NCHW, b NCHW -> flow NCHW, ...
  kSegment,      // "segment": image NCHW -> masks NCHW
  kInpaint,      // "inpaint": image NCHW, mask NCHW (1 = paint over) -> image NCHW; with a window
                 // frames, mask and at will originals, layouts told -> frames
  kInfillPart,   // "infill_part": one network of a group, see ModelInfo::role; no defaults
  kStabilizerPart,  // "stabilizer_part": likewise
};

// How the values of a picture are scaled.
enum class InputRange {
  kZeroToOne,      // [0, 1]: the sample over the largest one of its format
  kMinusOneToOne,  // [-1, 1]
  kImageMax,       // "image_max": [0, 1], over the largest value in this picture
};

enum class Quantity {
  kDisparity,    // "disparity": larger is nearer
  kDepth,        // "depth": z, along the optical axis
  kDistance,     // "distance": along the ray
  kFlow,         // "flow": (u, v) in pixels of the input, from the first picture to the second
  kProbability,  // "probability": in [0, 1]
  kLogit,        // "logit": the logarithm of the odds
  kIntrinsics,   // "intrinsics": 3 x 3, in pixels of the input
  kRays,         // "rays": unit vectors
  kPosition,     // "position": (x, y) in pixels of the input
  kLogScale,     // "log_scale"
  kImage,        // "image"
  kLatent,       // "latent"
};

enum class OutputScale {
  kNone,              // a quantity without
  kAffine,            // "affine": scale and shift are unknown
  kScaleOnly,         // "scale_only": the scale is unknown
  kMetric,            // "metric": metres
  kMetricTimesFocal,  // "metric_times_focal": metres = depth or 1 / disparity, * fx / focal_ref
};

enum class OutputUnit { kNone, kMetre, kPixel };  // null, "m", "px"

// Where the weights come from; texts for the user. Empty where the metadata does not say.
struct ModelSource {
  std::string upstream, commit, checkpoint, sha256, license;
};

// How a tensor's dimensions are called, one character each, outermost first: a digit is that
// number; C, H, W are channels, rows, columns; other letters stand for any number, the same one
// wherever they appear in the file ("N" batch, "T" frames: "NCHW", "1TCHW", "1N3").
struct TensorLayout {
  std::string dims = "NCHW";
  // What C is; 0 means any number.
  int channels = 0;
  // H and W are this fraction of the picture's sides ("downscale": latent images).
  int downscale = 1;

  bool IsPicture() const { return dims.find('H') != std::string::npos; }
};

struct ModelInputInfo {
  std::string name;
  TensorLayout layout;  // 3 channels unless the metadata has another number
  InputRange range = InputRange::kZeroToOne;
  SizeRule size;  // pictures only
  ResampleKind resample = ResampleKind::kBilinear;
  // "normalize": what Model takes from the values, and then divides them by, before the network
  // gets them; a number for each channel. Empty ("in_module"): the network does that itself.
  std::vector<double> mean, deviation;
};

struct ModelOutputInfo {
  std::string name;
  TensorLayout layout;
  Quantity quantity = Quantity::kDepth;
  OutputScale scale = OutputScale::kNone;
  OutputUnit unit = OutputUnit::kNone;
  ResampleKind resample = ResampleKind::kBilinear;  // on the way back
  double focal_ref = 0;                             // kMetricTimesFocal: pixels, positive
  bool non_negative = false;
  double max_depth = 0;         // metres that the network can reach; 0 if not told
  bool stretch_minmax = false;  // "stretch": "minmax": each mask is stretched to [0, 1]
};

// Of kinds kDepthVideo and kTrack, and of kInpaint at will: how a clip is cut into windows, in
// frames.
struct ModelWindow {
  int length = 0;          // frames of one run. Valid: [1, 4096]
  int stride = 0;          // from one window to the next. Valid: [1, length]
  int overlap = 0;         // first slots filled with `carry`. Valid: [0, length)
  std::vector<int> carry;  // the slots of the window before that are seen again; as many as overlap
  std::vector<int> align_refs;     // slots whose maps new windows are aligned to
  int blend = 0;                   // frames cross-faded. Valid: [0, overlap]
  bool align_scale_shift = false;  // "align": "scale_shift" or "none"
  int min_length = 1;              // shorter clips are refused. Valid: [1, length]
  // Whether a run may have fewer frames than `length`: a multiple of `multiple` of them.
  bool dynamic = false;
  int multiple = 1;
};

// The network's outputs for the input of Model::SelfTest().
struct ModelCheck {
  std::vector<Shape> shapes;  // one for each input; the metadata may leave out those that follow
                              // from the first
  std::vector<double> mean;   // of the first outputs, one or more of them
  std::vector<double> deviation;  // population standard deviation, as many
  double tolerance = 1e-4;
};

struct ModelInfo {
  ModelKind kind = ModelKind::kDepth;
  std::string name;
  ModelSource source;
  std::string exported_with;  // version of torch
  std::string torch_min;      // oldest LibTorch that can read the file; empty if not told
  std::vector<ModelInputInfo> inputs;
  std::vector<ModelOutputInfo> outputs;

  bool batch_dynamic = false;  // false: the first dimension of a batch is batch_max exactly
  int batch_max = 1;

  // What "precision" has; fp32 alone if it is left out.
  bool fp32 = true;
  bool fp16_cuda = false;
  bool bf16_cpu_encoder = false;

  // Where positions count from: the centre of the first pixel.
  double pixel_center = 0.5;
  bool channels_last = false;  // worth it for this network
  std::optional<ModelWindow> window;
  std::vector<std::pair<std::string, std::string>> fixed;  // what the trace baked in, for the user
  std::optional<ModelCheck> check;
  std::vector<std::string> classes;  // kSegment: names of the channels
  std::string group, role;  // kInfillPart, kStabilizerPart: which files belong together, what this
                            // one does
  // kInfillPart: numbers and texts under "scheduler".
  std::vector<std::pair<std::string, std::string>> scheduler;

  // Keys that this version does not know: written by a newer exporter, or misspelled.
  std::vector<std::string> unknown_keys;

  // Whether a tensor of kind kDepthStream is handed from each frame to the next: an output and an
  // input have this name. Its letters stand for sizes of its own.
  bool IsState(const std::string& tensor) const;

  // Every value that is there is checked, those that may be left out get the defaults above.
  // Throws Error(kCorrupt) that names the key and what is valid, Error(kUnsupported) for a format
  // or kind that this version does not know, Error(kLimit) past limits.max_text_bytes or
  // max_json_depth.
  static ModelInfo Parse(const char* text, size_t size, const Limits& limits = {});
};

// The name in metadata.
const char* ToString(ModelKind kind);
const char* ToString(Quantity quantity);
const char* ToString(OutputScale scale);

}  // namespace mdvt
