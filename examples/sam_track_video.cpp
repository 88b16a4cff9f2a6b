// SPDX-License-Identifier: Apache-2.0
//
// Finds the camera of each frame from a video and its depth.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("sam_track_video", argc, argv); }
