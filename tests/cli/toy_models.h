// SPDX-License-Identifier: Apache-2.0
//
// Toy networks whose depth is a formula, as models/export/toy.py writes them.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

namespace mdvt::test {

// Writes <kind>.pt for each kind into `folder`, and manifest.json that lists them. Returns why not,
// in words: LibTorch's plug-in or python3-torch may be absent.
inline std::string MakeToyModels(const std::string& folder, const std::vector<std::string>& kinds) {
#ifdef MDVT_TOY_MODELS
  if (std::system("/usr/bin/python3 -c 'import torch' >/dev/null 2>&1") != 0)
    return "python3-torch is not installed";
  for (const std::string& kind : kinds) {
    const std::string command = "/usr/bin/python3 -B '" MDVT_TOY_MODELS "' --kind " + kind +
                                " --out '" + folder + "/" + kind + ".pt' >/dev/null";
    if (std::system(command.c_str()) != 0) return "toy.py failed: " + command;
  }
  return "";
#else
  (void)folder, (void)kinds;
  return "mdvt was built without the backend mdvt_torch";
#endif
}

}  // namespace mdvt::test
