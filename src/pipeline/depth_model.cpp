// SPDX-License-Identifier: Apache-2.0
#include "mdvt/pipeline/depth_model.h"

#include <filesystem>
#include <utility>

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/core/parallel.h"

namespace mdvt {
namespace {

bool OnCuda(const DepthModelOptions& options) { return options.open.device.rfind("cuda", 0) == 0; }

// What an open model depends on.
std::string KeyOf(const DepthModelOptions& options, int num_threads) {
  std::string key = options.path + '\n' + options.open.device + '\n' + options.open.sha256 + '\n' +
                    std::to_string(num_threads) + '\n' +
                    std::to_string(static_cast<int>(options.open.processing));
  for (const bool flag : {options.fp16, options.fp32, options.trust_model,
                          options.open.deterministic, options.open.channels_last})
    key += flag ? '1' : '0';
  return key;
}

// Whether the file was refused only because no list names it.
bool TrustWouldHelp(const DepthModelOptions& options, ModelOptions open) {
  if (options.trust_model) return false;
  const auto may_be_opened = [&](ModelTrust trust) {
    open.trust = trust;
    return Model::Inspect(options.path, open).may_be_opened;
  };
  return !may_be_opened(ModelTrust::kListed) && may_be_opened(ModelTrust::kUnlisted);
}

}  // namespace

void DepthModelOptions::Check() const {
  open.Check();
  Require(!(fp16 && fp32), Code::kInvalidArgument, "fp16 and fp32 contradict each other");
  Require(!fp16 || OnCuda(*this), Code::kInvalidArgument,
          "fp16 needs the device cuda: on the processor half precision is slower and less exact");
  Require(input_size == 0 || (input_size >= 14 && input_size <= 16384), Code::kInvalidArgument,
          "input_size = " + std::to_string(input_size) + ", must be 0 or in [14, 16384]");
  Require(batch >= 1 && batch <= 64, Code::kInvalidArgument,
          "batch = " + std::to_string(batch) + ", must be in [1, 64]");
}

std::shared_ptr<const Model> OpenDepthModel(const DepthModelOptions& options, int num_threads) {
  return OpenNetwork(options, num_threads,
                     "the scripts of models/export make one of a checkpoint, see docs/models.md",
                     [](const ModelInfo& info) { IsRelativeDepth(info); });
}

void CheckVdaMode(const DepthModelOptions& options, const ModelInfo& info) {
  if (!options.vda_mode) return;
  const bool stream = *options.vda_mode == VdaMode::kStream;
  const ModelKind wanted = stream ? ModelKind::kDepthStream : ModelKind::kDepthVideo;
  Require(info.kind == wanted, Code::kUnsupported,
          "model '" + info.name + "' is of kind \"" + ToString(info.kind) + "\", vda_mode " +
              (stream ? "stream" : "window") + " needs \"" + ToString(wanted) +
              "\": models/export/video_depth_anything.py writes one" +
              (stream ? " with --stream" : " without --stream"));
}

std::shared_ptr<const Model> OpenNetwork(const DepthModelOptions& options, int num_threads,
                                         const std::string& where_from,
                                         const std::function<void(const ModelInfo&)>& check) {
  if (options.loaded) return options.loaded;
  options.Check();
  const std::string key = KeyOf(options, num_threads);
  if (options.keep) {
    const auto kept = options.keep->by_key.find(key);
    if (kept != options.keep->by_key.end()) return kept->second;
  }
  std::error_code ignored;
  Require(std::filesystem::exists(options.path, ignored), Code::kNotFound,
          "no model '" + options.path + "': " + where_from);
  ModelOptions open = options.open;
  open.num_threads = num_threads;
  if (options.trust_model) open.trust = ModelTrust::kUnlisted;
  if (OnCuda(options) && !options.fp32) {
    const ModelFileReport file = Model::Inspect(options.path, open);
    if (options.fp16 || (file.info && file.info->fp16_cuda)) open.precision = ModelPrecision::kFp16;
  }
  std::shared_ptr<const Model> model;
  try {
    model = std::make_shared<const Model>(Model::Open(options.path, open));
  } catch (const Error& error) {
    if (error.code() != Code::kRefused || !TrustWouldHelp(options, open)) throw;
    throw Error(error.code(), std::string(error.what()) + " (--sha256 HASH or --trust_model)");
  }
  if (check) check(model->info());
  if (model->info().source.license.find("NC") != std::string::npos)
    LogWarning("the weights of '" + model->info().name + "' are licensed " +
               model->info().source.license + ": not for commercial use");
  if (options.keep) options.keep->by_key[key] = model;
  return model;
}

std::unique_ptr<ModelDepthEstimator> MakeModelDepth(const DepthModelOptions& options,
                                                    std::shared_ptr<const Model> model,
                                                    const ModelDepthOptions& depth,
                                                    ThreadPool* pool) {
  ModelDepthOptions all = depth;
  all.input_size = options.input_size;
  all.batch = options.batch;
  if (options.open.deterministic && pool != nullptr) all.side_by_side = pool->num_threads();
  return std::make_unique<ModelDepthEstimator>(std::move(model), all, pool);
}

}  // namespace mdvt
