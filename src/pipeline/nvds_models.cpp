// SPDX-License-Identifier: Apache-2.0
#include "pipeline/nvds_models.h"

#include <filesystem>

#include "mdvt/core/error.h"

namespace mdvt {

std::shared_ptr<const NvdsNetwork> OpenNvds(const NvdsModels& models, int num_threads) {
  const auto open = [&](const std::string& path) {
    std::error_code ignored;
    Require(std::filesystem::exists(path, ignored), Code::kNotFound,
            "no model '" + path + "': models/export/nvds.py makes both of a checkpoint");
    ModelOptions options;
    options.device = models.device;
    options.num_threads = num_threads;
    if (models.trust_model) options.trust = ModelTrust::kUnlisted;
    try {
      return std::make_shared<const Model>(Model::Open(path, options));
    } catch (const Error& error) {
      if (error.code() != Code::kRefused || models.trust_model) throw;
      throw Error(error.code(), std::string(error.what()) + " (or the option that trusts it)");
    }
  };
  const std::shared_ptr<const Model> backbone = open(models.backbone);
  return std::make_shared<const NvdsNetwork>(backbone, open(models.head));
}

}  // namespace mdvt
