// SPDX-License-Identifier: Apache-2.0
//
// Depth networks as engines of the jobs: which file, how it is run, and how a relative one becomes
// metric.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mdvt/core/limits.h"
#include "mdvt/core/options.h"
#include "mdvt/depth/disparity_fit.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/io/depth_video.h"
#include "mdvt/model/model.h"
#include "mdvt/pipeline/graph.h"
#include "mdvt/pipeline/view_options.h"

namespace mdvt {

// Where the models of one job are kept open for the next, by the options they were opened with. Of
// one thread at a time.
struct OpenedModels {
  std::map<std::string, std::shared_ptr<const Model>> by_key;
};

// How a network sees a clip.
enum class VdaMode {
  kWindow,  // windows of frames: kind "depth_video"
  kStream,  // frame by frame, with what it remembers of those before: kind "depth_stream"
};

struct DepthModelOptions {
  std::string path;          // empty, with `loaded` empty too: no model
  ModelOptions open;         // device, trust ...; threads are those of the job
  bool fp16 = false;         // half precision, on CUDA
  bool fp32 = false;         // full precision, also on CUDA where the metadata allows half
  bool trust_model = false;  // open a model that no manifest lists
  // A model that is open already, for several clips in turn; wins over path.
  std::shared_ptr<const Model> loaded;
  std::shared_ptr<OpenedModels> keep;  // may be null
  int input_size = 0;                  // see ModelDepthOptions
  int batch = 1;                       // frames of one forward pass
  std::optional<VdaMode> vda_mode;     // what the model has to be; empty: as its file says
  // Networks that see frames together start anew at each cut in the pictures.
  SceneCuts vda_cuts = SceneCuts::kAuto;

  bool empty() const { return path.empty() && !loaded; }
  // Throws Error(kInvalidArgument).
  void Check() const;
};
void Describe(OptionList* list, DepthModelOptions* options);
// The options vda_mode and vda_cuts alone, for jobs that take such networks.
void DescribeVdaMode(OptionList* list, DepthModelOptions* options);
// How a network of another kind is opened and run, for jobs that name its file themselves: device,
// precision, trust. They are there where the option `other` has one of `values`.
void DescribeNetwork(OptionList* list, DepthModelOptions* options, const std::string& other,
                     const std::vector<std::string>& values = {});

// The model of the options, opened unless it is loaded. num_threads as in JobOptions. Warns where
// the licence of the weights does not allow every use. Throws what Model::Open does, and
// Error(kUnsupported) if it is none for depth.
std::shared_ptr<const Model> OpenDepthModel(const DepthModelOptions& options, int num_threads);

// Throws Error(kUnsupported) for a model that is not as options.vda_mode has it.
void CheckVdaMode(const DepthModelOptions& options, const ModelInfo& info);

// The same for a network of any kind. `where_from` tells in the error for a missing file how one is
// made; `check` throws for a network of another kind.
std::shared_ptr<const Model> OpenNetwork(const DepthModelOptions& options, int num_threads,
                                         const std::string& where_from =
                                             "models/export/ makes one of a checkpoint, see "
                                             "docs/models.md",
                                         const std::function<void(const ModelInfo&)>& check = {});

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
  // Of both videos; -1: as many as the color video has. A trial run over the first frames compares
  // the same ones as the whole run will, as far as the reference goes.
  int64_t end = -1;
  // Networks that see frames together see those that FrameChooser keeps; -1: all.
  double target_fps = -1;
  Limits limits;
};

// Runs the estimator on a few frames of the clip, as a phase "calibration" of the graph, and fits
// its relative disparity to the reference. Throws what the readers, the estimator and DisparityFit
// throw, Error(kCancelled), and Error(kInvalidArgument) if one video ends before the other.
DisparityFitResult CalibrateByReference(const ReferenceCalibrationOptions& options,
                                        ModelDepthEstimator* estimator, Graph* graph);

}  // namespace mdvt
