// SPDX-License-Identifier: Apache-2.0
//
// Enlarges a depth video along the edges of its color video.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("upscale_depth_promptda", argc, argv);
}
