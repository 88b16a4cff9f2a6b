// SPDX-License-Identifier: Apache-2.0
//
// Fills the holes of a side-by-side video by a video diffusion model.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("stereo_crafter_infill", argc, argv);
}
