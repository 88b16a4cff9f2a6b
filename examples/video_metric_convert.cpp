// SPDX-License-Identifier: Apache-2.0
//
// Makes a metric depth video of a color video.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("video_metric_convert", argc, argv);
}
