// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "mdvt/core/error.h"
#include "mdvt/core/numbers.h"
#include "mdvt/pipeline/jobs.h"
#include "mdvt/pipeline/mono_to_sbs.h"
#include "pipeline/job_common.h"

namespace mdvt {

void DepthJobOptions::Check() const {
  CheckJobOptions(job);
  Require(!color_video.empty(), Code::kInvalidArgument, "no color video was given");
  model.Check();
  Require(reference_depth.empty() || !model.empty(), Code::kInvalidArgument,
          "a reference depth calibrates a relative model, none was given");
  Require(!reference_depth.empty() || !(reference_max_depth || reference_encoding),
          Code::kInvalidArgument, "range and encoding of a reference depth, none was given");
  Require(transformation_output.empty() || model.empty(), Code::kInvalidArgument,
          "a model gives no camera path: transformation_output goes with depth from motion");
  DepthCodecOptions codec;
  codec.encoding = encoding;
  codec.max_depth = max_depth;
  codec.Check();
  Require(scene_scale > 0 && scene_scale <= 10000, Code::kInvalidArgument,
          "scene_scale = " + FormatDouble(scene_scale) + " m, must be in (0, 10000]");
  Require(target_fps == -1 || (target_fps > 0 && target_fps <= 1000), Code::kInvalidArgument,
          "target_fps = " + FormatDouble(target_fps) + ", must be -1 (all frames) or in (0, 1000]");
  Require(working_side >= 64 && working_side <= 4096, Code::kInvalidArgument,
          "working_side = " + std::to_string(working_side) + " pixels, must be in [64, 4096]");
}

void StereoJobOptions::Check() const {
  CheckJobOptions(job);
  stereo.Check();
  Require(!depth_video.empty(), Code::kInvalidArgument, "no depth video was given");
  Require(!convergence || (*convergence >= 0 && std::isfinite(*convergence)),
          Code::kInvalidArgument,
          "convergence = " + FormatDouble(convergence.value_or(0)) +
              " m, must be 0 (parallel eyes) or positive");
  Require(!convergence || convergence_file.empty(), Code::kInvalidArgument,
          "give a fixed convergence or a convergence file, not both");
  Require(master_xfov_deg > 0 && master_xfov_deg < 180, Code::kInvalidArgument,
          "master_xfov = " + FormatDouble(master_xfov_deg) + " degrees, must be in (0, 180)");
  Require(baseline_scale >= 0 && baseline_scale <= 1000, Code::kInvalidArgument,
          "baseline_scale = " + FormatDouble(baseline_scale) + ", must be in [0, 1000]");
}

void ExportJobOptions::Check() const {
  CheckJobOptions(job);
  const bool geometry = !ply_folder.empty() || !obj_folder.empty();
  Require(!depth_video.empty(), Code::kInvalidArgument, "no depth video was given");
  Require(geometry || grey_bits, Code::kInvalidArgument,
          "nothing to write: ask for a grey video, PLY or OBJ files");
  Require(!grey_bits || *grey_bits == 8 || *grey_bits == 16, Code::kInvalidArgument,
          "grey_bits = " + std::to_string(grey_bits.value_or(0)) + ", must be 8 or 16");
  Require(output.empty() || grey_bits, Code::kInvalidArgument,
          "an output name is for a grey video, none was asked for");
  Require(!transformation_lock_frame || !transformation_file.empty(), Code::kInvalidArgument,
          "a transformation lock frame needs a transformation file");
  Require(min_frames >= -1, Code::kInvalidArgument,
          "min_frames = " + std::to_string(min_frames) + ", must be -1 or a frame number");
  Require(tear_disparity >= 0 && tear_disparity <= 1000, Code::kInvalidArgument,
          "tear_disparity = " + FormatDouble(tear_disparity) + " pixels, must be in [0, 1000]");
  Require(tear_depth >= 0 && tear_depth <= 10, Code::kInvalidArgument,
          "tear_depth = " + FormatDouble(tear_depth) + ", must be in [0, 10]");
  Require(tear_baseline > 0 && tear_baseline <= 1, Code::kInvalidArgument,
          "tear_baseline = " + FormatDouble(tear_baseline) + " m, must be in (0, 1]");
}

void MonoToSbsJobOptions::Check() const {
  const auto require = [](bool inside, const std::string& text) {
    Require(inside, Code::kInvalidArgument, text);
  };
  CheckJobOptions(job);
  require(!input.empty(), "no input video was given");
  require(xfov_deg > 0 && xfov_deg < 180,
          "xfov = " + FormatDouble(xfov_deg) + " degrees, must be in (0, 180)");
  require(scene_scale > 0 && scene_scale <= 10000,
          "scene_scale = " + FormatDouble(scene_scale) + " m, must be in (0, 10000]");
  require(working_side >= 64 && working_side <= 4096,
          "working_side = " + std::to_string(working_side) + " pixels, must be in [64, 4096]");
  norm.Check();
  smoothing.Check();
  shift.Check();
  convergence.Check();
  canvas.Check();
  require(!max_shift || (*max_shift >= 0 && *max_shift <= 4096),
          "max_shift = " + FormatDouble(max_shift.value_or(0)) + " pixels, must be in [0, 4096]");
  require((cuts == SceneCuts::kFile) == !scene_file.empty(),
          "a list of scenes belongs to the cuts from a file, and the other way round");
  require(fps == 0 || (fps >= 0.1 && fps <= 1000),
          "fps = " + FormatDouble(fps) + ", must be 0 (as the source) or in [0.1, 1000]");
  require(!(preview_interval && preview_every),
          "give the interval of a preview in seconds or in frames, not both");
  require(!preview_interval || (*preview_interval > 0 && *preview_interval <= 86400),
          "preview_interval = " + FormatDouble(preview_interval.value_or(0)) +
              " s, must be in (0, 86400]");
  require(!preview_every || *preview_every >= 1,
          "preview_every = " + std::to_string(preview_every.value_or(0)) +
              ", must be at least 1 frame");
}

}  // namespace mdvt
