// SPDX-License-Identifier: Apache-2.0
//
// Splits a stereo video into one for each eye.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("split_sbs_video", argc, argv); }
