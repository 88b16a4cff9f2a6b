// SPDX-License-Identifier: Apache-2.0
//
// Makes a stereo video of a color video in one run, without a depth file in between.
#include "common/program.h"

int main(int argc, char** argv) { return mdvt::example::RunTool("mono_to_sbs", argc, argv); }
