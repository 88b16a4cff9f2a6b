// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <array>
#include <utility>

#include "convert.h"
#include "guarded.h"
#include "mdvt/core/numbers.h"
#include "mdvt/depth/model_depth.h"
#include "mdvt/model/backend.h"
#include "structs.h"

using namespace mdvt::capi;

namespace {

mdvt::ModelOptions ToModelOptions(const mdvt_model_options& from) {
  mdvt::ModelOptions to;
  to.backend = TextOrEmpty(from.backend);
  if (from.device != nullptr) to.device = from.device;
  to.num_threads = Threads(from.num_threads, "options.num_threads");
  to.precision = Choose(from.precision,
                        std::array{mdvt::ModelPrecision::kFp32, mdvt::ModelPrecision::kFp16,
                                   mdvt::ModelPrecision::kBf16CpuEncoder},
                        "options.precision", "MDVT_PRECISION_*");
  to.deterministic = Flag(from.deterministic, "options.deterministic");
  to.channels_last = Flag(from.channels_last, "options.channels_last");
  to.profiling_executor = Flag(from.profiling_executor, "options.profiling_executor");
  to.optimize = Flag(from.optimize, "options.optimize");
  to.self_test = Flag(from.self_test, "options.self_test");
  to.trust = Flag(from.allow_unlisted, "options.allow_unlisted") ? mdvt::ModelTrust::kUnlisted
                                                                 : mdvt::ModelTrust::kListed;
  if (from.processing != MDVT_PROCESSING_AUTO)
    to.processing = Choose(from.processing,
                           std::array{mdvt::ModelProcessing::kHost, mdvt::ModelProcessing::kDevice},
                           "options.processing", "MDVT_PROCESSING_*");
  to.manifest = TextOrEmpty(from.manifest);
  to.sha256 = TextOrEmpty(from.sha256);
  if (from.max_run_seconds != 0) to.max_run_seconds = from.max_run_seconds;
  to.limits = ToLimits(from.limits, "options.limits");
  to.Check();
  return to;
}

}  // namespace

mdvt_status mdvt_model_open(const char* path, const mdvt_model_options* options,
                            mdvt_model** model) {
  return Guarded([&] {
    RequireSet(model, "model");
    *model = nullptr;
    const std::string file = Path(path, "path");
    const mdvt::ModelOptions opening = ToModelOptions(ReadOptions(options, "options"));
    auto opened = std::make_unique<mdvt_model>();
    opened->model = std::make_shared<const mdvt::Model>(mdvt::Model::Open(file, opening));
    opened->backend = opened->model->backend();
    *model = opened.release();
  });
}

mdvt_status mdvt_model_info_get(const mdvt_model* model, mdvt_model_info* info) {
  return Guarded([&] {
    RequireSet(model, "model");
    CheckedSize(info, "info");
    const mdvt::ModelInfo& from = model->model->info();
    auto to = Defaults<mdvt_model_info>();
    to.batch_max = from.batch_max;
    to.name = from.name.c_str();
    to.kind = mdvt::ToString(from.kind);
    to.license = from.source.license.c_str();
    to.upstream = from.source.upstream.c_str();
    to.sha256 = model->model->sha256().c_str();
    to.backend = model->backend.c_str();
    if (from.kind == mdvt::ModelKind::kDepth) {
      to.relative = mdvt::IsRelativeDepth(from);
      to.metric = !to.relative;
    }
    to.num_inputs = static_cast<int32_t>(from.inputs.size());
    to.num_outputs = static_cast<int32_t>(from.outputs.size());
    to.has_self_test = from.check.has_value();
    WriteStruct(to, info, "info");
  });
}

mdvt_status mdvt_model_self_test(const mdvt_model* model) {
  return Guarded([&] {
    RequireSet(model, "model");
    for (const mdvt::ModelCheckResult& result : model->model->SelfTest()) {
      mdvt::Require(result.passed, mdvt::Code::kCorrupt,
                    "the self-test of '" + model->model->path() + "' fails: output '" +
                        result.output + "' has mean " + mdvt::FormatDouble(result.mean) +
                        " and deviation " + mdvt::FormatDouble(result.deviation) + ", must be " +
                        mdvt::FormatDouble(result.expected_mean) + " and " +
                        mdvt::FormatDouble(result.expected_deviation) + " (within " +
                        mdvt::FormatDouble(result.tolerance) + ")");
    }
  });
}

void mdvt_model_close(mdvt_model* model) {
  Guarded([&] { delete model; });
}

mdvt_status mdvt_backend_register(const struct mdvt_backend* backend) {
  return Guarded([&] {
    RequireSet(backend, "backend");
    mdvt::RegisterBackend(backend);
  });
}

mdvt_status mdvt_backend_add_folder(const char* folder) {
  return Guarded([&] { mdvt::AddBackendFolder(Path(folder, "folder")); });
}
