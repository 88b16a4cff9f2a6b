// SPDX-License-Identifier: Apache-2.0
//
// Turns a depth video into a grey video, point clouds or meshes.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("convert_metric_depth_video_to_other_format", argc, argv);
}
