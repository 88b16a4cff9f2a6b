// SPDX-License-Identifier: Apache-2.0
#include "common/model_options.h"

#include "mdvt/core/error.h"
#include "mdvt/core/log.h"
#include "mdvt/io/sidecar.h"
#include "mdvt/io/video_reader.h"

namespace mdvt::example {

void ModelSwitches::AddTo(Program* program, bool as_ckpt_too) {
  program->Text(
      as_ckpt_too ? "model,--ckpt" : "model", "FILE",
      "depth model in place of the camera's motion: a TorchScript file that models/export/ "
      "has written",
      &model_.path);
  program->Integer("batch", "FRAMES", "frames that the model sees at once", &batch_, {1, 64});
  program->Flag("fp16", "half precision, on CUDA", &fp16_);
  program->Flag("fp32", "full precision, on CUDA too", &fp32_);
  program->Flag("deterministic",
                "the same bits for every number of threads: a forward pass has one thread, several "
                "frames run side by side",
                &model_.open.deterministic);
  program->Text("sha256", "HASH", "the hash that the model's file must have", &model_.open.sha256,
                "that of manifest.json beside it");
  program->Flag("trust_model",
                "open a model that is not listed in manifest.json: a model is a program", &trust_);
  program->AllowDevices();
}

DepthModelOptions ModelSwitches::Open(const Program& program, int64_t input_size,
                                      const JobOptions& job, const std::string& input) {
  if (model_.path.empty()) {
    for (const char* name : {"batch", "fp16", "fp32", "deterministic", "sha256", "trust_model"})
      Require(
          !program.WasGiven(name), Code::kInvalidArgument,
          std::string("--") + name + " belongs to a depth model, none was given (--model FILE)");
    Require(program.device() == "cpu", Code::kInvalidArgument,
            "--device is '" + program.device() +
                "': depth from motion runs on the processor, only a depth model (--model FILE) can "
                "run elsewhere");
    return {};
  }
  Require(!(fp16_ && fp32_), Code::kInvalidArgument, "--fp16 and --fp32 contradict each other");
  model_.batch = static_cast<int>(batch_);
  model_.input_size = static_cast<int>(input_size);
  model_.open.device = program.device();
  if (trust_) model_.open.trust = ModelTrust::kUnlisted;
  const bool cuda = model_.open.device.rfind("cuda", 0) == 0;
  Require(!fp16_ || cuda, Code::kInvalidArgument,
          "--fp16 needs --device cuda: on the processor half precision is slower and less exact");
  if (cuda && !fp32_) {
    const ModelFileReport file = Model::Inspect(model_.path, model_.open);
    if (fp16_ || (file.info && file.info->fp16_cuda)) model_.open.precision = ModelPrecision::kFp16;
  }
  if (!IsBatchList(input)) {
    VideoReaderOptions reader;
    reader.limits = job.limits;
    reader.num_threads = 1;
    static_cast<void>(VideoReader(input, reader));
  }
  try {
    model_.loaded = OpenDepthModel(model_, job.num_threads);
  } catch (const Error& error) {
    if (error.code() != Code::kRefused || trust_) throw;
    const auto may_be_opened = [&](ModelTrust trust) {
      ModelOptions open = model_.open;
      open.trust = trust;
      return Model::Inspect(model_.path, open).may_be_opened;
    };
    if (may_be_opened(ModelTrust::kListed) || !may_be_opened(ModelTrust::kUnlisted)) throw;
    throw Error(error.code(), std::string(error.what()) + " (--sha256 HASH or --trust_model)");
  }
  const ModelInfo& info = model_.loaded->info();
  if (info.source.license.find("NC") != std::string::npos)
    LogWarning("the weights of '" + info.name + "' are licensed " + info.source.license +
               ": not for commercial use");
  return model_;
}

}  // namespace mdvt::example
