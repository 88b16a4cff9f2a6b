// SPDX-License-Identifier: Apache-2.0
//
// Depth networks as engines of the jobs: which file, how it is run, and how a relative one becomes
// metric.
#pragma once

#include <memory>
#include <string>

#include "mdvt/core/limits.h"
#include "mdvt/core/run.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/model/model.h"

namespace mdvt {

struct DepthModelOptions {
  std::string path;   // empty, with `loaded` empty too: no model
  ModelOptions open;  // device, precision, trust ...; threads are those of the job
  // A model that is open already, for several clips in turn; wins over path.
  std::shared_ptr<const Model> loaded;
  int input_size = 0;  // see ModelDepthOptions
  int batch = 1;       // frames of one forward pass

  bool empty() const { return path.empty() && !loaded; }
  // Throws Error(kInvalidArgument).
  void Check() const;
};

// The model of the options, opened unless it is loaded. num_threads as in JobOptions. Throws what
// Model::Open does, and Error(kUnsupported) if it is none for depth.
std::shared_ptr<const Model> OpenDepthModel(const DepthModelOptions& options, int num_threads);

// An estimator of that model for frames of `camera`, without a calibration.
std::unique_ptr<ModelDepthEstimator> MakeModelDepth(const DepthModelOptions& options,
                                                    std::shared_ptr<const Model> model,
                                                    const ModelDepthOptions& depth,
                                                    ThreadPool* pool);

struct ReferenceCalibrationOptions {
  std::string color_video;
  std::string depth_video;  // metric depth of the same frames, any size; whole frames of 0 are none
  DepthVideoReaderOptions depth;
  int frames = 32;  // that are compared, spread evenly over the clip
  Limits limits;
  int num_threads = 0;
};

// Runs the estimator on a few frames of the clip and fits its relative disparity to the reference.
// Throws what the readers, the estimator and DisparityFit throw, and Error(kCancelled).
DisparityFitResult CalibrateByReference(const ReferenceCalibrationOptions& options,
                                        ModelDepthEstimator* estimator, ProgressMeter* meter);

}  // namespace mdvt
