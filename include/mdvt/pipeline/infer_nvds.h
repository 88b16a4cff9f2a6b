// SPDX-License-Identifier: Apache-2.0
//
// The whole run of the Neural Video Depth Stabilizer over a clip: forward, backward, both mixed,
// their scores, and the folders of pictures that its readers know; and the video that compares such
// folders.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/depth/nvds.h"
#include "mdvt/pipeline/depth_model.h"
#include "mdvt/pipeline/encode_options.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

enum class NvdsDirection {
  kForward,
  kBackward,
  kMix,         // the mean of both, or the better one for the whole clip, as the original
  kMixAligned,  // backward fitted to forward, weighted pixel by pixel by how steady each is
};

enum class NvdsRange {
  kFrame,  // each picture from its own least to its largest value
  kClip,   // all of them from the 0.1st to the 99.9th percentile of the clip
};

struct InferNvdsJobOptions {
  JobOptions job;
  std::string base_dir;  // output folder
  // The frames: <video_dir>/<vnum>/left/*.png, or a video.
  std::string vnum, video_dir = "./demo_videos";
  std::string color_video;
  // First disparity, one of: a depth network, a folder of 16-bit pictures, a depth video.
  DepthModelOptions model;
  std::string initial_dir, depth_video;
  DepthReadingOptions depth;

  std::string backbone, head;
  std::string nvds_device = "cpu";
  bool nvds_trust_model = false;  // open both though no manifest lists them
  // Size of the work; multiples of the network's. Empty: short side 384, the picture's proportions.
  std::optional<int> infer_w, infer_h;
  int timesall = 2;   // 1: forward only. Valid: [1, 2]
  int clip_step = 1;  // frames from one of a window to the next. Valid: [1, 64]
  std::optional<NvdsDirection> direction;  // of the result; empty: kMixAligned, or kForward
  NvdsStartup startup = NvdsStartup::kReplicate;
  NvdsRange norm = NvdsRange::kFrame;
  bool parity = false;  // as options: as the original does where nothing else is given
  // The network sees disparity that has been through 16-bit pictures, as in the original.
  bool quantize = false;
  int cache_mb = 1024;  // for features of frames that are needed again. Valid: [0, 2^20]

  NvdsDirection Direction() const;
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, InferNvdsJobOptions* options);

struct InferNvdsReport {
  int64_t frames = 0;
  std::string output;
  int width = 0, height = 0;
  double initial_opw = 0;
  std::optional<double> forward_opw, backward_opw, mix_opw;
  int64_t encoded = 0;  // frames that went through the backbone, again ones counted again
};

// Writes base_dir/{initial,1,2,mix}/{gray,color}/, result.txt, result.json and depth_meta.json;
// what is not asked for is left out. Throws what the readers and networks throw.
InferNvdsReport RunInferNvdsJob(const InferNvdsJobOptions& options, const RunControl& control = {});

struct CompareNvdsJobOptions {
  JobOptions job;
  std::string vnum;
  std::string video_dir = "./demo_videos", results_dir = "./demo_outputs";
  std::string columns = "dpt_init,midas_init";  // folders in results_dir, parted by commas
  std::string output;                           // empty: ./demo_outputs_videos/compare_<vnum>.mp4
  int infer_w = 896, infer_h = 384;             // of each cell. Valid: even, [16, 4096]
  double fps = 24;                              // (0, 1000]
  EncodeOptions encode;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, CompareNvdsJobOptions* options);

struct CompareNvdsReport {
  int64_t frames = 0;
  std::string output;
  int width = 0, height = 0;
};

// A column for each folder, with the picture, its first disparity and the result below each other.
CompareNvdsReport RunCompareNvdsJob(const CompareNvdsJobOptions& options,
                                    const RunControl& control = {});

}  // namespace mdvt
