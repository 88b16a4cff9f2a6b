// SPDX-License-Identifier: Apache-2.0
//
// Points of a stereo clip in space.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("track_optimization", argc, argv); }
