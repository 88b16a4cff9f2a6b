// SPDX-License-Identifier: Apache-2.0
//
// DepthCrafter is not run here: says what to take instead.
#include "common/refused_tool.h"

int main(int argc, char** argv) {
  return mdvt::example::RefuseTool(
      "depthcrafter_video",
      "DepthCrafter is a diffusion network, which mdvt does not run; take "
      "video_metric_convert with a Video-Depth-Anything model (--model), which is "
      "steady as well",
      argc, argv);
}
