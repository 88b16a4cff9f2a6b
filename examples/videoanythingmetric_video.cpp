// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video with a metric network of windows.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("videoanythingmetric_video", argc, argv);
}
