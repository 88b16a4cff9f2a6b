// SPDX-License-Identifier: Apache-2.0
//
// Measures how comfortable a stereo video is to look at.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("check_stereo", argc, argv); }
