// SPDX-License-Identifier: Apache-2.0
//
// GeometryCrafter is not run here: says what to take instead.
#include "common/refused_tool.h"

int main(int argc, char** argv) {
  return mdvt::example::RefuseTool(
      "geometrycrafter_video",
      "GeometryCrafter is a diffusion network, which mdvt does not run; stabilize_depth "
      "steadies the depth of any other engine",
      argc, argv);
}
