// SPDX-License-Identifier: Apache-2.0
//
// Follows points through a video.
#include "common/program.h"

int main(int argc, char** argv) {
  return mdvt::example::RunTool("track_points_in_video", argc, argv);
}
