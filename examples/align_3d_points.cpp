// SPDX-License-Identifier: Apache-2.0
//
// Finds the camera of each frame from tracks and depth.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("align_3d_points", argc, argv); }
