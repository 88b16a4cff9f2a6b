// SPDX-License-Identifier: Apache-2.0
#include "common/refused_tool.h"

#include "common/program.h"
#include "mdvt/core/error.h"

namespace mdvt::example {

int RefuseTool(const std::string& name, const std::string& instead, int argc, char** argv) {
  Program program(name, "Not available in mdvt: " + instead + ".", name + " --help");
  const std::string first = argc == 2 ? argv[1] : "";
  const bool asks = first == "--help" || first == "-h" || first == "--version";
  return program.Main(asks ? argc : 1, argv, [&]() -> int {
    throw Error(Code::kUnsupported, "not available: " + instead);
  });
}

}  // namespace mdvt::example
