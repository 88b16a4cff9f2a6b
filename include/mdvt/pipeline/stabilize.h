// SPDX-License-Identifier: Apache-2.0
//
// Depth that flickers made steady: as an option of jobs that compute depth, and for depth videos.
#pragma once

#include <cstdint>
#include <string>

#include "mdvt/core/run.h"
#include "mdvt/depth/stabilizer.h"
#include "mdvt/pipeline/job_options.h"

namespace mdvt {

enum class StabilizerKind {
  kNone,
  kFlow,  // FlowStabilizer
  kNvds,  // NvdsStabilizer
};

struct StabilizeOptions {
  StabilizerKind kind = StabilizerKind::kNone;
  // Of kFlow; width, height and field of view follow from the clip, and the times are in ms here.
  int lookahead = 16;
  FrameAlignment align = FrameAlignment::kAuto;
  double memory_ms = 400;
  double leak_seconds = 2;
  int short_side = 384;
  bool cuts = true;  // start anew at hard cuts
  // Of kNvds: the two halves of the network, and where it runs.
  std::string nvds_backbone, nvds_head;
  std::string nvds_device = "cpu";
  bool nvds_trust_model = false;

  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, StabilizeOptions* options);

struct StabilizeDepthJobOptions {
  JobOptions job;
  std::string depth_video;
  std::string color_video;
  std::string output;  // empty: <depth_video>_stable.mkv
  DepthReadingOptions depth;
  StabilizeOptions stabilizer = Flow();
  bool live = false;  // as options: no lookahead
  FovOptions fov;     // nothing given: as the depth video's tags say, else kDefaultXfovDeg

  // Throws Error(kInvalidArgument).
  void Check() const;

 private:
  static StabilizeOptions Flow() {
    StabilizeOptions flow;
    flow.kind = StabilizerKind::kFlow;
    return flow;
  }
};
void Describe(OptionList* list, StabilizeDepthJobOptions* options);

struct StabilizeDepthReport {
  int64_t frames = 0;
  std::string output;
  int64_t shots = 0;
  // Root mean square of log of what whole frames were multiplied by in 1 / depth, in percent.
  double scale_change = 0;
  int width = 0, height = 0;
};

// The output has encoding, range, times and tags of the input. Throws what the readers throw, and
// Error(kInvalidArgument) for a colour video of another size or length.
StabilizeDepthReport RunStabilizeDepthJob(const StabilizeDepthJobOptions& options,
                                          const RunControl& control = {});

}  // namespace mdvt
